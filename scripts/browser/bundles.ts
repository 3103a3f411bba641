/**
 * The npm package in bundles that esbuild and Vite make by their defaults, in Node and in a real browser:
 * `make test-browser`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { startBrowser, withPage } from "../testing/browser.ts";
import { startSite } from "../testing/page.ts";
import { PACKAGE_NAME, projectIn, run } from "../testing/package.ts";
import { HARMFUL, nodePath, ROOT } from "../testing/scripts.ts";

const SCRATCH = mkdtempSync(join(tmpdir(), "modelaudit-bundles-"));
const { folder: PROJECT, install } = projectIn(SCRATCH);
const TOOLS = join(ROOT, ".cache", "tools", "web", "node_modules");

/** A user's program: samples that need each decoder, reports, and what a browser cannot do. */
const PROGRAM = `
import { configure, scan, toHtml, toSarif } from "${PACKAGE_NAME}";
import samples from "./samples.js";

const bytesOf = (text) => Uint8Array.from(atob(text), (it) => it.charCodeAt(0));
async function main() {
  const files = samples.map(([name, text]) => new File([bytesOf(text)], name));
  const settings = await configure('allow = ["our_package.*"]');
  const inputs = [...files, new Response(bytesOf(samples[0][1])), "none.pkl"];
  const report = await scan(inputs, { ...settings, hash: true, explain: true });
  const remote = await scan(new URL("https://127.0.0.1/model.pt"));
  return {
    verdicts: report.files.map((it) => it.path + " " + it.verdict),
    hashes: report.files.every((it) => it.sha256?.value.length === 64),
    errors: [...report.errors, ...remote.errors].map((it) => it.message),
    reports: [toHtml(report).includes("Content-Security-Policy"), JSON.parse(toSarif(report)).version],
  };
}
main().catch((error) => ({ error: String(error?.stack ?? error) })).then((said) => {
  const text = JSON.stringify(said);
  if (typeof document === "undefined") console.log(text);
  else document.body.append(Object.assign(document.createElement("pre"), { id: "said", textContent: text }));
});
`;

const PAGE = (script: string): string =>
  `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><body>${script}</body>`;

const MODULE = '<script type="module" src="./app.js"></script>';

/** What it is to say, wherever it runs. */
const VERDICTS = [...HARMFUL.map((path) => basename(path)), "input-1"]
  .map((name) => `${name} dangerous`);

let browser: Awaited<ReturnType<typeof startBrowser>>;
before(async () => {
  browser = await startBrowser();
  install();
  const samples = HARMFUL.map((path) => [
    basename(path),
    readFileSync(join(ROOT, path)).toString("base64"),
  ]);
  writeFileSync(join(PROJECT, "samples.js"), `export default ${JSON.stringify(samples)};\n`);
  writeFileSync(join(PROJECT, "app.js"), PROGRAM);
  writeFileSync(join(PROJECT, "index.html"), PAGE(MODULE));
});
after(async () => {
  await browser.close();
  rmSync(SCRATCH, { recursive: true });
});

/** Runs a bundler in the project; gives what it said. */
function bundled(tool: "esbuild" | "vite", ...args: readonly string[]): string {
  const program = join(TOOLS, tool, "bin", tool === "vite" ? "vite.js" : "esbuild");
  const { status, stdout, stderr } = spawnSync(nodePath(), [program, ...args], {
    cwd: PROJECT,
    encoding: "utf8",
    env: { PATH: "", NO_COLOR: "1" },
  });
  assert.equal(status, 0, stdout + stderr);
  return stdout + stderr;
}

/** What Vite says of any chunk that is larger than it likes. */
const SIZES = /\(!\) Some chunks are larger [^]*chunkSizeWarningLimit\.\n/;

/** Demands that a bundler warned of nothing but sizes. */
function expectCalm(output: string): void {
  assert.doesNotMatch(
    output.replace(SIZES, ""),
    /\bwarning\b|\(!\)|externalized|unresolved|could not|not supported|import\.meta/i,
  );
}

function expectNode(output: string): void {
  const said = JSON.parse(output);
  assert.deepEqual(said.verdicts, VERDICTS, output);
  assert.deepEqual([said.hashes, said.reports], [true, [true, "2.1.0"]]);
  assert.match(said.errors[0], /^Cannot open "none\.pkl": there is no such file/);
}

/** Serves a folder, shows its page in the browser, and demands what the program says there. */
async function expectBrowser(folder: string): Promise<void> {
  const site = await startSite({}, folder);
  try {
    await expectPage(site.url);
  } finally {
    await site.close();
  }
}

async function expectPage(url: string): Promise<void> {
  const heard = await withPage(browser, { url }, async (page) => {
    await page.waitForSelector("#said");
    const said = JSON.parse(await page.innerText("#said"));
    assert.deepEqual(said.verdicts, VERDICTS, JSON.stringify(said));
    assert.deepEqual([said.hashes, said.reports], [true, [true, "2.1.0"]]);
    assert.deepEqual(said.errors, [
      'Cannot open "none.pkl": a browser has no paths',
      'Cannot fetch "https://127.0.0.1/model.pt": this runtime has no sockets',
    ]);
  });
  assert.deepEqual(heard.console, []);
  // Everything comes from the bundle.
  for (const request of heard.requests) {
    assert.ok(/^data:/.test(request) || request.startsWith(url), request);
  }
}

test("esbuild's default bundle runs in a browser, in one file with all decoders", async () => {
  expectCalm(bundled("esbuild", "app.js", "--bundle", "--outfile=iife/app.js"));
  writeFileSync(join(PROJECT, "iife", "index.html"), PAGE('<script src="./app.js"></script>'));
  await expectBrowser(join(PROJECT, "iife"));
});

test("esbuild's split bundle runs in a browser and loads decoders when they are needed", async () => {
  const flags = ["--bundle", "--format=esm", "--splitting", "--minify", "--outdir=split"];
  expectCalm(bundled("esbuild", "app.js", ...flags));
  writeFileSync(join(PROJECT, "split", "index.html"), PAGE(MODULE));
  await expectBrowser(join(PROJECT, "split"));
});

test("esbuild's bundles for Node run away from node_modules, as CommonJS and as a module", () => {
  // Where nothing is that a decoder could be loaded from.
  const folder = mkdtempSync(join(SCRATCH, "alone-"));
  const flags = ["app.js", "--bundle", "--platform=node"];
  expectCalm(bundled("esbuild", ...flags, `--outfile=${folder}/app.cjs`));
  expectCalm(bundled("esbuild", ...flags, "--format=esm", `--outfile=${folder}/app.mjs`));
  for (const name of ["app.cjs", "app.mjs"]) expectNode(run(folder, nodePath(), name));
});

test("Vite's default bundle runs in a browser", async () => {
  expectCalm(bundled("vite", "build"));
  await expectBrowser(join(PROJECT, "dist"));
});

test("Vite's bundle for Node runs, with the package outside and inside of it", () => {
  expectCalm(bundled("vite", "build", "--ssr", "app.js", "--outDir", "ssr"));
  expectNode(run(PROJECT, nodePath(), "ssr/app.js"));
  const folder = mkdtempSync(join(SCRATCH, "alone-"));
  writeFileSync(
    join(PROJECT, "inside.config.mjs"),
    "export default { ssr: { noExternal: true } };\n",
  );
  const flags = ["--config", "inside.config.mjs", "--ssr", "app.js", "--emptyOutDir"];
  expectCalm(bundled("vite", "build", ...flags, "--outDir", folder));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  expectNode(run(folder, nodePath(), "app.js"));
});
