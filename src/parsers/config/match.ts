/**
 * Finds the places of a configuration at which the table of loaders knows that code is named.
 *
 * @module
 */

import type { LoaderCode, LoaderEntry } from "../../core/loader.ts";
import type { Interest } from "../../core/types.ts";
import { nodesAt, resolveText } from "./interpolation.ts";
import {
  type ConfigList,
  type ConfigMap,
  type ConfigNode,
  fromJson,
  hasMember,
  textNode,
  textOf,
} from "../config_node.ts";
import { parseJson } from "../json.ts";

/** Nodes visited, a shared one by each way to it. The largest tokenizer has some 1,500,000. CWE-776. */
const NODES = 4_000_000;
/** Texts taken from one place: lists of modules, of packages. The most seen is 1. CWE-770. */
const TEXTS = 1000;
/** Places found in one file; real ones have hundreds. CWE-770. */
const HITS = 20_000;
/** Beginning of the keys that jsonpickle decodes (jsonpickle/tags.py, JSON_KEY). */
const JSON_KEY = "json://";
/** Keys shown of a path. The most seen are 12. CWE-779. */
const PATH_KEYS = 64;

/** `text = "dotted"`: a dotted name, in quotes or not. */
const DOTTED = /^\s*["']?([\p{L}_][\p{L}\p{N}_]*(?:\.[\p{L}_][\p{L}\p{N}_]*)+)["']?\s*$/u;

/** A place at which code is named. */
export interface LoaderHit {
  readonly entry: LoaderEntry;
  readonly code: LoaderCode;
  readonly node: ConfigNode;
  /** The map that it is a member of. */
  readonly owner: ConfigMap | undefined;
  /** Keys from the root. */
  readonly path: readonly string[];
  /** The texts at the place: its own or those of its list, interpolations resolved. */
  readonly texts: readonly string[];
  /** True when a text depends on what is not in the document. */
  readonly computed: boolean;
}

/** A text value of the file, for checks of all of them. */
export interface TextVisit {
  readonly text: string;
  readonly path: readonly string[];
  /** Scalars in the list that it is an item of; 0 for a member of a map. */
  readonly neighbours: number;
}

/** What was found. */
interface LoaderMatches {
  readonly hits: readonly LoaderHit[];
  /** True when nodes or places were skipped because a limit was reached. */
  readonly cut: boolean;
}

const TABLES = new WeakMap<readonly LoaderEntry[], LoaderTable>();

/** The table of a run's rules, prepared once. */
export function loaderTable({ loaders = NO_LOADERS }: Pick<Interest, "loaders">): LoaderTable {
  let table = TABLES.get(loaders);
  if (table === undefined) {
    table = new LoaderTable(loaders);
    TABLES.set(loaders, table);
  }
  return table;
}

const NO_LOADERS: readonly LoaderEntry[] = [];

/** The table, prepared for matching. Immutable. */
class LoaderTable {
  readonly #entries: readonly Prepared[];

  constructor(entries: readonly LoaderEntry[]) {
    let serial = 0;
    this.#entries = entries.map((entry) => ({
      entry,
      files: entry.files.map(globOf),
      runs: entry.runs.map(globOf),
      words: wordsOf(entry),
      code: entry.code.map((code) => ({
        serial: serial++,
        entry,
        code,
        steps: code.at.map((step) =>
          step === "*" || step === "**" ? step : new Set(step.split("|"))
        ),
        pattern: code.text === undefined || code.text === "joined"
          ? undefined
          : code.text === "dotted"
          ? DOTTED
          : new RegExp(code.text, "su"),
      })),
    }));
  }

  /**
   * True when an entry names files of its own, this is one of them, and the text has one of the words
   * that begin the entry's keys, if it has keys.
   */
  knowsFile(path: string, text: () => string): boolean {
    return this.#entries.some(({ files, entry, words }) =>
      files.some((file, index) => !entry.files[index]?.includes("*") && file.test(path)) &&
      (words === undefined || words.test(text()))
    );
  }

  /** Entries that execute the Python file of this path. */
  runs(path: string): readonly LoaderEntry[] {
    return this.#entries.filter(({ runs }) => runs.some((one) => one.test(path)))
      .map(({ entry }) => entry);
  }

  /**
   * The places in a file.
   *
   * @param path of the file, as far as it is known
   * @param visit called for each text value
   * @param check called now and then; may throw
   */
  match(
    roots: readonly ConfigNode[],
    path: string,
    { visit, check = () => {} }: {
      readonly visit?: ((text: TextVisit) => void) | undefined;
      readonly check?: () => void;
    } = {},
  ): LoaderMatches {
    const places = this.#entries.filter(({ entry, files }) =>
      (files.length === 0 || files.some((file) => file.test(path))) &&
      (entry.keys.length === 0 ||
        roots.some((root) => entry.keys.some((keys) => nodesAt(root, keys).length > 0)))
    ).flatMap(({ code }) => code);
    return new Walk(places, visit, check).walk(roots);
  }
}

interface Prepared {
  readonly entry: LoaderEntry;
  readonly files: readonly RegExp[];
  readonly runs: readonly RegExp[];
  /** Any of the words that its keys begin with; undefined without keys. */
  readonly words: RegExp | undefined;
  readonly code: readonly Place[];
}

function wordsOf({ keys }: LoaderEntry): RegExp | undefined {
  const words = keys.flatMap(([first = "*"]) => first.split("|"));
  if (words.length === 0 || words.some((word) => word.includes("*"))) return undefined;
  const escaped = words.map((word) => word.replace(/[.+^${}()|[\]\\?]/gu, "\\$&"));
  // JSON may write any letter of a key as an escape.
  return new RegExp(`\\\\|(?<![\\w-])(?:${escaped.join("|")})(?![\\w-])`, "u");
}

interface Place {
  /** Its number in the table. */
  readonly serial: number;
  readonly entry: LoaderEntry;
  readonly code: LoaderCode;
  readonly steps: readonly ("*" | "**" | ReadonlySet<string>)[];
  readonly pattern: RegExp | undefined;
}

/** A place of which the first steps have been gone. */
interface State {
  readonly place: Place;
  readonly step: number;
}

interface Step {
  readonly node: ConfigNode;
  readonly owner: ConfigMap | undefined;
  readonly path: readonly string[];
  readonly states: readonly State[];
  readonly neighbours: number;
}

class Walk {
  readonly #visit: ((text: TextVisit) => void) | undefined;
  readonly #check: () => void;
  readonly #hits: LoaderHit[] = [];
  /** Places that begin with `**`, by the key that comes behind it. */
  readonly #anywhere = new Map<string, Place[]>();
  /** Those whose `**` is followed by `*`. */
  readonly #anyKey: Place[] = [];
  readonly #tags: Place[];
  readonly #first: readonly State[];
  readonly #visited = new Map<ConfigNode, Set<string>>();
  #cut = false;

  constructor(
    places: readonly Place[],
    visit: ((text: TextVisit) => void) | undefined,
    check: () => void,
  ) {
    this.#visit = visit;
    this.#check = check;
    this.#tags = places.filter(({ code }) => code.tag !== undefined);
    const paths = places.filter(({ code }) => code.tag === undefined);
    for (const place of paths) {
      const [first, second] = place.steps;
      if (first !== "**") continue;
      if (typeof second === "object") {
        for (const key of second) {
          const known = this.#anywhere.get(key);
          if (known === undefined) this.#anywhere.set(key, [place]);
          else known.push(place);
        }
      } else this.#anyKey.push(place);
    }
    this.#first = paths.filter(({ steps }) => steps[0] !== "**")
      .map((place) => ({ place, step: 0 }));
  }

  walk(roots: readonly ConfigNode[]): LoaderMatches {
    for (const root of roots) {
      this.#visited.clear();
      this.#document(root);
    }
    return { hits: this.#hits, cut: this.#cut };
  }

  #document(root: ConfigNode): void {
    const waiting: Step[] = [
      { node: root, owner: undefined, path: [], states: this.#first, neighbours: 0 },
    ];
    let count = 0;
    for (let step = waiting.pop(); step !== undefined; step = waiting.pop()) {
      if (++count > NODES || this.#hits.length > HITS) {
        this.#cut = true;
        return;
      }
      if (count % 4096 === 0) this.#check();
      const { node, path, states } = step;
      if (node.tag !== undefined) this.#tagged(step, root);
      if (node.kind === "scalar") {
        this.#visit?.({ text: node.text, path, neighbours: step.neighbours });
        continue;
      }
      if (this.#isKnown(node, states)) continue;
      const pairs = node.kind === "list" ? pairsOf(node) : undefined;
      if (pairs !== undefined) waiting.push({ ...step, node: pairs });
      if (node.kind === "list") {
        const neighbours = node.items.length;
        for (const [index, item] of [...node.items.entries()].reverse()) {
          waiting.push(
            this.#enter({ ...step, owner: undefined }, String(index), item, root, neighbours),
          );
        }
        continue;
      }
      for (const [key, value] of node.members.toReversed()) {
        const name = textOf(key);
        if (name === undefined || key.tag !== undefined) {
          waiting.push({ node: key, owner: node, path, states: [], neighbours: 0 });
        } else if (name.startsWith(JSON_KEY)) {
          const keyed = { owner: node, path, states: [], neighbours: 0 };
          waiting.push({ node: jsonOf(name.slice(JSON_KEY.length)), ...keyed });
        }
        waiting.push(this.#enter({ ...step, owner: node }, name ?? "", value, root, 0));
      }
    }
  }

  /** True for a shared node that was reached in the same way before. */
  #isKnown(node: ConfigNode, states: readonly State[]): boolean {
    const key = states.map(({ place, step }) => `${place.serial}:${step}`).join(" ");
    const known = this.#visited.get(node);
    if (known === undefined) {
      this.#visited.set(node, new Set([key]));
      return false;
    }
    if (known.has(key)) return true;
    known.add(key);
    return false;
  }

  #enter(
    { owner, path, states }: Step,
    key: string,
    node: ConfigNode,
    root: ConfigNode,
    neighbours: number,
  ): Step {
    const below = path.length < PATH_KEYS ? [...path, key] : path;
    const next: State[] = [];
    const step: Step = { node, owner, path: below, states: next, neighbours };
    const advance = (place: Place, at: number): void => {
      if (at >= place.steps.length) this.#found(place, step, root);
      else next.push({ place, step: at });
    };
    for (const { place, step: at } of states) {
      const pattern = place.steps[at];
      if (pattern === "**") {
        next.push({ place, step: at });
        if (at + 1 >= place.steps.length) this.#found(place, step, root);
        if (fits(place.steps[at + 1], key)) advance(place, at + 2);
      } else if (fits(pattern, key)) advance(place, at + 1);
    }
    for (const place of this.#anywhere.get(key) ?? []) advance(place, 2);
    for (const place of this.#anyKey) advance(place, 2);
    return step;
  }

  #found(place: Place, { node, owner, path }: Step, root: ConfigNode): void {
    const { code, entry, pattern } = place;
    if (code.beside !== undefined) {
      if (owner === undefined || !code.beside.some((key) => hasMember(owner, key))) return;
    }
    // What is wanted at any depth is found at its own.
    if (place.steps.at(-1) === "**" && node.kind !== "scalar") return;
    const { texts: lists, cut } = code.key === true
      ? { texts: path.slice(-1), cut: path.length >= PATH_KEYS }
      : textsOf(node);
    if (cut) this.#cut = true;
    const written = code.text === "joined" && node.kind === "list" ? [lists.join(".")] : lists;
    let computed = false;
    const texts = written.flatMap((text) => {
      if (!text.includes("${") || code.does === "evaluate" || code.does === "prepare") {
        return [text];
      }
      const resolved = resolveText(text, root, path);
      computed ||= resolved.computed;
      return resolved.texts;
    }).flatMap((text) => {
      if (pattern === undefined) return [text];
      const match = pattern.exec(text);
      return match === null ? [] : [match[1] ?? text];
    });
    if (pattern !== undefined || code.common === true) computed = false;
    if (texts.length === 0 && !computed && pattern !== undefined) return;
    this.#hits.push({ entry, code, node, owner, path, texts, computed });
  }

  #tagged({ node, owner, path }: Step, root: ConfigNode): void {
    for (const { entry, code } of this.#tags) {
      if (code.tag === undefined || node.tag?.startsWith(code.tag) !== true) continue;
      const rest = node.tag.slice(code.tag.length);
      const text = rest === "" ? textOf(node) ?? "" : rest;
      const { texts, computed } = resolveText(text, root, path);
      this.#hits.push({ entry, code, node, owner, path, texts, computed });
    }
  }
}

/** What `collections.OrderedDict` is given by PyYAML's representer: a list of pairs, within a list. */
function pairsOf({ items, tag, at }: ConfigList): ConfigMap | undefined {
  if (tag?.endsWith("OrderedDict") !== true) return undefined;
  const [inner] = items;
  const pairs = items.length === 1 && inner?.kind === "list" ? inner.items : items;
  const members = pairs.flatMap((pair) => {
    if (pair.kind !== "list") return [];
    const [key, value] = pair.items;
    return key === undefined || value === undefined ? [] : [[key, value] as const];
  });
  return { kind: "map", at, members };
}

/** The JSON in a key; text that is none as it stands. */
function jsonOf(text: string): ConfigNode {
  const { value, error } = parseJson(new TextEncoder().encode(text));
  return value === undefined || error !== undefined ? textNode(text) : fromJson(value);
}

function fits(step: Place["steps"][number] | undefined, key: string): boolean {
  return step === "*" || (typeof step === "object" && step.has(key));
}

/** Nested lists whose texts count for the place of the outermost. The files seen nest none. CWE-674. */
const LISTS = 4;

/** The texts of a scalar or of lists, but not of a map, and whether there are more than are taken. */
function textsOf(node: ConfigNode): { readonly texts: string[]; readonly cut: boolean } {
  const texts: string[] = [];
  let cut = false;
  const take = (one: ConfigNode, depth: number): void => {
    if (one.kind === "map") return;
    if (one.kind === "scalar") {
      if (typeof one.value !== "string") return;
      if (texts.length < TEXTS) texts.push(one.text);
      else cut = true;
    } else if (depth >= LISTS) cut ||= one.items.some((item) => !isPlainValue(item));
    else {
      for (const item of one.items) {
        take(item, depth + 1);
        if (cut) return;
      }
    }
  };
  take(node, 0);
  return { texts, cut };
}

/** Whether a node is a scalar that is no text. */
function isPlainValue(node: ConfigNode): boolean {
  return node.kind === "scalar" && typeof node.value !== "string";
}

/** A pattern of base names, or of ends of paths where it has a slash. */
export function globOf(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\?]/gu, "\\$&").replaceAll("*", "[^/]*");
  return new RegExp(`(?:^|/)${escaped}$`, "iu");
}
