import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { type IncomingHttpHeaders, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { runServe } from "./commands/serve.ts";
import { startPageServer } from "./serve/server.ts";
import { testIo } from "./testing/io.ts";

const SCRATCH = mkdtempSync(join(tmpdir(), "modelaudit-serve-"));
after(() => rmSync(SCRATCH, { recursive: true }));

const PAGE = '<p>x</p><script type="application/json" id="setup">{"examples":{}}</script>';

/** What a server answers. */
interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** True for a body that broke off. */
  readonly cut: boolean;
}

function ask(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  method = "GET",
): Promise<Answer> {
  return new Promise((done, fail) => {
    const sent = request(url, { headers, method }, (response) => {
      let body = "";
      response.setEncoding("latin1").on("data", (chunk: string) => body += chunk);
      const end = (cut: boolean) => (): void =>
        done({ status: response.statusCode, headers: response.headers, body, cut });
      response.on("end", end(false)).on("error", end(true)).on("aborted", end(true));
    });
    sent.on("error", fail);
    sent.end();
  });
}

async function withServer(
  body: (url: string, path: string) => Promise<void>,
): Promise<void> {
  const path = join(SCRATCH, "model.bin");
  writeFileSync(path, "0123456789");
  const files = [{ path, size: 10 }];
  const server = await startPageServer({ page: PAGE, files, port: 0, token: "secret" });
  try {
    await body(server.url, path);
  } finally {
    await server.close();
  }
}

test("the page and its files are given to who knows the address, whole and by ranges", async () => {
  await withServer(async (url) => {
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/secret\/$/);
    const page = await ask(url);
    assert.deepEqual([page.status, page.body], [200, PAGE]);
    assert.equal(page.headers["content-security-policy"], "frame-ancestors 'none'");
    assert.equal(page.headers["access-control-allow-origin"], undefined);
    assert.equal(page.headers["referrer-policy"], "no-referrer");
    assert.equal((await ask(`${url}files/0`)).body, "0123456789");
    const part = await ask(`${url}files/0`, { range: "bytes=2-4" });
    assert.deepEqual([part.status, part.body], [206, "234"]);
    assert.equal(part.headers["content-range"], "bytes 2-4/10");
    assert.equal((await ask(`${url}files/0`, { range: "bytes=8-99" })).body, "89");
    assert.equal((await ask(`${url}files/0`, { range: "bytes=10-" })).status, 416);
    const head = await ask(`${url}files/0`, {}, "HEAD");
    assert.deepEqual([head.status, head.headers["content-length"], head.body], [200, "10", ""]);
  });
});

test("another site, another name of the machine and another address get nothing", async () => {
  await withServer(async (url) => {
    const refused: readonly (readonly [number, string, Readonly<Record<string, string>>])[] = [
      [421, url, { host: "evil.example" }],
      [421, url, { host: "evil.example:80" }],
      [421, url, { host: "127.0.0.1" }],
      [403, url, { origin: "https://evil.example" }],
      [403, url, { origin: "null" }],
      [403, url, { origin: "http://127.0.0.1:1" }],
      [403, `${url}files/0`, { "sec-fetch-site": "cross-site" }],
      [403, `${url}files/0`, { "sec-fetch-site": "same-site" }],
      [404, new URL("/", url).href, {}],
      [404, new URL("/files/0", url).href, {}],
      [404, new URL("/secre/", url).href, {}],
      [404, new URL("/secret2/", url).href, {}],
      [404, new URL("/SECRET/", url).href, {}],
      [404, new URL("/%73ecret/", url).href, {}],
      [404, `${url}files/1`, {}],
      [404, `${url}files/00000000000`, {}],
      [404, `${url}files/..%2f..%2fetc%2fpasswd`, {}],
      [404, `${url}model.bin`, {}],
    ];
    for (const [status, address, headers] of refused) {
      const answer = await ask(address, headers);
      assert.equal(answer.status, status, `${address} ${JSON.stringify(headers)}`);
      assert.ok(!answer.body.includes("0123") && !answer.body.includes("setup"));
    }
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
      assert.equal((await ask(url, {}, method)).status, 405, method);
    }
    const own = { origin: new URL(url).origin, "sec-fetch-site": "same-origin" };
    assert.equal((await ask(url, own)).status, 200);
    assert.equal((await ask(url, { "sec-fetch-site": "none" })).status, 200);
  });
});

test("ranges of a file that is exchanged do not pass for one file", async () => {
  await withServer(async (url, path) => {
    const range = "bytes=0-1";
    const { etag = "" } = (await ask(`${url}files/0`, { range })).headers;
    assert.match(etag, /^"[0-9a-f]{32}"$/);
    const same = await ask(`${url}files/0`, { range, "if-range": etag });
    assert.deepEqual([same.status, same.headers.etag], [206, etag]);
    // As long, and under the same name.
    writeFileSync(`${path}.new`, "9876543210");
    renameSync(`${path}.new`, path);
    const other = await ask(`${url}files/0`, { range, "if-range": etag });
    assert.deepEqual([other.status, other.body], [200, "9876543210"]);
    assert.notEqual(other.headers.etag, etag);
    assert.notEqual((await ask(`${url}files/0`, { range })).headers.etag, etag);
  });
});

test("a file that goes away or becomes shorter is not given in part as if it were whole", async () => {
  await withServer(async (url, path) => {
    rmSync(path);
    assert.equal((await ask(`${url}files/0`)).status, 410);
    writeFileSync(path, "x".repeat(8 << 20));
    const answer = await new Promise<Answer>((done, fail) => {
      const sent = request(`${url}files/0`, (response) => {
        let body = "";
        truncateSync(path, 10);
        response.setEncoding("latin1").on("data", (chunk: string) => body += chunk);
        const end = (cut: boolean) => (): void =>
          done({ status: response.statusCode, headers: response.headers, body, cut });
        response.on("end", end(false)).on("error", end(true)).on("aborted", end(true));
      });
      sent.on("error", fail);
      sent.end();
    });
    assert.ok(answer.cut || answer.body.length === 8 << 20, String(answer.body.length));
  });
});

test("the command prints its address, gives files as reports name them, and keeps no permission", async () => {
  // The path of a file in a folder can look like the end of a block of data.
  const named = join(SCRATCH, "a<", "script><b>.pkl");
  mkdirSync(join(SCRATCH, "a<"));
  writeFileSync(named, ".");
  const world = testIo();
  const io = { ...world, page: () => PAGE };
  const ended = runServe([named], { port: 0 }, io);
  for (let turns = 0; world.stderr.text === "" && turns < 1000; turns++) {
    await new Promise((done) => setTimeout(done, 5));
  }
  const url = world.stdout.text.trim();
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/[\w-]{24}\/$/);
  assert.match(world.stderr.text, /which scans 1 file\. Ctrl-C ends/);
  assert.deepEqual(world.confined, [{ network: false }]);
  const { body } = await ask(url);
  const [, text = ""] = /id="setup">(.*?)<\/script>/u.exec(body) ?? [];
  const setup = JSON.parse(text);
  assert.deepEqual(setup.examples, {});
  const slash = named.lastIndexOf("/") + 1;
  assert.deepEqual(setup.served, [{
    prefix: named.slice(0, slash).replaceAll("\\", "/"),
    name: named.slice(slash),
    size: 1,
    url: "files/0",
  }]);
  assert.equal(body.split("</script>").length, 2);
  world.interrupt();
  assert.equal(await ended, 0);
  await assert.rejects(ask(url));
});

test("without a page, with a missing file or a page that is none, the command says so", async () => {
  const io = testIo();
  await assert.rejects(runServe([], { port: 0 }, io), /Cannot serve the browser page here/);
  const missing = join(SCRATCH, "none.pkl");
  const page = { ...io, page: () => PAGE };
  await assert.rejects(runServe([missing], { port: 0 }, page), /there is no such file/);
  const other = { ...io, page: () => "<p>" };
  await assert.rejects(runServe([], { port: 0 }, other), /it is none of ours/);
});
