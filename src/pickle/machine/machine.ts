/**
 * The pickle machine: steps through opcodes as CPython's C unpickler does (`Modules/_pickle.c`,
 * functions `load_*`), on abstract values.
 *
 * `run` is synchronous and goes on until it needs bytes that are not in the window, meets STOP or an
 * error, or must hand control to its driver. For values that no rule cares about nothing is allocated
 * per opcode.
 *
 * @module
 */

import { typeOf } from "./classes.ts";
import { FrameReader } from "./frames.ts";
import { Heap } from "./heap.ts";
import { Memo } from "./memo.ts";
import { MINUS, NEWLINE, plainFloatEnd } from "./line_fast_path.ts";
import { signed4 } from "./literals.ts";
import { OP, opcodeOf } from "./opcodes.ts";
import type { Semantics } from "./semantics.ts";
import { Stack } from "./stack.ts";
import {
  ABSENT,
  AGAIN,
  leave,
  MachineAnomalies,
  type MachineOptions,
  type Next,
  STATUS,
  type Status,
} from "./status.ts";
import { CONTAINER, FALSE, type Handle, KIND, LOST, NONE, TRUE, UNKNOWN, UNSET } from "./values.ts";
import type { ByteWindow } from "./window.ts";

/**
 * Does one opcode.
 *
 * @param pos place in the window behind the opcode's byte
 * @returns the place of the next opcode, or why the loop is left
 */
export type Handler = (machine: Machine, pos: number) => Next;

/**
 * What each byte does, by its value: 256 handlers, of which some know only what the loop leaves to
 * them, and what goes on with a line that a window cut.
 */
export interface OpcodeTable {
  readonly handlers: readonly Handler[];
  readonly skipLine: (machine: Machine) => Next;
}

/** One unpickler's `load`, on abstract values. `restart` loads again with the same memo. */
export class Machine {
  readonly heap: Heap;
  readonly stack: Stack;
  readonly memo: Memo;
  readonly reader: FrameReader;
  readonly semantics: Semantics;
  readonly anomalies: MachineAnomalies = new MachineAnomalies();
  readonly options: MachineOptions;
  /** Virtual offset of the stream's first byte. */
  start: number;
  /** The value under STOP. */
  result: Handle = UNKNOWN;
  /** Values or marks left at STOP. */
  leftovers = 0;
  /** Opcodes tried; one that needed another window to go on counts again. */
  opcodes = 0;
  protocol = 0;
  /** Offsets of the opcodes of constants that may hold a pickle. */
  readonly nestedCandidates: number[] = [];
  /** True when there were more than are kept. */
  nestedForgotten = false;
  /** Persistent ids seen; no more are kept than `persistent` does. */
  readonly persistentIds: Handle[] = [];
  /** The wrapper that ARRAY is about. */
  arrayWrapper: Handle = UNKNOWN;
  private readonly table: OpcodeTable;

  /** @param start virtual offset of the stream's first byte */
  constructor(input: ByteWindow, start: number, options: MachineOptions, table: OpcodeTable) {
    this.start = start;
    this.options = options;
    this.table = table;
    this.heap = new Heap(input, options);
    this.heap.begin(start);
    this.stack = new Stack(options.valueLimit);
    this.memo = new Memo(options.valueLimit);
    this.reader = new FrameReader(input, start, this.anomalies, options.drops);
    this.semantics = options.semantics(this.heap);
  }

  /** Begins the next stream as one Unpickler does that loads again: its memo and what is in it stay. */
  restart(start: number): void {
    this.start = start;
    this.heap.begin(start);
    this.reader.restart(start);
    this.stack.clear();
  }

  /** Virtual offset of the next byte, or of the opcode that failed. */
  get offset(): number {
    return this.reader.offset;
  }

  set offset(offset: number) {
    this.reader.offset = offset;
  }

  /** Goes on until there is something for the driver to do. */
  run(): Status {
    const { reader } = this;
    for (;;) {
      if (!reader.inWindow) {
        reader.wanted = 1;
        const ended = reader.offset > reader.input.size;
        return ended ? statusOf(reader.truncated()) : STATUS.NEED;
      }
      const next = reader.longLine === ABSENT ? this.loop() : this.table.skipLine(this);
      if (next !== AGAIN) return statusOf(next);
      if (this.heap.facts.full) return STATUS.FULL;
    }
  }

  /**
   * The loop: one opcode after the other, until a handler leaves or the window ends.
   *
   * The common case of the opcodes that most pickles consist of stands here, over local variables: a
   * call for each costs half as much again. What breaks off goes to the opcode's handler, which knows
   * only the cases that are left; every other opcode is its handler's alone.
   */
  private loop(): Next {
    const { reader, stack, memo, heap: { containers } } = this;
    const { handlers } = this.table;
    let pos = reader.enter();
    const { buffer, base, limit } = reader;
    let { values, size } = stack;
    let room = values.length;
    let { first } = memo;
    let opcodes = 0;
    let memoRead = false;
    let next: Next = pos;
    while (pos < limit) {
      if (size === room) {
        stack.size = size;
        stack.grow();
        values = stack.values;
        room = values.length;
      }
      opcodes++;
      const code = buffer[pos] as number;
      switch (code) {
        case 0x4e /* NONE */:
          values[size++] = NONE;
          pos++;
          continue;
        case 0x88 /* NEWTRUE */:
          values[size++] = TRUE;
          pos++;
          continue;
        case 0x89 /* NEWFALSE */:
          values[size++] = FALSE;
          pos++;
          continue;
        case 0x4b /* BININT1 */:
          if (pos + 1 >= limit) break;
          values[size++] = (buffer[pos + 1] as number) * 16 + KIND.INTEGER;
          pos += 2;
          continue;
        case 0x4d /* BININT2 */:
          if (pos + 2 >= limit) break;
          values[size++] = ((buffer[pos + 1] as number) | (buffer[pos + 2] as number) << 8) * 16 +
            KIND.INTEGER;
          pos += 3;
          continue;
        case 0x4a /* BININT */: {
          if (pos + 4 >= limit) break;
          const value = signed4(buffer, pos + 1);
          values[size++] = value < 0 ? -value * 16 + KIND.NEGATIVE : value * 16 + KIND.INTEGER;
          pos += 5;
          continue;
        }
        case 0x47 /* BINFLOAT */:
          if (pos + 8 >= limit) break;
          values[size++] = (base + pos) * 16 + KIND.NUMBER;
          pos += 9;
          continue;
        case 0x68 /* BINGET */: {
          if (pos + 1 >= limit) break;
          const value = first[buffer[pos + 1] as number] as number;
          if (value === UNSET) break;
          values[size++] = value;
          memoRead = true;
          pos += 2;
          continue;
        }
        case 0x94 /* MEMOIZE */:
        case 0x71 /* BINPUT */:
        case 0x72 /* LONG_BINPUT */: {
          const width = code === OP.MEMOIZE ? 0 : code === OP.BINPUT ? 1 : 4;
          if (pos + width >= limit || size <= stack.fence) break;
          const index = width === 0
            ? memo.size
            : width === 1
            ? buffer[pos + 1] as number
            : signed4(buffer, pos + 1);
          if (index < 0) break;
          this.put(index, values[size - 1] as number, base + pos);
          first = memo.first;
          pos += width + 1;
          continue;
        }
        case 0x49 /* INT */:
        case 0x67 /* GET */:
        case 0x70 /* PUT */: {
          if (pos + 1 >= limit) break;
          // Up to nine digits and a newline, as picklers write them: the sum stays a 32-bit integer.
          const start = code === OP.INT && buffer[pos + 1] === MINUS ? pos + 2 : pos + 1;
          let end = start;
          let value = 0;
          while (end < limit) {
            const digit = (buffer[end] as number) - 0x30;
            if (digit < 0 || digit > 9) break;
            value = (value * 10 + digit) | 0;
            end++;
          }
          const digits = end - start;
          if (digits === 0 || digits > 9 || end >= limit || buffer[end] !== NEWLINE) break;
          // Zeros in front, and "-0".
          if (buffer[start] === 0x30 && end > pos + 2) break;
          if (code === OP.PUT) {
            if (size <= stack.fence) break;
            this.put(value, values[size - 1] as number, base + pos);
            first = memo.first;
          } else if (code === OP.INT) {
            values[size++] = value * 16 + (start === pos + 1 ? KIND.INTEGER : KIND.NEGATIVE);
          } else {
            const known = memo.get(value);
            if (known === UNSET) break;
            values[size++] = known;
            memoRead = true;
          }
          pos = end + 1;
          continue;
        }
        case 0x46 /* FLOAT */: {
          const end = plainFloatEnd(buffer, pos + 1, limit);
          if (end < 0) break;
          values[size++] = (base + pos) * 16 + KIND.NUMBER;
          pos = end + 1;
          continue;
        }
        case 0x28 /* MARK */:
          stack.mark(size);
          pos++;
          continue;
        case 0x7d /* EMPTY_DICT */:
        case 0x5d /* EMPTY_LIST */:
        case 0x29 /* EMPTY_TUPLE */:
          values[size++] = containers.create(
            code === OP.EMPTY_DICT
              ? CONTAINER.DICT
              : code === OP.EMPTY_LIST
              ? CONTAINER.LIST
              : CONTAINER.TUPLE,
          );
          pos++;
          continue;
        case 0x61 /* APPEND */:
        case 0x73 /* SETITEM */:
        case 0x65 /* APPENDS */:
        case 0x75 /* SETITEMS */: {
          const marked = code === OP.APPENDS || code === OP.SETITEMS;
          const from = marked ? stack.fence : size - (code === OP.SETITEM ? 2 : 1);
          // Without a mark, or right behind another, there is nothing below to fill.
          if (from <= (marked ? stack.outerFence : stack.fence)) break;
          if (code === OP.SETITEMS && ((size - from) & 1) !== 0) break;
          const target = values[from - 1] as number;
          if (target !== LOST) {
            if (target >= 0) break;
            const pairs = code === OP.SETITEM || code === OP.SETITEMS;
            containers.append(target, values, from, size, pairs);
          }
          if (marked) stack.popMark();
          size = from;
          pos++;
          continue;
        }
        case 0x64 /* DICT */:
        case 0x6c /* LIST */:
        case 0x74 /* TUPLE */: {
          if (stack.markCount === 0) break;
          const from = stack.fence;
          if (code === OP.DICT && ((size - from) & 1) !== 0) break;
          const made = containers.create(
            code === OP.DICT ? CONTAINER.DICT : code === OP.LIST ? CONTAINER.LIST : CONTAINER.TUPLE,
          );
          if (made < 0 && size > from) containers.append(made, values, from, size);
          stack.popMark();
          size = from;
          values[size++] = made;
          pos++;
          continue;
        }
      }
      stack.size = size;
      next = (handlers[code] as Handler)(this, pos + 1);
      ({ values, size } = stack);
      if (next < 0) break;
      pos = next;
      room = values.length;
      first = memo.first;
    }
    stack.size = size;
    this.opcodes += opcodes;
    if (memoRead) this.anomalies.memoRead = true;
    return next < 0 ? next : reader.short(pos, pos, 1);
  }

  /** Goes on at a place in the window, unless there are as many facts as are to be held. */
  goOn(pos: number): Next {
    if (!this.heap.facts.full) return pos;
    this.reader.again(pos);
    return leave(STATUS.FULL);
  }

  /** What the unpickler raises for the opcode before `pos`. */
  fail(pos: number, message: string): Next {
    return this.reader.fail(pos - 1, pos, message);
  }

  /** The opcode before `pos` finds too little on the stack. */
  underflow(pos: number, next: number = pos): Next {
    const name = opcodeOf(this.reader.buffer[pos - 1] as number)?.name;
    return this.reader.fail(pos - 1, next, `${name} finds too little on the stack`);
  }

  /** The argument of the opcode before `pos`, `count` bytes wide, is not all in the window. */
  short(pos: number, count: number): Next {
    return this.reader.short(pos - 1, pos, count);
  }

  /** Writes the memo; `offset` is the opcode's. */
  put(index: number, value: Handle, offset: number): void {
    const before = this.memo.set(index, value);
    if (before !== UNSET && before !== value && this.anomalies.memoRedefined === ABSENT) {
      this.anomalies.memoRedefined = offset;
    }
  }

  /** To be called when a stream is at its end: what only then is known. */
  settle(): void {
    try {
      this.semantics.settle();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.heap.lost();
    }
  }

  /** Whether a value is certainly no tuple. */
  isNoTuple(value: Handle): boolean {
    if (value < 0) return this.heap.containers.kind(value) !== CONTAINER.TUPLE;
    return value === NONE || value === TRUE || value === FALSE ||
      typeOf(this.heap, value) !== undefined;
  }

  /** Whether a value is certainly plain data. */
  isData(value: Handle): boolean {
    return value < 0 || value === NONE ||
      (typeOf(this.heap, value) !== undefined && this.heap.instanceOf(value) === undefined);
  }
}

/** The status with which the loop was left. */
function statusOf(next: Next): Status {
  return -1 - next as Status;
}
