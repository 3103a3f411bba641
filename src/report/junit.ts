/**
 * The report as JUnit XML, which continuous integration shows as tests: one test case a file. What
 * `--fail-on` covers is a failure, what could not be read an error, what no format matched skipped.
 *
 * @module
 */

import type { FileReport, ScanError, ScanReport } from "../core/types.ts";
import { escapeText } from "./escape.ts";
import { isAlwaysShown } from "./limitations.ts";
import { locationText, orderErrors, orderFilesByPath } from "./order.ts";
import { type IssueRecord, issueRecords } from "./record.ts";
import { type ExitOptions, failingOn } from "./summary.ts";
import { incompleteText } from "./acceptance.ts";

/** The time of a single file is not measured; the form demands a number. */
const NO_TIME = "0";

interface Case {
  readonly outcome: "passed" | "failure" | "error" | "skipped";
  readonly xml: string;
}

/** The report as XML text, with a line break at its end. */
export function renderJunit(report: ScanReport, options: ExitOptions): string {
  const cases = [
    ...orderFilesByPath(report.files).map((file) => fileCase(file, report.rules, options)),
    ...orderErrors(report.errors).map(errorCase),
  ];
  const count = (outcome: Case["outcome"]): number =>
    cases.filter((it) => it.outcome === outcome).length;
  const counts = attributes({
    tests: String(cases.length),
    failures: String(count("failure")),
    errors: String(count("error")),
    skipped: String(count("skipped")),
    time: report.duration.toFixed(3),
  });
  const stamp = attributes({ timestamp: report.startTime.replace(/\.\d+Z$/, "") });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${xmlText(report.tool.name)}"${counts}>`,
    `  <testsuite name="${xmlText(report.tool.name)}"${counts}${stamp}>`,
    ...cases.map((it) => it.xml),
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function fileCase(
  file: FileReport,
  rules: ScanReport["rules"],
  { failOn }: ExitOptions,
): Case {
  const severities = failingOn(file.policy?.failOn ?? failOn);
  const issues = issueRecords(file, rules).filter((it) =>
    it.safety_level !== "innocuous" || isAlwaysShown(it.rule_id, it.details)
  );
  const failing = issues.filter((it) => severities.includes(it.severity));
  const others = issues.filter((it) => !failing.includes(it));
  const problems = orderErrors(file.errors).map(errorText);
  const accepted = (file.accepted ?? []).map(({ finding, by, until, why }) =>
    `ACCEPTED (${by}${until === undefined ? "" : ` until ${until}`}${
      why === undefined ? "" : `: ${escapeText(why)}`
    }) ${finding.severity.toUpperCase()} ${escapeText(finding.message)}\n${
      escapeText(locationText(finding.location))
    } · ${finding.ruleId}`
  );
  const unread = file.policy?.incomplete;
  if (unread !== undefined) {
    accepted.push([escapeText(`ACCEPTED ${incompleteText(unread)}`), ...problems].join("\n"));
  }
  const texts = [...others.map(issueText), ...accepted];
  if (accepted.length > 0) texts.unshift(`The verdict of this file is ${file.verdict}.`);
  const more = texts.length === 0
    ? []
    : [`      <system-out>${xmlText(texts.join("\n\n"))}</system-out>`];
  const head = { name: file.path, classname: file.formats.join(" + ") || "unknown" };
  const [worst] = failing;
  if (worst !== undefined) {
    const text = [...failing.map(issueText), ...problems].join("\n\n");
    const failure = element("failure", `${word(worst)}: ${worst.message}`, worst.rule_id, text);
    return testCase("failure", head, [failure, ...more]);
  }
  if (file.verdict === "incomplete" && unread === undefined) {
    const text = problems.length > 0 ? problems : issues.map(issueText);
    const message = "Part of the file could not be read";
    const error = element("error", message, "incomplete", text.join("\n\n"));
    return testCase("error", head, problems.length > 0 ? [error, ...more] : [error]);
  }
  if (file.verdict === "skipped") return testCase("skipped", head, ["      <skipped/>"]);
  return testCase("passed", head, more);
}

function errorCase(error: ScanError): Case {
  const head = { name: locationText(error.location), classname: "unknown" };
  return testCase("error", head, [
    element("error", error.message, "unread", errorText(error)),
  ]);
}

function testCase(
  outcome: Case["outcome"],
  head: Readonly<Record<string, string>>,
  inner: readonly string[],
): Case {
  const start = `    <testcase${attributes({ ...head, time: NO_TIME })}`;
  const xml = inner.length === 0
    ? `${start}/>`
    : [`${start}>`, ...inner, "    </testcase>"].join("\n");
  return { outcome, xml };
}

function element(name: string, message: string, type: string, text: string): string {
  return `      <${name}${attributes({ message, type })}>${xmlText(text)}</${name}>`;
}

function issueText(issue: IssueRecord): string {
  const place = issue.offset === null ? "" : ` · byte ${issue.offset}`;
  return [
    `${word(issue)} ${escapeText(issue.message)}`,
    `${escapeText(issue.location)}${place} · ${issue.rule_id}`,
    `why: ${escapeText(issue.why)}`,
    `fix: ${escapeText(issue.fix)}`,
  ].join("\n");
}

function errorText(error: ScanError): string {
  const place = escapeText(locationText(error.location));
  return `${place}: ${escapeText(error.message)}\nfix: ${escapeText(error.remedy)}`;
}

function word(issue: IssueRecord): string {
  return issue.severity.toUpperCase();
}

function attributes(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${xmlText(escapeText(value))}"`).join("");
}

/** Text as XML 1.0 may hold it, line breaks included. https://www.w3.org/TR/xml/#charsets */
function xmlText(text: string): string {
  return text.split("\n").map(escapeText).join("\n")
    .replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replace(/[\ufffe\uffff]/g, (it) => `\\u${it.charCodeAt(0).toString(16)}`);
}
