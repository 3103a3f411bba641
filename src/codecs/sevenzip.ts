/**
 * Runs 7-Zip, compiled to WASM (`7z-wasm`), over a source. It sees one file, whose bytes are read from
 * the source when it asks for them, and a list of names; what it writes arrives here. There is no
 * disk behind it.
 *
 * 7-Zip pushes: a run is one synchronous call, and throwing is the only way to end it early. After that
 * its state cannot be trusted, so the next run takes a fresh instance.
 *
 * @module
 */

import type { SevenZipModuleFactory } from "7z-wasm";
import { FormatError, SourceError } from "../core/errors.ts";
import type { Source } from "../core/source.ts";
import { loadDecoder, providedWasm } from "./decoder.ts";

const ARCHIVE = "/archive";
const NAMES = "/names";
const STANDARD_OUTPUT = 1;
const STANDARD_ERROR = 2;
/**
 * Bytes of a line of messages; a longer one has a name made to exhaust memory. The longest name in 318 wheels
 * has 128 characters. CWE-770.
 */
const LINE_BYTES = 256 * 1024;
const LINE_FEED = 0x0a;
/** Input read at a time. */
const READ_BYTES = 256 * 1024;

/** What Emscripten's file system gives beyond its published types. */
interface StreamOperations {
  read(stream: unknown, buffer: Int8Array, offset: number, length: number, at: number): number;
  write(stream: unknown, buffer: Int8Array, offset: number, length: number): number;
}

interface VirtualFile {
  usedBytes: number;
  stream_ops: StreamOperations;
}

interface VirtualFiles {
  writeFile(path: string, data: Uint8Array | string): void;
  lookupPath(path: string): { node: VirtualFile };
  readonly streams: readonly ({ stream_ops: StreamOperations } | null | undefined)[];
}

interface Instance {
  readonly files: VirtualFiles;
  readonly archive: VirtualFile;
  callMain(parameters: string[]): unknown;
}

/** Callbacks for what 7-Zip writes. Either may throw, which ends the run. */
interface RunListener {
  /** A line of the messages. */
  line(text: string): void;
  /** Bytes of the members, copied. */
  data?(bytes: Uint8Array): void;
}

/** The one file that 7-Zip sees. */
export interface RunInput {
  /** With `readSync`. */
  readonly source: Source;
  /** Bytes of it. */
  readonly size: number;
}

/** 7-Zip over one archive, or over parts of one. */
export class SevenZipRunner {
  readonly #own: RunInput;
  readonly #check: () => void;
  #instance: Instance | undefined;
  /** What the present run sees. */
  #input: RunInput;
  #listener: RunListener = { line: () => {} };
  #messages = new Lines((text) => this.#listener.line(text));
  /** Where messages and members arrive in the present run. */
  #dataFrom = 0;

  /**
   * @param source with `readSync`
   * @param check called now and then; throws when time is spent
   */
  constructor(source: Source, size: number, check: () => void) {
    this.#own = { source, size };
    this.#input = this.#own;
    this.#check = check;
  }

  /**
   * Runs a command over the archive, for instance `l -slt`.
   *
   * @param memberNames of members to exclude
   * @param input the bytes to read instead of the archive
   * @returns the exit code: 0, 1 for warnings, 2 for errors
   * @throws FormatError when 7-Zip crashes on the archive; what `listener` throws
   */
  async run(
    parameters: readonly string[],
    listener: RunListener,
    memberNames: readonly string[] = [],
    input: RunInput = this.#own,
  ): Promise<number> {
    const instance = this.#instance ?? await this.#start();
    // Until it came to its end.
    this.#instance = undefined;
    this.#input = input;
    instance.archive.usedBytes = input.size;
    this.#listener = listener;
    this.#messages = new Lines((text) => listener.line(text));
    this.#dataFrom = listener.data === undefined ? 0 : STANDARD_OUTPUT;
    instance.files.writeFile(NAMES, memberNames.join("\n"));
    const code = this.#call(instance, [
      ...parameters,
      // An empty password: else it would ask for one. No progress, UTF-8, messages apart.
      ...["-p", "-y", "-bd", "-sccUTF-8", "-scsUTF-8", "-spd", "-bso2", "-bse2"],
      ...(memberNames.length > 0 ? [`-xr-@${NAMES}`] : []),
      ARCHIVE,
    ]);
    this.#messages.end();
    this.#instance = instance;
    return code;
  }

  #call(instance: Instance, parameters: string[]): number {
    let code: unknown;
    const restore = keepExitCode();
    try {
      code = instance.callMain(parameters);
    } catch (error) {
      if (isOurs(error)) throw error;
      // A C++ exception arrives as a number, running out of memory as a RuntimeError.
      throw new FormatError("Cannot read the archive: 7-Zip breaks down over it", 0, {
        cause: error,
      });
    } finally {
      restore();
    }
    return typeof code === "number" ? code : 2;
  }

  async #start(): Promise<Instance> {
    const module = await loadDecoder("7z-wasm", async () => {
      // Its types are those of a CommonJS module, which has a default import everywhere.
      const loaded: { readonly default: unknown } = await import("7z-wasm");
      const factory = loaded.default as SevenZipModuleFactory;
      const wasmBinary = providedWasm("7z-wasm");
      const quiet = { stdin: () => 0, print: () => {}, printErr: () => {} };
      return await factory(wasmBinary === undefined ? quiet : { ...quiet, wasmBinary });
    });
    // The published types lack what is needed of the file system.
    const files = module.FS as unknown as VirtualFiles;
    const main = module.callMain as (parameters: string[]) => unknown;
    const archive = this.#mount(files);
    return { files, archive, callMain: (parameters) => main.call(module, parameters) };
  }

  #mount(files: VirtualFiles): VirtualFile {
    files.writeFile(ARCHIVE, new Uint8Array(0));
    const { node } = files.lookupPath(ARCHIVE);
    node.stream_ops = {
      ...node.stream_ops,
      read: (_stream, buffer, offset, length, at) => this.#read(buffer, offset, length, at),
    };
    for (const descriptor of [STANDARD_OUTPUT, STANDARD_ERROR]) {
      const stream = files.streams[descriptor];
      if (!stream) throw new Error("7-Zip has no standard output");
      stream.stream_ops = {
        ...stream.stream_ops,
        write: (_stream, buffer, offset, length) => {
          // It is a view of all of the memory, in signed bytes.
          const from = buffer.byteOffset + offset;
          this.#write(descriptor, new Uint8Array(buffer.buffer, from, length));
          return length;
        },
      };
    }
    return node;
  }

  #read(buffer: Int8Array, offset: number, length: number, at: number): number {
    this.#check();
    const { source, size } = this.#input;
    const requested = Math.max(0, Math.min(length, READ_BYTES, size - at));
    if (requested === 0) return 0;
    const bytes = source.readSync?.(at, requested);
    if (bytes === undefined) {
      throw new SourceError(source.name, `Cannot read "${source.name}" at once`);
    }
    buffer.set(bytes, offset);
    return bytes.length;
  }

  #write(descriptor: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (descriptor === this.#dataFrom) this.#listener.data?.(bytes.slice());
    else this.#messages.push(bytes);
  }
}

/** Where there is a process, 7-Zip makes its exit code that of the process: gives what undoes it. */
function keepExitCode(): () => void {
  const { process } = globalThis as { process?: { exitCode?: unknown } };
  if (process === undefined) return () => {};
  const before = process.exitCode;
  return () => {
    process.exitCode = before ?? 0;
  };
}

/** What this program throws through 7-Zip to end a run. */
function isOurs(error: unknown): boolean {
  return error instanceof Error && !(error instanceof WebAssembly.RuntimeError) &&
    error.name !== "RuntimeError" && error.name !== "ExitStatus" && error.name !== "ErrnoError";
}

/** Turns bytes, which arrive a word at a time, into lines. */
class Lines {
  readonly #take: (text: string) => void;
  readonly #decoder = new TextDecoder();
  #held = new Uint8Array(1024);
  #count = 0;

  constructor(take: (text: string) => void) {
    this.#take = take;
  }

  push(bytes: Uint8Array): void {
    let from = 0;
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, from)) {
      this.#hold(bytes.subarray(from, end));
      this.#give();
      from = end + 1;
    }
    if (from < bytes.length) this.#hold(bytes.subarray(from));
  }

  end(): void {
    if (this.#count > 0) this.#give();
  }

  #hold(bytes: Uint8Array): void {
    const needed = this.#count + bytes.length;
    if (needed > LINE_BYTES) {
      throw new FormatError("Cannot read the archive: a name in it has no end", 0);
    }
    if (needed > this.#held.length) {
      const grown = new Uint8Array(needed * 2);
      grown.set(this.#held.subarray(0, this.#count));
      this.#held = grown;
    }
    this.#held.set(bytes, this.#count);
    this.#count = needed;
  }

  #give(): void {
    const text = this.#decoder.decode(this.#held.subarray(0, this.#count));
    this.#count = 0;
    this.#take(text);
  }
}
