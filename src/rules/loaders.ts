/**
 * The table of loaders as it is written: TOML in, checked entries out.
 *
 * @module
 */

import {
  LOADER_ACTIONS,
  type LoaderCode,
  type LoaderExample,
  type LoaderProof,
  type LoaderTableEntry,
} from "../core/loader.ts";

type Table = Readonly<Record<string, unknown>>;

const ENTRY_KEYS = [
  ...["id", "library", "versions", "proof", "files", "keys", "code", "language", "references"],
  ...["runs", "near", "says", "hit", "miss"],
];
const CODE_KEYS = ["at", "tag", "does", "beside", "text", "attribute", "key", "common"];
const PROOF_KEYS = ["how", "release", "reference"];
const LANGUAGES = ["loader", "hydra", "config"];

/** Where something is wrong: keys from the entry to it. */
type Place = readonly (string | number)[];

/** Complains about an entry; never returns. */
interface Refuse {
  (message: string, place?: Place): never;
  /** The same for a key or word that is none of those there are. */
  readonly word: (what: string, word: string, words: readonly string[], place: Place) => never;
}

/** The same for what lies deeper. */
function within(refuse: Refuse, ...place: Place): Refuse {
  return Object.assign(
    (message: string, below: Place = []): never => refuse(message, [...place, ...below]),
    {
      word: (what: string, word: string, words: readonly string[], below: Place): never =>
        refuse.word(what, word, words, [...place, ...below]),
    },
  );
}

/**
 * One entry of the table.
 *
 * @param refuse called for what is wrong; throws
 */
export function loaderOf(table: Table, refuse: Refuse): LoaderTableEntry {
  onlyKeys(table, ENTRY_KEYS, "a loader", refuse);
  const id = text(table, "id", refuse);
  if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/u.test(id)) {
    refuse(`"${id}" is no id of a loader: lower case, digits and hyphens`, ["id"]);
  }
  const code = list(table, "code", refuse).map((one, index) =>
    codeOf(one, within(refuse, "code", index))
  );
  const runs = texts(table, "runs", refuse);
  if (code.length + runs.length === 0) refuse(`"${id}" names no place with code`);
  const says = optional(table, "says", refuse);
  if (says !== undefined) compiled(says, "says", refuse);
  const language = text(table, "language", refuse, "loader");
  if (!LANGUAGES.includes(language)) refuse.word("language", language, LANGUAGES, ["language"]);
  return {
    id,
    library: text(table, "library", refuse),
    versions: text(table, "versions", refuse, "all"),
    ...(table["proof"] !== undefined &&
      { proof: proofOf(table["proof"], within(refuse, "proof")) }),
    files: texts(table, "files", refuse),
    keys: texts(table, "keys", refuse).map(pathOf),
    code,
    runs,
    near: texts(table, "near", refuse),
    ...(says !== undefined && { says }),
    language,
    references: texts(table, "references", refuse),
    hit: list(table, "hit", refuse).map((one, at) => exampleOf(one, within(refuse, "hit", at))),
    miss: list(table, "miss", refuse).map((one, at) => exampleOf(one, within(refuse, "miss", at))),
  };
}

function codeOf(value: unknown, refuse: Refuse): LoaderCode {
  if (!isTable(value)) return refuse(`"code" must hold tables, but has ${show(value)}`);
  onlyKeys(value, CODE_KEYS, "a place with code", refuse);
  const at = pathOf(text(value, "at", refuse, ""));
  const tag = optional(value, "tag", refuse);
  if ((at.length === 0) === (tag === undefined)) refuse('a place needs either "at" or "tag"');
  const action = text(value, "does", refuse);
  const does = LOADER_ACTIONS.find((word) => word === action) ??
    refuse.word("action of a loader", action, LOADER_ACTIONS, ["does"]);
  const pattern = optional(value, "text", refuse);
  if (pattern !== undefined) compiled(pattern, "text", refuse);
  const beside = texts(value, "beside", refuse);
  const attribute = optional(value, "attribute", refuse);
  const [common, key] = ["common", "key"].map((name) => {
    const given = value[name] ?? false;
    return typeof given === "boolean" ? given : refuse(`"${name}" must be true or false`, [name]);
  });
  if (key === true && tag !== undefined) refuse('"key" needs "at"');
  return {
    at,
    does,
    ...(tag !== undefined && { tag }),
    ...(beside.length > 0 && { beside }),
    ...(pattern !== undefined && { text: pattern }),
    ...(attribute !== undefined && { attribute }),
    ...(key === true && { key: true }),
    ...(common === true && { common: true }),
  };
}

function proofOf(value: unknown, refuse: Refuse): LoaderProof {
  if (!isTable(value)) return refuse(`"proof" must be a table, but is ${show(value)}`);
  onlyKeys(value, PROOF_KEYS, "a proof", refuse);
  const how = text(value, "how", refuse);
  if (how !== "run" && how !== "source") {
    return refuse.word("proof", how, ["run", "source"], ["how"]);
  }
  return {
    how,
    release: text(value, "release", refuse),
    reference: text(value, "reference", refuse),
  };
}

/** A path of keys: separated by dots, with `\.` for a dot within a key. */
function pathOf(written: string): string[] {
  if (written === "") return [];
  return written.split(/(?<!\\)\./u).map((part) => part.replaceAll("\\.", "."));
}

function compiled(pattern: string, key: string, refuse: Refuse): void {
  // A user's entry is compiled too: nothing within a repeated group may repeat, so that matching is linear.
  if (/\([^)]*[*+][^)]*\)[*+{]/u.test(pattern)) {
    refuse(`"${key}" repeats what repeats: ${pattern}`, [key]);
  }
  try {
    new RegExp(pattern, "mu");
  } catch {
    refuse(`"${key}" is no regular expression: ${pattern}`, [key]);
  }
}

function exampleOf(value: unknown, refuse: Refuse): LoaderExample {
  if (!isTable(value)) return refuse(`an example must be a table of files, but is ${show(value)}`);
  return Object.fromEntries(
    Object.entries(value).map(([name, content]) =>
      typeof content === "string"
        ? [name, content] as const
        : refuse(`the file "${name}" of an example must be text`)
    ),
  );
}

function onlyKeys(table: Table, keys: readonly string[], label: string, refuse: Refuse): void {
  for (const key of Object.keys(table)) {
    if (!keys.includes(key)) refuse.word(`key of ${label}`, key, keys, [key]);
  }
}

function text(table: Table, key: string, refuse: Refuse, fallback?: string): string {
  const value = table[key] ?? fallback;
  return typeof value === "string" && (value !== "" || fallback === "")
    ? value
    : refuse(`"${key}" must be text, but is ${show(value)}`, [key]);
}

function optional(table: Table, key: string, refuse: Refuse): string | undefined {
  return table[key] === undefined ? undefined : text(table, key, refuse);
}

function list(table: Table, key: string, refuse: Refuse): readonly unknown[] {
  const value = table[key] ?? [];
  return Array.isArray(value)
    ? value
    : refuse(`"${key}" must be a list, but is ${show(value)}`, [key]);
}

function texts(table: Table, key: string, refuse: Refuse): string[] {
  return list(table, key, refuse).map((item) =>
    typeof item === "string"
      ? item
      : refuse(`"${key}" must hold texts, but has ${show(item)}`, [key])
  );
}

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  return value === undefined ? "missing" : JSON.stringify(value);
}
