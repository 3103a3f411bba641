import assert from "node:assert/strict";
import { test } from "node:test";
import { Dice } from "../dice.ts";
import { transformations } from "./chains.ts";
import { madeOf } from "./missing.ts";
import { plainest } from "./samples.ts";

const ALL = transformations(["gzip", "npy", "torch-zip"]);

function named(id: string) {
  const found = ALL.find((each) => each.id === id);
  assert.ok(found, id);
  return found;
}

function made(first: string, second: string, between: readonly string[] = []) {
  const [sample] = plainest();
  assert.ok(sample);
  const pair = [named(first), named(second)] as const;
  const all = [pair[0], ...between.map(named), pair[1]];
  return madeOf(sample.draft, all, pair[1], new Dice("missing", 1, 1));
}

test("a pair of which one leaves a state that the other never changes is excluded, with the reason", () => {
  const excluded: readonly (readonly [string, string, RegExp])[] = [
    ["joblib-array", "in-npy", /^in-npy: only joblib/u],
    ["joblib-array", "stream-second", /^stream-second: joblib reads one stream/u],
    ["stream-second", "in-torch-zip", /^in-torch-zip: .* the first/u],
    ["in-gzip", "in-npy", /^in-npy: .* inside it/u],
    ["frames-one", "frames-one", /^frames-one: the frames are "one" already/u],
  ];
  for (const [first, second, reason] of excluded) {
    const result = made(first, second);
    assert.ok("why" in result && result.kind === "excluded", `${first} ${second}`);
    assert.match(result.why, reason);
  }
});

test("what does not come to the second of a pair says nothing of the pair", () => {
  const result = made("frames-none", "in-npy");
  assert.ok("why" in result && result.kind === "first");
});

test("one more amid a pair makes room for the second", () => {
  assert.ok("why" in made("form-protocol", "frames-none"));
  assert.ok("draft" in made("form-protocol", "frames-none", ["frames-many"]));
});
