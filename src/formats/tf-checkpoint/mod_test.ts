import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { loadRules } from "../../rules/rules.ts";
import { scanMany } from "../../scan/scan_inputs.ts";
import { fileURLToPath } from "node:url";
import { assertChangesAreRead, assertCutsNeverClean, report } from "../testing/cuts.ts";

const SAFE = new URL("../../../testdata/tf-checkpoint/safe/", import.meta.url);
const MODELS = new URL("../../../testdata/tensorflow/safe/", import.meta.url);

function read(url: URL): Uint8Array {
  return new Uint8Array(readFileSync(url));
}

test("checkpoints of both versions and their shards are clean", async () => {
  const { files } = await scanMany([fileURLToPath(SAFE)], { rules: loadRules() });
  assert.deepEqual(files.map(({ verdict }) => verdict), ["clean", "clean", "clean"]);
});

test("the indices of SavedModels are read to their ends", async () => {
  for (const name of readdirSync(MODELS)) {
    const url = new URL(`${name}/variables/variables.index`, MODELS);
    let bytes;
    try {
      bytes = read(url);
    } catch {
      continue;
    }
    assert.equal((await report("variables.index", bytes)).verdict, "clean", name);
  }
});

test("a checkpoint cut at any byte is never clean", async () => {
  const first = read(new URL("first.ckpt", SAFE));
  await assertCutsNeverClean("first.ckpt", first);
  const index = read(new URL("model.ckpt.index", SAFE));
  for (let at = 4; at < index.length; at++) {
    const { verdict } = await report("model.ckpt.index", index.slice(0, at));
    assert.equal(verdict, "incomplete", `cut at ${at}`);
  }
});

test("bytes changed anywhere are read without a defect", async () => {
  await assertChangesAreRead("model.ckpt.index", read(new URL("model.ckpt.index", SAFE)));
});
