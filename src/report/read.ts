/**
 * Reads a JSON report back, so that other reports can be made of it without a second scan. Nothing in it
 * is trusted: what is not as `docs/report.schema.json` describes is an error that names its place.
 *
 * @module
 */

import { ConfigError } from "../core/errors.ts";
import {
  type AcceptedFinding,
  type FailOn,
  type FilePolicy,
  type FileReport,
  type Finding,
  type Location,
  type RuleReasons,
  SAFETY_LEVELS,
  type ScanError,
  type ScanReport,
  SEVERITIES,
  SEVERITY_SCORES,
  type Suppressed,
  SUPPRESSIONS,
  VERDICTS,
} from "../core/types.ts";
import type { RestrictedLoad } from "../core/restricted_load.ts";
import { SCHEMA_VERSION } from "./record.ts";
import { exitCode, type ExitOptions, summarize } from "./summary.ts";

/** What a JSON report says: the report, and what decided its exit code. */
export interface ReadReport {
  /** As the scan gave it. */
  readonly report: ScanReport;
  /** What failed the scan. */
  readonly exit: ExitOptions;
}

/** Exit codes, see {@linkcode exitCode}. */
const [FAILED, UNREAD, INTERRUPTED] = [1, 2, 130];

const FAIL_ON: readonly FailOn[] = ["critical", "high", "medium", "low", "info", "never"];

/**
 * Reads the text of a JSON report.
 *
 * @param text the whole document
 * @param file its name, for messages; "report" unless given
 * @throws ConfigError when it is no such report, with the place in it
 */
export function readReport(text: string, file = "report"): ReadReport {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(file, `Cannot read the report ${file}: it is no JSON (${reason})`, {
      cause,
    });
  }
  return new ReportReader(file).read(data);
}

/** What a file may say of a model, by the kind of value. */
const ABOUT_TEXTS = [
  ...["name", "architecture", "family", "task", "library", "quantization", "dtype"],
] as const;
const ABOUT_LISTS = [
  ["licenses", "licenses"],
  ["base_models", "baseModels"],
  ["datasets", "datasets"],
] as const;

type Fields = Readonly<Record<string, unknown>>;

/** Reads values of one document; each method takes a value and its place, as `assets[3].verdict`. */
class ReportReader {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  read(data: unknown): ReadReport {
    const it = this.#fields(data, "");
    const version = this.#text(it["schema_version"], "schema_version");
    const [major] = version.split(".");
    if (major !== SCHEMA_VERSION.split(".")[0]) {
      this.#fail("schema_version", `is ${version}, and this version reads ${SCHEMA_VERSION}`);
    }
    const tool = this.#fields(it["tool"], "tool");
    const issues = this.#list(it["issues"], "issues", (one, at) => this.#issue(one, at));
    const errors = this.#list(it["errors"], "errors", (one, at) => this.#error(one, at));
    const files = this.#list(it["assets"], "assets", (one, at) => this.#asset(one, at));
    const report: ScanReport = {
      tool: {
        name: this.#text(tool["name"], "tool.name"),
        version: this.#text(tool["version"], "tool.version"),
        rules: this.#text(tool["rules"], "tool.rules"),
      },
      startTime: this.#text(it["start_time"], "start_time"),
      duration: this.#number(it["duration"], "duration"),
      ...joined(files, issues, errors),
      rules: this.#rules(it["rules"]),
      configuration: this.#text(it["configuration"], "configuration"),
      configurationNotes: this.#texts(it["configuration_notes"], "configuration_notes"),
      suppressed: this.#number(it["suppressed"], "suppressed"),
      ...this.#suppressed(it["suppressed_by"], "suppressed_by", "suppressedBy"),
    };
    return { report, exit: this.#exit(it, report) };
  }

  #exit(it: Fields, report: ScanReport): ExitOptions {
    const code = this.#number(it["exit_code"], "exit_code");
    const exit = {
      failOn: this.#word(it["fail_on"], FAIL_ON, "fail_on"),
      allowNoModels: this.#flag(it["allow_no_models"], "allow_no_models"),
      interrupted: code === INTERRUPTED,
    };
    const usual = exitCode(summarize(report), exit);
    if (usual !== FAILED || code === FAILED) return exit;
    // Issues that fail have a code of their own; with 0, what was not read decides.
    return { ...exit, failedCode: code === UNREAD ? 0 : code };
  }

  #asset(value: unknown, at: string): FileReport {
    const it = this.#fields(value, at);
    const accepted = this.#list(
      it["accepted"],
      `${at}.accepted`,
      (one, place) => this.#accepted(one, place),
    );
    const policy = this.#policy(it, at);
    const loads = this.#list(it["loads"], `${at}.loads`, (one, place) => this.#load(one, place));
    return {
      path: this.#text(it["path"], `${at}.path`),
      formats: this.#texts(it["formats"], `${at}.formats`),
      size: this.#maybe(it["size"], (size) => this.#number(size, `${at}.size`)),
      bytesRead: this.#number(it["bytes_read"], `${at}.bytes_read`),
      verdict: this.#word(it["verdict"], VERDICTS, `${at}.verdict`),
      riskScore: this.#number(it["risk_score"], `${at}.risk_score`),
      findings: [],
      errors: [],
      ...this.#hash(it, at),
      ...this.#about(it["about"], `${at}.about`),
      ...(loads.length > 0 && { loads }),
      partsScanned: this.#number(it["parts_scanned"], `${at}.parts_scanned`),
      ...this.#suppressed(it["suppressed_by"], `${at}.suppressed_by`, "suppressed"),
      ...(accepted.length > 0 && { accepted }),
      ...(policy !== undefined && { policy }),
    };
  }

  #hash(asset: Fields, at: string): Pick<FileReport, "sha256"> {
    const value = this.#maybe(asset["sha256"], (it) => this.#text(it, `${at}.sha256`));
    const by = this.#maybe(
      asset["sha256_by"],
      (it) => this.#word(it, ["content", "listing"] as const, `${at}.sha256_by`),
    );
    if (value === undefined || by === undefined) return {};
    if (!/^[0-9a-f]{64}$/.test(value)) this.#fail(`${at}.sha256`, "is no SHA-256");
    return { sha256: { value, by } };
  }

  #about(value: unknown, at: string): Pick<FileReport, "about"> {
    if (value === null) return {};
    const it = this.#fields(value, at);
    const texts = ABOUT_TEXTS.map((key) =>
      [key, key, (one: unknown) => this.#text(one, at)] as const
    );
    const lists = ABOUT_LISTS.map(([name, key]) =>
      [name, key, (one: unknown) => this.#texts(one, at)] as const
    );
    const readers = [
      ...texts,
      ...lists,
      ["parameters", "parameters", (one: unknown) => this.#number(one, at)] as const,
      ["types", "types", (one: unknown) => {
        const types = Object.entries(this.#fields(one, at));
        return Object.fromEntries(types.map(([type, count]) => [type, this.#number(count, at)]));
      }] as const,
    ];
    const about = readers.flatMap(([name, key, read]) =>
      it[name] === undefined ? [] : [[key, read(it[name])] as const]
    );
    return { about: Object.fromEntries(about) };
  }

  #load(value: unknown, at: string): RestrictedLoad {
    const it = this.#fields(value, at);
    const { refusal, allowing } = it;
    return {
      loader: this.#text(it["loader"], `${at}.loader`),
      release: this.#text(it["release"], `${at}.release`),
      outcome: this.#word(
        it["outcome"],
        ["loads", "refused", "unrestricted"] as const,
        `${at}.outcome`,
      ),
      globals: this.#texts(it["globals"], `${at}.globals`),
      ...(refusal !== undefined && { refusal: this.#text(refusal, `${at}.refusal`) }),
      ...(allowing !== undefined && {
        allowing: this.#word(
          allowing,
          ["harmless", "harmful", "unknown"] as const,
          `${at}.allowing`,
        ),
      }),
    };
  }

  #rules(value: unknown): ScanReport["rules"] {
    const rules = Object.entries(this.#fields(value, "rules")).map(([id, rule]) => {
      const at = `rules.${id}`;
      const it = this.#fields(rule, at);
      const reasons: RuleReasons = {
        title: this.#text(it["title"], `${at}.title`),
        why: this.#text(it["why"], `${at}.why`),
        fix: this.#text(it["fix"], `${at}.fix`),
        references: this.#texts(it["references"], `${at}.references`),
        atlas: this.#texts(it["atlas"], `${at}.atlas`),
      };
      return [id, reasons] as const;
    });
    return Object.fromEntries(rules);
  }

  #policy(asset: Fields, at: string): FilePolicy | undefined {
    const failOn = this.#maybe(
      asset["fail_on"],
      (it) => this.#word(it, FAIL_ON, `${at}.fail_on`),
    );
    const place = `${at}.incomplete_accepted`;
    const incomplete = this.#maybe(asset["incomplete_accepted"], (value) => {
      const it = this.#fields(value, place);
      return {
        by: this.#word(it["by"], ["policy"] as const, `${place}.by`),
        until: this.#text(it["until"], `${place}.until`),
        why: this.#text(it["why"], `${place}.why`),
      };
    });
    if (failOn === undefined && incomplete === undefined) return undefined;
    return {
      ...(failOn !== undefined && { failOn }),
      ...(incomplete !== undefined && { incomplete }),
    };
  }

  #accepted(value: unknown, at: string): AcceptedFinding {
    const it = this.#fields(value, at);
    const until = this.#maybe(it["until"], (text) => this.#text(text, `${at}.until`));
    const why = this.#maybe(it["why"], (text) => this.#text(text, `${at}.why`));
    return {
      finding: this.#issue(it["issue"], `${at}.issue`),
      by: this.#word(it["by"], SUPPRESSIONS, `${at}.by`),
      ...(until !== undefined && { until }),
      ...(why !== undefined && { why }),
    };
  }

  #issue(value: unknown, at: string): Finding {
    const it = this.#fields(value, at);
    const severity = this.#word(it["severity"], SEVERITIES, `${at}.severity`);
    const score = this.#number(it["severity_score"], `${at}.severity_score`);
    const reasons = this.#maybe(
      it["reasons_rule_id"],
      (id) => this.#text(id, `${at}.reasons_rule_id`),
    );
    const offset = this.#maybe(it["offset"], (one) => this.#number(one, `${at}.offset`));
    return {
      ruleId: this.#text(it["rule_id"], `${at}.rule_id`),
      ...(reasons !== undefined && { reasons }),
      severity,
      safety: this.#word(it["safety_level"], SAFETY_LEVELS, `${at}.safety_level`),
      message: this.#text(it["message"], `${at}.message`),
      location: this.#location(it["location_parts"], `${at}.location_parts`),
      ...(score !== SEVERITY_SCORES[severity] && { score }),
      ...(offset !== undefined && { offset }),
      count: this.#number(it["count"], `${at}.count`),
      details: this.#fields(it["details"], `${at}.details`),
    };
  }

  #error(value: unknown, at: string): ScanError {
    const it = this.#fields(value, at);
    return {
      location: this.#location(it["location_parts"], `${at}.location_parts`),
      message: this.#text(it["message"], `${at}.message`),
      remedy: this.#text(it["remedy"], `${at}.remedy`),
    };
  }

  #location(value: unknown, at: string): Location {
    const [path, ...parts] = this.#texts(value, at);
    if (path === undefined) return this.#fail(at, "is empty");
    return { path, parts };
  }

  #suppressed<K extends string>(value: unknown, at: string, key: K): { [P in K]?: Suppressed } {
    const counts = Object.entries(this.#fields(value, at)).map(([reason, count]) => {
      const place = `${at}.${reason}`;
      return [this.#word(reason, SUPPRESSIONS, place), this.#number(count, place)] as const;
    });
    if (counts.length === 0) return {};
    return { [key]: Object.fromEntries(counts) } as { [P in K]?: Suppressed };
  }

  #fields(value: unknown, at: string): Fields {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as Fields;
    }
    return this.#fail(at, "is no object");
  }

  #list<T>(value: unknown, at: string, one: (item: unknown, at: string) => T): T[] {
    if (!Array.isArray(value)) return this.#fail(at, "is no list");
    return value.map((item: unknown, index) => one(item, `${at}[${index}]`));
  }

  #texts(value: unknown, at: string): string[] {
    return this.#list(value, at, (item, place) => this.#text(item, place));
  }

  #text(value: unknown, at: string): string {
    return typeof value === "string" ? value : this.#fail(at, "is no text");
  }

  #flag(value: unknown, at: string): boolean {
    return typeof value === "boolean" ? value : this.#fail(at, "is neither true nor false");
  }

  #number(value: unknown, at: string): number {
    const isCount = typeof value === "number" && Number.isFinite(value) && value >= 0;
    return isCount ? value : this.#fail(at, "is no number of at least 0");
  }

  #word<T extends string>(value: unknown, words: readonly T[], at: string): T {
    const found = words.find((word) => word === value);
    return found ?? this.#fail(at, `is none of ${words.join(", ")}`);
  }

  /** Undefined for null; a field that is missing is an error of its kind. */
  #maybe<T>(value: unknown, read: (value: unknown) => T): T | undefined {
    return value === null ? undefined : read(value);
  }

  #fail(at: string, problem: string): never {
    const where = at === "" ? "the document" : at;
    throw new ConfigError(
      this.#file,
      `Cannot read the report ${this.#file}: ${where} ${problem}. ` +
        '"modelaudit --format json" makes one',
    );
  }
}

/** Gives each file its issues and errors; what belongs to no file is an error of the run. */
function joined(
  files: readonly FileReport[],
  issues: readonly Finding[],
  errors: readonly ScanError[],
): Pick<ScanReport, "files" | "errors"> {
  const findingsOf = byPath(issues);
  const errorsOf = byPath(errors);
  const taken = new Set<string>();
  const joinedFiles = files.map((file) => {
    // Sources of a program's own may have the same name: what is said of it stands under the first.
    if (taken.has(file.path)) return file;
    taken.add(file.path);
    const findings = findingsOf.get(file.path) ?? [];
    return { ...file, findings, errors: errorsOf.get(file.path) ?? [] };
  });
  return {
    files: joinedFiles,
    errors: errors.filter(({ location }) => !taken.has(location.path)),
  };
}

function byPath<T extends { readonly location: Location }>(
  all: readonly T[],
): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const { path } = one.location;
    const group = groups.get(path);
    if (group === undefined) groups.set(path, [one]);
    else group.push(one);
  }
  return groups;
}
