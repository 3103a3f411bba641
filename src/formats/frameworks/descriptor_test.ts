import assert from "node:assert/strict";
import { test } from "node:test";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { bytesSource } from "../../sources/memory.ts";

const rules = loadRules();

/** Names and first bytes, one character a byte. */
const MODELS: readonly (readonly [name: string, head: string, label: RegExp])[] = [
  ["m.bin", "B\0C\0N\0\0\0", /a CNTK model/],
  ["m.mnn", "\x20\0\0\0abcd", /an MNN model/],
  ["m.ms", "\x20\0\0\0MSL2", /a MindSpore Lite model/],
  ["m.ort", "\x20\0\0\0ORTM", /an ONNX Runtime model/],
  ["final.mdl", "\0B<TransitionModel> ", /a Kaldi model/],
  ["t.feather", "FEA1\0\0\0\0", /a Feather table of version 1/],
];

test("models of other frameworks are incomplete by their own names, whatever they are called", async () => {
  for (const [name, head, label] of MODELS) {
    const bytes = Uint8Array.from(head, (character) => character.charCodeAt(0));
    const report = await scanSource(bytesSource(name, bytes), { rules });
    assert.equal(report.verdict, "incomplete", name);
    assert.match(report.findings.map(({ message }) => message).join(), label, name);
    assert.doesNotMatch(JSON.stringify(report.findings), /PyTorch checkpoint/u);
  }
});
