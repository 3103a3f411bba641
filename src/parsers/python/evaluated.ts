/**
 * Python code inside a configuration: what its evaluation calls. Configurations use the Python reader
 * through this module only.
 *
 * @module
 */

import type { Observation } from "../../core/types.ts";
import { TOKEN, Tokens } from "./lexer.ts";
import { readPython } from "./source.ts";
import { sourceFacts } from "./source_facts.ts";

/** Characters of a text that are read as Python. The longest real expression has some 2,000. CWE-770. */
const CHARACTERS = 1 << 20;

const KEYWORDS: ReadonlySet<string> = new Set(
  ("False None True and as assert async await break class continue def del elif else except finally " +
    "for from global if import in is lambda nonlocal not or pass raise return try while with yield")
    .split(" "),
);

/** A call that evaluating a text makes. */
interface EvaluatedCall {
  readonly module: string;
  readonly name: string;
  /** As written. */
  readonly expression: string;
}

/** What evaluating texts does. */
interface Evaluated {
  readonly facts: readonly Extract<Observation, { readonly type: "fact" }>[];
  readonly calls: readonly EvaluatedCall[];
  /** False when a part was not read. */
  readonly complete: boolean;
}

/** What reading all the texts of one file may cost. Shared by them; it shrinks. */
export interface EvaluationBudget {
  /** Steps left, and characters, each of which counts as one. */
  left: number;
}

/**
 * What evaluating Python text calls.
 *
 * @param text statements and expressions, each in lines of its own
 * @param language of the facts
 * @param how.checkDeadline called every few thousand steps
 * @param how.budget of the file, by which the steps and characters of this text are lessened; once it is
 *   spent, a text is not read, and so not complete
 * @throws what `how.checkDeadline` throws
 */
export function evaluatedPython(
  text: string,
  language: string,
  how: { readonly checkDeadline?: () => void; readonly budget?: EvaluationBudget } = {},
): Evaluated {
  const { checkDeadline, budget } = how;
  if (budget !== undefined && budget.left <= 0) return { facts: [], calls: [], complete: false };
  const read = text.slice(0, CHARACTERS);
  const source = readPython(read, {
    ambient: true,
    ...(checkDeadline !== undefined && { checkDeadline }),
  });
  if (budget !== undefined) budget.left -= source.steps + read.length;
  // What is only imported runs no more than its module does.
  const reported = source.calls.filter(({ called, expression }) =>
    called || expression.includes("(")
  );
  const facts = sourceFacts(reported, read, language);
  const calls = source.calls.flatMap(({ path, expression, called }) => {
    const dot = path.lastIndexOf(".");
    if (dot <= 0 || !called) return [];
    return [{ module: path.slice(0, dot), name: path.slice(dot + 1), expression }];
  });
  return { facts, calls, complete: source.cut === undefined && text.length <= CHARACTERS };
}

/**
 * True for text that may be Python from beginning to end: no two adjacent words except keywords, as
 * prose and shell commands have.
 */
export function mayBePython(text: string): boolean {
  if (text.length > CHARACTERS) return false;
  const tokens = new Tokens(text, () => {});
  let before: string | undefined;
  for (let at = 0; at < tokens.count; at++) {
    const kind = tokens.kinds[at];
    if (kind === TOKEN.error) return false;
    const word = tokens.written(at);
    if (kind === TOKEN.sign && word === "`") return false;
    const value = kind === TOKEN.name || kind === TOKEN.number;
    if (value && before !== undefined && !KEYWORDS.has(word) && !KEYWORDS.has(before)) return false;
    before = value ? word : undefined;
  }
  return true;
}
