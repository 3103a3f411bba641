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

import { keptText, packText, unpackText } from "./packed_text.ts";
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

const LEVEL_OF: Readonly<Record<string, Level>> = Object.fromEntries(
  LEVELS.filter((level) => MARKS[level] !== "").map((level) => [MARKS[level], level]),
);

/** One library's harmless globals, packed. */
export interface PackedAllowlist {
  readonly library: string;
  readonly version: string;
  /** First components of its modules. */
  readonly roots: readonly string[];
  /**
   * Packed (`packText`): a line for each module: the module, then its names in their order, separated by blanks. Neighbours begin
   * alike, so that each says first how much it shares with the one before it, in base 36: a module in two
   * digits, a name in one behind its mark. `~` stands before what
   * may only be restored or named, `=` before what may only be named, `+` before what fills its result.
   */
  readonly text: string;
}

/** What the audit saw of the names of one library, in the order of its packed allowlist. */
export interface PackedEvidence {
  readonly library: string;
  /** The releases, "sklearn 1.9.1 on Python 3.13.0", in the order of the bits of `Seen.releases`. */
  readonly releases: readonly string[];
  /** The different things that were seen, as packed JSON of `Seen[]`. */
  readonly kinds: string;
  /** For each name of the list the place of what was seen of it among `kinds`, as two digits of base 36, packed. */
  readonly codes: string;
}

/** The most that a name, and a module, share with the one before them: what fits into their digits. */
const SHARED = { name: 35, module: 1295 } as const;

/** Lists from this length on are packed: those that most pickles name are shorter, and unpacking takes 1 ms. */
const LONG = 30_000;

/** How many characters a text shares with another one at its beginning, at most a number. */
function sharedStart(text: string, other: string, most: number): number {
  let at = 0;
  while (at < most && at < text.length && text[at] === other[at]) at++;
  return at;
}

/** Packs an allowlist for embedding. */
export function packAllowlist(list: Allowlist): PackedAllowlist {
  const byModule = new Map<string, Map<string, Level>>();
  for (const level of LEVELS) {
    for (const [module, listed] of Object.entries(list[level])) {
      const levels = byModule.get(module) ?? new Map<string, Level>();
      byModule.set(module, levels);
      for (const name of listed) levels.set(name, level);
    }
  }
  const modules = [...byModule.keys()].sort();
  let before = "";
  const lines = modules.map((module) => {
    const shared = sharedStart(module, before, SHARED.module);
    before = module;
    let last = "";
    const names = [...byModule.get(module) ?? []].sort(([a], [b]) => a < b ? -1 : a > b ? 1 : 0)
      .map(([name, level]) => {
        const start = sharedStart(name, last, SHARED.name);
        last = name;
        return MARKS[level] + start.toString(36) + name.slice(start);
      });
    return [shared.toString(36).padStart(2, "0") + module.slice(shared), ...names].join(" ");
  });
  const text = lines.join("\n");
  return {
    library: list.library,
    version: list.version,
    roots: [...new Set(modules.map((module) => module.split(".", 1)[0] ?? module))],
    text: text.length < LONG ? keptText(text) : packText(text),
  };
}

/** The modules of a packed list, with their names in their short form. */
function* modulesOf(packed: string): Iterable<readonly [module: string, packed: string]> {
  let module = "";
  for (const line of unpackText(packed).split("\n")) {
    const blank = line.indexOf(" ");
    const shared = Number.parseInt(line.slice(0, 2), 36);
    module = module.slice(0, shared) + line.slice(2, blank);
    yield [module, line.slice(blank + 1)];
  }
}

/** Names of one module with their levels. */
function levelsIn(packed: string): [name: string, level: Level][] {
  let name = "";
  return packed.split(" ").map((each) => {
    const level = LEVEL_OF[each[0] ?? ""] ?? "called";
    const at = MARKS[level].length;
    name = name.slice(0, Number.parseInt(each[at] ?? "0", 36)) + each.slice(at + 1);
    return [name, level];
  });
}

/** All names of a packed list in their order. */
export function* namesOf(
  { text }: PackedAllowlist,
): Iterable<{ readonly module: string; readonly name: string; readonly level: Level }> {
  for (const [module, packed] of modulesOf(text)) {
    for (const [name, level] of levelsIn(packed)) yield { module, name, level };
  }
}

/** Answers whether a path is on a list. Unpacks as little as the question needs. */
export class AllowedGlobals {
  readonly #byRoot = new Map<string, PackedAllowlist[]>();
  readonly #roots: ReadonlySet<string>;
  /** Levels by name by module; packed lines until the module is first asked for. */
  readonly #modules = new Map<string, string[] | ReadonlyMap<string, Level>>();

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
      const level = allowed?.get(path.slice(dot + 1));
      if (level !== undefined) found = further(found, level);
    }
    return found;
  }

  #namesOf(module: string): ReadonlyMap<string, Level> | undefined {
    const names = this.#modules.get(module);
    if (!Array.isArray(names)) return names;
    const unpacked = new Map<string, Level>();
    for (const packed of names) {
      for (const [name, level] of levelsIn(packed)) {
        unpacked.set(name, further(unpacked.get(name), level));
      }
    }
    this.#modules.set(module, unpacked);
    return unpacked;
  }

  #unpack(root: string): void {
    const lists = this.#byRoot.get(root);
    if (lists === undefined) return;
    this.#byRoot.delete(root);
    for (const list of lists) {
      for (const [module, packed] of modulesOf(list.text)) {
        if (module !== root && !module.startsWith(`${root}.`)) continue;
        const others = this.#modules.get(module);
        if (Array.isArray(others)) others.push(packed);
        else this.#modules.set(module, [packed]);
      }
    }
  }
}

function further(a: Level | undefined, b: Level): Level {
  return a !== undefined && LEVELS.indexOf(a) > LEVELS.indexOf(b) ? a : b;
}
