/**
 * Functions that reach names, modules, code and classes.
 *
 * @module
 */

import { COMPUTED, shortest } from "./paths.ts";
import type { CallSite, ModelCall, ReflectionModelsRoom, Rooms } from "./rooms.ts";
import type { Run } from "./run.ts";
import { variablePath } from "./sinks.ts";
import {
  type Arguments,
  constantOf,
  type Container,
  containerOf,
  keysOf,
  MODULE_NAME,
  NO_ARGUMENTS,
  type Partial,
  type Property,
  textsOf,
  union,
  UNKNOWN_CONSTANT,
  type Values,
} from "./values.ts";

const CLASSMETHOD = constantOf("classmethod");
const STATICMETHOD = constantOf("staticmethod");

/** Functions that reach names, modules, code and classes. */
export class ReflectionModels implements ReflectionModelsRoom {
  readonly #rooms: Rooms;
  readonly #run: Run;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
    this.#run = rooms.run;
  }

  /** Functions that reach names, modules, code and classes; undefined for all others. */
  model(call: ModelCall): Values | undefined {
    const { path, name, given, site, value } = call;
    const [first = [], second = [], third = []] = given.positions;
    const at = site?.site ?? value;
    const span = site ?? { at: 0, end: 0, site: value };
    const scope = site?.scope ?? this.#run.module;
    switch (name) {
      case "getattr": {
        this.#rooms.records.note(path, true, site, given);
        let all = this.#rooms.attributes.getattr(
          union(first, given.positions.length === 0 ? given.rest : []),
          given.positions.length < 2 ? given.rest : second,
          at,
        );
        if (given.positions.length > 2) all = this.#run.unite(all, third);
        return all;
      }
      case "setattr":
        for (const owner of first) {
          for (const text of textsOf(second)) {
            if (owner.kind === "space") this.#rooms.targets.setName(owner, text, third, span);
            else this.#rooms.targets.setAttribute(owner, text ?? COMPUTED, third, span);
          }
        }
        return [];
      case "hasattr":
        for (const each of first) {
          if (each.kind === "instance") this.#rooms.attributes.getattr([each], second, at);
        }
        return [];
      case "__import__":
      case "importlib.import_module":
      case "importlib.__import__":
      case "importlib._bootstrap._gcd_import":
      case "importlib._bootstrap.__import__":
      case "importlib._bootstrap._load":
      case "imp.load_module":
      case "imp.load_source":
      case "pydoc.locate":
      case "pydoc.safeimport":
      case "pkgutil.resolve_name":
      case "<module>.__loader__.load_module":
      case "zipimport.zipimporter.load_module":
      case "importlib.machinery.BuiltinImporter.load_module":
      case "_frozen_importlib.BuiltinImporter.load_module":
      case "imp.init_builtin":
        this.#rooms.records.note(path, true, site, given);
        return this.#rooms.imports.imported(
          name,
          given.named.get("name") ?? (given.positions.length > 0 ? first : given.rest),
          name.endsWith("import_module") ? given.named.get("package") ?? second : [MODULE_NAME],
        );
      case "importlib.reload":
        return first;
      case "exec":
      case "eval":
      case "execfile": {
        const names = [
          ...second,
          ...third,
          ...given.named.get("globals") ?? [],
          ...given.named.get("locals") ?? [],
        ];
        const code = given.positions.length > 0 ? first : given.rest;
        const inner = this.#rooms.texts.namespace(names, scope, at);
        if (name === "execfile") {
          this.#rooms.records.note(path, true, site, given);
          return [];
        }
        const all = this.#rooms.texts.exec(code, span, inner, path);
        for (const each of names) {
          if (each.kind === "container" || each.kind === "space") {
            this.#rooms.texts.export(inner, each);
          }
        }
        return name === "eval" ? all : [];
      }
      case "compile": {
        const known = first.filter((each) =>
          each.kind === "constant" && typeof each.value === "string"
        );
        if (known.length > 0 && known.length === first.length) return known;
        this.#rooms.records.note(path, true, site, given);
        return [this.#rooms.heap.outer(path, true, at, this.#rooms.calls.carried(given))];
      }
      case "globals":
        return [this.#rooms.heap.space(this.#run.module)];
      case "locals":
        return [this.#rooms.heap.space(scope)];
      case "vars":
      case "dir":
        if (first.length === 0 && given.positions.length === 0) {
          return [this.#rooms.heap.space(scope)];
        }
        if (name === "dir") {
          for (const each of first) {
            if (each.kind === "instance") this.#rooms.objects.special(each, ["__dir__"]);
          }
          return [this.#rooms.heap.listOf(at, "list", [UNKNOWN_CONSTANT])];
        }
        return this.#rooms.attributes.attributes(first, "__dict__", at);
      case "sys._getframe":
      case "inspect.currentframe":
        return [this.#rooms.heap.outer("sys._getframe", true)];
      case "inspect.getmodule":
      case "sys.modules.get":
      case "sys.modules.pop":
      case "sys.modules.__getitem__":
      case "sys.modules.setdefault":
        if (name.endsWith("setdefault")) this.#modules(given, span);
        if (name !== "inspect.getmodule") {
          return union(
            this.#rooms.items.outerItem(this.#rooms.heap.outer("sys.modules"), keysOf(first), at),
            second,
          );
        }
        return first.map((each) =>
          each.kind === "outer"
            ? this.#rooms.heap.outer(
              each.path.includes(".")
                ? shortest(each.path.slice(0, each.path.lastIndexOf(".")))
                : each.path,
            )
            : this.#rooms.heap.moduleValue()
        );
      case "inspect.getattr_static":
      case "inspect.unwrap":
        return name.endsWith("unwrap") ? first : this.#rooms.attributes.getattr(first, second, at);
      case "super": {
        const method = this.#rooms.expressions.functionOf(scope);
        const owner = second.length > 0
          ? second
          : method.code?.owner === undefined
          ? []
          : [method.code.owner.instance];
        return owner.flatMap((each) =>
          each.kind === "instance" || each.kind === "class"
            ? [this.#rooms.classes.superOf(each, at)]
            : []
        );
      }
      case "property":
      case "functools.cached_property": {
        const made = this.#rooms.heap.site<Property>(
          at,
          "property",
          () => ({ kind: "property", get: [], set: [] }),
        );
        made.get = union(made.get, union(first, given.named.get("fget") ?? []));
        made.set = union(made.set, union(second, given.named.get("fset") ?? []));
        return [made];
      }
      case "staticmethod":
      case "classmethod":
        return first.map((each) => {
          if (each.kind === "constant") return each;
          // One of another is the same, however often a loop makes one.
          const isMade = each.kind === "bound" &&
            (each.self === CLASSMETHOD || each.self === STATICMETHOD);
          const target = isMade ? each.target : each;
          return this.#rooms.heap.pair(target, name === "classmethod" ? CLASSMETHOD : STATICMETHOD);
        });
      case "type":
        if (given.positions.length >= 3) return this.#rooms.classes.newClass(given, at);
        return first.flatMap((each) => this.#rooms.attributes.attribute(each, "__class__", at));
      case "types.new_class": {
        const body = given.positions[3] ?? given.named.get("exec_body") ?? [];
        const names = this.#rooms.heap.site<Container>(at, "body", () => containerOf("dict"));
        this.#rooms.calls.callAll(body, { ...NO_ARGUMENTS, positions: [[names]] });
        return this.#rooms.classes.newClass(
          { positions: [first, second, [names]], named: new Map(), rest: [] },
          at,
        );
      }
      case "types.MethodType":
      case "functools.partial":
      case "functools.partialmethod": {
        const isMethod = name === "functools.partialmethod";
        const made = this.#rooms.heap.site<Partial>(
          at,
          name,
          () => ({ kind: "partial", target: [], first: [], named: new Map(), isMethod }),
        );
        const target = union(
          made.target,
          union(first, given.positions.length === 0 ? given.rest : []),
        );
        const others = given.positions.slice(1);
        if (target !== made.target) this.#run.changed();
        made.target = target;
        made.first = others.map((each, index) => union(made.first[index] ?? [], each));
        if (given.rest.length > 0) made.first.push(given.rest);
        for (const [key, values] of given.named) this.#rooms.heap.addTo(made.named, key, values);
        return [made];
      }
      case "types.ModuleType":
      case "imp.new_module":
        return [this.#rooms.classes.namespaceObject(at)];
      case "print":
        for (const each of given.named.get("file") ?? []) {
          if (each.kind === "instance") this.#rooms.objects.deferOwn(each.of, /^(?:write|flush)$/u);
        }
        return undefined;
      case "isinstance":
      case "issubclass":
        for (const each of union(second, this.#rooms.chains.valuesOf(second))) {
          if (each.kind === "class") {
            this.#rooms.objects.deferOwn(
              each,
              /^__(?:subclasshook|instancecheck|subclasscheck)__$/u,
            );
          }
        }
        return undefined;
      case "typing.get_type_hints":
      case "inspect.get_annotations":
      case "inspect.signature":
        this.#annotated(first, span);
        return name === "inspect.signature"
          ? undefined
          : this.#rooms.attributes.attributes(first, "__annotations__", at);
      case "os.environ.get":
      case "os.environ.pop":
      case "os.environ.__getitem__":
      case "os.getenv": {
        const kind = variablePath(keysOf(given.named.get("key") ?? first));
        if (kind === "os.environ.get") return undefined;
        this.#rooms.records.note(path, true, site, given);
        const otherwise = union(second, given.named.get("default") ?? []);
        return union([this.#rooms.heap.outer(kind, true)], otherwise);
      }
      case "collections.ChainMap": {
        const maps = given.positions.reduce((all, each) => union(all, each), given.rest);
        return maps.length === 0 ? undefined : maps;
      }
      case "gc.get_referents": {
        this.#rooms.records.note(path, true, site, given);
        const all = union(
          this.#rooms.attributes.getattr(first, [UNKNOWN_CONSTANT], at),
          this.#rooms.collections.elements(
            first.filter(({ kind }) => kind === "container"),
            span.site,
          ),
        );
        return [this.#rooms.heap.listOf(at, "list", all)];
      }
      case "inspect.getmembers":
      case "inspect.getmembers_static": {
        const pair = this.#rooms.heap.site<Container>(at, "member", () => containerOf("tuple"));
        this.#rooms.heap.addItem(pair, "0", [UNKNOWN_CONSTANT]);
        const all = this.#rooms.attributes.getattr(first, [UNKNOWN_CONSTANT], at);
        this.#rooms.heap.addItem(pair, "1", all);
        this.#rooms.records.note(path, true, site, given);
        return [this.#rooms.heap.listOf(at, "list", [pair])];
      }
      case "type.__call__":
        return this.#rooms.calls.callAll(
          first,
          { ...given, positions: given.positions.slice(1) },
          site,
        );
      case "update":
        // `__builtins__` of a module that was imported is a mapping.
        this.#rooms.methods.callMethod(
          this.#rooms.heap.space(this.#rooms.heap.outer("builtins")),
          name,
          given,
          site,
        );
        return [];
      case "sys.modules.update":
      case "sys.modules.__setitem__":
        this.#modules(given, span);
        return [];
      case "copyreg.pickle":
      case "copyreg.constructor":
        for (const each of union(second, third)) {
          this.#rooms.functions.defer(this.#rooms.objects.reduced(each), []);
        }
        return undefined;
      case "types.FunctionType":
      case "types.LambdaType":
        this.#rooms.records.note(path, true, site, given);
        return union(first.filter(({ kind }) => kind === "function"), [
          this.#rooms.heap.outer(path, true, at, this.#rooms.calls.carried(given)),
        ]);
      case "functools.wraps":
      case "functools.update_wrapper":
      case "functools.lru_cache":
      case "functools.cache":
      case "contextlib.contextmanager":
      case "contextlib.asynccontextmanager":
      case "functools.singledispatch":
      case "typing.cast":
      case "typing.no_type_check":
      case "typing.final":
      case "typing.overload":
      case "abc.abstractmethod":
      case "dataclasses.dataclass":
      case "copy.copy":
      case "copy.deepcopy":
      case "types.coroutine":
      case "asyncio.run":
      case "builtins.memoryview": {
        const isSecond = name === "typing.cast";
        if (isSecond) return second;
        const functions = first.filter(({ kind }) => kind !== "constant");
        if (name === "functools.wraps" || functions.length === 0) {
          const wrapped = first.filter(({ kind }) => kind === "function");
          return [this.#rooms.heap.outer("functools.<identity>", false, at, wrapped)];
        }
        if (name === "functools.update_wrapper") this.#wrap(functions, second);
        return functions;
      }
      case "functools.<identity>":
        if (value.kind === "outer") this.#wrap(first, value.carries);
        return first;
      case "atexit.register":
        for (const each of first) {
          this.#rooms.functions.defer(each, union(second, third));
        }
        this.#rooms.records.note(path, true, site, given);
        for (const each of first) {
          if (each.kind === "outer" && each.sensitive) {
            this.#rooms.calls.call(each, { ...given, positions: given.positions.slice(1) }, site);
          }
        }
        return first;
      case "builtins.object.__subclasses__":
      case "object.__subclasses__":
      case "type.__subclasses__":
        return [this.#rooms.heap.outer("builtins.object.__subclasses__", true)];
      case "object.__getattribute__":
      case "type.__getattribute__":
        return this.#rooms.attributes.getattr(first, second, at);
      case "object.__setattr__":
      case "type.__setattr__":
        for (const owner of first) {
          for (const text of textsOf(second)) {
            if (owner.kind === "instance") {
              this.#rooms.heap.addTo(owner.attributes, text ?? COMPUTED, third);
            } else if (owner.kind === "class") {
              this.#rooms.heap.addTo(owner.members, text ?? COMPUTED, third);
            }
          }
        }
        return [];
      case "type.__new__":
        return given.positions.length >= 4
          ? this.#rooms.classes.newClass(
            { ...given, positions: given.positions.slice(1) },
            at,
            first.find((each) => each.kind === "class"),
          )
          : undefined;
      case "object.__new__":
      case "tuple.__new__":
      case "list.__new__":
      case "dict.__new__":
      case "set.__new__":
      case "frozenset.__new__":
      case "str.__new__":
      case "bytes.__new__":
      case "int.__new__":
      case "float.__new__":
        for (const each of first) {
          if (each.kind !== "class") continue;
          const kept = this.#rooms.calls.carried({ ...given, positions: given.positions.slice(1) });
          if (kept.length > 0) {
            this.#rooms.heap.addTo(each.instance.attributes, "<items>", kept);
          }
        }
        return first.flatMap((each) => each.kind === "class" ? [each.instance] : []);
    }
    return undefined;
  }

  /** Notes which functions others were wrapped around. */
  #wrap(functions: Values, wrapped: Values): void {
    if (wrapped.length === 0) return;
    for (const each of functions) {
      if (each.kind !== "function") continue;
      this.#rooms.heap.addTo(each.attributes ??= new Map(), "__wrapped__", wrapped);
    }
  }

  /** What is put into `sys.modules`: `name, module`, mappings, or by names. */
  #modules(given: Arguments, span: CallSite): void {
    const [first = [], second] = given.positions;
    const modules: Values = [this.#rooms.heap.outer("sys.modules")];
    const put = (index: Values, values: Values): void => {
      for (const each of modules) this.#rooms.targets.setItem(each, index, values, span);
    };
    if (second !== undefined) put(first, second);
    for (const [name, values] of given.named) put([constantOf(name)], values);
    for (const each of first) {
      if (each.kind !== "container") continue;
      for (const [name, values] of each.items) put([constantOf(name)], values);
    }
  }

  /** Annotations that are written as texts, which something evaluates. */
  #annotated(values: Values, span: CallSite): void {
    for (const each of values) {
      const texts: Values[] = [];
      if (each.kind === "function") {
        for (const { annotation } of [...each.node.parameters, { annotation: each.node.returns }]) {
          if (annotation?.kind !== "constant") continue;
          texts.push(this.#rooms.expressions.value(annotation, each.scope));
        }
      } else if (each.kind === "class") texts.push(...each.fields?.values() ?? []);
      for (const text of texts.flat()) {
        if (text.kind !== "constant" || typeof text.value !== "string") continue;
        this.#rooms.texts.exec([text], span, this.#run.module, "builtins.eval");
      }
    }
  }
}
