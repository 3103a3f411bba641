import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import {
  type Misbehaviour,
  sendFile,
  startServer,
  type TestServer,
} from "../cli/testing_server.ts";
import { nodeTransport, type TransportOptions } from "../cli/transport.ts";
import { SourceError } from "../errors.ts";
import { HttpClient, type HttpClientOptions } from "./http_client.ts";
import { type HttpSource, openHttpSource } from "./http.ts";

/** Ten times what is fetched first. */
const BYTES = Uint8Array.from(
  { length: 640 * 1024 },
  (_, index) => (index * 7 + index / 251) & 255,
);

async function withServer(
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

async function readAll(source: HttpSource, step = 50_000): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (let at = 0;;) {
    const chunk = (await source.read(at, step)).slice();
    if (chunk.length === 0) break;
    chunks.push(chunk);
    at += chunk.length;
  }
  return new Uint8Array(Buffer.concat(chunks));
}

test("a file with ranges is read at any offset, and what was read is not fetched again", async () => {
  await withServer(async (server, open) => {
    server.serve("/model.pt", BYTES);
    const source = await open("/model.pt");
    assert.equal(source.size, BYTES.length);
    assert.equal(source.access, "random");
    assert.deepEqual(await source.read(500_000, 100), BYTES.slice(500_000, 500_100));
    assert.deepEqual(await source.read(65_500, 100), BYTES.slice(65_500, 65_600));
    assert.equal((await source.read(BYTES.length, 10)).length, 0);
    const before = server.requests.length;
    assert.deepEqual(await source.read(500_050, 100), BYTES.slice(500_050, 500_150));
    assert.equal(server.requests.length, before);
    assert.equal(source.bytesFetched, server.sent());
    await assert.rejects(() => source.read(-1, 2), SourceError);
  });
});

test("a sequential read takes ever longer ranges and each byte once", async () => {
  await withServer(async (server, open) => {
    const size = 40 * 1024 * 1024;
    server.serve("/big.pkl", { size, slice: (a: number, b: number) => new Uint8Array(b - a) });
    const source = await open("/big.pkl");
    for (let at = 0; at < size; at += 100_000) await source.read(at, 100_000);
    assert.equal(source.bytesFetched, size);
    assert.ok(server.requests.length < 12, `${server.requests.length} requests`);
  });
});

/** A way to misbehave, and what reading all of it must come to: the bytes or a message. */
const WAYS: readonly (readonly [string, Misbehaviour, RegExp | "bytes"])[] = [
  ["has no ranges", (_, response) => {
    response.writeHead(200, { "content-length": BYTES.length });
    response.end(BYTES);
    return true;
  }, "bytes"],
  ["has no ranges and tells no length", (_, response) => {
    response.writeHead(200);
    response.write(BYTES.slice(0, 1000));
    response.end(BYTES.slice(1000));
    return true;
  }, "bytes"],
  ["sends it compressed", (_, response) => {
    response.writeHead(200, { "content-encoding": "gzip" });
    response.end(gzipSync(BYTES));
    return true;
  }, "bytes"],
  ["sends a broken compression", (_, response) => {
    response.writeHead(200, { "content-encoding": "gzip" });
    response.end(gzipSync(BYTES).subarray(0, 5000));
    return true;
  }, /encoding is broken/],
  ["answers 500 twice", (_, response, seen) => {
    if (seen >= 2) return false;
    response.writeHead(500);
    response.end();
    return true;
  }, "bytes"],
  ["asks to wait a little", (_, response, seen) => {
    if (seen >= 1) return false;
    response.writeHead(429, { "retry-after": "0" });
    response.end();
    return true;
  }, "bytes"],
  ["asks to wait an hour", (_, response) => {
    response.writeHead(429, { "retry-after": "3600" });
    response.end();
    return true;
  }, /asks to come back in 3600 s/],
  ["always answers 503", (_, response) => {
    response.writeHead(503);
    response.end();
    return true;
  }, /answers 503 \(tried 4 times\)/],
  ["breaks the connection twice", (_, response, seen) => {
    if (seen !== 1 && seen !== 2) return false;
    response.destroy();
    return true;
  }, "bytes"],
  ["breaks off inside a range", (request, response, seen) => {
    if (seen !== 1) return false;
    const [, start = 0, end = 0] = /(\d+)-(\d+)/.exec(request.headers.range ?? "")?.map(Number) ??
      [];
    response.writeHead(206, {
      etag: `"${BYTES.length}"`,
      "content-range": `bytes ${start}-${end}/${BYTES.length}`,
      "content-length": end - start + 1,
    });
    response.write(BYTES.slice(start, start + 10));
    setTimeout(() => response.destroy(), 10);
    return true;
  }, "bytes"],
  ["changes between two ranges", (request, response, seen) => {
    if (seen === 0) return false;
    sendFile(request, response, { size: BYTES.length - 1, slice: (a, b) => BYTES.slice(a, b) });
    return true;
  }, /it changed/],
  ["sends another range than was asked for", (_, response, seen) => {
    if (seen === 0) return false;
    response.writeHead(206, {
      etag: `"${BYTES.length}"`,
      "content-range": `bytes 0-9/${BYTES.length}`,
    });
    response.end(BYTES.slice(0, 10));
    return true;
  }, /with something else/],
  ["sends more than the range that it names", (_, response, seen) => {
    if (seen === 0) return false;
    response.writeHead(206, {
      etag: `"${BYTES.length}"`,
      "content-range": `bytes 65536-65545/${BYTES.length}`,
    });
    response.end(BYTES.slice(0, 1000));
    return true;
  }, /more than the 10 bytes/],
  ["announces a file larger than it is", (request, response, seen) => {
    const range = /(\d+)-(\d+)/.exec(request.headers.range ?? "")?.map(Number) ?? [];
    if (seen > 0) {
      response.writeHead(416, { "content-range": `bytes */${BYTES.length}` });
      response.end();
      return true;
    }
    response.writeHead(206, { "content-range": `bytes 0-${range[2]}/${BYTES.length * 1000}` });
    response.end(BYTES.slice(0, (range[2] ?? 0) + 1));
    return true;
  }, /shorter than it was/],
  ["does not know the file", (_, response) => {
    response.writeHead(404);
    response.end();
    return true;
  }, /there is no such file \(HTTP 404\)/],
  ["forbids it", (_, response) => {
    response.writeHead(403);
    response.end();
    return true;
  }, /does not allow it \(HTTP 403\)/],
  ["never answers", () => true, /nothing came for 0.1 s/],
  ["stops in the middle", (_, response) => {
    response.writeHead(200);
    response.write(BYTES.slice(0, 70_000));
    return true;
  }, /nothing came for 0.1 s/],
];

for (const [what, misbehave, expected] of WAYS) {
  test(`a server that ${what}: the bytes or a clear message`, async () => {
    await withServer(async (server, open) => {
      server.serve("/f", BYTES, misbehave);
      const read = async () => await readAll(await open("/f", { idleMilliseconds: 100 }));
      if (expected === "bytes") assert.deepEqual(await read(), BYTES);
      else {
        await assert.rejects(read, (error: unknown) => {
          assert.ok(error instanceof SourceError, String(error));
          assert.match(error.message, expected);
          assert.notEqual(error.remedy, "");
          return true;
        });
      }
    });
  });
}

test("an empty file is empty", async () => {
  await withServer(async (server, open) => {
    server.serve("/empty", new Uint8Array(0));
    assert.equal((await open("/empty")).size, 0);
  });
});

const redirect = (location: string): Misbehaviour => (_, response) => {
  response.writeHead(302, { location });
  response.end();
  return true;
};

test("redirects are followed, and the address at their end is asked from then on", async () => {
  await withServer(async (server, open) => {
    server.serve("/a", BYTES, redirect("/b"));
    server.serve("/b", BYTES, redirect("/c"));
    server.serve("/c", BYTES);
    assert.deepEqual(await readAll(await open("/a")), BYTES);
    assert.equal(server.requests.filter(({ path }) => path === "/a").length, 1);
  });
});

test("an address that expires is asked for again where it came from", async () => {
  await withServer(async (server, open) => {
    let signature = 1;
    server.serve(
      "/a",
      BYTES,
      (request, response) => redirect(`/b${signature}`)(request, response, 0),
    );
    for (const it of [1, 2]) {
      server.serve(`/b${it}`, BYTES, (_, response) => {
        if (it === signature) return false;
        response.writeHead(403);
        response.end();
        return true;
      });
    }
    const source = await open("/a");
    signature = 2;
    assert.deepEqual(await readAll(source), BYTES);
  });
});

test("redirects in a circle, without end, to other protocols and with passwords are refused", async () => {
  await withServer(async (server, open) => {
    server.serve("/loop", BYTES, redirect("/pool"));
    server.serve("/pool", BYTES, redirect("/loop"));
    await assert.rejects(() => open("/loop"), /in a circle/);
    for (let n = 0; n < 20; n++) server.serve(`/n${n}`, BYTES, redirect(`/n${n + 1}`));
    await assert.rejects(() => open("/n0"), /more than 10 redirects/);
    server.serve("/file", BYTES, redirect("file:///etc/passwd"));
    await assert.rejects(() => open("/file"), /not HTTP/);
    server.serve("/login", BYTES, redirect("http://a:b@127.0.0.1/"));
    await assert.rejects(() => open("/login"), /password/);
  });
});

test("HTTPS does not fall back to HTTP", async () => {
  const client = new HttpClient({
    transport: ({ url }) =>
      Promise.resolve({
        status: url.protocol === "https:" ? 302 : 200,
        header: (name) => name === "location" ? "http://example.com/b" : undefined,
        body: (async function* () {})(),
      }),
  });
  const url = new URL("https://example.com/a");
  await assert.rejects(
    () => openHttpSource(url, client, { name: "a" }),
    /from HTTPS to plain HTTP/,
  );
});

test("a token goes to its own origin and nowhere else", async () => {
  await withServer(async (server, open) => {
    const other = await startServer();
    try {
      other.serve("/there", BYTES);
      server.serve("/here", BYTES, redirect(`${other.url}/there`));
      const token = { origin: server.url, value: "hf_secret" };
      await readAll(await open("/here", { token }));
      assert.equal(server.requests[0]?.headers.authorization, "Bearer hf_secret");
      assert.ok(other.requests.length > 0);
      for (const { headers } of other.requests) assert.equal(headers.authorization, undefined);
    } finally {
      await other.close();
    }
  });
});

test("private addresses are refused in every spelling, and behind redirects", async () => {
  const made = nodeTransport({
    allowPrivate: false,
    resolve: (host) =>
      Promise.resolve([host === "mixed.test" ? "93.184.215.14" : "10.0.0.1"]
        .concat(host === "mixed.test" ? ["127.0.0.1"] : [])),
  });
  const client = new HttpClient({ transport: made.send });
  const refused = [
    "127.0.0.1",
    "2130706433",
    "0x7f.1",
    "0177.0.0.1",
    "169.254.169.254",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::a00:1]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "[fd00::1]",
    "0.0.0.0",
    "inner.test",
    "mixed.test",
  ];
  for (const host of refused) {
    const url = new URL(`http://${host}:1/x`);
    await assert.rejects(
      () => openHttpSource(url, client, { name: "x" }),
      (error: unknown) =>
        error instanceof SourceError && /no address of the public internet/.test(error.message) &&
        /--allow-private-network/.test(error.remedy),
      host,
    );
    const redirecting = new HttpClient({
      transport: (request) =>
        request.url.hostname === "public.test"
          ? Promise.resolve({
            status: 302,
            header: (name) => name === "location" ? url.href : undefined,
            body: (async function* () {})(),
          })
          : made.send(request),
    });
    await assert.rejects(
      () => openHttpSource(new URL("http://public.test/"), redirecting, { name: "x" }),
      /no address of the public internet/,
    );
  }
  made.close();
});

test("the address that was checked is the one connected to", async () => {
  let asked = 0;
  await withServer(async (server, open) => {
    server.serve("/f", BYTES);
    const port = new URL(server.url).port;
    assert.equal((await open(`http://name.test:${port}/f`)).size, BYTES.length);
    assert.equal(asked, 1);
    assert.equal(server.requests[0]?.headers.host, `name.test:${port}`);
  }, { resolve: () => Promise.resolve(asked++ === 0 ? ["127.0.0.1"] : ["203.0.113.1"]) });
});

test("whoever stops the scan does not wait for a server", async () => {
  await withServer(async (server, open) => {
    server.serve("/never", BYTES, () => true);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 30);
    const began = performance.now();
    await assert.rejects(() => open("/never", { signal: controller.signal }), /stopped/);
    assert.ok(performance.now() - began < 1000);
  });
});
