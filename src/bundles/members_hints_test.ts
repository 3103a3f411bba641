import assert from "node:assert/strict";
import { test } from "node:test";
import { HINT } from "../core/hints.ts";
import { sb3Hints } from "./sb3_members.ts";
import { skopsHints } from "./skops_members.ts";
import { torchHints } from "./torch_members.ts";

test("storages belong to the pickle of their own folder", () => {
  const hints = torchHints([
    "m/data.pkl",
    "m/data/0",
    "m/data/17",
    "m/data/x",
    "n/data/0",
    "m/constants/0",
  ]);
  assert.deepEqual([...hints], [["m/data/0", HINT.torchStorage], ["m/data/17", HINT.torchStorage]]);
  assert.deepEqual([...torchHints(["data.pkl", "data/3", "constants.pkl", "constants/1"]).keys()], [
    "data/3",
    "constants/1",
  ]);
});

test("source is TorchScript's beside a pickle of its folder, bytecode is that of the mobile reader", () => {
  const hints = torchHints(["m/code/__torch__/a.py", "m/constants.pkl", "m/bytecode.pkl"]);
  assert.equal(hints.get("m/code/__torch__/a.py"), HINT.torchscriptSource);
  assert.equal(hints.get("m/bytecode.pkl"), HINT.torchBytecode);
  assert.equal(torchHints(["m/code/a.py", "n/constants.pkl"]).size, 0);
  assert.equal(
    torchHints(["m/models/model.json", "m/data/constants/opaque_obj_0"]).get(
      "m/data/constants/opaque_obj_0",
    ),
    HINT.pickle,
  );
  // As PyTorch 2.13 finds them.
  const other = torchHints(["m/CODE/__torch__/a.PY", "m/Constants.pkl", "m/BYTECODE.PKL"]);
  assert.equal(other.get("m/CODE/__torch__/a.PY"), HINT.torchscriptSource);
  assert.equal(other.get("m/BYTECODE.PKL"), HINT.torchBytecode);
  assert.equal(torchHints(["code/a.py", "model.json"]).get("code/a.py"), HINT.torchscriptSource);
});

test("a schema is skops' own where the archive is called so, else it may be", () => {
  assert.deepEqual([...skopsHints("m.SKOPS", ["schema.json"])], [[
    "schema.json",
    HINT.skopsSchema,
  ]]);
  assert.deepEqual([...skopsHints("m.zip", ["schema.json"])], [[
    "schema.json",
    HINT.skopsSchemaMaybe,
  ]]);
  assert.equal(skopsHints("m.skops", ["a/schema.json"]).size, 0);
});

test("Stable-Baselines3 reads the member data at the root, and no other", () => {
  assert.deepEqual([...sb3Hints(["data", "./data", "a/data", "data.json"]).keys()], [
    "data",
    "./data",
  ]);
});
