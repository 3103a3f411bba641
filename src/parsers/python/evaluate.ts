/**
 * Runs Python source on abstract values: what a module calls while it is imported, directly or
 * indirectly. The code is interpreted abstractly, never executed.
 *
 * Each place of the source that makes a value makes one abstract value; names hold sets of them.
 * Branches are all taken, loops and functions are read again until they give nothing new, and
 * functions only when something calls them.
 *
 * @module
 */

import { Attributes } from "./attributes.ts";
import { Calls } from "./calls.ts";
import { Classes } from "./classes.ts";
import { CodeTexts } from "./code_texts.ts";
import { Functions } from "./functions.ts";
import type { Reading } from "./grammar_cursor.ts";
import { Heap } from "./heap.ts";
import { Items } from "./items.ts";
import { Methods } from "./methods.ts";
import { Models } from "./models.ts";
import { FunctionalModels } from "./models_functional.ts";
import { IterationModels } from "./models_iteration.ts";
import { RunningModels } from "./models_running.ts";
import { ReflectionModels } from "./models_reflection.ts";
import { TextModels } from "./models_text.ts";
import { Objects } from "./objects.ts";
import { Records } from "./records.ts";
import type { Call, Rooms } from "./rooms.ts";
import { ROUNDS, Run, type Runs, STEPS, STEPS_PER_CHARACTER, Stopped } from "./run.ts";
import { Chains } from "./run_chains.ts";
import { Collections } from "./run_collections.ts";
import { Expressions } from "./run_expressions.ts";
import { Imports } from "./run_imports.ts";
import { Statements } from "./run_statements.ts";
import { Targets } from "./run_targets.ts";
import { Scopes } from "./scopes.ts";
import { mentionsSinks } from "./sink_names.ts";
import {
  type Arguments,
  type Class,
  constantOf,
  NO_ARGUMENTS,
  union,
  UNKNOWN_CONSTANT,
  unknownArguments,
  type Values,
} from "./values.ts";

const MODULE_HOOKS = ["__getattr__", "__dir__"];

/** What a source runs. */
interface Evaluated {
  readonly calls: readonly Call[];
  /** What the functions of `Runs` call besides. */
  readonly later: readonly Call[];
  /** Modules beside this one that it imports: `.a.b` is `a/b`. */
  readonly relative: ReadonlySet<string>;
  readonly error: Reading["error"];
  /** Why not all of it was seen; undefined when it was. */
  readonly cut: string | undefined;
  /** What it calls of modules that are none of the standard library. */
  readonly reaches: readonly string[];
  /** What it cost. */
  readonly steps: number;
}

/**
 * Runs a module's source, or an expression, on abstract values.
 *
 * @param checkDeadline called every few thousand steps; what it throws ends the evaluation
 */
export function evaluate(text: string, checkDeadline: () => void, runs: Runs = {}): Evaluated {
  return new Evaluator(checkDeadline, runs).module(text);
}

class Evaluator {
  readonly #rooms: Rooms;
  readonly #run: Run;

  constructor(deadline: () => void, runs: Runs) {
    this.#run = new Run(deadline, runs);
    this.#rooms = roomsOf(this.#run);
  }

  module(text: string): Evaluated {
    let later: readonly Call[] = [];
    let calls: readonly Call[] = [];
    this.#run.text = text;
    this.#run.most = STEPS + text.length * STEPS_PER_CHARACTER;
    try {
      this.#rooms.texts.source(text, this.#run.module);
      this.#finish();
      calls = this.#rooms.records.reported();
      later = this.#afterwards(calls);
    } catch (error) {
      if (error instanceof RangeError) this.#run.cut ??= "it is nested too deeply";
      else if (!(error instanceof Stopped)) throw error;
      calls = this.#rooms.records.reported();
    }
    if (this.#run.reading.tooDeep) this.#run.cut ??= "it is nested too deeply";
    if (this.#run.reading.tooLong) this.#run.cut ??= "a statement of it is longer than is read";
    // What nothing names can be reached on no way.
    if (
      this.#run.cut !== undefined && !this.#run.reading.tooDeep &&
      !mentionsSinks(text, this.#run.deadline)
    ) {
      this.#run.cut = undefined;
    }
    const { error } = this.#run.reading;
    return {
      calls,
      later,
      relative: this.#run.relative,
      error,
      cut: this.#run.cut,
      reaches: [...this.#run.reaches],
      steps: this.#run.steps,
    };
  }

  /** What runs at the end of the import, or at any time after it. */
  #finish(): void {
    for (const name of MODULE_HOOKS) {
      const hook = this.#run.module.names.get(name);
      if (hook !== undefined) {
        this.#rooms.functions.settled(() => this.#rooms.calls.callAll(hook, unknownArguments(1)));
      }
    }
    this.#run.late = true;
    for (let round = 0; round < ROUNDS; round++) {
      const before = this.#run.changes + this.#rooms.functions.deferred.size;
      for (const [value, given] of this.#rooms.functions.deferred) {
        this.#rooms.functions.settled(() =>
          this.#rooms.calls.call(value, { positions: [], named: new Map(), rest: given })
        );
      }
      if (this.#run.changes + this.#rooms.functions.deferred.size === before) break;
    }
    this.#rooms.calls.callEscaped();
    this.#run.late = false;
  }

  /** Runs what the loader calls once the module is imported. */
  #afterwards(before: readonly Call[]): readonly Call[] {
    const { functions, classes, called = [] } = this.#run.runs;
    if (functions === undefined && classes === undefined && called.length === 0) return [];
    this.#rooms.records.calls = new Map();
    this.#run.late = true;
    const all = (name: string, values: Values): void => {
      for (const each of values) {
        if (each.kind === "class") {
          if (classes?.(each.name)) {
            this.#rooms.functions.settled(() => this.#rooms.calls.call(each, NO_ARGUMENTS));
          }
          for (const [method, codes] of each.members) {
            if (functions?.(`${each.name}.${method}`)) {
              this.#rooms.functions.settled(() =>
                this.#rooms.calls.callAll(codes, this.#selfOf(each))
              );
            }
          }
        } else if (each.kind === "function" && functions?.(name)) {
          this.#rooms.functions.settled(() => this.#rooms.calls.call(each, NO_ARGUMENTS));
        }
      }
    };
    if (functions !== undefined || classes !== undefined) {
      for (const [name, values] of [...this.#run.module.names]) all(name, values);
    }
    for (const each of called) {
      this.#rooms.functions.settled(() =>
        this.#rooms.calls.callAll(this.#named(each), { ...NO_ARGUMENTS, rest: [UNKNOWN_CONSTANT] })
      );
    }
    this.#finish();
    const known = new Set(before.map(({ path, at }) => `${path}\n${at}`));
    return this.#rooms.records.reported().filter(({ path, at }) => !known.has(`${path}\n${at}`));
  }

  /** What a dotted name that another module calls stands for: of a class, also what its objects have. */
  #named(dotted: string): Values {
    const { module } = this.#run;
    const [first = "", ...others] = dotted.split(".");
    let values = module.ever.get(first) ?? module.names.get(first) ?? [];
    if (values.length === 0) {
      // All names of another module may be this one's.
      values = this.#rooms.scopes.lookup(first, module);
      const hook = module.names.get("__getattr__") ?? [];
      const given = this.#rooms.calls.callAll(hook, {
        ...NO_ARGUMENTS,
        positions: [[constantOf(first)]],
      });
      values = union(values, given);
    }
    for (const part of others) {
      // What a class inherits from another module's is that module's.
      const { classes } = this.#rooms;
      const owners = values.flatMap((each): Values => {
        const of = each.kind === "class" ? each : each.kind === "instance" ? each.of : undefined;
        if (of === undefined) return [each];
        return classes.member(of, part).length > 0 || of.instance.attributes.has(part)
          ? [of, of.instance]
          : [];
      });
      values = this.#rooms.attributes.attributes(owners, part, this);
    }
    return values;
  }

  #selfOf(of: Class): Arguments {
    return { positions: [[of.instance]], named: new Map(), rest: [] };
  }
}

/** Composes the rooms, which find each other through one table. */
function roomsOf(run: Run): Rooms {
  const rooms = { run } as { -readonly [Room in keyof Rooms]: Rooms[Room] };
  rooms.heap = new Heap(rooms);
  rooms.scopes = new Scopes(rooms);
  rooms.imports = new Imports(rooms);
  rooms.statements = new Statements(rooms);
  rooms.targets = new Targets(rooms);
  rooms.expressions = new Expressions(rooms);
  rooms.chains = new Chains(rooms);
  rooms.collections = new Collections(rooms);
  rooms.attributes = new Attributes(rooms);
  rooms.items = new Items(rooms);
  rooms.classes = new Classes(rooms);
  rooms.objects = new Objects(rooms);
  rooms.functions = new Functions(rooms);
  rooms.calls = new Calls(rooms);
  rooms.methods = new Methods(rooms);
  rooms.models = new Models(rooms);
  rooms.reflectionModels = new ReflectionModels(rooms);
  rooms.runningModels = new RunningModels(rooms);
  rooms.functionalModels = new FunctionalModels(rooms);
  rooms.iterationModels = new IterationModels(rooms);
  rooms.textModels = new TextModels(rooms);
  rooms.records = new Records(rooms);
  rooms.texts = new CodeTexts(rooms);
  return rooms;
}
