import assert from "node:assert/strict";
import { test } from "node:test";
import { FormatError } from "../core/errors.ts";
import { isNetwork, readNetwork } from "./openvino_ir.ts";

const net = (layers: string) => `<?xml version="1.0"?><net name="m" version="11">${layers}</net>`;
const constant = (attributes: string, set = "opset1") =>
  `<layer id="0" name="w" type="Const" version="${set}"><data ${attributes}/></layer>`;
const read = (layers: string) => readNetwork(net(layers));

test("the furthest constant says how many bytes of the weights are read", () => {
  const { weights, anomalies, layers, doctype } = read(
    constant('element_type="f32" shape="2, 3" offset="8" size="24"') +
      constant('element_type="i4" shape="3" offset="0" size="2"'),
  );
  assert.deepEqual([weights, anomalies, doctype], [32, [], false]);
  assert.deepEqual(layers.map(({ operator, count }) => [operator, count]), [["opset.Const", 2]]);
});

test("sizes and places that lie are named", () => {
  assert.equal(
    read(constant('element_type="f32" shape="2" offset="0" size="9"')).anomalies.length,
    1,
  );
  assert.equal(
    read(constant('element_type="f32" shape="-2" offset="0" size="8"')).anomalies.length,
    1,
  );
  const { anomalies, weights } = read(constant('offset="-1" size="8"'));
  assert.deepEqual([anomalies.length, weights], [1, 0]);
  assert.equal(read(constant('offset="0" size="1e9"')).anomalies.length, 1);
});

test("texts have no size of their own, and an unknown type is named", () => {
  const { anomalies, weights, texts } = read(
    constant('element_type="string" shape="2, 3" offset="4" size="99"'),
  );
  assert.deepEqual([anomalies, weights], [[], 103]);
  assert.deepEqual(texts, [{ name: "w", offset: 4, size: 99, count: 6 }]);
  // The last is a name of every object in JavaScript.
  for (const type of ["echo", "F32", "valueOf"]) {
    const { anomalies } = read(constant(`element_type="${type}" shape="2" offset="0" size="8"`));
    assert.equal(anomalies.length, 1, type);
  }
});

test("layers are told apart by operator set and type, with the attributes of the first", () => {
  const layer = constant('offset="0" size="1" file="a"', "echo");
  const { layers } = read(layer + layer + constant("", "opset17") + constant("", "opset170"));
  assert.deepEqual(layers.map(({ operator, count }) => [operator, count]), [
    ["echo.Const", 2],
    ["opset.Const", 1],
    ["opset170.Const", 1],
  ]);
  assert.deepEqual([...layers[0]?.attributes ?? []], [
    ["offset", "0"],
    ["size", "1"],
    ["file", "a"],
  ]);
  const many = Array.from({ length: 10_001 }, (_, at) => constant("", `o${at}`)).join("");
  assert.throws(() => read(many), FormatError);
});

test("a document type is reported, broken XML is malformed", () => {
  assert.ok(readNetwork('<!DOCTYPE net><net version="11"/>').doctype);
  assert.throws(() => readNetwork("<net>"), FormatError);
});

test("a network is known by its root, as OpenVINO finds it", () => {
  // Each of these was read by OpenVINO 2026.4.1.
  const yes = [
    '<net version="11">',
    '\ufeff<?xml version="1.0"?>\n<!-- made by x -->\n<net name="a" version = "10">',
    '<!DOCTYPE x><net version="11">',
    '<NET version="11">',
    'text <net version="11">',
    `<?a?><?b?><!--${"x".repeat(5000)}--><net version='11'>`,
    `<net name="${"x".repeat(5000)}`,
  ];
  for (const text of yes) assert.equal(isNetwork(text), true, text);
  for (const text of ["<network version='1'>", "<net>", '<a><net version="1">', "</net>"]) {
    assert.equal(isNetwork(text), false, text);
  }
  for (const text of ["", "net version=", "<!-- <net version='11'>"]) {
    assert.equal(isNetwork(text), "cut", text);
  }
});
