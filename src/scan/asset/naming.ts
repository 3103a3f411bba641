/**
 * Compares what a name claims with what the content is, and says what follows.
 *
 * @module
 */

import { HINT } from "../../core/hints.ts";
import { claimOf, CONTAINERS, LABELS, unreadableFormat } from "./claims.ts";
import type { NameClaim } from "../../core/format.ts";
import { lfsPointer } from "./lfs_pointer.ts";
import { isNoModel } from "./no_models.ts";
import { looksLikeText } from "../../parsers/bytes.ts";
import type { Sample } from "../../core/format.ts";
import type { Observation } from "../../core/types.ts";

/** An anomaly of a source at no offset. */
export type Anomaly = Extract<Observation, { type: "anomaly" }>;

/**
 * Anomalies between name and content.
 *
 * @param matched ids of the formats that matched
 * @param root true for the file itself, false for what is inside one
 * @param atHead gives the formats that matched by the beginning, and not only by something appended
 * @param path of the file or member
 */
export function compareWithName(
  sample: Sample,
  matched: readonly string[],
  root: boolean,
  atHead: () => readonly string[] = () => matched,
  path = sample.name,
): readonly Anomaly[] {
  const claim = claimOf(sample.name);
  const known = unreadableFormat(sample);
  if (known !== undefined && !onlyContainer(claim, matched)) {
    const anomalies = [unsupported(sample.name, known)];
    if (claim?.kind === "other") anomalies.push(disguised(sample.name, claim.label, known));
    return anomalies;
  }
  if (matched.length > 0) {
    if (claim?.supported === false && isUnreadArchive(claim, atHead())) {
      return [unsupported(sample.name, claim.label)];
    }
    const anomalies = mismatch(sample, claim, matched);
    // What is appended to a model says nothing of the model: its beginning was not read.
    const beginsUnread = claim?.kind === "model" && !claim.weak &&
      !matched.some((id) => claim.formats.includes(id)) && atHead().length === 0;
    return beginsUnread ? [...anomalies, ...unrecognised(sample, claim, root)] : anomalies;
  }
  const pointer = lfsPointer(sample);
  if (pointer !== undefined && claim?.kind !== "other") {
    return [{
      type: "anomaly",
      rule: "file-lfs-pointer",
      detail: `"${sample.name}" is a Git-LFS pointer to ${pointer.size} bytes (${pointer.oid}), ` +
        "not the file itself",
      unread: true,
    }];
  }
  return sample.head.length === 0 ? empty(sample, claim, path) : unrecognised(sample, claim, root);
}

/** True when the name promises a format whose container matched, so that its own text is said. */
function onlyContainer(claim: NameClaim | undefined, matched: readonly string[]): boolean {
  return claim !== undefined && !claim.supported &&
    matched.some((id) => claim.formats.includes(id));
}

/**
 * True when the name promises a format that is not read and the file is an archive: formats use any of
 * them as their container, and what its members are to each other is not known.
 */
function isUnreadArchive({ kind, supported }: NameClaim, atHead: readonly string[]): boolean {
  return kind === "model" && !supported && atHead.length > 0 &&
    atHead.every((id) => CONTAINERS.has(id));
}

function mismatch(
  sample: Sample,
  claim: NameClaim | undefined,
  matched: readonly string[],
): readonly Anomaly[] {
  if (claim === undefined) return [];
  if (onlyContainer(claim, matched)) return [unsupported(sample.name, claim.label)];
  // A program is no model; behind one may be an archive, which its format looks for.
  const isProgram = matched.every((id) => id === "native");
  if (isProgram && !claim.selfExtracting && claim.kind === "model" && !claim.weak) {
    return [contentMismatch(sample, claim.label, LABELS.get("native"))];
  }
  if (claim.weak || matched.some((id) => claim.formats.includes(id))) return [];
  const content = matched.map((id) => LABELS.get(id) ?? `of format ${id}`).join(" and ");
  if (claim.kind === "other") return [disguised(sample.name, claim.label, content)];
  return [{
    type: "anomaly",
    rule: "file-extension-mismatch",
    detail: `"${sample.name}" has the name of ${claim.label}, but is ${content}`,
  }];
}

function disguised(name: string, claimed: string, content: string): Anomaly {
  return {
    type: "anomaly",
    rule: "file-disguised",
    detail: `"${name}" has the name of ${claimed}, but is ${content}`,
  };
}

function unsupported(name: string, label: string): Anomaly {
  return {
    type: "anomaly",
    rule: "file-unsupported",
    detail: `"${name}" is ${label}, a format that this version does not read yet`,
    unread: true,
  };
}

/**
 * The hub's cache marks by an empty file that a repository has no such file:
 * `.no_exist/<commit>/<name>`, huggingface_hub `file_download.py`.
 */
const NO_EXIST = /(?:^|\/)\.no_exist\/[0-9a-f]{40}\//u;

/** An empty source: a failed download where the name claims a model, else a marker. */
function empty(
  sample: Sample,
  claim: NameClaim | undefined,
  path: string,
): readonly Anomaly[] {
  const expected = claim?.kind === "model" && !NO_EXIST.test(path.replaceAll("\\", "/"));
  if (!expected && sample.hint !== HINT.pickle && sample.hint !== HINT.loaded) return [];
  return [{
    type: "anomaly",
    rule: "file-empty",
    detail: `"${sample.name}" is empty`,
    unread: true,
  }];
}

function unrecognised(
  sample: Sample,
  claim: NameClaim | undefined,
  root: boolean,
): readonly Anomaly[] {
  if (sample.hint === HINT.pickle || sample.hint === HINT.loaded) {
    return [contentMismatch(sample, "a pickle")];
  }
  if (claim === undefined || claim.kind === "other" || isNoModel(sample)) return [];
  // Other tools write text under such a name: a Mathematica notebook, a page of groff.
  if (claim.weak && !claim.supported && isText(sample.head)) return [];
  if (!claim.supported) return [unsupported(sample.name, claim.label)];
  // Archives hold raw data under such names; a file given or found under one is meant to be loaded.
  if (claim.weak && !root) return [];
  if (claim.weak) return [unknownContent(sample.name)];
  return [contentMismatch(sample, claim.label)];
}

/** Text of UTF-8, or of an older alphabet of one byte a letter: a tutorial in Norwegian is called `.nb`, too. */
function isText(head: Uint8Array): boolean {
  return looksLikeText(head) ||
    head.every((byte) =>
      byte >= 0xa0 || (byte >= 0x20 && byte < 0x7f) || (byte >= 9 && byte <= 13)
    );
}

/** The name is one that many programs use, so that nothing says what the content should be. */
function unknownContent(name: string): Anomaly {
  return {
    type: "anomaly",
    rule: "file-not-what-name-says",
    detail: `"${name}" has a name that models have, but its content is of no format that this ` +
      "version knows",
    unread: true,
  };
}

function contentMismatch(sample: Sample, expected: string, found?: string): Anomaly {
  const kind = found ??
    (looksLikeText(sample.head) ? "text" : "of no format that this version knows");
  return {
    type: "anomaly",
    rule: "file-not-what-name-says",
    detail: `"${sample.name}" should be ${expected}, but its content is ${kind}`,
    unread: true,
  };
}
