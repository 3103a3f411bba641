import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { codeDigest, digestOfSources } from "./code_digest.ts";

test("what runs in a checkout is what its files hold", () => {
  const root = fileURLToPath(new URL("../../../", import.meta.url));
  assert.equal(codeDigest(), digestOfSources(root));
});

test("a change, a rename and a move of bytes between files give another digest, a test does not", () => {
  const root = mkdtempSync(join(tmpdir(), "modelaudit-code-"));
  try {
    const write = (path: string, text: string): void => writeFileSync(join(root, path), text);
    mkdirSync(join(root, "src/a/testing"), { recursive: true });
    for (const name of ["cli.ts", "worker.ts", "package-lock.json", "src/a/one.ts", "src/two.ts"]) {
      write(name, "1");
    }
    const first = digestOfSources(root);
    write("src/a/one_test.ts", "2");
    write("src/a/testing/one.ts", "2");
    assert.equal(digestOfSources(root), first);
    const seen = new Set([first]);
    const expectNew = (what: string): void => {
      const digest = digestOfSources(root);
      assert.ok(!seen.has(digest), what);
      seen.add(digest);
    };
    write("src/a/one.ts", "2");
    expectNew("a changed source");
    write("src/two.ts", "2");
    write("src/a/one.ts", "1");
    expectNew("the bytes of two exchanged");
    write("package-lock.json", "2");
    expectNew("another version of a package");
    renameSync(join(root, "src/a/one.ts"), join(root, "src/a/other.ts"));
    expectNew("another name");
    write("src/new.ts", "");
    expectNew("a source without a byte");
    rmSync(join(root, "cli.ts"));
    assert.throws(() => digestOfSources(root));
  } finally {
    rmSync(root, { recursive: true });
  }
});
