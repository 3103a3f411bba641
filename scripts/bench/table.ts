/**
 * The table that the bench prints.
 *
 * @module
 */

/** One figure, and what it must not exceed or fall short of. */
export interface Row {
  readonly what: string;
  /** Undefined when it could not be measured. */
  readonly value: number | undefined;
  readonly unit: string;
  /** What must hold: below this. */
  readonly limit?: number;
  /** What must hold: at least this. */
  readonly least?: number;
}

/** The middle one; of an even number the mean of the two in the middle. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const low = sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN;
  const high = sorted[Math.ceil((sorted.length - 1) / 2)] ?? NaN;
  return (low + high) / 2;
}

/** The figures as a Markdown table, with what must hold and whether it does. */
export function table(rows: readonly Row[]): string {
  return markdown(
    ["what", "measured", "must be", ""],
    rows.map((row) => [row.what, figure(row.value, row.unit), demand(row), verdict(row)]),
  );
}

/** A Markdown table, aligned so that it reads as well in a terminal. */
export function markdown(
  head: readonly string[],
  lines: readonly (readonly string[])[],
): string {
  const cells = [head, ...lines];
  const widths = head.map((_, column) =>
    Math.max(...cells.map((line) => line[column]?.length ?? 0))
  );
  const written = cells.map((line) =>
    `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`
  );
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [written[0], rule, ...written.slice(1)].join("\n");
}

function figure(value: number | undefined, unit: string): string {
  if (value === undefined || Number.isNaN(value)) return "not measured";
  if (unit === "bytes") return `${value.toLocaleString("en")} bytes`;
  const digits = unit === "s" ? 3 : unit === "times" ? 1 : 0;
  return `${value.toFixed(digits)} ${unit}`;
}

function demand({ limit, least, unit }: Row): string {
  if (limit !== undefined) return `below ${limit.toLocaleString("en")} ${unit}`;
  if (least !== undefined) return `at least ${least} ${unit}`;
  return "";
}

function verdict({ value, limit, least }: Row): string {
  if (value === undefined || Number.isNaN(value)) return "";
  if (limit !== undefined) return value < limit ? "met" : "missed";
  if (least !== undefined) return value >= least ? "met" : "missed";
  return "";
}
