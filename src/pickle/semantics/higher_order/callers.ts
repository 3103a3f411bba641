/**
 * Functions that call what they are given: `functools.partial`, `map`, `reduce` and their kin.
 *
 * @module
 */

import type { GlobalName } from "../../../core/types.ts";
import { targetsOf } from "../attributes.ts";
import type { Call } from "../call.ts";
import type { Calls } from "../calls.ts";
import { CONTAINER, type Handle, LOST, UNKNOWN } from "../../machine/values.ts";

/** Items of an iterable that `map` and its kin are followed over. No model is known to call one. CWE-834. */
const FOLLOWED = 16;

/** `functools.partial(callee, …)`. */
export function partial(calls: Calls, call: Call): Handle {
  const [callee, ...args] = call.args ?? [];
  calls.log(call, { of: waiting(calls, call.args ?? []) });
  if (callee === undefined) return calls.result(call.entry.handle, call.args, call.kwargs);
  const entry = calls.heap.globalOf(callee);
  if (entry?.restorable === true && !entry.quiet && hasDictionary(calls, args, call.kwargs)) {
    calls.call(callee, args, call.kwargs, "functools.partial", call.at);
  }
  return calls.heap.object({ type: "partial", callee, args, kwargs: call.kwargs });
}

/** What a partial of a partial comes down to: nothing where it waits for its function, whose call is followed. */
function waiting(calls: Calls, args: readonly Handle[]): readonly GlobalName[] | undefined {
  const at = args.findIndex((arg) =>
    calls.heap.globalOf(arg)?.meanings.includes("partial") !== true
  );
  const callee = args[at < 0 ? args.length : at];
  return callee === undefined ? args.length > 0 ? [] : undefined : targetsOf(calls.heap, callee);
}

/** `types.MethodType(callee, object)`: called, it calls the callee with the object before its arguments. */
export function bound(calls: Calls, call: Call): Handle {
  const [callee, self] = call.args ?? [];
  calls.log(call, { of: callee === undefined ? undefined : targetsOf(calls.heap, callee) });
  return callee === undefined || self === undefined
    ? calls.result(call.entry.handle, call.args, call.kwargs)
    : calls.heap.object({ type: "partial", callee, args: [self], kwargs: undefined });
}

/**
 * Whether a dictionary is among the arguments. A class that is harmless to restore may build itself from
 * one when it is called, and even evaluate the texts in it (`parse_model` of YOLOv5's `models/yolo.py`).
 */
function hasDictionary(calls: Calls, args: readonly Handle[], kwargs: Handle | undefined): boolean {
  const { containers } = calls.heap;
  const named = kwargs !== undefined && kwargs < 0 ? calls.heap.keptItems(kwargs) : [];
  // Keywords that are no dictionary of the file's own, or that calls may have changed, may hold one.
  return (kwargs !== undefined && (kwargs >= 0 || containers.changed(kwargs))) ||
    [...args, ...named].some((arg) =>
      arg === LOST || arg === UNKNOWN || (arg < 0 && containers.kind(arg) === CONTAINER.DICT) ||
      mayBeDictionary(calls, arg)
    );
}

/** Classes whose instances are dictionaries, or are made from one, by the path of the global. */
const DICTIONARIES = /dict|counter|chainmap|config|namespace|bunch/i;

/** Whether a value is an instance of a class of dictionaries, or of one that is not known. */
function mayBeDictionary({ heap }: Calls, handle: Handle): boolean {
  const value = heap.valueOf(handle);
  const maker = value?.type === "call" ? heap.globalOf(value.callee) : heap.instanceOf(handle);
  if (maker === undefined) return heap.isMade(handle);
  return DICTIONARIES.test(maker.key) || maker.meanings.includes("gives-back");
}

/** `map(callee, …)` and `filter`, as if their results were asked for. */
export function mapped(calls: Calls, call: Call): Handle {
  const [callee, ...iterables] = call.args ?? [];
  calls.log(call, { of: callee === undefined ? undefined : targetsOf(calls.heap, callee) });
  if (callee === undefined) return UNKNOWN;
  const [first, ...others] = iterables.map((items) => itemsFollowed(calls, items));
  const unknown = () => calls.result(call.entry.handle, call.args, call.kwargs);
  if (first === undefined || others.includes(undefined)) {
    calls.call(callee, undefined, undefined, call.entry.name, call.at);
    return unknown();
  }
  const further = callFurther(calls, callee, iterables, call);
  const rows = [first, ...others as Handle[][]];
  const length = Math.min(...rows.map((row) => row.length));
  const results = Array.from({ length }, (_, index) => {
    const args = rows.map((row) => row[index] ?? UNKNOWN);
    return calls.call(callee, args, undefined, call.entry.name, call.at);
  });
  // `filter` gives the items for which the results hold.
  return further || call.entry.key === "builtins.filter"
    ? calls.heap.object({ type: "oneOf", values: [...results, unknown()] })
    : calls.heap.container(CONTAINER.LIST, results);
}

/** `itertools.starmap(callee, items)`. */
export function starmapped(calls: Calls, call: Call): Handle {
  const [callee, items] = call.args ?? [];
  calls.log(call, { of: callee === undefined ? undefined : targetsOf(calls.heap, callee) });
  if (callee === undefined) return UNKNOWN;
  const list = items === undefined ? undefined : itemsFollowed(calls, items);
  const further = items === undefined || callFurther(calls, callee, [items], call);
  const results = (list ?? [UNKNOWN]).map((item) =>
    calls.call(callee, calls.heap.itemsOf(calls.heap.derived(item)), undefined, "starmap", call.at)
  );
  if (list !== undefined && !further) return calls.heap.container(CONTAINER.LIST, results);
  const unknown = calls.result(call.entry.handle, call.args, call.kwargs);
  return calls.heap.object({ type: "oneOf", values: [...results, unknown] });
}

function itemsFollowed(calls: Calls, items: Handle): Handle[] | undefined {
  const text = calls.heap.textOf(items);
  if (text !== undefined) return [...text.slice(0, FOLLOWED)].map((c) => calls.heap.text(c));
  return calls.heap.itemsOf(items)?.slice(0, FOLLOWED).map((item) => calls.heap.derived(item));
}

/** Calls with what nothing knows, where there are more items than are followed, and says so. */
function callFurther(
  calls: Calls,
  callee: Handle,
  iterables: readonly Handle[],
  call: Call,
): boolean {
  const longer = iterables.some((items) =>
    items < 0
      ? calls.heap.containers.count(items) > FOLLOWED
      : (calls.heap.textOf(items)?.length ?? 0) > FOLLOWED
  );
  if (longer) calls.call(callee, undefined, undefined, call.entry.name, call.at);
  return longer;
}

/**
 * Items that a `reduce` is computed over; what more give is not known. No model is known to call one.
 * CWE-834.
 */
const REDUCED = 4096;

/** `functools.reduce(callee, items[, start])`. */
export function reduce(calls: Calls, call: Call): Handle {
  const [callee, items, start] = call.args ?? [];
  calls.log(call, { of: callee === undefined ? undefined : targetsOf(calls.heap, callee) });
  const list = items === undefined ? undefined : calls.heap.itemsOf(items);
  if (callee === undefined || list === undefined || list.length > REDUCED) {
    if (callee !== undefined) calls.call(callee, undefined, undefined, "functools.reduce", call.at);
    return calls.result(call.entry.handle, call.args, call.kwargs);
  }
  const followed = list.map((item) => calls.heap.derived(item));
  let value = start ?? followed.shift();
  for (const item of followed) {
    value = calls.call(callee, [value ?? UNKNOWN, item], undefined, "functools.reduce", call.at);
  }
  return value ?? UNKNOWN;
}

/** Python 2's `apply(callee, args, kwargs)`. */
export function apply(calls: Calls, call: Call): Handle {
  const [callee, args, kwargs] = call.args ?? [];
  calls.log(call, { of: callee === undefined ? undefined : targetsOf(calls.heap, callee) });
  if (callee === undefined) return UNKNOWN;
  const items = args === undefined
    ? []
    : calls.heap.itemsOf(args)?.map((item) => calls.heap.derived(item));
  return calls.call(callee, items, kwargs, "apply", call.at);
}

/** `operator.call(callee, …)`. */
export function operatorCall(calls: Calls, call: Call): Handle {
  const [callee, ...args] = call.args ?? [];
  calls.log(call, { of: callee === undefined ? undefined : targetsOf(calls.heap, callee) });
  return callee === undefined
    ? UNKNOWN
    : calls.call(callee, args, call.kwargs, "operator.call", call.at);
}

/**
 * `_get_attr_unless_lookup(function, lookups, text)` of spaCy: what a lookup has for the text, or what the function
 * gives for it.
 */
export function callsFirst(calls: Calls, call: Call): Handle {
  const isPlain = call.args !== undefined && calls.isBare(call.kwargs);
  const [callee, , ...args] = isPlain ? call.args : [];
  calls.log(call, { of: callee === undefined ? undefined : targetsOf(calls.heap, callee) });
  const unknown = calls.result(call.entry.handle, call.args, call.kwargs);
  if (callee === undefined) return unknown;
  const given = calls.call(callee, args, undefined, call.entry.name, call.at);
  return calls.heap.object({ type: "oneOf", values: [given, unknown] });
}

/** Functions that call what they are given, with arguments that are not known. */
export function callsArguments(calls: Calls, call: Call): Handle {
  calls.log(call);
  const given = call.args !== undefined && calls.isBare(call.kwargs) ? call.args : [UNKNOWN];
  for (const each of given) {
    if (each !== UNKNOWN && !calls.isCallable(each)) continue;
    calls.call(each, undefined, undefined, call.entry.name, call.at);
  }
  return calls.result(call.entry.handle, call.args, call.kwargs);
}
