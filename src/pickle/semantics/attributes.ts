/**
 * Attribute access on abstract values: what `getattr` and its kin reach.
 *
 * @module
 */

import type { GlobalName } from "../../core/types.ts";
import { typeOf } from "../machine/classes.ts";
import type { Heap } from "../machine/heap.ts";
import { isPureMethod } from "./methods.ts";
import { madeOf } from "./possible.ts";
import { CONTAINER, type Handle, KIND, kindOf, type MethodValue } from "../machine/values.ts";

/**
 * Characters of a dotted name that is followed: a chain of getattr makes it longer at every step. The longest that
 * a call follows has 20. CWE-770.
 */
const LONGEST_PATH = 2048;
/**
 * Attributes of one path that are followed; what a longer one reaches is not known. No model is known to
 * follow three. CWE-834.
 */
const LONGEST_CHAIN = 64;
/**
 * Globals and modules that one value may be whose attributes are followed. No model is known to have two.
 * CWE-834.
 */
const OWNERS_FOLLOWED = 16;

/**
 * The value of `object.name`; undefined when only a running program would know.
 * A global reached this way is logged as imported.
 *
 * @param computed whether the name is no literal of the file
 */
export function attribute(
  heap: Heap,
  object: Handle,
  name: string,
  via: string,
  at: number,
  computed = false,
): Handle | undefined {
  const value = heap.valueOf(object);
  switch (value?.type) {
    case "global":
      if (value.name.length + name.length > LONGEST_PATH) return undefined;
      // To call what calls a function, or makes an instance of a class, is to call that.
      if (name === "__call__") {
        heap.importGlobal(value.module, `${value.name}.${name}`, via, at, computed);
        return object;
      }
      return heap.importGlobal(value.module, `${value.name}.${name}`, via, at, computed);
    case "module":
      return heap.importGlobal(value.module, name, via, at, computed);
    case "partial":
      if (name === "func" || name === "__func__") return value.callee;
      if (name === "__call__") return object;
      return name === "args" && value.args !== undefined
        ? heap.container(CONTAINER.TUPLE, value.args)
        : undefined;
    case "method": {
      if (name === "__call__") return object;
      const owner = methodGlobal(heap, value);
      const own = owner &&
        heap.importGlobal(owner.module, `${owner.name}.${name}`, via, at, computed);
      if (heap.instanceOf(value.self) === undefined) return own;
      // An attribute of an instance may be one that the file gave it.
      const found = [own, ...possibleAttributes(heap, value.self, name, via, at, computed)]
        .filter((each) => each !== undefined);
      return heap.object({ type: "oneOf", values: [...found, object] });
    }
    case "picked": {
      const found = attribute(heap, value.value, name, via, at, computed);
      return found && heap.object({ type: "picked", value: found });
    }
    case "oneOf":
    case "call": {
      if (name === "__call__") return object;
      const found = possibleAttributes(heap, object, name, via, at, computed);
      // It may be a value that the object holds, too.
      return found.length === 0
        ? undefined
        : heap.object({ type: "oneOf", values: [...found, object] });
    }
    case "getter":
      return name === "__call__" ? object : undefined;
    case "persistent":
      return undefined;
    default:
      break;
  }
  const type = typeOf(heap, object);
  if (type === undefined) return undefined;
  if (heap.instanceOf(object) === undefined && isPureMethod(heap, object, name)) {
    return heap.object({ type: "method", self: object, name });
  }
  heap.importGlobal(type.module, `${type.name}.${name}`, via, at, computed);
  return heap.object({ type: "method", self: object, name });
}

/** The attributes of a name that the globals and modules have which a value is made of. */
function possibleAttributes(
  heap: Heap,
  object: Handle,
  name: string,
  via: string,
  at: number,
  computed: boolean,
): readonly Handle[] {
  const owners = madeOf(heap, object, (each) => isOwner(heap, each), OWNERS_FOLLOWED).values;
  return owners.map((each) => attribute(heap, each, name, via, at, computed))
    .filter((each) => each !== undefined);
}

/** Whether a value has attributes that reach beyond what the file says. */
function isOwner(heap: Heap, handle: Handle): boolean {
  const type = heap.valueOf(handle)?.type;
  return type === "global" || type === "module";
}

/** The same along a dotted path. */
export function attributePath(
  heap: Heap,
  object: Handle,
  path: string,
  via: string,
  at: number,
  computed = false,
): Handle | undefined {
  let value: Handle | undefined = object;
  const names = path.split(".");
  if (names.length > LONGEST_CHAIN) return undefined;
  for (const name of names) {
    if (value === undefined) return undefined;
    value = attribute(heap, value, name, via, at, computed);
  }
  return value;
}

/** The dotted global that a bound method stands for. */
export function methodGlobal(heap: Heap, method: MethodValue): GlobalName | undefined {
  const owner = typeOf(heap, method.self);
  return owner && { module: owner.module, name: `${owner.name}.${method.name}` };
}

/**
 * The globals that a callable comes down to: itself, what a partial wraps, the class of a bound
 * method's instance. Empty for plain data; undefined when it cannot be known.
 */
export function targetsOf(heap: Heap, handle: Handle): readonly GlobalName[] | undefined {
  const value = heap.valueOf(handle);
  switch (value?.type) {
    case "global":
      return [{ module: value.module, name: value.name }];
    case "partial":
      return targetsOf(heap, value.callee);
    case "method": {
      if (heap.instanceOf(value.self) === undefined && isPureMethod(heap, value.self, value.name)) {
        return [];
      }
      const owner = methodGlobal(heap, value);
      return owner && [owner];
    }
    case "getter":
      return value.kind === "itemgetter" ? [] : undefined;
    case "module":
    case "call":
    case "picked":
    case "oneOf":
    case "persistent":
      return undefined;
    default: {
      const instance = heap.instanceOf(handle);
      if (instance !== undefined) return [{ module: instance.module, name: instance.name }];
      return handle < 0 || kindOf(handle) !== KIND.CONSTANT ? [] : undefined;
    }
  }
}

/** Paths of live namespaces: what is assigned into them changes the program. */
const NAMESPACES = /\.__dict__$|^sys\.modules$/;

/** The global that a change of a value changes; undefined for what the file made itself. */
export function liveOwner(heap: Heap, target: Handle): GlobalName | undefined {
  const value = heap.valueOf(target);
  switch (value?.type) {
    case "global":
      return { module: value.module, name: value.name };
    case "module":
      return { module: value.module, name: "" };
    case "method":
      return methodGlobal(heap, value);
    case "call": {
      const entry = heap.globalOf(value.callee);
      return entry !== undefined &&
          (entry.meanings.includes("live-namespace") || NAMESPACES.test(entry.key))
        ? { module: entry.module, name: entry.name }
        : undefined;
    }
    default:
      return undefined;
  }
}
