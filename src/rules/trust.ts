/**
 * Why a name on an allowlist is trusted: what the audit of its library saw. The evidence is loaded only
 * when somebody asks for an explanation.
 *
 * @module
 */

import { type Level, namesOf, type PackedAllowlist, type PackedEvidence } from "./allowed.ts";
import { packText, unpackText } from "./packed_text.ts";

/** What was seen of a name. */
interface Evidence {
  /**
   * "class", "function", …; "source" when no release was run and the audit read its source, "read" when
   * a person did.
   */
  readonly kind: string;
  /** Hexadecimal; a bit for each release that has it. */
  readonly releases: string;
  /** Methods of its arguments and states that it calls, which the scanner watches. */
  readonly methods: readonly string[];
}

/** A row of evidence, as far as an explanation needs it. */
interface Row {
  readonly module: string;
  readonly name: string;
  readonly kind: string;
  readonly releases: bigint;
  readonly use: string;
  readonly call: readonly string[];
  readonly restore: readonly string[];
}

/** Why a name is trusted, and how far. */
export interface Trust {
  /** The allowlist that it is on. */
  readonly list: string;
  /** How far it is harmless. */
  readonly use: Level;
  /** The audited releases that have it; none when its source was read. */
  readonly releases: readonly string[];
  /** What was done with it without a finding. */
  readonly checks: readonly string[];
  /** Methods that it calls of what it is given; a file that gives something to call there is reported. */
  readonly watched: readonly string[];
}

const DIGITS = 2;

/** What was done with a name, by its use. */
const CHECKS: Readonly<Record<Level, readonly string[]>> = {
  filled: [
    "called with recorders, classes, texts, containers and arrays, which may become its attributes",
    "restored and given states",
  ],
  called: [
    "called with recorders, classes, texts, containers and arrays",
    "restored and given states",
  ],
  restored: ["restored without its constructor and given states, items and attributes"],
  named: ["imported and looked at"],
};

/** Packs evidence for embedding. */
export function packEvidence(
  list: PackedAllowlist,
  releases: readonly string[],
  rows: readonly Row[],
): PackedEvidence {
  const byName = new Map(rows.map((row) => [`${row.module} ${row.name}`, row]));
  const kinds: string[] = [];
  const places = new Map<string, number>();
  let codes = "";
  for (const { module, name, level } of namesOf(list)) {
    const row = byName.get(`${module} ${name}`);
    const findings = row === undefined || level === "named"
      ? []
      : level === "restored"
      ? row.restore
      : [...row.call, ...row.restore];
    const methods = findings.flatMap((each) =>
      /^(?:\w+:)?calls-(?:method|state):(.*)$/.exec(each)?.[1] ?? []
    );
    const evidence: Evidence = {
      kind: row?.kind ?? "unknown",
      releases: (row?.releases ?? 0n).toString(16),
      methods: [...new Set(methods)].sort(),
    };
    const key = JSON.stringify(evidence);
    const place = places.get(key) ?? kinds.push(key) - 1;
    places.set(key, place);
    codes += place.toString(36).padStart(DIGITS, "0");
  }
  return {
    library: list.library,
    releases,
    kinds: packText(`[${kinds.join(",")}]`),
    codes: packText(codes),
  };
}

/**
 * Why the lists trust a path.
 *
 * @returns one answer for each list that it is on
 */
export async function trustOf(path: string): Promise<Trust[]> {
  const [{ ALLOWLISTS }, { EVIDENCE }] = await Promise.all([
    import("./allowlists.ts"),
    import("./evidence.ts"),
  ]);
  const found: Trust[] = [];
  for (const list of ALLOWLISTS) {
    const evidence = EVIDENCE.find(({ library }) => library === list.library);
    let at = 0;
    for (const { module, name, level } of namesOf(list)) {
      if (`${module}.${name}` === path) found.push(trust(list.library, level, evidence, at));
      at += DIGITS;
    }
  }
  return found;
}

function trust(
  list: string,
  use: Level,
  evidence: PackedEvidence | undefined,
  at: number,
): Trust {
  const kinds = JSON.parse(unpackText(evidence?.kinds ?? "[]")) as readonly Evidence[];
  const codes = unpackText(evidence?.codes ?? "");
  const seen = kinds[Number.parseInt(codes.slice(at, at + DIGITS), 36)];
  const bits = BigInt(`0x${seen?.releases ?? "0"}`);
  const releases = evidence?.releases.filter((_, index) => (bits >> BigInt(index) & 1n) === 1n) ??
    [];
  const read = releases.length === 0;
  const isClass = seen?.kind === "class" || seen?.kind === "enum";
  const checks = read
    ? ["its source was read; no audited release has it"]
    : seen?.kind === "source"
    ? use === "restored"
      ? ["its source was read: nothing that restoring it runs does more than read attributes"]
      : ["its source was read"]
    : CHECKS[use].filter((_, index) => index === 0 || isClass);
  return { list, use, releases, checks, watched: seen?.methods ?? [] };
}
