import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assertCutsNeverClean, report } from "../testing/cuts.ts";

const SAMPLES = new URL("../../../testdata/coreml/", import.meta.url);

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, SAMPLES)));
}

test("weights are read blob by blob to their end, padding included", async () => {
  assert.equal((await report("weight.bin", read("safe/weight.bin"))).verdict, "clean");
  assert.equal((await report("weight.bin", read("suspicious/trailing.bin"))).verdict, "suspicious");
});

test("weights cut at any byte are never clean", async () => {
  const bytes = read("safe/weight.bin");
  const end = bytes.findLastIndex((byte) => byte !== 0);
  await assertCutsNeverClean("weight.bin", bytes.slice(0, end));
});

test("records that lie are reported", async () => {
  for (const [at, value] of [[0, 9], [64, 1], [73, 0x7f], [80, 1], [84, 1]] as const) {
    const lie = read("safe/weight.bin");
    lie[at] = value;
    const { verdict } = await report("weight.bin", lie);
    assert.equal(verdict, "incomplete", `${value} at ${at}`);
  }
});
