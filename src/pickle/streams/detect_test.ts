import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesSource } from "../../sources/memory.ts";
import { bytes, str } from "../testing/pickle.ts";
import { looksLikePickle, readFurther, tryHead } from "./detect.ts";

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

test("the header of a safetensors file is no persistent id, whatever numbers follow it", () => {
  const header = '{"a":{"dtype":"U8","shape":[40],"data_offsets":[0,40]}}'.padEnd(0x250);
  const numbers = bytes(`0\n${CALL}`);
  const file = bytes("P\x02", 0, 0, 0, 0, 0, 0, header, numbers);
  assert.ok(!looksLikePickle(file));
  assert.ok(looksLikePickle(file.with(8, 0x5b)));
  assert.ok(looksLikePickle(file.with(3, 1)));
});

/** As `RECORD` of a wheel lists its files. */
const listOf = (paths: readonly string[]) =>
  Array.from(
    { length: 100 },
    (_, at) =>
      `${paths[at % paths.length]}${at},sha256=k7T9CzeYR5PZSr0MjSVvFs6zpfkZal9Brl8xu,${at}\n`,
  ).join("");

test("a list of paths is no pickle, whatever letter its packages begin with", () => {
  for (const first of ["celery/x", "PIL/x", "cryptography/a/b"]) {
    assert.ok(!looksLikePickle(bytes(listOf([first])), 1 << 20), first);
    assert.ok(
      !looksLikePickle(bytes(listOf([first]), listOf(["pillow.libs/x", "celery/y"]))),
      first,
    );
  }
});

test("behind persistent ids an import counts, and so do ids as far as the bytes go", () => {
  const ids = Array.from({ length: 10_000 }, (_, at) => `Pid_${at}\n0`).join("");
  assert.ok(looksLikePickle(bytes(ids, CALL)));
  assert.ok(looksLikePickle(bytes(ids, CALL.slice(0, -1), "\xff")));
  assert.ok(looksLikePickle(bytes(ids), 1 << 20));
  assert.ok(looksLikePickle(bytes(ids, "N.")));
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

test("behind tiny streams an argument that goes past the head leaves it undecided", () => {
  const long = 70_000;
  const size = bytes(long & 255, long >> 8 & 255, long >> 16 & 255, 0);
  for (const tiny of ["N.", "I1\n.", "N.N."]) {
    const file = bytes(tiny, "X", size, "a".repeat(long), ".", CALL);
    assert.equal(tryHead(file.subarray(0, 65_536), file.length, true), "undecided", tiny);
    assert.equal(tryHead(file.subarray(0, 65_536), file.length, false), "undecided", tiny);
  }
});

test("text of however many streams is a pickle where one of them imports something", async () => {
  for (const count of [65, 2000, 17_000]) {
    for (const last of [CALL, "N."]) {
      const file = bytes("I1\n.".repeat(count), last);
      const head = file.subarray(0, 65_536);
      const attempt = tryHead(head, file.length, false);
      const found = attempt === "undecided"
        ? await readFurther(bytesSource("file", file), false, () => {})
        : attempt;
      assert.equal(found, last === CALL ? "pickle" : "other", `${count} streams`);
    }
  }
});

test("text with more values than are kept at once is read on to what it imports", async () => {
  const memo = Array.from({ length: 70_000 }, (_, index) => `p${index}\n`).join("");
  for (const values of ["N".repeat(70_000), "(l".repeat(70_000), `N${memo}`]) {
    for (const last of [CALL, "."]) {
      const file = bytes(values, last);
      const attempt = tryHead(file.subarray(0, 65_536), file.length, false);
      assert.equal(attempt, "undecided");
      const found = await readFurther(bytesSource("file", file), false, () => {});
      assert.equal(found, last === CALL ? "pickle" : "other", values.slice(0, 4));
    }
  }
});
