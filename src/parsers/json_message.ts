/**
 * Protocol Buffers in JSON, by a schema, written as the wire has them.
 * https://protobuf.dev/programming-guides/json/
 *
 * @module
 */

import { FormatError } from "../core/errors.ts";
import { isArray, isObject, type JsonObject, type JsonValue } from "./json.ts";
import type { FieldType, MessageSchema } from "./message_schema.ts";
import { MessageWriter } from "./message_writer.ts";
import { WIRE } from "./protobuf.ts";

/** Messages in one another: the limit of the readers of the wire. CWE-674. */
const DEPTH = 100;

/** A message that was JSON. */
interface JsonMessage {
  readonly writer: MessageWriter;
  /** What is no message of the schema, the first of it; what is right around it was written. */
  readonly error: FormatError | undefined;
}

/**
 * Reads a message. Of equal keys all are taken, so that none hides another.
 *
 * @param root name of the message in the schema
 * @param check called for each message; may throw
 */
export function readJsonMessage(
  value: JsonObject,
  schema: MessageSchema,
  root: string,
  check: () => void,
): JsonMessage {
  const writing = new Writing(schema, check);
  writing.message(value, root, 0);
  return { writer: writing.writer, error: writing.error };
}

class Writing {
  readonly writer = new MessageWriter();
  error: FormatError | undefined;
  readonly #schema: MessageSchema;
  readonly #check: () => void;
  #place = 0;

  constructor(schema: MessageSchema, check: () => void) {
    this.#schema = schema;
    this.#check = check;
  }

  message(value: JsonObject, name: string, depth: number): void {
    this.#check();
    this.#place = value.at;
    if (depth > DEPTH) {
      this.#wrong(`${DEPTH} messages are around another`);
      return;
    }
    const fields = this.#schema.message(name);
    for (const [key, member] of value.members) {
      // A field is called as in the schema, or with capitals in place of its lines.
      const field = fields.get(key) ??
        fields.get(key.replace(/[A-Z]/gu, (it) => `_${it.toLowerCase()}`));
      if (field === undefined) this.#wrong(`${name} has no field "${key}"`);
      else if (isArray(member)) {
        for (const item of member.items) this.#field(field.number, field.type, item, depth);
      } else if (member !== null) this.#field(field.number, field.type, member, depth);
    }
  }

  #field(number: number, type: FieldType, value: JsonValue, depth: number): void {
    const { writer } = this;
    switch (type.kind) {
      case "message": {
        if (!isObject(value)) {
          this.#wrong("a message is no object");
          return;
        }
        const from = writer.begin(number, value.at);
        this.message(value, type.message, depth + 1);
        writer.end(from);
        return;
      }
      case "string":
      case "bytes": {
        const content = typeof value !== "string"
          ? undefined
          : type.kind === "string"
          ? new TextEncoder().encode(value)
          : fromBase64(value);
        if (content === undefined) this.#wrong(`a ${type.kind} is none`);
        else writer.content(number, content, this.#place);
        return;
      }
      case "float":
      case "double": {
        const bytes = type.kind === "float" ? 4 : 8;
        writer.tag(number, bytes === 4 ? WIRE.fixed32 : WIRE.fixed64, this.#place);
        writer.float(Number(value), bytes);
        return;
      }
      case "fixed32":
      case "fixed64": {
        const bytes = type.kind === "fixed32" ? 4 : 8;
        const integer = this.#integer(value);
        if (integer === undefined) return;
        writer.tag(number, bytes === 4 ? WIRE.fixed32 : WIRE.fixed64, this.#place);
        writer.fixed(integer, bytes);
        return;
      }
      default: {
        const named = type.kind === "enum" && typeof value === "string"
          ? type.values.get(value)
          : undefined;
        const integer = named === undefined ? this.#integer(value) : BigInt(named);
        if (integer === undefined) return;
        writer.tag(number, WIRE.varint, this.#place);
        writer.varint(
          type.kind === "sint" ? (integer < 0n ? -2n * integer - 1n : 2n * integer) : integer,
        );
      }
    }
  }

  #integer(value: JsonValue): bigint | undefined {
    if (typeof value === "boolean") return value ? 1n : 0n;
    const text = typeof value === "number" ? String(value) : value;
    if (typeof text === "string" && /^-?\d{1,20}$/u.test(text)) return BigInt(text);
    this.#wrong("a number is no integer");
    return undefined;
  }

  #wrong(why: string): void {
    this.error ??= new FormatError(`Cannot read protobuf in JSON: ${why}`, this.#place);
  }
}

/** Bytes of base64 in either alphabet, whatever else stands between, as Python reads it; undefined for none. */
function fromBase64(text: string): Uint8Array | undefined {
  const digits = text.replace(/-/gu, "+").replace(/_/gu, "/").replace(/[^A-Za-z0-9+/]/gu, "");
  if (digits.length % 4 === 1) return undefined;
  return Uint8Array.from(atob(digits), (character) => character.charCodeAt(0));
}
