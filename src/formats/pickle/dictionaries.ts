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
import type { Observation } from "../../core/types.ts";
import { configurationEntries } from "../../parsers/config/metadata.ts";
import { type ConfigNode, textNode } from "../../parsers/config_node.ts";
import type { Heap } from "../../pickle/machine/heap.ts";
import { STATUS } from "../../pickle/machine/status.ts";
import { CONTAINER, FALSE, type Handle, NONE, TRUE, UNKNOWN } from "../../pickle/machine/values.ts";
import { runStream } from "../../pickle/streams/driver.ts";
import { Input } from "../../pickle/streams/input.ts";

/** Bytes of a pickle that are searched. Those of checkpoints in zip archives have at most some megabytes. */
const SEARCHED_BYTES = 8 * 1024 * 1024;
const WINDOW_BYTES = 1 << 20;
/** Bytes that two windows share, so that no name is cut in two. */
const SHARED_BYTES = 128;
/** Opcodes of the second run. Checkpoints have some hundred thousands. CWE-400. */
const OPCODES = 20_000_000;
/** Streams of a file: `torch.save` before zip wrote five. */
const STREAMS = 8;
/** Values that are written out, a shared one by each way to it. CWE-776. */
const VALUES = 300_000;
const DEPTH = 100;

/**
 * Names that are worth a second run: keys under which loaders look for code, and modules of the critical
 * table before a dot. Text that is escaped may be any of them.
 */
const SPEAKS = new RegExp(
  "_target_|_component_|class_path|_instantiator|trust_remote_code|trust_code|allow_remote|auto_map|" +
    "parent_library|:serialized:|expr_str|guards_code|runtime_info|custom_imports|py/[a-z]{2}|" +
    "(?<![A-Za-z]{2})(?:os|nt|pty|code)\\.[a-z_]{4}|" +
    "(?:posix|subprocess|builtins|importlib|runpy|shutil|socket|ctypes)\\.[a-z]|" +
    "__import__|\\\\[uU]00|S['\"][\\x20-\\x7e]*?\\\\[x0-7]",
  "u",
);
/** Keys that the pickle machine itself reports, where they name something plainly. */
const REPORTED = /^(?:_instantiator|_target_|class_path)$/u;
/** One character a byte; which those beyond ASCII are does not matter here. */
const ONE_BYTE = new TextDecoder("windows-1252");
const HELD = /^(?:(?:datamodule_)?hyper_parameters|hparams|module_arguments|config|cfg)$/u;

/**
 * The dictionaries of a pickle, as an entry that is read as a configuration.
 *
 * @param isAnew whether the source was opened a second time for this
 * @returns none when there is no name in it that a loader would look for, or no dictionary
 */
export async function dictionaryEntries(
  source: Source,
  context: FormatContext,
  isAnew = false,
): Promise<readonly Observation[]> {
  try {
    if (!await speaks(source, context)) return [];
    const input = new Input(source, context.limits.spoolBytes);
    const found: Observation[] = [];
    let start = 0;
    for (let stream = 0; stream < STREAMS; stream++) {
      const { machine, status, end } = await runStream(input, bounded(context), { start });
      if (status !== STATUS.STOPPED) break;
      const writing = new Writing(machine.heap);
      const root = writing.node(machine.result, 0, false);
      if (root.kind === "map") found.push(...configurationEntries("__checkpoint__", root));
      if (writing.cut) {
        const detail =
          `Its dictionaries have more than ${VALUES} values, and no more are looked at`;
        found.push({ type: "anomaly", rule: "config-malformed", detail, unread: true });
      }
      start = end;
    }
    return found;
  } catch (error) {
    if (!(error instanceof SourceError) || source.access !== "forward") throw error;
    // What has been read before, of a source that only goes onward, has to be opened anew.
    const anew = isAnew ? undefined : source.again?.();
    return anew === undefined ? [] : await dictionaryEntries(anew, context, true);
  }
}

/** The same context, with a budget of its own: what is read twice is spent once. */
function bounded({ interest, limits, checkDeadline }: FormatContext) {
  let left = OPCODES;
  return {
    // What objects are given counts, of dictionaries with an order and namespaces too.
    interest: { argumentsMatter: () => true, meaningsOf: interest.meaningsOf },
    limits,
    checkDeadline,
    spendOpcodes(count: number): void {
      left -= count;
      if (left < 0) throw new LimitError("opcodes", "A dictionary has more opcodes than are read");
    },
  };
}

async function speaks(source: Source, { checkDeadline }: FormatContext): Promise<boolean> {
  for (let at = 0; at < SEARCHED_BYTES; at += WINDOW_BYTES - SHARED_BYTES) {
    checkDeadline();
    const bytes = await source.read(at, WINDOW_BYTES);
    if (SPEAKS.test(ONE_BYTE.decode(bytes))) return true;
    if (bytes.length < WINDOW_BYTES) return false;
  }
  return false;
}

/** Writes values out as a configuration: containers and texts, what is neither as null. */
class Writing {
  readonly #heap: Heap;
  readonly #around = new Set<Handle>();
  #left = VALUES;
  /** True when something was left out. */
  cut = false;

  constructor(heap: Heap) {
    this.#heap = heap;
  }

  node(handle: Handle | undefined, depth: number, held: boolean): ConfigNode {
    const nothing: ConfigNode = { kind: "scalar", at: 0, text: "null", value: null };
    if (handle === undefined || handle === NONE || --this.#left < 0 || depth > DEPTH) {
      return nothing;
    }
    if (handle === TRUE || handle === FALSE) {
      const value = handle === TRUE;
      return { kind: "scalar", at: 0, text: String(value), value };
    }
    const heap = this.#heap;
    const text = heap.textOf(handle);
    if (text !== undefined) return textNode(text);
    const items = this.#itemsOf(handle);
    if (items === undefined) {
      const number = heap.numberOf(handle);
      if (number === undefined) return nothing;
      return { kind: "scalar", at: 0, text: String(number), value: Number(number) };
    }
    if (this.#around.has(handle)) return nothing;
    this.#around.add(handle);
    const node = items.pairs
      ? this.#map(items.values, depth, held)
      : this.#list(items.values, depth, held);
    this.#around.delete(handle);
    return node;
  }

  #list(values: readonly Handle[], depth: number, held: boolean): ConfigNode {
    const items = values.map((value) => this.node(value, depth + 1, held));
    return { kind: "list", at: 0, items };
  }

  #map(values: readonly Handle[], depth: number, held: boolean): ConfigNode {
    const members: (readonly [ConfigNode, ConfigNode])[] = [];
    for (let at = 0; at + 1 < values.length; at += 2) {
      const key = this.#heap.textOf(values[at] ?? UNKNOWN) ?? "";
      const inside = held || depth === 0 && HELD.test(key);
      const value = this.node(values[at + 1], depth + 1, inside);
      const said = held && REPORTED.test(key) && value.kind === "scalar" &&
        /^[\w.]+$/u.test(value.text);
      if (!said) members.push([textNode(key), value]);
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
    const given = state === undefined ? undefined : this.#itemsOf(state);
    const values = [...filled, ...given?.pairs === true ? given.values : []];
    return values.length === 0 ? undefined : { pairs: true, values };
  }
}
