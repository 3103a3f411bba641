import assert from "node:assert/strict";
import { SWEEP } from "../parsers/testing/sweep.ts";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { deflateRawSync, deflateSync, gzipSync, inflateRawSync } from "node:zlib";
import { FormatError, LimitError } from "../core/errors.ts";
import { spool } from "../sources/forward.ts";
import { bytesSource } from "../sources/memory.ts";
import { adler32, crc32 } from "./checksums/crc32.ts";
import { type Codec, decompress, type DecompressOptions, tryInflate } from "./decompress.ts";

/** Reproducible noise. */
function noise(length: number, seed = 1): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state >>> 16;
  });
}

/** Text that gives long and short matches and rare symbols. */
function prose(length: number): Uint8Array {
  const words = [
    "the ",
    "tensor ",
    "of ",
    "weights\n",
    "é",
    "\u0000\u0001",
    "layer.0.weight",
    "  ",
  ];
  const pick = noise(length, 7);
  const encoder = new TextEncoder();
  const bytes = new Uint8Array(length + 64);
  let at = 0;
  for (let i = 0; at < length; i++) {
    const word = encoder.encode(words[(pick[i] ?? 0) % words.length] ?? "");
    bytes.set(word, at);
    at += word.length;
  }
  return bytes.subarray(0, length);
}

const free: Pick<DecompressOptions, "ratio" | "spend"> = { ratio: 1100, spend: () => {} };

function open(bytes: Uint8Array, codec: Codec, options: Partial<typeof free> = {}) {
  return decompress("d", bytesSource("c", bytes), codec, { ...free, ...options });
}

async function all(bytes: Uint8Array, codec: Codec): Promise<Uint8Array> {
  const source = open(bytes, codec);
  const spooled = await spool(source, 1 << 28);
  if (source.error) throw source.error;
  return await spooled.read(0, spooled.size ?? 0);
}

test("crc32 and adler32 give the published check values, whole and in parts", () => {
  const bytes = new TextEncoder().encode("123456789");
  assert.equal(crc32(bytes), 0xcbf43926);
  assert.equal(crc32(bytes.subarray(4), crc32(bytes.subarray(0, 4))), 0xcbf43926);
  assert.equal(adler32(bytes), 0x091e01de);
  assert.equal(adler32(bytes.subarray(4), adler32(bytes.subarray(0, 4))), 0x091e01de);
  assert.equal(crc32(new Uint8Array(0)), 0);
  assert.equal(adler32(new Uint8Array(100_000).fill(255)), 0x149a302c);
});

test("every level and strategy of deflate is decoded to the same bytes", async () => {
  const inputs = [new Uint8Array(0), prose(5), prose(100_000), noise(80_000), new Uint8Array(3e5)];
  for (const input of inputs) {
    for (const level of [0, 1, 6, 9]) {
      for (const strategy of [0, 2, 3, 4]) {
        const packed = deflateRawSync(input, { level, strategy });
        assert.ok(Buffer.from(await all(packed, "deflate")).equals(input), `${level} ${strategy}`);
      }
    }
    assert.ok(Buffer.from(await all(deflateSync(input), "zlib")).equals(input));
    assert.ok(Buffer.from(await all(gzipSync(input), "gzip")).equals(input));
  }
});

test("a deflate stream ends where it ends, whatever follows", async () => {
  const packed = deflateRawSync(prose(10_000));
  const source = open(Buffer.concat([packed, noise(5000)]), "deflate");
  assert.equal((await spool(source, 1e6)).size, 10_000);
  const progress = source.progress();
  assert.equal(progress.consumed, packed.length);
  assert.equal(progress.crc, crc32(prose(10_000)));
  assert.ok(progress.ended);
});

test("a stream cut at any byte gives a prefix and then a format error", async () => {
  const plain = prose(2000);
  for (const codec of ["deflate", "zlib", "gzip"] as const) {
    const make = { deflate: deflateRawSync, zlib: deflateSync, gzip: gzipSync }[codec];
    const packed = make(plain);
    for (let length = 0; length < packed.length; length++) {
      const source = open(packed.subarray(0, length), codec);
      let got: Uint8Array = new Uint8Array(0);
      try {
        got = (await source.read(0, 4000)).slice();
        await source.read(got.length, 1);
      } catch (error) {
        assert.ok(error instanceof FormatError);
      }
      assert.ok(Buffer.from(plain.subarray(0, got.length)).equals(got));
      const trailer = { deflate: 0, zlib: 4, gzip: 8 }[codec];
      if (length < packed.length - trailer) assert.ok(source.error instanceof FormatError);
      else assert.match(source.progress().mismatch ?? "", /cut off/);
      assert.ok(source.progress().cutOff);
    }
  }
});

test("a stream broken in the middle gives all that came before", async () => {
  const first = deflateRawSync(prose(70_000), { finishFlush: 2 });
  const source = open(Buffer.concat([first, Uint8Array.of(7)]), "deflate");
  assert.equal((await source.read(0, 100_000)).length, 70_000);
  await assert.rejects(source.read(70_000, 1), /invalid block type/);
});

test("noise is never decoded for long and never crashes", async () => {
  for (let seed = 1; seed <= 2000; seed += SWEEP) {
    const bytes = noise(400, seed);
    const mine = tryInflate(bytes, 1 << 20);
    let theirs: Uint8Array | undefined;
    try {
      theirs = inflateRawSync(bytes);
    } catch {
      theirs = undefined;
    }
    if (theirs !== undefined) assert.ok(Buffer.from(mine.output).equals(theirs));
    assert.ok(mine.output.length < 400 * 1100);
  }
  await assert.rejects(all(noise(1000, 3), "zlib"), FormatError);
  await assert.rejects(all(noise(1000, 3), "gzip"), FormatError);
});

test("flipped bits give an error, a remark or the same bytes, as zlib has it", async () => {
  const plain = prose(3000);
  const packed = gzipSync(plain);
  for (let bit = 80; bit < packed.length * 8; bit += 13) {
    const broken = Uint8Array.from(packed);
    broken[bit >> 3] = (broken[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const source = open(broken, "gzip");
    const bytes = await source.read(0, 1e7).catch(() => new Uint8Array(0));
    const same = Buffer.from(bytes).equals(plain);
    assert.ok(source.error || source.progress().mismatch || same);
  }
});

test("malformed headers are distinguished", async () => {
  const cases: [string, Codec, number[], RegExp][] = [
    ["empty zlib", "zlib", [], /zlib header/],
    ["one byte", "zlib", [0x78], /zlib header/],
    ["wrong check bits", "zlib", [0x78, 0x9d, 3, 0], /zlib header/],
    ["wrong method", "zlib", [0x79, 0x9c], /zlib header/],
    ["dictionary", "zlib", [0x78, 0xbb, 0, 0, 0, 0], /dictionary/],
    ["empty gzip", "gzip", [], /no end/],
    ["wrong magic", "gzip", [0x1f, 0x8c, 8, 0, 0, 0, 0, 0, 0, 0], /none/],
    ["wrong method", "gzip", [0x1f, 0x8b, 7, 0, 0, 0, 0, 0, 0, 0], /method 7/],
    ["extra field that lies", "gzip", [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0, 255, 255], /no end/],
    ["name without end", "gzip", [0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 0, 65, 65], /no end/],
    ["stored length that lies", "deflate", [1, 5, 0, 5, 0], /invalid stored block lengths/],
    ["block type 3", "deflate", [7], /invalid block type/],
    ["distance before the start", "deflate", [0x63, 0x00, 0x11, 0x00], /./],
    ["nothing", "deflate", [], /cut off/],
  ];
  for (const [what, codec, bytes, expected] of cases) {
    await assert.rejects(all(Uint8Array.from(bytes), codec), (error) => {
      assert.ok(error instanceof FormatError, what);
      assert.match(error.message, expected, what);
      return true;
    });
  }
});

test("gzip members in a row are one stream, with or without zeros between", async () => {
  const a = gzipSync(prose(1000), { level: 9 });
  const b = gzipSync(noise(1000));
  for (const gap of [0, 512]) {
    const joined = Buffer.concat([a, new Uint8Array(gap), b, new Uint8Array(gap)]);
    const plain = await all(joined, "gzip");
    assert.ok(Buffer.from(plain).equals(Buffer.concat([prose(1000), noise(1000)])));
    const source = open(joined, "gzip");
    await spool(source, 1e6);
    assert.equal(source.progress().mismatch, undefined);
    assert.equal(source.progress().trailing, undefined);
    assert.ok(source.progress().consumed >= a.length + gap + b.length);
  }
});

test("trailing data and wrong checksums are remarked upon, not fatal", async () => {
  for (
    const [codec, packed] of [["zlib", deflateSync(prose(99))], [
      "gzip",
      gzipSync(prose(99)),
    ]] as const
  ) {
    const trailing = open(Buffer.concat([packed, Uint8Array.of(1, 2, 3)]), codec);
    assert.equal((await spool(trailing, 1e6)).size, 99);
    assert.equal(trailing.progress().trailing, packed.length);
    const broken = Uint8Array.from(packed);
    broken[packed.length - 5] = (broken[packed.length - 5] ?? 0) ^ 1;
    const flipped = open(broken, codec);
    await spool(flipped, 1e6).catch(() => undefined);
    assert.ok(flipped.error || flipped.progress().mismatch);
  }
  const length = gzipSync(prose(99));
  length[length.length - 4] = 98;
  const source = open(length, "gzip");
  await spool(source, 1e6);
  assert.match(source.progress().mismatch ?? "", /length does not match/);
});

test("gzip headers with extra field, name, comment and checksum are stepped over", async () => {
  const plain = gzipSync(prose(50));
  const header = [0x1f, 0x8b, 8, 0x1e, 0, 0, 0, 0, 0, 3, 2, 0, 9, 9, 65, 0, 66, 67, 0, 1, 2];
  const bytes = Buffer.concat([Uint8Array.from(header), plain.subarray(10)]);
  assert.equal((await all(bytes, "gzip")).length, 50);
});

test("a bomb is stopped by the ratio and by the budget, with what came before", async () => {
  const packed = deflateRawSync(new Uint8Array(24 * 1024 * 1024), { level: 9 });
  const ratio = open(packed, "deflate", { ratio: 100 });
  await assert.rejects(
    (async () => {
      for (let at = 0;; at += 1 << 16) if ((await ratio.read(at, 1 << 16)).length === 0) return;
    })(),
    (error) => error instanceof LimitError && error.limit === "ratio",
  );
  assert.ok(ratio.progress().produced < 17 * 1024 * 1024);
  let spent = 0;
  const budget = open(packed, "deflate", {
    spend: (bytes: number) => {
      spent += bytes;
      if (spent > 1_000_000) throw new LimitError("expandedBytes", "spent");
    },
  });
  assert.ok((await budget.read(0, 2_000_000)).length > 900_000);
  await assert.rejects(budget.read(1_000_000, 10), LimitError);
  assert.ok(budget.error instanceof LimitError);
  assert.equal((await all(packed, "deflate")).length, 24 * 1024 * 1024);
});

test("compressed bytes are sliced to the length that was said", async () => {
  const packed = deflateRawSync(prose(1000));
  const bytes = bytesSource("c", Buffer.concat([Uint8Array.of(1, 2, 3), packed, packed]));
  const source = decompress("d", bytes, "deflate", { ...free, offset: 3, length: packed.length });
  assert.equal((await spool(source, 1e6)).size, 1000);
  const short = decompress("d", bytes, "deflate", { ...free, offset: 3, length: 10 });
  await assert.rejects(spool(short, 1e6));
  assert.ok(short.error instanceof FormatError);
});
