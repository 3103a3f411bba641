/**
 * What the evaluation of one template keeps while it runs, for the rooms that it consists of.
 *
 * @module
 */

import type { Given } from "./arguments.ts";
import type { Block, Expression, Tag, Template } from "./ast.ts";
import { type Abstract, Domain, type Known } from "./domain.ts";
import type { Addition, Machine, Place } from "./machine.ts";
import type { Plain } from "./plain.ts";
import { State } from "./state.ts";

/** Expressions and tags that are evaluated for one template. Real ones take some ten thousand. CWE-400. */
export const STEPS = 400_000;
/** Times that a list may be doubled: a million items. None of 120 chat templates doubles one. CWE-770. */
export const DOUBLINGS = 20;
/** Rounds of a loop that are evaluated one by one. The most in 120 chat templates are 7. CWE-834. */
export const UNROLLED = 128;
/**
 * Rounds of loops within each other. Templates go through messages and tools, not through numbers. The most
 * in 120 chat templates are 4. CWE-834.
 */
export const LOOPS = 1_000_000;
/**
 * Tags that are gone through, loops and macros counted as often as they run. The most in 120 chat templates
 * are 2,215. CWE-400.
 */
export const WORK = 100_000_000;
/** Steps that all such rounds of a template may take. */
const SAMPLE_STEPS = 20_000;
/**
 * Characters of a text that has grown in a loop. The longest in 120 chat templates has 4,230,287, by
 * estimate. CWE-770.
 */
export const GROWN = 100_000_000;
/** Binary digits of a number that has grown in a loop. The most in 120 chat templates are 1,248. CWE-770. */
export const GROWN_DIGITS = 1_000_000;

/** What was noted at one expression. */
interface Note {
  /** Attributes that it may reach, by name. */
  readonly names: Set<string>;
  /** Where a name is not known: `attribute` or `call`. */
  readonly unknown: Set<"attribute" | "call">;
  /** What takes too much, with the estimate in characters, items or rounds. */
  readonly costs: Map<string, number>;
}

/** What the value of a macro depends on besides its arguments, and what it changes. */
export interface Dependencies {
  readonly reads: Map<string, Abstract | undefined>;
  readonly writes: Set<string>;
}

/** What a macro came to. */
export interface Outcome {
  readonly value: Abstract;
  readonly work: number;
  readonly reads: ReadonlyMap<string, Abstract | undefined>;
  readonly writes: ReadonlyMap<string, Abstract>;
}

export interface Loop {
  readonly tag: Tag;
  readonly id: number;
  /** The name that what it goes through is a part of. */
  readonly root: string;
  /** What it goes through, as written. */
  readonly over: string;
  /** The lists that it goes through, by where they were made. */
  readonly sites: ReadonlySet<number>;
  /** States of rounds that were left in between, and of all of them. */
  readonly left: State[];
  readonly broken: State[];
  /** What the loop was called with again. */
  again: Abstract;
  /** The scopes within which it runs. */
  readonly depth: number;
}

/** One of the bodies of a condition, of which no more than one runs. */
export interface Branch {
  readonly condition: Block;
  readonly at: number;
}

interface Frame {
  readonly block: Block;
  readonly key: string;
  readonly caller: Abstract | undefined;
  readonly bound: readonly (Abstract | undefined)[];
}

/** The state of an evaluation, and what rooms need of those above them. */
export abstract class Run implements Machine {
  readonly domain: Domain = new Domain();
  /** What was noted, by expression or tag. */
  readonly notes: Map<Expression | Tag, Note> = new Map();
  /** What each expression was found to be, over all times that it was evaluated. */
  readonly values: Map<Expression, Abstract> = new Map();
  /** Why something was not evaluated to its end. */
  givenUp: string | undefined;
  readonly template: Template;
  readonly text: string;
  state: State = new State();
  readonly everything: Map<string, Abstract> = new Map();
  readonly blocks: Map<string, Block> = new Map();
  readonly blockTexts: Map<string, Abstract> = new Map();
  readonly loops: Loop[] = [];
  readonly frames: Frame[] = [];
  readonly outcomes: Map<string, Outcome[]> = new Map();
  readonly guards: string[] = [];
  /** Counts what names have come to have at any time. */
  stamp: number = 0;
  steps: number = STEPS;
  depth: number = 0;
  /** How often what is evaluated runs, by estimate, and how much has run. */
  rounds: number = 1;
  /** The rounds of loops that are known to run so often. */
  exactRounds: number = 1;
  work: number = 0;
  escapes: boolean = false;
  readonly sited: boolean;
  /** True when a list or a dictionary of the template is changed in place. */
  changesLists: boolean = false;
  readonly callable: Block[] = [];
  readonly called: Set<Block> = new Set();
  /** Of variables, the name that their values are a part of. */
  readonly aliases: Map<string, string> = new Map();
  /** The scope of the template itself, while a macro or a block runs. */
  root: ReadonlyMap<string, Abstract> | undefined;
  /** Where the lists were made that the loops around go through, those around a macro's calls included. */
  readonly walked: ReadonlySet<number>[] = [];
  sampleSteps: number = SAMPLE_STEPS;
  /** Loops of which more rounds have been evaluated. */
  readonly sampled: Set<Tag> = new Set();
  readonly grown: Map<string, number> = new Map();
  /** Those of them that each round multiplies, or that a loop adds to a known number of times. */
  readonly multiplied: Map<string, number> = new Map();
  /** Where lists and dictionaries were made, and where more than once. */
  readonly made: Set<number> = new Set();
  readonly remade: Set<number> = new Set();
  /** What the calls of macros that are going on have read and changed around them. */
  readonly records: Dependencies[] = [];
  doublings: number = 0;
  /** By macro, where it calls itself with all but a few items of what it was called with. */
  readonly branching: Map<Block, Map<Place, readonly Branch[]>> = new Map();
  /** The branches of conditions, within the macro that runs, in which what is evaluated stands. */
  readonly branches: Branch[] = [];
  readonly selfCalls: Map<string, number> = new Map();

  /**
   * @param text of the template, for what conditions say of an expression as it is written
   * @param sited whether lists are distinguished by where they are made
   */
  constructor(template: Template, text: string, sited: boolean) {
    this.template = template;
    this.text = text;
    this.sited = sited;
  }

  reach(place: Place, name: string): void {
    this.noteAt(place).names.add(name);
  }

  unknown(place: Place, kind: "attribute" | "call"): void {
    if (this.steps < 0) return;
    this.noteAt(place).unknown.add(kind);
  }

  cost(place: Expression | Tag, kind: string, estimate: number): void {
    if (estimate <= LOOPS) return;
    const { costs } = this.noteAt(place);
    costs.set(kind, Math.max(costs.get(kind) ?? 0, estimate));
  }

  /** What was noted at an expression or a tag. */
  noteAt(place: Expression | Tag): Note {
    const known = this.notes.get(place);
    if (known !== undefined) return known;
    const note: Note = { names: new Set(), unknown: new Set(), costs: new Map() };
    this.notes.set(place, note);
    return note;
  }

  /** Counts a step; false when there have been too many. */
  step(): boolean {
    if (this.steps-- > 0) return true;
    this.givenUp ??= `It takes more than ${STEPS} steps to compute what it names`;
    return false;
  }

  /** Takes note of what an expression was found to be. */
  found(expression: Expression, value: Abstract): Abstract {
    const before = this.values.get(expression);
    this.values.set(expression, before === undefined ? value : this.domain.join(before, value));
    return value;
  }

  /** What an expression may be. */
  abstract evaluate(expression: Expression): Abstract;
  /** Runs tags in order. */
  abstract body(blocks: readonly Block[]): void;
  abstract attribute(object: Abstract, name: string, place: Place): Abstract;
  abstract item(object: Abstract, index: Abstract, place: Place): Abstract;
  abstract call(callee: Abstract, given: Given, place: Place): Abstract;
  abstract iterate(
    value: Abstract,
  ): { readonly element: Abstract; readonly items?: readonly Abstract[] };
  abstract display(value: Abstract): Abstract;
  abstract plain(value: Known): Plain | undefined;
  abstract lift(value: Plain): Abstract;
  abstract changed(value: Known): Abstract;
  abstract givenUnder(value: Known, key: string): Abstract | undefined;
  abstract put(object: Abstract, values: Abstract, addition: Addition): void;
}
