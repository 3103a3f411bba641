/**
 * Arrays of joblib before what matters: opcodes that lie behind bytes which joblib's unpickler reads
 * (`joblib/numpy_pickle.py`, NumpyArrayWrapper.read_array). Every form decides anew how many bytes.
 *
 * @module
 */

import { join } from "../bytes.ts";
import type { Dice } from "../dice.ts";
import { call, dict, exactText, get, global, int, list, method, put, tuple } from "./emit.ts";
import { freeIndex, withIndices } from "./memo.ts";
import * as codes from "./program.ts";
import { edited, type Op, op, steps } from "./program.ts";
import type { Transformation } from "./transformation.ts";

type Ops = readonly Op[];

/** What changes about a wrapper. */
interface Form {
  readonly id: string;
  /** The dtype's flags, where they are other than 0. */
  readonly flags?: (dice: Dice) => Ops;
  readonly key?: (name: string, dice: Dice) => Ops;
  readonly wrapper?: (wrapper: Ops, dice: Dice) => Ops;
  /** What is put around the state. */
  readonly state?: (state: Ops, dice: Dice) => Ops;
  /** A second BUILD with another shape, or with all but the alignment. */
  readonly again?: boolean;
  /** The array lies anywhere between the opcodes, which may take what is below it. */
  readonly amid?: boolean;
  readonly frames?: boolean;
  /** The wrapper is made by its constructor. */
  readonly called?: boolean;
  readonly length?: (count: number, dice: Dice) => Ops;
}

const plainKey = (name: string, dice: Dice): Ops => [exactText(name, dice)];
/** 2**64: numpy keeps the low 64 bits, no flag. */
const LONG_NONE = Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 0, 1);

/** A number as a call gives it: with a value for where there is no such attribute, it is not known which. */
function unknownInt(value: number, dice: Dice): Ops {
  return call(global("builtins", "getattr", dice), [
    call(global("types", "SimpleNamespace", dice), [], dice),
    [exactText("x", dice)],
    [int(value, dice)],
  ], dice);
}

const FORMS: readonly Form[] = [
  { id: "joblib-array" },
  { id: "joblib-flags", flags: () => [op(0x8a, LONG_NONE)] },
  {
    id: "joblib-flags-call",
    flags: (dice) => call(global("operator", "add", dice), [[int(0, dice)], [int(0, dice)]], dice),
  },
  {
    id: "joblib-keys",
    key: (name, dice) => call(global("numpy", "str_", dice), [[exactText(name, dice)]], dice),
  },
  {
    id: "joblib-keys-fold",
    key: (name, dice) =>
      call(
        global("operator", "add", dice),
        [[exactText(name.slice(0, 1), dice)], [exactText(name.slice(1), dice)]],
        dice,
      ),
  },
  {
    id: "joblib-identity",
    wrapper: (wrapper, dice) => call(global("numpy", "object_", dice), [wrapper], dice),
  },
  {
    id: "joblib-held",
    wrapper: (wrapper, dice) =>
      call(global("builtins", "getattr", dice), [
        call(global("types", "SimpleNamespace", dice), [], dice),
        [exactText("x", dice)],
        wrapper,
      ], dice),
  },
  {
    id: "joblib-popped",
    wrapper: (wrapper, dice) =>
      call(method(list([[op(codes.NONE)], wrapper], dice), "pop", dice), [], dice),
  },
  {
    id: "joblib-partial",
    called: true,
    wrapper: (_, dice) =>
      call(
        call(
          global("functools", "partial", dice),
          [
            global("joblib.numpy_pickle", "NumpyArrayWrapper", dice),
            ...[1, 2].map(() => [op(codes.NONE)]),
          ],
          dice,
        ),
        [[op(codes.NONE)], [op(codes.NONE)]],
        dice,
      ),
  },
  {
    id: "joblib-slots",
    state: (state, dice) => tuple([[op(codes.NONE)], state], dice),
  },
  {
    id: "joblib-class-set",
    wrapper: (_, dice) => call(global("argparse", "Namespace", dice), [], dice),
    state: (state, dice) =>
      tuple([
        state,
        dict([[
          [exactText("__class__", dice)],
          global("joblib.numpy_pickle", "NumpyArrayWrapper", dice),
        ]], dice),
      ], dice),
  },
  { id: "joblib-again", again: true },
  {
    // A function of numpy's that gives what it is given, with arguments that are not known.
    id: "joblib-arguments",
    wrapper: (wrapper, dice) => [
      ...global("numpy", "object_", dice),
      ...call(global("builtins", "getattr", dice), [
        call(global("types", "SimpleNamespace", dice), [], dice),
        [exactText("x", dice)],
        tuple([wrapper], dice),
      ], dice),
      op(codes.REDUCE),
    ],
  },
  {
    id: "joblib-amid",
    amid: true,
    length: unknownInt,
  },
  { id: "joblib-length-unknown", length: unknownInt },
  { id: "joblib-frame", frames: true },
  {
    id: "joblib-length-call",
    length: (count, dice) =>
      call(global("operator", "add", dice), [[int(count - 1, dice)], [int(1, dice)]], dice),
  },
];

/** BINBYTES and its length, which is filled in when the file is written. */
const SWALLOW = [0x42, 0, 0, 0, 0];
/** An import from which opcodes lead on, that a search for some comes to first. */
const DECOY = join("ccollections\nOrderedDict\n0");

/**
 * Bytes of an array, padding before them included, as opcodes: whoever takes them for such, from the first or from
 * any later one, gets to one that has all that follows the array as its argument.
 */
function sled(length: number, dice: Dice): Op {
  const arg = new Uint8Array(length).fill(codes.NONE);
  const room = length - SWALLOW.length - DECOY.length;
  if (room > 0 && dice.chance(1, 3)) arg.set(DECOY, 1 + dice.below(room));
  arg.set(SWALLOW, length - SWALLOW.length);
  return { code: codes.RAW, arg, swallows: true };
}

/** Bytes of an array that look like opcodes. */
function data(length: number, dice: Dice): Uint8Array {
  const pattern = dice.pick([[0], [0x4e], [0x4e, 0x2e], [0x2e], [0x42, 0xff, 0xff, 0, 0], [
    0x29,
    0x30,
  ]]);
  return Uint8Array.from({ length }, (_, at) => pattern[at % pattern.length] ?? 0);
}

function dtype(form: Form, dice: Dice): Ops {
  const flags = form.flags?.(dice) ?? [int(0, dice)];
  const minus = op(0x4a, Uint8Array.of(255, 255, 255, 255));
  return [
    ...call(
      global("numpy", "dtype", dice),
      [[exactText("u1", dice)], [op(codes.NEWFALSE)], [op(codes.NEWTRUE)]],
      dice,
    ),
    ...tuple([
      [int(3, dice)],
      [exactText("|", dice)],
      [op(codes.NONE)],
      [op(codes.NONE)],
      [op(codes.NONE)],
      [minus],
      [minus],
      flags,
    ], dice),
    op(codes.BUILD),
  ];
}

function array(form: Form, index: number, dice: Dice): Ops {
  const key = form.key ?? plainKey;
  const size = (count: number): Ops => form.length?.(count, dice) ?? [int(count, dice)];
  const count = 3 + dice.below(300);
  const wrapper: Ops = [
    ...global("joblib.numpy_pickle", "NumpyArrayWrapper", dice),
    op(codes.EMPTY_TUPLE),
    op(codes.NEWOBJ),
  ];
  // A constructor sets the alignment to 16.
  const aligned = form.called || dice.chance(1, 2);
  const fields: (readonly [string, Ops])[] = [
    ["subclass", global("numpy", "ndarray", dice)],
    ["shape", tuple([size(count)], dice)],
    ["order", [exactText("C", dice)]],
    ["dtype", dtype(form, dice)],
    ["allow_mmap", [op(codes.NEWTRUE)]],
  ];
  if (aligned) fields.push(["numpy_array_alignment_bytes", [int(16, dice)]]);
  const plain = dict(fields.map(([name, value]) => [key(name, dice), value]), dice);
  const state = form.state?.(plain, dice) ?? plain;
  const raw = (length: number): Op => {
    // The first byte of an aligned array counts the padding, as NONE does.
    if (length > SWALLOW.length && dice.chance(1, 2)) {
      return sled(length + (aligned ? 1 + codes.NONE : 0), dice);
    }
    const pad = dice.below(17);
    const head = aligned ? join([pad], new Uint8Array(pad).fill(0xff)) : new Uint8Array();
    return op(codes.RAW, join(head, data(length, dice)));
  };
  const made: Op[] = [
    ...(form.wrapper?.(wrapper, dice) ?? wrapper),
    put(index, dice),
    ...state,
    op(codes.BUILD),
    raw(count),
  ];
  if (form.again) {
    const other = 3 + dice.below(300);
    made.push(
      op(codes.POP),
      get(index, dice),
      ...dict(
        dice.chance(1, 2)
          ? [[[exactText("shape", dice)], tuple([size(other)], dice)]]
          : fields.slice(0, 5).map(([name, value]) => [
            [exactText(name, dice)],
            name === "shape" ? tuple([size(other)], dice) : value,
          ]),
        dice,
      ),
      op(codes.BUILD),
      raw(other),
    );
  }
  return [...made, op(codes.POP)];
}

/** Forms that a real file may have. */
const PLAIN = new Set(["joblib-array"]);

/** An array before everything else; the file is then joblib's. */
export const ARRAYS: readonly Transformation[] = FORMS.map((form) => ({
  id: form.id,
  stage: 0,
  ...(PLAIN.has(form.id) ? {} : { hides: true }),
  apply(draft, dice) {
    const plain = withIndices(draft.ops, dice);
    const index = plain && freeIndex(plain, dice);
    if (plain === undefined || index === undefined || draft.before.length > 0) return undefined;
    const first = plain[0]?.code === codes.PROTO ? 1 : 0;
    const between = steps(plain).flatMap((_, at) =>
      at >= first && plain[at]?.code !== codes.RAW && plain[at - 1]?.code !== codes.BUILD
        ? [at]
        : []
    );
    const start = form.amid && between.length > 0 ? dice.pick(between) : first;
    const frames = form.frames
      ? { kind: dice.pick(["one", "many", "part"] as const), salt: dice.word() }
      : draft.frames;
    return {
      ...draft,
      ops: edited(plain, [{ at: start, insert: array(form, index, dice) }]),
      loader: "joblib",
      frames,
      name: draft.loader === "joblib" ? draft.name : "model.joblib",
    };
  },
}));
