/**
 * What must hold for every container and compression alike, over the samples of `testdata/`.
 *
 * @module
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { sevenZip } from "../formats/testing/sevenzip.ts";
import { buildZip, bytesOf, join } from "../formats/testing/zip.ts";
import { SWEEP } from "../parsers/testing/sweep.ts";
import { loadRules } from "../rules/rules.ts";
import { scanSource } from "./scan_source.ts";
import { bytesSource } from "../sources/memory.ts";
import type { FileReport } from "../core/types.ts";

const TESTDATA = new URL("../../testdata/", import.meta.url);
const rules = loadRules();

function files(folder: string): { name: string; bytes: Uint8Array }[] {
  const url = new URL(`${folder}/`, TESTDATA);
  return readdirSync(url).filter((name) => !name.endsWith(".json")).sort().map((name) => ({
    name,
    bytes: new Uint8Array(readFileSync(new URL(name, url))),
  }));
}

async function scan(name: string, bytes: Uint8Array): Promise<FileReport> {
  const report = await scanSource(bytesSource(name, bytes), {
    rules,
    path: name,
    limits: { depth: 12 },
  });
  assert.deepEqual(report.errors, [], name);
  assert.ok(!report.findings.some(({ ruleId }) => ruleId === "scan-defect"), name);
  return report;
}

/** Where the dangerous findings are. */
function places({ findings }: FileReport): string[] {
  return findings.filter(({ safety }) => safety === "dangerous")
    .map(({ location }) => location.parts.join(":")).sort();
}

/** A zip that is only stored shows through what it lies in, so further places are right. */
function assertPlaces(report: FileReport, alone: FileReport, within: string): void {
  const seen = places(report);
  for (const place of places(alone)) {
    const wanted = place === "" ? within : `${within}:${place}`;
    assert.ok(seen.includes(wanted), `${wanted} is not among ${seen.join(" ")}`);
  }
}

/** A tar of one member. */
function tar(name: string, data: Uint8Array): Uint8Array {
  const header = new Uint8Array(512);
  const put = (at: number, text: string) => header.set(bytesOf(text), at);
  put(0, name);
  put(100, "0000644\0");
  put(124, `${data.length.toString(8).padStart(11, "0")}\0`);
  put(148, "        0");
  put(257, "ustar\u000000");
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return join(header, data, new Uint8Array(-data.length & 511), new Uint8Array(1024));
}

test("what is harmful in an archive is as harmful two and four levels deep, and has its place", async () => {
  let count = 0;
  const samples = [
    ...["zip", "tar", "compressed", "joblib"].flatMap((it) => files(`${it}/harmful`)),
    // Each run of 7-Zip costs a module of its own.
    ...files("sevenzip/harmful").filter((_, at) => at % 3 === 0),
  ].filter((_, at) => at % SWEEP === 0);
  for (const { name, bytes } of samples) {
    const alone = await scan(name, bytes);
    assert.equal(alone.verdict, "dangerous", name);
    const two = await scan("bundle.tar", tar(name, bytes));
    assert.equal(two.verdict, "dangerous", name);
    assertPlaces(two, alone, name);
    const packed = new Uint8Array(gzipSync(tar(name, bytes)));
    const archive = sevenZip([{ name: "readme.md", data: bytesOf("# text") }, {
      name: "d/inner.tar.gz",
      data: packed,
    }]);
    const four = await scan("x.zip", buildZip([{ name: "in.7z", data: archive, deflate: true }]));
    assert.equal(four.verdict, "dangerous", name);
    assertPlaces(four, alone, `in.7z:d/inner.tar.gz:inner.tar:${name}`);
    count++;
  }
  assert.ok(count > 35 / SWEEP, String(count));
});

/** Cuts through the pipeline; the formats' own tests cut at every byte. */
const CUTS = SWEEP === 1 ? 8 : 3;

for (
  const folder of [
    "zip/safe",
    "sevenzip/safe",
    "compressed/safe",
    "compressed/nested",
    "zip/harmful",
    "tar/harmful",
    "sevenzip/harmful",
    "compressed/harmful",
    "joblib/safe",
  ]
) {
  test(`what is cut off is reported and never clean: ${folder}`, async () => {
    for (const { name, bytes } of files(folder)) {
      const step = Math.max(64, Math.ceil(bytes.length / CUTS));
      for (let length = step; length < bytes.length; length += step) {
        const { verdict, findings } = await scan(name, bytes.subarray(0, length));
        assert.ok(["incomplete", "dangerous"].includes(verdict), `${name} ${length} ${verdict}`);
        assert.ok(findings.length > 0, `${name} ${length}`);
      }
    }
  });
}
