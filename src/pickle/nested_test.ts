/**
 * What a pickle hands to torch's loader: seen, or said to be unseen.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { forwardSource, LOOK_BACK_BYTES } from "../source/forward.ts";
import type { Observation } from "../types.ts";
import { TEXT_LIMIT } from "./heap.ts";
import { bytes, byteString, factsIn, observe, str } from "./testing_pickle.ts";

const LOAD = "ctorch.storage\n_load_from_bytes\n";
const INNER = bytes("\x80\x02cos\nsystem\nX\x07\0\0\0echo hi\x85R.");

function long(opcode: string, length: number): Uint8Array {
  const size = new Uint8Array(4);
  new DataView(size.buffer).setUint32(0, length, true);
  return bytes(opcode, size);
}

/** A pickle that loads what the pieces push. */
function loads(...pieces: readonly (string | Uint8Array)[]): Uint8Array {
  return bytes("\x80\x05", LOAD, ...pieces, "\x85R.");
}

/** The targets of the loader's call: none means that all it loads is at hand. */
function targets(observations: readonly Observation[]): unknown[] {
  return factsIn(observations).flatMap((fact) =>
    fact.kind === "call" && fact.name === "_load_from_bytes" ? [fact.targets] : []
  );
}

function isUnread(observations: readonly Observation[]): boolean {
  return observations.some((it) =>
    it.type === "anomaly" && it.rule === "pickle-loaded-unread" && it.unread === true
  );
}

test("bytes that a pickle loads are an entry, and its call comes down to nothing else", async () => {
  const seen = await observe(loads(byteString(INNER)));
  assert.equal(seen.filter((it) => it.type === "entry").length, 1);
  assert.deepEqual(targets(seen), [[]]);
  assert.equal(isUnread(seen), false);
});

test("of more loaded constants than are looked into the rest is unread", async () => {
  const one = (index: number) =>
    bytes(LOAD, byteString(bytes("PK..", index & 255, index >> 8)), "\x85R0");
  const many = Array.from({ length: 257 }, (_, index) => one(index));
  assert.equal(isUnread(await observe(bytes("\x80\x03", ...many.slice(1), "N."))), false);
  assert.equal(isUnread(await observe(bytes("\x80\x03", ...many, "N."))), true);
});

test("one constant loaded a thousand times leaves room for the next", async () => {
  const again = "h\0h\x01\x85R0".repeat(1000);
  const data = bytes("\x80\x03", LOAD, "q\0", byteString(bytes("PK..")), "q\x010");
  const seen = await observe(bytes(data, again, "h\0", byteString(INNER), "\x85R."));
  assert.equal(seen.filter((it) => it.type === "entry").length, 2);
  assert.equal(isUnread(seen), false);
});

test("text too long to be read as the bytes that are loaded is unread", async () => {
  const text = bytes(long("X", TEXT_LIMIT + 1), "x".repeat(TEXT_LIMIT + 1));
  const seen = await observe(loads("c_codecs\nencode\n", text, str("latin1"), "\x86R"));
  assert.equal(isUnread(seen), true);
});

test("loaded bytes that a stream keeps no longer are unread", async () => {
  const length = LOOK_BACK_BYTES * 2;
  const data = loads(long("B", length), "x".repeat(length));
  const pieces = [data];
  const stream = forwardSource("pipe", () => Promise.resolve(pieces.shift()));
  assert.equal(isUnread(await observe(stream)), true);
});

test("text is the loaded bytes only where its codec writes each character down as one", async () => {
  const encoded = (...args: readonly (string | Uint8Array)[]) =>
    loads("c_codecs\nencode\n(", str("PK\u0100.."), ...args, "tR");
  assert.deepEqual(targets(await observe(encoded(str("latin1")))), [[]]);
  assert.deepEqual(targets(await observe(encoded(str("latin1"), str("strict")))), [[]]);
  assert.deepEqual(targets(await observe(encoded(str("latin1"), str("ignore")))), [undefined]);
  assert.deepEqual(targets(await observe(encoded(str("utf-16-le")))), [undefined]);
  const escape = loads("c_codecs\nencode\n(", str("PK..\\x41"), str("unicode-escape"), "tR");
  assert.deepEqual(targets(await observe(escape)), [undefined]);
});

test("a bytearray that opcodes add to is not what its literal says", async () => {
  const array = bytes("\x96\x04\0\0\0\0\0\0\0PK..");
  assert.deepEqual(targets(await observe(loads(array))), [[]]);
  for (const grow of ["K\x41a", "(K\x41e", "(KAKBe"]) {
    assert.deepEqual(targets(await observe(loads(array, grow))), [undefined], grow);
  }
});

test("what a call makes of bytes may be other bytes", async () => {
  const half = (letter: string) => bytes(long("B", TEXT_LIMIT - 9), letter.repeat(TEXT_LIMIT - 9));
  const joined = loads("c_operator\nadd\n", half("P"), half("K"), "\x86R");
  assert.deepEqual(targets(await observe(joined)), [undefined]);
});

test("what only another reading of the bytes loads is an entry, too", async () => {
  const raw = bytes("0", LOAD, byteString(INNER), "\x85R.");
  const dtype = bytes(
    "cnumpy\ndtype\n(",
    str("u1"),
    "\x89\x88tR(K\x03",
    str("|"),
    "NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb",
  );
  const wrapper = bytes("\x80\x04cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(");
  const shape = bytes(str("shape"), "K", raw.length, "\x85");
  const seen = await observe(bytes(wrapper, shape, str("dtype"), dtype, "ub", raw, "."));
  const entries = seen.flatMap((it) => it.type === "entry" ? [it.part] : []);
  assert.deepEqual(entries, ["loaded_0"]);
});

test("what all readings load is told once", async () => {
  const crossing = bytes("\x95\x03\0\0\0\0\0\0\0\x8c\x05ab", "cde0");
  const data = bytes("\x80\x04", LOAD, byteString(INNER), "\x85R0", crossing, "N.");
  const seen = await observe(data);
  assert.equal(seen.filter((it) => it.type === "entry").length, 1);
});
