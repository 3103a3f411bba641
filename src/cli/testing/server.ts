/**
 * A web server for tests, on this machine: files with and without ranges, the hub's interface, and
 * every way to misbehave that a scan has to survive.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Bytes that need not all be in memory. */
export interface ServedFile {
  readonly size: number;
  /** From `start` up to `end`, which is not among them. */
  slice(start: number, end: number): Uint8Array;
}

/** Answers what the ordinary behaviour does not; true when it has. */
export type Misbehaviour = (
  request: IncomingMessage,
  response: ServerResponse,
  seen: number,
) => boolean | void;

/** A running server. */
export interface TestServer {
  readonly url: string;
  readonly requests: { readonly path: string; readonly headers: IncomingMessage["headers"] }[];
  /** Bytes of bodies that were sent. */
  sent(): number;
  /** Serves a file by ranges unless `misbehave` takes over. */
  serve(path: string, file: ServedFile | Uint8Array, misbehave?: Misbehaviour): void;
  /** A repository as the hub shows it. */
  repository(
    id: string,
    files: Readonly<Record<string, Uint8Array>>,
    options?: RepositoryOptions,
  ): void;
  close(): Promise<void>;
}

/** How a repository is shown. */
interface RepositoryOptions {
  /** Files a page of the listing; 1000 unless given. */
  readonly page?: number;
  /** "models" unless given. */
  readonly kind?: "models" | "datasets" | "spaces";
  /** The revision that can be asked for; "main" unless given. */
  readonly revision?: string;
  /** Files in large storage: the listing has their size under `lfs`, and that of a pointer beside it. */
  readonly large?: readonly string[];
}

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The commit of every repository here. */
export const COMMIT = "0123456789abcdef0123456789abcdef01234567";

/** What a server makes of a request for several ranges: all of them, the first, the whole file, an error. */
export type SeveralRanges = "parts" | "first" | "whole" | "refused";

/**
 * Starts a server.
 *
 * @param cors whether pages of other sites may read its files. https://fetch.spec.whatwg.org/#http-cors-protocol
 */
export async function startServer(
  several: SeveralRanges = "parts",
  cors = false,
): Promise<TestServer> {
  const routes = new Map<string, { file: ServedFile; misbehave: Misbehaviour | undefined }>();
  const counts = new Map<string, number>();
  const requests: TestServer["requests"] = [];
  let sent = 0;
  const json = (response: ServerResponse, value: unknown, headers = {}): void => {
    response.writeHead(200, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(value));
  };
  const listings = new Map<string, (query: URLSearchParams, response: ServerResponse) => void>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://local");
    const path = decodeURIComponent(url.pathname);
    if (cors) allowPages(response);
    if (cors && request.method === "OPTIONS") {
      response.writeHead(204);
      response.end();
      return;
    }
    requests.push({ path, headers: request.headers });
    const seen = counts.get(path) ?? 0;
    counts.set(path, seen + 1);
    const listing = listings.get(path);
    if (listing) return listing(url.searchParams, response);
    const route = routes.get(path);
    if (route === undefined) {
      response.writeHead(404);
      response.end("no");
      return;
    }
    if (route.misbehave?.(request, response, seen)) return;
    sendFile(request, response, route.file, several, (bytes) => sent += bytes);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const serve: TestServer["serve"] = (path, file, misbehave) => {
    const served = file instanceof Uint8Array
      ? { size: file.length, slice: (a: number, b: number) => file.slice(a, b) }
      : file;
    routes.set(path, { file: served, misbehave });
  };
  return {
    url,
    requests,
    sent: () => sent,
    serve,
    repository(id, files, options = {}) {
      const { page = 1000, kind = "models", revision = "main", large = [] } = options;
      const entries = Object.entries(files).map(([path, bytes]) => ({
        type: "file",
        oid: "x",
        path,
        ...(large.includes(path)
          ? { size: 134, lfs: { oid: sha256Of(bytes), size: bytes.length, pointerSize: 134 } }
          : { size: bytes.length }),
      }));
      const api = `/api/${kind}/${id}`;
      listings.set(`${api}/revision/${revision}`, (_, it) => json(it, { id, sha: COMMIT }));
      const tree = `${api}/tree/${COMMIT}`;
      listings.set(tree, (query, response) => {
        const from = Number(query.get("cursor") ?? 0);
        const next = `${url}${tree}?recursive=true&cursor=${from + page}`;
        const link = from + page < entries.length ? { link: `<${next}>; rel="next"` } : {};
        json(
          response,
          [{ type: "directory", path: "d" }, ...entries.slice(from, from + page)],
          link,
        );
      });
      const place = kind === "models" ? id : `${kind}/${id}`;
      for (const [path, bytes] of Object.entries(files)) {
        serve(`/${place}/resolve/${COMMIT}/${path}`, bytes);
      }
    },
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
        // A runtime may hold on to a connection that was never answered.
        setTimeout(done, 200);
      }),
  };
}

/** What the hub sends. */
function allowPages(response: ServerResponse): void {
  response.setHeader("access-control-allow-origin", "*");
  response.setHeader("access-control-allow-headers", "range, if-range");
  response.setHeader(
    "access-control-expose-headers",
    "X-Repo-Commit, X-Error-Code, ETag, Link, Accept-Ranges, Content-Range",
  );
}

/**
 * An ordinary answer, with ranges.
 *
 * @param count called with the bytes of each piece of a body that is sent
 */
export function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: ServedFile,
  several: SeveralRanges = "parts",
  count: (bytes: number) => void = () => {},
): void {
  const etag = `"${file.size}"`;
  const same = [undefined, etag].includes(request.headers["if-range"] as string | undefined);
  let ranges = same ? rangesOf(request) : [];
  if (ranges.length > 1 && several === "first") ranges = ranges.slice(0, 1);
  if (ranges.length > 1 && several === "whole") ranges = [];
  const [first] = ranges;
  const beyond = ranges.some(([start]) => start >= file.size);
  if (beyond || (ranges.length > 1 && several === "refused")) {
    response.writeHead(416, { "content-range": `bytes */${file.size}` });
    response.end();
  } else if (ranges.length > 1) {
    sendParts(response, file, ranges, etag, count);
  } else if (first !== undefined) {
    const [start, last] = first;
    const bytes = file.slice(start, Math.min(last + 1, file.size));
    response.writeHead(206, {
      etag,
      "content-length": bytes.length,
      "content-range": contentRange(file, start, bytes.length),
    });
    count(bytes.length);
    response.end(bytes);
  } else {
    response.writeHead(200, { etag, "content-length": file.size });
    sendWhole(response, file, count);
  }
}

function rangesOf(request: IncomingMessage): (readonly [start: number, last: number])[] {
  const list = /^bytes=(\d+-\d+(?:,\d+-\d+)*)$/.exec(request.headers.range ?? "")?.[1] ?? "";
  return list.split(",").filter((it) => it !== "").map((it) => {
    const [start = 0, last = 0] = it.split("-").map(Number);
    return [start, last] as const;
  });
}

function contentRange(file: ServedFile, start: number, length: number): string {
  return `bytes ${start}-${start + length - 1}/${file.size}`;
}

/** https://www.rfc-editor.org/rfc/rfc9110#name-media-type-multipart-bytera */
function sendParts(
  response: ServerResponse,
  file: ServedFile,
  ranges: readonly (readonly [number, number])[],
  etag: string,
  count: (bytes: number) => void,
): void {
  const body = Buffer.concat([
    ...ranges.flatMap(([start, last]) => {
      const bytes = file.slice(start, Math.min(last + 1, file.size));
      const head = "\r\n--limit\r\nContent-Type: application/octet-stream\r\n" +
        `Content-Range: ${contentRange(file, start, bytes.length)}\r\n\r\n`;
      return [Buffer.from(head), bytes];
    }),
    Buffer.from("\r\n--limit--\r\n"),
  ]);
  response.writeHead(206, {
    etag,
    "content-length": body.length,
    "content-type": "multipart/byteranges; boundary=limit",
  });
  count(body.length);
  response.end(body);
}

/** A piece at a time, as the other side takes them. */
function sendWhole(
  response: ServerResponse,
  file: ServedFile,
  count: (bytes: number) => void,
): void {
  let at = 0;
  const more = (): void => {
    while (at < file.size && !response.destroyed) {
      const bytes = file.slice(at, Math.min(at + WHOLE_PIECE_BYTES, file.size));
      at += bytes.length;
      count(bytes.length);
      if (!response.write(bytes)) return;
    }
    if (at >= file.size) response.end();
  };
  response.on("drain", more);
  more();
}

const WHOLE_PIECE_BYTES = 16 * 1024;
