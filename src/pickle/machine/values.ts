/**
 * Abstract values of the pickle machine.
 *
 * A value is one number, a *handle*, so that stack and memo are dense arrays of numbers and a file of
 * thirty million opcodes makes no garbage. A negative handle is a container in the `ContainerPool`;
 * any other is `index * 16 + kind`. A string, bytes or long number is the offset of the opcode that
 * pushed it: its text is decoded when it is asked for. What needs more than a number is a heap `Value`.
 *
 * @module
 */

import type { GlobalName } from "../../core/types.ts";

/** A value as one number. */
export type Handle = number;

/** The kinds of handles that are not containers. */
export const KIND = {
  /** One of `UNSET`, `NONE`, `TRUE`, `FALSE`, `UNKNOWN`, `LOST`. */
  CONSTANT: 0,
  /** An integer from 0 up; the index is its value. */
  INTEGER: 1,
  /** A negative integer; the index is its absolute value. */
  NEGATIVE: 2,
  /** A str; the index is the offset of its opcode. */
  STRING: 3,
  /** A bytes or bytearray; the index is the offset of its opcode. */
  BYTES: 4,
  /** A float or a long integer; the index is the offset of its opcode. */
  NUMBER: 5,
  /** A heap `Value`; the index is its place there. */
  OBJECT: 6,
  /** An instance of a harmless class whose arguments nothing wants; the index is the global's number. */
  INSTANCE: 7,
} as const;

/** Makes a handle. `index` is a safe integer from 0 up to 2^49. */
export function handleOf(kind: number, index: number): Handle {
  return index * 16 + kind;
}

/** The kind of a handle that is not negative. */
export function kindOf(handle: Handle): number {
  return handle - Math.floor(handle / 16) * 16;
}

/** The index of a handle that is not negative. */
export function indexOf(handle: Handle): number {
  return Math.floor(handle / 16);
}

/** No value: a memo entry that is not set. Zero, so that new memory is a memo without entries. */
export const UNSET: Handle = handleOf(KIND.CONSTANT, 0);
export const NONE: Handle = handleOf(KIND.CONSTANT, 1);
export const TRUE: Handle = handleOf(KIND.CONSTANT, 2);
export const FALSE: Handle = handleOf(KIND.CONSTANT, 3);
/** A value that only a running program would know. */
export const UNKNOWN: Handle = handleOf(KIND.CONSTANT, 4);
/** A value that the file states and that was not kept, for want of room. */
export const LOST: Handle = handleOf(KIND.CONSTANT, 5);

/**
 * Items that are remembered of an object which calls made. No model is known to fill one with more. CWE-770.
 */
const FILLED_KEPT = 256;

/** Remembers that an object was given a value, unless it has `most` already. */
export function fillCall(value: CallValue, given: Handle, most = FILLED_KEPT): void {
  value.filled ??= [];
  if (value.filled.length < most) value.filled.push(given);
  else if (value.filled.length === most) value.filled.push(LOST);
}

/** What containers there are. */
export const CONTAINER = { TUPLE: 0, LIST: 1, DICT: 2, SET: 3, FROZENSET: 4 } as const;

/** A global that the file imports, or that a constant attribute chain reaches. */
export interface GlobalValue extends GlobalName {
  readonly type: "global";
  /** Number in the machine's table of globals. */
  readonly id: number;
}

/** A module object, from `__import__` and its kin. */
interface ModuleValue {
  readonly type: "module";
  readonly module: string;
}

/** A string that was computed. */
interface TextValue {
  readonly type: "text";
  readonly text: string;
}

/** Bytes that were computed. */
interface BytesValue {
  readonly type: "bytes";
  readonly bytes: Uint8Array;
  /** True for what is certainly `bytes`, which nothing changes; undefined for what may be a bytearray. */
  readonly fixed?: true;
}

/** The result of a call that the machine cannot compute. `state` is what BUILD gave it. */
export interface CallValue {
  readonly type: "call";
  readonly callee: Handle;
  /** Undefined when the file's argument tuple could not be resolved. */
  readonly args: readonly Handle[] | undefined;
  readonly kwargs: Handle | undefined;
  state: Handle | undefined;
  /** Keys and values that opcodes put into it, states before the last under None; at most `FILLED_KEPT`; LOST behind those. */
  filled?: Handle[];
}

/** `functools.partial(...)`: a callee with arguments waiting. BUILD may replace both. */
export interface PartialValue {
  readonly type: "partial";
  callee: Handle;
  /** Undefined when a state that is not known replaced them. */
  args: readonly Handle[] | undefined;
  kwargs: Handle | undefined;
}

/** An attribute of something that is no global: a bound method of a literal or an instance. */
export interface MethodValue {
  readonly type: "method";
  readonly self: Handle;
  readonly name: string;
}

/** `operator.attrgetter`, `itemgetter` or `methodcaller` with its arguments. */
export interface GetterValue {
  readonly type: "getter";
  readonly kind: "attrgetter" | "itemgetter" | "methodcaller";
  readonly args: readonly Handle[];
}

/** What was taken out of a container while the file loads: what it is depends on all that ran before. */
interface PickedValue {
  readonly type: "picked";
  /** What it is as far as the machine can tell. */
  readonly value: Handle;
}

/** One of several values, or one that the machine does not know at all. */
interface OneOfValue {
  readonly type: "oneOf";
  readonly values: readonly Handle[];
}

/** What a persistent id stands for; `id` is the id. */
interface PersistentValue {
  readonly type: "persistent";
  readonly id: Handle;
}

export type Value =
  | GlobalValue
  | ModuleValue
  | TextValue
  | BytesValue
  | CallValue
  | PartialValue
  | MethodValue
  | GetterValue
  | PickedValue
  | OneOfValue
  | PersistentValue;

/** The same numbers in a longer array. */
export function grown<A extends Uint8Array | Int32Array | Float64Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
