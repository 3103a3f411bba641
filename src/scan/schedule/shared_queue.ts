/**
 * Which thread scans which file: a few numbers in memory that all threads share.
 *
 * Files have indices, counted from 0 in the order of the report. A file is free from when it is
 * announced until one thread has taken it; the taking is one atomic step, so that no two threads scan
 * the same file and none is left out. Who holds a file that never came back can be asked, which is
 * how the death of a thread costs no file.
 *
 * @module
 */

/** Files that may be announced and not yet told of: what a slow file in front holds back. */
export const FILES_HELD = 1024;

/** The thread that prints the report; workers have greater numbers. */
export const MAIN_THREAD = 1;

/** Before the slots: whether the scan is to stop. */
const STOPPED = 0;
const SLOTS = 1;

/** Memory for one scan, 32-bit integers; nothing in it is free. */
export function workListMemory(): SharedArrayBuffer {
  const memory = new SharedArrayBuffer((SLOTS + FILES_HELD) * Int32Array.BYTES_PER_ELEMENT);
  new Int32Array(memory).fill(-MAIN_THREAD, SLOTS);
  return memory;
}

/** A thread's view of the shared numbers. */
export class WorkList {
  /** For each file, modulo {@linkcode FILES_HELD}: its index while it is free, then minus the number of who took it. */
  readonly #shared: Int32Array;

  /** @param memory of {@linkcode workListMemory}; the same for all threads */
  constructor(memory: SharedArrayBuffer) {
    this.#shared = new Int32Array(memory);
  }

  /**
   * Makes a file free. Only the main thread does, in order, and never {@linkcode FILES_HELD} or more
   * ahead of one that is not told of yet.
   */
  announce(index: number): void {
    Atomics.store(this.#shared, slotOf(index), index);
  }

  /** Takes a file; false when another thread has it. */
  take(index: number, thread: number): boolean {
    return Atomics.compareExchange(this.#shared, slotOf(index), index, -thread) === index;
  }

  /** True when this thread has taken the file, which must not be told of yet. */
  isTakenBy(index: number, thread: number): boolean {
    return Atomics.load(this.#shared, slotOf(index)) === -thread;
  }

  /** Tells all threads to end what they are at, with what they have found by then. */
  stop(): void {
    Atomics.store(this.#shared, STOPPED, 1);
  }

  /** True once the scan is to stop; heard in the middle of synchronous work, too. */
  get stopped(): boolean {
    return Atomics.load(this.#shared, STOPPED) !== 0;
  }
}

function slotOf(index: number): number {
  return SLOTS + index % FILES_HELD;
}
