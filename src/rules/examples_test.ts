import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Fact, GlobalName } from "../core/types.ts";
import { splitGlobal } from "./explain.ts";
import { loadRules } from "./rules.ts";
import type { Judged } from "../core/rule_set.ts";

const rules = loadRules({ strict: true });
const location = { path: "example.pkl", parts: [] };

function globalOf(text: string): GlobalName {
  const [module, name] = splitGlobal(text);
  return { module, name };
}

/** The observations that an example in a rule stands for. */
function observe(example: string): Judged[] {
  const fact = (fact: Fact): Judged => ({ type: "fact", fact, count: 1, offset: 0 });
  const [verb = "", ...words] = example.split(" ");
  const rest = words.join(" ");
  switch (verb) {
    case "import":
      return [fact({ kind: "import", via: "GLOBAL", ...globalOf(rest) })];
    case "computed":
      return [fact({ kind: "import", via: "STACK_GLOBAL", computed: true, ...globalOf(rest) })];
    case "restore":
      return [fact(callOf(globalOf(rest), undefined, "NEWOBJ"))];
    case "mutation":
      return [fact({ kind: "mutation", via: "BUILD", expression: rest, ...globalOf(rest) })];
    case "extension":
      return [fact({ kind: "extension", code: Number(rest) })];
    case "unresolved":
      return [
        fact({
          kind: "unresolved-call",
          via: rest === "import" ? "STACK_GLOBAL" : "REDUCE",
          ...(rest === "attribute" && { attribute: true }),
          expression: "?(1)",
        }),
      ];
    case "operator": {
      // "operator tensorflow SaveV2 as saver": with the part that it plays.
      const [language = "", name = "", , role] = words;
      const part = role === undefined ? {} : { role };
      return [fact({ kind: "operator", language, name, expression: `${name}(x)`, ...part })];
    }
    case "reference": {
      const [language = "", written = "", name = ""] = words;
      const module = written === "-" ? "" : written;
      const expression = `${module}.${name}`;
      return [fact({ kind: "reference", language, module, name, expression, evidence: [] })];
    }
    case "source": {
      // "source python-archive os.system os.system('x')": a call in Python source, as written.
      const [language = "", path = "", ...written] = words;
      // "… with decoded,shell" at the end: what is said of its arguments.
      const traits = written.at(-2) === "with" ? written.splice(-2).at(-1)?.split(",") : undefined;
      const [expression, evidence] = [written.join(" "), []];
      const details = traits === undefined ? {} : { details: { traits } };
      const plain = { kind: "reference", language, expression, evidence } as const;
      return [fact({ ...plain, ...globalOf(path), ...details })];
    }
    case "code": {
      const code = [{ names: words, strings: [] }];
      const [language, name] = ["keras", "Lambda"];
      return [fact({ kind: "operator", language, name, expression: "a Lambda layer", code })];
    }
    case "wrap": {
      const [wrapper = "", target = ""] = rest.split(" over ");
      return [fact(callOf(globalOf(wrapper), [globalOf(target)]))];
    }
    default: {
      const global = globalOf(example);
      return [fact({ kind: "import", via: "GLOBAL", ...global }), fact(callOf(global))];
    }
  }
}

function callOf(global: GlobalName, targets?: readonly GlobalName[], via = "REDUCE"): Fact {
  return {
    kind: "call",
    via,
    expression: `${global.module}.${global.name}(1)`,
    evidence: [],
    ...global,
    ...(targets === undefined ? {} : { targets }),
  };
}

test("every rule is set off by each of its hits and by none of its misses", () => {
  for (const rule of rules.list()) {
    for (const hit of rule.hit) {
      const ids = rules.judge(observe(hit), location).map((finding) => finding.ruleId);
      assert.deepEqual(ids, [rule.id], `${rule.id} should be hit by "${hit}"`);
    }
    for (const miss of rule.miss) {
      const ids = rules.judge(observe(miss), location).map((finding) => finding.ruleId);
      assert.ok(!ids.includes(rule.id), `${rule.id} should be missed by "${miss}"`);
    }
  }
});

test("every entry of a table of globals falls under its own rule or a more severe one", () => {
  for (const rule of rules.list().filter(({ kind }) => kind !== "operator")) {
    for (const [module, names] of Object.entries(rule.globals)) {
      for (const name of names === "*" ? ["anything_at_all"] : names) {
        const { severity } = rules.match(module, name, true).rule;
        const found = ["critical", "high", "medium", "low", "info"].indexOf(severity);
        const wanted = ["critical", "high", "medium", "low", "info"].indexOf(rule.severity);
        assert.ok(found <= wanted, `${module}.${name} is ${severity}, listed in ${rule.id}`);
      }
    }
  }
});

test("every anomaly rule makes a finding of its severity that says the title and the detail", () => {
  const anomalies = rules.list().filter((rule) => rule.kind === "anomaly");
  assert.ok(anomalies.length > 40);
  for (const rule of anomalies) {
    const [finding] = rules.judge(
      [{ type: "anomaly", rule: rule.id, detail: "at the end", offset: 7 }],
      location,
    );
    assert.equal(finding?.severity, rule.severity);
    assert.equal(finding?.safety, rule.safety);
    assert.equal(finding?.message, `${rule.title}: at the end`);
    assert.equal(finding?.offset, 7);
  }
});

test("an anomaly without a rule throws in strict judging and is medium, suspicious otherwise", () => {
  const unknown: Judged = { type: "anomaly", rule: "zip-purple", detail: "x" };
  assert.throws(() => rules.judge([unknown], location), /"zip-purple": no rule/);
  const [finding] = loadRules().judge([unknown], location);
  assert.equal(finding?.severity, "medium");
  assert.equal(finding?.safety, "suspicious");
});

test("every rule that is not about bytes says what the thing does, and every one what to do", () => {
  for (const rule of rules.list()) {
    if (rule.kind !== "anomaly") assert.match(rule.effect, /^[a-z]/, rule.id);
    assert.match(rule.title, /^[A-Z].*[^.]$/, rule.id);
    assert.match(rule.why, /\.$/, rule.id);
    assert.match(rule.fix, /[.?]$/, rule.id);
    for (const reference of rule.references) {
      assert.match(reference, /^(CVE-\d{4}-\d+|GHSA(-[a-z0-9]{4}){3}|CWE-\d+|cpython#\d+)$/);
    }
  }
});

test("every anomaly that the source names has a rule", () => {
  const root = fileURLToPath(new URL("../", import.meta.url));
  const files = readdirSync(root, { recursive: true }).map(String).filter((name) =>
    name.endsWith(".ts") && !/_test\.ts$|_helper\.ts$|^rules[\\/]|^cli[\\/]|^report[\\/]/.test(name)
  );
  for (const file of files) {
    const text = readFileSync(root + file, "utf8");
    for (const [, id = ""] of text.matchAll(/(?:\brule: |\banomaly\(\s*)"([a-z0-9-]+)"/g)) {
      assert.ok(rules.find(id) !== undefined, `${file} states the anomaly "${id}"`);
    }
  }
});
