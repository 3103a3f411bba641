import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fieldsOf } from "../../parsers/protobuf.ts";
import { assertChangesAreRead, assertCutsNeverClean, report } from "../testing/cuts.ts";

const TESTDATA = new URL("../../../testdata/caffe2/", import.meta.url);

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, TESTDATA)));
}

/** A field of bytes, of at most 127. */
function field(number: number, content: string): string {
  return String.fromCharCode(number * 8 + 2, content.length) + content;
}

async function verdict(content: string, name = "net.pb"): Promise<string> {
  const bytes = Uint8Array.from(content, (character) => character.charCodeAt(0));
  return (await report(name, bytes)).verdict;
}

test("a network cut within a field is never clean; between two fields it is a smaller network", async () => {
  for (const name of readdirSync(new URL("safe/", TESTDATA))) {
    const bytes = read(`safe/${name}`);
    const allowed = [...fieldsOf(bytes)].map(({ end }) => end);
    await assertCutsNeverClean("m.pb", bytes, { allowed });
  }
});

test("bytes changed anywhere are read without a defect", async () => {
  for (
    const name of ["safe/recurrent_net.pb", "safe/control_net.pb", "harmful/pickled_builder.pb"]
  ) {
    await assertChangesAreRead("m.pb", read(name), 7);
  }
});

test("an operator counts in every order of its fields and of those of its arguments", async () => {
  const first = field(2, field(1, "x") + field(4, "Relu"));
  const pickle = "cos\nsystem\n(S'echo hi'\ntR.";
  const argument = field(5, field(4, pickle) + field(1, "pickled_builder"));
  assert.equal(await verdict(first + field(2, argument + field(4, "Relu"))), "dangerous");
  assert.equal(await verdict(first + field(2, field(4, "Relu") + field(4, "Save"))), "dangerous");
  assert.equal(await verdict(first + field(2, field(4, ""))), "suspicious");
  assert.equal(await verdict(first), "clean");
});

test("a network is recognised by its first operator, and other messages are none", async () => {
  const relu = field(2, field(1, "x") + field(2, "y") + field(4, "Relu"));
  for (const bytes of [relu, field(1, "name") + relu]) {
    const { formats } = await report("model.bin", Uint8Array.from(bytes, (it) => it.charCodeAt(0)));
    assert.deepEqual(formats, ["caffe2"]);
  }
  // Caffe's layers have a number as their type, TensorFlow's nodes lie in field 1.
  const others = [
    field(1, "LeNet") + field(2, field(2, "data") + field(4, "conv") + "\x28\x04"),
    field(1, field(1, "node") + field(2, "Const")),
  ];
  for (const bytes of others) {
    const { formats } = await report("m.pb", Uint8Array.from(bytes, (it) => it.charCodeAt(0)));
    assert.ok(!formats.includes("caffe2"));
  }
});

test("networks in one another, deeper than protobuf reads, are not clean", async () => {
  let inner: Uint8Array = new TextEncoder().encode(field(2, field(4, "Save")));
  const wrap = (number: number, bytes: Uint8Array): Uint8Array => {
    const length = [bytes.length % 128 + 128, bytes.length >> 7];
    return Uint8Array.of(number * 8 + 2, ...length, ...bytes);
  };
  const type = new TextEncoder().encode(field(4, "If"));
  for (let depth = 0; depth < 60; depth++) {
    const argument = wrap(5, wrap(8, inner));
    inner = wrap(2, Uint8Array.of(...type, ...argument));
  }
  assert.equal((await report("net.pb", inner)).verdict, "incomplete");
});
