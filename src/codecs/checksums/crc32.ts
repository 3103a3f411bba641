/**
 * The checksums of containers: CRC-32 (zip, gzip) and Adler-32 (zlib), both incremental.
 * RFC 1952 section 8 and RFC 1950 section 8.
 *
 * @module
 */

/** Four tables, so that four bytes are folded in at a time. */
const TABLES: readonly Uint32Array[] = makeTables();

function makeTables(): Uint32Array[] {
  const first = new Uint32Array(256);
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    first[n] = c >>> 0;
  }
  const tables = [first];
  for (let k = 1; k < 4; k++) {
    const previous = tables[k - 1] ?? first;
    tables.push(previous.map((c) => (c >>> 8) ^ (first[c & 0xff] ?? 0)));
  }
  return tables;
}

/**
 * The CRC-32 of `bytes`.
 *
 * @param crc the CRC of what came before, 0 at the start
 * @returns an unsigned 32-bit number
 */
export function crc32(bytes: Uint8Array, crc = 0): number {
  const [t0, t1, t2, t3] = TABLES as [Uint32Array, Uint32Array, Uint32Array, Uint32Array];
  let c = ~crc;
  let i = 0;
  for (const end = bytes.length - 3; i < end; i += 4) {
    c ^= byteAt(bytes, i) | (byteAt(bytes, i + 1) << 8) | (byteAt(bytes, i + 2) << 16) |
      (byteAt(bytes, i + 3) << 24);
    c = (t3[c & 0xff] as number) ^ (t2[(c >>> 8) & 0xff] as number) ^
      (t1[(c >>> 16) & 0xff] as number) ^ (t0[c >>> 24] as number);
  }
  for (; i < bytes.length; i++) c = (c >>> 8) ^ (t0[(c ^ byteAt(bytes, i)) & 0xff] as number);
  return ~c >>> 0;
}

/**
 * The Adler-32 of `bytes`.
 *
 * @param adler the checksum of what came before, 1 at the start
 * @returns an unsigned 32-bit number
 */
export function adler32(bytes: Uint8Array, adler = 1): number {
  let a = adler & 0xffff;
  let b = adler >>> 16;
  for (let i = 0; i < bytes.length;) {
    // 3800 additions of two growing sums stay below 2^31.
    for (const end = Math.min(i + 3800, bytes.length); i < end; i++) {
      a += byteAt(bytes, i);
      b += a;
    }
    a %= 65521;
    b %= 65521;
  }
  return ((b << 16) | a) >>> 0;
}

function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] as number;
}
