import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { decodePythonSource } from "./encoding.ts";

const decode = (text: string) => decodePythonSource(new Uint8Array(Buffer.from(text, "latin1")));

test("the encoding is found where tokenize.detect_encoding finds it", () => {
  // The byte E9 is no UTF-8; as Latin-1 and Windows-1252 it is é.
  const one: readonly (readonly [head: string, text: string])[] = [
    ["# coding: latin-1\n", "é"],
    ["#!/usr/bin/python\n# -*- coding: cp1252 -*-\n", "é"],
    ["\n# vim: set fileencoding=iso_8859_1 :\n", "é"],
    ["x=1\n# coding: latin-1\n", "\ufffd"],
    ["\n\n# coding: latin-1\n", "\ufffd"],
    ["", "\ufffd"],
    ["# coding=utf-8-sig\n", "\ufffd"],
  ];
  for (const [head, text] of one) {
    const found = decode(`${head}\xe9\n`);
    assert.deepEqual(
      [found.text.slice(head.length), found.unknown],
      [`${text}\n`, undefined],
      head,
    );
  }
});

test("a codec that is no character set is named, and never taken for one", () => {
  for (const codec of ["unicode_escape", "rot13", "utf-7", "raw_unicode_escape", "zlib", "hz"]) {
    assert.equal(decode(`# coding: ${codec}\nx`).unknown, codec);
  }
});

test("in Shift JIS a byte of ASCII may belong to a character", () => {
  // 0x83 0x5c is ソ: its second byte is no backslash.
  assert.equal(decode("# coding: shift_jis\n'\x83\x5c'").text.slice(-3), "'ソ'");
});
