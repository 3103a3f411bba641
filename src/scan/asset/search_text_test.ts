import assert from "node:assert/strict";
import { test } from "node:test";
import { withDefaults } from "../../core/limits.ts";
import type { Interest } from "../../core/types.ts";
import { sampleOf } from "../../formats/testing/scan.ts";
import { bytesSource } from "../../sources/memory.ts";
import { searchStrings } from "./search_text.ts";

/** A pattern that finds every "secret". */
const patternsIn: NonNullable<Interest["patternsIn"]> = (text) => {
  const at = text.indexOf("secret");
  return at < 0 ? [] : [{ pattern: "own", text: "secret", at }];
};

async function search(text: string | Uint8Array) {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const found = await searchStrings(bytesSource("x", bytes), sampleOf(bytes), [], patternsIn, {
    limits: withDefaults(),
    check: () => {},
  });
  return found.map((it) => it.type === "fact" ? it.offset : it.type);
}

test("text is searched to its end, the place of a match is given", async () => {
  assert.deepEqual(await search("a secret"), [2]);
  assert.deepEqual(await search(`${"x".repeat(3_000_000)}secret`), [3_000_000]);
  assert.deepEqual(await search("nothing"), []);
});

test("bytes that are no text are not searched", async () => {
  assert.deepEqual(await search("\0secret"), []);
  assert.deepEqual(await search("\x01\x02\x03secret"), []);
  assert.deepEqual(await search(""), []);
  assert.deepEqual(await search("tab\tand\x1b[0m secret of a terminal"), [12]);
});
