/**
 * Writes a 7-Zip archive by 7-Zip itself.
 *
 * @module
 */

import { readFileSync, writeFileSync } from "node:fs";
import type { SevenZipModuleFactory } from "7z-wasm";

/**
 * Packs files into one solid block by LZMA2, with 7-Zip's usual settings.
 *
 * @param path of the archive to write
 * @param members names in the archive and the files that they are made of
 * @throws Error when 7-Zip exits with an error
 */
export async function makeSevenZip(
  path: string,
  members: Readonly<Record<string, string>>,
): Promise<void> {
  // Its types are those of a CommonJS module, which has a default import everywhere.
  const loaded: { readonly default: unknown } = await import("7z-wasm");
  const seven = await (loaded.default as SevenZipModuleFactory)({
    print: () => {},
    printErr: () => {},
  });
  for (const [name, file] of Object.entries(members)) seven.FS.writeFile(name, readFileSync(file));
  // Without times and with one thread, the same files give the same archive.
  const code: unknown = seven.callMain([
    "a",
    "-t7z",
    "-mmt=1",
    "-mtm=off",
    "archive.7z",
    ...Object.keys(members),
  ]);
  if (typeof code === "number" && code !== 0) {
    throw new Error(`Cannot write ${path}: 7-Zip exited with ${code}`);
  }
  writeFileSync(path, seven.FS.readFile("archive.7z"));
}
