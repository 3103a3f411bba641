/**
 * Calls in Python source as facts, for the caller that found the source, and the one judgement that all of
 * them share: what runs, and whether all of it was seen.
 *
 * @module
 */

import type { Observation, ReferenceFact } from "../../core/types.ts";
import { type HowItRuns, readPython, type SourceCall } from "./source.ts";

type AnomalyObservation = Extract<Observation, { readonly type: "anomaly" }>;
type FactObservation = Extract<Observation, { readonly type: "fact" }>;

/**
 * A fact for each different call of a name that leads out of the module, in the order of the source.
 *
 * @param calls in the order of the source
 * @param text of the source; offsets are bytes of its UTF-8 form
 * @param language of the facts, which says who would run them
 */
export function sourceFacts(
  calls: readonly SourceCall[],
  text: string,
  language: string,
): FactObservation[] {
  // An expression may be long, and that of many calls.
  const reported = new Map<string, Set<string>>();
  const encoder = new TextEncoder();
  const facts: FactObservation[] = [];
  let offset = 0;
  let counted = 0;
  for (const call of [...calls].sort((a, b) => a.at - b.at)) {
    const known = reported.get(call.expression) ?? new Set();
    reported.set(call.expression, known);
    const key = `${call.path}\n${call.traits.join(" ")}`;
    if (known.has(key)) continue;
    known.add(key);
    offset += encoder.encode(text.slice(counted, call.at)).length;
    counted = call.at;
    facts.push({ type: "fact", fact: factOf(call, language), count: 1, offset });
  }
  return facts;
}

/**
 * What a text of Python does where it is imported, run or evaluated, for readers of formats that bring
 * such a text along.
 *
 * @param language who would run it: "python" for what loading a model runs, "python-archive" for
 *   what importing or installing a package runs
 * @throws what `how.checkDeadline` throws
 */
export function judgePython(
  text: string,
  language: "python" | "python-archive" | "python-handler" | "python-served" | "python-notebook",
  how: HowItRuns = {},
): Observation[] {
  return [...judgeCalls(text, language, how).observations];
}

/** The same, and what it calls of modules that are none of the standard library: dotted paths. */
export function judgeCalls(
  text: string,
  language: "python" | "python-archive" | "python-handler" | "python-served" | "python-notebook",
  how: HowItRuns = {},
): {
  readonly observations: readonly (FactObservation | AnomalyObservation)[];
  readonly reaches: readonly string[];
} {
  const source = readPython(text, how);
  // Of a package nothing is asked that it only hands on.
  const calls = [...source.calls, ...source.later]
    .filter(({ called }) => called || language !== "python-archive");
  const observations = [...sourceFacts(calls, text, language), ...unreadParts(source)];
  return { observations, reaches: source.reaches };
}

/** An anomaly where not all of a source was seen. */
function unreadParts(
  source: { readonly cut: string | undefined; readonly error: string | undefined },
): AnomalyObservation[] {
  const { cut, error } = source;
  if (cut !== undefined) {
    return [{
      type: "anomaly",
      rule: "python-unread",
      detail: `Not all of it was followed: ${cut}`,
      unread: true,
    }];
  }
  if (error === undefined) return [];
  return [{ type: "anomaly", rule: "python-syntax", detail: `It is no Python: ${error}` }];
}

function factOf(
  { path, expression, line, traits, texts }: SourceCall,
  language: string,
): ReferenceFact {
  const dot = path.lastIndexOf(".");
  const hidden = texts.filter((text) => text !== "" && !expression.includes(text)).slice(0, 4);
  return {
    kind: "reference",
    language,
    module: path.slice(0, dot),
    name: path.slice(dot + 1),
    expression: `${expression} in line ${line}`,
    evidence: [
      { kind: "code", text: expression, cut: false },
      ...hidden.map((text) => ({ kind: "text", text, cut: text.length >= 2048 } as const)),
    ],
    ...(traits.length > 0 && { details: { traits } }),
  };
}
