import assert from "node:assert/strict";
import { test } from "node:test";
import type { OperatorFact } from "../core/types.ts";
import { exactness, nameOf, OperatorTable } from "./operators.ts";
import { loadRules } from "./rules.ts";
import type { Rule } from "./rule.ts";

const fact = (language: string, name: string, role?: string): OperatorFact => ({
  kind: "operator",
  language,
  name,
  expression: name,
  ...(role !== undefined && { role }),
});

/** A rule for operators, made of one that there is. */
function rule(id: string, operators: readonly string[], role?: string): Rule {
  const [any] = loadRules().list().filter(({ kind }) => kind === "operator");
  assert.ok(any !== undefined);
  return { ...any, id, language: "onnx", operators, role };
}

test("TorchScript's ways to write one operator have one name", () => {
  for (const name of ["aten::save", "torch.save", "ops.aten.save", "save"]) {
    assert.equal(nameOf(fact("torchscript", name)), "aten.save", name);
  }
  assert.equal(nameOf(fact("torchscript", "torch.ops.prim.data")), "prim.data");
  assert.equal(nameOf(fact("onnx", "Conv")), "ai.onnx.Conv");
  assert.equal(nameOf(fact("onnx", "com.microsoft.Gelu")), "com.microsoft.Gelu");
  assert.equal(nameOf(fact("tensorflow", "ReadFile")), "ReadFile");
});

test("a longer pattern is more exact, a name most", () => {
  assert.equal(exactness("*", "a.b"), 1);
  assert.equal(exactness("a.b", "a.bc"), 0);
  assert.ok(exactness("a.bc", "a.bc") > exactness("a.b*", "a.bc"));
  assert.ok(exactness("a.b*", "a.bc") > exactness("a.*", "a.bc"));
});

test("an ONNX domain covers none that only begins like it", () => {
  assert.equal(exactness("ai.onnx.*", "ai.onnx.ml.Scaler", "onnx"), 0);
  assert.ok(exactness("ai.onnx.*", "ai.onnx.Conv", "onnx") > 0);
  assert.ok(exactness("torch.*", "torch.nn.Linear", "torchscript") > 0);
});

test("the most exact rule is found, one for the operator's role before all others", () => {
  const table = new OperatorTable([
    rule("all", ["*"]),
    rule("domain", ["ai.onnx.*"]),
    rule("name", ["ai.onnx.Conv"]),
    rule("role", ["*"], "file"),
  ]);
  const id = (name: string, role?: string) => table.find(fact("onnx", name, role))?.rule.id;
  assert.equal(id("Conv"), "name");
  assert.equal(id("Relu"), "domain");
  assert.equal(id("own.domain.X"), "all");
  assert.equal(id("Conv", "file"), "role");
  assert.equal(id("Conv", "other"), "name");
});

test("a rule names references by module as well", () => {
  const named = { ...rule("module", []), globals: { "own.domain": ["X", "Y"] } };
  const table = new OperatorTable([rule("all", ["*"]), named]);
  const id = (name: string) => table.find(fact("onnx", name))?.rule.id;
  assert.equal(id("own.domain.X"), "module");
  assert.equal(id("own.domain.Z"), "all");
  assert.equal(id("own.domain.X.more"), "all");
});

test("a language without rules, and an operator that none names, have none", () => {
  const table = new OperatorTable([rule("one", ["ai.onnx.Conv"])]);
  assert.equal(table.find(fact("tensorflow", "Conv")), undefined);
  assert.equal(table.find(fact("onnx", "Relu")), undefined);
  for (const name of ["constructor", "__proto__", "toString"]) {
    assert.equal(table.find(fact("onnx", name)), undefined, name);
    assert.equal(table.find(fact(name, "Conv")), undefined, name);
  }
});
