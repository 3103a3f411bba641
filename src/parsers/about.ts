/**
 * Gathers what a file says of the model in it, bounded: all of it comes from the file.
 *
 * @module
 */

import type { ModelAbout } from "../core/about.ts";

/** Characters of one text. The longest names of models on the hub have some 100. CWE-770. */
const TEXT_LENGTH = 300;

/** Items of a list. Model cards name some dozens of data sets at most. CWE-770. */
const LIST_ITEMS = 100;

/** Types of numbers that are counted apart. GGML has some forty. CWE-770. */
const TYPES = 64;

/** A text that says something; undefined for what is none. Cut where it is long. */
export function aboutText(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const text = value.trim();
  return text === "" ? undefined : text.slice(0, TEXT_LENGTH);
}

/** Texts of a list, each once, or of a single text. */
export function aboutTexts(value: unknown): readonly string[] {
  const all: readonly unknown[] = Array.isArray(value) ? value : [value];
  const texts = all.slice(0, LIST_ITEMS).map(aboutText).filter((it) => it !== undefined);
  return [...new Set(texts)];
}

/** Numbers of a model by their type. */
export class NumbersByType {
  readonly #counts = new Map<string, bigint>();
  #exact = true;

  /**
   * Adds a tensor.
   *
   * @param count its numbers; undefined where they are not known, and then nothing is said of the whole
   */
  add(type: string, count: bigint | undefined): void {
    const known = this.#counts.get(type);
    if (count === undefined || known === undefined && this.#counts.size >= TYPES) {
      this.#exact = false;
    } else this.#counts.set(type, (known ?? 0n) + count);
  }

  /** What was counted; nothing where a tensor could not be. */
  about(): Pick<ModelAbout, "parameters" | "types"> {
    const total = [...this.#counts.values()].reduce((sum, count) => sum + count, 0n);
    const fits = total <= BigInt(Number.MAX_SAFE_INTEGER);
    if (!this.#exact || !fits || this.#counts.size === 0) return {};
    const types = [...this.#counts].sort(([a, m], [b, n]) =>
      m === n ? (a < b ? -1 : 1) : m > n ? -1 : 1
    );
    return {
      parameters: Number(total),
      types: Object.fromEntries(types.map(([type, count]) => [type, Number(count)])),
    };
  }
}
