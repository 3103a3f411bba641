/**
 * Several inputs, one report.
 *
 * @module
 */

import { scanErrorOf, SourceError } from "../core/errors.ts";
import { type ScanOptions, scanSource } from "./scan_source.ts";
import { stopped } from "./asset/placeholder_reports.ts";
import { blobSource, bytesSource } from "../sources/memory.ts";
import type { Source } from "../core/source.ts";
import {
  type FileReport,
  type ScanError,
  type ScanReport,
  type Suppression,
  SUPPRESSIONS,
} from "../core/types.ts";
import { TOOL_NAME, TOOL_VERSION } from "../core/version.ts";

/**
 * One thing to scan: a path, a URL, bytes, a Blob or File, or a source of one's own. A string is always
 * a path; `file:` URLs are read, `https:`, `http:` and `hf:` URLs are fetched.
 */
export type ScanInput = string | URL | Uint8Array | Blob | Source;

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
  /** Also scan the files of a repository that nothing loads. */
  readonly scanAll?: boolean;
  /** Look into every storage of a checkpoint, however many requests that takes. */
  readonly full?: boolean;
  /** The `http:` proxy for a URL; undefined for none. The proxy then resolves names. */
  readonly proxyFor?: (url: URL) => URL | undefined;
  /** Certificate authorities besides the usual ones, PEM. */
  readonly certificates?: string;
}

/** What a scan of several inputs is told. */
export interface ScanManyOptions extends Omit<ScanOptions, "path" | "folder" | "signal"> {
  /** Ends the scan early; what was found by then is reported, as incomplete. */
  readonly signal?: AbortSignal;
  /** How URLs are fetched. */
  readonly remote?: RemoteOptions;
  /** How paths of folders are gone through. */
  readonly walk?: import("../sources/file.ts").WalkOptions;
  /** Name of the configuration for the report; "embedded" unless given. */
  readonly configuration?: string;
  /** What of the configuration took no effect, one sentence each. */
  readonly configurationNotes?: readonly string[];
}

/**
 * Scans inputs one after the other, in order. One that cannot be opened is an error in the report;
 * the others are still scanned.
 *
 * @throws RangeError when a limit is no number
 */
export async function scanMany(
  inputs: Iterable<ScanInput>,
  options: ScanManyOptions,
): Promise<ScanReport> {
  const started = Date.now();
  const files: FileReport[] = [];
  const errors: ScanError[] = [];
  let unnamed = 0;
  for (const input of inputs) {
    if (options.signal?.aborted) {
      errors.push(stopped(nameOf(input)));
      break;
    }
    if (typeof input === "string" || input instanceof URL) {
      const scan = isDistant(input) ? scanDistant(input, options) : scanPath(input, options);
      for await (const found of scan) {
        if ("verdict" in found) files.push(found);
        else errors.push(found);
      }
    } else {
      files.push(await scanSource(sourceOf(input, () => `input-${++unnamed}`), options));
    }
  }
  return {
    tool: { name: TOOL_NAME, version: TOOL_VERSION, rules: options.rules.version },
    startTime: new Date(started).toISOString(),
    duration: (Date.now() - started) / 1000,
    files,
    errors,
    configuration: options.configuration ?? "embedded",
    ...(options.configurationNotes && { configurationNotes: options.configurationNotes }),
    ...totalSuppressed(files),
  };
}

/** Issues let through, over several files. */
export function totalSuppressed(
  files: readonly Pick<FileReport, "suppressed">[],
): Pick<ScanReport, "suppressed" | "suppressedBy"> {
  const by: Partial<Record<Suppression, number>> = {};
  let suppressed = 0;
  for (const file of files) {
    for (const reason of SUPPRESSIONS) {
      const count = file.suppressed?.[reason] ?? 0;
      suppressed += count;
      if (count > 0) by[reason] = (by[reason] ?? 0) + count;
    }
  }
  return { suppressed, ...(suppressed > 0 && { suppressedBy: by }) };
}

function nameOf(input: ScanInput): string {
  if (typeof input === "string") return input;
  // What stands behind "?" may be secret.
  if (input instanceof URL) return `${input.protocol}//${input.host}${input.pathname}`;
  return "name" in input && typeof input.name === "string" ? input.name : "bytes";
}

const FETCH = "A string is a path: give a URL object, as by new URL(), to fetch it.";

function meantAsUrl(input: string | URL): boolean {
  return typeof input === "string" && /^(?:https?|hf):\/\//i.test(input);
}

function sourceOf(input: Uint8Array | Blob | Source, nextName: () => string): Source {
  if (input instanceof Uint8Array) return bytesSource(nextName(), input);
  if (!(input instanceof Blob)) return input;
  return blobSource(
    "name" in input && typeof input.name === "string" ? input.name : nextName(),
    input,
  );
}

/** True for what has to be fetched. A string is a path whatever it looks like. */
function isDistant(input: string | URL): input is URL {
  return input instanceof URL && /^(?:https?|hf):$/.test(input.protocol);
}

/** All that a URL names. What fetches is loaded here, so that nobody else pays for it. */
async function* scanDistant(
  url: URL,
  options: ScanManyOptions,
): AsyncGenerator<FileReport | ScanError> {
  const { scanRemote } = await import("./remote.ts");
  yield* scanRemote(url, options);
}

/** All files at a path. The module that knows paths is loaded here, so that browsers never ask for it. */
async function* scanPath(
  input: string | URL,
  options: ScanManyOptions,
): AsyncGenerator<FileReport | ScanError> {
  const { fileSource, pathOfUrl, walk } = await import("../sources/file.ts");
  const { Folders } = await import("../sources/folder.ts");
  const folders = new Folders();
  let path = String(input);
  try {
    if (input instanceof URL) path = pathOfUrl(input);
    for await (const found of walk([path], options.walk)) {
      if (options.signal?.aborted) {
        yield stopped(found.path);
        return;
      }
      if (found.kind === "error") {
        yield meantAsUrl(input) ? { ...found.error, remedy: FETCH } : found.error;
        continue;
      }
      path = found.path;
      const source = await fileSource(path).catch((error: unknown) => failed(path, error));
      if ("remedy" in source) {
        yield source;
        continue;
      }
      try {
        yield await scanSource(source, { ...options, folder: folders.place(path, found.given) });
      } finally {
        source.close();
      }
    }
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    yield scanErrorOf(path, error);
  }

  function failed(where: string, error: unknown): ScanError {
    if (!(error instanceof SourceError)) throw error;
    return scanErrorOf(where, error);
  }
}
