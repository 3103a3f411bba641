import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { runMain } from "../commands/main.ts";
import { withServer } from "../testing/hub.ts";
import { type TestIo, testIo, type TestWorld } from "../testing/io.ts";
import { COMMIT } from "../testing/server.ts";
import { parseTask } from "./task.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const HARMFUL = encode("cos\nsystem\n(S'echo hi'\ntR.");
const HARMLESS = Uint8Array.of(0x80, 2, 0x5d, 0x4b, 1, 0x61, 0x4b, 2, 0x61, 0x2e);
const TESTDATA = fileURLToPath(new URL("../../../testdata/", import.meta.url));
const EVAL = `${TESTDATA}pickle/harmful/malicious_eval.pkl`;

function schema(name: string) {
  const place = new URL(`../../../docs/worker-${name}.schema.json`, import.meta.url);
  const ajv = new Ajv2020({
    strict: true,
    strictRequired: false,
    allErrors: true,
    allowUnionTypes: true,
  });
  ajv.addKeyword("x-volatile");
  return ajv.compile(JSON.parse(readFileSync(place, "utf8")));
}

// deno-lint-ignore no-explicit-any -- what the schema describes, read as a consumer would
type Answer = Record<string, any>;

/** Runs the worker over lines. */
async function work(
  tasks: readonly (object | string)[],
  args: readonly string[] = ["--offline"],
  world: TestWorld = {},
): Promise<{ results: Answer[]; code: number; err: string }> {
  const lines = tasks.map((it) => typeof it === "string" ? it : JSON.stringify(it));
  const io = testIo({ stdin: [encode(lines.join("\n"))], now: Date.now, ...world });
  const code = await runMain(["worker", "--no-config", ...args], io);
  const results = io.stdout.text.split("\n").filter((it) => it !== "").map((it) => JSON.parse(it));
  const validate = schema("result");
  for (const it of results) {
    validate(it);
    assert.deepEqual(validate.errors, null);
  }
  return { results, code, err: io.stderr.text };
}

const byId = (results: readonly Answer[], id: string | null): Answer => {
  const found = results.filter((it) => it["id"] === id);
  assert.equal(found.length, 1);
  return found[0] ?? {};
};

test("each task has one result, and a bad line ends nothing", async () => {
  const { results, code } = await work([
    { id: "harmful", path: EVAL },
    "no JSON",
    { id: "neither" },
    "",
    { id: "missing", path: `${TESTDATA}there is no such file.pkl` },
    { id: "folder", path: `${TESTDATA}pickle/safe` },
    '["an", "array"]',
    { id: "both", uri: "hf://a/b", path: "c" },
  ]);
  assert.equal(code, 0);
  assert.equal(results.length, 7);
  const harmful = byId(results, "harmful");
  assert.equal(harmful["verdict"], "dangerous");
  assert.equal(harmful["issues"][0].path, "malicious_eval.pkl");
  assert.equal(harmful["complete"], true);
  const classes = ["neither", "missing", "both"].map((id) => byId(results, id)["error"]);
  assert.deepEqual(classes.map((it) => [it.class, it.reason]), [
    ["final", "invalid-task"],
    ["final", "not-found"],
    ["final", "invalid-task"],
  ]);
  const folder = byId(results, "folder");
  assert.equal(folder["verdict"], "clean");
  assert.ok(folder["files"].every((it: Answer) => !it["path"].startsWith("/")));
  assert.deepEqual(
    results.filter((it) => it["id"] === null).map((it) => it["line"]).sort(),
    [2, 7],
  );
});

test("the schema of tasks and what is read agree", () => {
  const validate = schema("task");
  const tasks: readonly (readonly [boolean, object])[] = [
    [true, { id: "a", uri: "hf://org/model" }],
    [true, { id: "a", path: "b", other: 1 }],
    [true, {
      ...{ id: "a", uri: "hf://org/model", revision: COMMIT },
      siblings: [{ path: "b", size: 3, etag: "c", sha256: "0".repeat(64) }],
    }],
    [false, { uri: "hf://org/model" }],
    [false, { id: "", path: "b" }],
    [false, { id: 3, path: "b" }],
    [false, { id: "a" }],
    [false, { id: "a", path: "b", uri: "c" }],
    [false, { id: "a", path: "b", sha256: "0" }],
    [false, { id: "a", path: "b", size: -1 }],
    [false, { id: "a", path: "b", size: 1.5 }],
    [false, { id: "a", path: "b", revision: "main" }],
    [false, { id: "a", uri: "b", revision: COMMIT, siblings: [{ size: 3 }] }],
  ];
  for (const [valid, task] of tasks) {
    assert.equal(validate(task), valid, JSON.stringify(task));
    assert.equal("failure" in parseTask(encode(JSON.stringify(task))), !valid);
  }
});

test("a task of a repository costs no listing where it carries one, and its paths are from the root", async () => {
  await withServer(async (server) => {
    server.repository("org/model", {
      "a.pkl": HARMFUL,
      "sub/b.pkl": HARMLESS,
      "README.md": HARMLESS,
    });
    const env = { HF_ENDPOINT: server.url };
    const siblings = [{ path: "a.pkl", size: HARMFUL.length }, { path: "sub/b.pkl" }];
    const { results } = await work(
      [
        { id: "listed", uri: "hf://org/model" },
        { id: "known", uri: "hf://org/model", revision: COMMIT, siblings },
        {
          id: "file",
          uri: `${server.url}/org/model/resolve/${COMMIT}/a.pkl`,
          siblings,
          revision: COMMIT,
        },
        { id: "missing", uri: "hf://org/other" },
        { id: "web", uri: `${server.url}/org/model/resolve/${COMMIT}/../nothing.pkl` },
      ],
      ["--allow-private-network", "-c", "1"],
      { env },
    );
    const listed = byId(results, "listed");
    assert.equal(listed["verdict"], "dangerous");
    assert.deepEqual(listed["files"].map((it: Answer) => it["path"]), [
      "README.md",
      "a.pkl",
      "sub/b.pkl",
    ]);
    assert.equal(listed["revision"], COMMIT);
    assert.equal(listed["usage"].requests, 5);
    const known = byId(results, "known");
    assert.equal(known["usage"].requests, 2);
    assert.deepEqual(known["files"].map((it: Answer) => it["path"]), ["a.pkl", "sub/b.pkl"]);
    const file = byId(results, "file");
    assert.deepEqual(file["files"].map((it: Answer) => it["path"]), ["a.pkl"]);
    assert.deepEqual(file["error"], null);
    assert.equal(byId(results, "missing")["error"].reason, "not-found");
  });
});

test("a local file of another digest or size than its task says has no result", async () => {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-claims-"));
  try {
    const path = join(folder, "a.pkl");
    writeFileSync(path, HARMLESS);
    // Something that cannot be opened lies beside it.
    symlinkSync("loop", join(folder, "loop"));
    writeFileSync(join(folder, "z"), "");
    chmodSync(join(folder, "z"), 0);
    const sha256 = createHash("sha256").update(HARMLESS).digest("hex");
    const size = HARMLESS.length;
    for (const args of [["--offline"], ["--offline", "--hash"]]) {
      const { results } = await work([
        { id: "same", path, sha256, size },
        { id: "digest", path, sha256: "f".repeat(64) },
        { id: "size", path, size: 3 },
        { id: "folder", path: folder, sha256 },
      ], args);
      assert.equal(byId(results, "same")["verdict"], "clean");
      for (const id of ["digest", "size"]) {
        const { verdict, error } = byId(results, id);
        assert.deepEqual([verdict, error.class, error.reason], ["incomplete", "final", "changed"]);
      }
      assert.equal(byId(results, "folder")["error"].reason, "invalid-task");
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a file of a repository is that of its task, or an error before anything is fetched", async () => {
  await withServer(async (server) => {
    const files = { "a.pkl": HARMLESS, "sub/b.pkl": HARMLESS };
    server.repository("org/model", files);
    server.repository("org/commit", files, { revision: COMMIT });
    const sha256 = createHash("sha256").update(HARMLESS).digest("hex");
    const other = "f".repeat(64);
    const uri = "hf://org/model/a.pkl";
    const size = HARMLESS.length;
    const known = { revision: COMMIT, siblings: [{ path: "a.pkl", size, sha256 }] };
    const { results } = await work(
      [
        { id: "same", uri, ...known, sha256, size, etag: sha256 },
        { id: "digest", uri, ...known, sha256: other },
        { id: "tag", uri, ...known, etag: other },
        { id: "size", uri, ...known, size: 3 },
        { id: "listed", uri, size: 3 },
        { id: "commit", uri: "hf://org/commit/a.pkl", revision: COMMIT, size: 3 },
        { id: "repository", uri: "hf://org/model", size },
        { id: "folder", uri: "hf://org/model/sub", sha256 },
      ],
      ["--allow-private-network"],
      { env: { HF_ENDPOINT: server.url } },
    );
    assert.deepEqual(byId(results, "same")["error"], null);
    for (const id of ["digest", "tag", "size", "listed", "commit"]) {
      const { verdict, error, key } = byId(results, id);
      assert.deepEqual([verdict, error?.reason, key], ["incomplete", "changed", null], id);
    }
    for (const id of ["repository", "folder"]) {
      assert.equal(byId(results, id)["error"].reason, "invalid-task");
    }
  });
});

test("what may pass is to be given again, after the time that the server names", async () => {
  await withServer(async (server) => {
    const files = { "a.pkl": HARMLESS };
    for (const id of ["org/limited", "org/forbidden", "org/other"]) server.repository(id, files);
    server.serve(`/org/limited/resolve/${COMMIT}/a.pkl`, HARMLESS, (_, response) => {
      response.writeHead(429, { "retry-after": "77" });
      response.end();
      return true;
    });
    server.serve(`/org/forbidden/resolve/${COMMIT}/a.pkl`, HARMLESS, (_, response) => {
      response.writeHead(403);
      response.end();
      return true;
    });
    const task = (name: string) => ({ id: name, uri: `hf://org/${name}` });
    const { results } = await work(
      [task("limited"), task("forbidden"), task("other")],
      ["--allow-private-network"],
      { env: { HF_ENDPOINT: server.url } },
    );
    const limited = byId(results, "limited");
    const { class: kind, reason, after } = limited["error"];
    assert.deepEqual([kind, reason, after], ["retry", "rate-limited", 77]);
    assert.equal(limited["verdict"], "incomplete");
    assert.equal(limited["complete"], false);
    const forbidden = byId(results, "forbidden");
    assert.deepEqual([forbidden["error"].class, forbidden["error"].reason], ["final", "forbidden"]);
    assert.equal(byId(results, "other")["verdict"], "clean");
  });
});

test("nothing is fetched where the network is forbidden, or that there is no source for", async () => {
  const { results } = await work([
    { id: "hub", uri: "hf://org/model" },
    { id: "other", uri: "gopher://example.com/model" },
  ]);
  assert.equal(byId(results, "hub")["error"].reason, "forbidden");
  assert.equal(byId(results, "other")["error"].reason, "unsupported");
});

test("a task whose time is spent is answered as incomplete", async () => {
  await withServer(async (server) => {
    server.repository("org/slow", { "a.pkl": HARMLESS });
    // Never answered.
    server.serve(`/org/slow/resolve/${COMMIT}/a.pkl`, HARMLESS, () => true);
    const { results } = await work(
      [{ id: "slow", uri: "hf://org/slow" }],
      ["--allow-private-network", "--task-time", "0.3"],
      { env: { HF_ENDPOINT: server.url } },
    );
    const slow = byId(results, "slow");
    assert.deepEqual([slow["error"].class, slow["error"].reason], ["retry", "time"]);
    assert.equal(slow["verdict"], "incomplete");
  });
});

test("no more is read than there is room for, and SIGTERM gives back what was not begun", async () => {
  let chunks = 0;
  const world: { io?: TestIo } = {};
  const line = `${JSON.stringify({ id: "x", path: EVAL })}\n`;
  const io: TestIo = testIo({
    now: Date.now,
    stdin: (async function* (): AsyncGenerator<Uint8Array> {
      for (;;) {
        chunks++;
        yield encode(line.replace("x", String(chunks)) + line.replace("x", `${chunks}b`));
        if (chunks === 5) world.io?.terminate();
        await new Promise((done) => setTimeout(done));
      }
    })(),
  });
  world.io = io;
  const code = await runMain(["worker", "--no-config", "--offline", "-c", "2"], io);
  assert.equal(code, 0);
  const results = io.stdout.text.split("\n").filter((it) => it !== "").map((it) => JSON.parse(it));
  const ids = results.map((it) => it.id).sort();
  const given = Array.from({ length: chunks }, (_, at) => [`${at + 1}`, `${at + 1}b`]).flat();
  assert.equal(new Set(ids).size, ids.length);
  // All that was read before, and at most what was on its way when the signal came.
  assert.ok(ids.length >= 10 && ids.length >= given.length - 2, `${ids.length} of ${given.length}`);
  for (const { error, verdict } of results) {
    if (error === null) assert.equal(verdict, "dangerous");
    else assert.deepEqual([error.class, error.reason], ["retry", "stopped"]);
  }
});

test("a reader that has gone away ends the worker", async () => {
  const io = testIo({
    now: Date.now,
    closesAfter: 3,
    stdin: (async function* () {
      for (let id = 0;; id++) yield encode(`${JSON.stringify({ id: `${id}`, path: EVAL })}\n`);
    })(),
  });
  await runMain(["worker", "--no-config", "--offline"], io);
  assert.ok(io.stdout.text.split("\n").length <= 4);
});
