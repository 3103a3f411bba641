/**
 * Helpers for reading lines of Python source: where headers, brackets and lambdas end.
 *
 * @module
 */

import type { PythonLine, PythonToken } from "./tokens.ts";

/** Where the colon of a header stands; undefined when the line is none. */
export function headerEnd(tokens: readonly PythonToken[]): number | undefined {
  let depth = 0;
  for (const [at, { kind, text }] of tokens.entries()) {
    if (kind !== "sign") continue;
    if ("([{".includes(text)) depth++;
    else if (")]}".includes(text)) depth--;
    else if (text === ":" && depth === 0) return at;
  }
  return undefined;
}

/** `if __name__ == "__main__"` and `if TYPE_CHECKING` are not entered by an import. */
export function isNeverAtImport(tokens: readonly PythonToken[]): boolean {
  if (tokens[0]?.text !== "if") return false;
  const words = tokens.slice(1, headerEnd(tokens))
    .map(({ kind, text }) => kind === "string" ? JSON.stringify(text) : text).join(" ");
  return !/\bor\b|[()]/u.test(words) && words.split(" and ").some((each) => NEVER.test(each));
}

const NEVER =
  /^(?:__name__ == "__main__"|"__main__" == __name__|(?:(?:typing|typing_extensions|t|tp) \. )?TYPE_CHECKING)$/u;
/** Gives one of these names another value than it has; `TYPE_CHECKING = False` is common. */
const GIVEN =
  /(?:\b(?:TYPE_CHECKING|__name__)\s*(?::(?!=)[^=\n]*)?:?=(?!=)(?!\s*False\b)|\bas\s+(?:TYPE_CHECKING|__name__)\b|["'](?:TYPE_CHECKING|__name__)["'])/u;

/** What gives a module names by a mapping, or by somebody else's hand. */
const NAMESPACES = /\b(?:globals|locals|vars|__dict__|setattr|modules|update|__builtins__\s*\[)/u;

/** True for source in which those conditions may hold all the same. */
export function redefinesNever(text: string, lines: readonly PythonLine[]): boolean {
  if (!GIVEN.test(text)) return false;
  // An argument of that name, as of a mapping that code is run with, names nothing in this module.
  return NAMESPACES.test(text) || lines.some(({ tokens }) => GIVEN.test(withoutKeywords(tokens)));
}

/** The words of a line, but for the names of keyword arguments. */
function withoutKeywords(tokens: readonly PythonToken[]): string {
  let depth = 0;
  return tokens.map(({ kind, text }, at) => {
    if (kind === "string") return JSON.stringify(text);
    if (kind === "sign" && "([{".includes(text)) depth++;
    else if (kind === "sign" && ")]}".includes(text)) depth--;
    return depth > 0 && tokens[at + 1]?.text === "=" ? "" : text;
  }).join(" ");
}

/**
 * The text of strings that stand one after the other, or are added up, in a first argument.
 *
 * @param textOf the text that a name stands for
 */
export function constant(
  tokens: readonly PythonToken[],
  from: number,
  to: number,
  textOf: (name: string) => string | undefined = () => undefined,
): string | undefined {
  let text: string | undefined;
  for (const { kind, text: word } of tokens.slice(from, Math.min(to, from + 64))) {
    const known = kind === "string" ? word : kind === "name" ? textOf(word) : undefined;
    if (known !== undefined) text = (text ?? "") + known;
    else if (word === ",") break;
    else if (word !== "+") return undefined;
  }
  return text;
}

/** For each opening bracket the index of the one that closes it, or the number of words. */
export function closings(tokens: readonly PythonToken[]): readonly (number | undefined)[] {
  const found: (number | undefined)[] = [];
  const open: number[] = [];
  for (const [at, { kind, text }] of tokens.entries()) {
    if (kind !== "sign") continue;
    if ("([{".includes(text)) open.push(at);
    else if (")]}".includes(text)) {
      const from = open.pop();
      if (from !== undefined) found[from] = at;
    }
  }
  for (const from of open) found[from] = tokens.length;
  return found;
}

/** A lambda's body runs when it is called: from the colon to the comma or bracket behind it. */
interface Lambda {
  /** Index of the first word of the body. */
  readonly body: number;
  /** Index behind its last word. */
  readonly end: number;
}

/** Where the body of a lambda stands that begins at an index. */
export function lambdaAt(tokens: readonly PythonToken[], at: number): Lambda {
  const body = lambdaColon(tokens, at) + 1;
  const end = Math.min(lambdaEnd(tokens, at) + 1, tokens.length);
  return { body, end: Math.max(body, end) };
}

function lambdaColon(tokens: readonly PythonToken[], at: number): number {
  let depth = 0;
  for (let next = at + 1; next < tokens.length; next++) {
    const { kind, text } = tokens[next] ?? { kind: "sign", text: "" };
    if (kind !== "sign") continue;
    if ("([{".includes(text)) depth++;
    else if (")]}".includes(text)) depth--;
    else if (text === ":" && depth === 0) return next;
  }
  return tokens.length;
}

function lambdaEnd(tokens: readonly PythonToken[], at: number): number {
  let depth = 0;
  let body = false;
  for (let next = at + 1; next < tokens.length; next++) {
    const { kind, text } = tokens[next] ?? { kind: "sign", text: "" };
    if (kind !== "sign") continue;
    if ("([{".includes(text)) depth++;
    else if (")]}".includes(text)) {
      if (depth-- === 0) return next - 1;
    } else if (depth === 0 && text === ":") body = true;
    else if (depth === 0 && body && text === ",") return next - 1;
  }
  return tokens.length;
}

export function split(words: readonly string[]): string[][] {
  const parts: string[][] = [[]];
  for (const word of words) {
    if (word === ",") parts.push([]);
    else parts.at(-1)?.push(word);
  }
  return parts.filter((part) => part.length > 0);
}

export function aliased(part: readonly string[]): [name: string, alias: string | undefined] {
  const as = part.indexOf("as");
  return as < 0 ? [part.join(""), undefined] : [part.slice(0, as).join(""), part[as + 1]];
}

/** Parts between signs that stand in no bracket. */
export function parted(tokens: readonly PythonToken[], sign: string): (readonly PythonToken[])[] {
  const parts: (readonly PythonToken[])[] = [];
  let depth = 0;
  let from = 0;
  for (const [at, { kind, text }] of tokens.entries()) {
    if (kind !== "sign") continue;
    if ("([{".includes(text)) depth++;
    else if (")]}".includes(text)) depth--;
    else if (text === sign && depth === 0) {
      parts.push(tokens.slice(from, at));
      from = at + 1;
    }
  }
  parts.push(tokens.slice(from));
  return parts;
}

/** Words without brackets that go around all of them. */
export function bare(tokens: readonly PythonToken[]): readonly PythonToken[] {
  let words = tokens;
  for (let depth = 0; depth < 16 && words[0]?.kind === "sign"; depth++) {
    if (!"([".includes(words[0].text) || closings(words)[0] !== words.length - 1) break;
    words = words.slice(1, -1);
  }
  return words;
}

/** Words of a part of the text as words of the whole. */
export function moved(tokens: readonly PythonToken[], by: number): PythonToken[] {
  return tokens.map((each) => ({ ...each, at: each.at + by, end: each.end + by }));
}

/** Where the text of a string begins, behind its quotes. */
export function contentAt({ at, end, text, prefix = "" }: PythonToken): number {
  const quotes = end - at - prefix.length - text.length >= 4 ? 3 : 1;
  return at + prefix.length + quotes;
}
