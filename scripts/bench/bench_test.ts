import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { makeCheckpoint } from "./checkpoint.ts";
import { writeDictionaries } from "./dictionaries.ts";
import { median, table } from "./table.ts";

// What CPython 3.11 writes: hashlib.sha256(pickle.dumps([record(i) for i in range(n)], protocol=4)),
// with record() as in the comment of writeDictionaries.
const WRITTEN_BY_CPYTHON = [
  [2, "39f01e0ff236bda2131c03aa6fe13cf96afb5937e9598cfcb4e77f8bb7c1aa3b"],
  [1000, "796558eb924a03a6245f748b734f65702e14693755113e0298b0171335c4b56b"],
  [1001, "ffca5eaaec1b79c963970939af237830981dd20b5d5055648849f793b88e51d0"],
  [5000, "e1993b8f3e0b636a31a5f40de8ea327869ede4a183a1180789a833eebabeb0c1"],
] as const;

test("the dictionaries are byte for byte what CPython's pickler writes", () => {
  for (const [count, expected] of WRITTEN_BY_CPYTHON) {
    const hash = createHash("sha256");
    writeDictionaries(count, (bytes) => hash.update(bytes));
    assert.equal(hash.digest("hex"), expected, `${count} records`);
  }
});

test("fewer than two dictionaries are refused", () => {
  assert.throws(() => writeDictionaries(1, () => {}), RangeError);
});

test("the checkpoint is a zip whose storages are aligned and whose directory fits", () => {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-bench-"));
  try {
    const path = join(folder, "two.pt");
    makeCheckpoint(path, 2);
    const bytes = readFileSync(path);
    assert.equal(bytes.length, statSync(path).size);
    const end = bytes.length - 22;
    assert.equal(bytes.readUInt32LE(end), 0x06054b50);
    const entries = bytes.readUInt16LE(end + 10);
    const start = bytes.readUInt32LE(end + 16);
    const names: string[] = [];
    let at = start;
    for (let index = 0; index < entries; index++) {
      assert.equal(bytes.readUInt32LE(at), 0x02014b50);
      const size = bytes.readUInt32LE(at + 24);
      const length = bytes.readUInt16LE(at + 28);
      const local = bytes.readUInt32LE(at + 42);
      const name = bytes.toString("latin1", at + 46, at + 46 + length);
      names.push(name);
      assert.equal(bytes.readUInt32LE(local), 0x04034b50);
      const data = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
      assert.equal(data % 64, 0, `${name} begins at ${data}`);
      assert.equal(bytes.readUInt32LE(data + size), 0x08074b50);
      at += 46 + length;
    }
    assert.equal(names[0], "archive/data.pkl");
    assert.ok(names.includes("archive/data/1") && names.includes("archive/version"));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a checkpoint that would need another layout is refused", () => {
  assert.throws(() => makeCheckpoint("/nowhere", 1024), RangeError);
});

test("the median is the middle one", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.ok(Number.isNaN(median([])));
});

test("the table says what was demanded and whether it is met", () => {
  const text = table([
    { what: "scan", value: 0.25, unit: "s", limit: 0.3 },
    { what: "faster by", value: 3.9, unit: "times", least: 4 },
    { what: "memory", value: undefined, unit: "MB", limit: 300 },
  ]);
  assert.match(text, /scan +\| 0\.250 s +\| below 0\.3 s +\| met/);
  assert.match(text, /faster by \| 3\.9 times +\| at least 4 times \| missed/);
  assert.match(text, /memory +\| not measured \| below 300 MB/);
});
