/**
 * What the bundles say of a folder, worked out once and handed out file by file.
 *
 * @module
 */

import type { Bundle, BundleObservation } from "../../core/bundle.ts";
import type { FolderPlace, Interest, Listing, Observation } from "../../core/types.ts";
import { anomalyOf } from "./error_anomalies.ts";

type Reported = Exclude<Observation, { readonly type: "listing" }>;

type ByMember = Map<string, Reported[]>;

/** By listing, by name of the member; they are let go with the listing. */
const OBSERVATIONS = new WeakMap<Listing, ByMember | Promise<ByMember>>();

/** True when it is known already that the bundles have no observations of a member left. */
export function isUnobserved({ listing, member }: FolderPlace): boolean {
  const known = OBSERVATIONS.get(listing);
  return known instanceof Map && !known.has("") && !known.has(member);
}

/**
 * What the packages observe about one member of a folder. What concerns the folder itself is handed out
 * with whichever member is asked for first.
 *
 * @param bundles asked once for each listing
 */
export async function folderObservations(
  { listing, member }: FolderPlace,
  bundles: readonly Bundle[],
  interest?: Interest,
): Promise<readonly Reported[]> {
  const byMember = await observationsOf(listing, bundles, interest);
  const reported = [...byMember.get("") ?? [], ...byMember.get(member) ?? []];
  byMember.delete("");
  byMember.delete(member);
  return reported;
}

/**
 * True when the packages still have something to tell about a member, or about the folder itself,
 * which is reported with whichever member is asked for next.
 */
export async function concernsFolder(
  { listing, member }: FolderPlace,
  bundles: readonly Bundle[],
  interest?: Interest,
): Promise<boolean> {
  const byMember = await observationsOf(listing, bundles, interest);
  return byMember.has("") || byMember.has(member);
}

/** Marks a folder whose observations another thread hands out: here it has none. */
export function markObservedElsewhere(listing: Listing): void {
  if (!OBSERVATIONS.has(listing)) OBSERVATIONS.set(listing, new Map());
}

function observationsOf(
  listing: Listing,
  bundles: readonly Bundle[],
  interest: Interest | undefined,
): ByMember | Promise<ByMember> {
  const known = OBSERVATIONS.get(listing);
  if (known !== undefined) return known;
  const all = observe(listing, bundles, interest).then((byMember) => {
    OBSERVATIONS.set(listing, byMember);
    return byMember;
  });
  OBSERVATIONS.set(listing, all);
  return all;
}

async function observe(
  listing: Listing,
  bundles: readonly Bundle[],
  interest: Interest | undefined,
): Promise<ByMember> {
  const byMember = new Map<string, Reported[]>();
  const add = ({ part, observation }: BundleObservation): void => {
    const reported = byMember.get(part);
    if (reported === undefined) byMember.set(part, [observation]);
    else reported.push(observation);
  };
  for (const one of bundles) {
    try {
      if (!one.matches(listing)) continue;
      for await (const observation of one.observe(listing, interest)) add(observation);
    } catch (error) {
      add({ part: "", observation: anomalyOf(error) });
    }
  }
  return byMember;
}
