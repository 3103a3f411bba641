/**
 * A pickle, a program or an archive behind the end that a format's own structure gives, also behind
 * padding: whoever knows where it is loads it from there.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { buildZip } from "../formats/testing/zip.ts";
import { loadRules } from "../rules/rules.ts";
import { bytesSource } from "../sources/memory.ts";
import { scanSource } from "./scan_source.ts";

const rules = loadRules();
const SAMPLES = [
  "boosting/safe/lightgbm.txt",
  "boosting/safe/lightgbm_categories.txt",
  "compressed/safe/model.pkl.bz2",
  "gguf/safe/big_endian.gguf",
  "gguf/safe/cohere2.gguf",
  "hdf5/safe/hickle.hkl",
  "numpy/safe/datetime.npy",
  "openvino/safe/model.xml",
  "pickle/safe/dates_protocol_2.pkl",
  "r/safe/workspace.RData",
  "r/safe/workspace_ascii.RData",
  "safetensors/safe/scalars.safetensors",
  "sevenzip/safe/safe.7z",
  "zip/safe/bundle.zip",
];
const testdata = (path: string) =>
  new Uint8Array(readFileSync(new URL(`../../testdata/${path}`, import.meta.url)));
const latin1 = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const PICKLE = latin1("\x80\x02cos\nsystem\nX\x07\0\0\0echo hi\x85R.");

async function scanned(path: string, ...behind: readonly Uint8Array[]) {
  const bytes = new Uint8Array(
    await new Blob([testdata(path), ...behind].map((each) => each.slice())).arrayBuffer(),
  );
  return await scanSource(bytesSource(path, bytes), { rules });
}

for (const padding of [0, 16, 4096]) {
  test(`a pickle behind the end and ${padding} zeros is found in every format`, async () => {
    for (const path of SAMPLES) {
      const report = await scanned(path, new Uint8Array(padding), PICKLE);
      const found = report.findings.find(({ message }) => message.includes("os.system"));
      assert.ok(found !== undefined, path);
      assert.ok(report.verdict !== "clean" && report.verdict !== "skipped", path);
    }
  });
}

test("a program behind the end is named in every format", async () => {
  const programs = [testdata("native/suspicious/run"), latin1("#!/bin/sh\necho hi\n")];
  for (const path of SAMPLES) {
    for (const program of programs) {
      const { findings } = await scanned(path, new Uint8Array(16), program);
      const found = findings.some(({ ruleId }) => ruleId === "native-hidden");
      assert.ok(found, `${path}: ${findings.map(({ ruleId }) => ruleId).join()}`);
    }
  }
});

test("what is in an archive behind the end is found in every format", async () => {
  const archive = buildZip([{ name: "data.pkl", data: PICKLE }]);
  for (const path of SAMPLES) {
    const { findings } = await scanned(path, archive);
    assert.ok(findings.some(({ message }) => message.includes("os.system")), path);
  }
});

test("the samples alone have nothing hidden", async () => {
  for (const path of SAMPLES) {
    const { findings } = await scanned(path);
    assert.ok(!findings.some(({ ruleId }) => /hidden|trailing/.test(ruleId)), path);
  }
});
