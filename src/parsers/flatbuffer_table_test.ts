import assert from "node:assert/strict";
import { test } from "node:test";
import { FormatError } from "../core/errors.ts";
import { FlatTable } from "./flatbuffer_table.ts";

/**
 * A buffer by hand, https://flatbuffers.dev/internals/: the root at 20 with three fields: an integer, a
 * text at 32 and a vector of two integers at 40.
 */
function buffer(): DataView {
  const view = new DataView(new ArrayBuffer(52));
  view.setUint32(0, 20, true);
  // The table of fields at 6: its size, the size of the table, then offsets of four fields.
  [12, 16, 4, 8, 12, 0].forEach((word, at) => view.setUint16(6 + 2 * at, word, true));
  view.setInt32(20, 20 - 6, true);
  view.setInt32(24, -7, true);
  view.setUint32(28, 32 + 4 - 28, true);
  view.setUint32(32, 44 - 32, true);
  view.setUint32(36, 2, true);
  view.setUint8(40, 0x68);
  view.setUint8(41, 0x69);
  view.setUint32(44, 1, true);
  view.setInt32(48, 99, true);
  return view;
}
const bytesOf = (view: DataView) => new Uint8Array(view.buffer);

test("fields are found by the table of fields, absent ones are undefined", () => {
  const root = FlatTable.root(bytesOf(buffer()));
  assert.equal(root.integer(0), -7);
  assert.equal(root.text(1), "hi");
  assert.deepEqual([...root.integers(2)], [99]);
  for (const slot of [3, 4, 1000]) {
    assert.equal(root.integer(slot), undefined);
    assert.equal(root.text(slot), undefined);
    assert.equal(root.table(slot), undefined);
    assert.deepEqual([root.integers(slot).length, root.tables(slot).length], [0, 0]);
  }
});

test("a text longer than the limit, or than the buffer, is refused", () => {
  const root = FlatTable.root(bytesOf(buffer()));
  assert.throws(() => root.text(1, 1), FormatError);
  const view = buffer();
  view.setUint32(36, 13, true);
  assert.throws(() => FlatTable.root(bytesOf(view)).text(1), /lie outside/);
});

test("a vector whose items do not fit is refused before there is memory for it", () => {
  const view = buffer();
  view.setUint32(44, 0x3fffffff, true);
  assert.throws(() => FlatTable.root(bytesOf(view)).integers(2), FormatError);
});

test("every cut, and every byte set to its largest value, is read or refused", () => {
  const complete = bytesOf(buffer());
  const read = (bytes: Uint8Array) => {
    try {
      const root = FlatTable.root(bytes);
      return [root.integer(0), root.text(1), root.integers(2), root.tables(2), root.table(1)];
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return undefined;
    }
  };
  for (let length = 0; length < complete.length; length++) {
    assert.equal(read(complete.slice(0, length)), undefined, String(length));
  }
  for (let at = 0; at < complete.length; at++) {
    const bytes = complete.slice();
    bytes[at] = 0xff;
    read(bytes);
  }
});
