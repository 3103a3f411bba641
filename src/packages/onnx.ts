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
  const models = members.filter(({ name }) => MODEL.test(name));
  for (const member of members) {
    if (member.kind !== "link" && member.kind !== "hardlink") continue;
    const model = models.find((one) => one !== member && liesBelow(member, one));
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

/** True when a member lies in the model's folder or below it. */
function liesBelow(member: Member, model: Member): boolean {
  return member.name.startsWith(model.name.slice(0, model.name.lastIndexOf("/") + 1));
}
