/**
 * Facts of a task: what was observed in its files, and what was asked of the rules meanwhile, packed.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { withDefaults } from "../../core/limits.ts";
import type { Interest, Limits } from "../../core/types.ts";
import { READERS_VERSION } from "../../core/version.ts";
import type { AssetFacts } from "../../scan/asset/asset_judge.ts";
import { type Answers, type Change, changesOf } from "../../scan/interest_trace.ts";
import { digestOf, type Key } from "./keys.ts";
import { isRecord } from "./task.ts";

/** Grows with every change of the form. */
const FACTS_VERSION = "1";

/** Bytes of facts before they are packed. The most seen in `testdata/` are 1.2 MB. CWE-409. */
const FACTS_BYTES = 64 * 1024 * 1024;

/** The facts of one file, and its path from the target. */
interface FileFacts {
  readonly relative: string;
  readonly facts: AssetFacts;
}

/** Facts as a result has them. */
export interface PackedFacts {
  readonly version: string;
  /** The version since which readers observe the same. */
  readonly readers: string;
  /** Digest of the limits that the files were read under, and of the globs that chose them. */
  readonly reading: string;
  /** Digest of what was asked of the rules, and of their answers. */
  readonly interest: string;
  /** Digest of the data, and of what it is about: facts that stand in another result are none of it. */
  readonly digest: string;
  /** JSON, deflated, in Base64. */
  readonly data: string;
}

/** Facts that can be judged. */
export interface UnpackedFacts {
  readonly answers: Omit<Answers, "loaders">;
  /** Digest of the table of loaders; null where it was not looked into. */
  readonly loaders: string | null;
  readonly files: readonly FileFacts[];
}

/**
 * Packs facts, to be bound by `boundFacts`.
 *
 * @returns null where they are too many
 */
export function packFacts(
  { loaders, ...answers }: Answers,
  files: readonly FileFacts[],
  settings: ReadingSettings,
): PackedFacts | null {
  try {
    const unpacked: UnpackedFacts = {
      answers,
      loaders: loaders === undefined ? null : digestOf(loaders),
      files,
    };
    const json = JSON.stringify(unpacked);
    if (json.length > FACTS_BYTES / 4) return null;
    const data = deflateRawSync(json).toString("base64");
    return {
      version: FACTS_VERSION,
      readers: READERS_VERSION,
      reading: readingDigest(settings),
      interest: digestOf([unpacked.answers, unpacked.loaders]),
      digest: "",
      data,
    };
  } catch {
    // A value that JSON has not, or a text longer than a string can be.
    return null;
  }
}

/** What settings change what is observed; how many issues are kept is the judge's. */
interface ReadingSettings {
  readonly limits: Partial<Limits>;
  /** Globs of the configuration for files that are scanned, and that are not. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

function readingDigest({ limits, include, exclude }: ReadingSettings): string {
  const { milliseconds: _time, issues: _issues, ...counts } = withDefaults(limits);
  const sorted = Object.entries(counts).sort(([a], [b]) => a < b ? -1 : 1);
  return digestOf([sorted, include, exclude]);
}

/** What facts are about: the content of a key, or the target of a result without one. */
interface About {
  readonly key_parts: Key["parts"] | null;
  readonly target: string | null;
  readonly revision: string | null;
}

/** A result, as far as its facts are compared with it. */
interface WithFacts extends About {
  readonly facts: PackedFacts | null;
  readonly files: readonly { readonly path: string }[];
  readonly files_skipped: number;
}

/** Facts of one result. */
export function boundFacts(facts: PackedFacts | null, about: About): PackedFacts | null {
  return facts && { ...facts, digest: boundDigest(facts.data, about) };
}

function boundDigest(data: string, { key_parts: parts, target, revision }: About): string {
  return digestOf([data, ...(parts === null ? [target, revision] : [parts.content])]);
}

/**
 * Unpacks the facts of a result.
 *
 * @returns a sentence for what cannot be judged: damaged, of other readers, under other limits
 */
export function unpackFacts(before: WithFacts, settings: ReadingSettings): UnpackedFacts | string {
  const value: unknown = before.facts;
  if (!isRecord(value)) return "There are no facts";
  if (value["version"] !== FACTS_VERSION) return "The facts are of another form";
  if (value["readers"] !== READERS_VERSION) return "The facts are of other readers";
  if (value["reading"] !== readingDigest(settings)) {
    return "The facts were read under other limits or globs";
  }
  const { data, digest, interest } = value;
  if (typeof data !== "string") return "The facts are damaged";
  if (digest !== boundDigest(data, before)) return "The facts are damaged, or of another result";
  try {
    const bytes = inflateRawSync(Buffer.from(data, "base64"), { maxOutputLength: FACTS_BYTES });
    const unpacked: unknown = JSON.parse(bytes.toString("utf8"));
    if (!isUnpacked(unpacked, before)) return "The facts are damaged";
    if (interest !== digestOf([unpacked.answers, unpacked.loaders])) return "The facts are damaged";
    return unpacked;
  } catch {
    return "The facts are damaged";
  }
}

/** False where a part is missing, as which nothing would be found; what lies deeper is judged or thrown at. */
function isUnpacked(
  value: unknown,
  { files, files_skipped: skipped }: WithFacts,
): value is UnpackedFacts {
  if (!isRecord(value) || !isRecord(value["answers"])) return false;
  const { asked, methods } = value["answers"];
  const all: unknown = value["files"];
  if (!isRecord(asked) || !Array.isArray(methods) || !Array.isArray(all)) return false;
  const paths = new Set<unknown>();
  for (const file of all as readonly unknown[]) {
    if (!isRecord(file) || typeof file["relative"] !== "string" || !isAsset(file["facts"])) {
      return false;
    }
    paths.add(file["relative"]);
  }
  return all.length === files.length + skipped && files.every(({ path }) => paths.has(path));
}

function isAsset(value: unknown): boolean {
  if (!isRecord(value) || typeof value["path"] !== "string") return false;
  return ["formats", "forbidden", "batches", "limits"].every((it) => Array.isArray(value[it])) &&
    ["recognised", "matched", "unread"].every((it) => typeof value[it] === "boolean") &&
    typeof value["parts"] === "number" &&
    (value["batches"] as readonly unknown[]).every((it) =>
      isRecord(it) && Array.isArray(it["parts"]) && Array.isArray(it["observations"]) &&
      it["observations"].every((one: unknown) => isRecord(one) && typeof one["type"] === "string")
    );
}

/** Why rules would have a reader observe something else; none where they would not. */
export function changedBy(
  { answers, loaders, files }: UnpackedFacts,
  interest: Interest,
): readonly Change[] {
  const sameLoaders = loaders === null || loaders === loadersDigest(interest);
  const changes = [...changesOf(answers, interest, sameLoaders)];
  for (const { facts: { path, formats, forbidden } } of files) {
    const now = formats.filter((id) => interest.forbidsFormat?.(id, path));
    if (now.join() !== forbidden.join()) changes.push({ method: "forbidsFormat", names: [path] });
  }
  return changes;
}

const DIGESTS = new WeakMap<object, string>();

/** The digest of a table of loaders, made once. */
function loadersDigest({ loaders = [] }: Interest): string {
  const known = DIGESTS.get(loaders) ?? digestOf(loaders);
  DIGESTS.set(loaders, known);
  return known;
}
