/**
 * The allowlists as the program carries them: one text a library, unpacked when a file first names
 * something under one of its roots. Parsing ten thousand names at each start would cost more than
 * scanning a small model.
 *
 * For each name a list states what is harmless: to call it with any arguments, which may become attributes
 * of what it gives ("filled") and are looked at then; to restore it, as picklers do with most classes,
 * without running `__init__`; or only to name it.
 *
 * @module
 */

import type { Allowlist } from "./toml.ts";

/** How far a global is harmless, from the least up; of two lists the one that looks at arguments counts. */
export const LEVELS = ["named", "restored", "called", "filled"] as const;
export type Level = typeof LEVELS[number];

/** What a packed name begins with, by level. */
const MARKS: Readonly<Record<Level, string>> = {
  named: "=",
  restored: "~",
  called: "",
  filled: "+",
};

/** One library's harmless globals, packed. */
export interface PackedAllowlist {
  readonly library: string;
  readonly version: string;
  /** First components of its modules. */
  readonly roots: readonly string[];
  /**
   * A line for each module: the module, then its names, separated by blanks. `~` stands before what
   * may only be restored or named, `=` before what may only be named, `+` before what fills its result.
   */
  readonly text: string;
}

/** What the audit saw of the names of one library, in the order of its packed allowlist. */
export interface PackedEvidence {
  readonly library: string;
  /** The releases, "sklearn 1.9.1 on Python 3.13.0", in the order of the bits of `Seen.releases`. */
  readonly releases: readonly string[];
  /** The different things that were seen, as JSON of `Seen[]`. */
  readonly kinds: string;
  /** For each name of the list the place of what was seen of it among `kinds`, as two digits of base 36. */
  readonly codes: string;
}

/** Packs an allowlist for embedding. */
export function packAllowlist(list: Allowlist): PackedAllowlist {
  const byModule = new Map<string, string[]>();
  for (const level of LEVELS) {
    for (const [module, listed] of Object.entries(list[level])) {
      const marked = listed.map((name) => MARKS[level] + name);
      byModule.set(module, [...marked, ...byModule.get(module) ?? []]);
    }
  }
  const modules = [...byModule.keys()].sort();
  return {
    library: list.library,
    version: list.version,
    roots: [...new Set(modules.map((module) => module.split(".", 1)[0] ?? module))],
    text: modules.map((module) => [module, ...byModule.get(module) ?? []].join(" ")).join("\n"),
  };
}

/** Answers whether a path is on a list. Unpacks as little as the question needs. */
export class AllowedGlobals {
  readonly #byRoot = new Map<string, PackedAllowlist[]>();
  readonly #roots: ReadonlySet<string>;
  /** Names by module; a string until the module is first asked for. */
  readonly #modules = new Map<string, string | ReadonlySet<string>>();

  constructor(lists: readonly PackedAllowlist[]) {
    for (const list of lists) {
      for (const root of list.roots) {
        const others = this.#byRoot.get(root);
        if (others === undefined) this.#byRoot.set(root, [list]);
        else others.push(list);
      }
    }
    this.#roots = new Set(this.#byRoot.keys());
  }

  /** True when some list names something under this first component. */
  hasRoot(root: string): boolean {
    return this.#roots.has(root);
  }

  /** True when the path, split into module and name anywhere, is on a list. */
  has(path: string): boolean {
    return this.level(path) !== undefined;
  }

  /** How far the path is harmless; undefined when it is on no list. */
  level(path: string): Level | undefined {
    const first = path.indexOf(".");
    if (first <= 0) return undefined;
    const root = path.slice(0, first);
    if (!this.hasRoot(root)) return undefined;
    this.#unpack(root);
    let found: Level | undefined;
    for (let dot = path.lastIndexOf("."); dot > 0; dot = path.lastIndexOf(".", dot - 1)) {
      const allowed = this.#namesOf(path.slice(0, dot));
      const name = path.slice(dot + 1);
      if (allowed === undefined || !/^[^=~+]/.test(name)) continue;
      for (const level of LEVELS) {
        if (allowed.has(MARKS[level] + name)) found = further(found, level);
      }
    }
    return found;
  }

  #namesOf(module: string): ReadonlySet<string> | undefined {
    const names = this.#modules.get(module);
    if (typeof names !== "string") return names;
    const unpacked = new Set(names.split(" "));
    this.#modules.set(module, unpacked);
    return unpacked;
  }

  #unpack(root: string): void {
    const lists = this.#byRoot.get(root);
    if (lists === undefined) return;
    this.#byRoot.delete(root);
    for (const list of lists) {
      for (const line of list.text.split("\n")) {
        const blank = line.indexOf(" ");
        const module = line.slice(0, blank);
        if (module !== root && !module.startsWith(`${root}.`)) continue;
        const names = line.slice(blank + 1);
        const others = this.#modules.get(module);
        this.#modules.set(
          module,
          others === undefined
            ? names
            : typeof others === "string"
            ? `${others} ${names}`
            : new Set([...others, ...names.split(" ")]),
        );
      }
    }
  }
}

function further(a: Level | undefined, b: Level): Level {
  return a !== undefined && LEVELS.indexOf(a) > LEVELS.indexOf(b) ? a : b;
}
