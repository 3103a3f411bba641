/**
 * AWS Signature Version 4 for requests without a body.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 *
 * Eighty lines over WebCrypto instead of a package: aws4fetch takes a plus sign in a path for a space and leaves Range
 * unsigned, the SDK has ten megabytes, and both bring a client of their own besides the one here, which checks
 * addresses, redirects and paces.
 *
 * @module
 */

import type { S3Keys } from "./settings.ts";

/** What is signed. */
interface Signed {
  readonly url: URL;
  /** Headers besides Host; of these Range and those that begin with `x-amz-` are signed. Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly keys: S3Keys;
  readonly region: string;
  readonly service: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** SHA-256 of nothing. */
const EMPTY_BODY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** The headers that sign a GET request. */
export async function signV4(signed: Signed): Promise<Record<string, string>> {
  const { url, keys, region, service } = signed;
  const time = new Date(signed.now).toISOString().replace(/[-:]|\.\d+/g, "");
  const own: Record<string, string> = {
    "x-amz-content-sha256": EMPTY_BODY,
    "x-amz-date": time,
    ...(keys.sessionToken !== undefined && { "x-amz-security-token": keys.sessionToken }),
  };
  const all: Record<string, string> = { ...signed.headers, ...own, host: url.host };
  const names = Object.keys(all)
    .filter((it) => it === "host" || it === "range" || it.startsWith("x-amz-")).sort();
  const canonical = [
    "GET",
    canonicalPath(url.pathname),
    canonicalQuery(url.search),
    ...names.map((it) => `${it}:${(all[it] ?? "").trim().replace(/ +/g, " ")}`),
    "",
    names.join(";"),
    EMPTY_BODY,
  ].join("\n");
  const day = time.slice(0, 8);
  const scope = `${day}/${region}/${service}/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", time, scope, hex(await sha256(canonical))].join("\n");
  let key: Uint8Array<ArrayBuffer> = new TextEncoder().encode(`AWS4${keys.secretAccessKey}`);
  for (const part of [day, region, service, "aws4_request", text]) key = await hmac(key, part);
  return {
    ...own,
    authorization: `AWS4-HMAC-SHA256 Credential=${keys.accessKeyId}/${scope},` +
      `SignedHeaders=${names.join(";")},Signature=${hex(key)}`,
  };
}

/** A text in an address, only unreserved characters as they are. RFC 3986, section 2.3 */
export function percentEncoded(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (it) => `%${it.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Each part is encoded once, as S3 has it; a redirect may have written it in another way. */
function canonicalPath(path: string): string {
  return path.split("/").map((it) => percentEncoded(percentDecoded(it))).join("/");
}

function canonicalQuery(search: string): string {
  return search.replace(/^\?/, "").split("&").filter((it) => it !== "").map((it) => {
    const at = it.indexOf("=");
    const [name, value] = at < 0 ? [it, ""] : [it.slice(0, at), it.slice(at + 1)];
    return [percentEncoded(percentDecoded(name)), percentEncoded(percentDecoded(value))] as const;
  }).sort(([a, x], [b, y]) => a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0)
    .map((it) => it.join("=")).join("&");
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

async function hmac(
  key: Uint8Array<ArrayBuffer>,
  text: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
  return new Uint8Array(
    await crypto.subtle.sign("HMAC", imported, new TextEncoder().encode(text)),
  );
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (it) => it.toString(16).padStart(2, "0")).join("");
}
