/**
 * Schemas of Apache Arrow: what the metadata of their fields makes a reader do.
 *
 * Format: `format/Schema.fbs` and `format/Message.fbs` of Apache Arrow. A field whose metadata name an
 * extension type is read by that type's class. pyarrow before 14.0.1 unpickled the metadata of
 * `arrow.py_extension_type` in every schema that it read (CVE-2023-47248); Ray unpickles those of its
 * own types (`python/ray/air/util/tensor_extensions/arrow.py`, `_deserialize_with_fallback`).
 *
 * @module
 */

import { FormatError, LimitError } from "../../core/errors.ts";
import { HINT } from "../../core/hints.ts";
import type { Observation } from "../../core/types.ts";
import type { FlatBuffer, FlatRecord } from "../../parsers/flatbuffer.ts";
import { bytesSource } from "../../sources/memory.ts";

/** Slots of `Schema`. */
const SCHEMA = { fields: 1, metadata: 2 } as const;
/** Slots of `Field`. */
const FIELD = { name: 0, children: 5, metadata: 6 } as const;
/** Slots of `Message`. */
const MESSAGE = { kind: 1, header: 2, body: 3 } as const;
/** `Schema` among the kinds of messages. */
const SCHEMA_MESSAGE = 1;
/** Slots of `KeyValue`. */
const PAIR = { key: 0, value: 1 } as const;
const EXTENSION_NAME = "ARROW:extension:name";
const EXTENSION_METADATA = "ARROW:extension:metadata";
/** Extension types whose metadata their library unpickles. */
const UNPICKLED = /^(?:arrow\.py_extension_type|ray\.data\.arrow_\w+)$/u;
/** Extension types whose rows their library unpickles. */
const PICKLED_ROWS = "ray.data.arrow_pickled_object";
/** PROTO of protocols 2 to 5. */
const PROTO = 0x80;
/** Fields of a schema; wide tables have some hundred thousand. CWE-770. */
const FIELDS = 4_000_000;
/** Fields in one another; nested columns have a dozen levels. CWE-674. */
const DEPTH = 200;
/** Bytes of one value of metadata; that of pandas has some megabytes for wide tables. CWE-770. */
const VALUE_BYTES = 64 * 1024 * 1024;

/** A message: what it is, and the bytes of data behind it. */
interface ArrowMessage {
  /** The schema that it holds; undefined for every other kind. */
  readonly schema: FlatRecord | undefined;
  /** Bytes of its body. */
  readonly bodyBytes: number;
}

/** Reads a message. @throws FormatError when a table lies outside */
export async function readMessage(buffer: FlatBuffer): Promise<ArrowMessage> {
  const message = await buffer.root();
  const kind = await message.uint(MESSAGE.kind, 1);
  const bodyBytes = await message.uint(MESSAGE.body, 8);
  const header = await message.table(MESSAGE.header);
  return { schema: kind === SCHEMA_MESSAGE ? header : undefined, bodyBytes };
}

/**
 * What a schema's fields say.
 *
 * @throws FormatError when a table lies outside @throws LimitError when there are too many fields
 */
export async function schemaObservations(schema: FlatRecord): Promise<readonly Observation[]> {
  const walk = new SchemaWalk();
  for await (const field of schema.tables(SCHEMA.fields)) await walk.field(field, "", 0);
  await walk.pairs(schema, SCHEMA.metadata);
  return walk.found;
}

class SchemaWalk {
  readonly found: Observation[] = [];
  #fields = 0;

  async field(field: FlatRecord, around: string, depth: number): Promise<void> {
    if (++this.#fields > FIELDS) throw new LimitError("values", `Cannot read ${FIELDS} fields`);
    if (depth > DEPTH) throw new FormatError("Fields are nested too deeply", field.at);
    const name = await field.text(FIELD.name, 256) ?? "";
    const path = around === "" ? name : `${around}.${name}`.slice(0, 1024);
    const pairs = await this.pairs(field, FIELD.metadata);
    this.#extension(path, pairs);
    for await (const child of field.tables(FIELD.children)) {
      await this.field(child, path, depth + 1);
    }
  }

  /** Metadata by key; of a key that is given twice, all values. */
  async pairs(owner: FlatRecord, slot: number): Promise<ReadonlyMap<string, Uint8Array[]>> {
    const pairs = new Map<string, Uint8Array[]>();
    for await (const pair of owner.tables(slot)) {
      const key = await pair.text(PAIR.key, 256) ?? "";
      const { at, length } = await pair.vector(PAIR.value, 1);
      if (length > VALUE_BYTES) {
        throw new LimitError("values", `Cannot read ${length} bytes of metadata`);
      }
      if (!key.startsWith("ARROW:")) continue;
      pairs.set(key, [...pairs.get(key) ?? [], await owner.buffer.bytes(at, length)]);
    }
    return pairs;
  }

  #extension(path: string, pairs: ReadonlyMap<string, readonly Uint8Array[]>): void {
    const names = (pairs.get(EXTENSION_NAME) ?? []).map((name) => new TextDecoder().decode(name));
    const isUnpickled = names.some((name) => UNPICKLED.test(name));
    for (const data of pairs.get(EXTENSION_METADATA) ?? []) {
      // Ray tries JSON too, which no pickle begins like.
      const isJson = data[0] === 0x5b || data[0] === 0x7b;
      if (data.length === 0 || (isUnpickled ? isJson : data[0] !== PROTO)) continue;
      const part = `${path}:${names[0] ?? "metadata"}`;
      this.found.push({
        type: "entry",
        source: bytesSource(part, data),
        part,
        hint: HINT.pickle,
        ...(!isUnpickled && { loaded: "data" as const }),
      });
    }
    if (names.includes(PICKLED_ROWS)) {
      const detail =
        `The rows of "${path}" are pickles, which Ray loads and this version does not read`;
      this.found.push({ type: "anomaly", rule: "arrow-pickled-rows", detail, unread: true });
    }
  }
}
