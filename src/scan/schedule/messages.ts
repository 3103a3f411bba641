/**
 * What the main thread and its workers send each other: plain data and shared memory.
 *
 * @module
 */

import type { Limits } from "../../core/types.ts";
import type { ScannedFile } from "../asset/scan_file.ts";

/** What a worker begins with, so that it has to read nothing again. */
export interface WorkerStart {
  /** The memory of the shared queue. */
  readonly memory: SharedArrayBuffer;
  /** The worker's number in the queue. */
  readonly thread: number;
  /** Plain data from which the worker makes its rules. */
  readonly setup: unknown;
  readonly limits: Partial<Limits>;
  /** Whether files are hashed. */
  readonly hash: boolean;
  /** Whether findings are explained. */
  readonly explain: boolean;
  /** Deadline of the scan of all files, milliseconds since 1970. */
  readonly deadline: number | undefined;
  /** Whether progress is shown. */
  readonly progress: boolean;
}

/** A file that may be taken. */
export interface Task {
  readonly index: number;
  readonly path: string;
  /** The argument that it was found below. */
  readonly argument: string;
  /** Device and inode of a file that several paths name. */
  readonly inode?: string | undefined;
}

/** What a worker sends; `ready` comes first, before it takes a file. */
export type WorkerMessage =
  | { readonly type: "ready" }
  | { readonly type: "progress"; readonly index: number; readonly bytesRead: number }
  | { readonly type: "scanned"; readonly index: number; readonly scanned: ScannedFile }
  | { readonly type: "failed"; readonly reason: string };

/** A worker's channel to the main thread. */
export interface Port {
  on(event: "message", listener: (tasks: readonly Task[]) => void): unknown;
  postMessage(message: WorkerMessage): void;
}
