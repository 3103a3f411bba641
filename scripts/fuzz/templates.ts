/**
 * Compares what is found in generated templates with what Jinja reached in them, as `templates.py` wrote
 * it down: `scripts/fuzz/templates.ts CASES.jsonl`. Prints each template that reaches Python's internals
 * and has no finding, each false positive, each that only Jinja parses, and the totals.
 *
 * @module
 */

import { createReadStream } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { parseTemplate } from "../../src/parsers/jinja/parser.ts";
import { lookThrough } from "../../src/parsers/jinja/reach.ts";

/** Templates that are shown of each kind. */
const SHOWN = 40;

interface Generated {
  readonly text: string;
  readonly reached: readonly string[];
  /** Whether a name may be given by the renderer. */
  readonly open: boolean;
  readonly failed?: string;
}

/** What is notable in a template, apart from objects that only pages need. */
function notable(text: string): string[] {
  const template = parseTemplate(text);
  const { found, givenUp } = lookThrough(template, text);
  const names = found.map(({ name }) => name).filter((name) => !name.startsWith("global."));
  return givenUp === undefined ? names : [...names, "given up"];
}

const counts = { reaching: 0, quiet: 0, others: 0, accused: 0, refused: 0, misread: 0 };
const [path = ""] = process.argv.slice(2);
const accused = new Map<string, number>();
for await (const line of createInterface({ input: createReadStream(path) })) {
  const { text, reached, open, failed }: Generated = JSON.parse(line);
  if (failed?.startsWith("syntax") === true) {
    counts.refused++;
    continue;
  }
  // What Jinja compiles has no syntax errors.
  const syntaxErrors = parseTemplate(text).errors;
  if (syntaxErrors.length > 0 && ++counts.misread <= SHOWN) {
    console.log("PARSE ERROR", syntaxErrors, text);
  }
  const names = notable(text);
  if (reached.length > 0) {
    counts.reaching++;
    if (names.length === 0 && ++counts.quiet <= SHOWN) {
      console.log("FALSE NEGATIVE", reached.join(), text);
    }
  } else {
    // What fails on its way may have been about to.
    if (open || failed !== undefined) continue;
    counts.others++;
    if (names.length === 0) continue;
    counts.accused++;
    for (const name of new Set(names)) accused.set(name, (accused.get(name) ?? 0) + 1);
    if (counts.accused <= SHOWN) console.log("FALSE POSITIVE", names.join(), text, failed ?? "");
  }
}
console.log(JSON.stringify(counts), JSON.stringify(Object.fromEntries(accused)));
if (counts.quiet > 0 || counts.misread > 0 || counts.accused * 1000 > counts.others) {
  process.exitCode = 1;
}
