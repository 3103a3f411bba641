import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { bytesSource } from "../../sources/memory.ts";
import type { Source } from "../../core/source.ts";
import { hdf5Format } from "./mod.ts";
import { run, sampleOf } from "../testing/scan.ts";
import { SWEEP } from "../../parsers/testing/sweep.ts";

const read = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../../testdata/keras/${name}`, import.meta.url)));
const scan = (bytes: Uint8Array) => run(hdf5Format, bytes, { name: "m.h5" });

test("the superblock is found at 0, 512, 1024 and so on, and nowhere else", () => {
  const signature = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
  for (const [at, found] of [[0, true], [512, true], [1024, true], [1536, false], [1, false]]) {
    const bytes = new Uint8Array(4096);
    bytes.set(signature, Number(at));
    assert.equal(hdf5Format.detect(sampleOf(bytes)), found, String(at));
  }
  assert.equal(hdf5Format.detect(sampleOf(new Uint8Array(0))), false);
});

test("the configurations are handed on, as text of variable length and of fixed", async () => {
  for (const name of ["safe/dense.h5", "safe/dense_keras2.h5"]) {
    const { entries, rules, error } = await scan(read(name));
    assert.deepEqual([rules, error], [[], undefined]);
    assert.deepEqual(entries.map(({ part, hint }) => [part, hint]), [
      ["model_config", "keras-config-h5"],
      ["training_config", "keras-config-h5"],
    ]);
    for (const { text } of entries) assert.equal(typeof JSON.parse(text), "object");
  }
});

test("weights without a configuration are nothing to speak of, cycles of links neither", async () => {
  for (const name of ["safe/model.weights.h5", "safe/cycles.h5"]) {
    const { rules, error } = await scan(read(name));
    assert.deepEqual([rules, error], [[], undefined], name);
  }
});

test("links and datasets that lead to other files are reported with the file's name", async () => {
  const cases = [
    ["external_link.h5", "/etc/other.h5"],
    ["external_storage_new.h5", "/etc/passwd"],
    ["external_storage_user_block.h5", "/etc/passwd"],
    ["virtual_dataset.h5", "../other.h5"],
  ] as const;
  for (const [name, file] of cases) {
    const { anomalies, unread } = await scan(read(`suspicious/${name}`));
    assert.deepEqual(anomalies.map(({ rule }) => rule), ["hdf5-external"], name);
    assert.ok(anomalies[0]?.detail.includes(JSON.stringify(file)), anomalies[0]?.detail);
    assert.equal(unread, false);
  }
});

const readOther = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../../testdata/hdf5/${name}`, import.meta.url)));

test("what PyTables and hickle unpickle is handed on as pickles, and nothing else is", async () => {
  const cases = [
    ["harmful/attribute.h5", ["/settings@layers"]],
    ["harmful/rows.h5", ["/rows[0]", "/rows[1]"]],
    ["harmful/types_table.hkl", ["/hickle_types_table/0"]],
    // Titles and notes end in a dot too.
    ["safe/pytables.h5", ["/rows[0]", "/rows[1]", "/settings@layers"]],
    ["safe/hickle.hkl", ['/data/"price"', "/hickle_types_table/0", "/hickle_types_table/2"]],
  ] as const;
  for (const [name, parts] of cases) {
    const { entries, rules, error } = await scan(readOther(name));
    assert.deepEqual([rules, error], [[], undefined], name);
    assert.deepEqual(entries.map(({ part }) => part).toSorted(), parts, name);
    assert.ok(entries.every(({ hint }) => hint === "pickle"), name);
  }
});

test("pickled rows and attributes of a file that is cut off anywhere are found or missed aloud", async () => {
  for (const name of ["attribute.h5", "rows.h5", "types_table.hkl"]) {
    const bytes = readOther(`harmful/${name}`);
    // Numbers and addresses of HDF5 have two bytes and more.
    for (let length = 512; length < bytes.length; length += 3 * SWEEP) {
      const { entries, unread, error } = await scan(bytes.subarray(0, length));
      assert.ok(entries.length > 0 || unread || error !== undefined, `${name}: ${length} bytes`);
    }
  }
});

test("a row that claims a gigabyte is refused before there is memory for it", async () => {
  const { anomalies, unread } = await scan(readOther("unreadable/lying_row.h5"));
  assert.equal(unread, true);
  assert.match(anomalies[0]?.detail ?? "", /^Cannot read the dataset \/rows: .*memory/u);
});

test("attributes of more strings than are distinguished are left unread aloud, and hide no other", async () => {
  const { anomalies, entries, unread } = await scan(readOther("harmful/behind_many_values.h5"));
  const reported = anomalies.map(({ detail }) => detail).toSorted();
  assert.deepEqual(reported, [
    "Only the first 16 of 17 values of training_config were looked into",
    "There are 70000 strings or rows in one place",
    "There are 70000 strings or rows in one place",
  ]);
  assert.equal(entries.filter(({ part }) => part.startsWith("training_config[")).length, 16);
  assert.equal(entries.at(-1)?.part, "/a@x");
  assert.equal(unread, true);
});

/** As a server would give bytes: never without waiting. */
function remote(bytes: Uint8Array): { source: Source; fetched: () => number } {
  const inner = bytesSource("m.h5", bytes);
  let fetched = 0;
  const source: Source = {
    name: "m.h5",
    size: bytes.length,
    access: "random",
    async read(offset, length) {
      const part = await inner.read(offset, length);
      fetched += part.length;
      return part;
    },
  };
  return { source, fetched: () => fetched };
}

test("a source that cannot be read without waiting gives the same", async () => {
  for (const name of ["safe/dense.h5", "safe/cycles.h5", "suspicious/external_storage_new.h5"]) {
    const bytes = read(name);
    const { source, fetched } = remote(bytes);
    const there = await run(hdf5Format, bytes, { name: "m.h5", source });
    const here = await scan(bytes);
    assert.deepEqual([there.entries, there.anomalies], [here.entries, here.anomalies], name);
    assert.ok(fetched() <= 4 * bytes.length + 65_536, `${name}: ${fetched()} bytes`);
  }
});

test("a file that is cut off anywhere is unread", async () => {
  const bytes = read("suspicious/external_link.h5");
  for (let length = 8; length < bytes.length; length += 2 * SWEEP) {
    const { unread } = await scan(bytes.subarray(0, length));
    assert.ok(unread, `cut at ${length}`);
  }
});

test("changed bytes end in findings, never in a crash or a hang", async () => {
  for (const name of ["suspicious/external_storage_new.h5", "safe/cycles.h5"]) {
    const bytes = read(name);
    for (let at = 8; at < Math.min(bytes.length, 4096); at += 13 * SWEEP) {
      for (const value of [0x00, 0x7f, 0xff]) {
        const changed = bytes.slice();
        changed[at] = value;
        await scan(changed);
      }
    }
  }
});

test("after all of that a good file is still read", async () => {
  const { entries, unread } = await scan(read("safe/dense.h5"));
  assert.deepEqual([entries.length, unread], [2, false]);
});

test("a spent budget ends the scan", async () => {
  const { error } = await run(hdf5Format, read("safe/recurrent.h5"), {
    name: "m.h5",
    limits: { members: 5 },
  });
  assert.match(String(error), /more than 5 objects/);
});
