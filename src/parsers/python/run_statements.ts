/**
 * Statements: branches are all taken, loops read until they add nothing.
 *
 * @module
 */

import type { CallSite, Rooms, StatementsRoom } from "./rooms.ts";
import { ROUNDS, type Run } from "./run.ts";
import { isCarried } from "./sinks.ts";
import { endOf, type Expression, type Statement } from "./syntax.ts";
import {
  type Class,
  constantOf,
  itemsOf,
  known,
  NO_ARGUMENTS,
  type Scope,
  union,
  type Value,
  type Values,
} from "./values.ts";

/** Exceptions that `except*` takes apart, and the methods that it calls for that. */
const GROUP = /^builtins\.(?:Base)?ExceptionGroup$/u;
const GROUP_METHODS = /^(?:derive|split|subgroup)$/u;

/** Statements: branches are all taken, loops read until they add nothing. */
export class Statements implements StatementsRoom {
  readonly #rooms: Rooms;
  readonly #run: Run;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
    this.#run = rooms.run;
  }

  block(statements: readonly Statement[], scope: Scope): void {
    for (const each of statements) this.run(each, scope);
  }

  /** A block that may not run. */
  #maybe(statements: readonly Statement[], scope: Scope): void {
    if (statements.length === 0) return;
    scope.conditional++;
    try {
      this.block(statements, scope);
    } finally {
      scope.conditional--;
    }
  }

  /** Reads something again until it adds nothing. */
  loop(run: () => void, scope: Scope): void {
    scope.conditional++;
    this.#run.looping++;
    try {
      for (let round = 0;; round++) {
        const before = this.#run.changes;
        run();
        if (this.#run.looping > 1 || this.#run.changes === before) break;
        if (round >= ROUNDS) {
          this.#run.cut ??= "a loop of it is not understood";
          break;
        }
      }
    } finally {
      this.#run.looping--;
      scope.conditional--;
    }
  }

  run(statement: Statement, scope: Scope): Values {
    this.#run.step(1);
    switch (statement.kind) {
      case "expression":
        return this.#rooms.expressions.value(statement.value, scope);
      case "assign":
        this.#assign(statement, scope);
        break;
      case "augment":
        this.#augment(statement, scope);
        break;
      case "import":
        for (const [path, alias] of statement.names) {
          this.#rooms.imports.importModule(path, alias, scope);
        }
        break;
      case "from":
        this.#rooms.imports.importNames(statement, scope);
        break;
      case "function": {
        this.#bounds(statement, scope);
        const code = this.#rooms.functions.defineFunction(statement.code, scope);
        this.#rooms.scopes.bind(
          statement.code.name,
          this.decorated(statement.decorators, [code], scope),
          scope,
        );
        break;
      }
      case "class":
        this.#bounds(statement, scope);
        this.#rooms.classes.defineClass(statement, scope);
        break;
      case "if":
        this.#branch(statement, scope);
        break;
      case "for": {
        const values = this.#rooms.collections.elements(
          this.#rooms.expressions.value(statement.iterable, scope),
          statement,
        );
        this.loop(() => {
          this.#rooms.targets.store(statement.target, values, scope);
          this.block(statement.body, scope);
        }, scope);
        this.#maybe(statement.otherwise, scope);
        break;
      }
      case "while":
        this.loop(() => {
          this.#rooms.expressions.truth(this.#rooms.expressions.value(statement.test, scope));
          this.block(statement.body, scope);
        }, scope);
        this.#maybe(statement.otherwise, scope);
        break;
      case "try":
        this.#attempt(statement, scope);
        break;
      case "with":
        this.#manage(statement, scope);
        break;
      case "match":
        this.#match(statement, scope);
        break;
      case "return":
        this.giveBack(
          statement.value === undefined
            ? []
            : this.#rooms.expressions.value(statement.value, scope),
          scope,
        );
        break;
      case "raise":
      case "assert":
        for (const each of statement.values) {
          const values = this.#rooms.expressions.value(each, scope);
          if (statement.kind === "assert") this.#rooms.expressions.truth(values);
          else this.#raise(values);
        }
        break;
      case "delete":
        for (const each of statement.values) this.#remove(each, scope);
        break;
      case "alias": {
        // Its value is computed when something asks for it, which is taken for now.
        this.#bounds(statement, scope);
        const made = this.#rooms.classes.namespaceObject(statement);
        const values = this.#rooms.expressions.value(statement.value, scope);
        this.#rooms.heap.addTo(made.attributes, "__value__", values);
        this.#rooms.scopes.bind(statement.name, [made], scope);
        break;
      }
      case "exec":
        this.#rooms.texts.exec(
          this.#rooms.expressions.value(statement.value, scope),
          statement,
          scope,
        );
        break;
      case "scope":
        for (const name of statement.names) {
          scope.declare(name, statement.global);
        }
        break;
      case "block":
        this.#maybe(statement.body, scope);
    }
    return [];
  }

  /** Type parameters: what they are bound to is computed when something asks for it, which is taken for now. */
  #bounds({ bounds = [] }: { readonly bounds?: readonly Expression[] }, scope: Scope): void {
    for (const each of bounds) this.#rooms.expressions.value(each, scope);
  }

  #assign(statement: Extract<Statement, { kind: "assign" }>, scope: Scope): void {
    const { annotation, value, targets } = statement;
    if (annotation !== undefined && scope.kind !== "function") {
      const values = this.#rooms.expressions.value(annotation, scope);
      const [target] = targets;
      if (scope.kind === "module" && target?.kind === "name") {
        const made = this.#rooms.heap.annotations(this.#run.module);
        this.#rooms.heap.addItem(made, target.id, values);
      }
      if (scope.owner !== undefined && scope.kind === "class" && target?.kind === "name") {
        const fields = scope.owner.fields ??= new Map();
        this.#rooms.heap.addTo(fields, target.id, values);
      }
    }
    if (value === undefined) return;
    const values = this.#rooms.expressions.value(value, scope);
    for (const target of targets) this.#rooms.targets.store(target, values, scope);
  }

  #augment(statement: Extract<Statement, { kind: "augment" }>, scope: Scope): void {
    const { target, operator } = statement;
    const old = this.#rooms.expressions.value(target, scope);
    const added = this.#rooms.expressions.value(statement.value, scope);
    const values = this.#rooms.expressions.operate(operator, old, added, statement);
    for (const each of old) {
      if (each.kind === "space" && operator.startsWith("|")) {
        const given = { ...NO_ARGUMENTS, positions: [added] };
        this.#rooms.methods.callMethod(each, "update", given);
      }
      if (each.kind !== "container") continue;
      if (each.type === "dict") this.#rooms.collections.update(each, added);
      else this.#rooms.heap.addRest(each, this.#rooms.collections.elements(added, statement));
    }
    this.#rooms.targets.store(
      target,
      union(old.filter(({ kind }) => kind === "container" || kind === "space"), values),
      scope,
    );
  }

  decorated(decorators: readonly Expression[], values: Values, scope: Scope): Values {
    let result = values;
    const made = decorators.map((each) => this.#rooms.expressions.value(each, scope));
    for (const [at, each] of [...made.entries()].reverse()) {
      const decorator = decorators[at];
      const span = decorator?.kind === "chain" ? decorator : undefined;
      const given = this.#rooms.calls.callAll(
        each,
        { positions: [result], named: new Map(), rest: [] },
        span === undefined ? this.#nameSite(values) : { at: span.at, end: endOf(span), site: span },
        true,
      );
      const kept = each.some((one) => one.kind === "outer") || each.length === 0;
      result = kept && !given.some(({ kind }) => kind === "property")
        ? union(given, result)
        : given;
    }
    return result;
  }

  #nameSite(values: Values): CallSite | undefined {
    const [first] = values;
    if (first?.kind !== "function") return undefined;
    return { at: first.node.at, end: first.node.at + first.node.name.length + 4, site: first.node };
  }

  #branch(statement: Extract<Statement, { kind: "if" }>, scope: Scope): void {
    for (const [at, test] of statement.tests.entries()) {
      const values = this.#rooms.expressions.value(test, scope);
      const truth = this.#rooms.expressions.truth(values);
      const body = statement.bodies[at] ?? [];
      if (truth === false) continue;
      const narrowed = at === 0 ? this.#narrowed(test, scope) : undefined;
      if (narrowed !== undefined) {
        this.#whileNarrowed(narrowed, scope, () => this.#maybe(body, scope));
        continue;
      }
      if (truth === true) {
        // The first branch of all that certainly runs is like the code around it.
        if (at === 0) this.block(body, scope);
        else this.#maybe(body, scope);
        return;
      }
      this.#maybe(body, scope);
    }
    this.#maybe(statement.otherwise, scope);
  }

  /** What is raised may be caught anywhere. */
  #raise(values: Values): void {
    const all: Value[] = [];
    for (const value of values) {
      if (value.kind === "class") {
        for (const made of this.#rooms.calls.call(value, NO_ARGUMENTS)) all.push(made);
      } else if (value.kind === "instance" || isCarried(value)) all.push(value);
    }
    // `except*` splits groups by methods of theirs.
    for (const each of all) {
      if (each.kind !== "instance") continue;
      if (this.#rooms.classes.outerBases(each.of).some(({ path }) => GROUP.test(path))) {
        this.#rooms.objects.deferOwn(each.of, GROUP_METHODS);
      }
    }
    this.#run.add("raised", all);
  }

  /** What an exception may be that is caught, with all that it brings along. */
  #caught(): Values {
    return union([this.#rooms.heap.outer("<module>.<exception>", true)], this.#run.raised);
  }

  /**
   * `if isinstance(name, Class):` of a class of the module: what the name may be within. Classes that
   * something else may say are instances of theirs (`__instancecheck__`, `ABCMeta.register`) narrow nothing.
   */
  #narrowed(
    test: Expression,
    scope: Scope,
  ): { readonly name: string; readonly values: Values } | undefined {
    if (test.kind !== "chain" || test.base.kind !== "name" || test.base.id !== "isinstance") {
      return undefined;
    }
    const [step, ...more] = test.steps;
    if (step?.kind !== "call" || more.length > 0 || step.items.length !== 2) return undefined;
    const [subject, type] = step.items;
    if (subject?.kind !== "name" || type?.kind !== "name") return undefined;
    const [builtin, ...others] = this.#rooms.scopes.lookup("isinstance", scope);
    if (others.length > 0 || builtin?.kind !== "outer" || builtin.path !== "builtins.isinstance") {
      return undefined;
    }
    const old = scope.get(subject.id);
    const [only, ...types] = this.#rooms.scopes.lookup(type.id, scope);
    if (old === undefined || only?.kind !== "class" || types.length > 0) return undefined;
    const { classes } = this.#rooms;
    const isPlain = classes.metaclasses(only).length === 0 &&
      classes.outerBases(only).every(({ path }) => path === "builtins.object");
    if (!isPlain) return undefined;
    const values = old.filter((each) =>
      each.kind === "instance"
        ? isKindOf(each.of, only)
        : each.kind === "constant"
        ? each.value === undefined
        : each.kind === "outer" && each.called
    );
    return { name: subject.id, values };
  }

  /** Runs something while a name stands for fewer values. */
  #whileNarrowed(
    { name, values }: { readonly name: string; readonly values: Values },
    scope: Scope,
    run: () => void,
  ): void {
    const old = scope.get(name) ?? [];
    scope.names.set(name, values);
    try {
      run();
    } finally {
      const now = scope.get(name) ?? [];
      scope.names.set(name, now === values ? old : union(old, now));
    }
  }

  #attempt(statement: Extract<Statement, { kind: "try" }>, scope: Scope): void {
    const [body = [], ...others] = statement.blocks;
    this.#maybe(body, scope);
    for (const { type, name, body: handler } of statement.handlers) {
      if (type !== undefined) this.#rooms.expressions.value(type, scope);
      scope.conditional++;
      if (name !== undefined) this.#rooms.scopes.bind(name, this.#caught(), scope);
      scope.conditional--;
      this.#maybe(handler, scope);
    }
    for (const each of others) this.#maybe(each, scope);
  }

  #manage(statement: Extract<Statement, { kind: "with" }>, scope: Scope): void {
    const entered: Values[] = [];
    for (const [value, target] of statement.items) {
      const values = this.#rooms.expressions.value(value, scope);
      entered.push(values);
      let given: Values = [];
      for (const each of values) {
        if (each.kind === "instance") {
          given = this.#run.unite(
            given,
            this.#rooms.objects.special(each, ["__enter__", "__aenter__"]),
          );
          this.#rooms.objects.inherited(each, ["__enter__", "__aenter__"]);
        } else given = this.#run.unite(given, this.#managed(each));
      }
      if (target !== undefined) this.#rooms.targets.store(target, given, scope);
    }
    this.#maybe(statement.body, scope);
    for (const values of entered) {
      for (const each of values) {
        if (each.kind !== "instance") continue;
        const caught = this.#caught();
        this.#rooms.objects.special(each, ["__exit__", "__aexit__"], [caught, caught, caught]);
      }
    }
  }

  /** What a context manager that is not the module's own gives. */
  #managed(value: Value): Values {
    if (value.kind !== "outer") return value.kind === "container" ? itemsOf(value) : [value];
    return union([value], this.#rooms.calls.callCarried(value, NO_ARGUMENTS));
  }

  #match(statement: Extract<Statement, { kind: "match" }>, scope: Scope): void {
    const subject = this.#rooms.expressions.value(statement.subject, scope);
    // A pattern of a class reads attributes.
    this.#attributesOf(subject);
    const within = statement.cases.some(({ captures }) => captures.length > 0)
      ? this.#within(subject, statement)
      : subject;
    for (const { captures, guard, body } of statement.cases) {
      scope.conditional++;
      for (const { name, attribute, key } of captures) {
        // The part of the pattern that binds it may stand at any depth.
        const values = attribute !== undefined
          ? this.#rooms.attributes.attributes(within, attribute, statement)
          : key !== undefined
          ? this.#rooms.items.items(within, [constantOf(key)], statement)
          : union(within, [this.#rooms.heap.listOf(statement, "list", within)]);
        this.#rooms.scopes.bind(name, values, scope);
      }
      if (guard !== undefined) {
        this.#rooms.expressions.truth(this.#rooms.expressions.value(guard, scope));
      }
      this.block(body, scope);
      scope.conditional--;
    }
  }

  /** Values, and what they hold at any depth that patterns have. */
  #within(values: Values, site: object): Values {
    let all = values;
    for (let depth = 0, inner = values; depth < 5 && inner.length > 0; depth++) {
      const containers = inner.filter(({ kind }) => kind === "container");
      inner = union(
        this.#rooms.collections.elements(inner, site),
        union(this.#rooms.chains.valuesOf(containers), this.#attributesOf(inner)),
      );
      const more = union(all, inner);
      if (more === all) break;
      all = more;
    }
    return this.#run.limited(all);
  }

  /** What a pattern of a class may read: attributes of objects, and what their properties give. */
  #attributesOf(values: Values): Values {
    let all: Values = [];
    for (const each of values) {
      if (each.kind !== "instance") continue;
      all = this.#run.unite(all, this.#rooms.heap.allOf(each.attributes));
      for (const member of this.#rooms.heap.allOf(each.of.members)) {
        const made = member.kind === "property"
          ? this.#rooms.calls.callAll(member.get, { ...NO_ARGUMENTS, positions: [[each]] })
          : [member];
        all = this.#run.unite(all, made);
      }
    }
    return all;
  }

  giveBack(values: Values, scope: Scope): void {
    const { code } = scope;
    if (code === undefined) return;
    const all = this.#run.join(code.returns, known(values));
    if (all === code.returns) return;
    code.returns = all;
    this.#run.returned++;
    this.#run.changed();
  }

  #remove(target: Expression, scope: Scope): void {
    if (target.kind === "tuple" || target.kind === "list") {
      for (const each of target.items) this.#remove(each, scope);
      return;
    }
    if (target.kind === "name") this.#rooms.scopes.forget(target.id, scope);
    if (target.kind !== "chain") return;
    const last = target.steps.at(-1);
    const owner = this.#rooms.chains.chain({ ...target, steps: target.steps.slice(0, -1) }, scope);
    const index = last?.kind === "item" ? this.#rooms.expressions.value(last.index, scope) : [];
    for (const each of owner) {
      if (each.kind === "container") this.#rooms.heap.loosen(each);
      if (last?.kind === "attribute") this.#rooms.targets.removeAttribute(each, last.id);
      else if (each.kind === "instance") {
        this.#rooms.objects.special(each, ["__delitem__"], [index]);
      }
    }
  }
}

/** True for a class, and for those that inherit from it. */
function isKindOf(of: Class, base: Class): boolean {
  const seen = new Set<Class>([of]);
  for (const each of seen) {
    if (each === base) return true;
    for (const one of each.bases) if (one.kind === "class") seen.add(one);
  }
  return false;
}
