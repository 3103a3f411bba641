/**
 * The HTML report in a real browser: `make test-browser`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { file, report, SAMPLES } from "../../testdata/report/samples.ts";
import { scanMany } from "../../src/scan/scan_inputs.ts";
import { loadRules } from "../../src/rules/rules.ts";
import { renderHtml } from "../../src/report/html/page.ts";
import type { FileReport, ScanReport } from "../../src/core/types.ts";
import { type Look, type Page, startBrowser, withPage } from "../testing/browser.ts";

const SCRATCH = mkdtempSync(join(tmpdir(), "modelaudit-browser-"));
const EXIT = { failOn: "medium", allowNoModels: false } as const;
const PHONE: Look = { viewport: { width: 390, height: 844 } };

let browser: Awaited<ReturnType<typeof startBrowser>>;
before(async () => {
  browser = await startBrowser();
});
after(async () => {
  await browser.close();
  rmSync(SCRATCH, { recursive: true });
});

/** The report of samples that are in the checkout. */
async function real(): Promise<ScanReport> {
  const folders = ["disguised", "sevenzip", "torch"].map((name) =>
    fileURLToPath(new URL(`../../testdata/${name}`, import.meta.url))
  );
  return await scanMany(folders, { rules: loadRules(), explain: true });
}

/** Shows a report, and wants that the page asks for nothing and has no error. */
async function show(
  shown: ScanReport,
  look: Look,
  body: (page: Page) => Promise<void>,
): Promise<void> {
  const path = join(SCRATCH, "report.html");
  writeFileSync(path, renderHtml(shown, EXIT));
  const url = pathToFileURL(path).href;
  const heard = await withPage(browser, { url, look }, async (page, { console }) => {
    await page.waitForSelector(look.javaScriptEnabled === false ? "h1" : "#files");
    assert.deepEqual(console, []);
    await body(page);
  });
  assert.deepEqual(heard.requests, [url]);
}

test("the verdict comes first, then what would happen, then a map and all files", async () => {
  const shown = await real();
  await show(shown, {}, async (page) => {
    assert.match(await page.innerText(".banner"), /DANGEROUS\s+Do not load: \d+ of \d+ files/);
    const titles = await page.evaluate(
      "[...document.querySelectorAll('h2')].map((it) => it.textContent)",
    );
    assert.deepEqual(titles, ["What would happen if these files were loaded", "Map", "Files"]);
    assert.match(await page.innerText("#happens li"), /CRITICAL[^]*calls/);
    assert.match(
      await page.innerText("#files [role=status]"),
      new RegExp(`^${shown.files.length}`),
    );
  });
});

test("search and verdicts narrow the list, and a file opens with its opcodes", async () => {
  await show(await real(), {}, async (page) => {
    await page.fill("input[type=search]", "malicious.7z");
    assert.match(await page.innerText("#files [role=status]"), /^1 of/);
    await page.click(".rows summary");
    const details = await page.innerText(".details");
    assert.match(details, /models\/model\.pkl › stream_0 · byte 17 · pickle-command/);
    assert.match(details, /REDUCE .*posix\.system\('echo container'\)/);
    assert.match(details, /What to do: Do not load this file/);
    assert.equal(
      await page.evaluate("document.querySelectorAll('.listing mark').length"),
      2,
    );
    await page.fill("input[type=search]", "");
    await page.click(".chip.clean");
    const verdicts = await page.evaluate(
      "[...document.querySelectorAll('.rows > .file')].every((it) => it.matches('.clean'))",
    );
    assert.equal(verdicts, true);
    await page.click(".tools > button");
    await page.click(".folders summary");
    assert.match(await page.innerText(".folders"), /malicious\.jpg/);
  });
});

test("in a sandboxed frame, as notebooks show it, the page works and reaches nothing outside", async () => {
  const inner = renderHtml(await real(), EXIT).replaceAll("&", "&amp;").replaceAll('"', "&quot;");
  const path = join(SCRATCH, "notebook.html");
  writeFileSync(
    path,
    `<!DOCTYPE html><p id="outside">cell<iframe sandbox="allow-scripts" srcdoc="${inner}"></iframe>`,
  );
  const url = pathToFileURL(path).href;
  await withPage(browser, { url, look: {} }, async (page, { console }) => {
    await page.waitForSelector("iframe");
    const frame = page.frames()[1];
    assert.ok(frame);
    await frame.waitForSelector("#files");
    assert.match(await frame.innerText(".banner"), /DANGEROUS/);
    await frame.click(".rows summary");
    assert.match(await frame.innerText(".details"), /What to do/);
    const reach =
      "(() => { try { return parent.document.title; } catch (it) { return it.name; } })()";
    assert.equal(await frame.evaluate(reach), "SecurityError");
    assert.deepEqual(console, []);
  });
});

test("a file that is chosen in the map is opened", async () => {
  await show(await real(), {}, async (page) => {
    await page.evaluate(
      "document.querySelector('.cell.dangerous').dispatchEvent(new MouseEvent('click', { bubbles: true }))",
    );
    assert.match(await page.innerText("#files [role=status]"), /^1 of/);
    assert.match(await page.innerText(".details"), /pickle/);
  });
});

test("nothing can be loaded or run that is not the page's own", async () => {
  await show(await real(), {}, async (page) => {
    const tried = await page.evaluate(`(async () => {
      const script = document.createElement("script");
      script.textContent = "globalThis.pwned = true";
      document.body.append(script);
      const style = document.createElement("style");
      style.textContent = "body { background: rgb(1, 2, 3) }";
      document.body.append(style);
      const image = new Image();
      const loaded = new Promise((done) => {
        image.onload = () => done(true);
        image.onerror = () => done(false);
      });
      image.src = "data:image/gif;base64,R0lGODlhAQABAAAAACw=";
      let fetched = true;
      try { await fetch("https://example.org/"); } catch { fetched = false; }
      return {
        ran: globalThis.pwned === true,
        styled: getComputedStyle(document.body).backgroundColor === "rgb(1, 2, 3)",
        image: await loaded,
        fetched,
      };
    })()`);
    assert.deepEqual(tried, { ran: false, styled: false, image: false, fetched: false });
  });
});

test("names and evidence from a file are text, also with tags in them", async () => {
  const [finding] = SAMPLES["one_harmful"]?.files[0]?.findings ?? [];
  assert.ok(finding);
  const nasty =
    "</script><script>globalThis.pwned=1</script><img src=x onerror=globalThis.pwned=1>" +
    "<!-- ${globalThis.pwned=1} javascript:alert(1) \u202e";
  const path = `a/${nasty}.pkl`;
  const hostile = file(path, "dangerous", [{
    ...finding,
    safety: "dangerous",
    message: nasty,
    details: {
      calls: [{ expression: `x(${nasty})` }],
      evidence: [{ kind: nasty, text: `1\n${nasty}`, cut: true }],
      disassembly: [{ text: nasty, marked: true }],
    },
  }]);
  const others = [0, 1, 2, 3].map((it) => file(`a/${it}.pkl`, "clean"));
  const shown = report([{ ...hostile, formats: [nasty] }, ...others], [
    { location: { path: nasty, parts: [nasty] }, message: nasty, remedy: nasty },
  ]);
  await show(shown, {}, async (page) => {
    await page.click(".rows summary");
    assert.equal(await page.evaluate("globalThis.pwned"), undefined);
    assert.equal(
      await page.evaluate("document.querySelectorAll('main img, main script').length"),
      0,
    );
    const text = await page.evaluate("document.querySelector('.details').textContent");
    assert.ok(text.includes("</script><script>globalThis.pwned=1</script><img"));
    assert.doesNotMatch(text, /\u202e/);
  });
});

test("ten thousand files are a page that is as small as one of a hundred", async () => {
  const [finding] = SAMPLES["one_harmful"]?.files[0]?.findings ?? [];
  assert.ok(finding);
  const verdicts = ["clean", "clean", "clean", "suspicious", "dangerous"] as const;
  const files = Array.from({ length: 10_000 }, (_, at): FileReport => {
    const verdict = verdicts[at % verdicts.length] ?? "clean";
    const path = `models/${at % 97}/part-${at}.pkl`;
    return { ...file(path, verdict, [finding]), size: (at * 7919) % 1_000_003 };
  });
  await show(report(files), {}, async (page) => {
    const nodes = await page.evaluate("document.querySelectorAll('main *').length");
    assert.ok(nodes < 25_000, `${nodes} elements`);
    const rows = "document.querySelectorAll('.rows > .file').length";
    assert.equal(await page.evaluate(rows), 100);
    await page.click("#files .more");
    assert.equal(await page.evaluate(rows), 200);
    await page.fill("input[type=search]", "part-9999.pkl");
    assert.match(await page.innerText("#files [role=status]"), /^1 of 10,000/);
    const milliseconds = await page.evaluate(`(() => {
      const search = document.querySelector("input[type=search]");
      const began = performance.now();
      for (const text of ["part", "part-1", "part-12", ""]) {
        search.value = text;
        search.dispatchEvent(new Event("input"));
      }
      return performance.now() - began;
    })()`);
    process.stdout.write(
      `10,000 files: ${nodes} elements, 4 searches ${Math.round(milliseconds)} ms\n`,
    );
  });
});

test("light and dark follow the system", async () => {
  const colours: string[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    await show(report([file("a.pkl", "clean")]), { colorScheme }, async (page) => {
      colours.push(await page.evaluate("getComputedStyle(document.body).backgroundColor"));
    });
  }
  assert.deepEqual(colours, ["rgb(255, 255, 255)", "rgb(13, 17, 23)"]);
});

test("on a phone nothing is wider than the screen", async () => {
  const shown = await real();
  const long = file(`${"very_long_name_".repeat(20)}.pkl`, "suspicious", [{
    ...shown.files.flatMap(({ findings }) => findings)[0]!,
    message: "x".repeat(400),
  }]);
  await show({ ...shown, files: [long, ...shown.files] }, PHONE, async (page) => {
    const width = "document.documentElement.scrollWidth";
    assert.ok(await page.evaluate(width) <= 390);
    await page.evaluate(
      "document.querySelectorAll('.rows > details').forEach((it) => { it.open = true; })",
    );
    await page.waitForSelector(".details");
    assert.ok(await page.evaluate(width) <= 390);
  });
});

test("without scripts the page still says what matters", async () => {
  await show(await real(), { javaScriptEnabled: false }, async (page) => {
    const text = await page.innerText("main");
    assert.match(text, /dangerous: Do not load/);
    assert.match(text, /malicious\.7z/);
    assert.match(text, /calls posix\.system/);
  });
});
