/**
 * What the machine needs of its input: a window of bytes, and bytes before it.
 *
 * @module
 */

/**
 * The longest opcode line kept whole in the window (module and global names, memo indices). The longest
 * seen has 89. CWE-770.
 */
export const LONGEST_LINE = 1024 * 1024;

/** Bytes that a machine steps through, a window at a time. Offsets are virtual. */
export interface ByteWindow {
  /** The window's bytes; only the first `length` count. */
  readonly buffer: Uint8Array;
  /** Virtual offset of the window's first byte. */
  readonly base: number;
  readonly length: number;
  /** True when nothing comes after the window. */
  readonly ended: boolean;
  /** Virtual bytes in all; Infinity while the source does not know its size. */
  readonly size: number;
  /** Bytes anywhere before the window's end, copied; undefined when they cannot be had without waiting. */
  bytesAt(virtual: number, length: number): Uint8Array | undefined;
  /** From now on the reader does not see `count` bytes at `virtual`. Only onward of earlier drops. */
  drop(virtual: number, count: number): void;
}
