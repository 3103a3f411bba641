/**
 * What Python's string literals stand for.
 * https://docs.python.org/3/reference/lexical_analysis.html#escape-sequences
 *
 * @module
 */

import { NAME_CHARACTERS, SIMPLE_ESCAPES } from "./escapes.ts";

/** A string or bytes literal; bytes have one character each. */
interface StringValue {
  readonly text: string;
  readonly bytes: boolean;
  /** False where it names a character (`\\N{…}`), which is not looked up. */
  readonly exact: boolean;
}

const LITERAL = /^([A-Za-z]{0,2})("""|'''|"|')/u;
const SIMPLE: Readonly<Record<string, string>> = { ...SIMPLE_ESCAPES, "\r": "", "\r\n": "" };

/**
 * The value of a literal as it is written, with prefix and quotes.
 *
 * @returns undefined for a formatted string, which is no constant
 */
export function stringValue(written: string): StringValue | undefined {
  const [opening = "", prefix = "", quote = ""] = LITERAL.exec(written) ?? [];
  if (/[ft]/iu.test(prefix)) return undefined;
  const bytes = /b/iu.test(prefix);
  const inner = written.slice(opening.length, written.length - quote.length);
  if (/r/iu.test(prefix) || !inner.includes("\\")) return { text: inner, bytes, exact: true };
  return { text: unescaped(inner, bytes), bytes, exact: bytes || !NAMED.test(inner) };
}

/** True where a text, as it is written in a literal, may name a character. */
export function namesCharacter(text: string): boolean {
  return NAMED.test(text);
}
const NAMED = /(?<!\\)(?:\\\\)*\\N\{/u;

/** What a text stands for that is written in a literal which is not raw. */
export function unescaped(text: string, bytes = false): string {
  let out = "";
  let at = 0;
  for (let slash = text.indexOf("\\"); slash >= 0; slash = text.indexOf("\\", at)) {
    out += text.slice(at, slash);
    const next = text.startsWith("\r\n", slash + 1) ? "\r\n" : text[slash + 1] ?? "";
    const simple = Object.hasOwn(SIMPLE, next) ? SIMPLE[next] : undefined;
    at = slash + 1 + next.length;
    if (simple !== undefined) {
      out += simple;
      continue;
    }
    const coded = codeAt(text, slash + 1, next, bytes);
    if (coded === undefined) out += `\\${next}`;
    else {
      out += coded.text;
      at = coded.end;
    }
  }
  return out + text.slice(at);
}

const DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

function codeAt(
  text: string,
  at: number,
  letter: string,
  bytes: boolean,
): { readonly text: string; readonly end: number } | undefined {
  if (letter >= "0" && letter <= "7") {
    const digits = /^[0-7]{1,3}/u.exec(text.slice(at, at + 3))?.[0] ?? "";
    const code = Number.parseInt(digits, 8);
    return { text: String.fromCharCode(bytes ? code & 0xff : code), end: at + digits.length };
  }
  if (letter === "N" && !bytes) {
    // Names of characters are not looked up: what they spell is not known.
    const length = text.slice(at, at + NAME_CHARACTERS).indexOf("}");
    return length < 0 ? undefined : { text: "\ufffd", end: at + length + 1 };
  }
  const count = Object.hasOwn(DIGITS, letter) ? DIGITS[letter] : undefined;
  if (count === undefined || (bytes && letter !== "x")) return undefined;
  const digits = text.slice(at + 1, at + 1 + count);
  if (!/^[\da-fA-F]+$/u.test(digits) || digits.length < count) return undefined;
  const code = Number.parseInt(digits, 16);
  return code > 0x10ffff ? undefined : { text: String.fromCodePoint(code), end: at + 1 + count };
}
