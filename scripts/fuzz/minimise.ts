/**
 * Minimises a case as long as the same oracle fails: delta debugging (Zeller, 1999) over
 * its bytes.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { join } from "./bytes.ts";
import type { Case } from "./families.ts";
import type { Runner } from "./runner.ts";

/** Scans that one case may cost. */
const TRIES = 600;
/** Milliseconds that one case may take: each hang takes its full timeout. */
const PATIENCE_MILLISECONDS = 60_000;

/**
 * The smallest bytes found with which `kind` still is among the findings.
 *
 * @param made the case as it was found
 */
export async function minimise(made: Case, kind: string, runner: Runner): Promise<Uint8Array> {
  const { family, name, number } = made;
  const until = performance.now() + PATIENCE_MILLISECONDS;
  let tries = 0;
  const holds = async (bytes: Uint8Array): Promise<boolean> => {
    tries++;
    const request = { family, name, number, bytes: Buffer.from(bytes).toString("base64") };
    return (await runner.run(request)).findings.some((finding) => finding.kind === kind);
  };
  let bytes = made.bytes;
  let parts = 2;
  while (bytes.length > 1 && parts <= bytes.length) {
    const size = Math.ceil(bytes.length / parts);
    let smaller: Uint8Array | undefined;
    for (let from = 0; from < bytes.length && smaller === undefined; from += size) {
      if (tries >= TRIES || performance.now() > until) return bytes;
      const rest = join(bytes.subarray(0, from), bytes.subarray(from + size));
      if (await holds(rest)) smaller = rest;
    }
    if (smaller === undefined && size === 1) break;
    parts = smaller === undefined ? Math.min(bytes.length, parts * 2) : Math.max(2, parts - 1);
    bytes = smaller ?? bytes;
  }
  return bytes;
}
