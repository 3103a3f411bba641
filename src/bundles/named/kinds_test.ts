import assert from "node:assert/strict";
import { test } from "node:test";
import { listing } from "../testing/members.ts";
import { chromaParts } from "./chroma.ts";
import type { IndexKind } from "./index_kind.ts";
import { mlcShards } from "./mlc.ts";
import { ncnnWeights } from "./ncnn.ts";
import { openvinoWeights } from "./openvino.ts";
import { tensorflowShards } from "./tensorflow.ts";
import { tfjsShards } from "./tfjs.ts";

type Files = Readonly<Record<string, Uint8Array | string>>;

/** What an index in the folder `d/` says, by base name. */
async function read(kind: IndexKind, index: string, files: Files) {
  const inside = Object.fromEntries(Object.entries(files).map(([name, it]) => [`d/${name}`, it]));
  const { members } = listing(inside);
  const byName = new Map(members.map((it) => [it.name, it]));
  const own = byName.get(`d/${index}`);
  assert.ok(own !== undefined);
  const named = await kind.read({ index: own, folder: "d/", members: byName });
  return Object.fromEntries([...named].map(([name, says]) => [name.slice(2), says]));
}
const bytes = async (kind: IndexKind, index: string, files: Files, file: string) =>
  (await read(kind, index, files))[file]?.bytes;

test("names of indices follow from the file's own, and not from any other", () => {
  const names = (kind: IndexKind, file: string) =>
    typeof kind.indices === "function" ? kind.indices(file) : [];
  assert.deepEqual(names(openvinoWeights, "m.bin"), ["m.xml"]);
  assert.deepEqual(names(openvinoWeights, "a/m.bin"), []);
  assert.deepEqual(names(ncnnWeights, "m.param.bin"), ["m.param.param", "m.param"]);
  assert.deepEqual(names(tensorflowShards, "m.data-00000-of-00002"), ["m.index"]);
  assert.deepEqual(names(tensorflowShards, "m.data-0-of-2"), []);
  assert.deepEqual(names(chromaParts, "length.bin"), ["header.bin"]);
  assert.deepEqual(names(chromaParts, "header.bin"), []);
});

test("NCNN's layers read what their parameters say, of eight bits at least", async () => {
  const param = (...layers: readonly string[]) =>
    `7767517\n${layers.length} 2\n${layers.join("\n")}\n`;
  const size = (...layers: readonly string[]) =>
    bytes(ncnnWeights, "m.param", { "m.param": param(...layers) }, "m.bin");
  assert.equal(await size("Convolution c 1 1 a b 0=8 1=3 5=1 6=216"), 4 + 216 + 4 * 8);
  assert.equal(await size("Convolution c 1 1 a b 0=8 6=216"), 4 + 216);
  assert.equal(await size("InnerProduct f 1 1 a b 0=10 1=1 2=640"), 4 + 640 + 40);
  assert.equal(await size("BatchNorm n 1 1 a b 0=16"), 4 * 16 * 4);
  assert.equal(await size("Input i 0 1 a", "ReLU r 1 1 a b"), 0);
  assert.equal(await size("Embed e 1 1 a b 0=4 1=10 3=40"), 4 + 40);
});

test("a layer of NCNN whose counts are none is said, not counted as nothing", async () => {
  const anomaly = async (layer: string) => {
    const text = `7767517\n1 1\n${layer}\n`;
    return (await read(ncnnWeights, "m.param", { "m.param": text }))["m.bin"]?.anomaly;
  };
  for (const count of ["-5", "1.5", "1e400"]) {
    assert.match(
      await anomaly(`Embed e 1 1 a b 0=4 3=${count}`) ?? "",
      /"Embed".* are none/,
      count,
    );
  }
  assert.equal(await anomaly("Scale s 2 1 a b c 0=-233"), undefined);
});

test("a text that is no NCNN network, or whose counts lie, names nothing", async () => {
  for (const text of ["", "7767517\n2 2\nInput i 0 1 a\n", "123\n1 1\nInput i 0 1 a\n"]) {
    assert.deepEqual(await read(ncnnWeights, "m.param", { "m.param": text }), {}, text);
  }
});

test("MLC's shards have their sizes, and tensors that end behind one are named", async () => {
  const record = (nbytes: unknown, tensor: unknown) => ({
    records: [{ dataPath: "p.bin", nbytes, records: [tensor] }],
  });
  const says = async (nbytes: unknown, tensor: unknown = {}) =>
    (await read(mlcShards, "ndarray-cache.json", {
      "ndarray-cache.json": JSON.stringify(record(nbytes, tensor)),
    }))["p.bin"];
  assert.equal((await says(8, { name: "w", byteOffset: 0, nbytes: 8 }))?.anomaly, undefined);
  assert.match(
    (await says(8, { name: "w", byteOffset: 1, nbytes: 8 }))?.anomaly ?? "",
    /ends at 9/,
  );
  assert.ok((await says(8, { name: "w", byteOffset: -1, nbytes: 1 }))?.anomaly !== undefined);
  assert.ok((await says(8, { name: "w", byteOffset: "x", nbytes: 1 }))?.anomaly !== undefined);
  assert.equal(await says(-1), undefined);
  assert.equal(await says("8"), undefined);
});

test("TensorFlow.js' shards have to hold what the weights of their group take", async () => {
  const manifest = (...weights: readonly unknown[]) =>
    JSON.stringify({ weightsManifest: [{ paths: ["a.bin", "b.bin"], weights }] });
  const anomaly = async (model: string, a = "1234", b = "5678") =>
    (await read(tfjsShards, "model.json", { "model.json": model, "a.bin": a, "b.bin": b }))["a.bin"]
      ?.anomaly;
  assert.equal(await anomaly(manifest({ shape: [2], dtype: "float32" })), undefined);
  assert.equal(await anomaly(manifest({ shape: [2, 2], dtype: "float16" })), undefined);
  const quantized = { shape: [8], dtype: "float32", quantization: { dtype: "uint8" } };
  assert.equal(await anomaly(manifest(quantized)), undefined);
  assert.match(
    await anomaly(manifest({ shape: [3], dtype: "float32" })) ?? "",
    /take 12 bytes.* have 8/,
  );
  for (
    const weight of [{ dtype: "float32" }, { shape: [1], dtype: "constructor" }, {
      shape: [-1],
      dtype: "bool",
    }, 1]
  ) {
    assert.match(
      await anomaly(manifest(weight)) ?? "",
      /could not be established/,
      JSON.stringify(weight),
    );
  }
  const text = { shape: [1], dtype: "string" };
  assert.equal(await anomaly(manifest(text), "\x04\0\0\0", "abcd"), undefined);
  assert.match(
    await anomaly(manifest(text), "\xff\0\0\0", "abcd") ?? "",
    /could not be established/,
  );
});

test("Chroma's files are as long as its header says, its links as their lengths", async () => {
  const header = new Uint8Array(100);
  const view = new DataView(header.buffer, 4);
  const size = (at: number, value: number) => view.setBigUint64(at, BigInt(value), true);
  [0, 10, 2, 156, 148, 132].forEach((value, at) => size(8 * at, value));
  [16, 32, 16].forEach((value, at) => size(56 + 8 * at, value));
  view.setFloat64(80, 0.36, true);
  const links = Uint8Array.of(0, 0, 0, 0, 4, 0, 0, 0, 1, 2, 3, 4);
  const found = await read(chromaParts, "header.bin", {
    "header.bin": header,
    "link_lists.bin": links,
  });
  assert.equal(found["data_level0.bin"]?.bytes, 1560);
  assert.equal(found["length.bin"]?.bytes, 40);
  assert.deepEqual([found["link_lists.bin"]?.bytes, found["link_lists.bin"]?.anomaly], [
    12,
    undefined,
  ]);
  assert.deepEqual(
    await read(chromaParts, "header.bin", { "header.bin": header.subarray(0, 99) }),
    {},
  );
});
