/**
 * Calls that lead out of the module, as far as they are reported.
 *
 * @module
 */

import type { Call, CallSite, RecordsRoom, Rooms } from "./rooms.ts";
import type { Run } from "./run.ts";
import {
  givenOf,
  isBuiltinException,
  isCritical,
  isIdle,
  isOwnService,
  isSensitive,
  traitsOf,
} from "./sinks.ts";
import type { Arguments, Values } from "./values.ts";

/**
 * Calls kept of one name; those whose arguments are remarkable are kept besides. The most in use are 131.
 * CWE-770.
 */
const CALLS_OF_ONE = 24;
/**
 * Different calls kept; as many again whose arguments are remarkable, or that run code or commands. The most in
 * use are 1,375. CWE-770.
 */
const CALLS = 5000;

/** Steps that looking at what a call is given costs. */
const NOTED_STEPS = 3;

/** True for values without a text that an object may have made, which says itself how it is shown. */
function isShown(values: Values): boolean {
  return values.every((each) =>
    each.kind !== "outer" || each.carries.every(({ kind }) => kind !== "instance")
  );
}

/** Calls that lead out of the module, as far as they are reported. */
export class Records implements RecordsRoom {
  readonly #run: Run;
  calls = new Map<string, Call[]>();
  #kept = 0;

  constructor(rooms: Rooms) {
    this.#run = rooms.run;
  }

  note(
    path: string,
    called: boolean,
    site: CallSite | undefined,
    given: Arguments,
    self: Values = [],
  ): void {
    if (!path.includes(".") || path.startsWith(".") || path.startsWith("<module>")) return;
    if (isBuiltinException(path)) return;
    const { at, end } = this.#run.origin ?? site ?? { at: 0, end: 0 };
    const kept = this.calls.get(path) ?? [];
    const sensitive = isSensitive(path);
    if (!sensitive && kept.length > 0 && !/load|dump|open|write|post|get|send/iu.test(path)) return;
    for (const one of kept) if (one.at === at && one.called === called && !sensitive) return;
    const sets = [...given.positions, ...given.named.values(), given.rest];
    const all = given.rest.length > 0 || sets.length > 0 || self.length > 0;
    const facts = givenOf(given.rest.length > 0 ? sets : sets.slice(0, -1));
    this.#run.step(NOTED_STEPS + (facts.constants.length >> 2));
    if (called && isIdle(path, facts)) return;
    const traits = all ? traitsOf(path, facts, given.named, self) : [];
    // Names are put into a text whose own words may do harm: what it is altogether is not known.
    if (
      traits.includes("template") && !facts.isConstant &&
      (this.#run.textsMentionSinks() || !sets.every((each) => isShown(each)))
    ) traits.splice(traits.indexOf("template"), 1);
    const isVariable = traits.includes("variable") && !traits.includes("secret");
    if (isVariable && isOwnService(given.positions, given.named)) {
      traits.push("own-service");
    }
    const remarkable = traits.some((each) => each !== "constant");
    const known = kept.find((one) => one.at === at && one.called === called);
    if (known !== undefined) {
      const more = traits.filter((each) => !known.traits.includes(each) && each !== "constant");
      if (more.length === 0) return;
      kept.splice(kept.indexOf(known), 1, { ...known, traits: [...known.traits, ...more] });
      return;
    }
    if (kept.length >= CALLS_OF_ONE && !remarkable) return;
    // What is remarkable counts behind any number of others.
    const matters = remarkable || (kept.length === 0 && isCritical(path));
    if (this.#kept >= (matters ? 2 * CALLS : CALLS) || kept.length > 512) {
      this.#run.cut ??= "it has more calls than are kept";
      return;
    }
    this.#kept++;
    const texts = facts.constants.flatMap(({ value, hidden }) =>
      typeof value === "string" && (hidden || this.#run.origin !== undefined || value.length < 2048)
        ? [value.slice(0, 2048)]
        : []
    );
    if (kept.length === 0) this.calls.set(path, kept);
    kept.push({ path, at, end, called, traits, texts: texts.slice(0, 8) });
  }

  reported(): Call[] {
    return [...this.calls.values()].flat().sort((a, b) => a.at - b.at);
  }
}
