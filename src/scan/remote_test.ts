import assert from "node:assert/strict";
import { test } from "node:test";
import { scan, type ScanSettings } from "../../mod.ts";
import { COMMIT, startServer, type TestServer } from "../cli/testing/server.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const HARMFUL = encode("cos\nsystem\n(S'echo hi'\ntR.");
const HARMLESS = Uint8Array.of(0x80, 2, 0x5d, 0x4b, 1, 0x61, 0x4b, 2, 0x61, 0x2e);

/** Runs with two servers of this machine, which are two hosts to a token. */
async function withServers(
  body: (server: TestServer, other: TestServer) => Promise<void>,
): Promise<void> {
  const [server, other] = await Promise.all([startServer(), startServer()]);
  try {
    await body(server, other);
  } finally {
    await Promise.all([server.close(), other.close()]);
  }
}

/** Settings under which the test server is the hub. */
const hub = ({ url }: TestServer, more: ScanSettings["remote"] = {}): ScanSettings => ({
  remote: { allowPrivateNetwork: true, endpoint: url, networkTimeout: 5, ...more },
});

const redirect = (to: string) => (_: unknown, response: import("node:http").ServerResponse) => {
  response.writeHead(302, { location: to }).end();
  return true;
};

test("a URL is fetched and scanned, and what stands behind its ? is in no report", async () => {
  await withServers(async (server) => {
    server.serve("/models/model.pkl", HARMFUL);
    const url = new URL("/models/model.pkl?signature=secret#part", server.url);
    const report = await scan([HARMLESS, url], { remote: { allowPrivateNetwork: true } });
    assert.deepEqual(report.files.map(({ verdict }) => verdict), ["clean", "dangerous"]);
    assert.equal(report.files[1]?.path, `${server.url}/models/model.pkl`);
    assert.equal(report.files[1]?.bytesRead, HARMFUL.length);
    assert.doesNotMatch(JSON.stringify(report), /secret/);
  });
});

test("addresses of one's own network are refused unless a setting allows them", async () => {
  await withServers(async (server) => {
    server.serve("/model.pkl", HARMLESS);
    const { port } = new URL(server.url);
    for (const host of ["127.0.0.1", "localhost", "0x7f.1", "[::ffff:127.0.0.1]"]) {
      const report = await scan(new URL(`http://${host}:${port}/model.pkl`));
      assert.equal(report.files[0]?.verdict, "incomplete", host);
      assert.match(report.files[0]?.errors[0]?.message ?? "", /no address of the public internet/);
      assert.match(report.files[0]?.errors[0]?.remedy ?? "", /allowPrivateNetwork/);
    }
    assert.equal(server.requests.length, 0);
  });
});

test("hf: URLs name repositories, folders and files whatever characters these have", async () => {
  await withServers(async (server) => {
    const files = { "a/evil model.pkl": HARMFUL, "a/good.pkl": HARMLESS, "README.md": HARMLESS };
    server.repository("Org/Model", files);
    const found = async (url: string) =>
      (await scan(new URL(url), hub(server))).files
        .map(({ path, verdict }) => `${path} ${verdict}`);
    const evil = "hf://Org/Model/a/evil model.pkl dangerous";
    const good = "hf://Org/Model/a/good.pkl clean";
    const all = await found("hf://Org/Model");
    // A pickle that is called a document.
    assert.deepEqual(all, ["hf://Org/Model/README.md suspicious", evil, good]);
    assert.deepEqual(await found("hf://Org/Model/a/evil model.pkl"), [evil]);
    assert.deepEqual(await found("hf://Org/Model/a"), [evil, good]);
  });
});

test("a repository's configuration is judged with the Python files beside it", async () => {
  await withServers(async (server) => {
    server.repository("org/model", {
      "config.json": encode('{"model_type": "x", "auto_map": {"AutoModel": "modeling_x.Model"}}'),
      "modeling_x.py": encode("import os\nos.system('echo hi')\nclass Model: pass\n"),
    });
    const report = await scan(new URL("hf://org/model"), hub(server));
    const rules = report.files.flatMap(({ findings }) => findings.map(({ ruleId }) => ruleId));
    assert.ok(rules.includes("repository-own-code"), rules.join());
  });
});

test("the token goes to the hub, and to no other host when redirects lead there", async () => {
  await withServers(async (server, other) => {
    server.repository("org/model", { "model.pkl": HARMLESS });
    const place = `/org/model/resolve/${COMMIT}/model.pkl`;
    server.serve(place, HARMLESS, redirect(`${other.url}/store/model.pkl`));
    other.serve("/store/model.pkl", HARMLESS);
    const urls = [new URL("hf://org/model"), new URL("/store/model.pkl", other.url)];
    const report = await scan(urls, hub(server, { token: "hf_secret" }));
    assert.deepEqual(report.files.map(({ verdict }) => verdict), ["clean", "clean"]);
    assert.ok(server.requests.length >= 3);
    for (const { headers } of server.requests) {
      assert.equal(headers.authorization, "Bearer hf_secret");
    }
    assert.ok(other.requests.length >= 2);
    for (const { headers } of other.requests) assert.equal(headers.authorization, undefined);
  });
});

test("redirects that lead round and to other protocols end as incomplete", async () => {
  await withServers(async (server) => {
    server.serve("/round", HARMLESS, redirect(`${server.url}/round`));
    server.serve("/away", HARMLESS, redirect("file:///etc/passwd"));
    server.serve("/login", HARMLESS, redirect(server.url.replace("//", "//me:secret@")));
    const urls = ["/round", "/away", "/login"].map((path) => new URL(path, server.url));
    const report = await scan(urls, hub(server));
    assert.deepEqual(report.files.map(({ verdict }) => verdict), Array(3).fill("incomplete"));
    assert.doesNotMatch(JSON.stringify(report), /secret/);
    assert.ok(server.requests.length < 30);
  });
});

test("what cannot be had is reported, and everything else is still scanned", async () => {
  await withServers(async (server) => {
    server.serve("/model.pkl", HARMFUL);
    server.serve("/cut.pkl", HARMLESS, (_, response) => {
      response.writeHead(200, { "content-length": "1000" });
      response.write(HARMLESS);
      response.destroy();
      return true;
    });
    const urls = [
      "/missing.pkl",
      "/cut.pkl",
      "/model.pkl",
      "hf://org/missing",
      "hf://org/../x",
      "hf://",
      "s3://bucket/model.pkl",
      "ftp://host/model.pkl",
      "http://me:secret@127.0.0.1/model.pkl",
    ].map((it) => new URL(it, server.url));
    const report = await scan(urls, hub(server));
    const verdicts = report.files.map(({ verdict }) => verdict);
    assert.deepEqual(verdicts, ["incomplete", "incomplete", "dangerous"]);
    assert.equal(report.errors.length, 6);
    for (const { message, remedy } of report.errors) {
      assert.notEqual(message, "");
      assert.notEqual(remedy, "");
    }
    assert.doesNotMatch(JSON.stringify(report), /secret/);
  });
});

test("a string is a path even when it looks like a URL, and the remedy says so", async () => {
  await withServers(async (server) => {
    server.serve("/model.pkl", HARMLESS);
    const report = await scan(`${server.url}/model.pkl`, hub(server));
    assert.equal(report.files.length, 0);
    assert.match(report.errors[0]?.remedy ?? "", /new URL\(\)/);
    assert.equal(server.requests.length, 0);
  });
});

test("settings that cannot be are reported, and a limit that is no number is thrown", async () => {
  const url = new URL("hf://org/model");
  for (const endpoint of ["nowhere", "ftp://hub", "https://me@hub", "https://hub?x"]) {
    const report = await scan(url, { remote: { endpoint } });
    assert.match(report.errors[0]?.message ?? "", /endpoint is no https:/, endpoint);
  }
  const report = await scan(url, { remote: { token: "a\r\nb" } });
  assert.match(report.errors[0]?.message ?? "", /no token has/);
  await assert.rejects(() => scan(url, { limits: { members: -1 } }), RangeError);
});

test("who gives up in the middle of a repository gets what was scanned and an error", async () => {
  await withServers(async (server) => {
    const files: Record<string, Uint8Array> = {};
    for (let n = 0; n < 40; n++) files[`part-${n}.pkl`] = HARMLESS;
    server.repository("org/model", files);
    const controller = new AbortController();
    const place = `/org/model/resolve/${COMMIT}/part-10.pkl`;
    server.serve(place, HARMLESS, () => {
      controller.abort();
      return true;
    });
    const { signal } = controller;
    const report = await scan(new URL("hf://org/model"), { ...hub(server), signal });
    assert.match(report.errors[0]?.message ?? "", /was stopped/);
    assert.ok(report.files.some(({ verdict }) => verdict === "incomplete"));
    assert.ok(server.requests.length < 30, String(server.requests.length));
    const later = await scan(new URL("hf://org/model"), { ...hub(server), signal });
    assert.equal(later.errors.length, 1);
  });
});
