/**
 * Sizes as a page has them.
 *
 * @module
 */

import { formatBytes } from "../../../core/numbers.ts";

/** Bytes as people read them; nothing where they are not known. */
export function sizeText(size: number | null): string {
  return size === null ? "" : formatBytes(size);
}
