/**
 * Worst-case files of some megabytes: work that is linear for ordinary files and could be quadratic
 * here. Prints time, memory and verdict of each, scanned in a process of its own.
 *
 *     scripts/fuzz/fuzz --worst 4          all of them, 4 MB each
 *     scripts/fuzz/fuzz --worst 4 --format json    those whose names contain "json"
 *
 * @module
 */

import process from "node:process";
import { fingerprintOf } from "../../src/report/fingerprint.ts";
import { renderJson } from "../../src/report/json.ts";
import { renderJunit } from "../../src/report/junit.ts";
import { renderMarkdown } from "../../src/report/markdown.ts";
import { renderNdjson } from "../../src/report/ndjson.ts";
import { renderSarif } from "../../src/report/sarif.ts";
import { NamedRules } from "../../src/core/reasons.ts";
import { renderText } from "../../src/report/text.ts";
import { scanSource } from "../../src/scan/scan_source.ts";
import { bytesSource } from "../../src/sources/memory.ts";
import type { FileReport, ScanReport } from "../../src/core/types.ts";
import type { Generated } from "./generated.ts";
import { rules } from "./observe.ts";
import { WORST_CALLS } from "./worst_calls.ts";
import { WORST_CONTAINERS } from "./worst_containers.ts";
import { WORST_MESSAGES } from "./worst_messages.ts";
import { type Make, MIB } from "./worst_pieces.ts";
import { WORST_PICKLES } from "./worst_pickles.ts";
import { WORST_SOURCES } from "./worst_sources.ts";
import { WORST_TEXTS } from "./worst_texts.ts";

const ALL: Readonly<Record<string, Make>> = {
  ...WORST_PICKLES,
  ...WORST_CALLS,
  ...WORST_SOURCES,
  ...WORST_CONTAINERS,
  ...WORST_MESSAGES,
  ...WORST_TEXTS,
};

/** Names of the worst files that there are. */
export const WORST: readonly string[] = Object.keys(ALL);

/**
 * Makes one of them.
 *
 * @param size bytes, more or less
 * @throws RangeError for a name that there is none of
 */
function makeWorst(name: string, size: number): Generated {
  const make = ALL[name];
  if (make === undefined) {
    throw new RangeError(`Cannot make worst-case file "${name}": it is unknown`);
  }
  return make(size);
}

/** Bytes of the reports of one file, and the longest of them by its name. */
function sizesOf(file: FileReport): { readonly bytes: number; readonly longest: string } {
  const named = new NamedRules((id) => rules().reasonsOf(id));
  named.add(file);
  const report: ScanReport = {
    tool: { name: "modelaudit", version: "0", rules: "" },
    startTime: "",
    duration: 0,
    files: [file],
    errors: [],
    rules: named.all(),
    configuration: "embedded",
    suppressed: 0,
  };
  const exit = { failOn: "medium", allowNoModels: false } as const;
  const text = { color: false, emoji: true, width: 100, verbose: true, quiet: false };
  const sarif = {
    ...exit,
    fingerprintOf,
  };
  const lengths: Readonly<Record<string, number>> = {
    text: renderText(report, text).length,
    json: renderJson(report, exit).length,
    ndjson: renderNdjson(report, exit).length,
    sarif: renderSarif(report, sarif).length,
    junit: renderJunit(report, exit).length,
    markdown: renderMarkdown(report).length,
  };
  const [longest = "", bytes = 0] = Object.entries(lengths).sort(([, a], [, b]) => b - a)[0] ?? [];
  return { bytes, longest };
}

if (import.meta.main) {
  const [name = "", megabytes = "1"] = process.argv.slice(2);
  const made = makeWorst(name, Number(megabytes) * MIB);
  const before = process.memoryUsage().rss;
  const started = process.cpuUsage().user;
  const report = await scanSource(bytesSource(made.name, made.bytes), { rules: rules() });
  const scanned = process.cpuUsage().user;
  const most = process.resourceUsage().maxRSS / 1024 - before / MIB;
  const { bytes, longest } = sizesOf(report);
  const reported = process.cpuUsage().user;
  const number = (value: number, digits: number): string => value.toFixed(1).padStart(digits);
  console.log(
    [
      name.padEnd(56),
      `${number(made.bytes.length / MIB, 6)} MB`,
      `${number((scanned - started) / 1e6, 6)} s and ${most.toFixed(0).padStart(4)} MB more;`,
      `${number((reported - scanned) / 1e6, 5)} s and ${number(bytes / MIB, 5)} MB of ${longest}`,
      `${report.verdict} (${report.findings.length} findings)`,
    ].join(" "),
  );
}
