/**
 * What a machine saw, equal things counted once.
 *
 * @module
 */

import type { CallFact, Fact, GlobalName, Reading } from "../../core/types.ts";

/** A fact with how often it was seen and where first (virtual offset). */
export interface CountedFact {
  readonly fact: Fact;
  count: number;
  readonly offset: number;
}

/**
 * Different calls of one global that are distinguished; more are counted with the last. The most seen are 30.
 * CWE-779.
 */
const CALLS_REPORTED = 32;

/**
 * Different facts that are kept where nothing takes them. The checkpoints with the most have some
 * hundreds; each costs kilobytes, so that a file of other names each would cost gigabytes. CWE-770.
 */
export const FACTS_KEPT = 50_000;

/** What was reported of one global: looking its names up again and again is what would cost. */
interface OfGlobal {
  imported: CountedFact | undefined;
  /** Calls whose targets do not matter. */
  readonly calls: CountedFact[];
}

/** The facts of one stream, in the order of their first appearance. */
export class FactLog {
  private inOrder: CountedFact[] = [];
  private readonly facts = new Map<string, CountedFact>();
  private readonly reported = new Map<string, { times: number; last: CountedFact }>();
  private readonly globals = new Map<object, OfGlobal>();
  /** Imports and calls in order, as `module name`, for comparing with a real unpickler. */
  readonly trace: string[] | undefined;

  private readonly held: number;

  /**
   * @param traced whether `trace` is kept
   * @param held facts that make it full
   */
  constructor(traced: boolean, held = Infinity) {
    this.trace = traced ? [] : undefined;
    this.held = held;
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
    const reported = owner === undefined ? undefined : this.reported.get(owner);
    if (reported !== undefined && reported.times >= CALLS_REPORTED) {
      reported.last.count++;
      return;
    }
    const counted = this.append(fact, offset);
    this.facts.set(key, counted);
    if (reported !== undefined) {
      reported.times++;
      reported.last = counted;
    } else if (owner !== undefined) this.reported.set(owner, { times: 1, last: counted });
  }

  /**
   * Adds that a global is imported by its written name.
   *
   * @param global what stands for it in the stream
   * @throws RangeError when there are too many different facts
   */
  addImport(global: GlobalName, via: string, offset: number): void {
    const of = this.ofGlobal(global);
    if (of.imported !== undefined) of.imported.count++;
    else {
      const { module, name } = global;
      of.imported = this.append({ kind: "import", module, name, via }, offset);
    }
  }

  /**
   * Adds a call of a global whose targets do not matter.
   *
   * @param global what stands for it in the stream
   * @throws RangeError when there are too many different facts
   */
  addCall(global: GlobalName, fact: CallFact, offset: number): void {
    const { calls } = this.ofGlobal(global);
    const same = calls.find((each) => (each.fact as CallFact).expression === fact.expression);
    if (same !== undefined) same.count++;
    else calls.push(this.append(fact, offset));
  }

  /** The same as `countFurther` for such calls. */
  countFurtherCall(global: GlobalName): boolean {
    const calls = this.globals.get(global)?.calls;
    if (calls === undefined || calls.length < CALLS_REPORTED) return false;
    (calls.at(-1) as CountedFact).count++;
    return true;
  }

  private ofGlobal(global: object): OfGlobal {
    const known = this.globals.get(global);
    if (known !== undefined) return known;
    const made: OfGlobal = { imported: undefined, calls: [] };
    this.globals.set(global, made);
    return made;
  }

  private append(fact: Fact, offset: number): CountedFact {
    if (this.inOrder.length >= FACTS_KEPT) {
      throw new RangeError(`Cannot tell more than ${FACTS_KEPT} different imports and calls`);
    }
    const counted = { fact, count: 1, offset };
    this.inOrder.push(counted);
    return counted;
  }

  /**
   * Counts a further call with the last one reported of its owner (`ownerOf`), when enough are reported, and
   * says so; nothing needs to put it into words then.
   */
  countFurther(owner: string): boolean {
    const reported = this.reported.get(owner);
    if (reported === undefined || reported.times < CALLS_REPORTED) return false;
    reported.last.count++;
    return true;
  }

  /** True when there is nothing to tell. */
  get empty(): boolean {
    return this.inOrder.length === 0;
  }

  /** True when it is time to hand out what there is. */
  get full(): boolean {
    return this.inOrder.length >= this.held;
  }

  /** All of it. */
  all(): CountedFact[] {
    return this.inOrder.slice();
  }

  /** All of it, which is forgotten here: what is seen again is reported again. */
  take(): CountedFact[] {
    const all = this.inOrder;
    this.inOrder = [];
    this.facts.clear();
    this.reported.clear();
    this.globals.clear();
    return all;
  }
}

/** Whose calls are reported together: a global's with the same targets, or all that are unresolved. */
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
      return `unresolved\0${fact.expression}\0${fact.attribute === true ? "attribute" : ""}`;
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
