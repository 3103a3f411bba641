import assert from "node:assert/strict";
import { test } from "node:test";
import { Notes } from "./observations.ts";

const anomaly = (within?: readonly string[]) => ({
  type: "anomaly" as const,
  rule: "r",
  detail: "",
  ...(within && { within }),
});

test("observations are given out once, places stay counted", () => {
  const notes = new Notes();
  notes.add(anomaly());
  notes.add(anomaly(["stream_0"]));
  notes.add(anomaly(["stream_0"]));
  notes.add(anomaly(["stream_1"]));
  assert.deepEqual([notes.count, notes.places], [4, 2]);
  assert.equal(notes.drain().length, 4);
  assert.deepEqual([notes.count, notes.places, notes.drain().length], [0, 2, 0]);
});

test("a place of two parts is none of one part that looks like it", () => {
  const notes = new Notes();
  notes.add(anomaly(["a", "b"]));
  notes.add(anomaly(['["a","b"]']));
  notes.add(anomaly(["a,b"]));
  assert.ok(notes.places >= 2);
});
