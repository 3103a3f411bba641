/**
 * Pieces that generated files are put together from.
 *
 * @module
 */

/** Bytes, text as UTF-8, or single bytes. */
export type Piece = Uint8Array | string | readonly number[];

/** Pieces one after the other. */
export function join(...pieces: readonly Piece[]): Uint8Array {
  return joinAll(pieces);
}

/** The same for more pieces than a call may have arguments. */
export function joinAll(pieces: readonly Piece[]): Uint8Array {
  const arrays = pieces.map((piece) => typeof piece === "string" ? utf8.encode(piece) : piece);
  const joined = new Uint8Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    joined.set(array, at);
    at += array.length;
  }
  return joined;
}

const utf8 = new TextEncoder();

/** An unsigned number in `width` bytes, the least significant first; higher bits are dropped. */
export function little(width: number, value: number | bigint): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  return Uint8Array.from({ length: width }, () => {
    const byte = Number(rest & 0xffn);
    rest >>= 8n;
    return byte;
  });
}

/** The same, the most significant byte first. */
export function big(width: number, value: number | bigint): Uint8Array {
  return little(width, value).reverse();
}

/** A protobuf varint of 64 bits. */
export function varint(value: number | bigint): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return Uint8Array.from([...bytes, Number(rest)]);
}

/** Boundary values: around the ends of every width, and those whose products overflow. */
export const BOUNDARIES: readonly bigint[] = [
  ...[0n, 1n, 2n, 3n, 4n, 8n, 16n, 255n, 256n, 512n, 1000n, 4095n, 4096n, 4097n, 65_535n, 65_536n],
  ...[7n, 8n, 15n, 16n, 24n, 31n, 32n, 33n, 47n, 53n, 56n, 62n, 63n].flatMap((bits) => [
    (1n << bits) - 1n,
    1n << bits,
    (1n << bits) + 1n,
  ]),
  ...[0xffff_fffen, 0xffff_ffff_ffff_fffen, 0xffff_ffff_ffff_ffffn],
];

/** The payload of harmful samples, which are never loaded here. */
export const COMMAND = "echo modelaudit";

/** Harmful pickles, each of which imports `posix` or `os` and calls `system`. */
export const HARMFUL_PICKLES: readonly Uint8Array[] = [
  join(`cos\nsystem\n(S'${COMMAND}'\ntR.`),
  join([0x80, 2], `cposix\nsystem\nq\0X`, little(4, COMMAND.length), COMMAND, [0x85], "R."),
  join(
    [0x80, 4, 0x95],
    little(8, 16 + COMMAND.length),
    [0x8c, 2],
    "os",
    [0x8c, 6],
    "system",
    [0x93, 0x8c, COMMAND.length],
    COMMAND,
    [0x85],
    "R.",
  ),
];

/** A pickle that does nothing. */
export const HARMLESS_PICKLE = join([0x80, 2], "}X", little(4, 3), "lr1K", [5], "s.");
