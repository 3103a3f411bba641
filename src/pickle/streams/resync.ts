/**
 * Where a pickle stream may begin, behind bytes that are none.
 *
 * @module
 */

import type { Input } from "./input.ts";
import { looksLikePickle } from "./detect.ts";

/** Bytes of a window of the search. */
const SEARCH_BYTES = 64 * 1024;
/** Bytes of a module's name that the search believes in. */
const LONGEST_MODULE = 256;
/** Bytes that a plausible start is judged by. */
const PLAUSIBLE_BYTES = 4096;
/** What a trial that comes to nothing costs, in bytes searched: as long as it takes to look through these. */
const TRIAL_BYTES = 16;

/** The search for streams in one source, with one budget for all of it. */
export class Resync {
  /** Bytes searched so far. */
  searched = 0;
  /** Whether a search ended at its budget and nothing has said so yet. */
  cut = false;
  /** Those, and what trials cost. */
  private spent = 0;
  private readonly input: Input;
  private readonly limit: number;
  private readonly checkDeadline: () => void;

  /** @param limit bytes searched in all @param checkDeadline throws LimitError once time is spent */
  constructor(input: Input, limit: number, checkDeadline: () => void) {
    this.input = input;
    this.limit = limit;
    this.checkDeadline = checkDeadline;
  }

  /** Whether PROTO stands at `offset`. */
  async hasHeader(offset: number): Promise<boolean> {
    const [first, second = 6] = await this.input.peek(offset, 2);
    return first === 0x80 && second <= 5;
  }

  /** Whether the bytes at `offset` look like a pickle. */
  async plausible(offset: number): Promise<boolean> {
    const head = await this.input.peek(offset, PLAUSIBLE_BYTES);
    return looksLikePickle(head, head.length < PLAUSIBLE_BYTES ? head.length : undefined);
  }

  /** The next place where a stream may begin, from `offset` on, within the budget for searching. */
  async find(offset: number): Promise<number | undefined> {
    let at = offset;
    while (this.spent < this.limit) {
      this.checkDeadline();
      await this.input.fill(at, SEARCH_BYTES + PLAUSIBLE_BYTES);
      const { length, ended } = this.input;
      const bytes = this.input.buffer.slice(0, Math.min(length, SEARCH_BYTES + PLAUSIBLE_BYTES));
      const whole = ended && bytes.length === length;
      const left = this.limit - this.spent;
      const until = Math.min(left, whole ? bytes.length : Math.min(bytes.length, SEARCH_BYTES));
      const lines = new LineEnds(bytes);
      let tried = 0;
      let from = 0;
      for (; from < until && tried * TRIAL_BYTES < left; from++) {
        if (!mayStart(bytes, from, lines)) continue;
        const candidate = bytes.subarray(from, from + PLAUSIBLE_BYTES);
        if (looksLikePickle(candidate, whole ? bytes.length - from : undefined)) return at + from;
        tried++;
      }
      this.searched += from;
      this.spent += from + tried * TRIAL_BYTES;
      if (whole && from === bytes.length) return undefined;
      at += from;
    }
    this.cut = true;
    return undefined;
  }
}

/** Where lines end, asked for from front to back: each byte is looked at once. */
class LineEnds {
  private readonly bytes: Uint8Array;
  private next = -1;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Whether a line that begins at `from` ends within what a start is judged by, or where `bytes` do. */
  near(from: number): boolean {
    if (this.next < from) {
      const found = this.bytes.indexOf(0x0a, from);
      this.next = found < 0 ? this.bytes.length : found;
    }
    return this.next - from < PLAUSIBLE_BYTES;
  }
}

/** A cheap look before a trial: PROTO, or GLOBAL or INST with an identifier, or a text behind a MARK. */
function mayStart(bytes: Uint8Array, at: number, lines: LineEnds): boolean {
  const second = bytes[at + 1] ?? 0;
  switch (bytes[at]) {
    case 0x80:
      return second <= 5;
    case 0x63: // c
      return isNameLine(bytes, at + 1);
    case 0x28: // (
      return second === 0x63 || second === 0x69
        ? isNameLine(bytes, at + 2)
        : second === 0x6c || second === 0x64 ||
          ((second === 0x53 || second === 0x56) && lines.near(at + 2));
    default:
      return false;
  }
}

/** Whether a line with a module's name stands at `at`, as far as it is in `bytes`. */
function isNameLine(bytes: Uint8Array, at: number): boolean {
  if (at < bytes.length && !isLetter(bytes[at] as number)) return false;
  const end = Math.min(bytes.length, at + LONGEST_MODULE);
  for (let here = at; here < end; here++) {
    const byte = bytes[here] as number;
    if (byte === 0x0a) return true;
    const inName = isLetter(byte) || byte === 0x2e || (byte >= 0x30 && byte <= 0x39);
    if (!inName) return false;
  }
  return end === bytes.length;
}

function isLetter(byte: number): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || byte === 0x5f;
}
