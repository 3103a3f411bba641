/**
 * Opcodes with a length and a payload: texts, bytes and long integers. Large payloads are stepped
 * over by offset.
 *
 * @module
 */

import { TEXT_LIMIT } from "./heap.ts";
import { isAscii, isUtf8, unsigned4, unsigned8 } from "./literals.ts";
import type { Handler, Machine } from "./machine.ts";
import { looksNested, NESTED_HEADS } from "./nested_heads.ts";
import { OP, opcodeOf } from "./opcodes.ts";
import { readsInto } from "./frames.ts";
import { SEARCHED_BYTES_BYTES, SEARCHED_TEXT_BYTES, searchLiteral } from "./search.ts";
import type { Next } from "./status.ts";
import { WATCHED_BYTES } from "./text_watch.ts";
import { type Handle, handleOf, KIND, UNKNOWN } from "./values.ts";

/**
 * Constants of one stream that are looked at for a nested pickle; where there are more, that is reported. The
 * most seen are 79. CWE-770.
 */
const NESTED_KEPT = 1 << 16;
/** The shortest text that is decoded to see whether it is a pickle. */
export const CODED_CHARACTERS = 16;
/** The longest constant that is too short to be a pickle worth a look. */
const SHORTEST_NESTED = 8;
/** Bytes of a payload that are looked at in any case. */
const GLANCE_BYTES = 16;
/** The longest LONG4, in bytes: its length is signed. */
const LONGEST_LONG = 0x7fff_ffff;
/** Bytes of a long integer whose value is kept as a number. */
const SMALL_LONG = 6;

/** How pickles without a header begin: GLOBAL, MARK, EMPTY_LIST, EMPTY_DICT. */
const PLAIN_HEADS: ReadonlySet<number> = new Set([0x63, 0x28, 0x5d, 0x7d]);
/** How what stands there as it is begins: PROTO, gzip, zlib. */
const RAW_HEADS: ReadonlySet<number> = new Set([0x80, 0x1f, 0x78]);

function shortBinunicode(machine: Machine, pos: number): Next {
  const { reader } = machine;
  if (pos >= reader.limit) return machine.short(pos, 1);
  const { buffer } = reader;
  const from = pos + 1;
  const next = from + (buffer[pos] as number);
  if (next > reader.limit) return machine.short(pos, next - pos);
  if (!isAscii(buffer, from, next) && !isUtf8(buffer, from, next)) {
    return machine.reader.fail(pos - 1, pos - 1, "SHORT_BINUNICODE is no UTF-8");
  }
  return constant(machine, pos, from, next, KIND.STRING);
}

function binunicode(machine: Machine, pos: number): Next {
  const { reader } = machine;
  const from = pos + 4;
  if (from > reader.limit) return reader.short(pos - 1, pos, 4);
  const { buffer } = reader;
  const next = from + unsigned4(buffer, pos);
  return next <= reader.limit && isAscii(buffer, from, next)
    ? constant(machine, pos, from, next, KIND.STRING)
    : payload(machine, pos, OP.BINUNICODE, 4);
}

/** SHORT_BINBYTES and SHORT_BINSTRING. */
function shortBytes(machine: Machine, pos: number, kind: number): Next {
  const { reader } = machine;
  if (pos >= reader.limit) return machine.short(pos, 1);
  const from = pos + 1;
  const next = from + (reader.buffer[pos] as number);
  if (next > reader.limit) return machine.short(pos, next - pos);
  return constant(machine, pos, from, next, kind);
}

/** Pushes the constant of the opcode before `pos`, whose payload the window holds. */
function constant(machine: Machine, pos: number, from: number, next: number, kind: number): Next {
  const { reader, stack } = machine;
  const { buffer } = reader;
  const at = reader.base + pos - 1;
  const length = next - from;
  if (
    length > SHORTEST_NESTED &&
    ((NESTED_HEADS[buffer[from] as number] as number) &
        (NESTED_HEADS[256 + (buffer[from + 1] as number)] as number)) !== 0
  ) {
    noteNested(machine, at, from, length);
  }
  if (machine.options.interest.patternsIn !== undefined) {
    search(machine, buffer[pos - 1] as number, at, from, length);
  }
  if (kind === KIND.STRING) machine.options.watch?.look(buffer, from, next, at);
  stack.push(handleOf(kind, at));
  return next;
}

/** Every opcode with a payload, wherever the payload lies. `width` is that of the length, in bytes. */
function payload(machine: Machine, pos: number, code: number, width: 1 | 4 | 8): Next {
  const { reader } = machine;
  const { buffer, base, input } = reader;
  const begin = pos - 1;
  if (pos + width > reader.limit) return reader.short(begin, pos, width);
  const length = width === 1
    ? buffer[pos] as number
    : width === 4
    ? unsigned4(buffer, pos)
    : unsigned8(buffer, pos);
  const name = opcodeOf(code)?.name;
  if (code === OP.LONG4 && length > LONGEST_LONG) {
    return reader.fail(begin, begin, `${name} has a negative length`);
  }
  const from = base + pos + width;
  const end = from + length;
  if (!(end <= Number.MAX_SAFE_INTEGER)) {
    return reader.fail(begin, begin, `${name} is longer than any memory`);
  }
  if (end > reader.frameEnd && from < reader.frameEnd) {
    return reader.leaveFrame(from, end, base + begin, readsInto(code));
  }
  if (end > input.size) {
    return reader.fail(begin, begin, `${name} of ${length} bytes goes past the end`, true);
  }
  const glance = Math.min(length, Math.max(GLANCE_BYTES, wanted(machine, code)));
  if (pos + width + glance > input.length && !input.ended) {
    return reader.need(begin, 1 + width + glance);
  }
  if (
    (code === OP.BINUNICODE || code === OP.BINUNICODE8) && !isValidText(machine, from, length)
  ) {
    return reader.fail(begin, begin, `${name} is no UTF-8`);
  }
  const at = base + begin;
  if (length > SHORTEST_NESTED) noteNested(machine, at, pos + width, length);
  if (searched(machine, code) > 0) search(machine, code, at, pos + width, length);
  if (isText(code)) watch(machine, at, pos + width, length);
  machine.stack.push(valueOf(machine, code, at, length));
  return end <= base + reader.limit ? machine.goOn(end - base) : beyond(machine, end);
}

/** Goes on behind a payload that the window does not hold to its end. */
function beyond(machine: Machine, end: number): Next {
  return machine.reader.again(end - machine.reader.base);
}

function valueOf(machine: Machine, code: number, at: number, length: number): Handle {
  switch (code) {
    case OP.LONG1:
    case OP.LONG4: {
      if (length > SMALL_LONG) return handleOf(KIND.NUMBER, at);
      const value = machine.heap.numberAt(at);
      const known = typeof value === "number" ? machine.heap.integer(value) : UNKNOWN;
      return known === UNKNOWN ? handleOf(KIND.NUMBER, at) : known;
    }
    case OP.BINUNICODE:
    case OP.BINUNICODE8:
    case OP.BINSTRING:
      return handleOf(KIND.STRING, at);
    default:
      return handleOf(KIND.BYTES, at);
  }
}

/** Whether a text is UTF-8, as far as it is looked at. `from` is a virtual offset. */
function isValidText({ reader }: Machine, from: number, length: number): boolean {
  if (length > TEXT_LIMIT) return true;
  const { buffer, base, length: filled } = reader.input;
  const place = from - base;
  if (place >= 0 && place + length <= filled) {
    return isAscii(buffer, place, place + length) || isUtf8(buffer, place, place + length);
  }
  const bytes = reader.input.bytesAt(from, length);
  return bytes === undefined || isAscii(bytes, 0, length) || isUtf8(bytes);
}

/** Notes a constant that may be a pickle, by its first bytes. `at` is its opcode's virtual offset. */
function noteNested(machine: Machine, at: number, from: number, length: number): void {
  const { buffer } = machine.reader;
  const first = buffer[from] as number;
  if (!looksNested(first, buffer[from + 1] as number, buffer[from + 2] as number)) return;
  const promising = PLAIN_HEADS.has(first)
    ? mayImport(machine, from, length)
    : RAW_HEADS.has(first) || length >= CODED_CHARACTERS;
  if (!promising) return;
  if (machine.nestedCandidates.length < NESTED_KEPT) machine.nestedCandidates.push(at);
  else machine.nestedForgotten = true;
}

/** Without a line break or a byte beyond ASCII no opcode imports anything: words have neither. */
function mayImport({ reader }: Machine, from: number, length: number): boolean {
  const { buffer, length: end } = reader.input;
  return from + length > end || !isAscii(buffer, from, from + length) ||
    buffer.subarray(from, from + length).includes(0x0a);
}

/** Whether an opcode pushes a str; those of STRING are texts or bytes, as the unpickler is told. */
function isText(code: number): boolean {
  return code === OP.BINUNICODE || code === OP.BINUNICODE8 || code === OP.SHORT_BINUNICODE ||
    code === OP.BINSTRING || code === OP.SHORT_BINSTRING;
}

/** Bytes of such a payload that must be in the window, to be looked at. */
function wanted(machine: Machine, code: number): number {
  const watched = machine.options.watch !== undefined && isText(code) ? WATCHED_BYTES : 0;
  return Math.max(searched(machine, code), watched);
}

/** Looks at a text that the window holds; one that is too long for that may be anything. */
function watch(
  { options, reader: { buffer, input } }: Machine,
  at: number,
  from: number,
  length: number,
) {
  if (length > WATCHED_BYTES) options.watch?.unread(at);
  else options.watch?.look(buffer, from, Math.min(from + length, input.length), at);
}

/** Bytes of such a payload that the user's patterns are looked for in. */
function searched({ options }: Machine, code: number): number {
  if (options.interest.patternsIn === undefined) return 0;
  if (isText(code)) return SEARCHED_TEXT_BYTES;
  switch (code) {
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
function search(machine: Machine, code: number, at: number, from: number, length: number): void {
  const { patternsIn } = machine.options.interest;
  const most = searched(machine, code);
  if (patternsIn === undefined || most === 0) return;
  const text = most === SEARCHED_TEXT_BYTES;
  if (length > most) {
    if (!text) return;
    machine.anomalies.addUnsearched(at);
  }
  const { buffer, length: filled } = machine.reader.input;
  const bytes = buffer.subarray(from, Math.min(from + Math.min(length, most), filled));
  searchLiteral(patternsIn, bytes, text, machine.heap.facts, at);
}

function withPayload(code: number, width: 1 | 4 | 8): [number, Handler] {
  return [code, (machine, pos) => payload(machine, pos, code, width)];
}

/** The handlers by their opcodes. */
export const PAYLOAD_OPCODES: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  [OP.SHORT_BINUNICODE, shortBinunicode],
  [OP.BINUNICODE, binunicode],
  [OP.SHORT_BINBYTES, (machine, pos) => shortBytes(machine, pos, KIND.BYTES)],
  [OP.SHORT_BINSTRING, (machine, pos) => shortBytes(machine, pos, KIND.STRING)],
  withPayload(OP.BINUNICODE8, 8),
  withPayload(OP.BINSTRING, 4),
  withPayload(OP.BINBYTES, 4),
  withPayload(OP.BINBYTES8, 8),
  withPayload(OP.BYTEARRAY8, 8),
  withPayload(OP.LONG1, 1),
  withPayload(OP.LONG4, 4),
]);
