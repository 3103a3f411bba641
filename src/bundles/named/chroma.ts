/**
 * Chroma's index of vectors, hnswlib in four files: `header.bin` gives the sizes of the others.
 * `saveIndex` and `loadPersistedIndex`, hnswlib/hnswalg.h of chroma-hnswlib.
 *
 * @module
 */

import type { NamedData } from "../../core/format.ts";
import { CHROMA_HEADER_BYTES, readHnswHeader } from "../../parsers/hnsw_header.ts";
import type { Member } from "../../core/types.ts";
import { memberBytes } from "../member_bytes.ts";
import type { IndexKind } from "./index_kind.ts";

const PARTS = /^(?:data_level0|length|link_lists)\.bin$/u;

/** Bytes of links that are walked. An index of ten million vectors has 60 MiB. CWE-770. */
const LINK_BYTES = 256 * 1024 * 1024;
const LINK_LIMIT = "which is done up to 256 MiB";

/** The other three files. */
export const chromaParts: IndexKind = {
  indices: (file) => PARTS.test(file) ? ["header.bin"] : [],
  async read({ index, folder, members }) {
    const bytes = await memberBytes(index, CHROMA_HEADER_BYTES);
    const header = bytes === undefined ? undefined : readHnswHeader(bytes, true);
    const named = new Map<string, Omit<NamedData, "index">>();
    if (header === undefined) return named;
    const label = "a part of a Chroma index";
    const { mostElements, elementBytes } = header;
    const part = (name: string, size: number, anomaly?: string): void => {
      named.set(folder + name, { label, bytes: size, exact: true, anomaly });
    };
    part("data_level0.bin", mostElements * elementBytes);
    part("length.bin", mostElements * 4);
    const links = members.get(`${folder}link_lists.bin`);
    if (links !== undefined) {
      const size = await linkBytes(links, header.elements);
      const linkAnomaly = size === undefined
        ? `its links could not be walked, ${LINK_LIMIT}`
        : undefined;
      part("link_lists.bin", size ?? 0, linkAnomaly);
    }
    return named;
  },
};

/** Links of an element's higher levels: their length, then they; undefined where they cannot be had. */
async function linkBytes(member: Member, elements: number): Promise<number | undefined> {
  const bytes = await memberBytes(member, LINK_BYTES);
  if (bytes === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (let remaining = elements; remaining > 0; remaining--) {
    if (at + 4 > bytes.length) return at + 4 * remaining;
    at += 4 + view.getUint32(at, true);
  }
  return at;
}
