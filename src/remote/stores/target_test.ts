import assert from "node:assert/strict";
import { test } from "node:test";
import { storeName, storeTarget } from "./target.ts";

const read = (text: string) => storeTarget(text, text);

test("addresses of buckets name a bucket and a key, or the beginning of keys", () => {
  assert.deepEqual(read("s3://models/bert/model.pt"), {
    type: "bucket",
    scheme: "s3",
    bucket: "models",
    path: "bert/model.pt",
  });
  assert.deepEqual(read("GS://models"), {
    type: "bucket",
    scheme: "gs",
    bucket: "models",
    path: "",
  });
  const odd = read("az://models//a/../b c");
  assert.ok(odd?.type === "bucket");
  assert.equal(odd.path, "/a/../b c");
  assert.equal(storeName(odd, odd.path), "az://models//a/../b c");
  assert.equal(read("https://models/x"), undefined);
  for (
    const it of ["s3://", "s3:///x", "s3://a b/x", "gs://u:p@b/x", "s3://b/x?sig=1", "s3://b/x#1"]
  ) {
    assert.throws(() => read(it), { name: "ConfigError" }, it);
  }
});

test("addresses of artifacts name a registry, a repository and a tag or digest", () => {
  const digest = `sha256:${"0a".repeat(32)}`;
  const cases = [
    ["oci://ghcr.io/org/model:v1", "ghcr.io", "org/model", "v1"],
    ["oci://localhost:5000/m", "localhost:5000", "m", "latest"],
    [`oci://h.test/a/b/c:v1@${digest}`, "h.test", "a/b/c", digest],
    [`oci://h.test/a@${digest}`, "h.test", "a", digest],
  ] as const;
  for (const [text, registry, repository, reference] of cases) {
    assert.deepEqual(read(text), { type: "oci", registry, repository, reference });
  }
  for (
    const it of [
      ...["oci://h.test", "oci://h.test/", "oci://h.test/A/b", "oci://h.test/a/../b"],
      ...["oci://h.test/a@sha256:0a", "oci://h.test/a@md5:0a", "oci://h.test/a:t:u", "oci://u@h/a"],
      ...["oci://h.test/a?x", "oci://h.test//a", "oci://h.test:port/a"],
    ]
  ) {
    assert.throws(() => read(it), { name: "ConfigError" }, it);
  }
});
