/**
 * Functions of the module: read when something calls them, and again until they give nothing new.
 *
 * @module
 */

import { Grammar } from "./grammar.ts";
import type { FunctionsRoom, Rooms } from "./rooms.ts";
import { ROUNDS, type Run } from "./run.ts";
import { documentation, type FunctionNode, type Statement } from "./syntax.ts";
import {
  type Arguments,
  type Code,
  constantOf,
  type Container,
  containerOf,
  known,
  Scope,
  union,
  type Value,
  type Values,
} from "./values.ts";

/**
 * Functions of the module within each other. Deeper ones are read later. The deepest in use is 22. CWE-674.
 */
const CALL_DEPTH = 40;

/** Functions of the module: read when something calls them, and again until they give nothing new. */
export class Functions implements FunctionsRoom {
  readonly #rooms: Rooms;
  readonly #run: Run;
  readonly #bodies = new WeakMap<FunctionNode, readonly Statement[]>();
  readonly deferred = new Map<Value, Values>();
  /** Functions to be read again before what runs now is at its end, and those read for it. */
  readonly #pending = new Set<Code>();
  readonly #entered = new Set<Code>();
  readonly #generators = new Set<Code>();
  /** Of the deferred ones those that did not run yet. */
  readonly #fresh: Value[] = [];
  #settling = false;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
    this.#run = rooms.run;
  }

  defineFunction(node: FunctionNode, scope: Scope): Code {
    let defaults: Map<string, Values> | undefined;
    for (const { name, value, annotation } of node.parameters) {
      if (value !== undefined) {
        defaults ??= new Map();
        defaults.set(name, this.#rooms.expressions.value(value, scope));
      }
      if (annotation !== undefined) this.#rooms.expressions.value(annotation, scope);
    }
    if (node.returns !== undefined) this.#rooms.expressions.value(node.returns, scope);
    for (let each: Scope | undefined = scope; each !== undefined; each = each.parent) {
      each.captured = true;
    }
    const code = this.#rooms.heap.site<Code>(node, "function", () => {
      this.#run.made(1);
      const own = new Scope("function", scope);
      const made: Code = {
        ...{ kind: "function", node, scope: own, defaults: undefined, attributes: undefined },
        ...{ origin: this.#run.origin, owner: scope.kind === "class" ? scope.owner : undefined },
        ...{ returns: [], running: false, version: undefined },
      };
      own.code = made;
      return made;
    });
    if (defaults !== undefined) {
      code.defaults ??= new Map();
      for (const [name, values] of defaults) this.#rooms.heap.addTo(code.defaults, name, values);
    }
    return code;
  }

  callFunction(code: Code, given: Arguments): Values {
    this.#bindParameters(code, given);
    if (code.running) {
      if (code.version === undefined) this.#pending.add(code);
      return code.returns;
    }
    if (code.version === this.#run.version) return code.returns;
    if (this.#entered.has(code) || this.#run.callDepth >= CALL_DEPTH) {
      this.#pending.add(code);
      return code.returns;
    }
    return this.#enter(code);
  }

  /** Reads the body of a function, with what its parameters may be. */
  #enter(code: Code): Values {
    code.running = true;
    if (!code.scope.again) {
      this.#run.frames.push(code.scope);
      if (this.#run.looksAtFrames) this.#run.changed();
    }
    this.#entered.add(code);
    this.#run.callDepth++;
    const [origin, looping] = [this.#run.origin, this.#run.looping];
    this.#run.origin = code.origin;
    this.#run.looping = 0;
    code.version = this.#run.version;
    try {
      if (code.node.body !== undefined) {
        this.#rooms.statements.giveBack(
          this.#rooms.expressions.value(code.node.body, code.scope),
          code.scope,
        );
      } else this.#rooms.statements.block(this.#body(code.node), code.scope);
    } finally {
      code.running = false;
      code.scope.again = true;
      this.#run.callDepth--;
      this.#run.origin = origin;
      this.#run.looping = looping;
    }
    return code.returns;
  }

  /**
   * Runs something at the module's own level: functions are read once on the way, and again at its end
   * until they give nothing new.
   */
  settled(run: () => Values): Values {
    if (this.#run.callDepth > 0 || this.#settling) return run();
    this.#settling = true;
    try {
      for (let round = 0;; round++) {
        this.#entered.clear();
        const result = run();
        this.#runFresh();
        const returned = this.#run.returned;
        this.#settle();
        if (this.#run.returned === returned) return result;
        if (round >= ROUNDS) {
          this.#run.cut ??= "what its functions give is not understood";
          return result;
        }
      }
    } finally {
      this.#settling = false;
    }
  }

  /**
   * Functions that something was given which calls them, run once as soon as it may have; what they
   * change stands before the next statement. At the end of the module all of them run again.
   */
  #runFresh(): void {
    for (let each = this.#fresh.pop(); each !== undefined; each = this.#fresh.pop()) {
      const rest = this.deferred.get(each) ?? [];
      this.#rooms.calls.call(each, { positions: [], named: new Map(), rest });
    }
  }

  #settle(): void {
    for (let round = 0; this.#entered.size > 0 || this.#pending.size > 0; round++) {
      const stale = new Set(this.#pending);
      this.#pending.clear();
      for (const code of this.#entered) if (code.version !== this.#run.version) stale.add(code);
      if (stale.size === 0) return;
      if (round >= ROUNDS) {
        this.#run.cut ??= "a function of it is not understood";
        return;
      }
      for (const code of stale) if (code.version !== this.#run.version) this.#enter(code);
    }
  }

  /** The text that describes a function. */
  described({ node }: Code): Values {
    if (node.body !== undefined) return [];
    const text = documentation(this.#body(node));
    return text === undefined ? [] : [constantOf(text)];
  }

  #body(node: FunctionNode): readonly Statement[] {
    const known = this.#bodies.get(node);
    if (known !== undefined) return known;
    const { tokens, base, from, to, prefix } = node;
    const grammar = new Grammar(tokens, this.#run.reading, this.#run.step1, { from, base, prefix });
    const statements: Statement[] = [];
    while (!grammar.isDone(to)) for (const each of grammar.next(to)) statements.push(each);
    this.#bodies.set(node, statements);
    return statements;
  }

  #bindParameters(code: Code, given: Arguments): void {
    const { names } = code.scope;
    const { parameters } = code.node;
    let at = 0;
    const used = new Set<string>();
    for (const { name, stars } of parameters) {
      let values: Values;
      if (stars === 1) {
        const made = this.#rooms.heap.site<Container>(
          code.node,
          `*${name}`,
          () => containerOf("tuple"),
        );
        for (let index = 0; at < given.positions.length; at++, index++) {
          this.#rooms.heap.addItem(made, String(index), given.positions[at] ?? []);
        }
        this.#rooms.heap.addRest(made, given.rest);
        values = [made];
      } else if (stars === 2) {
        const made = this.#rooms.heap.site<Container>(
          code.node,
          `**${name}`,
          () => containerOf("dict"),
        );
        for (const [key, each] of given.named) {
          if (!used.has(key)) this.#rooms.heap.addItem(made, key, each);
        }
        this.#rooms.heap.addRest(made, given.rest);
        values = [made];
      } else {
        const named = given.named.get(name);
        const own = at < given.positions.length ? given.positions[at++] : undefined;
        // Behind `/` stands a name for a place and another one for `**`.
        if (own === undefined) used.add(name);
        const both = own === undefined ? named : union(own, named ?? []);
        values = union(both ?? this.#defaultOf(code, name), given.rest);
      }
      const old = names.get(name);
      const all = this.#run.join(old ?? [], known(values));
      if (all === old) continue;
      names.set(name, all);
      // Its parameters alone concern no other function.
      code.version = undefined;
      this.#run.changes++;
    }
  }

  /** What a parameter is that a call leaves out. */
  #defaultOf({ defaults, attributes }: Code, name: string): Values {
    let all = defaults?.get(name) ?? [];
    for (const each of attributes?.get("__kwdefaults__") ?? []) {
      if (each.kind === "container") {
        all = this.#run.unite(all, union(each.items.get(name) ?? [], each.rest));
      }
    }
    return all;
  }

  generates(scope: Scope): void {
    if (scope.code !== undefined) this.#generators.add(scope.code);
  }

  send(values: Values): void {
    this.#run.add("sent", values);
    for (const each of this.#generators) this.defer(each, []);
  }

  defer(value: Value, given: Values): void {
    const old = this.deferred.get(value);
    const all = this.#run.join(old ?? [], given);
    if (all === old && old !== undefined) return;
    this.deferred.set(value, all);
    if (this.#fresh.length < this.deferred.size * 4) this.#fresh.push(value);
  }
}
