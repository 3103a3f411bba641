import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { SevenZipRunner } from "../../codecs/sevenzip.ts";
import { crc32 } from "../../codecs/checksums/crc32.ts";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { bytesSource } from "../../sources/memory.ts";
import type { Source } from "../../core/source.ts";
import type { FileReport, Limits } from "../../core/types.ts";
import { cabFormat, rarFormat, sevenZipFormat } from "./mod.ts";
import { Extractor } from "./extract.ts";
import { listArchive } from "./listing.ts";
import { run, sampleOf } from "../testing/scan.ts";
import { sevenZip, zeros } from "../testing/sevenzip.ts";
import { bytesOf, join } from "../testing/zip.ts";
import { SWEEP } from "../../parsers/testing/sweep.ts";

const TESTDATA = new URL("../../../testdata/sevenzip/", import.meta.url);
const EVIL = bytesOf("cposix\nsystem\n(S'echo hi'\ntR.");
const rules = loadRules();

const read = (name: string) => new Uint8Array(readFileSync(new URL(name, TESTDATA)));
const look = (bytes: Uint8Array, limits: Partial<Limits> = {}) =>
  run(sevenZipFormat, bytes, { limits });

async function scan(
  bytes: Uint8Array | Source,
  name = "bundle.7z",
  limits: Partial<Limits> = {},
): Promise<FileReport> {
  const source = bytes instanceof Uint8Array ? bytesSource(name, bytes) : bytes;
  return await scanSource(source, { rules, limits, path: name });
}

/** The parts of the place where the worst was found. */
function place(report: FileReport): readonly string[] | undefined {
  return report.findings.find(({ safety }) => safety === "dangerous")?.location.parts;
}

test("a member's finding says where it is", async () => {
  const report = await scan(read("harmful/malicious.7z"));
  assert.equal(report.verdict, "dangerous");
  assert.deepEqual(place(report), ["models/model.pkl", "stream_0"]);
  assert.equal((await scan(read("safe/safe.7z"))).verdict, "clean");
});

test("the same pickle in every container is found at its place, four levels deep", async () => {
  const expected: Record<string, { verdict: string; parts?: readonly string[] }> = JSON.parse(
    new TextDecoder().decode(read("../compressed/expected.json")),
  );
  let count = 0;
  for (const [name, { parts }] of Object.entries(expected)) {
    if (!name.startsWith("nested/")) continue;
    const report = await scan(read(`../compressed/${name}`), name.slice("nested/".length));
    assert.equal(report.verdict, "dangerous", name);
    assert.deepEqual(place(report), parts, name);
    assert.deepEqual(
      report.findings.filter(({ ruleId }) => !ruleId.startsWith("pickle-")).map((one) =>
        one.ruleId
      ),
      [],
      name,
    );
    count++;
  }
  assert.equal(count, 27);
});

test("an archive under another name is read, and the name is remarked upon", async () => {
  const report = await scan(read("harmful/nullifai.pt"), "model.pt");
  assert.equal(report.verdict, "dangerous");
  assert.ok(report.findings.some(({ ruleId }) => ruleId === "file-extension-mismatch"));
});

test("members come out whole, in order, under names of all kinds", async () => {
  const members = ["a.txt", "d/b", "ü/日本", "x\u202ey", "-so", "@names", "a b = c", "star*?"]
    .map((name, at) => ({ name, data: new Uint8Array(at * 1000 + 1).fill(at + 65) }));
  const seen = await look(sevenZip(members));
  assert.deepEqual([seen.error, seen.rules], [undefined, []]);
  assert.deepEqual(
    seen.entries.map(({ part, text }) => [part, text.length, text[0]]),
    members.map(({ name, data }) => [name, data.length, String.fromCharCode(data[0] ?? 0)]),
  );
});

test("a name with a line break cannot pass for another member", async () => {
  const seen = await look(sevenZip([
    { name: "a\n- b", data: bytesOf("first") },
    { name: "x\n\nPath = b\nSize = 1", data: bytesOf("second") },
    { name: "b", data: EVIL },
  ]));
  assert.deepEqual(seen.entries.map(({ text }) => text.slice(0, 6)), ["first", "second", "cposix"]);
  assert.equal(seen.entries[2]?.part, "b");
});

test("unsafe names and names that occur twice are reported, and all are read", async () => {
  const seen = await look(sevenZip([
    { name: "../../evil.pkl", data: EVIL },
    { name: "/etc/evil.pkl", data: EVIL },
    { name: "C:\\evil.pkl", data: EVIL },
    { name: "dup", data: bytesOf("1") },
    { name: "dup", data: bytesOf("2") },
  ]));
  assert.deepEqual(seen.rules, ["archive-duplicate-name", "archive-unsafe-path"]);
  assert.equal(seen.anomalies.filter(({ rule }) => rule === "archive-unsafe-path").length, 3);
  assert.deepEqual(seen.entries.map(({ text }) => text.length), [
    EVIL.length,
    EVIL.length,
    EVIL.length,
    1,
    1,
  ]);
});

test("a link tells its target", async () => {
  const seen = await look(read("suspicious/link.7z"));
  assert.deepEqual(seen.rules, ["archive-link"]);
  assert.match(seen.anomalies[0]?.detail ?? "", /"link" is a link to "\/etc\/passwd"/u);
});

test("encryption, of members or of the directory, is reported and leaves the file incomplete", async () => {
  for (const name of ["encrypted.7z", "encrypted_names.7z"]) {
    const seen = await look(read(`unreadable/${name}`));
    assert.deepEqual([seen.rules, seen.unread], [["archive-encrypted"], true], name);
    assert.equal(seen.error, undefined);
  }
});

test("a method that is not known is reported", async () => {
  const seen = await look(read("unreadable/zstandard.7z"));
  assert.deepEqual([seen.rules, seen.unread], [["archive-method-unknown"], true]);
});

test("a wrong checksum is reported, and the member and the rest are scanned", async () => {
  for (const name of ["bad_crc.7z", "bad_crc_beside.7z"]) {
    const seen = await look(read(`harmful/${name}`));
    assert.deepEqual([seen.rules, seen.unread, seen.entries.length], [["archive-crc"], false, 2]);
  }
});

test("what came before a block breaks is handed on", async () => {
  const seen = await look(read("harmful/broken_behind.7z"));
  assert.equal(seen.unread || seen.rules.includes("archive-crc"), true);
  assert.match(seen.entries[0]?.text ?? "", /posix/u);
});

test("an archive cut off at any 64th byte is never clean, nor is one with a wrong byte", async () => {
  const complete = read("harmful/copy.7z");
  for (let length = 32; length < complete.length; length += 64 * SWEEP) {
    const report = await scan(complete.subarray(0, length));
    assert.ok(["incomplete", "dangerous"].includes(report.verdict), `${length} ${report.verdict}`);
    assert.ok(report.findings.length > 0);
  }
  for (let at = 0; at < complete.length; at += 13 * SWEEP) {
    const bytes = complete.slice();
    bytes[at] = (bytes[at] ?? 0) ^ 0xff;
    const report = await scan(bytes);
    assert.notEqual(report.verdict, "clean", String(at));
    assert.ok(!report.findings.some(({ ruleId }) => ruleId === "scan-defect"), String(at));
  }
});

test("sizes that lie are reported", async () => {
  const data = bytesOf("0123456789");
  const coder = { id: [0], properties: [], packed: data, sizes: [500] };
  const seen = await look(sevenZip([{ name: "a", data }], coder));
  assert.ok(seen.unread);
  const short = await look(sevenZip([{ name: "a", data }], { ...coder, sizes: [4] }));
  assert.equal(short.entries[0]?.text, "0123");
});

test("data behind the archive is reported and looked at", async () => {
  const bytes = join(sevenZip([{ name: "a", data: bytesOf("x") }]), EVIL);
  const seen = await look(bytes);
  assert.deepEqual(seen.rules, ["archive-trailing-data"]);
  assert.deepEqual(seen.entries.at(-1)?.loaded, "data");
  assert.equal((await scan(bytes)).verdict, "suspicious");
});

test("gigabytes of zeros are recognised by their ratio, and what came before them is found", async () => {
  const coder = zeros(5000, EVIL, EVIL);
  const members = ["first.pkl", "zeros.bin", "last.pkl"].map((name) => ({ name, data: EVIL }));
  const bytes = sevenZip(members, coder);
  assert.ok(bytes.length < 3_000_000);
  const report = await scan(bytes);
  assert.deepEqual(place(report), ["first.pkl", "stream_0"]);
  assert.ok(report.findings.some(({ ruleId }) => ruleId === "compression-bomb"));
  const alone = sevenZip([{ name: "zeros.bin", data: EVIL }], {
    ...zeros(5000, Uint8Array.of(0), Uint8Array.of(0)),
    sizes: [5000 * 2_096_914 + 2],
  });
  assert.notEqual((await scan(alone)).verdict, "clean");
});

test("a dictionary that memory does not allow is not decoded", async () => {
  const coder = { ...zeros(1, EVIL, EVIL), properties: [37] };
  const members = ["a", "b", "c"].map((name) => ({ name, data: EVIL }));
  const seen = await look(sevenZip(members, coder));
  assert.deepEqual([seen.rules, seen.unread, seen.entries.length], [["scan-limit"], true, 0]);
});

test("too many members are an incomplete archive, and the first are read", async () => {
  const members = Array.from({ length: 30 }, (_, at) => ({ name: `m${at}`, data: EVIL }));
  const seen = await look(sevenZip(members), { members: 10 });
  assert.match(String(seen.error), /more than 10 members/u);
  assert.equal(seen.entries.length, 10);
});

test("more empty members than an archive may have end the scan", async () => {
  const members = Array.from({ length: 2001 }, () => ({ name: "e", data: new Uint8Array(0) }));
  const bytes = sevenZip(members);
  const verdict = async (most: number) =>
    (await scan(bytes, "bundle.7z", { members: most })).verdict;
  assert.equal(await verdict(2000), "incomplete");
  // Read to its end: what is left are equal names.
  assert.equal(await verdict(2001), "suspicious");
});

test("what does not fit into memory at once is taken out in passes", async () => {
  const members = [3000, 70_000, 200_000, 10, 50_000].map((size, at) => ({
    name: `d/m${at}`,
    data: Uint8Array.from({ length: size }, (_, byte) => (byte * (at + 3)) >>> 4),
  }));
  const bytes = sevenZip(members);
  const runner = new SevenZipRunner(bytesSource("x", bytes), bytes.length, () => {});
  const { members: listed } = await listArchive(runner, "7z", 100);
  const extractor = new Extractor(runner, listed, {
    type: "7z",
    archiveBytes: bytes.length,
    keep: 40_000,
    ratio: 1000,
    spend: () => {},
  });
  for (const [index, { data }] of members.entries()) {
    const source = extractor.stream(index);
    for (let at = 0; at < data.length; at += 1000) {
      assert.deepEqual(await source.read(at, 1000), data.subarray(at, at + 1000));
    }
    assert.equal((await source.read(data.length, 10)).length, 0);
  }
});

test("a source that cannot be read at once is read into memory first, within its limit", async () => {
  const bytes = read("harmful/malicious.7z");
  const source: Source = {
    name: "bundle.7z",
    size: bytes.length,
    access: "random",
    read: (at, length) => Promise.resolve(bytes.slice(at, at + length)),
  };
  assert.equal((await scan(source)).verdict, "dangerous");
  assert.equal((await scan(source, "bundle.7z", { spoolBytes: 100 })).verdict, "incomplete");
});

test("time that is spent ends the scan", async () => {
  const report = await scan(read("harmful/malicious.7z"), "bundle.7z", { milliseconds: 0 });
  assert.equal(report.verdict, "incomplete");
});

test("a thousand archives in one another end at the depth", async () => {
  let bytes = EVIL;
  for (let level = 0; level < 1000; level++) {
    bytes = sevenZip([{ name: level === 0 ? "model.pkl" : "inner.7z", data: bytes }]);
  }
  const report = await scan(bytes);
  assert.equal(report.verdict, "incomplete");
});

test("the exit code of the process stays what it was", async () => {
  const before = process.exitCode;
  for (
    const name of ["harmful/malicious.7z", "unreadable/encrypted.7z", "unreadable/truncated.7z"]
  ) {
    await scan(read(name));
  }
  await scan(read("harmful/malicious.7z"), "bundle.7z", { expandedBytes: 1 });
  assert.equal(process.exitCode ?? 0, before ?? 0);
});

/** A cabinet of one stored member: [MS-CAB] 2. */
function cabinet(name: string, data: Uint8Array): Uint8Array {
  const file = 36 + 8;
  const block = file + 16 + name.length + 1;
  const bytes = new Uint8Array(block + 8 + data.length);
  const view = new DataView(bytes.buffer);
  bytes.set(bytesOf("MSCF"));
  view.setUint32(8, bytes.length, true);
  view.setUint32(16, file, true);
  bytes.set([3, 1], 24);
  view.setUint16(26, 1, true);
  view.setUint16(28, 1, true);
  view.setUint32(36, block, true);
  view.setUint16(40, 1, true);
  view.setUint32(file, data.length, true);
  bytes.set(bytesOf(name), file + 16);
  view.setUint16(block + 4, data.length, true);
  view.setUint16(block + 6, data.length, true);
  bytes.set(data, block + 8);
  return bytes;
}

/** A RAR archive of version 4 of one stored member. */
function rar(name: string, data: Uint8Array, mode = 0o100644): Uint8Array {
  const header = (fields: Uint8Array): Uint8Array => {
    const bytes = join(new Uint8Array(2), fields);
    new DataView(bytes.buffer).setUint16(0, crc32(fields) & 0xffff, true);
    return bytes;
  };
  const fields = new Uint8Array(30 + name.length);
  const view = new DataView(fields.buffer);
  fields[0] = 0x74;
  view.setUint16(1, 0x8000, true);
  view.setUint16(3, fields.length + 2, true);
  view.setUint32(5, data.length, true);
  view.setUint32(9, data.length, true);
  fields[13] = 3;
  view.setUint32(14, crc32(data), true);
  fields.set([20, 0x30], 22);
  view.setUint16(24, name.length, true);
  view.setUint32(26, mode, true);
  fields.set(bytesOf(name), 30);
  const main = Uint8Array.of(0x73, 0, 0, 13, 0, 0, 0, 0, 0, 0, 0);
  const end = Uint8Array.of(0x7b, 0, 0x40, 7, 0);
  return join(bytesOf("Rar!\x1a\x07\x00"), header(main), header(fields), data, header(end));
}

test("RAR and cabinet files are read as 7-Zip archives are", async () => {
  for (const [name, make] of [["x.cab", cabinet], ["x.rar", rar]] as const) {
    const report = await scan(make("m.pkl", EVIL), name);
    assert.equal(report.verdict, "dangerous", name);
    assert.deepEqual(place(report), ["m.pkl", "stream_0"]);
  }
});

test("what RAR itself writes is read, whatever version, method and dictionary", async () => {
  for (const name of ["rar5", "rar5_stored", "rar5_solid", "rar4", "rar4_stored", "rar4_solid"]) {
    const report = await scan(read(`harmful/${name}.rar`), "x.rar");
    assert.equal(report.verdict, "dangerous", name);
    assert.deepEqual(place(report), ["models/model.pkl", "stream_0"], name);
    assert.deepEqual(report.findings.map(({ ruleId }) => ruleId), ["pickle-command"], name);
  }
});

test("a RAR archive that is encrypted, cut off, or one of several is reported and never clean", async () => {
  for (const version of ["rar4", "rar5"]) {
    for (const what of ["encrypted", "encrypted_names"]) {
      const report = await scan(read(`unreadable/${what}.${version}.rar`), "x.rar");
      assert.equal(report.verdict, "incomplete");
      assert.deepEqual([...new Set(report.findings.map(({ ruleId }) => ruleId))], [
        "archive-encrypted",
      ]);
    }
    const complete = read(`harmful/${version}.rar`);
    // 20 is where the archive's header ends.
    for (let length = 8; length < complete.length; length += 12 * SWEEP) {
      const { verdict } = await scan(complete.subarray(0, length), "x.rar");
      assert.ok(["incomplete", "dangerous"].includes(verdict), `${version} ${length} ${verdict}`);
    }
  }
  assert.equal((await scan(read("unreadable/volume_1.rar"), "x.rar")).verdict, "incomplete");
});

test("a link in a RAR archive of version 4 is reported", async () => {
  const report = await scan(rar("link", bytesOf("/etc/passwd"), 0o120777), "x.rar");
  assert.deepEqual(report.findings.map(({ ruleId }) => ruleId), ["archive-link"]);
});

test("RAR and cabinet files are known by their first bytes, and broken ones are incomplete", async () => {
  const rar = [bytesOf("Rar!\x1a\x07\x00"), bytesOf("Rar!\x1a\x07\x01\x00")];
  for (const head of rar) {
    assert.ok(rarFormat.detect(sampleOf(head)));
    assert.equal((await scan(join(head, "and noise"), "x.rar")).verdict, "incomplete");
  }
  const cab = bytesOf("MSCF\0\0\0\0");
  assert.ok(cabFormat.detect(sampleOf(cab)));
  assert.equal((await scan(join(cab, "and noise"), "x.cab")).verdict, "incomplete");
});
