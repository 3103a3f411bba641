/**
 * Compares with CPython: for every sample, the imports and calls that the C unpickler made when it was
 * given inert stand-ins (`scripts/fixtures/oracle.py`) must be seen here, in that order.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { bytesSource } from "../../sources/memory.ts";
import { Input } from "./input.ts";
import { STATUS } from "../machine/status.ts";
import { runStream } from "./driver.ts";
import { context } from "../testing/pickle.ts";

const ROOT = new URL("../../../testdata/", import.meta.url);

type Event = Readonly<Record<string, readonly string[]>>;
interface Reading {
  readonly streams: readonly (readonly Event[])[];
}
type Sample = Readonly<Record<string, Reading>>;

const oracle: { readonly samples: Readonly<Record<string, Sample>> } = JSON.parse(
  readFileSync(new URL("pickle/oracle.json", ROOT), "utf8"),
);

function load(name: string): Uint8Array | undefined {
  if (name.includes(":")) return undefined;
  const family = /^(harmful|safe|suspicious|malformed|unreadable)\//.test(name) ? "pickle/" : "";
  return new Uint8Array(readFileSync(new URL(family + name, ROOT)));
}

/** The traces of all streams under one reading, until one fails. */
async function traces(data: Uint8Array, drops: readonly boolean[]): Promise<string[][]> {
  const extensions = new Map();
  const found: string[][] = [];
  for (let start = 0; start < data.length;) {
    const input = new Input(bytesSource("sample", data), 0);
    const run = await runStream(input, context(), { start, drops, traced: true, extensions });
    found.push([...(run.machine.heap.facts.trace ?? [])]);
    if (run.status !== STATUS.STOPPED) break;
    start = input.actual(run.end);
  }
  return found;
}

/** The first import or call of `wanted` that `have` lacks at its place in the order. */
function missing(wanted: readonly Event[], have: readonly string[]): string | undefined {
  let at = 0;
  for (const event of wanted) {
    for (const kind of ["import", "call"]) {
      const names = event[kind];
      if (names === undefined) continue;
      const found = have.indexOf(`${kind} ${names[0]} ${names[1]}`, at);
      if (found < 0) return `${kind} ${names.join(".")}`;
      at = found + 1;
    }
  }
  return undefined;
}

test("every import and call of the C unpickler is seen, in order, in every sample", async () => {
  let compared = 0;
  for (const [name, sample] of Object.entries(oracle.samples)) {
    const data = load(name);
    if (data === undefined) continue;
    const plain = await traces(data, []);
    const dropping = await traces(data, Array(16).fill(true));
    for (const [reading, { streams }] of Object.entries(sample)) {
      if (reading === "c_carried") continue; // covered by the tests of streams
      for (const [index, wanted] of streams.entries()) {
        const gaps = [plain, dropping].map((have) => missing(wanted, have[index] ?? []));
        assert.ok(gaps.includes(undefined), `${name}, ${reading}, stream ${index}: ${gaps[0]}`);
        compared++;
      }
    }
  }
  assert.ok(compared > 300, `only ${compared} streams compared`);
});
