/**
 * LiteRT-LM's files (`.litertlm`): a header with a FlatBuffer that lists sections, and the sections: models of
 * TensorFlow Lite, their weights, tokenizers and settings.
 *
 * Source: `schema/core/litertlm_header_schema.fbs` and `litertlm_read.cc` of LiteRT-LM, and the package
 * litert-lm-builder.
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import { ascii, startsWith } from "../../parsers/bytes.ts";
import { FlatBuffer, type FlatRecord } from "../../parsers/flatbuffer.ts";
import { behindLast } from "../../parsers/trailing.ts";
import { sliceSource } from "../../sources/memory.ts";
import { readUpTo } from "../../sources/read_all.ts";

const MAGIC = ascii("LITERTLM");
/** Where the end of the header is written, and where its FlatBuffer begins. */
const END_AT = 24;
const BEGIN = 32;
/** The major version of the layout that there is. */
const MAJOR = 1;
/** Slots of `LiteRTLMMetaData`, `SectionMetadata`, `SectionObject` and `KeyValuePair`. */
const ROOT = { system: 0, sections: 1 } as const;
const OBJECTS = 0;
const SECTION = { items: 0, begin: 1, end: 2, type: 3 } as const;
const PAIR = { key: 0, value: 2 } as const;
/** `AnySectionDataType`, by number: what the section is called here. */
const NAMES: readonly (string | undefined)[] = [
  ...[undefined, "data", undefined, "model.tflite", "tokenizer.model", "metadata", "tokenizer"],
  ...["weights", "embedding", "executor", "tts", "asr"],
];
const TOKENIZER = 6;
const WEIGHTS = 7;
/** The uncompressed size that stands before a compressed tokenizer. */
const SIZE_BYTES = 8;

/** LiteRT-LM's files. */
export const litertlmFormat: Format = {
  id: "litertlm",
  random: true,
  detect: ({ head }: Sample) => startsWith(head, MAGIC),
  scan,
};

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const size = source.size ?? 0;
  const head = await readUpTo(source, 0, BEGIN);
  if (head.length < BEGIN) throw new FormatError("Cannot read LiteRT-LM file: it is cut off", 0);
  const view = new DataView(head.buffer, head.byteOffset);
  const major = view.getUint32(MAGIC.length, true);
  if (major !== MAJOR) {
    const detail = `version ${major} of the layout, not ${MAJOR}`;
    yield [{ type: "anomaly", rule: "tflite-unknown", detail, unread: true }];
  }
  const end = Number(view.getBigUint64(END_AT, true));
  if (end < BEGIN || end > size) {
    throw new FormatError(`Cannot read LiteRT-LM file: its header ends at ${end}`, END_AT);
  }
  const header = sliceSource("header", source, BEGIN, end - BEGIN);
  const buffer = new FlatBuffer(header, { check: () => context.checkDeadline() });
  const root = await buffer.root();
  const system = await root.table(ROOT.system);
  if (system !== undefined) {
    for await (const pair of system.tables(0)) await readPair(pair);
  }
  const sections = await root.table(ROOT.sections);
  if (sections === undefined) {
    throw new FormatError("Cannot read LiteRT-LM file: it has no sections");
  }
  let last = end;
  let index = 0;
  for await (const section of sections.tables(OBJECTS)) {
    for await (const pair of section.tables(SECTION.items)) await readPair(pair);
    const type = await section.uint(SECTION.type, 1);
    const from = await section.uint(SECTION.begin, 8);
    const to = await section.uint(SECTION.end, 8);
    const where = `section ${index++}`;
    if (from < end || to <= from || to > size) {
      const detail = `${where} has the bytes from ${from} to ${to} of ${size}`;
      yield [{ type: "anomaly", rule: "tflite-index", detail }];
      continue;
    }
    last = Math.max(last, to);
    const name = NAMES[type];
    if (name === undefined) {
      const detail = `${where} is of type ${type}`;
      yield [{ type: "anomaly", rule: "tflite-unknown", detail, unread: true }];
    }
    if (type === WEIGHTS) continue;
    const start = type === TOKENIZER ? Math.min(to, from + SIZE_BYTES) : from;
    const part = `section_${index - 1}_${name ?? "unknown"}`;
    yield [{ type: "entry", source: sliceSource(part, source, start, to - start), part }];
  }
  yield await behindLast(source, last);
}

/** A key and a value of whatever type; both must be there. */
async function readPair(pair: FlatRecord): Promise<void> {
  await pair.text(PAIR.key, 0);
  const value = await pair.table(PAIR.value);
  if (value === undefined) throw new FormatError("Cannot read LiteRT-LM file: a key has no value");
}
