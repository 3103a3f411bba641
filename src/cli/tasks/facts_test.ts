import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { runMain } from "../commands/main.ts";
import { testIo } from "../testing/io.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const ROOT = fileURLToPath(new URL("../../../testdata/", import.meta.url));

/** Every family, and every file of the first folders by itself. */
const FAMILIES = readdirSync(ROOT, { withFileTypes: true }).filter((it) => it.isDirectory())
  .map(({ name }) => name);

// deno-lint-ignore no-explicit-any -- what the schema describes, read as a consumer would
type Answer = Record<string, any>;

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-facts-"));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function command(args: readonly string[], input: string): Promise<Map<string, Answer>> {
  const io = testIo({ now: Date.now, stdin: [encode(input)] });
  await runMain(args, io);
  assert.doesNotMatch(io.stderr.text, /^error:/m);
  const lines = io.stdout.text.split("\n").filter((it) => it !== "").map((it) => JSON.parse(it));
  return new Map(lines.map((it) => [it.id, it]));
}

const linesOf = (results: ReadonlyMap<string, Answer>): string =>
  [...results.values()].map((it) => `${JSON.stringify(it)}\n`).join("");

const scanned = (paths: readonly string[], config: readonly string[], facts = true) =>
  command(
    ["worker", "--offline", ...config, ...(facts ? ["--facts"] : [])],
    paths.map((path) => `${JSON.stringify({ id: path, path: join(ROOT, path) })}\n`).join(""),
  );

const judged = (results: ReadonlyMap<string, Answer>, config: readonly string[]) =>
  command(["judge", "-", ...config], linesOf(results));

/** What must be equal: all but costs, keys and the facts themselves. */
function comparable(result: Answer): Answer {
  const { files, usage: _, facts: _facts, key: _key, key_parts: _parts, rescan: _rescan, ...rest } =
    result;
  return { ...rest, files: files.map((it: Answer) => ({ ...it, bytes_read: 0 })) };
}

const NONE = ["--no-config"];

/** Configurations that change what readers want to know, or what is thought of what they saw. */
const CONFIGURATIONS: Readonly<Record<string, string>> = {
  "a harmful global": '[pickle_rules.CRITICAL]\n"collections" = "*"\n"numpy" = "*"\n',
  "a harmless global": 'allow = ["os.system", "acme.*", "numpy.*"]\n',
  "an operator": '[tensorflow_rules]\n"MatMul" = "HIGH"\n"ReadFile" = "LOW"\n',
  "a pattern": '[custom_patterns]\npatterns = ["echo", "model"]\n',
  "a rule that is disabled": 'disable = ["pickle-malformed", "pickle-command"]\n',
};

test("judged anew by the same rules, every file of the test data gets the same result", async () => {
  const fresh = await scanned(FAMILIES, NONE);
  const again = await judged(fresh, NONE);
  assert.equal(again.size, FAMILIES.length);
  let files = 0;
  for (const [id, result] of fresh) {
    assert.notEqual(result["facts"], null, id);
    assert.deepEqual(comparable(again.get(id) ?? {}), comparable(result), id);
    files += result["files"].length;
  }
  assert.ok(files > 1500, `${files} files`);
});

test("a result judged by a configuration stands for what a scan by it would, and for no other file", async () => {
  await inFolder(async (folder) => {
    const file = join(folder, "security.toml");
    writeFileSync(file, 'allow = ["acme.*"]\n');
    const path = "pickle/harmful/malicious_eval.pkl";
    const facts = await scanned([path], [...NONE, "--hash"]);
    const fresh = (await scanned([path], ["--config", file, "--hash"], false)).get(path);
    const again = (await judged(facts, ["--config", file])).get(path);
    assert.equal(again?.["rescan"], null);
    assert.equal(again?.["key_parts"].name, join(ROOT, path));
    assert.deepEqual(again?.["key_parts"], fresh?.["key_parts"]);
    assert.equal(again?.["key"], fresh?.["key"]);
  });
});

test("facts that other code read are judged, and what comes of it stands for no scan", async () => {
  const path = "pickle/harmful/malicious_eval.pkl";
  const fresh = (await scanned([path], [...NONE, "--hash"])).get(path) ?? {};
  const { engine } = fresh["key_parts"];
  assert.match(engine, /^\d+\.\d+\.\d+\/[\d.]+\/[0-9a-f]{64}$/);
  const parts = { ...fresh["key_parts"], engine: engine.replace(/.{64}$/, "0".repeat(64)) };
  const again = (await judged(new Map([[path, { ...fresh, key_parts: parts }]]), NONE)).get(path);
  assert.deepEqual(
    [again?.["verdict"], again?.["rescan"], again?.["key"], again?.["key_parts"]],
    ["dangerous", null, null, null],
  );
});

/** Files of families in which readers ask most of the rules, each a task of its own. */
const SINGLE = ["pickle", "sklearn", "tensorflow", "model-config", "loaders", "torchscript"]
  .flatMap((family) =>
    readdirSync(join(ROOT, family), { recursive: true, withFileTypes: true })
      .filter((it) => it.isFile())
      .map(({ parentPath, name }) => join(parentPath, name).slice(ROOT.length))
  );

test("under another configuration each file gets what a fresh scan gives, or is to be scanned again", async () => {
  await inFolder(async (folder) => {
    const facts = await scanned(SINGLE, NONE);
    for (const [name, text] of Object.entries(CONFIGURATIONS)) {
      const file = join(folder, "security.toml");
      writeFileSync(file, text);
      const fresh = await scanned(SINGLE, ["--config", file], false);
      const again = await judged(facts, ["--config", file]);
      const counts = { same: 0, rescan: 0 };
      for (const [id, result] of fresh) {
        const other = again.get(id) ?? {};
        if (other["verdict"] === "rescan") {
          assert.ok(other["rescan"].length > 0);
          counts.rescan++;
        } else if (other["rescan"] === null) {
          assert.deepEqual(comparable(other), comparable(result), `${id} under ${name}`);
          counts.same++;
        } else assert.equal(other["verdict"], result["verdict"], `${id} under ${name}`);
      }
      if (name === "a rule that is disabled") assert.equal(counts.rescan, 0);
      assert.ok(name === "a pattern" ? counts.rescan === fresh.size : counts.same > 0, name);
    }
  });
});

const pickle = (text: string): Uint8Array => encode(text);
/** A call of a class that is on an allowlist, and one of a function that nothing knows. */
const ORDERED = pickle("ccollections\nOrderedDict\n(tR.");
const UNKNOWN = pickle("cacme.models\nrun_script\n(S'echo hi'\ntR.");

test("a new advisory is answered from facts: for a global, without a byte where no reading changes", async () => {
  await inFolder(async (folder) => {
    writeFileSync(join(folder, "ordered.pkl"), ORDERED);
    writeFileSync(join(folder, "unknown.pkl"), UNKNOWN);
    const tasks = ["ordered.pkl", "unknown.pkl"].map((name) => join(folder, name));
    const facts = await command(
      ["worker", "--offline", "--no-config", "--facts"],
      tasks.map((path) => `${JSON.stringify({ id: path, path })}\n`).join(""),
    );
    assert.deepEqual([...facts.values()].map((it) => it["verdict"]).sort(), [
      "clean",
      "suspicious",
    ]);
    rmSync(tasks[0] ?? "");
    rmSync(tasks[1] ?? "");
    const config = join(folder, "security.toml");
    writeFileSync(
      config,
      '[pickle_rules.CRITICAL]\n"acme.models" = ["run_script"]\n"collections" = ["OrderedDict"]\n',
    );
    const again = await judged(facts, ["--config", config]);
    assert.equal(again.get(tasks[1] ?? "")?.["verdict"], "dangerous");
    assert.equal(again.get(tasks[0] ?? "")?.["verdict"], "dangerous");
    // What an advisory is not about stays as it was.
    writeFileSync(config, '[pickle_rules.CRITICAL]\n"acme.other" = "*"\n');
    const other = await judged(facts, ["--config", config]);
    assert.deepEqual([...other.values()].map((it) => it["verdict"]).sort(), [
      "clean",
      "suspicious",
    ]);
    assert.ok([...other.values()].every((it) => it["rescan"] === null && it["complete"] === true));
  });
});

test("what facts do not hold is to be scanned again, and is never clean", async () => {
  await inFolder(async (folder) => {
    const config = join(folder, "run.yaml");
    writeFileSync(config, "steps:\n- function: acme.train\n");
    writeFileSync(join(folder, "text.json"), '{"note": "secret"}');
    writeFileSync(join(folder, "ordered.pkl"), ORDERED);
    const tasks = ["run.yaml", "text.json", "ordered.pkl"]
      .map((name) => ({ id: name, path: join(folder, name) }));
    const input = tasks.map((it) => `${JSON.stringify(it)}\n`).join("");
    const facts = await command(["worker", "--offline", "--no-config", "--facts"], input);
    const security = join(folder, "security.toml");
    const verdicts = async (text: string, results = facts): Promise<Answer> => {
      writeFileSync(security, text);
      const again = await judged(results, ["--config", security]);
      return Object.fromEntries([...again].map(([id, it]) => [id, it["verdict"]]));
    };
    const patterns = '[custom_patterns]\npatterns = ["secret"]\n';
    assert.deepEqual(await verdicts(patterns), {
      "run.yaml": "rescan",
      "text.json": "rescan",
      "ordered.pkl": "rescan",
    });
    const loader = '[[loader]]\nid = "our-runner"\nlibrary = "our runner"\nfiles = ["run.yaml"]\n' +
      'code = [{ at = "steps.*.function", does = "call" }]\n';
    assert.equal((await verdicts(loader))["run.yaml"], "rescan");
    const forbidden = 'forbid = ["pickle"]\n';
    assert.equal((await verdicts(forbidden))["ordered.pkl"], "rescan");
    assert.equal((await verdicts('exclude = ["*.txt"]\n'))["ordered.pkl"], "rescan");
    const limits = "[limits]\ndepth = 2\n";
    assert.equal((await verdicts(limits))["ordered.pkl"], "rescan");
    // Facts that were read for the same patterns are judged by them.
    writeFileSync(security, patterns);
    const read = await command(["worker", "--offline", "--config", security, "--facts"], input);
    assert.equal((await verdicts(patterns, read))["text.json"], read.get("text.json")?.["verdict"]);
    assert.equal(
      (await verdicts(patterns.replace("secret", "other"), read))["text.json"],
      "rescan",
    );
    assert.equal((await verdicts("", read))["text.json"], "rescan");
  });
});

test("facts that are damaged, of other readers, or of a result that is not complete are not judged", async () => {
  const [path = ""] = SINGLE;
  const facts = await scanned([path], NONE);
  const result = facts.get(path) ?? {};
  const packed = result["facts"];
  const cases: readonly Answer[] = [
    { ...result, facts: null },
    { ...result, complete: false },
    { ...result, facts: { ...packed, readers: "0.0.1" } },
    { ...result, facts: { ...packed, version: "2" } },
    { ...result, facts: { ...packed, data: packed.data.slice(8) } },
    { ...result, facts: { ...packed, data: packed.data.slice(4), digest: "0".repeat(64) } },
    { ...result, facts: { ...packed, interest: "0".repeat(64) } },
    { ...result, facts: "none" },
  ];
  for (const one of cases) {
    const again = await judged(new Map([[path, one]]), NONE);
    assert.equal(again.get(path)?.["verdict"], "rescan");
  }
});

test("facts of another file, and facts of which a part is missing, are not judged and end nothing", async () => {
  await inFolder(async (folder) => {
    const [good, bad] = [join(folder, "good.pkl"), join(folder, "bad.pkl")];
    writeFileSync(good, Uint8Array.of(0x80, 2, 0x5d, 0x4b, 1, 0x61, 0x2e));
    writeFileSync(bad, "cos\nsystem\n(S'echo hi'\ntR.");
    const tasks = [good, bad].map((path) => `${JSON.stringify({ id: path, path })}\n`).join("");
    const results = await command(["worker", "--offline", "--facts", ...NONE], tasks);
    const [harmless, harmful] = [results.get(good) ?? {}, results.get(bad) ?? {}];
    assert.deepEqual([harmless["verdict"], harmful["verdict"]], ["clean", "dangerous"]);
    const unpacked = JSON.parse(
      inflateRawSync(Buffer.from(harmful["facts"].data, "base64")).toString("utf8"),
    );
    const digest = (it: unknown): string =>
      createHash("sha256").update(JSON.stringify(it)).digest("hex");
    /** With digests that are right. */
    const forged = (it: unknown): Answer => {
      const data = deflateRawSync(JSON.stringify(it)).toString("base64");
      const { target, revision } = harmful;
      const facts = { ...harmful["facts"], data, digest: digest([data, target, revision]) };
      return { ...harmful, facts };
    };
    assert.equal(
      (await judged(new Map([[bad, forged(unpacked)]]), NONE)).get(bad)?.["verdict"],
      "dangerous",
    );
    const [file] = unpacked.files;
    const without = (name: string): unknown => {
      const { [name]: _, ...facts } = file.facts;
      return { ...unpacked, files: [{ ...file, facts }] };
    };
    const cases: readonly Answer[] = [
      { ...harmful, facts: harmless["facts"] },
      { ...harmful, verdict: "clean", facts: harmless["facts"], files: harmless["files"] },
      { ...harmful, error: { class: "retry", reason: "time", message: "x", after: null } },
      ...["batches", "unread", "recognised", "matched", "limits", "parts", "formats", "forbidden"]
        .map((it) => forged(without(it))),
      ...[{ ...unpacked, files: [] }, { ...unpacked, files: null }, { ...unpacked, answers: null }]
        .map(forged),
      ...[null, [], "x", 7].map(forged),
      forged({ ...unpacked, files: [{ ...file, facts: { ...file.facts, batches: [null] } }] }),
      forged({ ...unpacked, files: [{ ...file, relative: "other.pkl" }] }),
      forged({ ...unpacked, files: [{ ...file, facts: null }] }),
    ];
    for (const one of cases) {
      const again = await judged(new Map([[bad, one], [good, harmless]]), NONE);
      assert.equal(again.get(bad)?.["verdict"], "rescan");
      assert.equal(again.get(good)?.["verdict"], "clean");
    }
    // What is said beside the facts counts for nothing.
    const lowered = { ...harmful, verdict: "clean", risk_score: 0, issues: [] };
    assert.equal(
      (await judged(new Map([[bad, lowered]]), NONE)).get(bad)?.["verdict"],
      "dangerous",
    );
    // Lines that are no results are left out, and those behind them are judged.
    const io = testIo({
      now: Date.now,
      stdin: [encode(`{"verdict": "clean", "facts": {}, "id": "x"}\nnull\n{\n${linesOf(results)}`)],
    });
    assert.equal(await runMain(["judge", "-", ...NONE], io), 2);
    assert.equal(io.stdout.text.trim().split("\n").length, 2);
    assert.match(io.stderr.text, /no result: 3 lines/);
  });
});
