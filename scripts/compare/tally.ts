/**
 * Counts answers of programs against the truth.
 *
 * @module
 */

import type { Answer } from "../bench/programs.ts";
import type { Sample, Truth } from "./families.ts";

/** The relation of a program's answer to the truth. */
export type Mark =
  /** True positive. */
  | "found"
  /** False negative: reported as clean. */
  | "missed"
  /** It reported that it did not read the sample, or crashed. */
  | "unread"
  /** False positive. */
  | "false alarm"
  /** True negative. */
  | "right";

/**
 * The mark of one answer. For an unreadable sample the correct answer is `unread`.
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
