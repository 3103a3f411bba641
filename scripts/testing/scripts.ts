/**
 * For the tests of what is shipped: building it elsewhere, and running it where everything around it
 * gives orders.
 *
 * @module
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { digestOfSources } from "../../src/cli/tasks/code_digest.ts";
import { toolPath } from "../build.ts";

/** The checkout. */
export const ROOT: string = fileURLToPath(new URL("../..", import.meta.url));

/** One sample for each decoder that an executable has inside. */
export const HARMFUL: readonly string[] = [
  "testdata/pickle/harmful/add_extension_ext1.pkl",
  "testdata/sevenzip/harmful/ppmd.7z",
  "testdata/keras/harmful/lambda_system.h5",
  "testdata/tensorflow/harmful/asset_outside.pb",
];

/** What a folder may hold to give orders to programs that run in it. */
const HOSTILE: Readonly<Record<string, string>> = {
  "bunfig.toml": 'preload = ["./hostile.ts"]\n',
  ".env": "FORCE_COLOR=1\nBUN_OPTIONS=--preload=./hostile.ts\nXDG_CONFIG_HOME=.\n",
  "deno.json": '{ "imports": { "commander": "./hostile.ts", "h5wasm": "./hostile.ts" } }\n',
  "package.json": '{ "type": "commonjs", "imports": { "#x": "./hostile.ts" } }\n',
  "tsconfig.json": '{ "compilerOptions": { "paths": { "*": ["./hostile.ts"] } } }\n',
  "hostile.ts": 'console.log("PWNED"); process.exit(0);\n',
  "modelaudit-security.toml": 'allow = ["os.*", "posix.*", "nt.*", "subprocess.*"]\n',
};

/** What is looked at of an asset in a JSON report. */
interface Asset {
  readonly path: string;
  readonly verdict: string;
}

/** What a program said and how it ended. */
interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `scripts/build.ts`, which leaves what it makes in `dist`. */
export function build(dist: string, ...args: string[]): Ran {
  const flags = ["--quiet", "--no-check", "--no-lock", "--cached-only", "-A"];
  return spawnSync(toolPath("deno"), ["run", ...flags, "scripts/build.ts", ...args], {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, MODELAUDIT_DIST: dist, DENORT_BIN: join(dist, "none") },
  });
}

/** The real Node: a shim in front of it would need the environment that is taken away. */
export function nodePath(): string {
  return spawnSync("node", ["-p", "process.execPath"], { encoding: "utf8" }).stdout.trim();
}

/** Without an interface to the network, where the system can take it away from a process. */
function offline(program: string, args: readonly string[]): [string, string[]] {
  const unshare = "/usr/bin/unshare";
  const can = spawnSync(unshare, ["--map-root-user", "--net", "true"]).status === 0;
  return can ? [unshare, ["--map-root-user", "--net", program, ...args]] : [program, [...args]];
}

/** Runs in a new folder full of orders, below `scratch`, with no HOME, no network and no environment. */
function runHostile(scratch: string, program: string, args: readonly string[], input = ""): Ran {
  const folder = mkdtempSync(join(scratch, "hostile-"));
  for (const [name, text] of Object.entries(HOSTILE)) writeFileSync(join(folder, name), text);
  const [command, all] = offline(program, args);
  return spawnSync(command, all, { cwd: folder, encoding: "utf8", env: { PATH: "" }, input });
}

/**
 * Scans with a program that is on its own: every decoder works, threads start, harm is found, the configuration
 * that lies there loosens nothing, and keys of results name the sources that it was built of.
 *
 * @param before arguments in front of ours, for instance a script
 */
export function expectWorking(scratch: string, program: string, before: readonly string[]): void {
  const doctor = runHostile(scratch, program, [...before, "doctor", "--no-config"]);
  assert.equal(doctor.status, 0, doctor.stdout + doctor.stderr);
  assert.match(doctor.stdout, /^Threads +\d+ at a time$/m);
  const paths = HARMFUL.map((sample) => join(ROOT, sample));
  const scan = runHostile(scratch, program, [...before, "--format", "json", ...paths]);
  assert.equal(scan.status, 1, `${scan.stdout}${scan.stderr}`);
  const report = JSON.parse(scan.stdout);
  assert.deepEqual(
    report.assets.map(({ path, verdict }: Asset) => `${path}: ${verdict}`).sort(),
    paths.map((path) => `${path}: dangerous`).sort(),
  );
  assert.equal(report.suppressed, 0);
  const task = `${JSON.stringify({ id: "1", path: paths[0] })}\n`;
  const worker = runHostile(scratch, program, [...before, "worker", "--offline", "--hash"], task);
  assert.equal(worker.status, 0, worker.stderr);
  const { key_parts: { engine } } = JSON.parse(worker.stdout);
  assert.equal(engine.split("/").at(-1), digestOfSources(ROOT));
  const text = runHostile(scratch, program, [...before, join(ROOT, HARMFUL[0] ?? "")]);
  assert.equal(text.status, 1);
  assert.match(text.stdout + text.stderr, /modelaudit-security\.toml/);
  assert.doesNotMatch(text.stdout + text.stderr, /\p{Cc}\[|PWNED/u);
}

/** Runs a program by a script of the shell, which has it as "$@". */
function inShell(folder: string, script: string, command: readonly string[]): Ran {
  return spawnSync("sh", ["-c", script, "sh", ...command], { cwd: folder, encoding: "utf8" });
}

/**
 * Lets writes fail, for real: a program that cannot write its report says so in one line and ends with 2,
 * and one whose reader has gone away does not.
 *
 * @param before arguments in front of ours, for instance a script
 */
export function expectWriteErrors(scratch: string, program: string, before: string[]): void {
  const folder = mkdtempSync(join(scratch, "write-"));
  const full = join(folder, "full");
  mkdirSync(full);
  const model = join(ROOT, HARMFUL[0] ?? "");
  const command = [program, ...before, "--no-config", "--verbose", "--format", "json", model];
  const noSpace = (ran: Ran, where: string): void => {
    assert.equal(ran.status, 2, `${where}: ${ran.stdout}${ran.stderr}`);
    assert.ok(
      ran.stderr.includes(`${where}: no space is left on the device (ENOSPC)`),
      `${where}: ${ran.stderr}`,
    );
    assert.equal(ran.stderr.trimEnd().split("\n").length, 1, ran.stderr);
  };
  noSpace(inShell(folder, '"$@" > /dev/full', command), "standard output");
  const explain = [program, ...before, "rules", "list", "--no-config"];
  noSpace(inShell(folder, '"$@" > /dev/full', explain), "standard output");
  const device = inShell(folder, '"$@" --output sarif=/dev/full', command);
  assert.equal(device.status, 2);
  assert.match(
    device.stderr,
    /^error: Cannot write a report to "\/dev\/full": it is a device path/,
  );
  const closed = inShell(folder, '("$@"; echo $? > code) | head -c 1', command);
  assert.equal(closed.stderr, "");
  assert.equal(readFileSync(join(folder, "code"), "utf8"), "1\n");
  // A namespace of its own, in which anybody may mount; not every system lets one be made.
  const mount = 'mount -t tmpfs -o size=4k tmpfs full && "$@" --output sarif=full/report.sarif';
  const mounted = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh"];
  if (inShell(folder, '"$@"', [...mounted, "true"]).status !== 0) return;
  const ran = inShell(folder, '"$@"', [...mounted, ...command]);
  noSpace(ran, 'Cannot write the sarif report to "full/report.sarif"');
  assert.equal(JSON.parse(ran.stdout).assets[0].verdict, "dangerous");
}
