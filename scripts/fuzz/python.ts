/**
 * Python's own readers as a reference: `reference.py` in a process of its own. Without Python 3
 * nothing is compared, and `available` is false.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import process from "node:process";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Case } from "./families.ts";
import type { Observed } from "./observe.ts";
import { type Finding, passes } from "./oracles.ts";

const SCRIPT = fileURLToPath(new URL("reference.py", import.meta.url));
/** Milliseconds after which a case is not compared. */
const PATIENCE_MILLISECONDS = 8_000;

/** Families that Python can read with its standard library alone. */
const COMPARED = new Set([
  ...["pickle", "torch", "joblib", "npy", "zip", "tar", "compressed"],
  ...["skops", "keras", "config"],
]);

/** An import that a reader of Python makes: its names before and after Python 2 names are mapped. */
export type Import = readonly [
  names: readonly (readonly [module: string, name: string])[],
  called: boolean,
  where: string,
];

/** What Python found, or why it found nothing. */
interface Reply {
  readonly imports?: readonly Import[];
  /** Why the file must not pass, besides what it imports. */
  readonly harm?: readonly string[];
  readonly error?: string;
}

function interpreter(): string {
  return process.env["PYTHON"] ?? "python3";
}

/** Whether there is a Python 3. */
export function pythonAvailable(): boolean {
  const done = spawnSync(interpreter(), [
    "-I",
    "-c",
    "import sys; sys.exit(sys.version_info < (3, 8))",
  ]);
  return done.status === 0;
}

/** The request. */
export interface Reference {
  /** What Python finds; undefined when it gives no answer in time. */
  ask(family: string, bytes: Uint8Array): Promise<Reply | undefined>;
}

/** A running `reference.py`, restarted after a crash or timeout. */
export class Python implements Reference {
  #child: ChildProcessWithoutNullStreams | undefined;
  #lines: Interface | undefined;

  /** What Python finds; undefined when it gives no answer in time. */
  async ask(family: string, bytes: Uint8Array): Promise<Reply | undefined> {
    this.#child ??= spawn(interpreter(), ["-I", "-X", "utf8", SCRIPT]);
    const child = this.#child;
    this.#lines ??= createInterface({ input: child.stdout });
    const lines = this.#lines;
    child.stderr.resume();
    const line = await new Promise<string | undefined>((resolve) => {
      const timer = setTimeout(() => done(undefined), PATIENCE_MILLISECONDS);
      const done = (line: string | undefined): void => {
        clearTimeout(timer);
        lines.removeAllListeners("line");
        child.removeAllListeners("exit");
        child.removeAllListeners("error");
        resolve(line);
      };
      lines.once("line", done);
      child.once("exit", () => done(undefined));
      child.once("error", () => done(undefined));
      const request = { family, bytes: Buffer.from(bytes).toString("base64") };
      child.stdin.write(`${JSON.stringify(request)}\n`);
    });
    if (line === undefined) this.stop();
    return line === undefined ? undefined : JSON.parse(line);
  }

  /** Ends the process. */
  stop(): void {
    this.#child?.on("error", () => {});
    this.#child?.stdin.on("error", () => {});
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
    this.#lines?.close();
    this.#lines = undefined;
  }
}

/** Names that a module or a global can have; others cannot be imported. */
const IMPORTABLE = /^[\p{L}_][\p{L}\p{N}_.]*$/u;

/**
 * Imports that Python makes and the scan does not state. Undefined when Python was not asked or gave
 * no answer.
 *
 * Python's own unpickler takes the last line of a file without its last character, and imports what
 * that names before it notices the end.
 *
 * Text may begin like a pickle without header that names something and then breaks off; detection
 * takes it for one only when it calls something, so nothing less is asked here.
 *
 * What is left of a frame behind STOP, and read on by an unpickler that loads again, is not followed:
 * no loader known does so. That a frame does not end there is reported, so such a file must not pass.
 */
export async function compareWithPython(
  { family, name: file, bytes }: Case,
  { report, globals }: Observed,
  python: Reference,
): Promise<Finding[] | undefined> {
  if (!COMPARED.has(family)) return undefined;
  const reply = await python.ask(family, bytes);
  if (reply?.imports === undefined) return undefined;
  const [harm] = reply.harm ?? [];
  if (harm !== undefined && passes(report.verdict) && file.endsWith("config.json")) {
    return [{ kind: "blind", detail: `${harm}; the verdict is ${report.verdict}` }];
  }
  const isPickle = family === "pickle" && report.formats.includes("pickle");
  for (const [names, called, where] of reply.imports) {
    const seen = names.some(([module, name]) => globals.has(`${module} ${name}`));
    const possible = names.every((parts) => parts.every((part) => IMPORTABLE.test(part)));
    if (seen || !possible || (!called && (!isPickle || where.startsWith("python")))) continue;
    const name = names.map((parts) => parts.join(".")).join(" or ");
    const kind = passes(report.verdict) ? "blind" : called ? "unseen-call" : "unseen-import";
    if (kind !== "blind" && where.includes("carried over frames")) continue;
    return [{ kind, detail: `${name} (${where}); the verdict is ${report.verdict}` }];
  }
  return [];
}
