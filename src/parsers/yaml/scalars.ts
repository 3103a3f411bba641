/**
 * The scalars of YAML as PyYAML reads them: plain, in single and double quotes, literal and folded.
 * Tolerant where a loader would stop: what is wrong is said, and what stands there is handed out.
 * https://yaml.org/spec/1.1/#id903915
 *
 * @module
 */

/** A scalar, and what is wrong with it. */
export interface Scalar {
  readonly value: string;
  /** The character behind it. */
  readonly end: number;
  readonly error: string | undefined;
}

/** Line breaks of YAML 1.1. */
const BREAK = "\\r\\n|[\\r\\n\\x85\\u2028\\u2029]";
const BREAKS = new RegExp(`(?<![ \\t])[ \\t]*(?:(?:${BREAK})[ \\t]*)+`, "gu");
const ONE_BREAK = new RegExp(BREAK, "gu");

/** Simple escapes of double quotes. */
const ESCAPES: Readonly<Record<string, string>> = {
  "0": "\0",
  a: "\x07",
  b: "\b",
  t: "\t",
  "\t": "\t",
  n: "\n",
  v: "\v",
  f: "\f",
  r: "\r",
  e: "\x1b",
  " ": " ",
  '"': '"',
  "\\": "\\",
  "/": "/",
  N: "\x85",
  _: "\xa0",
  L: "\u2028",
  P: "\u2029",
};

/** A line break folds to a space, several to one break less; separators of Unicode stay. */
function folded(text: string): string {
  return text.replace(BREAKS, (all) => {
    const breaks = (all.match(ONE_BREAK) ?? []).map((one) =>
      /[\u2028\u2029]/u.test(one) ? one : "\n"
    );
    const [first = "\n", ...others] = breaks;
    if (first !== "\n") return breaks.join("");
    return others.length === 0 ? " " : others.join("");
  });
}

/**
 * A scalar in quotes.
 *
 * @param at of the opening quote
 * @returns undefined when it is never closed
 */
export function quotedScalar(text: string, at: number): Scalar | undefined {
  const single = text[at] === "'";
  let end = at + 1;
  for (;; end++) {
    const letter = text[end];
    if (letter === undefined) return undefined;
    if (!single && letter === "\\") end++;
    else if (single && letter === "'" && text[end + 1] === "'") end++;
    else if (letter === (single ? "'" : '"')) break;
  }
  const inside = text.slice(at + 1, end);
  // A line break that is escaped, and what is white around it, is nothing at all.
  const parts = single ? [inside] : inside.split(ESCAPE);
  const marker = /[\r\n\x85\u2028\u2029](?:---|\.\.\.)(?:\s|$)/u.test(inside);
  let error = marker ? "A quoted scalar has a document's marker in it" : undefined;
  const value = parts.map((part, index) => {
    if (index % 2 === 0) return single ? folded(part).replaceAll("''", "'") : folded(part);
    const meant = unescape(part);
    if (meant === undefined) error ??= "A quoted scalar has an escape that YAML does not know";
    return meant ?? part.slice(1);
  }).join("");
  return { value, end: end + 1, error };
}

const ESCAPE = new RegExp(
  `(\\\\(?:x[\\da-fA-F]{2}|u[\\da-fA-F]{4}|U[\\da-fA-F]{8}|(?:${BREAK})(?:[ \\t]|${BREAK})*|[^]))`,
  "u",
);

function unescape(written: string): string | undefined {
  const [, letter = ""] = written;
  if (/[\r\n\x85\u2028\u2029]/u.test(letter)) {
    // The first break is nothing, each further one stays.
    return "\n".repeat(Math.max(0, (written.match(ONE_BREAK)?.length ?? 1) - 1));
  }
  if (written.length === 2) return Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
  const code = parseInt(written.slice(2), 16);
  return code > 0x10ffff ? undefined : String.fromCodePoint(code);
}

/** `|` or `>`, indentation and chomping in either order, a comment. */
const HEADER = new RegExp(
  `[|>](?:([-+])([1-9])?|([1-9])([-+])?)?[ \\t]*(?:#[^\\r\\n\\x85\\u2028\\u2029]*)?(?:${BREAK}|$)`,
  "uy",
);
const LINE = new RegExp(`([^\\r\\n\\x85\\u2028\\u2029]*)(${BREAK}|$)`, "uy");

/**
 * A literal or folded scalar.
 *
 * @param at of its `|` or `>`
 * @param parent column of the enclosing collection; -1 for a document
 */
export function blockScalar(text: string, at: number, parent: number): Scalar {
  HEADER.lastIndex = at;
  const header = HEADER.exec(text);
  const least = Math.max(1, parent + 1);
  const error = header === null ? "A block scalar begins with what is no header" : undefined;
  LINE.lastIndex = at;
  const first = header?.[0] ?? LINE.exec(text)?.[0] ?? "";
  let from = at + first.length;
  const digit = header?.[2] ?? header?.[3];
  let indent = digit === undefined ? undefined : least + Number(digit) - 1;
  const lines: string[] = [];
  let ended = 0;
  while (from < text.length) {
    LINE.lastIndex = from;
    const [all = "", line = ""] = LINE.exec(text) ?? [];
    const spaces = line.search(/[^ ]|$/u);
    if (indent === undefined && spaces < line.length) indent = Math.max(least, spaces);
    const blank = spaces === line.length;
    if (!blank && spaces < (indent ?? least)) break;
    lines.push(blank ? line.slice(indent ?? line.length) : line.slice(indent));
    from += all.length;
    if (all.length > line.length) ended = lines.length;
    if (all.length === line.length) break;
  }
  const last = lines.findLastIndex((line) => line !== "");
  const kept = lines.slice(0, last + 1);
  const strips = (header?.[1] ?? header?.[4]) === "-";
  const ending = kept.length === 0 || strips || kept.length > ended ? "" : "\n";
  const body = text[at] === ">" ? foldedLines(kept) : kept.join("\n");
  return { value: body + ending, end: Math.max(from, at + 1), error };
}

/** Lines join by a space; blank lines between them and lines that are indented further stay. */
function foldedLines(lines: readonly string[]): string {
  let body = "";
  let words: string | undefined;
  lines.forEach((line, at) => {
    const before = lines[at - 1] ?? "";
    const loose = line !== "" && !isIndented(line) && words !== undefined && !isIndented(words);
    if (at > 0 && loose) body += before === "" ? "" : " ";
    else if (at > 0) body += "\n";
    body += line;
    if (line !== "") words = line;
  });
  return body;
}

function isIndented(line: string): boolean {
  return line.startsWith(" ") || line.startsWith("\t");
}

const PLAIN_WORD = /(?:[^\s\x85:#]|:(?![\s\x85]|$)|(?<![\s\x85])#)+/uy;
const PLAIN_WORD_IN_FLOW = /(?:[^\s\x85:#,?[\]{}]|:(?![\s\x85,[\]{}]|$)|(?<![\s\x85])#)+/uy;
const WHITE = new RegExp(`[ \\t]*(?:(?:${BREAK})[ \\t]*)*`, "uy");

/**
 * A plain scalar, which may span lines.
 *
 * @param at of its first character
 * @param parent column of the enclosing block, which further lines must exceed
 * @param flow true within brackets
 */
export function plainScalar(text: string, at: number, parent: number, flow: boolean): Scalar {
  const word = flow ? PLAIN_WORD_IN_FLOW : PLAIN_WORD;
  let end = at;
  while (end < text.length) {
    let next = end;
    if (end > at) {
      WHITE.lastIndex = end;
      const white = WHITE.exec(text)?.[0] ?? "";
      next = end + white.length;
      const lastBreak = Math.max(...BREAK_CHARACTERS.map((letter) => white.lastIndexOf(letter)));
      if (lastBreak >= 0) {
        const column = white.length - lastBreak - 1;
        if (!flow && column <= parent) break;
        if (column === 0 && /^(?:---|\.\.\.)(?:\s|$)/u.test(text.slice(next, next + 4))) break;
      }
      if (next === end || text[next] === "#") break;
    }
    word.lastIndex = next;
    const read = word.exec(text)?.[0] ?? "";
    if (read === "") break;
    end = next + read.length;
  }
  if (end === at) return { value: "", end: at, error: undefined };
  return { value: folded(text.slice(at, end)), end, error: undefined };
}

const BREAK_CHARACTERS = ["\n", "\r", "\x85", "\u2028", "\u2029"];
