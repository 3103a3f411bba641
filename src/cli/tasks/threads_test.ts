import assert from "node:assert/strict";
import { test } from "node:test";
import type { Threads } from "../../scan/schedule/threads.ts";
import type { EngineSetup } from "./engine.ts";
import type { TaskOrder } from "./messages.ts";
import { failedResult } from "./result.ts";
import { TaskThreads } from "./threads.ts";

/** Threads on which a task does as its id says, and every thread that was started. */
function threadsOf(): { threads: Threads; started: { terminated: boolean; tasks: string[] }[] } {
  const started: { terminated: boolean; tasks: string[] }[] = [];
  const threads: Threads = {
    cores: 4,
    start(_, events) {
      const one = { terminated: false, tasks: [] as string[] };
      started.push(one);
      let stuck = false;
      const send = (data: object): void =>
        void setTimeout(() => !stuck && !one.terminated && events.message(data));
      send({ type: "ready" });
      return {
        post(message) {
          const order = message as TaskOrder;
          if (order.type !== "task" || stuck) return;
          const { id } = order.task;
          one.tasks.push(id);
          if (id.startsWith("loops")) stuck = true;
          else if (id.startsWith("heap")) {
            stuck = true;
            setTimeout(() => events.ended("Worker terminated due to reaching memory limit"));
          } else if (id.startsWith("exits")) {
            stuck = true;
            setTimeout(() => events.ended("exit code 3"));
          } else {
            // A decoder that is brought down fails whatever comes after it on the same thread.
            const isDown = one.tasks.some((it) => it.startsWith("breaks"));
            const reason = isDown ? "defect" : "not-found";
            const error = { class: "final", reason, message: "x", after: null } as const;
            send({ type: "done", index: order.index, result: failedResult({ id }, error) });
          }
        },
        terminate: () => one.terminated = true,
      };
    },
  };
  return { threads, started };
}

const setup = { milliseconds: 20 } as EngineSetup;
const lookup = () => Promise.resolve(undefined);

async function reasons(ids: readonly string[], count: number) {
  const { threads, started } = threadsOf();
  const pool = new TaskThreads({ threads, setup, count, grace: 20, lookup });
  const results = await Promise.all(ids.map((id) => pool.run({ id, path: id })));
  pool.close();
  assert.ok(started.every(({ terminated }) => terminated));
  return results.map(({ id, error }) => `${id} ${error?.reason} ${error?.class}`);
}

test("a task that never ends, takes all memory or ends its thread is given up, and no other", async () => {
  for (const count of [1, 2]) {
    assert.deepEqual(
      await reasons(["a", "loops", "b", "heap", "c", "exits", "d", "loops2"], count),
      [
        "a not-found final",
        "loops time final",
        "b not-found final",
        "heap memory final",
        "c not-found final",
        "exits defect final",
        "d not-found final",
        "loops2 time final",
      ],
    );
  }
});

test("what is wrong with a thread that a task left behind is not said of another", async () => {
  assert.deepEqual(await reasons(["a", "breaks", "b", "c"], 1), [
    "a not-found final",
    "breaks defect final",
    "b not-found final",
    "c not-found final",
  ]);
});

test("tasks that do not end are given back when the worker is to stop", async () => {
  const { threads } = threadsOf();
  const long = { milliseconds: 60_000 } as EngineSetup;
  const pool = new TaskThreads({ threads, setup: long, count: 1, lookup });
  const running = ["loops", "a"].map((id) => pool.run({ id, path: id }));
  await new Promise((done) => setTimeout(done, 20));
  pool.stop();
  const results = await Promise.all(running);
  pool.close();
  for (const { error } of results) {
    assert.deepEqual([error?.class, error?.reason], ["retry", "stopped"]);
  }
});
