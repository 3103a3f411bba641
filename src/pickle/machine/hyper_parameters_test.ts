import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, run } from "../testing/pickle.ts";
import { tellTargets } from "./hyper_parameters.ts";

/** What is named of a checkpoint whose hyper-parameters have a value under a key. */
async function named(key: string, value: string | Uint8Array): Promise<string[]> {
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

test("what a loader imports by a name in the hyper-parameters is named", async () => {
  assert.deepEqual(await named("_instantiator", "Vpackage.function\n"), ["package.function"]);
  assert.deepEqual(await named("other", "Vpackage.function\n"), []);
  assert.deepEqual(await named("_target_", "N"), []);
});

test("a name that calls make, and that is not known, is reported as one", async () => {
  const made = "cpackage\nname\n(Vpackage.function\ntR";
  assert.deepEqual(await named("_instantiator", made), ["?"]);
  assert.deepEqual(await named("other", made), []);
});
