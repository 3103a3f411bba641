import assert from "node:assert/strict";
import { test } from "node:test";
import { endOf, withoutEnd } from "./ends.ts";

test("the characters of a set leave the end of a text, and only the end", () => {
  for (
    const [text, characters, wanted] of [
      ["a//b//", "/", "a//b"],
      ["QQ==", "=", "QQ"],
      [" \t", "\t ", ""],
      ["", "=", ""],
      ["=a", "=", "=a"],
    ] as const
  ) {
    assert.equal(withoutEnd(text, characters), wanted);
  }
});

test("the end of a text is found from behind", () => {
  assert.equal(endOf("keras_hub>TokenLookup2", /\w/u), "TokenLookup2");
  assert.equal(endOf("whole_word", /\w/u), "whole_word");
  assert.equal(endOf("none!", /\w/u), "");
});
