/** Where CPython's unpicklers part ways, or where a few bytes ask for much work. Found by fuzzing against them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { LimitError } from "../../core/errors.ts";
import { bytesSource } from "../../sources/memory.ts";
import type { Observation } from "../../core/types.ts";
import { parseFloatLine, parseInteger } from "../machine/literals.ts";
import { scanStreams } from "./streams.ts";
import {
  anomaliesIn,
  bytes,
  calls,
  context,
  factsIn,
  imports,
  observe,
} from "../testing/pickle.ts";

const CALL = "(S'echo'\ntR.";

/** The globals called, each after the reading that saw it. */
function called(observations: readonly Observation[]): string[] {
  return factsIn(observations).flatMap((fact) =>
    fact.kind === "call" ? [`${fact.reading ?? "base"} ${fact.module}.${fact.name}`] : []
  );
}

/** FRAME of a length below 256. */
function frame(length: number): Uint8Array {
  return bytes(0x95, length, "\0\0\0\0\0\0\0");
}

/** BINUNICODE of one letter repeated, below 16 MiB. */
function longText(length: number): string {
  const size = String.fromCharCode(length & 255, (length >> 8) & 255, length >> 16, 0);
  return `X${size}${"a".repeat(length)}`;
}

test("numbers that only one of CPython's unpicklers reads are read, and are not strict", () => {
  const line = (text: string) => bytes(text);
  for (const text of ["\0", " 1", "1 ", "+1", "010", "0x_f", "1_0", "1\0z"]) {
    assert.equal(parseInteger(line(text), 0, true)?.strict, false, JSON.stringify(text));
  }
  for (const text of ["", "1__0", "_1", "0x", "08", "- 1", "\xa01", "1 2"]) {
    assert.equal(parseInteger(line(text), 0, true), undefined, JSON.stringify(text));
  }
  for (const text of ["1_0", " 1", "1\r", "1e1_0", "1.0\0x", "1e400"]) {
    assert.equal(parseFloatLine(line(text))?.strict, false, JSON.stringify(text));
  }
  for (const text of ["", ".", "1e", "1__0", "0x10", "1.0z"]) {
    assert.equal(parseFloatLine(line(text)), undefined, JSON.stringify(text));
  }
  assert.deepEqual(parseFloatLine(line("1.5")), { value: 1.5, strict: true });
  assert.deepEqual(parseInteger(line("0777"), 0, true), { value: 511, strict: false });
});

test("a long number or text that ends in nonsense is given up in time that follows its length", async () => {
  const long = "1".repeat(200_000);
  for (const text of [`F${long}x`, `I${" ".repeat(200_000)}x`, `I${long}_`]) {
    await observe(bytes(text, "\n."));
  }
  await observe(bytes("Vos\nV", "\\".repeat(200_000), "q\n", 0x93, "."));
});

test("the C unpickler reads a lone NUL as the INT 0 and runs on", async () => {
  assert.deepEqual(await calls(bytes("I\0\n0cos\nsystem\n", CALL)), ["os.system('echo')"]);
});

test("INST whose last line is cut off calls the name less its last character, as Python does", async () => {
  assert.deepEqual(await calls(bytes("(S'echo'\nios\nsystemX")), ["os.system('echo')"]);
  assert.deepEqual(await imports(bytes("cantigravityX")), ["antigravity."]);
});

test("INST without MARK has imported for Python, and ends the stream", async () => {
  const found = await observe(bytes("ios\nsystem\n."));
  assert.deepEqual(factsIn(found).map(({ kind }) => kind), ["import"]);
  assert.ok(anomaliesIn(found).includes("pickle-malformed"));
});

test("memo indices beyond any array work for Python's dictionary and are noted", async () => {
  const index = "99999999999999999999";
  const found = await observe(bytes(`cos\nsystem\np${index}\n0NNg${index}\n`, CALL));
  assert.deepEqual(called(found), ["base os.system"]);
  assert.ok(anomaliesIn(found).includes("pickle-malformed"));
});

test("what every unpickler refuses is malformed: cut-off escapes, persistent ids beyond ASCII", async () => {
  for (
    const text of [
      "V\\u00ÿ6\n.",
      "V\\U00110000\n.",
      "S'\\x4'\n.",
      "S'a\\'\n.",
      "P\xff\n.",
      "NNN\x92.",
    ]
  ) {
    assert.ok(
      anomaliesIn(await observe(bytes(text))).includes("pickle-malformed"),
      JSON.stringify(text),
    );
  }
  for (const text of ["V\\\\u00\n.", "V\\u0041\\\n.", "S'\\x41\\\\x'\n."]) {
    assert.deepEqual(anomaliesIn(await observe(bytes(text))), [], JSON.stringify(text));
  }
});

test("a stream that begins behind the unread rest of a frame is read", async () => {
  const decoy = bytes(0x80, 4, "C", 28);
  const hidden = bytes(0x80, 4, "cos\nsystem\n", CALL);
  const data = bytes(
    0x80,
    4,
    frame(2 + decoy.length),
    "N.",
    decoy,
    hidden,
    "\0".repeat(28 - hidden.length),
    ".",
  );
  const found = await observe(data);
  assert.deepEqual(called(found), ["frames os.system"]);
  assert.ok(anomaliesIn(found).includes("pickle-frame-divergence"));
});

test("frames are read in every way in a stream without a header, too", async () => {
  const second = bytes(frame(5), "cab", "cd", "os\nsystem\n", CALL);
  const found = await observe(bytes(0x80, 4, "N.", second));
  assert.ok(called(found).includes("frames os.system"), called(found).join());
});

/** What joblib writes where an array of numbers stood, without the array. */
function arrayWrapper(dtype: string, ...more: readonly (string | Uint8Array)[]): Uint8Array {
  const state = bytes(
    "}(X\x05\0\0\0shape(K\x1etX\x05\0\0\0dtypecnumpy\ndtype\n(U\x02",
    dtype,
    "tRu",
  );
  return bytes("cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81", state, ...more, "b");
}

test("a pickle that ends in an array is followed by streams that lie in arrays, too", async () => {
  // `pickle.load` ends the first at the array's own STOP, and finds the second in the next array.
  const first = bytes("](", arrayWrapper("O8"), "].", arrayWrapper("i1"));
  const hidden = bytes("cos\nsystem\n(S'x'\ntR.").subarray(0, 30);
  const data = bytes(first, hidden, "\0".repeat(30 - hidden.length), "e.");
  const found = await observe(data);
  assert.deepEqual(called(found).filter((call) => call.includes("os")), ["plain os.system"]);
});

test("frames in an array are read in every way by loaders that do not step over it", async () => {
  const inside = bytes(frame(5), "cab", "cd", "os\nsystem\n", ")R0");
  const data = bytes(
    0x80,
    4,
    arrayWrapper("i1"),
    inside,
    "\0".repeat(30 - inside.length),
    ".",
  );
  const found = await observe(data);
  assert.ok(called(found).includes("plain os.system"), called(found).join());
});

test("a wrapper whose state is a pair of dictionaries is stepped over all the same", async () => {
  const array = "cos\nsystem\n(S'in array'\ntR0000";
  const data = bytes(0x80, 4, arrayWrapper("i1", "N\x86"), array.padEnd(30, "0"), "cm\nf\n)R.");
  const found = await observe(data);
  assert.ok(called(found).includes("base m.f"), called(found).join());
  assert.ok(!called(found).includes("base os.system"), called(found).join());
  assert.ok(!anomaliesIn(found).includes("joblib-array-truncated"));
});

test("a frame far longer than its file leaves what was read before it where it is", async () => {
  const payload = bytes(0x80, 4, "N.");
  const loads = bytes("cpickle\nloads\nC", payload.length, payload, 0x85, "R0");
  const long = (low: number) => bytes(0x95, low, "\0\x10\0\0\0\0\0");
  const data = bytes(0x80, 4, long(40), loads, long(20), "N.");
  const found = await observe(data);
  assert.ok(called(found).some((call) => call.endsWith("pickle.loads")), called(found).join());
});

test("a carried memo holds the globals of the stream before, not those of the present one", async () => {
  const data = bytes("cm\nf\nq\0.", 0x80, 4, "cn\ng\n", 0x94, "h\0)R.");
  assert.deepEqual(called(await observe(data)), ["base n.g", "memo m.f"]);
});

test("asking for the same long value again and again ends at a budget, and what came before counts", async () => {
  const payload = bytes("cos\nsystem\n(S'echo'\ntR0");
  const text = bytes(0x80, 4, payload, longText(900_000), "q\0", "h\0h\0\x930".repeat(20_000), ".");
  const tuple = bytes(
    0x80,
    2,
    payload,
    "(",
    "N".repeat(900_000),
    "tq\0cm\nf\nq\x010",
    "h\x01h\0R0".repeat(20_000),
    ".",
  );
  for (const data of [text, tuple]) {
    const found: Observation[] = [];
    await assert.rejects(async () => {
      for await (const batch of scanStreams(bytesSource("x", data), context(), "pickle")) {
        found.push(...batch);
      }
    }, LimitError);
    assert.ok(called(found).includes("base os.system"));
  }
});

test("a chain of getattr ends where its dotted name is longer than any", async () => {
  const link = bytes("cbuiltins\ngetattr\nh\0U\x01a\x86Rq\0");
  const chain = Array.from({ length: 3000 }, () => link);
  await observe(bytes(0x80, 2, "cos\nq\nq\0", ...chain, "."));
});

test("a legacy torch file that ends before its fifth pickle is cut off", async () => {
  const magic = bytes(
    0x80,
    2,
    0x8a,
    10,
    0x6c,
    0xfc,
    0x9c,
    0x46,
    0xf9,
    0x20,
    0x6a,
    0xa8,
    0x50,
    0x19,
  );
  const data = bytes(magic, ".", 0x80, 2, "M\xe9\x03.", 0x80, 2, "}.", 0x80, 2, "}.");
  const cut = (await observe(data, "torch-legacy")).find((it) => it.type === "anomaly");
  assert.equal(cut?.type === "anomaly" && cut.unread, true);
});
