import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import type { RuleSet } from "../core/rule_set.ts";
import { loadRules } from "../rules/rules.ts";
import { scanSource } from "../scan/scan_source.ts";
import { SWEEP } from "../parsers/testing/sweep.ts";
import { bytesSource } from "../sources/memory.ts";
import { effectiveOf } from "./effective.ts";
import { readConfiguration } from "./read.ts";
import { TEMPLATE } from "./template.ts";

const embedded = loadRules();
const VOCABULARY = {
  rules: embedded.list().map((it) => it.id),
  formats: ["pickle", "zip"],
};

/** The rules under a configuration. */
async function configuredBy(text: string): Promise<RuleSet> {
  const configuration = readConfiguration(text, "1.toml", VOCABULARY);
  const { overrides } = await effectiveOf([{ configuration, trusted: true }], embedded, 0);
  return loadRules({ overrides });
}

test("the templates leave every verdict of the test data as it is", async () => {
  const root = new URL("../../testdata/", import.meta.url);
  const founding = readFileSync(new URL("config/valid/founding_template.toml", root), "utf8");
  const configured = await Promise.all([TEMPLATE, founding].map(configuredBy));
  const changed: string[] = [];
  for (const family of ["pickle", "torch", "sklearn", "numpy", "joblib", "keras", "tensorflow"]) {
    const files = readdirSync(new URL(`${family}/`, root), {
      recursive: true,
      withFileTypes: true,
    });
    // One sample makes so many calls that each scan takes a second.
    const samples = files.filter((it) =>
      it.isFile() && !/json$|asm$|^past_many_results/.test(it.name)
    );
    // The rules are the same code in both runtimes.
    for (const [index, file] of samples.filter((_, at) => at % SWEEP === 0).entries()) {
      const bytes = new Uint8Array(readFileSync(`${file.parentPath}/${file.name}`));
      const scan = (rules: RuleSet) => scanSource(bytesSource(file.name, bytes), { rules });
      const plain = await scan(embedded);
      // Samples of a family differ by library and protocol: the templates take them by turns.
      const { verdict, riskScore } = await scan(configured[index % configured.length] ?? embedded);
      if (plain.verdict !== verdict || plain.riskScore !== riskScore) {
        changed.push(`${family}/${file.name}: ${plain.verdict} to ${verdict}`);
      }
    }
  }
  assert.deepEqual(changed, []);
});
