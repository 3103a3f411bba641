import assert from "node:assert/strict";
import { test } from "node:test";
import { SAMPLE_BYTES, TAIL_BYTES } from "../../core/format.ts";
import { forwardSource } from "../../sources/forward.ts";
import { bytesSource } from "../../sources/memory.ts";
import { drain, tailOfStream, takeSample } from "./sampling.ts";

const DATA = Uint8Array.from({ length: SAMPLE_BYTES + 5000 }, (_, at) => (at * 31) & 0xff);
/** A stream in chunks of so many bytes. */
function stream(bytes: Uint8Array, chunk = 1000) {
  let at = 0;
  return forwardSource("s", () => {
    const next = bytes.slice(at, at + chunk);
    at += next.length;
    return Promise.resolve(next.length === 0 ? undefined : next);
  });
}

test("a small source is its own head and tail", async () => {
  const sample = await takeSample(
    bytesSource("x", DATA.subarray(0, 10)),
    "m.pkl",
    undefined,
    4096,
    true,
  );
  assert.deepEqual([sample.size, sample.head.length, sample.tail?.length], [10, 10, 10]);
  const empty = await takeSample(
    bytesSource("x", new Uint8Array()),
    "m.pkl",
    undefined,
    4096,
    true,
  );
  assert.deepEqual([empty.size, empty.head.length], [0, 0]);
});

test("of a large source head and tail are bounded, and the tail is read on demand", async () => {
  const source = bytesSource("x", DATA);
  const sample = await takeSample(source, "m", "hint", Infinity, true);
  assert.equal(sample.head.length, SAMPLE_BYTES);
  assert.deepEqual(sample.tail, DATA.subarray(DATA.length - TAIL_BYTES));
  assert.deepEqual([sample.size, sample.hint], [DATA.length, "hint"]);
  assert.equal((await takeSample(source, "m", undefined, 64, false)).tail, undefined);
});

test("a stream has no size and no tail until it was read to its end", async () => {
  const source = stream(DATA);
  const sample = await takeSample(source, "m", undefined, 64, true);
  assert.deepEqual([sample.size, sample.tail, sample.head.length], [undefined, undefined, 64]);
  assert.equal(tailOfStream(source), undefined);
  await drain(source, 64, () => {});
  assert.deepEqual(tailOfStream(source), DATA.subarray(DATA.length - TAIL_BYTES));
});

test("a short stream is known to be whole by its own end", async () => {
  const sample = await takeSample(stream(DATA.subarray(0, 30)), "m", undefined, 64, true);
  assert.deepEqual([sample.size, sample.tail?.length], [30, 30]);
});

test("draining is checked before each read and ends by what the check throws", async () => {
  await assert.rejects(
    drain(stream(DATA), 0, () => {
      throw new RangeError("spent");
    }),
    /spent/,
  );
});
