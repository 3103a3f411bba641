/**
 * The machine's window over a source.
 *
 * Offsets are *virtual*: those of the bytes as the reader at hand sees them. They differ from the
 * source's only under a reading that drops bytes (see `readings.ts`), after `drop`.
 *
 * @module
 */

import { SourceError } from "../../core/errors.ts";
import type { Source } from "../../core/source.ts";
import type { ByteWindow } from "../machine/window.ts";

/** Bytes of the window. Large enough that refills cost nothing, small enough to stay in a cache. */
const WINDOW_BYTES = 256 * 1024;
/**
 * Bytes of a source's first window. The runtime compiles the machine's loop within its first milliseconds;
 * by then it must have met a window's end, or what it compiled is thrown away at the first one.
 */
const FIRST_WINDOW_BYTES = 16 * 1024;
/** Bytes of the window of a tiny source. */
const SMALLEST_WINDOW = 64;

/** Bytes that are taken at once of what lies before the window: literals there are short and many. */
const GLANCE_BYTES = 4096;

interface Segment {
  readonly virtual: number;
  readonly actual: number;
}

/** Bytes of a source that a machine steps through, a window at a time. */
export class Input implements ByteWindow {
  readonly source: Source;
  /** The window's bytes; only the first `length` count. */
  buffer: Uint8Array = new Uint8Array();
  /** Virtual offset of the window's first byte. */
  base = 0;
  length = 0;
  /** True when nothing comes after the window. */
  ended = false;
  private readonly segments: Segment[] = [{ virtual: 0, actual: 0 }];
  private readonly retained: { offset: number; bytes: Uint8Array }[] = [];
  private retainedBytes = 0;
  private readonly retainLimit: number;
  private readonly windowBytes: number;
  private begun = false;
  /** What was looked at last before the window. */
  private glance: { readonly virtual: number; readonly bytes: Uint8Array } | undefined;
  /** The size, once the source knows it. */
  private known: number | undefined;

  /**
   * @param retainLimit bytes of a source without `readSync` that are kept for looking back
   * @param windowBytes bytes of the window; fewer where little will be read
   */
  constructor(source: Source, retainLimit: number, windowBytes = WINDOW_BYTES) {
    this.source = source;
    this.retainLimit = retainLimit;
    // A folder of a thousand small files wants no thousand large windows.
    this.windowBytes = Math.max(SMALLEST_WINDOW, Math.min(windowBytes, source.size ?? Infinity));
  }

  /** The source's offset of a virtual one. */
  actual(virtual: number): number {
    const segment = this.segmentAt(virtual);
    return segment.actual + virtual - segment.virtual;
  }

  /** Virtual bytes in all; Infinity while the source does not know its size. */
  get size(): number {
    if (this.known !== undefined) return this.known;
    const { size } = this.source;
    if (size === undefined) return Infinity;
    const last = this.segments[this.segments.length - 1] as Segment;
    // What was dropped may reach beyond the source's end; what was read stays.
    this.known = Math.max(0, size - last.actual) + last.virtual;
    return this.known;
  }

  /** From now on the reader does not see `count` bytes at `virtual`. Only onward of earlier drops. */
  drop(virtual: number, count: number): void {
    this.known = undefined;
    this.glance = undefined;
    this.segments.push({ virtual, actual: this.actual(virtual) + count });
    if (virtual < this.base + this.length) this.length = Math.max(0, virtual - this.base);
    this.ended = false;
  }

  /**
   * Moves the window so that it starts at `virtual`.
   *
   * @param wanted bytes that the reader needs at least; the window grows to hold them
   * @returns nothing when it was done at once, otherwise a promise
   * @throws SourceError when the bytes cannot be had
   */
  fill(virtual: number, wanted: number): Promise<void> | undefined {
    const usual = this.begun ? this.windowBytes : Math.min(this.windowBytes, FIRST_WINDOW_BYTES);
    this.begun = true;
    const capacity = Math.max(usual, wanted);
    if (this.buffer.length !== capacity) this.buffer = new Uint8Array(capacity);
    this.base = virtual;
    this.length = 0;
    this.ended = false;
    return this.fillMore();
  }

  /**
   * Bytes at `virtual`, as many of `count` as there are. The window stays where it is when it has them.
   *
   * @throws SourceError when the bytes cannot be had
   */
  async peek(virtual: number, count: number): Promise<Uint8Array> {
    const inside = (): boolean =>
      virtual >= this.base &&
      (virtual + count <= this.base + this.length ||
        (this.ended && virtual <= this.base + this.length));
    if (!inside()) {
      const waiting = this.fill(virtual, count);
      if (waiting !== undefined) await waiting;
    }
    const from = virtual - this.base;
    return this.buffer.slice(from, Math.min(from + count, this.length));
  }

  private fillMore(): Promise<void> | undefined {
    while (this.length < this.buffer.length && !this.ended) {
      const { actual, room } = this.nextRead();
      if (this.source.readInto !== undefined) {
        const target = this.buffer.subarray(this.length, this.length + room);
        this.advance(this.source.readInto(actual, target), room);
        continue;
      }
      const held = this.held(actual, room);
      if (held === undefined) return this.fillLater();
      this.take(held, room);
    }
    return undefined;
  }

  private async fillLater(): Promise<void> {
    while (this.length < this.buffer.length && !this.ended) {
      const { actual, room } = this.nextRead();
      const bytes = this.held(actual, room) ?? await this.source.read(actual, room);
      this.retain(actual, bytes);
      this.take(bytes, room);
    }
  }

  private nextRead(): { actual: number; room: number } {
    const virtual = this.base + this.length;
    const index = this.segmentIndexAt(virtual);
    const next = this.segments[index + 1];
    const room = Math.min(
      this.buffer.length - this.length,
      next === undefined ? Infinity : next.virtual - virtual,
    );
    return { actual: this.actual(virtual), room };
  }

  private take(bytes: Uint8Array, room: number): void {
    this.buffer.set(bytes, this.length);
    this.advance(bytes.length, room);
  }

  /** The window has `count` bytes more, of `room` that were asked for. */
  private advance(count: number, room: number): void {
    this.length += count;
    const size = this.source.size;
    this.ended = count < room ||
      (size !== undefined && this.actual(this.base + this.length) >= size);
  }

  /**
   * Bytes anywhere before the window's end, copied; undefined when they cannot be had without waiting.
   */
  bytesAt(virtual: number, length: number): Uint8Array | undefined {
    const from = virtual - this.base;
    if (from >= 0 && from + length <= this.length) return this.buffer.slice(from, from + length);
    if (length <= GLANCE_BYTES / 4) {
      const near = this.glanceAt(virtual, length);
      if (near !== undefined) return near;
    }
    const result = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const index = this.segmentIndexAt(virtual + done);
      const next = this.segments[index + 1];
      const room = Math.min(
        length - done,
        next === undefined ? Infinity : next.virtual - virtual - done,
      );
      const bytes = this.held(this.actual(virtual + done), room);
      if (bytes === undefined || bytes.length === 0) return undefined;
      result.set(bytes, done);
      done += bytes.length;
    }
    return result;
  }

  /** A few bytes before the window, with what lies behind them kept for the next who asks. */
  private glanceAt(virtual: number, length: number): Uint8Array | undefined {
    const at = virtual - (this.glance?.virtual ?? Infinity);
    const known = this.glance?.bytes;
    if (known !== undefined && at >= 0 && at + length <= known.length) {
      return known.slice(at, at + length);
    }
    const next = this.segments[this.segmentIndexAt(virtual) + 1];
    const room = Math.min(GLANCE_BYTES, this.base - virtual, (next?.virtual ?? Infinity) - virtual);
    if (room < length) return undefined;
    const bytes = this.held(this.actual(virtual), room);
    if (bytes === undefined || bytes.length < length) return undefined;
    this.glance = { virtual, bytes: bytes.slice() };
    return bytes.slice(0, length);
  }

  /** What can be had without waiting: from the source, or from what was kept of it. */
  private held(actual: number, length: number): Uint8Array | undefined {
    if (this.source.readSync !== undefined) {
      try {
        return this.source.readSync(actual, length);
      } catch (error) {
        if (error instanceof SourceError && this.source.access === "forward") return undefined;
        throw error;
      }
    }
    const chunk = this.retained.find(({ offset, bytes }) =>
      offset <= actual && actual + length <= offset + bytes.length
    );
    return chunk?.bytes.subarray(actual - chunk.offset, actual - chunk.offset + length);
  }

  private retain(actual: number, bytes: Uint8Array): void {
    if (this.source.readSync !== undefined) return;
    this.retained.push({ offset: actual, bytes: bytes.slice() });
    this.retainedBytes += bytes.length;
    while (this.retainedBytes > this.retainLimit) {
      this.retainedBytes -= this.retained.shift()?.bytes.length ?? this.retainedBytes;
    }
  }

  private segmentIndexAt(virtual: number): number {
    let index = this.segments.length - 1;
    while (index > 0 && (this.segments[index] as Segment).virtual > virtual) index--;
    return index;
  }

  private segmentAt(virtual: number): Segment {
    return this.segments[this.segmentIndexAt(virtual)] as Segment;
  }
}
