import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Engine } from "./engine.ts";
import { type Result, ResultBuilder } from "./result.ts";
import type { Task } from "./task.ts";

const HARMFUL = "cos\nsystem\n(S'echo hi'\ntR.";
const HARMLESS = "(lp0\nS'a word or two, at work'\na.";

/** Runs a task; `before` happens between hashing and scanning, `after` once each file was scanned. */
async function runBetween(
  task: Task,
  { before = () => {}, after = () => {} }: {
    readonly before?: () => void;
    readonly after?: () => void;
  },
): Promise<Result> {
  const engine = await Engine.open({
    code: "0",
    texts: { files: [], now: 0 },
    limits: {},
    followSymlinks: false,
    remoteFull: false,
    verbose: false,
    facts: false,
    remote: undefined,
    offline: "",
    milliseconds: 60_000,
    hash: true,
    reuses: true,
  }, () => {
    before();
    return Promise.resolve(undefined);
  });
  const { addFile } = ResultBuilder.prototype;
  ResultBuilder.prototype.addFile = function (...args) {
    addFile.apply(this, args);
    after();
  };
  try {
    return await engine.run(task);
  } finally {
    ResultBuilder.prototype.addFile = addFile;
    engine.close();
  }
}

/** Two folders with files of the same names, which can be exchanged. */
function withPair(
  files: readonly [
    shown: Readonly<Record<string, string>>,
    hidden: Readonly<Record<string, string>>,
  ],
  body: (root: string, exchange: () => void) => Promise<void>,
): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "modelaudit-snapshot-"));
  ["shown", "hidden"].forEach((name, at) => {
    mkdirSync(join(root, name, "models"), { recursive: true });
    for (const [file, text] of Object.entries(files[at] ?? {})) {
      writeFileSync(join(root, name, "models", file), text);
    }
  });
  const exchange = (): void => {
    renameSync(join(root, "shown"), join(root, "other"));
    renameSync(join(root, "hidden"), join(root, "shown"));
    renameSync(join(root, "other"), join(root, "hidden"));
  };
  return body(root, exchange).finally(() => rmSync(root, { recursive: true }));
}

function assertChanged(result: Result): void {
  assert.equal(result.key, null);
  assert.equal(result.complete, false);
  assert.deepEqual([result.error?.class, result.error?.reason], ["retry", "changed"]);
  assert.notEqual(result.verdict, "clean");
}

test("what stays as it is has a key, whether a folder or a file is named", async () => {
  await withPair([{ "m.pkl": HARMLESS, "config.json": "{}" }, {}], async (root) => {
    const folder = join(root, "shown");
    for (const path of [folder, join(folder, "models"), join(folder, "models", "m.pkl")]) {
      const result = await runBetween({ id: "1", path }, {});
      assert.deepEqual([result.error, result.complete], [null, true], path);
      assert.ok(result.key !== null, path);
    }
  });
});

test("a folder above the files that is exchanged after hashing, and put back, gives no key", async () => {
  for (const name of ["", "models", "models/m.pkl"]) {
    await withPair([{ "m.pkl": HARMFUL }, { "m.pkl": HARMLESS }], async (root, exchange) => {
      let isExchanged = false;
      const swap = (): void => {
        isExchanged = !isExchanged;
        exchange();
      };
      const path = join(root, "shown", name);
      assertChanged(await runBetween({ id: "1", path }, { before: swap, after: swap }));
      assert.equal(isExchanged, false);
      assertChanged(await runBetween({ id: "1", path }, { before: swap }));
    });
  }
});

test("a folder with other names that is there only while it is scanned gives no key", async () => {
  const more = { "m.pkl": HARMLESS, "config.json": '{"auto_map": {"AutoModel": "code.Model"}}' };
  for (const files of [[more, { "m.pkl": HARMLESS }], [{ "m.pkl": HARMLESS }, more]] as const) {
    await withPair(files, async (root, exchange) => {
      let count = 0;
      const back = (): void => void (count++ === 0 && exchange());
      const path = join(root, "shown", "models");
      assertChanged(await runBetween({ id: "1", path }, { before: exchange, after: back }));
    });
  }
});

test("a file that is exchanged or written to after hashing, and put back, gives no key", async () => {
  await withPair([{ "m.pkl": HARMFUL }, { "m.pkl": HARMLESS }], async (root) => {
    const [path, other] = [join(root, "shown/models/m.pkl"), join(root, "hidden/models/m.pkl")];
    const spare = join(root, "spare");
    const swap = (): void => {
      renameSync(path, spare);
      renameSync(other, path);
      renameSync(spare, other);
    };
    assertChanged(await runBetween({ id: "1", path }, { before: swap, after: swap }));
    const write = (text: string) => (): void => writeFileSync(path, text);
    const written = { before: write(HARMLESS), after: write(HARMFUL) };
    assertChanged(await runBetween({ id: "1", path }, written));
  });
});

test("a link is compared with what it led to when the task's file was hashed", async () => {
  await withPair([{ "m.pkl": HARMFUL }, { "m.pkl": HARMLESS }], async (root, exchange) => {
    const path = join(root, "link.pkl");
    symlinkSync(join(root, "shown/models/m.pkl"), path);
    const size = HARMFUL.length;
    const same = await runBetween({ id: "1", path, size }, {});
    assert.deepEqual([same.error, same.verdict, same.key], [null, "dangerous", null]);
    // Without a key no result is looked for; the exchange comes while the file is scanned.
    let count = 0;
    const back = (): void => void (count++ === 0 && exchange());
    assertChanged(await runBetween({ id: "1", path, size }, { after: back }));
  });
});
