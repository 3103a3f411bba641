import assert from "node:assert/strict";
import { test } from "node:test";
import { LimitError } from "../../core/errors.ts";
import { History } from "./history.ts";

test("a match that reaches into itself repeats what it writes", () => {
  const history = new History(1 << 16, 1 << 20);
  history.reserve(100);
  history.append(Uint8Array.of(1, 2, 3));
  history.copy(3, 7);
  history.copy(1, 3);
  history.repeat(9, 2);
  assert.deepEqual([...history.take()], [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 1, 1, 1, 9, 9]);
  assert.equal(history.pending, 0);
});

test("long matches far back are copied like short ones", () => {
  const history = new History(1 << 16, 1 << 20);
  history.reserve(1000);
  const data = Uint8Array.from({ length: 100 }, (_, at) => at);
  history.append(data);
  history.copy(100, 100);
  history.copy(50, 40);
  const bytes = history.take();
  assert.deepEqual([...bytes.subarray(100, 200)], [...data]);
  assert.deepEqual([...bytes.subarray(200)], [...data.subarray(50, 90)]);
});

test("output is given once, and the window stays for matches while memory slides", () => {
  const history = new History(8, 1 << 20);
  let sum = 0;
  for (let round = 0; round < 2000; round++) {
    history.reserve(16);
    history.append(Uint8Array.from({ length: 8 }, (_, at) => (round + at) & 0xff));
    history.copy(8, 8);
    const bytes = history.take();
    assert.deepEqual([...bytes.subarray(0, 8)], [...bytes.subarray(8)], String(round));
    sum += bytes.length;
  }
  assert.equal(sum, 32_000);
  assert.ok(history.bytes.length < 10_000, `${history.bytes.length} bytes of memory`);
});

test("a window beyond the memory is an error only once it is needed", () => {
  const history = new History(1 << 30, 1000);
  history.reserve(900);
  history.repeat(0, 900);
  history.take();
  history.reserve(5000);
  history.repeat(0, 5000);
  history.take();
  assert.throws(() => history.reserve(5000), LimitError);
});

test("a new dictionary keeps what was not taken, and nothing else", () => {
  const history = new History(1 << 16, 1 << 20);
  history.reserve(10);
  history.append(Uint8Array.of(1, 2));
  history.take();
  history.append(Uint8Array.of(3, 4));
  history.clear();
  assert.deepEqual([history.position, history.pending], [2, 2]);
  assert.deepEqual([...history.take()], [3, 4]);
});
