import { strict as assert } from "node:assert";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Sample, SAMPLE_BYTES, TAIL_BYTES } from "../core/format.ts";
import { SWEEP } from "../parsers/testing/sweep.ts";
import { FORMATS } from "./registry.ts";

const TESTDATA = fileURLToPath(new URL("../../testdata/", import.meta.url));

function samples(folder: string): Sample[] {
  return readdirSync(folder).flatMap((name) => {
    const path = `${folder}/${name}`;
    if (statSync(path).isDirectory()) return samples(path);
    const bytes = new Uint8Array(readFileSync(path));
    const head = bytes.subarray(0, SAMPLE_BYTES);
    const tail = bytes.subarray(Math.max(0, bytes.length - TAIL_BYTES));
    return [{ name, size: bytes.length, head, tail, hint: undefined }];
  });
}

test("every format can be loaded, has the id of its entry, and is loaded once", async () => {
  for (const entry of FORMATS) {
    const format = await entry.load();
    assert.equal(format.id, entry.id);
    assert.equal(await entry.load(), format);
  }
  assert.equal(new Set(FORMATS.map(({ id }) => id)).size, FORMATS.length);
});

test("what a format recognises is never ruled out before it is loaded", async () => {
  const all = samples(TESTDATA);
  const recognised = new Set<string>();
  for (const entry of FORMATS) {
    const format = await entry.load();
    const hints = [
      ...[undefined, "pickle", "torch-tar-storages", "torchscript-source"],
      ...["python-import", "python-path", "skops-schema", "skops-schema-maybe"],
    ];
    const hinted = all.flatMap((one, at) =>
      // One hint, and none, on each sample; coarser sweeps try one of the two.
      [undefined, hints[1 + (at >> 1) % (hints.length - 1)]]
        .filter((_, index) => SWEEP === 1 || at % 2 === index)
        .map((hint) => ({ ...one, hint }))
    );
    for (const sample of hinted) {
      if (!format.detect(sample)) continue;
      recognised.add(entry.id);
      assert.ok(entry.mayMatch(sample), `${sample.name} is ${entry.id}`);
    }
  }
  // A coarser sweep may leave out the few samples of a format.
  if (SWEEP === 1) assert.deepEqual([...recognised], FORMATS.map(({ id }) => id));
});

test("an empty sample matches no format", async () => {
  const empty: Sample = {
    name: "a",
    size: 0,
    head: new Uint8Array(0),
    tail: new Uint8Array(0),
    hint: undefined,
  };
  for (const entry of FORMATS) {
    assert.equal(entry.mayMatch(empty) && (await entry.load()).detect(empty), false, entry.id);
  }
});
