/**
 * Writes 7-Zip archives with a plain directory, for tests: 7zFormat.txt of the LZMA SDK.
 *
 * @module
 */

import { crc32 } from "../../codecs/checksums/crc32.ts";

/** One member. */
interface TestMember {
  readonly name: string;
  readonly data: Uint8Array;
}

/** How the one block of the archive is coded. */
interface TestCoder {
  readonly id: readonly number[];
  readonly properties: readonly number[];
  /** What the members become. */
  readonly packed: Uint8Array;
  /** Bytes of each member, where they are not those of its data. */
  readonly sizes?: readonly number[];
}

/** A number as 7-Zip writes it: the leading ones of the first byte count the bytes that follow. */
function number(value: number): number[] {
  let following = 0;
  while (following < 8 && value >= 2 ** (7 * (following + 1))) following++;
  const low: number[] = [];
  let rest = value;
  for (let at = 0; at < following; at++) {
    low.push(rest % 256);
    rest = Math.floor(rest / 256);
  }
  const ones = (0xff00 >> following) & 0xff;
  return [ones | (following < 7 ? rest : 0), ...low];
}

function names(members: readonly { readonly name: string }[]): Uint8Array {
  const text = members.map(({ name }) => `${name}\0`).join("");
  const bytes = new Uint8Array(1 + text.length * 2);
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    bytes[1 + at * 2] = unit & 0xff;
    bytes[2 + at * 2] = unit >>> 8;
  }
  return bytes;
}

/** An archive of members, stored unless a coder says otherwise; empty ones have no stream. */
export function sevenZip(members: readonly TestMember[], coder?: TestCoder): Uint8Array {
  const full = members.filter(({ data }, at) => (coder?.sizes?.[at] ?? data.length) > 0);
  const sizes = coder?.sizes ?? full.map(({ data }) => data.length);
  const packed = coder?.packed ?? concatenate(full.map(({ data }) => data));
  const { id = [0], properties = [] } = coder ?? {};
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const coded = [
    ...[0x06, 0, 1, 0x09, ...number(packed.length), 0],
    ...[0x07, 0x0b, 1, 0, 1, id.length | (properties.length > 0 ? 0x20 : 0), ...id],
    ...(properties.length > 0 ? [...number(properties.length), ...properties] : []),
    ...[0x0c, ...number(total), 0],
    ...[0x08, 0x0d, ...number(sizes.length), 0x09],
    ...sizes.slice(0, -1).flatMap(number),
    ...[0, 0],
  ];
  const named = names(members);
  const empty = new Uint8Array(Math.ceil(members.length / 8));
  members.forEach((member, at) => {
    const byte = at >> 3;
    if (!full.includes(member)) empty[byte] = (empty[byte] ?? 0) | (0x80 >> (at & 7));
  });
  const anyEmpty = full.length < members.length;
  const emptyStreams = anyEmpty ? [0x0e, ...number(empty.length)] : [];
  const directory = concatenate([
    Uint8Array.of(0x01, ...(full.length > 0 ? [0x04, ...coded] : []), 0x05),
    Uint8Array.from(number(members.length)),
    Uint8Array.from(emptyStreams),
    anyEmpty ? empty : new Uint8Array(0),
    ...(anyEmpty ? [Uint8Array.of(0x0f), Uint8Array.from(number(empty.length)), empty] : []),
    Uint8Array.of(0x11, ...number(named.length)),
    named,
    Uint8Array.of(0, 0),
  ]);
  const start = new Uint8Array(32);
  const view = new DataView(start.buffer);
  start.set([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c, 0, 4]);
  view.setUint32(12, packed.length, true);
  view.setUint32(20, directory.length, true);
  view.setUint32(28, crc32(directory), true);
  view.setUint32(8, crc32(start.subarray(12)), true);
  return concatenate([start, packed, directory]);
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Bytes that one chunk of zeros becomes. */
const ZERO_CHUNK_BYTES = 2_096_914;
/** That many zeros as an LZMA2 chunk that starts anew, as liblzma writes it. */
const ZERO_CHUNK = Uint8Array.from(
  atob(
    "//8RAWxdAABv/f//o7f/Rz5IFXI5YVG4kijmo4YH+e7kHoLTL8U6PAFLsX7JiopNL6MN2X+m44wjEVPgWRjFdYri" +
      "d/i2lH8MasDedElk4ulcU7IE2PdEDKtfDW1G6eXDdoi3llestk3haR1v+0uIEGxCy4g/XACP0E6vJiiUcR89jyTh" +
      "cJ6nI1/sKMuF0ZWYin4qkfIndfcZwAaYTZj92K/VkA/EJVP49ZE2MQWlsO5vwXBNRwzRkRGqrWAdus6xJxhcWYbp" +
      "ZlJYvul2rFnk5VsFCPnH2q38+1IrdM0eWyBC+d1TPfgpZAk7gMsqbN+1O/DEvS5fqg8+S2ZCkBMO/xCT+HF4WfgL" +
      "zf+VKEYPqfx83vuaMC5WwI+F84OBwGXEJVP49ZE2MQWlsO5vwXBNRwzRkRGqrWAdus6xJxhcWYbpZlJYvul2rFnk" +
      "5VsFCPnH2q38+1IrdM0eWyBC+d1TPfgpZAk7gMsqbN+1O/DEvEgn5lg=",
  ),
  (character) => character.charCodeAt(0),
);

/** Zeros without end to speak of, and other bytes before and behind them, as one LZMA2 stream. */
export function zeros(chunks: number, before: Uint8Array, behind: Uint8Array): TestCoder {
  const stored = (bytes: Uint8Array) =>
    concatenate([
      Uint8Array.of(1, (bytes.length - 1) >> 8, (bytes.length - 1) & 0xff),
      bytes,
    ]);
  const parts = [stored(before), ...new Array<Uint8Array>(chunks).fill(ZERO_CHUNK)];
  return {
    id: [0x21],
    properties: [24],
    packed: concatenate([...parts, stored(behind), Uint8Array.of(0)]),
    sizes: [before.length, chunks * ZERO_CHUNK_BYTES, behind.length],
  };
}
