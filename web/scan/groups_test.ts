import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { listFolder } from "../../src/sources/folder.ts";
import { bytesSource } from "../../src/sources/memory.ts";
import { listingOf } from "./groups.ts";

test("a folder that is given is listed as one on a disk is", () => {
  const names = ["b.onnx", "a/weights.bin", "a/c/deep.pkl", "a.txt"];
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-groups-"));
  try {
    for (const name of names) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), "12345");
    }
    const files = names.map((name) => ({
      name,
      bytes: { kind: "blob", blob: new Blob(["12345"]) } as const,
    }));
    const listing = listingOf(
      { prefix: "models/", files },
      (index) => bytesSource(names[index] ?? "", new Uint8Array(5)),
    );
    const shown = listing.members.map(({ name, kind, size, open }) => [
      ...[name, kind, size, open?.().size],
    ]);
    const wanted = listFolder(folder, true).map(({ name, kind, size, open }) => [
      ...[name, kind, size, open?.().size],
    ]);
    assert.deepEqual(shown, wanted);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
