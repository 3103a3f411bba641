import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { BUN_FLAGS, PERMISSIONS } from "./build.ts";
import { type LockFile, sbomOf } from "./sbom.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SCRATCH = mkdtempSync(join(tmpdir(), "modelaudit-build-"));
after(() => rmSync(SCRATCH, { recursive: true, force: true }));

/** One sample for each decoder that an executable has inside. */
const HARMFUL = [
  "testdata/pickle/harmful/add_extension_ext1.pkl",
  "testdata/archive/harmful/ppmd.7z",
  "testdata/keras/harmful/lambda_system.h5",
  "testdata/tensorflow/harmful/asset_outside.pb",
];

/** What a folder may hold to give orders to whoever runs in it. */
const HOSTILE: Readonly<Record<string, string>> = {
  "bunfig.toml": 'preload = ["./hostile.ts"]\n',
  ".env": "FORCE_COLOR=1\nBUN_OPTIONS=--preload=./hostile.ts\nXDG_CONFIG_HOME=.\n",
  "deno.json": '{ "imports": { "commander": "./hostile.ts", "h5wasm": "./hostile.ts" } }\n',
  "package.json": '{ "type": "commonjs", "imports": { "#x": "./hostile.ts" } }\n',
  "tsconfig.json": '{ "compilerOptions": { "paths": { "*": ["./hostile.ts"] } } }\n',
  "hostile.ts": 'console.log("PWNED"); process.exit(0);\n',
  "modelaudit-security.toml": 'allow = ["os.*", "posix.*", "nt.*", "subprocess.*"]\n',
};

function build(...args: string[]): { status: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(
    toolPath("deno"),
    [
      "run",
      "--quiet",
      "--no-check",
      "--no-lock",
      "--cached-only",
      "-A",
      "scripts/build.ts",
      ...args,
    ],
    {
      cwd: ROOT,
      encoding: "utf8",
      env: { ...process.env, MODELAUDIT_DIST: SCRATCH, DENORT_BIN: join(SCRATCH, "none") },
    },
  );
  return { status, text: stdout + stderr };
}

function toolPath(name: "deno" | "bun"): string {
  return resolve(ROOT, readFileSync(join(ROOT, ".cache", `${name}-path`), "utf8").trim());
}

/** Runs in a folder full of orders, with no HOME and next to no environment. */
function runHostile(program: string, args: readonly string[]): {
  status: number | null;
  stdout: string;
  stderr: string;
} {
  const folder = mkdtempSync(join(SCRATCH, "hostile-"));
  for (const [name, text] of Object.entries(HOSTILE)) writeFileSync(join(folder, name), text);
  return spawnSync(program, [...args], { cwd: folder, encoding: "utf8", env: { PATH: "" } });
}

function expectWorking(program: string, before: readonly string[]): void {
  const doctor = runHostile(program, [...before, "doctor", "--no-config"]);
  assert.equal(doctor.status, 0, doctor.stdout + doctor.stderr);
  for (const sample of HARMFUL) {
    const scan = runHostile(program, [...before, "--format", "json", join(ROOT, sample)]);
    assert.equal(scan.status, 1, `${sample}: ${scan.stdout}${scan.stderr}`);
    const report = JSON.parse(scan.stdout);
    assert.equal(report.assets[0].verdict, "dangerous", sample);
  }
  const text = runHostile(program, [...before, join(ROOT, HARMFUL[0] ?? "")]);
  assert.equal(text.status, 1);
  assert.doesNotMatch(text.stdout + text.stderr, /\p{Cc}\[|PWNED/u);
}

test("The executable by Bun works alone, whatever lies in the folder that it runs in", () => {
  const built = build("binary", "--runtime", "bun");
  assert.equal(built.status, 0, built.text);
  expectWorking(join(SCRATCH, process.platform === "win32" ? "modelaudit.exe" : "modelaudit"), []);
  assert.match(readFileSync(join(SCRATCH, "SHA256SUMS"), "utf8"), /^[0-9a-f]{64} {2}modelaudit/m);
  const bom = JSON.parse(readFileSync(join(SCRATCH, "modelaudit.cdx.json"), "utf8"));
  assert.ok(bom.components.some((it: { name: string }) => it.name === "bun"));
});

test("The npm package works under Node outside of the repository, as command and as module", () => {
  const built = build("npm");
  assert.equal(built.status, 0, built.text);
  const project = join(SCRATCH, "project");
  const home = join(project, "node_modules", "modelaudit");
  cpSync(join(SCRATCH, "npm"), home, { recursive: true });
  const packed = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
  for (const name of Object.keys(packed.dependencies)) {
    cpSync(join(ROOT, "node_modules", name), join(project, "node_modules", name), {
      recursive: true,
      dereference: true,
    });
  }
  const node = spawnSync("node", ["-p", "process.execPath"], { encoding: "utf8" }).stdout.trim();
  expectWorking(node, [join(home, "cli.js")]);
  const settings = { private: true, dependencies: { modelaudit: packed.version } };
  writeFileSync(join(project, "package.json"), JSON.stringify(settings));
  writeFileSync(
    join(project, "use.mjs"),
    [
      'import { bytesSource, scan } from "modelaudit";',
      "const pickle = new TextEncoder().encode(\"cos\\nsystem\\n(S'echo hi'\\ntR.\");",
      'const { files } = await scan([bytesSource("m.pkl", pickle), new Blob([pickle])]);',
      "console.log(files.map((it) => it.verdict).join());",
    ].join("\n"),
  );
  // As close to an executable by "deno compile" as one comes without its runtime.
  writeFileSync(join(project, "deno.json"), '{ "nodeModulesDir": "manual" }');
  const deno = toolPath("deno");
  const flags = ["--quiet", "--no-lock", "--cached-only", "--config", join(project, "deno.json")];
  expectWorking(deno, ["run", ...flags, ...PERMISSIONS, join(home, "cli.js")]);
  const programs = [
    [node],
    [toolPath("bun")],
    [deno, "run", "--no-lock", "-A"],
  ];
  for (const [program = "", ...args] of programs) {
    const used = spawnSync(program, [...args, join(project, "use.mjs")], {
      cwd: project,
      encoding: "utf8",
    });
    assert.equal(used.stdout.trim(), "dangerous,dangerous", used.stderr);
  }
});

test("The npm package holds its code and nothing else, in less than 2 MB", () => {
  const home = join(SCRATCH, "npm");
  const packed = spawnSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
    cwd: home,
    encoding: "utf8",
    env: { ...process.env, npm_config_cache: join(SCRATCH, "npm-cache") },
  });
  const [{ files, unpackedSize }] = JSON.parse(packed.stdout);
  for (const { path } of files) {
    assert.match(
      path,
      /^(?:chunks\/\w+\.js|cli\.js|mod\.js|package\.json|sbom\.cdx\.json|LICENSE|README\.md|CHANGELOG\.md)$/,
    );
  }
  assert.ok(unpackedSize < 2_000_000, String(unpackedSize));
});

test("Without the runtime of deno compile the build says what to do", () => {
  const built = build("binary");
  assert.equal(built.status, 2, built.text);
  assert.match(built.text, /DENORT_BIN=/);
  assert.match(built.text, /make binary RUNTIME=bun/);
});

test("An executable may read, and has no way to write, run, load or connect", () => {
  assert.deepEqual(PERMISSIONS.slice(0, 2), ["--no-prompt", "--allow-read"]);
  assert.equal(PERMISSIONS.length, 3);
  assert.match(PERMISSIONS[2] ?? "", /^--allow-env=[A-Z_,]+$/);
  assert.equal(BUN_FLAGS.length, 4);
});

test("The bill of materials names what is shipped, with hashes and licences, and no tools", () => {
  const lock: LockFile = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"));
  const product = { name: "modelaudit", version: "0.1.0", license: "MIT" };
  const text = sbomOf(product, lock);
  assert.equal(text, sbomOf(product, lock));
  const bom = JSON.parse(text);
  const names = bom.components.map((it: { name: string }) => it.name);
  for (const name of ["7z-wasm", "commander", "h5wasm", "re2js", "smol-toml"]) {
    assert.ok(names.includes(name), name);
  }
  for (const name of ["ajv", "fast-check"]) assert.ok(!names.includes(name), name);
  const refs = new Set(bom.components.map((it: { "bom-ref": string }) => it["bom-ref"]));
  for (const { dependsOn } of bom.dependencies) {
    for (const ref of dependsOn) assert.ok(refs.has(ref), ref);
  }
  for (const it of bom.components) {
    assert.match(it.hashes?.[0]?.content ?? "", /^[0-9a-f]{128}$/, it.name);
  }
});
