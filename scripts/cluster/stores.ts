/**
 * Object stores and registries as others wrote them: moto with authentication, Azurite, an emulator of Google's
 * storage, Debian's registry. Each is filled by a client of its own and read by the launcher.
 *
 *     make test-cluster
 *
 * @module
 */

import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  fetched,
  freePort,
  installed,
  LAUNCHER,
  type Ran,
  ran,
  ROOT,
  withService,
} from "./services.ts";

const sample = (path: string): Uint8Array =>
  new Uint8Array(readFileSync(join(ROOT, "testdata", path)));

/** Names that stores, proxies and signatures treat in different ways, with what they hold. */
const OBJECTS: Readonly<Record<string, Uint8Array>> = {
  "bert/model.pt": sample("torch/harmful/checkpoint.pt"),
  "bert/state dict+v1%2F.pt": sample("torch/safe/state_dict.pt"),
  "bert/ü/日本 (1)!*'~.pt": sample("torch/harmful/checkpoint.pt"),
  "bert/a&b=c;d,e@f$g.pt": sample("torch/harmful/checkpoint.pt"),
  "bert-other/model.pt": sample("torch/harmful/checkpoint.pt"),
};

const EXPECTED = [
  "bert/a&b=c;d,e@f$g.pt dangerous",
  "bert/model.pt dangerous",
  "bert/state dict+v1%2F.pt clean",
  "bert/ü/日本 (1)!*'~.pt dangerous",
];

async function scan(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Ran & { readonly verdicts: readonly string[]; readonly messages: string }> {
  const all = ["--no-config", "-f", "json", "--allow-private-network", ...args];
  const result = await ran([LAUNCHER, ...all], { env: { NO_PROXY: "127.0.0.1", ...env } });
  const report =
    (result.out.startsWith("{") ? JSON.parse(result.out) : { assets: [], errors: [] }) as {
      readonly assets: readonly { readonly path: string; readonly verdict: string }[];
      readonly errors: readonly { readonly message: string }[];
    };
  return {
    ...result,
    verdicts: report.assets.map(({ path, verdict }) =>
      `${path.replace(/^\w+:\/\/[^/]+\//, "")} ${verdict}`
    ).sort(),
    messages: report.errors.map(({ message }) => message).join("\n") + result.err,
  };
}

const moto = fetched("python/bin/moto_server");
test("moto with authentication: signed requests are answered, wrong signatures refused", {
  skip: moto === undefined,
}, async () => {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  // The first requests are not checked: that which sees whether it listens, and three that make the user.
  const setUp = `
import boto3, json, sys
make = lambda name, key, secret: boto3.client(name, endpoint_url="${endpoint}", region_name="us-east-1",
    aws_access_key_id=key, aws_secret_access_key=secret)
iam = make("iam", "x", "x")
iam.create_user(UserName="scanner")
policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
iam.put_user_policy(UserName="scanner", PolicyName="all", PolicyDocument=json.dumps(policy))
pair = iam.create_access_key(UserName="scanner")["AccessKey"]
s3 = make("s3", pair["AccessKeyId"], pair["SecretAccessKey"])
s3.create_bucket(Bucket="models")
for name, path in json.load(sys.stdin).items():
    with open(path, "rb") as file:
        s3.put_object(Bucket="models", Key=name, Body=file.read())
print(json.dumps([pair["AccessKeyId"], pair["SecretAccessKey"]]))
`;
  await withFiles(async (files) => {
    const env = { INITIAL_NO_AUTH_ACTION_COUNT: "4" };
    await withService([moto ?? "", "-p", String(port)], { port, env }, async () => {
      const made = await ran([fetched("python/bin/python") ?? "", "-c", setUp], {
        input: JSON.stringify(files),
      });
      assert.equal(made.status, 0, made.err);
      const [id, secret] = JSON.parse(made.out) as [string, string];
      const keys = { AWS_ENDPOINT_URL: endpoint, AWS_ACCESS_KEY_ID: id };
      const good = { ...keys, AWS_SECRET_ACCESS_KEY: secret };
      const found = await scan(["s3://models/bert"], good);
      assert.equal(found.status, 1, found.messages);
      assert.deepEqual(found.verdicts, EXPECTED, found.messages);
      const one = await scan(["s3://models/bert/model.pt"], good);
      assert.deepEqual(one.verdicts, ["bert/model.pt dangerous"]);
      const wrong = await scan(["s3://models/bert"], {
        ...keys,
        AWS_SECRET_ACCESS_KEY: `${secret}x`,
      });
      assert.equal(wrong.status, 2);
      assert.match(wrong.messages, /SignatureDoesNotMatch/);
      assert.ok(!(wrong.out + wrong.err).includes(secret));
      const unknown = await scan(["s3://models/bert"], {
        ...good,
        AWS_ACCESS_KEY_ID: "AKIANOBODY",
      });
      assert.equal(unknown.status, 2);
    });
  });
});

/** Runs with the objects as files: names to paths. */
async function withFiles(
  body: (files: Readonly<Record<string, string>>) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-stores-"));
  try {
    const files = Object.fromEntries(
      Object.entries(OBJECTS).map(([name, bytes], index) => {
        const path = join(folder, String(index));
        writeFileSync(path, bytes);
        return [name, path];
      }),
    );
    await body(files);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The account that Azurite is born with. https://learn.microsoft.com/azure/storage/common/storage-use-azurite */
const ACCOUNT = "devstoreaccount1";
const ACCOUNT_KEY =
  "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

const azurite = fetched("node_modules/.bin/azurite-blob");
test("Azurite: keys and shared access signatures are accepted, others refused", {
  skip: azurite === undefined,
}, async () => {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-azurite-"));
  const args = ["--blobPort", String(port), "--location", folder, "--silent"];
  try {
    await withService([azurite ?? "", ...args], { port }, async () => {
      const put = async (path: string, query: string, body?: Uint8Array<ArrayBuffer>) => {
        const url = `http://127.0.0.1:${port}/${ACCOUNT}/${path}${query}`;
        const headers: Record<string, string> = {
          "x-ms-date": new Date().toUTCString(),
          "x-ms-version": "2021-12-02",
          ...(body && { "x-ms-blob-type": "BlockBlob" }),
        };
        const canonical = Object.keys(headers).sort().map((it) => `${it}:${headers[it]}\n`).join(
          "",
        );
        const length = body === undefined || body.length === 0 ? "" : String(body.length);
        const text = `PUT\n\n\n${length}\n\n\n\n\n\n\n\n\n${canonical}/${ACCOUNT}` +
          `${new URL(url).pathname}${query === "" ? "" : "\nrestype:container"}`;
        const signature = createHmac("sha256", Buffer.from(ACCOUNT_KEY, "base64")).update(text)
          .digest("base64");
        headers["authorization"] = `SharedKey ${ACCOUNT}:${signature}`;
        const answer = await fetch(url, { method: "PUT", headers, ...(body && { body }) });
        assert.equal(answer.status, 201, await answer.text());
      };
      await put("models", "?restype=container");
      for (const [name, bytes] of Object.entries(OBJECTS)) {
        const path = name.split("/").map(encodeURIComponent).join("/");
        await put(`models/${path}`, "", new Uint8Array(bytes));
      }
      const endpoint = `BlobEndpoint=http://127.0.0.1:${port}/${ACCOUNT}`;
      const connection = `AccountName=${ACCOUNT};${endpoint}`;
      const good = { AZURE_STORAGE_CONNECTION_STRING: `${connection};AccountKey=${ACCOUNT_KEY}` };
      const found = await scan(["az://models/bert"], good);
      assert.deepEqual(found.verdicts, EXPECTED, found.messages);
      const shared = { AZURE_STORAGE_CONNECTION_STRING: connection };
      const bySignature = await scan(["az://models/bert/"], {
        ...shared,
        AZURE_STORAGE_SAS_TOKEN: accountSas(),
      });
      assert.deepEqual(bySignature.verdicts, EXPECTED, bySignature.messages);
      const wrong = [
        { AZURE_STORAGE_CONNECTION_STRING: `${connection};AccountKey=${btoa("wrong")}` },
        { ...shared, AZURE_STORAGE_SAS_TOKEN: accountSas().replace(/sig=../, "sig=AA") },
        shared,
      ];
      for (const env of wrong) {
        const refused = await scan(["az://models/bert"], env);
        assert.equal(refused.status, 2);
        assert.match(refused.messages, /HTTP 40[134]/);
      }
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** https://learn.microsoft.com/rest/api/storageservices/create-account-sas */
function accountSas(): string {
  const expiry = new Date(Date.now() + 3_600_000).toISOString().replace(/\.\d+/, "");
  const fields = [ACCOUNT, "rl", "b", "sco", "", expiry, "", "https,http", "2020-12-06", "", ""];
  const signature = createHmac("sha256", Buffer.from(ACCOUNT_KEY, "base64"))
    .update(fields.join("\n")).digest("base64");
  return `?sv=2020-12-06&ss=b&srt=sco&sp=rl&se=${encodeURIComponent(expiry)}&spr=https,http&sig=${
    encodeURIComponent(signature)
  }`;
}

const emulator = fetched("python/bin/gcp-storage-emulator");
test("an emulator of Google's storage: listing and ranges", {
  skip: emulator === undefined,
}, async () => {
  const port = await freePort();
  const args = [
    "start",
    `--port=${port}`,
    "--host=127.0.0.1",
    "--in-memory",
    "--default-bucket=models",
  ];
  await withService([emulator ?? "", ...args], { port }, async () => {
    const upload = `http://127.0.0.1:${port}/upload/storage/v1/b/models/o?uploadType=media`;
    for (const [name, bytes] of Object.entries(OBJECTS)) {
      const answer = await fetch(`${upload}&name=${encodeURIComponent(name)}`, {
        method: "POST",
        headers: { "content-type": "application/octet-stream" },
        body: new Uint8Array(bytes),
      });
      assert.equal(answer.status, 200, await answer.text());
    }
    const env = { STORAGE_EMULATOR_HOST: `127.0.0.1:${port}` };
    const found = await scan(["gs://models/bert/model.pt", "gs://models/bert-other"], env);
    assert.deepEqual(found.verdicts, ["bert-other/model.pt dangerous", "bert/model.pt dangerous"]);
    const all = await scan(["gs://models/bert/"], env);
    assert.deepEqual(all.verdicts, EXPECTED, all.messages);
  });
});

const registry = installed("docker-registry");
test("Debian's registry: artifacts by tag and digest, with a password and without", {
  skip: registry === undefined,
}, async () => {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-registry-"));
  try {
    // bcrypt of "secret", by htpasswd -nbB user secret.
    const password = fetched("python/bin/python") === undefined ? undefined : (await ran([
      fetched("python/bin/python") ?? "",
      "-c",
      "import bcrypt; print(bcrypt.hashpw(b'secret', bcrypt.gensalt(5)).decode())",
    ])).out.trim();
    const login = password === undefined || password === "" ? "" : `
auth:
  htpasswd:
    realm: test
    path: ${folder}/htpasswd
`;
    writeFileSync(join(folder, "htpasswd"), `user:${password}\n`);
    writeFileSync(
      join(folder, "config.yml"),
      `version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: ${folder}/data}}
http: {addr: "127.0.0.1:${port}"}
${login}`,
    );
    await withService([registry ?? "", "serve", join(folder, "config.yml")], { port }, async () => {
      const headers = { authorization: `Basic ${btoa("user:secret")}` };
      const base = `http://127.0.0.1:${port}/v2/org/model`;
      const sha256 = (bytes: Uint8Array): string =>
        `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
      const push = async (bytes: Uint8Array) => {
        const start = await fetch(`${base}/blobs/uploads/`, { method: "POST", headers });
        assert.equal(start.status, 202);
        const place = new URL(start.headers.get("location") ?? "", base);
        place.searchParams.set("digest", sha256(bytes));
        const put = { method: "PUT", headers, body: new Uint8Array(bytes) };
        assert.equal((await fetch(place, put)).status, 201);
        return { digest: sha256(bytes), size: bytes.length, mediaType: "application/octet-stream" };
      };
      const model = await push(OBJECTS["bert/model.pt"] ?? new Uint8Array(0));
      const config = await push(new TextEncoder().encode("{}"));
      const mediaType = "application/vnd.oci.image.manifest.v1+json";
      const manifest = new TextEncoder().encode(JSON.stringify({
        schemaVersion: 2,
        mediaType,
        config,
        layers: [{ ...model, annotations: { "org.opencontainers.image.title": "model.pt" } }],
      }));
      const put = {
        method: "PUT",
        headers: { ...headers, "content-type": mediaType },
        body: manifest,
      };
      assert.equal((await fetch(`${base}/manifests/v1`, put)).status, 201);
      const auths = { [`127.0.0.1:${port}`]: { auth: btoa("user:secret") } };
      writeFileSync(join(folder, "config.json"), JSON.stringify({ auths }));
      const env = { DOCKER_CONFIG: folder };
      for (const reference of [":v1", `@${sha256(manifest)}`]) {
        const address = `oci://127.0.0.1:${port}/org/model${reference}`;
        const found = await scan([address], env);
        assert.equal(found.status, 1, found.messages);
        assert.ok(found.verdicts.some((it) => it.endsWith("/model.pt dangerous")), found.messages);
        if (login === "") continue;
        const refused = await scan([address], { DOCKER_CONFIG: join(folder, "none") });
        assert.equal(refused.status, 2);
        assert.match(refused.messages, /HTTP 401, UNAUTHORIZED/);
      }
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
