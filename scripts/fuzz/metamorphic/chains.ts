/**
 * Chains of transformations: drawn so that every ordered pair occurs, applied, made shorter.
 *
 * @module
 */

import { Dice } from "../dice.ts";
import { ARRAYS } from "./arrays.ts";
import { FORMS } from "./forms.ts";
import { layouts } from "./layout.ts";
import { isListed, type ListedName, listedTransformations } from "./listed.ts";
import { MEMO } from "./memo.ts";
import type { Draft, Transformation } from "./transformation.ts";
import { WRAPS } from "./wraps.ts";

/** One link: a transformation and the seed of its random numbers. */
export interface Link {
  readonly transformation: Transformation;
  readonly salt: number;
}

/**
 * All transformations.
 *
 * @param containers those that the oracle can build
 * @param listed names of the allowlists that it has, for transformations by them; none without
 */
export function transformations(
  containers: readonly string[],
  listed: readonly ListedName[] = [],
): readonly Transformation[] {
  const wraps = [...WRAPS, ...listedTransformations(listed)];
  return [...MEMO, ...FORMS, ...wraps, ...ARRAYS, ...layouts(containers)];
}

/** Pairs that can follow each other. */
export function pairs(
  all: readonly Transformation[],
): readonly (readonly [Transformation, Transformation])[] {
  return all.flatMap((first) =>
    all.flatMap((next) => {
      const order = first.stage < next.stage || (first.stage === next.stage && first.stage !== 3);
      return order ? [[first, next] as const] : [];
    })
  );
}

/** Chains of one link, one in so many. */
const SINGLES = 10;
/** A stride that is prime to the number of pairs mixes them. */
const STRIDE = 7919;

/** The chain of a case: a pair that is due and up to two more. */
export function chainOf(
  number: number,
  all: readonly Transformation[],
  due: readonly (readonly [Transformation, Transformation])[],
  dice: Dice,
): readonly Link[] {
  // Names of lists take turns, so that as many cases as there are names have each of them.
  const link = (transformation: Transformation): Link => ({
    transformation,
    salt: isListed(transformation) ? number : dice.word(),
  });
  if (number % SINGLES === 0) {
    return [link(all[(number / SINGLES) % all.length] as Transformation)];
  }
  const pair = due[(number * STRIDE) % due.length] as readonly [Transformation, Transformation];
  const chain = pair.map(link);
  for (let extra = dice.below(3); extra > 0; extra--) {
    const at = dice.below(chain.length + 1);
    chain.splice(at, 0, link(dice.pick(all)));
  }
  return chain.sort((a, b) => a.transformation.stage - b.transformation.stage);
}

/** A draft after a chain; undefined when a link changes nothing. */
export function applied(draft: Draft, chain: readonly Link[]): Draft | undefined {
  let made: Draft | undefined = draft;
  for (const { transformation, salt } of chain) {
    if (made === undefined) return undefined;
    made = transformation.apply(made, new Dice(transformation.id, salt), salt);
  }
  return made;
}

/** Proper sub-chains, the shortest first. */
export function shorter(chain: readonly Link[]): readonly (readonly Link[])[] {
  const all = (1 << chain.length) - 1;
  return Array.from(
    { length: all - 1 },
    (_, bits) => chain.filter((_, at) => (bits + 1) >> at & 1),
  )
    .sort((a, b) => a.length - b.length);
}
