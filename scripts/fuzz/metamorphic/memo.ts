/**
 * Transformations of the memo and of the stack: other indices, other opcodes, opcodes without effect.
 *
 * @module
 */

import type { Dice } from "../dice.ts";
import { constant, get, put } from "./emit.ts";
import * as codes from "./program.ts";
import { type Edit, edited, memoIndex, type Op, op, steps } from "./program.ts";
import { ofOps, type Transformation } from "./transformation.ts";

const PUTS = new Set([codes.PUT, codes.BINPUT, codes.LONG_BINPUT, codes.MEMOIZE]);
const GETS = new Set([codes.GET, codes.BINGET, codes.LONG_BINGET]);
/** An index up to which the C unpickler's table costs little. */
const MOST_INDEX = 60_000;

/** Indices that each PUT and GET names; MEMOIZE takes the number of entries. Undefined when unclear. */
function indices(ops: readonly Op[]): readonly (number | undefined)[] | undefined {
  const used = new Set<number>();
  const found: (number | undefined)[] = [];
  for (const each of ops) {
    let index: number | undefined;
    if (each.code === codes.MEMOIZE) index = used.size;
    else if (PUTS.has(each.code) || GETS.has(each.code)) {
      index = memoIndex(each);
      if (index === undefined) return undefined;
    }
    if (PUTS.has(each.code) && index !== undefined) used.add(index);
    found.push(index);
  }
  return found;
}

/** An index that no opcode names, and no MEMOIZE can come to. */
export function freeIndex(ops: readonly Op[], dice: Dice): number | undefined {
  const known = indices(ops);
  if (known === undefined) return undefined;
  const used = new Set(known);
  for (let tries = 0; tries < 40; tries++) {
    const index = dice.chance(1, 4) ? dice.below(MOST_INDEX) : ops.length + dice.below(300);
    if (!used.has(index)) return index;
  }
  return undefined;
}

/** Opcodes whose MEMOIZE say their index, so that entries can be added. */
export function withIndices(ops: readonly Op[], dice: Dice): readonly Op[] | undefined {
  if (!ops.some(({ code }) => code === codes.MEMOIZE)) return ops;
  const known = indices(ops);
  if (known === undefined) return undefined;
  return ops.map((each, at) => {
    const index = known[at];
    return each.code === codes.MEMOIZE && index !== undefined ? put(index, dice) : each;
  });
}

/** Opcodes without the PUTs whose entry no GET fetches; undefined when the indices are unclear. */
export function withoutUnused(ops: readonly Op[], dice: Dice): readonly Op[] | undefined {
  const plain = withIndices(ops, dice);
  const known = plain && indices(plain);
  if (plain === undefined || known === undefined) return undefined;
  const fetched = new Set(known.filter((_, at) => GETS.has(plain[at]?.code ?? 0)));
  return plain.filter(({ code }, at) => !PUTS.has(code) || fetched.has(known[at]));
}

function strip(ops: readonly Op[], dice: Dice): readonly Op[] | undefined {
  const plain = withoutUnused(ops, dice);
  return plain?.length === ops.length ? undefined : plain;
}

/** Places behind which a value is on top, and the opcode may be followed by others. */
function valuePlaces(ops: readonly Op[]): readonly number[] {
  return steps(ops).flatMap(({ value }, at) =>
    value && ops[at]?.code !== codes.BUILD && ops[at + 1]?.code !== codes.RAW ? [at] : []
  );
}

function places(ops: readonly Op[]): readonly number[] {
  return steps(ops).flatMap((_, at) => ops[at + 1]?.code === codes.RAW ? [] : [at]);
}

function renumber(ops: readonly Op[], dice: Dice): readonly Op[] | undefined {
  const known = indices(ops);
  if (known === undefined || known.every((index) => index === undefined)) return undefined;
  const names = new Map<number, number>();
  const taken = new Set<number>();
  return ops.map((each, at) => {
    const index = known[at];
    if (index === undefined) return each;
    let name = names.get(index);
    while (name === undefined) {
      const tried = dice.below(dice.chance(1, 5) ? MOST_INDEX : 300 + ops.length);
      if (!taken.has(tried)) name = tried;
    }
    taken.add(name);
    names.set(index, name);
    return PUTS.has(each.code) ? put(name, dice) : get(name, dice);
  });
}

function forms(ops: readonly Op[], dice: Dice): readonly Op[] | undefined {
  const known = indices(ops);
  if (known === undefined || known.every((index) => index === undefined)) return undefined;
  return ops.map((each, at) => {
    const index = known[at];
    if (index === undefined || dice.chance(1, 3)) return each;
    return PUTS.has(each.code) ? put(index, dice) : get(index, dice);
  });
}

/** Every value that is put at once is put at many free indices, or a value is overwritten. */
function noise(ops: readonly Op[], dice: Dice): readonly Op[] | undefined {
  const plain = withIndices(ops, dice);
  const where = plain && valuePlaces(plain);
  if (plain === undefined || where === undefined || where.length === 0) return undefined;
  const edits: Edit[] = [];
  for (let times = 1 + dice.below(5); times > 0; times--) {
    const index = freeIndex(plain, dice);
    if (index === undefined) return undefined;
    edits.push({ at: dice.pick(where) + 1, insert: [put(index, dice)] });
  }
  return edited(plain, edits);
}

/** A constant or global is made first, kept in the memo, and fetched where it was made. */
function hoist(ops: readonly Op[], dice: Dice): readonly Op[] | undefined {
  const plain = withIndices(ops, dice);
  if (plain === undefined) return undefined;
  const where = steps(plain).flatMap((_, at) => {
    const { code } = plain[at] as Op;
    return [0x58, 0x8c, 0x8d, 0x56, 0x53, 0x55, 0x54, 0x4b, 0x42, 0x43, codes.GLOBAL].includes(code)
      ? [at]
      : [];
  });
  const index = freeIndex(plain, dice);
  if (where.length === 0 || index === undefined) return undefined;
  const at = dice.pick(where);
  const start = plain[0]?.code === codes.PROTO ? 1 : 0;
  const kept = dice.chance(1, 2)
    ? [plain[at] as Op, put(index, dice), op(codes.POP)]
    : [op(codes.MARK), plain[at] as Op, put(index, dice), op(codes.POP_MARK)];
  return edited(plain, [
    { at: start, insert: kept },
    { at, remove: 1, insert: [get(index, dice)] },
  ]);
}

/** A value goes to the memo, off the stack, and comes back. */
function bounce(ops: readonly Op[], dice: Dice): readonly Op[] | undefined {
  const plain = withIndices(ops, dice);
  const where = plain && valuePlaces(plain);
  if (plain === undefined || where === undefined || where.length === 0) return undefined;
  const index = freeIndex(plain, dice);
  if (index === undefined) return undefined;
  const back = [put(index, dice), op(codes.POP), get(index, dice)];
  return edited(plain, [{ at: dice.pick(where) + 1, insert: back }]);
}

function duplicate(ops: readonly Op[], dice: Dice): readonly Op[] | undefined {
  const where = valuePlaces(ops);
  if (where.length === 0) return undefined;
  const edits: Edit[] = [];
  for (let times = 1 + dice.below(4); times > 0; times--) {
    const deep = 1 + dice.below(3);
    const dups = Array.from({ length: deep }, () => op(codes.DUP));
    const pops = Array.from({ length: deep }, () => op(codes.POP));
    edits.push({ at: dice.pick(where) + 1, insert: [...dups, ...pops] });
  }
  return edited(ops, edits);
}

function popped(ops: readonly Op[], dice: Dice): readonly Op[] | undefined {
  const where = places(ops);
  if (where.length === 0) return undefined;
  const edits: Edit[] = [];
  for (let times = 1 + dice.below(4); times > 0; times--) {
    const insert = dice.chance(1, 2)
      ? [constant(dice), op(codes.POP)]
      : dice.chance(1, 2)
      ? [op(codes.MARK), constant(dice), constant(dice), op(codes.POP_MARK)]
      : [op(codes.MARK), op(codes.POP)];
    edits.push({ at: dice.pick(where) + 1, insert });
  }
  return edited(ops, edits);
}

/** Values below everything else: STOP takes only the top. */
function below(ops: readonly Op[], dice: Dice): readonly Op[] | undefined {
  const start = ops[0]?.code === codes.PROTO ? 1 : 0;
  const insert = Array.from({ length: 1 + dice.below(6) }, () => constant(dice));
  return edited(ops, [{ at: start, insert }]);
}

/** Transformations of memo and stack. */
export const MEMO: readonly Transformation[] = [
  ofOps("memo-renumber", renumber),
  ofOps("memo-forms", forms),
  ofOps("memo-noise", noise),
  ofOps("memo-strip", strip),
  ofOps("memo-hoist", hoist),
  ofOps("memo-bounce", bounce),
  ofOps("stack-dup", duplicate),
  ofOps("stack-pop", popped),
  ofOps("stack-below", below),
];
