import assert from "node:assert/strict";
import { test } from "node:test";
import { check } from "./check_imports.ts";
import { importsOf, namesOf } from "./imports.ts";

/** The files that most trees below need. */
const BASE = {
  "src/core/types.ts": "",
  "src/core/errors.ts": "",
  "src/sources/memory.ts": "",
  "src/sources/file.ts": "",
  "src/remote/node_transport.ts": "",
  "src/remote/find.ts": "",
  "src/core/format.ts": "",
  "src/formats/zip/mod.ts": "",
  "src/formats/zip/directory.ts": "",
  "src/formats/numpy/mod.ts": "",
  "src/formats/registry.ts": "",
  "src/rules/judge.ts": "",
  "src/report/text.ts": "",
  "src/cli/commands/main.ts": "",
  "src/scan/scan_source.ts": "",
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
      "src/core/types.ts": `import type { Source } from "./source.ts";`,
      "src/core/source.ts": "",
      "src/formats/zip/mod.ts": `import { a } from "./directory.ts";
        import type { Format } from "../../core/format.ts"; import { b } from "../../core/errors.ts";`,
      "src/formats/zip/descriptor.ts": `const load = () => import("./mod.ts");`,
      "src/formats/registry.ts": `import "./zip/descriptor.ts";`,
      "src/sources/file.ts": `import { openSync } from "node:fs";`,
      "src/rules/toml.ts": `import { parse } from "smol-toml";`,
      "src/cli/commands/main.ts":
        `import { Command } from "commander"; import "../../scan/scan_source.ts";`,
      "src/scan/scan_source.ts":
        `import { judge } from "../rules/judge.ts"; import "../formats/registry.ts";`,
      "src/scan/scan_source_test.ts":
        `import fc from "fast-check"; import "../report/text.ts"; Deno.test;`,
      "mod.ts": `export * from "./src/scan/scan_source.ts"; await import("./src/sources/file.ts");`,
      "cli.ts":
        `import { main } from "./src/cli/commands/main.ts"; import process from "node:process";`,
    }),
    [],
  );
});

test("a room that imports what its row forbids is named with its line", () => {
  assertOne(
    { "src/formats/numpy/mod.ts": `\n\nimport { judge } from "../../rules/judge.ts";` },
    /^src\/formats\/numpy\/mod\.ts:3: formats must not import rules \(src\/rules\/judge\.ts\)$/,
  );
  const rule = (text: string) => ({ "src/rules/judge.ts": text });
  assertOne(rule(`import "../formats/numpy/mod.ts";`), /rules must not import formats/);
  assertOne(rule(`import "../sources/memory.ts";`), /must not import sources/);
  assertOne(
    { "src/report/text.ts": `import "../scan/scan_source.ts";` },
    /report must not import scan/,
  );
  const scan = (text: string) => ({ "src/scan/scan_source.ts": text });
  assertOne(scan(`import "../report/text.ts";`), /scan must not import report/);
  assertOne(scan(`import "../cli/commands/main.ts";`), /scan must not import cli/);
  assertOne(
    { "src/sources/memory.ts": `import "../rules/judge.ts";` },
    /sources must not import rules/,
  );
  assertOne({ "mod.ts": `import "./src/cli/commands/main.ts";` }, /mod\.ts must not import cli/);
});

test("types count as imports, and the contracts import nothing above themselves", () => {
  assertOne(
    { "src/rules/judge.ts": `import type { S } from "../sources/memory.ts";` },
    /rules must/,
  );
  assertOne(
    { "src/core/types.ts": `import type { S } from "../sources/memory.ts";` },
    /core must not import sources/,
  );
});

test("cycles between files and between folders are named, tests apart", () => {
  const two = {
    "src/pickle/a.ts": `import "./b.ts";`,
    "src/pickle/b.ts": `import type { A } from "./a.ts";`,
  };
  assertOne(two, /cycle of files: src\/pickle\/a\.ts, src\/pickle\/b\.ts/);
  assertOne({
    "src/pickle/a.ts": `import "./machine/b.ts";`,
    "src/pickle/machine/b.ts": `import "../c.ts";`,
    "src/pickle/c.ts": "",
  }, /cycle of folders: src\/pickle, src\/pickle\/machine/);
  assert.deepEqual(
    messages({ "src/pickle/a.ts": "", "src/pickle/a_test.ts": `import "./a.ts";` }),
    [],
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
  const npy = (text: string) => ({ "src/formats/numpy/mod.ts": text });
  assertOne(npy(`import "../zip/mod.ts";`), /imports another format/);
  assertOne(npy(`import "../registry.ts";`), /does not know the others/);
  assertOne({ "src/formats/registry.ts": `import "./zip/mod.ts";` }, /descriptors only/);
  assert.deepEqual(messages({ "src/formats/zip/mod.ts": `import "./directory.ts";` }), []);
});

test("node: is for the file source, the command line, scripts and tests", () => {
  const scan = (text: string) => ({ "src/scan/scan_source.ts": text });
  assertOne(scan(`import "node:fs";`), /imports node:fs/);
  assertOne(scan(`import "../sources/file.ts";`), /which needs node:/);
  assertOne({ "mod.ts": `import "node:fs";` }, /imports node:fs/);
  assertOne(scan(`import "fs";`), /the package "fs"/);
  const inputs = (text: string) => ({ "src/scan/scan_inputs.ts": text });
  assertOne(inputs(`import "../sources/file.ts";`), /which needs node:/);
  assert.deepEqual(messages(inputs(`await import("../sources/file.ts");`)), []);
  assert.deepEqual(messages(scan(`import type { WalkOptions } from "../sources/file.ts";`)), []);
  const transport = `import("../remote/node_transport.ts");`;
  assertOne({ "src/scan/remote.ts": transport.replace(/\((.*)\)/, " $1") }, /which needs node:/);
  assertOne(inputs(`import "node:http";`), /imports node:http/);
  assertOne({ "src/remote/find.ts": `import "./node_transport.ts";` }, /which needs node:/);
  assertOne({ "src/remote/find.ts": `import "node:http";` }, /imports node:http/);
  assert.deepEqual(messages({ "src/scan/remote.ts": `await ${transport}` }), []);
  assert.deepEqual(messages({ "src/remote/node_transport.ts": `import "node:http";` }), []);
  assert.deepEqual(messages({ "scripts/a.ts": `import "node:fs";` }), []);
  assert.deepEqual(messages({ "src/scan/scan_source_test.ts": `import "node:fs";` }), []);
});

test("each npm package stands behind its module", () => {
  assertOne(
    { "src/scan/scan_source.ts": `import "smol-toml";` },
    /only src\/rules\/toml\.ts, src\/config\/, src\/parsers\/toml\.ts may/,
  );
  assertOne({ "src/scan/scan_source.ts": `import "commander/esm.mjs";` }, /only src\/cli\/ may/);
  assertOne({ "src/scan/scan_source.ts": `import "fast-check";` }, /for tests and scripts only/);
  assertOne(
    { "src/scan/scan_source.ts": `import "@scope/thing/part";` },
    /the package "@scope\/thing"/,
  );
  assertOne({ "src/scan/scan_source.ts": `import "constructor";` }, /the package "constructor"/);
});

test("modules by address are a violation everywhere", () => {
  for (const address of ["https://example.org/a.ts", "jsr:@std/toml", "npm:commander"]) {
    assertOne({ "src/cli/a.ts": `import "${address}";` }, /by address/);
    assertOne({ "scripts/a.ts": `import "${address}";` }, /by address/);
  }
});

test("what ships imports no tests, nothing that does not exist and nothing outside src", () => {
  assertOne(
    { "src/scan/a_test.ts": "", "src/scan/scan_source.ts": `import "./a_test.ts";` },
    /not import tests/,
  );
  assertOne({ "src/scan/scan_source.ts": `import "./nowhere.ts";` }, /does not exist/);
  assertOne(
    { "src/scan/scan_source.ts": `import "../../../elsewhere.ts";` },
    /outside the checkout/,
  );
  assertOne(
    { "scripts/a.ts": "", "src/scan/scan_source.ts": `import "../../scripts/a.ts";` },
    /outside src/,
  );
});

test("a new room must be entered in the table", () => {
  assertOne({ "src/attic/a.ts": `import "../core/types.ts";` }, /the room "attic"/);
});

test("the globals of the runtimes are named nowhere in src but where permissions are given back", () => {
  assertOne(
    { "src/scan/scan_source.ts": "\nDeno.args;" },
    /^src\/scan\/scan_source\.ts:2: names the global Deno/,
  );
  assertOne({ "src/cli/commands/main.ts": "typeof Bun;" }, /names the global Bun/);
  assertOne({ "src/scan/scan_source.ts": "globalThis.Deno;" }, /names the global Deno/);
  assertOne({ "src/scan/scan_source.ts": "globalThis?.Deno;" }, /names the global Deno/);
  assert.deepEqual(messages({ "src/cli/permissions.ts": "globalThis.Deno;" }), []);
  assert.deepEqual(
    messages({ "src/scan/scan_source.ts": '// Deno\n"Deno"; `Bun`; /Deno/; x.Deno; /* Bun */' }),
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
