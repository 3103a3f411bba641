/**
 * Checks what a program hands over at run time, where no types protect it.
 *
 * @module
 */

import { didYouMean } from "./nearest.ts";

/** What a setting takes. */
export interface Kind {
  /** For messages, for instance "a function". */
  readonly label: string;
  accepts(value: unknown): boolean;
}

/** True or false. */
export const FLAG: Kind = {
  label: "true or false",
  accepts: (value) => typeof value === "boolean",
};

/** A function. */
export const FUNCTION: Kind = {
  label: "a function",
  accepts: (value) => typeof value === "function",
};

/** A text. */
export const TEXT: Kind = { label: "a text", accepts: (value) => typeof value === "string" };

/** A number of at least 0. */
export const COUNT: Kind = {
  label: "a number of at least 0",
  accepts: (value) => typeof value === "number" && value >= 0,
};

/** An array. */
export const LIST: Kind = { label: "a list", accepts: Array.isArray };

/** An object, whatever is in it. */
export const OBJECT: Kind = {
  label: "an object",
  accepts: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
};

/**
 * An object with methods.
 *
 * @param label for messages, for instance "an AbortSignal"
 */
export function withMembers(label: string, ...members: readonly string[]): Kind {
  return {
    label,
    accepts: (value) => OBJECT.accepts(value) && members.every((it) => it in (value as object)),
  };
}

/** One of some words. */
export function oneOf(words: readonly string[]): Kind {
  return {
    label: `one of ${words.join(", ")}`,
    accepts: (value) => typeof value === "string" && words.includes(value),
  };
}

/**
 * Demands that settings are known and of their kinds; what is undefined counts as not given.
 *
 * @param what the settings are of, for messages, such as "scan"
 * @throws TypeError that names the setting, and one that may have been meant
 */
export function expectSettings(
  what: string,
  settings: unknown,
  kinds: Readonly<Record<string, Kind>>,
): void {
  if (!OBJECT.accepts(settings)) {
    throw new TypeError(`Cannot use the settings of ${what}: they must be an object`);
  }
  for (const [name, value] of Object.entries(settings as object)) {
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (kind === undefined) throw new TypeError(unknownName("setting", what, name, kinds));
    if (value === undefined || kind.accepts(value)) continue;
    throw new TypeError(`Cannot use the setting "${name}" of ${what}: it must be ${kind.label}`);
  }
}

/** Says that there is no such name, and which may have been meant. */
export function unknownName(
  noun: string,
  what: string,
  name: string,
  known: Readonly<Record<string, unknown>>,
): string {
  const names = Object.keys(known);
  const meant = didYouMean(name, names) || ` There are ${names.join(", ")}.`;
  return `Cannot use the ${noun} "${name}" of ${what}: there is none of that name.${meant}`;
}
