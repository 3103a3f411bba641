/**
 * A web server for tests, on this machine: files with and without ranges, the hub's interface, and
 * every way to misbehave that a scan has to survive.
 *
 * @module
 */

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
  /** A repository as the hub shows it, some files a page. */
  repository(id: string, files: Readonly<Record<string, Uint8Array>>, page?: number): void;
  close(): Promise<void>;
}

/** The commit of every repository here. */
export const COMMIT = "0123456789abcdef0123456789abcdef01234567";

/** Starts a server. */
export async function startServer(): Promise<TestServer> {
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
    sent += sendFile(request, response, route.file);
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
    repository(id, files, page = 1000) {
      const entries = Object.entries(files).map(([path, bytes]) => ({
        type: "file",
        oid: "x",
        path,
        size: bytes.length,
      }));
      listings.set(`/api/models/${id}/revision/main`, (_, it) => json(it, { id, sha: COMMIT }));
      const tree = `/api/models/${id}/tree/${COMMIT}`;
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
      for (const [path, bytes] of Object.entries(files)) {
        serve(`/${id}/resolve/${COMMIT}/${path}`, bytes);
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

/** An ordinary answer, with ranges. */
export function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: ServedFile,
): number {
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  const etag = `"${file.size}"`;
  const usable = range !== null &&
    (request.headers["if-range"] === undefined || request.headers["if-range"] === etag);
  const start = usable ? Number(range[1]) : 0;
  const end = usable ? Math.min(Number(range[2]) + 1, file.size) : file.size;
  if (usable && start >= file.size) {
    response.writeHead(416, { "content-range": `bytes */${file.size}` });
    response.end();
    return 0;
  }
  response.writeHead(usable ? 206 : 200, {
    etag,
    "content-length": end - start,
    ...(usable && { "content-range": `bytes ${start}-${end - 1}/${file.size}` }),
  });
  response.end(file.slice(start, end));
  return end - start;
}
