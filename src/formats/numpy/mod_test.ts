import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { forwardSource } from "../../sources/forward.ts";
import { npyFormat } from "./mod.ts";
import { run, sampleOf } from "../testing/scan.ts";
import { join, numbers } from "../testing/zip.ts";
import { SWEEP } from "../../parsers/testing/sweep.ts";

interface Parts {
  readonly version?: readonly [number, number];
  readonly length?: number;
}

function npy(header: string, data: Uint8Array | string, parts: Parts = {}): Uint8Array {
  const [major, minor] = parts.version ?? [1, 0];
  const bytes = new TextEncoder().encode(header);
  return join(
    Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, major, minor),
    numbers([major === 1 ? 2 : 4, parts.length ?? bytes.length]),
    bytes,
    data,
  );
}

const header = (descr: string, shape: string) =>
  `{'descr': ${descr}, 'fortran_order': False, 'shape': ${shape}, }   \n`;
const scan = (bytes: Uint8Array) => run(npyFormat, bytes);
const PICKLE = "cos\nsystem\n(S'echo hi'\ntR.";

test("a plain array of the right size is nothing to speak of", async () => {
  const cases: [string, string, number][] = [
    ["'<f4'", "(3, 2)", 24],
    ["'|b1'", "(5,)", 5],
    ["'<U10'", "(2,)", 80],
    ["'|S5'", "()", 5],
    ["'<M8[ns]'", "(4,)", 32],
    ["'>c16'", "(1,)", 16],
    ["'<f8'", "(0, 9)", 0],
    ["[('a', '<i4'), ('b', '<f8', (2, 2)), (('t', 'c'), '|S3')]", "(2,)", 78],
    ["('<f4', (3,))", "(2,)", 24],
    ["'<f4'", "(3L,)", 12],
  ];
  for (const [descr, shape, size] of cases) {
    for (const major of [1, 2, 3]) {
      const bytes = npy(header(descr, shape), new Uint8Array(size), { version: [major, 0] });
      assert.ok(npyFormat.detect(sampleOf(bytes)));
      const seen = await scan(bytes);
      assert.deepEqual([seen.rules, seen.entries, seen.error], [[], [], undefined], descr);
    }
  }
});

test("an array of objects is handed on as a pickle", async () => {
  const types = [
    ...["'|O'", "'O'", "'<O8'", "'object'", "'i4,O'", "[('a', '<f4'), ('b', '|O')]"],
    ...["[('a', [('b', [('c', '|O')])])]", "('|O', (2,))", "[('a', '|O', (3,))]"],
    ...["[('a', ('|O', (2, 2)))]"],
  ];
  for (const descr of types) {
    const seen = await scan(npy(header(descr, "(1,)"), PICKLE));
    assert.deepEqual(seen.rules, ["npy-object-array"], descr);
    assert.deepEqual(seen.entries.map(({ text, hint }) => [text, hint]), [[PICKLE, "pickle"]]);
  }
});

test("an array of objects from a stream is handed on as it comes", async () => {
  const bytes = npy(header("'|O'", "(1,)"), PICKLE.repeat(1000));
  let at = 0;
  const source = forwardSource("s", () => {
    const chunk = bytes.subarray(at, at + 100);
    at += 100;
    return Promise.resolve(chunk.length > 0 ? chunk : undefined);
  });
  const seen = await run(npyFormat, bytes, { source });
  assert.equal(seen.entries[0]?.text, PICKLE.repeat(1000));
});

test("an array that is shorter than its shape is truncated, however large the shape", async () => {
  for (
    const shape of ["(4,)", "(1099511627776,)", "(4294967296, 4294967296)", `(${"9".repeat(500)},)`]
  ) {
    const seen = await scan(npy(header("'<f4'", shape), new Uint8Array(15)));
    assert.deepEqual([seen.rules, seen.unread], [["npy-truncated"], true], shape);
  }
});

test("data behind an array is noted and looked at", async () => {
  const seen = await scan(npy(header("'<f4'", "(2,)"), join(new Uint8Array(8), PICKLE)));
  assert.deepEqual(seen.rules, ["npy-trailing-data"]);
  assert.equal(seen.entries[0]?.text, PICKLE);
});

test("a header that is no description of an array is malformed, and what follows is looked at", async () => {
  const headers = [
    ...["", "x", "{}", "[]", "{'descr': '<f4'}", header("'<f4'", "3"), header("'<f4'", "(-1,)")],
    ...[header("'<f4'", "(1.5,)"), header("'<f4'", "[3]"), header("'<f4'", "(True,)")],
    ...[header("None", "(3,)"), header("5", "(3,)"), header("('<f4',)", "(3,)")],
    ...[header("[('a',)]", "(3,)"), header("['<f4']", "(3,)"), header("__import__('os')", "(3,)")],
    header("'<f4'", "(3,)").replace("}", "'x': 1}"),
    header("'<f4'", `(${"1,".repeat(65)})`),
    header("[('a', ".repeat(80) + "'<f4'" + ")]".repeat(80), "(3,)"),
  ];
  for (const text of headers) {
    const seen = await scan(npy(text, PICKLE));
    assert.deepEqual([seen.rules, seen.unread], [["npy-malformed"], true], text);
    assert.equal(seen.entries[0]?.text, PICKLE);
  }
});

test("header lengths that lie are truncated or malformed", async () => {
  for (const length of [0, 1, 10, 200, 65_535]) {
    const seen = await scan(npy(header("'<f4'", "(1,)"), new Uint8Array(4), { length }));
    assert.ok(seen.unread, String(length));
  }
  for (const length of [200, 0xffff_ffff, 2 ** 20]) {
    const bytes = npy(header("'<f4'", "(1,)"), new Uint8Array(4), { version: [2, 0], length });
    assert.ok((await scan(bytes)).unread, String(length));
  }
});

test("versions that do not exist are unread, and what follows is looked at", async () => {
  for (const version of [[0, 0], [4, 0], [255, 255], [1, 1]] as const) {
    const seen = await scan(npy(header("'|O'", "(1,)"), PICKLE, { version }));
    assert.deepEqual([seen.rules, seen.unread], [["npy-malformed"], true]);
    assert.ok(seen.entries[0]?.text.endsWith(PICKLE));
  }
});

test("an array cut at any byte is unread", async () => {
  const bytes = npy(header("'<f4'", "(3,)"), new Uint8Array(12));
  for (let length = 6; length < bytes.length; length += SWEEP) {
    assert.ok((await scan(bytes.subarray(0, length))).unread, String(length));
  }
});

test("an array with any byte of its header changed ends quickly and without a defect", async () => {
  const bytes = npy(header("[('a', '<f4', (2,)), ('b', '|O')]", "(3,)"), PICKLE);
  for (let at = 6; at < bytes.length - PICKLE.length; at += SWEEP) {
    for (const value of [0, 0x27, 0x28, 0x29, 0x39, 0x80, 0xff]) {
      const changed = bytes.slice();
      changed[at] = value;
      await scan(changed);
    }
  }
});

test("real arrays of NumPy are read as what they are", async () => {
  const folder = new URL("../../../testdata/numpy/", import.meta.url);
  const cases: [string, string[], boolean][] = [
    ["safe/float32.npy", [], false],
    ["safe/structured.npy", [], false],
    ["safe/version_2.npy", [], false],
    ["safe/version_3.npy", [], false],
    ["safe/datetime.npy", [], false],
    ["safe/empty.npy", [], false],
    ["safe/scalar.npy", [], false],
    ["safe/fortran.npy", [], false],
    ["safe/object.npy", ["npy-object-array"], false],
    ["harmful/object.npy", ["npy-object-array"], false],
    ["malformed/truncated.npy", ["npy-truncated"], true],
    ["malformed/huge_shape.npy", ["npy-truncated"], true],
  ];
  for (const [name, rules, unread] of cases) {
    const seen = await scan(readFileSync(new URL(name, folder)));
    assert.deepEqual([seen.rules, seen.unread], [rules, unread], name);
  }
});
