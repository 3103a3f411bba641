/**
 * Reads a configuration file: TOML in, a checked {@linkcode Configuration} out. An unknown key or value
 * is an error; nothing is ignored.
 *
 * @module
 */

import { ConfigError } from "../core/errors.ts";
import { DEFAULT_LIMITS } from "../core/limits.ts";
import { loaderOf } from "../rules/loaders.ts";
import { globMatcher } from "../sources/glob.ts";
import { type FailOn, type Limits, SEVERITIES, type Severity } from "../core/types.ts";
import type {
  AllowLine,
  Configuration,
  GlobalLine,
  IgnoreLine,
  LoaderLine,
  NameLine,
  OperatorLine,
  PatternLine,
  PolicyLine,
} from "./configuration.ts";
import { dayOf, Document, isTable, show, type Table } from "./document.ts";
import type { Path } from "./positions.ts";

/** Words that a configuration may use and only the program knows. */
interface Vocabulary {
  /** Ids of rules. */
  readonly rules: readonly string[];
  /** Ids of formats. */
  readonly formats: readonly string[];
}

/** Words of one kind, and what they are. */
interface Words {
  readonly what: string;
  readonly words: readonly string[];
}

/** The keys that stand before the first table. */
export const TOP_KEYS = [
  "replace",
  "fail_on",
  "allow",
  "disable",
  "forbid",
  "include",
  "exclude",
] as const;

/** The tables there are. */
export const TABLES = [
  "pickle_rules",
  "tensorflow_rules",
  "keras_rules",
  "custom_patterns",
  "severity_thresholds",
  "severity",
  "limits",
  "ignore",
  "policy",
  "loader",
] as const;

/** Severities that a table of globals may have; `warning` is another word for `medium`. */
const TABLE_SEVERITIES = ["critical", "high", "medium", "low"] as const;
const SCORED = ["critical", "high", "medium", "low", "info"] as const;
const FAIL_ON_WORDS = [...SCORED, "never"] as const;

/** How limits are written, and what they are called inside. */
const LIMIT_KEYS: Readonly<Record<string, keyof Limits>> = {
  depth: "depth",
  members: "members",
  expanded_bytes: "expandedBytes",
  spool_bytes: "spoolBytes",
  ratio: "ratio",
  seconds: "milliseconds",
  opcodes: "opcodes",
  values: "values",
  resync_bytes: "resyncBytes",
  issues: "issues",
};

const PATTERN_KEYS = ["pattern", "text", "severity", "title"] as const;
const IGNORE_KEYS = ["path", "rule", "reason", "expires"] as const;
/** What a policy may say; one of them at least. */
const POLICY_SETTINGS = ["fail_on", "disable", "forbid", "incomplete"] as const;
const POLICY_KEYS = ["path", "reason", "expires", ...POLICY_SETTINGS] as const;

/** A dotted path of identifiers, which need not be Python's. */
const DOTTED = /^[^\s.*:]+(\.[^\s.*:]+)*$/;

/**
 * Reads one file.
 *
 * @param file its name, for messages
 * @throws ConfigError with file, line, column and what was expected
 */
export function readConfiguration(
  text: string,
  file: string,
  vocabulary: Vocabulary,
): Configuration {
  return new Reader(new Document(text, file), vocabulary).read();
}

class Reader {
  constructor(readonly document: Document, readonly vocabulary: Vocabulary) {}

  read(): Configuration {
    const { document } = this;
    const root = document.root;
    document.onlyKeys([], root, [...TOP_KEYS, ...TABLES]);
    return {
      file: document.file,
      replace: this.#replace(root["replace"]),
      failOn: this.#failOn(root["fail_on"]),
      include: this.#globs("include"),
      exclude: this.#globs("exclude"),
      globals: this.#globals(),
      operators: [
        ...this.#operators("tensorflow_rules", "tensorflow"),
        ...this.#operators("keras_rules", "keras"),
      ],
      patterns: this.#patterns(),
      allow: this.#allow(root["allow"]),
      disable: this.#names(["disable"], root["disable"], this.#known("rule")),
      forbid: this.#names(["forbid"], root["forbid"], this.#known("format")),
      rules: this.#rules(),
      loaders: this.#loaders(root["loader"]),
      ignores: this.#ignores(root["ignore"]),
      policies: this.#policies(root["policy"]),
      scores: this.#scores(),
      limits: this.#limits(),
    };
  }

  #replace(value: unknown): string | undefined {
    if (value === undefined || value === false) return undefined;
    if (value === true) return this.document.origin(["replace"]);
    return this.document.fail(
      ["replace"],
      "value",
      `expected true or false, but this is ${show(value)}`,
    );
  }

  #failOn(value: unknown): Configuration["failOn"] {
    if (value === undefined) return undefined;
    const path = ["fail_on"];
    const severity: FailOn = this.#word(path, value, FAIL_ON_WORDS, "severity");
    return { severity, origin: this.document.origin(path) };
  }

  /** One of some words, in upper or lower case; `warning` means `medium`. */
  #word<T extends string>(path: Path, value: unknown, words: readonly T[], what: string): T {
    const text = this.document.text(path, value, `a ${what}`);
    const lower = text.toLowerCase() === "warning" ? "medium" : text.toLowerCase();
    return words.find((word) => word === lower) ??
      this.document.failWord(path, "value", what, text, words);
  }

  #severityKey<T extends Severity>(path: Path, key: string, words: readonly T[]): T {
    const lower = key.toLowerCase() === "warning" ? "medium" : key.toLowerCase();
    return words.find((word) => word === lower) ?? this.document.failWord(
      [...path, key],
      "key",
      "severity",
      key,
      words.map((word) => word.toUpperCase()),
    );
  }

  /** The lines of a table; what belongs before the first table is asked to go there. */
  #lines(name: string, what: string): [Path, string, unknown][] {
    const value = this.document.root[name];
    if (value === undefined) return [];
    const table = this.document.table([name], value, what);
    return Object.entries(table).map(([key, each]) => [[name, key], key, each]);
  }

  #globals(): GlobalLine[] {
    const lines: GlobalLine[] = [];
    for (const [path, key, value] of this.#lines("pickle_rules", "severities")) {
      const severity = this.#severityKey(["pickle_rules"], key, TABLE_SEVERITIES);
      const table = this.document.table(path, value, 'modules, such as "os" = "*"');
      for (const [module, names] of flattened(table)) {
        const at = [...path, ...module.path];
        if (!DOTTED.test(module.name)) {
          this.document.fail(at, "key", `"${module.name}" is no module: expected a dotted name`);
        }
        const origin = this.document.origin(at);
        lines.push({ severity, module: module.name, names: this.#globalNames(at, names), origin });
      }
    }
    return lines;
  }

  #globalNames(path: Path, value: unknown): "*" | readonly string[] {
    if (value === "*") return "*";
    if (!Array.isArray(value)) {
      const wanted = 'expected "*" for all of the module, or a list of names';
      return this.document.fail(path, "value", `${wanted}, but this is ${show(value)}`);
    }
    const names = value.map((name: unknown, index) => {
      const text = this.document.text([...path, index], name, "a name");
      if (text === "*" || DOTTED.test(text)) return text;
      return this.document.fail(
        [...path, index],
        "value",
        `"${text}" is no name: expected one of the module, or "*" for all`,
      );
    });
    return names.includes("*") ? "*" : names;
  }

  #operators(name: string, language: OperatorLine["language"]): OperatorLine[] {
    const what = language === "keras" ? "layers" : "operators";
    return this.#lines(name, `${what} and severities`).map(([path, operator, value]) => {
      this.#notTopKey(path, operator);
      if (!/^[^\s*]+\*?$|^\*$/.test(operator)) {
        this.document.fail(
          path,
          "key",
          `"${operator}" is no name: a "*" may stand at its end only`,
        );
      }
      const severity = this.#word(path, value, TABLE_SEVERITIES, "severity");
      return { language, operator, severity, origin: this.document.origin(path) };
    });
  }

  /** A key such as `allow` below a table belongs to that table, where it has no meaning. */
  #notTopKey(path: Path, key: string): void {
    const top: readonly string[] = TOP_KEYS;
    if (!top.includes(key)) return;
    this.document.fail(path, "key", `"${key}" must stand before the first table`);
  }

  #patterns(): PatternLine[] {
    const name = "custom_patterns";
    const value = this.document.root[name];
    if (value === undefined) return [];
    const table = this.document.table([name], value, "patterns");
    for (const key of Object.keys(table)) this.#notTopKey([name, key], key);
    this.document.onlyKeys([name], table, ["patterns"]);
    const path = [name, "patterns"];
    const items = table["patterns"] === undefined
      ? []
      : this.document.list(path, table["patterns"], "patterns");
    return items.map((item, index) => this.#pattern([...path, index], item));
  }

  #pattern(path: Path, item: unknown): PatternLine {
    const origin = this.document.origin(path);
    if (!isTable(item)) {
      const pattern = this.document.text(path, item, "a regular expression");
      const refuse = (reason: string): never => this.document.fail(path, "value", reason);
      return { pattern, literal: false, severity: "medium", title: undefined, origin, refuse };
    }
    this.document.onlyKeys(path, item, PATTERN_KEYS);
    const literal = item["text"] !== undefined;
    if (literal === (item["pattern"] !== undefined)) {
      this.document.fail(
        path,
        "value",
        'expected either "pattern", a regular expression, or "text", plain text',
      );
    }
    const key = literal ? "text" : "pattern";
    const severity = item["severity"];
    const title = item["title"];
    return {
      pattern: this.document.text([...path, key], item[key], "what to look for"),
      literal,
      severity: severity === undefined
        ? "medium"
        : this.#word([...path, "severity"], severity, SCORED, "severity"),
      title: title === undefined
        ? undefined
        : this.document.text([...path, "title"], title, "a title"),
      origin,
      refuse: (reason) => this.document.fail([...path, key], "value", reason),
    };
  }

  #allow(value: unknown): AllowLine[] {
    if (value === undefined) return [];
    const path = ["allow"];
    return this.document.list(path, value, "globals").map((item, index) => {
      const at = [...path, index];
      const text = this.document.text(at, item, "a global such as our_package.layers.Gate");
      const wildcard = text.endsWith(".*");
      const name = wildcard ? text.slice(0, -2) : text;
      if (!DOTTED.test(name) || (!wildcard && !name.includes("."))) {
        this.document.fail(
          at,
          "value",
          `"${text}" is no global: expected module.name, or module.* for all of a module`,
        );
      }
      return { path: name, wildcard, origin: this.document.origin(at) };
    });
  }

  #known(what: "rule" | "format"): Words {
    return { what, words: what === "rule" ? this.vocabulary.rules : this.vocabulary.formats };
  }

  /** A list of words that are known. */
  #names(path: Path, value: unknown, { what, words }: Words): NameLine[] {
    if (value === undefined) return [];
    return this.document.list(path, value, `${what}s`).map((item, index) => {
      const at = [...path, index];
      const name = this.document.text(at, item, `a ${what}`);
      if (!words.includes(name)) this.document.failWord(at, "value", what, name, words);
      return { name, origin: this.document.origin(at) };
    });
  }

  #rules(): Configuration["rules"] {
    return this.#lines("severity", "rules and severities").map(([path, rule, value]) => {
      this.#notTopKey(path, rule);
      if (!this.vocabulary.rules.includes(rule)) {
        this.document.failWord(path, "key", "rule", rule, this.vocabulary.rules);
      }
      const severity = this.#word(path, value, SCORED, "severity");
      return { rule, severity, origin: this.document.origin(path) };
    });
  }

  #scores(): Configuration["scores"] {
    const lines = this.#lines("severity_thresholds", "severities and scores");
    const scores = lines.map(([path, key, value]) => {
      this.#notTopKey(path, key);
      const severity = this.#severityKey(["severity_thresholds"], key, SCORED);
      if (typeof value !== "number" || !(value >= 0 && value <= 10)) {
        const wanted = "expected a score from 0.0 to 10.0";
        return this.document.fail(path, "value", `${wanted}, but this is ${show(value)}`);
      }
      return { severity, score: value, origin: this.document.origin(path), path };
    });
    const ordered = scores.toSorted((a, b) =>
      SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity)
    );
    for (const [index, { severity, score, path }] of ordered.entries()) {
      const worse = ordered[index - 1];
      if (worse !== undefined && worse.score < score) {
        const message = `${severity} must not score higher than ${worse.severity}`;
        this.document.fail(path, "value", message);
      }
    }
    return scores.map(({ severity, score, origin }) => ({ severity, score, origin }));
  }

  #limits(): Configuration["limits"] {
    return this.#lines("limits", "limits and numbers").map(([path, key, value]) => {
      this.#notTopKey(path, key);
      const limit = LIMIT_KEYS[key] ??
        this.document.failWord(path, "key", "limit", key, Object.keys(LIMIT_KEYS));
      if (typeof value !== "number" || !(value >= 0) || !Number.isFinite(value)) {
        return this.document.fail(
          path,
          "value",
          `expected a number such as ${DEFAULT_LIMITS[limit] ?? 30}, but this is ${show(value)}`,
        );
      }
      const scaled = limit === "milliseconds" ? value * 1000 : value;
      return { limit, value: scaled, origin: this.document.origin(path) };
    });
  }

  /** Loaders, each as in `rules/loaders.toml`; they add to the table and change nothing in it. */
  #loaders(value: unknown): LoaderLine[] {
    if (value === undefined) return [];
    const items = this.document.list(["loader"], value, "tables, each written as [[loader]]");
    const known = new Set<string>();
    return items.map((item, index) => {
      const path = ["loader", index];
      const table = this.document.table(path, item, "id, library and code");
      const refuse = Object.assign(
        (message: string, place: readonly (string | number)[] = []): never =>
          this.document.fail([...path, ...place], "value", message),
        {
          word: (
            what: string,
            word: string,
            words: readonly string[],
            place: readonly (string | number)[],
          ): never => {
            const at = place.at(-1) === word ? "key" : "value";
            return this.document.failWord([...path, ...place], at, what, word, words);
          },
        },
      );
      const entry = loaderOf(table, refuse);
      if (known.has(entry.id)) refuse(`there is a loader "${entry.id}" already`, ["id"]);
      known.add(entry.id);
      // What a user writes is matched against hostile text: no expression that could backtrack.
      if (entry.says !== undefined) refuse('"says" is not read here', ["says"]);
      for (const [at, { text }] of entry.code.entries()) {
        if (text === undefined || text === "dotted" || text === "joined") continue;
        refuse('"text" may only be "dotted" or "joined" here', ["code", at, "text"]);
      }
      return { ...entry, origin: this.document.origin(path) };
    });
  }

  #ignores(value: unknown): IgnoreLine[] {
    if (value === undefined) return [];
    return this.document.list(["ignore"], value, "tables, each written as [[ignore]]").map(
      (item, index) => {
        const path = ["ignore", index];
        const table = this.document.table(path, item, "path, reason, rule and expires");
        this.document.onlyKeys(path, table, IGNORE_KEYS);
        const rule = table["rule"];
        if (rule !== undefined && !this.vocabulary.rules.includes(String(rule))) {
          const words = this.vocabulary.rules;
          this.document.failWord([...path, "rule"], "value", "rule", String(rule), words);
        }
        return {
          path: this.#glob([...path, "path"], table["path"]),
          rule: rule === undefined ? undefined : String(rule),
          reason: this.document.text([...path, "reason"], table["reason"], "a reason"),
          expires: this.#day([...path, "expires"], table["expires"]),
          origin: this.document.origin(path),
        };
      },
    );
  }

  #policies(value: unknown): PolicyLine[] {
    if (value === undefined) return [];
    return this.document.list(["policy"], value, "tables, each written as [[policy]]").map(
      (item, index) => this.#policy(["policy", index], item),
    );
  }

  #policy(path: Path, item: unknown): PolicyLine {
    const { document } = this;
    const table = document.table(path, item, "path, reason and what holds there");
    document.onlyKeys(path, table, POLICY_KEYS);
    if (POLICY_SETTINGS.every((key) => table[key] === undefined)) {
      document.fail(path, "value", `expected one of: ${POLICY_SETTINGS.join(", ")}`);
    }
    const failOn = table["fail_on"];
    const incomplete = table["incomplete"];
    if (incomplete !== undefined) {
      this.#word([...path, "incomplete"], incomplete, ["accept"], "word");
      if (table["expires"] === undefined) {
        const wanted = 'incomplete = "accept" needs a last day, such as expires = 2027-01-31';
        document.fail([...path, "incomplete"], "value", wanted);
      }
    }
    const names = (key: "disable" | "forbid", what: "rule" | "format"): string[] =>
      this.#names([...path, key], table[key], this.#known(what)).map(({ name }) => name);
    return {
      path: this.#glob([...path, "path"], table["path"]),
      reason: document.text([...path, "reason"], table["reason"], "a reason"),
      failOn: failOn === undefined
        ? undefined
        : this.#word([...path, "fail_on"], failOn, FAIL_ON_WORDS, "severity"),
      disable: names("disable", "rule"),
      forbid: names("forbid", "format"),
      acceptsIncomplete: incomplete !== undefined,
      expires: this.#day([...path, "expires"], table["expires"]),
      origin: document.origin(path),
    };
  }

  #globs(key: "include" | "exclude"): NameLine[] {
    const value = this.document.root[key];
    if (value === undefined) return [];
    return this.document.list([key], value, "globs").map((item, index) => ({
      name: this.#glob([key, index], item),
      origin: this.document.origin([key, index]),
    }));
  }

  #glob(path: Path, value: unknown): string {
    const glob = this.document.text(path, value, "a glob of paths");
    try {
      globMatcher([glob]);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.document.fail(path, "value", error.message);
    }
    return glob;
  }

  #day(path: Path, value: unknown): string | undefined {
    if (value === undefined) return undefined;
    return dayOf(value) ??
      this.document.fail(
        path,
        "value",
        `expected a date such as 2027-01-31, without quotes, but this is ${show(value)}`,
      );
  }
}

/** Modules of a table; `requests.api = "*"` without quotes makes tables in tables. */
function flattened(
  table: Table,
  path: readonly string[] = [],
): [{ name: string; path: readonly string[] }, unknown][] {
  return Object.entries(table).flatMap(([key, value]) => {
    const at = [...path, key];
    return isTable(value) ? flattened(value, at) : [[{ name: at.join("."), path: at }, value] as [
      { name: string; path: readonly string[] },
      unknown,
    ]];
  });
}
