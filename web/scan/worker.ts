/**
 * The worker of the page: scans files, and fetches what addresses name, with the pipeline that all share.
 *
 * @module
 */

/// <reference lib="dom" />

import { NamedRules } from "../../src/core/reasons.ts";
import type { Source } from "../../src/core/source.ts";
import type { Listing, ScanReport } from "../../src/core/types.ts";
import { loadRules } from "../../src/rules/rules.ts";
import { concernsFolder, markObservedElsewhere } from "../../src/scan/asset/folder.ts";
import { hashSource } from "../../src/scan/asset/hash_source.ts";
import { type FilePlace, scanFile, type Scanned } from "../../src/scan/asset/scan_file.ts";
import type { Stop } from "../../src/scan/schedule/stop.ts";
import { spool } from "../../src/sources/forward.ts";
import { send } from "./fetch_transport.ts";
import { listingOf } from "./groups.ts";
import type { FromWorker, GivenFile, GivenGroup, Task, ToWorker } from "./messages.ts";
import { sourceOf } from "./sources.ts";

/** What is used of a worker's global; the types of workers and pages cannot be had together. */
interface Scope {
  postMessage(message: FromWorker): void;
  addEventListener(type: "message", listener: (event: { data: ToWorker }) => void): void;
}

/** Bytes of a served file that a bundle reads, from a server without ranges. CWE-770. */
const MEMBER_BYTES = 64 * 1024 * 1024;

const scope = globalThis as unknown as Scope;
const rules = loadRules();
const stopping = new AbortController();
const stop: Stop = {
  signal: stopping.signal,
  remaining: () => undefined,
  reason: () => ({ message: "The scan was cancelled.", remedy: "Scan again." }),
};

let groups: readonly GivenGroup[] = [];
let listings: readonly Listing[] = [];
let hash = false;

/** A file of a group, opened when it is first read. */
function openedWhenRead({ name, bytes }: GivenFile): Source {
  const source = sourceOf(name, bytes, send);
  if (!(source instanceof Promise)) return source;
  const opened = source.then((it) => spool(it, MEMBER_BYTES));
  opened.catch(() => {});
  const size = bytes.kind === "served" ? bytes.size : undefined;
  return {
    ...{ name, size, access: "random" },
    read: async (offset, length) => await (await opened).read(offset, length),
  };
}

function begin(message: Extract<ToWorker, { readonly type: "begin" }>): void {
  scope.postMessage({ type: "ready", rules: rules.version });
  groups = message.groups;
  hash = message.hash;
  listings = groups.map((group) =>
    listingOf(group, (index) => openedWhenRead(group.files[index] as GivenFile))
  );
  if (message.observedElsewhere) { for (const it of listings) markObservedElsewhere(it); }
}

/** What a task means; undefined for one that names nothing. */
function placeOf({ group, file }: Task): FilePlace | undefined {
  const given = groups[group];
  const found = given?.files[file];
  const listing = listings[group];
  if (given === undefined || found === undefined || listing === undefined) return undefined;
  const { name, bytes } = found;
  const size = bytes.kind === "blob" ? bytes.blob.size : bytes.size;
  const open = () => sourceOf(name, bytes, send);
  return {
    path: given.prefix + name,
    folder: { listing, member: name },
    size: () => size,
    open,
    hash: async (stopped) => await hashSource(await open(), stopped),
  };
}

async function scan(task: Task): Promise<void> {
  const { index } = task;
  const place = placeOf(task);
  if (place === undefined) return;
  const options = { rules, explain: true, hash, stop };
  const scanned = await scanFile(place, options, (bytesRead) => {
    scope.postMessage({ type: "progress", index, bytesRead });
  });
  scope.postMessage({ type: "scanned", index, scanned, rules: newRules(scanned) });
}

const sent = new Set<string>();

/** What the rules say that a file names, once for each rule. */
function newRules(scanned: Scanned): ScanReport["rules"] {
  if (scanned.type === "error") return {};
  const named = new NamedRules((id) => rules.reasonsOf(id));
  named.add(scanned.file);
  const fresh = Object.entries(named.all()).filter(([id]) => !sent.has(id));
  for (const [id] of fresh) sent.add(id);
  return Object.fromEntries(fresh);
}

async function concerns(tasks: readonly Task[]): Promise<void> {
  const { BUNDLES } = await import("../../src/bundles/registry.ts");
  const indexes: number[] = [];
  for (const task of tasks) {
    const folder = placeOf(task)?.folder;
    if (folder === undefined || !await concernsFolder(folder, BUNDLES, rules.interest)) continue;
    indexes.push(task.index);
  }
  scope.postMessage({ type: "concerned", indexes });
}

async function fetchAddress(address: string, hub: string | undefined): Promise<void> {
  scope.postMessage({ type: "ready", rules: rules.version });
  const [{ scanInputs }, { CallbackProgress }] = await Promise.all([
    import("../../src/scan/scan_inputs.ts"),
    import("../../src/scan/schedule/progress.ts"),
  ]);
  const progress = new CallbackProgress(({ files, totalFiles, bytes, path }) => {
    scope.postMessage({ type: "fetching", files, totalFiles, bytesRead: bytes, path });
  });
  const note = (text: string): Promise<void> => {
    scope.postMessage({ type: "note", text });
    return Promise.resolve();
  };
  const remote = hub === undefined ? {} : { endpoint: hub };
  const options = { rules, explain: true, hash, stop, progress, note, remote };
  for await (const scanned of scanInputs([{ addresses: [address] }], options)) {
    scope.postMessage({ type: "scanned", index: undefined, scanned, rules: newRules(scanned) });
  }
  scope.postMessage({ type: "fetched" });
}

async function handle(message: ToWorker): Promise<void> {
  switch (message.type) {
    case "begin":
      return begin(message);
    case "concerns":
      return await concerns(message.tasks);
    case "scan":
      return await scan(message.task);
    case "fetch":
      return await fetchAddress(message.address, message.hub);
    case "stop":
      return stopping.abort();
    case "rules":
      return scope.postMessage({ type: "rules", rules: rules.list() });
  }
}

scope.addEventListener("message", ({ data }) => {
  handle(data).catch((error: unknown) => {
    scope.postMessage({ type: "failed", reason: String(error) });
  });
});
