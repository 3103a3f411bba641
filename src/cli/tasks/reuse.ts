/**
 * Results that stand for tasks of the same keys. Only their places are kept in memory.
 *
 * @module
 */

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { ConfigError } from "../../core/errors.ts";
import { type Verdict, VERDICTS } from "../../core/types.ts";
import { writeFailure } from "../write_failure.ts";
import { isKeyParts, type Judges, keyDigest } from "./keys.ts";
import { LineSplitter } from "./lines.ts";
import { RESULT_VERSION } from "./failure.ts";
import type { Result } from "./result.ts";
import { isRecord, LINE_BYTES } from "./task.ts";

/** Bytes that are read of a file at a time. */
const CHUNK_BYTES = 1024 * 1024;

/** Where the line of a result is. */
interface Place {
  readonly offset: number;
  readonly length: number;
}

/** A result of a key that another has too, with something else in it. */
const AMBIGUOUS = "ambiguous";

/**
 * A line as a result that may stand for another task; undefined for any other: one that is torn, of another
 * program, of other rules or another configuration, one that is not complete, or one whose key is not that of
 * its parts.
 */
export function parseReusable(line: string, judges: Judges | undefined): Result | undefined {
  if (judges === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isRecord(value) || value["schema_version"] !== RESULT_VERSION) return undefined;
  const { key, key_parts: parts, siblings_key: siblings, complete, error, errors } = value;
  const { verdict, files, issues } = value;
  if (complete !== true || error !== null) return undefined;
  if (!Array.isArray(errors) || errors.length > 0) return undefined;
  if (!Array.isArray(files) || !Array.isArray(issues)) return undefined;
  if (!VERDICTS.some((it) => it === verdict)) return undefined;
  // What was lowered in one place and not in another is not what this program wrote.
  const rank = VERDICTS.indexOf(verdict as Verdict);
  const isWorse = (it: unknown): boolean => {
    const own = isRecord(it) ? VERDICTS.findIndex((name) => name === it["verdict"]) : -1;
    return own < rank;
  };
  if (files.some(isWorse)) return undefined;
  const isDangerous = (it: unknown): boolean => !isRecord(it) || it["safety_level"] === "dangerous";
  if (verdict !== "dangerous" && issues.some(isDangerous)) return undefined;
  if (siblings !== null && typeof siblings !== "string") return undefined;
  if (!isKeyParts(parts) || key !== keyDigest(parts)) return undefined;
  const { rules, configuration, engine } = parts;
  const same = rules === judges.rules && configuration === judges.configuration &&
    engine === judges.engine;
  return same ? value as unknown as Result : undefined;
}

/** The results of a file, by key. */
export class Results {
  readonly #handle: number | undefined;
  readonly #kept: string[] = [];
  readonly #places = new Map<string, Place | number | typeof AMBIGUOUS>();
  readonly #verdicts = new Map<string, string>();
  /** Lines that were of no use. */
  unused = 0;

  private constructor(handle: number | undefined) {
    this.#handle = handle;
  }

  /** Results that can be used. */
  get size(): number {
    return this.#places.size;
  }

  /**
   * Looks through a file. It stays open, and its lines are read when they are asked for.
   *
   * @throws ConfigError when it cannot be read
   */
  static ofFile(path: string, judges: Judges | undefined): Results {
    try {
      const handle = openSync(path, "r");
      if (!fstatSync(handle).isFile()) throw new Error("it is no regular file");
      const results = new Results(handle);
      const splitter = new LineSplitter(LINE_BYTES);
      const chunk = new Uint8Array(CHUNK_BYTES);
      for (let at = 0;;) {
        const length = readSync(handle, chunk, 0, chunk.length, at);
        // A last line that nothing ends is torn.
        if (length === 0) break;
        for (const { bytes, start: offset } of splitter.push(chunk.subarray(0, length))) {
          if (bytes === undefined) results.unused++;
          else {results.#add(
              new TextDecoder().decode(bytes),
              { offset, length: bytes.length },
              judges,
            );}
        }
        at += length;
      }
      return results;
    } catch (cause) {
      throw new ConfigError("--reuse", `Cannot read "${path}": ${writeFailure(cause)}`, { cause });
    }
  }

  /** Keeps all results of a stream, such as standard input, in memory. */
  static async ofStream(
    stream: AsyncIterable<Uint8Array>,
    judges: Judges | undefined,
  ): Promise<Results> {
    const results = new Results(undefined);
    const splitter = new LineSplitter(LINE_BYTES);
    for await (const chunk of stream) {
      for (const { bytes } of splitter.push(chunk)) {
        if (bytes === undefined) results.unused++;
        else {
          const line = new TextDecoder().decode(bytes);
          if (results.#add(line, results.#kept.length, judges)) results.#kept.push(line);
        }
      }
    }
    return results;
  }

  /** The line of a result with these keys. */
  find(key: string, siblingsKey: string | undefined): string | undefined {
    const place = this.#places.get(nameOf(key, siblingsKey ?? null));
    if (place === undefined || place === AMBIGUOUS) return undefined;
    if (typeof place === "number") return this.#kept[place];
    if (this.#handle === undefined) return undefined;
    const bytes = new Uint8Array(place.length);
    let filled = 0;
    while (filled < bytes.length) {
      const read = readSync(
        this.#handle,
        bytes,
        filled,
        bytes.length - filled,
        place.offset + filled,
      );
      if (read === 0) return undefined;
      filled += read;
    }
    return new TextDecoder().decode(bytes);
  }

  /** Lets the file go. */
  close(): void {
    if (this.#handle !== undefined) closeSync(this.#handle);
  }

  #add(line: string, place: Place | number, judges: Judges | undefined): boolean {
    const result = parseReusable(line, judges);
    if (result?.key === undefined || result.key === null) {
      this.unused++;
      return false;
    }
    const name = nameOf(result.key, result.siblings_key);
    const known = this.#verdicts.get(name);
    this.#verdicts.set(name, result.verdict);
    // Two answers for one key: neither is trusted.
    if (known !== undefined && known !== result.verdict) this.#places.set(name, AMBIGUOUS);
    else if (this.#places.get(name) !== AMBIGUOUS) this.#places.set(name, place);
    return true;
  }
}

function nameOf(key: string, siblingsKey: string | null): string {
  return `${key}${siblingsKey ?? ""}`;
}
