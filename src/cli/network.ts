/**
 * What the environment and the options say of the network.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { ConfigError } from "../core/errors.ts";
import { findRemote, type RemoteFound, type RemoteHooks } from "../remote/find.ts";
import { nodeTransport, type TransportOptions } from "../remote/node_transport.ts";
import { HUB } from "../remote/resolve.ts";
import type { Io } from "./io.ts";

/** What the options say. */
export interface RemoteSettings {
  readonly allowPrivate: boolean;
  /** Also scan the files of a repository that nothing loads. */
  readonly scanAll: boolean;
  /** Look into every storage of a checkpoint, however many requests that takes. */
  readonly full?: boolean;
  /** Seconds without a byte after which a connection counts as dead. */
  readonly networkTimeout?: number | undefined;
  /** Milliseconds before a second try; for tests. */
  readonly retryMilliseconds?: number;
  /** Names to addresses; for tests. */
  readonly resolve?: TransportOptions["resolve"];
}

/** The network for one scan. */
export interface Remote {
  find(args: readonly string[], hooks: RemoteHooks): AsyncGenerator<RemoteFound>;
  close(): void;
}

/**
 * Makes ready to fetch; nothing is sent before `find`.
 *
 * @param signal ends everything
 * @throws ConfigError when the environment says what cannot be
 */
export function openRemote(
  settings: RemoteSettings,
  env: Io["env"],
  signal: AbortSignal,
): Remote {
  const endpoint = endpointOf(env);
  const transport = nodeTransport({
    allowPrivate: settings.allowPrivate,
    proxyFor: proxiesOf(env),
    certificates: certificatesOf(env),
    ...(settings.resolve && { resolve: settings.resolve }),
  });
  const options = {
    transport: transport.send,
    endpoint,
    token: env["HF_TOKEN"]?.trim() ?? "",
    scanAll: settings.scanAll,
    full: settings.full ?? false,
    networkTimeout: settings.networkTimeout,
    retryMilliseconds: settings.retryMilliseconds,
    signal,
  };
  return {
    find: (args, hooks) => findRemote(args, options, hooks),
    close: () => transport.close(),
  };
}

/** Where the hub is: HF_ENDPOINT, for mirrors. */
export function endpointOf(env: Io["env"]): URL {
  const text = env["HF_ENDPOINT"]?.trim() || HUB;
  try {
    const url = new URL(text);
    if (/^https?:$/.test(url.protocol) && url.username === "" && url.search === "") return url;
  } catch {
    // Said below.
  }
  throw new ConfigError("HF_ENDPOINT", `HF_ENDPOINT is no https:// URL: "${text}"`);
}

/** Which proxy the environment names for a URL, as curl understands it. */
export function proxiesOf(env: Io["env"]): (url: URL) => URL | undefined {
  const read = (name: string): URL | undefined => {
    const text = env[name] || env[name.toLowerCase()];
    if (!text) return undefined;
    try {
      const url = new URL(text.includes("://") ? text : `http://${text}`);
      if (url.protocol === "http:") return url;
    } catch {
      // Said below.
    }
    throw new ConfigError(name, `${name} is no http:// URL of a proxy`);
  };
  const proxies: Readonly<Record<string, URL | undefined>> = {
    "https:": read("HTTPS_PROXY"),
    "http:": read("HTTP_PROXY"),
  };
  const without = (env["NO_PROXY"] || env["no_proxy"] || "").toLowerCase().split(/[\s,]+/)
    .filter((it) => it !== "").map((it) => it.replace(/^\*?\./, ""));
  return (url) => {
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const direct = without.some((it) =>
      it === "*" || it === host || it === url.host || host.endsWith(`.${it}`)
    );
    return direct ? undefined : proxies[url.protocol];
  };
}

function certificatesOf(env: Io["env"]): string | undefined {
  const file = env["NODE_EXTRA_CA_CERTS"] || env["SSL_CERT_FILE"];
  if (!file) return undefined;
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(file, `Cannot read the certificates in ${file}: ${reason}`, { cause });
  }
}
