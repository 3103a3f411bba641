import assert from "node:assert/strict";
import { test } from "node:test";
import { FormatError } from "../../core/errors.ts";
import { getItem, isDict, type Literal, parseLiteral } from "./literal.ts";

test("literals of every kind are read as Python reads them", () => {
  const cases: [string, Literal][] = [
    ["1", 1],
    ["-1", -1],
    ["+ 2", 2],
    ["1_000", 1000],
    ["0x1F", 31],
    ["-0b11", -3],
    ["0o17", 15],
    ["12L", 12],
    ["18446744073709551616", 18446744073709551616n],
    ["1.5e+3", 1500],
    ["1e5", 100_000],
    [".5", 0.5],
    ["5.", 5],
    ["True", true],
    ["False", false],
    ["None", null],
    ["'a'", "a"],
    ['"a\'b"', "a'b"],
    ["'''a'\n'''", "a'\n"],
    ["'\\x41\\u00e9\\101\\n\\q'", "Aé" + "A\n\\q"],
    ["r'\\x41'", "\\x41"],
    ["u'a' 'b'  \"c\"", "abc"],
    ["b'\\xff\\u0041'", { kind: "bytes", text: "\xff\\u0041" }],
    ["()", { kind: "tuple", items: [] }],
    ["(1,)", { kind: "tuple", items: [1] }],
    ["(1)", 1],
    ["(1, 2)", { kind: "tuple", items: [1, 2] }],
    ["[]", []],
    ["[1, [2],]", [1, [2]]],
    ["{}", { kind: "dict", pairs: [] }],
    [" {'a': 1,\n 'b': (2,)} # note", {
      kind: "dict",
      pairs: [["a", 1], ["b", { kind: "tuple", items: [2] }]],
    }],
  ];
  for (const [text, expected] of cases) assert.deepEqual(parseLiteral(text), expected, text);
});

test("of equal keys the last counts", () => {
  const dict = parseLiteral("{'a': 1, 'a': 2}");
  assert.ok(isDict(dict));
  assert.equal(getItem(dict, "a"), 2);
  assert.equal(getItem(dict, "b"), undefined);
});

test("what is no literal is a format error with its place", () => {
  const bad = [
    ...["", " ", "(", "[1", "{'a'}", "{'a': }", "(1 2)", "[1 2]", "1 2", "'a", "'a\n'", "x"],
    ...["__import__('os')", "[].append", "1 + 1", "True()", "{1: 2", "(,)", "[,]", "'\\UFFFFFFFF'"],
    ...["nan", "lambda: 0", "'''a", "\\", "{'a' 1}", "[x for x in y]"],
  ];
  for (const text of bad) assert.throws(() => parseLiteral(text), FormatError, text);
  assert.throws(() => parseLiteral("[1, x]"), /at 4/);
});

test("nesting is bounded", () => {
  assert.throws(() => parseLiteral("[".repeat(100_000)), /too deep/);
  assert.throws(() => parseLiteral("(".repeat(500) + ")".repeat(500)), /too deep/);
  assert.deepEqual(parseLiteral("((((1,),),),)"), parseLiteral(" ( ( ( ( 1 , ) , ) , ) , ) "));
});

test("a header cut or changed at any byte is read or refused, quickly", () => {
  const text = "{'descr': [('a', '<f4', (2,)), (('t', 'b'), '|O')], 'shape': (3, 2), }";
  for (let at = 0; at < text.length; at++) {
    for (const changed of [text.slice(0, at), text.slice(0, at) + "(" + text.slice(at + 1)]) {
      try {
        parseLiteral(changed);
      } catch (error) {
        assert.ok(error instanceof FormatError);
      }
    }
  }
});
