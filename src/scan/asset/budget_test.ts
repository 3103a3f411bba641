import assert from "node:assert/strict";
import { test } from "node:test";
import { LimitError } from "../../core/errors.ts";
import { withDefaults } from "../../core/limits.ts";
import type { Limits } from "../../core/types.ts";
import { Budget } from "./budget.ts";

const budget = (limits: Partial<Limits> = {}, signal?: { readonly aborted: boolean }) =>
  new Budget(withDefaults(limits), signal);
/** The limit that a call exceeds; undefined when it does not. */
function limitOf(call: () => void): string | undefined {
  try {
    call();
  } catch (error) {
    if (error instanceof LimitError) return error.limit;
    throw error;
  }
  return undefined;
}

test("expanded bytes and opcodes are counted in all, up to the limit itself", () => {
  const one = budget({ expandedBytes: 100, opcodes: 10 });
  assert.equal(limitOf(() => one.spendExpanded(60)), undefined);
  assert.equal(limitOf(() => one.spendExpanded(40)), undefined);
  assert.equal(limitOf(() => one.spendExpanded(1)), "expandedBytes");
  assert.equal(limitOf(() => one.spendOpcodes(10)), undefined);
  assert.equal(limitOf(() => one.spendOpcodes(1)), "opcodes");
});

test("what expands is compared with the size of the asset, beyond a floor", () => {
  const one = budget({ ratio: 1000 });
  one.addMaterial(1_000_000);
  // Of what lies inside, only the asset itself counts as its size.
  one.addMaterial(1_000_000_000);
  assert.equal(limitOf(() => one.spendExpanded(1_000_000_000)), undefined);
  assert.equal(limitOf(() => one.spendExpanded(1)), "expandedBytes");
  const small = budget({ ratio: 1000 });
  small.addMaterial(1);
  assert.equal(limitOf(() => small.spendExpanded(512 * 1024 * 1024)), undefined);
  assert.equal(limitOf(() => small.spendExpanded(1)), "expandedBytes");
});

test("the asset itself and so many members may be looked into", () => {
  const one = budget({ members: 2 });
  assert.deepEqual([1, 2, 3, 4].map(() => limitOf(() => one.spendVisit())), [
    undefined,
    undefined,
    undefined,
    "members",
  ]);
});

test("bytes that are read again and again end, what is read a few times does not", () => {
  const one = budget();
  one.addMaterial(1024 * 1024);
  const most = 64 * 1024 * 1024 + 64 * 1024 * 1024;
  assert.equal(limitOf(() => one.spendRead(most)), undefined);
  assert.equal(limitOf(() => one.spendRead(1)), "expandedBytes");
});

test("once stopped it stays stopped, for the first reason", () => {
  const signal = { aborted: false };
  const one = budget({}, signal);
  assert.equal(limitOf(() => one.checkDeadline()), undefined);
  signal.aborted = true;
  assert.equal(limitOf(() => one.checkDeadline()), "signal");
  signal.aborted = false;
  assert.equal(limitOf(() => one.spendExpanded(0)), "signal");
  assert.equal(one.stopped?.limit, "signal");
});

test("a time limit of nothing is spent with the first millisecond", async () => {
  const one = budget({ milliseconds: 0 });
  await new Promise((done) => setTimeout(done, 5));
  assert.equal(limitOf(() => one.checkDeadline()), "milliseconds");
  assert.match(one.stopped?.message ?? "", /time limit of 0 s/);
});

test("a pause lets timers run, and is not due right after another", async () => {
  // Another process may take the processor between the two calls, but not each time.
  let one = budget();
  let pause = one.pause();
  for (let tries = 0; pause !== undefined && tries < 100; tries++) {
    one = budget();
    pause = one.pause();
  }
  assert.equal(pause, undefined);
  let ran = false;
  setTimeout(() => ran = true, 0);
  for (const end = performance.now() + 60; performance.now() < end;);
  await one.pause();
  assert.ok(ran);
});
