/**
 * Files and folders given to the page: `make test-web`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, test } from "node:test";
import { makeCheckpoint } from "../bench/checkpoint.ts";
import { startBrowser } from "../testing/browser.ts";
import { FILE_URL, saved, type Site, startSite, until, withPageAt } from "../testing/page.ts";
import { HARMFUL, ROOT } from "../testing/scripts.ts";

const SCRATCH = mkdtempSync(join(tmpdir(), "modelaudit-page-"));
const PICKLE = join(ROOT, "testdata/pickle/harmful/add_extension_ext1.pkl");
const samples = HARMFUL.map((path) => join(ROOT, path));

let browser: Awaited<ReturnType<typeof startBrowser>>;
let site: Site;
before(async () => {
  [browser, site] = [await startBrowser(), await startSite()];
});
after(async () => {
  await browser.close();
  await site.close();
  rmSync(SCRATCH, { recursive: true });
});

test("files that are dropped are scanned, with every decoder, on a site and from a file", async () => {
  for (const url of [FILE_URL, site.url]) {
    await withPageAt(browser, { url }, async ({ drop, ended, report }) => {
      await drop(...samples);
      await ended();
      const { assets, errors } = await report();
      assert.deepEqual(errors, []);
      assert.deepEqual(assets.map(({ verdict }) => verdict), samples.map(() => "dangerous"), url);
    });
  }
});

test("a folder that is dropped is scanned with all below it, and its files are judged together", async () => {
  const folder = join(ROOT, "testdata/onnx");
  for (const url of [FILE_URL, site.url]) {
    await withPageAt(browser, { url }, async ({ page, drop, ended, report }) => {
      await drop(folder);
      await ended();
      const dropped = await report();
      await page.click("#result button.primary");
      await page.setInputFiles("#pick-folder", folder);
      await ended();
      const chosen = await report();
      assert.ok(dropped.assets.length > 50, String(dropped.assets.length));
      assert.deepEqual(dropped.assets, chosen.assets);
      assert.ok(dropped.assets.every(({ path }) => path.startsWith("onnx/")));
    });
  }
});

/** The most memory that a process of the browser that runs pages has used, in MB. */
async function peakOfRenderers(): Promise<number> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  const peaks = (processInfo as { type: string; id: number }[])
    .filter(({ type }) => type === "renderer").map(({ id }) => {
      const status = readFileSync(`/proc/${id}/status`, "utf8");
      return Number(/^VmHWM:\s+(\d+) kB$/mu.exec(status)?.[1] ?? NaN) / 1000;
    });
  return Math.max(...peaks);
}

test("of a checkpoint of a gigabyte no tensor is read, and memory stays bounded", async () => {
  const path = join(SCRATCH, "large.pt");
  makeCheckpoint(path, 256);
  await withPageAt(browser, { url: FILE_URL }, async ({ drop, ended, report }) => {
    await drop(path);
    await ended();
    const [asset] = (await report()).assets;
    assert.equal(asset?.verdict, "clean");
    assert.ok(asset.bytes_read < 2_000_000, String(asset.bytes_read));
    if (process.platform !== "linux") return;
    const peak = await peakOfRenderers();
    process.stdout.write(
      `1 GB checkpoint: ${asset.bytes_read} bytes read, ${Math.round(peak)} MB at most\n`,
    );
    assert.ok(peak < 600, `${peak} MB`);
  });
});

/** A folder of many small files, one of which is harmful. */
function manyFiles(count: number): string {
  const folder = join(SCRATCH, `many-${count}`);
  for (let at = 0; at < count; at++) {
    const below = join(folder, String(at % 50));
    if (at < 50) mkdirSync(below, { recursive: true });
    const text = at === 4321 % count ? readFileSync(PICKLE) : `(lp0\nI${at}\na.`;
    writeFileSync(join(below, `part-${at}.pkl`), text);
  }
  return folder;
}

test("five thousand files are scanned, and the page stays small and answers meanwhile", async () => {
  const folder = manyFiles(5000);
  await withPageAt(browser, { url: FILE_URL }, async ({ page, ended, report }) => {
    await page.evaluate(`globalThis.longest = 0; let last = performance.now();
      setInterval(() => {
        const now = performance.now();
        globalThis.longest = Math.max(globalThis.longest, now - last);
        last = now;
      }, 10);`);
    await page.setInputFiles("#pick-folder", folder);
    await ended();
    const { assets } = await report();
    assert.equal(assets.length, 5000);
    assert.deepEqual(
      assets.filter(({ verdict }) => verdict !== "clean").map(({ path, verdict }) =>
        `${path} ${verdict}`
      ),
      ["many-5000/21/part-4321.pkl dangerous"],
    );
    const nodes = await page.evaluate("document.querySelectorAll('*').length");
    assert.ok(nodes < 20_000, `${nodes} elements`);
    const longest = Math.round(await page.evaluate("globalThis.longest"));
    process.stdout.write(`5,000 files: ${nodes} elements, longest pause ${longest} ms\n`);
  });
});

test("a scan that is cancelled says what it did not look at, and calls nothing clean for it", async () => {
  const folder = join(ROOT, "testdata");
  await withPageAt(browser, { url: FILE_URL }, async ({ page, ended, report }) => {
    await page.setInputFiles("#pick-folder", folder);
    await until(page, "document.querySelector('#run progress')?.value > 3");
    await page.click("#run button");
    await ended();
    const { assets, errors } = await report();
    assert.ok(assets.length > 3 && assets.length < 2000, String(assets.length));
    assert.equal(errors.length, 1);
    assert.match(errors[0]?.message ?? "", /^The scan was cancelled\. This file and what comes/);
    await page.click("#result button.primary");
    await page.click("[data-example=harmless]");
    await ended();
    assert.match(await page.innerText("#result .banner .verdict"), /CLEAN/);
  });
});

test("reports are saved as JSON, SARIF, HTML and CycloneDX, with hashes where they are wanted", async () => {
  await withPageAt(browser, { url: FILE_URL }, async ({ page, ended, report }) => {
    await page.click("#hash");
    await page.click("[data-example=harmful]");
    await ended();
    assert.equal((await report()).assets[0]?.verdict, "dangerous");
    const sarif = JSON.parse(await saved(page, "SARIF"));
    assert.equal(sarif.version, "2.1.0");
    assert.equal(sarif.runs[0].results[0].level, "error");
    assert.match(await saved(page, "HTML"), /^<!DOCTYPE html>[^]*Content-Security-Policy/);
    const bom = JSON.parse(await saved(page, "CycloneDX"));
    assert.match(JSON.stringify(bom.components), /"alg":"SHA-256","content":"[0-9a-f]{64}"/);
  });
});

test("what was found is shown with evidence and opcodes, and each rule has a page", async () => {
  await withPageAt(browser, { url: FILE_URL }, async ({ page, ended }) => {
    await page.click("[data-example=harmful]");
    await ended();
    await page.click("#files .rows summary");
    const details = await page.innerText("#files .details");
    assert.match(details, /posix\.system/);
    assert.match(details, /REDUCE/);
    await page.click("#files .details .place a");
    await page.waitForSelector("#rules h1");
    assert.match(page.url(), /#\/rules\/pickle-command$/);
    assert.match(await page.innerText("#rules"), /Why it matters[^]*What to do[^]*CWE-78/);
    await page.click("#to-report");
    await page.waitForSelector("#result:not([hidden]) .details");
  });
});
