/**
 * Azure Blob Storage.
 * https://learn.microsoft.com/rest/api/storageservices/list-blobs
 *
 * @module
 */

import { ConfigError, FormatError } from "../../core/errors.ts";
import type { HttpClient } from "../../sources/http_client.ts";
import { answerOf, invalidAnswer, sizeOf, storeError } from "./answers.ts";
import type { Bucket, ObjectPage, StoredObject } from "./bucket.ts";
import { endpointUrl, isBelow, keyUrl } from "./endpoint.ts";
import { fromBase64 } from "./gcs.ts";
import { type AzureSettings, lasting } from "./settings.ts";
import { percentEncoded } from "./sigv4.ts";
import { type BucketTarget, storeName } from "./target.ts";
import { leavesOf } from "./xml.ts";

/** The first that marks names which XML cannot hold, and names of files without a content length limit. */
const VERSION = "2021-12-02";
const REMEDY =
  "Set AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN or AZURE_STORAGE_CONNECTION_STRING, of " +
  "something that may list the container and read its blobs.";

/**
 * Opens a container; nothing is sent.
 *
 * @throws ConfigError where no account is named, or the settings are none
 */
export function azureContainer(
  target: BucketTarget,
  settings: AzureSettings,
  client: HttpClient,
): Bucket {
  const { account, key } = settings;
  if (account !== undefined && !/^[a-z0-9]{1,63}$/.test(account)) {
    throw new ConfigError("AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_ACCOUNT names no account");
  }
  if (settings.endpoint === undefined && account === undefined) {
    throw new ConfigError(
      "AZURE_STORAGE_ACCOUNT",
      `Whose container ${storeName(target, "")} is, AZURE_STORAGE_ACCOUNT must say`,
    );
  }
  const endpoint = endpointUrl(
    settings.endpoint ?? `https://${account}.blob.core.windows.net`,
    "the BlobEndpoint of AZURE_STORAGE_CONNECTION_STRING",
  );
  const base = new URL(`${endpoint.href.replace(/\/$/, "")}/${target.bucket}`);
  const signer = key === undefined ? undefined : sharedKey(account ?? "", key);
  const { token } = settings;
  const tokenOf = typeof token === "function"
    ? lasting(token)
    : token && (() => Promise.resolve(token));
  const sas = signer === undefined && tokenOf === undefined
    ? (settings.sas ?? "").replace(/^\?/, "")
    : "";
  client.authorize({
    remedy: REMEDY,
    goesTo: (url) => isBelow(url, base),
    async headers(url, headers) {
      const own = { "x-ms-version": VERSION, "x-ms-date": new Date().toUTCString() };
      if (signer !== undefined) {
        return { ...own, authorization: await signer(url, { ...headers, ...own }) };
      }
      return { ...own, ...(tokenOf && { authorization: `Bearer ${await tokenOf()}` }) };
    },
  });
  return {
    target,
    async page(prefix, next, most) {
      const name = storeName(target, prefix);
      const url = new URL(base);
      url.search = [
        "restype=container&comp=list",
        ...(next !== undefined ? [`marker=${percentEncoded(next)}`] : []),
        ...(most !== undefined ? [`maxresults=${most}`] : []),
        ...(prefix !== "" ? [`prefix=${percentEncoded(prefix)}`] : []),
        ...(sas !== "" ? [sas] : []),
      ].join("&");
      const answer = await answerOf(name, { url, headers: {} }, client);
      if (answer.status !== 200) throw storeError(name, answer, client);
      return readListing(name, answer.text);
    },
    url(object) {
      const url = keyUrl(base, object.key);
      if (url !== undefined && sas !== "") url.search = sas;
      return url;
    },
  };
}

/** @throws SourceError when it is no listing */
function readListing(name: string, text: string): ObjectPage {
  const objects: StoredObject[] = [];
  let key: string | undefined;
  let size: number | undefined;
  let etag: string | undefined;
  let next: string | undefined;
  let isMarked = false;
  try {
    for (const { path, value, attributes } of leavesOf(text)) {
      if (path[0] !== "EnumerationResults") throw new FormatError("no listing");
      switch (path.join("/")) {
        case "EnumerationResults/NextMarker":
          if (isMarked) throw new FormatError("NextMarker stands twice");
          isMarked = true;
          next = value || undefined;
          break;
        case "EnumerationResults/Blobs/Blob/Name":
          key = attributes.get("Encoded") === "true" ? decodeURIComponent(value) : value;
          break;
        case "EnumerationResults/Blobs/Blob/Properties/Content-Length":
          size = sizeOf(value);
          break;
        case "EnumerationResults/Blobs/Blob/Properties/Etag":
          etag = value.replace(/^"|"$/g, "") || undefined;
          break;
        case "EnumerationResults/Blobs/Blob":
          objects.push({ key: key ?? "", size, etag });
          key = size = etag = undefined;
      }
    }
  } catch (error) {
    if (!(error instanceof FormatError || error instanceof URIError)) throw error;
    throw invalidAnswer(name, "does not answer with a listing of blobs");
  }
  // The last page has an empty one.
  if (!isMarked) throw invalidAnswer(name, "does not say where its list goes on");
  return { objects, next };
}

/** https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key */
function sharedKey(
  account: string,
  key: string,
): (url: URL, headers: Readonly<Record<string, string>>) => Promise<string> {
  let secret: Uint8Array<ArrayBuffer>;
  try {
    secret = fromBase64(key);
  } catch {
    throw new ConfigError("AZURE_STORAGE_KEY", "AZURE_STORAGE_KEY is no base64");
  }
  return async (url, headers) => {
    const named = Object.entries(headers).filter(([name]) => name.startsWith("x-ms-"))
      .sort(([a], [b]) => a < b ? -1 : 1).map(([name, value]) => `${name}:${value}`);
    const query = [...url.searchParams].map(([name, value]) => `${name.toLowerCase()}:${value}`)
      .sort();
    const text = [
      // Content-Encoding to If-Unmodified-Since, of which a GET without a body has none.
      "GET" + "\n".repeat(10),
      headers["range"] ?? "",
      ...named,
      `/${account}${url.pathname}`,
      ...query,
    ].join("\n");
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const imported = await crypto.subtle.importKey("raw", secret, algorithm, false, ["sign"]);
    const signature = await crypto.subtle.sign("HMAC", imported, new TextEncoder().encode(text));
    const written = Array.from(new Uint8Array(signature), (it) => String.fromCharCode(it));
    return `SharedKey ${account}:${btoa(written.join(""))}`;
  };
}
