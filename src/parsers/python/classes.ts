/**
 * Classes of the module: what defining one runs, members, bases and metaclasses.
 *
 * @module
 */

import { COMPUTED } from "./paths.ts";
import type { ClassesRoom, Rooms } from "./rooms.ts";
import type { Run } from "./run.ts";
import { documentation, type Statement } from "./syntax.ts";
import {
  type Arguments,
  type Class,
  constantOf,
  type Instance,
  NO_ARGUMENTS,
  type Outer,
  Scope,
  textsOf,
  union,
  UNKNOWN_CONSTANT,
  unknownArguments,
  type Value,
  type Values,
} from "./values.ts";

/** Classes of other modules that make classes, and do nothing besides. */
export const METACLASS =
  /^(?:builtins\.type|abc\.ABCMeta|enum\.Enum(?:Meta|Type)|.*Meta(?:class)?)$/u;

/** Classes of the module: what defining one runs, members, bases and metaclasses. */
export class Classes implements ClassesRoom {
  readonly #rooms: Rooms;
  readonly #run: Run;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
    this.#run = rooms.run;
  }

  defineClass(statement: Extract<Statement, { kind: "class" }>, scope: Scope): void {
    const made = this.#rooms.heap.site<Class>(statement, "class", () => {
      this.#run.made(3);
      const instance: { kind: "instance"; attributes: Map<string, Values>; of?: Class } = {
        ...{ kind: "instance", attributes: new Map() },
      };
      const of: Class = {
        ...{ kind: "class", name: statement.name, members: new Map(), bases: [], metaclass: [] },
        instance: instance as Instance,
      };
      instance.of = of;
      return of;
    });
    const named = new Map<string, Values>();
    for (const item of statement.items) {
      const { name, stars, value } = item.kind === "given"
        ? item
        : { name: undefined, stars: 0, value: item };
      const values = this.#rooms.expressions.value(value, scope);
      if (name === "metaclass") made.metaclass = union(made.metaclass, values);
      else if (name !== undefined) named.set(name, values);
      else if (stars === 0) made.bases = union(made.bases, values);
      else if (stars === 1) {
        made.bases = union(made.bases, this.#rooms.collections.elements(values, statement));
      } else named.set("**", values);
    }
    const body = new Scope("class", scope);
    body.owner = made;
    body.conditional = scope.conditional;
    this.#rooms.scopes.setIn(body, "__name__", [], true);
    body.names.delete("__name__");
    const prepared = this.#prepared(made, named);
    body.prepared = prepared.filter((each) => each.kind === "instance");
    for (const each of prepared) {
      if (each.kind !== "container") continue;
      for (const [name, values] of each.items) {
        this.#rooms.scopes.setIn(body, name, values, true);
        this.#rooms.heap.addTo(made.members, name, values);
      }
    }
    const text = documentation(statement.body);
    if (text !== undefined) this.#rooms.scopes.setIn(body, "__doc__", [constantOf(text)], true);
    this.#rooms.statements.block(statement.body, body);
    for (const [name, values] of body.names) this.#rooms.heap.addTo(made.members, name, values);
    this.#fill(prepared, made);
    const values = this.#defined(made, named, statement);
    this.#rooms.scopes.bind(
      statement.name,
      this.#rooms.statements.decorated(statement.decorators, values, scope),
      scope,
    );
  }

  /** What defining a class runs besides its body. */
  #defined(made: Class, named: ReadonlyMap<string, Values>, site: object): Values {
    let values: Values = [made];
    for (const meta of this.metaclasses(made)) {
      if (meta.kind === "class") {
        const positions: Values[] = [
          [constantOf(made.name)],
          [this.#rooms.heap.outer("<bases>", true)],
          [this.#rooms.heap.space(made)],
        ];
        const given = { positions, named, rest: [] };
        for (const name of ["__new__", "__init__"]) {
          const methods = this.member(meta, name);
          const self: Values = name === "__init__" ? [made] : [meta];
          this.#rooms.calls.callAll(methods, { ...given, positions: [self, ...positions] });
        }
        this.#rooms.objects.deferOwn(meta, /^(?:__\w+__|mro)$/u, made);
      } else if (meta.kind !== "outer") {
        const positions: Values[] = [[constantOf(made.name)], made.bases, [
          this.#rooms.heap.space(made),
        ]];
        values = union(values, this.#rooms.calls.call(meta, { positions, named, rest: [] }));
      } else if (!METACLASS.test(meta.path)) {
        const span = { at: 0, end: 0, site };
        this.#rooms.records.note(meta.path, true, span, { positions: [[made]], named, rest: [] });
      }
    }
    for (const base of made.bases) {
      if (base.kind === "outer") this.#run.reach(`${base.path}.__init_subclass__`);
      if (base.kind !== "class") continue;
      const subclasses = union(base.subclasses ?? [], [made]);
      if (subclasses !== base.subclasses) this.#run.changed();
      base.subclasses = subclasses;
      const hook = this.member(base, "__init_subclass__");
      this.#rooms.calls.callAll(hook, { positions: [values], named, rest: [] });
    }
    this.#run.step(made.members.size >> 3);
    for (const [name, members] of made.members) {
      for (const member of members) {
        if (member.kind !== "instance") continue;
        const hook = this.member(member.of, "__set_name__");
        if (hook.length === 0) continue;
        const positions: Values[] = [[member], [made], [constantOf(name)]];
        this.#rooms.calls.callAll(hook, { positions, named: new Map(), rest: [] });
      }
    }
    if (this.isEnumeration(made)) this.#enumerate(made);
    // Bases that are no classes are asked for some, or make the class themselves.
    for (const base of made.bases) {
      if (base.kind === "instance") {
        this.#rooms.calls.callAll(this.member(base.of, "__mro_entries__"), {
          ...NO_ARGUMENTS,
          positions: [[base]],
        });
        this.#rooms.calls.callAll(this.member(base.of, "__init__"), {
          ...NO_ARGUMENTS,
          positions: [[base]],
        });
      } else if (base.kind === "function") this.#rooms.calls.call(base, unknownArguments(3));
    }
    return values;
  }

  /** What `__prepare__` of a metaclass gives: the mapping that the body of a class fills. */
  #prepared(made: Class, named: ReadonlyMap<string, Values>): Values {
    let all: Values = [];
    for (const meta of this.metaclasses(made)) {
      if (meta.kind !== "class") continue;
      const positions: Values[] = [[meta], [constantOf(made.name)], made.bases];
      for (const method of this.member(meta, "__prepare__")) {
        const target = method.kind === "bound" ? method.target : method;
        all = this.#run.unite(all, this.#rooms.calls.call(target, { positions, named, rest: [] }));
      }
    }
    return all;
  }

  /** The body of a class puts its names into the mapping that `__prepare__` gave. */
  #fill(names: Values, made: Class): void {
    if (!names.some(({ kind }) => kind === "instance")) return;
    const all = this.#rooms.heap.allOf(made.members);
    for (const each of names) {
      if (each.kind !== "instance") continue;
      const positions: Values[] = [[UNKNOWN_CONSTANT], all];
      this.#rooms.objects.special(each, ["__setitem__"], positions);
    }
  }

  /** Members of an enumeration are made where it is defined. */
  #enumerate(of: Class): void {
    const { instance } = of;
    this.#run.step(of.members.size >> 3);
    for (const [name, values] of of.members) {
      if (name.startsWith("_") || values.some(({ kind }) => kind === "function")) continue;
      this.#rooms.heap.addTo(instance.attributes, "value", values);
      this.#rooms.heap.addTo(instance.attributes, "_value_", values);
      const [only] = values;
      const positions = only?.kind === "container" && only.type === "tuple"
        ? Array.from({ length: only.items.size }, (_, at) => only.items.get(String(at)) ?? [])
        : [values];
      for (const method of ["__new__", "__init__"]) {
        const self: Values = method === "__new__" ? [of] : [instance];
        const given = { ...NO_ARGUMENTS, positions: [self, ...positions] };
        for (const each of this.member(of, method)) {
          this.#rooms.calls.call(
            each.kind === "bound" && each.self.kind === "constant" ? each.target : each,
            given,
          );
        }
      }
    }
    for (const name of ["_missing_", "_generate_next_value_"]) {
      const { members } = of;
      if (members.has(name)) this.#rooms.objects.callOwn(instance, new RegExp(`^${name}$`, "u"));
    }
  }

  isEnumeration(of: Class): boolean {
    return this.outerBases(of).some(({ path }) => /(?:^|\.)(?:\w*Enum|Int?Flag|Flag)$/u.test(path));
  }

  metaclasses(of: Class, seen = new Set<Class>()): Values {
    if (seen.has(of) || seen.size > 600) return [];
    seen.add(of);
    let all = of.metaclass;
    for (const base of of.bases) {
      if (base.kind === "class") all = this.#run.unite(all, this.metaclasses(base, seen));
    }
    return all;
  }

  /** Makes a class by a call: `type(name, bases, names)`. */
  newClass(given: Arguments, site: object, metaclass?: Class): Values {
    const [name = [], bases = [], names = []] = given.positions;
    if (given.positions.length < 3) return [];
    const made = this.#rooms.heap.site<Class>(site, "class", () => {
      const instance: { kind: "instance"; attributes: Map<string, Values>; of?: Class } = {
        ...{ kind: "instance", attributes: new Map() },
      };
      const of: Class = {
        ...{ kind: "class", name: textsOf(name)[0] ?? "", members: new Map(), bases: [] },
        ...{
          metaclass: metaclass === undefined ? [] : [metaclass],
          instance: instance as Instance,
        },
      };
      instance.of = of;
      return of;
    });
    made.bases = union(made.bases, this.#rooms.collections.elements(bases, site));
    for (const each of names) {
      if (each.kind === "container") {
        for (const [key, values] of each.items) this.#rooms.heap.addTo(made.members, key, values);
        if (each.rest.length > 0) this.#rooms.heap.addTo(made.members, COMPUTED, each.rest);
      } else if (each.kind === "space" && !(each.of instanceof Scope) && each.of.kind === "class") {
        for (const [key, values] of each.of.members) {
          this.#rooms.heap.addTo(made.members, key, values);
        }
      }
    }
    return this.#defined(made, given.named, site);
  }

  namespaceObject(site: object): Instance {
    const made = this.#rooms.heap.site<Class>(site, "namespace", () => {
      const instance: { kind: "instance"; attributes: Map<string, Values>; of?: Class } = {
        ...{ kind: "instance", attributes: new Map() },
      };
      const of: Class = {
        ...{ kind: "class", name: "SimpleNamespace", members: new Map(), bases: [], metaclass: [] },
        instance: instance as Instance,
      };
      instance.of = of;
      return of;
    });
    return made.instance;
  }

  /** An object seen as one of its bases. */
  superOf(self: Instance | Class, site: object): Value {
    const of = self.kind === "instance" ? self.of : self;
    const made = this.#rooms.heap.site<Class>(site, `super ${of.name}`, () => {
      const instance: Omit<Instance, "of"> & { of?: Class } = {
        ...{ kind: "instance", attributes: of.instance.attributes, through: of.instance },
      };
      const parent: Class = {
        ...{ kind: "class", name: of.name, members: new Map(), bases: [], metaclass: [] },
        instance: instance as Instance,
      };
      instance.of = parent;
      return parent;
    });
    const owner = this.#ownerOf(site) ?? of;
    made.bases = union(made.bases, owner.bases);
    // All ancestors but the class itself; a sibling in a diamond comes before its own base.
    for (const base of of.bases) if (base !== owner) made.bases = union(made.bases, [base]);
    return made.instance;
  }

  #ownerOf(_site: object): Class | undefined {
    return undefined;
  }

  /** A member of a class or of its bases. */
  member(of: Class, id: string): Values {
    const seen = new Set<Class>();
    const waiting = [of];
    for (let each = waiting.shift(); each !== undefined; each = waiting.shift()) {
      if (seen.has(each)) continue;
      seen.add(each);
      this.#run.step(1);
      const values = each.members.get(id);
      if (values !== undefined) {
        return values;
      }
      for (const base of each.bases) if (base.kind === "class") waiting.push(base);
    }
    return [];
  }

  outerBases(of: Class): Outer[] {
    const seen = new Set<Class>([of]);
    const found: Outer[] = [];
    for (const each of seen) {
      this.#run.step(1);
      for (const base of each.bases) {
        if (base.kind === "class") seen.add(base);
        else if (base.kind === "outer") found.push(base);
      }
    }
    return found;
  }
}
