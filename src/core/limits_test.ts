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

test("a limit that there is not is refused with the one that was meant", () => {
  const limits = { seconds: 10 } as Parameters<typeof withDefaults>[0];
  assert.throws(() => withDefaults(limits), /limit "seconds".*There are depth, members,/);
  const mistyped = { milisecond: 10 } as Parameters<typeof withDefaults>[0];
  assert.throws(() => withDefaults(mistyped), /Did you mean "milliseconds"\?/);
});

test("a limit that is no number by its type is refused, and an undefined one keeps its default", () => {
  const text = { depth: "8" } as unknown as Parameters<typeof withDefaults>[0];
  assert.throws(() => withDefaults(text), /Cannot use 8 as limit "depth"/);
  const none = { depth: undefined } as unknown as Parameters<typeof withDefaults>[0];
  assert.equal(withDefaults(none).depth, DEFAULT_LIMITS.depth);
});
