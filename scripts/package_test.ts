import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import Ajv from "ajv-draft-04";
import ts from "typescript";
import { REPORT_FORMATS } from "../src/cli/options.ts";
import { PERMISSIONS, toolPath } from "./build.ts";
import type { LockFile } from "./sbom.ts";
import {
  build,
  expectWorking,
  expectWriteErrors,
  HARMFUL,
  nodePath,
  ROOT,
} from "./testing/scripts.ts";

// What is made is the same, and Node, Deno and Bun use it below, in whichever runtime the tests run.
const skip = "Bun" in globalThis && "once is enough: it runs under Deno";

const SCRATCH = mkdtempSync(join(tmpdir(), "modelaudit-package-"));
after(() => rmSync(SCRATCH, { recursive: true, force: true }));
const PROJECT = join(SCRATCH, "project");
const HOME = join(PROJECT, "node_modules", "modelaudit");

interface Packed {
  readonly filename: string;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

function run(folder: string, program: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: folder,
    encoding: "utf8",
    env: {
      ...process.env,
      npm_config_cache: join(SCRATCH, "npm-cache"),
      npm_config_offline: "true",
      npm_config_ignore_scripts: "true",
    },
  });
  assert.equal(status, 0, `${program} ${args.join(" ")}\n${stdout}${stderr}${error ?? ""}`);
  return stdout;
}

/** `npm pack` of a folder, into the project. */
function pack(folder: string): Packed {
  const packed = run(SCRATCH, "npm", "pack", "--json", `--pack-destination=${PROJECT}`, folder);
  const [one] = JSON.parse(packed) as Packed[];
  assert.ok(one);
  // An older npm names the file of a scoped package with its slash.
  return { ...one, filename: basename(one.filename) };
}

/** Packages that the given ones need, themselves included, by what the lock file says. */
function closure(names: readonly string[], lock: LockFile): Set<string> {
  const all = new Set<string>();
  const open = [...names];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (all.has(name)) continue;
    all.add(name);
    open.push(...Object.keys(lock.packages[`node_modules/${name}`]?.dependencies ?? {}));
  }
  return all;
}

/** Packs the package and what it depends on, and installs all into an empty project, offline. */
let packed: Packed | undefined;
function install(): Packed {
  if (packed !== undefined) return packed;
  mkdirSync(PROJECT);
  const built = build(SCRATCH, "npm");
  assert.equal(built.status, 0, built.stdout + built.stderr);
  packed = pack(join(SCRATCH, "npm"));
  const lock: LockFile = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"));
  const own = JSON.parse(readFileSync(join(SCRATCH, "npm", "package.json"), "utf8"));
  const others = [...closure(Object.keys(own.dependencies), lock)].map((name) =>
    [name, `file:${pack(join(ROOT, "node_modules", name)).filename}`] as const
  );
  const dependencies = { modelaudit: `file:${packed.filename}`, ...Object.fromEntries(others) };
  writeJson(join(PROJECT, "package.json"), { private: true, type: "module", dependencies });
  run(PROJECT, "npm", "install", "--no-audit", "--no-fund");
  return packed;
}

function writeJson(path: string, value: unknown): void {
  writeFileSync(path, JSON.stringify(value));
}

/** The programs in the doc comments and pages, each as a module of the installed package's user. */
function examples(): string[] {
  return ["mod.ts", "README.md", "docs/api.md", "docs/npm.md"].flatMap((path) => {
    const text = readFileSync(join(ROOT, path), "utf8").replaceAll(/^ \* ?/gm, "");
    return [...text.matchAll(/```ts\n(.*?)```/gs)].map(([, code = ""]) =>
      code.replaceAll("@modelaudit/modelaudit", "modelaudit")
    );
  });
}

const RUNTIMES: readonly (readonly [name: string, ...command: string[]])[] = [
  ["node", nodePath()],
  ["bun", toolPath("bun")],
  ["deno", toolPath("deno"), "run", "--quiet", "--no-lock", "--no-check", "-A"],
];

test("The npm package holds code, types and nothing else, in less than 4 MB", { skip }, () => {
  const { files, unpackedSize } = install();
  const allowed =
    /^(?:chunks\/\w+\.js|cli\.js|worker\.js|mod\.js|types\/mod\.d\.ts|types\/src\/[\w/]+\.d\.ts|package\.json|sbom\.cdx\.json|LICENSE|README\.md)$/;
  for (const { path } of files) assert.match(path, allowed);
  for (const path of ["cli.js", "worker.js", "mod.js", "types/mod.d.ts", "LICENSE", "README.md"]) {
    assert.ok(files.some((file) => file.path === path), path);
  }
  assert.ok(unpackedSize < 4_000_000, String(unpackedSize));
  const { dependencies } = JSON.parse(readFileSync(join(HOME, "package.json"), "utf8"));
  assert.deepEqual(Object.keys(dependencies), ["7z-wasm", "h5wasm"]);
});

test(
  "The installed command works alone, under Node and under Deno with an executable's permissions",
  {
    skip,
  },
  () => {
    install();
    const command = join(PROJECT, "node_modules", ".bin", "modelaudit");
    assert.match(run(PROJECT, command, "version"), /^modelaudit \d/);
    expectWorking(SCRATCH, nodePath(), [join(HOME, "cli.js")]);
    // As close to an executable by "deno compile" as one comes without its runtime.
    writeJson(join(PROJECT, "deno.json"), { nodeModulesDir: "manual" });
    const flags = ["--quiet", "--no-lock", "--cached-only", "--config", join(PROJECT, "deno.json")];
    expectWorking(SCRATCH, toolPath("deno"), [
      "run",
      ...flags,
      ...PERMISSIONS,
      join(HOME, "cli.js"),
    ]);
    expectWriteErrors(SCRATCH, nodePath(), [join(HOME, "cli.js")]);
  },
);

test("Examples of doc comments and pages have right types outside of the repository", {
  skip,
}, () => {
  install();
  const programs = examples();
  assert.ok(programs.length >= 5, String(programs.length));
  const names = programs.map((code, index) => {
    writeFileSync(join(PROJECT, `example_${index}.ts`), code);
    return `example_${index}.ts`;
  });
  writeFileSync(
    join(PROJECT, "wrong.ts"),
    'import { scan } from "modelaudit";\nconst report = await scan("x");\n' +
      "// @ts-expect-error: there is no such verdict\n" +
      'export const wrong: "fine" | undefined = report.files[0]?.verdict;\n',
  );
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  for (const [module, resolution] of [["node16", "node16"], ["esnext", "bundler"]] as const) {
    writeJson(join(PROJECT, "tsconfig.json"), {
      compilerOptions: {
        strict: true,
        noEmit: true,
        exactOptionalPropertyTypes: true,
        target: "es2022",
        module,
        moduleResolution: resolution,
        // Declarations of Node are found from the repository; ours must do with those or with the DOM.
        ...(module === "node16"
          ? { lib: ["es2022"], types: ["node"], typeRoots: [join(ROOT, "node_modules", "@types")] }
          : { lib: ["es2022", "dom"], types: [] }),
        skipLibCheck: module === "node16",
        skipDefaultLibCheck: true,
      },
      files: [...names, "wrong.ts"],
    });
    run(PROJECT, nodePath(), tsc);
  }
});

test("Node, Bun and Deno import the installed module and run the examples", { skip }, () => {
  install();
  mkdirSync(join(PROJECT, "models"));
  cpSync(join(ROOT, HARMFUL[0] ?? ""), join(PROJECT, "models", "model.pkl"));
  const programs = examples();
  // Node 20 knows no types.
  const modules = programs.map((code, index) => {
    writeFileSync(join(PROJECT, `example_${index}.mjs`), withoutTypes(code));
    return `console.log("== next");\nawait import("./example_${index}.mjs");\n`;
  });
  writeFileSync(join(PROJECT, "examples.mjs"), modules.join(""));
  for (const [name, program = "", ...args] of RUNTIMES) {
    const said = run(PROJECT, program, ...args, "examples.mjs").split("== next\n").slice(1);
    assert.equal(said.length, programs.length, name);
    for (const [index, code] of programs.entries()) {
      assert.notEqual(said[index], "", `example ${index}: ${name}`);
      for (const [, line = ""] of code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)) {
        assert.ok(said[index]?.includes(line.replaceAll('"', "")), `${name}: ${said[index]}`);
      }
    }
  }
});

test("Node, Bun and Deno fetch what a URL names by the installed module", { skip }, () => {
  install();
  const code = `
    import { createServer } from "node:http";
    import { scan } from "modelaudit";
    const server = createServer((_, response) => response.end("cos\\nsystem\\n(S'echo hi'\\ntR."));
    await new Promise((done) => server.listen(0, "127.0.0.1", done));
    const url = new URL(\`http://127.0.0.1:\${server.address().port}/model.pkl\`);
    for (const allowPrivateNetwork of [true, false]) {
      const { files } = await scan(url, { remote: { allowPrivateNetwork } });
      console.log(files[0].verdict);
    }
    server.close();
  `;
  writeFileSync(join(PROJECT, "fetch.mjs"), code);
  for (const [name, program = "", ...args] of RUNTIMES) {
    const said = run(PROJECT, program, ...args, "fetch.mjs");
    assert.deepEqual(said.trim().split(/\s+/), ["dangerous", "incomplete"], name);
  }
});

test(
  "Bytes are scanned where there is no node:, and a URL says what to do instead",
  { skip },
  () => {
    install();
    // As in a browser, whose loader does not know these names.
    writeFileSync(
      join(PROJECT, "without_node.mjs"),
      `export async function resolve(specifier, context, next) {
      const ours = context.parentURL?.includes("node_modules/modelaudit/");
      if (ours && specifier.startsWith("node:")) throw new TypeError("unknown " + specifier);
      return await next(specifier, context);
    }`,
    );
    writeFileSync(
      join(PROJECT, "browser.mjs"),
      `import { register } from "node:module";
    register("./without_node.mjs", import.meta.url);
    const { scan } = await import("modelaudit");
    const bytes = new TextEncoder().encode("cos\\nsystem\\n(S'echo hi'\\ntR.");
    const url = new URL("https://example.org/model.pt");
    const { files, errors } = await scan([url, bytes]);
    console.log(files.map((file) => file.verdict).join(), errors.length, errors[0]?.remedy);`,
    );
    const said = run(PROJECT, nodePath(), "browser.mjs");
    assert.match(said, /^dangerous 1 .*scan the Blob/);
  },
);

function withoutTypes(code: string): string {
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  return ts.transpileModule(code, { compilerOptions }).outputText;
}

test("A report is the same to the byte but for times, whichever runtime makes it", { skip }, () => {
  install();
  cpSync(join(ROOT, "testdata", "disguised"), join(PROJECT, "samples"), { recursive: true });
  for (const sample of HARMFUL) {
    cpSync(join(ROOT, sample), join(PROJECT, "samples", basename(sample)));
  }
  /** All formats of a report that a runtime writes in one run. */
  const scan = (
    [program = "", ...args]: readonly string[],
    name: string,
  ): ReadonlyMap<string, string> => {
    const folder = mkdtempSync(join(SCRATCH, `${name}-`));
    const outputs = REPORT_FORMATS.flatMap((it) => ["--output", `${it}=${join(folder, it)}`]);
    const all = [...args, join(HOME, "cli.js"), "samples", "--no-config", ...outputs];
    const { status, stderr } = spawnSync(program, all, { cwd: PROJECT, encoding: "utf8" });
    assert.equal(status, 1, stderr);
    return new Map(REPORT_FORMATS.map((it) => [it, readFileSync(join(folder, it), "utf8")]));
  };
  const [[, ...node] = [""]] = RUNTIMES;
  const first = scan(node, "first");
  for (const [name, ...command] of RUNTIMES) {
    for (const [format, text] of scan(command, name)) {
      assert.equal(withoutTimes(text), withoutTimes(first.get(format) ?? ""), `${format}: ${name}`);
    }
  }
  const validate = new Ajv.default({ validateFormats: false, unicodeRegExp: false }).compile(
    JSON.parse(readFileSync(join(ROOT, "testdata/report/sarif-2.1.0.schema.json"), "utf8")),
  );
  assert.ok(validate(JSON.parse(first.get("sarif") ?? "")), JSON.stringify(validate.errors));
});

function withoutTimes(text: string): string {
  return text
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+Z)?/g, "TIME")
    .replaceAll(/"duration": ?[\d.]+/g, "DURATION")
    .replaceAll(/time="[\d.]+"/g, "DURATION")
    .replaceAll(/· \d+\.\d+ s ·/g, "DURATION")
    .replaceAll(/"(?:\d+ min )?[\d.]+ s"/g, "DURATION");
}
