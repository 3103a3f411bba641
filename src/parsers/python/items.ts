/**
 * Items of values: `a[b]`.
 *
 * @module
 */

import { COMPUTED, shortest } from "./paths.ts";
import type { ItemsRoom, Rooms } from "./rooms.ts";
import type { Run } from "./run.ts";
import { variablePath } from "./sinks.ts";
import {
  constantOf,
  itemsOf,
  keysOf,
  NO_ARGUMENTS,
  type Outer,
  union,
  UNKNOWN_HIDDEN,
  type Value,
  type Values,
} from "./values.ts";

/** Items of values: `a[b]`. */
export class Items implements ItemsRoom {
  readonly #rooms: Rooms;
  readonly #run: Run;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
    this.#run = rooms.run;
  }

  items(values: Values, index: Values, site: object): Values {
    let all: Values = [];
    for (const each of values) all = this.#run.unite(all, this.item(each, index, site));
    return this.#run.limited(all);
  }

  item(value: Value, index: Values, site: object): Values {
    const keys = keysOf(index);
    this.#rooms.targets.hashed(index);
    switch (value.kind) {
      case "container": {
        let all = value.rest;
        for (const key of keys) {
          if (key === undefined) return itemsOf(value);
          const own = value.items.get(key);
          if (own !== undefined) all = this.#run.unite(all, own);
          else if (key.startsWith("-") && value.type !== "dict") {
            all = this.#run.unite(all, itemsOf(value));
          }
        }
        return all;
      }
      case "space": {
        let all: Values = [];
        for (const key of keys) {
          all = this.#run.unite(all, this.#rooms.attributes.nameIn(value, key, site));
        }
        return all;
      }
      case "constant": {
        const at = index[0];
        if (
          typeof value.value === "string" && at?.kind === "constant" && typeof at.value === "number"
        ) {
          // Letters beyond U+FFFF are one to Python.
          if (/\p{Surrogate}|[\u{10000}-\u{10ffff}]/u.test(value.value)) return [UNKNOWN_HIDDEN];
          const letter = value.value.at(at.value);
          if (letter === undefined) return [];
          return [
            value.bytes
              ? constantOf(letter.charCodeAt(0))
              : constantOf(letter, false, value.hidden),
          ];
        }
        return [UNKNOWN_HIDDEN];
      }
      case "instance": {
        const kept = value.attributes.get("<items>") ?? [];
        return union(
          kept,
          this.#rooms.objects.special(value, ["__getitem__", "__missing__"], [index]),
        );
      }
      case "class": {
        const own = this.#rooms.classes.member(value, "__class_getitem__");
        let all: Values = this.#rooms.calls.callAll(own, {
          ...NO_ARGUMENTS,
          positions: [[value], index],
        });
        for (const meta of this.#rooms.classes.metaclasses(value)) {
          if (meta.kind !== "class") continue;
          const positions: Values[] = [[value], index];
          all = this.#run.unite(
            all,
            this.#rooms.calls.callAll(this.#rooms.classes.member(meta, "__getitem__"), {
              ...NO_ARGUMENTS,
              positions,
            }),
          );
        }
        return all.length > 0 ? all : [value];
      }
      case "outer":
        return this.outerItem(value, keys, site);
      default:
        return [];
    }
  }

  outerItem(value: Outer, keys: readonly (string | undefined)[], site: object): Values {
    const { path, called, carries } = value;
    if (path === "sys.modules") {
      let all: Values = [];
      for (const key of keys) {
        const given = key === undefined ? undefined : this.#run.given.get(`<module>${key}`);
        if (given !== undefined) all = this.#run.unite(all, given);
        if (key === "<module>" || key === "__main__") {
          all = this.#run.unite(all, [this.#rooms.heap.moduleValue()]);
        } else {all = this.#run.unite(all, [
            this.#rooms.heap.outer(key === undefined ? COMPUTED : shortest(key)),
          ]);}
      }
      return all;
    }
    if (path === "builtins" || path === "builtins.__dict__") {
      let all: Values = [];
      for (const key of keys) {
        all = this.#run.unite(
          all,
          this.#rooms.attributes.nameIn(
            this.#rooms.heap.space(this.#rooms.heap.outer("builtins")),
            key,
            site,
          ),
        );
      }
      return all;
    }
    if (/__subclasses__$/u.test(path) && !path.startsWith("<own>")) {
      return [this.#rooms.heap.outer(`builtins.${COMPUTED}`)];
    }
    if (/(?:__bases__|__mro__|\.mro)$/u.test(path)) {
      return [this.#rooms.heap.outer("builtins.object")];
    }
    // One variable is not all of them.
    if (/^os\.environb?$/u.test(path)) return [this.#rooms.heap.outer(variablePath(keys), true)];
    if (called) {
      // An item of what carries something may be it.
      const kept = carries.filter(({ kind }) => kind !== "constant");
      return union([value], kept);
    }
    return [this.#rooms.heap.outer(path, true)];
  }
}
