/**
 * A supervised worker: killed when a case hangs or exceeds the memory limit, and restarted.
 *
 * @module
 */

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Answer, Request } from "./worker.ts";

const WORKER = fileURLToPath(new URL("worker.ts", import.meta.url));
/** Milliseconds of processor time, and of waiting, after which a case of at most 1 MiB is a hang. */
const HANG_SECONDS = 25;
const WAIT_MILLISECONDS = 240_000;
/** Resident bytes that a worker may have: it holds the corpus, all decoders and the rules. */
const MOST_RESIDENT = 1_200 * 1024 * 1024;
const POLL_MILLISECONDS = 250;
/** Cases after which a worker is restarted: it caches what it has loaded. */
const CASES_EACH = 20_000;

/** Resident bytes of a process; undefined where the system does not report it. */
function resident(pid: number | undefined): number | undefined {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
    return pages * 4096;
  } catch {
    return undefined;
  }
}

/** Seconds of processor time that a process has had; undefined where the system does not report it. */
function busy(pid: number | undefined): number | undefined {
  try {
    // proc(5): the fields behind the name in parentheses begin with the third; 14 and 15 are ticks.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return undefined;
  }
}

/** Runs cases one after the other in a process of its own. */
export class Runner {
  /** The most resident bytes that were seen. */
  peak = 0;
  /** Seconds of processor time of exited workers, without Python's. */
  seconds = 0;
  #child: ChildProcessWithoutNullStreams | undefined;
  #lines: Interface | undefined;
  #done = 0;
  readonly #arguments: readonly string[];

  /** @param python whether Python's readers are asked as well */
  constructor(python: boolean) {
    this.#arguments = [
      ...["run", "--quiet", "--no-prompt", "--no-check", "--no-lock", "--cached-only"],
      ...["--allow-all", WORKER, ...(python ? [] : ["--no-python"])],
    ];
  }

  /** Runs one case; a worker that was killed, or that crashed, is a finding. */
  async run(request: Request): Promise<Answer> {
    if (this.#done++ % CASES_EACH === CASES_EACH - 1) this.stop();
    this.#child ??= spawn(process.execPath, [...this.#arguments], {
      env: { ...process.env, NO_COLOR: "1" },
    });
    const child = this.#child;
    this.#lines ??= createInterface({ input: child.stdout });
    const lines = this.#lines;
    let diagnostic = "";
    child.stderr.removeAllListeners("data");
    child.stderr.on("data", (chunk: Uint8Array) => {
      diagnostic = (diagnostic + new TextDecoder().decode(chunk)).slice(-800);
    });
    const started = performance.now();
    const busyBefore = busy(child.pid) ?? 0;
    const answer = await new Promise<Answer>((resolve) => {
      const end = (answer: Answer): void => {
        clearInterval(timer);
        lines.removeAllListeners("line");
        child.removeAllListeners("exit");
        resolve(answer);
      };
      const broken = (kind: string, detail: string) =>
        end({
          findings: [{ kind, detail }],
          verdict: kind,
          milliseconds: performance.now() - started,
          compared: false,
          origin: "",
        });
      const timer = setInterval(() => {
        const bytes = resident(child.pid) ?? 0;
        this.peak = Math.max(this.peak, bytes);
        if (bytes > MOST_RESIDENT) broken("memory", `${bytes >> 20} MiB resident`);
        const computed = (busy(child.pid) ?? 0) - busyBefore;
        const waited = performance.now() - started;
        if (computed > HANG_SECONDS || waited > WAIT_MILLISECONDS) {
          broken("hang", `no answer after ${Math.round(computed)} s of computing`);
        }
      }, POLL_MILLISECONDS);
      lines.once("line", (line) => end(JSON.parse(line)));
      child.once("exit", (code, signal) => broken("crash", `${code ?? signal}: ${diagnostic}`));
      child.stdin.write(`${JSON.stringify(request)}\n`);
    });
    if (["memory", "hang", "crash"].includes(answer.verdict)) this.stop();
    return answer;
  }

  /** Ends the worker. */
  stop(): void {
    this.seconds += busy(this.#child?.pid) ?? 0;
    this.#child?.stdin.on("error", () => {});
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
    this.#lines?.close();
    this.#lines = undefined;
  }
}
