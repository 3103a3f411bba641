/**
 * Opcodes with one or two lines behind them, those of protocol 0.
 *
 * @module
 */

import { LONGEST_LINE } from "./window.ts";
import {
  decodeLatin1,
  decodeUtf8,
  hasBrokenEscape,
  isAscii,
  isUtf8,
  parseFloatLine,
  parseInteger,
  parseQuoted,
} from "./literals.ts";
import { OP, opcodeOf } from "./opcodes.ts";
import { PlainOpcodes } from "./opcodes_plain.ts";
import {
  isPlainFloat,
  isPlainQuoted,
  isUnescaped,
  newlineIn,
  plainInteger,
} from "./line_fast_path.ts";
import { searchLiteral } from "./search.ts";
import { ABSENT, STATUS, type Status } from "./status.ts";
import { FALSE, handleOf, KIND, TRUE, UNSET } from "./values.ts";

/** The longest name at the end of the data, in bytes, that is taken for a cut-off global's. */
const CUT_OFF_NAME = 1024;
/** Memo indices above this are beyond any array. */
const C_MEMO_LIMIT = 2 ** 40;
/** A line of text longer than this is skipped, window after window, and not looked at. */
const LONG_TEXT = 16 * 1024 * 1024;

/** The machine as far as opcodes with lines go. */
export class LineOpcodes extends PlainOpcodes {
  protected lines(code: number, begin: number, pos: number, limit: number): Status | undefined {
    const two = code === OP.GLOBAL || code === OP.INST;
    const { buffer, base } = this.input;
    const first = newlineIn(buffer, pos, limit);
    const second = two && first >= 0 ? newlineIn(buffer, first + 1, limit) : first;
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
    if (this.quickLine(code, at, pos, first)) return undefined;
    return this.line(code, at, buffer.slice(pos, first));
  }

  /** Does what `line` would do, for the commonest forms; false, with nothing done, for the others. */
  protected quickLine(code: number, at: number, from: number, to: number): boolean {
    const { buffer } = this.input;
    const searching = this.options.interest.patternsIn !== undefined;
    switch (code) {
      case OP.UNICODE:
        if (searching || !isUnescaped(buffer, from, to)) return false;
        this.push(handleOf(KIND.STRING, at));
        return true;
      case OP.STRING:
        if (searching || !isPlainQuoted(buffer, from, to)) return false;
        this.push(handleOf(KIND.STRING, at));
        return true;
      case OP.FLOAT:
        if (!isPlainFloat(buffer, from, to)) return false;
        this.push(handleOf(KIND.NUMBER, at));
        return true;
      case OP.LONG:
      case OP.INT: {
        const long = code === OP.LONG && buffer[to - 1] === 0x4c;
        const value = plainInteger(buffer, from, long ? to - 1 : to);
        if (value !== value) return !long && this.quickBoolean(buffer, from, to);
        this.push(this.integer(value));
        return true;
      }
      case OP.GET:
      case OP.PUT:
        return this.quickMemo(code, at, plainInteger(buffer, from, to));
      default:
        return false;
    }
  }

  /** `I00` and `I01`, which are False and True. */
  private quickBoolean(buffer: Uint8Array, from: number, to: number): boolean {
    const digit = buffer[from + 1];
    if (to - from !== 2 || buffer[from] !== 0x30 || (digit !== 0x30 && digit !== 0x31)) {
      return false;
    }
    this.push(digit === 0x31 ? TRUE : FALSE);
    return true;
  }

  private quickMemo(code: number, at: number, index: number): boolean {
    if (!(index >= 0 && index < C_MEMO_LIMIT)) return false;
    if (code === OP.PUT) {
      if (this.sp <= this.fence) return false;
      this.put(index, this.stack[this.sp - 1] as number, at);
      return true;
    }
    const value = this.memo.get(index);
    if (value === UNSET) return false;
    this.notes.memoRead = true;
    this.push(value);
    return true;
  }

  /**
   * Python's unpickler takes what is left of the data for a line, drops its last character, and imports
   * (GLOBAL) or calls (INST) that.
   */
  protected cutOffGlobal(code: number, pos: number, first: number, limit: number): void {
    if (limit - pos > CUT_OFF_NAME) return;
    const { buffer } = this.input;
    const module = buffer.slice(pos, first < 0 ? limit - 1 : first);
    const name = first < 0 ? new Uint8Array() : buffer.slice(first + 1, limit - 1);
    if (isUtf8(module) && isUtf8(name)) this.global(code, module, name, this.offset);
  }

  protected noNewline(code: number, begin: number, pos: number, limit: number): Status | undefined {
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
  protected skipLine(): Status | undefined {
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

  protected global(
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
    this.push(this.semantics.call(callee, args, undefined, "INST", at));
    return undefined;
  }

  protected line(code: number, at: number, line: Uint8Array): Status | undefined {
    switch (code) {
      case OP.STRING:
        if (parseQuoted(line) === undefined) return this.fail(at, "STRING is not quoted");
        if (hasBrokenEscape(line.subarray(1, -1), "STRING")) {
          this.refuse(at, "STRING has a cut-off escape");
        }
        this.searchLine(at, line.subarray(1, -1));
        this.push(handleOf(KIND.STRING, at));
        return undefined;
      case OP.UNICODE:
        if (hasBrokenEscape(line, "UNICODE")) this.refuse(at, "UNICODE has a cut-off escape");
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
        return this.numberLine(at, parseFloatLine(line), true);
      case OP.LONG: {
        const digits = line[line.length - 1] === 0x4c ? line.subarray(0, -1) : line;
        return this.numberLine(at, parseInteger(digits, 0, false));
      }
      default:
        return this.integerLine(at, line);
    }
  }

  /** Looks for the user's patterns in the text of a line, as written and as read. */
  protected searchLine(at: number, line: Uint8Array): void {
    const { patternsIn } = this.options.interest;
    if (patternsIn === undefined) return;
    searchLiteral(patternsIn, line, true, this.facts, at);
    const read = this.textOf(handleOf(KIND.STRING, at));
    if (read === undefined || !line.includes(0x5c)) return;
    for (const { pattern, text } of patternsIn(read)) {
      this.facts.add({ kind: "string", pattern, text, role: "a pickled string" }, at);
    }
  }

  protected integerLine(at: number, line: Uint8Array): Status | undefined {
    const literal = parseInteger(line, 0, true);
    if (line.length !== 2 || (literal?.value !== 0 && literal?.value !== 1)) {
      return this.numberLine(at, literal);
    }
    const both = line[0] === 0x30 && (line[1] === 0x30 || line[1] === 0x31);
    if (!both && this.notes.looseArgument === ABSENT) this.notes.looseArgument = at;
    this.push(literal.value === 1 ? TRUE : FALSE);
    return undefined;
  }

  protected numberLine(
    at: number,
    literal: { value: number | bigint; strict: boolean } | undefined,
    float = false,
  ): Status | undefined {
    if (literal === undefined) return this.fail(at, "a number cannot be read");
    if (!literal.strict && this.notes.looseArgument === ABSENT) this.notes.looseArgument = at;
    const { value } = literal;
    this.push(
      !float && typeof value === "number" && Number.isSafeInteger(value) &&
        Math.abs(value) < 2 ** 45
        ? this.integer(value)
        : handleOf(KIND.NUMBER, at),
    );
    return undefined;
  }

  protected memoLine(code: number, at: number, line: Uint8Array): Status | undefined {
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
    if (value === UNSET) return this.fail(at, `memo entry ${index} is not set`);
    this.push(value);
    return undefined;
  }
}
