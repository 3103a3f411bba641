/**
 * What the walk over an R serialization and the frames in it know of one another.
 *
 * @module
 */

import type { RClosure, RValue } from "./code.ts";
import type { RdsReader } from "./reader.ts";

/** Where an item stands, as far as it matters for promises and bindings. */
export type Place =
  /** The object itself. */
  | "root"
  /** The list of variables of a workspace. */
  | "variables"
  /** The list of bindings of an environment, and the table of such lists. */
  | "frame"
  | "table"
  /** A value bound in an environment. */
  | "binding"
  /** Anywhere else. */
  | "value";

/** What the walk tells. Offsets are bytes from the start of the source. */
export interface RdsListener {
  /** A promise that nothing has looked at yet, whose expression calls something. */
  promise(place: Place, expression: RValue, offset: number): void;
  /** A function; those within it have been reported before. */
  closure(closure: RClosure, offset: number): void;
  /** A binding that calls a function whenever it is looked at. */
  active(name: string, value: RValue, offset: number): void;
  /** A variable of a workspace. */
  variable(name: string, value: RValue, offset: number): void;
  /** The class of an object with a representation of its own. */
  altrep(name: string, offset: number): void;
}

/** The walk as frames see it. */
export interface Walk {
  readonly reader: RdsReader;
  readonly listener: RdsListener;
  /** Begins an item; its value goes to the frame that asks. */
  item(place: Place, keep: boolean): void;
  push(frame: Frame): void;
  /** Ends the frame on top with a value for the one below. */
  pop(value: RValue): void;
  deliver(value: RValue): void;
  /** The frame on top keeps nothing of what it has taken. */
  forget(): void;
  /** Counts a cell of code that is kept. @throws LimitError when there are too many */
  count(): void;
  /** @throws LimitError when there are too many */
  addReference(value: RValue): void;
  /** A number of things that R makes room for. */
  count32(): number;
  /** `ReadLENGTH`: -1 before the halves of a length beyond 2^31. */
  length(): number;
  /** Delivers a value, after the attributes that follow it. */
  attributed(flags: number, value: RValue): void;
  /** Begins the item that flags announce. */
  dispatch(flags: number, place: Place, keep: boolean): void;
}

/** Something begun: it asks for items, one at a step, and takes their values. */
export interface Frame {
  step(items: Walk): void;
  take(value: RValue, items: Walk): void;
}
