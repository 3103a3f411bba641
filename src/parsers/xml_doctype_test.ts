import assert from "node:assert/strict";
import { test } from "node:test";
import { FormatError } from "../core/errors.ts";
import { expandedLength, readDoctype, type XmlDoctype } from "./xml_doctype.ts";
import { xmlTags } from "./xml_tags.ts";

function doctypeOf(text: string): XmlDoctype {
  return readDoctype(text, text.indexOf("<!DOCTYPE"));
}

test("entities are read with their texts and addresses, quotes and comments around them", () => {
  const { entities, address, references } = doctypeOf(
    `<!DOCTYPE a PUBLIC "p" 'a.dtd' [ <!-- ]> <!ENTITY c "no"> --> <!ENTITY a "x ]> y">
     <!ENTITY % b SYSTEM 'http://h/b'> %b; <!ENTITY e PUBLIC "q" "file:///e" NDATA n >
     <!ELEMENT a (#PCDATA)> <!ATTLIST a b CDATA "<!ENTITY no '>'>"> <?pi ]> ?> ] >`,
  );
  assert.equal(address, "a.dtd");
  assert.equal(references, 1);
  assert.deepEqual(entities, [
    { name: "a", parameter: false, address: undefined, text: "x ]> y" },
    { name: "b", parameter: true, address: "http://h/b", text: "" },
    { name: "e", parameter: false, address: "file:///e", text: "" },
  ]);
});

test("what stands behind a document type is read, however its end is written", () => {
  const text = `<!DOCTYPE n [<!ENTITY a "]>">] ><n><b/></n><!-- ]> -->`;
  const names = [...xmlTags(text)].map(({ name, kind }) => `${kind} ${name}`);
  assert.deepEqual(names, ["empty !DOCTYPE", "start n", "empty b", "end n"]);
});

test("what Python's expat refuses of document types is refused", () => {
  // Each of these is an ExpatError of `xml.parsers.expat`, CPython 3.13.
  const wrong = [
    "<!DOCTYPE",
    "<!DOCTYPE>",
    "<!DOCTYPE a",
    "<!DOCTYPE a [",
    "<!DOCTYPE a []",
    "<!DOCTYPE a [<!ENTITY]>",
    "<!DOCTYPE a [<!ENTITY b>]>",
    '<!DOCTYPE a [<!ENTITY b "c]>',
    "<!DOCTYPE a [<!ENTITY b SYSTEM>]>",
    "<!DOCTYPE a [<b/>]>",
    "<!DOCTYPE a [text]>",
  ];
  for (const text of wrong) {
    assert.throws(() => [...xmlTags(`${text}<a/>`)], FormatError, text);
  }
  assert.throws(() => [...xmlTags("<a/><!ELEMENT a ANY>")], FormatError);
});

test("the length of what entities expand to is known before anything is expanded", () => {
  const lengthOf = (text: string) => expandedLength(text, doctypeOf(text));
  assert.equal(lengthOf('<!DOCTYPE a [<!ENTITY b "0123">]><a>&b;&b;</a>'), 13 + 8);
  const laughs = Array.from(
    { length: 10 },
    (_, level) => `<!ENTITY l${level + 1} "${`&l${level};`.repeat(10)}">`,
  ).join("");
  assert.ok(lengthOf(`<!DOCTYPE a [<!ENTITY l0 "lol">${laughs}]><a>&l10;</a>`) > 3e10);
  assert.equal(lengthOf('<!DOCTYPE a [<!ENTITY b "&c;"><!ENTITY c "&b;">]><a>&b;</a>'), Infinity);
  assert.equal(lengthOf('<!DOCTYPE a [<!ENTITY b "&b;">]><a/>'), 4);
  assert.equal(lengthOf('<!DOCTYPE a [<!ENTITY b "1"><!ENTITY b "22222">]><a>&b;</a>'), 11);
});

test("long declarations cost as much as they are long", () => {
  const many = '<!ENTITY a "b">'.repeat(10_000);
  assert.equal(doctypeOf(`<!DOCTYPE a [${many}]>`).entities.length, 10_000);
  assert.throws(() => doctypeOf(`<!DOCTYPE a [${many}${many}]>`), FormatError);
  assert.throws(() => doctypeOf(`<!DOCTYPE a [${"<!ELEMENT ".repeat(50_000)}`), FormatError);
  assert.throws(() => doctypeOf(`<!DOCTYPE a [<!X ${"'".repeat(100_001)}>]>`), FormatError);
});
