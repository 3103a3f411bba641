/**
 * Network settings from the environment.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { ConfigError } from "../core/errors.ts";
import { checkToken } from "../remote/find.ts";
import { HUB, hubEndpoint } from "../remote/resolve.ts";
import type { RemoteOptions } from "../scan/options.ts";
import type { Io } from "./io.ts";

/** Settings for fetching from the environment: the hub, its token, proxies and certificates. */
type NetworkEnvironment = Pick<
  RemoteOptions,
  "endpoint" | "token" | "proxyFor" | "certificates"
>;

/**
 * Reads the environment; nothing is sent.
 *
 * @throws ConfigError when it says what cannot be
 */
export function networkOf(env: Io["env"]): NetworkEnvironment {
  const token = env["HF_TOKEN"]?.trim() ?? "";
  checkToken(token);
  const certificates = certificatesOf(env);
  return {
    endpoint: endpointOf(env),
    token,
    proxyFor: proxiesOf(env),
    ...(certificates !== undefined && { certificates }),
  };
}

/** Where the hub is: HF_ENDPOINT, for mirrors. */
export function endpointOf(env: Io["env"]): URL {
  return hubEndpoint(env["HF_ENDPOINT"]?.trim() || HUB, "HF_ENDPOINT");
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
      // Thrown below.
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
