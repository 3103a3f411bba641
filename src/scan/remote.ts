/**
 * What addresses name, scanned over the network.
 *
 * @module
 */

import { ConfigError, scanErrorOf, SourceError } from "../core/errors.ts";
import {
  type FindOptions,
  findRemote,
  type KnownTarget,
  type RemoteFound,
} from "../remote/find.ts";
import { decodedSource } from "../remote/decoded.ts";
import type { Check } from "../remote/verified.ts";
import { HUB, hubEndpoint, resolveRemote } from "../remote/resolve.ts";
import { VERDICTS } from "../core/findings.ts";
import { formatCount } from "../core/numbers.ts";
import type { HttpSource } from "../sources/http.ts";
import type { HttpTransport } from "../sources/http_client.ts";
import type { FileHash, ScanError } from "../core/types.ts";
import { shownAddress, shownUrl } from "../core/shown_url.ts";
import { type FileOptions, scanFile, type Scanned, type ScannedFile } from "./asset/scan_file.ts";
import type { RemoteOptions, ScanInputsOptions } from "./options.ts";
import {
  inOrder,
  LONG_AT_ONCE,
  LONG_BYTES,
  REMOTE_AT_ONCE,
  REPORTS_HELD,
  turnstile,
} from "./schedule/in_order.ts";
import { ConcurrentProgress, type Progress } from "./schedule/progress.ts";
import { notScanned, type Stop } from "./schedule/stop.ts";

/** Options of a scan of addresses. */
interface ScanRemoteOptions extends FileOptions {
  readonly stop: Stop;
  readonly progress: Progress;
  readonly remote?: RemoteOptions | undefined;
  readonly note: ScanInputsOptions["note"];
  /** Connections that outlive the scan; of its own unless given. */
  readonly transport?: Transport | undefined;
  /** As in the options of `findRemote`. */
  readonly known?: KnownTarget | undefined;
  /** As in the options of `findRemote`. */
  readonly longestWait?: number | undefined;
}

/** Opens connections; closed when the scan ends. */
export interface Transport {
  readonly send: HttpTransport;
  close(): void;
}

/**
 * Scans files on web servers, of repositories, buckets and artifacts, several files at a time and reported
 * in order. Nothing is thrown for what cannot be had.
 *
 * @param addresses `https://…`, `hf://…`, `s3://…`, as `resolveRemote` has them
 */
export async function* scanRemote(
  addresses: readonly string[],
  options: ScanRemoteOptions,
): AsyncGenerator<Scanned> {
  const { remote = {}, stop } = options;
  let at = shown(addresses[0] ?? "");
  let transport: Transport | undefined;
  try {
    const endpoint = hubEndpoint(remote.endpoint ?? HUB, "remote.endpoint");
    const resolved: string[] = [];
    for (const address of new Set(addresses)) {
      try {
        resolveRemote(address, endpoint);
        resolved.push(address);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        yield { type: "error", error: settingError(shown(address), error) };
      }
    }
    const [first] = resolved;
    if (first === undefined) return;
    at = shown(first);
    transport = options.transport ?? await openTransport(at, remote);
    let requests = 0;
    const { send } = transport;
    const counted: HttpTransport = (request) => {
      requests++;
      return send(request);
    };
    const { known, longestWait } = options;
    const how = { ...findOptions(counted, endpoint, remote, stop), known, longestWait };
    const found = findRemote(resolved, how, {
      note: async (text) => await options.note?.(text),
      expect: (files, bytes) => options.progress.expect(files, bytes),
    });
    const checks: Check[] = [];
    yield* inOrder(jobs(withChecks(found, checks), options), REMOTE_AT_ONCE, REPORTS_HELD);
    const unchecked = checks.filter((it) => it.unchecked).length;
    if (unchecked > 0) {
      await options.note?.(
        `Of ${
          formatCount(unchecked, "blob")
        } only ranges were read: that all of its bytes have its digest was ` +
          "not checked",
      );
    }
    await options.note?.(`That took ${formatCount(requests, "request")}`);
  } catch (error) {
    if (error instanceof SourceError) yield { type: "error", error: scanErrorOf(at, error) };
    else if (error instanceof ConfigError) yield { type: "error", error: settingError(at, error) };
    else throw error;
  } finally {
    if (options.transport === undefined) transport?.close();
  }
}

/** An address as reports show it: what stands behind "?" may be secret. */
function shown(address: string): string {
  return URL.canParse(address) ? shownUrl(new URL(address)) : shownAddress(address);
}

function settingError(path: string, { message }: ConfigError): ScanError {
  const remedy = "Correct the URL or the settings under `remote`.";
  return { location: { path, parts: [] }, message, remedy };
}

/**
 * Sockets are loaded on first use: where there are none, as in browsers, everything else works.
 *
 * @param shown what is to be fetched, for messages
 * @throws SourceError where there are none
 */
export async function openTransport(shown: string, remote: RemoteOptions): Promise<Transport> {
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
  transport: HttpTransport,
  endpoint: URL,
  remote: RemoteOptions,
  { signal, remaining }: Stop,
): FindOptions {
  return {
    transport,
    endpoint,
    token: remote.token ?? "",
    stores: remote.stores,
    full: remote.full ?? false,
    networkTimeout: remote.networkTimeout,
    signal,
    remaining,
  };
}

/** Also collects whether digests were checked. */
async function* withChecks(
  all: AsyncIterable<RemoteFound>,
  checks: Check[],
): AsyncGenerator<RemoteFound> {
  for await (const found of all) {
    if (found.kind === "remote" && found.check !== undefined) checks.push(found.check);
    yield found;
  }
}

async function* jobs(
  all: AsyncIterable<RemoteFound>,
  options: ScanRemoteOptions,
): AsyncGenerator<() => Promise<Scanned>> {
  const { stop } = options;
  const concurrent = new ConcurrentProgress(options.progress);
  const inTurn = turnstile(LONG_AT_ONCE);
  for await (const found of all) {
    if (stop.signal.aborted) {
      yield () => Promise.resolve({ type: "error", error: notScanned(found.path, stop) });
      return;
    }
    const isShort = found.kind === "error" || (found.size ?? Infinity) <= LONG_BYTES;
    const scan = () => scanFound(found, concurrent, options);
    yield isShort ? scan : () => inTurn(scan);
  }
}

async function scanFound(
  found: RemoteFound,
  concurrent: ConcurrentProgress,
  options: ScanRemoteOptions,
): Promise<Scanned> {
  if (found.kind === "error") return { type: "error", error: found.error };
  const { path, sha256: value } = found;
  const sha256 = value === undefined ? undefined : { value, by: "listing" } as const;
  concurrent.start(path, path);
  // What the listing does not say would take all of the file.
  const hash = (): Promise<FileHash | undefined> => Promise.resolve(sha256);
  const update = (bytes: number): void => concurrent.update(path, bytes);
  let codings: readonly string[] = [];
  const open = async (): Promise<HttpSource> => {
    const source = await found.open();
    codings = source.codings;
    return source;
  };
  const place = { ...found, hash, size: () => found.size };
  let scanned = await scanFile({ ...place, open }, options, update);
  if (codings.length > 0) {
    // Some clients save the body as it came, some undo its encoding.
    const open = async (): Promise<HttpSource> => decodedSource(await found.open());
    const other = await scanFile({ ...place, size: () => undefined, open }, options, update);
    scanned = worseOf(scanned, other);
    const text = `${path} comes encoded (${
      codings.join(", ")
    }): some clients save it so, some decoded`;
    await options.note?.(`${text}. Both were scanned, and the worse is reported`);
  }
  concurrent.finish(path, scanned.file.bytesRead);
  return scanned;
}

/** The worse report of one file in two forms, with the errors of both, and with issues wherever there are any. */
function worseOf(one: ScannedFile, other: ScannedFile): ScannedFile {
  const rank = ({ file }: ScannedFile): number => VERDICTS.indexOf(file.verdict);
  const [worse, better] = rank(other) < rank(one) ? [other, one] : [one, other];
  const issues = ({ file }: ScannedFile) =>
    file.findings.filter(({ severity }) => severity !== "info" && severity !== "debug");
  const more = issues(worse).length === 0 ? issues(better) : [];
  const matched = [...new Set([...worse.matched ?? [], ...better.matched ?? []])];
  return {
    ...worse,
    ...(matched.length > 0 && { matched }),
    file: {
      ...worse.file,
      riskScore: Math.max(worse.file.riskScore, better.file.riskScore),
      bytesRead: worse.file.bytesRead + better.file.bytesRead,
      findings: [...worse.file.findings, ...more],
      errors: [...worse.file.errors, ...better.file.errors],
    },
  };
}
