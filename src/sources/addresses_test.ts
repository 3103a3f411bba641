import assert from "node:assert/strict";
import { test } from "node:test";
import { meantInstead } from "./addresses.ts";

test("an address in place of a path is answered with what to write", () => {
  const cases: readonly (readonly [path: string, remedy: RegExp])[] = [
    ["s3a://bucket/key", /^Write s3:\/\/bucket\/key$/],
    ["GCS://bucket/key", /^Write gs:\/\/bucket\/key$/],
    ["s3:/bucket/key", /^An address has two slashes: s3:\/\/bucket\/key$/],
    ["abfss://c@a.dfs.core.windows.net/x", /az:\/\/container\/path/],
    ["hdfs://host/x", /^This store is not read/],
    ["azure://container/key", /^Write az:\/\/container\/key$/],
    ["models:/name/1", /mlflow artifacts download/],
    ["file:///tmp/a.pt", /^Write the path: \/tmp\/a\.pt$/],
    ["file:a.pt", /^Write the path: a\.pt$/],
    ["file://a.pt", /^Write the path: a\.pt$/],
    ["file://localhost/tmp/a%20b.pt", /^Write the path: \/tmp\/a b\.pt$/],
    ["huggingface.co/org/model", /hf:\/\/org\/model\.$/],
    ["huggingface.co/org/model/tree/main", /hf:\/\/org\/model\.$/],
    ["org/model", /hf:\/\/org\/model\.$/],
    ["models/*.pt", /--include/],
    ["dbfs:/models/a.pt", /^This store is not read/],
    ["hf:org/model", /write hf:\/\/org\/model\.$/],
    ["hf:/org/model", /write hf:\/\/org\/model\.$/],
    ["https:/example.org/a.pt", /^An address has two slashes: https:\/\/example\.org\/a\.pt$/],
    ["kaggle://owner/model", /^Only https:\/\/, hf:\/\/, .* addresses are fetched/],
    ["~/a.pt", /^No shell expanded the ~/],
  ];
  for (const [path, remedy] of cases) assert.match(meantInstead(path) ?? "", remedy, path);
});

test("an ordinary path that does not exist meant nothing else", () => {
  for (const path of ["model.pt", "a/b/model.pt", "/tmp/x/y", "./org/model", "../a/b"]) {
    assert.equal(meantInstead(path), undefined, path);
  }
});
