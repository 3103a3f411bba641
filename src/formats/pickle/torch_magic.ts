/**
 * How files of `torch.save` before zip begin.
 *
 * @module
 */

/** LONG1 of torch's magic number 0x1950a86a20f9469cfc6c and STOP (`torch/serialization.py`). */
const MAGIC = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e];
/** Where it stands: behind PROTO (protocols 2 and 3), or behind PROTO and FRAME (4 and 5). */
const PLACES = [2, 11];
/** The same number under protocols 0 and 1. */
const MAGIC_LINE = new TextEncoder().encode("L119547037146038801333356L\n.");

/** True when the first bytes are those of a legacy torch file. */
export function isTorchLegacy(head: Uint8Array): boolean {
  if (MAGIC_LINE.every((byte, index) => head[index] === byte)) return true;
  return head[0] === 0x80 &&
    PLACES.some((place) => MAGIC.every((byte, index) => head[place + index] === byte));
}
