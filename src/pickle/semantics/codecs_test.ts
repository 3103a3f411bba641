import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import {
  decodeBase32,
  decodeBase64,
  decodeBase85,
  decodeHex,
  decodeText,
  encodeText,
  inflateGzip,
  inflateZlib,
  isTextCodec,
  rot13,
} from "./codecs.ts";

/** Bytes as a text of one character each. */
function shown(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

// Expectations are those of CPython 3.11.
test("names of codecs are those of CPython, whatever their case and hyphens", () => {
  const texts = [
    ...["utf8", "UTF-8", "Latin_1", "latin-1", "cp819", "L1", "us-ascii", "646", "utf-16-le"],
    ...["raw_unicode_escape", "unicode_escape", "utf_8_sig", "punycode", "cp437", "koi8-r"],
  ];
  for (const name of texts) assert.ok(isTextCodec(name), name);
  for (const name of ["hex", "base64", "rot13", "zlib", "bz2", "nonsense"]) {
    assert.ok(!isTextCodec(name), name);
  }
});

test("text is decoded and encoded as CPython does, and not where it raises", () => {
  const decoded: readonly (readonly [string, string, string | undefined])[] = [
    ["\xe9", "latin1", "é"],
    ["\xe9", "utf8", undefined],
    ["\xc3\xa9", "utf8", "é"],
    ["\\u0041\\x42", "unicode_escape", "AB"],
    ["\\N{DASH}", "unicode_escape", undefined],
    ["\\u0041\\x42", "raw_unicode_escape", "A\\x42"],
    ["a\0b\0", "utf-16-le", "ab"],
    ["\0a", "utf-16-be", "a"],
    ["\xef\xbb\xbfa", "utf_8_sig", "a"],
    ["\xef\xbb\xbfa", "utf8", "\ufeffa"],
    ["a", "punycode", undefined],
  ];
  for (const [text, codec, expected] of decoded) {
    assert.equal(decodeText(bytesOf(text), codec), expected, `${text} ${codec}`);
  }
  assert.equal(shown(encodeText("é", "latin1")), "\xe9");
  assert.equal(shown(encodeText("é", "utf8")), "\xc3\xa9");
  assert.equal(encodeText("€", "latin1"), undefined);
  assert.equal(encodeText("a", "cp437"), undefined);
});

test("base64, base32, base85 and hexadecimal digits are decoded as by CPython", () => {
  for (
    const [text, expected] of [
      ...[["QUJD", "ABC"], ["QUJ D\n", "ABC"], ["QQ==", "A"], ["QU!JD", "ABC"], ["", ""]],
      ...[["QUJDRA==", "ABCD"], ["Q", undefined], ["QQ==QUJD", undefined]],
    ] as const
  ) {
    assert.equal(shown(decodeBase64(text)), expected, text);
  }
  for (const [text, expected] of [["MFRGG===", "abc"], ["MFRGGZDF", "abcde"], ["M1======"]]) {
    assert.equal(shown(decodeBase32(text ?? "")), expected, text);
  }
  for (
    const [text, expected] of [["VPaz%", "abc\x1a"], ["VPa", "ab"], ["V", ""], ["VPaz", "abc"]]
  ) {
    assert.equal(shown(decodeBase85(text ?? "", false)), expected, text);
  }
  for (
    const [text, expected] of [
      ...[["@:E_W", "abcd"], ["z", "\0\0\0\0"], ["@:E_Wz", "abcd\0\0\0\0"], ["@:E _W", "abcd"]],
      ...[["@:", "a"], ["", ""], ["az", undefined]],
    ] as const
  ) {
    assert.equal(shown(decodeBase85(text, true)), expected, text);
  }
  for (const [text, expected] of [["41 42", "AB"], ["4142", "AB"], ["4"], ["4g"], [" 41\n", "A"]]) {
    assert.equal(shown(decodeHex(text ?? "")), expected, text);
  }
  assert.equal(rot13("Hello, os"), "Uryyb, bf");
});

test("streams are inflated by their header, and a part is not said to be the whole", () => {
  const data = bytesOf("import os".repeat(50));
  const whole = { output: data, whole: true };
  const plain = (found: ReturnType<typeof inflateZlib>) =>
    found && { output: Uint8Array.from(found.output), whole: found.complete };
  const [zlib, raw, gzip] = [deflateSync(data), deflateRawSync(data), gzipSync(data)]
    .map((it) => new Uint8Array(it)) as [Uint8Array, Uint8Array, Uint8Array];
  assert.deepEqual(plain(inflateZlib(zlib)), whole);
  assert.deepEqual(plain(inflateZlib(raw, -15)), whole);
  assert.deepEqual(plain(inflateZlib(gzip, 47)), whole);
  assert.deepEqual(plain(inflateGzip(gzip)), whole);
  assert.equal(inflateZlib(raw), undefined);
  assert.equal(inflateGzip(zlib), undefined);
  assert.equal(inflateZlib(zlib.subarray(0, zlib.length - 8))?.complete ?? false, false);
  // Python reads a second member, which is not looked at.
  const two = new Uint8Array([...gzip, ...gzip]);
  assert.deepEqual(plain(inflateGzip(two)), { output: data, whole: false });
});

test("fields of a gzip header are stepped over, and one without an end is none", () => {
  const data = bytesOf("x");
  const body = new Uint8Array(gzipSync(data)).subarray(10);
  const header = (flags: number, ...more: number[]) =>
    new Uint8Array([0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3, ...more, ...body]);
  for (
    const bytes of [
      ...[header(0), header(4, 2, 0, 7, 7), header(8, 0x61, 0), header(16, 0x62, 0)],
      ...[header(2, 1, 2), header(31 & ~1, 1, 0, 9, 0x61, 0, 0x62, 0, 1, 2)],
    ]
  ) {
    assert.equal(shown(inflateGzip(bytes)?.output), "x", String(bytes[3]));
  }
  assert.equal(inflateGzip(Uint8Array.of(0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3, 0x61)), undefined);
  assert.equal(inflateGzip(Uint8Array.of(0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 3, 1)), undefined);
});
