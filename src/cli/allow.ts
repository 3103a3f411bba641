/**
 * Proposals of `allow` entries for models of one's own: which names on no list their files use, how, and what
 * follows from allowing each.
 *
 * @module
 */

import type { FileReport, Finding } from "../core/types.ts";
import { escapeText } from "../report/escape.ts";
import { formatCount } from "../core/numbers.ts";
import { FALLBACK } from "../rules/classify.ts";

/** How far files use a name, from the least up. */
const USES = ["named", "restored", "called"] as const;

type Use = (typeof USES)[number];

/** What may run when a name is allowed, for each use. */
const CONSEQUENCES: Readonly<Record<Use, string>> = {
  named: "named: what uses the loaded object may call it",
  restored: "restored: its __new__, __setstate__ and __setattr__ run with what the file holds",
  called: "called: it runs with the arguments that the file holds",
};

/** Opcodes and functions that make an instance without its `__init__`. */
const RESTORING = /^(NEWOBJ(_EX)?|_reconstructor|__newobj(_ex)?__)$/u;

/** Files named in a comment; of more, their number. */
const FILES_SHOWN = 2;

/** Calls shown of a name. */
const CALLS_SHOWN = 2;

/** Characters of a call that are shown. */
const CALL_LENGTH = 100;

/** A name on no list that files use. */
interface Proposal {
  /** Its dotted path. */
  readonly path: string;
  /** The furthest use of all files. */
  readonly use: Use;
  /** Calls as reports have them, of those that are no restoring. */
  readonly calls: readonly string[];
  /** Paths of the files that use it. */
  readonly files: readonly string[];
}

/** What no entry is proposed for, since it is no unknown name or the name cannot be an entry. */
interface Refusal {
  readonly file: string;
  readonly message: string;
}

/** What may be allowed for some files, and what may not. */
export interface Proposals {
  /** Sorted by path. */
  readonly proposed: readonly Proposal[];
  readonly refused: readonly Refusal[];
}

/** A dotted path that `allow` takes (`src/config/read.ts`) and that a TOML string needs no escapes for. */
const ENTRY = /^[\p{L}_][\p{L}\p{N}_]*(\.[\p{L}_<][\p{L}\p{N}_<>]*)+$/u;

/**
 * What the reports of files propose. A name is proposed only where nothing but its being on no list speaks
 * against it, and never for a dangerous file; whatever else is above info is refused, and stays an issue.
 */
export function proposalsOf(files: readonly FileReport[]): Proposals {
  const found = new Map<string, { use: Use; calls: Set<string>; files: Set<string> }>();
  const refused: Refusal[] = [];
  const reported = files.flatMap((file) => file.findings.map((finding) => ({ file, finding })));
  for (const { file, finding } of reported) {
    if (finding.severity === "info") continue;
    // What else is in a dangerous file was put there by the same people.
    const path = file.verdict === "dangerous" ? undefined : pathOf(finding);
    if (path === undefined) {
      refused.push({ file: file.path, message: finding.message });
      continue;
    }
    const { use, calls } = usageOf(finding);
    const entry = found.get(path) ?? { use, calls: new Set(), files: new Set() };
    if (USES.indexOf(use) > USES.indexOf(entry.use)) entry.use = use;
    for (const call of calls) entry.calls.add(call);
    entry.files.add(file.path);
    found.set(path, entry);
  }
  const proposed = [...found].map(([path, { use, calls, files }]) => (
    { path, use, calls: [...calls].sort(), files: [...files].sort() }
  ));
  return { proposed: proposed.sort((a, b) => (a.path < b.path ? -1 : 1)), refused };
}

/** The name on no list that a finding is about; undefined when it is about something else. */
function pathOf({ ruleId, details }: Finding): string | undefined {
  if (ruleId !== FALLBACK.unclassified || "applied_to" in details) return undefined;
  const global = details["global"];
  return typeof global === "string" && ENTRY.test(global) ? global : undefined;
}

/** How a finding's calls use its name, and those that are no restoring. */
function usageOf({ details }: Finding): { readonly use: Use; readonly calls: readonly string[] } {
  const calls = Array.isArray(details["calls"]) ? details["calls"] : [];
  const made: string[] = calls.flatMap((call: { via?: unknown; expression?: unknown }) =>
    typeof call.via === "string" && RESTORING.test(call.via)
      ? []
      : [typeof call.expression === "string" ? call.expression : "?"]
  );
  if (made.length > 0 || details["calls_left_out"] !== undefined) {
    return { use: "called", calls: made };
  }
  return { use: calls.length > 0 ? "restored" : "named", calls: [] };
}

/** How files fare with the proposed entries; undefined where nothing was proposed. */
export interface Effect {
  /** Files with something proposed. */
  readonly concerned: number;
  /** Paths of those of these that are clean with all entries. */
  readonly clean: readonly string[];
}

/** The proposals as a configuration, with what each name can do in comments. */
export function allowText({ proposed, refused }: Proposals, effect: Effect | undefined): string {
  // What refers to an allowed name, such as a partial of it, is settled with it.
  const remaining = refused.filter(({ file }) => effect?.clean.includes(file) !== true);
  const shown = remaining.map(({ file, message }) =>
    `#   ${escapeText(file)}: ${escapeText(message)}`
  );
  const head = [
    "# Proposed by modelaudit config allow. Nothing is allowed until this file is a configuration.",
    "# Only for models that you or people whom you trust made: keep a line if the name is code of your own, or of",
    "# a library that you trust, which does no harm with any arguments; delete it otherwise. Loading a file",
    "# imports the module of each name, and that runs the module's code.",
    ...(effect === undefined ? [] : [
      `# With all entries ${effect.clean.length} of ${
        formatCount(effect.concerned, "file")
      } that they are for are clean.`,
    ]),
    ...(remaining.length === 0
      ? []
      : ["#", "# What no entry is proposed for, and stays an issue:", ...new Set(shown)]),
  ];
  if (proposed.length === 0) return [...head, "", "# No name on no list was found.", ""].join("\n");
  return [...head, "", "allow = [", ...proposed.flatMap(linesOf), "]", ""].join("\n");
}

function linesOf({ path, use, calls, files }: Proposal): string[] {
  const more = files.length - FILES_SHOWN;
  const where = files.slice(0, FILES_SHOWN).map(escapeText).join(", ");
  const left = calls.length - CALLS_SHOWN;
  return [
    `  # ${CONSEQUENCES[use]}`,
    ...calls.slice(0, CALLS_SHOWN).map((call) => `  #   ${escapeText(cut(call))}`),
    ...(left > 0 ? [`  #   and ${formatCount(left, "other call")}`] : []),
    `  # in ${where}${more > 0 ? ` and ${formatCount(more, "other file")}` : ""}`,
    `  ${JSON.stringify(path)},`,
  ];
}

function cut(text: string): string {
  return text.length > CALL_LENGTH ? `${text.slice(0, CALL_LENGTH)}…` : text;
}
