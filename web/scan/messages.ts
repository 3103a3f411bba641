/**
 * What the page and its workers send each other: plain data, and files by reference.
 *
 * @module
 */

import type { ScanReport } from "../../src/core/types.ts";
import type { Rule } from "../../src/rules/rule.ts";
import type { Scanned } from "../../src/scan/asset/scan_file.ts";

/** Where the bytes of a file are. */
export type Bytes =
  | { readonly kind: "blob"; readonly blob: Blob }
  /** On the server that the page is from, `modelaudit serve`. */
  | { readonly kind: "served"; readonly url: string; readonly size: number };

/** A file that was given. */
export interface GivenFile {
  /** Its path below the folder that it was given with; its name where it was given alone. */
  readonly name: string;
  readonly bytes: Bytes;
}

/** Files that were given together: a folder, or files without one. */
export interface GivenGroup {
  /** What reports put before names: empty, or the folder's name with a slash. */
  readonly prefix: string;
  readonly files: readonly GivenFile[];
}

/** A file of a group. */
export interface Task {
  readonly index: number;
  readonly group: number;
  readonly file: number;
}

/** What the page sends. */
export type ToWorker =
  | {
    readonly type: "begin";
    readonly groups: readonly GivenGroup[];
    /** Whether files are hashed. */
    readonly hash: boolean;
    /** True where another worker hands out what concerns several files of a group. */
    readonly observedElsewhere: boolean;
  }
  /** Asks which files bundles have observations of. */
  | { readonly type: "concerns"; readonly tasks: readonly Task[] }
  | { readonly type: "scan"; readonly task: Task }
  | { readonly type: "fetch"; readonly address: string; readonly hub: string | undefined }
  | { readonly type: "stop" }
  | { readonly type: "rules" };

/** What a worker sends. */
export type FromWorker =
  /** It has begun; `rules` is their version. */
  | { readonly type: "ready"; readonly rules: string }
  | { readonly type: "concerned"; readonly indexes: readonly number[] }
  | {
    readonly type: "scanned";
    /** Of the task; undefined for what was fetched. */
    readonly index: number | undefined;
    readonly scanned: Scanned;
    /** What the rules say that this file is the first of the worker to name. */
    readonly rules: ScanReport["rules"];
  }
  | { readonly type: "progress"; readonly index: number; readonly bytesRead: number }
  | {
    readonly type: "fetching";
    readonly files: number;
    readonly totalFiles: number;
    readonly bytesRead: number;
    readonly path: string;
  }
  | { readonly type: "note"; readonly text: string }
  /** All that an address named was scanned. */
  | { readonly type: "fetched" }
  | { readonly type: "rules"; readonly rules: readonly Rule[] }
  | { readonly type: "failed"; readonly reason: string };
