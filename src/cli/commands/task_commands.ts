/**
 * The commands that do many tasks, and judge their results: `worker`, `run`, `judge`.
 *
 * @module
 */

import type { Command } from "commander";
import type { Io } from "../io.ts";
import { type ConfigurationChoice, findConfigurations } from "../configuration.ts";
import { addLimitOptions, checked, configOption, limitsOf, option } from "../option_kinds.ts";
import { parseConcurrency, parseCount, parseJobs, parseMemory, parseSeconds } from "../options.ts";
import {
  addNetworkOptions,
  networkFor,
  offlineBy,
  type RawRemoteOptions,
} from "../remote_options.ts";
import type { SessionOptions } from "../tasks/session.ts";

/** Seconds for a task unless given. */
const TASK_SECONDS = 600;

/** Tasks at a time unless given. */
const CONCURRENCY = 4;

/** These options as commander leaves them. */
interface RawTaskOptions extends RawRemoteOptions {
  readonly concurrency: number;
  readonly jobs?: number;
  readonly taskTime: number;
  readonly memory?: number;
  readonly reuse?: string;
  readonly hash?: boolean;
  readonly facts?: boolean;
  readonly verbose?: boolean;
  readonly followSymlinks?: boolean;
  readonly config?: ConfigurationChoice;
}

/** The options of `run`. */
interface RawRunOptions extends RawTaskOptions {
  readonly retries: number;
  readonly giveUp?: boolean;
}

/** Further tries of a task unless given. */
const RETRIES = 3;

/** Adds the commands. */
export function describeTasks(
  program: Command,
  io: Io,
  run: (job: () => Promise<number>) => void,
): void {
  const worker = program.command("worker")
    .description("do tasks: one JSON object a line on standard input, one result a line");
  addTaskOptions(worker);
  worker.action((raw: RawTaskOptions) =>
    run(async () => {
      if (raw.reuse === "-") worker.error("error: --reuse - is for tasks of a file: see run");
      const options = await sessionOptions(worker, raw, io);
      return await (await import("./worker.ts")).runWorkerCommand(options, io);
    })
  );
  describeRun(program, io, run);
  const judge = program.command("judge")
    .description("judge results that have facts by the rules of today, without the files")
    .argument("<results>", "results of worker or run with --facts; - is standard input")
    .option("--facts", "hand the facts on")
    .option("-v, --verbose", "also list harmless issues")
    .addOption(configOption())
    .option("--no-config", "the embedded rules and nothing else");
  addLimitOptions(judge);
  judge.action((results: string, raw: RawTaskOptions) =>
    run(async () => {
      io.confine({ network: false });
      const options = {
        texts: { files: findConfigurations(raw.config, io), now: io.now() },
        limits: limitsOf(judge),
        verbose: raw.verbose ?? false,
        facts: raw.facts ?? false,
      };
      return await (await import("./judge.ts")).runJudge(results, options, io);
    })
  );
}

function describeRun(program: Command, io: Io, run: (job: () => Promise<number>) => void): void {
  const command = program.command("run")
    .description("do the tasks of a file, each once, and append the results to another")
    .argument("<manifest>", "tasks, one JSON object a line; - is standard input")
    .argument("<results>", "results, one a line; tasks that have one are done")
    .addOption(
      option("--retries <n>", "further tries of a task whose failure may pass").default(RETRIES)
        .argParser(checked(parseCount)),
    )
    .option("--give-up", "also write results of tasks that failed each time, which are done then");
  addTaskOptions(command);
  command.action((manifest: string, results: string, raw: RawRunOptions) =>
    run(async () => {
      if (manifest === "-" && raw.reuse === "-") {
        command.error("error: only one of the manifest and --reuse can be standard input");
      }
      const [{ ResultsFile }, { runManifest }] = await Promise.all([
        import("../tasks/results_file.ts"),
        import("./run.ts"),
      ]);
      const read = [manifest, raw.reuse, raw.config].filter((it) => typeof it === "string");
      const out = new ResultsFile(results, read);
      const options = await sessionOptions(command, raw, io);
      const { retries, giveUp = false } = raw;
      return await runManifest(manifest, out, { ...options, retries, giveUp }, io);
    })
  );
}

function addTaskOptions(command: Command): void {
  command
    .addOption(
      option("-c, --concurrency <n>", "tasks at a time").default(CONCURRENCY)
        .argParser(checked(parseConcurrency)),
    )
    .addOption(
      option("-j, --jobs <n>", "threads for them; auto: by the machine's cores")
        .argParser(checked(parseJobs)),
    )
    .addOption(
      option("--task-time <seconds>", "time for a task").default(TASK_SECONDS)
        .argParser(checked(parseSeconds)),
    )
    .addOption(
      option("--memory <size>", "values that the tasks of a thread may hold, 64MB at least")
        .argParser(checked(parseMemory)),
    )
    .option("--reuse <file>", "results that stand for tasks of the same keys")
    .option("--facts", "also give what judge can judge again without the files")
    .option("--hash", "hash local files, so that their results have keys")
    .option("-v, --verbose", "also list harmless issues")
    .option("--follow-symlinks", "go into links to folders")
    .addOption(configOption())
    .option("--no-config", "the embedded rules and nothing else");
  addNetworkOptions(command);
  addLimitOptions(command);
}

/** What the options amount to; gives up what no task needs. */
async function sessionOptions(
  command: Command,
  raw: RawTaskOptions,
  io: Io,
): Promise<SessionOptions> {
  const why = offlineBy(raw, io.env);
  const { remoteFull, networkTimeout, allowPrivateNetwork, instanceCredentials } = raw;
  const choices = {
    ...(remoteFull !== undefined && { remoteFull }),
    ...(networkTimeout !== undefined && { networkTimeout }),
    ...(allowPrivateNetwork !== undefined && { allowPrivateNetwork }),
    ...(instanceCredentials !== undefined && { instanceCredentials }),
  };
  const remote = why === undefined ? { choices, env: { ...io.env } } : undefined;
  // What the environment says wrongly is said now, and not with each task.
  if (remote !== undefined) await networkFor([], choices, io.env);
  io.confine({ network: remote !== undefined });
  return {
    concurrency: raw.concurrency,
    jobs: raw.jobs,
    texts: { files: findConfigurations(raw.config, io), now: io.now() },
    limits: limitsOf(command),
    remote,
    offline: why === undefined ? "" : `${why} forbids the network`,
    taskTime: raw.taskTime,
    memory: raw.memory,
    hash: raw.hash ?? false,
    verbose: raw.verbose ?? false,
    facts: raw.facts ?? false,
    followSymlinks: raw.followSymlinks ?? false,
    reuse: raw.reuse,
  };
}
