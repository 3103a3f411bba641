/**
 * Protocol Buffers on the wire: fields of a message one after the other, by offset. Payloads are
 * stepped over, not loaded, so that a model of gigabytes costs what its graph costs.
 * https://protobuf.dev/programming-guides/encoding/
 *
 * A message does not say of what type it is: callers bring the field numbers. Like the parsers of
 * protobuf, this one steps over groups, over fields nothing knows and over known numbers with
 * another wire type; unlike them it hands out what came before the place where it gives up.
 *
 * @module
 */

import { FormatError, LimitError } from "../core/errors.ts";
import type { Source } from "../core/source.ts";
import { concat } from "./bytes.ts";

/** Wire types; 6 and 7 do not exist. */
export const WIRE = { varint: 0, fixed64: 1, bytes: 2, group: 3, groupEnd: 4, fixed32: 5 } as const;

/**
 * Nested messages and groups: the limit of protobuf's own parsers. The deepest model seen has 10. CWE-674.
 */
const MESSAGE_DEPTH = 100;

/** One field of a message. Offsets count from the start of the source. */
export interface WireField {
  readonly number: number;
  /** One of `WIRE`; never a group, these are stepped over. */
  readonly type: number;
  /** Where the tag is. */
  readonly offset: number;
  /** Where the payload begins and ends: of bytes, what follows their length. */
  readonly start: number;
  readonly end: number;
  /** A varint or fixed64 as a signed 64-bit number, exact up to 2^53; a fixed32 without sign; otherwise 0. */
  readonly value: number;
  /**
   * True when the length says more bytes than there are: `end` is where they end, and after this
   * field `next()` throws.
   */
  readonly cut: boolean;
}

/** A tag takes five bytes, a varint ten. */
const FIELD_HEAD_BYTES = 15;
const TAG_BYTES = 5;
const VARINT_BYTES = 10;

/** Behind a payload that was stepped over little is fetched, then more with each step onward. */
const FIRST_WINDOW_BYTES = 4 * 1024;
const WINDOW_BYTES = 256 * 1024;

/** Fields between two checks of the deadline. */
const FIELDS_PER_CHECK = 4096;

/** What a reader needs of `FormatContext`. */
interface WireContext {
  /** `values` bounds the fields of one reader. */
  readonly limits: { readonly values: number };
  checkDeadline(): void;
}

/** Reads messages of one source of random access; counts the fields of all of them together. */
export class WireReader {
  readonly source: Source;
  readonly #context: WireContext;
  #fields = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;
  #ahead = FIRST_WINDOW_BYTES;

  constructor(source: Source, context: WireContext) {
    this.source = source;
    this.#context = context;
  }

  /**
   * The message in [start, end); by default the source from beginning to end.
   *
   * @param depth messages around it
   * @throws RangeError when the size of the source is not known and no end is given
   */
  message(start = 0, end = this.source.size, depth = 0): WireMessage {
    if (end === undefined) throw new RangeError("Cannot read a message without an end");
    return new WireMessage(this, start, end, depth);
  }

  /**
   * A copy of the bytes in [start, end), at most `most` of them. Without a promise where they are
   * at hand.
   *
   * @throws SourceError when the bytes cannot be had
   */
  bytes(start: number, end: number, most: number): Uint8Array | Promise<Uint8Array> {
    const length = Math.max(0, Math.min(end - start, most));
    const found = this.window(start, length);
    return found instanceof Promise
      ? found.then((bytes) => bytes.slice(0, length))
      : found.slice(0, length);
  }

  /**
   * A payload as text, at most `most` bytes of it; what is not UTF-8 becomes U+FFFD.
   *
   * @throws SourceError when the bytes cannot be had
   */
  text(field: Pick<WireField, "start" | "end">, most = 4096): string | Promise<string> {
    const length = Math.max(0, Math.min(field.end - field.start, most));
    const found = this.window(field.start, length);
    return found instanceof Promise
      ? found.then((bytes) => decode(bytes, length))
      : decode(found, length);
  }

  /**
   * At least `length` bytes from `offset`, fewer only at the end of the source. Valid until the
   * next call.
   *
   * @throws SourceError when the bytes cannot be had
   */
  window(offset: number, length: number): Uint8Array | Promise<Uint8Array> {
    const from = offset - this.#start;
    if (from >= 0 && from + length <= this.#bytes.length) return this.#bytes.subarray(from);
    const onward = from >= 0 && from <= this.#bytes.length;
    this.#ahead = onward ? Math.min(this.#ahead * 4, WINDOW_BYTES) : FIRST_WINDOW_BYTES;
    const requested = Math.max(length, this.#ahead);
    const { source } = this;
    if (source.readSync !== undefined) {
      return this.#keep(offset, source.readSync(offset, requested));
    }
    return source.read(offset, requested).then((bytes) => this.#keep(offset, bytes));
  }

  /**
   * Counts a field.
   *
   * @throws LimitError when there are too many, or time is up
   */
  count(): void {
    this.#fields++;
    if (this.#fields % FIELDS_PER_CHECK === 0) this.#context.checkDeadline();
    const { values } = this.#context.limits;
    if (this.#fields > values) {
      throw new LimitError("values", `There are more than ${values} protobuf fields`);
    }
  }

  #keep(offset: number, bytes: Uint8Array): Uint8Array {
    this.#start = offset;
    this.#bytes = bytes.slice();
    return this.#bytes;
  }
}

/** A message being read. */
export class WireMessage {
  readonly reader: WireReader;
  readonly start: number;
  readonly end: number;
  readonly depth: number;
  #at: number;
  #groups: number[] = [];
  #cut: WireField | undefined;

  /** @throws FormatError when it lies in more than `MESSAGE_DEPTH` others */
  constructor(reader: WireReader, start: number, end: number, depth: number) {
    if (depth > MESSAGE_DEPTH) {
      throw new FormatError(`Cannot read message: ${MESSAGE_DEPTH} others are around it`, start);
    }
    this.reader = reader;
    this.start = start;
    this.end = end;
    this.depth = depth;
    this.#at = start;
  }

  /** Where the next field begins. */
  get offset(): number {
    return this.#at;
  }

  /**
   * The next field, undefined behind the last. Without a promise where the bytes are at hand, so
   * do not await what is none: that costs more than reading the field.
   *
   * @throws FormatError when the bytes are no field, or end within one
   * @throws LimitError when the reader has read too many fields, or time is up
   * @throws SourceError when the bytes cannot be had
   */
  next(): WireField | undefined | Promise<WireField | undefined> {
    for (;;) {
      if (this.#ended()) return undefined;
      const bytes = this.reader.window(this.#at, this.#requested());
      if (bytes instanceof Promise) return this.#nextFrom(bytes);
      const field = this.#step(bytes);
      if (field !== undefined) return field;
    }
  }

  /**
   * Hands each field to a function, and waits where that gives a promise.
   *
   * @throws what `next` throws, and what the function does
   */
  async each(take: (field: WireField) => void | Promise<void>): Promise<void> {
    for (;;) {
      const next = this.next();
      const field = next instanceof Promise ? await next : next;
      if (field === undefined) return;
      const consumed = take(field);
      if (consumed !== undefined) await consumed;
    }
  }

  /**
   * The payload of a field as a message.
   *
   * @throws FormatError when it is nested too deeply
   */
  enter(field: Pick<WireField, "start" | "end">): WireMessage {
    return new WireMessage(this.reader, field.start, field.end, this.depth + 1);
  }

  async #nextFrom(first: Promise<Uint8Array>): Promise<WireField | undefined> {
    let bytes = await first;
    for (;;) {
      const field = this.#step(bytes);
      if (field !== undefined) return field;
      if (this.#ended()) return undefined;
      bytes = await this.reader.window(this.#at, this.#requested());
    }
  }

  #requested(): number {
    return Math.min(FIELD_HEAD_BYTES, this.end - this.#at);
  }

  #ended(): boolean {
    if (this.#cut !== undefined) throw overrun(this.#cut);
    if (this.#at < this.end) return false;
    const group = this.#groups.at(-1);
    if (group !== undefined) {
      throw new FormatError(`Cannot read message: group ${group} has no end`, this.#at);
    }
    return true;
  }

  /** Reads one field; undefined when it belongs to a group. */
  #step(bytes: Uint8Array): WireField | undefined {
    this.reader.count();
    const field = fieldAt(bytes, 0, this.#at, this.end);
    this.#at = field.end;
    if (field.type === WIRE.group) {
      this.#groups.push(field.number);
      if (this.#groups.length > MESSAGE_DEPTH) {
        throw new FormatError(`Cannot read group: ${MESSAGE_DEPTH} others are around it`, this.#at);
      }
      return undefined;
    }
    if (field.type === WIRE.groupEnd) {
      if (this.#groups.pop() !== field.number) {
        throw new FormatError(
          `Cannot read message: group ${field.number} ends where it had not begun`,
          field.offset,
        );
      }
      return undefined;
    }
    if (field.cut) this.#cut = field;
    return this.#groups.length > 0 ? undefined : field;
  }
}

/**
 * The fields of a message in memory; groups are skipped.
 *
 * @param bytes the message, or its beginning
 * @param length bytes of the complete message, when `bytes` is only its beginning: the iteration then
 * ends without a diagnostic where the bytes do
 * @throws FormatError when the bytes are no message; offsets are those in `bytes`
 */
export function* fieldsOf(bytes: Uint8Array, length = bytes.length): Iterable<WireField> {
  const groups: number[] = [];
  let at = 0;
  while (at < length) {
    // What a cut-off beginning lacks cannot be distinguished from what is wrong.
    if (length > bytes.length && at + FIELD_HEAD_BYTES > bytes.length) return;
    const field = fieldAt(bytes, at, at, length);
    at = field.end;
    if (field.type === WIRE.group) {
      if (groups.push(field.number) > MESSAGE_DEPTH) {
        throw new FormatError(`Cannot read group: ${MESSAGE_DEPTH} others are around it`, at);
      }
      continue;
    }
    if (field.type === WIRE.groupEnd) {
      if (groups.pop() === field.number) continue;
      throw new FormatError(`Cannot read message: group ${field.number} ends unbegun`, at);
    }
    if (groups.length === 0) yield field;
    if (field.cut) throw overrun(field);
  }
  if (groups.length > 0) throw new FormatError("Cannot read message: a group has no end", at);
}

/**
 * A field on the wire whose payload is bytes, a text as UTF-8, or another message.
 *
 * @param number of the field, from 1 to 2^29 - 1
 */
export function bytesField(number: number, payload: string | Uint8Array): Uint8Array {
  const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  return concat([varint(number * 8 + WIRE.bytes), varint(bytes.length), bytes]);
}

/** A number from 0 to 2^53 - 1 in groups of seven bits, the lowest first. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push(left % 128 + 128);
  return Uint8Array.of(...bytes, left);
}

/**
 * The varints of a packed repeated field, as signed 64-bit numbers.
 *
 * @throws FormatError when they are cut off
 */
export function packedVarints(bytes: Uint8Array, most: number): number[] {
  const numbers: number[] = [];
  for (let at = 0; at < bytes.length && numbers.length < most;) {
    const { value, next } = varintAt(bytes, at, at, bytes.length);
    numbers.push(value);
    at = next;
  }
  return numbers;
}

/**
 * One field, group marks included.
 *
 * @param bytes from `index` on, at least `FIELD_HEAD_BYTES` of them unless the message ends before
 * @param offset of the field in the source
 * @param end of the message in the source
 */
function fieldAt(bytes: Uint8Array, index: number, offset: number, end: number): WireField {
  // Index behind the last byte of the message.
  const limit = index + end - offset;
  const tag = varintAt(bytes, index, offset, limit);
  const number = Math.floor(tag.value / 8);
  const type = tag.value & 7;
  if (number < 1 || tag.next - index > TAG_BYTES || tag.value >= 2 ** 32) {
    throw new FormatError(`Cannot read field: ${tag.value} is no tag`, offset);
  }
  const start = offset + tag.next - index;
  const field = (length: number, value = 0): WireField => {
    if (start + length > end) throw new FormatError("Cannot read field: it is cut off", offset);
    return { number, type, offset, start, end: start + length, value, cut: false };
  };
  switch (type) {
    case WIRE.varint: {
      const { value, next } = varintAt(bytes, tag.next, offset, limit);
      return field(next - tag.next, value);
    }
    case WIRE.fixed64:
      return field(8, numberOf(word(bytes, tag.next), word(bytes, tag.next + 4)));
    case WIRE.fixed32:
      return field(4, word(bytes, tag.next));
    case WIRE.bytes: {
      const length = varintAt(bytes, tag.next, offset, limit);
      const from = start + length.next - tag.next;
      // A negative length is one of more than 2^63 bytes.
      const to = length.value < 0 ? Infinity : from + length.value;
      const cut = to > end;
      return { number, type, offset, start: from, end: cut ? end : to, value: 0, cut };
    }
    case WIRE.group:
    case WIRE.groupEnd:
      return field(0);
    default:
      throw new FormatError(`Cannot read field ${number}: there is no wire type ${type}`, offset);
  }
}

/** @param end index behind the last byte that may belong to it */
function varintAt(
  bytes: Uint8Array,
  index: number,
  offset: number,
  end: number,
): { value: number; next: number } {
  let low = 0;
  let high = 0;
  for (let count = 0; count < VARINT_BYTES; count++) {
    const byte = bytes[index + count];
    if (byte === undefined || index + count >= end) {
      throw new FormatError("Cannot read number: it is cut off", offset);
    }
    const bits = byte & 0x7f;
    if (count < 4) low |= bits << (7 * count);
    else if (count === 4) {
      low |= bits << 28;
      high |= bits >> 4;
    } else high |= bits << (7 * count - 32);
    if (byte < 0x80) return { value: numberOf(low, high), next: index + count + 1 };
  }
  throw new FormatError("Cannot read number: it has more than ten bytes", offset);
}

function word(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(at, at + 4);
  return (a | b << 8 | c << 16 | d << 24) >>> 0;
}

/** Two's complement. */
function numberOf(low: number, high: number): number {
  return (high | 0) * 2 ** 32 + (low >>> 0);
}

function overrun({ number, offset, start, end }: WireField): FormatError {
  return new FormatError(
    `Cannot read field ${number}: its length is more than the ${end - start} bytes there are`,
    offset,
  );
}

const DECODER = new TextDecoder();

function decode(bytes: Uint8Array, length: number): string {
  return DECODER.decode(bytes.subarray(0, length));
}
