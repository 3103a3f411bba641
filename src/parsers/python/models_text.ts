/**
 * Functions that make or decode texts: `str`, `bytes`, `base64.b64decode`.
 *
 * @module
 */

import { foldFunction } from "./fold.ts";
import { HANDED_METHODS } from "./objects.ts";
import type { ModelCall, Rooms, TextModelsRoom } from "./rooms.ts";
import {
  type Arguments,
  type Constant,
  constantOf,
  elementsInOrder,
  union,
  UNKNOWN_CONSTANT,
  UNKNOWN_HIDDEN,
  unknownOf,
  type Values,
} from "./values.ts";

/** What gives a text of values of the source. */
const SHOWN = /^builtins\.(?:str|repr|format)$/u;

/** Functions that make or decode texts: `str`, `bytes`, `base64.b64decode`. */
export class TextModels implements TextModelsRoom {
  readonly #rooms: Rooms;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
  }

  /** Functions that make or decode texts; undefined for all others. */
  model(call: ModelCall): Values | undefined {
    const { path, name, given, site, value } = call;
    const [first = [], second = []] = given.positions;
    const at = site?.site ?? value;
    switch (name) {
      case "str":
      case "repr":
      case "bytes":
      case "bytearray":
      case "ord":
      case "chr":
      case "int":
      case "format":
      case "ascii":
      case "print":
      case "len":
      case "hash":
      case "bool":
      case "float":
      case "round":
      case "abs":
      case "isinstance":
      case "issubclass":
      case "callable":
      case "id":
      case "object":
      case "bytes.fromhex":
      case "bytearray.fromhex":
        return this.#text(path, given, at);
      case "textwrap.dedent":
        return this.#dedented(first);
      case "base64.b64decode":
      case "base64.standard_b64decode":
      case "base64.urlsafe_b64decode":
      case "base64.decodebytes":
      case "base64.b16decode":
      case "binascii.unhexlify":
      case "binascii.a2b_hex":
      case "binascii.a2b_base64":
      case "zlib.decompress":
      case "codecs.decode":
      case "codecs.encode": {
        const folded = this.#folded(path, given);
        if (folded !== undefined) return [folded];
        this.#rooms.records.note(path, true, site, given);
        return [this.#rooms.heap.outer(path, true, at, this.#rooms.calls.carried(given))];
      }
      case "str.join": {
        let all: Values = [];
        for (const each of first) {
          if (each.kind === "constant") {
            all = union(all, this.#rooms.methods.join(each, { ...given, positions: [second] }, at));
          }
        }
        return all;
      }
    }
    return undefined;
  }

  /** The same texts without their indents; undefined where one of them is not the source's own. */
  #dedented(texts: Values): Values | undefined {
    let all: Values = [];
    for (const each of texts) {
      if (each.kind === "constant") {
        const isKnown = typeof each.value === "string";
        all = union(all, [
          isKnown ? foldFunction("textwrap.dedent", [each]) ?? unknownOf(each) : each,
        ]);
      } else if (each.kind === "outer" && each.called && SHOWN.test(each.path)) {
        all = union(all, [each]);
      } else return undefined;
    }
    return all.length > 0 ? all : undefined;
  }

  #folded(path: string, given: Arguments): Constant | undefined {
    if (given.named.size > 0 || given.rest.length > 0) return undefined;
    const constants: Constant[] = [];
    for (const each of given.positions) {
      const [only] = each;
      if (each.length !== 1 || only?.kind !== "constant" || only.value === undefined) {
        return undefined;
      }
      constants.push(only);
    }
    return foldFunction(path, constants);
  }

  #text(path: string, given: Arguments, site: object): Values {
    for (const set of [...given.positions, ...given.named.values()]) {
      for (const each of set) {
        if (each.kind === "instance") this.#rooms.objects.deferOwn(each.of, HANDED_METHODS);
      }
    }
    const [first = []] = given.positions;
    const [only] = first;
    if (
      (path === "builtins.bytes" || path === "builtins.bytearray") && only?.kind === "container"
    ) {
      const numbers = elementsInOrder(only);
      if (numbers?.every(({ value }) => typeof value === "number")) {
        const text = numbers.map(({ value }) => String.fromCharCode(Number(value) & 0xff)).join("");
        return [constantOf(text, true, text.length > 0)];
      }
    }
    const folded = this.#folded(path, given);
    if (folded !== undefined) return [folded];
    const carried = this.#rooms.calls.carried(given);
    if (carried.some(({ kind }) => kind !== "constant")) {
      return [this.#rooms.heap.outer("builtins.str", true, site, carried)];
    }
    if (/^builtins\.(?:chr|ord|bytes|bytearray)/u.test(path)) return [UNKNOWN_HIDDEN];
    return first.some(({ kind }) => kind === "constant") ? [UNKNOWN_CONSTANT] : [];
  }
}
