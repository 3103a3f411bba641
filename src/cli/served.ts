/**
 * Scans of bytes that the parent process holds. It sends tasks and the ranges that a scan asks for, as frames
 * (length, 32 bits big-endian, then the bytes), and gets lines of JSON. So what is judged are the bytes behind
 * the parent's own handle, and this process needs no permission to read files.
 *
 * @module
 */

import { SourceError } from "../core/errors.ts";
import { NamedRules } from "../core/reasons.ts";
import type { Source } from "../core/source.ts";
import type { FileReport } from "../core/types.ts";
import { TOOL_VERSION } from "../core/version.ts";
import { jsonText } from "../report/escape.ts";
import { ndjsonFile } from "../report/ndjson.ts";
import { scanSource } from "../scan/scan_source.ts";
import { type Configured, configuredOf } from "./configuration.ts";

/** The two pipes to the parent; both block. */
interface Pipe {
  /** Fills the target; false when the input ends before. */
  read(target: Uint8Array): boolean;
  /** Writes all of the text. */
  write(text: string): void;
}

/** What the parent asks for: the scan of one run of bytes that it holds. */
interface Task {
  /** For the report; its base name claims a format. */
  readonly path: string;
  /** Bytes in all. */
  readonly size: number;
  /** The text of a configuration that the user named, and its path. */
  readonly configuration: { readonly path: string; readonly text: string } | null;
  /** Seconds after which the scan ends, incomplete. */
  readonly timeout: number | null;
}

/** The length in the frame of a range that the parent could not read. */
const UNREADABLE = 0xffff_ffff;

/** Bytes asked for at a time; the parent holds as many. The pipe of Linux carries 64 KiB at a time. */
const REQUEST_BYTES = 1 << 20;

/** Bytes read at once for a small read: formats step through headers a few bytes at a time. */
const WINDOW_BYTES = 1 << 16;

/** Bytes of a task, most of which is a configuration, which has at most 1 MiB. CWE-770. */
const TASK_BYTES = 4 << 20;

/** Configurations whose rules are kept. A program has one or two guards. */
const CONFIGURATIONS_KEPT = 8;

/**
 * Scans what the parent asks for, one task after the other, until it closes the pipe.
 *
 * Lines written: `ready` first; for a task any number of `read` (each answered by a frame), then the lines of
 * the file as in NDJSON, and `done`; or `failed` for a wrong task or configuration.
 */
export async function serveScans(pipe: Pipe): Promise<void> {
  const known = new Map<string, Promise<Configured>>();
  pipe.write(jsonText({ type: "ready", version: TOOL_VERSION }) + "\n");
  for (;;) {
    const length = lengthOf(pipe);
    if (length === undefined) return;
    if (length > TASK_BYTES) throw new RangeError(`A task has ${length} bytes`);
    const bytes = new Uint8Array(length);
    if (!pipe.read(bytes)) return;
    try {
      const task = taskOf(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
      const configured = await rulesFor(task, known);
      pipe.write(await reportOf(task, configured, pipe));
      pipe.write('{"type":"done"}\n');
    } catch (error) {
      if (error instanceof PipeClosed) return;
      const message = error instanceof Error ? error.message : String(error);
      pipe.write(jsonText({ type: "failed", message }) + "\n");
    }
  }
}

/** The parent has gone away. */
class PipeClosed extends Error {}

async function reportOf(task: Task, { rules, configuration }: Configured, pipe: Pipe) {
  const { path, size, timeout } = task;
  const deadline = timeout === null ? Infinity : Date.now() + timeout * 1000;
  const source = new ServedSource(path, size, pipe);
  const file: FileReport = await scanSource(source, {
    ...{ rules, path, limits: configuration.limits, suppress: configuration.suppress },
    signal: {
      get aborted() {
        return Date.now() >= deadline;
      },
    },
  });
  if (source.isClosed) throw new PipeClosed();
  const named = new NamedRules((id) => rules.reasonsOf(id));
  named.add(file);
  return ndjsonFile(file, named.all());
}

/** The rules of a task's configuration, made once for each text. */
async function rulesFor(
  { configuration }: Task,
  known: Map<string, Promise<Configured>>,
): Promise<Configured> {
  const key = configuration === null ? "" : `${configuration.path}\n${configuration.text}`;
  const files = configuration === null ? [] : [{ ...configuration, kind: "named" as const }];
  let found = known.get(key);
  if (found === undefined) {
    found = configuredOf({ files, now: Date.now() });
    if (known.size >= CONFIGURATIONS_KEPT) known.clear();
    known.set(key, found);
  }
  return await found;
}

function taskOf(value: unknown): Task {
  if (typeof value !== "object" || value === null) throw new TypeError("The task is no object");
  const { path, size, configuration, timeout } = value as Readonly<Record<string, unknown>>;
  if (typeof path !== "string") throw new TypeError("The task has no path");
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    throw new TypeError("The task has no size");
  }
  if (timeout !== null && typeof timeout !== "number") throw new TypeError("The timeout is wrong");
  return { path, size, timeout, configuration: configurationOf(configuration) };
}

function configurationOf(value: unknown): Task["configuration"] {
  if (value === null) return null;
  const { path, text } = value as Readonly<Record<string, unknown>>;
  if (typeof path !== "string" || typeof text !== "string") {
    throw new TypeError("The configuration has no path or no text");
  }
  return { path, text };
}

/** The length of the next frame; undefined at the end of the input. */
function lengthOf(pipe: Pipe): number | undefined {
  const head = new Uint8Array(4);
  return pipe.read(head) ? new DataView(head.buffer).getUint32(0) : undefined;
}

/** Bytes that the parent serves. */
class ServedSource implements Source {
  readonly name: string;
  readonly size: number;
  readonly access = "random";
  /** True once the parent has gone away. */
  isClosed = false;
  readonly #pipe: Pipe;
  #window: Uint8Array = new Uint8Array(0);
  #from = 0;

  constructor(name: string, size: number, pipe: Pipe) {
    this.name = name;
    this.size = size;
    this.#pipe = pipe;
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    // Within the promise chain, so that a failing read rejects and does not throw.
    return new Promise((done) => done(this.readSync(offset, length)));
  }

  readSync(offset: number, length: number): Uint8Array {
    this.#check(offset, length);
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.size - offset)));
    this.readInto(offset, bytes);
    return bytes;
  }

  readInto(offset: number, target: Uint8Array): number {
    this.#check(offset, target.length);
    const wanted = target.subarray(0, Math.max(0, Math.min(target.length, this.size - offset)));
    if (wanted.length >= WINDOW_BYTES) this.#request(offset, wanted);
    else if (wanted.length > 0) wanted.set(this.#small(offset, wanted.length));
    return wanted.length;
  }

  /** At most a window, which is there already or is fetched from `offset` on. */
  #small(offset: number, length: number): Uint8Array {
    const at = offset - this.#from;
    if (at < 0 || at + length > this.#window.length) {
      const window = new Uint8Array(Math.min(WINDOW_BYTES, this.size - offset));
      this.#request(offset, window);
      this.#window = window;
      this.#from = offset;
    }
    const start = offset - this.#from;
    return this.#window.subarray(start, start + length);
  }

  #request(offset: number, target: Uint8Array): void {
    for (let at = 0; at < target.length; at += REQUEST_BYTES) {
      const chunk = target.subarray(at, at + REQUEST_BYTES);
      this.#receive(offset + at, chunk);
    }
  }

  /** One range of the parent's. */
  #receive(offset: number, chunk: Uint8Array): void {
    const { length } = chunk;
    if (this.isClosed) throw this.#error("it is closed");
    this.#pipe.write(`{"type":"read","offset":${offset},"length":${length}}\n`);
    const given = lengthOf(this.#pipe);
    if (given === undefined || (given !== UNREADABLE && given > length)) {
      this.isClosed = true;
      throw this.#error("the pipe was closed");
    }
    if (given === UNREADABLE) throw this.#error("the program that holds it cannot read it");
    if (!this.#pipe.read(chunk.subarray(0, given))) {
      this.isClosed = true;
      throw this.#error("the pipe was closed");
    }
    if (given === length) return;
    const message = `Cannot read "${this.name}": it has become shorter than its ${this.size} bytes`;
    throw new SourceError(this.name, message, {
      reason: "changed",
      remedy: "Scan it again when no other program writes to it.",
    });
  }

  #error(reason: string): SourceError {
    return new SourceError(this.name, `Cannot read "${this.name}": ${reason}`);
  }

  #check(offset: number, length: number): void {
    const isRange = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 &&
      length >= 0;
    if (!isRange) throw this.#error(`${length} bytes at ${offset} are no range`);
  }
}
