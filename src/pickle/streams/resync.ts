/**
 * Where a pickle stream may begin, behind bytes that are none.
 *
 * @module
 */

import type { Input } from "./input.ts";
import { looksLikePickle, startsWithImport } from "./detect.ts";
import { OP, opcodeOf } from "../machine/opcodes.ts";
import { Depth, type StackDepth } from "./stack_depth.ts";

/** Bytes of a window of the search. */
const SEARCH_BYTES = 64 * 1024;
/** Bytes of a module's name that the search believes in. */
const LONGEST_MODULE = 256;
/** Bytes that a plausible start is judged by. */
const PLAUSIBLE_BYTES = 4096;
/** What an attempt that comes to nothing costs, in bytes searched: as long as it takes to look through these. */
const ATTEMPT_BYTES = 16;

/**
 * What a search is for: a stream; a stream that imports something, in bytes which are mostly none; or the
 * middle of a stream, where names are on the stack and arguments behind a MARK.
 */
type SearchedFor = "stream" | "import" | "amid";

/** The search for streams in one source, with one budget for all of it. */
export class Resync {
  /** Bytes searched so far. */
  searched = 0;
  /** Whether a search ended at its budget and nothing has said so yet. */
  cut = false;
  /** Those, and what attempts cost. */
  private spent = 0;
  private readonly input: Input;
  private readonly limit: number;
  private readonly checkDeadline: () => void;
  private readonly where: SearchedFor;
  private readonly stack: StackDepth;
  /** What starts in the middle of a stream led to: another that leads to the same is passed over. */
  private readonly accepted = new Set<string>();

  /**
   * @param limit bytes searched in all
   * @param checkDeadline throws LimitError once time is spent
   * @param where what counts as a place where opcodes begin
   * @param stack what the stack has at most in the middle of a stream
   */
  constructor(
    input: Input,
    limit: number,
    checkDeadline: () => void,
    where: SearchedFor = "stream",
    stack: StackDepth = { values: 0, marks: 0 },
  ) {
    this.input = input;
    this.limit = limit;
    this.checkDeadline = checkDeadline;
    this.where = where;
    this.stack = stack;
  }

  private accept(place: number, effect: string | undefined): number {
    if (effect !== undefined) this.accepted.add(effect);
    return place;
  }

  /** Whether PROTO stands at `offset`. */
  async hasHeader(offset: number): Promise<boolean> {
    const [first, second = 6] = await this.input.peek(offset, 2);
    return first === 0x80 && second <= 5;
  }

  /** Whether the bytes at `offset` look like a pickle. */
  async plausible(offset: number): Promise<boolean> {
    const head = await this.input.peek(offset, PLAUSIBLE_BYTES);
    return looksLikePickle(head, head.length < PLAUSIBLE_BYTES ? head.length : undefined);
  }

  /** The next place where a stream may begin, from `offset` on, within the budget for searching. */
  async find(offset: number): Promise<number | undefined> {
    let at = offset;
    while (this.spent < this.limit) {
      this.checkDeadline();
      await this.input.fill(at, SEARCH_BYTES + PLAUSIBLE_BYTES);
      const { length, ended } = this.input;
      const bytes = this.input.buffer.slice(0, Math.min(length, SEARCH_BYTES + PLAUSIBLE_BYTES));
      const complete = ended && bytes.length === length;
      const left = this.limit - this.spent;
      const until = Math.min(left, complete ? bytes.length : Math.min(bytes.length, SEARCH_BYTES));
      const lines = new LineEnds(bytes);
      const ends = new NeutralEnds(bytes);
      let tried = 0;
      let from = 0;
      for (; from < until && tried * ATTEMPT_BYTES < left; from++) {
        const may = mayStart(bytes, from, lines) || (this.where === "amid" && mayGoOn(bytes, from));
        if (!may) continue;
        const effect = this.where === "amid" ? effectOf(bytes, from, at, ends) : undefined;
        if (effect !== undefined && this.accepted.has(effect)) continue;
        const candidate = bytes.subarray(from, from + PLAUSIBLE_BYTES);
        if (this.where === "amid" && (namesGlobal(candidate) || goesOn(candidate, this.stack))) {
          return this.accept(at + from, effect);
        }
        const size = complete ? bytes.length - from : undefined;
        const looks = this.where === "import" ? startsWithImport : looksLikePickle;
        if (looks(candidate, size)) return this.accept(at + from, effect);
        tried++;
      }
      this.searched += from;
      this.spent += from + tried * ATTEMPT_BYTES;
      if (complete && from === bytes.length) return undefined;
      at += from;
    }
    this.cut = true;
    return undefined;
  }
}

/**
 * What a start in the middle of a stream leads to: how many values are dropped first, and the place behind
 * constants that are put on the stack and dropped again.
 */
function effectOf(bytes: Uint8Array, from: number, base: number, ends: NeutralEnds): string {
  let next = from;
  while (bytes[next] === OP.POP && next - from < OPCODES_PASSED) next++;
  return `${next - from} ${base + ends.behind(next)}`;
}

/** Where constants end that are dropped at once, each stretch followed once. */
class NeutralEnds {
  private readonly bytes: Uint8Array;
  private readonly known = new Map<number, number>();

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** The place behind all that is put on the stack and dropped again from `from` on. */
  behind(from: number): number {
    const passed: number[] = [];
    let at = from;
    for (; !this.known.has(at) && CONSTANTS.has(this.bytes[at] ?? 0); passed.push(at)) {
      const next = behindOpcode(this.bytes, at);
      if (next === undefined || this.bytes[next] !== OP.POP) break;
      at = next + 1;
    }
    const end = this.known.get(at) ?? at;
    for (const each of passed) this.known.set(each, end);
    return end;
  }
}

/** Opcodes that put a constant on the stack and do nothing else. */
const CONSTANTS = new Set<number>([
  ...[OP.NONE, OP.NEWTRUE, OP.NEWFALSE, OP.EMPTY_TUPLE, OP.EMPTY_LIST, OP.EMPTY_DICT, OP.EMPTY_SET],
  ...[
    OP.BININT,
    OP.BININT1,
    OP.BININT2,
    OP.INT,
    OP.LONG,
    OP.LONG1,
    OP.LONG4,
    OP.FLOAT,
    OP.BINFLOAT,
  ],
  ...[OP.STRING, OP.BINSTRING, OP.SHORT_BINSTRING, OP.UNICODE, OP.BINUNICODE, OP.SHORT_BINUNICODE],
  ...[OP.BINUNICODE8, OP.BINBYTES, OP.SHORT_BINBYTES, OP.BINBYTES8, OP.BYTEARRAY8],
]);

/** Where lines end, asked for from front to back: each byte is looked at once. */
class LineEnds {
  private readonly bytes: Uint8Array;
  private next = -1;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Whether a line that begins at `from` ends within what a start is judged by, or where `bytes` do. */
  near(from: number): boolean {
    if (this.next < from) {
      const found = this.bytes.indexOf(0x0a, from);
      this.next = found < 0 ? this.bytes.length : found;
    }
    return this.next - from < PLAUSIBLE_BYTES;
  }
}

/** A cheap look before an attempt: PROTO, or GLOBAL or INST with an identifier, or a text behind a MARK. */
function mayStart(bytes: Uint8Array, at: number, lines: LineEnds): boolean {
  const second = bytes[at + 1] ?? 0;
  switch (bytes[at]) {
    case 0x80:
      return second <= 5;
    case 0x63: // c
      return isNameLine(bytes, at + 1);
    case 0x28: // (
      return second === 0x63 || second === 0x69
        ? isNameLine(bytes, at + 2)
        : second === 0x6c || second === 0x64 ||
          ((second === 0x53 || second === 0x56) && lines.near(at + 2));
    default:
      return false;
  }
}

/**
 * The same for the middle of a stream: a text that could be a name, also as an argument behind a MARK, or
 * an opcode that takes what is on the stack.
 */
function mayGoOn(bytes: Uint8Array, at: number): boolean {
  if (takesStack(bytes, at) || isFrame(bytes, at)) return true;
  // A list or dictionary of texts, and texts behind a MARK.
  const isEmpty = bytes[at] === OP.EMPTY_LIST || bytes[at] === OP.EMPTY_DICT;
  const mark = isEmpty ? behindFrames(bytes, at + 1) : at;
  if (bytes[mark] === OP.MARK) return TEXTS.has(bytes[behindFrames(bytes, mark + 1)] ?? 0);
  if (bytes[at] === OP.BINGET || bytes[at] === OP.LONG_BINGET || bytes[at] === OP.GET) {
    return namesGlobal(bytes.subarray(at, at + PLAUSIBLE_BYTES));
  }
  const head = TEXTS.get(bytes[at] ?? 0);
  if (head === undefined) return false;
  // An escape may stand for any letter.
  if (head === 0) {
    const first = bytes[at + 1];
    const isQuote = bytes[at] === OP.STRING && (first === 0x22 || first === 0x27);
    return isQuote || first === 0x5c || isNameLine(bytes, at + 1);
  }
  const length = bytes[at + 1] ?? 0;
  const rest = bytes.subarray(at + 2, at + 1 + head);
  if (length === 0 || !rest.every((byte) => byte === 0)) return false;
  const name = bytes.subarray(at + 1 + head, at + 1 + head + length);
  return name.every((byte, index) =>
    isLetter(byte) || (index > 0 && (byte === 0x2e || (byte >= 0x30 && byte <= 0x39)))
  );
}

/** Opcodes that change what is on the stack by a state or by items. */
const CHANGES = [OP.BUILD, OP.SETITEM, OP.SETITEMS, OP.APPEND, OP.APPENDS, OP.ADDITEMS];
/** Opcodes that import, call or change what is on the stack, or make the arguments for that. */
const TAKES = new Set<number>([
  ...[OP.STACK_GLOBAL, OP.REDUCE, OP.OBJ, OP.INST, OP.NEWOBJ, OP.NEWOBJ_EX, ...CHANGES],
  ...[OP.TUPLE, OP.TUPLE1, OP.TUPLE2, OP.TUPLE3],
]);
/** Opcodes that are looked past behind one that drops the array. CWE-407. */
const OPCODES_PASSED = 12;

/** Whether an opcode that takes what is on the stack comes next, behind what drops the array. */
function takesStack(bytes: Uint8Array, at: number): boolean {
  if (bytes[at] !== OP.POP && bytes[at] !== OP.POP_MARK) return TAKES.has(bytes[at] ?? 0);
  let next: number | undefined = at;
  for (let passed = 0; next !== undefined && passed < OPCODES_PASSED; passed++) {
    if (TAKES.has(bytes[next] ?? 0)) return true;
    next = bytes[next] === OP.STOP ? undefined : behindOpcode(bytes, next);
  }
  return false;
}

/** Whether FRAME stands at `at`, of a length that a frame may have. */
function isFrame(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === OP.FRAME && bytes[at + 8] === 0 && bytes[at + 7] === 0;
}

/** Opcodes before a BUILD, unless POP is the first, that what follows it need not be one: fewer are chance. */
const OPCODES_TO_BUILD = 3;
/** Opcodes by which a place in the middle of a stream is judged. CWE-407. */
const OPCODES_TRIED = 64;

/**
 * Whether opcodes lead from the beginning to STOP, to what may be the wrapper of another array, or as far as
 * they are tried, and import, call or change something on the way, or lead from FRAME to its end.
 */
function goesOn(bytes: Uint8Array, stack: StackDepth): boolean {
  const framed = isFrame(bytes, 0);
  const depth = new Depth(stack);
  const size = framed ? lengthAt(bytes, 1, 8) : Infinity;
  let does = false;
  // Whether bytes of another array may follow.
  let isBuilt = false;
  let at = framed ? FRAME_HEAD : 0;
  for (let opcodes = 0; at < bytes.length && opcodes < OPCODES_TRIED; opcodes++) {
    if (framed && at >= FRAME_HEAD + size) return at === FRAME_HEAD + size;
    const code = bytes[at] ?? 0;
    if (!depth.takes(code)) return false;
    if (code === OP.STOP) return framed || does;
    if (CALLS.has(code)) does = true;
    const next = behindOpcode(bytes, at);
    if (next === undefined) return isBuilt;
    isBuilt ||= code === OP.BUILD && (opcodes >= OPCODES_TO_BUILD || bytes[0] === OP.POP);
    at = next;
  }
  return framed || does;
}

/** Opcodes that import, call or change. */
const CALLS = new Set<number>([
  ...[OP.STACK_GLOBAL, OP.GLOBAL, OP.INST, OP.REDUCE, OP.OBJ, OP.NEWOBJ, OP.NEWOBJ_EX, ...CHANGES],
]);
/** Bytes of a FRAME opcode. */
const FRAME_HEAD = 9;
/** Bytes of arguments of a fixed length, and of the lengths of others. */
const FIXED = { none: 0, u1: 1, u2: 2, u4: 4, i4: 4, u8: 8, f8: 8 } as const;
const COUNTED = { counted1: 1, long1: 1, counted4: 4, long4: 4, counted8: 8 } as const;

/** The place behind an opcode and its argument, which may lie behind `bytes`; undefined for what is none. */
function behindOpcode(bytes: Uint8Array, at: number): number | undefined {
  const layout = opcodeOf(bytes[at] ?? 0)?.argument;
  switch (layout) {
    case undefined:
      return undefined;
    case "line":
    case "two-lines": {
      const end = bytes.indexOf(0x0a, at);
      const last = layout === "line" || end < 0 ? end : bytes.indexOf(0x0a, end + 1);
      return last < 0 ? undefined : last + 1;
    }
    case "counted1":
    case "long1":
    case "counted4":
    case "long4":
    case "counted8": {
      const width = COUNTED[layout];
      return at + 1 + width + lengthAt(bytes, at + 1, width);
    }
    default:
      return at + 1 + FIXED[layout];
  }
}

/** An unsigned integer, little-endian, as far as it lies in `bytes`. */
function lengthAt(bytes: Uint8Array, at: number, width: number): number {
  return bytes.subarray(at, at + width).reduceRight((sum, byte) => sum * 256 + byte, 0);
}

/** The place behind FRAME opcodes, which may stand between any others. */
function behindFrames(bytes: Uint8Array, at: number): number {
  let next = at;
  for (let frames = 0; frames < FRAMES_PASSED && bytes[next] === OP.FRAME; frames++) next += 9;
  return next;
}

/** FRAME opcodes in a row that are looked past; writers make one. */
const FRAMES_PASSED = 4;

/** Opcodes between a name and its STACK_GLOBAL that are looked through. */
const OPCODES_OF_NAME = 16;

/** Whether a text or memo entry, whether or not another is below it, and STACK_GLOBAL stand at the beginning. */
function namesGlobal(bytes: Uint8Array): boolean {
  let operands = 0;
  for (let at = 0, opcodes = 0; opcodes < OPCODES_OF_NAME; opcodes++) {
    const code = bytes[at] ?? 0;
    const head = TEXTS.get(code);
    const skip = BETWEEN.get(code);
    if (code === OP.STACK_GLOBAL) return operands >= 1;
    if (head !== undefined && head > 0) {
      if (!bytes.subarray(at + 2, at + 1 + head).every((byte) => byte === 0)) return false;
      at += 1 + head + (bytes[at + 1] ?? 0);
      operands++;
    } else if (
      code === OP.UNICODE || code === OP.STRING || code === OP.GET || code === OP.PUT
    ) {
      const end = bytes.indexOf(0x0a, at);
      if (end < 0) return false;
      at = end + 1;
      if (code !== OP.PUT) operands++;
    } else if (skip !== undefined) {
      at += skip;
      if (code === OP.BINGET || code === OP.LONG_BINGET) operands++;
    } else return false;
  }
  return false;
}

/** Bytes of the opcodes that may stand between, and of those that bring memo entries. */
const BETWEEN: ReadonlyMap<number, number> = new Map([
  [OP.BINGET, 2],
  [OP.LONG_BINGET, 5],
  [OP.BINPUT, 2],
  [OP.LONG_BINPUT, 5],
  [OP.MEMOIZE, 1],
  [OP.FRAME, 9],
  [OP.PROTO, 2],
]);

/** Opcodes of texts that STACK_GLOBAL takes, with the bytes of their lengths; lines have none. */
const TEXTS: ReadonlyMap<number, number> = new Map([
  [OP.SHORT_BINUNICODE, 1],
  [OP.BINUNICODE, 4],
  [OP.BINUNICODE8, 8],
  [OP.SHORT_BINSTRING, 1],
  [OP.BINSTRING, 4],
  [OP.UNICODE, 0],
  [OP.STRING, 0],
]);

/** Whether a line with a module's name stands at `at`, as far as it is in `bytes`. */
function isNameLine(bytes: Uint8Array, at: number): boolean {
  if (at < bytes.length && !isLetter(bytes[at] as number)) return false;
  const end = Math.min(bytes.length, at + LONGEST_MODULE);
  for (let here = at; here < end; here++) {
    const byte = bytes[here] as number;
    if (byte === 0x0a) return true;
    const inName = isLetter(byte) || byte === 0x2e || (byte >= 0x30 && byte <= 0x39);
    if (!inName) return false;
  }
  return end === bytes.length;
}

function isLetter(byte: number): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || byte === 0x5f;
}
