import assert from "node:assert/strict";
import { test } from "node:test";
import { readInSteps, withServer } from "../cli/testing/http.ts";
import { sendFile, startServer } from "../cli/testing/server.ts";
import { nodeTransport } from "../remote/node_transport.ts";
import { HttpClient } from "./http_client.ts";
import { openHttpSource } from "./http.ts";

const MIB = 1024 * 1024;
const SIZE = 24 * MIB + 12_345;
/** Bytes that tell where they are. */
const BYTES = new Uint8Array(SIZE);
for (let at = 0; at < SIZE; at++) BYTES[at] = (at * 31 + (at >> 12)) & 255;
const FILE = { size: SIZE, slice: (start: number, end: number) => BYTES.subarray(start, end) };

const rangeOf = (header: string | undefined): [number, number] => {
  const [, from = 0, to = 0] = /(\d+)-(\d+)/.exec(header ?? "")?.map(Number) ?? [];
  return [from, to + 1];
};

test("a long sequential read has several ranges on their way, and gets the bytes in order", async () => {
  await withServer(async (server, open) => {
    let now = 0;
    let most = 0;
    server.serve("/f", FILE, (request, response) => {
      most = Math.max(most, ++now);
      // The later of the ranges come first.
      const [from] = rangeOf(request.headers.range);
      setTimeout(() => {
        now--;
        sendFile(request, response, FILE);
      }, Math.floor(from / MIB) % 2 === 0 ? 400 : 300);
      return true;
    });
    const source = await open("/f");
    const bytes = await readInSteps(source, 300_000);
    assert.ok(Buffer.from(FILE.slice(0, SIZE)).equals(bytes));
    assert.equal(source.bytesFetched, SIZE);
    assert.equal(most, 8);
  });
});

test("one long read is fetched by several ranges and no byte more", async () => {
  await withServer(async (server, open) => {
    server.serve("/f", FILE);
    const source = await open("/f");
    const before = source.bytesFetched;
    const bytes = await source.read(9 * MIB, 5 * MIB);
    assert.ok(Buffer.from(FILE.slice(9 * MIB, 14 * MIB)).equals(bytes));
    assert.equal(source.bytesFetched - before, 5 * MIB);
    assert.equal(server.requests.length, 9);
  });
});

test("who leaps away leaves little behind, and may come back", async () => {
  await withServer(async (server, open) => {
    server.serve("/f", FILE);
    const source = await open("/f");
    for (let at = 0; at < 6 * MIB; at += 100_000) await source.read(at, 100_000);
    for (const at of [20 * MIB, 7 * MIB, 23 * MIB, 9 * MIB + 5, 0, SIZE - 10, 12 * MIB]) {
      assert.ok(Buffer.from(FILE.slice(at, at + 10)).equals(await source.read(at, 10)), `${at}`);
    }
    assert.ok(source.bytesFetched < 18 * MIB, `${source.bytesFetched}`);
  });
});

test("a range that fails, is short or of another file is an error where it is read, and no sooner", async () => {
  await withServer(async (server, open) => {
    const at = 11 * MIB;
    const ways = ["gone", "changed", "short"] as const;
    for (const way of ways) {
      server.serve("/f", FILE, (request, response) => {
        const [from, to] = rangeOf(request.headers.range);
        if (from > at || to <= at || from === 0) return false;
        if (way === "gone") {
          response.writeHead(404);
          response.end();
        } else if (way === "changed") sendFile(request, response, { ...FILE, size: SIZE - 1 });
        else {
          const end = Math.min(from + 1000, to);
          response.writeHead(206, {
            etag: `"${SIZE}"`,
            "content-range": `bytes ${from}-${end - 1}/${SIZE}`,
          });
          response.end(FILE.slice(from, end));
        }
        return true;
      });
      const source = await open("/f");
      for (let from = 0; from < 8 * MIB; from += MIB) await source.read(from, MIB);
      if (way === "short") {
        assert.ok(Buffer.from(FILE.slice(0, at + MIB)).equals(await source.read(0, at + MIB)));
      } else {
        const read = async () => {
          for (let from = 8 * MIB; from < 13 * MIB; from += MIB) await source.read(from, MIB);
        };
        await assert.rejects(read, way === "gone" ? /no such file/ : /it changed/);
      }
    }
  });
});

test("of many files no more is read ahead than there are connections for", async () => {
  const server = await startServer();
  const transport = nodeTransport({ allowPrivate: true });
  try {
    const client = new HttpClient({ transport: transport.send });
    let now = 0;
    let most = 0;
    server.serve("/f", FILE, (request, response) => {
      most = Math.max(most, ++now);
      setTimeout(() => {
        now--;
        sendFile(request, response, FILE);
      }, 150);
      return true;
    });
    await Promise.all(Array.from({ length: 6 }, async () => {
      const source = await openHttpSource(new URL("/f", server.url), client, { name: "f" });
      for (let at = 0; at < 12 * MIB; at += MIB) {
        assert.ok(Buffer.from(FILE.slice(at, at + MIB)).equals(await source.read(at, MIB)));
      }
    }));
    assert.ok(most > 8 && most <= 6 + 8, `${most}`);
  } finally {
    transport.close();
    await server.close();
  }
});
