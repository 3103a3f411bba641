/**
 * Resolves remote arguments: files on web servers, and repositories, buckets and artifacts as listings for bundles.
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
import {
  fileUrl,
  type HubFile,
  hubName,
  type HubRepository,
  listRepository,
  takesToken,
} from "./huggingface.ts";
import { type HubTarget, resolveRemote } from "./resolve.ts";
import type { StoredObject } from "./stores/bucket.ts";
import { addressObjects, listBucket } from "./stores/open.ts";
import { readArtifact } from "./stores/oci.ts";
import type { StoreSettings } from "./stores/settings.ts";
import { type BucketTarget, type OciTarget, storeName } from "./stores/target.ts";
import { type Check, verifiedSource } from "./verified.ts";

/** How files are fetched. */
export interface FindOptions {
  readonly transport: HttpTransport;
  /** Where the hub is. */
  readonly endpoint: URL;
  /** For the hub, and no other host; empty for none. */
  readonly token: string;
  /** How object stores and registries are reached; anonymously unless given. */
  readonly stores?: StoreSettings | undefined;
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
  /** Milliseconds that a server may ask to wait before that is an error. */
  readonly longestWait?: number | undefined;
  /** What is known of the target beforehand, and who learns of it; for one target. */
  readonly known?: KnownTarget | undefined;
}

/** What is known of one target before anything is asked, and what is learnt of it. */
export interface KnownTarget {
  /** The repository at one commit: it is not listed then. */
  readonly repository?: HubRepository | undefined;
  /** The objects of a bucket's path, each at its version: it is not listed then. */
  readonly objects?: readonly StoredObject[] | undefined;
  /** A strong ETag of a file on a web server or of one object, without quotation marks; other answers are errors. */
  readonly etag?: string | undefined;
  /** SHA-256 of such a file: one that is read whole must have it. */
  readonly sha256?: string | undefined;
  /** Bytes of it. */
  readonly size?: number | undefined;
  /** Receives the client, which counts what it sends. */
  client?(client: HttpClient): void;
  /** Called once the repository is known, before any of it is fetched; what it throws ends that. */
  found?(repository: HubRepository): Promise<void>;
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
    /** Whether its bytes are still to be compared with the digest that names it; undefined where none does. */
    readonly check?: Check | undefined;
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
 * @param args `https://…`, `hf://…`, `s3://…`, as `resolveRemote` has them
 * @throws ConfigError for an argument that names nothing, and for a token that cannot be one
 */
export function findRemote(
  args: readonly string[],
  options: FindOptions,
  hooks: RemoteHooks,
): AsyncGenerator<RemoteFound> {
  const { endpoint, token, networkTimeout, retryMilliseconds, signal, remaining } = options;
  const { longestWait, known = {} } = options;
  checkToken(token);
  const client = new HttpClient({
    transport: options.transport,
    ...(signal && { signal }),
    ...(networkTimeout !== undefined && { idleMilliseconds: networkTimeout * 1000 }),
    ...(retryMilliseconds !== undefined && { retryMilliseconds }),
    ...(remaining && { remaining }),
    ...(longestWait !== undefined && { longestWait }),
    token: token === "" ? undefined : { value: token, goesTo: (url) => takesToken(endpoint, url) },
  });
  const { stores = {}, full: thorough } = options;
  known.client?.(client);
  return findAll(args, { client, endpoint, stores, thorough, known }, hooks);
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
  readonly stores: StoreSettings;
  readonly thorough: boolean;
  readonly known: KnownTarget;
}

async function* findAll(
  args: readonly string[],
  context: Context,
  hooks: RemoteHooks,
): AsyncGenerator<RemoteFound> {
  const { client, endpoint, thorough, known } = context;
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
    if (target.type === "bucket" || target.type === "oci") {
      yield* findInStore(target, context, hooks);
      continue;
    }
    const { url } = target;
    const path = shownUrl(url);
    if (url.protocol === "http:") {
      await hooks.note(`${path} comes over plain HTTP: anybody on the way may have changed it`);
    }
    hooks.expect(1, 0);
    const { etag, sha256, size } = known;
    const expected = { etag, etagNeeded: true, sha256, size };
    const open = () => openHttpSource(url, client, { name: path, thorough, expected });
    yield { kind: "remote", path, size: undefined, open };
  }
}

async function* findInHub(
  target: HubTarget,
  context: Context,
  hooks: RemoteHooks,
): AsyncGenerator<RemoteFound> {
  const { client, endpoint, known } = context;
  const fullName = hubName(target, target.path);
  let repository;
  try {
    repository = known.repository ?? await listRepository(target, endpoint, client);
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    yield { kind: "error", path: fullName, error: scanErrorOf(fullName, error) };
    return;
  }
  await known.found?.(repository);
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
  const nameOf = (path: string): string => hubName(target, path);
  const open = openerOf(nameOf, context);
  const located = (file: HubFile): Located => ({
    path: file.path,
    url: fileUrl(endpoint, target, commit, file.path),
    expected: {
      size: file.size,
      sha256: file.sha256,
      commit,
      ...(file.sha256 === undefined && { blob: file.blob }),
    },
  });
  yield* foundOf({
    ...{
      name: fullName,
      nameOf,
      open,
      hooks,
      files: files.map(located),
      inside: inside.map(located),
    },
    odd: outside,
    remedy: "Do not trust this repository; download it and scan its folder.",
  });
}

async function* findInStore(
  target: BucketTarget | OciTarget,
  context: Context,
  hooks: RemoteHooks,
): AsyncGenerator<RemoteFound> {
  const fullName = storeName(target, target.type === "bucket" ? target.path : "");
  const base = target.type === "bucket"
    ? target.path.slice(0, target.path.lastIndexOf("/") + 1)
    : "";
  let files: Located[];
  let odd: readonly { readonly path: string; readonly reason: string }[];
  try {
    if (target.type === "bucket") {
      const { objects } = context.known;
      const listed = objects === undefined
        ? await listBucket(target, context.stores, context.client)
        : addressObjects(target, objects, context.stores, context.client);
      // Members are named from the folder on that the path names, as those of a repository are.
      checkObject(target, listed.files.map(({ object }) => object), context.known);
      files = listed.files.map(({ object: { key, size, etag }, url }) => ({
        path: key.slice(base.length),
        url,
        // A version that nothing lists here must be that of the answers.
        expected: {
          ...{ size, etag: etag ?? tagOf(target, key, context.known) },
          ...(objects !== undefined && { etagNeeded: true }),
          ...(key === target.path && { sha256: context.known.sha256 }),
        },
      }));
      odd = listed.odd.map(({ key, reason }) => ({ path: key.slice(base.length), reason }));
    } else {
      const artifact = await readArtifact(target, context.stores.oci ?? {}, context.client);
      await hooks.note(`${fullName} is ${artifact.digest}`);
      files = artifact.files.map(({ path, url, size, sha256 }) => ({
        path,
        url,
        expected: { size, sha256 },
        check: { unchecked: false },
      }));
      odd = artifact.odd;
    }
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    yield { kind: "error", path: fullName, error: scanErrorOf(fullName, error) };
    return;
  }
  if (files.length + odd.length === 0) {
    const what = target.type === "bucket"
      ? "there is no object of that key or below it"
      : "it is empty";
    const error = new SourceError(fullName, `Cannot find "${fullName}": ${what}`, {
      remedy: "Check the path.",
    });
    yield { kind: "error", path: fullName, error: scanErrorOf(fullName, error) };
    return;
  }
  const [first] = files;
  if (first?.url.protocol === "http:") {
    await hooks.note(
      `${first.url.origin} is asked over plain HTTP: anybody on the way may read tokens that go to it, and change ` +
        "what it sends",
    );
  }
  const nameOf = (path: string): string => storeName(target, `${base}${path}`);
  yield* foundOf({
    ...{
      name: fullName,
      nameOf,
      open: openerOf(nameOf, context),
      hooks,
      files,
      inside: files,
      odd,
    },
    remedy: "Do not trust this listing; download the files and scan their folder.",
  });
}

/** True where both are known and differ; entity tags are compared as those of the answers are. */
function isOther<T extends string | number>(one: T | undefined, other: T | undefined): boolean {
  const bare = (it: T): string => String(it).replace(/^W\//, "");
  return one !== undefined && other !== undefined && bare(one) !== bare(other);
}

/** The entity tag that an object must have which no listing has; a generation of Google's is none. */
function tagOf({ scheme, path }: BucketTarget, key: string, { etag }: KnownTarget) {
  return key === path && scheme !== "gs" ? etag : undefined;
}

/** @throws SourceError where one object is known beforehand, and the listing has another at its key */
function checkObject(
  target: BucketTarget,
  objects: readonly StoredObject[],
  { etag, sha256, size }: KnownTarget,
): void {
  if (etag === undefined && sha256 === undefined && size === undefined) return;
  const object = objects.find(({ key }) => key === target.path);
  const name = storeName(target, target.path);
  const problem = object === undefined
    ? "there is no object of that key"
    : isOther(object.version ?? object.etag, etag)
    ? "the store has another version of it"
    : isOther(object.size, size)
    ? `it has ${object.size} bytes, not ${size}`
    : undefined;
  if (problem === undefined) return;
  throw new SourceError(name, `Cannot fetch "${name}": ${problem}`, {
    remedy: "List the bucket again.",
    failure: { kind: object === undefined ? "not-found" : "changed", passing: false },
  });
}

/** A file, where it is, and what its listing says of it. */
interface Located {
  readonly path: string;
  readonly url: URL;
  readonly expected: {
    readonly size: number | undefined;
    readonly sha256?: string | undefined;
    readonly commit?: string;
    readonly etag?: string | undefined;
    readonly etagNeeded?: boolean;
    readonly blob?: string | undefined;
  };
  readonly check?: Check;
}

/** A listing, of which some files are to be scanned. */
interface Found {
  readonly name: string;
  readonly nameOf: (path: string) => string;
  readonly open: (file: Located) => Promise<HttpSource>;
  readonly hooks: RemoteHooks;
  readonly files: readonly Located[];
  readonly inside: readonly Located[];
  readonly odd: readonly { readonly path: string; readonly reason: string }[];
  readonly remedy: string;
}

async function* foundOf(
  { name: fullName, nameOf, open, hooks, files, inside, odd, remedy }: Found,
): AsyncGenerator<RemoteFound> {
  const members = files.map((file): Member => ({
    name: file.path,
    kind: "file",
    size: file.expected.size,
    open: () => lazySource(nameOf(file.path), file.expected.size, () => open(file)),
  }));
  const listing: Listing = { format: "repository", members };
  const plural = inside.length === 1 ? "file" : "files";
  await hooks.note(`Found ${inside.length} ${plural} in ${fullName}`);
  hooks.expect(inside.length, inside.reduce((sum, { expected }) => sum + (expected.size ?? 0), 0));
  for (const { path, reason } of odd) {
    const name = nameOf(path.toWellFormed());
    const error = new SourceError(name, `Cannot fetch "${name}": ${reason}`, { remedy });
    yield { kind: "error", path: name, error: scanErrorOf(name, error) };
  }
  for (const file of inside) {
    const { path, expected: { size, sha256 }, check } = file;
    const folder = { listing, member: path };
    yield {
      ...{ kind: "remote", path: nameOf(path), size, folder, sha256, check },
      open: () => open(file),
    };
  }
}

/** Opens files of a listing; small ones once for the scan and for the bundles. */
function openerOf(
  nameOf: (path: string) => string,
  { client, thorough }: Context,
): (file: Located) => Promise<HttpSource> {
  /** Least recently used first. */
  const shared = new Map<string, { readonly source: Promise<HttpSource>; readonly size: number }>();
  let held = 0;
  return ({ path, url, expected, check }) => {
    const { size, sha256 } = expected;
    const fetch = async () => {
      const source = await openHttpSource(url, client, { name: nameOf(path), expected, thorough });
      return sha256 === undefined || check === undefined
        ? source
        : verifiedSource(source, sha256, check);
    };
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
