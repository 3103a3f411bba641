import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync } from "node:zlib";
import { latin1 } from "../bytes.ts";
import { foldFunction, foldMethod, foldOperator, foldSlice } from "./fold.ts";
import { type Constant, constantOf } from "./values.ts";

type Value = Constant["value"];

const bytes = (text: string): Constant => constantOf(text, true);
const text = (value: Value): Constant => constantOf(value);

/** The value as Python's `repr` begins: bytes after a `b`. */
function shown(constant: Constant | undefined): Value {
  return constant?.bytes === true ? `b${String(constant.value)}` : constant?.value;
}

// What CPython 3.11 gives, and undefined where it raises.
test("methods of constants give what CPython gives", () => {
  const calls: readonly (readonly [Constant, string, readonly Value[], Value])[] = [
    [text("aBc"), "swapcase", [], "AbC"],
    [text("aBC"), "capitalize", [], "Abc"],
    [text("\ufeff a "), "strip", [], "\ufeff a"],
    [text("\x1ca "), "strip", [], "a"],
    [bytes("\x1ca "), "strip", [], "b\x1ca"],
    [text("xaxx"), "rstrip", ["x"], "xa"],
    [text("xaxx"), "lstrip", ["x"], "axx"],
    [text("aaa"), "replace", ["a", "bb"], "bbbbbb"],
    [text("os.$&"), "replace", ["os", "$&"], "$&.$&"],
    [text("os.x"), "removeprefix", ["os."], "x"],
    [text("abc"), "removesuffix", [""], "abc"],
    [text("abc"), "removesuffix", ["bc"], "a"],
    [text("o"), "__add__", ["s"], "os"],
    [bytes("\xe9"), "decode", ["latin-1"], "é"],
    [bytes("\xe9"), "decode", ["utf8"], undefined],
    [bytes("\xc3\xa9"), "decode", [], "é"],
    [text("é"), "encode", [], "b\xc3\xa9"],
    [text("é"), "encode", ["ascii"], undefined],
    [bytes("\xff\0"), "hex", [], "ff00"],
  ];
  for (const [self, name, values, expected] of calls) {
    assert.equal(shown(foldMethod(self, name, values)), expected, `${self.value}.${name}`);
  }
});

test("methods whose result is not known exactly give nothing", () => {
  // Python's case mapping is not JavaScript's, a count and a way to treat errors are not looked at.
  for (
    const [self, name, values] of [
      [text("ß"), "upper", []],
      [text("a"), "replace", ["a", "b", 1]],
      [text("a"), "replace", ["", "b"]],
      [bytes("a"), "decode", ["utf8", "ignore"]],
      [text("a"), "decode", []],
      [text("a"), "translate", []],
      [text(1), "upper", []],
      [text("x".repeat(1 << 20)), "replace", ["x", "xx"]],
    ] as const
  ) {
    assert.equal(foldMethod(self, name, values), undefined, name);
  }
});

test("functions of the standard library give what CPython gives", () => {
  const packed = latin1(new Uint8Array(deflateSync("import os")));
  const calls: readonly (readonly [string, readonly Constant[], Value])[] = [
    ["builtins.chr", [text(0x1f600)], "😀"],
    ["builtins.chr", [text(1_114_112)], undefined],
    ["builtins.ord", [text("😀")], 128_512],
    ["builtins.ord", [text("ab")], undefined],
    ["builtins.int", [text(" 12 ")], 12],
    ["builtins.int", [text("z"), text(36)], 35],
    ["builtins.int", [text("10"), text(37)], undefined],
    ["builtins.str", [bytes("a"), text("utf8")], "a"],
    ["builtins.str", [text(5)], "5"],
    ["builtins.bytes", [text("a"), text("ascii")], "ba"],
    ["builtins.bytes.fromhex", [text("6f 73")], "bos"],
    ["binascii.unhexlify", [text("6f7")], undefined],
    ["base64.b64decode", [text("b3M=")], "bos"],
    ["base64.b64decode", [text("b 3!M=")], "bos"],
    ["base64.urlsafe_b64decode", [text("-_8=")], "b\xfb\xff"],
    ["base64.b16decode", [text("6F73")], "bos"],
    ["zlib.decompress", [bytes(packed)], "bimport os"],
    ["codecs.decode", [text("bf"), text("rot13")], "os"],
    ["codecs.decode", [bytes("6f73"), text("hex_codec")], "bos"],
    ["codecs.decode", [bytes("os")], "os"],
    ["codecs.encode", [text("os"), text("rot_13")], "bf"],
    ["textwrap.dedent", [text("\n  a\n \t b\n   \n")], "\n a\n\t b\n\n"],
    ["textwrap.dedent", [text("  a\f\n  b")], undefined],
    ["os.getenv", [text("HOME")], undefined],
  ];
  for (const [path, values, expected] of calls) {
    assert.equal(shown(foldFunction(path, values)), expected, `${path} ${values[0]?.value}`);
  }
});

test("operators give what CPython gives, and nothing for what is no safe integer", () => {
  const pairs: readonly (readonly [Constant, string, Constant, Value])[] = [
    [text("a%sc"), "%", text(1), "a1c"],
    [text("a%sc"), "%", text(true), "aTruec"],
    [text("a%sc"), "%", text(null), "aNonec"],
    [text("%d"), "%", text(1), undefined],
    [text("%s%s"), "%", text(1), undefined],
    [text("ab"), "*", text(2), "abab"],
    [text("ab"), "*", text(1 << 20), undefined],
    [text("a"), "+", text("b"), "ab"],
    [text("a"), "+", bytes("b"), undefined],
    [text(7), "//", text(2), 3],
    [text(7), "%", text(3), 1],
    [text(-7), "//", text(2), undefined],
    [text(5), "^", text(3), 6],
    [text(2 ** 52), "*", text(4), undefined],
    [text(1), "/", text(2), undefined],
  ];
  for (const [a, operator, b, expected] of pairs) {
    assert.equal(shown(foldOperator(operator, a, b)), expected, `${a.value} ${operator}`);
  }
});

test("slices count characters of a text, bytes of bytes, and from the end", () => {
  const slices: readonly (readonly [Constant, readonly (number | undefined)[], Value])[] = [
    [text("os.system"), [3], "system"],
    [text("metsys"), [undefined, undefined, -1], "system"],
    [text("abc"), [-2, undefined], "bc"],
    [text("abcdef"), [4, 1, -2], "ec"],
    [text("😀b"), [1], "b"],
    [bytes("ab"), [undefined, 1], "ba"],
    [text("abc"), [5, 9], ""],
    [text("abc"), [0, 1, 0], undefined],
    [text(5), [0], undefined],
  ];
  for (const [self, written, expected] of slices) {
    assert.equal(shown(foldSlice(self, written)), expected, `${self.value}[${written}]`);
  }
});

test("what was decoded or put together is hidden, what stands there is not", () => {
  assert.equal(foldFunction("base64.b64decode", [text("b3M=")])?.hidden, true);
  assert.equal(foldMethod(text("OS"), "lower", [])?.hidden, false);
  assert.equal(foldOperator("+", text("o"), text("s"))?.hidden, false);
  assert.equal(foldOperator("+", constantOf("o", false, true), text("s"))?.hidden, true);
  assert.equal(foldSlice(text("xos"), [1])?.hidden, true);
});
