/**
 * CRC-64 as xz uses it (ECMA-182, reflected), in two halves of 32 bits.
 *
 * @module
 */

const POLYNOMIAL_HIGH = 0xc96c5795;
const POLYNOMIAL_LOW = 0xd7870f42;

const HIGH = new Int32Array(256);
const LOW = new Int32Array(256);
for (let byte = 0; byte < 256; byte++) {
  let high = 0;
  let low = byte;
  for (let bit = 0; bit < 8; bit++) {
    const carry = low & 1;
    low = (low >>> 1) | (high << 31);
    high >>>= 1;
    if (carry === 1) {
      high ^= POLYNOMIAL_HIGH;
      low ^= POLYNOMIAL_LOW;
    }
  }
  HIGH[byte] = high;
  LOW[byte] = low;
}

/** An incremental CRC-64. */
export class Crc64 {
  #high = -1;
  #low = -1;

  update(bytes: Uint8Array): void {
    let high = this.#high;
    let low = this.#low;
    for (const byte of bytes) {
      const index = (low ^ byte) & 0xff;
      low = ((low >>> 8) | (high << 24)) ^ (LOW[index] as number);
      high = (high >>> 8) ^ (HIGH[index] as number);
    }
    this.#high = high;
    this.#low = low;
  }

  /** True when eight bytes, the lowest first, are this checksum. */
  equals(stated: Uint8Array): boolean {
    const view = new DataView(stated.buffer, stated.byteOffset, stated.length);
    return view.getUint32(0, true) === ~this.#low >>> 0 &&
      view.getUint32(4, true) === ~this.#high >>> 0;
  }
}
