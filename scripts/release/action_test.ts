import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  cpSync,
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
import process from "node:process";
import { after, test } from "node:test";
import { runAction } from "../testing/runner.ts";
import { ownProject, ROOT, slugOf } from "./project.ts";

const SCRATCH = mkdtempSync(join(tmpdir(), "modelaudit-action-"));
after(() => rmSync(SCRATCH, { recursive: true, force: true }));
const skip = process.platform === "win32" && "these are shell scripts";

const PROJECT = ownProject();
const ACTION = readFileSync(join(ROOT, "action.yml"), "utf8");
const UPLOAD = /^github\/codeql-action\/upload-sarif@/;
const MUSL = existsSync("/lib") && readdirSync("/lib").some((it) => it.startsWith("ld-musl-"));
const FILE = `modelaudit-linux-${process.arch === "arm64" ? "arm64" : "x64"}${MUSL ? "-musl" : ""}`;

const CLEAN = join(ROOT, "testdata/zip/safe/bundle.zip");
const HARMFUL = join(ROOT, "testdata/pickle/harmful/add_extension_ext1.pkl");

/** What a release holds, and what the world around it does. */
interface World {
  /** The program's script; ours unless given. */
  readonly program?: string;
  /** Changes files of the release. */
  readonly spoil?: (folder: string) => void;
  /** Exit code of gh; undefined where there is none. */
  readonly gh?: number;
  readonly uploads?: boolean;
}

/** A run of the action in a workspace with files, by a release in a folder. */
function act(
  files: Readonly<Record<string, string>>,
  inputs: Readonly<Record<string, string>>,
  world: World = {},
) {
  const folder = mkdtempSync(join(SCRATCH, "run-"));
  const [workspace, release, bin] = ["workspace", "release", "bin"].map((it) => join(folder, it));
  for (const it of [workspace, release, bin]) mkdirSync(it ?? "");
  for (const [name, from] of Object.entries(files)) cpSync(from, join(workspace ?? "", name));
  const calls = join(folder, "calls");
  // Each call is a line of JSON: what the program was given, word by word.
  const log =
    `node -e 'require("fs").appendFileSync(process.argv[1], JSON.stringify(process.argv.slice(2)) + "\\n")'`;
  const program = world.program ??
    `${log} '${calls}' "$@"\nexec '${join(ROOT, "scripts/modelaudit")}' "$@"`;
  writeFileSync(join(release ?? "", FILE), `#!/bin/sh\n${program}\n`);
  const hash = createHash("sha256").update(readFileSync(join(release ?? "", FILE))).digest("hex");
  writeFileSync(
    join(release ?? "", "SHA256SUMS"),
    `${"0".repeat(64)}  ${FILE}.cdx.json\n${hash}  ${FILE}\n`,
  );
  writeFileSync(join(release ?? "", "provenance.sigstore.json"), "{}\n");
  world.spoil?.(release ?? "");
  // Another program of the same name comes first on PATH.
  writeFileSync(join(bin ?? "", "modelaudit"), `#!/bin/sh\ntouch '${folder}/other'\n`, {
    mode: 0o755,
  });
  if (world.gh !== undefined) {
    const said = `printf '%s\\n' "$@" > '${folder}/gh'; exit ${world.gh}`;
    writeFileSync(join(bin ?? "", "gh"), `#!/bin/sh\n${said}\n`, { mode: 0o755 });
  }
  const uploaded: ReadonlyMap<string, string>[] = [];
  const ended = runAction({
    text: ACTION,
    actionPath: ROOT,
    workspace: workspace ?? "",
    temp: join(folder, "temp"),
    inputs: { "release-folder": release ?? "", attestation: "false", ...inputs },
    env: { PATH: `${bin}:${process.env["PATH"] ?? ""}` },
    uses: (name, given) => {
      assert.match(name, UPLOAD);
      uploaded.push(given);
      return world.uploads ?? true;
    },
  });
  const written = existsSync(calls) ? readFileSync(calls, "utf8").trim().split("\n") : [];
  const scans = written.map((line) => JSON.parse(line) as string[])
    .filter(([command]) => command === "scan");
  assert.ok(!existsSync(join(folder, "other")), "another program called modelaudit was run");
  return { ...ended, scans, uploaded, folder, workspace: workspace ?? "" };
}

test(
  "the action scans once and ends as the scan says, whatever becomes of the upload",
  { skip },
  () => {
    const cut = join(SCRATCH, "cut.pkl");
    writeFileSync(cut, readFileSync(HARMFUL).subarray(0, 3));
    for (const [sample, code] of [[CLEAN, "0"], [HARMFUL, "1"], [cut, "2"]] as const) {
      for (const uploads of [true, false]) {
        const where = `${sample}, upload ${uploads}`;
        const ran = act({ "model.pkl": sample }, { upload: "true" }, { uploads });
        assert.equal(ran.scans.length, 1, where + ran.log);
        assert.equal(ran.outputs.get("exit-code"), code, where + ran.log);
        assert.equal(ran.ok, code === "0", where);
        assert.equal(ran.uploaded.length, 1, where);
        assert.equal(ran.log.includes("could not be uploaded"), !uploads, where);
        assert.match(ran.summary, /^## /, where);
        const log = JSON.parse(readFileSync(join(ran.workspace, "modelaudit.sarif"), "utf8"));
        assert.equal(log.version, "2.1.0");
      }
    }
  },
);

test("without the input nothing is uploaded, and without a report neither", { skip }, () => {
  assert.equal(act({ "model.pkl": CLEAN }, {}).uploaded.length, 0);
  const wrong = act({ "model.pkl": CLEAN }, { upload: "true", "fail-on": "nothing" });
  assert.deepEqual([wrong.uploaded.length, wrong.ok, wrong.outputs.get("exit-code")], [
    0,
    false,
    "2",
  ]);
  // A report of an earlier run is none of this one.
  const old = act({ "model.pkl": CLEAN, "modelaudit.sarif": CLEAN }, {
    upload: "true",
    "fail-on": "nothing",
  });
  assert.equal(old.uploaded.length, 0);
});

test("a program that dies fails the action", { skip }, () => {
  const version = `[ "$1" = version ] && echo "modelaudit ${PROJECT.version}" && exit 0`;
  for (const end of ["exit 3", "kill -SEGV $$"]) {
    const ran = act({}, {}, { program: `${version}\n${end}` });
    assert.equal(ran.ok, false, end);
    assert.notEqual(ran.outputs.get("exit-code"), "0", end);
  }
});

test("what is excluded is not scanned", { skip }, () => {
  const files = { "model.pkl": CLEAN, "bad one.pkl": HARMFUL, "other.bin": HARMFUL };
  assert.equal(act(files, { exclude: "bad one.pkl" }).outputs.get("exit-code"), "1");
  assert.equal(act(files, { exclude: "bad one.pkl\n*.bin\n" }).outputs.get("exit-code"), "0");
});

test("inputs reach the program as they are, and no shell", { skip }, () => {
  const hostile = [
    "$(touch pwned)",
    "`touch pwned`",
    "a; touch pwned",
    "' ; touch pwned ; '",
    '"; touch pwned; "',
    "a b\tc",
    "--fail-on=never",
    "-",
    "\\",
    "*",
    "${{ github.token }}",
    "-rf",
    "&& touch pwned",
    "a|touch pwned",
    "é\u202e",
  ];
  const ran = act({}, { paths: hostile.join("\n"), exclude: hostile.join("\n"), config: "" });
  assert.equal(ran.scans.length, 1, ran.log);
  const [scan = []] = ran.scans;
  const paths = scan.slice(scan.indexOf("--") + 1);
  assert.deepEqual(paths, hostile.map((it) => it === "-" ? "./-" : it));
  const excluded = scan.filter((it) => it.startsWith("--exclude=")).map((it) => it.slice(10));
  assert.deepEqual(excluded, hostile);
  assert.ok(!existsSync(join(ran.workspace, "pwned")));
});

test("each other input is one word, whatever it holds", { skip }, () => {
  for (const input of ["fail-on", "config", "sarif-file", "version", "attestation", "category"]) {
    for (const value of ["$(touch pwned)\n::set-output name=exit-code::0\nexit-code=0", "--help"]) {
      const ran = act({ "model.pkl": HARMFUL }, { [input]: value });
      assert.ok(!existsSync(join(ran.workspace, "pwned")), `${input} ${value}`);
      assert.equal(ran.ok, false, `${input} ${value} ${ran.log}`);
      assert.notEqual(ran.outputs.get("exit-code"), "0", `${input} ${value}`);
      for (const command of ran.commands) {
        assert.match(command, /^::(?:error|warning) title=modelaudit::/, `${input} ${value}`);
      }
    }
  }
});

test("files with spaces, line ends and leading dashes in their names are scanned", { skip }, () => {
  const names = ["a b.pkl", "--fail-on=never", "-", "-q.pkl", "c\n::warning::d.pkl"];
  const files = Object.fromEntries(names.map((name) => [name, HARMFUL]));
  const found = ({ workspace }: { readonly workspace: string }): number => {
    const log = JSON.parse(readFileSync(join(workspace, "modelaudit.sarif"), "utf8"));
    const results = log.runs[0].results as {
      readonly level: string;
      readonly locations: unknown[];
    }[];
    return new Set(results.map((it) => JSON.stringify(it.locations[0]))).size;
  };
  const all = act(files, {});
  assert.deepEqual([all.outputs.get("exit-code"), found(all)], ["1", names.length], all.log);
  assert.deepEqual(all.commands, []);
  const named = names.filter((name) => !name.includes("\n"));
  const each = act(files, { paths: named.join("\n") });
  assert.deepEqual([each.outputs.get("exit-code"), found(each)], ["1", named.length], each.log);
});

test("a release that is not what its checksums say is not run", { skip }, () => {
  const sums = (change: (text: string) => string) => (folder: string): void => {
    const path = join(folder, "SHA256SUMS");
    writeFileSync(path, change(readFileSync(path, "utf8")));
  };
  const program = 'touch "$RUNNER_TEMP/../ran"; echo modelaudit 0';
  const spoils: Readonly<Record<string, (folder: string) => void>> = {
    "a program that was changed": (folder) => writeFileSync(join(folder, FILE), program),
    "no checksums": (folder) => rmSync(join(folder, "SHA256SUMS")),
    "no program": (folder) => rmSync(join(folder, FILE)),
    "no checksum of the program": sums((text) => text.split("\n").slice(0, 1).join("\n")),
    "two checksums of the program": sums((text) => text + text.replace(/^[0-9a-f]/gm, "0")),
    "an empty checksum": sums((text) => text.replace(/^[0-9a-f]+(?= {2}\S+$)/gm, "")),
    "a checksum of another name": sums((text) => text.replaceAll(FILE, `./${FILE}`)),
    "a pattern for a name": sums((text) => text.replaceAll(FILE, ".*")),
  };
  for (const [name, spoil] of Object.entries(spoils)) {
    const ran = act({ "model.pkl": CLEAN }, { upload: "true" }, { program, spoil });
    assert.equal(ran.ok, false, name);
    assert.ok(!existsSync(join(ran.folder, "ran")), name);
    assert.equal(ran.uploaded.length, 0, name);
    assert.match(ran.log, /^::error title=modelaudit::/m, name);
  }
});

test("a program of another version is refused", { skip }, () => {
  const ran = act({ "model.pkl": CLEAN }, {}, { program: 'echo "modelaudit 0.0.1"' });
  assert.equal(ran.ok, false);
  assert.match(ran.log, /is not version/);
});

test("the attestation is demanded unless it is waived, by gh and in full", { skip }, () => {
  const files = { "model.pkl": CLEAN };
  const good = act(files, { attestation: "true" }, { gh: 0 });
  assert.equal(good.ok, true, good.log);
  const words = readFileSync(join(good.folder, "gh"), "utf8").trim().split("\n");
  assert.deepEqual(words.slice(0, 2), ["attestation", "verify"]);
  const after = (option: string) => words[words.indexOf(option) + 1];
  assert.equal(after("--repo"), slugOf(PROJECT));
  assert.equal(after("--signer-workflow"), `${slugOf(PROJECT)}/.github/workflows/release.yml`);
  assert.equal(after("--source-ref"), `refs/tags/v${PROJECT.version}`);
  // What is verified is the copy that is run, not the file that may change meanwhile.
  assert.ok(words[2]?.startsWith(join(good.folder, "temp")), words[2]);

  const forged = act(files, { attestation: "true" }, { gh: 1 });
  assert.deepEqual([forged.ok, forged.scans.length], [false, 0]);
  const missing = act(files, { attestation: "true" }, {
    gh: 0,
    spoil: (folder) => rmSync(join(folder, "provenance.sigstore.json")),
  });
  assert.deepEqual([missing.ok, missing.scans.length], [false, 0]);
  assert.match(missing.log, /has no provenance\.sigstore\.json/);
  assert.match(ACTION, /attestation:\n.*\n {4}default: "true"/);
});

test("a summary larger than GitHub takes is cut", { skip }, () => {
  const program = `[ "$1" = version ] && echo "modelaudit ${PROJECT.version}" && exit 0
head -c 3000000 /dev/zero | tr '\\0' x`;
  const ran = act({}, {}, { program });
  assert.equal(ran.ok, true, ran.log);
  assert.ok(ran.summary.length < 1024 * 1024);
  assert.match(ran.summary, /The summary was cut/);
});
