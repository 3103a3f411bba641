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

/** Adds these options to a command. */
export function addRemoteOptions(command: Command): Command {
  return command
    .option("--url <url>", "fetch and scan this address (repeatable)", collect)
    .option("--hf <org/model>", "scan this repository on the hub (repeatable)", collect)
    // Every file is looked at; scripts that ask for it go on working.
    .addOption(option("--hf-scan-all", "every file of a repository is looked at").hideHelp())
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
  if (raw.offline || /^(?:1|true|yes|on)$/i.test(io.env["HF_HUB_OFFLINE"] ?? "")) {
    const why = raw.offline ? "--offline" : "HF_HUB_OFFLINE";
    throw new ConfigError(
      why,
      `Cannot scan ${shownAddress(first)}: ${why} forbids the network. Nothing was sent`,
    );
  }
  const [{ endpointOf, networkOf }, { storesOf }] = await Promise.all([
    import("./network.ts"),
    import("./stores.ts"),
  ]);
  const endpoint = endpointOf(io.env);
  for (const it of distant) resolveRemote(it, endpoint);
  for (const it of raw.hf ?? []) resolveRepository(it, endpoint);
  const network = networkOf(io.env);
  const { proxyFor, certificates } = network;
  const connect = async (allowPrivate: boolean) => {
    const { nodeTransport } = await import("../remote/node_transport.ts");
    const how = { allowPrivate, certificates };
    return nodeTransport(allowPrivate || proxyFor === undefined ? how : { ...how, proxyFor }).send;
  };
  const stores = storesOf(distant, io.env, {
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
