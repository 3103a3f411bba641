/**
 * What assignments give values to: names, attributes, items.
 *
 * @module
 */

import { isListedStandardModule } from "./names.ts";
import { HANDED_ALL } from "./objects.ts";
import { COMPUTED, shortest } from "./paths.ts";
import type { CallSite, Rooms, TargetsRoom } from "./rooms.ts";
import type { Run } from "./run.ts";
import { HOOKS, isCarried, RISKY } from "./sinks.ts";
import { endOf, type Expression } from "./syntax.ts";
import {
  type Code,
  constantOf,
  keysOf,
  NO_ARGUMENTS,
  Scope,
  type Space,
  union,
  UNKNOWN_CONSTANT,
  type Value,
  type Values,
} from "./values.ts";

/** What assignments give values to: names, attributes, items. */
export class Targets implements TargetsRoom {
  readonly #rooms: Rooms;
  readonly #run: Run;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
    this.#run = rooms.run;
  }

  /** Gives a target values. */
  store(target: Expression, values: Values, scope: Scope): void {
    this.#run.step(1);
    switch (target.kind) {
      case "name":
        this.#rooms.scopes.bind(target.id, values, scope);
        return;
      case "star":
        this.store(target.value, [this.#rooms.heap.listOf(target, "list", values)], scope);
        return;
      case "tuple":
      case "list": {
        const starred = target.items.some(({ kind }) => kind === "star");
        for (const [at, each] of target.items.entries()) {
          const item = each.kind === "star"
            ? this.#rooms.collections.elements(values, target)
            : starred
            ? this.#rooms.collections.elements(values, target)
            : this.#unpacked(values, at, target);
          this.store(each, item, scope);
        }
        return;
      }
      case "chain": {
        const last = target.steps.at(-1);
        const steps = target.steps.slice(0, -1);
        const owners = steps.length === 0
          ? this.#rooms.expressions.value(target.base, scope)
          : this.#rooms.chains.chain({ ...target, steps }, scope);
        const span = { at: target.at, end: endOf(target), site: target };
        if (last?.kind === "attribute") {
          for (const owner of owners) this.setAttribute(owner, last.id, values, span);
        } else if (last?.kind === "item") {
          const index = this.#rooms.expressions.value(last.index, scope);
          for (const owner of owners) {
            if (last.index.kind === "slice" && owner.kind === "container") {
              this.#rooms.heap.addRest(owner, this.#rooms.collections.elements(values, target));
              this.#rooms.heap.loosen(owner);
            } else this.setItem(owner, index, values, span);
          }
        }
      }
    }
  }

  #unpacked(values: Values, at: number, site: object): Values {
    let all: Values = [];
    for (const each of values) {
      if (each.kind === "container" && each.type !== "dict" && each.type !== "set") {
        all = this.#run.unite(all, union(each.items.get(String(at)) ?? [], each.rest));
      } else all = this.#run.unite(all, this.#rooms.collections.elements([each], site));
    }
    return all;
  }

  setAttribute(owner: Value, id: string, values: Values, span: CallSite): void {
    // What it is an object of from now on.
    if (id === "__class__") {
      for (const each of values) {
        if (each.kind === "class") this.#rooms.objects.deferOwn(each, /(?:)/u);
      }
    }
    switch (owner.kind) {
      case "instance": {
        this.#rooms.objects.special(owner, ["__setattr__"], [[constantOf(id)], values]);
        for (const member of this.#rooms.classes.member(owner.of, id)) {
          if (member.kind === "property") {
            this.#rooms.calls.callAll(member.set, {
              ...NO_ARGUMENTS,
              positions: [[owner], values],
            });
          } else if (member.kind === "instance") {
            this.#rooms.objects.special(member, ["__set__"], [[owner], values]);
            this.#rooms.objects.computed(member, [owner], values);
          }
        }
        this.#rooms.heap.addTo(owner.attributes, id, values);
        return;
      }
      case "class":
        for (const meta of this.#rooms.classes.metaclasses(owner)) {
          if (meta.kind === "class") {
            const positions: Values[] = [[owner], [constantOf(id)], values];
            this.#rooms.calls.callAll(this.#rooms.classes.member(meta, "__setattr__"), {
              ...NO_ARGUMENTS,
              positions,
            });
          }
        }
        this.#rooms.heap.addTo(owner.members, id, values);
        if (id === "__bases__") {
          const bases = union(owner.bases, this.#rooms.collections.elements(values, span.site));
          if (bases !== owner.bases) this.#run.changed();
          owner.bases = bases;
        }
        return;
      case "function":
        owner.attributes ??= new Map();
        this.#rooms.heap.addTo(owner.attributes, id, values);
        if (id === "__defaults__" || id === "__kwdefaults__") this.#defaults(owner, values, span);
        if (id === "__code__" || id === "__wrapped__") {
          for (const each of values) {
            if (each.kind === "function") {
              this.#rooms.statements.giveBack(each.returns, owner.scope);
            }
            this.#rooms.functions.defer(each, []);
          }
        }
        return;
      case "partial":
        if (id === "func") owner.target = union(owner.target, values);
        return;
      case "outer": {
        const path = shortest(`${owner.path}.${id}`);
        this.#rooms.heap.addTo(this.#run.given, path, values);
        if (HOOKS.test(path)) {
          this.#rooms.records.note(`${path}.<hook>`, true, span, {
            ...NO_ARGUMENTS,
            positions: [values],
          });
          for (const each of values) this.#rooms.functions.defer(each, []);
        } else if (isListedStandardModule(path.split(".")[0] ?? "")) this.#installed(values, span);
        this.#rooms.calls.escape(values);
        return;
      }
      case "space":
        this.setItem(owner, [constantOf(id)], values, span);
    }
  }

  /** Gives a function other values for what a call leaves out; any of them may be any parameter's. */
  #defaults(code: Code, values: Values, span: CallSite): void {
    const all = union(
      this.#rooms.collections.elements(values.filter((each) => !isMapping(each)), span.site),
      this.#rooms.chains.valuesOf(values.filter(isMapping)),
    );
    code.defaults ??= new Map();
    const before = this.#run.version;
    for (const { name, stars } of code.node.parameters) {
      if (stars === 0) this.#rooms.heap.addTo(code.defaults, name, all);
    }
    if (this.#run.version !== before) code.version = undefined;
  }

  removeAttribute(owner: Value, id: string): void {
    if (owner.kind === "instance") {
      this.#rooms.objects.special(owner, ["__delattr__"]);
      for (const member of this.#rooms.classes.member(owner.of, id)) {
        if (member.kind === "property") {
          this.#rooms.calls.callAll(member.set, { ...NO_ARGUMENTS, positions: [[owner]] });
        } else if (member.kind === "instance") {
          this.#rooms.objects.special(member, ["__delete__"], [[owner]]);
        }
      }
    } else if (owner.kind === "class") {
      for (const meta of this.#rooms.classes.metaclasses(owner)) {
        if (meta.kind !== "class") continue;
        this.#rooms.calls.callAll(this.#rooms.classes.member(meta, "__delattr__"), {
          ...NO_ARGUMENTS,
          positions: [[owner], [constantOf(id)]],
        });
      }
    }
  }

  /** What becomes an attribute of the standard library is called by whatever uses that. */
  #installed(values: Values, span: CallSite): void {
    for (const each of values) {
      if (each.kind === "instance") this.#rooms.objects.deferOwn(each.of, HANDED_ALL);
      else if (each.kind === "class") {
        this.#rooms.functions.defer(each, []);
        this.#rooms.objects.deferOwn(each, HANDED_ALL);
      } else if (each.kind === "function" || each.kind === "bound" || each.kind === "partial") {
        this.#rooms.functions.defer(each, []);
      } else if (each.kind === "outer" && !each.called && RISKY.test(each.path)) {
        this.#rooms.calls.call(each, { ...NO_ARGUMENTS, rest: [UNKNOWN_CONSTANT] }, span);
      }
    }
  }

  setItem(owner: Value, index: Values, values: Values, span: CallSite): void {
    const keys = keysOf(index);
    switch (owner.kind) {
      case "container":
        for (const key of keys) this.#rooms.heap.addItem(owner, key, values);
        this.hashed(index);
        return;
      case "instance":
        this.#rooms.objects.special(owner, ["__setitem__"], [index, values]);
        for (const base of this.#rooms.classes.outerBases(owner.of)) {
          // A mapping or list of another module keeps what it is given.
          if (base.path !== "") this.#rooms.heap.addTo(owner.attributes, "<items>", values);
        }
        return;
      case "space":
        for (const key of keys) this.setName(owner, key, values, span);
        return;
      case "outer":
        if (owner.path === "sys.modules") {
          for (const key of keys) {
            if (key !== undefined) {
              this.#rooms.heap.addTo(this.#run.given, `<module>${key}`, values);
            }
          }
        } else if (owner.path === "builtins.__dict__" || owner.path === "builtins") {
          for (const key of keys) {
            this.setAttribute(this.#rooms.heap.outer("builtins"), key ?? COMPUTED, values, span);
          }
        } else {
          const kept = values.filter((each) => isCarried(each));
          if (kept.length > 0) owner.carries = this.#run.join(owner.carries, kept);
          this.#rooms.calls.escape(values);
        }
    }
  }

  /** Gives a name of a mapping of names a value. */
  setName({ of }: Space, key: string | undefined, values: Values, span: CallSite): void {
    if (of instanceof Scope) {
      if (key !== undefined) this.#rooms.scopes.setIn(of, key, values, false);
      else {
        this.#rooms.scopes.setAny(of, values);
      }
    } else if (of.kind === "class") this.#rooms.heap.addTo(of.members, key ?? COMPUTED, values);
    else if (of.kind === "instance") this.#rooms.heap.addTo(of.attributes, key ?? COMPUTED, values);
    else this.setAttribute(of, key ?? COMPUTED, values, span);
  }

  /** Keys of mappings and sets are asked for their hashes. */
  hashed(values: Values): void {
    for (const each of values) {
      if (each.kind === "instance") {
        this.#rooms.objects.special(each, ["__hash__", "__eq__", "__index__"]);
      }
    }
  }
}

function isMapping(value: Value): boolean {
  return value.kind === "container" && value.type === "dict";
}
