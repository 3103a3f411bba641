import assert from "node:assert/strict";
import { test } from "node:test";
import { leavesFolder } from "./leaves_folder.ts";

test("paths that are absolute, addresses or climb leave a folder, names within it do not", () => {
  for (
    const path of ["/a", "\\a", "~/a", "C:a", "c:\\a", "s3://a/b", "../a", "a/../b", "a\\..\\b"]
  ) {
    assert.equal(leavesFolder(path), true, path);
  }
  for (const path of ["a", "a/b.bin", "..a/b", "a..b", "./a", ""]) {
    assert.equal(leavesFolder(path), false, path);
  }
});
