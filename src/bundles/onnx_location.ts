/**
 * Where ONNX models say that their tensors' data lie: `location` is a path relative to the model's
 * folder, https://onnx.ai/onnx/repo-docs/ExternalData.html. Loaders differ in how they read such a
 * path (separators, drives, escapes of URLs, what follows a NUL), so every way counts.
 *
 * @module
 */

import type { Listing, Member } from "../core/types.ts";

/** What is wrong with a location. */
export interface LocationProblem {
  /** "outside": it leaves the model's folder; "odd": no exporter writes it, and loaders differ on it. */
  readonly kind: "outside" | "odd";
  /** Completes "…, which", for instance "climbs out of the model's folder". */
  readonly text: string;
}

/** onnxruntime's mark for data that lie in its own memory; `offset` is then an address. */
const MEMORY_MARK = "_ORT_MEM_ADDR_";

/** Times that `%25` is decoded again. No real location is known to be encoded. CWE-174. */
const DECODINGS = 4;

/**
 * Symbolic links followed in succession; Linux stops at 40. The cache of the hub's client has one. CWE-61.
 */
const LINKS = 16;

const OUTSIDE: readonly (readonly [RegExp, string])[] = [
  [/^[a-z][a-z0-9+.-]*:[\\/]{2}/iu, "is an address and not a file beside the model"],
  [/^file:/iu, "is an address and not a file beside the model"],
  [/^[\\/]{2}/u, "names another computer or device"],
  [/^\//u, "is an absolute path"],
  [/^[a-z]:/iu, "names a drive of Windows"],
  [/^\\/u, "is an absolute path on Windows"],
];

/**
 * What is wrong with a location; undefined for a plain path below the model's folder.
 *
 * @param location as the file has it
 */
export function locationProblem(location: string): LocationProblem | undefined {
  if (location.trim() === "") return { kind: "odd", text: "is empty" };
  if (location.includes(MEMORY_MARK)) {
    return { kind: "outside", text: "makes onnxruntime take an offset for an address in memory" };
  }
  const plain = plainProblem(location);
  if (plain?.kind === "outside") return plain;
  let text = location;
  for (let round = 0; round < DECODINGS && text.includes("%"); round++) {
    text = text.replace(/%([0-9a-f]{2})/giu, (_, hex: string) => fromCode(hex));
    const decoded = plainProblem(text);
    if (decoded?.kind === "outside") {
      return { kind: "outside", text: `${decoded.text} once its escapes are decoded` };
    }
  }
  return plain;
}

function fromCode(hex: string): string {
  return String.fromCharCode(parseInt(hex, 16));
}

function plainProblem(location: string): LocationProblem | undefined {
  const path = location.trimStart();
  const cut = path.indexOf("\0");
  for (const [pattern, text] of OUTSIDE) {
    if (pattern.test(path)) return { kind: "outside", text };
  }
  const parts = path.split(/[\\/]/u);
  if (climbs(parts) || (cut >= 0 && climbs(path.slice(0, cut).split(/[\\/]/u)))) {
    return { kind: "outside", text: "climbs out of the model's folder" };
  }
  if (cut >= 0) return { kind: "outside", text: "ends for some loaders at a NUL byte" };
  // deno-lint-ignore no-control-regex -- control characters are what is looked for
  if (/[\x00-\x1f\x7f]/u.test(path)) return { kind: "odd", text: "has control characters" };
  if (parts.includes("..")) return { kind: "odd", text: "climbs and comes back" };
  if (parts.some((part) => part.startsWith("~") || /^\.[^.]/u.test(part))) {
    return { kind: "odd", text: "names a hidden file or a home folder" };
  }
  return undefined;
}

/** True when a path leaves its folder at any step; a part such as `.. ` is `..` on Windows. */
function climbs(parts: readonly string[]): boolean {
  let depth = 0;
  for (const part of parts) {
    if (/^\.\.[ .]*$/u.test(part)) depth--;
    else if (part !== "" && part !== ".") depth++;
    if (depth < 0) return true;
  }
  return false;
}

/** What stands at a location: a problem, or the file with its size. */
type Found =
  | { readonly type: "problem"; readonly problem: LocationProblem }
  | { readonly type: "file"; readonly size: number | undefined }
  | { readonly type: "missing" };

/**
 * Looks a location up in the listing that holds the model, links included: one that leads out of the
 * listing is a problem, unless the model itself is a link into the same folder, as in the caches of
 * hubs. A hard link of a local folder does not say where its other names are.
 *
 * @param model name of the model in the listing
 * @param location one without a problem of its own
 * @returns undefined when the listing does not reach that far
 */
export function findExternal(
  listing: Listing,
  model: string,
  location: string,
): Found | undefined {
  const byName = membersOf(listing);
  const folder = folderOf(model);
  const target = normalised(`${folder}/${location.replaceAll("\\", "/")}`);
  const own = byName.get(model);
  const parts = target.split("/");
  const inFolder = folder === "" ? 0 : folder.split("/").length;
  for (let count = inFolder + 1; count <= parts.length; count++) {
    const name = parts.slice(0, count).join("/");
    const member = byName.get(name);
    if (member === undefined) {
      return own !== undefined && count === inFolder + 1 ? { type: "missing" } : undefined;
    }
    const problem = linkProblem(member, listing.format, byName, own);
    if (problem !== undefined) return { type: "problem", problem };
    if (name === target) return { type: "file", size: member.size };
    // The target of a link inside the folder is listed under its own name.
    if (member.kind !== "folder") return undefined;
  }
  return undefined;
}

const BY_NAME = new WeakMap<Listing, ReadonlyMap<string, Member>>();

function membersOf(listing: Listing): ReadonlyMap<string, Member> {
  let byName = BY_NAME.get(listing);
  if (byName === undefined) {
    byName = new Map(listing.members.map((member) => [member.name.replace(/\/$/u, ""), member]));
    BY_NAME.set(listing, byName);
  }
  return byName;
}

/**
 * What is wrong with a member that holds a model's data, being a link.
 *
 * @param format of the listing: `folder`, or that of an archive
 * @param model the model's own member, where it is known
 */
export function linkProblem(
  member: Member,
  format: string,
  byName: ReadonlyMap<string, Member>,
  model: Member | undefined,
): LocationProblem | undefined {
  if (member.kind === "hardlink" && member.linkTarget === undefined) {
    return model?.kind === "hardlink"
      ? { kind: "odd", text: "has other names elsewhere, as the model has (hard links)" }
      : { kind: "outside", text: "has other names elsewhere (a hard link)" };
  }
  const end = endOf(member, format, byName);
  if (end === undefined || !leavesListing(end)) return undefined;
  const modelEnd = model && endOf(model, format, byName);
  if (modelEnd !== undefined && folderOf(modelEnd) === folderOf(end)) return undefined;
  const kind = member.kind === "hardlink" ? "hard link" : "link";
  return { kind: "outside", text: `is a ${kind} that leads out, to "${end}"` };
}

/** Where a chain of links ends, as far as the listing tells; undefined for what is no link. */
function endOf(
  member: Member,
  format: string,
  byName: ReadonlyMap<string, Member>,
): string | undefined {
  let at: string | undefined;
  let current: Member | undefined = member;
  for (let hops = 0; hops < LINKS; hops++) {
    if (current?.kind !== "link" && current?.kind !== "hardlink") return at;
    const target: string | undefined = current.linkTarget;
    if (target === undefined) return at;
    // A hard link of a tar is named from the top, a link from its own folder.
    const base = current.kind === "hardlink" && format !== "folder" ? "" : folderOf(current.name);
    at = /^(?:[\\/]|[a-z]:)/iu.test(target)
      ? target
      : normalised(`${base}/${target.replaceAll("\\", "/")}`);
    if (leavesListing(at)) return at;
    current = byName.get(at);
  }
  return "..";
}

function leavesListing(path: string): boolean {
  return path === ".." || /^(?:\.\.\/|[\\/]|[a-z]:)/iu.test(path);
}

/** The folder of a path, without the slash behind it; "" for the outermost. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/** Without `.` and empty parts; `..` stays where it leads above the top. */
function normalised(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && parts.length > 0 && parts.at(-1) !== "..") parts.pop();
    else parts.push(part);
  }
  return parts.join("/");
}
