import { strict as assert } from "node:assert";
import { test } from "node:test";
import fc from "fast-check";
import { packText, unpackText } from "./packed_text.ts";

test("a packed text unpacks to what it was, also where runs reach into themselves", () => {
  const texts = [
    "",
    "a",
    "abcabc",
    "ab".repeat(500),
    "x".repeat(3000),
    "\n \\`${}\"'~=+",
    "0001".repeat(90),
  ];
  for (const text of texts) assert.equal(unpackText(packText(text)), text);
  const words = fc.array(fc.constantFrom("Config", "Model", "ForMaskedLM", " ", "\n", "05", "~"), {
    maxLength: 400,
  });
  fc.assert(fc.property(words, (each) => unpackText(packText(each.join(""))) === each.join("")));
});

test("runs far behind are found, up to three digits", () => {
  const text = `ModelForSequenceClassification${
    [...Array(3000).keys()].map((each) => each.toString(36).padStart(4, "0")).join("")
  }ModelForSequenceClassification`;
  const packed = packText(text);
  assert.match(packed, /&.{4}$/);
  assert.equal(unpackText(packed), text);
});

test("a packed text is printable ASCII, and one with a mark or another letter stays as it is", () => {
  assert.match(packText("Model ".repeat(100)), /^[ -~]+$/);
  for (const text of ["50 %", "a & b", "é".repeat(50), "=x"]) {
    assert.equal(packText(text), `=${text}`);
    assert.equal(unpackText(packText(text)), text);
  }
});
