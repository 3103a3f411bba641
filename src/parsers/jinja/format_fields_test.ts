import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePattern } from "./format_fields.ts";

/** Fields as `string.Formatter().parse` and `_string.formatter_field_name_split` give them. */
function fields(pattern: string) {
  const { pieces, complete } = parsePattern(pattern);
  return {
    complete,
    fields: pieces.flatMap((piece) =>
      piece.type === "text"
        ? []
        : [[piece.argument, piece.steps.map(({ attribute, name }) => [attribute, name]), {
          conversion: piece.conversion,
          specification: piece.specification,
        }]]
    ),
  };
}
const field = (
  argument: string,
  steps: readonly (readonly [boolean, string])[] = [],
  conversion = "",
  specification = "",
) => [argument, steps, { conversion, specification }];

test("fields have the argument, steps, conversion and specification of CPython's parser", () => {
  const expected: Readonly<Record<string, unknown>> = {
    "{}": [field("")],
    "{0.a[b].c!r:>{w}}": [field("0", [[true, "a"], [false, "b"], [true, "c"]], "r", ">{w}")],
    "{{x}}": [],
    "{0[}]}": [field("0", [[false, "}"]])],
    "{:{}}": [field("", [], "", "{}")],
    "a{b}c": [field("b")],
    "{0[a.b]}": [field("0", [[false, "a.b"]])],
  };
  for (const [pattern, wanted] of Object.entries(expected)) {
    assert.deepEqual(fields(pattern), { complete: true, fields: wanted }, pattern);
  }
});

test("a pattern that CPython refuses is read as far as it goes, and is not complete", () => {
  for (const pattern of ["{a", "}", "x{0.a}{", "{0[}", "{:{}"]) {
    assert.equal(parsePattern(pattern).complete, false, pattern);
  }
  assert.deepEqual(fields("{0.__class__}}").fields, [field("0", [[true, "__class__"]])]);
});

test("text and doubled brackets stay", () => {
  const { pieces } = parsePattern("a{{b}}c");
  assert.equal(pieces.map((piece) => piece.type === "text" ? piece.text : "?").join(""), "a{b}c");
});

test("a hundred thousand brackets take linear time", () => {
  assert.equal(parsePattern("{".repeat(100_000)).pieces.length, 50_000);
  assert.equal(parsePattern("{}".repeat(20_000)).pieces.length, 20_000);
});
