/**
 * A line on standard error that says how far the scan has come.
 *
 * @module
 */

import { escapeText } from "../report/escape.ts";
import { formatBytes, formatCount, formatSeconds } from "../core/numbers.ts";
import { truncate, truncateStart } from "../report/width.ts";
import { NO_PROGRESS, type Progress } from "../scan/schedule/progress.ts";
import type { Io } from "./io.ts";
import { columnsOf } from "./terminal.ts";

/** A scan shorter than this shows none, so that nothing flickers. */
const FIRST_AFTER_MS = 300;
const TERMINAL_INTERVAL_MS = 100;
/** A log takes a line now and then, not ten a second. */
const LOG_INTERVAL_MS = 2000;

/** Carriage return, erase the line: ECMA-48 EL. */
const CLEAR = "\r\x1b[2K";

/** A progress that shares its stream with other output. */
interface ShownProgress extends Progress {
  /** Removes the line, before anything else is written to the terminal. */
  clear(): Promise<void>;
}

/** Shows nothing. */
export const SILENT: ShownProgress = { ...NO_PROGRESS, clear: () => Promise.resolve() };

/**
 * Progress on standard error: one line that is overwritten in a terminal, a new line every other second
 * otherwise.
 */
export function showProgress(io: Pick<Io, "stderr" | "env" | "now">): ShownProgress {
  const { stderr, env, now } = io;
  const began = now();
  const interval = stderr.isTTY ? TERMINAL_INTERVAL_MS : LOG_INTERVAL_MS;
  let next = began + FIRST_AFTER_MS;
  let files = 0;
  let expectedFiles = 0;
  let expectedBytes = 0;
  let bytesBefore = 0;
  let bytes = 0;
  let path = "";
  let shown = false;
  let writing: Promise<void> = Promise.resolve();
  const write = (text: string): void => {
    writing = writing.then(() => stderr.write(text));
  };
  const show = (): void => {
    const time = now();
    if (time < next) return;
    next = time + interval;
    const ofFiles = expectedFiles > files ? `${files} of ` : "";
    const ofBytes = expectedBytes > 0 ? ` of ${formatBytes(expectedBytes)}` : "";
    const counts = `${ofFiles}${formatCount(Math.max(files, expectedFiles), "file")} done · ` +
      `${formatBytes(bytesBefore + bytes)} read${ofBytes} · ` +
      formatSeconds((time - began) / 1000);
    if (!stderr.isTTY) return write(`${counts} · ${escapeText(path)}\n`);
    // The last column stays free: some terminals begin a new line when it is filled.
    const columns = columnsOf(env, stderr) - 1;
    const head = truncate(counts, columns);
    const room = columns - head.length - 3;
    const name = room < 8 ? "" : ` · ${truncateStart(escapeText(path), room)}`;
    write(CLEAR + head + name);
    shown = true;
  };
  return {
    expect(more, moreBytes) {
      expectedFiles += more;
      expectedBytes += moreBytes;
    },
    start(name) {
      path = name;
      bytes = 0;
      show();
    },
    update(bytesRead) {
      bytes = bytesRead;
      show();
    },
    finish(bytesRead) {
      files++;
      bytesBefore += bytesRead;
      bytes = 0;
      show();
    },
    clear() {
      if (shown) write(CLEAR);
      shown = false;
      return writing;
    },
  };
}
