/**
 * Files of torch.distributed.checkpoint, `__0_0.distcp`: what `torch.save` wrote for each tensor, one
 * after the other; `.metadata` says where each begins. `torch/distributed/checkpoint/filesystem.py`,
 * `_write_item`.
 *
 * @module
 */

import type { Source } from "../../core/source.ts";

const NAME = /\.distcp$/iu;
const READ_BYTES = 1 << 20;

/** End of central directory: APPNOTE.TXT 4.3.16, and the ZIP64 record and locator before it. */
const END_BYTES = 22;
const ZIP64_BYTES = 56 + 20;

/** Where an archive begins and ends. */
interface Stretch {
  readonly start: number;
  readonly end: number;
}

/**
 * The archives that a file consists of, from its first byte to its last; undefined where it is one
 * archive, or something else lies between them.
 *
 * @param check called for each window; may throw
 */
export async function joinedArchives(
  source: Source,
  name: string,
  check: () => void,
): Promise<readonly Stretch[] | undefined> {
  const { size } = source;
  if (!NAME.test(name) || size === undefined) return undefined;
  const found: Stretch[] = [];
  let start = 0;
  for (let at = 0; at < size; at += READ_BYTES) {
    check();
    const bytes = (await source.read(at, READ_BYTES + END_BYTES)).slice();
    const view = new DataView(bytes.buffer);
    for (let index = bytes.indexOf(0x50); index >= 0; index = bytes.indexOf(0x50, index + 1)) {
      if (index >= READ_BYTES || index + END_BYTES > bytes.length) break;
      if (view.getUint32(index, true) !== 0x06054b50) continue;
      const length = view.getUint32(index + 12, true) + view.getUint32(index + 16, true);
      const between = at + index - start - length;
      // A record that does not belong to the archive that began here is part of a tensor.
      if (between !== 0 && between !== ZIP64_BYTES) continue;
      const end = at + index + END_BYTES + view.getUint16(index + 20, true);
      found.push({ start, end });
      start = end;
    }
  }
  return found.length > 1 && start === size ? found : undefined;
}
