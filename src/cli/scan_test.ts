import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { file, SAMPLES } from "../../testdata/report/samples.ts";
import { SourceError } from "../core/errors.ts";
import type { Limits } from "../core/types.ts";
import { type Engine, runScan, type ScanCommandOptions } from "./commands/scan.ts";
import type { ScanSource } from "../scan/asset/scan_file.ts";
import { type TestIo, testIo, USUAL } from "./testing/io.ts";

const COMMANDS = ["scan", "explain", "rules", "disasm", "version"];

/** Reads names: a file whose name has "evil" in it is dangerous, and so on. */
const byName: ScanSource = async (source, { path = source.name }) => {
  const bytes = await source.read(0, 100);
  const findings = SAMPLES["one_harmful"]?.files[0]?.findings ?? [];
  const verdict = /evil|suspicious|incomplete|clean/.exec(path)?.[0] ?? "skipped";
  const base = verdict === "evil"
    ? file(path, "dangerous", findings)
    : file(path, verdict as "suspicious" | "incomplete" | "clean" | "skipped");
  return { ...base, size: bytes.length, bytesRead: bytes.length };
};

function engine(scan: ScanSource = byName): Engine {
  const never = () => {
    throw new Error("not asked");
  };
  return {
    scan,
    rules: {
      version: "test",
      interest: { argumentsMatter: never },
      classify: never,
      judge: never,
      reasonsOf: () => undefined,
    },
  };
}

/** Runs in a folder of its own with these files. */
async function inFolder(
  names: readonly string[],
  run: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-cli-"));
  try {
    for (const name of names) {
      mkdirSync(join(folder, name, ".."), { recursive: true });
      writeFileSync(join(folder, name), "bytes");
    }
    await run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function scan(
  paths: readonly string[],
  options: Partial<ScanCommandOptions> = {},
  io: TestIo = testIo(),
  used: Engine = engine(),
) {
  const code = await runScan(paths, { ...USUAL, ...options }, COMMANDS, io, used);
  return { code, out: io.stdout.text, err: io.stderr.text };
}

test("A folder is scanned file by file, and the worst decides the exit code", async () => {
  await inFolder(["a/clean.pt", "a/b/evil.pkl", "notes.md"], async (folder) => {
    const { code, out } = await scan([folder]);
    const report = JSON.parse(out);
    assert.equal(code, 1);
    assert.equal(report.exit_code, 1);
    assert.deepEqual(
      report.assets.map((
        it: { path: string; verdict: string },
      ) => [it.path.slice(folder.length + 1), it.verdict]),
      [["a/b/evil.pkl", "dangerous"], ["a/clean.pt", "clean"], ["notes.md", "skipped"]],
    );
  });
});

test("A path that does not exist is an error with a remedy, and the others are scanned", async () => {
  await inFolder(["clean.pt"], async (folder) => {
    const { code, out } = await scan([join(folder, "gone.pkl"), join(folder, "clean.pt")]);
    const report = JSON.parse(out);
    assert.equal(code, 2);
    assert.equal(report.errors.length, 1);
    assert.match(report.errors[0].message, /no such file/);
    assert.notEqual(report.errors[0].remedy, "");
    assert.equal(report.assets[0].verdict, "clean");
  });
});

test("A mistyped command is taken for a path, and the remedy says what was meant", async () => {
  for (const format of ["text", "ndjson", "json"] as const) {
    const out = (await scan(["exlpain"], { format })).out.replaceAll(/\s+/g, " ");
    assert.match(out, /Did you mean \\?"explain\\?"\?/);
  }
  assert.match((await scan(["x", "disasm"])).out, /The command \\"disasm\\" must come first/);
});

test("A folder with nothing to scan exits with 2, or with 0 where that is allowed", async () => {
  await inFolder(["README.md"], async (folder) => {
    assert.equal((await scan([folder])).code, 2);
    assert.equal((await scan([folder], { allowNoModels: true })).code, 0);
    assert.match((await scan([folder], { format: "text" })).out, /NOTHING SCANNED/);
  });
});

test("What cannot be read to its end exits with 2", async () => {
  await inFolder(["incomplete.zip", "clean.pt"], async (folder) => {
    assert.equal((await scan([folder])).code, 2);
  });
});

test("The threshold moves what fails", async () => {
  await inFolder(["evil.pkl"], async (folder) => {
    assert.equal((await scan([folder], { failOn: "critical" })).code, 1);
    assert.equal((await scan([folder], { failOn: "never" })).code, 0);
  });
});

test("Globs choose what is scanned", async () => {
  await inFolder(["evil.pkl", "clean.pt", "old/evil.pkl"], async (folder) => {
    assert.equal((await scan([folder], { include: ["*.pt"] })).code, 0);
    assert.equal((await scan([folder], { exclude: ["*.pkl"] })).code, 0);
    assert.equal((await scan([folder], { exclude: ["old"] })).code, 1);
  });
});

test("A dash is standard input", async () => {
  const io = testIo({ stdin: [new Uint8Array([1, 2]), new Uint8Array([3])] });
  const seen: Uint8Array[] = [];
  await scan(
    ["-"],
    {},
    io,
    engine(async (source, options) => {
      seen.push((await source.read(0, 10)).slice());
      return await byName(source, { ...options, path: "clean.pkl" });
    }),
  );
  assert.deepEqual(seen.map((it) => [...it]), [[1, 2, 3]]);
});

test("NDJSON is written file by file, and ends with the exit code", async () => {
  await inFolder(["clean.pt", "evil.pkl"], async (folder) => {
    const io = testIo();
    const lengths: number[] = [];
    const { code, out } = await scan(
      [folder],
      { format: "ndjson" },
      io,
      engine((source, options) => {
        lengths.push(io.stdout.text.length);
        return byName(source, options);
      }),
    );
    const records = out.trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.equal(code, 1);
    assert.ok(
      (lengths[1] ?? 0) > (lengths[0] ?? 0),
      "the first file was told before the second began",
    );
    assert.equal(records[0].type, "start");
    assert.equal(records.at(-1).exit_code, 1);
  });
});

test("A reader that goes away ends the scan without an error", async () => {
  await inFolder(Array.from({ length: 50 }, (_, index) => `clean-${index}.pt`), async (folder) => {
    let scanned = 0;
    const io = testIo({ closesAfter: 2 });
    await scan(
      [folder],
      { format: "ndjson" },
      io,
      engine((source, options) => {
        scanned++;
        return byName(source, options);
      }),
    );
    assert.ok(scanned < 5, `${scanned} files were scanned for nobody`);
  });
});

test("Ctrl-C ends the scan with a report of what was done", async () => {
  await inFolder(["a-clean.pt", "b-clean.pt", "c-clean.pt"], async (folder) => {
    const io = testIo();
    const { code, out } = await scan(
      [folder],
      {},
      io,
      engine((source, options) => {
        if (options.path?.includes("b-")) {
          io.interrupt();
          assert.equal(options.signal?.aborted, true);
        }
        return byName(source, options);
      }),
    );
    const report = JSON.parse(out);
    assert.equal(code, 130);
    assert.equal(report.exit_code, 130);
    assert.equal(report.assets.length, 2);
    assert.match(report.errors[0].message, /Interrupted\. This file and what comes after it/);
  });
});

test("When the time of the whole scan is spent the rest is an error", async () => {
  await inFolder(["a-clean.pt", "b-clean.pt"], async (folder) => {
    const { code, out } = await scan(
      [folder],
      { timeout: 0.01 },
      testIo(),
      engine(async (source, options) => {
        await new Promise((done) => setTimeout(done, 60));
        return await byName(source, options);
      }),
    );
    assert.equal(code, 2);
    assert.match(JSON.parse(out).errors[0].message, /its time \(--timeout 0\.01 s\) was spent/);
  });
});

test("Limits reach the scan, and no file may take longer than what is left of the whole", async () => {
  await inFolder(["clean.pt"], async (folder) => {
    const seen: (Partial<Limits> | undefined)[] = [];
    const used = engine((source, options) => {
      seen.push(options.limits);
      return byName(source, options);
    });
    await scan([folder], { limits: { depth: 3 } }, testIo(), used);
    await scan([folder], { limits: { milliseconds: 9000 }, timeout: 5 }, testIo(), used);
    assert.deepEqual(seen, [{ depth: 3 }, { milliseconds: 5000 }]);
  });
});

test("Standard input that never ends does not outlive the time given or a Ctrl-C", async () => {
  const reading = engine(async (source, options) => {
    await source.read(0, 1_000_000);
    return await byName(source, options);
  });
  const forever: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }),
  };
  const io = { ...testIo(), stdin: () => forever };
  assert.equal((await scan(["-"], { timeout: 0.02 }, io, reading)).code, 2);
  const other = testIo();
  setTimeout(() => other.interrupt(), 20);
  assert.equal((await scan(["-"], {}, { ...other, stdin: () => forever }, reading)).code, 130);
});

test("An exception in the scan makes the file incomplete and not the program fail", async () => {
  await inFolder(["a-clean.pt", "evil.pkl"], async (folder) => {
    const { code, out } = await scan(
      [folder],
      {},
      testIo(),
      engine((source, options) => {
        if (options.path?.includes("evil")) throw new TypeError("x is not a function");
        return byName(source, options);
      }),
    );
    const report = JSON.parse(out);
    assert.equal(code, 2);
    assert.equal(report.assets[0].verdict, "incomplete");
    assert.match(report.errors[0].message, /this program failed \(TypeError: x is not/);
  });
});

test("A file that cannot be opened is incomplete, with the remedy that the source gave", async () => {
  await inFolder(["clean.pt"], async (folder) => {
    const { out } = await scan(
      [folder],
      {},
      testIo(),
      engine(() => {
        throw new SourceError("clean.pt", "Cannot read it: gone", { remedy: "Look for it." });
      }),
    );
    const report = JSON.parse(out);
    assert.equal(report.assets[0].verdict, "incomplete");
    assert.equal(report.errors[0].remedy, "Look for it.");
  });
});

test("An unreadable file is an error and the others are scanned", {
  skip: process.platform === "win32" || process.getuid?.() === 0,
}, async () => {
  await inFolder(["secret.pkl", "clean.pt"], async (folder) => {
    chmodSync(join(folder, "secret.pkl"), 0);
    const { code, out } = await scan([folder]);
    assert.equal(code, 2);
    assert.match(JSON.parse(out).errors[0].message, /permission denied/);
  });
});

test("Progress goes to standard error when that is a terminal, and is gone before the report", async () => {
  await inFolder(["clean.pt"], async (folder) => {
    let time = 0;
    const io = testIo({ tty: true, columns: 80, now: () => time += 1000 });
    const { err, out } = await scan([folder], { format: "text" }, io);
    assert.match(err, /clean\.pt/);
    assert.ok(err.endsWith("\r\x1b[2K"));
    assert.ok(!out.includes("\x1b[2K"));
    const silent = testIo({ tty: true, now: () => time += 1000 });
    await scan([folder], { progress: false }, silent);
    assert.equal(silent.stderr.text, "");
    const forced = testIo({ now: () => time += 5000 });
    await scan([folder], { progress: true }, forced);
    assert.match(forced.stderr.text, /clean\.pt\n/);
  });
});

test("Colour is in the report only where it is wanted", async () => {
  await inFolder(["evil.pkl"], async (folder) => {
    const run = async (env: Record<string, string>, tty: boolean): Promise<boolean> =>
      (await scan([folder], { format: "text", progress: false }, testIo({ env, tty }))).out
        .includes("\x1b[");
    assert.deepEqual(
      [await run({}, true), await run({ NO_COLOR: "1" }, true), await run({}, false)],
      [true, false, false],
    );
    assert.equal((await scan([folder], {}, testIo({ tty: true }))).out.includes("\x1b"), false);
  });
});
