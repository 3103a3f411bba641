import assert from "node:assert/strict";
import { test } from "node:test";
import { ConcurrentProgress, type Progress } from "./progress.ts";

function recorded(): { progress: Progress; calls: string[] } {
  const calls: string[] = [];
  return {
    calls,
    progress: {
      expect: (files, bytes) => calls.push(`expect ${files} ${bytes}`),
      start: (path) => calls.push(`start ${path}`),
      update: (bytes) => calls.push(`update ${bytes}`),
      finish: (bytes) => calls.push(`finish ${bytes}`),
    },
  };
}

test("the bytes of files that are scanned at the same time are summed", () => {
  const { progress, calls } = recorded();
  const all = new ConcurrentProgress(progress);
  all.start("a", "a.pkl");
  all.start(1, "b.pkl");
  all.update("a", 10);
  all.update(1, 5);
  all.update("a", 12);
  all.finish("a", 20);
  all.finish(1, 7);
  assert.deepEqual(calls, [
    ...["start a.pkl", "start b.pkl", "update 10", "update 15", "update 17"],
    ...["finish 20", "update 5", "finish 7"],
  ]);
});
