import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { loadRules } from "../../rules/rules.ts";
import { scanMany } from "../../scan/scan_inputs.ts";
import { report } from "../testing/cuts.ts";

const rules = loadRules();

/** Verdicts of files of one folder, by name. */
async function verdicts(
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<Record<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), "raw-data-"));
  try {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
    const report = await scanMany([folder], { rules });
    return Object.fromEntries(
      report.files.map(({ path, verdict }) => [path.slice(folder.length + 1), verdict]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Bytes that no format begins with. */
function raw(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => 0xf0 | (at & 7));
}

test("shards of MLC have the sizes that their index gives", async () => {
  const index = (nbytes: number, end: number) =>
    JSON.stringify({
      records: [{
        dataPath: "params_shard_0.bin",
        format: "raw-shard",
        nbytes,
        records: [{ name: "w", shape: [4], dtype: "float32", byteOffset: 0, nbytes: end }],
      }],
    });
  const of = async (text: string, length: number) =>
    (await verdicts({ "ndarray-cache.json": text, "params_shard_0.bin": raw(length) }))[
      "params_shard_0.bin"
    ];
  assert.equal(await of(index(64, 64), 64), "clean");
  assert.equal(await of(index(64, 64), 63), "incomplete");
  assert.equal(await of(index(64, 65), 64), "incomplete");
  assert.equal(await of(index(64, 64), 65), "suspicious");
  assert.equal(await of("{}", 64), "incomplete");
});

test("shards of TensorFlow.js have together the bytes of their group", async () => {
  const manifest = JSON.stringify({
    format: "layers-model",
    weightsManifest: [{
      paths: ["group1-shard1of2.bin", "group1-shard2of2.bin"],
      weights: [
        { name: "a", shape: [5, 4], dtype: "float32" },
        {
          name: "b",
          shape: [8],
          dtype: "float32",
          quantization: { dtype: "uint8", min: 0, scale: 1 },
        },
      ],
    }],
  });
  const of = async (first: number, second: number) => {
    const all = await verdicts({
      "model.json": manifest,
      "group1-shard1of2.bin": raw(first),
      "group1-shard2of2.bin": raw(second),
    });
    return [all["group1-shard1of2.bin"], all["group1-shard2of2.bin"]];
  };
  assert.deepEqual(await of(64, 24), ["clean", "clean"]);
  assert.deepEqual(await of(64, 23), ["incomplete", "incomplete"]);
});

test("shards of TensorFlow.js whose sizes cannot be established are incomplete, texts are walked", async () => {
  const of = async (weight: Record<string, unknown>, shard: Uint8Array) => {
    const weights = [{ name: "a", shape: [2], dtype: "int32" }, { name: "b", ...weight }];
    const manifest = JSON.stringify({ weightsManifest: [{ paths: ["s1.bin"], weights }] });
    return (await verdicts({ "model.json": manifest, "s1.bin": shard }))["s1.bin"];
  };
  // The types and the length before each text are those of tfjs-core's io_utils.ts.
  const texts = new Uint8Array(8 + 4 + 3 + 4);
  texts[8] = 3;
  texts.set([0x61, 0x62, 0x63], 12);
  assert.equal(await of({ shape: [2], dtype: "string" }, texts), "clean");
  for (let end = 1; end < texts.length; end++) {
    const verdict = await of({ shape: [2], dtype: "string" }, texts.subarray(0, end));
    assert.equal(verdict, "incomplete", `cut at ${end}`);
  }
  const long = texts.slice();
  long[11] = 0xff;
  assert.equal(await of({ shape: [2], dtype: "string" }, long), "incomplete");
  assert.equal(await of({ shape: [1e15], dtype: "string" }, texts), "incomplete");
  assert.equal(await of({ shape: [2], dtype: "float8" }, raw(16)), "incomplete");
  assert.equal(await of({ shape: [2], dtype: "toString" }, raw(16)), "incomplete");
  assert.equal(await of({ shape: [-2, -1], dtype: "int32" }, raw(16)), "incomplete");
  assert.equal(await of({ shape: [0.5, 4], dtype: "int32" }, raw(16)), "incomplete");
  assert.equal(await of({ shape: ["2"], dtype: "int32" }, raw(16)), "incomplete");
  assert.equal(await of({ dtype: "int32" }, raw(16)), "incomplete");
  assert.equal(await of({ shape: [2], dtype: "int32" }, raw(16)), "clean");
});

/** A message of protobuf: field number and payload, of at most 127 bytes. */
function message(...fields: readonly (readonly [number, string])[]): string {
  return fields.map(([number, text]) => String.fromCharCode(number * 8 + 2, text.length) + text)
    .join("");
}

test("external data of an ONNX model reach as far as the model reads", async () => {
  const entry = (key: string, value: string) => message([1, key], [2, value]);
  const tensor = message(
    [8, "w"],
    [13, entry("location", "weights/w.bin")],
    [13, entry("offset", "16")],
    [13, entry("length", "48")],
  ) + "\x70\x01";
  const model = "\x08\x08" + message([7, message([2, "g"], [5, tensor])]) + "\x42\x02\x10\x0d";
  const bytes = Uint8Array.from(model, (character) => character.charCodeAt(0));
  const of = async (length: number) =>
    (await verdicts({ "model.onnx": bytes, "weights/w.bin": raw(length) }))["weights/w.bin"];
  assert.equal(await of(64), "clean");
  assert.equal(await of(63), "incomplete");
});

/** An ONNX model whose one tensor lies in `w.bin`, with these keys besides. */
function onnxModel(keys: Readonly<Record<string, string>>): Uint8Array {
  const field = (number: number, content: string): string =>
    String.fromCharCode(number * 8 + 2, content.length) + content;
  const entries = Object.entries({ location: "w.bin", ...keys })
    .map(([key, value]) => field(13, field(1, key) + field(2, value)));
  const tensor = field(8, "w") + entries.join("") + "\x70\x01";
  const model = "\x08\x08" + field(7, field(2, "g") + field(5, tensor)) + "\x42\x02\x10\x0d";
  return Uint8Array.from(model, (character) => character.charCodeAt(0));
}

test("an offset or a length that is no number leaves its file incomplete", async () => {
  const of = async (keys: Readonly<Record<string, string>>) =>
    (await verdicts({ "model.onnx": onnxModel(keys), "w.bin": raw(64) }))["w.bin"];
  assert.equal(await of({ offset: "32", length: "32" }), "clean");
  for (const text of ["", "x", "-1", "0x10", " 8", "1e1", "9".repeat(30)]) {
    assert.equal(await of({ offset: text, length: "8" }), "incomplete", `offset "${text}"`);
    assert.equal(await of({ length: text }), "incomplete", `length "${text}"`);
  }
});

test("what each of two indices says of a file counts", async () => {
  const of = async (first: Uint8Array, second: Uint8Array) =>
    (await verdicts({ "a.onnx": first, "b.onnx": second, "w.bin": raw(64) }))["w.bin"];
  const complete = onnxModel({ length: "64" });
  assert.equal(await of(complete, onnxModel({ length: "8" })), "clean");
  assert.equal(await of(complete, onnxModel({ length: "x" })), "incomplete");
  assert.equal(await of(onnxModel({ length: "x" }), complete), "incomplete");
  assert.equal(await of(onnxModel({ length: "65" }), complete), "incomplete");
});

test("weights of NCNN have at least the bytes of their layers", async () => {
  const param = "7767517\n2 2\nInput data 0 1 data\n" +
    "InnerProduct fc 1 1 data out 0=4 1=1 2=16\n";
  const of = async (text: string, length: number) =>
    (await verdicts({ "net.param": text, "net.bin": raw(length) }))["net.bin"];
  assert.equal(await of(param, 84), "clean");
  assert.equal(await of(param, 20), "incomplete");
  assert.equal(await of(param.replace("2 2", "3 2"), 84), "incomplete");
});

test("a file of nothing but weights is clean, one with a word of anything else is not", async () => {
  const numbers = Float32Array.from({ length: 500 }, (_, at) => Math.sin(at) * 0.1);
  const bytes = new Uint8Array(numbers.buffer);
  const darknet = new Uint8Array([...[0, 2, 5, 32013312, 0].flatMap(word), ...bytes]);
  assert.equal((await report("yolo.weights", darknet)).verdict, "clean");
  assert.equal((await report("data.bin", bytes)).verdict, "clean");
  assert.equal((await report("pytorch_model.bin", bytes)).verdict, "incomplete");
  assert.equal((await report("data.bin", bytes.slice(0, -1))).verdict, "incomplete");
  for (const at of [100, 400, 1996]) {
    const other = bytes.slice();
    other.set([0x6f, 0x73, 0x2e, 0x73], at);
    assert.equal((await report("data.bin", other)).verdict, "incomplete", `a text at ${at}`);
  }
});

/** Four bytes of a number, little-endian. */
function word(value: number): number[] {
  return [value & 0xff, value >>> 8 & 0xff, value >>> 16 & 0xff, value >>> 24];
}
