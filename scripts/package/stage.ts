/**
 * Lays the sources out for the npm package, so that one bundle runs by itself wherever it is bundled
 * again: 7-Zip's WASM stands in a module, and what browsers do not have is replaced there.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, deflateSync } from "node:zlib";
import { ALLOWLISTS } from "../../src/rules/allowlists.ts";
import { unpackText } from "../../src/rules/packed_text.ts";

/** Modules that browsers have others for, below `scripts/package/browser/`. */
const BROWSER_MODULES: Readonly<Record<string, string>> = {
  "src/sources/file.ts": "file.ts",
  "src/sources/folder.ts": "folder.ts",
  "src/remote/node_transport.ts": "node_transport.ts",
};

/**
 * What is changed in 7-Zip's loader, and how often it stands there: it is to look for nothing beside itself, in
 * whichever runtime, since a bundler moves it and does not know what it looks for.
 */
const LOADER_CHANGES: readonly (readonly [from: RegExp, to: string, times: number])[] = [
  [/var ENVIRONMENT_IS_NODE=[^;]+;/g, "var ENVIRONMENT_IS_NODE=false;", 1],
  [
    /const\{createRequire\}=await import\("module"\);var require=createRequire\(import\.meta\.url\)/g,
    "",
    1,
  ],
  [/new URL\("7zz\.wasm",import\.meta\.url\)\.href/g, '"7zz.wasm"', 1],
  [/import\.meta\.url/g, '""', 1],
  [/require\("(?:crypto|fs|path|url)"\)/g, "undefined", 4],
];

/** The module that stands in for the package `7z-wasm`. */
const SEVENZIP = `import { inflate } from "pako";
import load from "./loader.js";
const bytesOf = async () => {
  const { default: text } = await import("./wasm.js");
  return inflate(Uint8Array.from(atob(text), (it) => it.charCodeAt(0))).buffer;
};
export default async (options) => await load({ ...options, wasmBinary: await bytesOf() });
`;

/**
 * Copies the sources of a checkout.
 *
 * @param root the checkout
 * @param folder an empty folder
 * @throws Error when 7-Zip's loader is not the one that is known
 */
export function stageSources(root: string, folder: string): void {
  for (const name of ["src", "scripts/package", "mod.ts", "cli.ts", "worker.ts", "package.json"]) {
    cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  const modules = join(folder, "node_modules");
  mkdirSync(modules);
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (name !== "7z-wasm" && !name.startsWith(".")) {
      symlinkSync(join(root, "node_modules", name), join(modules, name), "junction");
    }
  }
  stageSevenZip(join(root, "node_modules", "7z-wasm"), join(modules, "7z-wasm"));
}

/**
 * Copies the sources of the command line, with the allowlists in a file beside their module: Bun has what is in a
 * module twice, as source and as bytecode.
 *
 * @returns the folder
 */
export function stageLists(root: string, folder: string): string {
  for (const name of ["src", "cli.ts", "worker.ts", "package.json"]) {
    cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"), "junction");
  const pieces = ALLOWLISTS.map(({ text }) => brotliCompressSync(unpackText(text)));
  let end = 0;
  const lists = ALLOWLISTS.map(({ library, version, roots }, at) => {
    const from = end;
    end += pieces[at]?.length ?? 0;
    return { library, version, roots, from, to: end };
  });
  writeFileSync(join(folder, "src/rules/allowlists.bin"), Buffer.concat(pieces));
  writeFileSync(join(folder, "src/rules/allowlists.ts"), moduleOfLists(lists));
  return folder;
}

/** What stands for the module of the allowlists where they are in a file, which is read when a list is asked for. */
function moduleOfLists(lists: readonly object[]): string {
  return `import { readFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";
import type { PackedAllowlist } from "./allowed.ts";
import file from "./allowlists.bin" with { type: "file" };
import { keptText } from "./packed_text.ts";
let bytes: Uint8Array | undefined;
const text = (from: number, to: number): string => {
  bytes ??= readFileSync(file);
  return keptText(brotliDecompressSync(bytes.subarray(from, to)).toString());
};
export const ALLOWLISTS: readonly PackedAllowlist[] = ${JSON.stringify(lists)}.map(
  ({ library, version, roots, from, to }) => ({
    library,
    version,
    roots,
    get text() {
      return text(from, to);
    },
  }),
);
`;
}

/** Replaces what browsers do not have in staged sources, and adds the entry `browser.ts`. */
export function stageBrowser(folder: string): void {
  writeFileSync(join(folder, "browser.ts"), readFileSync(join(folder, "mod.ts")));
  for (const [path, other] of Object.entries(BROWSER_MODULES)) {
    const up = "../".repeat(path.split("/").length - 1);
    writeFileSync(join(folder, path), `export * from "${up}scripts/package/browser/${other}";\n`);
  }
}

function stageSevenZip(from: string, to: string): void {
  mkdirSync(to);
  let loader = readFileSync(join(from, "7zz.es6.js"), "utf8");
  for (const [pattern, text, times] of LOADER_CHANGES) {
    const found = loader.match(pattern)?.length ?? 0;
    if (found !== times) {
      throw new Error(
        `Cannot change 7-Zip's loader: ${pattern} is in it ${found} times, not ${times}`,
      );
    }
    loader = loader.replaceAll(pattern, text);
  }
  const wasm = deflateSync(readFileSync(join(from, "7zz.wasm")), { level: 9 }).toString("base64");
  const files = {
    "package.json": JSON.stringify({ name: "7z-wasm", type: "module", main: "index.js" }),
    "index.js": SEVENZIP,
    "loader.js": loader,
    "wasm.js": `export default "${wasm}";\n`,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(to, name), text);
}

/** The texts under which 7-Zip is passed on, from its package, by the names that they get. */
export function sevenZipLicenses(root: string): Readonly<Record<string, string>> {
  const from = join(root, "node_modules", "7z-wasm");
  return {
    "LICENSE-7-Zip.txt": readFileSync(join(from, "License.txt"), "utf8"),
    "LICENSE-unRAR.txt": readFileSync(join(from, "unRarLicense.txt"), "utf8"),
  };
}
