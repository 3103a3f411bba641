/**
 * The symbols and colours of severities and verdicts.
 *
 * @module
 */

import type { Severity, Verdict } from "../core/types.ts";

/** Colours and weights by name. */
export type Style =
  | "red"
  | "brightRed"
  | "yellow"
  | "blue"
  | "cyan"
  | "white"
  | "green"
  | "dim"
  | "bold";

/** SGR parameters, ECMA-48 8.3.117. */
const SGR: Readonly<Record<Style, readonly [on: number, off: number]>> = {
  red: [31, 39],
  brightRed: [91, 39],
  yellow: [33, 39],
  blue: [34, 39],
  cyan: [36, 39],
  white: [37, 39],
  green: [32, 39],
  dim: [2, 22],
  bold: [1, 22],
};

/** Puts colour on text, or leaves it alone. */
export type Paint = (text: string, ...styles: readonly Style[]) => string;

/** A painter that paints when `color` is true. */
export function painter(color: boolean): Paint {
  if (!color) return (text) => text;
  return (text, ...styles) => {
    if (text === "") return text;
    let painted = text;
    for (const style of styles) painted = `\x1b[${SGR[style][0]}m${painted}\x1b[${SGR[style][1]}m`;
    return painted;
  };
}

interface Label {
  readonly symbol: string;
  readonly word: string;
  readonly style: Style;
}

const SEVERITY_LABELS: Readonly<Record<Severity, Label>> = {
  critical: { symbol: "🔴", word: "CRITICAL", style: "red" },
  high: { symbol: "🟠", word: "HIGH", style: "brightRed" },
  medium: { symbol: "🟡", word: "MEDIUM", style: "yellow" },
  low: { symbol: "🔵", word: "LOW", style: "blue" },
  info: { symbol: "ℹ️", word: "INFO", style: "cyan" },
  debug: { symbol: "🐛", word: "DEBUG", style: "white" },
};

const VERDICT_LABELS: Readonly<Record<Verdict, Label>> = {
  dangerous: { symbol: "🔴", word: "DANGEROUS", style: "red" },
  incomplete: { symbol: "⚪", word: "INCOMPLETE", style: "white" },
  suspicious: { symbol: "🟡", word: "SUSPICIOUS", style: "yellow" },
  clean: { symbol: "🟢", word: "CLEAN", style: "green" },
  skipped: { symbol: "⚫", word: "SKIPPED", style: "dim" },
};

/** The widest word among the severities, for columns. */
export const SEVERITY_WORD_WIDTH = 8;

/** The severity as words and, unless `emoji` is false, its symbol: `🔴 CRITICAL`. */
export function severityLabel(severity: Severity, emoji: boolean): { text: string; style: Style } {
  return labelText(SEVERITY_LABELS[severity], emoji);
}

/** The verdict likewise: `🔴 DANGEROUS`. */
export function verdictLabel(verdict: Verdict, emoji: boolean): { text: string; style: Style } {
  return labelText(VERDICT_LABELS[verdict], emoji);
}

function labelText(label: Label, emoji: boolean): { text: string; style: Style } {
  return { text: emoji ? `${label.symbol} ${label.word}` : label.word, style: label.style };
}
