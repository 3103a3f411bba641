/**
 * The file that `run` appends results to: whole lines or nothing.
 *
 * @module
 */

import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from "node:fs";
import { resolve } from "node:path";
import { ConfigError } from "../../core/errors.ts";
import { shownAddress } from "../../core/shown_url.ts";
import { writeFailure } from "../write_failure.ts";
import { LineSplitter } from "./lines.ts";
import { isRecord, LINE_BYTES } from "./task.ts";

/** Bytes that are read at a time. */
const CHUNK_BYTES = 1024 * 1024;

/** Results that are there, and room for more. */
export class ResultsFile {
  readonly #handle: number;
  readonly #path: string;
  /** Bytes of whole lines. */
  #length = 0;
  /** Why nothing can be written any more. */
  failure: string | undefined;
  /** Ids of the tasks that are done. */
  readonly done: ReadonlySet<string>;
  /** Bytes of a torn last line that were dropped. */
  readonly torn: number;

  /**
   * Opens a file, or makes it; reads what is done, and drops a torn last line.
   *
   * @param used files that the run reads, none of which is written to
   * @throws ConfigError when it cannot be read and written, or is no regular file
   */
  constructor(path: string, used: readonly string[] = []) {
    this.#path = path;
    this.#handle = this.#attempt(() => {
      if (used.some((it) => isSame(it, path))) throw new Error("the run reads it");
      const stats = lstatSync(path, { throwIfNoEntry: false });
      // A link may have come with the models, and would choose what is written to.
      if (stats !== undefined && !stats.isFile()) throw new Error("it is no regular file");
      return openSync(path, constants.O_RDWR | constants.O_CREAT, 0o666);
    });
    this.done = this.#attempt(() => this.#read());
    this.torn = this.#attempt(() => {
      const { size } = fstatSync(this.#handle);
      if (size > this.#length) ftruncateSync(this.#handle, this.#length);
      return size - this.#length;
    });
  }

  /** Appends a line, which ends in a line feed; false once that failed, and nothing of it stays. */
  append(line: string): boolean {
    if (this.failure !== undefined) return false;
    const bytes = new TextEncoder().encode(line);
    if (!this.#isAlone()) return false;
    try {
      for (let at = 0; at < bytes.length;) {
        at += writeSync(this.#handle, bytes, at, bytes.length - at, this.#length + at);
      }
      this.#length += bytes.length;
      return true;
    } catch (error) {
      this.failure = writeFailure(error);
      try {
        ftruncateSync(this.#handle, this.#length);
      } catch {
        // The next run drops it.
      }
      return false;
    }
  }

  /** False when another program has written to the file, or cut it: what is there is not touched any more. */
  #isAlone(): boolean {
    try {
      if (fstatSync(this.#handle).size === this.#length) return true;
      this.failure = "another program writes to it";
    } catch (error) {
      this.failure = writeFailure(error);
    }
    return false;
  }

  /** Ends it. */
  close(): void {
    try {
      closeSync(this.#handle);
    } catch (error) {
      // Some file systems tell only now that there was no space.
      this.failure ??= writeFailure(error);
    }
  }

  #read(): Set<string> {
    const done = new Set<string>();
    const splitter = new LineSplitter(LINE_BYTES);
    const chunk = new Uint8Array(CHUNK_BYTES);
    for (let at = 0;;) {
      const length = readSync(this.#handle, chunk, 0, chunk.length, at);
      if (length === 0) return done;
      at += length;
      for (const { bytes } of splitter.push(chunk.subarray(0, length))) {
        const id = bytes && idOf(bytes);
        if (id !== undefined) done.add(id);
      }
      const last = chunk.subarray(0, length).lastIndexOf(0x0a);
      if (last >= 0) this.#length = at - length + last + 1;
    }
  }

  #attempt<T>(call: () => T): T {
    try {
      return call();
    } catch (cause) {
      const named = shownAddress(this.#path);
      const reason = cause instanceof Error && !("code" in cause)
        ? cause.message
        : writeFailure(cause);
      throw new ConfigError(named, `Cannot write results to "${named}": ${reason}`, { cause });
    }
  }
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map((it) => {
    const stats = statSync(it, { bigint: true, throwIfNoEntry: false });
    return stats === undefined ? resolve(it) : `${stats.dev}:${stats.ino}`;
  });
  return a === b;
}

/** The id of a line that is a result; one that is none, as a crash of the machine leaves, is no result. */
function idOf(bytes: Uint8Array): string | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    const id = isRecord(value) && "verdict" in value ? value["id"] : undefined;
    return typeof id === "string" ? id : undefined;
  } catch {
    return undefined;
  }
}
