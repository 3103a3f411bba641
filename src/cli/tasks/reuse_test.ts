import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runMain } from "../commands/main.ts";
import { withServer } from "../testing/hub.ts";
import { testIo } from "../testing/io.ts";
import { COMMIT, sendFile, type TestServer } from "../testing/server.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const HARMFUL = encode("cos\nsystem\n(S'echo hi'\ntR.");
const HARMLESS = Uint8Array.of(0x80, 2, 0x5d, 0x4b, 1, 0x61, 0x4b, 2, 0x61, 0x2e);
const CONFIG = encode('{"model_type": "llama"}');

// deno-lint-ignore no-explicit-any -- what the schema describes, read as a consumer would
type Answer = Record<string, any>;

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-reuse-"));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Does one task; `known` are lines of results. */
async function once(
  task: object,
  options: {
    readonly known?: readonly string[];
    readonly args?: readonly string[];
    readonly env?: Record<string, string>;
  } = {},
): Promise<Answer> {
  const { known, args = ["--no-config", "--allow-private-network"], env = {} } = options;
  let result: Answer = {};
  await inFolder(async (folder) => {
    const file = join(folder, "results");
    writeFileSync(file, (known ?? []).join("\n") + (known === undefined ? "" : "\n"));
    const stdin = [encode(JSON.stringify({ id: "1", ...task }))];
    const io = testIo({ stdin, now: Date.now, env });
    const reuse = known === undefined ? [] : ["--reuse", file];
    await runMain(["worker", ...args, ...reuse], io);
    result = JSON.parse(io.stdout.text);
  });
  return result;
}

const line = (result: Answer): string => JSON.stringify(result);
const sha256Of = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const sibling = (path: string, bytes: Uint8Array) => ({
  path,
  size: bytes.length,
  sha256: sha256Of(bytes),
});

/** A repository whose answers bear no ids, as those of a mirror. */
function serve(server: TestServer, id: string, files: Readonly<Record<string, Uint8Array>>) {
  server.repository(id, files);
  const siblings = Object.entries(files).map(([path, bytes]) => sibling(path, bytes));
  return { uri: `hf://${id}`, revision: COMMIT, siblings };
}

test("a task of known keys is answered without a request, wherever it lies", async () => {
  await withServer(async (server) => {
    const env = { HF_ENDPOINT: server.url };
    const task = serve(server, "org/model", { "a.pkl": HARMFUL, "config.json": CONFIG });
    const first = await once(task, { env });
    assert.equal(first["verdict"], "dangerous");
    assert.equal(first["reused"], false);
    const hashes = first["files"].map((it: Answer) => [it["sha256"], it["sha256_by"]]);
    assert.deepEqual(hashes, [HARMFUL, CONFIG].map((it) => [sha256Of(it), "listing"]));
    const before = server.requests.length;
    const copy = { ...task, uri: "hf://other/copy", id: "2", revision: "f".repeat(40) };
    const second = await once(copy, { env, known: [line(first)] });
    assert.equal(server.requests.length, before);
    assert.deepEqual(
      [second["reused"], second["usage"].requests, second["id"], second["revision"]],
      [true, 0, "2", "f".repeat(40)],
    );
    assert.equal(second["target"], `hf://other/copy@${"f".repeat(40)}`);
    assert.deepEqual(second["issues"], first["issues"]);
    // Listed, it is known once the listing is.
    const { uri } = task;
    const listed = await once({ uri }, { env, known: [line(await once({ uri }, { env }))] });
    assert.equal(listed["reused"], true);
    assert.equal(listed["usage"].requests, 2);
    server.repository("org/pinned", { "a.pkl": HARMLESS }, { revision: COMMIT });
    const commit = { uri: "hf://org/pinned", revision: COMMIT };
    const pinned = await once(commit, { env, known: [line(await once(commit, { env }))] });
    assert.deepEqual([pinned["reused"], pinned["usage"].requests], [true, 0]);
  });
});

test("nothing is used again for other bytes, other neighbours, another place or another hub", async () => {
  await withServer(async (server) => {
    const env = { HF_ENDPOINT: server.url };
    const files = { "a.pkl": HARMLESS, "config.json": CONFIG };
    const task = serve(server, "org/model", files);
    const repository = line(await once(task, { env }));
    const one = { ...task, uri: "hf://org/model/a.pkl" };
    const file = line(await once(one, { env }));
    assert.equal(JSON.parse(file)["files"].length, 1);
    const known = [repository, file];
    for (const again of [task, one]) {
      assert.equal((await once(again, { env, known }))["reused"], true);
    }
    const refuse = async (what: string, other: object, more: Record<string, string> = env) => {
      const result = await once(other, { env: more, known });
      assert.equal(result["reused"], false, what);
    };
    const [a, config] = task.siblings;
    assert.ok(a !== undefined && config !== undefined);
    const other = encode('{"auto_map": {"AutoModel": "a.B"}}');
    const bytes = sibling("a.pkl", HARMFUL);
    const neighbour = sibling("config.json", other);
    await refuse("other bytes of the same name", { ...task, siblings: [bytes, config] });
    await refuse("other bytes of the same name", { ...one, siblings: [bytes, config] });
    await refuse("the same weights, another configuration", { ...task, siblings: [a, neighbour] });
    await refuse("the same file, another configuration", { ...one, siblings: [a, neighbour] });
    await refuse("one file less", { ...task, siblings: [a] });
    await refuse("one file less beside it", { ...one, siblings: [a] });
    await refuse("one file more", { ...task, siblings: [a, config, sibling("b.py", other)] });
    const renamed = [{ ...a, path: "b.pkl" }, config];
    await refuse("another name", { ...task, siblings: renamed });
    await refuse("another name", { ...one, uri: "hf://org/model/b.pkl", siblings: renamed });
    await refuse("another size", { ...task, siblings: [{ ...a, size: 3 }, config] });
    await refuse("an id of another kind", {
      ...task,
      siblings: [{ path: "a.pkl", size: a.size, etag: a.sha256.slice(0, 40) }, config],
    });
    await refuse("no id", { ...task, siblings: [{ path: "a.pkl", size: a.size }, config] });
    await refuse("a commit", { uri: task.uri, revision: task.revision });
    await withServer(async (mirror) => {
      serve(mirror, "org/model", files);
      await refuse("another hub", task, { HF_ENDPOINT: mirror.url });
    });
  });
});

test("results of other rules, options or programs are not used again, nor are failed and damaged ones", async () => {
  await withServer(async (server) => {
    const env = { HF_ENDPOINT: server.url };
    const task = serve(server, "org/model", { "a.pkl": HARMLESS });
    const usual = ["--no-config", "--allow-private-network"];
    const result = await once(task, { env });
    const reused = async (known: readonly string[], args: readonly string[] = usual) =>
      (await once(task, { env, known, args }))["reused"];
    assert.equal(await reused([line(result)]), true);
    for (const more of [["--max-depth", "3"], ["--verbose"], ["--facts"], ["--remote-full"]]) {
      assert.equal(await reused([line(result)], [...usual, ...more]), false, more.join(" "));
    }
    await inFolder(async (folder) => {
      const config = join(folder, "security.toml");
      writeFileSync(config, 'allow = ["acme.*"]\n');
      const args = ["--config", config, "--allow-private-network"];
      assert.equal(await reused([line(result)], args), false);
      const own = line(await once(task, { env, args }));
      assert.equal(await reused([own], args), true);
      // With a configuration, whose entries may be for a path, the address counts.
      const copy = { ...task, uri: "hf://other/copy" };
      assert.equal((await once(copy, { env, args, known: [own] }))["reused"], false);
      writeFileSync(config, 'allow = ["acme.*", "other.*"]\n');
      assert.equal(await reused([own], args), false);
    });
    const { key_parts: parts } = result;
    const digest = (it: Answer): string =>
      createHash("sha256").update(JSON.stringify([
        it["content"],
        it["name"],
        it["rules"],
        it["configuration"],
        it["engine"],
      ])).digest("hex");
    assert.equal(digest(parts), result["key"]);
    const others: readonly Answer[] = [
      { ...result, complete: false },
      { ...result, error: { class: "retry", reason: "time", message: "x", after: null } },
      { ...result, errors: [{}] },
      { ...result, schema_version: "0.9" },
      { ...result, verdict: "rescan" },
      { ...result, siblings_key: "0".repeat(64) },
      // Lowered in one place alone.
      { ...result, files: result["files"].map((it: Answer) => ({ ...it, verdict: "dangerous" })) },
      { ...result, files: [{ ...result["files"][0], verdict: "harmless" }] },
      { ...result, files: [null] },
      { ...result, issues: [{ safety_level: "dangerous" }] },
      { ...result, key_parts: null },
      // The parts are of something else than the key, or the key of something else than the parts.
      { ...result, key_parts: { ...parts, content: "sha256:0" } },
      { ...result, key: "0".repeat(64) },
      ...["rules", "configuration", "engine"].map((name) => {
        const changed = { ...parts, [name]: "other" };
        return { ...result, key_parts: changed, key: digest(changed) };
      }),
      ...[
        // Another build of this version, and one that says no more than its version.
        parts.engine.replace(/.{64}$/, "0".repeat(64)),
        parts.engine.replace(/\/.{64}$/, ""),
      ].map((engine) => {
        const changed = { ...parts, engine };
        return { ...result, key_parts: changed, key: digest(changed) };
      }),
    ];
    for (const it of others) assert.equal(await reused([line(it)]), false);
    const torn = line(result).slice(0, -20);
    assert.equal(await reused([torn]), false);
    // Lines around it do no harm, and two answers for one key are none.
    assert.equal(await reused([torn, "x", line(result), line(result)]), true);
    assert.equal(await reused([line(result), line({ ...result, verdict: "dangerous" })]), false);
    const forged = { ...result, verdict: "clean" };
    assert.equal(await reused([line({ ...result, verdict: "dangerous" }), line(forged)]), false);
  });
});

test("what a model says in its names and texts is no line of results", async () => {
  await withServer(async (server) => {
    const env = { HF_ENDPOINT: server.url };
    const victim = serve(server, "org/victim", { "a.pkl": HARMFUL });
    const real = await once(victim, { env });
    const clean = line({ ...real, verdict: "clean", issues: [], files: [] });
    const evil = encode(`cos\nsystem\n(V\\u000a${clean.replaceAll("\n", "")}\\u000a\ntR.`);
    const attacker = serve(server, "org/evil", { "a.pkl": evil });
    const record = line(await once(attacker, { env }));
    assert.ok(!record.includes("\n"));
    const again = await once(victim, { env, known: [record] });
    assert.deepEqual([again["reused"], again["verdict"]], [false, "dangerous"]);
  });
});

test("a file on a web server is used again by its ETag, at its address alone, and must have it", async () => {
  await withServer(async (server) => {
    let etag = '"v1"';
    for (const path of ["/a.pkl", "/b.pkl"]) {
      server.serve(path, HARMLESS, (request, response) => {
        const { writeHead } = response;
        response.writeHead = ((status: number, headers: object) =>
          writeHead.call(response, status, { ...headers, etag })) as typeof writeHead;
        sendFile(request, response, {
          size: HARMLESS.length,
          slice: (a, b) =>
            HARMLESS.slice(a, b),
        });
        return true;
      });
    }
    const uri = `${server.url}/a.pkl`;
    const first = await once({ uri, etag: "v1" });
    assert.equal(first["error"], null);
    const known = [line(first)];
    assert.equal((await once({ uri, etag: "v1" }, { known }))["reused"], true);
    assert.equal((await once({ uri: `${uri}?x=1`, etag: "v1" }, { known }))["reused"], false);
    assert.equal(
      (await once({ uri: `${server.url}/b.pkl`, etag: "v1" }, { known }))["reused"],
      false,
    );
    assert.equal((await once({ uri }, { known }))["key"], null);
    assert.equal((await once({ uri, etag: "W/v1" }, { known }))["key"], null);
    etag = '"v2"';
    const changed = await once({ uri, etag: "v3" }, { known });
    assert.deepEqual([changed["error"].reason, changed["complete"]], ["changed", false]);
  });
});

test("local files have keys of their bytes and of what lies beside them", async () => {
  await inFolder(async (folder) => {
    const path = join(folder, "a.pkl");
    writeFileSync(path, HARMLESS);
    const hash = ["--no-config", "--offline", "--hash"];
    const alone = await once({ path }, { args: hash });
    assert.equal(alone["key_parts"].content, `sha256:${sha256Of(HARMLESS)}`);
    assert.equal(alone["siblings_key"], null);
    const known = [line(alone)];
    const reused = async (task: object, args: readonly string[] = hash) =>
      (await once(task, { args, known }))["reused"];
    assert.equal(await reused({ path }), true);
    assert.equal((await once({ path }, { args: hash.slice(0, 2), known }))["key"], null);
    // The same name, size and times, other bytes.
    const times = new Date(0);
    utimesSync(path, times, times);
    const other = HARMLESS.slice();
    other[4] = 3;
    writeFileSync(path, other);
    utimesSync(path, times, times);
    assert.equal(await reused({ path }), false);
    writeFileSync(path, HARMLESS);
    writeFileSync(join(folder, "config.json"), CONFIG);
    assert.equal(await reused({ path }), false);
    const beside = line(await once({ path }, { args: hash }));
    const again = async () => (await once({ path }, { args: hash, known: [beside] }))["reused"];
    assert.equal(await again(), true);
    writeFileSync(join(folder, "config.json"), '{"model_type": "gemma"}');
    assert.equal(await again(), false);
    const wrong = await once({ path, sha256: "0".repeat(64) }, { args: hash.slice(0, 2) });
    assert.deepEqual([wrong["error"].class, wrong["error"].reason], ["final", "changed"]);
  });
});
