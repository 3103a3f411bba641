/**
 * Reads expressions of Python by its grammar.
 * https://docs.python.org/3/reference/expressions.html
 *
 * @module
 */

import { namesCharacter, stringValue, unescaped } from "./constants.ts";
import { Cursor, KEYWORDS, SyntaxProblem } from "./grammar_cursor.ts";
import { formattedFields, TOKEN, Tokens } from "./lexer.ts";
import {
  type Argument,
  type Clause,
  type Expression,
  type FunctionNode,
  ITEMS,
  type Parameter,
  type Step,
} from "./syntax.ts";

const PRECEDENCE: ReadonlyMap<string, number> = new Map(
  [
    ["or"],
    ["and"],
    ["in", "is", "not", "<", ">", "==", "!=", "<>", "<=", ">="],
    ["|"],
    ["^"],
    ["&"],
    ["<<", ">>"],
    ["+", "-"],
    ["*", "/", "//", "%", "@"],
    ["**"],
  ].flatMap((operators, level) => operators.map((each) => [each, level + 1] as const)),
);
/** How strongly comparisons bind. */
export const COMPARISON = 3;
const POWER = 10;

/**
 * Attributes, items and calls behind one another. CPython 3.6 to 3.13 do not compile 20,000 ("maximum
 * recursion depth exceeded during compilation"). The longest seen has 15. CWE-770.
 */
const CHAIN = 20_000;
const PLAIN_NAME = /^[A-Za-z_]\w*$/u;
const NO_ITEMS: readonly Argument[] = [];
const NO_PARAMETERS: readonly Parameter[] = [];

/** A reader of expressions at a place among tokens. */
export class ExpressionGrammar {
  readonly #cursor: Cursor;
  /** Of the long row of items that is read, the shared nodes that it has. */
  #shared: { readonly items: Expression[] | undefined; readonly nodes: Set<Expression> } = {
    items: undefined,
    nodes: new Set(),
  };

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
  }

  /** The one expression that the tokens are; undefined when they are none. */
  only(): Expression | undefined {
    try {
      const value = this.several();
      while (this.#cursor.kind() === TOKEN.newline || this.#cursor.is("=")) this.#cursor.at++;
      if (this.#cursor.kind() !== TOKEN.end) {
        this.#cursor.fail("expected the end of the expression");
      }
      return value;
    } catch (error) {
      if (!(error instanceof SyntaxProblem)) throw error;
      this.#cursor.reading.error ??= { at: error.at, reason: error.message };
      return undefined;
    }
  }

  /** Expressions with commas between them: a tuple when there are several. */
  several(): Expression {
    if (this.#cursor.is("yield")) return this.#yield();
    const first = this.#starred();
    if (!this.#cursor.is(",")) return first;
    const items = [first];
    while (this.#cursor.take(",")) {
      if (!this.#beginsExpression()) break;
      this.#add(items, this.#starred());
    }
    return { kind: "tuple", items: exact(items) };
  }

  /**
   * Adds an item. Behind those whose places are told apart names and small numbers, of each of which there
   * is one node, are kept once: long tables are full of them.
   */
  #add(items: Expression[], item: Expression): void {
    const isShared = item.kind === "name" || (item.kind === "constant" && isSmall(item));
    if (isShared && items.length > ITEMS) {
      if (this.#shared.items !== items) this.#shared = { items, nodes: new Set() };
      if (this.#shared.nodes.has(item)) return;
      this.#shared.nodes.add(item);
    }
    items.push(item);
  }

  /** True where an expression may begin. */
  #beginsExpression(): boolean {
    const kind = this.#cursor.kind();
    if (kind === TOKEN.string || kind === TOKEN.number) return true;
    const word = this.#cursor.word();
    if (kind === TOKEN.name) {
      return !KEYWORDS.has(word) || /^(?:not|lambda|None|True|False|await|yield)$/u.test(word);
    }
    return kind === TOKEN.sign && /^(?:\(|\[|\{|-|\+|~|\*|\*\*|\.\.\.|`)$/u.test(word);
  }

  /** An expression, or a starred one. */
  #starred(): Expression {
    if (this.#cursor.take("*")) return { kind: "star", value: this.binary(COMPARISON + 1) };
    return this.named();
  }

  /** An expression, or one that binds a name. */
  named(): Expression {
    if (this.#cursor.kind() === TOKEN.name && this.#cursor.is(":=", 1)) {
      const id = this.#cursor.identifier();
      this.#cursor.at++;
      return { kind: "named", id, value: this.expression() };
    }
    if (this.#cursor.is("yield")) return this.#yield();
    return this.expression();
  }

  #yield(): Expression {
    this.#cursor.at++;
    const from = this.#cursor.take("from");
    const value = this.#beginsExpression() ? this.several() : undefined;
    return { kind: "yield", value, from };
  }

  /** One expression without commas. */
  expression(): Expression {
    return this.#cursor.deeper(() => this.#cursor.is("lambda") ? this.#lambda() : this.#choice());
  }

  #choice(): Expression {
    const first = this.binary(1);
    if (!this.#cursor.is("if")) return first;
    const tests: Expression[] = [];
    const values = [first];
    while (this.#cursor.take("if")) {
      tests.push(this.binary(1));
      this.#cursor.expect("else");
      values.push(this.#cursor.is("lambda") ? this.expression() : this.binary(1));
    }
    return { kind: "choice", tests, values };
  }

  #lambda(): Expression {
    this.#cursor.made();
    const at = this.#cursor.start() + this.#cursor.base;
    this.#cursor.at++;
    const parameters = this.parameters(":", false);
    this.#cursor.expect(":");
    const body = this.expression();
    const [tokens, base] = [this.#cursor.tokens, this.#cursor.base];
    const name = "<lambda>";
    const returns = undefined;
    const code: FunctionNode = {
      name,
      parameters,
      returns,
      body,
      tokens,
      base,
      from: 0,
      to: 0,
      at,
      prefix: undefined,
    };
    return { kind: "lambda", code };
  }

  #operator(): string {
    const kind = this.#cursor.kind();
    if (kind !== TOKEN.sign && kind !== TOKEN.name) return "";
    const code = this.#cursor.text.charCodeAt(this.#cursor.start());
    // ) , : ] }
    if (code === 41 || code === 44 || code === 58 || code === 93 || code === 125) return "";
    const word = this.#cursor.word();
    if (word === "not") return this.#cursor.is("in", 1) ? word : "";
    return word;
  }

  /** Operators that bind at least so strongly. */
  binary(least: number): Expression {
    let left = this.#unary(least);
    let own: number | undefined;
    for (;;) {
      const operator = this.#operator();
      const level = operator === "" ? undefined : PRECEDENCE.get(operator);
      if (level === undefined || level < least) return left;
      this.#cursor.at++;
      if (operator === "not" || (operator === "is" && this.#cursor.is("not"))) this.#cursor.at++;
      this.#cursor.made();
      const right = this.#cursor.deeper(() =>
        level === POWER ? this.#unary(POWER) : this.binary(level + 1)
      );
      if (own === level && left.kind === "operators") {
        left.operators.push(operator);
        left.items.push(right);
      } else left = { kind: "operators", operators: [operator], items: [left, right] };
      own = level;
    }
  }

  #unary(least: number): Expression {
    const word = this.#operatorBefore();
    if (word === undefined) return this.#chain();
    this.#cursor.made();
    let operator = word;
    let last = word;
    this.#cursor.at++;
    for (;;) {
      const next = this.#operatorBefore();
      if (next === undefined) break;
      if (next === "not") operator = "not";
      last = next;
      this.#cursor.at++;
    }
    const value = this.#cursor.deeper(() =>
      this.#cursor.is("lambda")
        ? this.#lambda()
        : this.binary(last === "not" ? Math.max(COMPARISON, Math.min(least, COMPARISON)) : POWER)
    );
    return { kind: "unary", operator, value };
  }

  #operatorBefore(): string | undefined {
    for (const word of ["not", "-", "+", "~"]) if (this.#cursor.is(word)) return word;
    return undefined;
  }

  #chain(): Expression {
    if (this.#cursor.is("await") && this.#cursor.kind() === TOKEN.name && this.#beginsBehind()) {
      this.#cursor.at++;
      return { kind: "await", value: this.#cursor.deeper(() => this.#unary(POWER)) };
    }
    const at = this.#cursor.start() + this.#cursor.base;
    const base = this.#atom();
    if (!this.#cursor.is(".") && !this.#cursor.is("(") && !this.#cursor.is("[")) return base;
    this.#cursor.made();
    const steps: Step[] = [];
    for (;;) {
      if (steps.length >= CHAIN) {
        this.#cursor.reading.tooDeep = true;
        this.#cursor.fail("nested too deeply");
      }
      if (this.#cursor.take(".")) {
        const id = this.#cursor.identifier();
        steps.push({ kind: "attribute", id, end: this.#cursor.behind() });
      } else if (this.#cursor.take("(")) {
        const items = this.arguments();
        steps.push({ kind: "call", items, end: this.#cursor.behind() });
      } else if (this.#cursor.take("[")) {
        const index = this.#cursor.deeper(() => this.#index());
        this.#cursor.expect("]");
        steps.push({ kind: "item", index, end: this.#cursor.behind() });
      } else return { kind: "chain", base, steps: exact(steps), at };
    }
  }

  #beginsBehind(): boolean {
    this.#cursor.at++;
    const begins = this.#beginsExpression();
    this.#cursor.at--;
    return begins;
  }

  /** The arguments of a call, behind its bracket. */
  arguments(): readonly Argument[] {
    if (this.#cursor.take(")")) return NO_ITEMS;
    const items: Argument[] = [];
    while (!this.#cursor.is(")")) {
      const stars = this.#cursor.take("**") ? 2 : this.#cursor.take("*") ? 1 : 0;
      if (stars === 0 && this.#cursor.kind() === TOKEN.name && this.#cursor.is("=", 1)) {
        const name = this.#cursor.plain();
        this.#cursor.at++;
        items.push({ kind: "given", name, stars, value: this.expression() });
      } else {
        const value = this.named();
        const argument = this.#isFor() ? this.#comprehension("generator", undefined, value) : value;
        items.push(
          stars === 0 ? argument : { kind: "given", name: undefined, stars, value: argument },
        );
      }
      if (!this.#cursor.take(",")) break;
    }
    this.#cursor.expect(")");
    return exact(items);
  }

  #index(): Expression {
    const items: Expression[] = [];
    let listed = false;
    do {
      if (this.#cursor.is("]")) break;
      const parts: Expression[] = [];
      let sliced = false;
      for (;;) {
        if (this.#cursor.take(":")) sliced = true;
        else if (this.#cursor.is(",") || this.#cursor.is("]")) break;
        else if (this.#cursor.take(":=")) this.#cursor.fail("invalid syntax");
        else parts.push(this.#starred());
        if (!this.#cursor.is(":") && !this.#beginsExpression()) break;
      }
      const [first] = parts;
      items.push(sliced || first === undefined ? { kind: "slice", parts } : first);
      listed ||= this.#cursor.is(",");
    } while (this.#cursor.take(","));
    const [first] = items;
    return first !== undefined && !listed ? first : { kind: "tuple", items };
  }

  #isFor(): boolean {
    return this.#cursor.is("for") || (this.#cursor.is("async") && this.#cursor.is("for", 1));
  }

  #comprehension(
    makes: "list" | "set" | "dict" | "generator",
    key: Expression | undefined,
    element: Expression,
  ): Expression {
    const clauses: Clause[] = [];
    while (this.#isFor()) {
      this.#cursor.take("async");
      this.#cursor.at++;
      const target = this.targets();
      this.#cursor.expect("in");
      const iterable = this.binary(1);
      const choice = iterable;
      const tests: Expression[] = [];
      while (this.#cursor.take("if")) {
        tests.push(
          this.#cursor.kind() === TOKEN.name && this.#cursor.is(":=", 1)
            ? this.named()
            : this.#cursor.is("lambda")
            ? this.#lambda()
            : this.binary(1),
        );
      }
      clauses.push({ target, iterable: choice, tests });
    }
    return { kind: "comprehension", makes, key, element, clauses };
  }

  /** What a loop binds: no operators, for `in` ends it. */
  targets(): Expression {
    const first = this.target();
    if (!this.#cursor.is(",")) return first;
    const items = [first];
    while (this.#cursor.take(",")) {
      if (this.#cursor.is("in") || this.#cursor.is("=") || this.#cursor.is(")")) break;
      items.push(this.target());
    }
    return { kind: "tuple", items };
  }

  target(): Expression {
    if (this.#cursor.take("*")) return { kind: "star", value: this.#chain() };
    return this.#chain();
  }

  #atom(): Expression {
    switch (this.#cursor.kind()) {
      case TOKEN.name:
        return this.#nameAtom();
      case TOKEN.number:
        return this.#number();
      case TOKEN.string:
        this.#cursor.made();
        return this.#strings();
      case TOKEN.sign:
        break;
      default:
        this.#cursor.fail("invalid syntax");
    }
    if (this.#cursor.is("(") || this.#cursor.is("[") || this.#cursor.is("{")) this.#cursor.made();
    if (this.#cursor.take("(")) return this.#cursor.deeper(() => this.#bracketed());
    if (this.#cursor.take("[")) return this.#cursor.deeper(() => this.#list("]", "list"));
    if (this.#cursor.take("{")) return this.#cursor.deeper(() => this.#braced());
    if (this.#cursor.take("...")) return { kind: "constant", value: undefined };
    if (this.#cursor.take("`")) {
      const value = this.#cursor.deeper(() => this.several());
      this.#cursor.expect("`");
      return { kind: "joined", parts: [value] };
    }
    this.#cursor.fail("invalid syntax");
  }

  #nameAtom(): Expression {
    const word = this.#cursor.word();
    if (word === "None" || word === "True" || word === "False") {
      this.#cursor.at++;
      return { kind: "constant", value: word === "None" ? null : word === "True" };
    }
    const id = this.#cursor.identifier();
    return this.#named(id);
  }

  #number(): Expression {
    const text = this.#cursor.tokens.written(this.#cursor.at++).replaceAll("_", "").replace(
      /[lL]$/u,
      "",
    );
    const value = /^0[0-7]+$/u.test(text) ? Number.parseInt(text, 8) : Number(text);
    // Only integers are distinguished: `1.0` and `1` are other texts.
    if (SMALL[value] === undefined) this.#cursor.made();
    const exact = Number.isSafeInteger(value) && /^(?:\d+|0[xobXOB][\da-fA-F]+)$/u.test(text);
    return numberOf(exact ? value : undefined);
  }

  /** Strings that stand one after the other. */
  #strings(): Expression {
    const parts: (string | Expression)[] = [];
    let bytes: string | undefined;
    for (; this.#cursor.kind() === TOKEN.string; this.#cursor.at++) {
      const written = this.#cursor.tokens.written(this.#cursor.at);
      const value = stringValue(written);
      if (value === undefined) this.#formatted(written, parts);
      else if (!value.exact) parts.push(value.text, NOT_KNOWN);
      else if (value.bytes) bytes = (bytes ?? "") + value.text;
      else if (typeof parts.at(-1) === "string") parts.push(`${parts.pop()}${value.text}`);
      else parts.push(value.text);
    }
    if (bytes !== undefined) return { kind: "bytes", text: bytes };
    const [only] = parts;
    if (parts.length === 1 && typeof only === "string") return { kind: "constant", value: only };
    return { kind: "joined", parts };
  }

  #formatted(written: string, parts: (string | Expression)[]): void {
    const start = this.#cursor.start();
    const quote = /^[^"']*(?:"""|'''|"|')/u.exec(written)?.[0] ?? "";
    const isRaw = /^[^"']*r/iu.test(written);
    const put = (text: string): void => {
      if (text === "") return;
      if (!isRaw && namesCharacter(text)) parts.push(NOT_KNOWN);
      const plain = text.replaceAll("{{", "{").replaceAll("}}", "}");
      parts.push(isRaw ? plain : unescaped(plain));
    };
    let at = quote.length;
    for (const { from, to, outer } of formattedFields(written, 0)) {
      // Every further one would fail.
      if (this.#cursor.isFull) return;
      if (outer) {
        const text = written.slice(at, Math.max(at, from - 1));
        if (!/^[:}]/u.test(text)) put(text);
      }
      at = Math.max(at, to + 1);
      const value = this.#field(written.slice(from, to), start + from);
      if (value !== undefined) parts.push(value);
      // A conversion, a format or `=` makes another text of the value.
      const isPlain = written[to] === "}" && !/(?<![=!<>])=\s*$/u.test(written.slice(from, to));
      if (value === undefined || !isPlain) parts.push(NOT_KNOWN);
    }
    const rest = written.slice(
      at,
      Math.max(at, written.length - quote.replace(/^[^"']*/u, "").length),
    );
    put(rest);
  }

  /** The expression of a field of a formatted string; undefined where it is none. */
  #field(field: string, at: number): Expression | undefined {
    const name = field.trim();
    if (PLAIN_NAME.test(name) && !KEYWORDS.has(name)) {
      return this.#named(this.#cursor.private(name));
    }
    const text = `(${field.replace(/(?<![=!<>])=\s*$/u, "")}\n)`;
    const tokens = new Tokens(text, this.#cursor.check, this.#cursor.spare.pop());
    if (tokens.cut) this.#cursor.reading.tooDeep = true;
    const inner = new Cursor(tokens, this.#cursor.reading, this.#cursor.check, {
      base: at + this.#cursor.base - 1,
      names: this.#cursor.names,
      spare: this.#cursor.spare,
      depth: this.#cursor.depth + 10,
      prefix: this.#cursor.prefix,
    });
    const value = this.#cursor.deeper(() => new ExpressionGrammar(inner).only());
    this.#cursor.spare.push(tokens);
    return value;
  }

  /** One node for each name. */
  #named(id: string): Expression {
    const known = this.#cursor.names.get(id);
    if (known !== undefined) return known;
    const name: Expression = { kind: "name", id };
    this.#cursor.names.set(id, name);
    return name;
  }

  #bracketed(): Expression {
    if (this.#cursor.take(")")) return { kind: "tuple", items: [] };
    if (this.#cursor.is("yield")) {
      const value = this.#yield();
      this.#cursor.expect(")");
      return value;
    }
    const first = this.#starred();
    if (this.#isFor()) {
      const made = this.#comprehension("generator", undefined, first);
      this.#cursor.expect(")");
      return made;
    }
    if (this.#cursor.take(")")) return first;
    const items = [first];
    while (this.#cursor.take(",")) {
      if (this.#cursor.is(")")) break;
      this.#add(items, this.#starred());
    }
    this.#cursor.expect(")");
    return { kind: "tuple", items: exact(items) };
  }

  #list(end: string, kind: "list" | "set"): Expression {
    if (this.#cursor.take(end)) return { kind, items: [] };
    return this.#listFrom(this.#starred(), end, kind);
  }

  #listFrom(first: Expression, end: string, kind: "list" | "set"): Expression {
    if (this.#isFor()) {
      const made = this.#comprehension(kind, undefined, first);
      this.#cursor.expect(end);
      return made;
    }
    const items = [first];
    while (this.#cursor.take(",")) {
      if (this.#cursor.is(end)) break;
      this.#add(items, this.#starred());
    }
    this.#cursor.expect(end);
    return { kind, items: exact(items) };
  }

  #braced(): Expression {
    if (this.#cursor.take("}")) return { kind: "dict", pairs: [] };
    const pairs: [Expression | undefined, Expression][] = [];
    for (;;) {
      if (this.#cursor.take("**")) pairs.push([undefined, this.binary(COMPARISON + 1)]);
      else {
        const key = this.#starred();
        if (!this.#cursor.take(":")) {
          if (pairs.length > 0) this.#cursor.fail("expected ':'");
          return this.#listFrom(key, "}", "set");
        }
        const value = this.expression();
        if (pairs.length === 0 && this.#isFor()) {
          const made = this.#comprehension("dict", key, value);
          this.#cursor.expect("}");
          return made;
        }
        pairs.push([key, value]);
      }
      if (!this.#cursor.take(",") || this.#cursor.is("}")) break;
    }
    this.#cursor.expect("}");
    return { kind: "dict", pairs: exact(pairs) };
  }

  /** Parameters of a function or lambda up to a sign. */
  parameters(end: string, annotated: boolean): readonly Parameter[] {
    if (this.#cursor.is(end)) return NO_PARAMETERS;
    const parameters: Parameter[] = [];
    while (!this.#cursor.is(end)) {
      if (this.#cursor.take("/")) {
        if (!this.#cursor.take(",")) break;
        continue;
      }
      const stars = this.#cursor.take("**") ? 2 : this.#cursor.take("*") ? 1 : 0;
      if (stars === 1 && (this.#cursor.is(",") || this.#cursor.is(end))) {
        if (!this.#cursor.take(",")) break;
        continue;
      }
      let name = "";
      if (this.#cursor.is("(")) {
        // Python 2 takes tuples apart.
        this.#atom();
      } else name = this.#cursor.identifier();
      const annotation = annotated && this.#cursor.take(":") ? this.#starred() : undefined;
      const value = this.#cursor.take("=") ? this.expression() : undefined;
      parameters.push({ name, stars, value, annotation });
      if (!this.#cursor.take(",")) break;
    }
    return exact(parameters);
  }
}

/** What was pushed, without the room that engines keep for more: 17 places where one is used. */
function exact<T>(items: T[]): T[] {
  return items.length < 17 ? items.slice() : items;
}

const SMALL: readonly Expression[] = Array.from(
  { length: 257 },
  (_, value) => ({ kind: "constant", value }) as const,
);

/** True for the one node of a small number. */
function isSmall(item: Extract<Expression, { kind: "constant" }>): boolean {
  return typeof item.value === "number" && SMALL[item.value] === item;
}

/** Something of which nothing is known. */
const NOT_KNOWN: Expression = { kind: "constant", value: undefined };

/** One node for each small number, which long tables are full of. */
function numberOf(value: number | undefined): Expression {
  return (value === undefined ? undefined : SMALL[value]) ?? { kind: "constant", value };
}
