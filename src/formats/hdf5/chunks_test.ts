import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { bytesSource } from "../../sources/memory.ts";

const rules = loadRules({ strict: true });
const ROOT = new URL("../../../testdata/hdf5/", import.meta.url);
const read = (name: string) => new Uint8Array(readFileSync(new URL(name, ROOT)));
const scan = (bytes: Uint8Array) => scanSource(bytesSource("m.h5", bytes), { rules });
const FILTERED = readdirSync(new URL("harmful/", ROOT)).filter((name) =>
  /^(?:blosc|bzip2)/.test(name)
);

test("objects behind Blosc and bzip2 are unpickled like any others", async () => {
  assert.equal(FILTERED.length, 5);
  for (const name of FILTERED) {
    const { verdict, findings } = await scan(read(`harmful/${name}`));
    assert.equal(verdict, "dangerous", name);
    assert.ok(findings.some(({ location }) => location.parts[0] === "/objects[1]"), name);
    assert.equal((await scan(read(`safe/${name}`))).verdict, "clean", name);
  }
});

test("a filter that is not here is named, with what helps", async () => {
  const bytes = read("harmful/bzip2.h5");
  const text = String.fromCharCode(...bytes);
  // Two bytes of the pipeline's first filter: 307 becomes 32008.
  const other = bytes.slice();
  for (let from = text.indexOf("\x33\x01"); from >= 0; from = text.indexOf("\x33\x01", from + 1)) {
    other.set([0x08, 0x7d], from);
  }
  const { verdict, findings } = await scan(other);
  assert.equal(verdict, "incomplete");
  const found = findings.find(({ ruleId }) => ruleId === "hdf5-filter");
  assert.match(found?.message ?? "", /bitshuffle \(32008\)/);
  assert.doesNotMatch(found?.message ?? "", /plugin/);
  assert.match(rules.find("hdf5-filter")?.fix ?? "", /h5repack/);
});

test("no changed byte of a chunk, its tree or its filters makes the scan fail or hides what it had", async () => {
  const complete = read("harmful/blosc_lz4.h5");
  for (let at = 1024; at < complete.length; at += 61) {
    const changed = complete.slice();
    changed[at] = (changed[at] ?? 0) ^ 0xff;
    assert.ok((await scan(changed)).verdict, `byte ${at}`);
  }
});

test("a chunk cut off is never clean", async () => {
  for (const name of FILTERED) {
    const complete = read(`harmful/${name}`);
    for (let end = 1500; end < complete.length; end += 397) {
      assert.notEqual(
        (await scan(complete.subarray(0, end))).verdict,
        "clean",
        `${name} at ${end}`,
      );
    }
  }
});
