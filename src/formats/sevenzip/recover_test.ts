import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { bytesSource } from "../../sources/memory.ts";
import type { Limits } from "../../core/types.ts";
import { sevenZip, zeros } from "../testing/sevenzip.ts";
import { bytesOf, join } from "../testing/zip.ts";
import { SWEEP } from "../../parsers/testing/sweep.ts";

const ARCHIVES = new URL("../../../testdata/sevenzip/", import.meta.url);
const EVIL = bytesOf("cposix\nsystem\n(S'echo hi'\ntR.");
const MAGIC = Uint8Array.of(0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c, 0, 4);
const START_HEADER = join(MAGIC, new Uint8Array(24).fill(0x11));
const rules = loadRules();

const read = (name: string) => new Uint8Array(readFileSync(new URL(name, ARCHIVES)));

async function scan(bytes: Uint8Array, limits: Partial<Limits> = {}) {
  const report = await scanSource(bytesSource("bundle.7z", bytes), { rules, limits });
  assert.deepEqual(report.errors, []);
  return report;
}

/** Where the directory begins, which may be packed itself. */
function directoryOf(archive: Uint8Array): number {
  return 32 + new DataView(archive.buffer, archive.byteOffset).getUint32(12, true);
}

/** An LZMA2 stream of one chunk that is stored. */
function stored(data: Uint8Array): Uint8Array {
  const length = data.length - 1;
  return join(Uint8Array.of(1, length >> 8, length & 0xff), data, Uint8Array.of(0));
}

test("the harmful member of an archive that lost its directory is found, by every usual method", async () => {
  const names = ["malicious", "lzma", "copy", "deflate", "bzip2", "lzma2_bcj", "bcj2", "arm64"];
  for (const name of names) {
    const complete = read(`harmful/${name}.7z`);
    for (let length = directoryOf(complete); length < complete.length; length += 12 * SWEEP) {
      const report = await scan(complete.subarray(0, length));
      assert.equal(report.verdict, "dangerous", `${name} ${length}`);
      assert.ok(report.findings.some(({ ruleId }) => ruleId === "archive-truncated"), name);
    }
  }
});

test("what was recovered says where it lay and how it was packed", async () => {
  const { findings } = await scan(read("harmful/truncated.7z"));
  const places = findings.filter(({ safety }) => safety === "dangerous")
    .map(({ location }) => location.parts.join(":"));
  assert.ok(places.includes("(lzma2 at 32):stream_0"), places.join(" "));
});

test("a harmless archive that is cut off anywhere is incomplete", async () => {
  const complete = read("safe/safe.7z");
  for (let length = 6; length < complete.length; length += 5 * SWEEP) {
    const report = await scan(complete.subarray(0, length));
    assert.equal(report.verdict, "incomplete", String(length));
    assert.ok(report.findings.length > 0, String(length));
  }
});

test("blocks are followed one behind the other, whatever stands in the first", async () => {
  const report = await scan(join(START_HEADER, stored(bytesOf("# text\n")), stored(EVIL)));
  const place = report.findings.find(({ location }) =>
    location.parts[0]?.startsWith("(lzma2 at 43)")
  );
  assert.equal(place?.safety, "dangerous");
});

test("a directory that is there and broken does not hide what stands before it", async () => {
  const archive = sevenZip([{ name: "a.txt", data: bytesOf("text") }, { name: "b", data: EVIL }]);
  for (let at = 8; at < archive.length; at += 3 * SWEEP) {
    if (at >= 32 && at < directoryOf(archive)) continue;
    const bytes = archive.slice();
    bytes[at] = (bytes[at] ?? 0) ^ 0xff;
    assert.equal((await scan(bytes)).verdict, "dangerous", String(at));
  }
});

test("noise in the place of the packed streams is incomplete", async () => {
  for (let seed = 1; seed < 257; seed += 8 * SWEEP) {
    let state = seed * 2_654_435_761;
    const noise = Uint8Array.from({ length: 600 }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state >>> 24;
    });
    // Any byte may be the first one.
    noise[0] = seed & 0xff;
    assert.equal((await scan(join(START_HEADER, noise))).verdict, "incomplete", String(seed));
  }
  assert.equal((await scan(START_HEADER)).verdict, "incomplete");
});

test("gigabytes of zeros that lost their directory are decoded no further than their ratio", async () => {
  const { packed } = zeros(5000, EVIL, EVIL);
  const report = await scan(join(START_HEADER, packed));
  assert.equal(report.verdict, "dangerous");
  assert.ok(report.findings.some(({ ruleId }) => ruleId === "compression-bomb"));
  const harmless = zeros(5000, bytesOf("x"), bytesOf("x"));
  assert.equal((await scan(join(START_HEADER, harmless.packed))).verdict, "incomplete");
});

test("the search in what was recovered keeps to its limit and says so", async () => {
  const far = join(bytesOf("x".repeat(60_000)), EVIL);
  assert.equal((await scan(join(START_HEADER, stored(far)))).verdict, "dangerous");
  const report = await scan(join(START_HEADER, stored(far)), { resyncBytes: 1000 });
  assert.equal(report.verdict, "incomplete");
  assert.ok(report.findings.some(({ ruleId }) => ruleId === "pickle-resync-limit"));
});
