import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { latin1 } from "../../parsers/bytes.ts";
import type { Source } from "../../core/source.ts";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { assertChangesAreRead, assertCutsNeverClean, report } from "../testing/cuts.ts";

const rules = loadRules();

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../../../testdata/arrow/${name}`, import.meta.url)));
}

test("a table cut anywhere is never clean", async () => {
  for (const name of ["plain.parquet", "pandas.parquet", "polars.parquet", "part/p0.parquet"]) {
    await assertCutsNeverClean("m.parquet", read(`safe/${name}`));
  }
  for (const name of ["plain.arrow", "pandas.feather"]) {
    await assertCutsNeverClean("m.arrow", read(`safe/${name}`));
  }
});

test("a stream is whole where a message ends, and nowhere else", async () => {
  const bytes = read("safe/stream.arrow");
  // Readers take the end of the bytes for the end of the stream: behind the schema, behind the batch.
  const view = new DataView(bytes.buffer);
  const schema = 8 + view.getUint32(4, true);
  await assertCutsNeverClean("m.arrow", bytes, { allowed: [schema, bytes.length - 8] });
});

test("bytes changed anywhere are read without a defect", async () => {
  for (
    const name of ["harmful/extension.parquet", "harmful/extension.arrow", "safe/stream.arrow"]
  ) {
    await assertChangesAreRead(`m.${name.split(".")[1]}`, read(name), 3);
  }
});

test("the beginning of a Parquet file says nothing to readers, and hides nothing", async () => {
  const bytes = read("harmful/extension.parquet");
  bytes.fill(0, 0, 4);
  assert.equal((await report("m.parquet", bytes)).verdict, "dangerous");
  assert.equal((await report("m.bin", bytes)).verdict, "dangerous");
});

test("a text that begins with a magic number is a text", async () => {
  const text = new TextEncoder().encode("PARENT\n------\n\nThe folder above.\n");
  assert.equal((await report("PARENT.rst", text)).verdict, "skipped");
  assert.equal((await report("m.parquet", text)).verdict, "incomplete");
});

test("places of columns are compared with the file", async () => {
  const bytes = read("safe/plain.parquet");
  // The data in front of the footer are gone, so that what the footer says lies outside.
  const length = new DataView(bytes.buffer).getUint32(bytes.length - 8, true);
  const footer = bytes.subarray(bytes.length - 8 - length);
  const { verdict, findings } = await report("m.parquet", footer.slice());
  assert.equal(verdict, "suspicious");
  assert.ok(findings.every(({ ruleId }) => ruleId === "arrow-place"));
});

/** A file of zeros with a footer at its end, which counts what is read. */
function sparse(tail: Uint8Array, size: number): { source: Source; bytesRead: () => number } {
  let bytesRead = 0;
  const source: Source = {
    name: "m.parquet",
    size,
    access: "random",
    read(offset, length) {
      const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
      const from = offset - (size - tail.length);
      if (from + bytes.length > 0) {
        bytes.set(tail.subarray(Math.max(0, from), from + bytes.length), Math.max(0, -from));
      }
      bytesRead += bytes.length;
      return Promise.resolve(bytes);
    },
  };
  return { source, bytesRead: () => bytesRead };
}

test("of a gigabyte of columns less than a megabyte is read", async () => {
  for (const [name, verdict] of [["safe/plain", "clean"], ["harmful/extension", "dangerous"]]) {
    const { source, bytesRead } = sparse(read(`${name}.parquet`), 1 << 30);
    assert.equal((await scanSource(source, { rules })).verdict, verdict);
    assert.ok(bytesRead() < 1 << 20, `${bytesRead()} bytes read`);
  }
});

test("classes in Avro's schema are found whatever escapes spell the property", async () => {
  const bytes = read("harmful/avro.parquet");
  const at = new TextDecoder("latin1").decode(bytes).indexOf('"java-class": "javax.swing.JEdit');
  // Six characters for one: the rest of the class's name gives them room.
  bytes.set(new TextEncoder().encode('"\\u006aava-class": "javax.swing"'), at);
  assert.equal((await report("m.parquet", bytes)).verdict, "dangerous");
});

/** The footer of a Parquet file, with what is done to it, and the file with the result. */
function withFooter(bytes: Uint8Array, change: (footer: Uint8Array) => Uint8Array): Uint8Array {
  const end = bytes.length - 8;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(end, true);
  const footer = change(bytes.slice(end - length, end));
  const tail = new Uint8Array(8);
  new DataView(tail.buffer).setUint32(0, footer.length, true);
  tail.set(bytes.subarray(end + 4), 4);
  return Uint8Array.of(...bytes.subarray(0, end - length), ...footer, ...tail);
}

test("a list whose items are of another type than the schema has it hides no metadata", async () => {
  const bytes = read("harmful/extension.parquet");
  const place = (footer: Uint8Array): number =>
    latin1(footer, footer.length).indexOf("ARROW:schema") - 3;
  assert.equal((await report("m.parquet", withFooter(bytes, (it) => it))).verdict, "dangerous");
  for (const type of [1, 3, 5, 8, 9, 11]) {
    const changed = withFooter(bytes, (footer) => {
      const at = place(footer);
      // One item, a structure.
      assert.equal(footer[at], 0x1c);
      footer[at] = 0x10 + type;
      return footer;
    });
    assert.notEqual((await report("m.parquet", changed)).verdict, "clean", String(type));
  }
});

test("a field whose number has more than 16 bits is none of the schema's", async () => {
  const bytes = read("harmful/extension.parquet");
  const changed = withFooter(bytes, (footer) => {
    const at = latin1(footer, footer.length).indexOf("ARROW:schema") - 4;
    // Delta 1 and list; then the number 65,541, of which readers keep 5.
    assert.equal(footer[at], 0x19);
    return Uint8Array.of(
      ...footer.subarray(0, at),
      ...[0x09, 0x8a, 0x80, 0x08],
      ...footer.subarray(at + 1),
    );
  });
  assert.notEqual((await report("m.parquet", changed)).verdict, "clean");
});

test("streams of any length and release are found by content, and beside a footer", async () => {
  const file = read("harmful/extension.arrow");
  // What follows the magic number of a file is a stream.
  const stream = file.subarray(8);
  const view = new DataView(stream.buffer, stream.byteOffset);
  const length = view.getUint32(4, true);
  const message = stream.subarray(8, 8 + length);
  const prefixed = (more: number, ...start: readonly number[]): Uint8Array => {
    const bytes = new Uint8Array(start.length + 4 + length + more + 8);
    bytes.set(start);
    new DataView(bytes.buffer).setUint32(start.length, length + more, true);
    bytes.set(message, start.length + 4);
    if (start.length > 0) bytes.set(start, start.length + 4 + length + more);
    return start.length > 0 ? bytes : bytes.subarray(0, bytes.length - 4);
  };
  const mark = [255, 255, 255, 255];
  for (
    const bytes of [prefixed(0, ...mark), prefixed(4, ...mark), prefixed(1, ...mark), prefixed(0)]
  ) {
    assert.equal((await report("data", bytes)).verdict, "dangerous");
  }
  const harmless = read("safe/plain.arrow");
  const both = Uint8Array.of(...prefixed(0, ...mark), ...harmless);
  assert.equal((await report("data", both)).verdict, "dangerous");
});
