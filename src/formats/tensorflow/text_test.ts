import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assertChangesAreRead, assertCutsNeverClean, report } from "../testing/cuts.ts";

const TESTDATA = new URL("../../../testdata/tensorflow/", import.meta.url);

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, TESTDATA)));
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Samples in text, with the binary ones that they were written from. */
const PAIRS: readonly (readonly [text: string, binary: string])[] = [
  ["safe/text/saved_model.pbtxt", "safe_model/saved_model.pb"],
  ["safe/text/control.pbtxt", "safe/control/saved_model.pb"],
  ["safe/text/lookup.pbtxt", "safe/lookup/saved_model.pb"],
  ["safe/text/checkpoint.meta", "safe/checkpoint.meta"],
  ["safe/text/frozen.pbtxt", "safe/frozen.pb"],
  ["harmful/text/saved_model.pbtxt", "malicious_writefile/saved_model.pb"],
  ["harmful/text/pyfunc.pbtxt", "malicious_pyfunc/saved_model.pb"],
  ["harmful/text/computed_path.pbtxt", "harmful/computed_path.pb"],
  ["harmful/text/path_from_caller.pbtxt", "harmful/path_from_caller.pb"],
  ["suspicious/text/unheardof_nested.pbtxt", "suspicious/unheardof_nested.pb"],
];

test("a graph in text is judged as the same graph in binary", async () => {
  for (const [text, binary] of PAIRS) {
    const [inText, inBinary] = await Promise.all([text, binary].map(async (name) => {
      const { verdict, findings } = await report(name, read(name));
      return [verdict, findings.map(({ ruleId, message }) => `${ruleId}: ${message}`).sort()];
    }));
    assert.deepEqual(inText, inBinary, text);
  }
});

test("a finding lies where the node stands in the text", async () => {
  const bytes = read("harmful/text/computed_path.pbtxt");
  const { findings } = await report("graph.pbtxt", bytes);
  const { offset } = findings.find(({ ruleId }) => ruleId === "tensorflow-file-read") ?? {};
  const text = new TextDecoder().decode(bytes);
  const place = text.indexOf('op: "ReadFile"');
  assert.ok(offset !== undefined && offset < place && offset > text.lastIndexOf("node", place) - 1);
});

test("a graph in text cut anywhere within a message is never clean", async () => {
  for (
    const [name, step] of [["safe/text/frozen.pbtxt", 2], ["safe/text/control.pbtxt", 197]] as const
  ) {
    const bytes = read(name);
    const text = new TextDecoder("latin1").decode(bytes);
    const allowed = [0];
    let depth = 0;
    for (let at = 0; at < bytes.length; at++) {
      // No text of these files has brackets.
      if (text[at] === "{") depth++;
      if (text[at] === "}") depth--;
      if (depth === 0) allowed.push(at + 1);
    }
    await assertCutsNeverClean("saved_model.pbtxt", bytes, { step, allowed, suspicious: true });
  }
});

test("bytes changed anywhere are read without a defect", async () => {
  await assertChangesAreRead("graph.pbtxt", read("harmful/text/path_from_caller.pbtxt"), 7);
});

test("what came before an error counts, and an error is not hidden", async () => {
  const node = 'node { name: "a" op: "ReadFile" }';
  for (const end of ["", "nothing: 1", "node { op: }", "@"]) {
    const { findings, verdict } = await report("graph.pbtxt", bytesOf(`${node} ${end}`));
    assert.equal(verdict, "dangerous", end);
    const malformed = findings.some(({ ruleId }) => ruleId === "tensorflow-malformed");
    assert.equal(malformed, end !== "", end);
  }
});

test("graphs are known by their first field, in any notation and behind comments", async () => {
  const node = 'node { name: "a" op: "WriteFile" }';
  const forms = [
    node,
    `# a comment\n\n${node}`,
    node.replace("{", "<").replace("}", ">"),
    node.replace("node {", "node: {"),
    `node [${node.slice(5)}]`,
    `versions { producer: 1 } ${node}`,
    `version: 1 ${node}`,
    `meta_graphs { graph_def { ${node} } }`,
    `saved_model_schema_version: 1 meta_graphs: < graph_def < ${node} > >`,
    `graph_def { library { function { node_def { ${node.slice(6)} } } }`,
    node.replace("WriteFile", "\\127\\x72it\\145File"),
    node.replace('"WriteFile"', `'Write' "File"`),
  ];
  for (const form of forms) {
    const { verdict } = await report("graph.pbtxt", bytesOf(form));
    assert.equal(verdict, "dangerous", form);
  }
  for (const name of ["graph.txt", "graph.textproto", "m.meta"]) {
    assert.equal((await report(name, bytesOf(node))).verdict, "dangerous", name);
  }
});

test("a graph that is a text inside a graph in text is read", async () => {
  const inner = '\\n\\022\\n\\001b\\022\\tWriteFile\\"\\002\\010\\001';
  const node = `node { name: "a" op: "Const" attr { key: "value" value { tensor { dtype: DT_STRING
    tensor_shape {} string_val: "${inner}" } } } }`;
  const { verdict } = await report("graph.pbtxt", bytesOf(node));
  assert.equal(verdict, "dangerous");
});

test("text of other kinds is no graph", async () => {
  for (
    const text of ["node { id: 1 }", "version: 1\nservices:\n  a: b", "nodes: []", "library: x"]
  ) {
    assert.deepEqual((await report("a.txt", bytesOf(text))).formats.includes("tensorflow"), false);
  }
});

test("comments in front of the first field, and in it, hide no graph", async () => {
  const node = 'node # {\n{ name: "a" op: "ReadFile" }';
  for (const length of [0, 65_530, 70_000]) {
    const text = `#${"x".repeat(length)}\n${node}`;
    const { verdict } = await report("graph.pbtxt", bytesOf(text));
    assert.equal(verdict, "dangerous", `${length}`);
  }
});
