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
};

/** Words that texts for users may not have: a noun or the passive says who is meant. */
const TEXTS = /\b(?:whoever|whomever|nobody|somebody|everybody)\b/iu;

/** Fields of a rule that users read. */
const RULE_FIELDS = /^(title|effect|why|fix) = "((?:[^"\\]|\\.)*)"/u;

/** A title is a noun phrase: it begins neither with a pronoun or article nor with a verb, and has no end mark. */
const NO_TITLE =
  /^(?:This|That|It|The|An?|Uses|Holds|Names|Runs|Reads|Writes|Calls|Loads|Is|Has)\b|[.!?]$/u;

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
        if (instead !== undefined) {
          found.push({ path, line, message: `is called ${name}: write ${instead}` });
        }
      }
    }
    if (/_test\.ts$|\/testing\//u.test(path)) continue;
    for (const { name, line } of literalsOf(text)) {
      const word = TEXTS.exec(name)?.[0];
      if (word !== undefined) found.push({ path, line, message: `says "${word}": name who it is` });
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
    const word = TEXTS.exec(value)?.[0];
    const found: Violation[] = [];
    if (word !== undefined) found.push({ ...place, message: `says "${word}": name who it is` });
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
