import assert from "node:assert/strict";
import { test } from "node:test";
import type { Scanned } from "../../src/scan/asset/scan_file.ts";
import type { FromWorker, GivenGroup, Task, ToWorker } from "./messages.ts";
import { FileScan, scanAddress, type ScanEvents, type WorkerPort } from "./pool.ts";

/** A worker whose answers the test decides. */
class FakeWorker implements WorkerPort {
  readonly got: ToWorker[] = [];
  ended = false;
  #hear: (event: { data: FromWorker }) => void = () => {};
  #fail: (event: { message?: string }) => void = () => {};
  readonly #answer: (message: ToWorker, worker: FakeWorker) => void;

  constructor(answer: (message: ToWorker, worker: FakeWorker) => void) {
    this.#answer = answer;
  }

  postMessage(message: ToWorker): void {
    this.got.push(message);
    queueMicrotask(() => this.#answer(message, this));
  }

  terminate(): void {
    this.ended = true;
  }

  addEventListener(type: "message" | "error", listener: never): void {
    if (type === "message") this.#hear = listener;
    else this.#fail = listener;
  }

  say(data: FromWorker): void {
    if (!this.ended) this.#hear({ data });
  }

  crash(): void {
    this.#fail({ message: "out of memory" });
  }

  tasks(): Task[] {
    return this.got.flatMap((it) => it.type === "scan" ? [it.task] : []);
  }
}

const files = (...names: readonly string[]): GivenGroup => ({
  prefix: "models/",
  files: names.map((name) => ({ name, bytes: { kind: "blob", blob: new Blob(["x"]) } })),
});

const NAMES = Array.from({ length: 12 }, (_, at) => `${String(at).padStart(2, "0")}.pkl`);

function scannedOf(path: string): Scanned {
  return {
    type: "file",
    file: {
      ...{ path, formats: [], size: 1, bytesRead: 1, verdict: "clean", riskScore: 0 },
      ...{ findings: [], errors: [], partsScanned: 1 },
    },
  };
}

/** What came of a scan. */
function heard() {
  const all: Scanned[] = [];
  const events: ScanEvents = {
    ready: () => {},
    scanned: (it) => all.push(it),
    progress: () => {},
    note: () => {},
  };
  const verdicts = (): string[] =>
    all.map((it) =>
      it.type === "file" ? `${it.file.path} ${it.file.verdict}` : `error ${it.error.message}`
    ).sort();
  return { events, verdicts };
}

/** Answers as a worker does, but for what the test does otherwise. */
function answering(
  other: (message: ToWorker, worker: FakeWorker) => boolean,
  concerned: readonly number[] = [],
) {
  return (message: ToWorker, worker: FakeWorker): void => {
    if (other(message, worker)) return;
    if (message.type === "concerns") worker.say({ type: "concerned", indexes: concerned });
    if (message.type === "scan") {
      const { index, file } = message.task;
      worker.say({
        type: "scanned",
        index,
        scanned: scannedOf(`models/${NAMES[file]}`),
        rules: {},
      });
    }
  };
}

async function scanWith(
  answer: (message: ToWorker, worker: FakeWorker) => void,
  signal: AbortSignal = new AbortController().signal,
) {
  const started: FakeWorker[] = [];
  const start = (): WorkerPort => {
    const worker = new FakeWorker(answer);
    started.push(worker);
    return worker;
  };
  const { events, verdicts } = heard();
  await new FileScan([files(...NAMES)], { start, workers: 3, hash: false, signal }, events).run();
  return { started, verdicts: verdicts() };
}

test("all files are scanned once, what concerns a folder by the first worker, which alone observes it", async () => {
  const { started, verdicts } = await scanWith(answering(() => false, [3, 7]));
  assert.deepEqual(verdicts, NAMES.map((name) => `models/${name} clean`));
  assert.equal(started.length, 3);
  const first = started[0]?.tasks().map(({ index }) => index) ?? [];
  assert.ok(first.includes(3) && first.includes(7));
  assert.deepEqual(
    started.map(({ got: [begin] }) => begin?.type === "begin" && begin.observedElsewhere),
    [false, true, true],
  );
  assert.ok(started.every(({ ended }) => ended));
});

test("a file whose worker ends is incomplete, and the others are still scanned", async () => {
  const { verdicts } = await scanWith(answering((message, worker) => {
    if (message.type !== "scan" || message.task.index !== 5) return false;
    worker.crash();
    return true;
  }));
  assert.deepEqual(
    verdicts,
    NAMES.map((name, at) => `models/${name} ${at === 5 ? "incomplete" : "clean"}`),
  );
});

test("where the first worker ends before any file, every file is incomplete", async () => {
  const { verdicts } = await scanWith(answering((message, worker) => {
    if (message.type !== "concerns") return false;
    worker.crash();
    return true;
  }));
  assert.deepEqual(verdicts, NAMES.map((name) => `models/${name} incomplete`));
});

test("a scan that is cancelled reports what was not begun as one error, and what hangs as incomplete", async () => {
  const controller = new AbortController();
  const { verdicts } = await scanWith(
    answering((message) => {
      if (message.type !== "scan" || message.task.index < 4) return false;
      controller.abort();
      return true;
    }),
    controller.signal,
  );
  const clean = verdicts.filter((it) => it.endsWith(" clean"));
  assert.ok(clean.length >= 4 && clean.length < NAMES.length);
  assert.ok(verdicts.some((it) => it.endsWith(" incomplete")));
  assert.equal(verdicts.filter((it) => it.startsWith("error The scan was cancelled")).length, 1);
});

test("a scan that is cancelled before it begins calls nothing clean", async () => {
  const { verdicts } = await scanWith(answering(() => false), AbortSignal.abort());
  assert.equal(verdicts.length, 1);
  assert.match(verdicts[0] ?? "", /^error The scan was cancelled/);
});

test("an address whose worker ends is an error", async () => {
  const worker = new FakeWorker((message, it) => {
    if (message.type === "fetch") it.crash();
  });
  const { signal } = new AbortController();
  await assert.rejects(
    scanAddress("hf://org/model", { start: () => worker, signal }, heard().events),
    /out of memory/,
  );
  assert.ok(worker.ended);
});
