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
/**
 * Attributes of a list, a dictionary and a text, those of Python 2 and of markup included, as `dir` has them.
 * Those that begin with an underscore are {@linkcode isInternal}.
 */
const ATTRIBUTES = {
  list: new Set("append clear copy count extend index insert pop remove reverse sort".split(" ")),
  dict: new Set(
    ("clear copy fromkeys get has_key items iteritems iterkeys itervalues keys pop popitem setdefault update " +
      "values viewitems viewkeys viewvalues").split(" "),
  ),
  str: new Set(
    ("capitalize casefold center count decode encode endswith escape expandtabs find format format_map index " +
      "isalnum isalpha isascii isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle " +
      "isupper join ljust lower lstrip maketrans partition removeprefix removesuffix replace rfind rindex rjust " +
      "rpartition rsplit rstrip split splitlines startswith strip striptags swapcase title translate unescape " +
      "upper zfill").split(" "),
  ),
} as const;

/** Those of them that only some versions of Python or only markup have. */
const UNCERTAIN = new Set(
  ("decode escape unescape striptags removeprefix removesuffix isascii casefold has_key iteritems iterkeys " +
    "itervalues viewitems viewkeys viewvalues").split(" "),
);

/** Whether a value of a type that the template itself makes has an attribute wherever it is read. */
export function surelyHasAttribute(type: keyof typeof ATTRIBUTES, name: string): boolean {
  return ATTRIBUTES[type].has(name) && !UNCERTAIN.has(name);
}

/** Whether a value of a type that the template itself makes may have an attribute. */
export function hasAttribute(type: keyof typeof ATTRIBUTES, name: string): boolean {
  return isInternal(name) || ATTRIBUTES[type].has(name);
}
