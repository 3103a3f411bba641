/**
 * The user's patterns in the texts of a pickle.
 *
 * @module
 */

import type { Interest } from "../../core/types.ts";
import type { FactLog } from "./facts.ts";
import { decodeLatin1, decodeUtf8 } from "./literals.ts";

/**
 * Bytes of one text that are searched; the window grows to hold them. The longest text seen has 55,825.
 * CWE-770.
 */
export const SEARCHED_TEXT_BYTES = 64 * 1024 * 1024;

/** Bytes of one bytes object that are searched: longer ones are arrays, not text. CWE-770. */
export const SEARCHED_BYTES_BYTES = 1024 * 1024;

/**
 * Notes the patterns that match a text.
 *
 * @param utf8 false for bytes, which are read as Latin-1
 * @param at virtual offset of the opcode
 */
export function searchLiteral(
  patternsIn: NonNullable<Interest["patternsIn"]>,
  bytes: Uint8Array,
  utf8: boolean,
  facts: FactLog,
  at: number,
): void {
  const role = utf8 ? "a pickled string" : "pickled bytes";
  for (const { pattern, text } of patternsIn(utf8 ? decodeUtf8(bytes) : decodeLatin1(bytes))) {
    facts.add({ kind: "string", pattern, text, role }, at);
  }
}
