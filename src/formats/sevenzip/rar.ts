/**
 * What 7-Zip leaves unsaid of RAR archives before version 5: whether one has its end, and which of its
 * members are links of Unix. Blocks after RAR's technical note ("RAR version 3.93, Technical
 * information"), all numbers little-endian.
 *
 * @module
 */

import { Window } from "../../parsers/cursor.ts";
import type { Source } from "../../core/source.ts";

const MARKER_BYTES = 7;
/** Checksum, type, flags, size. */
const BLOCK_BYTES = 7;
const ARCHIVE_HEADER = 0x73;
const FILE_HEADER = 0x74;
const END = 0x7b;
/** In the archive's header: what follows is encrypted. */
const FLAG_ENCRYPTED = 0x0080;
/** In a file's header: the upper halves of the sizes follow. */
const FLAG_LARGE = 0x0100;
/** In any: another size, of what follows the header. */
const FLAG_MORE = 0x8000;
const FILE_BYTES = 40;
const UNIX = 3;
const LINK_MODE = 0xa;
const WINDOW_BYTES = 64 * 1024;

/** What the blocks tell. */
interface RarBlocks {
  /** False when the file ends before the block that says so; RAR 3 and later write one. */
  readonly ended: boolean;
  /** Where the headers of links begin. */
  readonly links: readonly number[];
}

/**
 * Goes from block to block.
 *
 * @param size of the source
 * @param blocks at most; an archive with more passes for one that has its end
 * @param check called now and then; throws when time is spent
 * @throws SourceError when the bytes cannot be had
 */
export async function readRarBlocks(
  source: Source,
  size: number,
  blocks: number,
  check: () => void,
): Promise<RarBlocks> {
  const window = new Window(source);
  const links: number[] = [];
  let at = MARKER_BYTES;
  for (let count = 0; count < blocks; count++) {
    if (count % 1024 === 0) check();
    const bytes = await window.read(at, FILE_BYTES, WINDOW_BYTES);
    if (bytes.length < BLOCK_BYTES) return { ended: false, links };
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const type = view.getUint8(2);
    const flags = view.getUint16(3, true);
    const own = view.getUint16(5, true);
    if (type === END || (type === ARCHIVE_HEADER && (flags & FLAG_ENCRYPTED) !== 0)) {
      return { ended: at + own <= size, links };
    }
    // 7-Zip says what is wrong with a block of no length.
    if (own < BLOCK_BYTES) break;
    const isFile = type === FILE_HEADER && bytes.length >= 32;
    if (isFile && view.getUint8(15) === UNIX && view.getUint32(28, true) >>> 12 === LINK_MODE) {
      links.push(at);
    }
    at += own + following(view, flags, isFile);
  }
  return { ended: true, links };
}

/** Bytes behind a header that belong to it. */
function following(view: DataView, flags: number, isFile: boolean): number {
  if ((flags & FLAG_MORE) === 0 || view.byteLength < BLOCK_BYTES + 4) return 0;
  const large = isFile && (flags & FLAG_LARGE) !== 0 && view.byteLength >= 36;
  return view.getUint32(BLOCK_BYTES, true) + (large ? view.getUint32(32, true) * 2 ** 32 : 0);
}
