/**
 * Writes `docs/loaders.md`, the loaders whose configurations are understood, from `rules/loaders.toml`:
 *
 *     scripts/loaders_page.ts           writes it
 *     scripts/loaders_page.ts --check   ends with 1 when it is not what would be written
 *
 * @module
 */

import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import type { LoaderCode, LoaderTableEntry } from "../src/core/loader.ts";
import { parseLoaders } from "../src/rules/toml.ts";

const TABLE = new URL("../rules/loaders.toml", import.meta.url);
const PAGE = new URL("../docs/loaders.md", import.meta.url);

const HEAD = `# Loaders of configurations

Libraries that import, call, evaluate, open or fetch what a configuration names. This page is written from
\`rules/loaders.toml\` (\`make rules\`). A path of keys begins at the root: \`*\` is any key or item, \`**\` any
number of them, \`a|b\` either.

**Proof** says how it is known. _Run_: that release was run on a configuration with a payload that wrote a marker
file, by \`scripts/fixtures/loader_proofs.py\`. _Source_: the place was read in that release and not run.

In every configuration, for any loader, a value that is the name of a critical callable, or Python that
calls one, is suspicious. \`[[loader]]\` in a configuration of modelaudit adds an entry
([configuration](configuration.md)).

`;

/** The page. */
function loadersPage(table: readonly LoaderTableEntry[]): string {
  const rows = [...table].sort((a, b) => a.library.localeCompare(b.library, "en")).map((entry) => {
    const files = [...entry.files, ...entry.runs].map((file) => `\`${file}\``).join(" ");
    const does = [
      ...new Set(entry.code.map(placeOf)),
      ...entry.runs.length > 0 ? ["runs the file"] : [],
    ];
    const cells = [entry.library, files || "any", does.join("; "), entry.versions, proofOf(entry)];
    return `| ${cells.map(cell).join(" | ")} |`;
  });
  return `${HEAD}| loader | files | what it does | versions | proof |
| --- | --- | --- | --- | --- |
${rows.join("\n")}
`;
}

/** @throws Error for an entry without a proof */
function proofOf({ id, proof }: LoaderTableEntry): string {
  if (proof === undefined) throw new Error(`The loader "${id}" has no proof`);
  return `${proof.how}: ${proof.release}; ${proof.reference}`;
}

function placeOf({ at, tag, does }: LoaderCode): string {
  return `${does} \`${tag ?? at.join(".")}\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

if (import.meta.main) {
  const page = loadersPage(parseLoaders(readFileSync(TABLE, "utf8"), "rules/loaders.toml"));
  if (!process.argv.includes("--check")) {
    writeFileSync(PAGE, page);
  } else if (readFileSync(PAGE, "utf8") !== page) {
    process.stderr.write("docs/loaders.md is not what the table says: run make rules\n");
    process.exitCode = 1;
  }
}
