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

/** Module and name of what lists allow to call or to restore, and attributes of it that have setters. */
export type ListedName = readonly [module: string, name: string, setters?: readonly string[]];

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

/** The name whose turn it is. */
interface Listed {
  (dice: Dice): Ops;
  /** An attribute that an object of it sets or finds by code of its own, or a method that opcodes call. */
  attribute(dice: Dice): string;
}

/** A change of opcodes that puts a listed name somewhere. */
type Way = (ops: Ops, dice: Dice, listed: Listed) => Ops | undefined;

/** A state with a value under an attribute of the name whose turn it is. */
function stateOf(listed: Listed, value: Ops, dice: Dice): Ops {
  return dict([[[exactText(listed.attribute(dice), dice)], value]], dice);
}

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
      ...stateOf(listed, dice.chance(1, 2) ? callee : calling, dice),
      op(codes.BUILD),
    ]),
  // What has slots or setters gets its state by `setattr`.
  "listed-slots": (ops, dice, listed) =>
    changed(ops, dice, (callee, _args, calling) => [
      ...listed(dice),
      op(codes.EMPTY_TUPLE),
      op(codes.NEWOBJ),
      ...tuple([none(), stateOf(listed, dice.chance(1, 2) ? callee : calling, dice)], dice),
      op(codes.BUILD),
    ]),
  // An object with such a state is hashed, compared and added where a dictionary or a set has it.
  "listed-key": (ops, dice, listed) =>
    changed(ops, dice, (callee, _args, calling) => {
      const object = [
        ...listed(dice),
        op(codes.EMPTY_TUPLE),
        op(codes.NEWOBJ),
        ...stateOf(listed, callee, dice),
        op(codes.BUILD),
      ];
      return dice.chance(1, 2)
        ? dict([[object, calling], [object, none()]], dice)
        : [op(codes.MARK), ...object, ...calling, op(codes.FROZENSET)];
    }),
  "listed-append": (ops, dice, listed) =>
    changed(ops, dice, (callee, _args, calling) => {
      const object = [...listed(dice), op(codes.EMPTY_TUPLE), op(codes.NEWOBJ)];
      const value = dice.chance(1, 2) ? callee : calling;
      const several = dice.pick([codes.APPENDS, codes.ADDITEMS]);
      return dice.chance(1, 3)
        ? [...object, ...value, op(codes.APPEND)]
        : [...object, op(codes.MARK), ...value, ...calling, op(several)];
    }),
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
  return Object.entries(WAYS).map(([id, way]) =>
    hiding(ofOps(id, (ops, dice, turn) => way(ops, dice, listedOf(names, turn))))
  );
}

/** Whether a transformation puts a listed name somewhere, whose turn its salt says. */
export function isListed({ id }: Transformation): boolean {
  return Object.hasOwn(WAYS, id);
}

function listedOf(names: readonly ListedName[], turn: number): Listed {
  const [module, name, setters = []] = names[turn % names.length] ?? ["", ""];
  return Object.assign((dice: Dice): Ops => global(module, name, dice), {
    attribute: (dice: Dice) => dice.pick(setters.length > 0 && dice.chance(1, 2) ? setters : HOOKS),
  });
}
