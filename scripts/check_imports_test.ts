import assert from "node:assert/strict";
import { test } from "node:test";
import { check } from "./check_imports.ts";
import { importsOf, namesOf } from "./imports.ts";

/** The files that most trees below need. */
const BASE = {
  "src/types.ts": "",
  "src/errors.ts": "",
  "src/source/source.ts": "",
  "src/source/file.ts": "",
  "src/remote/node_transport.ts": "",
  "src/remote/find.ts": "",
  "src/formats/format.ts": "",
  "src/formats/zip.ts": "",
  "src/formats/zip_directory.ts": "",
  "src/formats/npy.ts": "",
  "src/formats/registry.ts": "",
  "src/rules/judge.ts": "",
  "src/report/text.ts": "",
  "src/cli/main.ts": "",
  "src/scan.ts": "",
};

/** The messages for a tree, each as "path:line: message". */
function messages(files: Record<string, string>): string[] {
  const tree = new Map(Object.entries({ ...BASE, ...files }));
  return check(tree).map(({ path, line, message }) => `${path}:${line}: ${message}`);
}

function assertOne(files: Record<string, string>, pattern: RegExp): void {
  const found = messages(files);
  assert.equal(found.length, 1, found.join("\n"));
  assert.match(found[0] ?? "", pattern);
}

test("a tree that keeps the rules has no violation", () => {
  assert.deepEqual(
    messages({
      "src/types.ts": `import type { Source } from "./source/source.ts";`,
      "src/formats/zip.ts": `import { a } from "./zip_directory.ts";
        import type { Format } from "./format.ts"; import { b } from "../errors.ts";`,
      "src/formats/registry.ts": `const load = () => import("./zip.ts");`,
      "src/source/file.ts": `import { openSync } from "node:fs";`,
      "src/rules/toml.ts": `import { parse } from "smol-toml";`,
      "src/cli/main.ts": `import { Command } from "commander"; import "../scan.ts";`,
      "src/scan.ts": `import { judge } from "./rules/judge.ts"; import "./formats/registry.ts";`,
      "src/scan_test.ts": `import fc from "fast-check"; import "./report/text.ts"; Deno.test;`,
      "mod.ts": `export * from "./src/scan.ts"; await import("./src/source/file.ts");`,
      "cli.ts": `import { main } from "./src/cli/main.ts"; import process from "node:process";`,
    }),
    [],
  );
});

test("a room that imports what its row forbids is named with its line", () => {
  assertOne(
    { "src/formats/npy.ts": `\n\nimport { judge } from "../rules/judge.ts";` },
    /^src\/formats\/npy\.ts:3: formats must not import rules \(src\/rules\/judge\.ts\)$/,
  );
  assertOne(
    { "src/rules/judge.ts": `import "../formats/npy.ts";` },
    /rules must not import formats/,
  );
  assertOne({ "src/rules/judge.ts": `import "../source/source.ts";` }, /must not import source/);
  assertOne({ "src/report/text.ts": `import "../scan.ts";` }, /report must not import scan/);
  assertOne({ "src/scan.ts": `import "./report/text.ts";` }, /scan must not import report/);
  assertOne({ "src/scan.ts": `import "./cli/main.ts";` }, /scan must not import cli/);
  assertOne(
    { "src/source/source.ts": `import "../rules/judge.ts";` },
    /source must not import rules/,
  );
  assertOne({ "mod.ts": `import "./src/cli/main.ts";` }, /mod\.ts must not import cli/);
});

test("types count as imports, and the base room may take nothing else from sources", () => {
  assertOne(
    { "src/rules/judge.ts": `import type { S } from "../source/source.ts";` },
    /rules must/,
  );
  assertOne(
    { "src/types.ts": `import { S } from "./source/source.ts";` },
    /only types from source/,
  );
});

test("dynamic imports and re-exports count as imports", () => {
  assertOne({ "src/pickle/a.ts": `await import("../rules/judge.ts");` }, /pickle must not/);
  assertOne({ "src/pickle/a.ts": "await import(`../rules/judge.ts`);" }, /pickle must not/);
  assertOne({ "src/pickle/a.ts": `export * from "../rules/judge.ts";` }, /pickle must not/);
  assertOne({ "src/pickle/a.ts": `export { x } from "../rules/judge.ts";` }, /pickle must not/);
  assertOne({ "src/pickle/a.ts": `let x: typeof import("../rules/judge.ts");` }, /pickle must not/);
});

test("a computed import is a violation", () => {
  assertOne({ "src/cli/a.ts": "await import(name);" }, /computed name/);
  assertOne({ "src/cli/a.ts": 'await import("./" + name);' }, /computed name/);
  assertOne({ "src/cli/a.ts": "await import(`./${name}.ts`);" }, /computed name/);
});

test("a format imports no other format, but its own parts", () => {
  assertOne({ "src/formats/npy.ts": `import "./zip.ts";` }, /imports another format/);
  assertOne({ "src/formats/npy.ts": `import "./zip_directory.ts";` }, /imports another format/);
  assertOne({ "src/formats/npy.ts": `import "./registry.ts";` }, /does not know the others/);
  assert.deepEqual(messages({ "src/formats/zip_directory.ts": `import "./zip.ts";` }), []);
});

test("node: is for the file source, the command line, scripts and tests", () => {
  assertOne({ "src/scan.ts": `import "node:fs";` }, /imports node:fs/);
  assertOne({ "src/scan.ts": `import "./source/file.ts";` }, /which needs node:/);
  assertOne({ "mod.ts": `import "node:fs";` }, /imports node:fs/);
  assertOne({ "src/scan.ts": `import "fs";` }, /the package "fs"/);
  assertOne({ "src/scan_many.ts": `import "./source/file.ts";` }, /which needs node:/);
  assert.deepEqual(messages({ "src/scan_many.ts": `await import("./source/file.ts");` }), []);
  const transport = `import("./remote/node_transport.ts");`;
  assertOne({ "src/scan_remote.ts": transport.replace(/\((.*)\)/, " $1") }, /which needs node:/);
  assertOne({ "src/scan_many.ts": `import "node:http";` }, /imports node:http/);
  assertOne({ "src/remote/find.ts": `import "./node_transport.ts";` }, /which needs node:/);
  assertOne({ "src/remote/find.ts": `import "node:http";` }, /imports node:http/);
  assert.deepEqual(messages({ "src/scan_remote.ts": `await ${transport}` }), []);
  assert.deepEqual(messages({ "src/remote/node_transport.ts": `import "node:http";` }), []);
  assert.deepEqual(messages({ "scripts/a.ts": `import "node:fs";` }), []);
  assert.deepEqual(messages({ "src/scan_test.ts": `import "node:fs";` }), []);
});

test("each npm package stands behind its module", () => {
  assertOne(
    { "src/scan.ts": `import "smol-toml";` },
    /only src\/rules\/toml\.ts, src\/config\/ may/,
  );
  assertOne({ "src/scan.ts": `import "commander/esm.mjs";` }, /only src\/cli\/ may/);
  assertOne({ "src/scan.ts": `import "fast-check";` }, /for tests and scripts only/);
  assertOne({ "src/scan.ts": `import "@scope/thing/part";` }, /the package "@scope\/thing"/);
  assertOne({ "src/scan.ts": `import "constructor";` }, /the package "constructor"/);
});

test("modules by address are a violation everywhere", () => {
  for (const address of ["https://example.org/a.ts", "jsr:@std/toml", "npm:commander"]) {
    assertOne({ "src/cli/a.ts": `import "${address}";` }, /by address/);
    assertOne({ "scripts/a.ts": `import "${address}";` }, /by address/);
  }
});

test("what ships imports no tests, nothing that does not exist and nothing outside src", () => {
  assertOne({ "src/a_test.ts": "", "src/scan.ts": `import "./a_test.ts";` }, /not import tests/);
  assertOne({ "src/scan.ts": `import "./nowhere.ts";` }, /does not exist/);
  assertOne({ "src/scan.ts": `import "../../elsewhere.ts";` }, /outside the checkout/);
  assertOne({ "scripts/a.ts": "", "src/scan.ts": `import "../scripts/a.ts";` }, /outside src/);
});

test("a new room must be entered in the table", () => {
  assertOne({ "src/attic/a.ts": `import "../types.ts";` }, /the room "attic"/);
});

test("the globals of the runtimes are named nowhere in src", () => {
  assertOne({ "src/scan.ts": "\nDeno.args;" }, /^src\/scan\.ts:2: names the global Deno/);
  assertOne({ "src/cli/main.ts": "typeof Bun;" }, /names the global Bun/);
  assertOne({ "src/scan.ts": "globalThis.Deno;" }, /names the global Deno/);
  assertOne({ "src/scan.ts": "globalThis?.Deno;" }, /names the global Deno/);
  assert.deepEqual(
    messages({ "src/scan.ts": '// Deno\n"Deno"; `Bun`; /Deno/; x.Deno; /* Bun */' }),
    [],
  );
});

test("imports in comments, strings, templates and regular expressions are none", () => {
  const text = [
    '// import "a"',
    '/* import "b" */',
    `const s = 'import "c"';`,
    "const t = `import \"d\" ${ x /* import 'e' */ } import 'f'`;",
    'const r = /import "g"/; const q = [/"/]; const v = a / b / c;',
    'const o = { import: "h", from: "i" }; o.import("j");',
    "import.meta.url;",
  ].join("\n");
  assert.deepEqual(importsOf(text), []);
});

test("imports behind difficult text are found, with their lines", () => {
  const text = [
    "const t = `${ `}` } \\` ${ { a: 1 }.a }`; import a from 'a';",
    "const r = /[/\"]`/; import b from 'b';",
    "const d = x / y; // '\nimport c from 'c';",
    "const u = 'it\\'s'; import {",
    '  d as "from",',
    "} from 'd';",
    "import e, * as f from 'e'; import type from 'g'; import type { h } from 'h';",
    "import i = require('i'); export * as j from 'j'; export type { k } from 'k';",
    "import 'l' with { type: 'json' }",
    "const f2 = `${ await import('m') }`;",
  ].join("\n");
  const found = importsOf(text).map((one) =>
    `${one.line} ${one.specifier}${one.typeOnly ? " type" : ""}`
  );
  assert.deepEqual(found, [
    "1 a",
    "2 b",
    "4 c",
    "7 d",
    "8 e",
    "8 g",
    "8 h type",
    "9 i",
    "9 j",
    "9 k type",
    "10 l",
    "11 m",
  ]);
});

test("names are identifiers, not properties", () => {
  assert.deepEqual(namesOf("a.b?.c(d)").map((one) => one.name), ["a", "d"]);
});
