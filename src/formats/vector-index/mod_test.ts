import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { loadRules } from "../../rules/rules.ts";
import { scanMany } from "../../scan/scan_inputs.ts";
import { assertChangesAreRead, assertCutsNeverClean, report } from "../testing/cuts.ts";

const SAMPLES = new URL("../../../testdata/vector-index/", import.meta.url);
const SAFE = ["hnswlib.bin", "chroma.bin", "flat.faiss", "product.faiss"];

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, SAMPLES)));
}

test("what hnswlib, Chroma and FAISS write is clean", async () => {
  for (const name of [...SAFE, "chroma/header.bin"]) {
    assert.equal((await report(name, read(`safe/${name}`))).verdict, "clean", name);
  }
});

test("an index cut at any byte is never clean", async () => {
  for (const name of [...SAFE, "chroma/header.bin"]) {
    await assertCutsNeverClean("m.bin", read(`safe/${name}`), {
      step: name === "hnswlib.bin" ? 1 : 3,
    });
  }
});

test("bytes changed anywhere are read without a defect", async () => {
  for (const name of SAFE) await assertChangesAreRead("m.bin", read(`safe/${name}`), 29);
});

test("the parts of Chroma's index are compared with its header", async () => {
  const rules = loadRules();
  for (const part of [undefined, "data_level0.bin", "length.bin", "link_lists.bin"]) {
    const folder = mkdtempSync(join(tmpdir(), "chroma-"));
    try {
      cpSync(new URL("safe/chroma/", SAMPLES), folder, { recursive: true });
      if (part !== undefined) truncateSync(join(folder, part), 150);
      const { files } = await scanMany([folder], { rules });
      const bad = files.filter(({ verdict }) => verdict !== "clean").map(({ path }) => path);
      assert.deepEqual(bad, part === undefined ? [] : [join(folder, part)]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
});

test("a kind of FAISS index that is not read is incomplete by its name", async () => {
  const { verdict, findings } = await report("index.faiss", read("malformed/graph.faiss"));
  assert.equal(verdict, "incomplete");
  assert.match(findings[0]?.message ?? "", /IHNf/);
});
