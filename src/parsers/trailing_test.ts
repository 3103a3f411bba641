import assert from "node:assert/strict";
import { test } from "node:test";
import type { Observation } from "../core/types.ts";
import { forwardSource } from "../sources/forward.ts";
import { bytesSource } from "../sources/memory.ts";
import { behindEnd } from "./trailing.ts";

const summary = (seen: readonly Observation[]) =>
  seen.map((it) => it.type === "anomaly" ? it.rule : it.type === "entry" ? it.part : it.type);

test("nothing behind the end is nothing to report", async () => {
  assert.deepEqual(await behindEnd(bytesSource("x", new Uint8Array(8)), 8), []);
  assert.deepEqual(await behindEnd(bytesSource("x", new Uint8Array(8)), 9), []);
});

test("zeros are padding, one other byte among them is data that is handed on", async () => {
  const padded = new Uint8Array(100);
  assert.deepEqual(summary(await behindEnd(bytesSource("x", padded), 8)), ["file-padding"]);
  padded[99] = 1;
  const seen = await behindEnd(bytesSource("x", padded), 8);
  assert.deepEqual(summary(seen), ["file-trailing-data", "bytes_8"]);
  const entry = seen.find((it) => it.type === "entry");
  assert.equal(entry?.source.size, 92);
  assert.equal((await entry?.source.read(91, 5))?.[0], 1);
  assert.equal(entry?.loaded, "data");
});

test("more zeros than padding has are data: what follows them is not read here", async () => {
  const long = new Uint8Array(1024 * 1024 + 8);
  assert.deepEqual(summary(await behindEnd(bytesSource("x", long), 8)), [
    "file-trailing-data",
    "bytes_8",
  ]);
});

test("of a stream of unknown length the number of bytes is a least one", async () => {
  const pieces = [Uint8Array.of(0, 0, 1, 2)];
  const seen = await behindEnd(forwardSource("x", () => Promise.resolve(pieces.shift())), 2);
  const [anomaly] = seen;
  assert.ok(anomaly?.type === "anomaly");
  assert.match(anomaly.detail, /2 bytes follow the end at 2$/);
  assert.deepEqual(summary(seen), ["file-trailing-data", "bytes_2"]);
});
