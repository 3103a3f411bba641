import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { loadRules } from "../../../rules/rules.ts";
import { parseCallables } from "../../../rules/toml.ts";
import { FOLLOWED } from "./table.ts";

const FILE = "rules/callables.toml";
const CALLABLES = new Map(Object.entries(
  parseCallables(readFileSync(new URL(`../../../../${FILE}`, import.meta.url), "utf8"), FILE),
));

/** Meanings that are looked at, and lead to no other callable. */
const LOOKED_AT = [
  "array-wrapper",
  "attributes",
  "delegate",
  "dictionary",
  "dtype",
  "evaluates",
  "frozen-distribution",
  "gives-back",
  "kept",
  "live-namespace",
  "loads-state",
  "mapping",
  "own-state",
  "slice",
  "source-in-state",
  "state-first",
  "string-dtype",
];

/** Followed, and judged as what they are, whatever they reach: imports, changes, loaders, callbacks. */
const JUDGED = [
  "add-extension",
  "import-module",
  "loader",
  "loads-second",
  "loads-fifth",
  "calls-arguments",
  "calls-first",
  "opens-arguments",
  "opens-first",
  "resolve-name",
  "setattr",
  "setitem",
  "vars",
  "weak-reference",
];

/** Of the others, those whose rule is worse than that of the rest with their meaning. */
const WORSE = ["builtins.object.__getattribute__"];

test("the semantics know every meaning that the table of callables has, and no other", () => {
  const written = new Set([...CALLABLES.values()].flat());
  assert.deepEqual([...written].sort(), [...FOLLOWED, ...LOOKED_AT].sort());
});

test("a callable that reaches another takes its verdict from it, or is harmless in itself", () => {
  const rules = loadRules();
  const wrong: string[] = [];
  for (const [path, meanings] of CALLABLES) {
    if (!meanings.some((meaning) => FOLLOWED.has(meaning) && !JUDGED.includes(meaning))) continue;
    const at = path.lastIndexOf(".");
    const { rule } = rules.match(path.slice(0, at), path.slice(at + 1), true);
    const asks = rule.wrapper !== undefined || rule.safety === "innocuous";
    if (!asks && !WORSE.includes(path)) wrong.push(`${path}: ${rule.id}`);
  }
  assert.deepEqual(wrong, []);
});
