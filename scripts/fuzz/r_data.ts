/**
 * R's serialization from a grammar of items, in its three notations, with wrong lengths, references
 * and types. R Internals 1.8; `WriteItem` and `ReadItem` in R's `src/main/serialize.c`.
 *
 * @module
 */

import { gzipSync } from "node:zlib";
import { big, COMMAND, join, little, type Piece } from "./bytes.ts";
import type { Dice } from "./dice.ts";
import type { Generated } from "./generated.ts";

/** SEXPTYPEs and the codes from 238 on, `Rinternals.h` and `serialize.c`. */
const SYMBOL = 1;
const PAIRLIST = 2;
const CLOSURE = 3;
const ENVIRONMENT = 4;
const PROMISE = 5;
const CALL = 6;
const BUILTIN = 8;
const CHAR = 9;
const INTEGER = 13;
const REAL = 14;
const STRING = 16;
const LIST = 19;
const EXPRESSION = 20;
const BYTECODE = 21;
const EXTERNAL_POINTER = 22;
const RAW = 24;
const S4 = 25;
const ALTREP = 238;
const REPEAT_REFERENCE = 243;
const REPEAT_DEFINITION = 244;
const PACKAGE = 248;
const NAMESPACE = 249;
const UNBOUND = 252;
const GLOBAL = 253;
const NIL = 254;
const REFERENCE = 255;
const HAS_ATTRIBUTES = 1 << 9;
const HAS_TAG = 1 << 10;

const DEPTH = 6;
const NAMES = ["x", "names", "class", ".First", "f", ".Random.seed", "row.names", "dim", ""];
const FUNCTIONS = ["c", "list", "function", "quote", "+", "{", "eval", "readRDS"];
const NUMBERS = [0, 1, 2, -1, -2, 255, 65_536, 0x7fff_ffff, -0x8000_0000];
/** Assigned types, unassigned ones, and every bit of their flags. */
const ANY_TYPE = [
  0,
  7,
  10,
  11,
  12,
  15,
  17,
  18,
  23,
  26,
  237,
  239,
  240,
  241,
  242,
  245,
  246,
  250,
  251,
];

/** One file being written. */
class Writer {
  readonly #dice: Dice;
  readonly #notation: "xdr" | "little" | "ascii";
  readonly #pieces: Piece[] = [];
  /** Names in the table of references, which both sides number alike. */
  #references = 0;
  /** One wrong number in so many; 0 for none. */
  readonly #wrongFields: number;
  lied = false;

  constructor(dice: Dice) {
    this.#dice = dice;
    this.#notation = dice.pick(["xdr", "xdr", "little", "ascii"]);
    this.#wrongFields = dice.chance(1, 2) ? 0 : dice.pick([8, 40, 200]);
  }

  bytes(): Uint8Array {
    return join(...this.#pieces);
  }

  raw(piece: Piece): void {
    this.#pieces.push(piece);
  }

  int(value: number): void {
    if (this.#notation === "ascii") this.raw(`${value === -0x8000_0000 ? "NA" : value}\n`);
    else this.raw(this.#notation === "xdr" ? big(4, value) : little(4, value));
  }

  /** A number that may be wrong. */
  #count(value: number): void {
    const isWrong = this.#wrongFields > 0 && this.#dice.chance(1, this.#wrongFields);
    this.lied ||= isWrong;
    this.int(isWrong ? this.#dice.pick([...NUMBERS, value + 1, value - 1]) : value);
  }

  #real(value: number): void {
    if (this.#notation === "ascii") return this.raw(`${value}\n`);
    const bytes = new Uint8Array(new Float64Array([value]).buffer);
    this.raw(this.#notation === "xdr" ? bytes.reverse() : bytes);
  }

  header(): void {
    const letter = { xdr: "X", little: "B", ascii: "A" }[this.#notation];
    this.raw(`${letter}\n`);
    const version = this.#dice.chance(1, 2) ? 2 : 3;
    this.int(version);
    this.int(0x0004_0301);
    this.int(version === 2 ? 0x0002_0300 : 0x0003_0500);
    if (version === 2) return;
    this.#count(5);
    this.raw(this.#notation === "ascii" ? "UTF-8\n" : "UTF-8");
  }

  #char(text: string): void {
    // Bit 6 of the levels: ASCII.
    this.int(CHAR | 64 << 12);
    this.#count(text.length);
    this.raw(this.#notation === "ascii" ? `${text.replaceAll("\n", "\\n")}\n` : text);
  }

  symbol(name: string): void {
    this.int(SYMBOL);
    this.#char(name);
    this.#references++;
  }

  text(text: string): void {
    this.int(STRING);
    this.#count(1);
    this.#char(text);
  }

  /** `system("echo …")`. */
  call(name: string, argument: string): void {
    this.int(CALL);
    this.symbol(name);
    this.int(PAIRLIST);
    this.text(argument);
    this.int(NIL);
  }

  /** A promise that nothing has looked at: its environment, no value, its expression. */
  promise(): void {
    this.int(PROMISE | HAS_TAG);
    this.int(GLOBAL);
    this.int(UNBOUND);
    this.call("system", COMMAND);
  }

  #vector(type: number, depth: number): void {
    const dice = this.#dice;
    const attributes = dice.chance(1, 4);
    this.int(type | (attributes ? HAS_ATTRIBUTES : 0) | (dice.chance(1, 8) ? 1 << 8 : 0));
    const length = dice.below(4);
    if (dice.chance(1, 30)) {
      this.int(-1);
      this.int(0);
    }
    this.#count(length);
    for (let at = 0; at < length; at++) {
      if (type === STRING) this.#char(dice.pick(NAMES));
      else if (type === LIST || type === EXPRESSION) this.item(depth + 1);
      else if (type === INTEGER) this.int(dice.pick(NUMBERS));
      else if (type === REAL) this.#real(dice.pick(NUMBERS));
      else this.raw(this.#notation === "ascii" ? "0a\n" : [10]);
    }
    if (attributes) this.pairs(depth + 1);
  }

  /** Cells of a list of pairs, with and without names. */
  pairs(depth: number): void {
    const cells = this.#dice.below(3);
    for (let at = 0; at < cells; at++) {
      const tag = this.#dice.chance(3, 4);
      this.int(PAIRLIST | (tag ? HAS_TAG : 0));
      if (tag) this.symbol(this.#dice.pick(NAMES));
      this.item(depth + 1);
    }
    this.int(NIL);
  }

  #cell(type: number, depth: number): void {
    const attributes = this.#dice.chance(1, 6);
    const tag = this.#dice.chance(1, 2);
    this.int(type | (attributes ? HAS_ATTRIBUTES : 0) | (tag ? HAS_TAG : 0));
    if (attributes) this.pairs(depth + 1);
    if (tag) this.#dice.chance(1, 2) ? this.int(GLOBAL) : this.item(depth + 1);
    this.item(depth + 1);
    this.item(depth + 1);
  }

  #environment(depth: number): void {
    this.int(ENVIRONMENT);
    this.#references++;
    this.int(this.#dice.below(2));
    this.int(this.#dice.pick([GLOBAL, GLOBAL, NIL]));
    this.pairs(depth + 1);
    if (this.#dice.chance(1, 2)) this.int(NIL);
    else this.#vector(LIST, depth + 1);
    this.int(NIL);
  }

  /** Code, the number of constants, and constants: vectors, language with repetitions, more code. */
  #bytecode(depth: number, outer = true): void {
    const dice = this.#dice;
    const repeats = dice.below(3);
    if (outer) {
      this.int(BYTECODE);
      this.#count(repeats);
    }
    this.int(INTEGER);
    this.int(2);
    this.int(12);
    this.int(1);
    const constants = dice.below(4);
    this.#count(constants);
    for (let at = 0; at < constants; at++) {
      const kind = dice.below(5);
      if (kind === 0 && depth < DEPTH) {
        this.int(BYTECODE);
        this.#bytecode(depth + 1, false);
      } else if (kind === 1) {
        this.int(REPEAT_DEFINITION);
        this.#count(dice.below(Math.max(1, repeats)));
        this.#language(depth);
      } else if (kind === 2) this.#language(depth);
      else {
        this.int(dice.pick([STRING, INTEGER, NIL]));
        this.item(depth + 1);
      }
    }
  }

  /** `WriteBCLang`: cells without flags, whose values and rests each have their type before them. */
  #language(depth: number): void {
    const dice = this.#dice;
    this.int(CALL);
    this.item(DEPTH + 1);
    if (depth < DEPTH && dice.chance(1, 3)) this.#language(depth + 1);
    else {
      this.int(STRING);
      this.text(dice.pick(FUNCTIONS));
    }
    if (dice.chance(1, 4)) {
      this.int(REPEAT_REFERENCE);
      this.#count(0);
    } else {
      this.int(NIL);
      this.item(DEPTH + 1);
    }
  }

  #names(type: number): void {
    this.int(type);
    this.int(0);
    this.#count(1);
    this.#char(this.#dice.pick(["stats", "base", "methods"]));
    this.#references++;
  }

  #reference(): void {
    const most = Math.max(1, this.#references);
    const index = this.#dice.chance(1, 12) ? this.#dice.pick(NUMBERS) : 1 + this.#dice.below(most);
    this.lied ||= index < 1 || index > this.#references;
    if (index > 0 && index < 1 << 23) return this.int(REFERENCE | index << 8);
    this.int(REFERENCE);
    this.int(index);
  }

  /** Any item. */
  item(depth: number): void {
    const dice = this.#dice;
    if (depth > DEPTH) return this.int(dice.pick([NIL, GLOBAL, UNBOUND]));
    const kind = dice.below(20);
    if (kind < 5) return this.#vector(dice.pick([STRING, INTEGER, REAL, RAW, LIST, LIST]), depth);
    if (kind < 7) return this.#cell(dice.pick([CALL, PAIRLIST, CLOSURE]), depth);
    if (kind === 7) return this.symbol(dice.pick(NAMES));
    if (kind === 8) return this.#reference();
    if (kind === 9) return this.#environment(depth);
    if (kind === 10) return this.#bytecode(depth);
    if (kind === 11) return this.#names(dice.pick([PACKAGE, NAMESPACE]));
    if (kind === 12) return this.#vector(EXPRESSION, depth);
    if (kind === 13) return this.call(dice.pick(FUNCTIONS), "a");
    if (kind === 14) return this.pairs(depth);
    if (kind === 15) return this.text(dice.pick(NAMES));
    if (kind === 16) return this.int(dice.pick([NIL, GLOBAL]));
    this.#rare(depth);
  }

  #rare(depth: number): void {
    const dice = this.#dice;
    const kind = dice.below(this.#wrongFields > 0 ? 5 : 4);
    if (kind === 0) {
      this.int(BUILTIN);
      this.#count(1);
      this.raw(this.#notation === "ascii" ? "c\n" : "c");
    } else if (kind === 1) {
      this.int(EXTERNAL_POINTER);
      this.#references++;
      this.int(NIL);
      this.int(NIL);
    } else if (kind === 2) {
      this.int(S4 | HAS_ATTRIBUTES);
      this.pairs(depth + 1);
    } else if (kind === 3) {
      this.int(ALTREP);
      this.int(PAIRLIST);
      this.symbol(dice.pick(["compact_intseq", "mmap_real", "deferred_string"]));
      this.int(NIL);
      this.item(depth + 1);
      this.int(NIL);
    } else {
      this.lied = true;
      this.int(dice.chance(1, 2) ? dice.pick(ANY_TYPE) : dice.word() | 0);
    }
  }
}

/** An object of `saveRDS` or a workspace of `save`; some hold a promise where only attackers put one. */
export function rData(dice: Dice): Generated {
  const writer = new Writer(dice);
  const workspace = dice.chance(1, 3);
  if (workspace) writer.raw(dice.pick(["RDX2\n", "RDX3\n", "RDA3\n", "RDB3\n"]));
  writer.header();
  const harmful = dice.chance(1, 2);
  const before = dice.below(3);
  if (workspace) {
    for (let at = 0; at < before; at++) variable(writer, () => writer.item(1));
    if (harmful) variable(writer, () => writer.promise());
    writer.int(NIL);
  } else if (harmful) {
    writer.int(LIST);
    writer.int(before + 1);
    for (let at = 0; at < before; at++) writer.item(1);
    writer.promise();
  } else writer.item(0);
  const plain = writer.bytes();
  const packed = dice.chance(1, 3);
  return {
    name: workspace ? dice.pick(["m.RData", "m.rda"]) : dice.pick(["m.rds", "noname"]),
    bytes: packed ? new Uint8Array(gzipSync(plain)) : plain,
    ...(harmful && !writer.lied && { planted: "a promise that calls system()" }),
  };
}

function variable(writer: Writer, value: () => void): void {
  writer.int(PAIRLIST | HAS_TAG);
  writer.symbol("x");
  value();
}
