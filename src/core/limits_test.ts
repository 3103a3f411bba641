import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_LIMITS, withDefaults } from "./limits.ts";

test("a limit replaces its default and no other", () => {
  assert.equal(withDefaults(), DEFAULT_LIMITS);
  assert.deepEqual(withDefaults({ members: 1, depth: 0 }), {
    ...DEFAULT_LIMITS,
    members: 1,
    depth: 0,
  });
  assert.equal(withDefaults({ milliseconds: undefined }).milliseconds, undefined);
});

test("what is no number of at least 0 is refused with the limit's name", () => {
  for (const value of [-1, NaN, -Infinity]) {
    assert.throws(() => withDefaults({ ratio: value }), /limit "ratio"/);
  }
  assert.equal(withDefaults({ opcodes: Infinity }).opcodes, Infinity);
});
