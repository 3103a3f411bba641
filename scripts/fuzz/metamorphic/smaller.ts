/**
 * Minimises a finding: the shortest chain, the plainest sample, the fewest opcodes.
 *
 * @module
 */

import { applied, type Link, shorter } from "./chains.ts";
import { fileOf, type Kind, type Scanned, verdictOf, wrong } from "./judge.ts";
import type { Oracle } from "./oracle.ts";
import type { Draft } from "./transformation.ts";

/** Tries of leaving opcodes out. */
const TRIES = 120;

/** A finding. */
export interface Finding {
  readonly kind: Kind;
  readonly verdict: string;
  readonly sample: Scanned;
  readonly chain: readonly Link[];
  readonly draft: Draft;
  readonly file: Uint8Array;
}

/** The finding that a draft is; undefined when it does something else or its verdict may stand. */
async function tried(
  oracle: Oracle,
  sample: Scanned,
  chain: readonly Link[],
  draft: Draft,
): Promise<Finding | undefined> {
  const [judgement] = await oracle.judge([{ of: sample.id, draft }]);
  if (!judgement?.same) return undefined;
  const file = fileOf(draft, judgement);
  const verdict = await verdictOf(draft.name, file);
  const kind = wrong(sample, verdict);
  return kind && { kind, verdict, sample, chain, draft, file };
}

/** The shortest chain on the plainest sample that is a finding of the same kind. */
export async function shortened(
  oracle: Oracle,
  finding: Finding,
  plainest: readonly Scanned[],
): Promise<Finding> {
  const chains = [...shorter(finding.chain), finding.chain];
  const starts = finding.sample.harmful ? [...plainest, finding.sample] : [finding.sample];
  for (const chain of chains) {
    for (const sample of starts) {
      const draft = applied(sample.draft, chain);
      const found = draft && await tried(oracle, sample, chain, draft);
      if (found?.kind === finding.kind) return found;
    }
  }
  return finding;
}

/** The same finding without the opcodes, streams and bytes that it does not need. */
export async function reduced(oracle: Oracle, finding: Finding): Promise<Finding> {
  let best = finding;
  let tries = 0;
  const attempt = async (draft: Draft): Promise<boolean> => {
    if (tries++ >= TRIES) return false;
    const found = await tried(oracle, best.sample, best.chain, draft);
    if (found?.kind !== best.kind || found.file.length >= best.file.length) return false;
    best = found;
    return true;
  };
  const nothing = new Uint8Array();
  await attempt({ ...best.draft, tail: nothing });
  await attempt({ ...best.draft, behind: nothing });
  await attempt({ ...best.draft, before: nothing });
  for (let size = best.draft.ops.length >> 1; size >= 1 && tries < TRIES; size >>= 1) {
    for (let at = 0; at < best.draft.ops.length && tries < TRIES;) {
      const { ops } = best.draft;
      const left = [...ops.slice(0, at), ...ops.slice(at + size)];
      if (left.length === 0 || !await attempt({ ...best.draft, ops: left })) at += size;
    }
  }
  return best;
}
