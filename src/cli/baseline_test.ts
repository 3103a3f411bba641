import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runMain } from "./commands/main.ts";
import { testIo } from "./testing/io.ts";

const command = (text: string) => `cos\nsystem\n(S'${text}'\ntR.`;

async function run(args: readonly string[]) {
  const io = testIo();
  const code = await runMain(args, io);
  return { code, out: io.stdout.text, err: io.stderr.text };
}

/** Runs with a model and a baseline of it. */
async function withBaseline(
  pickle: string,
  check: (
    folder: string,
    scan: () => Promise<{ code: number; suppressed: number }>,
  ) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-baseline-"));
  try {
    mkdirSync(join(folder, "models"));
    writeFileSync(join(folder, "models", "model.pkl"), pickle);
    const { code, out } = await run(["baseline", join(folder, "models")]);
    assert.equal(code, 0);
    const file = join(folder, "baseline.json");
    writeFileSync(file, out);
    await check(folder, async () => {
      const args = ["--format", "json", "--baseline", file, join(folder, "models")];
      const scanned = await run(args);
      return { code: scanned.code, suppressed: JSON.parse(scanned.out).suppressed };
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("what the baseline knows is counted and fails no run", async () => {
  await withBaseline(command("echo hi"), async (_, scan) => {
    assert.deepEqual(await scan(), { code: 0, suppressed: 1 });
  });
});

test("a file that was moved, or that has more bytes in front, is still known", async () => {
  await withBaseline(command("echo hi"), async (folder, scan) => {
    const models = join(folder, "models");
    mkdirSync(join(models, "deeper"));
    renameSync(join(models, "model.pkl"), join(models, "deeper", "model.pkl"));
    assert.deepEqual(await scan(), { code: 0, suppressed: 1 });
    writeFileSync(join(models, "deeper", "model.pkl"), `S'more in front'\n0${command("echo hi")}`);
    assert.deepEqual(await scan(), { code: 0, suppressed: 1 });
  });
});

test("another command, another file and a copy are new", async () => {
  await withBaseline(command("echo hi"), async (folder, scan) => {
    const model = join(folder, "models", "model.pkl");
    writeFileSync(model, command("echo other"));
    assert.equal((await scan()).code, 1);
    writeFileSync(model, command("echo hi"));
    writeFileSync(join(folder, "models", "other.pkl"), command("echo hi"));
    assert.deepEqual(await scan(), { code: 1, suppressed: 1 });
    renameSync(join(folder, "models", "other.pkl"), join(folder, "copy.pkl"));
    mkdirSync(join(folder, "models", "copy"));
    writeFileSync(join(folder, "models", "copy", "model.pkl"), command("echo hi"));
    assert.deepEqual(await scan(), { code: 1, suppressed: 1 });
  });
});

test("what could not be read stays incomplete whatever the baseline knows", async () => {
  await withBaseline("cos\nsystem\n(S'echo", async (_, scan) => {
    assert.notEqual((await scan()).code, 0);
  });
});

test("a baseline that hides danger says so", async () => {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-baseline-"));
  try {
    writeFileSync(join(folder, "model.pkl"), command("echo hi"));
    assert.match((await run(["baseline", folder])).err, /hides the issues of 1 dangerous file/);
    assert.equal((await run(["baseline", join(folder, "gone")])).code, 2);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("what is no baseline is an error, exit code 2", async () => {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-baseline-"));
  try {
    const file = join(folder, "b.json");
    const wrong = [
      "not json",
      "[]",
      "{}",
      '{"modelaudit_baseline": 2, "issues": []}',
      '{"modelaudit_baseline": 1}',
      '{"modelaudit_baseline": 1, "issues": [{"fingerprint": "x"}]}',
    ];
    for (const text of wrong) {
      writeFileSync(file, text);
      const { code, err } = await run(["--baseline", file, folder]);
      assert.equal(code, 2, text);
      assert.match(err, /Cannot read the baseline/, text);
    }
    assert.equal((await run(["--baseline", join(folder, "gone.json"), folder])).code, 2);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
