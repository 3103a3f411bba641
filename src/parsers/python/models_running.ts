/**
 * Functions that run what texts say: code for debuggers and timers, dotted names of callables in
 * configurations, tests of the module, source that is written to be imported.
 *
 * @module
 */

import { isListedStandardModule } from "./names.ts";
import { HANDED_ALL } from "./objects.ts";
import { shortest } from "./paths.ts";
import type { ModelCall, Rooms, RunningModelsRoom } from "./rooms.ts";
import type { Run } from "./run.ts";
import { mentionsSinks } from "./sink_names.ts";
import { REACHING } from "./sinks.ts";
import {
  type Class,
  NO_ARGUMENTS,
  type Partial,
  Scope,
  textsOf,
  union,
  type Value,
  type Values,
} from "./values.ts";

/** What runs the texts that it is given as statements. */
const RUNS_TEXTS =
  /^(?:timeit\.(?:timeit|repeat|Timer|default_timer|main)|(?:cProfile|profile)\.(?:Profile\.)?(?:run|runctx)|trace\.Trace\.(?:run|runctx)|(?:bdb\.Bdb|pdb\.Pdb|pdb)\.(?:run|runeval|runctx|run_statement|runcall)|code\.Interactive(?:Interpreter|Console)\.(?:runsource|push|runcode)|idlelib\.run\.\w+)$/u;

/** Functions of any library that give what a dotted name stands for. */
const RESOLVES =
  /(?:^|\.)(?:import_string|import_item|import_object|import_attr|import_name|import_dotted\w*|import_from_string|import_class|import_callable|symbol_by_name|resolve_name|resolve_dotted\w*|resolve_obj\w*|load_object|load_class|load_symbol|locate|locate_object|get_class_from_string|get_method|get_obj_by_name|get_object|string_to_class|maybe_import\w*|lazy_import|safe_import|try_import|dynamic_import|named_object|namedAny)$/u;

/** Classes of tests, and what runs all of them that a module has. */
const TEST_CLASS = /(?:^|\.)(?:\w*TestCase|unittest\.\w+)$/u;
const RUNS_TESTS =
  /^(?:unittest\.(?:main|TestProgram|main\.TestProgram)|(?:unittest\.(?:\w+\.)*)?(?:defaultTestLoader|TestLoader)\.(?:loadTestsFrom(?:Module|Name|Names|TestCase)|discover)|pytest\.(?:main|console_main)|nose\.(?:main|run|runmodule))$/u;
const TEST_NAME = /^(?:test|Test|setUp|tearDown|setup_|teardown_|load_tests)/u;

/** What writes a text to a file. */
const WRITES_TEXT = /(?:^|\.)(?:write|writelines|write_text|write_bytes|writestr)$/u;
/** Characters of a text that is written which is read as source. The largest of setup scripts have 2,000. CWE-400. */
const WRITTEN_CHARACTERS = 65_536;
const SOURCE_LIKE = /(?:^|[\n;])\s*(?:import|from|def|class|exec|eval|__import__|getattr)\b/u;

/** Mappings within each other of a configuration of logging. Its own are 3 deep. CWE-674. */
const CONFIGURATION_DEPTH = 6;

/** Steps that looking through one of them costs. CWE-400. */
const CONFIGURATION_STEPS = 40;

/** Functions that run what texts say. */
export class RunningModels implements RunningModelsRoom {
  readonly #rooms: Rooms;
  readonly #run: Run;

  constructor(rooms: Rooms) {
    this.#rooms = rooms;
    this.#run = rooms.run;
  }

  model(call: ModelCall): Values | undefined {
    const { name, path, given, site, value } = call;
    const [first = [], second = []] = given.positions;
    const at = site?.site ?? value;
    if (RUNS_TEXTS.test(name)) this.#runTexts(call);
    else if (RUNS_TESTS.test(name)) this.#runTests();
    else if (WRITES_TEXT.test(name)) this.#written(call);
    else if (/^logging\.config\.(?:dictConfig|DictConfigurator|dictConfigClass)$/u.test(name)) {
      for (const each of union(first, given.named.get("config") ?? [])) this.#configured(each, 0);
    } else if (/^importlib(?:\.|_)metadata\.EntryPoint$/u.test(name)) {
      return [this.#entryPoint(given.named.get("value") ?? second, at)];
    } else if (/(?:^|\.)EntryPoint\.parse$/u.test(name)) {
      const targets = textsOf(first).map((text) => text?.replace(/^[^=]*=\s*/u, ""));
      return [this.#entryPoint(this.#constants(targets), at)];
    } else if (RESOLVES.test(name) && !isListedStandardModule(path.split(".")[0] ?? "")) {
      const found = this.#resolved(first);
      if (found.length > 0) {
        this.#rooms.records.note(path, true, site, given);
        return union(found, [this.#rooms.heap.outer(path, true, at)]);
      }
    }
    return undefined;
  }

  #constants(texts: readonly (string | undefined)[]): Values {
    return texts.map((text): Value => ({
      ...{ kind: "constant", value: text, bytes: false, hidden: false },
    }));
  }

  #runTexts({ given, site, value }: ModelCall): void {
    const span = site ?? { at: 0, end: 0, site: value };
    const scope = site?.scope ?? this.#run.module;
    // What prepares comes last.
    for (const set of [...given.positions, ...given.named.values(), given.rest].reverse()) {
      const texts = set.filter((each) =>
        each.kind === "constant" && typeof each.value === "string"
      );
      if (texts.length > 0) this.#rooms.texts.exec(texts, span, scope);
    }
  }

  /** Tests of the module itself, as functions and as methods. */
  #runTests(): void {
    for (const [name, values] of [...this.#run.module.names]) {
      for (const each of values) {
        if (each.kind === "class" && this.#isTest(each)) {
          this.#rooms.functions.defer(each, []);
          this.#rooms.objects.deferOwn(each, HANDED_ALL);
        } else if (each.kind === "function" && TEST_NAME.test(name)) {
          this.#rooms.functions.defer(each, []);
        }
      }
    }
  }

  #isTest(of: Class): boolean {
    return TEST_NAME.test(of.name) ||
      this.#rooms.classes.outerBases(of).some(({ path }) => TEST_CLASS.test(path));
  }

  /** Source that is written may be imported next: what names something harmful runs as a module of its own. */
  #written({ given, site, value }: ModelCall): void {
    const span = site ?? { at: 0, end: 0, site: value };
    const sets = [...given.positions, ...given.named.values()];
    for (const set of sets) {
      const inner = union(
        set,
        this.#rooms.collections.elements(
          set.filter(({ kind }) => kind === "container"),
          span.site,
        ),
      );
      for (const each of inner) {
        if (each.kind !== "constant" || typeof each.value !== "string") continue;
        const { value: text } = each;
        if (text.length > WRITTEN_CHARACTERS || !SOURCE_LIKE.test(text)) continue;
        if (!mentionsSinks(text, this.#run.deadline)) continue;
        this.#rooms.texts.exec([{ ...each, hidden: false }], span, new Scope("module"));
      }
    }
  }

  /** `{"()": "os.system", …}` in a configuration of logging, at any depth: a callable and its arguments. */
  #configured(value: Value, depth: number): void {
    if (value.kind !== "container" || depth > CONFIGURATION_DEPTH) return;
    this.#run.step(CONFIGURATION_STEPS);
    for (const key of ["()", "class"]) {
      const named = value.items.get(key);
      if (named === undefined) continue;
      const { rest } = value;
      const targets = union(this.#resolved(named), named.filter(({ kind }) => kind !== "constant"));
      this.#rooms.calls.callAll(targets, { ...NO_ARGUMENTS, named: value.items, rest });
    }
    for (const each of [...value.items.values(), value.rest]) {
      for (const one of each) this.#configured(one, depth + 1);
    }
  }

  /** What dotted names of modules that run code or commands stand for. */
  #resolved(names: Values): Values {
    let all: Values = [];
    for (const text of textsOf(names)) {
      const path = text?.replace(/^ext:\/\//u, "").replace(":", ".");
      if (path === undefined || !/^\w+(?:\.\w+)+$/u.test(path)) continue;
      const full = shortest(path);
      if (!REACHING.test(full.slice(0, full.lastIndexOf(".")))) continue;
      all = this.#run.unite(all, [this.#rooms.heap.outer(full)]);
    }
    return all;
  }

  /** `EntryPoint("name", "os:system", "group")`, which `load` imports. */
  #entryPoint(value: Values, site: object): Value {
    const made = this.#rooms.classes.namespaceObject(site);
    for (const name of ["load", "resolve"]) {
      const load = this.#rooms.heap.site<Partial>(site, `entry ${name}`, () => ({
        ...{ kind: "partial", target: [this.#rooms.heap.outer("pkgutil.resolve_name")] },
        ...{ first: [value], named: new Map() },
      }));
      this.#rooms.heap.addTo(made.attributes, name, [load]);
    }
    return made;
  }
}
