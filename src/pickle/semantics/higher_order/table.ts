/**
 * Functions whose danger is that of what they are applied to: `functools.partial`, `getattr`, `map`,
 * imports by name, loaders. Each is followed as far as constants lead.
 *
 * @module
 */

import type { GlobalName } from "../../../core/types.ts";
import type { SemanticsOf } from "../../machine/semantics.ts";
import { Calls, type HigherOrder, type Wrapper } from "../calls.ts";
import {
  applyGetter,
  getattr,
  getItem,
  getter,
  namespaceOf,
  setAttribute,
  setItem,
} from "./attributes.ts";
import { apply, mapped, operatorCall, partial, reduce, starmapped } from "./callers.ts";
import {
  addExtension,
  encodeText,
  importModule,
  loader,
  loadType,
  resolveName,
} from "./imports.ts";
import {
  construct,
  makeBitGenerator,
  makeGenerator,
  rebuildFromType,
  rebuildParameter,
  rebuildTensor,
  reference,
  typeOrClass,
} from "./objects.ts";

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

const HIGHER_ORDER: HigherOrder = { wrapperOf: (key) => WRAPPERS[key], applyGetter };

/**
 * The semantics of Python's library.
 *
 * @param extensions codes registered so far in this process, by any stream
 */
export function pythonSemantics(extensions: Map<number, GlobalName>): SemanticsOf {
  return (heap) => new Calls(heap, extensions, HIGHER_ORDER);
}
