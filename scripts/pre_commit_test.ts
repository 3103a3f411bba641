import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const HARMFUL = join(ROOT, "testdata/pickle/harmful/add_extension_ext1.pkl");
const CLEAN = join(ROOT, "testdata/zip/safe/bundle.zip");

const SCRATCH = mkdtempSync(join(tmpdir(), "modelaudit-hook-"));
after(() => rmSync(SCRATCH, { recursive: true, force: true }));

const ENV = {
  ...process.env,
  PATH: `${join(SCRATCH, "bin")}:${process.env["PATH"] ?? ""}`,
  PRE_COMMIT_HOME: join(SCRATCH, "pre-commit"),
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "test",
  GIT_AUTHOR_EMAIL: "test@localhost",
  GIT_COMMITTER_NAME: "test",
  GIT_COMMITTER_EMAIL: "test@localhost",
};

const missing = spawnSync("pre-commit", ["--version"], { env: ENV }).status !== 0;
const skip = missing || process.platform === "win32" ? "pre-commit is not on PATH" : false;

function run(folder: string, program: string, ...args: string[]): { ok: boolean; text: string } {
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: folder,
    encoding: "utf8",
    env: ENV,
  });
  return { ok: status === 0, text: stdout + stderr };
}

function must(folder: string, program: string, ...args: string[]): string {
  const { ok, text } = run(folder, program, ...args);
  assert.ok(ok, text);
  return text;
}

/** A repository with our hooks, whose programs are those of this checkout. */
function hookRepository(): { folder: string; rev: string } {
  const folder = join(SCRATCH, "hooks");
  const launcher = `#!/bin/sh\nexec '${join(ROOT, "scripts/modelaudit")}' "$@"\n`;
  for (const path of [join(folder, "scripts"), join(SCRATCH, "bin")]) {
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, "modelaudit"), launcher, { mode: 0o755 });
  }
  for (const path of [".pre-commit-hooks.yaml", "scripts/hook"]) {
    cpSync(join(ROOT, path), join(folder, path));
  }
  must(folder, "git", "init", "--quiet");
  must(folder, "git", "add", ".");
  must(folder, "git", "commit", "--quiet", "--message", "hooks");
  return { folder, rev: must(folder, "git", "rev-parse", "HEAD").trim() };
}

/** A repository where a hook is installed, with one commit. */
function guarded(id: string, hooks: { folder: string; rev: string }): string {
  const folder = join(SCRATCH, id);
  mkdirSync(folder, { recursive: true });
  must(folder, "git", "init", "--quiet");
  writeFileSync(
    join(folder, ".pre-commit-config.yaml"),
    `repos:\n- repo: ${hooks.folder}\n  rev: ${hooks.rev}\n  hooks: [{ id: ${id} }]\n`,
  );
  writeFileSync(join(folder, "readme.txt"), "no model here\n");
  must(folder, "pre-commit", "install");
  must(folder, "git", "add", ".");
  must(folder, "git", "commit", "--quiet", "--message", "without a model");
  return folder;
}

test("pre-commit blocks a harmful model under any name and lets clean files pass", {
  skip,
}, () => {
  const hooks = hookRepository();
  for (const id of ["modelaudit", "modelaudit-source"]) {
    const folder = guarded(id, hooks);
    for (const name of ["model.pkl", "notes.txt", "no_extension", "--fail-on=never", "-q"]) {
      cpSync(HARMFUL, join(folder, name));
      must(folder, "git", "add", "--", name);
      const blocked = run(folder, "git", "commit", "--quiet", "--message", "harmful");
      assert.ok(!blocked.ok, `${id} let ${name} pass`);
      assert.match(blocked.text, /os\.system/);
      must(folder, "git", "rm", "--quiet", "--force", "--", name);
    }
    cpSync(CLEAN, join(folder, "clean.pt"));
    must(folder, "git", "add", ".");
    must(folder, "git", "commit", "--quiet", "--message", "clean");
  }
});
