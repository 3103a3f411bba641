import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { TOOL_VERSION } from "../../core/version.ts";
import { runMain } from "./main.ts";
import { testIo, type TestWorld } from "../testing/io.ts";

async function run(args: readonly string[], world: TestWorld = {}) {
  const io = testIo(world);
  const code = await runMain(args, io);
  return { code, out: io.stdout.text, err: io.stderr.text };
}

/** `cos\nsystem\n(S'echo hi'\ntR.` in protocol 0. */
const HARMFUL = new TextEncoder().encode("cos\nsystem\n(S'echo hi'\ntR.");
/** An empty dictionary in protocol 2. */
const HARMLESS = new Uint8Array([0x80, 2, 0x7d, 0x2e]);

async function withFiles(
  files: Readonly<Record<string, Uint8Array>>,
  check: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-main-"));
  try {
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
    await check(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("The version is one line, and data where that is wanted", async () => {
  for (const args of [["version"], ["--version"], ["-V"]]) {
    assert.deepEqual(await run(args), { code: 0, out: `modelaudit ${TOOL_VERSION}\n`, err: "" });
  }
  const { out } = await run(["version", "--format", "json"]);
  const data = JSON.parse(out);
  assert.equal(data.version, TOOL_VERSION);
  assert.notEqual(data.rules, "");
});

test("Without arguments the help is shown and the exit code is that of wrong usage", async () => {
  const { code, out, err } = await run([]);
  assert.equal(code, 2);
  assert.equal(out, "");
  assert.match(err, /Usage: modelaudit/);
});

test("Help is no failure, whatever exit code the process is about to have", async () => {
  const before = process.exitCode;
  process.exitCode = 1;
  try {
    assert.equal((await run(["help"])).code, 0);
  } finally {
    process.exitCode = before ?? 0;
  }
});

test("Help is no failure, for the program and for each command", async () => {
  for (
    const args of [["--help"], ["help"], ["scan", "--help"], ["help", "scan"], ["rules", "-h"]]
  ) {
    const { code, out, err } = await run(args);
    assert.equal(code, 0, `${args.join(" ")}: ${err}`);
    assert.match(out, /Usage: modelaudit/);
  }
  assert.match((await run(["scan", "--help"])).out, /--max-expanded <size>/);
  assert.match((await run(["--help"])).out, /Exit code:/);
});

test("A misspelt option is refused with the nearest one, exit code 2", async () => {
  const { code, out, err } = await run(["x.pkl", "--verbos"]);
  assert.equal(code, 2);
  assert.equal(out, "");
  assert.match(err, /unknown option '--verbos'/);
  assert.match(err, /Did you mean --verbose\?/);
});

test("A value that an option cannot take is refused, exit code 2", async () => {
  const wrong: readonly (readonly string[])[] = [
    ["--format", "pdf", "x"],
    ["--fail-on", "bad", "x"],
    ["--max-depth", "deep", "x"],
    ["--max-expanded", "2 elephants", "x"],
    ["--timeout", "0", "x"],
    ["--timeout"],
    ["version", "--format", "xml"],
    ["explain"],
    ["explain", "a.b", "extra"],
    ["rules", "list", "--severity", "awful"],
  ];
  for (const args of wrong) {
    const { code, out, err } = await run(args);
    assert.equal(code, 2, args.join(" "));
    assert.equal(out, "", args.join(" "));
    assert.match(err, /error: /, args.join(" "));
  }
  assert.match((await run(["--format", "pdf", "x"])).err, /There are: text, json, ndjson/);
});

test("Control characters in arguments do not reach the terminal", async () => {
  for (
    const args of [["--\x1b[2J"], ["--format", "\x1b]0;x\x07", "x"], ["\x1b[31m/x"], [
      "explain",
      "\x1b[2J",
    ]]
  ) {
    const { err, out } = await run(args);
    assert.doesNotMatch((err + out).replaceAll("\n", ""), /\p{Cc}/u);
  }
});

test("A harmful file fails with its call spelled out, whether or not scan is written", async () => {
  await withFiles({ "evil.pkl": HARMFUL, "good.pkl": HARMLESS }, async (folder) => {
    for (
      const args of [[folder], ["scan", folder], ["--format", "text", folder], [
        "scan",
        "-v",
        folder,
      ]]
    ) {
      const { code, out, err } = await run(args);
      assert.equal(code, 1, err);
      assert.match(out, /🔴 DANGEROUS .*evil\.pkl/u);
      assert.match(out, /🔴 CRITICAL .*os\.system\('echo hi'\)/u);
    }
    assert.equal((await run([join(folder, "good.pkl")])).code, 0);
  });
});

test("JSON of a harmful file has its severities where jq looks for them", async () => {
  await withFiles({ "evil.pkl": HARMFUL }, async (folder) => {
    const { out } = await run(["scan", "--format", "json", folder]);
    const severities = JSON.parse(out).issues.map((it: { severity: string }) => it.severity);
    assert.equal(severities[0], "critical");
    assert.match(JSON.parse(out).issues[0].location, /evil\.pkl:stream_0$/);
  });
});

test("The JSON report of real files is what the published schema describes", async () => {
  const schema = new URL("../../../docs/report.schema.json", import.meta.url);
  const folder = fileURLToPath(new URL("../../../testdata/disguised", import.meta.url));
  const { out } = await run(["scan", "--format", "json", folder]);
  const validate = new Ajv2020({ allowUnionTypes: true, allErrors: true })
    .compile(JSON.parse(readFileSync(schema, "utf8")));
  validate(JSON.parse(out));
  assert.deepEqual(validate.errors, null);
  assert.ok(JSON.parse(out).assets.length > 5);
});

test("Standard input is scanned like a file", async () => {
  assert.equal((await run(["-"], { stdin: [HARMFUL] })).code, 1);
  assert.equal((await run(["-"], { stdin: [HARMLESS] })).code, 0);
});

test("A path that begins with a dash can be given behind two dashes", async () => {
  const { code, out } = await run(["--", "--no-such-file.pkl"]);
  assert.equal(code, 2);
  assert.match(out, /--no-such-file\.pkl/);
});

test("A global is explained with its verdict, its reasons and what it does", async () => {
  const { code, out } = await run(["explain", "os.system"]);
  assert.equal(code, 0);
  assert.match(out, /🔴 CRITICAL dangerous/u);
  assert.match(out, /^why /m);
  const data = JSON.parse((await run(["explain", "os.system", "--format", "json"])).out);
  assert.equal(data.called.severity, "critical");
});

test("A name on an allowlist is explained with the audit that it is trusted from, and for what", async () => {
  const name = "sklearn.linear_model._logistic.LogisticRegression";
  const { out } = await run(["explain", name]);
  assert.match(out, /^trusted +On the allowlist "sklearn": it may be restored/m);
  assert.match(out, /^audited +sklearn .* on Python .* to sklearn .* \(\d+ releases\)/m);
  const data = JSON.parse((await run(["explain", name, "--format", "json"])).out);
  assert.equal(data.trust[0].use, "restored");
  assert.ok(data.trust[0].releases.length > 3);
  const harmful = JSON.parse((await run(["explain", "os.system", "--format", "json"])).out);
  assert.deepEqual(harmful.trust, []);
});

test("A rule is explained by its id, and a misspelt one by the nearest", async () => {
  const { code, out } = await run(["explain", "pickle-malformed"]);
  assert.equal(code, 0);
  assert.match(out, /pickle-malformed/);
  const wrong = await run(["explain", "pickle-malfromed"]);
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /Did you mean "pickle-malformed"\?/);
});

test("Rules are listed worst first and can be filtered", async () => {
  const all = await run(["rules"]);
  assert.equal(all.code, 0);
  assert.match(all.out, /^🔴 CRITICAL {2}\S+/u);
  assert.match(all.out, /\d+ rules; modelaudit explain RULE/);
  const data = JSON.parse(
    (await run(["rules", "list", "--format", "json", "--severity", "warning"])).out,
  );
  assert.ok(data.rules.length > 0);
  assert.ok(data.rules.every((it: { severity: string }) => it.severity === "medium"));
  const some = JSON.parse((await run(["rules", "list", "os.system", "--format", "json"])).out);
  assert.ok(some.rules.length < data.rules.length + 100);
  assert.equal((await run(["rules", "show", "pickle-malformed"])).code, 0);
});

test("The opcodes of every stream are listed, and nothing in them reaches the terminal raw", async () => {
  const hostile = new TextEncoder().encode("S'\x1b[2J'\n.N.");
  await withFiles({ "two.pkl": hostile }, async (folder) => {
    const { out } = await run(["disasm", join(folder, "two.pkl")]);
    assert.match(out, /^stream_0$[^]*^stream_1$/m);
    assert.doesNotMatch(out.replaceAll("\n", ""), /\p{Cc}/u);
  });
});

test("A listing that nothing reads any more ends", async () => {
  const long = new TextEncoder().encode("N0".repeat(50_000) + "N.");
  await withFiles({ "long.pkl": long }, async (folder) => {
    const { code, out } = await run(["disasm", join(folder, "long.pkl")], { closesAfter: 1 });
    assert.equal(code, 0);
    assert.ok(out.length < 200_000);
  });
});

test("A pickle's opcodes are listed", async () => {
  await withFiles({ "evil.pkl": HARMFUL }, async (folder) => {
    const { code, out, err } = await run(["disasm", join(folder, "evil.pkl")]);
    assert.equal(code, 0, err);
    assert.match(out, /GLOBAL.*os.*system/);
    assert.equal((await run(["disasm", join(folder, "gone.pkl")])).code, 2);
  });
});

test("On a terminal nothing but a report's own words is wider than it is", async () => {
  const terminal = { tty: true, columns: 60, env: { NO_COLOR: "1" } };
  const commands = [
    [],
    ["scan", "--help"],
    ["--format", "jsn", "x"],
    ["explain", "pickle-comand"],
    ["--offline", "hf://organisation/model"],
    ["disasm", "a folder/whose name/is rather long/and has/nothing/in it.pkl"],
    ["http://127.0.0.1/model.pkl", "--no-progress", "--no-config"],
    ["baseline", "http://127.0.0.1/model.pkl", "--no-config"],
  ];
  for (const args of commands) {
    const { out, err } = await run(args, terminal);
    for (const line of (out + err).split("\n")) assert.ok(line.length <= 60, line);
    const piped = await run(args);
    const words = (text: string) => text.replaceAll(/\s+/g, " ");
    if (!args.includes("--help")) assert.equal(words(err).trim(), words(piped.err).trim());
  }
  await withFiles({ "evil.pkl": HARMFUL }, async (folder) => {
    const path = join(folder, "evil.pkl");
    const lines = (await run(["disasm", path], terminal)).out.split("\n");
    assert.ok(lines.every((line) => line.length <= 60), lines.join("\n"));
    const complete = (await run(["disasm", path])).out.replaceAll(/\s+/g, "");
    assert.equal(lines.join("").replaceAll(/\s+/g, ""), complete);
  });
});

test("Help of every command fits into eighty columns", async () => {
  const commands = ["", "scan", "explain", "rules list", "config show", "baseline", "doctor"];
  for (const command of [...commands, "completions", "man", "disasm", "version"]) {
    const args = [...command.split(" ").filter((it) => it !== ""), "--help"];
    const { code, out } = await run(args, { tty: true, columns: 80 });
    assert.equal(code, 0, command);
    for (const line of out.split("\n")) assert.ok(line.length <= 80, line);
  }
});

test("Who lists the opcodes of a zip archive is reported where its pickles are", async () => {
  const zip = Uint8Array.of(80, 75, 3, 4, 20, 0);
  await withFiles({ "model.pt": zip, "evil.pkl": HARMFUL }, async (folder) => {
    assert.match((await run(["disasm", join(folder, "model.pt")])).err, /zip archive[^]*unzip -p/);
    assert.equal((await run(["disasm", join(folder, "evil.pkl")])).err, "");
  });
});

test("Every report says why a Git-LFS pointer could not be read, and what helps", async () => {
  const pointer = new TextEncoder().encode(
    "version https://git-lfs.github.com/spec/v1\n" +
      `oid sha256:${"4d7a2146".repeat(8)}\nsize 12345\n`,
  );
  await withFiles({ "model.safetensors": pointer }, async (folder) => {
    for (const format of ["text", "json", "ndjson", "sarif", "junit", "markdown"]) {
      const args = ["--no-config", "--format", format, join(folder, "model.safetensors")];
      const { code, out } = await run(args);
      assert.equal(code, 2, format);
      const text = out.replaceAll(/\s+/g, " ");
      assert.match(text, /is a Git-LFS pointer to 12345 bytes/, format);
      assert.match(text, /git lfs pull/, format);
      if (format === "junit") assert.equal(text.split("git lfs pull").length, 2, text);
    }
  });
});
