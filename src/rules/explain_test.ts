import assert from "node:assert/strict";
import { test } from "node:test";
import { explainGlobal, splitGlobal } from "./explain.ts";
import { loadRules } from "./rules.ts";

const rules = loadRules();

test("module and name are divided at a blank, a colon or the last dot", () => {
  assert.deepEqual(splitGlobal("os.system"), ["os", "system"]);
  assert.deepEqual(splitGlobal(" os.path join "), ["os.path", "join"]);
  assert.deepEqual(splitGlobal("torch:serialization.load"), ["torch", "serialization.load"]);
  assert.deepEqual(splitGlobal("a.b.c"), ["a.b", "c"]);
});

test("what is no global is refused with what was expected", () => {
  for (const text of ["", "os", ".os", "os.", "a b c", "os:", ":os", "a : b : c"]) {
    assert.throws(() => splitGlobal(text), /Cannot explain ".*": expected a global/, text);
  }
});

test("a global is explained by where it leads", () => {
  const { reaches, called, wrapper, atBest } = explainGlobal(rules, "commands.getoutput");
  assert.equal(reaches, "subprocess.getoutput");
  assert.deepEqual([called.severity, called.safety], ["critical", "dangerous"]);
  assert.deepEqual([wrapper, atBest], [false, undefined]);
});

test("a wrapper has what it is at worst and at best", () => {
  const { wrapper, called, atBest } = explainGlobal(rules, "functools.partial");
  assert.deepEqual([wrapper, called.severity], [true, "critical"]);
  assert.deepEqual(atBest, { severity: "info", safety: "innocuous" });
});

test("an unknown global is suspicious, and not passed over", () => {
  assert.equal(explainGlobal(rules, "nobody.knows").called.safety, "suspicious");
});
