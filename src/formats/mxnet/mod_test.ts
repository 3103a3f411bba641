import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { assertChangesAreRead, assertCutsNeverClean, report } from "../testing/cuts.ts";

const TESTDATA = new URL("../../../testdata/mxnet/", import.meta.url);

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, TESTDATA)));
}

function text(name: string): string {
  return new TextDecoder().decode(read(name));
}

async function verdict(content: string, name = "m-symbol.json"): Promise<string> {
  return (await report(name, new TextEncoder().encode(content))).verdict;
}

test("parameters cut at any byte are never clean", async () => {
  for (const name of readdirSync(new URL("safe/", TESTDATA))) {
    if (!name.endsWith(".json")) await assertCutsNeverClean("m.bin", read(`safe/${name}`));
  }
});

test("a graph cut anywhere behind its first node is never clean", async () => {
  const bytes = read("safe/mlp-symbol.json");
  const end = text("safe/mlp-symbol.json").trimEnd().length;
  for (let at = 120; at < end; at += 3) {
    assert.equal(
      (await report("m.json", bytes.slice(0, at))).verdict,
      "incomplete",
      `cut at ${at}`,
    );
  }
});

test("bytes changed anywhere are read without a defect", async () => {
  for (const name of ["safe/kinds.params", "safe/control-symbol.json", "safe/release_0.5.params"]) {
    await assertChangesAreRead(name, read(name), 13);
  }
});

test("an operator counts in each spelling of a graph that the loader takes", async () => {
  const graph = text("harmful/native-symbol.json");
  for (const key of ["attr", "param"]) {
    assert.equal(await verdict(graph.replace('"attrs"', `"${key}"`)), "dangerous", key);
  }
  assert.equal(await verdict(graph, "any.json"), "dangerous");
  assert.equal(await verdict(graph, "graph"), "dangerous");
  assert.equal(await verdict(" ".repeat(70_000) + graph), "dangerous");
  assert.equal(await verdict(" ".repeat(70_000) + graph, "any.json"), "dangerous");
  assert.equal(await verdict(" ".repeat(70_000) + graph, "any.symbol"), "dangerous");
  assert.equal(await verdict("\t\r\n".repeat(30_000) + graph, "any"), "dangerous");
  // What is too long to be read on is not passed over; data in JSON may be as long as they like.
  const blank = new Uint8Array(65 << 20).fill(0x20);
  assert.equal((await report("any", blank)).verdict, "incomplete");
  const data = blank.slice();
  data.set(new TextEncoder().encode('{"a": "'));
  assert.equal((await report("any.json", data)).verdict, "skipped");
  const late = graph.replace("{", `{"attrs": {"x": "${"y".repeat(70_000)}"},`);
  assert.equal(await verdict(late, "any.json"), "dangerous");
  assert.equal(await verdict(late, "any.symbol"), "dangerous");
  assert.equal(await verdict(graph.replace('"_Native"', '"_\\u004eative"')), "dangerous");
  // Of two values the loader takes one; both are judged.
  assert.equal(
    await verdict(graph.replace('"op": "_Native"', '"op": "_Native", "op": "relu"')),
    "dangerous",
  );
  const twice = graph.replace(
    /\{\s*"nodes"/u,
    '{"nodes": [{"op": "null", "name": "x", "inputs": []}], "nodes"',
  );
  assert.equal(await verdict(twice), "dangerous");
});

test("inputs and heads that are no earlier node are reported", async () => {
  const graph = text("safe/mlp-symbol.json");
  assert.equal(await verdict(graph), "clean");
  for (
    const wrong of [
      "[[-1, 0, 0]]",
      "[[1e9, 0, 0]]",
      "[[0.5, 0, 0]]",
      '[["0", 0, 0]]',
      "[[]]",
      "[{}]",
    ]
  ) {
    const changed = graph.replace(/"heads": \[\[\d+, 0, 0\]\]/u, `"heads": ${wrong}`);
    assert.notEqual(changed, graph);
    assert.equal(await verdict(changed), "suspicious", wrong);
  }
  assert.equal(
    await verdict('{"nodes": [{"op": "relu", "inputs": [[0, 0, 0]]}, 5]}'),
    "incomplete",
  );
  assert.equal(
    await verdict('{"nodes": [], "x": [{"op": "relu", "inputs": []}], "nodes": 3}'),
    "clean",
  );
});

test("lengths that lie in parameters are never clean", async () => {
  const bytes = read("safe/mlp-0000.params");
  const view = new DataView(bytes.buffer);
  // Numbers of arrays and names, dimensions, sizes, type.
  for (let at = 16; at + 8 <= bytes.length; at += 4) {
    const changed = bytes.slice();
    new DataView(changed.buffer).setUint32(at, 0x7fffffff, true);
    const { verdict } = await report("m.params", changed);
    const isNumber = view.getUint32(at, true) === 0x7fffffff;
    if (verdict === "clean" && !isNumber) {
      // A number of an array, the kind or number of a device, or a letter of a name.
      assert.ok(at > 40, `number at ${at}`);
    }
  }
  for (const name of readdirSync(new URL("malformed/", TESTDATA))) {
    assert.equal((await report("m.params", read(`malformed/${name}`))).verdict, "incomplete", name);
  }
});
