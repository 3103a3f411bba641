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
import type { HubTarget } from "./resolve.ts";

/** A file of a repository. */
export interface HubFile {
  readonly path: string;
  readonly size: number;
  /** SHA-256 in lower-case hexadecimal, which the hub has of files in its large storage. */
  readonly sha256?: string;
}

/** A repository at one commit. */
interface HubRepository {
  readonly target: HubTarget;
  /** The commit, so that a push meanwhile cannot separate listing and files. */
  readonly commit: string;
  /** All files of it, by path. */
  readonly files: readonly HubFile[];
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

/**
 * Files that no loader reads by itself: documents, pictures, sound. Any other file may be a model under
 * any name.
 */
const INERT =
  /(?:^|\/)(?:\.gitattributes|\.gitignore|licen[cs]e|notice)$|\.(?:md|rst|txt|pdf|png|jpe?g|gif|webp|svg|ico|bmp|mp4|webm|mov|mp3|wav|flac|ogg|csv|tsv|css|woff2?|ttf)$/i;

/**
 * True for a file that `--hf` leaves unread, unless a configuration names it; `--hf-scan-all` reads
 * these too.
 */
export function isInert(path: string): boolean {
  return INERT.test(path) && !/(?:^|\/)(?=[^/]*\.txt$)[^/]*?template/i.test(path);
}

/** JSON that names words of a language, however long it is, and no files. */
const VOCABULARY = /(?:^|\/)(?:tokenizer|vocab)\.json$/;

/** True for a file that may tell a loader which files to load: an index of shards, a configuration. */
export function mayNameFiles(path: string): boolean {
  return path.endsWith(".json") && !VOCABULARY.test(path);
}

/**
 * Whether a configuration has a text in it that ends in the file's own name. Loaders read a file that
 * an index or a configuration names as weights, under any name.
 *
 * @param json the file's text
 */
export function namesFile(json: string, path: string): boolean {
  const name = JSON.stringify(path.slice(path.lastIndexOf("/") + 1)).slice(1);
  // What is written with escapes may be any name.
  return json.includes(name) || /\\u00[2-7][0-9a-f]/i.test(json);
}

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
  const files: HubFile[] = [];
  const visited = new Set<string>();
  let next: URL | undefined = below(endpoint, `${api}/tree/${sha}?recursive=true`);
  while (next !== undefined) {
    if (visited.has(next.href) || visited.size >= PAGES) {
      throw invalidListing(name, "lists without an end");
    }
    visited.add(next.href);
    const page = await getJson(name, next, client);
    if (!Array.isArray(page.value)) throw invalidListing(name, "lists no files");
    for (const entry of page.value as readonly unknown[]) {
      const file = fileOf(entry);
      if (file === undefined) continue;
      if (files.length >= FILES) throw invalidListing(name, `lists more than ${FILES} files`);
      files.push(file);
    }
    next = nextPage(page.link, next, endpoint, name);
  }
  files.sort((a, b) => a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
  return { target, commit: sha, files };
}

function fileOf(entry: unknown): HubFile | undefined {
  if (!isRecord(entry) || entry["type"] !== "file") return undefined;
  const { path, size, lfs } = entry;
  if (typeof path !== "string" || path === "") return undefined;
  if (path.split("/").some((it) => it === "" || it === "." || it === "..")) return undefined;
  // A file in large storage has its own size there; `size` is that of its pointer in old answers.
  const large = isRecord(lfs) ? lfs["size"] : undefined;
  const bytes = typeof large === "number" ? large : size;
  if (typeof bytes !== "number" || !Number.isSafeInteger(bytes) || bytes < 0) return undefined;
  // "oid" of the entry itself is git's, of the blob with its header.
  const hash = isRecord(lfs) ? lfs["oid"] ?? lfs["sha256"] : undefined;
  const known = typeof hash === "string" && /^[0-9a-f]{64}$/.test(hash);
  return { path, size: bytes, ...(known && { sha256: hash }) };
}

/** https://www.rfc-editor.org/rfc/rfc8288: `<https://…>; rel="next"`. */
function nextPage(
  link: string | undefined,
  current: URL,
  endpoint: URL,
  name: string,
): URL | undefined {
  const found = /<([^>]*)>\s*;[^,]*\brel="?next"?/i.exec(link ?? "")?.[1];
  if (found === undefined) return undefined;
  let url: URL;
  try {
    url = new URL(found, current);
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
      throw repositoryError(name, reply, client.sendsToken(url));
    }
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of reply.body) {
      length += chunk.length;
      if (length > ANSWER_BYTES) {
        throw invalidListing(name, `answers with more than ${ANSWER_BYTES} bytes`);
      }
      chunks.push(chunk);
    }
    const announced = Number(reply.header("content-length") ?? length);
    if (length < announced) throw new PassingError(`${length} of ${announced} bytes came`);
    const bytes = new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
    try {
      const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
      return { value, link: reply.header("link") };
    } catch {
      throw invalidListing(name, "does not answer in JSON");
    }
  });
}

/** The hub says 401 for what does not exist, so that nothing learns which private names there are. */
function repositoryError(name: string, reply: HttpReply, withToken: boolean): SourceError {
  const { status } = reply;
  const missing = /RepoNotFound|RevisionNotFound/i.exec(reply.header("x-error-code") ?? "")?.[0];
  if (missing === undefined && status !== 404) return statusError(name, reply, withToken);
  const missingKind = /revision/i.test(missing ?? "") ? "revision" : "repository";
  const message = `Cannot list "${name}": there is no such ${missingKind} (HTTP ${status})`;
  return new SourceError(name, message, {
    remedy: withToken
      ? "Check its name, and whether the token in HF_TOKEN may see it."
      : "Check its name; if it is private or gated set HF_TOKEN.",
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
