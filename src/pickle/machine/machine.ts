/**
 * The pickle machine: steps through opcodes as CPython's C unpickler does (`Modules/_pickle.c`,
 * functions `load_*`), on abstract values.
 *
 * `run` is synchronous and goes on until it needs bytes that are not in the window, meets STOP or an
 * error, or must hand control to its driver. For values that no rule cares about nothing is allocated
 * per opcode.
 *
 * @module
 */

import { typeOf } from "./classes.ts";
import { FrameReader } from "./frames.ts";
import { Heap } from "./heap.ts";
import { Memo } from "./memo.ts";
import { opcodeOf } from "./opcodes.ts";
import type { Semantics } from "./semantics.ts";
import { Stack } from "./stack.ts";
import {
  ABSENT,
  AGAIN,
  leave,
  MachineNotes,
  type MachineOptions,
  type Next,
  STATUS,
  type Status,
} from "./status.ts";
import { CONTAINER, FALSE, type Handle, NONE, TRUE, UNKNOWN, UNSET } from "./values.ts";
import type { ByteWindow } from "./window.ts";

/**
 * Does one opcode.
 *
 * @param pos place in the window behind the opcode's byte
 * @returns the place of the next opcode, or why the loop is left
 */
export type Handler = (machine: Machine, pos: number) => Next;

/** What each byte does, by its value: 256 handlers, and what goes on with a line that a window cut. */
export interface OpcodeTable {
  readonly handlers: readonly Handler[];
  readonly skipLine: (machine: Machine) => Next;
}

/** One unpickler's `load`, on abstract values. `restart` loads again with the same memo. */
export class Machine {
  readonly heap: Heap;
  readonly stack: Stack;
  readonly memo: Memo;
  readonly reader: FrameReader;
  readonly semantics: Semantics;
  readonly notes: MachineNotes = new MachineNotes();
  readonly options: MachineOptions;
  /** Virtual offset of the stream's first byte. */
  start: number;
  /** The value under STOP. */
  result: Handle = UNKNOWN;
  /** Values or marks left at STOP. */
  leftovers = 0;
  /** Opcodes tried; one that needed another window to go on counts again. */
  opcodes = 0;
  protocol = 0;
  /** Offsets of the opcodes of constants that may hold a pickle. */
  readonly nestedCandidates: number[] = [];
  /** True when there were more than are kept. */
  nestedForgotten = false;
  /** Persistent ids seen; no more are kept than `persistent` does. */
  readonly persistentIds: Handle[] = [];
  /** The wrapper that ARRAY is about. */
  arrayWrapper: Handle = UNKNOWN;
  private readonly table: OpcodeTable;

  /** @param start virtual offset of the stream's first byte */
  constructor(input: ByteWindow, start: number, options: MachineOptions, table: OpcodeTable) {
    this.start = start;
    this.options = options;
    this.table = table;
    this.heap = new Heap(input, options);
    this.stack = new Stack(options.valueLimit);
    this.memo = new Memo(options.valueLimit);
    this.reader = new FrameReader(input, start, this.notes, options.drops);
    this.semantics = options.semantics(this.heap);
  }

  /** Begins the next stream as one Unpickler does that loads again: its memo and what is in it stay. */
  restart(start: number): void {
    this.start = start;
    this.reader.restart(start);
    this.stack.clear();
  }

  /** Virtual offset of the next byte, or of the opcode that failed. */
  get offset(): number {
    return this.reader.offset;
  }

  set offset(offset: number) {
    this.reader.offset = offset;
  }

  /** Goes on until there is something for the driver to do. */
  run(): Status {
    const { reader } = this;
    for (;;) {
      if (!reader.inWindow) {
        reader.wanted = 1;
        const ended = reader.offset > reader.input.size;
        return ended ? statusOf(reader.truncated()) : STATUS.NEED;
      }
      const next = reader.longLine === ABSENT ? this.loop() : this.table.skipLine(this);
      if (next !== AGAIN) return statusOf(next);
      if (this.heap.facts.full) return STATUS.FULL;
    }
  }

  /** The loop: one opcode after the other, until a handler leaves or the window ends. */
  private loop(): Next {
    const { reader } = this;
    const { handlers } = this.table;
    let pos = reader.enter();
    const { buffer, limit } = reader;
    let opcodes = 0;
    while (pos < limit) {
      opcodes++;
      const next = (handlers[buffer[pos] as number] as Handler)(this, pos + 1);
      if (next < 0) {
        this.opcodes += opcodes;
        return next;
      }
      pos = next;
    }
    this.opcodes += opcodes;
    return reader.short(pos, pos, 1);
  }

  /** Goes on at a place in the window, unless there are as many facts as are to be held. */
  goOn(pos: number): Next {
    if (!this.heap.facts.full) return pos;
    this.reader.again(pos);
    return leave(STATUS.FULL);
  }

  /** What the unpickler raises for the opcode before `pos`. */
  fail(pos: number, message: string): Next {
    return this.reader.fail(pos - 1, pos, message);
  }

  /** The opcode before `pos` finds too little on the stack. */
  underflow(pos: number, next: number = pos): Next {
    const name = opcodeOf(this.reader.buffer[pos - 1] as number)?.name;
    return this.reader.fail(pos - 1, next, `${name} finds too little on the stack`);
  }

  /** An argument of fixed width that the window does not have; the opcode is tried again. */
  short(pos: number, count: number): Next {
    this.opcodes--;
    return this.reader.short(pos - 1, pos, count);
  }

  /** Writes the memo; `offset` is the opcode's. */
  put(index: number, value: Handle, offset: number): void {
    const before = this.memo.set(index, value);
    if (before !== UNSET && before !== value && this.notes.memoRedefined === ABSENT) {
      this.notes.memoRedefined = offset;
    }
  }

  /** To be called when a stream is at its end: what only then is known. */
  settle(): void {
    try {
      this.semantics.settle();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.heap.lost();
    }
  }

  /** Whether a value is certainly no tuple. */
  isNoTuple(value: Handle): boolean {
    if (value < 0) return this.heap.containers.kind(value) !== CONTAINER.TUPLE;
    return value === NONE || value === TRUE || value === FALSE ||
      typeOf(this.heap, value) !== undefined;
  }

  /** Whether a value is certainly plain data. */
  isData(value: Handle): boolean {
    return value < 0 || value === NONE ||
      (typeOf(this.heap, value) !== undefined && this.heap.instanceOf(value) === undefined);
  }
}

/** The status with which the loop was left. */
function statusOf(next: Next): Status {
  return -1 - next as Status;
}
