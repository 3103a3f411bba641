/**
 * Content that other programs write under names that models have too, or beside any file.
 *
 * @module
 */

import type { Sample } from "../../core/format.ts";
import { ascii, startsWith } from "../../parsers/bytes.ts";

/** A kind of content that is no model. */
interface NoModel {
  /** Base names under which the content is what it should be. */
  readonly pattern: RegExp;
  readonly matches: (head: Uint8Array) => boolean;
}

const NO_MODELS: readonly NoModel[] = [
  // AppleDouble, RFC 1740 appendix B: magic number and version. macOS writes it beside any file.
  {
    pattern: /^\._/u,
    matches: (head) => startsWith(head, [0, 5, 0x16, 7, 0, 2, 0, 0]),
  },
  // SPSS system files, https://www.gnu.org/software/pspp/pspp-dev/
  { pattern: /\.sav$/iu, matches: (head) => anyOf(head, ["$FL2@(#)", "$FL3@(#)"]) },
  // IDL save files: signature and whether compressed, as `scipy.io.readsav` reads them.
  { pattern: /\.sav$/iu, matches: (head) => anyOf(head, ["SR\0\x04", "SR\0\x06"]) },
];

/**
 * True for content that another program writes under this name and no loader of models reads. Says
 * nothing of what no format matched for; formats are asked first.
 */
export function isNoModel({ name, head }: Sample): boolean {
  return NO_MODELS.some(({ pattern: names, matches }) => names.test(name) && matches(head));
}

function anyOf(head: Uint8Array, magics: readonly string[]): boolean {
  return magics.some((magic) => startsWith(head, ascii(magic)));
}
