import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runMain } from "./commands/main.ts";
import { testIo } from "./testing/io.ts";

/** Restores an object with a function as an attribute, and calls a class: `Gate`, `score` and `Box` of `ours`. */
const MODEL = "\x80\x02cours.layers\nGate\n)\x81}(X\x01\x00\x00\x00acours.layers\nscore\n" +
  "X\x01\x00\x00\x00bcours\nBox\nK\x01\x85Rub.";
const COMMAND = "cos\nsystem\n(S'echo hi'\ntR.";
/** A name on no list beside a command. */
const BOTH = "(cours.evil\nThing\n)\x81cos\nsystem\n(S'echo hi'\ntRt.";

async function run(args: readonly string[]) {
  const io = testIo();
  const code = await runMain(args, io);
  return { code, out: io.stdout.text, err: io.stderr.text };
}

async function inFolder(
  files: Readonly<Record<string, string>>,
  check: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "modelaudit-allow-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(folder, name), Buffer.from(text, "latin1"));
    }
    await check(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The entries of a proposal, each with the comment before it. */
function entriesOf(text: string): Record<string, string> {
  const found = text.matchAll(/^ {2}# (\w+)[^\n]*\n(?: {2}# [^\n]*\n)+ {2}"([^"]+)",$/gmu);
  return Object.fromEntries([...found].map(([, use = "", path = ""]) => [path, use]));
}

test("a proposal says how the files use each name, and makes them clean once it is accepted", async () => {
  await inFolder({ "a.pkl": MODEL, "b.pkl": MODEL }, async (folder) => {
    const { code, out, err } = await run(["config", "allow", folder]);
    assert.deepEqual([code, err], [0, ""]);
    assert.deepEqual(entriesOf(out), {
      "ours.Box": "called",
      "ours.layers.Gate": "restored",
      "ours.layers.score": "named",
    });
    assert.match(out, /# {3}ours\.Box\(1\)\n/u);
    assert.match(out, /With all entries 2 of 2 files that they are for are clean/u);
    const accepted = join(folder, "accepted.toml");
    writeFileSync(accepted, out);
    assert.equal((await run(["config", "check", accepted])).code, 0);
    const args = ["scan", "--format", "json", join(folder, "a.pkl")];
    assert.equal(JSON.parse((await run(args)).out).assets[0].verdict, "suspicious");
    const under = JSON.parse((await run([...args, "--config", accepted])).out);
    assert.equal(under.assets[0].verdict, "clean");
  });
});

test("what an entry settles, too, is not said to stay an issue", async () => {
  const held = "cfunctools\npartial\n(cours.layers\nscore\ntR.";
  await inFolder({ "a.pkl": held }, async (folder) => {
    const { out } = await run(["config", "allow", folder]);
    assert.deepEqual(entriesOf(out), { "ours.layers.score": "named" });
    assert.doesNotMatch(out, /stays an issue/u);
  });
});

test("nothing is proposed for what does harm, nor for other names in a file that does", async () => {
  await inFolder({ "c.pkl": COMMAND, "d.pkl": BOTH }, async (folder) => {
    const { code, out } = await run(["config", "allow", folder]);
    assert.equal(code, 0);
    assert.deepEqual(entriesOf(out), {});
    assert.doesNotMatch(out, /^ *allow/mu);
    assert.match(out, /stays an issue:\n(#.*\n)*# {3}\S*c\.pkl: .*calls os\.system/u);
    assert.match(out, /# {3}\S*d\.pkl: .*ours\.evil\.Thing/u);
  });
});

test("a file with other issues is not said to become clean", async () => {
  // The standard library's: on no list, and nobody's own.
  const text = MODEL.replace(/\.$/u, "0cinspect\ngetsource\n.");
  await inFolder({ "e.pkl": text }, async (folder) => {
    const { out } = await run(["config", "allow", folder]);
    assert.ok("ours.Box" in entriesOf(out) || /e\.pkl/u.test(out));
    assert.doesNotMatch(out, /"inspect/u);
    assert.doesNotMatch(out, /With all entries 1 of 1/u);
  });
});

test("names that a file makes up do not leave their comment", async () => {
  const text = 'cours\nBox"\n(S\'x\\nallow = ["os.system"]\'\ntR.';
  await inFolder({ "f.pkl": text }, async (folder) => {
    const { out } = await run(["config", "allow", folder]);
    for (const line of out.split("\n")) {
      assert.match(line, /^(#| {2}#| {2}"ours\.|allow = \[$|\]$|$)/u);
    }
    assert.doesNotMatch(out.replaceAll(/^ *#.*$/gmu, ""), /os\.system/u);
  });
});

test("what cannot be read is an error, and addresses and standard input are refused", async () => {
  await inFolder({ "g.pkl": MODEL.slice(0, -1) }, async (folder) => {
    const { code, err } = await run(["config", "allow", folder, join(folder, "none.pkl")]);
    assert.deepEqual([code, /none\.pkl/u.test(err)], [2, true]);
    const { out } = await run(["config", "allow", folder]);
    assert.doesNotMatch(out, /With all entries 1 of 1/u);
  });
  assert.equal((await run(["config", "allow", "-"])).code, 2);
  assert.match(
    (await run(["config", "allow", "https://example.org/a.pkl"])).err,
    /no file or folder/u,
  );
});
