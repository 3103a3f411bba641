import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { escapeLines, escapeText } from "./escape.ts";
import { formatBytes, formatCount, formatSeconds } from "../core/numbers.ts";
import { displayWidth, padEnd, truncate, truncateStart, wrap } from "./width.ts";

test("Emoji and East Asian characters take two columns, combining marks none", () => {
  const widths: Readonly<Record<string, number>> = {
    "": 0,
    "abc": 3,
    "é": 1,
    "e\u0301": 1,
    "名前": 4,
    "ｱ": 1,
    "🔴 CRITICAL": 11,
    "ℹ️": 2,
    "👩‍🔬": 2,
    "🇩🇪": 2,
    "Ａ": 2,
    "…─·": 3,
  };
  for (const [text, width] of Object.entries(widths)) assert.equal(displayWidth(text), width, text);
});

test("Wrapping breaks between words, inside words that are too long, and loses only spaces", () => {
  assert.deepEqual(wrap("one two three", 8), ["one two", "three"]);
  assert.deepEqual(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
  assert.deepEqual(wrap("名前名前", 5), ["名前", "名前"]);
  assert.deepEqual(wrap("", 10), [""]);
  assert.deepEqual(wrap("    indented code", 20), ["    indented code"]);
});

test("Wrapped lines fit and hold every character, for any text and width", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme", maxLength: 80 }),
      fc.integer({ min: 2, max: 30 }),
      (raw, width) => {
        const text = escapeText(raw);
        const lines = wrap(text, width);
        for (const line of lines) assert.ok(displayWidth(line) <= width, JSON.stringify(line));
        assert.equal(lines.join("").replaceAll(" ", ""), text.replaceAll(" ", ""));
      },
    ),
  );
});

test("Text cut to a width keeps its beginning or its end and says so", () => {
  assert.equal(truncate("abcdef", 4), "abc…");
  assert.equal(truncateStart("folder/model.pt", 9), "…model.pt");
  assert.equal(truncateStart("短い名前.pt", 6), "…前.pt");
  assert.equal(padEnd("名", 4), "名  ");
});

test("Control, formatting, bidirectional and invisible characters become visible", () => {
  assert.equal(escapeText("\x1b[2J\x07\r\n\t\x7f\x9b"), "\\x1b[2J\\x07\\r\\n\\t\\x7f\\x9b");
  assert.equal(escapeText("a\u202eb\u2066c\u200bd\ufeff"), "a\\u202eb\\u2066c\\u200bd\\ufeff");
  assert.equal(escapeText("\u2028\u2029\u3164"), "\\u2028\\u2029\\u3164");
  assert.equal(escapeText("\u{e0041}"), "\\u{e0041}");
  assert.equal(escapeText("\ud800"), "\\ud800");
  assert.equal(escapeText("Modèle 名前 🔴"), "Modèle 名前 🔴");
});

test("A tower of combining marks is cut down", () => {
  assert.ok(escapeText("a" + "\u0301".repeat(50)).includes("\\u0301"));
  assert.equal(escapeText("a\u0301\u0302"), "a\u0301\u0302");
});

test("No text whatever keeps a character that a terminal obeys", () => {
  const codePoints = fc.array(fc.integer({ min: 0, max: 0x10ffff }));
  fc.assert(fc.property(codePoints, (all) => {
    assert.doesNotMatch(escapeText(String.fromCodePoint(...all)), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  }));
});

test("Lines of code divide at line breaks and keep their indentation", () => {
  assert.deepEqual(escapeLines("if x:\r\n\ty()\rz"), ["if x:", "    y()\\rz"]);
});

test("Numbers are written as people read them", () => {
  assert.deepEqual([0, 999, 1000, 1_234_567, 99_960, 999_960, 2 ** 40].map(formatBytes), [
    "0 B",
    "999 B",
    "1.0 kB",
    "1.2 MB",
    "100 kB",
    "1.0 MB",
    "1.1 TB",
  ]);
  assert.deepEqual([0.004, 9.99, 12.3, 125].map(formatSeconds), [
    "0.00 s",
    "9.99 s",
    "12 s",
    "2 min 5 s",
  ]);
  assert.equal(formatCount(1, "file"), "1 file");
  assert.equal(formatCount(1_234_567, "file"), "1,234,567 files");
});
