/**
 * Remote arguments in, files to scan out: what the environment and the options say of the network, and
 * repositories as the listings that packages look at.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { ConfigError, SourceError } from "../errors.ts";
import {
  fileUrl,
  type HubFile,
  hubName,
  isInert,
  listRepository,
  mayNameFiles,
  namesFile,
} from "../remote/huggingface.ts";
import { HUB, type HubTarget, resolveRemote } from "../remote/resolve.ts";
import { scanErrorOf } from "../source/file.ts";
import { spool } from "../source/forward.ts";
import { HttpClient, shownUrl } from "../source/http_client.ts";
import { type HttpSource, openHttpSource } from "../source/http.ts";
import { prefetchOf, type Source } from "../source/source.ts";
import type { FolderPlace, Listing, Member, ScanError } from "../types.ts";
import type { Io } from "./io.ts";
import { nodeTransport, type TransportOptions } from "./transport.ts";

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

/** What comes of a remote argument. */
export type RemoteFound =
  | {
    readonly kind: "remote";
    readonly path: string;
    readonly size: number | undefined;
    readonly folder?: FolderPlace;
    open(): Promise<HttpSource>;
  }
  /** A file of a repository that nothing loads. */
  | { readonly kind: "skipped"; readonly path: string; readonly size: number }
  | { readonly kind: "error"; readonly path: string; readonly error: ScanError };

/** What there will be to scan, as soon as that is known. */
export interface RemoteHooks {
  note(text: string): Promise<void>;
  expect(files: number, bytes: number): void;
}

/** The network for one scan. */
export interface Remote {
  find(args: readonly string[], hooks: RemoteHooks): AsyncGenerator<RemoteFound>;
  close(): void;
}

/** Files of this size are read once for the scan and for the packages. */
const SHARED_BYTES = 1024 * 1024;
/** Bytes of a file that a package looks into, from a server without ranges. */
const MEMBER_BYTES = 64 * 1024 * 1024;

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
  const token = env["HF_TOKEN"]?.trim() ?? "";
  if (/[^\x21-\x7e]/.test(token)) {
    throw new ConfigError("HF_TOKEN", "HF_TOKEN has characters in it that no token has");
  }
  const transport = nodeTransport({
    allowPrivate: settings.allowPrivate,
    proxyFor: proxiesOf(env),
    certificates: certificatesOf(env),
    ...(settings.resolve && { resolve: settings.resolve }),
  });
  const client = new HttpClient({
    transport: transport.send,
    signal,
    ...(settings.networkTimeout !== undefined && {
      idleMilliseconds: settings.networkTimeout * 1000,
    }),
    ...(settings.retryMilliseconds !== undefined && {
      retryMilliseconds: settings.retryMilliseconds,
    }),
    token: token === "" ? undefined : { origin: endpoint.origin, value: token },
  });
  const { scanAll, full: thorough = false } = settings;
  const context = { client, endpoint, scanAll, thorough };
  return {
    find: (args, hooks) => findAll(args, context, hooks),
    close: () => transport.close(),
  };
}

interface Context {
  readonly client: HttpClient;
  readonly endpoint: URL;
  readonly scanAll: boolean;
  readonly thorough: boolean;
}

async function* findAll(
  args: readonly string[],
  context: Context,
  hooks: RemoteHooks,
): AsyncGenerator<RemoteFound> {
  const { client, endpoint, thorough } = context;
  for (const argument of args) {
    const target = resolveRemote(argument, endpoint);
    if (target.type === "hub") {
      yield* findInHub(target, context, hooks);
      continue;
    }
    const { url } = target;
    const path = shownUrl(url);
    if (url.protocol === "http:") {
      await hooks.note(`${path} comes over plain HTTP: anybody on the way may have changed it`);
    }
    hooks.expect(1, 0);
    const open = () => openHttpSource(url, client, { name: path, thorough });
    yield { kind: "remote", path, size: undefined, open };
  }
}

async function* findInHub(
  target: HubTarget,
  context: Context,
  hooks: RemoteHooks,
): AsyncGenerator<RemoteFound> {
  const { client, endpoint } = context;
  const whole = hubName(target, target.path);
  let repository;
  try {
    repository = await listRepository(target, endpoint, client);
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    yield { kind: "error", path: whole, error: scanErrorOf(whole, error) };
    return;
  }
  const { files, commit } = repository;
  const inside = files.filter(({ path }) =>
    target.path === "" || path === target.path ||
    (!target.file && path.startsWith(`${target.path}/`))
  );
  if (inside.length === 0) {
    const error = new SourceError(
      whole,
      `Cannot find "${whole}": the repository has no such path`,
      {
        remedy: `It has ${files.length} files; check the path and the revision.`,
      },
    );
    yield { kind: "error", path: whole, error: scanErrorOf(whole, error) };
    return;
  }
  const shared = new Map<string, Promise<HttpSource>>();
  const open = (path: string, size: number): Promise<HttpSource> => {
    const fetch = () =>
      openHttpSource(fileUrl(endpoint, target, commit, path), client, {
        name: hubName(target, path),
        size,
        thorough: context.thorough,
      });
    if (size > SHARED_BYTES) return fetch();
    const known = shared.get(path) ?? fetch().then(kept);
    shared.set(path, known);
    return known;
  };
  const members = files.map(({ path, size }): Member => ({
    name: path,
    kind: "file",
    size,
    open: () => lazySource(hubName(target, path), size, () => open(path, size)),
  }));
  const listing: Listing = { format: "repository", members };
  const named = inside.some(({ path }) => path === target.path);
  const inert = named || context.scanAll ? new Set() : await inertFiles(inside, open);
  const read = inside.filter(({ path }) => !inert.has(path));
  const skipped = inert.size;
  const others = skipped === 0 ? "" : ` and ${skipped} that nothing loads, which are skipped`;
  const plural = read.length === 1 ? "file" : "files";
  await hooks.note(`Found ${read.length} scannable ${plural} in ${whole}${others}`);
  hooks.expect(read.length, read.reduce((sum, { size }) => sum + size, 0));
  for (const { path, size } of inside) {
    const name = hubName(target, path);
    if (inert.has(path)) {
      yield { kind: "skipped", path: name, size };
      continue;
    }
    const folder = { listing, member: path };
    yield { kind: "remote", path: name, size, folder, open: () => open(path, size) };
  }
}

/** Paths of the files that nothing loads: by their names, and since no configuration names them. */
async function inertFiles(
  files: readonly HubFile[],
  open: (path: string, size: number) => Promise<Source>,
): Promise<ReadonlySet<string>> {
  let inert = files.filter(({ path }) => isInert(path));
  for (const { path, size } of files) {
    if (!mayNameFiles(path) || inert.length === 0) continue;
    const json = size > SHARED_BYTES ? undefined : await textOf(() => open(path, size));
    inert = json === undefined ? [] : inert.filter((it) => !namesFile(json, it.path));
  }
  return new Set(inert.map(({ path }) => path));
}

/** The text of a small file; undefined when it cannot be had, which its own scan will say. */
async function textOf(open: () => Promise<Source>): Promise<string | undefined> {
  try {
    const source = await open();
    return new TextDecoder().decode(await source.read(0, SHARED_BYTES));
  } catch (error) {
    if (error instanceof SourceError) return undefined;
    throw error;
  }
}

/** A source that outlives the scan of its file; a stream's bytes are kept. */
async function kept(source: HttpSource): Promise<HttpSource> {
  const whole = await spool(source, SHARED_BYTES);
  return {
    name: source.name,
    size: whole.size,
    access: "random",
    get bytesFetched() {
      return source.bytesFetched;
    },
    read: (offset, length) => whole.read(offset, length),
    ...prefetchOf(whole),
    close: () => {},
  };
}

/** A source that is opened when it is first read. */
function lazySource(name: string, size: number, open: () => Promise<HttpSource>): Source {
  let opened: Promise<Source> | undefined;
  return {
    name,
    size,
    access: "random",
    async read(offset, length) {
      opened ??= open().then((source) => spool(source, MEMBER_BYTES));
      return await (await opened).read(offset, length);
    },
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
