import assert from "node:assert/strict";
import { test } from "node:test";
import { anomaliesIn, bytes, factsIn, observe } from "../testing/pickle.ts";

const CALL = "cos\nsystem\n(Vecho hi\ntR.";

/** A storage of a tar file: a triple, a count in eight bytes, and so many floats. */
function storage(type: string, floats: number): Uint8Array {
  const raw = new Uint8Array(8 + 4 * floats);
  raw[0] = floats;
  return bytes(`(V0\nVcpu\nctorch\n${type}\nt.`, raw);
}

/** The calls that a member `storages` or `tensors` makes. */
async function calls(data: Uint8Array, layout: "torch-tar-storages" | "torch-tar-tensors") {
  const observations = await observe(data, layout);
  const found = factsIn(observations).flatMap((it) => it.kind === "call" ? [it.expression] : []);
  return { found, anomalies: anomaliesIn(observations) };
}

test("storages are stepped over as many as there are", async () => {
  const { found, anomalies } = await calls(
    bytes("I2\n.", storage("FloatStorage", 3), storage("FloatStorage", 0), CALL),
    "torch-tar-storages",
  );
  assert.deepEqual(found, ["os.system('echo hi')"]);
  assert.deepEqual(anomalies, []);
});

test("a count that is not known is said, and the streams behind it are read", async () => {
  const count = "coperator\npos\n(I1\ntR.";
  const { found, anomalies } = await calls(
    bytes(count, storage("FloatStorage", 3), CALL),
    "torch-tar-storages",
  );
  assert.ok(found.includes("os.system('echo hi')"), found.join());
  assert.ok(anomalies.includes("torch-storage-mismatch"));
  const tensor = bytes("(V0\nV0\nctorch\nFloatTensor\nt.", 1, 0, 0, 0, new Uint8Array(28));
  const other = await calls(bytes(count, tensor, CALL), "torch-tar-tensors");
  assert.ok(other.found.includes("os.system('echo hi')"), other.found.join());
  assert.ok(other.anomalies.includes("torch-storage-mismatch"));
});

test("behind a storage of no known type streams are searched for", async () => {
  const { found, anomalies } = await calls(
    bytes("I2\n.", storage("OtherStorage", 3), CALL),
    "torch-tar-storages",
  );
  assert.ok(found.includes("os.system('echo hi')"), found.join());
  assert.ok(anomalies.includes("torch-storage-mismatch"));
});
