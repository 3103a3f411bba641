import assert from "node:assert/strict";
import { test } from "node:test";
import { anomaliesIn, bytes, factsIn, observe, str } from "../testing/pickle.ts";

const WRAPPER = bytes("cjoblib.numpy_pickle\nNumpyArrayWrapper\n)", 0x81);
const PAYLOAD = bytes("cos\nsystem\n(Vecho hi\ntR");
const DTYPE = dtype("I3\nV|\nNNNI-1\nI-1\nI0\nt");

/** A one-byte dtype with a state. */
function dtype(state: string, copied = "I01\n"): Uint8Array {
  return bytes("cnumpy\ndtype\n(Vu1\nI00\n", copied, "tR(", state, "b");
}

/** A state of the wrapper, over eight bytes unless given. */
function state(parts: {
  readonly type?: Uint8Array;
  readonly shape?: Uint8Array;
  readonly key?: Uint8Array;
  readonly more?: Uint8Array;
}): Uint8Array {
  const { type = DTYPE, shape = bytes("(I8\nt"), key = str("shape"), more = bytes() } = parts;
  return bytes("}(", str("dtype"), type, key, shape, more, "ub");
}

/** The calls of a file in which an array hides the end of the pickle, and whether it is read whole. */
async function found(file: Uint8Array): Promise<{ calls: string[]; complete: boolean }> {
  const observations = await observe(file);
  const calls = factsIn(observations)
    .flatMap((fact) => fact.kind === "call" && fact.reading === undefined ? [fact.expression] : []);
  const complete = !observations.some((it) => it.type === "anomaly" && it.unread === true);
  return { calls, complete };
}

const CALL = "os.system('echo hi')";
const HIDING = bytes("........");

test("what follows an array of known length is read, and nothing in it", async () => {
  const file = bytes(WRAPPER, state({}), HIDING, "0", PAYLOAD, ".");
  const { calls, complete } = await found(file);
  assert.ok(calls.includes(CALL) && complete);
});

test("attributes of several states add up", async () => {
  const wrapper = bytes(WRAPPER, "p0\n");
  const first = bytes("}(", str("dtype"), DTYPE, str("shape"), "(I0\nt", "ub");
  const second = bytes("0g0\n}(", str("shape"), "(I8\ntub");
  const { calls } = await found(bytes(wrapper, first, second, HIDING, "0", PAYLOAD, "."));
  assert.ok(calls.includes(CALL));
});

test("a key that a call makes is read where it is known, and makes the length unknown elsewhere", async () => {
  const known = bytes("cnumpy\nstr_\n(Vshape\ntR");
  const folded = await found(bytes(WRAPPER, state({ key: known }), HIDING, "0", PAYLOAD, "."));
  assert.ok(folded.calls.includes(CALL) && folded.complete);
  const unknown = bytes("cpackage\nname\n(Vshape\ntR");
  const other = await found(bytes(WRAPPER, state({ key: unknown }), HIDING, "0", PAYLOAD, "."));
  assert.ok(other.calls.includes(CALL) && !other.complete);
});

test("flags are numbers of any size, of which the lowest bit tells of objects", async () => {
  const flags = dtype("I3\nV|\nNNNI-1\nI-1\nL18446744073709551617L\nt");
  const file = bytes(WRAPPER, state({ type: flags }), bytes(PAYLOAD, "."), "0.");
  const observations = await observe(file);
  const inside = observations.find((it) =>
    it.type === "fact" && it.fact.kind === "call" && it.within?.includes("array_0") === true
  );
  assert.ok(inside !== undefined);
});

test("an array of numpy's strings is a pickle of its own, in either place of its dtype", async () => {
  for (const module of ["numpy._core._internal", "numpy.core._internal"]) {
    const type = bytes(`c${module}\n_convert_to_stringdtype_kwargs\n(I01\ntR`);
    const file = bytes(WRAPPER, state({ type }), bytes(PAYLOAD, "."), ".");
    const observations = await observe(file);
    assert.ok(
      observations.some((it) =>
        it.type === "fact" && it.fact.kind === "call" && it.within?.includes("array_0") === true
      ),
    );
    assert.ok(!observations.some((it) => it.type === "anomaly" && it.unread === true));
  }
  // The type of another library, and one whose state was set, have items that are not known.
  for (
    const type of [
      "cpackage\n_convert_to_stringdtype_kwargs\n(I01\ntR",
      "cnumpy._core._internal\n_convert_to_stringdtype_kwargs\n(I01\ntR(I1\ntb",
    ]
  ) {
    const file = bytes(WRAPPER, state({ type: bytes(type) }), bytes(PAYLOAD, "."), ".");
    assert.ok(!(await found(file)).complete, type);
  }
});

test("a length that is not known exactly leaves the file incomplete", async () => {
  const odd: readonly Uint8Array[] = [
    state({ type: dtype("I2\nV|\nNNNI-1\nI-1\nI0\nt") }),
    state({ type: dtype("I3\nV|\nNNNI-1\nI-1\nt") }),
    state({ type: dtype("I3\nV|\nNNNI-1\nI-1\nF0.0\nt") }),
    state({ type: dtype("I3\nV|\nNNNI-1\nI-1\nI0\nt", "I00\n") }),
    state({ shape: bytes("(F8.0\nt") }),
    state({ shape: bytes("(I-8\nt") }),
    state({ shape: bytes("(L9223372036854775808L\nt") }),
    state({ more: bytes("Vnumpy_array_alignment_bytes\ncpackage\nnone\n(tR") }),
  ];
  for (const [index, each] of odd.entries()) {
    const { complete } = await found(bytes(WRAPPER, each, HIDING, "0."));
    assert.equal(complete, false, `state ${index}`);
  }
});

test("a wrapper that a function gives may be one", async () => {
  const given = [
    bytes("cpackage\nidentity\n(", WRAPPER, "tR"),
    bytes("cbuiltins\ngetattr\n(NVx\n", WRAPPER, "tR"),
    bytes("cpackage\nmake\n(cjoblib.numpy_pickle\nNumpyArrayWrapper\ntR"),
    bytes("cjoblib.numpy_pickle\nNumpyArrayWrapper\n(NNNNtR"),
  ];
  for (const wrapper of given) {
    const { calls, complete } = await found(bytes(wrapper, state({}), HIDING, "0", PAYLOAD, "."));
    assert.ok(calls.includes(CALL) && !complete);
  }
});

test("a bit generator of numpy's is no wrapper, whatever its state holds", async () => {
  const seed = bytes("cnumpy.random.bit_generator\nSeedSequence\n)", 0x81);
  const made = bytes("cnumpy.random._pickle\n__bit_generator_ctor\n(VMT19937\ntR");
  const built = bytes("(}", str("key"), WRAPPER, state({}), HIDING, "s", seed, "tb");
  const { calls, complete } = await found(bytes(made, built, "0", PAYLOAD, "."));
  assert.ok(calls.includes(CALL) && complete);
});

test("an array amid a frame lies behind it, and the frame goes on before", async () => {
  const inside = bytes(WRAPPER, state({}), "0");
  const frame = new Uint8Array(9);
  frame[0] = 0x95;
  frame[1] = inside.length;
  const observations = await observe(bytes(0x80, 4, frame, inside, HIDING, PAYLOAD, "."));
  const calls = factsIn(observations).flatMap((fact) =>
    fact.kind === "call" && fact.reading === "arrays" ? [fact.expression] : []
  );
  assert.ok(calls.includes(CALL));
});

test("an array that is cut off at any byte is reported", async () => {
  const file = bytes(WRAPPER, state({}), HIDING, "0", PAYLOAD, ".");
  for (let length = 1; length < file.length; length++) {
    const reported = anomaliesIn(await observe(file.subarray(0, length)));
    assert.ok(reported.length > 0, `${length} bytes`);
  }
});

test("what lies behind an array of unknown length is searched, with the memo as it is there", async () => {
  // A member of an enumeration is a str, and its text is known to nobody but the enumeration.
  const member = bytes("cenum\nStrEnum\n(VE\n}Va\nVu1\nstR(Vu1\ntR");
  const type = bytes("cnumpy\ndtype\n(", member, "I00\nI01\ntR(I3\nV|\nNNNI-1\nI-1\nI0\nt", "b");
  const head = bytes("Vos\np7\n0", WRAPPER, state({ type }), HIDING.map(() => 0x42));
  const ways = [
    PAYLOAD,
    bytes(str("os"), str("system"), 0x93, "(Vecho hi\ntR"),
    bytes("(", 0x95, 9, 0, 0, 0, 0, 0, 0, 0, str("echo hi"), "ios\nsystem\n"),
    bytes("V\\u006fs\nVsystem\n", 0x93, "(Vecho hi\ntR"),
    bytes("g7\nVsystem\n", 0x93, "(Vecho hi\ntR"),
    bytes("h\x07", str("system"), 0x94, 0x93, "(Vecho hi\ntR"),
  ];
  for (const [index, way] of ways.entries()) {
    const observations = await observe(bytes(head, "0", way, "."));
    const calls = factsIn(observations).flatMap((fact) =>
      fact.kind === "call" ? [`${fact.expression} ${fact.reading}`] : []
    );
    assert.ok(calls.includes(`${CALL} arrays`), `way ${index}: ${calls.join()}`);
    assert.ok(observations.some((it) => it.type === "anomaly" && it.unread === true));
  }
});

test("opcodes behind an array of unknown length may take what is on the stack", async () => {
  const type = bytes(
    "cnumpy\ndtype\n(cpackage\nfunction\n(Vu1\ntRtR(I3\nV|\nNNNI-1\nI-1\nI0\nt",
    "b",
  );
  const frame = (inside: Uint8Array): Uint8Array =>
    bytes(0x95, inside.length, 0, 0, 0, 0, 0, 0, 0, inside);
  const ways = [
    ["Vos\nVsystem\n", bytes("0", 0x93, "(Vecho hi\ntR")],
    ["Vecho hi\nVos\nVsystem\n", bytes("0", 0x93, "p5\n0p6\n0g5\n(g6\ntR")],
    ["Vos\n", bytes("0", str("system"), 0x93, "(Vecho hi\ntR")],
    ["Vos\n", bytes(frame(bytes("0", str("system"))), 0x93, "(Vecho hi\ntR")],
    ["Vos\n", bytes("0", frame(bytes(str("system"))), frame(bytes(0x93, "(Vecho hi\ntR")))],
    [
      "cbuiltins\ngetattr\n(cnumpy.f2py\nos\nVsystem\nt",
      bytes("0Rp5\n0(g5\n0Vecho hi\nt2g5\n20p7\n0g5\n(Vecho hi\ntR"),
    ],
  ] as const;
  for (const [index, [below, way]] of ways.entries()) {
    const head = bytes(below, WRAPPER, state({ type }), HIDING.map(() => 0x42));
    const observations = await observe(bytes(head, way, "."));
    const targets = factsIn(observations).flatMap((fact) => "name" in fact ? [fact.name] : []);
    assert.ok(targets.some((name) => /(^|\.)system$/.test(name)), `way ${index}: ${targets}`);
    assert.ok(observations.some((it) => it.type === "anomaly" && it.unread === true));
  }
});

test("opcodes behind an array of unknown length may change what is on the stack", async () => {
  const unknown = bytes("cpackage\nfunction\n)R");
  const ways = [
    ["ccollections\nnamedtuple\nN}V__code__\nN", bytes("0s", 0x86, "b.")],
    ["ccollections\nnamedtuple\n}V__code__\nI1\n", "0sb."],
    ["csys\npath\nVx\n", "0a."],
    ["csys\nmodules\nVos\nN", "0s."],
  ] as const;
  for (const [index, [below, way]] of ways.entries()) {
    const array = bytes(WRAPPER, state({ key: unknown }), HIDING.map(() => 0x4e));
    const facts = factsIn(await observe(bytes(below, array, way)));
    assert.ok(facts.some((fact) => fact.kind === "mutation"), `way ${index}`);
  }
});

test("opcodes before a place where a search goes on may have changed the top of the stack", async () => {
  const unknown = bytes("cpackage\nfunction\n)R");
  const run = "(Vecho hi\ntR.";
  const ways = [
    ["cos\nsystem\n", bytes("0)0)0)0)0)0", run)],
    ["cos\nsystem\n", bytes("0(N1", run)],
    ["cos\nsystem\np7\n0", bytes("h\x07", run)],
    ["cos\nsystem\np7\n0", bytes("]g7\n", run)],
    // The loader has called it before it misses STOP.
    ["cos\nsystem\n(Vecho hi\nt", bytes("0q\x04Rq\x05")],
    ["cos\nsystem\n(Vecho hi\nt", bytes("0N0p4\nR.")],
    ["cos\nsystem\n(Vecho hi\nt(", bytes("01R")],
    ["cos\nsystem\n(Vecho hi\nt(", bytes("1R")],
    ["(Vecho hi\n", bytes("0ios\nsystem\n")],
  ] as const;
  for (const [index, [below, way]] of ways.entries()) {
    const array = bytes(WRAPPER, state({ more: bytes(unknown, "N") }), HIDING.map(() => 0x42));
    const facts = factsIn(await observe(bytes(below, array, way)));
    const called = facts.flatMap((fact) => fact.kind === "call" ? [fact.expression] : []);
    assert.ok(called.includes(CALL), `way ${index}: ${called.join()}`);
  }
});

test("constants that are dropped at once hide nothing, however many there are", async () => {
  const unknown = bytes("cpackage\nfunction\n)R");
  const array = bytes(WRAPPER, state({ more: bytes(unknown, "N") }), HIDING.map(() => 0x42));
  for (const noise of ["S'xyzxyzxyz'\n0", "0S'xyzxyzxyz'\n", "Vname\n0", "\x8c\x04name0"]) {
    const long = noise.repeat(20_000);
    for (const way of [bytes(long, PAYLOAD, "."), bytes(long, array, "0", long, PAYLOAD, ".")]) {
      const facts = factsIn(await observe(bytes(array, way)));
      assert.ok(
        facts.some((fact) => fact.kind === "call" && fact.expression === CALL),
        JSON.stringify(noise),
      );
    }
  }
});

test("an array of unknown length may be one of several arguments", async () => {
  const unknown = bytes("cpackage\nfunction\n)R");
  const array = bytes(WRAPPER, state({ more: bytes(unknown, "N") }), HIDING.map(() => 0x42));
  const facts = factsIn(await observe(bytes("cos\nexecl\n(", array, str("other"), "tR")));
  const called = facts.flatMap((fact) => fact.kind === "call" ? [fact.expression] : []);
  assert.ok(
    called.some((it) => it.startsWith("os.execl(") && it.includes("'other'")),
    called.join(),
  );
});

test("what builds another array behind one of unknown length is found", async () => {
  const unknown = bytes("cpackage\nfunction\n)R");
  const array = bytes(WRAPPER, state({ more: bytes(unknown, "N") }), HIDING.map(() => 0x42));
  const begun = bytes(WRAPPER, "}(", str("shape"), "(I8\nt", str("dtype"), "cnumpy\ndtype\n(");
  const rest = bytes(str("u1"), 0x89, 0x88, "tR(I3\nV|\nNNNI-1\nI-1\nI0\ntbub");
  for (const noise of ["\x01\x02\xff.....", "\xff\xff\xff\xff\xff\xff\xff\xff"]) {
    const facts = factsIn(await observe(bytes(begun, array, "0", rest, noise, PAYLOAD, ".")));
    assert.ok(facts.some((fact) => fact.kind === "call" && fact.expression === CALL), noise);
  }
});

test("arrays of unknown length in one another are followed", async () => {
  const unknown = bytes("cpackage\nfunction\n)R");
  const array = bytes(WRAPPER, state({ more: bytes(unknown, "N") }), HIDING.map(() => 0x4e));
  const begun = bytes(WRAPPER, "}(", str("shape"), "(I8\nt", unknown, "N", str("dtype"));
  const rest = bytes(
    "0cnumpy\ndtype\n(",
    str("u1"),
    0x89,
    0x88,
    "tR(I3\nV|\nNNNI-1\nI-1\nI0\ntbub",
  );
  const noise = HIDING.map(() => 0x4e);
  const below = bytes("cos\nsystem\n(Vecho hi\nt");
  const facts = factsIn(await observe(bytes(below, begun, array, rest, noise, "0R.")));
  assert.ok(facts.some((fact) => fact.kind === "call" && fact.expression === CALL));
});

test("of arrays in one frame, one of unknown length may be followed by objects", async () => {
  const unknown = bytes("cpackage\nfunction\n)R");
  const array = bytes(WRAPPER, state({ more: bytes(unknown, "N") }));
  const inside = bytes(array, "0", array, "0N.");
  const frame = bytes(0x80, 4, 0x95, inside.length, 0, 0, 0, 0, 0, 0, 0, inside);
  const objects = bytes(0x80, 2, PAYLOAD, ".");
  const facts = factsIn(await observe(bytes(frame, HIDING.map(() => 0x4e), objects)));
  assert.ok(facts.some((fact) => fact.kind === "call" && fact.expression === CALL));
});

test("texts behind an array of unknown length hide nothing, whatever opcodes their letters are", async () => {
  const unknown = bytes("cpackage\nfunction\n)R");
  for (const letter of "bsaeuRt0o") {
    const array = bytes(WRAPPER, state({ more: bytes(unknown, "N") }), HIDING.map(() => 0x42));
    const way = bytes(`V${letter.repeat(20_000)}\n`, PAYLOAD, ".");
    const facts = factsIn(await observe(bytes(array, way)));
    assert.ok(
      facts.some((fact) => fact.kind === "call" && fact.expression === CALL),
      letter,
    );
  }
});

test("behind a second array of unknown length the search goes on", async () => {
  const unknown = bytes("cpackage\nfunction\n)R");
  const first = bytes(WRAPPER, state({ more: bytes(unknown, "N") }), HIDING, "0");
  const hidden = bytes(".......0", PAYLOAD);
  const second = bytes(WRAPPER, state({ key: unknown }), "B", hidden.length, 0, 0, 0, hidden, ".");
  const data = bytes(first, second);
  const calls = factsIn(await observe(data))
    .flatMap((fact) => fact.kind === "call" ? [fact.expression] : []);
  assert.ok(calls.includes(CALL), calls.join());
});

test("a place from which opcodes come to nothing is not the last", async () => {
  const type = bytes(
    "cnumpy\ndtype\n(cpackage\nfunction\n(Vu1\ntRtR(I3\nV|\nNNNI-1\nI-1\nI0\nt",
    "b",
  );
  const array = bytes(0x93, 0x93, "cpackage\nname\nB", 0x3e, 0, 0, 0);
  const data = bytes(WRAPPER, state({ type }), array, "0", PAYLOAD, ".");
  const calls = factsIn(await observe(data))
    .flatMap((fact) => fact.kind === "call" ? [fact.expression] : []);
  assert.ok(calls.includes(CALL), calls.join());
});

test("a place that leads to STOP past all that follows is not the last", async () => {
  const unknown = bytes("cpackage\nfunction\n)R");
  for (const decoys of [1, 3]) {
    const rest = bytes("0", PAYLOAD);
    const decoy = bytes("cpackage\nname\n0".repeat(decoys), "B", rest.length, 0, 0, 0);
    const data = bytes(WRAPPER, state({ key: unknown }), decoy, rest, ".");
    const calls = factsIn(await observe(data))
      .flatMap((fact) => fact.kind === "call" ? [fact.expression] : []);
    assert.ok(calls.includes(CALL), `${decoys}: ${calls.join()}`);
  }
});

test("a wrapper that is an attribute of an object may be one", async () => {
  const held = bytes("ctypes\nSimpleNamespace\n)R}(Vx\n", WRAPPER, "ub");
  const attribute = bytes("cbuiltins\ngetattr\n(", held, "Vx\ntR");
  const held2 = bytes(
    "ctypes\nSimpleNamespace\n)R}(Vx\ncjoblib.numpy_pickle\nNumpyArrayWrapper\nub",
  );
  const called = bytes("cbuiltins\ngetattr\n(", held2, "Vx\ntR)R");
  for (const wrapper of [attribute, called]) {
    const observations = await observe(bytes(wrapper, state({}), HIDING, "0", PAYLOAD, "."));
    const calls = factsIn(observations)
      .flatMap((fact) => fact.kind === "call" ? [fact.expression] : []);
    assert.ok(calls.includes(CALL), calls.join());
    assert.ok(observations.some((it) => it.type === "anomaly" && it.unread === true));
  }
});

test("an object whose class is set may be a wrapper", async () => {
  const wrapper = "cjoblib.numpy_pickle\nNumpyArrayWrapper\n";
  const turned = bytes("}(V__class__\n", wrapper, "u");
  const attributes = state({}).slice(0, -1);
  const object = "cpackage\nClass\n)R";
  const ways = [
    bytes(object, attributes, turned, 0x86, "b"),
    bytes(object, "N", turned, 0x86, "b", attributes, "b"),
    bytes(
      object,
      "p9\n0cbuiltins\nsetattr\n(g9\nV__class__\n",
      wrapper,
      "tR0g9\n",
      attributes,
      "b",
    ),
    bytes(
      object,
      "p9\n0cbuiltins\nobject.__setattr__\n(g9\nV__class__\n",
      wrapper,
      "tR0g9\n",
      attributes,
      "b",
    ),
    bytes(
      object,
      "p9\n0coperator\nmethodcaller\n(V__setattr__\nV__class__\n",
      wrapper,
      "tR(g9\ntR0g9\n",
      attributes,
      "b",
    ),
  ];
  for (const [index, way] of ways.entries()) {
    assert.ok((await behindPassing(way)).includes(CALL), `way ${index}`);
  }
});

test("what an object is given once it is there makes no wrapper of it", async () => {
  // An array of objects may be whatever its pickle gives; it is no argument of the class or function.
  const objects = bytes(
    WRAPPER,
    "}(",
    str("shape"),
    "(I1\nt",
    str("dtype"),
    "cnumpy\ndtype\n(VO8\nI00\nI01\ntR(I3\nV|\nNNNI-1\nI-1\nI63\ntb",
    "ubN.",
  );
  const ways = [
    bytes("cpackage\nClass\n)", 0x81, "}(Vx\n", objects, "ub."),
    bytes("cpackage\nfunction\n(Vx\ntR}(Vx\n", objects, "ub."),
    // A pair whose second half is an array is no state of two: an array has no items().
    bytes("cpackage\nClass\n)", 0x81, "(N", objects, "tb."),
  ];
  for (const [index, file] of ways.entries()) {
    assert.deepEqual(anomaliesIn(await observe(file)), [], `way ${index}`);
  }
  const given = bytes("cpackage\nfunction\n(", objects, "tR}(Vx\nI1\nub.");
  assert.deepEqual(anomaliesIn(await observe(given)), ["joblib-array-truncated"]);
});

/** All calls seen where the eight bytes of an array, read as opcodes, pass over what follows. */
async function behindPassing(built: Uint8Array): Promise<string[]> {
  const rest = bytes("0", PAYLOAD);
  const observations = await observe(bytes(built, "NNNB", rest.length, 0, 0, 0, rest, "."));
  return factsIn(observations)
    .flatMap((fact) => fact.kind === "call" ? [fact.expression] : []);
}

/** `joblib.dump(pandas.Index(list("abcd"), name="name"))`, by pandas 2.0.3 and joblib 1.3.2. */
const INDEX =
  "gASVEQEAAAAAAACMGHBhbmRhcy5jb3JlLmluZGV4ZXMuYmFzZZSMCl9uZXdfSW5kZXiUk5RoAIwFSW5kZXiUk5R9" +
  "lCiMBGRhdGGUjBNqb2JsaWIubnVtcHlfcGlja2xllIwRTnVtcHlBcnJheVdyYXBwZXKUk5QpgZR9lCiMCHN1YmNsYXNzlIwF" +
  "bnVtcHmUjAduZGFycmF5lJOUjAVzaGFwZZRLBIWUjAVvcmRlcpSMAUOUjAVkdHlwZZRoDYwFZHR5cGWUk5SMAk84lImIh5RS" +
  "lChLA4wBfJROTk5K/////0r/////Sz90lGKMCmFsbG93X21tYXCUiYwbbnVtcHlfYXJyYXlfYWxpZ25tZW50X2J5dGVzlEsQ" +
  "dWKABZWZAAAAAAAAAIwVbnVtcHkuY29yZS5tdWx0aWFycmF5lIwMX3JlY29uc3RydWN0lJOUjAVudW1weZSMB25kYXJyYXmU" +
  "k5RLAIWUQwFilIeUUpQoSwFLBIWUaAOMBWR0eXBllJOUjAJPOJSJiIeUUpQoSwOMAXyUTk5OSv////9K/////0s/dJRiiV2U" +
  "KIwBYZSMAWKUjAFjlIwBZJRldJRiLpUOAAAAAAAAAIwEbmFtZZROdYaUUpQu";

/** What loaders call that do not step over arrays, of an index whose class has a name of five letters. */
async function callsOfIndex(name: string): Promise<string[]> {
  const text = atob(INDEX).replaceAll("\x05Index", `\x05${name}`);
  const observations = await observe(Uint8Array.from(text, (letter) => letter.charCodeAt(0)));
  return factsIn(observations)
    .flatMap((fact) => fact.kind === "call" && fact.reading === "plain" ? [fact.expression] : []);
}

test("the class of a pandas index that a memo makes a module is none, and another one is", async () => {
  assert.deepEqual(await callsOfIndex("Index"), []);
  assert.deepEqual(await callsOfIndex("other"), ["other.dtype('O8', False, True)"]);
});
