import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesSource } from "../../sources/memory.ts";
import { listing, member } from "../testing/members.ts";
import { namedData } from "./data.ts";

const IR = (size: number) =>
  `<?xml version="1.0"?><net name="m" version="11"><layer id="0" name="w" type="Const" ` +
  `version="opset1"><data offset="0" size="${size}"/></layer></net>`;
const SHARD = (path: string, nbytes: number) =>
  JSON.stringify({ records: [{ dataPath: path, nbytes, records: [] }] });

const named = (files: Readonly<Record<string, string>>, name: string) =>
  namedData({ listing: listing(files), member: name });

test("an index in the folder, or in one above, says what a file is", async () => {
  assert.deepEqual(await named({ "a/m.xml": IR(8), "a/m.bin": "12345678" }, "a/m.bin"), [{
    label: "weights of an OpenVINO model",
    index: "m.xml",
    bytes: 8,
    exact: true,
  }]);
  const above = { "ndarray-cache.json": SHARD("deep/x.bin", 3), "deep/x.bin": "123" };
  assert.equal((await named(above, "deep/x.bin"))[0]?.label, "a shard of an MLC model");
});

test("of several indices the one that reads the most comes first", async () => {
  const files = {
    "m.xml": IR(8),
    "ndarray-cache.json": SHARD("m.bin", 99),
    "tensor-cache.json": SHARD("m.bin", 50),
    "m.bin": "1",
  };
  assert.deepEqual((await named(files, "m.bin")).map((it) => it.bytes), [99, 50, 8]);
});

test("a file that no index names is none, nor does an index name itself", async () => {
  assert.deepEqual(await named({ "m.xml": IR(8), "other.bin": "" }, "other.bin"), []);
  assert.deepEqual(await named({ "b/m.xml": IR(8), "a/m.bin": "" }, "a/m.bin"), []);
  const own = { "ndarray-cache.json": SHARD("ndarray-cache.json", 3) };
  assert.deepEqual(await named(own, "ndarray-cache.json"), []);
});

test("an index that cannot be read names nothing, a defect is none of these", async () => {
  assert.deepEqual(await named({ "m.xml": "<net", "m.bin": "" }, "m.bin"), []);
  const failing = (error: Error) => {
    const index = {
      ...member("m.xml", IR(8)),
      open: () => ({
        ...bytesSource("m.xml", new Uint8Array()),
        read: () => Promise.reject(error),
      }),
    };
    return {
      listing: { format: "folder", members: [index, member("m.bin", "")] },
      member: "m.bin",
    };
  };
  await assert.rejects(namedData(failing(new TypeError("defect"))), /defect/);
});

test("an index is read once for all files that it names", async () => {
  let reads = 0;
  const index = member("ndarray-cache.json", SHARD("a.bin", 1));
  const counted = {
    ...index,
    open: () => {
      reads++;
      return index.open?.() as never;
    },
  };
  const members = [counted, member("a.bin", "1"), member("b.bin", "2")];
  const folder = { format: "folder", members };
  await namedData({ listing: folder, member: "a.bin" });
  await namedData({ listing: folder, member: "b.bin" });
  assert.equal(reads, 1);
});
