/**
 * The syntax tree of Python source, as far as what it runs depends on it. Chains and rows of operators
 * are flat, so that neither reading nor evaluating them goes deep.
 *
 * @module
 */

import type { Tokens } from "./lexer.ts";

/**
 * Items of a list, tuple or mapping whose places are told apart. The largest table in use has 23,497; items
 * beyond are one value. CWE-770.
 */
export const ITEMS = 4096;

/** An expression. */
export type Expression =
  | { readonly kind: "name"; readonly id: string }
  /** `undefined` is a value that is not distinguished: an ellipsis, a complex number. */
  | { readonly kind: "constant"; readonly value: string | number | boolean | null | undefined }
  | { readonly kind: "bytes"; readonly text: string }
  | { readonly kind: "joined"; readonly parts: readonly (string | Expression)[] }
  | Chain
  /** A row of operators of one precedence, such as `a + b - c` or `a < b < c`. */
  | {
    readonly kind: "operators";
    readonly operators: string[];
    readonly items: Expression[];
  }
  | { readonly kind: "unary"; readonly operator: string; readonly value: Expression }
  /** `a if b else c if d else e`: tests b, d and values a, c, e. */
  | { readonly kind: "choice"; readonly tests: Expression[]; readonly values: Expression[] }
  | { readonly kind: "lambda"; readonly code: FunctionNode }
  | { readonly kind: "tuple" | "list" | "set"; readonly items: readonly Expression[] }
  | {
    readonly kind: "dict";
    readonly pairs: readonly (readonly [Expression | undefined, Expression])[];
  }
  | {
    readonly kind: "comprehension";
    readonly makes: "list" | "set" | "dict" | "generator";
    readonly key: Expression | undefined;
    readonly element: Expression;
    readonly clauses: readonly Clause[];
  }
  | { readonly kind: "named"; readonly id: string; readonly value: Expression }
  | { readonly kind: "yield"; readonly value: Expression | undefined; readonly from: boolean }
  | { readonly kind: "await" | "star"; readonly value: Expression }
  | { readonly kind: "slice"; readonly parts: readonly Expression[] };

/** `base.attr(…)[…]…` */
export interface Chain {
  readonly kind: "chain";
  readonly base: Expression;
  readonly steps: Step[];
  /** Characters before it. */
  readonly at: number;
}

/** One step of a chain. */
export type Step =
  | { readonly kind: "attribute"; readonly id: string; readonly end: number }
  | { readonly kind: "call"; readonly items: readonly Argument[]; readonly end: number }
  | { readonly kind: "item"; readonly index: Expression; readonly end: number };

/** One argument of a call. Most are given by their places, and nothing but their expressions. */
export type Argument = Expression | GivenArgument;

/** An argument given by its name, or spread. */
interface GivenArgument {
  readonly kind: "given";
  readonly name: string | undefined;
  readonly stars: number;
  readonly value: Expression;
}

/** `for target in iterable if test` of a comprehension. */
export interface Clause {
  readonly target: Expression;
  readonly iterable: Expression;
  readonly tests: readonly Expression[];
}

/** A parameter of a function. */
export interface Parameter {
  readonly name: string;
  readonly stars: number;
  readonly value: Expression | undefined;
  readonly annotation: Expression | undefined;
}

/** A function or lambda. */
export interface FunctionNode {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  readonly returns: Expression | undefined;
  /** What a lambda gives. */
  readonly body: Expression | undefined;
  /** Tokens of a function's body, which is read when it is called. */
  readonly tokens: Tokens;
  readonly base: number;
  readonly from: number;
  readonly to: number;
  readonly at: number;
  /** What Python puts before private names in the body; undefined outside of a class. */
  readonly prefix: string | undefined;
}

/** A statement. */
export type Statement =
  | { readonly kind: "expression"; readonly value: Expression }
  | {
    readonly kind: "assign";
    readonly targets: readonly Expression[];
    readonly value: Expression | undefined;
    readonly annotation: Expression | undefined;
  }
  | {
    readonly kind: "augment";
    readonly target: Expression;
    readonly operator: string;
    readonly value: Expression;
  }
  | {
    readonly kind: "import";
    readonly names: readonly (readonly [path: string, alias: string | undefined])[];
  }
  | {
    readonly kind: "from";
    readonly level: number;
    readonly module: string;
    readonly names: readonly (readonly [name: string, alias: string | undefined])[];
  }
  | {
    readonly kind: "function";
    readonly code: FunctionNode;
    readonly decorators: readonly Expression[];
    /** Bounds and defaults of its type parameters; undefined where it has none. */
    readonly bounds?: readonly Expression[];
  }
  | {
    readonly kind: "class";
    readonly name: string;
    readonly items: readonly Argument[];
    readonly decorators: readonly Expression[];
    readonly body: readonly Statement[];
    readonly at: number;
    readonly bounds?: readonly Expression[];
  }
  | {
    readonly kind: "if";
    readonly tests: readonly Expression[];
    readonly bodies: readonly (readonly Statement[])[];
    readonly otherwise: readonly Statement[];
  }
  | {
    readonly kind: "for";
    readonly target: Expression;
    readonly iterable: Expression;
    readonly body: readonly Statement[];
    readonly otherwise: readonly Statement[];
  }
  | {
    readonly kind: "while";
    readonly test: Expression;
    readonly body: readonly Statement[];
    readonly otherwise: readonly Statement[];
  }
  | {
    readonly kind: "try";
    readonly blocks: readonly (readonly Statement[])[];
    readonly handlers: readonly {
      readonly type: Expression | undefined;
      readonly name: string | undefined;
      readonly body: readonly Statement[];
    }[];
  }
  | {
    readonly kind: "with";
    readonly items: readonly (readonly [Expression, Expression | undefined])[];
    readonly body: readonly Statement[];
  }
  | {
    readonly kind: "match";
    readonly subject: Expression;
    readonly cases: readonly {
      readonly captures: readonly Capture[];
      readonly guard: Expression | undefined;
      readonly body: readonly Statement[];
    }[];
  }
  | { readonly kind: "return"; readonly value: Expression | undefined }
  | { readonly kind: "raise" | "assert" | "delete"; readonly values: readonly Expression[] }
  /** `type name = value` */
  | {
    readonly kind: "alias";
    readonly name: string;
    readonly value: Expression;
    readonly bounds?: readonly Expression[];
  }
  | { readonly kind: "exec"; readonly value: Expression; readonly at: number; readonly end: number }
  | { readonly kind: "scope"; readonly global: boolean; readonly names: readonly string[] }
  | { readonly kind: "block"; readonly body: readonly Statement[] };

/** The text that stands first in a body and describes what it belongs to; undefined where none does. */
export function documentation(body: readonly Statement[]): string | undefined {
  const [first] = body;
  if (first?.kind !== "expression" || first.value.kind !== "constant") return undefined;
  return typeof first.value.value === "string" ? first.value.value : undefined;
}

/** A name that a pattern binds, and how it reaches that part of the subject. */
export interface Capture {
  readonly name: string;
  readonly attribute: string | undefined;
  readonly key: string | undefined;
}

/** Where a chain ends. */
export function endOf(chain: Chain): number {
  return chain.steps.at(-1)?.end ?? chain.at;
}
