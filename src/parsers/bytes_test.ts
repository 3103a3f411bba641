import assert from "node:assert/strict";
import { test } from "node:test";
import { ascii, concat, latin1, looksLikeText, startsWith } from "./bytes.ts";

test("a prefix longer than the bytes is none", () => {
  assert.ok(startsWith(Uint8Array.of(1, 2, 3), [1, 2]));
  assert.ok(startsWith(Uint8Array.of(1), []));
  assert.ok(!startsWith(Uint8Array.of(1), [1, 2]));
  assert.ok(!startsWith(Uint8Array.of(), [0]));
});

test("bytes as Latin-1 have one character each, also beyond the arguments that a call takes", () => {
  const bytes = Uint8Array.from({ length: 300_000 }, (_, at) => at & 0xff);
  const text = latin1(bytes, 300_000);
  assert.equal(text.length, 300_000);
  assert.equal(text.charCodeAt(8191 + 256), (8191 + 256) & 0xff);
  assert.equal(latin1(bytes, 8193).charCodeAt(8192), 0);
  assert.equal(latin1(Uint8Array.of(65, 0xe9), 99), "Aé");
  assert.deepEqual(ascii("PK"), [0x50, 0x4b]);
});

test("text is UTF-8 without control characters, its last character may be cut", () => {
  const utf8 = new TextEncoder().encode("naïve\r\n\tü");
  for (let length = 0; length <= utf8.length; length++) {
    assert.ok(looksLikeText(utf8.subarray(0, length)), String(length));
  }
  for (const byte of [0, 1, 8, 0x0e, 0x1b, 0x7f]) {
    assert.ok(!looksLikeText(Uint8Array.of(65, byte)), String(byte));
  }
  assert.ok(!looksLikeText(Uint8Array.of(0xff, 65)));
  assert.ok(!looksLikeText(Uint8Array.of(0xc3, 65)));
});

test("joined parts are a copy, and none are no bytes", () => {
  const part = Uint8Array.of(1, 2);
  const all = concat([part, new Uint8Array(0), Uint8Array.of(3)]);
  part[0] = 9;
  assert.deepEqual(all, Uint8Array.of(1, 2, 3));
  assert.deepEqual(concat([]), new Uint8Array(0));
});
