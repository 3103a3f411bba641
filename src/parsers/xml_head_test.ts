import assert from "node:assert/strict";
import { test } from "node:test";
import { FormatError } from "../core/errors.ts";
import { decodeXml, xmlRoot } from "./xml_head.ts";

const text = '<?xml version="1.0"?><net version="11"/>';

/** Text as units of a width in bytes. */
function wide(content: string, width: number, littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(content.length * width);
  for (let at = 0; at < content.length; at++) {
    bytes[at * width + (littleEndian ? 0 : width - 1)] = content.charCodeAt(at);
    if (width > 1) bytes[at * width + (littleEndian ? 1 : width - 2)] = content.charCodeAt(at) >> 8;
  }
  return bytes;
}

test("encodings are known by their first bytes, with and without a mark", () => {
  for (
    const [width, little, encoding] of [
      [2, true, "utf-16le"],
      [2, false, "utf-16be"],
      [4, true, "utf-32le"],
      [4, false, "utf-32be"],
    ] as const
  ) {
    for (const mark of ["", "\ufeff"]) {
      assert.deepEqual(decodeXml(wide(mark + text, width, little)), { text, encoding }, encoding);
    }
  }
  assert.equal(decodeXml(new TextEncoder().encode(`\ufeff${text}`)).text, text);
});

test("an encoding that is declared counts where that is asked for", () => {
  const bytes = new TextEncoder().encode('<?xml version="1.0" encoding="ISO-8859-1"?><a/>');
  assert.equal(decodeXml(bytes).encoding, "utf-8");
  assert.equal(decodeXml(bytes, true).encoding, "ISO-8859-1");
  const wrong = new TextEncoder().encode('<?xml version="1.0" encoding="x-none"?><a/>');
  assert.throws(() => decodeXml(wrong, true), FormatError);
  const utf16 = new TextEncoder().encode('<?xml version="1.0" encoding="UTF-16"?><a/>');
  assert.equal(decodeXml(utf16, true).encoding, "utf-8");
});

test("the root is found behind whatever parsers step over", () => {
  const before = [
    "",
    "\n ",
    "text ",
    "<?a?><?xml-stylesheet b?>",
    "<!-- <x> -->",
    "<![CDATA[<x>]]>",
    '<!DOCTYPE net [<!ENTITY a "<x>]>"> ] >',
    "<!DOCTYPE net [ <!ENTITY> <!ENTITY> ]>",
  ];
  for (const prefix of before) {
    assert.deepEqual(xmlRoot(`${prefix}<net a='>' b="1">`), {
      name: "net",
      attributes: ` a='>' b="1"`,
      complete: true,
    }, prefix);
  }
});

test("a text that ends before its root is cut, one without a name has none", () => {
  for (
    const cut of ["", "text", "<", "<!-- <net>", "<?xml ", "<!DOCTYPE net [", "<!X", "<![CDATA["]
  ) {
    assert.equal(xmlRoot(cut), "cut", cut);
  }
  for (const none of ["</net>", "<>", "< net>"]) {
    assert.equal(xmlRoot(none), undefined, none);
  }
  assert.deepEqual(xmlRoot('<net a="'), {
    name: "net",
    attributes: " a=",
    complete: false,
  });
});

test("a long head costs as much as it is long", () => {
  assert.equal(xmlRoot(`${"<!-- a -->".repeat(100_000)}`), "cut");
  assert.deepEqual(xmlRoot(`<a ${'"'.repeat(100_001)}`)?.valueOf(), {
    name: "a",
    attributes: ` ${'"'.repeat(100_000)}`,
    complete: false,
  });
});
