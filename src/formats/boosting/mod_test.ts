import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { assertChangesAreRead, assertCutsNeverClean, report } from "../testing/cuts.ts";

const SAMPLES = new URL("../../../testdata/boosting/", import.meta.url);
const SAFE = readdirSync(new URL("safe/", SAMPLES));

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, SAMPLES)));
}

/** A sample as text with one place changed; the rest has the same length. */
function changed(name: string, from: string | RegExp, to: string): Uint8Array {
  const text = new TextDecoder().decode(read(`safe/${name}`));
  const other = text.replace(from, to);
  assert.notEqual(other, text, `${from} is not in ${name}`);
  return new TextEncoder().encode(other);
}

test("what the libraries write is clean", async () => {
  for (const name of SAFE) {
    assert.equal((await report(name, read(`safe/${name}`))).verdict, "clean", name);
  }
});

test("a model cut anywhere is never clean", async () => {
  for (const name of SAFE) {
    const bytes = read(`safe/${name}`);
    const end = new TextDecoder("latin1").decode(bytes);
    // LightGBM reads a model without what follows the trees, and its library without the last line.
    const trees = end.indexOf("\nend of trees\n");
    const parameters = end.indexOf("\nparameters:");
    const python = end.indexOf("\nend of parameters\n");
    const complete = Array.from({ length: bytes.length }, (_, at) => at).filter((at) =>
      trees >= 0 && ((at >= trees + 14 && at < parameters + 12) || at >= python + 19)
    );
    await assertCutsNeverClean("m.bin", bytes, {
      step: Math.max(1, Math.round(bytes.length / 700)),
      allowed: complete,
    });
  }
});

test("bytes changed anywhere in the binary forms are read without a defect", async () => {
  for (const name of ["xgboost.ubj", "binary.model", "catboost.cbm"]) {
    await assertChangesAreRead("m.bin", read(`safe/${name}`), 13);
  }
});

test("indices and counts that lie are reported", async () => {
  const lies: readonly (readonly [string, string | RegExp, string])[] = [
    ["xgboost.json", /"left_children":\[1/u, '"left_children":[9'],
    ["xgboost.json", /"left_children":\[1/u, '"left_children":[0'],
    ["xgboost.json", /"right_children":\[2/u, '"right_children":[1'],
    ["xgboost.json", /"split_indices":\[\d/u, '"split_indices":[7'],
    ["xgboost.json", '"num_trees":"2"', '"num_trees":"3"'],
    ["xgboost.json", '"num_nodes":"', '"num_nodes":"1'],
    ["xgboost.json", '"left_children"', '"left_kids"'],
    ["linear.json", '"weights":[', '"heights":['],
    ["lightgbm.txt", "left_child=", "left_child=9"],
    ["lightgbm.txt", /split_feature=\d/u, "split_feature=7"],
    ["lightgbm.txt", "num_leaves=4", "num_leaves=5"],
    ["lightgbm.txt", "Tree=1", "Tree=2"],
    ["lightgbm.txt", "max_feature_idx=2", "max_feature_idx=x"],
    ["lightgbm.txt", "end of trees", "end of treez"],
    ["lightgbm_categories.txt", /cat_boundaries=0 \d/u, "cat_boundaries=0 9"],
  ];
  for (const [name, from, to] of lies) {
    const { verdict } = await report(name, changed(name, from, to));
    assert.equal(verdict, "incomplete", `${to} in ${name}`);
  }
});

test("JSON that is no XGBoost model is not taken for one", async () => {
  for (const text of ['{"learner": 1}', '{"version": "1.0", "learner": {}}']) {
    const { formats } = await report("config.json", new TextEncoder().encode(text));
    assert.ok(!formats.includes("xgboost"), text);
  }
});
