/**
 * What a simulated hub costs by several workers: throughput, requests, bytes and processor time a repository, memory
 * over time, and a second run after some of it changed. Prints a table in Markdown.
 *
 *     deno run -A scripts/bench/hub_workers.ts --repositories 1000 --workers 2 [--changed 0.01] [--folder DIR] *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { createReadStream, createWriteStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const LAUNCHER = join(ROOT, "scripts/modelaudit");
const HUB = join(ROOT, "scripts/bench/simulated_hub.ts");
/** Tasks of a worker at a time. */
const CONCURRENCY = 16;
/** Milliseconds between looks at memory. */
const SAMPLE_MILLISECONDS = 2000;
/** Times that a task is given out again for which the worker says so, as runners do. */
const RETRIES = 3;
/** Clock ticks a second in /proc/PID/stat. */
const TICKS = 100;

/** What a run cost. */
interface Cost {
  readonly seconds: number;
  readonly results: number;
  readonly ids: number;
  readonly failed: number;
  /** Results that say to try again. */
  readonly retried: number;
  readonly incomplete: number;
  readonly reused: number;
  readonly requests: number;
  readonly bytes: number;
  /** Seconds of processor time of all workers. */
  readonly processor: number;
  /** Memory of all workers in MB, over time. */
  readonly memory: readonly number[];
}

function argument(name: string): string | undefined {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
}

async function startHub(args: readonly string[]): Promise<{ child: ChildProcess; url: string }> {
  const all = ["run", "--quiet", "--no-check", "--no-lock", "--allow-all", HUB, ...args];
  const child = spawn(process.execPath, all, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  if (child.stdout === null) throw new Error("the hub has no output");
  const [chunk] = await once(child.stdout, "data") as [Uint8Array];
  return { child, url: new TextDecoder().decode(chunk).trim() };
}

async function shard(url: string, output: string, previous?: string): Promise<number> {
  const began = performance.now();
  const more = previous === undefined ? [] : ["--previous", previous];
  const child = spawn(LAUNCHER, ["shard", "hf://", "--allow-private-network", ...more], {
    env: { ...process.env, HF_ENDPOINT: url },
    stdio: ["ignore", "pipe", "inherit"],
  });
  child.stdout.pipe(createWriteStream(output));
  const [code] = await once(child, "close") as [number];
  if (code !== 0) throw new Error(`shard ended with ${code}`);
  return (performance.now() - began) / 1000;
}

/** Runs workers over a manifest, line by line in turn, and appends their results to a file. */
async function work(
  { url, manifest, results, workers, reuse }: {
    readonly url: string;
    readonly manifest: string;
    readonly results: string;
    readonly workers: number;
    readonly reuse?: string;
  },
): Promise<Cost> {
  const began = performance.now();
  const args = ["worker", "--allow-private-network", "--no-config", "-c", String(CONCURRENCY)];
  const children = Array.from(
    { length: workers },
    () =>
      spawn(LAUNCHER, [...args, ...(reuse === undefined ? [] : ["--reuse", reuse])], {
        env: { ...process.env, HF_ENDPOINT: url },
        stdio: ["pipe", "pipe", "inherit"],
      }),
  );
  const out = createWriteStream(results);
  const ids = new Set<string>();
  let [lines, failed, retried, incomplete, reused, requests, bytes] = [0, 0, 0, 0, 0, 0, 0];
  /** Tasks that were given out, by id, with the times that they were. */
  const open = new Map<string, { readonly line: string; readonly times: number }>();
  const again: string[] = [];
  let wake = (): void => {};
  const reading = children.map(async ({ stdout }) => {
    for await (const line of createInterface({ input: stdout })) {
      const result = JSON.parse(line) as {
        readonly id: string;
        readonly error: { readonly class: string } | null;
        readonly complete: boolean;
        readonly reused: boolean;
        readonly usage: { readonly requests: number; readonly bytes: number };
      };
      requests += result.usage.requests;
      bytes += result.usage.bytes;
      const task = open.get(result.id);
      if (task !== undefined && result.error?.class === "retry" && task.times <= RETRIES) {
        retried++;
        again.push(result.id);
        wake();
        continue;
      }
      open.delete(result.id);
      wake();
      lines++;
      ids.add(result.id);
      if (result.error !== null) failed++;
      if (!result.complete) incomplete++;
      if (result.reused) reused++;
      if (!out.write(`${line}\n`)) await once(out, "drain");
    }
  });
  const memory: number[] = [];
  let processor = 0;
  const look = (): void => {
    let all = 0;
    let time = 0;
    for (const { pid, exitCode } of children) {
      if (exitCode !== null) continue;
      try {
        const status = readFileSync(`/proc/${pid}/status`, "utf8");
        all += Number(/^VmRSS:\s*(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
        const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
        time += (Number(fields[11]) + Number(fields[12])) / TICKS;
      } catch {
        // It has just ended.
      }
    }
    memory.push(all);
    processor = Math.max(processor, time);
  };
  const timer = setInterval(look, SAMPLE_MILLISECONDS);
  // A worker that has room takes the next line: the pipes are short.
  const tasks = createInterface({ input: createReadStream(manifest) })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<string | undefined> => {
    const it = await tasks.next();
    if (!it.done) {
      open.set((JSON.parse(it.value) as { readonly id: string }).id, { line: it.value, times: 1 });
      return it.value;
    }
    while (again.length === 0 && open.size > 0) {
      await new Promise<void>((resolve) => {
        const before = wake;
        wake = () => {
          before();
          resolve();
        };
      });
    }
    const id = again.pop();
    const task = id === undefined ? undefined : open.get(id);
    if (id === undefined || task === undefined) return undefined;
    open.set(id, { line: task.line, times: task.times + 1 });
    return task.line;
  };
  await Promise.all(children.map(async ({ stdin }) => {
    for (let line = await nextLine(); line !== undefined; line = await nextLine()) {
      if (!stdin.write(`${line}\n`)) await once(stdin, "drain");
    }
    stdin.end();
  }));
  await Promise.all(reading);
  clearInterval(timer);
  out.end();
  await once(out, "close");
  const seconds = (performance.now() - began) / 1000;
  const counts = {
    results: lines,
    ids: ids.size,
    failed,
    retried,
    incomplete,
    reused,
    requests,
    bytes,
  };
  return { seconds, ...counts, processor, memory };
}

function row(name: string, tasks: number, cost: Cost): string {
  const { memory } = cost;
  const at = (part: number): string =>
    String(Math.round(memory[Math.min(memory.length - 1, Math.floor(part * memory.length))] ?? 0));
  const cells = [
    ...[
      name,
      tasks,
      cost.ids,
      cost.results,
      cost.failed,
      cost.retried,
      cost.incomplete,
      cost.reused,
    ],
    ...[cost.seconds.toFixed(0), (tasks / cost.seconds).toFixed(1)],
    ...[(cost.requests / tasks).toFixed(3), (cost.bytes / tasks).toFixed(0)],
    (cost.processor / tasks * 1000).toFixed(1),
    [0.1, 0.25, 0.5, 0.75, 0.99].map(at).join(" "),
  ];
  return `| ${cells.join(" | ")} |\n`;
}

async function main(): Promise<void> {
  const repositories = Number(argument("repositories") ?? 1000);
  const workers = Number(argument("workers") ?? 2);
  const changed = argument("changed");
  const folder = argument("folder") ?? mkdtempSync(join(tmpdir(), "modelaudit-hub-"));
  const say = (text: string): void => void process.stdout.write(text);
  let hub = await startHub(["--repositories", String(repositories)]);
  try {
    const [manifest, results] = [join(folder, "manifest.ndjson"), join(folder, "results.ndjson")];
    const listing = await shard(hub.url, manifest);
    say(`The manifest took ${listing.toFixed(0)} s.\n\n`);
    say(
      "| run | tasks | ids | results | failed | retried | incomplete | reused | s | a second | requests each ",
    );
    say("| bytes each | ms of processor each | MB at 10, 25, 50, 75, 99 % |\n");
    say(`|${" --- |".repeat(14)}\n`);
    const first = await work({ url: hub.url, manifest, results, workers });
    say(row("first", repositories, first));
    if (changed === undefined) return;
    const { port } = new URL(hub.url);
    hub.child.kill();
    await once(hub.child, "close");
    hub = await startHub([
      ...["--repositories", String(repositories), "--port", port, "--changed", changed],
    ]);
    const next = join(folder, "next.ndjson");
    await shard(hub.url, next, manifest);
    const second = await work({
      ...{ url: hub.url, manifest: next, results: join(folder, "second.ndjson"), workers },
      reuse: results,
    });
    say(row("second", repositories, second));
    say(
      `\nRequests of the second run: ${(second.requests / first.requests * 100).toFixed(2)} %.\n`,
    );
  } finally {
    hub.child.kill();
    if (argument("folder") === undefined) rmSync(folder, { recursive: true });
  }
}

await main();
