/**
 * Sparse safetensors and GGUF files: a true header, and tensors that take no room on the disk.
 *
 * @module
 */

import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";

const ALIGNMENT = 32;
const encoder = new TextEncoder();

function writeSparse(path: string, header: Uint8Array, size: number): void {
  const file = openSync(path, "w");
  writeSync(file, header);
  ftruncateSync(file, size);
  closeSync(file);
}

/**
 * A safetensors file of two tensors.
 *
 * @param bytes of both together
 */
export function makeSafetensors(path: string, bytes: number): void {
  const half = bytes / 2;
  const tensor = (from: number) => ({
    dtype: "F32",
    shape: [half / 4],
    data_offsets: [from, from + half],
  });
  const text = encoder.encode(JSON.stringify({ a: tensor(0), b: tensor(half) }));
  const header = new Uint8Array(8 + text.length);
  new DataView(header.buffer).setBigUint64(0, BigInt(text.length), true);
  header.set(text, 8);
  writeSparse(path, header, header.length + bytes);
}

/**
 * A GGUF file of one tensor, version 3.
 *
 * @param bytes of the tensor
 */
export function makeGguf(path: string, bytes: number): void {
  const header = [
    encoder.encode("GGUF"),
    ...[u32(3), u64(1), u64(1)],
    ...[text("general.architecture"), u32(8), text("llama")],
    ...[text("tensor"), u32(1), u64(bytes / 4), u32(0), u64(0)],
  ];
  const headerBytes = Uint8Array.from(header.flatMap((part) => [...part]));
  const start = Math.ceil(headerBytes.length / ALIGNMENT) * ALIGNMENT;
  writeSparse(path, headerBytes, start + bytes);
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function u64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}

function text(value: string): Uint8Array {
  const bytes = encoder.encode(value);
  return Uint8Array.from([...u64(bytes.length), ...bytes]);
}
