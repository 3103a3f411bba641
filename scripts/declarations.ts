/**
 * Type declarations for the npm package: those of `mod.ts` and of the modules whose types they refer
 * to, and no others.
 *
 * The TypeScript compiler makes them a file at a time and without looking at types, which is quick and
 * possible because whatever the module offers states its types (`make check-doc` sees to that).
 *
 * @module
 */

import { dirname, join, normalize } from "node:path";
import process from "node:process";
import ts from "typescript";
import { importsOf } from "./imports.ts";

/**
 * The declarations of a module and of all that they import.
 *
 * @param entry the module's path from the root, for instance `mod.ts`
 * @param read gives the text of a path from the root
 * @returns texts by path from the root, `mod.d.ts` among them; their imports name `.js` files
 * @throws SyntaxError when a file does not state its types
 */
export function declarationsOf(
  entry: string,
  read: (path: string) => string,
): ReadonlyMap<string, string> {
  const made = new Map<string, string>();
  const seen = new Set<string>();
  const open = [entry];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const text = declarationOf(path, read(path));
    for (const { specifier } of importsOf(text)) {
      if (specifier?.startsWith(".")) open.push(slashed(normalize(join(dirname(path), specifier))));
    }
    made.set(
      path.replace(/\.ts$/, ".d.ts"),
      text.replace(/(from|import\()(\s*")(\.[^"]*)\.ts"/g, '$1$2$3.js"'),
    );
  }
  return made;
}

function declarationOf(path: string, text: string): string {
  const { outputText, diagnostics } = ts.transpileDeclaration(text, {
    fileName: path,
    reportDiagnostics: true,
    compilerOptions: {
      declaration: true,
      isolatedDeclarations: true,
      strict: true,
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.NodeNext,
    },
  });
  const [first] = diagnostics ?? [];
  if (first !== undefined) {
    throw new SyntaxError(
      `Cannot declare ${path}: ${ts.flattenDiagnosticMessageText(first.messageText, " ")}`,
    );
  }
  return outputText;
}

function slashed(path: string): string {
  return process.platform === "win32" ? path.replaceAll("\\", "/") : path;
}
