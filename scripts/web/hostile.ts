/**
 * Nothing that a file says is ever markup or script in the page: `make test-web`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { concatenate, numbers } from "../../src/cli/testing/checkpoint.ts";
import { crc32 } from "../../src/codecs/checksums/crc32.ts";
import { Dice } from "../fuzz/dice.ts";
import { type Page, startBrowser } from "../testing/browser.ts";
import { FILE_URL, saved, withPageAt } from "../testing/page.ts";

const SCRATCH = mkdtempSync(join(tmpdir(), "modelaudit-page-"));

let browser: Awaited<ReturnType<typeof startBrowser>>;
before(async () => {
  browser = await startBrowser();
});
after(async () => {
  await browser.close();
  rmSync(SCRATCH, { recursive: true });
});

/** What a file may say to break out of the place where it is shown. `RUN` would leave a trace. */
const RUN = "globalThis.pwned=1";
const PIECES = [
  `<script>${RUN}</script>`,
  `<img src=x onerror=${RUN}>`,
  `<svg onload=${RUN}>`,
  `<iframe srcdoc="<script>parent.pwned=1</script>">`,
  `"><a href="javascript:${RUN}">x</a>`,
  `' onmouseover='${RUN}`,
  `</title></style></textarea></script><script>${RUN}</script>`,
  "<!--",
  "-->",
  "]]>",
  "{{setup}}",
  "${" + RUN + "}",
  `javascript:${RUN}`,
  "<base href=https://example.org/>",
  "<meta http-equiv=refresh content=0;url=https://example.org/>",
  "<form action=https://example.org/><input autofocus onfocus=pwned=1>",
  "<template shadowrootmode=open><script>pwned=1</script></template>",
  "\u202e\u2066",
  "\x1b[31m\x07",
  "\0",
  "%3Cscript%3E",
  "&lt;script&gt;",
  "__proto__",
  "constructor",
] as const;

function hostileText(dice: Dice): string {
  return Array.from({ length: 1 + dice.below(4) }, () => dice.pick(PIECES)).join(
    dice.pick(["", " ", "/", "."]),
  );
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A pickle that calls a shell with a text, and names a global after another. */
function pickleOf(command: string, name: string): Uint8Array {
  const text = encode(command);
  const global = encode(name.replaceAll(/[\r\n\0]/gu, "_"));
  return concatenate(
    encode("\x80\x02cposix\nsystem\nX").slice(1),
    numbers([text.length, 4]),
    text,
    encode("\x85R0chostile\n").slice(1),
    global,
    encode("\n."),
  );
}

/** A zip archive of one stored member. */
function zipOf(member: string, bytes: Uint8Array): Uint8Array {
  const name = encode(member);
  const sizes = numbers([crc32(bytes), 4], [bytes.length, 4], [bytes.length, 4], [name.length, 2]);
  const local = concatenate(
    numbers([0x04034b50, 4], [20, 2], [0x800, 2], [0, 2], [0, 4]),
    sizes,
    numbers([0, 2]),
    name,
    bytes,
  );
  const central = concatenate(
    numbers([0x02014b50, 4], [20, 2], [20, 2], [0x800, 2], [0, 2], [0, 4]),
    sizes,
    numbers([0, 4], [0, 2], [0, 2], [0, 4], [0, 4]),
    name,
  );
  const end = numbers([0x06054b50, 4], [0, 4], [1, 2], [1, 2], [central.length, 4], [
    local.length,
    4,
  ], [0, 2]);
  return concatenate(local, central, end);
}

/** Elements that the page never makes of itself, and attributes that run or load something. */
const FOREIGN = `(() => {
  const found = [...document.querySelectorAll("main *")].filter((it) =>
    /^(?:script|img|iframe|object|embed|base|meta|link|template|style|video|audio)$/i.test(it.localName) ||
    (it.localName === "form" && it.id !== "link") ||
    [...it.attributes].some(({ name, value }) =>
      /^on/i.test(name) || (/^(?:href|src|action|xlink:href)$/i.test(name) &&
        !/^(?:#|https:\\/\\/)/.test(value))));
  return [...found.map((it) => it.outerHTML), ...(globalThis.pwned === undefined ? [] : ["pwned"]),
    ...(Object.prototype.pwned === undefined ? [] : ["polluted"])];
})()`;

async function openAll(page: Page): Promise<void> {
  await page.evaluate(
    `document.querySelectorAll("#result details").forEach((it) => it.open = true)`,
  );
  await page.evaluate("new Promise((done) => setTimeout(done, 50))");
  await page.evaluate(
    `document.querySelectorAll("#result details").forEach((it) => it.open = true)`,
  );
  await page.evaluate("new Promise((done) => setTimeout(done, 50))");
}

test("names of files and members, globals and commands are text, with markup in them too", async () => {
  const dice = new Dice(20_261_130);
  const folder = join(SCRATCH, "names");
  mkdirSync(folder);
  const payloads = Array.from({ length: 60 }, (_, at) => {
    const pickle = pickleOf(hostileText(dice), hostileText(dice));
    const isZip = at % 3 === 0;
    const buffer = isZip ? zipOf(`${hostileText(dice)}.pkl`, pickle) : pickle;
    return { name: `${at}${hostileText(dice)}.${isZip ? "zip" : "pkl"}`, mimeType: "", buffer };
  });
  await withPageAt(browser, { url: FILE_URL }, async ({ page, ended, report, said }) => {
    // As File objects: a file system would not take all of these names.
    const files = payloads.map((
      { name, buffer },
    ) => [name, Buffer.from(buffer).toString("base64")]);
    await page.evaluate(`(() => {
      const transfer = new DataTransfer();
      for (const [name, text] of ${JSON.stringify(files)}) {
        transfer.items.add(new File([Uint8Array.from(atob(text), (it) => it.charCodeAt(0))], name));
      }
      const input = document.querySelector("#pick-files");
      input.files = transfer.files;
      input.dispatchEvent(new Event("change"));
    })()`);
    await ended();
    const { assets } = await report();
    assert.equal(assets.length, payloads.length);
    for (const { verdict, path } of assets) assert.equal(verdict, "dangerous", path);
    await openAll(page);
    assert.deepEqual(await page.evaluate(FOREIGN), []);
    const text = await page.evaluate("document.querySelector('#result').textContent");
    assert.ok(text.includes(`<img src=x onerror=${RUN}>`));
    assert.equal(/[\p{Bidi_Control}\p{Cc}]/u.exec(text.replaceAll("\n", ""))?.index, undefined);
    await page.click("#files .tools > button");
    await openAll(page);
    assert.deepEqual(await page.evaluate(FOREIGN), []);
    // The report that is saved is a page, too.
    const path = join(SCRATCH, "saved.html");
    writeFileSync(path, await saved(page, "HTML"));
    await page.goto(`file://${path}`);
    await page.waitForSelector("#files");
    assert.deepEqual(await page.evaluate(FOREIGN), []);
    assert.deepEqual(said, []);
  });
});

test("an address or a rule that the page's address names is text", async () => {
  for (const piece of PIECES.slice(0, 2)) {
    for (const start of ["#/link/", "#/rules/", "#/report/", "#"]) {
      const url = `${FILE_URL}${start}${encodeURIComponent(piece)}`;
      await withPageAt(browser, { url }, async ({ page }) => {
        await page.waitForSelector("main section:not([hidden]) h1");
        assert.deepEqual(await page.evaluate(FOREIGN), [], url);
      });
    }
  }
});

test("the browser itself refuses markup and scripts from text in this page", async () => {
  await withPageAt(browser, { url: FILE_URL }, async ({ page, said }) => {
    const tried = await page.evaluate(`(() => {
      const results = [];
      try { document.body.insertAdjacentHTML("beforeend", "<b id=made>x</b>"); }
      catch (error) { results.push(error.name); }
      results.push(document.querySelector("#made") === null);
      const script = document.createElement("script");
      try { script.textContent = "${RUN}"; document.body.append(script); }
      catch (error) { results.push(error.name); }
      results.push(globalThis.pwned === undefined);
      try { new Worker("data:text/javascript,0"); } catch (error) { results.push(error.name); }
      try { trustedTypes.createPolicy("other", {}); } catch (error) { results.push(error.name); }
      return results;
    })()`);
    assert.deepEqual(tried, ["TypeError", true, "TypeError", true, "TypeError", "TypeError"]);
    said.length = 0;
  });
});
