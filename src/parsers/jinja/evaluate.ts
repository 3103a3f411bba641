/**
 * Runs a Jinja template on values that are known or not, both branches of every condition, so that each
 * attribute that it may reach, however the name is made, and what it takes in time and memory is seen.
 * Nothing is rendered, and no function of Python's is called.
 *
 * @module
 */

import { argument, type Given, NONE, onlyKnown, positionally } from "./arguments.ts";
import type { Argument, Block, Expression, Tag, Template } from "./ast.ts";
import {
  type Abstract,
  BITS_PER_DIGIT,
  CHARACTERS,
  DATA,
  digitsOf,
  Domain,
  extentOf,
  isNumber,
  kindOf,
  type Known,
  NOMINAL,
  NUMBER,
  OPEN,
  sizeOfDigits,
  TEXT,
} from "./domain.ts";
import { applyFilter } from "./filters.ts";
import { extrapolate, isUnclear } from "./growth.ts";
import { SPACINGS } from "./lexer.ts";
import type { Addition, Machine, Place } from "./machine.ts";
import { callMethod, ESCAPED, memberOf, textOrNumber } from "./methods.ts";
import { hasAttribute, isInternal, surelyHasAttribute } from "./names.ts";
import { compare, display as displayed, type Plain, sliced, truth } from "./plain.ts";
import { changes, COUNT, joined, KEYED, State, TOTAL } from "./state.ts";

/** Expressions and tags that are evaluated for one template. Real ones take some ten thousand. CWE-400. */
const STEPS = 400_000;
/** Nested expressions; a chain of `~` is as deep as it is long. CWE-674. */
const DEPTH = 1200;
/** Macros that call each other. Real ones go five deep; Python stops below a thousand. CWE-674. */
const CALLS = 60;
/** Times that a list may be doubled: a million items. CWE-770. */
const DOUBLINGS = 20;
/** Results of a macro for the same arguments in different contexts. CWE-834. */
const OUTCOMES = 4;
/** Calls of a macro by itself by which it is seen what grows with each. */
const SAMPLED_CALLS = 3;
/** Rounds of a loop that are evaluated one by one. CWE-834. */
const UNROLLED = 128;
/** The same of loops within each other. CWE-834. */
const UNROLLED_WITHIN = 4096;
/** Rounds until a variable that changes in a loop counts as unknown. CWE-834. */
const ROUNDS = 4;
/** Rounds of loops within each other. Templates go through messages and tools, not through numbers. */
const LOOPS = 1_000_000;
/** The same where the conversation decides how often: three loops over its messages in one another. */
const LOOPS_OVER_DATA = 5_000_000;
/** Rounds of a loop over what a loop around it goes through: messages for each message. */
const AGAIN = 3000;
/** Tags that are gone through, loops and macros counted as often as they run. */
const WORK = 100_000_000;
/** Rounds that are evaluated to tell what grows by a sum from what grows by a product. CWE-834. */
const SAMPLES = 40;
/** Steps that all such rounds of a template may take. */
const SAMPLE_STEPS = 20_000;
/** Size of a text at which no more rounds are needed to tell. */
const PLENTY = 1e30;
/** Characters of a text that has grown in a loop. */
const GROWN = 100_000_000;
/** Binary digits of a number that has grown in a loop. */
const GROWN_DIGITS = 1_000_000;
/** Characters of a text of which the size counts when a macro is called with it. */
const COUNTED = 256;

/** Characters of a paragraph that `lipsum` makes. */
const PARAGRAPH = 700;

/** Functions that renderers give their templates. */
const FUNCTIONS = new Set(
  "range dict namespace cycler joiner lipsum raise_exception strftime_now super self gettext ngettext _"
    .split(" "),
);

/** Those of them that not every renderer gives. */
const OPTIONAL = new Set(
  "lipsum raise_exception strftime_now super gettext ngettext _".split(" "),
);

/** How objects that templates are given begin when they are written out: letters are taken from it. */
const WRITTEN_OUT: Readonly<Record<string, string>> = {
  __proto__: null as never,
  lipsum: "<function generate_lorem_ipsum at 0x7f0000000000>",
  cycler: "<class 'jinja2.utils.Cycler'>",
  joiner: "<class 'jinja2.utils.Joiner'>",
  namespace: "<class 'jinja2.utils.Namespace'>",
  range: "<class 'range'>",
  dict: "<class 'dict'>",
  self: "<TemplateReference None>",
};
/** Filters that give the items of a list as they are asked for. */
const LAZY = new Set("map select reject selectattr rejectattr unique batch".split(" "));
/** Names of special tokens, which come with the model as the template does. */
const PUBLISHED = /_token$|^special_tokens/u;

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
interface Dependencies {
  readonly reads: Map<string, Abstract | undefined>;
  readonly writes: Set<string>;
}

/** What a macro came to. */
interface Outcome {
  readonly value: Abstract;
  readonly work: number;
  readonly reads: ReadonlyMap<string, Abstract | undefined>;
  readonly writes: ReadonlyMap<string, Abstract>;
}

/** Where what is not written anywhere is called. */
const PLACE: Expression = { type: "constant", value: null, at: -1, end: -1 };

/** How large something is. */
interface Sample {
  readonly size: number;
  /** Binary digits, of a number. */
  readonly digits: number;
}

interface Loop {
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

interface Frame {
  readonly block: Block;
  readonly key: string;
  readonly caller: Abstract | undefined;
  readonly bound: readonly (Abstract | undefined)[];
}

/** Evaluates one template. */
export class Evaluator implements Machine {
  readonly domain = new Domain();
  /** What was noted, by expression or tag. */
  readonly notes = new Map<Expression | Tag, Note>();
  /** What each expression was found to be, over all times that it was evaluated. */
  readonly values = new Map<Expression, Abstract>();
  /** Why something was not evaluated to its end. */
  givenUp: string | undefined;

  readonly #template: Template;
  readonly #text: string;
  #state = new State();
  readonly #everything = new Map<string, Abstract>();
  readonly #blocks = new Map<string, Block>();
  readonly #blockTexts = new Map<string, Abstract>();
  readonly #loops: Loop[] = [];
  readonly #frames: Frame[] = [];
  readonly #outcomes = new Map<string, Outcome[]>();
  readonly #guards: string[] = [];
  /** Counts what names have come to have at any time. */
  #stamp = 0;
  #steps = STEPS;
  #depth = 0;
  /** How often what is evaluated runs, by estimate, and how much has run. */
  #rounds = 1;
  /** The rounds of loops that are known to run so often. */
  #exactRounds = 1;
  #work = 0;
  #escapes = false;

  readonly #sited: boolean;
  /** True when a list or a dictionary of the template is changed in place. */
  changesLists = false;

  /**
   * @param text of the template, for what conditions say of an expression as it is written
   * @param sited whether lists are distinguished by where they are made
   */
  constructor(template: Template, text: string, sited: boolean) {
    this.#template = template;
    this.#text = text;
    this.#sited = sited;
  }

  /** Evaluates the template from its beginning to its end. */
  run(): void {
    try {
      this.#run();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.givenUp ??= "It nests too deep to compute what it names";
    }
  }

  #run(): void {
    this.#escapes = this.#template.tags.some(({ name }) => name === "autoescape");
    this.#findBlocks(this.#template.blocks);
    this.#bodyOf(this.#template.blocks);
    // What nothing here calls may be called by what was not understood.
    for (const block of this.#callable) {
      if (this.#called.has(block)) continue;
      const unknown = block.tag.parameters.map(() => this.domain.data);
      this.#macro(block, positionally(...unknown), PLACE);
    }
  }

  readonly #callable: Block[] = [];
  readonly #called = new Set<Block>();

  #findBlocks(blocks: readonly Block[]): void {
    for (const block of blocks) {
      if (block.tag.name === "block") this.#blocks.set(block.tag.targets[0] ?? "", block);
      if (block.tag.name === "macro" || block.tag.name === "call") this.#callable.push(block);
      for (const body of block.bodies) this.#findBlocks(body);
    }
  }

  #note(place: Expression | Tag): Note {
    const known = this.notes.get(place);
    if (known !== undefined) return known;
    const note: Note = { names: new Set(), unknown: new Set(), costs: new Map() };
    this.notes.set(place, note);
    return note;
  }

  reach(place: Place, name: string): void {
    this.#note(place).names.add(name);
  }

  unknown(place: Place, kind: "attribute" | "call"): void {
    if (this.#steps < 0) return;
    this.#note(place).unknown.add(kind);
  }

  cost(place: Expression | Tag, kind: string, estimate: number): void {
    if (estimate <= LOOPS) return;
    const { costs } = this.#note(place);
    costs.set(kind, Math.max(costs.get(kind) ?? 0, estimate));
  }

  // Statements.

  #bodyOf(blocks: readonly Block[]): void {
    for (const block of blocks) this.#block(block);
  }

  #block(block: Block): void {
    const { tag } = block;
    if (!this.#step()) return;
    const before = this.#work;
    this.#work += this.#exactRounds;
    if (this.#work > WORK && before <= WORK) this.cost(tag, "work", this.#work);
    const [value] = tag.expressions;
    switch (tag.name) {
      case "data":
        return this.#write((tag.texts ?? [tag.text ?? ""]).map((text) => this.domain.known(text)));
      case "output":
      case "print":
        return this.#output(value);
      case "if":
        return this.#if(block);
      case "for":
        return this.#for(block);
      case "set":
        return this.#set(tag);
      case "set-block":
        return this.#setBlock(block);
      case "with":
        return this.#with(block);
      case "macro":
        return this.#assign(tag.targets[0] ?? "", this.domain.known({ type: "macro", block }));
      case "call":
        return this.#callBlock(block);
      case "filter":
        return this.#filterBlock(block);
      case "block":
        return this.#namedBlock(block);
      case "break":
      case "continue":
        return this.#leave();
      case "import":
      case "from":
        for (const target of tag.targets) this.#assign(target, this.domain.open);
        return void (value && this.evaluate(value));
      case "trans":
        return this.#trans(block);
      default:
        for (const expression of tag.expressions) this.evaluate(expression);
        for (const body of block.bodies) this.#bodyOf(body);
    }
  }

  #step(): boolean {
    if (this.#steps-- > 0) return true;
    this.givenUp ??= `It takes more than ${STEPS} steps to compute what it names`;
    return false;
  }

  #write(texts: readonly Abstract[]): void {
    const { written } = this.#state;
    if (written === undefined) return;
    this.#state.written = written.map((before, at) =>
      this.#concatenated(before, texts[at] ?? texts[0] ?? this.domain.nothing)
    );
  }

  /** Texts behind each other; longer than a name is, they are not kept. */
  #concatenated(before: Abstract, behind: Abstract): Abstract {
    const { domain } = this;
    const size = before.size + behind.size;
    if (
      size <= CHARACTERS && before.rest === 0 && behind.rest === 0 &&
      before.known.length * behind.known.length <= 64
    ) {
      return domain.of(
        before.known.flatMap((a) => behind.known.map((b) => String(a) + String(b))),
        0,
        { size },
      );
    }
    return domain.of([], TEXT, { size });
  }

  #output(value: Expression | undefined): void {
    if (value === undefined) return;
    const result = this.evaluate(value);
    if (this.#state.written === undefined) return;
    let shown = this.display(result);
    if (
      this.#escapes && (shown.rest !== 0 || shown.known.some((one) => /[&<>'"]/u.test(String(one))))
    ) {
      shown = this.domain.join(shown, this.domain.text);
    }
    this.#write([shown]);
  }

  /** What tags write, as a value. */
  #capture(run: () => void): Abstract {
    const outer = this.#state.written;
    this.#state.written = Array.from({ length: SPACINGS }, () => this.domain.known(""));
    run();
    const texts = this.#state.written ?? [];
    this.#state.written = outer;
    return this.domain.join(...texts);
  }

  #scoped(run: () => void): void {
    const depth = this.#state.scopes.length;
    this.#state.scopes.push(new Map());
    run();
    this.#state.scopes.length = depth;
  }

  #assign(target: string, given: Abstract): void {
    const value = this.domain.kept(given);
    const dot = target.indexOf(".");
    if (dot < 0) {
      const name = target.normalize("NFKC");
      this.#state.bind(name, value);
      this.#remember(name, value);
      return;
    }
    const object = this.#name(target.slice(0, dot));
    this.#store(object, target.slice(dot + 1), value);
  }

  /** Any value that a name ever has, for macros and blocks, which look it up when they run. */
  #remember(name: string, value: Abstract): void {
    const before = this.#everything.get(name) ?? this.domain.nothing;
    const after = this.domain.join(before, value);
    if (after === before) return;
    this.#stamp++;
    this.#everything.set(name, after);
  }

  #store(object: Abstract, name: string, value: Abstract): void {
    for (const known of object.known) {
      if (typeof known !== "object" || known?.type !== "namespace") continue;
      const key = `${known.site}.${name}`;
      const before = this.#held(key);
      const single = object.known.length === 1 && object.rest === 0 &&
        this.#held(`${known.site} many`) === undefined;
      const after = single ? value : this.domain.join(before ?? this.domain.undefined, value);
      if (after !== before) this.#hold(key, after);
    }
  }

  #set(tag: Tag): void {
    const [value] = tag.expressions;
    if (value === undefined) return;
    const [target, ...others] = tag.targets;
    if (target !== undefined && others.length === 0) this.#aliases.set(target, this.#rootOf(value));
    this.#bindTargets(tag.targets, this.evaluate(value));
  }

  /** Of variables, the name that their values are a part of. */
  readonly #aliases = new Map<string, string>();

  #rootOf(expression: Expression): string {
    const root = rootOf(expression);
    return this.#aliases.get(root) ?? root;
  }

  #bindTargets(targets: readonly string[], value: Abstract): void {
    const [only] = targets;
    if (targets.length === 1 && only !== undefined) return this.#assign(only, value);
    const { element, items } = this.iterate(value);
    targets.forEach((target, at) => {
      const flat = items !== undefined && items.length === targets.length;
      // Targets in brackets are listed one after the other: any of them may be a part of an item.
      const own = flat
        ? items[at] ?? this.domain.undefined
        : this.domain.join(element, this.#inside(element));
      this.#assign(target, own);
    });
  }

  #inside(value: Abstract): Abstract {
    return this.iterate(value).element;
  }

  #setBlock({ tag, bodies }: Block): void {
    const text = this.#capture(() => this.#scoped(() => this.#bodyOf(bodies[0] ?? [])));
    if (text.size > GROWN) this.cost(tag, "size", text.size);
    const [filter] = tag.expressions;
    this.#bindTargets(tag.targets, filter === undefined ? text : this.#filtered(filter, text));
  }

  #filterBlock({ tag, bodies }: Block): void {
    const text = this.#capture(() => this.#scoped(() => this.#bodyOf(bodies[0] ?? [])));
    const [filter] = tag.expressions;
    if (filter !== undefined) this.#write([this.display(this.#filtered(filter, text))]);
  }

  /** A chain of filters that begins with a block's text. */
  #filtered(filter: Expression, text: Abstract): Abstract {
    if (filter.type !== "filter") return this.evaluate(filter);
    const value = filter.object === undefined ? text : this.#filtered(filter.object, text);
    const given = this.#given(filter.arguments);
    return this.#found(filter, applyFilter(this, filter.name, value, given, filter));
  }

  #with({ tag, bodies }: Block): void {
    const values = tag.expressions.map((expression) => this.evaluate(expression));
    this.#scoped(() => {
      tag.targets.forEach((target, at) =>
        this.#assign(target, values[at] ?? this.domain.undefined)
      );
      this.#bodyOf(bodies[0] ?? []);
    });
  }

  #trans({ tag, bodies }: Block): void {
    const values = tag.expressions.map((expression) => this.evaluate(expression));
    const text = this.#capture(() =>
      this.#scoped(() => {
        tag.targets.forEach((target, at) =>
          this.#assign(target, values[at] ?? this.domain.undefined)
        );
        for (const body of bodies) this.#bodyOf(body);
      })
    );
    this.#write([this.domain.of([], TEXT, text)]);
  }

  /** A block runs where it stands, and again where `self` names it, with what names are then. */
  #namedBlock(block: Block): void {
    const name = block.tag.targets[0] ?? "";
    const text = this.#capture(() =>
      this.#detached(() => this.#bodyOf(block.bodies[0] ?? []), new Map())
    );
    this.#blockTexts.set(
      name,
      this.domain.join(this.#blockTexts.get(name) ?? this.domain.nothing, text),
    );
    this.#write([text]);
  }

  /** Runs what sees no scope around it but what names may be at any time. */
  #detached(run: () => void, own: Map<string, Abstract>): void {
    const around = this.#state.scopes.splice(0);
    const root = this.#root;
    this.#root ??= around[0];
    this.#state.scopes.push(new Map(), own);
    run();
    this.#root = root;
    this.#state.scopes.splice(0);
    this.#state.scopes.push(...around);
  }

  /** The scope of the template itself, while a macro or a block runs. */
  #root: ReadonlyMap<string, Abstract> | undefined;

  #if({ tag, turns, bodies }: Block): void {
    const tests = [tag, ...turns].map(({ expressions, name }) =>
      name === "else" ? undefined : expressions[0]
    );
    let after: State | undefined;
    let possible = true;
    const guards = this.#guards.length;
    for (const [at, body] of bodies.entries()) {
      const test = tests[at];
      const value = test === undefined ? undefined : this.evaluate(test);
      const certain = value === undefined ? true : this.#truthOf(value);
      // Within a macro that calls itself, the way out of it is what is asked for.
      const followed = this.#recursing();
      if (certain === false && followed) continue;
      const before = this.#state.clone();
      if (test !== undefined) this.#guard(test);
      this.#bodyOf(body);
      this.#guards.length = guards;
      // What is never entered leaves nothing behind.
      if (possible && certain !== false) {
        after = after === undefined ? this.#state : this.#join(after, this.#state);
      }
      this.#state = before;
      if (certain === true) possible = false;
      if (certain === true && followed) break;
    }
    if (possible) after = after === undefined ? this.#state : this.#join(after, this.#state);
    if (after !== undefined) this.#state = after;
  }

  #recursing(): boolean {
    const current = this.#frames.at(-1);
    return this.#frames.filter(({ block }) => block === current?.block).length > 1;
  }

  #join(one: State, other: State): State {
    return joined(one, other, this.domain, (name, depth) => this.#unbound(name, depth, other));
  }

  /** What a name is where only the other way binds it in a scope: what it is around, or of the context. */
  #unbound(name: string, depth: number, state: State): Abstract {
    for (let at = depth - 1; at >= 0; at--) {
      const value = state.scopes[at]?.get(name);
      if (value !== undefined) return value;
    }
    if (this.#root === undefined) return this.#context(name);
    return this.#root.get(name) ?? (PUBLISHED.test(name) ? this.domain.text : this.domain.data);
  }

  #truthOf(value: Abstract): boolean | undefined {
    if (value.rest !== 0 || value.known.length === 0) return undefined;
    const truths = new Set(value.known.map((one) => {
      if (typeof one === "object" && one !== null && one.type === "undefined") return false;
      const plain = this.plain(one);
      return plain === undefined ? undefined : truth(plain);
    }));
    const [only] = truths;
    return truths.size === 1 ? only : undefined;
  }

  /** The constraint of a condition on an index: `key in table`. */
  #guard(test: Expression): void {
    if (test.type !== "binary") return;
    if (test.operator === "and") {
      this.#guard(test.left);
      this.#guard(test.right);
    }
    if (test.operator === "in") this.#guards.push(this.#guardOf(test.right, test.left));
  }

  #guardOf(table: Expression, key: Expression): string {
    return `${this.#written(table)}[${this.#written(key)}]`;
  }

  #written({ at, end }: Expression): string {
    return this.#text.slice(at, end).replace(/\s+/gu, "");
  }

  #leave(): void {
    const loop = this.#loops.at(-1);
    if (loop === undefined) return;
    const state = this.#state.clone();
    if (state.written !== undefined) {
      state.written = state.written.map(({ size }) => this.domain.of([], TEXT, { size }));
    }
    state.scopes.length = Math.min(state.scopes.length, loop.depth + 1);
    loop.left.push(state);
    if (loop.broken.length < UNROLLED) loop.broken.push(state.clone());
  }

  #for({ tag, bodies }: Block): void {
    const [iterated] = tag.expressions;
    if (iterated === undefined) return;
    const value = this.evaluate(iterated);
    const before = this.#state.clone();
    this.#loop(tag, iterated, value, bodies[0] ?? []);
    const after = this.#state;
    this.#state = before;
    this.#bodyOf(bodies[1] ?? []);
    this.#state = this.#join(after, this.#state);
    // A loop over items that are known runs, and what was before it is over.
    if ((this.iterate(value).items?.length ?? 0) > 0 && bodies[1] === undefined) {
      this.#state = after;
    }
  }

  #loop(tag: Tag, iterated: Expression, value: Abstract, body: readonly Block[]): void {
    const { items, element } = this.iterate(value);
    const data = (value.rest & ~NUMBER) !== 0 ||
      value.known.some((one) => typeof one === "object" && one?.type === "many");
    // What is made of the items of a range is as many as they are.
    const many = value.rest === 0 && (this.domain.countOf(value) ?? 0) > UNROLLED;
    const counted = !data || many || (element.rest & ~NUMBER) === 0;
    const root = this.#rootOf(iterated);
    const rounds = counted
      ? items?.length ?? this.#lengthOf(value)
      : this.#nominalRounds(value, root);
    const outer = this.#rounds;
    const exact = this.#exactRounds;
    if (counted) this.#exactRounds *= Math.max(1, rounds);
    const most = this.#exactRounds > LOOPS || outer * rounds > LOOPS_OVER_DATA;
    if (most && exact <= LOOPS && outer <= LOOPS_OVER_DATA) {
      this.cost(tag, "loop", outer * rounds);
    }
    const loop: Loop = {
      tag,
      id: tag.at + 1,
      root,
      over: this.#written(iterated),
      sites: this.#sitesOf(iterated),
      left: [],
      broken: [],
      again: this.domain.nothing,
      depth: this.#state.scopes.length,
    };
    this.#loops.push(loop);
    this.#walked.push(loop.sites);
    const heap = this.#sited ? new Map(this.#state.heap) : undefined;
    const nested = this.#loops.length > 1;
    const unrolls = items !== undefined && items.length <= UNROLLED && this.#steps > STEPS / 2 &&
      !(nested && this.#exactRounds > UNROLLED_WITHIN);
    if (unrolls) {
      for (const item of items) this.#round(loop, item, iterated, body);
      this.#goOn(loop, heap, element, iterated);
      if (loop.again !== this.domain.nothing) {
        this.#untilStable(loop, element, iterated, body, { rounds, counted });
      }
    } else {
      this.#rounds = Math.min(outer * Math.max(1, rounds), 1e300);
      this.#untilStable(
        loop,
        this.domain.with(element, { from: data ? loop.id : element.from }),
        iterated,
        body,
        { rounds, counted },
      );
      this.#goOn(loop, heap, element, iterated);
      if (loop.again !== this.domain.nothing) {
        this.#untilStable(loop, element, iterated, body, { rounds, counted });
      }
    }
    for (const state of loop.broken) {
      state.scopes.length = Math.min(state.scopes.length, loop.depth);
      this.#state = this.#join(this.#state, state);
    }
    this.#rounds = outer;
    this.#exactRounds = exact;
    this.#loops.pop();
    this.#walked.pop();
  }

  /** Where the lists were made that the loops around go through, those around a macro's calls included. */
  readonly #walked: ReadonlySet<number>[] = [];

  /** Where the lists were made that a loop goes through as they are at the time. */
  #sitesOf(iterated: Expression): ReadonlySet<number> {
    let source = iterated;
    while (source.type === "filter" && LAZY.has(source.name) && source.object !== undefined) {
      source = source.object;
    }
    const { known = [] } = this.values.get(source) ?? {};
    return new Set(
      known.flatMap((one) =>
        typeof one === "object" && one?.type === "list" && one.site !== undefined ? [one.site] : []
      ),
    );
  }

  /** A loop goes on through what its rounds have put into what it goes through. */
  #goOn(
    loop: Loop,
    heap: ReadonlyMap<string, Abstract> | undefined,
    element: Abstract,
    iterated: Expression,
  ): void {
    if (heap === undefined) return;
    const changed = [...this.#state.heap].some(([key, value]) =>
      key.startsWith("list") && heap.get(key) !== value
    );
    if (!changed) return;
    const now = this.iterate(this.evaluate(iterated)).element;
    if (this.domain.join(element, now) !== element) {
      loop.again = this.domain.join(loop.again, now);
    }
  }

  /** How often a loop over a part of the conversation runs, by estimate. */
  #nominalRounds(value: Abstract, root: string): number {
    const innermost = this.#loops.at(-1);
    // What lies in an item of the loop around it is, all in all, as much as the conversation.
    const inside = innermost !== undefined && value.from === innermost.id;
    return !inside && this.#loops.some((loop) => loop.root === root) ? AGAIN : NOMINAL;
  }

  /** How often a loop over a value runs. */
  #lengthOf(value: Abstract): number {
    const lengths = value.known.map((one) => {
      if (typeof one === "string") return one.length;
      if (typeof one !== "object" || one === null) return 1;
      if (one.type === "list") return one.items.length + this.#givenCount(one);
      if (one.type === "dict") return one.pairs.length + this.#givenCount(one);
      return one.type === "many" ? value.size : 1;
    });
    return Math.max(1, ...lengths, (value.rest & ~NUMBER) === 0 ? 1 : value.size);
  }

  /** One round; what it leaves behind is the state. */
  #round(loop: Loop, item: Abstract, iterated: Expression, body: readonly Block[]): void {
    const { tag } = loop;
    const depth = this.#state.scopes.length;
    this.#state.scopes.push(new Map());
    this.#state.bind("loop", this.domain.known({ type: "loop", tag }));
    this.#bindTargets(tag.targets, item);
    this.#bindKeys(tag, iterated);
    const guards = this.#guards.length;
    if (tag.only !== undefined) {
      this.evaluate(tag.only);
      this.#guard(tag.only);
    }
    this.#bodyOf(body);
    this.#guards.length = guards;
    for (const state of loop.left.splice(0)) this.#state = this.#join(this.#state, state);
    this.#state.scopes.length = depth;
  }

  /** The first name of a loop over a dictionary is one of its keys. */
  #bindKeys({ targets }: Tag, iterated: Expression): void {
    const [first] = targets;
    const base = keyed(iterated, targets.length);
    const value = first === undefined ? undefined : this.#state.scopes.at(-1)?.get(first);
    if (base === undefined || first === undefined || value === undefined) return;
    this.#state.bind(first, this.domain.with(value, { keyOf: this.#written(base) }));
  }

  /** Goes round until nothing changes any more. */
  #untilStable(
    loop: Loop,
    element: Abstract,
    iterated: Expression,
    body: readonly Block[],
    { rounds, counted }: { readonly rounds: number; readonly counted: boolean },
  ): void {
    const work = this.#work;
    let last = work;
    const samples: Map<string, Sample>[] = [];
    let target: readonly Abstract[] | undefined;
    let sampled = ROUNDS;
    let known = 0;
    for (let round = 0; round < sampled + ROUNDS; round++) {
      const before = this.#state.clone();
      const stamp = this.#stamp;
      last = this.#work;
      const steps = this.#steps;
      this.#round(loop, this.domain.join(element, loop.again), iterated, body);
      last = this.#work - last;
      if (round >= ROUNDS && round < sampled) this.#sampleSteps -= steps - this.#steps;
      const after = this.#state;
      this.#state = this.#join(before, after);
      const changed = changes(before, this.#state);
      const texts = target === undefined &&
        (before.written?.some((one, at) => one !== this.#state.written?.[at]) ?? false);
      if (texts) target = this.#repeated(before, rounds);
      if (target !== undefined) this.#state.written = target;
      if (round === 0) samples.push(this.#sizesOf(before, changed));
      if (round < sampled) samples.push(this.#sizesOf(this.#state, changed));
      if (changed.length === 0 && !texts && (stamp === this.#stamp || round > sampled)) break;
      if (
        round === ROUNDS - 1 && !this.#sampled.has(loop.tag) &&
        this.#isUnclear(samples, changed.length > known)
      ) {
        this.#sampled.add(loop.tag);
        sampled = Math.min(SAMPLES, 2 * (ROUNDS + changed.length));
      }
      known = changed.length;
      if (round < sampled - 1 && !this.#isPlenty(samples)) continue;
      if (round < sampled) {
        sampled = round + 1;
        this.#estimate(loop, samples, rounds, counted);
      }
      this.#widen(before, round > sampled + 1);
      const settled = changes(before, this.#state).length === 0 && !texts;
      if (settled && (stamp === this.#stamp || round > sampled)) break;
    }
    this.#work = work + last;
  }

  #sizesOf(state: State, changed: readonly string[]): Map<string, Sample> {
    return new Map(changed.map((where) => {
      const value = this.#at(state, where);
      return [where, {
        size: value?.size ?? 0,
        digits: value !== undefined && isNumber(value) ? digitsOf(value) : 0,
      }];
    }));
  }

  #sampleSteps = SAMPLE_STEPS;
  /** Loops of which more rounds have been evaluated. */
  readonly #sampled = new Set<Tag>();

  /** Whether more rounds are needed to tell how what changes in a loop grows. */
  #isUnclear(samples: readonly ReadonlyMap<string, Sample>[], more: boolean): boolean {
    if (this.#sampleSteps < 0) return false;
    return more || [...samples.at(-1)?.keys() ?? []].some((where) => {
      const all = samplesOf(samples, where);
      return isUnclear(all.map(({ size }) => size)) || isUnclear(all.map(({ digits }) => digits));
    });
  }

  #isPlenty(samples: readonly ReadonlyMap<string, Sample>[]): boolean {
    return this.#sampleSteps < 0 ||
      [...samples.at(-1)?.values() ?? []].some(({ size, digits }) => digits === 0 && size > PLENTY);
  }

  #at(state: State, where: string): Abstract | undefined {
    const gap = where.indexOf(" ");
    const name = where.slice(gap + 1);
    const map = where.startsWith("heap") ? state.heap : state.scopes[Number(where.slice(0, gap))];
    return map?.get(name);
  }

  /** What changes in every round is not known, and as large as it has become by then. */
  #widen(before: State, rough: boolean): void {
    const widened = (
      one: ReadonlyMap<string, Abstract> | undefined,
      map: Map<string, Abstract>,
    ): void => {
      for (const [name, value] of map) {
        const old = one?.get(name);
        if (old !== undefined && old !== value) {
          if (this.domain.with(value, old) === old) {
            const size = Math.max(old.size, this.#multiplied.get(name) ?? 0);
            map.set(name, this.domain.with(old, { size }));
            continue;
          }
          const wide = this.domain.widen(old, value, rough);
          map.set(
            name,
            this.domain.with(wide, { size: Math.max(wide.size, this.#grown.get(name) ?? 0) }),
          );
        }
      }
    };
    this.#state.scopes.forEach((scope, at) => widened(before.scopes[at], scope));
    widened(before.heap, this.#state.heap);
  }

  readonly #grown = new Map<string, number>();
  /** Those of them that each round multiplies, or that a loop adds to a known number of times. */
  readonly #multiplied = new Map<string, number>();

  /** Takes what has grown in the first rounds for what it will be after all of them. */
  #estimate(
    { tag }: Loop,
    samples: readonly ReadonlyMap<string, Sample>[],
    rounds: number,
    counted: boolean,
  ): void {
    for (const where of samples.at(-1)?.keys() ?? []) {
      const name = where.slice(where.indexOf(" ") + 1);
      const value = this.#at(this.#state, where);
      const all = samplesOf(samples, where);
      const sizes = all.map(({ size }) => size);
      const growth = extrapolate(sizes, counted ? rounds : undefined, rounds);
      if (growth !== undefined) {
        this.#grown.set(name, growth.grown);
        if (counted || growth.geometric) this.#multiplied.set(name, growth.grown);
      }
      const numeric = value !== undefined && isNumber(value) && !name.startsWith(TOTAL);
      if (!numeric) {
        if (growth !== undefined && growth.grown > GROWN) this.cost(tag, "growth", growth.grown);
        continue;
      }
      const digits = extrapolate(
        all.map((one) => one.digits),
        counted ? rounds : undefined,
        rounds,
      );
      if (digits !== undefined && digits.grown > GROWN_DIGITS) {
        this.cost(tag, "digits", digits.grown);
      }
    }
  }

  /** What a loop writes is not known when it is not known how often it runs. */
  #repeated(before: State, rounds: number): readonly Abstract[] | undefined {
    return this.#state.written?.map(({ size }, at) => {
      const start = before.written?.[at]?.size ?? 0;
      const whole = Math.min(start + (size - start) * rounds, 1e300);
      return this.domain.of([], TEXT, { size: whole });
    });
  }

  #callBlock(block: Block): void {
    const { tag } = block;
    const call = tag.expressions.at(-1);
    if (call?.type !== "call") return void (call && this.evaluate(call));
    const callee = this.evaluate(call.object);
    const given = this.#given(call.arguments);
    const caller = this.domain.known({ type: "caller", block });
    const named = new Map([...given.named, ["caller", caller]]);
    this.#write([this.display(this.call(callee, { ...given, named }, call))]);
  }

  // Expressions.

  /** What an expression may be. */
  evaluate(expression: Expression): Abstract {
    if (!this.#step()) return this.domain.open;
    if (this.#depth >= DEPTH) {
      this.givenUp ??= `Its expressions are nested more than ${DEPTH} deep`;
      return this.domain.open;
    }
    this.#depth++;
    try {
      const value = this.#sizedBy(this.#evaluate(expression));
      // What has no value here is not understood.
      return this.#found(expression, value === this.domain.nothing ? this.domain.text : value);
    } finally {
      this.#depth--;
    }
  }

  #found(expression: Expression, value: Abstract): Abstract {
    const before = this.values.get(expression);
    this.values.set(expression, before === undefined ? value : this.domain.join(before, value));
    return value;
  }

  #evaluate(expression: Expression): Abstract {
    const { domain } = this;
    switch (expression.type) {
      case "constant":
        if (expression.float === true) {
          return domain.of(
            [],
            NUMBER,
            sizeOfDigits(Math.log2(2 + Math.abs(Number(expression.value)))),
          );
        }
        if (typeof expression.value === "number" && !Number.isSafeInteger(expression.value)) {
          const digits = (expression.end - expression.at) * BITS_PER_DIGIT;
          return domain.of([], NUMBER, sizeOfDigits(digits));
        }
        return domain.known(expression.value);
      case "name":
        return this.#name(expression.name);
      case "list": {
        const list = domain.known({
          type: "list",
          items: expression.items.map((item) => domain.kept(this.evaluate(item))),
          ...(expression.tuple ? { tuple: true } : this.#site(expression)),
        });
        if (list.size > GROWN) this.cost(expression, "size", list.size);
        return list;
      }
      case "dict":
        return domain.known({
          type: "dict",
          pairs: expression.pairs.map(([key, value]) =>
            [this.evaluate(key), domain.kept(this.evaluate(value))] as const
          ),
          ...this.#site(expression),
        });
      case "attribute":
        return /^\d/u.test(expression.name)
          ? this.item(
            this.evaluate(expression.object),
            this.lift(Number(expression.name)),
            expression,
          )
          : this.attribute(this.evaluate(expression.object), expression.name, expression);
      case "item":
        return this.#itemOf(expression);
      case "slice":
        for (const part of expression.parts) if (part !== undefined) this.evaluate(part);
        return domain.number;
      case "call":
        return this.#callOf(expression);
      case "filter": {
        const value = expression.object === undefined
          ? domain.text
          : this.evaluate(expression.object);
        return applyFilter(
          this,
          expression.name,
          value,
          this.#given(expression.arguments),
          expression,
        );
      }
      case "test":
        if (expression.object !== undefined) this.evaluate(expression.object);
        this.#given(expression.arguments);
        return domain.join(domain.known(true), domain.known(false));
      case "unary":
        return this.#unary(expression);
      case "binary":
        return this.#binary(expression);
      case "conditional":
        return this.#conditional(expression);
    }
  }

  /** Where a list is made, once it is known that some list is changed in place. */
  #site({ at }: Expression): { readonly site?: number } {
    if (this.#made.has(at)) this.#remade.add(at);
    this.#made.add(at);
    return this.#sited ? { site: at } : {};
  }

  /** The value with the size of all that its lists, dictionaries and namespaces hold by now. */
  #sizedBy(value: Abstract): Abstract {
    if (!value.known.some((one) => typeof one === "object" && one !== null)) return value;
    const sizes = value.known.map((one) => {
      if (typeof one !== "object" || one === null) return 0;
      const held = this.#heldSize(one, new Set());
      return held === 0 ? 0 : held + this.domain.known(one).size;
    });
    const size = Math.max(value.size, ...sizes);
    return size === value.size ? value : this.domain.with(value, { size });
  }

  /** What lists and dictionaries were given that a value consists of, and what namespaces hold. */
  #heldSize(value: Known, seen: Set<number | string>): number {
    if (typeof value !== "object" || value === null) return 0;
    if (value.type === "namespace") {
      if (seen.has(value.site)) return 0;
      seen.add(value.site);
      let size = 0;
      for (const [key, one] of this.#state.heap) {
        if (key.startsWith(`${value.site}.`)) size += ESCAPED * one.size;
      }
      return size;
    }
    if (value.type !== "list" && value.type !== "dict" && value.type !== "many") return 0;
    if (!this.#sited || !this.changesLists) return 0;
    const site = value.type === "many" ? undefined : value.site;
    const key = site === undefined ? "" : String(site);
    let size = 0;
    if (!seen.has(key)) {
      seen.add(key);
      if (site !== undefined || value.type === "many") {
        size += this.#held(`${TOTAL}${key}`)?.size ?? 0;
      }
    }
    const inside = [this.domain.elements(value), this.changed(value)];
    for (const { id, known } of inside) {
      if (seen.has(`value ${id}`)) continue;
      seen.add(`value ${id}`);
      for (const one of known) size += this.#heldSize(one, seen);
    }
    return size;
  }

  /** How many items a list or a dictionary was given. */
  #givenCount(value: Known): number {
    if (typeof value !== "object" || value === null || !this.#sited) return 0;
    if (value.type !== "list" && value.type !== "dict") return 0;
    return value.site === undefined ? 0 : this.#held(`${COUNT}${value.site}`)?.size ?? 0;
  }

  #conditional({ test, then, otherwise }: Extract<Expression, { type: "conditional" }>): Abstract {
    const certain = this.#truthOf(this.evaluate(test));
    const guards = this.#guards.length;
    // Within a macro that calls itself, the way out of it is what is asked for.
    const skipped = this.#recursing() ? certain : undefined;
    this.#guard(test);
    const first = skipped === false ? this.domain.nothing : this.evaluate(then);
    this.#guards.length = guards;
    const second = skipped === true
      ? this.domain.nothing
      : otherwise === undefined
      ? this.domain.undefined
      : this.evaluate(otherwise);
    if (certain === undefined) return this.domain.join(first, second);
    return certain ? first : second;
  }

  #unary({ operator, operand }: Extract<Expression, { type: "unary" }>): Abstract {
    const value = this.evaluate(operand);
    if (operator === "not") {
      const certain = this.#truthOf(value);
      return certain === undefined
        ? this.domain.join(this.domain.known(true), this.domain.known(false))
        : this.domain.known(!certain);
    }
    const only = onlyKnown(value);
    if (typeof only === "number") return this.domain.known(operator === "-" ? -only : only);
    return this.domain.of([], NUMBER, value);
  }

  #binary(expression: Extract<Expression, { type: "binary" }>): Abstract {
    const { operator, left, right } = expression;
    const place = expression;
    const a = this.evaluate(left);
    if (operator === "and" || operator === "or") {
      const certain = this.#truthOf(a);
      const guards = this.#guards.length;
      if (operator === "and") this.#guard(left);
      const b = this.evaluate(right);
      this.#guards.length = guards;
      if (certain === undefined) return this.domain.join(a, b);
      return certain === (operator === "and") ? b : a;
    }
    const b = this.evaluate(right);
    if (/^(?:[=!<>]=?|in|not in)$/u.test(operator)) return this.#compared(operator, a, b);
    if (operator === "+" || operator === "*" || operator === "%" || operator === "**") {
      return textOrNumber(this, operator, a, b, place);
    }
    if (operator === "~") {
      return textOrNumber(this, operator, this.display(a), this.display(b), place);
    }
    if (operator === "//" || operator === "-") return textOrNumber(this, operator, a, b, place);
    return this.domain.of([], NUMBER, { size: Math.max(a.size, 1) });
  }

  #compared(operator: string, a: Abstract, b: Abstract): Abstract {
    const [x, y] = [onlyKnown(a), onlyKnown(b)];
    const [left, right] = [
      x === undefined ? undefined : this.plain(x),
      y === undefined ? undefined : this.plain(y),
    ];
    if (left !== undefined && right !== undefined) {
      const result = compare(operator, left, right);
      if (result !== undefined) return this.domain.known(result);
    }
    return this.domain.join(this.domain.known(true), this.domain.known(false));
  }

  /** Python takes names in another form of the same letters for the same. */
  #name(written: string): Abstract {
    const name = written.normalize("NFKC");
    return this.#state.lookup(name) ?? this.#context(name);
  }

  /** What a name is that no scope binds. */
  #context(name: string): Abstract {
    if (name === "caller") return this.#frames.at(-1)?.caller ?? this.domain.undefined;
    const value = this.#around(name);
    for (const { reads } of this.#records) {
      if (!reads.has(`name ${name}`)) reads.set(`name ${name}`, value);
    }
    return value;
  }

  #around(name: string): Abstract {
    const { domain } = this;
    const anywhere = this.#everything.get(name) ?? domain.nothing;
    if (FUNCTIONS.has(name)) {
      const missing = OPTIONAL.has(name) ? domain.undefined : domain.nothing;
      return domain.join(domain.known({ type: "function", name }), missing, anywhere);
    }
    if (anywhere !== domain.nothing && this.#root?.has(name)) return anywhere;
    return domain.join(anywhere, PUBLISHED.test(name) ? domain.text : domain.data);
  }

  attribute(object: Abstract, name: string, place: Place): Abstract {
    const { domain } = this;
    if (isInternal(name)) this.reach(place, name);
    const results = object.known.map((one) => this.#attributeOf(one, name, object.size));
    if ((object.rest & OPEN) !== 0) results.push(domain.open);
    if ((object.rest & ~OPEN) !== 0) {
      const rest = domain.of([], object.rest & ~OPEN, object);
      results.push(domain.of([], object.rest & DATA, object));
      if (
        (object.rest & ~NUMBER) !== 0 &&
        (name === "format" || name === "format_map" || (object.rest & TEXT) !== 0)
      ) {
        results.push(domain.known({ type: "method", receiver: rest, name }));
        if (!surelyHasAttribute("str", name)) results.push(domain.undefined);
      }
    }
    if (isInternal(name)) results.push(domain.open);
    const mutated = this.#held("data");
    if (mutated !== undefined && (object.rest & DATA) !== 0) results.push(mutated);
    return domain.join(...results);
  }

  #attributeOf(value: Known, name: string, size: number): Abstract {
    const { domain } = this;
    const receiver = domain.of([value], 0, { size });
    if (value === null) return domain.undefined;
    if (typeof value !== "object") {
      if (typeof value !== "string") return this.#possibleMethod(receiver, name, false);
      return hasAttribute("str", name)
        ? this.#possibleMethod(receiver, name, surelyHasAttribute("str", name))
        : domain.undefined;
    }
    switch (value.type) {
      case "namespace": {
        const { site } = value;
        const own = this.#held(`${site}.${name}`);
        const any = this.#held(`${site} any`) ?? domain.nothing;
        return domain.join(own ?? domain.undefined, any);
      }
      case "loop":
        // There is none before the first and behind the last.
        if (name === "previtem" || name === "nextitem") {
          return domain.join(this.#items(value.tag), domain.undefined);
        }
        return /^(?:cycle|changed)$/u.test(name)
          ? domain.known({ type: "method", receiver, name })
          : domain.number;
      case "dict": {
        const method = hasAttribute("dict", name)
          ? this.#possibleMethod(receiver, name, surelyHasAttribute("dict", name))
          : domain.undefined;
        const member = memberOf(this, value, domain.known(name));
        // `x.keys` is the method, whatever the dictionary holds; other renderers ask it first.
        if (member !== undefined) {
          return hasAttribute("dict", name) ? domain.join(method, member) : member;
        }
        return domain.join(method, domain.elements(value), this.changed(value));
      }
      case "function":
        if (value.name === "self") {
          return domain.join(
            domain.known({ type: "function", name: `self.${name}` }),
            this.#blocks.has(name) ? domain.nothing : domain.undefined,
          );
        }
        return domain.open;
      case "macro":
      case "caller":
      case "method":
        return domain.data;
      case "undefined":
        return domain.undefined;
      case "list": {
        const at = value.fields?.indexOf(name) ?? -1;
        return value.items[at] ??
          (hasAttribute("list", name)
            ? this.#possibleMethod(
              receiver,
              name,
              !value.tuple && value.lazy === undefined && surelyHasAttribute("list", name),
            )
            : domain.undefined);
      }
      case "many":
        return domain.join(this.#possibleMethod(receiver, name, false), value.element);
      case "object":
        // What a cycler is at and goes through, what a joiner writes: any of it.
        return domain.join(
          domain.known({ type: "method", receiver, name }),
          name === "items" ? domain.many(value.items) : value.items,
          domain.number,
          domain.undefined,
        );
    }
  }

  /** A method that a value has, surely or not. */
  #possibleMethod(receiver: Abstract, name: string, sure: boolean): Abstract {
    const method = this.domain.known({ type: "method", receiver, name });
    return sure ? method : this.domain.join(method, this.domain.undefined);
  }

  /** What is in a list or a dictionary that is changed in place, besides what it is made with. */
  changed(value: Known): Abstract {
    const { domain } = this;
    if (typeof value !== "object" || value === null) return domain.nothing;
    if (value.type !== "list" && value.type !== "dict" && value.type !== "many") {
      return domain.nothing;
    }
    if (!this.#sited) return domain.nothing;
    const site = value.type === "many" ? undefined : value.site;
    const keys = site === undefined
      ? this.#unsited()
      : domain.lost.has(site)
      ? [`list ${site}`, "list"]
      : [`list ${site}`];
    return domain.join(...keys.map((key) => this.#held(key) ?? domain.nothing));
  }

  /** Under which keys the heap has what a list may have been given of which it is not known where it was made. */
  #unsited(): readonly string[] {
    if (this.domain.holdsIterators) {
      return ["list", ...[...this.#made].map((site) => `list ${site}`)];
    }
    return ["list", ...[...this.domain.lost].map((site) => `list ${site}`)];
  }

  /** Where lists and dictionaries were made, and where more than once. */
  readonly #made = new Set<number>();
  readonly #remade = new Set<number>();

  /** What an object holds that is changed in place. */
  #held(key: string): Abstract | undefined {
    const value = this.#state.heap.get(key);
    for (const { reads, writes } of this.#records) {
      if (!writes.has(key) && !reads.has(`heap ${key}`)) reads.set(`heap ${key}`, value);
    }
    return value;
  }

  #hold(key: string, value: Abstract): void {
    this.#state.heap.set(key, value);
    for (const { writes } of this.#records) writes.add(key);
  }

  /** What the calls of macros that are going on have read and changed around them. */
  readonly #records: Dependencies[] = [];

  #items(tag: Tag): Abstract {
    const [iterated] = tag.expressions;
    const value = iterated === undefined ? undefined : this.values.get(iterated);
    return value === undefined ? this.domain.data : this.iterate(value).element;
  }

  #itemOf(expression: Extract<Expression, { type: "item" }>): Abstract {
    const object = this.evaluate(expression.object);
    const { index } = expression;
    if (index.type === "slice") return this.#sliced(object, index);
    const key = this.evaluate(index);
    const guarded = this.#guards.includes(this.#guardOf(expression.object, index)) ||
      (key.keyOf !== "" && key.keyOf === this.#written(expression.object));
    if (
      guarded && object.known.every((one) => typeof one !== "string") &&
      (object.rest & ~(DATA | NUMBER)) === 0
    ) {
      // A key that a dictionary has is found there.
      return this.#looked(object, this.domain.of([], NUMBER));
    }
    return this.item(object, key, expression);
  }

  item(object: Abstract, index: Abstract, place: Place): Abstract {
    const { domain } = this;
    const results: Abstract[] = [];
    const texts = index.known.filter((one) => typeof one === "string");
    for (const one of texts) results.push(this.#named(object, one, place));
    const numbers = index.known.filter((one) => typeof one !== "string");
    if (numbers.length > 0 || (index.rest & NUMBER) !== 0) {
      results.push(this.#looked(object, domain.of(numbers, index.rest & NUMBER, index)));
    }
    if ((index.rest & ~NUMBER) !== 0) {
      results.push(this.#looked(object, index));
      // A part of the conversation as it is may choose from a table of the template's own.
      const table = (object.rest & ~NUMBER) === 0 && object.known.length > 0 &&
        object.known.every((one) => typeof one === "object" && one?.type === "dict");
      if (!(table && index.rest === DATA)) {
        this.unknown(place, "attribute");
      }
      results.push(domain.open);
    }
    return domain.join(...results);
  }

  /** An item by a name, or the attribute of that name. */
  #named(object: Abstract, name: string, place: Place): Abstract {
    const { domain } = this;
    const own = object.known.map((one) =>
      typeof one === "object" && one?.type === "dict"
        ? memberOf(this, one, domain.known(name))
        : undefined
    );
    if (object.rest === 0 && own.length > 0 && !own.includes(undefined)) {
      return domain.join(...own.map((one) => one ?? domain.nothing));
    }
    return domain.join(
      this.attribute(object, name, place),
      ...own.map((one) => one ?? domain.nothing),
      ...object.known.map((one) =>
        typeof one === "object" && one !== null &&
          (one.type === "many" ||
            one.type === "dict" &&
              (one.site !== undefined || one.pairs.some(([key]) => onlyKnown(key) === undefined)))
          ? domain.join(domain.elements(one), this.changed(one))
          : domain.nothing
      ),
    );
  }

  /** Items by numbers, and any item where the index is not known. */
  #looked(object: Abstract, index: Abstract): Abstract {
    const { domain } = this;
    const results: Abstract[] = [];
    const numbers = index.known.filter((one) => typeof one === "number");
    const exact = index.rest === 0 && numbers.length === index.known.length;
    for (const one of object.known) {
      if (exact) {
        for (const at of numbers) results.push(this.#at_(one, at));
      } else {
        results.push(
          typeof one === "string" && one.length > 4096
            ? domain.of([], TEXT, { size: 1 })
            : domain.elements(one),
          this.changed(one),
        );
        if (typeof one === "object" && one?.type === "dict") results.push(domain.undefined);
      }
      if (typeof one === "object" && one?.type === "namespace") results.push(domain.open);
    }
    if ((object.rest & (DATA | OPEN)) !== 0) {
      results.push(domain.of([], object.rest & (DATA | OPEN), object));
      const mutated = this.#held("data");
      if (mutated !== undefined) results.push(mutated);
    }
    if ((object.rest & TEXT) !== 0) results.push(domain.of([], TEXT, object));
    const whole = exact && object.rest === 0 && object.known.length > 0;
    return domain.join(...results, whole ? domain.nothing : domain.undefined);
  }

  #at_(value: Known, at: number): Abstract {
    const { domain } = this;
    if (typeof value === "string") {
      const letters = [...value.slice(0, CHARACTERS)];
      const letter = letters.at(at);
      return letter === undefined ? domain.undefined : domain.known(letter);
    }
    if (typeof value !== "object" || value === null) return domain.undefined;
    if (value.type === "list") {
      // An iterator has no items by number, and only some renderers give lists in its place.
      if (value.lazy === "iterator" || value.lazy === "view") {
        return domain.join(value.items.at(at) ?? domain.nothing, domain.undefined);
      }
      if (value.lazy === "held") {
        return domain.join(domain.elements(value), this.changed(value), domain.undefined);
      }
      const changed = this.changed(value);
      if (changed !== domain.nothing) return domain.join(domain.elements(value), changed);
      return value.items.at(at) ?? domain.undefined;
    }
    if (value.type === "dict") {
      return memberOf(this, value, domain.known(at)) ??
        domain.join(domain.elements(value), this.changed(value), domain.undefined);
    }
    return domain.join(domain.elements(value), this.changed(value), domain.undefined);
  }

  #sliced(object: Abstract, index: Extract<Expression, { type: "slice" }>): Abstract {
    const { domain } = this;
    const parts = index.parts.map((part) => part && this.evaluate(part));
    const numbers = parts.map((part) => {
      const only = part === undefined ? null : onlyKnown(part);
      return only === null ? undefined : typeof only === "number" ? only : Number.NaN;
    });
    const exact = !numbers.some((one) => Number.isNaN(one));
    const results = object.known.map((one) => {
      if (exact && typeof one === "string") {
        return domain.known((sliced([...one], numbers) ?? []).join(""));
      }
      if (
        exact && typeof one === "object" && one?.type === "list" &&
        this.changed(one) === domain.nothing
      ) {
        return domain.known({
          type: "list",
          items: sliced(one.items, numbers) ?? [],
          ...(one.tuple && { tuple: true }),
        });
      }
      if (typeof one === "string") return domain.of([], TEXT, { size: one.length });
      if (typeof one === "object" && one?.type === "undefined") return domain.undefined;
      return domain.many(
        domain.join(domain.elements(one), this.changed(one)),
        Math.max(1, object.size),
        domain.countOf(object),
      );
    });
    // A part of a text of the conversation is not what its author wrote.
    const rest = (object.rest & DATA) !== 0 ? object.rest | TEXT : object.rest;
    return domain.join(...results, domain.of([], rest & ~NUMBER, object));
  }

  #given(given: readonly Argument[]): Given {
    const positional: Abstract[] = [];
    const named = new Map<string, Abstract>();
    let more: Abstract | undefined;
    let others: Abstract | undefined;
    for (const { name, spread, value } of given) {
      const own = this.evaluate(value);
      if (spread === "*") {
        const { items, element } = this.iterate(own);
        if (items !== undefined && more === undefined) positional.push(...items);
        else more = this.domain.join(more ?? this.domain.nothing, element);
      } else if (spread === "**") {
        const table = this.#table(own);
        for (const [key, one] of table.pairs) named.set(key, one);
        if (table.rest !== undefined) {
          others = this.domain.join(others ?? this.domain.nothing, table.rest);
        }
      } else if (name !== undefined) named.set(name.normalize("NFKC"), own);
      else if (more === undefined) positional.push(own);
      else more = this.domain.join(more, own);
    }
    return { positional, named, more, others };
  }

  /** Names and values of a dictionary, as far as they are known. */
  #table(
    value: Abstract,
  ): { readonly pairs: [string, Abstract][]; readonly rest: Abstract | undefined } {
    const only = onlyKnown(value);
    const pairs: [string, Abstract][] = [];
    let rest: Abstract | undefined;
    if (
      typeof only === "object" && only?.type === "dict" &&
      this.changed(only) === this.domain.nothing
    ) {
      for (const [key, one] of only.pairs) {
        const name = onlyKnown(key);
        if (typeof name === "string") pairs.push([name, one]);
        else rest = this.domain.join(rest ?? this.domain.nothing, one);
      }
      return { pairs, rest };
    }
    const inside = value.known.map((one) =>
      this.domain.join(this.domain.elements(one), this.changed(one))
    );
    return { pairs, rest: this.domain.join(...inside, this.domain.of([], value.rest, value)) };
  }

  #callOf(expression: Extract<Expression, { type: "call" }>): Abstract {
    const { object } = expression;
    const given = this.#given(expression.arguments);
    // A method that is called at once.
    if (object.type === "attribute" && !/^\d/u.test(object.name)) {
      const receiver = this.evaluate(object.object);
      if (/^(?:append|extend|insert)$/u.test(object.name)) this.#grows(expression, object.object);
      return this.#method(receiver, object.name, given, object, expression);
    }
    return this.call(this.evaluate(object), given, expression);
  }

  /** A list that grows while a loop goes through it, or by itself, time and again. */
  #grows(call: Extract<Expression, { type: "call" }>, list: Expression): void {
    const own = this.#written(list);
    const within = this.#loops.some(({ over }) => over === own);
    const doubled = call.arguments.some(({ value }) => this.#written(value) === own);
    if (doubled) this.#doublings++;
    if (within || doubled && (this.#loops.length > 0 || this.#doublings > DOUBLINGS)) {
      this.cost(call, "growth", 2 ** (DOUBLINGS + this.#doublings));
    }
  }

  #doublings = 0;

  #method(receiver: Abstract, name: string, given: Given, place: Place, call: Place): Abstract {
    const { domain } = this;
    const results: Abstract[] = [];
    if (isInternal(name)) {
      this.reach(place, name);
      return domain.open;
    }
    const others: Known[] = [];
    for (const one of receiver.known) {
      if (
        typeof one === "object" && one !== null &&
        ["namespace", "loop", "function", "dict", "macro"].includes(one.type)
      ) {
        const member = this.#attributeOf(one, name, receiver.size);
        if (one.type === "macro") results.push(domain.open);
        else results.push(this.call(member, given, call));
      } else others.push(one);
    }
    const rest = domain.of(others, receiver.rest, receiver);
    if (others.length > 0 || receiver.rest !== 0) {
      results.push(callMethod(this, rest, name, given, call));
    }
    return domain.join(...results);
  }

  call(callee: Abstract, given: Given, place: Place): Abstract {
    const { domain } = this;
    const results: Abstract[] = [];
    for (const one of callee.known) {
      if (typeof one !== "object" || one === null) continue;
      if (one.type === "function") results.push(this.#function(one.name, given, place));
      else if (one.type === "macro") results.push(this.#macro(one.block, given, place));
      else if (one.type === "caller") results.push(this.#macro(one.block, given, place));
      else if (one.type === "method") {
        results.push(callMethod(this, one.receiver, one.name, given, place));
      } else if (one.type === "object") results.push(domain.join(one.items, domain.known("")));
      else if (one.type === "loop") results.push(this.#again(one.tag, given, place));
      else if (one.type === "many") results.push(domain.nothing);
    }
    if ((callee.rest & (OPEN | TEXT)) !== 0) {
      if ((callee.rest & OPEN) !== 0) {
        this.unknown(place, "call");
        results.push(domain.open);
      }
    }
    if ((callee.rest & DATA) !== 0) {
      const parts = [...given.positional, ...given.named.values()];
      results.push(
        domain.of([], DATA | TEXT, { size: Math.max(NOMINAL, ...parts.map(({ size }) => size)) }),
      );
    }
    return domain.join(...results);
  }

  /** A loop that goes into what lies in its items. */
  #again(tag: Tag, given: Given, place: Place): Abstract {
    const loop = this.#loops.findLast((one) => one.tag === tag);
    const [first] = given.positional;
    if (loop !== undefined && first !== undefined) {
      // What lies in an item is gone through as deep as it is; anything else again and again.
      const written = place.type === "call" ? place.arguments[0]?.value : undefined;
      const inside = first.from === loop.id ||
        written !== undefined && isPartOf(written, new Set(tag.targets));
      const empty = this.iterate(first).element === this.domain.nothing;
      if (!inside && !empty) this.cost(place, "recursion", WORK);
      loop.again = this.domain.join(loop.again, this.iterate(first).element);
    }
    return this.domain.text;
  }

  #function(name: string, given: Given, place: Place): Abstract {
    const { domain } = this;
    const [first, second, third] = given.positional;
    switch (name) {
      case "range":
        return this.#range(first, second, third, given, place);
      case "dict":
        return this.#dict(given);
      case "namespace":
        return this.#namespace(given, place);
      case "cycler":
      case "joiner": {
        const items = domain.join(
          ...given.positional.map((one) => domain.kept(one)),
          ...given.named.values(),
          given.more ?? domain.nothing,
          given.others ?? domain.nothing,
          name === "joiner" ? domain.known(", ") : domain.nothing,
        );
        return domain.known({ type: "object", kind: name, items });
      }
      case "lipsum": {
        const numbers = [...given.positional, ...given.named.values()].map(({ size }) => size);
        const size = Math.max(5, ...numbers) * PARAGRAPH;
        if (size > GROWN) this.cost(place, "size", size);
        return domain.of([], TEXT, { size });
      }
      case "_":
      case "gettext":
        return domain.join(first ?? domain.nothing, domain.text);
      default:
        if (name.startsWith("self.")) {
          const block = this.#blocks.get(name.slice(5));
          if (block === undefined) return domain.text;
          return this.#macro(block, NONE, place);
        }
        return domain.of([], TEXT, {
          size: Math.max(NOMINAL, ...given.positional.map(({ size }) => size)),
        });
    }
  }

  #range(
    first: Abstract | undefined,
    second: Abstract | undefined,
    third: Abstract | undefined,
    given: Given,
    place: Place,
  ): Abstract {
    const { domain } = this;
    if (first === undefined) return domain.many(domain.number);
    const bounds = [first, second, third].map((one) =>
      one === undefined ? undefined : onlyKnown(one)
    );
    const [a, b, c = 1] = bounds;
    const [from, to] = second === undefined ? [0, a] : [a, b];
    const whole = typeof from === "number" && typeof to === "number" && typeof c === "number" &&
      c !== 0 && given.more === undefined;
    const count = whole ? Math.max(0, Math.ceil((to - from) / c)) : undefined;
    if (whole && count !== undefined && count <= UNROLLED) {
      return domain.known({
        type: "list",
        lazy: "range",
        items: Array.from({ length: count }, (_, at) => domain.known(from + at * c)),
      });
    }
    const most = second === undefined ? first.size : Math.max(first.size, second.size);
    const step = Math.max(1, typeof c === "number" ? Math.abs(c) : 1);
    const size = count ?? most / step;
    if (size > LOOPS) this.cost(place, "range", size);
    return domain.many(domain.of([], NUMBER, { size: most }), Math.max(1, size), count);
  }

  #dict(given: Given): Abstract {
    const { domain } = this;
    const [first] = given.positional;
    const pairs = [...given.named].map(([name, value]) =>
      [domain.known(name), domain.kept(value)] as const
    );
    if (first === undefined && given.others === undefined && given.more === undefined) {
      return domain.known({ type: "dict", pairs });
    }
    const only = first === undefined ? undefined : onlyKnown(first);
    if (
      typeof only === "object" && only?.type === "dict" && given.others === undefined &&
      this.changed(only) === domain.nothing
    ) {
      return domain.known({ type: "dict", pairs: [...only.pairs, ...pairs] });
    }
    const parts = [...pairs.flat(), given.others ?? domain.nothing];
    const tables = [...given.positional, given.more].filter((one) => one !== undefined);
    for (const table of tables) {
      const element = this.#within(table);
      parts.push(element, this.#inside(element));
    }
    const rest = tables.map((one) => domain.of([], one.rest, one));
    return domain.join(domain.many(domain.join(...parts)), ...rest);
  }

  /** What is in a list or a dictionary, keys and values. */
  #within(value: Abstract): Abstract {
    const inside = value.known.map((one) =>
      this.domain.join(this.domain.elements(one), this.changed(one))
    );
    return this.domain.join(...inside, this.iterate(value).element);
  }

  #namespace(given: Given, place: Place): Abstract {
    const site = place.at;
    const again = this.#held(`${site} made`) !== undefined;
    if (again) this.#hold(`${site} many`, this.domain.nothing);
    this.#hold(`${site} made`, this.domain.nothing);
    const value = this.domain.known({ type: "namespace", site });
    const filled = new Set<string>();
    const fill = (name: string, one: Abstract): void => {
      const kept = this.domain.kept(one);
      const key = `${site}.${name}`;
      const before = this.#held(key) ?? this.domain.undefined;
      this.#hold(key, again ? this.domain.join(before, kept) : kept);
      filled.add(key);
    };
    for (const first of given.positional) {
      const table = this.#table(first);
      for (const [name, one] of table.pairs) fill(name, one);
      if (table.rest !== undefined) this.#hold(`${site} any`, table.rest);
    }
    // Names go before what the dictionary has.
    for (const [name, one] of given.named) fill(name, one);
    const tables = given.more === undefined ? this.domain.nothing : this.#within(given.more);
    const others = [given.others ?? this.domain.nothing, tables, given.more ?? this.domain.nothing];
    const any = this.domain.join(this.#held(`${site} any`) ?? this.domain.nothing, ...others);
    if (given.others !== undefined || given.more !== undefined) this.#hold(`${site} any`, any);
    if (!again) return value;
    // One that is made anew has not been given what those before it were.
    for (const key of [...this.#state.heap.keys()]) {
      if (!key.startsWith(`${site}.`) || filled.has(key)) continue;
      this.#hold(
        key,
        this.domain.join(this.#held(key) ?? this.domain.nothing, this.domain.undefined),
      );
    }
    return value;
  }

  #macro(block: Block, given: Given, place: Place): Abstract {
    const { domain } = this;
    const { tag } = block;
    const parameters = tag.parameters.map((name) => name.normalize("NFKC"));
    this.#called.add(block);
    const defaults = tag.defaults ?? [];
    const bound = this.#boundFor(
      block,
      parameters.map((name, at) => argument(given, domain, name, at)),
    );
    const beside = [...given.named].filter(([name]) => !parameters.includes(name));
    const key = [
      tag.at,
      bound.map((one) => one?.id ?? "").join(),
      beside.map(([name, one]) => `${name}=${one.id}`).join(),
      given.positional.slice(parameters.length).map(({ id }) => id).join(),
      given.more?.id ?? "",
      given.others?.id ?? "",
    ].join(" ");
    this.#branches(block, place);
    if (this.#frames.some((frame) => frame.key === key)) {
      this.#endless(tag, bound, key);
      return domain.text;
    }
    const outcomes = this.#outcomes.get(key) ?? [];
    let known = outcomes.find((outcome) => this.#holds(outcome));
    if (known === undefined && outcomes.length >= OUTCOMES) {
      // What changes from call to call is not known.
      this.#settle(tag, outcomes);
      known = outcomes.find((outcome) => this.#holds(outcome));
    }
    if (known !== undefined) {
      this.#work += known.work * this.#exactRounds;
      if (this.#work > WORK) this.cost(place, "work", this.#work);
      for (const [name, value] of known.writes) {
        this.#hold(name, domain.join(this.#held(name) ?? domain.nothing, value));
      }
      return known.value;
    }
    if (this.#frames.length >= CALLS) {
      this.cost(place, "recursion", WORK);
      return domain.text;
    }
    const before = this.#work;
    const caller = argument(given, domain, "caller");
    this.#frames.push({ block, key, caller, bound });
    const record: Dependencies = { reads: new Map(), writes: new Set() };
    this.#records.push(record);
    const loops = this.#loops.splice(0);
    const own = new Map<string, Abstract>();
    const text = this.#capture(() =>
      this.#detached(() => {
        this.#bind(own, parameters, defaults, bound, given);
        this.#bodyOf(block.bodies[0] ?? []);
      }, own)
    );
    this.#loops.push(...loops);
    this.#records.pop();
    this.#frames.pop();
    if (text.size > GROWN) this.cost(tag, "size", text.size);
    // What is called for parts of the conversation goes through them, and no deeper than they are.
    if (!bound.every((one) => one === undefined || isConstant(one))) this.#work = before + 1;
    const writes = [...record.writes].map((name) =>
      [name, this.#state.heap.get(name) ?? domain.nothing] as const
    );
    const outcome: Outcome = {
      value: text,
      work: (this.#work - before) / this.#exactRounds,
      reads: record.reads,
      writes: new Map(writes),
    };
    this.#outcomes.set(key, [outcome, ...outcomes.slice(0, OUTCOMES - 1)]);
    return text;
  }

  /** Widens what objects hold that is another thing each time that a macro is called. */
  #settle(tag: Tag, outcomes: readonly Outcome[]): void {
    const [last, before] = outcomes;
    for (const [name, old] of last?.reads ?? []) {
      if (!name.startsWith("heap ")) continue;
      const key = name.slice(5);
      const now = this.#state.heap.get(key);
      if (now === undefined || old === undefined || now === old) continue;
      const rough = before?.reads.get(name)?.known.length === old.known.length;
      const frozen = this.domain.with(now, old) === old;
      const size = this.#grownByCalls(tag, name, now, outcomes);
      const wide = frozen ? old : this.domain.widen(old, this.domain.join(old, now), rough);
      this.#hold(key, this.domain.with(wide, { size: Math.max(wide.size, size) }));
    }
  }

  /** What something has grown to that a macro adds to, when it has been called as often as the loops around it run. */
  #grownByCalls(tag: Tag, name: string, now: Abstract, outcomes: readonly Outcome[]): number {
    if (this.#exactRounds <= 1) return 0;
    const before = outcomes.map(({ reads }) => reads.get(name)).reverse();
    if (before.includes(undefined)) return 0;
    const values = [...before.filter((one) => one !== undefined), now];
    const measure = isNumber(now) ? digitsOf : ({ size }: Abstract) => size;
    const growth = extrapolate(values.map(measure), this.#exactRounds, NOMINAL);
    if (growth === undefined) return 0;
    if (isNumber(now) && !name.startsWith(`heap ${TOTAL}`)) {
      if (growth.grown > GROWN_DIGITS) this.cost(tag, "digits", growth.grown);
      return 0;
    }
    if (growth.grown > GROWN) this.cost(tag, "growth", growth.grown);
    return growth.grown;
  }

  /** Whether what a macro has read is still what it was; it is read once more then. */
  #holds({ reads }: Outcome): boolean {
    for (const [name, value] of reads) {
      const now = name.startsWith("heap ")
        ? this.#state.heap.get(name.slice(5))
        : this.#context(name.slice(5));
      if (now !== value) return false;
    }
    for (const name of reads.keys()) {
      if (name.startsWith("heap ")) this.#held(name.slice(5));
    }
    return true;
  }

  /** What a macro that calls itself with parts of the conversation is called with, at any depth. */
  #boundFor(
    block: Block,
    bound: readonly (Abstract | undefined)[],
  ): readonly (Abstract | undefined)[] {
    const { domain } = this;
    const outer = this.#frames.filter((frame) => frame.block === block);
    if (bound.every((one) => one === undefined || isConstant(one))) return bound;
    this.#growsByCalls(block, [...outer.map((frame) => frame.bound), bound]);
    if (outer.length < 2) return bound.map((one) => one && this.#plainly(one));
    const before = outer.at(-1)?.bound ?? [];
    return bound.map((one, at) => {
      const old = before[at];
      if (one === undefined || old === undefined || old === one) return one;
      const both = domain.join(old, one);
      const wide = outer.length > 5
        ? domain.widen(old, both, outer.length > 8)
        : domain.flat(both) === both
        ? domain.widen(old, both, false)
        : domain.flat(both);
      return domain.of(wide.known, wide.rest, { size: NOMINAL });
    });
  }

  /** What grows with each call that a macro makes of itself, and the conversation decides how many there are. */
  #growsByCalls({ tag }: Block, calls: readonly (readonly (Abstract | undefined)[])[]): void {
    if (calls.length !== SAMPLED_CALLS) return;
    tag.parameters.forEach((_, at) => {
      const values = calls.map((bound) => bound[at]);
      const last = values.at(-1);
      if (last === undefined || !isWritten(last)) return;
      const measure = isNumber(last) ? digitsOf : ({ size }: Abstract) => size;
      const samples = values.map((one) => one === undefined ? 0 : measure(one));
      const growth = extrapolate(samples, undefined, NOMINAL);
      if (growth?.geometric === true) this.cost(tag, "growth", growth.grown);
    });
  }

  /** A value without what is known of its place: the same macro is not gone through for each. */
  #plainly(value: Abstract): Abstract {
    if (value.rest === 0) return value;
    return this.domain.of(value.known, value.rest, {
      size: value.size > COUNTED ? value.size : NOMINAL,
      bits: value.bits,
    });
  }

  /** By macro, where it calls itself with all but a few items of what it was called with. */
  readonly #branching = new Map<Block, Set<Place>>();

  /** A macro that does so twice does all of it twice, for each item. */
  #branches(block: Block, place: Place): void {
    if (place.type !== "call" || !this.#frames.some((frame) => frame.block === block)) return;
    const { tag } = block;
    const parameters = new Set(tag.parameters);
    const rest = place.arguments.some(({ value }) =>
      value.type === "item" && value.index.type === "slice" && parameters.has(rootOf(value))
    );
    if (!rest) return;
    const places = this.#branching.get(block) ?? new Set();
    this.#branching.set(block, places.add(place));
    if (places.size > 1 || this.#loops.length > 0) this.cost(tag, "recursion", WORK);
  }

  readonly #selfCalls = new Map<string, number>();

  /** A macro that calls itself with what it was called with: with a number, more than once, it does not end. */
  #endless(tag: Tag, bound: readonly (Abstract | undefined)[], key: string): void {
    const count = (this.#selfCalls.get(key) ?? 0) + 1;
    this.#selfCalls.set(key, count);
    const counted = bound.length > 0 &&
      bound.every((one) =>
        one !== undefined && (one.rest & ~NUMBER) === 0 &&
        one.known.every((value) => kindOf(value) === NUMBER)
      );
    if (counted && count > 1) this.cost(tag, "recursion", WORK);
  }

  #bind(
    own: Map<string, Abstract>,
    parameters: readonly string[],
    defaults: readonly Expression[],
    bound: readonly (Abstract | undefined)[],
    given: Given,
  ): void {
    const { domain } = this;
    parameters.forEach((name, at) => {
      const fallback = defaults[at - (parameters.length - defaults.length)];
      const value = bound[at];
      const sure = given.positional.length > at || given.named.has(name);
      const other = sure && value !== undefined
        ? domain.nothing
        : fallback === undefined
        ? domain.undefined
        : this.evaluate(fallback);
      own.set(name, domain.kept(domain.join(value ?? domain.nothing, other)));
    });
    const more = given.positional.slice(parameters.length).map((one) => domain.kept(one));
    own.set(
      "varargs",
      given.more === undefined
        ? domain.known({ type: "list", tuple: true, items: more })
        : domain.many(domain.join(...more, given.more)),
    );
    const named = [...given.named].filter(([name]) =>
      !parameters.includes(name) && name !== "caller"
    );
    own.set(
      "kwargs",
      given.others === undefined
        ? domain.known({
          type: "dict",
          pairs: named.map(([name, value]) => [domain.known(name), domain.kept(value)] as const),
        })
        : domain.many(domain.join(...named.map(([, value]) => value), given.others)),
    );
    const caller = given.named.get("caller");
    if (caller !== undefined) own.set("caller", caller);
  }

  iterate(value: Abstract): { readonly element: Abstract; readonly items?: readonly Abstract[] } {
    const { domain } = this;
    const only = onlyKnown(value);
    if (typeof only === "string" && only.length <= CHARACTERS) {
      const items = [...only].map((one) => domain.known(one));
      return { items, element: domain.elements(only) };
    }
    if (typeof only === "object" && only !== null && this.changed(only) === domain.nothing) {
      if (only.type === "list" && only.lazy !== "held") {
        return { items: only.items, element: domain.elements(only) };
      }
      if (only.type === "undefined") return { items: [], element: domain.nothing };
      if (only.type === "dict") {
        const items = only.pairs.map(([key]) => key);
        return { items, element: domain.join(...items) };
      }
    }
    const parts = value.known.map((one) => {
      if (typeof one === "object" && one?.type === "dict") {
        return domain.join(...one.pairs.map(([key]) => key), this.changed(one));
      }
      return domain.join(domain.elements(one), this.changed(one));
    });
    const rest = domain.of([], value.rest & ~NUMBER, { size: NOMINAL, from: value.from });
    const mutated = (value.rest & DATA) === 0 ? undefined : this.#held("data");
    return { element: domain.join(...parts, rest, mutated ?? domain.nothing) };
  }

  display(value: Abstract): Abstract {
    const { domain } = this;
    const results: Abstract[] = [];
    for (const one of value.known) {
      if (typeof one === "object" && one !== null && one.type === "undefined") {
        results.push(domain.known(""));
        continue;
      }
      if (typeof one === "object" && one?.type === "function") {
        const written = WRITTEN_OUT[one.name];
        if (written !== undefined) results.push(domain.known(written));
        results.push(domain.text);
        continue;
      }
      const plain = this.plain(one);
      const tuple = typeof one === "object" && one?.type === "list" && one.tuple === true;
      const text = plain === undefined || tuple ? undefined : displayed(plain);
      const size = value.size * (typeof one === "object" ? ESCAPED : 1);
      results.push(text === undefined ? domain.of([], TEXT, { size }) : domain.known(text));
    }
    const rest = (value.rest & NUMBER) === 0
      ? value.rest & ~OPEN
      : value.rest & ~OPEN & ~NUMBER | TEXT;
    const shown = (value.rest & OPEN) === 0 ? rest : rest | TEXT;
    const size = extentOf(value);
    return domain.join(...results, domain.of([], shown, { ...value, bits: 0, size }));
  }

  plain(value: Known): Plain | undefined {
    if (typeof value !== "object" || value === null) return value;
    if (value.type === "list" && value.lazy !== undefined) return undefined;
    if (value.type !== "list" || this.changed(value) !== this.domain.nothing) return undefined;
    if (value.items.length > 4096 || value.items.some(({ size }) => size > CHARACTERS)) {
      return undefined;
    }
    const items: Plain[] = [];
    let size = 0;
    for (const item of value.items) {
      const only = onlyKnown(item);
      const plain = only === undefined ? undefined : this.plain(only);
      if (
        plain === undefined ||
        typeof only === "object" && only !== null && only.type === "list" && only.tuple
      ) return undefined;
      size += item.size + 1;
      if (size > 4 * CHARACTERS) return undefined;
      items.push(plain);
    }
    return items;
  }

  lift(value: Plain): Abstract {
    if (typeof value !== "object" || value === null) return this.domain.known(value);
    return this.domain.known({ type: "list", items: value.map((one) => this.lift(one)) });
  }

  givenUnder(value: Known, key: string): Abstract | undefined {
    const site = typeof value === "object" && value?.type === "dict" ? value.site : undefined;
    if (site === undefined || this.#held(`unkeyed ${site}`) !== undefined) return undefined;
    if (this.domain.lost.has(site)) return undefined;
    const given = this.#held(`${KEYED}${site}.${key}`);
    // One that was made anew has not been given it yet.
    return given !== undefined && this.#remade.has(site)
      ? this.domain.join(given, this.domain.undefined)
      : given;
  }

  put(object: Abstract, values: Abstract, { pairs, size, count, place }: Addition): void {
    const grow = (key: string, by: number): void => {
      if (by === 0) return;
      const before = this.#held(key)?.size ?? 0;
      this.#hold(key, this.domain.of([], NUMBER, { size: Math.min(before + by, 1e300) }));
    };
    const add = (key: string, given = values): void => {
      const added = this.domain.kept(given);
      const before = this.#held(key) ?? this.domain.nothing;
      const after = this.domain.join(before, added);
      if (after !== before) this.#hold(key, after);
    };
    for (const one of object.known) {
      if (typeof one !== "object" || one === null) continue;
      if (one.type !== "list" && one.type !== "dict" && one.type !== "many") continue;
      this.changesLists = true;
      // A list that is made from another may be any.
      const site = one.type === "many" ? undefined : one.site;
      add(site === undefined ? "list" : `list ${site}`);
      if (count > 0 && site !== undefined && this.#walked.some((sites) => sites.has(site))) {
        this.cost(place, "growth", 2 ** DOUBLINGS * 2);
      }
      grow(`${TOTAL}${site ?? ""}`, size);
      grow(`${COUNT}${site ?? ""}`, count);
      if (one.type !== "dict" || one.site === undefined) continue;
      if (pairs === undefined) add(`unkeyed ${one.site}`);
      for (const [key, value] of pairs ?? []) add(`${KEYED}${one.site}.${key}`, value);
    }
    if ((object.rest & ~NUMBER) !== 0) add("data");
  }
}

/** Whether a value is a text or a number that the template makes. */
function isWritten({ known, rest }: Abstract): boolean {
  return (rest & ~(NUMBER | TEXT)) === 0 &&
    known.every((one) => typeof one !== "object" || one === null);
}

/** What was measured of one name, before the first round and behind each. */
function samplesOf(samples: readonly ReadonlyMap<string, Sample>[], where: string): Sample[] {
  const first = samples.find((round) => round.has(where))?.get(where);
  let last = first ?? { size: 0, digits: 0 };
  return samples.map((round) => last = round.get(where) ?? last);
}

/** Whether a value is one of constants that are known. */
function isConstant({ known, rest }: Abstract): boolean {
  return rest === 0 && known.every((one) => typeof one !== "object" || one === null);
}

/** The name that an expression is a part of: `messages` of `messages[1:]` and of `range(messages | length)`. */
function rootOf(expression: Expression): string {
  let value = expression;
  while (true) {
    switch (value.type) {
      case "name":
        return value.name;
      case "attribute":
      case "item":
        value = value.object;
        break;
      case "filter":
        if (value.object === undefined) return "";
        value = value.object;
        break;
      case "call": {
        const last = value.arguments.at(-1)?.value;
        const own = value.object.type === "name" && last !== undefined;
        value = own ? last : value.object;
        break;
      }
      case "binary":
        value = value.left;
        break;
      default:
        return "";
    }
  }
}

/** Whether an expression is a part of what a name has, wherever a condition decides which. */
function isPartOf(expression: Expression, names: ReadonlySet<string>): boolean {
  if (expression.type === "conditional") {
    const { then, otherwise } = expression;
    return isPartOf(then, names) &&
      (otherwise === undefined || isEmpty(otherwise) || isPartOf(otherwise, names));
  }
  if (
    expression.type === "binary" && (expression.operator === "or" || expression.operator === "+")
  ) {
    const { left, right } = expression;
    return isPartOf(left, names) && (isEmpty(right) || isPartOf(right, names));
  }
  return names.has(rootOf(expression)) && expression.type !== "name";
}

function isEmpty(expression: Expression): boolean {
  return expression.type === "list" && expression.items.length === 0;
}

/** The dictionary that a loop goes through by its keys: `x`, `x.items()`, `x.keys() | reject(…)`, `x | dictsort`. */
function keyed(iterated: Expression, targets: number): Expression | undefined {
  let value: Expression = iterated;
  let pairs = targets === 2 ? undefined : false;
  while (true) {
    if (value.type === "filter" && value.object !== undefined) {
      if (value.name === "items" || value.name === "dictsort") pairs = true;
      else if (!["list", "sort", "select", "reject", "unique", "reverse"].includes(value.name)) {
        return undefined;
      }
      value = value.object;
    } else if (value.type === "call" && value.object.type === "attribute") {
      const { name, object } = value.object;
      if (name !== "items" && name !== "keys") return undefined;
      if (name === "items") pairs = true;
      value = object;
    } else return pairs === undefined || pairs && targets !== 2 ? undefined : value;
  }
}

/**
 * Evaluates a template.
 *
 * @param text of the template
 */
export function evaluateTemplate(template: Template, text: string): Evaluator {
  const evaluator = new Evaluator(template, text, false);
  evaluator.run();
  if (!evaluator.changesLists) return evaluator;
  // Lists that are changed in place are distinguished by where they are made.
  const again = new Evaluator(template, text, true);
  again.run();
  return again;
}
