/**
 * What URLs name, scanned over the network: the module's way. The command line has its own, with
 * progress and what the environment says.
 *
 * @module
 */

import { ConfigError, scanErrorOf, SourceError } from "../core/errors.ts";
import { withDefaults } from "../core/limits.ts";
import { type FindOptions, findRemote, type RemoteFound } from "../remote/find.ts";
import { HUB } from "../remote/resolve.ts";
import { type ScanOptions, scanSource } from "./scan_source.ts";
import { inOrder, REMOTE_AT_ONCE, REPORTS_HELD } from "./schedule/in_order.ts";
import { defect, skippedReport, stopped, unreadReport } from "./asset/placeholder_reports.ts";
import { shownUrl } from "../sources/http_client.ts";
import type { RemoteOptions, ScanManyOptions } from "./scan_inputs.ts";
import type { FileReport, ScanError } from "../core/types.ts";

/** Opens connections; closed when the scan ends. */
interface Transport {
  readonly send: FindOptions["transport"];
  close(): void;
}

/**
 * Scans a file on a web server, or what `hf:` names of a repository, several files at a time and told
 * of in order. Nothing is thrown for what cannot be had.
 *
 * @param url `https:`, `http:` or `hf:`
 * @throws RangeError when a limit is no number
 */
export async function* scanRemote(
  url: URL,
  options: ScanManyOptions,
): AsyncGenerator<FileReport | ScanError> {
  withDefaults(options.limits);
  const shown = shownUrl(url);
  let transport: Transport | undefined;
  try {
    transport = await openTransport(shown, options.remote ?? {});
    const found = findRemote([argumentOf(url)], findOptions(transport, options), {
      note: () => Promise.resolve(),
      expect: () => {},
    });
    yield* inOrder(jobs(found, options), REMOTE_AT_ONCE, REPORTS_HELD);
  } catch (error) {
    if (error instanceof SourceError) yield scanErrorOf(shown, error);
    else if (error instanceof ConfigError) {
      const remedy = "Correct the URL or the settings under `remote`.";
      yield { location: { path: shown, parts: [] }, message: error.message, remedy };
    } else throw error;
  } finally {
    transport?.close();
  }
}

/** Sockets are loaded on first use: where there are none, as in browsers, everything else works. */
async function openTransport(shown: string, remote: RemoteOptions): Promise<Transport> {
  const { nodeTransport } = await import("../remote/node_transport.ts").catch((cause: unknown) => {
    throw new SourceError(shown, `Cannot fetch "${shown}": this runtime has no sockets`, {
      cause,
      remedy: "Fetch it yourself and scan the Blob.",
    });
  });
  const { allowPrivateNetwork = false, proxyFor, certificates } = remote;
  return nodeTransport({
    allowPrivate: allowPrivateNetwork,
    ...(proxyFor && { proxyFor }),
    certificates,
  });
}

function findOptions(
  transport: Transport,
  { remote = {}, signal }: { readonly remote?: RemoteOptions; readonly signal?: AbortSignal },
): FindOptions {
  return {
    transport: transport.send,
    endpoint: endpointOf(remote.endpoint ?? HUB),
    token: remote.token ?? "",
    scanAll: remote.scanAll ?? false,
    full: remote.full ?? false,
    networkTimeout: remote.networkTimeout,
    signal,
  };
}

function endpointOf(endpoint: string | URL): URL {
  try {
    const url = new URL(endpoint);
    if (/^https?:$/.test(url.protocol) && url.username === "" && url.search === "") return url;
  } catch {
    // Said below.
  }
  throw new ConfigError("endpoint", `The endpoint is no https:// URL: "${endpoint}"`);
}

/** The argument that a URL stands for. An `hf:` URL writes characters of file names in hexadecimal. */
function argumentOf(url: URL): string {
  if (url.protocol !== "hf:") return url.href;
  try {
    // "%2F" stays: it belongs to a revision.
    return url.href.replaceAll(/(?:%(?!2f)[0-9a-f]{2})+/gi, decodeURIComponent);
  } catch {
    return url.href;
  }
}

async function* jobs(
  all: AsyncIterable<RemoteFound>,
  options: ScanOptions,
): AsyncGenerator<() => Promise<FileReport | ScanError>> {
  for await (const found of all) {
    if (options.signal?.aborted) {
      yield () => Promise.resolve(stopped(found.path));
      return;
    }
    yield () => scanFound(found, options);
  }
}

async function scanFound(
  found: RemoteFound,
  options: ScanOptions,
): Promise<FileReport | ScanError> {
  if (found.kind === "error") return found.error;
  const { path, size } = found;
  if (found.kind === "skipped") return skippedReport(path, found.size);
  try {
    const source = await found.open();
    try {
      return await scanSource(source, {
        ...options,
        path,
        ...(found.folder && { folder: found.folder }),
      });
    } finally {
      source.close();
    }
  } catch (cause) {
    const error = cause instanceof SourceError ? scanErrorOf(path, cause) : defect(path, cause);
    return unreadReport(path, size, error);
  }
}
