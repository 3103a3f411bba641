/**
 * Follows the worked examples of CONTRIBUTING.md literally, in a copy of the checkout.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { ROOT } from "./testing/scripts.ts";

/** What is to be done with each block of code behind a comment that says so. */
const BLOCK = /<!-- (file|append|insert|run)(?:: (\S+))? -->\n\n```\w+\n([\s\S]*?)```\n/g;

/** Copies what the examples need: not the samples, but those that doctor and fuzzer are made of. */
function copyOfCheckout(): string {
  const copy = mkdtempSync(join(tmpdir(), "modelaudit-contributing-"));
  const parts = ["src", "web", "rules", "scripts", "docs", "testdata", "deno.json", "package.json"];
  for (const part of [...parts, "mod.ts", "cli.ts", "worker.ts"]) {
    cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  }
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  return copy;
}

function follow(copy: string, [, what, path = "", text = ""]: readonly string[]): void {
  const target = join(copy, path);
  if (what === "file") {
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  } else if (what === "append") appendFileSync(target, `\n${text}`);
  else if (what === "insert") {
    const [line = "", ...list] = text.split("\n");
    const old = readFileSync(target, "utf8");
    const anchor = list[0] ?? "";
    assert.ok(old.includes(anchor), `${path} has no line "${anchor}"`);
    const first = old.indexOf("import ");
    const withImport = `${old.slice(0, first)}${line}\n${old.slice(first)}`;
    writeFileSync(target, withImport.replace(anchor, list.join("\n").trimEnd()));
  } else {
    const ran = spawnSync("sh", ["-e"], { cwd: copy, input: text, encoding: "utf8" });
    assert.equal(ran.status, 0, ran.stderr);
  }
}

test("the worked examples of CONTRIBUTING.md work when they are followed literally", () => {
  const blocks = [...readFileSync(join(ROOT, "CONTRIBUTING.md"), "utf8").matchAll(BLOCK)];
  assert.equal(blocks.length, 7);
  const copy = copyOfCheckout();
  try {
    for (const block of blocks) follow(copy, block);
    const deno = resolve(ROOT, readFileSync(join(ROOT, ".cache/deno-path"), "utf8").trim());
    const run = (...args: readonly string[]): string => {
      const ran = spawnSync(deno, [...args], {
        cwd: copy,
        encoding: "utf8",
        env: { ...process.env, NO_COLOR: "1" },
        maxBuffer: 1 << 26,
      });
      assert.equal(ran.status, 0, `${args.join(" ")}\n${ran.stdout}\n${ran.stderr}`);
      return ran.stdout;
    };
    const quiet = ["--quiet", "--no-check", "--no-lock", "--cached-only"];
    for (const script of ["embed", "doctor_samples", "threats", "coverage_table"]) {
      run("run", ...quiet, "--allow-read=.", "--allow-write=src,docs", `scripts/${script}.ts`);
    }
    run("check", "--quiet", "--no-lock", "src/formats/idx/mod_test.ts", "src/formats/registry.ts");
    run("run", ...quiet, "--allow-read=.", "scripts/check_imports.ts");
    const tests = ["src/formats/idx/mod_test.ts", "src/formats/house_test.ts"];
    run("test", ...quiet, "--allow-read", ...tests, "src/rules/examples_test.ts");
    const audit = (...args: readonly string[]): string =>
      run("run", ...quiet, "--allow-read", "--allow-env", "cli.ts", ...args);
    assert.match(audit("doctor", "--no-emoji"), /^.*\bidx\b.*built in/m);
    assert.match(audit("scan", "testdata/idx/safe"), /CLEAN/);
    assert.match(audit("scan", "testdata/idx/suspicious"), /idx-trailing-data/);
    assert.match(audit("explain", "acme.models.run_script"), /pickle-acme-script/);
    assert.match(readFileSync(join(copy, "docs/threats.md"), "utf8"), /## IDX arrays/);
    assert.match(readFileSync(join(copy, "docs/usage.md"), "utf8"), /\| IDX \|/);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
});
