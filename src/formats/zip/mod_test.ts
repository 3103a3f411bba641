import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync } from "node:zlib";
import { bytesSource } from "../../sources/memory.ts";
import type { Source } from "../../core/source.ts";
import { run, sampleOf, type Seen } from "../testing/scan.ts";
import { buildZip, type End, type Entry, join, numbers } from "../testing/zip.ts";
import { zipFormat } from "./mod.ts";
import { LARGE_INPUT, SWEEP } from "../../parsers/testing/sweep.ts";

const EVIL = "(cos\nsystem\n(S'echo hi' \ntR0.";
const SAFE = "harmless bytes";

const zip = (entries: readonly Entry[], end: Partial<End> = {}) =>
  run(zipFormat, buildZip(entries, end));
const parts = (seen: Seen) => seen.entries.map(({ part }) => part);
const found = (seen: Seen, text = EVIL) => seen.entries.some((entry) => entry.text === text);

test("an honest archive gives its members in order and no anomaly", async () => {
  const seen = await zip([
    { name: "a/data.pkl", data: EVIL },
    { name: "a/folder/", data: "", attributes: 0x10 },
    { name: "a/deflated", data: SAFE.repeat(1000), deflate: true },
    { name: "a/described", data: SAFE, descriptor: true },
    { name: "a/empty", data: "" },
  ]);
  assert.deepEqual(seen.rules, []);
  assert.deepEqual(parts(seen), ["a/data.pkl", "a/deflated", "a/described"]);
  assert.deepEqual(seen.entries.map(({ text }) => text.length), [EVIL.length, 14_000, 14]);
  const members = seen.listings[0]?.members ?? [];
  assert.deepEqual(members.map(({ kind }) => kind), ["file", "folder", "file", "file", "file"]);
  const opened = members[2]?.open?.();
  assert.equal((await opened?.read(0, 5))?.length, 5);
});

test("an empty archive is an archive without members", async () => {
  const bytes = buildZip([]);
  assert.ok(zipFormat.detect(sampleOf(bytes)));
  const seen = await run(zipFormat, bytes);
  assert.deepEqual([seen.rules, seen.entries, seen.error], [[], [], undefined]);
});

test("archives are known by a local header or by an end record, others are not", () => {
  const bytes = buildZip([{ name: "a", data: SAFE }]);
  assert.ok(zipFormat.detect(sampleOf(bytes)));
  assert.ok(zipFormat.detect(sampleOf(join("GIF89a", bytes))));
  assert.ok(zipFormat.detect(sampleOf(join(EVIL, bytes, "garbage"))));
  assert.ok(zipFormat.detect(sampleOf(bytes.subarray(0, 40))));
  const tar = join("x".repeat(257), "ustar", "x".repeat(250));
  assert.ok(!zipFormat.detect(sampleOf(join(tar, bytes, new Uint8Array(1024)))));
  assert.ok(!zipFormat.detect(sampleOf(new Uint8Array(0))));
  assert.ok(!zipFormat.detect(sampleOf(join("PK"))));
  assert.ok(!zipFormat.detect(sampleOf(join("text with PK\x05\x06 in it and more than 22 bytes"))));
  const head = { ...sampleOf(bytes), size: undefined, tail: undefined };
  assert.ok(zipFormat.detect(head));
});

test("a wrong checksum is an anomaly and the member is read all the same", async () => {
  for (const deflate of [false, true]) {
    const wrong = { crc: 1 };
    const seen = await zip([{ name: "a", data: EVIL, deflate, local: wrong, central: wrong }]);
    assert.deepEqual(seen.rules, ["zip-crc"]);
    assert.ok(found(seen));
    assert.ok(!seen.unread);
  }
});

test("flag bits that say encrypted over plain data do not hide it", async () => {
  for (const flags of [0x1, 0x20, 0x40, 0x41, 0x2000]) {
    for (const deflate of [false, true]) {
      for (const where of [{ local: { flags } }, { central: { flags } }]) {
        const seen = await zip([{ name: "a", data: EVIL, deflate, ...where }]);
        assert.deepEqual(seen.rules, ["zip-flags"], `${flags} ${deflate}`);
        assert.ok(found(seen));
      }
    }
  }
});

test("a member that only one header calls encrypted is read, however it breaks off", async () => {
  const packed = new Uint8Array(deflateRawSync(EVIL).subarray(0, -1));
  for (const flags of [0x1, 0x40]) {
    for (const where of [{ local: { flags } }, { central: { flags } }]) {
      const seen = await zip([{ name: "a", data: EVIL, deflate: true, packed, ...where }]);
      assert.deepEqual([seen.rules, seen.unread], [["zip-encrypted"], true]);
      assert.ok(seen.entries.some(({ text }) => EVIL.startsWith(text) && text.includes("tR")));
    }
    const both = { local: { flags }, central: { flags } };
    const seen = await zip([{ name: "a", data: EVIL, deflate: true, packed, ...both }]);
    assert.deepEqual([seen.rules, seen.entries], [["zip-encrypted"], []]);
  }
});

test("really encrypted members are unread, and the others are read", async () => {
  const cipher = Uint8Array.from({ length: EVIL.length + 12 }, (_, i) => (i * 151 + 7) & 255);
  const flags = { flags: 1 };
  const same = { packed: Uint8Array.from(EVIL, () => 0x55), local: flags, central: flags };
  assert.deepEqual((await zip([{ name: "a", data: EVIL, ...same }])).rules, ["zip-encrypted"]);
  const encrypted = { packed: cipher, local: flags, central: flags };
  const seen = await zip([
    { name: "a", data: EVIL, ...encrypted },
    { name: "b", data: EVIL.repeat(9), deflate: true, ...encrypted },
    { name: "c", data: EVIL },
  ]);
  assert.deepEqual(seen.rules, ["zip-encrypted"]);
  assert.ok(seen.unread);
  assert.ok(found(seen));
  const aes = { method: 99, flags: 1 };
  const strong = await zip([{ name: "a", data: EVIL, local: aes, central: aes }]);
  assert.deepEqual([strong.rules, strong.unread], [["zip-encrypted"], true]);
});

test("a member of an unknown method is unread, and the others are read", async () => {
  for (const method of [2, 10, 97, 4711]) {
    const fields = { method };
    const seen = await zip([
      { name: "a", data: EVIL, local: fields, central: fields },
      { name: "b", data: EVIL },
    ]);
    assert.deepEqual([seen.rules, seen.unread], [["zip-method-unknown"], true]);
    assert.ok(found(seen));
  }
});

test("a method that only one header knows is read as either says", async () => {
  const seen = await zip([{ name: "a", data: EVIL, deflate: true, central: { method: 0 } }]);
  assert.ok(found(seen));
  assert.ok(seen.rules.includes("zip-header-mismatch"));
  const other = await zip([{ name: "a", data: EVIL, local: { method: 8 } }]);
  assert.ok(found(other));
  assert.deepEqual([other.rules, other.unread], [["zip-header-mismatch"], false]);
  const unknown = await zip([{ name: "a", data: EVIL, central: { method: 99 } }]);
  assert.ok(found(unknown));
});

test("sizes that differ between the headers are read as either says", async () => {
  const short = { compressedSize: 4, size: 4 };
  for (const where of [{ local: short }, { central: short }]) {
    const seen = await zip([{ name: "a", data: EVIL, ...where }]);
    assert.ok(found(seen));
    assert.ok(seen.rules.includes("zip-header-mismatch"));
  }
});

test("names that differ are an anomaly, and both are listed", async () => {
  const seen = await zip([{ name: "safe.txt", data: EVIL, local: { name: "data.pkl" } }]);
  assert.deepEqual(seen.rules, ["zip-name-mismatch"]);
  assert.deepEqual(seen.listings[0]?.members.map(({ name }) => name), ["safe.txt", "data.pkl"]);
  assert.ok(found(seen));
});

test("a Unicode name beside an old encoding is no mismatch, beside plain ASCII it is", async () => {
  const field = (old: Uint8Array, name: string, crc: number) => {
    const bytes = new TextEncoder().encode(name);
    return join(
      numbers([2, 0x7075], [2, bytes.length + 5], [1, 1], [4, crc]),
      bytes,
      old.slice(0, 0),
    );
  };
  const { crc32 } = await import("../../codecs/checksums/crc32.ts");
  const ascii = new TextEncoder().encode("safe.txt");
  const extra = field(ascii, "evil.pkl", crc32(ascii));
  const seen = await zip([{
    name: "safe.txt",
    data: EVIL,
    localExtra: extra,
    centralExtra: extra,
  }]);
  assert.deepEqual(seen.rules, ["zip-name-mismatch"]);
  const accented = new TextEncoder().encode("é.txt");
  const honest = field(accented, "e.txt", crc32(accented));
  const old = await zip([{ name: "é.txt", data: SAFE, localExtra: honest, centralExtra: honest }]);
  assert.deepEqual(old.rules, []);
});

test("members of the same name are both read, whichever comes first", async () => {
  for (const [first, second] of [[EVIL, SAFE], [SAFE, EVIL]] as const) {
    const seen = await zip([{ name: "data.pkl", data: first }, { name: "data.pkl", data: second }]);
    assert.deepEqual(seen.rules, ["zip-duplicate-name"]);
    assert.ok(found(seen) && found(seen, SAFE));
  }
});

test("zip64 records are followed", async () => {
  const extra = numbers([2, 1], [2, 16], [8, EVIL.length], [8, EVIL.length]);
  const sentinel = { size: 0xffffffff, compressedSize: 0xffffffff };
  const seen = await zip([
    { name: "a", data: SAFE },
    {
      name: "b",
      data: EVIL,
      local: sentinel,
      central: sentinel,
      localExtra: extra,
      centralExtra: extra,
    },
  ], { zip64: true });
  assert.deepEqual(seen.rules, []);
  assert.ok(found(seen));
});

test("zip64 sizes that are missing or absurd are no crash", async () => {
  const sentinel = { size: 0xffffffff, compressedSize: 0xffffffff };
  const huge = numbers([2, 1], [2, 24], [8, 2 ** 62], [8, 2 ** 62], [8, 2 ** 62]);
  for (
    const centralExtra of [new Uint8Array(0), huge, huge.subarray(0, 9), numbers([2, 1], [2, 99])]
  ) {
    for (const offset of [0, 0xffffffff]) {
      const seen = await zip([{
        name: "a",
        data: EVIL,
        central: { ...sentinel, offset },
        centralExtra,
      }]);
      assert.ok(seen.rules.length > 0);
      assert.ok(seen.unread || found(seen));
    }
  }
});

test("an archive cut at any byte is never read without a remark", async () => {
  const complete = buildZip([
    { name: "a/data.pkl", data: EVIL },
    { name: "a/b", data: SAFE.repeat(20), deflate: true },
    { name: "a/c", data: SAFE, descriptor: true },
  ]);
  for (let length = 4; length < complete.length; length += SWEEP) {
    const seen = await run(zipFormat, complete.subarray(0, length));
    assert.ok(seen.unread, `cut at ${length}`);
    if (length >= 30 + 10 + 30) assert.ok(found(seen), `cut at ${length}`);
  }
});

test("an archive cut at the front or with any byte changed ends quickly and without a defect", async () => {
  const complete = buildZip([
    { name: "a/data.pkl", data: EVIL },
    { name: "a/b", data: SAFE.repeat(20), deflate: true },
  ], { comment: join("comment") });
  for (let start = 0; start < complete.length; start += SWEEP) {
    await run(zipFormat, complete.subarray(start));
  }
  for (let at = 0; at < complete.length; at += SWEEP) {
    for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
      const bytes = complete.slice();
      bytes[at] = value;
      const seen = await run(zipFormat, bytes);
      assert.ok(seen.entries.length < 20);
    }
  }
});

test("every length set to its largest value is no crash", async () => {
  const fields = ["crc", "compressedSize", "size", "offset"] as const;
  for (const field of fields) {
    for (const value of [0, 1, 0x7fffffff, 0xfffffffe, 0xffffffff]) {
      for (const where of ["local", "central"] as const) {
        const seen = await zip([{ name: "a", data: EVIL, [where]: { [field]: value } }]);
        assert.ok(found(seen) || seen.unread, `${where} ${field} ${value}`);
      }
    }
  }
  for (const end of ["directorySize", "directoryOffset", "entries", "commentLength"] as const) {
    for (const value of [0, 1, 0xffff, 0xffffffff]) {
      const seen = await zip([{ name: "a", data: EVIL }], { [end]: value });
      assert.ok(found(seen), `${end} ${value}`);
    }
  }
});

test("a local header that is not there leaves the member unread", async () => {
  const seen = await zip([
    { name: "a", data: SAFE, central: { offset: 7 } },
    { name: "b", data: EVIL },
  ]);
  assert.ok(seen.unread && found(seen) && found(seen, SAFE));
  const beyond = await zip([{ name: "a", data: SAFE, central: { offset: 1e6 } }]);
  assert.ok(beyond.unread && beyond.rules.includes("zip-truncated"));
});

test("a deflated member that breaks gives what came before and is unread", async () => {
  const complete = buildZip([{ name: "a", data: EVIL + SAFE.repeat(5000), deflate: true }]);
  const bytes = complete.slice();
  const size = complete.length - 22 - 47 - 31;
  bytes.fill(0xff, 31 + Math.floor(size * 0.8), 31 + size);
  const seen = await run(zipFormat, bytes);
  assert.ok(seen.unread && seen.rules.includes("zip-malformed"));
  assert.ok(seen.entries[0]?.text.startsWith(EVIL));
});

test("paths that climb out and absolute ones are anomalies, odd names are not", async () => {
  const bad = ["../a", "a/../../b", "/etc/passwd", "\\\\host\\x", "C:\\x", "a\\..\\b", "a\0.txt"];
  for (const name of bad) {
    assert.deepEqual((await zip([{ name, data: SAFE }])).rules, ["zip-unsafe-path"], name);
  }
  for (const name of ["a..b", "..a/b", "a/b..", "\u001b[31m", "ü", "a:b"]) {
    const rules = (await zip([{ name, data: SAFE }])).rules;
    assert.deepEqual(rules, name === "a:b" ? ["zip-unsafe-path"] : [], name);
  }
});

test("devices and pipes are an anomaly, and their bytes are read all the same", async () => {
  for (const mode of [0o020644, 0o060644, 0o010644, 0o140644]) {
    const seen = await zip([{ name: "d", data: EVIL, attributes: mode * 2 ** 16 }]);
    assert.deepEqual(seen.rules, ["zip-link"]);
    assert.ok(found(seen));
  }
});

test("links are an anomaly and carry their target", async () => {
  for (const deflate of [false, true]) {
    const seen = await zip([{ name: "l", data: "../../x", deflate, attributes: 0xa1ff0000 }]);
    assert.deepEqual(seen.rules, ["zip-link"]);
    assert.equal(seen.listings[0]?.members[0]?.linkTarget, "../../x");
  }
});

test("a member with a folder's name that holds bytes is a file", async () => {
  const seen = await zip([{ name: "folder/", data: EVIL, attributes: 0x10 }]);
  assert.ok(found(seen));
});

test("a bomb is stopped by its ratio, the others are read; the budget ends the archive", async () => {
  const zeros = new Uint8Array(40 * 1024 * 1024);
  const bytes = buildZip([
    { name: "bomb", data: zeros, deflate: true },
    { name: "b", data: EVIL },
  ]);
  const ratio = await run(zipFormat, bytes, { limits: { ratio: 100 } });
  assert.deepEqual([ratio.rules, ratio.unread], [["zip-bomb"], true]);
  assert.ok(found(ratio));
  const budget = await run(zipFormat, bytes, { limits: { expandedBytes: 1e6 } });
  assert.match(String(budget.error), /LimitError/);
});

test("more members than the limit end with a limit error, after the first were read", async () => {
  const entries = Array.from({ length: 50 }, (_, i) => ({ name: `m${i}`, data: EVIL }));
  const seen = await run(zipFormat, buildZip(entries), { limits: { members: 20 } });
  assert.equal(seen.entries.length, 20);
  assert.match(String(seen.error), /more than 20 members/);
});

test("members that PyTorch reads as raw storage or as TorchScript are handed on with a hint", async () => {
  const seen = await zip([
    { name: "m/data.pkl", data: EVIL },
    { name: "m/data/0", data: SAFE },
    { name: "m/data/x", data: SAFE },
    { name: "m/constants.pkl", data: EVIL },
    { name: "m/code/__torch__.py", data: SAFE },
    { name: "other/data/0", data: SAFE },
  ]);
  assert.deepEqual(
    seen.entries.map(({ hint }) => hint),
    [undefined, "torch-storage", undefined, undefined, "torchscript-source", undefined],
  );
});

/** Counts what is read; refuses to be read without waiting when `slow`. */
function counting(source: Source, slow: boolean): { source: Source; bytes: () => number } {
  let bytes = 0;
  const read = async (offset: number, length: number) => {
    bytes += length;
    return await source.read(offset, length);
  };
  const readSync = (offset: number, length: number) => {
    bytes += length;
    return source.readSync?.(offset, length) ?? new Uint8Array(0);
  };
  const { name, size, access } = source;
  return {
    source: { name, size, access, read, ...(slow ? {} : { readSync }) },
    bytes: () => bytes,
  };
}

test("listing a large archive reads its headers and not its members", async () => {
  const payload = new Uint8Array(40_000);
  const entries = Array.from({ length: 600 }, (_, i) => ({
    name: `model/data/${i}`,
    data: payload,
    descriptor: true,
    localExtra: new Uint8Array(60),
  }));
  const bytes = buildZip([{ name: "model/data.pkl", data: EVIL }, ...entries]);
  for (const slow of [false, true]) {
    const counted = counting(bytesSource("x", bytes), slow);
    const seen = await run(zipFormat, bytes, { source: counted.source, readEntries: false });
    assert.deepEqual(seen.rules, []);
    assert.equal(seen.entries.length, 601);
    assert.ok(counted.bytes() < 400_000, `${counted.bytes()} bytes`);
  }
});

test("more members than 16 bits count are listed", LARGE_INPUT, async () => {
  const entries = Array.from({ length: 66_000 }, (_, i) => ({ name: `m${i}`, data: "x" }));
  const bytes = buildZip(entries, { zip64: true });
  const seen = await run(zipFormat, bytes, { readEntries: false });
  assert.deepEqual(seen.rules, []);
  assert.equal(seen.entries.length, 66_000);
});

test("a member of an absurd size does not keep the next from being read", async () => {
  const huge = numbers([2, 1], [2, 16], [4, 0], [4, 1 << 27], [4, 0], [4, 1 << 27]);
  const central = { compressedSize: 0xffffffff, size: 0xffffffff };
  const lying = { name: "version", data: "3", central, centralExtra: huge };
  const seen = await run(zipFormat, buildZip([lying, { name: "data.pkl", data: EVIL }]));
  assert.equal(seen.error, undefined);
  assert.ok(found(seen));
});

test("a hidden header whose name runs into the next member does not keep that from being read", async () => {
  const gap = numbers([4, 0x04034b50], [2, 20], [2, 8], [2, 0], [4, 0], [4, 0], [4, 0], [4, 0], [
    2,
    25,
  ], [2, 0]);
  const around = [{ name: "version", data: "3", gap }, { name: "data.pkl", data: EVIL }];
  const seen = await run(zipFormat, buildZip(around));
  assert.equal(seen.error, undefined);
  assert.ok(found(seen));
});

test("a source without a size is refused", async () => {
  const { read } = bytesSource("x", new Uint8Array(9));
  const source: Source = { name: "x", size: undefined, access: "forward", read };
  const seen = await run(zipFormat, new Uint8Array(9), { source });
  assert.match(String(seen.error), /size is not known/);
});

test("time that is spent ends the scan", async () => {
  const bytes = buildZip([{ name: "a", data: SAFE }]);
  const { LimitError } = await import("../../core/errors.ts");
  const seen = await run(zipFormat, bytes, {
    checkDeadline: () => {
      throw new LimitError("milliseconds", "late");
    },
  });
  assert.match(String(seen.error), /late/);
});

test("members that lie over one another are a bomb by what they expand to in all", async () => {
  const fields = { method: 8, size: 60_000_000, offset: 0 };
  const packed = new Uint8Array(deflateRawSync(new Uint8Array(60_000)));
  const one = { name: "0", data: "", packed, local: fields, central: fields };
  const again = Array.from({ length: 20 }, (_, at) => ({
    ...{ name: `${at}`, data: "", packed: new Uint8Array(0), hidden: false },
    ...{ central: { ...fields, compressedSize: packed.length }, local: { name: "" } },
  }));
  const few = await zip([one]);
  assert.ok(!few.rules.includes("zip-bomb"));
  const many = await zip([one, ...again]);
  assert.ok(many.rules.includes("zip-bomb") && many.rules.includes("zip-duplicate-name"));
  assert.ok(many.unread);
});
