/**
 * The hub's programming interface, as far as reading files needs it: which commit a revision is, which
 * files there are, and where their bytes lie.
 * https://huggingface.co/docs/hub/api, https://huggingface.co/.well-known/openapi.json
 *
 * @module
 */

import { SourceError } from "../core/errors.ts";
import {
  type HttpClient,
  type HttpReply,
  PassingError,
  statusError,
} from "../sources/http_client.ts";
import { codingsOf, readAtMost } from "../sources/http_stream.ts";
import { readLinks } from "./links.ts";
import type { HubTarget } from "./resolve.ts";

/** A file of a repository. */
export interface HubFile {
  readonly path: string;
  /** Undefined where the hub does not say it in a way that can be understood. */
  readonly size: number | undefined;
  /** SHA-256 in lower-case hexadecimal, which the hub has of files in its large storage. */
  readonly sha256?: string;
  /** Git's id of the blob, in lower-case hexadecimal: of a file in large storage that of its pointer. */
  readonly blob?: string;
}

/** A repository at one commit. */
export interface HubRepository {
  /** The commit, so that a push meanwhile cannot separate listing and files. */
  readonly commit: string;
  /** All files of it, by path. */
  readonly files: readonly HubFile[];
  /** Entries that are no address of a file, as they are to be shown, and why. */
  readonly odd: readonly { readonly path: string; readonly reason: string }[];
}

/**
 * Pages of a listing that are followed. A page has up to 1,000 files, and the hub recommends fewer than
 * 100,000 a repository. CWE-834.
 */
const PAGES = 1000;
/** Files of a repository. The hub recommends fewer than 100,000. CWE-770. */
const FILES = 200_000;
/** Bytes of one response of the hub. No longer one is known. CWE-770. */
const ANSWER_BYTES = 32 * 1024 * 1024;

/** How a target is written in reports. */
export function hubName(target: HubTarget, path: string): string {
  const kind = target.kind === "models" ? "" : `${target.kind}/`;
  const revision = target.revision === undefined
    ? ""
    : `@${target.revision.replaceAll("/", "%2F")}`;
  return `hf://${kind}${target.id}${revision}${path === "" ? "" : `/${path}`}`;
}

/** Where the bytes of a file are. */
export function fileUrl(endpoint: URL, target: HubTarget, revision: string, path: string): URL {
  const kind = target.kind === "models" ? "" : `${target.kind}/`;
  const file = path.split("/").map(encodeURIComponent).join("/");
  return below(endpoint, `${kind}${target.id}/resolve/${encodeURIComponent(revision)}/${file}`);
}

/**
 * True for an address to which the hub's token may go: its interface, and the files of repositories.
 *
 * @param url of any request or redirect
 */
export function takesToken(endpoint: URL, url: URL): boolean {
  if (url.origin !== endpoint.origin) return false;
  const prefix = endpoint.pathname.replace(/\/$/, "");
  if (!url.pathname.startsWith(`${prefix}/`)) return false;
  return /^(?:api|(?:(?:models|datasets|spaces)\/)?[^/]+(?:\/[^/]+)?\/(?:resolve|raw))\//.test(
    url.pathname.slice(prefix.length + 1),
  );
}

function below(endpoint: URL, path: string): URL {
  return new URL(`${endpoint.origin}${endpoint.pathname.replace(/\/$/, "")}/${path}`);
}

/**
 * Lists a repository.
 *
 * @throws SourceError when it cannot be had or the hub answers with something else
 */
export async function listRepository(
  target: HubTarget,
  endpoint: URL,
  client: HttpClient,
): Promise<HubRepository> {
  const name = hubName(target, "");
  const api = `api/${target.kind}/${target.id}`;
  const revision = encodeURIComponent(target.revision ?? "main");
  const info = await getJson(name, below(endpoint, `${api}/revision/${revision}`), client);
  const sha = isRecord(info.value) ? info.value["sha"] : undefined;
  if (typeof sha !== "string" || !/^[0-9a-f]{7,64}$/i.test(sha)) {
    throw invalidListing(name, "does not name the commit");
  }
  const listed = new Map<string, HubFile>();
  const odd: { path: string; reason: string }[] = [];
  const add = (entry: unknown, isSibling: boolean): void => {
    const found = fileOf(entry, isSibling);
    if (found === "folder") return;
    if (listed.size + odd.length >= FILES) {
      throw invalidListing(name, `lists more than ${FILES} files`);
    }
    if ("reason" in found) odd.push(found);
    // Who lists a file twice may mean either; of what is said of it only what agrees counts.
    else listed.set(found.path, agreed(listed.get(found.path), found));
  };
  const visited = new Set<string>();
  let next: URL | undefined = below(endpoint, `${api}/tree/${sha}?recursive=true`);
  while (next !== undefined) {
    if (visited.has(next.href) || visited.size >= PAGES) {
      throw invalidListing(name, "lists without an end");
    }
    visited.add(next.href);
    const page = await getJson(name, next, client);
    if (!Array.isArray(page.value)) throw invalidListing(name, "lists no files");
    for (const entry of page.value as readonly unknown[]) add(entry, false);
    next = nextPage(page.link, next, endpoint, name);
  }
  // The hub's own client downloads these.
  const siblings = isRecord(info.value) ? info.value["siblings"] : undefined;
  if (Array.isArray(siblings)) {
    for (const entry of siblings as readonly unknown[]) {
      const path = isRecord(entry) ? entry["rfilename"] : undefined;
      if (typeof path !== "string" || !listed.has(path)) add({ path }, true);
    }
  } else if (siblings !== undefined && siblings !== null) {
    throw invalidListing(name, "names its files in a way that is not understood");
  }
  const files = [...listed.values()].sort((a, b) => a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
  return { commit: sha, files, odd };
}

function agreed(one: HubFile | undefined, other: HubFile): HubFile {
  if (one === undefined) return other;
  const { path } = other;
  const size = one.size === other.size ? one.size : undefined;
  return {
    path,
    size,
    ...(one.sha256 === other.sha256 && one.sha256 && { sha256: one.sha256 }),
    ...(one.blob === other.blob && one.blob && { blob: one.blob }),
  };
}

/**
 * What an entry of a listing is. Whatever has a path and is no folder counts as a file: that its own address is asked
 * for shows what it is.
 */
function fileOf(
  entry: unknown,
  isSibling: boolean,
): HubFile | "folder" | { readonly path: string; readonly reason: string } {
  if (!isRecord(entry)) return { path: "", reason: "its listing has an entry that names no file" };
  const { path, size, lfs, type } = entry;
  if (type === "directory" && typeof path === "string" && path !== "") return "folder";
  if (typeof path !== "string" || path === "") {
    return { path: "", reason: "its listing has an entry that names no file" };
  }
  const reason = unaddressable(path);
  if (reason !== undefined) return { path, reason };
  if (isSibling) return { path, size: undefined };
  // A file in large storage has its own size there; `size` is that of its pointer in old answers.
  const large = isRecord(lfs) ? lfs["size"] : undefined;
  const bytes = typeof large === "number" ? large : size;
  const isSize = typeof bytes === "number" && Number.isSafeInteger(bytes) && bytes >= 0;
  // "oid" of the entry itself is git's, of the blob with its header.
  const hash = isRecord(lfs) ? lfs["oid"] ?? lfs["sha256"] : undefined;
  const known = typeof hash === "string" && /^[0-9a-f]{64}$/.test(hash);
  const { oid } = entry;
  const isBlob = typeof oid === "string" && /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(oid);
  return {
    path,
    size: isSize ? bytes : undefined,
    ...(known && { sha256: hash }),
    ...(isBlob && { blob: oid }),
  };
}

/** Why a path cannot be asked for; undefined for one that can. Clients, too, leave `.` and `..` out of addresses. */
function unaddressable(path: string): string | undefined {
  if (!path.isWellFormed()) return "its name is no Unicode, so that nothing can ask for it";
  if (path.split(/[/\\]/).some((it) => it === "..")) return "its name leads out of the repository";
  return undefined;
}

/** Where the listing goes on. */
function nextPage(
  link: string | undefined,
  current: URL,
  endpoint: URL,
  name: string,
): URL | undefined {
  const links = readLinks(link ?? "");
  if (links === undefined) {
    throw invalidListing(name, "continues its list in a way that is not understood");
  }
  const nexts = links.filter(({ relations }) => relations.includes("next"));
  if (nexts.length > 1) throw invalidListing(name, "continues its list at two places");
  const [found] = nexts;
  if (found === undefined) return undefined;
  let url: URL;
  try {
    url = new URL(found.target, current);
  } catch {
    throw invalidListing(name, "continues its list at what is no URL");
  }
  if (url.origin !== endpoint.origin) {
    throw invalidListing(name, `continues its list at ${url.host}`);
  }
  return url;
}

function invalidListing(name: string, problem: string): SourceError {
  return new SourceError(name, `Cannot list "${name}": the hub ${problem}`, {
    remedy: "Check HF_ENDPOINT, or download the repository and scan its folder.",
  });
}

async function getJson(
  name: string,
  url: URL,
  client: HttpClient,
): Promise<{ readonly value: unknown; readonly link: string | undefined }> {
  return await client.get(name, url, { accept: "application/json" }, async (reply) => {
    if (reply.status !== 200) {
      reply.close();
      throw repositoryError(name, reply, client);
    }
    if (codingsOf(reply).length > 0) {
      throw invalidListing(name, "encodes its answer though nothing asked for that");
    }
    const bytes = await readAtMost(reply, ANSWER_BYTES);
    if (bytes === undefined) {
      throw invalidListing(name, `answers with more than ${ANSWER_BYTES} bytes`);
    }
    const announced = Number(reply.header("content-length") ?? bytes.length);
    if (bytes.length < announced) {
      throw new PassingError(`${bytes.length} of ${announced} bytes came`);
    }
    try {
      const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
      return { value, link: reply.header("link") };
    } catch {
      throw invalidListing(name, "does not answer in JSON");
    }
  });
}

/** The hub says 401 for what does not exist, so that nothing learns which private names there are. */
function repositoryError(name: string, reply: HttpReply, client: HttpClient): SourceError {
  const { status } = reply;
  const missing = /RepoNotFound|RevisionNotFound/i.exec(reply.header("x-error-code") ?? "")?.[0];
  if (missing === undefined && status !== 404) return statusError(name, reply, client);
  const missingKind = /revision/i.test(missing ?? "") ? "revision" : "repository";
  const message = `Cannot list "${name}": there is no such ${missingKind} (HTTP ${status})`;
  return new SourceError(name, message, {
    failure: { kind: "not-found", passing: false },
    remedy: client.sendsToken(reply.url)
      ? "Check its name, and whether the token in HF_TOKEN may see it."
      : "Check its name; if it is private or gated set HF_TOKEN.",
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
