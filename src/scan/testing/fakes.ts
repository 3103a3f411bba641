/**
 * Formats, sources and rules made up for the tests of the loop. A fake format is recognised by its
 * id at the start of the bytes: `fake:` and so on.
 *
 * @module
 */

import type { Format, FormatContext, Sample } from "../../core/format.ts";
import { type FormatEntry, formatEntry } from "../../core/format.ts";
import type { Judged, RuleSet } from "../../core/rule_set.ts";
import { type ScanOptions, scanSource } from "../scan_source.ts";
import { bytesSource } from "../../sources/memory.ts";
import type { Source } from "../../core/source.ts";
import type { FileReport, Finding, Observation, Safety, Severity } from "../../core/types.ts";

/** What a fake format does when it scans. */
export type Behaviour = (
  source: Source,
  context: FormatContext,
) => AsyncIterable<readonly Observation[]>;

/** A format recognised by `<id>:` at the start, or in the tail when `at` says so. */
export function fakeFormat(
  id: string,
  scan: Behaviour,
  options: { readonly random?: boolean; readonly at?: "head" | "tail" } = {},
): FormatEntry {
  const magic = `${id}:`;
  const format: Format = {
    id,
    random: options.random ?? false,
    detect: ({ head, tail }: Sample) =>
      options.at === "tail" ? text(tail).includes(magic) : text(head).startsWith(magic),
    scan,
  };
  return formatEntry(format);
}

/** A behaviour that states these observations in one batch. */
export function states(...observations: readonly Observation[]): Behaviour {
  return async function* () {
    await Promise.resolve();
    yield observations;
  };
}

/** A behaviour that states observations and then throws. */
export function throwsAfter(error: unknown, ...observations: readonly Observation[]): Behaviour {
  return async function* () {
    await Promise.resolve();
    yield observations;
    throw error;
  };
}

/** An import of a global, as a fact. */
export function imports(module: string, name: string, within?: readonly string[]): Observation {
  return {
    type: "fact",
    fact: { kind: "import", module, name, via: "GLOBAL" },
    count: 1,
    offset: 0,
    ...(within && { within }),
  };
}

/** A source inside another. */
export function entry(
  part: string,
  content: string | Source,
  more: Partial<Extract<Observation, { type: "entry" }>> = {},
): Observation {
  const source = typeof content === "string" ? textSource(part, content) : content;
  return { type: "entry", source, part, ...more };
}

/** A source over the bytes of a text. */
export function textSource(name: string, content: string): Source {
  return bytesSource(name, new TextEncoder().encode(content));
}

/** The same bytes as a source that only goes onward. */
export async function* chunks(content: string, size = 16): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(content);
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve();
    yield bytes.slice(at, at + size);
  }
}

const MODULES: Readonly<Record<string, readonly [Severity, Safety]>> = {
  os: ["critical", "dangerous"],
  unknown: ["medium", "suspicious"],
  safe: ["info", "innocuous"],
};

/** Rules that know three modules, and call every anomaly by its id. */
export const FAKE_RULES: RuleSet = {
  version: "fake",
  interest: { argumentsMatter: () => true },
  classify: (module, name) => {
    const [severity, safety] = MODULES[module] ?? ["medium", "suspicious"];
    return { ruleId: `fake-${module}`, severity, safety, reaches: `${module}.${name}` };
  },
  reasonsOf: () => undefined,
  judge: (observations, location, atMost) =>
    observations.map((observation) => ({
      ...verdictOf(observation, atMost),
      message: observation.type === "anomaly" ? observation.detail : "imports",
      location: {
        path: location.path,
        parts: [...location.parts, ...(observation.within ?? [])],
      },
      count: 1,
      details: {},
    })),
};

function verdictOf(
  observation: Judged,
  atMost: Parameters<RuleSet["judge"]>[2],
): Pick<Finding, "ruleId" | "severity" | "safety"> {
  if (observation.type === "anomaly") {
    const harmless = observation.rule === "file-extension-mismatch" ||
      observation.rule === "file-lfs-pointer" || observation.rule === "scan-issues-limit";
    return harmless
      ? { ruleId: observation.rule, severity: "info", safety: "innocuous" }
      : { ruleId: observation.rule, severity: "medium", safety: "suspicious" };
  }
  const module = "module" in observation.fact ? observation.fact.module : "";
  const [severity, safety] = MODULES[module] ?? ["medium", "suspicious"];
  const capped = atMost && safety === "dangerous";
  return {
    ruleId: `fake-${module}`,
    severity: capped ? atMost.severity : severity,
    safety: capped ? atMost.safety : safety,
  };
}

/** Scans with fakes. */
export function scanFake(
  source: Source,
  formats: readonly FormatEntry[],
  options: Partial<ScanOptions> = {},
): Promise<FileReport> {
  return scanSource(source, { rules: FAKE_RULES, formats, bundles: [], ...options });
}

/** Ids of a report's findings, in its order. */
export function ruleIds(report: FileReport): string[] {
  return report.findings.map((finding) => finding.ruleId);
}

function text(bytes: Uint8Array | undefined): string {
  return new TextDecoder("latin1").decode(bytes ?? new Uint8Array(0));
}
