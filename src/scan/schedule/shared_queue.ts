/**
 * Which thread scans which file: a few numbers in memory that all threads share.
 *
 * Files have indices, counted from 0 in the order of the report. A file is free from when it is offered
 * until one thread has taken it, in one atomic step, so that each file is scanned exactly once. The
 * holder of a file is recorded, so that no file is lost when a thread ends.
 *
 * @module
 */

/** Files that may be offered and not yet reported: what a slow file in front holds back. CWE-770. */
export const QUEUE_CAPACITY = 1024;

/** The number of the main thread; workers have greater ones. */
export const MAIN_THREAD = 1;

/** Before the slots: whether the scan is to stop. */
const STOPPED = 0;
const SLOTS = 1;

/** Allocates the memory of one queue, in which no file is free. */
export function allocateQueue(): SharedArrayBuffer {
  const memory = new SharedArrayBuffer((SLOTS + QUEUE_CAPACITY) * Int32Array.BYTES_PER_ELEMENT);
  new Int32Array(memory).fill(-MAIN_THREAD, SLOTS);
  return memory;
}

/** A thread's view of the queue. */
export class SharedQueue {
  /**
   * For each file, modulo {@linkcode QUEUE_CAPACITY}: its index while it is free, then minus the number
   * of the thread that took it.
   */
  readonly #slots: Int32Array;

  /** @param memory of {@linkcode allocateQueue}; the same for all threads */
  constructor(memory: SharedArrayBuffer) {
    this.#slots = new Int32Array(memory);
  }

  /**
   * Makes a file free. Only the main thread does, in order, and never {@linkcode QUEUE_CAPACITY} or more
   * ahead of one that is not reported yet.
   */
  offer(index: number): void {
    Atomics.store(this.#slots, slotOf(index), index);
  }

  /** Takes a file; false when another thread has it. */
  take(index: number, thread: number): boolean {
    return Atomics.compareExchange(this.#slots, slotOf(index), index, -thread) === index;
  }

  /** True when this thread has taken the file, which must not be reported yet. */
  isTakenBy(index: number, thread: number): boolean {
    return Atomics.load(this.#slots, slotOf(index)) === -thread;
  }

  /** Makes all threads end the files that they scan, with what they have found by then. */
  stop(): void {
    Atomics.store(this.#slots, STOPPED, 1);
  }

  /** True once the scan is to stop; seen in the middle of synchronous work too. */
  get stopped(): boolean {
    return Atomics.load(this.#slots, STOPPED) !== 0;
  }
}

function slotOf(index: number): number {
  return SLOTS + index % QUEUE_CAPACITY;
}
