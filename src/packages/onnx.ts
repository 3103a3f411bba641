/**
 * ONNX models in an archive, with their data beside them. The model itself says which files it reads;
 * that is checked where the model is read. An archive is unpacked first, and a link in it that stands
 * beside a model and leads out is then what the loader follows (CVE-2026-34446, CVE-2026-34447;
 * CVE-2026-27489 for a folder that is a link).
 *
 * @module
 */

import type { Listing, Member } from "../types.ts";
import { linkProblem } from "./onnx_location.ts";
import type { Package, PackageObservation } from "./package.ts";

const MODEL = /\.onnx$/iu;
/** Folders in one another that a path may have. */
const LEVELS = 100;
/** Listings of local folders: there the model tells which of its neighbours it reads. */
const FOLDER = "folder";

/** Archives that hold ONNX models. */
export const onnxPackage: Package = { id: "onnx", matches, observe };

function matches({ format, members }: Listing): boolean {
  return format !== FOLDER && members.some(({ name }) => MODEL.test(name)) &&
    members.some(({ kind }) => kind === "link" || kind === "hardlink");
}

function* observe({ format, members }: Listing): Iterable<PackageObservation> {
  const byName = new Map(members.map((member) => [member.name, member]));
  const models = modelsByFolder(members);
  for (const member of members) {
    if (member.kind !== "link" && member.kind !== "hardlink") continue;
    const model = modelAbove(member, models);
    const problem = model && linkProblem(member, format, byName, model);
    if (model === undefined || problem === undefined) continue;
    const detail = `"${member.name}" lies where the model "${model.name}" has its data, ` +
      `and ${problem.text}`;
    yield {
      part: member.name,
      observation: { type: "anomaly", rule: "onnx-external-data-link", detail },
    };
  }
}

/** Two models of each folder that has some: one of them may be the link itself. */
function modelsByFolder(members: readonly Member[]): ReadonlyMap<string, readonly Member[]> {
  const models = new Map<string, Member[]>();
  for (const member of members) {
    if (!MODEL.test(member.name)) continue;
    const folder = folderOf(member.name);
    const known = models.get(folder);
    if (known === undefined) models.set(folder, [member]);
    else if (known.length < 2) known.push(member);
  }
  return models;
}

/** A model in whose folder, or below it, a member lies; the nearest one, any for an absurd path. */
function modelAbove(
  member: Member,
  models: ReadonlyMap<string, readonly Member[]>,
): Member | undefined {
  const other = (found: readonly Member[] | undefined) => found?.find((one) => one !== member);
  let folder = folderOf(member.name);
  for (let level = 0; level < LEVELS; level++) {
    const found = other(models.get(folder));
    if (found !== undefined || folder === "") return found;
    folder = folderOf(folder.slice(0, -1));
  }
  return other([...models.values()].flat());
}

/** The folder of a path, with the slash behind it; "" for the outermost. */
function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}
