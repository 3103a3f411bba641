import assert from "node:assert/strict";
import { test } from "node:test";
import { FormatError } from "../core/errors.ts";
import { looksLikeNetwork, readNetwork } from "./openvino_ir.ts";

const net = (layers: string) => `<?xml version="1.0"?><net name="m" version="11">${layers}</net>`;
const constant = (attributes: string, set = "opset1") =>
  `<layer id="0" name="w" type="Const" version="${set}"><data ${attributes}/></layer>`;
const read = (layers: string) => readNetwork(net(layers));

test("the furthest constant says how many bytes of the weights are read", () => {
  const { weights, anomalies, extensions, doctype } = read(
    constant('element_type="f32" shape="2, 3" offset="8" size="24"') +
      constant('element_type="i4" shape="3" offset="0" size="2"'),
  );
  assert.deepEqual([weights, anomalies, extensions, doctype], [32, [], [], false]);
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

test("a type whose size is not known is not compared, and its bytes count", () => {
  const { anomalies, weights } = read(
    constant('element_type="string" shape="2" offset="4" size="99"'),
  );
  assert.deepEqual([anomalies, weights], [[], 103]);
  assert.deepEqual(
    read(constant('element_type="valueOf" shape="2" offset="0" size="8"')).anomalies,
    [],
  );
});

test("layers of operator sets that the runtime has not are named once each", () => {
  const layer = constant('offset="0" size="1"', "evil_opset");
  assert.deepEqual(read(layer + layer).extensions, ["Const of evil_opset"]);
  for (const set of ["opset16", "gpu_opset", "util"]) {
    assert.deepEqual(read(constant("", set)).extensions, [], set);
  }
});

test("a document type is reported, broken XML is malformed", () => {
  assert.ok(readNetwork('<!DOCTYPE net><net version="11"/>').doctype);
  assert.throws(() => readNetwork("<net>"), FormatError);
});

test("a network is known by its root, behind declarations and comments", () => {
  const yes = [
    '<net version="11">',
    '\ufeff<?xml version="1.0"?>\n<!-- made by x -->\n<net name="a" version = "10">',
    '<!DOCTYPE x><net version="11">',
  ];
  for (const text of yes) assert.ok(looksLikeNetwork(text), text);
  for (const text of ["<network version='1'>", "<net>", "net version=", '<a><net version="1">']) {
    assert.ok(!looksLikeNetwork(text), text);
  }
});
