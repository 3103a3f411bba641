/**
 * What the machine leaves to its semantics: the meaning of imports, calls, BUILD and item assignment.
 *
 * @module
 */

import type { Heap } from "./heap.ts";
import type { Handle } from "./values.ts";

/** Bytes handed to a loader: they are a pickle, or something that holds one. */
export interface LoadedBytes {
  readonly handle: Handle;
  readonly via: string;
}

/** A tensor that does not lie in its storage. */
export interface TensorMismatch {
  /** Virtual offset of the call. */
  readonly offset: number;
  readonly message: string;
}

/** The attributes that decide how many bytes joblib reads for an array; undefined where none was set. */
export interface ArrayAttributes {
  readonly dtype: Handle | undefined;
  readonly shape: Handle | undefined;
  readonly alignment: Handle | undefined;
  /** False when these may not be all, or not those of an array. */
  readonly known: boolean;
}

/** The meaning of opcodes that reach beyond the stack, over one heap. Offsets are virtual. */
export interface Semantics {
  /** Bytes that the file itself loads. */
  readonly loaded: readonly LoadedBytes[];
  /** True once a loader got bytes that are not known: it may load any constant. */
  readonly loadsUnknown: boolean;
  /** Opcodes of the texts and bytes that such bytes are made of, by their offsets. */
  readonly mayLoad: ReadonlySet<number>;
  /** Tensors that do not lie in their storages. */
  readonly tensorMismatches: readonly TensorMismatch[];
  /** REDUCE, NEWOBJ and NEWOBJ_EX: the arguments are a tuple, the keyword arguments a dict. */
  callTuple(
    callee: Handle,
    args: Handle,
    kwargs: Handle | undefined,
    via: string,
    at: number,
  ): Handle;
  /** Calls a value. `args` undefined means that they are unknown. */
  call(
    callee: Handle,
    args: readonly Handle[] | undefined,
    kwargs: Handle | undefined,
    via: string,
    at: number,
  ): Handle;
  /** STACK_GLOBAL; undefined when the two are no texts, where the unpickler raises. */
  stackGlobal(module: Handle, name: Handle, at: number): Handle | undefined;
  /** EXT1, EXT2 and EXT4. */
  extension(code: number, at: number): Handle;
  /** BUILD: `target.__setstate__(state)`, or an update of its attributes. */
  build(target: Handle, state: Handle, at: number): void;
  /** APPEND(S), SETITEM(S) and ADDITEMS on what is no container of the file's own. */
  fill(target: Handle, items: readonly Handle[], opcode: string, at: number): void;
  /** Whether a value may be joblib's stand-in for raw array bytes. */
  isArrayWrapper(handle: Handle): boolean;
  /** What such a value says of the bytes. */
  arrayAttributes(handle: Handle): ArrayAttributes;
  /** Whether a value may be called. */
  isCallable(handle: Handle): boolean;
  /** Looks at what is known only at the end of a stream. @throws RangeError when that is too much */
  settle(): void;
}

/** Makes the semantics of one machine. */
export type SemanticsOf = (heap: Heap) => Semantics;
