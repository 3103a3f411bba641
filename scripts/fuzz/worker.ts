/**
 * The process that scans: one case per line in, its findings per line out. It may be killed at any time.
 *
 * In: `{"family", "seed", "number"}`, or `{"name", "bytes"}` in base64 for a case being made smaller.
 * Out: `{"findings", "verdict", "milliseconds", "compared"}`.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import process from "node:process";
import { createInterface } from "node:readline";
import { type Case, makeCase } from "./families.ts";
import { check, type Finding } from "./oracles.ts";
import { compareWithPython, Python } from "./python.ts";

/** The request. */
export type Request =
  | { readonly family: string; readonly seed: number; readonly number: number }
  | {
    readonly family: string;
    readonly name: string;
    readonly bytes: string;
    readonly number: number;
  };

/** The result. */
export interface Answer {
  readonly findings: readonly Finding[];
  readonly verdict: string;
  readonly milliseconds: number;
  /** Whether Python's readers were asked as well. */
  readonly compared: boolean;
  readonly origin: string;
}

function caseOf(request: Request): Case {
  if ("seed" in request) return makeCase(request.family, request.seed, request.number);
  const { family, name, bytes, number } = request;
  return {
    family,
    name,
    bytes: new Uint8Array(Buffer.from(bytes, "base64")),
    seed: 0,
    number,
    origin: "given",
  };
}

/** Checks one case. */
export async function answer(request: Request, python: Python | undefined): Promise<Answer> {
  const made = caseOf(request);
  const started = performance.now();
  const { findings, observed } = await check(made, made.number);
  const milliseconds = performance.now() - started;
  const compared = observed && python && await compareWithPython(made, observed, python);
  return {
    findings: [...findings, ...(compared ?? [])],
    verdict: observed?.report.verdict ?? "rejected",
    milliseconds,
    compared: compared !== undefined,
    origin: made.origin,
  };
}

if (import.meta.main) {
  const python = process.argv.includes("--no-python") ? undefined : new Python();
  for await (const line of createInterface({ input: process.stdin })) {
    const reply = JSON.stringify(await answer(JSON.parse(line), python));
    process.stdout.write(`${reply}\n`);
  }
  python?.stop();
}
