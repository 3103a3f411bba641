/**
 * Hostile inputs made from a good one, for the tests of formats. Most are given to the format's own reader:
 * what it throws or calls unread makes the asset incomplete, whatever the rest of the pipeline does. Where it
 * does neither, at the beginning, which other formats may recognise, and at every 16th place the whole
 * pipeline scans them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { loadRules } from "../../rules/rules.ts";
import { SWEEP } from "../../parsers/testing/sweep.ts";
import { scanSource } from "../../scan/scan_source.ts";
import { bytesSource } from "../../sources/memory.ts";
import type { FormatReader } from "../../core/format.ts";
import type { FileReport } from "../../core/types.ts";
import { FORMATS } from "../registry.ts";
import { run, sampleOf } from "./scan.ts";

const rules = loadRules();
/** One of so many places is scanned by the whole pipeline. */
const PIPELINE_EVERY = 16;
/** Bytes of the beginning where every place is: magic numbers. */
const BEGINNING = 16;

/** Scans bytes under a name as the command line would. */
export async function report(name: string, bytes: Uint8Array): Promise<FileReport> {
  return await scanSource(bytesSource(name, bytes), { rules });
}

/**
 * Asserts that every cut of a file is called incomplete or dangerous.
 *
 * @param name under which an unknown content is incomplete, as `m.bin` is
 * @param step bytes between two cuts, times {@linkcode SWEEP}; 1 unless given
 * @param allowed lengths that are complete files too
 * @param suspicious true where a cut may also leave a complete file with something wrong
 */
export async function assertCutsNeverClean(
  name: string,
  bytes: Uint8Array,
  { step = 1, allowed = [], suspicious = false }: {
    step?: number;
    allowed?: readonly number[];
    suspicious?: boolean;
  } = {},
): Promise<void> {
  const readers = await readersOf(name, bytes);
  for (let at = 0, place = 0; at < bytes.length; at += step * SWEEP, place++) {
    if (allowed.includes(at)) continue;
    const cut = bytes.slice(0, at);
    if (!isScanned(at, place) && await isUnread(readers, name, cut)) continue;
    const { verdict } = await report(name, cut);
    const right = verdict === "dangerous" || verdict === "incomplete" ||
      (suspicious && verdict === "suspicious");
    assert.ok(right, `${name} cut at ${at} is ${verdict}`);
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
  const readers = await readersOf(name, bytes);
  for (let at = 0, place = 0; at < bytes.length; at += step * SWEEP) {
    for (const value of [0, 0x7f, 0xff]) {
      const changed = bytes.slice();
      changed[at] = value;
      // Throws what is no error of the file.
      await isUnread(readers, name, changed);
      if (!isScanned(at, place++)) continue;
      const { findings } = await report(name, changed);
      const defect = findings.find(({ ruleId }) => ruleId === "scan-defect");
      assert.equal(defect, undefined, `${name} with ${value} at ${at}: ${defect?.message}`);
    }
  }
}

function isScanned(at: number, place: number): boolean {
  return at < BEGINNING || place % PIPELINE_EVERY === 0;
}

/** The readers that recognise a file. */
async function readersOf(name: string, bytes: Uint8Array): Promise<readonly FormatReader[]> {
  const sample = sampleOf(bytes, { name });
  const found: FormatReader[] = [];
  for (const reader of FORMATS) {
    if (reader.mayMatch(sample) && (await reader.load()).detect(sample, rules.interest)) {
      found.push(reader);
    }
  }
  assert.ok(found.length > 0, `${name} is known to no format`);
  return found;
}

/** True when one of the readers that recognise bytes throws or says that something is unread. */
async function isUnread(
  readers: readonly FormatReader[],
  name: string,
  bytes: Uint8Array,
): Promise<boolean> {
  const sample = sampleOf(bytes, { name });
  let unread = false;
  for (const reader of readers) {
    if (!reader.mayMatch(sample)) continue;
    const format = await reader.load();
    if (!format.detect(sample, rules.interest)) continue;
    unread = (await run(format, bytes, { name, interest: rules.interest })).unread || unread;
  }
  return unread;
}
