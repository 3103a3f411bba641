/**
 * The bytes at hand: the part of the window inside the current frame, and what happens where an
 * argument needs more. Leaves frames as the C unpickler does (`_Unpickler_ReadImpl`,
 * `_Unpickler_ReadInto` in CPython's `Modules/_pickle.c`).
 *
 * @module
 */

import { OP, opcodeOf } from "./opcodes.ts";
import {
  ABSENT,
  AGAIN,
  leave,
  type MachineAnomalies,
  type MachineError,
  type Next,
  STATUS,
} from "./status.ts";
import type { ByteWindow } from "./window.ts";

/** Whether the C unpickler reads this opcode's payload without dropping a frame's rest (`_Unpickler_ReadInto`). */
export function readsInto(code: number): boolean {
  return code === OP.SHORT_BINBYTES || code === OP.BINBYTES || code === OP.BINBYTES8 ||
    code === OP.BYTEARRAY8;
}

/**
 * Where one unpickler reads. Offsets are virtual; `pos`, `begin` and `next` are places in the window.
 */
export class FrameReader {
  readonly input: ByteWindow;
  /** The window's bytes, as of the last `enter`. */
  buffer: Uint8Array;
  /** Virtual offset of the window's first byte. */
  base = 0;
  /** Behind the last byte of the window that may be read: the window's end, or the frame's. */
  limit = 0;
  /** Virtual offset of the next byte, while the loop is left. */
  offset: number;
  /** Bytes that the next window must have at least. */
  wanted = 1;
  error: MachineError | undefined;
  /** Virtual offset behind the frame that `offset` is in; Infinity or what lies behind when it is in none. */
  frameEnd = Infinity;
  /** Offset of the opcode whose text line is being skipped. */
  longLine: number = ABSENT;
  private readonly anomalies: MachineAnomalies;
  private readonly drops: readonly boolean[];

  /**
   * @param start virtual offset of the stream's first byte
   * @param drops whether each crossing of a frame's end drops the rest of the frame
   */
  constructor(
    input: ByteWindow,
    start: number,
    anomalies: MachineAnomalies,
    drops: readonly boolean[],
  ) {
    this.input = input;
    this.buffer = input.buffer;
    this.offset = start;
    this.anomalies = anomalies;
    this.drops = drops;
  }

  /** Begins anew at another offset. */
  restart(start: number): void {
    this.offset = start;
    this.error = undefined;
    this.frameEnd = Infinity;
  }

  /** Takes over the window as it is now, and gives the place of `offset` in it. */
  enter(): number {
    const { buffer, base, length } = this.input;
    this.buffer = buffer;
    this.base = base;
    // Places are 32-bit integers at all times: compiled code that met one as a double is thrown away.
    const inFrame = this.frameEnd - base;
    this.limit = (inFrame < length ? inFrame : length) | 0;
    return (this.offset - base) | 0;
  }

  /** Whether the window has the byte at `offset`, or ends just before it. */
  get inWindow(): boolean {
    const { base, length } = this.input;
    return this.offset >= base && this.offset <= base + length;
  }

  /** Leaves the loop to enter it again at a place in the window. */
  again(pos: number): Next {
    this.offset = this.base + pos;
    return AGAIN;
  }

  /**
   * What the unpickler would raise.
   *
   * @param begin place of the opcode
   * @param next place behind what of it was read
   */
  fail(begin: number, next: number, message: string, truncated = false): Next {
    this.error = { offset: this.base + begin, message, truncated };
    this.offset = this.base + next;
    return leave(STATUS.FAILED);
  }

  /** The same of an opcode that was not read at all, at a virtual offset. */
  failAt(offset: number, message: string, truncated = false): Next {
    this.error = { offset, message, truncated };
    return leave(STATUS.FAILED);
  }

  /** An argument of `count` bytes at `pos` goes past the window's or the frame's end. */
  short(begin: number, pos: number, count: number): Next {
    const { base, length, buffer } = this.input;
    const argument = base + pos;
    if (this.frameEnd > base + length) return this.need(begin, pos - begin + count);
    const at = base + begin;
    const code = buffer[begin] as number;
    const counted = pos - begin === 1 && opcodeOf(code)?.argument === "counted1";
    if (!counted || argument >= this.frameEnd) {
      return this.leaveFrame(argument, argument + count, at);
    }
    // Length and payload are two reads: only the second may cross.
    return this.leaveFrame(argument + 1, argument + count, at, readsInto(code));
  }

  /** A read of the bytes from `from` to `to` begins in the frame and does not end in it. */
  leaveFrame(from: number, to: number, at: number, into = false): Next {
    this.offset = at;
    const end = this.frameEnd;
    this.frameEnd = Infinity;
    if (from >= end || to <= end || into) return AGAIN;
    const { anomalies } = this;
    const drop = this.drops[anomalies.straddles] ?? false;
    if (anomalies.straddles++ === 0) anomalies.straddleOffset = at;
    if (!drop) return AGAIN;
    this.input.drop(from, end - from);
    this.wanted = 1;
    return leave(STATUS.NEED);
  }

  /** Comes back for a window that has `count` bytes from `begin` on. */
  need(begin: number, count: number): Next {
    this.offset = this.input.base + begin;
    this.wanted = count;
    if (this.offset + count > this.input.size) {
      return this.failAt(this.offset, this.shortMessage(begin), true);
    }
    if (this.input.ended && begin + count > this.input.length) return this.truncated();
    return leave(STATUS.NEED);
  }

  /** Comes back for the next window, from its end on. */
  needMore(): Next {
    this.offset = this.input.base + this.input.length;
    this.wanted = 1;
    return leave(STATUS.NEED);
  }

  /** What is raised where the data ends at a place. */
  shortMessage(begin: number): string {
    const { buffer, length } = this.input;
    const name = begin < length ? opcodeOf(buffer[begin] as number)?.name : undefined;
    return name === undefined ? "the data ends without STOP" : `the data ends inside ${name}`;
  }

  /** The data ended where more is needed. */
  truncated(): Next {
    const { length, base } = this.input;
    const inside = length > 0 && this.offset === base;
    return this.failAt(this.offset, this.shortMessage(inside ? 0 : length), true);
  }
}
