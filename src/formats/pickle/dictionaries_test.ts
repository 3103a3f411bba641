import assert from "node:assert/strict";
import { test } from "node:test";
import type { Limits } from "../../core/types.ts";
import { LARGE_INPUT } from "../../parsers/testing/sweep.ts";
import { loadRules } from "../../rules/rules.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { streamSource } from "../../sources/forward.ts";
import { bytesSource } from "../../sources/memory.ts";

const rules = loadRules({ strict: true });

type Plain = string | boolean | number | { readonly [key: string]: Plain } | readonly Plain[];

/** Opcodes of protocol 0 for a value, dictionaries by a callable where one is named. */
function opcodes(value: Plain, factory: string): string {
  if (typeof value === "boolean") return value ? "I01\n" : "I00\n";
  if (typeof value === "number") return `I${value}\n`;
  if (typeof value === "string") return `V${value.replaceAll("\n", "\\u000a")}\n`;
  if (value instanceof Array) return `(${value.map((it) => opcodes(it, factory)).join("")}l`;
  const pairs = Object.entries(value)
    .map(([key, each]) => opcodes(key, factory) + opcodes(each, factory)).join("");
  return factory === "" ? `(${pairs}d` : `${factory}(t\x52(${pairs}u`;
}

async function verdict(value: Plain, factory = ""): Promise<string> {
  const pickle = new TextEncoder().encode(`${opcodes(value, factory)}.`);
  const report = await scanSource(bytesSource("m.ckpt", pickle), { rules });
  return report.verdict;
}

const ORDERED = "ccollections\nOrderedDict\n";

test("dictionaries of a checkpoint are read as the configurations that loaders take them for", async () => {
  for (const factory of ["", ORDERED]) {
    const cases: readonly (readonly [Plain, string])[] = [
      [{ hparams: { model: { _component_: "os.system", command: "echo x" } } }, "dangerous"],
      [{ a: [{ b: { _target_: "subprocess.Popen" } }] }, "dangerous"],
      [{ hparams: { m: { _target_: "${x.y}" }, x: { y: "os.system" } } }, "suspicious"],
      [{ cmd: "os.system" }, "suspicious"],
      [{ args: { trust_remote_code: 1 } }, "suspicious"],
      [
        { message_hub: { runtime_info: { cfg: "import os\nos.system('echo x')\nmodel = 1\n" } } },
        "dangerous",
      ],
      [{ message_hub: { runtime_info: { cfg: "model = dict(type='X')\n" } } }, "clean"],
      [{ hparams: { m: { _target_: "torch.nn.Linear" }, trust_remote_code: false } }, "clean"],
      [{ note: "os.path.join is called", path: "a/b.c" }, "clean"],
    ];
    for (const [value, expected] of cases) {
      assert.equal(await verdict(value, factory), expected, JSON.stringify(value) + factory);
    }
  }
});

test("a container that holds itself is read to its end", async () => {
  const cycle = "(dp0\nV_target_\ng0\ns.";
  const report = await scanSource(bytesSource("m.ckpt", new TextEncoder().encode(cycle)), {
    rules,
  });
  assert.notEqual(report.verdict, "dangerous");
});

test("containers that are shared over and over end in a budget", LARGE_INPUT, async () => {
  // Thirty lists, each of which holds the one before twice: a thousand million ways to the first.
  let bomb = "(V_target_\nVos.x\nlp0\n";
  for (let at = 1; at < 30; at++) bomb += `(g${at - 1}\ng${at - 1}\nlp${at}\n`;
  const bytes = new TextEncoder().encode(`(Va\ng29\nd.`.replace("(Va\n", `${bomb}0(Va\n`));
  const { verdict } = await scanSource(bytesSource("b.ckpt", bytes), { rules });
  assert.notEqual(verdict, "clean");
});

/** BINUNICODE of a text. */
function long(text: string): Uint8Array {
  const encoded = new TextEncoder().encode(text);
  const opcode = new Uint8Array(5 + encoded.length);
  opcode[0] = 0x58;
  new DataView(opcode.buffer).setUint32(1, encoded.length, true);
  opcode.set(encoded, 5);
  return opcode;
}

function joined(...parts: readonly (string | Uint8Array)[]): Uint8Array {
  const arrays = parts.map((part) =>
    typeof part === "string" ? new TextEncoder().encode(part) : part
  );
  const out = new Uint8Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    out.set(array, at);
    at += array.length;
  }
  return out;
}

test("names for loaders are found behind any number of bytes, in long texts and in escapes", async () => {
  const filler = long("x".repeat(9 * 1024 * 1024));
  const code = `import os\n${"# filler\n".repeat(4000)}os.system('echo x')\n`;
  const cases: readonly (readonly [Uint8Array, string])[] = [
    [joined("(Vw\n", filler, "Vm\n(V_target_\nVsubprocess.Popen\ndd."), "dangerous"],
    [joined("(Vw\n", filler, "Vm\n(V_target_\nVmodel.layers.Linear\ndd."), "clean"],
    [joined("(Vmeta\n(Vconfig\n", long(code), "dd."), "dangerous"],
    [joined("(Vm\n(V\\u005ftarget_\nVsubprocess.Popen\ndd."), "dangerous"],
    [joined("(S'm'\n(S'\\x5ftarget_'\nS'subprocess.\\x50open'\ndd."), "dangerous"],
    // A module that no key is needed for.
    [joined("(Vcmd\nVpip.main\nd."), "suspicious"],
  ];
  for (const [index, [pickle, wanted]] of cases.entries()) {
    const random = await scanSource(bytesSource("m.ckpt", pickle), { rules });
    const said = wanted === "clean" ? [random.verdict !== "dangerous", true] : [
      random.verdict,
      wanted,
    ];
    assert.equal(said[0], said[1], `${index}: ${random.verdict}`);
  }
});

test("dictionaries of a stream that can be read only once are read, or the stream is incomplete", async () => {
  const padding = long("x".repeat(6 * 1024 * 1024));
  const pickle = joined("(Vm\n(V_component_\nVos.system\ndVw\n", padding, "d.");
  const verdictOf = async (limits: Partial<Limits>): Promise<string> => {
    const source = streamSource("m.pkl", new Blob([pickle as Uint8Array<ArrayBuffer>]).stream());
    return (await scanSource(source, { rules, limits })).verdict;
  };
  assert.equal(await verdictOf({}), "dangerous");
  assert.equal(await verdictOf({ spoolBytes: 1024 }), "incomplete");
});

test("more values than are written out leave the pickle incomplete only where they name code", async () => {
  const many = "(lp0\n" + "I1\na".repeat(300_001);
  const harmless = await scanSource(
    bytesSource("m.pkl", joined(`(Vm\n${many}d.`)),
    { rules },
  );
  assert.equal(harmless.verdict, "clean");
  const named = await scanSource(
    bytesSource("m.pkl", joined(`(Vm\n${many}Vn\n(V_target_\nVos.system\ndd.`)),
    { rules },
  );
  assert.notEqual(named.verdict, "clean");
});

/** A call in protocol 0, by opcodes. */
function call(module: string, name: string, ...args: readonly string[]): string {
  return `c${module}\n${name}\n(${args.join("")}tR`;
}

async function verdictOfText(text: string): Promise<string> {
  const bytes = Uint8Array.from(text, (each) => each.charCodeAt(0));
  return (await scanSource(bytesSource("m.ckpt", bytes), { rules })).verdict;
}

/** As many other keys, and a name of code. */
const TARGET = "V_target_\nVos.system\n";
const others = (count: number): string =>
  Array.from({ length: count }, (_, at) => `Vk${at}\nI1\n`).join("");

test("hyper-parameters are looked into beyond the first, in dictionaries of any class", async () => {
  const ordered = `${ORDERED.trim()}\n)R`;
  const files: Record<string, string> = {
    "behind a thousand others": `(${others(1001)}Vhyper_parameters\n(${TARGET}dd.`,
    "behind a thousand in them": `(Vhyper_parameters\n(${others(1001)}${TARGET}dd.`,
    "behind thousands of containers": `(Vhyper_parameters\n(Vm\n(${TARGET}dVl\n(${
      "(Va\nI1\nd".repeat(2100)
    }ldd.`,
    "in an ordered dictionary": `${ordered}(Vhyper_parameters\n(${TARGET}du.`,
    "ordered themselves": `(Vhyper_parameters\n${ordered}(${TARGET}ud.`,
    "behind what one object shows of its items": `(Vx\n${ordered}(${others(200)}${TARGET}ud.`,
    "behind as many objects as are told apart": `(Vl\n(${
      ordered.repeat(257)
    }lVx\n${ordered}(${TARGET}ud.`,
    "made of a list of pairs": `(Vx\n${call("builtins", "dict", `((${TARGET}tl`)}d.`,
    "given to a dictionary with a default": `(Vx\n${
      call("collections", "defaultdict", "cbuiltins\nlist\n", `(${TARGET}d`)
    }d.`,
  };
  for (const [name, file] of Object.entries(files)) {
    assert.equal(await verdictOfText(file), "dangerous", name);
  }
});

test("what calls put into a dictionary leaves the pickle incomplete where it may name code", async () => {
  const method = (name: string, args: string) =>
    `}p1\n0${call("builtins", "getattr", "g1\n", `V${name}\n`)}(${args}tR0(Vx\ng1\nd.`;
  for (const file of [method("update", `(${TARGET}d`), method("setdefault", TARGET)]) {
    assert.equal(await verdictOfText(file), "incomplete");
  }
  assert.equal(await verdictOfText(method("update", "(Vlr\nVconstant\nd")), "clean");
});

/** A text as numpy's scalar of UTF-32, which is a str. */
function scalar(text: string, code = `U${text.length}`): string {
  const data = [...text].map((each) => `${each}\0\0\0`).join("");
  const dtype = call("numpy", "dtype", `V${code}\n`, "I00\n", "I01\n");
  return call(
    "numpy._core.multiarray",
    "scalar",
    dtype,
    `C${String.fromCharCode(data.length)}${data}`,
  );
}

test("a key that is no literal is each text that it may be", async () => {
  const under = (key: string, value: string) => verdictOfText(`(Vx\n(${key}${value}dd.`);
  assert.equal(await under(scalar("_target_"), "Vos.system\n"), "dangerous");
  assert.equal(await under(scalar("_target_"), "Vacme.evil\n"), "suspicious");
  assert.equal(await under(scalar("trust_remote_code"), "I01\n"), "suspicious");
  // Texts that no loader looks for, numbers, and bytes, which are no text.
  assert.equal(await under(scalar("learning_rate"), "Vacme.evil\n"), "clean");
  assert.equal(await under(scalar("_target_", "i8"), "Vacme.evil\n"), "clean");
  assert.equal(await under(scalar("_target_", "S8"), "Vacme.evil\n"), "clean");
  assert.equal(await under("C\x08_target_", "Vacme.evil\n"), "clean");
  // An object is what it is given, and of some calls nothing is known.
  assert.equal(await under(scalar("_target_", "O"), "Vos.system\n"), "dangerous");
  assert.equal(await under(call("acme", "key"), "Vos.system\n"), "dangerous");
  const ordered = `${ORDERED.trim()}\n)R`;
  const file = `(Vx\n${ordered}${scalar("_target_")}Vacme.evil\nsd.`;
  assert.equal(await verdictOfText(file), "suspicious");
});

test("a key that is not known, of what changes later, leaves a pickle complete that names no code", async () => {
  const frame = "cpandas.core.series\nSeries\n)\x81}(Va\nI1\nubcacme\nModel\nI1\ns.";
  assert.equal(await verdictOfText(frame), "suspicious");
});

test("a key that calls make is one in a later stream, too", async () => {
  const key = call("builtins", "str", "V_target_\n");
  const second = await scanSource(
    bytesSource("m.pkl", new TextEncoder().encode(`N.(Vx\n(${key}Vacme.evil\ndd.`)),
    { rules },
  );
  assert.ok(JSON.stringify(second.findings).includes("acme.evil"), second.verdict);
});
