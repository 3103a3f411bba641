/**
 * `h5wasm`, the HDF5 library in WebAssembly, as a module that can be damaged: what it says on its
 * error stream, how much memory it may take, and whether an earlier file brought it down.
 *
 * @module
 */

import { SourceError } from "../../core/errors.ts";
import { loadDecoder } from "../../codecs/decoder.ts";
import { latin1 } from "../../parsers/bytes.ts";

/** Bytes of the library's memory. The largest model seen, NASNetLarge, needs 23 MB. CWE-789. */
const MOST_MEMORY = 256 * 1024 * 1024;
const PAGE_BYTES = 64 * 1024;
/** EIO of Emscripten's virtual file system. */
const EIO = 29;
/** Characters of its diagnostics that are kept. Longer ones are cut: their beginning is evidence. CWE-779. */
const DIAGNOSTIC_LENGTH = 64 * 1024;

/** What is used of h5wasm's module; its own types leave out the memory. */
export interface Library {
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

/** Metadata of an attribute or a dataset; `size` is the bytes of one element. */
export interface Metadata {
  readonly type: number;
  readonly size: number;
  readonly total_size: number;
  readonly vlen: boolean;
  readonly shape: readonly number[] | null;
  readonly chunks: readonly number[] | null;
  readonly vlen_type?: { readonly size: number };
  readonly virtual_sources?: readonly { readonly file_name: string }[];
}

let library: Promise<Library> | undefined;
/** True once a file brought the library down: its memory is not to be trusted after that. */
let damaged = false;
/** What the library wrote since the last call: it says there what it does not throw. */
let diagnostics = "";

/**
 * The library, loaded once.
 *
 * @param name of the file that it is wanted for
 * @throws SourceError when an earlier file brought it down, or its parts are missing
 */
export async function hdf5Library(name: string): Promise<Library> {
  library ??= load().catch((error: unknown) => {
    library = undefined;
    throw error;
  });
  const loaded = await library;
  if (damaged) {
    throw new SourceError(name, "An earlier file brought the HDF5 library down", {
      remedy: "Scan this file by itself.",
    });
  }
  return loaded;
}

/** Says that the library is not to be used again. */
export function giveUpLibrary(): void {
  damaged = true;
}

async function load(): Promise<Library> {
  return await loadDecoder("h5wasm", async () => {
    const { ready } = await import("h5wasm");
    const loaded = await ready as unknown as Library;
    for (const descriptor of [1, 2]) {
      const stream = loaded.FS.getStream(descriptor);
      if (stream !== null) stream.stream_ops = { ...stream.stream_ops, write: keepDiagnostic };
    }
    return loaded;
  });
}

function keepDiagnostic(
  _stream: unknown,
  buffer: Uint8Array,
  offset: number,
  length: number,
): number {
  if (diagnostics.length < DIAGNOSTIC_LENGTH) {
    diagnostics += latin1(buffer.subarray(offset), length);
  }
  return length;
}

/** The innermost reason of the library's error stack since the last call; undefined when it has none. */
export function diagnostic(): string | undefined {
  const reasons = [...diagnostics.matchAll(/^ *#\d{3}: .*?\(\): (.*)$/gmu)];
  return diagnostics === "" ? undefined : reasons.at(-1)?.[1] ?? "it gives no reason";
}

/**
 * Makes a call of the library, whose memory stays below a bound: it asks for as much as a file claims
 * that a row has, 4 GiB at the most. Emscripten takes a refusal for the end of memory.
 *
 * @throws what the library throws, of any class
 */
export function callLibrary<T>(call: () => T): T {
  diagnostics = "";
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

/** What Emscripten's system calls take for an error of the file system: EIO. */
export function errno(): Error {
  return Object.assign(new Error("EIO"), { name: "ErrnoError", errno: EIO });
}

/** Whether an error is one of the virtual file system's. */
export function isErrno(error: unknown): boolean {
  return error instanceof Error && error.name === "ErrnoError";
}
