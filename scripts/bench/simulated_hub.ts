/**
 * A hub on this machine with as many synthetic repositories as wanted, for measurements of workers: its interface in
 * pages, large files behind a redirect, blobs that many repositories share, and servers' bad days: limits of rate,
 * 429 and 5xx, slow and cut answers. All of it follows from the seed, request by request.
 *
 *     deno run -A scripts/bench/simulated_hub.ts --repositories 100000 --port 8099
 *
 * @module
 */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** What the hub is like. */
interface HubOptions {
  readonly repositories: number;
  readonly seed?: number;
  /** Part of the repositories that have another commit than without. */
  readonly changed?: number;
  /** Part of the requests that fail at first: 429, 5xx, answers that break off, slow ones. */
  readonly failing?: number;
  /** Requests a second, beyond which 429 is answered; none unless given. */
  readonly rate?: number;
  /** Milliseconds that each answer takes; none unless given. */
  readonly delay?: number;
  /** 0 for any. */
  readonly port?: number;
}

/** A running hub. */
export interface SimulatedHub {
  readonly url: string;
  /** Requests so far: in all, and those that were made to fail. */
  counts(): { readonly requests: number; readonly failed: number; readonly bytes: number };
  close(): Promise<void>;
}

/** Repositories of one organisation. */
const OF_ORGANISATION = 1000;
/** Distinct large files: each stands in many repositories, as base models do. */
const BLOBS = 512;
/** Repositories of a page at most, as on the hub. */
const PAGE = 1000;
/** Milliseconds that a slow answer takes. */
const SLOW_MILLISECONDS = 300;

/** Large files are made of these samples, with a few bytes that make them differ, or made anew. */
const MODELS: readonly (readonly [name: string, sample: string])[] = [
  ["pytorch_model.bin", "torch/safe/state_dict.pt"],
  ["model.pkl", "pickle"],
  ["pytorch_model.bin", "torch/harmful/checkpoint.pt"],
  ["model.safetensors", "safetensors"],
];

/** One blob: name, bytes, SHA-256. */
interface Blob {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

/** A file of a repository. */
interface File {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly sha256?: string;
}

/** Starts a hub. */
export async function startSimulatedHub(options: HubOptions): Promise<SimulatedHub> {
  const { repositories, seed = 1, failing = 0.02, rate } = options;
  const blobs = new Map<number, Blob>();
  const blobOf = (index: number): Blob => {
    const found = blobs.get(index) ?? makeBlob(index);
    blobs.set(index, found);
    return found;
  };
  const bySha = new Map<string, number>();
  for (let index = 0; index < BLOBS; index++) bySha.set(blobOf(index).sha256, index);
  /** Paths that failed at first, so that the next request for them does not. */
  const failedOnce = new Set<string>();
  let [requests, failed, bytes] = [0, 0, 0];
  let [second, inSecond] = [0, 0];
  const server = createServer((request, response) => {
    requests++;
    const url = request.url ?? "/";
    const now = Math.floor(performance.now() / 1000);
    if (now !== second) [second, inSecond] = [now, 0];
    if (rate !== undefined && ++inSecond > rate) {
      failed++;
      response.writeHead(429, { "retry-after": "1" }).end();
      return;
    }
    const draw = fraction(`${seed}/${url}/${request.headers.range ?? ""}`);
    const place = `${url} ${request.headers.range ?? ""}`;
    const fails = draw < failing && !failedOnce.delete(place);
    if (fails) {
      failed++;
      failedOnce.add(place);
    }
    const kind = fails ? Math.floor(draw / failing * 5) : -1;
    if (kind === 0) return void response.writeHead(429, { "retry-after": "0" }).end();
    if (kind === 1) return void response.writeHead(503).end();
    if (kind === 2) return void response.writeHead(500).end();
    const answer = (): void => {
      bytes += answerTo(request, response, {
        ...{ url, repositories, seed, changed: options.changed ?? 0, blobOf, bySha },
        cut: kind === 3,
      });
    };
    const delay = (options.delay ?? 0) + (kind === 4 ? SLOW_MILLISECONDS : 0);
    if (delay > 0) setTimeout(answer, delay);
    else answer();
  });
  await new Promise<void>((done) => server.listen(options.port ?? 0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts: () => ({ requests, failed, bytes }),
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
        setTimeout(done, 200);
      }),
  };
}

interface Context {
  readonly url: string;
  readonly repositories: number;
  readonly seed: number;
  readonly changed: number;
  readonly blobOf: (index: number) => Blob;
  readonly bySha: ReadonlyMap<string, number>;
  readonly cut: boolean;
}

/** Answers. @returns bytes of the body */
function answerTo(request: IncomingMessage, response: ServerResponse, context: Context): number {
  const url = new URL(context.url, "http://local");
  const path = decodeURIComponent(url.pathname);
  const json = (value: unknown, headers: Record<string, string> = {}): number => {
    const body = new TextEncoder().encode(JSON.stringify(value));
    return sendWhole(
      response,
      body,
      { "content-type": "application/json", ...headers },
      context.cut,
    );
  };
  if (path === "/api/models") return listModels(request, url, context, json);
  const api = /^\/api\/models\/(org-\d+\/model-(\d+))\/(revision|tree)\/(\w+)$/.exec(path);
  if (api !== null) {
    const [, id = "", number, kind, revision = ""] = api;
    const repository = Number(number);
    const sha = commitOf(repository, context);
    if (repository >= context.repositories || ![sha, "main"].includes(revision)) {
      return sendStatus(response, 404);
    }
    const files = filesOf(repository, context);
    if (kind === "revision") {
      return json({ id, sha, siblings: files.map((it) => ({ rfilename: it.path })) });
    }
    return json(files.map((file) => ({
      type: "file",
      path: file.path,
      oid: gitId(file),
      size: file.bytes.length,
      ...(file.sha256 !== undefined && {
        lfs: { oid: file.sha256, size: file.bytes.length, pointerSize: 134 },
      }),
    })));
  }
  const resolved = /^\/org-\d+\/model-(\d+)\/resolve\/(\w+)\/(.+)$/.exec(path);
  if (resolved !== null) {
    const repository = Number(resolved[1]);
    const sha = commitOf(repository, context);
    const file = filesOf(repository, context).find((it) => it.path === resolved[3]);
    if (file === undefined || resolved[2] !== sha) return sendStatus(response, 404);
    const headers: Record<string, string> = { "x-repo-commit": sha, etag: `"${gitId(file)}"` };
    if (file.sha256 === undefined) {
      return sendRange(request, response, file.bytes, headers, context.cut);
    }
    const etag = `"${file.sha256}"`;
    response.writeHead(302, {
      ...headers,
      location: `/lfs/${file.sha256}?X-Signature=${file.sha256.slice(0, 8)}`,
      "x-linked-etag": etag,
      "x-linked-size": file.bytes.length,
    }).end();
    return 0;
  }
  const large = context.bySha.get(/^\/lfs\/([0-9a-f]{64})$/.exec(path)?.[1] ?? "");
  if (large === undefined) return sendStatus(response, 404);
  const blob = context.blobOf(large);
  return sendRange(request, response, blob.bytes, { etag: `"${blob.sha256}"` }, context.cut);
}

function listModels(
  request: IncomingMessage,
  url: URL,
  context: Context,
  json: (value: unknown, headers: Record<string, string>) => number,
): number {
  const owner = /^org-(\d+)$/.exec(url.searchParams.get("author") ?? "")?.[1];
  const [first, last] = owner === undefined
    ? [0, context.repositories]
    : [Number(owner) * OF_ORGANISATION, (Number(owner) + 1) * OF_ORGANISATION];
  const end = Math.min(last, context.repositories);
  const from = Math.max(first, Number(url.searchParams.get("cursor") ?? first));
  const to = Math.min(end, from + Math.min(PAGE, Number(url.searchParams.get("limit") ?? PAGE)));
  const page = Array.from({ length: Math.max(0, to - from) }, (_, at) => ({
    id: nameOf(from + at),
    sha: commitOf(from + at, context),
  }));
  url.searchParams.set("cursor", String(to));
  const next = `http://${request.headers.host}${url.pathname}${url.search}`;
  return json(page, to < end ? { link: `<${next}>; rel="next"` } : {});
}

/** The name of a repository by its number. */
function nameOf(repository: number): string {
  return `org-${Math.floor(repository / OF_ORGANISATION)}/model-${repository}`;
}

function isChanged(repository: number, { seed, changed }: Context): boolean {
  return fraction(`${seed}/changed/${repository}`) < changed;
}

function commitOf(repository: number, context: Context): string {
  const generation = isChanged(repository, context) ? 1 : 0;
  return createHash("sha1").update(`${context.seed}/${repository}/${generation}`).digest("hex");
}

function filesOf(repository: number, context: Context): readonly File[] {
  const text = (it: string): Uint8Array => new TextEncoder().encode(it);
  const generation = isChanged(repository, context) ? 1 : 0;
  const draw = fraction(`${context.seed}/blob/${repository}/${generation}`);
  // A few blobs stand in most repositories.
  const blob = context.blobOf(Math.floor(draw ** 3 * BLOBS));
  const config = {
    model_type: "bert",
    hidden_size: 64 + repository % 7,
    architectures: ["BertModel"],
    // One that changed becomes what no other is.
    ...(generation > 0 && { vocab_size: 30_000 + repository }),
  };
  return [
    { path: "config.json", bytes: text(JSON.stringify(config)) },
    { path: blob.name, bytes: blob.bytes, sha256: blob.sha256 },
  ];
}

function makeBlob(index: number): Blob {
  // One in sixty-four is harmful.
  const kind = index % 64 === 7 ? 2 : index % 3 === 2 ? 3 : index % 3;
  const [name = "", sample = ""] = MODELS[kind] ?? [];
  const bytes = sample === "safetensors" ? safetensors(index) : sample === "pickle"
    // A list of one number, protocol 2.
    ? Uint8Array.of(0x80, 2, 0x5d, 0x4a, index & 255, index >> 8, 0, 0, 0x61, 0x2e)
    : variant(sample, index);
  return { name, bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
}

/** A zip archive with a comment at its end: its length, then its bytes. */
function variant(sample: string, index: number): Uint8Array {
  const path = fileURLToPath(new URL(`../../testdata/${sample}`, import.meta.url));
  const bytes = new Uint8Array(readFileSync(path));
  const comment = new TextEncoder().encode(`blob ${index}`);
  const all = new Uint8Array(bytes.length + comment.length);
  all.set(bytes);
  all.set(comment, bytes.length);
  all[bytes.length - 2] = comment.length;
  return all;
}

/** One tensor of 64 KiB to 1 MiB. */
function safetensors(index: number): Uint8Array {
  const size = 65_536 * (1 + index % 16);
  const header = new TextEncoder().encode(
    JSON.stringify({ w: { dtype: "F32", shape: [size / 4], data_offsets: [0, size] } }).padEnd(128),
  );
  const bytes = new Uint8Array(8 + header.length + size);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  bytes[bytes.length - 2] = index & 255;
  bytes[bytes.length - 1] = index >> 8;
  return bytes;
}

/** Git's id of a file, of one in large storage that of its pointer. */
function gitId({ bytes, sha256 }: File): string {
  const content = sha256 === undefined ? bytes : new TextEncoder().encode(
    `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256}\nsize ${bytes.length}\n`,
  );
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}

function sendStatus(response: ServerResponse, status: number): number {
  response.writeHead(status).end();
  return 0;
}

function sendWhole(
  response: ServerResponse,
  body: Uint8Array,
  headers: Record<string, string>,
  cut: boolean,
): number {
  response.writeHead(200, { ...headers, "content-length": body.length });
  return sendBody(response, body, cut);
}

function sendRange(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Uint8Array,
  headers: Record<string, string>,
  cut: boolean,
): number {
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  if (range === null) return sendWhole(response, bytes, headers, cut);
  const [start, last] = [Number(range[1]), Math.min(Number(range[2]), bytes.length - 1)];
  if (start >= bytes.length) {
    response.writeHead(416, { "content-range": `bytes */${bytes.length}` }).end();
    return 0;
  }
  const part = bytes.subarray(start, last + 1);
  response.writeHead(206, {
    ...headers,
    "content-length": part.length,
    "content-range": `bytes ${start}-${last}/${bytes.length}`,
  });
  return sendBody(response, part, cut);
}

function sendBody(response: ServerResponse, body: Uint8Array, cut: boolean): number {
  if (!cut || body.length < 2) {
    response.end(body);
    return body.length;
  }
  const half = body.subarray(0, body.length >> 1);
  response.write(half, () => response.destroy());
  return half.length;
}

/** A number in [0, 1) that follows from a text: FNV-1a, mixed at its end. */
function fraction(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

async function main(): Promise<void> {
  const value = (name: string): number | undefined => {
    const at = process.argv.indexOf(`--${name}`);
    return at < 0 ? undefined : Number(process.argv[at + 1]);
  };
  const [rate, changed, failing] = [value("rate"), value("changed"), value("failing")];
  const delay = value("delay");
  const hub = await startSimulatedHub({
    repositories: value("repositories") ?? 1000,
    seed: value("seed") ?? 1,
    port: value("port") ?? 0,
    ...(changed !== undefined && { changed }),
    ...(failing !== undefined && { failing }),
    ...(rate !== undefined && { rate }),
    ...(delay !== undefined && { delay }),
  });
  process.stdout.write(`${hub.url}\n`);
  // Ends with its parent, and says then what it was asked.
  process.on("SIGTERM", () => {
    process.stdout.write(`${JSON.stringify(hub.counts())}\n`, () => process.exit(0));
  });
}

if (import.meta.main) await main();
