/**
 * Pickle programs from a grammar: every opcode of protocols 0 to 5, with the argument forms that the
 * C unpickler reads and picklers never write, unusual memo indices, wrong frame lengths, several streams.
 * Opcodes and their arguments are those of CPython's `Lib/pickletools.py` and `Modules/_pickle.c`.
 *
 * @module
 */

import fc, { type Arbitrary } from "fast-check";
import { BOUNDARIES, COMMAND, join, little } from "./bytes.ts";
import type { Dice } from "./dice.ts";
import type { Generated } from "./generated.ts";

/** A value that a program makes, and by which of the possible opcodes. */
type Expression =
  | { readonly kind: "atom"; readonly form: number; readonly value: number }
  | { readonly kind: "text"; readonly form: number; readonly text: string }
  | { readonly kind: "global"; readonly form: number; readonly name: number }
  | {
    readonly kind: "call";
    readonly form: number;
    readonly callee: Expression;
    readonly items: readonly Expression[];
  }
  | { readonly kind: "container"; readonly form: number; readonly items: readonly Expression[] }
  | { readonly kind: "build"; readonly target: Expression; readonly state: Expression }
  | {
    readonly kind: "put";
    readonly form: number;
    readonly index: number;
    readonly inner: Expression;
  }
  | { readonly kind: "get"; readonly form: number; readonly index: number }
  | {
    readonly kind: "noise";
    readonly form: number;
    readonly inner: Expression;
    readonly other: Expression;
  }
  | { readonly kind: "nested"; readonly form: number; readonly inner: Expression };

/** Globals that programs name: harmful, harmless, wrappers, loaders, old names, unknown ones. */
const GLOBALS: readonly (readonly [string, string])[] = [
  ["os", "system"],
  ["posix", "system"],
  ["builtins", "eval"],
  ["__builtin__", "eval"],
  ["__builtin__", "apply"],
  ["builtins", "getattr"],
  ["builtins", "__import__"],
  ["builtins", "setattr"],
  ["collections", "OrderedDict"],
  ["copy_reg", "_reconstructor"],
  ["copyreg", "add_extension"],
  ["functools", "partial"],
  ["functools", "reduce"],
  ["operator", "attrgetter"],
  ["operator", "methodcaller"],
  ["_codecs", "encode"],
  ["codecs", "decode"],
  ["base64", "b64decode"],
  ["pickle", "loads"],
  ["numpy.core.multiarray", "_reconstruct"],
  ["numpy", "ndarray"],
  ["joblib.numpy_pickle", "NumpyArrayWrapper"],
  ["torch._utils", "_rebuild_tensor_v2"],
  ["torch", "FloatStorage"],
  ["unheard", "of.that"],
  ["sys", "modules"],
];

const TEXTS = ["os", "system", COMMAND, "", "a", "é", "name with space", "1", "builtins", "eval"];

const { value: EXPRESSION } = fc.letrec<{ value: Expression }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", maxDepth: 6, withCrossShrink: false },
    fc.record({
      kind: fc.constant("atom" as const),
      form: fc.nat(24),
      value: fc.nat(BOUNDARIES.length - 1),
    }),
    fc.record({
      kind: fc.constant("text" as const),
      form: fc.nat(9),
      text: fc.constantFrom(...TEXTS),
    }),
    fc.record({
      kind: fc.constant("global" as const),
      form: fc.nat(4),
      name: fc.nat(GLOBALS.length - 1),
    }),
    fc.record({ kind: fc.constant("get" as const), form: fc.nat(3), index: fc.nat(6) }),
    fc.record({
      kind: fc.constant("call" as const),
      form: fc.nat(5),
      callee: tie("value"),
      items: fc.array(tie("value"), { maxLength: 3 }),
    }),
    fc.record({
      kind: fc.constant("container" as const),
      form: fc.nat(14),
      items: fc.array(tie("value"), { maxLength: 4 }),
    }),
    fc.record({ kind: fc.constant("build" as const), target: tie("value"), state: tie("value") }),
    fc.record({
      kind: fc.constant("put" as const),
      form: fc.nat(5),
      index: fc.nat(6),
      inner: tie("value"),
    }),
    fc.record({
      kind: fc.constant("noise" as const),
      form: fc.nat(14),
      inner: tie("value"),
      other: tie("value"),
    }),
    fc.record({ kind: fc.constant("nested" as const), form: fc.nat(4), inner: tie("value") }),
  ) as Arbitrary<Expression>,
}));

const STREAM = fc.record({
  protocol: fc.constantFrom(undefined, 0, 1, 2, 3, 4, 5, 6, 255),
  frame: fc.constantFrom(undefined, 0, -1, 1, -5, 40, 1 << 20),
  body: fc.array(EXPRESSION, { minLength: 1, maxLength: 4 }),
  end: fc.constantFrom(".", ".", ".", ".", "0.", "", "(.", "2."),
});

const PROGRAM = fc.array(STREAM, { minLength: 1, maxLength: 3 });

/** A text in one of the nine opcodes for texts and bytes. */
function text(form: number, value: string): Uint8Array {
  const bytes = join(value);
  const { length } = bytes;
  switch (form) {
    case 0:
      return join("S'", value, "'\n");
    case 1:
      return join('S"', value, '" \n');
    case 2:
      return join("V", value.replaceAll("é", "\\u00e9"), "\n");
    case 3:
      return join("U", [length], bytes);
    case 4:
      return join("T", little(4, length), bytes);
    case 5:
      return join("X", little(4, length), bytes);
    case 6:
      return join([0x8c, length], bytes);
    case 7:
      return join([0x8d], little(8, length), bytes);
    case 8:
      return join("C", [length], bytes);
    default:
      return join([0x96], little(8, length), bytes);
  }
}

/** Numbers and constants, by the opcodes and the spellings that the C unpickler takes. */
function atom(form: number, value: bigint): Uint8Array {
  const hexadecimal = value.toString(16);
  const spelled: readonly (string | Uint8Array)[] = [
    "N",
    join([0x88]),
    join([0x89]),
    join("K", [Number(value & 0xffn)]),
    join("M", little(2, value)),
    join("J", little(4, value)),
    `I${value}\n`,
    `I0x${hexadecimal}\n`,
    "I00\n",
    "I01\n",
    `I${value}\0zz\n`,
    ` I1\n`.trimStart(),
    `L${value}L\n`,
    `L${value}\n`,
    `L0x${hexadecimal}L\n`,
    join([0x8a, 8], little(8, value)),
    join([0x8b], little(4, 2), little(2, value)),
    `F${value}.5\n`,
    "F1e400\n",
    "F1.0\0x\n",
    join("G", little(8, value)),
    `P${value}\n`,
    join("K", [1], "Q"),
    join([0x97]),
    join([0x82, Number(value & 0xffn)]),
  ];
  return join(spelled[form] ?? "N");
}

function global(form: number, [module, name]: readonly [string, string]): Uint8Array {
  switch (form) {
    case 0:
    case 1:
      return join("c", module, "\n", name, "\n");
    case 2:
      return join(text(6, module), text(6, name), [0x93]);
    case 3:
      return join(text(0, module), text(3, name), [0x93]);
    default:
      return join(text(6, module), [0x94], text(6, name), [0x94, 0x93, 0x94]);
  }
}

const ALL = (items: readonly Expression[]): Uint8Array => join(...items.map(render));

function call(form: number, callee: Expression, items: readonly Expression[]): Uint8Array {
  const tuple = join("(", ALL(items), "t");
  switch (form) {
    case 0:
    case 1:
      return join(render(callee), tuple, "R");
    case 2:
      return join("(", render(callee), ALL(items), "o");
    case 3:
      return join(render(callee), tuple, [0x81]);
    case 4:
      return join(render(callee), tuple, "}", [0x92]);
    default: {
      const [module, name] = GLOBALS[items.length] ?? ["os", "system"];
      return join("(", ALL(items), "i", module, "\n", name, "\n");
    }
  }
}

function container(form: number, items: readonly Expression[]): Uint8Array {
  const [first = { kind: "atom", form: 0, value: 0 } as const] = items;
  const all = ALL(items);
  const even = ALL(items.length % 2 === 0 ? items : items.slice(1));
  const made: readonly Uint8Array[] = [
    join("(", all, "t"),
    join("(", all, "l"),
    join("(", even, "d"),
    join(")"),
    join(render(first), [0x85]),
    join(render(first), render(first), [0x86]),
    join(all, render(first), render(first), render(first), [0x87]),
    join("](", all, "e"),
    join("]", render(first), "a"),
    join("}(", even, "u"),
    join("}", render(first), render(first), "s"),
    join([0x8f], "(", all, [0x90]),
    join("(", all, [0x91]),
    join(render(first), "(", all, "e"),
    join(render(first), "(", all, "u"),
  ];
  return made[form] ?? join("]");
}

function put(form: number, index: number): Uint8Array {
  const forms = [
    `p${index}\n`,
    join("q", [index]),
    join("r", little(4, index)),
    join([0x94]),
    `p0_${index}\n`,
    join("r", little(4, 1 << (index + 10))),
  ];
  return join(forms[form] ?? "");
}

/** Opcodes without effect, or that seem to have none. */
function noise(form: number, inner: Uint8Array, other: Uint8Array): Uint8Array {
  const forms: readonly Uint8Array[] = [
    join(inner, "20"),
    join(other, "0", inner),
    join("(", other, "1", inner),
    join("(0", inner),
    join(inner, [0x80, 4]),
    join([0x95], little(8, inner.length), inner),
    join([0x95], little(8, inner.length + 3), inner),
    join([0x95], little(8, Math.max(0, inner.length - 2)), inner),
    join([0x95], little(8, 0), inner),
    join(inner, [0x98]),
    join("(", inner),
    join(inner, "(e"),
    join(inner, other),
    join(other, "q\0", inner, "q\x01h\0h\x010"),
    join("(", inner, other, "t0", inner),
  ];
  return forms[form] ?? inner;
}

function nested(form: number, inner: Uint8Array): Uint8Array {
  const program = join([0x80, 4], inner, ".");
  const base64 = btoa(String.fromCharCode(...program));
  const loads = join("cpickle\nloads\n");
  const bytes = join("B", little(4, program.length), program);
  const encoded = join("X", little(4, base64.length), base64);
  const forms: readonly Uint8Array[] = [
    bytes,
    join(loads, bytes, [0x85], "R"),
    encoded,
    join(loads, "cbase64\nb64decode\n", encoded, [0x85], "R", [0x85], "R"),
    join("c_pickle\nloads\n", bytes, [0x85], "R"),
  ];
  return forms[form] ?? bytes;
}

function render(value: Expression): Uint8Array {
  switch (value.kind) {
    case "atom":
      return atom(value.form, BOUNDARIES[value.value] ?? 0n);
    case "text":
      return text(value.form, value.text);
    case "global":
      return global(value.form, GLOBALS[value.name] ?? ["os", "system"]);
    case "get":
      return join(
        [
          `g${value.index}\n`,
          join("h", [value.index]),
          join("j", little(4, value.index)),
          join("g0x1\n"),
        ][value.form] ?? "N",
      );
    case "call":
      return call(value.form, value.callee, value.items);
    case "container":
      return container(value.form, value.items);
    case "build":
      return join(render(value.target), render(value.state), "b");
    case "put":
      return join(render(value.inner), put(value.form, value.index));
    case "noise":
      return noise(value.form, render(value.inner), render(value.other));
    case "nested":
      return nested(value.form, render(value.inner));
  }
}

/** A file of one to three streams. */
export function pickleProgram(dice: Dice): Generated {
  const streams = dice.sample(PROGRAM).map(({ protocol, frame, body, end }) => {
    const rest = join(...body.map(render), end);
    const header = protocol === undefined ? [] : [0x80, protocol];
    const framed = frame === undefined
      ? []
      : join([0x95], little(8, Math.max(0, rest.length + frame)));
    return join(header, framed, rest);
  });
  return { name: dice.pick(["model.pkl", "model.pkl", "model.bin"]), bytes: join(...streams) };
}

const OPCODES =
  "(.012FIJKLMNPQRSTUVXabc}degthijlopqrsu)]GBC\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96\x97\x98";

/** Opcodes one after the other, hardly any of which make sense, behind a few values. */
export function opcodeSoup(dice: Dice): Generated {
  const pieces: Uint8Array[] = [dice.chance(1, 2) ? join([0x80, dice.below(6)]) : join("")];
  for (let at = 0; at < 6; at++) {
    pieces.push(global(0, dice.pick(GLOBALS)), text(6, "a"), join(")"));
  }
  const length = 1 + dice.below(40);
  for (let at = 0; at < length; at++) {
    const code = OPCODES.charCodeAt(dice.below(OPCODES.length));
    pieces.push(
      Uint8Array.of(code),
      dice.chance(1, 3) ? dice.bytes(dice.below(5)) : new Uint8Array(),
    );
    if (dice.chance(1, 4)) pieces.push(global(dice.below(3), dice.pick(GLOBALS)));
  }
  return { name: "model.pkl", bytes: join(...pieces, ".") };
}
