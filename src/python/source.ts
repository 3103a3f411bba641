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
  aliased,
  closings,
  constant,
  headerEnd,
  isNeverAtImport,
  lambdaEnd,
  redefinesNever,
  split,
} from "./source_words.ts";
import { type PythonLine, pythonLines, type PythonToken } from "./tokens.ts";

/** A call in the source, or a function handed to one. */
export interface SourceCall {
  /** Dotted, as far as it is known: `socket.socket`, `builtins.exec`. */
  readonly path: string;
  /** As written, at most 2 KiB. */
  readonly expression: string;
  /** From 1. */
  readonly line: number;
  /** Characters before it. */
  readonly at: number;
  /** False for a function that is only handed to something. */
  readonly called: boolean;
  /** The function that it stands in: empty for what runs at import, `f`, `Class.method`. */
  readonly scope: string;
}

/** A module's source, read. */
export interface PythonModule {
  readonly calls: readonly SourceCall[];
  /** Modules beside this one that it imports: `.configuration_x` is `configuration_x`. */
  readonly relativeImports: readonly string[];
  /** False when it has more calls than are kept. */
  readonly complete: boolean;
}

const EXPRESSION_CHARACTERS = 2048;
const CALLS = 100_000;
/** `getattr` within `getattr`. */
const RESULTS_DEPTH = 16;

/** Builtins by which code, files or names are reached. */
const BUILTINS = new Set(
  ("__import__ breakpoint compile delattr eval exec getattr globals input locals open setattr vars " +
    "execfile").split(" "),
);

/** Words that are followed by something other than a value. */
const KEYWORDS = new Set(
  ("and as assert async await break class continue def del elif else except finally for from global " +
    "if import in is lambda nonlocal not or pass raise return try while with yield print").split(
      " ",
    ),
);

/**
 * Reads a module.
 *
 * @param text of the source
 */
export function readPythonModule(text: string): PythonModule {
  return new ModuleReader(text).read();
}

/** A block that lines of a deeper indent belong to. */
interface Block {
  readonly indent: number;
  readonly kind: "class" | "function" | "never" | "plain";
  readonly name: string;
}

class ModuleReader {
  readonly #text: string;
  readonly #names = new Map<string, string>();
  readonly #stars: string[] = [];
  readonly #own = new Set<string>();
  readonly #relative = new Set<string>();
  readonly #calls: SourceCall[] = [];
  readonly #blocks: Block[] = [];

  readonly #entersAll: boolean;

  constructor(text: string) {
    this.#text = text;
    this.#entersAll = redefinesNever(text);
  }

  read(): PythonModule {
    const lines = pythonLines(this.#text);
    for (const { tokens } of lines) {
      const at = tokens[0]?.text === "async" ? 1 : 0;
      if (tokens[at]?.text === "def" || tokens[at]?.text === "class") {
        this.#own.add(tokens[at + 1]?.text ?? "");
      }
    }
    for (const line of lines) this.#line(line);
    const complete = this.#calls.length < CALLS;
    return { calls: this.#calls, relativeImports: [...this.#relative], complete };
  }

  #line(line: PythonLine): void {
    while ((this.#blocks.at(-1)?.indent ?? -1) >= line.indent) this.#blocks.pop();
    const { tokens } = line;
    const first = tokens[0]?.text === "async" ? tokens[1]?.text : tokens[0]?.text;
    if (first === "import" || first === "from") {
      this.#import(tokens);
      return;
    }
    const header = headerEnd(tokens);
    const scope = this.#scope();
    const named = tokens[0]?.text === "async" ? 3 : 2;
    if (first === "def" && header !== undefined) {
      // Defaults and annotations are evaluated where the function is defined.
      this.#scan(tokens.slice(named, header), line.number, scope);
      this.#open(line.indent, "function", tokens);
      this.#scan(tokens.slice(header + 1), line.number, this.#scope());
      if (header + 1 < tokens.length) this.#blocks.pop();
      return;
    }
    const kind = first === "class"
      ? "class"
      : !this.#entersAll && isNeverAtImport(tokens)
      ? "never"
      : "plain";
    if (header !== undefined && COMPOUND.has(first ?? "")) {
      const inside = kind === "never" ? undefined : scope;
      this.#scan(tokens.slice(kind === "class" ? named : 0, header), line.number, scope);
      this.#open(line.indent, kind, tokens);
      this.#rest(tokens.slice(header + 1), line.number, inside);
      return;
    }
    this.#assign(tokens);
    this.#scan(tokens, line.number, scope, tokens[0]?.text === "@");
  }

  /** What stands behind the colon on the same line. */
  #rest(tokens: readonly PythonToken[], line: number, scope: string | undefined): void {
    if (tokens.length === 0) return;
    if (tokens[0]?.text === "import" || tokens[0]?.text === "from") this.#import(tokens);
    else this.#scan(tokens, line, scope);
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

  #import(tokens: readonly PythonToken[]): void {
    const words = tokens.filter(({ text }) => !"()".includes(text)).map(({ text }) => text);
    if (words[0] === "import") {
      for (const part of split(words.slice(1))) {
        const [name = "", alias] = aliased(part);
        const root = name.split(".")[0] ?? "";
        this.#names.set(alias ?? root, alias === undefined ? root : name);
      }
      return;
    }
    const at = words.indexOf("import");
    const module = words.slice(1, at < 0 ? words.length : at).join("");
    const dots = /^\.*/u.exec(module)?.[0].length ?? 0;
    const rest = module.slice(dots);
    const names = split(at < 0 ? [] : words.slice(at + 1));
    if (dots > 0 && rest !== "") this.#relative.add(rest.split(".").join("/"));
    for (const part of names) {
      const [name = "", alias] = aliased(part);
      if (name === "*") this.#stars.push(rest);
      else if (dots === 0) this.#names.set(alias ?? name, `${rest}.${name}`);
      else if (rest === "") this.#relative.add(name);
    }
  }

  /** `run = os.system`: a further name for what is on the right. */
  #assign(tokens: readonly PythonToken[]): void {
    const [name, sign] = tokens;
    if (name?.kind !== "name" || sign?.text !== "=") return;
    const chain = this.#chain({ tokens, closing: closings(tokens) }, 2, tokens.length);
    if (chain.end !== tokens.length || chain.path === undefined) return;
    if (chain.path.includes(".") || this.#own.has(chain.path)) {
      this.#names.set(name.text, chain.path);
    }
  }

  /** Notes the calls among words. */
  #scan(
    tokens: readonly PythonToken[],
    line: number,
    scope: string | undefined,
    decorator = false,
  ): void {
    if (scope === undefined) return;
    const words: Words = { tokens, closing: closings(tokens) };
    let depth = 0;
    for (let at = 0; at < tokens.length; at++) {
      const token = tokens[at];
      if (token === undefined || this.#calls.length >= CALLS) return;
      if ("([{".includes(token.text) && token.kind === "sign") depth++;
      else if (")]}".includes(token.text) && token.kind === "sign") depth--;
      if (token.kind === "string" && token.prefix?.includes("f")) {
        this.#formatted(token, line, scope);
      }
      if (token.text === "lambda" && token.kind === "name") {
        at = lambdaEnd(tokens, at);
        continue;
      }
      if (token.kind !== "name" || tokens[at - 1]?.text === "." || KEYWORDS.has(token.text)) {
        continue;
      }
      const decorates = decorator && at === 1;
      this.#scanChain(words, at, line, scope, depth > 0 || decorates, decorates);
    }
  }

  /**
   * A chain of attributes and calls; handed over uncalled it may be called by who gets it. A
   * decorator is called.
   */
  #scanChain(
    words: Words,
    at: number,
    line: number,
    scope: string,
    handed: boolean,
    decorates: boolean,
  ): void {
    const { tokens } = words;
    const chain = this.#chain(words, at, tokens.length);
    for (const path of chain.called) this.#note(path, true, tokens, at, chain.end, line, scope);
    if (!handed || chain.called.length > 0 || chain.path === undefined) return;
    const notable = chain.path.includes(".") || this.#own.has(chain.path);
    if (notable && tokens[chain.end]?.text !== "=") {
      this.#note(chain.path, decorates, tokens, at, chain.end, line, scope);
    }
  }

  #note(
    path: string,
    called: boolean,
    tokens: readonly PythonToken[],
    from: number,
    to: number,
    line: number,
    scope: string,
  ): void {
    const start = tokens[from]?.at ?? 0;
    const end = tokens[to - 1]?.end ?? start;
    const written = this.#text.slice(start, Math.min(end, start + EXPRESSION_CHARACTERS));
    const expression = written.replace(/\s+/gu, " ");
    this.#calls.push({ path, expression, line, at: start, called, scope });
  }

  /** The expressions in an f-string run where it stands. */
  #formatted({ text, at }: PythonToken, line: number, scope: string): void {
    for (const [, inside = ""] of text.matchAll(/\{([^{}]+)\}/gu)) {
      const [inner] = pythonLines(inside);
      if (inner === undefined || !inside.includes("(")) continue;
      const words = { tokens: inner.tokens, closing: closings(inner.tokens) };
      const path = this.#chain(words, 0, inner.tokens.length).called[0];
      if (path !== undefined) {
        this.#calls.push({ path, expression: inside, line, at, called: true, scope });
      }
    }
  }

  /** Follows `a.b(…).c` from a name, at most to the word at `limit`. */
  #chain(words: Words, at: number, limit: number, depth = 0): Chain {
    const { tokens } = words;
    let path = this.#resolve(tokens[at]?.kind === "name" ? tokens[at]?.text ?? "" : "");
    const called: string[] = [];
    let next = at + 1;
    while (next < limit) {
      const token = tokens[next];
      const sign = token?.kind === "sign" ? token.text : "";
      const close = words.closing[next] ?? limit;
      if (sign === "." && tokens[next + 1]?.kind === "name") {
        path = path === undefined ? undefined : `${path}.${tokens[next + 1]?.text}`;
        next += 2;
      } else if (sign === "(") {
        if (path !== undefined) called.push(path);
        path = this.#result(words, path, next + 1, close, depth);
        next = close + 1;
      } else if (sign === "[") {
        const key = tokens[next + 1]?.kind === "string" ? tokens[next + 1]?.text : undefined;
        path = path === undefined || key === undefined ? undefined : `${path}.${key}`;
        next = close + 1;
      } else break;
    }
    return { path, called, end: Math.min(next, limit) };
  }

  /** What a call gives, where that is a module or an attribute. */
  #result(
    words: Words,
    path: string | undefined,
    from: number,
    to: number,
    depth: number,
  ): string | undefined {
    const { tokens } = words;
    if (path === "builtins.__import__" || path === "importlib.import_module") {
      return constant(tokens, from, to);
    }
    if (path !== "builtins.getattr" || depth >= RESULTS_DEPTH) return undefined;
    const object = this.#chain(words, from, to, depth + 1);
    if (tokens[object.end]?.text !== "," || object.path === undefined) return undefined;
    const name = constant(tokens, object.end + 1, to);
    return name === undefined ? undefined : `${object.path}.${name}`;
  }

  #resolve(name: string): string | undefined {
    if (name === "") return undefined;
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    if (this.#own.has(name)) return name;
    if (name === "__builtins__") return "builtins";
    if (BUILTINS.has(name)) return `builtins.${name}`;
    const star = this.#stars.at(-1);
    return star !== undefined && star !== "" ? `${star}.${name}` : name;
  }
}

/** The words of a line, and where its brackets close. */
interface Words {
  readonly tokens: readonly PythonToken[];
  readonly closing: readonly (number | undefined)[];
}

interface Chain {
  /** What the chain ends at; undefined when it is not known. */
  readonly path: string | undefined;
  /** What it calls on its way. */
  readonly called: readonly string[];
  /** Index behind its last word. */
  readonly end: number;
}

const COMPOUND = new Set(
  "if elif else for while try except finally with class match case".split(" "),
);
