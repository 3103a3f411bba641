/**
 * Builds a release into `dist/release` and checks everything in it. What cannot be had here is a counted skip;
 * with `--tag vX.Y.Z`, as the release workflow runs it, nothing may be skipped but the container image, which that
 * workflow builds. The last line is "N passed, N failed, N skipped".
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join } from "node:path";
import process from "node:process";
import Ajv from "ajv";
import * as checks from "./checks.ts";
import { NOTICES, noticesOf, type Runtime } from "./licenses.ts";
import type { LockFile } from "./lock.ts";
import { ownProject, ROOT, slugOf, tarballOf } from "./project.ts";
import { executableOf, type Target, TARGETS } from "./targets.ts";

const PROJECT = ownProject();
const RELEASE = join(ROOT, "dist", "release");
const SUMS = "SHA256SUMS";
/** The first bytes of an executable that say what it is. */
const HEAD_BYTES = 65_536;

const counts = { passed: 0, failed: 0, skipped: 0 };
const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as LockFile;

/** Counts a check, and writes what it found. */
function check(name: string, wrong: readonly string[]): void {
  counts[wrong.length === 0 ? "passed" : "failed"]++;
  process.stdout.write(`${wrong.length === 0 ? "ok   " : "FAIL "} ${name}\n`);
  for (const line of wrong.slice(0, 20)) process.stdout.write(`        ${line}\n`);
}

/** Counts what could not be done here. */
function skip(name: string, why: string): void {
  counts.skipped++;
  process.stdout.write(`skip  ${name}: ${why}\n`);
}

interface Ran {
  readonly ok: boolean;
  readonly stdout: string;
  readonly text: string;
}

function run(program: string, args: readonly string[], options: {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
} = {}): Ran {
  const { status, stdout, stderr, error } = spawnSync(program, [...args], {
    cwd: options.cwd ?? ROOT,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, NO_COLOR: "1", ...options.env },
  });
  return {
    ok: status === 0,
    stdout: stdout ?? "",
    text: `${stdout}${stderr}${error ?? ""}`.trim(),
  };
}

function last(text: string): string[] {
  return text.split("\n").filter((line) => line.trim() !== "").slice(-6);
}

function deno(): string {
  const path = readFileSync(join(ROOT, ".cache", "deno-path"), "utf8").trim();
  return isAbsolute(path) ? path : join(ROOT, path);
}

function build(dist: string, ...args: readonly string[]): Ran {
  const flags = [
    "--quiet",
    "--no-prompt",
    "--no-check",
    "--no-lock",
    "--cached-only",
    "--allow-all",
  ];
  return run(deno(), ["run", ...flags, "scripts/build.ts", ...args], {
    env: { MODELAUDIT_DIST: dist },
  });
}

function read(path: string): string {
  return readFileSync(path, "utf8");
}

function hashOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

/** All files below a folder, from it. */
function below(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((it) => it.isFile())
    .map((it) => join(it.parentPath, it.name).slice(folder.length + 1).replaceAll("\\", "/"));
}

/** The target that this machine is. */
function here(): Target | undefined {
  const system = new Map([["linux", "linux"], ["darwin", "macos"], ["win32", "windows"]])
    .get(process.platform);
  const musl = existsSync("/lib") && readdirSync("/lib").some((it) => it.startsWith("ld-musl-"));
  const name = `${system}-${process.arch}${system === "linux" && musl ? "-musl" : ""}`;
  return TARGETS.find((it) => it.name === name);
}

/** Executables, with the runtimes that they were to have, or by Bun, or this machine's alone. */
function buildExecutables(): void {
  if (build(RELEASE, "binaries").ok) return check("executables by deno compile, musl by Bun", []);
  skip(
    "executables by deno compile",
    "its runtime could not be fetched, and DENORT_BIN names none",
  );
  const all = build(RELEASE, "binaries", "--runtime", "bun");
  if (all.ok) return check("executables by Bun in their place", []);
  skip("executables for other systems", "Bun's runtimes could not be fetched");
  const one = build(RELEASE, "binary", "--runtime", "bun");
  check("an executable for this machine by Bun", one.ok ? [] : last(one.text));
  const target = here();
  if (!one.ok || target === undefined) return;
  const [from, to] = [PROJECT.name, executableOf(PROJECT.name, target)];
  for (const suffix of ["", ".cdx.json"]) {
    copyFileSync(join(RELEASE, `${from}${suffix}`), join(RELEASE, `${to}${suffix}`));
    rmSync(join(RELEASE, `${from}${suffix}`));
  }
}

function headOf(path: string): Uint8Array {
  const file = openSync(path, "r");
  try {
    const bytes = new Uint8Array(HEAD_BYTES);
    return bytes.subarray(0, readSync(file, bytes));
  } finally {
    closeSync(file);
  }
}

/** Demands of each executable that it is for its system, with a bill of materials. Gives the runtimes inside. */
function checkExecutables(): Runtime[] {
  const runtimes = new Map<string, Runtime>();
  const validate = schemaOfSboms();
  for (const target of TARGETS) {
    const path = join(RELEASE, executableOf(PROJECT.name, target));
    if (!existsSync(path)) continue;
    const bom = JSON.parse(read(`${path}.cdx.json`)) as checks.Bom;
    const inside = bom.components?.find((it) => it.type === "platform");
    const { name, version = "" } = inside ?? {};
    if (name === "deno" || name === "bun") runtimes.set(name, { name, version });
    check(`${executableOf(PROJECT.name, target)}, with ${name}`, [
      ...checks.wrongInExecutable(headOf(path), target),
      ...checks.wrongInSbom(bom, lock, PROJECT, name),
      ...validate(bom),
    ]);
  }
  return [...runtimes.values()];
}

/** CycloneDX's own schema. */
function schemaOfSboms(): (bom: unknown) => string[] {
  const folder = join(ROOT, "testdata", "report");
  const schema = (name: string): object => JSON.parse(read(join(folder, name))) as object;
  const ajv = new Ajv.default({ strict: false, validateFormats: false, unicodeRegExp: false });
  ajv.addSchema(
    schema("cyclonedx-spdx.schema.json"),
    "http://cyclonedx.org/schema/spdx.SNAPSHOT.schema.json",
  );
  ajv.addSchema(
    schema("cyclonedx-jsf-0.82.schema.json"),
    "http://cyclonedx.org/schema/jsf-0.82.SNAPSHOT.schema.json",
  );
  const validate = ajv.compile(schema("cyclonedx-1.6.schema.json"));
  return (bom) => validate(bom) ? [] : [ajv.errorsText(validate.errors)];
}

function npmPackage(work: string): void {
  const built = build(work, "npm");
  if (!built.ok) return check("npm package", last(built.text));
  const packed = run("npm", [
    "pack",
    "--ignore-scripts",
    `--pack-destination=${work}`,
    join(work, "npm"),
  ]);
  const tarball = join(work, tarballOf(PROJECT));
  if (!packed.ok || !existsSync(tarball)) return check("npm package", last(packed.text));
  const folder = join(work, "unpacked");
  mkdirSync(folder);
  const unpacked = run("tar", ["-xzf", tarball, "-C", folder]);
  const home = join(folder, "package");
  if (!unpacked.ok) return check("npm package", last(unpacked.text));
  check(`npm ${tarballOf(PROJECT)}`, [
    ...checks.wrongInNpm(below(home), JSON.parse(read(join(home, "package.json"))), PROJECT),
    ...checks.wrongInSbom(JSON.parse(read(join(home, "sbom.cdx.json"))), lock, PROJECT, undefined),
    ...wrongTexts(home),
    ...read(join(home, NOTICES)) === noticesOf(lock, []) ? [] : [`${NOTICES} is of something else`],
  ]);
  copyFileSync(tarball, join(RELEASE, tarballOf(PROJECT)));
}

/** What texts of a package must not name: where it was built. */
function wrongTexts(folder: string): string[] {
  return below(folder).filter((name) => readFileSync(join(folder, name)).includes(ROOT))
    .map((name) => `${name} names ${ROOT}`);
}

function jsrPackage(): void {
  const said = run(deno(), ["publish", "--dry-run", "--allow-dirty", "--no-provenance"]);
  const names = [...said.text.matchAll(/^ +file:\/\/(\S+) \([\d.]+\w+\)$/gm)]
    .map(([, path = ""]) => decodeURIComponent(path).slice(ROOT.length + 1));
  const manifest = JSON.parse(read(join(ROOT, "deno.json")));
  const wrong = manifest.name === PROJECT.package && manifest.version === PROJECT.version
    ? []
    : [`deno.json is of ${manifest.name} ${manifest.version}`];
  check(`JSR ${PROJECT.package}, ${names.length} files`, [
    ...(said.ok ? [] : last(said.text)),
    ...wrong,
    ...checks.wrongInJsr(names),
  ]);
}

function hasTarget(name: string): boolean {
  return new RegExp(`^${name}:`, "m").test(read(join(ROOT, "Makefile")));
}

function wheel(work: string): void {
  const python = process.env["PYTHON"] ?? "python3";
  const built = run("make", ["wheel"]);
  const folder = join(ROOT, "dist", "python");
  if (!built.ok) return skip("wheel", last(built.text).at(-1) ?? "");
  const name = `${PROJECT.pypi.replaceAll("-", "_")}-${PROJECT.version}-py3-none-any.whl`;
  const files = readdirSync(folder).filter((it) => it.endsWith(".whl"));
  const unpacked = join(work, "wheel");
  const ran = run(python, ["-m", "zipfile", "-e", join(folder, name), unpacked]);
  if (!ran.ok) return check(`PyPI ${name}`, [`there are ${files.join(", ")}`, ...last(ran.text)]);
  const info = `${PROJECT.pypi.replaceAll("-", "_")}-${PROJECT.version}.dist-info`;
  check(`PyPI ${name}`, [
    ...(files.length === 1 ? [] : [`there are ${files.join(", ")}`]),
    ...checks.wrongInWheel(below(unpacked), read(join(unpacked, info, "METADATA")), PROJECT),
    ...wrongTexts(unpacked),
  ]);
  copyFileSync(join(folder, name), join(RELEASE, name));
}

function page(): void {
  if (!hasTarget("web")) return;
  const built = run("make", ["web"]);
  const path = join(ROOT, "dist", "modelaudit.html");
  const good = built.ok && existsSync(path);
  const text = good ? read(path) : "";
  check("modelaudit.html", [
    ...(good ? [] : last(built.text)),
    ...(!good || text.includes("Content-Security-Policy")
      ? []
      : ["it has no Content-Security-Policy"]),
    ...(text.includes(ROOT) ? [`it names ${ROOT}`] : []),
  ]);
  if (good) copyFileSync(path, join(RELEASE, "modelaudit.html"));
  // Executables have the page inside, for which it was built there; a release is a list of files without folders.
  rmSync(join(RELEASE, "web"), { recursive: true, force: true });
}

function image(): void {
  const linux = ["linux-x64", "linux-arm64"].map((it) => `${PROJECT.name}-${it}`);
  if (linux.every((it) => existsSync(join(RELEASE, it)))) {
    const laid = run(join(ROOT, "scripts", "release", "image-context"), []);
    const copied = [...read(join(ROOT, "Dockerfile")).matchAll(/^COPY (?:--\S+ )*(.+) \S+$/gm)]
      .flatMap(([, from = ""]) => from.split(" "))
      .flatMap((it) => ["amd64", "arm64"].map((arch) => it.replace("${TARGETARCH}", arch)));
    const missing = copied.filter((it) => !existsSync(join(ROOT, it)));
    check("what the container image takes", [
      ...(laid.ok ? [] : last(laid.text)),
      ...(copied.length > 0 ? missing.map((it) => `there is no ${it}`) : ["nothing is copied"]),
    ]);
  } else {skip(
      "what the container image takes",
      "there is no executable for each of its processors",
    );}
  // The workflow builds it, for both processors, once everything else is signed.
  skip("the container image", "it is built by the workflow; Dockerfile is linted by make check");
}

/** Writes checksums and notes, once all other files are there. */
function finish(runtimes: readonly Runtime[]): void {
  copyFileSync(join(ROOT, "LICENSE"), join(RELEASE, "LICENSE"));
  writeFileSync(join(RELEASE, NOTICES), noticesOf(lock, runtimes));
  const notes = checks.notesOf(read(join(ROOT, "CHANGELOG.md")), PROJECT.version);
  const verify = `gh attestation verify FILE --repo ${slugOf(PROJECT)}`;
  writeFileSync(
    join(RELEASE, "RELEASE-NOTES.md"),
    `${notes}\n\nTo verify a file: \`sha256sum --check --ignore-missing ${SUMS}\`, \`${verify}\`. ` +
      `More in [docs/installation.md](${PROJECT.repository}/blob/v${PROJECT.version}/docs/installation.md).\n`,
  );
  rmSync(join(RELEASE, SUMS), { force: true });
  const hashes = new Map(below(RELEASE).sort().map((name) => [name, hashOf(join(RELEASE, name))]));
  const text = [...hashes].map(([name, hash]) => `${hash}  ${name}\n`).join("");
  writeFileSync(join(RELEASE, SUMS), text);
  check(`${SUMS} of ${hashes.size} files`, checks.wrongInSums(text, hashes));
  const other = run("sha256sum", ["--check", "--strict", "--quiet", SUMS], { cwd: RELEASE });
  check(`${SUMS} by sha256sum`, other.ok ? [] : last(other.text));
}

/** Takes this machine's executable as the action does, and lets it work; then a spoiled one. */
function useAsAction(work: string): void {
  const target = here();
  const file = target && executableOf(PROJECT.name, target);
  if (file === undefined || !existsSync(join(RELEASE, file))) {
    return skip("the executable at work", "there is none for this machine");
  }
  const output = join(work, "output");
  const env = (folder: string) => ({
    ...{ VERSION: PROJECT.version, RELEASE_FOLDER: folder, ATTESTATION: "false" },
    ...{ REPOSITORY: slugOf(PROJECT), RUNNER_TEMP: work, GITHUB_OUTPUT: output },
    RUNNER_OS: process.platform === "darwin" ? "macOS" : "Linux",
    RUNNER_ARCH: process.arch === "arm64" ? "ARM64" : "X64",
  });
  const install = join(ROOT, "scripts", "action", "install");
  const taken = run("bash", [install], { env: env(RELEASE) });
  check("the action takes the release", taken.ok ? [] : last(taken.text));
  if (taken.ok) {
    const program = read(output).trim().replace(/^program=/, "");
    const works = (args: string[], status: number) => {
      const ran = spawnSync(program, args, { cwd: work, encoding: "utf8", env: { PATH: "" } });
      return ran.status === status ? [] : [`${args.join(" ")}: ${ran.status}`, ...last(ran.stderr)];
    };
    const sample = join(ROOT, "testdata/pickle/harmful/add_extension_ext1.pkl");
    check("the executable at work", [
      ...works(["doctor", "--no-config"], 0),
      ...works(["schema", "report"], 0),
      ...works(["--no-config", sample], 1),
    ]);
  }
  const spoiled = mkdtempSync(join(work, "spoiled-"));
  for (const name of [file, SUMS]) copyFileSync(join(RELEASE, name), join(spoiled, name));
  writeFileSync(join(spoiled, file), "\n", { flag: "a" });
  const refused = !run("bash", [install], { env: env(spoiled) }).ok;
  check("the action refuses a spoiled release", refused ? [] : ["it takes it"]);
}

/** Compares the readers with those of the release before, by the history in git. */
function checkReaders(): void {
  const name = "READERS_VERSION";
  const git = (...args: string[]): Ran => run("git", args);
  if (git("rev-parse", "--is-shallow-repository").stdout.trim() !== "false") {
    return skip(name, "the history of this checkout is not whole");
  }
  const found = git("describe", "--tags", "--abbrev=0", "--match", "v*", "HEAD^");
  if (!found.ok) return check(`${name}, of the first release`, []);
  const tag = found.stdout.trim();
  const changed = git("diff", "--name-only", tag, "HEAD", "--", ...checks.READERS);
  const before = git("show", `${tag}:src/core/version.ts`);
  if (!changed.ok) return check(`${name}, since ${tag}`, last(changed.text));
  check(
    `${name}, since ${tag}`,
    checks.wrongInReaders(
      changed.stdout.split("\n").filter((it) => it !== ""),
      before.ok ? before.stdout : "",
      read(join(ROOT, "src", "core", "version.ts")),
    ),
  );
}

function main(tag: string | undefined): void {
  const work = mkdtempSync(join(tmpdir(), "modelaudit-release-"));
  try {
    rmSync(RELEASE, { recursive: true, force: true });
    mkdirSync(RELEASE, { recursive: true });
    const changelog = read(join(ROOT, "CHANGELOG.md"));
    check("CHANGELOG.md", checks.wrongInChangelog(changelog, PROJECT, tag));
    checkReaders();
    buildExecutables();
    const runtimes = checkExecutables();
    npmPackage(work);
    jsrPackage();
    wheel(work);
    page();
    finish(runtimes);
    image();
    useAsAction(work);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const bytes = below(RELEASE).reduce((sum, name) => sum + statSync(join(RELEASE, name)).size, 0);
  process.stdout.write(
    `dist/release: ${below(RELEASE).length} files, ${Math.round(bytes / 1e6)} MB\n`,
  );
  const { passed, failed, skipped } = counts;
  process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  // The image is the workflow's; of a release nothing else may be missing.
  if (failed > 0 || tag !== undefined && skipped > 1) process.exitCode = 1;
}

if (import.meta.main) {
  const at = process.argv.indexOf("--tag");
  main(at < 0 ? undefined : process.argv[at + 1] ?? "");
}
