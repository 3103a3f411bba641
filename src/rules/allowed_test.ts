import assert from "node:assert/strict";
import { test } from "node:test";
import { AllowedGlobals, namesOf, packAllowlist } from "./allowed.ts";

const ONE = packAllowlist({
  library: "one",
  version: "1",
  filled: { "lib.a": ["Output"] },
  called: { "lib.a": ["make"], lib: ["top"] },
  restored: { "lib.a": ["Class"] },
  named: { "lib.a": ["run"], "other.b": ["x"] },
});
const TWO = packAllowlist({
  library: "two",
  version: "2",
  filled: {},
  called: { "lib.a": ["run", "Inner.method"] },
  restored: {},
  named: {},
});

test("a name is harmless as far as its list says", () => {
  const globals = new AllowedGlobals([ONE]);
  assert.equal(globals.level("lib.a.make"), "called");
  assert.equal(globals.level("lib.a.Class"), "restored");
  assert.equal(globals.level("lib.a.run"), "named");
  assert.equal(globals.level("lib.a.Output"), "filled");
  assert.equal(globals.level("lib.top"), "called");
});

test("of several lists the one that allows most counts", () => {
  assert.equal(new AllowedGlobals([ONE, TWO]).level("lib.a.run"), "called");
  assert.equal(new AllowedGlobals([TWO, ONE]).level("lib.a.run"), "called");
});

test("what is on no list is not harmless, whatever it looks like", () => {
  const globals = new AllowedGlobals([ONE, TWO]);
  const none = [
    ...["lib", "lib.", ".lib", "", "lib.a", "lib.a.other", "lib.b.make", "lib.a.make.x"],
    ...[
      "lib.a.=run",
      "lib.a.~Class",
      "lib.a.+Output",
      "lib.ab.make",
      "LIB.a.make",
      "lib.a.constructor",
    ],
    ...["lib.a.__proto__", "__proto__.x", "constructor.name", "nothing.a"],
  ];
  for (const path of none) assert.equal(globals.level(path), undefined, path);
});

test("module and name may be divided anywhere", () => {
  assert.equal(new AllowedGlobals([TWO]).level("lib.a.Inner.method"), "called");
});

test("the roots are known before anything is unpacked", () => {
  const globals = new AllowedGlobals([ONE]);
  assert.deepEqual(["lib", "other", "lib.a", "x"].map((root) => globals.hasRoot(root)), [
    true,
    true,
    false,
    false,
  ]);
  assert.deepEqual(ONE.roots, ["lib", "other"]);
});

test("what is packed comes out again, however much neighbours share", () => {
  const long = "A".repeat(40);
  const names = [long, `${long}B`, `${long}BC`, "Z", "a", "aa", "a1", "0", "é", "éé"];
  const modules = ["m", "m.n", `m.${long.repeat(40)}`, `m.${long.repeat(40)}.x`, "n"];
  const list = {
    library: "long",
    version: "1",
    filled: { m: ["Filled"] },
    called: Object.fromEntries(modules.map((module) => [module, names])),
    restored: { "m.n": ["Restored"] },
    named: { n: ["named"] },
  };
  const packed = packAllowlist(list);
  const globals = new AllowedGlobals([packed]);
  const found = [...namesOf(packed)];
  assert.equal(found.length, modules.length * names.length + 3);
  for (const { module, name, level } of found) {
    assert.ok(
      (list[level] as Record<string, string[]>)[module]?.includes(name),
      `${module}.${name}`,
    );
    assert.equal(globals.level(`${module}.${name}`), level);
  }
});
