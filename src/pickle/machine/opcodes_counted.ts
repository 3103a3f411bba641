/**
 * Opcodes with an argument of fixed width or a length and a payload, where the hot loop leaves them.
 *
 * @module
 */

import { unsigned4, unsigned8 } from "./literals.ts";
import { OP, opcodeOf } from "./opcodes.ts";
import { LineOpcodes } from "./opcodes_line.ts";
import { ABSENT, type Status } from "./status.ts";
import { type Handle, handleOf, KIND, UNKNOWN, UNSET } from "./values.ts";

/** The machine but for its hot loop. */
export class CountedOpcodes extends LineOpcodes {
  /** Everything the hot loop leaves. `pos` is behind the opcode, in the window. */
  protected slow(code: number, begin: number, pos: number, limit: number): Status | undefined {
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
  protected fixed(code: number, begin: number, pos: number, limit: number): Status | undefined {
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
        if (value === UNSET) return this.fail(at, `memo entry ${index} is not set`);
        this.push(value);
        return undefined;
      }
    }
  }

  protected proto(version: number, at: number): Status | undefined {
    if (version > 5) return this.fail(at, `protocol ${version} is unsupported`);
    if (at !== this.start && this.notes.oddProtocol === ABSENT) this.notes.oddProtocol = at;
    this.protocol = version;
    return undefined;
  }

  protected frame(length: number, at: number): Status | undefined {
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

  protected extension(code: number, at: number): Status | undefined {
    if (code <= 0) return this.fail(at, `extension code ${code} is not positive`);
    this.push(this.semantics.extension(code, at));
    return undefined;
  }

  /** Opcodes with a length and a payload. */
  protected counted(code: number, begin: number, pos: number, limit: number): Status | undefined {
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
    if (length > 8) this.noteNested(at, pos + width, length);
    if (this.searched(code) > 0) this.search(code, at, pos + width, length);
    const number = code === OP.LONG1 || code === OP.LONG4;
    this.push(number ? this.long(at, length) : handleOf(text ? KIND.STRING : KIND.BYTES, at));
    this.offset = next;
    return undefined;
  }

  protected long(at: number, length: number): Handle {
    if (length > 6) return handleOf(KIND.NUMBER, at);
    const value = this.numberAt(at);
    return typeof value === "number" && Number.isInteger(value) ? this.integer(value) : UNKNOWN;
  }
}
