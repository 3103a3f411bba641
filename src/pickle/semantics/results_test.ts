import assert from "node:assert/strict";
import { test } from "node:test";
import { LOST } from "../machine/values.ts";
import { bytes, call, run } from "../testing/pickle.ts";

/** Results of as many calls of a class as a list holds. */
async function results(module: string, name: string, count: number) {
  const data = bytes(`c${module}\n${name}\np0\n0(`, `g0\n)\x52`.repeat(count), "l.");
  const { machine } = await run(data);
  return { heap: machine.heap, items: machine.heap.itemsOf(machine.result) ?? [] };
}

test("of many results of one global the first are told apart, the rest share a value", async () => {
  const { heap, items } = await results("package", "function", 400);
  const distinct = new Set(items);
  assert.equal(distinct.size, 257);
  const shared = items.at(-1) ?? LOST;
  assert.equal(heap.instanceOf(shared)?.key, "package.function");
  assert.equal(heap.valueOf(items[0] ?? LOST)?.type, "call");
});

test("all results whose state or arguments are needed are told apart", async () => {
  for (const name of ["NumpyArrayWrapper", "Sub.NumpyArrayWrapper"]) {
    const { items } = await results("joblib.numpy_pickle", name, 400);
    assert.equal(new Set(items).size, 400, name);
  }
});

test("what the shared result was given is remembered, and arguments that are not known are more", async () => {
  const many = "cpackage\nfunction\np0\n0(" + "g0\n)R".repeat(256);
  const given = await run(bytes(many, "g0\n(cos\nsystem\ntRl."));
  const entry = given.machine.heap.entryOf("package", "function");
  const passed = [...entry.passed].map((each) => given.machine.heap.globalOf(each)?.key);
  assert.deepEqual(passed, ["os.system"]);
  assert.equal(entry.passedMore, false);
  const unknown = await run(bytes(many, "g0\n", call("package", "arguments"), "Rl."));
  assert.equal(unknown.machine.heap.entryOf("package", "function").passedMore, true);
});

test("a text that is decoded to bytes is no bytearray, what is made of one may be", async () => {
  const added = call("operator", "add", "\x96\x03\0\0\0\0\0\0\0sys", "C\x03tem");
  const changeable = await run(bytes(added, "."));
  assert.ok(changeable.machine.heap.isMutableBytes(changeable.machine.result));
  const decoded = await run(bytes(call("base64", "b64decode", "VeA==\n"), "."));
  assert.ok(!decoded.machine.heap.isMutableBytes(decoded.machine.result));
  const copied = await run(bytes(call("builtins", "bytearray", "C\x01x"), "."));
  assert.ok(copied.machine.heap.isMutableBytes(copied.machine.result));
});
