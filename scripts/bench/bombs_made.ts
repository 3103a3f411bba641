/**
 * How each bomb of `bombs.ts` is made. None is unpacked to be made: zeros are compressed once and
 * the piece is repeated, and large files are written in parts.
 *
 * @module
 */

import {
  closeSync,
  copyFileSync,
  ftruncateSync,
  openSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { fileURLToPath } from "node:url";
import { constants, deflateRawSync } from "node:zlib";
import { sevenZip, zeros } from "../../src/formats/testing/sevenzip.ts";
import { buildZip, bytesOf, type Entry, join, numbers } from "../../src/formats/testing/zip.ts";

/** One of them. */
interface Bomb {
  /** Its name in the cache. */
  readonly file: string;
  /** Its name in the table. */
  readonly what: string;
  readonly verdict: "incomplete" | "clean";
  /** Bytes that may be read of it, where that is the point. */
  readonly mostRead?: number;
  make(path: string): void;
}

const MEGABYTE = 1024 * 1024;
const TEN_GIGABYTES = 10_000 * MEGABYTE;
const MILLION = 1_000_000;
const PIECE_BYTES = 64 * MEGABYTE;
const LEVELS = 1000;
/** A pickle of an empty dictionary. */
const HARMLESS = Uint8Array.of(0x80, 2, 0x7d, 0x2e);
const SAMPLES = fileURLToPath(new URL("../../testdata/", import.meta.url));

export const BOMBS: readonly Bomb[] = [
  {
    file: "42.zip",
    what: "42.zip's kind: 16 zips in each of 5 levels, 4 GB in each of the last",
    verdict: "incomplete",
    make: make42,
  },
  {
    file: "zeros-10.gz",
    what: "10 GB of zeros as gzip",
    verdict: "incomplete",
    make: (path) => writeFileSync(path, gzipZeros(TEN_GIGABYTES)),
  },
  { file: "zeros-10.7z", what: "10 GB of zeros as 7z", verdict: "incomplete", make: make7zZeros },
  {
    file: "quine.zip",
    what: "zip that holds itself",
    verdict: "incomplete",
    make: (path) => copyFileSync(`${SAMPLES}zip/unreadable/quine.zip`, path),
  },
  {
    file: "quine.gz",
    what: "gzip that holds itself",
    verdict: "incomplete",
    make: (path) => copyFileSync(`${SAMPLES}compressed/unreadable/quine.gz`, path),
  },
  {
    file: "overlap.zip",
    what: "zip of 60,000 members over the same bytes",
    verdict: "incomplete",
    make: makeOverlap,
  },
  {
    file: "million.zip",
    what: "1,000,000 empty members as zip",
    verdict: "incomplete",
    make: (path) => makeZip(path, MILLION, new Uint8Array(0)),
  },
  {
    file: "million.tar",
    what: "1,000,000 empty members as tar",
    verdict: "incomplete",
    make: (path) => makeTar(path, MILLION, new Uint8Array(0)),
  },
  {
    file: "million.7z",
    what: "1,000,000 empty members as 7z",
    verdict: "incomplete",
    make: (path) => writeFileSync(path, sevenZip(members(MILLION, new Uint8Array(0)))),
  },
  {
    file: "levels.zip",
    what: "1,000 zips in one another",
    verdict: "incomplete",
    make: (path) => makeLevels(path, (name, data) => buildZip([{ name, data }])),
  },
  {
    file: "levels.tar",
    what: "1,000 tars in one another",
    verdict: "incomplete",
    make: (path) =>
      makeLevels(path, (name, data) => join(...tarMember(name, data), new Uint8Array(1024))),
  },
  {
    file: "levels.7z",
    what: "1,000 7z in one another",
    verdict: "incomplete",
    make: (path) => makeLevels(path, (name, data) => sevenZip([{ name, data }])),
  },
  {
    file: "levels.gz",
    what: "1,000 gzips in one another",
    verdict: "incomplete",
    make: (path) => makeLevels(path, (_, data) => gzipStored(data)),
  },
  {
    file: "hundred.zip",
    what: "100,000 small members as zip",
    verdict: "clean",
    make: (path) => makeZip(path, 100_000, HARMLESS),
  },
  {
    file: "hundred.tar",
    what: "100,000 small members as tar",
    verdict: "clean",
    make: (path) => makeTar(path, 100_000, HARMLESS),
  },
  {
    file: "hundred.7z",
    what: "100,000 small members as 7z",
    verdict: "clean",
    make: (path) => writeFileSync(path, sevenZip(members(100_000, HARMLESS))),
  },
  {
    file: "deflate64.zip",
    what: "100,000 small members by deflate64",
    verdict: "incomplete",
    make: (path) => makeDeflate64(path, 100_000),
  },
  {
    file: "stored.zip",
    what: "zip of 2 GB with one stored member",
    verdict: "clean",
    mostRead: MEGABYTE,
    make: makeStored,
  },
];

function name(index: number): string {
  return `m/${index}.pkl`;
}

function members(count: number, data: Uint8Array) {
  return Array.from({ length: count }, (_, index) => ({ name: name(index), data }));
}

/** A deflate stream of zeros: one piece, flushed to a byte's end, as often as needed. */
function deflateZeros(size: number): Uint8Array {
  const count = size / PIECE_BYTES;
  const piece = deflateRawSync(new Uint8Array(PIECE_BYTES), {
    finishFlush: constants.Z_FULL_FLUSH,
  });
  return join(...new Array<Uint8Array>(count).fill(piece), Uint8Array.of(1, 0, 0, 0xff, 0xff));
}

/** The checksum is invalid: no reader reaches it. */
function gzipZeros(size: number): Uint8Array {
  const rounded = Math.ceil(size / PIECE_BYTES) * PIECE_BYTES;
  return join(gzipHead(), deflateZeros(rounded), numbers([4, 0], [4, rounded % 2 ** 32]));
}

function gzipHead(): Uint8Array {
  return Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff);
}

/** Gzip around a stored block, with an invalid checksum. */
function gzipStored(data: Uint8Array): Uint8Array {
  const length = data.length;
  const head = numbers([1, 1], [2, length], [2, length ^ 0xffff]);
  return join(gzipHead(), head, data, numbers([4, 0], [4, length]));
}

function make7zZeros(path: string): void {
  const before = Uint8Array.of(0);
  const coder = zeros(5000, before, before);
  const [, middle = 0] = coder.sizes ?? [];
  writeFileSync(
    path,
    sevenZip([{ name: "zeros.bin", data: before }], { ...coder, sizes: [middle + 2] }),
  );
}

function make42(path: string): void {
  const size = 4096 * MEGABYTE - PIECE_BYTES;
  let data = buildZip([{
    name: "0.dll",
    data: "",
    packed: deflateZeros(size),
    local: { method: 8, size },
    central: { method: 8, size },
  }]);
  for (let level = 0; level < 5; level++) {
    const packed = new Uint8Array(deflateRawSync(data, { level: 9 }));
    data = buildZip(Array.from({ length: 16 }, (_, at): Entry => {
      const fields = { method: 8, size: data.length };
      return { name: `lib ${at.toString(16)}.zip`, data, packed, local: fields, central: fields };
    }));
  }
  writeFileSync(path, data);
}

/** All records of the directory lead to one member, as in David Fifield's "A better zip bomb". */
function makeOverlap(path: string): void {
  const packed = deflateZeros(PIECE_BYTES);
  const fields = { method: 8, size: PIECE_BYTES, offset: 0 };
  const one: Entry = { name: "0", data: "", packed, local: fields, central: fields };
  const archive = buildZip([one]);
  const local = archive.subarray(0, 31 + packed.length);
  const record = archive.subarray(local.length, local.length + 47);
  const directory = join(...new Array<Uint8Array>(60_000).fill(record));
  for (let at = 0; at < 60_000; at++) directory[at * 47 + 46] = 0x30 + at % 64;
  const counts = numbers([4, 0x06054b50], [4, 0], [2, 60_000], [2, 60_000], [4, directory.length]);
  writeFileSync(path, join(local, directory, counts, numbers([4, local.length], [2, 0])));
}

function makeZip(path: string, count: number, data: Uint8Array): void {
  const entries = members(count, data);
  // The counts have 16 bits only: zip64.
  writeFileSync(path, buildZip(entries, { zip64: true, entries: count }));
}

/** A method that 7-Zip has to be called for; without references back it is plain deflate. */
function makeDeflate64(path: string, count: number): void {
  const packed = new Uint8Array(deflateRawSync(HARMLESS, { strategy: constants.Z_HUFFMAN_ONLY }));
  const fields = { method: 9 };
  const entries = members(count, HARMLESS).map((one): Entry => ({
    ...one,
    packed,
    local: fields,
    central: fields,
  }));
  writeFileSync(path, buildZip(entries, { zip64: true, entries: count }));
}

function makeStored(path: string): void {
  const size = 2000 * MEGABYTE;
  const sizes = { size, compressedSize: size, crc: 0 };
  const archive = buildZip([{ name: "weights.bin", data: "", local: sizes, central: sizes }]);
  const local = 30 + "weights.bin".length;
  const directory = archive.slice(local);
  const end = new DataView(directory.buffer, directory.length - 22);
  end.setUint32(16, local + size, true);
  const file = openSync(path, "w");
  writeSync(file, archive, 0, local);
  ftruncateSync(file, local + size);
  writeSync(file, directory, 0, directory.length, local + size);
  closeSync(file);
}

/** A ustar header, the data and its padding. */
function tarMember(path: string, data: Uint8Array): Uint8Array[] {
  const header = new Uint8Array(512);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, "0")}\0`;
  const put = (at: number, text: string) => header.set(bytesOf(text), at);
  put(0, path);
  put(100, octal(0o644, 7));
  put(124, octal(data.length, 11));
  put(136, octal(0, 11));
  put(148, "        ");
  put(156, "0");
  put(257, "ustar\u000000");
  put(148, `${octal(header.reduce((sum, byte) => sum + byte, 0), 6)} `);
  return [header, data, new Uint8Array(-data.length & 511)];
}

function makeTar(path: string, count: number, data: Uint8Array): void {
  const file = openSync(path, "w");
  for (let at = 0; at < count; at += 1000) {
    writeSync(
      file,
      join(...Array.from({ length: 1000 }, (_, index) => tarMember(name(at + index), data)).flat()),
    );
  }
  writeSync(file, new Uint8Array(1024));
  closeSync(file);
}

function makeLevels(path: string, wrap: (name: string, data: Uint8Array) => Uint8Array): void {
  let data: Uint8Array = HARMLESS;
  for (let level = 0; level < LEVELS; level++) data = wrap(level === 0 ? "a.pkl" : "inner", data);
  writeFileSync(path, data);
}
