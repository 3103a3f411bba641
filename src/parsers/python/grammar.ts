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
import { formattedFields, TOKEN, Tokens } from "./lexer.ts";
import type {
  Argument,
  Capture,
  Clause,
  Expression,
  FunctionNode,
  Parameter,
  Statement,
  Step,
} from "./syntax.ts";

/**
 * Expressions within each other. CPython's own stack allows some thousand; the deepest in 200
 * packages that are in use has 40. CWE-674.
 */
const DEPTH = 300;

/** Lines that cannot be read before the rest is given up. Python gives up at the first. CWE-400. */
const ERRORS = 1000;

/** Statements of one line that are read at once. CWE-770. */
const LINE = 1000;

/** What was found while reading. */
export interface Reading {
  /** The first thing that no Python accepts. */
  error: { readonly at: number; readonly reason: string } | undefined;
  /** How many there were. */
  errors: number;
  /** True when something was too deep to read. */
  tooDeep: boolean;
}

/** Thrown within this module alone; no `Error`, for hostile source has one a line. */
class SyntaxProblem {
  readonly message: string;
  readonly at: number;

  constructor(reason: string, at: number) {
    this.message = reason;
    this.at = at;
  }
}

const KEYWORDS: ReadonlySet<string> = new Set(
  ("False None True and as assert async await break class continue def del elif else except finally for from " +
    "global if import in is lambda nonlocal not or pass raise return try while with yield").split(
      " ",
    ),
);

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
const COMPARISON = 3;
const POWER = 10;

const AUGMENTED = /^(?:\*\*|\/\/|>>|<<|[-+*/%&|^@])=$/u;

/** A reader over the tokens of a source. */
export class Grammar {
  readonly #tokens: Tokens;
  readonly #text: string;
  /** Characters before the text, where it is a part of a larger one. */
  readonly #base: number;
  readonly #reading: Reading;
  readonly #check: () => void;
  readonly #names: Map<string, Expression>;
  #at: number;
  #depth = 0;

  /**
   * A reader.
   *
   * @param from index of the first token
   * @param base characters before the text that was split into tokens
   */
  constructor(
    tokens: Tokens,
    reading: Reading,
    check: () => void,
    { from = 0, base = 0, names = new Map<string, Expression>() } = {},
  ) {
    this.#tokens = tokens;
    this.#text = tokens.text;
    this.#reading = reading;
    this.#check = check;
    this.#at = from;
    this.#base = base;
    this.#names = names;
  }

  /** True when nothing is left before a token. */
  isDone(to = this.#tokens.count - 1): boolean {
    return this.#at >= to;
  }

  /** The next statements up to a token: those of one line, or one compound statement. */
  next(to = this.#tokens.count - 1): Statement[] {
    const start = this.#at;
    const statements: Statement[] = [];
    this.#check();
    try {
      this.#line(statements);
    } catch (error) {
      if (!(error instanceof SyntaxProblem)) throw error;
      this.#reading.error ??= { at: error.at, reason: error.message };
      if (++this.#reading.errors > ERRORS) this.#at = to;
      else this.#recover(start, to);
    }
    if (this.#at > to) this.#at = to;
    if (this.#at === start) this.#at++;
    return statements;
  }

  /** The one expression that the tokens are; undefined when they are none. */
  whole(): Expression | undefined {
    try {
      const value = this.#expressions();
      while (this.#kind() === TOKEN.newline || this.#is("=")) this.#at++;
      if (this.#kind() !== TOKEN.end) this.#fail("expected the end of the expression");
      return value;
    } catch (error) {
      if (!(error instanceof SyntaxProblem)) throw error;
      this.#reading.error ??= { at: error.at, reason: error.message };
      return undefined;
    }
  }

  /** Resumes after the line that cannot be parsed. */
  #recover(start: number, to: number): void {
    this.#at = Math.max(this.#at, start);
    while (this.#at < to && this.#kind() !== TOKEN.newline) this.#at++;
    if (this.#kind() === TOKEN.newline) this.#at++;
  }

  // Tokens ------------------------------------------------------------------

  #kind(ahead = 0): number {
    return this.#tokens.kinds[this.#at + ahead] ?? TOKEN.end;
  }

  #start(ahead = 0): number {
    return this.#tokens.starts[this.#at + ahead] ?? this.#text.length;
  }

  /** Where the token before ends. */
  #behind(): number {
    return (this.#tokens.ends[this.#at - 1] ?? 0) + this.#base;
  }

  /** True when a sign or keyword stands here. */
  #is(word: string, ahead = 0): boolean {
    const kind = this.#kind(ahead);
    if (kind !== TOKEN.sign && kind !== TOKEN.name) return false;
    const start = this.#start(ahead);
    if (this.#text.charCodeAt(start) !== word.charCodeAt(0)) return false;
    const end = this.#tokens.ends[this.#at + ahead] ?? start;
    return end - start === word.length && this.#text.startsWith(word, start);
  }

  #take(word: string): boolean {
    if (!this.#is(word)) return false;
    this.#at++;
    return true;
  }

  #expect(word: string): void {
    if (!this.#take(word)) this.#fail(`expected '${word}'`);
  }

  #fail(reason: string): never {
    // deno-lint-ignore no-throw-literal
    throw new SyntaxProblem(reason, this.#start() + this.#base);
  }

  #word(ahead = 0): string {
    const kind = this.#kind(ahead);
    return kind === TOKEN.name || kind === TOKEN.sign ? this.#tokens.written(this.#at + ahead) : "";
  }

  /** A name that is no keyword, as Python compares it. */
  #identifier(): string {
    if (this.#kind() !== TOKEN.name) this.#fail("expected a name");
    const written = this.#tokens.written(this.#at);
    if (this.#names.has(written)) {
      this.#at++;
      return written;
    }
    const name = written.normalize("NFKC");
    if (KEYWORDS.has(name) && !/^(?:None|True|False)$/u.test(name)) this.#fail("a keyword");
    this.#at++;
    return name;
  }

  // Statements --------------------------------------------------------------

  /** One compound statement, or the small ones of a line. */
  #line(statements: Statement[]): void {
    const kind = this.#kind();
    if (kind === TOKEN.newline || kind === TOKEN.dedent) {
      this.#at++;
      return;
    }
    if (kind === TOKEN.indent) {
      // Its header could not be read.
      this.#reading.error ??= { at: this.#start() + this.#base, reason: "unexpected indent" };
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
      if (!this.#take(";")) break;
      if (statements.length >= most) return;
      if (this.#kind() === TOKEN.newline) break;
    }
    if (this.#kind() === TOKEN.newline) this.#at++;
    else if (this.#kind() !== TOKEN.end) this.#fail("invalid syntax");
  }

  #compound(): Statement | undefined {
    if (this.#is("@")) return this.#decorated();
    if (this.#kind() !== TOKEN.name) return undefined;
    const at = this.#is("async") && /^(?:def|for|with)$/u.test(this.#word(1)) ? 1 : 0;
    switch (this.#word(at)) {
      case "def":
        this.#at += at;
        return this.#function([]);
      case "class":
        return this.#class([]);
      case "if":
        return this.#if();
      case "for":
        this.#at += at;
        return this.#for();
      case "while":
        return this.#while();
      case "try":
        return this.#try();
      case "with":
        this.#at += at;
        return this.#with();
      case "match":
        return this.#isMatch() ? this.#match() : undefined;
      default:
        return undefined;
    }
  }

  /** The statements behind a colon. */
  #block(): Statement[] {
    this.#expect(":");
    if (this.#kind() !== TOKEN.newline) {
      const statements: Statement[] = [];
      this.#small(statements);
      return statements;
    }
    this.#at++;
    if (this.#kind() !== TOKEN.indent) this.#fail("expected an indented block");
    return this.#indented();
  }

  #indented(): Statement[] {
    const to = this.#tokens.blocks.get(this.#at) ?? this.#tokens.count - 1;
    this.#at++;
    const statements: Statement[] = [];
    this.#deeper(() => {
      while (this.#at < to) for (const each of this.next(to)) statements.push(each);
    });
    this.#at = to + 1;
    return statements;
  }

  #deeper<T>(read: () => T): T {
    if (++this.#depth > DEPTH) {
      this.#reading.tooDeep = true;
      this.#depth--;
      this.#fail("nested too deeply");
    }
    try {
      return read();
    } finally {
      this.#depth--;
    }
  }

  #decorated(): Statement {
    const decorators: Expression[] = [];
    while (this.#take("@")) {
      decorators.push(this.#named());
      if (this.#kind() !== TOKEN.newline) this.#fail("invalid syntax");
      while (this.#kind() === TOKEN.newline) this.#at++;
    }
    if (this.#is("class")) return this.#class(decorators);
    this.#take("async");
    if (!this.#is("def")) this.#fail("invalid syntax");
    return this.#function(decorators);
  }

  #function(decorators: readonly Expression[]): Statement {
    const at = this.#start() + this.#base;
    this.#at++;
    const name = this.#identifier();
    this.#typeParameters();
    this.#expect("(");
    const parameters = this.#parameters(")", true);
    this.#expect(")");
    const returns = this.#take("->") ? this.#expressions() : undefined;
    this.#expect(":");
    let from = this.#at;
    let to: number;
    if (this.#kind() === TOKEN.newline) {
      this.#at++;
      if (this.#kind() !== TOKEN.indent) this.#fail("expected an indented block");
      to = this.#tokens.blocks.get(this.#at) ?? this.#tokens.count - 1;
      from = this.#at + 1;
      this.#at = to + 1;
    } else {
      while (this.#kind() !== TOKEN.newline && this.#kind() !== TOKEN.end) this.#at++;
      to = this.#at;
      if (this.#kind() === TOKEN.newline) this.#at++;
    }
    const [tokens, base] = [this.#tokens, this.#base];
    const code = { name, parameters, returns, body: undefined, tokens, base, from, to, at };
    return { kind: "function", code, decorators };
  }

  #typeParameters(): void {
    if (!this.#take("[")) return;
    for (let depth = 1; depth > 0; this.#at++) {
      if (this.#kind() === TOKEN.newline || this.#kind() === TOKEN.end) this.#fail("expected ']'");
      if (this.#is("[")) depth++;
      else if (this.#is("]")) depth--;
    }
  }

  #parameters(end: string, annotated: boolean): Parameter[] {
    const parameters: Parameter[] = [];
    while (!this.#is(end)) {
      if (this.#take("/")) {
        if (!this.#take(",")) break;
        continue;
      }
      const stars = this.#take("**") ? 2 : this.#take("*") ? 1 : 0;
      if (stars === 1 && (this.#is(",") || this.#is(end))) {
        if (!this.#take(",")) break;
        continue;
      }
      let name = "";
      if (this.#is("(")) {
        // Python 2 takes tuples apart.
        this.#atom();
      } else name = this.#identifier();
      const annotation = annotated && this.#take(":") ? this.#starred() : undefined;
      const value = this.#take("=") ? this.#expression() : undefined;
      parameters.push({ name, stars, value, annotation });
      if (!this.#take(",")) break;
    }
    return parameters;
  }

  #class(decorators: readonly Expression[]): Statement {
    const at = this.#start() + this.#base;
    this.#at++;
    const name = this.#identifier();
    this.#typeParameters();
    const items = this.#take("(") ? this.#arguments() : [];
    return { kind: "class", name, items, decorators, body: this.#block(), at };
  }

  #if(): Statement {
    const tests: Expression[] = [];
    const bodies: Statement[][] = [];
    do {
      this.#at++;
      tests.push(this.#named());
      bodies.push(this.#block());
    } while (this.#is("elif"));
    return { kind: "if", tests, bodies, otherwise: this.#else() };
  }

  #else(): Statement[] {
    return this.#take("else") ? this.#block() : [];
  }

  #for(): Statement {
    this.#at++;
    const target = this.#targets();
    this.#expect("in");
    const iterable = this.#expressions();
    return { kind: "for", target, iterable, body: this.#block(), otherwise: this.#else() };
  }

  #while(): Statement {
    this.#at++;
    const test = this.#named();
    return { kind: "while", test, body: this.#block(), otherwise: this.#else() };
  }

  #try(): Statement {
    this.#at++;
    const blocks = [this.#block()];
    const handlers: Extract<Statement, { kind: "try" }>["handlers"][number][] = [];
    while (this.#take("except")) {
      this.#take("*");
      let type: Expression | undefined;
      let name: string | undefined;
      if (!this.#is(":")) {
        type = this.#expression();
        if (this.#take("as")) name = this.#identifier();
        else if (this.#take(",")) {
          // Python 2 names the exception here; Python 3.14 lists further classes.
          const second = this.#expressions();
          if (second.kind === "name" && !this.#is("as")) name = second.id;
          if (this.#take("as")) name = this.#identifier();
          type = { kind: "tuple", items: [type, second] };
        }
      }
      handlers.push({ type, name, body: this.#block() });
    }
    if (this.#take("else")) blocks.push(this.#block());
    if (this.#take("finally")) blocks.push(this.#block());
    return { kind: "try", blocks, handlers };
  }

  #with(): Statement {
    this.#at++;
    const items: [Expression, Expression | undefined][] = [];
    const bracketed = this.#isBracketedWith();
    if (bracketed) this.#at++;
    for (;;) {
      const value = this.#named();
      items.push([value, this.#take("as") ? this.#target() : undefined]);
      if (!this.#take(",")) break;
      if (bracketed && this.#is(")")) break;
    }
    if (bracketed) this.#expect(")");
    return { kind: "with", items, body: this.#block() };
  }

  /** `with (a as b, c):` */
  #isBracketedWith(): boolean {
    if (!this.#is("(")) return false;
    let depth = 0;
    let listed = false;
    for (let ahead = 0;; ahead++) {
      const kind = this.#kind(ahead);
      if (kind === TOKEN.newline || kind === TOKEN.end) return false;
      if (kind !== TOKEN.sign && kind !== TOKEN.name) continue;
      const word = this.#word(ahead);
      if (word === "(" || word === "[" || word === "{") depth++;
      else if (word === ")" || word === "]" || word === "}") {
        if (--depth === 0) return listed && this.#is(":", ahead + 1);
      } else if (depth === 1 && (word === "as" || word === ",")) listed = true;
      else if (depth === 1 && (word === "for" || word === "yield")) return false;
    }
  }

  /** `match` begins a statement only where its line ends in a colon and a block of cases follows. */
  #isMatch(): boolean {
    let ahead = 1;
    while (this.#kind(ahead) !== TOKEN.newline && this.#kind(ahead) !== TOKEN.end) ahead++;
    return ahead > 2 && this.#is(":", ahead - 1) && this.#kind(ahead + 1) === TOKEN.indent &&
      this.#is("case", ahead + 2);
  }

  #match(): Statement {
    this.#at++;
    const subject = this.#expressions();
    this.#expect(":");
    this.#at++;
    const to = this.#tokens.blocks.get(this.#at) ?? this.#tokens.count - 1;
    this.#at++;
    const cases: Extract<Statement, { kind: "match" }>["cases"][number][] = [];
    this.#deeper(() => {
      while (this.#at < to) {
        if (this.#kind() === TOKEN.newline) {
          this.#at++;
          continue;
        }
        this.#expect("case");
        const captures = this.#pattern();
        const guard = this.#take("if") ? this.#named() : undefined;
        cases.push({ captures, guard, body: this.#block() });
      }
    });
    this.#at = to + 1;
    return { kind: "match", subject, cases };
  }

  /** The names that a pattern binds. */
  #pattern(): Capture[] {
    const captures: Capture[] = [];
    let depth = 0;
    for (;; this.#at++) {
      const kind = this.#kind();
      if (kind === TOKEN.newline || kind === TOKEN.end) this.#fail("expected ':'");
      const word = this.#word();
      if (depth === 0 && (word === ":" || word === "if")) return captures;
      if (word === "(" || word === "[" || word === "{") depth++;
      else if (word === ")" || word === "]" || word === "}") depth--;
      if (kind !== TOKEN.name || KEYWORDS.has(word) || word === "_") continue;
      if (this.#is(".", -1) || this.#is(".", 1) || this.#is("(", 1) || this.#is("=", 1)) continue;
      const attribute = this.#is("=", -1) ? this.#word(-2) : undefined;
      const key = this.#is(":", -1) && this.#kind(-2) === TOKEN.string
        ? stringValue(this.#tokens.written(this.#at - 2))?.text
        : undefined;
      captures.push({ name: word.normalize("NFKC"), attribute, key });
    }
  }

  #smallOne(statements: Statement[]): void {
    if (this.#kind() === TOKEN.name) {
      const word = this.#word();
      switch (word) {
        case "pass":
        case "break":
        case "continue":
          this.#at++;
          return;
        case "import":
          statements.push(this.#import());
          return;
        case "from":
          statements.push(this.#from());
          return;
        case "return":
          this.#at++;
          statements.push({
            kind: "return",
            value: this.#endsHere() ? undefined : this.#expressions(),
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
            this.#at++;
            this.#take(">>");
            statements.push({ kind: "expression", value: this.#expressions() });
            return;
          }
          break;
        case "exec":
          if (this.#isStatement()) {
            const at = this.#start() + this.#base;
            this.#at++;
            const value = this.#binary(COMPARISON + 1);
            if (this.#take("in")) this.#expressions();
            statements.push({ kind: "exec", value, at, end: this.#behind() });
            return;
          }
          break;
        case "type":
          if (
            this.#kind(1) === TOKEN.name && !KEYWORDS.has(this.#word(1)) &&
            (this.#is("=", 2) || this.#is("[", 2))
          ) {
            this.#at++;
            this.#identifier();
            this.#typeParameters();
            this.#expect("=");
            this.#expressions();
            return;
          }
      }
    }
    statements.push(this.#expressionStatement());
  }

  /** Python 2's statements of these names, which Python 3 does not accept. */
  #isStatement(): boolean {
    const kind = this.#kind(1);
    if (kind === TOKEN.string || kind === TOKEN.number) return true;
    if (kind === TOKEN.name) return !/^(?:and|or|in|is|if|else|for|not|as)$/u.test(this.#word(1));
    return this.#is(">>", 1) && this.#is("print") || this.#is("`", 1);
  }

  #endsHere(): boolean {
    const kind = this.#kind();
    return kind === TOKEN.newline || kind === TOKEN.end || this.#is(";");
  }

  #dotted(): string {
    const parts = [this.#identifier()];
    while (this.#take(".")) parts.push(this.#identifier());
    return parts.join(".");
  }

  #import(): Statement {
    this.#at++;
    const names: [string, string | undefined][] = [];
    do {
      const path = this.#dotted();
      names.push([path, this.#take("as") ? this.#identifier() : undefined]);
    } while (this.#take(","));
    return { kind: "import", names };
  }

  #from(): Statement {
    this.#at++;
    let level = 0;
    for (;;) {
      if (this.#take(".")) level++;
      else if (this.#take("...")) level += 3;
      else break;
    }
    const module = this.#is("import") ? "" : this.#dotted();
    this.#expect("import");
    if (this.#take("*")) return { kind: "from", level, module, names: [["*", undefined]] };
    const bracket = this.#take("(");
    const names: [string, string | undefined][] = [];
    do {
      if (bracket && this.#is(")")) break;
      const name = this.#identifier();
      names.push([name, this.#take("as") ? this.#identifier() : undefined]);
    } while (this.#take(","));
    if (bracket) this.#expect(")");
    return { kind: "from", level, module, names };
  }

  #listed(word: "raise" | "assert" | "del"): Statement {
    this.#at++;
    const values: Expression[] = [];
    if (!this.#endsHere()) {
      values.push(this.#expressions());
      while (this.#take(",") || this.#take("from")) values.push(this.#expression());
    }
    return { kind: word === "del" ? "delete" : word, values };
  }

  #scope(global: boolean): Statement {
    this.#at++;
    const names: string[] = [];
    do names.push(this.#identifier()); while (this.#take(","));
    return { kind: "scope", global, names };
  }

  #expressionStatement(): Statement {
    const first = this.#expressions();
    if (this.#take(":")) {
      const annotation = this.#expressions();
      const value = this.#take("=") ? this.#expressions() : undefined;
      return { kind: "assign", targets: [first], value, annotation };
    }
    const word = this.#kind() === TOKEN.sign ? this.#word() : "";
    if (AUGMENTED.test(word)) {
      this.#at++;
      const value = this.#expressions();
      return { kind: "augment", target: first, operator: word.slice(0, -1), value };
    }
    if (word !== "=") return { kind: "expression", value: first };
    const all = [first];
    while (this.#take("=")) all.push(this.#expressions());
    const value = all.pop();
    return { kind: "assign", targets: all, value, annotation: undefined };
  }

  // Expressions -------------------------------------------------------------

  /** Expressions with commas between them: a tuple when there are several. */
  #expressions(): Expression {
    if (this.#is("yield")) return this.#yield();
    const first = this.#starred();
    if (!this.#is(",")) return first;
    const items = [first];
    while (this.#take(",")) {
      if (!this.#beginsExpression()) break;
      items.push(this.#starred());
    }
    return { kind: "tuple", items };
  }

  #beginsExpression(): boolean {
    const kind = this.#kind();
    if (kind === TOKEN.string || kind === TOKEN.number) return true;
    const word = this.#word();
    if (kind === TOKEN.name) {
      return !KEYWORDS.has(word) || /^(?:not|lambda|None|True|False|await|yield)$/u.test(word);
    }
    return kind === TOKEN.sign && /^(?:\(|\[|\{|-|\+|~|\*|\*\*|\.\.\.|`)$/u.test(word);
  }

  #starred(): Expression {
    if (this.#take("*")) return { kind: "star", value: this.#binary(COMPARISON + 1) };
    return this.#named();
  }

  #named(): Expression {
    if (this.#kind() === TOKEN.name && this.#is(":=", 1)) {
      const id = this.#identifier();
      this.#at++;
      return { kind: "named", id, value: this.#expression() };
    }
    if (this.#is("yield")) return this.#yield();
    return this.#expression();
  }

  #yield(): Expression {
    this.#at++;
    const from = this.#take("from");
    const value = this.#beginsExpression() ? this.#expressions() : undefined;
    return { kind: "yield", value, from };
  }

  #expression(): Expression {
    return this.#deeper(() => this.#is("lambda") ? this.#lambda() : this.#choice());
  }

  #choice(): Expression {
    const first = this.#binary(1);
    if (!this.#is("if")) return first;
    const tests: Expression[] = [];
    const values = [first];
    while (this.#take("if")) {
      tests.push(this.#binary(1));
      this.#expect("else");
      values.push(this.#is("lambda") ? this.#expression() : this.#binary(1));
    }
    return { kind: "choice", tests, values };
  }

  #lambda(): Expression {
    const at = this.#start() + this.#base;
    this.#at++;
    const parameters = this.#parameters(":", false);
    this.#expect(":");
    const body = this.#expression();
    const [tokens, base] = [this.#tokens, this.#base];
    const name = "<lambda>";
    const code: FunctionNode = {
      ...{ name, parameters, returns: undefined, body, tokens, base },
      ...{ from: 0, to: 0, at },
    };
    return { kind: "lambda", code };
  }

  #operator(): string {
    const kind = this.#kind();
    if (kind !== TOKEN.sign && kind !== TOKEN.name) return "";
    const code = this.#text.charCodeAt(this.#start());
    // ) , : ] }
    if (code === 41 || code === 44 || code === 58 || code === 93 || code === 125) return "";
    const word = this.#word();
    if (word === "not") return this.#is("in", 1) ? word : "";
    return word;
  }

  #binary(least: number): Expression {
    let left = this.#unary(least);
    let own: number | undefined;
    for (;;) {
      const operator = this.#operator();
      const level = operator === "" ? undefined : PRECEDENCE.get(operator);
      if (level === undefined || level < least) return left;
      this.#at++;
      if (operator === "not" || (operator === "is" && this.#is("not"))) this.#at++;
      const right = this.#deeper(() =>
        level === POWER ? this.#unary(POWER) : this.#binary(level + 1)
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
    let operator = word;
    let last = word;
    this.#at++;
    for (;;) {
      const next = this.#operatorBefore();
      if (next === undefined) break;
      if (next === "not") operator = "not";
      last = next;
      this.#at++;
    }
    const value = this.#deeper(() =>
      this.#is("lambda")
        ? this.#lambda()
        : this.#binary(last === "not" ? Math.max(COMPARISON, Math.min(least, COMPARISON)) : POWER)
    );
    return { kind: "unary", operator, value };
  }

  #operatorBefore(): string | undefined {
    for (const word of ["not", "-", "+", "~"]) if (this.#is(word)) return word;
    return undefined;
  }

  #chain(): Expression {
    if (this.#is("await") && this.#kind() === TOKEN.name && this.#beginsBehind()) {
      this.#at++;
      return { kind: "await", value: this.#deeper(() => this.#unary(POWER)) };
    }
    const at = this.#start() + this.#base;
    const base = this.#atom();
    if (!this.#is(".") && !this.#is("(") && !this.#is("[")) return base;
    const steps: Step[] = [];
    for (;;) {
      if (this.#take(".")) {
        const id = this.#identifier();
        steps.push({ kind: "attribute", id, end: this.#behind() });
      } else if (this.#take("(")) {
        const items = this.#arguments();
        steps.push({ kind: "call", items, end: this.#behind() });
      } else if (this.#take("[")) {
        const index = this.#deeper(() => this.#index());
        this.#expect("]");
        steps.push({ kind: "item", index, end: this.#behind() });
      } else return { kind: "chain", base, steps, at };
    }
  }

  #beginsBehind(): boolean {
    this.#at++;
    const begins = this.#beginsExpression();
    this.#at--;
    return begins;
  }

  #arguments(): Argument[] {
    const items: Argument[] = [];
    while (!this.#is(")")) {
      const stars = this.#take("**") ? 2 : this.#take("*") ? 1 : 0;
      if (stars === 0 && this.#kind() === TOKEN.name && this.#is("=", 1)) {
        const name = this.#identifier();
        this.#at++;
        items.push({ name, stars, value: this.#expression() });
      } else {
        const value = this.#named();
        const whole = this.#isFor() ? this.#comprehension("generator", undefined, value) : value;
        items.push({ name: undefined, stars, value: whole });
      }
      if (!this.#take(",")) break;
    }
    this.#expect(")");
    return items;
  }

  #index(): Expression {
    const items: Expression[] = [];
    let listed = false;
    do {
      if (this.#is("]")) break;
      const parts: Expression[] = [];
      let sliced = false;
      for (;;) {
        if (this.#take(":")) sliced = true;
        else if (this.#is(",") || this.#is("]")) break;
        else if (this.#take(":=")) this.#fail("invalid syntax");
        else parts.push(this.#starred());
        if (!this.#is(":") && !this.#beginsExpression()) break;
      }
      const [first] = parts;
      items.push(sliced || first === undefined ? { kind: "slice", parts } : first);
      listed ||= this.#is(",");
    } while (this.#take(","));
    const [first] = items;
    return first !== undefined && !listed ? first : { kind: "tuple", items };
  }

  #isFor(): boolean {
    return this.#is("for") || (this.#is("async") && this.#is("for", 1));
  }

  #comprehension(
    makes: "list" | "set" | "dict" | "generator",
    key: Expression | undefined,
    element: Expression,
  ): Expression {
    const clauses: Clause[] = [];
    while (this.#isFor()) {
      this.#take("async");
      this.#at++;
      const target = this.#targets();
      this.#expect("in");
      const iterable = this.#binary(1);
      const choice = iterable;
      const tests: Expression[] = [];
      while (this.#take("if")) {
        tests.push(
          this.#kind() === TOKEN.name && this.#is(":=", 1)
            ? this.#named()
            : this.#is("lambda")
            ? this.#lambda()
            : this.#binary(1),
        );
      }
      clauses.push({ target, iterable: choice, tests });
    }
    return { kind: "comprehension", makes, key, element, clauses };
  }

  /** What a loop binds: no operators, for `in` ends it. */
  #targets(): Expression {
    const first = this.#target();
    if (!this.#is(",")) return first;
    const items = [first];
    while (this.#take(",")) {
      if (this.#is("in") || this.#is("=") || this.#is(")")) break;
      items.push(this.#target());
    }
    return { kind: "tuple", items };
  }

  #target(): Expression {
    if (this.#take("*")) return { kind: "star", value: this.#chain() };
    return this.#chain();
  }

  #atom(): Expression {
    switch (this.#kind()) {
      case TOKEN.name:
        return this.#nameAtom();
      case TOKEN.number:
        return this.#number();
      case TOKEN.string:
        return this.#strings();
      case TOKEN.sign:
        break;
      default:
        this.#fail("invalid syntax");
    }
    if (this.#take("(")) return this.#deeper(() => this.#bracketed());
    if (this.#take("[")) return this.#deeper(() => this.#list("]", "list"));
    if (this.#take("{")) return this.#deeper(() => this.#braced());
    if (this.#take("...")) return { kind: "constant", value: undefined };
    if (this.#take("`")) {
      const value = this.#deeper(() => this.#expressions());
      this.#expect("`");
      return { kind: "joined", parts: [value] };
    }
    this.#fail("invalid syntax");
  }

  #nameAtom(): Expression {
    const word = this.#word();
    if (word === "None" || word === "True" || word === "False") {
      this.#at++;
      return { kind: "constant", value: word === "None" ? null : word === "True" };
    }
    const id = this.#identifier();
    const known = this.#names.get(id);
    if (known !== undefined) return known;
    const name: Expression = { kind: "name", id };
    this.#names.set(id, name);
    return name;
  }

  #number(): Expression {
    const text = this.#tokens.written(this.#at++).replaceAll("_", "").replace(/[lL]$/u, "");
    const value = /^0\d+$/u.test(text) ? Number.parseInt(text, 8) : Number(text);
    return numberOf(/[jJ]$/u.test(text) || Number.isNaN(value) ? undefined : value);
  }

  /** Strings that stand one after the other. */
  #strings(): Expression {
    const parts: (string | Expression)[] = [];
    let bytes: string | undefined;
    for (; this.#kind() === TOKEN.string; this.#at++) {
      const written = this.#tokens.written(this.#at);
      const value = stringValue(written);
      if (value === undefined) this.#formatted(written, parts);
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
    const start = this.#start();
    const quote = /^[^"']*(?:"""|'''|"|')/u.exec(written)?.[0] ?? "";
    let at = quote.length;
    for (const { from, to, outer } of formattedFields(written, 0)) {
      if (outer) {
        const text = written.slice(at, Math.max(at, from - 1));
        if (text !== "" && !/^[:}]/u.test(text)) {
          parts.push(text.replaceAll("{{", "{").replaceAll("}}", "}"));
        }
      }
      at = Math.max(at, to + 1);
      const text = `(${written.slice(from, to).replace(/(?<![=!<>])=\s*$/u, "")}\n)`;
      const tokens = new Tokens(text, this.#check);
      if (tokens.cut) this.#reading.tooDeep = true;
      const base = start + this.#base + from - 1;
      const inner = new Grammar(tokens, this.#reading, this.#check, { base, names: this.#names });
      inner.#depth = this.#depth + 10;
      const value = this.#deeper(() => inner.whole());
      if (value !== undefined) parts.push(value);
    }
    const rest = written.slice(
      at,
      Math.max(at, written.length - quote.replace(/^[^"']*/u, "").length),
    );
    if (rest !== "") parts.push(rest.replaceAll("{{", "{").replaceAll("}}", "}"));
  }

  #bracketed(): Expression {
    if (this.#take(")")) return { kind: "tuple", items: [] };
    if (this.#is("yield")) {
      const value = this.#yield();
      this.#expect(")");
      return value;
    }
    const first = this.#starred();
    if (this.#isFor()) {
      const made = this.#comprehension("generator", undefined, first);
      this.#expect(")");
      return made;
    }
    if (this.#take(")")) return first;
    const items = [first];
    while (this.#take(",")) {
      if (this.#is(")")) break;
      items.push(this.#starred());
    }
    this.#expect(")");
    return { kind: "tuple", items };
  }

  #list(end: string, kind: "list" | "set"): Expression {
    if (this.#take(end)) return { kind, items: [] };
    return this.#listFrom(this.#starred(), end, kind);
  }

  #listFrom(first: Expression, end: string, kind: "list" | "set"): Expression {
    if (this.#isFor()) {
      const made = this.#comprehension(kind, undefined, first);
      this.#expect(end);
      return made;
    }
    const items = [first];
    while (this.#take(",")) {
      if (this.#is(end)) break;
      items.push(this.#starred());
    }
    this.#expect(end);
    return { kind, items };
  }

  #braced(): Expression {
    if (this.#take("}")) return { kind: "dict", pairs: [] };
    const pairs: [Expression | undefined, Expression][] = [];
    for (;;) {
      if (this.#take("**")) pairs.push([undefined, this.#binary(COMPARISON + 1)]);
      else {
        const key = this.#starred();
        if (!this.#take(":")) {
          if (pairs.length > 0) this.#fail("expected ':'");
          return this.#listFrom(key, "}", "set");
        }
        const value = this.#expression();
        if (pairs.length === 0 && this.#isFor()) {
          const made = this.#comprehension("dict", key, value);
          this.#expect("}");
          return made;
        }
        pairs.push([key, value]);
      }
      if (!this.#take(",") || this.#is("}")) break;
    }
    this.#expect("}");
    return { kind: "dict", pairs };
  }
}

const SMALL: readonly Expression[] = Array.from(
  { length: 257 },
  (_, value) => ({ kind: "constant", value }) as const,
);

/** One node for each small number, which long tables are full of. */
function numberOf(value: number | undefined): Expression {
  return (value === undefined ? undefined : SMALL[value]) ?? { kind: "constant", value };
}
