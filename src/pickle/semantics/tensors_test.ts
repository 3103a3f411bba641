import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesSource } from "../../sources/memory.ts";
import { scanStreams } from "../streams/streams.ts";
import { bytes, context, str } from "../testing/pickle.ts";

/** A checkpoint's data.pkl: one tensor of `size` elements over a storage of four floats. */
function checkpoint(size: number, stride = 1, offset = 0, count = 4): Uint8Array {
  const id = bytes(
    "(",
    str("storage"),
    "ctorch\nFloatStorage\n",
    str("0"),
    str("cpu"),
    "K",
    count,
    "tQ",
  );
  return bytes(
    0x80,
    2,
    "ctorch._utils\n_rebuild_tensor_v2\n(",
    id,
    "K",
    offset,
    "K",
    size,
    0x85,
    "K",
    stride,
    0x85,
    0x89,
    "ccollections\nOrderedDict\n)RtR.",
  );
}

/** The mismatches that are reported. */
async function mismatches(data: Uint8Array, storage?: number): Promise<string[]> {
  const siblings = { size: (path: string) => path === "data/0" ? storage : undefined };
  const found: string[] = [];
  for await (
    const batch of scanStreams(bytesSource("data.pkl", data), { ...context(), siblings }, "pickle")
  ) {
    for (const it of batch) if (it.type === "anomaly") found.push(`${it.rule}: ${it.detail}`);
  }
  return found;
}

test("a tensor inside its storage is nothing to speak of", async () => {
  assert.deepEqual(await mismatches(checkpoint(4), 16), []);
  assert.deepEqual(await mismatches(checkpoint(2, 2, 1), 16), []);
  assert.deepEqual(await mismatches(checkpoint(0, 1, 200)), []);
});

test("a tensor that reaches past its storage is reported", async () => {
  for (const data of [checkpoint(5), checkpoint(3, 2), checkpoint(1, 1, 4)]) {
    assert.match(
      (await mismatches(data)).join(),
      /torch-storage-mismatch: a tensor reaches element/,
    );
  }
});

test("a storage whose file has other bytes than its tensors say is reported", async () => {
  assert.match((await mismatches(checkpoint(4), 8)).join(), /has 8 bytes, its tensors say 16/);
  assert.match((await mismatches(checkpoint(4), 17)).join(), /has 17 bytes/);
});

test("two descriptions of one storage that differ are reported", async () => {
  const two = bytes(checkpoint(4).subarray(0, -1), checkpoint(8, 1, 0, 8).subarray(2));
  assert.match((await mismatches(two)).join(), /4 of torch.FloatStorage in one place and 8/);
});

test("what a tensor takes of a storage has to be known, however its storage arrives", async () => {
  const id = bytes("(Vstorage\nctorch\nFloatStorage\nV0\nVcpu\nK\x04tQ");
  const rest = bytes("N", 0x89, "t");
  const sizes = [
    bytes("coperator\npos\n(K\x02tR", 0x85, "K\x01", 0x85),
    bytes("L2305843009213693952L\n", 0x85, "K\x01", 0x85),
  ];
  for (const size of sizes) {
    const data = bytes("ctorch._utils\n_rebuild_tensor_v2\n(", id, "K\0", size, rest, "R.");
    assert.match((await mismatches(data)).join(), /is not known/);
  }
  // starmap hands the storage on.
  const items = bytes("((", id, "K\0K\x09", 0x85, "K\x01", 0x85, rest, "l");
  const mapped = bytes("citertools\nstarmap\n(ctorch._utils\n_rebuild_tensor_v2\n", items, "tR.");
  assert.match((await mismatches(mapped)).join(), /reaches element 8/);
});

test("a storage whose id is computed or no text is not known", async () => {
  const tags = [
    bytes("cpackage\nfunction\n(Vstorage\ntR"),
    bytes("(Vstorage\nl"),
    bytes("C\x07storage"),
  ];
  for (const tag of tags) {
    const id = bytes("(", tag, "ctorch\nFloatStorage\nV0\nVcpu\nK\x04tQ");
    const rest = bytes("K\0K\x09", 0x85, "K\x01", 0x85, "N", 0x89, "t");
    const data = bytes("ctorch._utils\n_rebuild_tensor_v2\n(", id, rest, "R.");
    assert.match((await mismatches(data)).join(), /which storage a tensor takes is not known/);
  }
});

test("an id with a tag of another loader's is not judged", async () => {
  const id = bytes("(Vweights\nV0\nK\x04tQ");
  const rest = bytes("K\0K\x09", 0x85, "K\x01", 0x85, "N", 0x89, "t");
  const data = bytes("ctorch._utils\n_rebuild_tensor_v2\n(", id, rest, "R.");
  assert.deepEqual(await mismatches(data), []);
});

test("arguments of a tensor that are not known are reported", async () => {
  const args = "cpackage\nfunction\n)R";
  const data = bytes("ctorch._utils\n_rebuild_tensor_v2\n", args, "R.");
  assert.match((await mismatches(data)).join(), /what a tensor takes is not known/);
});
