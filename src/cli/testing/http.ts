/**
 * Files from a server on this machine for tests of sources over HTTP.
 *
 * @module
 */

import { startServer, type TestServer } from "./server.ts";
import { nodeTransport, type TransportOptions } from "../../remote/node_transport.ts";
import { HttpClient, type HttpClientOptions } from "../../sources/http_client.ts";
import { type HttpSource, openHttpSource } from "../../sources/http.ts";

/** Ten times what is fetched first. */
export const BYTES = Uint8Array.from(
  { length: 640 * 1024 },
  (_, index) => (index * 7 + index / 251) & 255,
);

/** Runs with a server and a way to open its files. */
export async function withServer(
  body: (
    server: TestServer,
    open: (path: string, options?: Partial<HttpClientOptions>) => Promise<HttpSource>,
  ) => Promise<void>,
  transport: Partial<TransportOptions> = {},
): Promise<void> {
  const server = await startServer();
  const made = nodeTransport({ allowPrivate: true, ...transport });
  try {
    await body(server, (path, options) => {
      const client = new HttpClient({ transport: made.send, retryMilliseconds: 5, ...options });
      const url = new URL(path, server.url);
      return openHttpSource(url, client, { name: path });
    });
  } finally {
    made.close();
    await server.close();
  }
}

/** All bytes of a source, in steps. */
export async function readInSteps(source: HttpSource, step = 50_000): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (let at = 0;;) {
    const chunk = (await source.read(at, step)).slice();
    if (chunk.length === 0) break;
    chunks.push(chunk);
    at += chunk.length;
  }
  return new Uint8Array(Buffer.concat(chunks));
}
