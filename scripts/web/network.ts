/**
 * What the page asks of the network, and what it cannot: `make test-web`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { checkpoint } from "../../src/cli/testing/checkpoint.ts";
import { startServer, type TestServer } from "../../src/cli/testing/server.ts";
import { startBrowser } from "../testing/browser.ts";
import { BUILT, FILE_URL, startSite, untilPrepared, withPageAt } from "../testing/page.ts";
import { HARMFUL, ROOT } from "../testing/scripts.ts";

const SCRATCH = mkdtempSync(join(tmpdir(), "modelaudit-page-"));
const samples = HARMFUL.map((path) => join(ROOT, path));
const PICKLE = new Uint8Array(readFileSync(samples[0] ?? ""));

let browser: Awaited<ReturnType<typeof startBrowser>>;
before(async () => {
  browser = await startBrowser();
});
after(async () => {
  await browser.close();
  rmSync(SCRATCH, { recursive: true });
});

/** What Chromium's own log of its network has. https://www.chromium.org/developers/design-documents/network-stack/netlog/ */
interface NetLog {
  readonly constants: { readonly logEventTypes: Readonly<Record<string, number>> };
  readonly events: readonly {
    readonly type: number;
    readonly params?: { readonly initiator?: string; readonly url?: string };
  }[];
}

/** Requests of a log that pages and their workers began; the browser begins others by itself. */
function requestsOfPages(path: string): string[] {
  const { constants, events }: NetLog = JSON.parse(readFileSync(path, "utf8"));
  const start = constants.logEventTypes["URL_REQUEST_START_JOB"];
  assert.ok(start !== undefined && events.length > 0);
  return events.filter(({ type, params }) =>
    type === start && params?.initiator !== undefined && params.initiator !== "not an origin"
  ).map(({ params }) => String(params?.url));
}

test("by the browser's own log, scanning local files makes no request", async () => {
  const log = join(SCRATCH, "net.json");
  const logged = await startBrowser(`--log-net-log=${log}`, "--net-log-capture-mode=Everything");
  await withPageAt(logged, { url: FILE_URL }, async ({ page, drop, ended, requests }) => {
    await drop(...samples, join(ROOT, "testdata/zip"));
    await ended();
    await page.click("#result button.primary");
    await page.setInputFiles("#pick-folder", join(ROOT, "testdata/onnx"));
    await ended();
    const own = requests.filter((it) => !it.startsWith("blob:"));
    assert.deepEqual(own, [FILE_URL]);
  });
  await logged.close();
  assert.deepEqual(requestsOfPages(log), []);
});

test("the log has the requests of a page that makes some, those of its own parts", async () => {
  const log = join(SCRATCH, "net-site.json");
  const logged = await startBrowser(`--log-net-log=${log}`, "--net-log-capture-mode=Everything");
  const site = await startSite();
  await withPageAt(logged, { url: site.url }, async ({ drop, ended }) => {
    await drop(...samples);
    await ended();
  });
  await logged.close();
  await site.close();
  const requested = requestsOfPages(log);
  assert.ok(requested.length > 3);
  for (const url of requested) assert.ok(url.startsWith(site.url), url);
  // They ask for the page's parts, and bring nothing along.
  for (const { path, method, bytes } of site.requests) {
    assert.match(`${method} ${path} ${bytes}`, /^GET \/(?:assets\/[\w-]+\.(?:js|css)|sw\.js)? 0$/);
  }
});

test("the page and its workers are refused every connection from the start", async () => {
  const server = await startServer("parts", true);
  server.serve("/model.pkl", PICKLE);
  const ask = `fetch(${JSON.stringify(`${server.url}/model.pkl`)})
    .then(() => "came", (error) => error.name)`;
  await withPageAt(browser, { url: FILE_URL }, async ({ page, said }) => {
    assert.equal(await page.evaluate(ask), "TypeError");
    const worker = await untilPrepared(page);
    assert.equal(await worker.evaluate(ask), "TypeError");
    assert.ok(said.some((it) => it.includes("connect-src")));
    said.length = 0;
  });
  assert.deepEqual(server.requests, []);
  await server.close();
});

test("a worker that was started for an address reads no local file", async () => {
  const [site, server] = [await startSite(), await startServer("parts", true)];
  const ask = `fetch("${server.url}/leak", { mode: "no-cors" }).then(() => {}, () => {})`;
  await withPageAt(browser, { url: `${site.url}#/link/org%2Fmodel` }, async (opened) => {
    const { page, drop, ended } = opened;
    // It may connect, as it must for an address, and does so again with whatever it is sent.
    const worker = await untilPrepared(page);
    await worker.evaluate(`addEventListener("message", () => ${ask})`);
    await worker.evaluate(ask);
    assert.equal(server.requests.length, 1);
    await drop(...samples);
    await ended();
    assert.equal(server.requests.length, 1);
  });
  await server.close();
  await site.close();
});

test("after one visit the page works without its server, with every decoder", async () => {
  const site = await startSite();
  await withPageAt(browser, { url: site.url }, async ({ page, drop, ended, report, said }) => {
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)");
    await site.close();
    await page.context().setOffline(true);
    await page.reload();
    await drop(...samples);
    await ended();
    const { assets } = await report();
    assert.deepEqual(assets.map(({ verdict }) => verdict), samples.map(() => "dangerous"));
    said.length = 0;
  });
});

/** Files that a file of the page cannot do without: those that it names in static imports, and theirs. */
function neededBy(name: string, found: Set<string> = new Set()): Set<string> {
  if (found.has(name)) return found;
  found.add(name);
  const text = readFileSync(join(BUILT, "web", name), "utf8");
  for (const [, other = ""] of text.matchAll(/(?:from|import)"\.\/([\w-]+\.js)"/gu)) {
    neededBy(`assets/${other}`, found);
  }
  return found;
}

test("the first load is below 600 kB, compressed, and the single file below 12 MB", () => {
  const page = readFileSync(join(BUILT, "web", "index.html"), "utf8");
  const named = [...page.matchAll(/assets\/[\w-]+\.(?:js|css)/gu)].map(([name]) => name);
  assert.deepEqual(named.map((it) => it.replace(/-.*\./u, ".")).sort(), [
    "assets/main.js",
    "assets/style.css",
    "assets/worker.js",
  ]);
  const needed = new Set(["index.html", ...named.flatMap((it) => [...neededBy(it)])]);
  let bytes = 0;
  for (const name of needed) {
    bytes += gzipSync(readFileSync(join(BUILT, "web", name)), { level: 9 }).length;
  }
  const single = statSync(join(BUILT, "modelaudit.html")).size;
  const all = readdirSync(join(BUILT, "web", "assets")).length;
  process.stdout.write(
    `First load, ready to scan: ${bytes} bytes compressed in ${needed.size} files; ` +
      `${all} files in all; single file: ${single} bytes\n`,
  );
  assert.ok(needed.size > 3 && bytes < 600_000, String(bytes));
  assert.ok(single < 12_000_000, String(single));
});

/** Opens the page on a site, whose hub may be a server of the test, and scans an address. */
async function scanAddress(
  hub: TestServer | undefined,
  address: string,
  body: Parameters<typeof withPageAt>[2],
): Promise<void> {
  const site = await startSite(hub && { hub: hub.url });
  try {
    await withPageAt(browser, { url: site.url }, async (open) => {
      await open.page.fill("#address", address);
      await open.page.click("#link button");
      await open.ended();
      await body(open);
      // Answers that are no success are said by the browser.
      open.said.length = 0;
    });
  } finally {
    await site.close();
  }
}

test("of a repository on a hub only ranges are fetched, straight from the page", async () => {
  const server = await startServer("parts", true);
  const large = checkpoint({ storages: 8, storageBytes: 4 << 20 });
  server.repository("org/model", {
    "model.pkl": PICKLE,
    "config.json": new TextEncoder().encode('{"model_type": "bert"}'),
    "pytorch_model.bin": large.slice(0, large.size),
  });
  await scanAddress(server, "org/model", async ({ report }) => {
    const { assets, errors } = await report();
    assert.deepEqual(errors, []);
    assert.deepEqual(assets.map(({ path, verdict }) => `${path} ${verdict}`), [
      "hf://org/model/model.pkl dangerous",
      "hf://org/model/pytorch_model.bin clean",
      "hf://org/model/config.json clean",
    ]);
  });
  assert.ok(server.sent() < 1_000_000, `${server.sent()} of ${large.size} bytes`);
  for (const { headers } of server.requests) {
    assert.deepEqual([headers.cookie, headers.authorization, headers.referer], [
      undefined,
      undefined,
      undefined,
    ]);
  }
  await server.close();
});

test("an address is fetched where its server allows it, and else it is said why not", async () => {
  const open = await startServer("parts", true);
  open.serve("/a/model.pkl", PICKLE);
  await scanAddress(undefined, `${open.url}/a/model.pkl`, async ({ report }) => {
    assert.deepEqual((await report()).assets.map(({ verdict }) => verdict), ["dangerous"]);
  });
  await scanAddress(undefined, `${open.url}/none.pkl`, async ({ page, report }) => {
    const { assets } = await report();
    assert.deepEqual(assets.map(({ verdict }) => verdict), ["incomplete"]);
    await page.click("#files .rows summary");
    assert.match(await page.innerText("#files .details"), /there is no such file \(HTTP 404\)/);
  });
  await open.close();
  const closed = await startServer("parts", false);
  closed.serve("/a/model.pkl", PICKLE);
  await scanAddress(undefined, `${closed.url}/a/model.pkl`, async ({ page, report }) => {
    assert.deepEqual((await report()).assets.map(({ verdict }) => verdict), ["incomplete"]);
    await page.click("#files .rows summary");
    const details = await page.innerText("#files .details");
    assert.match(details, /does not let other sites' pages read its files \(CORS\)/);
    assert.match(details, /Download the file and drop it here/);
  });
  await closed.close();
});

test("a body that was encoded on its way is not taken for the file", async () => {
  const server = await startServer("parts", true);
  const bytes = gzipSync(Buffer.concat([Buffer.from("(lp0\n."), Buffer.alloc(5000), PICKLE]));
  server.serve("/model.pkl", bytes, (request, response) => {
    response.writeHead(206, {
      "content-encoding": "gzip",
      "content-length": bytes.length,
      "content-range": `bytes 0-${bytes.length - 1}/${bytes.length}`,
    });
    response.end(request.method === "HEAD" ? undefined : bytes);
    return true;
  });
  await scanAddress(undefined, `${server.url}/model.pkl`, async ({ report }) => {
    const { assets } = await report();
    assert.notEqual(assets[0]?.verdict, "clean");
    assert.notEqual(assets[0]?.verdict, "skipped");
  });
  await server.close();
});

test("an address that a link brings is fetched only when that is confirmed", async () => {
  const server = await startServer("parts", true);
  server.serve("/model.pkl", PICKLE);
  const site = await startSite();
  const url = `${site.url}#/link/${encodeURIComponent(`${server.url}/model.pkl`)}`;
  await withPageAt(browser, { url }, async ({ page, ended, report }) => {
    await page.waitForSelector("#home-status:not([hidden])");
    assert.match(await page.innerText("#home-status"), /press Scan to fetch it/);
    await new Promise((done) => setTimeout(done, 300));
    assert.deepEqual(server.requests, []);
    await page.click("#link button");
    await ended();
    assert.deepEqual((await report()).assets.map(({ verdict }) => verdict), ["dangerous"]);
  });
  await site.close();
  await server.close();
});
