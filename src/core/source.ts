/**
 * The contract of a source: a run of bytes from anywhere. The core never sees a path, a URL or a handle.
 *
 * @module
 */

/** Bytes from `start` up to `end`, which is not among them. */
export interface ByteRange {
  /** Offset of the first byte. */
  readonly start: number;
  /** Offset behind the last byte. */
  readonly end: number;
}

/** A run of bytes. Valid until the observation that brought it is handled. */
export interface Source {
  /** For messages: a base name, or the name of a member. */
  readonly name: string;
  /** Bytes in all; undefined while a stream has not ended. */
  readonly size: number | undefined;
  /**
   * "forward": only onward from what was read, with a bounded look-back
   * (standard input, inflating members, servers without ranges).
   */
  readonly access: "random" | "forward";
  /**
   * Bytes that it cost to read so far, where that is not what was asked for: the network's, and those of
   * files that several paths name.
   */
  readonly bytesFetched?: number | undefined;
  /**
   * At most `length` bytes from `offset`; fewer only at the end. The result may be a view that the
   * next read overwrites: copy what is kept.
   *
   * @throws SourceError when the bytes cannot be had
   */
  read(offset: number, length: number): Promise<Uint8Array>;
  /**
   * The same without waiting, where the bytes are at hand (files, memory). A forward source has it too
   * and serves what it still holds, throwing SourceError for the rest.
   */
  readSync?(offset: number, length: number): Uint8Array;
  /**
   * The same into memory of the reader's own, for readers that go through a large file window by
   * window and want no new memory for each.
   *
   * @param target is filled from its beginning; fewer than its length only at the end
   * @returns bytes written to `target`
   * @throws SourceError when the bytes cannot be had
   */
  readInto?(offset: number, target: Uint8Array): number;
  /**
   * The same bytes from their beginning, for a further reading of what a forward source no longer
   * holds; absent where they cannot be had again.
   */
  readonly again?: () => Source;
  /**
   * Tells which bytes will be wanted, so that they can be fetched together; absent where a read costs
   * no round trip. Nothing but cost depends on it: `read` gives the same bytes without.
   *
   * @param need "cheap": fetch them if a handful of requests does it; "all": however many it takes
   * @returns false when they were left, since it would not be cheap
   * @throws SourceError when the bytes cannot be had
   */
  prefetch?(ranges: readonly ByteRange[], need: "cheap" | "all"): Promise<boolean>;
}
