/**
 * What functions of other modules do whose results matter.
 *
 * @module
 */

import type { CallSite, ModelsRoom, Rooms } from "./rooms.ts";
import { type Arguments, type Outer, type Property, union, type Values } from "./values.ts";

/** What functions of other modules do whose results matter. */
export class Models implements ModelsRoom {
  readonly #rooms: Rooms;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
  }

  /** What functions do whose results matter; undefined for all others. */
  model(
    path: string,
    given: Arguments,
    site: CallSite | undefined,
    value: Outer,
  ): Values | undefined {
    const name = path.startsWith("builtins.") ? path.slice(9) : path;
    const call = { path, name, given, site, value };
    const known = this.#rooms.reflectionModels.model(call) ??
      this.#rooms.functionalModels.model(call) ?? this.#rooms.iterationModels.model(call) ??
      this.#rooms.textModels.model(call) ?? this.#rooms.runningModels.model(call);
    if (known !== undefined) return known;
    const [first = []] = given.positions;
    const at = site?.site ?? value;
    if (
      /(?:^|[._])(?:(?:cached_?|lazy_?|class_?|abstract)?property|DynamicClassAttribute|reify)$/iu
        .test(path) &&
      first.some(({ kind }) => kind === "function")
    ) {
      const made = this.#rooms.heap.site<Property>(
        at,
        "property",
        () => ({ kind: "property", get: [], set: [] }),
      );
      made.get = union(made.get, first);
      return [made];
    }
    return undefined;
  }
}
