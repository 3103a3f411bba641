/**
 * Reads Python source by its grammar, a statement at a time: Python 3's, and of Python 2's what
 * differs (`print` and `exec` statements, `except A, e`, backquotes).
 * https://docs.python.org/3/reference/grammar.html
 *
 * Bodies of functions are stepped over; the caller that calls one asks for its statements.
 *
 * @module
 */

import { stringValue } from "./constants.ts";
import { Cursor, KEYWORDS, type Reading, SyntaxProblem } from "./grammar_cursor.ts";
import { COMPARISON, ExpressionGrammar } from "./grammar_expressions.ts";
import { TOKEN, type Tokens } from "./lexer.ts";
import type { Capture, Expression, Statement } from "./syntax.ts";

/**
 * Lines that cannot be read before the rest is given up. Python gives up at the first. Files in use have up
 * to 2. CWE-400.
 */
const ERRORS = 1000;

/**
 * Decorators of one function or class, which are kept until all of them are read. The most seen are 107.
 * CWE-770.
 */
const DECORATORS = 1000;

/** Statements of one line that are read at once. The most seen are 3. CWE-770. */
const LINE = 1000;

const AUGMENTED = /^(?:\*\*|\/\/|>>|<<|[-+*/%&|^@])=$/u;

/** A reader over the tokens of a source. */
export class Grammar {
  readonly #cursor: Cursor;
  readonly #expressions: ExpressionGrammar;

  /**
   * A reader.
   *
   * @param from index of the first token
   * @param base characters before the text that was split into tokens
   * @param prefix of private names, within a class
   */
  constructor(
    tokens: Tokens,
    reading: Reading,
    check: (count?: number) => void,
    place: {
      readonly from?: number;
      readonly base?: number;
      readonly prefix?: string | undefined;
    } = {},
  ) {
    this.#cursor = new Cursor(tokens, reading, check, place);
    this.#expressions = new ExpressionGrammar(this.#cursor);
  }

  /** True when nothing is left before a token. */
  isDone(to = this.#cursor.tokens.count - 1): boolean {
    return this.#cursor.at >= to;
  }

  /** The next statements up to a token: those of one line, or one compound statement. */
  next(to = this.#cursor.tokens.count - 1): Statement[] {
    const start = this.#cursor.at;
    const statements: Statement[] = [];
    this.#cursor.check();
    if (this.#cursor.depth === 0) this.#cursor.reading.nodes = 0;
    else this.#cursor.reading.nodes++;
    try {
      this.#line(statements);
    } catch (error) {
      if (!(error instanceof SyntaxProblem)) throw error;
      this.#cursor.reading.error ??= { at: error.at, reason: error.message };
      if (++this.#cursor.reading.errors > ERRORS) this.#cursor.at = to;
      else this.#recover(start, to);
    }
    if (this.#cursor.at > to) this.#cursor.at = to;
    if (this.#cursor.at === start) this.#cursor.at++;
    return statements;
  }

  /** Resumes after the line that cannot be parsed. */
  #recover(start: number, to: number): void {
    this.#cursor.at = Math.max(this.#cursor.at, start);
    while (this.#cursor.at < to && this.#cursor.kind() !== TOKEN.newline) this.#cursor.at++;
    if (this.#cursor.kind() === TOKEN.newline) this.#cursor.at++;
  }

  /** One compound statement, or the small ones of a line. */
  #line(statements: Statement[]): void {
    const kind = this.#cursor.kind();
    if (kind === TOKEN.newline || kind === TOKEN.dedent) {
      this.#cursor.at++;
      return;
    }
    if (kind === TOKEN.indent) {
      // Its header could not be read.
      this.#cursor.reading.error ??= {
        at: this.#cursor.start() + this.#cursor.base,
        reason: "unexpected indent",
      };
      statements.push({ kind: "block", body: this.#indented() });
      return;
    }
    const compound = this.#compound();
    if (compound !== undefined) {
      statements.push(compound);
      return;
    }
    this.#small(statements, LINE);
  }

  /** The statements of a line; the rest of a long one is read as the next. */
  #small(statements: Statement[], most = Infinity): void {
    for (;;) {
      this.#smallOne(statements);
      if (!this.#cursor.take(";")) break;
      if (statements.length >= most) return;
      if (this.#cursor.kind() === TOKEN.newline) break;
    }
    if (this.#cursor.kind() === TOKEN.newline) this.#cursor.at++;
    else if (this.#cursor.kind() !== TOKEN.end) this.#cursor.fail("invalid syntax");
  }

  #compound(): Statement | undefined {
    if (this.#cursor.is("@")) return this.#decorated();
    if (this.#cursor.kind() !== TOKEN.name) return undefined;
    const at = this.#cursor.is("async") && /^(?:def|for|with)$/u.test(this.#cursor.word(1)) ? 1 : 0;
    switch (this.#cursor.word(at)) {
      case "def":
        this.#cursor.at += at;
        return this.#function([]);
      case "class":
        return this.#class([]);
      case "if":
        return this.#if();
      case "for":
        this.#cursor.at += at;
        return this.#for();
      case "while":
        return this.#while();
      case "try":
        return this.#try();
      case "with":
        this.#cursor.at += at;
        return this.#with();
      case "match":
        return this.#isMatch() ? this.#match() : undefined;
      default:
        return undefined;
    }
  }

  /** The statements behind a colon. */
  #block(): Statement[] {
    this.#cursor.expect(":");
    if (this.#cursor.kind() !== TOKEN.newline) {
      const statements: Statement[] = [];
      this.#small(statements);
      return statements;
    }
    this.#cursor.at++;
    if (this.#cursor.kind() !== TOKEN.indent) this.#cursor.fail("expected an indented block");
    return this.#indented();
  }

  #indented(): Statement[] {
    const to = this.#cursor.tokens.blockEnd(this.#cursor.at);
    this.#cursor.at++;
    const statements: Statement[] = [];
    this.#cursor.deeper(() => {
      while (this.#cursor.at < to) for (const each of this.next(to)) statements.push(each);
    });
    this.#cursor.at = to + 1;
    return statements;
  }

  #decorated(): Statement {
    const decorators: Expression[] = [];
    while (this.#cursor.take("@")) {
      if (decorators.length >= DECORATORS) {
        this.#cursor.reading.tooLong = true;
        this.#cursor.fail("too many decorators");
      }
      decorators.push(this.#expressions.named());
      if (this.#cursor.kind() !== TOKEN.newline) this.#cursor.fail("invalid syntax");
      while (this.#cursor.kind() === TOKEN.newline) this.#cursor.at++;
    }
    if (this.#cursor.is("class")) return this.#class(decorators);
    this.#cursor.take("async");
    if (!this.#cursor.is("def")) this.#cursor.fail("invalid syntax");
    return this.#function(decorators);
  }

  #function(decorators: readonly Expression[]): Statement {
    this.#cursor.made();
    const at = this.#cursor.start() + this.#cursor.base;
    this.#cursor.at++;
    const name = this.#cursor.identifier();
    const bounds = this.#typeParameters();
    this.#cursor.expect("(");
    const parameters = this.#expressions.parameters(")", true);
    this.#cursor.expect(")");
    const returns = this.#cursor.take("->") ? this.#expressions.several() : undefined;
    this.#cursor.expect(":");
    let from = this.#cursor.at;
    let to: number;
    if (this.#cursor.kind() === TOKEN.newline) {
      this.#cursor.at++;
      if (this.#cursor.kind() !== TOKEN.indent) this.#cursor.fail("expected an indented block");
      to = this.#cursor.tokens.blockEnd(this.#cursor.at);
      from = this.#cursor.at + 1;
      this.#cursor.at = to + 1;
    } else {
      while (this.#cursor.kind() !== TOKEN.newline && this.#cursor.kind() !== TOKEN.end) {
        this.#cursor.at++;
      }
      to = this.#cursor.at;
      if (this.#cursor.kind() === TOKEN.newline) this.#cursor.at++;
    }
    const [tokens, base] = [this.#cursor.tokens, this.#cursor.base];
    const { prefix } = this.#cursor;
    const code = { name, parameters, returns, body: undefined, tokens, base, from, to, at, prefix };
    return { kind: "function", code, decorators, ...bounds };
  }

  /** `[T: bound = default, *Ts, **P]`: bounds and defaults, where there are some. */
  #typeParameters(): { readonly bounds: readonly Expression[] } | undefined {
    if (!this.#cursor.take("[")) return undefined;
    const bounds: Expression[] = [];
    do {
      if (this.#cursor.is("]")) break;
      if (!this.#cursor.take("*")) this.#cursor.take("**");
      this.#cursor.identifier();
      if (this.#cursor.take(":")) bounds.push(this.#expressions.named());
      if (this.#cursor.take("=")) {
        this.#cursor.take("*");
        bounds.push(this.#expressions.named());
      }
    } while (this.#cursor.take(","));
    this.#cursor.expect("]");
    return bounds.length > 0 ? { bounds } : undefined;
  }

  #class(decorators: readonly Expression[]): Statement {
    const at = this.#cursor.start() + this.#cursor.base;
    this.#cursor.at++;
    const plain = this.#cursor.plain();
    const name = this.#cursor.private(plain);
    const bounds = this.#typeParameters();
    const items = this.#cursor.take("(") ? this.#expressions.arguments() : [];
    const body = this.#within(plain, () => this.#block());
    return { kind: "class", name, items, decorators, body, at, ...bounds };
  }

  /** Reads the body of a class, whose private names bear its own. */
  #within<T>(name: string, read: () => T): T {
    const { prefix } = this.#cursor;
    const bare = name.replace(/^_+/u, "");
    this.#cursor.prefix = bare === "" ? undefined : `_${bare}`;
    try {
      return read();
    } finally {
      this.#cursor.prefix = prefix;
    }
  }

  #if(): Statement {
    const tests: Expression[] = [];
    const bodies: Statement[][] = [];
    do {
      this.#cursor.at++;
      tests.push(this.#expressions.named());
      bodies.push(this.#block());
    } while (this.#cursor.is("elif"));
    return { kind: "if", tests, bodies, otherwise: this.#else() };
  }

  #else(): Statement[] {
    return this.#cursor.take("else") ? this.#block() : [];
  }

  #for(): Statement {
    this.#cursor.at++;
    const target = this.#expressions.targets();
    this.#cursor.expect("in");
    const iterable = this.#expressions.several();
    return { kind: "for", target, iterable, body: this.#block(), otherwise: this.#else() };
  }

  #while(): Statement {
    this.#cursor.at++;
    const test = this.#expressions.named();
    return { kind: "while", test, body: this.#block(), otherwise: this.#else() };
  }

  #try(): Statement {
    this.#cursor.at++;
    const blocks = [this.#block()];
    const handlers: Extract<Statement, { kind: "try" }>["handlers"][number][] = [];
    while (this.#cursor.take("except")) {
      this.#cursor.take("*");
      let type: Expression | undefined;
      let name: string | undefined;
      if (!this.#cursor.is(":")) {
        type = this.#expressions.expression();
        if (this.#cursor.take("as")) name = this.#cursor.identifier();
        else if (this.#cursor.take(",")) {
          // Python 2 names the exception here; Python 3.14 lists further classes.
          const second = this.#expressions.several();
          if (second.kind === "name" && !this.#cursor.is("as")) name = second.id;
          if (this.#cursor.take("as")) name = this.#cursor.identifier();
          type = { kind: "tuple", items: [type, second] };
        }
      }
      handlers.push({ type, name, body: this.#block() });
    }
    if (this.#cursor.take("else")) blocks.push(this.#block());
    if (this.#cursor.take("finally")) blocks.push(this.#block());
    return { kind: "try", blocks, handlers };
  }

  #with(): Statement {
    this.#cursor.at++;
    const items: [Expression, Expression | undefined][] = [];
    const bracketed = this.#isBracketedWith();
    if (bracketed) this.#cursor.at++;
    for (;;) {
      const value = this.#expressions.named();
      items.push([value, this.#cursor.take("as") ? this.#expressions.target() : undefined]);
      if (!this.#cursor.take(",")) break;
      if (bracketed && this.#cursor.is(")")) break;
    }
    if (bracketed) this.#cursor.expect(")");
    return { kind: "with", items, body: this.#block() };
  }

  /** `with (a as b, c):` */
  #isBracketedWith(): boolean {
    if (!this.#cursor.is("(")) return false;
    let depth = 0;
    let listed = false;
    for (let ahead = 0;; ahead++) {
      const kind = this.#cursor.kind(ahead);
      if (kind === TOKEN.newline || kind === TOKEN.end) return false;
      if (kind !== TOKEN.sign && kind !== TOKEN.name) continue;
      const word = this.#cursor.word(ahead);
      if (word === "(" || word === "[" || word === "{") depth++;
      else if (word === ")" || word === "]" || word === "}") {
        if (--depth === 0) return listed && this.#cursor.is(":", ahead + 1);
      } else if (depth === 1 && (word === "as" || word === ",")) listed = true;
      else if (depth === 1 && (word === "for" || word === "yield")) return false;
    }
  }

  /** `match` begins a statement only where its line ends in a colon and a block of cases follows. */
  #isMatch(): boolean {
    let ahead = 1;
    while (this.#cursor.kind(ahead) !== TOKEN.newline && this.#cursor.kind(ahead) !== TOKEN.end) {
      ahead++;
    }
    return ahead > 2 && this.#cursor.is(":", ahead - 1) &&
      this.#cursor.kind(ahead + 1) === TOKEN.indent &&
      this.#cursor.is("case", ahead + 2);
  }

  #match(): Statement {
    this.#cursor.at++;
    const subject = this.#expressions.several();
    this.#cursor.expect(":");
    this.#cursor.at++;
    const to = this.#cursor.tokens.blockEnd(this.#cursor.at);
    this.#cursor.at++;
    const cases: Extract<Statement, { kind: "match" }>["cases"][number][] = [];
    this.#cursor.deeper(() => {
      while (this.#cursor.at < to) {
        if (this.#cursor.kind() === TOKEN.newline) {
          this.#cursor.at++;
          continue;
        }
        this.#cursor.expect("case");
        this.#cursor.made();
        const captures = this.#pattern();
        const guard = this.#cursor.take("if") ? this.#expressions.named() : undefined;
        cases.push({ captures, guard, body: this.#block() });
      }
    });
    this.#cursor.at = to + 1;
    return { kind: "match", subject, cases };
  }

  /** The names that a pattern binds. */
  #pattern(): Capture[] {
    const captures: Capture[] = [];
    let depth = 0;
    for (;; this.#cursor.at++) {
      const kind = this.#cursor.kind();
      if (kind === TOKEN.newline || kind === TOKEN.end) this.#cursor.fail("expected ':'");
      const word = this.#cursor.word();
      if (depth === 0 && (word === ":" || word === "if")) return captures;
      if (word === "(" || word === "[" || word === "{") depth++;
      else if (word === ")" || word === "]" || word === "}") depth--;
      if (kind !== TOKEN.name || KEYWORDS.has(word) || word === "_") continue;
      if (
        this.#cursor.is(".", -1) || this.#cursor.is(".", 1) || this.#cursor.is("(", 1) ||
        this.#cursor.is("=", 1)
      ) continue;
      const attribute = this.#cursor.is("=", -1)
        ? this.#cursor.private(this.#cursor.word(-2))
        : undefined;
      const key = this.#cursor.is(":", -1) && this.#cursor.kind(-2) === TOKEN.string
        ? keyOf(this.#cursor.tokens.written(this.#cursor.at - 2))
        : undefined;
      const name = this.#cursor.private(word.normalize("NFKC"));
      captures.push({ name, attribute, key });
    }
  }

  #smallOne(statements: Statement[]): void {
    if (this.#cursor.kind() === TOKEN.name) {
      const word = this.#cursor.word();
      switch (word) {
        case "pass":
        case "break":
        case "continue":
          this.#cursor.at++;
          return;
        case "import":
          statements.push(this.#import());
          return;
        case "from":
          statements.push(this.#from());
          return;
        case "return":
          this.#cursor.at++;
          statements.push({
            kind: "return",
            value: this.#endsHere() ? undefined : this.#expressions.several(),
          });
          return;
        case "raise":
        case "assert":
        case "del":
          statements.push(this.#listed(word));
          return;
        case "global":
        case "nonlocal":
          statements.push(this.#scope(word === "global"));
          return;
        case "print":
          if (this.#isStatement()) {
            this.#cursor.at++;
            this.#cursor.take(">>");
            statements.push({ kind: "expression", value: this.#expressions.several() });
            return;
          }
          break;
        case "exec":
          if (this.#isStatement()) {
            const at = this.#cursor.start() + this.#cursor.base;
            this.#cursor.at++;
            const value = this.#expressions.binary(COMPARISON + 1);
            if (this.#cursor.take("in")) this.#expressions.several();
            statements.push({ kind: "exec", value, at, end: this.#cursor.behind() });
            return;
          }
          break;
        case "type":
          if (
            this.#cursor.kind(1) === TOKEN.name && !KEYWORDS.has(this.#cursor.word(1)) &&
            (this.#cursor.is("=", 2) || this.#cursor.is("[", 2))
          ) {
            this.#cursor.at++;
            const name = this.#cursor.identifier();
            const bounds = this.#typeParameters();
            this.#cursor.expect("=");
            statements.push({ kind: "alias", name, value: this.#expressions.several(), ...bounds });
            return;
          }
      }
    }
    statements.push(this.#expressionStatement());
  }

  /** Python 2's statements of these names, which Python 3 does not accept. */
  #isStatement(): boolean {
    const kind = this.#cursor.kind(1);
    if (kind === TOKEN.string || kind === TOKEN.number) return true;
    if (kind === TOKEN.name) {
      return !/^(?:and|or|in|is|if|else|for|not|as)$/u.test(this.#cursor.word(1));
    }
    return this.#cursor.is(">>", 1) && this.#cursor.is("print") || this.#cursor.is("`", 1);
  }

  #endsHere(): boolean {
    const kind = this.#cursor.kind();
    return kind === TOKEN.newline || kind === TOKEN.end || this.#cursor.is(";");
  }

  #dotted(): string {
    const parts = [this.#cursor.plain()];
    while (this.#cursor.take(".")) parts.push(this.#cursor.plain());
    return parts.join(".");
  }

  #import(): Statement {
    this.#cursor.at++;
    const names: [string, string | undefined][] = [];
    do {
      const path = this.#dotted();
      names.push([path, this.#cursor.take("as") ? this.#cursor.identifier() : undefined]);
    } while (this.#cursor.take(","));
    return { kind: "import", names };
  }

  #from(): Statement {
    this.#cursor.at++;
    let level = 0;
    for (;;) {
      if (this.#cursor.take(".")) level++;
      else if (this.#cursor.take("...")) level += 3;
      else break;
    }
    const module = this.#cursor.is("import") ? "" : this.#dotted();
    this.#cursor.expect("import");
    if (this.#cursor.take("*")) return { kind: "from", level, module, names: [["*", undefined]] };
    const bracket = this.#cursor.take("(");
    const names: [string, string | undefined][] = [];
    do {
      if (bracket && this.#cursor.is(")")) break;
      const name = this.#cursor.plain();
      const own = this.#cursor.private(name);
      const alias = this.#cursor.take("as") ? this.#cursor.identifier() : undefined;
      names.push([name, alias ?? (own === name ? undefined : own)]);
    } while (this.#cursor.take(","));
    if (bracket) this.#cursor.expect(")");
    return { kind: "from", level, module, names };
  }

  #listed(word: "raise" | "assert" | "del"): Statement {
    this.#cursor.at++;
    const values: Expression[] = [];
    if (!this.#endsHere()) {
      values.push(
        word === "assert" ? this.#expressions.expression() : this.#expressions.several(),
      );
      while (this.#cursor.take(",") || this.#cursor.take("from")) {
        values.push(this.#expressions.expression());
      }
    }
    return { kind: word === "del" ? "delete" : word, values };
  }

  #scope(global: boolean): Statement {
    this.#cursor.at++;
    const names: string[] = [];
    do names.push(this.#cursor.identifier()); while (this.#cursor.take(","));
    return { kind: "scope", global, names };
  }

  #expressionStatement(): Statement {
    const first = this.#expressions.several();
    if (this.#cursor.take(":")) {
      const annotation = this.#expressions.several();
      const value = this.#cursor.take("=") ? this.#expressions.several() : undefined;
      return { kind: "assign", targets: [first], value, annotation };
    }
    const word = this.#cursor.kind() === TOKEN.sign ? this.#cursor.word() : "";
    if (AUGMENTED.test(word)) {
      this.#cursor.at++;
      const value = this.#expressions.several();
      return { kind: "augment", target: first, operator: word.slice(0, -1), value };
    }
    if (word !== "=") return { kind: "expression", value: first };
    const all = [first];
    while (this.#cursor.take("=")) all.push(this.#expressions.several());
    const value = all.pop();
    return { kind: "assign", targets: all, value, annotation: undefined };
  }
}

/** The key of a pattern; undefined where it is no text that is known. */
function keyOf(written: string): string | undefined {
  const value = stringValue(written);
  return value?.exact === true ? value.text : undefined;
}
