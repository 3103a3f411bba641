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

/** A key behind those above it; undefined stands for the root. Few of the nodes of a file need theirs as a list. */
interface Way {
  readonly above: Way | undefined;
  readonly key: string;
  /** Keys down to this one. */
  readonly length: number;
}

/** The keys from the root, at most {@link PATH_KEYS} of them. */
export function keysOf(way: Way | undefined): readonly string[] {
  const keys: string[] = [];
  for (let one = way; one !== undefined; one = one.above) keys.push(one.key);
  return keys.reverse();
}

/** A text value of the file, for checks of all of them. */
export interface TextVisit {
  readonly text: string;
  readonly way: Way | undefined;
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
  readonly way: Way | undefined;
  readonly states: readonly State[];
  readonly neighbours: number;
}

const NO_STATES: readonly State[] = [];

/** States as a text, which is that of equal ones alone. */
function keyOf(states: readonly State[]): string {
  return states.map(({ place, step }) => `${place.serial}:${step}`).join(" ");
}

/** A node on the way into it. */
interface Child {
  readonly above: Step;
  readonly key: string;
  readonly node: ConfigNode;
  readonly owner: ConfigMap | undefined;
}

/** A container whose children are visited. */
interface Children {
  readonly step: Step;
  /** The next of them. */
  index: number;
  /** The key of the member that was visited last, where it is looked at by itself. */
  key: Step | undefined;
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
  /** The states by which a node was reached; once it was so twice, a key of each. */
  readonly #visited = new Map<ConfigNode, readonly State[] | Set<string>>();
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
    const open: Children[] = [];
    let step: Step | undefined = {
      node: root,
      owner: undefined,
      way: undefined,
      states: this.#first,
      neighbours: 0,
    };
    for (let count = 1; step !== undefined; count++) {
      if (count > NODES || this.#hits.length > HITS) {
        this.#cut = true;
        return;
      }
      if (count % 4096 === 0) this.#check();
      const { node, way, states, neighbours } = step;
      if (node.tag !== undefined) this.#tagged(step, root);
      if (node.kind === "scalar") this.#visit?.({ text: node.text, way, neighbours });
      else if (!this.#isKnown(node, states)) open.push({ step, index: 0, key: undefined });
      step = this.#nextOf(open, root);
    }
  }

  /** The node behind the last one in the order of the text; one at a time, as a list may be as long as the file. */
  #nextOf(open: Children[], root: ConfigNode): Step | undefined {
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const next = this.#childOf(top, root);
      if (next !== undefined) return next;
      open.pop();
    }
    return undefined;
  }

  #childOf(children: Children, root: ConfigNode): Step | undefined {
    const { step, index, key: waiting } = children;
    const { node } = step;
    if (node.kind === "scalar") return undefined;
    if (waiting !== undefined) {
      children.key = undefined;
      return waiting;
    }
    children.index++;
    if (node.kind === "list") {
      const item = node.items[index];
      if (item !== undefined) {
        return this.#enter({ above: step, key: String(index), node: item, owner: undefined }, root);
      }
      const pairs = index === node.items.length ? pairsOf(node) : undefined;
      return pairs && { ...step, node: pairs };
    }
    const member = node.members[index];
    if (member === undefined) return undefined;
    const [key, value] = member;
    const name = textOf(key);
    const keyed = { owner: node, way: step.way, states: NO_STATES, neighbours: 0 };
    if (name === undefined || key.tag !== undefined) children.key = { node: key, ...keyed };
    else if (name.startsWith(JSON_KEY)) {
      children.key = { node: jsonOf(name.slice(JSON_KEY.length)), ...keyed };
    }
    return this.#enter({ above: step, key: name ?? "", node: value, owner: node }, root);
  }

  /** True for a shared node that was reached in the same way before. */
  #isKnown(node: ConfigNode, states: readonly State[]): boolean {
    const known = this.#visited.get(node);
    if (known === undefined) {
      // Few nodes are reached twice: only then is it compared how.
      this.#visited.set(node, states);
      return false;
    }
    const ways = known instanceof Set ? known : new Set([keyOf(known)]);
    this.#visited.set(node, ways);
    const key = keyOf(states);
    if (ways.has(key)) return true;
    ways.add(key);
    return false;
  }

  #enter({ above, key, node, owner }: Child, root: ConfigNode): Step {
    const { states } = above;
    const length = (above.way?.length ?? 0) + 1;
    const way = length > PATH_KEYS ? above.way : { above: above.way, key, length };
    const neighbours = above.node.kind === "list" ? above.node.items.length : 0;
    const anywhere = this.#anywhere.get(key);
    if (states.length === 0 && anywhere === undefined && this.#anyKey.length === 0) {
      return { node, owner, way, states: NO_STATES, neighbours };
    }
    const next: State[] = [];
    const step: Step = { node, owner, way, states: next, neighbours };
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
    for (const place of anywhere ?? []) advance(place, 2);
    for (const place of this.#anyKey) advance(place, 2);
    return step;
  }

  #found(place: Place, { node, owner, way }: Step, root: ConfigNode): void {
    const { code, entry, pattern } = place;
    if (code.beside !== undefined) {
      if (owner === undefined || !code.beside.some((key) => hasMember(owner, key))) return;
    }
    // What is wanted at any depth is found at its own.
    if (place.steps.at(-1) === "**" && node.kind !== "scalar") return;
    const path = keysOf(way);
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

  #tagged({ node, owner, way }: Step, root: ConfigNode): void {
    const path = keysOf(way);
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
