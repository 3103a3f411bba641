/**
 * Text from a file made safe to show: a terminal must neither obey it nor be misled by it.
 *
 * @module
 */

/**
 * What is never shown as it is: control characters (C0, C1, DEL), formatting characters (bidirectional
 * overrides, zero-width ones, tags), line and paragraph separators, private use, lone surrogates, and
 * the fillers and blanks that look like nothing at all.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\u115f\u1160\u2800\u3164\uffa0]/gu;

/** The same where `JSON.stringify` has escaped C0: what is left of it are its own line breaks. */
const UNSAFE_IN_JSON = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\u115f\u1160\u2800\u3164\uffa0]/gu;

/** A base character carries a handful of marks in any language; towers of them paint over other lines. */
const MARK_TOWER = /(?<=\p{M}{6})\p{M}/gu;

const NAMED: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

/**
 * Text of one line that is safe to show in a terminal.
 *
 * @param text anything, for instance a member's name
 * @returns the same with unsafe characters written as `\x1b`, `\u202e` or `\u{e0041}`
 */
export function escapeText(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  return text.replace(UNSAFE, escapeCharacter).replace(MARK_TOWER, escapeCharacter);
}

/**
 * Text of several lines that is safe to show: line breaks divide, tabs become spaces, the rest is
 * escaped as {@linkcode escapeText} does.
 */
export function escapeLines(text: string): string[] {
  return text.split(/\r\n|\n/).map((line) => escapeText(line.replaceAll("\t", "    ")));
}

/**
 * Plain data as JSON text that is safe to show in a terminal: the characters that `JSON.stringify`
 * leaves as they are though a terminal acts on them become `\uXXXX`. It parses to the same value.
 *
 * @param value plain data; a bigint becomes a string
 * @param indent spaces a level; none makes one line
 */
export function jsonText(value: unknown, indent?: number): string {
  const json = JSON.stringify(
    value,
    (_key, it) => typeof it === "bigint" ? String(it) : it,
    indent,
  );
  return json.replace(UNSAFE_IN_JSON, (character) => {
    let escaped = "";
    for (let index = 0; index < character.length; index++) {
      escaped += `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`;
    }
    return escaped;
  });
}

function escapeCharacter(character: string): string {
  const named = NAMED.get(character);
  if (named !== undefined) return named;
  const code = character.codePointAt(0) ?? 0;
  const digits = code.toString(16);
  if (code <= 0xff) return `\\x${digits.padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${digits.padStart(4, "0")}` : `\\u{${digits}}`;
}
