import assert from "node:assert/strict";
import { test } from "node:test";
import {
  isArray,
  isObject,
  jsonLetters,
  type JsonValue,
  parseJson,
  repeatedKeys,
  valuesOf,
} from "./json.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);
const read = (text: string) => parseJson(utf8(text));

/** A document as JSON.parse would give it. */
function plain(value: JsonValue | undefined): unknown {
  if (isArray(value)) return value.items.map(plain);
  if (isObject(value)) return Object.fromEntries(value.members.map(([k, v]) => [k, plain(v)]));
  return value;
}

test("well-formed text reads as JSON.parse has it", () => {
  const texts = [
    ...['{"a": [1, -2.5e3, true, false, null, "x"], "b": {}, "c": []}', '"\\u00e9\\n\\"\\\\\\/"'],
    ...["0", "[]", "{}", ' [ [ [ ] ] , { "a" : "é€😀" } ] ', '"\\ud83d\\ude00 \\u005c"', '"\\\\n"'],
  ];
  for (const text of texts) {
    const { value, error } = read(text);
    assert.equal(error, undefined, text);
    assert.deepEqual(plain(value), JSON.parse(text));
  }
});

test("Python's numbers are read: NaN and infinities", () => {
  assert.deepEqual(plain(read("[NaN, Infinity, -Infinity]").value), [NaN, Infinity, -Infinity]);
});

test("keys that stand more than once are named once each, those of objects inside apart", () => {
  const { value } = read('{"a": 1, "b": {"a": 2, "c": 3, "c": 4}, "a": 5, "a": 6, "__proto__": 7}');
  assert.deepEqual(isObject(value) && repeatedKeys(value), ["a"]);
});

test("of equal keys all are kept, the one that Python takes first", () => {
  const { value } = read('{"a": 1, "b": 2, "a": 3}');
  assert.ok(isObject(value));
  assert.deepEqual(valuesOf(value, "a"), [3, 1]);
});

test("objects know where they begin", () => {
  const { value } = read('[1, {"a": {}}]');
  assert.ok(isArray(value) && isObject(value.items[1]));
  assert.equal(value.items[1].at, 4);
  const [inner] = valuesOf(value.items[1], "a");
  assert.ok(isObject(inner));
  assert.equal(inner.at, 10);
});

test("text in UTF-16 and UTF-32 and with byte order marks is read as Python reads it", () => {
  const text = '{"a": "é"}';
  const wide = (size: 2 | 4, little: boolean, mark: boolean) => {
    const codes = [...(mark ? [0xfeff] : []), ...Array.from(text, (one) => one.charCodeAt(0))];
    const bytes = new Uint8Array(codes.length * size);
    const view = new DataView(bytes.buffer);
    for (const [index, code] of codes.entries()) {
      if (size === 2) view.setUint16(index * 2, code, little);
      else view.setUint32(index * 4, code, little);
    }
    return bytes;
  };
  for (const size of [2, 4] as const) {
    for (const little of [true, false]) {
      for (const mark of [true, false]) {
        assert.deepEqual(plain(parseJson(wide(size, little, mark)).value), { a: "é" });
      }
    }
  }
  assert.deepEqual(plain(read("\ufeff" + text).value), { a: "é" });
});

test("what stands before an error is handed out with it", () => {
  const text = '{"a": [1, {"b": "c"}], "d": "e"}';
  for (let length = 0; length < text.length; length++) {
    const { error } = read(text.slice(0, length));
    assert.ok(error !== undefined, text.slice(0, length));
  }
  assert.deepEqual(plain(read('{"a": [1, {"b": "c"}').value), { a: [1, { b: "c" }] });
  for (const wrong of ["{a: 1}", "[1 2]", '{"a" 1}', "[1,]", '{"a":1,}', "tru", "[1] x", "'a'"]) {
    assert.ok(read(wrong).error !== undefined, wrong);
  }
});

test("more brackets than are read and too many values end in an error, not in a crash", () => {
  assert.match(read("[".repeat(500_001)).error?.message ?? "", /nested more than/);
  assert.equal(read("[".repeat(90_000)).error?.message, "A value is missing");
  assert.match(parseJson(utf8("[1,1,1,1,1]"), 4).error?.message ?? "", /more than 4/);
  assert.equal(read("[".repeat(100_000) + "]".repeat(100_000)).error, undefined);
});

test("letters are found however they are written", () => {
  const escaped = '{"\\u0061b\\u004C\\u004c\\u00e9\\u0161"';
  assert.equal(jsonLetters(utf8(escaped)), '{"abLL\\u00e9\\u0161"');
  assert.equal(jsonLetters(Uint8Array.of(0x7b, 0, 0x22, 0, 0x61, 0)), '{"a');
});
