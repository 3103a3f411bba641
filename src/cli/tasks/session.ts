/**
 * What `worker` and `run` have in common: rules, threads, known results, and an end that loses nothing.
 *
 * @module
 */

import type { Limits } from "../../core/types.ts";
import { type ConfigurationTexts, configuredOf } from "../configuration.ts";
import { jobsOf } from "../../scan/schedule/threads.ts";
import type { Io } from "../io.ts";
import { tell } from "../terminal.ts";
import type { Runner } from "./dispatch.ts";
import { Engine, type EngineSetup, type Lookup, type RemoteSetup } from "./engine.ts";
import { codeDigest } from "./code_digest.ts";
import { judgesOf } from "./keys.ts";
import { Results } from "./reuse.ts";
import { TaskThreads } from "./threads.ts";

/** Milliseconds that running tasks have once the process is asked to end. Kubernetes kills after 30 s. */
const DRAIN_MILLISECONDS = 20_000;

/** What the options of `worker` and `run` amount to. */
export interface SessionOptions {
  readonly concurrency: number;
  readonly jobs: number | undefined;
  readonly texts: ConfigurationTexts;
  readonly limits: Partial<Limits>;
  readonly remote: RemoteSetup | undefined;
  /** Why nothing is fetched. */
  readonly offline: string;
  /** Seconds for a task. */
  readonly taskTime: number;
  /** Bytes of values that a thread may have. */
  readonly memory: number | undefined;
  readonly hash: boolean;
  readonly verbose: boolean;
  readonly facts: boolean;
  readonly followSymlinks: boolean;
  /** A file of results; "-" for standard input. */
  readonly reuse: string | undefined;
}

/** A running session. */
interface Session extends Runner {
  /** Aborted once no task is to be begun any more. */
  readonly draining: AbortSignal;
  /** Ends it; nothing is running any more. */
  close(): void;
}

/**
 * Starts a session.
 *
 * @throws ConfigError for a wrong configuration, and for results that cannot be read
 */
export async function openSession(options: SessionOptions, io: Io): Promise<Session> {
  const { limits, texts, remote, concurrency, jobs } = options;
  const { configuration } = await configuredOf(texts);
  const setup: EngineSetup = {
    code: codeDigest(),
    texts,
    limits,
    followSymlinks: options.followSymlinks,
    remoteFull: remote?.choices.remoteFull ?? false,
    verbose: options.verbose,
    facts: options.facts,
    remote,
    offline: options.offline,
    milliseconds: options.taskTime * 1000,
    hash: options.hash,
    reuses: options.reuse !== undefined,
  };
  const judges = judgesOf({ ...setup, limits: { ...configuration.limits, ...limits } });
  const results = options.reuse === undefined
    ? undefined
    : options.reuse === "-"
    ? await Results.ofStream(io.stdin(), judges)
    : Results.ofFile(options.reuse, judges);
  if (results !== undefined && results.unused > 0) {
    await tell(io, `note: ${results.unused} lines of ${options.reuse} are no results to use again`);
  }
  const lookup: Lookup = (key, siblings) => Promise.resolve(results?.find(key, siblings));
  const threads = await io.threads?.load();
  let runner: Runner & { stop(): void; close(): void };
  if (threads === undefined) runner = await Engine.open(setup, lookup);
  else {
    const count = Math.min(concurrency, jobsOf(jobs, threads.cores));
    const megabytes = options.memory === undefined ? undefined : options.memory / 2 ** 20;
    const pool = new TaskThreads({ threads, setup, count, lookup, megabytes });
    pool.warm();
    runner = pool;
  }
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const drain = (): void => {
    if (controller.signal.aborted) return;
    controller.abort();
    timer = setTimeout(() => runner.stop(), DRAIN_MILLISECONDS);
  };
  const unsubscribe = [io.onTerminate(drain), io.onInterrupt(drain)];
  return {
    run: (task) => runner.run(task),
    draining: controller.signal,
    close() {
      clearTimeout(timer);
      for (const it of unsubscribe) it();
      runner.close();
      results?.close();
    },
  };
}
