/**
 * What a value may be that the machine does not know: whatever it was made of. The result of a function
 * may be one of its arguments, an item of one, or what an object that it was given hands out.
 *
 * @module
 */

import type { Heap } from "../machine/heap.ts";
import { FALSE, type Handle, KIND, kindOf, LOST, NONE, UNKNOWN } from "../machine/values.ts";

/** Values that one value is made of that are looked at. The most seen are 336. CWE-834. */
const MADE_OF = 4096;

/**
 * Functions that one value may be that are followed. No model is known to have two. CWE-834.
 */
export const CALLEES_FOLLOWED = 16;

/** What a name that is only made of a text can be: formats and separators are none. */
const NAME = /^[A-Za-z_][\w.]*$/;

/** What a value is made of. */
interface MadeOf {
  /** The values of the wanted kind, in the order in which they were met. */
  readonly values: readonly Handle[];
  /** False when it may be made of others, too. */
  readonly complete: boolean;
}

/**
 * What a value is made of, itself included, as far as it is wanted.
 *
 * @param most values that are given; when there are more it is not complete
 */
export function madeOf(
  heap: Heap,
  handle: Handle,
  wanted: (handle: Handle) => boolean,
  most: number,
): MadeOf {
  const pending = new Set([handle]);
  const values: Handle[] = [];
  let complete = true;
  for (const each of pending) {
    if (pending.size > MADE_OF || values.length >= most) return { values, complete: false };
    if (wanted(each)) values.push(each);
    if (each === UNKNOWN || each === LOST) complete = false;
    else if (!expand(heap, each, pending)) complete = false;
  }
  return { values, complete };
}

/** Adds what a value is made of; false when some of that is not known. */
function expand(heap: Heap, handle: Handle, into: Set<Handle>): boolean {
  if (handle < 0) {
    heap.containers.visit(handle, (item) => into.add(item).size <= MADE_OF);
    return !heap.containers.lossy(handle);
  }
  const instance = heap.instanceOf(handle);
  if (instance !== undefined) {
    for (const each of instance.passed) into.add(each);
    return !instance.passedMore;
  }
  const value = heap.valueOf(handle);
  switch (value?.type) {
    case "call":
      // A function gives itself to nothing; a method may give its object.
      if (heap.globalOf(value.callee) === undefined) into.add(value.callee);
      for (
        const each of [...(value.args ?? []), value.kwargs, value.state, ...value.filled ?? []]
      ) {
        if (each !== undefined) into.add(each);
      }
      return value.args !== undefined;
    case "partial":
      for (const each of [value.callee, ...(value.args ?? [UNKNOWN]), value.kwargs]) {
        if (each !== undefined) into.add(each);
      }
      return true;
    case "method":
      into.add(value.self);
      return true;
    case "getter":
      for (const each of value.args) into.add(each);
      return true;
    case "picked":
      into.add(value.value);
      return true;
    case "oneOf":
      for (const each of value.values) into.add(each);
      return false;
    case "persistent":
      return false;
    default:
      return true;
  }
}

/** Whether a value is certainly no str: a literal of another type, or a container. */
export function isNoText(heap: Heap, handle: Handle): boolean {
  if (handle < 0) return true;
  switch (kindOf(handle)) {
    case KIND.CONSTANT:
      return handle !== UNKNOWN && handle !== LOST;
    case KIND.INTEGER:
    case KIND.NEGATIVE:
    case KIND.BYTES:
    case KIND.NUMBER:
      return true;
    case KIND.OBJECT: {
      // A global may be a text of its module (`os.name`), and calls may give one.
      const type = heap.valueOf(handle)?.type;
      return type === "bytes" || type === "partial" || type === "getter" || type === "module" ||
        isTensor(heap, handle);
    }
    case KIND.INSTANCE:
      return isRebuilt(heap, handle);
    default:
      return false;
  }
}

/** Functions that give a parameter over a tensor that they are given first; of another object what it gives back. */
const PARAMETERS: readonly string[] = [
  "torch._utils._rebuild_parameter",
  "torch._utils._rebuild_parameter_with_state",
];

/** Whether a value is certainly a tensor, as PyTorch writes those that are keys (torch/_utils.py). */
function isTensor(heap: Heap, handle: Handle): boolean {
  const value = heap.valueOf(handle);
  if (value?.type !== "call") return false;
  const first = value.args?.[0];
  const isParameter = PARAMETERS.includes(heap.globalOf(value.callee)?.key ?? "");
  return isRebuilt(heap, handle) || (isParameter && first !== undefined && isRebuilt(heap, first));
}

function isRebuilt(heap: Heap, handle: Handle): boolean {
  const value = heap.valueOf(handle);
  const maker = value?.type === "call" ? heap.globalOf(value.callee) : heap.instanceOf(handle);
  return maker?.meanings.includes("rebuild-tensor") === true;
}

/**
 * Whether a value is certainly no exact str, as STACK_GLOBAL wants one: what is none at all, and
 * instances of harmless classes, which are of their own class.
 */
export function isNoExactText(heap: Heap, handle: Handle): boolean {
  if (isNoText(heap, handle)) return true;
  const value = heap.valueOf(handle);
  const maker = value?.type === "call"
    ? heap.globalOf(value.callee)
    : heap.instanceOf(handle) ?? heap.globalOf(handle);
  return maker !== undefined && (maker.quiet || maker.restorable) && CLASS.test(maker.key);
}

/** Names of classes: capitalized, and those of old that are not. */
const CLASS =
  /(^|\.)_*[A-Z]\w*$|^numpy\.(dtype|ndarray|matrix|memmap|recarray)$|^scipy\.sparse\.(\w+\.)?(bsr|coo|csc|csr|dia|dok|lil)_(array|matrix)$|^collections\.(deque|defaultdict)$|^datetime\.\w+$|^builtins\.(slice|range|set|frozenset|list|tuple|dict|complex|float|int|bytes|bytearray|object)$/;

/** The texts that a value which is none of the file's literals may be, as far as they are short. */
export function possibleTexts(heap: Heap, handle: Handle, most: number): readonly string[] {
  const text = heap.textOf(handle);
  if (text !== undefined) return [text];
  const { values } = madeOf(heap, handle, (each) => isText(heap, each), most);
  const texts = values.map((each) => heap.textOf(each));
  return [...new Set(texts.filter((each) => each !== undefined && NAME.test(each)) as string[])];
}

function isText(heap: Heap, handle: Handle): boolean {
  if (handle < 0 || handle === NONE) return false;
  return kindOf(handle) === KIND.STRING || heap.valueOf(handle)?.type === "text";
}

/** Whether a key may be a text that is not known, and its value could mean something under some text. */
export function isUnknownKey(heap: Heap, key: Handle, value: Handle | undefined): boolean {
  if (key < 0 || value === NONE || value === FALSE) return false;
  if (key !== UNKNOWN && key !== LOST) {
    const kind = kindOf(key);
    if (kind !== KIND.OBJECT && kind !== KIND.INSTANCE) return false;
    if (heap.globalOf(key)?.quiet === true) return false;
  }
  return heap.textOf(key) === undefined && !isNoText(heap, key);
}

/** The functions and classes that a value may be, or call: those which it is made of. */
export function possibleCallees(heap: Heap, handle: Handle, most: number): MadeOf {
  return madeOf(heap, handle, (each) => {
    if (each === handle || each < 0 || kindOf(each) !== KIND.OBJECT) return false;
    const type = heap.valueOf(each)?.type;
    return type === "global" || type === "partial" || type === "method" || type === "getter";
  }, most);
}
