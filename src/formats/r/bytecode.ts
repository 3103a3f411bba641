/**
 * Bytecode in an R serialization: instructions, which nothing needs, and constants, among which is the
 * code that they were made from; `ReadBC`, `ReadBC1`, `ReadBCConsts` and `ReadBCLang` in R's
 * `src/main/serialize.c`.
 *
 * @module
 */

import { OTHER, type RValue } from "./code.ts";
import type { Frame, Walk } from "./walk.ts";
import { BYTECODE_CELLS, HAS_ATTRIBUTES, TYPE } from "./types.ts";

/** Constants of one piece of bytecode that are kept; R's compiler makes a few hundred. CWE-770. */
const CONSTANTS = 100_000;

/** Cells that are used more than once, by their number. */
type Repeats = Map<number, RValue>;

/** Instructions and constants, with the constants of bytecode within bytecode. */
export class BytecodeFrame implements Frame {
  readonly #flags: number;
  readonly #repeats: Repeats;
  readonly #constants: RValue[] = [];
  #phase: "code" | "count" | "constants" | "attributes" = "code";
  #remaining = 0;

  /** @param repeats of the bytecode around it; none for the outermost */
  constructor(flags: number, repeats: Repeats = new Map()) {
    this.#flags = flags;
    this.#repeats = repeats;
  }

  step(items: Walk): void {
    if (this.#phase === "code") return items.item("value", false);
    if (this.#phase === "count") {
      this.#remaining = items.count32();
      this.#phase = "constants";
    }
    if (this.#phase === "constants" && this.#remaining-- > 0) {
      const type = items.reader.int();
      if (type === TYPE.bytecode) return items.push(new BytecodeFrame(0, this.#repeats));
      if (BYTECODE_CELLS.has(type)) return items.push(new CellFrame(type, this.#repeats));
      return items.item("value", true);
    }
    const attributes = this.#phase === "constants" && (this.#flags & HAS_ATTRIBUTES) !== 0;
    this.#phase = "attributes";
    if (attributes) items.item("value", false);
    else this.#end(items);
  }

  take(value: RValue, items: Walk): void {
    if (this.#phase === "code") this.#phase = "count";
    else if (this.#phase === "attributes") this.#end(items);
    else if (this.#constants.length < CONSTANTS) {
      items.count();
      this.#constants.push(value);
    }
  }

  #end(items: Walk): void {
    items.pop({ kind: "bytecode", constants: this.#constants });
  }
}

interface Cell {
  readonly call: boolean;
  /** Its number among those used more than once. */
  readonly number: number | undefined;
  readonly tag: string;
  readonly car: RValue;
}

/** Code among constants: a chain of cells whose values and rests are announced by their types. */
class CellFrame implements Frame {
  readonly #repeats: Repeats;
  readonly #cells: Cell[] = [];
  #type: number;
  #number: number | undefined;
  #tag = "";
  #phase: "begin" | "attributes" | "tag" | "car" | "next" | "rest" = "begin";

  constructor(type: number, repeats: Repeats) {
    this.#type = type;
    this.#repeats = repeats;
  }

  step(items: Walk): void {
    switch (this.#phase) {
      case "begin":
        return this.#begin(items);
      case "attributes":
        return items.item("value", false);
      case "tag":
        return items.item("value", true);
      case "car":
        return this.#value(items.reader.int(), items);
      default:
        return this.#next(items);
    }
  }

  #begin(items: Walk): void {
    this.#number = undefined;
    this.#tag = "";
    if (this.#type === TYPE.repeatReference) {
      this.#phase = "rest";
      return this.take(this.#repeats.get(items.reader.int()) ?? OTHER, items);
    }
    if (this.#type === TYPE.repeatDefinition) {
      this.#number = items.reader.int();
      this.#type = items.reader.int();
    }
    const attributes = this.#type === TYPE.attributedCall || this.#type === TYPE.attributedPairlist;
    this.#phase = attributes ? "attributes" : "tag";
  }

  /** `ReadBCLang`: a cell where the type says so, an item of any kind otherwise. */
  #value(type: number, items: Walk): void {
    if (BYTECODE_CELLS.has(type)) items.push(new CellFrame(type, this.#repeats));
    else items.item("value", true);
  }

  #next(items: Walk): void {
    const type = items.reader.int();
    if (BYTECODE_CELLS.has(type)) {
      this.#type = type;
      this.#phase = "begin";
      return;
    }
    this.#phase = "rest";
    items.item("value", true);
  }

  take(value: RValue, items: Walk): void {
    if (this.#phase === "attributes") this.#phase = "tag";
    else if (this.#phase === "tag") {
      if (value.kind === "symbol") this.#tag = value.name;
      this.#phase = "car";
    } else if (this.#phase === "car") {
      items.count();
      const call = this.#type === TYPE.call || this.#type === TYPE.attributedCall;
      this.#cells.push({ call, number: this.#number, tag: this.#tag, car: value });
      this.#phase = "next";
    } else items.pop(this.#listOfCells(value));
  }

  #listOfCells(rest: RValue): RValue {
    let value = rest;
    for (let at = this.#cells.length - 1; at >= 0; at--) {
      const cell = this.#cells[at];
      if (cell === undefined) continue;
      const { call, number, tag, car } = cell;
      value = { kind: "cell", call, tag, car, cdr: value };
      if (number !== undefined) this.#repeats.set(number, value);
    }
    return value;
  }
}
