import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { lzmaStream, xzStream } from "../../../scripts/fuzz/compressions.ts";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { bytesSource } from "../../sources/memory.ts";

/**
 * `cos\nsys` and what makes a call of it, by CPython's `lzma.compress(…, format=FORMAT_ALONE)` with a
 * dictionary of 64 KiB, the second part as xz as well, and nothing at all.
 */
const FIRST = base64("XQAAAQD//////////wAxm8rGsnxl4P7Fav/+/bAA");
const SECOND = base64("XQAAAQD//////////wA6GUn3iENZXEaAgJiadbko7Mx2yZUYQPv//0fcAAA=");
const SECOND_XZ = base64(
  "/Td6WFoAAAD/EtlBAgAhARYAAAB0L+WjAQASdGVtCihTJ2VjaG8gaGknCnRSLgAAAAEjE5SDkRoGcp56AQAAAAAAWVo=",
);
const EMPTY = base64("XQAAAQD//////////wCD//v//8AAAAA=");

function base64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64"));
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

async function scan(bytes: Uint8Array, name = "noname") {
  return await scanSource(bytesSource(name, bytes), { rules: loadRules() });
}

/** Written into the header of LZMA-alone, behind the byte of properties. */
function withHeader(bytes: Uint8Array, dictionary: number, size?: number): Uint8Array {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  view.setUint32(1, dictionary, true);
  if (size !== undefined) view.setBigUint64(5, BigInt(size), true);
  return copy;
}

test("streams of any kind one behind the other are one pickle, as Python's lzma gives it", async () => {
  const files = [
    join(FIRST, SECOND),
    join(FIRST, SECOND_XZ),
    join(EMPTY, FIRST, EMPTY, SECOND),
    join(withHeader(EMPTY, 65536, 0), FIRST, SECOND_XZ, SECOND_XZ),
  ];
  for (const [at, bytes] of files.entries()) {
    const report = await scan(bytes);
    assert.equal(report.verdict, "dangerous", String(at));
    const calls = report.findings.filter(({ message }) => message.includes("os.system('echo hi')"));
    assert.equal(calls.length, 1, String(at));
  }
});

test("any dictionary that liblzma takes is taken, none at all too", async () => {
  for (const dictionary of [0, 1, 2, 3, 4096, 6144, 65536, 0x8000_0000, 0xffff_ffff]) {
    const file = join(withHeader(FIRST, dictionary), withHeader(SECOND, dictionary));
    assert.equal((await scan(file)).verdict, "dangerous", String(dictionary));
  }
  for (const dictionary of [5, 4097, 0x8000_0001]) {
    const file = join(withHeader(FIRST, dictionary), withHeader(SECOND, dictionary));
    assert.equal((await scan(file)).verdict, "skipped", String(dictionary));
  }
});

test("a second stream that is cut off or broken is reported", async () => {
  const complete = join(FIRST, SECOND);
  for (let length = FIRST.length + 1; length < complete.length; length++) {
    const { verdict } = await scan(complete.subarray(0, length), "m.pkl.lzma");
    assert.notEqual(verdict, "clean", String(length));
    assert.notEqual(verdict, "skipped", String(length));
  }
});

test("a stream whose length is stated ends there, and another may follow", async () => {
  // Without contexts of literals and positions, and of other dictionaries.
  const first = lzmaStream(bytesOf("cos\nsystem\n(S'e"), 4096, false);
  const second = lzmaStream(bytesOf("cho hi'\ntR."), 6144, false);
  const empty = lzmaStream(new Uint8Array(), 1 << 20, false);
  const files = [
    join(first, second),
    join(empty, first, empty, second),
    join(xzStream(bytesOf("cos\nsystem\n(S'e")), lzmaStream(bytesOf("cho hi'\ntR."), 0, true)),
    join(
      xzStream(bytesOf("cos\nsystem\n(S'e")),
      new Uint8Array(8),
      xzStream(bytesOf("cho hi'\ntR.")),
    ),
  ];
  for (const [at, bytes] of files.entries()) {
    assert.equal((await scan(bytes)).verdict, "dangerous", String(at));
  }
  // What is no end to the coder is no stream: noise would pass.
  const broken = join(first.slice(0, -1), Uint8Array.of(0x55), second);
  assert.equal((await scan(broken)).verdict, "skipped");
});

test("zeros are no stream that is empty", async () => {
  assert.equal((await scan(new Uint8Array(200))).verdict, "skipped");
});
