/**
 * Bytes that the window or the frame does not have: waiting for more, leaving a frame as the C
 * unpickler does (`_Unpickler_ReadImpl`, `_Unpickler_ReadInto`), and looks at payloads in passing.
 *
 * @module
 */

import { TEXT_LIMIT } from "./heap.ts";
import { isAscii, isUtf8 } from "./literals.ts";
import { looksNested } from "./nested_heads.ts";
import { OP, opcodeOf } from "./opcodes.ts";
import { SEARCHED_BYTES_BYTES, SEARCHED_TEXT_BYTES, searchLiteral } from "./search.ts";
import { Stack } from "./stack.ts";
import { ABSENT, STATUS, type Status } from "./status.ts";

/** Constants of one stream that are looked at for a nested pickle; where there are more, that is told. */
export const NESTED_KEPT = 1 << 16;
/** The shortest text that is decoded to see whether it is a pickle. */
export const CODED_CHARACTERS = 16;

/** How pickles without a header begin: GLOBAL, MARK, EMPTY_LIST, EMPTY_DICT. */
const PLAIN_HEADS: ReadonlySet<number> = new Set([0x63, 0x28, 0x5d, 0x7d]);
/** How what stands there as it is begins: PROTO, gzip, zlib. */
const RAW_HEADS: ReadonlySet<number> = new Set([0x80, 0x1f, 0x78]);

/** Whether a constant would have to be decoded and is too short for that. */
function isTooShort(first: number, length: number): boolean {
  return !RAW_HEADS.has(first) && length < CODED_CHARACTERS;
}

/** The stack, with bytes to read. */
export class Frames extends Stack {
  /** An argument of `count` bytes at `pos` goes past the window's or the frame's end. */
  protected shortOf(begin: number, pos: number, count: number): Status | undefined {
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
  protected readsInto(code: number): boolean {
    return code === OP.SHORT_BINBYTES || code === OP.BINBYTES || code === OP.BINBYTES8 ||
      code === OP.BYTEARRAY8;
  }

  /** A read of the bytes from `from` to `to` begins in the frame and does not end in it. */
  protected leaveFrame(from: number, to: number, into = false): Status | undefined {
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

  protected need(begin: number, count: number): Status {
    this.offset = this.input.base + begin;
    this.wanted = count;
    if (this.offset + count > this.input.size) {
      return this.fail(this.offset, this.shortMessage(begin), true);
    }
    if (this.input.ended && begin + count > this.input.length) return this.truncated();
    return STATUS.NEED;
  }

  protected shortMessage(begin: number): string {
    const name = begin < this.input.length
      ? opcodeOf(this.input.buffer[begin] as number)?.name
      : undefined;
    return name === undefined ? "the data ends without STOP" : `the data ends inside ${name}`;
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

  protected noteFrame(at: number): void {
    if (this.notes.oddFrame === ABSENT) this.notes.oddFrame = at;
  }

  protected noteNested(offset: number, at: number, length: number): void {
    if (length < 4) return;
    const { buffer } = this.input;
    const first = buffer[at] as number;
    const second = buffer[at + 1] as number;
    const third = buffer[at + 2] as number;
    if (!looksNested(first, second, third)) return;
    if (PLAIN_HEADS.has(first) ? !this.mayImport(at, length) : isTooShort(first, length)) return;
    if (this.nestedCandidates.length < NESTED_KEPT) this.nestedCandidates.push(offset);
    else this.nestedForgotten = true;
  }

  /** Without a line break or a byte beyond ASCII no opcode imports anything: words have neither. */
  private mayImport(at: number, length: number): boolean {
    const { buffer, length: end } = this.input;
    return at + length > end || !isAscii(buffer, at, at + length) ||
      buffer.subarray(at, at + length).includes(0x0a);
  }

  /** Bytes of such a payload that the user's patterns are looked for in. */
  protected searched(code: number): number {
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
  protected search(code: number, at: number, from: number, length: number): void {
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
  protected validText(payload: number, length: number): boolean {
    if (length > TEXT_LIMIT) return true;
    const { buffer, base, length: filled } = this.input;
    const from = payload - base;
    if (from >= 0 && from + length <= filled) {
      return isAscii(buffer, from, from + length) || isUtf8(buffer, from, from + length);
    }
    const bytes = this.input.bytesAt(payload, length);
    return bytes === undefined || isAscii(bytes, 0, length) || isUtf8(bytes);
  }
}
