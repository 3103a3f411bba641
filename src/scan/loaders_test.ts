import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { LoaderExample } from "../core/loader.ts";
import type { Listing, Verdict } from "../core/types.ts";
import { loadRules } from "../rules/rules.ts";
import { parseLoaders } from "../rules/toml.ts";
import { bytesSource } from "../sources/memory.ts";
import { scanSource } from "./scan_source.ts";

const rules = loadRules();
const table = parseLoaders(
  readFileSync(new URL("../../rules/loaders.toml", import.meta.url), "utf8"),
  "loaders.toml",
);
const ORDER: readonly Verdict[] = ["dangerous", "incomplete", "suspicious", "clean", "skipped"];

/** The worst verdict of a folder's files, and the rules that were set off. */
async function verdictOf(example: LoaderExample): Promise<readonly [Verdict, string]> {
  const files = Object.entries(example).map(([name, text]) =>
    [name, new TextEncoder().encode(text)] as const
  );
  const listing: Listing = {
    format: "folder",
    members: files.map(([name, bytes]) => ({
      name,
      kind: "file",
      size: bytes.length,
      open: () => bytesSource(name, bytes),
    })),
  };
  let worst: Verdict = "skipped";
  const ids: string[] = [];
  for (const [name, bytes] of files) {
    const folder = { listing, member: name };
    const report = await scanSource(bytesSource(name, bytes), { rules, path: name, folder });
    if (ORDER.indexOf(report.verdict) < ORDER.indexOf(worst)) worst = report.verdict;
    ids.push(...report.findings.map(({ ruleId, severity }) => `${ruleId} ${severity}`));
  }
  return [worst, [...new Set(ids)].join(", ")];
}

test("the table has the loaders that are known, each with a proof and examples", () => {
  assert.ok(table.length >= 60, `${table.length} entries`);
  assert.equal(new Set(table.map(({ id }) => id)).size, table.length);
  for (const { id, hit, miss, proof } of table) {
    assert.ok(hit.length > 0 && miss.length > 0, `${id} has no examples`);
    // A release is a version, a commit or a date, so that another person finds the same.
    assert.match(proof?.release ?? "", /\d/u, `${id} has no proof`);
    assert.match(proof?.reference ?? "", /[./]/u, id);
  }
});

for (const { id, hit, miss } of table) {
  test(`${id}: what its loader runs is found, what is harmless stays quiet`, async () => {
    for (const example of hit) {
      const [verdict, ids] = await verdictOf(example);
      assert.ok(
        verdict === "suspicious" || verdict === "dangerous",
        `${JSON.stringify(example)} is ${verdict}: ${ids}`,
      );
    }
    for (const example of miss) {
      const [verdict, ids] = await verdictOf(example);
      assert.ok(
        verdict === "clean" || verdict === "skipped",
        `${JSON.stringify(example)} is ${verdict}: ${ids}`,
      );
    }
  });
}

/** A model with an entry of `metadata_props` more, which protobuf lets follow. */
function onnxWith(key: string, value: string): Uint8Array {
  const model = readFileSync(new URL("../../testdata/onnx/safe/metadata.onnx", import.meta.url));
  const field = (number: number, bytes: readonly number[]): number[] => {
    const { length } = bytes;
    const size = length < 128 ? [length] : [length & 127 | 128, length >> 7];
    return [number << 3 | 2, ...size, ...bytes];
  };
  const text = (value: string): number[] => [...new TextEncoder().encode(value)];
  const entry = [...field(1, text(key)), ...field(2, text(value))];
  return Uint8Array.from([...model, ...field(14, entry)]);
}

test("metadata of ONNX models is read as the configuration that loaders take it for", async () => {
  const verdict = async (key: string, value: string): Promise<Verdict> =>
    (await scanSource(bytesSource("m.onnx", onnxWith(key, value)), { rules })).verdict;
  assert.equal(await verdict("names", "{0: __import__('os').system('echo x')}"), "dangerous");
  assert.equal(await verdict("names", "{0: 'person', 1: 'bicycle'}"), "clean");
  assert.equal(await verdict("config", '{"a": {"_target_": "os.system"}}'), "dangerous");
  assert.equal(await verdict("description", "<img src=x onerror=alert(1)>"), "suspicious");
});

test("the class of a checkpoint that two keys name is judged", async () => {
  const verdict = async (module: string, name: string): Promise<Verdict> => {
    const text = `(Vpyannote.audio\n(Varchitecture\n(Vmodule\nV${module}\nVclass\nV${name}\nddd.`;
    const source = bytesSource("pytorch_model.bin", new TextEncoder().encode(text));
    return (await scanSource(source, { rules })).verdict;
  };
  assert.equal(await verdict("os", "system"), "dangerous");
  assert.equal(await verdict("evilmod", "Run"), "suspicious");
  assert.equal(await verdict("pyannote.audio.models.segmentation.PyanNet", "PyanNet"), "clean");
});
