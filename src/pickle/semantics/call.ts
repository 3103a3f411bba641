/**
 * A call as the machine sees it, and what its function says of how far it has to be looked at.
 *
 * @module
 */

import type { GlobalEntry } from "../machine/heap.ts";
import type { Handle } from "../machine/values.ts";
import { isArrayWrapper } from "./array_wrappers.ts";

/** Meanings of harmless classes whose arguments and state are needed: arrays by their size, slices by folding. */
const DETAILED: readonly string[] = ["array-wrapper", "dtype", "string-dtype", "slice"];

/** Whether results of a function are kept apart, however many there are. */
export function isDetailed({ key, meanings }: GlobalEntry): boolean {
  return isArrayWrapper(key) || meanings.some((meaning) => DETAILED.includes(meaning));
}

/** Meanings of functions whose keyword arguments are followed, or make the call one that is not known. */
const KEYWORDS: ReadonlySet<string> = new Set(
  ("partial call construct-with-keywords type generator-constructor attrgetter itemgetter methodcaller " +
    "loader encode-text").split(" "),
);

/** Whether what is followed of a function's calls includes their keyword arguments. */
export function takesKeywords({ meanings }: GlobalEntry): boolean {
  return meanings.some((meaning) => KEYWORDS.has(meaning));
}

/** Opcodes and functions that make an instance without calling its `__init__`. */
const RESTORING = /^(NEWOBJ(_EX)?|_reconstructor|__newobj(_ex)?__)$/;

/** A call as the machine sees it. */
export interface Call {
  readonly entry: GlobalEntry;
  readonly args: readonly Handle[] | undefined;
  readonly kwargs: Handle | undefined;
  /** The opcode, or the wrapper that makes the call. */
  readonly via: string;
  /** Virtual offset of the opcode. */
  readonly at: number;
}

/** True for a call that runs no `__init__` with arguments: the unpickler's ways, and calls without any. */
export function restores({ args, kwargs, via }: Call): boolean {
  return RESTORING.test(via) || (args?.length === 0 && kwargs === undefined);
}
