/**
 * safetensors: a JSON header and the bytes of the tensors. It holds no code, but a header can lie, and
 * something else can hide behind it. Only the header is read.
 * https://github.com/huggingface/safetensors#format
 *
 * @module
 */

import { HINT } from "../../core/hints.ts";
import { FormatError } from "../../core/errors.ts";
import {
  HEADER_BYTES,
  headerLength,
  LENGTH_BYTES,
  METADATA,
  readHeader,
  type SafetensorsHeader,
  type TensorEntry,
} from "../../parsers/safetensors_header.ts";
import { metadataEntries as metadataConfigurations } from "../../parsers/config/metadata.ts";
import { aboutText, aboutTexts, NumbersByType } from "../../parsers/about.ts";
import { isObject, type JsonValue, valuesOf } from "../../parsers/json.ts";
import { bytesSource, sliceSource } from "../../sources/memory.ts";
import type { Source } from "../../core/source.ts";
import type { ModelAbout } from "../../core/about.ts";
import type { Observation } from "../../core/types.ts";
import { behindEnd, hiddenEntry } from "../../parsers/trailing.ts";
import { latin1 } from "../../parsers/bytes.ts";
import { baseName } from "../../parsers/base_name.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";

/**
 * Anomalies of one kind that are reported separately, of which an intact file has none; more are counted.
 * CWE-779.
 */
const REPORTED = 20;

/**
 * Tensors of bytes whose beginnings are searched for other content. No real file is known to have more.
 * CWE-834.
 */
const LOOKED_AT = 256;

/** Characters of metadata that are decoded in search of a pickle. The longest seen has 31. CWE-770. */
const METADATA_CHARACTERS = 1 << 20;

/** safetensors files. */
export const safetensorsFormat: Format = { id: "safetensors", random: true, detect, scan };

function detect({ name, head, size }: Sample): boolean {
  if (head.length < LENGTH_BYTES + 2 || head[LENGTH_BYTES] !== 0x7b) return false;
  if (!/^\{\s*["}]/u.test(latin1(head.subarray(LENGTH_BYTES), 64))) return false;
  const length = headerLength(head);
  if (/\.safetensors$/iu.test(baseName(name))) return true;
  return length >= 2 && length <= HEADER_BYTES && (size === undefined || length <= size);
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  context.checkDeadline();
  let header: SafetensorsHeader;
  try {
    header = await readHeader(source);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    yield [{
      type: "anomaly",
      rule: "safetensors-malformed",
      detail: error.message,
      ...(error.offset !== undefined && { offset: error.offset }),
      unread: true,
    }];
    yield [restAfter(source)];
    return;
  }
  context.checkDeadline();
  const dataBytes = Math.max(0, (source.size ?? header.dataStart) - header.dataStart);
  const padding = await paddingOf(source, header, dataBytes);
  yield [
    ...fold("safetensors-duplicate-name", header.duplicates.map((name) => `"${name}"`)),
    ...fold("safetensors-bad-tensor", badTensors(header.tensors)),
    ...metadataAnomalies(header.metadata),
    ...padding,
    ...layout(header, padding.length > 0 ? endOf(header) : dataBytes),
  ];
  yield [{ type: "about", about: aboutOf(header) }];
  yield metadataEntries(header.metadata);
  yield* hidingPlaces(source, header, padding.length > 0 ? endOf(header) : dataBytes);
}

/** Where the last tensor ends, from the first byte of the tensors. */
function endOf({ tensors }: SafetensorsHeader): number {
  return placed(tensors).reduce((end, { to }) => Math.max(end, to), 0);
}

/** Only zeros after the last tensor: tools pad files to a multiple of the block size. */
async function paddingOf(
  source: Source,
  header: SafetensorsHeader,
  dataBytes: number,
): Promise<readonly Observation[]> {
  const end = endOf(header);
  if (end >= dataBytes) return [];
  const observations = await behindEnd(source, header.dataStart + end);
  const [first] = observations;
  return first?.type === "anomaly" && first.rule === "file-padding" ? observations : [];
}

/** Numbers by type, and what tools for training note in the metadata. */
function aboutOf({ tensors, metadata }: SafetensorsHeader): ModelAbout {
  const numbers = new NumbersByType();
  for (const { dtype, count } of tensors) numbers.add(dtype, count);
  const named = (key: string): string | undefined =>
    isObject(metadata) ? aboutText(valuesOf(metadata, key)[0]) : undefined;
  // https://github.com/Stability-AI/ModelSpec
  const name = named("modelspec.title");
  const architecture = named("modelspec.architecture");
  const licenses = aboutTexts(named("modelspec.license"));
  return {
    ...numbers.about(),
    ...(name !== undefined && { name }),
    ...(architecture !== undefined && { architecture }),
    ...(licenses.length > 0 && { licenses }),
  };
}

/** A header that cannot be read may be the lie that hides something right behind it. */
function restAfter(source: Source): Observation {
  const size = Math.max(0, (source.size ?? 0) - LENGTH_BYTES);
  const part = "behind_length";
  const rest = sliceSource(part, source, LENGTH_BYTES, size);
  return { type: "entry", source: rest, part, hint: HINT.torchStorage, loaded: "data" };
}

/** Anomalies of one rule: some one by one, the others as a number. */
function fold(rule: string, details: readonly string[]): Observation[] {
  const reported = details.slice(0, REPORTED).map((detail): Observation => ({
    type: "anomaly",
    rule,
    detail,
  }));
  const more = details.length - reported.length;
  return more <= 0
    ? reported
    : [...reported, { type: "anomaly", rule, detail: `and ${more} more` }];
}

function badTensors(tensors: readonly TensorEntry[]): string[] {
  return tensors.flatMap(({ name, anomalies }) =>
    anomalies.map((detail) => `the tensor "${shortened(name)}" ${detail}`)
  );
}

function shortened(name: string): string {
  return name.length > 120 ? `${name.slice(0, 120)}…` : name;
}

function metadataAnomalies(metadata: JsonValue | undefined): Observation[] {
  if (metadata === undefined) return [];
  if (!isObject(metadata)) return fold("safetensors-metadata", [`"${METADATA}" is no object`]);
  const wrong = metadata.members.filter(([, value]) => typeof value !== "string");
  return fold(
    "safetensors-metadata",
    wrong.map(([name]) => `"${shortened(name)}" in "${METADATA}" is no string`),
  );
}

/** A stretch of the tensors' bytes. */
interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** Tensors with a place, by where they begin. */
function placed(tensors: readonly TensorEntry[]): (Stretch & { readonly name: string })[] {
  return tensors.flatMap(({ name, begin, end }) =>
    begin === undefined || end === undefined || end < begin ? [] : [{ name, from: begin, to: end }]
  ).sort((a, b) => a.from - b.from || a.to - b.to);
}

/** The library demands that tensors lie one after the other, from the first byte to the last. */
function layout({ tensors }: SafetensorsHeader, dataBytes: number): Observation[] {
  const overlaps: string[] = [];
  const gaps: string[] = [];
  let end = 0;
  let before = "";
  for (const { name, from, to } of placed(tensors)) {
    if (from < end) {
      overlaps.push(`"${shortened(name)}" overlaps "${shortened(before)}" at ${from}`);
    } else if (from > end) gaps.push(`${from - end} bytes at ${end} belong to no tensor`);
    if (to > end) [end, before] = [to, name];
  }
  if (end < dataBytes) {
    gaps.push(`${dataBytes - end} bytes at ${end}, behind the last tensor, belong to none`);
  }
  const short: Observation[] = end <= dataBytes ? [] : [{
    type: "anomaly",
    rule: "safetensors-truncated",
    detail: `The tensors take ${end} bytes, ${dataBytes} are there`,
    unread: true,
  }];
  return [
    ...fold("safetensors-overlap", overlaps),
    ...fold("safetensors-gap", gaps),
    ...short,
  ];
}

/** Base64 of a pickle of protocol 2 to 5 in the metadata: some tools unpickle what they put there. */
function metadataEntries(metadata: JsonValue | undefined): Observation[] {
  if (!isObject(metadata)) return [];
  const found: Observation[] = [];
  for (const [name, value] of metadata.members) {
    if (typeof value !== "string" || value.length > METADATA_CHARACTERS) continue;
    if (!/^gA[I-V][A-Za-z0-9+/\s]{4,}={0,2}$/u.test(value.trimEnd())) continue;
    const bytes = Uint8Array.from(decoded(value), (letter) => letter.charCodeAt(0));
    const part = `${METADATA}.${shortened(name)}`;
    found.push({ type: "entry", source: bytesSource(part, bytes), part, loaded: "data" });
  }
  const texts = metadata.members.flatMap(([name, value]) =>
    typeof value === "string" ? [[name, value] as const] : []
  );
  found.push(...metadataConfigurations(METADATA, texts));
  return found;
}

function decoded(text: string): string {
  try {
    return atob(text);
  } catch {
    return "";
  }
}

/** Where something else may lie: in gaps, behind the end, and where the tensors begin. */
async function* hidingPlaces(
  source: Source,
  { tensors, dataStart }: SafetensorsHeader,
  dataBytes: number,
): AsyncIterable<readonly Observation[]> {
  const slice = (from: number, to: number): Observation => {
    const part = `bytes_${dataStart + from}`;
    const inside = sliceSource(part, source, dataStart + from, to - from);
    return { type: "entry", source: inside, part, hint: HINT.torchStorage, loaded: "data" };
  };
  const hidden = (from: number, to: number): Promise<Observation> =>
    hiddenEntry(source, `bytes_${dataStart + from}`, dataStart + from, dataStart + to);
  const all = placed(tensors);
  let end = 0;
  let gaps = 0;
  for (const { from, to } of all) {
    if (from > end && from < dataBytes && gaps++ < REPORTED) {
      yield [await hidden(end, Math.min(from, dataBytes))];
    }
    end = Math.max(end, to);
  }
  if (end < dataBytes) yield [await hidden(end, dataBytes)];
  const bytes = new Set(
    tensors.filter(({ dtype }) => dtype === "U8" || dtype === "I8").map(({ name }) => name),
  );
  const starts = all.filter(({ name, from }) => from === 0 || bytes.has(name)).slice(0, LOOKED_AT);
  for (const { from, to } of starts) {
    if (to > from && from < dataBytes) yield [slice(from, to)];
  }
}
