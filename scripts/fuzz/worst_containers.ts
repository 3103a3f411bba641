/**
 * Archives and compressed files that cost as much as possible.
 *
 * @module
 */

import { deflateRawSync, gzipSync } from "node:zlib";
import { crc32 } from "../../src/codecs/checksums/crc32.ts";
import { buildZip } from "../../src/formats/testing/zip.ts";
import { sevenZip } from "../../src/formats/testing/sevenzip.ts";
import { join, little } from "./bytes.ts";
import { file, fill, type Make, numbered } from "./worst_pieces.ts";

/** Entries of one directory that all begin at the same few bytes. */
function overlapping(count: number, data: Uint8Array): Uint8Array {
  const compressedSize = deflateRawSync(data).length;
  const central = { method: 8, crc: crc32(data), compressedSize, size: data.length, offset: 0 };
  const others = Array.from({ length: count - 1 }, () => ({ name: "a", data: "", central }));
  return buildZip([{ name: "a", data, deflate: true }, ...others]);
}

const encoder = new TextEncoder();

function tarHeader(name: string, size: number, type: string): Uint8Array {
  const header = new Uint8Array(512);
  header.set(encoder.encode(name), 0);
  header.set(
    encoder.encode(`0000644\0${"0000000\0".repeat(2)}${size.toString(8).padStart(11, "0")}\0`),
    100,
  );
  header.set(encoder.encode(`00000000000\0        ${type}`), 136);
  header.set(encoder.encode("ustar\x0000"), 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.set(encoder.encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
  return header;
}

const padded = (bytes: Uint8Array): Uint8Array =>
  join(bytes, new Uint8Array((512 - bytes.length % 512) % 512));

/** By name. */
export const WORST_CONTAINERS: Readonly<Record<string, Make>> = {
  "zip: 65,535 overlapping entries": () =>
    file("m.zip", overlapping(65_535, fill("(lp0\n", 20_000))),
  "zip: overlapping pickles": (size) =>
    file("m.zip", overlapping(20_000, join(fill("N0", size / 4), "N."))),
  "zip: empty entries": (size) =>
    file(
      "m.zip",
      buildZip(Array.from({ length: size / 120 }, (_, n) => ({ name: `${n}`, data: "" }))),
    ),
  "zip: one name": (size) =>
    file("m.zip", buildZip(Array.from({ length: size / 120 }, () => ({ name: "a", data: "" })))),
  "zip: end records": (size) =>
    file(
      "m.zip",
      buildZip([{ name: "a", data: "" }]),
      fill(join("PK\x05\x06", new Uint8Array(18)), size),
    ),
  "zip: local headers": (size) => file("m.zip", fill(join("PK\x03\x04", new Uint8Array(26)), size)),
  "zip: signatures": (size) => file("m.zip", fill("PK\x03\x04", size)),
  "zip: central headers": (size) =>
    file("m.zip", fill("PK\x01\x02", size), buildZip([{ name: "a", data: "" }])),
  "zip: descriptors": (size) =>
    file("m.zip", buildZip([{ name: "a", data: fill("PK\x07\x08", size), descriptor: true }])),
  "zip: names of 64 KiB": (size) =>
    file(
      "m.zip",
      buildZip(
        Array.from(
          { length: size / 131_200 },
          (_, n) => ({ name: `${n}`.padEnd(65_000, "../"), data: "" }),
        ),
      ),
    ),
  "zip: zips in zips": (size) => {
    let inner = buildZip([{ name: "a", data: fill("\0", size), deflate: true }]);
    for (let at = 0; at < 12; at++) {
      inner = buildZip(
        Array.from({ length: 3 }, (_, n) => ({ name: `${n}.zip`, data: inner, deflate: true })),
      );
    }
    return file("m.zip", inner.subarray(0, size));
  },
  "zip: names that climb out": (size) =>
    file(
      "m.zip",
      buildZip(Array.from({ length: size / 130 }, (_, n) => ({ name: `../${n}`, data: "" }))),
    ),
  "zip: names of escapes": (size) =>
    file(
      "m.zip",
      buildZip(
        Array.from({ length: size / 131_200 }, (_, n) => ({
          name: `${n}`.padEnd(65_000, "\x1b[2J\u202e"),
          data: "cos\nsystem\n)R.",
        })),
      ),
    ),
  "zip: harmful members": (size) =>
    file(
      "m.zip",
      buildZip(
        Array.from({ length: size / 150 }, (_, n) => ({ name: `${n}`, data: "cos\nsystem\n)R." })),
      ),
    ),
  "zip: two names each": (size) =>
    file(
      "m.zip",
      buildZip(
        Array.from({ length: size / 120 }, (_, n) => ({
          name: `${n}`,
          data: "",
          local: { name: `x${n}` },
        })),
      ),
    ),
  "zip: bad checksums": (size) =>
    file(
      "m.zip",
      buildZip(
        Array.from({ length: size / 120 }, (_, n) => ({
          name: `${n}`,
          data: "a",
          central: { crc: 1 },
        })),
      ),
    ),
  "7z: empty members": (size) =>
    file(
      "m.7z",
      sevenZip(
        Array.from({ length: size / 20 }, (_, n) => ({ name: `${n}`, data: new Uint8Array(0) })),
      ),
    ),
  "7z: small members": (size) =>
    file(
      "m.7z",
      sevenZip(
        Array.from(
          { length: Math.min(size / 30, 10_000) },
          (_, n) => ({ name: `${n}.pkl`, data: join("N.") }),
        ),
      ),
    ),
  "7z: harmful members": (size) =>
    file(
      "m.7z",
      sevenZip(
        Array.from({ length: size / 50 }, (_, n) => ({
          name: `${n}.pkl`,
          data: join("cos\nsystem\n)R."),
        })),
      ),
    ),
  "tar: harmful members": (size) =>
    file("m.tar", fill(join(tarHeader("a", 14, "0"), padded(join("cos\nsystem\n)R."))), size)),
  "tar: names that climb out": (size) => file("m.tar", fill(tarHeader("../a", 0, "0"), size)),
  "tar: pax headers": (size) =>
    file("m.tar", fill(join(tarHeader("p", 13, "x"), padded(join("13 path=../a\n"))), size)),
  "tar: pax headers of all": (size) =>
    file("m.tar", fill(join(tarHeader("p", 13, "g"), padded(join("13 path=../a\n"))), size)),
  "tar: sparse maps": (size) => {
    const map = numbered(
      size,
      (n) =>
        `${`000000000 GNU.sparse.offset=${n}\n`.length} GNU.sparse.offset=${n}\n`.padStart(
          `000000000 GNU.sparse.offset=${n}\n`.length,
          "0",
        ),
    )[0];
    return file("m.tar", tarHeader("p", map.length, "x"), padded(map), tarHeader("a", 0, "0"));
  },
  "tar: long links": (size) => {
    const name = fill("a/", 65_000);
    return file(
      "m.tar",
      fill(join(tarHeader("L", name.length, "K"), padded(name), tarHeader("a", 0, "2")), size),
    );
  },
  "npy: pickles of objects": (size) => {
    const header = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n";
    return file(
      "a.npy",
      [0x93],
      "NUMPY",
      [1, 0],
      little(2, header.length),
      header,
      "(",
      fill("cos\nsystem\n)R", size),
      "l.",
    );
  },
  "npy: shape": (size) =>
    file(
      "a.npy",
      [0x93],
      "NUMPY",
      [2, 0],
      little(4, size),
      "{'descr': '|u1', 'fortran_order': False, 'shape': (",
      fill("1,", size),
      ")}\n",
    ),
  "npy: fields": (size) =>
    file(
      "a.npy",
      [0x93],
      "NUMPY",
      [2, 0],
      little(4, size + 80),
      "{'fortran_order': False, 'shape': (), 'descr': [",
      ...numbered(size, (n) => `('f${n}','u1'),`),
      "]}\n",
    ),
  "tar: empty members": (size) => file("m.tar", fill(tarHeader("a", 0, "0"), size)),
  "tar: pax records": (size) => {
    const records = fill("12 comment=a\n", size);
    return file(
      "m.tar",
      tarHeader("p", records.length, "x"),
      padded(records),
      tarHeader("a", 0, "0"),
    );
  },
  "tar: pax keys": (size) => {
    const records = join(
      ...numbered(size, (n) =>
        `${`000000000 k${n}=\n`.length - 9 + 9} k${n}=\n`.padStart(
          `000000000 k${n}=\n`.length,
          "0",
        )),
    );
    return file(
      "m.tar",
      tarHeader("p", records.length, "g"),
      padded(records),
      ...Array.from({ length: 200 }, () => tarHeader("a", 0, "0")),
    );
  },
  "tar: long names": (size) => {
    const name = fill("a/", 65_000);
    return file(
      "m.tar",
      fill(join(tarHeader("L", name.length, "L"), padded(name), tarHeader("a", 0, "0")), size),
    );
  },
  "tar: links": (size) => file("m.tar", fill(tarHeader("a", 0, "2"), size)),
  "gzip: members": (size) => file("m.pkl.gz", fill(new Uint8Array(gzipSync("N.")), size)),
  "gzip: gzip in gzip": (size) => {
    let inner = fill("\0", size * 50);
    for (let at = 0; at < 12; at++) inner = new Uint8Array(gzipSync(inner));
    return file("m.gz", inner);
  },
  "gzip: empty stored blocks": (size) =>
    file("m.gz", gzipSync("").subarray(0, 10), fill(Uint8Array.of(0, 0, 0, 0xff, 0xff), size)),
  "gzip: empty dynamic blocks": (size) =>
    file(
      "m.gz",
      gzipSync("").subarray(0, 10),
      fill(new Uint8Array(deflateRawSync("abcabcabcdefghijk".repeat(3), { level: 9 })), size),
    ),
  "gzip: a pickle of junk": (size) =>
    file("m.joblib", gzipSync(join("cos\nsystem\n\xff", fill("(S", size * 8)))),
  "bz2: signatures": (size) => file("m.bz2", "BZh9", fill("1AY&SY", size)),
  "zstd: empty frames": (size) =>
    file("m.zst", fill(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x20, 0, 1, 0, 0), size)),
  "zstd: run-length blocks": (size) =>
    file("m.zst", [0x28, 0xb5, 0x2f, 0xfd, 0, 0x58], fill(Uint8Array.of(2, 0, 0x10, 0x41), size)),
  "lz4: empty frames": (size) =>
    file("m.lz4", fill(Uint8Array.of(4, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, 0, 0, 0, 0), size)),
  "xz: empty streams": (size) =>
    file(
      "m.xz",
      fill(
        Uint8Array.from(
          "fd377a585a0000ff12d9410000000000 1cdf442106729e7a 010000000000595a".replaceAll(" ", "")
            .match(/../gu) ?? [],
          (hex) => parseInt(hex, 16),
        ),
        size,
      ),
    ),
  "npy: header": (size) =>
    file("a.npy", [0x93], "NUMPY", [2, 0], little(4, size), "{'descr': ", fill("[", size)),
  "npy: strings": (size) =>
    file("a.npy", [0x93], "NUMPY", [2, 0], little(4, size), "{'descr': ", fill("'a' ", size)),
};
