import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesSource } from "../../sources/memory.ts";
import type { Source } from "../../core/source.ts";
import { readPaxRecords } from "./header.ts";
import { tarFormat } from "./mod.ts";
import { run, sampleOf, type Seen } from "../testing/scan.ts";
import { bytesOf, join } from "../testing/zip.ts";
import { SWEEP } from "../../parsers/testing/sweep.ts";

const EVIL = "(cos\nsystem\n(S'echo hi'\ntR0.";
const END = new Uint8Array(1024);

interface Fields {
  readonly type?: string;
  readonly size?: number;
  readonly sizeField?: Uint8Array;
  readonly link?: string;
  readonly magic?: string;
  readonly prefix?: string;
  readonly checksum?: "unsigned" | "signed" | "wrong";
}

/** A header with its data, padded. */
function member(name: string, data: Uint8Array | string, fields: Fields = {}): Uint8Array {
  const bytes = bytesOf(data);
  const block = new Uint8Array(512);
  const put = (at: number, text: string) => block.set(bytesOf(text), at);
  put(0, name);
  put(100, "0000644\0");
  put(124, `${(fields.size ?? bytes.length).toString(8).padStart(11, "0")}\0`);
  if (fields.sizeField) block.set(fields.sizeField, 124);
  put(148, "        ");
  put(156, fields.type ?? "0");
  put(157, fields.link ?? "");
  put(257, fields.magic ?? "ustar\x0000");
  put(345, fields.prefix ?? "");
  let sum = 0;
  for (const byte of block) sum += fields.checksum === "signed" && byte > 127 ? byte - 256 : byte;
  if (fields.checksum === "wrong") sum++;
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return join(block, bytes, new Uint8Array((512 - bytes.length % 512) % 512));
}

function pax(records: Readonly<Record<string, string>>, type = "x"): Uint8Array {
  const lines = Object.entries(records).map(([key, value]) => {
    const rest = ` ${key}=${value}\n`;
    let length = bytesOf(rest).length;
    while (String(length).length + bytesOf(rest).length !== length) length++;
    return `${length}${rest}`;
  });
  return member("pax", lines.join(""), { type });
}

const scan = (...parts: (Uint8Array | string)[]) => run(tarFormat, join(...parts));
const names = (seen: Seen) => seen.listings[0]?.members.map(({ name }) => name);
const found = (seen: Seen) => seen.entries.some(({ text }) => text === EVIL);

test("an honest archive gives its members and no anomaly", async () => {
  const bytes = join(
    member("a.pkl", EVIL),
    member("folder/", "", { type: "5" }),
    member("old", "x".repeat(600), { type: "\0", magic: "" }),
    member("gnu", "y", { magic: "ustar  \0", prefix: "no prefix" }),
    member("name", "z", { prefix: "long/prefix" }),
    member("empty", ""),
    END,
  );
  assert.ok(tarFormat.detect(sampleOf(bytes)));
  const seen = await run(tarFormat, bytes);
  assert.deepEqual([seen.rules, seen.error], [[], undefined]);
  assert.deepEqual(names(seen), ["a.pkl", "folder/", "old", "gnu", "long/prefix/name", "empty"]);
  assert.deepEqual(seen.entries.map(({ text }) => text.length), [EVIL.length, 600, 1, 1]);
  assert.equal((await seen.listings[0]?.members[0]?.open?.().read(0, 3))?.length, 3);
});

test("only a right checksum makes an archive", () => {
  assert.ok(tarFormat.detect(sampleOf(member("é\u00ff", "", { checksum: "signed" }))));
  assert.ok(!tarFormat.detect(sampleOf(member("a", "", { checksum: "wrong" }))));
  for (
    const bytes of [
      END,
      new Uint8Array(0),
      new Uint8Array(512).fill(0x20),
      new Uint8Array(512).fill(0x30),
    ]
  ) {
    assert.ok(!tarFormat.detect(sampleOf(bytes)));
  }
  assert.ok(!tarFormat.detect(sampleOf(member("a", "").subarray(0, 511))));
});

test("long names come from GNU headers, pax headers and global ones", async () => {
  const long = "very/long/".repeat(30) + "name";
  const seen = await scan(
    member("././@LongLink", `${long}\0`, { type: "L" }),
    member("short", EVIL),
    pax({ path: "päth", mtime: "1" }),
    member("short", "1"),
    member("././@LongLink", "target\0", { type: "K" }),
    member("link", "", { type: "2", link: "short" }),
    pax({ linkpath: "wide" }, "g"),
    member("hard", "", { type: "1", link: "short" }),
    END,
  );
  assert.deepEqual(names(seen), [long, "päth", "link", "hard"]);
  const targets = seen.listings[0]?.members.map(({ linkTarget }) => linkTarget);
  assert.deepEqual(targets, [undefined, undefined, "target", "wide"]);
  assert.deepEqual(seen.rules, ["tar-link-inside"]);
  assert.ok(found(seen));
});

test("a link that leads to a member is read under its own name, one that leads out is reported", async () => {
  const link = (name: string, to: string) =>
    scan(member("blobs/abc", EVIL), member(name, "", { type: "2", link: to }), END);
  const inside = await link("snapshots/r1/model.pkl", "../../blobs/abc");
  assert.deepEqual(inside.rules, ["tar-link-inside"]);
  assert.deepEqual(names(inside), ["blobs/abc", "snapshots/r1/model.pkl"]);
  for (const to of ["../../../etc/passwd", "/etc/passwd", "..", "C:\\a", ".."]) {
    assert.deepEqual((await link("snapshots/model.pkl", to)).rules, ["tar-link"], to);
  }
});

test("sizes come from octal digits, from binary and from pax records", async () => {
  const binary = Uint8Array.of(0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, EVIL.length);
  const octal = bytesOf(`      ${EVIL.length.toString(8)} \0`.padEnd(12, "\0"));
  for (const sizeField of [binary, octal]) {
    const seen = await scan(member("a", EVIL, { sizeField }), member("b", "b"), END);
    assert.deepEqual([seen.rules, names(seen)], [[], ["a", "b"]]);
    assert.ok(found(seen));
  }
  const sized = await scan(pax({ size: String(EVIL.length) }), member("a", EVIL, { size: 0 }), END);
  assert.deepEqual(sized.rules, []);
  assert.ok(found(sized));
  const two = await scan(pax({ size: String(EVIL.length) }), member("a", EVIL, { size: 5 }), END);
  assert.deepEqual(two.rules, ["tar-malformed"]);
  assert.ok(found(two));
});

test("sizes that lie are truncated or malformed", async () => {
  const fields: Uint8Array[] = [
    Uint8Array.of(0x80, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
    new Uint8Array(12).fill(0xff),
    bytesOf("77777777777\0"),
    bytesOf("-0000000001\0"),
    bytesOf("zzzzzzzzzzz\0"),
    bytesOf("99999999999\0"),
  ];
  for (const sizeField of fields) {
    const seen = await scan(member("a", EVIL, { sizeField }), member("b", "b"), END);
    assert.ok(seen.unread, sizeField.join());
    assert.ok(seen.rules.includes("tar-truncated") || seen.rules.includes("tar-malformed"));
  }
});

test("a checksum is read as Python's int reads it", () => {
  const block = member("a", "");
  const sum = parseInt(new TextDecoder().decode(block.subarray(148, 154)), 8);
  const digits = sum.toString(8);
  const stating = (text: string) => {
    const copy = block.slice();
    copy.set(bytesOf(text.padEnd(8)), 148);
    return tarFormat.detect(sampleOf(copy));
  };
  // As tarfile of CPython 3.11 opens them, and refuses them.
  for (const text of [`0o${digits}`, `+${digits}`, `${digits.slice(0, 2)}_${digits.slice(2)}`]) {
    assert.ok(stating(text), text);
  }
  for (const text of [`-${digits}`, `${digits}_`, `0x${digits}`, `${digits}8`]) {
    assert.ok(!stating(text), text);
  }
});

test("an archive cut at any byte is unread until its end is there", async () => {
  const bytes = join(member("a", EVIL), member("b", "x".repeat(700)), END);
  for (let length = 512; length < bytes.length - 1024; length += 7 * SWEEP) {
    const seen = await run(tarFormat, bytes.subarray(0, length));
    assert.ok(seen.unread, String(length));
    if (length > 512 + EVIL.length) assert.ok(found(seen));
  }
});

test("a broken header is unread and the search goes on behind it", async () => {
  const broken = member("b", "data", { checksum: "wrong" });
  const seen = await scan(member("a", "1"), broken, member("c", EVIL), END);
  assert.deepEqual([seen.rules, seen.unread], [["tar-malformed"], true]);
  assert.ok(found(seen));
  assert.match(String((await scan(broken, END)).error), /FormatError/);
});

test("members and data behind the end are noted, and members are looked at", async () => {
  const seen = await scan(member("a", "1"), END, member("b", EVIL), END);
  assert.deepEqual(seen.rules, ["tar-trailing-data"]);
  assert.ok(found(seen));
  const data = await scan(member("a", "1"), END, "some text behind the end");
  assert.deepEqual([data.rules, data.unread], [["tar-trailing-data"], false]);
});

test("a desert behind the end is not crossed", async () => {
  const seen = await scan(member("a", "1"), new Uint8Array(20 * 1024 * 1024), member("b", EVIL));
  assert.deepEqual([seen.rules, seen.unread], [["tar-trailing-data"], true]);
});

test("pax headers that are not well-formed are malformed", async () => {
  const bad = ["x", "5 a=b\n", "99 a=b\n", "6 a=bc", "5 =b\n\n", "a a=b\n", "-6 a=b\n", "6 a b\n"];
  for (const text of bad) {
    const seen = await scan(member("pax", text, { type: "x" }), member("a", EVIL), END);
    assert.ok(seen.rules.includes("tar-malformed"), text);
    assert.ok(found(seen), text);
  }
  const size = await scan(pax({ size: "-1" }), member("a", EVIL), END);
  assert.ok(size.unread && found(size));
  const huge = await scan(member("pax", "x", { type: "x", size: 2 ** 30 }), member("a", EVIL), END);
  assert.ok(huge.unread);
});

test("links, devices and paths that climb out are anomalies", async () => {
  for (const type of ["1", "2", "3", "4", "6"]) {
    const seen = await scan(member("a", "", { type, link: "/etc/passwd" }), END);
    assert.deepEqual(seen.rules, ["tar-link"], type);
  }
  for (const name of ["../a", "/a", "a/../../b", "C:\\a", "a\\..\\b"]) {
    assert.deepEqual((await scan(member(name, "1"), END)).rules, ["tar-unsafe-path"], name);
  }
  assert.deepEqual((await scan(member("./a..b", "1"), END)).rules, []);
});

test("a link that has data is malformed and its data is looked at", async () => {
  const seen = await scan(member("a", EVIL, { type: "2", link: "x" }), member("b", "b"), END);
  assert.deepEqual(seen.rules, ["tar-link-inside", "tar-malformed"]);
  assert.ok(found(seen));
  const none = await scan(
    member("a", "", { type: "1", link: "x", size: 99 }),
    member("b", EVIL),
    END,
  );
  assert.deepEqual(none.rules, ["tar-link-inside"]);
  assert.ok(found(none));
});

test("duplicate names are an anomaly and all are looked at", async () => {
  const seen = await scan(member("a", "1"), member("a", EVIL), member("a", "2"), END);
  assert.deepEqual(seen.rules, ["tar-duplicate-name"]);
  assert.ok(found(seen));
});

test("types that nothing knows are files", async () => {
  assert.ok(found(await scan(member("a", EVIL, { type: "Q" }), END)));
  assert.ok(found(await scan(member("a", EVIL, { type: "7" }), END)));
});

test("sparse members are unread", async () => {
  const old = await scan(member("a", EVIL, { type: "S" }), END);
  const pax1 = await scan(pax({ "GNU.sparse.major": "1", path: "p" }), member("a", EVIL), END);
  for (const seen of [old, pax1]) assert.ok(seen.unread && found(seen));
});

test("storages and tensors of a PyTorch archive are handed on with a hint", async () => {
  const parts = ["sys_info", "pickle", "storages", "tensors"].map((name) => member(name, EVIL));
  const hints = (await scan(...parts, END)).entries.map(({ hint }) => hint);
  assert.deepEqual(hints, [undefined, undefined, "torch-tar-storages", "torch-tar-tensors"]);
  const other = (await scan(member("storages", EVIL), END)).entries.map(({ hint }) => hint);
  assert.deepEqual(other, [undefined]);
});

test("any byte changed is read or refused, quickly and without a defect", async () => {
  const bytes = join(pax({ path: "b" }), member("a", EVIL), member("c", "1"), END);
  for (let at = 0; at < bytes.length; at += 3 * SWEEP) {
    for (const value of [0, 0x31, 0x80, 0xff]) {
      const changed = bytes.slice();
      changed[at] = value;
      await run(tarFormat, changed);
    }
  }
});

test("more members than the limit end with a limit error, after the first were read", async () => {
  const parts = Array.from({ length: 30 }, (_, i) => member(`m${i}`, "1"));
  const seen = await run(tarFormat, join(...parts, END), { limits: { members: 10 } });
  assert.equal(seen.entries.length, 10);
  assert.match(String(seen.error), /more than 10 members/);
});

test("a source without a size is refused", async () => {
  const { read } = bytesSource("x", new Uint8Array(9));
  const source: Source = { name: "x", size: undefined, access: "forward", read };
  assert.match(String((await run(tarFormat, END, { source })).error), /size is not known/);
});

// `_apply_pax_info` of CPython's tarfile takes GNU.sparse.size for the size of the member.
test("a size in the words of sparse files is a size where there is no map", async () => {
  for (const key of ["GNU.sparse.size", "GNU.sparse.realsize"]) {
    const size = String(EVIL.length);
    const seen = await scan(pax({ [key]: size }, "g"), member("a", EVIL, { size: 9 }), END);
    assert.ok(found(seen), key);
    assert.deepEqual(seen.rules, ["tar-malformed"]);
  }
});

test("where a global header states a larger size than a header, Python reads on behind the smaller", async () => {
  for (const key of ["GNU.sparse.size", "GNU.sparse.realsize", "size"]) {
    const seen = await scan(
      pax({ [key]: "600" }, "g"),
      member("a", ""),
      member("data.pkl", EVIL),
      END,
    );
    assert.ok(seen.entries.some(({ text }) => text.startsWith(EVIL)), key);
    assert.ok(seen.rules.length > 0, key);
    assert.deepEqual(names(seen), ["a", "data.pkl"], key);
  }
});

test("a sparse map of one endless line is given up", async () => {
  const map = pax({ "GNU.sparse.major": "1", "GNU.sparse.realsize": "9" });
  let reads = 0;
  const bytes = join(map, member("a", "1".repeat(1 << 20)), END);
  const inner = bytesSource("x", bytes);
  const source: Source = {
    name: "x",
    size: bytes.length,
    access: "random",
    read: (at, length) => {
      reads++;
      return inner.read(at, length);
    },
  };
  const seen = await run(tarFormat, bytes, { source, readEntries: false });
  assert.ok(seen.unread);
  assert.ok(reads < 50, `${reads} reads`);
});

test("a pax record that does not end in a line feed, or is cut off, says what it says to Python", async () => {
  const read = (text: string) => readPaxRecords(new TextEncoder().encode(text));
  const cases:
    readonly (readonly [text: string, records: readonly (readonly [string, string])[]])[] = [
      ["10 path=a\x0121 GNU.sparse.size=5\n", [["path", "a"], ["GNU.sparse.size", "5"]]],
      ["10 path=a\n99 linkpath=b", [["path", "a"], ["linkpath", "b"]]],
    ];
  for (const [text, records] of cases) {
    assert.deepEqual(read(text), { records: new Map(records), wellFormed: false }, text);
  }
  const named = member("pax", "14 path=m.pkl\x01", { type: "x" });
  const seen = await scan(named, member("a", EVIL), END);
  assert.deepEqual([seen.rules, seen.entries.map(({ part }) => part)], [["tar-malformed"], [
    "m.pkl",
  ]]);
});

test("a pax record without a length behind a whole one ends the header, not the scan", () => {
  for (const rest of ["o", "x", " ", "7"]) {
    const records = readPaxRecords(new TextEncoder().encode(`14 linkpath=0\n${rest}`));
    assert.deepEqual(records, { records: new Map([["linkpath", "0"]]), wellFormed: false }, rest);
  }
});
