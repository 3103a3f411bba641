/**
 * What a result may stand for: keys over content, rules, configuration and program.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { withDefaults } from "../../core/limits.ts";
import type { Limits } from "../../core/types.ts";
import { TOOL_VERSION } from "../../core/version.ts";
import { RULES_HASH } from "../../rules/embedded.ts";
import { baseName } from "../../parsers/base_name.ts";
import type { HubFile, HubRepository } from "../../remote/huggingface.ts";
import type { HubTarget } from "../../remote/resolve.ts";
import type { StoredObject } from "../../remote/stores/bucket.ts";
import type { BucketTarget } from "../../remote/stores/target.ts";
import type { ConfigurationTexts } from "../configuration.ts";
import { RESULT_VERSION } from "./failure.ts";
import { isRecord, type Task } from "./task.ts";

/** The key of a result. */
export interface Key {
  /** Lower-case hexadecimal. */
  readonly digest: string;
  readonly parts: {
    /** Which bytes, and by whose word. */
    readonly content: string;
    /** The name by which formats were recognised. */
    readonly name: string;
    readonly rules: string;
    readonly configuration: string;
    readonly engine: string;
  };
}

/** What a key holds besides content and name. */
export type Judges = Omit<Key["parts"], "content" | "name">;

/** What results depend on besides content, rules and program. */
export interface ResultOptions {
  /** Digest of the code that runs; undefined where it is not known. */
  readonly code: string | undefined;
  readonly texts: ConfigurationTexts;
  readonly limits: Partial<Limits>;
  readonly followSymlinks: boolean;
  readonly remoteFull: boolean;
  /** Harmless issues are listed, too. */
  readonly verbose: boolean;
  /** Facts are listed, too. */
  readonly facts: boolean;
}

/** SHA-256 of JSON, in lower-case hexadecimal. */
export function digestOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}

/**
 * The digests of rules, configuration and program.
 *
 * @returns undefined where it is not known which code runs: results have no keys then
 */
export function judgesOf(options: ResultOptions): Judges | undefined {
  const { code } = options;
  if (code === undefined) return undefined;
  const { texts, limits, followSymlinks, remoteFull, verbose, facts } = options;
  // Of a result that is complete no time was spent.
  const { milliseconds: _, ...counts } = withDefaults(limits);
  return {
    rules: RULES_HASH,
    configuration: digestOf([
      texts.files.map(({ path, kind, text }) => [path, kind, text]),
      // Entries of a configuration may end.
      texts.files.length === 0 ? "" : new Date(texts.now).toISOString().slice(0, 10),
      Object.entries(counts).sort(([a], [b]) => a < b ? -1 : 1),
      [followSymlinks, remoteFull, verbose, facts],
    ]),
    engine: `${TOOL_VERSION}/${RESULT_VERSION}/${code}`,
  };
}

/**
 * The key over all of it.
 *
 * @param content which bytes, and by whose word
 * @param name by which formats were recognised
 */
export function keyOf(content: string, name: string, judges: Judges): Key {
  const parts = { content, name, ...judges };
  return { parts, digest: keyDigest(parts) };
}

/** The digest of a key's parts. */
export function keyDigest(parts: Key["parts"]): string {
  const { content, name, rules, configuration, engine } = parts;
  return digestOf([content, name, rules, configuration, engine]);
}

/** True for the parts of a key. */
export function isKeyParts(value: unknown): value is Key["parts"] {
  return isRecord(value) && ["content", "name", "rules", "configuration", "engine"]
    .every((name) => typeof value[name] === "string");
}

/** What is known of a target's content before it is read. */
export interface ContentKeys {
  /** Which bytes, and by whose word. */
  readonly content: string;
  /** Of a file its base name, or its path in the repository; empty for a repository or folder. */
  readonly name: string;
  /** Undefined where the target lies beside nothing. */
  readonly siblingsKey: string | undefined;
}

/**
 * The keys of what is named in a repository, by the hub's ids of the files.
 *
 * @returns undefined where it does not have one of every file
 */
export function hubKeys(
  target: HubTarget,
  { files, odd }: HubRepository,
  endpoint: URL,
): ContentKeys | undefined {
  const hub = hubOf(endpoint);
  const ids = files.map((file) => [file.path, file.size ?? -1, idOf(file)] as const);
  if (odd.length > 0 || ids.some(([, , id]) => id === undefined)) return undefined;
  const { path } = target;
  const own = ids.find(([it]) => it === path);
  if (own !== undefined) {
    const [, size, id] = own;
    // A file is judged with those beside it, by its place among them.
    return { content: `${hub}:${id}:${size}`, name: path, siblingsKey: digestOf([hub, path, ids]) };
  }
  const content = `${hub}:tree:${digestOf([path, ids])}`;
  return { content, name: "", siblingsKey: undefined };
}

/** The keys of what is named in a repository at a commit, whose files are not known. */
export function commitKeys(target: HubTarget, commit: string, endpoint: URL): ContentKeys {
  const { kind, id, path } = target;
  const content = `${hubOf(endpoint)}:commit:${kind}/${id}@${commit}:${path}`;
  return { content, name: path, siblingsKey: undefined };
}

/** Whose word ids are: two hubs may give one id to different bytes. */
function hubOf(endpoint: URL): string {
  return `hf:${endpoint.origin}${endpoint.pathname.replace(/\/$/, "")}`;
}

/** The hub's own id of what a file holds. */
function idOf({ sha256, blob }: HubFile): string | undefined {
  return sha256 === undefined ? blob && `blob:${blob}` : `sha256:${sha256}`;
}

/**
 * The keys of objects of a bucket, which hold for their addresses alone: an entity tag is what the store makes it.
 * Google's generations and Azure's tags are new with every write. A tag of S3 is often an MD5 of the content, and
 * a writer can make two objects of one MD5 and size: it is no key.
 *
 * @param endpoint of the store, empty for the cloud's own
 * @returns undefined where not all are known at their versions
 */
export function storeKeys(
  target: BucketTarget,
  objects: readonly StoredObject[] | undefined,
  endpoint: string,
): ContentKeys | undefined {
  if (objects === undefined) return undefined;
  if (target.scheme === "s3" && objects.some(({ version }) => version === undefined)) {
    return undefined;
  }
  const ids = objects.map(({ key, size, etag, version }) => [key, size ?? -1, etag, version]);
  const { scheme, bucket, path } = target;
  const isOne = objects.length === 1 && objects[0]?.key === path;
  const content = `store:${digestOf([endpoint, scheme, bucket, path, ids])}`;
  return { content, name: isOne ? baseName(path) : "", siblingsKey: undefined };
}

/**
 * The keys of a file on a web server, which hold for its address alone: what a server says of its files
 * says nothing of those of others. A digest alone is no key: it is not compared with a file of which ranges are read.
 *
 * @returns undefined where nothing pins the content
 */
export function webKeys(
  url: URL,
  { etag, sha256, size }: Pick<Task, "etag" | "sha256" | "size">,
): ContentKeys | undefined {
  // A weak one may be equal though bytes differ: RFC 9110, 8.8.1.
  const strong = etag === undefined || etag.startsWith("W/") ? undefined : etag;
  if (strong === undefined) return undefined;
  const content = `url:${digestOf([url.href, strong, sha256 ?? null, size ?? null])}`;
  return { content, name: baseName(url.pathname), siblingsKey: undefined };
}
