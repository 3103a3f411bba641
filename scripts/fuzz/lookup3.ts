/**
 * Bob Jenkins' lookup3 with an initial value of 0, the checksum of HDF5's newer records
 * (`H5_checksum_lookup3`). http://burtleburtle.net/bob/c/lookup3.c, public domain
 *
 * @module
 */

const rotated = (value: number, by: number): number => (value << by) | (value >>> (32 - by));

/** The checksum of bytes, as an unsigned number of 32 bits. */
export function lookup3(bytes: Uint8Array): number {
  let a = (0xdeadbeef + bytes.length) | 0;
  let b = a;
  let c = a;
  const padded = new Uint8Array(Math.ceil(bytes.length / 12) * 12);
  padded.set(bytes);
  const view = new DataView(padded.buffer);
  for (let at = 0; at < padded.length; at += 12) {
    a = (a + view.getInt32(at, true)) | 0;
    b = (b + view.getInt32(at + 4, true)) | 0;
    c = (c + view.getInt32(at + 8, true)) | 0;
    if (at + 12 >= padded.length) break;
    a = (a - c) ^ rotated(c, 4), c = (c + b) | 0;
    b = (b - a) ^ rotated(a, 6), a = (a + c) | 0;
    c = (c - b) ^ rotated(b, 8), b = (b + a) | 0;
    a = (a - c) ^ rotated(c, 16), c = (c + b) | 0;
    b = (b - a) ^ rotated(a, 19), a = (a + c) | 0;
    c = (c - b) ^ rotated(b, 4), b = (b + a) | 0;
  }
  if (padded.length === 0) return c >>> 0;
  c = (c ^ b) - rotated(b, 14) | 0;
  a = (a ^ c) - rotated(c, 11) | 0;
  b = (b ^ a) - rotated(a, 25) | 0;
  c = (c ^ b) - rotated(b, 16) | 0;
  a = (a ^ c) - rotated(c, 4) | 0;
  b = (b ^ a) - rotated(a, 14) | 0;
  c = (c ^ b) - rotated(b, 24) | 0;
  return c >>> 0;
}
