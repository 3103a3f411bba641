import assert from "node:assert/strict";
import { test } from "node:test";
import type { Listing } from "../core/types.ts";
import type { BundleObservation } from "../core/bundle.ts";
import { torchBundle } from "./torch.ts";
import { torchHints } from "./torch_members.ts";

const listing = (...names: string[]): Listing => ({
  format: "zip",
  members: names.map((name) => ({ name, kind: "file" })),
});

/** What the package states. */
async function observed(...names: string[]): Promise<BundleObservation[]> {
  const all: BundleObservation[] = [];
  for await (const one of torchBundle.observe(listing(...names))) all.push(one);
  return all;
}

test("an archive with data.pkl or constants.pkl in any folder is PyTorch's", () => {
  for (const name of ["data.pkl", "m/data.pkl", "a/b/constants.pkl", "constants.pkl", "Data.pkl"]) {
    assert.ok(torchBundle.matches(listing("x", name)), name);
  }
  for (const name of ["mydata.pkl", "data.pkl/x", "m/data.pkl.txt"]) {
    assert.ok(!torchBundle.matches(listing(name)), name);
  }
  assert.ok(!torchBundle.matches(listing()));
});

test("a checkpoint is nothing to speak of, a program is", async () => {
  assert.deepEqual(await observed("m/data.pkl", "m/data/0"), []);
  const seen = await observed(
    "m/data.pkl",
    "m/constants.pkl",
    "m/code/a.py",
    "m/code/b/c.py",
    "m/code/a.py.debug_pkl",
  );
  assert.equal(seen.length, 1);
  const [{ part, observation }] = seen as [typeof seen[0] & object];
  assert.equal(part, "m/constants.pkl");
  assert.ok(observation.type === "anomaly");
  assert.equal(observation.rule, "torch-torchscript");
  assert.match(observation.detail, /2 source files/);
});

test("two programs in one archive are both spoken of", async () => {
  const seen = await observed("a/constants.pkl", "b/constants.pkl");
  assert.deepEqual(seen.map(({ part }) => part), ["a/constants.pkl", "b/constants.pkl"]);
});

test("storages and sources get a hint only where their pickle stands beside them", () => {
  const hints = torchHints([
    ...["m/data.pkl", "m/data/0", "m/data/12", "m/data/x", "m/data/1/2", "n/data/0", "mydata/0"],
    ...["m/constants.pkl", "m/constants/3", "m/code/a.py", "n/code/b.py", "m/code/a.pyc"],
    ...["data/7", "tensors/0"],
  ]);
  assert.deepEqual(Object.fromEntries(hints), {
    "m/data/0": "torch-storage",
    "m/data/12": "torch-storage",
    "m/constants/3": "torch-storage",
    "m/code/a.py": "torchscript-source",
  });
  assert.deepEqual([...torchHints(["data.pkl", "data/7"]).keys()], ["data/7"]);
});

test("bytecode without a source is reported, and a hint says what it is", async () => {
  const bare = await observed("m/data.pkl", "m/bytecode.pkl");
  const rules = bare.map(({ observation }) => observation.type === "anomaly" && observation.rule);
  assert.deepEqual(rules, ["torch-mobile-without-source"]);
  assert.deepEqual(await observed("m/data.pkl", "m/bytecode.pkl", "m/code/__torch__.py"), []);
  assert.equal(torchHints(["m/bytecode.pkl"]).get("m/bytecode.pkl"), "torch-bytecode");
});
