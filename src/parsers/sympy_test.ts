import assert from "node:assert/strict";
import { test } from "node:test";
import { isSizeExpression } from "./sympy.ts";

test("what torch.export writes for sizes is an expression over sizes", () => {
  // `str` and `sympy.srepr` of expressions over torch 2.13's classes, sympy 1.14.
  const real = [
    "s0",
    "2*s0 + 1",
    "Add(Mul(Integer(2), Symbol('s0', positive=True, integer=True)), Integer(1))",
    "(s0//2)",
    "FloorDiv(Symbol('s0', positive=True, integer=True), Integer(2))",
    "Eq(Mod(s0, 8), 0)",
    "Max(1, u0) <= 1024",
    "LessThan(Max(Integer(1), Symbol('u0', integer=True)), Integer(1024))",
    "CeilToInt(IntTrueDiv(s0, 3))",
    "OpaqueUnaryFn_sqrt(ToFloat(Symbol('s0', positive=True, integer=True)))",
    "(s0 >= 2) & Ne(s1, 4)",
    "oo",
    "Float('0.5', precision=53)",
  ];
  for (const text of real) assert.ok(isSizeExpression(text), text);
});

test("Python that sympify would run is none", () => {
  const harmful = [
    "__import__('os').system('echo')",
    "eval('1')",
    "s0.__class__",
    "Symbol('s0').func",
    "(lambda: 0)()",
    "[x for x in ()]",
    "Symbol('s0')(1)",
    "2(3)",
    "'a'('b')",
    "Symbol(__import__('os'))",
    "Symbol('a b')",
    "Float('__import__')",
    "open('x')",
    "s0; s1",
    "s0 if s1 else s2",
    "print",
    "f'{s0}'",
    "Symbol('s0', evil=True)",
    "Symbol('s0\\x41')",
    "s0[0]",
    "s0 := 1",
    "{1: 2}",
  ];
  for (const text of harmful) assert.ok(!isSizeExpression(text), text);
});

test("a text longer than any expression is none", () => {
  assert.ok(isSizeExpression("1+".repeat(100_000) + "1"));
  assert.ok(!isSizeExpression("1+".repeat(200_000) + "1"));
});
