import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import { readConfiguration } from "../src/config/read.ts";
import { FORMATS } from "../src/formats/registry.ts";
import { loadRules } from "../src/rules/rules.ts";
import { projectIn } from "./testing/package.ts";
import { HARMFUL, nodePath, ROOT } from "./testing/scripts.ts";

// What is run is the same, in whichever runtime the tests run.
const skip = "Bun" in globalThis && "once is enough: it runs under Deno";

const SCRATCH = mkdtempSync(join(tmpdir(), "modelaudit-snippets-"));
after(() => rmSync(SCRATCH, { recursive: true, force: true }));

const PAGES = [
  ...["README.md", "docs/usage.md", "docs/configuration.md", "docs/remote.md", "docs/report.md"],
  ...["docs/npm.md", "docs/integrations.md", "docs/python.md", "docs/migrating.md"],
] as const;

/** Fenced blocks of a page in a language, without what stands in HTML comments. */
function blocks(page: string, language: string): string[] {
  const text = readFileSync(join(ROOT, page), "utf8");
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))]
    .map(([, code = ""]) => code);
}

/** Commands of pages that are ours: all but those of make, npm, git and the like, which other tests run. */
function commands(): { readonly page: string; readonly line: string }[] {
  return PAGES.flatMap((page) =>
    blocks(page, "sh").flatMap((code) => code.split("\n")).map((line) => ({
      page,
      line: line
        .replace(/(?:^|\s)#\s.*$/, "")
        .replace(/^npx @modelaudit\/modelaudit|^(?:uvx )?modelaudit-scanner/, "modelaudit")
        .replace(/^scripts\/modelaudit/, "modelaudit")
        .trim(),
    }))
  ).filter(({ line }) => /(?:^|\| )modelaudit /.test(line));
}

/** A folder with what the pages name. */
function workplace(name: string): string {
  const folder = join(SCRATCH, name);
  mkdirSync(join(folder, "models"), { recursive: true });
  const model = join(ROOT, HARMFUL[0] ?? "");
  for (const path of ["model.pkl", "model.pt", "models/model.pkl"]) {
    cpSync(model, join(folder, path));
  }
  return folder;
}

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a line in a shell that finds `modelaudit` in a folder, where possible without a network. */
function shell(folder: string, line: string, bin: string): Ran {
  const command = ["sh", "-c", line];
  const apart = ["/usr/bin/unshare", "--map-root-user", "--net"];
  const canPart = spawnSync(apart[0] ?? "", [...apart.slice(1), "true"]).status === 0;
  const [program = "", ...args] = canPart ? [...apart, ...command] : command;
  return spawnSync(program, args, {
    cwd: folder,
    encoding: "utf8",
    env: { PATH: [bin, process.env["PATH"]].join(delimiter), HOME: folder, NO_COLOR: "1" },
  });
}

/** Puts the command in a folder of programs, as `npm install` and a checkout have it. */
function programFrom(name: string, target: string): string {
  const bin = join(SCRATCH, name);
  mkdirSync(bin);
  symlinkSync(target, join(bin, "modelaudit"));
  return bin;
}

const hasJq = spawnSync("jq", ["--version"]).status === 0;

/** @param least how many there are at least, lest none is found */
function expectCommands(
  folder: string,
  bin: string,
  { pages, least }: { readonly pages: readonly string[]; readonly least: number },
): void {
  const all = commands().filter(({ page }) => pages.includes(page));
  assert.ok(all.length >= least, String(all.length));
  for (const { page, line } of all) {
    if (line.includes("jq ") && !hasJq) continue;
    const { status, stdout, stderr } = shell(folder, line, bin);
    const where = `${page}: ${line}\n${stdout}${stderr}`;
    assert.doesNotMatch(
      stderr,
      /unknown option|unknown command|too many arguments|is invalid/,
      where,
    );
    assert.doesNotMatch(stderr, /this program failed|not found/, where);
    // What is remote cannot be had here, and is not called clean.
    const isRemote = /\b(?:hf|https|s3|gs|az|oci):|--hf/.test(line);
    if (isRemote) assert.equal(status, 2, where);
    else assert.ok(status === 0 || status === 1 && /echo ext1|CRITICAL/.test(stdout), where);
  }
}

test("the commands of README and docs run by the installed npm package", { skip }, () => {
  const { folder, home, install } = projectIn(SCRATCH);
  install();
  // The link that npm makes, under the Node that runs it.
  assert.match(readFileSync(join(home, "cli.js"), "utf8"), /^#!\/usr\/bin\/env node\n/);
  assert.notEqual(nodePath(), "");
  expectCommands(workplace("by-package"), join(folder, "node_modules", ".bin"), {
    pages: PAGES,
    least: 30,
  });
});

test("the commands of README run by the checkout", { skip }, () => {
  const bin = programFrom("checkout", join(ROOT, "scripts", "modelaudit"));
  expectCommands(workplace("by-checkout"), bin, { pages: ["README.md"], least: 6 });
});

test("every configuration in the docs is right", () => {
  const vocabulary = {
    rules: loadRules().list().map(({ id }) => id),
    formats: FORMATS.map(({ id }) => id),
  };
  const all = blocks("docs/configuration.md", "toml");
  assert.ok(all.length >= 10, String(all.length));
  for (const text of all) readConfiguration(text, "docs/configuration.md", vocabulary);
});

test("the JSON report in the docs has no field that real ones lack", { skip }, () => {
  const bin = programFrom("report", join(ROOT, "scripts", "modelaudit"));
  const { stdout } = shell(workplace("report-fields"), "modelaudit --format json models/", bin);
  const [text = ""] = blocks("docs/report.md", "json");
  expectFields(JSON.parse(text), JSON.parse(stdout), "");
});

function expectFields(shown: unknown, real: unknown, at: string): void {
  if (Array.isArray(shown)) {
    assert.ok(Array.isArray(real), at);
    if (shown.length > 0 && real.length > 0) expectFields(shown[0], real[0], `${at}[]`);
  } else if (typeof shown === "object" && shown !== null) {
    for (const [key, value] of Object.entries(shown)) {
      assert.ok(Object.hasOwn(real as object, key), `${at}.${key}`);
      expectFields(value, (real as Readonly<Record<string, unknown>>)[key], `${at}.${key}`);
    }
  }
}
