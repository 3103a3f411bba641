/**
 * How far a scan has come, for a display.
 *
 * @module
 */

/** Is reported how far the scan has come; every method may be called at any time. */
export interface Progress {
  /** True when local files, too, are to be expected, for which all of them are found before the first is scanned. */
  readonly wantsTotals?: boolean;
  /** So many more files, of so many bytes in all, are known to come. */
  expect(files: number, bytes: number): void;
  /** A file begins. */
  start(path: string): void;
  /**
   * Bytes read so far of all files that are being scanned.
   *
   * @param path of the file of which more was read; undefined when none was
   */
  update(bytesRead: number, path?: string): void;
  /** A file has ended. */
  finish(bytesRead: number, path: string): void;
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
  /** Path and bytes read so far of each file that is being scanned. */
  readonly #files = new Map<string | number, { readonly path: string; bytes: number }>();

  constructor(progress: Progress) {
    this.#progress = progress;
  }

  /**
   * A file begins.
   *
   * @param key names the file in the calls that follow
   */
  start(key: string | number, path: string): void {
    this.#files.set(key, { path, bytes: 0 });
    this.#progress.start(path);
  }

  /** Bytes read of it so far. */
  update(key: string | number, bytesRead: number): void {
    const file = this.#files.get(key);
    if (file === undefined) return;
    file.bytes = bytesRead;
    this.#progress.update(this.#sum(), file.path);
  }

  /** It has ended. */
  finish(key: string | number, bytesRead: number): void {
    const path = this.#files.get(key)?.path;
    this.#files.delete(key);
    if (path !== undefined) this.#progress.finish(bytesRead, path);
    if (this.#files.size > 0) this.#progress.update(this.#sum());
  }

  #sum(): number {
    let sum = 0;
    for (const { bytes } of this.#files.values()) sum += bytes;
    return sum;
  }
}

/** How far a scan has come. */
export interface ScanProgress {
  /** A file begins, more of it was read, or it has ended. */
  readonly event: "start" | "read" | "end";
  /** The file, as reports name it. */
  readonly path: string;
  /** Files that have ended. */
  readonly files: number;
  /** Files that are known of so far. Folders are gone through first, so that it grows with remote inputs alone. */
  readonly totalFiles: number;
  /** Bytes that were read of all files. Of most only a part is: tensors are not read. */
  readonly bytes: number;
  /** Sizes of all files, as far as they are known. */
  readonly totalBytes: number;
}

/** A progress that calls a function of the program. */
export class CallbackProgress implements Progress {
  readonly wantsTotals = true;
  #failure: { readonly cause: unknown } | undefined;
  readonly #callback: (progress: ScanProgress) => void;
  #files = 0;
  #totalFiles = 0;
  #totalBytes = 0;
  /** Bytes of files that have ended, and of those that are being scanned. */
  #endedBytes = 0;
  #openBytes = 0;

  /** @param callback is called at each step, until it throws */
  constructor(callback: (progress: ScanProgress) => void) {
    this.#callback = callback;
  }

  /** Throws what it threw: an error of the program, which is none of the file that was being scanned. */
  rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.cause;
  }

  expect(files: number, bytes: number): void {
    this.#totalFiles += files;
    this.#totalBytes += bytes;
  }

  start(path: string): void {
    this.#say("start", path);
  }

  update(bytesRead: number, path?: string): void {
    this.#openBytes = bytesRead;
    if (path !== undefined) this.#say("read", path);
  }

  finish(bytesRead: number, path: string): void {
    this.#files++;
    this.#endedBytes += bytesRead;
    // What others that are open have read is said next.
    this.#openBytes = Math.max(0, this.#openBytes - bytesRead);
    this.#say("end", path);
  }

  #say(event: ScanProgress["event"], path: string): void {
    if (this.#failure !== undefined) return;
    const progress: ScanProgress = {
      ...{ event, path, files: this.#files },
      totalFiles: Math.max(this.#totalFiles, this.#files + (event === "end" ? 0 : 1)),
      bytes: this.#endedBytes + this.#openBytes,
      totalBytes: this.#totalBytes,
    };
    try {
      this.#callback(progress);
    } catch (cause) {
      this.#failure = { cause };
    }
  }
}
