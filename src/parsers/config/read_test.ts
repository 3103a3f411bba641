import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigNode } from "../config_node.ts";
import { type Notation, notationOf, readConfig } from "./read.ts";

/** A node as plain data. Members are pairs, since keys may be given twice. */
function plain(node: ConfigNode): unknown {
  switch (node.kind) {
    case "scalar":
      return node.value;
    case "list":
      return node.items.map(plain);
    case "map":
      return node.members.map(([key, value]) => [plain(key), plain(value)]);
  }
}
const read = (text: string | Uint8Array, notation: Notation) => {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const { roots, syntaxError } = readConfig(bytes, notation);
  return { roots: roots.map(plain), syntaxError };
};

test("the notation is that of the extension in any case, or of a known name", () => {
  const expected: Readonly<Record<string, Notation | undefined>> = {
    "config.JSON": "json",
    "a.jsonl": "json-lines",
    "a.yml": "yaml",
    "MLmodel": "yaml",
    "Kitfile": "yaml",
    "pyproject.toml": "toml",
    "setup.cfg": "ini",
    "a.gin": "gin",
    "a.py": undefined,
    "json": undefined,
    "constructor": undefined,
    "a.constructor": undefined,
  };
  for (const [name, notation] of Object.entries(expected)) {
    assert.equal(notationOf(name), notation, name);
  }
});

test("an INI file is what Python's configparser reads", () => {
  // `RawConfigParser(allow_no_value=True)` of CPython 3.11; a flag has no value there.
  const text = "[a]\nKey = v1\n  more\n; c\nother: x = y\nflag\n[b c]\nk=\n";
  assert.deepEqual(read(text, "ini").roots, [[
    ["a", [["key", "v1\nmore"], ["other", "x = y"], ["flag", ""]]],
    ["b c", [["k", ""]]],
  ]]);
});

test("JSON lines are read one by one, a broken one is named and hides no other", () => {
  const { roots, syntaxError } = read('{"a": 1}\n\n{"b"\n[2]\n', "json-lines");
  assert.deepEqual(roots.at(0), [["a", 1]]);
  assert.deepEqual(roots.at(-1), [2]);
  assert.ok(syntaxError !== undefined && syntaxError.at >= 10, JSON.stringify(syntaxError));
});

test("more lines than are read are said to be too many", () => {
  const { roots, syntaxError } = read("1\n".repeat(200_001), "json-lines");
  assert.equal(roots.length, 200_000);
  assert.match(syntaxError?.message ?? "", /more than 200000 lines/);
});

test("TOML keeps types and tables, and a syntax error has its place", () => {
  assert.deepEqual(read('a = 1\n[t]\nb = [true, "x"]\nd = 2020-01-01', "toml").roots, [[
    ["a", 1],
    ["t", [["b", [true, "x"]], ["d", "2020-01-01"]]],
  ]]);
  const { roots, syntaxError } = read("a = 1\nb =\n", "toml");
  assert.deepEqual([roots, syntaxError?.at], [[], 5]);
});

test("UTF-16 behind its byte order mark is text", () => {
  const text = "a: x";
  const little = new Uint8Array(2 + 2 * text.length);
  little.set([0xff, 0xfe]);
  const big = new Uint8Array(2 + 2 * text.length);
  big.set([0xfe, 0xff]);
  [...text].forEach((letter, at) => {
    little[2 + 2 * at] = letter.charCodeAt(0);
    big[3 + 2 * at] = letter.charCodeAt(0);
  });
  for (const bytes of [little, big]) assert.deepEqual(read(bytes, "yaml").roots, [[["a", "x"]]]);
});

test("the check runs while lines are read, and may end it", () => {
  assert.throws(() =>
    readConfig(new TextEncoder().encode("1\n".repeat(5000)), "json-lines", () => {
      throw new RangeError("enough");
    }), RangeError);
});
