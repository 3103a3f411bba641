/**
 * modelaudit: says what would happen if a machine-learning model file were loaded, without loading
 * it. Nothing in a scanned file is executed, imported, unpickled or written to disk.
 *
 * ```ts
 * import { scan } from "@modelaudit/modelaudit";
 *
 * const report = await scan("models/");
 * for (const file of report.files) {
 *   console.log(file.path, file.verdict, file.findings.map((finding) => finding.message));
 * }
 * ```
 *
 * @module
 */

import type { FormatEntry } from "./src/core/format.ts";
import { FORMATS as READERS } from "./src/formats/registry.ts";
import { loadRules } from "./src/rules/rules.ts";
import type { ScanInput, ScanManyOptions } from "./src/scan/options.ts";
import { scanMany } from "./src/scan/scan_inputs.ts";
import type { ScanReport } from "./src/core/types.ts";

export {
  exitCodeOf,
  type TextWriteOptions,
  toCycloneDx,
  toHtml,
  toJson,
  toJunit,
  toMarkdown,
  toNdjson,
  toSarif,
  toText,
  type WriteOptions,
} from "./src/report/api/writers.ts";
export { type ReadReport, readReport } from "./src/report/read.ts";
export type { ExitOptions } from "./src/report/summary.ts";
export type { ModelAbout } from "./src/core/about.ts";
export { ATLAS_TECHNIQUES, ATLAS_VERSION } from "./src/core/atlas.ts";
export { ConfigError, FormatError, LimitError, SourceError } from "./src/core/errors.ts";
export type {
  ConfigErrorOptions,
  SourceErrorOptions,
  SourceErrorReason,
} from "./src/core/errors.ts";
export type {
  CoverageRow,
  ExplainContext,
  Format,
  FormatContext,
  ListingLine,
  NameClaim,
  NamedData,
  Sample,
} from "./src/core/format.ts";
export type {
  Acceptance,
  AcceptedFinding,
  FailOn,
  FilePolicy,
  IncompleteAcceptance,
} from "./src/core/findings.ts";
export {
  LOADER_ACTIONS,
  type LoaderAction,
  type LoaderCode,
  type LoaderEntry,
  type LoaderProof,
} from "./src/core/loader.ts";
export { type FormatEntry, formatEntry } from "./src/core/format.ts";
export type {
  Entry,
  FormatOverride,
  GlobalOverride,
  OperatorOverride,
  Overrides,
  PatternRule,
  RuleOverride,
} from "./src/rules/overrides.ts";
export { DEFAULT_LIMITS, withDefaults } from "./src/core/limits.ts";
export type { Allowing, RestrictedLoad } from "./src/core/restricted_load.ts";
export { reasonsOf } from "./src/core/reasons.ts";
export type { Bundle, BundleObservation } from "./src/core/bundle.ts";
export type { Classification, Judged, RuleSet } from "./src/core/rule_set.ts";
export type { Match as RuleMatch } from "./src/rules/classify.ts";
export {
  type Rule,
  RULE_KINDS,
  type RuleKind,
  type Verdict as RuleVerdict,
  type Wrapper,
  WRAPPERS,
} from "./src/rules/rule.ts";
export type { RuleOptions, Rules } from "./src/rules/rules.ts";
export { type ScanOptions, scanSource } from "./src/scan/scan_source.ts";
export type {
  GoverningPolicy,
  RemoteOptions,
  ScanInput,
  ScanManyOptions,
  Stream,
  StreamInput,
} from "./src/scan/options.ts";
export type {
  AzureSettings,
  GcsSettings,
  Lasting,
  Login,
  OciSettings,
  S3Keys,
  S3Settings,
  ServiceAccount,
  StoreSettings,
} from "./src/remote/stores/settings.ts";
export type { ScanProgress } from "./src/scan/schedule/progress.ts";
export type { WalkOptions } from "./src/sources/file.ts";
export { blobSource, bytesSource, sliceSource } from "./src/sources/memory.ts";
export { type ByteRange, type Source } from "./src/core/source.ts";
export {
  type CallFact,
  type CodeNames,
  type Evidence,
  type ExtensionFact,
  type Fact,
  type Failure,
  type FailureKind,
  type FileHash,
  type FileReport,
  type Finding,
  type FolderPlace,
  type GlobalName,
  type ImportFact,
  type Interest,
  type Limits,
  type Listing,
  type Location,
  type Member,
  type MutationFact,
  type Observation,
  type OperatorFact,
  type OperatorKnowledge,
  type PatternHit,
  type Reading,
  type ReferenceFact,
  type RuleReasons,
  type Safety,
  SAFETY_LEVELS,
  type ScanError,
  type ScanReport,
  SEVERITIES,
  type Severity,
  SEVERITY_SCORES,
  type Siblings,
  type StringFact,
  type Suppressed,
  type Suppression,
  SUPPRESSIONS,
  type UnresolvedCallFact,
  type Verdict,
  VERDICTS,
} from "./src/core/types.ts";
export { loadRules };

/** The formats that can be read, in the order of a report. */
export const FORMATS: readonly FormatEntry[] = READERS;

/** What `scan` may be told; everything has a default. */
export type ScanSettings = Partial<ScanManyOptions>;

/**
 * Scans files, folders, URLs, bytes, Blobs, answers of servers, streams or sources.
 *
 * What cannot be opened is listed in the report's `errors`, what could not be read to its end makes
 * a file `incomplete`; neither is thrown.
 *
 * @param input one or several: a string is a path; `file:` URLs are read, `https:`, `http:`, `hf:`,
 * `s3:`, `gs:`, `az:` and `oci:` URLs are fetched, as far as the verdict needs it
 * @param settings rules, limits, a signal to stop early, how URLs are fetched, how folders are gone
 * through
 * @returns one report; `files` are in the order of the inputs, sorted within a folder
 * @throws TypeError for settings that there are not, or are of a wrong type, and for what cannot be scanned
 * @throws RangeError when there is no limit of a name, or one is no number
 *
 * @example A file's bytes from elsewhere
 * ```ts
 * import { bytesSource, scan } from "@modelaudit/modelaudit";
 *
 * const pickle = new TextEncoder().encode("cos\nsystem\n(S'echo hi'\ntR.");
 * const report = await scan(bytesSource("model.pkl", pickle));
 * console.log(report.files[0]?.verdict); // "dangerous"
 * ```
 */
export async function scan(
  input: ScanInput | readonly ScanInput[],
  settings: ScanSettings = {},
): Promise<ScanReport> {
  const inputs = isList(input) ? input : [input];
  return await scanMany(inputs, { ...settings, rules: settings.rules ?? loadRules() });
}

/**
 * Settings for `scan` from a configuration in TOML; `docs/configuration.md` explains it.
 *
 * @param text the configuration
 * @param file its name, for messages and reports
 * @returns rules, limits and what is let through; give them to `scan`, with others as you like
 * @throws ConfigError with line and column when the configuration is wrong
 *
 * @example Trust a package
 * ```ts
 * import { configure, scan } from "@modelaudit/modelaudit";
 *
 * const settings = await configure('allow = ["our_package.*"]');
 * const report = await scan("models/", settings);
 * console.log(report.suppressed);
 * ```
 */
export async function configure(text: string, file = "configuration"): Promise<ScanSettings> {
  const [{ readConfiguration }, { effectiveOf }] = await Promise.all([
    import("./src/config/read.ts"),
    import("./src/config/effective.ts"),
  ]);
  const embedded = loadRules();
  const vocabulary = {
    rules: embedded.list().map((rule) => rule.id),
    formats: FORMATS.map((format) => format.id),
  };
  const layer = { configuration: readConfiguration(text, file, vocabulary), trusted: true };
  const { overrides, limits, suppress, policyOf, include, exclude, name, notes } =
    await effectiveOf([layer], embedded, Date.now());
  return {
    rules: loadRules({ overrides }),
    limits,
    suppress,
    policyOf,
    walk: { include, exclude },
    configuration: name,
    configurationNotes: notes,
  };
}

function isList(input: ScanInput | readonly ScanInput[]): input is readonly ScanInput[] {
  return Array.isArray(input);
}
