import assert from "node:assert/strict";
import { test } from "node:test";
import { nativeFormat } from "./mod.ts";
import { run } from "../testing/scan.ts";

function bytes(text: string, length = 128): Uint8Array {
  const all = new Uint8Array(length);
  all.set(Uint8Array.from(text, (letter) => letter.charCodeAt(0)));
  return all;
}

async function kind(data: Uint8Array, name: string): Promise<string | undefined> {
  const { facts } = await run(nativeFormat, data, { name });
  const [first] = facts;
  return first?.fact.kind === "operator" ? first.fact.name : undefined;
}

const ELF = bytes("\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0");
const PE = bytes("MZ");
PE.set([0x40], 0x3c);
PE.set([0x50, 0x45], 0x40);

test("machine code is named as what it is", async () => {
  assert.equal(await kind(ELF, "libx.so"), "elf");
  assert.equal(await kind(PE, "x.dll"), "pe");
  assert.equal(await kind(bytes("\xcf\xfa\xed\xfe"), "x.dylib"), "mach-o");
  assert.equal(await kind(bytes("\xca\xfe\xba\xbe\0\0\0\x02"), "x"), "mach-o");
  assert.equal(await kind(bytes("MZqFpD='\n"), "x"), "llamafile");
  assert.equal(await kind(ELF, "x.llamafile"), "llamafile");
});

test("machine code under a model's or another name is reported", async () => {
  for (const name of ["model.bin", "a.safetensors", "a.gguf", "a.pkl", "README.md", "a.json"]) {
    assert.equal(await kind(ELF, name), "disguised", name);
  }
});

test("scripts are reported where their name does not say so", async () => {
  const script = bytes("#!/bin/sh\necho\n", 15);
  assert.equal(await kind(script, "run"), "script");
  assert.equal(await kind(script, "run.sh"), undefined);
  assert.equal(await kind(script, "model.py"), undefined);
  assert.equal(await kind(script, "model.bin"), "disguised");
});

test("what only begins like a program is none", async () => {
  assert.equal(await kind(bytes("\x7fELF", 10), "x"), undefined);
  assert.equal(await kind(bytes("MZ"), "x"), undefined);
  assert.equal(await kind(bytes("\xca\xfe\xba\xbe\0\0\0\x41"), "A.class"), undefined);
  assert.equal(await kind(bytes("#! not a path\n", 14), "x"), undefined);
});
