/**
 * The Link header. https://www.rfc-editor.org/rfc/rfc8288#section-3
 *
 * @module
 */

/** One link. */
interface Link {
  /** As written; may be relative. */
  readonly target: string;
  /** Lower-case words of its first `rel`, which is the one that counts. */
  readonly relations: readonly string[];
}

const SPACE = /[ \t]*/uy;
const TARGET = /<([^<>]*)>/uy;
const NAME = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/uy;
const QUOTED = /"((?:[^"\\]|\\[^])*)"/uy;

/**
 * Reads the header.
 *
 * @param header empty where there is none
 * @returns undefined for what is no such header
 */
export function readLinks(header: string): readonly Link[] | undefined {
  const links: Link[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(header);
    if (found === null) return undefined;
    at = pattern.lastIndex;
    return found[1] ?? found[0];
  };
  const sign = (one: string): boolean => {
    take(SPACE);
    if (header[at] !== one) return false;
    at++;
    take(SPACE);
    return true;
  };
  take(SPACE);
  while (at < header.length) {
    if (sign(",")) continue;
    const target = take(TARGET);
    if (target === undefined) return undefined;
    let relations: readonly string[] | undefined;
    while (sign(";")) {
      const name = take(NAME)?.toLowerCase();
      if (name === undefined) continue;
      if (!sign("=")) continue;
      const value = take(QUOTED)?.replace(/\\([^])/gu, "$1") ?? take(NAME);
      if (value === undefined) return undefined;
      if (name === "rel") relations ??= value.toLowerCase().split(/[ \t]+/u);
    }
    links.push({ target, relations: relations ?? [] });
    if (at < header.length && !sign(",")) return undefined;
  }
  return links;
}
