/**
 * Parquet: pages of columns, and a footer in Thrift's compact protocol that says where they are.
 * https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
 *
 * Only the footer is read. Its metadata hold Arrow's schema, which readers decode before any page, and
 * Avro's, whose class names parquet-avro resolved (CVE-2025-30065).
 *
 * @module
 */

import { leavesFolder } from "../../parsers/leaves_folder.ts";
import { FormatError, LimitError } from "../../core/errors.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { ascii, looksLikeText, startsWith } from "../../parsers/bytes.ts";
import { FlatBuffer } from "../../parsers/flatbuffer.ts";
import { THRIFT, ThriftReader } from "../../parsers/thrift_compact.ts";
import { bytesSource } from "../../sources/memory.ts";
import { readUpTo } from "../../sources/read_all.ts";
import { readMessage, schemaObservations } from "./schema.ts";

const MAGIC = ascii("PAR1");
/** The same of a file whose footer is encrypted. */
const ENCRYPTED = ascii("PARE");
/** The footer's length and the magic number behind it. */
const TAIL_BYTES = 8;
/** Bytes of a footer; those of tables with a hundred thousand columns have some ten megabytes. CWE-770. */
const FOOTER_BYTES = 256 * 1024 * 1024;
/** Fields of `FileMetaData`. */
const FILE = { groups: 4, metadata: 5 } as const;
/** Fields of `RowGroup`. */
const GROUP = { columns: 1 } as const;
/** Fields of `ColumnChunk`. */
const CHUNK = { path: 1, metadata: 3 } as const;
/** Fields of `ColumnMetaData`. */
const COLUMN = { compressedBytes: 7, dataOffset: 9, dictionaryOffset: 11 } as const;
/** Fields of `KeyValue`. */
const PAIR = { key: 1, value: 2 } as const;

/** A structure of the footer, as far as lists are in it. */
interface Shape {
  /** By field: the type of the items, and their structure. */
  readonly lists?: Readonly<Record<number, readonly [type: number, shape?: Shape]>>;
  readonly structs?: Readonly<Record<number, Shape>>;
}

const PLAIN: Shape = {};
const CHUNK_SHAPE: Shape = {
  structs: {
    [CHUNK.metadata]: {
      lists: {
        2: [THRIFT.i32],
        3: [THRIFT.binary],
        8: [THRIFT.struct, PLAIN],
        13: [THRIFT.struct, PLAIN],
      },
      structs: {
        16: { lists: { 2: [THRIFT.i64], 3: [THRIFT.i64] } },
        17: { lists: { 2: [THRIFT.i32] } },
      },
    },
    8: { structs: { 2: { lists: { 1: [THRIFT.binary] } } } },
  },
};
const GROUP_SHAPE: Shape = {
  lists: { [GROUP.columns]: [THRIFT.struct, CHUNK_SHAPE], 4: [THRIFT.struct, PLAIN] },
};
const FILE_SHAPE: Shape = {
  lists: {
    2: [THRIFT.struct, PLAIN],
    [FILE.groups]: [THRIFT.struct, GROUP_SHAPE],
    [FILE.metadata]: [THRIFT.struct, PLAIN],
    7: [THRIFT.struct, PLAIN],
  },
};
const INTEGERS: readonly number[] = [THRIFT.i16, THRIFT.i32, THRIFT.i64];

const ARROW_SCHEMA = "ARROW:schema";
const AVRO_SCHEMA = /^(?:parquet\.avro\.schema|avro\.schema|parquet\.avro\.read\.schema)$/u;
/** Properties of Avro's schema that name a class of Java. */
const JAVA_CLASS = /"(java-(?:key-|element-)?class)"\s*:\s*"((?:[^"\\]|\\.)*)"/gu;
/** Packages that parquet-avro trusts since 1.15.1: values of columns, and no programs. */
const TRUSTED_CLASS =
  /^java\.(?:lang|math|util)\.(?:String|CharSequence|Integer|Long|Short|Byte|Character|BigDecimal|BigInteger|Map|List|Set|ArrayList|HashMap|HashSet|Collection|UUID)$/u;
/** Observations of one kind that are reported one by one. An intact file has none. CWE-779. */
const REPORTED = 20;

/** Parquet files. */
export const parquetFormat: Format = { id: "parquet", random: true, detect, scan };

/**
 * Readers go by the end alone; a file that was cut off has the magic number at its beginning, and a text may
 * begin with the same letters (`PARENT`).
 */
function detect({ head, tail, size, claim }: Sample): boolean {
  const begins = startsWith(head, MAGIC) || startsWith(head, ENCRYPTED);
  if (begins && (claim?.kind === "model" || !looksLikeText(head))) return true;
  if (tail === undefined || size === undefined || tail.length < TAIL_BYTES) return false;
  const end = tail.subarray(-TAIL_BYTES);
  if (!startsWith(end, MAGIC, 4) && !startsWith(end, ENCRYPTED, 4)) return false;
  const length = footerLength(end);
  if (length + TAIL_BYTES > size) return claim?.kind === "model";
  // The footer's first field is the version, a number of 32 bits.
  return tail.length < length + TAIL_BYTES || tail[tail.length - TAIL_BYTES - length] === 0x15;
}

function footerLength(tail: Uint8Array): number {
  return new DataView(tail.buffer, tail.byteOffset).getUint32(0, true);
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const check = (): void => context.checkDeadline();
  const size = source.size ?? 0;
  const tail = await readUpTo(source, Math.max(0, size - TAIL_BYTES), TAIL_BYTES);
  if (startsWith(tail, ENCRYPTED, 4)) {
    const detail = "its footer is encrypted";
    yield [{ type: "anomaly", rule: "arrow-encrypted", detail, unread: true }];
    return;
  }
  if (tail.length < TAIL_BYTES || !startsWith(tail, MAGIC, 4)) {
    throw new FormatError("Cannot read Parquet file: it has no footer", size);
  }
  const length = footerLength(tail);
  const start = size - TAIL_BYTES - length;
  if (start < 0) {
    throw new FormatError(`Cannot read Parquet file: a footer of ${length} bytes`, size);
  }
  if (length > FOOTER_BYTES) {
    throw new LimitError("values", `Cannot read a footer of more than ${FOOTER_BYTES} bytes`);
  }
  const footer = new Footer(start, check);
  footer.read(await readUpTo(source, start, length));
  yield footer.found;
  for (const schema of footer.schemas) yield await arrowSchema(schema, check);
}

/** Arrow's schema, in base64 as its decoder takes it: up to the first character that is none. */
async function arrowSchema(value: Uint8Array, check: () => void): Promise<readonly Observation[]> {
  const text = new TextDecoder("latin1").decode(value);
  const [digits = ""] = /^[A-Za-z0-9+/]*/u.exec(text) ?? [];
  const usable = digits.length % 4 === 1 ? digits.slice(0, -1) : digits;
  const bytes = Uint8Array.from(atob(usable), (character) => character.charCodeAt(0));
  if (bytes.length < 8) throw new FormatError("Cannot read Arrow schema: it is cut off");
  const view = new DataView(bytes.buffer);
  const base = view.getUint32(0, true) === 0xffffffff ? 8 : 4;
  const buffer = new FlatBuffer(bytesSource(ARROW_SCHEMA, bytes), { check, base });
  const { schema } = await readMessage(buffer);
  if (schema === undefined) throw new FormatError("Cannot read Arrow schema: it is none");
  return await schemaObservations(schema);
}

class Footer {
  readonly found: Observation[] = [];
  readonly schemas: Uint8Array[] = [];
  readonly #start: number;
  readonly #check: () => void;
  readonly #counts = new Map<string, number>();

  /** @param start where the footer begins, in bytes */
  constructor(start: number, check: () => void) {
    this.#start = start;
    this.#check = check;
  }

  read(bytes: Uint8Array): void {
    const reader = new ThriftReader(bytes, this.#check);
    this.#struct(reader, FILE_SHAPE, (id, type) => {
      if (type !== THRIFT.list) return;
      if (id === FILE.groups) this.#structs(reader, () => this.#group(reader));
      else if (id === FILE.metadata) this.#structs(reader, () => this.#pair(reader));
    });
    if (reader.at !== bytes.length) {
      const detail = `${bytes.length - reader.at} bytes of the footer follow its end`;
      this.#anomaly("arrow-place", detail);
    }
  }

  /** A structure whose lists have items of their own type. `field` may read a value before. */
  #struct(
    reader: ThriftReader,
    shape: Shape,
    field: (id: number, type: number) => void = () => {},
  ): void {
    reader.struct((id, type) => {
      const before = reader.at;
      field(id, type);
      if (reader.at !== before) return;
      const [items, inner] = shape.lists?.[id] ?? [];
      const struct = shape.structs?.[id];
      if (type === THRIFT.list && items === THRIFT.struct) {
        this.#structs(reader, () => this.#struct(reader, inner ?? PLAIN));
      } else if (type === THRIFT.list && items !== undefined) {
        reader.list((item) => {
          expectType(item, items, reader.at);
          reader.skip(item, true);
        });
      } else if (type === THRIFT.struct && struct !== undefined) this.#struct(reader, struct);
    });
  }

  /** A list of structures. */
  #structs(reader: ThriftReader, read: () => void): void {
    reader.list((item) => {
      expectType(item, THRIFT.struct, reader.at);
      read();
    });
  }

  #group(reader: ThriftReader): void {
    this.#struct(reader, GROUP_SHAPE, (id, type) => {
      if (id !== GROUP.columns || type !== THRIFT.list) return;
      this.#structs(reader, () => this.#chunk(reader));
    });
  }

  #chunk(reader: ThriftReader): void {
    let path = "";
    const numbers = new Map<number, number>();
    const metadata = CHUNK_SHAPE.structs?.[CHUNK.metadata] ?? PLAIN;
    this.#struct(reader, CHUNK_SHAPE, (id, type) => {
      if (id === CHUNK.path && type === THRIFT.binary) {
        path = new TextDecoder().decode(reader.binary());
      } else if (id === CHUNK.metadata && type === THRIFT.struct) {
        this.#struct(reader, metadata, (field, kind) => {
          if (kind === THRIFT.i64) numbers.set(field, reader.int());
        });
      }
    });
    if (path !== "") return this.#otherFile(path);
    const bytes = numbers.get(COLUMN.compressedBytes);
    const data = numbers.get(COLUMN.dataOffset);
    // A chunk without metadata is encrypted, and its pages are.
    if (bytes === undefined || data === undefined) return;
    const dictionary = numbers.get(COLUMN.dictionaryOffset) ?? 0;
    const first = dictionary > 0 ? Math.min(dictionary, data) : data;
    if (first >= 0 && bytes >= 0 && first + bytes <= this.#start) return;
    this.#anomaly(
      "arrow-place",
      `a column has ${bytes} bytes at ${first}, before a footer at ${this.#start}`,
    );
  }

  /** Summaries of a folder (`_metadata`) name the files beside them. */
  #otherFile(path: string): void {
    if (leavesFolder(path)) this.#anomaly("arrow-path", `a column is in "${path}"`);
  }

  #pair(reader: ThriftReader): void {
    let key = "";
    let value: Uint8Array | undefined;
    reader.struct((id, type) => {
      if (type !== THRIFT.binary) return;
      if (id === PAIR.key) key = new TextDecoder().decode(reader.binary());
      else if (id === PAIR.value) value = reader.binary();
    });
    if (value === undefined) return;
    if (key === ARROW_SCHEMA) this.schemas.push(value);
    else if (AVRO_SCHEMA.test(key)) this.#avro(new TextDecoder().decode(value));
  }

  #avro(text: string): void {
    for (const [, property = "", name = ""] of unescaped(text).matchAll(JAVA_CLASS)) {
      if (TRUSTED_CLASS.test(name)) continue;
      this.#anomaly("arrow-java-class", `${property} is "${name}"`);
    }
  }

  #anomaly(rule: string, detail: string): void {
    const count = (this.#counts.get(rule) ?? 0) + 1;
    this.#counts.set(rule, count);
    if (count <= REPORTED) this.found.push({ type: "anomaly", rule, detail, offset: this.#start });
  }
}

/**
 * Readers go by the schema: what a list says of its items they pass over, so that others would find other fields
 * behind it.
 *
 * @throws FormatError
 */
function expectType(item: number, expected: number, at: number): void {
  if (item === expected || (INTEGERS.includes(item) && INTEGERS.includes(expected))) return;
  throw new FormatError(`Cannot read footer: a list has items of type ${item}`, at);
}

/** JSON with the escapes of ASCII characters as the characters, so that no spelling of a key hides it. */
function unescaped(text: string): string {
  return text.replaceAll(
    /\\u00([2-7][0-9a-fA-F])/gu,
    (_, digits: string) => String.fromCharCode(parseInt(digits, 16)),
  );
}
