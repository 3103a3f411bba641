/**
 * Words for what was accepted.
 *
 * @module
 */

import type { IncompleteAcceptance } from "../core/types.ts";

/** For instance "incomplete, by a policy until 2027-01-31: the vendor's encrypted weights". */
export function incompleteText({ by, until, why }: IncompleteAcceptance): string {
  return `incomplete, by a ${by} until ${until}: ${why}`;
}
