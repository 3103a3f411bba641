/**
 * The files of `--output FORMAT=FILE`. They are opened before anything is read, so that the permission to
 * write can be given back before the first byte of a model.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  realpathSync,
  type Stats,
  statSync,
  writeSync,
} from "node:fs";
import { basename, resolve } from "node:path";
import process from "node:process";
import { ConfigError } from "../core/errors.ts";
import { shownAddress } from "../core/shown_url.ts";
import type { OutputChoice } from "./options.ts";
import { writeFailure } from "./write_failure.ts";

/** A file that a report is written to. */
export interface OutputFile extends OutputChoice {
  /** Absolute, with no link in it. */
  readonly real: string;
  /** Why the report could not be written; undefined as long as nothing went wrong. */
  readonly failure: string | undefined;
  /** Writes more of the report; after a failure nothing, and nothing of it stays in the file. */
  write(text: string): void;
  /** Ends the report; may be called twice. */
  close(): void;
}

/** Names of devices on Windows, which name one in every folder and with every extension. */
const WINDOWS_DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(?:\..*)?$/i;

/**
 * Opens the files, and empties those that exist: an old report must not pass for that of a run which came
 * to nothing.
 *
 * @param choices as the user gave them
 * @param used files that the run reads; none of them is written to
 * @throws ConfigError when one cannot be written
 */
export function openOutputs(
  choices: readonly OutputChoice[],
  used: readonly string[],
): OutputFile[] {
  const read = new Map(used.map((path) => [identityOf(path), path]));
  for (const { file } of choices) {
    refuse(file);
    const input = read.get(identityOf(file));
    if (input !== undefined) fail(file, `the run reads it ("${input}")`);
  }
  const opened: OutputFile[] = [];
  try {
    for (const choice of choices) {
      const real = realpathSync(create(choice.file));
      const twin = opened.find((it) => it.real === real);
      if (twin !== undefined) fail(choice.file, `the ${twin.format} report goes there`);
      opened.push(outputFile(choice, real));
    }
  } catch (error) {
    for (const it of opened) it.close();
    throw error;
  }
  return opened;
}

/** Refuses what is no regular file: writing to a device or a FIFO has effects, or waits for ever. */
function refuse(file: string): void {
  if (file === "-") fail(file, "--format is for standard output");
  const isDevice = process.platform === "win32"
    ? WINDOWS_DEVICE.test(basename(file)) || /^[\\/]{2}[.?][\\/]/.test(file)
    : /^\/(?:dev|proc|sys)\//.test(resolve(file));
  if (isDevice) fail(file, "it is a device path. Name a file, or redirect standard output there");
  const stats = attempt(file, () => lstatSync(file, { throwIfNoEntry: false }));
  const kind = stats === undefined || stats.isFile() ? undefined : kindOf(stats);
  if (kind !== undefined) fail(file, `it is ${kind}, not a regular file`);
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return "a folder";
  // It may have come with the models, and would choose what is overwritten.
  if (stats.isSymbolicLink()) return "a link";
  return stats.isFIFO() ? "a FIFO" : stats.isSocket() ? "a socket" : "a device";
}

/** Makes sure that the file exists, without emptying it. */
function create(file: string): string {
  attempt(file, () => closeSync(openSync(file, constants.O_WRONLY | constants.O_CREAT, 0o666)));
  return file;
}

function outputFile({ format, file }: OutputChoice, real: string): OutputFile {
  const handle = attempt(file, () => openSync(real, constants.O_WRONLY | constants.O_TRUNC));
  if (!attempt(file, () => fstatSync(handle)).isFile()) fail(file, "it is no regular file");
  let failure: string | undefined;
  let open = true;
  const close = (): void => {
    if (!open) return;
    open = false;
    try {
      closeSync(handle);
    } catch (error) {
      // Some file systems tell only now that there was no space.
      failure ??= writeFailure(error);
    }
  };
  return {
    format,
    file,
    real,
    get failure() {
      return failure;
    },
    write(text) {
      if (!open || failure !== undefined) return;
      try {
        writeAll(handle, Buffer.from(text, "utf8"));
      } catch (error) {
        failure = writeFailure(error);
        // Half of a report can look like a whole one.
        try {
          ftruncateSync(handle, 0);
        } catch {
          // The failure is told in any case.
        }
      }
    },
    close,
  };
}

function writeAll(handle: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(handle, bytes, at, bytes.length - at);
}

/** Tells files apart by device and inode, or by path where there is none yet. */
function identityOf(path: string): string {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    if (ino > 0n) return `${dev}:${ino}`;
  } catch {
    // It does not exist, or cannot be looked at.
  }
  return resolve(path);
}

function attempt<T>(file: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    return fail(file, writeFailure(cause), cause);
  }
}

function fail(file: string, reason: string, cause?: unknown): never {
  const named = shownAddress(file);
  throw new ConfigError("--output", `Cannot write a report to "${named}": ${reason}`, { cause });
}
