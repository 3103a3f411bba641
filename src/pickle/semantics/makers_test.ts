import assert from "node:assert/strict";
import { test } from "node:test";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { bytesSource } from "../../sources/memory.ts";
import { Heap } from "../machine/heap.ts";
import { makesClass, makesInstance } from "./makers.ts";
import { bytes, call, run } from "../testing/pickle.ts";

test("a class that is made of a computed name is no harmless call", async () => {
  const name = call("operator", "add", "VX\n", "VY\n");
  const bases = call("builtins", "tuple", "(cbuiltins\nobject\nl");
  const interest = loadRules();
  for (const [first, second] of [["VX\n", ")"], [name, ")"], ["VX\n", bases]] as const) {
    const data = bytes("csklearn.utils._bunch\nBunch\n(", first, second, "}tR.");
    const report = await scanSource(bytesSource("model.pkl", data), { rules: interest });
    assert.notEqual(report.verdict, "clean");
  }
});

test("a __new__ makes an instance of the class that it is given", async () => {
  const rules = loadRules({ strict: true });
  const heapOf = async (data: Uint8Array) => (await run(data)).machine.heap;
  const cases: readonly (readonly [name: string, cls: string, makes: boolean])[] = [
    // A class's own, and what it inherits of a harmless class.
    ["functools partial.__new__", "cfunctools\npartial\n", true],
    ["collections OrderedDict.__new__", "cpackage\nSub\n", true],
    // Of a class that is on no list nothing is known, and other functions make none.
    ["package Base.__new__", "cpackage\nSub\n", false],
    ["collections OrderedDict.fromkeys", "ccollections\nOrderedDict\n", false],
    ["functools partial.__new__", "Vtext\n", false],
  ];
  const { meaningsOf, argumentsMatter, restoringIsHarmless } = rules.interest;
  assert.ok(!argumentsMatter("collections", "OrderedDict"));
  for (const [path, cls, makes] of cases) {
    const [module = "", name = ""] = path.split(" ");
    const plain = await heapOf(bytes("N."));
    const heap = new Heap(plain.input, {
      interest: { argumentsMatter, meaningsOf, restoringIsHarmless },
      itemLimit: 64,
      containerLimit: 64,
      traced: false,
    });
    const [, clsModule = "", clsName = ""] = /^c(.*)\n(.*)\n$/.exec(cls) ?? [];
    const handle = clsName === "" ? heap.text("text") : heap.entryOf(clsModule, clsName).handle;
    assert.equal(makesInstance(heap, heap.entryOf(module, name), handle), makes, `${path} ${cls}`);
  }
});

test("three arguments of a name, imported bases and attributes are those of a metaclass", async () => {
  const arguments_: readonly (readonly [string, boolean])[] = [
    ["(VX\n)}t", true],
    ["(VX\n(cpackage\nBase\nt}t", true],
    ["(cpackage\nname\n)R)}t", true],
    ["(VX\n)cpackage\nattributes\n)Rt", true],
    ["(VX\n(Va\nt}t", false],
    ["(I1\n)}t", false],
    ["(VX\n)}Nt", false],
    ["(VX\n)t", false],
    ["(VX\n]}t", false],
  ];
  for (const [args, makes] of arguments_) {
    const { machine } = await run(bytes(args, "."));
    assert.equal(makesClass(machine.heap, machine.result), makes, args);
  }
});

test("an instance of a sparse matrix's class is no module, and one of a class on no list may be", async () => {
  const rules = loadRules();
  const unresolved = async (cls: string) => {
    const data = bytes(`c${cls}\n)`, 0x81, "\x8c\x05dtype", 0x93, ".");
    const { findings } = await scanSource(bytesSource("model.pkl", data), { rules });
    return findings.some(({ ruleId }) => ruleId === "pickle-unresolved-import");
  };
  assert.equal(await unresolved("scipy.sparse._lil\nlil_matrix"), false);
  assert.equal(await unresolved("scipy.sparse._arrays\nlil_array"), false);
  assert.equal(await unresolved("package\nlil_matrix"), true);
});
