/**
 * What the bundles say of a folder, worked out once and handed out file by file.
 *
 * @module
 */

import type { Bundle, BundleObservation } from "../../core/bundle.ts";
import type { FolderPlace, Interest, Listing, Observation } from "../../core/types.ts";
import { anomalyOf } from "./error_anomalies.ts";

type Reported = Exclude<Observation, { readonly type: "listing" }>;

/** What the bundles observe, by name of the member. */
interface Observed {
  readonly byMember: Map<string, Reported[]>;
  /** Why not all of the folder was looked at, which concerns all of its members. */
  readonly unread: Reported[];
}

/** By listing, by name of the member; they are let go with the listing. */
const OBSERVATIONS = new WeakMap<Listing, Observed | Promise<Observed>>();

/** True when it is known already that the bundles have no observations of a member left. */
export function isUnobserved({ listing, member }: FolderPlace): boolean {
  const known = OBSERVATIONS.get(listing);
  if (known === undefined || known instanceof Promise || known.unread.length > 0) return false;
  return !known.byMember.has("") && !known.byMember.has(member);
}

/**
 * What the packages observe about one member of a folder. What concerns the folder itself is handed out
 * with whichever member is asked for first; why it could not be looked at whole, with every member.
 *
 * @param bundles asked once for each listing
 * @param checkDeadline of whoever asks first
 */
export async function folderObservations(
  { listing, member }: FolderPlace,
  bundles: readonly Bundle[],
  interest?: Interest,
  checkDeadline?: () => void,
): Promise<readonly Reported[]> {
  const { byMember, unread } = await observationsOf(listing, bundles, interest, checkDeadline);
  const reported = [...byMember.get("") ?? [], ...byMember.get(member) ?? [], ...unread];
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
  checkDeadline?: () => void,
): Promise<boolean> {
  const { byMember, unread } = await observationsOf(listing, bundles, interest, checkDeadline);
  return unread.length > 0 || byMember.has("") || byMember.has(member);
}

/** Marks a folder whose observations another thread hands out: here it has none. */
export function markObservedElsewhere(listing: Listing): void {
  if (!OBSERVATIONS.has(listing)) OBSERVATIONS.set(listing, { byMember: new Map(), unread: [] });
}

function observationsOf(
  listing: Listing,
  bundles: readonly Bundle[],
  interest: Interest | undefined,
  checkDeadline: (() => void) | undefined,
): Observed | Promise<Observed> {
  const known = OBSERVATIONS.get(listing);
  if (known !== undefined) return known;
  const all = observe(listing, bundles, interest, checkDeadline).then((observed) => {
    OBSERVATIONS.set(listing, observed);
    return observed;
  });
  OBSERVATIONS.set(listing, all);
  return all;
}

async function observe(
  listing: Listing,
  bundles: readonly Bundle[],
  interest: Interest | undefined,
  checkDeadline: (() => void) | undefined,
): Promise<Observed> {
  const byMember = new Map<string, Reported[]>();
  const unread: Reported[] = [];
  const add = ({ part, observation }: BundleObservation): void => {
    const reported = byMember.get(part);
    if (reported === undefined) byMember.set(part, [observation]);
    else reported.push(observation);
  };
  for (const one of bundles) {
    try {
      if (!one.matches(listing)) continue;
      for await (const observation of one.observe(listing, interest, checkDeadline)) {
        add(observation);
      }
    } catch (error) {
      unread.push(anomalyOf(error));
    }
  }
  return { byMember, unread };
}
