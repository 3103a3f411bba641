/**
 * What scanning a model on a server costs: a server on this machine counts requests and bytes.
 *
 * @module
 */

import { closeSync, openSync, readSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { basename } from "node:path";
import { CACHE, input, LAUNCHER } from "./inputs.ts";
import { run } from "./process.ts";
import type { Row } from "./table.ts";

const FILES = [["checkpoint of 2.1 GB", "checkpoint-2gb"], [
  "safetensors of 100 GB",
  "safetensors-100gb",
]];

/** Rows of requests and bytes for models that are fetched by range requests. */
export async function measureRemote(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [what = "", name = ""] of FILES) {
    const { requests, bytes } = await scanServed(await input(name));
    rows.push(
      { what: `${what} on a server: requests`, value: requests, unit: "requests", limit: 10 },
      { what: "bytes fetched of it", value: bytes, unit: "bytes", limit: 1e6 },
    );
  }
  return rows;
}

async function scanServed(path: string): Promise<{ requests: number; bytes: number }> {
  const counted = { requests: 0, bytes: 0 };
  const file = openSync(path, "r");
  const size = statSync(path).size;
  const server = createServer((request, response) => {
    counted.requests++;
    counted.bytes += answer(file, size, request, response);
  });
  try {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const url = `http://127.0.0.1:${port}/${basename(path)}`;
    const args = ["scan", "--format", "json", "--allow-private-network", url];
    const { code, stderr } = await run(LAUNCHER, args, { cwd: CACHE });
    if (code !== 0) throw new Error(`Cannot measure ${url}: exit code ${code}\n${stderr}`);
  } finally {
    server.closeAllConnections();
    server.close();
    closeSync(file);
  }
  return counted;
}

/** Sends one range, as servers of files do; the body's length. */
function answer(
  file: number,
  size: number,
  { headers, method }: IncomingMessage,
  response: ServerResponse,
): number {
  const [, from = "0", to = ""] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? "") ?? [];
  const start = Number(from);
  const end = Math.min(to === "" ? size : Number(to) + 1, size, start + 2 ** 26);
  const body = new Uint8Array(method === "HEAD" ? 0 : Math.max(0, end - start));
  readSync(file, body, 0, body.length, start);
  response.writeHead(206, {
    "accept-ranges": "bytes",
    "content-range": `bytes ${start}-${end - 1}/${size}`,
    "content-length": body.length,
    etag: '"bench"',
  });
  response.end(body);
  return body.length;
}
