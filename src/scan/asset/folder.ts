/**
 * What the bundles say of a folder, worked out once and handed out file by file.
 *
 * @module
 */

import type { Bundle, BundleObservation } from "../../core/bundle.ts";
import type { FolderPlace, Interest, Listing, Observation } from "../../core/types.ts";
import { anomalyOf } from "./error_anomalies.ts";

type Told = Exclude<Observation, { readonly type: "listing" }>;

/** By listing; they are let go with it. */
const OBSERVATIONS = new WeakMap<Listing, Promise<Map<string, Told[]>>>();

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
): Promise<readonly Told[]> {
  const byMember = await observationsOf(listing, bundles, interest);
  const told = [...byMember.get("") ?? [], ...byMember.get(member) ?? []];
  byMember.delete("");
  byMember.delete(member);
  return told;
}

/**
 * True when the packages still have something to tell about a member, or about the folder itself,
 * which is told with whichever member is asked for next.
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
  if (!OBSERVATIONS.has(listing)) OBSERVATIONS.set(listing, Promise.resolve(new Map()));
}

function observationsOf(
  listing: Listing,
  bundles: readonly Bundle[],
  interest: Interest | undefined,
): Promise<Map<string, Told[]>> {
  let all = OBSERVATIONS.get(listing);
  if (all === undefined) {
    all = observe(listing, bundles, interest);
    OBSERVATIONS.set(listing, all);
  }
  return all;
}

async function observe(
  listing: Listing,
  bundles: readonly Bundle[],
  interest: Interest | undefined,
): Promise<Map<string, Told[]>> {
  const byMember = new Map<string, Told[]>();
  const add = ({ part, observation }: BundleObservation): void => {
    const told = byMember.get(part);
    if (told === undefined) byMember.set(part, [observation]);
    else told.push(observation);
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
