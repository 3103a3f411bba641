/**
 * Transformations of calls: the same function is called with the same arguments by way of another.
 *
 * @module
 */

import type { Dice } from "../dice.ts";
import { call, dict, exactText, global, int, list, method, tuple } from "./emit.ts";
import { withoutUnused } from "./memo.ts";
import * as codes from "./program.ts";
import { edited, type Op, op, type Step, steps } from "./program.ts";
import { hiding, ofOps, type Transformation } from "./transformation.ts";

type Ops = readonly Op[];

const CALLABLES: Readonly<Record<string, (callee: Ops, dice: Dice) => Ops>> = {
  "callee-partial": (callee, dice) => call(global("functools", "partial", dice), [callee], dice),
  // A state in place of arguments: partial.__setstate__ takes function, arguments, keywords, attributes.
  "callee-partial-state": (callee, dice) => [
    ...call(global("functools", "partial", dice), [global("builtins", "str", dice)], dice),
    ...tuple([callee, [op(codes.EMPTY_TUPLE)], [op(codes.EMPTY_DICT)], [op(codes.NONE)]], dice),
    op(codes.BUILD),
  ],
  "callee-partial-newobj": (callee, dice) => [
    ...global("functools", "partial", dice),
    ...tuple([callee], dice),
    op(codes.NEWOBJ),
  ],
  "callee-partial-newobj-ex": (callee, dice) => [
    ...global("functools", "partial", dice),
    ...tuple([callee], dice),
    op(codes.EMPTY_DICT),
    op(codes.NEWOBJ_EX),
  ],
  "callee-newobj-ex-function": (callee, dice) =>
    call(
      global("copyreg", "__newobj_ex__", dice),
      [global("functools", "partial", dice), tuple([callee], dice), [op(codes.EMPTY_DICT)]],
      dice,
    ),
  "callee-partial-call": (callee, dice) =>
    call(global("functools", "partial", dice), [global("operator", "call", dice), callee], dice),
  "callee-getattr": (callee, dice) =>
    call(global("builtins", "getattr", dice), [callee, [exactText("__call__", dice)]], dice),
  "callee-attrgetter": (callee, dice) =>
    call(
      call(global("operator", "attrgetter", dice), [[exactText("__call__", dice)]], dice),
      [callee],
      dice,
    ),
  "callee-staticmethod": (callee, dice) =>
    call(global("builtins", "staticmethod", dice), [callee], dice),
  "callee-partial-partial": (callee, dice) =>
    call(
      call(global("functools", "partial", dice), [global("functools", "partial", dice)], dice),
      [callee],
      dice,
    ),
};

/** Functions that give back what they are given, or what is inside. */
const IDENTITIES: Readonly<Record<string, (value: Ops, dice: Dice) => Ops>> = {
  "identity-numpy-object": (value, dice) => call(global("numpy", "object_", dice), [value], dice),
  "identity-cast": (value, dice) =>
    call(global("typing", "cast", dice), [[op(codes.NONE)], value], dice),
  "identity-copy": (value, dice) => call(global("copy", "copy", dice), [value], dice),
  "identity-max": (value, dice) =>
    call(global("builtins", "max", dice), [list([value], dice)], dice),
  "identity-next": (value, dice) =>
    call(
      global("builtins", "next", dice),
      [call(global("builtins", "iter", dice), [list([value], dice)], dice)],
      dice,
    ),
  "identity-reduce": (value, dice) =>
    call(
      global("functools", "reduce", dice),
      [global("builtins", "str", dice), list([value], dice)],
      dice,
    ),
  "identity-getitem": (value, dice) =>
    call(
      global("operator", "getitem", dice),
      [list([[op(codes.NONE)], value], dice), [int(1, dice)]],
      dice,
    ),
  "identity-itemgetter": (value, dice) =>
    call(
      call(global("operator", "itemgetter", dice), [[int(0, dice)]], dice),
      [tuple([value], dice)],
      dice,
    ),
  "identity-namespace": (value, dice) =>
    call(global("builtins", "getattr", dice), [
      [
        ...call(global("types", "SimpleNamespace", dice), [], dice),
        ...dict([[[exactText("held", dice)], value]], dice),
        op(codes.BUILD),
      ],
      [exactText("held", dice)],
    ], dice),
  "identity-getattr-default": (value, dice) =>
    call(global("builtins", "getattr", dice), [
      call(global("types", "SimpleNamespace", dice), [], dice),
      [exactText("none", dice)],
      value,
    ], dice),
  "identity-ordereddict": (value, dice) =>
    call(global("operator", "getitem", dice), [
      [
        ...call(global("collections", "OrderedDict", dice), [], dice),
        exactText("k", dice),
        ...value,
        op(codes.SETITEM),
      ],
      [exactText("k", dice)],
    ], dice),
};

/** Values that containers hand out once something has changed them in place, or at their end. */
const CHANGED: Readonly<Record<string, (value: Ops, dice: Dice) => Ops>> = {
  "identity-list-set": (value, dice) =>
    call(global("operator", "getitem", dice), [
      [...list([[op(codes.NONE)]], dice), int(0, dice), ...value, op(codes.SETITEM)],
      [int(0, dice)],
    ], dice),
  "identity-list-pop": (value, dice) =>
    call(method(list([[op(codes.NONE)], value], dice), "pop", dice), [], dice),
  "identity-dict-get": (value, dice) =>
    call(method([op(codes.EMPTY_DICT)], "get", dice), [[exactText("k", dice)], value], dice),
  "identity-dict-setdefault": (value, dice) =>
    call(method([op(codes.EMPTY_DICT)], "setdefault", dice), [[exactText("k", dice)], value], dice),
  "identity-chain-map": (value, dice) =>
    call(
      method(
        call(
          global("collections", "ChainMap", dice),
          [dict([[[exactText("k", dice)], value]], dice)],
          dice,
        ),
        "get",
        dice,
      ),
      [[exactText("k", dice)]],
      dice,
    ),
  "identity-next-end": (value, dice) =>
    call(global("builtins", "next", dice), [
      call(global("builtins", "iter", dice), [[op(codes.EMPTY_LIST)]], dice),
      value,
    ], dice),
  "identity-filter": (value, dice) =>
    call(global("builtins", "next", dice), [
      call(global("builtins", "filter", dice), [[op(codes.NONE)], list([value], dice)], dice),
    ], dice),
  "identity-map-long": (value, dice) => {
    const before = 16 + dice.below(8);
    const items = [...Array.from({ length: before }, () => [op(codes.NONE)]), value];
    // Counted from the end, what is not followed is where something else would be.
    const last = [op(0x4a, Uint8Array.of(255, 255, 255, 255))];
    return call(global("operator", "getitem", dice), [
      call(global("builtins", "list", dice), [
        call(
          global("builtins", "map", dice),
          [global("copy", "copy", dice), list(items, dice)],
          dice,
        ),
      ], dice),
      dice.chance(1, 2) ? last : [int(before, dice)],
    ], dice);
  },
};

/** Calls with the arguments known. */
type Way = (callee: Ops, args: readonly Ops[], dice: Dice) => Ops | undefined;
const CALLS: Readonly<Record<string, Way>> = {
  "call-partial": (callee, args, dice) =>
    call(call(global("functools", "partial", dice), [callee, ...args], dice), [], dice),
  "call-methodcaller": (callee, args, dice) =>
    call(
      call(
        global("operator", "methodcaller", dice),
        [[exactText("__call__", dice)], ...args],
        dice,
      ),
      [callee],
      dice,
    ),
  "call-map-list": (callee, args, dice) => {
    if (args.length === 0) return undefined;
    const lists = args.map((each) => list([each], dice));
    return call(global("builtins", "list", dice), [
      call(global("builtins", "map", dice), [callee, ...lists], dice),
    ], dice);
  },
  "call-map-deque": (callee, args, dice) => {
    if (args.length === 0) return undefined;
    const lists = args.map((each) => list([each], dice));
    return call(global("collections", "deque", dice), [
      call(global("builtins", "map", dice), [callee, ...lists], dice),
    ], dice);
  },
  "call-starmap": (callee, args, dice) =>
    call(global("builtins", "list", dice), [
      call(
        global("itertools", "starmap", dice),
        [callee, list([tuple(args, dice)], dice)],
        dice,
      ),
    ], dice),
  "call-filter": (callee, args, dice) =>
    args.length === 1
      ? call(global("builtins", "list", dice), [
        call(global("builtins", "filter", dice), [callee, list([...args], dice)], dice),
      ], dice)
      : undefined,
  "call-reduce": (callee, args, dice) =>
    args.length === 2
      ? call(global("functools", "reduce", dice), [callee, list([...args], dice)], dice)
      : undefined,
  "call-operator": (callee, args, dice) =>
    call(global("operator", "call", dice), [callee, ...args], dice),
  "call-method-type": (callee, [first, ...rest], dice) =>
    first === undefined
      ? undefined
      : call(call(global("types", "MethodType", dice), [callee, first], dice), rest, dice),
  "call-partial-partial": (callee, args, dice) =>
    call(
      call(
        global("functools", "partial", dice),
        [global("functools", "partial", dice), callee],
        dice,
      ),
      args,
      dice,
    ).concat([op(codes.EMPTY_TUPLE), op(codes.REDUCE)]),
  // The items of a list that BUILD does not touch: APPENDS of a map.
  "call-map-next": (callee, args, dice) =>
    args.length === 0 ? undefined : call(global("builtins", "next", dice), [
      call(
        global("builtins", "map", dice),
        [callee, ...args.map((each) => tuple([each], dice))],
        dice,
      ),
    ], dice),
  "call-map-any": (callee, args, dice) =>
    args.length === 0 ? undefined : call(global("builtins", "any", dice), [
      call(
        global("builtins", "map", dice),
        [callee, ...args.map((each) => tuple([each], dice))],
        dice,
      ),
    ], dice),
  // A missing key calls the factory.
  "call-defaultdict": (callee, args, dice) =>
    call(global("operator", "getitem", dice), [
      call(global("collections", "defaultdict", dice), [
        call(global("functools", "partial", dice), [callee, ...args], dice),
      ], dice),
      [int(3, dice)],
    ], dice),
};

/** REDUCE of a callee and arguments, with where both lie. */
interface Called {
  readonly at: number;
  readonly callee: number;
  readonly args: number;
}

function reduces(ops: Ops, run: readonly Step[]): readonly Called[] {
  return run.flatMap(({ operands: [callee, args] }, at) =>
    ops[at]?.code === codes.REDUCE && callee !== undefined && args !== undefined
      ? [{ at, callee, args }]
      : []
  );
}

/** Puts a function of functions around the callee of one REDUCE. */
function callees(way: (callee: Ops, dice: Dice) => Ops): (ops: Ops, dice: Dice) => Ops | undefined {
  return (ops, dice) => {
    const found = reduces(ops, steps(ops));
    if (found.length === 0) return undefined;
    const { callee, args } = dice.pick(found);
    const insert = way(ops.slice(callee, args), dice);
    return edited(ops, [{ at: callee, remove: args - callee, insert }]);
  };
}

/** One REDUCE with a tuple of known items becomes another way of calling. */
function wrapped(memoised: Ops, dice: Dice, way: Way): Ops | undefined {
  const ops = withoutUnused(memoised, dice);
  if (ops === undefined) return undefined;
  const run = steps(ops);
  const found = reduces(ops, run).filter(({ at, args }) => {
    const tuple = ops[at - 1]?.code;
    return (tuple === codes.EMPTY_TUPLE && args === at - 1) ||
      [codes.TUPLE, codes.TUPLE1, codes.TUPLE2, codes.TUPLE3].includes(tuple ?? 0);
  });
  if (found.length === 0) return undefined;
  const { at, callee, args } = dice.pick(found);
  const starts = (run[at - 1]?.operands ?? []).slice(ops[at - 1]?.code === codes.TUPLE ? 1 : 0);
  const items = starts.map((start, index) => ops.slice(start, starts[index + 1] ?? at - 1));
  // A DUP or POP between items belongs to none of them.
  const insert = way(ops.slice(callee, args), items, dice);
  if (insert === undefined) return undefined;
  return edited(ops, [{ at: callee, remove: at + 1 - callee, insert }]);
}

/** Opcodes of bytes. */
const BYTES: readonly number[] = [0x42, 0x43, 0x8e];

/** A global, bytes or the result of a call goes through a function that gives it back. */
function identity(ops: Ops, dice: Dice, way: (value: Ops, dice: Dice) => Ops): Ops | undefined {
  const run = steps(ops);
  const found = run.flatMap(({ operands, value }, at) => {
    const { code } = ops[at] as Op;
    if (code === codes.GLOBAL || BYTES.includes(code)) return [{ from: at, to: at + 1 }];
    const pushed = [codes.STACK_GLOBAL, codes.REDUCE, codes.NEWOBJ].includes(code);
    const [from] = operands;
    return pushed && value && from !== undefined ? [{ from, to: at + 1 }] : [];
  });
  if (found.length === 0) return undefined;
  const { from, to } = dice.pick(found);
  const insert = way(ops.slice(from, to), dice);
  return edited(ops, [{ at: from, remove: to - from, insert }]);
}

const AROUND: Readonly<Record<string, (value: Ops, dice: Dice) => Ops>> = {
  "result-list": (value, dice) => list([value], dice),
  "result-tuple": (value, dice) => tuple([value, [op(codes.NONE)]], dice),
  "result-dict": (value, dice) => dict([[[exactText("model", dice)], value]], dice),
  "result-ordereddict": (value, dice) => [
    ...call(global("collections", "OrderedDict", dice), [], dice),
    exactText("state", dice),
    ...value,
    op(codes.SETITEM),
  ],
  "result-namespace": (value, dice) => [
    ...call(global("types", "SimpleNamespace", dice), [], dice),
    ...dict([[[exactText("model", dice)], value]], dice),
    op(codes.BUILD),
  ],
  "result-deque": (value, dice) => [
    ...call(global("collections", "deque", dice), [], dice),
    op(codes.MARK),
    ...value,
    op(codes.APPENDS),
  ],
  "result-argparse": (value, dice) => [
    ...call(global("argparse", "Namespace", dice), [], dice),
    ...dict([[[exactText("model", dice)], value]], dice),
    op(codes.BUILD),
  ],
};

/** All that the stream makes is put into a container or an attribute. */
function around(ops: Ops, dice: Dice, way: (value: Ops, dice: Dice) => Ops): Ops | undefined {
  if (ops.at(-1)?.code !== codes.STOP) return undefined;
  const start = ops[0]?.code === codes.PROTO ? 1 : 0;
  const made = way(ops.slice(start, -1), dice);
  return [...ops.slice(0, start), ...made, op(codes.STOP)];
}

/** Transformations of calls. */
export const WRAPS: readonly Transformation[] = [
  ...Object.entries(CALLABLES).map(([id, way]) => hiding(ofOps(id, callees(way)))),
  ...Object.entries({ ...IDENTITIES, ...CHANGED }).map(([id, way]) =>
    hiding(ofOps(id, (ops, dice) => identity(ops, dice, way)))
  ),
  ...Object.entries(CALLS).map(([id, way]) =>
    hiding(ofOps(id, (ops, dice) => wrapped(ops, dice, way)))
  ),
  ...Object.entries(AROUND).map(([id, way]) =>
    hiding(ofOps(id, (ops, dice) => around(ops, dice, way)))
  ),
];
