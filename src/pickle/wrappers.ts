/**
 * Functions whose danger is that of what they are applied to: `functools.partial`, `getattr`, `map`,
 * imports by name, loaders. Each is followed as far as constants lead.
 *
 * @module
 */

import type { GlobalName } from "../types.ts";
import { attribute, attributePath, targetsOf, typeOf } from "./attributes.ts";
import type { Call, Calls } from "./calls.ts";
import { isTextCodec } from "./codecs.ts";
import { foldOf } from "./fold.ts";
import { itemOf } from "./methods.ts";
import { FAULTS_TOLD, tensorFault } from "./tensors.ts";
import {
  CONTAINER,
  type GetterValue,
  type Handle,
  handleOf,
  KIND,
  kindOf,
  LOST,
  NONE,
  UNKNOWN,
} from "./values.ts";

/** Follows one call of a wrapper and gives its value. */
type Wrapper = (calls: Calls, call: Call) => Handle;

/** Items of an iterable that `map` and its kin are followed over. */
const FOLLOWED = 16;

/** The wrapper under a key (see `foldKey`); undefined for every other global. */
export function wrapperOf(key: string): Wrapper | undefined {
  return WRAPPERS[key];
}

const WRAPPERS: Readonly<Record<string, Wrapper>> = {
  __proto__: null as never,
  "builtins.getattr": getattr,
  "builtins.object.__getattribute__": getattr,
  "builtins.type.__getattribute__": getattr,
  "inspect.getattr_static": getattr,
  "builtins.type": typeOrClass,
  "numpy.random._pickle.__generator_ctor": makeGenerator,
  "numpy.random._pickle.__randomstate_ctor": makeGenerator,
  "numpy.random.__RandomState_ctor": makeGenerator,
  "numpy.random._pickle.__bit_generator_ctor": makeBitGenerator,
  "weakref.ref": reference,
  "weakref.ReferenceType": reference,
  "_weakref.ref": reference,
  "functools.partial": partial,
  "functools.partialmethod": partial,
  "operator.attrgetter": getter("attrgetter"),
  "operator.itemgetter": getter("itemgetter"),
  "operator.methodcaller": getter("methodcaller"),
  "builtins.map": mapped,
  "builtins.filter": mapped,
  "itertools.starmap": starmapped,
  "functools.reduce": reduce,
  "builtins.apply": apply,
  "operator.call": operatorCall,
  "builtins.__import__": importModule,
  "importlib.__import__": importModule,
  "importlib.import_module": importModule,
  "importlib._gcd_import": importModule,
  "pkgutil.resolve_name": resolveName,
  "pydoc.locate": resolveName,
  "operator.getitem": getItem,
  "operator.setitem": setItem,
  "builtins.setattr": setAttribute,
  "builtins.vars": namespaceOf,
  "copyreg.add_extension": addExtension,
  "copyreg._reconstructor": construct,
  "copyreg.__newobj__": construct,
  "copyreg.__newobj_ex__": construct,
  "torch._tensor._rebuild_from_type_v2": rebuildFromType,
  "torch._tensor._rebuild_from_type": rebuildFromType,
  "torch._utils._rebuild_parameter_with_state": rebuildParameter,
  "torch._utils._rebuild_tensor": rebuildTensor,
  "torch._utils._rebuild_tensor_v2": rebuildTensor,
  "torch._utils._rebuild_tensor_v3": rebuildTensor,
  "dill._dill._load_type": loadType,
  "codecs.encode": encodeText,
  ...Object.fromEntries(
    [
      "pickle.loads",
      "pickle._loads",
      "pickle.load",
      "pickle._load",
      "dill.loads",
      "dill._dill.loads",
      "cloudpickle.loads",
      "cloudpickle.cloudpickle.loads",
      "joblib.load",
      "torch.storage._load_from_bytes",
      "torch.load",
      "torch.serialization.load",
      "numpy.load",
      "pandas.read_pickle",
      "pandas.io.pickle.read_pickle",
    ].map((key) => [key, loader]),
  ),
};

// --- attributes -----------------------------------------------------------------

function getattr(calls: Calls, call: Call): Handle {
  const [object, name, fallback] = call.args ?? [];
  const text = name === undefined ? undefined : calls.heap.textOf(name);
  const computed = name !== undefined && !calls.heap.isWritten(name);
  const found = object === undefined || text === undefined
    ? undefined
    : attribute(calls.heap, object, text, "getattr", call.at, computed);
  // With a fallback, nobody knows which of the two it gives.
  const reached = fallback === undefined ? found : undefined;
  calls.log(call, { of: reached === undefined ? undefined : targetsOf(calls.heap, reached) });
  return reached ?? calls.result(call.entry.handle, call.args, call.kwargs);
}

function getter(kind: GetterValue["kind"]): Wrapper {
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

// --- application ------------------------------------------------------------------

function partial(calls: Calls, call: Call): Handle {
  const [callee, ...args] = call.args ?? [];
  calls.log(call, { of: callee === undefined ? undefined : targetsOf(calls.heap, callee) });
  if (callee === undefined) return calls.result(call.entry.handle, call.args, call.kwargs);
  const entry = calls.heap.globalOf(callee);
  if (entry?.restorable === true && !entry.quiet && hasDictionary(calls, args, call.kwargs)) {
    calls.call(callee, args, call.kwargs, "functools.partial", call.at);
  }
  return calls.heap.object({ type: "partial", callee, args, kwargs: call.kwargs });
}

/**
 * Whether a dictionary is among the arguments. A class that is harmless to restore may build itself from
 * one when it is called, and even evaluate the texts in it (`parse_model` of YOLOv5's `models/yolo.py`).
 */
function hasDictionary(calls: Calls, args: readonly Handle[], kwargs: Handle | undefined): boolean {
  const { containers } = calls.heap;
  const named = kwargs !== undefined && kwargs < 0 ? calls.heap.keptItems(kwargs) : [];
  return kwargs === LOST ||
    [...args, ...named].some((arg) =>
      arg === LOST || (arg < 0 && containers.kind(arg) === CONTAINER.DICT) ||
      DICTIONARIES.test(classOf(calls, arg) ?? "")
    );
}

/** Classes whose instances are dictionaries, or are made from one, by the path of the global. */
const DICTIONARIES = /dict|counter|chainmap|config|namespace|bunch/i;

/** The path of the class that an instance, or the result of a call, is of. */
function classOf({ heap }: Calls, handle: Handle): string | undefined {
  const value = heap.valueOf(handle);
  const entry = value?.type === "call" ? heap.globalOf(value.callee) : heap.instanceOf(handle);
  return entry?.key;
}

/** `weakref.ref(object, callback)` calls the second once the first is gone, which may be at once. */
function reference(calls: Calls, call: Call): Handle {
  const callback = call.args?.[1];
  if (call.args === undefined || (callback !== undefined && callback !== NONE)) {
    calls.unresolved(callback ?? UNKNOWN, undefined, undefined, call.entry.name, call.at);
    if (callback !== undefined) {
      calls.call(callback, [UNKNOWN], undefined, call.entry.name, call.at);
    }
  }
  if (!call.entry.restorable) calls.log(call);
  return handleOf(KIND.INSTANCE, call.entry.id);
}

function mapped(calls: Calls, call: Call): Handle {
  const [callee, ...iterables] = call.args ?? [];
  calls.log(call, { of: callee === undefined ? undefined : targetsOf(calls.heap, callee) });
  if (callee === undefined) return UNKNOWN;
  const [first, ...others] = iterables.map((items) => itemsFollowed(calls, items));
  const known = first !== undefined && !others.includes(undefined);
  if (known) callFurther(calls, callee, iterables, call);
  const results = known
    ? first.map((item, index) => {
      const args = [item, ...others.map((other) => other?.[index] ?? UNKNOWN)];
      return calls.call(callee, args, undefined, call.entry.name, call.at);
    })
    : undefined;
  if (results === undefined) {
    calls.call(callee, undefined, undefined, call.entry.name, call.at);
    return calls.result(call.entry.handle, call.args, call.kwargs);
  }
  return calls.heap.container(CONTAINER.LIST, results);
}

function starmapped(calls: Calls, call: Call): Handle {
  const [callee, items] = call.args ?? [];
  calls.log(call, { of: callee === undefined ? undefined : targetsOf(calls.heap, callee) });
  if (callee === undefined) return UNKNOWN;
  const list = items === undefined ? undefined : itemsFollowed(calls, items);
  if (items !== undefined) callFurther(calls, callee, [items], call);
  const results = (list ?? [UNKNOWN]).map((item) =>
    calls.call(callee, calls.heap.itemsOf(calls.heap.derived(item)), undefined, "starmap", call.at)
  );
  return calls.heap.container(CONTAINER.LIST, results);
}

function itemsFollowed(calls: Calls, items: Handle): Handle[] | undefined {
  const text = calls.heap.textOf(items);
  if (text !== undefined) return [...text.slice(0, FOLLOWED)].map((c) => calls.heap.text(c));
  return calls.heap.itemsOf(items)?.slice(0, FOLLOWED).map((item) => calls.heap.derived(item));
}

/** Calls with what nobody knows, where there are more items than are followed. */
function callFurther(
  calls: Calls,
  callee: Handle,
  iterables: readonly Handle[],
  call: Call,
): void {
  const longer = iterables.some((items) =>
    items < 0
      ? calls.heap.containers.count(items) > FOLLOWED
      : (calls.heap.textOf(items)?.length ?? 0) > FOLLOWED
  );
  if (longer) calls.call(callee, undefined, undefined, call.entry.name, call.at);
}

function reduce(calls: Calls, call: Call): Handle {
  const [callee, items, start] = call.args ?? [];
  calls.log(call, { of: callee === undefined ? undefined : targetsOf(calls.heap, callee) });
  const list = items === undefined ? undefined : calls.heap.itemsOf(items)?.slice(0, 4096);
  if (callee === undefined || list === undefined) {
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

function apply(calls: Calls, call: Call): Handle {
  const [callee, args, kwargs] = call.args ?? [];
  calls.log(call, { of: callee === undefined ? undefined : targetsOf(calls.heap, callee) });
  if (callee === undefined) return UNKNOWN;
  const items = args === undefined
    ? []
    : calls.heap.itemsOf(args)?.map((item) => calls.heap.derived(item));
  return calls.call(callee, items, kwargs, "apply", call.at);
}

function operatorCall(calls: Calls, call: Call): Handle {
  const [callee, ...args] = call.args ?? [];
  calls.log(call, { of: callee === undefined ? undefined : targetsOf(calls.heap, callee) });
  return callee === undefined
    ? UNKNOWN
    : calls.call(callee, args, call.kwargs, "operator.call", call.at);
}

/**
 * `copyreg._reconstructor(class, base, state)` and `__newobj__(class, *args)`. The first runs
 * `base.__init__` with the state unless the base is `object`.
 */
function construct(calls: Calls, call: Call): Handle {
  const [cls, ...args] = call.args ?? [];
  calls.log(call, { of: cls === undefined ? undefined : targetsOf(calls.heap, cls) });
  if (cls === undefined) return UNKNOWN;
  const [base, ...state] = args;
  const runs = call.entry.name === "_reconstructor" && base !== undefined &&
    calls.heap.globalOf(base)?.key !== "builtins.object";
  if (runs) calls.call(base, state, undefined, "copyreg._reconstructor", call.at);
  const given = call.entry.name === "__newobj__" ? args : [];
  return calls.call(cls, given, undefined, call.entry.name, call.at);
}

/** `_rebuild_from_type_v2(func, type, args, state)`: calls func(*args), then makes it a `type`. */
function rebuildFromType(calls: Calls, call: Call): Handle {
  const [callee, type, args, state] = call.args ?? [];
  if (state !== undefined) calls.watchState(call.entry.handle, state, call.via, call.at);
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
function rebuildParameter(calls: Calls, call: Call): Handle {
  const state = call.args?.[3];
  if (state !== undefined) calls.watchState(call.entry.handle, state, call.via, call.at);
  if (!call.entry.quiet) calls.log(call);
  return handleOf(KIND.INSTANCE, call.entry.id);
}

/** `_rebuild_tensor_v2(storage, offset, size, stride, …)`: harmless when the tensor lies in its storage. */
function rebuildTensor(calls: Calls, call: Call): Handle {
  const fault = call.args === undefined ? undefined : tensorFault(calls.heap, call.args);
  if (fault !== undefined && calls.tensorFaults.length < FAULTS_TOLD) {
    calls.tensorFaults.push({ offset: call.at, message: fault });
  }
  if (!call.entry.quiet) calls.log(call);
  return handleOf(KIND.INSTANCE, call.entry.id);
}

// --- imports by name ----------------------------------------------------------------

function importModule(calls: Calls, call: Call): Handle {
  const [name, , , from] = call.args ?? [];
  const path = name === undefined ? undefined : calls.heap.textOf(name);
  if (path === undefined || path === "") {
    calls.log(call);
    return calls.result(call.entry.handle, call.args, call.kwargs);
  }
  const whole = call.entry.name !== "__import__" ||
    (from !== undefined && from < 0 && calls.heap.containers.count(from) > 0);
  const module = whole ? path : path.split(".")[0] as string;
  calls.heap.importGlobal(path, "", call.entry.name, call.at);
  calls.log(call, { of: [{ module: path, name: "" }] });
  return calls.heap.object({ type: "module", module });
}

function resolveName(calls: Calls, call: Call): Handle {
  const written = call.args?.[0] ?? UNKNOWN;
  const path = calls.heap.textOf(written);
  const split = path === undefined ? undefined : splitPath(path);
  if (split === undefined) {
    calls.log(call);
    return calls.result(call.entry.handle, call.args, call.kwargs);
  }
  const reached = calls.heap.importGlobal(
    split.module,
    split.name,
    call.entry.name,
    call.at,
    !calls.heap.isWritten(written),
  );
  calls.log(call, { of: [split] });
  return split.name === "" ? calls.heap.object({ type: "module", module: split.module }) : reached;
}

/** `os:system`, `os.system` or `os`, as `pkgutil.resolve_name` takes them. */
function splitPath(path: string): GlobalName | undefined {
  if (path === "") return undefined;
  const at = path.includes(":") ? path.indexOf(":") : path.lastIndexOf(".");
  if (at < 0) {
    return isBuiltin(path) ? { module: "builtins", name: path } : { module: path, name: "" };
  }
  return { module: path.slice(0, at), name: path.slice(at + 1) };
}

/** `pydoc.locate` looks among the builtins for what no module is called. */
function isBuiltin(name: string): boolean {
  return ["eval", "exec", "compile", "open", "__import__", "getattr", "breakpoint"].includes(name);
}

/** `dill._dill._load_type` maps a name to a type object of `types` or the builtins. */
function loadType(calls: Calls, call: Call): Handle {
  const written = call.args?.[0] ?? UNKNOWN;
  const name = calls.heap.textOf(written);
  if (name === undefined) {
    calls.log(call);
    return calls.result(call.entry.handle, call.args, call.kwargs);
  }
  const target = { module: name.endsWith("Type") ? "types" : "builtins", name };
  calls.log(call, { of: [target] });
  const computed = !calls.heap.isWritten(written);
  return calls.heap.importGlobal(target.module, target.name, "_load_type", call.at, computed);
}

function addExtension(calls: Calls, call: Call): Handle {
  const [module, name, code] = (call.args ?? []).map((arg, index) =>
    index < 2 ? calls.heap.textOf(arg) : calls.heap.integerOf(arg)
  );
  calls.log(call);
  if (typeof module === "string" && typeof name === "string" && typeof code === "number") {
    calls.register(code, module, name);
  }
  return calls.result(call.entry.handle, call.args, call.kwargs);
}

/** `type(x)` looks at a value; `type(name, bases, attributes)` makes a class, hooks and all. */
function typeOrClass(calls: Calls, call: Call): Handle {
  const looks = call.args?.length === 1 && calls.isBare(call.kwargs);
  calls.log(call, { of: looks ? [] : undefined });
  return calls.result(call.entry.handle, call.args, call.kwargs);
}

/** `__generator_ctor(bit_generator, constructor)` calls the second with the first. */
function makeGenerator(calls: Calls, call: Call): Handle {
  const [name, callee] = call.args ?? [];
  if (!call.entry.quiet) calls.log(call);
  if (callee !== undefined) {
    calls.call(callee, [name ?? UNKNOWN], undefined, call.entry.name, call.at);
  }
  return calls.isBare(call.kwargs)
    ? handleOf(KIND.INSTANCE, call.entry.id)
    : calls.unresolved(call.entry.handle, call.args, call.kwargs, call.via, call.at);
}

/** `__bit_generator_ctor(what)` takes a name, or a class and calls it. */
function makeBitGenerator(calls: Calls, call: Call): Handle {
  const callee = call.args?.[0];
  if (!call.entry.quiet) calls.log(call);
  if (callee !== undefined && typeOf(calls.heap, callee)?.name !== "str") {
    calls.call(callee, [], undefined, call.entry.name, call.at);
  }
  return handleOf(KIND.INSTANCE, call.entry.id);
}

// --- items ----------------------------------------------------------------------------

function getItem(calls: Calls, call: Call): Handle {
  const [object, key] = call.args ?? [];
  if (object !== undefined && isGeneric(calls, object)) {
    calls.log(call, { of: [] });
    return calls.result(call.entry.handle, call.args, call.kwargs);
  }
  const found = object === undefined || key === undefined
    ? undefined
    : itemOrAttribute(calls, object, key, call.at);
  calls.log(call, { of: found === undefined ? undefined : targetsOf(calls.heap, found) ?? [] });
  return found ?? calls.result(call.entry.handle, call.args, call.kwargs);
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

function setItem(calls: Calls, call: Call): Handle {
  const [object, ...rest] = call.args ?? [];
  calls.log(call, { of: object !== undefined && object < 0 ? [] : undefined });
  if (object !== undefined) calls.fill(object, rest, "SETITEM", call.at);
  return UNKNOWN;
}

function setAttribute(calls: Calls, call: Call): Handle {
  const [object, name] = call.args ?? [];
  calls.log(call);
  if (object !== undefined) {
    const attributeName = calls.heap.textOf(name ?? UNKNOWN) ?? "?";
    calls.mutate(object, "setattr", (shown) => `setattr(${shown}, '${attributeName}')`, call.at);
  }
  return UNKNOWN;
}

function namespaceOf(calls: Calls, call: Call): Handle {
  calls.log(call);
  const object = call.args?.[0];
  const reached = object === undefined
    ? undefined
    : attribute(calls.heap, object, "__dict__", "vars", call.at);
  return reached ?? calls.result(call.entry.handle, call.args, call.kwargs);
}

// --- data ---------------------------------------------------------------------------------

/**
 * Loaders take their bytes with them: these are looked into. Only bytes that stand in the file as they
 * are can be known to be all that is loaded; what calls made of them, and a bytearray that opcodes
 * added to, may be something else.
 */
function loader(calls: Calls, call: Call): Handle {
  const [given] = call.args ?? [];
  const resolved = given === undefined ? undefined : loadedBytes(calls, given);
  if (resolved !== undefined) {
    calls.loaded.push({ handle: resolved, via: `${call.entry.module}.${call.entry.name}` });
  }
  const written = given !== undefined && given === resolved && kindOf(given) === KIND.BYTES &&
    !calls.heap.bytesGrown && calls.isBare(call.kwargs);
  calls.log(call, { of: written ? [] : undefined });
  return calls.result(call.entry.handle, call.args, call.kwargs);
}

/** The bytes under `io.BytesIO(…)`, decoders that were not computed, and plain bytes. */
function loadedBytes(calls: Calls, handle: Handle, depth = 0): Handle | undefined {
  if (
    handle >= 0 && (kindOf(handle) === KIND.BYTES || calls.heap.valueOf(handle)?.type === "bytes")
  ) {
    return handle;
  }
  const value = calls.heap.valueOf(handle);
  const first = value?.type === "call" ? value.args?.[0] : undefined;
  return first === undefined || depth > 4 ? undefined : loadedBytes(calls, first, depth + 1);
}

/**
 * `_codecs.encode(text, codec, errors)` writes text down; with other codecs, and with errors that
 * leave characters out or replace them, it computes.
 */
function encodeText(calls: Calls, call: Call): Handle {
  const { heap } = calls;
  const [, codec, errors] = call.args ?? [];
  const name = codec === undefined ? "utf-8" : heap.textOf(codec);
  const strict = (errors === undefined || heap.textOf(errors) === "strict") &&
    calls.isBare(call.kwargs);
  const harmless = name !== undefined && isTextCodec(name) && strict;
  if (!harmless || call.entry.results++ < 1) calls.log(call, { of: harmless ? [] : undefined });
  const folded = call.args === undefined || !strict
    ? undefined
    : foldOf(call.entry.key)?.(heap, call.args);
  return folded ?? calls.result(call.entry.handle, call.args, call.kwargs);
}
