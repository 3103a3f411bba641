/**
 * Network settings from the environment.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { BlockList, isIP } from "node:net";
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
  const token = tokenOf(env);
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

/** Values that are true to the hub's own client. `huggingface_hub/constants.py` */
const TRUE = /^(?:1|true|yes|on)$/iu;

/**
 * The token of the environment, else that which `hf auth login` keeps in a file.
 * https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables
 *
 * @throws ConfigError when the file cannot be read, or has what is no token
 */
function tokenOf(env: Io["env"]): string {
  const named = (env["HF_TOKEN"] || env["HUGGING_FACE_HUB_TOKEN"] || "").trim();
  if (named !== "" || TRUE.test(env["HF_HUB_DISABLE_IMPLICIT_TOKEN"] ?? "")) return named;
  const home = env["HOME"] || env["USERPROFILE"];
  const cache = env["XDG_CACHE_HOME"] || (home && `${home}/.cache`);
  const folder = env["HF_HOME"] || (cache && `${cache}/huggingface`);
  const file = env["HF_TOKEN_PATH"] || (folder && `${folder}/token`);
  if (!file) return "";
  const path = file.replace(/^~(?=[/\\])/u, () => home ?? "~");
  try {
    return readFileSync(path, "utf8").trim();
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return "";
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(path, `Cannot read the hub's token in ${path}: ${reason}`, { cause });
  }
}

/**
 * Which proxy the environment names for a URL, as curl and requests understand it: names in lower case before those
 * in upper case, `ALL_PROXY` where there is none of the scheme; in `NO_PROXY` hosts, domains, ports and blocks of
 * addresses.
 *
 * @throws ConfigError for what is no proxy that is known here
 */
export function proxiesOf(env: Io["env"]): (url: URL) => URL | undefined {
  const read = (name: string): URL | undefined => {
    const text = env[name.toLowerCase()] || env[name];
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
    "https:": read("HTTPS_PROXY") ?? read("ALL_PROXY"),
    "http:": read("HTTP_PROXY") ?? read("ALL_PROXY"),
  };
  const without = (env["no_proxy"] || env["NO_PROXY"] || "").toLowerCase().split(/[\s,]+/u)
    .filter((it) => it !== "").map((it) => it.replace(/^\*?\./u, ""));
  return (url) => {
    const host = url.hostname.replace(/^\[|\]$/gu, "").replace(/\.$/u, "");
    const port = url.port || (url.protocol === "https:" ? "443" : "80");
    const direct = without.some((it) =>
      it === "*" || isWithin(host, it.replace(/\.$/u, "")) ||
      (it.endsWith(`:${port}`) && isWithin(host, it.slice(0, -port.length - 1)))
    );
    return direct ? undefined : proxies[url.protocol];
  };
}

/** Whether a host is what an entry of `NO_PROXY` names: itself, a domain above it, or a block with its address. */
function isWithin(host: string, entry: string): boolean {
  const bare = entry.replace(/^\[(.*)\](?=$|\/)/u, "$1");
  if (bare === host) return true;
  const version = isIP(host);
  if (version === 0) return host.endsWith(`.${bare}`);
  const [address = "", bits, ...rest] = bare.split("/");
  if (isIP(address) !== version || rest.length > 0) return false;
  const most = version === 4 ? 32 : 128;
  const length = bits === undefined ? most : /^\d{1,3}$/u.test(bits) ? Number(bits) : Infinity;
  if (length > most) return false;
  const type = version === 4 ? "ipv4" : "ipv6";
  const block = new BlockList();
  block.addSubnet(address, length, type);
  return block.check(host, type);
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
