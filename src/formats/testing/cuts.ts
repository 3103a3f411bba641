/**
 * Hostile inputs made from a good one, for the tests of formats.
 *
 * @module
 */

import assert from "node:assert/strict";
import { loadRules } from "../../rules/rules.ts";
import { SWEEP } from "../../parsers/testing/sweep.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { bytesSource } from "../../sources/memory.ts";
import type { FileReport } from "../../core/types.ts";

const rules = loadRules();

/** Scans bytes under a name as the command line would. */
export async function report(name: string, bytes: Uint8Array): Promise<FileReport> {
  return await scanSource(bytesSource(name, bytes), { rules });
}

/**
 * Asserts that no cut of a file is called clean.
 *
 * @param name under which an unknown content is incomplete, as `m.bin` is
 * @param step bytes between two cuts, times {@linkcode SWEEP}; 1 unless given
 * @param allowed lengths that are complete files too
 */
export async function assertCutsNeverClean(
  name: string,
  bytes: Uint8Array,
  { step = 1, allowed = [] }: { step?: number; allowed?: readonly number[] } = {},
): Promise<void> {
  for (let at = 0; at < bytes.length; at += step * SWEEP) {
    if (allowed.includes(at)) continue;
    const { verdict } = await report(name, bytes.slice(0, at));
    assert.ok(verdict !== "clean" && verdict !== "skipped", `${name} cut at ${at} is ${verdict}`);
  }
}

/**
 * Asserts that a byte changed anywhere makes the scan neither throw nor hang.
 *
 * @param step bytes between two changes, times {@linkcode SWEEP}
 */
export async function assertChangesAreRead(
  name: string,
  bytes: Uint8Array,
  step = 1,
): Promise<void> {
  for (let at = 0; at < bytes.length; at += step * SWEEP) {
    for (const value of [0, 0x7f, 0xff]) {
      const changed = bytes.slice();
      changed[at] = value;
      const { findings } = await report(name, changed);
      const defect = findings.find(({ ruleId }) => ruleId === "scan-defect");
      assert.equal(defect, undefined, `${name} with ${value} at ${at}: ${defect?.message}`);
    }
  }
}
