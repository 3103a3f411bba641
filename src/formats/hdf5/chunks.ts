/**
 * Data that the HDF5 library has no filter for: where the chunks of a dataset lie, which filters they
 * went through, and the elements behind them. Blosc and bzip2 are what `pandas.to_hdf(complib=…)`
 * writes; of the layouts there is the one that PyTables writes, chunks in a B-tree of version 1.
 *
 * HDF5 File Format Specification 3.0: III.A.1 (B-trees), III.E (global heap), IV.A.2.i (layout),
 * IV.A.2.l (filters), https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
 *
 * @module
 */

import { decodeBlosc, unshuffle } from "../../codecs/blosc.ts";
import { decompress } from "../../codecs/decompress.ts";
import { FormatError, LimitError } from "../../core/errors.ts";
import { bytesSource } from "../../sources/memory.ts";
import { readAll } from "../../sources/read_all.ts";
import { type HeaderReader, isSigned, messagesOf, numberAt } from "./header.ts";

const LAYOUT = 0x08;
const FILTERS = 0x0b;
/** Filters that the library has: deflate, shuffle, Fletcher-32, szip, n-bit, scale-offset. */
const BUILT_IN: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6]);
/** Registered filters, https://github.com/HDFGroup/hdf5_plugins/blob/master/docs/RegisteredFilterPlugins.md */
const NAMES: Readonly<Record<number, string>> = {
  305: "LZO",
  307: "bzip2",
  32000: "LZF",
  32001: "Blosc",
  32004: "LZ4",
  32008: "bitshuffle",
  32013: "ZFP",
  32015: "Zstandard",
  32026: "Blosc2",
};
/** Chunks of one dataset. Keras writes arrays of texts in one piece; the most seen is 1. CWE-770. */
const CHUNKS = 65_536;
/** Nodes of the tree of its chunks. The most seen is 1. CWE-834. */
const NODES = 4096;
/** Output over input of one chunk; one of zeros reaches 255 with BloscLZ, a thousand with deflate. CWE-409. */
const RATIO = 1 << 20;

/**
 * Bytes of all chunks of a dataset over those that it may have: no two chunks hold the same elements. The
 * most seen is 1. CWE-409.
 */
const DECODED_TIMES = 2;
/**
 * Objects of the global heap that are stepped over for one dataset. A model of 1,041 layers has 2,629 in all.
 * CWE-834.
 */
const HEAP_STEPS = 1 << 20;

/** A filter, with its parameters. */
interface Filter {
  readonly id: number;
  readonly values: readonly number[];
}

/** A dataset that is compressed by a filter that is not here. */
export class MissingFilter extends FormatError {}

/** What may still be taken from the global heap for one dataset. */
interface HeapBudget {
  bytes: number;
  steps: number;
}

/** A budget of so many bytes. */
export function heapBudget(bytes: number): HeapBudget {
  return { bytes, steps: HEAP_STEPS };
}

/** The chunks of a dataset, as its header describes them. */
interface Layout {
  readonly tree: number;
  /** Elements of a chunk along each axis. */
  readonly chunk: readonly number[];
  readonly elementBytes: number;
}

/** What a dataset is made of. */
export interface ChunkedData {
  readonly filters: readonly Filter[];
  readonly layout: Layout | undefined;
}

/**
 * The filters and the layout of a dataset, where it needs a filter that the library lacks.
 *
 * @returns undefined where the library can read it
 * @throws FormatError when the header is not one
 */
export async function foreignFilters(
  reader: HeaderReader,
  address: number,
): Promise<ChunkedData | undefined> {
  const filters: Filter[] = [];
  let layout: Layout | undefined;
  for await (const { type, data } of messagesOf(reader, address)) {
    if (type === FILTERS) filters.push(...filtersIn(data));
    else if (type === LAYOUT) layout = layoutIn(data, reader.superblock.offsets);
  }
  return filters.every(({ id }) => BUILT_IN.has(id)) ? undefined : { filters, layout };
}

/**
 * The first elements of a dataset with one axis, one after the other, as they lie in its chunks.
 *
 * @param count elements
 * @param most bytes in all
 * @throws MissingFilter where a filter or the layout is not read
 * @throws FormatError, LimitError where the bytes are not well-formed or too many
 */
export async function chunkedElements(
  reader: HeaderReader,
  { filters, layout }: ChunkedData,
  count: number,
  most: number,
): Promise<{ readonly bytes: Uint8Array; readonly elementBytes: number }> {
  const filterNames = filters.filter(({ id }) => !BUILT_IN.has(id))
    .map(({ id }) => `${NAMES[id] ?? "an unregistered one"} (${id})`).join(", ");
  const missing = (why: string): MissingFilter =>
    new MissingFilter(`it is compressed by the HDF5 filter ${filterNames}, ${why}`);
  if (filters.some(({ id }) => !DECODED.has(id))) throw missing("which is not built in");
  if (layout === undefined || layout.chunk.length !== 1) {
    throw missing("in a layout that is read only with a built-in one");
  }
  const { elementBytes } = layout;
  const size = count * elementBytes;
  const chunkBytes = (layout.chunk[0] ?? 0) * elementBytes;
  if (!(size <= most && chunkBytes <= most) || chunkBytes === 0) {
    throw new LimitError("spoolBytes", `A dataset has ${size} bytes in chunks of ${chunkBytes}`);
  }
  const bytes = new Uint8Array(size);
  let remaining = DECODED_TIMES * most;
  for await (const chunk of chunksOf(reader, layout)) {
    const from = chunk.first * elementBytes;
    if (from >= size) continue;
    remaining -= chunkBytes + chunk.bytes;
    if (chunk.bytes > most || remaining < 0) {
      throw new LimitError(
        "spoolBytes",
        "The chunks of a dataset have more bytes than the dataset",
      );
    }
    const raw = await reader.read(reader.superblock.at + chunk.at, chunk.bytes);
    const decoded = await unfiltered(raw, filters, chunk.mask, chunkBytes);
    bytes.set(decoded.subarray(0, Math.min(decoded.length, size - from)), from);
  }
  return { bytes, elementBytes };
}

/**
 * The bytes that a reference to the global heap leads to: a sequence of variable length.
 *
 * @param budget bytes and steps that may still be taken for the dataset; both are counted down
 * @throws FormatError when it leads to nothing, LimitError when nothing is left
 */
export async function heapObject(
  reader: HeaderReader,
  reference: Uint8Array,
  budget: HeapBudget,
): Promise<Uint8Array> {
  const { at: base, offsets, lengths } = reader.superblock;
  const length = numberAt(reference, 0, 4);
  if (length === 0) return new Uint8Array(0);
  budget.bytes -= length;
  if (budget.bytes < 0) throw new LimitError("spoolBytes", `A row claims ${length} bytes`);
  const collection = base + numberAt(reference, 4, offsets);
  const expected = numberAt(reference, 4 + offsets, 4);
  const head = await reader.read(collection, 8 + lengths);
  if (!isSigned(head, "GCOL")) throw new FormatError("A row leads to no global heap", collection);
  const end = collection + numberAt(head, 8, lengths);
  const objectHead = 8 + lengths;
  for (let at = collection + 8 + lengths; at + objectHead <= end;) {
    if (--budget.steps < 0) throw new LimitError("values", "The global heap has too many objects");
    const object = await reader.read(at, objectHead);
    if (object.length < objectHead) break;
    const size = numberAt(object, 8, lengths);
    if (numberAt(object, 0, 2) === expected) {
      if (length > size) throw new FormatError("A row is longer than its place", at);
      return await reader.read(at + objectHead, length);
    }
    at += objectHead + Math.ceil(size / 8) * 8;
  }
  throw new FormatError(`A global heap has no object ${expected}`, collection);
}

function filtersIn(data: Uint8Array): Filter[] {
  const [version = 0, count = 0] = data;
  if (version !== 1 && version !== 2) throw new FormatError(`Filters of version ${version}`);
  const found: Filter[] = [];
  let at = version === 1 ? 8 : 2;
  for (let i = 0; i < count; i++) {
    const id = numberAt(data, at, 2);
    const named = version === 1 || id >= 256;
    const nameBytes = named ? numberAt(data, at + 2, 2) : 0;
    at += named ? 4 : 2;
    const values = numberAt(data, at + 2, 2);
    at += 4 + (version === 1 ? Math.ceil(nameBytes / 8) * 8 : nameBytes);
    if (at + 4 * values > data.length) {
      throw new FormatError("The filters of a dataset are cut off");
    }
    found.push({
      id,
      values: Array.from({ length: values }, (_, index) => numberAt(data, at + 4 * index, 4)),
    });
    at += 4 * values + (version === 1 && values % 2 === 1 ? 4 : 0);
  }
  return found;
}

/** Chunks in a B-tree of version 1; undefined for the other layouts. */
function layoutIn(data: Uint8Array, offsets: number): Layout | undefined {
  if (data[0] !== 3 || data[1] !== 2) return undefined;
  const axes = data[2] ?? 0;
  const sizes = Array.from(
    { length: axes },
    (_, axis) => numberAt(data, 3 + offsets + 4 * axis, 4),
  );
  const elementBytes = sizes.pop();
  return elementBytes === undefined || elementBytes === 0
    ? undefined
    : { tree: numberAt(data, 3, offsets), chunk: sizes, elementBytes };
}

interface Chunk {
  readonly at: number;
  readonly bytes: number;
  readonly mask: number;
  /** Its first element. */
  readonly first: number;
}

async function* chunksOf(reader: HeaderReader, { tree, chunk }: Layout): AsyncIterable<Chunk> {
  const { at: base, offsets } = reader.superblock;
  const waiting = [tree];
  const keyBytes = 8 + 8 * (chunk.length + 1);
  let chunks = 0;
  for (let nodes = 0; nodes < NODES; nodes++) {
    const address = waiting.pop();
    if (address === undefined) return;
    const head = await reader.read(base + address, 8 + 2 * offsets);
    if (!isSigned(head, "TREE") || head[4] !== 1) {
      throw new FormatError("The chunks of a dataset have no tree", base + address);
    }
    const level = head[5] ?? 0;
    const entries = numberAt(head, 6, 2);
    const each = keyBytes + offsets;
    const body = await reader.read(base + address + 8 + 2 * offsets, entries * each);
    if (body.length < entries * each) throw new FormatError("A tree of chunks is cut off");
    for (let i = 0; i < entries; i++) {
      const key = body.subarray(i * each, (i + 1) * each);
      const child = numberAt(key, keyBytes, offsets);
      if (level > 0) waiting.push(child);
      else if (++chunks > CHUNKS) throw new LimitError("values", `There are over ${CHUNKS} chunks`);
      else {
        const [bytes, mask] = [numberAt(key, 0, 4), numberAt(key, 4, 4)];
        yield { at: child, bytes, mask, first: numberAt(key, 8, 8) };
      }
    }
  }
  throw new LimitError("values", `A tree of chunks has more than ${NODES} nodes`);
}

/** Undoes the filters, the last one first; a bit of the mask marks a filter that was skipped. */
async function unfiltered(
  raw: Uint8Array,
  filters: readonly Filter[],
  mask: number,
  size: number,
): Promise<Uint8Array> {
  let bytes = raw;
  for (const [index, { id, values }] of [...filters.entries()].reverse()) {
    if ((mask >>> index & 1) === 1) continue;
    const undo = DECODED.get(id);
    if (undo === undefined) throw new MissingFilter(`the HDF5 filter ${id} is not built in`);
    bytes = await undo(bytes, values, size);
  }
  return bytes;
}

type Undo = (
  bytes: Uint8Array,
  values: readonly number[],
  size: number,
) => Uint8Array | Promise<Uint8Array>;

const DECODED: ReadonlyMap<number, Undo> = new Map<number, Undo>([
  [1, (bytes, _values, size) => stream("zlib", bytes, size)],
  [2, (bytes, [typeSize = 1]) => typeSize > 1 ? unshuffle(bytes, typeSize) : bytes],
  [3, (bytes) => bytes.subarray(0, Math.max(0, bytes.length - 4))],
  [307, (bytes, _values, size) => stream("bzip2", bytes, size)],
  [
    32001,
    (bytes, _values, size) =>
      decodeBlosc(
        bytes,
        size,
        (codec, part, length) => stream(codec === "zstd" ? "zstandard" : codec, part, length),
      ),
  ],
]);

function stream(
  codec: "zlib" | "bzip2" | "zstandard",
  bytes: Uint8Array,
  size: number,
): Promise<Uint8Array> {
  let produced = 0;
  const decoded = decompress("a chunk", bytesSource("a chunk", bytes), codec, {
    ratio: RATIO,
    size,
    spend: (more) => {
      produced += more;
      if (produced > size) throw new LimitError("spoolBytes", `A chunk has over ${size} bytes`);
    },
  });
  return readAll(decoded, size, "a chunk", () => {});
}
