import assert from "node:assert/strict";
import { test } from "node:test";
import { CallbackProgress, ConcurrentProgress, type Progress } from "./progress.ts";

function recorded(): { progress: Progress; calls: string[] } {
  const calls: string[] = [];
  return {
    calls,
    progress: {
      expect: (files, bytes) => calls.push(`expect ${files} ${bytes}`),
      start: (path) => calls.push(`start ${path}`),
      update: (bytes, path) => calls.push(`update ${bytes}${path === undefined ? "" : ` ${path}`}`),
      finish: (bytes, path) => calls.push(`finish ${bytes} ${path}`),
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
    ...["start a.pkl", "start b.pkl", "update 10 a.pkl", "update 15 b.pkl", "update 17 a.pkl"],
    ...["finish 20 a.pkl", "update 5", "finish 7 b.pkl"],
  ]);
});

test("progress names files, counts and totals", () => {
  const reported: string[] = [];
  const progress = new CallbackProgress(({ event, path, files, totalFiles, bytes, totalBytes }) => {
    reported.push(`${event} ${path} ${files}/${totalFiles} ${bytes}/${totalBytes}`);
  });
  const all = new ConcurrentProgress(progress);
  progress.expect(2, 100);
  all.start("a", "a.pkl");
  all.start("b", "b.pkl");
  all.update("a", 10);
  all.update("b", 5);
  all.finish("a", 30);
  all.finish("b", 7);
  assert.deepEqual(reported, [
    "start a.pkl 0/2 0/100",
    "start b.pkl 0/2 0/100",
    "read a.pkl 0/2 10/100",
    "read b.pkl 0/2 15/100",
    "end a.pkl 1/2 30/100",
    "end b.pkl 2/2 37/100",
  ]);
});
