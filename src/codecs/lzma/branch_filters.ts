/**
 * The filters that xz runs before LZMA2, undone: delta, and those that turn the relative addresses of
 * machine code into absolute ones. Models have neither, but Python's `lzma` undoes both, so a payload
 * could be written with them. https://tukaani.org/xz/xz-file-format.txt 5.3.
 *
 * @module
 */

/** Takes more bytes and gives those that are done; all that is left when they were the last. */
export type Filter = (bytes: Uint8Array, last: boolean) => Uint8Array;

/**
 * Each byte is the difference to the one `distance` before it.
 *
 * @param distance 1 to 256
 */
export function deltaFilter(distance: number): Filter {
  const before = new Uint8Array(distance);
  let at = 0;
  return (bytes) => {
    const output = new Uint8Array(bytes.length);
    for (let index = 0; index < bytes.length; index++) {
      const byte = ((bytes[index] as number) + (before[at] as number)) & 0xff;
      output[index] = byte;
      before[at] = byte;
      at = at + 1 === distance ? 0 : at + 1;
    }
    return output;
  };
}

/** Changes addresses in place, and gives how many bytes are done. `position` is that of the first. */
type Convert = (bytes: Uint8Array, position: number) => number;

/**
 * Undoes the conversion of one kind of machine code.
 *
 * @param id of the filter in xz
 * @param start of the first byte, as the filter counts
 * @returns undefined for a filter that is not known here (IA-64, ARM64, RISC-V)
 */
export function branchFilter(id: number, start: number): Filter | undefined {
  const convert = id === 0x04 ? x86() : CONVERSIONS.get(id);
  if (convert === undefined) return undefined;
  let rest: Uint8Array = new Uint8Array(0);
  let position = start;
  return (more, last) => {
    const bytes = new Uint8Array(rest.length + more.length);
    bytes.set(rest);
    bytes.set(more, rest.length);
    const done = convert(bytes, position);
    position = (position + done) >>> 0;
    rest = last ? new Uint8Array(0) : bytes.slice(done);
    return last ? bytes : bytes.subarray(0, done);
  };
}

/** Conversions of each word by itself. */
const CONVERSIONS: ReadonlyMap<number, Convert> = new Map([
  [0x05, words(false, powerPc)],
  [0x07, words(true, arm)],
  [0x08, armThumb],
  [0x09, words(false, sparc)],
]);

function words(little: boolean, undo: (word: number, position: number) => number): Convert {
  return (bytes, position) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = 0;
    for (; at + 4 <= bytes.length; at += 4) {
      const word = view.getUint32(at, little);
      view.setUint32(at, undo(word, (position + at) | 0), little);
    }
    return at;
  };
}

function powerPc(word: number, position: number): number {
  if (word >>> 26 !== 0x12 || (word & 3) !== 1) return word;
  return 0x48000001 | (((word & 0x03fffffc) - position) & 0x03fffffc);
}

function arm(word: number, position: number): number {
  if (word >>> 24 !== 0xeb) return word;
  const target = (((word & 0xffffff) << 2) - (position + 8)) >>> 2;
  return 0xeb000000 | (target & 0xffffff);
}

function armThumb(bytes: Uint8Array, position: number): number {
  const at16 = (at: number) => (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
  const set16 = (at: number, value: number) => {
    bytes[at] = value & 0xff;
    bytes[at + 1] = value >>> 8;
  };
  let at = 0;
  for (; at + 4 <= bytes.length; at += 2) {
    const high = at16(at);
    const low = at16(at + 2);
    if ((high & 0xf800) !== 0xf000 || (low & 0xf800) !== 0xf800) continue;
    const source = ((high & 0x7ff) << 11) | (low & 0x7ff);
    const target = ((source << 1) - (position + at + 4)) >>> 1;
    set16(at, 0xf000 | ((target >>> 11) & 0x7ff));
    set16(at + 2, 0xf800 | (target & 0x7ff));
    at += 2;
  }
  return at;
}

function sparc(word: number, position: number): number {
  const top = word >>> 22;
  if (top !== 0x100 && top !== 0x1ff) return word;
  const target = ((word << 2) - position) >>> 2;
  return (((0 - ((target >>> 22) & 1)) << 22) & 0x3fffffff) | (target & 0x3fffff) | 0x40000000;
}

/** By the opcodes seen in the three bytes before: whether a conversion is possible, and of which byte. */
const X86_ALLOWED = [true, true, true, false, true, false, false, false] as const;
const X86_BYTE = [0, 1, 2, 2, 3, 3, 3, 3] as const;

/** CALL and JMP with four bytes of address, of which the highest is 0 or 255. */
function x86(): Convert {
  let carried = 0;
  return (bytes, position) => {
    if (bytes.length < 5) return 0;
    let at = 0;
    let previous = -1;
    let mask = carried;
    for (; at < bytes.length - 4; at++) {
      if (((bytes[at] as number) & 0xfe) !== 0xe8) continue;
      const distance = at - previous;
      previous = at;
      mask = distance > 3 ? 0 : (mask << (distance - 1)) & 7;
      const blocked = mask !== 0 &&
        (X86_ALLOWED[mask] === false || isSign(bytes[at + 4 - (X86_BYTE[mask] as number)]));
      if (blocked || !isSign(bytes[at + 4])) {
        mask = (mask << 1) | 1;
        continue;
      }
      undoCall(bytes, at + 1, position + at + 5, mask);
      at += 4;
    }
    const distance = at - previous;
    carried = distance > 3 ? 0 : mask << (distance - 1);
    return at;
  };
}

function isSign(byte: number | undefined): boolean {
  return byte === 0 || byte === 0xff;
}

function undoCall(bytes: Uint8Array, at: number, position: number, mask: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 4);
  const shift = (X86_BYTE[mask] as number) * 8;
  let target = (view.getUint32(0, true) - position) | 0;
  while (mask !== 0 && isSign((target >>> (24 - shift)) & 0xff)) {
    const source = target ^ (2 ** (32 - shift) - 1);
    target = (source - position) | 0;
  }
  view.setUint32(0, (target & 0x1ffffff) | -(target & 0x1000000), true);
}
