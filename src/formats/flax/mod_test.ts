import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { assertCutsNeverClean, report } from "../testing/cuts.ts";

const SAMPLES = new URL("../../../testdata/flax/", import.meta.url);

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, SAMPLES)));
}

const SAFE = readdirSync(new URL("safe/", SAMPLES));

test("what Flax, T5X and msgpack-numpy write is clean, and cut at any byte it is not", async () => {
  assert.ok(SAFE.length >= 4);
  for (const name of SAFE) {
    const bytes = read(`safe/${name}`);
    assert.equal((await report(name, bytes)).verdict, "clean", name);
    await assertCutsNeverClean("m.msgpack", bytes, { step: 1 });
  }
});

test("the same is found where keys of an array are repeated, or names are bytes", async () => {
  const harmful = read("harmful/objects.msgpack");
  assert.equal((await report("a.msgpack", harmful)).verdict, "dangerous");
  // {b"_target_": b"os.system"}, as writers without `use_bin_type` have it.
  const bytes = Uint8Array.of(
    ...[0x81, 0xc4, 8, ...new TextEncoder().encode("_target_")],
    ...[0xc4, 9, ...new TextEncoder().encode("os.system")],
  );
  assert.equal((await report("a.msgpack", bytes)).verdict, "dangerous");
});

/** A map of MessagePack: keys as bytes, values as they are given, texts as `str`. */
function mapOf(...members: readonly (readonly [string, boolean | string | Uint8Array])[]) {
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  const written = members.flatMap(([key, value]) => [
    ...[0xc4, key.length, ...encode(key)],
    ...(typeof value === "boolean"
      ? [value ? 0xc3 : 0xc2]
      : typeof value === "string"
      ? [0xd9, value.length, ...encode(value)]
      : [0xc4, value.length, ...value]),
  ]);
  return Uint8Array.of(0x80 + members.length, ...written);
}

test("an array that msgpack-numpy unpickles is found behind equal keys, and as a text", async () => {
  const text = "cos\nsystem\n(S'echo x'\ntR.";
  const data = new TextEncoder().encode(text);
  const kind = new TextEncoder().encode("O");
  const array = [["nd", true], ["kind", kind]] as const;
  for (
    const members of [
      [["nd", false], ...array, ["data", data]],
      [["nd", true], ["kind", new TextEncoder().encode("f")], ["kind", kind], ["data", data]],
      [...array, ["data", Uint8Array.of(0x4e, 0x2e)], ["data", data]],
      [["data", data], ...array],
      [...array, ["data", text]],
    ] as const
  ) {
    const { verdict } = await report("a.msgpack", mapOf(...members));
    assert.equal(verdict, "dangerous", JSON.stringify(members.map(([key]) => key)));
  }
  assert.equal((await report("a.msgpack", mapOf(["data", text], ["n", true]))).verdict, "clean");
});

test("names of arrays beside an older checkpoint of Orbax are judged as the paths that they become", async () => {
  const of = async (key: string, value: string) =>
    (await report("checkpoint", mapOf([key, value]))).verdict;
  assert.equal(await of("params", "PLACEHOLDER://params"), "clean");
  assert.equal(await of("/etc/x", "any"), "clean");
  assert.equal(await of("/etc/x", "PLACEHOLDER://x"), "dangerous");
  assert.equal(await of("x", "PLACEHOLDER:///etc/x"), "dangerous");
  assert.equal(await of("x", "AGGREGATED://../x"), "dangerous");
});

test("containers that are deeper than any, and lengths that lie, are not clean", async () => {
  const deep = new Uint8Array(4000).fill(0x91);
  deep[3999] = 0xc0;
  assert.equal((await report("a.msgpack", deep)).verdict, "incomplete");
  for (const lie of [[0xdd, 255, 255, 255, 255], [0xdf, 127, 255, 255, 255, 0xa0, 0xa0]]) {
    assert.equal((await report("a.msgpack", Uint8Array.from(lie))).verdict, "incomplete");
  }
  assert.notEqual((await report("a.msgpack", Uint8Array.of(0x81, 0xa0, 0xc1))).verdict, "clean");
});

test("what follows the value is reported, and looked into", async () => {
  const behind = Uint8Array.of(
    ...read("safe/flax_model.msgpack"),
    ...new TextEncoder().encode("cos\nsystem\n(S'echo x'\ntR."),
  );
  assert.equal((await report("a.msgpack", behind)).verdict, "suspicious");
});
