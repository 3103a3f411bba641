/**
 * JSON as Python's `json.loads` reads it, in forms that no writer produces: escapes, equal keys, encodings,
 * numbers of any size; and now and then what it refuses.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { join } from "./bytes.ts";
import type { Dice } from "./dice.ts";

/** A value; an object is the list of its members, so that keys may be equal. */
export type Json = string | number | boolean | null | readonly Json[] | Members;

/** The members of an object, in order. */
export interface Members {
  readonly members: readonly (readonly [key: string, value: Json])[];
}

/** An object. */
export function object(...members: readonly (readonly [key: string, value: Json])[]): Members {
  return { members };
}

/** A text that Python reads, and whether it does. */
interface JsonText {
  readonly bytes: Uint8Array;
  readonly sound: boolean;
}

const SPACES = ["", "", "", "", " ", "\n", "\t ", "\r\n"];
const NUMBERS = [
  "1e999",
  "-0",
  "123456789012345678901234567890",
  "NaN",
  "-Infinity",
  "1E+2",
  "0.0",
];
/** What `json.loads` refuses: one of these in place of something. */
const CORRUPTIONS: readonly (readonly [from: RegExp, to: string])[] = [
  [/\}/u, ",}"],
  [/\{/u, "{/* a */"],
  [/\{/u, "{// a\n"],
  [/\}$/u, ""],
  [/$/u, "x"],
  [/"([a-z]+)"/u, "'$1'"],
  [/"([a-z_]+)":/u, "$1:"],
  [/\[/u, "[,"],
  [/"([a-z])/u, '"\n$1'],
  [/"([a-z])/u, '"\\q$1'],
];

function written(value: Json, dice: Dice): string {
  const space = () => dice.chance(1, 6) ? dice.pick(SPACES) : "";
  if (typeof value === "string") return quoted(value, dice);
  if (typeof value === "number") return dice.chance(1, 6) ? dice.pick(NUMBERS) : String(value);
  if (value === null || typeof value === "boolean") return String(value);
  if ("members" in value) {
    const parts = value.members.map(([key, member]) =>
      `${space()}${quoted(key, dice)}${space()}:${space()}${written(member, dice)}${space()}`
    );
    return `{${parts.join(",")}${space()}}`;
  }
  return `[${value.map((item) => `${space()}${written(item, dice)}`).join(",")}${space()}]`;
}

/** Any character may be written by its number. */
function quoted(text: string, dice: Dice): string {
  const plain = JSON.stringify(text);
  if (!dice.chance(1, 12)) return plain;
  const escaped = Array.from(text, (letter) => {
    if (letter.length > 1 || !dice.chance(1, 3)) return JSON.stringify(letter).slice(1, -1);
    const digits = letter.charCodeAt(0).toString(16).padStart(4, "0");
    return `\\u${dice.chance(1, 2) ? digits.toUpperCase() : digits}`;
  });
  return `"${escaped.join("")}"`;
}

/** By `json.detect_encoding`: with a byte order mark, or known by where the zeros are. */
function encoded(text: string, dice: Dice): Uint8Array {
  if (!dice.chance(1, 6)) return join(text);
  const mark = dice.chance(1, 2);
  const width = dice.pick([1, 2, 4]);
  if (width === 1) return join(mark ? [0xef, 0xbb, 0xbf] : [], text);
  const units = width === 2
    ? Array.from({ length: text.length }, (_, at) => text.charCodeAt(at))
    : Array.from(text, (letter) => letter.codePointAt(0) ?? 0);
  const bytes = Buffer.alloc((units.length + 1) * width);
  const little = dice.chance(1, 2);
  for (const [at, unit] of [0xfeff, ...units].entries()) {
    if (little) bytes.writeUIntLE(unit, at * width, width);
    else bytes.writeUIntBE(unit, at * width, width);
  }
  return new Uint8Array(bytes).subarray(mark ? 0 : width);
}

/** A value as text. */
export function jsonText(value: Json, dice: Dice): JsonText {
  const text = written(value, dice);
  if (!dice.chance(1, 12)) return { bytes: encoded(text, dice), sound: true };
  const [from, to] = dice.pick(CORRUPTIONS);
  return { bytes: encoded(text.replace(from, to), dice), sound: false };
}
