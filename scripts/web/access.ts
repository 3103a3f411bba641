/**
 * The page by keyboard, for screen readers, in every width and colour scheme: `make test-web`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Look, type Page, startBrowser } from "../testing/browser.ts";
import { FILE_URL, type OpenPage, until, withPageAt } from "../testing/page.ts";
import { ROOT } from "../testing/scripts.ts";

let browser: Awaited<ReturnType<typeof startBrowser>>;
before(async () => {
  browser = await startBrowser();
});
after(() => browser.close());

/** What has the focus, as a screen reader names it. */
const FOCUSED = `(() => {
  const it = document.activeElement;
  return (it.getAttribute("aria-label") ?? it.labels?.[0]?.textContent ?? it.textContent ?? "").trim();
})()`;

/** Presses Tab until something has the focus. */
async function tabTo(page: Page, wanted: RegExp): Promise<void> {
  const passed: string[] = [];
  for (let presses = 0; presses < 40; presses++) {
    await page.keyboard.press("Tab");
    const focused = String(await page.evaluate(FOCUSED));
    if (wanted.test(focused)) return;
    passed.push(focused);
  }
  assert.fail(`${wanted} is not among ${passed.join(" | ")}`);
}

test("by keyboard alone an example is scanned, its file opened, and its rule read", async () => {
  await withPageAt(browser, { url: FILE_URL }, async ({ page, ended }) => {
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(FOCUSED), "Skip to content");
    await page.keyboard.press("Enter");
    await tabTo(page, /^Choose files$/);
    await tabTo(page, /^a harmful checkpoint$/);
    await page.keyboard.press("Enter");
    await ended();
    assert.equal(await page.evaluate("document.activeElement.localName"), "h1");
    assert.match(await page.evaluate(FOCUSED), /^Do not load this file/);
    await tabTo(page, /harmful\.pt.*1 issue/);
    await page.keyboard.press("Enter");
    await page.waitForSelector("#files .details");
    await tabTo(page, /^pickle-command$/);
    await page.keyboard.press("Enter");
    await page.waitForSelector("#rules:not([hidden]) h1");
    assert.equal(await page.evaluate(FOCUSED), "Operating system command");
  });
});

/** Controls without a name, images without a text, and headings that leave out a level. */
const UNNAMED = `(() => {
  const shown = (it) => it.getClientRects().length > 0;
  const found = [];
  for (const it of document.querySelectorAll("button, input, a, progress, summary, select")) {
    const name = it.getAttribute("aria-label") ?? it.labels?.[0]?.textContent ?? it.textContent;
    if (shown(it) && name.trim() === "") found.push(it.outerHTML);
  }
  for (const it of document.querySelectorAll("svg, img")) {
    if (shown(it) && it.closest("[aria-hidden=true], [role=img][aria-label]") === null) {
      found.push(it.outerHTML.slice(0, 100));
    }
  }
  const titles = [...document.querySelectorAll("h1")].filter(shown);
  if (titles.length !== 1) found.push(titles.length + " headings of the first level");
  for (const id of [...document.querySelectorAll("[id]")].map((it) => it.id)) {
    if (document.querySelectorAll("#" + CSS.escape(id)).length > 1) found.push("twice: " + id);
  }
  if (document.documentElement.lang !== "en") found.push("no language");
  return found;
})()`;

/**
 * Texts whose contrast with what is behind them is below AA. https://www.w3.org/TR/WCAG22/#contrast-minimum
 */
const LOW_CONTRAST = `(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const channels = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((it) => it / 255)
      .map((it) => it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let it = element; it !== null; it = it.parentElement) {
      const colour = channels(getComputedStyle(it).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return channels("Canvas");
  };
  const found = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement;
    if (node.data.trim() === "" || element.closest("svg, noscript, script, .visually-hidden, .skip")) continue;
    if (element.getClientRects().length === 0) continue;
    const style = getComputedStyle(element);
    const [a, b] = [luminance(channels(style.color)), luminance(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) {
      found.add(node.data.trim().slice(0, 40) + " " + ratio.toFixed(2) + " " + element.className);
    }
  }
  return [...found];
})()`;

/** Shows each of the page's states in turn. */
async function eachState(
  { page, drop, ended }: OpenPage,
  check: (state: string) => Promise<void>,
): Promise<void> {
  await page.waitForSelector("#home h1");
  await check("first screen");
  await page.click("#link button");
  await check("first screen with a message");
  await drop(join(ROOT, "testdata/sevenzip"));
  await until(page, "document.querySelectorAll('#run .rows > details').length > 3");
  await page.evaluate("document.querySelector('#run .rows > details').open = true");
  await check("running scan");
  await ended();
  await page.evaluate(`document.querySelectorAll("#result .rows > details")
    .forEach((it, at) => { if (at % 9 === 0) it.open = true; })`);
  await until(page, "document.querySelector('#result .details') !== null");
  await check("report");
  await page.click("nav a[href='#/rules']");
  await page.waitForSelector("#rules:not([hidden]) .rule-list");
  await check("rules");
  await page.click("#rules a[href='#/rules/pickle-command']");
  await page.waitForSelector("#rules .names");
  await check("rule");
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`every text can be read in ${colorScheme} colours, and every control has a name`, async () => {
    const look: Look = { colorScheme, reducedMotion: "reduce" };
    await withPageAt(browser, { url: FILE_URL, look }, async (open) => {
      await eachState(open, async (state) => {
        assert.deepEqual(await open.page.evaluate(LOW_CONTRAST), [], state);
        assert.deepEqual(await open.page.evaluate(UNNAMED), [], state);
        const moving = await open.page.evaluate("document.getAnimations().length");
        assert.equal(moving, 0, `${state}: something moves`);
      });
    });
  });
}

test("from a phone to a wide screen nothing is wider than the screen", async () => {
  for (const width of [320, 390, 2560]) {
    const look: Look = { viewport: { width, height: 800 } };
    await withPageAt(browser, { url: FILE_URL, look }, async (open) => {
      await eachState(open, async (state) => {
        const wide = await open.page.evaluate("document.documentElement.scrollWidth");
        assert.ok(wide <= width, `${state}: ${wide} at ${width}`);
      });
    });
  }
});

test("how far a scan has come is said to screen readers, and the end of it", async () => {
  await withPageAt(browser, { url: FILE_URL }, async ({ page, drop, ended }) => {
    await drop(join(ROOT, "testdata/sevenzip"));
    await until(page, "document.querySelector('#live').textContent.startsWith('Scanning')");
    assert.equal(
      await page.evaluate("document.querySelector('#live').getAttribute('aria-live')"),
      "polite",
    );
    await ended();
    assert.match(await page.evaluate(FOCUSED), /^Do not load/);
    assert.match(await page.evaluate("document.title"), /^dangerous/);
  });
});
