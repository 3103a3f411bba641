/**
 * The sentences of findings: what loading the file would do, said to a person.
 *
 * Text from the file is passed on as it is; reports escape it.
 *
 * @module
 */

import type { Reading, StringFact } from "../core/types.ts";
import type { Match } from "./classify.ts";
import type { Rule } from "./rule.ts";

/**
 * Characters of an expression shown in a message; all of it is in the details. The longest seen has 2,045.
 * CWE-779.
 */
const EXPRESSION_IN_MESSAGE = 160;

/** Who would do it: the beginning of a sentence, for each reading and for data that nothing loads. */
const SUBJECTS: Readonly<Record<Reading | "base" | "data", string>> = {
  base: "Loading this file",
  data: "Nothing here loads these bytes, but loading them",
  arrays: "Loading this file with joblib, which reads its arrays otherwise,",
  frames: "Loading this file with a C unpickler that drops the rest of a frame",
  memo: "Loading this file's pickles one after another with one Unpickler",
  plain: "Loading this file with plain pickle.load instead of joblib",
  resync: "Loading the pickle behind the broken bytes here",
};

/** How a sentence begins. */
export interface Voice {
  readonly reading: Reading | undefined;
  /** True for bytes that nothing loads. */
  readonly data: boolean;
}

function subject(voice: Voice): string {
  return SUBJECTS[voice.reading ?? (voice.data ? "data" : "base")];
}

/** At most `EXPRESSION_IN_MESSAGE` characters of an expression, never half of a surrogate pair. */
function shortened(expression: string): string {
  if (expression.length <= EXPRESSION_IN_MESSAGE) return expression;
  const characters = [...expression.slice(0, EXPRESSION_IN_MESSAGE)];
  const last = characters.at(-1) ?? "";
  if (/[\ud800-\udbff]/.test(last) && last.length === 1) characters.pop();
  return `${characters.join("")}…`;
}

/** The path reached, where the file wrote another one. */
function truly(match: Match, written: string): string {
  return match.reaches === written ? "" : `, that is ${match.reaches}`;
}

/** "Loading this file calls os.system('echo hi'), which runs a shell command." */
export function callMessage(voice: Voice, expression: string, match: Match, path: string): string {
  const called = `${subject(voice)} calls ${shortened(expression)}${truly(match, path)}`;
  return `${called}, which ${match.effect}.`;
}

/** For a call in Python source. */
export function sourceMessage(
  subject: string,
  expression: string,
  match: Match,
  path: string,
): string {
  return `${subject} calls ${shortened(expression)}${truly(match, path)}, which ${match.effect}.`;
}

/** The same for a wrapper whose target is known. */
export function wrapperMessage(voice: Voice, expression: string, target: Match): string {
  const called = `${subject(voice)} calls ${shortened(expression)}`;
  return `${called}, which reaches ${target.reaches}: it ${target.effect}.`;
}

/** For a global that is only named. */
export function importMessage(voice: Voice, match: Match, path: string): string {
  const clause = `${subject(voice)} imports ${shortened(path)}${truly(match, path)}`;
  const describes = /^(?:is|belongs|has)\b/.test(match.effect);
  return `${clause}, which ${match.effect}${describes ? "." : " when it is called."}`;
}

/** For a name that the file puts together. */
export function computedMessage(voice: Voice, path: string, rule: Rule): string {
  return `${subject(voice)} puts the name ${shortened(path)} together and imports it, ` +
    `which ${rule.effect}.`;
}

/** For what is reported by expression alone: changed modules, unresolved calls. */
export function expressionMessage(voice: Voice, expression: string, rule: Rule): string {
  return `${subject(voice)} runs ${shortened(expression)}, which ${rule.effect}.`;
}

/** What an operator is found in, where that is not the model's own program. */
const PROGRAMS: Readonly<Record<string, string>> = {
  config: "This configuration has",
  jinja: "This chat template uses",
  native: "This is",
  r: "This R data holds",
};

/** For an operator of a program in the file. */
export function operatorMessage(voice: Voice, expression: string, rule: Rule): string {
  const subject = PROGRAMS[rule.language ?? ""] ?? "Running this model uses";
  return `${subject} ${shortened(expression)}, which ${rule.effect}.` +
    (voice.data ? " Nothing here loads it." : "");
}

/** For Python code inside a program: the harmful names in it. */
export function codeMessage(
  voice: Voice,
  expression: string,
  rule: Rule,
  names: readonly string[],
): string {
  const shown = names.slice(0, 5).join(", ") + (names.length > 5 ? ", …" : "");
  return `Running this model uses ${shortened(expression)}, which ${rule.effect}: ` +
    `its code names ${shortened(shown)}.` + (voice.data ? " Nothing here loads it." : "");
}

/** For a text that a pattern of the user's matches. */
export function patternMessage(title: string, { text, role }: StringFact): string {
  return `${title}: found ${JSON.stringify(shortened(text))} in ${role}.`;
}

/** For harmless things, reported briefly. */
export function harmlessMessage(path: string, effect: string): string {
  return `Uses ${shortened(path)}, which ${effect}.`;
}

/** For bytes that are wrong: the rule's title, then what was seen. */
export function anomalyMessage(rule: Pick<Rule, "title">, detail: string): string {
  return detail === "" ? `${rule.title}.` : `${rule.title}: ${detail}`;
}
