import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Source } from "../core/source.ts";
import { FAKE_RULES, fakeFormat, imports, states, textSource } from "./testing/fakes.ts";
import { scanMany } from "./scan_inputs.ts";

const OPTIONS = {
  rules: FAKE_RULES,
  formats: [fakeFormat("good", states(imports("safe", "x")))],
  bundles: [],
};

/** Longer than any chunk that is read at a time, so that the scan alone would not read all of it. */
const LARGE = Uint8Array.from({ length: 9_000_001 }, (_, at) => at % 251);

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function* chunked(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 70_001) yield bytes.slice(at, at + 70_001);
}

test("files, memory, Blobs and streams are hashed whole when it is asked for", async () => {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-hash-"));
  try {
    const path = join(folder, "large.x");
    writeFileSync(path, LARGE);
    const inputs = [
      path,
      LARGE,
      new Blob([LARGE]),
      { name: "stream", stream: () => chunked(LARGE) },
    ];
    const { files } = await scanMany(inputs, { ...OPTIONS, hash: true });
    for (const file of files) {
      assert.deepEqual(file.sha256, { value: digest(LARGE), by: "content" }, file.path);
    }
    const without = await scanMany([path], OPTIONS);
    assert.equal(without.files[0]?.sha256, undefined);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("an empty file has the hash of nothing", async () => {
  const { files } = await scanMany([new Uint8Array()], { ...OPTIONS, hash: true });
  assert.equal(files[0]?.sha256?.value, digest(new Uint8Array()));
});

test("what breaks off or cannot be read twice has no hash", async () => {
  const broken = {
    name: "broken",
    async *stream() {
      yield LARGE.slice(0, 5);
      await Promise.resolve();
      throw new Error("cut off");
    },
  };
  const onward: Source = { ...textSource("onward", "good:"), access: "forward" };
  const { files } = await scanMany([broken, onward], { ...OPTIONS, hash: true });
  assert.deepEqual(files.map(({ sha256 }) => sha256), [undefined, undefined]);
  assert.equal(files[0]?.verdict, "incomplete");
});
