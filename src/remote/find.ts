/**
 * Resolves remote arguments: files on web servers, and repositories as listings for bundles.
 *
 * @module
 */

import { ConfigError, scanErrorOf, SourceError } from "../core/errors.ts";
import { spool } from "../sources/forward.ts";
import { HttpClient, type HttpTransport } from "../sources/http_client.ts";
import { type HttpSource, openHttpSource } from "../sources/http.ts";
import { prefetchOf } from "../sources/memory.ts";
import { shownUrl } from "../core/shown_url.ts";
import type { Source } from "../core/source.ts";
import type { FolderPlace, Listing, Member, ScanError } from "../core/types.ts";
import { decodedSource } from "./decoded.ts";
import { fileUrl, type HubFile, hubName, listRepository, takesToken } from "./huggingface.ts";
import { type HubTarget, resolveRemote } from "./resolve.ts";

/** How files are fetched. */
export interface FindOptions {
  readonly transport: HttpTransport;
  /** Where the hub is. */
  readonly endpoint: URL;
  /** For the hub, and no other host; empty for none. */
  readonly token: string;
  /** Look into every storage of a checkpoint, however many requests that takes. */
  readonly full: boolean;
  /** Seconds without a byte after which a connection counts as dead; 30 unless given. */
  readonly networkTimeout?: number | undefined;
  /** Milliseconds before a second try; for tests. */
  readonly retryMilliseconds?: number | undefined;
  /** Ends everything. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds left for everything; undefined without a limit. */
  readonly remaining?: (() => number | undefined) | undefined;
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
    /** As the body comes; where that has content encodings, see `decodedSource`. */
    open(): Promise<HttpSource>;
  }
  | { readonly kind: "error"; readonly path: string; readonly error: ScanError };

/** What there will be to scan, as soon as that is known. */
interface RemoteHooks {
  note(text: string): Promise<void>;
  expect(files: number, bytes: number): void;
}

/** Files of this size are read once for the scan and for the bundles. */
const SHARED_BYTES = 1024 * 1024;
/** Bytes of such files that are kept; those unused for longest go, and are fetched again when wanted. CWE-770. */
const ALL_SHARED_BYTES = 16 * 1024 * 1024;
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
  const { endpoint, token, networkTimeout, retryMilliseconds, signal, remaining } = options;
  checkToken(token);
  const client = new HttpClient({
    transport: options.transport,
    ...(signal && { signal }),
    ...(networkTimeout !== undefined && { idleMilliseconds: networkTimeout * 1000 }),
    ...(retryMilliseconds !== undefined && { retryMilliseconds }),
    ...(remaining && { remaining }),
    token: token === "" ? undefined : { value: token, goesTo: (url) => takesToken(endpoint, url) },
  });
  return findAll(args, { client, endpoint, thorough: options.full }, hooks);
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
  readonly thorough: boolean;
}

async function* findAll(
  args: readonly string[],
  context: Context,
  hooks: RemoteHooks,
): AsyncGenerator<RemoteFound> {
  const { client, endpoint, thorough } = context;
  let announced = false;
  for (const argument of args) {
    const target = resolveRemote(argument, endpoint);
    if (target.type === "hub") {
      if (!announced && endpoint.protocol === "http:") {
        const token = client.sendsToken(new URL("api/", `${endpoint.href.replace(/\/$/, "")}/`))
          ? "read the token that goes to it, and "
          : "";
        await hooks.note(
          `${
            shownUrl(endpoint)
          } is asked over plain HTTP: anybody on the way may ${token}change what it sends`,
        );
        announced = true;
      }
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
  const { files, odd, commit } = repository;
  const isInside = (path: string): boolean =>
    target.path === "" || path === target.path ||
    (!target.file && path.startsWith(`${target.path}/`));
  const inside = files.filter(({ path }) => isInside(path));
  const outside = odd.filter(({ path }) => target.path === "" || isInside(path));
  if (inside.length + outside.length === 0) {
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
  const members = files.map((file): Member => ({
    name: file.path,
    kind: "file",
    size: file.size,
    open: () => lazySource(hubName(target, file.path), file.size, () => open(file)),
  }));
  const listing: Listing = { format: "repository", members };
  const plural = inside.length === 1 ? "file" : "files";
  await hooks.note(`Found ${inside.length} ${plural} in ${fullName}`);
  hooks.expect(inside.length, inside.reduce((sum, { size }) => sum + (size ?? 0), 0));
  for (const { path, reason } of outside) {
    const name = hubName(target, path.toWellFormed());
    const error = new SourceError(name, `Cannot fetch "${name}": ${reason}`, {
      remedy: "Do not trust this repository; download it and scan its folder.",
    });
    yield { kind: "error", path: name, error: scanErrorOf(name, error) };
  }
  for (const file of inside) {
    const { path, size, sha256 } = file;
    const folder = { listing, member: path };
    yield {
      ...{ kind: "remote", path: hubName(target, path), size, folder, sha256 },
      open: () => open(file),
    };
  }
}

/** Opens files of a repository at one commit; small ones once for the scan and for the bundles. */
function openerOf(
  target: HubTarget,
  commit: string,
  { client, endpoint, thorough }: Context,
): (file: HubFile) => Promise<HttpSource> {
  /** Least recently used first. */
  const shared = new Map<string, { readonly source: Promise<HttpSource>; readonly size: number }>();
  let held = 0;
  return ({ path, size, sha256 }) => {
    const url = fileUrl(endpoint, target, commit, path);
    const expected = { size, sha256, commit };
    const fetch = () =>
      openHttpSource(url, client, { name: hubName(target, path), expected, thorough });
    if (size === undefined || size > SHARED_BYTES) return fetch();
    const known = shared.get(path);
    if (known !== undefined) {
      shared.delete(path);
      shared.set(path, known);
      return known.source;
    }
    const source = fetch().then(kept);
    shared.set(path, { source, size });
    held += size;
    for (const [oldest, { size: bytes }] of shared) {
      if (held <= ALL_SHARED_BYTES) break;
      shared.delete(oldest);
      held -= bytes;
    }
    return source;
  };
}

/** A source that outlives the scan of its file; a stream's bytes are kept. */
async function kept(source: HttpSource): Promise<HttpSource> {
  const spooled = await spool(source, SHARED_BYTES);
  return {
    name: source.name,
    size: spooled.size,
    access: "random",
    codings: source.codings,
    get error() {
      return "error" in source ? source.error : undefined;
    },
    get bytesFetched() {
      return source.bytesFetched;
    },
    read: (offset, length) => spooled.read(offset, length),
    ...prefetchOf(spooled),
    close: () => {},
  } as HttpSource;
}

/** A source that is opened when it is first read, as the hub's own client saves it. */
function lazySource(
  name: string,
  size: number | undefined,
  open: () => Promise<HttpSource>,
): Source {
  let opened: Promise<Source> | undefined;
  return {
    name,
    size,
    access: "random",
    async read(offset, length) {
      opened ??= open()
        .then((source) => source.codings.length === 0 ? source : decodedSource(source))
        .then((source) => spool(source, MEMBER_BYTES));
      return await (await opened).read(offset, length);
    },
  };
}
