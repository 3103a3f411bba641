import assert from "node:assert/strict";
import { test } from "node:test";
import { BuiltStates } from "./built_states.ts";

test("states that got more items are given once for each time that they grew", () => {
  const states = new BuiltStates();
  states.note({ target: 1, state: -1, at: 0, count: 2 });
  states.note({ target: 2, state: -2, at: 0, count: 0 });
  const counts = new Map([[-1, 2], [-2, 1]]);
  const grown = () => states.grown((each) => counts.get(each) ?? 0).map(({ state }) => state);
  assert.deepEqual(grown(), [-2]);
  assert.deepEqual(grown(), []);
  counts.set(-1, 3);
  assert.deepEqual(grown(), [-1]);
});

test("of more states than are remembered it is known that there were more", () => {
  const states = new BuiltStates();
  for (let index = 0; index < 100_000; index++) {
    states.note({ target: index, state: -1 - index, at: 0, count: 0 });
  }
  assert.equal(states.forgot, false);
  states.note({ target: 0, state: -1, at: 0, count: 0 });
  assert.equal(states.forgot, true);
});
