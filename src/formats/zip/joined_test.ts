import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { report } from "../testing/cuts.ts";
import { buildZip, join } from "../testing/zip.ts";

const PICKLE = new Uint8Array(
  readFileSync(new URL("../../../testdata/numpy/safe/empty.npy", import.meta.url)),
);

function archive(name: string): Uint8Array {
  return buildZip([{ name, data: PICKLE }]);
}

test("archives that a distributed checkpoint joins are read one by one", async () => {
  const joined = join(archive("a/x.npy"), archive("a/x.npy"), archive("a/x.npy"));
  assert.equal((await report("__0_0.distcp", joined)).verdict, "clean");
  assert.equal((await report("model.zip", joined)).verdict, "suspicious");
});

test("anything between them is reported as in any other archive", async () => {
  const gap = join(archive("a/x.npy"), Uint8Array.of(1, 2, 3), archive("a/x.npy"));
  assert.notEqual((await report("__0_0.distcp", gap)).verdict, "clean");
  const cut = join(archive("a/x.npy"), archive("a/x.npy").slice(0, -5));
  assert.notEqual((await report("__0_0.distcp", cut)).verdict, "clean");
});

test("a harmful pickle in one of them is found", async () => {
  const evil = buildZip([{
    name: "archive/data.pkl",
    data: new TextEncoder().encode("cos\nsystem\n(S'echo hi'\ntR."),
  }]);
  const joined = join(archive("a/x.npy"), evil);
  assert.equal((await report("__0_0.distcp", joined)).verdict, "dangerous");
});
