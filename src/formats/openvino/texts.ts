/**
 * Constants of texts in the weights of an OpenVINO network: their number, the place of each, the characters.
 * `src/core/src/string_aligned_buffer.cpp` of OpenVINO; releases before 2026 compare the last place only.
 *
 * @module
 */

import type { FolderPlace } from "../../core/types.ts";
import { SourceError } from "../../core/errors.ts";
import type { NetworkTexts } from "../../parsers/openvino_ir.ts";

/** Bytes of the places of one constant. A vocabulary of 250,000 pieces has 1 MiB. CWE-770. */
const PLACES_BYTES = 64 * 1024 * 1024;

/**
 * What is wrong with constants of texts, one sentence each. Of weights that are not there, or too short, it is said
 * elsewhere.
 *
 * @throws SourceError when the bytes cannot be had
 */
export async function wrongTexts(
  texts: readonly NetworkTexts[],
  { listing, member }: FolderPlace,
  check: () => void,
): Promise<readonly string[]> {
  const name = member.replace(/\.xml$/iu, ".bin");
  const weights = listing.members.find((it) => it.name === name && name !== member)?.open?.();
  if (weights === undefined) return [];
  const wrong: string[] = [];
  for (const text of texts) {
    check();
    const { offset, size } = text;
    let bytes: Uint8Array;
    try {
      bytes = await weights.read(offset, Math.min(size, PLACES_BYTES));
    } catch (error) {
      if (error instanceof SourceError) return wrong;
      throw error;
    }
    const detail = wrongPlaces(bytes, text);
    if (detail !== undefined) wrong.push(`"${text.name}" ${detail}`);
  }
  return wrong;
}

function wrongPlaces(bytes: Uint8Array, { size, count }: NetworkTexts): string | undefined {
  // Weights that are too short are incomplete by themselves.
  if (bytes.length < Math.min(size, PLACES_BYTES)) return undefined;
  if (size < 4) return `has ${size} bytes`;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const declared = view.getInt32(0, true);
  if (declared !== count) return `has ${declared} texts, its shape ${count ?? "none"}`;
  if (declared === 0) return undefined;
  const symbols = 4 + 4 * (declared + 1);
  if (symbols > size) return `has ${declared} texts in ${size} bytes`;
  if (symbols > bytes.length) return "has more texts than this version reads";
  let before = view.getInt32(4, true);
  if (before < 0) return `has a text at ${before}`;
  for (let at = 8; at < symbols; at += 4) {
    const place = view.getInt32(at, true);
    if (place < before || place > size - symbols) return `has a text that ends at ${place}`;
    before = place;
  }
  return undefined;
}
