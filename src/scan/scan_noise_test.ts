import { strict as assert } from "node:assert";
import { test } from "node:test";
import { claimOf } from "./asset/claims.ts";
import { loadRules } from "../rules/rules.ts";
import { scanSource } from "./scan_source.ts";
import { bytesSource } from "../sources/memory.ts";

const RULES = loadRules({ strict: true });

const EXTENSIONS = [
  ..."pkl pickle joblib dill pt pth pt2 ckpt bin npy npz zip tar gz tgz z bz2 xz lz4 zst".split(
    " ",
  ),
  ..."h5 hdf5 keras pb onnx gguf safetensors tflite mlmodel skops nemo mar msgpack rds 7z".split(
    " ",
  ),
  ..."txt md json csv jpg png py xyz".split(" "),
  "",
];

/** Reproducible noise: Marsaglia's xorshift. */
function noise(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed * 2_654_435_761 + 1;
  for (let at = 0; at < length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = state & 0xff;
  }
  return bytes;
}

/** First bytes that make noise look like something. */
const BEGINNINGS: readonly (readonly number[])[] = [
  [],
  [0x80, 2],
  [0x80, 4, 0x95],
  [0x50, 0x4b, 3, 4],
  [0x1f, 0x8b, 8, 0],
  [0x78, 0x9c],
  [0x93, ...Array.from("NUMPY", (letter) => letter.charCodeAt(0)), 1, 0],
  [0x42, 0x5a, 0x68, 0x39],
  [0x28, 0xb5, 0x2f, 0xfd],
];

test("noise under every extension is never clean, whatever it begins with", async () => {
  for (const extension of EXTENSIONS) {
    for (const [index, beginning] of BEGINNINGS.entries()) {
      for (const length of [64, 5000]) {
        const bytes = noise(length, index + length);
        bytes.set(beginning);
        const name = extension === "" ? "noise" : `noise.${extension}`;
        const report = await scanSource(bytesSource(name, bytes), { rules: RULES });
        const context = `${name}, ${length} bytes, beginning ${beginning}: ${report.verdict}`;
        assert.notEqual(report.verdict, "clean", context);
        const model = claimOf(name)?.kind === "model";
        if (model) assert.notEqual(report.verdict, "skipped", context);
        assert.deepEqual(report.errors, [], context);
      }
    }
  }
});
