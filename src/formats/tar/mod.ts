/**
 * Tar archives: ustar, GNU and pax, see `tar_header.ts`. Before its zip format PyTorch wrote tar
 * archives of four members, `sys_info`, `pickle`, `storages` and `tensors`; the latter two mix
 * pickles and raw data (`legacy_load` in `torch/serialization.py`) and are handed on with a hint.
 *
 * @module
 */

import { raisedBy } from "../../core/limits.ts";
import { formatNumber } from "../../core/numbers.ts";
import { HINT } from "../../core/hints.ts";
import { Window } from "../../parsers/cursor.ts";
import { LimitError, SourceError } from "../../core/errors.ts";
import { pythonHints } from "../../bundles/python_sources.ts";
import { sliceSource } from "../../sources/memory.ts";
import { hiddenEntry } from "../../parsers/trailing.ts";
import type { Source } from "../../core/source.ts";
import type { Listing, Observation } from "../../core/types.ts";
import type { Format, FormatContext, Sample } from "../../core/format.ts";
import { BLOCK_BYTES, isHeader } from "./header.ts";
import { readTarMembers, type TarMember } from "./members.ts";
import { sparseSource } from "./sparse.ts";

/** Members of PyTorch's archives that are read in a way of their own. */
const TORCH_HINTS: ReadonlyMap<string, string> = new Map([
  ["storages", HINT.torchTarStorages],
  ["tensors", HINT.torchTarTensors],
]);

/** Tar archives. */
export const tarFormat: Format = { id: "tar", random: true, detect, scan };

function detect({ head }: Sample): boolean {
  return isHeader(head.subarray(0, BLOCK_BYTES));
}

async function* scan(
  source: Source,
  context: FormatContext,
): AsyncIterable<readonly Observation[]> {
  const { size } = source;
  if (size === undefined) {
    throw new SourceError(
      source.name,
      `Cannot read "${source.name}" as tar: its size is not known`,
    );
  }
  const limit = context.limits.members;
  const { members, anomalies, full, hidden } = await readTarMembers(
    new Window(source),
    size,
    limit,
    () => context.checkDeadline(),
  );
  const listing: Listing = {
    format: "tar",
    members: members.map((member) => ({
      name: member.name,
      kind: member.kind,
      size: member.sparse?.size ?? member.size,
      ...(member.linkTarget !== undefined && { linkTarget: member.linkTarget }),
      ...(member.kind === "file" && { open: () => open(source, member, context) }),
    })),
  };
  yield [
    ...anomalies,
    ...duplicates(members),
    ...members.flatMap(anomaliesOf),
    { type: "listing", listing },
  ];
  if (hidden !== undefined) yield [await hiddenEntry(source, "(data behind the archive)", hidden)];
  const hints = new Map(pythonHints(context.sample.name, listing));
  if (members.some(({ name }) => name === "pickle")) {
    for (const [name, hint] of TORCH_HINTS) hints.set(name, hint);
  }
  const files = new Map(members.map((member) => [member.name, member]));
  for (const member of members) {
    context.checkDeadline();
    // Unpacked, a link is a file too, and its name says how a loader reads it.
    const target = member.kind === "link" ? targetOf(member, files) : undefined;
    if (target !== undefined) {
      yield [{ type: "entry", source: open(source, target, context), part: member.name }];
    }
    if (member.size === 0) continue;
    const hint = hints.get(member.name);
    yield [{
      type: "entry",
      source: open(source, member, context),
      part: member.name,
      ...(hint !== undefined && { hint }),
    }];
  }
  if (full) {
    throw new LimitError(
      "members",
      `Cannot read all of "${source.name}": it has more than ${formatNumber(limit)} members` +
        raisedBy("members"),
    );
  }
}

/** The file that a symbolic link leads to, where it is in the archive. */
function targetOf(
  member: TarMember,
  files: ReadonlyMap<string, TarMember>,
): TarMember | undefined {
  if (!staysInside(member)) return undefined;
  const path: string[] = [];
  for (
    const part of [...member.name.split("/").slice(0, -1), ...(member.linkTarget ?? "").split("/")]
  ) {
    if (part === "..") path.pop();
    else if (part !== "" && part !== ".") path.push(part);
  }
  const target = files.get(path.join("/")) ?? files.get(`./${path.join("/")}`);
  return target?.kind === "file" && target.size > 0 ? target : undefined;
}

function open(source: Source, member: TarMember, context: FormatContext): Source {
  const { name, dataOffset, sparse } = member;
  if (sparse !== undefined) {
    return sparseSource(name, source, dataOffset, sparse, (bytes) => context.spendExpanded(bytes));
  }
  return sliceSource(member.name, source, member.dataOffset, member.size);
}

function duplicates(members: readonly TarMember[]): Observation[] {
  const namesSeen = new Set<string>();
  const reported = new Set<string>();
  const observations: Observation[] = [];
  for (const { name, kind, headerOffset } of members) {
    if (kind === "folder" || reported.has(name)) continue;
    if (!namesSeen.has(name)) {
      namesSeen.add(name);
      continue;
    }
    reported.add(name);
    observations.push({
      type: "anomaly",
      rule: "tar-duplicate-name",
      detail: `More than one member is called "${name}"`,
      offset: headerOffset,
    });
  }
  return observations;
}

/**
 * True for a link that leads to a place in the archive: relative, and never above its root. A symbolic
 * link counts from its own folder, a hard link from the root.
 */
function staysInside({ name, kind, linkTarget = "" }: TarMember): boolean {
  if (/^[\\/]|^[A-Za-z]:|\\|\0/u.test(linkTarget) || linkTarget === "") return false;
  const from = kind === "link" ? name.split("/").slice(0, -1) : [];
  let depth = 0;
  for (const part of [...from, ...linkTarget.split("/")]) {
    if (part === "" || part === ".") continue;
    depth += part === ".." ? -1 : 1;
    if (depth < 0) return false;
  }
  // A link to the root itself would hold all of the archive once more.
  return depth > 0 && unsafe(name) === undefined;
}

function anomaliesOf(member: TarMember): Observation[] {
  const { name, linkTarget, headerOffset: offset } = member;
  const observations: Observation[] = [];
  const why = unsafe(name);
  if (why !== undefined) {
    observations.push({
      type: "anomaly",
      rule: "tar-unsafe-path",
      detail: `"${name}" ${why}`,
      offset,
    });
  }
  if (linkTarget !== undefined || member.kind === "other") {
    const detail = linkTarget === undefined
      ? `"${name}" is a device or pipe`
      : `"${name}" is a link to "${linkTarget}"`;
    const inside = linkTarget !== undefined && staysInside(member);
    observations.push({
      type: "anomaly",
      rule: inside ? "tar-link-inside" : "tar-link",
      detail,
      offset,
    });
  }
  return observations;
}

/** Why a member's name must not be followed when extracting. */
function unsafe(name: string): string | undefined {
  if (/^(?:[/\\]|[A-Za-z]:)/u.test(name)) return "is an absolute path";
  if (name.split(/[/\\]/u).includes("..")) return "climbs out of the archive's folder";
  return undefined;
}
