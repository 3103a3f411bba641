/**
 * joblib's files: pickles between whose opcodes raw arrays lie, of any length that their wrapper states,
 * and whose bytes are opcodes to loaders that do not step over them. `joblib/numpy_pickle.py`
 *
 * @module
 */

import { deflateSync, gzipSync } from "node:zlib";
import { HARMFUL_PICKLES, join, little, type Piece } from "./bytes.ts";
import type { Dice } from "./dice.ts";
import type { Generated } from "./generated.ts";

const NONE = "N";
const TRUE = join([0x88]);

function text(value: string): Piece {
  return join("X", little(4, join(value).length), value);
}

function number(value: number): Piece {
  if (value >= 0 && value < 256) return join("K", [value]);
  return join("J", little(4, value));
}

/** A dtype as numpy reduces it, with or without the state that says its order of bytes. */
function dtype(dice: Dice): { pickled: Piece; width: number; objects: boolean } {
  const [name, width] = dice.pick<readonly [string, number]>([
    ["f8", 8],
    ["f8", 8],
    ["i4", 4],
    ["b1", 1],
    ["S3", 3],
    ["U2", 8],
    ["O8", 8],
    ["O", 8],
    ["<f4", 4],
    ["S0", 0],
    ["V16", 16],
    ["x", 0],
  ]);
  const state = join(
    "(",
    number(3),
    text(dice.pick(["<", ">", "|"])),
    NONE,
    NONE,
    NONE,
    number(-1),
  );
  const build = dice.chance(1, 4) ? "" : join(state, number(-1), number(0), "tb");
  const made = join("cnumpy\ndtype\n(", text(name), number(0), number(1), "tR", build);
  return { pickled: made, width, objects: name.includes("O") };
}

/** A wrapper and what follows it in the file. */
function array(dice: Dice): Piece {
  const { pickled, width, objects } = dtype(dice);
  const shape = Array.from(
    { length: dice.below(3) },
    () => dice.chance(1, 12) ? dice.pick([-1, 0, 255, 0x7fff_ffff]) : 1 + dice.below(6),
  );
  const alignment = dice.pick(["none", "none", "there", "there", "there", "missing"]);
  const members: Piece[] = [
    join(text("subclass"), "cnumpy\nndarray\n"),
    join(text("shape"), "(", ...shape.map(number), "t"),
    join(text("order"), text(dice.pick(["C", "F"]))),
    join(text("dtype"), pickled),
    join(text("allow_mmap"), TRUE),
  ];
  if (alignment !== "missing") {
    const value = alignment === "none" ? NONE : number(16);
    members.push(join(text("numpy_array_alignment_bytes"), value));
  }
  if (dice.chance(1, 15)) members.splice(dice.below(members.length), 1);
  if (dice.chance(1, 15)) members.push(join(text("shape"), "(", number(dice.below(40)), "t"));
  const state = dice.chance(1, 20)
    ? join("(", ...members, "d", NONE, [0x86])
    : join("}(", ...members, "u");
  const wrapper = join("cjoblib.numpy_pickle\nNumpyArrayWrapper\n)", [0x81], state, "b");
  if (objects) return join(wrapper, dice.pick([...HARMFUL_PICKLES, join([0x80, 3], "].")]));
  const padding = alignment === "there" ? dice.below(16) : undefined;
  const lead = padding === undefined ? [] : join([padding], new Uint8Array(padding).fill(0xff));
  return join(wrapper, lead, raw(dice, shape.reduce((product, size) => product * size, 1) * width));
}

/** Numbers to a loader that steps over them, a pickle to one that does not; now and then too few or too many. */
function raw(dice: Dice, length: number): Uint8Array {
  const sizeError = dice.chance(1, 12) ? dice.pick([-1, 1, 8]) : 0;
  const bytes = new Uint8Array(Math.max(0, Math.min(4096, length + sizeError)));
  if (dice.chance(1, 3)) bytes.set(dice.pick(HARMFUL_PICKLES).subarray(0, bytes.length));
  return bytes;
}

/** A list of arrays and other things. */
export function joblibFile(dice: Dice): Generated {
  const pieces: Piece[] = [[0x80, dice.pick([3, 3, 4])], "]("];
  const times = 1 + dice.below(4);
  for (let at = 0; at < times; at++) {
    if (dice.chance(2, 3)) pieces.push(array(dice));
    else {
      const [first = join()] = HARMFUL_PICKLES;
      pieces.push(dice.pick<Piece>([join(number(1)), text("x"), first.subarray(0, -1)]));
    }
  }
  pieces.push("e.");
  const plain = join(...pieces);
  const pack = dice.pick([
    (bytes: Uint8Array) => bytes,
    (bytes: Uint8Array) => bytes,
    deflateSync,
    gzipSync,
  ]);
  return { name: dice.pick(["m.joblib", "m.pkl"]), bytes: new Uint8Array(pack(plain)) };
}
