import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesSource } from "../../sources/memory.ts";
import { disassemble, type DisassembledLine, disassembledLines } from "./disasm.ts";
import { bytes, context, str } from "../testing/pickle.ts";

async function lines(data: Uint8Array): Promise<DisassembledLine[]> {
  const all: DisassembledLine[] = [];
  for await (const line of disassembledLines(bytesSource("x", data), context().interest)) {
    all.push(line);
  }
  return all;
}

async function text(data: Uint8Array): Promise<string> {
  const all: string[] = [];
  await disassemble(bytesSource("x", data), context().interest, (line) => void all.push(line));
  return all.join("\n");
}

test("each opcode stands on a line with its argument and the stack behind it", async () => {
  const seen = await lines(bytes(0x80, 4, str("os"), str("system"), 0x93, "K\x05", 0x85, "R."));
  assert.deepEqual(seen.map(({ opcode }) => opcode), [
    "PROTO",
    "SHORT_BINUNICODE",
    "SHORT_BINUNICODE",
    "STACK_GLOBAL",
    "BININT1",
    "TUPLE1",
    "REDUCE",
    "STOP",
  ]);
  assert.deepEqual(seen[6]?.stack, ["os.system(5)"]);
  assert.equal(seen[1]?.argument, "'os'");
  assert.equal(seen[3]?.offset, 14);
});

test("arguments of every layout are shown", async () => {
  const cases: [Uint8Array, string][] = [
    [bytes("M\x01\x02."), "513"],
    [bytes("J\xff\xff\xff\xff."), "-1"],
    [bytes("G?\xf0\0\0\0\0\0\0."), "1"],
    [bytes("I42\n."), "42"],
    [bytes("cos\nsystem\n."), "os system"],
    [bytes("C\x02ab."), "b'ab'"],
    [bytes("Nr\x07\0\0\0."), ""],
    [bytes(0x8a, 1, 5, "."), "b'\\x05'"],
  ];
  for (const [data, argument] of cases) assert.equal((await lines(data))[0]?.argument, argument);
  const put = await lines(bytes("Nr\x07\0\0\0."));
  assert.equal(put[1]?.argument, "7");
  const frame = await lines(bytes(0x80, 4, 0x95, 2, "\0\0\0\0\0\0\0", "N."));
  assert.equal(frame[1]?.argument, "2");
});

test("a long payload is cut, and its length reported", async () => {
  const long = await lines(bytes("X\x10\x27\0\0", "x".repeat(10_000), "."));
  assert.match(long[0]?.argument ?? "", /…? \(10000 bytes\)$/);
});

test("streams follow each other, and where the unpickler stops is said", async () => {
  const shown = await text(bytes("N.", "cos\nsystem\n", 0xff));
  assert.match(shown, /stream_0[^]*stream_1[^]*GLOBAL +os system[^]*stops here: 0xff is no opcode/);
});

test("any cut of a pickle is listed without a throw", async () => {
  const data = bytes(
    0x80,
    4,
    str("os"),
    "X\x04\0\0\0echo",
    "cos\nsystem\n",
    "I1\n",
    0x8a,
    1,
    5,
    "(tR.",
  );
  for (let length = 0; length <= data.length; length++) await text(data.subarray(0, length));
  assert.equal(await text(new Uint8Array()), "");
});
