import assert from "node:assert/strict";
import { test } from "node:test";
import { loadRules } from "../../rules/rules.ts";
import { run as runAny, sampleOf } from "../testing/scan.ts";
import { bytesOf } from "../testing/zip.ts";
import { torchscriptFormat } from "./mod.ts";
import { tokenize } from "./tokens.ts";

const { interest } = loadRules();
const run: typeof runAny = (format, bytes, options) =>
  runAny(format, bytes, { interest, ...options });

async function operators(source: string): Promise<string[]> {
  const seen = await run(torchscriptFormat, bytesOf(source));
  return seen.facts.map(({ fact }) => fact.kind === "operator" ? fact.name : fact.kind);
}

test("only a hint makes TorchScript source", () => {
  const bytes = bytesOf("class A(Module):\n");
  assert.ok(torchscriptFormat.detect(sampleOf(bytes, { hint: "torchscript-source" })));
  assert.ok(!torchscriptFormat.detect(sampleOf(bytes)));
});

test("a program that only computes has nothing to report", async () => {
  const source = `class Linear(Module):
  __parameters__ = ["weight", "bias", ]
  weight : Tensor
  def forward(self: __torch__.torch.nn.modules.linear.Linear,
    input: Tensor) -> Tensor:
    weight = self.weight
    _0 = torch.add(torch.linear(input, weight), CONSTANTS.c0, alpha=1)
    _1 = ops.quantized.linear(_0, self._packed_params, 1., 0)
    _2 = __torch__.torch.classes.quantized.LinearPackedParamsBase
    print("saved by torch.save(x, 'y')", _1)  # torch.from_file("x")
    return ops.prim.data(_1)
`;
  const seen = await run(torchscriptFormat, bytesOf(source));
  assert.deepEqual([seen.facts, seen.anomalies, seen.error], [[], [], undefined]);
});

test("operators that touch files or other machines are stated with their call", async () => {
  const cases: [string, string, string][] = [
    ["torch.save(x, 'a b')", "aten::save", "torch.save(x, 'a b')"],
    ["z = torch.from_file(s, False, 10)", "aten::from_file", "torch.from_file(s, False, 10)"],
    ["ops.aten.save(x, f(y)[0])", "aten::save", "ops.aten.save(x, f(y)[0])"],
    ["torch.ops.aten.save(x)", "aten::save", "torch.ops.aten.save(x)"],
    ["torch . save ( x )", "aten::save", "torch . save ( x )"],
    ["torch.\\\n  save(\n  x)", "aten::save", "torch.\\ save( x)"],
    ["rpc_sync(to, f)", "aten::rpc_sync", "rpc_sync(to, f)"],
    ["a = torch.save\n", "aten::save", "torch.save"],
    ["ops.image.read_file(p)", "image::read_file", "ops.image.read_file(p)"],
    ["ops.evil.run('é')", "evil::run", "ops.evil.run('é')"],
    [
      "__torch__.torch.classes.evil.Runner(1)",
      "classes::evil.Runner",
      "__torch__.torch.classes.evil.Runner(1)",
    ],
    ["torch.distributed.send(x)", "aten::distributed.send", "torch.distributed.send(x)"],
    ["torch.jit.load(x)", "aten::jit.load", "torch.jit.load(x)"],
  ];
  for (const [source, name, expression] of cases) {
    const seen = await run(torchscriptFormat, bytesOf(source));
    const [fact] = seen.facts;
    assert.ok(fact?.fact.kind === "operator", source);
    assert.deepEqual([fact.fact.name, fact.fact.expression], [name, expression]);
  }
});

test("operators under another name are found", async () => {
  assert.deepEqual(await operators("t = torch\nt.save(x, p)"), ["aten::save"]);
  assert.deepEqual(await operators("o = ops.evil\no.run(x)"), ["evil::run"]);
  assert.deepEqual(await operators("o = ops\np = o\np.evil.run(x)"), ["evil::run"]);
});

test("names that only look like operators are none", async () => {
  const sources = [
    ...["self.torch.save(x)", "x.ops.evil.run(y)", "torches.save(x)", "torch_save(x)", "'ops.a.b'"],
    ...['"""ops.a.b\ntorch.save()"""', "# ops.a.b()", "save(x)", "torch", "ops", "ops.", "torch."],
    ...["'it\\'s torch.save(x)'", "saved.torch(x)", "1.5e3", "ops.evil"],
  ];
  for (const source of sources) assert.deepEqual(await operators(source), [], source);
});

test("every spelling that PyTorch 2.13 compiles to a call is found", async () => {
  const spellings = [
    "(torch).save(x, 'm')",
    "((ops).aten).save(x, 'm')",
    "getattr(torch, 'save')(x, 'm')",
    "getattr(ops.aten, 'save')(x, 'm')",
    "getattr(ops, 'aten').save(x, 'm')",
    "getattr(getattr(ops, 'aten'), 'save')(x, 'm')",
    "getattr(torch, 's\\141ve')(x, 'm')",
    "getattr(torch, 'sa' 've')(x, 'm')",
    "t = (torch)\nt.save(x, 'm')",
    "t = u = torch\nt.save(x, 'm')",
    "t : Any = torch\nt.save(x, 'm')",
    "t : Dict[str, int] = torch\nt.save(x, 'm')",
    "t = getattr(ops, 'aten')\nt.save(x, 'm')",
    "f = getattr(torch, 'save')\nf(x, 'm')",
    "f = ops.aten.save\ng = f\ng(x, 'm')",
  ];
  for (const source of spellings) {
    const { facts } = await run(torchscriptFormat, new TextEncoder().encode(source));
    const names = facts.map(({ fact }) => fact.kind === "operator" ? fact.name : fact.kind);
    assert.ok(names.includes("aten::save"), source);
  }
});

test("methods of tensors that reach outside them are found, others of the same name are not", async () => {
  const names = async (source: string) =>
    (await run(torchscriptFormat, new TextEncoder().encode(source))).facts.length;
  assert.equal(await names("x._reshape_alias([9], [1])"), 1);
  assert.equal(await names("getattr((x), '_reshape_alias')([9], [1])"), 1);
  assert.equal(await names("(self.layer).save(x)"), 0);
  assert.equal(await names('_0 = getattr(self.layers, "0")\n_1 = (_0).forward(x)'), 0);
});

test("the same operator is counted, with the offset of the first", async () => {
  const seen = await run(torchscriptFormat, bytesOf("é; torch.save(a)\ntorch.save(b)"));
  assert.deepEqual(seen.facts.map(({ count, offset }) => [count, offset]), [[2, 4]]);
});

test("a string without an end is malformed and hides nothing behind its line", async () => {
  for (const source of ["x = 'abc\ntorch.save(x)", "'\ntorch.save(x)", '"""abc\ntorch.save(x)']) {
    const seen = await run(torchscriptFormat, bytesOf(source));
    assert.deepEqual(seen.rules, ["torchscript-malformed"]);
    assert.equal(seen.facts.length, 1, source);
  }
});

test("long expressions are cut, unbalanced and deep ones end", async () => {
  for (const source of [`torch.save(${"x, ".repeat(5000)})`, `torch.save(${"(".repeat(100_000)}`]) {
    const seen = await run(torchscriptFormat, bytesOf(source));
    const [fact] = seen.facts;
    assert.ok(fact?.fact.kind === "operator" && fact.fact.expression.length <= 2048);
  }
});

test("noise is read without a defect", async () => {
  for (let seed = 1; seed < 60; seed++) {
    let state = seed;
    const noise = Uint8Array.from({ length: 3000 }, () => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return state >>> 16;
    });
    const seen = await run(torchscriptFormat, noise);
    assert.equal(seen.error, undefined);
  }
});

test("a source beyond what may be kept is a limit error", async () => {
  const seen = await run(torchscriptFormat, new Uint8Array(600_000).fill(0x20), {
    limits: { spoolBytes: 300_000 },
  });
  assert.match(String(seen.error), /LimitError/);
});

test("words keep their place", () => {
  const { tokens } = tokenize('a = \'b\' # c\n1.5e3 """d""".x');
  assert.deepEqual(tokens.map(({ kind, text, offset }) => `${kind} ${text} ${offset}`), [
    "name a 0",
    "sign = 2",
    "string 'b' 4",
    "number 1.5e3 12",
    'string """d""" 18',
    "sign . 25",
    "name x 26",
  ]);
});

test("an operator of PyTorch's own namespaces that no audited release has is reported", async () => {
  assert.deepEqual(await operators("torch.saved(x)"), ["aten::saved"]);
  assert.deepEqual(await operators("ops.quantized.run(x)"), ["quantized::run"]);
  assert.deepEqual(await operators("torch.symeig(x)\ntorch.relu(x)\nops.quantized.linear(x)"), []);
});
