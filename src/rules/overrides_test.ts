import assert from "node:assert/strict";
import { test } from "node:test";
import type { Severity } from "../core/types.ts";
import {
  type GlobalOverride,
  type OperatorOverride,
  type Overrides,
  verdictOf,
} from "./overrides.ts";
import { loadRules, type Rules } from "./rules.ts";

const NONE: Overrides = {
  embedded: true,
  globals: [],
  operators: [],
  rules: [],
  patterns: [],
  formats: [],
  scores: {},
  matcher: undefined,
};

const load = (overrides: Partial<Overrides>): Rules =>
  loadRules({ strict: true, overrides: { ...NONE, ...overrides } });

/** `os.*` covers all of it; `allow` in place of a severity allows it. */
function entry(path: string, severity: Severity | "allow", raiseOnly = false): GlobalOverride {
  const wildcard = path.endsWith(".*");
  return {
    path: wildcard ? path.slice(0, -2) : path,
    wildcard,
    verdict: severity === "allow" ? undefined : verdictOf(severity),
    origin: "security.toml:1",
    raiseOnly,
  };
}

/** Severity and safety of a call under some entries. */
function called(global: string, ...globals: readonly GlobalOverride[]): string {
  const [module = "", name = ""] = global.split(" ");
  const { rule } = load({ globals }).match(module, name, true);
  return `${rule.severity} ${rule.safety}`;
}

test("an entry for what nothing has classified decides", () => {
  assert.equal(called("ours Thing", entry("ours.*", "critical")), "critical dangerous");
  assert.equal(called("ours.deep Thing", entry("ours.*", "low")), "low suspicious");
  assert.equal(called("ours Thing", entry("ours.Thing", "high")), "high dangerous");
  assert.equal(called("ours Other", entry("ours.Thing", "high")), "medium suspicious");
  assert.equal(called("ours Thing.method", entry("ours.Thing", "high")), "high dangerous");
});

test("a wildcard raises what it covers", () => {
  assert.equal(
    called("collections OrderedDict", entry("collections.*", "critical")),
    "critical dangerous",
  );
  assert.equal(called("logging getLogger", entry("logging.*", "high")), "high dangerous");
});

test("a wildcard lowers only what no entry names more exactly", () => {
  assert.equal(called("logging FileHandler", entry("logging.*", "low")), "high dangerous");
  assert.equal(called("os system", entry("os.*", "low")), "low suspicious");
  assert.equal(called("os system", entry("os.system", "low")), "low suspicious");
  assert.equal(called("builtins eval", entry("builtins.*", "low")), "critical dangerous");
  assert.equal(called("builtins eval", entry("builtins.eval", "medium")), "medium suspicious");
});

test("allowing lowers all that it covers", () => {
  assert.equal(called("ours.net Gate", entry("ours.*", "allow")), "info innocuous");
  assert.equal(called("builtins eval", entry("builtins.eval", "allow")), "info innocuous");
  assert.equal(called("logging FileHandler", entry("logging.*", "allow")), "info innocuous");
});

test("allowing a package allows nothing that its names merely lead to", () => {
  for (
    const global of [
      "ours os.system",
      "ours deep._subprocess.run",
      "ours.builtins eval",
      "ours Gate.__init__.__globals__",
      "ours code.interact",
      `ours ${"a.".repeat(80)}b`,
    ]
  ) {
    assert.match(called(global, entry("ours.*", "allow")), /^(critical|high) /, global);
  }
});

test("what hangs on a single allowed global is not allowed with it", () => {
  assert.equal(called("ours Gate.load", entry("ours.Gate", "allow")), "medium suspicious");
});

test("of the user's own entries the more exact holds, of equal ones the worse", () => {
  const exact = [entry("ours.*", "allow"), entry("ours.Bad", "critical")];
  assert.equal(called("ours Bad", ...exact), "critical dangerous");
  assert.equal(called("ours Good", ...exact), "info innocuous");
  const twice = [entry("ours.Bad", "low"), entry("ours.Bad", "high")];
  assert.equal(called("ours Bad", ...twice), "high dangerous");
});

test("an entry is found by the Python 2 name, and through attributes", () => {
  assert.equal(called("torch ours.thing", entry("ours.*", "critical")), "critical dangerous");
  assert.equal(called("cPickle Custom", entry("pickle.*", "critical")), "critical dangerous");
});

test("an entry that only raises never lowers, whatever else stands there", () => {
  assert.equal(called("os system", entry("os.system", "low", true)), "critical dangerous");
  assert.equal(called("ours Thing", entry("ours.Thing", "critical", true)), "critical dangerous");
  const both = [entry("ours.Thing", "allow"), entry("ours.Thing", "medium", true)];
  assert.equal(called("ours Thing", ...both), "medium suspicious");
});

test("an entry for a wrapper replaces its verdict for unknown targets only", () => {
  const rules = load({ globals: [entry("functools.partial", "allow")] });
  const judge = (targets?: readonly { module: string; name: string }[]) =>
    rules.judge([{
      type: "fact",
      fact: {
        kind: "call",
        module: "functools",
        name: "partial",
        via: "REDUCE",
        expression: "functools.partial(os.system)",
        evidence: [],
        ...(targets && { targets }),
      },
      count: 1,
      offset: 0,
    }], { path: "x", parts: [] })[0]?.severity;
  assert.equal(judge(), "info");
  assert.equal(judge([{ module: "os", name: "system" }]), "critical");
});

test("a raised constructor is no longer stepped over", () => {
  const name = ["collections", "OrderedDict"] as const;
  assert.equal(load({}).interest.argumentsMatter(...name), false);
  const raised = load({ globals: [entry("collections.OrderedDict", "high")] });
  assert.equal(raised.interest.argumentsMatter(...name), true);
});

test("a whole rule takes another verdict, which the report says", () => {
  const rules = load({
    rules: [{
      rule: "pickle-command",
      verdict: verdictOf("low"),
      origin: "s.toml:9",
      raiseOnly: false,
    }],
  });
  const { rule } = rules.match("os", "system", true);
  assert.deepEqual([rule.severity, rule.safety, rule.origin], ["low", "suspicious", "s.toml:9"]);
  const kept = load({
    rules: [{
      rule: "pickle-command",
      verdict: verdictOf("low"),
      origin: "s.toml:9",
      raiseOnly: true,
    }],
  });
  assert.equal(kept.match("os", "system", true).rule.severity, "critical");
});

test("replacing keeps what is known to be harmless and what sees through wrappers", () => {
  const rules = load({ embedded: false, globals: [entry("ours.*", "critical")] });
  const severity = (module: string, name: string) => rules.match(module, name, true).rule.severity;
  assert.equal(severity("ours", "x"), "critical");
  assert.equal(severity("os", "system"), "high", "the net under the standard library stays");
  assert.equal(severity("collections", "OrderedDict"), "info");
  assert.notEqual(rules.match("functools", "partial", true).rule.wrapper, undefined);
});

const operator = (
  name: string,
  severity: Severity,
  raiseOnly = false,
): OperatorOverride => ({
  language: "torchscript",
  operator: name,
  verdict: verdictOf(severity),
  origin: "security.toml:3",
  raiseOnly,
});

/** Severity of an operator under some entries. */
function used(name: string, ...operators: readonly OperatorOverride[]): string | undefined {
  return load({ operators }).judge([{
    type: "fact",
    fact: { kind: "operator", language: "torchscript", name, expression: name },
    count: 1,
    offset: 0,
  }], { path: "x", parts: [] })[0]?.severity;
}

test("operators are overridden by name, exactly or by how they begin", () => {
  assert.equal(used("aten::save"), "high");
  assert.equal(used("aten::save", operator("aten.save", "low")), "low");
  assert.equal(used("aten::save", operator("aten.*", "low")), "high");
  assert.equal(used("aten::add", operator("aten.*", "critical")), "critical");
  assert.equal(used("aten::save", operator("aten.save", "low", true)), "high");
  assert.equal(used("ours::op", operator("ours.op", "critical", true)), "critical");
});

test("scores that the user moved are those of the findings", () => {
  const rules = load({ scores: { critical: 9 } });
  const [finding] = rules.judge([{
    type: "fact",
    fact: { kind: "import", module: "os", name: "system", via: "GLOBAL" },
    count: 1,
    offset: 0,
  }], { path: "x", parts: [] });
  assert.equal(finding?.score, 9);
});
