/**
 * Inputs that are no paths, as files to scan: bytes, Blobs, answers of servers, streams, sources.
 *
 * @module
 */

import { SourceError } from "../core/errors.ts";
import type { Source } from "../core/source.ts";
import type { ScanError } from "../core/types.ts";
import { streamSource } from "../sources/forward.ts";
import { blobSource, bytesSource } from "../sources/memory.ts";
import { HashedStream, hashSource } from "./asset/hash_source.ts";
import type { ScanInput, Stream, StreamInput } from "./options.ts";
import type { Found } from "./schedule/ordered_scan.ts";
import type { Stop } from "./schedule/stop.ts";

/** Inputs that are no paths. */
type OpenedInput = Exclude<ScanInput, string | URL>;

type Opened = Extract<Found, { readonly kind: "opened" }>;

/** What naming and reading an input takes. */
interface OpenContext {
  readonly stop: Stop;
  /** Gives a name to what has none. */
  readonly nextName: () => string;
  readonly hash: boolean;
}

const INPUTS = "a path, a URL, bytes, a Blob, a Response, a stream, or a Source";

/**
 * Demands that something can be scanned.
 *
 * @throws TypeError that says what was given, and what to give instead
 */
export function expectInput(input: unknown): asserts input is ScanInput {
  if (typeof input === "string" || input instanceof URL || kindOf(input) !== undefined) return;
  const given = input === null ? "null" : typeof input;
  const hint = typeof input === "object" && input !== null && "then" in input
    ? ": it is a promise, which is to be awaited first"
    : ArrayBuffer.isView(input) || isShared(input)
    ? ": its memory is shared, and may change while it is read"
    : "";
  throw new TypeError(
    `Cannot scan ${/^[aeiou]/.test(given) ? "an" : "a"} ${given}${hint}. Give ${INPUTS}.`,
  );
}

type Kind = "bytes" | "blob" | "response" | "source" | "named" | "stream";

/** What kind of input it is; undefined for what cannot be scanned. Classes of other realms are known by their methods. */
function kindOf(input: unknown): Kind | undefined {
  if (typeof input !== "object" || input === null) return undefined;
  if (ArrayBuffer.isView(input)) return isShared(input.buffer) ? undefined : "bytes";
  if (input instanceof ArrayBuffer || tagOf(input) === "ArrayBuffer") return "bytes";
  if (hasMethods(input, "slice", "arrayBuffer") && "size" in input) return "blob";
  if (hasMethods(input, "arrayBuffer", "clone") && "body" in input) return "response";
  if (hasMethods(input, "read") && "access" in input && "name" in input) return "source";
  if (hasMethods(input, "getReader") || Symbol.asyncIterator in input) return "stream";
  return hasMethods(input, "stream") && "name" in input ? "named" : undefined;
}

function tagOf(value: object): string {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}

function isShared(value: unknown): boolean {
  return typeof value === "object" && value !== null && tagOf(value) === "SharedArrayBuffer";
}

function hasMethods(value: object, ...names: readonly string[]): boolean {
  return names.every((it) =>
    typeof (value as Readonly<Record<string, unknown>>)[it] === "function"
  );
}

/**
 * An input as a file to scan, or as an error where it cannot be opened.
 *
 * @throws TypeError for what is no input
 */
export function openedOf(input: OpenedInput, context: OpenContext): Found {
  switch (kindOf(input)) {
    case "bytes": {
      const name = context.nextName();
      const bytes = bytesOf(input as ArrayBuffer | ArrayBufferView);
      return ofSource(name, () => bytesSource(name, bytes), bytes.length);
    }
    case "blob": {
      const blob = input as Blob;
      const named = "name" in blob && typeof blob.name === "string" ? blob.name : "";
      const name = named === "" ? context.nextName() : named;
      return ofSource(name, () => blobSource(name, blob), blob.size);
    }
    case "response":
      return ofResponse(input as Response, context);
    case "source": {
      const source = input as Source;
      return ofSource(source.name, () => source, source.size);
    }
    case "named": {
      const { name } = input as StreamInput;
      return ofStream(name, () => (input as StreamInput).stream(), context);
    }
    case "stream":
      return ofStream(context.nextName(), () => input as Stream, context);
    case undefined:
      expectInput(input);
      throw new TypeError("Cannot scan the input");
  }
}

function bytesOf(input: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(input)
    ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength)
    : new Uint8Array(input);
}

function ofSource(path: string, open: () => Source, size?: number): Opened {
  return {
    ...{ kind: "opened", path },
    size: () => size,
    hash: async (stopped) => await hashSource(open(), stopped),
    // Within the promise chain, so that a failing input rejects and does not throw.
    open: () => new Promise((done) => done(open())),
    // A source of the caller's own is the caller's to close.
    keepOpen: true,
  };
}

function ofStream(name: string, open: () => Stream, { stop, hash }: OpenContext): Opened {
  const read = (): AsyncIterable<Uint8Array> => untilStopped(name, open, stop);
  // Read once, it is hashed on the way; what the scan leaves is read after it.
  const hashing = hash ? new HashedStream(read) : undefined;
  return {
    ...ofSource(name, () => streamSource(name, hashing?.chunks ?? read())),
    hash: async () => await hashing?.end(),
  };
}

/** An answer that is no success has a page in it, and not the file. */
function ofResponse(response: Response, context: OpenContext): Found {
  const { url, ok, status, bodyUsed, body } = response;
  const name = nameOfUrl(url) ?? context.nextName();
  const refuse = (message: string, remedy: string): Found => {
    const error: ScanError = { location: { path: name, parts: [] }, message, remedy };
    return { kind: "error", error };
  };
  if (!ok) {
    const reason = status === 0 ? "a page may not read the answer (CORS)" : `status ${status}`;
    return refuse(`Cannot scan the response: ${reason}`, "Look at its status first.");
  }
  if (bodyUsed) {
    return refuse("Cannot scan the response: its body was read", "Scan a clone() of it.");
  }
  if (body === null) return ofSource(name, () => bytesSource(name, new Uint8Array(0)), 0);
  return ofStream(name, () => body as ReadableStream<Uint8Array>, context);
}

/** The last part of a URL's path; undefined where there is none. */
function nameOfUrl(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const [last = ""] = new URL(url).pathname.split("/").slice(-1);
  try {
    return decodeURIComponent(last) || undefined;
  } catch {
    return last;
  }
}

/** A stream that is being read. */
interface Reading {
  next(): Promise<{ readonly done?: boolean | undefined; readonly value?: unknown }>;
  /** Tells the stream that no more is wanted; not awaited, since it may wait for a chunk that never comes. */
  cancel(): void;
}

/** Not every browser iterates over a ReadableStream, and an iterator cannot be cancelled while it waits. */
function readingOf(stream: Stream): Reading {
  if ("getReader" in stream) {
    const reader = stream.getReader();
    return { next: () => reader.read(), cancel: () => void reader.cancel().catch(() => {}) };
  }
  const iterator = stream[Symbol.asyncIterator]();
  return {
    next: () => iterator.next(),
    cancel: () => void iterator.return?.().catch(() => {}),
  };
}

/** The chunks of a stream until the scan is stopped: a chunk that never comes is not waited for. */
async function* untilStopped(
  name: string,
  open: () => Stream,
  stop: Stop,
): AsyncGenerator<Uint8Array> {
  const { signal } = stop;
  const reading = readingOf(open());
  const stopped = new Promise<never>((_, reject) => {
    const fail = (): void => {
      const { message, remedy } = stop.reason();
      reject(new SourceError(name, message, { remedy }));
    };
    if (signal.aborted) fail();
    else signal.addEventListener("abort", fail, { once: true });
  });
  // The signal may come while no chunk is waited for.
  stopped.catch(() => {});
  let ended = false;
  try {
    for (;;) {
      const { done, value } = await Promise.race([reading.next(), stopped]);
      ended = done === true;
      if (ended) return;
      yield chunkOf(value);
    }
  } finally {
    if (!ended) reading.cancel();
  }
}

function chunkOf(value: unknown): Uint8Array {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return bytesOf(value);
  throw new TypeError(`the stream gives chunks of type ${typeof value}, not bytes`);
}
