/**
 * Reads the patterns of Python's `str.format`: what of its arguments each field names.
 * https://docs.python.org/3/library/string.html#format-string-syntax
 *
 * @module
 */

/** A piece of a pattern. */
export type Piece =
  | { readonly type: "text"; readonly text: string }
  | {
    readonly type: "field";
    /** The argument's number or name; empty for the next one. */
    readonly argument: string;
    /** Attributes and items that are taken of it, in order. */
    readonly steps: readonly { readonly attribute: boolean; readonly name: string }[];
    readonly conversion: string;
    /** A pattern of its own. */
    readonly specification: string;
  };

/** Pieces in order, and whether they are the complete pattern. */
interface Pattern {
  readonly pieces: readonly Piece[];
  /** False when Python refuses the pattern behind what was read. */
  readonly complete: boolean;
}

/** Reads a pattern as far as it is well-formed. */
export function parsePattern(pattern: string): Pattern {
  const pieces: Piece[] = [];
  let at = 0;
  while (at < pattern.length) {
    const next = pattern.slice(at).search(/[{}]/u);
    if (next !== 0) {
      const end = next < 0 ? pattern.length : at + next;
      pieces.push({ type: "text", text: pattern.slice(at, end) });
      at = end;
      continue;
    }
    const bracket = pattern[at] ?? "";
    if (pattern[at + 1] === bracket) {
      pieces.push({ type: "text", text: bracket });
      at += 2;
      continue;
    }
    const end = bracket === "{" ? closing(pattern, at + 1) : -1;
    if (end < 0) return { pieces, complete: false };
    pieces.push(field(pattern.slice(at + 1, end)));
    at = end + 1;
  }
  return { pieces, complete: true };
}

/** Where the field that begins there ends; fields may lie in its specification. */
function closing(pattern: string, from: number): number {
  let depth = 1;
  let item = false;
  for (let at = from; at < pattern.length; at++) {
    const letter = pattern[at];
    if (letter === "[") item = true;
    else if (letter === "]") item = false;
    else if (item) continue;
    else if (letter === "{") depth++;
    else if (letter === "}" && --depth === 0) return at;
  }
  return -1;
}

function field(text: string): Piece {
  const name = /^(?:\[[^\]]*\]?|[^[!:])*/u.exec(text)?.[0] ?? "";
  const behind = text.slice(name.length);
  const conversion = behind.startsWith("!") ? behind.slice(1, 2) : "";
  const rest = conversion === "" ? behind : behind.slice(2);
  const argument = /^[^.[]*/u.exec(name)?.[0] ?? "";
  const steps = [...name.slice(argument.length).matchAll(/\.([^.[]*)|\[([^\]]*)\]?/gu)].map((
    [, attribute, item],
  ) => ({ attribute: attribute !== undefined, name: attribute ?? item ?? "" }));
  return { type: "field", argument, steps, conversion, specification: rest.slice(1) };
}
