import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { runMain } from "./commands/main.ts";
import { testIo, type TestWorld } from "./testing/io.ts";

const HARMFUL = "cos\nsystem\n(S'echo hi'\ntR.";
const UNKNOWN = "ccustom_dangerous_module\nanything\n(tR.";

async function run(args: readonly string[], world: TestWorld = {}) {
  const io = testIo(world);
  const code = await runMain(args, io);
  return { code, out: io.stdout.text, err: io.stderr.text };
}

/** Runs with these files in a folder of their own. */
async function inFolder(
  files: Readonly<Record<string, string>>,
  check: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-config-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(folder, name, ".."), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    await check(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function scanJson(args: readonly string[], world: TestWorld = {}) {
  const { code, out, err } = await run(["scan", "--format", "json", ...args], world);
  return { code, err, data: out === "" ? undefined : JSON.parse(out) };
}

test("a configuration that is named decides, and the report names it", async () => {
  const files = {
    "c.pkl": UNKNOWN,
    "own.toml": '[pickle_rules.CRITICAL]\n"custom_dangerous_module" = "*"\n',
    "lower.toml": '[pickle_rules.LOW]\n"custom_dangerous_module" = "*"\n',
  };
  await inFolder(files, async (folder) => {
    const model = join(folder, "c.pkl");
    const own = join(folder, "own.toml");
    assert.equal((await scanJson([model])).data.assets[0].verdict, "suspicious");
    const { code, data } = await scanJson(["--config", own, model]);
    assert.deepEqual([code, data.configuration, data.issues[0].severity], [1, own, "critical"]);
    const lower = await scanJson(["--config", join(folder, "lower.toml"), model]);
    assert.deepEqual([lower.code, lower.data.issues[0].severity], [0, "low"]);
    const none = await scanJson(["--no-config", model]);
    assert.equal(none.data.configuration, "embedded");
  });
});

test("a configuration that is missing, wrong or no text is an error, exit code 2", async () => {
  const files = { "c.pkl": UNKNOWN, "bad.toml": '[pickle_rule.LOW]\nos = "*"\n' };
  await inFolder(files, async (folder) => {
    const model = join(folder, "c.pkl");
    writeFileSync(join(folder, "binary.toml"), new Uint8Array([0xff, 0xfe, 0]));
    const bad = await run(["--config", join(folder, "bad.toml"), model]);
    assert.deepEqual([bad.code, bad.out], [2, ""]);
    assert.match(bad.err, /bad\.toml, line 1, column 2: there is no key "pickle_rule"/);
    assert.match(bad.err, /^ {2}1 \| \[pickle_rule\.LOW\]\n {4}\| {2}\^\n/m);
    const missing = await run(["--config", join(folder, "gone.toml"), model]);
    assert.deepEqual([missing.code, missing.out], [2, ""]);
    assert.match(missing.err, /there is no such file/);
    assert.match((await run(["--config", folder, model])).err, /it is no file/);
    assert.match((await run(["--config", join(folder, "binary.toml"), model])).err, /no UTF-8/);
  });
});

test("nothing of a wrong configuration reaches the terminal raw", async () => {
  await inFolder({ "bad.toml": '"\\u001b[2J" = 1\n', "c.pkl": UNKNOWN }, async (folder) => {
    const { err } = await run(["--config", join(folder, "bad.toml"), join(folder, "c.pkl")]);
    assert.doesNotMatch(err.replaceAll("\n", ""), /\p{Cc}/u);
  });
});

test("the user's place is read, after XDG_CONFIG_HOME where that is set", async () => {
  const files = {
    "c.pkl": UNKNOWN,
    "home/.config/modelaudit/security.toml":
      '[pickle_rules.HIGH]\n"custom_dangerous_module" = "*"\n',
    "xdg/modelaudit/security.toml": 'allow = ["custom_dangerous_module.*"]\n',
  };
  await inFolder(files, async (folder) => {
    const model = join(folder, "c.pkl");
    const world = { folder, env: { HOME: join(folder, "home") } };
    assert.equal((await scanJson([model], world)).data.issues[0].severity, "high");
    const xdg = { folder, env: { ...world.env, XDG_CONFIG_HOME: join(folder, "xdg") } };
    const { data } = await scanJson([model], xdg);
    assert.deepEqual([data.assets[0].verdict, data.suppressed_by], ["clean", { allowed: 1 }]);
    assert.equal((await scanJson(["--no-config", model], xdg)).data.configuration, "embedded");
  });
});

test("a configuration beside the model adds and raises, and its loosening is reported", async () => {
  const files = {
    "evil.pkl": HARMFUL,
    "c.pkl": UNKNOWN,
    "modelaudit-security.toml":
      'allow = ["os.system"]\n[pickle_rules.CRITICAL]\n"custom_dangerous_module" = "*"\n',
  };
  await inFolder(files, async (folder) => {
    const { code, data } = await scanJson([folder], { folder });
    assert.equal(code, 1);
    assert.deepEqual(data.issues.map((it: { severity: string }) => it.severity), [
      "critical",
      "critical",
    ]);
    assert.match(data.configuration_notes[0], /1 entry that loosens has no effect \(line 1\)/);
    assert.equal(data.suppressed, 0);
    const named = join(folder, "modelaudit-security.toml");
    const trusted = await scanJson(["--config", named, folder], { folder });
    assert.deepEqual(trusted.data.suppressed_by, { allowed: 1 });
    const { out } = await run([folder], { folder });
    assert.match(out.replaceAll(/\s+/g, " "), /note \S+ lies in .* may have come with a model/);
  });
});

test("a configuration beside the model does not take the place of the user's", async () => {
  const files = {
    "c.pkl": UNKNOWN,
    "modelaudit-security.toml": "# says nothing\n",
    "home/.config/modelaudit/security.toml":
      '[pickle_rules.HIGH]\n"custom_dangerous_module" = "*"\n',
  };
  await inFolder(files, async (folder) => {
    const world = { folder, env: { HOME: join(folder, "home") } };
    const { data } = await scanJson([join(folder, "c.pkl")], world);
    assert.equal(data.issues[0].severity, "high");
    assert.match(data.configuration, /security\.toml \+ .*modelaudit-security\.toml/);
  });
});

test("fail_on and limits of the configuration hold where no option says otherwise", async () => {
  const files = { "c.pkl": UNKNOWN, "s.toml": 'fail_on = "high"\n[limits]\nopcodes = 1\n' };
  await inFolder(files, async (folder) => {
    const args = ["--config", join(folder, "s.toml"), join(folder, "c.pkl")];
    assert.equal((await scanJson(args)).data.assets[0].verdict, "incomplete");
    const more = ["--max-opcodes", "1000", ...args];
    assert.equal((await scanJson(more)).code, 0);
    assert.equal((await scanJson(["--fail-on", "medium", ...more])).code, 1);
  });
});

test("the JSON report under a configuration is what the published schema describes", async () => {
  const schema = new URL("../../docs/report.schema.json", import.meta.url);
  await inFolder(
    { "e.pkl": HARMFUL, "s.toml": 'disable = ["pickle-command"]\n' },
    async (folder) => {
      const { data } = await scanJson(["--config", join(folder, "s.toml"), join(folder, "e.pkl")]);
      const validate = new Ajv2020({ allowUnionTypes: true, allErrors: true })
        .compile(JSON.parse(readFileSync(schema, "utf8")));
      validate(data);
      assert.deepEqual(validate.errors, null);
      assert.deepEqual([data.suppressed, data.assets[0].suppressed], [1, 1]);
    },
  );
});

test("config init writes a template that config check accepts", async () => {
  const { out } = await run(["config", "init"]);
  await inFolder({ "template.toml": out }, async (folder) => {
    const { code, out: said } = await run(["config", "check", join(folder, "template.toml")]);
    assert.equal(code, 0);
    assert.match(said, /template\.toml is right: \d+ entries\./);
    const nothing = await run(["config", "check"], { folder });
    assert.match(nothing.out, /no configuration: the embedded rules hold/);
  });
});

test("config check refuses what a scan would refuse", async () => {
  await inFolder({ "modelaudit-security.toml": "allow = 1\n" }, async (folder) => {
    const { code, err } = await run(["config", "check"], { folder });
    assert.equal(code, 2);
    assert.match(err, /expected a list of globals, but this is 1/);
  });
});

test("config show says which rules hold and where each came from", async () => {
  const text = '[pickle_rules.HIGH]\nours = "*"\n[severity]\npickle-command = "MEDIUM"\n';
  await inFolder({ "s.toml": text }, async (folder) => {
    const file = join(folder, "s.toml");
    const { out } = await run(["config", "show", "--config", file]);
    assert.match(out, /🟠 HIGH +global +ours\.\* .*s\.toml:2/u);
    assert.match(out, /🟡 MEDIUM +pickle-command .*s\.toml:4/u);
    assert.match(out, /pickle-eval +embedded/);
    const data = JSON.parse((await run(["config", "show", "--config", file, "-f", "json"])).out);
    const rule = data.rules.find((it: { id: string }) => it.id === "pickle-command");
    assert.deepEqual([rule.severity, rule.origin], ["medium", `${file}:4`]);
    assert.deepEqual(data.places, [{ path: file, used: "used" }]);
  });
});

test("rules and explanations are those of the configuration", async () => {
  const text = 'allow = ["os.system"]\n[severity]\npickle-eval = "LOW"\n';
  await inFolder({ "s.toml": text }, async (folder) => {
    const config = ["--config", join(folder, "s.toml"), "--format", "json"];
    const global = JSON.parse((await run(["explain", "os.system", ...config])).out);
    assert.deepEqual([global.called.severity, global.origin], [
      "info",
      `${join(folder, "s.toml")}:1`,
    ]);
    const rule = JSON.parse((await run(["rules", "show", "pickle-eval", ...config])).out);
    assert.equal(rule.severity, "low");
    const low = JSON.parse((await run(["rules", "--severity", "low", ...config])).out);
    assert.ok(low.rules.some((it: { id: string }) => it.id === "pickle-eval"));
    const none = ["explain", "os.system", "--no-config", "--format", "json"];
    assert.equal(JSON.parse((await run(none)).out).called.severity, "critical");
  });
});

test("config check warns of entries that let harm through, and of nothing else", async () => {
  const text = 'allow = ["os.system", "collections.OrderedDict", "mine.*"]\n' +
    '[[ignore]]\npath = "**"\nreason = "r"\n[[ignore]]\npath = "tests/**"\nreason = "r"\n' +
    '[[policy]]\npath = "**"\nreason = "r"\nfail_on = "never"\n';
  await inFolder({ "c.toml": text }, async (folder) => {
    const { code, out } = await run(["config", "check", join(folder, "c.toml")], { folder });
    assert.equal(code, 0);
    const warnings = out.split("\n").filter((line) => line.startsWith("warning: "));
    assert.equal(warnings.length, 3);
    assert.match(warnings[0] ?? "", /"os\.system" is allowed/);
    assert.match(warnings[1] ?? "", /"\*\*" accepts every issue/);
    assert.match(warnings[2] ?? "", /by the policy of "\*\*" no issue of any file fails a run/);
  });
});

const POLICY = `exclude = ["left.pkl"]
[[policy]]
path = "**/vendor/**"
reason = "encrypted"
incomplete = "accept"
expires = 2027-01-31
fail_on = "medium"
`;

test("every format of report agrees with the exit code under policies, and shows them", async () => {
  // A name that claims a model, and nothing behind it.
  const files = { "vendor/empty.pt": "", "left.pkl": HARMFUL, "s.toml": POLICY };
  await inFolder(files, async (folder) => {
    const config = ["--config", join(folder, "s.toml")];
    const now = { now: () => Date.UTC(2026, 11, 1) };
    const { code, data } = await scanJson([...config, folder], now);
    assert.deepEqual([code, data.exit_code, data.summary.verdict], [0, 0, "incomplete"]);
    assert.deepEqual(
      data.assets.filter((it: { verdict: string }) => it.verdict !== "skipped")
        .map((it: Record<string, unknown>) => [it["verdict"], it["incomplete_accepted"]]),
      [["incomplete", { by: "policy", until: "2027-01-31", why: "encrypted" }]],
    );
    for (const format of ["text", "markdown", "junit", "sarif", "ndjson"]) {
      const { code, out } = await run([...config, "--format", format, folder], now);
      assert.equal(code, 0, format);
      assert.match(out, /encrypted/, format);
      assert.match(out, /incomplete/i, format);
      if (format === "junit") assert.match(out, /failures="0" errors="0"/);
      if (format === "sarif") assert.equal(JSON.parse(out).runs[0].invocations[0].exitCode, 0);
      if (format === "ndjson") assert.match(out, /"exit_code":0\}\n$/);
    }
    // The day after, and where nothing is accepted: 2.
    const over = { now: () => Date.UTC(2027, 1, 1) };
    const after = await scanJson([...config, folder], over);
    assert.deepEqual([after.code, after.data.exit_code], [2, 2]);
    assert.match(after.data.configuration_notes[0], /the policy of .* ended on 2027-01-31/);
    assert.equal((await scanJson(["--no-config", join(folder, "vendor")])).code, 2);
  });
});

test("fail_on of a policy decides for its files, and --fail-on goes before it", async () => {
  const files = {
    "strict/low.pkl": "cwarnings\nwarn\n.",
    "low.pkl": "cwarnings\nwarn\n.",
    "s.toml": '[[policy]]\npath = "**/strict/*"\nreason = "r"\nfail_on = "low"\n',
  };
  await inFolder(files, async (folder) => {
    const config = ["--config", join(folder, "s.toml")];
    assert.equal((await scanJson([...config, join(folder, "low.pkl")])).code, 0);
    const { code, data } = await scanJson([...config, folder]);
    assert.deepEqual([code, data.exit_code], [1, 1]);
    const junit = await run([...config, "--format", "junit", folder]);
    assert.match(junit.out, /failures="1" errors="0"/);
    assert.equal((await scanJson(["--fail-on", "high", ...config, folder])).code, 0);
  });
});

test("an entry that matched nothing is reported, unless only a part was scanned", async () => {
  const text = '[[ignore]]\npath = "evil.pkl"\nreason = "r"\n' +
    '[[ignore]]\npath = "gone/**"\nreason = "r"\n' +
    '[[policy]]\npath = "gone/**"\nreason = "r"\nfail_on = "low"\n';
  await inFolder({ "evil.pkl": HARMFUL, "s.toml": text }, async (folder) => {
    const file = join(folder, "s.toml");
    const notes = async (...args: readonly string[]) =>
      (await scanJson(["--config", file, ...args])).data.configuration_notes;
    assert.deepEqual(await notes(folder), [
      `${file}:4: the ignore of "gone/**" matched nothing.`,
      `${file}:7: the policy of "gone/**" matched nothing.`,
    ]);
    assert.deepEqual(await notes(join(folder, "evil.pkl")), []);
    assert.deepEqual(await notes("--exclude", "*.txt", folder), []);
    assert.deepEqual(await notes(folder, join(folder, "nosuch")), []);
  });
});

test("include and exclude of the configuration hold for scan and baseline, and are shown", async () => {
  const text = 'include = ["*.pkl"]\nexclude = ["b.pkl"]\n';
  const files = { "a.pkl": HARMFUL, "b.pkl": HARMFUL, "c.bin": HARMFUL, "s.toml": text };
  await inFolder(files, async (folder) => {
    const config = ["--config", join(folder, "s.toml")];
    const { data } = await scanJson([...config, folder]);
    assert.deepEqual(data.assets.map((it: { path: string }) => it.path), [join(folder, "a.pkl")]);
    const known = JSON.parse((await run(["baseline", ...config, folder])).out);
    assert.deepEqual(known.issues.map((it: { count: number }) => it.count), [1]);
    const more = await scanJson([...config, "--include", "*.bin", folder]);
    assert.deepEqual(more.data.assets.map((it: { path: string }) => it.path), [
      join(folder, "a.pkl"),
      join(folder, "c.bin"),
    ]);
    const { out } = await run(["config", "show", ...config]);
    assert.match(out, /include +\*\.pkl +.*s\.toml:1/);
    assert.match(out, /exclude +b\.pkl +.*s\.toml:2/);
    // Beside the model they have no effect.
    writeFileSync(join(folder, "modelaudit-security.toml"), text);
    const found = await scanJson([folder], { folder });
    assert.equal(
      found.data.assets.filter((it: { verdict: string }) => it.verdict === "dangerous").length,
      3,
    );
    assert.match(found.data.configuration_notes[0], /2 entries that loosen have no effect/);
  });
});
