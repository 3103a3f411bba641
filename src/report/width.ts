/**
 * How wide text is in a terminal, and where to break it.
 *
 * Widths follow Unicode's East Asian Width (UAX #11): wide and fullwidth characters and emoji take
 * two columns, combining marks none. https://www.unicode.org/reports/tr11/
 *
 * @module
 */

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;
/**
 * Characters that join no neighbour: ASCII, Latin letters, punctuation, arrows, boxes, coloured circles and
 * squares. Texts of these alone need no segmenter, which takes a tenth of the time of a small scan to make.
 */
const UNJOINED =
  /^[\x20-\x7e\xa0-\xa8\xaa-\xac\xaf-\u02ff\u2010-\u2027\u2030-\u203b\u2190-\u2193\u2500-\u259f\u26aa\u26ab\u{1f534}\u{1f535}\u{1f7e0}-\u{1f7eb}]*$/u;
const ZERO = /^[\p{M}\p{Cf}\p{Cc}]+$/u;
const EMOJI = /\p{Emoji_Presentation}|\ufe0f/u;

/** First and last code point of the blocks that are wide throughout, emoji aside. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18cff],
  [0x1b000, 0x1b2ff],
  [0x20000, 0x3fffd],
];

/** Made when it is first needed. */
let segmenter: Intl.Segmenter | undefined;

/** What a reader takes for single characters: a letter with its marks, an emoji with its joiners. */
function graphemes(text: string): string[] {
  if (UNJOINED.test(text)) return Array.from(text);
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  return Array.from(segmenter.segment(text), (part) => part.segment);
}

/** Columns that text takes in a terminal. Text with control characters has no width: escape it first. */
export function displayWidth(text: string): number {
  if (PRINTABLE_ASCII.test(text)) return text.length;
  let width = 0;
  for (const grapheme of graphemes(text)) width += graphemeWidth(grapheme);
  return width;
}

function graphemeWidth(grapheme: string): number {
  if (ZERO.test(grapheme)) return 0;
  if (EMOJI.test(grapheme)) return 2;
  const code = grapheme.codePointAt(0) ?? 0;
  return WIDE.some(([first, last]) => code >= first && code <= last) ? 2 : 1;
}

/** The text with spaces behind it up to `width` columns; unchanged when it is as wide already. */
export function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - displayWidth(text)));
}

/** The beginning of the text in at most `width` columns, with an ellipsis when something was cut. */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  if (width < 1) return "";
  return takeColumns(text, width - 1).head + "…";
}

/** The end of the text in at most `width` columns, with an ellipsis when something was cut: for paths. */
export function truncateStart(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  if (width < 1) return "";
  const parts = graphemes(text);
  let room = width - 1;
  let start = parts.length;
  while (start > 0) {
    room -= graphemeWidth(parts[start - 1] ?? "");
    if (room < 0) break;
    start--;
  }
  return "…" + parts.slice(start).join("");
}

/**
 * Breaks text into lines of at most `width` columns, between words where it can, inside one where it
 * must. Runs of spaces inside a line stay.
 *
 * @param width columns; at least 2 are used, so that a wide character fits
 * @returns at least one line
 */
export function wrap(text: string, width: number): string[] {
  const room = Math.max(2, width);
  const lines: string[] = [];
  let line = "";
  let used = 0;
  for (const word of text.match(/ *[^ ]+/g) ?? []) {
    const wide = displayWidth(word);
    if (used > 0 && used + wide > room) {
      lines.push(line);
      line = "";
      used = 0;
    }
    const rest = used === 0 && lines.length > 0 ? word.trimStart() : word;
    const restWide = displayWidth(rest);
    if (used + restWide <= room) {
      line += rest;
      used += restWide;
      continue;
    }
    // One pass over a word of any length: names of a million characters come in archives.
    for (const grapheme of graphemes(rest)) {
      const columns = graphemeWidth(grapheme);
      if (used > 0 && used + columns > room) {
        lines.push(line);
        line = "";
        used = 0;
      }
      line += grapheme;
      used += columns;
    }
  }
  if (used > 0 || lines.length === 0) lines.push(line);
  return lines;
}

/** As many graphemes as fit into `columns` (one at least, so that cutting always ends), and the rest. */
function takeColumns(text: string, columns: number): { head: string; tail: string } {
  let used = 0;
  let end = 0;
  for (const grapheme of graphemes(text)) {
    used += graphemeWidth(grapheme);
    if (used > columns && end > 0) break;
    end += grapheme.length;
  }
  return { head: text.slice(0, end), tail: text.slice(end) };
}
