/**
 * What executes a text of the state that it is given. Distributions of scipy.stats: `rv_generic.__setstate__` executes the text under `_parse_arg_template` of
 * the state it is given (`_attach_argparser_methods` in `scipy/stats/_distn_infrastructure.py`, the same in
 * scipy 1.5 to 1.17). The library fills one fixed template with the names of shape parameters, so that
 * what it wrote can be told from anything else. Data of statsmodels' models: `ModelData.__setstate__` evaluates the
 * `formula` of a state that has `restore_design_info` or `restore_model_spec` (`statsmodels/base/data.py`, 0.5 to 0.15).
 *
 * @module
 */

import type { Heap } from "../machine/heap.ts";
import { CONTAINER, type Handle, NONE, UNKNOWN } from "../machine/values.ts";

/** The attribute that holds the text. */
const KEY = "_parse_arg_template";

/** `parse_arg_template` of scipy's, with the shape parameters, location and scale that fill it. */
const TEMPLATE = new RegExp(
  String
    .raw`^\ndef _parse_args\(self, (?<shapes>(?:[A-Za-z_]\w*, )*) (?<given>loc=0(?:, scale=1)?)\):\n` +
    String.raw`    return \(\k<shapes>\), (?<taken>loc, (?:1|scale))\n\n` +
    String.raw`def _parse_args_rvs\(self, \k<shapes> \k<given>, size=None\):\n` +
    String.raw`    return self\._argcheck_rvs\(\k<shapes> \k<taken>, size=size\)\n\n` +
    String.raw`def _parse_args_stats\(self, \k<shapes> \k<given>, moments='mv'\):\n` +
    String.raw`    return \(\k<shapes>\), \k<taken>, moments\n$`,
);

/**
 * Parameters of `rv_continuous` and `rv_discrete`, with which `rv_generic.__setstate__` of scipy before 1.5 calls
 * `__init__`; that executes the template after it has looked at each name in `shapes`.
 */
const PARAMETERS: ReadonlySet<string> = new Set(
  "momtype a b xtol badvalue name longname shapes extradoc moment_tol values inc seed".split(" "),
);

/** Keys of a state of statsmodels' under which its formula is evaluated. */
const EVALUATING: readonly string[] = ["restore_design_info", "restore_model_spec"];

/** A term of a formula that evaluates to a column, or a plain function of one (patsy, formulaic). */
const TERM = String
  .raw`(?:[A-Za-z_]\w*|\d+|(?:C|np\.(?:log|log1p|log10|exp|sqrt|abs))\([A-Za-z_]\w*\)|Q\((?:"[^"\\]*"|'[^'\\]*')\))`;

/** Columns joined by the operators of formulas, which do arithmetic with terms and run nothing. */
const FORMULA = new RegExp(String.raw`^\s*${TERM}?(?:\s*[~+:*-]\s*${TERM})*\s*$`);

/** What a state makes `__setstate__` execute. */
type Executed =
  | { readonly kind: "template" }
  | { readonly kind: "text"; readonly text: Handle }
  | { readonly kind: "unknown" };

/**
 * The text that restoring an object of a class with a state executes: the library's own template (or none), another
 * text, or one that cannot be told (a state that is no dictionary, or a key of it that is not known).
 */
export function executedBy(heap: Heap, path: string, state: Handle): Executed {
  return path.startsWith("statsmodels.") ? formulaIn(heap, state) : templateIn(heap, state);
}

/**
 * What `NeuralNet.__setstate__` of skorch loads of a state: bytes that torch.save wrote, since 0.15 also a pickle;
 * undefined where the state has none, which raises KeyError.
 */
export function loadedFrom(heap: Heap, state: Handle): Handle | undefined {
  const items = itemsIn(heap, state);
  return items === undefined ? UNKNOWN : items.get("__cuda_dependent_attributes__");
}

/** A Python expression that reads names (or a plain formula, above), items and attributes, and computes with them: nothing in it can be a call. */
const PLAIN = /^(?!.*__)[\w \t.,[\]'"<>=!+*/%&|-]*$/;

/** Containers in containers of a state that are looked at. Predicates stand in the second. CWE-834. */
const NESTED = 4;

/**
 * The first text of a state, however deep in containers, that is more than a plain expression or formula; UNKNOWN where some of
 * it is not known, undefined where there is none.
 */
export function evaluatedIn(heap: Heap, state: Handle, depth = 0): Handle | undefined {
  const text = heap.textOf(state);
  if (text !== undefined) return PLAIN.test(text) || FORMULA.test(text) ? undefined : state;
  if (state >= 0) return state === UNKNOWN ? UNKNOWN : undefined;
  const { containers } = heap;
  if (depth > NESTED || containers.lossy(state) || containers.changed(state)) return UNKNOWN;
  for (const item of heap.keptItems(state)) {
    const found = evaluatedIn(heap, item, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What statsmodels evaluates of a state. */
function formulaIn(heap: Heap, state: Handle): Executed {
  const items = itemsIn(heap, state);
  if (items === undefined) return { kind: "unknown" };
  if (!EVALUATING.some((key) => items.has(key))) return { kind: "template" };
  const formula = items.get("formula");
  const text = formula === undefined ? undefined : heap.textOf(formula);
  if (formula === undefined || text === undefined) return { kind: "unknown" };
  return FORMULA.test(text) ? { kind: "template" } : { kind: "text", text: formula };
}

/** The items of a state that is a dictionary with texts for keys; undefined where one is not known. */
function itemsIn(heap: Heap, state: Handle): ReadonlyMap<string, Handle> | undefined {
  const { containers } = heap;
  const isKnown = state < 0 && containers.kind(state) === CONTAINER.DICT &&
    !containers.lossy(state) && !containers.changed(state);
  if (!isKnown) return undefined;
  const items = heap.keptItems(state);
  const found = new Map<string, Handle>();
  for (let at = 0; at + 1 < items.length; at += 2) {
    const key = heap.textOf(items[at] as Handle);
    if (key === undefined) return undefined;
    found.set(key, items[at + 1] as Handle);
  }
  return found;
}

/** What a distribution executes of a state. */
function templateIn(heap: Heap, state: Handle): Executed {
  if (areParameters(heap, state)) return { kind: "template" };
  const items = itemsIn(heap, state);
  if (items === undefined) return { kind: "unknown" };
  const found = items.get(KEY);
  const text = found === undefined ? undefined : heap.textOf(found);
  if (found === undefined || text === undefined) return { kind: "unknown" };
  return TEMPLATE.test(text) ? { kind: "template" } : { kind: "text", text: found };
}

/**
 * Whether a state is a pair of parameters and a source of random numbers. Later releases take the pair for items of
 * a dictionary: neither half may be a pair itself that names an attribute.
 */
function areParameters(heap: Heap, state: Handle): boolean {
  const [parameters, random, ...more] = heap.itemsOf(state, CONTAINER.TUPLE) ?? [];
  if (parameters === undefined || random === undefined || more.length > 0) return false;
  const isRandom = heap.instanceOf(random)?.key.startsWith("numpy.random.");
  if (random !== NONE && !isRandom) return false;
  const items = heap.itemsOf(parameters, CONTAINER.DICT);
  return items !== undefined &&
    items.every((item, at) =>
      at % 2 === 0 ? PARAMETERS.has(heap.textOf(item) ?? "") : isPlain(heap, item)
    );
}

/** Whether a value is data, or an object that a harmless function made. */
function isPlain(heap: Heap, handle: Handle): boolean {
  const value = heap.valueOf(handle);
  if (value?.type === "call") return heap.globalOf(value.callee)?.quiet === true;
  return value === undefined || value.type === "text";
}
