/**
 * The report as a bill of materials, CycloneDX 1.6: files as components, models among them with a model card
 * of what they say of themselves, and what was found as vulnerabilities that affect them.
 * https://cyclonedx.org/docs/1.6/json/
 *
 * @module
 */

import type { ModelAbout } from "../core/about.ts";
import { reasonsOf } from "../core/reasons.ts";
import {
  type FileReport,
  type Finding,
  type ScanReport,
  SEVERITIES,
  type Severity,
  SEVERITY_SCORES,
} from "../core/types.ts";
import { incompleteText } from "./acceptance.ts";
import { aggregateInnocuous, groupOperators } from "./aggregate.ts";
import { jsonText } from "./escape.ts";
import { locationText, orderErrors, orderFiles, orderFilesByPath, orderFindings } from "./order.ts";
import { exitCode, type ExitOptions, summarize } from "./summary.ts";

type Plain = Readonly<Record<string, unknown>>;

/** What this program calls its own properties. */
const OURS = "modelaudit";

/** Findings that are listed one by one of one rule. CWE-779. */
const FINDINGS_LISTED = 100;

/** Formats of which a file is no model, but may hold one or stand beside it. */
const NO_MODELS: ReadonlySet<string> = new Set([
  ...["zip", "tar", "7z", "rar", "cab", "compressed", "gzip", "bzip2", "xz", "lzma", "lz4"],
  ...["zstd", "zlib", "lzip", "model-config", "text-config", "keras-config", "chat-template"],
  ...["python", "python-source", "native", "tokenizer-json", "sentencepiece", "token-list"],
  ...["npy", "rds", "parquet", "arrow"],
]);

/** SPDX identifiers by what model cards write. https://huggingface.co/docs/hub/repositories-licenses */
const SPDX: Readonly<Record<string, string>> = Object.fromEntries([
  ...["Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "BSD-3-Clause-Clear", "CC0-1.0"],
  ...["CC-BY-2.0", "CC-BY-2.5", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0"],
  ...["CC-BY-NC-2.0", "CC-BY-NC-3.0", "CC-BY-NC-4.0", "CC-BY-ND-4.0", "CC-BY-NC-ND-3.0"],
  ...["CC-BY-NC-ND-4.0", "CC-BY-NC-SA-2.0", "CC-BY-NC-SA-3.0", "CC-BY-NC-SA-4.0"],
  ...["GPL-2.0", "GPL-3.0", "LGPL-2.1", "LGPL-3.0", "AGPL-3.0", "MPL-2.0", "ISC", "Unlicense"],
  ...["EPL-2.0", "Artistic-2.0", "Zlib", "ECL-2.0", "OSL-3.0", "EUPL-1.1", "EUPL-1.2", "MS-PL"],
  ...["CDLA-Permissive-1.0", "CDLA-Permissive-2.0", "CDLA-Sharing-1.0", "WTFPL", "OFL-1.1"],
  ...["PostgreSQL", "NCSA", "AFL-3.0", "BSL-1.0", "LPPL-1.3c", "GFDL-1.3"],
].map((id) => [id.toLowerCase(), id]));

/** What else cards write for a licence of SPDX. */
const SPDX_ALIASES: Readonly<Record<string, string>> = {
  "apache 2.0": "Apache-2.0",
  "odc-by": "ODC-By-1.0",
  pddl: "PDDL-1.0",
};

/** The report as CycloneDX, with a line break at its end. */
export function renderCycloneDx(report: ScanReport, exit: ExitOptions): string {
  const files = orderFilesByPath(report.files);
  const refs = new Refs();
  const components = files.map((file) => ({ file, ref: refs.of(file.path) }));
  const vulnerabilities = vulnerabilitiesOf(report, components);
  return jsonText({
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: metadataOf(report, exit),
    components: components.map(({ file, ref }) => componentOf(file, ref)),
    ...(vulnerabilities.length > 0 && { vulnerabilities }),
  }, 2) + "\n";
}

interface Component {
  readonly file: FileReport;
  readonly ref: string;
}

/** References to components: their paths, and a number behind one that comes again. */
class Refs {
  readonly #seen = new Map<string, number>();

  of(path: string): string {
    const count = (this.#seen.get(path) ?? 0) + 1;
    this.#seen.set(path, count);
    return count === 1 ? `file:${path}` : `file:${path}#${count}`;
  }
}

function metadataOf(report: ScanReport, exit: ExitOptions): Plain {
  const summary = summarize(report);
  const { name, version, rules } = report.tool;
  return {
    timestamp: report.startTime,
    tools: { components: [{ type: "application", name, version }] },
    properties: [
      property("rules", rules),
      property("configuration", report.configuration),
      ...(report.configurationNotes ?? []).map((note) => property("configuration_note", note)),
      property("verdict", summary.verdict ?? "none"),
      property("exit_code", String(exitCode(summary, exit))),
      property("suppressed", String(report.suppressed)),
      ...orderErrors(report.errors).map((error) =>
        property("error", `${locationText(error.location)}: ${error.message}`)
      ),
    ],
  };
}

function property(name: string, value: string): Plain {
  return { name: `${OURS}:${name}`, value };
}

function componentOf(file: FileReport, ref: string): Plain {
  const { path, about = {}, sha256 } = file;
  const isModel = file.verdict !== "skipped" && file.formats.some((id) => !NO_MODELS.has(id));
  const licenses = about.licenses?.map(licenseOf) ?? [];
  const ancestors = about.baseModels?.map((name) => ({ type: "machine-learning-model", name })) ??
    [];
  return {
    type: isModel ? "machine-learning-model" : "file",
    "bom-ref": ref,
    name: baseNameOf(path) || path || "-",
    ...(sha256 !== undefined && { hashes: [{ alg: "SHA-256", content: sha256.value }] }),
    ...(licenses.length > 0 && { licenses }),
    ...(ancestors.length > 0 && { pedigree: { ancestors } }),
    ...(isModel && modelCardOf(about)),
    properties: propertiesOf(file, isModel ? {} : about),
  };
}

function baseNameOf(path: string): string {
  return path.replace(/[\\/]+$/, "").replace(/^.*[\\/]/, "");
}

function licenseOf(name: string): Plain {
  const key = name.toLowerCase();
  const id = Object.hasOwn(SPDX, key)
    ? SPDX[key]
    : Object.hasOwn(SPDX_ALIASES, key)
    ? SPDX_ALIASES[key]
    : undefined;
  return { license: id === undefined ? { name } : { id } };
}

/** The card of a model: what the form has a place for, and the rest as properties. */
function modelCardOf(about: ModelAbout): Plain {
  const { task, family, architecture, datasets } = about;
  const modelParameters = {
    ...(task !== undefined && { task }),
    ...(family !== undefined && { architectureFamily: family }),
    ...(architecture !== undefined && { modelArchitecture: architecture }),
    ...(datasets !== undefined && {
      datasets: datasets.map((name) => ({ type: "dataset", name })),
    }),
  };
  const properties = aboutProperties(about);
  if (Object.keys(modelParameters).length + properties.length === 0) return {};
  return {
    modelCard: {
      ...(Object.keys(modelParameters).length > 0 && { modelParameters }),
      ...(properties.length > 0 && { properties }),
    },
  };
}

/** What the form has no place for. */
function aboutProperties(about: ModelAbout): Plain[] {
  const { name, library, quantization, dtype, parameters, types } = about;
  const said: readonly (readonly [key: string, value: string | undefined])[] = [
    ["name", name],
    ["library", library],
    ["quantization", quantization],
    ["dtype", dtype],
    ["parameters", parameters === undefined ? undefined : String(parameters)],
    ...Object.entries(types ?? {}).map(([type, count]) =>
      [`parameters:${type}`, String(count)] as const
    ),
  ];
  return said.flatMap(([key, value]) => value === undefined ? [] : [property(key, value)]);
}

/** @param about what the component has no card for, as a configuration beside a model has none */
function propertiesOf(file: FileReport, about: ModelAbout): Plain[] {
  const { task, family, architecture, datasets = [] } = about;
  const said = [["task", task], ["family", family], ["architecture", architecture]] as const;
  return [
    property("path", file.path),
    property("verdict", file.verdict),
    property("risk_score", String(file.riskScore)),
    ...file.formats.map((id) => property("format", id)),
    ...(file.size === undefined ? [] : [property("size", String(file.size))]),
    property("bytes_read", String(file.bytesRead)),
    ...(file.sha256 === undefined ? [] : [property("sha256_by", file.sha256.by)]),
    ...said.flatMap(([key, value]) => value === undefined ? [] : [property(key, value)]),
    ...datasets.map((name) => property("dataset", name)),
    ...aboutProperties(about),
    ...(file.loads ?? []).map(({ loader, release, outcome }) =>
      property("loads", `${loader}, ${release}: ${outcome}`)
    ),
    ...(file.accepted ?? []).map(({ finding, by, until, why }) =>
      property(
        "accepted",
        `${finding.ruleId} (${by}${until === undefined ? "" : ` until ${until}`}${
          why === undefined ? "" : `: ${why}`
        })`,
      )
    ),
    ...(file.policy?.incomplete === undefined
      ? []
      : [property("accepted", incompleteText(file.policy.incomplete))]),
    ...orderErrors(file.errors).map((error) =>
      property("error", `${locationText(error.location)}: ${error.message}`)
    ),
  ];
}

/** A rule as it was seen at one severity, and where. */
interface Group {
  readonly severity: Severity;
  readonly findings: Finding[];
  readonly refs: Set<string>;
}

/** One for each rule and severity, worst first; accepted findings count too. */
function vulnerabilitiesOf(report: ScanReport, components: readonly Component[]): Plain[] {
  const groups = new Map<string, Group>();
  const refs = new Map(components.map(({ file, ref }) => [file, ref]));
  for (const file of orderFiles(report.files)) {
    const all = [...file.findings, ...(file.accepted ?? []).map(({ finding }) => finding)];
    for (const finding of groupOperators(orderFindings(aggregateInnocuous(all)))) {
      if (finding.safety === "innocuous") continue;
      const key = `${finding.severity} ${finding.ruleId} ${finding.reasons ?? ""}`;
      const group = groups.get(key) ??
        { severity: finding.severity, findings: [], refs: new Set<string>() };
      groups.set(key, group);
      group.findings.push(finding);
      const ref = refs.get(file);
      if (ref !== undefined) group.refs.add(ref);
    }
  }
  return [...groups.values()]
    .sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity))
    .flatMap((group, index) => vulnerabilityOf(group, index, report.rules));
}

function vulnerabilityOf(
  { severity, findings, refs }: Group,
  index: number,
  rules: ScanReport["rules"],
): Plain[] {
  const [first] = findings;
  if (first === undefined) return [];
  const { title, why, fix, references, atlas } = reasonsOf(first, rules);
  const score = first.score ?? SEVERITY_SCORES[severity];
  const cwes = references.flatMap((it) => {
    const number = /^CWE-(\d{1,5})$/.exec(it)?.[1];
    return number === undefined ? [] : [Number(number)];
  });
  const published = references.flatMap(publishedOf);
  const advisories = references.filter((it) => /^https:\/\/\S+$/.test(it) && URL.canParse(it))
    .map((url) => ({ url: new URL(url).href }));
  const source = { name: OURS };
  return [{
    "bom-ref": `finding-${index + 1}`,
    id: first.ruleId,
    source,
    ...(published.length > 0 && { references: published }),
    ratings: [{
      source,
      score,
      severity: severity === "debug" ? "none" : severity,
      method: "other",
    }],
    ...(cwes.length > 0 && { cwes }),
    description: title,
    ...(why !== "" && { detail: why }),
    ...(fix !== "" && { recommendation: fix }),
    ...(advisories.length > 0 && { advisories }),
    affects: [...refs].map((ref) => ({ ref })),
    properties: [
      property("safety_level", first.safety),
      ...atlas.map((id) => property("atlas", id)),
      ...findings.slice(0, FINDINGS_LISTED).map((finding) =>
        property("finding", findingText(finding))
      ),
      ...(findings.length > FINDINGS_LISTED
        ? [property("findings_left_out", String(findings.length - FINDINGS_LISTED))]
        : []),
    ],
  }];
}

function findingText(finding: Finding): string {
  const place = finding.offset === undefined ? "" : `, byte ${finding.offset}`;
  return `${locationText(finding.location)}${place}: ${finding.message}`;
}

/** An advisory of somebody else. */
function publishedOf(reference: string): Plain[] {
  if (/^CVE-\d{4}-\d{4,}$/.test(reference)) {
    const url = `https://nvd.nist.gov/vuln/detail/${reference}`;
    return [{ id: reference, source: { name: "NVD", url } }];
  }
  if (/^GHSA(?:-[0-9a-z]{4}){3}$/.test(reference)) {
    const url = `https://github.com/advisories/${reference}`;
    return [{ id: reference, source: { name: "GitHub", url } }];
  }
  return [];
}
