import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { endpointOf, proxiesOf } from "./network.ts";
import { runMain } from "./commands/main.ts";
import { testIo } from "./testing/io.ts";
import { runWithHub, withServer } from "./testing/hub.ts";
import { COMMIT, startServer, type TestServer } from "./testing/server.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const HARMFUL = encode("cos\nsystem\n(S'echo hi'\ntR.");
const HARMLESS = Uint8Array.of(0x80, 2, 0x5d, 0x4b, 1, 0x61, 0x4b, 2, 0x61, 0x2e);

/** Runs the command line with the test server as the hub, for a report in JSON. */
const run = (server: TestServer, args: readonly string[], env?: Record<string, string>) =>
  runWithHub(server, ["-f", "json", ...args], env);

test("of forty files one harmful, one that fails twice and one that never answers", async () => {
  await withServer(async (server) => {
    const files: Record<string, Uint8Array> = { "README.md": encode("hello") };
    for (let n = 0; n < 38; n++) files[`part-${n}.pkl`] = HARMLESS;
    files["weights/evil.bin"] = HARMFUL;
    server.repository("org/model", files, { page: 7 });
    const place = (name: string) => `/org/model/resolve/${COMMIT}/${name}`;
    server.serve(place("part-3.pkl"), HARMLESS, (_, response, seen) => {
      if (seen >= 2) return false;
      response.writeHead(500);
      response.end();
      return true;
    });
    server.serve(place("part-9.pkl"), HARMLESS, () => true);
    const { code, err, report } = await run(server, [
      "hf://org/model",
      "--network-timeout",
      "2",
    ]);
    assert.equal(code, 1);
    assert.match(err, /Found 40 files in hf:\/\/org\/model\n/);
    const verdict = (name: string) =>
      report.assets.find((it: { path: string }) => it.path === `hf://org/model/${name}`)?.verdict;
    assert.equal(report.assets.length, 40);
    assert.equal(verdict("weights/evil.bin"), "dangerous");
    assert.equal(verdict("part-3.pkl"), "clean");
    assert.equal(verdict("part-9.pkl"), "incomplete");
    assert.equal(verdict("README.md"), "skipped");
    assert.match(report.errors[0].message, /part-9\.pkl.*nothing came for 2 s/);
  });
});

test("a repository's configuration is judged with its Python files", async () => {
  await withServer(async (server) => {
    server.repository("org/model", {
      "config.json": encode(
        JSON.stringify({ model_type: "x", auto_map: { AutoModel: "modeling_x.Model" } }),
      ),
      "modeling_x.py": encode("import os\nos.system('echo hi')\nclass Model: pass\n"),
    });
    const { code, report } = await run(server, ["--hf", "org/model"]);
    assert.equal(code, 1);
    const rules = report.issues.map((it: { rule_id: string }) => it.rule_id);
    assert.ok(rules.includes("repository-own-code"), rules.join());
  });
});

test("one file and one folder of a repository, and the hub's pages as people paste them", async () => {
  await withServer(async (server) => {
    const files = { "a/evil.pkl": HARMFUL, "a/good.pkl": HARMLESS, "b/good.pkl": HARMLESS };
    server.repository("org/model", files);
    const paths = async (argument: string) =>
      (await run(server, [argument])).report.assets.map((it: { path: string }) => it.path);
    const name = "hf://org/model";
    assert.deepEqual(await paths(`${name}/b/good.pkl`), [`${name}/b/good.pkl`]);
    assert.deepEqual(await paths(`${name}/a`), [`${name}/a/evil.pkl`, `${name}/a/good.pkl`]);
    assert.equal((await paths(`${server.url}/org/model`)).length, 3);
    assert.deepEqual(await paths(`${server.url}/org/model/blob/main/a/evil.pkl`), [
      `${name}@main/a/evil.pkl`,
    ]);
    const missing = await run(server, [`${name}/c`]);
    assert.equal(missing.code, 2);
    assert.match(missing.report.errors[0].message, /no such path/);
  });
});

test("files are known by what they hold, as on a disk, whatever they are called", async () => {
  await withServer(async (server) => {
    const text = encode("hello");
    server.repository("org/model", {
      ...{ "picture.png": HARMFUL, "LICENSE": HARMFUL, "a/notes.md": HARMFUL },
      ...{ "README.md": text, ".gitattributes": text },
    });
    for (const more of [[], ["--hf-scan-all"]]) {
      const { code, report } = await run(server, ["--hf", "org/model", ...more]);
      assert.equal(code, 1);
      const verdicts = report.assets.map((it: { path: string; verdict: string }) =>
        `${it.path.replace("hf://org/model/", "")} ${it.verdict}`
      );
      assert.deepEqual(verdicts.sort(), [
        ".gitattributes skipped",
        "LICENSE dangerous",
        "README.md skipped",
        "a/notes.md dangerous",
        "picture.png dangerous",
      ]);
    }
    // One request for each, and two for the listing.
    assert.equal(server.requests.length, 14);
  });
});

test("the token goes to the hub and not where the hub sends us for the bytes", async () => {
  await withServer(async (server) => {
    const store = await startServer();
    try {
      store.serve("/blob", HARMLESS);
      server.repository("org/model", { "a.pkl": HARMLESS });
      server.serve(`/org/model/resolve/${COMMIT}/a.pkl`, HARMLESS, (_, response) => {
        response.writeHead(302, { location: `${store.url}/blob?signature=1` });
        response.end();
        return true;
      });
      const { code } = await run(server, ["hf://org/model"], { HF_TOKEN: "hf_secret" });
      assert.equal(code, 0);
      for (const { headers } of server.requests) {
        assert.equal(headers.authorization, "Bearer hf_secret");
      }
      assert.ok(store.requests.length > 0);
      for (const { headers } of store.requests) assert.equal(headers.authorization, undefined);
    } finally {
      await store.close();
    }
  });
});

test("a repository that does not exist or is gated is an error with a remedy", async () => {
  await withServer(async (server) => {
    const gone = await run(server, ["hf://org/gone"]);
    assert.equal(gone.code, 2);
    assert.match(gone.report.errors[0].message, /no such repository \(HTTP 404\)/);
    assert.match(gone.report.errors[0].remedy, /HF_TOKEN/);
    server.serve("/api/models/org/gated/revision/main", HARMLESS, (_, response) => {
      response.writeHead(403, { "x-error-code": "GatedRepo" });
      response.end();
      return true;
    });
    const gated = await run(server, ["hf://org/gated"]);
    assert.match(gated.report.errors[0].message, /gated/);
  });
});

test("a listing that goes in circles or leads to another host ends", async () => {
  await withServer(async (server) => {
    server.repository("org/model", { "a.pkl": HARMLESS });
    for (const next of [`/api/models/org/model/tree/${COMMIT}?x=1`, "http://other.test/"]) {
      const tree = `/api/models/org/odd/tree/${COMMIT}`;
      server.repository("org/odd", {});
      server.serve("/api/models/org/loop/revision/main", encode(JSON.stringify({ sha: COMMIT })));
      server.serve(tree, encode("[]"));
      server.serve(`/api/models/org/loop/tree/${COMMIT}`, encode("[]"), (_, response) => {
        const link = next.startsWith("/") ? "?recursive=true" : next;
        response.writeHead(200, { link: `<${link}>; rel="next"` });
        response.end("[]");
        return true;
      });
      const { code, report } = await run(server, ["hf://org/loop"]);
      assert.equal(code, 2);
      assert.match(report.errors[0].message, /lists without an end|at other\.test/);
    }
  });
});

test("the network is refused when asked to, before anything is sent", async () => {
  await withServer(async (server) => {
    server.serve("/a.pkl", HARMLESS);
    const offline = await run(server, ["--offline", `${server.url}/a.pkl`]);
    assert.equal(offline.code, 2);
    assert.match(offline.err, /--offline forbids the network/);
    const hub = await run(server, ["hf://org/model"], { HF_HUB_OFFLINE: "1" });
    assert.match(hub.err, /HF_HUB_OFFLINE forbids/);
    assert.equal(server.requests.length, 0);
    const io = testIo();
    assert.equal(await runMain(["-f", "json", `${server.url}/a.pkl`], io), 2);
    assert.match(JSON.parse(io.stdout.text).errors[0].message, /no address of the public internet/);
    assert.match(io.stderr.text, /comes over plain HTTP/);
    assert.equal(server.requests.length, 0);
  });
});

test("a machine that does not answer is an error, exit code 2, and local files are scanned", async () => {
  const server = await startServer();
  await server.close();
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-remote-"));
  try {
    writeFileSync(join(folder, "a.pkl"), HARMLESS);
    const { code, report } = await run(server, [folder, `${server.url}/x.pkl`, "hf://org/model"]);
    assert.equal(code, 2);
    const local = report.assets.find((it: { path: string }) => it.path.endsWith("a.pkl"));
    assert.equal(local.verdict, "clean");
    assert.match(JSON.stringify(report.errors), /nothing answers at that port/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("Ctrl-C while a server is silent ends with what was found", async () => {
  await withServer(async (server) => {
    server.serve("/evil.pkl", HARMFUL);
    server.serve("/never.pkl", HARMLESS, () => true);
    const io = testIo({ now: Date.now });
    const running = runMain([
      "-f",
      "ndjson",
      "--no-config",
      "--allow-private-network",
      `${server.url}/evil.pkl`,
      `${server.url}/never.pkl`,
    ], io);
    const assets = () =>
      io.stdout.text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line))
        .filter(({ type }) => type === "asset").map(({ verdict }) => verdict);
    while (server.requests.length < 2 || assets().length === 0) {
      await new Promise((done) => setTimeout(done, 10));
    }
    io.interrupt();
    assert.equal(await running, 130);
    assert.deepEqual(assets(), ["dangerous", "incomplete"]);
  });
});

test("what is no address is wrong usage", async () => {
  await withServer(async (server) => {
    for (
      const args of [
        ["--url", "model.pt"],
        ["https://user:secret@example.com/x"],
        ["hf://org/../x"],
        ["--hf", "https://example.com/x"],
        [],
      ]
    ) {
      const { code, err } = await run(server, args);
      assert.equal(code, 2, args.join());
      assert.doesNotMatch(err, /secret/);
      assert.notEqual(err, "");
    }
  });
});

test("proxies and the hub's place come from the environment", () => {
  const proxyFor = proxiesOf({
    HTTPS_PROXY: "http://proxy.test:3128",
    NO_PROXY: "inner.test, .corp.test",
  });
  const proxy = (url: string) => proxyFor(new URL(url))?.host;
  assert.equal(proxy("https://example.com/"), "proxy.test:3128");
  assert.equal(proxy("http://example.com/"), undefined);
  assert.equal(proxy("https://inner.test/"), undefined);
  assert.equal(proxy("https://a.corp.test/"), undefined);
  assert.throws(() => proxiesOf({ HTTPS_PROXY: "socks5://x" }), /HTTPS_PROXY/);
  assert.equal(endpointOf({}).href, "https://huggingface.co/");
  assert.throws(() => endpointOf({ HF_ENDPOINT: "nowhere" }), /HF_ENDPOINT/);
});
