import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { startSimulatedHub } from "../../scripts/bench/simulated_hub.ts";
import { runMain } from "./commands/main.ts";
import { testIo } from "./testing/io.ts";
import { KEYS, startAnswering, startS3 } from "./testing/stores.ts";

interface Task {
  readonly id: string;
  readonly uri?: string;
  readonly path?: string;
  readonly revision?: string;
  readonly etag?: string;
  readonly size?: number;
  readonly siblings?: readonly {
    readonly path: string;
    readonly size?: number;
    readonly sha256?: string;
    readonly etag?: string;
  }[];
}

const schema = new URL("../../docs/worker-task.schema.json", import.meta.url);
const isTask = new Ajv2020().compile(JSON.parse(readFileSync(schema, "utf8")));

function tasksIn(text: string): readonly Task[] {
  return text.split("\n").filter((it) => it !== "").map((line) => {
    const task: unknown = JSON.parse(line);
    assert.ok(isTask(task), line.slice(0, 300));
    return task as Task;
  });
}

async function shard(args: readonly string[], env: Record<string, string> = {}) {
  const io = testIo({ env, now: Date.now });
  const code = await runMain(["shard", "--allow-private-network", ...args], io);
  const { text } = io.stdout;
  return { code, tasks: code === 0 || text !== "" ? tasksIn(text) : [], err: io.stderr.text };
}

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-shard-"));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("repositories of an owner become tasks at their commits, with the files that they have", async () => {
  const hub = await startSimulatedHub({ repositories: 1030, failing: 0.1 });
  try {
    const env = { HF_ENDPOINT: hub.url };
    const { code, tasks, err } = await shard(["hf://org-1"], env);
    assert.equal(code, 0, err);
    assert.deepEqual(
      tasks.map(({ uri }) => uri),
      Array.from({ length: 30 }, (_, at) => `hf://org-1/model-${1000 + at}`),
    );
    for (const { id, uri, revision, siblings = [] } of tasks) {
      assert.match(revision ?? "", /^[0-9a-f]{40}$/);
      assert.equal(id, `${uri}@${revision}`);
      assert.equal(siblings.length, 2);
      assert.ok(siblings.every(({ size, etag }) => size !== undefined && etag?.length === 40));
      assert.equal(siblings.filter(({ sha256 }) => sha256?.length === 64).length, 1);
    }
    // All owners, over pages, without files: the listing alone.
    const before = hub.counts().requests;
    const all = await shard(["hf://", "--no-files"], env);
    assert.equal(all.tasks.length, 1030);
    assert.ok(all.tasks.every(({ revision, siblings }) => revision && siblings === undefined));
    assert.ok(hub.counts().requests - before <= 4);
    const one = await shard(["hf://org-1/model-1003"], env);
    assert.deepEqual(one.tasks, tasks.filter(({ uri }) => uri === "hf://org-1/model-1003"));
  } finally {
    await hub.close();
  }
});

test("what did not change since earlier manifests is not asked for again", async () => {
  await inFolder(async (folder) => {
    const options = { repositories: 200, failing: 0 };
    const hub = await startSimulatedHub(options);
    const { port } = new URL(hub.url);
    const env = { HF_ENDPOINT: hub.url };
    const [first, second] = [join(folder, "first"), join(folder, "second")];
    assert.equal((await shard(["hf://org-0", "--tasks", "64", "--output", first], env)).code, 0);
    await hub.close();
    assert.deepEqual(readdirSync(first).sort(), [0, 1, 2, 3].map((it) => `0000${it}.ndjson`));
    const later = await startSimulatedHub({ ...options, changed: 0.05, port: Number(port) });
    const again = await shard(["hf://org-0", "--previous", first, "--output", second], env);
    assert.equal(again.code, 0, again.err);
    const read = (path: string): readonly Task[] =>
      readdirSync(path).sort().flatMap((it) => tasksIn(readFileSync(join(path, it), "utf8")));
    const [before, now] = [read(first), read(second)];
    await later.close();
    assert.deepEqual(now.map(({ uri }) => uri), before.map(({ uri }) => uri));
    const ids = new Set(before.map(({ id }) => id));
    const changed = now.filter(({ id }) => !ids.has(id));
    assert.ok(changed.length > 0 && changed.length < 30, String(changed.length));
    assert.ok(changed.every(({ siblings }) => siblings?.length === 2));
    assert.deepEqual(
      now.filter(({ id }) => ids.has(id)),
      before.filter(({ id }) => now.some((it) => it.id === id)),
    );
    assert.equal(later.counts().requests, 1 + 2 * changed.length);
    // A folder with manifests of another run is refused.
    const { code, err } = await shard(["hf://org-0", "--output", first], env);
    assert.equal(code, 2);
    assert.match(err, /is not empty/);
  });
});

test("folders of a bucket become tasks with a digest of what they hold, objects beside them with theirs", async () => {
  const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(1);
  const objects = {
    "m/a/config.json": bytes(2),
    "m/a/deep/model.pt": bytes(3),
    "m/b/model.pt": bytes(4),
    "m/c.pt": bytes(5),
    "m/odd/../x.pt": bytes(1),
    "other/x": bytes(1),
  };
  const server = await startS3(objects);
  try {
    const env = { AWS_ENDPOINT_URL: server.url, ...KEYS };
    const { code, tasks, err } = await shard(["s3://models/m"], env);
    assert.equal(code, 0, err);
    const [a, b, c, odd, ...rest] = tasks;
    assert.deepEqual(rest, []);
    assert.deepEqual(a?.siblings, [
      { path: "config.json", size: 2, etag: "2" },
      { path: "deep/model.pt", size: 3, etag: "3" },
    ]);
    assert.match(a?.revision ?? "", /^[0-9a-f]{64}$/);
    assert.notEqual(a?.revision, b?.revision);
    assert.deepEqual(c, {
      id: "s3://models/m/c.pt@5",
      uri: "s3://models/m/c.pt",
      etag: "5",
      size: 5,
    });
    // What has no address is left to the worker, which reports it.
    assert.deepEqual(odd, { id: "s3://models/m/odd/", uri: "s3://models/m/odd/" });
    const deep = await shard(["s3://models/m/", "--depth", "2"], env);
    assert.deepEqual(deep.tasks.map(({ uri }) => uri), [
      "s3://models/m/a/config.json",
      "s3://models/m/a/deep/",
      "s3://models/m/b/model.pt",
      "s3://models/m/c.pt",
      "s3://models/m/odd/../",
    ]);
    const refused = await shard(["s3://models/m"], { AWS_ENDPOINT_URL: server.url });
    assert.equal(refused.code, 2);
    assert.match(refused.err, /SignatureDoesNotMatch/);
  } finally {
    await server.close();
  }
});

test("a bucket that does not list by key is an error: a folder would come twice", async () => {
  const keys = ["m/a/1", "m/b/1", "m/a/2"];
  const contents = keys.map((it) => `<Contents><Key>${it}</Key><Size>1</Size></Contents>`).join("");
  const server = await startAnswering((_, response) => {
    response.end(
      `<ListBucketResult><IsTruncated>false</IsTruncated>${contents}</ListBucketResult>`,
    );
  });
  try {
    const { code, err } = await shard(["s3://models/m/"], {
      AWS_ENDPOINT_URL: server.url,
      ...KEYS,
    });
    assert.equal(code, 2);
    assert.match(err, /order of keys/);
  } finally {
    await server.close();
  }
});

test("a hub that lists what it was not asked for, or without an end, leaves no manifest", async () => {
  const cases: readonly (readonly [body: string, link: string, message: RegExp])[] = [
    ['[{"id": "../../x"}]', "", /no name of a repository/],
    ['[{"id": "other/x"}]', "", /not asked for/],
    ["{}", "", /a listing/],
    ["no", "", /JSON/],
    [
      '[{"id": "org/a"}]',
      '</api/models?author=org&limit=1000>; rel="next"',
      /listing|without an end/,
    ],
    [
      '[{"id": "org/a"}]',
      '<http://elsewhere.test/>; rel="next"',
      /continues its list at elsewhere/,
    ],
  ];
  for (const [body, link, message] of cases) {
    const server = await startAnswering((_, response) => {
      response.writeHead(200, { "content-type": "application/json", ...(link && { link }) });
      response.end(body);
    });
    try {
      await inFolder(async (folder) => {
        const output = join(folder, "m");
        const args = ["hf://org", "--no-files", "--output", output];
        const { code, err } = await shard(args, { HF_ENDPOINT: server.url, HF_TOKEN: "hf_SECRET" });
        assert.equal(code, 2);
        assert.match(err, message);
        assert.match(err, /not complete/);
        assert.doesNotMatch(err, /hf_SECRET/);
        assert.ok(!existsSync(join(output, "00000.ndjson")));
      });
    } finally {
      await server.close();
    }
  }
});

test("a repository that cannot be listed is left to the worker, with a note", async () => {
  const server = await startAnswering((request, response) => {
    if (request.url?.startsWith("/api/models?")) {
      response.end(JSON.stringify([{ id: "org/a", sha: "0".repeat(40) }, { id: "org/b" }]));
    } else response.writeHead(403, { "x-error-code": "GatedRepo" }).end();
  });
  try {
    const { code, tasks, err } = await shard(["hf://org"], { HF_ENDPOINT: server.url });
    assert.equal(code, 0);
    assert.deepEqual(tasks, [
      { id: `hf://org/a@${"0".repeat(40)}`, uri: "hf://org/a", revision: "0".repeat(40) },
      { id: "hf://org/b", uri: "hf://org/b" },
    ]);
    assert.match(err, /left to the worker: .*gated/);
  } finally {
    await server.close();
  }
});

test("folders of this machine become tasks, and files beside them", async () => {
  await inFolder(async (folder) => {
    mkdirSync(join(folder, "b"));
    mkdirSync(join(folder, "a", "deep"), { recursive: true });
    writeFileSync(join(folder, "c.pkl"), "abc");
    writeFileSync(join(folder, "a", "x.pkl"), "");
    const { code, tasks } = await shard([folder]);
    assert.equal(code, 0);
    assert.deepEqual(tasks, [
      { id: join(folder, "a"), path: join(folder, "a") },
      { id: join(folder, "b"), path: join(folder, "b") },
      { id: join(folder, "c.pkl"), path: join(folder, "c.pkl"), size: 3 },
    ]);
    const deep = await shard([folder, "--depth", "2", folder]);
    assert.deepEqual(deep.tasks.map(({ id }) => id), [
      join(folder, "a", "deep"),
      join(folder, "a", "x.pkl"),
      join(folder, "c.pkl"),
    ]);
    assert.equal((await shard([join(folder, "none")])).code, 2);
  });
});
