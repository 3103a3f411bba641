/**
 * Which rule a global falls under.
 *
 * Entries are looked up by path, module and name joined. An exact entry beats a wildcard, a longer
 * path a shorter one, and of two equally exact entries the more severe holds. Every way to read the
 * name is tried (as written, as Python 2 meant it, as a walk through imported modules) and the worst
 * that an entry covers counts. Only what no entry covers falls back to the rules for the unknown.
 *
 * @module
 */

import { AllowedGlobals } from "./allowed.ts";
import type { Level, PackedAllowlist } from "./allowed.ts";
import { compareVerdicts } from "./rule.ts";
import type { Rule } from "./rule.ts";
import {
  hasPython3Names,
  isListedStandardModule,
  isPython2Only,
  isStandardLibrary,
  pathOf,
  python3Path,
  reachedPaths,
  withoutMoves,
  withoutUnderscores,
} from "../parsers/python/names.ts";

/** Ids of the rules for what no table names. */
export const FALLBACK = {
  allowed: "pickle-known-harmless",
  attribute: "pickle-known-attribute",
  longWalk: "pickle-attribute-walk",
  standardLibraryCall: "pickle-standard-library-call",
  standardLibraryImport: "pickle-standard-library-import",
  unusualCall: "pickle-unusual-call",
  unclassified: "pickle-unclassified",
} as const;

/** How a global is covered. */
export interface Match {
  /** The rule that it falls under. */
  readonly rule: Rule;
  /** The path that the rule's entry was found under, for instance `os.system`. */
  readonly reaches: string;
  /** Completes "…, which". */
  readonly effect: string;
  /**
   * How exactly the entry names the path: twice the components that it spells, and one more when it
   * is no wildcard; 0 when no entry covers it, Infinity when the way to it decides, not its name.
   */
  readonly exactness: number;
}

/** What judging asks about globals. */
export interface GlobalClassifier {
  /** The rule that covers a global, called or only named. */
  match(module: string, name: string, called: boolean): Match;
  /** True when no argument can make a call of this global matter. */
  isHarmless(module: string, name: string): boolean;
  /** True for a class that is harmless to restore without its `__init__`. */
  isRestorable(module: string, name: string): boolean;
  /** True for what an allowlist names, as far as that goes. */
  isListed(module: string, name: string): boolean;
  /** True when what a call is given may become attributes of what it gives. */
  isFilled(module: string, name: string): boolean;
}

/** How exactly an entry names what it covers, see {@linkcode Match.exactness}. */
export function exactnessOf(path: string, wildcard: boolean): number {
  return 2 * path.split(".").length + (wildcard ? 0 : 1);
}

/**
 * Modules of which packages carry copies, or other names for them: `pyspark.cloudpickle`. What a rule names
 * in the real one it names in those, too; anything else there is the package's own (`tpot.builtins`).
 */
const UNMISTAKABLE: ReadonlySet<string> = new Set([
  "builtins",
  "__builtin__",
  "__builtins__",
  "cloudpickle",
  "ctypes",
  "dill",
  "joblib",
  "marshal",
  "nt",
  "os",
  "pickle",
  "posix",
  "pty",
  "runpy",
  "subprocess",
]);

const NEW = ".__new__";

/**
 * Classifications kept; what is asked twice of one name is asked within a few thousand others. A scan of 20
 * wheels asks for 2,601 at most. CWE-770.
 */
const CACHE_SIZE = 4096;

/**
 * Components of a dotted name that is walked, in the cube of their number; one with more is judged by that
 * alone. The most in seven wheels are 5. CWE-407.
 */
const MAX_COMPONENTS = 64;

/** Classifies globals against tables built once. Remembers what it was asked. */
export class Classifier implements GlobalClassifier {
  readonly #exact = new Map<string, Rule>();
  readonly #wildcards = new Map<string, Rule>();
  readonly #attributes = new Map<string, Rule>();
  readonly #allowed: AllowedGlobals;
  /** First components of all that the tables name, made when first asked for. */
  #roots: ReadonlySet<string> | undefined;
  readonly #cache = new Map<string, Match>();
  readonly #fallback: Readonly<Record<keyof typeof FALLBACK, Rule>>;

  /** @throws RangeError when one of the fallback rules is missing */
  constructor(rules: readonly Rule[], allowlists: readonly PackedAllowlist[]) {
    this.#allowed = new AllowedGlobals(allowlists);
    const find = (id: string): Rule => {
      const rule = rules.find((each) => each.id === id);
      if (rule === undefined) throw new RangeError(`Cannot classify without the rule "${id}"`);
      return rule;
    };
    this.#fallback = {
      allowed: find(FALLBACK.allowed),
      attribute: find(FALLBACK.attribute),
      longWalk: find(FALLBACK.longWalk),
      standardLibraryCall: find(FALLBACK.standardLibraryCall),
      standardLibraryImport: find(FALLBACK.standardLibraryImport),
      unusualCall: find(FALLBACK.unusualCall),
      unclassified: find(FALLBACK.unclassified),
    };
    // What an operator's rule names are references of its language, no globals of pickles.
    for (const rule of rules) if (rule.kind !== "operator") this.#enter(rule);
  }

  /**
   * The rule that covers a global.
   *
   * @param called whether the file calls it, or only names it
   */
  match(module: string, name: string, called: boolean): Match {
    const key = `${called ? "c" : "i"}${module}\n${name}`;
    const known = this.#cache.get(key);
    if (known !== undefined) return known;
    const found = this.#find(module, name, called);
    const match = !called && found.rule.importHarmless
      ? matchOf(this.#fallback.attribute, found.reaches, found.exactness)
      : found;
    if (this.#cache.size >= CACHE_SIZE) this.#cache.clear();
    this.#cache.set(key, match);
    return match;
  }

  /** True when no argument can make a call of this global matter. */
  isHarmless(module: string, name: string): boolean {
    return this.match(module, name, true).rule === this.#fallback.allowed;
  }

  /** True for a class that is harmless to restore without its `__init__`. */
  isRestorable(module: string, name: string): boolean {
    const level = this.#levelOf(module, name);
    return level !== undefined && level !== "named";
  }

  /** True when what a call is given may become attributes of what it gives. */
  isFilled(module: string, name: string): boolean {
    return this.#levelOf(module, name) === "filled";
  }

  /** True for what an allowlist names, as far as that goes. */
  isListed(module: string, name: string): boolean {
    return this.#levelOf(module, name) !== undefined;
  }

  #levelOf(module: string, name: string): Level | undefined {
    const mapped = python3Path(module, name);
    const level = this.#listed(pathOf(withoutMoves(module), name)) ??
      (mapped === undefined ? undefined : this.#listed(mapped));
    // Most names are on no list, which is cheap to know.
    if (level === undefined || this.match(module, name, false).rule !== this.#fallback.allowed) {
      return undefined;
    }
    return level;
  }

  #enter(rule: Rule): void {
    for (const [module, names] of Object.entries(rule.globals)) {
      if (names === "*") addStricter(this.#wildcards, module, rule);
      else for (const name of names) addStricter(this.#exact, pathOf(module, name), rule);
    }
    for (const attribute of rule.attributes) addStricter(this.#attributes, attribute, rule);
  }

  /**
   * True for a name in a module of which no table has anything: neither its own nor what it might
   * reach has to be looked up then, which is what most of the time goes into.
   */
  #isStranger(module: string, name: string): boolean {
    if (module === "" || name === "" || module.includes(".") || name.includes(".")) return false;
    if (module.startsWith("_") || name.startsWith("_")) return false;
    this.#roots ??= new Set(
      [...this.#exact.keys(), ...this.#wildcards.keys()].map((path) => path.split(".", 1)[0] ?? ""),
    );
    return !this.#roots.has(module) && !this.#roots.has(name) && !this.#attributes.has(name) &&
      !this.#allowed.hasRoot(module) && !isListedStandardModule(module) &&
      !hasPython3Names(module);
  }

  #find(module: string, name: string, called: boolean): Match {
    if (this.#isStranger(module, name)) {
      return matchOf(this.#fallback.unclassified, pathOf(module, name), 0);
    }
    const written = pathOf(withoutMoves(module), name);
    if (dotsIn(module) + dotsIn(name) > MAX_COMPONENTS) {
      const rule = this.#fallback.longWalk;
      return { rule, reaches: written, effect: rule.effect, exactness: Infinity };
    }
    if (this.#isExactlyAllowed(written, called)) return this.#allowedMatch(written, called);

    const mapped = python3Path(module, name);
    const explicit = this.#explicit(written);
    const found: Match[] = [];
    if (mapped !== undefined) {
      // Of two equal verdicts the first is reported: the Python 3 name is the one that people know.
      const second = this.#isExactlyAllowed(mapped, called)
        ? this.#allowedMatch(mapped, called)
        : this.#explicit(mapped);
      const only2 = isPython2Only(module);
      if (second !== undefined) found.push(second);
      if (explicit === undefined && (second === undefined || !only2)) {
        found.push(this.#unnamed(only2 ? mapped : written, called));
      }
    }
    if (explicit !== undefined) found.push(explicit);
    found.push(...this.#reached(module, name, called));
    return worst(found) ?? this.#unnamed(written, called);
  }

  /** An entry that does not say "harmless" and covers the path itself or what it is part of. */
  #explicit(path: string): Match | undefined {
    let longest = true;
    for (let end = path.length; end > 0; end = path.lastIndexOf(".", end - 1)) {
      const part = path.slice(0, end);
      const exact = this.#exact.get(part);
      if (exact !== undefined && (longest || exact.safety !== "innocuous")) {
        return matchOf(exact, part, exactnessOf(part, false));
      }
      if (!longest && this.#allowed.has(part)) return undefined;
      const wildcard = this.#wildcards.get(part);
      if (wildcard !== undefined) return matchOf(wildcard, path, exactnessOf(part, true));
      longest = false;
    }
    return undefined;
  }

  /** What a name reaches through the modules and attributes that it passes. */
  #reached(module: string, name: string, called: boolean): Match[] {
    const found: Match[] = [];
    for (const { path, own } of reachedPaths({ module, name }, UNMISTAKABLE)) {
      const explicit = this.#explicit(path);
      if (explicit !== undefined && explicit.rule.safety !== "innocuous") found.push(explicit);
      else if (explicit === undefined && !own && path.includes(".")) {
        const listed = isListedStandardModule(path.slice(0, path.indexOf(".")));
        if (listed && !this.#allowed.has(path)) found.push(this.#unnamed(path, called));
      }
    }
    const root = module.split(".", 1)[0] ?? "";
    if (root.startsWith("_") && UNMISTAKABLE.has(withoutUnderscores(root))) {
      const bare = this.#explicit(withoutUnderscores(root));
      if (bare?.rule.safety === "dangerous") {
        found.push(matchOf(bare.rule, pathOf(module, name), Infinity));
      }
    }
    for (const component of name.split(".")) {
      const rule = this.#attributes.get(component);
      if (rule !== undefined) found.push(matchOf(rule, pathOf(module, name), Infinity));
    }
    return found;
  }

  /** A rule for the same name speaks of calls where a list says that the class may be restored. */
  #isExactlyAllowed(path: string, called: boolean): boolean {
    const level = this.#listed(path);
    return level !== undefined && (!this.#exact.has(path) || (!called && level === "restored"));
  }

  /**
   * How far a path is harmless. `Thing.__new__` is named in the partials by which old protocols restore a
   * `Thing` (`object_reduce_ex` in CPython's `typeobject.c`, for `__getnewargs_ex__`).
   */
  #listed(path: string): Level | undefined {
    const level = this.#allowed.level(path);
    if (level !== undefined || !path.endsWith(NEW)) return level;
    const owner = this.#allowed.level(path.slice(0, -NEW.length));
    return owner === undefined || owner === "named" ? undefined : "named";
  }

  #allowedMatch(path: string, called: boolean): Match {
    const level = called ? this.#listed(path) : undefined;
    const harmless = !called || level === "called" || level === "filled";
    const rule = harmless ? this.#fallback.allowed : this.#fallback.unusualCall;
    return matchOf(rule, path, exactnessOf(path, false));
  }

  /** What the rules say of a path that no entry covers. */
  #unnamed(path: string, called: boolean): Match {
    let rule = this.#fallback.unclassified;
    if (!called && this.#isAttributeOfAllowed(path)) rule = this.#fallback.attribute;
    else if (isStandardLibrary(path)) {
      rule = called ? this.#fallback.standardLibraryCall : this.#fallback.standardLibraryImport;
    }
    return matchOf(rule, path, 0);
  }

  /** Members of enumerations and classes in classes: what begins with a capital. Methods are listed. */
  #isAttributeOfAllowed(path: string): boolean {
    const last = path.lastIndexOf(".");
    if (last <= 0 || !/^\p{Lu}/u.test(path.slice(last + 1))) return false;
    const owner = path.slice(0, last);
    return this.#allowed.has(owner) || this.#exact.get(owner)?.safety === "innocuous";
  }
}

function dotsIn(text: string): number {
  let dots = 0;
  for (
    let at = text.indexOf(".");
    at >= 0 && dots <= MAX_COMPONENTS;
    at = text.indexOf(".", at + 1)
  ) {
    dots++;
  }
  return dots;
}

function addStricter(table: Map<string, Rule>, key: string, rule: Rule): void {
  const other = table.get(key);
  if (other === undefined || compareVerdicts(rule, other) < 0) table.set(key, rule);
}

/** A match, with the effect that the rule gives for the path or for what it is part of. */
function matchOf(rule: Rule, path: string, exactness: number): Match {
  for (let end = path.length; end > 0; end = path.lastIndexOf(".", end - 1)) {
    const part = path.slice(0, end);
    if (Object.hasOwn(rule.effects, part)) {
      return { rule, reaches: path, effect: rule.effects[part] ?? rule.effect, exactness };
    }
  }
  return { rule, reaches: path, effect: rule.effect, exactness };
}

function worst(matches: readonly Match[]): Match | undefined {
  return matches.reduce<Match | undefined>(
    (worse, match) =>
      worse === undefined || compareVerdicts(match.rule, worse.rule) < 0 ? match : worse,
    undefined,
  );
}
