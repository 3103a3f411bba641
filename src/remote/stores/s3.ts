/**
 * Amazon S3 and what is compatible with it.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import type { HttpClient } from "../../sources/http_client.ts";
import { type Answer, answerOf, invalidAnswer, sizeOf, storeError } from "./answers.ts";
import type { Bucket, ObjectPage, StoredObject } from "./bucket.ts";
import { endpointUrl, isBelow, keyUrl } from "./endpoint.ts";
import { lasting, type S3Keys, type S3Settings } from "./settings.ts";
import { percentEncoded, signV4 } from "./sigv4.ts";
import { type BucketTarget, storeName } from "./target.ts";
import { leavesOf } from "./xml.ts";

const REMEDY =
  "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, of a user who may list the bucket and get its " +
  "objects; AWS_ENDPOINT_URL for a store that is not AWS.";
/** https://docs.aws.amazon.com/general/latest/gr/s3.html */
const REGION = /^[a-z]{2}(?:-[a-z]+)+-\d$/;

/** Opens a bucket; nothing is sent. */
export function s3Bucket(
  target: BucketTarget,
  settings: S3Settings,
  client: HttpClient,
): Bucket {
  const { bucket } = target;
  const own = settings.endpoint === undefined
    ? undefined
    : endpointUrl(settings.endpoint, "AWS_ENDPOINT_URL");
  let region = settings.region ?? "us-east-1";
  const base = (): URL => own === undefined ? amazon(bucket, region) : below(own, bucket);
  const keysOf = keySupply(settings.keys);
  if (keysOf !== undefined) {
    client.authorize({
      remedy: REMEDY,
      goesTo: (url) =>
        own === undefined ? regionOf(url, bucket) !== undefined : isBelow(url, below(own, bucket)),
      headers: async (url, headers) =>
        await signV4({
          url,
          headers,
          keys: await keysOf(),
          region: own === undefined ? regionOf(url, bucket) ?? region : region,
          service: "s3",
          now: Date.now(),
        }),
    });
  } else {
    client.authorize({
      remedy: REMEDY,
      goesTo: (url) => isBelow(url, base()),
      headers: () => Promise.resolve({}),
    });
  }
  return {
    target,
    async page(prefix, next, most) {
      const name = storeName(target, prefix);
      const ask = async (): Promise<Answer> => {
        const url = new URL(base());
        if (!url.pathname.endsWith("/")) url.pathname += "/";
        const query: Record<string, string> = {
          "list-type": "2",
          ...(next !== undefined && { "continuation-token": next }),
          ...(most !== undefined && { "max-keys": String(most) }),
          ...(prefix !== "" && { prefix }),
        };
        url.search = Object.entries(query)
          .map(([key, value]) => `${key}=${percentEncoded(value)}`).join("&");
        return await answerOf(name, { url, headers: {} }, client);
      };
      let answer = await ask();
      const place = answer.header("x-amz-bucket-region") ?? "";
      if (answer.status !== 200 && own === undefined && place !== region && REGION.test(place)) {
        region = place;
        answer = await ask();
      }
      if (answer.status !== 200) throw storeError(name, answer, client);
      return readListing(name, answer.text);
    },
    url: ({ key }) => keyUrl(base(), key),
  };
}

function keySupply(keys: S3Settings["keys"]): (() => Promise<S3Keys>) | undefined {
  if (typeof keys === "function") return lasting(keys);
  return keys && (() => Promise.resolve(keys));
}

/** A bucket of AWS. With a dot in its name, no certificate covers it as a host. */
function amazon(bucket: string, region: string): URL {
  const domain = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  return bucket.includes(".") || bucket !== bucket.toLowerCase() || bucket.includes("_")
    ? new URL(`https://s3.${region}.${domain}/${bucket}`)
    : new URL(`https://${bucket}.s3.${region}.${domain}/`);
}

/** The region of an address of a bucket of AWS; undefined for any other address, which gets no signature. */
function regionOf(url: URL, bucket: string): string | undefined {
  if (url.protocol !== "https:" || url.port !== "") return undefined;
  const found = /^(?:(.+)\.)?s3[.-]([a-z\d-]+)\.amazonaws\.com(?:\.cn)?$/.exec(url.hostname);
  const region = found?.[2];
  if (found === null || region === undefined || !REGION.test(region)) return undefined;
  if (found[1] !== undefined) return found[1] === bucket.toLowerCase() ? region : undefined;
  return isBelow(url, new URL(`${url.origin}/${bucket}`)) ? region : undefined;
}

function below(endpoint: URL, bucket: string): URL {
  return new URL(`${endpoint.href.replace(/\/$/, "")}/${bucket}`);
}

/** @throws SourceError when it is no listing */
function readListing(name: string, text: string): ObjectPage {
  const objects: StoredObject[] = [];
  const fields = new Map<string, string>();
  try {
    for (const { path, value } of leavesOf(text)) {
      const [root, element, field] = path;
      if (root !== "ListBucketResult") throw new FormatError("no listing");
      if (path.length === 2 && element !== undefined) {
        if (fields.has(element)) throw new FormatError(`${element} stands twice`);
        fields.set(element, value);
      }
      if (element === "Contents" && path.length === 3 && field !== undefined) {
        if (fields.has(`/${field}`) && field !== "ChecksumAlgorithm") {
          throw new FormatError(`${field} stands twice`);
        }
        fields.set(`/${field}`, value);
      }
      if (element === "Contents" && path.length === 2) {
        const key = fields.get("/Key");
        if (key === undefined) throw new FormatError("an object has no key");
        const etag = fields.get("/ETag")?.replace(/^"|"$/g, "");
        objects.push({ key, size: sizeOf(fields.get("/Size")), ...(etag && { etag }) });
        for (const it of [...fields.keys()]) {
          if (it.startsWith("/") || it === "Contents") fields.delete(it);
        }
      }
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw invalidAnswer(name, "does not answer with a listing of objects");
  }
  const encoding = fields.get("EncodingType") ?? "";
  if (encoding !== "") throw invalidAnswer(name, "encodes names though nothing asked for that");
  const truncated = fields.get("IsTruncated")?.trim();
  const next = truncated === "false" ? undefined : fields.get("NextContinuationToken") || undefined;
  if (truncated !== "false" && next === undefined) {
    throw invalidAnswer(name, "does not say where its list goes on");
  }
  return { objects, next };
}
