/**
 * Opcodes with one or two lines behind them, those of protocol 0. The form that picklers write is read
 * where it lies (`line_fast_path.ts`); every other form goes through `literals.ts`.
 *
 * @module
 */

import { isPlainQuoted, isUnescaped, newlineIn, plainInteger } from "./line_fast_path.ts";
import {
  decodeLatin1,
  decodeUtf8,
  hasBrokenEscape,
  isAscii,
  isUtf8,
  type NumberLiteral,
  parseFloatLine,
  parseInteger,
  parseQuoted,
} from "./literals.ts";
import type { Handler, Machine } from "./machine.ts";
import { OP, opcodeOf } from "./opcodes.ts";
import { pushPersistent } from "./opcodes_calls.ts";
import { pushMemo, putTop } from "./opcodes_stack.ts";
import { searchLiteral } from "./search.ts";
import { ABSENT, AGAIN, type Next } from "./status.ts";
import { FALSE, handleOf, KIND, TRUE, UNSET } from "./values.ts";
import { LONGEST_LINE } from "./window.ts";

/**
 * The longest name at the end of the data, in bytes, that is taken for a cut-off global's. The longest seen
 * has 89. CWE-770.
 */
const CUT_OFF_NAME = 1024;
/** Memo indices above this are beyond any array. */
const C_MEMO_LIMIT = 2 ** 40;
/** A line of text longer than this is skipped, window after window, and not looked at. */
const LONG_TEXT = 16 * 1024 * 1024;
/** Integers from here on are kept as the place where they stand. */
const LARGE_INTEGER = 2 ** 45;
/** The `L` behind a LONG. */
const LONG_SUFFIX = 0x4c;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
const ONE = 0x31;

// --- numbers --------------------------------------------------------------------------

function int(machine: Machine, pos: number): Next {
  const { reader: { buffer, limit } } = machine;
  const end = newlineIn(buffer, pos, limit);
  if (end < 0) return noNewline(machine, pos, pos);
  const value = plainInteger(buffer, pos, end);
  if (value === value) return pushInteger(machine, value, end + 1);
  const digit = buffer[pos + 1];
  if (end - pos === 2 && buffer[pos] === ZERO && (digit === ZERO || digit === ONE)) {
    machine.stack.push(digit === ONE ? TRUE : FALSE);
    return end + 1;
  }
  return looseInt(machine, pos, end);
}

function long(machine: Machine, pos: number): Next {
  const { reader: { buffer, limit } } = machine;
  const end = newlineIn(buffer, pos, limit);
  if (end < 0) return noNewline(machine, pos, pos);
  const digits = end > pos && buffer[end - 1] === LONG_SUFFIX ? end - 1 : end;
  const value = plainInteger(buffer, pos, digits);
  if (value === value) return pushInteger(machine, value, end + 1);
  return pushNumber(machine, pos, end, parseInteger(buffer.slice(pos, digits), 0, false));
}

function float(machine: Machine, pos: number): Next {
  const { reader: { buffer, limit } } = machine;
  const end = newlineIn(buffer, pos, limit);
  if (end < 0) return noNewline(machine, pos, pos);
  return pushNumber(machine, pos, end, parseFloatLine(buffer.slice(pos, end)), true);
}

function pushInteger(machine: Machine, value: number, next: number): Next {
  machine.stack.push(
    value < 0 ? handleOf(KIND.NEGATIVE, -value) : handleOf(KIND.INTEGER, value),
  );
  return next;
}

/** An INT that picklers do not write. */
function looseInt(machine: Machine, pos: number, end: number): Next {
  const line = machine.reader.buffer.slice(pos, end);
  const literal = parseInteger(line, 0, true);
  if (line.length !== 2 || (literal?.value !== 0 && literal?.value !== 1)) {
    return pushNumber(machine, pos, end, literal);
  }
  machine.anomalies.addLooseArgument(machine.reader.base + pos - 1);
  machine.stack.push(literal.value === 1 ? TRUE : FALSE);
  return end + 1;
}

function pushNumber(
  machine: Machine,
  pos: number,
  end: number,
  literal: NumberLiteral | undefined,
  isFloat = false,
): Next {
  const { reader, anomalies, stack, heap } = machine;
  if (literal === undefined) return reader.fail(pos - 1, end + 1, "a number cannot be read");
  const at = reader.base + pos - 1;
  if (!literal.strict) anomalies.addLooseArgument(at);
  const { value } = literal;
  const small = !isFloat && typeof value === "number" && Number.isSafeInteger(value) &&
    Math.abs(value) < LARGE_INTEGER;
  stack.push(small ? heap.integer(value) : handleOf(KIND.NUMBER, at));
  return end + 1;
}

// --- texts ----------------------------------------------------------------------------

function unicode(machine: Machine, pos: number): Next {
  const { reader: { buffer, base, limit }, options, anomalies } = machine;
  const end = newlineIn(buffer, pos, limit);
  if (end < 0) return noNewline(machine, pos, pos);
  const at = base + pos - 1;
  if (options.interest.patternsIn === undefined && isUnescaped(buffer, pos, end)) {
    options.watch?.look(buffer, pos, end, at);
    machine.stack.push(handleOf(KIND.STRING, at));
    return end + 1;
  }
  const line = buffer.slice(pos, end);
  if (hasBrokenEscape(line, "UNICODE")) anomalies.refuse(at, "UNICODE has a cut-off escape");
  return pushSearched(machine, at, line, end + 1);
}

function string(machine: Machine, pos: number): Next {
  const { reader, options, anomalies } = machine;
  const { buffer, base, limit } = reader;
  const end = newlineIn(buffer, pos, limit);
  if (end < 0) return noNewline(machine, pos, pos);
  const at = base + pos - 1;
  if (options.interest.patternsIn === undefined && isPlainQuoted(buffer, pos, end)) {
    options.watch?.look(buffer, pos, end, at);
    machine.stack.push(handleOf(KIND.STRING, at));
    return end + 1;
  }
  const line = buffer.slice(pos, end);
  if (parseQuoted(line) === undefined) {
    return reader.fail(pos - 1, end + 1, "STRING is not quoted");
  }
  const quoted = line.subarray(1, -1);
  if (hasBrokenEscape(quoted, "STRING")) anomalies.refuse(at, "STRING has a cut-off escape");
  return pushSearched(machine, at, quoted, end + 1);
}

/** Pushes a text, looked through for the user's patterns as written and as read. */
function pushSearched(machine: Machine, at: number, line: Uint8Array, next: number): Next {
  const { heap, stack, options: { interest: { patternsIn }, watch } } = machine;
  const handle = handleOf(KIND.STRING, at);
  if (watch !== undefined) {
    const read = heap.textOf(handle);
    if (read === undefined) watch.unread(at);
    else watch.lookAt(read, at);
  }
  if (patternsIn !== undefined) {
    searchLiteral(patternsIn, line, true, heap.facts, at);
    const read = line.includes(BACKSLASH) ? heap.textOf(handle) : undefined;
    for (const { pattern, text } of read === undefined ? [] : patternsIn(read)) {
      heap.facts.add({ kind: "string", pattern, text, role: "a pickled string" }, at);
    }
  }
  stack.push(handle);
  return machine.goOn(next);
}

/** What follows "P" at the beginning of a zip's member. */
const ZIP_ID = [0x4b, 0x03, 0x04];

function persid(machine: Machine, pos: number): Next {
  const { reader, heap, anomalies } = machine;
  const { buffer, base, limit } = reader;
  const end = newlineIn(buffer, pos, limit);
  if (end < 0) return noNewline(machine, pos, pos);
  const line = buffer.slice(pos, end);
  if (!isAscii(line, 0, line.length)) {
    // A zip's header is a PERSID that Python 3 refuses, and no identifier that Python 2 wrote.
    const isZip = base + pos - 1 === machine.start && ZIP_ID.every((byte, at) => line[at] === byte);
    if (isZip) return reader.fail(pos - 1, end + 1, "PERSID is not ASCII");
    anomalies.refuse(base + pos - 1, "PERSID is not ASCII");
  }
  pushPersistent(machine, heap.text(decodeLatin1(line)));
  return machine.goOn(end + 1);
}

// --- memo -----------------------------------------------------------------------------

function get(machine: Machine, pos: number): Next {
  const { reader: { buffer, limit }, memo } = machine;
  const end = newlineIn(buffer, pos, limit);
  if (end < 0) return noNewline(machine, pos, pos);
  const index = plainInteger(buffer, pos, end);
  const value = index >= 0 && index < C_MEMO_LIMIT ? memo.get(index) : UNSET;
  if (value === UNSET) return memoLine(machine, pos, end, pushFromMemo);
  return pushMemo(machine, pos, end + 1, index, value);
}

function put(machine: Machine, pos: number): Next {
  const { reader: { buffer, limit } } = machine;
  const end = newlineIn(buffer, pos, limit);
  if (end < 0) return noNewline(machine, pos, pos);
  const index = plainInteger(buffer, pos, end);
  if (!(index >= 0 && index < C_MEMO_LIMIT)) return memoLine(machine, pos, end, putTop);
  return putTop(machine, pos, end + 1, index);
}

function pushFromMemo(machine: Machine, pos: number, next: number, index: number): Next {
  return pushMemo(machine, pos, next, index, machine.memo.get(index));
}

/** A memo index that picklers do not write, or that is not set. */
function memoLine(
  machine: Machine,
  pos: number,
  end: number,
  use: (machine: Machine, pos: number, next: number, index: number) => Next,
): Next {
  const { reader, anomalies, memo } = machine;
  const next = end + 1;
  const literal = parseInteger(reader.buffer.slice(pos, end), 10, false);
  if (literal === undefined) return reader.fail(pos - 1, next, "a memo index cannot be read");
  const at = reader.base + pos - 1;
  const { value } = literal;
  if (!literal.strict) anomalies.addLooseArgument(at);
  if (value < 0) return reader.fail(pos - 1, next, `memo index ${value} is out of range`);
  // Python's memo is a dictionary, C's an array.
  if (value > C_MEMO_LIMIT) anomalies.refuse(at, `memo index ${value} is out of range`);
  return use(machine, pos, next, typeof value === "bigint" ? memo.standIn(value) : value);
}

// --- imports --------------------------------------------------------------------------

/** GLOBAL and INST. */
function named(machine: Machine, pos: number, code: number): Next {
  const { reader: { buffer, limit } } = machine;
  const first = newlineIn(buffer, pos, limit);
  const second = first < 0 ? -1 : newlineIn(buffer, first + 1, limit);
  if (second < 0) {
    cutOffGlobal(machine, pos, first, code);
    return noNewline(machine, pos, first < 0 ? pos : first + 1);
  }
  const module = buffer.slice(pos, first);
  return useGlobal(machine, pos, second + 1, {
    code,
    module,
    name: buffer.slice(first + 1, second),
  });
}

/** The two lines of GLOBAL or INST. */
interface Named {
  readonly code: number;
  readonly module: Uint8Array;
  readonly name: Uint8Array;
}

function useGlobal(machine: Machine, pos: number, next: number, named: Named): Next {
  const { reader, anomalies, heap, stack, semantics } = machine;
  const { code, module, name } = named;
  const opcode = code === OP.GLOBAL ? "GLOBAL" : "INST";
  const at = reader.base + pos - 1;
  if (module.length === 0) return reader.fail(pos - 1, next, `${opcode} has an empty name`);
  if (!isUtf8(module) || !isUtf8(name)) anomalies.refuse(at, "a global's name is no UTF-8");
  // Python's unpickler imports the module, and asks it for the empty name.
  if (name.length === 0) anomalies.refuse(at, `${opcode} has an empty name`);
  const callee = heap.importGlobal(decodeUtf8(module), decodeUtf8(name), opcode, at);
  if (code === OP.GLOBAL) {
    stack.push(callee);
    return machine.goOn(next);
  }
  // Python's unpickler has imported by now, C's would not have.
  if (stack.markCount === 0) return reader.fail(pos - 1, next, "INST finds no MARK");
  const mark = stack.popMark();
  const args = stack.from(mark);
  stack.size = mark;
  stack.push(semantics.call(callee, args, undefined, "INST", at));
  return machine.goOn(next);
}

/**
 * Python's unpickler takes what is left of the data for a line, drops its last character, and imports
 * (GLOBAL) or calls (INST) that.
 */
function cutOffGlobal(machine: Machine, pos: number, first: number, code: number): void {
  const { buffer, limit, input } = machine.reader;
  if (!input.ended || limit !== input.length || limit - pos > CUT_OFF_NAME) return;
  const module = buffer.slice(pos, first < 0 ? limit - 1 : first);
  const name = first < 0 ? new Uint8Array() : buffer.slice(first + 1, limit - 1);
  if (isUtf8(module) && isUtf8(name)) useGlobal(machine, pos, limit, { code, module, name });
}

// --- lines that the window does not hold ------------------------------------------------

/** The line that begins at `from` does not end in the window, or in the frame. */
function noNewline(machine: Machine, pos: number, from: number): Next {
  const { reader } = machine;
  const { base, length, ended, size } = reader.input;
  const begin = pos - 1;
  const at = base + begin;
  if (reader.frameEnd <= base + length && base + reader.limit === reader.frameEnd) {
    return reader.leaveFrame(base + from, Infinity, at);
  }
  if (ended) return reader.fail(begin, begin, reader.shortMessage(begin), true);
  const have = length - begin;
  const code = reader.buffer[begin] as number;
  const text = code === OP.STRING || code === OP.UNICODE || code === OP.PERSID;
  if (!text && have > LONGEST_LINE) {
    const message = `${opcodeOf(code)?.name} has a line of over ${LONGEST_LINE} bytes`;
    return reader.fail(begin, begin, message);
  }
  if (text && have > LONG_TEXT) {
    reader.longLine = at;
    return reader.needMore();
  }
  return reader.need(begin, Math.min(have * 2, size - at));
}

/** Goes on looking for the end of a text line that is too long to be looked at. */
export function skipLine(machine: Machine): Next {
  const { reader, anomalies, stack, options } = machine;
  const { buffer, base, length, ended } = reader.input;
  const newline = buffer.subarray(0, length).indexOf(0x0a, reader.offset - base);
  if (newline < 0) {
    const next = reader.needMore();
    return ended ? reader.failAt(reader.longLine, "the data ends inside a line", true) : next;
  }
  if (options.interest.patternsIn !== undefined) anomalies.addUnsearched(reader.longLine);
  options.watch?.unread(reader.longLine);
  stack.push(handleOf(KIND.STRING, reader.longLine));
  reader.offset = base + newline + 1;
  reader.longLine = ABSENT;
  return AGAIN;
}

/** The handlers by their opcodes. */
export const LINE_OPCODES: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  [OP.INT, int],
  [OP.LONG, long],
  [OP.FLOAT, float],
  [OP.UNICODE, unicode],
  [OP.STRING, string],
  [OP.PERSID, persid],
  [OP.GET, get],
  [OP.PUT, put],
  [OP.GLOBAL, (machine, pos) => named(machine, pos, OP.GLOBAL)],
  [OP.INST, (machine, pos) => named(machine, pos, OP.INST)],
]);
