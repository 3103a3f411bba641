import assert from "node:assert/strict";
import { test } from "node:test";
import { namesOf, packAllowlist } from "./allowed.ts";
import { ALLOWLISTS } from "./allowlists.ts";
import { EVIDENCE } from "./evidence.ts";
import { packEvidence, trustOf } from "./trust.ts";
import { unpackText } from "./packed_text.ts";

const row = { module: "lib.core", use: "called", call: [], restore: [] };

test("evidence is packed in the order of its list, and what is alike is written once", () => {
  const list = packAllowlist({
    library: "lib",
    version: "1",
    filled: {},
    called: { "lib.core": ["A", "B"] },
    restored: { "lib.core": ["C"] },
    named: {},
  });
  const packed = packEvidence(list, ["lib 1", "lib 2"], [
    { ...row, name: "B", kind: "class", releases: 3n },
    { ...row, name: "A", kind: "class", releases: 3n },
    { ...row, name: "C", kind: "class", releases: 2n, restore: ["calls-method:keys", "crash"] },
  ]);
  assert.equal(unpackText(list.text), "00lib.core 0A 0B ~0C");
  assert.equal(unpackText(packed.codes), "000001");
  assert.deepEqual(JSON.parse(unpackText(packed.kinds)), [
    { kind: "class", releases: "3", methods: [] },
    { kind: "class", releases: "2", methods: ["keys"] },
  ]);
});

test("every list has evidence for each of its names", () => {
  assert.deepEqual(
    EVIDENCE.map(({ library }) => library),
    ALLOWLISTS.map(({ library }) => library),
  );
  for (const [index, list] of ALLOWLISTS.entries()) {
    const codes = unpackText(EVIDENCE[index]?.codes ?? "");
    assert.equal(codes.length, 2 * [...namesOf(list)].length, list.library);
  }
});

test("a name is trusted from the releases that have it", async () => {
  const [loss, ...others] = await trustOf("_loss.CyHalfSquaredError");
  assert.deepEqual(others, []);
  assert.equal(loss?.list, "sklearn");
  const versions = loss?.releases.map((each) => /^sklearn (1\.\d+)/.exec(each)?.[1]);
  assert.ok(versions?.includes("1.5") && versions.includes("1.7"));
  assert.ok(!versions.includes("1.2") && !versions.includes("1.9"));
  assert.deepEqual(await trustOf("os.system"), []);
});
