import assert from "node:assert/strict";
import { test } from "node:test";
import { FormatError } from "../core/errors.ts";
import { xmlTags } from "./xml_tags.ts";

const tags = (text: string) => [...xmlTags(text)];
const written = (text: string) => tags(text).map(({ name, kind }) => `${kind} ${name}`);

test("tags come in order, with their kind and place", () => {
  const text = `<?xml version="1.0"?><!-- <no> --><a x='1' y = "2"><b/>text<![CDATA[<c>]]></a>`;
  assert.deepEqual(written(text), ["start a", "empty b", "end a"]);
  const [first] = tags(text);
  assert.deepEqual([...first?.attributes ?? []], [["x", "1"], ["y", "2"]]);
  assert.equal(first?.at, text.indexOf("<a "));
});

test("the five entities and numbers are expanded, no other", () => {
  const [tag] = tags(`<a v="&lt;&gt;&amp;&quot;&apos;&#65;&#x1F600;&own;&#x110000;"/>`);
  assert.equal(tag?.attributes.get("v"), `<>&"'A\u{1f600}&own;&#x110000;`);
  const [other] = tags(`<a v="&constructor;&toString;&__proto__;"/>`);
  assert.equal(other?.attributes.get("v"), "&constructor;&toString;&__proto__;");
});

test("a document type is handed out, and its declarations are not read as tags", () => {
  const text = `<!DOCTYPE net [<!ENTITY x "<evil>">]><net/>`;
  assert.deepEqual(written(text), ["empty !DOCTYPE", "empty net"]);
});

test("what Python's expat refuses is refused", () => {
  // Each of these is an ExpatError of `xml.parsers.expat`, CPython 3.13.
  const wrong = [
    "",
    "text",
    "<a>",
    "<a></b>",
    "</a>",
    "<a/><b/>",
    '<a x="1" x="2"/>',
    "<a x=1/>",
    "<a",
    "<!-- <a/>",
    "<a><![CDATA[ </a>",
    "<?xml <a/>",
    "<1",
    "< a/>",
  ];
  for (const text of wrong) assert.throws(() => tags(text), FormatError, text);
});

test("elements in one another end at a limit, and costs are linear", () => {
  assert.equal(tags("<a>".repeat(256) + "</a>".repeat(256)).length, 512);
  assert.throws(() => tags("<a>".repeat(257) + "</a>".repeat(257)), FormatError);
  assert.throws(() => tags("<".repeat(200_000)), FormatError);
  assert.equal(tags(`<a>${"<b/>".repeat(50_000)}</a>`).length, 50_002);
});
