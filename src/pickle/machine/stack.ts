/**
 * The machine's state: stack, marks, memo, and what it has noticed.
 *
 * The machine is built up in layers, each a class over the one before: this one, `frames.ts` (bytes
 * that are missing), `opcodes_plain.ts`, `opcodes_line.ts`, `opcodes_counted.ts`, and `machine.ts`
 * with the hot loop.
 *
 * @module
 */

import { typeOf } from "./classes.ts";
import { Heap } from "./heap.ts";
import type { LoadedBytes, Semantics, TensorFault } from "./semantics.ts";
import type { ByteWindow } from "./window.ts";
import { opcodeOf } from "./opcodes.ts";
import {
  ABSENT,
  type MachineError,
  type MachineNotes,
  type MachineOptions,
  STATUS,
  type Status,
} from "./status.ts";
import { Memo } from "./memo.ts";
import {
  CONTAINER,
  FALSE,
  grown,
  type Handle,
  LOST,
  NONE,
  TRUE,
  UNKNOWN,
  UNSET,
} from "./values.ts";

/** Persistent ids that are kept; a checkpoint has as many as tensors. */
export const PERSISTENT_KEPT = 1 << 18;

/** Stack, marks and memo of one unpickler. */
export class Stack extends Heap {
  /** Virtual offset of the next byte. */
  offset: number;
  /** Bytes that the next window must have at least. */
  wanted = 1;
  error: MachineError | undefined;
  /** The value under STOP. */
  result: Handle = UNKNOWN;
  /** Values or marks left at STOP. */
  leftovers = 0;
  opcodes = 0;
  protocol = 0;
  memo: Memo;
  readonly notes: MachineNotes = {
    straddles: 0,
    straddleOffset: ABSENT,
    oddFrame: ABSENT,
    longFrame: false,
    looseArgument: ABSENT,
    unsearched: ABSENT,
    oddProtocol: ABSENT,
    memoRedefined: ABSENT,
    memoRead: false,
    refused: undefined,
  };
  /** Offsets of the opcodes of constants that may hold a pickle. */
  readonly nestedCandidates: number[] = [];
  /** True when there were more than are kept. */
  nestedForgotten = false;
  /** Persistent ids seen, at most `PERSISTENT_KEPT`. */
  readonly persistentIds: Handle[] = [];
  /** The wrapper that ARRAY is about. */
  arrayWrapper: Handle = UNKNOWN;
  protected stack: Float64Array = new Float64Array(256);
  protected sp = 0;
  protected marks: Int32Array = new Int32Array(64);
  protected mp = 0;
  protected fence = 0;
  /** Virtual offset behind the frame that `offset` is in; Infinity or what lies behind when it is in none. */
  frameEnd = Infinity;
  /** Offset of the opcode whose text line is being skipped. */
  protected longLine = ABSENT;
  /** Virtual offset of the stream's first byte. */
  start: number;
  protected readonly options: MachineOptions;
  protected readonly semantics: Semantics;

  /** @param start virtual offset of the stream's first byte */
  constructor(input: ByteWindow, start: number, options: MachineOptions) {
    super(input, options);
    this.start = start;
    this.offset = start;
    this.options = options;
    this.memo = new Memo(options.valueLimit);
    this.semantics = options.semantics(this);
  }

  /** Begins the next stream as one Unpickler does that loads again: its memo and what is in it stay. */
  restart(start: number): void {
    this.start = start;
    this.offset = start;
    this.error = undefined;
    this.sp = 0;
    this.mp = 0;
    this.fence = 0;
    this.frameEnd = Infinity;
  }

  /** Bytes that the file itself hands to a loader. */
  get loaded(): readonly LoadedBytes[] {
    return this.semantics.loaded;
  }

  /** Tensors that do not lie in their storages. */
  get tensorFaults(): readonly TensorFault[] {
    return this.semantics.tensorFaults;
  }

  /** Values and marks on the stack. */
  get depth(): number {
    return this.sp + this.mp;
  }

  /** The topmost values, topmost last. */
  top(count: number): Handle[] {
    return Array.from(this.stack.subarray(Math.max(0, this.sp - count), this.sp));
  }

  protected fail(offset: number, message: string, truncated = false): Status {
    this.error = { offset, message, truncated };
    return STATUS.FAILED;
  }

  /** The C unpickler raises here; what follows is read all the same, for readers that do not. */
  protected refuse(offset: number, message: string): void {
    this.notes.refused ??= { offset, message };
  }

  /** Whether a value is certainly no tuple. */
  protected isNoTuple(value: Handle): boolean {
    if (value < 0) return this.containers.kind(value) !== CONTAINER.TUPLE;
    return value === NONE || value === TRUE || value === FALSE || typeOf(this, value) !== undefined;
  }

  /** Whether a value is certainly plain data. */
  protected isData(value: Handle): boolean {
    return value < 0 || value === NONE ||
      (typeOf(this, value) !== undefined && this.instanceOf(value) === undefined);
  }

  /** Whether a value certainly gives no memoryview. */
  protected hasNoBuffer(value: Handle): boolean {
    return this.isData(value) && typeOf(this, value)?.name !== "bytes";
  }

  protected growStack(): void {
    if (this.stack.length * 2 > this.options.valueLimit) {
      throw new RangeError(`Cannot keep more than ${this.options.valueLimit} values on the stack`);
    }
    this.stack = grown(this.stack, new Float64Array(this.stack.length * 2));
  }

  /** Writes the memo; `offset` is the opcode's. */
  protected put(index: number, value: Handle, offset: number): void {
    const before = this.memo.set(index, value);
    if (before !== UNSET && before !== value && this.notes.memoRedefined === ABSENT) {
      this.notes.memoRedefined = offset;
    }
  }

  protected push(value: Handle): void {
    if (this.sp >= this.stack.length) this.growStack();
    this.stack[this.sp++] = value;
  }

  protected pop(): Handle | undefined {
    return this.sp <= this.fence ? undefined : this.stack[--this.sp];
  }

  protected popMark(): number {
    const mark = this.marks[--this.mp] as number;
    this.fence = this.mp > 0 ? this.marks[this.mp - 1] as number : 0;
    return mark;
  }

  protected persistent(id: Handle): void {
    const [tag, module] = this.itemsOf(id, CONTAINER.TUPLE)?.slice(0, 2) ?? [];
    if (
      module !== undefined && this.globalOf(module) !== undefined &&
      this.textOf(tag ?? NONE) === "module"
    ) {
      // torch's legacy loader gives the class itself (`persistent_load` in torch/serialization.py).
      this.push(module);
      return;
    }
    if (this.persistentIds.length < PERSISTENT_KEPT) {
      this.persistentIds.push(id);
      this.push(this.object({ type: "persistent", id }));
    } else this.push(LOST);
  }

  protected underflow(at: number, code: number): Status {
    return this.fail(at, `${opcodeOf(code)?.name} finds too little on the stack`);
  }
}
