/**
 * Code that stands in texts: the module itself, and what `exec` and `eval` are given.
 *
 * @module
 */

import { Grammar } from "./grammar.ts";
import { Tokens } from "./lexer.ts";

import type { CodeTextsRoom, Rooms } from "./rooms.ts";
import type { Run } from "./run.ts";
import { documentation, type Statement } from "./syntax.ts";
import {
  constantOf,
  type Container,
  NO_ARGUMENTS,
  Scope,
  type Space,
  type Value,
  type Values,
} from "./values.ts";

/** Strings of code within each other. The deepest in use is 1. CWE-674. */
const CODE_DEPTH = 8;

/** Steps that reading a text of code costs besides its length. CWE-400. */
const TEXT_STEPS = 60;

/** Code that stands in texts: the module itself, and what `exec` and `eval` are given. */
export class CodeTexts implements CodeTextsRoom {
  readonly #rooms: Rooms;
  readonly #run: Run;
  readonly #texts = new Map<string, readonly Statement[]>();

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
    this.#run = rooms.run;
  }

  /** Reads and runs source in a scope. */
  source(text: string, scope: Scope): Values {
    const tokens = new Tokens(text, this.#run.deadline);
    if (tokens.cut) {
      this.#run.cut ??= "it has more words, or deeper formatted strings, than are read";
    }
    if (tokens.error !== undefined) this.#run.reading.error ??= tokens.error;
    const grammar = new Grammar(tokens, this.#run.reading, this.#run.step1);
    let last: Values = [];
    let isFirst = scope === this.#run.module && this.#run.codeDepth === 0;
    while (!grammar.isDone()) {
      for (const statement of grammar.next()) {
        const text = isFirst ? documentation([statement]) : undefined;
        isFirst = false;
        if (text !== undefined) {
          this.#rooms.scopes.setIn(scope, "__doc__", [constantOf(text)], true);
        }
        last = this.#rooms.functions.settled(() => this.#rooms.statements.run(statement, scope));
        if (this.#ends(statement, scope)) return last;
      }
    }
    return last;
  }

  /**
   * True for a statement of the module itself that certainly ends its import: `raise`, and an assertion
   * that is false, as in a program that refuses to be imported. Python's `-O` leaves assertions out.
   */
  #ends(statement: Statement, scope: Scope): boolean {
    if (scope !== this.#run.module || this.#run.codeDepth > 0) return false;
    if (statement.kind === "raise") return true;
    const [test] = statement.kind === "assert" ? statement.values : [];
    if (test === undefined) return false;
    return this.#rooms.expressions.truth(this.#rooms.expressions.value(test, scope)) === false;
  }

  /** Reads code that is given as text. */
  exec(
    values: Values,
    span: { readonly at: number; readonly end: number },
    scope: Scope,
    path = "builtins.exec",
  ): Values {
    let all: Values = [];
    let computed = values.length === 0;
    for (const each of values) {
      if (each.kind !== "constant" || typeof each.value !== "string") {
        if (each.kind === "function") {
          all = this.#run.unite(all, this.#rooms.calls.call(each, NO_ARGUMENTS));
        } else if (each.kind !== "constant" || each.value === undefined) computed = true;
        continue;
      }
      if (each.hidden || this.#run.codeDepth >= CODE_DEPTH) {
        this.#rooms.records.note(path, true, { ...span, site: each }, {
          ...NO_ARGUMENTS,
          positions: [[each]],
        });
      }
      if (this.#run.codeDepth >= CODE_DEPTH) {
        this.#run.cut ??= "code stands in code too deeply";
        continue;
      }
      const [origin, conditional] = [this.#run.origin, this.#run.looping];
      this.#run.origin ??= { at: span.at, end: span.end };
      this.#run.codeDepth++;
      scope.conditional++;
      try {
        const error = this.#run.reading.error;
        all = this.#run.unite(
          all,
          this.#inner(each, path === "builtins.eval" ? each.value.trimStart() : each.value, scope),
        );
        // Text that is no Python is refused where it is run.
        this.#run.reading.error = error;
      } finally {
        scope.conditional--;
        this.#run.codeDepth--;
        this.#run.origin = origin;
        this.#run.looping = conditional;
      }
    }
    if (computed) {
      this.#rooms.records.note(path, true, { ...span, site: values }, {
        ...NO_ARGUMENTS,
        positions: [values],
      });
    }
    return all;
  }

  /** Runs a text of code; one that was read is not split again where a loop runs it again. */
  #inner(at: Value, text: string, scope: Scope): Values {
    this.#run.step(TEXT_STEPS + (text.length >> 2));
    const known = this.#texts.get(text);
    if (known !== undefined) {
      let last: Values = [];
      for (const each of known) last = this.#rooms.statements.run(each, scope);
      return last;
    }
    if (text.length > 65_536 || at.kind !== "constant") return this.source(text, scope);
    const tokens = new Tokens(text, this.#run.deadline);
    if (tokens.cut) {
      this.#run.cut ??= "it has more words, or deeper formatted strings, than are read";
    }
    const grammar = new Grammar(tokens, this.#run.reading, this.#run.step1);
    const statements: Statement[] = [];
    while (!grammar.isDone()) for (const each of grammar.next()) statements.push(each);
    if (this.#texts.size < 256) this.#texts.set(text, statements);
    let last: Values = [];
    for (const each of statements) last = this.#rooms.statements.run(each, scope);
    return last;
  }

  /** The scope that code is run in which is given mappings of names. */
  namespace(names: Values, scope: Scope, site: object): Scope {
    const [only] = names;
    if (only === undefined) return scope;
    if (only.kind === "space" && only.of instanceof Scope) return only.of;
    const inner = this.#rooms.heap.site<Space>(site, "namespace scope", () => ({
      ...{ kind: "space", of: new Scope("module") },
    })).of as Scope;
    for (const each of names) {
      if (each.kind === "container") {
        inner.also ??= each.items;
        this.#run.step(each.items.size >> 2);
        for (const [key, values] of each.items) this.#rooms.scopes.setIn(inner, key, values, false);
      } else if (each.kind === "space" && each.of instanceof Scope) {
        this.#run.step(each.of.names.size >> 2);
        for (const [key, values] of each.of.names) {
          this.#rooms.scopes.setIn(inner, key, values, false);
        }
      } else if (each.kind === "space" && !(each.of instanceof Scope) && each.of.kind !== "outer") {
        const all = each.of.kind === "class" ? each.of.members : each.of.attributes;
        inner.also ??= all;
        this.#run.step(all.size >> 2);
        for (const [key, values] of all) this.#rooms.scopes.setIn(inner, key, values, false);
      }
    }
    return inner;
  }

  export(scope: Scope, to: Container | Space): void {
    this.#run.step(scope.names.size >> 2);
    if (to.kind === "container") {
      for (const [key, values] of scope.names) this.#rooms.heap.addItem(to, key, values);
      return;
    }
    const { of } = to;
    if (of instanceof Scope || of.kind === "outer") return;
    const all = of.kind === "class" ? of.members : of.attributes;
    for (const [key, values] of scope.names) this.#rooms.heap.addTo(all, key, values);
  }
}
