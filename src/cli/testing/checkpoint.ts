/**
 * Checkpoints of any size for tests, laid out as `torch.save` does, of which only what is not a tensor
 * is in memory.
 *
 * @module
 */

import { crc32 } from "../../codecs/checksums/crc32.ts";
import type { ServedFile } from "./server.ts";

const NOTHING = new Uint8Array(0);
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** One member of an archive. */
interface CheckpointMember {
  readonly name: string;
  /** Zeros behind these, up to `size`. */
  readonly bytes: Uint8Array;
  /** Bytes; those of `bytes` unless given. */
  readonly size?: number;
  /** The name in its own header, should that lie. */
  readonly localName?: string;
  /** Method in both headers; stored unless given. */
  readonly method?: number;
  /** What stands behind the member although no directory says so. */
  readonly behind?: Uint8Array;
  /** Moves the offset that the directory states. */
  readonly shift?: number;
}

/** Little-endian numbers: [value, bytes] each. */
export function numbers(...parts: readonly (readonly [number, number])[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap(([value, bytes]) =>
      Array.from({ length: bytes }, (_, index) => Math.floor(value / 256 ** index) & 255)
    ),
  );
}

/** Pieces in a row. */
export function concatenate(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** A file of which only these pieces are not zero. */
export function sparse(
  size: number,
  pieces: readonly (readonly [number, Uint8Array])[],
): ServedFile {
  return {
    size,
    slice(start, end) {
      const bytes = new Uint8Array(end - start);
      for (const [at, piece] of pieces) {
        const from = Math.max(at, start);
        const to = Math.min(at + piece.length, end);
        if (from < to) bytes.set(piece.subarray(from - at, to - at), from - start);
      }
      return bytes;
    },
  };
}

/**
 * An archive as torch's writer makes it: sizes in a descriptor behind the bytes, each member's bytes at a
 * multiple of 64.
 */
function archiveOf(members: readonly CheckpointMember[]): ServedFile {
  const pieces: [number, Uint8Array][] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (
    const {
      name,
      localName = name,
      bytes,
      size = bytes.length,
      method = 0,
      shift = 0,
      behind = NOTHING,
    } of members
  ) {
    const unpadded = at + 30 + localName.length + 4;
    const padding = (64 - unpadded % 64) % 64;
    const crc = bytes.length === size ? crc32(bytes) : 0;
    const header = concatenate(
      numbers([0x04034b50, 4], [20, 2], [0x808, 2], [method, 2], [0, 4], [0, 4], [0, 4], [0, 4]),
      numbers([localName.length, 2], [4 + padding, 2]),
      encode(localName),
      numbers([0x4246, 2], [padding, 2]),
      new Uint8Array(padding).fill(0x5a),
    );
    const sizes = numbers([crc, 4], [size, 4], [size, 4]);
    const descriptor = concatenate(numbers([0x08074b50, 4]), sizes);
    const after = concatenate(descriptor, behind);
    pieces.push([at, concatenate(header, bytes)], [at + header.length + size, after]);
    directory.push(concatenate(
      numbers([0x02014b50, 4], [20, 2], [20, 2], [0x808, 2], [method, 2], [0, 4]),
      sizes,
      numbers([name.length, 2], [0, 4], [0, 2], [0, 2], [0, 4], [at + shift, 4]),
      encode(name),
    ));
    at += header.length + size + after.length;
  }
  const all = concatenate(...directory);
  const count = members.length;
  const end = numbers([0x06054b50, 4], [0, 4], [count, 2], [count, 2], [all.length, 4], [at, 4], [
    0,
    2,
  ]);
  pieces.push([at, concatenate(all, end)]);
  return sparse(at + all.length + end.length, pieces);
}

/** What a test changes in an ordinary checkpoint. */
export interface CheckpointOptions {
  readonly storages: number;
  /** Bytes of each; a multiple of four. */
  readonly storageBytes: number;
  /** Opcodes before the pickle's end that leave nothing on the stack. */
  readonly also?: Uint8Array;
  /** Keys that the pickle does not name. */
  readonly unnamed?: readonly number[];
  /** Changes members. */
  readonly change?: (member: CheckpointMember) => CheckpointMember | readonly CheckpointMember[];
}

/** A state dictionary of float tensors, one a storage, as `torch.save` pickles it. */
export function checkpoint(options: CheckpointOptions): ServedFile {
  const { storages, storageBytes, also = NOTHING, unnamed = [] } = options;
  const keys = Array.from({ length: storages }, (_, key) => key);
  const elements = storageBytes / 4;
  const text = (value: string) => concatenate(numbers([0x58, 1], [value.length, 4]), encode(value));
  const integer = (value: number) => numbers([0x4a, 1], [value, 4]);
  const tensors = keys.filter((key) => !unnamed.includes(key)).map((key) =>
    concatenate(
      text(`layer.${key}.weight`),
      encode("ctorch._utils\n_rebuild_tensor_v2\n(("),
      text("storage"),
      encode("ctorch\nFloatStorage\n"),
      text(String(key)),
      text("cpu"),
      integer(elements),
      encode("tQK\0"),
      integer(elements),
      // TUPLE1 BININT1 1 TUPLE1 NEWFALSE
      Uint8Array.of(0x85, 0x4b, 1, 0x85, 0x89),
      encode("ccollections\nOrderedDict\n)RtR"),
    )
  );
  const pickle = concatenate(
    Uint8Array.of(0x80, 2),
    encode("}("),
    ...tensors,
    encode("u"),
    also,
    encode("."),
  );
  const members: CheckpointMember[] = [
    { name: "m/data.pkl", bytes: pickle },
    { name: "m/byteorder", bytes: encode("little") },
    ...keys.map((key) => ({
      name: `m/data/${key}`,
      bytes: NOTHING,
      size: storageBytes,
    })),
    { name: "m/version", bytes: encode("3\n") },
    { name: "m/.data/serialization_id", bytes: encode("0".repeat(40)) },
  ];
  return archiveOf(members.flatMap((member) => options.change?.(member) ?? member));
}
