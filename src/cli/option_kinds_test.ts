import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidArgumentError } from "commander";
import { ConfigError } from "../core/errors.ts";
import { checked, collect } from "./option_kinds.ts";

test("a wrong value is commander's error, a defect stays one", () => {
  const failing = (error: Error) =>
    checked(() => {
      throw error;
    });
  assert.throws(() => failing(new ConfigError("--x", "no such word"))("a"), InvalidArgumentError);
  assert.throws(() => failing(new TypeError("defect"))("a"), TypeError);
  assert.equal(checked(Number)("12"), 12);
});

test("a repeated option keeps all values in order, and changes no list that it was given", () => {
  const before = ["a"] as const;
  assert.deepEqual(collect("b", before), ["a", "b"]);
  assert.deepEqual(collect("b"), ["b"]);
  assert.deepEqual(before, ["a"]);
});
