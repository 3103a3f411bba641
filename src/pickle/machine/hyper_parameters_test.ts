import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, run } from "../testing/pickle.ts";
import { tellTargets } from "./hyper_parameters.ts";

/** What is told of a checkpoint whose hyper-parameters have a value under a key. */
async function told(key: string, value: string | Uint8Array): Promise<string[]> {
  const data = bytes("}Vhyper_parameters\n}V", key, "\n", value, "ss.");
  const { machine } = await run(data);
  tellTargets(machine.heap, machine.result, 0);
  return machine.heap.facts.all().flatMap(({ fact }) =>
    fact.kind === "reference"
      ? [`${fact.module}.${fact.name}`]
      : fact.kind === "unresolved-call" && fact.via === key
      ? ["?"]
      : []
  );
}

test("what a loader imports by a name in the hyper-parameters is told", async () => {
  assert.deepEqual(await told("_instantiator", "Vpackage.function\n"), ["package.function"]);
  assert.deepEqual(await told("other", "Vpackage.function\n"), []);
  assert.deepEqual(await told("_target_", "N"), []);
});

test("a name that calls make, and that is not known, is told as one", async () => {
  const made = "cpackage\nname\n(Vpackage.function\ntR";
  assert.deepEqual(await told("_instantiator", made), ["?"]);
  assert.deepEqual(await told("other", made), []);
});
