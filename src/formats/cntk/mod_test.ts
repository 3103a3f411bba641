import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { assertChangesAreRead, assertCutsNeverClean, report } from "../testing/cuts.ts";

const TESTDATA = new URL("../../../testdata/cntk/", import.meta.url);

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, TESTDATA)));
}

/** A field of bytes, of at most 127. */
function field(number: number, content: string): string {
  return String.fromCharCode(number * 8 + 2, content.length) + content;
}

/** A dictionary with texts. */
function dictionary(...pairs: readonly (readonly [string, string])[]): string {
  return "\x08\x02" +
    pairs.map(([key, text]) =>
      field(2, field(1, key) + field(2, "\x08\x02\x10\x06" + field(8, text)))
    ).join("");
}

async function verdict(content: string): Promise<string> {
  const bytes = Uint8Array.from(content, (character) => character.charCodeAt(0));
  return (await report("m.dnn", bytes)).verdict;
}

const COMPLETE = ["version", "type", "uid", "root", "inputs", "primitive_functions"]
  .map((key) => [key, "x"] as const);

test("a model or checkpoint cut at any byte is never clean", async () => {
  for (const name of readdirSync(new URL("safe/", TESTDATA))) {
    const bytes = read(`safe/${name}`);
    await assertCutsNeverClean("m.dnn", bytes, { step: bytes.length > 3000 ? 37 : 1 });
  }
});

test("bytes changed anywhere are read without a defect", async () => {
  for (const name of ["safe/dense.dnn", "safe/trained.dnn.ckp", "harmful/library.dnn"]) {
    await assertChangesAreRead("m.dnn", read(name), 17);
  }
});

test("names of a user's function that are more than names are code", async () => {
  assert.equal(await verdict(dictionary(...COMPLETE)), "clean");
  const of = (module: string, name: string) =>
    verdict(dictionary(...COMPLETE, ["module", module], ["class", name]));
  assert.equal(await of("example.module", "Name"), "suspicious");
  assert.equal(await of("m\u00f6", "Name"), "dangerous");
  for (
    const [module, name] of [["os", "system;x"], ["os\n", "x"], ["os", "x y"], ["", "x"], [
      "os",
      "",
    ]]
  ) {
    assert.equal(await of(module ?? "", name ?? ""), "dangerous", `${module} ${name}`);
  }
  // Of two entries with one key either may count.
  const twice = dictionary(...COMPLETE, ["module", "a"], ["class", "B"], ["class", "x;y"]);
  assert.equal(await verdict(twice), "dangerous");
  assert.equal(await verdict(dictionary(...COMPLETE, ["class", "x;y"])), "dangerous");
  assert.equal(
    await verdict(dictionary(...COMPLETE, ["module", "lib.so"], ["deserialize_method", "f"])),
    "dangerous",
  );
});

test("a model is recognised whatever it is called", async () => {
  for (const name of readdirSync(new URL("safe/", TESTDATA))) {
    const { formats, verdict } = await report("model.bin", read(`safe/${name}`));
    assert.deepEqual([formats, verdict], [["cntk"], "clean"], name);
  }
});
