import { strict as assert } from "node:assert";
import { existsSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { BUNDLES } from "../bundles/registry.ts";
import type { FormatDescriptor } from "../core/format.ts";
import { loadRules } from "../rules/rules.ts";
import { DESCRIPTORS, FORMATS } from "./registry.ts";

const ROOT = new URL("../../", import.meta.url);

/** Rules that concern no format and no bundle. */
const GENERAL = ["file", "configuration", "callables", "known-templates"];

/** Folders of samples that are of no format: what several formats, or no format, are tested with. */
const GENERAL_SAMPLES = ["config", "configuration_beside", "disguised", "report"];

/** Libraries whose pickles have folders of their own. */
const LIBRARIES = [
  ...["dill", "joblib", "lightgbm", "omegaconf", "pandas", "sklearn", "transformers", "xgboost"],
];

function has(path: string): boolean {
  return existsSync(new URL(path, ROOT));
}

/** What a format still lacks in one of its three places. */
function lacking(descriptor: FormatDescriptor): string[] {
  const { id, role, readers, coverage } = descriptor;
  const found: string[] = [];
  const need = (there: boolean, what: string): void => {
    if (!there) found.push(`${id} lacks ${what}`);
  };
  need(has(`src/formats/${id}/descriptor.ts`), `src/formats/${id}/descriptor.ts`);
  if (role === "unread") {
    need(readers.length === 0, "the role of what it reads");
    return found;
  }
  const folder = new URL(`src/formats/${id}/`, ROOT);
  need(readers.length > 0, "a reader");
  need(coverage.length > 0, "a row of the table in docs/usage.md");
  need(has(`rules/${id}.toml`), `rules/${id}.toml`);
  need(has(`testdata/${id}/expected.json`), `testdata/${id}/expected.json`);
  need(readdirSync(folder).some((it) => it.endsWith("_test.ts")), `a test in src/formats/${id}/`);
  for (const { id: reader, samples, malformedRule } of readers) {
    need(has(`testdata/${samples.harmful}`), `the harmful sample of ${reader} for the doctor`);
    const { harmless } = samples;
    need(harmless === undefined || has(`testdata/${harmless}`), `the harmless one of ${reader}`);
    need(loadRules().find(malformedRule) !== undefined, `the rule ${malformedRule} of ${reader}`);
  }
  return found;
}

test("every format has its folder, its rules, its samples and its tests", () => {
  assert.deepEqual(DESCRIPTORS.flatMap(lacking), []);
});

test("every folder of a format has its descriptor in the registry, and ids are unique", () => {
  const folders = readdirSync(new URL("src/formats/", ROOT), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "testing").map(({ name }) => name);
  assert.deepEqual(folders.sort(), DESCRIPTORS.map(({ id }) => id).sort());
  assert.equal(new Set(FORMATS.map(({ id }) => id)).size, FORMATS.length);
});

test("every rules file and every folder of samples belongs to a format, a bundle or a named few", () => {
  const owners = [...DESCRIPTORS, ...BUNDLES].map(({ id }) => id);
  const rules = readdirSync(new URL("rules/", ROOT)).filter((it) => it.endsWith(".toml"))
    .map((it) => it.replace(/(?:_ops|_functions|_names)?\.toml$/u, ""));
  assert.deepEqual(rules.filter((it) => ![...owners, ...GENERAL].includes(it)), []);
  const samples = readdirSync(new URL("testdata/", ROOT), { withFileTypes: true })
    .filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const known = [...owners, ...GENERAL_SAMPLES, ...LIBRARIES];
  assert.deepEqual(samples.filter((it) => !known.includes(it)), []);
});

test("no extension claims two formats, and every bundle has a heading", () => {
  const extensions = DESCRIPTORS.flatMap(({ claims }) =>
    claims.flatMap((claim) => claim.extensions.split(" "))
  );
  assert.equal(new Set(extensions).size, extensions.length);
  assert.deepEqual(BUNDLES.filter(({ title }) => title === undefined), []);
});
