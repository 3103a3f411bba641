import assert from "node:assert/strict";
import { test } from "node:test";
import { scalarValue } from "./resolve.ts";

// Expectations are what PyYAML 6.0.4 loads, with UnsafeLoader. OmegaConf reads `1.0e3` as a number, too.
test("a plain scalar is what PyYAML's resolvers take it for", () => {
  const scalars: readonly (readonly [string, string | number | boolean | null])[] = [
    ...(["yes", "True", "on"] as const).map((text) => [text, true] as const),
    ...(["Off", "FALSE", "no"] as const).map((text) => [text, false] as const),
    ...(["~", "", "null", "Null", "NULL"] as const).map((text) => [text, null] as const),
    ...(["y", "nil", "08", "0o17", "1e3", "1e+3", "+", "_1"] as const)
      .map((text) => [text, text] as const),
    ["0", 0],
    ["017", 15],
    ["0_7", 7],
    ["0x1F", 31],
    ["-0x10", -16],
    ["0b101", 5],
    ["1_000", 1000],
    ["+12", 12],
    ["190:20:30", 685_230],
    ["12:30", 750],
    ["1.5", 1.5],
    ["1.", 1],
    [".5", 0.5],
    ["1.0e+3", 1000],
    ["1_0.5", 10.5],
    ["190:20:30.15", 685_230.15],
    ["685_230.15", 685_230.15],
    ["-.inf", -Infinity],
    [".INF", Infinity],
    [".NaN", NaN],
  ];
  for (const [text, expected] of scalars) {
    assert.deepEqual(scalarValue(text, true, undefined), expected, text);
    assert.equal(scalarValue(text, false, undefined), text, `"${text}"`);
  }
});

test("a tag of the core types decides, with or without quotes", () => {
  const core = "tag:yaml.org,2002:";
  const tagged: readonly (readonly [string, string, string | number | boolean | null])[] = [
    ["str", "1", "1"],
    ["int", "017", 15],
    ["float", "1", 1],
    ["float", "190:20", 11_420],
    ["bool", "off", false],
    ["bool", "yes", true],
    ["null", "x", null],
    ["python/int", "0x10", 16],
    ["python/none", "", null],
    ["python/bool", "No", false],
  ];
  for (const [type, text, expected] of tagged) {
    for (const plain of [true, false]) {
      assert.deepEqual(scalarValue(text, plain, core + type), expected, `!!${type} ${text}`);
    }
  }
});

test("a scalar of any other tag stays text", () => {
  assert.equal(scalarValue("1", true, "!mine"), "1");
  assert.equal(scalarValue("1", false, "!"), "1");
  assert.equal(scalarValue("1", true, "tag:example.org,2002:int"), "1");
  assert.equal(scalarValue("os.system", true, "tag:yaml.org,2002:python/name"), "os.system");
});
