/**
 * NumPy's `.npy`, versions 1 to 3: a magic, a header that is a Python dictionary, and the array.
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 *
 * The array of an object type is a pickle. An `.npz` is a zip archive of these.
 *
 * @module
 */

import { HINT } from "../../core/hints.ts";
import { FormatError } from "../../core/errors.ts";
import { latin1 } from "../../parsers/bytes.ts";
import {
  getItem,
  isDict,
  isTuple,
  type Literal,
  parseLiteral,
} from "../../parsers/python/literal.ts";
import { restSource } from "../../sources/forward.ts";
import { hiddenEntry } from "../../parsers/trailing.ts";
import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import type { Format, Sample } from "../../core/format.ts";
import { type ArrayType, arrayType } from "./types.ts";

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59] as const;
/**
 * NumPy reads headers of 10,000 characters, longer ones where pickles are allowed; a million is
 * more than any structured type takes.
 */
const HEADER_BYTES = 1024 * 1024;
const KEYS = "descr fortran_order shape";
/** NumPy 2 has 64 dimensions at most, NumPy 1 had 32. */
const DIMENSIONS = 64;

/** NumPy arrays. */
export const npyFormat: Format = { id: "npy", random: false, detect, scan };

function detect({ head }: Sample): boolean {
  return MAGIC.every((byte, at) => head[at] === byte);
}

interface Header {
  readonly type: ArrayType;
  readonly shape: readonly (number | bigint)[];
}

async function* scan(source: Source): AsyncIterable<readonly Observation[]> {
  const start = (await source.read(0, 12)).slice();
  const [major = 0, minor = 0] = start.subarray(6);
  if (start.length < 10 || (major > 1 && start.length < 12)) {
    yield [truncated("The header is cut off")];
    return;
  }
  if (major < 1 || major > 3 || minor !== 0) {
    yield [
      malformed(`Version ${major}.${minor} of the format does not exist`),
      payload(source, start.length),
    ];
    return;
  }
  const view = new DataView(start.buffer, start.byteOffset, start.length);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const from = major === 1 ? 10 : 12;
  if (length > HEADER_BYTES) {
    yield [malformed(`A header of ${length} bytes is longer than any`), payload(source, from)];
    return;
  }
  const bytes = (await source.read(from, length)).slice();
  if (bytes.length < length) {
    yield [truncated(`The header should have ${length} bytes, ${bytes.length} are there`)];
    return;
  }
  yield await observe(source, bytes, major, from + length);
}

async function observe(
  source: Source,
  bytes: Uint8Array,
  major: number,
  offset: number,
): Promise<Observation[]> {
  let header: Header;
  try {
    header = readHeader(headerText(bytes, major));
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    // No reader of arrays takes it; but what it would read may be a pickle all the same.
    return [malformed(`${error.message}, in the header`), payload(source, offset)];
  }
  if (header.type.objects) {
    const detail = `The array of type ${header.type.text} is stored as a pickle`;
    return [
      { type: "anomaly", rule: "npy-object-array", detail, offset },
      ...checkItems(source, header, offset),
      { ...payload(source, offset), hint: HINT.pickle },
    ];
  }
  return await checkSize(source, header, offset);
}

/** Versions 1 and 2 are Latin-1, version 3 is UTF-8. */
function headerText(bytes: Uint8Array, major: number): string {
  return major === 3 ? new TextDecoder("utf-8").decode(bytes) : latin1(bytes);
}

function readHeader(text: string): Header {
  const dict = parseLiteral(text);
  if (!isDict(dict)) throw new FormatError("Cannot read array: no dictionary");
  const keys = [...new Set(dict.pairs.map(([key]) => String(key)))].sort().join(" ");
  if (keys !== KEYS) throw new FormatError(`Cannot read array: the keys are ${keys}`);
  const shape = getItem(dict, "shape");
  if (!isTuple(shape) || shape.items.length > DIMENSIONS || !shape.items.every(isLength)) {
    throw new FormatError("Cannot read array: its shape is no tuple of lengths");
  }
  return { type: arrayType(getItem(dict, "descr") ?? null), shape: shape.items.filter(isLength) };
}

function isLength(value: Literal): value is number | bigint {
  return (typeof value === "bigint" || Number.isSafeInteger(value)) &&
    Number(value) >= 0;
}

/** No pickle has more items than bytes: NONE and BINGET are the shortest. */
function checkItems(source: Source, header: Header, offset: number): Observation[] {
  if (source.size === undefined) return [];
  const items = header.shape.reduce<bigint>((product, length) => product * BigInt(length), 1n);
  const remaining = source.size - offset;
  if (items <= BigInt(remaining)) return [];
  return [truncated(`The array should have ${items} items, ${remaining} bytes are there`, offset)];
}

async function checkSize(
  source: Source,
  header: Header,
  offset: number,
): Promise<Observation[]> {
  const { size } = source;
  const { bytes } = header.type;
  if (size === undefined || bytes === undefined) return [];
  const expected = header.shape.reduce<bigint>(
    (product, length) => product * BigInt(length),
    BigInt(bytes),
  );
  const available = BigInt(size - offset);
  if (expected > available) {
    return [truncated(`The array should have ${expected} bytes, ${available} are there`, offset)];
  }
  if (expected === available) return [];
  // `numpy.load` called again on the same file would go on there, with a pickle if it is one.
  const end = offset + Number(expected);
  const { loaded: _, ...entry } = await hiddenEntry(source, "(data behind the array)", end);
  return [
    {
      type: "anomaly",
      rule: "npy-trailing-data",
      detail: `${available - expected} bytes follow the array`,
      offset: end,
    },
    entry,
  ];
}

function payload(
  source: Source,
  offset: number,
): Extract<Observation, { readonly type: "entry" }> {
  const part = "(array)";
  return { type: "entry", source: restSource(part, source, offset), part };
}

function malformed(detail: string): Observation {
  return { type: "anomaly", rule: "npy-malformed", detail, offset: 0, unread: true };
}

function truncated(detail: string, offset = 0): Observation {
  return { type: "anomaly", rule: "npy-truncated", detail, offset, unread: true };
}
