import assert from "node:assert/strict";
import { test } from "node:test";
import { BYTES, readInSteps, withServer } from "../cli/testing/http.ts";
import { type Misbehaviour, startServer } from "../cli/testing/server.ts";
import { nodeTransport } from "../remote/node_transport.ts";
import { SourceError } from "../core/errors.ts";
import { HttpClient } from "./http_client.ts";
import { openHttpSource } from "./http.ts";

const redirect = (location: string): Misbehaviour => (_, response) => {
  response.writeHead(302, { location });
  response.end();
  return true;
};

test("every kind of redirect is followed, with the range asked for again", async () => {
  await withServer(async (server, open) => {
    server.serve("/there", BYTES);
    for (const status of [301, 302, 303, 307, 308]) {
      server.serve(`/${status}`, BYTES, (_, response) => {
        response.writeHead(status, { location: "there" });
        response.end("somewhere else");
        return true;
      });
      assert.deepEqual(await readInSteps(await open(`/${status}`)), BYTES, `${status}`);
    }
    for (const { path, headers } of server.requests.filter(({ path }) => path === "/there")) {
      assert.match(headers.range ?? "", /^bytes=/, path);
    }
  });
});

test("redirects are followed, and the address at their end is asked from then on", async () => {
  await withServer(async (server, open) => {
    server.serve("/a", BYTES, redirect("/b"));
    server.serve("/b", BYTES, redirect("/c"));
    server.serve("/c", BYTES);
    assert.deepEqual(await readInSteps(await open("/a")), BYTES);
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
    assert.deepEqual(await readInSteps(source), BYTES);
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
      const goesTo = ({ origin }: URL) => origin === server.url;
      const token = { value: "hf_secret", goesTo };
      await readInSteps(await open("/here", { token }));
      assert.equal(server.requests[0]?.headers.authorization, "Bearer hf_secret");
      assert.ok(other.requests.length > 0);
      for (const { headers } of other.requests) assert.equal(headers.authorization, undefined);
    } finally {
      await other.close();
    }
  });
});

/** Names whose servers lead inside, as an attacker's may. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  "inner.test": ["10.0.0.1"],
  "mixed.test": ["93.184.215.14", "127.0.0.1"],
  "mapped.test": ["::ffff:127.0.0.1"],
  "nat64.test": ["64:ff9b::7f00:1"],
  "sixtofour.test": ["2002:7f00:1::1"],
  "metadata.test": ["169.254.169.254"],
  "zero.test": ["0.0.0.0"],
  "scoped.test": ["fe80::1%eth0"],
  "nonsense.test": ["2130706433"],
};

test("private addresses are refused in every spelling, and behind redirects", async () => {
  const made = nodeTransport({
    allowPrivate: false,
    resolve: (host) => Promise.resolve(NAMES[host] ?? []),
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
    "[::ffff:169.254.169.254]",
    "[::ffff:0:0]",
    "[::127.0.0.1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[64:ff9b::169.254.169.254]",
    "[64:ff9b:1::1]",
    "[2002:a9fe:a9fe::]",
    "[ff02::1]",
    "[100::1]",
    "0",
    "127.1",
    "0x7f000001",
    "0251.0376.0251.0376",
    "2852039166",
    "%31%32%37.0.0.1",
    "127。0。0。1",
    "192.168.0.1.",
    "100.100.100.200",
    "[64:ff9b::a00:1]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "[fd00::1]",
    "0.0.0.0",
    ...Object.keys(NAMES),
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

test("the caller that stops the scan does not wait for a server", async () => {
  await withServer(async (server, open) => {
    server.serve("/never", BYTES, () => true);
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 30);
    await assert.rejects(() => open("/never", { signal: controller.signal }), /stopped/);
  });
});
