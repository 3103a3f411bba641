/**
 * Plain dictionaries of checkpoints as configurations: what loaders read out of them after the pickle is
 * loaded, also with `weights_only`. Hyper-parameters of Lightning, and the configuration that
 * `mmengine/infer/infer.py` evaluates.
 *
 * @module
 */

import { LimitError, SourceError } from "../../core/errors.ts";
import type { FormatContext } from "../../core/format.ts";
import type { Source } from "../../core/source.ts";
import type { LoaderEntry } from "../../core/loader.ts";
import type { Interest, Observation } from "../../core/types.ts";
import { configurationEntries } from "../../parsers/config/metadata.ts";
import { type ConfigNode, textNode } from "../../parsers/config_node.ts";
import { type Heap, TEXT_LIMIT } from "../../pickle/machine/heap.ts";
import { STATUS } from "../../pickle/machine/status.ts";
import { TextWatch } from "../../pickle/machine/text_watch.ts";
import { CONTAINER, FALSE, type Handle, NONE, TRUE, UNKNOWN } from "../../pickle/machine/values.ts";
import { runStream } from "../../pickle/streams/driver.ts";
import { Input } from "../../pickle/streams/input.ts";

/** Name of the part by which the table of loaders knows dictionaries of checkpoints. */
const PART = "__checkpoint__";
/**
 * Values that are written out, a shared one by each way to it. No hyper-parameters are known to have as many.
 * CWE-776.
 */
const VALUES = 300_000;
const DEPTH = 100;

/** Characters of which a name, a call or a key of the table has one. */
const MARKS = "._(/:";
/** A dotted name that nothing continues on the left. */
const DOTTED = /(?<![\w.])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+/gu;
/** Python that reaches a callable without a dot. */
const CODE =
  /__import__|\bfrom\s+[\w.]+\s+import\b|\b(?:eval|exec|compile|getattr|globals|open)\s*\(/u;
/** Keys that the pickle machine itself reports, where they name something plainly. */
const REPORTED = /^(?:_instantiator|_target_|class_path)$/u;
const HELD = /^(?:(?:datamodule_)?hyper_parameters|hparams|module_arguments|config|cfg)$/u;

/**
 * A watch for texts that are worth a second run, in which dictionaries are kept: keys under which loaders
 * look for code, critical callables, and Python that calls something.
 *
 * @returns undefined where there is no table of loaders
 */
export function loaderWatch({ loaders, dangerOf }: Interest): TextWatch | undefined {
  if (loaders === undefined) return undefined;
  const keys = keysOf(loaders);
  const isCritical = (text: string): boolean => {
    for (const [path] of text.matchAll(DOTTED)) {
      for (let dot = path.indexOf("."); dot > 0; dot = path.indexOf(".", dot + 1)) {
        const [name = ""] = path.slice(dot + 1).split(".", 1);
        if (dangerOf?.(path.slice(0, dot), name) === "critical") return true;
      }
    }
    return false;
  };
  return new TextWatch((text) => keys.has(text) || CODE.test(text) || isCritical(text), MARKS);
}

/** The keys of the table, of entries for any file or for checkpoints, that are no mere words. */
function keysOf(loaders: readonly LoaderEntry[]): ReadonlySet<string> {
  return new Set(
    loaders
      .filter(({ files }) => files.length === 0 || files.includes(PART))
      .flatMap(({ code }) => code.flatMap(({ at }) => at))
      .flatMap((step) => step.split("|"))
      .filter((key) => /[^A-Za-z*]/u.test(key)),
  );
}

/**
 * The dictionaries of a pickle, as an entry that is read as a configuration.
 *
 * @param watch what the scan of the pickle's streams saw
 * @returns none when there is no name in it that a loader would look for, or no dictionary; an anomaly
 * where the dictionaries with such names could not be read
 */
export async function dictionaryEntries(
  source: Source,
  context: FormatContext,
  watch: TextWatch | undefined,
): Promise<readonly Observation[]> {
  if (watch === undefined || watch.last < 0) return [];
  try {
    return await entriesOf(source, context, watch);
  } catch (error) {
    if (!(error instanceof SourceError) || source.access !== "forward") throw error;
    // What has been read before, of a source that only goes onward, has to be opened anew.
    const again = source.again?.();
    if (again === undefined) return [unread("can be read only once")];
    return await entriesOf(again, context, watch);
  }
}

async function entriesOf(
  source: Source,
  context: FormatContext,
  { last, longest }: TextWatch,
): Promise<readonly Observation[]> {
  const input = new Input(source, context.limits.spoolBytes);
  const found: Observation[] = [];
  for (let start = 0; start <= last;) {
    const options = { start, stepArrays: true, thorough: true };
    const { machine, status, end, broken } = await runStream(input, bounded(context), options);
    if (broken instanceof SourceError) throw broken;
    if (status !== STATUS.STOPPED) {
      found.push(unread(`cannot be kept (${broken?.message ?? "the pickle breaks off"})`, end));
      break;
    }
    const writing = new Writing(machine.heap, longest > TEXT_LIMIT);
    const root = writing.rootOf(machine.result);
    if (root.kind === "map") {
      found.push(...configurationEntries(PART, root));
      if (writing.cut !== undefined) found.push(unread(writing.cut, start));
    }
    start = end;
  }
  return found;
}

function unread(why: string, offset = 0): Observation {
  const detail = `Its dictionaries name code, as loaders look for it, and ${why}`;
  return { type: "anomaly", rule: "config-malformed", detail, offset, unread: true };
}

/** The same context, with a budget of its own: what is read twice is spent once. */
function bounded({ interest, limits, checkDeadline }: FormatContext) {
  let remaining = limits.opcodes;
  return {
    // What objects are given counts, of dictionaries with an order and namespaces too.
    interest: { argumentsMatter: () => true, meaningsOf: interest.meaningsOf },
    limits,
    checkDeadline,
    spendOpcodes(count: number): void {
      remaining -= count;
      if (remaining < 0) {
        throw new LimitError("opcodes", "A dictionary has more opcodes than are read");
      }
    },
  };
}

const NOTHING: ConfigNode = { kind: "scalar", at: 0, text: "null", value: null };

/** Writes values out as a configuration: containers and texts, what is neither as null. */
class Writing {
  readonly #heap: Heap;
  readonly #isLong: boolean;
  readonly #ancestors = new Set<Handle>();
  #remaining = VALUES;
  /** What was left out; undefined when nothing was. */
  cut: string | undefined;

  /** @param isLong whether a text that is too long to be read names code */
  constructor(heap: Heap, isLong: boolean) {
    this.#heap = heap;
    this.#isLong = isLong;
  }

  /** The value under STOP. */
  rootOf(result: Handle): ConfigNode {
    try {
      return this.#node(result, 0, false);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.cut ??= "hold the same texts over and over";
      return NOTHING;
    }
  }

  #node(handle: Handle | undefined, depth: number, held: boolean): ConfigNode {
    if (handle === undefined || handle === NONE) return NOTHING;
    if (--this.#remaining < 0) this.cut ??= `have more than ${VALUES} values`;
    if (depth > DEPTH) this.cut ??= `are more than ${DEPTH} deep`;
    if (this.cut !== undefined) return NOTHING;
    if (handle === TRUE || handle === FALSE) {
      const value = handle === TRUE;
      return { kind: "scalar", at: 0, text: String(value), value };
    }
    const heap = this.#heap;
    const text = heap.textOf(handle);
    if (text !== undefined) return textNode(text);
    if (heap.isWritten(handle)) {
      const { length } = heap.preview(handle, 0) ?? { length: 0 };
      if (length <= TEXT_LIMIT || this.#isLong) this.cut ??= "have a text that cannot be read";
      return NOTHING;
    }
    const items = this.#itemsOf(handle);
    if (items === undefined) {
      const number = heap.numberOf(handle);
      if (number === undefined) return NOTHING;
      return { kind: "scalar", at: 0, text: String(number), value: Number(number) };
    }
    if (this.#ancestors.has(handle)) return NOTHING;
    this.#ancestors.add(handle);
    const node = items.pairs
      ? this.#map(items.values, depth, held)
      : this.#list(items.values, depth, held);
    this.#ancestors.delete(handle);
    return node;
  }

  #list(values: readonly Handle[], depth: number, held: boolean): ConfigNode {
    const items = values.map((value) => this.#node(value, depth + 1, held));
    return { kind: "list", at: 0, items };
  }

  #map(values: readonly Handle[], depth: number, held: boolean): ConfigNode {
    const members: (readonly [ConfigNode, ConfigNode])[] = [];
    for (let at = 0; at + 1 < values.length; at += 2) {
      const key = this.#heap.textOf(values[at] ?? UNKNOWN) ?? "";
      const inside = held || depth === 0 && HELD.test(key);
      const value = this.#node(values[at + 1], depth + 1, inside);
      const isReported = held && REPORTED.test(key) && value.kind === "scalar" &&
        /^[\w.]+$/u.test(value.text);
      if (!isReported) members.push([textNode(key), value]);
    }
    return { kind: "map", at: 0, members };
  }

  /** The values of a container, or of an object that was given items or a state. */
  #itemsOf(handle: Handle): { readonly pairs: boolean; readonly values: Handle[] } | undefined {
    const heap = this.#heap;
    if (handle < 0) {
      const pairs = heap.containers.kind(handle) === CONTAINER.DICT;
      return { pairs, values: heap.keptItems(handle) };
    }
    const value = heap.valueOf(handle);
    if (value?.type !== "call") return undefined;
    const { filled = [], state } = value;
    const stateItems = state === undefined ? undefined : this.#itemsOf(state);
    const values = [...filled, ...stateItems?.pairs === true ? stateItems.values : []];
    return values.length === 0 ? undefined : { pairs: true, values };
  }
}
