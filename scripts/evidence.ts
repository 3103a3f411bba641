/**
 * Evidence of the audit of allowlists, `rules/evidence/LIBRARY.tsv`, as `scripts/allowlists/evidence.py`
 * writes it: lines of releases, texts that stand in many cells, modules in brackets, and a line for each name.
 *
 * @module
 */

/** What the audited releases showed of one name. */
export interface EvidenceRow {
  readonly module: string;
  readonly name: string;
  /** "called", "restored" or "named" as on the list; "-" for a candidate that is on none. */
  readonly use: string;
  /**
   * "class", "enum", "function", "value", "metaclass", "enum-base"; "source" for a class of a release of which
   * only the sources were read; "read" for one that was read by a person.
   */
  readonly kind: string;
  /** The releases that have it, a bit each. */
  readonly releases: bigint;
  /** Letters of the hooks that its classes define (`HOOKS` in probe.py). */
  readonly hooks: string;
  /** Findings when it was called, and when it was restored and given states. */
  readonly call: readonly string[];
  readonly restore: readonly string[];
}

/** One file of evidence. */
export interface Evidence {
  /** What was installed, in the order of the bits: "sklearn 1.9.1 on Python 3.13.0". */
  readonly releases: readonly string[];
  readonly rows: readonly EvidenceRow[];
}

/**
 * Reads a file of evidence.
 *
 * @param file its path, for messages
 * @throws SyntaxError when a line is none of the three kinds, or its releases are no hexadecimal number
 */
export function parseEvidence(text: string, file: string): Evidence {
  const releases: string[] = [];
  const rows: EvidenceRow[] = [];
  const texts = new Map<string, string>();
  const findings = (cell: string): string[] => words(texts.get(cell) ?? cell);
  let module: string | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    if (line === "" || line.startsWith("#")) continue;
    const cells = line.split("\t");
    const [name = "", use = "", kind = "", bits = "", hooks = "", call = "", restore = ""] = cells;
    if (name === "release" && cells.length === 5) {
      releases.push(hooks === "source" ? `${kind}, its source` : `${kind} on ${hooks}`);
    } else if (name === "cell" && cells.length === 3) {
      texts.set(`@${use}`, kind);
    } else if (/^\[.+\]$/.test(line)) {
      module = line.slice(1, -1);
    } else if (module !== undefined && /^[0-9a-f]+$/.test(bits)) {
      const found = { call: findings(call), restore: findings(restore) };
      rows.push({ module, name, use, kind, releases: BigInt(`0x${bits}`), hooks, ...found });
    } else {
      throw new SyntaxError(`Cannot read ${file}:${index + 1}: expected the row of a name`);
    }
  }
  return { releases, rows };
}

function words(text: string): string[] {
  return text === "" ? [] : text.split(" ");
}
