/**
 * Scans a draft and compares its verdict with the sample's.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { VERDICTS } from "../../../src/core/findings.ts";
import type { Verdict } from "../../../src/core/types.ts";
import { scanSource } from "../../../src/scan/scan_source.ts";
import { bytesSource } from "../../../src/sources/memory.ts";
import { rules } from "../observe.ts";
import { passes } from "../oracles.ts";
import { written } from "./layout.ts";
import type { Judgement } from "./oracle.ts";
import type { Sample } from "./samples.ts";
import type { Draft } from "./transformation.ts";

/** A wrong verdict: a harmful file passes or gets a lower one, a real file a higher one, the scan throws. */
export type Kind = "passes" | "sinks" | "rises" | "throws";

/** A sample with the verdict of its own bytes. */
export interface Scanned extends Sample {
  readonly verdict: Verdict;
}

/** The verdict of a file; `throws` when the scan rejects. */
export async function verdictOf(name: string, bytes: Uint8Array): Promise<Verdict | "throws"> {
  try {
    const report = await scanSource(bytesSource(name, bytes), { rules: rules(), limits: {} });
    return report.verdict;
  } catch {
    return "throws";
  }
}

/** The file of a draft, as the oracle built it. */
export function fileOf(draft: Draft, judgement: Judgement): Uint8Array {
  if (judgement.bytes === undefined) return written(draft);
  return new Uint8Array(Buffer.from(judgement.bytes, "base64"));
}

/** What is wrong about a verdict; undefined when nothing is. */
export function wrong(sample: Scanned, verdict: Verdict | "throws"): Kind | undefined {
  if (verdict === "throws") return "throws";
  if (!sample.harmful) return verdict === "dangerous" ? "rises" : undefined;
  if (passes(verdict)) return "passes";
  return VERDICTS.indexOf(verdict) > VERDICTS.indexOf(sample.verdict) ? "sinks" : undefined;
}
