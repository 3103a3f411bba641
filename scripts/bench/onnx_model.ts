/**
 * Writes an ONNX model as exporters do, with one dense tensor of zeros that takes no room on a disk
 * that knows sparse files.
 *
 * @module
 */

import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";

/** Rows of a table of 1024 columns, four bytes each. */
const COLUMNS = 1024;
/** TensorProto.DataType.FLOAT */
const FLOAT = 1;

type Field = readonly [number: number, value: string | number | Uint8Array];

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes.push(value % 128 | 0x80);
  return [...bytes, value];
}

/** The tag and length of a payload. */
function head(number: number, length: number): number[] {
  return [...varint(number * 8 + 2), ...varint(length)];
}

function message(...fields: readonly Field[]): Uint8Array {
  const bytes: number[] = [];
  for (const [number, value] of fields) {
    if (typeof value === "number") bytes.push(...varint(number * 8), ...varint(value));
    else {
      const payload = typeof value === "string" ? new TextEncoder().encode(value) : value;
      bytes.push(...head(number, payload.length), ...payload);
    }
  }
  return Uint8Array.from(bytes);
}

/**
 * One Gather from a table, then as many Relu nodes as asked for behind one another.
 *
 * @param path of the file to write
 * @param size bytes of the table, a multiple of 4096
 * @param nodes in the graph
 */
export function makeOnnxModel(path: string, size: number, nodes: number): void {
  const before: Field[] = [];
  for (let count = 0; count < nodes; count++) {
    const name = `/layers.${count}/Relu`;
    before.push([
      1,
      message([1, `x${count}`], [2, `x${count + 1}`], [3, name], [4, "Relu"]),
    ]);
  }
  const graphStart = message(...before, [2, "main_graph"]);
  const tensorStart = message([1, size / 4 / COLUMNS], [1, COLUMNS], [2, FLOAT], [8, "table"]);
  const rawHead = head(9, size);
  const tensorHead = head(5, tensorStart.length + rawHead.length + size);
  const graphLength = graphStart.length + tensorHead.length + tensorStart.length +
    rawHead.length + size;
  const start = [...message([1, 10], [2, "pytorch"], [3, "2.0"]), ...head(7, graphLength)];
  const end = message([8, message([1, ""], [2, 18])]);
  const file = openSync(path, "w");
  let at = 0;
  for (const bytes of [start, graphStart, tensorHead, tensorStart, rawHead]) {
    at += writeSync(file, Uint8Array.from(bytes), 0, bytes.length, at);
  }
  ftruncateSync(file, at + size);
  writeSync(file, end, 0, end.length, at + size);
  closeSync(file);
}
