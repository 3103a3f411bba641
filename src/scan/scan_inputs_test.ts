import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import type { FormatEntry } from "../core/format.ts";
import { FAKE_RULES, fakeFormat, imports, states, textSource } from "./testing/fakes.ts";
import { scanMany } from "./scan_inputs.ts";
import { fileSource } from "../sources/file.ts";
import { scanSource } from "./scan_source.ts";

const FORMATS: readonly FormatEntry[] = [
  fakeFormat("bad", states(imports("os", "system"))),
  fakeFormat("good", states(imports("safe", "x"))),
];
const OPTIONS = { rules: FAKE_RULES, formats: FORMATS, bundles: [] };

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-"));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("bytes, Blobs, Files, sources, paths and file URLs are scanned in order", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "a.x");
    writeFileSync(path, "bad:");
    const report = await scanMany([
      new TextEncoder().encode("good:"),
      new Blob(["bad:"]),
      new File(["good:"], "named.x"),
      textSource("own.x", "bad:"),
      path,
      pathToFileURL(path),
    ], OPTIONS);
    assert.deepEqual(report.files.map((file) => [file.path, file.verdict]), [
      ["input-1", "clean"],
      ["input-2", "dangerous"],
      ["named.x", "clean"],
      ["own.x", "dangerous"],
      [path, "dangerous"],
      [path, "dangerous"],
    ]);
    assert.equal(report.tool.name, "modelaudit");
    assert.equal(report.tool.rules, "fake");
    assert.equal(report.configuration, "embedded");
    assert.ok(report.duration >= 0);
    assert.equal(new Date(report.startTime).toISOString(), report.startTime);
  });
});

test("an empty path is reported as what it is, whatever the runtime says", async () => {
  const { files, errors } = await scanMany([""], OPTIONS);
  assert.equal(files.length, 0);
  assert.match(errors[0]?.message ?? "", /the path is empty$/);
});

test("what cannot be opened is an error in the report, the others are scanned", async () => {
  await inFolder(async (folder) => {
    mkdirSync(join(folder, "sub"));
    writeFileSync(join(folder, "sub", "a.x"), "good:");
    const report = await scanMany(
      [join(folder, "none"), new URL("ftp://example.org/x"), folder],
      OPTIONS,
    );
    assert.deepEqual(report.errors.map((error) => error.location.path), [
      join(folder, "none"),
      "ftp://example.org/x",
    ]);
    assert.ok(report.errors.every((error) => error.remedy !== ""));
    assert.deepEqual(report.files.map((file) => file.path), [join(folder, "sub", "a.x")]);
  });
});

test("a folder without files gives an empty report", async () => {
  await inFolder(async (folder) => {
    const report = await scanMany([folder], OPTIONS);
    assert.deepEqual([report.files, report.errors], [[], []]);
  });
});

test("a scan that is stopped says what was left out", async () => {
  const report = await scanMany([textSource("a.x", "good:"), "b"], {
    ...OPTIONS,
    signal: AbortSignal.abort(),
  });
  assert.equal(report.files.length, 0);
  assert.match(report.errors[0]?.message ?? "", /was stopped/);
  assert.equal(report.errors[0]?.location.path, "a.x");
});

test("a file that shrinks while it is scanned is incomplete and says why", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "a.x");
    writeFileSync(path, `shrinks:${" ".repeat(300_000)}`);
    const source = await fileSource(path);
    const shrinking = fakeFormat("shrinks", async function* (seen) {
      yield [imports("safe", "x")];
      truncateSync(path, 1000);
      await seen.read(200_000, 1000);
    });
    const report = await scanSource(source, { ...OPTIONS, formats: [shrinking] });
    source.close();
    assert.equal(report.verdict, "incomplete");
    assert.deepEqual(report.findings.map((finding) => finding.ruleId), [
      "file-changed",
      "fake-safe",
    ]);
    assert.match(report.errors[0]?.message ?? "", /had 300008 bytes when it was opened/);
  });
});
