/**
 * Follows chains of attributes, subscripts and calls in Python source: `a.b(…)["c"](…)`, and what
 * stands in brackets that such a chain begins with.
 *
 * @module
 */

import { shortest, type SourceNames } from "./source_names.ts";
import { constant } from "./source_words.ts";
import type { PythonToken } from "./tokens.ts";

/** The words of a line, and where its brackets close. */
export interface Words {
  readonly tokens: readonly PythonToken[];
  readonly closing: readonly (number | undefined)[];
}

/** A chain that was followed. */
export interface Chain {
  /** What the chain ends at; undefined when it is not known. */
  readonly path: string | undefined;
  /** What it calls on its way. */
  readonly called: readonly string[];
  /** Index behind its last word. */
  readonly end: number;
}

/** Stands for an attribute whose name is computed. */
const COMPUTED = "<computed>";

/** `getattr` within `getattr`. */
const RESULTS_DEPTH = 16;
/** A path that is longer leads nowhere. */
const PATH_CHARACTERS = 1024;
/** Namespaces as mappings of names. */
const NAMESPACE = ".__dict__";
/** Namespace of the module itself. */
const OWN_NAMESPACE = `__main__${NAMESPACE}`;
/** What takes an item out of a mapping, or an attribute by its name. */
const TAKES = /\.(?:get|pop|setdefault|__getitem__|__getattribute__)$/u;
const IMPORTS =
  /^(?:builtins\.__import__|importlib\.(?:import_module|__import__)|__loader__\.load_module)$/u;
/** Modules of which nobody calls an attribute by a computed name but to hide which. */
const HIDDEN_IN = new Set("os posix nt subprocess builtins pty".split(" "));
/** What finds an object by its dotted name. */
const LOCATES = /^(?:pkgutil\.resolve_name|pydoc\.locate)$/u;
/** What makes a function that takes an attribute or an item of what it is given, or calls a method. */
const GETTERS = /^_?operator\.(attrgetter|itemgetter|methodcaller)$/u;
/** Such a function, with the name that it takes. */
const GETTER = /^operator\.(attrgetter|itemgetter|methodcaller):(.*)$/su;
/** Attributes by which code reaches what it does not name: all classes, and the names of any function. */
const INTROSPECTION = new Set("__subclasses__ __globals__ f_globals f_builtins".split(" "));
/** Where a chain leads that goes on behind one of them. */
const ANYTHING = "<object>";
const CLASSES = `${ANYTHING}.__subclasses__`;
const NAMES_OF = /^<object>\.(?:__globals__|f_globals|f_builtins)$/u;
/** Methods that call what they are given, of objects that nobody follows. */
const RUNNING_METHODS =
  /^(?:submit|map|imap|imap_unordered|map_async|starmap|apply|apply_async|run_in_executor|call_soon|enter)$/u;
const LIBRARY = /^ctypes\.(?:CDLL|PyDLL|WinDLL|OleDLL|[a-z]+dll\.LoadLibrary)$/u;

/**
 * Follows a chain from the name at an index.
 *
 * @param limit index of the first word that it may not take
 */
export function chainAt(names: SourceNames, words: Words, at: number, limit: number): Chain {
  return new ChainReader(names, words).from(at, limit, 0);
}

/**
 * Goes on with a chain behind a bracket.
 *
 * @param path what stands in the bracket
 * @param at index of the first word behind it
 */
export function chainBehind(
  names: SourceNames,
  words: Words,
  path: string | undefined,
  at: number,
): Chain {
  return new ChainReader(names, words).follow(path, at, words.tokens.length, 0);
}

/** True for an attribute that {@linkcode introspectionAt} is to be asked about. */
export function isIntrospection(name: string): boolean {
  return INTROSPECTION.has(name);
}

/** Goes on with a chain behind such an attribute, whatever it is an attribute of. */
export function introspectionAt(names: SourceNames, words: Words, at: number): Chain {
  const path = `${ANYTHING}.${words.tokens[at]?.text ?? ""}`;
  const chain = chainBehind(names, words, path, at + 1);
  return { ...chain, called: chain.called.filter((each) => !each.startsWith(ANYTHING)) };
}

class ChainReader {
  readonly #names: SourceNames;
  readonly #words: Words;

  constructor(names: SourceNames, words: Words) {
    this.#names = names;
    this.#words = words;
  }

  from(at: number, limit: number, depth: number): Chain {
    const token = this.#words.tokens[at];
    const path = this.#names.resolve(token?.kind === "name" ? token.text : "");
    return this.follow(path, at + 1, limit, depth);
  }

  follow(start: string | undefined, at: number, limit: number, depth: number): Chain {
    const { tokens, closing } = this.#words;
    let path = start;
    const called: string[] = [];
    let next = at;
    while (next < limit) {
      const token = tokens[next];
      const sign = token?.kind === "sign" ? token.text : "";
      const close = closing[next] ?? limit;
      if (path !== undefined && path.length > PATH_CHARACTERS) path = undefined;
      if (sign === "." && tokens[next + 1]?.kind === "name") {
        path = attribute(path, tokens[next + 1]?.text ?? "");
        next += 2;
      } else if (sign === "(") {
        const ran = path === undefined ? undefined : this.#called(path, next + 1, close, depth);
        if (ran !== undefined) called.push(ran);
        path = this.#result(path, next + 1, close, depth);
        next = close + 1;
      } else if (sign === "[") {
        const own = path === "sys.modules" && tokens[next + 1]?.text === "__name__";
        path = own ? "__main__" : this.#item(path, this.#text(next + 1, close));
        next = close + 1;
      } else break;
    }
    return { path, called, end: Math.min(next, limit) };
  }

  /** What a subscript gives. */
  #item(path: string | undefined, key: string | undefined): string | undefined {
    if (path === undefined) return undefined;
    if (path === "sys.modules") return key;
    if (path.startsWith(ANYTHING)) return this.#anything(path, key);
    if (path === OWN_NAMESPACE) return key === undefined ? undefined : this.#names.resolve(key);
    const owner = path.endsWith(NAMESPACE) ? path.slice(0, -NAMESPACE.length) : path;
    return key === undefined ? hidden(owner) : shortest(`${owner}.${key}`);
  }

  /** A class among all of them, or a name of some function's module. */
  #anything(path: string, key: string | undefined): string | undefined {
    if (path === CLASSES || key === undefined) return `builtins.${COMPUTED}`;
    if (path.endsWith("f_builtins")) return `builtins.${key}`;
    return this.#names.resolve(key);
  }

  /** What a call runs: what is called, or the method that a `methodcaller` calls. */
  #called(path: string, from: number, to: number, depth: number): string | undefined {
    const [, kind, name = ""] = GETTER.exec(path) ?? [];
    if (kind === undefined) return path;
    const object = kind === "methodcaller" ? this.#first(from, to, depth, "") : undefined;
    return object === undefined ? undefined : shortest(`${object}.${name}`);
  }

  /** What a function made by `operator` takes of its argument. */
  #taken(path: string, from: number, to: number, depth: number): string | undefined {
    const [, kind, name = ""] = GETTER.exec(path) ?? [];
    if (kind === undefined || kind === "methodcaller" || depth >= RESULTS_DEPTH) return undefined;
    const object = this.#first(from, to, depth, "");
    if (object === undefined) return undefined;
    return kind === "itemgetter" ? this.#item(object, name) : shortest(`${object}.${name}`);
  }

  /** What a call gives, where that is a module, an attribute or an object of an own class. */
  #result(path: string | undefined, from: number, to: number, depth: number): string | undefined {
    if (path === undefined) return undefined;
    if (IMPORTS.test(path)) return this.#text(this.#behindKeyword(from), to);
    if (LOCATES.test(path)) {
      return this.#text(this.#behindKeyword(from), to)?.replace(":", ".");
    }
    const getter = GETTERS.exec(path)?.[1];
    if (getter !== undefined) {
      const name = this.#text(from, to);
      return name === undefined ? undefined : `operator.${getter}:${name}`;
    }
    if (path.startsWith("operator.")) return this.#taken(path, from, to, depth);
    if (path === CLASSES) return path;
    if (LIBRARY.test(path)) return "ctypes.CDLL";
    if (/^builtins\.(?:globals|locals|vars)$/u.test(path) && from >= to) return OWN_NAMESPACE;
    if (TAKES.test(path)) {
      const owner = path.slice(0, path.lastIndexOf("."));
      const known = owner === "sys.modules" || owner.endsWith(NAMESPACE) ||
        path.endsWith(".__getattribute__") || NAMES_OF.test(owner);
      return known ? this.#item(owner, this.#text(from, to)) : undefined;
    }
    if (this.#names.own.has(path)) return path;
    if (depth >= RESULTS_DEPTH) return undefined;
    if (path === "builtins.vars") return this.#first(from, to, depth, NAMESPACE);
    if (path === "functools.partial") return this.#first(from, to, depth, "");
    return path === "builtins.getattr" ? this.#attribute(from, to, depth) : undefined;
  }

  /** `name="os"`: where the value begins. */
  #behindKeyword(from: number): number {
    return this.#words.tokens[from + 1]?.text === "=" ? from + 2 : from;
  }

  #first(from: number, to: number, depth: number, suffix: string): string | undefined {
    const { path } = this.from(from, to, depth + 1);
    return path === undefined ? undefined : path + suffix;
  }

  #attribute(from: number, to: number, depth: number): string | undefined {
    const object = this.from(from, to, depth + 1);
    if (this.#words.tokens[object.end]?.text !== "," || object.path === undefined) return undefined;
    const name = this.#text(object.end + 1, to);
    return name === undefined ? hidden(object.path) : shortest(`${object.path}.${name}`);
  }

  #text(from: number, to: number): string | undefined {
    return constant(this.#words.tokens, from, to, (name) => this.#names.textOf(name));
  }
}

/** An attribute of what a chain has led to; what {@linkcode isIntrospection} names is followed elsewhere. */
function attribute(path: string | undefined, name: string): string | undefined {
  if (INTROSPECTION.has(name)) return undefined;
  if (path !== undefined) return shortest(`${path}.${name}`);
  return RUNNING_METHODS.test(name) ? `<result>.${name}` : undefined;
}

function hidden(path: string): string | undefined {
  return HIDDEN_IN.has(path) ? `${path}.${COMPUTED}` : undefined;
}
