/**
 * What names of files claim, derived from the descriptors of the formats and the table of names that
 * claim no model.
 *
 * @module
 */

import type { NameClaim, Sample } from "../../core/format.ts";
import { DESCRIPTORS, FORMATS } from "../../formats/registry.ts";
import { baseName } from "../../parsers/base_name.ts";
import { OTHER_NAMES } from "./other_names.ts";

/** Ids of the formats that are no anomaly under an extension. */
const UNDER: ReadonlyMap<string, readonly string[]> = byExtension();

/** Ids of the archives that a program may carry behind itself and extract. */
const BEHIND_PROGRAMS: ReadonlySet<string> = new Set(
  FORMATS.filter(({ behindPrograms }) => behindPrograms).map(({ id }) => id),
);

/** Ids of archives and compressed files. */
export const CONTAINERS: ReadonlySet<string> = new Set(
  FORMATS.filter(({ noModel }) => noModel === "container").map(({ id }) => id),
);

const CLAIMS: ReadonlyMap<string, NameClaim> = new Map([...modelClaims(), ...otherClaims()]);

function byExtension(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { id, under } of FORMATS) {
    for (const extension of under.split(" ")) {
      found.set(extension, [...found.get(extension) ?? [], id]);
    }
  }
  return found;
}

function* modelClaims(): Generator<[string, NameClaim]> {
  for (const { role, claims } of DESCRIPTORS) {
    for (const claim of claims) {
      const { label, extensions, weak = false, unread = role === "unread" } = claim;
      for (const extension of extensions.split(" ")) {
        const formats = UNDER.get(extension) ?? [];
        const selfExtracting = formats.some((id) => BEHIND_PROGRAMS.has(id));
        yield [extension, {
          kind: "model",
          label,
          formats,
          supported: !unread,
          weak,
          selfExtracting,
          container: claim.container ?? false,
        }];
      }
    }
  }
}

function* otherClaims(): Generator<[string, NameClaim]> {
  for (const [label, extensions] of OTHER_NAMES) {
    for (const extension of extensions.split(" ")) {
      const formats = UNDER.get(extension) ?? [];
      yield [extension, {
        kind: "other",
        label,
        formats,
        supported: true,
        weak: false,
        selfExtracting: false,
        container: false,
      }];
    }
  }
}

/**
 * What the extension of a name claims; undefined for unknown extensions and for none.
 *
 * @param name base name or path; case does not matter
 */
export function claimOf(name: string): NameClaim | undefined {
  const base = baseName(name).toLowerCase();
  const dot = base.lastIndexOf(".");
  return dot < 0 ? undefined : CLAIMS.get(base.slice(dot + 1).trimEnd());
}

/**
 * The label of a format that is known by content but not read yet, for instance "a TensorFlow Lite
 * model".
 *
 * @param sample head and size are looked at
 */
export function unreadableFormat(sample: Sample): string | undefined {
  for (const { unread = [] } of DESCRIPTORS) {
    const kind = unread.find((one) => one.matches(sample));
    if (kind !== undefined) return kind.label;
  }
  return undefined;
}

/** What a file of each format is, with its article, by the format's id. */
export const LABELS: ReadonlyMap<string, string> = new Map(
  FORMATS.map(({ id, label }) => [id, label]),
);
