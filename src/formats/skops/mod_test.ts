import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { bytesSource } from "../../sources/memory.ts";
import type { FileReport } from "../../core/types.ts";
import { skopsFormat } from "./mod.ts";
import { run, sampleOf } from "../testing/scan.ts";
import { buildZip } from "../testing/zip.ts";
import { SWEEP } from "../../parsers/testing/sweep.ts";

const rules = loadRules();

function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text));
}

function node(loader: string, module: string, name: string, more: object = {}): object {
  return { __class__: name, __module__: module, __loader__: loader, ...more };
}

async function scanSchema(schema: unknown, name = "m.skops"): Promise<FileReport> {
  const data = typeof schema === "string" ? schema : JSON.stringify(schema);
  const zip = buildZip([{ name: "schema.json", data }]);
  return await scanSource(bytesSource(name, zip), { rules });
}

function reported({ findings }: FileReport): string[] {
  return findings.filter(({ safety }) => safety !== "innocuous")
    .map(({ severity, message }) => `${severity} ${message}`);
}

test("every loader that takes a class has it judged as pickles do", async () => {
  const loaders = [
    ..."ObjectNode DictNode ListNode SetNode TupleNode FunctionNode TypeNode LossNode TreeNode"
      .split(" "),
    ..."ConstructorFromReduceNode RandomStateNode RandomGeneratorNode NdArrayNode JsonNode".split(
      " ",
    ),
    ..."MethodNode OperatorFuncNode CachedNode NobodysNode".split(" "),
  ];
  for (const loader of loaders) {
    const report = await scanSchema({ a: [node(loader, "subprocess", "Popen")] });
    assert.equal(report.verdict, "dangerous", loader);
    assert.ok(reported(report).some((line) => line.includes("subprocess.Popen")), loader);
  }
});

test("a node without a loader that skops could use is still looked at", async () => {
  const report = await scanSchema({ __class__: "system", __module__: "os" });
  assert.equal(report.verdict, "dangerous");
});

test("of equal keys every value counts, and that there are two is said", async () => {
  const parts = [
    '"__module__": "os"',
    '"__module__": "collections"',
    '"__class__": "OrderedDict"',
    '"__class__": "system"',
    '"__loader__": "ObjectNode"',
  ];
  for (const order of [parts, [...parts].reverse()]) {
    const report = await scanSchema(`{${order.join(", ")}}`);
    assert.equal(report.verdict, "dangerous");
    assert.ok(report.findings.some(({ ruleId }) => ruleId === "skops-duplicate-key"));
  }
});

test("an operator under another module's name is an attack, under its own it is judged", async () => {
  const attrs = node("TupleNode", "builtins", "tuple", {
    content: [node("JsonNode", "builtins", "str", { content: '"coef_"' })],
  });
  const getter = await scanSchema(node("OperatorFuncNode", "operator", "attrgetter", { attrs }));
  assert.equal(getter.verdict, "clean");
  const lying = await scanSchema(node("OperatorFuncNode", "sklearn", "attrgetter", { attrs }));
  assert.equal(lying.findings[0]?.ruleId, "skops-operator");
  const walking = node("TupleNode", "builtins", "tuple", {
    content: [node("JsonNode", "builtins", "str", { content: '"__init__.__globals__"' })],
  });
  const walk = await scanSchema(
    node("OperatorFuncNode", "operator", "attrgetter", { attrs: walking }),
  );
  assert.equal(walk.verdict, "suspicious");
});

test("however many nodes are odd, an attack among them is reported", async () => {
  const odd = Array.from({ length: 300 }, (_, index) => node("Odd", "collections", `C${index}`));
  const attack = node("OperatorFuncNode", "sklearn", "methodcaller", { attrs: [] });
  for (const schema of [[attack, ...odd], [...odd, attack]]) {
    const { findings } = await scanSchema({ a: schema });
    const reportedRules = findings.map(({ ruleId }) => ruleId);
    assert.ok(reportedRules.includes("skops-operator"));
    assert.equal(reportedRules.filter((id) => id === "skops-unknown-loader").length, 50);
  }
});

test("a method of an object that is none of the class it claims is an attack", async () => {
  const method = (of: object, func: string) =>
    node("MethodNode", "sklearn.svm._classes", "SVC", { content: { obj: of, func } });
  const svc = node("ObjectNode", "sklearn.svm._classes", "SVC");
  assert.equal((await scanSchema(method(svc, "predict"))).verdict, "suspicious");
  const other = await scanSchema(
    method(node("ObjectNode", "sklearn.svm._classes", "SVR"), "predict"),
  );
  assert.equal(other.findings[0]?.ruleId, "skops-method");
  assert.equal((await scanSchema(method(svc, "__globals__"))).verdict, "dangerous");
});

test("a partial is judged by the function that it holds, whatever class the node names", async () => {
  const partial = (func: unknown) =>
    node("PartialNode", "functools", "partial", { content: { func, args: {}, kwds: {} } });
  const clip = await scanSchema(partial(node("FunctionNode", "numpy", "clip")));
  assert.equal(clip.verdict, "clean");
  assert.equal(
    (await scanSchema(partial(node("TypeNode", "builtins", "eval")))).verdict,
    "dangerous",
  );
  const unknown = await scanSchema(partial(node("MethodNode", "builtins", "list")));
  assert.equal(unknown.verdict, "dangerous");
});

test("a schema is found under any archive's name, and whatever stands before its keys", async () => {
  const padding = { padding: "x".repeat(200_000) };
  for (const name of ["m.skops", "m.zip", "m"]) {
    const report = await scanSchema({ ...padding, ...node("ObjectNode", "os", "system") }, name);
    assert.equal(report.verdict, "dangerous", name);
  }
});

test("a schema of something else is none of skops'", async () => {
  const report = await scanSchema({ $schema: "http://json-schema.org/", type: "object" }, "x.zip");
  assert.deepEqual(reported(report), []);
  assert.equal((await scanSchema({ type: "object" })).verdict, "incomplete");
});

test("a schema cut anywhere is incomplete, and what stands before the cut counts", async () => {
  const text = JSON.stringify(node("ObjectNode", "os", "system", { content: null }));
  const named = text.indexOf('"__loader__"');
  for (let end = 1; end < text.length; end += SWEEP) {
    const report = await scanSchema(text.slice(0, end));
    const expected = end >= named - 1 ? "dangerous" : "incomplete";
    assert.equal(report.verdict, expected, `cut at ${end}`);
  }
});

test("nesting costs no stack, and too many values are a limit", async () => {
  const depth = 50_000;
  const deep = `${'{"content":['.repeat(depth)}${JSON.stringify(node("TypeNode", "os", "system"))}${
    "]}".repeat(depth)
  }`;
  const seen = await run(skopsFormat, bytes(deep), { hint: "skops-schema" });
  assert.ok(seen.facts.some(({ fact }) => fact.kind === "import" && fact.module === "os"));
  const many = bytes(`{"a":[${"1,".repeat(5000)}1]}`);
  const limited = await run(skopsFormat, many, { hint: "skops-schema", limits: { values: 1000 } });
  assert.deepEqual(limited.rules, ["skops-malformed"]);
  assert.ok(limited.unread);
});

test("keys of the wrong type name nothing and break nothing", async () => {
  for (const value of [null, 1, [], {}, true]) {
    const schema = { __class__: value, __module__: value, __loader__: value, content: value };
    assert.equal((await scanSchema(schema)).verdict, "incomplete");
    const method = { ...node("MethodNode", "a", "b"), content: { func: value, obj: value } };
    assert.equal((await scanSchema(method)).verdict, "suspicious");
  }
});

test("a model that skops saved, renamed to what it is not, is still a skops file", async () => {
  const url = new URL("../../../testdata/skops/safe/pipeline.skops", import.meta.url);
  const data = new Uint8Array(readFileSync(url));
  const report = await scanSource(bytesSource("m.zip", data), { rules });
  assert.equal(report.verdict, "clean");
  assert.ok(report.formats.includes("skops"));
});

test("escapes in keys hide no schema in an archive of another name", async () => {
  const text = JSON.stringify(node("TypeNode", "os", "system")).replace(
    "__loader",
    "_\\u005Fl\\u006fader",
  );
  const archive = buildZip([{ name: "schema.json", data: text }]);
  const report = await scanSource(bytesSource("m.zip", archive), { rules });
  assert.equal(report.verdict, "dangerous");
});

test("UTF-16 hides no node", () => {
  const text = JSON.stringify(node("TypeNode", "os", "system"));
  const wide = new Uint8Array(Buffer.from(text, "utf16le"));
  assert.ok(skopsFormat.detect(sampleOf(wide, { name: "schema.json" })));
});
