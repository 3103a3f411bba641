import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ascii, latin1 } from "../../parsers/bytes.ts";
import { assertCutsNeverClean, report } from "../testing/cuts.ts";

const SAMPLES = new URL("../../../testdata/word-vectors/", import.meta.url);

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, SAMPLES)));
}

const SAFE = ["supervised.bin", "skipgram.bin", "quantized.ftz", "vectors.bin", "vectors.vec"];

test("what fastText and gensim write is clean", async () => {
  for (const name of SAFE) {
    assert.equal((await report(name, read(`safe/${name}`))).verdict, "clean", name);
  }
});

test("a file cut at any byte is never clean", async () => {
  for (const name of SAFE) {
    const bytes = read(`safe/${name}`);
    await assertCutsNeverClean("m.bin", bytes, { step: bytes.length > 5000 ? 37 : 1 });
  }
});

test("the form of the first word2vec, with a line feed behind each vector, is clean", async () => {
  const word = [0x61, 0x20, 0, 0, 0x80, 0x3f, 0x0a];
  const bytes = new Uint8Array([...ascii("2 1\n"), ...word, ...word]);
  assert.equal((await report("m.bin", bytes)).verdict, "clean");
});

test("counts that lie make vectors incomplete", async () => {
  const text = latin1(read("safe/vectors.vec"), 4096);
  for (const header of ["2 4", "4 4", "3 3", "3 5"]) {
    const lie = new Uint8Array(ascii(text.replace("3 4", header)));
    const { verdict } = await report("m.bin", lie);
    assert.equal(verdict, "incomplete", header);
    const binary = read("safe/vectors.bin");
    binary.set(ascii(header));
    const seen = await report("m.bin", binary);
    assert.ok(["incomplete", "suspicious"].includes(seen.verdict), `${header}: ${seen.verdict}`);
  }
});

test("two numbers on a text's first line make no word vectors of it", async () => {
  for (const text of ["640 480\n", "3 4\nthis is a text of words\n", "1 2\n3 4\n5 6\n"]) {
    const { formats } = await report("notes.txt", new TextEncoder().encode(text));
    assert.deepEqual(formats, [], text);
  }
});
