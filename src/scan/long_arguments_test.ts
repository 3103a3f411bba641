/**
 * Pickles that a look at their first bytes does not show, and texts that a look takes for one.
 * CPython's unpicklers run all of the former: nothing bounds the length of an argument.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { buildZip } from "../formats/testing/zip.ts";
import { loadRules } from "../rules/rules.ts";
import { forwardSource } from "../sources/forward.ts";
import { bytesSource } from "../sources/memory.ts";
import { scanSource } from "./scan_source.ts";

const rules = loadRules();
const CALL = "cposix\nsystem\n(S'echo long'\ntR.";

function join(...parts: readonly (string | Uint8Array | readonly number[])[]): Uint8Array {
  const arrays = parts.map((part) =>
    typeof part === "string" ? new TextEncoder().encode(part) : Uint8Array.from(part)
  );
  const all = new Uint8Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all;
}

/** Pickles without PROTO, with an argument longer than the head that detection sees. */
const LONG: Readonly<Record<string, Uint8Array>> = {
  "BINBYTES8": join([0x8e, 0x70, 0x11, 1, 0, 0, 0, 0, 0], new Uint8Array(70_000), "0", CALL),
  "BINUNICODE": join("X", [0x70, 0x11, 1, 0], "y".repeat(70_000), "0", CALL),
  "a line of text": join("V", "x".repeat(200_000), "\n0", CALL),
  "a line of digits": join(
    "I",
    "7".repeat(4000),
    "\n0".repeat(1),
    "V",
    "8".repeat(90_000),
    "\n0",
    CALL,
  ),
  "twenty lines of digits": join(("I" + "0".repeat(4000) + "\n0").repeat(20), CALL),
  "LONG4": join([0x8b, 0x70, 0x11, 1, 0], new Uint8Array(70_000).fill(1), "0", CALL),
  "thirteen of 7 kB": join(
    ...Array.from({ length: 13 }, () => ["B", [0x58, 0x1b, 0, 0], new Uint8Array(7000), "0"])
      .flat(),
    CALL,
  ),
  "a harmless stream before": join("V", "x".repeat(70_000), "\n.", CALL),
};

for (const [what, bytes] of Object.entries(LONG)) {
  test(`a pickle is found behind arguments longer than the head: ${what}`, async () => {
    for (const name of ["model.dat", "notes.txt", "model.pkl"]) {
      const report = await scanSource(bytesSource(name, bytes), { rules });
      assert.equal(report.verdict, "dangerous", name);
    }
    const zipped = buildZip([{ name: "member", data: bytes, deflate: true }]);
    assert.equal((await scanSource(bytesSource("a.zip", zipped), { rules })).verdict, "dangerous");
    const packed = new Uint8Array(gzipSync(bytes));
    assert.equal((await scanSource(bytesSource("a.gz", packed), { rules })).verdict, "dangerous");
  });
}

test("a stream too long to be kept, of which nothing can be determined, is incomplete", async () => {
  const bytes = join("V", "x".repeat(300_000), "\n0", CALL);
  let done = false;
  const pull = () => {
    if (done) return Promise.resolve(undefined);
    done = true;
    return Promise.resolve(bytes);
  };
  const report = await scanSource(forwardSource("member", pull), {
    rules,
    limits: { spoolBytes: 100_000 },
  });
  assert.equal(report.verdict, "incomplete");
});

test("an import that has run before the pickle breaks counts", async () => {
  const bytes = join("cbuiltins\nexec\n", [0xff, 0xff]);
  for (const name of ["model.pkl", "model.dat", "model.txt"]) {
    const report = await scanSource(bytesSource(name, bytes), { rules });
    assert.equal(report.verdict, "dangerous", name);
  }
});

test("text that begins like opcodes and imports nothing is text", async () => {
  const texts = [
    "GIT v1.5.2.\n\nRelease notes follow.\n",
    "cyan,magenta,yellow\nred,green,blue\nq1.",
    "cat\ndog\nhorse\n",
    "I0 .\n",
    "Vocabulary of the model\n.",
    "(lp0\nis a line of a list\n",
    "N. Smith wrote this.\n",
    "#!/bin/sh\necho hello\n",
  ];
  for (const text of texts) {
    for (const name of ["notes.txt", "table.csv", "README"]) {
      const report = await scanSource(bytesSource(name, join(text)), { rules });
      assert.equal(report.verdict === "skipped" || report.formats.includes("native"), true, text);
    }
  }
});

test("a list of protocol 0 is a pickle where its name says so", async () => {
  const report = await scanSource(bytesSource("list.pkl", join("(lp0\nI1\naI2\na.")), { rules });
  assert.deepEqual([report.verdict, report.formats], ["clean", ["pickle"]]);
});
