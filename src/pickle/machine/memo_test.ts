import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Memo } from "./memo.ts";
import { type Handle, handleOf, KIND, UNSET } from "./values.ts";

const value = (number: number): Handle => handleOf(KIND.INTEGER, number);

test("a memo gives what a map gives, whether its indices are dense, stray or fill up later", () => {
  const index = fc.oneof(
    fc.nat({ max: 300 }),
    fc.nat({ max: 5000 }),
    fc.nat({ max: 200_000 }),
    fc.constantFrom(2 ** 31, 2 ** 32, 2 ** 40),
  );
  fc.assert(fc.property(fc.array(fc.tuple(index, fc.nat()), { maxLength: 400 }), (writes) => {
    const memo = new Memo(1 << 20);
    const map = new Map<number, Handle>();
    for (const [at, number] of writes) {
      assert.equal(memo.set(at, value(number)), map.get(at) ?? UNSET);
      map.set(at, value(number));
    }
    assert.equal(memo.size, map.size);
    for (const [at, expected] of map) assert.equal(memo.get(at), expected);
    for (const at of [0, 301, 70_000, 2 ** 33]) assert.equal(memo.get(at), map.get(at) ?? UNSET);
  }));
});

test("an entry far from all others stays where it is when dense room reaches it", () => {
  const memo = new Memo(1 << 20);
  memo.set(70_000, value(7));
  memo.set(140_000, value(8));
  for (let at = 0; at < 69_000; at++) memo.set(at, value(at));
  memo.set(71_000, value(9));
  assert.deepEqual([memo.get(70_000), memo.get(140_000)], [value(7), value(8)]);
  assert.equal(memo.set(70_000, value(1)), value(7));
  assert.equal(memo.size, 69_003);
});

test("more entries than the limit are an error, equal indices are none", () => {
  const memo = new Memo(3);
  for (const at of [0, 2 ** 32, 5, 5, 0]) memo.set(at, value(1));
  assert.throws(() => memo.set(6, value(1)), RangeError);
});

test("an index beyond all safe integers has a number of its own, the same each time", () => {
  const memo = new Memo(10);
  const [one, two] = [2n ** 64n, 2n ** 64n + 1n].map((index) => memo.standIn(index));
  assert.notEqual(one, two);
  assert.equal(memo.standIn(2n ** 64n), one);
  memo.set(one ?? 0, value(1));
  assert.equal(memo.get(two ?? 0), UNSET);
});
