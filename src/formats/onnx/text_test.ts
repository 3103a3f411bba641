import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { SWEEP } from "../../parsers/testing/sweep.ts";
import { assertChangesAreRead, report } from "../testing/cuts.ts";

const TESTDATA = new URL("../../../testdata/onnx/", import.meta.url);

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, TESTDATA)));
}

/** Samples in text, with the binary ones that they were written from. */
const PAIRS: readonly (readonly [text: string, binary: string])[] = [
  ["safe/text/constants.textproto", "safe/constants.onnx"],
  ["safe/text/subgraphs.prototxt", "safe/subgraphs.onnx"],
  ["safe/text/functions.pbtxt", "safe/functions.onnx"],
  ["safe/text/training.txtpb", "safe/training.onnx"],
  ["safe/text/strings.onnxjson", "safe/strings.onnx"],
  ["safe/text/functions.json", "safe/functions.onnx"],
  ["safe/text/subgraphs.onnxtxt", "safe/subgraphs.onnx"],
  ["safe/text/functions.onnxtext", "safe/functions.onnx"],
  ["harmful/text/pyop_in_branch.onnxtxt", "harmful/pyop_in_branch.onnx"],
  ["harmful/text/pyop_in_branch.onnxjson", "harmful/pyop_in_branch.onnx"],
  ["harmful/text/external_climbing.onnxjson", "harmful/external_climbing.onnx"],
  ["harmful/text/external_climbing.onnxtext", "harmful/external_climbing.onnx"],
  ["harmful/text/pyop_in_function_branch.textproto", "harmful/pyop_in_function_branch.onnx"],
  ["harmful/text/external_climbing.prototxt", "harmful/external_climbing.onnx"],
  ["harmful/text/outside_training.pbtxt", "harmful/outside_training.onnx"],
  ["suspicious/text/custom_domain.textproto", "suspicious/custom_domain.onnx"],
];

test("a model in text is judged as the same model in binary", async () => {
  for (const [text, binary] of PAIRS) {
    const [inText, inBinary] = await Promise.all([text, binary].map(async (name) => {
      const { verdict, findings } = await report(name, read(name));
      return [verdict, findings.map(({ ruleId, message }) => `${ruleId}: ${message}`).sort()];
    }));
    assert.deepEqual(inText, inBinary, text);
  }
});

test("a model in text cut anywhere within its graph is never clean", async () => {
  const bytes = read("safe/text/functions.pbtxt");
  const text = new TextDecoder().decode(bytes);
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    if (text[at] === "{") depth++;
    if (text[at] === "}") depth--;
    if (depth === 0 || at % SWEEP !== 0) continue;
    const { verdict } = await report("m.pbtxt", bytes.slice(0, at + 1));
    assert.ok(verdict !== "clean" && verdict !== "skipped", `cut at ${at} is ${verdict}`);
  }
});

test("bytes changed anywhere are read without a defect", async () => {
  await assertChangesAreRead("m.textproto", read("harmful/text/external_climbing.prototxt"), 5);
});

test("a model is known by its first field and by what it holds, and what came before an error counts", async () => {
  const graph = 'graph { node { op_type: "PyOp" domain: "x" } }';
  for (
    const text of [
      `ir_version: 8 ${graph}`,
      `# a\nopset_import { version: 17 } ${graph}`,
      `${graph} nothing: 1`,
      `graph < node [ { op_type: "Py" "Op" } ]`,
    ]
  ) {
    for (const name of ["m.textproto", "m.txtpb", "m.prototxt", "m.pbtxt", "m.txt"]) {
      const { verdict } = await report(name, new TextEncoder().encode(text));
      assert.equal(verdict, "dangerous", `${name}: ${text}`);
    }
  }
  const { formats } = await report("m.txt", new TextEncoder().encode("graph: a\ndomain: b\n"));
  assert.deepEqual(formats.includes("onnx"), false);
});

test("neither comments nor a long text in front hide a model", async () => {
  const graph = `graph # {\n{ node { op_type: "PyOp" domain: "ai.onnx.contrib" } }`;
  for (const length of [0, 65_531, 70_000]) {
    const filler = "x".repeat(length);
    for (const front of [`#${filler}\n`, `doc_string: "${filler}" `]) {
      for (const name of ["m.textproto", "m.prototxt", "m.pbtxt"]) {
        const { verdict } = await report(name, new TextEncoder().encode(front + graph));
        assert.equal(verdict, "dangerous", `${name} ${front.slice(0, 12)} ${length}`);
      }
    }
  }
});

test("a graph of tensors alone is a model, whose data onnx reads from where they lie", async () => {
  const of = async (name: string, text: string) =>
    (await report(name, new TextEncoder().encode(text))).verdict;
  const text = (location: string) =>
    'graph { name: "g" initializer { dims: 1 data_type: 1 name: "w" ' +
    `external_data { key: "location" value: "${location}" } data_location: EXTERNAL } }`;
  const json = (location: string) =>
    JSON.stringify({
      graph: {
        name: "g",
        initializer: [{
          ...{ dims: ["1"], dataType: 1, name: "w", dataLocation: "EXTERNAL" },
          externalData: [{ key: "location", value: location }],
        }],
      },
    });
  assert.equal(await of("m.textproto", text("/etc/passwd")), "dangerous");
  assert.equal(await of("m.textproto", text("w.bin")), "clean");
  assert.equal(await of("m.json", json("../w.bin")), "dangerous");
  assert.equal(await of("m.json", json("w.bin")), "clean");
});
