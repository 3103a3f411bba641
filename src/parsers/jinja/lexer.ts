/**
 * Splits a Jinja template into text and tags, and tags into tokens, as `jinja2/lexer.py` does with the
 * delimiters that every loader of chat templates uses. Nothing is rendered here or anywhere.
 * https://jinja.palletsprojects.com/en/stable/templates/
 *
 * @module
 */

/** One word of a tag. */
export interface Token {
  readonly kind: "name" | "string" | "number" | "sign";
  /** As written; of a string its value. */
  readonly text: string;
  readonly at: number;
  readonly end: number;
}

/** A piece of a template, in order. */
export type Segment =
  | {
    readonly kind: "data";
    readonly text: string;
    /** What is left of it, for each of {@linkcode SPACINGS}. */
    readonly texts: readonly string[];
    readonly at: number;
  }
  | {
    readonly kind: "output" | "statement";
    readonly tokens: readonly Token[];
    readonly at: number;
    readonly end: number;
    /** False when the tag does not end, or holds what is no token. */
    readonly complete: boolean;
  };

/** A template in pieces. */
interface Lexed {
  readonly segments: readonly Segment[];
  readonly errors: readonly { readonly at: number; readonly detail: string }[];
}

/**
 * How renderers treat white space between text and tags: as it is written; with `trim_blocks` and
 * `lstrip_blocks`, as transformers and llama-cpp-python do; and with none left, which stands for others.
 */
export const SPACINGS = 3;

const OPENING = /\{(?:\{|%|#)/g;
const RAW = /[-+]?\s*raw\s*-?%\}/y;
const RAW_END = /\{%[-+]?\s*endraw\s*[-+]?%\}/g;

const SPACE = /\s+/y;
const NAME = /[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*/yu;
const NUMBER =
  /(?:0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[\da-fA-F])+|\d(?:_?\d)*(?:\.\d(?:_?\d)*)?(?:[eE][+-]?\d(?:_?\d)*)?)/y;
const STRING = /'(?:[^'\\]|\\[^])*'|"(?:[^"\\]|\\[^])*"/y;
const SIGN = /\/\/|\*\*|==|!=|>=|<=|[-+/*%~[\](){}<>=.:|,;]/y;
const CLOSING: Readonly<Record<string, RegExp>> = {
  output: /-?\}\}/y,
  statement: /[-+]?%\}/y,
};
const BRACKETS: Readonly<Record<string, string>> = { ")": "(", "]": "[", "}": "{" };

/** Splits a template; never fails. */
export function lex(template: string): Lexed {
  const segments: Segment[] = [];
  const errors: { at: number; detail: string }[] = [];
  let before: Edge = START;
  const data = (from: number, to: number, behind: Edge): void => {
    const text = template.slice(from, to);
    if (to > from) {
      segments.push({ kind: "data", text, texts: spaced(text, before, behind), at: from });
    }
  };
  let at = 0;
  while (at < template.length) {
    OPENING.lastIndex = at;
    const opening = OPENING.exec(template);
    if (opening === null) break;
    data(at, opening.index, edge(template, opening.index, 1));
    const inside = opening.index + 2;
    if (opening[0] === "{#") {
      const end = template.indexOf("#}", inside);
      if (end < 0) errors.push({ at: opening.index, detail: "A comment does not end" });
      at = end < 0 ? template.length : end + 2;
      before = edge(template, at, -1);
      continue;
    }
    RAW.lastIndex = inside;
    const raw = opening[0] === "{%" ? RAW.exec(template) : null;
    if (raw !== null) {
      RAW_END.lastIndex = inside + raw[0].length;
      const end = RAW_END.exec(template);
      if (end === null) errors.push({ at: opening.index, detail: "A raw block does not end" });
      before = edge(template, inside + raw[0].length, -1);
      const last = end?.index ?? template.length;
      data(inside + raw[0].length, last, end === null ? START : edge(template, last, 1));
      at = end === null ? template.length : end.index + end[0].length;
      before = edge(template, at, -1);
      continue;
    }
    const kind = opening[0] === "{{" ? "output" : "statement";
    const tag = lexTag(template, inside, kind);
    if (tag.error !== undefined) errors.push(tag.error);
    const complete = tag.error === undefined;
    segments.push({
      kind,
      tokens: tag.tokens,
      at: opening.index,
      end: tag.end,
      complete,
    });
    at = tag.end;
    before = edge(template, at, -1);
  }
  data(at, template.length, START);
  return { segments, errors };
}

/** A tag's end that a text touches. */
interface Edge {
  /** True for a statement or a comment, false for an output and for the template's own ends. */
  readonly block: boolean;
  readonly sign: string;
}

const START: Edge = { block: false, sign: "" };

/** The end of a tag that begins (1) or has ended (-1) there. */
function edge(template: string, at: number, side: 1 | -1): Edge {
  const bracket = side > 0 ? template[at + 1] : template[at - 2];
  const sign = (side > 0 ? template[at + 2] : template[at - 3]) ?? "";
  return {
    block: bracket === "%" || bracket === "#",
    sign: sign === "-" || sign === "+" ? sign : "",
  };
}

/** A text by each of {@linkcode SPACINGS}. */
function spaced(text: string, before: Edge, behind: Edge): readonly string[] {
  let plain = text;
  if (before.sign === "-") plain = plain.trimStart();
  if (behind.sign === "-") plain = plain.trimEnd();
  let trimmed = plain;
  if (before.block && before.sign === "") trimmed = trimmed.replace(/^\r?\n/u, "");
  if (behind.block && behind.sign === "") trimmed = withoutIndent(trimmed, before === START);
  return [plain, trimmed, text.trim()];
}

/** Spaces and tabs between the start of the last line and the tag behind it are cut off. */
function withoutIndent(text: string, first: boolean): string {
  const line = text.lastIndexOf("\n") + 1;
  if (line === 0 && !first) return text;
  return /^[ \t]*$/u.test(text.slice(line)) ? text.slice(0, line) : text;
}

interface Tag {
  readonly tokens: Token[];
  readonly end: number;
  readonly error: { readonly at: number; readonly detail: string } | undefined;
}

/** The words of one tag. A sign that closes the tag does not while a bracket is open. */
function lexTag(template: string, start: number, kind: "output" | "statement"): Tag {
  const tokens: Token[] = [];
  const open: string[] = [];
  let error: Tag["error"];
  let at = start + (/[-+]/.test(template[start] ?? "") ? 1 : 0);
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(template)?.[0];
  };
  while (at < template.length) {
    const closing = CLOSING[kind];
    const closed = open.length === 0 && closing !== undefined ? match(closing) : undefined;
    if (closed !== undefined) return { tokens, end: at + closed.length, error };
    const space = match(SPACE);
    if (space !== undefined) {
      at += space.length;
      continue;
    }
    const token = tokenAt(match, at);
    if (token === undefined && `'"`.includes(template[at] ?? "")) {
      return { tokens, end: template.length, error: { at, detail: "A string does not end" } };
    }
    if (token === undefined) {
      error ??= { at, detail: `A tag holds ${JSON.stringify(template[at])}` };
      at++;
      continue;
    }
    if (token.kind === "sign") {
      if ("([{".includes(token.text)) open.push(token.text);
      else if (BRACKETS[token.text] !== undefined && open.at(-1) === BRACKETS[token.text]) {
        open.pop();
      }
    }
    tokens.push(token);
    at = token.end;
  }
  error ??= { at: start - 2, detail: "A tag does not end" };
  return { tokens, end: template.length, error };
}

function tokenAt(match: (pattern: RegExp) => string | undefined, at: number): Token | undefined {
  const name = match(NAME);
  if (name !== undefined) return { kind: "name", text: name, at, end: at + name.length };
  const number = match(NUMBER);
  if (number !== undefined) return { kind: "number", text: number, at, end: at + number.length };
  const string = match(STRING);
  if (string !== undefined) {
    return { kind: "string", text: unescape(string.slice(1, -1)), at, end: at + string.length };
  }
  const sign = match(SIGN);
  return sign === undefined ? undefined : { kind: "sign", text: sign, at, end: at + sign.length };
}

const ESCAPE =
  /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|N\{([^}]*)\}|([0-7]{1,3})|([^]))/gu;
const SIMPLE: Readonly<Record<string, string>> = {
  "\n": "",
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};
/** Named characters of which Python names are made; others stay as they are. */
const NAMED: Readonly<Record<string, string>> = { "LOW LINE": "_", "FULL STOP": ".", SPACE: " " };

/** The value of a string's inside: Jinja decodes it as Python's `unicode-escape`. */
function unescape(body: string): string {
  if (!body.includes("\\")) return body;
  return body.replace(ESCAPE, (all, hex, short, long, named, octal, simple) => {
    const digits: string | undefined = hex ?? short ?? long;
    if (digits !== undefined) {
      const code = parseInt(digits, 16);
      return code > 0x10ffff ? all : String.fromCodePoint(code);
    }
    if (named !== undefined) {
      const upper = String(named).toUpperCase();
      const letter = /^LATIN (SMALL|CAPITAL) LETTER ([A-Z])$/u.exec(upper);
      if (letter !== null) {
        return letter[1] === "SMALL" ? String(letter[2]).toLowerCase() : letter[2];
      }
      return NAMED[upper] ?? all;
    }
    if (octal !== undefined) return String.fromCodePoint(parseInt(octal, 8));
    return simple === "\\" || simple === "'" || simple === '"' ? simple : SIMPLE[simple] ?? all;
  });
}
