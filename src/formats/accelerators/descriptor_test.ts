import assert from "node:assert/strict";
import { test } from "node:test";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { bytesSource } from "../../sources/memory.ts";

const rules = loadRules();

/** Names and first bytes, one character a byte. */
const MODELS: readonly (readonly [name: string, head: string, label: RegExp])[] = [
  ["model.plan", "ptrt\0\0\0\0", /a TensorRT engine/],
  ["model", "ftrt\x01\0\0\0", /a TensorRT engine/],
  ["yolo.engine", '\x0a\0\0\0{"a": "b"}ftrt\0\0\0\0', /a TensorRT engine/],
  ["yolo.bin", '\x0a\0\0\0{"a": "b"}ftrt\0\0\0\0', /a TensorRT engine/],
  ["m.trt", "\0\0\0\0", /a TensorRT engine/],
  ["m.rknn", "RKNN\0\0\0\0\x06\0\0\0", /a RKNN model/],
  ["m.bin", "CRYPTRKN\0\0", /a RKNN model/],
  ["m.om", "IMOD\0\x01\0\0", /an Ascend offline model/],
  ["m.hef", "\x01HEF\0\0\0\0", /a Hailo executable/],
  ["m.pt", "\x01HEF\0\0\0\0", /a Hailo executable/],
  ["m.vmfb", "\x20\0\0\0IREE", /an IREE module/],
  ["m.kmodel", "LDMK\x03\0\0\0", /a Kendryte model/],
  ["m.xmodel", "\x0a\x10abc", /a Vitis AI model/],
];

test("models of accelerators are incomplete by their own names, whatever they are called", async () => {
  for (const [name, head, label] of MODELS) {
    const bytes = Uint8Array.from(head, (character) => character.charCodeAt(0));
    const report = await scanSource(bytesSource(name, bytes), { rules });
    assert.equal(report.verdict, "incomplete", name);
    assert.match(report.findings.map(({ message }) => message).join(), label, name);
    assert.doesNotMatch(JSON.stringify(report.findings), /PyTorch checkpoint/u);
  }
});

test("text under a name that other programs use too is no model", async () => {
  for (const name of ["query.plan", "session.har", "man.ms", "notebook.nb", "list.task"]) {
    const bytes = new TextEncoder().encode("plain text\n");
    const report = await scanSource(bytesSource(name, bytes), { rules });
    assert.equal(report.verdict, "skipped", name);
  }
});
