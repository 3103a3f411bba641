import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { LIMIT_FLAGS } from "../core/limits.ts";
import { runMain } from "./commands/main.ts";
import { LIMIT_OPTIONS } from "./options.ts";
import { testIo, type TestWorld } from "./testing/io.ts";

const SCRATCH = mkdtempSync(join(tmpdir(), "modelaudit-usage-"));
after(() => rmSync(SCRATCH, { recursive: true, force: true }));

const HARMFUL = join(SCRATCH, "harmful.pkl");
writeFileSync(HARMFUL, "cos\nsystem\n(S'echo hi'\ntR.");

/** Runs the command line; gives its exit code and what it wrote. */
async function ran(args: readonly string[], world: TestWorld = {}) {
  const io = testIo(world);
  const code = await runMain([...args], io);
  return { code, out: io.stdout.text, err: io.stderr.text };
}

test("an error of usage names the help of its command", async () => {
  const cases: readonly (readonly [args: readonly string[], help: string])[] = [
    [["--nothing"], "modelaudit scan --help"],
    [["scan", "--nothing"], "modelaudit scan --help"],
    [["explain"], "modelaudit explain --help"],
    [["rules", "show"], "modelaudit rules show --help"],
    [["config", "nothing"], "modelaudit config --help"],
    [["--color", "red", "a"], "modelaudit --help"],
  ];
  for (const [args, help] of cases) {
    const { code, err } = await ran(args);
    assert.equal(code, 2);
    assert.ok(err.includes(`("${help}" shows what there is)`), err);
  }
});

test("--color goes before the environment, before and behind a command", async () => {
  const escape = /\p{Cc}\[/u;
  const plain: TestWorld = { env: { NO_COLOR: "1" } };
  const bright: TestWorld = { tty: true, env: { FORCE_COLOR: "1" } };
  assert.match((await ran(["--color", "always", HARMFUL, "--no-config"], plain)).out, escape);
  assert.match((await ran([HARMFUL, "--no-config", "--color=always"], plain)).out, escape);
  assert.match((await ran(["explain", "os.system", "--color=always"], plain)).out, escape);
  assert.doesNotMatch((await ran([HARMFUL, "--no-config", "--color=never"], bright)).out, escape);
  assert.match((await ran([HARMFUL, "--no-config", "--color=auto"], bright)).out, escape);
  assert.doesNotMatch((await ran([HARMFUL, "--no-config", "--color=auto"])).out, escape);
});

test("--exit-code stands for issues that fail, never for what was not read", async () => {
  const scan = async (...args: readonly string[]) => await ran([...args, "--no-config"]);
  const missing = join(SCRATCH, "none.pkl");
  assert.equal((await scan(HARMFUL)).code, 1);
  assert.equal((await scan(HARMFUL, "--exit-code", "7")).code, 7);
  assert.equal((await scan(HARMFUL, missing, "--exit-code", "7")).code, 7);
  assert.equal((await scan(HARMFUL, "--exit-code", "0")).code, 0);
  assert.equal((await scan(HARMFUL, missing, "--exit-code", "0")).code, 2);
  assert.equal((await scan(HARMFUL, "--fail-on", "never", "--exit-code", "7")).code, 0);
  for (const wrong of ["2", "126", "-1", "x", "1.5"]) {
    const { code, err } = await scan(HARMFUL, `--exit-code=${wrong}`);
    assert.equal(code, 2);
    assert.match(err, /not a number up to 125 other than 2/);
  }
});

test("a report that is converted keeps the exit code that was chosen", async () => {
  for (const code of [0, 7]) {
    const args = [HARMFUL, "--no-config", "--format", "json", "--exit-code", String(code)];
    const { out } = await ran(args);
    assert.equal(JSON.parse(out).exit_code, code);
    const file = join(SCRATCH, `report_${code}.json`);
    writeFileSync(file, out);
    const converted = await ran(["convert", file, "--format", "json"]);
    assert.equal(converted.out, out);
  }
});

test("a limit that is reached is named by its option, in sizes for people", async () => {
  const scan = async (...args: readonly string[]) =>
    (await ran([HARMFUL, "--no-config", ...args])).out.replaceAll(/\s+/g, " ");
  const opcodes = await scan("--max-opcodes", "2");
  assert.match(opcodes, /more than 2 pickle opcodes \(--max-opcodes sets the limit\)/);
  const time = await scan("--max-file-time", "0.000001");
  assert.match(time, /time limit of .* s for one file is spent \(--max-file-time sets/);
  assert.match(time, /fix Scan again with more time: --max-file-time for one file/);
});

test("each limit has an option that names it, and help says its default", async () => {
  const { out } = await ran(["scan", "--help"]);
  for (const { flags, limit } of LIMIT_OPTIONS) {
    assert.ok(flags.startsWith(`${LIMIT_FLAGS[limit]} `), flags);
    assert.ok(out.includes(LIMIT_FLAGS[limit]), flags);
  }
  assert.match(out.replaceAll(/\s+/g, " "), /decompressed for one file; 17\.2 GB unless given/);
});

test("an address with a scheme that is not read is no missing file", async () => {
  for (const scheme of ["s3a", "ftp", "hdfs", "huggingface"]) {
    const { code, out } = await ran([`${scheme}://host/model.pt`, "--no-config"]);
    assert.equal(code, 2);
    assert.match(out, new RegExp(`addresses with ${scheme}:// are not read`));
    assert.doesNotMatch(out, /no such file/);
  }
});
