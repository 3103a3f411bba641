/**
 * Builds what is shipped, into `dist/`:
 *
 *     scripts/build.ts npm                         the npm package, in dist/npm
 *     scripts/build.ts wheel                       the Python package, in dist/python
 *     scripts/build.ts binary [--runtime bun]      an executable for this machine
 *     scripts/build.ts binaries [--runtime bun]    one for each system
 *     scripts/build.ts web                         the browser page, in dist/web and dist/modelaudit.html
 *
 * All begin with a bundle of modelaudit. In the npm package 7-Zip's WASM is a module of it, so that it may be
 * bundled again; an executable has the decoders as packages inside. An
 * executable by `deno compile` may read files and the environment variables that
 * `src/cli/io.ts` names, write reports and fetch what the user names, and nothing else; that is fixed here.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { ENVIRONMENT, NETWORK_ENVIRONMENT } from "../src/cli/io.ts";
import { digestOfSources } from "../src/cli/tasks/code_digest.ts";
import { TOOL_NAME, TOOL_VERSION } from "../src/core/version.ts";
import { declarationsOf } from "./declarations.ts";
import { sevenZipLicenses, stageBrowser, stageLists, stageSources } from "./package/stage.ts";
import { buildWeb } from "./package/web.ts";
import { stageWheel } from "./package/wheel.ts";
import { NOTICES, noticesOf } from "./release/licenses.ts";
import type { LockFile } from "./release/lock.ts";
import { sbomOf } from "./release/sbom.ts";
import { executableOf, type Target, TARGETS } from "./release/targets.ts";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
/** Where results go; tests build elsewhere. */
const DIST = process.env["MODELAUDIT_DIST"] ?? join(ROOT, "dist");

/** Packages that executables do not bundle: their WASM stays theirs, and their licences beside it. */
const DECODERS = ["7z-wasm", "h5wasm"] as const;

/** The one that is a dependency of the npm package: its WASM stands in its modules already. */
const DEPENDENCIES = ["h5wasm"] as const;

/** The manual page, for `man` after an installation. */
const MANUAL = `${TOOL_NAME}.1`;

/** The browser page, which `serve` serves. */
const PAGE = "modelaudit.html";

/** Entries of the package. */
const ENTRIES = ["cli.ts", "worker.ts", "mod.ts"] as const;

/** The entry of the Python package's own process. */
const GUARD_ENTRY = "scripts/package/python/guard.ts";

type Runtime = "deno" | "bun";

/**
 * What the executable by `deno compile` may do: read, write the reports that the user names, and fetch
 * what the user names, with the certificates of the system. No programs, no libraries. Before the first
 * byte of a model is read it gives writing up, and the network where nothing is to be fetched.
 */
export const PERMISSIONS: readonly string[] = [
  "--no-prompt",
  "--allow-read",
  "--allow-write",
  "--allow-net",
  "--allow-sys=ca",
  `--allow-env=${[...ENVIRONMENT, ...NETWORK_ENVIRONMENT].join(",")}`,
];

/** What keeps an executable by Bun from taking orders from the folder that it runs in. */
export const BUN_FLAGS: readonly string[] = [
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
  "--no-compile-autoload-tsconfig",
  "--no-compile-autoload-package-json",
];

/**
 * What makes an executable by Bun start five times as fast: it reads the modules of the command that
 * runs and no others, and finds them compiled. Names stay, so that a defect's trace can be read.
 */
const BUN_SPEED: readonly string[] = [
  "--splitting",
  "--bytecode",
  "--format=esm",
  "--minify-whitespace",
  "--minify-syntax",
];

const NO_STUB = `
The compiler could not fetch its runtime for the executable (its own words stand above).
Either
  - fetch it elsewhere: denort of the same version as Deno, from Deno's releases,
    and name it: DENORT_BIN=/path/to/denort make binary
  - or take the second road, which needs nothing more: make binary RUNTIME=bun
`;

const NO_BUN_TARGET = `
Bun could not fetch its runtime for another system (its own words stand above).
Build on that system, or where npm's registry can be reached.
`;

const NO_PIP = `
A wheel is built by Python 3.9 or newer with pip, which fetches the build backend that
python/pyproject.toml names. Another Python can be named: PYTHON=/path/to/python make wheel
`;

class BuildError extends Error {}

function main(args: readonly string[]): void {
  const [command] = args;
  const at = args.indexOf("--runtime");
  const runtime = at < 0 || args[at + 1] === "" ? "deno" : args[at + 1];
  if (runtime !== "deno" && runtime !== "bun") {
    throw new BuildError(`There is no runtime "${runtime}"; there are deno and bun`);
  }
  switch (command) {
    case "npm":
      buildPackage(join(DIST, "npm"));
      return declare(join(DIST, "npm"));
    case "wheel":
      return buildWheel(join(DIST, "python"));
    case "binary":
      return buildExecutables(runtime, undefined);
    case "binaries":
      return buildExecutables(runtime, TARGETS);
    case "web":
      for (const path of web()) process.stdout.write(`built ${path}\n`);
      return;
    default:
      throw new BuildError(
        "usage: build.ts npm | wheel | binary | binaries [--runtime deno|bun] | web",
      );
  }
}

/** Builds the browser page for what holds it. */
function builtPage(): string {
  const [, file] = web();
  if (file === undefined) throw new BuildError("the browser page was not built");
  return file;
}

/** The browser page: the folder for a static host, and the file. */
function web(): readonly string[] {
  return buildWeb({
    ...{ root: ROOT, dist: DIST },
    bundle: (args, folder) => void run(toolPath("bun"), args, { folder }),
  });
}

/** The npm package: module and command line for Node 20 and newer, Deno and Bun, the module for browsers. */
function buildPackage(folder: string): void {
  const stage = join(DIST, "stage");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(join(stage, "scripts"), { recursive: true });
  try {
    stageSources(ROOT, stage);
    bundle(stage, ENTRIES, folder, DEPENDENCIES);
    stageBrowser(stage);
    // Chunks that are the same have the same names.
    bundle(stage, ["browser.ts"], folder, DEPENDENCIES);
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
  cpSync(builtPage(), join(folder, PAGE));
  cpSync(join(ROOT, "LICENSE"), join(folder, "LICENSE"));
  for (const [name, text] of Object.entries(sevenZipLicenses(ROOT))) {
    writeFileSync(join(folder, name), text);
  }
  writeFileSync(join(folder, NOTICES), noticesOf(lockFile(), []));
  // Who installs the package has neither make nor docs/.
  cpSync(join(ROOT, "docs", "npm.md"), join(folder, "README.md"));
  writeManifest(folder);
  writeFileSync(join(folder, MANUAL), run(toolPath("bun"), [join(folder, "cli.js"), "man"]));
  writeFileSync(join(folder, "sbom.cdx.json"), sbom());
}

function writeManifest(folder: string): void {
  const own = readPackage(join(ROOT, "package.json"));
  const dependencies = own["dependencies"] as Readonly<Record<string, string>>;
  const same = ["name", "version", "description", "license", "keywords", "homepage", "repository"];
  writeJson(join(folder, "package.json"), {
    ...Object.fromEntries(same.map((key) => [key, own[key]])),
    type: "module",
    bin: { [TOOL_NAME]: "cli.js" },
    man: `./${MANUAL}`,
    exports: {
      ".": { types: "./types/mod.d.ts", browser: "./browser.js", default: "./mod.js" },
      "./package.json": "./package.json",
    },
    types: "./types/mod.d.ts",
    engines: own["engines"],
    files: [
      ...["cli.js", "worker.js", "mod.js", "browser.js", "chunks/", "types/", "LICENSE*"],
      ...[MANUAL, PAGE, "sbom.cdx.json"],
    ],
    dependencies: Object.fromEntries(DEPENDENCIES.map((name) => [name, dependencies[name]])),
  });
}

/** The Python package: one wheel for all systems, in which Deno is a dependency. */
function buildWheel(folder: string): void {
  const [stage, sources] = [join(DIST, "stage"), join(DIST, "stage-python")];
  for (const path of [stage, sources, folder]) {
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path, { recursive: true });
  }
  mkdirSync(join(stage, "scripts"));
  try {
    stageSources(ROOT, stage);
    const program = stageWheel(ROOT, sources);
    bundle(stage, ["cli.ts", "worker.ts", GUARD_ENTRY], program, []);
    writeFileSync(join(program, "sbom.cdx.json"), sbom());
    const python = process.env["PYTHON"] ?? "python3";
    const options = ["--quiet", "--no-deps", "--no-cache-dir", "--wheel-dir", folder];
    run(python, ["-m", "pip", "wheel", ...options, sources], { help: NO_PIP });
  } finally {
    for (const path of [stage, sources]) rmSync(path, { recursive: true, force: true });
  }
  for (const name of readdirSync(folder)) process.stdout.write(`built ${join(folder, name)}\n`);
}

/** Bundles entries of a folder that holds the sources, and makes the command line one that can be run. */
function bundle(
  from: string,
  entries: readonly string[],
  folder: string,
  external: readonly string[],
): void {
  run(toolPath("bun"), [
    "build",
    ...entries,
    "--target=node",
    "--format=esm",
    "--splitting",
    "--minify-whitespace",
    "--minify-syntax",
    `--outdir=${folder}`,
    buildDigest(),
    "--entry-naming=[name].[ext]",
    "--chunk-naming=chunks/[hash].[ext]",
    ...external.map((name) => `--external=${name}`),
  ], { folder: from });
  if (!entries.includes("cli.ts")) return;
  const cli = join(folder, "cli.js");
  const text = readFileSync(cli, "utf8");
  writeFileSync(cli, `#!/usr/bin/env node\n${text.replace(/^#!.*\n/, "")}`, { mode: 0o755 });
}

/** Tells the program which sources it is built of: `src/cli/tasks/code_digest.ts`. */
function buildDigest(): string {
  return `--define=BUILD_DIGEST=${JSON.stringify(digestOfSources(ROOT))}`;
}

/** Puts the type declarations of the module into the package. */
function declare(folder: string): void {
  const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
  for (const [path, text] of declarationsOf("mod.ts", read)) {
    const file = join(folder, "types", path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

function buildExecutables(runtime: Runtime, targets: readonly Target[] | undefined): void {
  const stage = join(DIST, "stage");
  rmSync(stage, { recursive: true, force: true });
  try {
    mkdirSync(stage, { recursive: true });
    bundle(ROOT, ENTRIES, stage, DECODERS);
    writeJson(join(stage, "package.json"), { type: "module" });
    // A bundler would take a name that ends in ".html" for something to be bundled.
    cpSync(builtPage(), join(stage, PAGE));
    cpSync(join(stage, PAGE), join(stage, "page.bin"));
    for (const name of DECODERS) {
      cpSync(join(ROOT, "node_modules", name), join(stage, "node_modules", name), {
        recursive: true,
        dereference: true,
      });
    }
    const files = targets === undefined
      ? [compile(runtime, stage, undefined)]
      : targets.map((target) => compile(runtime, stage, target));
    for (const { file, by } of files) finish(file, by);
    writeSums();
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/** An executable, and the runtime inside. */
interface Compiled {
  readonly file: string;
  readonly by: Runtime;
}

/**
 * Compiles for one system; undefined is this one. Where Deno has no runtime for it, Bun's is taken.
 */
function compile(runtime: Runtime, stage: string, target: Target | undefined): Compiled {
  const name = target === undefined
    ? `${TOOL_NAME}${process.platform === "win32" ? ".exe" : ""}`
    : executableOf(TOOL_NAME, target);
  const file = join(DIST, name);
  if (runtime === "deno" && (target === undefined || target.deno !== undefined)) {
    const options = ["--quiet", "--no-check", "--no-remote", "--cached-only", "--no-lock"];
    const goal = target === undefined ? [] : [`--target=${target.deno}`];
    // Neither is imported, so that the compiler would not find them.
    const inside = [join("node_modules", "7z-wasm", "7zz.wasm"), "worker.js", PAGE];
    writeJson(join(stage, "deno.json"), { nodeModulesDir: "manual" });
    run(toolPath("deno"), [
      "compile",
      // As the launcher does.
      "--v8-flags=--max-semi-space-size=8",
      ...options,
      "--config",
      join(stage, "deno.json"),
      ...PERMISSIONS,
      ...goal,
      ...inside.map((path) => `--include=${join(stage, path)}`),
      `--output=${file}`,
      join(stage, "cli.js"),
    ], { help: NO_STUB });
    return { file, by: "deno" };
  }
  const entries = Object.entries(bunEntries(stage)).map(([name, text]) => {
    const entry = join(stage, name);
    writeFileSync(entry, text);
    return entry;
  });
  const goal = target === undefined ? "bun" : target.bun;
  const help = target === undefined ? "" : NO_BUN_TARGET;
  run(toolPath("bun"), [
    "build",
    "--compile",
    ...BUN_FLAGS,
    ...BUN_SPEED,
    `--target=${goal}`,
    `--outfile=${file}`,
    buildDigest(),
    ...entries,
  ], { help });
  return { file, by: "bun" };
}

/**
 * The entries of Bun's executable, the first of which is the program's. Bun embeds a file that is
 * imported as one; 7-Zip's loader would look for it beside itself. Each thread has modules of its own.
 */
function bunEntries(stage: string): Readonly<Record<string, string>> {
  const wasm = JSON.stringify(join(stage, "node_modules", "7z-wasm", "7zz.wasm"));
  const sources = stageLists(ROOT, join(stage, "sources"));
  const from = (path: string): string => JSON.stringify(join(sources, path));
  const decoder = [
    'import { readFileSync } from "node:fs";',
    `import wasm from ${wasm} with { type: "file" };`,
    `import { provideWasm } from ${from("src/codecs/decoder.ts")};`,
    'provideWasm("7z-wasm", () => Uint8Array.from(readFileSync(wasm)).buffer);',
  ];
  const program = [
    ...decoder,
    `import page from ${JSON.stringify(join(stage, "page.bin"))} with { type: "file" };`,
    `import { providePage } from ${from("src/cli/page_file.ts")};`,
    'providePage(() => readFileSync(page, "utf8"));',
    `import { provideWorkerModule } from ${from("src/cli/worker_module.ts")};`,
    'provideWorkerModule(new URL("./worker_entry.js", import.meta.url));',
    `await import(${from("cli.ts")});`,
    "",
  ];
  const worker = [...decoder, `await import(${from("worker.ts")});`, ""];
  return { "entry.ts": program.join("\n"), "worker_entry.ts": worker.join("\n") };
}

/** Puts the bill of materials and the licences of what is inside beside an executable. */
function finish(file: string, runtime: Runtime): void {
  const inside = { name: runtime, version: versionOf(runtime) };
  writeFileSync(`${file}.cdx.json`, sbom(inside));
  writeFileSync(join(DIST, NOTICES), noticesOf(lockFile(), [inside]));
  process.stdout.write(`built ${file}\n`);
}

/** Puts checksums of all executables, and of what stands beside them, into one file. */
function writeSums(): void {
  const shipped = readdirSync(DIST).filter((name) =>
    name.startsWith(TOOL_NAME) && !name.endsWith(".bun-build")
  ).sort();
  const sums = shipped.map((name) =>
    `${createHash("sha256").update(readFileSync(join(DIST, name))).digest("hex")}  ${name}\n`
  );
  writeFileSync(join(DIST, "SHA256SUMS"), sums.join(""));
}

function sbom(runtime?: { readonly name: string; readonly version: string }): string {
  const lock = lockFile();
  const license = String(readPackage(join(ROOT, "package.json"))["license"]);
  return sbomOf(
    { name: TOOL_NAME, version: TOOL_VERSION, license, ...(runtime && { runtime }) },
    lock,
  );
}

function lockFile(): LockFile {
  return JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as LockFile;
}

function versionOf(runtime: Runtime): string {
  const { stdout } = spawnSync(toolPath(runtime), ["--version"], { encoding: "utf8" });
  return /\d+\.\d+\.\d+/.exec(stdout)?.[0] ?? "unknown";
}

/** Where `scripts/setup` found a runtime. */
export function toolPath(name: Runtime): string {
  const path = readFileSync(join(ROOT, ".cache", `${name}-path`), "utf8").trim();
  return isAbsolute(path) ? path : join(ROOT, path);
}

/**
 * Runs a program, in the checkout's root unless another folder is given.
 *
 * @param help what to do when it fails
 * @returns its standard output
 * @throws BuildError when it fails
 */
function run(
  program: string,
  args: readonly string[],
  { folder = ROOT, help = "" }: { readonly folder?: string; readonly help?: string } = {},
): string {
  const { status, stdout, stderr } = spawnSync(program, [...args], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
  });
  if (status === 0) return stdout;
  throw new BuildError(`${stdout ?? ""}${stderr ?? ""}\n${program} failed\n${help}`.trim());
}

function readPackage(path: string): Readonly<Record<string, unknown>> {
  return JSON.parse(readFileSync(path, "utf8")) as Readonly<Record<string, unknown>>;
}

function writeJson(path: string, value: unknown): void {
  writeFileSync(path, JSON.stringify(value, null, 2) + "\n");
}

if (import.meta.main) {
  try {
    main(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    process.stderr.write(`build: ${error.message}\n`);
    process.exitCode = 2;
  }
}
