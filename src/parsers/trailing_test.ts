import assert from "node:assert/strict";
import { test } from "node:test";
import { HINT } from "../core/hints.ts";
import { forwardSource } from "../sources/forward.ts";
import { bytesSource } from "../sources/memory.ts";
import { behindEnd, behindLast, hiddenEntry, hiddenFiles } from "./trailing.ts";

const ascii = (text: string) => new TextEncoder().encode(text);

test("what lies behind the end is handed on from its first written byte on, as hidden", async () => {
  for (const padding of ["", "\0".repeat(16), "\0".repeat(70_000), " \r\n\t\0"]) {
    const source = bytesSource("file", ascii(`data${padding}#!/bin/sh`));
    const { source: hidden, hint, loaded } = await hiddenEntry(source, "part", 4);
    const bytes = await hidden.read(0, 100);
    assert.equal(new TextDecoder().decode(bytes), "#!/bin/sh", `${padding.length} bytes`);
    assert.equal(hint, HINT.hidden);
    assert.equal(loaded, "data");
  }
});

test("a stretch between two offsets ends at the second", async () => {
  const source = bytesSource("file", ascii("data\0\0hidden data"));
  const { source: hidden } = await hiddenEntry(source, "part", 4, 12);
  assert.equal(new TextDecoder().decode(await hidden.read(0, 100)), "hidden");
  const { source: nothing } = await hiddenEntry(source, "part", 4, 6);
  assert.equal((await nothing.read(0, 100)).length, 0);
});

test("a source that is read once is handed on as it is", async () => {
  const source = forwardSource("file", ReadableStream.from([ascii("data\0hidden")]));
  const { source: hidden, hint } = await hiddenEntry(source, "part", 4);
  assert.equal(new TextDecoder().decode(await hidden.read(0, 100)), "\0hidden");
  assert.equal(hint, HINT.hidden);
});

test("zeros behind the end are padding, anything else is an entry", async () => {
  const kinds = async (text: string) =>
    (await behindEnd(bytesSource("file", ascii(text)), 4)).map((it) =>
      it.type === "anomaly" ? it.rule : it.type
    );
  assert.deepEqual(await kinds("data"), []);
  assert.deepEqual(await kinds("data\0\0"), ["file-padding"]);
  assert.deepEqual(await kinds("data\0x"), ["file-trailing-data", "entry"]);
});

test("behind an end that is known roughly zeros are nothing, and anything else is looked into", async () => {
  const kinds = async (text: string) =>
    (await behindLast(bytesSource("file", ascii(text)), 4)).map((it) => it.type);
  assert.deepEqual(await kinds("data"), []);
  assert.deepEqual(await kinds("da"), []);
  assert.deepEqual(await kinds(`data${"\0".repeat(5000)}`), []);
  assert.deepEqual(await kinds("data\0x"), ["entry"]);
});

test("programs and archives are found at any place of a stretch", async () => {
  const text = "data\x7fELF\x02\x01 PK\x03\x04, BZh and PK\x01";
  const source = bytesSource("file", Uint8Array.from(text, (each) => each.charCodeAt(0)));
  const found = await hiddenFiles(source, await source.read(2, 100), 2);
  assert.deepEqual(found.map(({ part }) => part), ["bytes_4", "bytes_11"]);
});
