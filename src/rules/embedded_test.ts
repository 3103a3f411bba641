import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { embed, embedLists, readRuleSources } from "../../scripts/embed.ts";
import { AllowedGlobals, LEVELS, namesOf } from "./allowed.ts";
import { ALLOWLISTS } from "./allowlists.ts";
import { RULES_HASH } from "./embedded.ts";
import { buildRules, loadRules } from "./rules.ts";
import { parseAllowlist } from "./toml.ts";

const sources = readRuleSources();

test("the embedded rules are what scripts/embed.ts makes of rules/", () => {
  const file = fileURLToPath(new URL("./embedded.ts", import.meta.url));
  assert.equal(readFileSync(file, "utf8"), embed(sources));
  const lists = fileURLToPath(new URL("./allowlists.ts", import.meta.url));
  assert.equal(readFileSync(lists, "utf8"), embedLists(sources));
});

test("the embedded rules equal the rules in TOML, field by field", () => {
  assert.deepEqual(loadRules().list(), sources.rules);
  assert.equal(loadRules().version, RULES_HASH.slice(0, 12));
});

test("every name of every allowlist in TOML is found in the embedded lists", () => {
  const allowed = new AllowedGlobals(ALLOWLISTS);
  let names = 0;
  for (const { library } of ALLOWLISTS) {
    const file = fileURLToPath(new URL(`../../rules/safe/${library}.toml`, import.meta.url));
    const list = parseAllowlist(readFileSync(file, "utf8"), file);
    for (const level of LEVELS) {
      for (const [module, each] of Object.entries(list[level])) {
        for (const name of each) {
          const found = allowed.level(`${module}.${name}`);
          const least = LEVELS.indexOf(level);
          assert.ok(found !== undefined && LEVELS.indexOf(found) >= least, `${module}.${name}`);
          names++;
        }
      }
    }
  }
  assert.ok(names > 4000);
});

test("nothing on an allowlist is also listed as harmful", () => {
  const rules = loadRules();
  for (const list of ALLOWLISTS) {
    for (const { module, name, level } of namesOf(list)) {
      const match = rules.match(module, name, level === "called" || level === "filled");
      assert.equal(match.rule.safety, "innocuous", `${module}.${name} (${list.library})`);
      // A class that is harmless to restore may have a constructor that is not: joblib's Memory.
      if (level === "restored") continue;
      const called = rules.match(module, name, true).rule;
      assert.ok(called.safety !== "dangerous", `${module}.${name} (${list.library})`);
    }
  }
});

test("a name with a blank or a line end in it is on no allowlist", () => {
  const allowed = new AllowedGlobals(ALLOWLISTS);
  assert.ok(allowed.has("collections.OrderedDict"));
  for (
    const path of ["collections.OrderedDict Counter", "collections.OrderedDict\n", "collections."]
  ) {
    assert.ok(!allowed.has(path), path);
  }
});

test("two rules with one id, or a missing rule for the unknown, are refused", () => {
  const [first] = sources.rules;
  assert.ok(first !== undefined);
  assert.throws(() => buildRules([first, first], [], ""), /two rules with the id/);
  assert.throws(() => buildRules([first], [], ""), /without the rule "pickle-known-harmless"/);
});
