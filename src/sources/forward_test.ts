import assert from "node:assert/strict";
import { test } from "node:test";
import { FormatError, LimitError, SourceError } from "../core/errors.ts";
import { forwardSource, restSource, spool, streamSource } from "./forward.ts";
import { bytesSource } from "./memory.ts";

async function* chunks(total: number, each: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < total; at += each) {
    yield Uint8Array.from({ length: Math.min(each, total - at) }, (_, i) => (at + i) & 0xff);
  }
}

const at = (offset: number, length: number) =>
  Array.from({ length }, (_, i) => (offset + i) & 0xff);

test("a forward source reads across chunks and learns its size at the end", async () => {
  const source = forwardSource("s", chunks(1000, 7), { lookBack: 100 });
  assert.equal(source.size, undefined);
  assert.deepEqual([...await source.read(0, 50)], at(0, 50));
  assert.deepEqual([...await source.read(3, 5)], at(3, 5));
  assert.deepEqual([...await source.read(990, 50)], at(990, 10));
  assert.equal(source.size, 1000);
  assert.equal((await source.read(1000, 5)).length, 0);
  assert.equal((await source.read(5000, 5)).length, 0);
});

test("a forward source serves what it still holds without waiting and refuses the rest", async () => {
  const source = forwardSource("s", chunks(1000, 10), { lookBack: 100 });
  assert.throws(() => source.readSync(0, 1), SourceError);
  await source.read(0, 30);
  assert.deepEqual([...source.readSync(5, 20)], at(5, 20));
  assert.throws(() => source.readSync(25, 20), /30 bytes have arrived/);
});

test("a forward source forgets what lies behind its look-back", async () => {
  const source = forwardSource("s", chunks(10_000, 10), { lookBack: 100 });
  await source.read(5000, 10);
  assert.deepEqual([...await source.read(4920, 10)], at(4920, 10));
  await assert.rejects(source.read(4000, 10), /bytes before \d+ are gone/);
  assert.throws(() => source.readSync(4000, 10), SourceError);
});

test("a read longer than the look-back is answered whole", async () => {
  const source = forwardSource("s", chunks(10_000, 10), { lookBack: 16 });
  assert.deepEqual([...await source.read(0, 9000)], at(0, 9000));
});

test("a stream that breaks off gives what came before, then its error", async () => {
  let pulled = 0;
  const source = forwardSource("s", () => {
    if (pulled++ === 2) return Promise.reject(new FormatError("broken", 20));
    return Promise.resolve(new Uint8Array(10).fill(pulled));
  });
  assert.equal((await source.read(0, 64)).length, 20);
  await assert.rejects(source.read(20, 1), /broken/);
  assert.throws(() => source.readSync(20, 1), /broken/);
  assert.equal((await source.read(15, 64)).length, 5);
  assert.ok(source.error instanceof FormatError);
  assert.equal(source.size, undefined);
});

test("a stream that throws no error is a source error all the same", async () => {
  const source = forwardSource("s", () => Promise.reject("odd"));
  await assert.rejects(source.read(0, 1), SourceError);
});

test("reads that are asked for at once are answered in order", async () => {
  const source = forwardSource("s", chunks(100, 9));
  const [a, b] = await Promise.all([source.read(0, 20), source.read(20, 20)]);
  assert.deepEqual([...a], at(0, 20));
  assert.deepEqual([...b], at(20, 20));
});

test("negative and fractional ranges are refused", async () => {
  const source = forwardSource("s", chunks(100, 9));
  for (const [offset, length] of [[-1, 1], [0, -1], [0.5, 1], [0, 2 ** 60]] as const) {
    await assert.rejects(source.read(offset, length), /not a range/);
  }
  assert.throws(() => forwardSource("s", chunks(1, 1), { lookBack: -1 }), RangeError);
});

test("a spooled source has random access over all its bytes", async () => {
  const spooled = await spool(forwardSource("s", chunks(700_000, 1000), { lookBack: 10 }), 1 << 20);
  assert.equal(spooled.access, "random");
  assert.equal(spooled.size, 700_000);
  assert.deepEqual([...await spooled.read(500_000, 3)], at(500_000, 3));
  const bytes = bytesSource("b", new Uint8Array(5));
  assert.equal(await spool(bytes, 1), bytes);
});

test("spooling past the limit is a limit error that names the limit", async () => {
  await assert.rejects(
    spool(forwardSource("s", chunks(2000, 100)), 1999),
    (error) => error instanceof LimitError && error.limit === "spoolBytes",
  );
  await assert.rejects(spool(forwardSource("s", chunks(1, 1), { size: 99 }), 98), LimitError);
  assert.equal((await spool(forwardSource("s", chunks(2000, 100)), 2000)).size, 2000);
});

test("spooling a stream that breaks off keeps what came before", async () => {
  let pulled = 0;
  const source = forwardSource(
    "s",
    () =>
      pulled++ === 3
        ? Promise.reject(new FormatError("broken"))
        : Promise.resolve(new Uint8Array(1000)),
  );
  assert.equal((await spool(source, 1 << 20)).size, 3000);
  let exact = 0;
  const even = forwardSource(
    "s",
    () =>
      exact++ === 4
        ? Promise.reject(new FormatError("broken"))
        : Promise.resolve(new Uint8Array(64 * 1024)),
  );
  assert.equal((await spool(even, 1 << 20)).size, 256 * 1024);
  await assert.rejects(spool(forwardSource("s", () => Promise.reject(new Error("x"))), 9), /x/);
  assert.ok(source.error instanceof FormatError);
});

test("the rest of a source begins at its offset and knows its size once the parent does", async () => {
  const rest = restSource("r", forwardSource("s", chunks(100, 9)), 40);
  assert.equal(rest.size, undefined);
  assert.deepEqual([...await rest.read(0, 5)], at(40, 5));
  assert.deepEqual([...rest.readSync?.(2, 3) ?? []], at(42, 3));
  assert.equal((await rest.read(0, 100)).length, 60);
  assert.equal(rest.size, 60);
  const beyond = restSource("r", bytesSource("b", new Uint8Array(5)), 9);
  assert.equal(beyond.size, 0);
  assert.equal((await beyond.read(0, 5)).length, 0);
  assert.throws(() => restSource("r", beyond, -1), RangeError);
});

test("standard input is a forward-only source that copies its chunks", async () => {
  const chunk = new Uint8Array(4);
  async function* stream() {
    for (let value = 1; value <= 3; value++) {
      await Promise.resolve();
      yield chunk.fill(value);
    }
  }
  const source = streamSource("-", stream());
  assert.equal(source.access, "forward");
  assert.equal(source.name, "-");
  assert.deepEqual([...await source.read(0, 100)], [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]);
  assert.equal(source.size, 12);
});

test("standard input that breaks off is a source error", async () => {
  async function* stream() {
    await Promise.resolve();
    yield Uint8Array.of(1);
    throw new Error("pipe broke");
  }
  const source = streamSource("-", stream());
  assert.equal((await source.read(0, 10)).length, 1);
  await assert.rejects(() => source.read(1, 10), (error: unknown) => {
    return error instanceof SourceError && /pipe broke/.test(error.message);
  });
});
