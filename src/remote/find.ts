/**
 * Resolves remote arguments: files on web servers, and repositories as listings for bundles.
 *
 * @module
 */

import { ConfigError, scanErrorOf, SourceError } from "../core/errors.ts";
import { spool } from "../sources/forward.ts";
import { HttpClient, type HttpTransport, shownUrl } from "../sources/http_client.ts";
import { type HttpSource, openHttpSource } from "../sources/http.ts";
import { prefetchOf } from "../sources/memory.ts";
import type { Source } from "../core/source.ts";
import type { FolderPlace, Listing, Member, ScanError } from "../core/types.ts";
import {
  fileUrl,
  type HubFile,
  hubName,
  isInert,
  listRepository,
  mayNameFiles,
  namesFile,
} from "./huggingface.ts";
import { type HubTarget, resolveRemote } from "./resolve.ts";

/** How files are fetched. */
export interface FindOptions {
  readonly transport: HttpTransport;
  /** Where the hub is. */
  readonly endpoint: URL;
  /** For the hub, and no other host; empty for none. */
  readonly token: string;
  /** Also scan the files of a repository that nothing loads. */
  readonly scanAll: boolean;
  /** Look into every storage of a checkpoint, however many requests that takes. */
  readonly full: boolean;
  /** Seconds without a byte after which a connection counts as dead; 30 unless given. */
  readonly networkTimeout?: number | undefined;
  /** Milliseconds before a second try; for tests. */
  readonly retryMilliseconds?: number | undefined;
  /** Ends everything. */
  readonly signal?: AbortSignal | undefined;
}

/** What comes of a remote argument. */
export type RemoteFound =
  | {
    readonly kind: "remote";
    readonly path: string;
    readonly size: number | undefined;
    readonly folder?: FolderPlace;
    /** SHA-256 as the hub's listing has it. */
    readonly sha256?: string | undefined;
    open(): Promise<HttpSource>;
  }
  /** A file of a repository that nothing loads. */
  | {
    readonly kind: "skipped";
    readonly path: string;
    readonly size: number;
    readonly sha256?: string | undefined;
  }
  | { readonly kind: "error"; readonly path: string; readonly error: ScanError };

/** What there will be to scan, as soon as that is known. */
interface RemoteHooks {
  note(text: string): Promise<void>;
  expect(files: number, bytes: number): void;
}

/** Files of this size are read once for the scan and for the bundles. */
const SHARED_BYTES = 1024 * 1024;
/**
 * Bytes of a file that a bundle reads, from a server without ranges. The largest configuration known, a
 * tokenizer, has 34 MiB. CWE-770.
 */
const MEMBER_BYTES = 64 * 1024 * 1024;

/**
 * Says what there is to scan; nothing is sent before the first is asked for.
 *
 * @param args `https://…`, `http://…` or `hf://…`
 * @throws ConfigError for an argument that names nothing, and for a token that cannot be one
 */
export function findRemote(
  args: readonly string[],
  options: FindOptions,
  hooks: RemoteHooks,
): AsyncGenerator<RemoteFound> {
  const { endpoint, token, networkTimeout, retryMilliseconds, signal } = options;
  checkToken(token);
  const client = new HttpClient({
    transport: options.transport,
    ...(signal && { signal }),
    ...(networkTimeout !== undefined && { idleMilliseconds: networkTimeout * 1000 }),
    ...(retryMilliseconds !== undefined && { retryMilliseconds }),
    token: token === "" ? undefined : { origin: endpoint.origin, value: token },
  });
  const { scanAll, full: thorough } = options;
  return findAll(args, { client, endpoint, scanAll, thorough }, hooks);
}

/**
 * Refuses what would break the header of a request.
 *
 * @throws ConfigError when it cannot be a token
 */
export function checkToken(token: string): void {
  if (!/[^\x21-\x7e]/.test(token)) return;
  throw new ConfigError("HF_TOKEN", "HF_TOKEN has characters in it that no token has");
}

interface Context {
  readonly client: HttpClient;
  readonly endpoint: URL;
  readonly scanAll: boolean;
  readonly thorough: boolean;
}

async function* findAll(
  args: readonly string[],
  context: Context,
  hooks: RemoteHooks,
): AsyncGenerator<RemoteFound> {
  const { client, endpoint, thorough } = context;
  for (const argument of args) {
    const target = resolveRemote(argument, endpoint);
    if (target.type === "hub") {
      yield* findInHub(target, context, hooks);
      continue;
    }
    const { url } = target;
    const path = shownUrl(url);
    if (url.protocol === "http:") {
      await hooks.note(`${path} comes over plain HTTP: anybody on the way may have changed it`);
    }
    hooks.expect(1, 0);
    const open = () => openHttpSource(url, client, { name: path, thorough });
    yield { kind: "remote", path, size: undefined, open };
  }
}

async function* findInHub(
  target: HubTarget,
  context: Context,
  hooks: RemoteHooks,
): AsyncGenerator<RemoteFound> {
  const { client, endpoint } = context;
  const fullName = hubName(target, target.path);
  let repository;
  try {
    repository = await listRepository(target, endpoint, client);
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    yield { kind: "error", path: fullName, error: scanErrorOf(fullName, error) };
    return;
  }
  const { files, commit } = repository;
  const inside = files.filter(({ path }) =>
    target.path === "" || path === target.path ||
    (!target.file && path.startsWith(`${target.path}/`))
  );
  if (inside.length === 0) {
    const error = new SourceError(
      fullName,
      `Cannot find "${fullName}": the repository has no such path`,
      {
        remedy: `It has ${files.length} files; check the path and the revision.`,
      },
    );
    yield { kind: "error", path: fullName, error: scanErrorOf(fullName, error) };
    return;
  }
  const open = openerOf(target, commit, context);
  const members = files.map(({ path, size }): Member => ({
    name: path,
    kind: "file",
    size,
    open: () => lazySource(hubName(target, path), size, () => open(path, size)),
  }));
  const listing: Listing = { format: "repository", members };
  const named = inside.some(({ path }) => path === target.path);
  const inert = named || context.scanAll ? new Set() : await inertFiles(inside, open);
  const read = inside.filter(({ path }) => !inert.has(path));
  const skipped = inert.size;
  const others = skipped === 0 ? "" : ` and ${skipped} that nothing loads, which are skipped`;
  const plural = read.length === 1 ? "file" : "files";
  await hooks.note(`Found ${read.length} scannable ${plural} in ${fullName}${others}`);
  hooks.expect(read.length, read.reduce((sum, { size }) => sum + size, 0));
  for (const { path, size, sha256 } of inside) {
    const name = hubName(target, path);
    if (inert.has(path)) {
      yield { kind: "skipped", path: name, size, sha256 };
      continue;
    }
    const folder = { listing, member: path };
    yield { kind: "remote", path: name, size, folder, sha256, open: () => open(path, size) };
  }
}

/** Paths of the files that nothing loads: by their names, and since no configuration names them. */
async function inertFiles(
  files: readonly HubFile[],
  open: (path: string, size: number) => Promise<Source>,
): Promise<ReadonlySet<string>> {
  let inert = files.filter(({ path }) => isInert(path));
  for (const { path, size } of files) {
    if (!mayNameFiles(path) || inert.length === 0) continue;
    const json = size > SHARED_BYTES ? undefined : await textOf(() => open(path, size));
    inert = json === undefined ? [] : inert.filter((it) => !namesFile(json, it.path));
  }
  return new Set(inert.map(({ path }) => path));
}

/** The text of a small file; undefined when it cannot be had, which its own scan will say. */
async function textOf(open: () => Promise<Source>): Promise<string | undefined> {
  try {
    const source = await open();
    return new TextDecoder().decode(await source.read(0, SHARED_BYTES));
  } catch (error) {
    if (error instanceof SourceError) return undefined;
    throw error;
  }
}

/** Opens files of a repository at one commit; small ones once for the scan and for the bundles. */
function openerOf(
  target: HubTarget,
  commit: string,
  { client, endpoint, thorough }: Context,
): (path: string, size: number) => Promise<HttpSource> {
  const shared = new Map<string, Promise<HttpSource>>();
  return (path, size) => {
    const url = fileUrl(endpoint, target, commit, path);
    const fetch = () =>
      openHttpSource(url, client, { name: hubName(target, path), size, thorough });
    if (size > SHARED_BYTES) return fetch();
    const known = shared.get(path) ?? fetch().then(kept);
    shared.set(path, known);
    return known;
  };
}

/** A source that outlives the scan of its file; a stream's bytes are kept. */
async function kept(source: HttpSource): Promise<HttpSource> {
  const spooled = await spool(source, SHARED_BYTES);
  return {
    name: source.name,
    size: spooled.size,
    access: "random",
    get bytesFetched() {
      return source.bytesFetched;
    },
    read: (offset, length) => spooled.read(offset, length),
    ...prefetchOf(spooled),
    close: () => {},
  };
}

/** A source that is opened when it is first read. */
function lazySource(name: string, size: number, open: () => Promise<HttpSource>): Source {
  let opened: Promise<Source> | undefined;
  return {
    name,
    size,
    access: "random",
    async read(offset, length) {
      opened ??= open().then((source) => spool(source, MEMBER_BYTES));
      return await (await opened).read(offset, length);
    },
  };
}
