/**
 * Names as the tables of pure functions know them.
 *
 * @module
 */

import { python3Path } from "../../parsers/python/names.ts";

/** C modules and old places under which the same function hangs. */
const ALIASES: readonly (readonly [RegExp, string])[] = [
  [/^_codecs\./, "codecs."],
  [/^_operator\./, "operator."],
  [/^_functools\./, "functools."],
  [/^_pickle\./, "pickle."],
  [/^_io\./, "io."],
  [/^_frozen_importlib\./, "importlib."],
  [/^importlib\._bootstrap\./, "importlib."],
  [/^copy_reg\./, "copyreg."],
  [/^codecs\.builtins\./, "builtins."],
];

/** What a path that one of the aliases changes begins with: most do not. */
const ALIASED = /^(?:_|importlib\.|copy_reg\.|codecs\.)/;

/**
 * The one path under which the tables list a global: Python 3's name, C modules folded into their
 * public ones.
 */
export function foldKey(module: string, name: string): string {
  let path = python3Path(module, name) ?? `${module}.${name}`;
  if (!ALIASED.test(path)) return path;
  for (const [pattern, replacement] of ALIASES) path = path.replace(pattern, replacement);
  return path;
}
