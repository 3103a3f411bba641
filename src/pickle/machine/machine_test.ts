import assert from "node:assert/strict";
import { test } from "node:test";
import { STATUS } from "./status.ts";
import { OPCODES } from "./opcodes.ts";
import { bytes, byteString, calls, imports, run, str } from "../testing/pickle.ts";

const SYSTEM = "cos\nsystem\n";

test("a call through GLOBAL and REDUCE is reported with its argument", async () => {
  assert.deepEqual(await calls(bytes(SYSTEM, "(S'echo hi'\ntR.")), ["os.system('echo hi')"]);
});

test("INST and OBJ call as REDUCE does", async () => {
  assert.deepEqual(await calls(bytes("(S'echo hi'\nios\nsystem\n.")), ["os.system('echo hi')"]);
  assert.deepEqual(await calls(bytes("(", SYSTEM, "S'echo hi'\no.")), ["os.system('echo hi')"]);
});

test("OBJ whose result is popped has called all the same", async () => {
  assert.deepEqual(await calls(bytes("(", SYSTEM, "S'echo hi'\no0N.")), ["os.system('echo hi')"]);
});

test("NEWOBJ and NEWOBJ_EX call with positional and keyword arguments", async () => {
  assert.deepEqual(
    await calls(bytes(0x80, 4, SYSTEM, str("a"), 0x85, 0x81, ".")),
    ["os.system('a')"],
  );
  assert.deepEqual(
    await calls(bytes(0x80, 4, SYSTEM, str("a"), 0x85, "}", str("k"), "K\x05s", 0x92, ".")),
    ["os.system('a', k=5)"],
  );
});

test("STACK_GLOBAL takes its names from texts of every opcode", async () => {
  const module = [str("os"), "S'os'\n", "Vos\n", "U\x02os", "T\x02\0\0\0os", "X\x02\0\0\0os"];
  for (const pushed of module) {
    assert.deepEqual(await imports(bytes(pushed, str("system"), 0x93, ".")), ["os.system"]);
  }
});

test("STACK_GLOBAL follows the memo, DUP and POP", async () => {
  const data = bytes(str("os"), 0x94, "0", str("system"), 0x94, "20", "0", "h\0h\x01", 0x93, ".");
  assert.deepEqual(await imports(data), ["os.system"]);
});

test("STACK_GLOBAL over a number fails, over bytes too", async () => {
  for (const pushed of ["K\x01", byteString(bytes("os")), "N", "]"]) {
    const { status } = await run(bytes(pushed, str("system"), 0x93, "."));
    assert.equal(status, STATUS.FAILED);
  }
});

test("a memo entry written later than it is copied does not change the copy", async () => {
  const data = bytes(str("os"), "q\0", str("json"), "q\0", "0", str("system"), 0x93, ".");
  assert.deepEqual(await imports(data), ["os.system"]);
});

test("MEMOIZE writes behind the entries that PUT has set", async () => {
  const data = bytes(str("os"), "q\0", 0x94, "h\x01", str("system"), 0x93, "\x85.");
  assert.deepEqual(await imports(data), ["os.system"]);
});

test("memo indices far apart cost an entry each", async () => {
  const data = bytes(str("os"), "r\xff\xff\xff\x7f", "j\xff\xff\xff\x7f", str("system"), 0x93, ".");
  assert.deepEqual(await imports(data), ["os.system"]);
});

test("a missing memo entry ends the stream, what came before counts", async () => {
  const { status, machine } = await run(bytes(SYSTEM, "(S'x'\ntRh\x07."));
  assert.equal(status, STATUS.FAILED);
  assert.match(machine.reader.error?.message ?? "", /memo entry 7 is not set/);
  assert.deepEqual(machine.heap.facts.trace, ["import os system", "call os system"]);
});

test("numbers are read as C reads them", async () => {
  const cases: [string, number][] = [
    ["I0x10\n.", 16],
    ["I010\n.", 8],
    ["L0x10L\n.", 16],
    ["I1_0\n.", 10],
    ["I 7\n.", 7],
    ["L-3L\n.", -3],
    ["I1\0zz\n.", 1],
    ["F1.5\0x\n.", 1.5],
  ];
  for (const [text, value] of cases) {
    const { machine, status } = await run(bytes(text));
    assert.equal(status, STATUS.STOPPED, text);
    assert.equal(machine.heap.numberOf(machine.result), value, text);
  }
});

test("an argument that only C reads is noted, an ordinary one is not", async () => {
  assert.ok((await run(bytes("I0x10\n."))).machine.anomalies.looseArgument >= 0);
  assert.ok((await run(bytes("I16\n."))).machine.anomalies.looseArgument < 0);
});

test("numbers that C refuses end the stream", async () => {
  for (
    const text of [
      "Iabc\n.",
      "I1__0\n.",
      "I_1\n.",
      "I1_\n.",
      "Fx\n.",
      "L\n.",
      "g-1\n.",
      "gx\n.",
      "I\n.",
    ]
  ) {
    assert.equal((await run(bytes(text))).status, STATUS.FAILED, text);
  }
});

test("I00 and I01 are booleans, I1 is a number", async () => {
  const kinds = [];
  for (const text of ["I01\n.", "I00\n.", "I1\n."]) {
    const { machine } = await run(bytes(text));
    kinds.push(machine.result);
  }
  assert.equal(new Set(kinds).size, 3);
});

test("POP removes a mark when it is on top", async () => {
  const { status } = await run(bytes("N(0."));
  assert.equal(status, STATUS.STOPPED);
});

test("popping below a mark or an empty stack ends the stream", async () => {
  for (
    const text of [
      "0.",
      "N(.",
      "N(R.",
      "2.",
      ".",
      "a.",
      "s.",
      "b.",
      "R.",
      "N(b.",
      "1.",
      "t.",
      "o.",
      "(o.",
    ]
  ) {
    assert.equal((await run(bytes(text))).status, STATUS.FAILED, text);
  }
});

test("every byte that is no opcode ends the stream", async () => {
  const codes = new Set(OPCODES.map((opcode) => opcode.code));
  for (let code = 0; code < 256; code++) {
    if (codes.has(code)) continue;
    const { status, machine } = await run(bytes("N", code, "."));
    assert.equal(status, STATUS.FAILED);
    assert.equal(machine.reader.error?.offset, 1);
  }
});

test("an odd number of items for SETITEMS or DICT ends the stream", async () => {
  assert.equal((await run(bytes("}(K\x01u."))).status, STATUS.FAILED);
  assert.equal((await run(bytes("(K\x01d."))).status, STATUS.FAILED);
});

test("a protocol above 5 ends the stream", async () => {
  assert.equal((await run(bytes(0x80, 6, "N."))).status, STATUS.FAILED);
});

test("containers are shown with what was put in", async () => {
  const data = bytes(
    "csubprocess\ncall\n",
    "](S'echo'\nS'x'\ne",
    0x85,
    "R.",
  );
  assert.deepEqual(await calls(data), ["subprocess.call(['echo', 'x'])"]);
  const aliased = bytes("]q\0csubprocess\ncall\nh\0", 0x85, "h\0S'late'\na0R.");
  assert.deepEqual(await calls(aliased), ["subprocess.call(['late'])"]);
});

test("lengths of 2^31, 2^40 and 2^63 end the stream at once", async () => {
  const lengths = [
    bytes("X\xff\xff\xff\x7f"),
    bytes(0x8d, "\0\0\0\0\0\x01\0\0"),
    bytes(0x8e, "\xff\xff\xff\xff\xff\xff\xff\x7f"),
    bytes(0x96, "\0\0\0\0\0\x01\0\0"),
    bytes(0x8b, "\xff\xff\xff\xff"),
  ];
  for (const data of lengths) {
    const { status, machine } = await run(bytes(0x80, 4, SYSTEM, data));
    assert.equal(status, STATUS.FAILED);
    assert.deepEqual(machine.heap.facts.trace, ["import os system"]);
  }
});

test("10,000 nested tuples and a million memo entries are no error", async () => {
  const nested = await run(bytes(")".padEnd(10_001, "\x85"), "."));
  assert.equal(nested.status, STATUS.STOPPED);
  const shown = await calls(bytes("cos\nsystem\n", ")".padEnd(10_001, "\x85"), "R."));
  assert.match(shown[0] ?? "", /^os\.system\(\(/);
  const many = new Uint8Array(2_000_001).fill(0x94);
  for (let at = 0; at < 2_000_000; at += 2) many[at] = 0x4e;
  many[2_000_000] = 0x2e;
  const { status, machine } = await run(many);
  assert.equal(status, STATUS.STOPPED);
  assert.equal(machine.memo.size, 1_000_000);
});

test("a container that contains itself is shown once around", async () => {
  const data = bytes("]q\0h\0acos\nsystem\nh\0", 0x85, "R.");
  assert.match((await calls(data))[0] ?? "", /^os\.system\(\[/);
});

test("text that is no UTF-8 ends the stream, surrogates pass", async () => {
  assert.equal((await run(bytes(0x8c, 2, 0xff, 0xfe, "."))).status, STATUS.FAILED);
  assert.equal((await run(bytes("X\x02\0\0\0", 0xc3, 0x28, "."))).status, STATUS.FAILED);
  assert.equal((await run(bytes(0x8c, 3, 0xed, 0xa0, 0x80, "."))).status, STATUS.STOPPED);
});

test("a line longer than any window is skipped", async () => {
  const long = new Uint8Array(40 * 1024 * 1024).fill(0x61);
  long[0] = 0x56;
  const end = bytes("\n", SYSTEM, "(S'x'\ntR.");
  const data = new Uint8Array(long.length + end.length);
  data.set(long);
  data.set(end, long.length);
  const { status, machine } = await run(data);
  assert.equal(status, STATUS.STOPPED);
  assert.deepEqual(machine.heap.facts.trace, ["import os system", "call os system"]);
});

test("a pickle cut off at any byte fails and never throws", async () => {
  const data = bytes(
    0x80,
    4,
    0x95,
    "\x40\0\0\0\0\0\0\0",
    str("os"),
    0x94,
    str("system"),
    0x94,
    0x93,
    0x94,
    "X\x04\0\0\0echo",
    0x85,
    "R",
    "J\x01\0\0\0",
    "G\0\0\0\0\0\0\0\0",
    "I10\n",
    "cos\ngetpid\n",
    "(S'x'\nios\npopen\n",
    0x8a,
    2,
    1,
    1,
    0x86,
    0x87,
    ".",
  );
  for (let length = 0; length < data.length; length++) {
    const { status, machine } = await run(data.subarray(0, length));
    assert.equal(status, STATUS.FAILED, `cut at ${length}`);
    assert.ok(machine.reader.error !== undefined);
  }
});

test("any byte replaced by any other ends in a status, never in a throw", async () => {
  const data = bytes(
    0x80,
    4,
    0x95,
    "\x20\0\0\0\0\0\0\0",
    str("os"),
    0x94,
    str("system"),
    0x94,
    0x93,
    0x94,
    "(K\x01K\x02d}",
    str("k"),
    "N",
    "s",
    "]",
    "N",
    "a",
    0x8f,
    "(K\x01",
    0x90,
    "0000",
    str("x"),
    0x85,
    "R.",
  );
  for (let at = 0; at < data.length; at++) {
    for (let value = 0; value < 256; value += 5) {
      const changed = data.slice();
      changed[at] = value;
      const { status } = await run(changed);
      assert.ok(status === STATUS.STOPPED || status === STATUS.FAILED);
    }
  }
});

test("a global whose last line is cut off is imported less its last character, as Python does", async () => {
  const { machine, status } = await run(bytes("cos\nsystem "));
  assert.equal(status, STATUS.FAILED);
  assert.deepEqual(machine.heap.facts.trace, ["import os system"]);
});
