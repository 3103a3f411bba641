import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { bytesSource } from "../../sources/memory.ts";
import type { Source } from "../../core/source.ts";
import { ggufFormat } from "./mod.ts";
import { assertCutsNeverClean } from "../testing/cuts.ts";
import { run } from "../testing/scan.ts";

const SAFE = new URL("../../../testdata/gguf/safe/", import.meta.url);
const rules = loadRules({ strict: true });

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, SAFE)));
}

/** Where the tensors of a file begin: behind what the writer calls its header. */
function headerEnd(bytes: Uint8Array): number {
  const text = new TextDecoder("latin1").decode(bytes);
  return text.lastIndexOf("output.bias") + "output.bias".length + 4 + 8 + 4 + 8;
}

test("what the gguf package writes is clean, templates of known models included", async () => {
  const files = readdirSync(SAFE);
  assert.ok(files.length >= 12);
  for (const name of files) {
    const seen = await run(ggufFormat, read(name));
    assert.deepEqual(seen.rules, [], name);
    assert.equal(seen.error, undefined, name);
  }
});

test("every template of a file is handed on", async () => {
  const seen = await run(ggufFormat, read("several_templates.gguf"));
  assert.deepEqual(seen.entries.map(({ part }) => part).sort(), [
    "tokenizer.chat_template",
    "tokenizer.chat_template.tool_use",
  ]);
  for (const { hint, text } of seen.entries) {
    assert.equal(hint, "chat-template");
    assert.match(text, /\{%/);
  }
});

test("a header cut at any 16th byte is never clean", async () => {
  for (const name of ["phi3_5.gguf", "big_endian.gguf", "version_1.gguf", "quantized.gguf"]) {
    const complete = read(name);
    const end = name === "version_1.gguf" ? 90 : headerEnd(complete);
    await assertCutsNeverClean("m.gguf", complete.subarray(0, 128));
    await assertCutsNeverClean("m.gguf", complete.subarray(0, end), { step: 16 });
  }
});

test("zeros behind the last tensor are padding, other bytes are not", async () => {
  const complete = read("version_2.gguf");
  const verdict = async (tail: Uint8Array) =>
    (await scanSource(bytesSource("m.gguf", new Uint8Array([...complete, ...tail])), { rules }))
      .verdict;
  assert.equal(await verdict(new Uint8Array(500)), "clean");
  assert.equal(await verdict(new Uint8Array(500).fill(1)), "suspicious");
});

test("a number that a file could hold was cut off, one that none could hold is dangerous", async () => {
  const complete = read("version_2.gguf");
  const verdict = async (...bytes: readonly (readonly [at: number, value: number])[]) => {
    const lie = complete.slice();
    for (const [at, value] of bytes) lie[at] = value;
    return (await scanSource(bytesSource("m.gguf", lie), { rules })).verdict;
  };
  for (const count of [8, 16, 24]) {
    assert.equal(await verdict([count + 2, 1]), "incomplete");
    assert.equal(await verdict([count + 3, 0x80]), "dangerous");
    assert.equal(await verdict([count + 7, 1]), "dangerous");
  }
});

test("a bit that is wrong in a length, a count, a type or a place is reported", async () => {
  const complete = read("version_2.gguf");
  // Version, counts, length of the key, type, length of the value; of the tensor: length of its
  // name, number of dimensions, dimension, type, place.
  const key = 24;
  const value = key + 8 + "general.architecture".length;
  const tensor = value + 4 + 8 + "llama".length;
  const fields = [4, 8, 16, key, value, value + 4, tensor, tensor + 9, tensor + 13, tensor + 21];
  for (const at of [...fields, tensor + 25]) {
    for (const [byte, flip] of [[0, 0x40], [3, 0x7f], [2, 0x01]] as const) {
      const bytes = complete.slice();
      const where = at + byte;
      bytes[where] = (bytes[where] ?? 0) ^ flip;
      const report = await scanSource(bytesSource("m.gguf", bytes), { rules });
      assert.notEqual(report.verdict, "clean", `byte ${where} with ${flip}`);
    }
  }
});

test("no bytes behind the magic number make the scanner fail", async () => {
  const complete = read("phi3_5.gguf");
  for (let seed = 1; seed < 400; seed++) {
    const bytes = complete.slice(0, 1024);
    for (let i = 0; i < 8; i++) {
      bytes[4 + ((seed * 7919 + i * 104729) % 1000)] = (seed * 31 + i) & 255;
    }
    const report = await scanSource(bytesSource("m.gguf", bytes), { rules });
    assert.ok(!report.findings.some(({ ruleId }) => ruleId === "scan-defect"), `seed ${seed}`);
  }
});

test("only the header of a huge file is read", async () => {
  const size = 100 * 2 ** 30;
  const start = read("version_2.gguf").slice();
  const key = 24;
  const tensor = key + 8 + "general.architecture".length + 4 + 8 + "llama".length;
  // One row of floats as long as the file.
  const data = start.length - 128;
  new DataView(start.buffer).setBigUint64(tensor + 13, BigInt((size - data) / 4), true);
  const source: Source = {
    name: "huge.gguf",
    size,
    access: "random",
    read(offset, length) {
      assert.ok(length <= 1 << 20);
      const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
      bytes.set(start.subarray(Math.min(offset, start.length), offset + bytes.length));
      return Promise.resolve(bytes);
    },
  };
  const report = await scanSource(source, { rules });
  assert.deepEqual(report.findings, []);
  assert.equal(report.verdict, "clean");
  assert.ok(report.bytesRead < 1 << 20, `${report.bytesRead} bytes`);
});

/** A file of version 3 without tensors, with texts and lists of texts. */
function withTexts(pairs: readonly (readonly [key: string, value: string | readonly string[]])[]) {
  const parts: number[] = [...new TextEncoder().encode("GGUF"), 3, 0, 0, 0, ...Array(8).fill(0)];
  const length = (value: number) => {
    for (let at = 0; at < 8; at++) parts.push(at < 4 ? value >>> (8 * at) & 255 : 0);
  };
  const text = (value: string) => {
    const bytes = new TextEncoder().encode(value);
    length(bytes.length);
    parts.push(...bytes);
  };
  length(pairs.length);
  for (const [key, value] of pairs) {
    text(key);
    if (typeof value === "string") {
      parts.push(8, 0, 0, 0);
      text(value);
    } else {
      parts.push(9, 0, 0, 0, 8, 0, 0, 0);
      length(value.length);
      for (const item of value) text(item);
    }
  }
  return Uint8Array.from(parts);
}

test("texts of the metadata are read as a configuration", async () => {
  const verdict = async (...pairs: Parameters<typeof withTexts>[0]) =>
    (await scanSource(bytesSource("m.gguf", withTexts(pairs)), { rules })).verdict;
  const architecture = ["general.architecture", "llama"] as const;
  const target = '{"_target_": "os.system", "command": "echo x"}';
  assert.equal(await verdict(architecture, ["model.config", target]), "dangerous");
  assert.equal(
    await verdict(architecture, ["a", target.replace("{", '{"x": "{% a %}",')]),
    "dangerous",
  );
  assert.equal(await verdict(architecture, ["general.name", "os.system"]), "suspicious");
  assert.equal(
    await verdict(architecture, ["general.tags", ["a", "subprocess.Popen"]]),
    "suspicious",
  );
  const harmless = [
    ["general.name", "Llama 3.1 8B"],
    ["general.description", "See example.com (run it with llama.cpp)."],
    ["general.url", "https://example.com/a/b.json"],
    ["general.tags", ["text-generation", "os"]],
  ] as const;
  assert.equal(await verdict(architecture, ...harmless), "clean");
});
