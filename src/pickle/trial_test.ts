import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, str } from "./testing_pickle.ts";
import { looksLikePickle } from "./trial.ts";

const CALL = "cos\nsystem\n(S'echo'\ntR.";

test("pickles of every protocol look like pickles", () => {
  for (
    const header of ["", "\x80\x02", "\x80\x03", "\x80\x04", "\x80\x05", "\x80\x00", "\x80\x01"]
  ) {
    assert.ok(looksLikePickle(bytes(header, CALL)), JSON.stringify(header));
    assert.ok(looksLikePickle(bytes(header, "}.")), JSON.stringify(header));
  }
  assert.ok(looksLikePickle(bytes(0x80, 4, str("os"), str("system"), 0x93, ")R.")));
});

test("a tiny stream counts when another pickle follows, whatever its protocol", () => {
  assert.ok(looksLikePickle(bytes("N.", CALL)));
  assert.ok(looksLikePickle(bytes("N.N.N.", 0x80, 4, "N.")));
  assert.ok(!looksLikePickle(bytes("N. B. This is a note in plain English.")));
});

test("what runs before the garbage makes it a pickle", () => {
  assert.ok(looksLikePickle(bytes(CALL.slice(0, -1), "\xff\xff garbage")));
  assert.ok(looksLikePickle(bytes(0x80, 4, CALL.slice(0, -1), "\xff\xff")));
});

test("only the records of a zip archive are none of PERSID, which may begin alike", () => {
  for (const record of ["\x01\x02", "\x03\x04", "\x05\x06", "\x06\x06", "\x06\x07", "\x07\x08"]) {
    assert.ok(!looksLikePickle(bytes(`PK${record}\n${CALL}`)), JSON.stringify(record));
  }
  for (const other of ["\x03o", "\x03", "\x01\x04", "\x05\x05", "", "P"]) {
    assert.ok(looksLikePickle(bytes(`PK${other}\n${CALL}`)), JSON.stringify(other));
  }
});

test("text is no pickle", () => {
  const texts = [
    "",
    "Nothing",
    "(I am text)",
    "# comment\n",
    "christmas\ntree\nbanana\n",
    "{}",
    "]",
    "PK\x03\x04",
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit.",
    "(see above)\n.\n",
    "import os\n",
    "cat\ndog\ncow\nhen\n",
    "I am.\n",
    "0123456789",
    "hello.",
    "Vest\nInk.\n",
  ];
  for (const text of texts) assert.ok(!looksLikePickle(bytes(text)), text);
});

test("a blob of weights that begins like PROTO is no pickle", () => {
  let seed = 1;
  const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) >>> 16 & 0xff;
  let taken = 0;
  for (let round = 0; round < 500; round++) {
    const blob = Uint8Array.from({ length: 8192 }, random);
    blob[0] = 0x80;
    blob[1] = 2;
    if (looksLikePickle(blob, 1 << 20)) taken++;
  }
  assert.ok(taken <= 5, `${taken} of 500 blobs were taken for pickles`);
});
