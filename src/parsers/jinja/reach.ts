/**
 * What a Jinja template reaches beyond its conversation: attributes of Python's own machinery, other
 * files, functions that no template needs, and loops that do not end in time. It states what is
 * there; rules judge.
 *
 * @module
 */

import { type Argument, type Expression, partsOf, type Tag, type Template } from "./ast.ts";
import { evaluateTemplate, type Evaluator } from "./evaluate.ts";
import { isInternal } from "./names.ts";

/** One thing that a template reaches. */
export interface Reach {
  /** `attribute.__globals__`, `global.cycler`, `statement.include`, `dynamic.attribute`, … */
  readonly name: string;
  /** As a person would write it, with computed names resolved; not cut. */
  readonly expression: string;
  /** Names passed on the way, in order. */
  readonly names: readonly string[];
  /** Texts that are given to what is called there. */
  readonly given: readonly string[];
  /** Of what takes too much: how many characters, items or rounds it takes, by estimate. */
  readonly estimate?: number;
  readonly at: number;
  readonly end: number;
}

/** Objects that templates are given besides the conversation, and what web frameworks add. */
const GLOBALS = new Set(
  ("cycler joiner lipsum self config request url_for get_flashed_messages application environment " +
    "__import__ __builtins__ builtins eval exec open compile os sys subprocess getattr setattr " +
    "globals locals vars popen import_module").split(" "),
);

/** Pieces of names by which attacks are known, in names that are put together out of sight. */
const PIECES = /class|globals|builtins|subclasses|import|popen|getattr|mro|__/iu;

/** Python's own names: of several that one expression may read, the one to report. */
const PYTHON_NAME = /^__\w+__$/u;

/** Attributes that no text of a conversation is likely to spell. */
const TELLTALE = /__(?:class|globals|subclasses|builtins|import|mro|bases?|getattribute)__/g;

/** Characters kept of an expression. Longer ones are cut: their beginning is evidence. CWE-779. */
const CHARACTERS = 2048;
/** Attributes reached that are reported. The most in 120 chat templates are 2. CWE-779. */
const REACHES = 1000;

/** What was found in a template, and why that may not be all. */
interface Reached {
  /** In order, at most a thousand. */
  readonly found: readonly Reach[];
  /** One sentence without its end; undefined when it was looked through to its end. */
  readonly givenUp: string | undefined;
}

/**
 * Everything notable that a template reaches.
 *
 * @param text of the template, for expressions that are shown as written
 */
export function lookThrough(template: Template, text: string): Reached {
  const walker = new Walker(template, text);
  walker.walk();
  const found = walker.found.slice(0, REACHES);
  const more = walker.found.length > REACHES
    ? `It reaches for more than ${REACHES} notable names`
    : undefined;
  return { found, givenUp: more ?? walker.givenUp };
}

/** The same when nothing but what was found is asked for. */
export function reaches(template: Template, text: string): readonly Reach[] {
  return lookThrough(template, text).found;
}

class Walker {
  readonly found: Reach[] = [];
  readonly #template: Template;
  readonly #text: string;
  readonly #evaluator: Evaluator;
  readonly #own: ReadonlySet<string>;

  constructor(template: Template, text: string) {
    this.#template = template;
    this.#text = text;
    this.#evaluator = evaluateTemplate(template, text);
    this.#own = new Set(template.tags.flatMap(({ targets, parameters }) => [
      ...targets,
      ...parameters,
    ]));
  }

  /** Why names may have stayed unknown that can be computed. */
  get givenUp(): string | undefined {
    return this.#template.givenUp ?? this.#evaluator.givenUp;
  }

  walk(): void {
    for (const tag of this.#template.tags) {
      if (this.found.length > REACHES) return;
      if (["include", "import", "from", "extends"].includes(tag.name)) {
        this.#add(`statement.${tag.name}`, tag, this.#written(tag));
      }
      for (const expression of tag.expressions) this.#visit(expression);
      if (tag.loose !== undefined) this.#visitLoose(tag);
      this.#addCosts(tag);
    }
    if (this.#template.errors.length > 0) this.#searchText();
  }

  /** Readers may treat a template with a syntax error differently: its text counts. */
  #searchText(): void {
    const reported = new Set(this.found.flatMap(({ names, name }) => [...names, name.slice(10)]));
    for (const { 0: name, index } of this.#text.matchAll(TELLTALE)) {
      if (reported.has(name)) continue;
      reported.add(name);
      const place = { at: index, end: index + name.length };
      this.#add(`attribute.${name}`, place, this.#written({ at: index, end: index + 80 }));
    }
  }

  #add(name: string, { at, end }: { at: number; end: number }, expression: string): void {
    this.found.push({ name, expression, names: [], given: [], at, end });
  }

  /** The text of the template there, cut. */
  #written({ at, end }: { readonly at: number; readonly end: number }): string {
    return this.#text.slice(at, Math.min(end, at + CHARACTERS));
  }

  /** Goes through an expression; chains of attributes are looked at from their end. */
  #visit(expression: Expression): void {
    switch (expression.type) {
      case "attribute":
      case "item":
      case "call":
      case "filter":
        this.#visitChain(expression);
        break;
      case "name":
        this.#visitName(expression);
        break;
      case "test":
        if (expression.object !== undefined) this.#visit(expression.object);
        this.#visitArguments(expression.arguments);
        break;
      case "binary":
        this.#addCosts(expression);
        this.#visit(expression.left);
        this.#visit(expression.right);
        break;
      default:
        this.#addCosts(expression);
        for (const part of partsOf(expression)) this.#visit(part);
    }
  }

  #visitArguments(given: readonly Argument[]): void {
    for (const { value } of given) this.#visit(value);
  }

  #visitName(expression: Extract<Expression, { type: "name" }>): void {
    const { name } = expression;
    if (this.#own.has(name)) return;
    if (GLOBALS.has(name)) this.#add(`global.${name}`, expression, this.#written(expression));
    else if (isInternal(name)) this.#add(`attribute.${name}`, expression, name);
  }

  #visitChain(expression: Expression): void {
    const chain = this.#chain(expression);
    const internal = chain.names.find(isInternal);
    const { at, end } = expression;
    if (internal !== undefined) {
      const { rendered, names, given } = chain;
      const shown = rendered.slice(0, CHARACTERS);
      this.found.push({ name: `attribute.${internal}`, expression: shown, names, given, at, end });
    } else if (chain.dynamic !== undefined) {
      this.#add(chain.dynamic, expression, this.#written(expression));
    }
    if (chain.root !== undefined && internal === undefined) this.#visit(chain.root);
    for (const part of chain.operands) this.#visit(part);
    for (const link of linksOf(expression)) this.#addCosts(link);
  }

  /** Follows a chain of attributes, items, calls and filters down to what it begins with. */
  #chain(expression: Expression): Chain {
    switch (expression.type) {
      case "attribute": {
        const chain = this.#chain(expression.object);
        return step(chain, [expression.name], `.${expression.name}`);
      }
      case "item":
        return this.#itemStep(expression);
      case "call": {
        const chain = this.#chain(expression.object);
        const given = expression.arguments.map(({ value }) => value);
        const texts = given.map((value) => this.#onlyText(value));
        const rendered = `${chain.rendered}(${given.map((one) => this.#shown(one)).join(", ")})`;
        return {
          ...this.#noted(chain, expression),
          rendered,
          operands: [...chain.operands, ...given],
          given: [...chain.given, ...texts.filter((text) => text !== undefined)],
        };
      }
      case "filter":
        return this.#filterStep(expression);
      default:
        return {
          ...EMPTY,
          root: expression,
          rendered: expression.type === "name" ? expression.name : this.#shown(expression),
        };
    }
  }

  /** A chain with what was found at its last step. */
  #noted(chain: Chain, expression: Expression): Chain {
    const names = this.#reached(expression).filter((name) => !chain.names.includes(name));
    const called = this.#unknown(expression, "call") ? "dynamic.call" : undefined;
    const read = this.#unknown(expression, "attribute") ? "dynamic.attribute" : undefined;
    const dynamic = called ?? chain.dynamic ?? read;
    return { ...chain, names: [...chain.names, ...names], dynamic };
  }

  #itemStep(expression: Extract<Expression, { type: "item" }>): Chain {
    const { object, index } = expression;
    const chain = this.#chain(object);
    const [worst] = this.#reached(expression);
    const names = worst === undefined && index.type !== "slice"
      ? this.#texts(index).slice(0, 1)
      : [];
    const written = worst === undefined ? `[${this.#shown(index)}]` : `.${worst}`;
    const next = step(chain, worst === undefined ? names : [worst], written);
    const noted = this.#noted({ ...next, operands: [...chain.operands, index] }, expression);
    return this.#unknown(expression, "attribute") ? this.#pieced(noted, index) : noted;
  }

  /** A chain whose last name is put together from pieces that attacks are known by. */
  #pieced(chain: Chain, name: Expression): Chain {
    const hidden = this.#hidden(name);
    return hidden === undefined ? chain : { ...chain, dynamic: hidden };
  }

  /** Of a name that is put together, the piece by which attacks are known. */
  #hidden(index: Expression): string | undefined {
    const computed = index.type === "filter" || index.type === "binary" || index.type === "call";
    const piece = computed ? PIECES.exec(this.#pieces(index).join("")) : null;
    return piece === null ? undefined : `hidden.${piece[0].toLowerCase()}`;
  }

  /** The constant texts in an expression, in order. */
  #pieces(expression: Expression): string[] {
    const text = this.#onlyText(expression);
    if (text !== undefined) return [text];
    return [...partsOf(expression)].flatMap((part) => this.#pieces(part));
  }

  #filterStep(expression: Extract<Expression, { type: "filter" | "test" }>): Chain {
    const { object, name, arguments: given } = expression;
    const chain = object === undefined ? EMPTY : this.#chain(object);
    const values = given.map(({ value }) => value);
    const shown = values.length === 0
      ? ""
      : `(${values.map((one) => this.#shown(one)).join(", ")})`;
    const names = this.#reached(expression);
    const [read] = name === "attr" && values[0] !== undefined ? this.#texts(values[0]) : [];
    const first = names[0] ?? read;
    const written = name === "attr" && first !== undefined ? `.${first}` : `|${name}${shown}`;
    const path = names.length === 0 && read !== undefined ? [read] : names;
    const next = { ...step(chain, path, written), operands: [...chain.operands, ...values] };
    const noted = this.#noted(next, expression);
    if (!this.#unknown(expression, "attribute")) return noted;
    return values.reduce((one: Chain, value) => this.#pieced(one, value), noted);
  }

  /** An expression, its value where it has one. */
  #shown(expression: Expression): string {
    const text = expression.type === "slice" ? undefined : this.#onlyText(expression);
    if (text === undefined || expression.type === "list") return this.#written(expression);
    return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  }

  /** A tag that is not understood: its words for themselves. */
  #visitLoose(tag: Tag): void {
    for (const { kind, text, at } of tag.loose ?? []) {
      const notable = kind === "name" || kind === "string" ? isInternal(text) : false;
      if (notable) {
        this.#add(`attribute.${text}`, { at, end: at + text.length }, this.#written(tag));
      }
    }
  }

  /** What was found to take too much there. */
  #addCosts(place: Expression | Tag): void {
    for (const [kind, estimate] of this.#evaluator.notes.get(place)?.costs ?? []) {
      const expression = this.#written(place);
      const { at, end } = place;
      this.found.push({
        name: `cost.${kind}`,
        expression,
        names: [],
        given: [],
        estimate,
        at,
        end,
      });
    }
  }

  /** The attributes that were found to be reached there; Python's own go first. */
  #reached(place: Expression): readonly string[] {
    const names = [...this.#evaluator.notes.get(place)?.names ?? []];
    const own = names.filter((name) => PYTHON_NAME.test(name));
    return [...own, ...names.filter((name) => !PYTHON_NAME.test(name))];
  }

  #unknown(place: Expression, kind: "attribute" | "call"): boolean {
    return this.#evaluator.notes.get(place)?.unknown.has(kind) ?? false;
  }

  /** The texts that an expression may be. */
  #texts(expression: Expression): readonly string[] {
    const { known = [] } = this.#evaluator.values.get(expression) ?? {};
    return known.filter((value) => typeof value === "string");
  }

  /** The text that an expression is; undefined when it may be several. */
  #onlyText(expression: Expression): string | undefined {
    const texts = this.#texts(expression);
    return texts.length === 1 ? texts[0] : undefined;
  }
}

/** A chain's steps, the last one first. */
function* linksOf(expression: Expression): Iterable<Expression> {
  let link: Expression | undefined = expression;
  while (link !== undefined) {
    yield link;
    switch (link.type) {
      case "attribute":
      case "item":
      case "call":
      case "filter":
        link = link.object;
        break;
      default:
        return;
    }
  }
}

interface Chain {
  readonly root: Expression | undefined;
  readonly names: readonly string[];
  readonly rendered: string;
  readonly given: readonly string[];
  /** Expressions that the chain is given on its way: arguments and indices. */
  readonly operands: readonly Expression[];
  readonly dynamic: string | undefined;
}

const EMPTY: Chain = {
  root: undefined,
  names: [],
  rendered: "",
  given: [],
  operands: [],
  dynamic: undefined,
};

function step(chain: Chain, names: readonly string[], written: string): Chain {
  return {
    ...chain,
    names: [...chain.names, ...names],
    rendered: chain.rendered + written,
  };
}
