/**
 * The user's patterns, searched for in time linear in the text: RE2's syntax, which has neither
 * look-around nor back references (https://github.com/google/re2/wiki/Syntax).
 *
 * The engine is loaded when there is a pattern, never before.
 *
 * @module
 */

import { ConfigError } from "../core/errors.ts";
import type { PatternHit } from "../core/types.ts";
import type { PatternLine } from "./configuration.ts";

/**
 * Characters of a pattern; the time of a search is proportional to them. The longest in the documentation has
 * 47. CWE-1333.
 */
const PATTERN_LENGTH = 2000;

/** Characters kept of a match. Longer ones are cut: their beginning is evidence. CWE-779. */
const HIT_LENGTH = 2048;

/** Finds the first place of every pattern that a text matches. */
type Matcher = (text: string) => readonly PatternHit[];

/** The first place of one pattern in a text. */
type Finder = (text: string) => { readonly start: number; readonly end: number } | undefined;

/**
 * Compiles patterns.
 *
 * @returns undefined when there are none
 * @throws ConfigError for a pattern that is none, with the place where it stands
 */
export async function compilePatterns(
  lines: readonly PatternLine[],
): Promise<Matcher | undefined> {
  if (lines.length === 0) return undefined;
  const expressions = lines.some(({ literal }) => !literal);
  const engine = expressions ? (await import("re2js")).RE2JS : undefined;
  const finders = lines.map((line): { pattern: string; find: Finder } => {
    const { pattern, literal } = line;
    if (literal || engine === undefined) return { pattern, find: literalFinder(pattern) };
    if (pattern.length > PATTERN_LENGTH) {
      line.refuse(`the pattern is longer than ${PATTERN_LENGTH} characters`);
    }
    try {
      const compiled = engine.compile(pattern);
      if (compiled.matcher("").find()) line.refuse("the pattern matches every text");
      return {
        pattern,
        find: (text) => {
          const matcher = compiled.matcher(text);
          return matcher.find() ? { start: matcher.start(), end: matcher.end() } : undefined;
        },
      };
    } catch (error) {
      if (error instanceof ConfigError) throw error;
      return line.refuse(reasonOf(error));
    }
  });
  return (text) => {
    const hits: PatternHit[] = [];
    for (const { pattern, find } of finders) {
      const found = find(text);
      if (found === undefined) continue;
      const end = Math.min(found.end, found.start + HIT_LENGTH);
      hits.push({ pattern, text: text.slice(found.start, end), at: found.start });
    }
    return hits;
  };
}

function literalFinder(pattern: string): Finder {
  return (text) => {
    const start = text.indexOf(pattern);
    return start < 0 ? undefined : { start, end: start + pattern.length };
  };
}

/** What the engine says, and why it may be so. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const reason = message.replace(/^error parsing regexp: /, "");
  const hint = /Perl syntax|escape sequence/.test(reason)
    ? "; look-around and back references cannot be searched in linear time"
    : "";
  return `this is no regular expression of RE2: ${reason}${hint}`;
}
