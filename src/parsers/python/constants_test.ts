import assert from "node:assert/strict";
import { test } from "node:test";
import { stringValue } from "./constants.ts";

test("literals have the value that CPython gives them", () => {
  // `eval` of CPython 3.11; bytes with one character each.
  const expected: readonly (readonly [literal: string, text: string, bytes?: true])[] = [
    ["'a\\x41\\u0042\\U00000043\\103\\n'", "aABCC\n"],
    ["b'\\x41\\u0042\\501'", "A\\u0042A", true],
    ["r'\\n'", "\\n"],
    ["'''a\\\nb'''", "ab"],
    ["'''a\\\r\nb'''", "ab"],
    ["'\\q\\8'", "\\q\\8"],
    ["'\\0'", "\0"],
    ["'\\400'", "\u0100"],
    ["rb'\\x41'", "\\x41", true],
    ["BR'\\x41'", "\\x41", true],
    ["u'\\''", "'"],
    ['"""a"b"""', 'a"b'],
    ["''", ""],
  ];
  for (const [literal, text, bytes = false] of expected) {
    assert.deepEqual(stringValue(literal), { text, bytes, exact: true }, literal);
  }
});

test("a formatted string is no constant", () => {
  for (const literal of ["f'x'", "F'x'", "rf'x'", "fR'x'", "t'x'", "rt'x'"]) {
    assert.equal(stringValue(literal), undefined, literal);
  }
});

test("an escape that CPython refuses stays as it is written, one by name is not known", () => {
  for (const text of ["\\x4", "\\u12", "\\U00110000", "\\xzz"]) {
    assert.equal(stringValue(`'${text}'`)?.text, text);
  }
  assert.deepEqual(stringValue("'a\\N{BULLET}b'"), {
    text: "a\ufffdb",
    bytes: false,
    exact: false,
  });
  assert.equal(stringValue("b'\\N{BULLET}'")?.text, "\\N{BULLET}");
  assert.equal(stringValue("'\\N{BULLET'")?.text, "\\N{BULLET");
});

test("names of objects' properties are no escapes", () => {
  for (const letter of ["_", "c", "h"]) {
    assert.equal(stringValue(`'\\${letter}'`)?.text, `\\${letter}`);
  }
});
