import assert from "node:assert/strict";
import { test } from "node:test";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { bytesSource } from "../../sources/memory.ts";
import { buildZip, join } from "../testing/zip.ts";

const EVIL = "cos\nsystem\n(S'echo hi'\ntR.";
const scan = (bytes: Uint8Array) =>
  scanSource(bytesSource("noname", bytes), { rules: loadRules() });

// zipfile of CPython takes the directory to end where the end record begins, and its size for granted.
test("an archive whose first bytes are lost is read as Python reads it", async () => {
  const bytes = buildZip([{ name: "first", data: "harmless" }, { name: "data.pkl", data: EVIL }]);
  for (let lost = 1; lost < 38; lost++) {
    assert.equal((await scan(bytes.subarray(lost))).verdict, "dangerous", String(lost));
  }
});

test("an archive that announces no member is read when its directory has some", async () => {
  const zip = buildZip([{ name: "data.pkl", data: EVIL }], { entries: 0 });
  assert.equal((await scan(zip)).verdict, "dangerous");
  assert.equal((await scan(join("prepended", zip))).verdict, "dangerous");
});

test("zeros behind an archive hide it only where a tar put them", async () => {
  const zip = buildZip([{ name: "data.pkl", data: EVIL }]);
  for (const zeros of [1, 22, 512, 1024]) {
    const bytes = join("x", zip, new Uint8Array(zeros));
    assert.equal((await scan(bytes)).verdict, "dangerous", String(zeros));
  }
});

// `_EndRecData64` of CPython's zipfile, which never compares them with all ones.
test("where a zip64 locator stands before the end record, the record's own numbers say nothing", async () => {
  const zip = join("x", buildZip([{ name: "data.pkl", data: EVIL }], { zip64: true }));
  const record = new DataView(zip.buffer, zip.length - 22, 22);
  record.setUint32(12, 0x7fff_ffff, true);
  record.setUint32(16, 0x7fff_fff0, true);
  assert.equal((await scan(zip)).verdict, "dangerous");
});

// `_RealGetContents` of CPython's zipfile: what there is of the comment, and the directory is at its end.
test("a member is read whose record in the directory is cut off in its comment", async () => {
  const local = { method: 8 };
  const zip = buildZip([{ name: "data.pkl", data: EVIL, local }, { name: "b", data: "harmless" }]);
  const record = zip.findIndex((_, at) => zip.subarray(at, at + 4).join() === "80,75,1,2");
  assert.ok(record > 0);
  new DataView(zip.buffer, record).setUint16(32, 0x7e00, true);
  assert.equal((await scan(zip)).verdict, "dangerous");
  // In its name nothing reads it.
  new DataView(zip.buffer, record).setUint16(28, 0x7e00, true);
  assert.equal((await scan(zip)).verdict, "incomplete");
});
