import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluatedPython, mayBePython } from "./evaluated.ts";

test("calls are given with module, name and their text", () => {
  const { calls, complete } = evaluatedPython("__import__('os').system('echo hi')", "config");
  assert.equal(complete, true);
  assert.deepEqual(
    calls.filter(({ name }) => name === "system").map(({ module, name }) => `${module}.${name}`),
    ["os.system"],
  );
});

test("a text beyond the limit is not read to its end, and says so", () => {
  assert.equal(evaluatedPython(`x = 1${" ".repeat(1 << 20)}`, "config").complete, false);
  assert.equal(mayBePython("1".repeat((1 << 20) + 1)), false);
});

test("expressions and statements may be Python, prose and commands may not", () => {
  for (const text of ["a.b(c)", "x if y else z", "lambda: 0", "[i for i in x]", "import os", "1"]) {
    assert.ok(mayBePython(text), text);
  }
  for (const text of ["hello world", "rm -rf the folder", "`ls`", "3 apples", "a ? b : c"]) {
    assert.ok(!mayBePython(text), text);
  }
});

test("a budget that texts share is spent by their steps and characters; then no text is read", () => {
  const budget = { left: 1000 };
  const text = "system(1)";
  assert.equal(evaluatedPython(text, "config", { budget }).complete, true);
  assert.ok(budget.left < 1000 - text.length, String(budget.left));
  const long = `f(${"g(a) + ".repeat(500)}1)`;
  assert.equal(evaluatedPython(long, "config", { budget }).complete, true);
  assert.ok(budget.left <= 0, String(budget.left));
  const { complete, calls } = evaluatedPython("__import__('os').system('x')", "config", { budget });
  assert.deepEqual([complete, calls], [false, []]);
});

test("a deadline that has passed ends the reading of a text", () => {
  const late = new Error("late");
  const checkDeadline = () => {
    throw late;
  };
  const text = `f(${"g(a) + ".repeat(5000)}1)`;
  assert.throws(() => evaluatedPython(text, "config", { checkDeadline }), late);
});

test("what runs without brackets is called: decorators, items, attributes of modules", () => {
  for (
    const text of [
      "import os\n@os.system\n@'echo x'.format\nclass X: pass",
      "from os import system as s\nclass A:\n  __class_getitem__ = s\nA['echo x']",
      "import os\nos.environ.decodevalue = os.system\nos.environ['X']",
      "[[0 for os.environ.decodevalue in [os.system]], os.environ['X']]",
    ]
  ) {
    const { facts, calls } = evaluatedPython(text, "config");
    assert.ok(calls.some(({ module, name }) => `${module}.${name}` === "os.system"), text);
    assert.ok(facts.length > 0, text);
  }
});
