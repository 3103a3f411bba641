import assert from "node:assert/strict";
import { test } from "node:test";
import { loadRules } from "../../rules/rules.ts";
import { bytesSource } from "../../sources/memory.ts";
import { buildZip } from "../../formats/testing/zip.ts";
import { scanSource } from "../scan_source.ts";

const rules = loadRules();

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

async function verdict(name: string, content: string | Uint8Array): Promise<string> {
  const bytes = typeof content === "string" ? latin1(content) : content;
  return (await scanSource(bytesSource(name, bytes), { rules, path: name })).verdict;
}

const APPLE_DOUBLE = "\0\x05\x16\x07\0\x02\0\0Mac OS X        \0\x02\0\0\0\x09";

test("what other programs write under names of models, or beside them, is skipped", async () => {
  const files: readonly (readonly [string, string])[] = [
    ["._model.safetensors", APPLE_DOUBLE],
    ["._model.pt", APPLE_DOUBLE],
    ["survey.sav", "$FL2@(#) SPSS DATA FILE MS Windows 22.0.0"],
    ["survey.sav", "$FL3@(#) SPSS DATA FILE"],
    ["idl.sav", "SR\0\x04\0\0\0\x0a"],
  ];
  for (const [name, content] of files) assert.equal(await verdict(name, content), "skipped", name);
});

test("the same content under another name is not what that name says", async () => {
  assert.equal(await verdict("model.safetensors", APPLE_DOUBLE), "incomplete");
  assert.equal(await verdict("model.pkl", "$FL2@(#) SPSS DATA FILE"), "incomplete");
  assert.equal(await verdict("model.onnx", "\x0a\x09\x0a\x07a.proto"), "incomplete");
});

test("descriptions of .proto files are clean, a graph with a node of such a name is a graph", async () => {
  const file = "\x0a\x16\x0a\x07a.proto\x12\x03foo\x62\x06proto3";
  assert.equal(await verdict("descriptors.pb", file), "clean");
  assert.equal(await verdict("descriptors.pb", file + file), "clean");
  assert.equal(await verdict("graph.pb", `${file}\x0a\x09\x0a\x01a\x12\x04Exit`), "suspicious");
  const node = latin1("\x0a\x13\x0a\x07a.proto\x12\x08ReadFile");
  assert.equal(await verdict("graph.pb", node), "dangerous");
});

test("an empty marker is skipped, an empty file with a model's name is a failed download", async () => {
  const cache = `models--a--b/.no_exist/${"0123456789".repeat(4)}/model.safetensors`;
  for (const name of ["_SUCCESS", "REQUESTED", "__init__.pxd", cache]) {
    assert.equal(await verdict(name, ""), "skipped", name);
  }
  for (const name of ["model.safetensors", "pytorch_model.bin", ".no_exist/model.pt"]) {
    assert.equal(await verdict(name, ""), "incomplete", name);
  }
});

test("a zip as Finder makes it takes its verdict from the model", async () => {
  const model = latin1("\x02\0\0\0\0\0\0\0{}");
  const zip = buildZip([
    { name: "model.safetensors", data: model },
    { name: "__MACOSX/._model.safetensors", data: latin1(APPLE_DOUBLE) },
  ]);
  assert.equal(await verdict("finder.zip", zip), "clean");
});

test("an archive of nothing that is known is skipped, or incomplete where a name claims a model", async () => {
  const archive = (name: string) => buildZip([{ name, data: latin1("\x01\x02\x03\x04") }]);
  assert.equal(await verdict("notes.zip", archive("notes.dat")), "skipped");
  assert.equal(await verdict("a.zip", archive("weights.bin")), "incomplete");
  assert.equal(await verdict("a.zip", archive("model.plan")), "incomplete");
  assert.equal(await verdict("model.pt", archive("notes.dat")), "incomplete");
});
