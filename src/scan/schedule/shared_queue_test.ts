import assert from "node:assert/strict";
import { test } from "node:test";
import { FILES_HELD, MAIN_THREAD, WorkList, workListMemory } from "./shared_queue.ts";

const WORKER = MAIN_THREAD + 1;

test("A file goes to the first who asks, and to nobody after", () => {
  const memory = workListMemory();
  const [here, there] = [new WorkList(memory), new WorkList(memory)];
  here.announce(7);
  assert.equal(there.take(7, WORKER), true);
  assert.equal(here.take(7, MAIN_THREAD), false);
  assert.equal(there.take(7, WORKER), false);
  assert.equal(here.isTakenBy(7, WORKER), true);
  assert.equal(here.isTakenBy(7, MAIN_THREAD), false);
});

test("A file that was not announced cannot be taken, the very first least of all", () => {
  const list = new WorkList(workListMemory());
  for (const index of [0, 1, FILES_HELD - 1, FILES_HELD, 5 * FILES_HELD]) {
    assert.equal(list.take(index, WORKER), false, String(index));
  }
});

test("Who comes late with a file of the round before gets nothing of this round", () => {
  const list = new WorkList(workListMemory());
  list.announce(3);
  assert.equal(list.take(3, MAIN_THREAD), true);
  list.announce(3 + FILES_HELD);
  assert.equal(list.take(3, WORKER), false);
  assert.equal(list.take(3 + FILES_HELD, WORKER), true);
});

test("Stopping is seen by everybody and stays", () => {
  const memory = workListMemory();
  const list = new WorkList(memory);
  assert.equal(list.stopped, false);
  new WorkList(memory).stop();
  assert.equal(list.stopped, true);
});
