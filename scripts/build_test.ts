import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import { BUN_FLAGS, PERMISSIONS } from "./build.ts";
import type { LockFile } from "./release/lock.ts";
import { sbomOf } from "./release/sbom.ts";
import { build, expectWorking, expectWriteErrors, ROOT } from "./testing/scripts.ts";

const SCRATCH = mkdtempSync(join(tmpdir(), "modelaudit-build-"));
after(() => rmSync(SCRATCH, { recursive: true, force: true }));

test("The executable by Bun works alone, whatever lies in the folder that it runs in", () => {
  const built = build(SCRATCH, "binary", "--runtime", "bun");
  assert.equal(built.status, 0, built.stdout + built.stderr);
  const program = join(SCRATCH, process.platform === "win32" ? "modelaudit.exe" : "modelaudit");
  expectWorking(SCRATCH, program, []);
  if (process.platform !== "win32") expectWriteErrors(SCRATCH, program, []);
  assert.match(readFileSync(join(SCRATCH, "SHA256SUMS"), "utf8"), /^[0-9a-f]{64} {2}modelaudit/m);
  const bom = JSON.parse(readFileSync(join(SCRATCH, "modelaudit.cdx.json"), "utf8"));
  assert.ok(bom.components.some((it: { name: string }) => it.name === "bun"));
});

test("Without the runtime of deno compile the build says what to do", () => {
  const built = build(SCRATCH, "binary");
  assert.equal(built.status, 2, built.stdout + built.stderr);
  assert.match(built.stdout + built.stderr, /DENORT_BIN=/);
  assert.match(built.stdout + built.stderr, /make binary RUNTIME=bun/);
});

test("An executable may read, write reports and fetch, and not run programs or load libraries", () => {
  const [env = "", ...others] = PERMISSIONS.toReversed();
  assert.deepEqual(others.sort(), [
    "--allow-net",
    "--allow-read",
    "--allow-sys=ca",
    "--allow-write",
    "--no-prompt",
  ]);
  assert.match(env, /^--allow-env=[A-Za-z0-9_,]+$/);
  assert.equal(BUN_FLAGS.length, 4);
});

test("The bill of materials names what is shipped, with hashes and licences, and no tools", () => {
  const lock: LockFile = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"));
  const product = { name: "modelaudit", version: "0.1.0", license: "MIT" };
  const text = sbomOf(product, lock);
  assert.equal(text, sbomOf(product, lock));
  const bom = JSON.parse(text);
  const names = bom.components.map((it: { name: string }) => it.name);
  for (const name of ["7z-wasm", "commander", "h5wasm", "re2js", "smol-toml"]) {
    assert.ok(names.includes(name), name);
  }
  for (const name of ["ajv", "fast-check"]) assert.ok(!names.includes(name), name);
  const refs = new Set(bom.components.map((it: { "bom-ref": string }) => it["bom-ref"]));
  for (const { dependsOn } of bom.dependencies) {
    for (const ref of dependsOn) assert.ok(refs.has(ref), ref);
  }
  for (const it of bom.components) {
    assert.match(it.hashes?.[0]?.content ?? "", /^[0-9a-f]{128}$/, it.name);
  }
});
