/**
 * Which member of a zip archive Stable-Baselines3 reads as the parameters of an algorithm: JSON named
 * `data`, in which values that are no JSON are pickles in base64.
 * https://stable-baselines3.readthedocs.io/en/master/guide/save_format.html, `save_util.py`
 *
 * @module
 */

import { HINT } from "../core/hints.ts";

const DATA = /^(?:\.\/)?data$/u;

/**
 * Hints for members, by name.
 *
 * @param memberNames of all members
 */
export function sb3Hints(memberNames: Iterable<string>): ReadonlyMap<string, string> {
  return new Map(
    [...memberNames].filter((name) => DATA.test(name)).map((name) => [name, HINT.configuration]),
  );
}
