import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Buffer } from "node:buffer";
import { deflateSync, gzipSync } from "node:zlib";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { blobSource, bytesSource } from "../../sources/memory.ts";
import type { Source } from "../../core/source.ts";
import type { FileReport, Finding, Limits } from "../../core/types.ts";
import { kindOf } from "./detect.ts";
import { LARGE_INPUT } from "../../parsers/testing/sweep.ts";
import { assertChangesAreRead, assertCutsNeverClean } from "../testing/cuts.ts";

const rules = loadRules({ strict: true });
const ROOT = new URL("../../../testdata/tensorflow/", import.meta.url);

const sample = (name: string) => new Uint8Array(readFileSync(new URL(name, ROOT)));

function scan(bytes: Uint8Array, name = "saved_model.pb", limits: Partial<Limits> = {}) {
  return scanSource(bytesSource(name, bytes), { rules, limits });
}

function issues(report: FileReport): readonly Finding[] {
  return report.findings.filter(({ safety }) => safety !== "innocuous");
}

const bytesOf = (...parts: readonly (number | Uint8Array)[]) =>
  Uint8Array.from(parts.flatMap((part) => typeof part === "number" ? [part] : [...part]));

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value & 127) | 128);
  return [...bytes, value];
}

/** A field that holds bytes, text or another message. */
function field(number: number, content: string | Uint8Array): Uint8Array {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const head = [...varint(number * 8 + 2), ...varint(bytes.length)];
  const all = new Uint8Array(head.length + bytes.length);
  all.set(head);
  all.set(bytes, head.length);
  return all;
}

const attribute = (key: string, value: Uint8Array) =>
  field(5, bytesOf(field(1, key), field(2, value)));

function node(name: string, op: string, inputs: readonly string[], ...more: Uint8Array[]) {
  return bytesOf(field(1, name), field(2, op), ...inputs.map((one) => field(3, one)), ...more);
}

/** A tensor of one string. */
const text = (content: string | Uint8Array) =>
  attribute("value", field(8, bytesOf(8, 7, field(8, content))));

const graphOf = (...nodes: readonly Uint8Array[]) => bytesOf(...nodes.map((one) => field(1, one)));

const READ = [
  node("path", "Const", [], text("/etc/passwd")),
  node("read", "ReadFile", ["path"]),
];

test("messages are distinguished by what is in them", () => {
  const graph = graphOf(...READ);
  assert.equal(kindOf(graph, graph.length), "graph");
  const meta = field(2, graph);
  assert.equal(kindOf(meta, meta.length), "meta-graph");
  const model = bytesOf(8, 1, field(2, meta));
  assert.equal(kindOf(model, model.length), "saved-model");
  assert.equal(kindOf(model.subarray(0, 60), model.length), "saved-model");
});

test("a bare SavedModel, without version or attributes, is known by the name that TensorFlow loads", async () => {
  const graph = graphOf(node("Const", "Const", []), node("bad", "PyFunc", []));
  const report = await scan(field(2, field(2, graph)));
  assert.equal(report.verdict, "dangerous");
  assert.match(issues(report)[0]?.message ?? "", /PyFunc\(\) at node "bad"/);
});

test("what only looks like a message is no graph", () => {
  const encode = (content: string) => new TextEncoder().encode(content);
  const others = [
    encode("\n\x03abc\x12\x03def"),
    encode("hello, world\n"),
    bytesOf(8, 1),
    bytesOf(0x0a, 0x02, 0x08, 0x01),
    // A map of text to text.
    bytesOf(field(1, bytesOf(field(1, "key"), field(2, "value")))),
    // Keras metadata: nodes with a path, an identifier and a configuration.
    bytesOf(field(1, bytesOf(field(3, "root"), field(4, "_tf_keras_network"), field(5, "{}"))))
      .subarray(0, 28),
    // ONNX: a version, a producer, a graph.
    bytesOf(8, 7, field(2, "pytorch"), field(7, field(1, field(4, "Add")))),
  ];
  for (const [index, bytes] of others.entries()) {
    assert.equal(kindOf(bytes, bytes.length), undefined, String(index));
    assert.equal(kindOf(bytes, bytes.length + 100_000), undefined, String(index));
    assert.equal(kindOf(bytes, bytes.length, index > 4), undefined, `${index}, named`);
  }
});

test("a frozen graph is known by its content, whatever its name", async () => {
  for (const name of ["frozen.pb", "weights.bin", "model"]) {
    const report = await scan(graphOf(...READ), name);
    assert.equal(report.verdict, "dangerous", name);
    assert.deepEqual(report.formats, ["tensorflow"]);
  }
});

test("an operator that is called like a property of every object hides no other", async () => {
  for (const op of ["constructor", "toString", "hasOwnProperty", "__proto__", "valueOf"]) {
    const report = await scan(graphOf(node("x", op, ["y"]), ...READ));
    assert.equal(report.verdict, "dangerous", op);
    assert.ok(!report.findings.some(({ ruleId }) => ruleId === "scan-defect"), op);
  }
});

test("a field that nothing knows hides nothing under a name that says graph", async () => {
  const hidden = bytesOf(field(100, "x"), field(1, READ[1] ?? bytesOf()));
  assert.equal((await scan(hidden, "graph.pb")).verdict, "dangerous");
});

test("an issue names operator, node, function, signature and what constant feeds it", async () => {
  const report = await scan(sample("malicious_readfile/saved_model.pb"));
  const [issue, ...others] = issues(report);
  assert.equal(others.length, 0);
  assert.equal(issue?.ruleId, "tensorflow-file-read");
  assert.match(issue.message, /ReadFile\("\/etc\/passwd"\)/u);
  const { operator, node, function: name, signature, meta_graph, evidence } = issue.details;
  assert.deepEqual({ operator, node, signature, meta_graph }, {
    operator: "ReadFile",
    node: "ReadFile",
    signature: ["serving_default"],
    meta_graph: ["serve"],
  });
  assert.match(String(name), /^__inference_serve_/u);
  assert.deepEqual(evidence, [{ kind: "path", text: "/etc/passwd", cut: false }]);
});

test("what a loader runs of its own accord is said so", async () => {
  const [issue] = issues(await scan(sample("harmful/on_load.pb")));
  assert.equal(issue?.details["runs"], "while the model is loaded");
});

test("the saver of a clean model is known by its wiring and stays harmless", async () => {
  for (const name of ["safe_model/saved_model.pb", "safe/sharded.meta", "safe/checkpoint.meta"]) {
    const report = await scan(sample(name), name.slice(name.lastIndexOf("/") + 1));
    const saver = report.findings.filter(({ ruleId }) => ruleId === "tensorflow-saver");
    assert.ok(saver.some(({ message }) => message.includes("SaveV2")), name);
    assert.ok(saver.some(({ message }) => message.includes("RestoreV2")), name);
    assert.equal(report.verdict, "clean", name);
  }
});

test("a saver counts for nothing where a caller or a constant chooses the file", async () => {
  for (
    const name of [
      "saver_by_name.pb",
      "saver_to_constant.meta",
      "saver_of_signature.meta",
      "saver_climbing.meta",
    ]
  ) {
    const report = await scan(sample(`harmful/${name}`), name);
    const found = issues(report).map(({ details }) => details["operator"]);
    assert.ok(found.includes("MergeV2Checkpoints"), name);
    assert.equal(report.verdict, "dangerous", name);
  }
});

test("a function that is also called with a path of the author's is not the saver's", async () => {
  const argument = (name: string) => field(2, field(1, name));
  const definition = bytesOf(
    field(1, bytesOf(field(1, "save"), argument("prefix"))),
    field(3, node("merge", "MergeV2Checkpoints", ["prefix", "prefix"])),
  );
  const call = (name: string, input: string) =>
    node(name, "PartitionedCall", [input], attribute("f", field(10, field(1, "save"))));
  const model = (...calls: readonly Uint8Array[]) => {
    const nodes = [
      node("file", "Placeholder", []),
      node("path", "Const", [], text("/tmp/x")),
      ...calls,
    ];
    const graph = bytesOf(graphOf(...nodes), field(2, field(1, definition)));
    return bytesOf(field(2, graph), field(3, field(1, "file:0")));
  };
  assert.equal((await scan(model(call("a", "file")), "a.meta")).verdict, "clean");
  const both = await scan(model(call("a", "file"), call("b", "path")), "a.meta");
  assert.equal(both.verdict, "dangerous");
  assert.match(issues(both)[0]?.message ?? "", /MergeV2Checkpoints\("\/tmp\/x" or …/u);
  // Nothing calls it: nothing knows what it is given.
  assert.equal((await scan(model(), "a.meta")).verdict, "dangerous");
});

test("an operator that is a function of the graph's library is a call of it", async () => {
  const definition = bytesOf(field(1, field(1, "my_layer")), field(3, node("n", "NoOp", ["^m"])));
  const graph = bytesOf(
    graphOf(node("call", "my_layer", ["x"])),
    field(2, field(1, definition)),
  );
  assert.deepEqual(issues(await scan(graph, "graph.pb")), []);
  const unknown = await scan(graphOf(node("call", "my_layer", ["x"])), "graph.pb");
  assert.deepEqual(issues(unknown).map(({ ruleId }) => ruleId), ["tensorflow-unknown-operator"]);
});

test("configurations of Keras' layers in the object graph are handed on", async () => {
  const lambda = JSON.stringify({
    class_name: "Lambda",
    name: "run",
    config: { name: "run", function: "evil", function_type: "function", module: "os" },
  });
  const object = (identifier: string) =>
    field(1, field(4, bytesOf(field(1, identifier), field(3, lambda))));
  const model = (identifier: string) =>
    bytesOf(8, 1, field(2, bytesOf(field(2, graphOf(...READ)), field(7, object(identifier)))));
  const reported = (report: FileReport) =>
    issues(report).filter(({ ruleId }) => ruleId.startsWith("keras-"));
  const keras = reported(await scan(model("_tf_keras_layer")));
  assert.ok(keras.length > 0);
  assert.equal(keras[0]?.location.parts[0], "keras metadata of object 0");
  assert.deepEqual(reported(await scan(model("_generic_user_object"))), []);
});

test("harmless operators are reported once each, with a count", async () => {
  const report = await scan(sample("safe/dense/saved_model.pb"));
  const operators = report.findings.map(({ details }) => details["operator"]);
  assert.equal(new Set(operators).size, operators.length);
  assert.ok(
    (report.findings.find(({ details }) => details["operator"] === "Const")?.count ?? 0) > 3,
  );
});

test("a file cut off anywhere is never clean, and no cut makes the scan fail", async () => {
  await assertCutsNeverClean("saved_model.pb", sample("harmful/readfile_nested.pb"));
});

test("no changed byte makes the scan fail", async () => {
  await assertChangesAreRead("saved_model.pb", sample("suspicious/savev2_nested.pb"), 3);
});

test("wrong wire types, and lengths past the end, are reported", async () => {
  for (const name of ["wrong_wire_type.pb", "length_past_end.pb", "deep.pb", "truncated.pb"]) {
    const report = await scan(sample(`malformed/${name}`), name);
    assert.ok(report.findings.some(({ ruleId }) => ruleId === "tensorflow-malformed"), name);
    assert.ok(["incomplete", "dangerous"].includes(report.verdict), name);
  }
});

/** A graph with a constant, up to where the content of the constant begins. */
function around(length: number): Uint8Array {
  const head = (number: number, before: Uint8Array, length: number) =>
    bytesOf(...varint(number * 8 + 2), ...varint(before.length + length), before);
  const tensor = bytesOf(8, 7, head(8, bytesOf(), length));
  const value = head(8, tensor, length);
  const entry = bytesOf(field(1, "value"), head(2, value, length));
  return head(1, bytesOf(field(1, "graph"), field(2, "Const"), head(5, entry, length)), length);
}

test(
  "ten thousand graphs in one another are looked into, one after the other",
  LARGE_INPUT,
  async () => {
    const parts: Uint8Array[] = [graphOf(...READ)];
    let length = parts[0]?.length ?? 0;
    for (let depth = 0; depth < 10_000; depth++) {
      const part = around(length);
      parts.push(part);
      length += part.length;
    }
    const graph = new Uint8Array(length);
    let at = 0;
    for (const part of parts.toReversed()) {
      graph.set(part, at);
      at += part.length;
    }
    const report = await scan(graph, "a.pb");
    const [issue] = issues(report);
    assert.equal(issue?.ruleId, "tensorflow-file-read");
    assert.deepEqual(issue.location.parts, ["graph in node graph, 10000 levels deep"]);
  },
);

test("a chain of ten thousand copies costs no stack", async () => {
  const nodes = [node("n0", "Const", [], text("/etc/passwd"))];
  for (let at = 1; at <= 10_000; at++) nodes.push(node(`n${at}`, "Identity", [`n${at - 1}`]));
  nodes.push(node("read", "ReadFile", ["n10000"]), node("near", "ReadFile", ["n20"]));
  const graph = new Uint8Array(nodes.reduce((sum, one) => sum + one.length + 3, 0));
  let end = 0;
  for (const one of nodes) {
    graph.set(field(1, one), end);
    end += field(1, one).length;
  }
  const report = await scan(graph.slice(0, end), "a.pb");
  assert.deepEqual(
    issues(report).map(({ details }) => details["node"]),
    ["near", "read"].toReversed(),
  );
  assert.ok(issues(report).some(({ message }) => message.includes("/etc/passwd")));
});

test("a path that doubles with every join is not known, and still read from", async () => {
  const nodes = [node("n0", "Const", [], text("/etc/passwd"))];
  for (let at = 1; at <= 50; at++) {
    nodes.push(node(`n${at}`, "StringJoin", [`n${at - 1}`, `n${at - 1}`]));
  }
  nodes.push(node("far", "ReadFile", ["n50"]), node("near", "ReadFile", ["n1"]));
  const report = await scan(graphOf(...nodes), "a.pb");
  assert.deepEqual(issues(report).map(({ details }) => details["node"]).toSorted(), [
    "far",
    "near",
  ]);
  assert.ok(issues(report).some(({ message }) => message.includes("/etc/passwd/etc/passwd")));
  assert.equal(report.findings.some(({ ruleId }) => ruleId.startsWith("scan-")), false);
});

test("a graph that turns in a circle ends", async () => {
  const call = (name: string, f: string, input: string) =>
    node(name, "PartitionedCall", [input], attribute("f", field(10, field(1, f))));
  const definition = (name: string, other: string) =>
    field(
      1,
      bytesOf(
        field(1, bytesOf(field(1, name), field(2, field(1, "x")), field(3, field(1, "y")))),
        field(3, call("again", other, "x")),
        field(3, node("read", "ReadFile", ["again:output:0"])),
        field(4, bytesOf(field(1, "y"), field(2, "again:output:0"))),
      ),
    );
  const graph = bytesOf(
    graphOf(node("a", "Identity", ["b"]), node("b", "Identity", ["a"]), call("c", "f", "b")),
    field(2, bytesOf(definition("f", "g"), definition("g", "f"))),
  );
  const report = await scan(graph, "a.pb");
  assert.equal(issues(report).length, 2);
});

test("strings encoded in one piece are read too", async () => {
  const [issue] = issues(await scan(sample("harmful/encoded_constant.pb")));
  assert.match(issue?.message ?? "", /"\/etc\/passwd"/u);
});

test("reading waits where the bytes are not at hand, and finds the same", async () => {
  const bytes = sample("harmful/dataset_in_constant.pb");
  const waiting = blobSource("a.pb", new Blob([bytes]));
  const report = await scanSource(waiting, { rules });
  assert.deepEqual(report.findings, (await scan(bytes, "a.pb")).findings);
});

test("tensors are stepped over", async () => {
  const size = 1 << 30;
  const head = sample("safe/frozen.pb");
  const tensor = bytesOf(8, 1, ...varint(4 * 8 + 2), ...varint(size));
  const wrap = (number: number, inner: Uint8Array, more: number) =>
    bytesOf(...varint(number * 8 + 2), ...varint(inner.length + more), inner);
  const value = wrap(8, tensor, size);
  const entry = bytesOf(field(1, "value"), wrap(2, value, size));
  const large = wrap(1, bytesOf(field(1, "w"), field(2, "Const"), wrap(5, entry, size)), size);
  const before = bytesOf(head, large);
  const after = field(1, READ[1] ?? bytesOf());
  let read = 0;
  const readSync = (offset: number, length: number): Uint8Array => {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, source.size - offset)));
    read += bytes.length;
    for (const [part, at] of [[before, 0], [after, before.length + size]] as const) {
      const from = Math.max(offset, at);
      const to = Math.min(offset + bytes.length, at + part.length);
      if (from < to) bytes.set(part.subarray(from - at, to - at), from - offset);
    }
    return bytes;
  };
  const source = {
    name: "large.pb",
    size: before.length + size + after.length,
    access: "random",
    readSync,
    read: (offset: number, length: number) => Promise.resolve(readSync(offset, length)),
  } as const satisfies Source;
  const report = await scanSource(source, { rules });
  assert.equal(report.verdict, "dangerous");
  assert.ok(read < 1 << 20, `read ${read} bytes`);
});

const GRAPH = graphOf(node("a", "Placeholder", []), node("b", "Identity", ["a"], text("x")));
const verdictOf = async (...nodes: readonly Uint8Array[]) =>
  (await scan(graphOf(...nodes), "graph.pb")).verdict;

test("a serialized graph is run only where it is a constant that was read", async () => {
  const constant = node("g", "Const", [], text(GRAPH));
  assert.equal(await verdictOf(constant, node("d", "DatasetFromGraph", ["g"])), "clean");
  const copied = node("c", "Identity", ["g"]);
  assert.equal(await verdictOf(constant, copied, node("d", "DatasetFromGraph", ["c"])), "clean");
  const encoded = node("g", "Const", [], text("CgVhIgFiIiBhYg"));
  const ways: Uint8Array[][] = [
    [encoded, node("c", "DecodeBase64", ["g"])],
    [constant, node("c", "Substr", ["g"])],
    [constant, node("e", "Const", [], text("other")), node("c", "Select", ["x", "g", "e"])],
    [node("v", "VarHandleOp", []), node("c", "ReadVariableOp", ["v"])],
    [node("c", "Placeholder", [])],
    [node("c", "Const", [], text("no graph at all"))],
    [node("c", "ReadFromNowhere", [])],
  ];
  for (const nodes of ways) {
    const verdict = await verdictOf(...nodes, node("d", "DatasetFromGraph", ["c"]));
    assert.equal(verdict, "dangerous");
  }
  assert.equal(await verdictOf(node("d", "DatasetFromGraph", ["missing"])), "dangerous");
});

/** A constant of one integer of 32 bits, in the field for these. */
const integer = (name: string, value: number, field32 = 7 * 8) =>
  node(name, "Const", [], attribute("value", field(8, bytesOf(8, 3, field32, ...varint(value)))));
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url");
const type = (name: string) => attribute("compression_type", field(2, name));

test("a graph that is computed from constants is read as TensorFlow computes it", async () => {
  const harmful = graphOf(...READ);
  const half = 20;
  const marked = (bytes: Uint8Array) =>
    bytesOf(...bytes.subarray(0, 9), 81, 81, ...bytes.subarray(9));
  const ways: ((graph: Uint8Array) => Uint8Array[])[] = [
    (graph) => [
      node("g", "Const", [], text(base64(graph))),
      node("c", "DecodeBase64", ["g"]),
    ],
    (graph) => [
      node("a", "Const", [], text(graph.subarray(0, half))),
      node("b", "Const", [], text(graph.subarray(half))),
      node("c", "StringJoin", ["a", "b"]),
    ],
    (graph) => [
      node("g", "Const", [], text(new Uint8Array(deflateSync(graph)))),
      node("c", "DecodeCompressed", ["g"], type("ZLIB")),
    ],
    (graph) => [
      node("g", "Const", [], text(new Uint8Array(gzipSync(graph)))),
      node("i", "Identity", ["g"]),
      node("c", "DecodeCompressed", ["i"], type("GZIP")),
    ],
    (graph) => [
      node("g", "Const", [], text(bytesOf(120, 120, ...graph, 121))),
      ...[integer("p", 2), integer("l", graph.length), node("c", "Substr", ["g", "p", "l"])],
    ],
    (graph) => [
      node("g", "Const", [], text(marked(graph))),
      ...[node("p", "Const", [], text("QQ")), node("r", "Const", [], text(""))],
      node("c", "RegexReplace", ["g", "p", "r"]),
    ],
    (graph) => [
      node("g", "Const", [], text(marked(graph))),
      node("c", "StaticRegexReplace", ["g"], attribute("pattern", field(2, "QQ"))),
    ],
  ];
  for (const [index, way] of ways.entries()) {
    const run = node("d", "DatasetFromGraph", ["c"]);
    assert.equal(await verdictOf(...way(GRAPH), run), "clean", String(index));
    const report = await scan(graphOf(...way(harmful), run), "graph.pb");
    // Half a graph among the constants looks like one that is cut off.
    const all = issues(report).filter(({ ruleId }) => ruleId !== "tensorflow-malformed");
    const [found, ...others] = all;
    assert.match(found?.message ?? "", /ReadFile\("\/etc\/passwd"\)/, String(index));
    assert.deepEqual(found?.location.parts, ["graph computed for node d"]);
    assert.deepEqual(others, []);
  }
});

test("what is not computed exactly stays unknown, and is not run unread", async () => {
  const graph = (content: string | Uint8Array) => node("g", "Const", [], text(content));
  const zlib = new Uint8Array(deflateSync(GRAPH));
  const cut = (position: Uint8Array, length = integer("l", GRAPH.length)) => [
    graph(bytesOf(120, 120, ...GRAPH)),
    ...[position, length, node("c", "Substr", ["g", "p", "l"])],
  ];
  const ways: Uint8Array[][] = [
    [graph(`${base64(GRAPH)}+`), node("c", "DecodeBase64", ["g"])],
    [graph(bytesOf(...zlib, 0)), node("c", "DecodeCompressed", ["g"], type("ZLIB"))],
    [graph(zlib.subarray(0, -5)), node("c", "DecodeCompressed", ["g"], type("ZLIB"))],
    [graph(zlib), node("c", "DecodeCompressed", ["g"], type("LZ4"))],
    cut(integer("p", 0xffff_ffff)),
    cut(integer("p", 2, 10 * 8)),
    cut(node("p", "Placeholder", [])),
    cut(integer("p", 2), node("l", "Const", [], text("5"))),
    [
      ...cut(integer("p", 2)).slice(0, 3),
      node("c", "Substr", ["g", "p", "l"], attribute("unit", field(2, "UTF8_CHAR"))),
    ],
    [
      graph(bytesOf(...GRAPH, ...new TextEncoder().encode("QQQ"))),
      node("c", "StaticRegexReplace", ["g"], attribute("pattern", field(2, "QQ"))),
    ],
    [graph(GRAPH), node("c", "StaticRegexReplace", ["g"], attribute("pattern", field(2, "Q*")))],
    [graph(GRAPH), node("o", "Placeholder", []), node("c", "StringJoin", ["g", "o"])],
    [graph(GRAPH), node("c", "StringUpper", ["g"])],
    [node("g", "Const", [], text(GRAPH), text(GRAPH)), node("c", "StringJoin", ["g"])],
  ];
  for (const [index, nodes] of ways.entries()) {
    const verdict = await verdictOf(...nodes, node("d", "DatasetFromGraph", ["c"]));
    assert.equal(verdict, "dangerous", String(index));
  }
});

test("graphs that compute one another are followed some levels deep", async () => {
  const around = (graph: Uint8Array) =>
    graphOf(
      node("g", "Const", [], text(base64(graph))),
      ...[node("c", "DecodeBase64", ["g"]), node("d", "DatasetFromGraph", ["c"])],
    );
  assert.equal((await scan(around(around(around(GRAPH))), "graph.pb")).verdict, "clean");
  let deep = GRAPH;
  for (let level = 0; level < 8; level++) deep = around(deep);
  assert.equal((await scan(deep, "graph.pb")).verdict, "dangerous");
});

test("a memory region is a file unless it lies in the model's own package", async () => {
  const region = (name: string) =>
    verdictOf(node("i", "ImmutableConst", [], attribute("memory_region_name", field(2, name))));
  assert.equal(await region("memmapped_package://weights"), "clean");
  for (const name of ["/etc/passwd", "x", `/${"./".repeat(1500)}etc/passwd`]) {
    assert.equal(await region(name), "dangerous");
  }
  const dull = Array.from({ length: 100 }, (_, at) => attribute(`_x${at}`, field(2, "x")));
  const long = node(
    "i",
    "ImmutableConst",
    [],
    ...dull,
    attribute("memory_region_name", field(2, "/x")),
  );
  assert.equal(await verdictOf(long), "dangerous");
});

test("a text that is given in several pieces is none of them alone", async () => {
  const value = (...tensors: Uint8Array[]) =>
    attribute("value", bytesOf(...tensors.map((one) => field(8, one))));
  const empty = bytesOf(8, 7, field(8, ""));
  const path = bytesOf(8, 7, field(8, "/tmp/x"));
  const encoded = bytesOf(
    8,
    7,
    field(8, ""),
    field(4, bytesOf(6, field(8, "").subarray(2), 47, 116, 109, 112, 47, 120)),
  );
  const cache = (...tensors: Uint8Array[]) =>
    verdictOf(node("f", "Const", [], value(...tensors)), node("c", "CacheDataset", ["d", "f"]));
  assert.equal(await cache(empty), "clean");
  for (const tensors of [[path, empty], [empty, path], [encoded]]) {
    assert.equal(await cache(...tensors), "dangerous");
  }
});

test("assets outside the model's folder are reported, absolute ones too", async () => {
  for (const name of ["/etc/passwd", "../x", "C:\\x", "a/".repeat(1100)]) {
    const asset = bytesOf(field(1, field(1, "a")), field(2, name));
    const meta = bytesOf(field(2, graphOf(node("a", "Placeholder", []))), field(6, asset));
    const report = await scan(bytesOf(8, 1, field(2, meta)));
    assert.equal(report.verdict, "dangerous", name);
  }
});

test("a function that the library lacks is judged as the operator of that name", async () => {
  const call = node("c", "PartitionedCall", [], attribute("f", field(10, field(1, "WriteFile"))));
  assert.equal(await verdictOf(call), "dangerous");
});

test("calls of the host are judged by their targets", async () => {
  const custom = (target: string) =>
    verdictOf(node("x", "XlaCustomCallV2", [], attribute("call_target_name", field(2, target))));
  assert.equal(await custom("lapack_sgetrf"), "clean");
  assert.equal(await custom("mine"), "suspicious");
  assert.equal(await custom("xla_python_cpu_callback"), "dangerous");
  const module = (text: string) =>
    verdictOf(node("x", "XlaCallModule", [], attribute("module", field(2, text))));
  assert.equal(await module("module { func.func @main() { return } }"), "clean");
  assert.equal(
    await module('module { "stablehlo.custom_call"() {call_target_name = "x"} }'),
    "suspicious",
  );
  assert.equal(
    await module("module { stablehlo.custom_call @xla_ffi_python_cpu_callback() }"),
    "dangerous",
  );
  assert.equal(await module("module { stablehlo.custom_call @Sharding(%0) }"), "clean");
  for (
    const [verdict, ...calls] of [
      ["clean", "stablehlo.custom_call @Sharding(%0)", "stablehlo.custom_call @lapack_sgetrf(%1)"],
      ["clean", '"stablehlo.custom_call"(%0) {call_target_name = "Sharding"}'],
      ["suspicious", "stablehlo.custom_call @Sharding(%0)", "stablehlo.custom_call @other(%1)"],
      [
        "suspicious",
        '// call_target_name = "Sharding"',
        '"stablehlo.custom_call"(%0) {"call_target_\\6eame" = "other"}',
      ],
      [
        "suspicious",
        '// custom_call @Sharding call_target_name = "Sharding"',
        '"vhlo.custom_call_v1"(%0) <{call_target_name = #vhlo.string_v1<"other">}>',
      ],
    ] as const
  ) assert.equal(await module(`module {\n${calls.join("\n")}\n}`), verdict, calls.join());
  assert.equal(await module("ML\u00efR"), "suspicious");
  assert.equal(await verdictOf(node("x", "XlaCallModule", [])), "suspicious");
});

test("a name that arrives on a way of its own is not taken for another", async () => {
  // TensorFlow writes a file with each: `scripts/fixtures/tensorflow_values.py prove`.
  const ways = "shard ninth_part last_of_many second_result leading_zeros filled_in handed_on";
  for (const way of ways.split(" ")) {
    const report = await scan(sample(`harmful/value_${way}.pb`), `${way}.pb`);
    assert.equal(report.verdict, "dangerous", way);
  }
});

test("what a variable holds is not known, for a graph in a constant shares it by name", async () => {
  const empty = node("empty", "Const", [], text(""));
  const cache = (from: string) =>
    verdictOf(
      empty,
      node("v", "VarHandleOp", []),
      node("assign", "AssignVariableOp", ["v", "empty"], attribute("dtype", bytesOf(0x30, 7))),
      node("read", "ReadVariableOp", ["v"]),
      node("cache", "CacheDataset", ["data", from]),
    );
  assert.equal(await cache("empty"), "clean");
  assert.equal(await cache("read"), "dangerous");
});

test("arguments that are several tensors shift those behind them", async () => {
  const argument = (name: string, ...more: Uint8Array[]) =>
    field(2, bytesOf(field(1, name), ...more));
  const verdict = async (first: Uint8Array) => {
    const signature = field(1, bytesOf(field(1, "F"), first, argument("name")));
    const body = field(3, node("cache", "CacheDataset", ["data", "name"]));
    const library = field(2, field(1, bytesOf(signature, body)));
    const nodes = graphOf(
      node("a", "Const", [], text("")),
      node("b", "Const", [], text("/x")),
      node("call", "F", ["a", "a", "b"]),
    );
    return (await scan(bytesOf(nodes, library), "graph.pb")).verdict;
  };
  assert.equal(await verdict(argument("first")), "clean");
  assert.equal(await verdict(argument("first", field(5, "N"))), "dangerous");
});

/** A MetaGraphDef whose saver restores by the operator `restore`. */
const restoring = (...nodes: readonly Uint8Array[]) => {
  const graph = graphOf(node("file", "Placeholder", []), ...nodes);
  const saver = bytesOf(field(1, "file:0"), field(2, "saved"), field(3, "restore"));
  return bytesOf(field(2, graph), field(3, saver));
};

test("a path that leaves the saver's folder by parts of '..' is not the saver's", async () => {
  // `tf.compat.v1.saved_model.load` reads such paths, and writes to them.
  const joined = (separator: string, ...parts: readonly string[]) => [
    ...parts.map((part, at) => node(`part${at}`, "Const", [], text(part))),
    node(
      "path",
      "StringJoin",
      ["file", ...parts.map((_, at) => `part${at}`)],
      attribute("separator", field(2, separator)),
    ),
    node("restore", "RestoreV2", ["path"]),
  ];
  const nested = [
    node("slash", "Const", [], text("/.")),
    node("other", "Const", [], text("./x")),
    node("once", "StringJoin", ["file", "slash"]),
    node("path", "StringJoin", ["once", "other"]),
    node("restore", "RestoreV2", ["path"]),
  ];
  for (
    const [name, nodes] of Object.entries({
      parts: joined("", "/.", "./.", "./x"),
      separator: joined("/../", "", "x"),
      dots: joined(".", "/", "./x"),
      nested,
    })
  ) {
    const report = await scan(restoring(...nodes), "a.meta");
    assert.deepEqual(issues(report).map(({ ruleId }) => ruleId), ["tensorflow-file-read"], name);
  }
  // What `tf.compat.v1.train.Saver` joins.
  for (const part of ["_temp_0a1b/part", ".part", "-1"]) {
    assert.equal((await scan(restoring(...joined("", part)), "a.meta")).verdict, "clean", part);
  }
});

test("what saves while the model is loaded is no saver", async () => {
  const saving = (restore: string) =>
    restoring(
      node("saved", "SaveV2", ["file"]),
      node("read", "RestoreV2", ["file"]),
      node("restore", "NoOp", [restore]),
    );
  assert.equal((await scan(saving("^read"), "a.meta")).verdict, "clean");
  const report = await scan(saving("^saved"), "a.meta");
  assert.deepEqual(issues(report).map(({ ruleId }) => ruleId), ["tensorflow-save"]);
});

test("nothing is fed to a constant that a concrete function is bound to", async () => {
  // SavedObjectGraph: an object that is a constant, and a function that is called with it.
  const objects = bytesOf(
    field(1, field(9, field(1, "file"))),
    field(2, bytesOf(field(1, "init"), field(2, field(2, bytesOf(0))))),
  );
  const argument = field(2, field(1, "prefix"));
  const definition = bytesOf(
    field(1, bytesOf(field(1, "init"), argument)),
    field(3, node("read", "RestoreV2", ["prefix"])),
  );
  const model = (...more: readonly Uint8Array[]) =>
    bytesOf(
      field(
        2,
        bytesOf(
          graphOf(node("file", "Const", [], text("model")), ...more),
          field(2, field(1, definition)),
        ),
      ),
      field(3, field(1, "file:0")),
      field(7, objects),
    );
  assert.equal((await scan(model(), "a.meta")).verdict, "dangerous");
});

/** A node that reads as a MetaInfoDef, too: its attribute `_x` has an unknown field "1.0aaaaaa". */
const LIKE_META = node(
  "aa",
  "NoOp",
  [],
  field(5, bytesOf(new TextEncoder().encode("1.0aaaaaa"), field(1, "_x"), field(2, field(2, "y")))),
);

test("a graph that looks like another message is read as a graph as well", async () => {
  // TensorFlow 2.21 imports each of them, and writes the file.
  const write = graphOf(node("target", "WriteFile", ["a", "b"]));
  const libraries = Array.from({ length: 30 }, () => field(2, bytesOf()));
  const metaInfo = field(2, field(1, field(5, "1.0aaaaaa")));
  for (
    const [name, bytes] of Object.entries({
      metaGraph: bytesOf(graphOf(LIKE_META), write),
      savedModel: bytesOf(8, 1, metaInfo, ...libraries, write),
    })
  ) {
    const kind = kindOf(bytes, bytes.length, true);
    assert.notEqual(kind, "graph", name);
    const report = await scan(bytes);
    assert.equal(report.verdict, "dangerous", name);
    // Inside a graph, it is what the operator runs that counts.
    const outer = graphOf(
      node("text", "Const", [], text(bytes)),
      node("run", "DatasetFromGraph", ["text"]),
    );
    const nested = await scan(outer);
    assert.ok(issues(nested).some(({ ruleId }) => ruleId === "tensorflow-computed-graph"), name);
  }
});

test("a SavedModel that looks like a graph is read as a SavedModel as well", async () => {
  const graph = graphOf(node("target", "WriteFile", ["a", "b"]));
  const model = bytesOf(graphOf(node("aa", "NoOp", [])), 8, 1, field(2, field(2, graph)));
  assert.equal(kindOf(model, model.length, true), "graph");
  const report = await scan(model);
  assert.equal(report.verdict, "dangerous");
  assert.ok(issues(report).some(({ message }) => message.includes("valid as a SavedModel")));
});

test("names that differ behind what is read of them are not taken for one another", async () => {
  const long = "a".repeat(1100);
  const report = await scan(graphOf(
    node(`${long}A`, "StringJoin", ["half", "half"]),
    node(`${long}B`, "Const", [], text("")),
    node("cache", "CacheDataset", ["data", `${long}A`]),
  ));
  assert.equal(report.verdict, "incomplete");
});

test("an attribute that is given twice is not known", async () => {
  const print = (...values: readonly string[]) =>
    graphOf(
      node("a", "Const", [], text("x")),
      node(
        "print",
        "PrintV2",
        ["a"],
        ...values.map((value) => attribute("output_stream", field(2, value))),
      ),
    );
  assert.equal((await scan(print("stdout"))).verdict, "clean");
  for (const values of [["stdout", ""], ["stdout", "stderr"]]) {
    assert.equal((await scan(print(...values))).verdict, "dangerous", String(values));
  }
});

/** A MetaGraphDef with an asset at `path:0`, which `init` reads while the model is loaded. */
const withAsset = (op: string, signatures: readonly Uint8Array[]) => {
  const graph = graphOf(
    node("path", op, [], ...op === "Const" ? [text("/etc/hostname")] : []),
    node("read", "ReadFile", ["path"]),
  );
  const tensor = field(1, field(1, "path:0"));
  const main = field(2, field(1, field(1, "read")));
  const collection = field(4, bytesOf(field(1, "saved_model_main_op"), main));
  return bytesOf(
    field(2, graph),
    field(6, bytesOf(tensor, field(2, "vocab.txt"))),
    collection,
    ...signatures,
  );
};

const signature = (name: string, inputs: readonly string[], outputs: readonly string[]) => {
  const infos = (number: number, names: readonly string[]) =>
    names.map((one) => field(number, bytesOf(field(1, one), field(2, field(1, one)))));
  const value = bytesOf(...infos(1, inputs), ...infos(2, outputs));
  return field(5, bytesOf(field(1, name), field(2, value)));
};

test("a file's name that a caller gives, or a signature behind many others reads, is no asset", async () => {
  const harmless = Array.from({ length: 70 }, (_, at) => signature(`s${at}`, [], ["x:0"]));
  const serving = signature("zz", [], ["read:0"]);
  assert.equal((await scan(withAsset("Const", []), "a.meta")).verdict, "clean");
  assert.equal((await scan(withAsset("Const", [serving]), "a.meta")).verdict, "dangerous");
  const many = withAsset("Const", [...harmless, serving]);
  assert.equal((await scan(many, "a.meta")).verdict, "dangerous");
  assert.equal((await scan(withAsset("Placeholder", []), "a.meta")).verdict, "clean");
  const asked = withAsset("Placeholder", [signature("zz", ["path:0"], ["read:0"])]);
  assert.equal((await scan(asked, "a.meta")).verdict, "dangerous");
});

test("what saves behind thousands of others while the model is loaded is no saver", async () => {
  const others = Array.from({ length: 5000 }, (_, at) => `^n${at}`);
  const report = await scan(
    restoring(node("saved", "SaveV2", ["file"]), node("restore", "NoOp", [...others, "^saved"])),
    "a.meta",
  );
  assert.deepEqual(issues(report).map(({ ruleId }) => ruleId), ["tensorflow-save"]);
});

test("of two filenames of one saver only the last is fed", async () => {
  const graph = graphOf(
    node("default", "Const", [], text("model")),
    node("first", "PlaceholderWithDefault", ["default"]),
    node("last", "Placeholder", []),
    node("restore", "RestoreV2", ["first"]),
  );
  const saver = (...names: readonly string[]) =>
    bytesOf(
      field(2, graph),
      field(3, bytesOf(...names.map((name) => field(1, name)), field(3, "restore"))),
    );
  assert.equal((await scan(saver("first:0"), "a.meta")).verdict, "clean");
  assert.equal((await scan(saver("first:0", "last:0"), "a.meta")).verdict, "dangerous");
});

test("a function that is bound to more objects than are read is incomplete", async () => {
  const bound = new Uint8Array(256 * 1024 + 1);
  const objects = field(2, bytesOf(field(1, "f"), field(2, field(2, bound))));
  const graph = graphOf(node("a", "Const", [], text("x")));
  const report = await scan(bytesOf(field(2, graph), field(7, objects)), "a.meta");
  assert.equal(report.verdict, "incomplete");
});

test("an iterator that is restored from a computed state is not clean", async () => {
  // TensorFlow 1.14 runs the graph in the state: `IteratorResource::Restore` of kernels/data/iterator_ops.cc.
  const report = await scan(graphOf(
    node("half", "Const", [], text("a")),
    node("state", "StringJoin", ["half", "half"]),
    node("variant", "ParseTensor", ["state"]),
    node("iterator", "IteratorV2", []),
    node("restore", "DeserializeIterator", ["iterator", "variant"]),
  ));
  assert.deepEqual(issues(report).map(({ ruleId }) => ruleId), ["tensorflow-iterator-state"]);
});
