/**
 * Opens buckets of all kinds, and lists one as a scan needs it.
 *
 * @module
 */

import type { HttpClient } from "../../sources/http_client.ts";
import { invalidAnswer, StoreError } from "./answers.ts";
import { azureContainer } from "./azure.ts";
import {
  type Addressed,
  addressed,
  type Bucket,
  objectsOf,
  type StoredObject,
  unlisted,
} from "./bucket.ts";
import { gcsBucket } from "./gcs.ts";
import { s3Bucket } from "./s3.ts";
import type { StoreSettings } from "./settings.ts";
import { type BucketTarget, storeName } from "./target.ts";

/** Objects of one scan; `modelaudit shard` splits what has more. CWE-770. */
const OBJECTS = 200_000;

/** Codes of S3 and Azure for credentials that are none, with which nothing else can be had either. */
const WRONG_CREDENTIALS = /Signature|AccessKeyId|Authentication|Token|TimeTooSkewed/;

/**
 * Opens a bucket or container; nothing is sent.
 *
 * @throws ConfigError for settings that are none
 */
export function openBucket(
  target: BucketTarget,
  settings: StoreSettings,
  client: HttpClient,
): Bucket {
  switch (target.scheme) {
    case "s3":
      return s3Bucket(target, settings.s3 ?? {}, client);
    case "gs":
      return gcsBucket(target, settings.gcs ?? {}, client);
    case "az":
      return azureContainer(target, settings.azure ?? {}, client);
  }
}

/** Objects with their addresses, and what has none. */
interface Listed {
  readonly files: readonly { readonly object: StoredObject; readonly url: URL }[];
  readonly odd: readonly { readonly key: string; readonly reason: string }[];
}

/**
 * All objects that a path names, by key.
 *
 * @throws SourceError when they cannot be had or are too many
 * @throws ConfigError for settings that are none
 */
export async function listBucket(
  target: BucketTarget,
  settings: StoreSettings,
  client: HttpClient,
): Promise<Listed> {
  const bucket = openBucket(target, settings, client);
  const files = new Map<string, { readonly object: StoredObject; readonly url: URL }>();
  const odd: { key: string; reason: string }[] = [];
  const add = (it: Addressed): void => {
    if ("reason" in it) {
      odd.push(it);
      return;
    }
    const { key } = it.object;
    const known = files.get(key);
    // Of what is said twice of an object only what agrees counts.
    files.set(key, known === undefined ? it : { ...it, object: agreed(known.object, it.object) });
  };
  try {
    for await (const page of objectsOf(bucket)) {
      for (const it of page) add(it);
      if (files.size + odd.length > OBJECTS) {
        throw invalidAnswer(storeName(target, target.path), `lists more than ${OBJECTS} objects`);
      }
    }
  } catch (error) {
    // Who may get an object need not be allowed to list its bucket.
    const isForbidden = error instanceof StoreError && error.status === 403 &&
      !WRONG_CREDENTIALS.test(error.code ?? "");
    const { path } = target;
    if (!isForbidden || files.size > 0 || path === "" || path.endsWith("/")) throw error;
    return { files: [unlisted(bucket)], odd };
  }
  const sorted = [...files.values()]
    .sort(({ object: a }, { object: b }) => a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
  return { files: sorted, odd };
}

/**
 * The same for objects that are known.
 *
 * @throws ConfigError for settings that are none
 */
export function addressObjects(
  target: BucketTarget,
  objects: readonly StoredObject[],
  settings: StoreSettings,
  client: HttpClient,
): Listed {
  const bucket = openBucket(target, settings, client);
  const all = objects.map((it) => addressed(bucket, it));
  return {
    files: all.filter((it) => "url" in it),
    odd: all.filter((it) => "reason" in it),
  };
}

function agreed(one: StoredObject, other: StoredObject): StoredObject {
  return {
    key: one.key,
    size: one.size === other.size ? one.size : undefined,
    etag: one.etag === other.etag ? one.etag : undefined,
    version: one.version === other.version ? one.version : undefined,
  };
}
