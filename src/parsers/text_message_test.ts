import assert from "node:assert/strict";
import { test } from "node:test";
import { TENSORFLOW_MESSAGES } from "../formats/tensorflow/text_schema.ts";
import { MessageSchema } from "./message_schema.ts";
import { readTextMessage } from "./text_message.ts";
import { fieldsOf, WIRE } from "./protobuf.ts";

const schema = new MessageSchema(TENSORFLOW_MESSAGES);
const read = (text: string, root = "GraphDef") =>
  readTextMessage(new TextEncoder().encode(text), schema, root, () => {});

/** Texts with the bytes that `text_format` of protobuf 7.36.2 makes of them, in hexadecimal. */
const READ: readonly (readonly [text: string, bytes: string])[] = [
  ['node { name: "a" op: "b" }', "0a060a0161120162"],
  ["node { name: 'a' 'b' op: 'c'; }, node < name: 'd' >", "0a070a0261621201630a030a0164"],
  ['node: { name: "\\x41\\101\\n\\u00e9\\U0001f600" }', "0a0b0a0941410ac3a9f09f9880"],
  ['node [ { name: "a" }, { name: "b" } ]', "0a030a01610a030a0162"],
  ["node: []", ""],
  ['node { input: ["a", "b"] }', "0a061a01611a0162"],
  ["# c\nversion: 0x10 # d", "1810"],
  ["version: 010", "1808"],
  ["version: -1", "18ffffffffffffffffff01"],
  ['node { attr { key: "k" value { b: t } } }', "0a092a070a016b12022801"],
  ['node { attr { key: "k" value { type: DT_STRING } } }', "0a092a070a016b12023007"],
  ['node { attr { key: "k" value { type: 7 } } }', "0a092a070a016b12023007"],
  ['node { attr { key: "k" value { f: 1.5e-3f } } }', "0a0c2a0a0a016b120525a69bc43a"],
  ['node { attr { key: "k" value { f: -inf } } }', "0a0c2a0a0a016b120525000080ff"],
  ['node { attr { key: "k" value { f: nan } } }', "0a0c2a0a0a016b1205250000c07f"],
  ['node { attr { key: "k" value { f: .5 } } }', "0a0c2a0a0a016b1205250000003f"],
  ['node { attr { key: "k" value { f: 1. } } }', "0a0c2a0a0a016b1205250000803f"],
  ['node { attr { key: "k" value { f: 1 } } }', "0a0c2a0a0a016b1205250000803f"],
  ["", ""],
  ["\n# only", ""],
  ['node { name: "a" };', "0a030a0161"],
  ['node { name: "a", op: "b", }', "0a060a0161120162"],
  ['node { attr { key: "k" value { b: 1 } } }', "0a092a070a016b12022801"],
  ['node { attr { key: "k" value { b: True } } }', "0a092a070a016b12022801"],
  ['node { attr { key: "k" value { f: 1f } } }', "0a0c2a0a0a016b1205250000803f"],
  ['node { attr { key: "k" value { f: Infinity } } }', "0a0c2a0a0a016b1205250000807f"],
  ['node { name: "a\\z" }', "0a050a03615c7a"],
  ['node { input: ["a" "b"] }', "0a041a026162"],
];

/** Texts that it refuses. */
const REFUSED: readonly string[] = [
  'node { attr { key: "k" value { f: 0x10 } } }',
  "node { node: 1 }",
  "node { name: a }",
  'node { name "a" }',
  "nodes { }",
  "node {",
  "node { >",
  "version: 1.0",
  'version: "1"',
  "version 1",
  'node { name: "a\nb" }',
  'node { attr { key: "k" value { type: DT_NONE } } }',
  'node { attr { key: "k" value { b: yes } } }',
  "}",
  "[x.y]: 1",
  "1: 2",
  ": 1",
  "version: 08",
  "version: 1 2",
  'node { name: "\\xzz" }',
  'node { name: "\\U00110000" }',
  "version: --1",
  'node { attr { key: "k" value { f: abc } } }',
];

/** A message without what two writers may write differently: lengths with zeros at their end, packed numbers. */
function plain(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (const { number, type, start, end, value } of fieldsOf(bytes)) {
    const inside = bytes.subarray(start, end);
    if (type !== WIRE.bytes) parts.push(`${number}:${value}`);
    else {
      try {
        parts.push(`${number}(${plain(inside)})`);
      } catch {
        parts.push(`${number}="${[...inside].join()}"`);
      }
    }
  }
  return parts.join(" ");
}

const fromHex = (hex: string) => Uint8Array.from(hex.match(/../gu) ?? [], (it) => parseInt(it, 16));

test("texts are read as protobuf's own reader reads them", () => {
  for (const [text, bytes] of READ) {
    const { writer, error } = read(text);
    assert.equal(error, undefined, text);
    assert.equal(plain(writer.bytes), plain(fromHex(bytes)), text);
  }
});

test("what protobuf's own reader refuses is refused", () => {
  for (const text of REFUSED) assert.ok(read(text).error !== undefined, text);
});

test("repeated numbers are written one by one where protobuf packs them", () => {
  const { writer } = read("node { attr { value { list { i: [1, 2] } } } }");
  assert.equal(plain(writer.bytes), "1(5(2(1(3:1 3:2))))");
});

test("what was read before an error is a message", () => {
  const { writer, error } = read(
    'node { name: "a" op: "b" attr { key: "k" value { s: "c" nothing: 1',
  );
  assert.match(error?.message ?? "", /AttrValue has no field "nothing"/u);
  assert.equal(plain(writer.bytes), '1(1="97" 2="98" 5(1="107" 2(2="99")))');
});

test("an Any holds the message of its address, or of none that is known", () => {
  const { writer, error } = read(
    `collection_def { key: "k" value { any_list {
       value { [type.googleapis.com/tensorflow.AssetFileDef] { filename: "f" } }
       value { [ type.googleapis.com/tensorflow.Other ]: < a { b: "}" c: [1] } > }
     } } }`,
    "MetaGraphDef",
  );
  assert.equal(error, undefined);
  const text = new TextDecoder().decode(writer.bytes);
  assert.match(text, /AssetFileDef[^]*f/u);
  assert.match(text, /tensorflow\.Other/u);
});

test("places of fields are those in the text", () => {
  const text = 'node { op: "a" } node { op: "b" }';
  const { writer } = read(text);
  const [, second] = [...fieldsOf(writer.bytes)];
  assert.equal(writer.placeOf(second?.offset ?? 0), text.indexOf("node", 1));
  assert.equal(writer.placeOf(second?.start ?? 0), text.lastIndexOf("op"));
});

test("bytes that are no UTF-8 stay what they are", () => {
  const text = Uint8Array.of(...new TextEncoder().encode('node { op: "'), 0xff, 0xc0, 0x22, 0x7d);
  const { writer, error } = readTextMessage(text, schema, "GraphDef", () => {});
  assert.equal(error, undefined);
  assert.deepEqual([...writer.bytes.slice(-2)], [0xff, 0xc0]);
});

test("white space of other scripts is none to skip what follows", () => {
  // Python's reader takes each of these, as protobuf 7.36.2 was seen to.
  for (const space of ["\u00a0", "\u2003", "\u3000", "\u2028", "\u0085", "\x1c"]) {
    const { writer, error } = read(`node${space}{${space}op: "a"${space}}`);
    assert.equal(error, undefined, JSON.stringify(space));
    assert.equal(plain(writer.bytes), '1(2="97")');
  }
});

test("depth and length cost what they must", () => {
  const deep = (levels: number) =>
    `node { attr { value { ${"func { attr { value { ".repeat(levels)}${
      "} } } ".repeat(levels)
    }} } }`;
  assert.equal(read(deep(32)).error, undefined);
  assert.match(read(deep(40)).error?.message ?? "", /100 messages/u);
  assert.ok(read("node { attr { value { func { ".repeat(100_000)).error !== undefined);
  const long = read(`node { op: "${"\\001x".repeat(2_000_000)}" }`);
  assert.equal(long.error, undefined);
  assert.equal(long.writer.bytes.length, 4_000_000 + 1 + 5 + 1 + 4);
  assert.equal(read("node {}".repeat(100_000)).writer.bytes.length, 600_000);
});

test("the names of every object are no fields and no values", () => {
  for (const name of ["constructor", "__proto__", "toString"]) {
    assert.ok(read(`${name}: 1`).error !== undefined, name);
    assert.ok(read(`node { attr { value { type: ${name} } } }`).error !== undefined, name);
  }
});
