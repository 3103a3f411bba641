/**
 * What readers asked of the rules and were answered. What a file was observed to do holds for all rules that
 * answer the same: so facts can be judged by rules that came later.
 *
 * @module
 */

import type { Interest } from "../core/types.ts";
import type { LoaderEntry } from "../core/loader.ts";

/**
 * Questions that are kept of one task. A checkpoint with 300 tensors asks some 1,500, for the dotted names of
 * its parameters. CWE-770.
 */
const QUESTIONS_KEPT = 200_000;

/** What may be asked of the rules by names: all but what is compared as a whole. */
type Method = Exclude<keyof Interest, "patternsIn" | "patternsId" | "loaders" | "forbidsFormat">;
/** Each of them is recorded, so that facts hold all that an observation depends on. */
const ASKED: Readonly<Record<Method, true>> = {
  argumentsMatter: true,
  restoringIsHarmless: true,
  fillsResult: true,
  meaningsOf: true,
  operatorKnowledge: true,
  dangerOf: true,
};
const METHODS = Object.keys(ASKED) as readonly Method[];

/** One answer, and the names that it was given for. */
type Answered = readonly [answer: unknown, ...questions: (readonly string[])[]];

/** All that readers learnt of the rules. */
export interface Answers {
  /** By method. */
  readonly asked: Readonly<Partial<Record<Method, readonly Answered[]>>>;
  /** Methods that the rules had. */
  readonly methods: readonly string[];
  /** The user's patterns; undefined for none. */
  readonly patterns: string | undefined;
  /** The table of loaders, where it was looked into. */
  readonly loaders: readonly LoaderEntry[] | undefined;
}

/** Which answer changed. */
export interface Change {
  readonly method: Method | "patterns" | "loaders" | "forbidsFormat";
  /** What it was asked for; empty for all of a table. */
  readonly names: readonly string[];
}

/** Records what is asked of an interest; for one task. */
export class InterestTrace {
  readonly #rules: Interest;
  readonly #asked = new Map<Method, Map<string, unknown>>();
  #count = 0;
  #loaders: readonly LoaderEntry[] | undefined;
  /** To be handed to readers in its place. */
  readonly interest: Interest;

  constructor(rules: Interest) {
    this.#rules = rules;
    const own = Object.fromEntries(
      METHODS.filter((method) => rules[method] !== undefined)
        .map((method) => [method, this.#recording(method)]),
    );
    const lookInto = (): readonly LoaderEntry[] | undefined => this.#loaders = rules.loaders;
    this.interest = {
      ...rules,
      ...own,
      get loaders() {
        return lookInto();
      },
    };
  }

  /** What was answered; undefined when more was asked than is kept, and for patterns that have no id. */
  answers(): Answers | undefined {
    const { patternsIn, patternsId } = this.#rules;
    if (this.#count > QUESTIONS_KEPT || (patternsIn !== undefined && patternsId === undefined)) {
      return undefined;
    }
    const asked: Partial<Record<Method, Answered[]>> = {};
    for (const [method, questions] of this.#asked) {
      const byAnswer = new Map<string, [unknown, ...(readonly string[])[]]>();
      for (const [question, answer] of questions) {
        const key = JSON.stringify(answer ?? null);
        const same = byAnswer.get(key) ?? [answer ?? null];
        same.push(JSON.parse(question) as string[]);
        byAnswer.set(key, same);
      }
      asked[method] = [...byAnswer.values()];
    }
    return {
      asked,
      methods: METHODS.filter((method) => this.#rules[method] !== undefined),
      patterns: patternsId,
      loaders: this.#loaders,
    };
  }

  #recording(method: Method): (...names: string[]) => unknown {
    const ask = this.#rules[method] as (...names: string[]) => unknown;
    const known = new Map<string, unknown>();
    this.#asked.set(method, known);
    return (...names) => {
      const answer = ask(...names);
      if (this.#count <= QUESTIONS_KEPT) {
        const question = JSON.stringify(names);
        if (!known.has(question)) {
          known.set(question, answer);
          this.#count++;
        }
      }
      return answer;
    };
  }
}

/**
 * Answers that are others under the rules of today; none where a reader would observe the same.
 *
 * @param sameLoaders whether the table of loaders is that of the answers
 */
export function* changesOf(
  answers: Omit<Answers, "loaders">,
  interest: Interest,
  sameLoaders: boolean,
): Generator<Change> {
  const isKnown = (interest.patternsIn === undefined) === (interest.patternsId === undefined);
  if (answers.patterns !== interest.patternsId || !isKnown) yield { method: "patterns", names: [] };
  if (!sameLoaders) yield { method: "loaders", names: [] };
  for (const method of METHODS) {
    const ask = interest[method] as ((...names: string[]) => unknown) | undefined;
    const had = answers.methods.includes(method);
    if (had !== (ask !== undefined)) yield { method, names: [] };
    for (const [answer, ...questions] of answers.asked[method] ?? []) {
      const before = JSON.stringify(answer);
      for (const names of questions) {
        if (JSON.stringify(ask?.(...names) ?? null) !== before) yield { method, names };
      }
    }
  }
}
