/**
 * What the main thread and threads that do tasks send each other: plain data.
 *
 * @module
 */

import type { EngineSetup } from "./engine.ts";
import type { Result } from "./result.ts";
import type { Task } from "./task.ts";

/** What a thread begins with. */
export interface TaskThreadStart {
  /** Tells it from a thread that scans files of one scan. */
  readonly tasks: true;
  readonly setup: EngineSetup;
}

/** What a thread is sent. */
export type TaskOrder =
  | { readonly type: "task"; readonly index: number; readonly task: Task }
  | { readonly type: "found"; readonly index: number; readonly line: string | undefined }
  | { readonly type: "stop" };

/** What a thread sends. */
export type TaskReport =
  | { readonly type: "ready" }
  | {
    readonly type: "find";
    readonly index: number;
    readonly key: string;
    readonly siblingsKey: string | undefined;
  }
  | { readonly type: "done"; readonly index: number; readonly result: Result }
  | { readonly type: "failed"; readonly reason: string };

/** A thread's channel to the main thread. */
export interface TaskPort {
  on(event: "message", listener: (order: TaskOrder) => void): unknown;
  postMessage(report: TaskReport): void;
}
