import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Source } from "../../core/source.ts";
import { fieldsOf } from "../../parsers/protobuf.ts";
import { loadRules } from "../../rules/rules.ts";
import { scanMany } from "../../scan/scan_inputs.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { assertChangesAreRead, assertCutsNeverClean, report } from "../testing/cuts.ts";

const TESTDATA = new URL("../../../testdata/paddle/", import.meta.url);
const rules = loadRules();

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, TESTDATA)));
}

function text(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
}

/** A program in JSON with one operation. */
const program = (operation: unknown): Record<string, unknown> => ({
  base_code: { magic: "pir", trainable: true, version: 4 },
  program: { regions: [{ "#": "r", blocks: [{ "#": "b", args: [], ops: [operation] }] }] },
});
const saving = (name: string) => ({
  "#": name,
  A: [{ N: "file_path", AT: { "#": "0.a_str", D: "../echo" } }],
  I: [],
  O: [],
});

async function ruleIds(name: string, bytes: Uint8Array): Promise<string[]> {
  return (await report(name, bytes)).findings.map(({ ruleId }) => ruleId);
}

test("a program cut anywhere but behind one of its own fields is never clean", async () => {
  for (const [name, step] of [["static", 1], ["branch", 7], ["loop", 31]] as const) {
    const bytes = read(`safe/${name}.pdmodel`);
    const allowed = [...fieldsOf(bytes)].map(({ end }) => end);
    assert.ok(allowed.length <= 6, `${allowed.length} prefixes of ${name} are programs`);
    await assertCutsNeverClean("m.pdmodel", bytes, { step, allowed });
  }
});

test("a program in JSON cut anywhere is never clean", async () => {
  for (const [name, step] of [["static", 1], ["branch", 11]] as const) {
    const bytes = read(`safe/pir/${name}.json`);
    // What is cut within the first key is any JSON.
    const allowed = Array.from({ length: 40 }, (_, at) => at);
    await assertCutsNeverClean("inference.json", bytes, { step, allowed });
  }
});

/** Where the tensors of a file end, none of which has levels but those that are said. */
function ends(bytes: Uint8Array, levelBytes: number): number[] {
  const view = new DataView(bytes.buffer);
  const found: number[] = [];
  for (let at = 0; at < bytes.length;) {
    at += 16 + (view.getUint8(at + 4) > 0 ? levelBytes : 0);
    const size = view.getInt32(at, true);
    const description = [...fieldsOf(bytes.subarray(at + 4, at + 4 + size))];
    const elements = description.reduce((n, it) => it.number === 2 ? n * it.value : n, 1);
    at += 4 + size + elements * (description[0]?.value === 3 ? 8 : 4);
    found.push(at);
  }
  return found;
}

test("parameters cut anywhere but behind a tensor are never clean", async () => {
  for (const name of ["branch", "sequence", "loop"]) {
    const bytes = read(`safe/${name}.pdiparams`);
    const allowed = ends(bytes, 8 + 24);
    assert.equal(allowed.at(-1), bytes.length);
    await assertCutsNeverClean("m.pdiparams", bytes, { allowed });
  }
});

test("bytes changed anywhere are read without a defect", async () => {
  await assertChangesAreRead("m.pdmodel", read("harmful/save_inside.pdmodel"), 41);
  await assertChangesAreRead("m.json", read("harmful/save_inside.json"), 47);
  await assertChangesAreRead("m.pdiparams", read("safe/sequence.pdiparams"));
});

test("programs are known by content, whatever they are called", async () => {
  for (const name of ["m", "m.bin", "m.txt", "weights.pt", "__model__"]) {
    const { verdict } = await report(name, read("harmful/save_combine.pdmodel"));
    assert.equal(verdict, "dangerous", name);
  }
  for (const name of ["m", "m.bin", "m.txt", "__model__.json"]) {
    const { verdict } = await report(name, read("harmful/save_combine.json"));
    assert.equal(verdict, "dangerous", name);
  }
  const { formats } = await report("fc_0.w_0", read("safe/separate/fc_0.w_0"));
  assert.deepEqual(formats, ["paddle-params"]);
});

test("an operation is found in any order of the keys, with escapes, repeated and behind padding", async () => {
  const { base_code, program: body } = program(saving("1.save_combine"));
  const pad = "x".repeat(100_000);
  const forms: readonly string[] = [
    JSON.stringify({ program: body, base_code }),
    JSON.stringify({ base_code, program: body }).replace("base_code", "base\\u005fcode"),
    JSON.stringify({ base_code, program: body }).replace('"1.save', '"1\\u002esave'),
    `{"base_code":${JSON.stringify(base_code)},"program":{"regions":[]},"program":${
      JSON.stringify(body)
    }}`,
    `\ufeff ${JSON.stringify({ base_code, program: body })}`,
    JSON.stringify({ a: pad, base_code, b: pad, program: body, c: pad }),
    JSON.stringify({ program: body, a: pad, base_code, c: pad }),
  ];
  for (const form of forms) {
    const { verdict } = await report("inference.json", text(form));
    assert.equal(verdict, "dangerous", form.slice(0, 60));
  }
});

test("dialects of names are what Paddle decompresses them to", async () => {
  assert.deepEqual(await ruleIds("m.json", text(program(saving("1.save_combine")))), [
    "paddle-file-write",
  ]);
  // An unregistered dialect is refused: nothing may be said of the name.
  for (const name of ["pd_op.relu", "relu", "9.relu", "py_func.f"]) {
    assert.deepEqual(await ruleIds("m.json", text(program(saving(name)))), ["paddle-malformed"]);
  }
  assert.deepEqual(await ruleIds("m.json", text(program(saving("3.relu")))), [
    "paddle-custom-operator",
  ]);
});

test("what is no program in JSON is incomplete", async () => {
  const wrong: readonly unknown[] = [
    { base_code: { magic: "pir", version: 4 } },
    { base_code: { magic: "pir", version: 4 }, program: [] },
    { base_code: { magic: "pir", version: 4 }, program: { regions: {} } },
    { base_code: { magic: "pir", version: 4 }, program: { regions: [[]] } },
    { base_code: { magic: "pir", version: "4" }, program: { regions: [] } },
    program("1.save_combine"),
    program({ A: [] }),
    program({ "#": 1, A: [] }),
    program({ "#": "1.relu", A: {} }),
  ];
  for (const value of wrong) {
    const { verdict } = await report("m.json", text(value));
    assert.equal(verdict, "incomplete", JSON.stringify(value));
  }
});

test("regions that are too deep are incomplete, without recursion of the reader's own stack", async () => {
  let operation: unknown = saving("1.save_combine");
  for (let depth = 0; depth < 300; depth++) {
    operation = { "#": "1.if", A: [], regions: [{ blocks: [{ ops: [operation] }] }] };
  }
  assert.equal((await report("m.json", text(program(operation)))).verdict, "incomplete");
});

/** A field of bytes, of less than 128. */
const field = (number: number, ...content: (number | Uint8Array)[]): Uint8Array => {
  const bytes = Uint8Array.from(content.flatMap((it) => typeof it === "number" ? [it] : [...it]));
  return Uint8Array.of(number << 3 | 2, bytes.length, ...bytes);
};

/** The field of a block's parent, of -1. */
const NO_PARENT = [16, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1];

test("numbers of blocks, and of those around them, are what their places say", async () => {
  const first = field(1, 8, 0, ...NO_PARENT);
  const program = (...second: number[]) => Uint8Array.of(...first, ...field(1, ...second));
  assert.deepEqual(await ruleIds("m.pdmodel", program(8, 1, 16, 0)), []);
  // With the first of these Paddle 2.6.2 hung, the second it refused when the program was run.
  for (
    const second of [[8, 0, 16, 0], [8, 7, 16, 0], [8, 1, 16, 1], [8, 1, 16, 99], [
      8,
      1,
      ...NO_PARENT,
    ]]
  ) {
    assert.deepEqual(
      await ruleIds("m.pdmodel", program(...second)),
      ["paddle-index"],
      second.join(),
    );
  }
  assert.deepEqual(await ruleIds("m.pdmodel", program(8, 1, 16, 0, 0x28, 99)), ["paddle-index"]);
});

test("of an operator with two types, of which the last counts, none is left out", async () => {
  const operator = (...types: string[]) =>
    field(4, ...types.map((type) => field(3, ...text(type))));
  const block = (operators: Uint8Array) => field(1, 8, 0, ...NO_PARENT, operators);
  const harmless = await ruleIds("m", block(operator("tanh")));
  assert.deepEqual(harmless, ["paddle-known-operator"]);
  for (const types of [["tanh", "save"], ["save", "tanh"]]) {
    assert.ok((await ruleIds("m", block(operator(...types)))).includes("paddle-file-write"));
  }
});

test("a program that lacks what is required, or has what nobody knows, is incomplete", async () => {
  const wrong: readonly Uint8Array[] = [
    field(4, 8, 0),
    field(1, 8, 0),
    field(1, 8, 0, 16, 0, field(4, field(4, field(1, 0x78)))),
    field(1, 8, 0, 16, 0, 0x20, 1),
    field(1, 8, 0, 16, 0, field(9, 1)),
    Uint8Array.of(...field(1, 8, 0, 16, 0), ...field(9, 1)),
  ];
  for (const bytes of wrong) {
    assert.equal((await report("m.pdmodel", bytes)).verdict, "incomplete", bytes.join(" "));
  }
});

test("every sample of an attack is found by its own rule", async () => {
  const harmful = readdirSync(new URL("harmful/", TESTDATA));
  assert.ok(harmful.length >= 20);
  for (const name of harmful) {
    const [first] = await ruleIds(name, read(`harmful/${name}`));
    assert.match(first ?? "", /^paddle-(?!malformed|custom)/u, name);
  }
});

/** A file whose bytes behind the first ones are zeros, which counts what is read. */
function sparse(head: Uint8Array, size: number): { source: Source; bytesRead: () => number } {
  let bytesRead = 0;
  const source: Source = {
    name: "m.pdiparams",
    size,
    access: "random",
    read(offset, length) {
      const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
      if (offset < head.length) bytes.set(head.subarray(offset, offset + bytes.length));
      bytesRead += bytes.length;
      return Promise.resolve(bytes);
    },
  };
  return { source, bytesRead: () => bytesRead };
}

test("of a gigabyte of parameters less than a megabyte is read", async () => {
  // One tensor of 2^28 numbers of four bytes.
  const head = Uint8Array.of(
    ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0],
    ...[8, 5, 0x10, 0x80, 0x80, 0x80, 0x80, 1],
  );
  const whole = sparse(head, head.length + (1 << 30));
  assert.equal((await scanSource(whole.source, { rules })).verdict, "clean");
  assert.ok(whole.bytesRead() < 1 << 20, `${whole.bytesRead()} bytes read`);
  const cut = sparse(head, head.length + (1 << 30) - 1);
  assert.equal((await scanSource(cut.source, { rules })).verdict, "incomplete");
});

test("parameters cut between two tensors are incomplete beside their program", async () => {
  for (
    const [name, program] of [["loop", "loop.pdmodel"], ["pir/loop", "pir/loop.json"]] as const
  ) {
    const bytes = read(`safe/${name}.pdiparams`);
    const complete = ends(bytes, 0);
    for (const length of complete) {
      const folder = mkdtempSync(join(tmpdir(), "paddle-"));
      try {
        writeFileSync(
          join(folder, `m${program.slice(program.indexOf("."))}`),
          read(`safe/${program}`),
        );
        writeFileSync(join(folder, "m.pdiparams"), bytes.slice(0, length));
        const { files } = await scanMany([folder], { rules });
        const { verdict } = files.find(({ path }) => path.endsWith("params")) ?? {};
        assert.equal(
          verdict,
          length === bytes.length ? "clean" : "incomplete",
          `${name} ${length}`,
        );
      } finally {
        rmSync(folder, { recursive: true });
      }
    }
  }
});
