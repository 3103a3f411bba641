/**
 * GGUF, versions 1 to 3, of either byte order: metadata, descriptions of tensors, and their bytes. It
 * is read by C++ that once believed every length, and its chat templates are programs. Tensors are not
 * read.
 * https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 *
 * @module
 */

import { HINT } from "../../core/hints.ts";
import { FormatError } from "../../core/errors.ts";
import { sliceSource } from "../../sources/memory.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { metadataEntries } from "../../parsers/config/metadata.ts";
import { behindEnd, hiddenEntry } from "../../parsers/trailing.ts";
import { ascii, startsWith } from "../../parsers/bytes.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import { GgufAbout } from "./about.ts";
import { LoaderChecks } from "./loader_checks.ts";
import { GgufReader } from "./reader.ts";
import { compare, examine, type Extent, type GgufTensor, type Mismatch } from "./tensors.ts";

const MAGIC = ascii("GGUF");
/** Version, number of tensors and number of metadata follow the magic. */
const VERSION_AT = 4;
const COUNTS_AT = 8;

/** `GGUF_DEFAULT_ALIGNMENT`. */
const ALIGNMENT = 32n;
const ALIGNMENT_KEY = "general.alignment";
/** Chat templates: this key, and this key with a name behind a dot. */
const TEMPLATE_KEY = /^tokenizer\.chat_template(?:\.|$)/u;

const STRING = 8;
const ARRAY = 9;
const BOOL = 7;
/** Bytes of each type of metadata; strings and arrays have lengths. */
const TYPE_BYTES: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
};
const U32 = 4;
/** `GGML_MAX_DIMS`. */
const DIMENSIONS = 4;
/** Integer types, by whether they have a sign. */
const INTEGERS: Readonly<Record<number, boolean>> = {
  0: false,
  1: true,
  2: false,
  3: true,
  4: false,
  5: true,
  10: false,
  11: true,
};
/** Types of fractions. */
const FRACTIONS: ReadonlySet<number> = new Set([6, 12]);
/**
 * Bytes of a text that a loader compares: names of architectures and tokenizers, tokens. The longest seen has
 * 8. CWE-770.
 */
const TEXT_BYTES = 4096;

/** Types that loaders expect of the keys that every file has. */
const EXPECTED: Readonly<Record<string, number>> = {
  "general.architecture": STRING,
  "general.name": STRING,
  [ALIGNMENT_KEY]: U32,
  "tokenizer.ggml.model": STRING,
  "tokenizer.chat_template": STRING,
  "tokenizer.ggml.tokens": ARRAY,
  "tokenizer.ggml.merges": ARRAY,
  "tokenizer.ggml.scores": ARRAY,
  "tokenizer.ggml.token_type": ARRAY,
};

/** `GGUF` keys are at most this long. */
const KEY_BYTES = 65_535;
/** Nested arrays. No real file is known to have any. CWE-674. */
const ARRAY_DEPTH = 4;
/** The least that a piece of metadata and a description of a tensor take. */
const LEAST_METADATA = { wide: 13, narrow: 9 };
const LEAST_TENSOR = { wide: 24, narrow: 20 };
/**
 * Counts and lengths from here on are in no real file: llama.cpp refuses strings of a gigabyte, and the
 * longest real array, a vocabulary, has 300,000 items. CWE-190.
 */
const MADE_UP = 2n ** 31n;
/** Tensors whose places are compared. The most seen, in DeepSeek-V3, are 1,086. CWE-770. */
const TENSORS = 1_000_000;
/** Wrong values that are reported separately. An intact file has none. CWE-779. */
const REPORTED = 100;
/**
 * Strings of metadata that may be programs are looked at up to this length. The longest template in packages
 * in use has 19,574. CWE-770.
 */
const LOOK_FOR_TEMPLATE = 4 * 1024 * 1024;
/** Items of a list beyond which it is a vocabulary; tags, languages and data sets are a dozen. */
const LIST_ITEMS = 1000;
/** Bytes of all texts that are kept as a configuration. Real files have some kilobytes. CWE-770. */
const KEPT_BYTES = 16 * 1024 * 1024;
/** The name by which the table of loaders knows the metadata. */
const METADATA = "metadata_kv";

/** GGUF models. */
export const ggufFormat: Format = {
  id: "gguf",
  random: true,
  detect: ({ head }: Sample) => startsWith(head, MAGIC),
  scan,
};

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const scanner = new Scanner(source, () => context.checkDeadline());
  let broken: FormatError | undefined;
  try {
    await scanner.run();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    broken = error;
  } finally {
    yield scanner.reported();
  }
  if (broken !== undefined) throw broken;
}

/** The scan of one file; used once. */
class Scanner {
  readonly #source: Source;
  readonly #check: () => void;
  readonly #mismatches: Mismatch[] = [];
  readonly #entries: Observation[] = [];
  readonly #keys = new Set<string>();
  readonly #checks = new LoaderChecks();
  readonly #about = new GgufAbout();
  /** Texts of the metadata, which configurations may be: `model.config`, `general.description`. */
  readonly #texts: (readonly [key: string, text: string])[] = [];
  #textBytes = 0;
  #alignment = ALIGNMENT;

  constructor(source: Source, check: () => void) {
    this.#source = source;
    this.#check = check;
  }

  /** What was found so far; everything once `run` ended. */
  reported(): Observation[] {
    const mismatches = this.#mismatches.slice(0, REPORTED);
    const more = this.#mismatches.length - mismatches.length;
    const rest: Observation[] = more <= 0 ? [] : [{
      type: "anomaly",
      rule: "gguf-malformed",
      detail: `${more} more such mismatches`,
    }];
    return [
      ...mismatches,
      ...rest,
      ...this.#entries,
      ...metadataEntries(METADATA, this.#texts),
      { type: "about", about: this.#about.about() },
    ];
  }

  async run(): Promise<void> {
    const reader = await this.#open();
    await reader.fill(2 * reader.width);
    const tensorCount = reader.length();
    const metadataCount = reader.length();
    this.#checkCount("tensors", tensorCount, reader, LEAST_TENSOR);
    this.#checkCount("pieces of metadata", metadataCount, reader, LEAST_METADATA);
    for (let i = 0n; i < metadataCount; i++) await this.#readMetadata(reader);
    await this.#readTensors(reader, tensorCount);
  }

  #mismatch(rule: string, detail: string, offset?: number): void {
    this.#mismatches.push({
      type: "anomaly",
      rule,
      detail,
      ...(offset !== undefined && { offset }),
    });
  }

  /**
   * A number beyond what is left of the file: where a file could hold so much the file was cut off, as
   * an interrupted download is; otherwise it was made to overflow.
   */
  #tooLarge(rule: string, count: bigint, detail: string, offset: number): never {
    this.#giveUp(count < MADE_UP ? "gguf-malformed" : rule, detail, offset);
  }

  /** A lie behind which nothing can be found any more. */
  #giveUp(rule: string, detail: string, offset: number): never {
    this.#mismatches.push({ type: "anomaly", rule, detail, offset, unread: true });
    throw new FormatError("What follows cannot be read", offset);
  }

  async #open(): Promise<GgufReader> {
    const { size } = this.#source;
    const start = (await this.#source.read(0, COUNTS_AT)).slice();
    if (size === undefined || start.length < COUNTS_AT) {
      throw new FormatError("The file ends behind its magic number", start.length);
    }
    const view = new DataView(start.buffer);
    const little = view.getUint32(VERSION_AT, true);
    // A version is a small number in the byte order of the file.
    const littleEndian = (little & 0xffff) !== 0 || little === 0;
    const version = littleEndian ? little : view.getUint32(VERSION_AT, false);
    if (version < 1 || version > 3) {
      this.#giveUp("gguf-version", `Version ${version} does not exist`, VERSION_AT);
    }
    const layout = { at: COUNTS_AT, littleEndian, narrow: version === 1 };
    return new GgufReader(this.#source, size, layout, this.#check);
  }

  #checkCount(
    what: string,
    count: bigint,
    reader: GgufReader,
    least: { readonly wide: number; readonly narrow: number },
  ): void {
    const each = reader.narrow ? least.narrow : least.wide;
    if (count * BigInt(each) <= BigInt(reader.left)) return;
    const detail = `${count} ${what} do not fit into the ${reader.left} bytes that are left`;
    this.#tooLarge("gguf-count", count, detail, COUNTS_AT);
  }

  /** The length of a string, which lies within the file. */
  async #stringLength(reader: GgufReader, what: string): Promise<number> {
    if (!reader.has(reader.width)) await reader.fill(reader.width);
    const at = reader.offset;
    const length = reader.length();
    if (length > BigInt(reader.left)) {
      const detail = `${what} has ${length} bytes, ${reader.left} are left`;
      this.#tooLarge("gguf-string-length", length, detail, at);
    }
    return Number(length);
  }

  async #readMetadata(reader: GgufReader): Promise<void> {
    const at = reader.offset;
    const length = await this.#stringLength(reader, "The name of a piece of metadata");
    if (length > KEY_BYTES) {
      this.#giveUp("gguf-string-length", `A name of ${length} bytes is longer than any`, at);
    }
    await reader.fill(length + 4);
    const key = reader.text(length);
    const type = reader.u32();
    // deno-lint-ignore no-control-regex -- control characters are what is looked for
    if (/[\x00-\x1f\x7f]/u.test(key)) {
      this.#mismatch(
        "gguf-malformed",
        "The name of a piece of metadata has control characters",
        at,
      );
    }
    if (this.#keys.has(key)) this.#mismatch("gguf-duplicate-key", `"${key}" is given twice`, at);
    this.#keys.add(key);
    const expected = Object.hasOwn(EXPECTED, key) ? EXPECTED[key] : undefined;
    if (expected !== undefined && expected !== type) {
      this.#mismatch("gguf-metadata-type", `"${key}" is of type ${type}, not ${expected}`, at);
    }
    await this.#readValue(reader, key, type, at);
  }

  async #readValue(reader: GgufReader, key: string, type: number, at: number): Promise<void> {
    if (type === STRING) {
      const length = await this.#stringLength(reader, `"${key}"`);
      await this.#readString(reader, key, length);
      return;
    }
    if (type === ARRAY) {
      await this.#readArray(reader, key, 0);
      return;
    }
    const bytes = Object.hasOwn(TYPE_BYTES, type) ? TYPE_BYTES[type] : undefined;
    if (bytes === undefined) {
      this.#giveUp("gguf-metadata-type", `"${key}" is of type ${type}, which does not exist`, at);
    }
    await reader.fill(bytes);
    if (Object.hasOwn(INTEGERS, type) && this.#checks.usesNumber(key)) {
      this.#checks.number(key, readInteger(reader, bytes, INTEGERS[type] === true));
    } else if (FRACTIONS.has(type) && this.#checks.wantsFraction(key)) {
      this.#checks.fraction(key, reader.fraction(bytes));
    } else if (key === ALIGNMENT_KEY && type === U32) this.#align(reader.u32(), at);
    else if (type === BOOL) this.#readBool(reader, key);
    else reader.skip(bytes);
  }

  #align(alignment: number, at: number): void {
    const power = alignment > 0 && (alignment & (alignment - 1)) === 0;
    if (!power || alignment % 8 !== 0) {
      this.#mismatch(
        "gguf-alignment",
        `An alignment of ${alignment} is no power of two from 8 on`,
        at,
      );
    }
    this.#alignment = BigInt(alignment || 1);
  }

  #readBool(reader: GgufReader, key: string): void {
    const at = reader.offset;
    const value = reader.text(1).charCodeAt(0);
    this.#checks.flag(key, value !== 0);
    if (value > 1) this.#mismatch("gguf-metadata-type", `"${key}" is neither true nor false`, at);
  }

  /** Strings that may be programs are handed on; of the others only the place is of interest. */
  async #readString(reader: GgufReader, key: string, length: number): Promise<void> {
    const { offset } = reader;
    if (this.#checks.usesText(key) && length <= TEXT_BYTES) {
      await reader.fill(length);
      const text = reader.text(length);
      this.#checks.text(key, text);
      if (this.#about.wants(key)) this.#about.text(key, text);
      return;
    }
    let program = TEMPLATE_KEY.test(key);
    if (!program && length >= 4 && length <= LOOK_FOR_TEMPLATE) {
      await reader.fill(length);
      const text = reader.text(length);
      program = /\{[{%]/u.test(text);
      if (this.#about.wants(key)) this.#about.text(key, text);
      this.#keep(key, text);
    } else reader.skip(length);
    if (!program || length === 0) return;
    this.#entries.push({
      type: "entry",
      source: sliceSource(key, this.#source, offset, length),
      part: key,
      hint: HINT.chatTemplate,
    });
  }

  #keep(key: string, text: string): void {
    this.#textBytes += text.length;
    if (this.#textBytes <= KEPT_BYTES) this.#texts.push([key, text]);
    else if (this.#textBytes - text.length <= KEPT_BYTES) {
      const detail = `Its texts have more than ${KEPT_BYTES} bytes, and no more are looked at`;
      this.#mismatches.push({ type: "anomaly", rule: "gguf-malformed", detail, unread: true });
    }
  }

  async #readArray(reader: GgufReader, key: string, depth: number): Promise<void> {
    const at = reader.offset;
    await reader.fill(4 + reader.width);
    const type = reader.u32();
    const count = reader.length();
    const bytes = Object.hasOwn(TYPE_BYTES, type) ? TYPE_BYTES[type] : undefined;
    if (bytes === undefined && type !== STRING && type !== ARRAY) {
      const detail = `"${key}" is a list of type ${type}, which does not exist`;
      this.#giveUp("gguf-metadata-type", detail, at);
    }
    this.#checks.list(key, count);
    const each = bytes ?? (type === STRING ? reader.width : 4 + reader.width);
    if (count * BigInt(each) > BigInt(reader.left)) {
      const detail = `"${key}" has ${count} items, which do not fit into ${reader.left} bytes`;
      this.#tooLarge("gguf-array-length", count, detail, at);
    }
    if (bytes !== undefined) {
      const isInteger = Object.hasOwn(INTEGERS, type);
      if (depth === 0 && isInteger && this.#checks.usesNumbers(key, count)) {
        for (let left = count; left > 0n; left--) {
          await reader.fill(bytes);
          this.#checks.oneOf(key, readInteger(reader, bytes, INTEGERS[type] === true));
        }
      } else reader.skip(Number(count) * bytes);
      return;
    }
    if (type === ARRAY && depth >= ARRAY_DEPTH) {
      this.#giveUp("gguf-metadata-type", `"${key}" nests lists more than ${ARRAY_DEPTH} deep`, at);
    }
    const items = Number(count);
    for (let i = 0; i < items; i++) {
      if (type === ARRAY) {
        await this.#readArray(reader, key, depth + 1);
        continue;
      }
      // Vocabularies have hundreds of thousands of strings: waiting for each is what would cost.
      if (!reader.has(reader.width)) await reader.fill(reader.width);
      const from = reader.offset;
      const length = reader.length();
      if (length > BigInt(reader.left)) {
        const detail = `Item ${i} of "${key}" has ${length} bytes, ${reader.left} are left`;
        this.#tooLarge("gguf-string-length", length, detail, from);
      }
      if (type === STRING && depth === 0 && this.#checks.usesTexts(key) && length <= TEXT_BYTES) {
        const bytes = Number(length);
        if (!reader.has(bytes)) await reader.fill(bytes);
        this.#checks.token(reader.characters(bytes));
      } else if (
        type === STRING && items <= LIST_ITEMS && length <= TEXT_BYTES &&
        !key.startsWith("tokenizer.")
      ) {
        await reader.fill(Number(length));
        const text = reader.text(Number(length));
        this.#keep(key, text);
        if (this.#about.wants(key)) this.#about.text(key, text);
      } else reader.skip(Number(length));
    }
  }

  async #readTensors(reader: GgufReader, count: bigint): Promise<void> {
    const extents: Extent[] = [];
    const tensorNames = new Set<string>();
    for (let i = 0n; i < count; i++) {
      const tensor = await this.#readTensor(reader);
      const { mismatches, bytes } = examine(tensor, this.#alignment);
      this.#about.tensor(tensor);
      if (this.#mismatches.length <= REPORTED) this.#mismatches.push(...mismatches);
      if (tensorNames.size >= TENSORS) continue;
      if (tensorNames.has(tensor.name)) {
        this.#mismatch(
          "gguf-duplicate-key",
          `The tensor "${tensor.name}" is there twice`,
          tensor.at,
        );
      }
      tensorNames.add(tensor.name);
      if (bytes === undefined) continue;
      extents.push({ name: tensor.name, from: tensor.offset, to: tensor.offset + bytes });
    }
    this.#mismatches.push(...this.#checks.failed());
    if (count > 0n) await this.#comparePlaces(reader, extents);
    else if (await this.#isWritten(reader.offset)) {
      await this.#trailingBytes(reader.offset, reader.size);
    }
  }

  async #readTensor(reader: GgufReader): Promise<GgufTensor> {
    const at = reader.offset;
    const nameBytes = await this.#stringLength(reader, "The name of a tensor");
    if (nameBytes > KEY_BYTES) {
      this.#giveUp("gguf-string-length", `A name of ${nameBytes} bytes is longer than any`, at);
    }
    if (nameBytes === 0) this.#mismatch("gguf-malformed", "A tensor has no name", at);
    await reader.fill(nameBytes + 4);
    const name = reader.text(nameBytes);
    const dimensionCount = reader.u32();
    if (dimensionCount * reader.width > reader.left || dimensionCount > 1024) {
      const rule = dimensionCount <= DIMENSIONS ? "gguf-malformed" : "gguf-dimensions";
      this.#giveUp(rule, `The tensor "${name}" has ${dimensionCount} dimensions`, at);
    }
    await reader.fill(dimensionCount * reader.width + 12);
    const dimensions = Array.from({ length: dimensionCount }, () => reader.length());
    return { name, nameBytes, dimensions, type: reader.u32(), offset: reader.u64(), at };
  }

  /** Whether what follows a place is more than the zeros of its alignment. */
  async #isWritten(from: number): Promise<boolean> {
    const length = (this.#source.size ?? from) - from;
    if (length >= Number(this.#alignment)) return true;
    return length > 0 && (await this.#source.read(from, length)).some((byte) => byte !== 0);
  }

  async #comparePlaces(reader: GgufReader, extents: readonly Extent[]): Promise<void> {
    const alignment = this.#alignment;
    const start = ((BigInt(reader.offset) + alignment - 1n) / alignment) * alignment;
    const dataBytes = BigInt(reader.size) > start ? BigInt(reader.size) - start : 0n;
    const { mismatches, slack, end } = compare(extents, dataBytes, alignment);
    this.#mismatches.push(...mismatches);
    const first = Number(start);
    for (const { from, to } of slack.slice(0, REPORTED)) {
      await this.#trailingBytes(first + Number(from), first + Number(to));
    }
    const behind = first + Number(end);
    if (slack.every(({ from }) => from < end) && end < dataBytes && await this.#isWritten(behind)) {
      await this.#trailingBytes(behind, reader.size);
    }
  }

  /** Bytes that belong to no tensor: nothing reads them, but something may lie there. */
  async #trailingBytes(from: number, to: number): Promise<void> {
    if (to === this.#source.size) {
      const [first] = await behindEnd(this.#source, from);
      if (first?.type === "anomaly" && first.rule === "file-padding") {
        this.#mismatches.push(first);
        return;
      }
    }
    const part = `bytes_${from}`;
    this.#mismatch("gguf-gap", `${to - from} bytes at ${from} belong to no tensor`, from);
    this.#entries.push(await hiddenEntry(this.#source, part, from, to));
  }
}

/** An integer of 1 to 8 bytes in the byte order of the file. */
function readInteger(reader: GgufReader, bytes: number, signed: boolean): bigint {
  const text = reader.characters(bytes);
  let value = 0n;
  for (let i = 0; i < bytes; i++) {
    const at = reader.littleEndian ? bytes - 1 - i : i;
    value = value << 8n | BigInt(text.charCodeAt(at));
  }
  return signed ? BigInt.asIntN(8 * bytes, value) : value;
}
