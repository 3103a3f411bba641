import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { loadRules } from "../../rules/rules.ts";
import { scanMany } from "../../scan/scan_inputs.ts";
import { assertCutsNeverClean, report } from "../testing/cuts.ts";

const SAFE = new URL("../../../testdata/openvino/safe/", import.meta.url);
const xml = readFileSync(new URL("model.xml", SAFE), "utf8");
const rules = loadRules();

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Verdicts of the network and of its weights, in one folder. */
async function pair(text: string, weights: (bytes: Uint8Array) => Uint8Array): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "openvino-"));
  try {
    cpSync(SAFE, folder, { recursive: true });
    writeFileSync(join(folder, "model.xml"), text);
    const bin = join(folder, "model.bin");
    writeFileSync(bin, weights(new Uint8Array(readFileSync(bin))));
    const { files } = await scanMany([folder], { rules });
    return ["model.xml", "model.bin"].map((name) =>
      files.find(({ path }) => path.endsWith(name))?.verdict ?? "absent"
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("a network as OpenVINO writes it and its weights are clean", async () => {
  assert.deepEqual(await pair(xml, (bytes) => bytes), ["clean", "clean"]);
});

test("weights cut at any byte, and longer ones, are reported", async () => {
  for (let length = 0; length < 54; length++) {
    const [, weights] = await pair(xml, (bytes) => bytes.slice(0, length));
    assert.equal(weights, "incomplete", `cut at ${length}`);
  }
  const [, longer] = await pair(xml, (bytes) => new Uint8Array([...bytes, 1, 2, 3]));
  assert.equal(longer, "suspicious");
});

test("a network cut anywhere is never clean", async () => {
  const bytes = bytesOf(xml);
  const root = xml.indexOf("<net ") + '<net name="m" version="11">'.length;
  for (let at = root; at < xml.trimEnd().length; at += 11) {
    const { verdict } = await report("model.xml", bytes.slice(0, at));
    assert.equal(verdict, "incomplete", `cut at ${at}`);
  }
  await assertCutsNeverClean("model.pt", bytes, { step: 101, allowed: [bytes.length - 1] });
});

test("a size that disagrees with its shape, extensions and document types are reported", async () => {
  const lies: readonly (readonly [string | RegExp, string])[] = [
    ['shape="4, 3"', 'shape="4, 4"'],
    ['shape="4, 3"', 'shape="x"'],
    [/offset="0"/u, 'offset="-1"'],
    ['version="opset1"', 'version="custom"'],
    ["<net", '<!DOCTYPE net [<!ENTITY a SYSTEM "file:///etc/passwd">]><net'],
  ];
  for (const [from, to] of lies) {
    const lie = xml.replace(from, to);
    assert.notEqual(lie, xml, to);
    assert.equal((await report("model.xml", bytesOf(lie))).verdict, "suspicious", to);
  }
});

test("other XML is not taken for a network", async () => {
  for (const text of ["<html></html>", "<network/>", "<a><net version='1'/></a>", "text"]) {
    assert.deepEqual((await report("a.xml", bytesOf(text))).formats, [], text);
  }
});
