/**
 * Calls in Python source as facts, for whoever found the source.
 *
 * @module
 */

import type { Observation, ReferenceFact } from "../../core/types.ts";
import type { SourceCall } from "./source.ts";

/**
 * A fact for each different call of a name that leads out of the module, in the order of the source.
 *
 * @param calls in the order of the source
 * @param text of the whole source; offsets are bytes of its UTF-8 form
 * @param language of the facts, which says who would run them
 */
export function sourceFacts(
  calls: readonly SourceCall[],
  text: string,
  language: string,
): Extract<Observation, { readonly type: "fact" }>[] {
  const told = new Set<string>();
  const encoder = new TextEncoder();
  const facts: Extract<Observation, { readonly type: "fact" }>[] = [];
  let offset = 0;
  let counted = 0;
  for (const call of [...calls].sort((a, b) => a.at - b.at)) {
    const key = `${call.path}\n${call.expression}`;
    if (!call.path.includes(".") || /^(?:self|cls)\./u.test(call.path) || told.has(key)) continue;
    told.add(key);
    offset += encoder.encode(text.slice(counted, call.at)).length;
    counted = call.at;
    facts.push({ type: "fact", fact: factOf(call, language), count: 1, offset });
  }
  return facts;
}

function factOf({ path, expression, line }: SourceCall, language: string): ReferenceFact {
  const dot = path.lastIndexOf(".");
  return {
    kind: "reference",
    language,
    module: path.slice(0, dot),
    name: path.slice(dot + 1),
    expression: `${expression} in line ${line}`,
    evidence: [{ kind: "code", text: expression, cut: false }],
  };
}
