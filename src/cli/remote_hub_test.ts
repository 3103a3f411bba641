import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runWithHub, withServer } from "./testing/hub.ts";
import { COMMIT, type Misbehaviour, startServer } from "./testing/server.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const HARMFUL = encode("cos\nsystem\n(S'echo hi'\ntR.");
const HARMLESS = Uint8Array.of(0x80, 2, 0x5d, 0x4b, 1, 0x61, 0x4b, 2, 0x61, 0x2e);
const ONE = { "a.pkl": HARMLESS };

const redirect = (location: string): Misbehaviour => (_, response) => {
  response.writeHead(302, { location });
  response.end();
  return true;
};

test("datasets, spaces and revisions with slashes are repositories like others", async () => {
  await withServer(async (server) => {
    server.repository("org/d", ONE, { kind: "datasets" });
    server.repository("org/s", ONE, { kind: "spaces" });
    server.repository("org/m", ONE, { revision: "refs/pr/1" });
    const cases: readonly (readonly [string, string])[] = [
      ["hf://datasets/org/d", "hf://datasets/org/d/a.pkl"],
      [`${server.url}/datasets/org/d/tree/main`, "hf://datasets/org/d@main/a.pkl"],
      ["hf://spaces/org/s", "hf://spaces/org/s/a.pkl"],
      ["hf://org/m@refs%2Fpr%2F1", "hf://org/m@refs%2Fpr%2F1/a.pkl"],
      [`${server.url}/org/m/tree/refs%2Fpr%2F1`, "hf://org/m@refs%2Fpr%2F1/a.pkl"],
      [`${server.url}/org/m/resolve/refs%2Fpr%2F1/a.pkl`, "hf://org/m@refs%2Fpr%2F1/a.pkl"],
    ];
    for (const [argument, path] of cases) {
      const { code, report } = await runWithHub(server, ["-f", "json", argument]);
      assert.equal(code, 0, argument);
      assert.deepEqual(report.assets.map((it: { path: string }) => it.path), [path]);
    }
    const missing = await runWithHub(server, ["-f", "json", "hf://org/m@other"]);
    assert.equal(missing.code, 2);
    assert.match(missing.report.errors[0].message, /no such/);
  });
});

test("files in large storage have their own size, and lie behind redirects to other hosts", async () => {
  await withServer(async (server) => {
    const store = await startServer();
    try {
      const large = new Uint8Array(300_000).fill(0x4e);
      large.set(HARMFUL, large.length - HARMFUL.length);
      for (let at = 1; at < large.length - HARMFUL.length; at += 2) large[at] = 0x30;
      store.serve("/xet/a.bin", large);
      server.repository("org/model", { "a.bin": large }, { large: ["a.bin"] });
      const place = `/org/model/resolve/${COMMIT}/a.bin`;
      server.serve(place, large, redirect("/xet-bridge?token=hub"));
      server.serve("/xet-bridge", large, redirect(`${store.url}/xet/a.bin?X-Amz-Signature=secret`));
      const { code, out, report } = await runWithHub(server, ["-f", "json", "hf://org/model"]);
      assert.equal(code, 1);
      const [asset] = report.assets;
      assert.equal(asset.verdict, "dangerous");
      assert.equal(asset.bytes_total, large.length);
      assert.equal(asset.bytes_read, store.sent());
      assert.doesNotMatch(out, /secret|X-Amz/);
      assert.equal(server.requests.filter(({ path }) => path === place).length, 1);
    } finally {
      await store.close();
    }
  });
});

test("a file whose size is not that of its listing is not believed", async () => {
  await withServer(async (server) => {
    server.repository("org/model", ONE);
    server.serve(`/org/model/resolve/${COMMIT}/a.pkl`, HARMFUL);
    const { code, report } = await runWithHub(server, ["-f", "json", "hf://org/model"]);
    assert.equal(code, 2);
    assert.match(report.errors[0].message, /where its listing says/);
  });
});

test("a document's name hides nothing that a configuration names, nor does that of a license", async () => {
  await withServer(async (server) => {
    const index = { weight_map: { a: "image.png", b: "./notes.txt" } };
    server.repository("org/model", {
      "README.md": encode("A model"),
      "LICENSE.pkl": HARMFUL,
      "image.png": HARMFUL,
      "notes.txt": HARMFUL,
      "other.png": encode("a picture"),
      "pytorch_model.bin.index.json": encode(JSON.stringify(index)),
    });
    const { report } = await runWithHub(server, ["-f", "json", "hf://org/model"]);
    const verdicts = report.assets.map((it: { path: string; verdict: string }) =>
      `${it.path.split("/").at(-1)} ${it.verdict}`
    );
    for (const name of ["LICENSE.pkl", "image.png", "notes.txt"]) {
      assert.ok(verdicts.includes(`${name} dangerous`), String(verdicts));
    }
    for (const name of ["README.md", "other.png"]) assert.ok(verdicts.includes(`${name} skipped`));
  });
});

test("an index too long or too odd to look names in leaves no file unread", async () => {
  const long = JSON.stringify({ weight_map: {}, more: " ".repeat(1024 * 1024) });
  const escaped = '{"weight_map": {"a": "\\u0069mage.png"}}';
  for (const index of [long, escaped]) {
    await withServer(async (server) => {
      server.repository("org/model", {
        "image.png": HARMFUL,
        "pytorch_model.bin.index.json": encode(index),
      });
      const { code } = await runWithHub(server, ["-f", "json", "hf://org/model"]);
      assert.equal(code, 1);
    });
  }
});

test("a file that may not be read is an error among its neighbours", async () => {
  await withServer(async (server) => {
    server.repository("org/model", { "a.pkl": HARMLESS, "b.pkl": HARMLESS, "c.pkl": HARMFUL });
    server.serve(`/org/model/resolve/${COMMIT}/b.pkl`, HARMLESS, (_, response) => {
      response.writeHead(401, { "x-error-code": "GatedRepo" });
      response.end();
      return true;
    });
    const { code, report } = await runWithHub(server, ["-f", "json", "hf://org/model"]);
    assert.equal(code, 1);
    assert.deepEqual(report.assets.map((it: { verdict: string }) => it.verdict), [
      "dangerous",
      "incomplete",
      "clean",
    ]);
    assert.match(report.errors[0].message, /the repository is gated/);
    assert.match(report.errors[0].remedy, /Set HF_TOKEN/);
  });
});

test("a mirror may lie below a path, and gets the token", async () => {
  await withServer(async (server) => {
    const answers: Record<string, unknown> = {
      "/hub/api/models/org/m/revision/main": { sha: COMMIT },
      [`/hub/api/models/org/m/tree/${COMMIT}`]: [{ type: "file", path: "a.pkl", size: 10 }],
    };
    for (const [path, value] of Object.entries(answers)) {
      server.serve(path, encode(JSON.stringify(value)));
    }
    server.serve(`/hub/org/m/resolve/${COMMIT}/a.pkl`, HARMLESS);
    const env = { HF_ENDPOINT: `${server.url}/hub/`, HF_TOKEN: "hf_x" };
    const { code } = await runWithHub(server, ["-f", "json", "hf://org/m"], env);
    assert.equal(code, 0);
    assert.equal(server.requests.length, 3);
    for (const { headers } of server.requests) assert.equal(headers.authorization, "Bearer hf_x");
  });
});

test("a baseline of what is on a server holds for the next scan, wherever the files then lie", async () => {
  await withServer(async (server) => {
    server.repository("org/model", { "evil.pkl": HARMFUL, "good.pkl": HARMLESS });
    server.serve("/evil.pkl", HARMFUL);
    const folder = mkdtempSync(join(tmpdir(), "modelaudit-remote-"));
    try {
      const { code, out } = await runWithHub(server, [
        "baseline",
        "hf://org/model",
        "--url",
        `${server.url}/evil.pkl`,
      ]);
      assert.equal(code, 0);
      const [entry] = JSON.parse(out).issues;
      assert.equal(entry.count, 2);
      const file = join(folder, "baseline.json");
      writeFileSync(file, out);
      writeFileSync(join(folder, "evil.pkl"), HARMFUL);
      for (const argument of ["hf://org/model", `${server.url}/evil.pkl`, folder]) {
        const args = ["-f", "json", "--baseline", file, "--exclude", "*.json", argument];
        const again = await runWithHub(server, args);
        assert.equal(again.code, 0, argument);
        assert.equal(again.report.suppressed, 1, argument);
      }
      server.serve("/evil.pkl", encode("cos\nsystem\n(S'echo other'\ntR."));
      const args = ["-f", "json", "--baseline", file, `${server.url}/evil.pkl`];
      assert.equal((await runWithHub(server, args)).code, 1);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

test("a baseline says what it could not read, and refuses the network when asked to", async () => {
  await withServer(async (server) => {
    server.serve("/a.pkl", HARMFUL);
    const { code, err } = await runWithHub(server, ["baseline", `${server.url}/gone.pkl`]);
    assert.equal(code, 2);
    assert.match(err, /gone\.pkl.*no such file/);
    const before = server.requests.length;
    const offline = await runWithHub(server, ["baseline", "--offline", `${server.url}/a.pkl`]);
    assert.equal(offline.code, 2);
    assert.match(offline.err, /--offline forbids the network/);
    assert.equal((await runWithHub(server, ["baseline"])).code, 2);
    assert.equal(server.requests.length, before);
  });
});

test("files of a repository are fetched several at a time, and no more than sixteen", async () => {
  await withServer(async (server) => {
    const names = Array.from({ length: 48 }, (_, n) => `part-${n}.pkl`);
    server.repository("org/model", Object.fromEntries(names.map((name) => [name, HARMLESS])));
    // Requests are answered once sixteen are open, and not before another has had time to arrive.
    const open: (() => void)[] = [];
    let most = 0;
    for (const name of names) {
      server.serve(`/org/model/resolve/${COMMIT}/${name}`, HARMLESS, (_, response) => {
        open.push(() => {
          response.writeHead(200, { "content-length": HARMLESS.length });
          response.end(HARMLESS);
        });
        most = Math.max(most, open.length);
        if (open.length === 16) {
          setTimeout(() => {
            for (const answer of open.splice(0)) answer();
          }, 30);
        }
        return true;
      });
    }
    const { code, report, err } = await runWithHub(server, ["-f", "json", "hf://org/model"]);
    assert.equal(code, 0);
    assert.match(err, /That took 50 requests/);
    assert.equal(report.assets.length, 48);
    assert.equal(most, 16);
    assert.equal(server.requests.length, 50);
  });
});

test("the time of the whole scan ends it, whatever servers do", async () => {
  await withServer(async (server) => {
    server.serve("/never.pkl", HARMLESS, () => true);
    server.serve("/evil.pkl", HARMFUL);
    const urls = ["evil", "never"].map((it) => `${server.url}/${it}.pkl`);
    // A busy machine may need longer for the first file.
    for (const seconds of ["1", "10", "100"]) {
      const args = ["-f", "json", "--timeout", seconds, ...urls];
      const { code, report } = await runWithHub(server, args);
      assert.equal(report.assets[1]?.verdict ?? "incomplete", "incomplete");
      if (report.assets[0]?.verdict !== "dangerous") continue;
      assert.equal(code, 1);
      assert.match(report.errors[0].message, /stopped/);
      return;
    }
    assert.fail("the harmful file was never scanned");
  });
});

test("progress shows files, bytes and time", async () => {
  await withServer(async (server) => {
    server.repository("org/model", { "a.pkl": HARMLESS, "b.pkl": HARMLESS });
    server.serve(`/org/model/resolve/${COMMIT}/b.pkl`, HARMLESS, (_, response, seen) => {
      if (seen > 0) return false;
      setTimeout(() => {
        response.writeHead(503, { "retry-after": "0" });
        response.end();
      }, 600);
      return true;
    });
    const { err } = await runWithHub(server, ["--progress", "hf://org/model"]);
    assert.match(
      err,
      /[012] of 2 files done · \d+ B read of 20 B · \d[.\d]* s|2 files done · 20 B/,
    );
  });
});

/** Starts the launcher as a user would, and gives what it says once it has ended. */
function launched(
  args: readonly string[],
  after: (child: { kill(signal: "SIGINT"): void }, reported: () => string) => void,
) {
  const launcher = fileURLToPath(new URL("../../scripts/modelaudit", import.meta.url));
  const child = spawn(launcher, args, { stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  child.stdout.on("data", (chunk) => out += chunk);
  child.stderr.resume();
  after({ kill: (signal) => child.kill(signal) }, () => out);
  return new Promise<{ code: number | string | null; out: string }>((done) =>
    child.on("close", (code, signal) => done({ code: code ?? signal, out }))
  );
}

test(
  "a real Ctrl-C ends a process that waits for a server, with a report of what was found",
  { skip: process.platform === "win32" },
  async () => {
    await withServer(async (server) => {
      server.serve("/evil.pkl", HARMFUL);
      server.serve("/never.pkl", HARMLESS, () => true);
      const urls = ["evil", "never"].map((it) => `${server.url}/${it}.pkl`);
      const ended = await launched(
        ["-f", "ndjson", "--no-config", "--allow-private-network", ...urls],
        async (child, reported) => {
          while (server.requests.length < 2 || !reported().includes('"dangerous"')) {
            await new Promise((done) => setTimeout(done, 20));
          }
          child.kill("SIGINT");
        },
      );
      // Deno takes 130 for the signal that it stands for; whom that kills writes no report.
      assert.ok(ended.code === 130 || ended.code === "SIGINT", `${ended.code}`);
      const assets = ended.out.trimEnd().split("\n").map((line) => JSON.parse(line))
        .filter(({ type }) => type === "asset");
      assert.deepEqual(assets.map(({ verdict }) => verdict), ["dangerous", "incomplete"]);
    });
  },
);

test(
  "a real process refuses this machine by name and by number, and sends nothing",
  { skip: process.platform === "win32" },
  async () => {
    await withServer(async (server) => {
      server.serve("/a.pkl", HARMLESS);
      const { port } = new URL(server.url);
      const hosts = ["localhost", "127.0.0.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]"];
      const urls = hosts.map((host) => `http://${host}:${port}/a.pkl`);
      const { code, out } = await launched(["-f", "json", "--no-config", ...urls], () => {});
      assert.equal(code, 2);
      const { errors } = JSON.parse(out);
      for (const { message, remedy } of errors) {
        assert.match(message, /no address of the public internet/);
        assert.match(remedy, /--allow-private-network/);
      }
      // Spellings of one address are one file.
      assert.equal(new Set(errors.map((it: { message: string }) => it.message)).size, 4);
      assert.equal(server.requests.length, 0);
    });
  },
);

test("hashes of remote files are those of the listing, and cost no request", async () => {
  await withServer(async (server) => {
    const large = new Uint8Array(3_000_000);
    const files = { "a.pkl": HARMLESS, "large.bin": large, "README.md": large };
    server.repository("org/model", files, { large: ["large.bin", "README.md"] });
    const { report } = await runWithHub(server, ["-f", "json", "hf://org/model", "--hash"]);
    const hashes = report.assets.map((it: Record<string, unknown>) => [
      String(it["path"]).slice("hf://org/model/".length),
      it["sha256"],
      it["sha256_by"],
    ]);
    const expected = createHash("sha256").update(large).digest("hex");
    assert.deepEqual(hashes.sort(), [
      ["README.md", expected, "listing"],
      ["a.pkl", null, null],
      ["large.bin", expected, "listing"],
    ]);
    assert.ok(server.sent() < large.length, `${server.sent()} bytes were sent`);
    const without = await runWithHub(server, ["-f", "json", "hf://org/model"]);
    assert.ok(without.report.assets.every((it: { sha256: unknown }) => it.sha256 === null));
  });
});
