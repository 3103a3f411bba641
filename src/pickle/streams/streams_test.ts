import assert from "node:assert/strict";
import { test } from "node:test";
import { forwardSource } from "../../sources/forward.ts";
import { blobSource, bytesSource } from "../../sources/memory.ts";
import type { Source } from "../../core/source.ts";
import { Input } from "./input.ts";
import { Resync } from "./resync.ts";
import { anomaliesIn, bytes, byteString, factsIn, observe, str } from "../testing/pickle.ts";

const HARMLESS = bytes(0x80, 4, "K\x01.");
const HARMFUL = bytes(0x80, 4, str("os"), str("system"), 0x93, str("echo hi"), 0x85, "R.");

/** The places of all harmful calls. */
async function places(data: Uint8Array | Source): Promise<string[]> {
  return (await observe(data)).flatMap((it) =>
    it.type === "fact" && it.fact.kind === "call" ? [(it.within ?? []).join(":")] : []
  );
}

test("the second, third and fiftieth stream are read", async () => {
  assert.deepEqual(await places(bytes(HARMLESS, HARMFUL)), ["stream_1"]);
  const fifty = Array.from({ length: 50 }, () => HARMLESS);
  assert.deepEqual(await places(bytes(...fifty, HARMFUL)), ["stream_50"]);
});

test("a stream behind a corrupt one is found", async () => {
  const facts = await places(bytes(HARMLESS, 0x80, 4, 0xff, 0xff, HARMFUL));
  assert.equal(facts.length, 1);
  assert.equal((await places(bytes("\xff\xfe garbage", HARMFUL))).length, 1);
});

test("bytes behind the last stream that are none are noted, not malformed", async () => {
  assert.deepEqual(anomaliesIn(await observe(bytes(HARMLESS, "\0\0\0\0"))), [
    "pickle-trailing-data",
  ]);
});

test("a search behind a corrupt stream ends at its budget", async () => {
  const data = bytes(0x80, 4, 0xff, "x".repeat(200_000), HARMFUL);
  const found = await observe(data, "pickle", { resyncBytes: 1000 });
  assert.ok(!found.some((it) => it.type === "fact"));
  assert.ok(anomaliesIn(found).includes("pickle-resync-limit"));
});

test("a memo carried over is a reading of its own", async () => {
  const first = bytes(0x80, 4, str("os"), "q\x05", "0", str("system"), "q\x06", ".");
  const second = bytes(0x80, 4, "h\x05h\x06", 0x93, str("echo"), 0x85, "R.");
  const facts = factsIn(await observe(bytes(first, second)));
  assert.ok(facts.some((fact) => fact.kind === "call" && fact.reading === "memo"));
});

test("a carried memo is followed over many streams at the cost of reading them twice", async () => {
  const first = bytes(0x80, 4, str("os"), "q\x05", "0", str("system"), "q\x06", ".");
  const between = Array.from({ length: 2000 }, () => bytes(0x80, 4, "K\x01q\0h\0."));
  const last = bytes(0x80, 4, "h\x05h\x06", 0x93, str("echo"), 0x85, "R.");
  const found = await observe(bytes(first, ...between, last));
  const call = found.find((it) => it.type === "fact" && it.fact.kind === "call");
  assert.deepEqual(call?.type === "fact" ? call.within : undefined, ["stream_2001"]);
});

test("an argument that straddles a frame is read in both ways", async () => {
  const hidden = bytes("cos\nsystem\n(S'echo'\ntR.");
  const frame = bytes(0x8c, 3 + hidden.length, "ab");
  const data = bytes(
    0x80,
    4,
    0x95,
    frame.length,
    "\0\0\0\0\0\0\0",
    frame,
    "c",
    hidden,
    ".",
  );
  const found = await observe(data);
  assert.ok(anomaliesIn(found).includes("pickle-frame-divergence"));
  const dropping = bytes(0x80, 4, 0x95, 4, "\0\0\0\0\0\0\0", 0x8c, 6, "ab", "cdefgh", hidden);
  const facts = factsIn(await observe(dropping));
  assert.ok(
    facts.some((fact) => fact.kind === "call" && fact.reading === "frames"),
    JSON.stringify(facts),
  );
});

test("frames that end where opcodes end are nothing to speak of", async () => {
  const body = bytes(str("a"), 0x94, "K\x01", 0x86, ".");
  const data = bytes(0x80, 4, 0x95, body.length, "\0\0\0\0\0\0\0", body);
  assert.deepEqual(anomaliesIn(await observe(data)), []);
});

test("pickles in constants are entries: loaded ones, and data that nothing loads", async () => {
  const loaded = bytes("cpickle\nloads\n(", byteString(HARMFUL), "tR.");
  const entry = (await observe(loaded)).find((it) => it.type === "entry");
  assert.equal(entry?.type === "entry" ? entry.loaded : "", undefined);
  const lying = bytes(0x80, 4, "]", byteString(HARMFUL), "a.");
  const data = (await observe(lying)).find((it) => it.type === "entry");
  assert.equal(data?.type === "entry" ? data.loaded : "", "data");
});

test("hexadecimal and base64 constants are looked into", async () => {
  const hex = Array.from(HARMFUL, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const base64 = btoa(String.fromCharCode(...HARMFUL));
  for (const text of [hex, base64]) {
    const entries = (await observe(bytes(0x80, 4, "]", str(text), "a."))).filter((it) =>
      it.type === "entry"
    );
    assert.equal(entries.length, 1, text);
  }
});

test("the same is seen through a blob, a forward source and bytes", async () => {
  const data = bytes(HARMLESS, HARMFUL);
  const pieces = [data.subarray(0, 3), data.subarray(3, 9), data.subarray(9)];
  const forward = forwardSource("pipe", () => Promise.resolve(pieces.shift()), {
    lookBack: 1 << 20,
  });
  const sources = [bytesSource("b", data), blobSource("b", new Blob([data.slice()])), forward];
  for (const source of sources) assert.deepEqual(await places(source), ["stream_1"]);
});

test("joblib's raw array is stepped over, and read as opcodes too", async () => {
  const dtype = bytes(
    "cnumpy\ndtype\n",
    str("u1"),
    0x89,
    0x88,
    0x87,
    "R(K\x03",
    str("|"),
    "NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb",
  );
  const wrapper = bytes(
    "cjoblib.numpy_pickle\nNumpyArrayWrapper\n)",
    0x81,
    "}(",
    str("shape"),
    "K\x20",
    0x85,
    str("dtype"),
    dtype,
    str("allow_mmap"),
    0x88,
    "ub",
  );
  const hidden = bytes("0cos\nsystem\n(S'echo'\ntR.");
  const raw = new Uint8Array(32);
  raw.set(hidden);
  const data = bytes(0x80, 4, wrapper, raw, ".");
  const found = await observe(data);
  assert.deepEqual(anomaliesIn(found), []);
  const call = factsIn(found).find((fact) => fact.kind === "call" && fact.name === "system");
  assert.equal(call?.kind === "call" ? call.reading : "", "plain");
  const short = await observe(data.subarray(0, data.length - 10));
  assert.ok(anomaliesIn(short).includes("joblib-array-truncated"));
});

test("a legacy torch file's storages are stepped over by their sizes", async () => {
  const magic = bytes(
    0x80,
    2,
    0x8a,
    0x0a,
    0x6c,
    0xfc,
    0x9c,
    0x46,
    0xf9,
    0x20,
    0x6a,
    0xa8,
    0x50,
    0x19,
    ".",
  );
  const id = bytes("(U\x07storagectorch\nFloatStorage\nU\x01", "0U\x03cpuK\x02Nt");
  const head = bytes(
    magic,
    0x80,
    2,
    "M\xe9\x03.",
    0x80,
    2,
    "}.",
    0x80,
    2,
    id,
    "Q.",
    0x80,
    2,
    "]U\x01",
    "0a.",
  );
  const storage = bytes(2, "\0\0\0\0\0\0\0", HARMFUL.subarray(0, 8));
  assert.deepEqual(anomaliesIn(await observe(bytes(head, storage), "torch-legacy")), []);
  const behind = await observe(bytes(head, storage, HARMFUL), "torch-legacy");
  assert.ok(behind.some((it) => it.type === "fact" && it.within?.[0] === "stream_5"));
  const lying = bytes(head, 3, "\0\0\0\0\0\0\0", "12345678");
  assert.ok(anomaliesIn(await observe(lying, "torch-legacy")).includes("torch-storage-mismatch"));
  for (let length = head.length; length < head.length + storage.length; length++) {
    const cut = bytes(head, storage).subarray(0, length);
    assert.ok(anomaliesIn(await observe(cut, "torch-legacy")).includes("torch-storage-mismatch"));
  }
});

test("opcode budgets end a scan with an error, not with an answer", async () => {
  await assert.rejects(
    observe(bytes("N0".repeat(1000), "N."), "pickle", { opcodes: 100 }),
    RangeError,
  );
});

test("a million frames that straddle one another are read in a few ways and no more", async () => {
  const frame = bytes(0x95, 3, 0, 0, 0, 0, 0, 0, 0);
  const data = bytes(0x80, 4, ...Array.from({ length: 120_000 }, () => frame), "N.");
  const found = await observe(data);
  assert.ok(anomaliesIn(found).includes("pickle-reading-divergence"));
});

/** Imports of so many different names, and a harmful call behind them. */
const behindNames = (count: number) =>
  bytes(...Array.from({ length: count }, (_, at) => bytes(`ca${at}\nb\n0`)), HARMFUL);

test("what a few thousand names of a stream say is reported at once, each name once", async () => {
  const found = await observe(bytes(behindNames(5000).subarray(0, -1), "0", behindNames(5000)));
  const imports = factsIn(found).filter(({ kind }) => kind === "import");
  assert.equal(imports.length, 5001);
});

test("trials that come to nothing count as bytes searched", async () => {
  // Each MARK with a text is a start by its first look, and fails behind the text.
  const data = bytes(...Array.from({ length: 64 }, () => bytes("(V".repeat(1000), "\n", 0xff)));
  const resync = new Resync(new Input(bytesSource("x", data), 0), data.length, () => {});
  assert.equal(await resync.find(0), undefined);
  assert.ok(resync.cut);
  assert.ok(resync.searched < data.length / 4, `${resync.searched} of ${data.length}`);
});

test("a stream behind junk that looks like texts is found", async () => {
  const junk = "(V(S".repeat(1 << 12);
  assert.deepEqual(await places(bytes(0x80, 2, 0xff, junk, HARMFUL)), ["stream_1"]);
  assert.deepEqual(await places(bytes(0x80, 2, 0xff, junk, "\n(Va\n", HARMFUL)), ["stream_1"]);
});

test("a zip read as a pickle ends with its header, which is no persistent id", async () => {
  const behind = bytes("cos\n0K\x01", 0x85, "R.");
  const facts = factsIn(await observe(bytes("PK\x03\x04\x14", 0, 0xbe, 0x81, "\n", behind)));
  assert.deepEqual(facts, []);
  // Python 2 takes other bytes for one.
  const other = factsIn(
    await observe(bytes("PK\x03\x05\x14", 0, 0xbe, 0x81, "\n", HARMFUL.subarray(2))),
  );
  assert.ok(other.some((fact) => fact.kind === "call"));
});
