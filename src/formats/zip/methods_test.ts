import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { constants, deflateRawSync } from "node:zlib";
import { FormatError } from "../../core/errors.ts";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { bytesSource } from "../../sources/memory.ts";
import type { Limits } from "../../core/types.ts";
import { run } from "../testing/scan.ts";
import { buildZip, bytesOf, type Entry, type Fields } from "../testing/zip.ts";
import { zipFormat } from "./mod.ts";
import { SWEEP } from "../../parsers/testing/sweep.ts";

const ARCHIVES = new URL("../../../testdata/zip/", import.meta.url);
const EVIL = bytesOf("cposix\nsystem\n(S'echo hi'\ntR.");
const METHODS = { shrink: 1, implode: 6, deflate64: 9, ppmd: 98 };
/** Methods whose streams know where they end. */
const ENDING = ["deflate64", "ppmd"] as const;
const rules = loadRules();

const read = (name: string) => new Uint8Array(readFileSync(new URL(name, ARCHIVES)));

async function scan(bytes: Uint8Array, limits: Partial<Limits> = {}) {
  const report = await scanSource(bytesSource("x.zip", bytes), { rules, limits });
  assert.deepEqual(report.errors, []);
  return report;
}

/** Without references back, which is where deflate64 differs: valid as either. */
function deflate64(data: Uint8Array): Uint8Array {
  return new Uint8Array(deflateRawSync(data, { strategy: constants.Z_HUFFMAN_ONLY }));
}

function member(name: string, data: Uint8Array, fields: Partial<Fields> = {}): Entry {
  const both = { method: METHODS.deflate64, ...fields };
  return { name, data, packed: deflate64(data), local: both, central: both };
}

/** An archive's bytes with a field of its last member changed in both headers. */
function lying(archive: Uint8Array, at: number, width: 2 | 4, change: (value: number) => number) {
  const bytes = archive.slice();
  const view = new DataView(bytes.buffer);
  const last = (third: number) =>
    Buffer.from(bytes).lastIndexOf(Uint8Array.of(80, 75, third, third + 1));
  for (const start of [last(3) + at, last(1) + at + 2]) {
    const value = width === 2 ? view.getUint16(start, true) : view.getUint32(start, true);
    if (width === 2) view.setUint16(start, change(value), true);
    else view.setUint32(start, change(value) >>> 0, true);
  }
  return bytes;
}

test("members of the methods that only 7-Zip reads come out whole", async () => {
  for (const name of Object.keys(METHODS)) {
    const seen = await run(zipFormat, read(`harmful/method_${name}.zip`));
    assert.deepEqual([seen.rules, seen.error], [[], undefined], name);
    const { text = "" } = seen.entries.find(({ part }) => part.endsWith("model.pkl")) ?? {};
    assert.ok(text.startsWith("\u0080\u0002}q\0(X") && text.endsWith("u."), name);
    assert.ok(text.includes("echo container"), name);
  }
});

test("what stands under such a method and is none of it is reported, and the rest is read", async () => {
  for (const method of Object.values(METHODS)) {
    const fields = { method };
    const seen = await run(
      zipFormat,
      buildZip([
        { name: "a", data: EVIL, local: fields, central: fields },
        { name: "b", data: EVIL },
      ]),
    );
    assert.ok(seen.unread, String(method));
    assert.ok(seen.entries.some(({ part, text }) => part === "b" && text.startsWith("cposix")));
  }
});

/** The last member of a sample, and a way to decode other bytes as if they were its own. */
async function decoderOf(name: keyof typeof METHODS) {
  const archive = read(`safe/method_${name}.zip`);
  const view = new DataView(archive.buffer);
  const at = Buffer.from(archive).lastIndexOf("PK\x03\x04");
  const offset = at + 30 + view.getUint16(at + 26, true);
  const length = view.getUint32(at + 18, true);
  const { ZipMethodReader } = await import("../../codecs/zip_methods.ts");
  const reader = new ZipMethodReader(() => {});
  const crc = view.getUint32(at + 14, true);
  const options = {
    ...{ method: METHODS[name], flags: view.getUint16(at + 6, true), offset: 0, crc },
    ...{ size: view.getUint32(at + 22, true), memory: 1 << 28, keep: 1 << 20, ratio: 1000 },
    spend: () => {},
  };
  /** True when nothing is wrong with what came out. */
  const decodes = async (bytes: Uint8Array): Promise<boolean> => {
    const source = reader.open("m", bytesSource("", bytes), { ...options, length: bytes.length });
    try {
      for (let from = 0, got = 1; got > 0; from += got) got = (await source.read(from, 999)).length;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return false;
    }
    return source.progress().crc === crc;
  };
  return { packed: archive.slice(offset, offset + length), decodes };
}

test("a stream that is cut off at any byte, or has a wrong one, is no whole member", async () => {
  for (const name of Object.keys(METHODS) as (keyof typeof METHODS)[]) {
    const { packed, decodes } = await decoderOf(name);
    assert.ok(await decodes(packed), name);
    // A range coder's last bytes say nothing.
    const reported = name === "ppmd" ? packed.length - 4 : packed.length;
    for (let at = 0; at < reported; at += SWEEP) {
      assert.ok(!await decodes(packed.subarray(0, at)), `${name} cut at ${at}`);
      const wrong = packed.slice();
      wrong[at] = (wrong[at] ?? 0) ^ 0x5f;
      // Implode's trees, which nothing uses, and how much memory PPMd takes change nothing.
      const unused = at < ({ implode: 10, ppmd: 2 }[name as string] ?? 0) ||
        at === packed.length - 1;
      assert.ok(unused || !await decodes(wrong), `${name} wrong at ${at}`);
    }
  }
});

test("an archive of such a member that is cut off is never clean", async () => {
  for (const name of Object.keys(METHODS)) {
    const complete = read(`safe/method_${name}.zip`);
    assert.equal((await scan(complete)).verdict, "clean");
    for (let length = 20; length < complete.length; length += 32 * SWEEP) {
      const { verdict, findings } = await scan(complete.subarray(0, length));
      assert.equal(verdict, "incomplete", `${name} ${length}`);
      assert.ok(findings.length > 0);
    }
  }
});

test("a size or checksum that lies is reported and hides nothing in a stream that knows its end", async () => {
  for (const name of Object.keys(METHODS)) {
    const archive = read(`harmful/method_${name}.zip`);
    const lies: Uint8Array[] = [0, 1, 20, 0x7fffffff, 0xffffffff].map((size) =>
      lying(archive, 22, 4, () => size)
    );
    lies.push(lying(archive, 14, 4, (crc) => crc ^ 1));
    for (const [index, bytes] of lies.entries()) {
      const { verdict, findings } = await scan(bytes);
      assert.ok(findings.some(({ ruleId }) => ruleId.startsWith("zip-")), `${name} ${index}`);
      assert.notEqual(verdict, "clean");
      if (ENDING.some((one) => one === name)) {
        assert.equal(verdict, "dangerous", `${name} ${index}`);
      }
    }
    for (const size of [0, 1, 9, 0x7fffffff]) {
      assert.notEqual((await scan(lying(archive, 18, 4, () => size))).verdict, "clean");
    }
  }
});

test("flags that say encrypted hide no such member, and noise is no such member", async () => {
  for (const name of Object.keys(METHODS)) {
    const archive = read(`harmful/method_${name}.zip`);
    const flagged = await scan(lying(archive, 6, 2, (flags) => flags | 1));
    assert.equal(flagged.verdict, "dangerous", name);
    assert.ok(flagged.findings.some(({ ruleId }) => ruleId === "zip-flags"));
  }
  const seen = await run(zipFormat, read("unreadable/encrypted_ppmd.zip"));
  assert.deepEqual([seen.rules, seen.unread, seen.entries], [["zip-encrypted"], true, []]);
});

test("what does not fit into memory at once comes in passes", async () => {
  const data = Uint8Array.from({ length: 9_000_000 }, (_, at) => (at * at) >>> 7);
  const { packed = data } = member("big.bin", data);
  const { ZipMethodReader } = await import("../../codecs/zip_methods.ts");
  let spent = 0;
  const source = new ZipMethodReader(() => {}).open("big.bin", bytesSource("", packed), {
    ...{ method: 9, flags: 0, offset: 0, length: packed.length, size: data.length, crc: 0 },
    ...{ memory: 1 << 20, keep: 2_500_000, ratio: 1000, spend: (bytes) => void (spent += bytes) },
  });
  const seen = new Uint8Array(data.length);
  for (let at = 0; at < data.length; at += 65_536) {
    seen.set(await source.read(at, Math.min(65_536, data.length - at)), at);
  }
  assert.ok(Buffer.from(seen).equals(data));
  assert.equal((await source.read(data.length, 1)).length, 0);
  const { ended, produced } = source.progress();
  assert.deepEqual([ended, produced], [true, data.length]);
  assert.ok(spent > data.length && spent < data.length * 6, String(spent));
});

/** Deflate64 of a zero and as many runs of 65,538 more: length code 285 has 16 further bits there. */
function zeros(runs: number): Uint8Array {
  const run = [..."11000101", ..."1".repeat(16), ..."00000"];
  // The last block, fixed codes, a literal zero.
  const head = [..."1", ..."10", ..."00110000"];
  const body = new Array<readonly string[]>(8).fill(run).flat();
  const bits = [...head, ...new Array<readonly string[]>(runs / 8).fill(body).flat(), ..."0000000"];
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  bits.forEach((bit, at) => {
    if (bit === "1") bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (1 << (at & 7));
  });
  return bytes;
}

test("gigabytes of zeros by deflate64 are reported as a bomb, and what stands beside is found", async () => {
  const small = member("zeros", new Uint8Array(65_538 * 8 + 1));
  const few = await run(zipFormat, buildZip([{ ...small, packed: zeros(8) }]));
  assert.deepEqual([few.rules, few.error], [[], undefined]);
  const sizes = { size: 4_000_000_000, crc: 0 };
  const bomb = { ...member("zeros.pkl", EVIL, sizes), packed: zeros(61_040) };
  const report = await scan(buildZip([bomb, member("model.pkl", EVIL)]));
  assert.equal(report.verdict, "dangerous");
  assert.ok(report.findings.some(({ ruleId }) => ruleId === "zip-bomb"));
  assert.equal((await scan(buildZip([bomb]))).verdict, "incomplete");
});

test("a model that memory does not allow is not decoded", async () => {
  const bytes = read("harmful/method_ppmd.zip");
  const from = Buffer.from(bytes).indexOf("models/model.pkl") + 16;
  // Order 6, 256 MiB.
  bytes.set([0xf5, 0x0f], from);
  const report = await scan(bytes, { spoolBytes: 100 * 1024 * 1024 });
  assert.equal(report.verdict, "incomplete");
  assert.ok(report.findings.some(({ ruleId }) => ruleId === "scan-limit"));
});

test("a member that needs too much memory keeps no other from being read", async () => {
  // Order 6 and 256 MiB, and some bytes to decode.
  const packed = Uint8Array.of(0xf5, 0x0f, 0, 1, 2, 3, 4, 5, 6, 7);
  const bytes = buildZip([{ ...member("a", EVIL, { method: METHODS.ppmd }), packed }, {
    name: "model.pkl",
    data: EVIL,
  }]);
  const report = await scan(bytes, { spoolBytes: 100 * 1024 * 1024 });
  assert.equal(report.verdict, "dangerous");
  assert.ok(report.findings.some(({ ruleId }) => ruleId === "scan-limit"));
});

test("bytes that have to be waited for are read into memory first, within its limit", async () => {
  const bytes = buildZip([member("model.pkl", EVIL)]);
  const source = {
    name: "x.zip",
    size: bytes.length,
    access: "random" as const,
    read: (at: number, length: number) => Promise.resolve(bytes.slice(at, at + length)),
  };
  assert.equal((await scanSource(source, { rules })).verdict, "dangerous");
  const limits = { spoolBytes: 10 };
  assert.equal((await scanSource(source, { rules, limits })).verdict, "incomplete");
});

test("so many members that need 7-Zip that it would take minutes are an incomplete archive", async () => {
  const data = bytesOf("x");
  const many = Array.from({ length: 10_010 }, (_, at) => member(`m${at}`, data));
  const bytes = buildZip([...many, { name: "model.pkl", data: EVIL }]);
  const seen = await run(zipFormat, bytes, { readEntries: false });
  assert.deepEqual([seen.rules, seen.unread, seen.error], [["scan-limit"], true, undefined]);
  assert.deepEqual([seen.anomalies.length, seen.entries.length], [1, 10_001]);
  assert.equal(seen.entries.at(-1)?.part, "model.pkl");
});
