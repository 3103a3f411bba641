/**
 * What a scan of several inputs takes.
 *
 * @module
 */

import type { FilePolicy } from "../core/findings.ts";
import type { Source } from "../core/source.ts";
import type { StoreSettings } from "../remote/stores/settings.ts";
import type { WalkOptions } from "../sources/file.ts";
import type { Witness } from "../sources/witness.ts";
import type { ScanOptions } from "./asset/asset_scan.ts";
import type { FileOptions } from "./asset/scan_file.ts";
import type { Progress, ScanProgress } from "./schedule/progress.ts";
import type { Stop } from "./schedule/stop.ts";
import type { Workers } from "./schedule/threads.ts";

/** Chunks of bytes that arrive in order; a chunk may be used again once the next is asked for. */
export type Stream = AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>;

/** A stream of bytes with a name, such as standard input: read once, and opened when its turn comes. */
export interface StreamInput {
  /** The path for the report; formats that are known by their names alone need it. */
  readonly name: string;
  /** Opens it; called once. */
  stream(): Stream;
}

/**
 * One thing to scan: a path, a URL, bytes, a Blob or File, the answer to a `fetch`, a stream, or a source of one's
 * own. A string is always a path; `file:` URLs are read, `https:`, `http:`, `hf:`, `s3:`, `gs:`, `az:` and `oci:`
 * URLs are fetched.
 */
export type ScanInput =
  | string
  | URL
  | ArrayBuffer
  | ArrayBufferView
  | Blob
  | Response
  | Stream
  | StreamInput
  | Source;

/** Several paths that are walked as one, so that no file is scanned twice. */
export interface PathsInput {
  readonly paths: readonly string[];
}

/** What is to be fetched, each written as an argument of the command line: `https://…`, `hf://…`, `s3://…`. */
export interface AddressesInput {
  readonly addresses: readonly string[];
}

/**
 * How what URLs name is fetched. Nothing is taken from the environment; without settings only addresses
 * of the public internet are connected to, and no token is sent.
 */
export interface RemoteOptions {
  /** Also connect to private, loopback and link-local addresses. */
  readonly allowPrivateNetwork?: boolean;
  /** For private and gated repositories: goes to the hub's origin and to no other host. */
  readonly token?: string;
  /** The hub, or a mirror of it; `https://huggingface.co` unless given. */
  readonly endpoint?: string | URL;
  /** Seconds without a byte after which a connection counts as dead; 30 unless given. */
  readonly networkTimeout?: number;
  /** Look into every storage of a checkpoint, however many requests that takes. */
  readonly full?: boolean;
  /** The `http:` proxy for a URL; undefined for none. The proxy then resolves names. */
  readonly proxyFor?: (url: URL) => URL | undefined;
  /** Certificate authorities besides the usual ones, PEM. */
  readonly certificates?: string;
  /** How `s3:`, `gs:`, `az:` and `oci:` addresses are reached, and as whom; anonymously unless given. */
  readonly stores?: StoreSettings;
}

/** What policies say of a file, and which entries of the configuration these are. */
export interface GoverningPolicy extends FilePolicy {
  /** File and line of each, for instance `security.toml:12`. */
  readonly origins: readonly string[];
}

/** Options of a scan of several inputs. */
export interface ScanManyOptions
  extends Omit<ScanOptions, "path" | "folder" | "signal" | "onProgress"> {
  /** Ends the scan early; what was found by then is reported, as incomplete. */
  readonly signal?: AbortSignal;
  /** Is told of every file and how much was read; what it throws ends the scan. */
  readonly onProgress?: ((progress: ScanProgress) => void) | undefined;
  /** How URLs are fetched. */
  readonly remote?: RemoteOptions;
  /**
   * Also gives the SHA-256 of each file, for which all of it is read; of remote files what the hub's listing
   * says.
   */
  readonly hash?: boolean;
  /** How paths of folders are gone through. */
  readonly walk?: WalkOptions;
  /** What the user's policies say of the file at a path, as reports have it. */
  readonly policyOf?: ((path: string) => GoverningPolicy | undefined) | undefined;
  /** Name of the configuration for the report; "embedded" unless given. */
  readonly configuration?: string;
  /** What of the configuration took no effect, one sentence each. */
  readonly configurationNotes?: readonly string[];
}

/** Options of `scanInputs`. */
export interface ScanInputsOptions extends FileOptions {
  readonly stop: Stop;
  readonly remote?: RemoteOptions | undefined;
  readonly walk?: WalkOptions | undefined;
  /** Learns what of the file system is looked at; not from other threads. */
  readonly witness?: Witness | undefined;
  /** What the user's policies say of the file at a path, as reports have it. */
  readonly policyOf?: ((path: string) => GoverningPolicy | undefined) | undefined;
  /** Nothing is shown unless given. */
  readonly progress?: Progress | undefined;
  /** Threads that scan local files too; the calling thread alone unless given. */
  readonly workers?: Workers | undefined;
  /** Tells the user something that is no part of the report. */
  readonly note?: ((text: string) => Promise<void>) | undefined;
}
