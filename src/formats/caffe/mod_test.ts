import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fieldsOf } from "../../parsers/protobuf.ts";
import { SWEEP } from "../../parsers/testing/sweep.ts";
import { loadRules } from "../../rules/rules.ts";
import { scanMany } from "../../scan/scan_inputs.ts";
import { assertChangesAreRead, assertCutsNeverClean, report } from "../testing/cuts.ts";

const TESTDATA = new URL("../../../testdata/caffe/", import.meta.url);
const rules = loadRules();

function read(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, TESTDATA)));
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

async function judged(text: string, name = "net.prototxt"): Promise<[string, string[]]> {
  const { verdict, findings } = await report(name, bytesOf(text));
  const reported = findings.filter(({ severity }) => severity !== "info");
  return [verdict, reported.map(({ ruleId }) => ruleId)];
}

/** Verdict on a network in a folder with other files. */
async function inFolder(files: Readonly<Record<string, string>>): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "caffe-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    const { files: reports } = await scanMany([folder], { rules });
    return reports.find(({ path }) => path.endsWith(".prototxt"))?.verdict;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const python = (module: string, layer: string) =>
  `name: "n" layer { type: "Python" python_param { module: ${module} layer: ${layer} } }`;

test("a network cut within a message is never clean", async () => {
  for (const name of ["lenet", "recurrent"]) {
    const bytes = read(`safe/${name}.prototxt`);
    const text = new TextDecoder().decode(bytes);
    let depth = 0;
    for (let at = 0; at < bytes.length; at++) {
      if (text[at] === "{") depth++;
      if (text[at] === "}") depth--;
      if (depth === 0 || at % SWEEP !== 0) continue;
      const { verdict } = await report("net.prototxt", bytes.slice(0, at + 1));
      assert.ok(verdict !== "clean" && verdict !== "skipped", `${name} cut at ${at} is ${verdict}`);
    }
  }
});

test("weights cut anywhere but behind a layer are never clean", async () => {
  for (const name of ["lenet", "recurrent"]) {
    const bytes = read(`safe/${name}.caffemodel`);
    const allowed = [...fieldsOf(bytes)].filter(({ number }) => number === 100);
    await assertCutsNeverClean("m.caffemodel", bytes, { allowed: allowed.map(({ end }) => end) });
  }
});

test("bytes changed anywhere are read without a defect", async () => {
  await assertChangesAreRead("net.prototxt", read("harmful/python_escaped.prototxt"));
  await assertChangesAreRead("m.caffemodel", read("safe/lenet.caffemodel"), 7);
});

test("what a Python layer imports is judged by its names, however they are written", async () => {
  const [verdict, ids] = await judged(python('"os"', '"system"'));
  assert.deepEqual([verdict, ids], ["dangerous", ["caffe-dangerous-reference"]]);
  for (const [module, layer] of [["'o' 's'", '"system"'], ['"\\157\\x73"', '"syste\\155"']]) {
    assert.equal((await judged(python(module ?? "", layer ?? "")))[0], "dangerous");
  }
  assert.deepEqual(await judged(python('"rpn.proposal_layer"', '"ProposalLayer"')), [
    "suspicious",
    ["caffe-python-layer"],
  ]);
  const unnamed = 'name: "n" layer { type: "Python" python_param { layer: "A" } }';
  assert.deepEqual(await judged(unnamed), ["suspicious", ["caffe-unnamed-layer"]]);
});

test("modules beside the network, and below it, are read for what importing them runs", async () => {
  const net = python('"a.echo"', '"Echo"');
  const harmless = "import caffe\nclass Echo(caffe.Layer):\n    pass\n";
  assert.equal(await inFolder({ "m/net.prototxt": net, "m/a/echo.py": harmless }), "suspicious");
  const harmful = `import os\nos.system('echo x')\n${harmless}`;
  for (const place of ["m/a/echo.py", "a/echo.py", "lib/a/echo.py", "m/a/echo/__init__.py"]) {
    assert.equal(await inFolder({ "m/net.prototxt": net, [place]: harmful }), "dangerous", place);
  }
  assert.equal(await inFolder({ "m/net.prototxt": net, "m/b/echo.py": harmful }), "suspicious");
});

test("what a layer of a module does while it is made is read", async () => {
  const net = python('"echo"', '"Echo"');
  for (
    const method of [
      "setup(self, bottom, top)",
      "__init__(self, *given)",
      "reshape(self, bottom, top)",
    ]
  ) {
    const module =
      `import os, caffe\nclass Echo(caffe.Layer):\n    def ${method}:\n        os.system('echo x')\n`;
    assert.equal(await inFolder({ "net.prototxt": net, "echo.py": module }), "dangerous", method);
  }
});

test("files are written by a layer, read outside of the folder, or named for snapshots", async () => {
  const layer = (type: string, rest: string) => `name: "n" layer { type: ${type} ${rest} }`;
  const output = 'hdf5_output_param { file_name: "a.h5" }';
  assert.deepEqual(await judged(layer('"HDF5Output"', output)), ["dangerous", [
    "caffe-file-write",
  ]]);
  assert.deepEqual(await judged(`layers { type: HDF5_OUTPUT ${output} }`), [
    "dangerous",
    ["caffe-file-write"],
  ]);
  assert.deepEqual(await judged(layer('"HDF5Data"', 'hdf5_data_param { source: "../a" }')), [
    "suspicious",
    ["caffe-path"],
  ]);
  assert.deepEqual(await judged('net: "n.prototxt" snapshot_prefix: "/tmp/x"'), [
    "dangerous",
    ["caffe-written-path"],
  ]);
  assert.deepEqual(await judged('net_param { layer { type: "HDF5Output" } } base_lr: 1'), [
    "dangerous",
    ["caffe-file-write"],
  ]);
});

test("of a layer with two types, and layers before 2014, none is left out", async () => {
  const two = 'name: "n" layer { type: "ReLU" type: "HDF5Output" type: "TanH" }';
  assert.equal((await judged(two))[0], "dangerous");
  const old = 'name: "n" layers { layer { name: "a" type: "HDF5Output" } }';
  assert.equal((await judged(old))[0], "dangerous");
});

test("text of other kinds is no network, and other fields make one incomplete", async () => {
  assert.equal((await judged('name: "a" nothing: 1'))[0], "incomplete");
  assert.equal((await judged("nothing: 1"))[0], "incomplete");
  assert.equal((await judged('name: "a" layer { type: "ReLU" }', "a.txt"))[0], "clean");
  const { formats } = await report("a.txt", bytesOf('name: "a"\nversion: 1\n'));
  assert.equal(formats.includes("caffe"), false);
  assert.equal((await judged('item { name: "a" label: 1 display_name: "b" }'))[0], "clean");
});

test("a shape that disagrees with its numbers is reported, in either notation of shapes", async () => {
  const field = (number: number, content: readonly number[]) => [
    ...(number < 16 ? [number << 3 | 2] : [number << 3 & 127 | 128 | 2, number >> 4]),
    content.length,
    ...content,
  ];
  const weights = (blob: readonly number[]) => Uint8Array.from(field(100, field(7, blob)));
  const verdictOf = async (blob: readonly number[]) =>
    (await report("m.caffemodel", weights(blob))).verdict;
  const two = field(5, [0, 0, 0, 0, 0, 0, 0, 0]);
  assert.equal(await verdictOf([...field(7, field(1, [2])), ...two]), "clean");
  assert.equal(await verdictOf([...field(7, [8, 1, 8, 2]), ...two]), "clean");
  assert.equal(await verdictOf([8, 1, 16, 1, 24, 1, 32, 2, ...two]), "clean");
  assert.equal(await verdictOf([...field(7, field(1, [3])), ...two]), "suspicious");
  assert.equal(await verdictOf([8, 1, 16, 1, 24, 1, 32, 3, ...two]), "suspicious");
  assert.equal(await verdictOf(two), "suspicious");
  assert.equal(
    await verdictOf([...field(7, field(1, Array(40).fill(1))), ...field(5, [0, 0, 0, 0])]),
    "suspicious",
  );
});

test("comments in front of the first field, and in it, hide no network", async () => {
  const layer = 'layer # {\n{ type: "Python" python_param { module: "os" layer: "system" } }';
  for (const length of [0, 65_532, 70_000]) {
    const [verdict] = await judged(`#${"x".repeat(length)}\n${layer}`);
    assert.equal(verdict, "dangerous", `${length}`);
  }
});
