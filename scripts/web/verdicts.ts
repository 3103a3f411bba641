/**
 * The page and the command line say the same of every file: `make test-web`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startBrowser } from "../testing/browser.ts";
import { FILE_URL, type JsonReport, withPageAt } from "../testing/page.ts";
import { ROOT } from "../testing/scripts.ts";

let browser: Awaited<ReturnType<typeof startBrowser>>;
before(async () => {
  browser = await startBrowser();
});
after(() => browser.close());

/** What the command line says of a folder of the checkout. */
async function byCommandLine(folder: string): Promise<JsonReport> {
  const args = ["--no-config", "--format", "json", folder];
  const { stdout } = spawn(join(ROOT, "scripts", "modelaudit"), args, {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  for await (const chunk of stdout.setEncoding("utf8")) text += chunk;
  return JSON.parse(text);
}

function verdictsOf({ assets }: JsonReport): string[] {
  return assets.map(({ path, verdict, risk_score }) => `${path} ${verdict} ${risk_score}`).sort();
}

function issuesOf({ issues }: JsonReport): string[] {
  return issues.map(({ rule_id, severity, location, message }) =>
    `${location} ${rule_id} ${severity} ${message}`
  ).sort();
}

test("verdicts and issues of all test data are those of the command line, file for file", async () => {
  const expected = byCommandLine("testdata");
  await withPageAt(browser, { url: FILE_URL }, async ({ page, ended, report }) => {
    await page.setInputFiles("#pick-folder", join(ROOT, "testdata"));
    await ended();
    const [found, wanted] = [await report(), await expected];
    assert.ok(wanted.assets.length > 2000);
    assert.deepEqual(verdictsOf(found), verdictsOf(wanted));
    assert.deepEqual(issuesOf(found), issuesOf(wanted));
    assert.deepEqual(found.errors, wanted.errors);
  });
});
