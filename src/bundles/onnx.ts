/**
 * ONNX models in an archive, with their data beside them. The model itself says which files it reads;
 * that is checked where the model is read. An archive is unpacked first, and a link in it that stands
 * beside a model and leads out is then what the loader follows (CVE-2026-34446, CVE-2026-34447;
 * CVE-2026-27489 for a folder that is a link).
 *
 * @module
 */

import type { Listing, Member } from "../core/types.ts";
import { folderOf, linkProblem } from "./onnx_location.ts";
import type { Bundle, BundleObservation } from "../core/bundle.ts";

const MODEL = /\.onnx$/iu;
/** Nested folders of a path. The deepest path in 318 wheels has 11. CWE-674. */
const LEVELS = 100;
/** No folder's name, for models of any. */
const ANY = "*/";
/** Listings of local folders: there the model tells which of its neighbours it reads. */
const FOLDER = "folder";

/** Archives that hold ONNX models. */
export const onnxBundle: Bundle = {
  id: "onnx",
  title: "ONNX",
  matches,
  observe,
};

function matches({ format, members }: Listing): boolean {
  return format !== FOLDER && members.some(({ name }) => MODEL.test(name)) &&
    members.some(isLink);
}

function* observe({ format, members }: Listing): Iterable<BundleObservation> {
  const byName = new Map(members.map((member) => [member.name, member]));
  const models = modelsByFolder(members);
  for (const member of members) {
    if (!isLink(member)) continue;
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

/**
 * The models of each folder that has some: a file, and two links, of which one may be the member that
 * is asked about.
 */
function modelsByFolder(members: readonly Member[]): ReadonlyMap<string, readonly Member[]> {
  const models = new Map<string, Member[]>();
  const keep = (folder: string, member: Member): void => {
    const known = models.get(folder);
    if (known === undefined) models.set(folder, [member]);
    else if (known.filter((one) => isLink(one) === isLink(member)).length < 2) known.push(member);
  };
  for (const member of members) {
    if (!MODEL.test(member.name)) continue;
    keep(folderOf(member.name), member);
    keep(ANY, member);
  }
  return models;
}

/**
 * A model in whose folder, or below it, a member lies: the nearest that is a file, or else a link.
 * Links that lead to where a model's own leads are how caches keep models, so that a link among the
 * models must not speak for a file. For an absurd path it is any model.
 */
function modelAbove(
  member: Member,
  models: ReadonlyMap<string, readonly Member[]>,
): Member | undefined {
  const others: Member[] = [];
  let folder = folderOf(member.name);
  for (let level = 0; level < LEVELS; level++) {
    others.push(...(models.get(folder) ?? []).filter((one) => one !== member));
    const file = others.find((one) => !isLink(one));
    if (file !== undefined || folder === "") return file ?? others[0];
    folder = folderOf(folder);
  }
  others.push(...(models.get(ANY) ?? []).filter((one) => one !== member));
  return others.find((one) => !isLink(one)) ?? others[0];
}

function isLink({ kind }: Member): boolean {
  return kind === "link" || kind === "hardlink";
}
