/**
 * Maps exceptions to anomalies; each marks the asset incomplete.
 *
 * @module
 */

import { DecoderError, FormatError, LimitError, SourceError } from "../../core/errors.ts";
import type { Finding, Location } from "../../core/types.ts";
import type { Broken } from "./identify.ts";
import type { Anomaly } from "./naming.ts";

/** Rule for a FormatError that no format threw: what a decoder met while the bytes were sampled. */
const DECODER_MALFORMED = "compression-malformed";

/** Rules for the limits that have one of their own. */
const LIMIT_RULES: Readonly<Record<string, string>> = {
  __proto__: null as never,
  milliseconds: "scan-timeout",
  signal: "scan-cancelled",
  // Nothing but a bomb expands that much.
  ratio: "compression-bomb",
};

/**
 * The anomaly for something thrown while a source was looked at.
 *
 * @param malformedRule id of the rule for a FormatError
 */
export function anomalyOf(error: unknown, malformedRule = DECODER_MALFORMED): Anomaly {
  if (error instanceof LimitError) {
    const rule = LIMIT_RULES[error.limit] ?? "scan-limit";
    return { type: "anomaly", rule, detail: error.message, unread: true };
  }
  if (error instanceof FormatError) {
    return {
      type: "anomaly",
      rule: malformedRule,
      detail: error.message,
      ...(error.offset !== undefined && { offset: error.offset }),
      unread: true,
    };
  }
  if (error instanceof SourceError) {
    const rule = error.reason === "changed" ? "file-changed" : "file-unreadable";
    return { type: "anomaly", rule, detail: error.message, unread: true };
  }
  if (error instanceof DecoderError) {
    return { type: "anomaly", rule: "scan-decoder-missing", detail: error.message, unread: true };
  }
  return { type: "anomaly", rule: "scan-defect", detail: describe(error), unread: true };
}

/** The anomaly for a format that could not be asked. */
export function anomalyOfBroken({ entry, stage, error }: Broken): Anomaly {
  if (stage === "detect") return anomalyOf(error, entry.malformedRule);
  return {
    type: "anomaly",
    rule: "scan-decoder-missing",
    detail: `The decoder for ${entry.id} cannot be loaded: ${describe(error)}`,
    unread: true,
  };
}

/** True for an error that this program did not throw on purpose. */
export function isDefect(error: unknown): boolean {
  return !(error instanceof LimitError || error instanceof FormatError ||
    error instanceof SourceError || error instanceof DecoderError);
}

/** Name and message of anything thrown. */
export function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** The finding when the rules themselves fail: never silence. */
export function unjudged(location: Location, error: unknown): Finding {
  return {
    ruleId: "scan-defect",
    severity: "medium",
    safety: "suspicious",
    message: `What was seen here could not be judged: ${describe(error)}`,
    location,
    count: 1,
    details: {},
  };
}
