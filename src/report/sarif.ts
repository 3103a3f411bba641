/**
 * The report as SARIF 2.1.0, for code-scanning dashboards.
 * https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 *
 * A result lies in the file that was scanned, where dashboards can show it; the exact place, such as a
 * stream of a member of an archive, is its related location. Innocuous findings are omitted, apart from
 * those that state that something was not scanned.
 *
 * @module
 */

import {
  type AcceptedFinding,
  type FailOn,
  type FileReport,
  type Finding,
  type Location,
  type RuleReasons,
  type ScanError,
  type ScanReport,
  SEVERITIES,
  type Severity,
  SEVERITY_SCORES,
  type Suppression,
} from "../core/types.ts";
import { ATLAS_TECHNIQUES, ATLAS_VERSION } from "../core/atlas.ts";
import { reasonsOf } from "../core/reasons.ts";
import { incompleteText } from "./acceptance.ts";
import { aggregateInnocuous } from "./aggregate.ts";
import { jsonText } from "./escape.ts";
import { isAlwaysShown, saysUnread } from "./limitations.ts";
import { locationText, orderErrors, orderFiles, orderFilesByPath, orderFindings } from "./order.ts";
import { exitCode, type ExitOptions, failingOn, summarize } from "./summary.ts";

/** Where the schema of this form is published. */
const SARIF_SCHEMA =
  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/** Code scanning refuses a run with more results, and with it the worst ones. */
const MAX_RESULTS = 25_000;

/** What SARIF wants to know beyond the report. */
export interface SarifOptions extends ExitOptions {
  /** What an issue is known by across changes of its file; see `modelaudit baseline`. */
  readonly fingerprintOf: (finding: Finding) => string;
}

/** What the taxonomy is called within a log. */
const ATLAS = "MITRE ATLAS";

type Level = "error" | "warning" | "note";
type Plain = Readonly<Record<string, unknown>>;

const LEVELS: Readonly<Record<Severity, Level>> = {
  critical: "error",
  high: "error",
  medium: "warning",
  low: "note",
  info: "note",
  debug: "note",
};

const JUSTIFICATIONS: Readonly<Record<Suppression, string>> = {
  allowed: "The configuration allows it.",
  disabled: "The configuration switches the rule off.",
  ignored: "The configuration ignores this issue.",
  baseline: "It is in the baseline.",
};

function isResult({ safety, ruleId, details }: Finding): boolean {
  return safety !== "innocuous" || isAlwaysShown(ruleId, details);
}

/** The report as plain data, ready for `JSON.stringify`. */
function sarifReport(report: ScanReport, options: SarifOptions): Plain {
  const files = orderFilesByPath(orderFiles(report.files));
  const shown = files.flatMap((file) =>
    orderFindings(aggregateInnocuous(file.findings)).filter(isResult).map((finding) => ({
      finding,
      justification: unreadJustification(file, finding, options.failOn),
    }))
  );
  const accepted = new Map(
    files.flatMap((file) => file.accepted ?? []).map((one) => [one.finding, one]),
  );
  const suppressed = orderFindings([...accepted.keys()])
    .filter(isResult)
    .map((finding) => ({ finding, justification: justificationOf(accepted.get(finding)) }));
  const found = [...(shown.length > MAX_RESULTS ? worstFirst(shown) : shown), ...suppressed];
  const all = found.slice(0, MAX_RESULTS);
  const rules = new Rules(all.map((it) => it.finding), report.rules);
  const techniques = rules.techniques();
  const artifacts = new Artifacts(report);
  const fingerprints = new Fingerprints(options.fingerprintOf);
  const results = all.map(({ finding, justification }) => ({
    ...resultOf(finding, rules, artifacts),
    partialFingerprints: fingerprints.next(finding),
    ...(justification && {
      suppressions: [{ kind: "external", status: "accepted", justification }],
    }),
  }));
  return {
    $schema: SARIF_SCHEMA,
    version: "2.1.0",
    runs: [{
      tool: {
        driver: {
          name: report.tool.name,
          version: report.tool.version,
          semanticVersion: report.tool.version,
          rules: rules.descriptors(),
          ...(techniques.length > 0 && { supportedTaxonomies: [{ name: ATLAS }] }),
          properties: { rules: report.tool.rules, configuration: report.configuration },
        },
      },
      ...(techniques.length > 0 && { taxonomies: [atlasTaxonomy(techniques)] }),
      invocations: [invocationOf(report, options, found.length - all.length)],
      artifacts: artifacts.list(),
      results,
      columnKind: "utf16CodeUnits",
    }],
  };
}

/** By what an issue was accepted, until when and why. */
function justificationOf(acceptance: AcceptedFinding | undefined): string | undefined {
  if (acceptance === undefined) return undefined;
  const { by, until, why } = acceptance;
  const end = until === undefined ? [] : [`It holds until ${until}.`];
  return [JUSTIFICATIONS[by], ...end, ...(why === undefined ? [] : [why])].join(" ");
}

/** Why an issue about what was not read fails no run, unless it fails one by its severity. */
function unreadJustification(
  file: FileReport,
  finding: Finding,
  failOn: FailOn,
): string | undefined {
  const { incomplete } = file.policy ?? {};
  const fails = failingOn(file.policy?.failOn ?? failOn).includes(finding.severity);
  const accepted = incomplete !== undefined && !fails && saysUnread(finding.details);
  return accepted ? `Accepted: ${incompleteText(incomplete)}` : undefined;
}

/** The report as SARIF text, with a line break at its end. */
export function renderSarif(report: ScanReport, options: SarifOptions): string {
  return jsonText(sarifReport(report, options), 2) + "\n";
}

/** By severity over all files, so that what is cut off is the least of it. */
function worstFirst<T extends { readonly finding: Finding }>(found: readonly T[]): T[] {
  return found.toSorted((a, b) =>
    SEVERITIES.indexOf(a.finding.severity) - SEVERITIES.indexOf(b.finding.severity)
  );
}

function resultOf(finding: Finding, rules: Rules, artifacts: Artifacts): Plain {
  const { location, offset } = finding;
  const inner = artifacts.indexOf(location);
  const place = offset === undefined ? "" : `, byte ${offset}`;
  const message = { text: `${finding.message} (${locationText(location)}${place})` };
  return {
    ruleId: finding.ruleId,
    ruleIndex: rules.indexOf(finding.ruleId),
    level: LEVELS[finding.severity],
    rank: scoreOf(finding) * 10,
    message,
    locations: [{
      physicalLocation: {
        artifactLocation: {
          uri: uriOf(location.path),
          index: artifacts.indexOf({ path: location.path, parts: [] }),
        },
        // Dashboards want a line, which a binary file does not have.
        region: { startLine: 1, startColumn: 1, endLine: 1, endColumn: 1 },
      },
      logicalLocations: [{ fullyQualifiedName: locationText(location) }],
    }],
    relatedLocations: [{
      physicalLocation: {
        artifactLocation: { ...artifacts.locationAt(inner), index: inner },
        ...(offset !== undefined && { region: { byteOffset: offset } }),
      },
    }],
    properties: {
      severity: finding.severity,
      safety_level: finding.safety,
      count: finding.count,
      location_parts: [location.path, ...location.parts],
      fix: rules.reasonsOf(finding).fix,
    },
  };
}

function invocationOf(report: ScanReport, options: SarifOptions, omitted: number): Plain {
  const accepted = orderFiles(report.files.filter(({ policy }) => policy?.incomplete));
  const open = report.files.filter(({ policy }) => policy?.incomplete === undefined);
  const errors = orderErrors([...report.errors, ...open.flatMap((file) => file.errors)]);
  const notes = report.configurationNotes ?? [];
  const end = new Date(Date.parse(report.startTime) + report.duration * 1000);
  return {
    executionSuccessful: options.interrupted !== true,
    exitCode: exitCode(summarize(report), options),
    startTimeUtc: report.startTime,
    ...(!Number.isNaN(end.getTime()) && { endTimeUtc: end.toISOString() }),
    toolExecutionNotifications: [
      ...(omitted === 0 ? [] : [{
        level: "error",
        message: { text: `${omitted} more issues are left out: a run may have ${MAX_RESULTS}.` },
      }]),
      ...errors.map((error) => notificationOf(error, "error")),
      ...accepted.flatMap(acceptedNotifications),
    ],
    ...(notes.length > 0 && {
      toolConfigurationNotifications: notes.map((text) => ({ level: "note", message: { text } })),
    }),
  };
}

/** What was not read of a file that a policy accepts, and the policy. */
function acceptedNotifications({ path, policy, errors }: FileReport): Plain[] {
  if (policy?.incomplete === undefined) return [];
  const location = { path, parts: [] };
  const message = `Accepted: ${incompleteText(policy.incomplete)}.`;
  return [{ location, message, remedy: "" }, ...orderErrors(errors)]
    .map((error) => notificationOf(error, "note"));
}

function notificationOf(error: ScanError, level: Level): Plain {
  return {
    level,
    message: { text: `${locationText(error.location)}: ${error.message} ${error.remedy}`.trim() },
    locations: [{ physicalLocation: { artifactLocation: { uri: uriOf(error.location.path) } } }],
  };
}

/**
 * Fingerprints of results. Code scanning uses `primaryLocationLineHash` alone, and would otherwise take
 * the hash of a binary file's first bytes for it, the same for every issue of a file; the number after
 * the colon tells equal ones apart, as it does there.
 * https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
 */
class Fingerprints {
  readonly #occurrences = new Map<string, number>();
  readonly #of: SarifOptions["fingerprintOf"];

  constructor(of: SarifOptions["fingerprintOf"]) {
    this.#of = of;
  }

  next(finding: Finding): Plain {
    const fingerprint = this.#of(finding);
    const key = JSON.stringify([finding.location.path, fingerprint]);
    const count = (this.#occurrences.get(key) ?? 0) + 1;
    this.#occurrences.set(key, count);
    return {
      "modelauditIssue/v1": fingerprint,
      primaryLocationLineHash: `${fingerprint.slice(0, 16)}:${count}`,
    };
  }
}

/** The rules behind the results, each described once. */
class Rules {
  readonly #worst = new Map<string, Finding>();
  readonly #ids: readonly string[];
  readonly #rules: ScanReport["rules"];

  constructor(findings: readonly Finding[], rules: ScanReport["rules"]) {
    for (const finding of orderFindings(findings)) {
      const known = this.#worst.get(finding.ruleId);
      if (known === undefined || scoreOf(finding) > scoreOf(known)) {
        this.#worst.set(finding.ruleId, finding);
      }
    }
    this.#ids = [...this.#worst.keys()].sort();
    this.#rules = rules;
  }

  reasonsOf(finding: Finding): RuleReasons {
    return reasonsOf(finding, this.#rules);
  }

  /** Techniques of MITRE ATLAS that the rules name, sorted. */
  techniques(): string[] {
    const all = [...this.#worst.values()].flatMap((finding) => this.reasonsOf(finding).atlas);
    return [...new Set(all)].sort();
  }

  indexOf(id: string): number {
    return this.#ids.indexOf(id);
  }

  descriptors(): Plain[] {
    return this.#ids.flatMap((id) => {
      const worst = this.#worst.get(id);
      return worst === undefined ? [] : [this.#describe(id, worst)];
    });
  }

  #describe(id: string, worst: Finding): Plain {
    const { title, why, fix, references, atlas } = this.reasonsOf(worst);
    const link = references.map(linkOf).find((it) => it !== undefined);
    const score = scoreOf(worst);
    const see = references.length === 0 ? "" : `See: ${references.join(", ")}`;
    return {
      id,
      name: id.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase()),
      shortDescription: { text: title },
      fullDescription: { text: why === "" ? title : why },
      help: { text: [why, `What to do: ${fix}`, see].filter((it) => it !== "").join("\n\n") },
      ...(link !== undefined && { helpUri: link }),
      ...(atlas.length > 0 && { relationships: atlas.map(toTechnique) }),
      defaultConfiguration: { level: LEVELS[worst.severity], rank: score * 10 },
      properties: {
        // Code scanning takes scores above 0 only.
        ...(score > 0 && { "security-severity": score.toFixed(1) }),
        precision: worst.safety === "dangerous" ? "very-high" : "medium",
        tags: ["security", ...references.flatMap(weaknessTag)],
      },
    };
  }
}

/** The taxonomy of MITRE ATLAS, as far as rules name it. */
function atlasTaxonomy(techniques: readonly string[]): Plain {
  return {
    name: ATLAS,
    version: ATLAS_VERSION,
    organization: "MITRE",
    informationUri: "https://atlas.mitre.org/",
    shortDescription: { text: "Adversarial Threat Landscape for AI Systems" },
    taxa: techniques.map((id) => ({
      id,
      ...(Object.hasOwn(ATLAS_TECHNIQUES, id) && { name: ATLAS_TECHNIQUES[id] }),
      helpUri: `https://atlas.mitre.org/techniques/${encodeURIComponent(id)}`,
    })),
  };
}

/** A rule's relation to a technique. */
function toTechnique(id: string): Plain {
  return { target: { id, toolComponent: { name: ATLAS } }, kinds: ["relevant"] };
}

/** Where a reference can be read; undefined when it is no link and no weakness number. */
function linkOf(reference: string): string | undefined {
  const weakness = /^CWE-(\d{1,5})$/.exec(reference)?.[1];
  if (weakness !== undefined) return `https://cwe.mitre.org/data/definitions/${weakness}.html`;
  return /^https:\/\/\S+$/.test(reference) ? reference : undefined;
}

/** `CWE-502` as code scanning tags it. */
function weaknessTag(reference: string): string[] {
  const number = /^CWE-(\d{1,5})$/.exec(reference)?.[1];
  return number === undefined ? [] : [`external/cwe/cwe-${number.padStart(3, "0")}`];
}

/** Files, and the members and streams in them that results lie in. */
class Artifacts {
  readonly #indices = new Map<string, number>();
  readonly #list: Plain[] = [];

  constructor(report: ScanReport) {
    for (const { path, size, sha256 } of orderFilesByPath(report.files)) {
      this.#add([path], {
        location: { uri: uriOf(path) },
        roles: ["analysisTarget"],
        ...(size !== undefined && { length: size }),
        ...(sha256 !== undefined && { hashes: { "sha-256": sha256.value } }),
      });
    }
  }

  list(): readonly Plain[] {
    return this.#list;
  }

  /** The index of a place, with all that it lies in. */
  indexOf({ path, parts }: Location): number {
    let index = this.#add([path], { location: { uri: uriOf(path) } });
    for (let depth = 1; depth <= parts.length; depth++) {
      const location = { uri: uriOf(parts[depth - 1] ?? "") };
      index = this.#add([path, ...parts.slice(0, depth)], { location, parentIndex: index });
    }
    return index;
  }

  locationAt(index: number): Plain {
    return (this.#list[index]?.["location"] ?? {}) as Plain;
  }

  #add(key: readonly string[], artifact: Plain): number {
    const text = JSON.stringify(key);
    const known = this.#indices.get(text);
    if (known !== undefined) return known;
    this.#indices.set(text, this.#list.length);
    return this.#list.push(artifact) - 1;
  }
}

/** The score of a finding, 0 to 10. */
function scoreOf(finding: Finding): number {
  const score = finding.score ?? SEVERITY_SCORES[finding.severity];
  return Math.min(10, Math.max(0, score));
}

/**
 * A path as URI reference: relative ones stay so, absolute ones of any system become `file:`,
 * addresses of servers and of the hub stay what they are.
 *
 * @param path any text; lone surrogates become U+FFFD
 */
export function uriOf(path: string): string {
  if (/^(?:https?|hf):\/\//.test(path) && URL.canParse(path)) return new URL(path).href;
  const windows = /^(?:[A-Za-z]:[\\/]|\\\\)/.test(path);
  const slashed = windows ? path.replaceAll("\\", "/") : path;
  const encoded = slashed.toWellFormed().split("/").map(encodeURIComponent).join("/");
  if (/^[A-Za-z]%3A\//.test(encoded) && windows) return `file:///${encoded.replace("%3A", ":")}`;
  if (encoded.startsWith("//")) {
    return windows ? `file:${encoded}` : `file:///${encoded.replace(/^\/+/, "")}`;
  }
  if (encoded.startsWith("/")) return `file://${encoded}`;
  return encoded.replace(/^(?:\.\/+)+(?=.)/, "");
}
