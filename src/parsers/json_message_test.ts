import assert from "node:assert/strict";
import { test } from "node:test";
import { ONNX_MESSAGES } from "../formats/onnx/text_schema.ts";
import { isObject, parseJson } from "./json.ts";
import { readJsonMessage } from "./json_message.ts";
import { MessageSchema } from "./message_schema.ts";
import { fieldsOf } from "./protobuf.ts";

const schema = new MessageSchema(ONNX_MESSAGES);

function read(json: unknown, root = "AttributeProto") {
  const text = typeof json === "string" ? json : JSON.stringify(json);
  const { value } = parseJson(new TextEncoder().encode(text));
  assert.ok(isObject(value));
  const { writer, error } = readJsonMessage(value, schema, root, () => {});
  const fields = [...fieldsOf(writer.bytes)].map((
    { number, value, start, end, type },
  ) => [
    number,
    type === 2 ? new TextDecoder("latin1").decode(writer.bytes.slice(start, end)) : value,
  ]);
  return { fields, error, writer };
}

test("fields are called as in the schema or in capitals, integers may be texts, bytes are base64", () => {
  const { fields, error } = read({
    name: "a",
    i: "-3",
    s: "AP_-",
    strings: ["YQ==", "Yg"],
    type: "GRAPH",
    refAttrName: "r",
    ref_attr_name: "q",
    floats: [1, "NaN"],
    docString: null,
  });
  assert.equal(error, undefined);
  assert.deepEqual(fields.slice(0, 7), [
    [1, "a"],
    [3, -3],
    [4, "\0\xff\xfe"],
    [9, "a"],
    [9, "b"],
    [20, 5],
    [21, "r"],
  ]);
});

test("what is no field or no value is an error, and the rest is written", () => {
  for (
    const [json, text] of [
      [{ nothing: 1, name: "a" }, /no field/u],
      [{ name: 1, i: 2 }, /string/u],
      [{ s: "a", name: "a" }, /bytes/u],
      [{ i: 1.5, name: "a" }, /integer/u],
      [{ t: "x", name: "a" }, /object/u],
      [{ type: "NONE", name: "a" }, /integer/u],
      [{ constructor: 1, name: "a" }, /no field/u],
    ] as const
  ) {
    const { fields, error } = read(json);
    assert.match(error?.message ?? "", text, JSON.stringify(json));
    assert.equal(fields.length, 1, JSON.stringify(json));
  }
});

test("of equal keys none hides another, and places are those of objects", () => {
  const { fields, writer } = read('{"t": {"name": "a"}, "t": {"name": "b"}}');
  assert.equal(fields.length, 2);
  const [, second] = [...fieldsOf(writer.bytes)];
  assert.equal(writer.placeOf(second?.offset ?? 0), 26);
});

test("messages in one another end at the limit of the wire", () => {
  const deep = (levels: number) =>
    `${'{"g": {"node": [{"attribute": ['.repeat(levels)}{}${"]}]}}".repeat(levels)}`;
  assert.equal(read(deep(33)).error, undefined);
  assert.match(read(deep(40)).error?.message ?? "", /100 messages/u);
});
