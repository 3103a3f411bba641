/**
 * Names that lead out of a conversation to Python's own machinery.
 *
 * @module
 */

/** Attributes without two underscores that lead to frames and code all the same. */
const INTERNALS = new Set(
  ("gi_frame gi_code gi_yieldfrom cr_frame cr_code cr_await ag_frame ag_code tb_frame tb_next f_back f_globals f_locals " +
    "f_builtins f_code func_globals func_code func_closure im_func im_self im_class co_code mro")
    .split(
      " ",
    ),
);

/** Names that begin with an underscore, and others that lead to Python's machinery. */
export function isInternal(name: string): boolean {
  return (name.startsWith("_") && name.length > 1) || INTERNALS.has(name);
}
