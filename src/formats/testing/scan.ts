/**
 * Runs one format over bytes as the scan loop would, for tests: entries are read to their end
 * before the format goes on.
 *
 * @module
 */

import { loadRules } from "../../rules/rules.ts";
import { claimOf } from "../../scan/asset/claims.ts";
import { Buffer } from "node:buffer";
import { FormatError, LimitError, SourceError } from "../../core/errors.ts";
import { withDefaults } from "../../core/limits.ts";
import { bytesSource } from "../../sources/memory.ts";
import type { Source } from "../../core/source.ts";
import type { Interest, Limits, Listing, Observation } from "../../core/types.ts";
import { type Format, type Sample, SAMPLE_BYTES, TAIL_BYTES } from "../../core/format.ts";

const { meaningsOf } = loadRules().interest;

/** An entry that a format handed out. */
interface SeenEntry {
  readonly part: string;
  /** As text, one character a byte. */
  readonly text: string;
  readonly hint: string | undefined;
  readonly loaded: "data" | undefined;
  /** Why reading it broke off. */
  readonly error: Error | undefined;
}

/** What a format stated. */
export interface Seen {
  readonly entries: readonly SeenEntry[];
  readonly anomalies: readonly Extract<Observation, { readonly type: "anomaly" }>[];
  readonly facts: readonly Extract<Observation, { readonly type: "fact" }>[];
  readonly listings: readonly Listing[];
  /** What the format threw. */
  readonly error: Error | undefined;
  /** Rules of the anomalies, sorted, each once. */
  readonly rules: readonly string[];
  /** True when something could not be read. */
  readonly unread: boolean;
}

/** How to run it. */
interface RunOptions {
  readonly name?: string;
  readonly hint?: string;
  readonly limits?: Partial<Limits>;
  readonly source?: Source;
  /** What the rules know; nothing unless given. */
  readonly interest?: Interest;
  /** False to leave entries unread. */
  readonly readEntries?: boolean;
  readonly checkDeadline?: () => void;
}

/** The sample of bytes in memory. */
export function sampleOf(bytes: Uint8Array, { name = "x", hint }: RunOptions = {}): Sample {
  return {
    name,
    size: bytes.length,
    head: bytes.subarray(0, SAMPLE_BYTES),
    tail: bytes.subarray(Math.max(0, bytes.length - TAIL_BYTES)),
    hint,
    claim: claimOf(name),
  };
}

/** Scans bytes. Errors that a format may throw are caught; others are defects and come out. */
export async function run(
  format: Format,
  bytes: Uint8Array,
  options: RunOptions = {},
): Promise<Seen> {
  const limits = withDefaults(options.limits);
  let expanded = 0;
  const context = {
    sample: sampleOf(bytes, options),
    interest: options.interest ?? { argumentsMatter: () => true, meaningsOf },
    limits,
    depth: 0,
    checkDeadline: options.checkDeadline ?? (() => {}),
    spendOpcodes: () => {},
    spendExpanded: (count: number) => {
      expanded += count;
      if (expanded > limits.expandedBytes) throw new LimitError("expandedBytes", "spent");
    },
  };
  const seen: Observation[] = [];
  const entries: SeenEntry[] = [];
  let failure: Error | undefined;
  try {
    const source = options.source ?? bytesSource(options.name ?? "x", bytes);
    for await (const batch of format.scan(source, context)) {
      for (const observation of batch) {
        seen.push(observation);
        if (observation.type === "entry") {
          entries.push(await readEntry(observation, options.readEntries ?? true));
        }
      }
    }
  } catch (error) {
    failure = expected(error);
  }
  const anomalies = seen.filter((one) => one.type === "anomaly");
  return {
    entries,
    anomalies,
    facts: seen.filter((one) => one.type === "fact"),
    listings: seen.flatMap((one) => one.type === "listing" ? [one.listing] : []),
    error: failure,
    rules: [...new Set(anomalies.map(({ rule }) => rule))].sort(),
    unread: failure !== undefined || anomalies.some(({ unread }) => unread === true),
  };
}

async function readEntry(
  entry: Extract<Observation, { readonly type: "entry" }>,
  toEnd: boolean,
): Promise<SeenEntry> {
  let text = "";
  let failure: Error | undefined;
  try {
    while (toEnd) {
      const bytes = await entry.source.read(text.length, 1 << 16);
      text += Buffer.from(bytes).toString("latin1");
      if (bytes.length === 0) break;
    }
  } catch (error) {
    failure = expected(error);
  }
  return { part: entry.part, text, hint: entry.hint, loaded: entry.loaded, error: failure };
}

function expected(error: unknown): Error {
  const known = error instanceof FormatError || error instanceof LimitError ||
    error instanceof SourceError;
  if (!known) throw error;
  return error;
}
