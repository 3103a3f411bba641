import { strict as assert } from "node:assert";
import { test } from "node:test";
import { HINT } from "../../core/hints.ts";
import { run, sampleOf } from "../testing/scan.ts";
import { pickleFormat } from "./mod.ts";
import { torchLegacyFormat } from "./torch_legacy.ts";

const SYSTEM = new TextEncoder().encode("cposix\nsystem\n(S'echo hi'\ntR.");

test("a pickle of protocol 0 is recognised by a trial parse, text is not", () => {
  assert.equal(pickleFormat.detect(sampleOf(SYSTEM)), true);
  assert.equal(pickleFormat.detect(sampleOf(new TextEncoder().encode("plain text\n"))), false);
});

test("whatever a container says is unpickled is read as a pickle", () => {
  const noise = new TextEncoder().encode("plain text\n");
  assert.equal(pickleFormat.detect(sampleOf(noise, { hint: HINT.pickle })), true);
  assert.equal(pickleFormat.detect(sampleOf(new Uint8Array(0), { hint: HINT.pickle })), false);
});

test("the checkpoint of the old kind is known by its magic number alone", () => {
  const magic = Uint8Array.of(
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
    0x2e,
  );
  assert.equal(torchLegacyFormat.detect(sampleOf(magic)), true);
  assert.equal(pickleFormat.detect(sampleOf(magic)), false);
  assert.equal(torchLegacyFormat.detect(sampleOf(SYSTEM)), false);
});

test("imports and calls are stated with the byte at which they happen", async () => {
  const { facts } = await run(pickleFormat, SYSTEM);
  assert.deepEqual(facts.map(({ fact }) => fact.kind).sort(), ["call", "import"]);
});
