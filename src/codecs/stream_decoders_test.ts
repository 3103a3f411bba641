import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { lzmaStream, xzStream } from "../../scripts/fuzz/compressions.ts";
import { FormatError, LimitError } from "../core/errors.ts";
import { bytesSource } from "../sources/memory.ts";
import { type Codec, decompress, type Progress } from "./decompress.ts";
import { LARGE_INPUT, SWEEP } from "../parsers/testing/sweep.ts";

/** `scripts/fixtures/containers.py` makes them with CPython's modules, python-lz4 and zstandard. */
const STREAMS = new URL("../../testdata/compressed/streams/", import.meta.url);
const PLAIN = read("plain");
const CODECS: Readonly<Record<string, Codec>> = {
  bz2: "bzip2",
  xz: "xz",
  lzma: "lzma",
  lz: "lzip",
  lz4: "lz4",
  zst: "zstandard",
};
const NAMES = readdirSync(STREAMS).filter((name) => name.includes(".")).sort();

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, STREAMS)));
}

function codecOf(name: string): Codec {
  const codec = CODECS[name.slice(name.lastIndexOf(".") + 1)];
  assert.ok(codec, name);
  return codec;
}

interface Decoded {
  readonly output: Uint8Array;
  readonly thrown: unknown;
  readonly progress: Progress;
}

async function decode(
  bytes: Uint8Array,
  codec: Codec,
  { ratio = Infinity, budget = Infinity, step = 1 << 16, access = "random" as const } = {},
): Promise<Decoded> {
  let spent = 0;
  const source = decompress("x", { ...bytesSource("x", bytes), access }, codec, {
    ratio,
    spend: (count) => {
      spent += count;
      if (spent > budget) throw new LimitError("expandedBytes", "spent");
    },
  });
  const chunks: Uint8Array[] = [];
  let thrown: unknown;
  let at = 0;
  try {
    for (;;) {
      const chunk = await source.read(at, step);
      if (chunk.length === 0) break;
      at += chunk.length;
      chunks.push(chunk.slice());
    }
  } catch (error) {
    thrown = error;
  }
  const output = new Uint8Array(at);
  at = 0;
  for (const chunk of chunks) {
    output.set(chunk, at);
    at += chunk.length;
  }
  return { output, thrown, progress: source.progress() };
}

function isPrefix(part: Uint8Array, complete: Uint8Array): boolean {
  return Buffer.compare(part, complete.subarray(0, part.length)) === 0;
}

test("every stream gives what was put in, to its end and with its checksums", async () => {
  assert.ok(NAMES.length > 30);
  for (const name of NAMES) {
    const bytes = read(name);
    const { output, thrown, progress } = await decode(bytes, codecOf(name));
    assert.equal(thrown, undefined, name);
    assert.equal(output.length, PLAIN.length, name);
    assert.ok(isPrefix(output, PLAIN), name);
    const { ended, mismatch, trailing, consumed } = progress;
    assert.deepEqual(
      [ended, mismatch, trailing, consumed],
      [true, undefined, undefined, bytes.length],
      name,
    );
  }
});

test("a stream cut off anywhere gives a part and says that it is cut off", async () => {
  for (const name of NAMES) {
    const bytes = read(name);
    for (let length = 3; length < bytes.length; length += 509) {
      const { output, thrown, progress } = await decode(bytes.subarray(0, length), codecOf(name));
      const label = `${name} at ${length}`;
      assert.ok(isPrefix(output, PLAIN), label);
      if (thrown === undefined) {
        // Between two streams, or behind the data where nothing marks the end.
        assert.ok(/^two_|^legacy|^skippable|^sized/u.test(name) || progress.cutOff, label);
        continue;
      }
      assert.ok(thrown instanceof FormatError, label);
      assert.ok(progress.cutOff, label);
    }
  }
});

test("what came before the cut is there, as far as the format allows", async () => {
  for (const name of ["crc64.xz", "marked.lzma", "one.lz", "best.lz4", "none.xz"]) {
    const bytes = read(name);
    const { output } = await decode(bytes.subarray(0, bytes.length - 100), codecOf(name));
    assert.ok(output.length > PLAIN.length / 2, `${name}: ${output.length}`);
  }
});

test("a stream with a wrong byte gives an error or a wrong checksum, and never hangs", async () => {
  let silent = 0;
  for (const name of NAMES) {
    const complete = read(name);
    for (let at = 1; at < complete.length; at += 997 * SWEEP) {
      const bytes = complete.slice();
      bytes[at] = (bytes[at] ?? 0) ^ 0x55;
      const { output, thrown, progress } = await decode(bytes, codecOf(name), { budget: 1 << 24 });
      if (thrown !== undefined) {
        assert.ok(
          thrown instanceof FormatError || thrown instanceof LimitError,
          `${name}: ${thrown}`,
        );
      } else if (progress.mismatch === undefined && progress.trailing === undefined) {
        const same = output.length === PLAIN.length && isPrefix(output, PLAIN);
        if (!same) silent++;
        assert.ok(
          same || /^(?:none|sha256|marked|sized|odd|legacy|default|two|skip)/u.test(name),
          name,
        );
      }
    }
  }
  assert.ok(silent > 0);
});

test("noise behind a magic number is refused", async () => {
  const magics: [Codec, number[]][] = [
    ["bzip2", [0x42, 0x5a, 0x68, 0x39, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59]],
    ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 4]],
    ["lzma", [0x5d, 0, 0, 0x80, 0, ...new Array(8).fill(0xff), 0]],
    ["lzip", [0x4c, 0x5a, 0x49, 0x50, 1, 0x14]],
    ["lz4", [0x04, 0x22, 0x4d, 0x18, 0x64, 0x40]],
    ["zstandard", [0x28, 0xb5, 0x2f, 0xfd]],
  ];
  for (const [codec, magic] of magics) {
    for (let seed = 1; seed < 60; seed++) {
      let state = seed;
      const bytes = Uint8Array.from({ length: 3000 }, () => {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0;
        return state >>> 16;
      });
      bytes.set(magic);
      const { thrown, progress } = await decode(bytes, codec, { budget: 1 << 26 });
      const reported = thrown instanceof FormatError || thrown instanceof LimitError ||
        progress.mismatch !== undefined;
      assert.ok(reported, `${codec} ${seed} ${thrown}`);
    }
  }
});

test("what follows the end is not used up", async () => {
  for (const name of ["level_9.bz2", "crc64.xz", "sized.lzma", "one.lz", "best.lz4", "fast.zst"]) {
    const complete = read(name);
    const bytes = new Uint8Array(complete.length + 7).fill(0x21);
    bytes.set(complete);
    const { output, thrown, progress } = await decode(bytes, codecOf(name));
    assert.deepEqual([thrown, output.length, progress.trailing], [
      undefined,
      PLAIN.length,
      complete.length,
    ], name);
  }
});

test("a budget ends decoding, and what came before it is there", async () => {
  for (const name of NAMES) {
    const { output, thrown } = await decode(read(name), codecOf(name), { budget: 1000, step: 10 });
    assert.ok(thrown instanceof LimitError, name);
    assert.ok(isPrefix(output, PLAIN), name);
  }
});

/** 2 MiB of zeros as one LZMA2 chunk that starts anew: `lzma.compress(…, format=FORMAT_RAW)`. */
const ZEROS = Uint8Array.from(
  atob(
    "//8RAWxdAABv/f//o7f/Rz5IFXI5YVG4kijmo4YH+e7kHoLTL8U6PAFLsX7JiopNL6MN2X+m44wjEVPgWRjFdYri" +
      "d/i2lH8MasDedElk4ulcU7IE2PdEDKtfDW1G6eXDdoi3llestk3haR1v+0uIEGxCy4g/XACP0E6vJiiUcR89jyTh" +
      "cJ6nI1/sKMuF0ZWYin4qkfIndfcZwAaYTZj92K/VkA/EJVP49ZE2MQWlsO5vwXBNRwzRkRGqrWAdus6xJxhcWYbp" +
      "ZlJYvul2rFnk5VsFCPnH2q38+1IrdM0eWyBC+d1TPfgpZAk7gMsqbN+1O/DEvS5fqg8+S2ZCkBMO/xCT+HF4WfgL" +
      "zf+VKEYPqfx83vuaMC5WwI+F84OBwGXEJVP49ZE2MQWlsO5vwXBNRwzRkRGqrWAdus6xJxhcWYbpZlJYvul2rFnk" +
      "5VsFCPnH2q38+1IrdM0eWyBC+d1TPfgpZAk7gMsqbN+1O/DEvEgn5lg=",
  ),
  (character) => character.charCodeAt(0),
);

test(
  "gigabytes of zeros are recognised by their ratio, in little memory",
  LARGE_INPUT,
  async () => {
    const header = read("none.xz").subarray(0, 12);
    const block = Uint8Array.of(2, 0, 0x21, 1, 22, 0, 0, 0, 0x74, 0x2f, 0xe5, 0xa3);
    const bytes = new Uint8Array(24 + ZEROS.length * 5000);
    bytes.set(header);
    bytes.set(block, 12);
    for (let at = 24; at < bytes.length; at += ZEROS.length) bytes.set(ZEROS, at);
    let produced = 0;
    const source = decompress("x", bytesSource("x", bytes), "xz", {
      ratio: 1100,
      spend: (count) => void (produced += count),
    });
    await assert.rejects(async () => {
      for (let at = 0;; at += 1 << 20) await source.read(at, 1 << 20);
    }, LimitError);
    assert.ok(produced < 140 * 1024 * 1024, String(produced));
  },
);

test("a dictionary is paid for when it is used, not when it is announced", async () => {
  const bytes = read("marked.lzma");
  bytes.set([0xff, 0xff, 0xff, 0xff], 1);
  const { output, thrown } = await decode(bytes, "lzma");
  assert.deepEqual([thrown, output.length], [undefined, PLAIN.length]);
});

test("between streams without output, of which there may be any number, the budget is asked", async () => {
  const text = new TextEncoder().encode("x");
  const xz = xzStream(new Uint8Array());
  const streams: readonly (readonly [Codec, Uint8Array])[] = [
    ["xz", xz],
    ["lzma", lzmaStream(new Uint8Array(), 65_536, true)],
    ["gzip", new Uint8Array(gzipSync(new Uint8Array()))],
    // A frame that is stepped over.
    ["lz4", Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0)],
    ["zstandard", Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0)],
  ];
  for (const [codec, stream] of streams) {
    const bytes = new Uint8Array(stream.length * 100 + 1);
    for (let at = 0; at < 100; at++) bytes.set(stream, at * stream.length);
    let asked = 0;
    const source = decompress("x", bytesSource("x", bytes), codec, {
      ratio: Infinity,
      spend: () => {
        if (++asked > 50) throw new LimitError("time", "It is late");
      },
    });
    await assert.rejects(() => source.read(0, 1), LimitError, codec);
  }
  // Padding of 16 MiB is stepped over at once, and what follows it is read.
  const padded = new Uint8Array((1 << 24) + 200);
  padded.set(xz);
  padded.set(xzStream(text), 1 << 24);
  const { output } = await decode(padded, "xz");
  assert.deepEqual(output, text);
});
