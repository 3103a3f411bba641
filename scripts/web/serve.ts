/**
 * `modelaudit serve` in a real browser: `make test-web`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, test } from "node:test";
import { startBrowser } from "../testing/browser.ts";
import { BUILT, untilPrepared, withPageAt } from "../testing/page.ts";
import { HARMFUL, ROOT } from "../testing/scripts.ts";
import { toolPath } from "../build.ts";

const SCRATCH = mkdtempSync(join(tmpdir(), "modelaudit-serve-"));

let browser: Awaited<ReturnType<typeof startBrowser>>;
before(async () => {
  browser = await startBrowser();
});
after(async () => {
  await browser.close();
  rmSync(SCRATCH, { recursive: true });
});

/** Starts the command as the launcher does, with the page that the tests built. */
async function withServe(
  paths: readonly string[],
  body: (url: string) => Promise<void>,
): Promise<void> {
  const entry = join(SCRATCH, "entry.ts");
  const from = (path: string): string => JSON.stringify(join(ROOT, path));
  writeFileSync(
    entry,
    `import { readFileSync } from "node:fs";
    import { providePage } from ${from("src/cli/page_file.ts")};
    providePage(() => readFileSync(${JSON.stringify(join(BUILT, "modelaudit.html"))}, "utf8"));
    await import(${from("cli.ts")});\n`,
  );
  const flags = [
    "--quiet",
    "--no-prompt",
    "--no-check",
    "--no-remote",
    "--cached-only",
    "--no-lock",
  ];
  const rights = ["--allow-read", "--allow-net=127.0.0.1", "--allow-env"];
  const config = ["--config", join(ROOT, "deno.json")];
  const child: ChildProcess = spawn(
    toolPath("deno"),
    ["run", ...flags, ...rights, ...config, entry, "serve", ...paths],
    { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] },
  );
  const ended = new Promise<number | null>((done) => child.on("exit", done));
  try {
    const url = await new Promise<string>((done, fail) => {
      child.stdout?.setEncoding("utf8").on("data", (text: string) => done(text.trim()));
      void ended.then((code) => fail(new Error(`it ended with ${code}`)));
    });
    await body(url);
    process.kill(child.pid ?? 0, "SIGINT");
    assert.equal(await ended, 0);
  } finally {
    child.kill("SIGKILL");
  }
}

test("the files that are named are scanned by the page, by ranges, and named as reports do", async () => {
  await withServe([...HARMFUL, "testdata/zip/safe"], async (url) => {
    await withPageAt(browser, { url }, async ({ page, ended, report }) => {
      await ended();
      const { assets, errors } = await report();
      assert.deepEqual(errors, []);
      for (const path of HARMFUL) {
        assert.equal(assets.find((it) => it.path === path)?.verdict, "dangerous", path);
      }
      assert.ok(assets.some(({ path }) => path.startsWith("testdata/zip/safe/")));
      // It may ask the server that it is from, and nothing else.
      await page.click("#result button.primary");
      assert.match(await page.innerText("#promise"), /the program that serves it/);
    });
  });
});

test("a page of another site can neither read what is served nor show it", async () => {
  await withServe(["testdata/torch/harmful/state_dict.pt"], async (url) => {
    const other = createServer((_, response) => {
      response.setHeader("content-type", "text/html");
      response.end("<p>x</p>");
    });
    await new Promise<void>((done) => other.listen(0, "127.0.0.1", done));
    const own = `http://localhost:${(other.address() as AddressInfo).port}/`;
    try {
      await withPageAt(browser, { url: own }, async ({ page, said }) => {
        const tried = await page.evaluate(`(async () => {
          const read = await fetch(${
          JSON.stringify(`${url}files/0`)
        }).then(() => "came", () => "refused");
          const blind = await fetch(${JSON.stringify(url)}, { mode: "no-cors" })
            .then((it) => it.type, () => "refused");
          const frame = document.createElement("iframe");
          const loaded = new Promise((done) => frame.onload = done);
          frame.src = ${JSON.stringify(url)};
          document.body.append(frame);
          await loaded;
          let inside = "none";
          try { inside = String(frame.contentDocument?.title); } catch { inside = "closed"; }
          return [read, blind, inside];
        })()`);
        assert.equal(tried[0], "refused");
        assert.notEqual(tried[1], "basic");
        assert.doesNotMatch(tried[2], /modelaudit/);
        said.length = 0;
      });
    } finally {
      other.close();
      other.closeAllConnections();
    }
  });
});

test("what is served is the page that was built, with the files in its block of data and no more", async () => {
  await withServe(["testdata/torch/harmful/state_dict.pt"], async (url) => {
    const sent = await (await fetch(url)).text();
    const built = readFileSync(join(BUILT, "modelaudit.html"), "utf8");
    assert.equal(sent.replace(/"served":\[\{[^\]]*\}\],/u, ""), built);
    await withPageAt(browser, { url }, async ({ page, ended, said }) => {
      await ended();
      const worker = await untilPrepared(page);
      const ask = `fetch("http://127.0.0.1:9/").then(() => "came", (it) => it.name)`;
      assert.equal(await worker.evaluate(ask), "TypeError");
      said.length = 0;
    });
  });
});
