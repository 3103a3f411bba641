import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const HARMFUL = join(ROOT, "testdata/pickle/harmful/add_extension_ext1.pkl");
const SCRATCH = mkdtempSync(join(tmpdir(), "modelaudit-ci-"));
after(() => rmSync(SCRATCH, { recursive: true, force: true }));

const skip = process.platform === "win32" && "these are shell scripts";

const noXargs = spawnSync("xargs", ["true"], { input: "" }).error !== undefined;

const ENV = {
  ...process.env,
  MODELAUDIT: join(ROOT, "scripts/modelaudit"),
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
};

function run(
  folder: string,
  env: Readonly<Record<string, string>>,
  program: string,
  ...args: string[]
): { status: number | null; text: string } {
  const options = { cwd: folder, encoding: "utf8", env: { ...ENV, ...env } } as const;
  const { status, stdout, stderr } = spawnSync(program, args, options);
  return { status, text: stdout + stderr };
}

test("GitLab's recipe leaves a report of tests and fails as the scan says", { skip }, () => {
  const recipe = readFileSync(join(ROOT, "docs/ci/gitlab-ci.yml"), "utf8");
  const script = /^ {4}- (\.\/tools\/modelaudit .*)$/m.exec(recipe)?.[1];
  assert.ok(script);
  const folder = mkdtempSync(join(SCRATCH, "gitlab-"));
  mkdirSync(join(folder, "tools"));
  symlinkSync(ENV.MODELAUDIT, join(folder, "tools", "modelaudit"));
  assert.equal(run(folder, {}, "sh", "-c", script).status, 0);
  cpSync(HARMFUL, join(folder, "model.bin"));
  const failed = run(folder, {}, "sh", "-c", script);
  assert.equal(failed.status, 1);
  // The log of the job has the report for people.
  assert.match(failed.text, /DANGEROUS {2}\.?\/?model\.bin/);
  const report = readFileSync(join(folder, "modelaudit.xml"), "utf8");
  assert.match(report, /failures="1"/);
  assert.match(report, /<testcase name="model\.bin"/);
});

test("The shell recipe scans what a change adds, under any name", {
  skip: skip || (noXargs && "there is no xargs"),
}, () => {
  const folder = mkdtempSync(join(SCRATCH, "shell-"));
  const git = (...args: string[]): void => {
    const who = ["-c", "user.name=test", "-c", "user.email=test@localhost"];
    const ran = run(folder, {}, "git", ...who, ...args);
    assert.equal(ran.status, 0, ran.text);
  };
  const scan = (): number | null =>
    run(folder, { BASE: "base" }, join(ROOT, "docs/ci/scan.sh")).status;
  git("init", "--quiet", "--initial-branch=main");
  cpSync(HARMFUL, join(folder, "known.pkl"));
  git("add", ".");
  git("commit", "--quiet", "-m", "base");
  git("branch", "base");
  assert.equal(scan(), 0);
  writeFileSync(join(folder, "notes.txt"), "nothing\n");
  git("add", ".");
  git("commit", "--quiet", "-m", "a text");
  assert.equal(scan(), 0);
  cpSync(HARMFUL, join(folder, "--fail-on=never\n"));
  git("add", "--all");
  git("commit", "--quiet", "-m", "a model");
  assert.equal(scan(), 1);
});
