import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { assertChangesAreRead, assertCutsNeverClean, report } from "../testing/cuts.ts";

const SAMPLES = new URL("../../../testdata/tokenizer/", import.meta.url);

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, SAMPLES)));
}

test("what the libraries write is clean", async () => {
  for (const name of readdirSync(new URL("safe/", SAMPLES))) {
    const { verdict, formats } = await report(name, read(`safe/${name}`));
    assert.equal(verdict, "clean", name);
    assert.ok(formats.length > 0, name);
  }
});

test("a sentencepiece model cut at any byte is never clean", async () => {
  await assertCutsNeverClean("m.spm", read("safe/bpe.model"));
  await assertCutsNeverClean("m.spm", read("safe/unigram.model"), { step: 7 });
  await assertChangesAreRead("m.spm", read("safe/bpe.model"), 17);
});

test("a tokenizer in JSON cut anywhere is never clean", async () => {
  const bytes = read("safe/bpe_tokenizer.json");
  for (let at = 200; at < bytes.length; at += 41) {
    const { verdict } = await report("tokenizer.json", bytes.slice(0, at));
    assert.ok(verdict !== "clean", `cut at ${at}`);
  }
});

test("ranks cut within a line are never clean", async () => {
  const bytes = read("safe/ranks.tiktoken");
  const ends = Array.from(bytes, (byte, at) => byte === 0x0a ? at + 1 : -1).filter((at) => at >= 0);
  await assertCutsNeverClean("a.tiktoken", bytes, { allowed: ends });
});

test("a table of characters that lies about its trie is reported", async () => {
  const { verdict, findings } = await report("m.model", read("malformed/charsmap.model"));
  assert.equal(verdict, "incomplete");
  assert.match(findings[0]?.message ?? "", /trie has 4096 bytes/);
});

test("a table of characters that leads anywhere else is reported, with each unit changed", async () => {
  const model = read("safe/unigram.model");
  const text = Array.from(model, (byte) => String.fromCharCode(byte)).join("");
  // The trie of 1024 bytes behind its size.
  const trie = text.indexOf("\0\x04\0\0") + 4;
  assert.ok(trie > 4);
  let reported = 0;
  for (let unit = 0; unit < 256; unit++) {
    const changed = model.slice();
    const view = new DataView(changed.buffer);
    const before = view.getUint32(trie + 4 * unit, true);
    if (before === 0) continue;
    // Its offset as far as there are any, its mark of a value kept.
    const after = (before & 0x800001ff | 0x7ffffe00) >>> 0;
    if (after === before) continue;
    view.setUint32(trie + 4 * unit, after, true);
    const { verdict, findings } = await report("m.model", changed);
    if (verdict !== "clean") reported++;
    else assert.ok(unit > 0 && findings.length === 0, `unit ${unit}`);
  }
  // The root, four characters of the beginning and those behind them.
  assert.ok(reported > 10, `only ${reported}`);
});

test("replacements of spaces and quotes are clean, those of words in a decoder are not", async () => {
  const json = new TextDecoder().decode(read("safe/replace_tokenizer.json"));
  const of = async (decoder: unknown) =>
    (await report(
      "tokenizer.json",
      new TextEncoder().encode(JSON.stringify({ ...JSON.parse(json), decoder })),
    )).verdict;
  const step = (pattern: unknown, content: string) => ({ type: "Replace", pattern, content });
  assert.equal(await of(step({ String: "\u2581" }, " ")), "clean");
  assert.equal(await of(step({ Regex: "\\p{L}" }, "")), "clean");
  assert.equal(
    await of({ type: "Sequence", decoders: [step({ String: "no" }, "https://x.y")] }),
    "suspicious",
  );
  assert.equal(await of(step({ Regex: "[Hh]ugging" }, "")), "suspicious");
  assert.equal(await of({ a: [[{ b: step({ String: "true" }, "0") }]] }), "suspicious");
});

test("other text and other protobuf are not taken for tokenizers", async () => {
  const texts: readonly (readonly [string, string])[] = [
    ["notes.txt", "one 1\ntwo 2\n"],
    ["config.json", '{"model": {}, "version": "1"}'],
    ["graph.pb", "\x0a\x0c\x0a\x01a\x12\x05Const\x22\x00"],
  ];
  for (const [name, text] of texts) {
    const { formats } = await report(name, new TextEncoder().encode(text));
    const own = formats.filter((format) =>
      /^(?:sentencepiece|tokenizer-json|token-list)$/u.test(format)
    );
    assert.deepEqual(own, [], name);
  }
});
