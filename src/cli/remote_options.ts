/**
 * What the options of `scan` and `baseline` say of the network.
 *
 * @module
 */

import type { Command } from "commander";
import { ConfigError } from "../core/errors.ts";
import { shownAddress } from "../core/shown_url.ts";
import { isRemote, resolveRemote, resolveRepository } from "../remote/resolve.ts";
import type { RemoteOptions } from "../scan/options.ts";
import type { Io } from "./io.ts";
import { checked, collect, option } from "./option_kinds.ts";
import { parseSeconds } from "./options.ts";

/** These options as commander leaves them. */
export interface RawRemoteOptions {
  readonly url?: readonly string[];
  readonly hf?: readonly string[];
  readonly offline?: boolean;
  readonly remoteFull?: boolean;
  readonly networkTimeout?: number;
  readonly allowPrivateNetwork?: boolean;
  readonly instanceCredentials?: boolean;
}

/** Those that say how something is fetched. */
export type NetworkChoices = Pick<
  RawRemoteOptions,
  "remoteFull" | "networkTimeout" | "allowPrivateNetwork" | "instanceCredentials"
>;

/** Adds these options to a command. */
export function addRemoteOptions(command: Command): Command {
  return addNetworkOptions(
    command
      .option("--url <url>", "fetch and scan this address (repeatable)", collect)
      .option("--hf <org/model>", "scan this repository on the hub (repeatable)", collect)
      // Every file is looked at; scripts that ask for it go on working.
      .addOption(option("--hf-scan-all", "every file of a repository is looked at").hideHelp()),
  );
}

/** Adds those that say how something is fetched. */
export function addNetworkOptions(command: Command): Command {
  return command
    .option(
      "--remote-full",
      "look into every storage of a checkpoint on a server, however many requests it takes",
    )
    .addOption(
      option("--network-timeout <seconds>", "time without a byte from a server (default: 30)")
        .argParser(checked(parseSeconds)),
    )
    .option("--allow-private-network", "also fetch from private and loopback addresses")
    .option(
      "--instance-credentials",
      "for object stores, ask the metadata service of this machine where the environment has no credentials",
    )
    .option("--offline", "never use the network");
}

/** Why nothing is fetched: an option or a variable; undefined when something may be. */
export function offlineBy(raw: Pick<RawRemoteOptions, "offline">, env: Io["env"]) {
  if (raw.offline) return "--offline";
  return /^(?:1|true|yes|on)$/i.test(env["HF_HUB_OFFLINE"] ?? "") ? "HF_HUB_OFFLINE" : undefined;
}

/**
 * The network as options and environment have it; nothing is sent.
 *
 * @param addresses whose stores are reached
 * @throws ConfigError when the environment says what cannot be
 */
export async function networkFor(
  addresses: readonly string[],
  raw: NetworkChoices,
  env: Io["env"],
): Promise<RemoteOptions> {
  const [{ networkOf }, { storesOf }] = await Promise.all([
    import("./network.ts"),
    import("./stores.ts"),
  ]);
  const network = networkOf(env);
  const { proxyFor, certificates } = network;
  const connect = async (allowPrivate: boolean) => {
    const { nodeTransport } = await import("../remote/node_transport.ts");
    const how = { allowPrivate, certificates };
    return nodeTransport(allowPrivate || proxyFor === undefined ? how : { ...how, proxyFor }).send;
  };
  const stores = storesOf(addresses, env, {
    instance: raw.instanceCredentials ?? false,
    send: () => connect(false),
    sendInside: () => connect(true),
  });
  return {
    ...network,
    stores,
    allowPrivateNetwork: raw.allowPrivateNetwork ?? false,
    full: raw.remoteFull ?? false,
    ...(raw.networkTimeout !== undefined && { networkTimeout: raw.networkTimeout }),
  };
}

/** What `--hf` takes, as an argument. */
export function hubArgument(text: string): string {
  return isRemote(text) ? text : `hf://${text}`;
}

/**
 * The network, when something is to be fetched.
 *
 * @param paths all arguments, those of `--url` and `--hf` among them
 * @throws ConfigError for what cannot be fetched, before anything is scanned
 */
export async function remoteOf(
  paths: readonly string[],
  raw: RawRemoteOptions,
  io: Io,
): Promise<RemoteOptions | undefined> {
  for (const url of raw.url ?? []) {
    if (!isRemote(url)) throw new ConfigError("--url", `"${shownAddress(url)}" is no https:// URL`);
  }
  const distant = paths.filter(isRemote);
  const [first] = distant;
  if (first === undefined) return undefined;
  const why = offlineBy(raw, io.env);
  if (why !== undefined) {
    throw new ConfigError(
      why,
      `Cannot scan ${shownAddress(first)}: ${why} forbids the network. Nothing was sent`,
    );
  }
  const { endpointOf } = await import("./network.ts");
  const endpoint = endpointOf(io.env);
  for (const it of distant) resolveRemote(it, endpoint);
  for (const it of raw.hf ?? []) resolveRepository(it, endpoint);
  return await networkFor(distant, raw, io.env);
}
