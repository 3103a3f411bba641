/**
 * What a Jinja template reaches beyond its conversation: attributes of Python's own machinery, other
 * files, functions that no template needs, and loops that do not end in time. It states what is
 * there; rules judge.
 *
 * @module
 */

import { type Argument, type Expression, partsOf, type Tag, type Template } from "./ast.ts";
import { largest, repeated } from "./cost.ts";
import { Folder } from "./fold.ts";

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
  readonly at: number;
  readonly end: number;
}

/** Attributes without two underscores that lead to frames and code all the same. */
const INTERNALS = new Set(
  ("gi_frame gi_code cr_frame cr_code ag_frame ag_code tb_frame f_back f_globals f_locals " +
    "f_builtins func_globals func_code func_closure im_func im_self im_class co_code mro").split(
      " ",
    ),
);

/** Objects that templates are given besides the conversation, and what web frameworks add. */
const GLOBALS = new Set(
  ("cycler joiner lipsum self config request url_for get_flashed_messages application environment " +
    "__import__ __builtins__ builtins eval exec open compile os sys subprocess getattr setattr " +
    "globals locals vars popen import_module").split(" "),
);

/** Filters that take the name of an attribute, and where: by keyword `attribute` or by place. */
const BY_ATTRIBUTE: Readonly<Record<string, number | undefined>> = {
  map: undefined,
  groupby: 0,
  selectattr: 0,
  rejectattr: 0,
  sort: 2,
  unique: 1,
  sum: 0,
  min: 1,
  max: 1,
  join: 1,
};

/** Pieces of names by which attacks are known, in names that are put together out of sight. */
const PIECES = /class|globals|builtins|subclasses|import|popen|getattr|mro|__/iu;

/** Attributes that no text of a conversation is likely to spell. */
const TELLTALE = /__(?:class|globals|subclasses|builtins|import|mro|bases?|getattribute)__/g;

/** A field of `str.format` that goes on to an attribute: `{0.__class__}`. */
const FORMAT_FIELD = /\{[^{}]*?(?:\.|\[)(_\w+)[^{}]*\}/u;

const CHARACTERS = 2048;
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
  readonly #folder: Folder;
  readonly #own: ReadonlySet<string>;
  /** How often the loops around the tag at hand run, for those that are known. */
  readonly #loops: number[] = [];

  constructor(template: Template, text: string) {
    this.#template = template;
    this.#text = text;
    this.#folder = new Folder(template);
    this.#own = new Set(template.tags.flatMap(({ targets, parameters }) => [
      ...targets,
      ...parameters,
    ]));
  }

  /** Why names may have stayed unknown that can be computed. */
  get givenUp(): string | undefined {
    return this.#folder.givenUp;
  }

  walk(): void {
    for (const tag of this.#template.tags) {
      if (this.found.length > REACHES) return;
      if (["include", "import", "from", "extends"].includes(tag.name)) {
        this.#add(`statement.${tag.name}`, tag, this.#written(tag));
      }
      for (const expression of tag.expressions) this.#visit(expression);
      if (tag.loose !== undefined) this.#visitLoose(tag);
      this.#countLoops(tag);
      this.#folder.enter(tag);
    }
    if (this.#template.faults.length > 0) this.#searchText();
  }

  /** A template that is broken in one place may be read differently elsewhere: its text counts. */
  #searchText(): void {
    const told = new Set(this.found.flatMap(({ names, name }) => [...names, name.slice(10)]));
    for (const { 0: name, index } of this.#text.matchAll(TELLTALE)) {
      if (told.has(name)) continue;
      told.add(name);
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
        this.#visitCost(expression);
        this.#visit(expression.left);
        this.#visit(expression.right);
        break;
      default:
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
    for (const part of chain.beside) this.#visit(part);
    if (expression.type === "call" || expression.type === "filter") this.#visitCost(expression);
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
        const texts = given.map((value) => this.#folder.text(value));
        const called = chain.open && chain.dynamic === undefined
          ? { ...chain, dynamic: "dynamic.call" }
          : this.#formatted(chain, expression.object);
        return {
          ...called,
          open: false,
          rendered: `${chain.rendered}(${given.map((one) => this.#shown(one)).join(", ")})`,
          beside: [...chain.beside, ...given],
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

  /** A call of `str.format` reaches what its pattern names. */
  #formatted(chain: Chain, callee: Expression): Chain {
    if (callee.type !== "attribute" || !callee.name.startsWith("format")) return chain;
    const name = FORMAT_FIELD.exec(this.#folder.text(callee.object) ?? "")?.[1];
    return name === undefined ? chain : { ...chain, names: [...chain.names, name] };
  }

  #itemStep({ object, index }: Extract<Expression, { type: "item" }>): Chain {
    const chain = this.#chain(object);
    const values = index.type === "slice" ? [] : this.#folder.fold(index);
    const names = (values ?? []).filter((value) => typeof value === "string");
    const [worst] = names.filter(isInternal);
    const written = worst === undefined ? `[${this.#shown(index)}]` : `.${worst}`;
    const next = step(chain, worst === undefined ? names.slice(0, 1) : [worst], written);
    const beside = [...chain.beside, index];
    const opaque = index.type !== "slice" && worst === undefined && this.#folder.opaque(index);
    if (values !== undefined && !opaque) return { ...next, beside };
    const hidden = this.#hidden(index) ?? (opaque ? "dynamic.attribute" : undefined);
    return { ...next, beside, open: true, ...(hidden !== undefined && { dynamic: hidden }) };
  }

  /** Of a name that is put together, the piece by which attacks are known. */
  #hidden(index: Expression): string | undefined {
    const computed = index.type === "filter" || index.type === "binary" || index.type === "call";
    const piece = computed ? PIECES.exec(this.#pieces(index).join("")) : null;
    return piece === null ? undefined : `hidden.${piece[0].toLowerCase()}`;
  }

  /** The constant texts in an expression, in order. */
  #pieces(expression: Expression): string[] {
    const text = this.#folder.text(expression);
    if (text !== undefined) return [text];
    return [...partsOf(expression)].flatMap((part) => this.#pieces(part));
  }

  #filterStep(expression: Extract<Expression, { type: "filter" | "test" }>): Chain {
    const { object, name, arguments: given } = expression;
    const chain = object === undefined ? EMPTY : this.#chain(object);
    const values = given.map(({ value }) => value);
    const beside = [...chain.beside, ...values];
    const named = this.#attributeArgument(name, given);
    const shown = values.length === 0
      ? ""
      : `(${values.map((one) => this.#shown(one)).join(", ")})`;
    if (named === undefined) {
      return { ...chain, open: false, beside, rendered: `${chain.rendered}|${name}${shown}` };
    }
    const folded = this.#folder.fold(named);
    const names = (folded ?? []).filter((value) => typeof value === "string")
      .flatMap((path) => path.split("."));
    const written = name === "attr" && names[0] !== undefined ? `.${names[0]}` : `|${name}${shown}`;
    const next = { ...step(chain, names, written), beside };
    const opaque = !names.some(isInternal) && this.#folder.opaque(named);
    if (folded !== undefined && !opaque) return next;
    const dynamic = name === "attr" || opaque;
    const hidden = this.#hidden(named) ?? (dynamic ? "dynamic.attribute" : undefined);
    return hidden === undefined ? next : { ...next, open: true, dynamic: hidden };
  }

  /** The argument that names an attribute. */
  #attributeArgument(filter: string, given: readonly Argument[]): Expression | undefined {
    const keyword = given.find(({ name }) => name === "attribute")?.value;
    if (keyword !== undefined) return keyword;
    const places = given.filter(({ name }) => name === undefined);
    if (filter === "attr") return places[0]?.value;
    // map('attr', name) applies the filter of that name.
    const [first, second] = places;
    if (filter === "map" && first !== undefined && this.#folder.text(first.value) === "attr") {
      return second?.value;
    }
    const place = Object.hasOwn(BY_ATTRIBUTE, filter) ? BY_ATTRIBUTE[filter] : undefined;
    return place === undefined ? undefined : places[place]?.value;
  }

  /** An expression, its value where it has one. */
  #shown(expression: Expression): string {
    const text = this.#folder.text(expression);
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

  #visitCost(expression: Expression): void {
    const kind = repeated(expression, this.#folder);
    if (kind !== undefined) this.#add(`cost.${kind}`, expression, this.#written(expression));
  }

  #countLoops(tag: Tag): void {
    if (tag.name === "endfor") this.#loops.pop();
    const [iterated] = tag.expressions;
    if (tag.name !== "for" || iterated === undefined) return;
    const before = this.#loops.at(-1) ?? 1;
    const times = largest(iterated, this.#folder);
    const all = before * Math.max(1, times);
    // Told where the limit is passed, not again for what lies within.
    if (all > LOOPS && before <= LOOPS) this.#add("cost.loop", tag, this.#written(tag));
    this.#loops.push(all);
  }
}

/** Rounds of loops within each other. Templates go through messages and tools, not through numbers. */
const LOOPS = 1_000_000;

interface Chain {
  readonly root: Expression | undefined;
  readonly names: readonly string[];
  readonly rendered: string;
  readonly given: readonly string[];
  /** Expressions that the chain is given on its way: arguments and indices. */
  readonly beside: readonly Expression[];
  /** True when the last step went to a name that is not known. */
  readonly open: boolean;
  readonly dynamic: string | undefined;
}

const EMPTY: Chain = {
  root: undefined,
  names: [],
  rendered: "",
  given: [],
  beside: [],
  open: false,
  dynamic: undefined,
};

function step(chain: Chain, names: readonly string[], written: string): Chain {
  return {
    ...chain,
    open: false,
    names: [...chain.names, ...names],
    rendered: chain.rendered + written,
  };
}

/** Names that begin with an underscore, and others that lead to Python's machinery. */
function isInternal(name: string): boolean {
  return (name.startsWith("_") && name.length > 1) || INTERNALS.has(name);
}
