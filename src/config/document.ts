/**
 * A TOML document that can complain: about a key or a value, with its line and what was expected.
 *
 * @module
 */

import { parse, TomlDate, TomlError } from "smol-toml";
import { ConfigError } from "../core/errors.ts";
import { didYouMean } from "../core/nearest.ts";
import { type Path, type Positions, positionsOf } from "./positions.ts";

/** A table of the document. */
export type Table = Readonly<Record<string, unknown>>;

/** Columns of a line that are shown around the mark. */
const EXCERPT_COLUMNS = 100;

/** One configuration file's text, parsed. */
export class Document {
  readonly file: string;
  readonly root: Table;
  readonly #text: string;
  #positions: Positions | undefined;

  /** @throws ConfigError when the text is no TOML */
  constructor(text: string, file: string) {
    this.file = file;
    this.#text = text;
    try {
      this.root = parse(text);
    } catch (error) {
      if (!(error instanceof TomlError)) throw error;
      const reason = (error.message.split("\n")[0] ?? "").replace(/^Invalid TOML document: /, "");
      throw this.#error(error.line, error.column, `this is no TOML: ${reason}`, error);
    }
  }

  /** File and line of a key, for instance `security.toml:12`. */
  origin(path: Path): string {
    return `${this.file}:${this.#placeOf(this.#offset(path, "key")).line}`;
  }

  /** Throws, with the key or the value marked. */
  fail(path: Path, at: "key" | "value", message: string): never {
    const { line, column } = this.#placeOf(this.#offset(path, at));
    throw this.#error(line, column, message);
  }

  /** Throws for a word that is not one of those there are. */
  failWord(
    path: Path,
    at: "key" | "value",
    what: string,
    word: string,
    words: readonly string[],
  ): never {
    const listed = words.length <= 20 ? ` Expected one of: ${words.join(", ")}` : "";
    this.fail(path, at, `there is no ${what} "${word}".${didYouMean(word, words)}${listed}`);
  }

  /** A value as a text. */
  text(path: Path, value: unknown, what: string): string {
    if (typeof value === "string" && value.trim() !== "") return value;
    return this.fail(path, "value", `expected ${what} as text, but this is ${show(value)}`);
  }

  /** A value as a list. */
  list(path: Path, value: unknown, what: string): readonly unknown[] {
    if (Array.isArray(value)) return value;
    return this.fail(path, "value", `expected a list of ${what}, but this is ${show(value)}`);
  }

  /** A value as a table. */
  table(path: Path, value: unknown, what: string): Table {
    if (isTable(value)) return value;
    return this.fail(path, "value", `expected a table of ${what}, but this is ${show(value)}`);
  }

  /** Checks that a table has these keys only. */
  onlyKeys(path: Path, table: Table, known: readonly string[], hint = ""): void {
    for (const key of Object.keys(table)) {
      if (known.includes(key)) continue;
      const inside = path.length === 0 ? "" : ` in ${tableName(path)}`;
      const listed = known.length === 0 ? "" : ` Expected: ${known.join(", ")}`;
      const meant = didYouMean(key, known);
      this.fail(
        [...path, key],
        "key",
        `there is no key "${key}"${inside}.${meant}${hint}${listed}`,
      );
    }
  }

  #offset(path: Path, at: "key" | "value"): number {
    const positions = this.#positions ??= positionsOf(this.#text);
    for (let end = path.length; end > 0; end--) {
      const part = path.slice(0, end);
      const exact = end === path.length ? positions[at](part) : undefined;
      const found = exact ?? positions.key(part) ?? positions.value(part);
      if (found !== undefined) return found;
    }
    return 0;
  }

  #placeOf(offset: number): { line: number; column: number } {
    const before = this.#text.slice(0, offset);
    const line = before.split("\n").length;
    return { line, column: offset - (before.lastIndexOf("\n") + 1) + 1 };
  }

  #error(line: number, column: number, message: string, cause?: Error): ConfigError {
    const text = (this.#text.split("\n")[line - 1] ?? "").replace(/\r$/, "");
    const from = Math.max(
      0,
      Math.min(column - 1 - EXCERPT_COLUMNS / 2, text.length - EXCERPT_COLUMNS),
    );
    const shown = text.slice(from, from + EXCERPT_COLUMNS).replaceAll("\t", " ");
    const gutter = " ".repeat(String(line).length);
    return new ConfigError(
      `${this.file}:${line}:${column}`,
      `${this.file}, line ${line}, column ${column}: ${message}`,
      {
        excerpt: [`  ${line} | ${shown}`, `  ${gutter} | ${" ".repeat(column - 1 - from)}^`],
        ...(cause && { cause }),
      },
    );
  }
}

/** True for a table, not for a list or a date. */
export function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Date);
}

/** The day of a TOML date such as `2027-01-31`; undefined for anything else. */
export function dayOf(value: unknown): string | undefined {
  if (!(value instanceof TomlDate) || !value.isDate()) return undefined;
  return value.toISOString().slice(0, 10);
}

/** A value for a message. */
export function show(value: unknown): string {
  if (value instanceof Date) return "a date";
  if (Array.isArray(value)) return "a list";
  if (isTable(value)) return "a table";
  if (typeof value === "string") return value === "" ? "empty" : `the text "${value}"`;
  return value === undefined ? "missing" : String(value);
}

function tableName(path: Path): string {
  const keys = path.filter((part) => typeof part === "string").join(".");
  return typeof path.at(-1) === "number" ? `[[${keys}]]` : `[${keys}]`;
}
