/**
 * Functions that import by name, and those that load a pickle of their own.
 *
 * @module
 */

import type { GlobalName } from "../../../core/types.ts";
import type { Call } from "../call.ts";
import type { Calls, Wrapper } from "../calls.ts";
import { isTextCodec } from "../codecs.ts";
import { foldOf } from "../folding.ts";
import { render } from "../../tools/render.ts";
import { type Handle, indexOf, KIND, kindOf, UNKNOWN } from "../../machine/values.ts";
import { madeOf } from "../possible.ts";

/**
 * Constants that one loaded value may be made of that are looked into. No model is known to have two.
 * CWE-834.
 */
const LOADED_FOLLOWED = 16;

/** `__import__(name, …)` gives the outermost package, `import_module(name)` the module itself. */
export function importModule(calls: Calls, call: Call): Handle {
  const [name, , , from] = call.args ?? [];
  const path = name === undefined ? undefined : calls.heap.textOf(name);
  if (path === undefined || path === "") {
    calls.log(call);
    return calls.result(call.entry.handle, call.args, call.kwargs);
  }
  const deepest = call.entry.name !== "__import__" ||
    (from !== undefined && from < 0 && calls.heap.containers.count(from) > 0);
  const module = deepest ? path : path.split(".")[0] as string;
  calls.heap.importGlobal(path, "", call.entry.name, call.at);
  calls.log(call, { of: [{ module: path, name: "" }] });
  return calls.heap.object({ type: "module", module });
}

/** `pkgutil.resolve_name(path)` and `pydoc.locate(path)`. */
export function resolveName(calls: Calls, call: Call): Handle {
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
export function loadType(calls: Calls, call: Call): Handle {
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

/**
 * `_ufunc_reconstruct(module, name)` of numpy imports the module and gives its attribute
 * (`numpy/core/__init__.py`): numpy before 1.20 writes every ufunc so.
 */
export function importAttribute(calls: Calls, call: Call): Handle {
  const { heap } = calls;
  const [module = UNKNOWN, name = UNKNOWN] = call.args ?? [];
  const [moduleText, nameText] = [heap.textOf(module), heap.textOf(name)];
  if (moduleText === undefined || nameText === undefined) {
    calls.log(call);
    return calls.result(call.entry.handle, call.args, call.kwargs);
  }
  calls.log(call, { of: [{ module: moduleText, name: nameText }] });
  const computed = !heap.isWritten(module) || !heap.isWritten(name);
  return heap.importGlobal(moduleText, nameText, call.entry.name, call.at, computed);
}

/**
 * `copyreg.add_extension(module, name, code)`: EXT opcodes give the global from then on. Names that are
 * not known are those of any global: to import by them is what an EXT opcode does later.
 */
export function addExtension(calls: Calls, call: Call): Handle {
  const { heap } = calls;
  const [module = UNKNOWN, name = UNKNOWN, code = UNKNOWN] = call.args ?? [];
  const [moduleText, nameText] = [heap.textOf(module), heap.textOf(name)];
  const number = heap.integerOf(code);
  calls.log(call);
  if (moduleText !== undefined && nameText !== undefined && number !== undefined) {
    calls.names.register(number, moduleText, nameText);
  } else if (moduleText === undefined || nameText === undefined) {
    calls.names.importPossible(module, name, call.at);
  } else heap.importGlobal(moduleText, nameText, "EXT", call.at);
  return calls.result(call.entry.handle, call.args, call.kwargs);
}

/**
 * Loaders take their bytes with them: these are looked into. Only bytes that stand in the file as they
 * are can be known to be all that is loaded; what calls made of them, and a bytearray that opcodes
 * added to, may be something else.
 */
export function loader(calls: Calls, call: Call): Handle {
  const [given = UNKNOWN] = call.args ?? [];
  const resolved = loadedBytes(calls, given);
  const via = `${call.entry.module}.${call.entry.name}`;
  const changed = resolved !== undefined && calls.heap.bytesChanged(resolved);
  if (resolved !== undefined) calls.loaded.push({ handle: resolved, via });
  if (resolved === undefined || changed) {
    calls.loadsUnknown = true;
    const { values } = madeOf(calls.heap, given, isLiteral, LOADED_FOLLOWED);
    for (const each of values) calls.mayLoad.add(indexOf(each));
  }
  const written = given === resolved && given >= 0 && kindOf(given) === KIND.BYTES &&
    !calls.heap.bytesGrown && !changed && calls.isBare(call.kwargs);
  calls.log(call, { of: written ? [] : undefined });
  return calls.result(call.entry.handle, call.args, call.kwargs);
}

/**
 * Functions that load a pickle in one of their arguments, among other things: it is looked into. What is no constant
 * of the file may be any pickle.
 *
 * @param at the place of the argument
 */
export function loadsArgument(at: number): Wrapper {
  return (calls, call) => {
    const { heap } = calls;
    const isPlain = call.args !== undefined && calls.isBare(call.kwargs);
    const given = isPlain ? call.args[at] : UNKNOWN;
    if (given !== undefined) {
      const resolved = loadedBytes(calls, given);
      const via = `${call.entry.module}.${call.entry.name}`;
      if (resolved !== undefined) calls.loaded.push({ handle: resolved, via });
      if (resolved !== given || heap.bytesChanged(given) || heap.bytesGrown) {
        calls.loadsUnknown = true;
        const expression = `${via}(${render(heap, given)})`;
        heap.facts.add({ kind: "unresolved-call", via, expression }, call.at);
      }
    }
    calls.log(call);
    return calls.result(call.entry.handle, call.args, call.kwargs);
  };
}

/** Whether a value is a text or bytes that stand in the file. */
function isLiteral(handle: Handle): boolean {
  return handle >= 0 && (kindOf(handle) === KIND.BYTES || kindOf(handle) === KIND.STRING);
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
export function encodeText(calls: Calls, call: Call): Handle {
  const { heap } = calls;
  const [, codec, errors] = call.args ?? [];
  const name = codec === undefined
    ? call.args === undefined ? undefined : "utf-8"
    : heap.textOf(codec);
  const strict = (errors === undefined || heap.textOf(errors) === "strict") &&
    calls.isBare(call.kwargs);
  const harmless = name !== undefined && isTextCodec(name) && strict;
  if (!harmless || call.entry.results++ < 1) calls.log(call, { of: harmless ? [] : undefined });
  const folded = call.args === undefined || !strict
    ? undefined
    : foldOf(call.entry.key)?.(heap, call.args);
  return folded ?? calls.result(call.entry.handle, call.args, call.kwargs);
}
