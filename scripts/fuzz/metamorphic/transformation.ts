/**
 * What a transformation is, and the state that a chain of them works on.
 *
 * @module
 */

import type { Dice } from "../dice.ts";
import type { Op } from "./program.ts";

/** What reads the file, and so whose calls must stay the same. */
export type Loader = "plain" | "joblib";

/** A file in the making. */
export interface Draft {
  readonly ops: readonly Op[];
  readonly tail: Uint8Array;
  readonly loader: Loader;
  /** How the opcodes are put into frames when they are written. */
  readonly frames: Frames;
  /** Streams before and bytes behind the opcodes, as they are written. */
  readonly before: Uint8Array;
  readonly behind: Uint8Array;
  /** Containers around the pickle, the innermost first; the oracle builds them. */
  readonly containers: readonly string[];
  /** Name of the file. */
  readonly name: string;
}

/** Kinds of frames; `cuts` are drawn at random with `salt`. */
interface Frames {
  readonly kind: "none" | "one" | "many" | "each" | "part";
  readonly salt: number;
}

/** A change that leaves what the loader does as it was. */
export interface Transformation {
  readonly id: string;
  /** Chains apply lower stages first. */
  readonly stage: 0 | 1 | 2 | 3;
  /** Not made of real samples: a real file that hides its calls is called dangerous with reason. */
  readonly hides?: true;
  /**
   * Why it changes no draft in such a state, whatever its opcodes: its loader, its frames, what lies around it.
   * Undefined where that alone does not keep it from changing the draft.
   */
  excludedBy?(draft: Draft): string | undefined;
  /** The changed draft; undefined when there is nothing to change. `turn` is the salt of `dice`. */
  apply(draft: Draft, dice: Dice, turn: number): Draft | undefined;
}

/** A transformation that is not applied to real samples. */
export function hiding(transformation: Transformation): Transformation {
  return { ...transformation, hides: true };
}

/** A transformation of opcodes alone. */
export function ofOps(
  id: string,
  change: (ops: readonly Op[], dice: Dice, turn: number) => readonly Op[] | undefined,
): Transformation {
  return {
    id,
    stage: 0,
    apply(draft, dice, turn) {
      const ops = change(draft.ops, dice, turn);
      return ops === undefined ? undefined : { ...draft, ops };
    },
  };
}
