/**
 * Names of the allowlists as wrappers around what is harmful: a call, a callee, a class, a text or an object
 * whose methods are given goes through a function or class that a list says is harmless to call or to
 * restore. Where the loaders still make the same calls, the name passes its arguments on.
 *
 * @module
 */

import type { Dice } from "../dice.ts";
import { call, dict, exactText, global, list, tuple } from "./emit.ts";
import * as codes from "./program.ts";
import { edited, type Op, op, steps } from "./program.ts";
import { hiding, ofOps, type Transformation } from "./transformation.ts";

type Ops = readonly Op[];

/** Module and name of what lists allow to call or to restore. */
export type ListedName = readonly [module: string, name: string];

/** Methods under which a state may hold something to call. */
const HOOKS = [
  ..."__setstate__ __call__ __array__ __index__ __len__ __iter__ __getattr__ __del__ __hash__ __eq__"
    .split(" "),
  ..."append extend add keys items values get pop update copy read detach to astype".split(" "),
];

function none(): Ops {
  return [op(codes.NONE)];
}

/** Arguments of a wrapper with a value in one place of them. */
const SHAPES: readonly ((value: Ops, dice: Dice) => readonly Ops[])[] = [
  (value) => [value],
  (value) => [value, value],
  (value) => [none(), value],
  (value) => [value, none()],
  (value, dice) => [value, tuple([], dice)],
  (value, dice) => [value, dict([], dice)],
  (value, dice) => [list([value], dice)],
  (value, dice) => [tuple([value], dice)],
  (value, dice) => [dict([[[exactText("k", dice)], value]], dice)],
  (value, dice) => [tuple([], dice), value],
  (value, dice) => [[exactText("x", dice)], value],
  (value, dice) => [value, tuple([], dice), dict([], dice)],
];

function arguments_(value: Ops, dice: Dice): readonly Ops[] {
  return dice.pick(SHAPES)(value, dice);
}

/** One REDUCE of the stream: where it ends, its callee and its arguments. */
interface Called {
  readonly at: number;
  readonly callee: number;
  readonly args: number;
}

function reduces(ops: Ops): readonly Called[] {
  return steps(ops).flatMap(({ operands: [callee, args] }, at) =>
    ops[at]?.code === codes.REDUCE && callee !== undefined && args !== undefined
      ? [{ at, callee, args }]
      : []
  );
}

/** Changes one REDUCE, given its callee and its arguments. */
function changed(
  ops: Ops,
  dice: Dice,
  way: (callee: Ops, args: Ops, call: Ops) => Ops,
): Ops | undefined {
  const found = reduces(ops);
  if (found.length === 0) return undefined;
  const { at, callee, args } = dice.pick(found);
  const insert = way(ops.slice(callee, args), ops.slice(args, at), ops.slice(callee, at + 1));
  return edited(ops, [{ at: callee, remove: at + 1 - callee, insert }]);
}

/** A change of opcodes that puts a listed name somewhere. */
type Way = (ops: Ops, dice: Dice, listed: (dice: Dice) => Ops) => Ops | undefined;

const WAYS: Readonly<Record<string, Way>> = {
  // What the call gives goes into the wrapper.
  "listed-result": (ops, dice, listed) =>
    changed(
      ops,
      dice,
      (_callee, _args, calling) => call(listed(dice), arguments_(calling, dice), dice),
    ),
  // The callee comes out of the wrapper.
  "listed-callee": (ops, dice, listed) =>
    changed(ops, dice, (callee, args) => [
      ...call(listed(dice), arguments_(callee, dice), dice),
      ...args,
      op(codes.REDUCE),
    ]),
  // The wrapper is left to call.
  "listed-call": (ops, dice, listed) =>
    changed(
      ops,
      dice,
      (callee, args) =>
        call(
          listed(dice),
          dice.chance(1, 2) ? [callee, args] : [callee, ...arguments_(args, dice)],
          dice,
        ),
    ),
  "listed-newobj": (ops, dice, listed) =>
    changed(ops, dice, (callee, args) => [
      ...listed(dice),
      ...tuple(dice.chance(1, 2) ? [callee, args] : arguments_(callee, dice), dice),
      op(codes.NEWOBJ),
    ]),
  // The wrapper gets the callee by its state, under a name that something calls.
  "listed-state": (ops, dice, listed) =>
    changed(ops, dice, (callee, _args, calling) => [
      ...listed(dice),
      op(codes.EMPTY_TUPLE),
      op(codes.NEWOBJ),
      ...dict([[[exactText(dice.pick(HOOKS), dice)], dice.chance(1, 2) ? callee : calling]], dice),
      op(codes.BUILD),
    ]),
  "listed-state-tuple": (ops, dice, listed) =>
    changed(ops, dice, (callee, args) => [
      ...listed(dice),
      op(codes.EMPTY_TUPLE),
      op(codes.NEWOBJ),
      ...tuple([callee, args, ...arguments_(callee, dice)], dice),
      op(codes.BUILD),
    ]),
  "listed-item": (ops, dice, listed) =>
    changed(ops, dice, (callee, _args, calling) => [
      ...listed(dice),
      op(codes.EMPTY_TUPLE),
      op(codes.NEWOBJ),
      ...callee,
      ...calling,
      op(codes.SETITEM),
    ]),
  // A text that names what is imported goes through the wrapper.
  "listed-text": (ops, dice, listed) => {
    const found = steps(ops).flatMap(({ operands: [module, name] }, at) =>
      ops[at]?.code === codes.STACK_GLOBAL && module !== undefined && name !== undefined
        ? [{ from: module, to: name }, { from: name, to: at }]
        : []
    );
    if (found.length === 0) return undefined;
    const { from, to } = dice.pick(found);
    const insert = call(listed(dice), arguments_(ops.slice(from, to), dice), dice);
    return edited(ops, [{ at: from, remove: to - from, insert }]);
  },
};

/** Transformations by names of the allowlists, which the oracle has. */
export function listedTransformations(
  names: readonly ListedName[],
): readonly Transformation[] {
  if (names.length === 0) return [];
  const listed = (dice: Dice): Ops => global(...dice.pick(names), dice);
  return Object.entries(WAYS).map(([id, way]) =>
    hiding(ofOps(id, (ops, dice) => way(ops, dice, listed)))
  );
}
