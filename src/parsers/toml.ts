/**
 * TOML documents of unknown origin as tables. https://toml.io/en/v1.0.0
 *
 * @module
 */

import { parse, TomlError } from "smol-toml";

/** A table. Its own keys alone are the document's: ask by `textAt` and its kin. */
export type TomlTable = Readonly<Record<string, unknown>>;

/** Tables and arrays within each other, dotted keys too. The deepest in use are 8. CWE-674. */
const DEPTH = 500;

/** A document, or why it is none. */
type TomlDocument =
  | { readonly root: TomlTable; readonly error?: undefined }
  | {
    readonly root?: undefined;
    /** With the line, from 1. */
    readonly error: { readonly message: string; readonly line: number };
  };

/** Reads a document. Integers beyond 2^53 are `bigint`s. */
export function parseToml(text: string): TomlDocument {
  let root: TomlTable;
  try {
    root = parse(text, { integersAsBigInt: "asNeeded", maxDepth: DEPTH });
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const first = error.message.split("\n")[0] ?? "";
    const message = first.replace(/^Invalid TOML document: /, "");
    return { error: { message, line: error.line } };
  }
  return isDeep(root) ? { error: { message: "it is nested too deeply", line: 1 } } : { root };
}

/** True where tables lie deeper in one another than is followed. */
function isDeep(root: TomlTable): boolean {
  let level: unknown[] = [root];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEPTH) return true;
    const next: unknown[] = [];
    for (const each of level) {
      for (const one of Array.isArray(each) ? each : Object.values(each as TomlTable)) {
        if (Array.isArray(one) || isTable(one)) next.push(one);
      }
    }
    level = next;
  }
  return false;
}

/** True for a table; false for dates, which are objects too. */
export function isTable(value: unknown): value is TomlTable {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Date);
}

/** What stands at a path of keys; undefined where nothing does. */
function memberOf(value: unknown, ...keys: readonly string[]): unknown {
  let at = value;
  for (const key of keys) at = isTable(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  return at;
}

/** The table at a path of keys; an empty one where none is. */
export function tableAt(value: unknown, ...keys: readonly string[]): TomlTable {
  const found = memberOf(value, ...keys);
  return isTable(found) ? found : {};
}

/** The text at a path of keys. */
export function textAt(value: unknown, ...keys: readonly string[]): string | undefined {
  const found = memberOf(value, ...keys);
  return typeof found === "string" ? found : undefined;
}

/** The texts of a list at a path of keys, or the one that stands in its place. */
export function textsAt(value: unknown, ...keys: readonly string[]): readonly string[] {
  const found = memberOf(value, ...keys);
  const all: readonly unknown[] = Array.isArray(found) ? found : [found];
  return all.filter((each) => typeof each === "string");
}
