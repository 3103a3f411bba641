import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assertCutsNeverClean, report } from "../testing/cuts.ts";

const SAMPLES = new URL("../../../testdata/ggml/", import.meta.url);

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, SAMPLES)));
}

const SAFE = ["whisper.bin", "unversioned.bin", "ggmf.bin", "ggjt_v3.bin", "lora.bin"];

test("every layout is read to its last byte", async () => {
  for (const name of SAFE) {
    assert.equal((await report(name, read(`safe/${name}`))).verdict, "clean", name);
  }
});

test("a model cut at any byte is never clean", async () => {
  for (const name of SAFE) {
    await assertCutsNeverClean("m.bin", read(`safe/${name}`), {
      step: name === "whisper.bin" ? 3 : 1,
    });
  }
});

test("a type, shape or length that lies makes the model incomplete", async () => {
  const complete = read("safe/whisper.bin");
  for (const at of [4, 48, 52, 80, 84, 116, 120, 124, 128]) {
    const lie = complete.slice();
    lie[at + 3] = 0x7f;
    const { verdict } = await report("m.bin", lie);
    assert.ok(verdict === "incomplete" || at === 4, `a lie at ${at} is ${verdict}`);
  }
});

test("a pickle that is a tensor of bytes is reported as bytes that nothing loads", async () => {
  assert.equal((await report("m.bin", read("suspicious/hidden.bin"))).verdict, "suspicious");
});
