/**
 * HDF5 through `h5wasm`, the HDF5 library in WebAssembly: groups, links, attributes and what is
 * said of datasets. The data of a dataset are read only where somebody asks for them.
 *
 * The library reads through a node of its virtual file system whose reads come from a `Source`, a
 * few blocks at a time. Where bytes cannot be had at once, the call fails, the bytes are fetched, and
 * it is made again.
 *
 * @module
 */

import { loadDecoder } from "./decoder.ts";
import { FormatError, LimitError, SourceError } from "../errors.ts";
import type { Source } from "../source/source.ts";
import { externalFiles, type HeaderReader, type Superblock } from "./hdf5_header.ts";
import { GlobalHeaps } from "./hdf5_heap.ts";

/** Bytes read at once, and blocks that are kept. */
const BLOCK_BYTES = 32 * 1024;
const BLOCKS_KEPT = 256;
/** Times that one call is made again because bytes had to be fetched. */
const MOST_FETCHES = 10_000;
/** Bytes that one call may need fetched, and bytes of one attribute. */
const MOST_BYTES = 64 * 1024 * 1024;
/** Bytes of the library's memory, and of a page of it. */
const MOST_MEMORY = 256 * 1024 * 1024;
const PAGE_BYTES = 64 * 1024;
/** EIO of Emscripten's virtual file system. */
const EIO = 29;

/** What a link in a group leads to. */
export type Hdf5Kind = "group" | "dataset" | "type" | "soft" | "external" | "other";

/** A file that a dataset takes its data from, or that a link leads to. */
export interface Hdf5Elsewhere {
  readonly how: "external link" | "external storage" | "virtual dataset";
  readonly file: string;
}

/** What a file says of a dataset. */
export interface Hdf5Dataset {
  readonly shape: readonly number[];
  /** Bytes of all of it by shape and type. */
  readonly bytes: number;
  /** Bytes of one element; of the reference to it where it has a length of its own. */
  readonly elementBytes: number;
  readonly elsewhere: readonly Hdf5Elsewhere[];
}

/** An attribute that is a string, or an array of strings. */
export interface Hdf5Text {
  readonly name: string;
  readonly values: readonly Uint8Array[];
}

/** An open file. Every call may throw FormatError, LimitError and SourceError. */
export interface Hdf5File {
  attributeNames(path: string): Promise<readonly string[]>;
  /** The values of an attribute as bytes, one a string; other types whole. */
  attribute(path: string, name: string): Promise<readonly Uint8Array[]>;
  /** The attributes of an object that are strings: name and values. Others are not read. */
  texts(path: string): Promise<readonly Hdf5Text[]>;
  /**
   * The data of a dataset: a row each where rows have lengths of their own, else all of it in one.
   * LimitError beyond 64 MiB, for a dataset is read as a whole.
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

/** What is used of h5wasm's module; its own types leave out the memory. */
interface Library {
  readonly FS: {
    createFile(
      parent: string,
      name: string,
      properties: object,
      canRead: boolean,
      canWrite: boolean,
    ): { usedBytes: number; stream_ops: object };
    unlink(path: string): void;
    getStream(descriptor: number): { stream_ops: object } | null;
  };
  readonly HEAPU8: Uint8Array;
  open(name: string, mode: number, trackOrder: boolean, low: number, high: number): bigint;
  close_file(file: bigint): number;
  get_attribute_names(file: bigint, path: string): string[];
  get_attribute_metadata(file: bigint, path: string, name: string): Metadata;
  get_attribute_data(file: bigint, path: string, name: string, to: bigint): number;
  get_dataset_data(
    file: bigint,
    path: string,
    count: null,
    offset: null,
    strides: null,
    to: bigint,
  ): number;
  reclaim_vlen_memory(file: bigint, path: string, name: string, at: bigint): number;
  get_names(file: bigint, path: string, recursive: boolean): string[];
  get_type(file: bigint, path: string): number;
  get_external_link(file: bigint, path: string): { filename: string; obj_path: string };
  get_dataset_metadata(file: bigint, path: string): Metadata;
  create_object_reference(file: bigint, path: string): Uint8Array;
  _malloc(bytes: number): number;
  _free(at: number): void;
}

interface Metadata {
  readonly type: number;
  readonly size: number;
  readonly total_size: number;
  readonly vlen: boolean;
  readonly shape: readonly number[] | null;
  readonly chunks: readonly number[] | null;
  readonly vlen_type?: { readonly size: number };
  readonly virtual_sources?: readonly { readonly file_name: string }[];
}

/** `H5T_STRING` and `H5T_VLEN` of H5Tpublic.h. */
const STRING_TYPE = 3;
const VLEN_TYPE = 9;

/** The values of `H5G_obj_t`, H5Gpublic.h. */
const KINDS: readonly Hdf5Kind[] = ["group", "dataset", "type", "soft", "external"];

let library: Promise<Library> | undefined;
let files = 0;
/** True once a file brought the library down: its memory is not to be trusted after that. */
let damaged = false;

/** What the library wrote since the last call: it says there what it does not throw. */
let complaints = "";
/** Characters of it that are kept. */
const COMPLAINT_LENGTH = 64 * 1024;

async function load(): Promise<Library> {
  return await loadDecoder("h5wasm", async () => {
    const { ready } = await import("h5wasm");
    const loaded = await ready as unknown as Library;
    for (const descriptor of [1, 2]) {
      const stream = loaded.FS.getStream(descriptor);
      if (stream !== null) stream.stream_ops = { ...stream.stream_ops, write: hear };
    }
    return loaded;
  });
}

function hear(_stream: unknown, buffer: Uint8Array, offset: number, length: number): number {
  if (complaints.length < COMPLAINT_LENGTH) {
    complaints += String.fromCharCode(...buffer.subarray(offset, offset + length));
  }
  return length;
}

/** The innermost reason of the library's error stack; undefined when it has none. */
function complaint(): string | undefined {
  const reasons = [...complaints.matchAll(/^ *#\d{3}: .*?\(\): (.*)$/gmu)];
  return complaints === "" ? undefined : reasons.at(-1)?.[1] ?? "it gives no reason";
}

/**
 * Opens a file.
 *
 * @param superblock as `findSuperblock` found it
 * @param check called now and then; throws once time is spent
 * @throws FormatError when the library refuses it
 */
export async function openHdf5(
  source: Source,
  superblock: Superblock,
  check: () => void,
): Promise<Hdf5File> {
  library ??= load().catch((error: unknown) => {
    library = undefined;
    throw error;
  });
  const loaded = await library;
  if (damaged) {
    throw new SourceError(source.name, "An earlier file brought the HDF5 library down", {
      remedy: "Scan this file by itself.",
    });
  }
  const file = new OpenFile(loaded, source, superblock, check);
  await file.open();
  return file;
}

/** Bytes that are at hand. */
interface Held {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Thrown within this module: these bytes have to be fetched. */
interface Wanted {
  readonly offset: number;
  readonly length: number;
}

class OpenFile implements Hdf5File {
  readonly #library: Library;
  readonly #source: Source;
  readonly #size: number;
  readonly #superblock: Superblock;
  readonly #check: () => void;
  readonly #heaps: GlobalHeaps;
  /** In the virtual file system. */
  readonly #name = `file${files++}.h5`;
  readonly #blocks = new Map<number, Uint8Array>();
  /** What the call at hand had to have fetched. */
  #held: Held[] = [];
  #wanted: Wanted | undefined;
  #fault: unknown;
  #id: bigint | undefined;

  constructor(loaded: Library, source: Source, superblock: Superblock, check: () => void) {
    if (source.size === undefined) {
      throw new SourceError(source.name, `Cannot read "${source.name}": its size is not known`);
    }
    this.#library = loaded;
    this.#source = source;
    this.#size = source.size;
    this.#superblock = superblock;
    this.#check = check;
    this.#heaps = new GlobalHeaps(superblock.lengths, (at, length) => this.#copy(at, length));
  }

  async open(): Promise<void> {
    const node = this.#library.FS.createFile("/", this.#name, {}, true, false);
    node.usedBytes = this.#size;
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
      damaged = true;
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

  elements(path: string): Promise<readonly Uint8Array[]> {
    return this.#run(`read the dataset ${path}`, () => {
      const metadata = this.#library.get_dataset_metadata(this.#file, path);
      const bytes = metadata.size * metadata.total_size;
      if (!(bytes <= MOST_BYTES)) {
        throw new LimitError("spoolBytes", `The dataset ${path} has ${bytes} bytes`);
      }
      return bytes === 0 ? [] : this.#values(path, "", metadata, bytes);
    });
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
    const elsewhere: Hdf5Elsewhere[] = (metadata.virtual_sources ?? [])
      // "." is the file itself.
      .filter(({ file_name }) => file_name !== ".")
      .map(({ file_name }) => ({ how: "virtual dataset", file: file_name }));
    if (metadata.chunks === null) {
      const header: HeaderReader = {
        superblock: this.#superblock,
        read: (at, length) => this.#run(`read the header of ${path}`, () => this.#copy(at, length)),
      };
      const names = await externalFiles(header, await this.address(path));
      elsewhere.push(...names.map((file) => ({ how: "external storage", file }) as const));
    }
    const { shape, size, total_size } = metadata;
    return { shape: shape ?? [], bytes: size * total_size, elementBytes: size, elsewhere };
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
    const each = (read: (from: number) => Uint8Array): Uint8Array[] =>
      Array.from({ length: total_size }, (_, index) => read(at + index * size));
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
  async #run<T>(what: string, call: () => T): Promise<T> {
    let fetched = 0;
    for (let times = 0; times < MOST_FETCHES; times++) {
      this.#check();
      const result = this.#attempt(what, call);
      if (result.done) {
        this.#held = [];
        return result.value;
      }
      const { offset, length } = result.wanted;
      fetched += length;
      if (fetched > MOST_BYTES) break;
      const bytes = (await this.#source.read(offset, length)).slice();
      this.#held.push({ offset, bytes });
      if (bytes.length <= BLOCK_BYTES) this.#keep(offset, bytes);
    }
    this.#held = [];
    throw new LimitError("spoolBytes", `Cannot ${what}: it takes too much reading`);
  }

  #attempt<T>(
    what: string,
    call: () => T,
  ): { done: true; value: T } | { done: false; wanted: Wanted } {
    this.#wanted = undefined;
    this.#fault = undefined;
    complaints = "";
    try {
      const value = withinMemory(call);
      // The library may take bytes that it cannot have for a missing detail.
      if (this.#wanted === undefined && this.#fault === undefined) {
        const reason = complaint();
        if (reason !== undefined) throw new FormatError(`Cannot ${what}: ${reason}`);
        return { done: true, value };
      }
    } catch (error) {
      if (this.#wanted === undefined) throw this.#translated(what, this.#fault ?? error);
    }
    if (this.#fault !== undefined) throw this.#fault;
    return { done: false, wanted: this.#wanted ?? { offset: 0, length: 0 } };
  }

  #translated(what: string, error: unknown): unknown {
    const ours = error instanceof LimitError || error instanceof SourceError ||
      error instanceof FormatError;
    if (ours) return error;
    if (error instanceof WebAssembly.RuntimeError) damaged = true;
    const reason = complaint() ??
      (error instanceof Error ? error.message.split("\n")[0] ?? "" : String(error));
    return new FormatError(`Cannot ${what}: ${reason}`, undefined, { cause: error });
  }

  /** The virtual file's read: as many bytes as there are, into the library's memory. */
  #read = (
    _stream: unknown,
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): number => {
    const wanted = Math.max(0, Math.min(length, this.#size - position));
    try {
      for (let done = 0; done < wanted;) {
        const part = this.#bytesAt(position + done, wanted - done);
        buffer.set(part, offset + done);
        done += part.length;
      }
      this.#heaps.check(buffer.subarray(offset, offset + wanted), position);
      return wanted;
    } catch (error) {
      if (!isErrno(error)) this.#fault ??= error;
      throw errno();
    }
  };

  /** Bytes from a place on, fewer at the end of the file. */
  #copy(at: number, length: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.#size - at)));
    for (let done = 0; done < bytes.length;) {
      const part = this.#bytesAt(at + done, bytes.length - done);
      bytes.set(part, done);
      done += part.length;
    }
    return bytes;
  }

  /** Some bytes from a place on, at least one. */
  #bytesAt(at: number, length: number): Uint8Array {
    for (const { offset, bytes } of this.#held) {
      if (at >= offset && at < offset + bytes.length) {
        return bytes.subarray(at - offset, at - offset + length);
      }
    }
    const start = at - at % BLOCK_BYTES;
    const block = this.#blocks.get(start) ?? this.#block(start, at, length);
    return block.subarray(at - start, at - start + length);
  }

  #block(start: number, at: number, length: number): Uint8Array {
    this.#check();
    const size = Math.min(BLOCK_BYTES, this.#size - start);
    if (this.#source.readSync === undefined) {
      const end = Math.min(this.#size, Math.max(start + size, at + Math.min(length, MOST_BYTES)));
      this.#wanted = { offset: start, length: end - start };
      throw errno();
    }
    const bytes = this.#source.readSync(start, size).slice();
    if (bytes.length <= at - start) {
      throw new SourceError(this.#source.name, `"${this.#source.name}" became shorter`, {
        reason: "changed",
      });
    }
    this.#keep(start, bytes);
    return bytes;
  }

  #keep(start: number, bytes: Uint8Array): void {
    if (this.#blocks.size >= BLOCKS_KEPT) {
      const oldest = this.#blocks.keys().next();
      if (!oldest.done) this.#blocks.delete(oldest.value);
    }
    this.#blocks.set(start, bytes);
  }
}

/**
 * Makes a call of the library, whose memory stays below a bound: it asks for as much as a file claims
 * that a row has, 4 GiB at the most. Emscripten takes a refusal for the end of memory.
 */
function withinMemory<T>(call: () => T): T {
  const { grow } = WebAssembly.Memory.prototype;
  WebAssembly.Memory.prototype.grow = function (pages: number): number {
    if (this.buffer.byteLength + pages * PAGE_BYTES > MOST_MEMORY) {
      throw new RangeError("The HDF5 library asks for too much memory");
    }
    return grow.call(this, pages);
  };
  try {
    return call();
  } finally {
    WebAssembly.Memory.prototype.grow = grow;
  }
}

/** What Emscripten's system calls take for an error of the file system. */
function errno(): Error {
  return Object.assign(new Error("EIO"), { name: "ErrnoError", errno: EIO });
}

function isErrno(error: unknown): boolean {
  return error instanceof Error && error.name === "ErrnoError";
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
