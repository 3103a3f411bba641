/**
 * Runs whole processes and measures them: time, peak memory of the process and all that it starts, and
 * bytes read. A process that exceeds its time or memory limit is killed, with its children.
 *
 * @module
 */

import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { platform } from "node:os";
import process from "node:process";

/** Milliseconds between samples of a new process, whose peak would be missed otherwise, and of an older one. */
const YOUNG_POLL_MS = 5;
const OLD_POLL_MS = 50;
const YOUNG_MS = 1000;
/** What is kept of an output; reports of peers have any length. */
const OUTPUT_LIMIT = 256 * 2 ** 20;

/** How a process may be run. */
interface RunOptions {
  /** Its working directory. */
  readonly cwd: string;
  /** Set or, where undefined, taken out of the environment. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Whether memory and reads are sampled, which takes a little of the other core. */
  readonly watch?: boolean;
  /** Seconds after which it is ended. */
  readonly timeLimit?: number;
  /** Bytes of memory at which it is ended; only while it is watched. */
  readonly memoryLimit?: number;
}

/** What is known of a process that has ended. */
export interface Run {
  readonly seconds: number;
  /** Undefined when it was ended by a signal. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /**
   * Bytes: the high-water marks of all processes of its tree that lived at one time, added up.
   * Undefined where the system does not report it.
   */
  readonly peak: number | undefined;
  /**
   * Bytes that its reads returned, by the kernel's count: its own program files too, what it maps
   * into memory not. Undefined where the system does not report it.
   */
  readonly read: number | undefined;
  /** Which limit ended it. */
  readonly over: "time" | "memory" | undefined;
}

/** Runs a program to its end. Rejects when it cannot be started. */
export function run(command: string, args: readonly string[], options: RunOptions): Promise<Run> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.environment },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true, // A group of its own, which can be ended as one.
    });
    if (child.pid !== undefined) running.add(child.pid);
    const watch = new Watch(child.pid);
    let over: Run["over"];
    const end = (why: Run["over"]) => {
      over ??= why;
      if (child.pid !== undefined) endGroup(child.pid);
    };
    const timeout = options.timeLimit === undefined
      ? undefined
      : setTimeout(() => end("time"), options.timeLimit * 1000);
    let poll: ReturnType<typeof setTimeout> | undefined;
    const look = () => {
      watch.look();
      if (watch.now > (options.memoryLimit ?? Infinity)) end("memory");
      const young = performance.now() - start < YOUNG_MS;
      poll = setTimeout(look, young ? YOUNG_POLL_MS : OLD_POLL_MS);
    };
    if (options.watch) look();
    const out = gather(child.stdout);
    const errors = gather(child.stderr);
    let seconds = 0;
    child.on("error", reject);
    child.on("exit", () => {
      seconds = (performance.now() - start) / 1000;
      clearTimeout(timeout);
      clearTimeout(poll);
      if (child.pid !== undefined) running.delete(child.pid);
    });
    child.on("close", (code) => {
      const { peak, read } = watch;
      resolve({
        seconds,
        code: code ?? undefined,
        stdout: out(),
        stderr: errors(),
        peak,
        read,
        over,
      });
    });
  });
}

/** Leaders of running process groups: SIGINT reaches this process only, which kills them. */
const running = new Set<number>();

/** Kills all child processes on SIGINT. For programs that only run others. */
export function endWithUs(): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      for (const leader of running) endGroup(leader);
      process.exit(1);
    });
  }
}

function endGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // It has exited meanwhile.
  }
}

/** Collects a stream's text up to a limit; the rest is read and dropped. */
function gather(stream: NodeJS.ReadableStream): () => string {
  const chunks: Uint8Array[] = [];
  let length = 0;
  stream.on("data", (chunk: Uint8Array) => {
    length += chunk.length;
    if (length <= OUTPUT_LIMIT) chunks.push(chunk);
  });
  return () => {
    const decoder = new TextDecoder();
    return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("");
  };
}

/** Samples a process and its descendants through Linux' `/proc`. */
class Watch {
  readonly #root: number | undefined;
  /** Bytes read by processes that may have ended since. */
  readonly #reads = new Map<number, number>();
  /** Bytes of high-water marks in the last sample. */
  now = 0;
  peak: number | undefined;

  constructor(root: number | undefined) {
    this.#root = platform() === "linux" ? root : undefined;
  }

  get read(): number | undefined {
    if (this.#reads.size === 0) return undefined;
    return [...this.#reads.values()].reduce((sum, one) => sum + one, 0);
  }

  look(): void {
    if (this.#root === undefined) return;
    let sum = 0;
    const left = [this.#root];
    for (let pid = left.pop(); pid !== undefined; pid = left.pop()) {
      const kilobytes = numberIn(`/proc/${pid}/status`, /^VmHWM:\s+(\d+) kB$/m);
      if (kilobytes !== undefined) sum += kilobytes * 1024;
      const read = numberIn(`/proc/${pid}/io`, /^rchar: (\d+)$/m);
      if (read !== undefined) this.#reads.set(pid, read);
      left.push(...childrenOf(pid));
    }
    if (sum === 0) return;
    this.now = sum;
    this.peak = Math.max(this.peak ?? 0, sum);
  }
}

function numberIn(path: string, pattern: RegExp): number | undefined {
  const found = pattern.exec(textOf(path))?.[1];
  return found === undefined ? undefined : Number(found);
}

/** Those that the process' first thread started, as the kernel lists them. */
function childrenOf(pid: number): number[] {
  return textOf(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // The process has ended meanwhile, or is not ours to look at.
  }
}

/** A Python, by the executable itself: a shim in front of it would be measured too. */
export interface Python {
  readonly version: string;
  readonly executable: string;
}

/** The Python that `PYTHON` names, else `python3`; undefined when there is none. */
export function findPython(): Python | undefined {
  const name = process.env.PYTHON ?? "python3";
  const code = "import sys; print(sys.version.split()[0], sys.executable)";
  const probe = spawnSync(name, ["-c", code], { encoding: "utf8" });
  if (probe.status !== 0) return undefined;
  const [version = "", ...rest] = probe.stdout.trim().split(" ");
  return { version, executable: rest.join(" ") };
}
