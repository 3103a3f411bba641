/**
 * What assignments, loops and brackets in Python source make names and values stand for.
 *
 * @module
 */

import { type Chain, chainAt, type Words } from "./source_chains.ts";
import type { SourceNames } from "./source_names.ts";
import { bare, closings, constant, parted } from "./source_words.ts";
import type { PythonToken } from "./tokens.ts";

/** Words that are followed by something other than a value. */
export const KEYWORDS = new Set(
  ("and as assert async await break class continue def del elif else except finally for from global " +
    "if import in is lambda nonlocal not or pass raise return try while with yield print").split(
      " ",
    ),
);

/** Words in brackets that something follows, counted once for each such bracket around them. */
export const GROUP_WORDS = 2_000_000;

/** How many more words in brackets are looked at; below zero some were not. */
export interface GroupBudget {
  words: number;
}

const BEFORE_ALTERNATIVE = new Set("( [ { , : := or and else".split(" "));
const BEHIND_ALTERNATIVE = new Set(") ] } , or and if else for".split(" "));

/** Words with where their brackets close. */
export function wordsOf(tokens: readonly PythonToken[]): Words {
  return { tokens, closing: closings(tokens) };
}

/** True for brackets that stand for a value of which something is called or taken. */
export function isFollowed({ tokens }: Words, open: number, close: number): boolean {
  const behind = tokens[close + 1];
  if (behind?.kind !== "sign" || !"(.[".includes(behind.text)) return false;
  const before = tokens[open - 1];
  if (before === undefined) return true;
  if (before.kind === "name") return KEYWORDS.has(before.text);
  return before.kind === "sign" && !")]}".includes(before.text);
}

/**
 * `run = os.system` and its kin: further names for what is on the right.
 *
 * @returns the name that a lambda is given
 */
export function assign(names: SourceNames, tokens: readonly PythonToken[]): string | undefined {
  const parts = parted(tokens, "=");
  const value = parts.pop() ?? [];
  let lambda: string | undefined;
  for (const part of parts) {
    const [target = []] = parted(part, ":");
    const [name] = target;
    if (value[0]?.text === "lambda" && target.length === 1 && name?.kind === "name") {
      lambda = name.text;
      names.own.add(lambda);
    } else bind(names, target, value, 0);
  }
  return lambda;
}

function bind(
  names: SourceNames,
  target: readonly PythonToken[],
  value: readonly PythonToken[],
  depth: number,
): void {
  const [to, from] = [bare(target), bare(value)];
  const [name] = to;
  if (to.length === 1 && name?.kind === "name") {
    const chain = chainAt(names, wordsOf(from), 0, from.length);
    const next = from[chain.end]?.text ?? "or";
    if (/^(?:or|and|if)$/u.test(next)) names.bind(name.text, chain.path);
    const text = from.length <= 64 && from.every(({ kind, text }) =>
        kind === "string" || text === "+"
      )
      ? constant(from, 0, from.length)
      : undefined;
    if (text !== undefined) names.bindText(name.text, text);
    return;
  }
  const [targets, values] = [parted(to, ","), parted(from, ",")];
  if (depth > 1 || targets.length < 2 || targets.length !== values.length) return;
  for (const [at, each] of targets.entries()) bind(names, each, values[at] ?? [], depth + 1);
}

/** `for run in [os.system]`: the name stands for what is in the brackets. */
export function bindLoops(
  names: SourceNames,
  tokens: readonly PythonToken[],
  budget: GroupBudget,
): void {
  const words = wordsOf(tokens);
  for (const [at, { text, kind }] of tokens.entries()) {
    if (kind !== "name" || text !== "for" || tokens[at + 2]?.text !== "in") continue;
    const close = words.closing[at + 3];
    if (close === undefined) continue;
    for (const { path } of alternatives(names, words, at + 3, close, budget)) {
      names.bind(tokens[at + 1]?.text ?? "", path);
    }
  }
}

/** Chains in brackets that the brackets as a whole may stand for. */
export function alternatives(
  names: SourceNames,
  words: Words,
  open: number,
  close: number,
  budget: GroupBudget,
): Chain[] {
  const { tokens } = words;
  const found: Chain[] = [];
  budget.words -= close - open;
  if (budget.words < 0) return [];
  for (let at = open + 1; at < close; at++) {
    const token = tokens[at];
    if (token?.kind !== "name" || KEYWORDS.has(token.text)) continue;
    if (!BEFORE_ALTERNATIVE.has(tokens[at - 1]?.text ?? "")) continue;
    const chain = chainAt(names, words, at, close);
    if (BEHIND_ALTERNATIVE.has(tokens[chain.end]?.text ?? "")) found.push(chain);
  }
  return found;
}
