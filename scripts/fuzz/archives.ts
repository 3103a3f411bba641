/**
 * Archives with a harmful pickle and an inconsistent structure: what one reader finds, another does not.
 * Layouts: PKWARE's APPNOTE.TXT, POSIX.1-2024 (ustar, pax), 7zFormat.txt, RFC 1951 and 1952.
 *
 * @module
 */

import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { crc32 } from "../../src/codecs/checksums/crc32.ts";
import { sevenZip } from "../../src/formats/testing/sevenzip.ts";
import { buildZip, type End, type Entry, type Fields } from "../../src/formats/testing/zip.ts";
import { big, BOUNDARIES, HARMFUL_PICKLES, HARMLESS_PICKLE, join, little } from "./bytes.ts";
import type { Dice } from "./dice.ts";
import type { Generated } from "./generated.ts";

const NAMES = [
  ...["archive/data.pkl", "data.pkl", "archive/version", "a.txt", "archive/data/0", "config.json"],
  ...["../up.pkl", "/abs.pkl", "a\\b.pkl", "o.npy", "folder/", "x", "A/DATA.PKL", "data.pkl\0.txt"],
];

function content(dice: Dice): Uint8Array {
  return dice.chance(2, 3)
    ? dice.pick(HARMFUL_PICKLES)
    : dice.pick([HARMLESS_PICKLE, join("3\n"), new Uint8Array(), dice.bytes(40)]);
}

/** One or two fields of a header that differ from the truth. */
function wrongFields(dice: Dice, lengths: readonly number[]): Partial<Fields> {
  if (!dice.chance(1, 2)) return {};
  const some = Number(dice.pick(BOUNDARIES) & 0xffff_ffffn);
  const near = dice.pick(lengths) + dice.pick([-1, 0, 1, 30]);
  return dice.pick<Partial<Fields>>([
    { name: dice.pick(NAMES) },
    { flags: 1 << dice.below(16) },
    { method: dice.pick([0, 8, 9, 12, 14, 93, 95, 99, 0xffff]) },
    { crc: some },
    { compressedSize: dice.chance(1, 2) ? some : near },
    { size: dice.chance(1, 2) ? some : near },
    { compressedSize: 0xffff_ffff, size: 0xffff_ffff },
    { offset: dice.chance(1, 2) ? some : near },
    { compressedSize: 0, size: 0 },
  ]);
}

function extra(dice: Dice): Uint8Array {
  const values = Array.from({ length: dice.below(4) }, () => little(8, dice.pick(BOUNDARIES)));
  const data = join(...values);
  return join(
    little(2, dice.pick([1, 0x7075, 0x5455])),
    little(2, data.length + dice.pick([0, 0, 1, 90])),
    data,
  );
}

function zipEntry(dice: Dice, lengths: readonly number[]): Entry {
  const data = content(dice);
  const deflate = dice.chance(1, 3);
  return {
    name: dice.pick(NAMES),
    data,
    deflate,
    ...(dice.chance(1, 8) && { packed: new Uint8Array(deflateRawSync(data).subarray(0, -1)) }),
    local: wrongFields(dice, lengths),
    central: wrongFields(dice, lengths),
    hidden: dice.chance(1, 10),
    descriptor: dice.chance(1, 6),
    ...(dice.chance(1, 8) && { localExtra: extra(dice) }),
    ...(dice.chance(1, 8) && { centralExtra: extra(dice) }),
    ...(dice.chance(1, 10) && { gap: content(dice) }),
    ...(dice.chance(1, 10) && { attributes: dice.word() }),
  };
}

/** A zip archive whose headers contradict each other. */
export function lyingZip(dice: Dice): Generated {
  const lengths = [0, 30, 46, 60, 100, 130, 200];
  const entries = Array.from({ length: 1 + dice.below(4) }, () => zipEntry(dice, lengths));
  const end: Partial<End> = dice.chance(1, 3)
    ? dice.pick<Partial<End>>([
      { entries: dice.below(4) },
      { directorySize: dice.below(300) },
      { directoryOffset: dice.below(300) },
      { comment: buildZip([zipEntry(dice, lengths)]) },
      { commentLength: dice.below(70) },
      { zip64: true },
      { zip64: true, directorySize: dice.below(300), entries: dice.below(4) },
      { zip64: true, directoryOffset: dice.below(300) },
      { gap: content(dice) },
      { gap: buildZip([zipEntry(dice, lengths)]) },
    ])
    : {};
  let bytes = buildZip(entries, end);
  if (end.zip64 === true && dice.chance(1, 2)) {
    // Behind a locator some readers ask nothing of the record's own numbers.
    bytes = join(bytes.subarray(0, -12), dice.bytes(8), little(2, 0), bytes.subarray(-2));
  }
  if (dice.chance(1, 6)) bytes = join(dice.chance(1, 2) ? content(dice) : dice.bytes(30), bytes);
  if (dice.chance(1, 6)) bytes = join(bytes, dice.chance(1, 2) ? content(dice) : buildZip(entries));
  return { name: dice.pick(["m.pt", "m.zip", "m.npz", "noname"]), bytes };
}

/** A field of a tar header: octal, octal without end, base 256, blanks, signs, junk. */
function tarNumber(dice: Dice, width: number, value: number): Uint8Array {
  const octal = value.toString(8);
  if (dice.chance(5, 6)) return join(`${octal.padStart(width - 1, "0")}\0`);
  return dice.pick([
    join(octal.padStart(width, "0")),
    join(`${octal.padStart(width - 2, " ")} \0`),
    join([0x80], big(width - 1, value).subarray(-(width - 1))),
    join([0xff], new Uint8Array(width - 1).fill(0xff)),
    join(`-${octal}`.padEnd(width, "\0")),
    join(`${octal}x`.padEnd(width, "\0")),
    new Uint8Array(width),
  ]).subarray(0, width);
}

/** Type flags: files, links, folders, devices, pax, GNU's long names and sparse files, unknown ones. */
const TYPES = ["0", "0", "0", "\0", "1", "2", "5", "7", "x", "g", "L", "K", "S", "D", "Z", "A"];

function tarMember(dice: Dice): Uint8Array {
  const type = dice.pick(TYPES);
  const record = (key: string, value: string): string => {
    const rest = ` ${key}=${value}\n`;
    return `${rest.length + String(rest.length + 2).length}${rest}`;
  };
  const data = type === "x" || type === "g"
    ? join(
      record(
        dice.pick(["path", "size", "linkpath", "GNU.sparse.size", "hdrcharset"]),
        dice.pick(["data.pkl", "54", "0", "../a", "999999999"]),
      ),
    )
    : type === "L" || type === "K"
    ? join(dice.pick(NAMES), "\0")
    : content(dice);
  const header = new Uint8Array(512);
  const sizeError = dice.chance(1, 10) ? dice.pick([1, -1, 512, 1 << 30]) : 0;
  const size = tarNumber(dice, 12, Math.max(0, data.length + sizeError));
  header.set(join(dice.pick(NAMES)).subarray(0, 100), 0);
  header.set(join("0000644\0", "0000000\0", "0000000\0"), 100);
  header.set(size.subarray(0, 12), 124);
  header.set(join("00000000000\0        ", type, dice.chance(1, 5) ? dice.pick(NAMES) : ""), 136);
  header.set(join(dice.pick(["ustar\0" + "00", "ustar  \0", "\0\0\0\0\0\0\0\0"])), 257);
  if (dice.chance(1, 12)) header.set(dice.bytes(20), 345);
  const sum = header.reduce((total, byte) => total + byte, 0) + (dice.chance(1, 15) ? 1 : 0);
  header.set(join(sum.toString(8).padStart(6, "0"), "\0 "), 148);
  const padding = dice.chance(1, 15) ? 0 : (512 - data.length % 512) % 512;
  return join(header, data, new Uint8Array(padding));
}

/** A tar archive of one to five members, with or without its end. */
export function lyingTar(dice: Dice): Generated {
  const members = Array.from({ length: 1 + dice.below(5) }, () => tarMember(dice));
  if (dice.chance(1, 5)) members.splice(dice.below(members.length + 1), 0, new Uint8Array(512));
  const end = new Uint8Array(512 * dice.below(3));
  return { name: dice.pick(["m.tar", "m.pt", "noname"]), bytes: join(...members, end) };
}

/** A 7-Zip archive whose directory is changed and whose checksums are right nevertheless. */
export function lyingSevenZip(dice: Dice): Generated {
  const members = Array.from(
    { length: 1 + dice.below(3) },
    () => ({ name: dice.pick(NAMES), data: content(dice) }),
  );
  const bytes = sevenZip(members);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const start = 32 + Number(view.getBigUint64(12, true));
  const times = dice.below(4);
  for (let at = 0; at < times; at++) {
    const where = start + dice.below(Math.max(1, bytes.length - start));
    if (where < bytes.length) bytes[where] = dice.chance(1, 2) ? dice.below(32) : dice.below(256);
  }
  if (dice.chance(1, 10)) view.setBigUint64(20, dice.pick(BOUNDARIES), true);
  const end = Math.min(bytes.length, start + Number(view.getBigUint64(20, true) & 0xffffn));
  view.setUint32(28, crc32(bytes.subarray(start, end)), true);
  view.setUint32(8, crc32(bytes.subarray(12, 32)), true);
  return { name: dice.pick(["m.7z", "m.pt"]), bytes };
}

function gzipMember(dice: Dice): Uint8Array {
  const data = content(dice);
  const packed = gzipSync(data, { level: dice.pick([0, 1, 9]) });
  const flags = dice.chance(1, 3) ? dice.below(256) : 0;
  const optional = join(
    flags & 4 ? join(little(2, 3), "abc") : [],
    flags & 8 ? "name.pkl\0" : [],
    flags & 16 ? "comment\0" : [],
    flags & 2 ? little(2, dice.word()) : [],
  );
  const trailer = dice.chance(1, 6) ? dice.bytes(8) : packed.subarray(-8);
  return join(
    packed.subarray(0, 3),
    [flags],
    packed.subarray(4, 10),
    optional,
    packed.subarray(10, -8),
    trailer,
  );
}

/** Compressed streams one behind the other, with junk and zeros between them. */
export function lyingCompression(dice: Dice): Generated {
  const pieces: Uint8Array[] = [];
  const times = 1 + dice.below(4);
  for (let at = 0; at < times; at++) {
    pieces.push(dice.chance(4, 5) ? gzipMember(dice) : new Uint8Array(deflateSync(content(dice))));
    if (dice.chance(1, 4)) {
      pieces.push(dice.pick([new Uint8Array(9), dice.bytes(5), content(dice)]));
    }
  }
  return { name: dice.pick(["m.pkl.gz", "m.joblib", "noname", "m.pkl"]), bytes: join(...pieces) };
}

/** An array of objects, or of numbers, whose header has a form that no writer produces. */
export function lyingNpy(dice: Dice): Generated {
  const descr = dice.pick([
    "'|O'",
    "'O'",
    "'<f8'",
    "[('a', '|O')]",
    "[('a', '<i4'), ('b', 'O')]",
    "'O8'",
    "'|O' ",
    "('O', (2,))",
    "b'O'",
    "u'|O'",
  ]);
  const shape = dice.pick([
    "(1,)",
    "()",
    "(0,)",
    "(1, 2)",
    "(1)",
    "(-1,)",
    "(99999999999,)",
    "(1L,)",
  ]);
  const order = dice.pick(["False", "True", "0"]);
  const header = dice.pick([
    `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }`,
    `{'shape': ${shape}, 'fortran_order': ${order}, 'descr': ${descr}}`,
    `{"descr":${descr},"fortran_order":${order},"shape":${shape}}`,
    `{'descr': '<f8', 'fortran_order': ${order}, 'shape': ${shape}, 'descr': ${descr}}`,
    `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}} # comment`,
    `{'d' 'escr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}}`,
    `{'\\x64escr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}}`,
    `({'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}})`,
  ]);
  const text = `${header}${" ".repeat(dice.below(40))}${dice.chance(5, 6) ? "\n" : ""}`;
  const version = dice.pick([1, 1, 2, 3, 4, 0]);
  const length = text.length + (dice.chance(1, 10) ? dice.pick([1, -1, 1000]) : 0);
  const bytes = join(
    [0x93],
    "NUMPY",
    [version, dice.below(2)],
    little(version === 1 ? 2 : 4, length),
    text,
    content(dice),
  );
  if (!dice.chance(1, 4)) return { name: "a.npy", bytes };
  return {
    name: "a.npz",
    bytes: buildZip([{ name: "o.npy", data: bytes, deflate: dice.chance(1, 2) }]),
  };
}
