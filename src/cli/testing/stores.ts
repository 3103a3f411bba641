/**
 * An object store for tests, on this machine: S3's interface, with signatures verified by `node:crypto`, and every way
 * to misbehave that a scan has to survive.
 *
 * @module
 */

import { createHash, createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { sendFile, type ServedFile } from "./server.ts";

/** A running server. */
export interface RunningServer {
  readonly url: string;
  readonly requests: { readonly url: string; readonly headers: IncomingMessage["headers"] }[];
  close(): Promise<void>;
}

/** Starts a server that answers by one function. */
export async function startAnswering(
  answer: (request: IncomingMessage, response: ServerResponse, seen: number) => void,
): Promise<RunningServer> {
  const requests: RunningServer["requests"] = [];
  const server = createServer((request, response) => {
    requests.push({ url: request.url ?? "/", headers: request.headers });
    answer(request, response, requests.length);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
        setTimeout(done, 200);
      }),
  };
}

/** The keys of the test store. */
export const KEYS = {
  AWS_ACCESS_KEY_ID: "AKIATEST",
  AWS_SECRET_ACCESS_KEY: "very/secret+SECRETKEY",
};

/** Bucket "models" of a store with S3's interface. */
export interface S3Options {
  /** Objects of a page; 3 unless given. */
  readonly page?: number;
  /** Answers what the ordinary behaviour does not; true when it has. */
  readonly misbehave?: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Anybody may get an object, only a signature lists them. */
  readonly listing?: "allowed" | "forbidden";
}

/** Starts a store. */
export async function startS3(
  objects: Readonly<Record<string, Uint8Array | ServedFile>>,
  { page = 3, misbehave = () => false, listing = "allowed" }: S3Options = {},
): Promise<RunningServer> {
  return await startAnswering((request, response) => {
    if (misbehave(request, response)) return;
    const refused = (status: number, code: string): void => {
      response.writeHead(status, { "content-type": "application/xml" });
      response.end(`<?xml version="1.0"?><Error><Code>${code}</Code></Error>`);
    };
    if (!isSigned(request)) return refused(403, "SignatureDoesNotMatch");
    const url = new URL(request.url ?? "/", "http://local");
    const key = decodeURIComponent(url.pathname.replace(/^\/models\/?/, ""));
    if (!url.pathname.startsWith("/models")) return refused(404, "NoSuchBucket");
    if (url.searchParams.get("list-type") === "2") {
      if (listing === "forbidden") return refused(403, "AccessDenied");
      response.end(listXml(objects, url.searchParams, page));
      return;
    }
    const bytes = Object.hasOwn(objects, key) ? objects[key] : undefined;
    if (bytes === undefined) return refused(404, "NoSuchKey");
    const file = bytes instanceof Uint8Array
      ? { size: bytes.length, slice: (a: number, b: number) => bytes.slice(a, b) }
      : bytes;
    // As S3 answers what asks for several ranges.
    sendFile(request, response, file, "whole");
  });
}

function listXml(
  objects: Readonly<Record<string, Uint8Array | ServedFile>>,
  query: URLSearchParams,
  page: number,
): string {
  const prefix = query.get("prefix") ?? "";
  const keys = Object.keys(objects).filter((it) => it.startsWith(prefix)).sort();
  const from = Number(query.get("continuation-token") ?? 0);
  const some = keys.slice(from, from + Math.min(page, Number(query.get("max-keys") ?? 1000)));
  const isLast = from + some.length >= keys.length;
  const contents = some.map((key) => {
    const object = objects[key] ?? new Uint8Array(0);
    const size = object instanceof Uint8Array ? object.length : object.size;
    // The entity tag that `sendFile` gives.
    return `<Contents><Key>${xml(key)}</Key><ETag>&quot;${size}&quot;</ETag>` +
      `<Size>${size}</Size></Contents>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>models</Name>
<IsTruncated>${!isLast}</IsTruncated>${contents.join("")}${
    isLast ? "" : `<NextContinuationToken>${from + some.length}</NextContinuationToken>`
  }</ListBucketResult>`;
}

function xml(text: string): string {
  // deno-lint-ignore no-control-regex -- written as numbers, as S3 does
  return text.replace(/[&<>"\x00-\x1f]/g, (it) => `&#${it.charCodeAt(0)};`);
}

/** Verifies a signature by the specification, from what arrived. */
function isSigned({ headers, url: target = "/", method }: IncomingMessage): boolean {
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/
      .exec(headers.authorization ?? "");
  if (parts === null || parts[1] !== KEYS.AWS_ACCESS_KEY_ID) return false;
  const [, , day = "", region = "", names = "", signature] = parts;
  const [path = "", query = ""] = target.split("?");
  const canonical = [
    method,
    path,
    query.split("&").filter((it) => it !== "").map((it) => it.includes("=") ? it : `${it}=`).sort()
      .join("&"),
    ...names.split(";").map((it) => `${it}:${headers[it]}`),
    "",
    names,
    headers["x-amz-content-sha256"],
  ].join("\n");
  const hmac = (key: string | Uint8Array, text: string): Uint8Array =>
    createHmac("sha256", key).update(text).digest();
  const text = [
    "AWS4-HMAC-SHA256",
    headers["x-amz-date"],
    `${day}/${region}/s3/aws4_request`,
    createHash("sha256").update(canonical).digest("hex"),
  ].join("\n");
  let key = hmac(`AWS4${KEYS.AWS_SECRET_ACCESS_KEY}`, day);
  for (const it of [region, "s3", "aws4_request", text]) key = hmac(key, it);
  return Buffer.from(key).toString("hex") === signature && names.split(";").includes("host");
}
