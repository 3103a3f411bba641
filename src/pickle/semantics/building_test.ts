import assert from "node:assert/strict";
import { test } from "node:test";
import type { CallFact, MutationFact } from "../../core/types.ts";
import { bytes, call, calls, factsIn, observe, run } from "../testing/pickle.ts";

test("BUILD puts another target into a partial", async () => {
  const partial = call("functools", "partial", "cbuiltins\nprint\n");
  const data = bytes("(", partial, "(cos\nsystem\n(S'x'\nt}Ntbo.");
  const { machine } = await run(data);
  const facts = machine.heap.facts.all().map(({ fact }) => fact);
  const rebuilt = facts.find((fact): fact is CallFact =>
    fact.kind === "call" && fact.via === "BUILD"
  );
  assert.deepEqual(rebuilt?.targets, [{ module: "os", name: "system" }]);
  assert.ok((await calls(data)).includes("os.system('x')"));
});

test("BUILD, SETITEM and APPEND on imported things are mutations", async () => {
  const changes = [
    "cos\nsystem\n}b.",
    "csys\nmodules\nS'os'\nNs.",
    "cos\nenviron\n(S'PATH'\nS'x'\nu.",
    "csys\npath\nS'x'\na.",
    "ccollections\nOrderedDict\n}b.",
  ];
  for (const change of changes) {
    const facts = factsIn(await observe(bytes(change)));
    assert.ok(facts.some((fact): fact is MutationFact => fact.kind === "mutation"), change);
  }
});

test("BUILD and SETITEM on what the file made itself are none", async () => {
  for (
    const text of [
      "ccollections\nOrderedDict\n)R}b.",
      "ccollections\nOrderedDict\n)RS'a'\nNs.",
      "}S'a'\nNs.",
    ]
  ) {
    assert.ok(!factsIn(await observe(bytes(text))).some((fact) => fact.kind === "mutation"), text);
  }
});

test("a state of a partial that is not known leaves its arguments unknown", async () => {
  const state = bytes("(cos\nsystem\n", call("package", "function", "(Vecho hi\nt"), "}Nt");
  const data = bytes(call("functools", "partial", "cbuiltins\nstr\n"), state, "b)R.");
  const found = await calls(data);
  assert.ok(!found.includes("os.system()"), found.join());
});

test("items that are put into what may be one of several objects may be in each of them", async () => {
  const factory = call("functools", "partial", "ccollections\nOrderedDict\n");
  const made = call("operator", "getitem", call("collections", "defaultdict", factory), "I3\n");
  const item = call("operator", "getitem", bytes(made, "Vk\ncos\nsystem\ns"), "Vk\n");
  assert.ok((await calls(bytes(item, "(Vecho hi\ntR."))).includes("os.system('echo hi')"));
});

test("a state that is not known is reported", async () => {
  const state = "cbuiltins\nsetattr\n(NNNtR";
  const facts = factsIn(await observe(bytes("ccollections\nOrderedDict\n)R", state, "b.")));
  assert.ok(facts.some((it) => it.kind === "unresolved-call" && it.via === "BUILD"));
});

test("what a method of a list hands out is changed by BUILD and by items", async () => {
  const popped = (then: string) =>
    bytes(call("builtins", "getattr", "(cos\npath\nl", "Vpop\n"), ")R", then, ".");
  for (const then of ["}(Vx\nI1\nub", "Vx\nI1\ns"]) {
    const facts = factsIn(await observe(popped(then)));
    assert.ok(facts.some((fact) => fact.kind === "mutation"), then);
  }
});

test("a container that is handed on and not known is still made of what is in it", async () => {
  const list = "(NlI0\ncos\npath\ns";
  const item = call("functools", "reduce", "coperator\ngetitem\n", bytes("(", list, "I0\nl"));
  const facts = factsIn(await observe(bytes(item, "}(Vx\nI1\nub.")));
  assert.ok(facts.some((fact) => fact.kind === "mutation"));
});

test("a state whose parts do not become attributes is none that hides a method, and that of others is", async () => {
  // Protocol 2, as torch writes the handle of a hook: the dictionary of hooks, which knows no text, and a number.
  const hidden = async (cls: string) => {
    const state = bytes("(ccollections\nOrderedDict\n)R", "I5\ntb.");
    const facts = factsIn(await observe(bytes(`\x80\x02c${cls}\n)\x81`, state)));
    return facts.flatMap((it) =>
      it.kind === "unresolved-call" && it.via === "BUILD" ? [it.expression] : []
    );
  };
  assert.deepEqual(await hidden("torch.utils.hooks\nRemovableHandle"), []);
  assert.deepEqual(await hidden("torch.optim.adam\nAdam"), [
    "torch.optim.adam.Adam().__dict__.update(collections.OrderedDict())",
  ]);
});
