/**
 * Writes a folder of many small files, a third of them pickles, a third
 * configurations in JSON, a third safetensors.
 *
 * @module
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeDictionaries } from "./dictionaries.ts";
import { randomFrom } from "./random.ts";

const KINDS = [
  [".pkl", writePickle],
  [".json", writeConfiguration],
  [".safetensors", writeTensors],
] as const;

/**
 * Fills a folder, in ten folders of equal size.
 *
 * @param folder made when there is none
 * @param count of files
 * @param seed of their contents
 */
export function makeSmallFiles(folder: string, count: number, seed: number): void {
  const random = randomFrom(seed);
  for (let index = 0; index < count; index++) {
    const inside = join(folder, `part-${index % 10}`);
    mkdirSync(inside, { recursive: true });
    const [ending, write] = KINDS[index % KINDS.length] ?? KINDS[0];
    write(join(inside, `${String(index).padStart(4, "0")}${ending}`), random);
  }
}

function writePickle(path: string, random: () => number): void {
  makeDictionaries(path, 2 + Math.floor(random() * 40));
}

function writeConfiguration(path: string, random: () => number): void {
  const configuration = {
    architectures: ["BertModel"],
    hidden_size: 64 * Math.ceil(random() * 16),
    layer_norm_eps: random() / 1e6,
    model_type: "bert",
    num_hidden_layers: Math.ceil(random() * 24),
    vocab_size: Math.ceil(random() * 60_000),
  };
  writeFileSync(path, `${JSON.stringify(configuration, undefined, 2)}\n`);
}

/** The header's length in 8 bytes, little-endian; the header, padded by spaces; the tensors. */
function writeTensors(path: string, random: () => number): void {
  const tensors = 1 + Math.floor(random() * 8);
  const size = 256;
  const entries = Array.from({ length: tensors }, (_, index) => [
    `layers.${index}.weight`,
    { dtype: "F32", shape: [8, 8], data_offsets: [index * size, (index + 1) * size] },
  ]);
  const text = JSON.stringify(Object.fromEntries(entries));
  const header = new TextEncoder().encode(text.padEnd(Math.ceil(text.length / 8) * 8));
  const file = new Uint8Array(8 + header.length + tensors * size);
  const view = new DataView(file.buffer);
  view.setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  for (let at = 8 + header.length; at < file.length; at += 4) view.setFloat32(at, random(), true);
  writeFileSync(path, file);
}
