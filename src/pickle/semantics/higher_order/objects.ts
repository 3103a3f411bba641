/**
 * Functions that make an object of a class, or around a callback, that they are given.
 *
 * @module
 */

import { targetsOf } from "../attributes.ts";
import { typeOf } from "../../machine/classes.ts";
import { type Call, restores } from "../call.ts";
import type { Calls } from "../calls.ts";
import { MISMATCHES_REPORTED, tensorMismatch } from "../tensors.ts";
import { type Handle, NONE, UNKNOWN } from "../../machine/values.ts";

/**
 * `copyreg._reconstructor(class, base, state)`, `__newobj__(class, *args)`,
 * `__newobj_ex__(class, args, kwargs)` and scikit-learn's `newObj(class)`, which is `class.__new__(class)`. The first runs `base.__init__` with the state unless the
 * base is `object`.
 */
export function construct(calls: Calls, call: Call): Handle {
  const [cls, ...args] = call.args ?? [];
  calls.log(call, { of: cls === undefined ? undefined : targetsOf(calls.heap, cls) });
  if (cls === undefined) return UNKNOWN;
  const [base, ...state] = args;
  const { entry, at } = call;
  if (entry.name === "__newobj_ex__") {
    const [keywords] = state;
    const given = base === undefined ? undefined : calls.heap.itemsOf(base);
    return calls.call(cls, given, keywords ?? UNKNOWN, entry.name, at);
  }
  const runs = entry.name === "_reconstructor" && base !== undefined &&
    calls.heap.globalOf(base)?.key !== "builtins.object";
  if (runs) calls.call(base, state, undefined, "copyreg._reconstructor", at);
  const given = entry.name === "__newobj__" ? args : [];
  const via = entry.name === "newObj" ? "__newobj__" : entry.name;
  return calls.call(cls, given, undefined, via, at);
}

/** pandas' `_new_Index(class, attributes)` and its kin: `class.__new__(class, **attributes)`. */
export function constructWithKeywords(calls: Calls, call: Call): Handle {
  const [cls, attributes] = call.args ?? [];
  calls.log(call, { of: cls === undefined ? undefined : targetsOf(calls.heap, cls) });
  return cls === undefined
    ? UNKNOWN
    : calls.call(cls, [], attributes ?? call.kwargs, "__newobj_ex__", call.at);
}

/** `_rebuild_from_type_v2(func, type, args, state)`: calls func(*args), then makes it a `type`. */
export function rebuildFromType(calls: Calls, call: Call): Handle {
  const [callee, type, args, state] = call.args ?? [];
  if (state !== undefined) calls.hidden.watchState(call.entry.handle, state, call.via, call.at);
  const targets = [callee, type].map((part) =>
    part === undefined ? undefined : targetsOf(calls.heap, part)
  );
  // `type` as the type of the result changes the attributes of a class, not of a tensor.
  const changesClass = type !== undefined && calls.heap.globalOf(type)?.key === "builtins.type";
  const known = !changesClass && targets.every((part) => part !== undefined);
  calls.log(call, { of: known ? targets.flatMap((part) => part ?? []) : undefined });
  if (callee === undefined) return UNKNOWN;
  const items = args === undefined ? undefined : calls.heap.itemsOf(args);
  return calls.call(callee, items, undefined, call.entry.name, call.at);
}

/** `_rebuild_parameter_with_state(data, requires_grad, hooks, state)` sets the state's attributes. */
export function rebuildParameter(calls: Calls, call: Call): Handle {
  const state = call.args?.[3];
  if (state !== undefined) calls.hidden.watchState(call.entry.handle, state, call.via, call.at);
  if (!call.entry.quiet) calls.log(call);
  return calls.made(call);
}

/** `_rebuild_tensor_v2(storage, offset, size, stride, …)`: harmless when the tensor lies in its storage. */
export function rebuildTensor(calls: Calls, call: Call): Handle {
  const mismatch = tensorMismatch(calls.heap, call.args);
  if (mismatch !== undefined && calls.tensorMismatches.length < MISMATCHES_REPORTED) {
    calls.tensorMismatches.push({ offset: call.at, message: mismatch });
  }
  if (!call.entry.quiet) calls.log(call);
  return calls.made(call);
}

/** `type(x)` looks at a value; `type(name, bases, attributes)` makes a class, hooks and all. */
export function typeOrClass(calls: Calls, call: Call): Handle {
  const looks = call.args?.length === 1 && calls.isBare(call.kwargs);
  calls.log(call, { of: looks ? [] : undefined });
  return calls.result(call.entry.handle, call.args, call.kwargs);
}

/** `__generator_ctor(bit_generator, constructor)` calls the second with the first. */
export function makeGenerator(calls: Calls, call: Call): Handle {
  const [name, callee] = call.args ?? [];
  if (!call.entry.quiet) calls.log(call);
  if (callee !== undefined) {
    calls.call(callee, [name ?? UNKNOWN], undefined, call.entry.name, call.at);
  }
  return calls.isBare(call.kwargs)
    ? calls.made(call)
    : calls.unresolved(call.entry.handle, call.args, call.kwargs, call.via, call.at);
}

/** `__bit_generator_ctor(what)` takes a name, or a class and calls it. */
export function makeBitGenerator(calls: Calls, call: Call): Handle {
  const [callee] = call.args ?? [];
  if (!call.entry.quiet) calls.log(call);
  if (callee !== undefined && typeOf(calls.heap, callee)?.name !== "str") {
    calls.call(callee, [], undefined, call.entry.name, call.at);
  }
  return calls.made(call);
}

/**
 * `tzfile(file, name)` of dateutil reads the file, a path or an object. Without one it keeps the name, which is how
 * dateutil before 2.9 restores a zone (`tzfile.__reduce__`).
 */
export function opensFirst(calls: Calls, call: Call): Handle {
  const [file, ...names] = call.args ?? [];
  const opensNone = file === NONE && calls.isBare(call.kwargs) &&
    names.every((name) => name === NONE || calls.heap.textOf(name) !== undefined);
  if (!opensNone) calls.log(call);
  return opensNone ? calls.made(call) : calls.result(call.entry.handle, call.args, call.kwargs);
}

/**
 * A class whose `__new__` opens the files that its arguments name, such as `BPE(vocab, merges)` of tokenizers, which is
 * compiled from Rust. Picklers give it none, and the rest in a state.
 */
export function opensArguments(calls: Calls, call: Call): Handle {
  const { entry, args, kwargs } = call;
  const isPlain = args?.every((each) => each === NONE) === true && calls.isBare(kwargs);
  if (!isPlain) return calls.unresolved(entry.handle, args, kwargs, call.via, call.at);
  if (!restores(call)) calls.log(call);
  return calls.made(call);
}

/** `weakref.ref(object, callback)` calls the second once the first is gone, which may be at once. */
export function reference(calls: Calls, call: Call): Handle {
  const callback = call.args?.[1];
  if (call.args === undefined || (callback !== undefined && callback !== NONE)) {
    calls.unresolved(callback ?? UNKNOWN, undefined, undefined, call.entry.name, call.at);
    if (callback !== undefined) {
      calls.call(callback, [UNKNOWN], undefined, call.entry.name, call.at);
    }
  }
  if (!call.entry.restorable) calls.log(call);
  return calls.made(call);
}
