/**
 * Options of a machine, and what it says when it comes back.
 *
 * @module
 */

import type { HeapOptions } from "./heap.ts";
import type { SemanticsOf } from "./semantics.ts";

/** Why `run` came back. */
export const STATUS = {
  /** The window must be filled from `offset`, with at least `wanted` bytes. */
  NEED: 0,
  /** STOP was executed; `offset` is behind it. */
  STOPPED: 1,
  /** `error` says what the unpickler would raise. */
  FAILED: 2,
  /** A joblib array wrapper was built; raw array bytes begin at `offset`. */
  ARRAY: 3,
  /** The facts are as many as are to be held; more are added if nothing takes them. */
  FULL: 4,
} as const;
export type Status = typeof STATUS[keyof typeof STATUS];

/** Where an opcode's handler goes on: a place in the window, or what `leave` or `AGAIN` gives. */
export type Next = number;

/** The loop is entered again at `offset`: the bytes that may be read have changed. */
export const AGAIN: Next = -100;

/** The loop is left with a status. */
export function leave(status: Status): Next {
  return -1 - status;
}

/** What the unpickler would raise, and where. */
export interface MachineError {
  readonly offset: number;
  readonly message: string;
  /** True when the data ended. */
  readonly truncated: boolean;
}

/** Anomalies that do not stop the unpickler; each with the offset of the first. */
export class MachineAnomalies {
  /** How often an argument or frame crosses the end of the frame around it. */
  straddles = 0;
  straddleOffset: number = ABSENT;
  /** A frame longer than the file, begun inside another, or not used up at STOP. */
  oddFrame: number = ABSENT;
  /** Whether a frame is longer than the file, so that the C unpickler stops at it. */
  longFrame = false;
  /** An argument that only the C unpickler reads so. */
  looseArgument: number = ABSENT;
  /** A text that is too long to be searched to its end for the user's patterns. */
  unsearched: number = ABSENT;
  /** A second PROTO, or one that is not first. */
  oddProtocol: number = ABSENT;
  /** A memo entry written twice with different values. */
  memoRedefined: number = ABSENT;
  /** Whether the memo was read at all. */
  memoRead = false;
  /** Where the C unpickler stops and others may go on, and why. */
  refused: { readonly offset: number; readonly message: string } | undefined;

  /** Where plain data is called, which raises in every unpickler. */
  dataCalled: number = ABSENT;

  addDataCalled(offset: number): void {
    if (this.dataCalled === ABSENT) this.dataCalled = offset;
  }

  /** The C unpickler raises here; what follows is read all the same, for readers that do not. */
  refuse(offset: number, message: string): void {
    this.refused ??= { offset, message };
  }

  addFrame(offset: number): void {
    if (this.oddFrame === ABSENT) this.oddFrame = offset;
  }

  addLooseArgument(offset: number): void {
    if (this.looseArgument === ABSENT) this.looseArgument = offset;
  }

  addUnsearched(offset: number): void {
    if (this.unsearched === ABSENT) this.unsearched = offset;
  }
}

/** How a machine reads. */
export interface MachineOptions extends HeapOptions {
  /** Whether each crossing of a frame's end drops the rest of the frame; those beyond the list do not. */
  readonly drops: readonly boolean[];
  /** Come back at joblib's array wrappers. */
  readonly stepArrays: boolean;
  /** Stack items and memo entries kept, each. */
  readonly valueLimit: number;
  /** What imports, calls and BUILD mean. */
  readonly semantics: SemanticsOf;
}

/** Stands for the offset of what was not seen. */
export const ABSENT = -1;
