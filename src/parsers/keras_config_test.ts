import assert from "node:assert/strict";
import { test } from "node:test";
import { hasKerasKeys, hasYamlKeys, isKerasConfig } from "./keras_config.ts";
import { composeYaml } from "./yaml/compose.ts";
import { assertLinear } from "./testing/growth.ts";
import { LARGE_INPUT } from "./testing/sweep.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

test("metadata whose first length ends in a bracket is no configuration", () => {
  // `SavedMetadata` of tf_keras 2.21: the first node has 15,797 bytes.
  const message = Uint8Array.of(0x0a, 0xb5, 0x7b, ...utf8(`{"class_name": "Dense", "config": {}}`));
  assert.ok(!hasKerasKeys(message));
  assert.ok(hasKerasKeys(utf8(`\n{"class_name": "Dense", "config": {}}`)));
});

test("a configuration within the text of an object is one", () => {
  const config = JSON.stringify({ class_name: "Sequential", config: {} });
  const text = JSON.stringify({ config });
  assert.ok(hasKerasKeys(utf8(text)));
  assert.ok(hasKerasKeys(utf8(text.replaceAll('\\"', "\\u0022"))));
  assert.ok(hasKerasKeys(utf8(text.replace('"{', '"\\u007b'))));
  assert.ok(hasKerasKeys(utf8(JSON.stringify({ a: 1, b: "x", config }))));
  assert.ok(hasKerasKeys(utf8(JSON.stringify(["x", { config }]))));
  // Keys in the object itself count, whatever its first text begins with.
  assert.ok(hasKerasKeys(utf8('{"a": "{", "class_name": "A", "registered_name": "A"}')));
  assert.ok(hasKerasKeys(utf8('{"a": "{", ? "cl\\x61ss_name" : A, "config": {}}')));
  for (
    const other of [
      JSON.stringify({ text: '{"class_name": "A"}' }),
      JSON.stringify({ code: 'x = {"class_name": "A", "config": {}}' }),
    ]
  ) assert.ok(!hasKerasKeys(utf8(other)), other);
});

test("both keys make a configuration, at the beginning of lines or within brackets", () => {
  for (
    const text of [
      "class_name: A\nconfig: {}",
      "- config: {}\n  class_name: A",
      "# c\n--- !t &a\n{config: {}, class_name: A}",
      "? class_name\n: A\n? !!str config\n: {}",
      "\ufeffclass_name: A\nconfig: {}",
    ]
  ) assert.ok(hasYamlKeys(utf8(text)), text);
  for (
    const text of [
      "class_name: A",
      "class_names: A\nconfig: {}",
      "the class_name: and the config: of it",
      "text {class_name: A, config: {}}",
    ]
  ) assert.ok(!hasYamlKeys(utf8(text)), text);
  // A message of protobuf: the length of a node of 4,256 bytes looks like a tag.
  const node = utf8('{"class_name": "Functional", "config": {}}');
  assert.ok(!hasYamlKeys(Uint8Array.from([0x0a, 0xa0, 0x21, 0x1a, 0x04, 0x20, ...node])));
  assert.ok(hasKerasKeys(utf8('[{"class_name": "A", "keras_version": "2"}]')));
});

test("a map of a text that was read has the keys however they are written", () => {
  const roots = (text: string) => composeYaml(text).roots;
  const check = () => {};
  assert.ok(isKerasConfig(roots("k: [&a class_name]\nn: [{*a : A, config: {}}]"), check));
  assert.ok(!isKerasConfig(roots("class_name: A\nn: {config: {}}"), check));
  assert.ok(isKerasConfig(roots(`a: 1\nb: ['{"class_name": "A", "config": {}}']`), check));
  assert.ok(!isKerasConfig(roots(`a: 1\nb: ['x = {"class_name": "A", "config": {}}']`), check));
});

test("keys are looked for in linear time", LARGE_INPUT, async () => {
  for (const piece of ["\n", " ", "- ", "!a ", "# ", "#\n", "? ", "class_name", "é", "\\x61"]) {
    await assertLinear((count) => utf8(piece.repeat(count)), hasKerasKeys, 60_000);
  }
});
