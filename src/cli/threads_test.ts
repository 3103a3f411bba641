import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, linkSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { makeDictionaries } from "../../scripts/bench/dictionaries.ts";
import { runMain } from "./commands/main.ts";
import { testIo } from "./testing/io.ts";
import { realThreads, supply } from "./testing/threads.ts";
import { held, inFolder, reported, run as scanWith, TESTDATA } from "./testing/together.ts";
import type { WorkerMessage } from "../scan/schedule/messages.ts";
import { jobsOf, type Threads } from "../scan/schedule/threads.ts";
import { threadsAt } from "./threads.ts";
import { workerModuleOf } from "./worker_module.ts";

/** Runs the command line with these threads, or alone. */
async function run(args: readonly string[], threads: Threads | undefined, io = testIo()) {
  Object.assign(io, { threads: threads && supply(threads) });
  const code = await runMain(["scan", "--no-config", ...args], io);
  return { code, out: io.stdout.text, err: io.stderr.text };
}

/** How many files workers report. */
function counter(cores: number, place?: URL) {
  let scanned = 0;
  const hear = (message: WorkerMessage): void => {
    if (message.type === "scanned") scanned++;
  };
  return { threads: realThreads(cores, hear, place), scanned: () => scanned };
}

/** Folders of testdata. Each of the two runtimes scans every eighth one: what is sent between threads is plain data. */
const FOLDERS = readdirSync(TESTDATA, { withFileTypes: true })
  .filter((it) => it.isDirectory()).map(({ name }) => name).sort()
  .filter((_, index) => index % 8 === ("Bun" in globalThis ? 5 : 3));

test("Folders of testdata are reported with the same bytes, by one thread or by four", async () => {
  const args = ["--format", "json", ...FOLDERS.map((it) => join(TESTDATA, it))];
  const alone = await run(args, undefined);
  const { threads, scanned } = counter(4);
  const together = await run(args, threads);
  assert.equal(together.out, alone.out);
  assert.deepEqual(together, alone);
  assert.ok(scanned() > 50, `workers scanned ${scanned()}`);
});

// The other writers are functions of the same report.
for (const format of ["text", "ndjson", "sarif"]) {
  test(`Repositories and models are reported with the same bytes as ${format}`, async () => {
    const paths = ["numpy", "torch", "nowhere", "onnx", "repository/harmful"]
      .map((it) => join(TESTDATA, it));
    const args = ["--verbose", "--format", format, ...paths];
    const alone = await run(args, undefined);
    const { threads, scanned } = counter(3);
    assert.deepEqual(await run(["--jobs", "3", ...args], threads), alone);
    assert.ok(scanned() > 0);
  });
}

/** A worker that comes to grief over files whose names say so. */
const ILL_FATED = new URL("testing/worker.ts", import.meta.url);

test("A real thread that exits, throws or sends what cannot be sent costs its own file and no other", async () => {
  await inFolder(1, async (folder) => {
    for (const name of ["10", "20_exits", "30", "40_throws", "50_clones", "60", "70"]) {
      cpSync(join(TESTDATA, "torch/safe/state_dict.pt"), join(folder, `${name}.pt`));
    }
    const { scan, letGo } = held();
    let ended = 0;
    const { cores, start } = realThreads(4, () => {}, ILL_FATED);
    const threads: Threads = {
      cores,
      start: (data, events) => {
        let once = false;
        return start(data, {
          ...events,
          ended(reason) {
            events.ended(reason);
            if (!once && ++ended === 3) letGo();
            once = true;
          },
          message(message) {
            events.message(message);
            const { type } = message as WorkerMessage;
            if (type === "failed" && !once && ++ended === 3) letGo();
            if (type === "failed") once = true;
          },
        });
      },
    };
    const { out, code } = await scanWith([folder], supply(threads), { scan, options: { jobs: 4 } });
    const lost = reported(out).filter((it) => it.endsWith("incomplete"));
    assert.deepEqual(lost, [
      "20_exits.pt incomplete",
      "40_throws.pt incomplete",
      "50_clones.pt incomplete",
    ]);
    const fine = reported(out).filter((it) => it.endsWith("clean"));
    assert.deepEqual(fine, ["10.pt clean", "30.pt clean", "60.pt clean", "70.pt clean"]);
    assert.equal(
      reported(out).filter((it) => /: .*the thread that scanned it ended/.test(it)).length,
      3,
    );
    assert.equal(code, 1);
  });
});

test("A real thread that hangs is ended after Ctrl-C, and its file is incomplete", async () => {
  await inFolder(1, async (folder) => {
    for (const name of ["10", "20_hangs", "30"]) {
      cpSync(join(TESTDATA, "torch/safe/state_dict.pt"), join(folder, `${name}.pt`));
    }
    const io = testIo();
    const { scan, letGo } = held();
    const hear = (message: WorkerMessage): void => {
      // The worker says so before it hangs.
      if (message.type === "progress") setTimeout(() => (io.interrupt(), letGo()), 0);
    };
    const threads = supply(realThreads(2, hear, ILL_FATED));
    const { out, code } = await scanWith([folder], threads, { scan, io, options: { jobs: 2 } });
    assert.deepEqual(reported(out).slice(1), [
      "10.pt clean",
      "20_hangs.pt: Interrupted. This file was not scanned to its end.",
      "20_hangs.pt incomplete",
      "30.pt: Interrupted. This file and what comes after it were not scanned.",
    ]);
    assert.equal(code, 130);
  });
});

test("A task that takes more than the memory of a real thread is given up, and no other", {
  skip: "Bun" in globalThis && "Bun has no limit for the memory of a thread",
}, async () => {
  await inFolder(1, async (folder) => {
    const items = Array.from(
      { length: 200_000 },
      (_, index) => ({ [`k${index}`]: { a: [index] } }),
    );
    mkdirSync(join(folder, "large"));
    writeFileSync(join(folder, "large/config.json"), JSON.stringify({ x: items }));
    const paths = ["torch/safe/state_dict.pt", "torch/safe/state_dict.pt"].map((it) =>
      join(TESTDATA, it)
    );
    const tasks = [...paths, join(folder, "large/config.json"), ...paths]
      .map((path, index) => JSON.stringify({ id: String(index), path }));
    const io = testIo({ stdin: [new TextEncoder().encode(tasks.join("\n"))] });
    const worker = new URL("../../worker.ts", import.meta.url);
    Object.assign(io, { threads: supply({ ...threadsAt(worker), cores: 2 }) });
    const args = ["worker", "--offline", "--no-config", "--memory", "64MB", "--concurrency", "5"];
    assert.equal(await runMain(args, io), 0);
    const results = io.stdout.text.trim().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(
      results.map(({ id, verdict, error }) => `${id} ${verdict} ${error?.reason ?? ""}`.trim())
        .sort(),
      ["0 clean", "1 clean", "2 incomplete memory", "3 clean", "4 clean"],
    );
  });
});

test("Where the worker's module is missing, one thread gives the same report", async () => {
  const args = ["--format", "json", join(TESTDATA, "torch/harmful")];
  const place = new URL("no_such_worker.ts", import.meta.url);
  const { threads, scanned } = counter(3, place);
  assert.deepEqual(await run(args, threads), await run(args, undefined));
  assert.equal(scanned(), 0);
});

test("A real Ctrl-C while several threads scan: what was found, in order, and what was not", {
  skip: process.platform === "win32",
}, async () => {
  await inFolder(0, async (folder) => {
    makeDictionaries(join(folder, "0000.pkl"), 10_000);
    for (let index = 1; index < 2000; index++) {
      linkSync(join(folder, "0000.pkl"), join(folder, `${String(index).padStart(4, "0")}.pkl`));
    }
    writeFileSync(join(folder, "9999.txt"), "");
    const launcher = fileURLToPath(new URL("../../scripts/modelaudit", import.meta.url));
    const args = ["scan", "--no-config", "--jobs", "3", "--format", "ndjson", folder];
    const child = spawn(launcher, args, { stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let pressed = false;
    child.stderr.resume();
    child.stdout.on("data", (chunk) => {
      out += chunk;
      // By now workers are at it: the first hundred files take longer than their start.
      if (pressed || out.split("\n").length < 150) return;
      pressed = true;
      child.kill("SIGINT");
    });
    const code = await new Promise((done) =>
      child.on("close", (code, signal) => done(code ?? signal))
    );
    assert.ok(code === 130 || code === "SIGINT", `${code}`);
    const lines = out.trimEnd().split("\n").map((line) => JSON.parse(line));
    const assets = lines.filter(({ type }) => type === "asset");
    const named = assets.map(({ path }) => Number(path.slice(-8, -4)));
    assert.deepEqual(named, named.map((_, index) => index));
    const rest = lines.at(-2);
    assert.equal(rest.type, "error");
    assert.equal(Number(rest.path.slice(-8, -4)), named.length);
    assert.match(rest.message, /This file and what comes after it were not scanned/);
    assert.equal(lines.at(-1).type, "summary");
  });
});

test("The worker lies beside the entry and is of its kind", () => {
  assert.equal(workerModuleOf("file:///a/cli.ts").href, "file:///a/worker.ts");
  assert.equal(workerModuleOf("file:///a.b/c/cli.js").href, "file:///a.b/c/worker.js");
});

test("Unasked, there are as many threads as cores and no more than four; never none", () => {
  assert.deepEqual([0, 1, 2, 4, 64].map((cores) => jobsOf(undefined, cores)), [1, 1, 2, 4, 4]);
  assert.equal(jobsOf(7, 2), 7);
});
