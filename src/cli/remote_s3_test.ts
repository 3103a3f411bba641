import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { scan } from "../../mod.ts";
import { runMain } from "./commands/main.ts";
import { checkpoint } from "./testing/checkpoint.ts";
import type { ServedFile } from "./testing/server.ts";
import { testIo } from "./testing/io.ts";
import {
  KEYS,
  type RunningServer,
  type S3Options,
  startAnswering,
  startS3,
} from "./testing/stores.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const HARMFUL = encode("cos\nsystem\n(S'echo hi'\ntR.");
const HARMLESS = Uint8Array.of(0x80, 2, 0x5d, 0x4b, 1, 0x61, 0x4b, 2, 0x61, 0x2e);

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly report: {
    readonly assets: { readonly path: string; readonly verdict: string }[];
    readonly issues: readonly { readonly rule_id: string }[];
    readonly errors: { readonly message: string; readonly remedy: string }[];
  };
}

async function run(
  server: RunningServer,
  args: readonly string[],
  env: Record<string, string> = KEYS,
): Promise<Run> {
  const io = testIo({ env: { AWS_ENDPOINT_URL: server.url, ...env }, now: Date.now });
  const all = ["-f", "json", ...args, "--no-config", "--allow-private-network"];
  const code = await runMain(all, io);
  const out = io.stdout.text;
  const report = out.startsWith("{") ? JSON.parse(out) : { assets: [], issues: [], errors: [] };
  return { code, out, err: io.stderr.text, report };
}

async function withStore(
  objects: Readonly<Record<string, Uint8Array | ServedFile>>,
  body: (server: RunningServer) => Promise<void>,
  options: S3Options = {},
): Promise<void> {
  const server = await startS3(objects, options);
  try {
    await body(server);
  } finally {
    await server.close();
  }
}

const verdicts = ({ report }: Run): string[] =>
  report.assets.map(({ path, verdict }) => `${path} ${verdict}`).sort();

test("what lies below a path of a bucket is scanned, over as many pages as it has", async () => {
  const objects: Record<string, Uint8Array> = {
    "bert/": new Uint8Array(0),
    "bert-other/a.pkl": HARMFUL,
    "bert/config.json": encode('{"model_type": "bert"}'),
  };
  for (let n = 0; n < 8; n++) objects[`bert/part-${n}.pkl`] = n === 5 ? HARMFUL : HARMLESS;
  await withStore(objects, async (server) => {
    const result = await run(server, ["s3://models/bert"]);
    assert.equal(result.code, 1, result.err);
    assert.match(result.err, /is asked over plain HTTP/);
    assert.equal(result.report.assets.length, 9);
    assert.deepEqual(verdicts(result).filter((it) => it.endsWith(" dangerous")), [
      "s3://models/bert/part-5.pkl dangerous",
    ]);
    const one = await run(server, ["s3://models/bert/part-1.pkl"]);
    assert.deepEqual(verdicts(one), ["s3://models/bert/part-1.pkl clean"]);
    const none = await run(server, ["s3://models/ber"]);
    assert.equal(none.code, 2);
    assert.match(none.report.errors[0]?.message ?? "", /no object of that key or below it/);
  });
});

test("a configuration is judged with the Python files beside it, wherever the folder lies", async () => {
  const auto = JSON.stringify({ model_type: "x", auto_map: { AutoModel: "modeling_x.Model" } });
  const objects = {
    "deep/er/m/config.json": encode(auto),
    "deep/er/m/modeling_x.py": encode("import os\nos.system('echo hi')\nclass Model: pass\n"),
  };
  await withStore(objects, async (server) => {
    const { report } = await run(server, ["s3://models/deep/er/m/"]);
    const beside = report.issues.find(({ rule_id }) => rule_id === "repository-own-code");
    assert.match(JSON.stringify(beside ?? ""), /modeling_x/);
  });
});

test("keys of all characters are signed and fetched as they are", async () => {
  const names = [
    ...["a b+c%2B.pkl", "ü/日本.pkl", "a//b.pkl", "/slash.pkl", "q?x=1&y#z.pkl", "p'(!)*~.pkl"],
    ...["tab\there.pkl", "line\nbreak.pkl", '<&">.pkl', "back\\slash.pkl", "%2e%2e.pkl", "...pkl"],
  ];
  const objects = Object.fromEntries(names.map((it) => [`all/${it}`, HARMFUL]));
  await withStore(objects, async (server) => {
    const { report, out } = await run(server, ["s3://models/all/"]);
    assert.deepEqual(
      report.assets.map(({ path, verdict }) => `${path} ${verdict}`).sort(),
      names.map((it) => `s3://models/all/${it} dangerous`).sort(),
      out,
    );
  });
});

test("an object that no address can name is an error, not passed over", async () => {
  const objects = { "m/../evil.pkl": HARMFUL, "m/./a.pkl": HARMFUL, "m/b.pkl": HARMLESS };
  await withStore(objects, async (server) => {
    const result = await run(server, ["s3://models/m/"]);
    assert.equal(result.code, 2);
    assert.equal(result.report.errors.length, 2);
    assert.match(result.report.errors[0]?.message ?? "", /no address can have/);
    assert.ok(!server.requests.some(({ url }) => url.startsWith("/models/evil.pkl")));
  });
});

test("a wrong key is refused, and no message has it", async () => {
  await withStore({ "a.pkl": HARMLESS }, async (server) => {
    const wrong = { ...KEYS, AWS_SECRET_ACCESS_KEY: "very/secret+SECRETKEZ" };
    for (const env of [wrong, {}]) {
      const { code, out, err, report } = await run(server, ["s3://models/a.pkl"], env);
      assert.equal(code, 2);
      assert.match(report.errors[0]?.message ?? "", /HTTP 403, SignatureDoesNotMatch/);
      assert.match(report.errors[0]?.remedy ?? "", /AWS_ACCESS_KEY_ID/);
      assert.doesNotMatch(out + err, /SECRETKE/);
    }
  });
});

test("keys come from a profile, too, and a session's token goes with them", async () => {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-aws-"));
  try {
    await withStore({ "a.pkl": HARMLESS }, async (server) => {
      const keys = `aws_access_key_id = ${KEYS.AWS_ACCESS_KEY_ID}\n` +
        `aws_secret_access_key=${KEYS.AWS_SECRET_ACCESS_KEY}\naws_session_token = TOKEN\n`;
      writeFileSync(
        join(folder, "credentials"),
        `[default]\naws_access_key_id = x\n[work]\n${keys}`,
      );
      writeFileSync(
        join(folder, "config"),
        `[profile work]\nregion = eu-west-1\ns3 =\n  region = nowhere\nendpoint_url = ${server.url}\n`,
      );
      const env = {
        AWS_ENDPOINT_URL: "",
        AWS_PROFILE: "work",
        AWS_SHARED_CREDENTIALS_FILE: join(folder, "credentials"),
        AWS_CONFIG_FILE: join(folder, "config"),
      };
      const { code, err } = await run(server, ["s3://models/a.pkl"], env);
      assert.equal(code, 0, err);
      assert.match(server.requests[0]?.headers.authorization ?? "", /\/eu-west-1\/s3\//);
      assert.equal(server.requests[0]?.headers["x-amz-security-token"], "TOKEN");
      const missing = await run(server, ["s3://models/a.pkl"], { ...env, AWS_PROFILE: "other" });
      assert.equal(missing.code, 2);
      assert.match(missing.err, /no profile "other"/);
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("an object that may be got and not listed is scanned, and a folder of it is an error", async () => {
  await withStore({ "m/a.pkl": HARMFUL }, async (server) => {
    const one = await run(server, ["s3://models/m/a.pkl"]);
    assert.deepEqual(verdicts(one), ["s3://models/m/a.pkl dangerous"]);
    const folder = await run(server, ["s3://models/m/"]);
    assert.equal(folder.code, 2);
    assert.match(folder.report.errors[0]?.message ?? "", /AccessDenied/);
  }, { listing: "forbidden" });
});

test("no signature follows a redirect to another host or another bucket", async () => {
  const other = await startAnswering((_, response) => {
    response.writeHead(200, { "content-length": HARMLESS.length }).end(HARMLESS);
  });
  try {
    let to = "";
    const misbehave = (request: IncomingMessage, response: ServerResponse): boolean => {
      if (!/\/models\/m\/a\.pkl/.test(request.url ?? "")) return false;
      response.writeHead(307, { location: to }).end();
      return true;
    };
    await withStore({ "m/a.pkl": HARMLESS }, async (server) => {
      for (to of [`${other.url}/models/x`, `${server.url}/private/x`, `${server.url}/models2/x`]) {
        const before = server.requests.length;
        await run(server, ["s3://models/m/"], { ...KEYS, AWS_SESSION_TOKEN: "TOKEN" });
        const followed = [...other.requests, ...server.requests.slice(before)]
          .filter(({ url }) => !/^\/models[/?]/.test(url) || url === "/models/x");
        assert.ok(followed.length > 0, to);
        for (const { headers } of followed) {
          assert.equal(headers.authorization, undefined, to);
          assert.equal(headers["x-amz-security-token"], undefined, to);
          assert.equal(headers["x-amz-date"], undefined, to);
        }
      }
    }, { misbehave });
  } finally {
    await other.close();
  }
});

/** A server whose listing is one text, or one made for each request. */
async function listed(
  page: string | ((seen: number) => string),
  body: (result: Run, server: RunningServer) => void,
): Promise<void> {
  const server = await startAnswering((_, response, seen) => {
    response.end(typeof page === "string" ? page : page(seen));
  });
  try {
    body(await run(server, ["s3://models/m/"]), server);
  } finally {
    await server.close();
  }
}

test("listings without an end, or that say what was not asked for, are errors", async () => {
  const list = (inner: string): string => `<ListBucketResult>${inner}</ListBucketResult>`;
  const more = "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>";
  const cases: readonly (readonly [page: string | ((seen: number) => string), message: RegExp])[] =
    [
      [list(more), /without an end/],
      [(seen) => list(more.replace(">t<", `>t${seen}<`)), /without an end/],
      [list("<IsTruncated>true</IsTruncated>"), /does not say where its list goes on/],
      [list(""), /does not say where its list goes on/],
      [
        list("<IsTruncated>false</IsTruncated><Contents><Key>other/a</Key></Contents>"),
        /what it was not asked for/,
      ],
      [list("<Contents><Size>1</Size></Contents>"), /a listing of objects/],
      [list("<Contents><Key>m/a</Key><Key>m/b</Key></Contents>"), /a listing of objects/],
      ["<!DOCTYPE x [<!ENTITY a 'b'>]><ListBucketResult/>", /a listing of objects/],
      ["<html><body>login</body></html>", /a listing of objects/],
      ["{}", /a listing of objects/],
      ["", /a listing of objects/],
    ];
  for (const [page, message] of cases) {
    await listed(page, ({ code, report }, server) => {
      assert.equal(code, 2);
      assert.match(report.errors[0]?.message ?? "", message, String(page));
      assert.ok(server.requests.length < 1100);
    });
  }
});

test("an object that is listed twice is scanned once, and is believed only where both agree", async () => {
  const twice = (one: string, other: string): string =>
    `<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>m/a.pkl</Key>${one}</Contents>` +
    `<Contents><Key>m/a.pkl</Key>${other}</Contents></ListBucketResult>`;
  const server = await startAnswering((request, response) => {
    if (request.url?.includes("list-type")) {
      response.end(twice("<Size>1</Size><ETag>a</ETag>", "<Size>26</Size><ETag>b</ETag>"));
    } else response.writeHead(200, { etag: '"c"', "content-length": 26 }).end(HARMFUL);
  });
  try {
    assert.equal(HARMFUL.length, 26);
    assert.deepEqual(verdicts(await run(server, ["s3://models/m/"])), [
      "s3://models/m/a.pkl dangerous",
    ]);
  } finally {
    await server.close();
  }
});

test("an object of another version or size than its listing has is not believed", async () => {
  await withStore({ "m/a.pkl": HARMLESS }, async (server) => {
    const { code, report } = await run(server, ["s3://models/m/"]);
    assert.equal(code, 2);
    assert.match(report.errors[0]?.message ?? "", /another version/);
  }, {
    misbehave: (request, response) => {
      if (request.url !== "/models/m/a.pkl") return false;
      response.writeHead(200, { etag: '"other"', "content-length": 10 }).end(HARMLESS);
      return true;
    },
  });
});

test("a checkpoint of many storages takes as few requests as from the hub", async () => {
  const file = checkpoint({ storages: 512, storageBytes: 4 * 1024 * 1024 });
  await withStore({ "m/model.pt": file }, async (server) => {
    const { report, err } = await run(server, ["s3://models/m/model.pt"]);
    assert.equal(report.assets[0]?.verdict, "clean", err);
    const gets = server.requests.filter(({ url }) => url === "/models/m/model.pt");
    assert.ok(gets.length <= 4, `${gets.length} requests`);
    assert.ok(server.requests.length - gets.length <= 2);
  });
});

test("machines' metadata is asked only where that was asked for", async () => {
  const metadata = await startAnswering((request, response) => {
    const { url = "", method, headers } = request;
    if (method === "PUT" && url === "/latest/api/token") return void response.end("T");
    if (headers["x-aws-ec2-metadata-token"] !== "T") return void response.writeHead(401).end();
    if (url.endsWith("/security-credentials/")) return void response.end("role");
    response.end(JSON.stringify({
      AccessKeyId: KEYS.AWS_ACCESS_KEY_ID,
      SecretAccessKey: KEYS.AWS_SECRET_ACCESS_KEY,
      Token: "SESSION",
      Expiration: new Date(Date.now() + 3_600_000).toISOString(),
    }));
  });
  try {
    await withStore({ "a.pkl": HARMLESS }, async (server) => {
      const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url };
      const without = await run(server, ["s3://models/a.pkl"], env);
      assert.equal(without.code, 2);
      assert.equal(metadata.requests.length, 0);
      const { code } = await run(server, ["s3://models/a.pkl", "--instance-credentials"], env);
      assert.equal(code, 0);
      assert.equal(metadata.requests.length, 3);
      assert.equal(server.requests.at(-1)?.headers["x-amz-security-token"], "SESSION");
    });
  } finally {
    await metadata.close();
  }
});

test("the module reads stores by URLs, with the keys of its settings", async () => {
  await withStore({ "m/a b.pkl": HARMFUL }, async (server) => {
    const keys = {
      accessKeyId: KEYS.AWS_ACCESS_KEY_ID,
      secretAccessKey: KEYS.AWS_SECRET_ACCESS_KEY,
    };
    let calls = 0;
    const given = () => {
      calls++;
      return Promise.resolve({ value: keys, expires: Date.now() + 3_600_000 });
    };
    for (const it of [keys, given]) {
      const report = await scan(new URL("s3://models/m/a b.pkl"), {
        remote: { allowPrivateNetwork: true, stores: { s3: { endpoint: server.url, keys: it } } },
      });
      assert.deepEqual(report.files.map(({ path, verdict }) => `${path} ${verdict}`), [
        "s3://models/m/a b.pkl dangerous",
      ]);
    }
    assert.equal(calls, 1);
    const remote = { stores: { s4: {} } } as never;
    await assert.rejects(() => scan(new URL("s3://models/m"), { remote }), TypeError);
  });
});

test("a store that ignores ranges is read whole, one that answers others is not believed", async () => {
  const long = new Uint8Array(300_000).fill(0x4e);
  for (let at = 1; at < long.length - HARMFUL.length; at += 2) long[at] = 0x30;
  long.set(HARMFUL, long.length - HARMFUL.length);
  const etag = `"${long.length}"`;
  const send = (response: ServerResponse, status: number, range: string, bytes: Uint8Array) =>
    response.writeHead(status, {
      etag,
      "content-length": bytes.length,
      ...(range !== "" && { "content-range": range }),
    }).end(bytes);
  const ways:
    readonly (readonly [string, (start: number, end: number, to: ServerResponse) => void])[] = [
      ["dangerous", (_, __, to) => send(to, 200, "", long)],
      // Bytes of its beginning, whatever was asked for; and of a file of another size.
      [
        "incomplete",
        (start, end, to) =>
          send(to, 206, `bytes 0-${end - start}/300000`, long.slice(0, end - start + 1)),
      ],
      [
        "incomplete",
        (start, end, to) =>
          send(to, 206, `bytes ${start}-${end}/999999`, long.slice(start, end + 1)),
      ],
    ];
  for (const [verdict, answer] of ways) {
    const misbehave = ({ url, headers }: IncomingMessage, response: ServerResponse): boolean => {
      const range = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "");
      if (url !== "/models/m/a.pkl" || range === null) return false;
      const start = Number(range[1]);
      // The first range is as it should be, unless all of it is sent.
      if (start === 0 && verdict === "incomplete") return false;
      answer(start, Math.min(Number(range[2]), long.length - 1), response);
      return true;
    };
    await withStore({ "m/a.pkl": long }, async (server) => {
      const { report } = await run(server, ["s3://models/m/"]);
      assert.equal(report.assets[0]?.verdict, verdict, report.errors[0]?.message);
    }, { misbehave });
  }
});
