/**
 * `modelaudit shard SOURCE…`: lists hubs, buckets and folders as manifests of tasks for workers.
 *
 * @module
 */

import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, join } from "node:path";
import { ConfigError, SourceError } from "../../core/errors.ts";
import { formatCount } from "../../core/numbers.ts";
import { shownAddress } from "../../core/shown_url.ts";
import { HUB, hubEndpoint, isRemote, resolveRemote } from "../../remote/resolve.ts";
import {
  bucketTasks,
  hubJobs,
  type HubOwner,
  hubOwner,
  type HubShardOptions,
  listingClient,
  repositoryTask,
  type Sharded,
  type ShardSibling,
  type ShardTask,
} from "../../remote/shard.ts";
import { inOrder } from "../../scan/schedule/in_order.ts";
import type { RemoteOptions } from "../../scan/options.ts";
import { openTransport, type Transport } from "../../scan/remote.ts";
import type { Io } from "../io.ts";
import { tell } from "../terminal.ts";

/** What the options of `shard` amount to. */
interface ShardOptions {
  /** Tasks of a manifest; all in one unless given. */
  readonly tasks: number | undefined;
  /** The folder of the manifests; standard output unless given. */
  readonly output: string | undefined;
  readonly depth: number;
  /** Also lists the files of each repository. */
  readonly files: boolean;
  /** Manifests, or folders of them, whose files are taken over for what did not change. */
  readonly previous: readonly string[];
  readonly remote: RemoteOptions | undefined;
}

/** Repositories whose files are asked for at a time. */
const AT_ONCE = 8;
/** Answers that wait for that of a slow one before them. CWE-770. */
const HELD = 64;
/** Digits of a manifest's number. */
const DIGITS = 5;

/**
 * Writes the manifests.
 *
 * @returns the exit code: 2 when something could not be listed
 * @throws ConfigError for a source or a folder that cannot be used
 */
export async function runShard(
  sources: readonly string[],
  options: ShardOptions,
  io: Io,
): Promise<number> {
  const known = previousFiles(options.previous);
  const manifests = options.output === undefined
    ? standardOutput(io)
    : folderOf(options.output, options.tasks);
  const { remote } = options;
  const transport = remote && await openTransport("the sources", remote);
  try {
    return await listAll(sources, { ...options, known, manifests, transport }, io);
  } finally {
    transport?.close();
  }
}

interface Listing extends ShardOptions {
  readonly known: HubShardOptions["known"];
  readonly manifests: Manifests;
  readonly transport: Transport | undefined;
}

async function listAll(sources: readonly string[], options: Listing, io: Io): Promise<number> {
  const { manifests } = options;
  const ids = new Set<string>();
  let code = 0;
  for (const source of sources) {
    try {
      for await (const { task, note } of tasksOf(source, options)) {
        if (note !== undefined) {
          await tell(io, `note: left to the worker: ${note}`);
        }
        // One that several sources name is done once.
        if (ids.has(task.id)) continue;
        ids.add(task.id);
        await manifests.write(task);
        if (io.stdout.closed) return code;
      }
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      code = 2;
      await tell(io, `error: ${error.message}`);
      if (error.remedy !== "") await tell(io, `  fix  ${error.remedy}`);
    }
  }
  if (code === 0) manifests.end();
  else await tell(io, "error: the manifests are not complete");
  await tell(io, `note: ${formatCount(ids.size, "task")}`);
  return code;
}

async function* tasksOf(
  source: string,
  { depth, files, remote, transport, known }: Listing,
): AsyncGenerator<Sharded> {
  if (!isRemote(source) || remote === undefined || transport === undefined) {
    for (const task of localTasks(source, depth)) yield { task };
    return;
  }
  const endpoint = hubEndpoint(remote.endpoint ?? HUB, "HF_ENDPOINT");
  const client = listingClient(endpoint, remote, transport.send);
  const hub = { endpoint, client, files, known };
  const owner: HubOwner | undefined = hubOwner(source);
  if (owner !== undefined) {
    yield* inOrder(hubJobs(owner, hub), AT_ONCE, HELD);
    return;
  }
  const target = resolveRemote(source, endpoint);
  if (target.type === "hub") {
    if (target.revision === undefined) yield await repositoryTask(target, undefined, hub);
    else yield { task: { id: source, uri: source } };
  } else if (target.type === "bucket") {
    yield* bucketTasks(target, { stores: remote.stores ?? {}, client, depth });
  } else yield { task: { id: shownAddress(source), uri: source } };
}

/** Folders so many levels down, and files above them. Links are tasks of their own: workers do not follow them. */
function* localTasks(path: string, depth: number): Generator<ShardTask> {
  let isFolder: boolean;
  try {
    isFolder = statSync(path).isDirectory();
  } catch (cause) {
    throw unreadable(path, cause);
  }
  if (!isFolder || depth === 0) {
    yield localTask(path, isFolder);
    return;
  }
  let entries;
  try {
    entries = readdirSync(path, { withFileTypes: true });
  } catch (cause) {
    throw unreadable(path, cause);
  }
  entries.sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  for (const entry of entries) {
    const below = join(path, entry.name);
    if (entry.isDirectory()) yield* localTasks(below, depth - 1);
    else yield localTask(below, false);
  }
}

function localTask(path: string, isFolder: boolean): ShardTask {
  const stats = isFolder ? undefined : lstatSync(path);
  return { id: path, path, ...(stats?.isFile() && { size: stats.size }) };
}

function unreadable(path: string, cause: unknown): SourceError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SourceError(path, `Cannot list "${path}": ${reason}`, { cause });
}

// --- manifests ------------------------------------------------------------------------

interface Manifests {
  write(task: ShardTask): Promise<void>;
  /** Everything was written. */
  end(): void;
}

function standardOutput(io: Io): Manifests {
  return {
    write: (task) => io.stdout.write(`${JSON.stringify(task)}\n`),
    end: () => {},
  };
}

/**
 * Manifests of a folder. Each has its name once it is complete, so that none that was cut off is taken for one.
 *
 * @throws ConfigError when it is not empty, or cannot be written to
 */
function folderOf(folder: string, tasks: number | undefined): Manifests {
  const failed = (cause: unknown): ConfigError => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new ConfigError(folder, `Cannot write to "${folder}": ${reason}`, { cause });
  };
  try {
    mkdirSync(folder, { recursive: true });
    if (readdirSync(folder).length > 0) {
      throw new ConfigError(
        folder,
        `"${folder}" is not empty: manifests of another run would be taken for those of this one`,
      );
    }
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw failed(error);
  }
  let current: { readonly file: number; readonly path: string; count: number } | undefined;
  let number = 0;
  const finish = (): void => {
    if (current === undefined) return;
    closeSync(current.file);
    renameSync(`${current.path}.part`, current.path);
    current = undefined;
  };
  return {
    write(task) {
      try {
        if (current === undefined) {
          const path = join(folder, `${String(number++).padStart(DIGITS, "0")}.ndjson`);
          current = { file: openSync(`${path}.part`, "wx"), path, count: 0 };
        }
        const bytes = new TextEncoder().encode(`${JSON.stringify(task)}\n`);
        for (let at = 0; at < bytes.length;) at += writeSync(current.file, bytes, at);
        if (++current.count === tasks) finish();
      } catch (error) {
        throw failed(error);
      }
      return Promise.resolve();
    },
    end: finish,
  };
}

/**
 * Files by the ids of tasks of earlier manifests. Lines that are none are passed over: their repositories are listed.
 *
 * @throws ConfigError when one cannot be read
 */
function previousFiles(paths: readonly string[]): HubShardOptions["known"] {
  // As text: objects take several times as much.
  const found = new Map<string, string>();
  for (const path of paths) {
    try {
      const files = existsSync(path) && statSync(path).isDirectory()
        ? readdirSync(path).filter((it) => it.endsWith(".ndjson")).map((it) => join(path, it))
        : [path];
      for (const file of files) {
        for (const line of readFileSync(file, "utf8").split("\n")) {
          const task = taskIn(line);
          if (task !== undefined) found.set(task.id, JSON.stringify(task.siblings));
        }
      }
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ConfigError(path, `Cannot read ${basename(path)}: ${reason}`, { cause });
    }
  }
  return (id) => {
    const text = found.get(id);
    return text === undefined ? undefined : JSON.parse(text) as readonly ShardSibling[];
  };
}

function taskIn(line: string): { readonly id: string; readonly siblings: unknown } | undefined {
  try {
    const task = JSON.parse(line) as { readonly id?: unknown; readonly siblings?: unknown };
    return typeof task.id === "string" && Array.isArray(task.siblings)
      ? { id: task.id, siblings: task.siblings }
      : undefined;
  } catch {
    return undefined;
  }
}
