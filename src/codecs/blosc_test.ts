import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { inflateSync } from "node:zlib";
import { FormatError, LimitError } from "../core/errors.ts";
import { decodeBlosc, unshuffle } from "./blosc.ts";

/** Chunks of `np.arange(4096) % 97` as 32-bit integers, as PyTables 3.11.1 with c-blosc 1.21.6 writes them. */
const CHUNKS: Readonly<Record<string, string>> = {
  "blosclz":
    "020101040040000000400000f3000000140000007b0000003f000102030405060708090a0b0c0d0e0f1011121314" +
    "15161718191a1b1c1d1e1f1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f1f40" +
    "4142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f0060e0ffffffffffffffffffffffff" +
    "ffffffa260021314151c0000002300000000e0ffffffffffffffffffffffffffffffff0003020000001c00000023" +
    "00000000e0ffffffffffffffffffffffffffffffff0003020000001c0000002300000000e0ffffffffffffffffff" +
    "ffffffffffffff000302000000",
  "lz4":
    "020121040040000000400000ed000000140000007b000000ff52000102030405060708090a0b0c0d0e0f10111213" +
    "1415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f4041" +
    "42434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606100ffffffffffffffffffffffffff" +
    "ffff965011121314151a0000001f000100fffffffffffffffffffffffffffffff65000000000001a0000001f0001" +
    "00fffffffffffffffffffffffffffffff65000000000001a0000001f000100ffffffffffffffffffffffffffffff" +
    "f6500000000000",
  "zlib":
    "020161040040000000400000ff000000140000008d00000078daedcdd501820000054014bbbb5b01136c2c540cec" +
    "165b71ff291cc39f770b1ca152931aad4e6f309acc16abcdee70badc1eafcf1f0886c291682c9e48a6d2198a66b2" +
    "b97ca15862b972a55aab379a7cabdde9f684fe60288ec693a9349b2f96abf566bbdb1f8ea7b37cb9deee8fe7ebfd" +
    "51be0402040810204080000102040810204080e0dfc10f1029fce61a00000078daedc1010d000000c2a0f74f6d0f" +
    "0714000000f06e100000011a00000078daedc1010d000000c2a0f74f6d0f0714000000f06e100000011a00000078" +
    "daedc1010d000000c2a0f74f6d0f0714000000f06e10000001",
};
const EXPECTED = Buffer.alloc(4 * 4096);
for (let at = 0; at < 4096; at++) EXPECTED.writeInt32LE(at % 97, 4 * at);

const chunk = (name: string) => new Uint8Array(Buffer.from(CHUNKS[name] ?? "", "hex"));
const decode = (bytes: Uint8Array, most = 1 << 20) =>
  decodeBlosc(bytes, most, (codec, stream) => {
    assert.equal(codec, "zlib");
    return Promise.resolve(new Uint8Array(inflateSync(stream)));
  });

test("chunks of the real library are decoded, whatever their codec", async () => {
  for (const name of Object.keys(CHUNKS)) {
    assert.deepEqual(Buffer.from(await decode(chunk(name))), EXPECTED, name);
  }
});

test("a chunk that is cut off anywhere is malformed", async () => {
  for (const name of ["blosclz", "lz4"]) {
    const bytes = chunk(name);
    for (let length = 0; length < bytes.length; length++) {
      await assert.rejects(decode(bytes.subarray(0, length)), FormatError, `${name} ${length}`);
    }
  }
});

test("a size beyond the limit is refused before there is memory for it", async () => {
  await assert.rejects(decode(chunk("lz4"), 4 * 4096 - 1), LimitError);
  const lying = chunk("lz4");
  lying.fill(0xff, 4, 8);
  await assert.rejects(decode(lying), LimitError);
});

test("codecs and filters that are not read are refused, and not taken for others", async () => {
  for (const flags of [0x40, 0xa0, 0xe0, 0x24]) {
    const bytes = chunk("lz4");
    bytes[2] = flags;
    await assert.rejects(decode(bytes), FormatError, String(flags));
  }
});

test("a stored chunk is copied, an empty one is empty", async () => {
  const stored = Uint8Array.of(2, 1, 2, 1, 3, 0, 0, 0, 3, 0, 0, 0, 19, 0, 0, 0, 7, 8, 9);
  assert.deepEqual([...await decode(stored)], [7, 8, 9]);
  await assert.rejects(decode(stored.subarray(0, 18)), FormatError);
  const empty = Uint8Array.of(2, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0);
  assert.equal((await decode(empty)).length, 0);
});

test("blocks whose offset or length leads outside are malformed", async () => {
  for (const [at, value] of [[16, 0xff], [17, 0xff], [19, 0x7f], [23, 0x80]] as const) {
    const bytes = chunk("blosclz");
    bytes[at] = value;
    await assert.rejects(decode(bytes), FormatError, String(at));
  }
});

test("a match before the beginning is malformed", async () => {
  // One literal, then a match two bytes back.
  const block = [0x10, 0x61, 2, 0];
  const head = [2, 1, 0x30, 1, 16, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0];
  const bytes = Uint8Array.of(...head, block.length, 0, 0, 0, ...block);
  await assert.rejects(decode(bytes), /leads outside of itself/);
});

test("bytes of an element are put together, a rest stays as it is", () => {
  assert.deepEqual([...unshuffle(Uint8Array.of(1, 2, 3, 4, 5, 6, 7), 2)], [1, 4, 2, 5, 3, 6, 7]);
});
