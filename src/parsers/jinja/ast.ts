/**
 * What a Jinja tag says, as plain data.
 *
 * @module
 */

/** An argument of a call, a filter or a test. */
export interface Argument {
  /** Of a keyword argument. */
  readonly name?: string;
  /** Of an argument that stands for several: `*values`, `**names`. */
  readonly spread?: "*" | "**";
  readonly value: Expression;
}

interface At {
  readonly at: number;
  readonly end: number;
}

/** An expression, with its place in the template. */
export type Expression =
  & At
  & (
    | { readonly type: "name"; readonly name: string }
    | {
      readonly type: "constant";
      readonly value: string | number | boolean | null;
      /** True for a number that Python keeps as a float. */
      readonly float?: boolean;
    }
    /** A list or a tuple. */
    | { readonly type: "list"; readonly items: readonly Expression[]; readonly tuple?: boolean }
    | {
      readonly type: "dict";
      readonly pairs: readonly (readonly [key: Expression, value: Expression])[];
    }
    | { readonly type: "attribute"; readonly object: Expression; readonly name: string }
    | { readonly type: "item"; readonly object: Expression; readonly index: Expression }
    | { readonly type: "slice"; readonly parts: readonly (Expression | undefined)[] }
    | {
      readonly type: "call";
      readonly object: Expression;
      readonly arguments: readonly Argument[];
    }
    | {
      readonly type: "filter" | "test";
      /** Undefined for the block that a `filter` tag encloses. */
      readonly object: Expression | undefined;
      readonly name: string;
      readonly arguments: readonly Argument[];
    }
    | { readonly type: "unary"; readonly operator: string; readonly operand: Expression }
    | {
      readonly type: "binary";
      readonly operator: string;
      readonly left: Expression;
      readonly right: Expression;
    }
    | {
      readonly type: "conditional";
      readonly test: Expression;
      readonly then: Expression;
      readonly otherwise: Expression | undefined;
    }
  );

/** A statement's or an output's parts, in order; blocks are not nested here. */
export interface Tag extends At {
  /** `output`, `data`, or the statement's first word: `for`, `set`, `endfor`, … */
  readonly name: string;
  /** Of `data`. */
  readonly text?: string;
  /** Of `data`: the text that is left by each way of treating white space around tags. */
  readonly texts?: readonly string[];
  /** What is bound, for instance `x` of `for x in …`, `ns.x` of `set ns.x = …`. */
  readonly targets: readonly string[];
  readonly expressions: readonly Expression[];
  /** Of a `macro` or `call`: the names of its parameters. */
  readonly parameters: readonly string[];
  /** The values that the last of the parameters have unless others are given. */
  readonly defaults?: readonly Expression[];
  /** Of `for`: the condition on items. */
  readonly only?: Expression;
  /** Words of a tag that could not be parsed. */
  readonly loose?: readonly { readonly kind: string; readonly text: string; readonly at: number }[];
}

/** A tag with what it encloses: a body for each of its branches, in order. */
export interface Block {
  readonly tag: Tag;
  /** The tags that begin the branches behind the first: `elif`, `else`, `pluralize`. */
  readonly turns: readonly Tag[];
  readonly bodies: readonly (readonly Block[])[];
}

/** A parsed template. */
export interface Template {
  readonly tags: readonly Tag[];
  readonly blocks: readonly Block[];
  readonly errors: readonly { readonly at: number; readonly detail: string }[];
  /** One sentence without its end: why a tag was not parsed that Jinja may accept. */
  readonly givenUp?: string;
}

/** The expressions directly within another. */
export function* partsOf(expression: Expression): Iterable<Expression> {
  switch (expression.type) {
    case "list":
      yield* expression.items;
      break;
    case "dict":
      for (const pair of expression.pairs) yield* pair;
      break;
    case "attribute":
      yield expression.object;
      break;
    case "item":
      yield expression.object;
      yield expression.index;
      break;
    case "slice":
      for (const part of expression.parts) if (part !== undefined) yield part;
      break;
    case "call":
    case "filter":
    case "test":
      if (expression.object !== undefined) yield expression.object;
      for (const { value } of expression.arguments) yield value;
      break;
    case "unary":
      yield expression.operand;
      break;
    case "binary":
      yield expression.left;
      yield expression.right;
      break;
    case "conditional":
      yield expression.test;
      yield expression.then;
      if (expression.otherwise !== undefined) yield expression.otherwise;
      break;
  }
}
