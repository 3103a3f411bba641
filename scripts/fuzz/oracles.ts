/**
 * Invariants of every scan, for any bytes.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import process from "node:process";
import { Ajv2020 } from "ajv/dist/2020.js";
import { renderJson } from "../../src/report/json.ts";
import { forwardSource } from "../../src/sources/forward.ts";
import type { Source } from "../../src/core/source.ts";
import type { FileReport, Limits, Verdict } from "../../src/core/types.ts";
import type { Generated } from "./generated.ts";
import { observe, type Observed } from "./observe.ts";

/** A violated invariant. */
export interface Finding {
  /** Which oracle; minimisation keeps it. */
  readonly kind: string;
  readonly detail: string;
}

/** Milliseconds of processor time that a scan may take: cases are at most 1 MiB. */
const SLOW_MILLISECONDS = 4_000;

const OPTIONS = { failOn: "medium", allowNoModels: false } as const;

/** Budgets that any real file exceeds; a file that is not clean must not become clean under them. */
const TINY: readonly Partial<Limits>[] = [
  { opcodes: 3 },
  { values: 2 },
  { members: 1 },
  { depth: 0 },
  { expandedBytes: 40 },
  { spoolBytes: 64 },
  { issues: 1 },
];

let validator: ReturnType<Ajv2020["compile"]> | undefined;

function schemaErrors(text: string): string | undefined {
  validator ??= new Ajv2020({ allowUnionTypes: true }).compile(
    JSON.parse(readFileSync(new URL("../../docs/report.schema.json", import.meta.url), "utf8")),
  );
  return validator(JSON.parse(text)) ? undefined : JSON.stringify(validator.errors?.[0]);
}

function textOf(report: FileReport): string {
  return renderJson({
    tool: { name: "modelaudit", version: "0", rules: "0" },
    startTime: "2000-01-01T00:00:00.000Z",
    duration: 0,
    files: [report],
    errors: [],
    rules: {},
    configuration: "embedded",
    suppressed: 0,
  }, OPTIONS);
}

/** Verdicts that let a file pass. */
export function passes(verdict: Verdict): boolean {
  return verdict === "clean" || verdict === "skipped";
}

/** A stream of the bytes in chunks, as standard input is. */
function stream(name: string, bytes: Uint8Array, chunk: number): Source {
  let at = 0;
  return forwardSource(name, () => {
    const next = bytes.slice(at, at + chunk);
    at += next.length;
    return Promise.resolve(next.length === 0 ? undefined : next);
  });
}

/**
 * Scans a case and returns the violated invariants.
 *
 * @param number decides which of the expensive comparisons are made
 */
export async function check(
  { name, bytes, planted }: Generated,
  number: number,
): Promise<{ readonly findings: readonly Finding[]; readonly observed?: Observed }> {
  const findings: Finding[] = [];
  const started = busy();
  let observed: Observed;
  try {
    observed = await observe(name, bytes);
  } catch (error) {
    return { findings: [{ kind: "rejected", detail: messageOf(error) }] };
  }
  const took = busy() - started;
  if (took > SLOW_MILLISECONDS) {
    findings.push({ kind: "slow", detail: `${Math.round(took)} ms for ${bytes.length} bytes` });
  }
  const { report } = observed;
  findings.push(...defects(report));
  if (planted !== undefined && report.verdict !== "dangerous") {
    findings.push({ kind: "planted", detail: `${planted}; the verdict is ${report.verdict}` });
  }
  const text = textOf(report);
  const schemaError = schemaErrors(text);
  if (schemaError !== undefined) findings.push({ kind: "schema", detail: schemaError });
  findings.push(...await comparisons(name, bytes, report, text, number));
  return { findings, observed };
}

/** Milliseconds of processor time that this process has had; other processes share the machine. */
function busy(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.stack ?? error.message}`.slice(0, 600) : String(error);
}

function defects(report: FileReport): Finding[] {
  const defect = report.findings.find(({ ruleId }) => ruleId === "scan-defect");
  const error = report.errors.find(({ remedy }) => remedy.includes("defect of modelaudit"));
  const missing = report.findings.find(({ ruleId }) => ruleId === "scan-decoder-missing");
  return [
    ...(defect ? [{ kind: "defect", detail: defect.message }] : []),
    ...(error && !defect ? [{ kind: "defect", detail: error.message }] : []),
    ...(missing ? [{ kind: "decoder", detail: missing.message }] : []),
  ];
}

/** Other ways of scanning the same bytes, a few of them for each case. */
async function comparisons(
  name: string,
  bytes: Uint8Array,
  report: FileReport,
  text: string,
  number: number,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  if (number % 4 === 0) {
    const again = await observe(name, bytes);
    if (textOf(again.report) !== text) {
      findings.push({ kind: "undetermined", detail: "a second scan gives another report" });
    }
  }
  if (number % 4 === 1 && !passes(report.verdict)) {
    const limits = TINY[(number >> 2) % TINY.length] ?? {};
    const { verdict } = (await observe(name, bytes, limits)).report;
    if (passes(verdict)) {
      const detail = `${report.verdict}, under ${JSON.stringify(limits)} ${verdict}`;
      findings.push({ kind: "limits", detail });
    }
  }
  if (number % 4 === 2) {
    const source = stream(name, bytes, [1 << 16, 4096, 61][(number >> 2) % 3] ?? 4096);
    const { verdict } = (await observe(name, bytes, {}, source)).report;
    const bad = passes(verdict) && !passes(report.verdict);
    if (bad) findings.push({ kind: "stream", detail: `${report.verdict}, as a stream ${verdict}` });
  }
  return findings;
}
