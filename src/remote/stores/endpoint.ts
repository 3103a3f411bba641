/**
 * Addresses of stores that settings name.
 *
 * @module
 */

import { ConfigError } from "../../core/errors.ts";
import { shownAddress } from "../../core/shown_url.ts";
import { percentEncoded } from "./sigv4.ts";

/**
 * An endpoint as a URL without a slash at its end.
 *
 * @param setting what names it, for the message
 * @throws ConfigError when it is no `http:` or `https:` URL without credentials and query
 */
export function endpointUrl(endpoint: string | URL, setting: string): URL {
  try {
    const url = new URL(endpoint);
    const isPlain = url.username === "" && url.password === "" && url.search === "";
    if (/^https?:$/.test(url.protocol) && isPlain) {
      url.hash = "";
      return url;
    }
  } catch {
    // Thrown below.
  }
  const shown = shownAddress(String(endpoint));
  throw new ConfigError(setting, `${setting} is no https:// URL: "${shown}"`);
}

/** True for an address under another, such as that of a bucket, and of nothing beside it. */
export function isBelow(url: URL, base: URL): boolean {
  const path = base.pathname.replace(/\/$/, "");
  return url.origin === base.origin &&
    (url.pathname === path || url.pathname.startsWith(`${path}/`));
}

/**
 * The address of a key below another address.
 *
 * @returns undefined for a key with a part "." or "..", which the parser of addresses resolves
 */
export function keyUrl(base: URL, key: string): URL | undefined {
  const parts = key.split("/");
  if (parts.some((it) => it === "." || it === "..")) return undefined;
  return new URL(
    `${base.origin}${base.pathname.replace(/\/$/, "")}/${parts.map(percentEncoded).join("/")}`,
  );
}
