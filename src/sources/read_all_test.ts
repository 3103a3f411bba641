import assert from "node:assert/strict";
import { test } from "node:test";
import { LimitError } from "../core/errors.ts";
import { forwardSource } from "./forward.ts";
import { bytesSource } from "./memory.ts";
import { readAll, readUpTo } from "./read_all.ts";

const DATA = Uint8Array.from({ length: (1 << 20) + 100 }, (_, at) => (at * 7) & 0xff);
const stream = (chunk: number) => {
  let at = 0;
  return forwardSource("s", () => {
    const next = DATA.slice(at, at + chunk);
    at += next.length;
    return Promise.resolve(next.length === 0 ? undefined : next);
  });
};

test("a source is read to its end, whatever pieces it comes in", async () => {
  for (const source of [bytesSource("x", DATA), stream(1000), stream(1 << 21)]) {
    assert.deepEqual(await readAll(source, DATA.length, "a text", () => {}), DATA);
  }
  assert.equal(
    (await readAll(bytesSource("x", new Uint8Array()), 0, "a text", () => {})).length,
    0,
  );
});

test("one byte beyond the limit is an error that names the source", async () => {
  await assert.rejects(
    readAll(bytesSource("m.json", DATA), DATA.length - 1, "a configuration", () => {}),
    (error) =>
      error instanceof LimitError && error.limit === "spoolBytes" &&
      /"m\.json": a configuration of more than \d+ bytes/.test(error.message),
  );
});

test("the check runs before each read", async () => {
  let checks = 0;
  await readAll(bytesSource("x", DATA), DATA.length, "a text", () => checks++);
  assert.equal(checks, 3);
});

test("bytes from a place on are as many as asked, fewer only at the end", async () => {
  const source = bytesSource("x", DATA);
  assert.deepEqual(await readUpTo(source, 5, 10), DATA.subarray(5, 15));
  assert.deepEqual(await readUpTo(source, 0, 2 * DATA.length), DATA);
  assert.equal((await readUpTo(source, DATA.length, 10)).length, 0);
  assert.equal((await readUpTo(source, 0, 0)).length, 0);
  assert.deepEqual(await readUpTo(stream(999), 3, 5000), DATA.subarray(3, 5003));
});
