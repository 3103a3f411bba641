import assert from "node:assert/strict";
import { test } from "node:test";
import { runMain } from "./main.ts";
import { testIo } from "../testing/io.ts";

async function explained(...args: readonly string[]): Promise<string> {
  const io = testIo();
  const code = await runMain(["explain", "--no-config", ...args], io);
  assert.equal(code, 0, io.stderr.text);
  return io.stdout.text;
}

test("operators are explained by their names, in each language that has them", async () => {
  const read = await explained("ReadFile");
  assert.match(read, /^ReadFile \(tensorflow\)$/m);
  assert.match(read, /HIGH dangerous · tensorflow-file-read/);
  assert.match(await explained("PyFunc"), /CRITICAL dangerous · tensorflow-python/);
  assert.match(await explained("Lambda"), /Lambda \(keras\)[^]*MEDIUM suspicious · keras-lambda/);
  assert.match(await explained("aten::save"), /HIGH dangerous · torchscript-file/);
});

test("operators are explained as JSON with the rule and the language of each", async () => {
  const said = JSON.parse(await explained("PyFunc", "--format", "json"));
  assert.equal(said.operator, "PyFunc");
  assert.deepEqual(
    said.judged.map((it: { language: string; rule_id: string }) => [it.language, it.rule_id]),
    [["tensorflow", "tensorflow-python"]],
  );
});

test("a rule of a name goes before an operator, and a path is a global", async () => {
  assert.match(await explained("zip-bomb"), /^zip-bomb$/m);
  assert.match(await explained("os.system"), /called +🔴 CRITICAL dangerous · pickle-command/);
});

test("what is neither rule nor operator is wrong usage", async () => {
  const io = testIo();
  assert.equal(await runMain(["explain", "ReadFiles"], io), 2);
  assert.match(io.stderr.text, /There is no rule or operator "ReadFiles"/);
});
