/**
 * How many values a stack has for opcodes, without the values.
 *
 * @module
 */

import { OP } from "../machine/opcodes.ts";

/** What a stack has: values above its last mark, and marks. */
export interface StackDepth {
  readonly values: number;
  readonly marks: number;
}

/** The depth where nothing is known of it: opcodes have all that they take. */
export const ANY_DEPTH: StackDepth = { values: Infinity, marks: Infinity };

/** Marks that are counted. A stretch that is tried takes no more. */
const MARKS_BEFORE = 64;
/** Values that bytes which were passed over may have put on the stack. */
const VALUES_BEFORE = 4;

/** How many values there are for the opcodes of a stretch, at most. */
export class Depth {
  private values: number;
  private readonly below: number[];

  /** @param stack values and marks at the beginning */
  constructor({ values, marks }: StackDepth) {
    this.values = values + VALUES_BEFORE;
    // What lies below marks that were set before is not counted.
    this.below = Array(Math.min(marks, MARKS_BEFORE)).fill(Infinity);
  }

  /** Whether an opcode has the values that it takes; they are taken, and what it gives is put there. */
  takes(code: number): boolean {
    if (code === OP.MARK) {
      this.below.push(this.values);
      this.values = 0;
      return true;
    }
    const least = TO_MARK.get(code);
    if (least !== undefined) {
      const below = this.below.pop();
      if (below === undefined || below < least || (code === OP.OBJ && this.values < 1)) {
        return false;
      }
      this.values = below + (KEEPS.has(code) ? 0 : 1);
      return true;
    }
    const [needed, left] = OPERANDS.get(code) ?? [0, 1];
    // POP takes a mark, too.
    if (code === OP.POP && this.values < 1) {
      const below = this.below.pop();
      this.values = below ?? 0;
      return below !== undefined;
    }
    if (this.values < needed) return false;
    this.values += left - needed;
    return true;
  }
}

/** Opcodes that take all to the last mark, with the values that they need below it. */
const TO_MARK: ReadonlyMap<number, number> = new Map([
  [OP.TUPLE, 0],
  [OP.LIST, 0],
  [OP.DICT, 0],
  [OP.INST, 0],
  [OP.OBJ, 0],
  [OP.FROZENSET, 0],
  [OP.POP_MARK, 0],
  [OP.APPENDS, 1],
  [OP.SETITEMS, 1],
  [OP.ADDITEMS, 1],
]);
/** Those of them that put nothing on the stack. */
const KEEPS = new Set<number>([OP.POP_MARK, OP.APPENDS, OP.SETITEMS, OP.ADDITEMS]);
/** Values that other opcodes need, and that they leave of these; all others put one on the stack. */
const OPERANDS: ReadonlyMap<number, readonly [needed: number, left: number]> = new Map([
  [OP.STOP, [1, 0]],
  [OP.POP, [1, 0]],
  [OP.DUP, [1, 2]],
  [OP.APPEND, [2, 1]],
  [OP.SETITEM, [3, 1]],
  [OP.BUILD, [2, 1]],
  [OP.REDUCE, [2, 1]],
  [OP.NEWOBJ, [2, 1]],
  [OP.NEWOBJ_EX, [3, 1]],
  [OP.STACK_GLOBAL, [2, 1]],
  [OP.TUPLE1, [1, 1]],
  [OP.TUPLE2, [2, 1]],
  [OP.TUPLE3, [3, 1]],
  [OP.BINPERSID, [1, 1]],
  [OP.READONLY_BUFFER, [1, 1]],
  [OP.PUT, [1, 1]],
  [OP.BINPUT, [1, 1]],
  [OP.LONG_BINPUT, [1, 1]],
  [OP.MEMOIZE, [1, 1]],
  [OP.PROTO, [0, 0]],
  [OP.FRAME, [0, 0]],
]);
