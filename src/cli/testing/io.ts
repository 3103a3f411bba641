/**
 * A world for tests of the command line.
 *
 * @module
 */

import type { ScanCommandOptions } from "../commands/scan.ts";
import type { Io, Output } from "../io.ts";
import type { Keep } from "../permissions.ts";

/** Options of a scan when nothing is said, but for the report's form, which is JSON. */
export const USUAL: ScanCommandOptions = {
  format: "json",
  failOn: "medium",
  verbose: false,
  quiet: false,
  emoji: true,
  progress: undefined,
  timeout: undefined,
  limits: {},
  include: [],
  exclude: [],
  followSymlinks: false,
  allowNoModels: false,
};

/** A world whose output can be read and whose Ctrl-C can be pressed. */
export interface TestIo extends Io {
  readonly stdout: TestOutput;
  readonly stderr: TestOutput;
  interrupt(): void;
  /** Sends SIGTERM. */
  terminate(): void;
  /** What was kept each time that a command gave up the rest. */
  readonly confined: readonly Keep[];
}

/** Output that remembers. */
interface TestOutput extends Output {
  readonly text: string;
}

/** What a test may set. */
export interface TestWorld {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  readonly tty?: boolean;
  readonly columns?: number;
  /** The working directory, for a configuration that lies there. */
  readonly folder?: string;
  /** Writes after which standard output is closed, as `| head` does. */
  readonly closesAfter?: number;
  readonly now?: () => number;
}

/** A new world. */
export function testIo(world: TestWorld = {}): TestIo {
  const listeners = new Set<() => void>();
  const terminators = new Set<() => void>();
  const confined: Keep[] = [];
  return {
    async *stdin() {
      yield* world.stdin ?? [];
    },
    stdout: output(world, world.closesAfter ?? Infinity),
    stderr: output(world, Infinity),
    env: world.env ?? {},
    folder: world.folder ?? ".",
    now: world.now ?? (() => 1_750_000_000_000),
    confine(keep) {
      confined.push(keep);
    },
    confined,
    onInterrupt(callback) {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
    interrupt() {
      for (const listener of listeners) listener();
    },
    onTerminate(callback) {
      terminators.add(callback);
      return () => terminators.delete(callback);
    },
    terminate() {
      for (const listener of terminators) listener();
    },
  };
}

function output(world: TestWorld, closesAfter: number): TestOutput {
  let text = "";
  let writes = 0;
  return {
    isTTY: world.tty ?? false,
    columns: world.columns,
    get text() {
      return text;
    },
    get closed() {
      return writes >= closesAfter;
    },
    failure: undefined,
    write(more) {
      if (writes < closesAfter) text += more;
      writes++;
      return Promise.resolve();
    },
  };
}
