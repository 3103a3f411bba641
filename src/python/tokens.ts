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
const SIGN = /->|:=|\*\*=?|\/\/=?|>>=?|<<=?|[-+*/%&|^@=!<>]=|[^\s]/y;

/** The logical lines of a source, in order. Never fails: what is no Python gives odd words. */
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

  constructor(text: string) {
    this.#text = text;
  }

  lines(): PythonLine[] {
    this.#measure();
    while (this.#at < this.#text.length) this.#step();
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
      const end = this.#text.indexOf("\n", this.#at);
      this.#at = end < 0 ? this.#text.length : end;
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
    this.#tokens.push({ kind, text, at, end: this.#at });
  }

  #string(opening: string): void {
    const prefix = opening.replace(/["']+$/u, "").toLowerCase();
    const quote = opening.slice(prefix.length);
    const from = this.#at + opening.length;
    let end = from;
    while (end < this.#text.length && !this.#text.startsWith(quote, end)) {
      if (this.#text[end] === "\\") end++;
      else if (quote.length === 1 && this.#text[end] === "\n") break;
      end++;
    }
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

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text)?.[0];
  }

  /** Counts line breaks onward from where it counted last. */
  #lineAt(at: number): number {
    for (; this.#counted < at; this.#counted++) {
      if (this.#text[this.#counted] === "\n") this.#line++;
    }
    return this.#line;
  }
}
