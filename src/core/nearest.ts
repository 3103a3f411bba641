/**
 * Did you mean: the nearest word to one that is unknown.
 *
 * @module
 */

/**
 * Characters of a word that is compared; the time is proportional to their square. The longest key of a
 * configuration has 19. CWE-407.
 */
const LONGEST = 64;

/**
 * The nearest of some words: at most a third of the letters may be wrong, of the first letters one.
 *
 * @returns undefined when none is near
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > LONGEST) return undefined;
  let best: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= least) continue;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    // Who mistypes more than a letter does not begin with a wrong one: "severe" is not "never".
    const begins = candidate[0]?.toLowerCase() === word[0]?.toLowerCase();
    if (distance < least && (begins || distance <= 1)) [best, least] = [candidate, distance];
  }
  return best;
}

/** ` Did you mean "json"?`, or nothing: to be put behind a message. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const found = nearest(word, candidates);
  return found === undefined ? "" : ` Did you mean "${found}"?`;
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const line = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(
        (above[column] ?? 0) + 1,
        (line[column - 1] ?? 0) + 1,
        (above[column - 1] ?? 0) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, (before[column - 2] ?? 0) + 1);
      }
      line.push(cost);
    }
    [before, above] = [above, line];
  }
  return above[b.length] ?? 0;
}
