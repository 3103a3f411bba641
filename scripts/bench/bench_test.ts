import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { makeCheckpoint } from "./checkpoint.ts";
import { writeDictionaries } from "./dictionaries.ts";
import { comparisonNames, comparisonTable, megabytes } from "./side_by_side.ts";
import { BENCHES } from "./benches.ts";
import { INPUTS } from "./inputs.ts";
import { page } from "./page.ts";
import { run } from "./process.ts";
import {
  answerOfFickling,
  answerOfModelscan,
  answerOfOurs,
  answerOfPicklescan,
  answerOfPythonModelaudit,
  objectIn,
} from "./programs.ts";
import { randomFrom } from "./random.ts";
import { makeSmallFiles } from "./small_files.ts";
import { markdown, median, table } from "./table.ts";

// What CPython 3.11 writes: hashlib.sha256(pickle.dumps([record(i) for i in range(n)], protocol=4)),
// with record() as in the comment of writeDictionaries.
const WRITTEN_BY_CPYTHON = [
  [2, "39f01e0ff236bda2131c03aa6fe13cf96afb5937e9598cfcb4e77f8bb7c1aa3b"],
  [1000, "796558eb924a03a6245f748b734f65702e14693755113e0298b0171335c4b56b"],
  [1001, "ffca5eaaec1b79c963970939af237830981dd20b5d5055648849f793b88e51d0"],
  [5000, "e1993b8f3e0b636a31a5f40de8ea327869ede4a183a1180789a833eebabeb0c1"],
] as const;

test("the dictionaries are byte for byte what CPython's pickler writes", () => {
  for (const [count, expected] of WRITTEN_BY_CPYTHON) {
    const hash = createHash("sha256");
    writeDictionaries(count, (bytes) => hash.update(bytes));
    assert.equal(hash.digest("hex"), expected, `${count} records`);
  }
});

test("fewer than two dictionaries are refused", () => {
  assert.throws(() => writeDictionaries(1, () => {}), RangeError);
});

test("the checkpoint is a zip whose storages are aligned and whose directory fits", () => {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-bench-"));
  try {
    const path = join(folder, "two.pt");
    makeCheckpoint(path, 2);
    const bytes = readFileSync(path);
    assert.equal(bytes.length, statSync(path).size);
    const end = bytes.length - 22;
    assert.equal(bytes.readUInt32LE(end), 0x06054b50);
    const entries = bytes.readUInt16LE(end + 10);
    const start = bytes.readUInt32LE(end + 16);
    const names: string[] = [];
    let at = start;
    for (let index = 0; index < entries; index++) {
      assert.equal(bytes.readUInt32LE(at), 0x02014b50);
      const size = bytes.readUInt32LE(at + 24);
      const length = bytes.readUInt16LE(at + 28);
      const local = bytes.readUInt32LE(at + 42);
      const name = bytes.toString("latin1", at + 46, at + 46 + length);
      names.push(name);
      assert.equal(bytes.readUInt32LE(local), 0x04034b50);
      const data = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
      assert.equal(data % 64, 0, `${name} begins at ${data}`);
      assert.equal(bytes.readUInt32LE(data + size), 0x08074b50);
      at += 46 + length;
    }
    assert.equal(names[0], "archive/data.pkl");
    assert.ok(names.includes("archive/data/1") && names.includes("archive/version"));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a checkpoint that would need another layout is refused", () => {
  assert.throws(() => makeCheckpoint("/nowhere", 1024), RangeError);
});

test("the median is the middle one", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.ok(Number.isNaN(median([])));
});

test("the table says what was demanded and whether it is met", () => {
  const text = table([
    { what: "scan", value: 0.25, unit: "s", limit: 0.3 },
    { what: "faster by", value: 3.9, unit: "times", least: 4 },
    { what: "memory", value: undefined, unit: "MB", limit: 300 },
  ]);
  assert.match(text, /scan +\| 0\.250 s +\| below 0\.3 s +\| met/);
  assert.match(text, /faster by \| 3\.9 times +\| at least 4 times \| missed/);
  assert.match(text, /memory +\| not measured \| below 300 MB/);
});

/** A run that ended by itself. */
function ended(code: number, stdout = "", stderr = "") {
  return { seconds: 1, code, stdout, stderr, peak: undefined, read: undefined, over: undefined };
}

const inFolder = async (body: (folder: string) => void | Promise<void>) => {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-bench-"));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

test("what each scanner says is taken from its own exit code and output", () => {
  const issue = '{"issues": [{"severity": "critical", "message": "m", "description": "d"}]}';
  const none = '{"issues": [], "errors": [], "files_scanned": 1}';
  const kinds = [
    answerOfOurs(ended(0, none)),
    answerOfOurs(ended(1, issue)),
    answerOfOurs(ended(2, none)),
    answerOfOurs(ended(2, "", "error")),
    answerOfPicklescan(ended(0, "Scanned files: 1\nInfected files: 0")),
    answerOfPicklescan(ended(1, "a.pkl: dangerous import 'os system' FOUND\nScanned files: 1")),
    answerOfPicklescan(ended(0, "Scanned files: 0\nInfected files: 0")),
    answerOfPicklescan(ended(2, "Unhandled exception\nValueError: x")),
    answerOfModelscan(ended(0, `No settings file\n${none}`)),
    answerOfModelscan(ended(1, `Scanning a.pkl\n${issue}`)),
    answerOfModelscan(ended(3, none)),
    answerOfModelscan(ended(2, "Exception: x")),
    answerOfFickling(ended(0)),
    answerOfFickling(ended(1)),
    answerOfFickling(ended(2, "", "Fickling failed to parse this pickle file.")),
    answerOfFickling(ended(1, "", "Traceback (most recent call last):\nValueError: x")),
    answerOfPythonModelaudit(ended(0, none)),
    answerOfPythonModelaudit(ended(1, issue)),
    answerOfPythonModelaudit(ended(0, '{"issues": [], "files_scanned": 0}')),
    answerOfPythonModelaudit(ended(2, "Traceback")),
  ].map(({ kind }) => kind);
  const each = ["clean", "flagged", "unread", "failed"];
  assert.deepEqual(kinds, [...each, ...each, ...each, ...each, ...each]);
});

test("who warns that it could not parse a file has not called it clean", () => {
  const stdout = "WARNING: could not parse a.onnx as pickle: opcode unknown\nScanned files: 1";
  assert.equal(answerOfPicklescan(ended(0, stdout)).kind, "unread");
});

test("fickling's breakdown is no find, although Python ends with the same exit code", () => {
  const broken = ended(1, "", "Traceback (most recent call last):\n  File\nRecursionError: deep");
  assert.deepEqual(answerOfFickling(broken), {
    kind: "failed",
    note: "exit code 1: RecursionError: deep",
  });
});

test("JSON is found behind talk that has braces of its own", () => {
  assert.deepEqual(objectIn('reading {x}\n{"a": {"b": 1}}'), { a: { b: 1 } });
  assert.equal(objectIn("no {json here"), undefined);
  assert.equal(objectIn("[1, 2]"), undefined);
});

test("losses are shown like wins, and who did not end has no ratio", () => {
  const side = (program: string, seconds: number | undefined, outcome = "clean") => ({
    program,
    seconds,
    runs: 5,
    peak: 1e6,
    read: undefined,
    outcome,
  });
  const text = comparisonTable({
    title: "t",
    sides: [
      side("ours", 2),
      side("quick", 0.5),
      side("slow", 40),
      side("late", undefined, "over 120 s"),
    ],
  });
  const cells = text.split("\n").slice(2).map((line) => line.split("|").map((cell) => cell.trim()));
  assert.deepEqual(cells.map((line) => line.slice(2, 4)), [
    ["2.00 s", "1"],
    ["0.50 s", "0.3"],
    ["40 s", "20"],
    ["over 120 s", ""],
  ]);
});

test("amounts are written in MB, and in GB where there are a thousand of them", () => {
  assert.deepEqual([1_500_000, 12_300_000, 2_100_000_000].map(megabytes), [
    "1.5 MB",
    "12 MB",
    "2.1 GB",
  ]);
});

test("every input belongs to something that --only can name, and no two share a file", () => {
  const names = [...BENCHES.map(({ name }) => name), ...comparisonNames()];
  assert.deepEqual(INPUTS.filter(({ bench }) => !names.includes(bench)), []);
  assert.equal(new Set(INPUTS.map(({ file }) => file)).size, INPUTS.length);
});

test("the page says when other scanners were not measured", () => {
  const setting = { rounds: 3, records: 10, python: undefined };
  const all = {
    machine: "2 cores",
    setting,
    rows: [],
    comparisons: [],
    versions: [],
    left: [],
    only: undefined,
  };
  assert.match(page(all), /Other scanners were not measured/);
  const one = { title: "An input", sides: [] };
  const text = page({ ...all, comparisons: [one], versions: ["scanner 1.0"], left: ["x: y"] });
  assert.match(text, /scanner 1\.0\./);
  assert.match(text, /### An input/);
  assert.match(text, /Left out:\n\n- x: y\n/);
  assert.doesNotMatch(text, /not measured\n/);
});

test("columns of a table are as wide as their widest cell", () => {
  assert.equal(markdown(["a", "b"], [["long", "1"]]), "| a    | b |\n| ---- | - |\n| long | 1 |");
});

test("numbers from a seed are the same each time and differ by seed", () => {
  const some = (seed: number) => {
    const random = randomFrom(seed);
    return Array.from({ length: 100 }, random);
  };
  assert.deepEqual(some(7), some(7));
  assert.notDeepEqual(some(7), some(8));
  assert.ok(some(7).every((value) => value >= 0 && value < 1));
});

test("the folder of small files holds as many as asked, a third of each kind, the same each time", async () => {
  await inFolder((folder) => {
    const contents = ["one", "two"].map((name) => {
      makeSmallFiles(join(folder, name), 30, 7);
      return readdirSync(join(folder, name), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => [entry.name, readFileSync(join(entry.parentPath, entry.name), "hex")])
        .sort();
    });
    assert.deepEqual(contents[0], contents[1]);
    const endings = contents[0]?.map(([name = ""]) => name.split(".")[1]) ?? [];
    for (const ending of ["pkl", "json", "safetensors"]) {
      assert.equal(endings.filter((one) => one === ending).length, 10, ending);
    }
  });
});

test("a process that takes too long is ended with its children", async () => {
  await inFolder(async (cwd) => {
    // The child holds the output open: waiting for its end would take ten minutes.
    const done = await run("sh", ["-c", "sleep 600 & sleep 600"], { cwd, timeLimit: 0.3 });
    assert.equal(done.over, "time");
    assert.equal(done.code, undefined);
    assert.ok(done.seconds < 300);
  });
});

test("exit code, both outputs and what it is reported of its environment come back", async () => {
  await inFolder(async (cwd) => {
    const script = "echo out $ONE; echo err >&2; exit 3";
    const { code, stdout, stderr, over } = await run("sh", ["-c", script], {
      cwd,
      environment: { ONE: "1" },
    });
    assert.deepEqual({ code, stdout, stderr, over }, {
      code: 3,
      stdout: "out 1\n",
      stderr: "err\n",
      over: undefined,
    });
  });
});
