/**
 * Cases that the loaders have confirmed, kept in a file with their verdicts, and read again by sources from
 * which a fix was taken back: whether these still say as much needs no loader.
 *
 *     deno run --allow-all scripts/fuzz/metamorphic/kept.ts FILE     the first case that has sunk
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { appendFileSync, createReadStream, writeFileSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { deflateSync, inflateSync } from "node:zlib";
import { VERDICTS } from "../../../src/core/findings.ts";
import type { Verdict } from "../../../src/core/types.ts";
import { verdictOf } from "./judge.ts";

/** A file with what the sources said of it. */
interface Kept {
  /** Number of the case; undefined for a sample as it is. */
  readonly number?: number;
  readonly sample: string;
  /** Transformations. */
  readonly chain: string;
  readonly name: string;
  /** Verdict of the sample, below which no case may sink. */
  readonly was: Verdict;
  readonly verdict: string;
  readonly file: Uint8Array;
}

/** Begins a file. */
export function beginKept(path: string): void {
  writeFileSync(path, "");
}

/** Adds one to a file. */
export function keep(path: string, { file, ...rest }: Kept): void {
  const bytes = deflateSync(file, { level: 1 }).toString("base64");
  appendFileSync(path, `${JSON.stringify({ ...rest, bytes })}\n`);
}

function below(verdict: string, least: string): boolean {
  return VERDICTS.indexOf(verdict as Verdict) > VERDICTS.indexOf(least as Verdict);
}

/** The first that these sources say less of than was said of it, and than they may, as a sentence. */
async function firstSunken(path: string): Promise<string | undefined> {
  let cases = 0;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const { bytes, ...kept }: Omit<Kept, "file"> & { readonly bytes: string } = JSON.parse(line);
    if (kept.number !== undefined) cases++;
    const file = new Uint8Array(inflateSync(Buffer.from(bytes, "base64")));
    const verdict = await verdictOf(kept.name, file);
    if (!below(verdict, kept.was) || !below(verdict, kept.verdict)) continue;
    return kept.number === undefined
      ? `sample ${kept.sample} is ${verdict}, not ${kept.was}`
      : `case ${kept.number}, ${cases} confirmed: ${verdict}, not ${kept.verdict}: ${kept.chain} ` +
        `(${kept.sample}, was ${kept.was})`;
  }
  return undefined;
}

if (import.meta.main) {
  const found = await firstSunken(process.argv[2] ?? "");
  console.log(found === undefined ? "nothing has sunk" : `first finding: ${found}`);
}
