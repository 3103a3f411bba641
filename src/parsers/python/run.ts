/**
 * One evaluation of a source: its budgets, what ends it, and what all rooms of the evaluator share.
 *
 * @module
 */

import type { Reading } from "./grammar_cursor.ts";
import { isPacked } from "./packing.ts";
import { textsMentionSinks } from "./sink_names.ts";
import {
  type Constant,
  type Origin,
  Scope,
  union,
  type Value,
  VALUES,
  type Values,
} from "./values.ts";

/**
 * Steps of one source, and for each of its characters besides. Of 239 files of packages in use one takes
 * more. CWE-400.
 */
export const STEPS = 300_000;
/** Steps for each character of the source. */
export const STEPS_PER_CHARACTER = 1;
/** Steps between two checks of the deadline. */
const DEADLINE_STEPS = 4096;
/**
 * Times a loop or function is read before it counts as not understood. Of seven wheels pip alone has one that
 * is read as often. CWE-834.
 */
export const ROUNDS = 120;

/** Functions of other modules that a source calls. The most in 258 wheels are 1,900. CWE-770. */
const REACHES = 20_000;

/** What besides importing runs. */
export interface Runs {
  /** True where the module is run as a program: `__name__` is `"__main__"`. */
  readonly main?: boolean;
  /** True where names that the text does not bind are its evaluator's: modules of that name. */
  readonly ambient?: boolean;
  /** Functions that the loader calls then, by name: `f`, `Class.method`; and classes it makes. */
  readonly functions?: ((name: string) => boolean) | undefined;
  readonly classes?: ((name: string) => boolean) | undefined;
  /** Dotted names in the module that another one calls. */
  readonly called?: readonly string[] | undefined;
}

/**
 * Functions of one source, of a kilobyte each; a class takes as much as three, a container a quarter. The most in
 * 455 wheels are 3,125 functions, and 23,057 containers. CWE-770.
 */
const MADE = 25_000;

/** Values of one set from which on those that nothing can come of are not told apart. */
const MANY = 24;

/** Stands in a set for the values that were not told apart; a set that has it takes in no more of them. */
const PACKED: Constant = { kind: "constant", value: undefined, bytes: false, hidden: false };

/** Thrown where a budget is used up. */
export class Stopped {}

/** One evaluation of a source: its budgets, what ends it, and what all rooms of the evaluator share. */
export class Run {
  readonly deadline: () => void;
  readonly runs: Runs;
  readonly reading: Reading = {
    ...{ error: undefined, errors: 0, tooDeep: false, tooLong: false, nodes: 0 },
  };
  readonly module = new Scope("module");
  readonly relative = new Set<string>();
  /** Attributes of other modules that were given other values. */
  readonly given = new Map<string, Values>();
  /** Names of the module that functions read. */
  readonly read = new Set<string>();
  readonly stars = new Set<string>();
  /** Names of the module in the order in which they were given values that replace those before. */
  readonly bound: string[] = [];
  /** How many of these there were when all names were last overlaid, by the module that did it. */
  readonly overlaid = new Map<string | undefined, number>();
  /** What was raised, or given to what was: what `except … as e` may bind. */
  raised: Values = [];
  /** What was sent to generators, of which `yield` gives one. */
  sent: Values = [];
  /**
   * Functions and modules that run code or commands and were handed to something that nothing can see
   * into: what comes from there, and is called, may be one of them.
   */
  escaped: Values = [];
  /** What was called of modules that are none of the standard library. */
  readonly reaches = new Set<string>();
  /** Functions that were called, of which a frame may be. */
  readonly frames: Scope[] = [];
  /** True once something looked at one. */
  looksAtFrames = false;
  #cut: string | undefined;
  steps = 0;
  most = STEPS;
  #nextLook = DEADLINE_STEPS;
  #made = 0;
  /** The source. */
  text = "";
  #harmfulTexts: boolean | undefined;
  /** Members of long sets, which are asked for again and again. */
  readonly #sets = new WeakMap<Values, Set<Value>>();
  /** What long sets are where those that nothing can come of are not told apart. */
  readonly #limited = new WeakMap<Values, Values>();
  /** Rises whenever a set that was read gets larger. */
  version = 0;
  changes = 0;
  returned = 0;
  callDepth = 0;
  codeDepth = 0;
  looping = 0;
  late = false;
  origin: Origin | undefined;
  /** Counts steps of reading; with 0 only looks at the deadline. */
  readonly step1 = (count = 1): void => count === 0 ? this.deadline() : this.step(count);

  constructor(deadline: () => void, runs: Runs) {
    this.deadline = deadline;
    this.runs = runs;
  }

  /** Why not all of the source was seen; undefined when it was. */
  get cut(): string | undefined {
    return this.#cut;
  }

  /** It is incomplete then at best: what is still looked for must not take as long as all of it. */
  set cut(reason: string | undefined) {
    this.#cut = reason;
    if (reason !== undefined) this.most = Math.min(this.most, this.steps + STEPS);
  }

  /** True where a text of the source that may be code names what does harm. */
  textsMentionSinks(): boolean {
    return this.#harmfulTexts ??= textsMentionSinks(this.text, this.step1);
  }

  step(count: number): void {
    this.steps += count;
    if (this.steps < this.#nextLook) return;
    this.#nextLook = this.steps + DEADLINE_STEPS;
    this.deadline();
    if (this.steps > this.most) {
      this.cut ??= "following it takes more steps than are made";
      throw new Stopped();
    }
  }

  /** Counts values of the module, by what they take. */
  made(size: number): void {
    this.#made += size;
    if (this.#made <= MADE) return;
    this.cut ??= "it makes more functions, classes and containers than are kept";
    throw new Stopped();
  }

  changed(): void {
    this.changes++;
    this.version++;
  }

  /** Notes a call of another module's function, for that module is judged with it. */
  reach(path: string): void {
    if (this.reaches.size < REACHES || this.reaches.has(path)) this.reaches.add(path);
    else this.cut ??= "it calls more functions of other modules than are followed";
  }

  /** Adds to one of the sets that belong to no name. */
  add(to: "raised" | "sent" | "escaped", values: Values): void {
    const all = this.join(this[to], values);
    if (all === this[to]) return;
    this[to] = all;
    this.changed();
  }

  /**
   * Both sets together; the first itself where the second adds nothing. Of many values those of which
   * nothing can come are not told apart. Beyond a limit the source counts as not seen to its end.
   */
  join(old: Values, values: Values): Values {
    if (values.length === 0 || old === values) return old;
    // Nothing is added any more.
    if (old.length >= VALUES && this.cut !== undefined) return old;
    const sets = this.#sets;
    if (old.length > MANY) {
      let known = sets.get(old);
      if (known === undefined) {
        this.step(old.length >> 3);
        sets.set(old, known = new Set(old));
      }
      const packs = known.has(PACKED);
      this.step(values.length >> 4);
      if (values.every((each) => known.has(each) || (packs && isPacked(each)))) return old;
    }
    if (old.length + values.length > MANY) this.step((old.length + values.length) >> 3);
    const packs = old.includes(PACKED);
    let all = union(old, packs ? values.filter((each) => !isPacked(each)) : values);
    if (all === old || all.length <= MANY) return all;
    if (!packs) {
      this.step(all.length >> 2);
      all = [PACKED, ...all.filter((each) => each !== PACKED && !isPacked(each))];
    }
    if (all.length <= VALUES) return all;
    this.cut ??= "a name may stand for more values than are followed";
    return old.length >= VALUES ? old : all.slice(0, VALUES);
  }

  /** Both sets as one, which costs steps where they are long. */
  unite(a: Values, b: Values): Values {
    if (b.length > MANY) this.step(b.length >> 4);
    const all = union(a, b);
    // A longer set is another one.
    if (all !== a && all !== b && all.length > MANY) this.step(all.length >> 5);
    return all;
  }

  /** A set of which the values that nothing can come of are not told apart where there are many. */
  limited(values: Values): Values {
    if (values.length <= MANY) return values;
    let limited = this.#limited.get(values);
    if (limited === undefined) this.#limited.set(values, limited = this.join([], values));
    return limited;
  }
}
