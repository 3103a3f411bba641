/**
 * Several inputs, their reports in order. Module, command line and tests scan by this one pipeline.
 *
 * @module
 */

import { isRemote } from "../remote/resolve.ts";
import { scanErrorOf, SourceError } from "../core/errors.ts";
import { withDefaults } from "../core/limits.ts";
import { NamedRules } from "../core/reasons.ts";
import {
  type FileReport,
  type ScanError,
  type ScanReport,
  type Suppression,
  SUPPRESSIONS,
} from "../core/types.ts";
import { TOOL_NAME, TOOL_VERSION } from "../core/version.ts";
import type { Scanned } from "./asset/scan_file.ts";
import type {
  AddressesInput,
  PathsInput,
  ScanInput,
  ScanInputsOptions,
  ScanManyOptions,
} from "./options.ts";
import { expectInput, openedOf } from "./opened.ts";
import { type Found, type LocalFiles, OrderedScan } from "./schedule/ordered_scan.ts";
import { CallbackProgress, NO_PROGRESS, type Progress } from "./schedule/progress.ts";
import { expectScanSettings } from "./settings.ts";
import type { Stop } from "./schedule/stop.ts";

/** Inputs that need no network. */
type LocalInput = ScanInput | PathsInput;

/** Local inputs that are no paths. */
type OpenedInput = Exclude<LocalInput, string | URL | PathsInput>;

/** Inputs that are scanned as one: local ones share threads, remote ones connections. */
type Batch =
  | { readonly kind: "local"; readonly inputs: LocalInput[] }
  | { readonly kind: "remote"; readonly addresses: string[] };

/**
 * Scans inputs, and reports in their order. One that cannot be looked at is an error, one that cannot be
 * read an incomplete report; the others are still scanned. Once `stop` says so, what is left is one
 * error.
 *
 * @throws RangeError when there is no limit of a name, or one is no number
 */
export async function* scanInputs(
  inputs: Iterable<ScanInput | PathsInput | AddressesInput>,
  options: ScanInputsOptions,
): AsyncGenerator<Scanned> {
  withDefaults(options.limits);
  const { stop, policyOf } = options;
  for await (const scanned of scanBatches(inputs, options)) {
    yield policyOf === undefined ? scanned : governed(scanned, policyOf, stop);
  }
}

/** What policies say of a file, added to its report. */
function governed(
  scanned: Scanned,
  policyOf: NonNullable<ScanInputsOptions["policyOf"]>,
  { signal }: Stop,
): Scanned {
  const found = scanned.type === "file" ? policyOf(scanned.file.path) : undefined;
  if (scanned.type === "error" || found === undefined) return scanned;
  const { file, matched = [] } = scanned;
  const { origins, failOn, incomplete } = found;
  const unread = file.verdict === "incomplete" || file.errors.length > 0 ||
    file.findings.some(({ details }) => details["unread"] === true);
  // A file that is cut short as the scan is stopped is incomplete for a reason that was not accepted.
  const accepted = unread && !signal.aborted ? incomplete : undefined;
  const policy = {
    ...(failOn !== undefined && { failOn }),
    ...(accepted !== undefined && { incomplete: accepted }),
  };
  return {
    ...scanned,
    matched: [...matched, ...origins],
    ...(Object.keys(policy).length > 0 && { file: { ...file, policy } }),
  };
}

async function* scanBatches(
  inputs: Iterable<ScanInput | PathsInput | AddressesInput>,
  options: ScanInputsOptions,
): AsyncGenerator<Scanned> {
  const { walk, witness, remote, note, policyOf: _, ...rest } = options;
  const { stop, progress = NO_PROGRESS, ...fileOptions } = rest;
  const nextName = countingNames();
  for (const batch of batchesOf(inputs)) {
    if (batch.kind === "local") {
      const fileSystem = await fileSystemFor(batch.inputs);
      const { hash = false } = fileOptions;
      const finding = findLocal(batch.inputs, { fileSystem, walk, witness, stop, nextName, hash });
      const found = progress.wantsTotals ? counted(finding, progress) : finding;
      const scan = new OrderedScan(found, { ...fileOptions, stop, progress });
      yield* scan.run();
      if (scan.leftFiles) return;
      continue;
    }
    // What fetches is loaded here, so that a scan of files never pays for it.
    const { scanRemote } = await import("./remote.ts");
    yield* scanRemote(batch.addresses, { ...fileOptions, stop, progress, remote, note });
  }
}

/** All files, found before the first is scanned. */
function counted(finding: Iterable<Found>, progress: Progress): readonly Found[] {
  const all = [...finding];
  let bytes = 0;
  let files = 0;
  for (const found of all) {
    if (found.kind === "error") continue;
    files++;
    bytes += (found.kind === "file" ? found.files.sizeOf(found.path) : found.size()) ?? 0;
  }
  progress.expect(files, bytes);
  return all;
}

/**
 * Scans inputs and gives one report. One that cannot be looked at is an error in the report; the others
 * are still scanned.
 *
 * @throws TypeError for settings that there are not, or are of a wrong type, and for what cannot be scanned
 * @throws RangeError when there is no limit of a name, or one is no number
 */
export async function scanMany(
  inputs: readonly ScanInput[],
  options: ScanManyOptions,
): Promise<ScanReport> {
  expectScanSettings(options);
  for (const input of inputs) expectInput(input);
  const started = Date.now();
  const { signal, configuration = "embedded", configurationNotes, onProgress, ...rest } = options;
  const reported = onProgress && new CallbackProgress(onProgress);
  const progress = reported && { progress: reported };
  const files: FileReport[] = [];
  const errors: ScanError[] = [];
  const rules = new NamedRules((id) => options.rules.reasonsOf(id));
  const stop = stopOf(signal);
  for await (const scanned of scanInputs(inputs, { ...rest, ...progress, stop })) {
    reported?.rethrow();
    if (scanned.type === "file") {
      files.push(scanned.file);
      rules.add(scanned.file);
    } else errors.push(scanned.error);
  }
  reported?.rethrow();
  return {
    tool: { name: TOOL_NAME, version: TOOL_VERSION, rules: options.rules.version },
    startTime: new Date(started).toISOString(),
    duration: (Date.now() - started) / 1000,
    files,
    errors,
    rules: rules.all(),
    configuration,
    ...(configurationNotes && { configurationNotes }),
    ...totalSuppressed(files),
  };
}

/** The stop of a scan that a program may give up, and that has no time of its own. */
function stopOf(signal = new AbortController().signal): Stop {
  return {
    signal,
    remaining: () => undefined,
    reason: () => ({ message: "The scan was stopped.", remedy: "Scan again." }),
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

/** Neighbours that are scanned as one. */
function batchesOf(inputs: Iterable<ScanInput | PathsInput | AddressesInput>): Batch[] {
  const batches: Batch[] = [];
  for (const input of inputs) {
    const last = batches.at(-1);
    const addresses = addressesOf(input);
    if (addresses !== undefined) {
      if (last?.kind === "remote") last.addresses.push(...addresses);
      else batches.push({ kind: "remote", addresses: [...addresses] });
    } else if (last?.kind === "local") last.inputs.push(input as LocalInput);
    else batches.push({ kind: "local", inputs: [input as LocalInput] });
  }
  return batches;
}

/** The remote address of an input; undefined for local ones. A string is always a path. */
function addressesOf(
  input: ScanInput | PathsInput | AddressesInput,
): readonly string[] | undefined {
  if (input instanceof URL) {
    return isRemote(input.href) ? [addressOf(input)] : undefined;
  }
  return typeof input === "object" && "addresses" in input ? input.addresses : undefined;
}

/** A URL as an argument. But for `https:`, characters of file names are written in hexadecimal. */
function addressOf(url: URL): string {
  if (/^https?:$/.test(url.protocol)) return url.href;
  try {
    if (url.protocol !== "hf:") return decodeURIComponent(url.href);
    // "%2F" stays: it belongs to a revision.
    return url.href.replaceAll(/(?:%(?!2f)[0-9a-f]{2})+/gi, decodeURIComponent);
  } catch {
    return url.href;
  }
}

/** Names of inputs that have none: `input-1`, `input-2` … */
function countingNames(): () => string {
  let count = 0;
  return () => `input-${++count}`;
}

/** What finding local inputs takes. */
interface FindContext {
  readonly fileSystem: FileSystem | undefined;
  readonly walk: ScanInputsOptions["walk"];
  readonly witness: ScanInputsOptions["witness"];
  readonly stop: Stop;
  readonly nextName: () => string;
  readonly hash: boolean;
}

function* findLocal(
  inputs: readonly LocalInput[],
  context: FindContext,
): Generator<Found> {
  const { fileSystem } = context;
  for (const input of inputs) {
    const paths = pathsOf(input);
    if (paths === undefined) yield openedOf(input as OpenedInput, context);
    else if (fileSystem !== undefined) yield* findPaths(paths, fileSystem, context);
  }
}

/** What an input names in the file system; undefined for what is no path. */
function pathsOf(input: LocalInput): readonly (string | URL)[] | undefined {
  if (typeof input === "string" || input instanceof URL) return [input];
  return "paths" in input ? input.paths : undefined;
}

const FETCH = "A string is a path: give a URL object, as by new URL(), to fetch it.";

/** What is used of the modules that know the file system. */
interface FileSystem {
  readonly openRegular: typeof import("../sources/file.ts").openRegular;
  readonly hashFile: typeof import("../sources/file.ts").hashFile;
  readonly sizeOf: typeof import("../sources/file.ts").sizeOf;
  readonly identityOf: typeof import("../sources/file.ts").identityOf;
  readonly pathOfUrl: typeof import("../sources/file.ts").pathOfUrl;
  readonly walk: typeof import("../sources/file.ts").walk;
  readonly Folders: typeof import("../sources/folder.ts").Folders;
  readonly LinkedFiles: typeof import("../sources/linked.ts").LinkedFiles;
}

/** Loads the modules that know paths, where there is one, so that browsers never ask for them. */
async function fileSystemFor(inputs: readonly LocalInput[]): Promise<FileSystem | undefined> {
  if (!inputs.some((input) => pathsOf(input) !== undefined)) return undefined;
  const [file, folder, linked] = await Promise.all([
    import("../sources/file.ts"),
    import("../sources/folder.ts"),
    import("../sources/linked.ts"),
  ]);
  return { ...file, ...folder, ...linked };
}

/** All files at paths. */
function* findPaths(
  inputs: readonly (string | URL)[],
  { openRegular, sizeOf, hashFile, identityOf, pathOfUrl, walk, Folders, LinkedFiles }: FileSystem,
  { walk: options, witness }: Pick<FindContext, "walk" | "witness">,
): Generator<Found> {
  const paths: string[] = [];
  for (const input of inputs) {
    try {
      paths.push(input instanceof URL ? pathOfUrl(input) : input);
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      yield { kind: "error", error: scanErrorOf(String(input), error) };
    }
  }
  const linked = new LinkedFiles(undefined, witness);
  const folders = new Folders(linked);
  const files: LocalFiles = {
    open: (path) => openRegular(path, linked),
    sizeOf,
    hash: hashFile,
    linked: (path) => {
      const identity = identityOf(path);
      const inode = identity && linked.inodeIfLinked(identity);
      return identity && inode !== undefined ? { inode, kept: linked.keeps(identity) } : undefined;
    },
    place: (path, argument) => folders.place(path, argument),
  };
  for (const found of linked.ahead(walk(paths, options, witness))) {
    if (found.kind === "file") {
      yield { kind: "file", path: found.path, argument: found.argument, files };
    } else if (!/^(?:https?|hf):\/\//i.test(found.path)) yield found;
    else yield { kind: "error", error: { ...found.error, remedy: FETCH } };
  }
}
