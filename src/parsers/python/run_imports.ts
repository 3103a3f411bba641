/**
 * Import statements, and the functions that import by a text.
 *
 * @module
 */

import { withoutUnderscores } from "./names.ts";
import { COMPUTED, HANDED_ON, shortest } from "./paths.ts";
import type { ImportsRoom, Rooms } from "./rooms.ts";
import type { Run } from "./run.ts";
import type { Statement } from "./syntax.ts";
import { type Scope, textsOf, union, type Values } from "./values.ts";

/** Modules of which all names are imported. The most in 216 packages in use are 16. CWE-407. */
const STARS = 512;

/** Import statements, and the functions that import by a text. */
export class Imports implements ImportsRoom {
  readonly #rooms: Rooms;
  readonly #run: Run;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
    this.#run = rooms.run;
  }

  importModule(path: string, alias: string | undefined, scope: Scope): void {
    const root = path.split(".")[0] ?? path;
    const name = alias ?? root;
    const module = alias === undefined ? root : shortest(path);
    this.#rooms.scopes.bind(name, this.#modules(module), scope);
  }

  /** A module, and what was put into `sys.modules` in its place. */
  #modules(name: string): Values {
    const given = this.#run.given.get(`<module>${name}`);
    const own = [this.#rooms.heap.outer(name)];
    return given === undefined ? own : union(own, given);
  }

  importNames(statement: Extract<Statement, { kind: "from" }>, scope: Scope): void {
    const { level, module, names } = statement;
    if (level > 0) {
      const folder = "../".repeat(level - 1);
      if (module !== "") this.#run.relative.add(folder + module.replaceAll(".", "/"));
      for (const [name, alias] of names) {
        if (module === "" && name !== "*") this.#run.relative.add(folder + name);
        if (name === "*") {
          if (this.#run.stars.size < STARS) this.#run.stars.add(`.${module}`);
          this.#rooms.scopes.overlaid(undefined);
          continue;
        }
        // What lies beside it is judged for itself; its names may still be modules handed on.
        const root = withoutUnderscores(name);
        const known = HANDED_ON.has(root) ? [this.#rooms.heap.outer(root)] : [];
        this.#rooms.scopes.bind(
          alias ?? name,
          union(known, [this.#rooms.heap.outer(`.${module}.${name}`)]),
          scope,
        );
      }
      return;
    }
    if (module === "__future__") return;
    for (const [name, alias] of names) {
      if (name === "*") {
        if (this.#run.stars.size < STARS) this.#run.stars.add(module);
        else if (!this.#run.stars.has(module)) {
          this.#run.cut ??= "it imports all names of more modules than are followed";
        }
        this.#rooms.scopes.overlaid(module);
      } else {this.#rooms.scopes.bind(
          alias ?? name,
          this.#rooms.attributes.attributes(this.#modules(module), name, statement),
          scope,
        );}
    }
  }

  /** `import_module(".name", package)` */
  #relative(text: string, within: Values): Values {
    const [, dots = "", path = ""] = /^(\.+)(.*)$/su.exec(text) ?? [];
    return textsOf(within).map((base) => {
      if (base === undefined) return this.#rooms.heap.outer(COMPUTED);
      if (base !== "<module>") {
        const parts = base.split(".");
        const kept = parts.slice(0, Math.max(1, parts.length - dots.length + 1));
        return this.#rooms.heap.outer(shortest([...kept, path].join(".")));
      }
      this.#run.relative.add("../".repeat(dots.length - 1) + path.replaceAll(".", "/"));
      return this.#rooms.heap.outer(`.${path}`);
    });
  }

  imported(name: string, values: Values, within: Values = []): Values {
    let all: Values = [];
    for (const text of textsOf(values)) {
      if (text === undefined) {
        all = this.#run.unite(all, [this.#rooms.heap.outer(COMPUTED)]);
        continue;
      }
      if (text.startsWith(".") && !name.startsWith("pydoc")) {
        all = this.#run.unite(all, this.#relative(text, within));
        continue;
      }
      const path = text.replace(/^\.+/u, "").replace(":", ".");
      const root = name === "__import__" ? path.split(".")[0] ?? path : path;
      all = this.#run.unite(all, [
        text === "<module>"
          ? this.#rooms.heap.moduleValue()
          : this.#rooms.heap.outer(shortest(root)),
      ]);
    }
    return all;
  }
}
