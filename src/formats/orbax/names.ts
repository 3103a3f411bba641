/**
 * How files of Orbax and zarr begin, and the names under which they keep descriptions in JSON.
 *
 * @module
 */

import type { Sample } from "../../core/format.ts";
import { baseName } from "../../parsers/base_name.ts";
import { startsWith } from "../../parsers/bytes.ts";

/** First bytes of OCDBT's manifests, nodes of versions and nodes of keys. */
const OCDBT = [[0x0c, 0xdb, 0x3a, 0x2a], [0x0c, 0xdb, 0x12, 0x34], [0x0c, 0xdb, 0x20, 0xde]];

/** Whether a file may be a description of an Orbax checkpoint, by its name and first letter. */
export function mayBeMetadata({ name, hint, head }: Sample): boolean {
  return hint === undefined &&
    /^(?:_METADATA|_CHECKPOINT_METADATA|_sharding|process_\d+)$/u.test(baseName(name)) &&
    mayBeObject(head);
}

/** Whether a file may be a description of a zarr array or group, by its name and first letter. */
export function mayBeZarr({ name, hint, head }: Sample): boolean {
  return hint === undefined &&
    /^(?:\.zarray|\.zgroup|\.zattrs|\.zmetadata|zarr\.json)$/u.test(baseName(name)) &&
    mayBeObject(head);
}

/** Whether a file begins as manifests, nodes of versions and nodes of keys of OCDBT do. */
export function mayBeOcdbt({ head }: Sample): boolean {
  return OCDBT.some((magic) => startsWith(head, magic));
}

/** Whether JSON in any encoding may be an object: its first letter is a brace, or lies behind the sample. */
function mayBeObject(head: Uint8Array): boolean {
  const first = head.find((byte) => byte > 0x20 && byte < 0x7f);
  return head.length > 0 && (first === undefined || first === 0x7b);
}
