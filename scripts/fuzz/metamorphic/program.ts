/**
 * Pickles as lists of opcodes: read, analysed as a stack machine would run them, and written again.
 * Opcodes and their arguments are those of CPython's `Lib/pickletools.py`.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { joinAll, little } from "../bytes.ts";

/** An opcode with its argument as it lies in the file, a length before it included. */
export interface Op {
  /** The opcode's byte; `RAW` for bytes that a loader takes from the file by itself. */
  readonly code: number;
  readonly arg: Uint8Array;
  /**
   * Of `RAW`: its last bytes are an opcode whose length, four bytes, is that of all that follows up to STOP, so
   * that who reads these bytes as opcodes passes over the rest.
   */
  readonly swallows?: true;
}

/** One stream up to its STOP, and what lies behind it. */
interface Program {
  readonly ops: readonly Op[];
  readonly tail: Uint8Array;
}

/** Bytes between opcodes: the data of an array that joblib's unpickler reads. */
export const RAW = -1;
const NOTHING = new Uint8Array();

export const MARK = 0x28, STOP = 0x2e, POP = 0x30, POP_MARK = 0x31, DUP = 0x32;
export const REDUCE = 0x52, BUILD = 0x62, GLOBAL = 0x63, INST = 0x69, OBJ = 0x6f;
export const APPEND = 0x61, APPENDS = 0x65, SETITEM = 0x73, SETITEMS = 0x75, ADDITEMS = 0x90;
export const TUPLE = 0x74, EMPTY_TUPLE = 0x29, TUPLE1 = 0x85, TUPLE2 = 0x86, TUPLE3 = 0x87;
export const LIST = 0x6c, DICT = 0x64, EMPTY_LIST = 0x5d, EMPTY_DICT = 0x7d, FROZENSET = 0x91;
export const NEWOBJ = 0x81, NEWOBJ_EX = 0x92, STACK_GLOBAL = 0x93;
export const PUT = 0x70, BINPUT = 0x71, LONG_BINPUT = 0x72, MEMOIZE = 0x94;
export const GET = 0x67, BINGET = 0x68, LONG_BINGET = 0x6a;
export const PROTO = 0x80, FRAME = 0x95, NONE = 0x4e, NEWTRUE = 0x88, NEWFALSE = 0x89;
const BINPERSID = 0x51;

/** Lines of text behind an opcode. */
const LINES: Readonly<Record<string, number>> = {
  ...{ F: 1, I: 1, L: 1, S: 1, V: 1, P: 1, g: 1, p: 1 },
  ...{ c: 2, i: 2 },
};
/** Bytes behind an opcode. */
const FIXED: Readonly<Record<number, number>> = {
  ...{ 0x4b: 1, 0x68: 1, 0x71: 1, 0x80: 1, 0x82: 1, 0x4d: 2, 0x83: 2 },
  ...{ 0x4a: 4, 0x6a: 4, 0x72: 4, 0x84: 4, 0x47: 8, 0x95: 8 },
};
/** Width of the length behind an opcode. */
const SIZED: Readonly<Record<number, number>> = {
  ...{ 0x54: 4, 0x55: 1, 0x42: 4, 0x43: 1, 0x8e: 8, 0x96: 8, 0x58: 4, 0x8c: 1, 0x8d: 8 },
  ...{ 0x8a: 1, 0x8b: 4 },
};
const PLAIN = new Set(
  [..."(.012NQRabd}elo]st)u"].map((char) => char.charCodeAt(0)).concat([
    ...[0x81, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8f, 0x90, 0x91, 0x92, 0x93, 0x94, 0x97, 0x98],
  ]),
);

/** An opcode of one byte, or with an argument. */
export function op(code: number, arg: Uint8Array = NOTHING): Op {
  return { code, arg };
}

/** Length of the argument at `at`; undefined when no opcode is `code` or the bytes end before it. */
function argumentLength(bytes: Uint8Array, code: number, at: number): number | undefined {
  if (PLAIN.has(code)) return 0;
  const lines = LINES[String.fromCharCode(code)];
  if (lines !== undefined) {
    let end = at;
    for (let line = 0; line < lines; line++) {
      end = bytes.indexOf(10, end) + 1;
      if (end === 0) return undefined;
    }
    return end - at;
  }
  const fixed = FIXED[code];
  if (fixed !== undefined) return at + fixed <= bytes.length ? fixed : undefined;
  const width = SIZED[code];
  if (width === undefined || at + width > bytes.length) return undefined;
  let length = 0;
  for (let index = width - 1; index >= 0; index--) {
    length = length * 256 + (bytes[at + index] as number);
  }
  return at + width + length <= bytes.length ? width + length : undefined;
}

/**
 * Reads the first stream. Frames are omitted: the writer sets its own.
 *
 * @param raws where a loader reads bytes by itself: offset and length, in order
 * @returns undefined when the bytes are no opcodes before the first error
 */
export function readProgram(
  bytes: Uint8Array,
  raws: readonly (readonly [at: number, length: number])[] = [],
): Program | undefined {
  const ops: Op[] = [];
  let at = 0;
  let next = 0;
  while (at < bytes.length) {
    const raw = raws[next];
    if (raw !== undefined && raw[0] === at) {
      ops.push({ code: RAW, arg: bytes.subarray(at, at + raw[1]) });
      at += raw[1];
      next++;
      continue;
    }
    const code = bytes[at] as number;
    const length = argumentLength(bytes, code, at + 1);
    if (length === undefined) break;
    if (code !== FRAME) ops.push({ code, arg: bytes.subarray(at + 1, at + 1 + length) });
    at += 1 + length;
    if (code === STOP) break;
  }
  return ops.length === 0 ? undefined : { ops, tail: bytes.subarray(at) };
}

/** The bytes of opcodes without frames. */
export function writeOps(ops: readonly Op[]): Uint8Array {
  const size = ops.reduce((sum, { code, arg }) => sum + arg.length + (code === RAW ? 0 : 1), 0);
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const { code, arg } of ops) {
    if (code !== RAW) bytes[at++] = code;
    bytes.set(arg, at);
    at += arg.length;
  }
  return bytes;
}

/** What an opcode took from the stack, and what the stack is after it. */
export interface Step {
  /** Where the opcodes of each operand begin, the lowest operand first. */
  readonly operands: readonly number[];
  /** Whether a value, no MARK, is on top afterwards. */
  readonly value: boolean;
}

/** Operands by number; results are one value each. */
const TAKES: Readonly<Record<number, number>> = {
  ...{ [TUPLE1]: 1, [TUPLE2]: 2, [TUPLE3]: 3, [REDUCE]: 2, [NEWOBJ]: 2, [NEWOBJ_EX]: 3 },
  ...{ [STACK_GLOBAL]: 2, [BINPERSID]: 1, [BUILD]: 2, [APPEND]: 2, [SETITEM]: 3 },
};
const TO_MARK = new Set([TUPLE, LIST, DICT, FROZENSET, INST, OBJ]);
const ONTO = new Set([APPENDS, SETITEMS, ADDITEMS]);
const NO_EFFECT = new Set([PUT, BINPUT, LONG_BINPUT, MEMOIZE, PROTO, FRAME, RAW, 0x98]);

/** Runs the opcodes over positions; what is behind the first error of the stack has no step. */
export function steps(ops: readonly Op[]): readonly Step[] {
  const stack: { readonly mark: boolean; readonly at: number }[] = [];
  const found: Step[] = [];
  for (const [index, { code }] of ops.entries()) {
    let operands: readonly number[] = [];
    const taken = TAKES[code];
    if (code === MARK) stack.push({ mark: true, at: index });
    else if (code === POP) {
      if (stack.pop() === undefined) return found;
    } else if (taken !== undefined) {
      const items = stack.splice(Math.max(0, stack.length - taken));
      const [first] = items;
      if (items.length < taken || first === undefined || items.some(({ mark }) => mark)) {
        return found;
      }
      operands = items.map(({ at }) => at);
      stack.push({ mark: false, at: first.at });
    } else if (code === POP_MARK || TO_MARK.has(code) || ONTO.has(code)) {
      const from = stack.findLastIndex(({ mark }) => mark);
      if (from < 0) return found;
      const items = stack.splice(from);
      operands = items.map(({ at }) => at);
      if (TO_MARK.has(code)) stack.push({ mark: false, at: operands[0] ?? index });
    } else if (code === STOP) return found;
    else if (!NO_EFFECT.has(code)) stack.push({ mark: false, at: index });
    found.push({ operands, value: stack.at(-1)?.mark === false });
  }
  return found;
}

/** A change of a list of opcodes: `remove` of them at `at` give way to others. */
export interface Edit {
  readonly at: number;
  readonly remove?: number;
  readonly insert: readonly Op[];
}

/** Applies edits; what is only inserted at a place comes before what is put in place of others. */
export function edited(ops: readonly Op[], edits: readonly Edit[]): readonly Op[] {
  const inserted = new Map<number, (readonly Op[])[]>();
  const replaced = new Map<number, Edit>();
  for (const edit of edits) {
    if ((edit.remove ?? 0) > 0) replaced.set(edit.at, edit);
    else inserted.set(edit.at, [...inserted.get(edit.at) ?? [], edit.insert]);
  }
  const made: Op[] = [];
  for (let at = 0; at <= ops.length; at++) {
    for (const insert of inserted.get(at) ?? []) for (const each of insert) made.push(each);
    const edit = replaced.get(at);
    const each = ops[at];
    if (edit !== undefined) {
      for (const each of edit.insert) made.push(each);
      at += (edit.remove ?? 1) - 1;
    } else if (each !== undefined) made.push(each);
  }
  return made;
}

/** The text that an opcode pushes; undefined when it pushes no text, or none that is valid UTF-8. */
export function textOf({ code, arg }: Op): string | undefined {
  const width = code === 0x58 ? 4 : code === 0x8c ? 1 : code === 0x8d ? 8 : undefined;
  if (width === undefined) return undefined;
  const text = Buffer.from(arg.subarray(width)).toString("utf8");
  return text.includes("\ufffd") ? undefined : text;
}

/** Module and name of a GLOBAL or INST; undefined when they are not plain ASCII. */
export function namesOf({ arg }: Op): readonly [module: string, name: string] | undefined {
  const [module, name] = Buffer.from(arg).toString("latin1").split("\n");
  if (module === undefined || name === undefined || !/^[\w.]+$/u.test(module + name)) {
    return undefined;
  }
  return [module, name];
}

/** Index of a PUT or GET; undefined for other opcodes. */
export function memoIndex({ code, arg }: Op): number | undefined {
  if (code === PUT || code === GET) {
    const text = Buffer.from(arg).toString("latin1").trim();
    return /^\d{1,9}$/u.test(text) ? Number(text) : undefined;
  }
  if (code === BINPUT || code === BINGET) return arg[0];
  if (code === LONG_BINPUT || code === LONG_BINGET) return Buffer.from(arg).readUInt32LE();
  return undefined;
}

/** The frame around `length` bytes. */
export function frameHead(length: number): Uint8Array {
  return joinAll([[FRAME], little(8, length)]);
}
