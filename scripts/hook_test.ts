import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import { ROOT } from "./release/project.ts";

const SCRATCH = mkdtempSync(join(tmpdir(), "modelaudit-hook-"));
after(() => rmSync(SCRATCH, { recursive: true, force: true }));
const skip = process.platform === "win32" && "these are shell scripts";

const HARMFUL = "testdata/pickle/harmful/add_extension_ext1.pkl";
const SYSTEM = "/usr/local/bin:/usr/bin:/bin";
const OURS = `exec '${join(ROOT, "scripts/modelaudit")}' "$@"`;
const TEXT = readFileSync(join(ROOT, "scripts/hook"), "utf8");
const [, REPOSITORY = ""] = /^repository=(.*)$/m.exec(TEXT) ?? [];
const [, OWN = ""] = /^version=(.*)$/m.exec(TEXT) ?? [];

/** A program that answers as ours does, in a version, and lets everything pass. */
const answering = (version: string, repository = REPOSITORY): string =>
  `[ "$1" = version ] && printf '{\\n  "name": "modelaudit",\\n  "version": "%s",\\n` +
  `  "repository": "%s"\\n}\\n' '${version}' '${repository}'; exit 0`;

/** A folder that holds a program called modelaudit, by the body of a shell script. */
function bin(name: string, body: string): string {
  const folder = join(SCRATCH, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "modelaudit"), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return folder;
}

/** Runs the hook on a harmful file. */
function hook(env: Readonly<Record<string, string>>, folder = SCRATCH) {
  cpSync(join(ROOT, HARMFUL), join(folder, "model.pkl"));
  const args = ["scan", "--allow-no-models", "--no-progress", "--", "model.pkl"];
  return spawnSync(join(ROOT, "scripts/hook"), args, { cwd: folder, encoding: "utf8", env });
}

test("the hook passes by other programs of the same name and runs ours", { skip }, () => {
  const calls = join(SCRATCH, "calls");
  const other = bin("other", `echo "$*" >> '${calls}'; echo "modelaudit, version 0.2.54"; exit 0`);
  const broken = bin("broken", "exit 1");
  const ran = hook({ PATH: [other, broken, bin("ours", OURS), SYSTEM].join(":") });
  assert.equal(ran.status, 1, ran.stdout + ran.stderr);
  assert.match(ran.stdout, /echo ext1/);
  // The other one is asked who it is, and given no file.
  assert.equal(readFileSync(calls, "utf8"), "version --format json\n");
});

test(
  "the hook fails where there is no modelaudit of ours, and names what there is",
  { skip },
  () => {
    const other = bin("other", "exit 0");
    // Somewhere else; written in parts, since whole addresses are filled in from release.json.
    const fork = bin(
      "fork",
      answering("99.0.0", REPOSITORY.replace(/[^/]+(?=\/modelaudit$)/, "fork")),
    );
    for (const path of [SYSTEM, `${other}:${SYSTEM}`, `${fork}:${SYSTEM}`]) {
      const ran = hook({ PATH: path });
      assert.equal(ran.status, 2, ran.stdout + ran.stderr);
      assert.match(ran.stderr, /no modelaudit .* or newer of https:/);
      if (path !== SYSTEM) assert.match(ran.stderr, /\/modelaudit is another program of that name/);
    }
  },
);

test("the hook wants no older program than it is itself", { skip }, () => {
  const [major = 0, minor = 0] = OWN.split(".").map(Number);
  // More digits are no smaller number.
  const newer = [`${major}.${minor + 9}.0`, `${major + 10}.0.0`, `${OWN}-rc.1`];
  for (
    const [version, status] of [["0.0.9", 2], ...[OWN, ...newer].map((it) => [it, 0])] as const
  ) {
    const ran = hook({ PATH: `${bin("answering", answering(String(version)))}:${SYSTEM}` });
    assert.equal(ran.status, status, version + ran.stderr);
  }
  assert.match(hook({ PATH: `${bin("answering", answering("0.0.9"))}:${SYSTEM}` }).stderr, /older/);
});

test("a program in the folder that is scanned is never run", { skip }, () => {
  const folder = join(SCRATCH, "hostile");
  bin("hostile", `touch '${join(SCRATCH, "pwned")}'; ${answering("99.0.0")}`);
  for (const path of [`:${SYSTEM}`, `.:${SYSTEM}`, `${SYSTEM}:`]) {
    assert.equal(hook({ PATH: path }, folder).status, 2);
    assert.throws(() => readFileSync(join(SCRATCH, "pwned")));
  }
});

test("MODELAUDIT names the program, which must be ours all the same", { skip }, () => {
  const ours = join(bin("ours", OURS), "modelaudit");
  const other = join(bin("other", "exit 0"), "modelaudit");
  assert.equal(hook({ PATH: SYSTEM, MODELAUDIT: ours }).status, 1);
  assert.equal(hook({ PATH: `${join(ours, "..")}:${SYSTEM}`, MODELAUDIT: other }).status, 2);
});
