/**
 * Objects of a bucket: pages of its listing, in a way that no answer makes endless, and what a path in it names.
 *
 * @module
 */

import { SourceError } from "../../core/errors.ts";
import { invalidAnswer } from "./answers.ts";
import { type BucketTarget, storeName } from "./target.ts";

/** An object as a listing has it. */
export interface StoredObject {
  readonly key: string;
  /** Undefined where the listing does not say it in a way that can be understood. */
  readonly size: number | undefined;
  /** Entity tag, without quotes. */
  readonly etag?: string | undefined;
  /** What pins this version of the object in its address, where the store has that. */
  readonly version?: string | undefined;
}

/** A page of a listing. */
export interface ObjectPage {
  readonly objects: readonly StoredObject[];
  /** Where the listing goes on; undefined at its end. */
  readonly next: string | undefined;
}

/** One bucket or container. */
export interface Bucket {
  readonly target: BucketTarget;
  /**
   * A page of the objects whose keys begin with a text, in the order of their keys.
   *
   * @param most objects of the page; as many as the store gives unless given
   * @throws SourceError when it cannot be had
   */
  page(prefix: string, next: string | undefined, most?: number): Promise<ObjectPage>;
  /** Where the bytes of an object are; undefined where the parser of addresses makes another key of it. */
  url(object: StoredObject): URL | undefined;
}

/** An object and its address, or why it has none. */
export type Addressed =
  | { readonly object: StoredObject; readonly url: URL }
  | { readonly key: string; readonly reason: string };

/** Objects of one listing. The largest known buckets of models have some millions. CWE-834. */
const OBJECTS = 20_000_000;
/** Pages in a row without an object that lies under the path. S3 and GCS give such where much was deleted. CWE-834. */
const EMPTY_PAGES = 1000;
/** Characters of a key; S3, GCS and Azure allow 1,024 bytes. CWE-770. */
const KEY_CHARACTERS = 4096;
/** Pages of a listing. CWE-834. */
const PAGES = 1_000_000;

/**
 * The objects that the bucket's path names, a page at a time: the one with that key, and those below it. Names of
 * folders, which are empty objects that end in a slash, are left out.
 *
 * @throws SourceError when a page cannot be had, or the listing has no end
 */
export async function* objectsOf(bucket: Bucket): AsyncGenerator<readonly Addressed[]> {
  const { path } = bucket.target;
  if (path !== "" && !path.endsWith("/")) {
    // The shortest key with this beginning is the first of them.
    const { objects } = await bucket.page(path, undefined, 1);
    const exact = objects.filter(({ key }) => key === path);
    if (exact.length > 0) yield exact.map((it) => addressed(bucket, it));
  }
  yield* below(bucket, path === "" || path.endsWith("/") ? path : `${path}/`);
}

async function* below(bucket: Bucket, prefix: string): AsyncGenerator<readonly Addressed[]> {
  const name = storeName(bucket.target, prefix);
  const visited = new Set<string>();
  let count = 0;
  let empty = 0;
  for (let next: string | undefined, first = true; first || next !== undefined; first = false) {
    const page: ObjectPage = await bucket.page(prefix, next);
    const under = page.objects.filter(({ key }) => key.startsWith(prefix));
    if (under.length < page.objects.length) {
      throw invalidAnswer(name, "lists what it was not asked for");
    }
    count += under.length;
    empty = under.length === 0 ? empty + 1 : 0;
    next = page.next;
    const isEndless = count > OBJECTS || empty > EMPTY_PAGES ||
      visited.size > PAGES || (next !== undefined && visited.has(next));
    if (isEndless) throw invalidAnswer(name, "lists without an end");
    if (next !== undefined) visited.add(next);
    yield under.filter(({ key, size }) => !key.endsWith("/") || size !== 0)
      .map((it) => addressed(bucket, it));
  }
}

/** An object with its address. */
export function addressed(bucket: Bucket, object: StoredObject): Addressed {
  const { key } = object;
  if (key === "" || key.length > KEY_CHARACTERS) {
    return { key: key.slice(0, 64), reason: "its listing has an entry that names no object" };
  }
  if (!key.isWellFormed()) return { key, reason: "its name is no Unicode" };
  const url = bucket.url(object);
  if (url === undefined) {
    return { key, reason: "its name has a part . or .., which no address can have" };
  }
  return { object, url };
}

/**
 * The address of an object that cannot be listed, since the store does not allow it.
 *
 * @throws SourceError when it has none
 */
export function unlisted(bucket: Bucket): { readonly object: StoredObject; readonly url: URL } {
  const { path } = bucket.target;
  const found = addressed(bucket, { key: path, size: undefined });
  if ("url" in found) return found;
  const name = storeName(bucket.target, path);
  throw new SourceError(name, `Cannot fetch "${name}": ${found.reason}`);
}
