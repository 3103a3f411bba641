import assert from "node:assert/strict";
import { test } from "node:test";
import type { CallFact } from "../../core/types.ts";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { bytesSource } from "../../sources/memory.ts";
import { STATUS } from "../machine/status.ts";
import {
  bytes,
  byteString,
  call,
  calls,
  factsIn,
  imports,
  observe,
  run,
  str,
} from "../testing/pickle.ts";
import { LARGE_INPUT } from "../../parsers/testing/sweep.ts";

/** os.system over a value. */
function system(value: string | Uint8Array): Uint8Array {
  return bytes(call("os", "system", value), ".");
}

/** The last call that a pickle makes. */
async function last(data: Uint8Array): Promise<string | undefined> {
  return (await calls(data)).at(-1);
}

test("texts put together by pure functions are seen whole", async () => {
  const built: Uint8Array[] = [
    call("operator", "add", "S'ech'\n", "S'o hi'\n"),
    call("_operator", "concat", "S'echo'\n", "S' hi'\n"),
    call("builtins", "str.join", "S' '\n", "(S'echo'\nS'hi'\nl"),
    call("builtins", "bytes.decode", byteString(bytes("echo hi"))),
    call("codecs", "decode", "S'rpub uv'\n", "S'rot13'\n"),
    call(
      "builtins",
      "bytes.decode",
      call("_codecs", "decode", byteString(bytes("6563686f206869")), "S'hex'\n"),
    ),
    call("builtins", "str", call("base64", "b64decode", "S'ZWNobyBoaQ=='\n"), "S'utf-8'\n"),
    call("operator", "mod", "S'%s %s'\n", "(S'echo'\nS'hi'\nt"),
    call("builtins", "str.format", "S'{} {}'\n", "S'echo'\n", "S'hi'\n"),
    call("builtins", "str.replace", "S'eXho hi'\n", "S'X'\n", "S'c'\n"),
    call("builtins", "str.lower", "S'ECHO HI'\n"),
    call("builtins", "str.strip", "S'  echo hi '\n"),
    call("operator", "getitem", "S'ih ohce'\n", call("builtins", "slice", "N", "N", "I-1\n")),
    call("operator", "getitem", "(S'no'\nS'echo hi'\nl", "I1\n"),
    call(
      "builtins",
      "str.join",
      "S''\n",
      call("builtins", "map", "cbuiltins\nchr\n", "(I101\nI99\nI104\nI111\nI32\nI104\nI105\nl"),
    ),
    call("functools", "reduce", "coperator\nadd\n", "(S'ec'\nS'ho'\nS' hi'\nl"),
    call(
      "builtins",
      "bytes.decode",
      call("builtins", "bytes", "(I101\nI99\nI104\nI111\nI32\nI104\nI105\nl"),
    ),
    call("builtins", "bytes.decode", call("binascii", "unhexlify", "S'6563686f206869'\n")),
    call("builtins", "bytes.decode", call("base64", "b32decode", "S'MVRWQ3ZANBUQ===='\n")),
    call("builtins", "bytes.decode", call("base64", "b85decode", "S'Wn*Y>AZTd'\n")),
  ];
  for (const value of built) {
    const reported = await last(system(value));
    assert.equal(reported, "os.system('echo hi')", new TextDecoder("latin1").decode(value));
  }
});

test("zlib and gzip constants are opened within a bound", async () => {
  const deflated = bytes(
    0x78,
    0x9c,
    0x4b,
    0x4d,
    0xce,
    0xc8,
    0x57,
    0xc8,
    0xc8,
    0x04,
    0x00,
    0x0a,
    0xbd,
    0x02,
    0xa2,
  );
  const value = call("builtins", "bytes.decode", call("zlib", "decompress", byteString(deflated)));
  assert.equal(await last(system(value)), "os.system('echo hi')");
});

test("getattr over constants reaches the global it names", async () => {
  const system = bytes(call("builtins", "getattr", "cos\npath\n", "S'os'\n"), ".");
  assert.ok((await imports(system)).includes("os.path.os"));
  const module = call("importlib", "import_module", "S'os'\n");
  const reached = bytes(call("builtins", "getattr", module, "S'system'\n"), "(S'x'\ntR.");
  assert.ok((await calls(reached)).includes("os.system('x')"));
});

/** The imports of a pickle whose names are no literals of it. */
async function computed(data: Uint8Array): Promise<string[]> {
  const { machine } = await run(data);
  return machine.heap.facts.all().flatMap(({ fact }) =>
    fact.kind === "import" && fact.computed === true ? [`${fact.module}.${fact.name}`] : []
  );
}

/** The expressions of what cannot be worked out. */
async function unresolved(data: Uint8Array): Promise<string[]> {
  const { machine } = await run(data);
  return machine.heap.facts.all().flatMap(({ fact }) =>
    fact.kind === "unresolved-call" ? [fact.expression] : []
  );
}

/** A method of a value, called. */
function method(self: string | Uint8Array, name: string, ...args: (string | Uint8Array)[]) {
  return bytes(call("builtins", "getattr", self, `S'${name}'\n`), "(", ...args, "tR");
}

test("a name that calls put together is reported as such, whatever it looks like", async () => {
  const ways = [
    call("operator", "add", "S'Ordered'\n", "S'Dict'\n"),
    method("}S'a'\nS'OrderedDict'\ns", "get", "S'a'\n"),
    call("operator", "getitem", "](S'OrderedDict'\ne", "I0\n"),
    call("builtins", "str", "S'OrderedDict'\n"),
  ];
  for (const way of ways) {
    const data = bytes(str("collections"), way, 0x93, ".");
    assert.deepEqual(await computed(data), ["collections.OrderedDict"]);
    const attribute = bytes(call("builtins", "getattr", "ccollections\nabc\n", way), ".");
    assert.deepEqual(await computed(attribute), ["collections.abc.OrderedDict"]);
  }
  assert.deepEqual(await computed(bytes(str("collections"), str("OrderedDict"), 0x93, ".")), []);
});

test("what is computed is computed as Python does it, or not at all", async () => {
  const given = async (value: Uint8Array) => (await imports(bytes(str("m"), value, 0x93, ".")))[0];
  const same: readonly (readonly [Uint8Array, string])[] = [
    [method("S'{} {1}'\n", "format", "S'a'\n"), "builtins.getattr"],
    [method("S'{0.a}'\n", "format", "S'a'\n"), "builtins.getattr"],
    [method("S'xx'\n", "replace", "S'x'\n", "S'y'\n", "I1\n"), "builtins.getattr"],
    [method("S'a b c'\n", "split", "S' '\n", "I1\n"), "builtins.getattr"],
    [method(str("ß"), "casefold"), "builtins.getattr"],
    [method("S'%5s'\n", "__mod__", "S'a'\n"), "builtins.getattr"],
    [call("builtins", "str", "F1.0\n"), "builtins.str"],
    [call("builtins", "int", "S'1_0'\n"), "builtins.int"],
  ];
  for (const [value, only] of same) {
    const facts = factsIn(await observe(bytes(str("m"), value, 0x93, ".")));
    const sure = facts.flatMap((fact) =>
      fact.kind === "import" && fact.computed !== true ? [`${fact.module}.${fact.name}`] : []
    );
    assert.equal(sure.at(-1), only, "a guessed name is not reported as a sure one");
    assert.ok(facts.some((fact) => fact.kind === "unresolved-call" && fact.via === "STACK_GLOBAL"));
  }
  assert.equal(await given(method("S'xx'\n", "replace", "S'x'\n", "S'$&'\n")), "builtins.getattr");
  assert.ok(
    (await imports(
      bytes(str("m"), method("S'xx'\n", "replace", "S'x'\n", "S'$&'\n"), 0x93, "."),
    ))
      .includes("m.$&$&"),
  );
  const flag = bytes(str("m"), call("builtins", "str", "I01\n"), 0x93, ".");
  assert.ok((await imports(flag)).includes("m.True"));
});

test("what is taken out of a container and called is not sure", async () => {
  const picked = method("}S'a'\nccollections\nOrderedDict\ns", "get", "S'a'\n");
  assert.equal((await unresolved(bytes(picked, ")R."))).length, 1);
  assert.ok((await calls(bytes(picked, ")R."))).includes("collections.OrderedDict()"));
});

test("a state that puts something callable in a method's place is reported", async () => {
  const made = "ctypes\nSimpleNamespace\n)R";
  for (const name of ["__setstate__", "append", "__array__"]) {
    const hooked = bytes(made, `}S'${name}'\ncm\nf\nsb.`);
    assert.equal((await unresolved(hooked)).length, 1, name);
  }
  assert.deepEqual(await unresolved(bytes(made, "}S'append'\nI1\nsb.")), []);
  assert.deepEqual(await unresolved(bytes(made, "}S'function'\ncm\nf\nsb.")), []);
});

test("an operator over an object is reported, over plain data it is not", async () => {
  const object = "ccollections\ndefaultdict\n(cm\nf\ntR";
  assert.equal(
    (await unresolved(bytes(call("operator", "mod", "S'%(x)s'\n", object), "."))).length,
    1,
  );
  assert.equal((await unresolved(bytes(method("S'{0[x]}'\n", "format", object), "."))).length, 1);
  assert.deepEqual(await unresolved(bytes(call("operator", "add", "I1\n", "I2\n"), ".")), []);
});

test("every way of importing by name is followed", async () => {
  const ways = [
    call("builtins", "getattr", call("builtins", "__import__", "S'os'\n"), "S'system'\n"),
    call("__builtin__", "getattr", call("__builtin__", "__import__", "S'os'\n"), "S'system'\n"),
    call("pkgutil", "resolve_name", "S'os:system'\n"),
    call("pydoc", "locate", "S'os.system'\n"),
    bytes(
      call("operator", "attrgetter", "S'system'\n"),
      "(",
      call("builtins", "__import__", "S'os'\n"),
      "tR",
    ),
    call(
      "functools",
      "reduce",
      "cbuiltins\ngetattr\n",
      "(S'system'\nl",
      call("importlib", "import_module", "S'os'\n"),
    ),
    call(
      "operator",
      "getitem",
      call("builtins", "vars", call("builtins", "__import__", "S'os'\n")),
      "S'system'\n",
    ),
    call(
      "builtins",
      "getattr",
      call("operator", "getitem", "csys\nmodules\n", "S'os'\n"),
      "S'system'\n",
    ),
    call(
      "builtins",
      "object.__getattribute__",
      call("builtins", "__import__", "S'os'\n"),
      "S'system'\n",
    ),
  ];
  for (const way of ways) {
    const reported = await calls(bytes("(", way, "S'echo hi'\no."));
    assert.ok(reported.includes("os.system('echo hi')"), new TextDecoder("latin1").decode(way));
  }
});

test("a partial calls what it wraps, with its arguments first", async () => {
  const partial = call("functools", "partial", "cos\nsystem\n", "S'echo hi'\n");
  assert.equal(await last(bytes("(", partial, "o.")), "os.system('echo hi')");
});

test("map and apply call what they are given", async () => {
  assert.ok((await calls(bytes(call("builtins", "map", "cos\nsystem\n", "(S'a'\nS'b'\nl"), ".")))
    .includes("os.system('b')"));
  assert.ok((await calls(bytes(call("__builtin__", "apply", "cos\nsystem\n", "(S'a'\nt"), ".")))
    .includes("os.system('a')"));
});

test("methodcaller calls the method of its object", async () => {
  const caller = call("operator", "methodcaller", "S'system'\n", "S'x'\n");
  const data = bytes("(", caller, call("pydoc", "locate", "S'os'\n"), "o.");
  assert.ok((await calls(data)).includes("os.system('x')"));
});

test("a call on what only a running program knows is unresolved", async () => {
  const data = bytes(call("foo", "make"), "(S'x'\ntR.");
  const facts = factsIn(await observe(data));
  assert.ok(
    facts.some((fact) => fact.kind === "unresolved-call" && fact.expression === "foo.make()('x')"),
  );
});

test("code and commands are kept as evidence, cut at 2 KiB", async () => {
  const code = "import os; " + "x".repeat(3000);
  const { machine } = await run(
    bytes(call("builtins", "exec", bytes("X\xc3\x0b\0\0", code.slice(0, 3011))), "."),
  );
  const fact = machine.heap.facts.all().map((it) => it.fact).find((it): it is CallFact =>
    it.kind === "call"
  );
  assert.equal(fact?.evidence[0]?.kind, "code");
  assert.equal(fact?.evidence[0]?.text.length, 2048);
  assert.equal(fact?.evidence[0]?.cut, true);
});

test("a million equal calls are one fact with a count", async () => {
  const unit = bytes("h\0)R0");
  const data = new Uint8Array(16 + unit.length * 100_000 + 2);
  data.set(bytes("cfoo\nBar\nq\0"));
  for (let at = 0; at < 100_000; at++) data.set(unit, 11 + at * unit.length);
  data.set(bytes("0N."), 11 + 100_000 * unit.length);
  const { machine } = await run(data);
  const fact = machine.heap.facts.all().find((it) => it.fact.kind === "call");
  assert.equal(fact?.count, 100_000);
});

test("doubling texts over and over ends in a budget, not in memory", async () => {
  let value: Uint8Array = bytes("S'" + "x".repeat(1000) + "'\nq\0");
  for (let at = 0; at < 60; at++) value = bytes(value, "0coperator\nadd\n(h\0h\0tRq\0");
  const { machine } = await run(bytes(value, "."));
  assert.ok(machine.opcodes > 60);
});

test(
  "joining the same texts over and over ends in a budget that counts each text",
  LARGE_INPUT,
  async () => {
    const joined = "h\x02(h\0h\x01tR0";
    const data = bytes(
      ...["S''\nq\0" + "0(" + "S'a'\n".repeat(2000) + "lq\x010cbuiltins\nstr.join\nq\x020"],
      ...[joined.repeat(2000), "cos\nsystem\n(S'echo hi'\ntR."],
    );
    const { status, machine } = await run(data);
    assert.notEqual(status, STATUS.STOPPED);
    assert.ok(machine.opcodes < 2000 + 2000 * 6);
  },
);

test("calls inside calls are followed to a bounded depth", async () => {
  let value = bytes("cos\nsystem\n");
  for (let at = 0; at < 200; at++) value = call("functools", "partial", value);
  const facts = (await run(bytes("(", value, "S'x'\no."))).machine.heap.facts.all();
  assert.ok(facts.length > 0);
});

test("a function bound to its first argument is called with it", async () => {
  const bound = call("types", "MethodType", "cos\nsystem\n", "Vecho hi\n");
  assert.equal(await last(bytes(bound, ")R.")), "os.system('echo hi')");
  const text = bytes(call("types", "MethodType", "coperator\nadd\n", "Vsys\n"), "(Vtem\ntR");
  assert.ok((await imports(bytes(str("os"), text, 0x93, "."))).includes("os.system"));
});

test("attributes of what a function gives back are those of what it was given", async () => {
  const given = [
    call("typing", "cast", "N", "cos\npath\n"),
    call("builtins", "max", "(cos\npath\nl"),
    call("package", "function", "cos\npath\n"),
    call("package", "function", call("importlib", "import_module", "Vos.path\n")),
    call("builtins", "getattr", "N", "Vabsent\n", "cos\npath\n"),
  ];
  for (const value of given) {
    const found = await imports(bytes(call("builtins", "getattr", value, "Vos\n"), "."));
    assert.ok(found.includes("os.path.os"), found.join());
  }
});

test("an item that an object makes by a call is that call", async () => {
  const factory = call("functools", "partial", "cos\nsystem\n", "Vecho hi\n");
  const missing = call("operator", "getitem", call("collections", "defaultdict", factory), "I3\n");
  assert.ok((await calls(bytes(missing, "."))).includes("os.system('echo hi')"));
});

test("a partial of a partial comes down to the function that the inner one is given", async () => {
  const targetsOf = async (...args: string[]): Promise<unknown> => {
    const data = bytes(call("functools", "partial", "cfunctools\npartial\n", ...args), ".");
    const found = factsIn(await observe(data)).find((fact) =>
      fact.kind === "call" && fact.name === "partial"
    );
    return (found as CallFact | undefined)?.targets;
  };
  assert.deepEqual(await targetsOf(), []);
  assert.deepEqual(await targetsOf("cos\nsystem\n"), [{ module: "os", name: "system" }]);
  assert.equal(await targetsOf("cbuiltins\ngetattr\n(NVx\nVy\ntR"), undefined);
});

test("the call of what is called is that call", async () => {
  const ways = [
    call("functools", "partial", "cos\nsystem\n"),
    call("package", "function", "cos\nsystem\n"),
    call("operator", "methodcaller", "V__call__\n"),
  ];
  for (const way of ways.slice(0, 2)) {
    const method = call("builtins", "getattr", way, "V__call__\n");
    const called = call("operator", "methodcaller", "V__call__\n", "Vecho hi\n");
    assert.ok((await calls(bytes(method, "(Vecho hi\ntR."))).includes("os.system('echo hi')"));
    assert.ok((await calls(bytes(called, "(", way, "tR."))).includes("os.system('echo hi')"));
  }
  const getter = call("builtins", "getattr", ways[2] ?? "", "V__call__\n");
  assert.ok((await calls(bytes(getter, "(cos\nsystem\ntR."))).includes("os.system()"));
});

/** Names that a file imports besides the functions which make them. */
async function reached(name: Uint8Array): Promise<string[]> {
  const found = await imports(bytes(str("os"), name, 0x93, "."));
  return found.filter((each) => each.startsWith("os."));
}

test("what is not computed to its end is not known", async () => {
  const { gzipSync, deflateSync } = await import("node:zlib");
  const binary = (data: Uint8Array) =>
    bytes("B", data.length & 255, data.length >> 8, data.length >> 16, 0, data);
  const decoded = (data: Uint8Array) => call("codecs", "decode", data, "Vutf-8\n");
  const two = bytes(gzipSync("sys"), gzipSync("tem"));
  const long = deflateSync(bytes("system", new Uint8Array(1 << 21)));
  const last = (value: Uint8Array) =>
    call("operator", "getitem", value, call("builtins", "slice", "N", "I6\n"));
  const letters = Array.from({ length: 17 }, () => "I97\n").join("");
  const pairs = "Vx\n".repeat(5000);
  const path = `${"path.".repeat(70)}system`;
  const ways: Record<string, Uint8Array> = {
    "two members of gzip": decoded(call("gzip", "decompress", binary(two))),
    "more than a megabyte": decoded(last(call("zlib", "decompress", binary(long)))),
    "more than sixteen letters": call(
      "builtins",
      "str.join",
      "V\n",
      call("builtins", "map", "cbuiltins\nchr\n", `(${letters}l`),
    ),
    "five thousand items": call("functools", "reduce", "coperator\nadd\n", `(${pairs}l`),
    "an iterator with an end": call("builtins", "next", call("builtins", "iter", "(Vx\nl"), "Vy\n"),
    "a filter": call(
      "operator",
      "getitem",
      call("builtins", "list", call("builtins", "filter", "cbuiltins\nlen\n", "(Vsystem\nl")),
      "I0\n",
    ),
    "a key that is not known": call(
      "operator",
      "mod",
      "V%(a)s\n",
      bytes("(Va\nVx\n", call("package", "function", "Va\n"), "Vsystem\nd"),
    ),
  };
  for (const [name, way] of Object.entries(ways)) {
    const facts = factsIn(await observe(bytes(str("os"), way, 0x93, ".")));
    const unknown = facts.some((it) => it.kind === "unresolved-call" && it.via === "STACK_GLOBAL");
    assert.ok(unknown, `${name}: ${(await reached(way)).join()}`);
  }
  const found = await imports(
    bytes(call("operator", "attrgetter", `V${path}\n`), "(cos\npath\ntR."),
  );
  assert.ok(!found.some((each) => each.length > 200), "a path of seventy parts");
});

test("one member of gzip, and what is behind a stream of zlib, are known", async () => {
  const { gzipSync, deflateSync } = await import("node:zlib");
  const decoded = (data: Uint8Array) =>
    call("codecs", "decode", call("gzip", "decompress", byteString(data)), "Vutf-8\n");
  assert.deepEqual(await reached(decoded(bytes(gzipSync("system")))), ["os.system"]);
  const behind = byteString(bytes(deflateSync("system"), "behind"));
  const text = call("codecs", "decode", call("zlib", "decompress", behind), "Vutf-8\n");
  assert.deepEqual(await reached(text), ["os.system"]);
});

test("decoding escapes gives bytes and their number", async () => {
  const pair = call("codecs", "escape_decode", byteString(bytes("sys\\x74em")));
  const name = call("codecs", "decode", call("operator", "getitem", pair, "I0\n"), "Vutf-8\n");
  assert.deepEqual(await reached(name), ["os.system"]);
});

test("an attribute of an attribute that the file gave an object is followed", async () => {
  const held = bytes("ctypes\nSimpleNamespace\n)R}(Vx\ncos\npath\nub");
  const first = call("builtins", "getattr", held, "Vx\n");
  const found = await imports(bytes(call("builtins", "getattr", first, "Vos\n"), "."));
  assert.ok(found.includes("os.path.os"), found.join());
});

test("arguments and keywords that are not looked at make a call unresolved", async () => {
  const unknown = call("numpy", "object_", "(Vx\nt");
  const withKeyword = (module: string, name: string, key: string) =>
    bytes(call("functools", "partial"), `(c${module}\n${name}\n)}V${key}\nNsNtb`, ")R");
  const ways = [
    bytes("cnumpy.random._pickle\n__generator_ctor\n", unknown, "R"),
    bytes("cnumpy.random._pickle\n__bit_generator_ctor\n", unknown, "R"),
    bytes("ctorch._utils\n_rebuild_parameter_with_state\n", unknown, "R"),
    bytes("ctypes\nSimpleNamespace\n", unknown, "R"),
    withKeyword("torch._utils", "_rebuild_parameter_with_state", "state"),
    withKeyword("copyreg", "_reconstructor", "base"),
    withKeyword("numpy.random._pickle", "__bit_generator_ctor", "bit_generator"),
  ];
  for (const [index, way] of ways.entries()) {
    const facts = factsIn(await observe(bytes(way, ".")));
    assert.ok(facts.some((it) => it.kind === "unresolved-call"), `way ${index}`);
  }
});

test("__newobj_ex__ calls with its arguments", async () => {
  const made = call("copyreg", "__newobj_ex__", "cfunctools\npartial\n", "(cos\nsystem\nt", "}");
  const facts = factsIn(await observe(bytes(made, "(Vecho hi\ntR.")));
  assert.ok(facts.some((it) => it.kind === "call" && it.expression === "os.system('echo hi')"));
});

test("what may be made of itself is called once for each of its functions", async () => {
  const empty = "ctypes\nSimpleNamespace\n)R";
  const held = (value: string | Uint8Array) =>
    call("builtins", "getattr", bytes(empty, "}(Vheld\n", value, "ub"), "Vheld\n");
  const data = bytes(held(held(held("cos\nsystem\n"))), "(Vecho hi\ntR.");
  const { machine } = await run(data, {});
  assert.ok(machine.heap.reads < 100_000, `${machine.heap.reads} reads`);
  const report = await scanSource(bytesSource("model.pkl", data), { rules: loadRules() });
  assert.equal(report.verdict, "dangerous");
});

test("numpy's old way to restore a ufunc is an import by module and name", async () => {
  const ufunc = (module: string, name: string) =>
    bytes(call("numpy.core", "_ufunc_reconstruct", `S'${module}'\n`, `S'${name}'\n`), ".");
  const verdict = async (data: Uint8Array) =>
    (await scanSource(bytesSource("model.pkl", data), { rules: loadRules({ strict: true }) }))
      .verdict;
  assert.equal(await verdict(ufunc("numpy.core._multiarray_umath", "log1p")), "clean");
  assert.equal(await verdict(ufunc("os", "system")), "dangerous");
  assert.equal(await verdict(ufunc("acme", "log1p")), "suspicious");
});
