/**
 * The stack and the marks of one unpickler.
 *
 * @module
 */

import { grown, type Handle } from "./values.ts";

/** Values and marks that there is room for at first; most pickles need no more. */
const INITIAL_VALUES = 256;
const INITIAL_MARKS = 64;

/** Values in an array of numbers, and the places of marks among them. */
export class Stack {
  /** The values; only the first `size` count. */
  values: Float64Array = new Float64Array(INITIAL_VALUES);
  size = 0;
  /** Places of the marks: sizes of the stack when each was set. Only the first `markCount` count. */
  marks: Int32Array = new Int32Array(INITIAL_MARKS);
  markCount = 0;
  /** The place of the last mark, which opcodes do not reach below; 0 without one. */
  fence = 0;
  private readonly limit: number;

  /** @param limit values kept */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** Values and marks. */
  get depth(): number {
    return this.size + this.markCount;
  }

  /** @throws RangeError when the stack is full */
  push(value: Handle): void {
    if (this.size === this.values.length) this.grow();
    this.values[this.size++] = value;
  }

  /** The topmost value, taken off; undefined when there is none above the last mark. */
  pop(): Handle | undefined {
    return this.size <= this.fence ? undefined : this.values[--this.size];
  }

  /** MARK, where the stack has `size` values. */
  mark(size: number): void {
    if (this.markCount === this.marks.length) {
      this.marks = grown(this.marks, new Int32Array(this.markCount * 2));
    }
    this.marks[this.markCount++] = size;
    this.fence = size;
  }

  /** The place of the mark before the last; 0 without one. */
  get outerFence(): number {
    return this.markCount > 1 ? this.marks[this.markCount - 2] as number : 0;
  }

  /** The place of the last mark, which is gone; there must be one. */
  popMark(): number {
    const mark = this.marks[--this.markCount] as number;
    this.fence = this.markCount > 0 ? this.marks[this.markCount - 1] as number : 0;
    return mark;
  }

  /** The topmost values, topmost last. */
  top(count: number): Handle[] {
    return this.from(Math.max(0, this.size - count));
  }

  /** The values from a place on, to `end` at most. */
  from(place: number, end: number = this.size): Handle[] {
    return Array.from(this.values.subarray(place, Math.min(end, this.size)));
  }

  /** Nothing is on it any more. */
  clear(): void {
    this.size = 0;
    this.markCount = 0;
    this.fence = 0;
  }

  /** Makes room for as many values again. @throws RangeError when that is too many */
  grow(): void {
    const room = this.values.length * 2;
    if (room > this.limit) {
      throw new RangeError(`Cannot keep more than ${this.limit} values on the stack`);
    }
    this.values = grown(this.values, new Float64Array(room));
  }
}
