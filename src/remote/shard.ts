/**
 * What a hub or a bucket has, as tasks for workers: each a repository or folder at one version, with the files that it
 * then has, so that a worker need not list it and an unchanged one is known as such.
 *
 * @module
 */

import { Sha256 } from "../codecs/checksums/sha256.ts";
import { SourceError } from "../core/errors.ts";
import { HttpClient, type HttpTransport } from "../sources/http_client.ts";
import { type HubFile, hubName, listRepository, takesToken } from "./huggingface.ts";
import { readLinks } from "./links.ts";
import { type HubTarget, isRepositoryName } from "./resolve.ts";
import { answerOf, invalidAnswer, isRecord, jsonOf, storeError } from "./stores/answers.ts";
import { type Addressed, objectsOf, type StoredObject } from "./stores/bucket.ts";
import { openBucket } from "./stores/open.ts";
import type { StoreSettings } from "./stores/settings.ts";
import { percentEncoded } from "./stores/sigv4.ts";
import { type BucketTarget, storeName } from "./stores/target.ts";

/** A file of a task. */
export interface ShardSibling {
  readonly path: string;
  readonly size?: number;
  readonly sha256?: string;
  readonly etag?: string;
}

/** A task, as `docs/worker-task.schema.json` has it. */
export interface ShardTask {
  /** Address or path with the version, so that a changed one is another task. */
  readonly id: string;
  readonly uri?: string;
  readonly path?: string;
  readonly revision?: string;
  readonly etag?: string;
  readonly size?: number;
  readonly siblings?: readonly ShardSibling[];
}

/** A task, and what could not be found out for it: it is left to the worker then. */
export interface Sharded {
  readonly task: ShardTask;
  readonly note?: string;
}

/** Repositories of an owner on the hub, or of all owners. */
export interface HubOwner {
  readonly kind: HubTarget["kind"];
  /** Undefined for all. */
  readonly owner: string | undefined;
}

/** `hf://[datasets/]owner`, or `hf://[datasets]` for all owners; undefined for any other address. */
export function hubOwner(source: string): HubOwner | undefined {
  const parts = /^hf:\/\/(?:(models|datasets|spaces)(?:\/|$))?([^/@?#]*)\/?$/i.exec(source);
  if (parts === null) return undefined;
  const kind = (parts[1]?.toLowerCase() ?? "models") as HubTarget["kind"];
  const owner = parts[2] ?? "";
  if (owner === "") return { kind, owner: undefined };
  return isRepositoryName(owner) ? { kind, owner } : undefined;
}

/** A client for listings; the token goes to the hub alone. */
export function listingClient(
  endpoint: URL,
  { token = "", networkTimeout }: { readonly token?: string; readonly networkTimeout?: number },
  transport: HttpTransport,
): HttpClient {
  return new HttpClient({
    transport,
    ...(networkTimeout !== undefined && { idleMilliseconds: networkTimeout * 1000 }),
    token: token === "" ? undefined : { value: token, goesTo: (url) => takesToken(endpoint, url) },
  });
}

/** Repositories of a page. The hub gives no more. */
const PAGE = 1000;
/** Pages of one listing. The hub has some three million models. CWE-834. */
const PAGES = 100_000;
/** Repositories of one listing. CWE-770. */
const REPOSITORIES = 20_000_000;
/** Files of a task; of a larger one the worker makes its own listing. The schema's limit. */
const SIBLINGS = 200_000;

/** How repositories become tasks. */
export interface HubShardOptions {
  readonly endpoint: URL;
  readonly client: HttpClient;
  /** Also lists the files of each, by two requests. */
  readonly files: boolean;
  /** Files by the id of a task that has them already. */
  readonly known: (id: string) => readonly ShardSibling[] | undefined;
}

/**
 * Tasks for the repositories of an owner, as jobs that can be done several at a time.
 *
 * @throws SourceError when the listing cannot be had, or is none
 */
export async function* hubJobs(
  { kind, owner }: HubOwner,
  options: HubShardOptions,
): AsyncGenerator<() => Promise<Sharded>> {
  const { endpoint, client } = options;
  const name = `hf://${kind === "models" ? "" : `${kind}/`}${owner ?? ""}`;
  const seen = new Set<string>();
  const visited = new Set<string>();
  const query = [
    ...(owner === undefined ? [] : [`author=${percentEncoded(owner)}`]),
    `limit=${PAGE}&sort=createdAt&direction=-1&expand%5B%5D=sha`,
  ].join("&");
  let next: URL | undefined = new URL(
    `${endpoint.origin}${endpoint.pathname.replace(/\/$/, "")}/api/${kind}?${query}`,
  );
  while (next !== undefined) {
    if (visited.has(next.href) || visited.size >= PAGES || seen.size >= REPOSITORIES) {
      throw invalidAnswer(name, "lists without an end");
    }
    visited.add(next.href);
    const headers = { accept: "application/json" };
    const answer = await answerOf(name, { url: next, headers }, client);
    if (answer.status !== 200) throw storeError(name, answer, client);
    const page = jsonOf(name, answer);
    if (!Array.isArray(page)) throw invalidAnswer(name, "does not answer with a listing");
    for (const entry of page as readonly unknown[]) {
      const { id, sha } = isRecord(entry) ? entry : {};
      if (typeof id !== "string" || !isRepositoryName(id)) {
        throw invalidAnswer(name, "lists what is no name of a repository");
      }
      const isOwn = owner === undefined || id.toLowerCase().startsWith(`${owner.toLowerCase()}/`);
      if (!isOwn) throw invalidAnswer(name, "lists what it was not asked for");
      // A repository that is made meanwhile moves others to the next page.
      if (seen.has(id)) continue;
      seen.add(id);
      const target: HubTarget = {
        type: "hub",
        kind,
        id,
        revision: undefined,
        path: "",
        file: false,
      };
      const commit = typeof sha === "string" && /^[0-9a-f]{40}$/.test(sha) ? sha : undefined;
      yield () => repositoryTask(target, commit, options);
    }
    next = nextOf(name, answer.header("link"), next, endpoint);
  }
}

function nextOf(
  name: string,
  link: string | undefined,
  current: URL,
  endpoint: URL,
): URL | undefined {
  const links = readLinks(link ?? "")?.filter(({ relations }) => relations.includes("next"));
  if (links === undefined || links.length > 1) {
    throw invalidAnswer(name, "continues its list in a way that is not understood");
  }
  const [found] = links;
  if (found === undefined) return undefined;
  if (!URL.canParse(found.target, current.href)) {
    throw invalidAnswer(name, "continues its list at what is no URL");
  }
  const url = new URL(found.target, current);
  if (url.origin !== endpoint.origin) {
    throw invalidAnswer(name, `continues its list at ${url.host}`);
  }
  return url;
}

/**
 * The task for one repository.
 *
 * @param commit as a listing has it; asked for where that is undefined
 */
export async function repositoryTask(
  target: HubTarget,
  commit: string | undefined,
  { endpoint, client, files, known }: HubShardOptions,
): Promise<Sharded> {
  const uri = hubName(target, target.path);
  if (!files && commit !== undefined) {
    return { task: { id: `${uri}@${commit}`, uri, revision: commit } };
  }
  const before = commit === undefined ? undefined : known(`${uri}@${commit}`);
  if (commit !== undefined && before !== undefined) {
    return { task: { id: `${uri}@${commit}`, uri, revision: commit, siblings: before } };
  }
  try {
    const at = commit === undefined ? target : { ...target, revision: commit };
    const found = await listRepository(at, endpoint, client);
    const id = `${uri}@${found.commit}`;
    const task = { id, uri, revision: found.commit };
    // What has no address is reported by the worker, which then lists the repository itself.
    if (!files || found.odd.length > 0 || found.files.length > SIBLINGS) return { task };
    return { task: { ...task, siblings: found.files.map(siblingOf) } };
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    const task = commit === undefined
      ? { id: uri, uri }
      : { id: `${uri}@${commit}`, uri, revision: commit };
    return { task, note: error.message };
  }
}

function siblingOf({ path, size, sha256, blob }: HubFile): ShardSibling {
  return {
    path,
    ...(size !== undefined && { size }),
    ...(sha256 !== undefined && { sha256 }),
    ...(blob !== undefined && { etag: blob }),
  };
}

/** How a bucket becomes tasks. */
interface BucketShardOptions {
  readonly stores: StoreSettings;
  readonly client: HttpClient;
  /** Parts of a key below the path that make one task. */
  readonly depth: number;
}

/**
 * Tasks for the folders of a bucket, and for objects beside them. The objects of one folder are held at a time: stores
 * list by key.
 *
 * @throws SourceError when the listing cannot be had, is none, or is not by key
 */
export async function* bucketTasks(
  target: BucketTarget,
  { stores, client, depth }: BucketShardOptions,
): AsyncGenerator<Sharded> {
  const path = target.path === "" || target.path.endsWith("/") ? target.path : `${target.path}/`;
  const bucket = openBucket({ ...target, path }, stores, client);
  let group: { readonly prefix: string; readonly members: Addressed[] } | undefined;
  const done = new Set<string>();
  for await (const page of objectsOf(bucket)) {
    for (const it of page) {
      const key = "object" in it ? it.object.key : it.key;
      const parts = key.slice(path.length).split("/");
      const prefix = parts.length > depth
        ? `${path}${parts.slice(0, depth).join("/")}/`
        : undefined;
      if (group !== undefined && prefix !== group.prefix) {
        yield folderTask(target, group.prefix, group.members);
        group = undefined;
      }
      if (prefix === undefined) {
        yield objectTask(target, it);
        continue;
      }
      if (group === undefined) {
        if (done.has(prefix)) {
          throw invalidAnswer(storeName(target, path), "does not list in the order of keys");
        }
        done.add(prefix);
        group = { prefix, members: [] };
      }
      // Beyond the limit only the count matters: the worker lists such a folder itself.
      if (group.members.length <= SIBLINGS) group.members.push(it);
    }
  }
  if (group !== undefined) yield folderTask(target, group.prefix, group.members);
}

function objectTask(target: BucketTarget, it: Addressed): Sharded {
  const key = "object" in it ? it.object.key : it.key;
  const uri = storeName(target, key);
  if (!("object" in it)) return { task: { id: uri, uri }, note: `${uri}: ${it.reason}` };
  const { size } = it.object;
  const etag = versionOf(it.object);
  return {
    task: {
      id: etag === undefined ? uri : `${uri}@${etag}`,
      uri,
      ...(etag !== undefined && { etag }),
      ...(size !== undefined && { size }),
    },
  };
}

function folderTask(
  target: BucketTarget,
  prefix: string,
  members: readonly Addressed[],
): Sharded {
  const uri = storeName(target, prefix);
  const siblings: ShardSibling[] = [];
  for (const it of members) {
    // What has no address, or no version, is left to the worker's own listing.
    const etag = "object" in it ? versionOf(it.object) : undefined;
    if (!("object" in it) || etag === undefined || members.length > SIBLINGS) {
      return { task: { id: uri, uri } };
    }
    const { key, size } = it.object;
    siblings.push({ path: key.slice(prefix.length), ...(size !== undefined && { size }), etag });
  }
  const revision = digestOf(siblings);
  return { task: { id: `${uri}@${revision}`, uri, revision, siblings } };
}

/** What changes with the bytes of an object: its entity tag, or its generation. */
function versionOf({ etag, version }: StoredObject): string | undefined {
  return etag ?? version;
}

/** A digest of names, sizes and versions, in place of the commit that a repository has. */
function digestOf(siblings: readonly ShardSibling[]): string {
  const hash = new Sha256();
  const sorted = [...siblings].sort((a, b) => a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
  for (const { path, size, sha256, etag } of sorted) {
    const line = JSON.stringify([path, size ?? null, sha256 ?? null, etag ?? null]);
    hash.update(new TextEncoder().encode(`${line}\n`));
  }
  return hash.digest();
}
