/**
 * What an argument names that is no local path: a file on a web server, a repository on the hub or a part of it,
 * objects of a store, an artifact of a registry.
 *
 * @module
 */

import { ConfigError } from "../core/errors.ts";
import { shownAddress } from "../core/shown_url.ts";
import { type BucketTarget, type OciTarget, storeTarget } from "./stores/target.ts";

/** Kinds of repositories on the hub, as its addresses name them. */
type HubKind = "models" | "datasets" | "spaces";

/** A repository on the hub, or a folder or file in it. */
export interface HubTarget {
  readonly type: "hub";
  readonly kind: HubKind;
  /** `organisation/name`; some old models have no organisation. */
  readonly id: string;
  /** Branch, tag or commit; undefined when none was named. */
  readonly revision: string | undefined;
  /** Below the repository, without slashes at its ends; empty for all of it. */
  readonly path: string;
  /** True when the argument can only mean a file. */
  readonly file: boolean;
}

/** A file on a web server. */
interface UrlTarget {
  readonly type: "url";
  readonly url: URL;
}

type RemoteTarget = HubTarget | UrlTarget | BucketTarget | OciTarget;

/** Where the hub is. */
export const HUB = "https://huggingface.co";
const HUB_HOSTS = ["huggingface.co", "www.huggingface.co", "hf.co"];

/** Words behind `organisation/name` in the addresses of the hub's pages. */
const PAGES = ["tree", "blob", "resolve", "raw"];
/** First words of addresses on the hub that are no organisations. */
const NO_OWNERS = ["api", "docs", "blog", "papers", "collections", "organizations", "settings"];

/** What the hub allows in the names of owners and repositories. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/**
 * The address of the hub or of a mirror.
 *
 * @param setting what names it, for the message
 * @throws ConfigError when it is no `http:` or `https:` URL without credentials and query
 */
export function hubEndpoint(endpoint: string | URL, setting: string): URL {
  try {
    const url = new URL(endpoint);
    if (/^https?:$/.test(url.protocol) && url.username === "" && url.search === "") return url;
  } catch {
    // Thrown below.
  }
  const shown = shownAddress(String(endpoint));
  throw new ConfigError(setting, `${setting} is no https:// URL: "${shown}"`);
}

/** Schemes of addresses that are fetched, in lower case. */
export const REMOTE_SCHEMES = ["http", "https", "hf", "s3", "gs", "az", "oci"] as const;

const REMOTE = new RegExp(`^(?:${REMOTE_SCHEMES.join("|")})://`, "i");

/** True for an argument that is to be fetched. */
export function isRemote(argument: string): boolean {
  return REMOTE.test(argument);
}

/**
 * Understands an argument.
 *
 * @param argument `hf://…`, `s3://…`, `gs://…`, `az://…`, `oci://…`, `http://…` or `https://…`
 * @param endpoint where the hub is
 * @throws ConfigError when it is none of these or names nothing
 */
export function resolveRemote(argument: string, endpoint: URL): RemoteTarget {
  const named = shownAddress(argument);
  if (/^hf:\/\//i.test(argument)) {
    if (/[?#]/.test(argument)) {
      throw new ConfigError(named, `"${named}" has something behind a ? or #, which hf:// has not`);
    }
    return hubTarget(argument.slice(5), named);
  }
  const stored = storeTarget(argument, named);
  if (stored !== undefined) return stored;
  let url: URL;
  try {
    url = new URL(argument);
  } catch (cause) {
    throw new ConfigError(named, `"${named}" is no URL`, { cause });
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new ConfigError(named, `"${named}" is no https:// or http:// URL`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new ConfigError(
      shown(url),
      `The URL of ${shown(url)} has a password in it: that would end up in logs. Leave it out`,
    );
  }
  url.hash = "";
  return pageTarget(url, endpoint) ?? { type: "url", url };
}

/**
 * A repository as `--hf` takes it: `organisation/name`, or anything that an argument may be.
 *
 * @throws ConfigError when it names no repository
 */
export function resolveRepository(text: string, endpoint: URL): HubTarget {
  const target = resolveRemote(isRemote(text) ? text : `hf://${text}`, endpoint);
  if (target.type === "hub") return target;
  const named = shownAddress(text);
  throw new ConfigError(named, `"${named}" is no repository on ${endpoint.host}: use --url for it`);
}

function shown(url: URL): string {
  return `${url.host}${url.pathname}`;
}

/** `[datasets/]organisation/name[@revision][/path]`. */
function hubTarget(text: string, argument: string): HubTarget {
  const words = text.split("/");
  const kind = kindOf(words[0]);
  if (kind !== undefined) words.shift();
  // The revision stands behind the second word; alone, one word is an old model without owner.
  const own = words.slice(0, words.length > 1 && !words[0]?.includes("@") ? 2 : 1);
  const rest = words.slice(own.length);
  const last = own.at(-1) ?? "";
  const at = last.indexOf("@");
  const id = [...own.slice(0, -1), at < 0 ? last : last.slice(0, at)];
  const revision = at < 0 ? undefined : last.slice(at + 1).replaceAll(/%2f/gi, "/");
  checkNames(id, argument);
  if (revision !== undefined) checkPath(revision, argument);
  const path = rest.filter((it) => it !== "").join("/");
  checkPath(path || "x", argument);
  return { type: "hub", kind: kind ?? "models", id: id.join("/"), revision, path, file: false };
}

/** The address of a page of the hub; undefined for any other. */
function pageTarget(url: URL, endpoint: URL): HubTarget | undefined {
  const ours = url.host === endpoint.host ||
    (endpoint.origin === HUB && HUB_HOSTS.includes(url.hostname) && url.port === "");
  if (!ours) return undefined;
  const prefix = endpoint.pathname.replace(/\/$/, "");
  if (!url.pathname.startsWith(`${prefix}/`)) return undefined;
  const words = url.pathname.slice(prefix.length + 1).split("/").filter((it) => it !== "")
    .map(decode);
  const kind = kindOf(words[0]);
  if (kind !== undefined) words.shift();
  const page = words.findIndex((it, index) => index > 0 && index <= 2 && PAGES.includes(it));
  const own = page < 0 ? words.slice(0, 2) : words.slice(0, page);
  if (own.length === 0 || !own.every((it) => NAME.test(it))) return undefined;
  if (NO_OWNERS.includes(own[0] ?? "")) return undefined;
  // A mirror may have other files beside the repositories; the hub has none.
  if (own.length === 1 && page < 0 && endpoint.origin !== HUB) return undefined;
  // A page that is not one of the files is still a page of the repository: discussions, commits.
  const rest = page < 0 ? [] : words.slice(page + 1);
  const [revision, ...path] = rest[0] === "refs" && rest.length >= 3
    ? [rest.slice(0, 3).join("/"), ...rest.slice(3)]
    : rest;
  for (const it of [revision ?? "x", path.join("/") || "x"]) checkPath(it, shown(url));
  return {
    type: "hub",
    kind: kind ?? "models",
    id: own.join("/"),
    revision,
    path: path.join("/"),
    file: page >= 0 && words[page] !== "tree" && path.length > 0,
  };
}

function kindOf(word: string | undefined): HubKind | undefined {
  return word === "models" || word === "datasets" || word === "spaces" ? word : undefined;
}

function decode(word: string): string {
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
}

/** True for the name of a repository, with its owner or, as old models, without. */
export function isRepositoryName(id: string): boolean {
  const words = id.split("/");
  return words.length <= 2 && words.every((it) => NAME.test(it) && !it.includes(".."));
}

function checkNames(id: readonly string[], argument: string): void {
  if (id.every((it) => NAME.test(it) && !it.includes(".."))) return;
  throw new ConfigError(
    argument,
    `"${argument}" names no repository: write hf://organisation/name[@revision][/path]`,
  );
}

/** Paths go into addresses; none may leave its place there. */
function checkPath(path: string, argument: string): void {
  if (!path.split("/").some((it) => it === "" || it === "." || it === "..")) return;
  throw new ConfigError(argument, `"${argument}" has an empty or relative part in its path`);
}
