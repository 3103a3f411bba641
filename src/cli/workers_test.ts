import assert from "node:assert/strict";
import { copyFileSync, linkSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { scanSource } from "../scan/scan_source.ts";
import { findConfigurations, judgesOf } from "./configuration.ts";
import { testIo } from "./testing/io.ts";
import { type Fate, fatedThreads, supply } from "./testing/threads.ts";
import { counting, held, inFolder, NOW, reported, run, TESTDATA } from "./testing/together.ts";
import type { WorkerMessage, WorkerStart } from "../scan/schedule/messages.ts";
import type { ThreadSupply } from "../scan/schedule/threads.ts";
import { allocateQueue, QUEUE_CAPACITY, SharedQueue } from "../scan/schedule/shared_queue.ts";
import { runWorker } from "../scan/schedule/worker.ts";

test("Workers report while the main thread is at the first file, and the order stays", async () => {
  await inFolder(12, async (folder) => {
    const { scan, letGo } = held();
    const { fate, scanned } = counting(11, letGo);
    const alone = await run([folder], undefined);
    const together = await run([folder], supply(fatedThreads(3, fate)), { scan });
    assert.deepEqual(together, alone);
    assert.deepEqual([...scanned].sort((a, b) => a - b), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });
});

test("An ignore that only a worker's file matched has matched; another is reported", async () => {
  await inFolder(8, async (folder) => {
    const ignore = (path: string) => `[[ignore]]\npath = "${path}"\nreason = "r"\n`;
    const text = ignore("07.pkl") + ignore("gone.pkl");
    const files = [{ path: "s.toml", kind: "named", text }] as const;
    const { scan, letGo } = held();
    const { fate, scanned } = counting(7, letGo);
    const alone = await run([folder], undefined, { files });
    const together = await run([folder], supply(fatedThreads(3, fate)), { files, scan });
    assert.deepEqual(together, alone);
    assert.ok(scanned.has(7));
    const summary = JSON.parse(together.out.trimEnd().split("\n").at(-1) ?? "");
    assert.deepEqual(summary.configuration_notes, [
      's.toml:4: the ignore of "gone.pkl" matched nothing.',
    ]);
  });
});

/** Hard links to the files of a folder, under names that come behind them. */
function doubled(folder: string, count: number): void {
  for (let index = 0; index < count; index++) {
    const name = String(index).padStart(2, "0");
    linkSync(join(folder, `${name}.pkl`), join(folder, `link${name}.pkl`));
  }
}

/** Bytes read of each file, by its base name. */
function bytesRead(out: string): Map<string, number> {
  const records = out.trimEnd().split("\n").map((line) => JSON.parse(line));
  const assets = records.filter(({ type }) => type === "asset");
  return new Map(assets.map((it) => [it.path.replace(/.*\//u, ""), it.bytes_read]));
}

test("The thread that read a file scans it under its other names, and reads nothing again", async () => {
  await inFolder(8, async (folder) => {
    doubled(folder, 8);
    const { scan, letGo } = held();
    const { fate, scanned } = counting(14, letGo);
    const alone = await run([folder], undefined);
    const together = await run([folder], supply(fatedThreads(3, fate)), { scan });
    assert.deepEqual(together, alone);
    assert.ok(scanned.size >= 14);
    const bytes = [...bytesRead(together.out)];
    assert.equal(bytes.length, 16);
    assert.deepEqual(bytes.filter(([name, read]) => read === 0 !== name.startsWith("link")), []);
  });
});

test("When the thread that read a file ends, its other names are scanned by the main thread", async () => {
  await inFolder(6, async (folder) => {
    doubled(folder, 6);
    const { scan, letGo } = held();
    let deaths = 0;
    const dying: Fate = {
      sending(message, die) {
        if (message.type !== "scanned" || message.index < 6 || deaths++ > 0) return message;
        setTimeout(letGo, 20);
        return die("gone");
      },
    };
    const { out } = await run([folder], supply(fatedThreads(2, dying)), {
      scan,
      options: { jobs: 2 },
    });
    const all = reported(out);
    assert.equal(all.filter((it) => it.endsWith("(gone)")).length, 1);
    assert.equal(all.filter((it) => it.endsWith("incomplete")).length, 1);
    assert.equal(all.filter((it) => it.endsWith("dangerous")).length, 11);
  });
});

test("A worker that ends in the middle of a file costs no file, and that one is never clean", async () => {
  await inFolder(6, async (folder) => {
    rmSync(join(folder, "03.pkl"));
    copyFileSync(join(TESTDATA, "torch/safe/state_dict.pt"), join(folder, "03.pt"));
    const { scan, letGo } = held();
    const dying: Fate = {
      sending(message, die) {
        const isIt = message.type === "scanned" && message.scanned.file.path.endsWith("03.pt");
        if (!isIt) return message;
        setTimeout(letGo, 20);
        return die("out of memory");
      },
    };
    const { out, code } = await run([folder], supply(fatedThreads(2, dying)), {
      scan,
      options: { jobs: 2 },
    });
    assert.equal(code, 1);
    assert.deepEqual(reported(out), [
      "00.pkl dangerous",
      "01.pkl dangerous",
      "02.pkl dangerous",
      "03.pt: Cannot scan the file: the thread that scanned it ended (out of memory)",
      "03.pt incomplete",
      "04.pkl dangerous",
      "05.pkl dangerous",
    ]);
    assert.match(out, /Do not take the file for clean/);
  });
});

test("When every worker ends at once, the main thread scans what none of them had taken", async () => {
  await inFolder(9, async (folder) => {
    const { scan, letGo } = held();
    let deaths = 0;
    const { out } = await run(
      [folder],
      supply(fatedThreads(3, {
        sending(message, die) {
          if (message.type === "ready") return message;
          if (++deaths === 2) setTimeout(letGo, 20);
          return die("gone");
        },
      })),
      { scan },
    );
    const all = reported(out);
    assert.equal(all.filter((it) => it.endsWith("(gone)")).length, 2);
    assert.equal(all.filter((it) => it.endsWith("incomplete")).length, 2);
    assert.equal(all.filter((it) => it.endsWith("dangerous")).length, 7);
  });
});

test("A worker that fails before it takes a file changes nothing", async () => {
  await inFolder(5, async (folder) => {
    const { scan, letGo } = held();
    const broken = fatedThreads(2, {
      sending: (message) => (setTimeout(letGo, 5), message),
    });
    // No worker can make rules of these.
    const start: typeof broken.start = (data, events) =>
      broken.start({ ...data as object, setup: { files: [{ text: "=", path: "x" }] } }, events);
    const alone = await run([folder], undefined);
    assert.deepEqual(await run([folder], supply({ cores: 2, start }), { scan }), alone);
  });
});

test("Where no thread can be started, or none exist, one thread gives the same report", async () => {
  await inFolder(5, async (folder) => {
    const alone = await run([folder], undefined);
    let asked = 0;
    let release = (): void => {};
    const refusing = fatedThreads(3, {
      starting() {
        asked++;
        release();
        throw new Error("the system has no more threads");
      },
    });
    for (const threads of [refusing, undefined]) {
      const { scan, letGo } = held();
      release = letGo;
      if (threads === undefined) letGo();
      assert.deepEqual(await run([folder], supply(threads), { scan }), alone);
    }
    assert.equal(asked, 2);
  });
});

test("Reports that come twice, for files of the main thread or for none at all, are not taken", async () => {
  await inFolder(5, async (folder) => {
    const { scan, letGo } = held();
    const alone = await run([folder], undefined);
    const threads = fatedThreads(2, {
      starting: () => setTimeout(letGo, 300),
    });
    const start: typeof threads.start = (data, events) =>
      threads.start(data, {
        ...events,
        message(message) {
          events.message(message);
          events.message(message);
          for (const index of [0, -1, 4_000_000]) {
            events.message({ ...message as object, index });
            events.message({ type: "progress", index, bytesRead: 1 });
          }
        },
      });
    const together = await run([folder], supply({ cores: 2, start }), { scan });
    assert.deepEqual(together, alone);
  });
});

test("A file that vanishes, or becomes a folder, after it was announced is incomplete", async () => {
  await inFolder(7, async (folder) => {
    const { scan, letGo } = held();
    const { fate } = counting(6, letGo);
    const announced: Fate["announced"] = (tasks) => {
      if (!tasks.some(({ path }) => path.endsWith("05.pkl"))) return;
      for (const name of ["04.pkl", "05.pkl"]) rmSync(join(folder, name));
      mkdirSync(join(folder, "05.pkl"));
    };
    const threads = supply(fatedThreads(2, { ...fate, announced }));
    const { out } = await run([folder], threads, { scan, options: { jobs: 2 } });
    const at = (name: string): string => JSON.stringify(join(folder, name));
    assert.deepEqual(reported(out), [
      "00.pkl dangerous",
      "01.pkl dangerous",
      "02.pkl dangerous",
      "03.pkl dangerous",
      `04.pkl: Cannot open ${at("04.pkl")}: there is no such file or folder`,
      "04.pkl incomplete",
      `05.pkl: Cannot open ${at("05.pkl")}: it is a folder, not a regular file`,
      "05.pkl incomplete",
      "06.pkl dangerous",
    ]);
  });
});

test("Ctrl-C: what workers have found is reported, the rest is named, and nothing is left out", async () => {
  await inFolder(40, async (folder) => {
    const { scan, letGo } = held();
    const io = testIo();
    let reports = 0;
    const threads = fatedThreads(3, {
      sending(message) {
        if (message.type === "scanned" && ++reports === 10) {
          io.interrupt();
          setTimeout(letGo, 20);
        }
        return message;
      },
    });
    const { out, code } = await run([folder], supply(threads), { scan, io });
    const all = reported(out);
    const last = all.pop();
    assert.match(
      last ?? "",
      /^\d\d\.pkl: Interrupted\. This file and what comes after it were not/,
    );
    const names = all.filter((it) => !it.includes(": ")).map((it) => it.slice(0, 2));
    assert.ok(names.length >= 11, String(names.length));
    // All before the first that was not scanned, in order, and each once.
    const expected = Array.from({ length: Number(last?.slice(0, 2)) }, (_, index) => index);
    assert.deepEqual(names.map(Number), expected);
    assert.equal(code, 130);
  });
});

test("Ctrl-C while workers are being started: none of them takes a file", async () => {
  await inFolder(6, async (folder) => {
    const { scan, letGo } = held();
    const io = testIo();
    const starting = (): void => {
      io.interrupt();
      setTimeout(letGo, 20);
    };
    const { out } = await run([folder], supply(fatedThreads(2, { starting })), {
      ...{ scan, io, options: { jobs: 2 } },
    });
    assert.deepEqual(reported(out).slice(-1), [
      "01.pkl: Interrupted. This file and what comes after it were not scanned.",
    ]);
  });
});

test("Ctrl-C: a worker that does not stop is ended, and its file is incomplete", async () => {
  await inFolder(4, async (folder) => {
    const { scan, letGo } = held();
    const io = testIo();
    let lost = 0;
    const unsubscribe = fatedThreads(2, {
      sending(message) {
        if (message.type !== "scanned") return message;
        if (++lost === 3) {
          io.interrupt();
          setTimeout(letGo, 0);
        }
        return undefined;
      },
    });
    const { out } = await run([folder], supply(unsubscribe), { scan, io });
    assert.deepEqual(reported(out).slice(-2), [
      "03.pkl: Interrupted. This file was not scanned to its end.",
      "03.pkl incomplete",
    ]);
    assert.equal(reported(out).filter((it) => it.endsWith("incomplete")).length, 4);
  });
});

test("A worker knows the limits and the time that is left of the whole scan", async () => {
  await inFolder(0, async (folder) => {
    for (let index = 0; index < 6; index++) {
      copyFileSync(join(TESTDATA, "torch/safe/state_dict.pt"), join(folder, `0${index}.pt`));
    }
    const { scan, letGo } = held();
    const starts: WorkerStart[] = [];
    const { fate } = counting(5, letGo);
    const before = Date.now();
    const { out } = await run(
      [folder],
      supply(fatedThreads(2, { ...fate, starting: (start) => starts.push(start) })),
      { scan, options: { jobs: 2, timeout: 1000, limits: { depth: 0 } } },
    );
    const [{ deadline = NaN, limits }] = starts as [WorkerStart];
    assert.ok(deadline >= before + 999_000 && deadline <= Date.now() + 1_000_000, `${deadline}`);
    assert.deepEqual(limits, { depth: 0 });
    assert.equal(reported(out).filter((it) => /^0[1-5]\.pt incomplete$/.test(it)).length, 5);
  });
});

test("A worker whose time is spent calls nothing clean", async () => {
  await inFolder(0, async (folder) => {
    // PROTO 4, then None pushed and popped four million times.
    const pickle = new Uint8Array(8_000_004).fill(0x4e);
    for (let at = 3; at < pickle.length; at += 2) pickle[at] = 0x30;
    pickle.set([0x80, 4]);
    pickle.set([0x4e, 0x2e], pickle.length - 2);
    const path = join(folder, "long.pkl");
    writeFileSync(path, pickle);
    const verdictOf = async (deadline: number | undefined) => {
      const memory = allocateQueue();
      new SharedQueue(memory).offer(0);
      const setup = { files: [], now: NOW };
      const message = await new Promise<WorkerMessage>((done) => {
        void runWorker({
          on: (_, listener) => listener([{ index: 0, argument: path, path }]),
          postMessage: (it) => it.type === "scanned" && done(it),
        }, {
          ...{ memory, thread: 2, setup, limits: {}, hash: false, explain: false, progress: false },
          deadline,
        }, judgesOf);
      });
      return message.type === "scanned" && message.scanned.file.verdict;
    };
    assert.equal(await verdictOf(undefined), "clean");
    assert.equal(await verdictOf(Date.now() - 5000), "incomplete");
  });
});

test("The configuration that holds is the one of the start, whatever becomes of its file", async () => {
  await inFolder(6, async (folder) => {
    const path = join(folder, "security.toml");
    writeFileSync(path, 'disable = ["pickle-command"]\n');
    const files = findConfigurations(path, { env: {}, folder });
    const options = { exclude: ["*.toml"], format: "sarif", jobs: 2 } as const;
    const alone = await run([folder], undefined, { files, options });
    const { scan, letGo } = held();
    const { fate, scanned } = counting(5, letGo);
    const threads = fatedThreads(2, { ...fate, starting: () => writeFileSync(path, "") });
    const together = await run([folder], supply(threads), { files, options, scan });
    assert.equal(scanned.size, 5);
    const lasting = (text: string): string => text.replaceAll(/"endTimeUtc": .*/g, "");
    assert.equal(lasting(together.out), lasting(alone.out));
    assert.equal(together.out.split('"suppressions"').length - 1, 6);
  });
});

test("A baseline counts down in the order of the files, so that one thread does it", async () => {
  await inFolder(4, async (folder) => {
    let started = 0;
    const { scan, letGo } = held();
    setTimeout(letGo, 30);
    const threads = supply(fatedThreads(4, { starting: () => started++ }));
    let known = 4;
    const { out } = await run([folder], threads, { scan, isKnown: () => known-- > 0 });
    assert.equal(started, 0);
    // What is accepted stays dangerous: the first two files take all that the baseline knows.
    assert.deepEqual(reported(out), Array.from({ length: 4 }, (_, at) => `0${at}.pkl dangerous`));
    const assets = out.trimEnd().split("\n").map((line) => JSON.parse(line))
      .filter((it) => it.type === "asset");
    assert.deepEqual(assets.map((it) => (it.accepted ?? []).length), [2, 2, 0, 0]);
  });
});

test("One file left, one thread asked for, one core, a short scan: no thread is started", async () => {
  const never: Fate = { starting: () => assert.fail("a thread was started") };
  const unasked: ThreadSupply = {
    whenWorthwhile: () => () => {},
    load: () => assert.fail("threads were loaded"),
  };
  const scans: readonly [files: number, ThreadSupply, jobs: number | undefined][] = [
    [2, supply(fatedThreads(4, never)), undefined],
    [5, supply(fatedThreads(4, never)), 1],
    [5, supply(fatedThreads(1, never)), undefined],
    [5, unasked, 4],
  ];
  for (const [files, threads, jobs] of scans) {
    await inFolder(files, async (folder) => {
      const { scan, letGo } = held();
      setTimeout(letGo, 30);
      const { out } = await run([folder], threads, { scan, options: { jobs } });
      assert.equal(reported(out).length, files);
    });
  }
});

test("When little is left, compared with what was done, no thread is started for it", async () => {
  for (const [files, expected] of [[16, 0], [24, 2]] as const) {
    await inFolder(files, async (folder) => {
      const { scan, letGo } = held();
      let started = 0;
      const threads = fatedThreads(2, {
        starting: () => ++started === expected && setTimeout(letGo, 0),
      });
      let worth = (): void => {};
      const { out } = await run([folder], {
        ...supply(threads),
        whenWorthwhile: (callback) => (worth = callback, () => {}),
      }, {
        scan: (source, options) => {
          if (!options.path?.endsWith("09.pkl")) return scanSource(source, options);
          worth();
          if (expected === 0) setTimeout(letGo, 300);
          return scan(source, options);
        },
      });
      assert.equal(started, expected, `${files} files`);
      assert.equal(reported(out).length, files);
    });
  }
});

test("A slow file in front holds back a bounded number of reports", async () => {
  await inFolder(0, async (folder) => {
    const count = QUEUE_CAPACITY + 200;
    for (let index = 0; index < count; index++) {
      writeFileSync(join(folder, `${String(index).padStart(5, "0")}.txt`), "text");
    }
    const { scan, letGo } = held();
    let most = 0;
    const { fate, scanned } = counting(QUEUE_CAPACITY - 1, letGo);
    const threads = fatedThreads(2, {
      ...fate,
      announced: (tasks) => {
        if (scanned.size < QUEUE_CAPACITY - 1) most = Math.max(most, tasks.at(-1)?.index ?? 0);
      },
    });
    const { out } = await run([folder], supply(threads), { scan });
    assert.equal(most, QUEUE_CAPACITY - 1);
    assert.equal(reported(out).length, count);
    assert.deepEqual(reported(out), reported(out).toSorted());
  });
});
