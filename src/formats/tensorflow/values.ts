/**
 * What is known of the values in a TensorFlow graph.
 *
 * @module
 */

/** What is known of a value. */
export type Value =
  /** The name of a checkpoint that a person saves or restores. */
  | { readonly kind: "saver" }
  /** A file of the model's own folder, by its AssetFileDef. `fed` is false where a constant has its place. */
  | { readonly kind: "asset"; readonly index: number; readonly fed: boolean }
  /**
   * Texts that it may be; `only` is false when it may be something else too; `graphs` is true when it
   * can only be constants that are complete serialized graphs.
   */
  | {
    readonly kind: "texts";
    readonly texts: readonly string[];
    readonly only: boolean;
    readonly graphs?: boolean;
  }
  /** An argument of the caller. */
  | { readonly kind: "input"; readonly name: string }
  | { readonly kind: "variable"; readonly key: string }
  | { readonly kind: "unknown" };

/** Of which nothing is known. */
export const UNKNOWN: Value = { kind: "unknown" };

/** Texts kept of one value. The most seen are 2. CWE-770. */
export const TEXTS_KEPT = 8;

/** What a value is that is the one or the other. */
export function join(a: Value, b: Value): Value {
  if (a.kind === "texts" || b.kind === "texts") {
    const texts = [a, b].flatMap((one) => one.kind === "texts" ? one.texts : []);
    const only = [a, b].every((one) => one.kind === "texts" && one.only);
    const graphs = [a, b].every((one) => one.kind === "texts" && one.graphs === true);
    // More than are kept are not all known.
    const all = [...new Set(texts)];
    const kept = all.slice(0, TEXTS_KEPT);
    return { kind: "texts", texts: kept, only: only && kept.length === all.length, graphs };
  }
  if (a.kind === "saver" && b.kind === "saver") return a;
  if (a.kind === "asset" && b.kind === "asset") return { ...a, fed: a.fed && b.fed };
  if (a.kind === "variable" && b.kind === "variable" && a.key === b.key) return a;
  return UNKNOWN;
}
