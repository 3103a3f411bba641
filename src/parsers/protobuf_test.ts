import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FormatError, LimitError } from "../core/errors.ts";
import { bytesSource } from "../sources/memory.ts";
import type { Source } from "../core/source.ts";
import {
  bytesField,
  fieldsOf,
  packedVarints,
  WIRE,
  type WireField,
  WireReader,
} from "./protobuf.ts";

const context = { limits: { values: 1 << 20 }, checkDeadline() {} };

const bytesOf = (...numbers: number[]) => Uint8Array.from(numbers);

async function all(source: Source, start?: number, end?: number): Promise<WireField[]> {
  const message = new WireReader(source, context).message(start, end);
  const fields: WireField[] = [];
  for (;;) {
    const field = await message.next();
    if (field === undefined) return fields;
    fields.push(field);
  }
}

const read = (bytes: Uint8Array) => all(bytesSource("m", bytes));

/** A source that makes callers wait, and says which bytes were asked for. */
function waiting(bytes: Uint8Array, asked: number[] = []): Source {
  const inner = bytesSource("m", bytes);
  return {
    name: "m",
    size: bytes.length,
    access: "random",
    read(offset, length) {
      asked.push(length);
      return inner.read(offset, length);
    },
  };
}

test("each wire type is read with its offset, payload and value", async () => {
  const bytes = bytesOf(
    ...[0x08, 0x96, 0x01], // 1: varint 150
    ...[0x12, 0x02, 0x68, 0x69], // 2: "hi"
    ...[0x1d, 0xff, 0xff, 0xff, 0xff], // 3: fixed32
    ...[0x21, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], // 4: fixed64
    ...[0x28, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], // 5: varint -1
  );
  const expected = [
    { number: 1, type: WIRE.varint, offset: 0, start: 1, end: 3, value: 150, cut: false },
    { number: 2, type: WIRE.bytes, offset: 3, start: 5, end: 7, value: 0, cut: false },
    { number: 3, type: WIRE.fixed32, offset: 7, start: 8, end: 12, value: 0xffffffff, cut: false },
    { number: 4, type: WIRE.fixed64, offset: 12, start: 13, end: 21, value: -2, cut: false },
    { number: 5, type: WIRE.varint, offset: 21, start: 22, end: 32, value: -1, cut: false },
  ];
  assert.deepEqual(await read(bytes), expected);
  assert.deepEqual(await all(waiting(bytes)), expected);
  assert.deepEqual([...fieldsOf(bytes)], expected);
});

test("groups are stepped over, whatever is in them", async () => {
  const bytes = bytesOf(0x0b, 0x13, 0x08, 0x01, 0x14, 0x12, 0x01, 0x00, 0x0c, 0x18, 0x07);
  for (const fields of [await read(bytes), await all(waiting(bytes)), [...fieldsOf(bytes)]]) {
    assert.deepEqual(fields.map(({ number, value }) => [number, value]), [[3, 7]]);
  }
});

test("what is no message is refused with the place where it goes wrong", async () => {
  const wrong: readonly (readonly [number[], number])[] = [
    [[0x08], 0], // no value
    [[0x08, 0x80], 0], // half a value
    [[0x08, 0x01, 0x00, 0x01], 2], // field number 0
    [[0x08, 0x01, 0x0f, 0x01], 2], // wire type 7
    [[0x0e, 0x01], 0], // wire type 6
    [[0x12, 0x05, 0x00], 0], // a length past the end
    [[0x12, ...Array(9).fill(0xff), 0x01], 0], // a length of 2^64-1
    [[0x08, ...Array(11).fill(0xff)], 0], // a varint without end
    [[0x0c], 0], // a group's end alone
    [[0x0b, 0x08, 0x01], 3], // a group without end
    [[0x0b, 0x14], 1], // a group that another ends
    [[0x0d, 0x01, 0x02, 0x03], 0], // half a fixed32
    [[0x09, 0x01, 0x02, 0x03], 0], // half a fixed64
    [[0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00], 0], // a tag of six bytes
  ];
  for (const [bytes, offset] of wrong) {
    const name = bytes.map((byte) => byte.toString(16)).join(" ");
    const isRight = (error: unknown) => error instanceof FormatError && error.offset === offset;
    await assert.rejects(read(Uint8Array.from(bytes)), isRight, name);
    await assert.rejects(all(waiting(Uint8Array.from(bytes))), isRight, name);
    assert.throws(() => [...fieldsOf(Uint8Array.from(bytes))], FormatError, name);
  }
});

test("a field whose length lies is handed out up to the end before the diagnostic", async () => {
  const reader = new WireReader(bytesSource("m", bytesOf(0x12, 0x63, 0x08, 0x05)), context);
  const message = reader.message();
  const field = await message.next();
  assert.ok(field?.cut);
  assert.deepEqual([field.start, field.end], [2, 4]);
  assert.equal((await message.enter(field).next())?.value, 5);
  assert.throws(() => message.next(), FormatError);
});

test("a message ends where its range ends, and does not read on", async () => {
  const bytes = bytesOf(0x08, 0x01, 0x10, 0x02, 0x18, 0x03);
  assert.deepEqual((await all(bytesSource("m", bytes), 2, 4)).map(({ number }) => number), [2]);
  await assert.rejects(all(bytesSource("m", bytes), 2, 3), FormatError);
  await assert.rejects(all(bytesSource("m", bytesOf(0x08, 0xff, 0x01)), 0, 2), FormatError);
});

test("messages nested beyond protobuf's own limit are refused", () => {
  const reader = new WireReader(bytesSource("m", new Uint8Array(2)), context);
  let message = reader.message();
  assert.throws(() => {
    for (let depth = 0; depth < 10_000; depth++) message = message.enter({ start: 0, end: 2 });
  }, FormatError);
  assert.equal(message.depth, 100);
  const groups = new Uint8Array(10_000).fill(0x0b);
  assert.throws(() => [...fieldsOf(groups)], FormatError);
  assert.throws(() => new WireReader(bytesSource("m", groups), context).message().next());
});

test("fields are counted and the clock is looked at", async () => {
  const bytes = new Uint8Array(20_000).map((_, at) => at % 2 === 0 ? 0x08 : 1);
  let looks = 0;
  const counting = { limits: { values: 9_000 }, checkDeadline: () => void looks++ };
  const message = new WireReader(bytesSource("m", bytes), counting).message();
  const run = async () => {
    while (await message.next() !== undefined);
  };
  await assert.rejects(run, (error) => error instanceof LimitError && error.limit === "values");
  assert.equal(looks, 2);
});

test("payloads are stepped over without being read", async () => {
  const payload = 8 * 1024 * 1024;
  const bytes = new Uint8Array(2 * (payload + 5) + 2);
  bytes.set([0x12, 0x80, 0x80, 0x80, 0x04], 0);
  bytes.set([0x12, 0x80, 0x80, 0x80, 0x04], payload + 5);
  bytes.set([0x18, 0x2a], 2 * (payload + 5));
  const asked: number[] = [];
  const fields = await all(waiting(bytes, asked));
  assert.deepEqual(fields.map(({ number, value }) => [number, value]), [[2, 0], [2, 0], [3, 42]]);
  assert.ok(asked.reduce((sum, length) => sum + length, 0) < 32 * 1024);
});

test("bytes and text of a payload are read up to a bound", async () => {
  const bytes = bytesOf(0x0a, 0x03, 0x61, 0x62, 0xff);
  for (const source of [bytesSource("m", bytes), waiting(bytes)]) {
    const reader = new WireReader(source, context);
    const field = await reader.message().next();
    assert.ok(field !== undefined);
    assert.equal(await reader.text(field), "ab\ufffd");
    assert.equal(await reader.text(field, 1), "a");
    assert.deepEqual(await reader.bytes(field.start, field.end, 2), bytesOf(0x61, 0x62));
  }
});

test("a beginning in memory is read as far as it goes", () => {
  const bytes = bytesOf(0x08, 0x01, 0x12, 0x40, ...Array(20).fill(0));
  assert.deepEqual([...fieldsOf(bytes, 1000)].map(({ number }) => number), [1, 2]);
  assert.deepEqual([...fieldsOf(bytesOf(0x08), 1000)], []);
});

test("packed numbers are unpacked up to a bound", () => {
  assert.deepEqual(packedVarints(bytesOf(0x01, 0x96, 0x01, 0x00), 10), [1, 150, 0]);
  assert.deepEqual(packedVarints(bytesOf(0x01, 0x02), 1), [1]);
  assert.throws(() => packedVarints(bytesOf(0x80), 1), FormatError);
});

test("any bytes are either a message or refused, the same in memory and over a source", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), async (bytes) => {
      const outcome = async (run: () => Promise<unknown> | unknown) => {
        try {
          return JSON.stringify(await run());
        } catch (error) {
          assert.ok(error instanceof FormatError, String(error));
          return "refused";
        }
      };
      const seen = await outcome(() => read(bytes));
      assert.equal(await outcome(() => all(waiting(bytes))), seen);
      assert.equal(await outcome(() => [...fieldsOf(bytes)]), seen);
    }),
  );
});

test("a written field is what protobuf's own encoder writes, and is read back", async () => {
  // `SerializeToString()` of google.protobuf 7.36.2: FileDescriptorProto(name="a/é"), and a message
  // whose field 536870911 has 300 bytes.
  assert.deepEqual(bytesField(1, "a/\u00e9"), bytesOf(0x0a, 4, 0x61, 0x2f, 0xc3, 0xa9));
  assert.deepEqual(
    bytesField(536870911, new Uint8Array(300)).subarray(0, 7),
    bytesOf(0xfa, 0xff, 0xff, 0xff, 0x0f, 0xac, 0x02),
  );
  const property = fc.asyncProperty(
    fc.integer({ min: 1, max: 2 ** 29 - 1 }),
    fc.uint8Array({ maxLength: 400 }),
    async (number, payload) => {
      const bytes = bytesField(number, payload);
      const [field, ...more] = await read(bytes);
      assert.deepEqual(more, []);
      assert.equal(field?.number, number);
      assert.equal(field?.type, WIRE.bytes);
      assert.deepEqual(bytes.subarray(field?.start, field?.end), payload);
    },
  );
  await fc.assert(property, { numRuns: 200 });
});
