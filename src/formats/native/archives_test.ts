import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { forwardSource } from "../../sources/forward.ts";
import { bytesSource } from "../../sources/memory.ts";
import type { Source } from "../../core/source.ts";
import { embeddedArchives } from "./archives.ts";
import { buildZip, bytesOf, join } from "../testing/zip.ts";
import { SWEEP } from "../../parsers/testing/sweep.ts";

const TESTDATA = new URL("../../../testdata/sevenzip/", import.meta.url);
const read = (name: string) => new Uint8Array(readFileSync(new URL(name, TESTDATA)));
const rules = loadRules();

/** A program of so many bytes, as far as its head tells. */
function program(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(bytesOf("\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0"));
  return bytes;
}

async function offsets(source: Source): Promise<number[]> {
  const found: number[] = [];
  for await (const { offset } of embeddedArchives(source, () => {})) found.push(offset);
  return found;
}

const ARCHIVES = [
  "harmful/malicious.7z",
  "harmful/rar4.rar",
  "harmful/rar5.rar",
  "harmful/stored.cab",
];

test("an archive behind a program is found wherever it begins, and read as what it is", async () => {
  for (const name of ARCHIVES) {
    const archive = read(name);
    for (const stub of [18, 4096, 256 * 1024 - 3, 256 * 1024, 256 * 1024 + 1]) {
      const bytes = join(program(stub), archive);
      assert.deepEqual(await offsets(bytesSource("x", bytes)), [stub], name);
    }
    const report = await scanSource(bytesSource("x", join(program(5000), archive)), { rules });
    assert.equal(report.verdict, "dangerous", name);
    const worst = report.findings.find(({ safety }) => safety === "dangerous");
    assert.equal(worst?.location.parts[0], "archive_at_5000", name);
  }
});

test("it is found in a stream and within an archive, too", async () => {
  const bytes = join(program(300_000), read("harmful/malicious.7z"));
  const pieces = [bytes];
  const stream = forwardSource("x", () => Promise.resolve(pieces.shift()));
  assert.equal((await scanSource(stream, { rules })).verdict, "dangerous");
  const zipped = bytesSource("x.zip", buildZip([{ name: "setup.exe", data: bytes }]));
  assert.equal((await scanSource(zipped, { rules })).verdict, "dangerous");
});

test("a harmless archive behind a program leaves its name's claim fulfilled; without one it is unread", async () => {
  const archive = read("safe/safe.7z");
  const verdict = async (bytes: Uint8Array) =>
    (await scanSource(bytesSource("x.7z", bytes), { rules })).verdict;
  assert.equal(await verdict(join(program(5000), archive)), "clean");
  assert.equal(await verdict(program(5000)), "incomplete");
});

test("a program's own copy of a signature is no archive", async () => {
  for (const name of ARCHIVES) {
    const signature = read(name).subarray(0, 8);
    const bytes = join(program(1000), signature, new Uint8Array(100), signature.subarray(0, 6));
    assert.deepEqual(await offsets(bytesSource("x", bytes)), [], name);
  }
});

test("an archive cut anywhere behind a program is never called clean", async () => {
  // Beside a program: the cuts at every few bytes of the archive itself are in ../sevenzip/recover_test.ts.
  const archive = read("harmful/malicious.7z");
  for (let length = 32; length < archive.length; length += 7 * SWEEP) {
    const bytes = join(program(100), archive.subarray(0, length));
    const report = await scanSource(bytesSource("x.7z", bytes), { rules });
    assert.ok(["incomplete", "dangerous"].includes(report.verdict), `${length}: ${report.verdict}`);
  }
});

// Each archive costs a module of 7-Zip's, which Bun compiles anew: the count is the same in both runtimes.
const skip = "Bun" in globalThis && "the same count under Deno";

test("more archives than are opened leave a program unread", { skip }, async () => {
  const many = join(program(100), ...Array.from({ length: 9 }, () => read("safe/safe.7z")));
  const report = await scanSource(bytesSource("x", many), { rules });
  assert.equal(report.verdict, "incomplete");
});
