import assert from "node:assert/strict";
import { test } from "node:test";
import { displayWidth } from "../report/width.ts";
import { showProgress } from "./progress.ts";
import { testIo, type TestWorld } from "./testing/io.ts";

function world(extra: TestWorld = {}) {
  const clock = { time: 0 };
  const io = testIo({ tty: true, columns: 80, now: () => clock.time, ...extra });
  return { clock, io, progress: showProgress(io) };
}

test("A short scan shows no progress", async () => {
  const { clock, io, progress } = world();
  progress.start("a.pkl");
  clock.time = 100;
  progress.finish(10, "b.pkl");
  await progress.clear();
  assert.equal(io.stderr.text, "");
});

test("The line tells files, bytes, time and the current name", async () => {
  const { clock, io, progress } = world();
  progress.start("a.pkl");
  progress.finish(1_000_000, "b.pkl");
  clock.time = 2500;
  progress.start("folder/b.pt");
  await Promise.resolve();
  assert.match(io.stderr.text, /1 file done · 1\.0 MB read · 2\.50 s · folder\/b\.pt$/);
});

test("It is written no more than ten times a second", async () => {
  const { clock, io, progress } = world();
  progress.start("a.pkl");
  for (clock.time = 0; clock.time < 2000; clock.time++) progress.update(clock.time);
  await progress.clear();
  assert.ok(io.stderr.text.split("read").length - 1 <= 18);
});

test("The line is removed, and nothing is written twice for it", async () => {
  const { clock, io, progress } = world();
  clock.time = 1000;
  progress.start("a.pkl");
  await progress.clear();
  assert.ok(io.stderr.text.endsWith("\r\x1b[2K"));
  const before = io.stderr.text;
  await progress.clear();
  assert.equal(io.stderr.text, before);
});

test("It fits into one line of any terminal, whatever the name", async () => {
  for (const columns of [10, 20, 40, 61, 80, 200]) {
    for (const name of ["a".repeat(300), "名".repeat(300), "\x1b]0;x\x07\n\u202e.pkl"]) {
      const { clock, io, progress } = world({ columns });
      clock.time = 1000;
      progress.start(name);
      await Promise.resolve();
      const line = io.stderr.text.replace("\r\x1b[2K", "");
      assert.ok(displayWidth(line) < columns, `${columns}: ${line}`);
      assert.doesNotMatch(line, /[\p{Cc}\p{Cf}]/u);
    }
  }
});

test("Where there is no terminal it is whole lines, one every other second", async () => {
  const { clock, io, progress } = world({ tty: false });
  progress.start("a.pkl");
  for (clock.time = 0; clock.time < 5000; clock.time += 10) progress.update(clock.time);
  await progress.clear();
  assert.ok(!io.stderr.text.includes("\r") && !io.stderr.text.includes("\x1b"));
  assert.equal(io.stderr.text.split("\n").length - 1, 3);
});
