import assert from "node:assert/strict";
import { test } from "node:test";
import type { CallFact, Fact, Finding, GlobalName, Reading } from "../core/types.ts";
import { NamedRules, reasonsOf } from "../core/reasons.ts";
import { loadRules } from "./rules.ts";
import type { Judged } from "../core/rule_set.ts";

const rules = loadRules({ strict: true });
const location = { path: "model.pkl", parts: ["archive/data.pkl"] };

function at(
  offset: number,
  fact: Fact,
  count = 1,
  within: readonly string[] = ["stream_0"],
): Judged {
  return { type: "fact", fact, count, offset, within };
}

function imported(module: string, name: string, reading?: Reading): Fact {
  return {
    kind: "import",
    module,
    name,
    via: "GLOBAL",
    ...(reading === undefined ? {} : { reading }),
  };
}

function called(module: string, name: string, more: Partial<CallFact> = {}): Fact {
  return {
    kind: "call",
    module,
    name,
    via: "REDUCE",
    expression: `${module}.${name}('echo hi')`,
    evidence: [],
    ...more,
  };
}

function over(...paths: string[]): GlobalName[] {
  return paths.map((path) => {
    const dot = path.lastIndexOf(".");
    return { module: path.slice(0, dot), name: path.slice(dot + 1) };
  });
}

function only(observations: Judged[], atMost?: Parameters<typeof rules.judge>[2]): Finding {
  const findings = rules.judge(observations, location, atMost);
  assert.equal(findings.length, 1);
  const [finding] = findings;
  assert.ok(finding !== undefined);
  return finding;
}

function verdict(observations: Judged[]): string {
  const { severity, safety } = only(observations);
  return `${severity} ${safety}`;
}

test("import and calls of one global become one finding that says what loading would do", () => {
  const finding = only([
    at(4, imported("os", "system")),
    at(
      20,
      called("os", "system", { evidence: [{ kind: "command", text: "echo hi", cut: false }] }),
    ),
    at(40, called("os", "system", { expression: "os.system('id')" }), 2),
  ]);
  assert.equal(finding.ruleId, "pickle-command");
  assert.equal(
    finding.message,
    "Loading this file calls os.system('echo hi'), which runs a shell command.",
  );
  assert.deepEqual(finding.location, {
    path: "model.pkl",
    parts: ["archive/data.pkl", "stream_0"],
  });
  assert.equal(finding.offset, 4);
  assert.equal(finding.count, 3);
  assert.deepEqual(finding.details["calls"], [
    { expression: "os.system('echo hi')", via: "REDUCE", offset: 20, count: 1 },
    { expression: "os.system('id')", via: "REDUCE", offset: 40, count: 2 },
  ]);
  assert.deepEqual(finding.details["evidence"], [{ kind: "command", text: "echo hi", cut: false }]);
  assert.equal(finding.details["global"], "os.system");
});

test("the same global in two streams makes two findings", () => {
  const findings = rules.judge(
    [at(0, imported("os", "system")), at(9, imported("os", "system"), 1, ["stream_1"])],
    location,
  );
  assert.deepEqual(findings.map((finding) => finding.location.parts.at(-1)), [
    "stream_0",
    "stream_1",
  ]);
});

test("an import without a call says so", () => {
  const finding = only([at(0, imported("os", "system"))]);
  assert.equal(
    finding.message,
    "Loading this file imports os.system, which runs a shell command when it is called.",
  );
  assert.equal(finding.severity, "critical");
});

test("a name that reaches another says which", () => {
  const finding = only([at(0, called("torch", "serialization.os.system"))]);
  assert.match(
    finding.message,
    /calls torch\.serialization\.os\.system\('echo hi'\), that is os\.system, which runs/,
  );
  assert.equal(finding.details["reaches"], "os.system");
});

test("a long expression is cut in the message and whole in the details", () => {
  const expression = `os.system('${"😀".repeat(500)}')`;
  const finding = only([at(0, called("os", "system", { expression }))]);
  assert.ok(finding.message.length < 300);
  assert.ok(!/[\ud800-\udbff](?![\udc00-\udfff])/.test(finding.message));
  assert.match(JSON.stringify(finding.details), /😀'\)"/u);
});

test("a wrapper takes its verdict from what it is applied to", () => {
  const partial = (...targets: string[]) =>
    verdict([
      at(0, imported("functools", "partial")),
      at(9, called("functools", "partial", { targets: over(...targets) })),
    ]);
  assert.equal(partial("numpy.clip"), "info innocuous");
  assert.equal(partial("sklearn.metrics._classification.f1_score"), "info innocuous");
  assert.equal(partial(), "info innocuous");
  assert.equal(partial("mylib.thing"), "medium suspicious");
  assert.equal(partial("inspect.getsource"), "high suspicious");
  assert.equal(partial("logging.getLogger"), "medium suspicious");
  assert.equal(partial("os.system"), "critical dangerous");
  assert.equal(partial("builtins.open"), "high dangerous");
  assert.equal(partial("numpy.clip", "os.system"), "critical dangerous");
});

test("an unresolved wrapper has the verdict of its rule, and the worst of several calls counts", () => {
  assert.equal(verdict([at(0, called("functools", "partial"))]), "critical dangerous");
  assert.equal(verdict([at(0, imported("functools", "partial"))]), "critical dangerous");
  assert.equal(verdict([at(0, called("builtins", "getattr"))]), "high suspicious");
  assert.equal(
    verdict([
      at(0, called("builtins", "getattr", { targets: over("numpy.ndarray") })),
      at(
        5,
        called("builtins", "getattr", {
          targets: over("os.system"),
          expression: "getattr(os, 'system')",
        }),
      ),
    ]),
    "critical dangerous",
  );
});

test("a dangerous target is named in the message, with its own reasons", () => {
  const finding = only([
    at(
      0,
      called("builtins", "map", {
        targets: over("os.system"),
        expression: "map(os.system, ['id'])",
      }),
    ),
  ]);
  assert.equal(finding.ruleId, "pickle-wrapper");
  assert.equal(
    finding.message,
    "Loading this file calls map(os.system, ['id']), which reaches os.system: it runs a shell command.",
  );
  assert.equal(finding.details["applied_to"], "os.system");
  assert.equal(finding.reasons, "pickle-command");
  const named = new NamedRules((id) => rules.reasonsOf(id));
  named.add({ findings: [finding] });
  const said = reasonsOf(finding, named.all());
  assert.equal(said.title, rules.find("pickle-wrapper")?.title);
  assert.equal(said.why, rules.find("pickle-command")?.why);
  assert.ok(said.references.includes("CWE-78") && said.references.includes("CWE-470"));
  assert.ok(said.atlas.includes("AML.T0050"));
});

test("encoding with a codec for text is harmless, with another or an unknown one suspicious", () => {
  assert.equal(verdict([at(0, called("_codecs", "encode", { targets: [] }))]), "info innocuous");
  assert.equal(verdict([at(0, called("_codecs", "encode"))]), "medium suspicious");
});

test("getattr over a known class is harmless, calling an attribute of it is not", () => {
  const targets = [{ module: "transformers.trainer_utils", name: "HubStrategy.END" }];
  assert.equal(verdict([at(0, called("builtins", "getattr", { targets }))]), "info innocuous");
  assert.equal(verdict([at(0, called("builtins", "map", { targets }))]), "medium suspicious");
});

test("another reading counts only what is harmful, at least high, and says which reading it is", () => {
  const finding = only([
    at(0, imported("collections", "OrderedDict")),
    at(3, called("os", "system", { reading: "frames" })),
    at(4, imported("mylib", "thing", "frames")),
    at(5, called("collections", "OrderedDict", { reading: "memo" })),
  ].filter((each) => each.type === "fact" && each.fact.kind === "call"));
  assert.equal(finding.severity, "critical");
  assert.match(
    finding.message,
    /^Loading this file with a C unpickler that drops the rest of a frame calls os\.system/,
  );
  assert.equal(finding.details["reading"], "frames");
});

test("another reading that says what the base reading says is not reported twice", () => {
  const findings = rules.judge([
    at(0, imported("os", "system")),
    at(3, called("os", "system")),
    at(0, imported("os", "system", "memo")),
    at(3, called("os", "system", { reading: "memo" })),
  ], location);
  assert.equal(findings.length, 1);
  const more = rules.judge([
    at(3, called("os", "system")),
    at(3, called("os", "system", { reading: "memo", expression: "os.system('other')" })),
  ], location);
  assert.equal(more.length, 2);
});

test("in bytes that are no pickle only names that Python could import count", () => {
  assert.equal(rules.judge([at(0, imported("os", "sys tem", "plain"))], location).length, 0);
  assert.equal(rules.judge([at(0, imported("o\0s.os", "system", "resync"))], location).length, 0);
  assert.equal(rules.judge([at(0, imported("os", "system", "plain"))], location).length, 1);
});

test("what nothing loads is at most suspicious", () => {
  const most = { safety: "suspicious", severity: "medium" } as const;
  const finding = only([at(0, called("os", "system"))], most);
  assert.equal(finding.severity, "medium");
  assert.equal(finding.safety, "suspicious");
  assert.match(
    finding.message,
    /^Nothing here loads these bytes, but loading them calls os\.system/,
  );
  assert.equal(only([at(0, imported("collections", "OrderedDict"))], most).severity, "info");
});

test("changing something imported is dangerous, whatever it is", () => {
  const finding = only([
    at(8, {
      kind: "mutation",
      module: "torch.nn.modules.linear",
      name: "Linear",
      via: "BUILD",
      expression: "Linear.__dict__.update({'forward': print})",
    }),
  ]);
  assert.equal(finding.severity, "critical");
  assert.equal(finding.safety, "dangerous");
  assert.match(finding.message, /runs Linear\.__dict__\.update.*changes it for the whole program/);
});

test("unresolved calls at one place are one finding, extension codes one each", () => {
  const unresolved: Fact = { kind: "unresolved-call", via: "REDUCE", expression: "?()" };
  assert.equal(only([at(1, unresolved), at(2, unresolved, 3)]).count, 4);
  const codes = rules.judge([
    at(1, { kind: "extension", code: 1 }),
    at(2, { kind: "extension", code: 2 }),
  ], location);
  assert.equal(codes.length, 2);
  assert.match(codes[0]?.message ?? "", /extension code 1/);
});

test("a finding keeps twenty calls and counts the rest", () => {
  const calls = Array.from(
    { length: 30 },
    (_, index) => at(index, called("os", "system", { expression: `os.system('${index}')` })),
  );
  const finding = only(calls);
  assert.equal(finding.count, 30);
  assert.equal((finding.details["calls"] as unknown[]).length, 20);
  assert.equal(finding.details["calls_left_out"], 10);
});

test("harmless findings stay small and are counted", () => {
  const finding = only([
    at(0, imported("torch._utils", "_rebuild_tensor_v2"), 1),
    at(9, called("torch._utils", "_rebuild_tensor_v2"), 1_000_000),
  ]);
  assert.equal(finding.count, 1_000_000);
  assert.equal(finding.safety, "innocuous");
  assert.equal(finding.details["calls"], undefined);
});

test("an anomaly that left something unread says so in its details", () => {
  const finding = only([
    {
      type: "anomaly",
      rule: "zip-encrypted",
      detail: `"data.pkl" is encrypted`,
      unread: true,
      within: ["data.pkl"],
    },
  ]);
  assert.equal(finding.details["unread"], true);
  assert.deepEqual(finding.location.parts, ["archive/data.pkl", "data.pkl"]);
  assert.equal("offset" in finding, false);
});

test("operators of a language that no rule speaks about are passed over", () => {
  const fact: Fact = { kind: "operator", language: "cobol", name: "save", expression: "save" };
  assert.deepEqual(rules.judge([at(0, fact)], location), []);
});
