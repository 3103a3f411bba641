/**
 * Writes `docs/threats.md`, what is found and by which rule, from the rules:
 *
 *     scripts/threats.ts           writes it
 *     scripts/threats.ts --check   ends with 1 when it is not what would be written
 *
 * @module
 */

import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { ATLAS_TECHNIQUES, ATLAS_VERSION } from "../src/core/atlas.ts";
import { BUNDLES } from "../src/bundles/registry.ts";
import { DESCRIPTORS } from "../src/formats/registry.ts";
import type { Rule } from "../src/rules/rule.ts";
import { loadRules } from "../src/rules/rules.ts";
import { SEVERITIES } from "../src/core/types.ts";

const PAGE = new URL("../docs/threats.md", import.meta.url);

/** Globals that are shown of a rule; the others are counted. */
const SHOWN = 12;

/** Rules that concern no format and no bundle. */
const GENERAL: Readonly<Record<string, string>> = {
  file: "Files as a whole",
  configuration: "What a configuration adds",
};

/** Headings by area, in the order of the page: formats, what several files mean together, the rest. */
const AREAS: ReadonlyMap<string, string> = new Map([
  ...BUNDLES.map(({ id, title }): [string, string] => [id, title ?? id]),
  ...DESCRIPTORS.map(({ id, title }): [string, string] => [id, title]),
  ...Object.entries(GENERAL),
]);

const HEAD = `# Threat coverage

What modelaudit finds, and by which rule. This page is written from the rules (\`make rules\`);
\`modelaudit explain RULE\` says why one matters and what to do, \`modelaudit explain os.system\` how a
global is judged, and \`modelaudit rules list --format json\` has all of it as data.

**Severity** is how bad an issue is, **safety** how sure we are: _dangerous_ is a known way to do
harm, _suspicious_ something that a person should look at, _innocuous_ known to be harmless.
`;

/** The page. */
function threatsPage(rules: readonly Rule[], libraries: readonly string[]): string {
  const homeless = rules.find((rule) => !AREAS.has(areaOf(rule)));
  if (homeless !== undefined) throw new RangeError(`no heading for the area of ${homeless.id}`);
  const order = [...DESCRIPTORS.map(({ id }) => id), ...AREAS.keys()];
  const sections = [...new Set(order)].flatMap((area) => {
    const own = rules.filter((rule) => areaOf(rule) === area);
    return own.length === 0 ? [] : [section(AREAS.get(area) ?? area, own)];
  });
  return [HEAD, ...sections, techniques(rules), advisories(rules), allowed(libraries)].join("\n");
}

/** Operators of a standard stand in a file of their own. */
function areaOf(rule: Rule): string {
  return rule.format.replace(/_(?:ops|functions|names)$/, "");
}

function section(title: string, rules: readonly Rule[]): string {
  const sorted = rules.toSorted((a, b) =>
    SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity)
  );
  return [
    `## ${title}\n`,
    "| rule | severity | safety | what it finds |",
    "| --- | --- | --- | --- |",
    ...sorted.map((rule) =>
      `| \`${rule.id}\` | ${rule.severity} | ${rule.safety} | ${cell(whatOf(rule))} |`
    ),
    "",
  ].join("\n");
}

/** Title and the beginning of what the rule names. */
function whatOf(rule: Rule): string {
  const globals = Object.entries(rule.globals).flatMap(([module, names]) =>
    names === "*" ? [`${module}.*`] : names.map((name) => `${module}.${name}`)
  );
  const named = [...globals, ...rule.operators].filter((it) => it !== "*");
  if (named.length === 0) return rule.title;
  const more = named.length > SHOWN ? ` and ${named.length - SHOWN} more` : "";
  const shown = named.slice(0, SHOWN).map((it) => `\`${it}\``).join(" ");
  return `${rule.title}: ${shown}${more}`;
}

/** Techniques of MITRE ATLAS, and how many rules name them. */
function techniques(rules: readonly Rule[]): string {
  const rows = Object.entries(ATLAS_TECHNIQUES).map(([id, name]) => {
    const own = rules.filter((rule) => rule.atlas.includes(id));
    const shown = own.slice(0, SHOWN).map((rule) => `\`${rule.id}\``).join(", ");
    const more = own.length > SHOWN ? ` and ${own.length - SHOWN} more` : "";
    return `| [${id}](https://atlas.mitre.org/techniques/${id}) | ${name} | ${shown}${more} |`;
  });
  return [
    `## MITRE ATLAS ${ATLAS_VERSION}\n`,
    "| technique | name | rules |",
    "| --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}

/** Published weaknesses, and the rules that name them. */
function advisories(rules: readonly Rule[]): string {
  const known = new Map<string, string[]>();
  for (const rule of rules) {
    for (const reference of rule.references) {
      if (!/^(?:CVE|GHSA|PYSEC)-/.test(reference)) continue;
      known.set(reference, [...known.get(reference) ?? [], rule.id]);
    }
  }
  const rows = [...known].sort(([a], [b]) => a < b ? -1 : 1);
  return [
    "## Published weaknesses\n",
    `${rows.length} advisories that rules refer to.\n`,
    "| advisory | rules |",
    "| --- | --- |",
    ...rows.map(([id, ids]) => `| ${id} | ${ids.map((it) => `\`${it}\``).join(", ")} |`),
    "",
  ].join("\n");
}

function allowed(libraries: readonly string[]): string {
  return `## What is known to be harmless

Classes and functions that real models use, by library and the version they were taken from:
${libraries.join(", ")}.
A class is on a list for being constructed or restored; nothing on it reaches files, processes, the
network or code. Every other callable is suspicious at least, and those of Python's standard library
that nobody has looked at are of high severity when they are called.
`;
}

/** Text as a cell of a table. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

if (import.meta.main) {
  const rules = loadRules();
  const libraries = rules.libraries().map((it) => `${it.library} ${it.version}`.trim());
  const page = threatsPage(rules.list(), libraries);
  if (!process.argv.includes("--check")) {
    writeFileSync(PAGE, page);
  } else if (readFileSync(PAGE, "utf8") !== page) {
    process.stderr.write("docs/threats.md is not what the rules say: run make rules\n");
    process.exitCode = 1;
  }
}
