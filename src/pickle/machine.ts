/**
 * The pickle machine: steps through opcodes as CPython's C unpickler does
 * (`Modules/_pickle.c`, functions `load_*`), on abstract values.
 *
 * `run` is synchronous and goes on until it needs bytes that are not in the window, meets STOP or an
 * error, or must hand control to its driver. Nothing is awaited and, for values that no rule cares
 * about, nothing is allocated per opcode.
 *
 * @module
 */

import { SEARCHED_BYTES_BYTES, SEARCHED_TEXT_BYTES, searchLiteral } from "./search.ts";
import type { GlobalName } from "../types.ts";
import { typeOf } from "./attributes.ts";
import { Calls, type LoadedBytes } from "./calls.ts";
import type { Input } from "./input.ts";
import { LONGEST_LINE } from "./input.ts";
import {
  decodeLatin1,
  decodeUtf8,
  hasBrokenEscape,
  isUtf8,
  parseFloatLine,
  parseInteger,
  parseQuoted,
  STRING_ESCAPES,
  UNICODE_ESCAPES,
} from "./literals.ts";
import { OP, opcodeOf } from "./opcodes.ts";
import { Heap, type HeapOptions, TEXT_LIMIT } from "./heap.ts";
import {
  CONTAINER,
  FALSE,
  grown,
  type Handle,
  handleOf,
  KIND,
  LOST,
  Memo,
  NONE,
  TRUE,
  UNKNOWN,
} from "./values.ts";

/** Why `run` came back. */
export const STATUS = {
  /** The window must be filled from `offset`, with at least `wanted` bytes. */
  NEED: 0,
  /** STOP was executed; `offset` is behind it. */
  STOPPED: 1,
  /** `error` says what the unpickler would raise, `offset` is the opcode's. */
  FAILED: 2,
  /** A joblib array wrapper was built; raw array bytes begin at `offset`. */
  ARRAY: 3,
} as const;
export type Status = typeof STATUS[keyof typeof STATUS];

/** What the unpickler would raise, and where. */
export interface MachineError {
  readonly offset: number;
  readonly message: string;
  /** True when the data ended. */
  readonly truncated: boolean;
}

/** Oddities that do not stop the unpickler; each with the offset of the first. */
export interface MachineNotes {
  /** An argument or frame crosses the end of the frame around it. */
  straddles: number;
  straddleOffset: number;
  /** A frame longer than the file, begun inside another, or not used up at STOP. */
  oddFrame: number;
  /** Whether a frame is longer than the file, so that the C unpickler stops at it. */
  longFrame: boolean;
  /** An argument that only the C unpickler reads so. */
  looseArgument: number;
  /** A text that is too long to be searched to its end for the user's patterns. */
  unsearched: number;
  /** A second PROTO, or one that is not first. */
  oddProtocol: number;
  /** A memo entry written twice with different values. */
  memoRedefined: number;
  /** Whether the memo was read at all. */
  memoRead: boolean;
  /** Where the C unpickler stops and others may go on, and why. */
  refused: { readonly offset: number; readonly message: string } | undefined;
  /** NEXT_BUFFER or READONLY_BUFFER seen. */
  outOfBand: number;
}

/** How a machine reads. */
export interface MachineOptions extends HeapOptions {
  /** Whether each crossing of a frame's end drops the rest of the frame; those beyond the list do not. */
  readonly drops: readonly boolean[];
  /** Come back at joblib's array wrappers. */
  readonly stepArrays: boolean;
  /** Stack items and memo entries kept, each. */
  readonly valueLimit: number;
  /** The process's extension registry, which outlives a stream. */
  readonly extensions?: Map<number, GlobalName> | undefined;
}

const ABSENT = -1;
/** The longest name at the end of the data, in bytes, that is taken for a cut-off global's. */
const CUT_OFF_NAME = 1024;
/** Memo indices above this are beyond any array. */
const C_MEMO_LIMIT = 2 ** 40;
/** A line of text longer than this is skipped, window after window, and not looked at. */
const LONG_TEXT = 16 * 1024 * 1024;
/** First bytes that make a constant worth a look for a nested pickle: PROTO, gzip, zlib, hex, base64, protocol 0. */
const NESTED_FIRST = new Uint8Array(256);
for (const byte of [0x80, 0x1f, 0x78, 0x38, 0x67, 0x48, 0x65, 0x63, 0x28]) NESTED_FIRST[byte] = 1;

/** One unpickler's `load`, on abstract values. Several in a row may share a `memo`. */
export class Machine extends Heap {
  /** Virtual offset of the next byte. */
  offset: number;
  /** Bytes that the next window must have at least. */
  wanted = 1;
  error: MachineError | undefined;
  /** The value under STOP. */
  result: Handle = UNKNOWN;
  /** Values or marks left at STOP. */
  leftovers = 0;
  opcodes = 0;
  protocol = 0;
  memo: Memo;
  readonly notes: MachineNotes = {
    straddles: 0,
    straddleOffset: ABSENT,
    oddFrame: ABSENT,
    longFrame: false,
    looseArgument: ABSENT,
    unsearched: ABSENT,
    oddProtocol: ABSENT,
    memoRedefined: ABSENT,
    memoRead: false,
    refused: undefined,
    outOfBand: ABSENT,
  };
  /** Offsets of the opcodes of constants that may hold a pickle. */
  readonly nestedCandidates: number[] = [];
  /** Persistent ids seen, at most `PERSISTENT_KEPT`. */
  readonly persistentIds: Handle[] = [];
  /** The wrapper that ARRAY is about. */
  arrayWrapper: Handle = UNKNOWN;
  private stack = new Float64Array(256);
  private sp = 0;
  private marks = new Int32Array(64);
  private mp = 0;
  private fence = 0;
  /** Virtual offset behind the frame that `offset` is in; Infinity or what lies behind when it is in none. */
  frameEnd = Infinity;
  /** Offset of the opcode whose text line is being skipped. */
  private longLine = ABSENT;
  /** Virtual offset of the stream's first byte. */
  start: number;
  private readonly options: MachineOptions;
  private readonly calls: Calls;

  /** @param start virtual offset of the stream's first byte */
  constructor(input: Input, start: number, options: MachineOptions) {
    super(input, options);
    this.start = start;
    this.offset = start;
    this.options = options;
    this.memo = new Memo(options.valueLimit);
    this.calls = new Calls(this, options.extensions ?? new Map());
  }

  /** Begins the next stream as one Unpickler does that loads again: its memo and what is in it stay. */
  restart(start: number): void {
    this.start = start;
    this.offset = start;
    this.error = undefined;
    this.sp = 0;
    this.mp = 0;
    this.fence = 0;
    this.frameEnd = Infinity;
  }

  /** Bytes that the file itself hands to a loader. */
  get loaded(): readonly LoadedBytes[] {
    return this.calls.loaded;
  }

  /** Tensors that do not lie in their storages. */
  get tensorFaults(): readonly { readonly offset: number; readonly message: string }[] {
    return this.calls.tensorFaults;
  }

  /** Values and marks on the stack. */
  get depth(): number {
    return this.sp + this.mp;
  }

  /** The topmost values, topmost last. */
  top(count: number): Handle[] {
    return Array.from(this.stack.subarray(Math.max(0, this.sp - count), this.sp));
  }

  /** The data ended where more is needed. */
  truncated(): Status {
    const opcode = this.input.length > 0 && this.offset === this.input.base
      ? opcodeOf(this.input.buffer[0] as number)?.name
      : undefined;
    return this.fail(
      this.offset,
      opcode === undefined ? "the data ends without STOP" : `the data ends inside ${opcode}`,
      true,
    );
  }

  /** Goes on until there is something for the driver to do. */
  run(): Status {
    for (;;) {
      const { base, length } = this.input;
      if (this.offset < base || this.offset > base + length) {
        if (this.offset > this.input.size) return this.truncated();
        this.wanted = 1;
        return STATUS.NEED;
      }
      const status = this.longLine === ABSENT ? this.step() : this.skipLine();
      if (status !== undefined) return status;
    }
  }

  /**
   * The hot loop, in one piece on purpose: what it keeps in locals is what makes it fast.
   * Opcodes that are rare go through `slow`. Undefined means: enter again.
   */
  private step(): Status | undefined {
    const input = this.input;
    const buffer = input.buffer;
    const base = input.base;
    const end = input.length;
    const limit = Math.min(end, this.frameEnd - base);
    const { memo, containers } = this;
    const searching = this.options.interest.patternsIn !== undefined;
    let stack = this.stack;
    let sp = this.sp;
    let opcodes = this.opcodes;
    let pos = this.offset - base;
    let begin = pos;
    let short = 0;
    let capacity = stack.length - 1;
    for (;;) {
      begin = pos;
      if (pos >= limit) {
        short = 1;
        break;
      }
      if (sp >= capacity) {
        this.growStack();
        stack = this.stack;
        capacity = stack.length - 1;
      }
      opcodes++;
      const code = buffer[pos++] as number;
      switch (code) {
        case OP.SHORT_BINUNICODE:
        case OP.SHORT_BINBYTES:
        case OP.SHORT_BINSTRING: {
          if (pos >= limit) {
            short = 1;
            break;
          }
          const length = buffer[pos] as number;
          const next = pos + 1 + length;
          if (next > limit) {
            short = 1 + length;
            break;
          }
          if (
            code === OP.SHORT_BINUNICODE && !isAscii(buffer, pos + 1, next) &&
            !isUtf8(buffer.subarray(pos + 1, next))
          ) break;
          if (length > 8 && NESTED_FIRST[buffer[pos + 1] as number] === 1) {
            this.noteNested(base + begin, pos + 1, length);
          }
          if (searching) this.search(code, base + begin, pos + 1, length);
          stack[sp++] = (base + begin) * 16 +
            (code === OP.SHORT_BINBYTES ? KIND.BYTES : KIND.STRING);
          pos = next;
          continue;
        }
        case OP.BINGET: {
          if (pos >= limit) {
            short = 1;
            break;
          }
          const value = memo.dense[buffer[pos] as number] as number;
          if (value !== value) break;
          stack[sp++] = value;
          this.notes.memoRead = true;
          pos++;
          continue;
        }
        case OP.LONG_BINGET: {
          if (pos + 4 > limit) {
            short = 4;
            break;
          }
          const value = memo.get(unsigned4(buffer, pos));
          if (value !== value) break;
          stack[sp++] = value;
          this.notes.memoRead = true;
          pos += 4;
          continue;
        }
        case OP.MEMOIZE: {
          if (sp <= this.fence) break;
          const size = memo.size;
          if (size < memo.dense.length && memo.dense[size] !== memo.dense[size]) {
            memo.dense[size] = stack[sp - 1] as number;
            memo.size = size + 1;
          } else this.put(size, stack[sp - 1] as number, begin + base);
          continue;
        }
        case OP.BINPUT:
        case OP.LONG_BINPUT: {
          const width = code === OP.BINPUT ? 1 : 4;
          if (pos + width > limit) {
            short = width;
            break;
          }
          if (sp <= this.fence) break;
          const index = width === 1 ? buffer[pos] as number : unsigned4(buffer, pos);
          if (
            index === memo.size && index < memo.dense.length &&
            memo.dense[index] !== memo.dense[index]
          ) {
            memo.dense[index] = stack[sp - 1] as number;
            memo.size = index + 1;
          } else this.put(index, stack[sp - 1] as number, begin + base);
          pos += width;
          continue;
        }
        case OP.MARK:
          if (this.mp === this.marks.length) {
            this.marks = grown(this.marks, new Int32Array(this.mp * 2));
          }
          this.marks[this.mp++] = sp;
          this.fence = sp;
          continue;
        case OP.EMPTY_DICT:
          stack[sp++] = containers.create(CONTAINER.DICT);
          continue;
        case OP.EMPTY_LIST:
          stack[sp++] = containers.create(CONTAINER.LIST);
          continue;
        case OP.EMPTY_TUPLE:
          stack[sp++] = containers.create(CONTAINER.TUPLE);
          continue;
        case OP.SETITEMS:
        case OP.APPENDS: {
          if (this.mp === 0) break;
          const mark = this.marks[this.mp - 1] as number;
          const fence = this.mp > 1 ? this.marks[this.mp - 2] as number : 0;
          if (mark <= fence) break;
          const container = stack[mark - 1] as number;
          if (container >= 0 || (code === OP.SETITEMS && ((sp - mark) & 1) !== 0)) break;
          this.mp--;
          this.fence = fence;
          containers.append(container, stack, mark, sp);
          sp = mark;
          continue;
        }
        case OP.SETITEM:
        case OP.APPEND: {
          const from = code === OP.SETITEM ? sp - 2 : sp - 1;
          if (from <= this.fence) break;
          const container = stack[from - 1] as number;
          if (container >= 0) break;
          containers.append(container, stack, from, sp);
          sp = from;
          continue;
        }
        case OP.TUPLE1:
        case OP.TUPLE2:
        case OP.TUPLE3: {
          const from = sp - (code - OP.TUPLE1 + 1);
          if (from < this.fence) break;
          const tuple = containers.create(CONTAINER.TUPLE);
          if (tuple < 0) containers.append(tuple, stack, from, sp);
          sp = from;
          stack[sp++] = tuple;
          continue;
        }
        case OP.BININT1:
          if (pos >= limit) {
            short = 1;
            break;
          }
          stack[sp++] = (buffer[pos] as number) * 16 + KIND.INTEGER;
          pos++;
          continue;
        case OP.BININT2:
          if (pos + 2 > limit) {
            short = 2;
            break;
          }
          stack[sp++] = ((buffer[pos] as number) | (buffer[pos + 1] as number) << 8) * 16 +
            KIND.INTEGER;
          pos += 2;
          continue;
        case OP.BININT: {
          if (pos + 4 > limit) {
            short = 4;
            break;
          }
          const value = unsigned4(buffer, pos) | 0;
          stack[sp++] = value < 0 ? -value * 16 + KIND.NEGATIVE : value * 16 + KIND.INTEGER;
          pos += 4;
          continue;
        }
        case OP.BINFLOAT:
          if (pos + 8 > limit) {
            short = 8;
            break;
          }
          stack[sp++] = (base + begin) * 16 + KIND.NUMBER;
          pos += 8;
          continue;
        case OP.NONE:
          stack[sp++] = NONE;
          continue;
        case OP.NEWTRUE:
          stack[sp++] = TRUE;
          continue;
        case OP.NEWFALSE:
          stack[sp++] = FALSE;
          continue;
      }
      break;
    }
    this.sp = sp;
    this.offset = base + begin;
    if (short > 0) {
      this.opcodes = begin === pos ? opcodes : opcodes - 1;
      return this.shortOf(begin, pos, short);
    }
    this.opcodes = opcodes;
    return this.slow(buffer[begin] as number, begin, pos, limit);
  }

  // --- bytes that are missing ------------------------------------------------

  /** An argument of `count` bytes at `pos` goes past the window's or the frame's end. */
  private shortOf(begin: number, pos: number, count: number): Status | undefined {
    const { base, length, buffer } = this.input;
    const argument = base + pos;
    if (this.frameEnd <= base + length) {
      const header = pos - begin;
      const counted = header === 1 && opcodeOf(buffer[begin] as number)?.argument === "counted1";
      if (!counted || argument >= this.frameEnd) {
        return this.leaveFrame(argument, argument + count);
      }
      // Length and payload are two reads: only the second may cross.
      return this.leaveFrame(
        argument + 1,
        argument + count,
        this.readsInto(buffer[begin] as number),
      );
    }
    return this.need(begin, pos - begin + count);
  }

  /** Whether the C unpickler reads this opcode's payload without dropping a frame's rest (`_Unpickler_ReadInto`). */
  private readsInto(code: number): boolean {
    return code === OP.SHORT_BINBYTES || code === OP.BINBYTES || code === OP.BINBYTES8 ||
      code === OP.BYTEARRAY8;
  }

  /** A read of the bytes from `from` to `to` begins in the frame and does not end in it. */
  private leaveFrame(from: number, to: number, into = false): Status | undefined {
    const end = this.frameEnd;
    this.frameEnd = Infinity;
    if (from >= end || to <= end || into) return undefined;
    const drop = this.options.drops[this.notes.straddles] ?? false;
    if (this.notes.straddles++ === 0) this.notes.straddleOffset = this.offset;
    if (!drop) return undefined;
    this.input.drop(from, end - from);
    this.wanted = 1;
    return STATUS.NEED;
  }

  private need(begin: number, count: number): Status {
    this.offset = this.input.base + begin;
    this.wanted = count;
    if (this.offset + count > this.input.size) {
      return this.fail(this.offset, this.shortMessage(begin), true);
    }
    if (this.input.ended && begin + count > this.input.length) return this.truncated();
    return STATUS.NEED;
  }

  private shortMessage(begin: number): string {
    const name = begin < this.input.length
      ? opcodeOf(this.input.buffer[begin] as number)?.name
      : undefined;
    return name === undefined ? "the data ends without STOP" : `the data ends inside ${name}`;
  }

  private fail(offset: number, message: string, truncated = false): Status {
    this.error = { offset, message, truncated };
    return STATUS.FAILED;
  }

  /** The C unpickler raises here; what follows is read all the same, for readers that do not. */
  private refuse(offset: number, message: string): void {
    this.notes.refused ??= { offset, message };
  }

  /** Whether a value is certainly no tuple. */
  private isNoTuple(value: Handle): boolean {
    if (value < 0) return this.containers.kind(value) !== CONTAINER.TUPLE;
    return value === NONE || value === TRUE || value === FALSE || typeOf(this, value) !== undefined;
  }

  /** Whether a value is certainly plain data. */
  private isData(value: Handle): boolean {
    return value < 0 || value === NONE ||
      (typeOf(this, value) !== undefined && this.instanceOf(value) === undefined);
  }

  /** Whether a value certainly gives no memoryview. */
  private hasNoBuffer(value: Handle): boolean {
    return this.isData(value) && typeOf(this, value)?.name !== "bytes";
  }

  private growStack(): void {
    if (this.stack.length * 2 > this.options.valueLimit) {
      throw new RangeError(`Cannot keep more than ${this.options.valueLimit} values on the stack`);
    }
    this.stack = grown(this.stack, new Float64Array(this.stack.length * 2));
  }

  private noteNested(offset: number, at: number, length: number): void {
    if (this.nestedCandidates.length >= 4096 || length < 4) return;
    const { buffer } = this.input;
    const second = buffer[at + 1] as number;
    const third = buffer[at + 2] as number;
    const likely = looksNested(buffer[at] as number, second, third);
    if (likely) this.nestedCandidates.push(offset);
  }

  /** Writes the memo; `offset` is the opcode's. */
  private put(index: number, value: Handle, offset: number): void {
    const before = this.memo.get(index);
    if (this.memo.set(index, value) && before !== value && this.notes.memoRedefined === ABSENT) {
      this.notes.memoRedefined = offset;
    }
  }

  // --- rare opcodes ----------------------------------------------------------

  /** Everything the hot loop leaves. `pos` is behind the opcode, in the window. */
  private slow(code: number, begin: number, pos: number, limit: number): Status | undefined {
    const opcode = opcodeOf(code);
    if (opcode === undefined) {
      return this.fail(this.offset, `0x${code.toString(16).padStart(2, "0")} is no opcode`);
    }
    switch (opcode.argument) {
      case "none":
        this.offset++;
        return this.plain(code, this.offset - 1);
      case "line":
      case "two-lines":
        return this.lines(code, begin, pos, limit);
      case "counted1":
      case "counted4":
      case "counted8":
      case "long1":
      case "long4":
        return this.counted(code, begin, pos, limit);
      default:
        return this.fixed(code, begin, pos, limit);
    }
  }

  /** Opcodes with an argument of fixed width, and the memo's failures. */
  private fixed(code: number, begin: number, pos: number, limit: number): Status | undefined {
    const width = { u1: 1, u2: 2, u4: 4, i4: 4, u8: 8, f8: 8 }[
      opcodeOf(code)?.argument as "u1" | "u2" | "u4" | "i4" | "u8" | "f8"
    ];
    if (pos + width > limit) return this.shortOf(begin, pos, width);
    const { buffer } = this.input;
    const at = this.offset;
    this.offset += 1 + width;
    switch (code) {
      case OP.PROTO:
        return this.proto(buffer[pos] as number, at);
      case OP.FRAME:
        return this.frame(unsigned8(buffer, pos), at);
      case OP.EXT1:
        return this.extension(buffer[pos] as number, at);
      case OP.EXT2:
        return this.extension((buffer[pos] as number) | (buffer[pos + 1] as number) << 8, at);
      case OP.EXT4:
        return this.extension(unsigned4(buffer, pos) | 0, at);
      case OP.BINPUT:
      case OP.LONG_BINPUT:
        return this.underflow(at, code);
      default: {
        const index = width === 1 ? buffer[pos] as number : unsigned4(buffer, pos);
        const value = this.memo.get(index);
        this.notes.memoRead = true;
        if (Number.isNaN(value)) return this.fail(at, `memo entry ${index} is not set`);
        this.push(value);
        return undefined;
      }
    }
  }

  private proto(version: number, at: number): Status | undefined {
    if (version > 5) return this.fail(at, `protocol ${version} is unsupported`);
    if (at !== this.start && this.notes.oddProtocol === ABSENT) this.notes.oddProtocol = at;
    this.protocol = version;
    return undefined;
  }

  private frame(length: number, at: number): Status | undefined {
    const end = this.offset + length;
    if (end > this.input.size) {
      this.notes.longFrame = true;
      this.noteFrame(at);
    }
    if (this.offset >= this.frameEnd) this.frameEnd = Infinity;
    if (this.frameEnd !== Infinity) {
      this.noteFrame(at);
      if (end <= this.frameEnd) return undefined;
      const status = this.leaveFrame(this.offset, end);
      if (status !== undefined) {
        this.frameEnd = end;
        return status;
      }
    }
    this.frameEnd = end;
    return undefined;
  }

  private noteFrame(at: number): void {
    if (this.notes.oddFrame === ABSENT) this.notes.oddFrame = at;
  }

  private extension(code: number, at: number): Status | undefined {
    if (code <= 0) return this.fail(at, `extension code ${code} is not positive`);
    this.push(this.calls.extension(code, at));
    return undefined;
  }

  /** Opcodes with a length and a payload. */
  private counted(code: number, begin: number, pos: number, limit: number): Status | undefined {
    const layout = opcodeOf(code)?.argument;
    const width = layout === "counted1" || layout === "long1" ? 1 : layout === "counted8" ? 8 : 4;
    if (pos + width > limit) return this.shortOf(begin, pos, width);
    const { buffer, base, length: filled } = this.input;
    const length = width === 1
      ? buffer[pos] as number
      : width === 4
      ? unsigned4(buffer, pos)
      : unsigned8(buffer, pos);
    const name = opcodeOf(code)?.name;
    const at = this.offset;
    if (code === OP.LONG4 && length > 0x7fff_ffff) {
      return this.fail(at, `${name} has a negative length`);
    }
    const payload = base + pos + width;
    const next = payload + length;
    if (!(next <= Number.MAX_SAFE_INTEGER)) {
      return this.fail(at, `${name} is longer than any memory`);
    }
    if (next > this.frameEnd && payload < this.frameEnd) {
      const status = this.leaveFrame(payload, next, this.readsInto(code));
      return status;
    }
    if (next > this.input.size) {
      return this.fail(at, `${name} of ${length} bytes goes past the end`, true);
    }
    const glance = Math.min(length, Math.max(16, this.searched(code)));
    if (pos + width + glance > filled && !this.input.ended) {
      return this.need(begin, 1 + width + glance);
    }
    const text = code === OP.BINUNICODE || code === OP.BINUNICODE8 ||
      code === OP.SHORT_BINUNICODE ||
      code === OP.BINSTRING || code === OP.SHORT_BINSTRING;
    if (
      text && code !== OP.BINSTRING && code !== OP.SHORT_BINSTRING &&
      !this.validText(payload, length)
    ) {
      return this.fail(at, `${name} is no UTF-8`);
    }
    if (length > 8 && NESTED_FIRST[buffer[pos + width] as number] === 1) {
      this.noteNested(at, pos + width, length);
    }
    if (this.searched(code) > 0) this.search(code, at, pos + width, length);
    const number = code === OP.LONG1 || code === OP.LONG4;
    this.push(number ? this.long(at, length) : handleOf(text ? KIND.STRING : KIND.BYTES, at));
    this.offset = next;
    return undefined;
  }

  /** Bytes of such a payload that the user's patterns are looked for in. */
  private searched(code: number): number {
    if (this.options.interest.patternsIn === undefined) return 0;
    switch (code) {
      case OP.BINUNICODE:
      case OP.BINUNICODE8:
      case OP.SHORT_BINUNICODE:
      case OP.BINSTRING:
      case OP.SHORT_BINSTRING:
        return SEARCHED_TEXT_BYTES;
      case OP.BINBYTES:
      case OP.BINBYTES8:
      case OP.SHORT_BINBYTES:
      case OP.BYTEARRAY8:
        return SEARCHED_BYTES_BYTES;
      default:
        return 0;
    }
  }

  /** Looks for the user's patterns in a payload that the window holds. */
  private search(code: number, at: number, from: number, length: number): void {
    const { patternsIn } = this.options.interest;
    const most = this.searched(code);
    if (patternsIn === undefined || most === 0) return;
    const text = most === SEARCHED_TEXT_BYTES;
    if (length > most) {
      if (text && this.notes.unsearched === ABSENT) this.notes.unsearched = at;
      if (!text) return;
    }
    const end = Math.min(from + Math.min(length, most), this.input.length);
    const bytes = this.input.buffer.subarray(from, end);
    searchLiteral(patternsIn, bytes, text, this.facts, at);
  }

  /** Whether a text is UTF-8, as far as it is looked at. */
  private validText(payload: number, length: number): boolean {
    if (length > TEXT_LIMIT) return true;
    const bytes = this.input.bytesAt(payload, length);
    return bytes === undefined || isAscii(bytes, 0, length) || isUtf8(bytes);
  }

  private long(at: number, length: number): Handle {
    if (length > 6) return handleOf(KIND.NUMBER, at);
    const value = this.numberAt(at);
    return typeof value === "number" && Number.isInteger(value) ? this.integer(value) : UNKNOWN;
  }

  // --- opcodes with lines ----------------------------------------------------

  private lines(code: number, begin: number, pos: number, limit: number): Status | undefined {
    const two = code === OP.GLOBAL || code === OP.INST;
    const { buffer, base } = this.input;
    const first = buffer.subarray(0, limit).indexOf(0x0a, pos);
    const second = two && first >= 0 ? buffer.subarray(0, limit).indexOf(0x0a, first + 1) : first;
    if (second < 0) {
      if (two && this.input.ended && limit === this.input.length) {
        this.cutOffGlobal(code, pos, first, limit);
      }
      return this.noNewline(code, begin, first < 0 ? pos : first + 1, limit);
    }
    const at = this.offset;
    this.offset = base + second + 1;
    if (two) {
      return this.global(code, buffer.slice(pos, first), buffer.slice(first + 1, second), at);
    }
    return this.line(code, at, buffer.slice(pos, first));
  }

  /**
   * Python's unpickler takes what is left of the data for a line, drops its last character, and imports
   * (GLOBAL) or calls (INST) that.
   */
  private cutOffGlobal(code: number, pos: number, first: number, limit: number): void {
    if (limit - pos > CUT_OFF_NAME) return;
    const { buffer } = this.input;
    const module = buffer.slice(pos, first < 0 ? limit - 1 : first);
    const name = first < 0 ? new Uint8Array() : buffer.slice(first + 1, limit - 1);
    if (isUtf8(module) && isUtf8(name)) this.global(code, module, name, this.offset);
  }

  private noNewline(code: number, begin: number, pos: number, limit: number): Status | undefined {
    const { base, length, ended } = this.input;
    if (this.frameEnd <= base + length && limit < length + 1 && base + limit === this.frameEnd) {
      return this.leaveFrame(base + pos, Infinity);
    }
    if (ended) return this.fail(base + begin, this.shortMessage(begin), true);
    const have = length - begin;
    const text = code === OP.STRING || code === OP.UNICODE || code === OP.PERSID;
    if (!text && have > LONGEST_LINE) {
      return this.fail(
        base + begin,
        `${opcodeOf(code)?.name} has a line of over ${LONGEST_LINE} bytes`,
      );
    }
    if (text && have > LONG_TEXT) {
      this.longLine = this.offset;
      this.offset = base + length;
      this.wanted = 1;
      return STATUS.NEED;
    }
    return this.need(begin, Math.min(have * 2, this.input.size - this.offset));
  }

  /** Goes on looking for the end of a very long text line. */
  private skipLine(): Status | undefined {
    const { buffer, base, length, ended } = this.input;
    const from = this.offset - base;
    const newline = buffer.subarray(0, length).indexOf(0x0a, from);
    if (newline < 0) {
      this.offset = base + length;
      this.wanted = 1;
      return ended ? this.fail(this.longLine, "the data ends inside a line", true) : STATUS.NEED;
    }
    if (this.options.interest.patternsIn !== undefined && this.notes.unsearched === ABSENT) {
      this.notes.unsearched = this.longLine;
    }
    this.push(handleOf(KIND.STRING, this.longLine));
    this.offset = base + newline + 1;
    this.longLine = ABSENT;
    return undefined;
  }

  private global(
    code: number,
    module: Uint8Array,
    name: Uint8Array,
    at: number,
  ): Status | undefined {
    const opcode = code === OP.GLOBAL ? "GLOBAL" : "INST";
    if (module.length === 0) return this.fail(at, `${opcode} has an empty name`);
    if (!isUtf8(module) || !isUtf8(name)) this.refuse(at, "a global's name is no UTF-8");
    // Python's unpickler imports the module, and asks it for the empty name.
    if (name.length === 0) this.refuse(at, `${opcode} has an empty name`);
    const callee = this.importGlobal(decodeUtf8(module), decodeUtf8(name), opcode, at);
    if (code === OP.GLOBAL) {
      this.push(callee);
      return undefined;
    }
    // Python's unpickler has imported by now, C's would not have.
    if (this.mp === 0) return this.fail(at, "INST finds no MARK");
    const mark = this.popMark();
    const args = Array.from(this.stack.subarray(mark, this.sp));
    this.sp = mark;
    this.push(this.calls.call(callee, args, undefined, "INST", at));
    return undefined;
  }

  private line(code: number, at: number, line: Uint8Array): Status | undefined {
    switch (code) {
      case OP.STRING:
        if (parseQuoted(line) === undefined) return this.fail(at, "STRING is not quoted");
        if (hasBrokenEscape(line.subarray(1, -1), STRING_ESCAPES)) {
          this.refuse(at, "STRING has a cut-off escape");
        }
        this.searchLine(at, line.subarray(1, -1));
        this.push(handleOf(KIND.STRING, at));
        return undefined;
      case OP.UNICODE:
        if (hasBrokenEscape(line, UNICODE_ESCAPES)) this.refuse(at, "UNICODE has a cut-off escape");
        this.searchLine(at, line);
        this.push(handleOf(KIND.STRING, at));
        return undefined;
      case OP.PERSID:
        if (!isAscii(line, 0, line.length)) this.refuse(at, "PERSID is not ASCII");
        this.persistent(this.text(decodeLatin1(line)));
        return undefined;
      case OP.GET:
      case OP.PUT:
        return this.memoLine(code, at, line);
      case OP.FLOAT:
        return this.numberLine(at, parseFloatLine(line));
      case OP.LONG: {
        const digits = line[line.length - 1] === 0x4c ? line.subarray(0, -1) : line;
        return this.numberLine(at, parseInteger(digits, 0, false));
      }
      default:
        return this.integerLine(at, line);
    }
  }

  /** Looks for the user's patterns in the text of a line, as written and as read. */
  private searchLine(at: number, line: Uint8Array): void {
    const { patternsIn } = this.options.interest;
    if (patternsIn === undefined) return;
    searchLiteral(patternsIn, line, true, this.facts, at);
    const read = this.textOf(handleOf(KIND.STRING, at));
    if (read === undefined || !line.includes(0x5c)) return;
    for (const { pattern, text } of patternsIn(read)) {
      this.facts.add({ kind: "string", pattern, text, role: "a pickled string" }, at);
    }
  }

  private integerLine(at: number, line: Uint8Array): Status | undefined {
    const literal = parseInteger(line, 0, true);
    if (line.length !== 2 || (literal?.value !== 0 && literal?.value !== 1)) {
      return this.numberLine(at, literal);
    }
    const both = line[0] === 0x30 && (line[1] === 0x30 || line[1] === 0x31);
    if (!both && this.notes.looseArgument === ABSENT) this.notes.looseArgument = at;
    this.push(literal.value === 1 ? TRUE : FALSE);
    return undefined;
  }

  private numberLine(
    at: number,
    literal: { value: number | bigint; strict: boolean } | undefined,
  ): Status | undefined {
    if (literal === undefined) return this.fail(at, "a number cannot be read");
    if (!literal.strict && this.notes.looseArgument === ABSENT) this.notes.looseArgument = at;
    const { value } = literal;
    this.push(
      typeof value === "number" && Number.isSafeInteger(value) && Math.abs(value) < 2 ** 45
        ? this.integer(value)
        : handleOf(KIND.NUMBER, at),
    );
    return undefined;
  }

  private memoLine(code: number, at: number, line: Uint8Array): Status | undefined {
    const literal = parseInteger(line, 10, false);
    if (literal === undefined) return this.fail(at, "a memo index cannot be read");
    if (!literal.strict && this.notes.looseArgument === ABSENT) this.notes.looseArgument = at;
    if (literal.value < 0) return this.fail(at, `memo index ${literal.value} is out of range`);
    // Python's memo is a dictionary, C's an array.
    if (literal.value > C_MEMO_LIMIT) {
      this.refuse(at, `memo index ${literal.value} is out of range`);
    }
    const index = typeof literal.value === "bigint"
      ? this.memo.standIn(literal.value)
      : literal.value;
    if (code === OP.PUT) {
      if (this.sp <= this.fence) return this.underflow(at, code);
      this.put(index, this.stack[this.sp - 1] as number, at);
      return undefined;
    }
    const value = this.memo.get(index);
    this.notes.memoRead = true;
    if (Number.isNaN(value)) return this.fail(at, `memo entry ${index} is not set`);
    this.push(value);
    return undefined;
  }

  // --- opcodes without argument ----------------------------------------------

  private plain(code: number, at: number): Status | undefined {
    switch (code) {
      case OP.STOP:
        return this.stop(at);
      case OP.POP:
        if (this.mp > 0 && this.marks[this.mp - 1] === this.sp) this.popMark();
        else if (this.sp <= this.fence) return this.underflow(at, code);
        else this.sp--;
        return undefined;
      case OP.POP_MARK:
        if (this.mp === 0) return this.fail(at, "POP_MARK finds no MARK");
        this.sp = this.popMark();
        return undefined;
      case OP.DUP:
        if (this.sp <= this.fence) return this.underflow(at, code);
        this.push(this.stack[this.sp - 1] as number);
        return undefined;
      case OP.TUPLE:
      case OP.LIST:
      case OP.DICT:
      case OP.FROZENSET:
        return this.collect(code, at);
      case OP.EMPTY_SET:
        this.push(this.containers.create(CONTAINER.SET));
        return undefined;
      case OP.APPEND:
      case OP.APPENDS:
      case OP.SETITEM:
      case OP.SETITEMS:
      case OP.ADDITEMS:
        return this.fillObject(code, at);
      case OP.READONLY_BUFFER:
      case OP.NEXT_BUFFER:
        if (this.notes.outOfBand === ABSENT) this.notes.outOfBand = at;
        if (code === OP.READONLY_BUFFER) {
          if (this.sp <= this.fence) return this.underflow(at, code);
          if (this.hasNoBuffer(this.stack[this.sp - 1] as number)) {
            this.refuse(at, "READONLY_BUFFER over what is no buffer");
          }
          return undefined;
        }
        this.push(UNKNOWN);
        return undefined;
      case OP.BINPERSID: {
        const id = this.pop();
        if (id === undefined) return this.underflow(at, code);
        this.persistent(id);
        return undefined;
      }
      default:
        return this.callOpcode(code, at);
    }
  }

  /** Opcodes that import, call or build. */
  private callOpcode(code: number, at: number): Status | undefined {
    switch (code) {
      case OP.STACK_GLOBAL: {
        const name = this.pop();
        const module = name === undefined ? undefined : this.pop();
        if (name === undefined || module === undefined) return this.underflow(at, code);
        const value = this.calls.stackGlobal(module, name, at);
        if (value === undefined) return this.fail(at, "STACK_GLOBAL requires str");
        this.push(value);
        return undefined;
      }
      case OP.REDUCE:
      case OP.NEWOBJ: {
        const args = this.pop();
        const callee = args === undefined ? undefined : this.pop();
        if (args === undefined || callee === undefined) return this.underflow(at, code);
        if (this.isNoTuple(args)) {
          this.refuse(at, `${opcodeOf(code)?.name}'s arguments are no tuple`);
        }
        if (this.isData(callee)) {
          this.refuse(at, `${opcodeOf(code)?.name} over what cannot be called`);
        }
        this.push(
          this.calls.callTuple(
            callee,
            args,
            undefined,
            code === OP.REDUCE ? "REDUCE" : "NEWOBJ",
            at,
          ),
        );
        return undefined;
      }
      case OP.NEWOBJ_EX: {
        const kwargs = this.pop();
        const args = kwargs === undefined ? undefined : this.pop();
        const callee = args === undefined ? undefined : this.pop();
        if (kwargs === undefined || args === undefined || callee === undefined) {
          return this.underflow(at, code);
        }
        if (this.isNoTuple(args) || this.isData(callee)) {
          this.refuse(at, "NEWOBJ_EX over what cannot be called");
        }
        this.push(this.calls.callTuple(callee, args, kwargs, "NEWOBJ_EX", at));
        return undefined;
      }
      case OP.OBJ:
        return this.obj(at);
      case OP.BUILD:
        return this.build(at);
      default:
        return this.underflow(at, code);
    }
  }

  private obj(at: number): Status | undefined {
    if (this.mp === 0) return this.fail(at, "OBJ finds no MARK");
    const mark = this.popMark();
    if (this.sp - mark < 1) return this.underflow(at, OP.OBJ);
    const callee = this.stack[mark] as number;
    const args = Array.from(this.stack.subarray(mark + 1, this.sp));
    this.sp = mark;
    this.push(this.calls.call(callee, args, undefined, "OBJ", at));
    return undefined;
  }

  private build(at: number): Status | undefined {
    if (this.sp - 2 < this.fence) return this.underflow(at, OP.BUILD);
    const state = this.stack[--this.sp] as number;
    const target = this.stack[this.sp - 1] as number;
    this.calls.build(target, state, at);
    if (this.options.stepArrays && this.calls.isArrayWrapper(target)) {
      this.arrayWrapper = target;
      return STATUS.ARRAY;
    }
    return undefined;
  }

  private stop(at: number): Status {
    if (this.sp <= this.fence) return this.underflow(at, OP.STOP);
    this.result = this.stack[--this.sp] as number;
    this.leftovers = this.sp + this.mp;
    if (this.frameEnd > this.offset && this.frameEnd !== Infinity) this.noteFrame(at);
    return STATUS.STOPPED;
  }

  private collect(code: number, at: number): Status | undefined {
    if (this.mp === 0) return this.fail(at, `${opcodeOf(code)?.name} finds no MARK`);
    const mark = this.popMark();
    if (code === OP.DICT && ((this.sp - mark) & 1) !== 0) {
      return this.fail(at, "DICT has an odd number of items");
    }
    const kind = code === OP.TUPLE
      ? CONTAINER.TUPLE
      : code === OP.LIST
      ? CONTAINER.LIST
      : code === OP.DICT
      ? CONTAINER.DICT
      : CONTAINER.FROZENSET;
    const container = this.containers.create(kind);
    if (container < 0) this.containers.append(container, this.stack, mark, this.sp);
    this.sp = mark;
    this.push(container);
    return undefined;
  }

  /** APPEND(S), SETITEM(S) or ADDITEMS on what is no plain container, or with something amiss. */
  private fillObject(code: number, at: number): Status | undefined {
    let from: number;
    if (code === OP.APPEND) from = this.sp - 1;
    else if (code === OP.SETITEM) from = this.sp - 2;
    else {
      if (this.mp === 0) return this.fail(at, `${opcodeOf(code)?.name} finds no MARK`);
      from = this.popMark();
    }
    if (from <= this.fence || from > this.sp) return this.underflow(at, code);
    const items = this.sp - from;
    if (items === 0) return undefined;
    if (code === OP.SETITEMS && (items & 1) !== 0) {
      return this.fail(at, "SETITEMS has an odd number of items");
    }
    const target = this.stack[from - 1] as number;
    if (target < 0) this.containers.append(target, this.stack, from, this.sp);
    else {
      const kept = Array.from(this.stack.subarray(from, Math.min(this.sp, from + 64)));
      this.calls.fill(target, kept, opcodeOf(code)?.name ?? "", at);
    }
    this.sp = from;
    return undefined;
  }

  // --- stack ------------------------------------------------------------------

  private push(value: Handle): void {
    if (this.sp >= this.stack.length) this.growStack();
    this.stack[this.sp++] = value;
  }

  private pop(): Handle | undefined {
    return this.sp <= this.fence ? undefined : this.stack[--this.sp];
  }

  private popMark(): number {
    const mark = this.marks[--this.mp] as number;
    this.fence = this.mp > 0 ? this.marks[this.mp - 1] as number : 0;
    return mark;
  }

  private persistent(id: Handle): void {
    const [tag, module] = this.itemsOf(id, CONTAINER.TUPLE)?.slice(0, 2) ?? [];
    if (
      module !== undefined && this.globalOf(module) !== undefined &&
      this.textOf(tag ?? NONE) === "module"
    ) {
      // torch's legacy loader gives the class itself (`persistent_load` in torch/serialization.py).
      this.push(module);
      return;
    }
    if (this.persistentIds.length < PERSISTENT_KEPT) {
      this.persistentIds.push(id);
      this.push(this.object({ type: "persistent", id }));
    } else this.push(LOST);
  }

  private underflow(at: number, code: number): Status {
    return this.fail(at, `${opcodeOf(code)?.name} finds too little on the stack`);
  }
}

/** Persistent ids that are kept; a checkpoint has as many as tensors. */
export const PERSISTENT_KEPT = 1 << 18;

function looksNested(first: number, second: number, third: number): boolean {
  switch (first) {
    case 0x80:
      return second <= 5;
    case 0x1f:
      return second === 0x8b;
    case 0x78:
      return (first * 256 + second) % 31 === 0;
    case 0x38: // hex of PROTO: "80"
      return second === 0x30 && third === 0x30;
    case 0x67: // base64 of PROTO: "gA" and a letter of the version
      return second === 0x41 && third >= 0x41 && third <= 0x5a;
    case 0x48: // base64 of gzip: "H4s"
      return second === 0x34 && third === 0x73;
    case 0x65: // base64 of zlib: "eJ", "eN", "eA", "e" + …
      return second === 0x4a || second === 0x4e || second === 0x46 || second === 0x41;
    default: // protocol 0: GLOBAL, MARK
      return (second >= 0x61 && second <= 0x7a) || second === 0x5f || second === 0x53 ||
        second === 0x56;
  }
}

function isAscii(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if ((bytes[at] as number) > 0x7f) return false;
  return true;
}

function unsigned4(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) | (bytes[at + 1] as number) << 8 |
    (bytes[at + 2] as number) << 16 | (bytes[at + 3] as number) << 24) >>> 0;
}

/** Eight bytes as a number, rounded beyond 2^53. */
function unsigned8(bytes: Uint8Array, at: number): number {
  return unsigned4(bytes, at) + unsigned4(bytes, at + 4) * 2 ** 32;
}
