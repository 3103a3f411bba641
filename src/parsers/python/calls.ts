/**
 * Calls of any value, and of functions that are handed to something which calls them.
 *
 * @module
 */

import { isListedStandardModule } from "./names.ts";
import { HANDED_ALL, HANDED_METHODS, INERT_BASE } from "./objects.ts";
import type { CallSite, CallsRoom, Rooms } from "./rooms.ts";
import type { Run } from "./run.ts";
import { isCarried, isCritical, isForgetful, RISKY, runsArguments, STARTED } from "./sinks.ts";
import {
  type Arguments,
  type Instance,
  itemsOf,
  NO_ARGUMENTS,
  type Outer,
  union,
  UNKNOWN_CONSTANT,
  type Value,
  type Values,
} from "./values.ts";

/** Calls of one value within each other, other than of functions. The deepest in use have 2. CWE-674. */
const ACTIVE = 2;
/** How deep arguments are searched for what runs code. CWE-674. */
const ESCAPE_DEPTH = 3;
/** Values that a function which is handed over may be given. CWE-834. */
const OTHERS = 64;
const CALLED_THROUGH =
  /^(?:functools|operator|itertools|contextlib|copy|types|collections|weakref|builtins)\./u;

/** What is kept for whoever parses arguments, and what parses them. */
const SETS_DEFAULTS = /^argparse\.(?:\w+\.)*set_defaults$/u;
const PARSES = /\.(?:parse_(?:known_|intermixed_|known_intermixed_)?args|get_default|<computed>)$/u;

/** An argument of which nothing is known, beside others. */
const UNKNOWN: Values = [UNKNOWN_CONSTANT];

/** Calls of any value, and of functions that are handed to something which calls them. */
export class Calls implements CallsRoom {
  readonly #rooms: Rooms;
  readonly #run: Run;
  /** How often each value is being called by the function that is read, which begins with none. */
  #active: Map<Value, number> | undefined;
  /** Calls of what was handed over, within one another. */
  #handing = 0;
  /** What parsers of arguments give whoever parses some, and whether something does. */
  readonly #parsed: (() => void)[] = [];
  #parses = false;
  /** A call of something that is not known. */
  #blind: CallSite | undefined;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
    this.#run = rooms.run;
  }

  callAll(values: Values, given: Arguments, site?: CallSite, decorates = false): Values {
    let all: Values = [];
    if (values.length === 0 || values.includes(UNKNOWN_CONSTANT)) {
      this.#blind ??= site;
      for (const each of setsOf(given)) if (each.length > 0) this.escape(each);
    }
    for (const each of values) {
      all = this.#run.unite(all, this.call(each, given, site, decorates));
    }
    return this.#run.limited(all);
  }

  callEscaped(): void {
    const site = this.#blind;
    if (site === undefined) return;
    for (const each of this.#run.escaped) {
      if (each.kind !== "outer") continue;
      this.#rooms.records.note(each.path, true, site, NO_ARGUMENTS);
    }
  }

  escape(values: Values): void {
    const all: Value[] = [];
    const seen = new Set<Value>();
    const look = (each: Value, depth: number): void => {
      if (seen.has(each)) return;
      seen.add(each);
      if (each.kind === "outer" && !each.called && isCritical(each.path)) all.push(each);
      if (depth > ESCAPE_DEPTH) return;
      if (each.kind === "outer") { for (const one of each.carries) look(one, depth + 1); }
      else if (each.kind === "container") { for (const one of itemsOf(each)) look(one, depth + 1); }
      else if (each.kind === "partial") { for (const one of each.target) look(one, depth + 1); }
    };
    for (const each of values) look(each, 0);
    this.#run.step(seen.size >> 3);
    if (all.length > 0) this.#run.add("escaped", all);
  }

  call(value: Value, given: Arguments, site?: CallSite, decorates = false): Values {
    this.#run.step(2);
    const before = this.#active;
    if (value.kind === "function") {
      this.#active = undefined;
      try {
        return this.#rooms.functions.callFunction(value, given);
      } finally {
        this.#active = before;
      }
    }
    // What is called within its own call, by no function of the module, gives nothing new.
    const calls = this.#active ??= new Map<Value, number>();
    const active = calls.get(value) ?? 0;
    if (active >= ACTIVE) return [];
    calls.set(value, active + 1);
    try {
      return this.#callOne(value, given, site, decorates);
    } finally {
      if (active === 0) calls.delete(value);
      else calls.set(value, active);
    }
  }

  #callOne(value: Value, given: Arguments, site?: CallSite, decorates = false): Values {
    switch (value.kind) {
      case "function":
        return this.#rooms.functions.callFunction(value, given);
      case "bound":
        if (value.self.kind === "constant" && value.target.kind !== "outer") {
          return this.call(value.target, given, site);
        }
        return this.#callBound(value.target, value.self, given, site);
      case "class":
        return this.#rooms.objects.make(value, given, site);
      case "instance":
        return this.#callInstance(value, given);
      case "partial": {
        const [self = [], ...others] = given.positions;
        const positions = value.isMethod === true
          ? [self, ...value.first, ...others]
          : [...value.first, ...given.positions];
        const named = new Map([...value.named, ...given.named]);
        return this.callAll(value.target, { positions, named, rest: given.rest }, site);
      }
      case "method":
        return this.#rooms.methods.callMethod(value.self, value.name, given, site);
      case "outer":
        return this.#callOuter(value, given, site, decorates);
      case "property":
      case "constant":
      case "container":
      case "space":
        return [];
    }
  }

  #callInstance(value: Instance, given: Arguments): Values {
    let all: Values = [];
    for (const each of this.#rooms.classes.member(value.of, "__call__")) {
      const isPlain = each.kind === "function" || each.kind === "partial";
      const positions = isPlain ? [[value] as Values, ...given.positions] : given.positions;
      all = this.#run.unite(all, this.call(each, { ...given, positions }));
    }
    if (all.length > 0 || this.#rooms.classes.member(value.of, "__call__").length > 0) return all;
    // What a class of another module calls of its subclass: `forward`, `main`.
    if (this.#rooms.classes.outerBases(value.of).some(({ path }) => !INERT_BASE.test(path))) {
      this.#rooms.objects.deferOwn(value.of, HANDED_ALL);
    }
    return all;
  }

  #callBound(target: Value, self: Value, given: Arguments, site?: CallSite): Values {
    if (target.kind === "outer" && self.kind === "instance") {
      return this.#callInherited(target, self, given, site);
    }
    return this.call(target, { ...given, positions: [[self], ...given.positions] }, site);
  }

  /** A method that a class of another module gives an object of this one's. */
  #callInherited(target: Outer, self: Instance, given: Arguments, site?: CallSite): Values {
    const result = this.#callOuter(target, given, site);
    const name = target.path.slice(target.path.lastIndexOf(".") + 1);
    if (/^__\w+__$/u.test(name)) return result;
    if (name === "start") {
      if (this.#rooms.classes.outerBases(self.of).some(({ path }) => STARTED.test(path))) {
        for (const each of this.#rooms.classes.member(self.of, "run")) {
          this.#rooms.functions.defer(this.#rooms.objects.pairOf(each, self), []);
        }
      }
      return result;
    }
    this.#rooms.objects.deferOwn(self.of, HANDED_ALL);
    const kept = self.attributes.get("<items>") ?? [];
    for (const each of [...given.positions, ...given.named.values()]) {
      const carried = each.filter((one) => isCarried(one));
      if (carried.length > 0) this.#rooms.heap.addTo(self.attributes, "<items>", carried);
    }
    return union(result, kept);
  }

  /** Calls something of another module. */
  #callOuter(value: Outer, given: Arguments, site?: CallSite, decorates = false): Values {
    const { path, called, carries } = value;
    if (!isListedStandardModule(path.slice(0, Math.max(0, path.indexOf("."))))) {
      this.#run.reach(path);
    }
    if (called && carries.length > 0) {
      const inner = this.callCarried(value, given, site);
      this.#rooms.records.note(path, true, site, given, [value]);
      this.#rooms.runningModels.model({ path, name: path, given, site, value });
      const isStandard = isListedStandardModule(path.split(".")[0] ?? "");
      this.#hand(path, given, isStandard, site, decorates);
      const all = this.carried(given);
      const kept = union(carries, all);
      // A method keeps what it is given: the object may use it later.
      return union(inner, [
        this.#rooms.heap.outer(path, true, site?.site ?? value, kept, value.base),
      ]);
    }
    const model = this.#rooms.models.model(path, given, site, value);
    if (model !== undefined) return model;
    this.#handedOut(given);
    if (!isForgetful(path)) { for (const each of setsOf(given)) this.escape(each); }
    this.#rooms.records.note(path, true, site, given, [value]);
    const at = site?.site ?? value;
    const standard = isListedStandardModule(path.split(".")[0] ?? "");
    this.#hand(path, given, standard, site, decorates);
    const kept = this.carried(given);
    return [this.#rooms.heap.outer(path, true, at, kept, called ? value.base : path)];
  }

  /** What a function that nothing can see into is given it may change. */
  #handedOut(given: Arguments): void {
    for (const values of [...given.positions, ...given.named.values(), given.rest]) {
      for (const each of values) {
        if (each.kind === "container") this.#rooms.heap.loosen(each);
        else if (each.kind === "space" && each.of === this.#run.module) {
          this.#rooms.scopes.overlaid(undefined);
        }
      }
    }
  }

  /** What is carried by what is called may be called by it. */
  callCarried(value: Outer, given: Arguments, site?: CallSite): Values {
    const { path, carries } = value;
    const through = CALLED_THROUGH.test(path);
    const standard = through || isListedStandardModule(path.split(".")[0] ?? "");
    const inner = { ...given, rest: union(given.rest, [UNKNOWN_CONSTANT]) };
    let all: Values = [];
    for (const each of carries) {
      switch (each.kind) {
        case "function":
        case "bound":
        case "partial":
          all = this.#run.unite(all, this.call(each, inner, site));
          break;
        case "class":
          if (through) all = this.#run.unite(all, this.call(each, inner, site));
          break;
        case "outer":
          if (/\.[A-Z][A-Z0-9_]*$/u.test(each.path)) break;
          if (
            standard && !each.called && each.path.includes(".") &&
            (through || RISKY.test(each.path))
          ) {
            all = this.#run.unite(all, this.call(each, inner, site));
          }
      }
    }
    return all;
  }

  carried(given: Arguments): Values {
    let all: Values = [];
    for (const each of [...given.positions, ...given.named.values(), given.rest]) {
      all = this.#run.unite(all, each.filter((one) => isCarried(one)));
    }
    return all;
  }

  parse(): void {
    if (this.#parses) return;
    this.#parses = true;
    for (const each of this.#parsed) each();
  }

  /** Runs functions that are handed to something which calls them. */
  #hand(
    path: string,
    given: Arguments,
    standard: boolean,
    site: CallSite | undefined,
    decorates: boolean,
  ): void {
    if (SETS_DEFAULTS.test(path) && !this.#parses) {
      this.#parsed.push(() => this.#hand(path, given, standard, site, decorates));
      return;
    }
    if (PARSES.test(path)) this.parse();
    const runs = runsArguments(path, standard);
    const all = new Set<Value>();
    const gather = (values: Values, depth: number): void => {
      for (const each of values) {
        if (all.has(each)) continue;
        all.add(each);
        if (each.kind !== "container" || depth > 2) continue;
        // Constants among them are few, whatever their number is.
        gather(itemsOf(each), depth + 1);
      }
    };
    for (const set of setsOf(given)) gather(set, 0);
    this.#run.step(all.size >> 1);
    const others = [...all].slice(0, OTHERS);
    for (const each of all) this.#handOne(each, { runs, standard, decorates }, others, site);
  }

  #handOne(
    each: Value,
    how: { readonly runs: boolean; readonly standard: boolean; readonly decorates: boolean },
    others: Values,
    site: CallSite | undefined,
  ): void {
    switch (each.kind) {
      case "function":
      case "bound":
      case "partial":
        // It may be given anything besides.
        if (how.runs) {
          const given = this.#without(others, each);
          this.#rooms.functions.defer(each, given.length === 0 ? given : union(given, UNKNOWN));
        }
        return;
      case "outer":
        if (each.called || !each.sensitive || !each.path.includes(".")) return;
        // Constants of a module are not called.
        if (/\.[A-Z][A-Z0-9_]*$/u.test(each.path)) return;
        if (how.runs) this.#handOuter(each, this.#without(others, each), site);
        else this.#rooms.records.note(each.path, false, site, NO_ARGUMENTS);
        return;
      case "instance":
        if (how.standard) this.#rooms.objects.deferOwn(each.of, HANDED_METHODS);
        if (how.runs) this.#rooms.objects.deferOwn(each.of, HANDED_ALL);
        if (how.runs && this.#rooms.classes.member(each.of, "__call__").length > 0) {
          this.#rooms.functions.defer(each, []);
        }
        return;
      case "class":
        if (!how.runs || how.decorates) return;
        if (this.#rooms.objects.hasConstructor(each)) this.#rooms.functions.defer(each, []);
        if (how.standard) this.#rooms.objects.deferOwn(each, HANDED_ALL);
    }
  }

  #without(values: Values, self: Value): Values {
    this.#run.step(values.length >> 3);
    return values.filter((each) => each !== self);
  }

  /**
   * Something of another module that is called because it was handed over. What it hands on in turn is only
   * noted as called: tables of functions that are handed to one another would be gone through without end.
   */
  #handOuter(value: Outer, rest: Values, site: CallSite | undefined): void {
    if (this.#handing > 0) {
      this.#rooms.records.note(value.path, true, site, NO_ARGUMENTS);
      return;
    }
    this.#handing++;
    try {
      this.call(value, { ...NO_ARGUMENTS, rest }, site);
    } finally {
      this.#handing--;
    }
  }
}

/** Everything that a call is given. */
function setsOf(given: Arguments): readonly Values[] {
  return [...given.positions, ...given.named.values(), given.rest];
}
