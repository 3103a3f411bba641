import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesSource } from "../../sources/memory.ts";
import { Input } from "./input.ts";

const DATA = Uint8Array.from({ length: 20_000 }, (_, at) => (at * 7919) % 251);

test("bytes before the window are those of the source, however few are asked for at a time", () => {
  const input = new Input(bytesSource("m", DATA), 0, 64);
  void input.fill(19_000, 64);
  for (const length of [1, 9, 60, 1024, 1025, 5000]) {
    for (let at = 0; at + length < DATA.length; at += 37 + length) {
      assert.deepEqual(
        input.bytesAt(at, length),
        DATA.slice(at, at + length),
        `${length} at ${at}`,
      );
    }
  }
  assert.equal(input.bytesAt(19_999, 2), undefined);
});

test("what was looked at before bytes were dropped is not taken for what is there since", () => {
  const input = new Input(bytesSource("m", DATA), 0, 64);
  void input.fill(8000, 64);
  assert.deepEqual(input.bytesAt(100, 8), DATA.slice(100, 108));
  input.drop(110, 1000);
  assert.deepEqual(input.bytesAt(100, 8), DATA.slice(100, 108));
  assert.deepEqual(
    input.bytesAt(108, 4),
    Uint8Array.of(
      ...DATA.slice(108, 110),
      ...DATA.slice(1110, 1112),
    ),
  );
  assert.deepEqual(input.bytesAt(112, 8), DATA.slice(1112, 1120));
});
