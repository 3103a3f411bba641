/**
 * Which members of a zip archive are Keras' own, from their names alone: the layout of
 * `keras/src/saving/saving_lib.py`, where `config.json` describes the model, `metadata.json` its
 * maker, and `model.weights.h5` holds the weights.
 *
 * @module
 */

const CONFIG = "config.json";

/**
 * Hints for members, by name. Keras reads `config.json` alone before it looks for anything else, so
 * in an archive that is called `.keras` nothing else is asked for.
 *
 * @param archive name of the archive
 * @param names of all members
 */
import { HINT } from "../core/hints.ts";
export function kerasHints(
  archive: string,
  memberNames: Iterable<string>,
): ReadonlyMap<string, string> {
  const all = new Set(memberNames);
  const own = /\.keras$/iu.test(archive) || all.has("metadata.json") ||
    [...all].some((name) => /^(?:model\.)?weights\.(?:h5|npz|json)$|\.weights\.h5$/u.test(name));
  return new Map(own && all.has(CONFIG) ? [[CONFIG, HINT.kerasConfig]] : []);
}
