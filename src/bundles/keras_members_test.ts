import assert from "node:assert/strict";
import { test } from "node:test";
import { kerasHints } from "./keras_members.ts";

test("config.json is Keras' own in an archive called .keras, or beside Keras' other members", () => {
  const hinted = (
    archive: string,
    ...names: string[]
  ) => [...kerasHints(archive, ["config.json", ...names])];
  const found = [["config.json", "keras-config"]];
  assert.deepEqual(hinted("m.keras"), found);
  assert.deepEqual(hinted("M.KERAS", "x"), found);
  assert.deepEqual(hinted("m.zip", "metadata.json"), found);
  assert.deepEqual(hinted("m", "model.weights.h5"), found);
  assert.deepEqual(hinted("m.zip", "model.safetensors"), []);
  assert.deepEqual([...kerasHints("m.keras", ["a/config.json", "metadata.json"])], []);
});
