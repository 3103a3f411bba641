/**
 * The recipes of integrations/ on real clusters of this machine, each with something killed in the middle: the results
 * are those of one process.
 *
 *     make test-cluster
 *
 * @module
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { type SimulatedHub, startSimulatedHub } from "../bench/simulated_hub.ts";
import { assertSame, linesOf } from "./results.ts";
import { fetched, installed, LAUNCHER, ran, ROOT } from "./services.ts";

const REPOSITORIES = 240;
/** Milliseconds of each answer, so that what is killed is in the middle of something. */
const DELAY = 60;
/** Options of workers against a hub of this machine. */
const LOCAL = "--allow-private-network --no-config --concurrency 4";
const WORKER = `${LAUNCHER} worker ${LOCAL}`;

interface Bench {
  readonly folder: string;
  readonly manifest: string;
  readonly tasks: readonly string[];
  /** The results of one process. */
  readonly expected: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Runs with a hub, a manifest of it, and what one process makes of that. */
async function withBench(body: (bench: Bench) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-cluster-"));
  const hub: SimulatedHub = await startSimulatedHub({ repositories: REPOSITORIES, delay: DELAY });
  try {
    const env = { HF_ENDPOINT: hub.url, NO_PROXY: "127.0.0.1" };
    const sharded = await ran(
      [
        LAUNCHER,
        "shard",
        "hf://org-0",
        "--allow-private-network",
        "--tasks",
        "30",
        "--output",
        join(folder, "manifests"),
      ],
      { env },
    );
    assert.equal(sharded.status, 0, sharded.err);
    const text = readdirSync(join(folder, "manifests")).sort()
      .map((it) => readFileSync(join(folder, "manifests", it), "utf8")).join("");
    const manifest = join(folder, "manifest.ndjson");
    writeFileSync(manifest, text);
    const [program = "", ...args] = WORKER.split(" ");
    const one = await ran([program, ...args], { env, input: text });
    assert.equal(one.status, 0, one.err);
    const [tasks, expected] = [linesOf(text), linesOf(one.out)];
    assert.equal(tasks.length, REPOSITORIES);
    assertSame(tasks, expected, expected);
    await body({ folder, manifest, tasks, expected, env });
  } finally {
    await hub.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Processes that descend from one, by their command lines. Those that have another parent by now are not found. */
function descendants(root: number): readonly { readonly pid: number; readonly command: string }[] {
  const children = new Map<number, number[]>();
  const commands = new Map<number, string>();
  for (const name of readdirSync("/proc").filter((it) => /^\d+$/.test(it))) {
    try {
      const parent = Number(
        /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${name}/status`, "utf8"))?.[1],
      );
      children.set(parent, [...children.get(parent) ?? [], Number(name)]);
      commands.set(
        Number(name),
        readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " "),
      );
    } catch {
      // It ended meanwhile.
    }
  }
  const found: { pid: number; command: string }[] = [];
  const waiting = [root];
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    for (const child of children.get(pid) ?? []) {
      found.push({ pid: child, command: commands.get(child) ?? "" });
      waiting.push(child);
    }
  }
  return found;
}

/** What a program did in which something was killed. */
interface Killed {
  readonly status: number | null;
  readonly output: string;
  readonly killed: number;
}

/**
 * Runs a program, and kills one process below it once it does something.
 *
 * @param victim chooses among the processes below; asked every half second
 */
async function runAndKill(
  [program, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
  victim: (
    below: readonly { readonly pid: number; readonly command: string }[],
  ) => number | undefined,
): Promise<Killed> {
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const listen = (chunk: Uint8Array): void => {
    output = (output + new TextDecoder().decode(chunk)).slice(-20_000);
  };
  child.stdout.on("data", listen);
  child.stderr.on("data", listen);
  let killed = 0;
  const timer = setInterval(() => {
    const pid = killed === 0 && child.pid !== undefined
      ? victim(descendants(child.pid))
      : undefined;
    if (pid === undefined) return;
    killed++;
    process.kill(pid, "SIGKILL");
  }, 500);
  const status = await new Promise<number | null>((done) => child.once("close", done));
  clearInterval(timer);
  return { status, output, killed };
}

/** A worker of those below that has run for some time, so that it is in the middle of its tasks. */
function busyWorker(): (
  below: readonly { readonly pid: number; readonly command: string }[],
) => number | undefined {
  const seen = new Map<number, number>();
  return (below) => {
    for (const { pid, command } of below) {
      if (!/ cli\.ts (?:worker|run) |\/cli\.ts (?:worker|run) /.test(command)) continue;
      const times = (seen.get(pid) ?? 0) + 1;
      seen.set(pid, times);
      if (times >= 5) return pid;
    }
    return undefined;
  };
}

const spark = fetched("python/bin/spark-submit");
const java = installed("java");
test("Spark: two executors, one killed in the middle", {
  skip: spark === undefined || java === undefined,
}, async () => {
  await withBench(async ({ folder, manifest, tasks, expected, env }) => {
    const results = join(folder, "results");
    const seen = new Map<number, number>();
    const { status, output, killed } = await runAndKill(
      [
        spark ?? "",
        ...["--master", "local-cluster[2,1,1024]", "--conf", "spark.ui.enabled=false"],
        ...[
          "--conf",
          "spark.driver.bindAddress=127.0.0.1",
          "--conf",
          "spark.driver.host=127.0.0.1",
        ],
        ...["--driver-memory", "512m", "--executor-memory", "1g"],
        join(ROOT, "integrations/spark/modelaudit_spark.py"),
        ...[`file://${manifest}`, `file://${results}`, "--partitions", "8", "--worker", WORKER],
      ],
      {
        ...env,
        PYSPARK_PYTHON: fetched("python/bin/python") ?? "",
        SPARK_LOCAL_IP: "127.0.0.1",
        SPARK_WORKER_DIR: join(folder, "work"),
      },
      (below) => {
        const executors = below.filter(({ command }) =>
          command.includes("CoarseGrainedExecutorBackend")
        );
        for (const executor of executors) {
          const isBusy = descendants(executor.pid).some(({ command }) =>
            command.includes("cli.ts")
          );
          const times = (seen.get(executor.pid) ?? 0) + (isBusy ? 1 : 0);
          seen.set(executor.pid, times);
          if (times >= 6) return executor.pid;
        }
        return undefined;
      },
    );
    assert.equal(status, 0, output);
    assert.equal(killed, 1, output);
    assert.ok(existsSync(join(results, "_SUCCESS")));
    const actual = readdirSync(results).filter((it) => it.startsWith("part-")).sort()
      .flatMap((it) => linesOf(readFileSync(join(results, it), "utf8")));
    assertSame(tasks, expected, actual);
  });
});

const python = fetched("python/bin/python");
const isRay = python !== undefined &&
  (await ran([python, "-c", "import ray.data"])).status === 0;
test("Ray: two nodes, one killed in the middle", { skip: !isRay }, async () => {
  await withBench(async ({ folder, manifest, tasks, expected, env }) => {
    const results = join(folder, "results.ndjson");
    const { status, output } = await runAndKill(
      [
        python ?? "",
        join(ROOT, "scripts/cluster/ray_nodes.py"),
        join(ROOT, "integrations/ray/modelaudit_ray.py"),
        ...[manifest, results, "--workers", "2", "--batch", "20", "--worker", WORKER],
      ],
      {
        ...env,
        RAY_DATA_DISABLE_PROGRESS_BARS: "1",
        RAY_USAGE_STATS_ENABLED: "0",
        // A machine that is busy starves what is nicer than others, and takes long to start it.
        RAY_worker_niceness: "0",
        RAY_agent_register_timeout_ms: "180000",
      },
      () => undefined,
    );
    assert.equal(status, 0, output);
    assert.match(output, /killed a node that was in the middle/);
    assertSame(tasks, expected, linesOf(readFileSync(results, "utf8")));
  });
});

test("GNU parallel: a worker killed in the middle, then all of it, and run again", {
  skip: installed("parallel") === undefined,
}, async () => {
  await withBench(async ({ folder, tasks, expected, env }) => {
    const results = join(folder, "results");
    const all = {
      ...env,
      PATH: `${join(ROOT, "scripts")}${delimiter}${process.env["PATH"] ?? ""}`,
      MODELAUDIT_OPTIONS: LOCAL,
    };
    const command = [
      join(ROOT, "integrations/parallel/scan"),
      ...[join(folder, "manifests"), results, "--jobs", "2"],
    ] as const;
    const [program = "", ...args] = command;
    const first = await runAndKill([program, ...args], all, busyWorker());
    assert.equal(first.killed, 1, first.output);
    assert.equal(first.status, 0, first.output);
    const again = await ran([program, ...args], { env: all });
    assert.equal(again.status, 0, again.err);
    const actual = readdirSync(results).filter((it) => it.endsWith(".ndjson")).sort()
      .flatMap((it) => linesOf(readFileSync(join(results, it), "utf8")));
    assertSame(tasks, expected, actual);
  });
});

const validate = fetched("python/bin/kubernetes-validate");
test(
  "Kubernetes: the job is valid under the schemas of its interface, and one with a wrong field is not",
  {
    skip: validate === undefined,
  },
  async () => {
    const path = join(ROOT, "integrations/kubernetes/job.yaml");
    const valid = await ran([validate ?? "", "--strict", path]);
    assert.equal(valid.status, 0, valid.out + valid.err);
    const folder = mkdtempSync(join(tmpdir(), "modelaudit-job-"));
    try {
      const wrong = join(folder, "job.yaml");
      writeFileSync(
        wrong,
        readFileSync(path, "utf8").replace(
          "backoffLimitPerIndex: 4",
          'backoffLimitPerIndices: "x"',
        ),
      );
      assert.notEqual((await ran([validate ?? "", "--strict", wrong])).status, 0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
