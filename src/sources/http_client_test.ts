import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { test } from "node:test";
import { BYTES, readInSteps, withServer } from "../cli/testing/http.ts";
import { nodeTransport } from "../remote/node_transport.ts";
import { HttpClient, type HttpClientOptions, type HttpResponse } from "./http_client.ts";
import { openHttpSource } from "./http.ts";

/** A client of answers that are made here, and the addresses that it asked for. */
function client(
  answer: (
    url: URL,
    seen: number,
  ) => Partial<HttpResponse> & { readonly headers?: Record<string, string> },
  options: Partial<HttpClientOptions> = {},
): {
  readonly client: HttpClient;
  readonly asked: string[];
  readonly sent: Record<string, string>[];
} {
  const asked: string[] = [];
  const sent: Record<string, string>[] = [];
  return {
    asked,
    sent,
    client: new HttpClient({
      retryMilliseconds: 1,
      ...options,
      transport: ({ url, headers }) => {
        asked.push(url.href);
        sent.push({ ...headers });
        const { status = 200, body, headers: own = {} } = answer(url, asked.length - 1);
        return Promise.resolve({
          status,
          header: (name) => own[name],
          body: body ?? (async function* () {
            yield BYTES.slice(0, 10);
          })(),
        });
      },
    }),
  };
}

/** Where a redirect led, or why it did not. */
async function led(location: string): Promise<string> {
  const made = client((_, seen) => seen === 0 ? { status: 302, headers: { location } } : {});
  try {
    await openHttpSource(new URL("http://h.test/d/a?x=1"), made.client, { name: "a" });
    return made.asked[1] ?? "";
  } catch (error) {
    return String(error);
  }
}

test("redirects lead where curl, wget, urllib, requests and httpx ask", async () => {
  const latin1 = (text: string) => String.fromCharCode(...new TextEncoder().encode(text));
  // Recorded of each of these five.
  const cases: Readonly<Record<string, string>> = {
    "/raw": "http://h.test/raw",
    "b": "http://h.test/d/b",
    "?x=2": "http://h.test/d/a?x=2",
    "//o.test/raw": "http://o.test/raw",
    "/a b": "http://h.test/a%20b",
    [latin1("/é")]: "http://h.test/%C3%A9",
    [latin1("/模型")]: "http://h.test/%E6%A8%A1%E5%9E%8B",
    "/%C3%A9": "http://h.test/%C3%A9",
    "HTTP://o.test/a#f": "http://o.test/a",
  };
  for (const [location, asked] of Object.entries(cases)) {
    assert.equal(await led(location), asked, location);
  }
});

test("redirects of which clients make different addresses are refused", async () => {
  const odd = [
    ...[
      "\\raw",
      "/a\\b",
      "http:\\\\o.test\\raw",
      "http://o.test\\@x/raw",
      "/r\taw",
      "/raw\n/other",
    ],
    ...[
      "http:raw",
      "http:/raw",
      "https:raw",
      "HTTP:raw",
      "http:///raw",
      "///raw",
      "/\xe9",
      "/\xc3",
    ],
  ];
  for (const location of odd) assert.match(await led(location), /SourceError/, location);
});

test("connections are used again behind redirects", async () => {
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    if (request.url?.startsWith("/from")) {
      response.writeHead(302, { location: request.url.replace("from", "to") });
      response.end("somewhere else ".repeat(50));
      return;
    }
    response.writeHead(206, { "content-range": "bytes 0-9/10", "content-length": 10 });
    response.end(BYTES.slice(0, 10));
  });
  server.on("connection", (socket) => sockets.add(socket));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const transport = nodeTransport({ allowPrivate: true });
  try {
    const made = new HttpClient({ transport: transport.send });
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (let n = 0; n < 100; n++) {
      await openHttpSource(new URL(`${base}/from${n}`), made, { name: "a" });
    }
    assert.equal(made.requests, 200);
    assert.ok(sockets.size <= 3, `${sockets.size} connections`);
  } finally {
    transport.close();
    server.closeAllConnections();
    server.close();
  }
});

test("a host that is down is left alone, others and one that answers now and then are not", async () => {
  const url = (host: string, n: number) => new URL(`http://${host}.test/${n}`);
  const { client: one, asked } = client(({ host }, seen) => {
    if (host === "down.test") return { status: 503 };
    if (host === "gone.test") throw new Error("reset");
    return host === "poor.test" && seen % 5 !== 0 ? { status: 500 } : {};
  });
  const fetch = async (host: string, n: number): Promise<string> => {
    try {
      await openHttpSource(url(host, n), one, { name: host });
      return "read";
    } catch (error) {
      return String(error);
    }
  };
  for (const host of ["down", "gone"]) {
    for (let n = 0; n < 200; n++) assert.match(await fetch(host, n), /Cannot fetch/);
    const requests = asked.filter((it) => it.includes(`//${host}.`)).length;
    assert.ok(requests <= 12, `${requests} requests of ${host}`);
    assert.match(await fetch(host, 200), /did not answer before/);
  }
  for (let n = 0; n < 20; n++) assert.equal(await fetch("fine", n), "read");
  for (let n = 0; n < 20; n++) await fetch("poor", n);
  assert.doesNotMatch(await fetch("poor", 20), /before/);
});

test("a server that asks to come back later is waited for as long as there is time", async () => {
  const later = (until: number, seconds: number) => (_: URL, seen: number) =>
    seen < until ? { status: 429, headers: { "retry-after": String(seconds) } } : {};
  const open = (made: HttpClient) =>
    openHttpSource(new URL("http://h.test/a"), made, { name: "a" });
  // More often than anything else is tried.
  const patient = client(later(20, 0), { remaining: () => 1000 });
  await open(patient.client);
  assert.equal(patient.asked.length, 21);
  const hurried = client(later(20, 30), { remaining: () => 1000 });
  await assert.rejects(() => open(hurried.client), /asks to come back in 30 s/);
  assert.equal(hurried.asked.length, 1);
  // Without a limit of time only so often.
  const unlimited = client(later(20, 0));
  await assert.rejects(() => open(unlimited.client), /answers 429 \(tried 4 times\)/);
  const endless = client(later(Infinity, 0), { remaining: () => 1000 });
  await assert.rejects(() => open(endless.client), /answers 429/);
  assert.ok(endless.asked.length < 120);
});

test("a program says what it is", async () => {
  const { client: one, sent } = client(() => ({}));
  await openHttpSource(new URL("http://h.test/a"), one, { name: "a" });
  assert.match(sent[0]?.["user-agent"] ?? "", /^modelaudit\/\d/);
});

test("a body that comes in drops ends, whatever it is", async () => {
  const now = performance.now.bind(performance);
  let passed = 0;
  performance.now = () => now() + passed;
  try {
    for (const headers of [{}, { "content-length": "100000" }] as Record<string, string>[]) {
      const { client: one } = client(() => ({
        headers,
        body: (async function* () {
          for (let n = 0; n < 200; n++) {
            passed += 5000;
            yield BYTES.slice(n, n + 1);
          }
        })(),
      }));
      const read = async () =>
        await readInSteps(await openHttpSource(new URL("http://h.test/a"), one, { name: "a" }));
      await assert.rejects(read, /too slowly/);
    }
  } finally {
    performance.now = now;
  }
});

test("of a longer range than was asked for only that is kept", async () => {
  await withServer(async (server, open) => {
    let sent = 0;
    server.serve("/f", BYTES, (request, response) => {
      const start = Number(/(\d+)-/.exec(request.headers.range ?? "")?.[1]);
      response.writeHead(206, {
        etag: '"a"',
        "content-range": `bytes ${start}-${BYTES.length - 1}/${BYTES.length}`,
      });
      sent++;
      response.end(BYTES.slice(start));
      return true;
    });
    const source = await open("/f");
    assert.equal(source.bytesFetched, 64 * 1024);
    assert.deepEqual(await source.read(300_000, 100), BYTES.slice(300_000, 300_100));
    assert.ok(source.bytesFetched <= 64 * 1024 + 4096, `${source.bytesFetched}`);
    assert.equal(sent, 2);
  });
});

test("without ranges what came of a body is read before it counts as broken off", async () => {
  await withServer(async (server, open) => {
    for (const length of [BYTES.length, 50 * 1024 * 1024]) {
      server.serve("/f", BYTES, (_, response) => {
        response.writeHead(200, { "content-length": length });
        response.write(BYTES.slice(0, 1000));
        setTimeout(() => response.destroy(), 10);
        return true;
      });
      const source = await open("/f");
      assert.deepEqual(await source.read(0, 1000), BYTES.slice(0, 1000));
      await assert.rejects(() => source.read(1000, 10), /to its end/);
    }
  });
});
