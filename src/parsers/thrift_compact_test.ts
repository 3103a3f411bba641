import assert from "node:assert/strict";
import { test } from "node:test";
import { FormatError } from "../core/errors.ts";
import { THRIFT, ThriftReader } from "./thrift_compact.ts";

// TCompactProtocol of the Python package thrift 0.25.0 for a structure with the fields 1: i32 = -3,
// 2: binary = "ab", 20: list<i64> = [1, 300], 21: true, 22: struct {1: double = 0}.
const BYTES = Uint8Array.from([
  ...[0x15, 0x05],
  ...[0x18, 0x02, 0x61, 0x62],
  ...[0x09, 0x28, 0x26, 0x02, 0xd8, 0x04],
  ...[0x11],
  ...[0x1c, 0x17, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  0,
]);

function reader(bytes: Uint8Array): ThriftReader {
  return new ThriftReader(bytes, () => {});
}

test("fields, lists and what is skipped are read as the protocol has them", () => {
  const seen: unknown[] = [];
  const thrift = reader(BYTES);
  thrift.struct((id, type) => {
    if (type === THRIFT.i32) seen.push(id, thrift.int());
    else if (type === THRIFT.binary) seen.push(id, new TextDecoder().decode(thrift.binary()));
    else if (type === THRIFT.list) thrift.list(() => seen.push(id, thrift.int()));
    else seen.push(id, type);
  });
  assert.deepEqual(seen, [1, -3, 2, "ab", 20, 1, 20, 300, 21, THRIFT.true, 22, THRIFT.struct]);
  assert.equal(thrift.at, BYTES.length);
});

test("every cut, lengths beyond the bytes and endless depth are refused", () => {
  for (let length = 0; length < BYTES.length; length++) {
    assert.throws(() => reader(BYTES.subarray(0, length)).struct(() => {}), FormatError);
  }
  const long = Uint8Array.of(0x18, 0xff, 0xff, 0xff, 0xff, 0x0f, 0);
  assert.throws(() => reader(long).struct(() => {}), FormatError);
  const endless = Uint8Array.of(0x15, ...new Array<number>(11).fill(0xff));
  assert.throws(() => reader(endless).struct(() => {}), FormatError);
  assert.throws(() => reader(new Uint8Array(1000).fill(0x1c)).struct(() => {}), FormatError);
});
