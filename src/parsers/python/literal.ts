/**
 * Reads Python literals, the subset of `ast.literal_eval` that file headers use: strings, numbers,
 * `True`, `False`, `None`, tuples, lists and dictionaries.
 * https://docs.python.org/3/reference/lexical_analysis.html#literals
 *
 * @module
 */

import { FormatError } from "../../core/errors.ts";
import { SIMPLE_ESCAPES } from "./escapes.ts";

/** A Python value. Integers beyond 2^53 are bigints. */
export type Literal =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly Literal[]
  | PythonTuple
  | PythonBytes
  | PythonDict;

/** A tuple; a list is an array. */
interface PythonTuple {
  readonly kind: "tuple";
  readonly items: readonly Literal[];
}

/** Bytes, one character each. */
interface PythonBytes {
  readonly kind: "bytes";
  readonly text: string;
}

/** A dictionary: pairs in order; of equal keys the last counts. */
interface PythonDict {
  readonly kind: "dict";
  readonly pairs: readonly (readonly [Literal, Literal])[];
}

/** Nested brackets; CPython's own parser fails at 200, a header has three. CWE-674. */
const DEPTH = 100;

const SPACE = /(?:[ \t\r\n\f]|\\\r?\n|#[^\n]*)+/y;
const NUMBER =
  /[+-]?\s*(?:0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|(?:\d(?:_?\d)*\.?(?:\d(?:_?\d)*)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d+)?)[lL]?/y;
const STRING = /([bBuUrR]{0,2})("""|'''|"|')/y;
const NAME = /True|False|None/y;

/**
 * The value that `text` stands for.
 *
 * @throws FormatError when it is no literal; the offset counts characters
 */
export function parseLiteral(text: string): Literal {
  const reader = new Reader(text);
  const value = reader.value(0);
  reader.end();
  return value;
}

/** The value of a key; undefined when it is not there. */
export function getItem(dict: PythonDict, key: string): Literal | undefined {
  return dict.pairs.findLast(([name]) => name === key)?.[1];
}

/** True for a dictionary. */
export function isDict(value: Literal | undefined): value is PythonDict {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "dict";
}

/** True for a tuple. */
export function isTuple(value: Literal | undefined): value is PythonTuple {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "tuple";
}

/** True for a list. */
export function isList(value: Literal | undefined): value is readonly Literal[] {
  return Array.isArray(value);
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#match(SPACE);
  }

  end(): void {
    if (this.#at < this.#text.length) throw this.#error("the end");
  }

  value(depth: number): Literal {
    if (depth > DEPTH) throw new FormatError("Cannot read literal: it nests too deep", this.#at);
    const opening = this.#text[this.#at];
    if (opening === "(") return this.#tuple(depth);
    if (opening === "[") return this.#list(depth);
    if (opening === "{") return this.#dict(depth);
    const name = this.#word(NAME);
    if (name !== undefined) return name === "None" ? null : name === "True";
    const number = this.#word(NUMBER);
    if (number !== undefined) return toNumber(number);
    return this.#string();
  }

  #tuple(depth: number): Literal {
    this.#sign("(");
    const items: Literal[] = [];
    let comma = false;
    while (this.#text[this.#at] !== ")") {
      if (items.length > 0 && !comma) throw this.#error("',' or ')'");
      items.push(this.value(depth + 1));
      comma = this.#sign(",");
    }
    this.#sign(")");
    const [only] = items;
    // Brackets around one value, without a comma, only group.
    if (items.length === 1 && only !== undefined && !comma) return only;
    return { kind: "tuple", items };
  }

  #list(depth: number): Literal {
    this.#sign("[");
    const items: Literal[] = [];
    while (this.#text[this.#at] !== "]") {
      items.push(this.value(depth + 1));
      if (!this.#sign(",") && this.#text[this.#at] !== "]") throw this.#error("',' or ']'");
    }
    this.#sign("]");
    return items;
  }

  #dict(depth: number): Literal {
    this.#sign("{");
    const pairs: [Literal, Literal][] = [];
    while (this.#text[this.#at] !== "}") {
      const key = this.value(depth + 1);
      if (!this.#sign(":")) throw this.#error("':'");
      pairs.push([key, this.value(depth + 1)]);
      if (!this.#sign(",") && this.#text[this.#at] !== "}") throw this.#error("',' or '}'");
    }
    this.#sign("}");
    return { kind: "dict", pairs };
  }

  /** Strings that stand one after the other are one. */
  #string(): Literal {
    let text = "";
    let bytes = false;
    let count = 0;
    for (;; count++) {
      STRING.lastIndex = this.#at;
      const [opening, prefix = "", quote = ""] = STRING.exec(this.#text) ?? [];
      if (opening === undefined) break;
      bytes = /b/iu.test(prefix);
      this.#at += opening.length;
      text += this.#body(quote, /r/iu.test(prefix), bytes);
      this.#match(SPACE);
    }
    if (count === 0) throw this.#error("a value");
    return bytes ? { kind: "bytes", text } : text;
  }

  #body(quote: string, raw: boolean, bytes: boolean): string {
    const start = this.#at;
    for (let at = start; at < this.#text.length; at++) {
      const character = this.#text[at];
      if (character === "\\") at++;
      else if (character === "\n" && quote.length === 1) break;
      else if (this.#text.startsWith(quote, at)) {
        this.#at = at + quote.length;
        const body = this.#text.slice(start, at);
        return raw ? body : unescape(body, bytes);
      }
    }
    throw new FormatError("Cannot read literal: a string has no end", start);
  }

  #sign(sign: string): boolean {
    if (this.#text[this.#at] !== sign) return false;
    this.#at++;
    this.#match(SPACE);
    return true;
  }

  #word(pattern: RegExp): string | undefined {
    const found = this.#match(pattern);
    if (found !== undefined) this.#match(SPACE);
    return found;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #error(expected: string): FormatError {
    const found = this.#text[this.#at];
    return new FormatError(
      `Cannot read literal: ${expected} expected at ${this.#at}, ` +
        `${found === undefined ? "the end" : `"${found}"`} found`,
      this.#at,
    );
  }
}

/** Python 2 wrote long numbers with an L behind. */
function toNumber(word: string): number | bigint {
  const plain = word.replace(/[_\s+]|[lL]$/gu, "");
  const negative = plain.startsWith("-");
  const digits = negative ? plain.slice(1) : plain;
  if (/^0[xob]/iu.test(digits) || /^\d+$/u.test(digits)) {
    const integer = BigInt(digits) * (negative ? -1n : 1n);
    const small = Number(integer);
    return Number.isSafeInteger(small) ? small : integer;
  }
  return Number(plain.replace(/([eE])(\d)/u, "$1+$2"));
}

const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|([^]))/gu;

function unescape(body: string, bytes: boolean): string {
  return body.replace(ESCAPE, (all, hex, short, long, octal, simple) => {
    const wide: string | undefined = short ?? long;
    if (wide !== undefined && bytes) return all;
    if (octal !== undefined) return String.fromCodePoint(parseInt(octal, 8));
    const digits: string | undefined = hex ?? wide;
    if (digits === undefined) return SIMPLE_ESCAPES[simple] ?? all;
    const code = parseInt(digits, 16);
    if (code > 0x10ffff) throw new FormatError("Cannot read literal: no such character");
    return String.fromCodePoint(code);
  });
}
