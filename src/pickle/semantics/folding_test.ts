/** Pure functions give what Python gives (`testdata/pickle/folds.txt`), or nothing at all. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { render } from "../tools/render.ts";
import { run } from "../testing/pickle.ts";

const LINES = readFileSync(new URL("../../../testdata/pickle/folds.txt", import.meta.url), "utf8")
  .split("\n").filter((line) => line !== "" && !line.startsWith("#"));

test("every pure function over constants gives what Python gives", async () => {
  const wrong: string[] = [];
  const unfolded: string[] = [];
  for (const line of LINES) {
    const [call = "", program = "", expected = ""] = line.split("\t");
    const bytes = Uint8Array.from(atob(program), (character) => character.charCodeAt(0));
    const { machine } = await run(bytes);
    const value = machine.heap.valueOf(machine.result);
    if (value?.type === "call") unfolded.push(call);
    else if (render(machine.heap, machine.result) !== expected) {
      wrong.push(`${call} gave ${render(machine.heap, machine.result)}, not ${expected}`);
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(unfolded.length <= LINES.length / 10, `not computed: ${unfolded.join("; ")}`);
  assert.ok(LINES.length > 90);
});

test("a pure function over anything unknown gives nothing that could be taken for a name", async () => {
  for (const line of LINES) {
    const [call = "", program = ""] = line.split("\t");
    const [head = ""] = atob(program).split("\n", 1);
    const name = atob(program).slice(head.length + 1).split("\n", 1)[0] ?? "";
    // The same function over an object that only a running program knows.
    const unknown = `${head}\n${name}\n(cfoo\nmake\n)RtR.`;
    const { machine } = await run(Uint8Array.from(unknown, (c) => c.charCodeAt(0)));
    assert.equal(machine.heap.textOf(machine.result), undefined, call);
  }
});
