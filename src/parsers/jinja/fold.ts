/**
 * Computes what Jinja expressions over constants come to, so that a name put together from pieces is
 * the name that it reaches. What depends on the conversation stays unknown.
 *
 * @module
 */

import { type Argument, type Expression, partsOf, type Tag, type Template } from "./ast.ts";
import { binary, CHARACTERS, display, filter, method, size, slice, type Value } from "./values.ts";

/** Values that one expression may have; of more, those that look like names of Python's go first. */
const ALTERNATIVES = 64;
/** Steps for one template. */
const STEPS = 500_000;
/** Expressions in one another; a chain of `~` is as deep as it is long. */
const DEPTH = 512;

/** How objects that templates are given begin when they are written out: letters are taken from it. */
const WRITTEN_OUT: Readonly<Record<string, string>> = {
  lipsum: "<function generate_lorem_ipsum at 0x7f0000000000>",
  cycler: "<class 'jinja2.utils.Cycler'>",
  joiner: "<class 'jinja2.utils.Joiner'>",
  namespace: "<class 'jinja2.utils.Namespace'>",
  self: "<TemplateReference None>",
};
const GENERATORS = new Set(["select", "reject", "selectattr", "rejectattr"]);

/** Folds the expressions of one template, tag by tag. */
export class Folder {
  /** Of names, `namespace.attribute` and `macro()`: what they may be, the latest first. */
  readonly #values = new Map<string, readonly Value[]>();
  /** Dictionaries that are written out, by the name that was last bound to them. */
  readonly #dicts = new Map<string, Extract<Expression, { type: "dict" }>>();
  readonly #macros = new Map<string, readonly string[]>();
  /** Names that are made of constants alone and may be more than is known. */
  readonly #opaque = new Set<string>();
  /** How often something was left out because it was too long or too much. */
  #leftOut = 0;
  #block: { readonly name: string; readonly parts: Value[]; size: number } | undefined;
  #steps = STEPS;
  #tooDeep = false;
  #depth = 0;

  /** Goes through the template once, since a loop or a macro may use what is set behind it. */
  constructor(template: Template) {
    for (const tag of template.tags) this.enter(tag);
  }

  /** Why some expression was not computed although it may be one over constants. */
  get givenUp(): string | undefined {
    if (this.#steps < 0) return `It takes more than ${STEPS} steps to compute what it names`;
    return this.#tooDeep ? `Its expressions are nested more than ${DEPTH} deep` : undefined;
  }

  /** The values that are known of those that the expression may have; undefined when none is. */
  fold(expression: Expression): readonly Value[] | undefined {
    if (this.#depth >= DEPTH) this.#tooDeep = true;
    if (this.#depth >= DEPTH || --this.#steps < 0) return undefined;
    this.#depth++;
    try {
      return this.#fold(expression);
    } finally {
      this.#depth--;
    }
  }

  /** The string that the expression is, or is in the first place. */
  text(expression: Expression): string | undefined {
    const [value] = this.fold(expression) ?? [];
    return typeof value === "string" ? value : undefined;
  }

  /**
   * True when an expression is made of constants of the template, and what it comes to is not known in
   * full: it is too long, of too many values, or by a function that is not computed here.
   */
  opaque(expression: Expression): boolean {
    const before = this.#leftOut;
    const known = this.fold(expression) !== undefined && this.#leftOut === before;
    const made = this.#madeOf(expression, 0);
    return made === "opaque" || (made === "constants" && !known);
  }

  #madeOf(expression: Expression, depth: number): "constants" | "opaque" | "conversation" {
    if (depth > DEPTH || --this.#steps < 0) return "conversation";
    const { type } = expression;
    const name = boundName(expression);
    if (name !== undefined && this.#opaque.has(name)) return "opaque";
    if (name !== undefined && this.#values.has(name)) return "constants";
    if (type === "name") {
      return this.#macros.has(expression.name) || this.#dicts.has(expression.name) ||
          Object.hasOwn(WRITTEN_OUT, expression.name) || expression.name === "dict"
        ? "constants"
        : "conversation";
    }
    let made: "constants" | "opaque" = "constants";
    for (const part of partsOf(expression)) {
      const its = this.#madeOf(part, depth + 1);
      if (its === "conversation") return its;
      if (its === "opaque") made = its;
    }
    return made;
  }

  /** Takes note of what a tag binds. Tags are entered in the order of the template. */
  enter(tag: Tag): void {
    for (const expression of tag.expressions) this.#enterCalls(expression, 0);
    const [value] = tag.expressions;
    switch (tag.name) {
      case "set":
      case "with":
        tag.targets.forEach((target, at) => {
          const own = tag.name === "with" ? tag.expressions[at] : unpacked(value, at, tag.targets);
          if (own !== undefined) this.#bind(target, own);
        });
        break;
      case "for":
        if (value !== undefined) this.#bindLoop(tag.targets, value);
        break;
      case "macro":
        this.#macros.set(tag.targets[0] ?? "", tag.parameters);
        this.#block = { name: `${tag.targets[0] ?? ""}()`, parts: [], size: 0 };
        break;
      case "set-block":
        this.#block = { name: tag.targets[0] ?? "", parts: [], size: 0 };
        break;
      case "endset":
      case "endmacro":
        if (this.#block !== undefined) {
          this.#define(this.#block.name, [this.#block.parts.map(display).join("")]);
        }
        this.#block = undefined;
        break;
      case "data":
        // Line breaks around the text of a block are usually cut off, and never part of a name.
        this.#append((tag.text ?? "").trim());
        break;
      case "output":
        if (value === undefined || this.#block === undefined) break;
        if (this.opaque(value)) this.#opaque.add(this.#block.name);
        this.#append(this.fold(value)?.[0] ?? "");
        break;
    }
  }

  /** A piece of a block's text; a text that gets too long is not known any more. */
  #append(piece: Value): void {
    const block = this.#block;
    if (block === undefined) return;
    block.size += size(piece);
    if (block.size <= CHARACTERS) block.parts.push(piece);
    else this.#opaque.add(block.name);
  }

  /** What macros are called with are values of their parameters. */
  #enterCalls(expression: Expression, depth: number): void {
    if (depth > DEPTH || this.#macros.size === 0 || --this.#steps < 0) return;
    if (expression.type === "call" && expression.object.type === "name") {
      const parameters = this.#macros.get(expression.object.name) ?? [];
      expression.arguments.forEach(({ name, value }, at) => {
        const parameter = name ?? parameters[at];
        if (parameter !== undefined && parameters.includes(parameter)) this.#bind(parameter, value);
      });
    }
    for (const part of partsOf(expression)) this.#enterCalls(part, depth + 1);
  }

  #define(name: string, values: readonly Value[]): void {
    const before = this.#leftOut;
    const all = this.#known([...values, ...this.#values.get(name) ?? []]);
    if (this.#leftOut > before) this.#opaque.add(name);
    if (all !== undefined) this.#values.set(name, all);
  }

  #bind(target: string, value: Expression): void {
    if (value.type === "dict") this.#dicts.set(target, value);
    if (this.opaque(value)) this.#opaque.add(target);
    this.#define(target, this.fold(value) ?? []);
    // namespace(a=1) has attributes.
    if (value.type !== "call" || value.object.type !== "name") return;
    if (value.object.name !== "namespace") return;
    for (const given of value.arguments) {
      if (given.name !== undefined) this.#bind(`${target}.${given.name}`, given.value);
    }
  }

  /** A loop's variable is an item of what it goes through; several take its items apart. */
  #bindLoop(targets: readonly string[], value: Expression): void {
    const opaque = this.opaque(value);
    targets.forEach((target, place) => {
      if (opaque) this.#opaque.add(target);
      const itemOf = (item: Value): Value[] => {
        if (targets.length === 1) return [item];
        const one = typeof item === "string" || Array.isArray(item) ? item[place] : undefined;
        return one === undefined ? [] : [one];
      };
      for (const iterated of this.fold(value) ?? []) {
        const items = typeof iterated === "string" ? [...iterated] : iterated;
        if (Array.isArray(items)) this.#define(target, items.flatMap(itemOf));
      }
      if (value.type !== "list") return;
      for (const item of value.items.slice(0, CHARACTERS)) {
        this.#define(target, (this.fold(item) ?? []).flatMap(itemOf));
      }
    });
  }

  #fold(expression: Expression): readonly Value[] | undefined {
    switch (expression.type) {
      case "constant":
        return [expression.value];
      case "name":
        return this.#values.get(expression.name);
      case "list":
        return this.#all(expression.items, (items) => items);
      case "dict":
        // What iterates over a dictionary gets its keys.
        return this.#all(expression.pairs.map(([key]) => key), (keys) => keys);
      case "attribute":
        return this.#attribute(expression);
      case "item":
        return this.#item(expression.object, expression.index);
      case "call":
        return this.#call(expression.object, expression.arguments);
      case "filter":
        return this.#filter(expression.object, expression.name, expression.arguments);
      case "unary":
        return this.#all(
          [expression.operand],
          ([value]) =>
            expression.operator === "-" && typeof value === "number" ? -value : undefined,
        );
      case "binary":
        return this.#all(
          [expression.left, expression.right],
          ([left, right]) => binary(expression.operator, left ?? null, right ?? null),
        );
      case "conditional":
        return this.#either(
          [expression.then, ...(expression.otherwise ? [expression.otherwise] : [])],
        );
      default:
        return undefined;
    }
  }

  /** The values of any of several expressions. */
  #either(expressions: readonly Expression[]): readonly Value[] | undefined {
    return this.#known(expressions.flatMap((expression) => this.fold(expression) ?? []));
  }

  /** A function of several expressions, over all combinations of their values. */
  #all(
    expressions: readonly Expression[],
    compute: (values: readonly Value[]) => Value | undefined,
  ): readonly Value[] | undefined {
    let rows: Value[][] = [[]];
    for (const expression of expressions) {
      const values = this.fold(expression);
      if (values === undefined) return undefined;
      if (rows.length * values.length > ALTERNATIVES) this.#leftOut++;
      rows = combined(rows, values);
    }
    this.#steps -= rows.length - 1;
    const results: Value[] = [];
    for (const row of rows) {
      const result = compute(row);
      if (result === undefined || size(result) > CHARACTERS) this.#leftOut++;
      else results.push(result);
    }
    return this.#known(results);
  }

  /** At most {@linkcode ALTERNATIVES} different values; undefined when there is none. */
  #known(values: readonly Value[]): readonly Value[] | undefined {
    if (values.length <= 1) return values.length === 0 ? undefined : values;
    const different = [...new Set(values)];
    if (different.length <= ALTERNATIVES) return different;
    this.#leftOut++;
    // The first is the latest: what the template means, unless it branches.
    const [first = null, ...others] = different;
    others.sort((one, other) => notability(one) - notability(other));
    return [first, ...others].slice(0, ALTERNATIVES);
  }

  #attribute(expression: Extract<Expression, { type: "attribute" }>): readonly Value[] | undefined {
    const { object, name } = expression;
    if (object.type === "name") {
      const values = this.#values.get(`${object.name}.${name}`);
      if (values !== undefined) return values;
    }
    return this.#member(object, name);
  }

  /** A value of a dictionary that is written out. */
  #member(object: Expression, name: string): readonly Value[] | undefined {
    const source = object.type === "name" ? this.#dicts.get(object.name) : object;
    if (source?.type !== "dict") return undefined;
    const found = source.pairs.filter(([key]) => this.text(key) === name).map(([, value]) => value);
    return found.length === 0 ? undefined : this.#either(found);
  }

  #item(object: Expression, index: Expression): readonly Value[] | undefined {
    if (index.type === "slice") {
      const parts = index.parts.map((part) => part && this.fold(part)?.[0]);
      return this.#all([object], ([value]) => slice(value ?? null, parts));
    }
    const name = this.text(index);
    if (name !== undefined) return this.#member(object, name);
    return this.#all([object, index], ([value, at]) => {
      if (typeof at !== "number") return undefined;
      if (typeof value === "string") return [...value].at(at);
      return Array.isArray(value) ? value.at(at) : undefined;
    });
  }

  #call(callee: Expression, given: readonly Argument[]): readonly Value[] | undefined {
    if (callee.type === "name") {
      if (this.#macros.has(callee.name)) return this.#values.get(`${callee.name}()`);
      // dict(a=1, b=2) iterates over its names.
      if (callee.name === "dict" && given.every(({ name }) => name !== undefined)) {
        return [given.map(({ name }) => name ?? "")];
      }
      return undefined;
    }
    if (callee.type !== "attribute") return undefined;
    const { object, name } = callee;
    return this.#all(
      [object, ...given.map(({ value }) => value)],
      ([value, ...rest]) => method(name, value ?? null, rest),
    );
  }

  #filter(
    object: Expression | undefined,
    name: string,
    given: readonly Argument[],
  ): readonly Value[] | undefined {
    if (object === undefined) return undefined;
    if (name === "string" && object.type === "name" && Object.hasOwn(WRITTEN_OUT, object.name)) {
      return [WRITTEN_OUT[object.name] ?? ""];
    }
    if (name === "string" && object.type === "filter" && GENERATORS.has(object.name)) {
      return ["<generator object select_or_reject at 0x7f0000000000>"];
    }
    return this.#all(
      [object, ...given.map(({ value }) => value)],
      ([value, ...rest]) => filter(name, value ?? null, rest),
    );
  }
}

/** Under which name it is kept what an expression may be: `a`, `ns.a`, `macro()`. */
function boundName(expression: Expression): string | undefined {
  if (expression.type === "name") return expression.name;
  const owner = expression.type === "attribute" || expression.type === "call"
    ? expression.object
    : undefined;
  if (owner?.type !== "name") return undefined;
  return expression.type === "attribute" ? `${owner.name}.${expression.name}` : `${owner.name}()`;
}

/** Names that begin with an underscore go first, then those that have one. */
function notability(value: Value): number {
  if (typeof value !== "string") return 2;
  return value.startsWith("_") ? 0 : value.includes("_") ? 1 : 2;
}

/** Each row with each value at its end, at most {@linkcode ALTERNATIVES}. */
function combined(rows: readonly Value[][], values: readonly Value[]): Value[][] {
  const all: Value[][] = [];
  for (const row of rows) {
    for (const value of values) {
      if (all.length === ALTERNATIVES) return all;
      all.push([...row, value]);
    }
  }
  return all;
}

function unpacked(
  value: Expression | undefined,
  at: number,
  targets: readonly string[],
): Expression | undefined {
  if (targets.length <= 1) return value;
  return value?.type === "list" ? value.items[at] : undefined;
}
