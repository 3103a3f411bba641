import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { assertChangesAreRead, assertCutsNeverClean, report } from "../testing/cuts.ts";

const TESTDATA = new URL("../../../testdata/orbax/", import.meta.url);

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, TESTDATA)));
}

async function verdict(name: string, value: unknown): Promise<string> {
  return (await report(name, new TextEncoder().encode(JSON.stringify(value)))).verdict;
}

const MANIFEST = read("safe/standard/manifest.ocdbt");
const METADATA = JSON.parse(new TextDecoder().decode(read("safe/zarr/_METADATA")));
const ZARRAY = JSON.parse(new TextDecoder().decode(read("safe/zarr/params.dense.kernel/.zarray")));

test("what Orbax writes is clean", async () => {
  const names = readdirSync(new URL("safe/", TESTDATA), { recursive: true }).map(String);
  const kinds = /(?:_METADATA|_sharding|process_0|\.zarray|zarr\.json|manifest\.ocdbt)$/u;
  const described = names.filter((name) => kinds.test(name) && !/process_0$/u.test(name));
  assert.ok(described.length > 10);
  for (const name of described) {
    const base = name.slice(name.lastIndexOf("/") + 1);
    const { verdict, findings } = await report(base, read(`safe/${name}`));
    assert.deepEqual([verdict, findings.map(({ message }) => message)], ["clean", []], name);
  }
});

test("a manifest cut or changed at any byte is never clean", async () => {
  await assertCutsNeverClean("manifest.ocdbt", MANIFEST, { allowed: [0, 1, 2, 3] });
  await assertChangesAreRead("manifest.ocdbt", MANIFEST);
  for (let at = 0; at < MANIFEST.length; at++) {
    const changed = MANIFEST.slice();
    changed[at] = (changed[at] ?? 0) ^ 0x40;
    const { verdict } = await report("manifest.ocdbt", changed);
    // Other first bytes are none of OCDBT's.
    if (at > 3) assert.notEqual(verdict, "clean", `byte ${at}`);
  }
});

test("descriptions cut anywhere are never clean", async () => {
  for (const name of ["safe/standard/_METADATA", "safe/zarr/params.dense.kernel/.zarray"]) {
    const bytes = read(name);
    for (let at = 40; at < bytes.length; at += 3) {
      const { verdict } = await report(name.slice(name.lastIndexOf("/") + 1), bytes.slice(0, at));
      assert.equal(verdict, "incomplete", `${name} cut at ${at}`);
    }
  }
});

test("keys are judged as the paths that they become", async () => {
  const of = (...keys: readonly unknown[]) =>
    verdict("_METADATA", {
      tree_metadata: { x: { key_metadata: keys.map((key) => ({ key, key_type: 2 })) } },
    });
  for (const keys of [["a", "b"], ["linear/~/w"], ["~"], ["..."], ["a..b"], [3], []]) {
    assert.equal(await of(...keys), "clean", JSON.stringify(keys));
  }
  for (
    const keys of [["/a"], ["//host/x", "y"], ["C:\\x"], ["a", "../b"], ["a/../b"], ["\\\\h\\x"], [
      "gs://x/y",
    ]]
  ) {
    assert.equal(await of(...keys), "dangerous", JSON.stringify(keys));
  }
});

test("stores elsewhere are reported wherever a specification names them", async () => {
  const of = (spec: unknown) => verdict("_METADATA", { ...METADATA, custom_metadata: { spec } });
  for (
    const spec of [
      { driver: "zarr", kvstore: { driver: "gcs", bucket: "b", path: "x" } },
      { driver: "zarr", kvstore: "s3://bucket/x" },
      { driver: "ocdbt", base: { driver: "http", base_url: "http://192.0.2.1" } },
      [[{ kvstore: "https://example.com/x" }]],
    ]
  ) assert.equal(await of(spec), "suspicious", JSON.stringify(spec));
  assert.equal(await of({ kvstore: { driver: "file", path: "/etc" } }), "dangerous");
  for (
    const spec of [
      { driver: "zarr", kvstore: "file:///etc" },
      { driver: "cast", base: "file:///etc|zarr2:" },
      { driver: "kvstack", layers: [{ base: "x" }, "file:///etc/"] },
      { driver: "zarr", kvstore: { driver: "file" }, path: "/etc" },
    ]
  ) assert.equal(await of(spec), "dangerous", JSON.stringify(spec));
  assert.equal(await of({ kvstore: { driver: "file", path: "target.a" } }), "clean");
  assert.equal(await of({ driver: "zarr", kvstore: "memory://" }), "clean");
  assert.equal(await of({ base: "https://example.com", layers: ["a"] }), "clean");
  assert.equal(await of({ path: "/data/run", url: "https://example.com" }), "clean");
});

test("codecs of arrays are those of numcodecs and zarr, and one unpickles", async () => {
  for (const id of ["blosc", "zstd", "zlib", "vlen-utf8"]) {
    assert.equal(await verdict(".zarray", { ...ZARRAY, compressor: { id } }), "clean", id);
  }
  assert.equal(
    await verdict(".zarray", { ...ZARRAY, filters: [{ id: "delta" }, { id: "pickle" }] }),
    "incomplete",
  );
  const v3 = (name: string) =>
    verdict("zarr.json", {
      ...{ zarr_format: 3, node_type: "array", shape: [2], data_type: "float32" },
      codecs: [{
        name: "sharding_indexed",
        configuration: { codecs: [{ name: "bytes" }, { name }] },
      }],
    });
  assert.equal(await v3("zstd"), "clean");
  assert.equal(await v3("numcodecs.pickle"), "incomplete");
  assert.equal(await v3("example"), "suspicious");
  const group = {
    zarr_consolidated_format: 1,
    metadata: { "a/.zarray": { ...ZARRAY, filters: [{ id: "pickle" }] } },
  };
  assert.equal(await verdict(".zmetadata", group), "incomplete");
  // Attributes are the user's own, an array may be called so.
  assert.equal(await verdict(".zattrs", { filters: "DAPI", shape: ["x"] }), "clean");
  const attributes = {
    ".zgroup": { zarr_format: 2 },
    ".zattrs": { filters: "DAPI", shape: ["x"] },
  };
  assert.equal(await verdict(".zmetadata", { ...group, metadata: attributes }), "clean");
  const array = { zarr_format: 3, node_type: "array", attributes: { shape: ["x"] } };
  const members = (codec: string) =>
    verdict("zarr.json", {
      ...{ zarr_format: 3, node_type: "group", attributes: { codecs: "any" } },
      consolidated_metadata: {
        metadata: { attributes: { ...array, shape: [1], codecs: [{ name: codec }] } },
      },
    });
  assert.equal(await members("bytes"), "clean");
  assert.equal(await members("example"), "suspicious");
  assert.equal(await verdict(".zattrs", { title: "any" }), "clean");
});
