import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "smol-toml";
import { ConfigError } from "../core/errors.ts";
import { loadRules } from "../rules/rules.ts";
import { effectiveOf } from "./effective.ts";
import { readConfiguration, TABLES, TOP_KEYS } from "./read.ts";
import { TEMPLATE } from "./template.ts";

const ROOT = new URL("../../testdata/config/", import.meta.url);
const rules = loadRules();
const VOCABULARY = { rules: rules.list().map((it) => it.id), formats: ["pickle", "zip"] };

const read = (text: string, file = "security.toml") => readConfiguration(text, file, VOCABULARY);

interface Expected {
  readonly line: number;
  readonly column?: number;
  readonly message: string;
}

/** Reads and uses a configuration, as a scan does. */
async function use(text: string, file: string): Promise<void> {
  await effectiveOf([{ configuration: read(text, file), trusted: true }], rules, 0);
}

test("every invalid configuration is refused at the place of its mistake", async () => {
  const expected: Record<string, Expected> = JSON.parse(
    readFileSync(new URL("invalid/expected.json", ROOT), "utf8"),
  );
  const files = readdirSync(new URL("invalid/", ROOT)).filter((name) => name.endsWith(".toml"));
  assert.deepEqual(Object.keys(expected).sort(), files.sort());
  for (const [name, { line, column, message }] of Object.entries(expected)) {
    const text = readFileSync(new URL(`invalid/${name}`, ROOT), "utf8");
    await assert.rejects(use(text, name), (error: unknown) => {
      assert.ok(error instanceof ConfigError, `${name}: ${String(error)}`);
      assert.match(error.message, new RegExp(message), name);
      const at = error.where.split(":");
      assert.equal(at[0], name);
      assert.equal(Number(at[1]), line, `${name}: ${error.message}`);
      if (column !== undefined) assert.equal(Number(at[2]), column, `${name}: ${error.message}`);
      const [shown = "", mark = ""] = error.excerpt;
      assert.ok(shown.includes(text.split("\n")[line - 1] ?? "-"), name);
      assert.match(mark, /^ +\| +\^$/, name);
      assert.equal(mark.length - mark.indexOf("|") - 2, Number(at[2]), name);
      return true;
    });
  }
});

test("the founding template loads unchanged", async () => {
  const text = readFileSync(new URL("valid/founding_template.toml", ROOT), "utf8");
  const configuration = read(text);
  assert.deepEqual(configuration.globals[2], {
    severity: "critical",
    module: "os",
    names: "*",
    origin: "security.toml:8",
  });
  assert.equal(configuration.globals.length, 16);
  assert.equal(configuration.operators.length, 7);
  assert.equal(configuration.scores.length, 4);
  await use(text, "security.toml");
});

test("the template that init writes is right, as it is and with every line of it in force", async () => {
  await use(TEMPLATE, "template.toml");
  const enabled = TEMPLATE.replaceAll(/^# ((?:[a-z_]+ = |\[\[|\]| {2}["{]).*)$/gm, "$1");
  assert.ok(enabled.includes("\nreplace = true\n") && enabled.includes("\n[[ignore]]\n"));
  const configuration = read(enabled);
  assert.equal(configuration.patterns.length, 3);
  assert.equal(configuration.ignores[0]?.expires, "2027-01-31");
  assert.equal(configuration.limits.length, 2);
  assert.deepEqual(configuration.include.map(({ name }) => name), ["*.safetensors", "*.pt"]);
  const [policy] = configuration.policies;
  assert.deepEqual([policy?.failOn, policy?.acceptsIncomplete], ["low", true]);
  await use(enabled, "enabled.toml");
});

test("modules may be written without quotes", () => {
  const { globals } = read("[pickle_rules.HIGH]\nrequests.api = \"*\"\na.b.c = ['d']\n");
  assert.deepEqual(globals.map((it) => [it.module, it.names]), [
    ["requests.api", "*"],
    ["a.b.c", ["d"]],
  ]);
});

test("severities are read whatever their case, and warning means medium", () => {
  const { globals, failOn } = read('fail_on = "Warning"\n[pickle_rules.warning]\na = "*"\n');
  assert.equal(globals[0]?.severity, "medium");
  assert.equal(failOn?.severity, "medium");
});

test("the published schema accepts what is right and knows every key", () => {
  const url = new URL("../../docs/configuration.schema.json", import.meta.url);
  const schema = JSON.parse(readFileSync(url, "utf8"));
  const validate = new Ajv2020({ allErrors: true }).compile(schema);
  const keys: readonly string[] = [...TOP_KEYS, ...TABLES];
  assert.deepEqual(Object.keys(schema.properties).sort(), [...keys].sort());
  const valid = readdirSync(new URL("valid/", ROOT))
    .map((name) => readFileSync(new URL(`valid/${name}`, ROOT), "utf8"));
  for (const text of [TEMPLATE, ...valid]) {
    validate(JSON.parse(JSON.stringify(parse(text))));
    assert.deepEqual(validate.errors, null);
  }
});

test("the published schema refuses unknown keys and words", () => {
  const url = new URL("../../docs/configuration.schema.json", import.meta.url);
  const validate = new Ajv2020({ allErrors: true }).compile(JSON.parse(readFileSync(url, "utf8")));
  for (
    const name of ["unknown_table", "unknown_severity_table", "module_is_a_word", "unknown_limit"]
  ) {
    const text = readFileSync(new URL(`invalid/${name}.toml`, ROOT), "utf8");
    assert.ok(!validate(JSON.parse(JSON.stringify(parse(text)))), name);
  }
});
