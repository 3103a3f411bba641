/**
 * Attributes of values, by names that are known or not.
 *
 * @module
 */

import {
  constantMayHave,
  containerMayHave,
  functionMayHave,
  mayHave,
  outerMayHave,
} from "./builtin_attributes.ts";
import { isListedStandardModule } from "./names.ts";
import { COMPUTED, shortest } from "./paths.ts";
import type { AttributesRoom, Rooms } from "./rooms.ts";
import type { Run } from "./run.ts";
import { REACHING, TELLING } from "./sinks.ts";
import {
  type Class,
  type Code,
  type Constant,
  constantOf,
  type Container,
  containerOf,
  type Instance,
  NO_ARGUMENTS,
  type Outer,
  Scope,
  type Space,
  textsOf,
  union,
  UNKNOWN_CONSTANT,
  type Value,
  type Values,
} from "./values.ts";

/** Bases that keep arguments as attributes: exceptions, tuples with names. */
const KEEPING = /(?:Exception|ExceptionGroup|Error|Warning|NamedTuple|namedtuple)$/u;
/** What gives parameters, with their defaults and annotations. */
const SIGNATURE = /^inspect\.(?:signature|Signature|getfullargspec|getargspec)(?:\.|$)/u;
/** Beginning of the name of a method that stands for the descriptor of a slot; no name of Python's has a space. */
export const SLOT = "slot ";
/** Functions of which one may be the frame that is looked at. CWE-407. */
const FRAMES = 256;
/** Parts of a dotted path. The most in seven wheels are 6. CWE-400. */
const PATH_PARTS = 12;
/** Characters of one; the longest module of the libraries audited has 98. CWE-770. */
const PATH_CHARACTERS = 512;

function classOf(value: Constant): string {
  if (value.bytes) return "builtins.bytes";
  switch (typeof value.value) {
    case "string":
      return "builtins.str";
    case "number":
      return "builtins.int";
    case "boolean":
      return "builtins.bool";
    default:
      return "builtins.object";
  }
}

/**
 * The path of an attribute. What goes on and on, as along `a.next.next` or `a.left.right.left`, comes back
 * to where that name stood first, so that there are not more paths than a loop can go through.
 */
function shortened(path: string, id: string): string {
  // Of what is not known no more is told apart than its last name.
  if (path.startsWith(`${COMPUTED}.`)) return `${COMPUTED}.${id}`;
  const full = `${path}.${id}`;
  if (full.length > PATH_CHARACTERS) return path;
  const parts = path.split(".");
  const at = parts.indexOf(id, 1);
  if (at > 0) return parts.slice(0, at + 1).join(".");
  return parts.length < PATH_PARTS ? full : [...parts.slice(0, PATH_PARTS - 1), id].join(".");
}

/** Attributes of values, by names that are known or not. */
export class Attributes implements AttributesRoom {
  readonly #rooms: Rooms;
  readonly #run: Run;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
    this.#run = rooms.run;
  }

  attributes(values: Values, id: string, site: object): Values {
    let all: Values = [];
    for (const each of values) all = this.#run.unite(all, this.attribute(each, id, site));
    return this.#run.limited(all);
  }

  attribute(value: Value, id: string, site: object): Values {
    if (id === "__call__" && value.kind !== "instance" && value.kind !== "class") {
      const isType = value.kind === "outer" && value.path === "builtins.type";
      return isType ? [this.#rooms.heap.outer("builtins.type.__call__")] : [value];
    }
    // What a closure holds stands in cells.
    if (id === "cell_contents" && value.kind !== "instance" && value.kind !== "class") {
      return [value];
    }
    if (id === "__getattribute__" && value.kind !== "instance") {
      return [this.#rooms.heap.method(value, id)];
    }
    switch (value.kind) {
      case "outer":
        return this.#outerAttribute(value, id, site);
      case "function":
        return this.#functionAttribute(value, id);
      case "class":
        return this.#classAttribute(value, id, site);
      case "instance":
        return this.#instanceAttribute(value, id);
      case "bound":
        if (id === "__func__") return [value.target];
        if (id === "__self__") return [value.self];
        return this.attribute(value.target, id, site);
      case "partial":
        if (id === "func") return value.target;
        if (id === "args") return [this.#rooms.heap.listOf(site, "tuple", value.first.flat())];
        return [];
      case "property":
        if (/^(?:fget|getter|setter|deleter|fset|fdel)$/u.test(id)) {
          return id.startsWith("f")
            ? union(value.get, value.set)
            : [this.#rooms.heap.method(value, id)];
        }
        return [];
      case "method":
        if (value.name.startsWith(SLOT) && /^__[gs]et__$/u.test(id)) {
          return [this.#rooms.heap.method(value, id)];
        }
        return id === "__self__" ? [value.self] : [];
      case "constant":
        if (id === "__class__") return [this.#rooms.heap.outer(classOf(value))];
        return constantMayHave(value, id) ? [this.#rooms.heap.method(value, id)] : [];
      case "container":
        if (id === "__class__") return [this.#rooms.heap.outer(`builtins.${value.type}`)];
        // The frame of a generator or coroutine.
        if (/^(?:gi|cr|ag)_frame$/u.test(id)) {
          return [this.#rooms.heap.outer("sys._getframe", true)];
        }
        return containerMayHave(id) ? [this.#rooms.heap.method(value, id)] : [];
      case "space": {
        // The module itself, or the mapping of its names.
        const own = value.of instanceof Scope && value.of.names.has(id)
          ? this.#rooms.scopes.lookup(id, value.of)
          : [];
        return union(own, [this.#rooms.heap.method(value, id)]);
      }
    }
  }

  #outerAttribute(value: Outer, id: string, site: object): Values {
    const { path, called, carries, base } = value;
    if (id === "__dict__" && !called) return [this.#rooms.heap.space(value)];
    if (id === "_defaults") this.#rooms.calls.parse();
    if (id === "__self__") return [this.#rooms.heap.outer(path.split(".")[0] ?? path)];
    if (id === "__globals__" || id === "f_globals" || id === "f_locals") {
      const frames = id === "f_locals" ? this.#frames() : [];
      if (path.includes("<")) {
        return [
          ...frames,
          this.#rooms.heap.space(this.#rooms.heap.outer("builtins")),
          this.#rooms.heap.space(this.#rooms.heap.outer(COMPUTED)),
          this.#rooms.heap.space(this.#run.module),
        ];
      }
      const own = path.startsWith("sys._getframe") || path.startsWith("inspect.");
      const dot = path.lastIndexOf(".");
      return own || dot < 0
        ? [this.#rooms.heap.space(this.#run.module), ...frames]
        : [this.#rooms.heap.space(this.#rooms.heap.outer(shortest(path.slice(0, dot))))];
    }
    if (id === "f_builtins" || id === "__builtins__") return [this.#rooms.heap.outer("builtins")];
    if (id === "__closure__" && called) return [value];
    if (/^__(?:context|cause)__$/u.test(id) && path.includes("<exception>")) {
      return union([value], this.#run.raised);
    }
    if (id === "f_back" || (id === "__class__" && called)) return [value];
    if (id === "__loader__" || (id === "loader" && path.endsWith("__spec__"))) {
      return [this.#rooms.heap.outer("<module>.__loader__")];
    }
    const full = shortest(shortened(called ? base : path, id));
    const given = this.#run.given.get(full);
    if (!outerMayHave(value, id)) return union(given ?? [], this.#ofCarried(value, id));
    const kept: Values = called ? carries : [];
    let made: Values = [this.#rooms.heap.outer(full, called, site, kept, called ? base : full)];
    if (called && kept.length > 0) {
      made = union(made, this.#ofCarried(value, id));
      if (SIGNATURE.test(base)) made = union(made, this.#ofSignature(value, id));
      if (/(?:^|\.)(?:SimpleNamespace|namedtuple|Namespace)$/u.test(path)) made = union(made, kept);
    }
    if (path === COMPUTED || path.endsWith(`.${COMPUTED}`)) {
      const telling = TELLING.get(id);
      if (telling !== undefined && !called) made = union(made, [this.#rooms.heap.outer(telling)]);
    }
    made = union(made, this.#telling(value, id));
    return given === undefined ? made : union(made, given);
  }

  /** Names of the functions that were called so far: a frame may be that of any of them. */
  #frames(): Values {
    const { frames } = this.#run;
    this.#run.looksAtFrames = true;
    if (frames.length > FRAMES) {
      this.#run.cut ??= "a frame may be that of more functions than are followed";
    }
    return frames.slice(0, FRAMES).map((each) => this.#rooms.heap.space(each));
  }

  /** Defaults and annotations of the functions that a signature was made of. */
  #ofSignature({ carries }: Outer, id: string): Values {
    let all: Values = [];
    if (!/^(?:default|annotation|return_annotation)$/u.test(id)) return all;
    for (const each of carries) {
      if (each.kind !== "function") continue;
      all = this.#run.unite(all, this.#rooms.heap.allOf(this.#annotationsOf(each).items));
      if (each.defaults !== undefined) {
        all = this.#run.unite(all, this.#rooms.heap.allOf(each.defaults));
      }
    }
    return all;
  }

  /** An attribute of what was made of something may be that thing's. */
  #ofCarried({ called, carries }: Outer, id: string): Values {
    if (!called || !TELLING.has(id)) return [];
    let all: Values = [];
    for (const each of carries) {
      if (each.kind === "outer" && !each.called && each.sensitive) {
        all = this.#run.unite(all, [this.#rooms.heap.outer(shortest(`${each.path}.${id}`))]);
      }
    }
    return all;
  }

  /**
   * What a name means behind something of the standard library of which only is known where it comes from,
   * such as an item of `sys.modules` or of `gc.get_objects()`.
   */
  #telling({ path, called }: Outer, id: string): Values {
    const telling = TELLING.get(id);
    if (telling === undefined || (!called && !path.includes("."))) return [];
    return isListedStandardModule(path.split(".")[0] ?? "")
      ? [this.#rooms.heap.outer(telling)]
      : [];
  }

  #functionAttribute(value: Code, id: string): Values {
    if (id === "__globals__") return [this.#rooms.heap.space(this.#run.module)];
    if (id === "__builtins__") return [this.#rooms.heap.outer("builtins")];
    if (id === "__wrapped__") return union([value], value.attributes?.get(id) ?? []);
    if (id === "__kwdefaults__") return [this.#keywordDefaults(value)];
    if (id === "__get__" || id === "__code__" || id === "__func__") {
      return [id === "__get__" ? this.#rooms.heap.method(value, id) : value];
    }
    if (id === "__name__") {
      return union([constantOf(value.node.name)], value.attributes?.get(id) ?? []);
    }
    if (id === "__qualname__") return [UNKNOWN_CONSTANT];
    if (id === "__doc__") {
      return union(this.#rooms.functions.described(value), value.attributes?.get(id) ?? []);
    }
    if (id === "__defaults__" || id === "__closure__") {
      let all: Values = [];
      for (const each of value.defaults?.values() ?? []) all = this.#run.unite(all, each);
      if (id === "__closure__") {
        for (const each of value.scope.parent?.names.values() ?? []) {
          all = this.#run.unite(all, each);
        }
      }
      return [this.#rooms.heap.listOf(value.node, "tuple", all)];
    }
    if (id === "__annotations__") return [this.#annotationsOf(value)];
    if (id === "__dict__") return [this.#rooms.heap.outer(`<function>`, true)];
    if (id === "__class__") return [this.#rooms.heap.outer("types.FunctionType")];
    return value.attributes?.get(id) ??
      (functionMayHave(id) ? [this.#rooms.heap.method(value, id)] : []);
  }

  /** The mapping of a function's defaults by their names: what is put into it is one, too. */
  #keywordDefaults(value: Code): Container {
    const made = this.#rooms.heap.site<Container>(
      value,
      "keyword defaults",
      () => containerOf("dict"),
    );
    for (const [name, values] of value.defaults ?? []) this.#rooms.heap.addItem(made, name, values);
    value.attributes ??= new Map();
    this.#rooms.heap.addTo(value.attributes, "__kwdefaults__", [made]);
    return made;
  }

  #annotationsOf({ node, scope }: Code): Container {
    const made = this.#rooms.heap.annotations(node);
    const all = [...node.parameters, { name: "return", annotation: node.returns }];
    for (const { name, annotation } of all) {
      if (annotation === undefined) continue;
      const values = this.#rooms.expressions.value(annotation, scope.parent ?? scope);
      this.#rooms.heap.addItem(made, name, values);
    }
    return made;
  }

  #classAttribute(value: Class, id: string, site: object): Values {
    if (id === "__dict__") return [this.#rooms.heap.space(value)];
    if (id === "__annotations__" && value.fields !== undefined) {
      const made = this.#rooms.heap.annotations(value);
      for (const [name, values] of value.fields) this.#rooms.heap.addItem(made, name, values);
      return [made];
    }
    if (id === "__call__") return [value];
    if (id === "__name__") return [constantOf(value.name), UNKNOWN_CONSTANT];
    if (id === "__qualname__") return [UNKNOWN_CONSTANT];
    if (id === "__bases__" || id === "__mro__" || id === "__base__") {
      return [
        this.#rooms.heap.listOf(
          site,
          "tuple",
          union(value.bases, [this.#rooms.heap.outer("builtins.object")]),
        ),
      ];
    }
    if (id === "__subclasses__" || id === "mro") return [this.#rooms.heap.method(value, id)];
    if (id === "__class__") {
      return value.metaclass.length > 0
        ? value.metaclass
        : [this.#rooms.heap.outer("builtins.type")];
    }
    let all: Values = [];
    for (const member of this.#rooms.classes.member(value, id)) {
      if (member.kind === "bound" && member.self.kind === "constant") {
        all = this.#run.unite(
          all,
          member.self.value === "classmethod"
            ? [this.#rooms.heap.pair(member.target, value)]
            : [member.target],
        );
      } else if (member.kind === "instance") {
        all = this.#run.unite(all, [member]);
        all = this.#run.unite(all, this.#rooms.objects.special(member, ["__get__"], [[], [value]]));
      } else all = this.#run.unite(all, [member]);
    }
    if (all.length > 0) {
      return this.#rooms.classes.isEnumeration(value) ? union(all, [value.instance]) : all;
    }
    for (const meta of this.#rooms.classes.metaclasses(value)) {
      if (meta.kind !== "class") continue;
      for (const member of this.#rooms.classes.member(meta, id)) {
        if (member.kind === "function") {
          all = this.#run.unite(all, [this.#rooms.heap.pair(member, value)]);
        } else if (member.kind === "property") {
          all = this.#run.unite(
            all,
            this.#rooms.calls.callAll(member.get, { ...NO_ARGUMENTS, positions: [[value]] }),
          );
        } else all = this.#run.unite(all, [member]);
      }
      if (all.length > 0) continue;
      for (const name of ["__getattr__", "__getattribute__"]) {
        const positions: Values[] = [[value], [constantOf(id)]];
        all = this.#run.unite(
          all,
          this.#rooms.calls.callAll(this.#rooms.classes.member(meta, name), {
            ...NO_ARGUMENTS,
            positions,
          }),
        );
      }
    }
    if (all.length > 0) return all;
    if (id === "__init__" || id === "__new__" || id === "__init_subclass__") return [];
    // The descriptor of a slot, which gives and sets an attribute.
    if (id !== "__slots__" && this.#rooms.classes.member(value, "__slots__").length > 0) {
      return [this.#rooms.heap.method(value, SLOT + id)];
    }
    const computed = this.#rooms.classes.member(value, COMPUTED);
    if (computed.length > 0) return computed;
    return this.#rooms.classes.outerBases(value).filter(({ path }) => mayHave(path, id)).map((
      base,
    ) => this.#rooms.heap.outer(shortest(`${base.path}.${id}`), false));
  }

  #instanceAttribute(value: Instance, id: string): Values {
    const self = value.through ?? value;
    if (id === "__class__") return [self.of];
    if (id === "__dict__") return [this.#rooms.heap.space(value)];
    let all: Values = value.attributes.get(id) ?? [];
    if (/^__(?:context|cause)__$/u.test(id)) all = this.#run.unite(all, this.#run.raised);
    let found = all.length > 0;
    // What computes it may raise an AttributeError, upon which Python asks for it otherwise.
    let raises = false;
    for (const member of this.#rooms.classes.member(value.of, id)) {
      found = true;
      if (member.kind === "function" || member.kind === "partial") {
        all = this.#run.unite(all, [this.#rooms.heap.pair(member, self)]);
      } else if (member.kind === "bound" && member.self.kind === "constant") {
        all = this.#run.unite(all, [
          member.self.value === "classmethod"
            ? this.#rooms.heap.pair(member.target, self.of)
            : member.target,
        ]);
      } else if (member.kind === "property") {
        raises = true;
        all = this.#run.unite(
          all,
          this.#rooms.calls.callAll(member.get, { ...NO_ARGUMENTS, positions: [[self]] }),
        );
      } else if (member.kind === "instance") {
        raises = true;
        all = this.#run.unite(all, [member]);
        all = this.#run.unite(
          all,
          this.#rooms.objects.special(member, ["__get__"], [[self], [self.of]]),
        );
        all = this.#run.unite(all, this.#rooms.objects.computed(member, [self]));
      } else all = this.#run.unite(all, [member]);
    }
    all = this.#run.unite(
      all,
      this.#rooms.objects.special(value, ["__getattribute__"], [[constantOf(id)]]),
    );
    if (raises) {
      all = this.#run.unite(
        all,
        this.#rooms.objects.special(value, ["__getattr__"], [[constantOf(id)]]),
      );
    }
    if (found) return all;
    all = this.#run.unite(all, value.attributes.get(COMPUTED) ?? []);
    all = this.#run.unite(
      all,
      this.#rooms.objects.special(value, ["__getattr__"], [[constantOf(id)]]),
    );
    // A module has functions of its own for that.
    const own = value.attributes.get("__getattr__");
    if (own !== undefined) {
      const positions = [[constantOf(id)]];
      all = this.#run.unite(all, this.#rooms.calls.callAll(own, { ...NO_ARGUMENTS, positions }));
    }
    const bases = this.#rooms.classes.outerBases(value.of);
    for (const base of bases) {
      if (!mayHave(base.path, id)) continue;
      all = this.#run.unite(all, [
        this.#rooms.heap.pair(this.#rooms.heap.outer(shortest(`${base.path}.${id}`), true), self),
      ]);
      if (base.path.includes("__class__")) all = this.#run.unite(all, this.#telling(base, id));
    }
    // What its class keeps of its arguments: `args` of an exception, fields of a tuple.
    const kept = bases.some(({ path }) => KEEPING.test(path))
      ? value.attributes.get("<items>")
      : undefined;
    if (kept !== undefined) {
      all = this.#run.unite(all, [...kept, this.#rooms.heap.listOf(value.of, "tuple", kept)]);
    }
    return all.length === 0 && value.attributes.has("<items>")
      ? [this.#rooms.heap.method(value, id)]
      : all;
  }

  getattr(values: Values, names: Values, site: object): Values {
    let all: Values = [];
    for (const each of values) {
      for (const name of textsOf(names)) {
        if (name?.includes(".")) {
          let inner: Values = [each];
          for (const part of name.split(".")) {
            let next: Values = [];
            for (const one of inner) next = union(next, this.#named(one, part, site));
            inner = next;
          }
          all = this.#run.unite(all, inner);
        } else all = this.#run.unite(all, this.#named(each, name, site));
      }
    }
    return this.#run.limited(all);
  }

  /** An attribute by a name that may not be known. */
  #named(value: Value, name: string | undefined, site: object): Values {
    if (name !== undefined) {
      const parts = /^[\p{XID_Start}_][\p{XID_Continue}]*$/u.test(name)
        ? name.normalize("NFKC")
        : name;
      if (value.kind === "space" && value.of instanceof Scope) {
        return this.#rooms.scopes.lookup(parts, value.of);
      }
      return this.attribute(value, parts, site);
    }
    switch (value.kind) {
      case "outer":
        if (value.path.startsWith("argparse.")) this.#rooms.calls.parse();
        if (value.path.endsWith(COMPUTED)) return [value];
        if (!REACHING.test(value.path)) return [];
        return [this.#rooms.heap.outer(`${value.path}.${COMPUTED}`, false)];
      case "class":
        return union(this.#rooms.heap.allOf(value.members), []);
      case "instance": {
        let all = this.#rooms.heap.allOf(value.attributes);
        for (const each of this.#rooms.heap.allOf(value.of.members)) {
          all = this.#run.unite(all, [
            each.kind === "function" ? this.#rooms.heap.pair(each, value) : each,
          ]);
        }
        return union(
          all,
          this.#rooms.objects.special(value, ["__getattr__", "__getattribute__"], [[]]),
        );
      }
      case "space":
        return this.nameIn(value, undefined, site);
      default:
        return [];
    }
  }

  /** A name of a mapping of names. */
  nameIn({ of }: Space, key: string | undefined, site: object): Values {
    if (of instanceof Scope) {
      if (key !== undefined) return this.#rooms.scopes.lookup(key, of);
      let all: Values = of.any;
      this.#run.step(of.names.size >> 3);
      for (const [name, each] of of.names) {
        if (name !== "__builtins__") {
          all = this.#run.unite(all, each.filter((one) => one.kind !== "constant"));
        }
      }
      return this.#run.limited(all);
    }
    if (of.kind === "class") {
      if (key !== undefined) return this.#rooms.classes.member(of, key);
      return this.#rooms.heap.allOf(of.members);
    }
    if (of.kind === "instance") {
      return key === undefined
        ? this.#rooms.heap.allOf(of.attributes)
        : of.attributes.get(key) ?? [];
    }
    return this.#named(of, key, site);
  }
}
