import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { brotliDecompressSync } from "node:zlib";
import { basename, join } from "node:path";
import { after, test } from "node:test";
import Ajv from "ajv-draft-04";
import { REPORT_FORMATS } from "../src/cli/options.ts";
import { ALLOWLISTS } from "../src/rules/allowlists.ts";
import { unpackText } from "../src/rules/packed_text.ts";
import { PERMISSIONS, toolPath } from "./build.ts";
import { stageLists } from "./package/stage.ts";
import { examples, projectIn, run, withoutTypes, writeJson } from "./testing/package.ts";
import { expectWorking, expectWriteErrors, HARMFUL, nodePath, ROOT } from "./testing/scripts.ts";

// What is made is the same, and Node, Deno and Bun use it below, in whichever runtime the tests run.
const skip = "Bun" in globalThis && "once is enough: it runs under Deno";

const SCRATCH = mkdtempSync(join(tmpdir(), "modelaudit-package-"));
after(() => rmSync(SCRATCH, { recursive: true, force: true }));
const { folder: PROJECT, home: HOME, install } = projectIn(SCRATCH);

const RUNTIMES: readonly (readonly [name: string, ...command: string[]])[] = [
  ["node", nodePath()],
  ["bun", toolPath("bun")],
  ["deno", toolPath("deno"), "run", "--quiet", "--no-lock", "--no-check", "-A"],
];

test(
  "The file of an executable by Bun has every allowlist, whole, where its module says",
  { skip },
  () => {
    const sources = stageLists(ROOT, join(SCRATCH, "sources"));
    const module = readFileSync(join(sources, "src/rules/allowlists.ts"), "utf8");
    const bytes = readFileSync(join(sources, "src/rules/allowlists.bin"));
    const places: { library: string; roots: string[]; from: number; to: number }[] = JSON.parse(
      module.slice(module.indexOf("= [") + 2, module.indexOf("].map(") + 1),
    );
    assert.deepEqual(
      places.map(({ library, roots, from, to }) => ({
        library,
        roots,
        text: brotliDecompressSync(bytes.subarray(from, to)).toString(),
      })),
      ALLOWLISTS.map(({ library, roots, text }) => ({ library, roots, text: unpackText(text) })),
    );
    assert.equal(places.at(-1)?.to, bytes.length);
  },
);

test("The npm package holds code, types and nothing else, in less than 14 MB", { skip }, () => {
  const { files, unpackedSize } = install();
  const allowed =
    /^(?:chunks\/\w+\.js|cli\.js|worker\.js|mod\.js|browser\.js|types\/mod\.d\.ts|types\/src\/[\w/]+\.d\.ts|package\.json|sbom\.cdx\.json|modelaudit\.1|modelaudit\.html|LICENSE(?:-(?:7-Zip|unRAR|THIRD-PARTY)\.txt)?|README\.md)$/;
  for (const { path } of files) assert.match(path, allowed);
  const needed = ["cli.js", "worker.js", "mod.js", "browser.js", "types/mod.d.ts", "LICENSE"];
  for (
    const path of [
      ...needed,
      "LICENSE-THIRD-PARTY.txt",
      "LICENSE-7-Zip.txt",
      "LICENSE-unRAR.txt",
      "README.md",
    ]
  ) {
    assert.ok(files.some((file) => file.path === path), path);
  }
  assert.ok(unpackedSize < 14_000_000, String(unpackedSize));
  const manifest = JSON.parse(readFileSync(join(HOME, "package.json"), "utf8"));
  assert.deepEqual(Object.keys(manifest.dependencies), ["h5wasm"]);
  assert.equal(manifest.name, JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8")).name);
  for (const key of ["description", "license", "keywords", "homepage", "repository", "engines"]) {
    assert.ok(manifest[key], key);
  }
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

test("The manual page that is installed is the one that the command writes", { skip }, () => {
  install();
  const written = run(PROJECT, nodePath(), join(HOME, "cli.js"), "man");
  assert.equal(readFileSync(join(HOME, "modelaudit.1"), "utf8"), written);
  const { man } = JSON.parse(readFileSync(join(HOME, "package.json"), "utf8"));
  assert.equal(man, "./modelaudit.1");
  const help = run(PROJECT, nodePath(), join(HOME, "cli.js"), "scan", "--help");
  for (const [option = ""] of help.matchAll(/(?<= )--[a-z-]+(?= |$)/gm)) {
    assert.ok(written.includes(option.replaceAll("-", "\\-")), option);
  }
});

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
    'import { scan } from "@modelaudit/modelaudit";\nconst report = await scan("x");\n' +
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

/** Writes the examples into a folder with a model, and a program that runs all of them. */
function writeExamples(folder: string): void {
  mkdirSync(join(folder, "models"));
  cpSync(join(ROOT, HARMFUL[0] ?? ""), join(folder, "models", "model.pkl"));
  const modules = examples().map((code, index) => {
    writeFileSync(join(folder, `example_${index}.mjs`), withoutTypes(code));
    return `console.log("== next");\nawait import("./example_${index}.mjs");\n`;
  });
  writeFileSync(join(folder, "examples.mjs"), modules.join(""));
}

/** Demands that each example printed what stands behind its `console.log`. */
function expectExamples(output: string, name: string): void {
  const parts = output.split("== next\n").slice(1);
  const programs = examples();
  assert.equal(parts.length, programs.length, name);
  for (const [index, code] of programs.entries()) {
    assert.notEqual(parts[index], "", `example ${index}: ${name}`);
    for (const [, line = ""] of code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)) {
      assert.ok(parts[index]?.includes(line.replaceAll('"', "")), `${name}: ${parts[index]}`);
    }
  }
}

test("Node, Bun and Deno import the installed module and run the examples", { skip }, () => {
  install();
  writeExamples(PROJECT);
  for (const [name, program = "", ...args] of RUNTIMES) {
    expectExamples(run(PROJECT, program, ...args, "examples.mjs"), name);
  }
});

test("Bun and Deno run the examples by the module in the checkout", { skip }, () => {
  // Below the checkout, whose own name is that of the package.
  const folder = mkdtempSync(join(ROOT, ".cache", "examples-"));
  try {
    writeExamples(folder);
    for (const [name, program = "", ...args] of RUNTIMES) {
      if (name !== "node") expectExamples(run(folder, program, ...args, "examples.mjs"), name);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("Node, Bun and Deno fetch what a URL names by the installed module", { skip }, () => {
  install();
  const code = `
    import { createServer } from "node:http";
    import { scan } from "@modelaudit/modelaudit";
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
      const ours = context.parentURL?.includes("node_modules/@modelaudit/");
      if (ours && specifier.startsWith("node:")) throw new TypeError("unknown " + specifier);
      return await next(specifier, context);
    }`,
    );
    writeFileSync(
      join(PROJECT, "browser.mjs"),
      `import { register } from "node:module";
    register("./without_node.mjs", import.meta.url);
    const { scan } = await import("@modelaudit/modelaudit");
    const bytes = new TextEncoder().encode("cos\\nsystem\\n(S'echo hi'\\ntR.");
    const url = new URL("https://example.org/model.pt");
    const { files, errors } = await scan([url, bytes]);
    console.log(files.map((file) => file.verdict).join(), errors.length, errors[0]?.remedy);`,
    );
    const said = run(PROJECT, nodePath(), "browser.mjs");
    assert.match(said, /^dangerous 1 .*scan the Blob/);
  },
);

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
    .replaceAll(/· (?:\d+ min )?[\d.]+ s ·/g, "DURATION")
    .replaceAll(/"(?:\d+ min )?[\d.]+ s"/g, "DURATION");
}
