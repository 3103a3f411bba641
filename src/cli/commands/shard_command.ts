/**
 * The options of `shard`.
 *
 * @module
 */

import type { Command } from "commander";
import { isRemote } from "../../remote/resolve.ts";
import type { Io } from "../io.ts";
import { checked, collect, option } from "../option_kinds.ts";
import { parseCount, parseSeconds } from "../options.ts";
import { networkFor, offlineBy, type RawRemoteOptions } from "../remote_options.ts";
import { ConfigError } from "../../core/errors.ts";
import { shownAddress } from "../../core/shown_url.ts";

/** These options as commander leaves them. */
interface RawShardOptions extends RawRemoteOptions {
  readonly tasks?: number;
  readonly output?: string;
  readonly depth: number;
  readonly files: boolean;
  readonly previous?: readonly string[];
}

/** Adds the command. */
export function describeShard(
  program: Command,
  io: Io,
  run: (job: () => Promise<number>) => void,
): void {
  const shard = program.command("shard")
    .description("list hubs, buckets and folders as manifests of tasks for worker and run")
    .argument(
      "<source...>",
      "hf://owner (hf:// for all), hf://datasets/owner, s3://, gs:// and az:// paths, folders; or anything that is scanned",
    )
    .option("--output <folder>", "write manifests into this folder, which must be empty")
    .addOption(
      option("--tasks <n>", "tasks of a manifest; all unless given").argParser(checked(parseTasks)),
    )
    .addOption(
      option("--depth <n>", "levels of folders below a bucket's path or a folder that are tasks")
        .default(1).argParser(checked(parseCount)),
    )
    .option("--previous <manifest>", "take over what did not change since (repeatable)", collect)
    .option("--no-files", "revisions alone: the worker then asks for the files of each repository")
    .addOption(
      option("--network-timeout <seconds>", "time without a byte from a server (default: 30)")
        .argParser(checked(parseSeconds)),
    )
    .option("--allow-private-network", "also ask private and loopback addresses")
    .option(
      "--instance-credentials",
      "for object stores, ask the metadata service of this machine where the environment has no credentials",
    )
    .option("--offline", "never use the network");
  shard.action((sources: string[], raw: RawShardOptions) =>
    run(async () => {
      const { tasks, output, depth, files, previous = [] } = raw;
      if (tasks !== undefined && output === undefined) {
        shard.error("error: --tasks needs --output: standard output is one manifest");
      }
      const distant = sources.filter(isRemote);
      const why = offlineBy(raw, io.env);
      const [first] = distant;
      if (first !== undefined && why !== undefined) {
        throw new ConfigError(
          why,
          `Cannot list ${shownAddress(first)}: ${why} forbids the network`,
        );
      }
      const remote = first === undefined ? undefined : await networkFor(distant, raw, io.env);
      io.confine({ network: remote !== undefined, write: output !== undefined });
      const { runShard } = await import("./shard.ts");
      const options = { tasks, output, depth, files, previous, remote };
      return await runShard(sources, options, io);
    })
  );
}

function parseTasks(text: string): number {
  const tasks = parseCount(text);
  if (tasks >= 1) return tasks;
  throw new ConfigError(text, `"${text}" is no number above zero`);
}
