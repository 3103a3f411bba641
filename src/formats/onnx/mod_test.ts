import assert from "node:assert/strict";
import { linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import type { FolderPlace, OperatorFact } from "../../core/types.ts";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { Folders } from "../../sources/folder.ts";
import { bytesSource } from "../../sources/memory.ts";
import { onnxFormat } from "./mod.ts";
import { run, sampleOf, type Seen } from "../testing/scan.ts";
import { LARGE_INPUT, SWEEP } from "../../parsers/testing/sweep.ts";

const FOLDER = new URL("../../../testdata/onnx/", import.meta.url);
const sample = (name: string) => new Uint8Array(readFileSync(new URL(name, FOLDER)));
const scan = (bytes: Uint8Array) => run(onnxFormat, bytes, { name: "model.onnx" });

/** What a model is written from: fields with bytes, text, a number or other fields in them. */
type Value = Uint8Array | string | number | readonly Field[];
type Field = readonly [number: number, value: Value];

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes.push(value % 128 | 0x80);
  return [...bytes, value];
}

function encode(fields: readonly Field[]): Uint8Array {
  const bytes: number[] = [];
  for (const [number, value] of fields) {
    if (typeof value === "number") bytes.push(...varint(number * 8), ...varint(value));
    else {
      const payload = typeof value === "string"
        ? new TextEncoder().encode(value)
        : value instanceof Uint8Array
        ? value
        : encode(value);
      bytes.push(...varint(number * 8 + 2), ...varint(payload.length));
      for (const byte of payload) bytes.push(byte);
    }
  }
  return Uint8Array.from(bytes);
}

const node = (op: string, domain = "", name = "n", ...more: Field[]): Field => [1, [
  [1, "x"],
  [2, "y"],
  [3, name],
  [4, op],
  ...more,
  [7, domain],
]];
const model = (graph: readonly Field[], ...more: Field[]) =>
  encode([[1, 8], [2, "test"], [7, graph], [8, [[2, 18]]], ...more]);

function operators(seen: Seen): OperatorFact[] {
  return seen.facts.flatMap(({ fact }) => fact.kind === "operator" ? [fact] : []);
}

const namesOf = (seen: Seen) => operators(seen).map(({ name }) => name);

test("a model is recognised by its structure, whatever it is called", () => {
  for (const name of ["safe/torch_mlp.onnx", "safe/sklearn_forest.onnx", "safe/subgraphs.onnx"]) {
    assert.ok(onnxFormat.detect(sampleOf(sample(name), { name: "weights.dat" })), name);
  }
  // In another order, without a version, behind fields that nothing knows.
  const graph: Field = [7, [node("Relu")]];
  assert.ok(onnxFormat.detect(sampleOf(encode([graph]))));
  assert.ok(onnxFormat.detect(sampleOf(encode([[8, [[2, 18]]], graph, [1, 8]]))));
  assert.ok(onnxFormat.detect(sampleOf(encode([[99, "hm"], [500, 3], graph]))));
});

test("a model whose graph reaches beyond the head is recognised", () => {
  const bytes = model([[5, [[8, "w"], [9, new Uint8Array(200_000)]]], node("Relu")]);
  assert.ok(onnxFormat.detect(sampleOf(bytes, { name: "x.bin" })));
});

test("a description longer than the head hides nothing from who goes by the name", () => {
  const bytes = encode([[6, "a".repeat(100_000)], [7, [node("PyOp")]]]);
  assert.ok(onnxFormat.detect(sampleOf(bytes, { name: "model.onnx" })));
});

test("other protobuf, text and noise are no models", () => {
  const others = [
    encode([[1, 1], [2, [[1, [[5, "1.0"]]], [2, [[1, [[1, "x"], [2, "Const"]]]]]]]]),
    encode([[1, [[1, "x"], [2, "Placeholder"]]], [4, [[1, 21]]]]),
    encode([[1, 8], [2, "producer"], [3, "1.0"]]),
    ...["hello world", "(lp0\n.", "*some text\n", "2024-01-01,3\n", ":::::::", "\x08\x08\x08"].map((
      text,
    ) => new TextEncoder().encode(text)),
    new Uint8Array(4096),
    new Uint8Array(4096).fill(0x3a),
  ];
  for (const bytes of others) assert.ok(!onnxFormat.detect(sampleOf(bytes)), String(bytes[0]));
  fc.assert(fc.property(fc.uint8Array({ minLength: 16, maxLength: 300 }), (bytes) => {
    assert.ok(!onnxFormat.detect(sampleOf(bytes, { name: "x.bin" })));
  }));
});

test("operators are named by domain, counted, and reported with their first nodes", async () => {
  const seen = await scan(model([
    node("Relu", "", "a"),
    node("Relu", "ai.onnx", "b"),
    node("Run", "com.example", "c", [5, [[1, "cmd"], [4, "/bin/sh"]]]),
    node("Run", "com.example", "d", [5, [[1, "url"], [9, "https://example.com/"], [9, "plain"]]]),
    node("a.b", "", "e"),
  ]));
  assert.deepEqual(namesOf(seen), ["Relu", "com.example.Run", "::a.b"]);
  assert.deepEqual(seen.facts.map(({ count }) => count), [2, 2, 1]);
  const custom = operators(seen)[1];
  assert.equal(custom?.expression, 'com.example.Run(cmd="/bin/sh") at node "c" and at 1 more');
  assert.deepEqual(custom?.details, { nodes: ["c", "d"] });
  assert.deepEqual(custom?.evidence, [
    { kind: "path", text: "/bin/sh", cut: false },
    { kind: "url", text: "https://example.com/", cut: false },
  ]);
});

test("every graph is looked into: branches, bodies, functions, training, defaults", async () => {
  const graph = (op: string): Field => [6, [node(op, "d", op)]];
  const holder = (op: string): Field => [5, [[1, "body"], graph(op)]];
  const seen = await scan(model(
    [node("If", "", "if", holder("InBranch"), [5, [[1, "many"], [11, [node("InList", "d")]]]])],
    [20, [[1, [node("InStart", "d")]], [2, [node("InStep", "d")]]]],
    [25, [[7, [[1, "x"], [4, "InFunction"], [7, "d"], holder("InFunctionBranch")]], [10, "l"], [
      1,
      "F",
    ], [
      11,
      [[1, "default"], graph("InDefault")],
    ]]],
  ));
  assert.deepEqual(namesOf(seen).sort(), [
    ...["If", "d.InBranch", "d.InDefault", "d.InFunction", "d.InFunctionBranch", "d.InList"],
    ...["d.InStart", "d.InStep"],
  ]);
  const place = (name: string) => operators(seen).find((one) => one.name === name)?.details?.places;
  assert.deepEqual(place("d.InBranch"), ['body of "if"']);
  assert.deepEqual(place("d.InFunction"), ["function l.F"]);
  assert.deepEqual(place("d.InFunctionBranch"), ["body in function l.F"]);
  assert.deepEqual(place("d.InStep"), ["a training graph"]);
});

test("an operator that the model defines as a function plays that part, whichever comes first", async () => {
  const define: Field = [25, [[1, "F"], [7, [[4, "Relu"]]], [10, "my"]]];
  for (
    const bytes of [model([node("F", "my")], define), encode([define, [7, [node("F", "my")]]])]
  ) {
    const seen = await scan(bytes);
    assert.equal(operators(seen).find(({ name }) => name === "my.F")?.role, "function");
  }
  assert.equal(operators(await scan(model([node("F", "your")], define)))[0]?.role, undefined);
});

test("a Python operator stays one, whatever its domain and though a function has its name", async () => {
  for (const domain of ["", "ai.onnx", "any.domain", "new\nline", "com.microsoft"]) {
    const define: Field = [25, [[1, "PyOp"], [7, [[4, "Relu"]]], [10, domain]]];
    const seen = await scan(model([node("PyOp", domain)], define));
    assert.equal(operators(seen)[0]?.role, "python", domain);
  }
  assert.equal(
    operators(await scan(model([node("PythonOp", "com.microsoft")])))[0]?.role,
    "python",
  );
  assert.equal(operators(await scan(model([node("PythonOp", "x")])))[0]?.role, undefined);
});

test("the last of several names counts, as in every protobuf parser", async () => {
  const seen = await scan(model([[1, [[4, "Relu"], [7, "a"], [4, "Run"], [7, "b"]]]]));
  assert.deepEqual(namesOf(seen), ["b.Run"]);
});

const entry = (key: string, value: string): Field => [13, [[1, key], [2, value]]];
const tensor = (...fields: Field[]): Field => [5, [[1, 2], [2, 1], [8, "w"], ...fields, [14, 1]]];
const external = async (...fields: Field[]) =>
  (await scan(model([node("Relu"), tensor(...fields)]))).anomalies.map((
    { rule, detail },
  ) => [rule, detail]);

test("data outside the model's folder are reported once a location", async () => {
  const place = entry("location", "../x");
  const seen = await scan(
    model([node("Relu"), tensor(place), tensor(place), tensor(entry("location", "w.bin"))]),
  );
  assert.deepEqual(seen.anomalies.map(({ detail }) => detail), [
    'Tensor "w" takes its data from "../x", which climbs out of the model\'s folder (2 times)',
  ]);
});

test("offsets and lengths must be plain numbers, keys known ones, a location there", async () => {
  const place = entry("location", "w.bin");
  assert.deepEqual(
    await external(place, entry("offset", "4096"), entry("length", "8"), entry("checksum", "ab")),
    [],
  );
  assert.deepEqual(await external(place, entry("prepacked_0", "x"), entry("basepath", "")), []);
  for (const value of ["-1", "1e3", "0x10", " 1", "+1", "1_0", "", "9".repeat(16)]) {
    assert.deepEqual(
      (await external(place, entry("offset", value)))[0]?.[0],
      "onnx-external-data-range",
    );
  }
  assert.deepEqual(
    (await external(place, entry("__class__", "x")))[0]?.[0],
    "onnx-external-data-key",
  );
  assert.deepEqual((await external())[0]?.[0], "onnx-external-data-odd");
});

test("data are looked for in the folder that the model lies in", async () => {
  const rules = loadRules({ strict: true });
  const bytes = model([node("Relu"), tensor(entry("location", "w.bin"), entry("length", "8"))]);
  const idsFor = async (...members: FolderPlace["listing"]["members"]) => {
    const folder: FolderPlace = {
      listing: { format: "folder", members: [{ name: "model.onnx", kind: "file" }, ...members] },
      member: "model.onnx",
    };
    const report = await scanSource(bytesSource("model.onnx", bytes), { rules, folder });
    return report.findings.map(({ ruleId }) => ruleId).filter((id) =>
      id !== "onnx-standard-operator"
    );
  };
  const file = { name: "w.bin", kind: "file" } as const;
  assert.deepEqual(await idsFor({ ...file, size: 8 }), []);
  assert.deepEqual(await idsFor({ ...file, size: 7 }), ["onnx-external-data-range"]);
  assert.deepEqual(await idsFor(), ["onnx-external-data-missing"]);
  assert.deepEqual(await idsFor({ name: "w.bin", kind: "link", linkTarget: "/etc/passwd" }), [
    "onnx-external-data-link",
  ]);
  assert.deepEqual(await idsFor({ name: "w.bin", kind: "hardlink" }), ["onnx-external-data-link"]);
});

test("links on a disk are followed as far as they tell where the data are", async () => {
  const rules = loadRules();
  const top = mkdtempSync(join(tmpdir(), "modelaudit-onnx-"));
  const at = (...parts: string[]): string => join(top, ...parts);
  try {
    for (const name of ["secret", "link", "parent", "hard", "hub", "blobs"]) mkdirSync(at(name));
    writeFileSync(at("secret", "w.bin"), "12345678");
    writeFileSync(at("blobs", "w"), "12345678");
    const bytes = model([node("Relu"), tensor(entry("location", "data/w.bin"))]);
    for (const name of ["link", "parent", "hard", "hub"]) {
      writeFileSync(name === "hub" ? at("blobs", "m") : at(name, "model.onnx"), bytes);
      if (name !== "parent") mkdirSync(at(name, "data"));
    }
    symlinkSync("../../secret/w.bin", at("link", "data", "w.bin"));
    symlinkSync("../secret", at("parent", "data"));
    linkSync(at("secret", "w.bin"), at("hard", "data", "w.bin"));
    symlinkSync("../blobs/m", at("hub", "model.onnx"));
    symlinkSync("../../blobs/w", at("hub", "data", "w.bin"));
    const verdicts = [];
    for (const name of ["link", "parent", "hard", "hub"]) {
      const path = at(name, "model.onnx");
      const source = bytesSource("model.onnx", bytes);
      const folder = new Folders().place(path, at(name));
      const { verdict } = await scanSource(source, { rules, folder });
      verdicts.push(`${name} ${verdict}`);
    }
    assert.deepEqual(verdicts, [
      ...["link dangerous", "parent dangerous", "hard dangerous", "hub clean"],
    ]);
  } finally {
    rmSync(top, { recursive: true });
  }
});

test("a model cut at any byte is unread", async () => {
  const bytes = sample("safe/functions.onnx");
  const rules = loadRules();
  const complete: number[] = [];
  for (let length = 0; length < bytes.length; length += SWEEP) {
    const cut = bytesSource("model.onnx", bytes.subarray(0, length));
    const report = await scanSource(cut, { rules });
    if (report.verdict !== "incomplete") complete.push(length);
    assert.notEqual(report.verdict, "clean", `cut at ${length}`);
  }
  // Behind an operator set the functions are missing: that is another model, with unknown operators.
  assert.ok(complete.length < 5, `cut at ${complete}`);
});

test("a model with any byte changed ends quickly and without a defect", async () => {
  const bytes = sample("safe/functions.onnx");
  for (let at = 0; at < bytes.length; at += SWEEP) {
    for (const value of [0x00, 0x0b, 0x7f, 0x80, 0xff]) {
      const changed = bytes.slice();
      changed[at] = value;
      await scan(changed);
    }
  }
});

test("known fields of another wire type are reported, and stepped over", async () => {
  const seen = await scan(model([node("Relu"), [2, 5], [1, 3]], [20, 1], [7, 4]));
  assert.deepEqual(namesOf(seen), ["Relu"]);
  assert.deepEqual(seen.rules, ["onnx-odd-field"]);
  assert.equal(seen.anomalies.length, 4);
});

test("what is wrong is reported a few times only, and what is around it is still read", async () => {
  const broken: Field = [1, Uint8Array.of(0x07)];
  const seen = await scan(model([...Array<Field>(50).fill(broken), node("Run", "x")]));
  assert.ok(seen.unread);
  assert.ok(seen.anomalies.length < 20);
  assert.ok(namesOf(seen).includes("x.Run"));
});

test("subgraphs nested deeper than any parser goes are unread, in no time", async () => {
  const seen = await scan(sample("malformed/nested_10000.onnx"));
  assert.ok(seen.unread);
  assert.deepEqual(namesOf(seen), ["If"]);
});

test("no graph at all is malformed, and a version to come is said", async () => {
  assert.deepEqual((await scan(encode([[1, 8], [8, [[2, 18]]]]))).rules, ["onnx-malformed"]);
  assert.deepEqual((await scan(encode([[1, 8], [7, [node("Relu")]]]))).rules, ["onnx-malformed"]);
  assert.deepEqual((await scan(encode([[1, 2], [7, [node("Relu")]]]))).rules, []);
  const newer = encode([[1, 99], [7, [node("Relu")]], [8, [[2, 30]]]]);
  assert.deepEqual((await scan(newer)).rules, ["onnx-newer-version"]);
});

test("tensors are stepped over", async () => {
  const bytes = model([node("Relu"), [5, [[8, "w"], [9, new Uint8Array(400_000)]]], node("Neg")]);
  let read = 0;
  const inner = bytesSource("model.onnx", bytes);
  const source = {
    ...inner,
    readSync(offset: number, length: number): Uint8Array {
      read += length;
      return bytes.subarray(offset, offset + length);
    },
  };
  const seen = await run(onnxFormat, bytes, { source });
  assert.deepEqual(namesOf(seen), ["Relu", "Neg"]);
  assert.ok(read < 50_000, `${read} bytes read`);
});

test("too many different operators end the scan with what was seen", LARGE_INPUT, async () => {
  const nodes: Field[] = [];
  for (let count = 0; count < 50_001; count++) nodes.push([1, [[4, `Op${count}`]]]);
  const seen = await scan(model(nodes));
  assert.equal(seen.error?.name, "LimitError");
  assert.equal(namesOf(seen).length, 50_000);
});

test("real exports use operators of the standard only", async () => {
  const rules = loadRules();
  for (const name of readdirSync(new URL("safe/", FOLDER))) {
    if (!name.endsWith(".onnx")) continue;
    const bytes = sample(`safe/${name}`);
    assert.ok(onnxFormat.detect(sampleOf(bytes)), name);
    const report = await scanSource(bytesSource(name, bytes), { rules });
    assert.deepEqual([report.verdict, report.errors], ["clean", []], name);
  }
});
