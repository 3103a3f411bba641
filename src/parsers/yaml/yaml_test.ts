import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { pythonTags } from "./tags.ts";
import { LARGE_INPUT } from "../testing/sweep.ts";
import { yamlWords } from "./tokens.ts";

interface Case {
  readonly name?: string;
  readonly bytes: string;
  /** What PyYAML reads, in order; null where it refuses the text. */
  readonly scalars: readonly string[] | null;
  /** Kind and name of each tag for which its unsafe loader would import something. */
  readonly tags?: readonly (readonly [string, string])[];
}

const ORACLE = new URL("../../../testdata/model-config/oracle.json", import.meta.url);
const { cases }: { cases: readonly Case[] } = JSON.parse(readFileSync(ORACLE, "utf8"));

function textOf({ bytes }: Case): string {
  const raw = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
  const label = raw[0] === 0xff ? "utf-16le" : raw[0] === 0xfe ? "utf-16be" : "utf-8";
  return new TextDecoder(label).decode(raw);
}

/** Scalars that say something, as the oracle has them. */
const scalarsOf = (text: string): string[] =>
  yamlWords(text).words.filter(({ kind, value }) => kind === "scalar" && value !== "")
    .map(({ value }) => value);

test("scalars are what PyYAML reads, in whatever style, and nothing that it takes is called broken", () => {
  let compared = 0;
  for (const one of cases) {
    if (one.scalars === null) continue;
    const text = textOf(one);
    assert.deepEqual(scalarsOf(text), one.scalars, JSON.stringify(text));
    assert.equal(yamlWords(text).syntaxError, undefined, JSON.stringify(text));
    compared++;
  }
  assert.ok(compared > 1000, `${compared} texts`);
});

test("every tag for which PyYAML's unsafe loader imports something is found", () => {
  let compared = 0;
  for (const one of cases) {
    if (one.tags === undefined) continue;
    const found = pythonTags(textOf(one), 1000).map(({ kind, name }) => `${kind}:${name}`);
    for (const [kind, name] of one.tags) {
      assert.ok(found.includes(`${kind}:${name}`), `${kind}:${name} in ${textOf(one)}`);
      compared++;
    }
  }
  assert.ok(compared > 40, `${compared} tags`);
});

test("tags that make plain data, and those of others, name nothing", () => {
  for (
    const text of [
      "!!python/tuple [1]",
      "!!python/none",
      "!!str a",
      "!local b",
      "a! b",
      "!<x> y",
      "!",
    ]
  ) {
    assert.deepEqual(pythonTags(text, 10), [], text);
  }
});

test("what loaders refuse is said, with its place, and what stands behind it is read", () => {
  const broken: Readonly<Record<string, number>> = {
    "[a,\nk: v\n": 0,
    "[a}\nk: v\n": 2,
    'x: "a\nk: v\n': 3,
    "x: *nowhere\nk: v\n": 3,
    "x: @a\nk: v\n": 3,
    'x: "\\q"\nk: v\n': 3,
  };
  for (const [text, at] of Object.entries(broken)) {
    const { words, syntaxError } = yamlWords(text);
    assert.equal(syntaxError?.at, at, text);
    assert.ok(words.some(({ key, value }) => key && value === "k"), text);
  }
});

test("a text cut at any character is read to its end", () => {
  const text =
    "a: [1, {\"b\": !!x c}]\n? |2-\n   d\n: &e >\n f\n\n g\nh: 'i''j'\nk: *e\n--- # l\n%M\n";
  for (let length = 0; length <= text.length; length++) {
    const { words } = yamlWords(text.slice(0, length));
    assert.ok(words.every(({ at }) => at < length));
  }
});

test("more brackets than any configuration has, and a comma that is none, are said to be broken", () => {
  assert.match(yamlWords("[".repeat(5000)).syntaxError?.detail ?? "", /nested/);
  assert.match(yamlWords(", a").syntaxError?.detail ?? "", /comma/);
});

test("a text of more words than any configuration has is not read to its end", LARGE_INPUT, () => {
  assert.match(yamlWords(`[${"a,".repeat(2_000_001)}]`).syntaxError?.detail ?? "", /more than/);
});
