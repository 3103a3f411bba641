/**
 * `modelaudit judge FACTS.ndjson`: results of a worker with facts, judged by the rules and the configuration of
 * today without a byte of the models.
 *
 * @module
 */

import { createReadStream } from "node:fs";
import { SourceError } from "../../core/errors.ts";
import { formatCount } from "../../core/numbers.ts";
import type { FileHash, Limits } from "../../core/types.ts";
import { withDefaults } from "../../core/limits.ts";
import { jsonText } from "../../report/escape.ts";
import { judgeFacts } from "../../scan/asset/asset_judge.ts";
import { type ConfigurationTexts, type Configured, configuredOf } from "../configuration.ts";
import type { Io } from "../io.ts";
import type { Change } from "../../scan/interest_trace.ts";
import { codeDigest } from "../tasks/code_digest.ts";
import { changedBy, type UnpackedFacts, unpackFacts } from "../tasks/facts.ts";
import { isKeyParts, type Judges, judgesOf, keyDigest, type ResultOptions } from "../tasks/keys.ts";
import { LineReader } from "../tasks/lines.ts";
import { ISSUES_KEPT, type Result, ResultBuilder } from "../tasks/result.ts";
import { isRecord, LINE_BYTES } from "../tasks/task.ts";
import { tell } from "../terminal.ts";

/** The exit code when something is to be scanned again, or a line was no result. */
const LEFT = 2;

/** Changes that are named; one is enough. */
const CHANGES_NAMED = 5;

/** What the options of `judge` amount to. */
interface JudgeOptions {
  readonly texts: ConfigurationTexts;
  readonly limits: Partial<Limits>;
  readonly verbose: boolean;
  /** Hand the facts on. */
  readonly facts: boolean;
}

/** A result that was judged anew; "rescan" where that takes bytes. */
type JudgedResult = Omit<Result, "verdict"> & {
  readonly verdict: Result["verdict"] | "rescan";
  /** Why the facts do not suffice; null where they do. */
  readonly rescan: readonly string[] | null;
};

/**
 * Judges every result of a file.
 *
 * @param file of results; "-" for standard input
 * @returns 0 when all of them could be judged
 * @throws ConfigError for a wrong configuration
 */
export async function runJudge(file: string, options: JudgeOptions, io: Io): Promise<number> {
  const judge = new FactsJudge(await configuredOf(options.texts), options);
  const lines = new LineReader(file === "-" ? io.stdin() : fileStream(file), LINE_BYTES);
  let [judged, again, bad] = [0, 0, 0];
  for (let line = await lines.next(); line !== undefined; line = await lines.next()) {
    const result = line.bytes && judge.judge(line.bytes);
    if (result === undefined) {
      bad++;
      continue;
    }
    if (result.verdict === "rescan") again++;
    else judged++;
    await io.stdout.write(`${jsonText(result)}\n`);
    if (io.stdout.closed) break;
  }
  const others = bad === 0 ? "" : `; no result: ${formatCount(bad, "line")}`;
  await tell(
    io,
    `${formatCount(judged, "result")} judged, ${
      formatCount(again, "result")
    } to scan again${others}`,
  );
  return again + bad === 0 ? 0 : LEFT;
}

/** Judges results by one configuration. */
class FactsJudge {
  readonly #configured: Configured;
  readonly #options: JudgeOptions;
  readonly #limits: Partial<Limits>;
  readonly #judges: Judges | undefined;

  constructor(configured: Configured, options: JudgeOptions) {
    this.#configured = configured;
    this.#options = options;
    this.#limits = { ...configured.configuration.limits, ...options.limits };
    const usual: Omit<ResultOptions, "texts" | "limits" | "verbose" | "facts"> = {
      code: codeDigest(),
      followSymlinks: false,
      remoteFull: false,
    };
    this.#judges = judgesOf({ ...usual, ...options, limits: this.#limits });
  }

  /** The result judged anew; undefined for a line that is none. */
  judge(bytes: Uint8Array): JudgedResult | undefined {
    const before = resultOf(bytes);
    if (before === undefined) return undefined;
    const { include, exclude } = this.#configured.configuration;
    const settings = { limits: this.#limits, include, exclude };
    const isComplete = before.complete === true && before.error === null;
    const unpacked = isComplete ? unpackFacts(before, settings) : "It is not complete";
    if (typeof unpacked === "string") return this.#rescan(before, [unpacked]);
    try {
      return this.#judged(before, unpacked);
    } catch {
      // No facts that this program made: rules and readers find what they do not expect.
      return this.#rescan(before, ["The facts are damaged"]);
    }
  }

  /** @throws what damaged facts lead to */
  #judged(before: Result, unpacked: UnpackedFacts): JudgedResult {
    const { rules, configuration } = this.#configured;
    const changes = changedBy(unpacked, rules.interest);
    const why = changes.slice(0, CHANGES_NAMED).map(({ method, names }) =>
      [method, ...names].join(" ")
    );
    const { issues } = withDefaults(this.#limits);
    const builder = new ResultBuilder(rules, this.#options.verbose, Math.min(issues, ISSUES_KEPT));
    const hashes = new Map(before.files.map((it) => [it.path, hashOf(it)]));
    for (const { relative, facts } of unpacked.files) {
      const { suppress } = configuration;
      const file = judgeFacts(facts, { rules, suppress, issues });
      const sha256 = hashes.get(relative);
      builder.addFile(sha256 === undefined ? file : { ...file, sha256 }, relative);
    }
    const isConfigured = this.#options.texts.files.length > 0;
    // What was read by other code is no result of a scan by this.
    const isOwn = before.key_parts?.engine === this.#judges?.engine;
    const parts = before.key_parts === null || this.#judges === undefined || !isOwn ? undefined : {
      ...before.key_parts,
      // Entries of a configuration may be for the whole name: `Engine.keyOf`.
      ...(isConfigured && before.target !== null && { name: before.target }),
      ...this.#judges,
    };
    const result = builder.build({
      id: before.id ?? "",
      target: before.target ?? "",
      revision: before.revision ?? undefined,
      key: parts && { parts, digest: keyDigest(parts) },
      siblingsKey: before.siblings_key ?? undefined,
      failure: undefined,
      doubtful: false,
      facts: this.#options.facts ? before.facts : null,
      usage: { bytes: 0, requests: 0, retries: 0, seconds: 0 },
    });
    if (changes.length === 0) return { ...result, rescan: null };
    if (!isCertain(result, changes)) return this.#rescan(before, why);
    return { ...result, key: null, key_parts: null, complete: false, facts: null, rescan: why };
  }

  #rescan(before: Result, why: readonly string[]): JudgedResult {
    const { id, line, target, revision, siblings_key } = before;
    return {
      ...before,
      ...{ id, line, target, revision, siblings_key, key: null, key_parts: null },
      complete: false,
      verdict: "rescan",
      risk_score: 0,
      files: [],
      issues: [],
      errors: [],
      facts: null,
      rescan: why,
    };
  }
}

/** Answers about what calls of a global may do; that it is imported is observed whatever they are. */
const OF_CALLS: readonly Change["method"][] = [
  "argumentsMatter",
  "restoringIsHarmless",
  "fillsResult",
  "dangerOf",
];

/** True where a global of which rules changed is dangerous to import: no further reading makes that harmless. */
function isCertain({ issues }: Result, changes: readonly Change[]): boolean {
  if (!changes.every(({ method }) => OF_CALLS.includes(method))) return false;
  const changed = new Set(changes.map(({ names }) => names.join(".")));
  return issues.some(({ safety_level: safety, details }) => {
    const { global } = details;
    return safety === "dangerous" && typeof global === "string" && changed.has(global);
  });
}

function hashOf({ sha256, sha256_by: by }: Result["files"][number]): FileHash | undefined {
  return typeof sha256 === "string" && (by === "content" || by === "listing")
    ? { value: sha256, by }
    : undefined;
}

/** A line of a worker, as far as it is needed here. */
function resultOf(bytes: Uint8Array): Result | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (!isRecord(value) || !("verdict" in value) || !("facts" in value)) return undefined;
    const { key_parts: parts, id, target } = value;
    const isText = (it: unknown): boolean => it === null || typeof it === "string";
    if (!isText(id) || !isText(target) || (parts !== null && !isKeyParts(parts))) return undefined;
    const { files, files_skipped: skipped, siblings_key: siblings, revision } = value;
    if (!Array.isArray(files) || !files.every(isRecord) || typeof skipped !== "number") {
      return undefined;
    }
    if (!isText(siblings) || !isText(revision)) return undefined;
    return value as unknown as Result;
  } catch {
    return undefined;
  }
}

async function* fileStream(path: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of createReadStream(path)) yield chunk as Uint8Array;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SourceError(path, `Cannot read "${path}": ${reason}`, { cause });
  }
}
