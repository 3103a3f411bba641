/**
 * Path globs as shells and ignore files write them: `*` and `?` within a name, `**` across folders,
 * `[a-z]` and `[!a-z]`, `{a,b}`, and a backslash before a character that stands for itself.
 *
 * Names of files come from the author of the model, so that matching must not backtrack: all places
 * in the glob that the name may have reached are followed at once, in glob length times name length.
 *
 * @module
 */

import { ConfigError } from "../core/errors.ts";

/**
 * Alternatives to which braces may multiply; each is matched in turn. No configuration is known to have a
 * hundred. CWE-1333.
 */
const MAX_ALTERNATIVES = 1000;

/** One step of a glob. */
type Token =
  /** One character. */
  | { readonly kind: "one"; test(character: string): boolean }
  /** Any run of characters, across folders or not. */
  | { readonly kind: "run"; readonly acrossFolders: boolean }
  /** Any number of folders, each with its `/`. */
  | { readonly kind: "folders" };

/**
 * A test for paths written with `/`. A glob without `/` is compared with the base name, one with it
 * with the full path; one that ends in `/` covers what is below that folder.
 *
 * @param globs none match nothing
 * @throws ConfigError when a glob is not one, for instance an unclosed `[`
 */
export function globMatcher(globs: readonly string[]): (path: string) => boolean {
  const tests = globs.flatMap((glob) => {
    const pattern = glob.endsWith("/") ? `${glob}**` : glob;
    return alternatives(pattern, glob).map((one) => ({
      tokens: tokenize(one, glob),
      wholePath: pattern.includes("/"),
    }));
  });
  return (path) =>
    tests.some(({ tokens, wholePath }) =>
      matches(tokens, wholePath ? path : path.slice(path.lastIndexOf("/") + 1))
    );
}

/** The glob without braces, once for each of their choices. */
function alternatives(glob: string, pattern: string): readonly string[] {
  const open = indexOutside(glob, "{", 0);
  if (open < 0) return [glob];
  const cuts: number[] = [open];
  let depth = 0;
  let close = -1;
  for (let at = open; at < glob.length && close < 0; at++) {
    const character = glob[at];
    if (character === "\\") at++;
    else if (character === "{") depth++;
    else if (character === "," && depth === 1) cuts.push(at);
    else if (character === "}" && --depth === 0) close = at;
  }
  if (close < 0) throw malformed(pattern, 'a "{" is never closed');
  cuts.push(close);
  const rest = alternatives(glob.slice(close + 1), pattern);
  const out: string[] = [];
  for (let index = 0; index + 1 < cuts.length; index++) {
    const choice = glob.slice((cuts[index] ?? 0) + 1, cuts[index + 1]);
    for (const inner of alternatives(choice, pattern)) {
      for (const tail of rest) out.push(glob.slice(0, open) + inner + tail);
      if (out.length > MAX_ALTERNATIVES) {
        throw malformed(pattern, `its braces stand for more than ${MAX_ALTERNATIVES} globs`);
      }
    }
  }
  return out;
}

/** Index of a character that is neither escaped nor inside a class. */
function indexOutside(glob: string, target: string, from: number): number {
  for (let at = from; at < glob.length; at++) {
    const character = glob[at];
    if (character === target) return at;
    if (character === "\\") at++;
    else if (character === "[") {
      const end = glob.indexOf("]", at + 2);
      if (end > 0) at = end;
    }
  }
  return -1;
}

function tokenize(glob: string, pattern: string): readonly Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < glob.length;) {
    const rest = glob.slice(at);
    if (rest.startsWith("**/")) {
      tokens.push({ kind: "folders" });
      at += 3;
    } else if (rest.startsWith("*")) {
      const acrossFolders = rest.startsWith("**");
      tokens.push({ kind: "run", acrossFolders });
      at += acrossFolders ? 2 : 1;
    } else if (rest.startsWith("?")) {
      tokens.push({ kind: "one", test: (character) => character !== "/" });
      at += 1;
    } else if (rest.startsWith("[")) {
      const end = glob.indexOf("]", at + 2);
      if (end < 0) throw malformed(pattern, 'a "[" is never closed');
      tokens.push({ kind: "one", test: characterClass(glob.slice(at + 1, end), pattern) });
      at = end + 1;
    } else {
      const escaped = rest.startsWith("\\") && rest.length > 1;
      const literal = String.fromCodePoint(glob.codePointAt(escaped ? at + 1 : at) ?? 0);
      tokens.push({ kind: "one", test: (character) => character === literal });
      at += literal.length + (escaped ? 1 : 0);
    }
  }
  return tokens;
}

function characterClass(inside: string, pattern: string): (character: string) => boolean {
  const negated = inside.startsWith("!") || inside.startsWith("^");
  const members = Array.from(negated ? inside.slice(1) : inside);
  const ranges: (readonly [string, string])[] = [];
  for (let at = 0; at < members.length; at++) {
    const from = members[at] ?? "";
    const to = members[at + 1] === "-" ? members[at + 2] : undefined;
    if (to !== undefined && to < from) throw malformed(pattern, "a range is in the wrong order");
    ranges.push([from, to ?? from]);
    if (to !== undefined) at += 2;
  }
  return (character) =>
    character !== "/" &&
    ranges.some(([from, to]) => from <= character && character <= to) !== negated;
}

/**
 * Follows all places at once. Place `2 * i` is before token `i`; `2 * i + 1` is inside a folder's
 * name, which token `i` of kind "folders" has to see to its `/`.
 */
function matches(tokens: readonly Token[], path: string): boolean {
  let places = new Set<number>();
  enter(tokens, 0, places);
  for (const character of path) {
    const next = new Set<number>();
    for (const place of places) step(tokens, place, character, next);
    if (next.size === 0) return false;
    places = next;
  }
  return places.has(2 * tokens.length);
}

/** Adds the place before a token, and those behind tokens that may stand for nothing. */
function enter(tokens: readonly Token[], index: number, places: Set<number>): void {
  for (let at = index; !places.has(2 * at); at++) {
    places.add(2 * at);
    const token = tokens[at];
    if (token === undefined || token.kind === "one") return;
  }
}

function step(
  tokens: readonly Token[],
  place: number,
  character: string,
  next: Set<number>,
): void {
  const index = place >> 1;
  const token = tokens[index];
  if (token === undefined) return;
  if (token.kind === "one") {
    if (token.test(character)) enter(tokens, index + 1, next);
  } else if (token.kind === "run") {
    if (token.acrossFolders || character !== "/") enter(tokens, index, next);
  } else if (character === "/") enter(tokens, index, next);
  else next.add(2 * index + 1);
}

function malformed(glob: string, reason: string): ConfigError {
  return new ConfigError(glob, `Cannot use the glob "${glob}": ${reason}`);
}
