/**
 * What Python source does when it is imported: the calls at module level, in class bodies, decorators
 * and defaults, and in the module's own functions as far as those call them. It is read, never run.
 *
 * Names are followed through `import`, plain assignments, `getattr`, `__import__` and
 * `import_module` with constant arguments. What is computed otherwise stays unseen: that a module
 * brings code of its own is worth a look in any case.
 *
 * @module
 */

import {
  alternatives,
  assign,
  bindLoops,
  GROUP_WORDS,
  type GroupBudget,
  isFollowed,
  KEYWORDS,
  wordsOf,
} from "./source_bindings.ts";
import {
  chainAt,
  chainBehind,
  introspectionAt,
  isIntrospection,
  type Words,
} from "./source_chains.ts";
import { SourceNames } from "./source_names.ts";
import { nested, type Place, type PythonModule, type SourceCall } from "./source_types.ts";
import {
  bare,
  contentAt,
  headerEnd,
  isNeverAtImport,
  lambdaAt,
  moved,
  parted,
  redefinesNever,
} from "./source_words.ts";
import {
  type PythonLine,
  pythonLines,
  type PythonToken,
  replacementFields,
  WORDS,
} from "./tokens.ts";

export type { PythonModule, SourceCall } from "./source_types.ts";

const EXPRESSION_CHARACTERS = 2048;
const CALLS = 100_000;
/** Lambdas and formatted strings within each other. */
const NESTING = 10;
/**
 * Reads a module.
 *
 * @param text of the source
 */
export function readPythonModule(text: string): PythonModule {
  return new ModuleReader(text).read();
}

/** What lines of a deeper indent belong to. */
interface Block {
  readonly indent: number;
  readonly kind: "class" | "function" | "never" | "plain";
  readonly name: string;
}

class ModuleReader {
  readonly #text: string;
  readonly #lines: readonly PythonLine[];
  #names = new SourceNames();
  #calls: SourceCall[] = [];
  readonly #bases = new Map<string, readonly string[]>();
  readonly #blocks: Block[] = [];
  #lambdas = 0;
  readonly #groups: GroupBudget = { words: GROUP_WORDS };
  #tooDeep = false;
  /** Strings of code within each other. */
  #nesting = 0;
  /** True behind a decorator that makes a property of what follows. */
  #property = false;
  /** True behind a decorator that has what follows called when the program ends. */
  #registering = false;

  readonly #entersAll: boolean;

  constructor(text: string) {
    this.#text = text;
    this.#lines = pythonLines(text);
    this.#entersAll = redefinesNever(text, this.#lines);
  }

  read(): PythonModule {
    const lines = this.#lines;
    for (const { tokens } of lines) {
      const at = tokens[0]?.text === "async" ? 1 : 0;
      if (tokens[at]?.text === "def" || tokens[at]?.text === "class") {
        this.#names.own.add(tokens[at + 1]?.text ?? "");
      }
    }
    // Functions run after lines that stand behind them: what those bind is known the second time.
    for (const line of lines) this.#line(line);
    this.#again();
    for (const line of lines) this.#line(line);
    const relativeImports = [...this.#names.relative];
    const complete = this.#isComplete(lines);
    return { calls: this.#calls, relativeImports, bases: this.#bases, complete };
  }

  #isComplete(lines: readonly PythonLine[]): boolean {
    const words = lines.reduce((sum, { tokens }) => sum + tokens.length, 0);
    const bounded = words < WORDS && this.#calls.length < CALLS && this.#groups.words >= 0;
    return bounded && !this.#tooDeep;
  }

  #again(): void {
    const names = new SourceNames(this.#names);
    this.#names = names;
    this.#calls = [];
    this.#blocks.length = 0;
    this.#lambdas = 0;
    this.#groups.words = GROUP_WORDS;
  }

  #line(line: PythonLine): void {
    while ((this.#blocks.at(-1)?.indent ?? -1) >= line.indent) this.#blocks.pop();
    const { tokens } = line;
    const first = tokens[0]?.text === "async" ? tokens[1]?.text : tokens[0]?.text;
    if (first === "import" || first === "from") {
      this.#names.takeImport(tokens);
      return;
    }
    const header = headerEnd(tokens);
    const scope = this.#scope();
    const named = tokens[0]?.text === "async" ? 3 : 2;
    if (first === "def" && header !== undefined) {
      // Defaults and annotations are evaluated where the function is defined.
      this.#scan(tokens.slice(named, header), { line: line.number, scope: scope, depth: 0 });
      this.#open(line.indent, "function", tokens);
      if (this.#property) this.#names.properties.add(this.#scope() ?? "");
      if (this.#registering && scope !== undefined) {
        const place = { line: line.number, scope, depth: 0 };
        this.#note(this.#scope() ?? "", true, tokens, 0, header, place);
      }
      this.#property = this.#registering = false;
      this.#scan(tokens.slice(header + 1), { line: line.number, scope: this.#scope(), depth: 0 });
      if (header + 1 < tokens.length) this.#blocks.pop();
      return;
    }
    const never = !this.#entersAll && isNeverAtImport(tokens);
    const kind = first === "class" ? "class" : never ? "never" : "plain";
    if (header !== undefined && COMPOUND.has(first ?? "")) {
      const inside = kind === "never" ? undefined : scope;
      this.#scan(tokens.slice(kind === "class" ? named : 0, header), {
        line: line.number,
        scope: scope,
        depth: 0,
      });
      if (first === "for") bindLoops(this.#names, tokens, this.#groups);
      this.#open(line.indent, kind, tokens);
      if (kind === "class") this.#derive(tokens.slice(2, header));
      this.#rest(tokens.slice(header + 1), line.number, inside);
      return;
    }
    const decorator = tokens[0]?.text === "@";
    if (decorator && tokens.some(({ text }) => /property$/u.test(text))) this.#property = true;
    const lambda = assign(this.#names, tokens);
    const place = { line: line.number, scope, decorator, lambda, depth: 0 };
    this.#scan(tokens, place);
    const { path, line: at } = this.#calls.at(-1) ?? {};
    if (decorator) this.#registering ||= path === "atexit.register" && at === line.number;
    else if (scope !== undefined) this.#hook(tokens, place);
  }

  /** `sys.excepthook = f`: Python calls what is assigned. */
  #hook(tokens: readonly PythonToken[], place: Place): void {
    const words = wordsOf(tokens);
    const { path = "", end } = chainAt(this.#names, words, 0, tokens.length);
    if (tokens[end]?.text !== "=" || !HOOKS.test(path)) return;
    this.#note(`${path}.<hook>`, true, tokens, 0, tokens.length, place);
    const value = chainAt(this.#names, words, end + 1, tokens.length);
    if (value.path === undefined || value.called.length > 0) return;
    this.#note(value.path, false, tokens, end + 1, value.end, place);
  }

  /** What stands behind the colon on the same line. */
  #rest(tokens: readonly PythonToken[], line: number, scope: string | undefined): void {
    if (tokens.length === 0) return;
    if (tokens[0]?.text === "import" || tokens[0]?.text === "from") this.#names.takeImport(tokens);
    else {
      const lambda = assign(this.#names, tokens);
      this.#scan(tokens, { line, scope, lambda, depth: 0 });
    }
    this.#blocks.pop();
  }

  #open(indent: number, kind: Block["kind"], tokens: readonly PythonToken[]): void {
    const at = tokens[0]?.text === "async" ? 2 : 1;
    const named = kind === "class" || kind === "function";
    this.#blocks.push({ indent, kind, name: named ? tokens[at]?.text ?? "" : "" });
  }

  /** The function that the line at hand belongs to; undefined for what import never runs. */
  #scope(): string | undefined {
    let path: string[] = [];
    let inFunction = false;
    for (const { kind, name } of this.#blocks) {
      if (kind === "never") return undefined;
      if (kind === "class" && !inFunction) path.push(name);
      else if (kind === "function") {
        if (!inFunction) path.push(name);
        inFunction = true;
      }
    }
    if (!inFunction) path = [];
    return path.join(".");
  }

  /** Bases of the class that was just opened. */
  #derive(tokens: readonly PythonToken[]): void {
    const path = this.#blocks.filter(({ kind }) => kind === "class").map(({ name }) => name);
    const words = bare(tokens);
    const bases = parted(words, ",").flatMap((part) => {
      const [first, sign] = part;
      if (first?.kind !== "name" || sign?.text === "=") return [];
      const { path } = chainAt(this.#names, wordsOf(part), 0, part.length);
      return path === undefined ? [] : [path];
    });
    this.#bases.set(path.join("."), bases);
  }

  /** Notes the calls among words. */
  #scan(tokens: readonly PythonToken[], place: Place): void {
    const { scope, decorator = false } = place;
    if (scope === undefined) return;
    if (place.depth > NESTING) {
      this.#tooDeep = true;
      return;
    }
    const words = wordsOf(tokens);
    if (tokens.some(({ text }) => text === "for")) bindLoops(this.#names, tokens, this.#groups);
    const open: number[] = [];
    for (let at = 0; at < tokens.length; at++) {
      const token = tokens[at];
      if (token === undefined || this.#calls.length >= CALLS) return;
      if (token.kind === "sign" && "([{".includes(token.text)) open.push(at);
      else if (token.kind === "sign" && ")]}".includes(token.text)) {
        this.#group(words, open.pop() ?? at, at, place);
      }
      if (token.kind === "string" && /[ft]/u.test(token.prefix ?? "")) {
        this.#formatted(token, place);
      }
      if (token.text === "lambda" && token.kind === "name") {
        at = this.#lambda(words, at, open.at(-1), place);
        continue;
      }
      if (token.kind !== "name" || KEYWORDS.has(token.text)) continue;
      if (tokens[at - 1]?.text === ".") {
        if (isIntrospection(token.text)) this.#introspection(words, at, place);
        continue;
      }
      if (tokens[at + 1]?.text === ":=") this.#walrus(words, at);
      const decorates = decorator && at === 1;
      this.#scanChain(words, at, place, open.length > 0 || decorates, decorates);
    }
  }

  /** `(os.system)("…")`: brackets that something follows. */
  #group(words: Words, open: number, close: number, place: Place): void {
    if (!isFollowed(words, open, close)) return;
    for (const { path } of alternatives(this.#names, words, open, close, this.#groups)) {
      const chain = chainBehind(this.#names, words, path, close + 1);
      // An item of a list or mapping.
      const picked = words.tokens[close + 1]?.text === "["
        ? chainBehind(this.#names, words, path, (words.closing[close + 1] ?? close) + 1)
        : chain;
      for (const called of new Set([...chain.called, ...picked.called])) {
        this.#note(called, true, words.tokens, open, chain.end, place);
      }
    }
  }

  /** Notes what a lambda runs, as a function of its own. Gives the index of its last word. */
  #lambda(words: Words, at: number, open: number | undefined, place: Place): number {
    const { tokens, closing } = words;
    const { body, end } = lambdaAt(tokens, at);
    this.#scan(tokens.slice(at + 1, Math.max(at + 1, body - 1)), {
      ...nested(place),
      decorator: false,
    });
    const close = open === undefined ? undefined : closing[open];
    const called = place.decorator === true ||
      (open !== undefined && close !== undefined && isFollowed(words, open, close));
    const named = open === undefined ? place.lambda : undefined;
    const scope = called ? place.scope : named ?? `<lambda ${++this.#lambdas}>`;
    if (!called && named === undefined && scope !== undefined) {
      this.#note(scope, false, tokens, at, end, place);
    }
    this.#scan(tokens.slice(body, end), { line: place.line, scope, depth: place.depth + 1 });
    return Math.max(at, end - 1);
  }

  /** Code that is written out where it is executed is read like the rest. */
  #inner(code: PythonToken, place: Place): void {
    const base = contentAt(code);
    const blocks = [...this.#blocks];
    // Its indents have nothing to do with those around it.
    this.#blocks.splice(0, Infinity, ...blocks.map((block) => ({ ...block, indent: -1 })));
    this.#nesting++;
    if (this.#nesting > NESTING) this.#tooDeep = true;
    else {
      for (const { indent, tokens } of pythonLines(code.text)) {
        this.#line({ indent, number: place.line, tokens: moved(tokens, base) });
      }
    }
    this.#nesting--;
    this.#blocks.splice(0, Infinity, ...blocks);
  }

  /** What is called behind `__subclasses__()`, `__globals__` and the like. */
  #introspection(words: Words, at: number, place: Place): void {
    const chain = introspectionAt(this.#names, words, at);
    for (const path of chain.called) this.#note(path, true, words.tokens, at, chain.end, place);
  }

  #walrus(words: Words, at: number): void {
    const { path } = chainAt(this.#names, words, at + 2, words.tokens.length);
    this.#names.bind(words.tokens[at]?.text ?? "", path);
  }

  /**
   * A chain of attributes and calls; handed over uncalled it may be called by who gets it. A
   * decorator is called.
   */
  #scanChain(words: Words, at: number, place: Place, handed: boolean, decorates: boolean): void {
    const { tokens } = words;
    const chain = chainAt(this.#names, words, at, tokens.length);
    const [first, ...others] = chain.called;
    if (first === "builtins.exec" && others.length === 0) {
      const [open, code, behind] = tokens.slice(at + 1, at + 4);
      const plain = code?.kind === "string" && !/[bft]/u.test(code.prefix ?? "") &&
        !code.text.includes("\\") && place.depth < NESTING;
      if (plain && open?.text === "(" && /^[,)]$/u.test(behind?.text ?? "")) {
        return this.#inner(code, place);
      }
    }
    for (const path of chain.called) this.#note(path, true, tokens, at, chain.end, place);
    if (chain.path === undefined) return;
    if (this.#names.properties.has(chain.path)) {
      this.#note(chain.path, true, tokens, at, chain.end, place);
    }
    if (!handed || chain.called.length > 0) return;
    const notable = chain.path.includes(".") || this.#names.own.has(chain.path);
    if (notable && tokens[chain.end]?.text !== "=") {
      this.#note(chain.path, decorates, tokens, at, chain.end, place);
    }
  }

  #note(
    path: string,
    called: boolean,
    tokens: readonly PythonToken[],
    from: number,
    to: number,
    { line, scope = "" }: Place,
  ): void {
    const start = tokens[from]?.at ?? 0;
    const end = tokens[to - 1]?.end ?? start;
    const written = this.#text.slice(start, Math.min(end, start + EXPRESSION_CHARACTERS));
    const expression = written.replace(/\s+/gu, " ");
    this.#calls.push({ path, expression, line, at: start, called, scope });
  }

  /** The expressions in a formatted string run where it stands. */
  #formatted(token: PythonToken, place: Place): void {
    const base = contentAt(token);
    for (const { inside, at } of replacementFields(token.text)) {
      if (!inside.includes("(") && !inside.includes(".")) continue;
      // In brackets a line may break anywhere.
      const [inner] = pythonLines(`(${inside})`);
      const tokens = moved((inner?.tokens ?? []).slice(1), base + at - 1);
      this.#scan(tokens, nested(place));
    }
  }
}

/** What Python calls by itself, or everybody: `sys.excepthook`, any builtin. */
const HOOKS =
  /^(?:sys\.(?:excepthook|displayhook|unraisablehook|breakpointhook)|threading\.excepthook|builtins\.\w+)$/u;

const COMPOUND = new Set(
  "if elif else for while try except finally with class match case".split(" "),
);
