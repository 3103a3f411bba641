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
import { TEXT_LIMIT } from "../../pickle/machine/heap.ts";
import { STATUS } from "../../pickle/machine/status.ts";
import { TextWatch } from "../../pickle/machine/text_watch.ts";
import { runStream } from "../../pickle/streams/driver.ts";
import { Input } from "../../pickle/streams/input.ts";
import { DictionaryNodes } from "./dictionary_nodes.ts";

/** Name of the part by which the table of loaders knows dictionaries of checkpoints. */
const PART = "__checkpoint__";
/** Characters of which a name, a call or a key of the table has one. */
const MARKS = "._(/:";
/** A dotted name that nothing continues on the left. */
const DOTTED = /(?<![\w.])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+/gu;
/** Python that reaches a callable without a dot. */
const CODE =
  /__import__|\bfrom\s+[\w.]+\s+import\b|\b(?:eval|exec|compile|getattr|globals|open)\s*\(/u;

/**
 * A watch for texts that are worth a second run, in which dictionaries are kept: keys under which loaders
 * look for code, critical callables, and Python that calls something.
 *
 * @returns undefined where there is no table of loaders
 */
export function loaderWatch({ loaders, dangerOf }: Interest): TextWatch | undefined {
  if (loaders === undefined) return undefined;
  // Mere words are everywhere.
  const keys = new Set(keysOf(loaders).filter((key) => /[^A-Za-z]/u.test(key)));
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

/** The keys of the table, of entries for any file or for checkpoints. */
function keysOf(loaders: readonly LoaderEntry[]): readonly string[] {
  return loaders
    .filter(({ files }) => files.length === 0 || files.includes(PART))
    .flatMap(({ code }) => code.flatMap(({ at }) => at))
    .flatMap((step) => step.split("|"))
    .filter((key) => /[^*]/u.test(key));
}

/** What the streams of a pickle say that its dictionaries name, as their scan has reported it. */
export class Reported {
  readonly #named = new Set<string>();

  /** Takes note of observations on their way. */
  note(observations: readonly Observation[]): readonly Observation[] {
    for (const each of observations) {
      if (each.type !== "fact" || each.fact.kind !== "reference") continue;
      const { module, name, details } = each.fact;
      if (details?.["where"] !== undefined) {
        this.#named.add(`${details["where"]} ${module}.${name}`);
      }
    }
    return observations;
  }

  /** Whether a text under a key was among them. */
  has(key: string, text: string): boolean {
    return this.#named.has(`${key} ${text}`);
  }
}

/**
 * The dictionaries of a pickle, as an entry that is read as a configuration.
 *
 * @param watch what the scan of the pickle's streams saw
 * @param reported what it has reported
 * @returns none when there is no name in it that a loader would look for, or no dictionary; an anomaly
 * where the dictionaries with such names could not be read
 */
export async function dictionaryEntries(
  source: Source,
  context: FormatContext,
  watch: TextWatch | undefined,
  reported: Reported,
): Promise<readonly Observation[]> {
  if (watch === undefined || watch.last < 0) return [];
  try {
    return await entriesOf(source, context, watch, reported);
  } catch (error) {
    if (!(error instanceof SourceError) || source.access !== "forward") throw error;
    // What has been read before, of a source that only goes onward, has to be opened anew.
    const again = source.again?.();
    if (again === undefined) return [unread("can be read only once")];
    return await entriesOf(again, context, watch, reported);
  }
}

async function entriesOf(
  source: Source,
  context: FormatContext,
  { last, longest }: TextWatch,
  reported: Reported,
): Promise<readonly Observation[]> {
  const input = new Input(source, context.limits.spoolBytes);
  const found: Observation[] = [];
  // A key that is not known may stand before any value: what is not written out counts where a text names code.
  const namesCode = longest > 0;
  const keys = new Set(keysOf(context.interest.loaders ?? []));
  for (let start = 0; start <= last;) {
    const options = { start, stepArrays: true, thorough: true, rendered: true };
    const { machine, status, end, broken } = await runStream(input, bounded(context), options);
    if (broken instanceof SourceError) throw broken;
    if (status !== STATUS.STOPPED) {
      const why = broken?.message ?? "the pickle breaks off";
      if (namesCode) found.push(unread(`cannot be kept (${why})`, end));
      break;
    }
    const nodes = new DictionaryNodes(machine.heap, {
      keys,
      isLong: longest > TEXT_LIMIT,
      isReported: (key, text) => reported.has(key, text),
    });
    const root = nodes.rootOf(machine.result);
    if (root.kind !== "scalar") found.push(...configurationEntries(PART, root));
    if (nodes.cut !== undefined && namesCode) found.push(unread(nodes.cut, start));
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
    interest: {
      argumentsMatter: (module: string, name: string) => interest.argumentsMatter(module, name),
      restoringIsHarmless: interest.restoringIsHarmless,
      meaningsOf: interest.meaningsOf,
    },
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
