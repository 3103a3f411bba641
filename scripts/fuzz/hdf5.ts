/**
 * HDF5 files as trees of groups, datasets, attributes and links, with loops and inconsistent fields; some
 * are Keras models, some hold what PyTables unpickles.
 *
 * @module
 */

import { HARMFUL_PICKLES, join, little, type Piece } from "./bytes.ts";
import type { Dice } from "./dice.ts";
import type { Generated } from "./generated.ts";
import { Hdf5Writer, type Link, type Message } from "./hdf5_writer.ts";
import { jsonText, object } from "./json_texts.ts";

const DEPTH = 3;
const NAMES = [
  "a",
  "model_weights",
  "kernel:0",
  "layer",
  "top_level_model_weights",
  "x".repeat(60),
];
const PATHS = ["/", "/a", "a", "layer/a", "/layer/layer", ".", "/nothing"];
const FILES = ["other.h5", "/etc/passwd", "../x.h5", ""];

/** Datatypes by the specification, IV.A.2.d: integers, floats, opaque bytes, a compound. */
function numberType(writer: Hdf5Writer, dice: Dice): { bytes: Uint8Array; width: number } {
  const integer = join([0x10, 8, 0, 0], writer.number(4, 4), little(2, 0), little(2, 32));
  const float = join(
    join([0x11, 0x20, 0x1f, 0], writer.number(4, 4), little(2, 0), little(2, 32)),
    join([23, 8, 0, 23], little(4, 127)),
  );
  const bytes = dice.pick([integer, float, join([0x15, 0, 0, 0], writer.number(4, 4))]);
  return { bytes, width: 4 };
}

/** A fixed string, or one in the global heap; with what stands where the value is. */
function text(
  writer: Hdf5Writer,
  dice: Dice,
  value: Uint8Array,
): { type: Uint8Array; data: Uint8Array } {
  const charset = dice.below(2);
  if (dice.chance(1, 2)) {
    return { type: join([0x13, charset << 4, 0, 0], writer.number(4, value.length)), data: value };
  }
  const type = join([0x19, 1, charset, 0], little(4, 16), [0x13, charset << 4, 0, 0], little(4, 1));
  const heap = writer.heap(value);
  return {
    type,
    data: join(writer.number(4, value.length), writer.address(heap), writer.number(4, 1)),
  };
}

/** A dataspace: scalar, or of so many elements. */
function space(
  writer: Hdf5Writer,
  dice: Dice,
  dimensions: readonly (number | bigint)[],
): Uint8Array {
  const sizes = dimensions.map((size) => writer.number(8, size));
  if (dice.chance(1, 2)) return join([1, dimensions.length, 0, 0, 0, 0, 0, 0], ...sizes);
  return join([2, dimensions.length, 0, dimensions.length === 0 ? 0 : 1], ...sizes);
}

/** An attribute in one of its versions: the first pads its parts, the third knows a character set. */
function attribute(
  writer: Hdf5Writer,
  dice: Dice,
  name: string,
  type: Uint8Array,
  extent: Uint8Array,
  data: Uint8Array,
): Message {
  const version = dice.pick([1, 3]);
  const padded = (piece: Uint8Array): Piece =>
    version === 1 ? join(piece, new Uint8Array((8 - piece.length % 8) % 8)) : piece;
  const label = join(name, [0]);
  const sizes = [label, type, extent].map((piece) => writer.number(2, piece.length));
  const front = join([version, 0], ...sizes, version === 3 ? [0] : []);
  return { type: 0x0c, data: join(front, padded(label), padded(type), padded(extent), data) };
}

function textAttribute(writer: Hdf5Writer, dice: Dice, name: string, value: Uint8Array): Message {
  const { type, data } = text(writer, dice, value);
  return attribute(writer, dice, name, type, space(writer, dice, []), data);
}

function anyAttribute(writer: Hdf5Writer, dice: Dice): Message {
  if (dice.chance(1, 2)) {
    const value = join(dice.pick(["tensorflow", "3.0.0", "{}", "n.", "x".repeat(300)]));
    return textAttribute(
      writer,
      dice,
      dice.pick(["backend", "keras_version", "CLASS", "a"]),
      value,
    );
  }
  const { bytes, width } = numberType(writer, dice);
  const extent = space(writer, dice, [2]);
  return attribute(writer, dice, "numbers", bytes, extent, new Uint8Array(2 * width));
}

/** A dataset, mostly of zeros that are not there. */
function dataset(writer: Hdf5Writer, dice: Dice): number {
  const { bytes: type, width } = numberType(writer, dice);
  const size = dice.pick<bigint>([0n, 1n, 4n, 4n, 1n << 20n, 1n << 40n, (1n << 62n) - 1n]);
  const dimensions = dice.chance(1, 4) ? [size, 4n] : [size];
  const messages: Message[] = [
    { type: 0x01, data: space(writer, dice, dimensions) },
    { type: 0x03, data: type },
    { type: 0x05, data: join([3, 0x0a]) },
  ];
  const rows = dimensions.map(() => writer.number(4, 1));
  const layouts = [
    () => join([3, 1], writer.address(writer.put(new Uint8Array(32))), writer.number(8, 16)),
    () => join([3, 0], writer.number(2, 16), new Uint8Array(16)),
    () => join([3, 2, dimensions.length + 1], little(8, ~0n), ...rows, writer.number(4, width)),
  ];
  messages.push({ type: 0x08, data: dice.pick(layouts)() });
  if (dice.chance(1, 6)) messages.push(writer.externalFile(dice.pick(FILES), 16));
  if (dice.chance(1, 3)) messages.push(anyAttribute(writer, dice));
  return writer.object(messages);
}

/** What a group lists: objects below it, what was written before, and paths. */
function links(writer: Hdf5Writer, dice: Dice, depth: number, known: number[]): Link[] {
  const count = dice.below(4);
  return Array.from({ length: count }, (_, at): Link => {
    const name = `${dice.pick(NAMES)}${dice.chance(1, 2) ? at : ""}`;
    const kind = dice.below(8);
    if (kind === 0) return { name, kind: "soft", target: dice.pick(PATHS) };
    if (kind === 1) return { name, kind: "external", file: dice.pick(FILES) };
    // Where nothing is yet: behind all that is written so far.
    if (kind === 2 && known.length > 0) return { name, kind: "hard", address: dice.pick(known) };
    const address = kind > 4 && depth < DEPTH
      ? writer.object([
        ...writer.group(links(writer, dice, depth + 1, known)),
        ...(dice.chance(1, 3) ? [anyAttribute(writer, dice)] : []),
      ])
      : dataset(writer, dice);
    known.push(address);
    return { name, kind: "hard", address };
  });
}

/** A Keras model with a layer that is no layer, and whether Keras reads it: as UTF-8 without a mark. */
function configuration(dice: Dice): { bytes: Uint8Array; sound: boolean } {
  const layer = object(["module", "os"], ["class_name", "system"], ["config", object()]);
  const config = object(["name", "m"], ["layers", [layer]]);
  const { bytes, sound } = jsonText(object(["class_name", "Sequential"], ["config", config]), dice);
  return { bytes, sound: sound && bytes[0] !== 0xef && !bytes.includes(0) };
}

/** A file. */
export function hdf5File(dice: Dice): Generated {
  const writer = new Hdf5Writer(dice);
  const known: number[] = [];
  const messages = [...writer.group(links(writer, dice, 0, known))];
  const times = dice.below(3);
  for (let at = 0; at < times; at++) messages.push(anyAttribute(writer, dice));
  const kind = dice.below(3);
  let harm: string | undefined;
  if (kind === 0) {
    const { bytes, sound } = configuration(dice);
    if (sound) harm = "a layer os.system in model_config";
    messages.push(textAttribute(writer, dice, "model_config", bytes));
  } else if (kind === 1) {
    harm = "an attribute that PyTables unpickles";
    // The first is text; zeros would end a string.
    const [pickle = join()] = HARMFUL_PICKLES;
    messages.push(textAttribute(writer, dice, "FILTERS", pickle));
  }
  const bytes = writer.finish(writer.object(messages));
  const name = dice.pick(["m.h5", "m.hdf5", "noname"]);
  return { name, bytes, ...(harm !== undefined && !writer.lied && { planted: harm }) };
}
