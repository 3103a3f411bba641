/**
 * Calls that no opcode makes: harmless things are given something to call. The verdict is that of the
 * whole scan, with the rules that come along.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { bytesSource } from "../../sources/memory.ts";
import { bytes, factsIn, observe, str } from "../testing/pickle.ts";
import { LARGE_INPUT } from "../../parsers/testing/sweep.ts";

const RULES = loadRules({ strict: true });

async function verdict(...pieces: readonly (string | Uint8Array)[]): Promise<string> {
  const data = bytes("\x80\x04", ...pieces, ".");
  return (await scanSource(bytesSource("model.pkl", data), { rules: RULES })).verdict;
}

/** A class of YOLOv5's that evaluates what stands under "activation" when it is called. */
const MODEL = bytes("cmodels.yolo\nModel\n");
const CONFIGURED = bytes("}", str("activation"), str("print('hi')"), "s");
const PARTIAL = bytes("cfunctools\npartial\n(cstatistics\nNormalDist\n", str("a"), "tR");
const DEQUE = bytes("ccollections\ndeque\n)R");

/** An instance whose attribute is the value. */
function instance(attribute: string, value: string | Uint8Array): Uint8Array {
  return bytes("cargparse\nNamespace\n)\x81}", str(attribute), value, "sb");
}

test("a weak reference calls what it is given when its object is gone", async () => {
  assert.equal(await verdict("cweakref\nref\n(", DEQUE, PARTIAL, "t\x81"), "suspicious");
  assert.equal(
    await verdict("cweakref\nref\n(", DEQUE, "cstatistics\nNormalDist\nt\x81"),
    "suspicious",
  );
  assert.equal(await verdict("cweakref\nref\n(", DEQUE, "cos\nsystem\nt\x81"), "dangerous");
  assert.equal(await verdict("cweakref\nref\n(", DEQUE, "Nt\x81"), "clean");
  assert.equal(await verdict("cweakref\nref\n(", DEQUE, "t\x81"), "clean");
});

test("harmless functions call methods that an object was given as attributes", async () => {
  for (const name of ["keys", "items", "as_integer_ratio", "detach", "to", "pop"]) {
    const made = bytes("ccollections\nOrderedDict\n(", instance(name, PARTIAL), "tR");
    assert.equal(await verdict(made), "suspicious", name);
  }
});

test("what an object's own iterator or setter calls of it is watched where the state gives it", async () => {
  // dateutil's rrulebase.__iter__; the setters of scikit-learn's Kernel.theta and of scipy's spmatrix.shape.
  const own = (attribute: string) => bytes("}", str(attribute), "cstatistics\nNormalDist\ns");
  const listed = bytes("cbuiltins\nlist\n(cdateutil.rrule\nrrule\n)\x81");
  assert.equal(await verdict(listed, own("_iter"), "btR"), "suspicious");
  const set = bytes("}", str("theta"), "I1\ns");
  const kernel = bytes("csklearn.gaussian_process.kernels\nRBF\n)\x81");
  assert.equal(await verdict(kernel, own("get_params"), set, "\x86b"), "suspicious");
  assert.equal(await verdict(kernel, "}", set, "\x86b"), "clean");
});

test("neither a computed name nor a wrapped function hides such an attribute", async () => {
  const name = bytes("cbuiltins\nstr\n(C\x04keys", str("ascii"), str("strict"), "tR");
  assert.equal(await verdict("cargparse\nNamespace\n)\x81}", name, PARTIAL, "sb"), "suspicious");
  assert.equal(await verdict("cargparse\nNamespace\n)\x81}", name, "Nsb"), "clean");
  const wrapped = bytes("cbuiltins\nstaticmethod\n", PARTIAL, "\x85R");
  assert.equal(await verdict(instance("keys", wrapped)), "suspicious");
});

test("calls made of one another over and over end in time", async () => {
  const twice = (index: number) =>
    `cbuiltins\nstaticmethod\nh${String.fromCharCode(index)}h${
      String.fromCharCode(index)
    }\x86R\x940`;
  const many = Array.from({ length: 60 }, (_, index) => twice(index)).join("");
  const attribute = bytes("cargparse\nNamespace\n)\x81}", str("keys"), "h\x3csb");
  assert.equal(await verdict(PARTIAL, "\x940", many, attribute), "suspicious");
  assert.equal(await verdict("N\x940", many, attribute), "clean");
});

test("plain objects under the names of such methods are data", async () => {
  for (const name of ["keys", "items", "to"]) {
    for (const value of ["]", "N", "ccollections\nOrderedDict\n)R"]) {
      assert.equal(await verdict(instance(name, value)), "clean", name);
    }
  }
});

test("a class that is only restored elsewhere counts as called where a dictionary waits for it", async () => {
  const waiting = bytes("cfunctools\npartial\n(", MODEL, CONFIGURED, "tR");
  assert.equal(await verdict(instance("norm_layer", waiting)), "suspicious");
  for (const made of ["cbuiltins\ndict\n", "ccollections\nOrderedDict\n", "cnumpy\nobject_\n"]) {
    const config = bytes("cfunctools\npartial\n(", MODEL, made, "(", CONFIGURED, "tRtR");
    assert.equal(await verdict(instance("norm_layer", config)), "suspicious");
  }
  const state = bytes("(", MODEL, ")}", str("cfg"), CONFIGURED, "sNt");
  const built = bytes("cfunctools\npartial\n(", MODEL, "tR", state, "b");
  assert.equal(await verdict(built), "suspicious");
  const unknown = bytes("cnumpy\nobject_\n(", CONFIGURED, "tR");
  const keywords = bytes("(", MODEL, ")", unknown, "Nt");
  assert.equal(
    await verdict("cfunctools\npartial\n(", MODEL, "tR", keywords, "b"),
    "suspicious",
  );
  assert.equal(await verdict(MODEL, ")\x81}", str("yaml"), CONFIGURED, "sb"), "clean");
});

test("a partial of a layer with numbers, as models have them, is clean", async () => {
  const state = bytes(
    "(ctorch.nn.modules.normalization\nLayerNorm\n)}",
    str("eps"),
    "G\x3e\xb0\xc6\xf7\xa0\xb5\xed\x8dsNt",
  );
  const layer = bytes(
    "cfunctools\npartial\n(ctorch.nn.modules.normalization\nLayerNorm\ntR",
    state,
    "b",
  );
  assert.equal(await verdict(instance("norm_layer", layer)), "clean");
});

test(
  "containers beyond all that are kept hide no attribute to be called",
  LARGE_INPUT,
  async () => {
    const empty = bytes("cargparse\nNamespace\n)\x81\x940");
    const containers = "}0".repeat(1 << 18);
    const items = `]${"Na".repeat(1 << 19)}0`;
    for (const filler of [containers, items]) {
      const attribute = bytes("h\x01}", str("keys"), "h\0sb");
      assert.equal(await verdict(PARTIAL, "\x940", empty, filler, attribute), "suspicious");
      assert.equal(await verdict(DEQUE, "\x940", empty, filler, attribute), "clean");
    }
  },
);

test("a key to be called is seen behind however many others", async () => {
  const frame = "cpandas.core.frame\nDataFrame\n)\x81(";
  for (const before of [0, 1, 31, 32, 33, 5000]) {
    const others = "NN".repeat(before);
    assert.equal(await verdict(frame, others, PARTIAL, "Nu"), "suspicious", String(before));
    assert.equal(await verdict(frame, others, "NNu"), "clean", String(before));
  }
});

test("restoring by a base class runs what that does with the state", async () => {
  const restored = (module: string, base: string | Uint8Array, state: string | Uint8Array) =>
    verdict(`c${module}\n_reconstructor\n(cargparse\nNamespace\n`, base, state, "tR");
  for (const module of ["copyreg", "copy_reg"]) {
    assert.equal(await restored(module, "cbuiltins\nobject\n", "N"), "clean");
    assert.equal(await restored(module, "c__builtin__\nobject\n", "N"), "clean");
    assert.equal(await restored(module, "c__builtin__\ndict\n", "}"), "clean");
    assert.equal(await restored(module, "cmodels.yolo\nModel\n", CONFIGURED), "suspicious");
    assert.equal(await restored(module, "cos\nsystem\n", str("echo hi")), "dangerous");
    assert.equal(await restored(module, PARTIAL, "N"), "suspicious");
  }
});

test("of more items than are followed the rest may be anything", async () => {
  const none = (count: number) => ")".repeat(count);
  const all = (items: string | Uint8Array) =>
    verdict("cbuiltins\nlist\n(citertools\nstarmap\n(", MODEL, "(", items, "ltRtR");
  assert.equal(await all(none(16)), "clean");
  assert.equal(await all(none(17)), "suspicious");
  assert.equal(await all(bytes(none(40), CONFIGURED, "\x85")), "suspicious");
});

test("a method of text that looks up in a dictionary with a factory calls that", async () => {
  const table = bytes("ccollections\ndefaultdict\n(", PARTIAL, "tR");
  for (const method of ["translate", "format_map", "format", "join"]) {
    const call = bytes(`cbuiltins\nstr.${method}\n(`, str("A"), table, "tR");
    assert.equal(await verdict(call), "suspicious", method);
  }
  assert.equal(await verdict("cbuiltins\nstr.translate\n(", str("A"), "}tR"), "clean");
});

test("an item of what is held as an attribute may be made by a factory", async () => {
  const loader = bytes("ctorch.storage\n_load_from_bytes\n");
  const pickled = bytes("cos\nsystem\n(Vecho hi\ntR.");
  const factory = bytes("cfunctools\npartial\n(", loader, "C", pickled.length, pickled, "tR");
  const held = instance("held", bytes("ccollections\ndefaultdict\n(", factory, "tR"));
  const attribute = bytes("cbuiltins\ngetattr\n(", held, str("held"), "tR");
  assert.equal(await verdict(attribute), "suspicious");
  assert.equal(
    await verdict("coperator\ngetitem\n(", attribute, "K\x03tR"),
    "dangerous",
  );
});

test("a weak dictionary calls its own attribute when a key is gone", async () => {
  const weak = bytes("cweakref\nWeakKeyDictionary\n)\x81}(", str("data"), "}");
  const item = bytes("cuuid\nUUID\n)\x81}", str("int"), "K\x01sb", "K\x01s");
  const given = bytes(str("_remove"), PARTIAL, "ub");
  assert.equal(await verdict(weak, given, item), "suspicious");
  // Without the attribute CPython refuses items of it.
  assert.equal(await verdict(weak, "ub"), "clean");
});

/** What CPython's unpicklers look up on the object itself, in C and in Python: nothing else is. */
const LOOKED_UP: Readonly<Record<string, string>> = {
  append: "Na",
  extend: "(Ne",
  add: "(N\x90",
  __setstate__: "Nb",
};
const BARE = bytes("cargparse\nNamespace\n)\x81");
const ORDERED = "ccollections\nOrderedDict\n";

test("whatever dictionary an object's state is, a function in it that an opcode calls is reported", async () => {
  for (const [name, opcodes] of Object.entries(LOOKED_UP)) {
    const pair = bytes(str(name), MODEL);
    const states: Record<string, Uint8Array> = {
      dictionary: bytes("}", pair, "s"),
      "slots' state": bytes("N}", pair, "s\x86"),
      "filled dictionary of a class": bytes(ORDERED, ")R", pair, "s"),
      "dictionary of pairs": bytes(ORDERED, "]", pair, "\x86a\x85R"),
      "builtins.dict of pairs": bytes("cbuiltins\ndict\n]", pair, "\x86a\x85R"),
      "default dictionary": bytes("ccollections\ndefaultdict\n)R", pair, "s"),
      "slots' state of a class": bytes("N", ORDERED, ")R", pair, "s\x86"),
      "reconstructed dictionary": bytes(
        "ccopyreg\n_reconstructor\n(ccollections\nOrderedDict\ncbuiltins\ndict\n}",
        pair,
        "stR",
      ),
    };
    for (const [what, state] of Object.entries(states)) {
      assert.equal(await verdict(BARE, state, "b", opcodes), "suspicious", `${name} in ${what}`);
    }
  }
});

test("a state that an object keeps is watched as long as it grows", async () => {
  const polynomial = "cnumpy.polynomial.polynomial\nPolynomial\n)\x81}\x94b";
  const later = bytes("h\0", str("append"), MODEL, "s0");
  assert.equal(await verdict(polynomial, later, "Na"), "suspicious");
  assert.equal(await verdict(polynomial, "h\0(", str("extend"), MODEL, "u0(Ne"), "suspicious");
  assert.equal(await verdict(polynomial, "h\0", str("domain"), "]s0"), "clean");
  // A stream that breaks off has run until there.
  assert.notEqual(await verdict(polynomial, later, "Na\xff"), "clean");
});

test("plain states, and objects within states, are data", async () => {
  assert.equal(await verdict(BARE, "}", str("a"), ORDERED, ")Rsb"), "clean");
  assert.equal(await verdict(BARE, "}", str("append"), "]sb"), "clean");
  assert.equal(await verdict(BARE, "}\x94bh\0", str("a"), "Ns0"), "clean");
  assert.equal(await verdict(BARE, "N}", str("a"), "Ns\x86b"), "clean");
});

test("a class that is made by a metaclass, or by an enumeration without members, is dangerous", async () => {
  const args = bytes("(", str("X"), "ccollections\nOrderedDict\n\x85}t");
  for (
    const metaclass of ["torch.storage\n_LegacyStorageMeta", "torch.nn.parameter\n_ParameterMeta"]
  ) {
    assert.equal(await verdict(`c${metaclass}\n`, args, "\x81"), "dangerous", metaclass);
    assert.equal(await verdict(`c${metaclass}\n`, args, "R"), "dangerous", metaclass);
  }
  const members = bytes("(", str("X"), "}", str("a"), "I1\nst");
  assert.equal(
    await verdict("ctransformers.utils.generic\nExplicitEnum\n", members, "R"),
    "dangerous",
  );
});

test("a listed class that is called as metaclasses are is no harmless call", async () => {
  const args = bytes("(", str("X"), "ccollections\nOrderedDict\n\x85}t");
  assert.equal(await verdict("csklearn.utils._bunch\nBunch\n", args, "R"), "suspicious");
  assert.equal(await verdict("csklearn.utils._bunch\nBunch\n)\x81"), "clean");
});

test("an item that is an attribute is called as one", async () => {
  const bunch = "csklearn.utils._bunch\nBunch\n)\x81";
  for (const name of ["extend", "append", "__setstate__"]) {
    assert.equal(await verdict(bunch, str(name), PARTIAL, "s"), "suspicious", name);
  }
  assert.equal(await verdict(bunch, str("data"), PARTIAL, "s"), "clean");
  assert.equal(await verdict(bunch, str("extend"), "Ns"), "clean");
  assert.equal(
    await verdict("ccollections\nOrderedDict\n)R", str("extend"), PARTIAL, "s"),
    "clean",
  );
});

test("a key that is a str of another class may be any name", async () => {
  const key = bytes("chttp\nHTTPMethod\n(VGET\ntR");
  const data = bytes("ctypes\nSimpleNamespace\n)R}(", key, "cpackage\nfunction\nub.");
  const facts = factsIn(await observe(data));
  assert.ok(facts.some((fact) => fact.kind === "unresolved-call"));
});

test("a dictionary whose state is itself has the attributes that were put into it", async () => {
  const made = (key: string, value: string | Uint8Array) =>
    bytes("cstatsmodels.tools.bunch\nBunch\n)\x81\x94", str(key), value, "sh\x00b");
  assert.equal(await verdict(made("params", "]")), "clean");
  assert.equal(await verdict(made("append", PARTIAL)), "suspicious");
  assert.equal(await verdict(made("keys", PARTIAL)), "suspicious");
});

/** scipy 1.17.1's text for `scipy.stats.randint` (`parse_arg_template` filled with `low, high, `). */
const TEMPLATE = `
def _parse_args(self, low, high,  loc=0):
    return (low, high, ), loc, 1

def _parse_args_rvs(self, low, high,  loc=0, size=None):
    return self._argcheck_rvs(low, high,  loc, 1, size=size)

def _parse_args_stats(self, low, high,  loc=0, moments='mv'):
    return (low, high, ), loc, 1, moments
`;

/** A distribution of scipy's, restored with a state. */
function distribution(...state: readonly (string | Uint8Array)[]): Uint8Array {
  return bytes("cscipy.stats._discrete_distns\nrandint_gen\n)\x81", ...state, "b");
}

function unicode(text: string): Uint8Array {
  const { length } = text;
  return bytes("X", Uint8Array.of(length & 255, length >> 8, 0, 0), text);
}

test("a distribution that executes scipy's own template is harmless, any other text is code", async () => {
  const key = str("_parse_arg_template");
  assert.equal(await verdict(distribution("}", key, unicode(TEMPLATE), "s")), "clean");
  for (
    const other of [
      "import os",
      TEMPLATE + "print('hi')\n",
      TEMPLATE.replace("loc=0, size", "loc=print('hi'), size"),
      TEMPLATE.replaceAll("low, high, ", "low, high=print('hi'), "),
      TEMPLATE.replace("(low, high, ), loc, 1\n\n", "(low, other, ), loc, 1\n\n"),
    ]
  ) {
    assert.equal(await verdict(distribution("}", key, unicode(other), "s")), "dangerous", other);
  }
  // The last of two entries with one key holds.
  const twice = bytes("}(", key, unicode("import os"), key, unicode(TEMPLATE), "u");
  assert.equal(await verdict(distribution(twice)), "clean");
  const bad = bytes("}(", key, unicode(TEMPLATE), key, unicode("import os"), "u");
  assert.equal(await verdict(distribution(bad)), "dangerous");
});

test("data of statsmodels evaluate a formula of their state: plain terms are harmless, others are code", async () => {
  const data = (...state: readonly (string | Uint8Array)[]) =>
    bytes("cstatsmodels.base.data\nPandasData\n)\x81", ...state, "b");
  const withFormula = (text: string, key = "restore_design_info") =>
    data("}(", str(key), "\x88", str("formula"), unicode(text), "u");
  assert.equal(await verdict(data("}(", str("hasconst"), "N", "u")), "clean");
  for (const formula of ["y ~ x", "y ~ x1 + C(kind):x2 - 1", "np.log(y) ~ Q('a b') * x"]) {
    assert.equal(await verdict(withFormula(formula)), "clean", formula);
  }
  for (
    const formula of [
      "y ~ __import__('os').system('id')",
      "y ~ C(f())",
      "y ~ x.y",
      "y ~ I(x)",
      "y ~ Q('a') [open('b')]",
    ]
  ) {
    for (const key of ["restore_design_info", "restore_model_spec"]) {
      assert.equal(await verdict(withFormula(formula, key)), "dangerous", formula);
    }
  }
  assert.equal(await verdict(data("}(", str("restore_design_info"), "\x88u")), "suspicious");
  assert.equal(await verdict(data("]")), "suspicious");
});

test("the constructor's parameters, which scipy before 1.5 writes, hold no text to execute", async () => {
  const parameters = bytes("}(", str("name"), str("randint"), str("shapes"), str("low, high"), "u");
  const pair = bytes(str("_parse_arg_template"), unicode("import os"), "\x86");
  assert.equal(await verdict(distribution(parameters, "N\x86")), "clean");
  // scipy 1.5 and later update attributes by the state, whose halves may be pairs.
  assert.equal(await verdict(distribution(parameters, pair, "\x86")), "suspicious");
  assert.equal(await verdict(distribution(pair, pair, "\x86")), "suspicious");
  const other = bytes(
    "}(",
    str("name"),
    "N",
    str("_parse_arg_template"),
    unicode("import os"),
    "u",
  );
  assert.equal(await verdict(distribution(other, "N\x86")), "suspicious");
});

test("a distribution whose text cannot be told, or whose methods are given, is not clean", async () => {
  const key = str("_parse_arg_template");
  const computed = bytes("cnumpy\nstr_\n", key, "\x85R");
  assert.equal(await verdict(distribution("}", computed, unicode("import os"), "s")), "dangerous");
  assert.equal(await verdict(distribution("}", str("a"), "K\x01s")), "suspicious");
  assert.equal(await verdict(distribution("]")), "suspicious");
  for (const name of ["_attach_methods", "_attach_argparser_methods"]) {
    const state = bytes("}(", key, unicode(TEMPLATE), str(name), PARTIAL, "u");
    assert.equal(await verdict(distribution(state)), "suspicious", name);
  }
});

test("a method bound to an object of the file is judged by the class's attribute", async () => {
  const method = (name: string) =>
    bytes(
      "cbuiltins\ngetattr\n(cscipy.stats._discrete_distns\nrandint_gen\n)\x81",
      str(name),
      "tR",
    );
  assert.equal(await verdict(method("_entropy")), "clean");
  assert.equal(await verdict(method("rvs")), "suspicious");
  assert.equal(await verdict(method("_entropy"), ")R"), "suspicious");
});

test("a function that gives back what it is given hides no attribute", async () => {
  const given = (value: string | Uint8Array) => bytes("cnumpy\nobject_\n", value, "\x85R");
  const made = (value: string | Uint8Array) =>
    bytes("ccollections\nOrderedDict\n(", instance("keys", given(value)), "tR");
  assert.equal(await verdict(made(PARTIAL)), "suspicious");
  assert.equal(await verdict(made("N")), "clean");
});

test("scikit-learn's newObj makes what it is given, and no more", async () => {
  const made = (cls: string) => bytes("csklearn.neighbors._kd_tree\nnewObj\n", cls, "\x85R");
  assert.equal(await verdict(made("csklearn.neighbors._kd_tree\nKDTree\n")), "clean");
  assert.equal(await verdict(made("cos\nsystem\n")), "dangerous");
  assert.equal(await verdict(made("cmylib\nThing\n")), "suspicious");
});

test("dateutil's tzfile is harmless where it is given no file", async () => {
  const made = (...args: (string | Uint8Array)[]) =>
    bytes("cdateutil.tz.tz\ntzfile\n(", ...args, "tR");
  assert.equal(await verdict(made("N", str("Europe/Berlin"))), "clean");
  assert.equal(await verdict(made(str("/etc/passwd"))), "suspicious");
  assert.equal(await verdict(made("cmylib\nFile\n)R", str("x"))), "suspicious");
  assert.equal(await verdict(made("N", PARTIAL)), "suspicious");
  // The thirtieth call counts as the first.
  const often = Array<Uint8Array>(30).fill(made("N", str("x")));
  assert.equal(await verdict("(", ...often, made(str("/etc/passwd")), "t"), "suspicious");
});

test("a component of spaCy is harmless where it is restored, and not where a call gives it functions", async () => {
  const linker = "cspacy.pipeline.entity_linker\nEntityLinker\n";
  assert.equal(await verdict(linker, ")\x81"), "clean");
  const keywords = bytes("}", str("generate_empty_kb"), PARTIAL, "s");
  const given = bytes("cfunctools\npartial\n(", linker, "tR(", linker, ")", keywords, "Ntb");
  assert.equal(await verdict(given, ")R"), "suspicious");
});

test("a model of tokenizers is harmless where its class is given no file", async () => {
  const made = (...args: (string | Uint8Array)[]) =>
    bytes("ctokenizers.models\nBPE\n(", ...args, "t\x81");
  assert.equal(await verdict(made(), "C\x02{}b"), "clean");
  assert.equal(await verdict(made("N", "N")), "clean");
  assert.equal(await verdict(made(str("/etc/passwd"), str("/etc/group"))), "suspicious");
});

test("classes of compiled code that open what they are given are no harmless ones", async () => {
  const path = bytes("cpathlib\nPosixPath\n(", str("/etc/passwd"), "tR");
  assert.equal(await verdict("cspacy.kb.kb_in_memory\nWriter\n(", path, "tR"), "dangerous");
  const lines = "cgensim.models.word2vec_corpusfile\nCythonLineSentence\n(";
  assert.equal(await verdict(lines, str("/etc/passwd"), "t\x81"), "dangerous");
});

test("what numba writes of a compiled function is loaded", async () => {
  const inner = bytes("cos\nsystem\n(", str("echo"), "tR.");
  const loads = bytes("cnumba.core.serialize\n_unpickle__CustomPickled\n(");
  const given = bytes("C", Uint8Array.of(inner.length), inner, "tR");
  assert.equal(await verdict(loads, given), "dangerous");
  assert.equal(await verdict("cnumba.core.serialize\n_rebuild_function\n(tR"), "dangerous");
});

test("what spaCy's vocabularies bring as a pickle is loaded", async () => {
  const inner = bytes("cos\nsystem\n(", str("echo"), "tR.");
  const held = bytes("C", Uint8Array.of(inner.length), inner);
  assert.equal(await verdict("cspacy.vocab\nunpickle_vocab\n(NNNN", held, "NNtR"), "dangerous");
  assert.equal(await verdict("csrsly\npickle_loads\n(", held, "tR"), "dangerous");
  assert.equal(await verdict("cspacy.vocab\nunpickle_vocab\n(NNNNNNNtR"), "suspicious");
  // Calls and keywords may make it of anything.
  const made = bytes("cmylib\nf\n(", held, "tR");
  assert.equal(await verdict("cspacy.vocab\nunpickle_vocab\n(NNNN", made, "NNtR"), "dangerous");
  const named = bytes("}", str("lex_attr_getters"), held, "s\x92)R");
  const partial = "cfunctools\npartial\n(cspacy.vocab\nunpickle_vocab\nt";
  assert.notEqual(await verdict(partial, named), "clean");
  assert.equal(await verdict("cspacy.tokens.doc\nunpickle_doc\n(N", held, "NtR"), "dangerous");
});

test("what spaCy's lookups fall back to is called", async () => {
  const made = (callee: string, ...args: readonly (string | Uint8Array)[]) =>
    bytes(`cspacy.util\n_get_attr_unless_lookup\n(${callee}]`, ...args, "tR");
  assert.equal(await verdict(made("cos\nsystem\n", str("ls"))), "dangerous");
  assert.equal(await verdict(made("cmylib\nf\n", str("x"))), "suspicious");
  const getter = bytes("coperator\nattrgetter\n(", str("system"), "tR");
  const found = bytes("cspacy.util\n_get_attr_unless_lookup\n(", getter, "]cos\nenviron\ntR");
  assert.notEqual(await verdict(found, "(", str("ls"), "tR"), "clean");
});

test("what skorch's nets keep as bytes is loaded", async () => {
  const inner = bytes("cos\nsystem\n(", str("echo"), "tR.");
  const made = (cls: string, key: string, value: string | Uint8Array) =>
    bytes(cls, ")\x81}(", str(key), value, str("device"), "Nub");
  const held = bytes("C", Uint8Array.of(inner.length), inner);
  const net = "cskorch.classifier\nNeuralNetClassifier\n";
  assert.equal(await verdict(made(net, "__cuda_dependent_attributes__", held)), "dangerous");
  assert.equal(await verdict(made(net, "module_", "N")), "clean");
  // What nothing loads is data.
  assert.equal(await verdict(made("csklearn.svm._classes\nSVC\n", "x", held)), "suspicious");
  // A state that is not known may hold any bytes.
  assert.equal(await verdict(net, ")\x81cmylib\nf\n)Rb"), "suspicious");
});

test("what sklearn2pmml evaluates may be a plain expression, and no call", async () => {
  const made = (text: string) =>
    bytes(
      "csklearn2pmml.ensemble\nEstimatorChain\n)\x81}",
      str("steps"),
      "](",
      str("a"),
      "N",
      str(text),
      "tasb",
    );
  assert.equal(await verdict(made("X[0] > 1.5 and X['b'] != 2")), "clean");
  for (
    const text of [
      "__import__('os')",
      "print(X)",
      "f'{X}'",
      "X\nimport os",
      "(lambda: 0)()",
      "X.__class__",
    ]
  ) {
    assert.equal(await verdict(made(text)), "suspicious", text);
  }
  assert.equal(
    await verdict("csklearn2pmml.ensemble\nEstimatorChain\n)\x81cmylib\nf\n)Rb"),
    "suspicious",
  );
});

test("what is harmless while nothing looks at it may be kept, and is given to no function", async () => {
  const kept = bytes("caccelerate.state\nGradientState\n)\x81}", str("initialized"), "Nsb");
  assert.equal(await verdict("}", str("state"), kept, "s"), "clean");
  assert.equal(await verdict("cdecimal\nDecimal\n(", kept, "tR"), "suspicious");
  assert.equal(await verdict("cdecimal\nDecimal\n(](", kept, "etR"), "suspicious");
  assert.equal(await verdict("}(", kept, "Nu"), "suspicious");
});

test("the partial by which protocol 2 restores an object of keyword arguments restores it", async () => {
  const made = (cls: string, given = cls) =>
    bytes("cfunctools\npartial\n(cbuiltins\ngetattr\n(", cls, str("__new__"), "tR", given, "tR)R");
  assert.equal(await verdict(made("csklearn.tree._tree\nTree\n")), "clean");
  assert.equal(await verdict(made("cmylib\nThing\n")), "suspicious");
  assert.equal(await verdict(made("csubprocess\nPopen\n")), "dangerous");
  const other = made("csklearn.tree._tree\nTree\n", "csubprocess\nPopen\n");
  assert.equal(await verdict(other), "dangerous");
  // The `__new__` of a base class, by which scipy 1.11 restores its TtestResult.
  const base = "cscipy.stats._stats_py\nTtestResultBase\n";
  assert.equal(await verdict(made(base, "cscipy.stats._stats_py\nTtestResult\n")), "clean");
  assert.equal(await verdict(made(base, "cmylib\nThing\n")), "suspicious");
});

test("pandas' functions for indexes make what they are given, and no more", async () => {
  const made = (cls: string) => bytes("cpandas.core.indexes.base\n_new_Index\n(", cls, "}tR");
  assert.equal(await verdict(made("cpandas.core.indexes.base\nIndex\n")), "clean");
  assert.equal(await verdict(made("cpandas\nRangeIndex\n")), "clean");
  assert.equal(await verdict(made("cmylib\nThing\n")), "suspicious");
  assert.equal(await verdict(made("csubprocess\nPopen\n")), "dangerous");
});

test("a state may not replace a method that restoring its object calls", async () => {
  const made = (value: string | Uint8Array) =>
    bytes("ctorch.optim.adam\nAdam\n)\x81}", str("_patch_step_function"), value, "sb");
  assert.equal(await verdict(made(PARTIAL)), "suspicious");
  assert.equal(await verdict(made("N")), "clean");
});

test("a text has no attributes that a state could set", async () => {
  // CPython's load_build: `inst.__dict__` of a str raises AttributeError.
  const wrapper = "cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81";
  assert.equal(await verdict(str("x"), wrapper, "b"), "clean");
  assert.equal(await verdict("cargparse\nNamespace\n)\x81", wrapper, "b"), "suspicious");
});

test("a dictionary that a function may take for attributes hides no method", async () => {
  // pandas 2.3.3 ran it: __pyx_unpickle_BaseOffset updates the object's __dict__ by its last item, BUILD calls that.
  const offset = (attributes: Uint8Array) =>
    bytes(
      "cpandas._libs.tslibs.offsets\n__pyx_unpickle_BaseOffset\n",
      "(cpandas._libs.tslibs.offsets\nDateOffset\nI171034093\n(}K\x01I00\n",
      attributes,
      "ttR",
    );
  const attributes = (name: string, value: string | Uint8Array) =>
    bytes("}", str(name), value, "s");
  assert.equal(
    await verdict(offset(attributes("__setstate__", MODEL)), CONFIGURED, "b"),
    "suspicious",
  );
  assert.equal(
    await verdict(offset(attributes("utcoffset", PARTIAL)), CONFIGURED, "b"),
    "suspicious",
  );
  assert.equal(await verdict(offset(attributes("x", MODEL)), CONFIGURED, "b"), "clean");
  // No function is given it.
  assert.equal(await verdict(attributes("utcoffset", PARTIAL)), "clean");
  assert.equal(await verdict(attributes("__setstate__", MODEL)), "suspicious");
});

test("a harmless class is given no object that holds something to call under any name", async () => {
  // pandas 2.3.3 called it: CombinedDatetimelikeProperties asks what says that it is a Series for its `_constructor`.
  const series = (value: string | Uint8Array) =>
    bytes(
      "cargparse\nNamespace\n)\x81}(",
      ...[str("_typ"), str("series"), str("_constructor"), value],
      "ub",
    );
  const made = (value: string | Uint8Array, close: string, before = "", behind = "") =>
    bytes(
      "cpandas.core.indexes.accessors\nCombinedDatetimelikeProperties\n",
      ...[before, series(value), behind, close],
    );
  assert.equal(await verdict(made(MODEL, "\x85\x81")), "suspicious");
  assert.equal(await verdict(made(bytes("](", MODEL, "e"), "\x85\x81")), "suspicious");
  assert.equal(await verdict(made("](K\x01e", "\x85\x81")), "clean");
  assert.equal(await verdict(made("cnumpy\nfloat64\n", "\x85\x81")), "clean");
  assert.equal(await verdict(series(MODEL)), "clean");
  // Among however many others, and in however many containers.
  for (
    const [open, close] of [[`](${"N".repeat(100)}`, "e"], ["]](", "ea"], [
      "](}](",
      "eK\x01se",
    ]] as const
  ) {
    assert.equal(await verdict(made(MODEL, "\x85\x81", open, close)), "suspicious", open);
    assert.equal(await verdict(made("K\x01", "\x85\x81", open, close)), "clean", open);
  }
});

/** An object dtype of numpy's. */
const OBJECT_TYPE = "cnumpy\ndtype\n(VO8\nI00\nI01\ntR(I3\nV|\nNNNI-1\nI-1\nI63\ntb";

/** An array of objects as numpy pickles it. */
function arrayOf(items: string | Uint8Array, maker = "_reconstruct"): Uint8Array {
  return bytes(
    `cnumpy.core.multiarray\n${maker}\n(cnumpy\nndarray\n(I0\ntC\x01btR(I1\n(I1\nt`,
    ...[OBJECT_TYPE, "I00\n](", items, "etb"],
  );
}

/** The same as joblib writes it: a stand-in, and behind it a pickle of its own. */
function joblibArray(pickled: Uint8Array): Uint8Array {
  const state = bytes("}(", str("dtype"), OBJECT_TYPE, str("shape"), "(K\x01tub");
  return bytes("cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81", state, pickled, ".");
}

test("what a layer of thinc's fills its weights with is called when the layer is made, and kept before", async () => {
  const kept = (first: string | Uint8Array, second: string | Uint8Array) =>
    bytes("cfunctools\npartial\n(cthinc.layers.linear\ninit\n", first, second, "tR");
  const [fill, zero] = [
    "cthinc.initializers\nglorot_uniform_init\n",
    "cthinc.initializers\nzero_init\n",
  ];
  assert.equal(await verdict(kept(fill, zero)), "clean");
  assert.equal(await verdict(kept("cmylib\nf\n", zero)), "suspicious");
  assert.equal(await verdict(kept(fill, "cos\nsystem\n")), "dangerous");
  // No pickler makes one.
  assert.equal(await verdict(kept(fill, zero), "(NtR"), "suspicious");
  assert.equal(await verdict(kept(fill, PARTIAL), "(NtR"), "suspicious");
  const getter = bytes("coperator\nattrgetter\n(", str("system"), "tR");
  assert.notEqual(await verdict(kept(fill, getter), "(cos\nenviron\ntR"), "clean");
});

test("an array of plain objects that joblib pickles by itself holds nothing of the file around it", async () => {
  // What a harmless class is given holds the array; something to call stands in another dictionary of the file.
  const given = (array: Uint8Array) =>
    verdict(
      ...[
        "](",
        "}",
        str("x"),
        MODEL,
        "scpandas.core.indexes.accessors\nCombinedDatetimelikeProperties\n",
      ],
      ...["cargparse\nNamespace\n)\x81}", str("a"), array, "sb\x85\x81e"],
    );
  const day = "cdatetime\ndate\n(C\x04\x07\xe4\x01\x01tR";
  for (const items of ["K\x01N", str("a"), bytes("](", str("a"), "e}"), day, "cnumpy\nfloat64\n"]) {
    assert.equal(await given(joblibArray(arrayOf(items))), "clean");
  }
  const namespace = instance("a", "K\x01");
  for (
    const array of [
      arrayOf(MODEL),
      arrayOf(PARTIAL),
      arrayOf(instance("a", MODEL)),
      arrayOf(bytes("](", MODEL, "e")),
      // A persistent id may be anything, and so may what no array is.
      arrayOf("Pid\n"),
      arrayOf("cmylib\nf\n)R"),
      MODEL,
      PARTIAL,
      bytes("]"),
      bytes(namespace),
      arrayOf("K\x01", "scalar"),
    ]
  ) {
    assert.notEqual(await given(joblibArray(array)), "clean");
  }
  assert.equal(await given(joblibArray(arrayOf("cos\nsystem\n"))), "dangerous");
  assert.equal(
    await given(joblibArray(arrayOf(bytes("cos\nsystem\n(", str("ls"), "tR")))),
    "dangerous",
  );
});

test("to go through a list or a range of known extent calls nothing", async () => {
  const range = "cbuiltins\nrange\n(K\x00K\x09K\x01tR";
  for (const module of ["builtins", "__builtin__"]) {
    assert.equal(await verdict(`citertools\ncycle\n(c${module}\niter\n(${range}tRtR`), "clean");
    assert.equal(await verdict(`c${module}\niter\n(${range}tRK\x00b`), "clean");
  }
  assert.equal(await verdict("cbuiltins\niter\n((I1\nI2\nltR"), "clean");
  assert.equal(await verdict("cbuiltins\niter\n(cmylib\nf\n)RtR"), "suspicious");
  // The text that a number of one makes is followed.
  const letter = (start: number) =>
    bytes(
      "cbuiltins\nchr\n(cbuiltins\nnext\n(cbuiltins\niter\n(cbuiltins\nrange\n(",
      ...[`I${start}\nI200\nI1\ntRtRtRtR`],
    );
  const named = bytes("\x8c\x02os", "cbuiltins\nstr\n(", letter(0x73), "tR\x93");
  assert.notEqual(await verdict(named), "clean");
  assert.equal(await verdict("cbuiltins\niter\n(cos\nsystem\nNtR"), "dangerous");
  assert.equal(await verdict(`cbuiltins\niter\n(cmylib\nf\n${range}tR`), "suspicious");
});

test("a set, which protocol 2 writes as a call, is no method, whatever its name", async () => {
  const made = (value: string | Uint8Array) => instance("__pydantic_fields_set__", value);
  for (const name of ["__builtin__\nset", "builtins\nset", "builtins\nfrozenset"]) {
    assert.equal(await verdict(made(`c${name}\n(]tR`)), "clean");
    assert.equal(await verdict(made(bytes(`c${name}\n(](`, str("a"), "etR"))), "clean");
  }
  assert.equal(await verdict(made("ccollections\nCounter\n(]tR")), "suspicious");
  assert.equal(await verdict(made(MODEL)), "suspicious");
});

test("an object with a state gets no items where that holds something to call, however deep", async () => {
  // pandas 2.3.3 called it: `DataFrame.__setitem__` asks its columns for `get_loc`.
  const held = (name: string, value: string | Uint8Array) =>
    bytes("cargparse\nNamespace\n)\x81}", str(name), value, "sb");
  const frame = (value: string | Uint8Array) =>
    bytes(
      "cpandas.core.frame\nDataFrame\n)\x81}",
      str("_mgr"),
      held("axes", held("get_loc", value)),
      "sb",
    );
  assert.equal(await verdict(frame(MODEL), CONFIGURED, "K\x01s"), "suspicious");
  assert.equal(await verdict(frame("K\x01"), CONFIGURED, "K\x01s"), "clean");
  assert.equal(await verdict(frame(MODEL)), "clean");
  // Hashed and compared as a key.
  assert.equal(await verdict("}", frame(MODEL), "K\x01s"), "suspicious");
  assert.equal(await verdict("}", frame("K\x01"), "K\x01s"), "clean");
});

test("a state that calls may have changed is not what was put into it", async () => {
  const state = (name: string, ...args: readonly (string | Uint8Array)[]) =>
    bytes(
      `}p1\n0cbuiltins\ngetattr\n(g1\nV${name}\ntR(`,
      ...args,
      "tR0cargparse\nNamespace\n)\x81g1\nb",
    );
  assert.equal(await verdict(state("setdefault", "Vappend\n", MODEL)), "suspicious");
  assert.equal(await verdict(state("get", "Vappend\n")), "clean");
  // The same of keywords: a class is restored without its arguments where there are none.
  const keywords = (change: string) => bytes(`}p1\n0${change}0cargparse\nNamespace\n)g1\n\x92`);
  const changed = new TextDecoder("latin1").decode(
    bytes("cbuiltins\ngetattr\n(g1\nVsetdefault\ntR(Vappend\n", MODEL, "tR"),
  );
  assert.equal(await verdict(keywords(changed)), "suspicious");
  assert.equal(await verdict(keywords("N")), "clean");
});

test("what makes attributes of its arguments is given nothing to call under a method's name", async () => {
  // transformers 5.24.0 ran it: the pairs of the only field become attributes, and OrderedDict calls keys.
  const output = (...args: readonly (string | Uint8Array)[]) =>
    bytes("ctransformers.modeling_outputs\nBaseModelOutput\n(", ...args, "tR");
  const pairs = (name: string, value: string | Uint8Array) => bytes("](", str(name), value, "ta");
  const dictionary = (value: Uint8Array) => bytes("ccollections\nOrderedDict\n(", value, "tR");
  assert.equal(await verdict(dictionary(output(pairs("keys", PARTIAL)))), "suspicious");
  const model = bytes("cfunctools\npartial\n(", MODEL, str("a"), "tR");
  assert.equal(
    await verdict(output(pairs("__setstate__", model)), CONFIGURED, "b"),
    "suspicious",
  );
  assert.equal(await verdict(output("}", str("__setstate__"), PARTIAL, "s")), "suspicious");
  assert.equal(await verdict(output(pairs("logits", "K\x01"))), "clean");
  assert.equal(await verdict(output("K\x01N")), "clean");
  assert.equal(await verdict(output("NN"), "}", str("loss"), "Nsb"), "clean");
  // By way of keyword arguments, too.
  const keywords = bytes("}", str("last_hidden_state"), pairs("keys", PARTIAL), "s");
  const partial = bytes(
    "cfunctools\npartial\n(ctransformers.modeling_outputs\nBaseModelOutput\ntR",
    "(ctransformers.modeling_outputs\nBaseModelOutput\n)",
    keywords,
    "Ntb)R",
  );
  assert.equal(await verdict(dictionary(partial)), "suspicious");
});
