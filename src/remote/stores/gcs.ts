/**
 * Google Cloud Storage by its JSON interface.
 * https://cloud.google.com/storage/docs/json_api/v1/objects/list
 *
 * @module
 */

import { ConfigError } from "../../core/errors.ts";
import type { HttpClient } from "../../sources/http_client.ts";
import { answerOf, invalidAnswer, isRecord, jsonOf, sizeOf, storeError } from "./answers.ts";
import type { Bucket, StoredObject } from "./bucket.ts";
import { endpointUrl, isBelow } from "./endpoint.ts";
import { type GcsSettings, type Lasting, lasting, type ServiceAccount } from "./settings.ts";
import { percentEncoded } from "./sigv4.ts";
import { type BucketTarget, storeName } from "./target.ts";

const GOOGLE = "https://storage.googleapis.com";
const REMEDY =
  "Set GOOGLE_APPLICATION_CREDENTIALS to the key of an account that may list the bucket and get its objects, or " +
  "GOOGLE_OAUTH_ACCESS_TOKEN.";
/** Seconds for which a token of one's own making is valid; Google allows an hour. */
const TOKEN_SECONDS = 3600;

/**
 * Opens a bucket; nothing is sent.
 *
 * @throws ConfigError for an endpoint that is none
 */
export function gcsBucket(
  target: BucketTarget,
  settings: GcsSettings,
  client: HttpClient,
): Bucket {
  const endpoint = endpointUrl(settings.endpoint ?? GOOGLE, "STORAGE_EMULATOR_HOST");
  const base = new URL(
    `${endpoint.href.replace(/\/$/, "")}/storage/v1/b/${percentEncoded(target.bucket)}`,
  );
  const tokenOf = tokenSupply(settings);
  client.authorize({
    remedy: REMEDY,
    goesTo: (url) => isBelow(url, base),
    headers: async () =>
      tokenOf === undefined ? {} : { authorization: `Bearer ${await tokenOf()}` },
  });
  return {
    target,
    async page(prefix, next, most) {
      const name = storeName(target, prefix);
      const url = new URL(`${base.href}/o`);
      url.search = [
        `fields=${percentEncoded("nextPageToken,items(name,size,generation,contentEncoding)")}`,
        ...(next !== undefined ? [`pageToken=${percentEncoded(next)}`] : []),
        ...(most !== undefined ? [`maxResults=${most}`] : []),
        ...(prefix !== "" ? [`prefix=${percentEncoded(prefix)}`] : []),
      ].join("&");
      const answer = await answerOf(name, { url, headers: {} }, client);
      if (answer.status !== 200) throw storeError(name, answer, client);
      const page = jsonOf(name, answer);
      const items = isRecord(page) ? page["items"] ?? [] : undefined;
      if (!isRecord(page) || !Array.isArray(items)) {
        throw invalidAnswer(name, "does not answer with a listing of objects");
      }
      const token = page["nextPageToken"];
      if (token !== undefined && typeof token !== "string") {
        throw invalidAnswer(name, "does not say where its list goes on");
      }
      return { objects: (items as readonly unknown[]).map(objectOf), next: token || undefined };
    },
    url({ key, version }) {
      // One part of the path, whatever slashes it has.
      if (key === "." || key === "..") return undefined;
      const url = new URL(`${base.href}/o/${percentEncoded(key)}`);
      url.search = `alt=media${version === undefined ? "" : `&generation=${version}`}`;
      return url;
    },
  };
}

function objectOf(item: unknown): StoredObject {
  const { name, size, generation, contentEncoding } = isRecord(item) ? item : {};
  const version = typeof generation === "string" && /^\d{1,20}$/.test(generation)
    ? generation
    : undefined;
  return {
    key: typeof name === "string" ? name : "",
    // The size of what is stored; what is sent is decoded.
    size: contentEncoding === undefined || contentEncoding === "" ? sizeOf(size) : undefined,
    version,
  };
}

function tokenSupply(
  { token, account }: GcsSettings,
): (() => Promise<string>) | undefined {
  if (typeof token === "function") return lasting(token);
  if (token !== undefined) return () => Promise.resolve(token);
  return account && lasting(() => selfSigned(account));
}

/** A token that the account itself signs, so that nothing has to be asked for one. https://google.aip.dev/auth/4111 */
async function selfSigned(account: ServiceAccount): Promise<Lasting<string>> {
  const from = Math.floor(Date.now() / 1000);
  const header = { alg: "RS256", typ: "JWT", ...(account.keyId && { kid: account.keyId }) };
  const claims = {
    iss: account.clientEmail,
    sub: account.clientEmail,
    scope: "https://www.googleapis.com/auth/devstorage.read_only",
    iat: from,
    exp: from + TOKEN_SECONDS,
  };
  const text = `${base64Url(encode(JSON.stringify(header)))}.${
    base64Url(encode(JSON.stringify(claims)))
  }`;
  const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  let key: CryptoKey;
  try {
    const der = fromBase64(account.privateKey.replace(/-----[A-Z ]+-----|\s/g, ""));
    key = await crypto.subtle.importKey("pkcs8", der, algorithm, false, ["sign"]);
  } catch {
    throw new ConfigError(
      "GOOGLE_APPLICATION_CREDENTIALS",
      "The private key of the service account is no RSA key in PKCS #8",
    );
  }
  const signature = new Uint8Array(await crypto.subtle.sign(algorithm, key, encode(text)));
  return { value: `${text}.${base64Url(signature)}`, expires: (from + TOKEN_SECONDS) * 1000 };
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function base64Url(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (it) => String.fromCharCode(it)).join(""))
    .replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** Bytes of base64. @throws DOMException for what is none */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (it) => it.charCodeAt(0));
}
