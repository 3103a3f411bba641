/**
 * What the files that cost most are put together from.
 *
 * @module
 */

import { join, joinAll, type Piece } from "./bytes.ts";
import type { Generated } from "./generated.ts";

/** Makes about `size` bytes. */
export type Make = (size: number) => Generated;

/** Bytes. */
export const MIB = 1 << 20;
const encoder = new TextEncoder();

/** A text as often as fits. */
export function fill(text: string | Uint8Array, size: number): Uint8Array {
  const unit = typeof text === "string" ? encoder.encode(text) : text;
  const bytes = new Uint8Array(Math.max(unit.length, Math.floor(size / unit.length) * unit.length));
  for (let at = 0; at < bytes.length; at += unit.length) bytes.set(unit, at);
  return bytes;
}

/** A file of pieces. */
export const file = (name: string, ...pieces: readonly Piece[]): Generated => ({
  name,
  bytes: join(...pieces),
});

/** Pieces with a number in each, until they are long enough. */
export function numbered(
  size: number,
  make: (number: number) => string | Uint8Array,
): [Uint8Array] {
  const pieces: Uint8Array[] = [];
  for (let number = 0, length = 0; length < size; number++) {
    const piece = join(make(number));
    pieces.push(piece);
    length += piece.length;
  }
  return [joinAll(pieces)];
}

/** The same as text, with commas between them. */
export function numberedText(size: number, make: (number: number) => string): string {
  const pieces: string[] = [];
  for (let number = 0, length = 0; length < size; number++) {
    const piece = make(number);
    pieces.push(piece);
    length += piece.length + 1;
  }
  return pieces.join(",");
}
