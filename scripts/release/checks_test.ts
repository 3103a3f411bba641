import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import {
  notesOf,
  wrongInChangelog,
  wrongInExecutable,
  wrongInJsr,
  wrongInNpm,
  wrongInReaders,
  wrongInSbom,
  wrongInSums,
  wrongInWheel,
} from "./checks.ts";
import type { LockFile } from "./lock.ts";
import { ownProject, ROOT } from "./project.ts";
import { sbomOf } from "./sbom.ts";
import { executableOf, TARGETS } from "./targets.ts";

const PROJECT = ownProject();
const LOCK: LockFile = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"));
const HASHES = ["a", "b", "c"].map((it) => it.repeat(64)) as [string, string, string];

test("there are eight systems, and those that Deno has no runtime for are Bun's", () => {
  assert.equal(TARGETS.length, 8);
  assert.deepEqual(
    TARGETS.filter(({ deno }) => deno === undefined).map(({ libc }) => libc),
    ["musl", "musl"],
  );
  const names = TARGETS.map((it) => executableOf("x", it));
  assert.equal(new Set(names).size, 8);
  assert.deepEqual(names.filter((it) => it.endsWith(".exe")), [
    "x-windows-x64.exe",
    "x-windows-arm64.exe",
  ]);
  const page = readFileSync(join(ROOT, "docs/installation.md"), "utf8");
  for (const target of TARGETS) {
    const row = page.split("\n").find((line) =>
      line.startsWith(`| \`${executableOf("modelaudit", target)}\``)
    );
    assert.match(row ?? "", target.deno === undefined ? /\| Bun +\|/ : /\| `deno compile` +\|/);
  }
});

test("checksums name each file once, and no other", () => {
  const [a, b, c] = HASHES;
  const files = new Map([["one", a], ["two.exe", b]]);
  assert.deepEqual(wrongInSums(`${a}  one\n${b}  two.exe\n`, files), []);
  for (
    const text of [
      `${a}  one\n`,
      `${a}  one\n${c}  two.exe\n`,
      `${a}  one\n${b}  two.exe\n${c}  three\n`,
      `${a}  one\n${a}  one\n${b}  two.exe\n`,
      `${a}  one\n${b}  ../two.exe\n`,
      `${a} one\n${b}  two.exe\n`,
      `${a}  one\n${b}  two.exe`,
      "",
    ]
  ) assert.notDeepEqual(wrongInSums(text, files), [], text);
});

test("an executable is one of its system and processor", () => {
  const running = readFileSync(process.execPath).subarray(0, 65_536);
  const system = new Map([["linux", "linux"], ["darwin", "macos"], ["win32", "windows"]])
    .get(process.platform);
  const right = TARGETS.filter((it) => wrongInExecutable(running, it).length === 0)
    .map(({ name }) => name);
  assert.equal(right.length, 1, right.join());
  assert.ok(right[0]?.startsWith(`${system}-${process.arch}`), right.join());
  for (const target of TARGETS) {
    for (const bytes of [new Uint8Array(65_536), new Uint8Array(64), Uint8Array.of(77, 90)]) {
      const padded = new Uint8Array(Math.max(bytes.length, 64));
      padded.set(bytes);
      assert.notDeepEqual(wrongInExecutable(padded, target), [], target.name);
    }
  }
});

test("a bill of materials names all that is locked and nothing else", () => {
  const own = { name: PROJECT.name, version: PROJECT.version, license: PROJECT.license };
  const runtime = { name: "deno", version: "2.9.5" };
  const bom = JSON.parse(sbomOf({ ...own, runtime }, LOCK));
  assert.deepEqual(wrongInSbom(bom, LOCK, PROJECT, "deno"), []);
  assert.notDeepEqual(wrongInSbom(bom, LOCK, PROJECT, "bun"), []);
  assert.notDeepEqual(wrongInSbom(bom, LOCK, PROJECT, undefined), []);
  const changed = (change: (bom: typeof JSON) => unknown): string[] => {
    const copy = structuredClone(bom);
    change(copy);
    return wrongInSbom(copy, LOCK, PROJECT, "deno");
  };
  // deno-lint-ignore no-explicit-any -- each takes something away
  const changes: ((it: any) => unknown)[] = [
    (it) => it.components.pop(),
    (it) => it.components.shift(),
    (it) => it.components[0].version = "0",
    (it) => delete it.components[0].hashes,
    (it) => it.components[0].licenses = [{ license: { id: "GPL-3.0-only" } }],
    (it) => it.components.push({ type: "library", name: "stowaway", version: "1" }),
    (it) => it.metadata.component.version = "0.0.0",
  ];
  for (const change of changes) assert.notDeepEqual(changed(change), [], String(change));
});

test("packages hold what they need, and neither tests nor keys", () => {
  const npm = [
    ...["package.json", "README.md", "LICENSE", "LICENSE-THIRD-PARTY.txt", "sbom.cdx.json"],
    ...[
      "cli.js",
      "worker.js",
      "mod.js",
      "browser.js",
      "modelaudit.1",
      "modelaudit.html",
      "types/mod.d.ts",
    ],
    ...["chunks/abc123.js", "types/src/core/types.d.ts"],
  ];
  const manifest = {
    ...{ name: PROJECT.package, version: PROJECT.version, license: PROJECT.license },
    description: PROJECT.description,
    repository: { type: "git", url: `git+${PROJECT.repository}.git` },
  };
  assert.deepEqual(wrongInNpm(npm, manifest, PROJECT), []);
  for (const stray of [".npmrc", "id.key", "src/a_test.ts", "chunks/a.js.map", ".env", "x.sh"]) {
    assert.deepEqual(wrongInNpm([...npm, stray], manifest, PROJECT), [`it holds ${stray}`]);
  }
  assert.deepEqual(wrongInNpm(npm.slice(1), manifest, PROJECT), ["it has no package.json"]);
  for (const change of [{ version: "9.9.9" }, { private: true }, { scripts: { install: "x" } }]) {
    assert.equal(wrongInNpm(npm, { ...manifest, ...change }, PROJECT).length, 1);
  }
  const jsr = [
    "mod.ts",
    "deno.json",
    "LICENSE",
    "README.md",
    "CHANGELOG.md",
    "src/formats/tf-checkpoint/mod.ts",
  ];
  assert.deepEqual(wrongInJsr(jsr), []);
  for (
    const stray of ["src/core/types_test.ts", "src/cli/testing/io.ts", "testdata/x.pkl", ".env"]
  ) {
    assert.deepEqual(wrongInJsr([...jsr, stray]), [`it holds ${stray}`]);
  }
});

test("a wheel is of this name and version, with its licences", () => {
  const info = `${PROJECT.pypi.replaceAll("-", "_")}-${PROJECT.version}.dist-info`;
  const names = [
    "modelaudit_scanner/__init__.py",
    ...["METADATA", "RECORD", "licenses/LICENSE", "licenses/LICENSE-THIRD-PARTY.txt"]
      .map((it) => `${info}/${it}`),
  ];
  const metadata = `Metadata-Version: 2.4\nName: ${PROJECT.pypi}\nVersion: ${PROJECT.version}\n` +
    `Project-URL: Source, ${PROJECT.repository}\n\n# A readme\n`;
  assert.deepEqual(wrongInWheel(names, metadata, PROJECT), []);
  assert.equal(wrongInWheel(names.slice(0, -1), metadata, PROJECT).length, 1);
  assert.equal(wrongInWheel([...names, "tests/test_x.py"], metadata, PROJECT).length, 1);
  assert.equal(wrongInWheel(names, metadata.replace(/^Name.*$/m, "Name: x"), PROJECT).length, 1);
  // What stands in the readme is no field.
  const late = metadata.replace(/^Version.*\n/m, "") + `Version: ${PROJECT.version}\n`;
  assert.equal(wrongInWheel(names, late, PROJECT).length, 1);
});

test("a release has its tag, its section of the changelog, and nothing that is unreleased", () => {
  const section = `## [${PROJECT.version}] - ${PROJECT.released}`;
  const text = (unreleased: string): string =>
    `# Changelog\n\n## [Unreleased]\n${unreleased}\n${section}\n\n- first\n\n## [0.0.1] - 2020-01-01\n\n- old\n`;
  const tag = `v${PROJECT.version}`;
  assert.deepEqual(wrongInChangelog(text(""), PROJECT, tag), []);
  assert.deepEqual(wrongInChangelog(text("\n- new\n"), PROJECT, undefined), []);
  assert.equal(wrongInChangelog(text("\n- new\n"), PROJECT, tag).length, 1);
  assert.equal(wrongInChangelog(text(""), PROJECT, "v9.9.9").length, 1);
  assert.equal(wrongInChangelog(text(""), PROJECT, "").length, 1);
  assert.equal(wrongInChangelog(text("").replace(section, ""), PROJECT, undefined).length, 1);
  assert.equal(notesOf(text("\n- new\n"), PROJECT.version), "- first");
  assert.equal(notesOf(text(""), "7.7.7"), "");
});

test("readers have a version of their own, which may not stay while one of them changes", () => {
  const file = (version: string): string => `export const READERS_VERSION = "${version}";\n`;
  const changed = ["src/pickle/machine/machine.ts", "src/formats/onnx/mod.ts"];
  assert.deepEqual(wrongInReaders(changed, file("1.0.0"), file("1.1.0")), []);
  assert.deepEqual(wrongInReaders([], file("1.0.0"), file("1.0.0")), []);
  assert.deepEqual(
    wrongInReaders(["src/formats/onnx/mod_test.ts"], file("1.0.0"), file("1.0.0")),
    [],
  );
  assert.deepEqual(wrongInReaders(changed, file("1.0.0"), file("1.0.0")), [
    "READERS_VERSION is still 1.0.0, and src/pickle/machine/machine.ts and 1 more have changed",
  ]);
  assert.deepEqual(wrongInReaders(changed, "", file("1.0.0")), []);
  assert.equal(wrongInReaders([], file("1.0.0"), "").length, 1);
  const own = readFileSync(join(ROOT, "src/core/version.ts"), "utf8");
  assert.deepEqual(wrongInReaders(["src/pickle/machine/machine.ts"], own, own).length, 1);
});
