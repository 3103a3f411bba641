/**
 * Pairs in an R serialization: lists, calls, functions, promises. Each is a cell with an optional tag
 * (a name, or the environment of a function or promise), a value and a rest; chains of them are read
 * in a loop (`ReadItem_Iterative` in R's `src/main/serialize.c`).
 *
 * @module
 */

import { isCall, OTHER, type RClosure, type RValue } from "./code.ts";
import type { Frame, Place, Walk } from "./walk.ts";
import { ACTIVE_BINDING, HAS_ATTRIBUTES, HAS_TAG, PAIRS, TYPE } from "./types.ts";

/** A cell that is kept until the rest of its chain has been read. */
interface Cell {
  readonly type: number;
  readonly place: Place;
  readonly tag: string;
  readonly car: RValue;
  readonly offset: number;
}

/** A chain of pairs. */
export class PairFrame implements Frame {
  readonly #cells: Cell[] = [];
  #place: Place;
  #keep: boolean;
  #flags: number;
  #phase: "attributes" | "tag" | "car" | "next" | "rest" = "attributes";
  #tag = "";
  #offset: number | undefined;
  /** The first cell is that of `...`, whose values are bound like those of variables. */
  readonly #dots: boolean;

  constructor(flags: number, place: Place, keep: boolean) {
    this.#flags = flags;
    this.#place = place;
    this.#keep = keep;
    this.#dots = (flags & 0xff) === TYPE.dots && place === "binding";
    this.#markCode();
  }

  get #type(): number {
    return this.#flags & 0xff;
  }

  /** From a call, function or promise on, the rest of the chain is code. */
  #markCode(): void {
    if (this.#type !== TYPE.pairlist && this.#type !== TYPE.dots) this.#keep = true;
  }

  step(items: Walk): void {
    if (this.#phase === "attributes") {
      this.#offset ??= items.reader.offset;
      this.#phase = "tag";
      if ((this.#flags & HAS_ATTRIBUTES) !== 0) {
        this.#phase = "attributes";
        this.#flags &= ~HAS_ATTRIBUTES;
        return items.item("value", false);
      }
    }
    if (this.#phase === "tag") {
      if ((this.#flags & HAS_TAG) !== 0) return items.item("value", true);
      this.#phase = "car";
    }
    if (this.#phase === "car") return items.item(this.#carPlace(), this.#keepsCar());
    this.#next(items);
  }

  #carPlace(): Place {
    if (this.#type === TYPE.pairlist && this.#place === "frame") return "binding";
    return this.#dots && this.#place === "binding" ? "binding" : "value";
  }

  /** What a promise was found to be is data; defaults of a function's parameters are code. */
  #keepsCar(): boolean {
    return this.#keep && this.#type !== TYPE.promise;
  }

  #next(items: Walk): void {
    const flags = items.reader.int();
    if (!PAIRS.has(flags & 0xff)) {
      this.#phase = "rest";
      return items.dispatch(flags, "value", this.#keep);
    }
    // Only lists go on as what they were.
    if (this.#type !== TYPE.pairlist && this.#type !== TYPE.dots) this.#place = "value";
    this.#flags = flags;
    this.#tag = "";
    this.#offset = undefined;
    this.#phase = "attributes";
    this.#markCode();
  }

  take(value: RValue, items: Walk): void {
    switch (this.#phase) {
      case "attributes":
        return;
      case "tag":
        if (value.kind === "symbol") this.#tag = value.name;
        this.#phase = "car";
        return;
      case "car":
        this.#phase = "next";
        return this.#cell(value, items);
      case "next":
      case "rest":
        return items.pop(this.#value(value, items));
    }
  }

  #cell(car: RValue, items: Walk): void {
    const { listener } = items;
    const offset = this.#offset ?? 0;
    if (this.#type === TYPE.pairlist) {
      if (this.#place === "variables") listener.variable(this.#tag, car, offset);
      if ((this.#flags & ACTIVE_BINDING) !== 0 && this.#place === "frame") {
        listener.active(this.#tag, car, offset);
      }
    }
    if (!this.#keep) return items.forget();
    items.count();
    this.#cells.push({ type: this.#type, place: this.#place, tag: this.#tag, car, offset });
  }

  /** What the chain amounts to, from its end. */
  #value(rest: RValue, items: Walk): RValue {
    let value = rest;
    for (let at = this.#cells.length - 1; at >= 0; at--) {
      const cell = this.#cells[at];
      if (cell !== undefined) value = completedCell(cell, value, items);
    }
    return this.#cells.length === 0 ? OTHER : value;
  }
}

/** A cell with its rest. */
function completedCell({ type, place, tag, car, offset }: Cell, rest: RValue, items: Walk): RValue {
  const { listener } = items;
  if (type === TYPE.promise) {
    if (car.kind === "unbound" && isCall(rest)) listener.promise(place, rest, offset);
    return { kind: "other", label: "<promise>" };
  }
  if (type === TYPE.closure) {
    const closure: RClosure = { kind: "closure", formals: car, body: rest };
    listener.closure(closure, offset);
    return closure;
  }
  return { kind: "cell", call: type === TYPE.call, tag, car, cdr: rest };
}
