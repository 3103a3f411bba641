import assert from "node:assert/strict";
import { test } from "node:test";
import { ObservationBuffer } from "./observations.ts";

const anomaly = (within?: readonly string[]) => ({
  type: "anomaly" as const,
  rule: "r",
  detail: "",
  ...(within && { within }),
});

test("observations are given out once, places stay counted", () => {
  const buffer = new ObservationBuffer();
  buffer.add(anomaly());
  buffer.add(anomaly(["stream_0"]));
  buffer.add(anomaly(["stream_0"]));
  buffer.add(anomaly(["stream_1"]));
  assert.deepEqual([buffer.count, buffer.places], [4, 2]);
  assert.equal(buffer.drain().length, 4);
  assert.deepEqual([buffer.count, buffer.places, buffer.drain().length], [0, 2, 0]);
});

test("a place of two parts is none of one part that looks like it", () => {
  const buffer = new ObservationBuffer();
  buffer.add(anomaly(["a", "b"]));
  buffer.add(anomaly(['["a","b"]']));
  buffer.add(anomaly(["a,b"]));
  assert.ok(buffer.places >= 2);
});
