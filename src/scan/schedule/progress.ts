/**
 * How far a scan has come, for a display.
 *
 * @module
 */

/** Is reported how far the scan has come; every method may be called at any time. */
export interface Progress {
  /** So many more files, of so many bytes in all, are known to come. */
  expect(files: number, bytes: number): void;
  /** A file begins. */
  start(path: string): void;
  /** Bytes read so far of all files that are being scanned. */
  update(bytesRead: number): void;
  /** A file has ended. */
  finish(bytesRead: number): void;
}

/** A progress that shows nothing. */
export const NO_PROGRESS: Progress = {
  expect: () => {},
  start: () => {},
  update: () => {},
  finish: () => {},
};

/** Sums the bytes of files that are scanned at the same time. */
export class ConcurrentProgress {
  readonly #progress: Progress;
  /** Bytes read so far of each file that is being scanned. */
  readonly #bytes = new Map<string | number, number>();

  constructor(progress: Progress) {
    this.#progress = progress;
  }

  /**
   * A file begins.
   *
   * @param key names the file in the calls that follow
   */
  start(key: string | number, path: string): void {
    this.#bytes.set(key, 0);
    this.#progress.start(path);
  }

  /** Bytes read of it so far. */
  update(key: string | number, bytesRead: number): void {
    this.#bytes.set(key, bytesRead);
    this.#progress.update(this.#sum());
  }

  /** It has ended. */
  finish(key: string | number, bytesRead: number): void {
    this.#bytes.delete(key);
    this.#progress.finish(bytesRead);
    if (this.#bytes.size > 0) this.#progress.update(this.#sum());
  }

  #sum(): number {
    let sum = 0;
    for (const bytes of this.#bytes.values()) sum += bytes;
    return sum;
  }
}
