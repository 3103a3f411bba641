import assert from "node:assert/strict";
import { test } from "node:test";
import { type Misbehaviour, startServer, type TestServer } from "../cli/testing/server.ts";
import { nodeTransport } from "../remote/node_transport.ts";
import { HttpClient } from "./http_client.ts";
import { type HttpSource, openHttpSource } from "./http.ts";

/** Ten times what is fetched first. */
const BYTES = Uint8Array.from(
  { length: 640 * 1024 },
  (_, index) => (index * 7 + index / 251) & 255,
);

async function withSource(
  body: (server: TestServer, source: HttpSource) => Promise<void>,
  misbehave?: Misbehaviour,
  thorough = false,
): Promise<void> {
  const server = await startServer();
  const made = nodeTransport({ allowPrivate: true });
  try {
    server.serve("/f", BYTES, misbehave);
    const client = new HttpClient({ transport: made.send, retryMilliseconds: 5 });
    const url = new URL("/f", server.url);
    await body(server, await openHttpSource(url, client, { name: "f", thorough }));
  } finally {
    made.close();
    await server.close();
  }
}

/** Nine pieces, further apart than anything is joined. */
const FAR = Array.from({ length: 9 }, (_, index) => 70_000 + index * 60_000)
  .map((start) => ({ start, end: start + 100 }));

async function prefetched(
  misbehave: Misbehaviour | undefined,
  thorough: boolean,
): Promise<{ readonly got: boolean; readonly asked: readonly (string | undefined)[] }> {
  let got = false;
  let asked: (string | undefined)[] = [];
  await withSource(
    async (server, source) => {
      got = await source.prefetch?.(FAR, "cheap") ?? false;
      asked = server.requests.slice(1).map(({ headers }) => headers.range);
      for (const { start, end } of FAR) {
        assert.deepEqual(await source.read(start, end - start), BYTES.slice(start, end));
      }
      if (got) assert.equal(server.requests.length, asked.length + 1);
    },
    misbehave,
    thorough,
  );
  return { got, asked };
}

test("many ranges are left where that is not cheap, and a few are fetched", async () => {
  assert.deepEqual(await prefetched(undefined, false), { got: false, asked: [] });
  await withSource(async (server, source) => {
    assert.equal(await source.prefetch?.(FAR.slice(0, 3), "cheap"), true);
    assert.equal(await source.prefetch?.([{ start: 0, end: BYTES.length }], "cheap"), false);
    assert.equal(server.requests.length, 4);
    assert.equal(await source.prefetch?.(FAR, "all"), true);
    assert.equal(server.requests.length, 10);
  });
});

test("the caller that wants all gets several ranges a request", async () => {
  const { got, asked } = await prefetched(undefined, true);
  assert.equal(got, true);
  assert.equal(asked.length, 1);
  assert.match(asked[0] ?? "", /^bytes=70000-70099,130000-130099,/);
});

/** Answers to several ranges that are none: each range is then asked for by itself. */
const NO_PARTS: readonly (readonly [string, Misbehaviour])[] = [
  ["nonsense", (_, response) => {
    response.writeHead(206, {
      etag: `"${BYTES.length}"`,
      "content-type": "multipart/byteranges; boundary=x",
    });
    response.end("--x\r\nhello");
    return true;
  }],
  ["more than was asked for", (_, response) => {
    response.writeHead(206, {
      etag: `"${BYTES.length}"`,
      "content-type": "multipart/byteranges; boundary=x",
    });
    response.end(BYTES);
    return true;
  }],
  ["one part of many", (_, response) => {
    response.writeHead(206, {
      etag: `"${BYTES.length}"`,
      "content-type": "multipart/byteranges; boundary=x",
    });
    response.write(`--x\r\nContent-Range: bytes 70000-70099/${BYTES.length}\r\n\r\n`);
    response.write(BYTES.slice(70_000, 70_100));
    response.end("\r\n--x--\r\n");
    return true;
  }],
  ["an error", (_, response) => {
    response.writeHead(400);
    response.end();
    return true;
  }],
  ["a failure every time", (_, response) => {
    response.writeHead(500);
    response.end();
    return true;
  }],
];

for (const [what, answer] of NO_PARTS) {
  test(`a server that answers several ranges with ${what} is asked for each`, async () => {
    const { got, asked } = await prefetched((request, response, seen) => {
      if (request.headers.range?.includes(",")) return answer(request, response, seen);
    }, true);
    assert.equal(got, true);
    assert.equal(asked.at(-1)?.includes(","), false);
  });
}

test("a file that changes before several ranges are asked for is not read on", async () => {
  const changed: Misbehaviour = (request, response) => {
    if (!request.headers.range?.includes(",")) return false;
    response.writeHead(200, { etag: '"other"', "content-length": BYTES.length });
    response.end(BYTES);
    return true;
  };
  await assert.rejects(() => prefetched(changed, true), /it changed/);
});
