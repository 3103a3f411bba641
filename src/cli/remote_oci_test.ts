import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runMain } from "./commands/main.ts";
import { checkpoint } from "./testing/checkpoint.ts";
import { testIo } from "./testing/io.ts";
import { sendFile, type ServedFile } from "./testing/server.ts";
import { type RunningServer, startAnswering } from "./testing/stores.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const HARMFUL = encode("cos\nsystem\n(S'echo hi'\ntR.");
const HARMLESS = Uint8Array.of(0x80, 2, 0x5d, 0x4b, 1, 0x61, 0x4b, 2, 0x61, 0x2e);
const TITLE = "org.opencontainers.image.title";

const sha256 = (bytes: Uint8Array): string =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

interface Layer {
  readonly digest?: unknown;
  readonly size?: unknown;
  readonly mediaType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

const layer = (bytes: Uint8Array, name?: string): Layer => ({
  mediaType: "application/octet-stream",
  digest: sha256(bytes),
  size: bytes.length,
  ...(name !== undefined && { annotations: { [TITLE]: name } }),
});

const manifest = (...layers: readonly Layer[]): Uint8Array =>
  encode(JSON.stringify({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: layer(encode("{}")),
    layers,
  }));

interface RegistryOptions {
  /** Demands a token of this realm; "self" for its own. */
  readonly realm?: string;
  readonly misbehave?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** A registry with one repository, "org/m". */
async function withRegistry(
  tags: Readonly<Record<string, Uint8Array>>,
  blobs: readonly (Uint8Array | (ServedFile & { readonly digest: string }))[],
  body: (server: RunningServer, address: string) => Promise<void>,
  { realm, misbehave = () => false }: RegistryOptions = {},
): Promise<void> {
  const manifests = new Map(
    Object.entries(tags).flatMap(([tag, bytes]) => [
      [tag, bytes] as const,
      [sha256(bytes), bytes] as const,
    ]),
  );
  const stored = new Map<string, ServedFile>(
    [encode("{}"), ...blobs].map((it) =>
      it instanceof Uint8Array
        ? [sha256(it), { size: it.length, slice: (a: number, b: number) => it.slice(a, b) }]
        : [it.digest, it]
    ),
  );
  const server = await startAnswering((request, response) => {
    const { url = "", headers } = request;
    if (misbehave(request, response)) return;
    if (url.startsWith("/token")) {
      const isUser = headers.authorization === `Basic ${btoa("user:p:ß".replace("ß", "s"))}`;
      response.writeHead(isUser ? 200 : 401);
      response.end(JSON.stringify(isUser ? { token: "TOKEN", expires_in: 300 } : {}));
      return;
    }
    if (realm !== undefined && headers.authorization !== "Bearer TOKEN") {
      const address = realm === "self" ? `http://${headers.host}/token` : realm;
      const challenge =
        `Bearer realm="${address}",service="reg",scope="repository:org/m:pull,push"`;
      response.writeHead(401, { "www-authenticate": challenge });
      response.end('{"errors": [{"code": "UNAUTHORIZED"}]}');
      return;
    }
    const [, kind, reference = ""] = /^\/v2\/org\/m\/(manifests|blobs)\/(.+)$/.exec(url) ?? [];
    const found = kind === "manifests" ? manifests.get(reference) : undefined;
    const blob = kind === "blobs" ? stored.get(reference) : undefined;
    if (found !== undefined) {
      response.writeHead(200, { "docker-content-digest": sha256(found) }).end(found);
    } else if (blob !== undefined) sendFile(request, response, blob);
    else response.writeHead(404).end('{"errors": [{"code": "MANIFEST_UNKNOWN"}]}');
  });
  try {
    await body(server, `oci://${new URL(server.url).host}/org/m`);
  } finally {
    await server.close();
  }
}

async function run(args: readonly string[], env: Record<string, string> = {}) {
  const io = testIo({ env, now: Date.now });
  const all = ["-f", "json", ...args, "--no-config", "--allow-private-network"];
  const code = await runMain(all, io);
  const report = JSON.parse(io.stdout.text) as {
    readonly assets: readonly { readonly path: string; readonly verdict: string }[];
    readonly errors: readonly { readonly message: string; readonly remedy: string }[];
  };
  const verdicts = report.assets.map(({ path, verdict }) =>
    `${path.replace(/^oci:\/\/[^/]+\/org\/m/, "")} ${verdict}`
  ).sort();
  const messages = report.errors.map(({ message }) => message).join("\n");
  return { code, report, verdicts, messages, out: io.stdout.text, err: io.stderr.text };
}

test("files of an artifact have the names of their annotations, others that of their digest", async () => {
  const other = encode("cos\nsystem\n(S'echo other'\ntR.");
  const modelPack = {
    ...layer(other),
    annotations: { "org.cncf.model.filepath": "weights/model.bin" },
  };
  const tag = manifest(layer(HARMFUL, "model.pkl"), layer(HARMLESS), modelPack);
  await withRegistry({ latest: tag, v1: tag }, [HARMFUL, HARMLESS, other], async (_, address) => {
    const plain = sha256(HARMLESS).replace(":", "-");
    for (const [reference, shown] of [["", ":latest"], [":v1", ":v1"], [`@${sha256(tag)}`, ""]]) {
      const { code, verdicts, err } = await run([`${address}${reference}`]);
      assert.equal(code, 1, err);
      const version = shown || `@${sha256(tag)}`;
      assert.deepEqual(verdicts.filter((it) => !it.endsWith("skipped")), [
        `${version}/model.pkl dangerous`,
        `${version}/${plain} clean`,
        `${version}/weights/model.bin dangerous`,
      ]);
      assert.match(err, new RegExp(`is ${sha256(tag)}`));
    }
  });
});

test("an index is followed to all of its manifests, and no further than once to each", async () => {
  const inner = manifest(layer(HARMFUL, "model.pkl"));
  const entry = { digest: sha256(inner), size: inner.length };
  const index = encode(JSON.stringify({ manifests: [entry, entry] }));
  await withRegistry({ latest: index, inner }, [HARMFUL], async (server, address) => {
    const { verdicts } = await run([address]);
    assert.ok(verdicts.includes(":latest/model.pkl dangerous"), verdicts.join());
    assert.equal(server.requests.filter(({ url }) => url.includes("/manifests/")).length, 2);
  });
  const loop = encode(JSON.stringify({ manifests: [{ digest: sha256(encode("x")) }, {}] }));
  await withRegistry({ latest: loop }, [], async (_, address) => {
    const { code, messages } = await run([address]);
    assert.equal(code, 2);
    assert.match(messages, /HTTP 404, MANIFEST_UNKNOWN/);
  });
});

test("a manifest that is not what its digest says is not believed", async () => {
  const tag = manifest(layer(HARMLESS, "model.pkl"));
  const evil = manifest(layer(HARMFUL, "model.pkl"));
  for (const header of [{}, { "docker-content-digest": sha256(evil) }]) {
    const misbehave = ({ url = "" }: IncomingMessage, response: ServerResponse): boolean => {
      if (!url.includes("/manifests/")) return false;
      response.writeHead(200, header).end(evil);
      return true;
    };
    await withRegistry({}, [HARMFUL, HARMLESS], async (_, address) => {
      const { code, messages } = await run([`${address}@${sha256(tag)}`]);
      assert.equal(code, 2);
      assert.match(messages, /its manifest is sha256:\w+, not sha256:/);
    }, { misbehave });
  }
});

test("a blob that is read whole must have its digest and its size, whatever its length", async () => {
  const long = new Uint8Array(300_000).fill(0x4e);
  for (let at = 1; at < long.length; at += 2) long[at] = 0x30;
  long[long.length - 2] = 0x4e;
  long[long.length - 1] = 0x2e;
  const changed = long.slice();
  changed[200_001] = 0x4e;
  changed[200_002] = 0x30;
  changed[200_003] = 0x30;
  for (
    const [bytes, other] of [[HARMLESS, Uint8Array.from(HARMLESS, (it) => it === 1 ? 3 : it)], [
      long,
      changed,
    ]] as const
  ) {
    const tag = manifest(layer(bytes, "model.pkl"));
    for (const [served, length] of [[bytes, 0], [other, 0], [bytes, 1]] as const) {
      const lying = {
        digest: sha256(bytes),
        size: served.length + length,
        slice: (a: number, b: number) => {
          const all = new Uint8Array(served.length + length);
          all.set(served);
          return all.slice(a, b);
        },
      };
      await withRegistry({ latest: tag }, [lying], async (_, address) => {
        const { code, messages, err } = await run([address]);
        const isTrue = served === bytes && length === 0;
        assert.equal(code, isTrue ? 0 : 2, messages);
        if (!isTrue) assert.match(messages, /other bytes|have the digest|its listing says/);
        assert.doesNotMatch(err, /only ranges were read/);
      });
    }
  }
});

test("of a blob of which ranges are read, the report says that its digest was not checked", async () => {
  const file = checkpoint({ storages: 64, storageBytes: 1024 * 1024 });
  const digest = `sha256:${"ab".repeat(32)}`;
  const tag = manifest({
    digest,
    size: file.size,
    annotations: { [TITLE]: "model.pt" },
  });
  await withRegistry({ latest: tag }, [{ ...file, digest }], async (_, address) => {
    const { code, verdicts, err, out } = await run([address, "--hash"]);
    assert.equal(code, 0);
    assert.ok(verdicts.includes(":latest/model.pt clean"), verdicts.join());
    assert.match(err, /Of 1 blob only ranges were read.*not checked/);
    assert.match(out, /"listing"/);
  });
});

test("names that lead out of an artifact, or stand twice in it, are errors, and their blobs are scanned", async () => {
  const other = encode("cos\nsystem\n(S'echo other'\ntR.");
  const names = ["../../evil.pkl", "/etc/evil.pkl", "a/..\\evil.pkl", "C:\\evil.pkl"];
  for (const name of names) {
    await withRegistry(
      { latest: manifest(layer(HARMFUL, name)) },
      [HARMFUL],
      async (_, address) => {
        const { code, verdicts, messages } = await run([address]);
        assert.equal(code, 1);
        assert.match(messages, /leads out of the artifact/);
        assert.ok(verdicts.some((it) => /sha256-\w+ dangerous$/.test(it)), verdicts.join());
      },
    );
  }
  const twice = manifest(layer(HARMLESS, "a.pkl"), layer(other, "a.pkl"));
  await withRegistry({ latest: twice }, [HARMLESS, other], async (_, address) => {
    const { code, verdicts, messages } = await run([address]);
    assert.equal(code, 1);
    assert.match(messages, /names two layers so/);
    assert.equal(verdicts.filter((it) => it.endsWith(" dangerous")).length, 1);
  });
});

test("layers without a digest, or of one that is not checked, leave the artifact incomplete", async () => {
  const cases: readonly (readonly [Layer, RegExp])[] = [
    [{ size: 3 }, /without a digest/],
    [{ digest: "sha256:../../x", size: 3 }, /without a digest/],
    [{ digest: 7 }, /without a digest/],
    [{ digest: `sha512:${"0a".repeat(64)}`, size: 3 }, /is not SHA-256/],
  ];
  for (const [odd, message] of cases) {
    const tag = manifest(layer(HARMLESS, "a.pkl"), odd);
    await withRegistry({ latest: tag }, [HARMLESS], async (_, address) => {
      const { code, messages } = await run([address]);
      assert.equal(code, 2);
      assert.match(messages, message);
    });
  }
  for (const text of ["{}", "[]", "no", '{"layers": {}}', '{"manifests": 1}']) {
    await withRegistry({ latest: encode(text) }, [], async (_, address) => {
      assert.equal((await run([address])).code, 2, text);
    });
  }
});

/** A folder with a login for a registry, as Docker keeps it. */
async function withLogin(
  server: RunningServer,
  body: (env: Record<string, string>) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-docker-"));
  try {
    const auths = { [new URL(server.url).host]: { auth: btoa("user:p:s") } };
    writeFileSync(join(folder, "config.json"), JSON.stringify({ auths }));
    await body({ DOCKER_CONFIG: folder });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("a token is had with the login of docker, for reading alone", async () => {
  const tag = manifest(layer(HARMFUL, "model.pkl"));
  await withRegistry({ latest: tag }, [HARMFUL], async (server, address) => {
    const refused = await run([address]);
    assert.equal(refused.code, 2);
    assert.match(refused.messages, /gives no token \(HTTP 401/);
    await withLogin(server, async (env) => {
      const { code, out, err } = await run([address], env);
      assert.equal(code, 1, err);
      assert.doesNotMatch(out + err, /TOKEN|p:s/);
    });
    const asked = server.requests.filter(({ url }) => url.startsWith("/token"));
    assert.match(asked.at(-1)?.url ?? "", /scope=repository%3Aorg%2Fm%3Apull&service=reg$/);
  }, { realm: "self" });
});

test("a login goes to no realm of another domain, and a token behind no redirect", async () => {
  const other = await startAnswering((request, response) => {
    if (request.url?.startsWith("/token")) response.end('{"token": "TOKEN"}');
    else {sendFile(request, response, {
        size: HARMFUL.length,
        slice: (a, b) => HARMFUL.slice(a, b),
      });}
  });
  try {
    const tag = manifest(layer(HARMFUL, "model.pkl"));
    const misbehave = ({ url = "" }: IncomingMessage, response: ServerResponse): boolean => {
      if (!url.includes("/blobs/")) return false;
      response.writeHead(307, { location: `${other.url}/blob` }).end();
      return true;
    };
    const realm = `${other.url.replace("127.0.0.1", "localhost")}/token`;
    await withRegistry({ latest: tag }, [HARMFUL], async (server, address) => {
      await withLogin(server, async (env) => {
        const { code, err } = await run([address], env);
        assert.equal(code, 1, err);
        assert.ok(server.requests.some((it) => it.headers.authorization === "Bearer TOKEN"));
        assert.ok(other.requests.length >= 2);
        for (const { headers } of other.requests) assert.equal(headers.authorization, undefined);
      });
    }, { realm, misbehave });
  } finally {
    await other.close();
  }
});

test("realms that are no address of the registry's protocol are refused", async () => {
  for (const realm of ["file:///etc/passwd", "https://u:p@h.test/t", "no url", "ftp://h.test/"]) {
    await withRegistry({ latest: manifest() }, [], async (server, address) => {
      await withLogin(server, async (env) => {
        const { code, messages } = await run([address], env);
        assert.equal(code, 2);
        assert.match(messages, /tokens/, realm);
      });
    }, { realm });
  }
});

test("a manifest that clients read in different ways is read in all, or incomplete", async () => {
  const tag = (fields: object): Uint8Array =>
    encode(JSON.stringify({ schemaVersion: 2, ...fields }));
  const own = { config: layer(encode("{}")), layers: [layer(HARMFUL, "model.pkl")] };
  const harmless = [layer(HARMLESS, "model.pkl")];
  // An index to one client, a manifest to another.
  await withRegistry({ latest: tag({ ...own, manifests: [] }) }, [HARMFUL], async (_, address) => {
    const { verdicts } = await run([address]);
    assert.ok(verdicts.includes(":latest/model.pkl dangerous"), verdicts.join());
  });
  // Go takes names of fields in any case, the last of them.
  const spelt = [
    tag({ ...own, layers: harmless, Layers: own.layers }),
    tag({ ...own, layers: [{ ...harmless[0], Digest: own.layers[0]?.digest }] }),
  ];
  for (const latest of spelt) {
    await withRegistry({ latest }, [HARMFUL, HARMLESS], async (_, address) => {
      const { code, messages } = await run([address]);
      assert.equal(code, 2);
      assert.match(messages, /clients read in different ways/);
    });
  }
});
