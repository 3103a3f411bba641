/**
 * Stands in for `src/sources/folder.ts` in the package for browsers, where there are no folders.
 *
 * @module
 */

import type * as real from "../../../src/sources/folder.ts";

/** Is never asked, since no path is found. */
export class Folders implements Pick<real.Folders, "place"> {
  place(): never {
    throw new TypeError("A browser has no folders");
  }
}
