import assert from "node:assert/strict";
import { test } from "node:test";
import { report } from "../testing/cuts.ts";
import { readTextualModel } from "./textual.ts";

const HEAD = '<ir_version: 8, opset_import: ["" : 17]>\n';
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const whole = (text: string): string => text.startsWith("!") ? text.slice(1) : HEAD + text;
const errorOf = (text: string) => readTextualModel(bytesOf(whole(text)), () => {}).error;

/** Models behind a head, or alone with a mark before them, that `onnx.parser.parse_model` of onnx 1.23.2 reads. */
const READ: readonly string[] = [
  "g (float[N, 2] x) => (float[?] y) { y = Relu (x) }",
  "g (x) => (y) { y = Relu (x) }",
  '"a b" ("x/1") => (y) { y = Relu ("x/1") }',
  'g () => () { a, , b = a.b.Op <s = "x\\"y", i = -3, f = 1.5e-3, n = nan, l: ints = [], t = float[2] {1, 2}, u = string {"a"}, tp = seq(float[N]), r: int = @q> (x, , "") }',
  'g () => () <float[2] w = {1, 2}, int64 v, float[1] e = ["location": "a", "offset": "0"]> { # c\n }',
  "g (float x = {1}) => () { [lab] y = Op:ov (x) <a = 1> }",
  "g () => () { y = If (c) <then_branch = h () => (z) { z = Id(x) }> }",
  'g () => () { } <domain: "d", opset_import: ["" : 17]> f <a, b: int = 3> (float[N] A, B) => (C) { C = Op (A) } <domain: "d"> f2 () => () { }',
  "!g () => () { }",
  "g () => () { y = Op <t = float[0] {}> () }",
  "g (optional(seq(float)) x, map(int64, float[3]) m, sparse_tensor(float[2,2]) s, opaque(a.b, c) o) => () { }",
  'g() => (){y=A.B.C<a="x">(x)}',
  'g () => () { y = Op <g: tensor = float[2] name ["location": "../x"]> () }',
];

/** Such that it refuses. */
const REFUSED: readonly string[] = [
  "g () = > () { }",
  "g () => () { y = Op (x }",
  "g () => () { y Op (x) }",
  "g => { }",
  "g () => () { y = Op <a> () }",
  "g () => () { y = Op <a = > () }",
  'g () => () { y = Op <s = "x> () }',
  "() => () { }",
  "g () => () { y = Op <a = 1,> () }",
  "g () => () {",
  "!<ir_version: 8 g () => () { }",
  "g () => () { } x",
  "g (foo[2] x) => () { }",
  "g () => () { y = Op <s = 'x'> () }",
];

async function judged(text: string, name = "m.onnxtxt"): Promise<[string, string[]]> {
  const { verdict, findings } = await report(name, bytesOf(whole(text)));
  const reported = findings.filter(({ severity }) => severity !== "info");
  return [verdict, [...new Set(reported.map(({ ruleId }) => ruleId))]];
}

test("what ONNX's own parser reads is read, what it refuses is refused", () => {
  for (const text of READ) assert.equal(errorOf(text), undefined, text);
  for (const text of REFUSED) assert.notEqual(errorOf(text), undefined, text);
});

test("operators are found in nodes, branches, functions, with domains and overloads", async () => {
  const python = 'PyOp <module = "os"> (x)';
  const forms = [
    `g () => () { y = ${python} }`,
    `g () => () { y = a.b.${python} }`,
    `g () => () { a, b, c = x.PyOp:over (x) }`,
    `g () => () { y = If (c) <then_branch = h () => (z) { z = If (c) <else_branch = i () => () { q = ${python} }> }> }`,
    `g () => () { } <domain: "d", opset_import: []> f <a: int = 1> (A) => (B) { B = ${python} }`,
    `g () => () { y = Loop (x) <bodies = [h () => () { q = ${python} }]> }`,
    `g () => () { # y = Relu (x)\n y = # PyO\n PyOp (x) }`,
  ];
  for (const text of forms) assert.equal((await judged(text))[0], "dangerous", text);
  assert.deepEqual(await judged("g () => () { y = Relu (x) }"), ["clean", []]);
  assert.equal((await judged("g () => () { y = echo.Run (x) }"))[0], "suspicious");
});

test("tensors whose data lie outside are found wherever a tensor stands", async () => {
  const outside = 'float[2] w = ["location": "../../x", "offset": "0"]';
  const forms = [
    `g () => () <${outside}> { }`,
    `g (${outside}) => () { }`,
    `g () => () { y = Constant <value: tensor = float[2] w ["location": "../x"]> () }`,
    'g () => () <float[2] w = ["location": "..\\/x"]> { }',
  ];
  for (const text of forms) {
    assert.deepEqual(await judged(text), ["dangerous", ["onnx-external-data-outside"]], text);
  }
});

test("a model cut anywhere is never clean, and what came before counts", async () => {
  const text = whole(READ[6] ?? "");
  for (let at = 1; at < text.length; at++) {
    const { verdict } = await report("m.onnxtxt", bytesOf(text.slice(0, at)));
    assert.equal(verdict, "incomplete", text.slice(0, at));
  }
  assert.equal((await judged("g () => () { y = PyOp (x) z = "))[0], "dangerous");
});

test("graphs in one another have an end", () => {
  const deep = (levels: number) =>
    `g () => () ${"{ y = If <b = h () => () ".repeat(levels)}{ }${"> () }".repeat(levels)}`;
  assert.equal(errorOf(deep(30)), undefined);
  assert.match(errorOf(deep(31))?.message ?? "", /30 graphs/u);
  assert.notEqual(errorOf(deep(100_000)), undefined);
  assert.equal(errorOf(`g () => () <float[9] w = {${"1, ".repeat(200_000)}1}> { }`), undefined);
});
