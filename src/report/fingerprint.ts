/**
 * What an issue is known by across changes of its file, in baselines and SARIF.
 *
 * @module
 */

import { Sha256 } from "../codecs/checksums/sha256.ts";
import type { Finding } from "../core/types.ts";

/** Hexadecimal digits of a fingerprint: 128 bits. */
const FINGERPRINT_LENGTH = 32;

/** What an issue is known by: SHA-256 in lower-case hexadecimal, cut to {@linkcode FINGERPRINT_LENGTH} characters. */
export function fingerprintOf(finding: Finding): string {
  const { details, ruleId, location } = finding;
  const calls = Array.isArray(details["calls"]) ? details["calls"] : [];
  const named = ["global", "reaches", "applied_to", "operator", "pattern", "reading"]
    .map((key) => details[key] ?? null);
  const isNamed = named.some((it) => it !== null);
  const subject = {
    ruleId,
    file: location.path.replace(/^.*[\\/]/, ""),
    parts: location.parts.map((part) => part.replace(/^stream_\d+$/, "stream")),
    named,
    expressions: distinct(calls.map((call: { expression?: unknown }) => call.expression)),
    evidence: distinct(Array.isArray(details["evidence"]) ? details["evidence"] : []),
    more: details["calls_left_out"] !== undefined,
    // Offsets and sizes in a sentence change with every byte.
    message: isNamed ? "" : finding.message.replaceAll(/\d+/g, "#"),
  };
  const hash = new Sha256();
  hash.update(new TextEncoder().encode(JSON.stringify(subject)));
  return hash.digest().slice(0, FINGERPRINT_LENGTH);
}

function distinct(values: readonly unknown[]): string[] {
  return [...new Set(values.map((value) => JSON.stringify(value) ?? ""))].sort();
}
