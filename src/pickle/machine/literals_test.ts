import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decodeUtf8,
  encodeLatin1,
  hasBrokenEscape,
  isUtf8,
  parseFloatLine,
  parseInteger,
  parseLong,
  parseQuoted,
  parseRawUnicode,
  payloadOf,
  unescape,
  unsigned8,
} from "./literals.ts";

/** Bytes of a text of one character each. */
function line(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

// Expectations are what `pickle.loads` and `pickle._loads` of CPython 3.11 read; strict where both read the same.
test("an INT is what either unpickler reads, strict where both read the same", () => {
  const lines: readonly (readonly [string, number | bigint | undefined, boolean?])[] = [
    ["0", 0, true],
    ["-3", -3, true],
    ["12345678901234567890", 12_345_678_901_234_567_890n, true],
    ["007", 7, false],
    ["5\0junk", 5, false],
    ["\0", 0, false],
    ["08", undefined],
    ["1__0", undefined],
    ["1e3", undefined],
    ["--1", undefined],
    ["5L", undefined],
    ["", undefined],
  ];
  for (const [text, value, strict] of lines) {
    const found = parseInteger(line(text), 0, true);
    assert.deepEqual(found, value === undefined ? undefined : { value, strict }, text);
  }
});

test("white space, signs, prefixes and underscores of an INT are read, and are not strict", () => {
  const lines: readonly (readonly [string, number])[] = [
    ...[[" 5", 5], ["5 ", 5], ["\x0b7", 7], ["+5", 5], ["1_0", 10], ["0_0", 0]] as const,
    ...[["0x1F", 31], ["0X_ff", 255], ["0b11", 3], ["0o17", 15], ["\t-0x10", -16]] as const,
  ];
  for (const [text, value] of lines) {
    assert.deepEqual(parseInteger(line(text), 0, true), { value, strict: false }, text);
  }
});

test("a leading zero is octal for INT alone, and no memo index has a prefix", () => {
  assert.equal(parseInteger(line("007"), 0, false), undefined);
  assert.equal(parseInteger(line("007"), 10, false)?.value, 7);
  assert.equal(parseInteger(line("0x10"), 10, false), undefined);
});

test("an integer of more digits than CPython 3.11 converts is not strict", () => {
  assert.equal(parseInteger(line("1".repeat(4300)), 0, true)?.strict, true);
  assert.equal(parseInteger(line("1".repeat(4301)), 0, true)?.strict, false);
});

test("a FLOAT is what either unpickler reads, strict where both read the same", () => {
  const lines: readonly (readonly [string, number, boolean])[] = [
    ["1.5", 1.5, true],
    ["1", 1, true],
    ["-.5", -0.5, true],
    ["inf", Infinity, true],
    ["-Infinity", -Infinity, true],
    ["nan", NaN, true],
    ["-nan", NaN, true],
    ["1e400", Infinity, false],
    ["1_0.5", 10.5, false],
    [" 1.5", 1.5, false],
    ["1.5 ", 1.5, false],
    ["1.5\0x", 1.5, false],
  ];
  for (const [text, value, strict] of lines) {
    assert.deepEqual(parseFloatLine(line(text)), { value, strict }, text);
  }
  for (const text of ["0x1p3", "", "1,5", ".", "1e"]) {
    assert.equal(parseFloatLine(line(text)), undefined, text);
  }
});

test("a STRING has its quotes and escapes, a UNICODE line two escapes only", () => {
  const strings: readonly (readonly [string, string | undefined])[] = [
    ...[["'a'", "a"], ['"a"', "a"], ["'\\x41'", "A"], ["'\\101'", "A"], ["'\\400'", "\0"]] as const,
    ...[["'\\u0041'", "\\u0041"], ["'\\q'", "\\q"]] as const,
    ...(["'a\"", "'", "a", "'a' "] as const).map((text) => [text, undefined] as const),
  ];
  for (const [text, expected] of strings) assert.equal(parseQuoted(line(text)), expected, text);
  const lines: readonly (readonly [string, string])[] = [
    ["\\u0041", "A"],
    ["\\x41", "\\x41"],
    ["\\\\u0041", "\\\\u0041"],
    ["\\U0001f600", "😀"],
    ["\xe9", "é"],
  ];
  for (const [text, expected] of lines) assert.equal(parseRawUnicode(line(text)), expected, text);
  assert.equal(unescape("\\u0041\\n\\\\", true), "A\n\\");
});

test("escapes that CPython refuses are broken", () => {
  for (const text of ["\\x4", "\\x", "a\\"]) assert.ok(hasBrokenEscape(line(text), "STRING"), text);
  for (const text of ["\\u00", "\\U00110000", "\\U0001f60"]) {
    assert.ok(hasBrokenEscape(line(text), "UNICODE"), text);
  }
  assert.ok(!hasBrokenEscape(line("\\\\x4\\x41\\q"), "STRING"));
  assert.ok(!hasBrokenEscape(line("\\\\u00\\x4\\U0010ffff"), "UNICODE"));
});

test("a long integer is in two's complement, of any length", () => {
  const longs: readonly (readonly [readonly number[], number | bigint])[] = [
    [[], 0],
    [[0xff, 0], 255],
    [[0xff], -1],
    [[0, 0x80], -32_768],
    [[0, 0, 0, 0, 0, 0, 0, 0, 1], 2n ** 64n],
  ];
  for (const [bytes, expected] of longs) assert.equal(parseLong(Uint8Array.from(bytes)), expected);
});

test("UTF-8 is what the unpickler decodes: surrogates pass, overlong forms do not", () => {
  const [surrogate, overlong, beyond] = ["\xed\xa0\x80", "\xc0\x80", "\xf4\x90\x80\x80"].map(line);
  assert.ok(isUtf8(line("a\xc3\xa9\xf0\x9f\x98\x80")));
  assert.ok(isUtf8(surrogate ?? line("")));
  for (const bytes of [overlong, beyond, line("\xe2\x82"), line("\x80")]) {
    assert.ok(bytes !== undefined && !isUtf8(bytes), String(bytes));
  }
  assert.equal(decodeUtf8(line("\xc3\xa9\xff")), "é\ufffd");
  assert.deepEqual(encodeLatin1("é"), line("\xe9"));
  assert.equal(encodeLatin1("€"), undefined);
});

test("counted opcodes say how long their payload is", () => {
  const heads: readonly (readonly [readonly number[], unknown])[] = [
    [[0x8c, 5, 0, 0, 0, 0, 0, 0, 0], { header: 2, length: 5 }],
    [[0x58, 1, 2, 0, 0, 0, 0, 0, 0], { header: 5, length: 513 }],
    [[0x8d, 0, 0, 0, 0, 1, 0, 0, 0], { header: 9, length: 2 ** 32 }],
    [[0x2e, 0, 0, 0, 0, 0, 0, 0, 0], undefined],
  ];
  for (const [head, expected] of heads) {
    assert.deepEqual(payloadOf(Uint8Array.from(head)), expected);
  }
  assert.equal(unsigned8(Uint8Array.of(1, 0, 0, 0xff, 2, 0, 0, 0), 0), 2 * 2 ** 32 + 0xff000001);
});
