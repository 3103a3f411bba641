/**
 * Finds words that the glossary and the style of this project replace: in names of the code, in texts
 * that users see, and in the rules.
 *
 *     deno run --allow-read=. scripts/check_words.ts
 *
 * @module
 */

import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { readTree, type Tree, type Violation } from "./check_imports.ts";
import { literalsOf, namedWordsOf } from "./imports.ts";

/** Words that names may not have, and what to write instead. */
const NAMES: Readonly<Record<string, string>> = {
  told: "reported, observed, or a name for the value",
  hire: "start",
  bury: "end",
  deaf: "unsubscribe",
  crew: "worker pool",
  oddity: "anomaly",
  oddities: "anomalies",
  trouble: "error or anomaly",
  troubles: "errors or anomalies",
  complaint: "message or anomaly",
  complaints: "messages or anomalies",
  fault: "error or anomaly",
  faults: "errors or anomalies",
  trial: "attempt or detection",
  trials: "attempts",
  unscanned: "placeholder, or what was not scanned",
  whoever: "a noun",
  whatever: "a noun",
  nobody: "a noun",
  somebody: "a noun",
  everybody: "a noun",
  himself: "a noun",
};

/** Where `faults` is a name: the doctor's JSON has that field. */
const DOCTOR = "src/cli/commands/doctor.ts";

/** Pronouns that texts for users may not have: a noun or the passive says who or what is meant. */
const PRONOUNS = /\b(?:whoever|whomever|whatever|nobody|somebody|everybody|himself)\b/iu;

/** Metaphors, and synonyms of words of the glossary, that texts for users may not have. */
const SYNONYMS: Readonly<Record<string, RegExp>> = {
  "say what is reported": /\btold\b/iu,
  "start or end": /\b(?:hir|buri)(?:e|es|ed|ing)\b|\bbury(?:ing)?\b/iu,
  "say that it does not listen": /\bdeaf\b/iu,
  "worker pool": /\bcrew\b/iu,
  "anomaly or error": /\b(?:oddit(?:y|ies)|troubles?|complaints?|(?<!segmentation )faults?)\b/iu,
};

/** Fields of a rule that users read. */
const RULE_FIELDS = /^(title|effect|why|fix) = "((?:[^"\\]|\\.)*)"/u;

/** A title is a noun phrase: it begins neither with a pronoun or article nor with a verb, and has no end mark. */
const NO_TITLE =
  /^(?:This|That|It|The|An?|Uses|Holds|Names|Runs|Reads|Writes|Calls|Loads|Is|Has)\b|\bthis\b|[.!?]$/u;

/** What is wrong with a text that users see; what templates of the code put in is none. */
function wordsInText(text: string): string[] {
  const shown = text.replaceAll(/\$\{[^}]*\}/gu, "");
  const pronoun = PRONOUNS.exec(shown)?.[0];
  const found = pronoun === undefined ? [] : [`says "${pronoun}": name who or what it is`];
  for (const [instead, pattern] of Object.entries(SYNONYMS)) {
    const word = pattern.exec(shown)?.[0];
    if (word !== undefined) found.push(`says "${word}": ${instead}`);
  }
  return found;
}

/** What is wrong with the names and texts of the modules. */
export function wordsInCode(tree: Tree): Violation[] {
  const found: Violation[] = [];
  for (const [path, text] of tree) {
    if (path === "scripts/check_words.ts" || path.endsWith("embedded.ts")) continue;
    for (const { name, line } of namedWordsOf(text)) {
      for (const part of name.split(/[\W_]+|(?<=[a-z\d])(?=[A-Z])/u)) {
        const instead = Object.hasOwn(NAMES, part.toLowerCase())
          ? NAMES[part.toLowerCase()]
          : undefined;
        if (instead !== undefined && !(part === "faults" && path === DOCTOR)) {
          found.push({ path, line, message: `is called ${name}: write ${instead}` });
        }
      }
    }
    if (/_test\.ts$|\/testing\//u.test(path)) continue;
    for (const { name, line } of literalsOf(text)) {
      // One word alone is a key of a program's data.
      if (/^\w*$/u.test(name)) continue;
      found.push(...wordsInText(name).map((message) => ({ path, line, message })));
    }
  }
  return found;
}

/** What is wrong with the texts of a rules file. */
export function wordsInRules(path: string, text: string): Violation[] {
  return text.split("\n").flatMap((written, index): Violation[] => {
    const [, field, value = ""] = RULE_FIELDS.exec(written) ?? [];
    if (field === undefined) return [];
    const place = { path, line: index + 1 };
    const found: Violation[] = wordsInText(value).map((message) => ({ ...place, message }));
    if (field === "title" && NO_TITLE.test(value)) {
      found.push({ ...place, message: `has the title "${value}": write a noun phrase` });
    }
    return found;
  });
}

if (import.meta.main) {
  const root = fileURLToPath(new URL("../", import.meta.url));
  const found = wordsInCode(readTree(root));
  for (const name of readdirSync(`${root}rules`).filter((it) => it.endsWith(".toml"))) {
    found.push(...wordsInRules(`rules/${name}`, readFileSync(`${root}rules/${name}`, "utf8")));
  }
  for (const { path, line, message } of found) console.error(`${path}:${line}: ${message}`);
  if (found.length > 0) process.exitCode = 1;
}
