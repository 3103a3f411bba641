/**
 * Collections of the global heap on which the HDF5 library, compiled for 32 bits, would go round for
 * ever: it goes from object to object by their sizes, and a step of nothing leads to the same object.
 *
 * HDF5 File Format Specification 3.0, III.E (global heap):
 * https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
 *
 * @module
 */

import { FormatError, LimitError } from "../../core/errors.ts";

/** `GCOL`, and the only version there is. */
const SIGNATURE = [0x47, 0x43, 0x4f, 0x4c, 1];
/** Of a collection, and of each object in it: rounded up to 8 for every width of lengths. */
const HEADER_BYTES = 16;
/**
 * Objects of one file that are checked, those of overlapping collections repeatedly. A model of 1,041 layers,
 * NASNetLarge, has 2,629. CWE-834.
 */
const MOST_OBJECTS = 1 << 20;

/** Checks the collections among the bytes that the library reads from one file. */
export class GlobalHeaps {
  readonly #lengths: number;
  readonly #copy: (at: number, length: number) => Uint8Array;
  /** Collections that are as they should be; the others are asked for again by other calls. */
  readonly #good = new Set<number>();
  #objects = 0;

  /**
   * @param lengths bytes of a length, as the superblock says
   * @param copy gives the file's bytes from a place on, fewer at its end
   */
  constructor(lengths: number, copy: (at: number, length: number) => Uint8Array) {
    this.#lengths = lengths;
    this.#copy = copy;
  }

  /**
   * Must be called before the library gets bytes: a collection may begin in an earlier read and
   * continue in these.
   *
   * @param bytes what is about to be handed out @param at their place in the file
   * @throws FormatError when the library would loop for ever
   * @throws LimitError when a budget is spent; what `copy` throws
   */
  check(bytes: Uint8Array, at: number): void {
    const before = Math.min(at, SIGNATURE.length - 1);
    if (before > 0) this.#search(this.#copy(at - before, 2 * before), at - before);
    this.#search(bytes, at);
  }

  #search(bytes: Uint8Array, at: number): void {
    for (let from = bytes.indexOf(SIGNATURE[0] ?? 0); from >= 0;) {
      if (SIGNATURE.every((byte, index) => bytes[from + index] === byte)) this.#walk(at + from);
      from = bytes.indexOf(SIGNATURE[0] ?? 0, from + 1);
    }
  }

  #walk(start: number): void {
    if (this.#good.has(start)) return;
    const header = this.#copy(start, HEADER_BYTES);
    if (header.length < HEADER_BYTES) return;
    const end = start + this.#low(header);
    for (let at = start + HEADER_BYTES; at + HEADER_BYTES <= end;) {
      if (++this.#objects > MOST_OBJECTS) {
        throw new LimitError("values", `There are more than ${MOST_OBJECTS} heap objects`);
      }
      const object = this.#copy(at, HEADER_BYTES);
      // The library refuses by itself what goes past the end of the file.
      if (object.length < HEADER_BYTES) return;
      const size = this.#low(object);
      const free = object[0] === 0 && object[1] === 0;
      const step = free ? size : HEADER_BYTES + Math.ceil(size / 8) * 8;
      if (step < HEADER_BYTES || at + step > end) {
        throw new FormatError(`A global heap's object has an impossible size, ${size}`, at);
      }
      at += step;
    }
    this.#good.add(start);
  }

  /** The low 32 bits of the length behind the first eight bytes: all that a 32-bit library keeps. */
  #low(header: Uint8Array): number {
    const view = new DataView(header.buffer, header.byteOffset, header.length);
    return this.#lengths === 2 ? view.getUint16(8, true) : view.getUint32(8, true);
  }
}
