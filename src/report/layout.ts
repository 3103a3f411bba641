/**
 * Pieces of the text report: labels with hanging text, wrapped to the terminal.
 *
 * @module
 */

import type { Paint, Style } from "./style.ts";
import { displayWidth, padEnd, wrap } from "./width.ts";

/** Below this many columns labels stand on lines of their own. */
const NARROW = 60;

/** What every piece needs to know. */
export interface Page {
  /** Columns. */
  readonly width: number;
  readonly emoji: boolean;
  readonly paint: Paint;
}

/** A label and what hangs beside it. */
interface Hanging {
  /** Columns before the label. */
  readonly indent: number;
  readonly label: string;
  readonly labelStyles: readonly Style[];
  /** Columns of the label with its gap. */
  readonly labelWidth: number;
  /** Escaped text of one paragraph. */
  readonly text: string;
  readonly textStyles?: readonly Style[];
  /** A part of the text that stands out, wherever the lines break. */
  readonly highlight?: { readonly text: string; readonly styles: readonly Style[] };
}

/** True when the page is too narrow for columns. */
export function isNarrow(page: Page): boolean {
  return page.width < NARROW;
}

/**
 * A label with its text beside it, or below it on a narrow page when it would not fit beside.
 *
 * @returns painted lines
 */
export function hang(page: Page, item: Hanging): string[] {
  const { paint } = page;
  const margin = " ".repeat(item.indent);
  const label = paint(item.label, ...item.labelStyles);
  const column = item.indent + item.labelWidth;
  if (isNarrow(page) && column + displayWidth(item.text) > page.width && item.labelWidth > 8) {
    return [margin + label, ...paragraph(page, item.indent + 2, item)];
  }
  const gap = padEnd(item.label, item.labelWidth).slice(item.label.length);
  const [first = "", ...rest] = paragraph(page, column, item);
  return [(margin + label + gap + first.slice(column)).trimEnd(), ...rest];
}

/** Wrapped text at an indent, painted. */
export function paragraph(
  page: Page,
  indent: number,
  item: Pick<Hanging, "text" | "textStyles" | "highlight">,
): string[] {
  const { text, textStyles = [], highlight } = item;
  const margin = " ".repeat(indent);
  const from = highlight && highlight.text !== "" ? text.indexOf(highlight.text) : -1;
  const to = from < 0 ? -1 : from + (highlight?.text.length ?? 0);
  let cursor = 0;
  return wrap(text, page.width - indent).map((line) => {
    // A line is a run of the text; only spaces between lines are gone.
    const start = Math.max(text.indexOf(line, cursor), cursor);
    cursor = start + line.length;
    const cut = (at: number): number => Math.min(Math.max(at - start, 0), line.length);
    const [a, b] = from < 0 ? [0, 0] : [cut(from), cut(to)];
    return margin + page.paint(line.slice(0, a), ...textStyles) +
      page.paint(line.slice(a, b), ...(highlight?.styles ?? [])) +
      page.paint(line.slice(b), ...textStyles);
  });
}

/** A space that no line breaks at. */
const NO_BREAK = "\u00a0";

/** Short facts with dots between them, wrapped only between facts. */
export function factLines(
  page: Page,
  indent: number,
  facts: readonly string[],
  styles: readonly Style[],
): string[] {
  const glued = facts.filter((it) => it !== "").map((it) => it.replaceAll(" ", NO_BREAK));
  const text = glued.join(`${NO_BREAK}· `);
  return paragraph(page, indent, { text, textStyles: styles })
    .map((line) => line.replaceAll(NO_BREAK, " "));
}
