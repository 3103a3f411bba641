import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { loadRules } from "../rules/rules.ts";
import { scanSource } from "../scan/scan_source.ts";
import { bytesSource } from "../sources/memory.ts";
import { serveScans } from "./served.ts";

type Pipe = Parameters<typeof serveScans>[0];
type Line = Readonly<Record<string, unknown>> & { readonly type: string };

const TESTDATA = fileURLToPath(new URL("../../testdata/", import.meta.url));
const HARMFUL = readFileSync(join(TESTDATA, "pickle/harmful/add_extension_ext1.pkl"));

/** A range as the parent answers it: its bytes, "unreadable", or undefined to close the pipe. */
type Answer = (offset: number, length: number) => Uint8Array | "unreadable" | undefined;

function frame(bytes: Uint8Array): Uint8Array {
  const framed = new Uint8Array(4 + bytes.length);
  new DataView(framed.buffer).setUint32(0, bytes.length);
  framed.set(bytes, 4);
  return framed;
}

function taskFrame(task: object): Uint8Array {
  const usual = { path: "model.pkl", configuration: null, timeout: null };
  return frame(new TextEncoder().encode(JSON.stringify({ ...usual, ...task })));
}

/** A parent that sends tasks, one once the other is done, and answers what is read. */
function parentOf(tasks: readonly Uint8Array[], answer: Answer): { pipe: Pipe; lines: Line[] } {
  let waiting: number[] = [];
  const left = [...tasks];
  const lines: Line[] = [];
  const next = (): void => {
    const task = left.shift();
    if (task !== undefined) waiting.push(...task);
  };
  return {
    lines,
    pipe: {
      read(target) {
        if (waiting.length < target.length) return false;
        target.set(waiting.slice(0, target.length));
        waiting = waiting.slice(target.length);
        return true;
      },
      write(text) {
        for (const line of text.trimEnd().split("\n")) {
          const record = JSON.parse(line) as Line;
          lines.push(record);
          if (["ready", "done", "failed"].includes(record.type)) next();
          if (record.type !== "read") continue;
          const given = answer(Number(record["offset"]), Number(record["length"]));
          if (given === "unreadable") waiting.push(255, 255, 255, 255);
          else if (given !== undefined) waiting.push(...frame(given));
        }
      },
    },
  };
}

function answerOf(bytes: Uint8Array): Answer {
  return (offset, length) => {
    assert.ok(length > 0 && offset + length <= bytes.length, `${offset} ${length}`);
    return bytes.subarray(offset, offset + length);
  };
}

async function serve(tasks: readonly Uint8Array[], answer: Answer): Promise<Line[]> {
  const { pipe, lines } = parentOf(tasks, answer);
  await serveScans(pipe);
  return lines;
}

const typesOf = (lines: readonly Line[]): string[] =>
  lines.map(({ type }) => type).filter((type) => type !== "read");

test("bytes that the parent serves get the verdict and the issues of the same bytes in memory", async () => {
  const rules = loadRules();
  for (const folder of ["pickle/harmful", "zip/harmful", "numpy/harmful", "sevenzip/harmful"]) {
    for (const name of readdirSync(join(TESTDATA, folder)).slice(0, 6)) {
      const path = join(TESTDATA, folder, name);
      if (!statSync(path).isFile()) continue;
      const bytes = readFileSync(path);
      const expected = await scanSource(bytesSource(name, bytes), { rules });
      const lines = await serve(
        [taskFrame({ path: name, size: bytes.length })],
        answerOf(bytes),
      );
      const asset = lines.find(({ type }) => type === "asset");
      assert.equal(asset?.["verdict"], expected.verdict, path);
      assert.deepEqual(asset?.["formats"], expected.formats, path);
      assert.equal(asset?.["risk_score"], expected.riskScore, path);
    }
  }
});

test("tasks are served one after the other, each ended by a line of its own", async () => {
  const task = taskFrame({ size: HARMFUL.length });
  const types = typesOf(await serve([task, task], answerOf(HARMFUL)));
  const once = ["issue", "issue", "asset", "done"];
  assert.deepEqual(types, ["ready", ...once, ...once]);
});

test("bytes that become fewer or cannot be read make the file incomplete", async () => {
  const size = HARMFUL.length;
  for (const answer of [() => HARMFUL.subarray(0, 5), () => "unreadable"] satisfies Answer[]) {
    const lines = await serve([taskFrame({ size })], answer);
    assert.equal(lines.find(({ type }) => type === "asset")?.["verdict"], "incomplete");
    assert.equal(lines.at(-1)?.type, "done");
  }
});

test("a parent that goes away in the middle of a scan gets no report", async () => {
  const lines = await serve([taskFrame({ size: HARMFUL.length })], () => undefined);
  assert.deepEqual(typesOf(lines), ["ready"]);
});

test("an answer longer than what was asked for ends the process's work", async () => {
  const lines = await serve(
    [taskFrame({ size: HARMFUL.length })],
    () => new Uint8Array(HARMFUL.length + 1),
  );
  assert.deepEqual(typesOf(lines), ["ready"]);
});

test("wrong tasks and configurations are named, and the next task is served", async () => {
  const size = HARMFUL.length;
  const wrong = [
    frame(new TextEncoder().encode("no JSON")),
    taskFrame({ size: -1 }),
    taskFrame({ size, path: 3 }),
    taskFrame({ size, timeout: "long" }),
    taskFrame({ size, configuration: {} }),
    taskFrame({ size, configuration: { path: "a.toml", text: "allow = 3" } }),
  ];
  const types = typesOf(await serve([...wrong, taskFrame({ size })], answerOf(HARMFUL)));
  assert.deepEqual(types.slice(1, 1 + wrong.length), wrong.map(() => "failed"));
  assert.equal(types.at(-1), "done");
});

test("a configuration judges its own tasks and no others", async () => {
  const bytes = Uint8Array.of(
    0x80,
    ...new TextEncoder().encode("\x02cours.models\nNet\n)"),
    0x81,
    0x2e,
  );
  const allowing = { path: "ours.toml", text: 'allow = ["ours.models.*"]' };
  const tasks = [null, allowing, null].map((configuration) =>
    taskFrame({ size: bytes.length, configuration })
  );
  const lines = await serve(tasks, answerOf(bytes));
  assert.deepEqual(
    lines.filter(({ type }) => type === "asset").map(({ verdict }) => verdict),
    ["suspicious", "clean", "suspicious"],
  );
});

test("a scan past its time is incomplete", async () => {
  const lines = await serve([taskFrame({ size: HARMFUL.length, timeout: -1 })], answerOf(HARMFUL));
  assert.notEqual(lines.find(({ type }) => type === "asset")?.["verdict"], "clean");
});
