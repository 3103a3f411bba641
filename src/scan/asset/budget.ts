/**
 * What one asset may cost: time, expanded bytes, opcodes. One budget is shared by everything inside
 * the asset, so that nesting does not multiply it.
 *
 * @module
 */

import { LimitError } from "../../core/errors.ts";
import { raisedBy } from "../../core/limits.ts";
import { formatBytes, formatNumber } from "../../core/numbers.ts";
import type { Limits } from "../../core/types.ts";

/** Yield to the event loop at least this often, in milliseconds, so that SIGINT and deadlines are handled. */
const PAUSE_MILLISECONDS = 50;

/** Milliseconds between two reports of progress. */
const PROGRESS_MILLISECONDS = 100;

/**
 * Bytes that may be handed out for each byte there is, and in all for a small file. Eight containers
 * in one another, each sampled at both ends, checked and read under several readings, stay below it;
 * members that overlap so that one range is read thousands of times do not (CWE-409).
 */
const READS_FOR_EACH_BYTE = 64;
const READS_AT_LEAST = 64 * 1024 * 1024;

/**
 * Bytes that all of an asset may expand to before they are compared with its size: archives in one another
 * multiply, and each of them may look harmless. The most seen in a wheel is 137 MB. CWE-409.
 */
const EXPANDED_FLOOR = 512 * 1024 * 1024;

/** The budget of one asset. */
export class Budget {
  readonly limits: Limits;
  readonly #signal: { readonly aborted: boolean } | undefined;
  readonly #deadline: number;
  #stopped: LimitError | undefined;
  #lastPause: number;
  #lastProgress: number;
  #expanded = 0;
  #opcodes = 0;
  #visits = 0;
  #material = 0;
  /** Bytes of the asset itself, where they are known. */
  #assetBytes: number | undefined;
  #handedOut = 0;

  constructor(limits: Limits, signal: { readonly aborted: boolean } | undefined) {
    this.limits = limits;
    this.#signal = signal;
    const now = performance.now();
    this.#lastPause = now;
    this.#lastProgress = now;
    this.#deadline = now + (limits.milliseconds ?? Infinity);
  }

  /** Why nothing further is looked at, once time is up or the caller gave up. */
  get stopped(): LimitError | undefined {
    return this.#stopped;
  }

  /**
   * To be called once a window.
   *
   * @throws LimitError once time is up or the caller gave up
   */
  checkDeadline(): void {
    if (this.#stopped === undefined) {
      if (this.#signal?.aborted) {
        this.#stopped = new LimitError("signal", "The scan was stopped before its end");
      } else if (performance.now() > this.#deadline) {
        const seconds = (this.limits.milliseconds ?? 0) / 1000;
        this.#stopped = new LimitError(
          "milliseconds",
          `The time limit of ${seconds} s for one file is spent${raisedBy("milliseconds")}`,
        );
      }
    }
    if (this.#stopped !== undefined) throw this.#stopped;
  }

  /**
   * Counts bytes that decompression produced.
   *
   * @throws LimitError beyond the budget
   */
  spendExpanded(bytes: number): void {
    this.#expanded += bytes;
    if (this.#expanded > this.limits.expandedBytes) {
      throw new LimitError(
        "expandedBytes",
        `Decompression produced more than ${formatBytes(this.limits.expandedBytes)}` +
          raisedBy("expandedBytes"),
      );
    }
    const most = Math.max(EXPANDED_FLOOR, (this.#assetBytes ?? Infinity) * this.limits.ratio);
    if (this.#expanded > most) {
      throw new LimitError(
        "expandedBytes",
        `Decompression produced more than ${formatBytes(most)} out of ` +
          `${formatBytes(this.#assetBytes ?? 0)}${raisedBy("ratio")}`,
      );
    }
    this.checkDeadline();
  }

  /**
   * Counts opcodes, those of all readings together.
   *
   * @throws LimitError beyond the budget
   */
  spendOpcodes(count: number): void {
    this.#opcodes += count;
    if (this.#opcodes > this.limits.opcodes) {
      throw new LimitError(
        "opcodes",
        `There are more than ${formatNumber(this.limits.opcodes)} pickle opcodes${
          raisedBy("opcodes")
        }`,
      );
    }
  }

  /**
   * Counts a source looked into, the asset itself and everything inside it.
   *
   * @throws LimitError beyond the budget
   */
  spendVisit(): void {
    this.#visits += 1;
    if (this.#visits > this.limits.members + 1) {
      throw new LimitError(
        "members",
        `There are more than ${
          formatNumber(this.limits.members)
        } members, those of nested archives ` +
          `counted${raisedBy("members")}`,
      );
    }
  }

  /** Makes known that there are bytes which can be read at random, and so again and again. */
  addMaterial(bytes: number): void {
    this.#assetBytes ??= bytes;
    this.#material += bytes;
  }

  /**
   * Counts bytes handed out of such material.
   *
   * @throws LimitError when the same bytes are read beyond all reason
   */
  spendRead(bytes: number): void {
    this.#handedOut += bytes;
    if (this.#handedOut > READS_AT_LEAST + READS_FOR_EACH_BYTE * this.#material) {
      throw new LimitError(
        "expandedBytes",
        `The same bytes were read ${READS_FOR_EACH_BYTE} times over: its parts overlap`,
      );
    }
  }

  /** Yields to the event loop when that is due; undefined, which is not to be awaited, when it is not. */
  pause(): Promise<void> | undefined {
    return performance.now() - this.#lastPause < PAUSE_MILLISECONDS ? undefined : this.#yield();
  }

  async #yield(): Promise<void> {
    await new Promise<void>((done) => setTimeout(done, 0));
    this.#lastPause = performance.now();
  }

  /** True at most once in a while: progress is for people. */
  progressDue(): boolean {
    const now = performance.now();
    if (now - this.#lastProgress < PROGRESS_MILLISECONDS) return false;
    this.#lastProgress = now;
    return true;
  }
}
