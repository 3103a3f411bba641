/**
 * Segments of a program or data file of ExecuTorch, each compared with the file.
 *
 * @module
 */

import type { Source } from "../../core/source.ts";
import type { Observation } from "../../core/types.ts";
import type { FlatRecord } from "../../parsers/flatbuffer.ts";
import { hiddenEntry } from "../../parsers/trailing.ts";

/** Slots of `DataSegment`. */
const SEGMENT = { offset: 0, size: 1 } as const;
/** Observations of one rule that are reported one by one. An intact file has none. CWE-779. */
const REPORTED = 20;

/** Where segments are, and what was found wrong. */
export class Segments {
  /** Bytes from the start of the file behind the last segment. */
  end = 0;
  readonly #source: Source;
  readonly #base: number;
  readonly #ranges: { readonly start: number; readonly end: number }[] = [];
  readonly #counts = new Map<string, number>();
  #found: Observation[] = [];

  /** @param base bytes from the start of the file at which the segments begin; 0 where there are none */
  constructor(source: Source, base: number) {
    this.#source = source;
    this.#base = base;
  }

  /** Reads the vector of segments in a slot of the root. @throws FormatError when a table lies outside */
  async read(root: FlatRecord, slot: number): Promise<void> {
    const fileBytes = this.#source.size ?? 0;
    for await (const segment of root.tables(slot)) {
      const start = this.#base + await segment.uint(SEGMENT.offset, 8);
      const size = await segment.uint(SEGMENT.size, 8);
      const end = start + size;
      if (end > fileBytes || (this.#base === 0 && size > 0)) {
        const number = this.#ranges.length;
        this.anomaly("executorch-place", `segment ${number} ends at ${end} of ${fileBytes} bytes`);
      } else this.end = Math.max(this.end, end);
      this.#ranges.push({ start, end: Math.min(end, fileBytes) });
    }
  }

  /** Reports a segment's number that there is none of. */
  check(number: number, what: string): void {
    if (number < this.#ranges.length) return;
    this.anomaly("executorch-index", `${what} is in segment ${number} of ${this.#ranges.length}`);
  }

  /** Bytes of a segment; undefined where there is none. */
  bytesOf(number: number): number | undefined {
    const range = this.#ranges[number];
    return range && Math.max(0, range.end - range.start);
  }

  /** The bytes of a segment, to be looked into. */
  async entry(number: number): Promise<Observation | undefined> {
    const range = this.#ranges[number];
    if (range === undefined || range.end <= range.start) return undefined;
    return await hiddenEntry(this.#source, `segment_${number}`, range.start, range.end);
  }

  /** States what is wrong, a few times for each rule. */
  anomaly(rule: string, detail: string, unread = false): void {
    const count = (this.#counts.get(rule) ?? 0) + 1;
    this.#counts.set(rule, count);
    if (count > REPORTED) return;
    const said = count === REPORTED ? `${detail}, and more` : detail;
    this.#found.push({ type: "anomaly", rule, detail: said, ...(unread && { unread }) });
  }

  /** States something else. */
  state(observation: Observation): void {
    this.#found.push(observation);
  }

  /** What was stated since the last call. */
  take(): readonly Observation[] {
    const found = this.#found;
    this.#found = [];
    return found;
  }
}
