/**
 * joblib's stand-ins for arrays: which values may be one, and what their attributes are.
 *
 * joblib's unpickler reads an array from the file wherever BUILD leaves such an object on the stack
 * (`NumpyUnpickler.load_build` in joblib's `numpy_pickle.py`). What it reads hangs on attributes that
 * several BUILDs may have written; each is known exactly, or it is not known.
 *
 * @module
 */

import type { Heap } from "../machine/heap.ts";
import type { ArrayAttributes } from "../machine/semantics.ts";
import { isNoText, madeOf, possibleTexts } from "./possible.ts";
import { CONTAINER, type Handle, NONE, UNKNOWN } from "../machine/values.ts";

/** The class, under each path by which its module can be reached. */
const WRAPPER = /(^|\.)NumpyArrayWrapper$/;
/** The attributes that decide how many bytes are read. */
const READ = ["dtype", "shape", "numpy_array_alignment_bytes"] as const;
type Attribute = typeof READ[number];
/** The place of each among the arguments of the class. */
const ARGUMENTS: Readonly<Record<Attribute, number>> = {
  shape: 1,
  dtype: 3,
  numpy_array_alignment_bytes: 5,
};

/**
 * Meanings of functions that make an object of one class, whatever they are given (numpy's `random/_pickle.py`),
 * and of classes with a `__setstate__` of their own (distributions of scipy's).
 */
const MAKERS: readonly string[] = [
  "generator-constructor",
  "bit-generator-constructor",
  "source-in-state",
];

/** Cython's functions, each of which makes an instance of a class that derives from its own compiled one. */
const CYTHON = /(^|\.)__pyx_unpickle_\w+$/;

interface Attributes {
  readonly values: Map<Attribute, Handle>;
  known: boolean;
}

/** Whether a path is that of the class, by whatever module it is reached. */
export function isArrayWrapper(key: string): boolean {
  return WRAPPER.test(key);
}

/** The stand-ins of one stream. */
export class ArrayWrappers {
  private readonly heap: Heap;
  private readonly attributes = new Map<Handle, Attributes>();
  /** Objects whose class may have been set. */
  private readonly turned = new Set<Handle>();
  /** True once a function got a stand-in or their class: it may change what others have. */
  private loose = false;
  /** True when a dtype that is no copy got a state: it is everybody's. */
  private dtypesShared = false;

  constructor(heap: Heap) {
    this.heap = heap;
  }

  /** A function is given values, and what it does with them is not known: it may set the class of each. */
  given(args: readonly Handle[] | undefined): void {
    if (!this.heap.arraysNamed) return;
    const gives = args === undefined || args.some((arg) => this.isWrapper(arg));
    this.loose ||= gives;
    if (!gives) return;
    for (const arg of args ?? []) if (this.heap.globalOf(arg) === undefined) this.turned.add(arg);
  }

  /** A dtype got a state. @param copied what its function was given in the place of `copy` */
  builtDtype(copied: Handle | undefined): void {
    if (copied === undefined || this.heap.exactInteger(copied) !== 1n) this.dtypesShared = true;
  }

  /** The class of an object may be set to any other, when its `__class__` is. */
  setAttributes(target: Handle, names: readonly Handle[]): void {
    const { heap } = this;
    if (!heap.arraysNamed) return;
    const sets = names.some((name) => {
      const text = heap.textOf(name);
      return text === "__class__" || (text === undefined && !isNoText(heap, name));
    });
    if (sets) this.turned.add(target);
  }

  /** Whether a value may be a stand-in. */
  mayBe(handle: Handle): boolean {
    const { heap } = this;
    if (!heap.arraysNamed || handle < 0) return false;
    const instance = heap.instanceOf(handle);
    // A state turns none of theirs into another class: each has a `__setstate__`, or a layout of its own.
    if (instance?.meanings.some((each) => MAKERS.includes(each))) return false;
    if (CYTHON.test(instance?.name ?? "")) return false;
    if (this.turned.has(handle)) return true;
    if (this.instanceOf(handle) !== undefined) return true;
    if (handle === UNKNOWN) return true;
    // A class gives its own instances, a function what it likes; what lists only let be restored are classes.
    const isClass = instance !== undefined &&
      (/(^|\.)_*[A-Z]\w*$/.test(instance.name) || (instance.restorable && !instance.quiet));
    if (isClass) return false;
    const value = heap.valueOf(handle);
    const type = value?.type;
    // An attribute of an instance may be one that the file gave it.
    const isAttribute = value?.type === "method" && heap.instanceOf(value.self) !== undefined;
    if (
      instance === undefined && !isAttribute &&
      type !== "call" && type !== "oneOf" && type !== "picked"
    ) {
      return false;
    }
    return this.givenTo(handle).some((each) => {
      const { values, complete } = madeOf(heap, each, (inside) => this.isWrapper(inside), 1);
      return values.length > 0 || !complete;
    });
  }

  /** What a value may be: of a call what it was given, for states and items come later. */
  private givenTo(handle: Handle): readonly Handle[] {
    const made = this.heap.instanceOf(handle)?.arguments;
    if (made !== undefined) return [...made.values, ...made.more ? [UNKNOWN] : []];
    const value = this.heap.valueOf(handle);
    if (value?.type !== "call") return [handle];
    const { callee, args, kwargs } = value;
    return [
      ...this.heap.globalOf(callee) === undefined ? [callee] : [],
      ...args ?? [UNKNOWN],
      ...kwargs === undefined ? [] : [kwargs],
    ];
  }

  /** BUILD gives a value a state; those before it stay. */
  build(target: Handle, state: Handle): void {
    if (!this.heap.arraysNamed) return;
    const { heap } = this;
    // What is in the second of two states is set by `setattr` (`load_build` in CPython's `pickle.py`).
    const pair = heap.itemsOf(state, CONTAINER.TUPLE);
    const slots = pair?.length === 2 ? pair[1] : undefined;
    if (slots !== undefined && slots !== NONE) {
      this.setAttributes(target, this.namesIn(slots));
    }
    if (!this.mayBe(target)) return;
    const wrapper = this.instanceOf(target);
    const attributes = this.attributesOf(wrapper ?? target);
    if (wrapper === undefined) attributes.known = false;
    for (const part of pair?.length === 2 ? pair : [state]) {
      if (part === NONE) continue;
      const items = heap.itemsOf(part, CONTAINER.DICT);
      if (items === undefined) attributes.known = false;
      for (let at = 0; at + 1 < (items?.length ?? 0); at += 2) {
        const [key, value] = [items?.[at] as Handle, items?.[at + 1] as Handle];
        const name = heap.textOf(key);
        const read = READ.find((each) => each === name);
        if (read !== undefined) attributes.values.set(read, value);
        else if (name === undefined && !isNoText(heap, key)) {
          attributes.known = false;
          const possible = possibleTexts(heap, key, READ.length);
          for (const each of READ) {
            const stated = possible.includes(each) && !attributes.values.has(each);
            if (stated) attributes.values.set(each, value);
          }
        }
      }
    }
  }

  /** The names of attributes that `slots.items()` gives; an array and its like have no such method. */
  private namesIn(slots: Handle): readonly Handle[] {
    const { heap } = this;
    const items = heap.itemsOf(slots, CONTAINER.DICT);
    if (items !== undefined) return items.filter((_, index) => index % 2 === 0);
    const value = heap.valueOf(slots);
    const some = value?.type === "oneOf" ? value.values : [slots];
    return some.every((each) => heap.instanceOf(each)?.key === "numpy.ndarray") ? [] : [UNKNOWN];
  }

  /** What decides how much is read for a value that may be a stand-in. */
  of(target: Handle): ArrayAttributes {
    const { values, known } = this.attributesOf(this.instanceOf(target) ?? target);
    return {
      dtype: values.get("dtype"),
      shape: values.get("shape"),
      alignment: values.get("numpy_array_alignment_bytes"),
      known: known && !this.loose && !this.dtypesShared,
    };
  }

  private attributesOf(target: Handle): Attributes {
    const before = this.attributes.get(target);
    if (before !== undefined) return before;
    const attributes: Attributes = { values: new Map(), known: true };
    const value = this.heap.valueOf(target);
    const args = value?.type === "call" ? value.args : undefined;
    if (args === undefined || args.length > 0 || this.hasKeywords(target)) {
      // `__init__` may have set them, and NEWOBJ does not call it.
      attributes.known = false;
      for (const name of READ) {
        const given = args?.[ARGUMENTS[name]];
        if (given !== undefined) attributes.values.set(name, given);
      }
    }
    this.attributes.set(target, attributes);
    return attributes;
  }

  private hasKeywords(target: Handle): boolean {
    const value = this.heap.valueOf(target);
    return value?.type === "call" && value.kwargs !== undefined &&
      !this.heap.isEmpty(value.kwargs);
  }

  /** The stand-in that a value certainly is, by way of functions that give back what they are given or not. */
  private instanceOf(handle: Handle): Handle | undefined {
    const value = this.heap.valueOf(handle);
    if (value?.type === "picked") return this.instanceOf(value.value);
    return value?.type === "call" && isArrayWrapper(this.heap.globalOf(value.callee)?.key ?? "")
      ? handle
      : undefined;
  }

  /** Whether a value is a stand-in, or their class, or something of it. */
  private isWrapper(handle: Handle): boolean {
    const key = this.heap.globalOf(handle)?.key;
    return key === undefined ? this.instanceOf(handle) !== undefined : key.includes("ArrayWrapper");
  }
}
