import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ContainerPool } from "./containers.ts";
import { CONTAINER, type Handle, handleOf, KIND, LOST } from "./values.ts";

const value = (number: number): Handle => handleOf(KIND.INTEGER, number);

/** Appends values as SETITEMS or APPENDS does, from a stack. */
function append(pool: ContainerPool, to: Handle, items: readonly Handle[], pairs = false): void {
  pool.append(to, Float64Array.from([0, ...items]), 1, 1 + items.length, pairs);
}

test("containers that grow in turn keep their own items in order", () => {
  const writes = fc.array(
    fc.tuple(fc.nat({ max: 9 }), fc.array(fc.nat({ max: 1000 }), { maxLength: 20 })),
    { maxLength: 100 },
  );
  fc.assert(fc.property(writes, (all) => {
    const pool = new ContainerPool(1 << 20, 1 << 20);
    const made = Array.from({ length: 10 }, () => pool.create(CONTAINER.LIST));
    const expected: Handle[][] = made.map(() => []);
    for (const [which, numbers] of all) {
      append(pool, made[which] ?? LOST, numbers.map(value));
      expected[which]?.push(...numbers.map(value));
    }
    for (const [which, container] of made.entries()) {
      assert.deepEqual(pool.list(container), expected[which]);
      assert.deepEqual(pool.list(container, 3), expected[which]?.slice(0, 3));
      assert.equal(pool.count(container), expected[which]?.length);
      assert.equal(pool.lossy(container), false);
    }
    assert.equal(pool.items, expected.flat().length);
  }));
});

test("items beyond all that are kept are counted, and their container says that it lost them", () => {
  const pool = new ContainerPool(3, 10);
  const [one, two] = [pool.create(CONTAINER.LIST), pool.create(CONTAINER.TUPLE)];
  append(pool, one, [value(1), value(2)]);
  append(pool, two, [value(3), value(4)]);
  assert.deepEqual([pool.list(two), pool.count(two), pool.lossy(two)], [[], 2, true]);
  // There is room for one more, elsewhere.
  append(pool, one, [value(5)]);
  assert.deepEqual([pool.list(one), pool.lossy(one)], [[value(1), value(2), value(5)], false]);
  assert.equal(pool.kind(two), CONTAINER.TUPLE);
});

test("a container beyond all that are kept is lost", () => {
  const pool = new ContainerPool(10, 2);
  const made = [1, 2, 3].map(() => pool.create(CONTAINER.DICT));
  assert.equal(made[2], LOST);
  assert.notEqual(made[0], made[1]);
  assert.equal(pool.size, 2);
});

test("items set in a list take the place of others, those of a dictionary do not", () => {
  const pool = new ContainerPool(10, 10);
  const [list, dictionary] = [pool.create(CONTAINER.LIST), pool.create(CONTAINER.DICT)];
  for (const each of [list, dictionary]) append(pool, each, [value(0), value(1)], true);
  assert.deepEqual([pool.changed(list), pool.changed(dictionary)], [true, false]);
  pool.change(dictionary);
  assert.equal(pool.changed(dictionary), true);
  assert.equal(pool.kind(dictionary), CONTAINER.DICT);
});

test("pairs of all dictionaries are visited, a key without a value is not", () => {
  const pool = new ContainerPool(100, 10);
  const first = pool.create(CONTAINER.DICT);
  append(pool, pool.create(CONTAINER.LIST), [value(8), value(9)]);
  const second = pool.create(CONTAINER.DICT);
  append(pool, first, [value(1), value(2), value(3)], true);
  append(pool, second, [value(4), value(5)], true);
  const seen: Handle[][] = [];
  pool.visitPairs((...pair) => seen.push(pair));
  assert.deepEqual(seen, [[value(1), value(2), first], [value(4), value(5), second]]);
});

test("containers in tuples, and in lists among those, are what functions are given", () => {
  const pool = new ContainerPool(100, 10);
  const [tuple, list, inner, dictionary, alone] = [
    ...[CONTAINER.TUPLE, CONTAINER.LIST, CONTAINER.LIST, CONTAINER.DICT, CONTAINER.LIST],
  ].map((kind) => pool.create(kind)) as [Handle, Handle, Handle, Handle, Handle];
  append(pool, tuple, [list, value(1)]);
  append(pool, list, [inner]);
  append(pool, inner, [dictionary, list]);
  append(pool, alone, [tuple]);
  assert.deepEqual([...pool.inTuples()], [list, inner, dictionary]);
  const visited: Handle[] = [];
  pool.visit(tuple, (item) => visited.push(item) < 1);
  assert.deepEqual(visited, [list]);
});
