import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runMain } from "../commands/main.ts";
import { testIo } from "../testing/io.ts";
import type { BucketTarget } from "../../remote/stores/target.ts";
import { storeKeys, webKeys } from "./keys.ts";
import { KEYS, type RunningServer, startS3 } from "../testing/stores.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const HARMFUL = encode("cos\nsystem\n(S'echo hi'\ntR.");
const HARMLESS = Uint8Array.of(0x80, 2, 0x5d, 0x4b, 1, 0x61, 0x4b, 2, 0x61, 0x2e);

interface Answer {
  readonly id: string;
  readonly key: string | null;
  readonly complete: boolean;
  readonly verdict: string;
  readonly reused: boolean;
  readonly files: readonly { readonly path: string; readonly verdict: string }[];
  readonly usage: { readonly requests: number };
}

async function run(server: RunningServer, args: readonly string[], input = ""): Promise<string> {
  const env = { AWS_ENDPOINT_URL: server.url, ...KEYS };
  const io = testIo({ env, stdin: [encode(input)], now: Date.now });
  const code = await runMain([...args, "--allow-private-network"], io);
  assert.equal(code, 0, io.stderr.text);
  return io.stdout.text;
}

const answers = (text: string): readonly Answer[] =>
  text.split("\n").filter((it) => it !== "").map((it) => JSON.parse(it) as Answer)
    .sort((a, b) => a.id < b.id ? -1 : 1);

const isListing = ({ url }: { readonly url: string }): boolean => url.includes("list-type");

const OBJECTS = {
  "m/a/config.json": encode('{"model_type": "bert"}'),
  "m/a/deep/model.pkl": HARMFUL,
  "m/b.pkl": HARMLESS,
  "m/c/model.pkl": HARMLESS,
};

test("tasks of a bucket are done without a listing, and again where tags may be those of other bytes", async () => {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-reuse-"));
  const server = await startS3(OBJECTS);
  try {
    const manifest = await run(server, ["shard", "s3://models/m"]);
    const from = server.requests.length;
    const first = await run(server, ["worker", "--no-config"], manifest);
    assert.ok(!server.requests.slice(from).some(isListing));
    const [a, b, c, ...rest] = answers(first);
    assert.deepEqual(rest, []);
    assert.deepEqual([a?.verdict, b?.verdict, c?.verdict], ["dangerous", "clean", "clean"]);
    assert.deepEqual(
      a?.files.map(({ path, verdict }) => `${path} ${verdict}`),
      ["config.json clean", "deep/model.pkl dangerous"],
    );
    assert.ok([a, b, c].every((it) => it?.complete && it.key === null));
    writeFileSync(join(folder, "results.ndjson"), first);
    const reuse = ["worker", "--no-config", "--reuse", join(folder, "results.ndjson")];
    const second = answers(await run(server, reuse, manifest));
    assert.ok(second.every(({ reused, usage }) => !reused && usage.requests > 0));
    assert.deepEqual(second.map(({ verdict }) => verdict), ["dangerous", "clean", "clean"]);
    // The same names, sizes and tags elsewhere are nothing that was scanned.
    const elsewhere = manifest.replaceAll("s3://models/m/c/", "s3://models/m/d/");
    const other = answers(await run(server, reuse, elsewhere)).find(({ id }) => id.includes("/d/"));
    assert.equal(other?.reused, false);
    assert.equal(other?.complete, false);
  } finally {
    await server.close();
    rmSync(folder, { recursive: true });
  }
});

test("objects are known again by what is new with every write, and at their address alone", () => {
  const bucket = (scheme: "az" | "gs" | "s3", path = "m/b.pkl"): BucketTarget => ({
    type: "bucket",
    scheme,
    bucket: "models",
    path,
  });
  const tagged = [{ key: "m/b.pkl", size: 10, etag: "9e107d9d372bb6826bd81d3542a419d6" }];
  const pinned = [{ key: "m/b.pkl", size: 10, version: "1712" }];
  assert.equal(storeKeys(bucket("s3"), tagged, ""), undefined);
  assert.equal(storeKeys(bucket("gs"), undefined, ""), undefined);
  const own = storeKeys(bucket("gs"), pinned, "")?.content;
  assert.ok(own !== undefined);
  assert.equal(storeKeys(bucket("gs"), pinned, "")?.content, own);
  assert.ok(storeKeys(bucket("az"), tagged, "") !== undefined);
  for (
    const other of [
      storeKeys(bucket("gs"), [{ key: "m/b.pkl", size: 10, version: "1713" }], ""),
      storeKeys(bucket("gs"), [{ key: "m/b.pkl", size: 11, version: "1712" }], ""),
      storeKeys(bucket("gs", "m/"), pinned, ""),
      storeKeys(bucket("gs"), pinned, "http://127.0.0.1:9/"),
    ]
  ) assert.notEqual(other?.content, own);
});

test("a file on a web server is known again by a strong tag alone", () => {
  const url = new URL("https://example.com/a.pkl");
  const sha256 = "f".repeat(64);
  for (const task of [{}, { size: 10 }, { sha256, size: 10 }, { sha256, etag: 'W/"a"' }]) {
    assert.equal(webKeys(url, task), undefined, JSON.stringify(task));
  }
  const own = webKeys(url, { etag: '"a"' })?.content;
  assert.ok(own !== undefined);
  assert.notEqual(webKeys(url, { etag: '"b"' })?.content, own);
  assert.notEqual(webKeys(new URL("https://example.com/b/a.pkl"), { etag: '"a"' })?.content, own);
});

test("an object of another version than its task has is an error, and no result to use again", async () => {
  const misbehave = ({ url = "" }: IncomingMessage, response: ServerResponse): boolean => {
    if (url !== "/models/m/b.pkl" && url !== "/models/m/c/model.pkl") return false;
    // One has another tag, one has none.
    const tag = url.endsWith("b.pkl") ? { etag: '"other"' } : {};
    response.writeHead(200, { ...tag, "content-length": HARMLESS.length }).end(HARMLESS);
    return true;
  };
  const server = await startS3(OBJECTS, { misbehave });
  try {
    const manifest = await run(server, ["shard", "s3://models/m"]);
    const [a, b, c] = answers(await run(server, ["worker", "--no-config"], manifest));
    assert.equal(a?.complete, true);
    for (const it of [b, c]) {
      assert.equal(it?.complete, false);
      assert.equal(it?.verdict, "incomplete");
    }
  } finally {
    await server.close();
  }
});

test("a task whose objects lie outside of its folder, or twice in it, is not taken at its word", async () => {
  const server = await startS3(OBJECTS);
  try {
    const revision = "0".repeat(64);
    const task = (siblings: readonly object[]): string =>
      JSON.stringify({ id: "x", uri: "s3://models/m/c/", revision, siblings });
    const out = await run(
      server,
      ["worker", "--no-config"],
      task([{ path: "../b.pkl", size: 10, etag: "10" }]),
    );
    assert.equal(answers(out)[0]?.verdict, "incomplete");
    const twice = [{ path: "model.pkl", etag: "10" }, { path: "model.pkl", etag: "11" }];
    const [listed] = answers(await run(server, ["worker", "--no-config"], task(twice)));
    assert.equal(listed?.verdict, "incomplete");
    assert.equal(listed?.key, null);
    // What is no version of Google's, or a weak tag, is looked up.
    const weak = [{ path: "model.pkl", etag: "W/10" }];
    const [again] = answers(await run(server, ["worker", "--no-config"], task(weak)));
    assert.equal(again?.verdict, "clean");
    assert.equal(again?.key, null);
    assert.ok(server.requests.some(isListing));
  } finally {
    await server.close();
  }
});

test("an object is that of its task, also where its bucket is listed", async () => {
  const server = await startS3(OBJECTS);
  try {
    const tasks = [
      { id: "a", uri: "s3://models/m/b.pkl", size: HARMLESS.length },
      { id: "b", uri: "s3://models/m/b.pkl", size: 3 },
      { id: "c", uri: "s3://models/m/b.pkl", etag: "W/other" },
      { id: "d", uri: "s3://models/m/b.pkl", sha256: "f".repeat(64) },
      { id: "e", uri: "s3://models/m/c", size: 3 },
      { id: "f", uri: "s3://models/m/c/", size: 3 },
    ].map((it) => JSON.stringify(it)).join("\n");
    const [first, ...others] = answers(await run(server, ["worker", "--no-config"], tasks));
    assert.deepEqual([first?.verdict, first?.complete], ["clean", true]);
    assert.equal(others.length, 5);
    for (const { id, verdict, complete } of others) {
      assert.deepEqual([verdict, complete], ["incomplete", false], id);
    }
  } finally {
    await server.close();
  }
});
