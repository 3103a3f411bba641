/**
 * Splits Python source into logical lines and words: what indentation, strings and brackets demand,
 * and no more. https://docs.python.org/3/reference/lexical_analysis.html
 *
 * @module
 */

/** One word. */
export interface PythonToken {
  readonly kind: "name" | "string" | "number" | "sign";
  /** As written; of a string what stands between its quotes. */
  readonly text: string;
  /** Of a string: its prefix in lower case, such as `f` or `rb`. */
  readonly prefix?: string;
  readonly at: number;
  readonly end: number;
}

/** One logical line. */
export interface PythonLine {
  /** Columns before the first word; a tab goes on to the next multiple of eight. */
  readonly indent: number;
  /** From 1. */
  readonly number: number;
  readonly tokens: readonly PythonToken[];
}

const NAME = /[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*/yu;
const NUMBER =
  /(?:0[xXoObB][\da-fA-F_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?)[jJlL]?/y;
const QUOTE = /([rRbBuUfFtT]{0,2})("""|'''|"|')/y;
/** Characters behind formatted strings that never end; only broken source has any. */
const SEARCHED_CHARACTERS = 64 * 1024 * 1024;
const LINE_END = /[\r\n]/gu;
const SIGN = /->|:=|\*\*=?|\/\/=?|>>=?|<<=?|[-+*/%&|^@=!<>]=|[^\s]/y;

/** Words of a module that are kept; those of the longest modules in use are a tenth. */
export const WORDS = 1_000_000;

/**
 * The logical lines of a source, in order. Never fails: what is no Python gives odd words, and behind
 * `WORDS` of them nothing follows.
 */
export function pythonLines(text: string): PythonLine[] {
  return new Splitter(text).lines();
}

class Splitter {
  readonly #text: string;
  readonly #lines: PythonLine[] = [];
  #tokens: PythonToken[] = [];
  #at = 0;
  #line = 1;
  #counted = 0;
  #indent = 0;
  #start = 1;
  #open = 0;
  #searched = 0;
  #words = 0;

  constructor(text: string) {
    this.#text = text;
  }

  lines(): PythonLine[] {
    this.#measure();
    while (this.#at < this.#text.length && this.#words < WORDS) this.#step();
    this.#end();
    return this.#lines;
  }

  #step(): void {
    const letter = this.#text[this.#at] ?? "";
    if (letter === "\n" || letter === "\r") {
      this.#at += letter === "\r" && this.#text[this.#at + 1] === "\n" ? 2 : 1;
      if (this.#open > 0) return;
      this.#end();
      this.#measure();
    } else if (letter === "#") {
      this.#at = this.#lineEnd(this.#at);
    } else if (letter === "\\") {
      this.#at += this.#text.startsWith("\r\n", this.#at + 1) ? 3 : 2;
    } else if (/\s/u.test(letter) || letter === "\ufeff") this.#at++;
    else if (letter === ";" && this.#open === 0) {
      this.#at++;
      this.#end();
    } else this.#word();
  }

  /** Counts the columns before a line. */
  #measure(): void {
    let column = 0;
    for (; this.#at < this.#text.length; this.#at++) {
      const letter = this.#text[this.#at];
      if (letter === " ") column++;
      else if (letter === "\t") column = (Math.floor(column / 8) + 1) * 8;
      else if (letter === "\f") column = 0;
      else break;
    }
    this.#indent = column;
  }

  #end(): void {
    if (this.#tokens.length === 0) return;
    this.#lines.push({ indent: this.#indent, number: this.#start, tokens: this.#tokens });
    this.#tokens = [];
    this.#open = 0;
  }

  #word(): void {
    this.#words++;
    if (this.#tokens.length === 0) this.#start = this.#lineAt(this.#at);
    const quote = this.#match(QUOTE);
    if (quote !== undefined) return this.#string(quote);
    const name = this.#match(NAME);
    if (name !== undefined) return this.#add("name", name);
    const number = this.#match(NUMBER);
    if (number !== undefined) return this.#add("number", number);
    const sign = this.#match(SIGN) ?? this.#text[this.#at] ?? "";
    if (sign === "(" || sign === "[" || sign === "{") this.#open++;
    else if (sign === ")" || sign === "]" || sign === "}") this.#open = Math.max(0, this.#open - 1);
    this.#add("sign", sign);
  }

  #add(kind: PythonToken["kind"], text: string): void {
    const at = this.#at;
    this.#at += text.length;
    // The parser compares identifiers in this form: "ſystem" is "system".
    const plain = kind === "name" ? text.normalize("NFKC") : text;
    this.#tokens.push({ kind, text: plain, at, end: this.#at });
  }

  #string(opening: string): void {
    const prefix = opening.replace(/["']+$/u, "").toLowerCase();
    const quote = opening.slice(prefix.length);
    const from = this.#at + opening.length;
    const end = (/[ft]/u.test(prefix) ? this.#formattedEnd(from, quote) : undefined) ??
      stringEnd(this.#text, from, quote);
    const closed = this.#text.startsWith(quote, end) ? quote.length : 0;
    const at = this.#at;
    this.#at = Math.min(end + closed, this.#text.length);
    this.#tokens.push({
      kind: "string",
      text: this.#text.slice(from, end),
      prefix,
      at,
      end: this.#at,
    });
  }

  /** Where a formatted string ends; undefined where it does not, or too much was searched in vain. */
  #formattedEnd(from: number, quote: string): number | undefined {
    if (this.#searched > SEARCHED_CHARACTERS) return undefined;
    const end = formattedEnd(this.#text, from, quote);
    if (end === undefined) this.#searched += this.#text.length - from;
    return end;
  }

  /** A lone carriage return ends a line too, and with it a comment. */
  #lineEnd(from: number): number {
    LINE_END.lastIndex = from;
    return LINE_END.exec(this.#text)?.index ?? this.#text.length;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text)?.[0];
  }

  /** Counts line breaks onward from where it counted last. */
  #lineAt(at: number): number {
    for (; this.#counted < at; this.#counted++) {
      const letter = this.#text[this.#counted];
      if (letter === "\n" && this.#text[this.#counted - 1] !== "\r") this.#line++;
      else if (letter === "\r") this.#line++;
    }
    return this.#line;
  }
}

/** Where the quote stands that closes a string; the end of the line where none does. */
function stringEnd(text: string, from: number, quote: string): number {
  let end = from;
  while (end < text.length && !text.startsWith(quote, end)) {
    if (text[end] === "\\") end++;
    else if (quote.length === 1 && isLineBreak(text[end])) break;
    end++;
  }
  return end;
}

/** The same for a formatted string: within braces any quote begins a string, since Python 3.12. */
function formattedEnd(text: string, from: number, quote: string): number | undefined {
  let depth = 0;
  let end = from;
  while (end < text.length) {
    const letter = text[end];
    if (depth === 0 && text.startsWith(quote, end)) return end;
    if (depth === 0 && text.startsWith("{{", end)) end++;
    else if (letter === "{") depth++;
    else if (letter === "}") depth = Math.max(0, depth - 1);
    else if (letter === "\\") end++;
    else if (depth === 0 && quote.length === 1 && isLineBreak(letter)) return end;
    else if (depth > 0 && (letter === '"' || letter === "'")) {
      const inner = text.startsWith(letter.repeat(3), end) ? letter.repeat(3) : letter;
      end = stringEnd(text, end + inner.length, inner) + inner.length - 1;
    }
    end++;
  }
  return undefined;
}

/** What stands between the braces of a formatted string, with where it begins. */
export function replacementFields(
  text: string,
): { readonly inside: string; readonly at: number }[] {
  const fields: { readonly inside: string; readonly at: number }[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (depth === 0 && text.startsWith("{{", at)) at++;
    else if (text[at] === "{" && depth++ === 0) start = at + 1;
    else if (text[at] === "}" && depth > 0 && --depth === 0) {
      fields.push({ inside: text.slice(start, at), at: start });
    }
  }
  return fields;
}

function isLineBreak(letter: string | undefined): boolean {
  return letter === "\n" || letter === "\r";
}
