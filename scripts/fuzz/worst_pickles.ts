/**
 * Pickles that cost as much as possible.
 *
 * @module
 */

import { deflateSync } from "node:zlib";
import { join, little } from "./bytes.ts";
import { file, fill, type Make, MIB, numbered } from "./worst_pieces.ts";

/** By name. */
export const WORST_PICKLES: Readonly<Record<string, Make>> = {
  "pickle: streams of two opcodes": (size) => file("m.pkl", fill("N.", size)),
  "pickle: streams that call": (size) => file("m.pkl", fill("cos\nsystem\n)R.", size)),
  "pickle: calls of other globals each": (size) =>
    file("m.pkl", ...numbered(size, (n) => `ca${n}\nb\n)R0`), "N."),
  "pickle: imports of one module": (size) =>
    file("m.pkl", ...numbered(size, (n) => `cos\na${n}\n0`), "N."),
  "pickle: marks": (size) => file("m.pkl", fill("(", size), "N."),
  "pickle: tuples in tuples": (size) => file("m.pkl", "N", fill(Uint8Array.of(0x85), size), "."),
  "pickle: doubling by memo": (size) => file("m.pkl", "]q\0", fill("(h\0h\0lq\0", size), "."),
  "pickle: doubling that is called": (size) =>
    file("m.pkl", "cos\nsystem\n]q\0", fill("(h\0h\0lq\0", size), [0x85], "R."),
  "pickle: strings doubled by join": (size) =>
    file("m.pkl", "Va\nq\0", fill("cbuiltins\nstr.join\n(V,\n(h\0h\0ltRq\0", size), "."),
  "pickle: strings doubled by add": (size) =>
    file("m.pkl", "Va\nq\0", fill("coperator\nadd\n(h\0h\0tRq\0", size), "."),
  "pickle: zlib in zlib": (size) =>
    file("m.pkl", "czlib\ndecompress\n(B", ...bytes4(deflateSync(fill("\0", size * 200))), "tR."),
  "pickle: many zlib bombs": (size) => {
    const bomb = deflateSync(fill("\0", 4 * MIB));
    const one = join("czlib\ndecompress\n(B", little(4, bomb.length), bomb, "tR0");
    return file("m.pkl", fill(one, size), "N.");
  },
  "pickle: long numbers in decimal": (size) => file("m.pkl", "L", fill("9", size), "L\n."),
  "pickle: long numbers in binary": (size) =>
    file("m.pkl", [0x8b], little(4, size), fill("\x7f", size), "."),
  "pickle: numbers of 64 KiB": (size) =>
    file("m.pkl", fill(join("L", fill("7", 65_530), "L\n0"), size), "N."),
  "pickle: one name": (size) => file("m.pkl", "c", fill("a.", size), "\nb\n."),
  "pickle: names of 64 KiB": (size) =>
    file("m.pkl", fill(join("c", fill("a.", 65_520), "\nb\n0"), size), "N."),
  "pickle: dotted attribute": (size) => file("m.pkl", "cos\n", fill("a.", size), "b\n."),
  "pickle: junk behind a corrupt stream": (size) =>
    file("m.pkl", "cos\nsystem\n\xff", fill("(S", size)),
  "pickle: headers behind a corrupt stream": (size) =>
    file("m.pkl", [0x80, 2, 0xff], fill(Uint8Array.of(0x80, 2), size)),
  "pickle: imports behind a corrupt stream": (size) =>
    file("m.pkl", [0x80, 2, 0xff], fill("ca\n", size)),
  "pickle: marks behind a corrupt stream": (size) =>
    file("m.pkl", [0x80, 2, 0xff], fill("(ca\nb\n", size)),
  "pickle: long lines behind a corrupt stream": (size) =>
    file("m.pkl", [0x80, 2, 0xff], fill("(V", size)),
  "pickle: runs of opcodes behind a corrupt stream": (size) =>
    file("m.pkl", [0x80, 2, 0xff], fill(join("(d", fill("N0", 3000), [0xff]), size)),
  "pickle: short corrupt streams": (size) =>
    file("m.pkl", [0x80, 2, 0xff], fill(join("(d", fill("N0", 60), [0xff]), size)),
  "pickle: short corrupt streams that call": (size) =>
    file("m.pkl", [0x80, 2, 0xff], fill(join("cos\nsystem\n)R", [0xff]), size)),
  "pickle: frames in frames": (size) =>
    file("m.pkl", [0x80, 4], fill(join([0x95], little(8, 3)), size), "N."),
  "pickle: frames that strings straddle": (size) =>
    file("m.pkl", [0x80, 4], fill(join([0x95], little(8, 3), [0x8c, 4], "aaaa", "0"), size), "N."),
  "pickle: memo read in many streams": (size) => file("m.pkl", fill("Nq\0h\0.", size)),
  "pickle: constants that are pickles": (size) =>
    file("m.pkl", fill(join("C", [12], [0x80, 2], "cos\na\n)R.", "0"), size), "N."),
  "pickle: base64 that is a pickle": (size) => {
    const inner = btoa("cos\nsystem\n(S'a'\ntR.");
    return file("m.pkl", fill(join("X", little(4, inner.length), inner, "0"), size), "N.");
  },
  "pickle: pickles in pickles": (size) => {
    let inner = join("N.");
    while (inner.length < size / 300) inner = join("B", little(4, inner.length), inner, ".");
    return file("m.pkl", fill(join("B", little(4, inner.length), inner, "0"), size), "N.");
  },
  "pickle: getattr chains": (size) =>
    file("m.pkl", "cos\nsystem\nq\0", fill("cbuiltins\ngetattr\n(h\0Va\ntRq\0", size), "."),
  "pickle: partials in partials": (size) =>
    file("m.pkl", "cos\nsystem\nq\0", fill("cfunctools\npartial\n(h\0tRq\0", size), "."),
  "pickle: wide arguments": (size) => file("m.pkl", "cos\nsystem\n(", fill("Va\n", size), "tR."),
  "pickle: build with wide state": (size) =>
    file("m.pkl", "cos\nsystem\n(", fill("Va\nN", size), "db."),
  "pickle: extensions": (size) =>
    file("m.pkl", ...numbered(size, (n) => join([0x84], little(4, n + 1), "0")), "N."),
  "pickle: persistent ids": (size) => file("m.pkl", ...numbered(size, (n) => `P${n}\n0`), "N."),
  "pickle: memo indices far apart": (size) =>
    file("m.pkl", ...numbered(size, (n) => join("Nr", little(4, n * 4099), "0")), "N."),
  "pickle: setitem on modules": (size) =>
    file("m.pkl", "csys\nmodules\n", ...numbered(size, (n) => `Vk${n}\nNs`), "."),
};

function bytes4(bytes: Uint8Array): [Uint8Array, Uint8Array] {
  return [little(4, bytes.length), bytes];
}
