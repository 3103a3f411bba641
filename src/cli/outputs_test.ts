import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
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
import { runMain } from "./commands/main.ts";
import { REPORT_FORMATS } from "./options.ts";
import { testIo, type TestWorld } from "./testing/io.ts";

const SCRATCH = mkdtempSync(join(tmpdir(), "modelaudit-outputs-"));
after(() => rmSync(SCRATCH, { recursive: true, force: true }));

const HARMFUL = new TextEncoder().encode("cos\nsystem\n(S'echo hi'\ntR.");
const HARMLESS = new Uint8Array([0x80, 2, 0x7d, 0x2e]);
const posix = process.platform === "win32" && "there are no such files";

async function run(args: readonly string[], world: TestWorld = {}) {
  const io = testIo(world);
  const code = await runMain([...args, "--no-config"], io);
  return { code, out: io.stdout.text, err: io.stderr.text, confined: io.confined };
}

/** A folder with a harmful and a few harmless models. */
function models(): string {
  const folder = mkdtempSync(join(SCRATCH, "models-"));
  writeFileSync(join(folder, "evil.pkl"), HARMFUL);
  for (let index = 0; index < 8; index++) {
    writeFileSync(join(folder, `good-${index}.pkl`), HARMLESS);
  }
  return folder;
}

function timeless(text: string): string {
  return text
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+Z)?/g, "TIME")
    .replaceAll(/"duration": ?[\d.]+/g, "DURATION")
    .replaceAll(/time="[\d.]+"/g, "DURATION");
}

test("One scan writes every format, each as if it were the only one", async () => {
  const folder = models();
  const reports = mkdtempSync(join(SCRATCH, "reports-"));
  const file = (format: string): string => join(reports, format);
  const args = REPORT_FORMATS.flatMap((format) => ["--output", `${format}=${file(format)}`]);
  const all = await run([folder, ...args]);
  assert.equal(all.code, 1);
  for (const format of REPORT_FORMATS) {
    const alone = await run([folder, "--format", format]);
    assert.equal(timeless(readFileSync(file(format), "utf8")), timeless(alone.out), format);
    if (format === "text") assert.equal(all.out, alone.out);
  }
});

test("A JSON report is converted to every format, as the scan writes it", async () => {
  const folder = models();
  const json = join(SCRATCH, "converted.json");
  assert.equal((await run([folder, "--format", "json", "--output", `json=${json}`])).code, 1);
  const args = REPORT_FORMATS.flatMap((format) => [
    "--output",
    `${format}=${join(SCRATCH, `converted.${format}.out`)}`,
  ]);
  const { code, out } = await runConvert([json, "--format", "sarif", ...args]);
  assert.equal(code, 0);
  assert.equal(out, readFileSync(join(SCRATCH, "converted.sarif.out"), "utf8"));
  for (const format of REPORT_FORMATS) {
    const scanned = await run([folder, "--format", format]);
    const made = readFileSync(join(SCRATCH, `converted.${format}.out`), "utf8");
    assert.equal(timeless(made), timeless(scanned.out), format);
  }
  const stdin = [new Uint8Array(readFileSync(json))];
  assert.equal((await runConvert(["-", "--format", "sarif"], { stdin })).out, out);
  const wrong = await runConvert([join(folder, "evil.pkl")]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /^error: Cannot read the report .*evil\.pkl: it is no JSON/);
});

async function runConvert(args: readonly string[], world: TestWorld = {}) {
  const io = testIo(world);
  const code = await runMain(["convert", ...args], io);
  return { code, out: io.stdout.text, err: io.stderr.text };
}

test("Reports in the folder that is scanned are not scanned, whatever stood in them", async () => {
  const folder = models();
  const report = join(folder, "report.pkl");
  writeFileSync(report, HARMFUL);
  const { code, out } = await run([folder, "--format", "json", "--output", `json=${report}`]);
  assert.equal(code, 1);
  const paths = JSON.parse(out).assets.map((it: { path: string }) => it.path);
  assert.equal(paths.length, 9);
  assert.ok(!paths.includes(report));
  assert.equal(timeless(readFileSync(report, "utf8")), timeless(out));
});

test("A scan gives up what it does not need before it reads, and keeps the network to fetch", async () => {
  const folder = models();
  assert.deepEqual((await run([folder])).confined, [{ network: false }]);
  const remote = await run(["http://127.0.0.1:9/model.pkl"]);
  assert.deepEqual(remote.confined, [{ network: true }]);
  const io = testIo();
  assert.equal(await runMain(["disasm", join(folder, "evil.pkl")], io), 0);
  assert.deepEqual(io.confined, [{ network: false }]);
});

test(
  "What is no regular file is refused, and nothing in it is touched",
  { skip: posix },
  async () => {
    const folder = models();
    const model = join(folder, "evil.pkl");
    const precious = join(SCRATCH, "precious");
    writeFileSync(precious, "precious");
    symlinkSync(precious, join(folder, "link.json"));
    mkdirSync(join(folder, "folder"));
    const fifo = join(folder, "fifo");
    assert.equal(spawnSync("mkfifo", [fifo]).status, 0);
    linkSync(model, join(folder, "same.pkl"));
    const refused: readonly (readonly [file: string, reason: RegExp])[] = [
      ["/dev/full", /it is a device path/],
      ["/dev/stdout", /it is a device path/],
      ["/proc/self/fd/1", /it is a device path/],
      ["-", /--format is for standard output/],
      [join(folder, "link.json"), /it is a link, not a regular file/],
      [join(folder, "folder"), /it is a folder, not a regular file/],
      [fifo, /it is a FIFO, not a regular file/],
      [join(folder, "none", "x.json"), /there is no such folder/],
      [model, /the run reads it/],
      [join(folder, "same.pkl"), /the run reads it/],
    ];
    for (const [file, reason] of refused) {
      const { code, out, err } = await run([model, "--output", `json=${file}`]);
      assert.equal(code, 2, file);
      assert.equal(out, "");
      assert.match(err, /^error: Cannot write a report to /);
      assert.match(err, reason);
      assert.doesNotMatch(err, / at .*\.ts/);
    }
    assert.equal(readFileSync(precious, "utf8"), "precious");
    assert.deepEqual(new Uint8Array(readFileSync(model)), HARMFUL);
  },
);

test("Two reports in one file, a wrong format and a missing file name are refused", async () => {
  const model = join(models(), "evil.pkl");
  const file = join(SCRATCH, "twice");
  const twice = await run([model, "--output", `json=${file}`, "--output", `text=${file}`]);
  assert.equal(twice.code, 2);
  assert.match(twice.err, /the json report goes there/);
  for (const wrong of ["json", "=x", "json=", "jsn=x"]) {
    const { code, err } = await run([model, "--output", wrong]);
    assert.equal(code, 2, wrong);
    assert.match(err, /argument '.*' is invalid/, wrong);
  }
});

test("When the reader of standard output has gone, reports in files are still whole", async () => {
  const file = join(SCRATCH, "whole.json");
  const args = [models(), "--format", "ndjson", "--output", `json=${file}`];
  const { code } = await run(args, { closesAfter: 1 });
  assert.equal(code, 1);
  assert.equal(JSON.parse(readFileSync(file, "utf8")).assets.length, 9);
});

test("While a model is read nothing can be written, started or connected to, in any thread", {
  skip: "Bun" in globalThis && "Bun has no permissions to give back",
}, () => {
  const scratch = mkdtempSync(join(SCRATCH, "fence-"));
  const program = fileURLToPath(new URL("testing/fenced.ts", import.meta.url));
  const report = join(scratch, "report.json");
  const flags = ["run", "-A", "--no-prompt", "--no-check", "--quiet", "--no-lock", "--cached-only"];
  const args = [scratch, "-", "--no-config", "--no-progress", "--output", `json=${report}`];
  const { status, stderr } = spawnSync(process.execPath, [...flags, program, ...args], {
    encoding: "utf8",
  });
  assert.equal(status, 1, stderr);
  for (const [thread, outcomes] of Object.entries(JSON.parse(stderr))) {
    for (const [attempt, outcome] of Object.entries(outcomes as Record<string, string>)) {
      assert.match(outcome, /NotCapable|requires .* access/i, `${thread}: ${attempt}`);
    }
  }
  // The report that was opened before is written all the same.
  assert.equal(JSON.parse(readFileSync(report, "utf8")).assets[0].verdict, "dangerous");
  assert.deepEqual(readdirSync(scratch), ["report.json"]);
});
