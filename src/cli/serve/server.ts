/**
 * A server on loopback for one page and the files that it scans. Another site's page, another name for this machine
 * and another program that does not know the token get nothing (CWE-346, CWE-350, CWE-352).
 *
 * @module
 */

import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { openRegular } from "../../sources/file.ts";

/** A file that the page may read. */
interface ServedPath {
  readonly path: string;
  readonly size: number;
}

/** What is served. */
interface PageServerOptions {
  /** The page, as it is sent. */
  readonly page: string;
  /** Under `files/` and their numbers. */
  readonly files: readonly ServedPath[];
  /** The port; 0 for any that is free. */
  readonly port: number;
  /** Stands in the address; hard to guess. */
  readonly token: string;
}

/** A running server. */
interface PageServer {
  /** The page's address, with the token. */
  readonly url: string;
  close(): Promise<void>;
}

/** Bytes that are read of a file at a time. */
const PIECE_BYTES = 1 << 20;

/** Only what is on this machine can connect. */
const LOOPBACK = "127.0.0.1";

/** What every answer says: it is for this page alone, and not to be kept. */
const HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy": "frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/**
 * Starts the server.
 *
 * @throws Error when the port cannot be had
 */
export async function startPageServer(options: PageServerOptions): Promise<PageServer> {
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const { port } = server.address() as AddressInfo;
    const refusal = refusalOf(request, port);
    if (refusal !== undefined) return end(response, refusal[0], refusal[1]);
    answer(request, response, options).catch(() => response.destroy());
  });
  await new Promise<void>((done, fail) => {
    server.once("error", fail);
    server.listen(options.port, LOOPBACK, done);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${LOOPBACK}:${port}/${options.token}/`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

/** Why a request is not answered; undefined for one that the page made, or the user who opens it. */
function refusalOf(
  { method, headers }: IncomingMessage,
  port: number,
): readonly [status: number, text: string] | undefined {
  if (method !== "GET" && method !== "HEAD") return [405, "Only GET is answered."];
  const host = headers.host ?? "";
  // Another name may be an attacker's that was made to mean this machine (DNS rebinding).
  if (host !== `${LOOPBACK}:${port}` && host !== `localhost:${port}`) {
    return [421, "This server has another name."];
  }
  const { origin } = headers;
  if (origin !== undefined && origin !== `http://${host}`) return [403, "Another site asks."];
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none") {
    return [403, "Another site asks."];
  }
  return undefined;
}

function end(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
  response.end(`${text}\n`);
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { page, files, token }: PageServerOptions,
): Promise<void> {
  const [path = ""] = (request.url ?? "").split(/[?#]/u);
  const [, given = "", ...rest] = path.split("/");
  if (!isSame(given, token)) return end(response, 404, "The address is not complete.");
  const name = rest.join("/");
  if (name === "") {
    response.writeHead(200, {
      "content-type": "text/html; charset=utf-8",
      "content-length": new TextEncoder().encode(page).length,
    });
    response.end(request.method === "HEAD" ? undefined : page);
    return;
  }
  const [, index] = /^files\/(\d{1,9})$/u.exec(name) ?? [];
  const file = index === undefined ? undefined : files[Number(index)];
  if (file === undefined) return end(response, 404, "There is no such file.");
  await sendFile(request, response, file);
}

/** Compares without telling by its time how much is right. */
function isSame(given: string, token: string): boolean {
  const encoder = new TextEncoder();
  const [a, b] = [encoder.encode(given), encoder.encode(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** A file, or a range of it. https://www.rfc-editor.org/rfc/rfc9110#name-range-requests */
async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  { path }: ServedPath,
): Promise<void> {
  let source: ReturnType<typeof openRegular>;
  try {
    source = openRegular(path);
  } catch {
    return end(response, 410, "The file cannot be opened any more.");
  }
  try {
    const { size } = source;
    if (size === undefined) return end(response, 410, "The file has no size.");
    // Ranges of a file that is exchanged while it is scanned must not pass for one file.
    const etag = `"${createHash("sha256").update(source.version).digest("hex").slice(0, 32)}"`;
    const type = {
      etag,
      "accept-ranges": "bytes",
      "content-type": "application/octet-stream",
      "content-disposition": "attachment",
    };
    const { range = "", "if-range": version = etag } = request.headers;
    const isSame = version === etag;
    const [, from, to] = (isSame && /^bytes=(\d{1,15})-(\d{0,15})$/u.exec(range)) || [];
    const start = Number(from ?? 0);
    const last = Math.min(to === undefined || to === "" ? Infinity : Number(to), size - 1);
    if (from !== undefined && (start >= size || last < start)) {
      response.writeHead(416, { "content-range": `bytes */${size}` });
      response.end();
      return;
    }
    const length = size === 0 ? 0 : last - start + 1;
    response.writeHead(from === undefined ? 200 : 206, {
      ...type,
      "content-length": length,
      ...(from !== undefined && { "content-range": `bytes ${start}-${last}/${size}` }),
    });
    for (let at = start; at < start + length && request.method !== "HEAD";) {
      const bytes = await source.read(at, Math.min(PIECE_BYTES, start + length - at));
      // It became shorter: what is missing must not pass for its end.
      if (bytes.length === 0 || response.destroyed) return void response.destroy();
      at += bytes.length;
      if (!response.write(bytes.slice())) await drained(response);
    }
    response.end();
  } finally {
    source.close();
  }
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((done) => {
    response.once("drain", done);
    response.once("close", done);
  });
}
