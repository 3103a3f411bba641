import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, call, factsIn, imports, observe, str } from "../testing/pickle.ts";

/** STACK_GLOBAL over two values. */
function imported(module: Uint8Array, name: Uint8Array): Uint8Array {
  return bytes(module, name, 0x93, ".");
}

test("a name through a function that gives back what it is given is that name", async () => {
  const ways = [
    call("numpy", "object_", "Vsystem\n"),
    call("numpy._core.multiarray", "object_", "Vsystem\n"),
    call("copy", "copy", "Vsystem\n"),
    call("copy", "deepcopy", "Vsystem\n"),
    call("typing", "cast", "N", "Vsystem\n"),
    call("builtins", "max", "(Vsystem\nl"),
    call("builtins", "min", "Vsystem\n", "Vsystem\n"),
    call("builtins", "next", call("builtins", "iter", "(Vsystem\nl")),
    call("functools", "reduce", "cbuiltins\nstr\n", "(Vsystem\nl"),
  ];
  for (const way of ways) {
    const found = await imports(imported(str("os"), way));
    assert.ok(found.includes("os.system"), found.join());
  }
});

test("a name that is not known is reported as an import of anything, with what it may be", async () => {
  const ways = [
    call("builtins", "getattr", "N", "Vabsent\n", "Vsystem\n"),
    call("builtins", "next", call("builtins", "iter", "(Vsystem\nVother\nl")),
    call("package", "function", "(Vkey\nVsystem\nd"),
  ];
  for (const way of ways) {
    const facts = factsIn(await observe(imported(str("os"), way)));
    assert.ok(facts.some((fact) => fact.kind === "unresolved-call" && fact.via === "STACK_GLOBAL"));
    assert.ok(facts.some((fact) => fact.kind === "import" && fact.name === "system"));
  }
});

test("what is certainly no text is refused as the unpickler refuses it", async () => {
  const opcodes = ["N", "I5\n", "F1.5\n", "]", "}", ")", "C\x01a"];
  for (const operand of opcodes) {
    const facts = factsIn(await observe(imported(str("os"), bytes(operand))));
    assert.deepEqual(facts, [], operand);
  }
});

test("a callee that is only made of a function is followed into that function", async () => {
  const ways = [
    call("builtins", "getattr", "N", "Vabsent\n", "cos\nsystem\n"),
    call("builtins", "staticmethod", "cos\nsystem\n"),
    call("package", "identity", "(cos\nsystem\nl"),
    bytes(
      "coperator\ngetitem\n(",
      "ccollections\nOrderedDict\n(tR",
      "Vkey\ncos\nsystem\ns",
      "Vkey\ntR",
    ),
  ];
  for (const way of ways) {
    const facts = factsIn(await observe(bytes(way, "(Vecho hi\ntR.")));
    const called = facts.flatMap((fact) => fact.kind === "call" ? [fact.expression] : []);
    assert.ok(called.includes("os.system('echo hi')"), called.join());
  }
});

test("a state of a class that comes through a function changes that class", async () => {
  for (
    const way of [
      call("numpy", "object_", "cos\npath\n"),
      call("builtins", "getattr", "N", "Vabsent\n", "cos\npath\n"),
    ]
  ) {
    const facts = factsIn(await observe(bytes(way, "}Vexists\nI1\nsb.")));
    assert.ok(facts.some((fact) => fact.kind === "mutation" && fact.name === "path"));
  }
});

test("a tensor, and a parameter over one, is no text; a parameter over something else may be", async () => {
  const tensor = call(
    "torch._utils",
    "_rebuild_tensor_v2",
    "Vsystem\n",
    "I0\n",
    ")",
    ")",
    "N",
    "N",
  );
  const named = async (name: Uint8Array) =>
    factsIn(await observe(imported(str("os"), name)))
      .filter((fact) => fact.kind === "unresolved-call" && fact.via === "STACK_GLOBAL").length;
  assert.equal(await named(tensor), 0);
  assert.equal(await named(call("torch._utils", "_rebuild_parameter", tensor, "N", "N")), 0);
  const other = call("package", "function", "Vsystem\n");
  assert.equal(await named(call("torch._utils", "_rebuild_parameter", other, "N", "N")), 1);
});
