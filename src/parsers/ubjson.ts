/**
 * Universal Binary JSON, draft 12, as XGBoost writes and reads it. No recursion in the input's depth
 * beyond a limit; typed arrays are kept as such. https://ubjson.org/, XGBoost `src/common/json.cc`,
 * `UBJReader`.
 *
 * @module
 */

import { FormatError, LimitError } from "../core/errors.ts";
import type { SourceCursor } from "./source_cursor.ts";

/** A value. */
export type UbjsonValue =
  | null
  | boolean
  | number
  | string
  | Float64Array
  | readonly UbjsonValue[]
  | ReadonlyMap<string, UbjsonValue>;

/** Containers in one another; a model has ten. CWE-674. */
const DEPTH = 64;
/** Bytes of a text. The longest real one, a model's attribute, has some megabytes. CWE-770. */
const TEXT_BYTES = 64 * 1024 * 1024;

const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const TYPE = 0x24;
const COUNT = 0x23;

/** Bytes of a number, by its marker: `i U I l L d D`. */
const NUMBER_BYTES: ReadonlyMap<number, number> = new Map([
  [0x69, 1],
  [0x55, 1],
  [0x49, 2],
  [0x6c, 4],
  [0x4c, 8],
  [0x64, 4],
  [0x44, 8],
]);

/**
 * Reads one value.
 *
 * @param cursor big-endian; afterwards behind the value
 * @param limits `values` bounds the values of all containers together
 * @throws FormatError when it is not well-formed; LimitError past a limit
 */
export async function readUbjson(
  cursor: SourceCursor,
  limits: { readonly values: number },
): Promise<UbjsonValue> {
  const reader = new Reader(cursor, limits.values);
  return await reader.value(await cursor.u8(), 0);
}

class Reader {
  readonly #cursor: SourceCursor;
  #remaining: number;

  constructor(cursor: SourceCursor, values: number) {
    this.#cursor = cursor;
    this.#remaining = values;
  }

  async value(marker: number, depth: number): Promise<UbjsonValue> {
    this.#spend(1);
    switch (marker) {
      case 0x5a: // Z
        return null;
      case 0x54: // T
        return true;
      case 0x46: // F
        return false;
      case 0x43: // C
        return String.fromCharCode(await this.#cursor.u8());
      case 0x53: // S
        return await this.#text(await this.#cursor.u8());
      case OPEN_ARRAY:
        return await this.#array(depth + 1);
      case OPEN_OBJECT:
        return await this.#object(depth + 1);
      default:
        return await this.#number(marker);
    }
  }

  #spend(values: number): void {
    this.#remaining -= values;
    if (this.#remaining < 0) {
      throw new LimitError("values", "A UBJSON text has more values than are read");
    }
  }

  #invalid(why: string): FormatError {
    return new FormatError(`Cannot read UBJSON: ${why}`, this.#cursor.offset);
  }

  async #number(marker: number): Promise<number> {
    const cursor = this.#cursor;
    switch (marker) {
      case 0x69: { // i
        const byte = await cursor.u8();
        return byte > 127 ? byte - 256 : byte;
      }
      case 0x55: // U
        return await cursor.u8();
      case 0x49: { // I
        const word = await cursor.u16();
        return word > 32767 ? word - 65536 : word;
      }
      case 0x6c: // l
        return await cursor.i32();
      case 0x4c: // L
        return await cursor.i64();
      case 0x64: // d
        return await cursor.f32();
      case 0x44: // D
        return await cursor.f64();
      default:
        throw this.#invalid(`no value begins with ${marker}`);
    }
  }

  /** @param marker of the length */
  async #text(marker: number): Promise<string> {
    const length = await this.#number(marker);
    if (!(length >= 0 && length <= TEXT_BYTES)) throw this.#invalid(`a text has ${length} bytes`);
    return await this.#cursor.text(length);
  }

  async #count(): Promise<number> {
    const count = await this.#number(await this.#cursor.u8());
    if (!(count >= 0)) throw this.#invalid(`a container has ${count} values`);
    return count;
  }

  async #array(depth: number): Promise<UbjsonValue> {
    if (depth > DEPTH) throw this.#invalid(`it has more than ${DEPTH} levels`);
    const cursor = this.#cursor;
    let marker = await cursor.u8();
    if (marker === TYPE) {
      const type = await cursor.u8();
      if (await cursor.u8() !== COUNT) throw this.#invalid("a type has no count");
      return await this.#typed(type, await this.#count());
    }
    const items: UbjsonValue[] = [];
    if (marker === COUNT) {
      for (let remaining = await this.#count(); remaining > 0; remaining--) {
        items.push(await this.value(await cursor.u8(), depth));
      }
      return items;
    }
    for (; marker !== CLOSE_ARRAY; marker = await cursor.u8()) {
      items.push(await this.value(marker, depth));
    }
    return items;
  }

  async #typed(type: number, count: number): Promise<UbjsonValue> {
    const bytes = NUMBER_BYTES.get(type);
    if (bytes === undefined) throw this.#invalid(`an array is of type ${type}`);
    const { left } = this.#cursor;
    if (left !== undefined && count * bytes > left) {
      throw this.#invalid(`an array has ${count} items`);
    }
    this.#spend(count);
    const numbers = new Float64Array(count);
    for (let at = 0; at < count; at++) numbers[at] = await this.#number(type);
    return numbers;
  }

  async #object(depth: number): Promise<UbjsonValue> {
    if (depth > DEPTH) throw this.#invalid(`it has more than ${DEPTH} levels`);
    const cursor = this.#cursor;
    const members = new Map<string, UbjsonValue>();
    let marker = await cursor.u8();
    let remaining = Infinity;
    if (marker === COUNT) {
      remaining = await this.#count();
      if (remaining > 0) marker = await cursor.u8();
    }
    while (remaining > 0 && marker !== CLOSE_OBJECT) {
      const key = await this.#text(marker);
      members.set(key, await this.value(await cursor.u8(), depth));
      if (--remaining > 0) marker = await cursor.u8();
    }
    return members;
  }
}
