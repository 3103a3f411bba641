/**
 * The bytes of a member of a listing, for bundles that look into several.
 *
 * @module
 */

import { FormatError, SourceError } from "../core/errors.ts";
import type { Member } from "../core/types.ts";

/**
 * All bytes of a member.
 *
 * @param most bytes
 * @returns undefined when it has none or too many, or they cannot be had: what is wrong with a member
 *   is said where it is scanned for itself
 * @throws LimitError when a budget is spent
 */
export async function memberBytes(member: Member, most: number): Promise<Uint8Array | undefined> {
  if (member.open === undefined || (member.size ?? 0) > most) return undefined;
  try {
    const bytes = (await member.open().read(0, most + 1)).slice();
    return bytes.length > most ? undefined : bytes;
  } catch (error) {
    if (error instanceof FormatError || error instanceof SourceError) return undefined;
    throw error;
  }
}
