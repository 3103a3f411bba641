/**
 * Does one task: what it names is scanned, or answered from a result of the same key.
 *
 * @module
 */

import { join } from "node:path";
import { ConfigError, SourceError } from "../../core/errors.ts";
import { shownAddress, shownUrl } from "../../core/shown_url.ts";
import { withDefaults } from "../../core/limits.ts";
import type { Limits } from "../../core/types.ts";
import { baseName } from "../../parsers/base_name.ts";
import { hubName, type HubRepository } from "../../remote/huggingface.ts";
import { type HubTarget, isRemote, resolveRemote } from "../../remote/resolve.ts";
import type { StoredObject } from "../../remote/stores/bucket.ts";
import { type BucketTarget, type OciTarget, storeName } from "../../remote/stores/target.ts";
import type { RemoteOptions } from "../../scan/options.ts";
import { openTransport, scanRemote, type Transport } from "../../scan/remote.ts";
import type { Scanned } from "../../scan/asset/scan_file.ts";
import type { AssetFacts } from "../../scan/asset/asset_judge.ts";
import { InterestTrace } from "../../scan/interest_trace.ts";
import { scanInputs } from "../../scan/scan_inputs.ts";
import { NO_PROGRESS } from "../../scan/schedule/progress.ts";
import type { Stop } from "../../scan/schedule/stop.ts";
import type { HttpClient } from "../../sources/http_client.ts";
import { type Configured, configuredOf } from "../configuration.ts";
import type { Io } from "../io.ts";
import { type NetworkChoices, networkFor } from "../remote_options.ts";
import {
  commitKeys,
  type ContentKeys,
  hubKeys,
  type Judges,
  judgesOf,
  type Key,
  keyOf,
  type ResultOptions,
  storeKeys,
  webKeys,
} from "./keys.ts";
import type { Failure } from "./failure.ts";
import { type PackedFacts, packFacts } from "./facts.ts";
import { failedResult, ISSUES_KEPT, type Result, ResultBuilder } from "./result.ts";
import { parseReusable } from "./reuse.ts";
import { type Snapshot, takeSnapshot } from "./snapshot.ts";
import type { Task } from "./task.ts";

/** Milliseconds that a server may ask to wait before the task is given back. */
const LONGEST_WAIT = 10_000;

/** What all tasks have in common; plain data. */
export interface EngineSetup extends ResultOptions {
  /** How addresses are fetched; undefined where nothing is to be fetched. */
  readonly remote: RemoteSetup | undefined;
  /** Why nothing is fetched. */
  readonly offline: string;
  /** Milliseconds for a task. */
  readonly milliseconds: number;
  /** Hash local files, so that their results have keys. */
  readonly hash: boolean;
  /** True where there are results to look in. */
  readonly reuses: boolean;
}

/** How addresses are fetched, as plain data. */
export interface RemoteSetup {
  readonly choices: NetworkChoices;
  /** Of the environment what `Io` has of it. */
  readonly env: Io["env"];
}

/** Finds the line of a result by its keys; undefined where there is none. */
export type Lookup = (key: string, siblingsKey: string | undefined) => Promise<string | undefined>;

/** A key of the task that a known result has. */
class Known extends Error {
  readonly result: Result;

  constructor(result: Result) {
    super();
    this.result = result;
  }
}

/** What a task says of its target does not hold, or cannot be compared. */
class Refused extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** Does tasks, any number at a time. */
export class Engine {
  readonly #setup: EngineSetup;
  readonly #configured: Configured;
  readonly #judges: Judges | undefined;
  readonly #lookup: Lookup;
  readonly #limits: Partial<Limits>;
  readonly #stopping = new AbortController();
  /** By scheme: a store's credentials are looked for when a task is of that store. */
  readonly #remotes = new Map<string, Promise<RemoteOptions>>();
  #transport: Promise<Transport> | undefined;

  private constructor(setup: EngineSetup, configured: Configured, lookup: Lookup) {
    this.#setup = setup;
    this.#configured = configured;
    this.#limits = { ...configured.configuration.limits, ...setup.limits };
    this.#judges = judgesOf({ ...setup, limits: this.#limits });
    this.#lookup = lookup;
  }

  /**
   * Reads the configuration.
   *
   * @throws ConfigError for one that is wrong
   */
  static async open(setup: EngineSetup, lookup: Lookup): Promise<Engine> {
    return new Engine(setup, await configuredOf(setup.texts), lookup);
  }

  /** Ends all tasks early; they are given back. */
  stop(): void {
    this.#stopping.abort();
  }

  /** Lets connections go. */
  close(): void {
    void this.#transport?.then((it) => it.close(), () => {});
  }

  /** Does a task. Never rejects: what goes wrong is in the result. */
  async run(task: Task): Promise<Result> {
    const began = performance.now();
    const one = new TaskRun(task, this);
    try {
      const result = await one.run();
      return { ...result, usage: { ...result.usage, seconds: secondsSince(began) } };
    } catch (error) {
      if (error instanceof Known) {
        const usage = { ...one.usage(0), seconds: secondsSince(began) };
        const { target, revision = null } = one;
        return { ...error.result, id: task.id, line: null, target, revision, reused: true, usage };
      }
      const failure = error instanceof Refused
        ? error.failure
        : error instanceof ConfigError
        ? final("invalid-task", error.message)
        : final("defect", `This program failed: ${String(error)}`);
      return failedResult({ id: task.id, target: one.target }, failure);
    } finally {
      one.end();
    }
  }

  get setup(): EngineSetup {
    return this.#setup;
  }

  get configured(): Configured {
    return this.#configured;
  }

  get limits(): Partial<Limits> {
    return this.#limits;
  }

  /**
   * How an address is fetched; undefined where nothing is.
   *
   * @throws ConfigError when the environment says what cannot be
   */
  async remoteFor(uri: string): Promise<RemoteOptions | undefined> {
    const { remote } = this.#setup;
    if (remote === undefined) return undefined;
    const scheme = uri.slice(0, uri.indexOf(":")).toLowerCase();
    const known = this.#remotes.get(scheme) ?? networkFor([uri], remote.choices, remote.env);
    this.#remotes.set(scheme, known);
    try {
      return await known;
    } catch (error) {
      // A file that cannot be read now may be readable for the next task.
      this.#remotes.delete(scheme);
      throw error;
    }
  }

  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Connections that all tasks share. */
  async transport(shown: string, remote: RemoteOptions): Promise<Transport> {
    this.#transport ??= openTransport(shown, remote);
    return await this.#transport;
  }

  /**
   * The key of a result, with the whole name where entries of a configuration may be for it.
   *
   * @returns undefined where it is not known which code runs
   */
  keyOf({ content, name }: ContentKeys, whole: string): Key | undefined {
    if (this.#judges === undefined) return undefined;
    const configured = this.#setup.texts.files.length > 0;
    return keyOf(content, configured ? whole : name, this.#judges);
  }

  /** @throws Known when there is a result of these keys */
  async find(key: Key | undefined, siblingsKey: string | undefined): Promise<void> {
    if (key === undefined || !this.#setup.reuses) return;
    const line = await this.#lookup(key.digest, siblingsKey);
    const result = line === undefined ? undefined : parseReusable(line, this.#judges);
    if (result?.key !== key.digest || result.siblings_key !== (siblingsKey ?? null)) return;
    throw new Known(result);
  }
}

function secondsSince(began: number): number {
  return Math.round(performance.now() - began) / 1000;
}

/** The failure of a task whose files did not stay what they were hashed, or compared as. */
const CHANGED: Failure = {
  class: "retry",
  reason: "changed",
  message: "What the task names changed while it was hashed and scanned",
  after: null,
};

function final(reason: Failure["reason"], message: string): Failure {
  return { class: "final", reason, message, after: null };
}

/** One task on its way. */
class TaskRun {
  readonly #task: Task;
  readonly #engine: Engine;
  readonly #controller = new AbortController();
  readonly #deadline: number;
  readonly #timer: ReturnType<typeof setTimeout>;
  readonly #abort: () => void;
  #timedOut = false;
  #client: HttpClient | undefined;
  #trace: InterestTrace | undefined;
  readonly #facts: AssetFacts[] = [];
  /** Files that were scanned. */
  #files = 0;
  #relative: (path: string) => string = (path) => path;
  /** As it may be shown. */
  target: string;
  /** The commit that is read, once it is known. */
  revision: string | undefined;

  constructor(task: Task, engine: Engine) {
    this.#task = task;
    this.#engine = engine;
    this.target = task.uri === undefined ? task.path ?? "" : shownAddress(task.uri);
    const { milliseconds } = engine.setup;
    this.#deadline = performance.now() + milliseconds;
    this.#timer = setTimeout(() => {
      this.#timedOut = true;
      this.#controller.abort();
    }, milliseconds);
    this.#abort = () => this.#controller.abort();
    engine.stopping.addEventListener("abort", this.#abort);
    if (engine.stopping.aborted) this.#controller.abort();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#engine.stopping.removeEventListener("abort", this.#abort);
  }

  /** What the task cost so far. */
  usage(bytes: number): Result["usage"] {
    const { requests = 0, retries = 0 } = this.#client ?? {};
    return { bytes, requests, retries, seconds: 0 };
  }

  async run(): Promise<Result> {
    const { uri, path } = this.#task;
    return uri === undefined ? await this.#runLocal(path ?? "") : await this.#runRemote(uri);
  }

  #stop(): Stop {
    return {
      signal: this.#controller.signal,
      remaining: () => Math.max(1, this.#deadline - performance.now()),
      reason: () => ({ message: this.#whyStopped(), remedy: "Give the task again." }),
    };
  }

  #whyStopped(): string {
    const { milliseconds } = this.#engine.setup;
    return this.#timedOut
      ? `The time of the task, ${milliseconds / 1000} s, was spent.`
      : "The worker was stopped.";
  }

  /** Why the task as a whole failed; undefined when it did not. */
  #failure(): Failure | undefined {
    if (!this.#controller.signal.aborted) return undefined;
    const message = this.#whyStopped();
    if (!this.#timedOut) return { class: "retry", reason: "stopped", message, after: null };
    // Another time a server may be faster; the bytes of a local file are the same.
    const again = this.#task.uri !== undefined;
    return { class: again ? "retry" : "final", reason: "time", message, after: null };
  }

  // --- local ----------------------------------------------------------------------------

  async #runLocal(path: string): Promise<Result> {
    const { engine, task } = { engine: this.#engine, task: this.#task };
    const { setup, configured } = engine;
    let snapshot: Snapshot | undefined;
    const isClaimed = task.sha256 !== undefined || task.size !== undefined;
    if (setup.hash || isClaimed) {
      try {
        snapshot = await takeSnapshot(path, this.#controller.signal, {
          hashed: setup.hash || task.sha256 !== undefined,
          keyed: setup.hash,
        });
      } catch (error) {
        // The scan fails for the same reason, and says so.
        if (!(error instanceof SourceError)) throw error;
      }
      if (isClaimed && snapshot?.isFolder) this.#refuseSeveral();
      if (snapshot !== undefined && !this.#controller.signal.aborted) this.#compare(snapshot);
    }
    const key = snapshot?.keys && engine.keyOf(snapshot.keys, path);
    const siblingsKey = snapshot?.keys?.siblingsKey;
    await engine.find(key, siblingsKey);
    const { suppress, include, exclude } = configured.configuration;
    const scanned = scanInputs([{ paths: [path] }], {
      ...this.#reading(),
      suppress,
      limits: engine.limits,
      walk: { followSymlinks: setup.followSymlinks, include, exclude },
      witness: snapshot?.witness,
      stop: this.#stop(),
    });
    const prefix = join(path, "x").slice(0, -1);
    const relative = (it: string): string =>
      it === path ? baseName(path) : it.startsWith(prefix) ? it.slice(prefix.length) : it;
    const builder = await this.#gather(scanned, relative);
    const same = snapshot?.isUnchanged() ?? !isClaimed;
    const about = this.#about(builder);
    return builder.build({
      ...about,
      key: same ? key : undefined,
      siblingsKey,
      doubtful: !same,
      ...(!same && builder.errors.length === 0 && { failure: about.failure ?? CHANGED }),
    });
  }

  /**
   * Compares what the task says of its file with what else says something of it.
   *
   * @param is undefined values are not known, and an id is any of several
   * @throws Refused where it is another file
   */
  #compare(
    is: {
      readonly sha256?: string | undefined;
      readonly size?: number | undefined;
      readonly ids?: readonly string[];
    },
  ): void {
    const { sha256, size, etag } = this.#task;
    const isOther = <T>(said: T | undefined, known: T | undefined): boolean =>
      said !== undefined && known !== undefined && said !== known;
    const about = isOther(sha256, is.sha256)
      ? `SHA-256 is ${is.sha256}`
      : isOther(size, is.size)
      ? `size is ${is.size} bytes`
      : etag !== undefined && is.ids !== undefined && is.ids.length > 0 && !is.ids.includes(etag)
      ? `id is ${is.ids.join(" or ")}`
      : undefined;
    if (about === undefined) return;
    throw new Refused(final("changed", `The file's ${about}, not that of the task`));
  }

  /** True where the task says which bytes its file has. */
  #saysBytes(): boolean {
    const { sha256, size, etag } = this.#task;
    return sha256 !== undefined || size !== undefined || etag !== undefined;
  }

  /** @throws Refused for a task that says which bytes one file has and names several, or might */
  #refuseSeveral(): void {
    if (!this.#saysBytes()) return;
    const message =
      "The sha256, etag or size of a task is that of one file, which it does not name";
    throw new Refused(final("invalid-task", message));
  }

  // --- remote ---------------------------------------------------------------------------

  async #runRemote(uri: string): Promise<Result> {
    const { engine, task } = { engine: this.#engine, task: this.#task };
    if (!isRemote(uri)) {
      const message = `There is no source for ${this.target}`;
      return failedResult({ id: task.id, target: this.target }, final("unsupported", message));
    }
    const remote = await engine.remoteFor(uri);
    if (remote === undefined) {
      const message = `Cannot fetch ${this.target}: ${engine.setup.offline}`;
      return failedResult({ id: task.id, target: this.target }, final("forbidden", message));
    }
    const endpoint = new URL(remote.endpoint ?? "");
    const target = resolveRemote(uri, endpoint);
    if (target.type === "hub") return await this.#runHub(target, endpoint, remote);
    return target.type === "url"
      ? await this.#runWeb(target.url, remote)
      : await this.#runStore(uri, target, remote);
  }

  async #runStore(
    uri: string,
    target: BucketTarget | OciTarget,
    remote: RemoteOptions,
  ): Promise<Result> {
    const base = target.type === "bucket"
      ? target.path.slice(0, target.path.lastIndexOf("/") + 1)
      : "";
    this.target = storeName(target, target.type === "bucket" ? target.path : "");
    const prefix = storeName(target, base);
    const relative = (it: string): string => it.startsWith(prefix) ? it.slice(prefix.length) : it;
    if (target.type === "oci" || /(?:^|\/)$/.test(target.path)) this.#refuseSeveral();
    const objects = target.type === "bucket" ? objectsOf(target, this.#task) : undefined;
    const keys = target.type === "bucket"
      ? storeKeys(target, objects, endpointOf(target, remote))
      : undefined;
    const key = keys && this.#engine.keyOf(keys, this.target);
    await this.#engine.find(key, undefined);
    const { etag, sha256, size } = this.#task;
    const client = (it: HttpClient): void => void (this.#client = it);
    const known = { objects, etag, sha256, size, client };
    const builder = await this.#gather(await this.#scanRemote(uri, known, remote), relative);
    return builder.build({
      ...this.#about(builder),
      key,
      siblingsKey: undefined,
      doubtful: this.#isDoubtful(),
    });
  }

  async #runWeb(url: URL, remote: RemoteOptions): Promise<Result> {
    const { etag, sha256, size } = this.#task;
    this.target = shownUrl(url);
    const keys = webKeys(url, this.#task);
    const key = keys && this.#engine.keyOf(keys, this.target);
    await this.#engine.find(key, undefined);
    const known = { etag, sha256, size, client: (it: HttpClient) => void (this.#client = it) };
    const builder = await this.#gather(
      await this.#scanRemote(url.href, known, remote),
      () => baseName(url.pathname),
    );
    return builder.build({
      ...this.#about(builder),
      key,
      siblingsKey: undefined,
      doubtful: this.#isDoubtful(),
    });
  }

  async #runHub(named: HubTarget, endpoint: URL, remote: RemoteOptions): Promise<Result> {
    const { engine, task } = { engine: this.#engine, task: this.#task };
    const { revision = named.revision, siblings } = task;
    if (named.revision !== undefined && named.revision !== revision) {
      throw new ConfigError(this.target, "The revision is not that of the address");
    }
    const target: HubTarget = { ...named, revision };
    this.target = hubName(target, target.path);
    const isCommit = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/.test(revision ?? "");
    const commit = isCommit ? revision : undefined;
    this.revision = commit;
    let repository: HubRepository | undefined;
    if (siblings !== undefined && commit !== undefined) {
      repository = repositoryOf(commit, siblings);
    }
    const saysBytes = this.#saysBytes();
    const keysOf = (it: HubRepository | undefined): ContentKeys | undefined => {
      if (it === undefined) {
        // Whether the file is that of the task, its listing says.
        return commit === undefined || saysBytes ? undefined : commitKeys(target, commit, endpoint);
      }
      this.#compareListed(target, it);
      return hubKeys(target, it, endpoint) ?? commitKeys(target, it.commit, endpoint);
    };
    let keys = keysOf(repository);
    const find = async (): Promise<void> => {
      if (keys === undefined) return;
      await engine.find(engine.keyOf(keys, this.target), keys.siblingsKey);
    };
    await find();
    const known = {
      repository,
      client: (it: HttpClient) => void (this.#client = it),
      found: async (found: HubRepository) => {
        this.revision = found.commit;
        // What a commit names is one thing for ever: another answer is not of what was asked for.
        if (commit !== undefined && found.commit !== commit) {
          this.#compareListed(target, found);
          keys = undefined;
          return;
        }
        if (commit !== undefined && !saysBytes) return;
        keys = keysOf(found);
        await find();
      },
    };
    const prefix = `${hubName(target, "")}/`;
    const relative = (it: string): string => it.startsWith(prefix) ? it.slice(prefix.length) : it;
    const address = hubName(target, target.path);
    const builder = await this.#gather(await this.#scanRemote(address, known, remote), relative);
    return builder.build({
      ...this.#about(builder),
      key: keys && engine.keyOf(keys, this.target),
      siblingsKey: keys?.siblingsKey,
      doubtful: this.#isDoubtful(),
    });
  }

  /** @throws Refused where the listing has another file than the task */
  #compareListed({ path }: HubTarget, { files }: HubRepository): void {
    const file = files.find((it) => it.path === path);
    if (file === undefined) {
      // What is not there at all is an error of the scan.
      const isFolder = path === "" || files.some((it) => it.path.startsWith(`${path}/`));
      return isFolder ? this.#refuseSeveral() : undefined;
    }
    const { sha256, size, blob } = file;
    this.#compare({ sha256, size, ids: [sha256, blob].filter((it) => it !== undefined) });
  }

  async #scanRemote(
    address: string,
    known: Parameters<typeof scanRemote>[1]["known"],
    remote: RemoteOptions,
  ): Promise<AsyncIterable<Scanned>> {
    const { configured, limits } = this.#engine;
    return scanRemote([address], {
      ...this.#reading(),
      // Of files on servers what is said of them, without a byte.
      hash: true,
      suppress: configured.configuration.suppress,
      limits,
      stop: this.#stop(),
      progress: NO_PROGRESS,
      note: undefined,
      remote,
      transport: await this.#engine.transport(this.target, remote),
      longestWait: LONGEST_WAIT,
      known,
    });
  }

  /** True when something could not be had that no error may tell of. */
  #isDoubtful(): boolean {
    return (this.#client?.failures ?? 0) > 0;
  }

  // --- both -----------------------------------------------------------------------------

  async #gather(
    scanned: AsyncIterable<Scanned>,
    relative: (path: string) => string,
  ): Promise<ResultBuilder> {
    const { configured, limits, setup } = this.#engine;
    const builder = new ResultBuilder(
      configured.rules,
      setup.verbose,
      Math.min(withDefaults(limits).issues, ISSUES_KEPT),
    );
    for await (const it of scanned) {
      if (it.type === "file") {
        builder.addFile(it.file, relative(it.file.path));
        this.#files++;
      } else builder.addError(it.error, relative(it.error.location.path));
    }
    this.#relative = relative;
    return builder;
  }

  /** By which rules files are read, and what becomes of the facts. */
  #reading() {
    const { rules } = this.#engine.configured;
    if (!this.#engine.setup.facts) return { rules };
    this.#trace = new InterestTrace(rules.interest);
    return {
      rules: { ...rules, interest: this.#trace.interest },
      facts: (facts: AssetFacts) => void this.#facts.push(facts),
    };
  }

  /** The facts of all files; null where some have none. */
  #packed(): PackedFacts | null {
    const answers = this.#trace?.answers();
    // A file that was scanned in two forms has two.
    const paths = new Set(this.#facts.map(({ path }) => path));
    const all = paths.size === this.#files && this.#facts.length === this.#files;
    if (answers === undefined || !all) return null;
    const files = this.#facts.map((facts) => ({ relative: this.#relative(facts.path), facts }))
      .sort((a, b) => a.relative < b.relative ? -1 : 1);
    const { limits, configured: { configuration: { include, exclude } } } = this.#engine;
    return packFacts(answers, files, { limits, include, exclude });
  }

  #about(builder: ResultBuilder) {
    return {
      id: this.#task.id,
      target: this.target,
      revision: this.revision,
      failure: this.#failure(),
      facts: this.#packed(),
      usage: this.usage(builder.bytes),
    };
  }
}

/**
 * The objects that a task names: those below a path, or the one with that key.
 *
 * @returns undefined where one is not known at its version, so that the store is asked
 */
function objectsOf(target: BucketTarget, task: Task): readonly StoredObject[] | undefined {
  const { path, scheme } = target;
  const { siblings, etag, size, revision } = task;
  const object = (key: string, tag: string | undefined, bytes: number | undefined) => {
    // A weak tag may be equal though bytes differ: RFC 9110, 8.8.1.
    if (tag === undefined || tag.startsWith("W/")) return undefined;
    if (scheme !== "gs") return { key, size: bytes, etag: tag };
    return /^\d{1,20}$/.test(tag) ? { key, size: bytes, version: tag } : undefined;
  };
  const all = siblings !== undefined && revision !== undefined && /(?:^|\/)$/.test(path)
    ? siblings.map((it) => object(`${path}${it.path}`, it.etag, it.size))
    : etag !== undefined && path !== "" && !path.endsWith("/")
    ? [object(path, etag, size)]
    : [undefined];
  const known = all.filter((it) => it !== undefined);
  if (known.length < all.length || known.length === 0) return undefined;
  const keys = new Set(known.map(({ key }) => key));
  return keys.size < known.length ? undefined : known;
}

/** Where a store is, by whose word versions are; empty for the cloud's own. */
function endpointOf({ scheme }: BucketTarget, { stores = {} }: RemoteOptions): string {
  const { s3, gcs, azure } = stores;
  switch (scheme) {
    case "s3":
      return String(s3?.endpoint ?? "");
    case "gs":
      return String(gcs?.endpoint ?? "");
    case "az":
      return String(azure?.endpoint ?? azure?.account ?? "");
  }
}

/** A repository as a task has it. */
function repositoryOf(commit: string, siblings: NonNullable<Task["siblings"]>): HubRepository {
  const files = siblings.map(({ path, size, sha256, etag }) => {
    const isSha256 = sha256 === undefined && etag !== undefined && /^[0-9a-f]{64}$/.test(etag);
    const isBlob = etag !== undefined && /^[0-9a-f]{40}$/.test(etag);
    return {
      path,
      size,
      ...(sha256 !== undefined && { sha256 }),
      ...(isSha256 && { sha256: etag }),
      ...(isBlob && { blob: etag }),
    };
  });
  const isOdd = (path: string): boolean =>
    path.split(/[/\\]/).some((it) => it === ".." || it === "." || it === "");
  return {
    commit,
    files: files.filter(({ path }) => !isOdd(path)).sort((a, b) => a.path < b.path ? -1 : 1),
    odd: files.filter(({ path }) => isOdd(path))
      .map(({ path }) => ({ path, reason: "its name leads out of the repository" })),
  };
}
