import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, byteString, call, factsIn, imports, observe, str } from "../testing/pickle.ts";

/** Names that a file imports besides the functions which make them. */
async function reached(name: Uint8Array): Promise<string[]> {
  const found = await imports(bytes(str("os"), name, 0x93, "."));
  return found.filter((each) => each.startsWith("os."));
}

test("what something may have changed in place is not what was put into it", async () => {
  const list = bytes("(Vx\nVsystem\nlp1\n");
  const item = call("operator", "getitem", "g1\n", "I0\n");
  const method = (name: string) => call("builtins", "getattr", "g1\n", `V${name}\n`);
  const ways: Record<string, Uint8Array> = {
    "SETITEM": bytes(list, "I0\nVsystem\ns0", item),
    "SETITEMS": bytes(list, "(I0\nVsystem\nu0", item),
    "a method": bytes(list, "0", method("reverse"), ")R0", item),
    "a method of the class": bytes(
      list,
      "0",
      call("builtins", "list.pop", "g1\n", "I0\n"),
      "0",
      item,
    ),
    "an operator": bytes(list, "0", call("operator", "delitem", "g1\n", "I0\n"), "0", item),
    "setitem": bytes(
      list,
      "0",
      call("operator", "setitem", "g1\n", "I0\n", "Vsystem\n"),
      "0",
      item,
    ),
    "an operator in place": bytes(
      list,
      "0",
      call("operator", "iadd", "g1\n", "(Vsystem\nl"),
      "0",
      call("operator", "getitem", "g1\n", "I-1\n"),
    ),
    "a function": bytes(list, "0", call("package", "function", "((g1\ntl"), "0", item),
    "an object that holds it": bytes(
      "}(I0\nVx\nup1\n0ccollections\nUserDict\n)R}(Vdata\ng1\nubI0\nVsystem\ns0",
      item,
    ),
    "a bytearray": bytes(
      call("builtins", "bytearray", byteString(bytes("syste"))),
      "p1\n(I109\ne0",
      call("builtins", "str", "g1\n", "Vascii\n"),
    ),
    "a method of a bytearray": bytes(
      call("builtins", "bytearray", byteString(bytes("systemx"))),
      "p1\n0",
      method("pop"),
      ")R0",
      call("builtins", "str", "g1\n", "Vascii\n"),
    ),
    "a method of what a bytearray gave": bytes(
      call(
        "operator",
        "add",
        call("builtins", "bytearray", byteString(bytes("sys"))),
        byteString(bytes("temx")),
      ),
      "p1\n0",
      method("pop"),
      ")R0",
      call("builtins", "str", "g1\n", "Vascii\n"),
    ),
    "a function that is given a bytearray": bytes(
      0x96,
      bytes(7, 0, 0, 0, 0, 0, 0, 0),
      "systemxp1\n0",
      call("package", "function", "(g1\nl"),
      "0",
      call("builtins", "str", "g1\n", "Vascii\n"),
    ),
    "arguments that are not known": bytes(
      list,
      "0coperator\ndelitem\n",
      call("numpy", "object_", "(g1\nI0\nt"),
      "R0",
      item,
    ),
    "a method of what gives it back": bytes(
      list,
      "0",
      call("builtins", "getattr", call("numpy", "object_", "g1\n"), "Vpop\n"),
      ")R0",
      item,
    ),
  };
  for (const [name, way] of Object.entries(ways)) {
    const facts = factsIn(await observe(bytes(str("os"), way, 0x93, ".")));
    const unknown = facts.some((it) => it.kind === "unresolved-call" && it.via === "STACK_GLOBAL");
    assert.ok(unknown, `${name}: ${(await reached(way)).join()}`);
  }
});

test("a copy of a list is another list", async () => {
  const list = bytes("(Vsystem\nlp1\n0", call("builtins", "list.copy", "g1\n"), "Vother\na0");
  const item = call("operator", "getitem", "g1\n", "I-1\n");
  assert.deepEqual(await reached(bytes(list, item)), ["os.system"]);
});

test("what holds a list in any way hands it on to a function that changes it", async () => {
  const list = bytes("(Vx\nVsystem\nlp1\n0");
  const item = call("operator", "getitem", "g1\n", "I0\n");
  const made = call("package", "make");
  const holders: Record<string, Uint8Array> = {
    "a partial": call("functools", "partial", "cbuiltins\nstr\n", "g1\n"),
    "a method": call("builtins", "getattr", "g1\n", "Vcopy\n"),
    "a state": bytes(made, "}(Vx\ng1\nub"),
    "a state before the last": bytes(made, "}(Vx\ng1\nub}b"),
    "an item": bytes(made, "g1\na"),
    "one of several": call("builtins", "getattr", "N", "Vabsent\n", "g1\n"),
    "a tuple of partials": bytes(
      "(",
      call("functools", "partial", "cbuiltins\nstr\n", "g1\n"),
      "t",
    ),
    "a caller of a method": bytes(
      call("operator", "methodcaller", "Vf\n", "g1\n"),
      `0${"coperator\nmethodcaller\n(Vf\ng1\ntR"}(cpackage\nmake\n)RtR`,
    ),
    "keywords": bytes(call("functools", "partial"), "(cbuiltins\nstr\n)}(Vx\ng1\nuNtb"),
    "one of thousands": bytes("(", "(Nl".repeat(3000), "g1\nl"),
    "an object of a listed class": bytes("ccollections\nOrderedDict\n)R}(Vx\ng1\nub"),
  };
  for (const [name, holder] of Object.entries(holders)) {
    const way = bytes(list, call("package", "function", holder), "0", item);
    const facts = factsIn(await observe(bytes(str("os"), way, 0x93, ".")));
    const unknown = facts.some((it) => it.kind === "unresolved-call" && it.via === "STACK_GLOBAL");
    assert.ok(unknown, `${name}: ${(await reached(way)).join()}`);
  }
  const plain = bytes(list, call("package", "function", "g0\n"), "0", item);
  assert.deepEqual(await reached(bytes("(lp0\n0", plain)), ["os.x"]);
});

test("functions that one call calls with a list see it as it was, later calls do not", async () => {
  const list = bytes("(Vsystem\nlp1\n0");
  // The item is taken inside the call that also gives the list away, and once more behind it.
  const given = call("functools", "partial", "cpackage\nfunction\n", "g1\n");
  const taken = call("functools", "partial", "coperator\ngetitem\n", "g1\n", "I0\n");
  const both = call(
    "builtins",
    "list",
    call("builtins", "map", "coperator\ncall\n", bytes("(", given, taken, "l")),
  );
  const first = bytes(list, call("operator", "getitem", both, "I1\n"));
  assert.deepEqual(await reached(first), ["os.system"]);
  const later = bytes(list, both, "0", call("operator", "getitem", "g1\n", "I0\n"));
  const facts = factsIn(await observe(bytes(str("os"), later, 0x93, ".")));
  assert.ok(facts.some((it) => it.kind === "unresolved-call" && it.via === "STACK_GLOBAL"));
});
