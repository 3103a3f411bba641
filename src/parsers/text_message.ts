/**
 * Protocol Buffers in text, by a schema, written as the wire has them. Text is taken as bytes, of which one is a
 * character. https://protobuf.dev/reference/protobuf/textformat-spec/, `text_format.cc` of protobuf.
 *
 * @module
 */

import { FormatError } from "../core/errors.ts";
import { concat, latin1 } from "./bytes.ts";
import type { FieldType, MessageSchema } from "./message_schema.ts";
import { MessageWriter } from "./message_writer.ts";
import { WIRE } from "./protobuf.ts";
import { blankEnd } from "./text_blank.ts";
import { endOfText, unescaped } from "./text_strings.ts";

/** A message that was text. */
interface TextMessage {
  /** As far as it could be read. */
  readonly writer: MessageWriter;
  /** Why reading ended before the text did. */
  readonly error: FormatError | undefined;
}

/** Messages in one another: the limit of the readers of the wire. CWE-674. */
const DEPTH = 100;
/** Fields between two checks of the deadline. */
const FIELDS_PER_CHECK = 4096;

const TOKEN =
  /[A-Za-z_][A-Za-z0-9_]*|\.?[0-9][0-9A-Za-z_.]*(?:(?<=[eE])[+-][0-9][0-9A-Za-z_.]*)?|[-{}<>[\]:;,./]/uy;
const NAME = /^[A-Za-z_]/u;
const QUOTED = /^["']/u;

/**
 * Reads a message.
 *
 * @param bytes of the text
 * @param root name of the message in the schema
 * @param check called now and then; may throw
 */
export function readTextMessage(
  bytes: Uint8Array,
  schema: MessageSchema,
  root: string,
  check: () => void,
): TextMessage {
  const writer = new MessageWriter();
  const reader = new Reader(bytes, schema, writer, check);
  try {
    reader.message(root, undefined, 0);
    return { writer, error: undefined };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    reader.close();
    return { writer, error };
  }
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #text: string;
  readonly #schema: MessageSchema;
  readonly #writer: MessageWriter;
  readonly #check: () => void;
  /** Starts of the messages that are being written. */
  readonly #open: number[] = [];
  /** A word, a sign, or the quote of a text; undefined behind the last. */
  #token: string | undefined;
  /** Where the token is, and where it ends. */
  #at = 0;
  #end = 0;
  #fields = 0;

  constructor(
    bytes: Uint8Array,
    schema: MessageSchema,
    writer: MessageWriter,
    check: () => void,
  ) {
    this.#bytes = bytes;
    this.#text = latin1(bytes, bytes.length);
    this.#schema = schema;
    this.#writer = writer;
    this.#check = check;
    this.#next();
  }

  /** Ends the messages that an error left open, so that what is in them can be read. */
  close(): void {
    for (let from = this.#open.pop(); from !== undefined; from = this.#open.pop()) {
      this.#writer.end(from);
    }
  }

  /** @param end token behind the message; undefined for the end of the text */
  message(name: string, end: string | undefined, depth: number): void {
    if (depth > DEPTH) throw this.#invalid(`${DEPTH} messages are around another`);
    const fields = this.#schema.message(name);
    for (;;) {
      if (this.#token === end) {
        if (end !== undefined) this.#next();
        return;
      }
      if (++this.#fields % FIELDS_PER_CHECK === 0) this.#check();
      const place = this.#at;
      if (this.#token === "[" && name === ANY.message) this.#any(place, depth);
      else {
        const field = this.#identifier();
        const known = fields.get(field);
        if (known === undefined) throw this.#invalid(`${name} has no field "${field}"`, place);
        this.#value(known.number, known.type, { place, depth });
      }
      if (this.#token === ";" || this.#token === ",") this.#next();
    }
  }

  #value(number: number, type: FieldType, at: { place: number; depth: number }): void {
    const colon = this.#take(":");
    const isMessage = type.kind === "message";
    if (!colon && !isMessage) throw this.#invalid("a value has no colon");
    if (!this.#take("[")) {
      this.#one(number, type, at);
      return;
    }
    while (!this.#take("]")) {
      this.#one(number, type, { ...at, place: this.#at });
      if (this.#token !== "]" && !this.#take(",")) throw this.#invalid("a list has no end");
    }
  }

  #one(number: number, type: FieldType, { place, depth }: { place: number; depth: number }): void {
    const writer = this.#writer;
    switch (type.kind) {
      case "message": {
        const end = this.#opening();
        this.#open.push(writer.begin(number, place));
        this.message(type.message, end, depth + 1);
        writer.end(this.#open.pop() ?? 0);
        return;
      }
      case "string":
      case "bytes":
        writer.content(number, this.#strings(), place);
        return;
      case "float":
      case "double": {
        const bytes = type.kind === "float" ? 4 : 8;
        const value = this.#real();
        writer.tag(number, bytes === 4 ? WIRE.fixed32 : WIRE.fixed64, place);
        writer.float(value, bytes);
        return;
      }
      case "fixed32":
      case "fixed64": {
        const value = this.#integer();
        writer.tag(number, type.kind === "fixed32" ? WIRE.fixed32 : WIRE.fixed64, place);
        writer.fixed(value, type.kind === "fixed32" ? 4 : 8);
        return;
      }
      default: {
        const value = this.#number(type);
        writer.tag(number, WIRE.varint, place);
        writer.varint(value);
      }
    }
  }

  #number(type: FieldType): bigint {
    switch (type.kind) {
      case "enum": {
        if (this.#token === undefined || !NAME.test(this.#token)) return this.#integer();
        const value = type.values.get(this.#token);
        if (value === undefined) throw this.#invalid(`"${this.#token}" is no value`);
        this.#next();
        return BigInt(value);
      }
      case "bool": {
        const value = BOOLEANS.get(this.#token ?? "");
        if (value === undefined) throw this.#invalid(`"${this.#token}" is neither true nor false`);
        this.#next();
        return value;
      }
      case "sint": {
        const value = this.#integer();
        return value < 0n ? -2n * value - 1n : 2n * value;
      }
      default:
        return this.#integer();
    }
  }

  /** Decimal, hexadecimal or octal, with a sign. */
  #integer(): bigint {
    const negative = this.#take("-");
    const text = this.#token ?? "";
    const octal = /^0[0-7]+$/u.test(text);
    if (!octal && !/^(?:0|[1-9][0-9]*|0[xX][0-9A-Fa-f]+)$/u.test(text)) {
      throw this.#invalid(`"${text}" is no integer`);
    }
    this.#next();
    const value = BigInt(octal ? `0o${text.slice(1)}` : text);
    return negative ? -value : value;
  }

  #real(): number {
    const negative = this.#take("-");
    const text = this.#token ?? "";
    const word = /^(?:inf|infinity|nan)f?$/iu.test(text);
    const value = word ? (/^n/iu.test(text) ? NaN : Infinity) : Number(text.replace(/[fF]$/u, ""));
    if (!word && !/^(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fF]?$/u.test(text)) {
      throw this.#invalid(`"${text}" is no number`);
    }
    this.#next();
    return negative ? -value : value;
  }

  /** Strings beside one another are one. */
  #strings(): Uint8Array {
    if (this.#token === undefined || !QUOTED.test(this.#token)) {
      throw this.#invalid("a text is missing");
    }
    const parts: Uint8Array[] = [];
    while (this.#token !== undefined && QUOTED.test(this.#token)) {
      const quoted = this.#bytes.subarray(this.#at + 1, this.#end - 1);
      parts.push(unescaped(quoted, (why) => this.#invalid(why)));
      this.#next();
    }
    return concat(parts);
  }

  /**
   * The content of an Any by its type's address. What is of a type that the schema lacks is stepped over, as
   * readers of the wire do that look for others.
   */
  #any(place: number, depth: number): void {
    this.#next();
    const from = this.#at;
    while (this.#token !== "]") {
      if (this.#token === undefined) throw this.#invalid("a name of a type has no end");
      this.#next();
    }
    const address = this.#text.slice(from, this.#at).replaceAll(/[ \t\n\v\f\r]/gu, "");
    this.#next();
    this.#take(":");
    const end = this.#opening();
    this.#writer.content(ANY.address, new TextEncoder().encode(address), place);
    const message = address.slice(address.lastIndexOf(".") + 1);
    if (!this.#schema.has(message)) {
      this.#skip(end);
      return;
    }
    this.#open.push(this.#writer.begin(ANY.value, place));
    this.message(message, end, depth + 1);
    this.#writer.end(this.#open.pop() ?? 0);
  }

  /** Steps over a message, whose first bracket was taken. */
  #skip(end: string): void {
    const ends = [end];
    while (ends.length > 0) {
      const token = this.#token;
      if (token === undefined) throw this.#invalid("a message has no end");
      const opened = OPENINGS.get(token);
      if (opened !== undefined) ends.push(opened);
      else if (token === ends.at(-1)) ends.pop();
      if (ends.length > DEPTH) throw this.#invalid(`${DEPTH} messages are around another`);
      this.#next();
    }
  }

  /** Takes the bracket before a message; the bracket behind it. */
  #opening(): string {
    const end = OPENINGS.get(this.#token ?? "");
    if (end === undefined) throw this.#invalid("a message is missing");
    this.#next();
    return end;
  }

  #identifier(): string {
    const token = this.#token;
    if (token === undefined) throw this.#invalid("a message has no end");
    if (!NAME.test(token)) throw this.#invalid(`"${token}" is no field`);
    this.#next();
    return token;
  }

  #take(token: string): boolean {
    if (this.#token !== token) return false;
    this.#next();
    return true;
  }

  #next(): void {
    this.#at = blankEnd(this.#bytes, this.#end);
    if (this.#at >= this.#text.length) {
      this.#token = undefined;
      return;
    }
    const first = this.#bytes[this.#at];
    if (first === 0x22 || first === 0x27) {
      this.#end = endOfText(this.#bytes, this.#at);
      if (this.#end < 0) throw this.#invalid("a text has no end");
      this.#token = first === 0x22 ? '"' : "'";
      return;
    }
    TOKEN.lastIndex = this.#at;
    const found = TOKEN.exec(this.#text)?.[0];
    if (found === undefined) throw this.#invalid("there is no word");
    this.#token = found;
    this.#end = this.#at + found.length;
  }

  #invalid(why: string, at = this.#at): FormatError {
    return new FormatError(`Cannot read protobuf text: ${why}`, at);
  }
}

/** `google.protobuf.Any`. */
const ANY = { message: "Any", address: 1, value: 2 } as const;

const OPENINGS: ReadonlyMap<string, string> = new Map([["{", "}"], ["<", ">"]]);

const BOOLEANS: ReadonlyMap<string, bigint> = new Map([
  ...["true", "True", "t", "1"].map((word) => [word, 1n] as const),
  ...["false", "False", "f", "0"].map((word) => [word, 0n] as const),
]);
