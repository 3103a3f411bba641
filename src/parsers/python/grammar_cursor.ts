/**
 * Steps through the tokens of Python source, and notes what no Python accepts.
 *
 * @module
 */

import { TOKEN, type Tokens } from "./lexer.ts";
import type { Expression } from "./syntax.ts";

/**
 * Expressions within each other. CPython's own stack allows some thousand; the deepest in 200
 * packages that are in use has 40. CWE-674.
 */
const DEPTH = 300;

/**
 * Expressions of one statement but names and small numbers, each of which takes some hundred bytes until the
 * statement has run. CWE-770.
 */
const NODES = 150_000;

/** Expressions between two looks at the deadline; a power of two. */
const DEADLINE_EXPRESSIONS = 1024;

/** What was found while reading. */
export interface Reading {
  /** The first thing that no Python accepts. */
  error: { readonly at: number; readonly reason: string } | undefined;
  /** How many there were. */
  errors: number;
  /** True when something was too deep to read. */
  tooDeep: boolean;
  /** True when a statement was too long to read. */
  tooLong: boolean;
  /** Expressions of the statement that is read. */
  nodes: number;
}

/** Thrown by `Cursor.fail`; no `Error`, for hostile source has one a line. */
export class SyntaxProblem {
  readonly message: string;
  readonly at: number;

  constructor(reason: string, at: number) {
    this.message = reason;
    this.at = at;
  }
}

/** Words that are no names. */
export const KEYWORDS: ReadonlySet<string> = new Set(
  ("False None True and as assert async await break class continue def del elif else except finally for from " +
    "global if import in is lambda nonlocal not or pass raise return try while with yield").split(
      " ",
    ),
);

/** A place among the tokens of a source. */
export class Cursor {
  readonly tokens: Tokens;
  readonly text: string;
  /** Characters before the text, where it is a part of a larger one. */
  readonly base: number;
  readonly reading: Reading;
  /** Called once a statement, and with 0 now and then within one; what it throws ends the reading. */
  readonly check: (count?: number) => void;
  #read = 0;
  readonly names: Map<string, Expression>;
  /** Tokens that are needed no more, whose memory formatted strings use. */
  readonly spare: Tokens[];
  /** What Python puts before private names of the class that is read, `_Class`; undefined outside of one. */
  prefix: string | undefined;
  at: number;
  depth: number;

  constructor(
    tokens: Tokens,
    reading: Reading,
    check: (count?: number) => void,
    {
      from = 0,
      base = 0,
      depth = 0,
      names = new Map<string, Expression>(),
      spare = [] as Tokens[],
      prefix = undefined as string | undefined,
    } = {},
  ) {
    this.tokens = tokens;
    this.text = tokens.text;
    this.reading = reading;
    this.check = check;
    this.at = from;
    this.base = base;
    this.depth = depth;
    this.names = names;
    this.spare = spare;
    this.prefix = prefix;
  }

  /** The kind of a token. */
  kind(ahead = 0): number {
    return this.tokens.kinds[this.at + ahead] ?? TOKEN.end;
  }

  /** Where a token begins. */
  start(ahead = 0): number {
    return this.tokens.starts[this.at + ahead] ?? this.text.length;
  }

  /** Where the token before ends. */
  behind(): number {
    return this.tokens.end(this.at - 1) + this.base;
  }

  /** True when a sign or keyword stands here. */
  is(word: string, ahead = 0): boolean {
    const kind = this.kind(ahead);
    if (kind !== TOKEN.sign && kind !== TOKEN.name) return false;
    const start = this.start(ahead);
    if (this.text.charCodeAt(start) !== word.charCodeAt(0)) return false;
    const end = this.tokens.end(this.at + ahead);
    return end - start === word.length && this.text.startsWith(word, start);
  }

  /** Steps over a sign or keyword that stands here. */
  take(word: string): boolean {
    if (!this.is(word)) return false;
    this.at++;
    return true;
  }

  /** Steps over a sign or keyword that must stand here. */
  expect(word: string): void {
    if (!this.take(word)) this.fail(`expected '${word}'`);
  }

  /** Ends the reading of the line. */
  fail(reason: string): never {
    // deno-lint-ignore no-throw-literal
    throw new SyntaxProblem(reason, this.start() + this.base);
  }

  /** The sign or word that a token is; empty for all others. */
  word(ahead = 0): string {
    const kind = this.kind(ahead);
    return kind === TOKEN.name || kind === TOKEN.sign ? this.tokens.written(this.at + ahead) : "";
  }

  /** A name that is no keyword, as Python compares it: a private one of a class with that class's name. */
  identifier(): string {
    return this.private(this.plain());
  }

  /** A name as Python keeps it in the class that is read (`_Py_Mangle` of `Python/compile.c`). */
  private(name: string): string {
    if (this.prefix === undefined || !name.startsWith("__") || name.endsWith("__")) return name;
    return this.prefix + name;
  }

  /** A name that is no keyword: of an argument or a module, which no class makes private. */
  plain(): string {
    if (this.kind() !== TOKEN.name) this.fail("expected a name");
    const written = this.tokens.written(this.at);
    if (this.names.has(written)) {
      this.at++;
      return written;
    }
    const name = written.normalize("NFKC");
    if (KEYWORDS.has(name) && !/^(?:None|True|False)$/u.test(name)) this.fail("a keyword");
    this.at++;
    return name;
  }

  /** True where the statement has more expressions than are read. */
  get isFull(): boolean {
    return this.reading.nodes > NODES;
  }

  /** Counts an expression that is kept until its statement has run. */
  made(): void {
    if (++this.reading.nodes <= NODES) return;
    this.reading.tooLong = true;
    this.fail("too long");
  }

  /** Reads something within something else. */
  deeper<T>(read: () => T): T {
    if ((++this.#read & (DEADLINE_EXPRESSIONS - 1)) === 0) this.check(0);
    if (++this.depth > DEPTH) {
      this.reading.tooDeep = true;
      this.depth--;
      this.fail("nested too deeply");
    }
    try {
      return read();
    } finally {
      this.depth--;
    }
  }
}
