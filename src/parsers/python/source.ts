/**
 * What Python source does when it is imported, installed, run or evaluated: its calls of names defined
 * outside it, direct or indirect. The code is never executed. One reader serves repositories, archives,
 * models of TorchServe and MLflow, and texts that a loader evaluates.
 *
 * @module
 */

import { evaluate } from "./evaluate.ts";
import type { Call } from "./rooms.ts";
import type { Trait } from "./sinks.ts";

export type { Trait } from "./sinks.ts";

/** A call in the source, or a function handed to one. */
export interface SourceCall {
  /** Dotted: `socket.socket`, `builtins.exec`; `os.<computed>` where the name is not a constant. */
  readonly path: string;
  /** As written, at most 2 KiB. */
  readonly expression: string;
  /** From 1. */
  readonly line: number;
  /** Characters before it. */
  readonly at: number;
  /** False for a function that is only handed to something. */
  readonly called: boolean;
  /** What is said of its arguments. */
  readonly traits: readonly Trait[];
  /** Texts among its arguments, put together. */
  readonly texts: readonly string[];
}

/** Source, read. */
interface PythonSource {
  /** What runs, in the order of the source. */
  readonly calls: readonly SourceCall[];
  /** What the functions and classes that were asked for run besides. */
  readonly later: readonly SourceCall[];
  /** Modules beside this one that it imports: `.configuration_x` is `configuration_x`. */
  readonly relativeImports: readonly string[];
  /** The first thing that no Python accepts, with its line; undefined where there is none. */
  readonly error: string | undefined;
  /** Why not all of it was seen, though Python may run it; undefined when it was. */
  readonly cut: string | undefined;
  /** What it calls of modules that are none of the standard library; `.b.f` of one beside it. */
  readonly reaches: readonly string[];
  /** Steps that reading it took. */
  readonly steps: number;
}

/** How source comes to run. */
export interface HowItRuns {
  /** Called now and then; what it throws ends the reading. */
  readonly checkDeadline?: () => void;
  /** True where it is run as a program: `__name__` is `"__main__"`. */
  readonly main?: boolean;
  /** True where names that it does not bind are its evaluator's: modules of that name. */
  readonly ambient?: boolean;
  /** Functions that a loader calls when the module is imported: `f`, `Class.method`. */
  readonly functions?: ((name: string) => boolean) | undefined;
  /** Dotted names in it that another module calls: `f`, `Class`, `Class.method`, `object.method`. */
  readonly called?: readonly string[];
  /** Classes that a loader makes objects of then. */
  readonly classes?: ((name: string) => boolean) | undefined;
}

/** Characters kept of an expression. Longer ones are cut: their beginning is evidence. CWE-779. */
const EXPRESSION_CHARACTERS = 2048;

/**
 * Reads source.
 *
 * @param text of a module, a program or an expression
 * @throws what `checkDeadline` throws
 */
export function readPython(text: string, how: HowItRuns = {}): PythonSource {
  const { checkDeadline = () => {}, main = false, ambient = false, functions, classes, called } =
    how;
  const runs = { main, ambient, functions, classes, called };
  const found = evaluate(text, checkDeadline, runs);
  const lines = new Lines(text);
  // Everything that an executed text calls stands at one place.
  let last = { at: -1, end: -1, written: "" };
  const expression = (at: number, end: number): string => {
    if (last.at !== at || last.end !== end) {
      const cut = text.slice(at, Math.min(end, at + EXPRESSION_CHARACTERS));
      last = { at, end, written: cut.replace(/\s+/gu, " ") };
    }
    return last.written;
  };
  const reported = (calls: readonly Call[]): SourceCall[] =>
    calls.map(({ path, at, end, called, traits, texts }) => ({
      ...{ path, at, called, traits, texts, line: lines.at(at) },
      // What another module calls stands nowhere here.
      expression: expression(at, end) || path,
    }));
  const { error } = found;
  return {
    calls: reported(found.calls),
    later: reported(found.later),
    relativeImports: [...found.relative],
    error: error && `${error.reason}, in line ${lines.at(error.at)}`,
    cut: found.cut,
    reaches: found.reaches,
    steps: found.steps,
  };
}

const BREAK = /\r\n|\r|\n/gu;

/** Numbers of lines, which are asked for in any order. */
class Lines {
  readonly #text: string;
  #known: Uint32Array | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  /** Where lines begin. Four bytes for each of them, and none where nothing is reported. */
  get #starts(): Uint32Array {
    if (this.#known !== undefined) return this.#known;
    let count = 1;
    for (const _found of this.#text.matchAll(BREAK)) count++;
    const starts = new Uint32Array(count);
    let at = 1;
    for (const found of this.#text.matchAll(BREAK)) {
      starts[at++] = found.index + found[0].length;
    }
    return this.#known = starts;
  }

  /** The 1-based line of a place. */
  at(place: number): number {
    const starts = this.#starts;
    let [low, high] = [0, starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= place) low = middle;
      else high = middle;
    }
    return low + 1;
  }
}
