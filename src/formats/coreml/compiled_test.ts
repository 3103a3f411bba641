import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assertLinear } from "../../parsers/testing/growth.ts";
import { assertChangesAreRead, assertCutsNeverClean, report } from "../testing/cuts.ts";

const MIL = "safe/program.mlmodelc/model.mil";
const NET = "safe/network.mlmodelc/model.espresso.net";

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../../../testdata/coreml/${name}`, import.meta.url)));
}

async function rulesOf(name: string, text: string): Promise<string[]> {
  const { findings, verdict } = await report(name, new TextEncoder().encode(text));
  return [...findings.map(({ ruleId }) => ruleId), verdict];
}

/** A program whose function has these statements. */
function program(statements: string): string {
  return `program(1.3)\n{\n func main<ios18>(tensor<fp16, [1]> x) {\n${statements}\n } -> (x);\n}\n`;
}

function blob(path: string): string {
  return program(
    `tensor<fp16, [1]> w = const()[name = string("w"), val = tensor<fp16, [1]>(BLOBFILE(path = string("${path}"), offset = uint64(64)))];`,
  );
}

test("a program or network cut anywhere is never clean; an empty file is skipped", async () => {
  const bytes = read(MIL);
  await assertCutsNeverClean("model.mil", bytes, { allowed: [0, bytes.length - 1] });
  const net = read(NET);
  await assertCutsNeverClean("model.espresso.net", net, { allowed: [0] });
});

test("bytes changed anywhere are read without a defect", async () => {
  await assertChangesAreRead("model.mil", read("suspicious/custom.mlmodelc/model.mil"), 7);
  await assertChangesAreRead("model.espresso.net", read(NET), 5);
});

test("a path of weights counts as in a model before its compilation", async () => {
  for (
    const [path, expected] of [
      ["@model_path/weights/0-weight.bin", ["clean"]],
      ["@model_path/weights/../../w.bin", ["coreml-path", "dangerous"]],
      ["/private/var/w.bin", ["coreml-path", "dangerous"]],
      ["@model_path/w.bin", ["coreml-blob", "suspicious"]],
      [String.raw`@model_path/weights/\x2e\x2e`, ["coreml-blob", "suspicious"]],
    ] as const
  ) assert.deepEqual(await rulesOf("model.mil", blob(path)), expected, path);
});

test("a blob in a file that no text names is not read as harmless", async () => {
  for (const file of ["path = p", 'path = p, offset = string("@model_path/weights/w.bin")', ""]) {
    const text = program(
      `tensor<fp16, [1]> w = const()[val = tensor<fp16, [1]>(BLOBFILE(${file}))];`,
    );
    assert.deepEqual(await rulesOf("model.mil", text), ["coreml-malformed", "incomplete"], file);
  }
});

test("comments, texts and numbers hide nothing and are no operators", async () => {
  const harmless = program(
    `/* custom_layer("; */ // BLOBFILE(path = string("/x"))\nstring custom_0 = const()[name = string("custom_layer(\\"/x\\")"), val = string("/m/09x0r")];\nfp16 n = const()[val = fp16(-0x1.8p+3)];`,
  );
  assert.deepEqual(await rulesOf("model.mil", harmless), ["clean"]);
  const own = program(
    `tensor<fp16, [1]> y /* ; */ = /* */ custom_layer (x = x)[name = string("y")];`,
  );
  assert.deepEqual(await rulesOf("model.mil", own), ["coreml-custom-class", "suspicious"]);
});

test("what is no program, or stands behind one, is malformed", async () => {
  for (
    const text of [
      "program(1.0)",
      "{}",
      "\0",
      "bvx2\0",
      `${program("")}x`,
      program("#"),
      program(")"),
    ]
  ) {
    assert.equal((await rulesOf("model.mil", text)).at(-1), "incomplete", text);
  }
});

test("programs and networks are known by content under any name", async () => {
  const path = blob("/w.bin");
  assert.deepEqual(await rulesOf("other.txt", path), ["coreml-path", "dangerous"]);
  const net = new TextDecoder().decode(read("harmful/outside.mlmodelc/model.espresso.net"));
  assert.ok((await rulesOf("other.net", net)).includes("coreml-path"));
});

test("layers of the application are found by class or kind, wherever and however often a key stands", async () => {
  const layers = (layer: string) => `{"storage": "w", "format_version": 200, "layers": [${layer}]}`;
  const custom = ["coreml-custom-class", "suspicious"];
  const name = "model.espresso.net";
  assert.deepEqual(await rulesOf(name, layers(`{"type": "coreml_custom"}`)), custom);
  assert.deepEqual(await rulesOf(name, layers(`{"type": "custom", "type": "conv"}`)), custom);
  assert.deepEqual(await rulesOf(name, layers(`{"a": {"className": "Echo"}}`)), custom);
  assert.deepEqual(await rulesOf(name, layers(`{"type": "conv", "name": "/a/custom"}`)), ["clean"]);
  assert.deepEqual(await rulesOf(name, layers(`{"data": ["../x"]}`)), ["coreml-path", "dangerous"]);
});

test("time is linear in comments, texts, brackets and statements", async () => {
  for (
    const part of ["/* ", "/*/ ", '"a\\"', "(", "a = b(", "a = custom();", 'BLOBFILE("@', "// \n"]
  ) {
    const input = (count: number) => `program(1.0){ ${part.repeat(count)}`;
    await assertLinear(input, (text) => rulesOf("model.mil", text), 60_000);
  }
});
