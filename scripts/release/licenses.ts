/**
 * The licences of all that is shipped: which one each component has, and their texts in one file.
 *
 * @module
 */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { LockFile } from "./lock.ts";
import { ROOT } from "./project.ts";

/** A runtime inside an executable. */
export interface Runtime {
  readonly name: "deno" | "bun";
  readonly version: string;
}

/** The file of a package or release that has the licences of its components. */
export const NOTICES = "LICENSE-THIRD-PARTY.txt";

/** SPDX expressions of packages that name a file of theirs instead, from that file. */
const BY_FILE: Readonly<Record<string, string>> = {
  "7z-wasm": "LGPL-2.1-or-later AND LicenseRef-unRAR",
  h5wasm: "NIST-Software AND LicenseRef-HDF5",
};

/** Licences of runtimes: their own, and of what is linked into them where it asks for more. */
const OF_RUNTIMES: Readonly<Record<Runtime["name"], string>> = {
  deno: "MIT",
  bun: "MIT AND LGPL-2.0-or-later",
};

/** What may be shipped with this program. Each was read: all allow it with their texts beside it. */
const ALLOWED = new Set([
  ...["MIT", "Zlib", "BSD-3-Clause", "NIST-Software", "LGPL-2.0-or-later", "LGPL-2.1-or-later"],
  ...["LicenseRef-unRAR", "LicenseRef-HDF5"],
]);

/** Files of a package that hold terms. */
const TERMS = /^(?:licen[cs]e|unrarlicense|copying|notice)[\w.-]*$/i;

/**
 * The licence of a package as an SPDX expression.
 *
 * @param declared what its manifest says
 * @throws Error when it is none that may be shipped
 */
export function licenseOf(name: string, declared: string | undefined): string {
  const expression = (Object.hasOwn(BY_FILE, name) ? BY_FILE[name] : undefined) ?? declared ?? "";
  return allowed(name, expression.replace(/^\((.*)\)$/, "$1"));
}

/** The licence of a runtime as an SPDX expression. */
export function licenseOfRuntime({ name }: { readonly name: string }): string {
  return allowed(name, name === "deno" || name === "bun" ? OF_RUNTIMES[name] : "");
}

function allowed(name: string, expression: string): string {
  const unknown = expression.split(/ (?:AND|OR) /).find((it) => !ALLOWED.has(it));
  if (unknown === undefined) return expression;
  throw new Error(
    `Cannot ship ${name}: "${expression}" is no licence that scripts/release/licenses.ts allows`,
  );
}

/** A component that is shipped. */
interface Shipped {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly texts: readonly string[];
}

/**
 * The texts of the licences of all components.
 *
 * @param lock what is used, and its versions
 * @param runtimes those inside executables
 * @throws Error when a package has no text of its licence, or one that may not be shipped
 */
export function noticesOf(lock: LockFile, runtimes: readonly Runtime[]): string {
  const packages = Object.entries(lock.packages)
    .filter(([path, it]) => path !== "" && it.dev !== true)
    .map(([path, it]): Shipped => {
      const name = path.replace(/^.*node_modules\//, "");
      const folder = join(ROOT, path);
      const files = readdirSync(folder).filter((file) => TERMS.test(file)).sort();
      if (files.length === 0) throw new Error(`Cannot ship ${name}: it has no text of its licence`);
      return {
        name,
        version: it.version ?? "",
        license: licenseOf(name, it.license),
        texts: files.map((file) => readFileSync(join(folder, file), "utf8")),
      };
    });
  const inside = runtimes.map(({ name, version }): Shipped => ({
    name,
    version,
    license: OF_RUNTIMES[name],
    texts: [ownText(name)],
  }));
  const all = [...packages, ...inside].sort((a, b) => a.name < b.name ? -1 : 1);
  const head = all.map(({ name, version, license }) => `${name} ${version}: ${license}\n`).join("");
  const bodies = all.map(({ name, version, texts }) =>
    section(`${name} ${version}`, texts.map((text) => text.trim()).join("\n\n"))
  );
  return `This program holds the following components.\n\n${head}${bodies.join("")}` +
    section("GNU Lesser General Public License 2.1", ownText("LGPL-2.1"));
}

function section(title: string, text: string): string {
  const lines = text.replaceAll("\r", "").trim().split("\n").map((line) => line.trimEnd());
  return `\n${"=".repeat(78)}\n${title}\n${"=".repeat(78)}\n\n${lines.join("\n")}\n`;
}

function ownText(name: string): string {
  return readFileSync(join(ROOT, "scripts", "release", "licenses", `${name}.txt`), "utf8");
}
