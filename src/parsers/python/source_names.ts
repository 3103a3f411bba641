/**
 * What names of a module stand for: modules and attributes brought in by `import`, and further names
 * that plain assignments give them.
 *
 * @module
 */

import { aliased, split } from "./source_words.ts";
import type { PythonToken } from "./tokens.ts";

/** Builtins by which code, files or names are reached. */
const BUILTINS = new Set(
  ("__import__ breakpoint compile delattr eval exec getattr globals input locals open setattr vars " +
    "execfile").split(" "),
);

/** Modules that others hand on: `shutil.os.system` is `os.system`. */
const HANDED_ON = new Set("os posix nt subprocess builtins pty ctypes runpy importlib".split(" "));

/** The names of one module. */
export class SourceNames {
  /** Functions and classes that the module defines. */
  readonly own: Set<string>;
  /** Its methods that reading an attribute calls. */
  readonly properties: Set<string>;
  /** Modules beside this one that it imports: `.configuration_x` is `configuration_x`. */
  readonly relative = new Set<string>();
  readonly #names = new Map<string, string>();
  /** What names are bound to anywhere in the module: functions may run after lines behind them. */
  readonly #later: ReadonlyMap<string, string>;
  readonly #strings = new Map<string, string>();
  readonly #stars: string[] = [];

  /** @param earlier names of an earlier reading of the same source */
  constructor(earlier?: SourceNames) {
    this.#later = earlier === undefined ? new Map() : earlier.#names;
    this.own = earlier?.own ?? new Set();
    this.properties = earlier?.properties ?? new Set();
  }

  /** Takes a statement that begins with `import` or `from`. */
  takeImport(tokens: readonly PythonToken[]): void {
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
    if (dots > 0 && rest !== "") this.relative.add(rest.split(".").join("/"));
    for (const part of names) {
      const [name = "", alias] = aliased(part);
      if (name === "*") this.#stars.push(rest);
      else if (dots === 0) this.#names.set(alias ?? name, `${rest}.${name}`);
      else if (rest === "") this.relative.add(name);
    }
  }

  /** `name = path`: a further name. Paths that lead nowhere say nothing. */
  bind(name: string, path: string | undefined): void {
    if (path !== undefined && this.leadsOut(path) && path !== name) this.#names.set(name, path);
  }

  /** `name = "text"`. */
  bindText(name: string, text: string): void {
    this.#strings.set(name, text);
  }

  /** The text that a name was last given. */
  textOf(name: string): string | undefined {
    return this.#strings.get(name);
  }

  /** True for what is worth following: attributes of something, and the module's own functions. */
  leadsOut(path: string): boolean {
    return path.includes(".") || this.own.has(path) || HANDED_ON.has(path);
  }

  /** Dotted, as far as it is known; undefined for no name. */
  resolve(name: string): string | undefined {
    if (name === "") return undefined;
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    if (this.own.has(name)) return name;
    if (name === "__builtins__") return "builtins";
    if (BUILTINS.has(name)) return `builtins.${name}`;
    const later = this.#later.get(name);
    if (later !== undefined) return later;
    const star = this.#stars.find((module) => HANDED_ON.has(module)) ?? this.#stars.at(-1);
    return star !== undefined && star !== "" ? `${star}.${name}` : name;
  }
}

/** The same path by way of the module that it ends in: `shutil.os.system` is `os.system`. */
export function shortest(path: string): string {
  if (/^(?:self|cls|super)\./u.test(path)) return path;
  const parts = path.split(".");
  for (let at = parts.length - 2; at > 0; at--) {
    if (HANDED_ON.has(parts[at] ?? "")) return parts.slice(at).join(".");
  }
  return path;
}
