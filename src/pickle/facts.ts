/**
 * What a machine saw, equal things counted once.
 *
 * @module
 */

import type { Fact, GlobalName, Reading } from "../types.ts";

/** A fact with how often it was seen and where first (virtual offset). */
export interface CountedFact {
  readonly fact: Fact;
  count: number;
  readonly offset: number;
}

/** Different calls of one global that are told apart; more are counted with the last. */
const CALLS_TOLD = 32;

/**
 * Different facts that are kept of one stream. The checkpoints with the most have some hundreds; each
 * costs kilobytes and is judged by itself, so that a file of other names each would cost gigabytes.
 */
export const FACTS_KEPT = 50_000;

/** The facts of one stream, in the order of their first appearance. */
export class FactLog {
  private readonly facts = new Map<string, CountedFact>();
  private readonly told = new Map<string, { times: number; readonly last: CountedFact }>();
  /** Imports and calls in order, as `module name`, for comparing with a real unpickler. */
  readonly trace: string[] | undefined;

  /** @param traced whether `trace` is kept */
  constructor(traced: boolean) {
    this.trace = traced ? [] : undefined;
  }

  /**
   * Adds a fact seen at `offset`.
   *
   * @throws RangeError when there are too many different ones
   */
  add(fact: Fact, offset: number): void {
    const key = keyOf(fact);
    const known = this.facts.get(key);
    if (known !== undefined) {
      known.count++;
      return;
    }
    const isCall = fact.kind === "call" || fact.kind === "unresolved-call";
    const owner = isCall ? ownerOf(fact) : undefined;
    if (owner !== undefined && this.countFurther(owner)) return;
    if (this.facts.size >= FACTS_KEPT) {
      throw new RangeError(`Cannot tell more than ${FACTS_KEPT} different imports and calls`);
    }
    const counted = { fact, count: 1, offset };
    this.facts.set(key, counted);
    if (owner === undefined) return;
    this.told.set(owner, { times: (this.told.get(owner)?.times ?? 0) + 1, last: counted });
  }

  /**
   * Counts a further call with the last one told of its owner (`ownerOf`), when enough are told, and
   * says so; nobody needs to put it into words then.
   */
  countFurther(owner: string): boolean {
    const told = this.told.get(owner);
    if (told === undefined || told.times < CALLS_TOLD) return false;
    told.last.count++;
    return true;
  }

  /** All of it. */
  all(): CountedFact[] {
    return [...this.facts.values()];
  }
}

/** Whose calls are told together: a global's with the same targets, or all that are unresolved. */
export function ownerOf(
  call: { module: string; name: string; targets?: readonly GlobalName[] } | {
    kind: "unresolved-call";
  },
): string {
  return "module" in call ? `${call.module}\0${call.name}\0${targetKey(call)}` : "";
}

function targetKey(fact: { targets?: readonly { module: string; name: string }[] }): string {
  return fact.targets === undefined
    ? "?"
    // Names may hold dots and commas: what is judged apart must not look alike.
    : JSON.stringify(fact.targets.map(({ module, name }) => [module, name]));
}

/** What makes two facts the same, whatever the reading. */
export function keyOf(fact: Fact): string {
  switch (fact.kind) {
    case "import":
      return `import\0${fact.module}\0${fact.name}\0${fact.computed === true ? "computed" : ""}`;
    case "call":
      return `call\0${fact.module}\0${fact.name}\0${fact.expression}\0${targetKey(fact)}`;
    case "mutation":
      return `mutation\0${fact.module}\0${fact.name}\0${fact.expression}`;
    case "extension":
      return `extension\0${fact.code}`;
    case "unresolved-call":
      return `unresolved\0${fact.expression}`;
    case "operator":
      return `operator\0${fact.name}\0${fact.expression}`;
    case "reference":
      return `reference\0${fact.module}\0${fact.name}\0${fact.expression}`;
    case "string":
      return `string\0${fact.pattern}`;
  }
}

/** The same fact as seen under another reading; facts that no pickle states have none. */
export function underReading(fact: Fact, reading: Reading): Fact {
  switch (fact.kind) {
    case "import":
    case "call":
    case "mutation":
    case "extension":
    case "unresolved-call":
      return { ...fact, reading };
    default:
      return fact;
  }
}
