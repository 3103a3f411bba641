/**
 * What a pickle hands to torch's loader: seen, or said to be unseen.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { forwardSource, LOOK_BACK_BYTES } from "../../sources/forward.ts";
import type { Observation } from "../../core/types.ts";
import { LARGE_INPUT } from "../../parsers/testing/sweep.ts";
import { TEXT_LIMIT } from "../machine/heap.ts";
import { join } from "../../formats/testing/zip.ts";
import { anomaliesIn, bytes, byteString, factsIn, observe, str } from "../testing/pickle.ts";

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

test("of more loaded constants than are looked into, thousands, the rest is unread", async () => {
  const one = (index: number) =>
    bytes(LOAD, byteString(bytes("PK..", index & 255, index >> 8)), "\x85R0");
  const many = Array.from({ length: 16_385 }, (_, index) => one(index));
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

test("what only another reading of the bytes loads, or may load, is an entry, too", async () => {
  const dtype = bytes(
    "cnumpy\ndtype\n(",
    str("u1"),
    "\x89\x88tR(K\x03",
    str("|"),
    "NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb",
  );
  const wrapper = bytes("\x80\x04cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(");
  const codec = "cbuiltins\ngetattr\n(NVx\nVlatin1\ntR";
  const text = new TextEncoder().encode(String.fromCharCode(...INNER));
  const ways = [
    ["loaded_0", byteString(INNER)],
    ["constant_", bytes("c_codecs\nencode\n(X", text.length, 0, 0, 0, text, codec, "tR")],
  ] as const;
  for (const [part, given] of ways) {
    const raw = bytes("0", LOAD, given, "\x85R.");
    const shape = bytes(str("shape"), "K", raw.length, "\x85");
    const seen = await observe(bytes(wrapper, shape, str("dtype"), dtype, "ub", raw, "."));
    const entries = seen.flatMap((it) => it.type === "entry" ? [it] : []);
    assert.equal(entries.length, 1);
    assert.ok(entries[0]?.part.startsWith(part) && entries[0].loaded === undefined);
  }
});

test("computed bytes are what a loader is given, and a bytearray that was changed before is not", async () => {
  const text = new TextEncoder().encode(String.fromCharCode(...INNER));
  const reduced = bytes(
    "cfunctools\nreduce\n(c_codecs\nencode\n(X",
    bytes(text.length, 0, 0, 0, text),
    "Vlatin1\nltR",
  );
  const computed = await observe(bytes("\x80\x04", LOAD, reduced, "\x85R."));
  assert.ok(computed.some((it) => it.type === "entry" && it.part === "loaded_0"));
  assert.deepEqual(anomaliesIn(computed), ["pickle-nested-data"]);
  const array = bytes(0x96, INNER.length, 0, 0, 0, 0, 0, 0, 0, INNER, "p1\n0");
  const popped = bytes(array, "cbuiltins\ngetattr\n(g1\nVpop\ntR)R0");
  for (const [before, known] of [[array, true], [popped, false]] as const) {
    const seen = await observe(bytes("\x80\x05", before, LOAD, "g1\n\x85R."));
    const calls = factsIn(seen).filter((it) =>
      it.kind === "call" && it.name === "_load_from_bytes"
    );
    assert.deepEqual(calls.map((it) => "targets" in it), [known]);
  }
});

test("what all readings load is reported once", async () => {
  const crossing = bytes("\x95\x03\0\0\0\0\0\0\0\x8c\x05ab", "cde0");
  const data = bytes("\x80\x04", LOAD, byteString(INNER), "\x85R0", crossing, "N.");
  const seen = await observe(data);
  assert.equal(seen.filter((it) => it.type === "entry").length, 1);
});

/** Whether a constant among others is reported as a pickle that nothing loads. */
async function isReported(constant: string | Uint8Array): Promise<boolean> {
  const seen = await observe(bytes("\x80\x03", byteString(bytes(constant)), "."));
  return seen.some((it) => it.type === "anomaly" && it.rule === "pickle-nested-data");
}

const PROTOCOLS: readonly string[] = [
  "cos\nsystem\n(S'echo hi'\ntR.", // protocol 0
  "c__builtin__\neval\n(S'1'\ntR.",
  "(cos\nsystem\nS'echo hi'\no.",
  "(S'echo hi'\nios\nsystem\n.",
  "(dp0\nS'a'\ncos\nsystem\n(S'echo hi'\ntRs.",
  "}q\x00(U\x01acos\nsystem\n(U\x07echo hitRu.", // protocol 1
  "]q\x00cos\nsystem\n(U\x07echo hitRa.",
];

test("constants that are pickles of protocol 0 and 1 are reported, raw, in base64 and in hexadecimal", async () => {
  for (const text of PROTOCOLS) {
    const hexadecimal = Array.from(
      text,
      (letter) => letter.charCodeAt(0).toString(16).padStart(2, "0"),
    ).join("");
    assert.ok(await isReported(text), text);
    assert.ok(await isReported(btoa(text)), text);
    assert.ok(await isReported(hexadecimal), text);
    assert.ok(await isReported(hexadecimal.toUpperCase()), text);
  }
});

test("however many words begin like opcodes, a constant behind them is looked at", async () => {
  const words = Array.from(
    { length: 70_000 },
    (_, at) => ["category_", "(option)_", "8000 items", "Yes, KEY_"][at % 4] + String(at % 10_000),
  );
  const long = words.map((word) => str(word));
  const size = long.reduce((sum, one) => sum + one.length, 0);
  const all = new Uint8Array(size);
  let end = 0;
  for (const one of long) {
    all.set(one, end);
    end += one.length;
  }
  const data = join(bytes("\x80\x04]("), all, byteString(INNER), bytes("e."));
  assert.deepEqual(anomaliesIn(await observe(data)), ["pickle-nested-data"]);
});

test(
  "constants that may be pickles beyond those that are looked at are unread",
  LARGE_INPUT,
  async () => {
    const one = str("cx\nabcdefg");
    const many = new Uint8Array(one.length * 65_537);
    for (let at = 0; at < many.length; at += one.length) many.set(one, at);
    const seen = await observe(join(bytes("\x80\x04]("), many, byteString(INNER), bytes("e.")));
    assert.ok(seen.some((it) => it.type === "anomaly" && it.rule === "scan-limit" && it.unread));
  },
);

test("zlib and gzip under hexadecimal and base64 are opened", async () => {
  const packed = async (kind: "deflate" | "gzip") => {
    const stream = new Blob([INNER.slice()]).stream().pipeThrough(new CompressionStream(kind));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };
  for (const kind of ["deflate", "gzip"] as const) {
    const data = await packed(kind);
    assert.ok(await isReported(data), kind);
    assert.ok(await isReported(btoa(String.fromCharCode(...data))), kind);
    assert.ok(
      await isReported(Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("")),
      kind,
    );
  }
});

test("ordinary base64, numbers, names and digests are no pickles", async () => {
  const texts = [
    "Y2hhdCB0ZW1wbGF0ZXMgYXJlIHRleHQsIHRvby4gTG9yZW0gaXBzdW0gZG9sb3I=",
    "KGEgcGFyZW50aGVzaXMpIGFuZCBtb3JlIHRleHQgYmVoaW5kIGl0LCBvbiBhbmQgb24u",
    "KE4u0000000000000000",
    "KGwu0000000000000000",
    "2023-01-01T00:00:00",
    "28282828282828282828",
    "6363636363636363636363636363",
    "636f6e74656e74206f66206120746578740a616e64206d6f7265206f662069740a21",
    "(a text in brackets)",
    "]quoted[ and so on",
    "compute_something_with_a_name",
    "Kernel regularizer",
    "Yesterday 2024",
    "(N.",
    "KGkucHkpLg==",
  ];
  for (const text of texts) assert.equal(await isReported(text), false, text);
});

test("ten thousand random texts in base64 and hexadecimal are no pickles", async () => {
  let state = 1;
  const random = () => (state = (state * 48_271) % 0x7fffffff) / 0x7fffffff;
  const constants: Uint8Array[] = [];
  for (let at = 0; at < 10_000; at++) {
    // Half of them begin as MARK or GLOBAL would.
    const raw = Array.from({ length: 40 }, () => Math.floor(random() * 256));
    if (at % 2 === 0) raw[0] = at % 4 === 0 ? 0x28 : 0x63;
    const text = at % 3 === 0
      ? raw.map((byte) => byte.toString(16).padStart(2, "0")).join("")
      : btoa(String.fromCharCode(...raw));
    constants.push(bytes(byteString(bytes(text)), "0"));
  }
  const seen = await observe(bytes("\x80\x03", ...constants, "N."));
  assert.deepEqual(seen.filter((it) => it.type === "anomaly"), []);
});

test("a loader that gets what is not known may load any constant, texts by their characters", async () => {
  const codec = "cbuiltins\ngetattr\n(NVx\nVlatin1\ntR";
  const text = new TextEncoder().encode(String.fromCharCode(...INNER));
  const coded = bytes("c_codecs\nencode\n(X", text.length, 0, 0, 0, text, codec, "tR");
  const complete = bytes("cpackage\nfunction\n(", byteString(INNER), "tR");
  for (const given of [coded, complete]) {
    const seen = await observe(loads(given));
    const entries = seen.flatMap((it) => it.type === "entry" ? [it] : []);
    assert.equal(entries.length, 1);
    assert.equal(entries[0]?.loaded, undefined, "no mere data");
  }
});

test("text that holds a pickle, each byte a character, is one that lies there", async () => {
  const text = new TextEncoder().encode(String.fromCharCode(...INNER));
  const seen = await observe(bytes("X", text.length, 0, 0, 0, text, "."));
  assert.deepEqual(anomaliesIn(seen), ["pickle-nested-data"]);
});
