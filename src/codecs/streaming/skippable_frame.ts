/**
 * Skippable frames, which lz4 and zstandard share: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
 *
 * @module
 */

import type { ByteReader } from "./byte_reader.ts";

/**
 * Steps over a skippable frame.
 *
 * @param input at the frame's magic number
 * @throws FormatError when the frame is cut off
 */
export async function skipFrame(input: ByteReader): Promise<void> {
  await input.need(8);
  input.at += 4;
  for (let remaining = input.u32(); remaining > 0;) {
    if (!await input.ensure(1)) throw input.cutOff();
    const step = Math.min(remaining, input.available);
    input.at += step;
    remaining -= step;
  }
}
