import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, call, factsIn, imports, observe, str } from "../testing/pickle.ts";

test("names made by unresolved calls are unresolved, not forgotten", async () => {
  const data = bytes("(", call("foo", "make"), str("system"), 0x93, "o.");
  assert.ok(factsIn(await observe(data)).some((fact) => fact.kind === "unresolved-call"));
});

test("an extension code stands for what the file registered, in later streams too", async () => {
  const data = bytes(
    call("copyreg", "add_extension", "S'os'\n", "S'system'\n", "I7\n"),
    ".",
    0x80,
    2,
    0x82,
    7,
    "(S'x'\ntR.",
  );
  const facts = factsIn(await observe(data));
  assert.ok(facts.some((fact) => fact.kind === "call" && fact.expression === "os.system('x')"));
});

test("an extension code that nothing registered is a fact of its own", async () => {
  const facts = factsIn(await observe(bytes(0x80, 2, 0x84, "\x70\x11\x01\0", ".")));
  assert.deepEqual(facts, [{ kind: "extension", code: 70_000 }]);
});

test("an extension whose names are not known is an import of anything", async () => {
  const name = call("package", "function", "Vsystem\n");
  const facts = factsIn(
    await observe(bytes(call("copyreg", "add_extension", "Vos\n", name, "I9\n"), ".")),
  );
  assert.ok(facts.some((fact) => fact.kind === "unresolved-call" && fact.via === "STACK_GLOBAL"));
  assert.ok(facts.some((fact) => fact.kind === "import" && fact.module === "os"));
  const code = call("package", "function", "I9\n");
  const other = factsIn(
    await observe(bytes(call("copyreg", "add_extension", "Vos\n", "Vsystem\n", code), ".")),
  );
  assert.ok(other.some((fact) => fact.kind === "import" && fact.name === "system"));
});

test("a name of an attribute that is not known is each that it is made of", async () => {
  const name = call("package", "function", "Vsystem\n");
  const found = await imports(bytes(call("builtins", "getattr", "cos\npath\n", name), "."));
  assert.ok(found.includes("os.path.system"), found.join());
});

test("an attribute by a name that is not known is told from a call", async () => {
  const name = call("package", "function", "Vsystem\n");
  const ways = [
    call("builtins", "getattr", "cos\npath\n", name),
    bytes(call("operator", "attrgetter", name), "(cos\npath\ntR"),
    bytes(call("operator", "methodcaller", name), "(cos\npath\ntR"),
  ];
  for (const way of ways) {
    const facts = factsIn(await observe(bytes(way, ".")));
    assert.ok(facts.some((fact) => fact.kind === "unresolved-call" && fact.attribute === true));
  }
  const written = factsIn(
    await observe(bytes(call("builtins", "getattr", "cos\npath\n", "Vx\n"), ".")),
  );
  assert.ok(!written.some((fact) => fact.kind === "unresolved-call"));
});
