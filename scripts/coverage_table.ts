/**
 * Writes the table of what is read into `docs/usage.md`, from the descriptors of formats and bundles:
 *
 *     scripts/coverage_table.ts           writes it
 *     scripts/coverage_table.ts --check   ends with 1 when it is not what would be written
 *
 * @module
 */

import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { BUNDLES } from "../src/bundles/registry.ts";
import type { CoverageRow } from "../src/core/format.ts";
import { DESCRIPTORS } from "../src/formats/registry.ts";

const PAGE = new URL("../docs/usage.md", import.meta.url);

const BEGIN = "<!-- what is read: make rules -->\n";
const END = "<!-- end of what is read -->\n";

/** The table and the sentence behind it. */
function coverageTable(): string {
  const rows: CoverageRow[] = [
    ...DESCRIPTORS.flatMap(({ coverage }) => coverage),
    ...BUNDLES.flatMap(({ coverage = [] }) => coverage),
  ];
  const unread = DESCRIPTORS.filter(({ role }) => role === "unread").map(({ title }) => title);
  return [
    "| read today | what of it |",
    "| --- | --- |",
    ...rows.map(([what, ofIt]) => `| ${what} | ${ofIt} |`),
    "",
    `Known and not read yet: ${unread.sort().join(", ")}. A file`,
    "of these is `incomplete`: what this version cannot read it does not call clean.",
    "",
  ].join("\n");
}

/** The page with the table put between its marks. */
function withTable(page: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new RangeError("docs/usage.md has no place for the table");
  return page.slice(0, begin) + BEGIN + "\n" + coverageTable() + "\n" + page.slice(end);
}

if (import.meta.main) {
  const page = readFileSync(PAGE, "utf8");
  if (!process.argv.includes("--check")) {
    writeFileSync(PAGE, withTable(page));
  } else if (withTable(page) !== page) {
    process.stderr.write("docs/usage.md is not what the descriptors say: run make rules\n");
    process.exitCode = 1;
  }
}
