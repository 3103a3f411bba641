import assert from "node:assert/strict";
import { test } from "node:test";
import { allocateQueue, MAIN_THREAD, QUEUE_CAPACITY, SharedQueue } from "./shared_queue.ts";

const WORKER = MAIN_THREAD + 1;

test("A file goes to the first thread that takes it, and to none after", () => {
  const memory = allocateQueue();
  const [here, there] = [new SharedQueue(memory), new SharedQueue(memory)];
  here.offer(7);
  assert.equal(there.take(7, WORKER), true);
  assert.equal(here.take(7, MAIN_THREAD), false);
  assert.equal(there.take(7, WORKER), false);
  assert.equal(here.isTakenBy(7, WORKER), true);
  assert.equal(here.isTakenBy(7, MAIN_THREAD), false);
});

test("A file that was not offered cannot be taken, the very first least of all", () => {
  const queue = new SharedQueue(allocateQueue());
  for (const index of [0, 1, QUEUE_CAPACITY - 1, QUEUE_CAPACITY, 5 * QUEUE_CAPACITY]) {
    assert.equal(queue.take(index, WORKER), false, String(index));
  }
});

test("A thread that is late with a file of the round before takes nothing of this round", () => {
  const queue = new SharedQueue(allocateQueue());
  queue.offer(3);
  assert.equal(queue.take(3, MAIN_THREAD), true);
  queue.offer(3 + QUEUE_CAPACITY);
  assert.equal(queue.take(3, WORKER), false);
  assert.equal(queue.take(3 + QUEUE_CAPACITY, WORKER), true);
});

test("Stopping is seen by every thread and stays", () => {
  const memory = allocateQueue();
  const queue = new SharedQueue(memory);
  assert.equal(queue.stopped, false);
  new SharedQueue(memory).stop();
  assert.equal(queue.stopped, true);
});
