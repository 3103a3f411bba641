import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import type { Source } from "../../core/source.ts";
import { SWEEP } from "../../parsers/testing/sweep.ts";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { assertChangesAreRead, assertCutsNeverClean, report } from "../testing/cuts.ts";

const TESTDATA = new URL("../../../testdata/tflite/", import.meta.url);
const rules = loadRules();

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, TESTDATA)));
}

test("a model cut anywhere is never clean", async () => {
  for (const name of readdirSync(new URL("safe/", TESTDATA))) {
    // What is cut from the archive of metadata is not cut from the model.
    if (name === "metadata.tflite" || !name.endsWith(".tflite")) continue;
    await assertCutsNeverClean("m.tflite", read(`safe/${name}`));
  }
});

test("a file of LiteRT-LM cut anywhere in its header or its model is never clean", async () => {
  const bytes = read("safe/dense.litertlm");
  // Between the sections is padding of kilobytes, which no reader reads.
  const view = new DataView(bytes.buffer);
  const header = Number(view.getBigUint64(24, true));
  const ranges = [[0, header], [16_384, 16_384 + 896], [32_768, 32_768 + 60]] as const;
  for (const [from, to] of ranges) {
    for (let at = from; at < to; at += SWEEP) {
      const { verdict } = await report("m.litertlm", bytes.slice(0, at));
      assert.notEqual(verdict, "clean", `cut at ${at}`);
    }
  }
});

test("bytes changed anywhere are read without a defect", async () => {
  for (const name of ["safe/loop.tflite", "harmful/flex_write.tflite"]) {
    await assertChangesAreRead("m.tflite", read(name), 3);
  }
});

test("kernels of TensorFlow are judged by their NodeDef, whatever name they have", async () => {
  const bytes = read("harmful/flex_write.tflite");
  const at = new TextDecoder("latin1").decode(bytes).indexOf("FlexWriteFile");
  bytes.set(new TextEncoder().encode("FlexIdentity\0"), at);
  const { findings, verdict } = await report("m.tflite", bytes);
  assert.equal(verdict, "dangerous");
  assert.ok(findings.some(({ ruleId }) => ruleId === "tensorflow-file-write"));
});

test("a kernel's inputs are the model's tensors, whatever its NodeDef says", async () => {
  const { findings } = await report("m.tflite", read("harmful/flex_write.tflite"));
  const { message = "" } = findings.find(({ ruleId }) => ruleId === "tensorflow-file-write") ?? {};
  assert.match(message, /WriteFile\(…, …\) at node "kernel_0"/u);
});

test("a kernel of TensorFlow whose NodeDef cannot be read is judged by its name and incomplete", async () => {
  const bytes = read("harmful/flex_write.tflite");
  const text = new TextDecoder("latin1").decode(bytes);
  const options = text.indexOf("WriteFile", text.indexOf("FlexWriteFile") + 13);
  const change = options < 0 ? text.indexOf("WriteFile") : options;
  // The width of the root, behind the vector of the two texts.
  const root = text.indexOf("\x28\x01", change);
  assert.ok(root > 0);
  bytes[root + 1] = 9;
  const { findings, verdict } = await report("m.tflite", bytes);
  assert.equal(verdict, "dangerous");
  assert.ok(findings.some(({ ruleId }) => ruleId === "tflite-unknown"));
});

test("an operator's place and name are reported once, with its byte", async () => {
  const { findings } = await report("m.tflite", read("suspicious/custom.tflite"));
  assert.deepEqual(findings.map(({ ruleId }) => ruleId), ["tflite-custom-operator"]);
  assert.equal(findings[0]?.offset, 480);
});

/** A file whose bytes behind the first ones are zeros, which counts what is read. */
function sparse(head: Uint8Array, size: number): { source: Source; bytesRead: () => number } {
  let bytesRead = 0;
  const source: Source = {
    name: "m.tflite",
    size,
    access: "random",
    read(offset, length) {
      const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
      if (offset < head.length) bytes.set(head.subarray(offset, offset + bytes.length));
      bytesRead += bytes.length;
      return Promise.resolve(bytes);
    },
  };
  return { source, bytesRead: () => bytesRead };
}

test("of a model with a gigabyte of weights less than a megabyte is read", async () => {
  const large = read("suspicious/large.tflite");
  const complete = sparse(large, (1 << 20) + (1 << 30));
  assert.equal((await scanSource(complete.source, { rules })).verdict, "clean");
  assert.ok(complete.bytesRead() < 1 << 20, `${complete.bytesRead()} bytes read`);
  const cut = sparse(large, (1 << 20) + (1 << 30) - 1);
  assert.notEqual((await scanSource(cut.source, { rules })).verdict, "clean");
});

test("a program behind a model is found", async () => {
  const model = read("safe/dense.tflite");
  const program = new TextEncoder().encode("cposix\nsystem\n(S'echo x'\ntR.");
  const bytes = new Uint8Array(model.length + 200 + program.length);
  bytes.set(model);
  bytes.set(program, model.length + 200);
  const { verdict } = await report("m.tflite", bytes);
  assert.notEqual(verdict, "clean");
  for (const name of ["safe/dense.tflite", "safe/dense.litertlm"]) {
    const short = Uint8Array.of(...read(name), ...program);
    assert.notEqual((await report(name, short)).verdict, "clean", name);
    const padded = Uint8Array.of(...read(name), ...new Uint8Array(40));
    assert.equal((await report(name, padded)).verdict, "clean", name);
  }
});
