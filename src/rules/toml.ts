/**
 * Rules and allowlists as they are written: TOML in, checked shapes out.
 *
 * Mistakes are reported with file, line and what was expected, because rules are written by hand.
 *
 * @module
 */

import { parse, TomlError } from "smol-toml";
import { ATLAS_TECHNIQUES } from "../core/atlas.ts";
import { ConfigError } from "../core/errors.ts";
import { SAFETY_LEVELS, SEVERITIES } from "../core/types.ts";
import type { LoaderTableEntry } from "../core/loader.ts";
import { loaderOf } from "./loaders.ts";
import { RULE_KINDS, WRAPPERS } from "./rule.ts";
import type { Rule } from "./rule.ts";

/** Names by module. */
type Names = Readonly<Record<string, readonly string[]>>;

/** An allowlist: the harmless globals of one library, by module. */
export interface Allowlist {
  readonly library: string;
  /** The library's version that was enumerated, or who reviewed. */
  readonly version: string;
  /** Harmless to call; what arguments hold may become attributes of what the call gives, and is looked at. */
  readonly filled: Names;
  /** Harmless to call with any arguments. */
  readonly called: Names;
  /** Classes that are harmless to restore: without their `__init__`, as picklers do. */
  readonly restored: Names;
  /** Harmless to name, without a call while the file loads. */
  readonly named: Names;
}

type Table = Readonly<Record<string, unknown>>;

const RULE_KEYS: ReadonlySet<string> = new Set([
  "id",
  "kind",
  "severity",
  "safety",
  "title",
  "effect",
  "why",
  "fix",
  "references",
  "atlas",
  "globals",
  "attributes",
  "effects",
  "wrapper",
  "import_harmless",
  "folds",
  "language",
  "operators",
  "role",
  "hit",
  "miss",
]);

/** A table being read, and the words with which to complain about it. */
class Reader {
  constructor(readonly table: Table, readonly where: string) {}

  fail(message: string): never {
    throw new ConfigError(this.where, `Cannot read ${this.where}: ${message}`);
  }

  text(key: string, fallback?: string): string {
    const value = this.table[key] ?? fallback;
    if (typeof value !== "string" || value.trim() === "" && fallback === undefined) {
      return this.fail(`"${key}" must be text, but is ${show(value)}`);
    }
    return value;
  }

  oneOf<T extends string>(key: string, words: readonly T[]): T {
    const value = this.text(key);
    return words.find((word) => word === value) ??
      this.fail(`"${key}" is "${value}", which is none of ${words.join(", ")}`);
  }

  flag(key: string): boolean {
    const value = this.table[key] ?? false;
    return typeof value === "boolean"
      ? value
      : this.fail(`"${key}" must be true or false, but is ${show(value)}`);
  }

  texts(key: string): string[] {
    return this.textsOf(key, this.table[key] ?? []);
  }

  textsOf(key: string, value: unknown): string[] {
    if (!Array.isArray(value)) {
      return this.fail(`"${key}" must be a list of texts, but is ${show(value)}`);
    }
    return value.map((item: unknown) =>
      typeof item === "string"
        ? item
        : this.fail(`"${key}" must hold texts only, but has ${show(item)}`)
    );
  }

  tableOf(key: string): Table {
    const value = this.table[key] ?? {};
    return isTable(value) ? value : this.fail(`"${key}" must be a table, but is ${show(value)}`);
  }
}

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Date);
}

function show(value: unknown): string {
  return value === undefined ? "missing" : JSON.stringify(value);
}

function parseToml(text: string, file: string): Table {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = (error.message.split("\n")[0] ?? "").replace(/^Invalid TOML document: /, "");
    throw new ConfigError(
      `${file}:${error.line}:${error.column}`,
      `Cannot read ${file}, line ${error.line}, column ${error.column}: ${reason}`,
      { cause: error },
    );
  }
}

/** The line on which the rule with this number begins, counted from 1. */
function lineOfRule(text: string, index: number): number {
  const starts = [...text.matchAll(/^[ \t]*\[\[[ \t]*rule[ \t]*\]\]/gm)];
  return text.slice(0, starts[index]?.index ?? 0).split("\n").length;
}

function globalsOf(reader: Reader): Record<string, "*" | readonly string[]> {
  const globals: Record<string, "*" | readonly string[]> = {};
  for (const [module, names] of Object.entries(reader.tableOf("globals"))) {
    globals[module] = names === "*" ? "*" : reader.textsOf(`globals.${module}`, names);
  }
  return globals;
}

function effectsOf(reader: Reader): Record<string, string> {
  const effects: Record<string, string> = {};
  for (const [path, effect] of Object.entries(reader.tableOf("effects"))) {
    effects[path] = typeof effect === "string"
      ? effect
      : reader.fail(`"effects.${path}" must be text, but is ${show(effect)}`);
  }
  return effects;
}

function ruleOf(table: Table, format: string, where: string): Rule {
  const reader = new Reader(table, where);
  for (const key of Object.keys(table)) {
    if (!RULE_KEYS.has(key)) reader.fail(`a rule has no "${key}"`);
  }
  const kind = reader.oneOf("kind", RULE_KINDS);
  const rule: Rule = {
    id: reader.text("id"),
    format,
    kind,
    severity: reader.oneOf("severity", SEVERITIES),
    safety: reader.oneOf("safety", SAFETY_LEVELS),
    title: reader.text("title"),
    effect: kind === "anomaly" ? reader.text("effect", "") : reader.text("effect"),
    why: reader.text("why"),
    fix: reader.text("fix"),
    references: reader.texts("references"),
    atlas: reader.texts("atlas"),
    globals: globalsOf(reader),
    attributes: reader.texts("attributes"),
    effects: effectsOf(reader),
    wrapper: table["wrapper"] === undefined ? undefined : reader.oneOf("wrapper", WRAPPERS),
    importHarmless: reader.flag("import_harmless"),
    folds: reader.flag("folds"),
    language: table["language"] === undefined ? undefined : reader.text("language"),
    operators: reader.texts("operators"),
    role: table["role"] === undefined ? undefined : reader.text("role"),
    hit: reader.texts("hit"),
    miss: reader.texts("miss"),
  };
  checkRule(rule, reader);
  return rule;
}

function checkRule(rule: Rule, reader: Reader): void {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(rule.id)) {
    reader.fail(`"${rule.id}" is no rule id: lower case, digits and hyphens`);
  }
  const named = Object.keys(rule.globals).length + rule.attributes.length;
  if (rule.kind === "global" && named === 0) reader.fail(`"${rule.id}" names no globals`);
  if (rule.kind !== "global" && rule.kind !== "operator" && named > 0) {
    reader.fail(`"${rule.id}" names globals, but its kind is "${rule.kind}"`);
  }
  if (rule.kind === "operator") {
    if (rule.language === undefined || rule.operators.length + named === 0) {
      reader.fail(`"${rule.id}" needs "language" and "operators" or "globals"`);
    }
    if (rule.attributes.length > 0 || Object.values(rule.globals).includes("*")) {
      reader.fail(`"${rule.id}" names attributes or all of a module; "operators" has patterns`);
    }
  }
  for (const id of rule.atlas) {
    if (!Object.hasOwn(ATLAS_TECHNIQUES, id)) {
      reader.fail(`"${id}" is no technique of MITRE ATLAS in src/core/atlas.ts`);
    }
  }
  if (rule.kind !== "anomaly" && (rule.hit.length === 0 || rule.miss.length === 0)) {
    reader.fail(`"${rule.id}" needs examples: at least one "hit" and one "miss"`);
  }
}

/**
 * The rules of one file.
 *
 * @param text TOML with an array of tables `rule`
 * @param file the file's name, for messages; its stem is the rules' format
 * @throws ConfigError with file and line when the text is no TOML or a rule is wrong
 */
export function parseRules(text: string, file: string): Rule[] {
  const document = parseToml(text, file);
  const format = file.replace(/^.*[\\/]/, "").replace(/\.toml$/, "");
  for (const key of Object.keys(document)) {
    if (key !== "rule") {
      throw new ConfigError(file, `Cannot read ${file}: "${key}" is unknown, expected [[rule]]`);
    }
  }
  const tables: unknown = document["rule"] ?? [];
  if (!Array.isArray(tables)) {
    throw new ConfigError(file, `Cannot read ${file}: rules are written as [[rule]]`);
  }
  return tables.map((table: unknown, index) => {
    const where = `${file}:${lineOfRule(text, index)}`;
    if (!isTable(table)) {
      throw new ConfigError(where, `Cannot read ${where}: rules are written as [[rule]]`);
    }
    return ruleOf(table, format, where);
  });
}

/**
 * The table of loaders.
 *
 * @param text TOML with an array of tables `loader`
 * @param file the file's name, for messages
 * @throws ConfigError with file and line when the text is no TOML or an entry is wrong
 */
export function parseLoaders(text: string, file: string): LoaderTableEntry[] {
  const document = parseToml(text, file);
  const tables: unknown = document["loader"] ?? [];
  if (!Array.isArray(tables) || Object.keys(document).some((key) => key !== "loader")) {
    throw new ConfigError(file, `Cannot read ${file}: loaders are written as [[loader]]`);
  }
  const starts = [...text.matchAll(/^\[\[loader\]\]/gm)];
  return tables.map((table: unknown, index) => {
    const line = text.slice(0, starts[index]?.index ?? 0).split("\n").length;
    const reader = new Reader(isTable(table) ? table : {}, `${file}:${line}`);
    const refuse = (message: string): never => reader.fail(message);
    const word = (what: string, given: string): never => refuse(`there is no ${what} "${given}"`);
    return loaderOf(reader.table, Object.assign(refuse, { word }));
  });
}

/**
 * What calls of globals do with their arguments.
 *
 * @param text TOML with an array of tables `callable`, each with a `meaning` and the paths of `globals`
 * @param file the file's name, for messages
 * @returns the meanings by the paths of the globals
 * @throws ConfigError when the text is no TOML or something else is in it
 */
export function parseCallables(text: string, file: string): Record<string, readonly string[]> {
  const table = parseToml(text, file);
  const { callable: entries = [] } = table;
  const found = new Map<string, string[]>();
  if (Object.keys(table).some((key) => key !== "callable") || !Array.isArray(entries)) {
    return new Reader(table, file).fail("only [[callable]] may be in it");
  }
  for (const entry of entries as readonly unknown[]) {
    const reader = new Reader(isTable(entry) ? entry : {}, file);
    const meaning = reader.text("meaning");
    for (const path of reader.texts("globals")) {
      found.set(path, [...found.get(path) ?? [], meaning]);
    }
  }
  return Object.fromEntries(found);
}

/**
 * Chat templates that are known, by their hashes.
 *
 * @param text TOML with `[[template]]` entries
 * @param file the file's name, for messages
 * @throws ConfigError when the text is no TOML, or an entry lacks a text
 */
export function parseKnownTemplates(
  text: string,
  file: string,
): { family: string; source: string; sha256: string; start: string }[] {
  const table = parseToml(text, file);
  const { template: entries = [] } = table;
  if (Object.keys(table).some((key) => key !== "template") || !Array.isArray(entries)) {
    return new Reader(table, file).fail("only [[template]] may be in it");
  }
  return (entries as readonly unknown[]).map((entry) => {
    const reader = new Reader(isTable(entry) ? entry : {}, file);
    return {
      family: reader.text("family"),
      source: reader.text("source"),
      sha256: reader.text("sha256"),
      start: reader.text("start"),
    };
  });
}

/**
 * One allowlist.
 *
 * @param text TOML with `library`, `version` and tables `called`, `restored` and `named`, each with
 *   lists of names by module
 * @param file the file's name, for messages
 * @throws ConfigError when the text is no TOML, or a name is a wildcard or no dotted name
 */
export function parseAllowlist(text: string, file: string): Allowlist {
  const reader = new Reader(parseToml(text, file), file);
  for (const key of Object.keys(reader.table)) {
    if (!ALLOWLIST_KEYS.has(key)) reader.fail(`an allowlist has no "${key}"`);
  }
  return {
    library: reader.text("library"),
    version: reader.text("version"),
    filled: namesOf(reader, "filled"),
    called: namesOf(reader, "called"),
    restored: namesOf(reader, "restored"),
    named: namesOf(reader, "named"),
  };
}

const ALLOWLIST_KEYS: ReadonlySet<string> = new Set([
  "library",
  "version",
  "filled",
  "called",
  "restored",
  "named",
]);

function namesOf(reader: Reader, key: string): Names {
  const found: Record<string, readonly string[]> = {};
  for (const [module, value] of Object.entries(reader.tableOf(key))) {
    const names = reader.textsOf(`${key}.${module}`, value);
    for (const name of [module, ...names]) {
      if (!/^[^\s.*=~+]+(\.[^\s.*=~+]+)*$/.test(name)) reader.fail(`"${name}" is no dotted name`);
    }
    found[module] = names;
  }
  return found;
}
