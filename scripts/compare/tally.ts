/**
 * Counts what programs said against what is true.
 *
 * @module
 */

import type { Answer } from "../bench/programs.ts";
import type { Sample, Truth } from "./families.ts";

/** How a program's answer stands to the truth. */
export type Mark =
  /** Something to report, and it reported. */
  | "found"
  /** Something to report, and it ended well without a word: the worst there is. */
  | "missed"
  /** It said that it did not read the sample, or broke down. */
  | "unread"
  /** Nothing to report, and it reported. */
  | "false alarm"
  /** Nothing to report, and it said so. */
  | "right";

/**
 * The mark of one answer. What cannot be read is answered rightly by saying so.
 */
export function markOf(truth: Truth, { kind }: Answer): Mark {
  const unread = kind === "unread" || kind === "failed";
  if (truth === "unreadable") return unread || kind === "flagged" ? "found" : "missed";
  if (unread) return "unread";
  if (truth === "harmless") return kind === "flagged" ? "false alarm" : "right";
  return kind === "flagged" ? "found" : "missed";
}

/** How many samples of one truth got which mark. */
type Count = Readonly<Record<Mark, number>> & { readonly all: number };

/** Counts the marks of those samples of which one thing is true. */
export function countOf(truth: Truth, answers: Iterable<readonly [Sample, Answer]>): Count {
  const count = { found: 0, missed: 0, unread: 0, "false alarm": 0, right: 0, all: 0 };
  for (const [sample, answer] of answers) {
    if (sample.truth !== truth) continue;
    count[markOf(truth, answer)]++;
    count.all++;
  }
  return count;
}
