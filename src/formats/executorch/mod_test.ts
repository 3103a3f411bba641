import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { buildZip } from "../testing/zip.ts";
import { assertChangesAreRead, assertCutsNeverClean, report } from "../testing/cuts.ts";

const TESTDATA = new URL("../../../testdata/executorch/", import.meta.url);

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, TESTDATA)));
}

test("a program or data file cut anywhere is never clean", async () => {
  for (const name of readdirSync(new URL("safe/", TESTDATA))) {
    await assertCutsNeverClean("m.bin", read(`safe/${name}`), { suspicious: true });
  }
});

test("bytes changed anywhere are read without a defect", async () => {
  for (const name of ["safe/branch.pte", "safe/xnnpack.pte", "safe/weights.ptd"]) {
    await assertChangesAreRead("m.bin", read(name), 7);
  }
});

test("a backend is reported by its name, whatever else the program calls", async () => {
  const { findings } = await report("m.pte", read("suspicious/backend.pte"));
  assert.ok(findings.some(({ ruleId }) => ruleId === "executorch-unknown-backend"));
  assert.ok(findings.some(({ message }) => message.includes("ExampleBackend")));
});

test("what an unknown backend is given is looked into, and what follows the segments", async () => {
  const program = read("suspicious/backend.pte");
  const payload = new TextEncoder().encode("cposix\nsystem\n(S'echo x'\ntR.");
  const inside = program.slice();
  // The segment is behind the program, whose size the header has.
  const base = Number(new DataView(program.buffer).getBigUint64(24, true));
  assert.ok(inside.length - base >= payload.length);
  inside.fill(0, base);
  inside.set(payload, base);
  const known = (await report("m.pte", program)).findings.length;
  assert.ok((await report("m.pte", inside)).findings.length > known);
  const plain = read("safe/linear.pte");
  const behind = new Uint8Array(plain.length + 5000 + payload.length);
  behind.set(plain);
  behind.set(payload, plain.length + 5000);
  assert.notEqual((await report("m.pte", behind)).verdict, "clean");
  for (const name of ["safe/linear.pte", "safe/branch.pte", "safe/weights.ptd"]) {
    const short = Uint8Array.of(...read(name), ...payload);
    assert.notEqual((await report(name, short)).verdict, "clean", name);
    const padded = Uint8Array.of(...read(name), ...new Uint8Array(40));
    assert.equal((await report(name, padded)).verdict, "clean", name);
  }
});

test("a program in an archive is judged as alone", async () => {
  const archive = buildZip([{ name: "model", data: read("harmful/native_backend.pte") }]);
  assert.equal((await report("m.zip", archive)).verdict, "dangerous");
});
