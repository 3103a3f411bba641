/**
 * Splits Python source into tokens, as CPython's tokenizer does (`Parser/tokenizer.c`,
 * https://docs.python.org/3/reference/lexical_analysis.html). Tokens are kept in typed arrays, so that
 * a source of any kind costs six bytes a token.
 *
 * @module
 */

import { NAME_CHARACTERS } from "./escapes.ts";

/** Kinds of tokens. */
export const TOKEN = {
  end: 0,
  newline: 1,
  indent: 2,
  dedent: 3,
  name: 4,
  number: 5,
  string: 6,
  sign: 7,
  /** What no Python reads: an unknown character, a string that does not end. */
  error: 8,
} as const;

/** Brackets within each other: `MAXLEVEL` of CPython's tokenizer. The deepest seen has 26. CWE-674. */
const BRACKETS = 200;
/** Indents within each other: `MAXINDENT` of CPython's tokenizer. The deepest seen has 11. CWE-674. */
const INDENTS = 100;
/** Formatted strings within each other, each read once more; CPython reads 150, people write 2. CWE-407. */
const FORMATTED = 6;
/** Tokens of one source. The longest generated modules in use have 2 million. CWE-770. */
const TOKENS = 9_000_000;
/** Characters of a token from which on its length stands apart. */
const LONG = 255;
/** Tokens between two checks of the deadline. */
const DEADLINE_TOKENS = 65_536;
/** Characters between two looks at the deadline, where there are few tokens. */
const DEADLINE_CHARACTERS = 65_536;

const NAME = /[\p{XID_Start}_]\p{XID_Continue}*/yu;
const ASCII_NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER =
  /(?:0[xX](?:_?[\da-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|(?:\d(?:_?\d)*\.?(?:\d(?:_?\d)*)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d(?:_?\d)*)?)[jJlL]?/y;
const PREFIX = /(?:[rR][bBfFtT]?|[bB][rR]?|[uU][rR]?|[fFtT][rR]?)?["']/y;
const SIGNS =
  /\*\*=|\/\/=|>>=|<<=|\.\.\.|->|:=|\*\*|\/\/|>>|<<|<>|[-+*/%&|^@=!<>]=|[-+*/%&|^@=<>()[\]{},:;.~`]/y;

/** Tokens of a source. */
export class Tokens {
  readonly text: string;
  kinds: Uint8Array;
  starts: Uint32Array;
  #lengths: Uint8Array;
  /** Lengths that a byte does not hold. */
  #long: Map<number, number> | undefined;
  count = 0;
  #blocks: Map<number, number> | undefined;
  /** What no Python accepts: where it is, and what. The tokens before it are as they are. */
  error: { readonly at: number; readonly reason: string } | undefined;
  /** True when not all of it was read: more tokens than a source may have, or deeper formatted strings. */
  cut = false;

  /**
   * Reads all tokens of a source.
   *
   * @param checkDeadline called now and then; what it throws ends the reading
   * @param spare tokens that are needed no more, whose memory is used again
   */
  constructor(text: string, checkDeadline: () => void, spare?: Tokens) {
    this.text = text;
    // How many there are is seen from the first of them.
    const room = Math.min(4096, Math.max(64, text.length >> 2));
    this.kinds = spare?.kinds ?? new Uint8Array(room);
    this.starts = spare?.starts ?? new Uint32Array(room);
    this.#lengths = spare === undefined ? new Uint8Array(room) : spare.#lengths;
    this.#read(checkDeadline);
    // What the memory held before is none of its tokens.
    if (spare !== undefined) this.kinds.fill(TOKEN.end, this.count, this.count + 8);
  }

  /** The index of the dedent that ends the block which an indent begins. */
  blockEnd(indent: number): number {
    return this.#blocks?.get(indent) ?? this.count - 1;
  }

  /** The text of a token as it is written. */
  written(index: number): string {
    return this.text.slice(this.starts[index], this.end(index));
  }

  /** Where a token ends; 0 for one that there is not. */
  end(index: number): number {
    const length = this.#lengths[index] ?? 0;
    return (this.starts[index] ?? 0) + (length < LONG ? length : this.#long?.get(index) ?? 0);
  }

  #add(kind: number, start: number, end: number): void {
    if (this.count === this.kinds.length) {
      // As many as the rest of the text takes if it goes on like that.
      const alike = Math.ceil(this.count * (this.text.length / Math.max(1, start)) * 1.02);
      const room = Math.min(TOKENS + 16, Math.max(alike, Math.ceil(this.count * 1.25)) + 16);
      this.kinds = grown(this.kinds, new Uint8Array(room));
      this.starts = grown(this.starts, new Uint32Array(room));
      this.#lengths = grown(this.#lengths, new Uint8Array(room));
    }
    this.kinds[this.count] = kind;
    this.starts[this.count] = start;
    const length = end - start;
    this.#lengths[this.count] = Math.min(length, LONG);
    if (length >= LONG) (this.#long ??= new Map()).set(this.count, length);
    this.count++;
  }

  #read(checkDeadline: () => void): void {
    const { text } = this;
    const indents = [0];
    const opened: number[] = [];
    let brackets = 0;
    let at = text.startsWith("\ufeff") ? 1 : 0;
    let lineStart = true;
    let nextLook = DEADLINE_TOKENS;
    let nextPlace = DEADLINE_CHARACTERS;
    const fail = (reason: string): void => {
      this.error ??= { at, reason };
      this.#add(TOKEN.error, at, at);
    };
    while (at < text.length) {
      if (at >= nextPlace) {
        checkDeadline();
        nextPlace = at + DEADLINE_CHARACTERS;
      }
      if (this.count >= nextLook) {
        checkDeadline();
        nextLook = this.count + DEADLINE_TOKENS;
        if (this.count >= TOKENS) {
          this.cut = true;
          break;
        }
      }
      if (lineStart && brackets === 0) {
        const line = indentAt(text, at);
        at = line.end;
        if (at >= text.length) break;
        if (isBreak(text.charCodeAt(at)) || text[at] === "#") {
          at = afterLine(text, at);
          continue;
        }
        lineStart = false;
        const top = indents[indents.length - 1] ?? 0;
        if (line.column > top) {
          if (indents.length >= INDENTS) {
            fail("too many levels of indentation");
            break;
          }
          indents.push(line.column);
          opened.push(this.count);
          this.#add(TOKEN.indent, at, at);
        } else if (line.column < top) {
          while (line.column < (indents[indents.length - 1] ?? 0)) {
            indents.pop();
            this.#close(opened.pop() ?? 0);
            this.#add(TOKEN.dedent, at, at);
          }
          if (line.column !== indents[indents.length - 1]) {
            this.error ??= { at, reason: "unindent does not match any outer indentation level" };
          }
        }
      }
      const code = text.charCodeAt(at);
      if (code === 32 || code === 9 || code === 12) at++;
      else if (isBreak(code)) {
        const next = code === 13 && text.charCodeAt(at + 1) === 10 ? at + 2 : at + 1;
        if (brackets === 0) {
          this.#add(TOKEN.newline, at, next);
          lineStart = true;
        }
        at = next;
      } else if (code === 35) at = lineEnd(text, at);
      else if (code === 92) {
        const next = afterBreak(text, at + 1);
        if (next === undefined) {
          fail("unexpected character after line continuation character");
          at++;
        } else at = next;
      } else {
        const start = at;
        const end = this.#word(code, at);
        if (end === undefined) {
          fail("invalid character");
          at = start + 1;
          continue;
        }
        at = end;
        if (code === 40 || code === 91 || code === 123) {
          if (++brackets > BRACKETS) {
            fail("too many nested parentheses");
            break;
          }
        } else if ((code === 41 || code === 93 || code === 125) && --brackets < 0) {
          this.error ??= { at: start, reason: "unmatched bracket" };
          brackets = 0;
        }
      }
    }
    if (brackets > 0 && !this.cut) {
      this.error ??= { at: text.length, reason: "a bracket was never closed" };
    }
    const last = this.kinds[this.count - 1];
    if (this.count > 0 && last !== TOKEN.newline) this.#add(TOKEN.newline, at, at);
    while (opened.length > 0) {
      this.#close(opened.pop() ?? 0);
      this.#add(TOKEN.dedent, at, at);
    }
    this.#add(TOKEN.end, at, at);
  }

  #close(indent: number): void {
    (this.#blocks ??= new Map()).set(indent, this.count);
  }

  /** Adds the word at a place and gives where it ends; undefined for what is none. */
  #word(code: number, at: number): number | undefined {
    const { text } = this;
    if (code === 34 || code === 39 || isPrefix(code)) {
      PREFIX.lastIndex = at;
      if (PREFIX.test(text)) return this.#string(at, PREFIX.lastIndex - 1);
    }
    if ((code >= 97 && code <= 122) || (code >= 65 && code <= 90) || code === 95 || code > 127) {
      const pattern = code > 127 ? NAME : ASCII_NAME;
      pattern.lastIndex = at;
      if (!pattern.test(text)) return undefined;
      let end = pattern.lastIndex;
      if (text.charCodeAt(end) > 127 && pattern !== NAME) {
        NAME.lastIndex = at;
        if (NAME.test(text)) end = NAME.lastIndex;
      }
      this.#add(TOKEN.name, at, end);
      return end;
    }
    const digit = (each: number): boolean => each >= 48 && each <= 57;
    if (digit(code) || (code === 46 && digit(text.charCodeAt(at + 1)))) {
      NUMBER.lastIndex = at;
      const end = NUMBER.test(text) ? NUMBER.lastIndex : at + 1;
      // Python 2 writes octal numbers with a leading zero, which the pattern takes too.
      this.#add(TOKEN.number, at, end);
      return end;
    }
    SIGNS.lastIndex = at;
    if (!SIGNS.test(text)) return undefined;
    this.#add(TOKEN.sign, at, SIGNS.lastIndex);
    return SIGNS.lastIndex;
  }

  #string(at: number, quoteAt: number): number | undefined {
    const found = stringEnd(this.text, at, quoteAt, { depth: 0 });
    if (found.cut) this.cut = true;
    if (found.end === undefined) {
      this.error ??= { at, reason: "unterminated string literal" };
      this.#add(TOKEN.error, at, found.stopped);
      return found.stopped;
    }
    this.#add(TOKEN.string, at, found.end);
    return found.end;
  }
}

/** Where a string ends, or where the search for its end stopped. */
interface StringEnd {
  readonly end: number | undefined;
  readonly stopped: number;
  readonly cut?: boolean;
}

interface Nesting {
  readonly depth: number;
  /** Gathers the fields of the outermost string. */
  readonly fields?: FormattedField[];
}

function stringEnd(text: string, at: number, quoteAt: number, nesting: Nesting): StringEnd {
  const quote = text[quoteAt] ?? "";
  const code = text.charCodeAt(quoteAt);
  const triple = text.charCodeAt(quoteAt + 1) === code && text.charCodeAt(quoteAt + 2) === code;
  const from = quoteAt + (triple ? 3 : 1);
  let [formatted, raw] = [false, false];
  for (let each = at; each < quoteAt; each++) {
    const letter = text.charCodeAt(each) | 32;
    // f, t, r
    formatted ||= letter === 102 || letter === 116;
    raw ||= letter === 114;
  }
  if (formatted) {
    const { depth, fields } = nesting;
    return formattedEnd(text, from, { quote, triple, raw, depth, ...(fields && { fields }) });
  }
  const end = triple ? tripleEnd(text, from, quote) : singleEnd(text, from, quote);
  if (end !== undefined) return { end, stopped: end };
  return { end: undefined, stopped: triple ? text.length : lineEnd(text, from) };
}

function singleEnd(text: string, from: number, quote: string): number | undefined {
  const wanted = quote.charCodeAt(0);
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === wanted) return at + 1;
    if (code === 92) {
      if (text.charCodeAt(at + 1) === 13 && text.charCodeAt(at + 2) === 10) at++;
      at++;
    } else if (isBreak(code)) return undefined;
  }
  return undefined;
}

function tripleEnd(text: string, from: number, quote: string): number | undefined {
  const wanted = quote.charCodeAt(0);
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 92) at++;
    else if (
      code === wanted && text.charCodeAt(at + 1) === wanted && text.charCodeAt(at + 2) === wanted
    ) return at + 3;
  }
  return undefined;
}

interface FormattedQuote extends Nesting {
  readonly quote: string;
  readonly triple: boolean;
  readonly raw: boolean;
}

/**
 * Where a formatted string ends, as Python reads it since 3.12: within braces any quote begins a
 * string (PEP 701). What earlier ones accept ends at the same place.
 */
function formattedEnd(text: string, from: number, opening: FormattedQuote): StringEnd {
  const { quote, triple, raw, depth } = opening;
  if (depth >= FORMATTED) return { end: undefined, stopped: text.length, cut: true };
  const closing = triple ? quote.repeat(3) : quote;
  // For each open field its brackets, or -1 while its format is read.
  const fields: number[] = [];
  const starts: number[] = [];
  let converted = false;
  const note = (to: number): void => {
    opening.fields?.push({ from: starts.at(-1) ?? to, to, outer: fields.length === 1 });
  };
  for (let at = from; at < text.length;) {
    const letter = text[at] ?? "";
    const brackets = fields.at(-1);
    if (brackets === undefined || brackets < 0) {
      if (brackets === undefined || !triple) {
        if (text.startsWith(closing, at)) return { end: at + closing.length, stopped: at };
      }
      if (letter === "\\" && !raw) {
        // \N{…} is no field.
        if (text.startsWith("N{", at + 1)) {
          at = Math.max(at + text.slice(at, at + NAME_CHARACTERS).indexOf("}"), at + 2);
        }
        at += 2;
      } else if (letter === "\\") at += text[at + 1] === "{" || text[at + 1] === "}" ? 1 : 2;
      else if (letter === "{" && text[at + 1] === "{" && brackets === undefined) at += 2;
      else if (letter === "{") {
        fields.push(0);
        starts.push(++at);
      } else if (letter === "}") {
        if (brackets !== undefined) {
          fields.pop();
          starts.pop();
        }
        at++;
      } else if (!triple && isBreak(text.charCodeAt(at))) return { end: undefined, stopped: at };
      else at++;
      continue;
    }
    if (letter === "'" || letter === '"') {
      let start = at;
      while (start > from && at - start < 2 && isPrefix(text.charCodeAt(start - 1))) start--;
      const inner = stringEnd(text, start, at, { depth: depth + 1 });
      if (inner.end === undefined) return inner;
      at = inner.end;
    } else if (letter === "#") at = lineEnd(text, at);
    else if (letter === "(" || letter === "[" || letter === "{") {
      fields[fields.length - 1] = brackets + 1;
      at++;
    } else if (brackets > 0 && (letter === ")" || letter === "]" || letter === "}")) {
      fields[fields.length - 1] = brackets - 1;
      at++;
    } else if (letter === "}") {
      if (!converted) note(at);
      converted = false;
      fields.pop();
      starts.pop();
      at++;
    } else if (brackets === 0 && letter === ":") {
      if (!converted) note(at);
      converted = false;
      fields[fields.length - 1] = -1;
      at++;
    } else if (brackets === 0 && letter === "!" && text[at + 1] !== "=") {
      note(at);
      converted = true;
      at++;
    } else at++;
    if (fields.length > BRACKETS) return { end: undefined, stopped: text.length };
  }
  return { end: undefined, stopped: text.length };
}

/** A field of a formatted string, or of the format of one. */
interface FormattedField {
  /** Where its expression begins. */
  readonly from: number;
  /** Where its expression ends: before `!r`, the format, or the brace. */
  readonly to: number;
  /** False for one inside the format of another. */
  readonly outer: boolean;
}

/**
 * The fields of a formatted string.
 *
 * @param at where its prefix begins
 */
export function formattedFields(text: string, at: number): readonly FormattedField[] {
  PREFIX.lastIndex = at;
  if (!PREFIX.test(text)) return [];
  const fields: FormattedField[] = [];
  stringEnd(text, at, PREFIX.lastIndex - 1, { depth: 0, fields });
  return fields.sort((a, b) => a.from - b.from);
}

function isPrefix(code: number): boolean {
  const small = code | 32;
  // b f r t u
  return small === 98 || small === 102 || small === 114 || small === 116 || small === 117;
}

function isBreak(code: number): boolean {
  return code === 10 || code === 13;
}

/** Where a line ends, before its break; a lone carriage return ends one too. */
function lineEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && !isBreak(text.charCodeAt(at))) at++;
  return at;
}

function afterLine(text: string, from: number): number {
  const end = lineEnd(text, from);
  return afterBreak(text, end) ?? end;
}

/** Where the next line begins, when a break stands at a place. */
function afterBreak(text: string, at: number): number | undefined {
  const code = text.charCodeAt(at);
  if (code === 10) return at + 1;
  if (code !== 13) return undefined;
  return text.charCodeAt(at + 1) === 10 ? at + 2 : at + 1;
}

/** Columns before the first word of a line, tabs to the next multiple of eight. */
function indentAt(text: string, from: number): { readonly column: number; readonly end: number } {
  let column = 0;
  let at = from;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 32) column++;
    else if (code === 9) column = (Math.floor(column / 8) + 1) * 8;
    else if (code === 12) column = 0;
    else if (code === 92 && afterBreak(text, at + 1) !== undefined) {
      // A continued line has the indent of its first part.
      let next = afterBreak(text, at + 1) ?? at + 1;
      while (" \t\f".includes(text[next] ?? "x")) next++;
      return { column, end: next };
    } else break;
  }
  return { column, end: at };
}

function grown<T extends Uint8Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
