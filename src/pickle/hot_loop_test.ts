/**
 * The loop in WebAssembly against `Machine.step`: whatever the bytes, both leave the same machine.
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { bytesSource } from "../sources/memory.ts";
import type { Limits } from "../core/types.ts";
import { retireAccelerator, takeAccelerator } from "./accelerator.ts";
import { hotLoopModule, STACK_VALUES } from "./hot_loop.ts";
import { Input } from "./input.ts";
import { OP } from "./opcodes.ts";
import { Machine, STATUS } from "./machine.ts";
import { type Run, type RunOptions, runStream } from "./run.ts";
import { bytes, context } from "./testing/pickle.ts";
import { UNKNOWN } from "./values.ts";

const ROOT = new URL("../../testdata/", import.meta.url);

const OPTIONS = {
  interest: { argumentsMatter: () => true },
  drops: [],
  stepArrays: true,
  valueLimit: 1 << 20,
  itemLimit: 1 << 16,
  containerLimit: 1 << 16,
  traced: true,
} as const;

async function runBoth(
  data: Uint8Array,
  limits: Partial<Limits> = {},
  options: Partial<RunOptions> = {},
): Promise<[plain: unknown, fast: unknown]> {
  const seen: unknown[] = [];
  for (const speedUpAfter of [Infinity, 0]) {
    const input = new Input(bytesSource("sample", data), 1 << 20);
    const all = { start: 0, traced: true, ...options, speedUpAfter };
    try {
      seen.push(stateOf(await runStream(input, context(limits), all)));
    } catch (error) {
      seen.push(String(error));
    }
  }
  return [seen[0], seen[1]];
}

/** All that a finished run says, and all that its machine holds. */
function stateOf(run: Run): unknown {
  const { machine, status, end, broken, arrays, stepped, badArray } = run;
  // A machine that is full breaks off in the middle; what it had on its stack then is nobody's.
  if (broken !== undefined) return { broken: broken.message, facts: machine.facts.all() };
  return {
    status,
    end,
    stepped,
    badArray,
    arrays: [...arrays.values()].map(stateOf),
    ...machineState(machine),
  };
}

function machineState(machine: Machine) {
  const { memo, containers, opcodes, error, notes, protocol, result, leftovers } = machine;
  const entries = Array.from({ length: 300 }, (_, index) => memo.get(index));
  const items = Array.from({ length: Math.min(containers.size, 300) }, (_, index) => [
    containers.kind(-1 - index),
    containers.count(-1 - index),
    containers.lossy(-1 - index),
    containers.list(-1 - index),
  ]);
  return {
    ...{ opcodes, error, notes, protocol, result, leftovers, entries, items },
    memo: memo.size,
    stack: machine.top(300),
    depth: machine.depth,
    kept: [containers.size, containers.items],
    facts: machine.facts.all(),
    trace: machine.facts.trace,
    nested: machine.nestedCandidates,
    ids: machine.persistentIds,
  };
}

/** Every file of the folder and the folders in it. */
function filesBelow(folder: URL): URL[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = new URL(entry.isDirectory() ? `${entry.name}/` : entry.name, folder);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

/** Opcodes of the loop with arguments of their own, and a few that are not the loop's. */
const INSTRUCTION = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(..."N()}]0tldue", "\x85", "\x86", "\x87", "\x88", "\x94"),
  },
  { weight: 3, arbitrary: fc.constantFrom("(", "s", "a", "2", "1", "\x8f", "\x90", "\x89") },
  { weight: 3, arbitrary: argument("hq", 1, [0, 1, 2, 3, 255]) },
  {
    weight: 2,
    arbitrary: argument("jr", 4, [0, 1, 2, 3, 256, 300, 2 ** 24, 2 ** 31, 2 ** 32 - 1]),
  },
  { weight: 3, arbitrary: argument("KMJ", undefined, [0, 1, 127, 128, 255, 2 ** 31, 2 ** 32 - 1]) },
  { weight: 3, arbitrary: text() },
  {
    weight: 1,
    arbitrary: fc.constantFrom("G\x3f\xf0\0\0\0\0\0\0", "cos\nsystem\n", "R", "b", "."),
  },
  {
    weight: 1,
    arbitrary: fc.nat(40).map((size) => `\x95${String.fromCharCode(size)}\0\0\0\0\0\0\0`),
  },
);

function argument(opcodes: string, width: number | undefined, values: readonly number[]) {
  return fc.tuple(fc.constantFrom(...opcodes), fc.constantFrom(...values)).map(
    ([opcode, value]) => {
      const length = width ?? { K: 1, M: 2, J: 4 }[opcode] ?? 0;
      const one = Array.from({ length }, (_, at) => Math.floor(value / 2 ** (8 * at)) & 0xff);
      return opcode + String.fromCharCode(...one);
    },
  );
}

function text() {
  const content = fc.oneof(
    fc.string({ maxLength: 40 }),
    fc.constantFrom(
      "collections",
      "\xc3\xa9t\xc3\xa9 is summer",
      "\xff\xfe",
      "h\x80",
      "x".repeat(255),
    ),
    fc.constantFrom("\x80\x04N.\0\0\0\0\0\0", "gASVN.........", "\x1f\x8b\x08......"),
  );
  return fc.tuple(fc.constantFrom("\x8c", "C", "U", "X", "T", "B"), content).map(
    ([opcode, one]) => {
      const length = String.fromCharCode(one.length) + ("XTB".includes(opcode) ? "\0\0\0" : "");
      return opcode + length + one.replaceAll(/[^\0-\xff]/g, "?");
    },
  );
}

test("the module is one that WebAssembly accepts", () => {
  assert.ok(WebAssembly.validate(hotLoopModule()));
});

test("every pickle among the samples leaves the same machine with the loop and without it", async () => {
  let compared = 0;
  for (const path of filesBelow(ROOT)) {
    if (!/\.(?:pkl|pickle|joblib|dill|p)$/.test(path.pathname)) continue;
    const data = new Uint8Array(readFileSync(path));
    const [plain, fast] = await runBoth(data);
    assert.deepEqual(fast, plain, path.pathname);
    compared++;
  }
  assert.ok(compared > 300, `only ${compared} files compared`);
});

test("programs of opcodes in any order leave the same machine", async () => {
  const program = fc.array(INSTRUCTION, { maxLength: 120 });
  const limits = fc.constantFrom({}, { values: 1 }, { values: 7 }, { values: 40 });
  const drops = fc.constantFrom([], [true], [false, true, true]);
  await fc.assert(
    fc.asyncProperty(program, limits, drops, async (pieces, limit, dropped) => {
      const [plain, fast] = await runBoth(bytes(...pieces, "."), limit, { drops: dropped });
      assert.deepEqual(fast, plain);
    }),
    { numRuns: 500, seed: 1 },
  );
});

test("a program cut off anywhere leaves the same machine", async () => {
  const pieces = ["\x80\x04]\x94(}\x94(\x8c\x03abc\x94K\x01h\x02M\x01\x02uJ\x01\x02\x03\x80", "e."];
  const data = bytes(...pieces, "G\x3f\xf0\0\0\0\0\0\0r\x05\0\0\0j\x05\0\0\0\x86\x85.");
  for (let length = 0; length <= data.length; length++) {
    const [plain, fast] = await runBoth(data.subarray(0, length));
    assert.deepEqual(fast, plain, `${length} bytes`);
  }
});

test("opcodes and arguments across the end of a window are read whole", async () => {
  const one = bytes("(\x8c\x05colorq\x07h\x07M\x01\x02J\x01\x02\x03\x04G\x3f\xf0\0\0\0\0\0\0}e");
  const data = new Uint8Array(600_000);
  data.set(bytes("]"));
  let at = 1;
  for (; at + one.length < data.length; at += one.length) data.set(one, at);
  data.set(bytes("."), at);
  const [plain, fast] = await runBoth(data.subarray(0, at + 1));
  assert.deepEqual(fast, plain);
});

test("a stack that outgrows the memory goes on without the loop", async () => {
  const data = new Uint8Array(STACK_VALUES * 2 + 2).fill(OP.NONE);
  data[data.length - 1] = OP.STOP;
  const [plain, fast] = await runBoth(data);
  assert.deepEqual(fast, plain);
});

test("marks that outgrow the memory go on without the loop", async () => {
  const data = bytes("]", "(".repeat(40_000), "1".repeat(39_999), "Ne.");
  const [plain, fast] = await runBoth(data);
  assert.deepEqual(fast, plain);
});

test("a memo that is in use already moves into the memory", async () => {
  const put = (index: number) => `K\x07r${String.fromCharCode(index & 255, index >> 8, 0, 0)}0`;
  const filler = Array.from({ length: 30_000 }, (_, index) => put(index));
  const tail = "j\x01\0\0\0j\xff\x70\0\0r\xff\xff\xff\x7f0h\x02\x86.";
  const data = bytes(...filler, ...filler.map((one) => one.replace("\x07", "\x08")), tail);
  const input = () => new Input(bytesSource("sample", data), 1 << 20);
  const runs = [];
  for (const speedUpAfter of [Infinity, 20_000]) {
    runs.push(stateOf(await runStream(input(), context(), { start: 0, speedUpAfter })));
  }
  assert.deepEqual(runs[1], runs[0]);
});

test("a machine whose memory another one takes goes on where it was", async () => {
  const item = "(\x8c\x05colorq\x07h\x07M\x01\x02}q\x08K\x01K\x02sj\x09\0\0\0h\x08\x85e";
  const start = "]q\0r\xff\xff\x0f\0K\x05q\x090";
  const data = bytes(start + item.repeat(20_000) + "h\x07h\x08\x86.");
  const states: unknown[] = [];
  for (const fast of [false, true]) {
    const inputs = [0, 1].map(() => new Input(bytesSource("sample", data), 1 << 20));
    const machines = inputs.map((input) => new Machine(input, 0, OPTIONS));
    // Both stop at the ends of their windows, where the other one takes the memory.
    for (let turn = 0; machines.some(({ result }) => result === UNKNOWN); turn++) {
      assert.ok(turn < 100, "neither comes to its end");
      const machine = machines[turn % 2] as Machine;
      if (machine.result !== UNKNOWN) continue;
      if (fast) machine.speedUp();
      await inputs[turn % 2]?.fill(machine.offset, machine.wanted);
      assert.notEqual(machine.run(), STATUS.FAILED, machine.error?.message);
    }
    states.push(machines.map((machine) => machineState(machine)));
  }
  assert.deepEqual(states[1], states[0]);
});

test("a host that refuses WebAssembly gets the same answers, only slower", async () => {
  const { Memory } = WebAssembly;
  const input = new Input(bytesSource("sample", new Uint8Array()), 0);
  const user = new Machine(input, 0, OPTIONS);
  // The memory that the tests before have used is too large to be kept.
  takeAccelerator(user, new Uint8Array(256));
  user.memo.top = Infinity;
  retireAccelerator(input);
  try {
    WebAssembly.Memory = class {
      constructor() {
        throw new RangeError("no address space");
      }
    } as unknown as typeof WebAssembly.Memory;
    assert.equal(takeAccelerator(user, new Uint8Array(256)), undefined);
    const [plain, fast] = await runBoth(bytes("]\x94(K\x01K\x02e."));
    assert.deepEqual(fast, plain);
  } finally {
    WebAssembly.Memory = Memory;
  }
});
