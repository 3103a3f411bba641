import assert from "node:assert/strict";
import { test } from "node:test";
import { inOrder, turnstile } from "./in_order.ts";

/** Jobs whose ends the test decides. */
function controlled(count: number) {
  const ends: ((error?: Error) => void)[] = [];
  const started: number[] = [];
  async function* jobs() {
    for (let n = 0; n < count; n++) {
      yield () =>
        new Promise<number>((done, fail) => {
          started.push(n);
          ends[n] = (error) => error ? fail(error) : done(n);
        });
    }
  }
  return { jobs: jobs(), started, end: (n: number, error?: Error) => ends[n]?.(error) };
}

const turns = async () => {
  for (let n = 0; n < 50; n++) await Promise.resolve();
};

test("what ends first waits for what began first, while others go on", async () => {
  const { jobs, started, end } = controlled(6);
  const got: number[] = [];
  const all = (async () => {
    for await (const it of inOrder(jobs, 2, 10)) got.push(it);
  })();
  await turns();
  assert.deepEqual(started, [0, 1]);
  for (const n of [1, 2, 3]) {
    end(n);
    await turns();
  }
  assert.deepEqual(started, [0, 1, 2, 3, 4]);
  assert.deepEqual(got, []);
  for (const n of [0, 4, 5]) {
    end(n);
    await turns();
  }
  await all;
  assert.deepEqual(got, [0, 1, 2, 3, 4, 5]);
});

test("no more results than allowed wait for a slow one", async () => {
  const { jobs, started, end } = controlled(20);
  const all = (async () => {
    for await (const _ of inOrder(jobs, 2, 3));
  })();
  for (let n = 1; n < 20; n++) {
    await turns();
    end(n);
  }
  await turns();
  assert.deepEqual(started, [0, 1, 2, 3]);
  for (let n = 0; n < 20; n++) {
    end(n);
    await turns();
  }
  await all;
  assert.equal(started.length, 20);
});

test("a job that fails does so at its turn", async () => {
  const { jobs, end } = controlled(2);
  const got: unknown[] = [];
  const all = (async () => {
    for await (const it of inOrder(jobs, 2, 3)) got.push(it);
  })();
  await turns();
  end(1, new Error("second"));
  await turns();
  end(0);
  await assert.rejects(() => all, /second/);
  assert.deepEqual(got, [0]);
});

test("of jobs at a turnstile so many run at a time, in order, and one that fails lets the next in", async () => {
  const { jobs, started, end } = controlled(5);
  const inTurn = turnstile(2);
  const results: Promise<number | string>[] = [];
  for await (const job of jobs) results.push(inTurn(job).catch((error: Error) => error.message));
  await turns();
  assert.deepEqual(started, [0, 1]);
  end(1, new Error("no"));
  await turns();
  assert.deepEqual(started, [0, 1, 2]);
  end(0);
  end(2);
  await turns();
  assert.deepEqual(started, [0, 1, 2, 3, 4]);
  end(3);
  end(4);
  assert.deepEqual(await Promise.all(results), [0, "no", 2, 3, 4]);
});
