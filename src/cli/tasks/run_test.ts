import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runMain } from "../commands/main.ts";
import { withServer } from "../testing/hub.ts";
import { testIo } from "../testing/io.ts";
import { COMMIT } from "../testing/server.ts";
import { ResultsFile } from "./results_file.ts";

const LAUNCHER = fileURLToPath(new URL("../../../scripts/modelaudit", import.meta.url));
const TESTDATA = fileURLToPath(new URL("../../../testdata/", import.meta.url));
const EVAL = `${TESTDATA}pickle/harmful/malicious_eval.pkl`;
const HARMLESS = Uint8Array.of(0x80, 2, 0x5d, 0x4b, 1, 0x61, 0x4b, 2, 0x61, 0x2e);

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-run-"));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const manifest = (tasks: readonly object[]): string =>
  tasks.map((it) => `${JSON.stringify(it)}\n`).join("");

async function run(args: readonly string[], env: Record<string, string> = {}) {
  const io = testIo({ now: Date.now, env });
  const code = await runMain(["run", "--no-config", ...args], io);
  return { code, err: io.stderr.text, confined: io.confined };
}

const linesOf = (file: string): { id: string; verdict: string; error: null | object }[] =>
  readFileSync(file, "utf8").split("\n").slice(0, -1).map((it) => JSON.parse(it));
const idsOf = (file: string): string[] => linesOf(file).map(({ id }) => id).sort();

test("tasks that have a result are not done again, and a torn last line is", async () => {
  await inFolder(async (folder) => {
    const [tasks, out] = [join(folder, "tasks"), join(folder, "out")];
    writeFileSync(tasks, manifest(["a", "b", "c"].map((id) => ({ id, path: EVAL }))));
    writeFileSync(out, `${JSON.stringify({ id: "b", verdict: "clean" })}\n{"id":"c","verdict":"cl`);
    const first = await run(["--offline", tasks, out]);
    assert.equal(first.code, 0);
    assert.deepEqual(idsOf(out), ["a", "b", "c"]);
    assert.equal(linesOf(out).find(({ id }) => id === "b")?.verdict, "clean");
    assert.equal(linesOf(out).find(({ id }) => id === "c")?.verdict, "dangerous");
    const before = readFileSync(out);
    assert.equal((await run(["--offline", tasks, out])).code, 0);
    assert.deepEqual(readFileSync(out), before);
    // What a crash of the machine leaves in the middle is no result.
    appendFileSync(out, "\0\0\0\0\n");
    assert.equal((await run(["--offline", tasks, out])).code, 0);
    assert.deepEqual(readFileSync(out).length, before.length + 5);
  });
});

test("an id has one result, whatever lines of the manifest have it", async () => {
  await inFolder(async (folder) => {
    const [tasks, out] = [join(folder, "tasks"), join(folder, "out")];
    const lines = [
      { id: "a", path: EVAL },
      { id: "a", path: TESTDATA },
      { id: "a" },
      { id: "bad" },
      { id: "bad" },
      { path: EVAL },
    ];
    writeFileSync(tasks, manifest(lines));
    for (let time = 0; time < 2; time++) {
      const { code, err } = await run(["--offline", tasks, out]);
      assert.equal(code, 2);
      assert.match(err, /no task/);
      assert.deepEqual(idsOf(out), ["a", "bad"]);
    }
  });
});

test("what fails for now is left for the next run, and written when that is asked for", async () => {
  await withServer(async (server) => {
    await inFolder(async (folder) => {
      const [tasks, out] = [join(folder, "tasks"), join(folder, "out")];
      server.repository("org/model", { "a.pkl": HARMLESS });
      let limited = true;
      server.serve(`/org/model/resolve/${COMMIT}/a.pkl`, HARMLESS, (_, response) => {
        if (!limited) return false;
        response.writeHead(429, { "retry-after": "999" });
        response.end();
        return true;
      });
      writeFileSync(tasks, manifest([{ id: "a", uri: "hf://org/model" }, { id: "b", path: EVAL }]));
      const args = ["--allow-private-network", tasks, out];
      const env = { HF_ENDPOINT: server.url };
      const first = await run(args, env);
      assert.equal(first.code, 2);
      assert.match(first.err, /failed for now/);
      assert.deepEqual(idsOf(out), ["b"]);
      limited = false;
      assert.equal((await run(args, env)).code, 0);
      assert.deepEqual(linesOf(out).map(({ id, verdict }) => [id, verdict]), [
        ["b", "dangerous"],
        ["a", "clean"],
      ]);
      limited = true;
      const other = join(folder, "other");
      assert.equal(
        (await run(["--give-up", "--allow-private-network", tasks, other], env)).code,
        0,
      );
      assert.deepEqual(idsOf(other), ["a", "b"]);
    });
  });
});

test("results go to no link, no device and no file that the run reads", async () => {
  await inFolder(async (folder) => {
    const [tasks, out] = [join(folder, "tasks"), join(folder, "out")];
    writeFileSync(tasks, manifest([{ id: "a", path: EVAL }]));
    if (process.platform !== "win32") {
      symlinkSync(join(folder, "other"), out);
      assert.equal((await run(["--offline", tasks, out])).code, 2);
      assert.equal(existsSync(join(folder, "other")), false);
    }
    assert.equal((await run(["--offline", tasks, folder])).code, 2);
    const { code, confined } = await run(["--offline", tasks, tasks]);
    assert.equal(code, 2);
    assert.deepEqual(confined, []);
    assert.equal(linesOf(tasks).length, 1);
  });
});

const posix = { skip: process.platform === "win32" };

test("a run that is killed at any point loses no result and doubles none", posix, async () => {
  await inFolder(async (folder) => {
    const [tasks, out] = [join(folder, "tasks"), join(folder, "out")];
    const ids = Array.from({ length: 250 }, (_, at) => `${at}`).sort();
    writeFileSync(tasks, manifest(ids.map((id) => ({ id, path: EVAL }))));
    const args = ["run", "--no-config", "--offline", "-j", "1", tasks, out];
    const start = () => spawn(LAUNCHER, args, { stdio: "ignore" });
    let before = 0;
    for (let kills = 0; kills < 6; kills++) {
      const child = start();
      const ended = new Promise<void>((done) => child.on("exit", () => done()));
      // Once it has begun to write, after some more bytes than were there: each time in the middle of another line.
      const goal = before + 1 + Math.floor(Math.random() * 35_000);
      while (child.exitCode === null) {
        const size = existsSync(out) ? readFileSync(out).length : 0;
        if (size >= goal) break;
        await new Promise((done) => setTimeout(done, 5));
      }
      child.kill("SIGKILL");
      await ended;
      before = readFileSync(out).length;
      // A kill seldom falls into a write of one line; what it would leave is made here.
      if (kills % 2 === 1) appendFileSync(out, '{"schema_version":"1.0","id":"3');
    }
    const child = start();
    const code = await new Promise((done) => child.on("exit", done));
    assert.equal(code, 0);
    assert.deepEqual(idsOf(out), ids);
    assert.ok(
      linesOf(out).every(({ verdict, error }) => verdict === "dangerous" && error === null),
    );
  });
});

test("of two runs that write one file the second to notice ends, and no result is lost", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "out.ndjson");
    const [one, other] = [new ResultsFile(path), new ResultsFile(path)];
    const line = (id: string): string => `${JSON.stringify({ id, verdict: "clean" })}\n`;
    assert.equal(one.append(line("a longer id")), true);
    assert.equal(other.append(line("b")), false);
    assert.equal(other.failure, "another program writes to it");
    assert.equal(other.append(line("c")), false);
    assert.equal(one.append(line("d")), true);
    one.close();
    other.close();
    assert.equal(
      await Promise.resolve(readFileSync(path, "utf8")),
      line("a longer id") + line("d"),
    );
  });
});
