import assert from "node:assert/strict";
import { test } from "node:test";
import { FormatError } from "../core/errors.ts";
import { flexTexts } from "./flexbuffer.ts";

// flexbuffers.Dumps(["Op", "def"]) of the Python package flatbuffers 25.12.
const VECTOR = Uint8Array.from([
  ...[2, 0x4f, 0x70, 0, 3, 0x64, 0x65, 0x66, 0],
  ...[2, 9, 6, 0x14, 0x14],
  ...[4, 0x28, 1],
]);

const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);

test("the texts of a vector are read as the library writes them", () => {
  assert.deepEqual(flexTexts(VECTOR).map(text), ["Op", "def"]);
});

test("a map's values are its vector", () => {
  // flexbuffers.Dumps({"a": "Op", "b": "def"})
  const map = Uint8Array.from([
    97,
    0,
    2,
    79,
    112,
    0,
    98,
    0,
    3,
    100,
    101,
    102,
    0,
    2,
    14,
    9,
    2,
    1,
    2,
    16,
    11,
    20,
    20,
    4,
    36,
    1,
  ]);
  assert.deepEqual(flexTexts(map).map(text), ["Op", "def"]);
});

test("a root that is no vector, a cut and an offset that leads outside are refused", () => {
  assert.throws(() => flexTexts(Uint8Array.of(7, 4, 1)), FormatError);
  for (let length = 0; length < 3; length++) {
    assert.throws(() => flexTexts(VECTOR.subarray(0, length)), FormatError);
  }
  for (let at = 9; at < VECTOR.length; at++) {
    const changed = VECTOR.slice();
    changed[at] = 0xff;
    try {
      flexTexts(changed);
    } catch (error) {
      assert.ok(error instanceof FormatError, `byte ${at}: ${error}`);
    }
  }
});
