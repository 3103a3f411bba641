import { test } from "node:test";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { versionText } from "../src/cli/commands/version.ts";

const LAUNCHER = fileURLToPath(new URL("modelaudit", import.meta.url));
const skip = process.platform === "win32" && "the launcher is a shell script";

for (const spelled of ["version", "--version", "-V"]) {
  test(`the launcher answers ${spelled} by the entry of its own`, { skip }, () => {
    const run = spawnSync(LAUNCHER, [spelled], { encoding: "utf8" });
    assert.deepEqual([run.stdout, run.stderr, run.status], [versionText(), "", 0]);
  });
}

test("the launcher leaves every other use of version to the command line", { skip }, () => {
  const extra = spawnSync(LAUNCHER, ["version", "more"], { encoding: "utf8" });
  assert.match(extra.stderr, /too many arguments/);
  assert.equal(extra.status, 2);
});
