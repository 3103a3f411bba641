import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "../core/errors.ts";
import { parseAllowlist, parseRules } from "./toml.ts";

const GOOD = `
[[rule]]
id = "x-good"
kind = "global"
severity = "high"
safety = "dangerous"
title = "Good"
effect = "does it"
why = "Because."
fix = "Do not."
hit = ["a.b"]
miss = ["c.d"]
[rule.globals]
a = ["b"]
"e.f" = "*"
`;

function refused(text: string, message: RegExp, where?: string): void {
  assert.throws(() => parseRules(text, "rules/x.toml"), (error: unknown) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, message);
    if (where !== undefined) assert.equal(error.where, where);
    return true;
  });
}

test("a rule is read with its format from the file's name and defaults for what it leaves out", () => {
  const [rule] = parseRules(GOOD, "rules/x.toml");
  assert.equal(rule?.format, "x");
  assert.deepEqual(rule?.globals, { a: ["b"], "e.f": "*" });
  assert.equal(rule?.folds, false);
  assert.equal(rule?.wrapper, undefined);
  assert.deepEqual(rule?.references, []);
});

test("broken TOML is reported with line and column", () => {
  refused(`${GOOD}\nx = = 1`, /line 17, column 5/, "rules/x.toml:17:5");
});

test("a wrong rule is reported with the line on which it begins", () => {
  refused(GOOD + GOOD.replace("x-good", "X Bad"), /"X Bad" is no rule id/, "rules/x.toml:17");
});

test("each mistake names what was found and what was expected", () => {
  refused(
    GOOD.replace(`"high"`, `"hgih"`),
    /"severity" is "hgih", which is none of critical, high/,
  );
  refused(GOOD.replace(`"dangerous"`, `"danger"`), /none of dangerous, suspicious, innocuous/);
  refused(GOOD.replace(`kind = "global"`, `kind = "globe"`), /none of global, fact, operator/);
  refused(GOOD.replace(`title = "Good"`, ""), /"title" must be text, but is missing/);
  refused(GOOD.replace(`title = "Good"`, "title = 3"), /"title" must be text, but is 3/);
  refused(GOOD.replace(`title =`, `tilte =`), /a rule has no "tilte"/);
  refused(GOOD.replace(`hit = ["a.b"]`, `hit = "a.b"`), /"hit" must be a list of texts/);
  refused(GOOD.replace(`hit = ["a.b"]`, `hit = [1]`), /"hit" must hold texts only, but has 1/);
  refused(GOOD.replace(`hit = ["a.b"]`, ""), /needs examples/);
  refused(GOOD.replace(`a = ["b"]`, `a = "b"`), /"globals.a" must be a list of texts, but is "b"/);
  refused(GOOD.replace(/\[rule.globals\][^]*$/, ""), /names no globals/);
  refused(GOOD.replace(`kind = "global"`, `kind = "anomaly"`), /names globals, but its kind/);
  refused(GOOD.replace(`kind = "global"`, `kind = "global"\nfolds = 1`), /must be true or false/);
  refused(
    GOOD.replace(`kind = "global"`, `kind = "global"\nwrapper = "x"`),
    /none of calls, reaches/,
  );
  refused(GOOD.replace("[rule.globals]", "[rule.effects]\na = 1\n[rule.globals]"), /"effects.a"/);
  refused(`[[rule]]\nglobals = 3\nkind = "global"`, /"globals" must be a table|"id" must be text/);
  refused(`rule = 3`, /rules are written as \[\[rule\]\]/);
  refused(`rule = [3]`, /rules are written as \[\[rule\]\]/);
  refused(`[rules]`, /"rules" is unknown, expected \[\[rule\]\]/);
});

test("an operator rule needs its language", () => {
  const operator = GOOD.replace(/\[rule.globals\][^]*$/, `operators = ["save"]`)
    .replace(`"global"`, `"operator"`);
  refused(operator, /needs "language" and "operators"/);
});

test("an allowlist holds dotted names and no wildcards", () => {
  const list = parseAllowlist(
    `library = "l"\nversion = "1"\n[called]\na = ["B", "C.D"]\n[named]\na = ["f"]`,
    "l.toml",
  );
  assert.deepEqual(list, {
    library: "l",
    version: "1",
    filled: {},
    called: { a: ["B", "C.D"] },
    restored: {},
    named: { a: ["f"] },
  });
  assert.throws(
    () => parseAllowlist(`library = "l"\nversion = "1"\n[globals]`, "l.toml"),
    /an allowlist has no "globals"/,
  );
  for (
    const names of [`["*"]`, `["a b"]`, `["a."]`, `[""]`, `"*"`, `["a.*"]`, `["~a"]`, `["+a"]`]
  ) {
    const text = `library = "l"\nversion = "1"\n[restored]\na = ${names}`;
    assert.throws(() => parseAllowlist(text, "l.toml"), ConfigError, names);
  }
  assert.throws(() => parseAllowlist(`version = "1"`, "l.toml"), /"library" must be text/);
});
