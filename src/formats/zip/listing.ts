/**
 * The members of a zip archive as bundles see them: names, kinds, link targets.
 *
 * @module
 */

import { LimitError } from "../../core/errors.ts";
import type { Source } from "../../core/source.ts";
import type { Member } from "../../core/types.ts";
import type { Anomaly } from "./directory.ts";
import { isMarkedEncrypted, isReadable, openMember, type OpenOptions } from "./entry.ts";
import type { ZipMember } from "./members.ts";

/** Bytes of a link's target, which is a path. The longest of 425 links in use has 43. CWE-770. */
const LINK_BYTES = 4096;
/** Host systems whose attributes carry Unix modes, APPNOTE 4.4.2: Unix and macOS. */
const UNIX_HOSTS = new Set([3, 19]);
const FOLDER_BIT = 0x10;

/** A member of the listing, under each of its names; anomalies of the names go to `odd`. */
export async function listed(
  source: Source,
  member: ZipMember,
  options: OpenOptions,
  anomalies: Anomaly[],
): Promise<Member[]> {
  const kind = kindOf(member);
  const report = (rule: string, detail: string) =>
    anomalies.push({ type: "anomaly", rule, detail, offset: member.headerOffset });
  const linkTarget = kind === "link" ? await targetOf(source, member, options) : undefined;
  if (kind === "link") {
    report("zip-link", `"${member.name}" is a link to "${linkTarget ?? "what cannot be read"}"`);
  }
  if (kind === "other") report("zip-link", `"${member.name}" is a device or pipe`);
  const names = member.otherName === undefined ? [member.name] : [member.name, member.otherName];
  for (const name of names) reportUnsafe(name, member.headerOffset, anomalies);
  const open = isReadable(member) && !isMarkedEncrypted(member)
    ? () => openMember(source, member, options).source
    : undefined;
  return names.map((name) => ({
    name,
    kind,
    ...(member.size !== undefined && { size: member.size }),
    ...(linkTarget !== undefined && { linkTarget }),
    ...(open && kind !== "folder" && { open }),
  }));
}

/** True for a member that is a folder; its attributes do not count. */
export function isFolder(member: ZipMember): boolean {
  return kindOf(member) === "folder";
}

/** What kind of file a member is, from its name, its size and the attributes in the directory. */
export function kindOf(
  { name, attributes, compressedSize }: Pick<ZipMember, "name" | "attributes" | "compressedSize">,
): Member["kind"] {
  const mode = attributes !== undefined && UNIX_HOSTS.has(attributes.host)
    ? (attributes.bits >>> 28) & 0xf
    : 0;
  if (mode === 0xa) return "link";
  // Only an empty member is a folder: loaders read by name and ignore the attributes.
  if (compressedSize === 0) {
    const folder = name.endsWith("/") || mode === 4 ||
      ((attributes?.bits ?? 0) & FOLDER_BIT) !== 0;
    if (folder) return "folder";
  }
  return mode === 0 || mode === 4 || mode === 8 ? "file" : "other";
}

async function targetOf(
  source: Source,
  member: ZipMember,
  options: OpenOptions,
): Promise<string | undefined> {
  if (!isReadable(member)) return undefined;
  try {
    const bytes = await openMember(source, member, options).source.read(0, LINK_BYTES);
    return new TextDecoder().decode(bytes);
  } catch (error) {
    if (error instanceof LimitError) throw error;
    return undefined;
  }
}

/** Says when a member's name must not be followed when extracting. */
export function reportUnsafe(name: string, offset: number, anomalies: Anomaly[]): void {
  const why = unsafe(name);
  if (why === undefined) return;
  anomalies.push({ type: "anomaly", rule: "zip-unsafe-path", detail: `"${name}" ${why}`, offset });
}

/** Why a member's name must not be followed when extracting. */
function unsafe(name: string): string | undefined {
  if (name.includes("\0")) return "has a NUL in its name, at which some readers cut it";
  if (/^(?:[/\\]|[A-Za-z]:)/u.test(name)) return "is an absolute path";
  if (name.split(/[/\\]/u).includes("..")) return "climbs out of the archive's folder";
  return undefined;
}
