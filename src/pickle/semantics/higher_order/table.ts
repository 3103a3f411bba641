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
import {
  apply,
  bound,
  callsArguments,
  callsFirst,
  mapped,
  operatorCall,
  partial,
  reduce,
  starmapped,
} from "./callers.ts";
import {
  addExtension,
  encodeText,
  importAttribute,
  importModule,
  loader,
  loadsArgument,
  loadType,
  resolveName,
} from "./imports.ts";
import {
  construct,
  constructWithKeywords,
  makeBitGenerator,
  makeGenerator,
  opensArguments,
  opensFirst,
  rebuildFromType,
  rebuildParameter,
  rebuildTensor,
  reference,
  typeOrClass,
} from "./objects.ts";

/** What follows calls, by their meaning (`rules/callables.toml`). */
const WRAPPERS: Readonly<Record<string, Wrapper>> = {
  __proto__: null as never,
  getattr: getattr,
  type: typeOrClass,
  "generator-constructor": makeGenerator,
  "bit-generator-constructor": makeBitGenerator,
  "weak-reference": reference,
  partial: partial,
  "bound-method": bound,
  attrgetter: getter("attrgetter"),
  itemgetter: getter("itemgetter"),
  methodcaller: getter("methodcaller"),
  map: mapped,
  starmap: starmapped,
  reduce: reduce,
  apply: apply,
  call: operatorCall,
  "import-attribute": importAttribute,
  "import-module": importModule,
  "resolve-name": resolveName,
  getitem: getItem,
  setitem: setItem,
  setattr: setAttribute,
  vars: namespaceOf,
  "add-extension": addExtension,
  construct: construct,
  "construct-with-keywords": constructWithKeywords,
  "rebuild-from-type": rebuildFromType,
  "rebuild-parameter": rebuildParameter,
  "rebuild-tensor": rebuildTensor,
  "load-type": loadType,
  "encode-text": encodeText,
  loader: loader,
  "loads-second": loadsArgument(1),
  "loads-fifth": loadsArgument(4),
  "calls-first": callsFirst,
  "calls-arguments": callsArguments,
  "opens-first": opensFirst,
  "opens-arguments": opensArguments,
};

/** The meanings that calls are followed by. */
export const FOLLOWED: ReadonlySet<string> = new Set(Object.keys(WRAPPERS));

const HIGHER_ORDER: HigherOrder = { wrapperOf: (meaning) => WRAPPERS[meaning], applyGetter };

/**
 * The semantics of Python's library.
 *
 * @param extensions codes registered so far in this process, by any stream
 */
export function pythonSemantics(extensions: Map<number, GlobalName>): SemanticsOf {
  return (heap) => new Calls(heap, extensions, HIGHER_ORDER);
}
