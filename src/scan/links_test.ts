import assert from "node:assert/strict";
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { loadRules } from "../rules/rules.ts";
import { scanMany } from "./scan_inputs.ts";

const rules = loadRules();
const TESTDATA = fileURLToPath(new URL("../../testdata/", import.meta.url));
const HARMFUL = join(TESTDATA, "pickle/harmful/add_extension_ext1.pkl");

/** Scans what `make` puts into a folder: verdict, rules and bytes read by path. */
async function scanned(make: (folder: string) => void) {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-links-"));
  try {
    make(folder);
    const { files } = await scanMany([folder], { rules });
    return new Map(files.map(({ path, verdict, findings, bytesRead }) => [
      relative(folder, path),
      { verdict, rules: findings.map(({ ruleId }) => ruleId), bytesRead },
    ]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A repository in the hub's cache: what each revision calls which blob. */
function cache(folder: string, revisions: Readonly<Record<string, Record<string, string>>>): void {
  mkdirSync(join(folder, "blobs"));
  const blobs: string[] = [];
  for (const [revision, files] of Object.entries(revisions)) {
    mkdirSync(join(folder, "snapshots", revision), { recursive: true });
    for (const [name, sample] of Object.entries(files)) {
      if (!blobs.includes(sample)) blobs.push(sample);
      const blob = String(blobs.indexOf(sample)).padStart(64, "0");
      copyFileSync(sample, join(folder, "blobs", blob));
      symlinkSync(join("..", "..", "blobs", blob), join(folder, "snapshots", revision, name));
    }
  }
}

test("Each link of the hub's cache is judged by its own name, and the blob is read once", async () => {
  const links = await scanned((folder) =>
    cache(folder, { 1: { "a.pkl": HARMFUL, "b.txt": HARMFUL }, 2: { "b.txt": HARMFUL } })
  );
  assert.deepEqual([...links].map(([path, { verdict }]) => [path, verdict]), [
    ["snapshots/1/a.pkl", "dangerous"],
    ["snapshots/1/b.txt", "dangerous"],
    ["snapshots/2/b.txt", "dangerous"],
  ]);
  const disguised = [...links.values()].map((one) => one.rules.includes("file-disguised"));
  assert.deepEqual(disguised, [false, true, true]);
  const bytes = [...links.values()].map((one) => one.bytesRead);
  assert.deepEqual(bytes, [readFileSync(HARMFUL).length, 0, 0]);
});

test("Each link is judged beside the files of its own folder", async () => {
  const sample = (name: string) => join(TESTDATA, "openvino/safe", name);
  const links = await scanned((folder) =>
    cache(folder, {
      alone: { "model.bin": sample("model.bin") },
      complete: { "model.bin": sample("model.bin"), "model.xml": sample("model.xml") },
    })
  );
  assert.equal(links.get("snapshots/alone/model.bin")?.verdict, "incomplete");
  assert.equal(links.get("snapshots/complete/model.bin")?.verdict, "clean");
  assert.equal(links.get("snapshots/complete/model.bin")?.bytesRead, 0);
});

test("A file, hard links and links to it cost one reading, whichever comes first", async () => {
  const links = await scanned((folder) => {
    symlinkSync("file.pkl", join(folder, "a.pkl"));
    copyFileSync(HARMFUL, join(folder, "file.pkl"));
    linkSync(join(folder, "file.pkl"), join(folder, "hard.dat"));
    writeFileSync(join(folder, "other.pkl"), readFileSync(HARMFUL));
    symlinkSync("other.pkl", join(folder, "z.pkl"));
  });
  const size = readFileSync(HARMFUL).length;
  assert.deepEqual(
    [...links].map(([path, { verdict, bytesRead }]) => [path, verdict, bytesRead]),
    [
      ["a.pkl", "dangerous", size],
      ["file.pkl", "dangerous", 0],
      ["hard.dat", "dangerous", 0],
      ["other.pkl", "dangerous", size],
      ["z.pkl", "dangerous", 0],
    ],
  );
});
