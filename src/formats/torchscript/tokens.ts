/**
 * Tokens of TorchScript source: names, strings, numbers and operators; comments are skipped. The
 * lexical rules are those of `torch/csrc/jit/frontend/lexer.h`.
 *
 * @module
 */

/** One word. */
export interface Token {
  readonly kind: "name" | "string" | "number" | "sign";
  readonly text: string;
  readonly offset: number;
}

/** Words, and places where the text is not lexically right. */
interface Tokens {
  readonly tokens: readonly Token[];
  readonly lexicalErrors: readonly { readonly offset: number; readonly detail: string }[];
}

const SPACE = /[ \t\r\n\f\\]+/y;
const COMMENT = /#[^\n]*/y;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER = /(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?j?/y;
const QUOTE = /"""|'''|"|'/y;

/** Splits text into tokens. An unterminated string ends with its line. */
export function tokenize(text: string): Tokens {
  const tokens: Token[] = [];
  const lexicalErrors: { offset: number; detail: string }[] = [];
  const at = { offset: 0 };
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at.offset;
    const found = pattern.exec(text)?.[0];
    return found === "" ? undefined : found;
  };
  const add = (kind: Token["kind"], found: string): void => {
    tokens.push({ kind, text: found, offset: at.offset });
    at.offset += found.length;
  };
  while (at.offset < text.length) {
    const blank = match(SPACE) ?? match(COMMENT);
    if (blank !== undefined) {
      at.offset += blank.length;
      continue;
    }
    const name = match(NAME);
    const quote = name === undefined ? match(QUOTE) : undefined;
    const number = name === undefined && quote === undefined ? match(NUMBER) : undefined;
    if (name !== undefined) add("name", name);
    else if (number !== undefined) add("number", number);
    else if (quote === undefined) add("sign", text[at.offset] ?? "");
    else {
      const end = stringEnd(text, at.offset + quote.length, quote);
      if (end === undefined) {
        lexicalErrors.push({ offset: at.offset, detail: "A string in the program has no end" });
        const line = text.indexOf("\n", at.offset);
        at.offset = line < 0 ? text.length : line;
      } else add("string", text.slice(at.offset, end));
    }
  }
  return { tokens, lexicalErrors };
}

/** Where a string ends, its quotes included; undefined when it does not. */
function stringEnd(text: string, start: number, quote: string): number | undefined {
  for (let at = start; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === "\n" && quote.length === 1) return undefined;
    else if (text.startsWith(quote, at)) return at + quote.length;
  }
  return undefined;
}
