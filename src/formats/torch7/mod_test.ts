import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { assertChangesAreRead, assertCutsNeverClean, report } from "../testing/cuts.ts";

const TESTDATA = new URL("../../../testdata/torch7/", import.meta.url);

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, TESTDATA)));
}

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Four bytes of a number, little-endian. */
function int(value: number): string {
  return String.fromCharCode(...[0, 8, 16, 24].map((bits) => value >> bits & 255));
}

test("an object cut at any byte is never clean", async () => {
  for (const name of readdirSync(new URL("safe/", TESTDATA))) {
    const step = /network_text|unversioned|long32/u.test(name) ? 7 : 1;
    await assertCutsNeverClean("m.t7", read(`safe/${name}`), { step });
  }
});

test("bytes changed anywhere are read without a defect", async () => {
  for (const name of readdirSync(new URL("safe/", TESTDATA))) {
    await assertChangesAreRead("m.t7", read(`safe/${name}`), 23);
  }
});

test("an object is recognised whatever it is called, and other numbers are not taken for one", async () => {
  for (const name of ["safe/network.t7", "safe/network_text.t7", "safe/tables.t7"]) {
    const { verdict, formats } = await report("model.bin", read(name));
    assert.deepEqual([verdict, formats], ["clean", ["torch7"]], name);
  }
  for (const name of ["harmful/luajit_function.t7", "harmful/text_function.t7"]) {
    assert.equal((await report("model", read(name))).verdict, "dangerous", name);
  }
  const others = [
    latin1([3, 1, 4, 2, 7, 9].map(int).join("")),
    latin1("4\n1\n3\n9\n"),
    latin1("3\n1\n2\n"),
  ];
  for (const bytes of others) {
    assert.ok(!(await report("numbers.dat", bytes)).formats.includes("torch7"));
  }
});

test("a function is reported with its place, what it names and where an earlier index hides none", async () => {
  const { findings } = await report("m.t7", read("harmful/luajit_function.t7"));
  const [first] = findings;
  assert.equal(first?.ruleId, "torch7-function");
  assert.match(first?.message ?? "", /nn\.Sequential > forward/u);
  // {1: a table of index 1}: the second is the first again, and the function behind it belongs to nothing.
  const repeated = latin1(
    [3, 1, 1].map(int).join("") + int(1) + "\0\0\0\0\0\0\xf0\x3f" + int(3) + int(1),
  );
  assert.equal((await report("m.t7", repeated)).verdict, "clean");
  const behind = new Uint8Array([...repeated, ...latin1(int(8) + int(2) + int(4) + "\x1bLJ\x02")]);
  assert.equal((await report("m.t7", behind)).verdict, "suspicious");
});

test("a function that only a program with longs of 32 bits would load is reported", async () => {
  // {"a": storage, 1-byte number: text, true: nil} with longs of 64 bits. Those of 32 bits end the storage four bytes
  // earlier: {"a": storage, "x": {}, number: function}.
  const both = (payload: string): Uint8Array =>
    latin1(
      int(3) + int(1) + int(3) + int(2) + int(1) + "a" +
        int(4) + int(2) + int(3) + "V 1" + int(17) + "torch.ByteStorage" + int(8) + int(0) +
        int(0) + int(2) +
        int(1) + "x" + int(3) + "\x07\0\0" + int(2) + int(256) + "\0".repeat(9) +
        payload.padEnd(247, "\0") +
        int(5) + int(1) + int(0),
    );
  assert.equal((await report("m.t7", both(""))).verdict, "clean");
  const function_ = int(8) + int(9) + int(4) + "\x1bLJ\x02" + int(3) + int(10) + int(0);
  assert.equal((await report("m.t7", both(function_))).verdict, "dangerous");
  assert.equal((await report("m.t7", read("harmful/long32_function.t7"))).verdict, "dangerous");
});

test("lengths that lie are never clean, nor are objects without end", async () => {
  const lies = [
    int(2) + int(-1),
    int(2) + int(0x7fffffff) + "a",
    int(3) + int(1) + int(0x7fffffff),
    int(3) + int(1) + int(-1),
    int(8) + int(1) + int(0x7fffffff),
    int(9) + int(1),
    int(4) + int(1) + int(3) + "V 1" + int(17) + "torch.FloatTensor" + int(-1),
    int(4) + int(1) + int(3) + "V 1" + int(17) + "torch.FloatTensor" + int(0x7fffffff),
    int(4) + int(1) + int(3) + "V 1" + int(18) + "torch.FloatStorage" + int(-1) + int(-1),
    int(4) + int(1) + int(3) + "V 1" + int(18) + "torch.FloatStorage" + int(-1) + int(0x7fffffff),
    int(4) + int(1) + int(4) + "V 1x" + int(9) + "nn.Linear" + int(0),
  ];
  for (const lie of lies) {
    assert.equal((await report("m.t7", latin1(lie))).verdict, "incomplete", JSON.stringify(lie));
  }
  // Tables in one another, 100,000 deep: more than the stack holds.
  let deep = "";
  for (let index = 1; index <= 100_000; index++) {
    deep += int(3) + int(index) + int(1) + int(5) + int(1);
  }
  assert.equal((await report("m.t7", latin1(deep))).verdict, "incomplete");
  assert.equal((await report("m.t7", latin1(deep + int(0)))).verdict, "clean");
});
