import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assertChangesAreRead, assertCutsNeverClean, report } from "../testing/cuts.ts";

const PACKAGE = "safe/program.mlpackage/Data/com.apple.CoreML/model.mlmodel";

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../../../testdata/coreml/${name}`, import.meta.url)));
}

/** Lengths at which a prefix of the message is a message: behind each of its fields. */
function ends(bytes: Uint8Array): number[] {
  const found: number[] = [0];
  for (let at = 0; at < bytes.length;) {
    const varint = (): number => {
      let value = 0;
      for (let shift = 0;; shift += 7) {
        const byte = bytes[at++] ?? 0;
        value += (byte & 0x7f) * 2 ** shift;
        if (byte < 0x80) return value;
      }
    };
    const isBytes = (varint() & 7) === 2;
    const value = varint();
    if (isBytes) at += value;
    found.push(at);
  }
  return found;
}

test("a model cut anywhere but behind a field is never clean", async () => {
  for (const name of ["safe/network.mlmodel", "safe/tree.mlmodel", PACKAGE]) {
    const bytes = read(name);
    await assertCutsNeverClean("m.mlmodel", bytes, { allowed: ends(bytes) });
  }
});

test("bytes changed anywhere are read without a defect", async () => {
  for (const name of ["suspicious/branch_custom.mlmodel", "harmful/blob_outside.mlmodel"]) {
    await assertChangesAreRead("m.mlmodel", read(name), 5);
  }
});

test("classes are reported by their names wherever they are nested, each once", async () => {
  for (const [name, own] of [["branch_custom", "EchoLayer"], ["pipeline_custom", "EchoModel"]]) {
    const { findings } = await report("m.mlmodel", read(`suspicious/${name}.mlmodel`));
    assert.deepEqual(findings.map(({ ruleId }) => ruleId), ["coreml-custom-class"]);
    assert.match(findings[0]?.message ?? "", new RegExp(`${own}`));
  }
});

test("an operator of a program that is the application's own is reported", async () => {
  const bytes = read(PACKAGE);
  // The type of an operation is its first field, a text of six letters.
  const text = new TextDecoder("latin1").decode(bytes);
  const at = ["linear", "matmul"].map((type) => text.indexOf(`\n\x06${type}`)).find((it) =>
    it >= 0
  );
  assert.ok(at !== undefined);
  assert.equal((await report("m.mlmodel", bytes)).verdict, "clean");
  bytes.set(new TextEncoder().encode("custom"), at + 2);
  const { findings } = await report("m.mlmodel", bytes);
  assert.deepEqual(findings.map(({ ruleId }) => ruleId), ["coreml-custom-class"]);
});

test("a path of weights counts as Core ML joins it to the package", async () => {
  const bytes = read(PACKAGE);
  const at = new TextDecoder("latin1").decode(bytes).indexOf("@model_path/weights/weight.bin");
  const verdictOf = async (path: string): Promise<string> => {
    const changed = bytes.slice();
    changed.set(new TextEncoder().encode(path), at);
    return (await report("m.mlmodel", changed)).verdict;
  };
  assert.equal(await verdictOf("@model_path/weights/weight.bin"), "clean");
  assert.equal(await verdictOf("@model_path/weights/../../eight"), "dangerous");
  assert.equal(await verdictOf("/del_path/weights/weight.bin.."), "dangerous");
  assert.equal(await verdictOf("@model_path/heights/weight.bin"), "suspicious");
});

test("a model is known by its content, in any order of its fields and whatever the manifest calls it", async () => {
  const field = (number: number, bytes: Uint8Array): Uint8Array => {
    const head: number[] = [];
    for (let rest of [number * 8 + 2, bytes.length]) {
      for (; rest > 127; rest = Math.floor(rest / 128)) head.push(rest % 128 | 128);
      head.push(rest);
    }
    return Uint8Array.of(...head, ...bytes);
  };
  const version = Uint8Array.of(8, 4);
  const custom = field(555, field(10, new TextEncoder().encode("EchoModel")));
  const description = field(2, field(100, field(4, new Uint8Array(100_000).fill(0x61))));
  const join = (...parts: readonly Uint8Array[]): Uint8Array => {
    const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  };
  const forms = [
    read("suspicious/custom_layer.mlmodel"),
    join(version, custom),
    join(custom, version),
    join(version, description, custom),
    join(description, custom, version),
  ];
  for (const [index, bytes] of forms.entries()) {
    for (const name of ["model", "model.dat", "net.bin"]) {
      const { findings } = await report(name, bytes);
      assert.ok(
        findings.some(({ ruleId }) => ruleId === "coreml-custom-class"),
        `${index} ${name}`,
      );
    }
  }
  // A model of ONNX has a version, too.
  const onnx = new Uint8Array(
    readFileSync(new URL("../../../testdata/onnx/safe/constants.onnx", import.meta.url)),
  );
  assert.deepEqual((await report("model", onnx)).formats, ["onnx"]);
});
