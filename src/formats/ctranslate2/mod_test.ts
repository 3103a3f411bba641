import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { latin1 } from "../../parsers/bytes.ts";
import { assertCutsNeverClean, report } from "../testing/cuts.ts";

const SAMPLES = new URL("../../../testdata/ctranslate2/", import.meta.url);

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, SAMPLES)));
}

test("what CTranslate2's converter writes is clean", async () => {
  assert.equal((await report("model.bin", read("safe/model.bin"))).verdict, "clean");
});

test("a model cut at any byte is never clean", async () => {
  await assertCutsNeverClean("model.bin", read("safe/model.bin"));
});

test("every length, count and type that lies makes the model incomplete or suspicious", async () => {
  const complete = read("safe/model.bin");
  const text = latin1(complete, complete.length);
  const shape = text.indexOf("same\0") + 5;
  const lies: readonly (readonly [at: number, value: number])[] = [
    [19, 9],
    [shape, 3],
    [shape + 1, 4],
    [shape + 9, 1],
    [shape + 9, 77],
    [shape + 10, 47],
    [shape + 13, 0xff],
    [complete.length - 3, 0x78],
  ];
  for (const [at, value] of lies) {
    const lie = complete.slice();
    lie[at] = value;
    const { verdict } = await report("model.bin", lie);
    assert.ok(["incomplete", "suspicious"].includes(verdict), `${value} at ${at} is ${verdict}`);
  }
});

test("zeros behind the end are padding", async () => {
  const padded = new Uint8Array([...read("safe/model.bin"), ...new Uint8Array(100)]);
  assert.equal((await report("model.bin", padded)).verdict, "clean");
});
