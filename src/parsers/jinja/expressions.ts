/**
 * Parses the expressions of Jinja's tags, after the grammar in `jinja2/parser.py`.
 *
 * @module
 */

import type { Argument, Expression } from "./ast.ts";
import type { Token } from "./lexer.ts";

/** Nested brackets and operators. The deepest in 120 chat templates has 5. CWE-674. */
const DEPTH = 100;

/**
 * Operators, attributes and filters of one tag, which nest to the left. The most in 120 chat templates are
 * 80. CWE-674.
 */
const LINKS = 1000;

/** A tag that is not understood. */
export class Refusal extends Error {
  /** @param limit true when Jinja may accept the tag and it is too much for this parser */
  constructor(message: string, readonly at: number, readonly limit = false) {
    super(message);
  }
}

const COMPARISONS = new Set(["==", "!=", "<", "<=", ">", ">="]);
const WORDS: Readonly<Record<string, boolean | null>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
};

/** A reader of one tag's words. */
export class ExpressionParser {
  protected readonly tokens: readonly Token[];
  protected readonly place: { readonly at: number; readonly end: number };
  protected next = 0;
  #depth = 0;
  #links = 0;

  /** @param place of the tag */
  constructor(tokens: readonly Token[], place: { readonly at: number; readonly end: number }) {
    this.tokens = tokens;
    this.place = place;
  }

  /** Expressions with commas between them are a tuple. */
  protected tuple(conditional = true): Expression {
    const first = this.expression(conditional);
    if (!this.isNext("sign", ",")) return first;
    const items = [first];
    while (this.is(",")) {
      if (this.peek() === undefined || this.isNext("sign", ")") || this.isNext("name", "in")) break;
      items.push(this.expression(conditional));
    }
    const end = items.at(-1)?.end ?? first.end;
    return { type: "list", items, tuple: true, at: first.at, end };
  }

  /** @param conditional false where `if` belongs to the `for` before it */
  protected expression(conditional = true): Expression {
    if (++this.#depth > DEPTH) throw this.refusal("less nesting", true);
    let value = this.#or();
    while (conditional && this.isWord("if")) {
      const test = this.#or();
      const otherwise = this.isWord("else") ? this.expression() : undefined;
      const end = (otherwise ?? test).end;
      value = { type: "conditional", test, then: value, otherwise, at: value.at, end };
    }
    this.#depth--;
    return value;
  }

  #or(): Expression {
    let left = this.#and();
    while (this.isWord("or")) left = this.#binary("or", left, this.#and());
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    while (this.isWord("and")) left = this.#binary("and", left, this.#not());
    return left;
  }

  #not(): Expression {
    const at = this.peek()?.at ?? 0;
    let count = 0;
    while (this.isWord("not")) count++;
    const operand = this.#comparison();
    return count === 0
      ? operand
      : { type: "unary", operator: "not", operand, at, end: operand.end };
  }

  #comparison(): Expression {
    let left = this.#sum();
    while (true) {
      const { kind, text = "" } = this.peek() ?? {};
      let operator = text;
      if (kind === "sign" && COMPARISONS.has(text)) this.next++;
      else if (this.isWord("in")) { /* one word */ }
      else if (this.isNext("name", "not") && this.isNext("name", "in", 1)) {
        this.next += 2;
        operator = "not in";
      } else return left;
      left = this.#binary(operator, left, this.#sum());
    }
  }

  #sum(): Expression {
    return this.#level(["+", "-"], () => this.#level(["~"], () => this.#product()));
  }

  #product(): Expression {
    return this.#level(["*", "/", "//", "%"], () => this.#power());
  }

  /** Filters bind more tightly than `**`, which goes from left to right. */
  #power(): Expression {
    return this.#level(["**"], () => this.#unary());
  }

  #level(operators: readonly string[], next: () => Expression): Expression {
    let left = next();
    while (true) {
      const token = this.peek();
      if (token?.kind !== "sign" || !operators.includes(token.text)) return left;
      this.next++;
      left = this.#binary(token.text, left, next());
    }
  }

  #unary(filtered = true): Expression {
    const token = this.peek();
    if (token?.kind === "sign" && (token.text === "-" || token.text === "+")) {
      if (++this.#depth > DEPTH) throw this.refusal("less nesting", true);
      this.next++;
      const operand = this.#unary(false);
      this.#depth--;
      const { at } = token;
      const signed: Expression = {
        type: "unary",
        operator: token.text,
        operand,
        at,
        end: operand.end,
      };
      const value = this.#postfix(signed);
      return filtered ? this.#behind(value) : value;
    }
    const value = this.#postfix(this.#primary());
    return filtered ? this.#behind(value) : value;
  }

  #primary(): Expression {
    const token = this.peek();
    if (token === undefined) throw this.refusal("an expression");
    const { at, end } = token;
    this.next++;
    if (token.kind === "string") return this.#strings(token);
    if (token.kind === "number") {
      const value = Number(token.text.replaceAll("_", ""));
      const float = /^\d[\d_]*(?:\.|[eE])/u.test(token.text);
      return { type: "constant", value, ...(float && { float }), at, end };
    }
    if (token.kind === "name") {
      const word = Object.hasOwn(WORDS, token.text) ? WORDS[token.text] : undefined;
      return word === undefined
        ? { type: "name", name: token.text, at, end }
        : { type: "constant", value: word, at, end };
    }
    if (token.text === "(") return this.#group(at);
    if (token.text === "[") {
      const items = this.#items("]");
      return { type: "list", items, at, end: this.ended() };
    }
    if (token.text === "{") return this.#dict(at);
    this.next--;
    throw this.refusal("an expression");
  }

  /** Strings that stand one after the other are one. */
  #strings(first: Token): Expression {
    let value = first.text;
    let { end } = first;
    for (let next = this.peek(); next?.kind === "string"; next = this.peek()) {
      value += next.text;
      end = next.end;
      this.next++;
    }
    return { type: "constant", value, at: first.at, end };
  }

  #group(at: number): Expression {
    if (this.is(")")) return { type: "list", items: [], tuple: true, at, end: this.ended() };
    const inner = this.tuple();
    this.sign(")");
    return { ...inner, at, end: this.ended() };
  }

  #items(closing: string): Expression[] {
    const items: Expression[] = [];
    while (!this.is(closing)) {
      if (items.length > 0) this.sign(",");
      if (this.is(closing)) break;
      items.push(this.expression());
    }
    return items;
  }

  #dict(at: number): Expression {
    const pairs: [Expression, Expression][] = [];
    while (!this.is("}")) {
      if (pairs.length > 0) this.sign(",");
      if (this.is("}")) break;
      const key = this.expression();
      this.sign(":");
      pairs.push([key, this.expression()]);
    }
    return { type: "dict", pairs, at, end: this.ended() };
  }

  /** `.name`, `[index]` and `(arguments)` behind a value. */
  #postfix(object: Expression): Expression {
    let value = object;
    while (true) {
      const { at } = value;
      this.#link();
      if (this.is(".")) {
        const token = this.peek();
        if (token?.kind !== "name" && token?.kind !== "number") throw this.refusal("a name");
        this.next++;
        value = { type: "attribute", object: value, name: token.text, at, end: token.end };
      } else if (this.is("[")) {
        const index = this.#subscript();
        value = { type: "item", object: value, index, at, end: this.ended() };
      } else if (this.is("(")) {
        const given = this.#arguments();
        value = { type: "call", object: value, arguments: given, at, end: this.ended() };
      } else return value;
    }
  }

  #subscript(): Expression {
    const at = this.peek()?.at ?? 0;
    const parts: (Expression | undefined)[] = [];
    const items: Expression[] = [];
    let part: Expression | undefined;
    let slice = false;
    while (!this.is("]")) {
      if (this.is(":")) {
        parts.push(part);
        part = undefined;
        slice = true;
      } else if (this.is(",")) {
        if (part !== undefined) items.push(part);
        part = undefined;
      } else part = this.expression();
    }
    if (slice) return { type: "slice", parts: [...parts, part], at, end: this.ended() };
    if (items.length > 0) {
      if (part !== undefined) items.push(part);
      return { type: "list", items, tuple: true, at, end: this.ended() };
    }
    if (part === undefined) throw this.refusal("an index");
    return part;
  }

  #arguments(): Argument[] {
    const given: Argument[] = [];
    while (!this.is(")")) {
      if (given.length > 0) this.sign(",");
      if (this.is(")")) break;
      const spread = this.is("*") ? "*" : this.is("**") ? "**" : undefined;
      if (spread !== undefined) {
        given.push({ spread, value: this.expression() });
        continue;
      }
      const named = this.peek()?.kind === "name" && this.isNext("sign", "=", 1);
      const name = named ? this.name() : undefined;
      if (named) this.sign("=");
      given.push({ ...(name !== undefined && { name }), value: this.expression() });
    }
    return given;
  }

  /** `|filter` and `is test` behind a value. */
  #behind(object: Expression): Expression {
    let value = object;
    while (true) {
      this.#link();
      if (this.isNext("sign", "|")) value = this.filters(value, false);
      else if (this.isWord("is")) value = this.#test(value);
      else if (this.is("(")) {
        const given = this.#arguments();
        value = { type: "call", object: value, arguments: given, at: value.at, end: this.ended() };
      } else return value;
    }
  }

  protected filters(object: Expression | undefined, inline: boolean): Expression {
    let value = object;
    let first = inline;
    while (first || this.is("|")) {
      first = false;
      this.#link();
      const at = value?.at ?? this.peek()?.at ?? 0;
      const name = this.#dotted();
      const given = this.is("(") ? this.#arguments() : [];
      value = { type: "filter", object: value, name, arguments: given, at, end: this.ended() };
    }
    if (value === undefined) throw this.refusal("a filter");
    return value;
  }

  #test(object: Expression): Expression {
    const { at } = object;
    const negated = this.isWord("not");
    const name = this.#dotted();
    let given: Argument[] = [];
    const next = this.peek();
    if (this.is("(")) given = this.#arguments();
    else if (next !== undefined && startsArgument(next)) {
      given = [{ value: this.#postfix(this.#primary()) }];
    }
    const test: Expression = {
      type: "test",
      object,
      name,
      arguments: given,
      at,
      end: this.ended(),
    };
    return negated ? { type: "unary", operator: "not", operand: test, at, end: test.end } : test;
  }

  #dotted(): string {
    let name = this.name();
    while (this.is(".")) name += `.${this.name()}`;
    return name;
  }

  protected peek(): Token | undefined {
    return this.tokens[this.next];
  }

  /** Where the token before ends. */
  protected ended(): number {
    return this.tokens[this.next - 1]?.end ?? this.place.end;
  }

  /** Whether a sign or a word comes next, or `ahead` tokens later. The string `"in"` is no word. */
  protected isNext(kind: "sign" | "name", text: string, ahead = 0): boolean {
    const token = this.tokens[this.next + ahead];
    return token?.kind === kind && token.text === text;
  }

  protected is(sign: string): boolean {
    if (!this.isNext("sign", sign)) return false;
    this.next++;
    return true;
  }

  protected isWord(word: string): boolean {
    if (!this.isNext("name", word)) return false;
    this.next++;
    return true;
  }

  protected sign(sign: string): void {
    if (!this.is(sign)) throw this.refusal(`"${sign}"`);
  }

  protected word(word: string): void {
    if (!this.isWord(word)) throw this.refusal(`"${word}"`);
  }

  protected name(): string {
    const token = this.peek();
    if (token?.kind !== "name") throw this.refusal("a name");
    this.next++;
    return token.text;
  }

  protected refusal(expected: string, limit = false): Refusal {
    const token = this.peek();
    const found = token === undefined ? "the end of the tag" : JSON.stringify(token.text);
    return new Refusal(`${expected} expected, ${found} found`, token?.at ?? this.place.at, limit);
  }

  #binary(operator: string, left: Expression, right: Expression): Expression {
    this.#link();
    return { type: "binary", operator, left, right, at: left.at, end: right.end };
  }

  /** One more step to the left. */
  #link(): void {
    if (++this.#links > LINKS) throw this.refusal("a shorter expression", true);
  }
}

/** A test may have one argument without brackets. */
function startsArgument({ kind, text }: Token): boolean {
  if (kind === "name") return !["else", "or", "and", "is", "if", "recursive", "in"].includes(text);
  return kind !== "sign" || text === "[" || text === "{";
}
