/**
 * HDF5 through `h5wasm`, the HDF5 library in WebAssembly: groups, links, attributes and what is
 * said of datasets. The data of a dataset are read only where they are asked for.
 *
 * The library reads through a node of its virtual file system whose reads come from a `Source`, a
 * few blocks at a time. Where bytes cannot be had at once, the call fails, the bytes are fetched, and
 * it is made again.
 *
 * @module
 */

import { FormatError, LimitError, SourceError } from "../../core/errors.ts";
import type { Source } from "../../core/source.ts";
import {
  type ChunkedData,
  chunkedElements,
  foreignFilters,
  heapBudget,
  heapObject,
  MissingFilter,
} from "./chunks.ts";
import { externalFiles, type HeaderReader, type Superblock } from "./header.ts";
import { FileBlocks, type MissingRange } from "./blocks.ts";
import { GlobalHeaps } from "./heap.ts";
import {
  callLibrary,
  diagnostic,
  giveUpLibrary,
  hdf5Library,
  type Library,
  type Metadata,
} from "./library.ts";

/** Times that one call is repeated after bytes were fetched. Local files need none. CWE-834. */
const MOST_FETCHES = 10_000;
/**
 * Bytes that one call may need fetched, and bytes of one attribute. The longest seen, the configuration of a
 * model of 1,041 layers, has 0.9 MB. CWE-770.
 */
const MOST_BYTES = 64 * 1024 * 1024;
/**
 * Strings or rows that are distinguished: each is an object of its own, of any length. The most seen are the
 * 1,041 names of layers of NASNetLarge. CWE-770.
 */
const MOST_VALUES = 65_536;

/** What a link in a group leads to. */
type Hdf5Kind = "group" | "dataset" | "type" | "soft" | "external" | "other";

/** A file that a dataset takes its data from, or that a link leads to. */
interface Hdf5ExternalFile {
  readonly how: "external link" | "external storage" | "virtual dataset";
  readonly file: string;
}

/** Metadata of a dataset. */
export interface Hdf5Dataset {
  readonly shape: readonly number[];
  /** Bytes of all of it by shape and type. */
  readonly bytes: number;
  /** Bytes of one element; of the reference to it where it has a length of its own. */
  readonly elementBytes: number;
  readonly external: readonly Hdf5ExternalFile[];
}

/** An attribute that is a string, or an array of strings. */
export interface Hdf5Text {
  readonly name: string;
  readonly values: readonly Uint8Array[];
}

/** An open file. Every call may throw FormatError, LimitError and SourceError. */
export interface Hdf5File {
  attributeNames(path: string): Promise<readonly string[]>;
  /** The values of an attribute as bytes: one item for each string, one for all values of another type. */
  attribute(path: string, name: string): Promise<readonly Uint8Array[]>;
  /** The attributes of an object that are strings: name and values. Others are not read. */
  texts(path: string): Promise<readonly Hdf5Text[]>;
  /**
   * The data of a dataset: one item for each row of variable length, else one for all. LimitError
   * beyond 64 MiB, for a dataset is read at once, and beyond 65,536 rows.
   */
  elements(path: string): Promise<readonly Uint8Array[]>;
  children(path: string): Promise<readonly string[]>;
  kind(path: string): Promise<Hdf5Kind>;
  /** Where the object is in the file: equal for all links to one object. */
  address(path: string): Promise<number>;
  dataset(path: string): Promise<Hdf5Dataset>;
  externalLink(path: string): Promise<string>;
  close(): void;
}

/** `H5T_STRING` and `H5T_VLEN` of H5Tpublic.h. */
const STRING_TYPE = 3;
const VLEN_TYPE = 9;

/** Files opened so far, for their names. */
let files = 0;

/** The values of `H5G_obj_t`, H5Gpublic.h. */
const KINDS: readonly Hdf5Kind[] = ["group", "dataset", "type", "soft", "external"];

/**
 * Opens a file.
 *
 * @param superblock as `findSuperblock` found it
 * @param check called now and then; throws once time is spent
 * @throws FormatError when the library refuses it @throws SourceError when its size is not known, or an
 * earlier file brought the library down
 */
export async function openHdf5(
  source: Source,
  superblock: Superblock,
  check: () => void,
): Promise<Hdf5File> {
  const file = new OpenFile(await hdf5Library(source.name), source, superblock, check);
  await file.open();
  return file;
}

class OpenFile implements Hdf5File {
  readonly #library: Library;
  readonly #superblock: Superblock;
  readonly #check: () => void;
  readonly #heaps: GlobalHeaps;
  readonly #blocks: FileBlocks;
  /** In the virtual file system. */
  readonly #name = `file${files++}.h5`;
  #id: bigint | undefined;

  constructor(loaded: Library, source: Source, superblock: Superblock, check: () => void) {
    this.#library = loaded;
    this.#superblock = superblock;
    this.#check = check;
    this.#blocks = new FileBlocks(source, MOST_BYTES, check);
    this.#heaps = new GlobalHeaps(
      superblock.lengths,
      (at, length) => this.#blocks.copy(at, length),
    );
  }

  async open(): Promise<void> {
    const node = this.#library.FS.createFile("/", this.#name, {}, true, false);
    node.usedBytes = this.#blocks.size;
    node.stream_ops = { ...node.stream_ops, read: this.#read };
    try {
      this.#id = await this.#run(
        `open the file`,
        () => this.#library.open(this.#name, 0, false, -1, -1),
      );
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    try {
      if (this.#id !== undefined) this.#library.close_file(this.#id);
      this.#library.FS.unlink(this.#name);
    } catch {
      giveUpLibrary();
    }
    this.#id = undefined;
    this.#blocks.clear();
  }

  attributeNames(path: string): Promise<readonly string[]> {
    return this.#run(
      `list the attributes of ${path}`,
      () => this.#library.get_attribute_names(this.#file, path),
    );
  }

  attribute(path: string, name: string): Promise<readonly Uint8Array[]> {
    return this.#run(`read the attribute ${name} of ${path}`, () => {
      const metadata = this.#library.get_attribute_metadata(this.#file, path, name);
      const bytes = metadata.size * metadata.total_size;
      if (!(bytes <= MOST_BYTES)) {
        throw new LimitError("spoolBytes", `The attribute ${name} claims ${bytes} bytes`);
      }
      return bytes === 0 ? [] : this.#values(path, name, metadata, bytes);
    });
  }

  async texts(path: string): Promise<readonly Hdf5Text[]> {
    const found: Hdf5Text[] = [];
    for (const name of await this.attributeNames(path)) {
      const { type } = await this.#run(
        `describe the attribute ${name} of ${path}`,
        () => this.#library.get_attribute_metadata(this.#file, path, name),
      );
      if (type === STRING_TYPE) found.push({ name, values: await this.attribute(path, name) });
    }
    return found;
  }

  async elements(path: string): Promise<readonly Uint8Array[]> {
    const reader = this.#headerReader(path);
    const foreign = await foreignFilters(reader, await this.address(path));
    if (foreign !== undefined) return await this.#foreignElements(path, reader, foreign);
    return await this.#run(`read the dataset ${path}`, () => {
      const metadata = this.#library.get_dataset_metadata(this.#file, path);
      const bytes = metadata.size * metadata.total_size;
      if (!(bytes <= MOST_BYTES)) {
        throw new LimitError("spoolBytes", `The dataset ${path} has ${bytes} bytes`);
      }
      return bytes === 0 ? [] : this.#values(path, "", metadata, bytes);
    });
  }

  /** The elements of a dataset that the library has no filter for. */
  async #foreignElements(
    path: string,
    reader: HeaderReader,
    foreign: ChunkedData,
  ): Promise<readonly Uint8Array[]> {
    const { type, total_size, vlen, vlen_type } = await this.#run(
      `describe the dataset ${path}`,
      () => this.#library.get_dataset_metadata(this.#file, path),
    );
    if (total_size === 0) return [];
    try {
      const { bytes, elementBytes } = await chunkedElements(
        reader,
        foreign,
        total_size,
        MOST_BYTES,
      );
      if (type !== VLEN_TYPE && !vlen) return [bytes];
      if (type !== VLEN_TYPE || (vlen_type?.size ?? 1) !== 1) {
        throw new MissingFilter("its rows are behind a filter that is not built in");
      }
      if (total_size > MOST_VALUES) {
        throw new LimitError("values", `There are ${total_size} strings or rows in one place`);
      }
      const rows: Uint8Array[] = [];
      const budget = heapBudget(MOST_BYTES);
      for (let at = 0; at < bytes.length; at += elementBytes) {
        this.#check();
        rows.push(await heapObject(reader, bytes.subarray(at, at + elementBytes), budget));
      }
      return rows;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      const message = `Cannot read the dataset ${path}: ${error.message}`;
      throw error instanceof MissingFilter ? new MissingFilter(message) : new FormatError(message);
    }
  }

  #headerReader(path: string): HeaderReader {
    return {
      superblock: this.#superblock,
      read: (at, length) => this.#run(`read ${path}`, () => this.#blocks.copy(at, length)),
    };
  }

  children(path: string): Promise<readonly string[]> {
    return this.#run(
      `list the group ${path}`,
      () => this.#library.get_names(this.#file, path, false),
    );
  }

  kind(path: string): Promise<Hdf5Kind> {
    return this.#run(
      `look at ${path}`,
      () => KINDS[this.#library.get_type(this.#file, path)] ?? "other",
    );
  }

  address(path: string): Promise<number> {
    return this.#run(`find ${path}`, () => {
      const bytes = this.#library.create_object_reference(this.#file, path);
      return bytes.reduceRight((sum, byte) => sum * 256 + byte, 0);
    });
  }

  async dataset(path: string): Promise<Hdf5Dataset> {
    const metadata = await this.#run(
      `describe the dataset ${path}`,
      () => this.#library.get_dataset_metadata(this.#file, path),
    );
    const external: Hdf5ExternalFile[] = (metadata.virtual_sources ?? [])
      // "." is the file itself.
      .filter(({ file_name }) => file_name !== ".")
      .map(({ file_name }) => ({ how: "virtual dataset", file: file_name }));
    if (metadata.chunks === null) {
      const fileNames = await externalFiles(this.#headerReader(path), await this.address(path));
      external.push(...fileNames.map((file) => ({ how: "external storage", file }) as const));
    }
    const { shape, size, total_size } = metadata;
    return { shape: shape ?? [], bytes: size * total_size, elementBytes: size, external };
  }

  externalLink(path: string): Promise<string> {
    return this.#run(
      `read the link ${path}`,
      () => this.#library.get_external_link(this.#file, path).filename,
    );
  }

  get #file(): bigint {
    if (this.#id === undefined) throw new RangeError("The HDF5 file is closed");
    return this.#id;
  }

  /** The values of an attribute or, where its name is empty, of the dataset. */
  #values(path: string, name: string, metadata: Metadata, bytes: number): Uint8Array[] {
    const at = this.#library._malloc(bytes);
    if (at === 0) throw new LimitError("spoolBytes", `There is no memory for ${bytes} bytes`);
    const pointers = metadata.vlen || metadata.type === VLEN_TYPE;
    try {
      this.#library.HEAPU8.fill(0, at, at + bytes);
      if (name !== "") this.#library.get_attribute_data(this.#file, path, name, BigInt(at));
      else this.#library.get_dataset_data(this.#file, path, null, null, null, BigInt(at));
      return this.#valuesAt(at, bytes, metadata);
    } finally {
      if (pointers) this.#library.reclaim_vlen_memory(this.#file, path, name, BigInt(at));
      this.#library._free(at);
    }
  }

  #valuesAt(at: number, bytes: number, metadata: Metadata): Uint8Array[] {
    const heap = this.#library.HEAPU8;
    const view = new DataView(heap.buffer, heap.byteOffset, heap.byteLength);
    const { type, size, total_size, vlen } = metadata;
    const each = (read: (from: number) => Uint8Array): Uint8Array[] => {
      if (total_size > MOST_VALUES) {
        throw new LimitError("values", `There are ${total_size} strings or rows in one place`);
      }
      return Array.from({ length: total_size }, (_, index) => read(at + index * size));
    };
    if (type === STRING_TYPE && vlen) {
      return each((from) => untilNul(heap, view.getUint32(from, true)));
    }
    if (type === VLEN_TYPE) {
      const width = metadata.vlen_type?.size ?? 1;
      return each((from) => {
        const start = view.getUint32(from + 4, true);
        return heap.slice(start, start + view.getUint32(from, true) * width);
      });
    }
    // An array of one-byte strings is how bytes are kept: nothing of them is padding.
    if (type === STRING_TYPE && size > 1) {
      return each((from) => withoutPadding(heap.slice(from, from + size)));
    }
    return [heap.slice(at, at + bytes)];
  }

  /** Makes a call, again after each piece that had to be fetched. */
  async #run<T>(action: string, call: () => T): Promise<T> {
    let fetched = 0;
    try {
      for (let times = 0; times < MOST_FETCHES; times++) {
        this.#check();
        const result = this.#attempt(action, call);
        if (result.done) return result.value;
        fetched += result.missing.length;
        if (fetched > MOST_BYTES) break;
        await this.#blocks.fetch(result.missing);
      }
    } finally {
      this.#blocks.end();
    }
    throw new LimitError("spoolBytes", `Cannot ${action}: it takes too much reading`);
  }

  #attempt<T>(
    action: string,
    call: () => T,
  ): { done: true; value: T } | { done: false; missing: MissingRange } {
    const blocks = this.#blocks;
    blocks.begin();
    try {
      const value = callLibrary(call);
      // The library may take bytes that it cannot have for a missing detail.
      if (blocks.missing === undefined && blocks.readError === undefined) {
        const reason = diagnostic();
        if (reason !== undefined) throw new FormatError(`Cannot ${action}: ${reason}`);
        return { done: true, value };
      }
    } catch (error) {
      if (blocks.missing === undefined) throw this.#translated(action, blocks.readError ?? error);
    }
    if (blocks.readError !== undefined) throw blocks.readError;
    return { done: false, missing: blocks.missing ?? { offset: 0, length: 0 } };
  }

  #translated(action: string, error: unknown): unknown {
    const ours = error instanceof LimitError || error instanceof SourceError ||
      error instanceof FormatError;
    if (ours) return error;
    if (error instanceof WebAssembly.RuntimeError) giveUpLibrary();
    const reason = diagnostic() ??
      (error instanceof Error ? error.message.split("\n")[0] ?? "" : String(error));
    return new FormatError(`Cannot ${action}: ${reason}`, undefined, { cause: error });
  }

  /** The virtual file's read: as many bytes as there are, into the library's memory. */
  #read = (
    _stream: unknown,
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): number =>
    this.#blocks.readInto(
      buffer.subarray(offset, offset + length),
      position,
      (bytes) => this.#heaps.check(bytes, position),
    );
}

function untilNul(heap: Uint8Array, at: number): Uint8Array {
  if (at === 0) return new Uint8Array(0);
  const end = heap.indexOf(0, at);
  return heap.slice(at, Math.min(end < 0 ? heap.length : end, at + MOST_BYTES));
}

/** Strings of a fixed length end in NULs or blanks. */
function withoutPadding(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === 0 || bytes[end - 1] === 0x20)) end--;
  return bytes.subarray(0, end);
}
