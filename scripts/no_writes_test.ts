import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const ARCHIVES = fileURLToPath(new URL("../testdata/sevenzip/", import.meta.url));
const LAUNCHER = fileURLToPath(new URL("modelaudit", import.meta.url));

test("scanning archives in a read-only folder creates nothing anywhere near it", () => {
  const above = mkdtempSync(join(tmpdir(), "modelaudit-"));
  const folder = join(above, "models");
  try {
    cpSync(ARCHIVES, folder, { recursive: true });
    const before = readdirSync(above, { recursive: true }).map(String).sort();
    // The launcher gives Deno permission to read only: a write would be an error even for root.
    chmodSync(folder, 0o555);
    const { status, stdout, stderr } = spawnSync(LAUNCHER, ["scan", "--format", "json", "."], {
      cwd: folder,
      encoding: "utf8",
      env: { ...process.env, TMPDIR: folder },
      maxBuffer: 1 << 28,
    });
    assert.equal(status, 1, stderr);
    const report: { errors: unknown[]; assets: { path: string; verdict: string }[] } = JSON.parse(
      stdout,
    );
    assert.deepEqual(report.errors, []);
    const climbing = report.assets.find(({ path }) => path.endsWith("climbs_out.7z"));
    assert.equal(climbing?.verdict, "dangerous");
    assert.deepEqual(readdirSync(above, { recursive: true }).map(String).sort(), before);
  } finally {
    chmodSync(folder, 0o755);
    rmSync(above, { recursive: true });
  }
});
