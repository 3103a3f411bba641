/**
 * Files of more streams, names and arrays than are kept: each takes seconds.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { LimitError } from "../../core/errors.ts";
import type { Observation } from "../../core/types.ts";
import { forwardSource } from "../../sources/forward.ts";
import { bytesSource } from "../../sources/memory.ts";
import { anomaliesIn, bytes, context, observe, str } from "../testing/pickle.ts";
import { scanStreams } from "./streams.ts";

const HARMFUL = bytes(0x80, 4, str("os"), str("system"), 0x93, str("echo hi"), 0x85, "R.");

/** The facts of a batch. */
const factsOf = (batch: readonly Observation[]) => batch.filter((it) => it.type === "fact");

/** Imports of so many different names, and a harmful call behind them. */
const behindNames = (count: number) =>
  bytes(...Array.from({ length: count }, (_, at) => bytes(`ca${at}\nb\n0`)), HARMFUL);

/** A wrapper of joblib's over one object, again and again: each time a pickle of its own follows. */
const objectArrays = (count: number) =>
  bytes(
    "cjoblib.numpy_pickle\nNumpyArrayWrapper\n)",
    0x81,
    "q\x01}(Vshape\n(I1\ntVdtype\ncnumpy\ndtype\n(VO8\nI00\nI01\ntRVorder\nVC\nVallow_mmap\nI00\nu",
    "q\x02bN.0",
    "h\x01h\x02bN.0".repeat(count - 1),
    "h\x01h\x02b",
    HARMFUL,
    "0N.",
  );

test("a hundred thousand streams are read, more leave the file unread", async () => {
  const many = new Uint8Array(2 * 100_001).fill(0x4e);
  for (let at = 1; at < many.length; at += 2) many[at] = 0x2e;
  const found = await observe(many);
  assert.deepEqual(anomaliesIn(found), ["pickle-budget"]);
  assert.deepEqual(anomaliesIn(await observe(many.subarray(0, 2000))), []);
});

test("a call behind forty thousand names is reported, and few facts are held at a time", async () => {
  const data = behindNames(40_000);
  const pieces = [data];
  const sources = [
    bytesSource("m.pkl", data),
    forwardSource("pipe", () => Promise.resolve(pieces.shift())),
  ];
  for (const source of sources) {
    const sizes: number[] = [];
    const names = new Set<string>();
    const calls: string[] = [];
    for await (const batch of scanStreams(source, context(), "pickle")) {
      sizes.push(batch.length);
      for (const { fact, within } of factsOf(batch)) {
        if (fact.kind === "import") names.add(fact.module);
        if (fact.kind === "call") calls.push(`${within?.join()} ${fact.expression}`);
      }
    }
    assert.deepEqual(calls, ["stream_0 os.system('echo hi')"]);
    assert.equal(names.size, 40_001);
    assert.ok(Math.max(...sizes) < 10_000, `${Math.max(...sizes)} observations at a time`);
  }
});

test("a call in the last of thirty thousand object arrays is reported at its place", async () => {
  const calls = (await observe(objectArrays(30_000))).flatMap((it) =>
    it.type === "fact" && it.fact.kind === "call" && it.fact.module === "os" ? [it.within] : []
  );
  assert.deepEqual(calls, [["stream_0", "array_30000"]]);
});

test("more object arrays than any model has leave the file unread", async () => {
  await assert.rejects(observe(objectArrays(100_001)), LimitError);
});

test("more names than are kept under another reading leave the file unread, and the next stream read", async () => {
  // A text that goes beyond its frame: a C unpickler on a file reads on in another place.
  const straddling = bytes(0x80, 4, 0x95, 3, 0, 0, 0, 0, 0, 0, 0, str("abcdef"), "0");
  const names = behindNames(60_000).subarray(0, -HARMFUL.length);
  const data = bytesSource("m.pkl", bytes(straddling, names, "N.", HARMFUL));
  const calls: string[] = [];
  const reading = async () => {
    for await (const batch of scanStreams(data, context(), "pickle")) {
      for (const { fact, within } of factsOf(batch)) {
        if (fact.kind === "call") calls.push(`${within?.join()} ${fact.expression}`);
      }
    }
  };
  await assert.rejects(reading, LimitError);
  assert.deepEqual(calls, ["stream_1 os.system('echo hi')"]);
});
