import assert from "node:assert/strict";
import { test } from "node:test";
import { FormatError } from "../core/errors.ts";
import { readTextProto, type TextField } from "./text_proto.ts";

/** Fields as nested pairs. */
type Shown = readonly [name: string, value: string | readonly Shown[]];
const shown = (fields: readonly TextField[]): readonly Shown[] =>
  fields.map(({ name, scalar, fields: inner }) => [name, scalar ?? shown(inner)] as const);
const parse = (text: string) => readTextProto(new TextEncoder().encode(text));
const read = (text: string) => shown(parse(text));

test("scalars, messages and separators are read as the specification has them", () => {
  assert.deepEqual(read(`a: 1 b: "x" c: -2.5; d: true, e { f: 3 } g: < h: ENUM >`), [
    ["a", "1"],
    ["b", "x"],
    ["c", "-2.5"],
    ["d", "true"],
    ["e", [["f", "3"]]],
    ["g", [["h", "ENUM"]]],
  ]);
  assert.deepEqual(read("# comment\n[ext.name/x]: 1 # more"), [["[ext.name/x]", "1"]]);
  assert.deepEqual(read(""), []);
});

test("strings beside one another are one, in either quotes", () => {
  assert.deepEqual(read(`a: "x" 'y'\n"z" b: 1`), [["a", "xyz"], ["b", "1"]]);
  assert.deepEqual(read('a: "" b: "" "c"\nd: 1'), [["a", ""], ["b", "c"], ["d", "1"]]);
});

test("escapes of strings are what they stand for", () => {
  assert.deepEqual(read(`a: "\\157\\x73\\n\\u00e9\\'" b: 'é'`), [["a", "os\né'"], ["b", "é"]]);
  const long = read(`a: "${"x".repeat(5_000_000)}"`);
  assert.equal(long[0]?.[1].length, 5_000_000);
});

test("lists of messages give all their fields, lists of scalars a field each", () => {
  assert.deepEqual(read('a: [{ b: 1 }, < b: 2 >] c: [1, "x"] d: [] e: [F]'), [
    ["a", [["b", "1"], ["b", "2"]]],
    ["c", "1"],
    ["c", "x"],
    ["d", []],
    ["e", "F"],
  ]);
});

test("what is no message is refused", () => {
  const wrong = [
    "a",
    "a:",
    "a 1",
    "a: {",
    "a: }",
    "{",
    "a: [1",
    'a: "x',
    "a: <}",
    "1: 2",
    "a: \0",
    ": 1",
  ];
  for (const text of wrong) assert.throws(() => parse(text), FormatError, text);
});

test("messages in one another end at protobuf's own limit", () => {
  assert.equal(parse("a{".repeat(100) + "}".repeat(100)).length, 1);
  assert.throws(() => parse("a{".repeat(101) + "}".repeat(101)), FormatError);
  assert.throws(() => parse("a{".repeat(100_000)), FormatError);
});
