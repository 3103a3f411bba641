/**
 * Writes a SavedModel as TensorFlow does for a graph whose weights are constants, with one dense tensor
 * of zeros that takes no room on a disk that knows sparse files.
 *
 * @module
 */

import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";

/** DT_FLOAT of framework/types.proto. */
const FLOAT = 1;
const COLUMNS = 1024;

type Field = readonly [number: number, value: string | number | Uint8Array];

/** A message whose last payload is the tensor's: what is before it, and how long it is in all. */
interface Open {
  readonly head: Uint8Array;
  readonly length: number;
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes.push(value % 128 | 0x80);
  return [...bytes, value];
}

function message(...fields: readonly Field[]): Uint8Array {
  const bytes: number[] = [];
  for (const [number, value] of fields) {
    if (typeof value === "number") bytes.push(...varint(number * 8), ...varint(value));
    else {
      const payload = typeof value === "string" ? new TextEncoder().encode(value) : value;
      bytes.push(...varint(number * 8 + 2), ...varint(payload.length), ...payload);
    }
  }
  return Uint8Array.from(bytes);
}

/** Fields, and behind them one that holds the open message. */
function wrapMessage(before: Uint8Array, number: number, inner: Open): Open {
  const tag = [...varint(number * 8 + 2), ...varint(inner.length)];
  return {
    head: Uint8Array.from([...before, ...tag, ...inner.head]),
    length: before.length + tag.length + inner.length,
  };
}

function attribute(name: string, value: Uint8Array): Field {
  return [5, message([1, name], [2, value])];
}

/**
 * A constant, then as many Relu nodes as asked for behind one another.
 *
 * @param path of the file to write
 * @param size bytes of the constant, a multiple of 4096
 * @param nodes in the graph
 */
export function makeSavedModel(path: string, size: number, nodes: number): void {
  const type = attribute("T", message([6, FLOAT]));
  const chain: Field[] = [];
  for (let count = 0; count < nodes; count++) {
    const input = count === 0 ? "table" : `layers/${count - 1}/Relu`;
    chain.push([1, message([1, `layers/${count}/Relu`], [2, "Relu"], [3, input], type)]);
  }
  const shape = message([2, message([1, size / 4 / COLUMNS])], [2, message([1, COLUMNS])]);
  // Constant, then from the inside out: TensorProto, AttrValue, the attribute, NodeDef, GraphDef.
  let open: Open = { head: new Uint8Array(0), length: size };
  open = wrapMessage(message([1, FLOAT], [2, shape]), 4, open);
  open = wrapMessage(message(), 8, open);
  open = wrapMessage(message([1, "value"]), 2, open);
  const dtype = attribute("dtype", message([6, FLOAT]));
  open = wrapMessage(message([1, "table"], [2, "Const"], dtype), 5, open);
  open = wrapMessage(message(...chain), 1, open);
  const info = message([4, "serve"], [5, "2.21.0"]);
  open = wrapMessage(message([1, info]), 2, open);
  const { head } = wrapMessage(message([1, 1]), 2, open);
  const file = openSync(path, "w");
  writeSync(file, head, 0, head.length, 0);
  ftruncateSync(file, head.length + size);
  closeSync(file);
}
