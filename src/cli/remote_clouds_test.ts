import assert from "node:assert/strict";
import { createHmac, createVerify, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runMain } from "./commands/main.ts";
import { testIo } from "./testing/io.ts";
import { sendFile } from "./testing/server.ts";
import { type RunningServer, startAnswering } from "./testing/stores.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const HARMFUL = encode("cos\nsystem\n(S'echo hi'\ntR.");
const HARMLESS = Uint8Array.of(0x80, 2, 0x5d, 0x4b, 1, 0x61, 0x4b, 2, 0x61, 0x2e);

async function run(args: readonly string[], env: Record<string, string>) {
  const io = testIo({ env, now: Date.now });
  const all = ["-f", "json", ...args, "--no-config", "--allow-private-network"];
  const code = await runMain(all, io);
  const out = io.stdout.text;
  const report = (out.startsWith("{") ? JSON.parse(out) : { assets: [], errors: [] }) as {
    readonly assets: readonly { readonly path: string; readonly verdict: string }[];
    readonly errors: readonly { readonly message: string }[];
  };
  const verdicts = report.assets.map(({ path, verdict }) => `${path} ${verdict}`).sort();
  const messages = report.errors.map(({ message }) => message).join("\n");
  return { code, verdicts, messages, out, err: io.stderr.text };
}

// --- Google ---------------------------------------------------------------------------

/** A bucket "models" whose objects only those get whose request is accepted. */
async function withGoogle(
  objects: Readonly<Record<string, Uint8Array>>,
  accepts: (request: IncomingMessage) => boolean,
  body: (server: RunningServer) => Promise<void>,
): Promise<void> {
  const base = "/storage/v1/b/models/o";
  const names = Object.keys(objects).sort();
  const server = await startAnswering((request, response) => {
    if (!accepts(request)) {
      response.writeHead(401).end('{"error": {"code": 401}}');
      return;
    }
    const url = new URL(request.url ?? "/", "http://local");
    if (url.pathname === base) {
      const all = names.filter((it) => it.startsWith(url.searchParams.get("prefix") ?? ""));
      const from = Number(url.searchParams.get("pageToken") ?? 0);
      const to = from + Math.min(2, Number(url.searchParams.get("maxResults") ?? 2));
      const items = all.slice(from, to)
        .map((name) => ({ name, size: String(objects[name]?.length), generation: "7" }));
      response.end(JSON.stringify({
        ...(items.length > 0 && { items }),
        ...(to < all.length && { nextPageToken: String(to) }),
      }));
      return;
    }
    const bytes = objects[decodeURIComponent(url.pathname.slice(base.length + 1))];
    const isMedia = url.search === "?alt=media&generation=7" &&
      !url.pathname.slice(23).includes("/");
    if (bytes === undefined || !isMedia) response.writeHead(404).end("{}");
    else sendFile(request, response, { size: bytes.length, slice: (a, b) => bytes.slice(a, b) });
  });
  try {
    await body(server);
  } finally {
    await server.close();
  }
}

test("objects of Google's storage are listed in pages and read at the generation that was listed", async () => {
  const objects = {
    "m/a.pkl": HARMLESS,
    "m/b c+d%2F.pkl": HARMFUL,
    "m/../x.pkl": HARMFUL,
    "m//z.pkl": HARMFUL,
    "m-other/a.pkl": HARMFUL,
  };
  const accepts = (request: IncomingMessage) => request.headers.authorization === "Bearer TOKEN";
  await withGoogle(objects, accepts, async (server) => {
    const env = { STORAGE_EMULATOR_HOST: server.url, GOOGLE_OAUTH_ACCESS_TOKEN: "TOKEN" };
    const { code, verdicts, messages } = await run(["gs://models/m"], env);
    assert.equal(code, 1, messages);
    // A slash in a name is no slash in its address there, so that `..` means nothing.
    assert.deepEqual(verdicts, [
      "gs://models/m/../x.pkl dangerous",
      "gs://models/m//z.pkl dangerous",
      "gs://models/m/a.pkl clean",
      "gs://models/m/b c+d%2F.pkl dangerous",
    ]);
    const refused = await run(["gs://models/m"], { STORAGE_EMULATOR_HOST: server.url });
    assert.equal(refused.code, 2);
    assert.match(refused.messages, /HTTP 401/);
  });
});

test("a service account signs its own token, which verifies with its public key", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-gcs-"));
  const path = join(folder, "key.json");
  const account = {
    type: "service_account",
    client_email: "scanner@project.test",
    private_key_id: "k1",
    private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
  };
  const accepts = ({ headers }: IncomingMessage): boolean => {
    const [head = "", claims = "", signature = ""] =
      (headers.authorization?.replace("Bearer ", "") ?? "").split(".");
    const read = (text: string) => JSON.parse(Buffer.from(text, "base64url").toString());
    const { iss, sub, scope, iat, exp } = read(claims);
    assert.deepEqual(read(head), { alg: "RS256", typ: "JWT", kid: "k1" });
    assert.deepEqual([iss, sub], [account.client_email, account.client_email]);
    assert.match(scope, /read_only$/);
    assert.equal(exp - iat, 3600);
    return createVerify("RSA-SHA256").update(`${head}.${claims}`)
      .verify(publicKey, Buffer.from(signature, "base64url"));
  };
  try {
    await withGoogle({ "a.pkl": HARMLESS }, accepts, async (server) => {
      const env = { STORAGE_EMULATOR_HOST: server.url, GOOGLE_APPLICATION_CREDENTIALS: path };
      writeFileSync(path, JSON.stringify(account));
      assert.equal((await run(["gs://models/a.pkl"], env)).code, 0);
      for (const text of ["no", JSON.stringify({ ...account, private_key: "SECRET" })]) {
        writeFileSync(path, text);
        const { code, out, err } = await run(["gs://models/a.pkl"], env);
        assert.equal(code, 2);
        assert.doesNotMatch(out + err, /SECRET/);
      }
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

// --- Azure ----------------------------------------------------------------------------

const ACCOUNT = "devstoreaccount1";
const KEY = btoa("a key of the account");

/** https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key, from what arrived. */
function isSigned({ headers, url = "/", method }: IncomingMessage): boolean {
  const parsed = new URL(url, "http://local");
  const canonical = Object.keys(headers).filter((it) => it.startsWith("x-ms-")).sort()
    .map((it) => `${it}:${headers[it]}\n`).join("");
  const query = [...parsed.searchParams.keys()].sort()
    .map((it) => `\n${it}:${parsed.searchParams.get(it)}`).join("");
  const text = `${method}\n\n\n\n\n\n\n\n\n\n\n${headers.range ?? ""}\n${canonical}` +
    `/${ACCOUNT}${parsed.pathname}${query}`;
  const signature = createHmac("sha256", Buffer.from(KEY, "base64")).update(text).digest("base64");
  return headers.authorization === `SharedKey ${ACCOUNT}:${signature}`;
}

/** A container "models". */
async function withAzure(
  blobs: Readonly<Record<string, Uint8Array>>,
  accepts: (request: IncomingMessage) => boolean,
  body: (server: RunningServer, connection: string) => Promise<void>,
): Promise<void> {
  const base = `/${ACCOUNT}/models`;
  const names = Object.keys(blobs).sort();
  const server = await startAnswering((request, response) => {
    if (!accepts(request)) {
      response.writeHead(403, { "x-ms-error-code": "AuthenticationFailed" }).end();
      return;
    }
    const url = new URL(request.url ?? "/", "http://local");
    if (url.pathname === base) {
      const all = names.filter((it) => it.startsWith(url.searchParams.get("prefix") ?? ""));
      const from = Number(url.searchParams.get("marker") ?? 0);
      const to = from + Math.min(2, Number(url.searchParams.get("maxresults") ?? 2));
      const items = all.slice(from, to).map((name) => {
        const size = blobs[name]?.length;
        const written = name.includes("\x01")
          ? `<Name Encoded="true">${encodeURIComponent(name)}</Name>`
          : `<Name>${name.replaceAll("&", "&amp;")}</Name>`;
        return `<Blob>${written}<Properties><Content-Length>${size}</Content-Length><Etag>${size}` +
          "</Etag></Properties></Blob>";
      });
      response.end(
        `\ufeff<?xml version="1.0"?><EnumerationResults ContainerName="models"><Blobs>${
          items.join("")
        }</Blobs><NextMarker>${to < all.length ? to : ""}</NextMarker></EnumerationResults>`,
      );
      return;
    }
    const bytes = blobs[decodeURIComponent(url.pathname.slice(base.length + 1))];
    if (bytes === undefined) response.writeHead(404).end();
    else sendFile(request, response, { size: bytes.length, slice: (a, b) => bytes.slice(a, b) });
  });
  const connection = `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};` +
    `BlobEndpoint=${server.url}/${ACCOUNT}`;
  try {
    await body(server, connection);
  } finally {
    await server.close();
  }
}

test("blobs of Azure are listed and read with the account's key, over pages", async () => {
  const blobs = {
    "m/a.pkl": HARMLESS,
    "m/b c+d&.pkl": HARMFUL,
    "m/c\x01.pkl": HARMFUL,
    "m/../x.pkl": HARMFUL,
    "m-other/a.pkl": HARMFUL,
  };
  await withAzure(blobs, isSigned, async (_, connection) => {
    const env = { AZURE_STORAGE_CONNECTION_STRING: `${connection};AccountKey=${KEY}` };
    const { code, verdicts, messages } = await run(["az://models/m"], env);
    assert.equal(code, 1, messages);
    assert.deepEqual(verdicts, [
      "az://models/m/a.pkl clean",
      "az://models/m/b c+d&.pkl dangerous",
      "az://models/m/c\x01.pkl dangerous",
    ]);
    assert.match(messages, /no address can have/);
    const wrong = { AZURE_STORAGE_CONNECTION_STRING: `${connection};AccountKey=${btoa("x")}` };
    for (const it of [wrong, { AZURE_STORAGE_CONNECTION_STRING: connection }]) {
      const refused = await run(["az://models/m"], it);
      assert.equal(refused.code, 2);
      assert.match(refused.messages, /HTTP 403, AuthenticationFailed/);
    }
    assert.equal((await run(["az://models/m"], {})).code, 2);
  });
});

test("a shared access signature goes with each request, and into no report and no redirect", async () => {
  const other = await startAnswering((_, response) => response.writeHead(404).end());
  try {
    const accepts = ({ url = "" }: IncomingMessage): boolean =>
      url.endsWith("sv=2021&sig=SE%2BCRET");
    await withAzure({ "m/a.pkl": HARMFUL }, accepts, async (_, connection) => {
      const env = {
        AZURE_STORAGE_CONNECTION_STRING: connection,
        AZURE_STORAGE_SAS_TOKEN: "?sv=2021&sig=SE%2BCRET",
      };
      const { code, out, err } = await run(["az://models/m/a.pkl"], env);
      assert.equal(code, 1, err);
      const missing = await run(["az://models/none"], env);
      assert.doesNotMatch(out + err + missing.out + missing.err, /CRET/);
    });
  } finally {
    await other.close();
  }
});

test("a listing that is cut anywhere, or does not say where it goes on, is an error", async () => {
  let page = "";
  const server = await startAnswering((_, response) => {
    response.end(page);
  });
  const azure = `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${KEY};` +
    `BlobEndpoint=${server.url}/${ACCOUNT}`;
  const blob = "<Blob><Name>m/a.pkl</Name><Properties><Content-Length>10</Content-Length>" +
    "</Properties></Blob>";
  const listing = (marker: string) =>
    `<EnumerationResults><Blobs>${blob}</Blobs>${marker}</EnumerationResults>`;
  const google = (more: object) =>
    JSON.stringify({ items: [{ name: "m/a.pkl", size: "10", generation: "7" }], ...more });
  const object = "<Contents><Key>m/a.pkl</Key><Size>10</Size></Contents>";
  const s3 = `<ListBucketResult><IsTruncated>false</IsTruncated>${object}</ListBucketResult>`;
  const stores = [
    ["s3://models/m/", { AWS_ENDPOINT_URL: server.url }, s3],
    ["gs://models/m/", { STORAGE_EMULATOR_HOST: server.url }, google({})],
    ["az://models/m/", { AZURE_STORAGE_CONNECTION_STRING: azure }, listing("<NextMarker />")],
  ] as const;
  const failed = async (address: string, env: Record<string, string>): Promise<boolean> => {
    const { code, messages } = await run([address], env);
    return code === 2 && /^Cannot list /.test(messages);
  };
  try {
    for (const [address, env, whole] of stores) {
      page = whole;
      assert.ok(!await failed(address, env), `${address} whole`);
      for (let cut = 0; cut < whole.length; cut++) {
        page = whole.slice(0, cut);
        assert.ok(await failed(address, env), page);
      }
    }
    const [, [gs, env], [az, account]] = stores;
    for (const token of [1, true, null, {}, ["x"]]) {
      page = google({ nextPageToken: token });
      assert.ok(await failed(gs, env), page);
    }
    for (const marker of ["", "<NextMarker/><NextMarker>x</NextMarker>"]) {
      page = listing(marker);
      assert.ok(await failed(az, account), page);
    }
  } finally {
    await server.close();
  }
});
