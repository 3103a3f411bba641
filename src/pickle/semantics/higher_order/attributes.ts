/**
 * Functions that reach into an object: attributes and items, by names that a file may compute.
 *
 * @module
 */

import { attribute, attributePath, targetsOf } from "../attributes.ts";
import type { Call } from "../call.ts";
import type { Calls, Wrapper } from "../calls.ts";
import { itemOf } from "../methods.ts";
import { possibleTexts } from "../possible.ts";
import { CONTAINER, type GetterValue, type Handle, UNKNOWN } from "../../machine/values.ts";

/** Names that one text may be that are followed. No model is known to have two. CWE-834. */
const NAMES_FOLLOWED = 5;

/** `getattr(object, name[, fallback])` and what does the same. */
export function getattr(calls: Calls, call: Call): Handle {
  const [object, name, fallback] = call.args ?? [];
  const text = name === undefined ? undefined : calls.heap.textOf(name);
  const computed = name !== undefined && !calls.heap.isWritten(name);
  const found = object === undefined || text === undefined
    ? undefined
    : attribute(calls.heap, object, text, "getattr", call.at, computed);
  // With a fallback, nothing knows which of the two it gives.
  const reached = fallback === undefined ? found : undefined;
  calls.log(call, { of: reached === undefined ? undefined : targetsOf(calls.heap, reached) });
  if (reached !== undefined) return reached;
  if (object !== undefined && name !== undefined && text === undefined) {
    calls.names.unknownAttribute(object, name, "getattr", call.at);
  }
  const possible = found !== undefined
    ? [found]
    : object === undefined || name === undefined || text !== undefined
    ? []
    : possibleTexts(calls.heap, name, NAMES_FOLLOWED)
      .map((each) => attribute(calls.heap, object, each, "getattr", call.at, true))
      .filter((each) => each !== undefined);
  const unknown = calls.result(call.entry.handle, call.args, call.kwargs);
  return possible.length === 0
    ? unknown
    : calls.heap.object({ type: "oneOf", values: [...possible, unknown] });
}

/** `attrgetter(…)`, `itemgetter(…)` and `methodcaller(…)`: what they reach shows where they are applied. */
export function getter(kind: GetterValue["kind"]): Wrapper {
  return (calls, call) => {
    const args = call.args;
    const harmless = kind === "itemgetter" && args !== undefined;
    // What an attrgetter reaches is known where it is applied; until then its names speak for it.
    calls.log(call, { of: harmless ? [] : undefined });
    return args === undefined || !calls.isBare(call.kwargs)
      ? calls.result(call.entry.handle, args, call.kwargs)
      : calls.heap.object({ type: "getter", kind, args });
  };
}

/** Applies an `attrgetter`, `itemgetter` or `methodcaller`; undefined when it cannot be followed. */
export function applyGetter(
  calls: Calls,
  getter: GetterValue,
  args: readonly Handle[] | undefined,
  at: number,
): Handle | undefined {
  const object = args?.[0];
  const first = getter.args[0];
  if (object === undefined || first === undefined) return undefined;
  const several = getter.args.length > 1;
  if (getter.kind === "itemgetter") {
    return several ? undefined : itemOrAttribute(calls, object, first, at);
  }
  const unknown = getter.args.find((each) => calls.heap.textOf(each) === undefined);
  if (unknown !== undefined && (getter.kind === "attrgetter" || unknown === first)) {
    calls.names.unknownAttribute(object, unknown, getter.kind, at);
  }
  const name = calls.heap.textOf(first);
  if (name === undefined) return undefined;
  const computed = !calls.heap.isWritten(first);
  if (getter.kind === "methodcaller") {
    const method = attribute(calls.heap, object, name, "methodcaller", at, computed);
    return method === undefined
      ? undefined
      : calls.call(method, getter.args.slice(1), undefined, "operator.methodcaller", at);
  }
  const [reached, ...more] = getter.args.map((path) => {
    const text = calls.heap.textOf(path);
    const written = calls.heap.isWritten(path);
    return text === undefined
      ? undefined
      : attributePath(calls.heap, object, text, "attrgetter", at, !written);
  });
  const result = several
    ? more.includes(undefined) || reached === undefined
      ? undefined
      : calls.heap.container(CONTAINER.TUPLE, [reached, ...more as Handle[]])
    : reached;
  logGetter(calls, getter, result, at);
  return result;
}

/** Says what an attrgetter, logged before as unresolved, has reached. */
function logGetter(
  calls: Calls,
  getter: GetterValue,
  reached: Handle | undefined,
  at: number,
): void {
  const entry = calls.heap.entryOf("operator", getter.kind);
  const of = reached === undefined ? undefined : targetsOf(calls.heap, reached);
  calls.log({ entry, args: getter.args, kwargs: undefined, via: "REDUCE", at }, { of });
}

/** `operator.getitem(object, key)`. */
export function getItem(calls: Calls, call: Call): Handle {
  const [object, key] = call.args ?? [];
  if (object !== undefined && isGeneric(calls, object)) {
    calls.log(call, { of: [] });
    return calls.result(call.entry.handle, call.args, call.kwargs);
  }
  const found = object === undefined || key === undefined
    ? undefined
    : itemOrAttribute(calls, object, key, call.at);
  // What is found is followed where it is called: to hand it out does nothing.
  calls.log(call, { of: found === undefined ? undefined : targetsOf(calls.heap, found) ?? [] });
  return found ?? unknownItem(calls, call);
}

/** An item of an object that is not known: one may be made by a call, as a `defaultdict` calls its factory. */
function unknownItem(calls: Calls, call: Call): Handle {
  const [object] = call.args ?? [];
  const unknown = calls.result(call.entry.handle, call.args, call.kwargs);
  if (object === undefined || object < 0) return unknown;
  const value = calls.heap.valueOf(object);
  const isOpaque = value?.type === "call" || value?.type === "oneOf" || value?.type === "picked" ||
    value?.type === "method" || calls.heap.instanceOf(object) !== undefined;
  if (!isOpaque) return unknown;
  const made = calls.callPossible(object, [], undefined, call.entry.name, call.at);
  return calls.heap.object({ type: "oneOf", values: [made, unknown] });
}

/** Whether `x[y]` writes down a type: `typing.List[int]`. */
function isGeneric(calls: Calls, object: Handle): boolean {
  const key = calls.heap.globalOf(object)?.key;
  return key !== undefined && /^(typing|collections\.abc)\.[A-Z]\w*$/.test(key);
}

/** An item; of a namespace it is a global: `vars(os)['system']`, `sys.modules['os']`, `f.__globals__['x']`. */
function itemOrAttribute(
  calls: Calls,
  object: Handle,
  key: Handle,
  at: number,
): Handle | undefined {
  const { heap } = calls;
  const name = heap.textOf(key);
  const value = heap.valueOf(object);
  if (name !== undefined && value?.type === "global") {
    const { module, name: owner } = value;
    if (module === "sys" && owner === "modules") {
      return heap.object({ type: "module", module: name });
    }
    if (/(^|\.)__builtins__$/.test(owner)) {
      return heap.importGlobal("builtins", name, "getitem", at);
    }
    const namespace = /^(?:(.*)\.)?(?:__dict__|__globals__)$/.exec(owner);
    if (namespace === null) return undefined;
    const prefix = owner.endsWith("__dict__") && namespace[1] !== undefined
      ? `${namespace[1]}.`
      : "";
    return heap.importGlobal(module, prefix + name, "getitem", at);
  }
  const item = itemOf(heap, object, key);
  return item === undefined ? undefined : heap.derived(item);
}

/** `operator.setitem(object, key, value)`. */
export function setItem(calls: Calls, call: Call): Handle {
  const [object, ...rest] = call.args ?? [];
  calls.log(call, { of: object !== undefined && object < 0 ? [] : undefined });
  if (object !== undefined) {
    calls.heap.change(object);
    calls.building.fill(object, rest, "SETITEM", call.at);
  }
  return UNKNOWN;
}

/** `setattr(object, name, value)`. */
export function setAttribute(calls: Calls, call: Call): Handle {
  const [object, name] = call.args ?? [];
  calls.log(call);
  if (object !== undefined) {
    calls.building.setAttribute(object, name ?? UNKNOWN);
    const attributeName = calls.heap.textOf(name ?? UNKNOWN) ?? "?";
    calls.building.mutate(
      object,
      "setattr",
      (shown) => `setattr(${shown}, '${attributeName}')`,
      call.at,
    );
  }
  return UNKNOWN;
}

/** `vars(object)`. */
export function namespaceOf(calls: Calls, call: Call): Handle {
  calls.log(call);
  const object = call.args?.[0];
  const reached = object === undefined
    ? undefined
    : attribute(calls.heap, object, "__dict__", "vars", call.at);
  return reached ?? calls.result(call.entry.handle, call.args, call.kwargs);
}
