/**
 * Threads as the scheduler needs them. The platform's own are in `cli/`; tests have others.
 *
 * @module
 */

/** Threads at a time unless the user asks for more: each has rules, decoders and memory of its own. */
const DEFAULT_JOBS = 4;

/**
 * How many threads scan at a time, the main one included.
 *
 * @param requested what the user asked for
 * @param cores that this process may use
 */
export function jobsOf(requested: number | undefined, cores: number): number {
  return requested ?? Math.max(1, Math.min(cores, DEFAULT_JOBS));
}

/** A running thread. */
export interface Thread {
  /** Sends it a message: plain data. */
  post(message: unknown): void;
  /** Terminates it at once. */
  terminate(): void;
}

/** Receives the events of a thread. */
export interface ThreadEvents {
  /** It sent a message. */
  message(data: unknown): void;
  /** It has ended; called once at least, and the reason is for people. */
  ended(reason: string): void;
}

/** Starts threads. */
export interface Threads {
  /** Cores that this process may use. */
  readonly cores: number;
  /**
   * Starts a thread that runs the worker's module.
   *
   * @param data plain data and shared memory that it begins with
   * @param megabytes of values at most, where the runtime can say so; no limit of its own unless given
   * @throws Error when the system has no more threads
   */
  start(data: unknown, events: ThreadEvents, megabytes?: number): Thread;
}

/** Threads, and when to start them. */
export interface ThreadSupply {
  /** Calls back once enough work was done from now on; returns how to stop listening. */
  whenWorthwhile(callback: () => void): () => void;
  /** Loads what starts threads; called only when there is work for them. */
  load(): Promise<Threads>;
}

/** The worker threads that a scan may have. */
export interface Workers {
  readonly supply: ThreadSupply;
  /** Threads that scan at a time, the main one included; by the machine's cores unless given. */
  readonly jobs?: number | undefined;
  /** Plain data from which a worker makes the same rules as those of the main thread. */
  readonly setup: unknown;
  /** True when the workers' progress is shown. */
  readonly progress: boolean;
}
