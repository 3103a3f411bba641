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
