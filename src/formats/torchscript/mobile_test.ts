import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { bytesSource } from "../../sources/memory.ts";
import { assertChangesAreRead, assertCutsNeverClean } from "../testing/cuts.ts";
import { run } from "../testing/scan.ts";
import { torchscriptFormat } from "./mod.ts";

const rules = loadRules({ strict: true });
const ROOT = new URL("../../../testdata/torchscript/", import.meta.url);
const sample = (name: string) => new Uint8Array(readFileSync(new URL(name, ROOT)));
const verdictOf = async (bytes: Uint8Array) =>
  (await scanSource(bytesSource("m.ff", bytes), { rules })).verdict;

/** Names of the operators that a `bytecode.pkl` with these bytes is asked to have. */
async function operators(...parts: readonly (string | number)[]): Promise<string[]> {
  const bytes = Uint8Array.from(
    parts.flatMap((part) =>
      typeof part === "number" ? [part] : Array.from(part, (one) => one.charCodeAt(0))
    ),
  );
  const { facts } = await run(torchscriptFormat, bytes, {
    hint: "torch-bytecode",
    interest: rules.interest,
  });
  return facts.map(({ fact }) => fact.kind === "operator" ? fact.name : fact.kind).sort();
}

const unicode = (text: string) => `X${String.fromCharCode(text.length)}\0\0\0${text}`;

test("bytecode is judged by each operator that it names, whatever stands around it", async () => {
  assert.deepEqual(await operators(unicode("aten::save"), "q\x0a"), ["aten::save"]);
  assert.deepEqual(await operators("XX", unicode("aten::save")), ["aten::save"]);
  assert.deepEqual(await operators("\x8c\x0aaten::saveq"), ["aten::save"]);
  // BINUNICODE8, which PyTorch 2.13 runs.
  assert.deepEqual(await operators("\x8d\x0a\0\0\0\0\0\0\0aten::saveq"), ["aten::save"]);
  assert.deepEqual(await operators(unicode("aten::add"), unicode("prim::If")), []);
  assert.deepEqual(await operators(unicode("mine::run")), ["mine::run"]);
  assert.deepEqual(await operators(unicode("prim::rpc_sync")), ["prim::rpc_sync"]);
  assert.deepEqual(await operators(unicode("inductor::_reinterpret_tensor")), [
    "inductor::_reinterpret_tensor",
  ]);
  assert.deepEqual(await operators(unicode("__torch__.torch.classes.mine.Thing")), [
    "classes::mine.Thing",
  ]);
});

test("spaces between the words of a class's name do not hide it", async () => {
  // PyTorch 2.13 crashes on some of them, while it loads the program.
  for (
    const type of [
      "__torch__ . torch. classes .mine . Thing",
      "List[__torch__ .torch.classes.mine.Thing]",
    ]
  ) {
    assert.deepEqual(await operators(unicode(type)), ["classes::mine.Thing"], type);
  }
});

test("a class is found in a type of any length", async () => {
  const type = `Tuple[${"int, ".repeat(300_000)}__torch__.torch.classes.mine.Thing]`;
  const length = [0, 8, 16, 24].map((bits) => (type.length >> bits) & 0xff);
  assert.deepEqual(await operators("X", ...length, type), ["classes::mine.Thing"]);
});

test("the types of a flatbuffer's functions are looked at", async () => {
  const bytes = sample("safe/mobile_types.ff");
  const type = "Dict[str, Tuple[Tensor, Tensor, int]]";
  const at = new TextDecoder("latin1").decode(bytes).indexOf(type);
  assert.ok(at > 0);
  bytes.set(new TextEncoder().encode("__torch__.torch.classes.mine.Thing".padEnd(type.length)), at);
  const { facts } = await run(torchscriptFormat, bytes, { interest: rules.interest });
  const names = facts.map(({ fact }) => fact.kind === "operator" ? fact.name : fact.kind);
  assert.deepEqual(names, ["classes::mine.Thing"]);
});

test("a flatbuffer hands on its sources", async () => {
  const { entries } = await run(torchscriptFormat, sample("harmful/mobile.ff"));
  assert.deepEqual(entries.map(({ hint }) => hint), ["torchscript-source", "hidden"]);
});

test("an archive or a program behind a flatbuffer is found at whatever place it begins", async () => {
  const complete = sample("safe/mobile.ff");
  assert.equal(await verdictOf(complete), "clean");
  const payload = gzipSync(new TextEncoder().encode("cposix\nsystem\n(S'echo x'\ntR."));
  assert.notEqual(await verdictOf(Uint8Array.of(...complete, ...payload)), "clean");
  const program = Uint8Array.from(
    "\x7fELF\x02\x01\x01".padEnd(120, "\0"),
    (each) => each.charCodeAt(0),
  );
  assert.notEqual(await verdictOf(Uint8Array.of(...complete, 1, 2, 3, ...program)), "clean");
});

test("a flatbuffer cut off anywhere is never clean", async () => {
  await assertCutsNeverClean("m.ptl", sample("harmful/mobile.ff"));
});

test("no changed byte of a flatbuffer makes the scan fail", async () => {
  await assertChangesAreRead("m.ptl", sample("harmful/mobile.ff"));
});
