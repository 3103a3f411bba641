/**
 * Runs Python source on abstract values: what a module calls while it is imported, directly or
 * indirectly. The code is interpreted abstractly, never executed.
 *
 * Each place of the source that makes a value makes one abstract value; names hold sets of them.
 * Branches are all taken, loops and functions are read again until they give nothing new, and functions
 * only when something calls them.
 *
 * @module
 */

import { foldFunction, foldMethod, foldOperator, foldSlice } from "./fold.ts";
import { Grammar, type Reading } from "./grammar.ts";
import { Tokens } from "./lexer.ts";
import { isListedStandardModule, withoutUnderscores } from "./names.ts";
import {
  givenOf,
  HOOKS,
  isNotableText,
  isSensitive,
  runsArguments,
  STARTED,
  TELLING,
  type Trait,
  traitsOf,
} from "./sinks.ts";
import type { Argument, Chain, Expression, FunctionNode, Statement } from "./syntax.ts";
import {
  type Arguments,
  type Class,
  type Code,
  type Constant,
  constantOf,
  type Container,
  containerOf,
  type Instance,
  itemsOf,
  NO_ARGUMENTS,
  type Origin,
  type Outer,
  type Partial,
  type Property,
  Scope,
  type Space,
  textsOf,
  union,
  UNKNOWN_CONSTANT,
  UNKNOWN_HIDDEN,
  type Value,
  VALUES,
  type Values,
} from "./values.ts";

/** A call that runs. */
export interface Call {
  /** Dotted: `socket.socket`, `builtins.exec`, `os.<computed>`. */
  readonly path: string;
  /** Characters before it, and behind it. */
  readonly at: number;
  readonly end: number;
  /** False for what is only handed to something. */
  readonly called: boolean;
  readonly traits: readonly Trait[];
  /** Texts among its arguments that are no longer as the source has them. */
  readonly texts: readonly string[];
}

/** Steps of one source, and for each of its characters besides. Most modules in use take a tenth. CWE-400. */
const STEPS = 100_000;
const STEPS_PER_CHARACTER = 1;
/** Steps between two checks of the deadline. */
const DEADLINE_STEPS = 4096;
/** Functions of the module within each other. Deeper ones are read later. CWE-674. */
const CALL_DEPTH = 40;
/** Calls of one value within each other, other than of functions. CWE-674. */
const ACTIVE = 2;
/** Strings of code within each other. CWE-674. */
const CODE_DEPTH = 8;
/** Times a loop or function is read before it counts as not understood. CWE-834. */
const ROUNDS = 24;
/** Calls kept of one name; those whose arguments are remarkable are kept besides. CWE-770. */
const CALLS_OF_ONE = 24;
/** Different calls kept. CWE-770. */
const CALLS = 20_000;
/** Characters of a dotted path. CWE-400. */
const PATH_CHARACTERS = 512;
/** Characters of a text that loops and functions put together. CWE-400. */
const TEXT_AGAIN = 2048;
/** Entries of one container that are distinguished. CWE-770. */
const ITEMS = 4096;

const COMPUTED = "<computed>";
/** Modules behind which a computed name may be anything that runs code or commands. */
const REACHING =
  /^(?:os|posix|nt|subprocess|builtins|pty|commands|runpy|importlib|imp|ctypes|_posixsubprocess|sys\.modules)$/u;
/** Modules that others hand on: `shutil.os.system` is `os.system`. */
const HANDED_ON: ReadonlySet<string> = new Set(
  "os posix nt subprocess builtins pty ctypes runpy importlib socket sys shutil".split(" "),
);
const BUILTIN_NAMES: ReadonlySet<string> = new Set(
  ("__import__ breakpoint compile delattr eval exec getattr globals input locals open setattr vars execfile " +
    "abs all any ascii bin bool bytearray bytes callable chr classmethod complex dict dir divmod enumerate " +
    "filter float format frozenset hasattr hash help hex id int isinstance issubclass iter len list map max " +
    "memoryview min next object oct ord pow print property range repr reversed round set slice sorted " +
    "staticmethod str sum super tuple type zip aiter anext __build_class__ apply reduce file unicode xrange " +
    "raw_input reload unichr basestring long intern cmp coerce buffer").split(" "),
);
const METACLASS = /^(?:builtins\.type|abc\.ABCMeta|enum\.Enum(?:Meta|Type)|.*Meta(?:class)?)$/u;

/** Methods by which operators reach an object; the reflected ones run too. */
const OPERATORS: Readonly<Record<string, readonly string[]>> = {
  "+": ["add", "radd", "iadd"],
  "-": ["sub", "rsub", "isub"],
  "*": ["mul", "rmul", "imul"],
  "/": ["truediv", "rtruediv", "itruediv", "div", "rdiv"],
  "//": ["floordiv", "rfloordiv", "ifloordiv"],
  "%": ["mod", "rmod", "imod"],
  "@": ["matmul", "rmatmul", "imatmul"],
  "**": ["pow", "rpow", "ipow"],
  "&": ["and", "rand", "iand"],
  "|": ["or", "ror", "ior"],
  "^": ["xor", "rxor", "ixor"],
  "<<": ["lshift", "rlshift", "ilshift"],
  ">>": ["rshift", "rrshift", "irshift"],
  "<": ["lt", "gt"],
  ">": ["gt", "lt"],
  "<=": ["le", "ge"],
  ">=": ["ge", "le"],
  "==": ["eq", "ne"],
  "!=": ["ne", "eq"],
  in: ["contains", "iter", "next", "getitem", "eq"],
  not: ["contains", "iter", "next", "getitem", "eq", "bool", "len"],
  and: ["bool", "len"],
  or: ["bool", "len"],
};
const SHOWING = ["__str__", "__repr__", "__format__", "__int__", "__float__", "__index__"];
const ITERATION = ["__iter__", "__next__", "__getitem__", "__aiter__", "__anext__", "__len__"];
/** What some function of another module may call of an object that it is given. */
const HANDED_METHODS =
  /^__(?!init__|new__|del__|init_subclass__|set_name__|class_getitem__|subclasshook__|prepare__|setattr__|delattr__|set__|delete__)\w+__$/u;
const MODULE_HOOKS = ["__getattr__", "__dir__"];

/** What besides importing runs. */
interface Runs {
  /** True where the module is run as a program: `__name__` is `"__main__"`. */
  readonly main?: boolean;
  /** True where names that the text does not bind are its evaluator's: modules of that name. */
  readonly ambient?: boolean;
  /** Functions that the loader calls then, by name: `f`, `Class.method`; and classes it makes. */
  readonly functions?: ((name: string) => boolean) | undefined;
  readonly classes?: ((name: string) => boolean) | undefined;
}

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
  /** What it cost. */
  readonly steps: number;
}

class Stopped {}

/**
 * Runs a module's source, or an expression, on abstract values.
 *
 * @param checkDeadline called every few thousand steps; what it throws ends the evaluation
 */
export function evaluate(text: string, checkDeadline: () => void, runs: Runs = {}): Evaluated {
  return new Evaluator(checkDeadline, runs).module(text);
}

class Evaluator {
  readonly #deadline: () => void;
  readonly #runs: Runs;
  readonly #reading: Reading = { error: undefined, errors: 0, tooDeep: false };
  readonly #module = new Scope("module");
  readonly #relative = new Set<string>();
  readonly #outers = new Map<string, Outer>();
  /** Values that a place of the source makes, by place and kind. */
  readonly #sites = new WeakMap<object, Map<string, Value>>();
  readonly #bound = new WeakMap<object, Map<string | Value, Value>>();
  readonly #bodies = new WeakMap<FunctionNode, readonly Statement[]>();
  readonly #spaces = new WeakMap<object, Space>();
  /** Attributes of other modules that were given other values. */
  readonly #given = new Map<string, Values>();
  /** Names of the module that functions read. */
  readonly #read = new Set<string>();
  readonly #stars: string[] = [];
  readonly #deferred = new Map<Value, Values>();
  /** Functions to be read again before what runs now is at its end, and those read for it. */
  readonly #pending = new Set<Code>();
  readonly #entered = new Set<Code>();
  readonly #active = new Map<Value, number>();
  #settling = false;
  #returned = 0;
  #calls = new Map<string, Call[]>();
  #kept = 0;
  #steps = 0;
  #most = STEPS;
  #nextLook = DEADLINE_STEPS;
  #cut: string | undefined;
  /** Rises whenever a set that was read gets larger. */
  #version = 0;
  #changes = 0;
  #callDepth = 0;
  #codeDepth = 0;
  #looping = 0;
  #late = false;
  #origin: Origin | undefined;

  constructor(deadline: () => void, runs: Runs) {
    this.#deadline = deadline;
    this.#runs = runs;
  }

  module(text: string): Evaluated {
    let later: readonly Call[] = [];
    let calls: readonly Call[] = [];
    this.#most = STEPS + text.length * STEPS_PER_CHARACTER;
    try {
      this.#source(text, this.#module);
      this.#finish();
      calls = this.#reported();
      later = this.#afterwards(calls);
    } catch (error) {
      if (error instanceof RangeError) this.#cut ??= "it is nested too deeply";
      else if (!(error instanceof Stopped)) throw error;
      calls = this.#reported();
    }
    if (this.#reading.tooDeep) this.#cut ??= "it is nested too deeply";
    // What nothing names can be reached on no way.
    if (this.#cut !== undefined && !this.#reading.tooDeep && !mentionsSinks(text)) {
      this.#cut = undefined;
    }
    const { error } = this.#reading;
    return { calls, later, relative: this.#relative, error, cut: this.#cut, steps: this.#steps };
  }

  #reported(): Call[] {
    return [...this.#calls.values()].flat().sort((a, b) => a.at - b.at);
  }

  /** Reads and runs source in a scope. */
  #source(text: string, scope: Scope): Values {
    const tokens = new Tokens(text, this.#deadline);
    if (tokens.cut) this.#cut ??= "it has more words, or deeper formatted strings, than are read";
    if (tokens.error !== undefined) this.#reading.error ??= tokens.error;
    const grammar = new Grammar(tokens, this.#reading, this.#step1);
    let last: Values = [];
    while (!grammar.isDone()) {
      for (const statement of grammar.next()) {
        last = this.#settled(() => this.#statement(statement, scope));
      }
    }
    return last;
  }

  readonly #step1 = (): void => this.#step(1);

  #step(count: number): void {
    this.#steps += count;
    if (this.#steps < this.#nextLook) return;
    this.#nextLook = this.#steps + DEADLINE_STEPS;
    this.#deadline();
    if (this.#steps > this.#most) {
      this.#cut ??= "following it takes more steps than are made";
      throw new Stopped();
    }
  }

  /** What runs at the end of the import, or at any time after it. */
  #finish(): void {
    for (const name of MODULE_HOOKS) {
      const hook = this.#module.names.get(name);
      if (hook !== undefined) this.#settled(() => this.#callAll(hook, this.#unknown(1)));
    }
    this.#late = true;
    for (let round = 0; round < ROUNDS; round++) {
      const before = this.#changes + this.#deferred.size;
      for (const [value, given] of this.#deferred) {
        this.#settled(() => this.#call(value, { positions: [], named: new Map(), rest: given }));
      }
      if (this.#changes + this.#deferred.size === before) break;
    }
    this.#late = false;
  }

  /** Runs what the loader calls once the module is imported. */
  #afterwards(before: readonly Call[]): readonly Call[] {
    const { functions, classes } = this.#runs;
    if (functions === undefined && classes === undefined) return [];
    this.#calls = new Map();
    this.#late = true;
    const all = (name: string, values: Values): void => {
      for (const each of values) {
        if (each.kind === "class") {
          if (classes?.(each.name)) this.#settled(() => this.#call(each, NO_ARGUMENTS));
          for (const [method, codes] of each.members) {
            if (functions?.(`${each.name}.${method}`)) {
              this.#settled(() => this.#callAll(codes, this.#selfOf(each)));
            }
          }
        } else if (each.kind === "function" && functions?.(name)) {
          this.#settled(() => this.#call(each, NO_ARGUMENTS));
        }
      }
    };
    for (const [name, values] of [...this.#module.names]) all(name, values);
    this.#finish();
    const known = new Set(before.map(({ path, at }) => `${path}\n${at}`));
    return this.#reported().filter(({ path, at }) => !known.has(`${path}\n${at}`));
  }

  #selfOf(of: Class): Arguments {
    return { positions: [[of.instance]], named: new Map(), rest: [] };
  }

  #unknown(count: number): Arguments {
    return { positions: Array.from({ length: count }, () => []), named: new Map(), rest: [] };
  }

  // Values --------------------------------------------------------------------

  #outer(
    path: string,
    called = false,
    site?: object,
    carries: Values = [],
    base = path,
  ): Outer {
    const key = called ? `${path}()` : path;
    const atoms = carries.length === 0 || site === undefined ? [] : this.#atoms(carries);
    if (atoms.length === 0 || site === undefined) {
      const known = this.#outers.get(key);
      if (known !== undefined) return known;
      const made: Outer = { kind: "outer", path, called, base, carries: [] };
      this.#outers.set(key, made);
      return made;
    }
    const made = this.#site<Outer>(site, `outer ${key}`, () => ({
      ...{ kind: "outer", path, called, base, carries: [] },
    }));
    const all = this.#limited(union(made.carries, atoms));
    if (all !== made.carries) {
      made.carries = all;
      this.#changed();
    }
    return made;
  }

  /** What values bring along, without what it is packed in. */
  #atoms(values: Values): Values {
    let all: Value[] | undefined;
    const seen = new Set<Value>();
    const take = (value: Value, depth: number): void => {
      if (seen.has(value)) return;
      seen.add(value);
      switch (value.kind) {
        case "outer":
          if (value.carries.length > 0) {
            for (const each of value.carries) take(each, depth);
            if (isSensitive(value.path)) {
              take(this.#outer(value.path, value.called, undefined, [], value.base), depth);
            }
          } else if (isSensitive(value.path)) (all ??= []).push(value);
          return;
        case "container":
          if (depth > 3) return;
          for (const each of value.items.values()) for (const one of each) take(one, depth + 1);
          for (const each of value.rest) take(each, depth + 1);
          return;
        case "method":
          take(value.self, depth);
          return;
        case "constant":
          if (isCarried(value)) (all ??= []).push(value);
          return;
        case "property":
          return;
        default:
          (all ??= []).push(value);
      }
    };
    for (const each of values) take(each, 0);
    this.#step(seen.size >> 1);
    return all ?? [];
  }

  #site<T extends Value>(site: object, kind: string, make: () => T): T {
    let known = this.#sites.get(site);
    if (known === undefined) this.#sites.set(site, known = new Map());
    let value = known.get(kind);
    if (value === undefined) known.set(kind, value = make());
    return value as T;
  }

  #space(of: Space["of"]): Space {
    let known = this.#spaces.get(of);
    if (known === undefined) this.#spaces.set(of, known = { kind: "space", of });
    return known;
  }

  #pair(target: Value, self: Value): Value {
    let known = this.#bound.get(target);
    if (known === undefined) this.#bound.set(target, known = new Map());
    let bound = known.get(self);
    if (bound === undefined) known.set(self, bound = { kind: "bound", target, self });
    return bound;
  }

  #method(self: Value, name: string): Value {
    let known = this.#bound.get(self);
    if (known === undefined) this.#bound.set(self, known = new Map());
    let method = known.get(name);
    if (method === undefined) known.set(name, method = { kind: "method", self, name });
    return method;
  }

  #changed(): void {
    this.#changes++;
    this.#version++;
  }

  /** A set that is not too large; beyond that the source counts as not seen to its end. */
  #limited(values: Values): Values {
    if (values.length > 8) this.#step(values.length >> 2);
    if (values.length <= VALUES) return values;
    this.#cut ??= "a name may stand for more values than are followed";
    return values.slice(0, VALUES);
  }

  #addTo(map: Map<string, Values>, key: string, values: Values): void {
    const old = map.get(key);
    const all = this.#limited(union(old ?? [], known(values)));
    if (all === old) return;
    map.set(key, all);
    if (values.length > 0) this.#changed();
  }

  #addRest(container: Container, values: Values): void {
    const all = this.#limited(union(container.rest, values));
    if (all === container.rest) return;
    container.rest = all;
    this.#changed();
  }

  #addItem(container: Container, key: string | undefined, values: Values): void {
    if (key === undefined || (!container.items.has(key) && container.items.size >= ITEMS)) {
      this.#addRest(container, values);
    } else this.#addTo(container.items, key, values);
  }

  // Names -----------------------------------------------------------------------

  #lookup(id: string, scope: Scope): Values {
    let inFunction = false;
    for (let each: Scope | undefined = scope; each !== undefined; each = each.parent) {
      if (each.kind === "class" && each !== scope) continue;
      if (each !== this.#module && each.globals.has(id)) {
        each = this.#module;
        inFunction = true;
      }
      inFunction ||= each.kind === "function";
      if (each === this.#module && inFunction) this.#read.add(id);
      const values = (this.#late && each.kind === "module" ? each.ever : each.names).get(id);
      if (values !== undefined) return values;
    }
    return this.#implicit(id);
  }

  /** A name that the module does not bind. */
  #implicit(id: string): Values {
    switch (id) {
      case "__name__":
        return [constantOf(this.#runs.main === true ? "__main__" : "<module>")];
      case "__builtins__":
        return [this.#outer("builtins")];
      case "__file__":
      case "__path__":
        return [this.#outer(`<module>.${id}`, true)];
      case "__loader__":
      case "__spec__":
        return [this.#outer(`<module>.${id}`)];
      case "__debug__":
        return [];
    }
    const values: Value[] = [];
    if (BUILTIN_NAMES.has(id)) values.push(this.#outer(`builtins.${id}`));
    for (const star of this.#stars) values.push(this.#outer(shortest(`${star}.${id}`)));
    if (this.#runs.ambient === true && values.length === 0) values.push(this.#outer(id));
    const given = this.#given.get(`builtins.${id}`);
    return given === undefined ? values : union(values, given);
  }

  #bind(id: string, values: Values, scope: Scope): void {
    let target = scope;
    let strong = scope.conditional === 0 && this.#looping === 0 && !scope.again;
    if (scope.globals.has(id)) [target, strong] = [this.#module, false];
    else if (scope.outer.has(id)) {
      strong = false;
      for (let each = scope.parent; each !== undefined; each = each.parent) {
        if (each.kind === "function" && each.names.has(id)) target = each;
        if (target !== scope) break;
      }
    }
    this.#set(target, id, values, strong);
  }

  #set(scope: Scope, id: string, values: Values, strong: boolean): void {
    const old = scope.names.get(id);
    const all = strong ? values : this.#limited(union(old ?? [], known(values)));
    if (all !== old) {
      scope.names.set(id, all);
      if (!strong && values.length > 0 && scope.kind !== "class") this.#changes++;
      const isRead = scope === this.#module
        ? this.#read.has(id)
        : scope.captured && scope.kind !== "class";
      if (isRead && (strong || values.length > 0)) this.#version++;
    }
    if (scope.kind === "module") {
      const before = scope.ever.get(id);
      const ever = this.#limited(union(before ?? [], values));
      if (ever !== before) {
        scope.ever.set(id, ever);
        if (before !== undefined && this.#read.has(id)) this.#changes++;
      }
    }
  }

  // Statements ------------------------------------------------------------------

  #block(statements: readonly Statement[], scope: Scope): void {
    for (const each of statements) this.#statement(each, scope);
  }

  /** A block that may not run. */
  #maybe(statements: readonly Statement[], scope: Scope): void {
    if (statements.length === 0) return;
    scope.conditional++;
    try {
      this.#block(statements, scope);
    } finally {
      scope.conditional--;
    }
  }

  /** Reads something again until it adds nothing. */
  #loop(run: () => void, scope: Scope): void {
    scope.conditional++;
    this.#looping++;
    try {
      for (let round = 0;; round++) {
        const before = this.#changes;
        run();
        if (this.#looping > 1 || this.#changes === before) break;
        if (round >= ROUNDS) {
          this.#cut ??= "a loop of it is not understood";
          break;
        }
      }
    } finally {
      this.#looping--;
      scope.conditional--;
    }
  }

  #statement(statement: Statement, scope: Scope): Values {
    this.#step(1);
    switch (statement.kind) {
      case "expression":
        return this.#value(statement.value, scope);
      case "assign":
        this.#assign(statement, scope);
        break;
      case "augment":
        this.#augment(statement, scope);
        break;
      case "import":
        for (const [path, alias] of statement.names) this.#import(path, alias, scope);
        break;
      case "from":
        this.#from(statement, scope);
        break;
      case "function": {
        const code = this.#function(statement.code, scope);
        this.#bind(
          statement.code.name,
          this.#decorated(statement.decorators, [code], scope),
          scope,
        );
        break;
      }
      case "class":
        this.#class(statement, scope);
        break;
      case "if":
        this.#if(statement, scope);
        break;
      case "for": {
        const values = this.#elements(this.#value(statement.iterable, scope), statement);
        this.#loop(() => {
          this.#store(statement.target, values, scope);
          this.#block(statement.body, scope);
        }, scope);
        this.#maybe(statement.otherwise, scope);
        break;
      }
      case "while":
        this.#loop(() => {
          this.#truth(this.#value(statement.test, scope));
          this.#block(statement.body, scope);
        }, scope);
        this.#maybe(statement.otherwise, scope);
        break;
      case "try":
        this.#try(statement, scope);
        break;
      case "with":
        this.#with(statement, scope);
        break;
      case "match":
        this.#match(statement, scope);
        break;
      case "return":
        this.#return(
          statement.value === undefined ? [] : this.#value(statement.value, scope),
          scope,
        );
        break;
      case "raise":
      case "assert":
        for (const each of statement.values) {
          const values = this.#value(each, scope);
          if (statement.kind === "assert") this.#truth(values);
          else {for (const value of values) {
              if (value.kind === "class") this.#call(value, NO_ARGUMENTS);
            }}
        }
        break;
      case "delete":
        for (const each of statement.values) this.#delete(each, scope);
        break;
      case "exec":
        this.#exec(this.#value(statement.value, scope), statement, scope);
        break;
      case "scope":
        for (const name of statement.names) {
          (statement.global ? scope.globals : scope.outer).add(name);
        }
        break;
      case "block":
        this.#maybe(statement.body, scope);
    }
    return [];
  }

  #assign(statement: Extract<Statement, { kind: "assign" }>, scope: Scope): void {
    const { annotation, value, targets } = statement;
    if (annotation !== undefined && scope.kind !== "function") this.#value(annotation, scope);
    if (value === undefined) return;
    const values = this.#value(value, scope);
    for (const target of targets) this.#store(target, values, scope);
  }

  #augment(statement: Extract<Statement, { kind: "augment" }>, scope: Scope): void {
    const { target, operator } = statement;
    const old = this.#value(target, scope);
    const added = this.#value(statement.value, scope);
    const values = this.#operate(operator, old, added, statement);
    for (const each of old) {
      if (each.kind !== "container") continue;
      if (each.type === "dict") this.#update(each, added);
      else this.#addRest(each, this.#elements(added, statement));
    }
    this.#store(target, union(old.filter(({ kind }) => kind === "container"), values), scope);
  }

  #import(path: string, alias: string | undefined, scope: Scope): void {
    const root = path.split(".")[0] ?? path;
    const name = alias ?? root;
    this.#bind(name, [this.#outer(alias === undefined ? root : shortest(path))], scope);
  }

  #from(statement: Extract<Statement, { kind: "from" }>, scope: Scope): void {
    const { level, module, names } = statement;
    if (level > 0) {
      const folder = "../".repeat(level - 1);
      if (module !== "") this.#relative.add(folder + module.replaceAll(".", "/"));
      for (const [name, alias] of names) {
        if (module === "" && name !== "*") this.#relative.add(folder + name);
        if (name === "*") continue;
        // What lies beside it is judged for itself; its names may still be modules handed on.
        const root = withoutUnderscores(name);
        const known = HANDED_ON.has(root) ? [this.#outer(root)] : [];
        this.#bind(alias ?? name, union(known, [this.#outer(`.${module}.${name}`)]), scope);
      }
      return;
    }
    if (module === "__future__") return;
    for (const [name, alias] of names) {
      if (name === "*") this.#stars.push(module);
      else this.#bind(alias ?? name, this.#attribute(this.#outer(module), name, statement), scope);
    }
  }

  #decorated(decorators: readonly Expression[], values: Values, scope: Scope): Values {
    let result = values;
    const made = decorators.map((each) => this.#value(each, scope));
    for (const [at, each] of [...made.entries()].reverse()) {
      const decorator = decorators[at];
      const span = decorator?.kind === "chain" ? decorator : undefined;
      const given = this.#callAll(
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

  #function(node: FunctionNode, scope: Scope): Code {
    const defaults = new Map<string, Values>();
    for (const { name, value, annotation } of node.parameters) {
      if (value !== undefined) defaults.set(name, this.#value(value, scope));
      if (annotation !== undefined) this.#value(annotation, scope);
    }
    if (node.returns !== undefined) this.#value(node.returns, scope);
    for (let each: Scope | undefined = scope; each !== undefined; each = each.parent) {
      each.captured = true;
    }
    const code = this.#site<Code>(node, "function", () => {
      const own = new Scope("function", scope);
      const made: Code = {
        ...{ kind: "function", node, scope: own, defaults: new Map(), attributes: new Map() },
        ...{ origin: this.#origin, owner: scope.kind === "class" ? scope.owner : undefined },
        ...{ returns: [], running: false, version: undefined },
      };
      own.code = made;
      return made;
    });
    for (const [name, values] of defaults) {
      this.#addTo(code.defaults as Map<string, Values>, name, values);
    }
    return code;
  }

  #class(statement: Extract<Statement, { kind: "class" }>, scope: Scope): void {
    const made = this.#site<Class>(statement, "class", () => {
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
    for (const { name, stars, value } of statement.items) {
      const values = this.#value(value, scope);
      if (name === "metaclass") made.metaclass = union(made.metaclass, values);
      else if (name !== undefined) named.set(name, values);
      else if (stars === 0) made.bases = union(made.bases, values);
      else if (stars === 1) made.bases = union(made.bases, this.#elements(values, statement));
      else named.set("**", values);
    }
    const body = new Scope("class", scope);
    body.owner = made;
    body.conditional = scope.conditional;
    this.#set(body, "__name__", [], true);
    body.names.delete("__name__");
    this.#block(statement.body, body);
    for (const [name, values] of body.names) this.#addTo(made.members, name, values);
    const values = this.#defined(made, named, statement);
    this.#bind(statement.name, this.#decorated(statement.decorators, values, scope), scope);
  }

  /** What defining a class runs besides its body. */
  #defined(made: Class, named: ReadonlyMap<string, Values>, site: object): Values {
    let values: Values = [made];
    for (const meta of this.#metaclasses(made)) {
      if (meta.kind === "class") {
        const positions: Values[] = [
          [constantOf(made.name)],
          [this.#outer("<bases>", true)],
          [this.#space(made)],
        ];
        const given = { positions, named, rest: [] };
        for (const name of ["__prepare__", "__new__", "__init__"]) {
          const methods = this.#member(meta, name);
          const self: Values = name === "__init__" ? [made] : [meta];
          this.#callAll(methods, { ...given, positions: [self, ...positions] });
        }
      } else if (meta.kind !== "outer") {
        const positions: Values[] = [[constantOf(made.name)], made.bases, [this.#space(made)]];
        values = union(values, this.#call(meta, { positions, named, rest: [] }));
      } else if (!METACLASS.test(meta.path)) {
        const span = { at: 0, end: 0, site };
        this.#note(meta.path, true, span, { positions: [[made]], named, rest: [] });
      }
    }
    for (const base of made.bases) {
      if (base.kind !== "class") continue;
      const hook = this.#member(base, "__init_subclass__");
      this.#callAll(hook, { positions: [values], named, rest: [] });
    }
    for (const [name, members] of made.members) {
      for (const member of members) {
        if (member.kind !== "instance") continue;
        const hook = this.#member(member.of, "__set_name__");
        if (hook.length === 0) continue;
        const positions: Values[] = [[member], [made], [constantOf(name)]];
        this.#callAll(hook, { positions, named: new Map(), rest: [] });
      }
    }
    if (this.#isEnumeration(made)) this.#enumerate(made);
    // Bases that are no classes are asked for some, or make the class themselves.
    for (const base of made.bases) {
      if (base.kind === "instance") {
        this.#callAll(this.#member(base.of, "__mro_entries__"), {
          ...NO_ARGUMENTS,
          positions: [[base]],
        });
        this.#callAll(this.#member(base.of, "__init__"), { ...NO_ARGUMENTS, positions: [[base]] });
      } else if (base.kind === "function") this.#call(base, this.#unknown(3));
    }
    return values;
  }

  /** Members of an enumeration are made where it is defined. */
  #enumerate(of: Class): void {
    const { instance } = of;
    for (const [name, values] of of.members) {
      if (name.startsWith("_") || values.some(({ kind }) => kind === "function")) continue;
      this.#addTo(instance.attributes, "value", values);
      this.#addTo(instance.attributes, "_value_", values);
      const [only] = values;
      const positions = only?.kind === "container" && only.type === "tuple"
        ? Array.from({ length: only.items.size }, (_, at) => only.items.get(String(at)) ?? [])
        : [values];
      for (const method of ["__new__", "__init__"]) {
        const self: Values = method === "__new__" ? [of] : [instance];
        const given = { ...NO_ARGUMENTS, positions: [self, ...positions] };
        for (const each of this.#member(of, method)) {
          this.#call(
            each.kind === "bound" && each.self.kind === "constant" ? each.target : each,
            given,
          );
        }
      }
    }
    for (const name of ["_missing_", "_generate_next_value_"]) {
      const { members } = of;
      if (members.has(name)) this.#callOwn(instance, new RegExp(`^${name}$`, "u"));
    }
  }

  #isEnumeration(of: Class): boolean {
    return this.#outerBases(of).some(({ path }) =>
      /(?:^|\.)(?:\w*Enum|Int?Flag|Flag)$/u.test(path)
    );
  }

  #metaclasses(of: Class, seen = new Set<Class>()): Values {
    if (seen.has(of) || seen.size > 600) return [];
    seen.add(of);
    let all = of.metaclass;
    for (const base of of.bases) {
      if (base.kind === "class") all = union(all, this.#metaclasses(base, seen));
    }
    return all;
  }

  #if(statement: Extract<Statement, { kind: "if" }>, scope: Scope): void {
    for (const [at, test] of statement.tests.entries()) {
      const values = this.#value(test, scope);
      const truth = this.#truth(values);
      const body = statement.bodies[at] ?? [];
      if (truth === false) continue;
      if (truth === true) {
        // The first branch of all that certainly runs is like the code around it.
        if (at === 0) this.#block(body, scope);
        else this.#maybe(body, scope);
        return;
      }
      this.#maybe(body, scope);
    }
    this.#maybe(statement.otherwise, scope);
  }

  /** Whether values are true, where that is certain. Asks objects that say so themselves. */
  #truth(values: Values): boolean | undefined {
    let truth: boolean | undefined;
    for (const [at, each] of values.entries()) {
      if (each.kind === "instance") this.#special(each, ["__bool__", "__len__", "__nonzero__"]);
      let own: boolean | undefined;
      if (each.kind === "constant" && each.value !== undefined) own = Boolean(each.value);
      else if (
        each.kind === "outer" && !each.called &&
        /^typing(?:_extensions)?\.TYPE_CHECKING$/u.test(each.path)
      ) {
        own = false;
      }
      if (at === 0) truth = own;
      else if (truth !== own) truth = undefined;
    }
    return truth;
  }

  #try(statement: Extract<Statement, { kind: "try" }>, scope: Scope): void {
    const [body = [], ...others] = statement.blocks;
    this.#maybe(body, scope);
    for (const { type, name, body: handler } of statement.handlers) {
      if (type !== undefined) this.#value(type, scope);
      scope.conditional++;
      if (name !== undefined) this.#bind(name, [], scope);
      scope.conditional--;
      this.#maybe(handler, scope);
    }
    for (const each of others) this.#maybe(each, scope);
  }

  #with(statement: Extract<Statement, { kind: "with" }>, scope: Scope): void {
    const entered: Values[] = [];
    for (const [value, target] of statement.items) {
      const values = this.#value(value, scope);
      entered.push(values);
      let given: Values = [];
      for (const each of values) {
        if (each.kind === "instance") {
          given = union(given, this.#special(each, ["__enter__", "__aenter__"]));
        } else given = union(given, this.#managed(each));
      }
      if (target !== undefined) this.#store(target, given, scope);
    }
    this.#maybe(statement.body, scope);
    for (const values of entered) {
      for (const each of values) {
        if (each.kind === "instance") this.#special(each, ["__exit__", "__aexit__"]);
      }
    }
  }

  /** What a context manager that is not the module's own gives. */
  #managed(value: Value): Values {
    if (value.kind !== "outer") return value.kind === "container" ? itemsOf(value) : [value];
    return union([value], this.#callCarried(value, NO_ARGUMENTS));
  }

  #match(statement: Extract<Statement, { kind: "match" }>, scope: Scope): void {
    const subject = this.#value(statement.subject, scope);
    for (const { captures, guard, body } of statement.cases) {
      scope.conditional++;
      for (const { name, attribute, key } of captures) {
        let values: Values = subject;
        if (attribute !== undefined) values = this.#attributes(subject, attribute, statement);
        else if (key !== undefined) values = this.#items(subject, [constantOf(key)], statement);
        else {
          for (let depth = 0, inner = subject; depth < 3 && inner.length > 0; depth++) {
            inner = this.#elements(inner, statement);
            values = union(values, inner);
          }
        }
        this.#bind(name, values, scope);
      }
      if (guard !== undefined) this.#truth(this.#value(guard, scope));
      this.#block(body, scope);
      scope.conditional--;
    }
  }

  #return(values: Values, scope: Scope): void {
    const { code } = scope;
    if (code === undefined) return;
    const all = this.#limited(union(code.returns, known(values)));
    if (all === code.returns) return;
    code.returns = all;
    this.#returned++;
    this.#changed();
  }

  #delete(target: Expression, scope: Scope): void {
    if (target.kind === "tuple" || target.kind === "list") {
      for (const each of target.items) this.#delete(each, scope);
      return;
    }
    if (target.kind !== "chain") return;
    const last = target.steps.at(-1);
    const owner = this.#chain({ ...target, steps: target.steps.slice(0, -1) }, scope);
    for (const each of owner) {
      if (each.kind !== "instance") continue;
      this.#special(each, [last?.kind === "item" ? "__delitem__" : "__delattr__"]);
    }
  }

  /** Gives a target values. */
  #store(target: Expression, values: Values, scope: Scope): void {
    this.#step(1);
    switch (target.kind) {
      case "name":
        this.#bind(target.id, values, scope);
        return;
      case "star":
        this.#store(target.value, [this.#listOf(target, "list", values)], scope);
        return;
      case "tuple":
      case "list": {
        const starred = target.items.some(({ kind }) => kind === "star");
        for (const [at, each] of target.items.entries()) {
          const item = each.kind === "star"
            ? this.#elements(values, target)
            : starred
            ? this.#elements(values, target)
            : this.#unpacked(values, at, target);
          this.#store(each, item, scope);
        }
        return;
      }
      case "chain": {
        const last = target.steps.at(-1);
        const steps = target.steps.slice(0, -1);
        const owners = steps.length === 0
          ? this.#value(target.base, scope)
          : this.#chain({ ...target, steps }, scope);
        const span = { at: target.at, end: endOf(target), site: target };
        if (last?.kind === "attribute") {
          for (const owner of owners) this.#setAttribute(owner, last.id, values, span);
        } else if (last?.kind === "item") {
          const index = this.#value(last.index, scope);
          for (const owner of owners) this.#setItem(owner, index, values, span);
        }
      }
    }
  }

  #unpacked(values: Values, at: number, site: object): Values {
    let all: Values = [];
    for (const each of values) {
      if (each.kind === "container" && each.type !== "dict" && each.type !== "set") {
        all = union(all, union(each.items.get(String(at)) ?? [], each.rest));
      } else all = union(all, this.#elements([each], site));
    }
    return all;
  }

  #listOf(site: object, type: Container["type"], rest: Values): Container {
    const made = this.#site<Container>(site, `rest ${type}`, () => containerOf(type));
    this.#addRest(made, rest);
    return made;
  }

  #setAttribute(owner: Value, id: string, values: Values, span: CallSite): void {
    switch (owner.kind) {
      case "instance": {
        this.#special(owner, ["__setattr__"], [[constantOf(id)], values]);
        for (const member of this.#member(owner.of, id)) {
          if (member.kind === "property") {
            this.#callAll(member.set, { ...NO_ARGUMENTS, positions: [[owner], values] });
          } else if (member.kind === "instance") {
            this.#special(member, ["__set__"], [[owner], values]);
          }
        }
        this.#addTo(owner.attributes, id, values);
        return;
      }
      case "class":
        for (const meta of this.#metaclasses(owner)) {
          if (meta.kind === "class") {
            const positions: Values[] = [[owner], [constantOf(id)], values];
            this.#callAll(this.#member(meta, "__setattr__"), { ...NO_ARGUMENTS, positions });
          }
        }
        this.#addTo(owner.members, id, values);
        return;
      case "function":
        this.#addTo(owner.attributes, id, values);
        if (id === "__code__" || id === "__wrapped__") {
          for (const each of values) {
            if (each.kind === "function") this.#return(each.returns, owner.scope);
            this.#defer(each, []);
          }
        }
        return;
      case "partial":
        if (id === "func") owner.target = union(owner.target, values);
        return;
      case "outer": {
        const path = shortest(`${owner.path}.${id}`);
        this.#addTo(this.#given, path, values);
        if (HOOKS.test(path)) {
          this.#note(`${path}.<hook>`, true, span, { ...NO_ARGUMENTS, positions: [values] });
          for (const each of values) this.#defer(each, []);
        }
        return;
      }
      case "space":
        this.#setItem(owner, [constantOf(id)], values, span);
    }
  }

  #setItem(owner: Value, index: Values, values: Values, span: CallSite): void {
    const keys = keysOf(index);
    switch (owner.kind) {
      case "container":
        for (const key of keys) this.#addItem(owner, key, values);
        this.#hashed(index);
        return;
      case "instance":
        this.#special(owner, ["__setitem__"], [index, values]);
        for (const base of this.#outerBases(owner.of)) {
          // A mapping or list of another module keeps what it is given.
          if (base.path !== "") this.#addTo(owner.attributes, "<items>", values);
        }
        return;
      case "space":
        for (const key of keys) this.#setName(owner, key, values, span);
        return;
      case "outer":
        if (owner.path === "sys.modules") {
          for (const key of keys) {
            if (key !== undefined) this.#addTo(this.#given, `<module>${key}`, values);
          }
        } else if (owner.path === "builtins.__dict__") {
          for (const key of keys) {
            this.#setAttribute(this.#outer("builtins"), key ?? COMPUTED, values, span);
          }
        } else {
          const kept = values.filter((each) => isCarried(each));
          if (kept.length > 0) owner.carries = this.#limited(union(owner.carries, kept));
        }
    }
  }

  /** Gives a name of a mapping of names a value. */
  #setName({ of }: Space, key: string | undefined, values: Values, span: CallSite): void {
    if (of instanceof Scope) {
      if (key !== undefined) this.#set(of, key, values, false);
      else {
        // Any name of the module may be another one now.
        this.#addTo(this.#given, "<globals>", values);
        for (const name of [...of.names.keys()]) this.#set(of, name, values, false);
      }
    } else if (of.kind === "class") this.#addTo(of.members, key ?? COMPUTED, values);
    else if (of.kind === "instance") this.#addTo(of.attributes, key ?? COMPUTED, values);
    else this.#setAttribute(of, key ?? COMPUTED, values, span);
  }

  /** Keys of mappings and sets are asked for their hashes. */
  #hashed(values: Values): void {
    for (const each of values) {
      if (each.kind === "instance") this.#special(each, ["__hash__", "__eq__", "__index__"]);
    }
  }

  // Expressions -------------------------------------------------------------------

  #value(expression: Expression, scope: Scope): Values {
    this.#step(1);
    switch (expression.kind) {
      case "name":
        return this.#lookup(expression.id, scope);
      case "constant":
      case "bytes":
        return this.#constant(expression);
      case "joined":
        return this.#joined(expression.parts, expression, scope);
      case "chain":
        return this.#chain(expression, scope);
      case "operators":
        return this.#operators(expression, scope);
      case "unary": {
        const values = this.#value(expression.value, scope);
        return this.#unary(expression.operator, values);
      }
      case "choice": {
        let all: Values = [];
        for (const test of expression.tests) this.#truth(this.#value(test, scope));
        scope.conditional++;
        for (const each of expression.values) all = union(all, known(this.#value(each, scope)));
        scope.conditional--;
        return all;
      }
      case "lambda":
        return [this.#function(expression.code, scope)];
      case "tuple":
      case "list":
      case "set":
        return [this.#collection(expression, scope)];
      case "dict":
        return [this.#dict(expression, scope)];
      case "comprehension":
        return this.#comprehension(expression, scope);
      case "named": {
        const values = this.#value(expression.value, scope);
        let target = scope;
        while (
          target.kind === "function" && target.code === undefined && target.parent !== undefined
        ) {
          target = target.parent;
        }
        this.#bind(expression.id, values, target);
        return values;
      }
      case "yield": {
        const values = expression.value === undefined ? [] : this.#value(expression.value, scope);
        const given = expression.from ? this.#elements(values, expression) : values;
        this.#return([this.#listOf(expression, "list", given)], this.#functionOf(scope));
        return [];
      }
      case "await": {
        const values = this.#value(expression.value, scope);
        let all = values;
        for (const each of values) {
          if (each.kind === "instance") all = union(all, this.#special(each, ["__await__"]));
        }
        return all;
      }
      case "star":
        return this.#value(expression.value, scope);
      case "slice":
        for (const each of expression.parts) this.#value(each, scope);
        return [];
    }
  }

  #functionOf(scope: Scope): Scope {
    let at = scope;
    while (at.code === undefined && at.parent !== undefined) at = at.parent;
    return at;
  }

  #constant(expression: Extract<Expression, { kind: "constant" | "bytes" }>): Values {
    if (expression.kind === "bytes") {
      return [this.#site(expression, "bytes", () => constantOf(expression.text, true))];
    }
    const { value } = expression;
    if (value === undefined) return [];
    if (typeof value === "string") return [this.#site(expression, "text", () => constantOf(value))];
    return [SHARED.get(value) ?? this.#site(expression, "number", () => constantOf(value))];
  }

  #joined(parts: readonly (string | Expression)[], site: object, scope: Scope): Values {
    let text: Constant | undefined = constantOf("");
    const carried: Value[] = [];
    for (const part of parts) {
      if (typeof part === "string") {
        text = text && foldOperator("+", text, constantOf(part));
        if (isNotableText(part)) carried.push(constantOf(part));
        continue;
      }
      const values = this.#value(part, scope);
      for (const each of values) {
        if (each.kind === "instance") this.#special(each, ["__str__", "__repr__", "__format__"]);
        if (isCarried(each)) carried.push(each);
      }
      const [only] = values;
      const known = values.length === 1 && only?.kind === "constant" ? asText(only) : undefined;
      text = text && known && foldOperator("+", text, known);
    }
    if (text !== undefined) return [this.#bounded(text)];
    if (carried.some((each) => each.kind !== "constant" || each.value !== undefined)) {
      return [this.#outer("builtins.format", true, site, carried)];
    }
    return [carried.length > 0 ? UNKNOWN_HIDDEN : UNKNOWN_CONSTANT];
  }

  #unary(operator: string, values: Values): Values {
    for (const each of values) {
      if (each.kind !== "instance") continue;
      if (operator === "not") this.#special(each, ["__bool__", "__len__"]);
      else this.#special(each, ["__neg__", "__pos__", "__invert__"]);
    }
    if (operator === "not") {
      const truth = this.#truth(values);
      return truth === undefined ? [] : [constantOf(!truth)];
    }
    const [only] = values;
    if (values.length === 1 && only?.kind === "constant" && typeof only.value === "number") {
      return operator === "-"
        ? [constantOf(-only.value)]
        : operator === "~"
        ? [constantOf(~only.value)]
        : values;
    }
    return [];
  }

  #operators(expression: Extract<Expression, { kind: "operators" }>, scope: Scope): Values {
    const { operators, items } = expression;
    const [first, ...others] = items;
    if (first === undefined) return [];
    let left = this.#value(first, scope);
    const logical = operators[0] === "and" || operators[0] === "or";
    if (logical) {
      let all = known(left);
      let certain = this.#truth(left);
      for (const [at, each] of others.entries()) {
        const stops = operators[at] === "or";
        if (certain === stops) return all;
        scope.conditional++;
        const values = this.#value(each, scope);
        scope.conditional--;
        // What was false is not what `or` gives; what was true not what `and` gives.
        all = certain === undefined ? union(all, values) : values;
        const own = this.#truth(values);
        certain = certain === undefined && own !== stops ? undefined : own;
        if (values.length === 0 && all.length > 0 && certain !== undefined) certain = undefined;
      }
      return operators[0] === "and" && certain === false ? [constantOf(false)] : all;
    }
    let result: Values = [];
    for (const [at, each] of others.entries()) {
      const right = this.#value(each, scope);
      const operator = operators[at] ?? "";
      result = this.#operate(operator, left, right, each);
      left = COMPARISONS.has(operator) ? right : result;
    }
    return others.length > 1 && COMPARISONS.has(operators[0] ?? "") ? [] : result;
  }

  #operate(operator: string, a: Values, b: Values, site: object): Values {
    const names = OPERATORS[operator]?.map((each) => `__${each}__`) ?? [];
    let result: Values = [];
    const [x, y] = [a[0], b[0]];
    for (const each of a) {
      if (each.kind === "instance" && names.length > 0) {
        result = union(result, this.#special(each, names, [b]));
      }
    }
    for (const each of b) {
      if (each.kind === "instance" && names.length > 0) {
        result = union(result, this.#special(each, names, [a]));
      }
    }
    if (operator === "%") {
      for (const each of b) {
        const items = each.kind === "container" ? itemsOf(each) : [each];
        for (const one of items) {
          if (one.kind === "instance") this.#special(one, SHOWING);
        }
      }
    }
    if (COMPARISONS.has(operator)) {
      if (a.length === 1 && b.length === 1 && x?.kind === "constant" && y?.kind === "constant") {
        return compared(operator, x, y);
      }
      return [];
    }
    const product = a.length * b.length;
    if (product > 0 && product <= 16) {
      const folded: Value[] = [];
      for (const left of a) {
        for (const right of b) {
          if (left.kind !== "constant" || right.kind !== "constant") continue;
          const made = foldOperator(operator, left, right);
          folded.push(made === undefined ? unknownOf(left, right) : this.#bounded(made));
        }
      }
      result = union(result, folded);
    }
    const carried: Value[] = [];
    for (const each of [...a, ...b]) {
      if (each.kind === "container") {
        // Lists added up; a text that a tuple is put into.
        if (operator === "%" || each.type === "dict") carried.push(each);
        else result = union(result, [each]);
        if (operator === "%") {
          for (const item of itemsOf(each)) if (isCarried(item)) carried.push(item);
        }
      } else if (isCarried(each)) carried.push(each);
    }
    // Parts of a path that only together are remarkable.
    const [left] = a;
    if (operator === "/" || operator === "+") {
      for (const each of b) if (each.kind === "constant" && isTextual(each)) carried.push(each);
      if (left?.kind === "outer" && left.called) carried.push(left);
    }
    if (operator === "/" && left?.kind === "outer") {
      return union(result, [this.#outer(left.path, true, site, union(left.carries, carried))]);
    }
    if (carried.some((each) => each.kind !== "constant")) {
      result = union(result, [this.#outer("builtins.str", true, site, carried)]);
    } else if (x?.kind === "constant" && typeof x.value === "string") {
      const constants = [...a, ...carried].filter((each) => each.kind === "constant");
      if (result.length === 0) result = [unknownOf(...constants)];
    }
    return result;
  }

  /** A constant that is put together; in loops and functions long ones are not followed. */
  #bounded(made: Constant | undefined): Constant {
    if (typeof made?.value !== "string") return made ?? UNKNOWN_CONSTANT;
    this.#step(made.value.length >> 5);
    const again = this.#looping > 0 || this.#callDepth > 0;
    return again && made.value.length > TEXT_AGAIN ? unknownOf(made) : made;
  }

  #collection(
    expression: Extract<Expression, { kind: "tuple" | "list" | "set" }>,
    scope: Scope,
  ): Value {
    const made = this.#site<Container>(
      expression,
      expression.kind,
      () => containerOf(expression.kind),
    );
    let spread = false;
    for (const [at, item] of expression.items.entries()) {
      const values = this.#value(item, scope);
      if (item.kind === "star") {
        spread = true;
        this.#addRest(made, this.#elements(values, item));
      } else if (values.length > 0) {
        if (expression.kind === "set") this.#hashed(values);
        this.#addItem(made, spread || at >= ITEMS ? undefined : String(at), values);
      }
    }
    return made;
  }

  #dict(expression: Extract<Expression, { kind: "dict" }>, scope: Scope): Value {
    const made = this.#site<Container>(expression, "dict", () => containerOf("dict"));
    for (const [key, value] of expression.pairs) {
      if (key === undefined) {
        this.#update(made, this.#value(value, scope));
        continue;
      }
      const index = this.#value(key, scope);
      const values = this.#value(value, scope);
      this.#hashed(index);
      for (const each of keysOf(index)) this.#addItem(made, each, values);
      this.#keep(made, index);
    }
    return made;
  }

  /** Keys that are no constants can be got at by loops. */
  #keep(container: Container, index: Values): void {
    const kept = index.filter((each) => each.kind !== "constant");
    if (kept.length > 0) this.#addTo(container.items, "<keys>", kept);
  }

  /** Puts the items of mappings into one. */
  #update(container: Container, values: Values): void {
    for (const each of values) {
      if (each.kind === "container") {
        if (each.type === "dict") {
          for (const [key, items] of each.items) this.#addItem(container, key, items);
          this.#addRest(container, each.rest);
        } else {
          // Pairs of names and values.
          for (const pair of itemsOf(each)) {
            if (pair.kind !== "container") continue;
            const key = pair.items.get("0") ?? [];
            for (const name of keysOf(key)) {
              this.#addItem(container, name, union(pair.items.get("1") ?? [], pair.rest));
            }
          }
        }
      } else if (each.kind === "space" && each.of instanceof Scope) {
        for (const [key, items] of each.of.names) this.#addItem(container, key, items);
      } else if (each.kind === "space" && each.of.kind === "outer") {
        this.#addRest(container, [each]);
      } else if (each.kind === "outer" && isCarried(each)) this.#addRest(container, [each]);
    }
  }

  #comprehension(
    expression: Extract<Expression, { kind: "comprehension" }>,
    scope: Scope,
  ): Values {
    const own = this.#site<Space>(expression, "scope", () => ({
      ...{ kind: "space", of: new Scope("function", scope) },
    })).of as Scope;
    const type = expression.makes === "generator" ? "list" : expression.makes;
    const made = this.#site<Container>(expression, "made", () => containerOf(type));
    const [first] = expression.clauses;
    const start = first === undefined ? [] : this.#value(first.iterable, scope);
    const folded = this.#letters(expression, start, own);
    if (folded !== undefined) return [folded];
    this.#loop(() => {
      for (const [at, { target, iterable, tests }] of expression.clauses.entries()) {
        const values = at === 0 ? start : this.#value(iterable, own);
        this.#store(target, this.#elements(values, iterable), own);
        for (const test of tests) this.#truth(this.#value(test, own));
      }
      const values = this.#value(expression.element, own);
      if (expression.key !== undefined) {
        const keys = this.#value(expression.key, own);
        this.#hashed(keys);
        for (const key of keysOf(keys)) this.#addItem(made, key, values);
        this.#addRest(made, values);
        this.#keep(made, keys);
      } else this.#addRest(made, values);
    }, own);
    return [made];
  }

  /** A comprehension over the letters of a constant, or some numbers, taken one by one. */
  #letters(
    expression: Extract<Expression, { kind: "comprehension" }>,
    start: Values,
    own: Scope,
  ): Container | undefined {
    const [clause, ...more] = expression.clauses;
    const [only] = start;
    if (clause?.target.kind !== "name" || more.length > 0 || clause.tests.length > 0) {
      return undefined;
    }
    if (start.length !== 1 || expression.key !== undefined || only === undefined) return undefined;
    const each = elementsInOrder(only);
    if (each === undefined || each.length > 512) return undefined;
    const made = this.#site<Container>(expression, "letters", () => containerOf("list"));
    for (const [at, letter] of each.entries()) {
      own.names.set(clause.target.id, [letter]);
      const values = this.#value(expression.element, own);
      if (values.some(({ kind }) => kind !== "constant")) this.#addRest(made, values);
      this.#addItem(made, String(at), values);
    }
    return made;
  }

  // Chains ------------------------------------------------------------------------

  #chain(chain: Chain, scope: Scope): Values {
    let values = this.#value(chain.base, scope);
    const { steps } = chain;
    for (let at = 0; at < steps.length; at++) {
      const step = steps[at];
      if (step === undefined) break;
      this.#step(1);
      if (step.kind === "attribute") values = this.#attributes(values, step.id, step);
      else if (step.kind === "item") {
        const index = this.#value(step.index, scope);
        values = step.index.kind === "slice"
          ? this.#sliced(values, step.index, scope, step)
          : this.#items(values, index, step);
      } else {
        const given = this.#arguments(step.items, scope);
        values = this.#callAll(values, given, { at: chain.at, end: step.end, site: step, scope });
      }
    }
    return values;
  }

  #arguments(items: readonly Argument[], scope: Scope): Arguments {
    const positions: Values[] = [];
    const named = new Map<string, Values>();
    let rest: Values = [];
    for (const { name, stars, value } of items) {
      const values = this.#value(value, scope);
      if (name !== undefined) named.set(name, values);
      else if (stars === 0) positions.push(values);
      else {
        const [only] = values;
        if (
          values.length === 1 && only?.kind === "container" && only.rest.length === 0 &&
          only.items.size < 64
        ) {
          if (stars === 2) {
            for (const [key, each] of only.items) named.set(key, each);
            continue;
          }
          if (only.type !== "dict") {
            for (let at = 0; at < only.items.size; at++) {
              positions.push(only.items.get(String(at)) ?? []);
            }
            continue;
          }
        }
        rest = union(rest, stars === 2 ? this.#valuesOf(values) : this.#elements(values, value));
        if (rest.length === 0) rest = [UNKNOWN_CONSTANT];
      }
    }
    return { positions, named, rest };
  }

  /** The values of mappings. */
  #valuesOf(values: Values): Values {
    let all: Values = [];
    for (const each of values) {
      if (each.kind === "container") all = union(all, itemsOf(each));
      else if (isCarried(each)) all = union(all, [each]);
    }
    return all;
  }

  #sliced(
    values: Values,
    index: Extract<Expression, { kind: "slice" }>,
    scope: Scope,
    site: object,
  ): Values {
    let all: Values = [];
    for (const part of index.parts) this.#hashed(this.#value(part, scope));
    for (const each of values) {
      if (each.kind === "constant") {
        const parts = index.parts.map((part) => {
          const [value] = this.#value(part, scope);
          return value?.kind === "constant" && typeof value.value === "number"
            ? value.value
            : undefined;
        });
        // Only `[::-1]` is distinguished from other slices, whose colons were not kept.
        const reversed = parts.length === 1 && parts[0] === -1;
        const folded = reversed ? foldSlice(each, [undefined, undefined, -1]) : undefined;
        all = union(all, [folded ?? (each.hidden || reversed ? UNKNOWN_HIDDEN : UNKNOWN_CONSTANT)]);
      } else if (each.kind === "container") {
        all = union(all, [this.#listOf(site, each.type, itemsOf(each))]);
      } else if (each.kind === "instance") all = union(all, this.#special(each, ["__getitem__"]));
      else all = union(all, [each]);
    }
    return all;
  }

  #attributes(values: Values, id: string, site: object): Values {
    let all: Values = [];
    for (const each of values) all = union(all, this.#attribute(each, id, site));
    return this.#limited(all);
  }

  #attribute(value: Value, id: string, site: object): Values {
    if (id === "__call__" && value.kind !== "instance" && value.kind !== "class") return [value];
    if (id === "__getattribute__" && value.kind !== "instance") return [this.#method(value, id)];
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
        return this.#attribute(value.target, id, site);
      case "partial":
        if (id === "func") return value.target;
        if (id === "args") return [this.#listOf(site, "tuple", value.first.flat())];
        return [];
      case "property":
        if (/^(?:fget|getter|setter|deleter|fset|fdel)$/u.test(id)) {
          return id.startsWith("f") ? union(value.get, value.set) : [this.#method(value, id)];
        }
        return [];
      case "method":
        return id === "__self__" ? [value.self] : [];
      case "constant":
        if (id === "__class__") return [this.#outer(classOf(value))];
        return [this.#method(value, id)];
      case "container":
        if (id === "__class__") return [this.#outer(`builtins.${value.type}`)];
        return [this.#method(value, id)];
      case "space": {
        // The module itself, or the mapping of its names.
        const own = value.of instanceof Scope && value.of.names.has(id)
          ? this.#lookup(id, value.of)
          : [];
        return union(own, [this.#method(value, id)]);
      }
    }
  }

  #outerAttribute(value: Outer, id: string, site: object): Values {
    const { path, called, carries, base } = value;
    if (id === "__dict__" && !called) return [this.#space(value)];
    if (id === "__self__") return [this.#outer(path.split(".")[0] ?? path)];
    if (id === "__globals__" || id === "f_globals" || id === "f_locals") {
      if (path.includes("<")) {
        return [this.#space(this.#outer("builtins")), this.#space(this.#module)];
      }
      const own = path.startsWith("sys._getframe") || path.startsWith("inspect.");
      const dot = path.lastIndexOf(".");
      return own || dot < 0
        ? [this.#space(this.#module)]
        : [this.#space(this.#outer(shortest(path.slice(0, dot))))];
    }
    if (id === "f_builtins" || id === "__builtins__") return [this.#outer("builtins")];
    if (id === "f_back" || (id === "__class__" && called)) return [value];
    if (id === "__loader__" || (id === "loader" && path.endsWith("__spec__"))) {
      return [this.#outer("<module>.__loader__")];
    }
    if (path.length > PATH_CHARACTERS) return [value];
    const full = shortest(`${called ? base : path}.${id}`);
    const given = this.#given.get(full);
    const kept: Values = called ? carries : [];
    let made: Values = [this.#outer(full, called, site, kept, called ? base : full)];
    if (called && kept.length > 0) {
      // An attribute of what was made of something may be that thing's.
      for (const each of kept) {
        if (each.kind === "outer" && !each.called && isSensitive(each.path)) {
          const telling = TELLING.get(id);
          if (telling !== undefined) {
            made = union(made, [this.#outer(shortest(`${each.path}.${id}`))]);
          }
        }
      }
      if (/(?:^|\.)(?:SimpleNamespace|namedtuple|Namespace)$/u.test(path)) made = union(made, kept);
    }
    if (path === COMPUTED || path.endsWith(`.${COMPUTED}`)) {
      const telling = TELLING.get(id);
      if (telling !== undefined && !called) made = union(made, [this.#outer(telling)]);
    }
    return given === undefined ? made : union(made, given);
  }

  #functionAttribute(value: Code, id: string): Values {
    if (id === "__globals__") return [this.#space(this.#module)];
    if (id === "__builtins__") return [this.#outer("builtins")];
    if (id === "__wrapped__" || id === "__get__" || id === "__code__" || id === "__func__") {
      return [id === "__get__" ? this.#method(value, id) : value];
    }
    if (id === "__name__" || id === "__qualname__") return [constantOf(value.node.name)];
    if (id === "__defaults__" || id === "__kwdefaults__" || id === "__closure__") {
      let all: Values = [];
      for (const each of value.defaults.values()) all = union(all, each);
      if (id === "__closure__") {
        for (const each of value.scope.parent?.names.values() ?? []) all = union(all, each);
      }
      return [this.#listOf(value.node, "tuple", all)];
    }
    if (id === "__dict__") return [this.#outer(`<function>`, true)];
    if (id === "__class__") return [this.#outer("types.FunctionType")];
    return value.attributes.get(id) ?? [];
  }

  /** A member of a class or of its bases. */
  #member(of: Class, id: string): Values {
    const seen = new Set<Class>();
    const waiting = [of];
    for (let each = waiting.shift(); each !== undefined; each = waiting.shift()) {
      if (seen.has(each)) continue;
      seen.add(each);
      this.#step(1);
      const values = each.members.get(id);
      if (values !== undefined) {
        return values;
      }
      for (const base of each.bases) if (base.kind === "class") waiting.push(base);
    }
    return [];
  }

  #outerBases(of: Class): Outer[] {
    const seen = new Set<Class>([of]);
    const found: Outer[] = [];
    for (const each of seen) {
      this.#step(1);
      for (const base of each.bases) {
        if (base.kind === "class") seen.add(base);
        else if (base.kind === "outer") found.push(base);
      }
    }
    return found;
  }

  #classAttribute(value: Class, id: string, site: object): Values {
    if (id === "__dict__") return [this.#space(value)];
    if (id === "__call__") return [value];
    if (id === "__name__" || id === "__qualname__") return [constantOf(value.name)];
    if (id === "__bases__" || id === "__mro__" || id === "__base__") {
      return [this.#listOf(site, "tuple", union(value.bases, [this.#outer("builtins.object")]))];
    }
    if (id === "__subclasses__" || id === "mro") return [this.#outer(`<own>.${id}`)];
    if (id === "__class__") {
      return value.metaclass.length > 0 ? value.metaclass : [this.#outer("builtins.type")];
    }
    let all: Values = [];
    for (const member of this.#member(value, id)) {
      if (member.kind === "bound" && member.self.kind === "constant") {
        all = union(
          all,
          member.self.value === "classmethod"
            ? [this.#pair(member.target, value)]
            : [member.target],
        );
      } else if (member.kind === "instance") {
        all = union(all, [member]);
        all = union(all, this.#special(member, ["__get__"], [[], [value]]));
      } else all = union(all, [member]);
    }
    if (all.length > 0) return this.#isEnumeration(value) ? union(all, [value.instance]) : all;
    for (const meta of this.#metaclasses(value)) {
      if (meta.kind !== "class") continue;
      for (const member of this.#member(meta, id)) {
        if (member.kind === "function") all = union(all, [this.#pair(member, value)]);
        else if (member.kind === "property") {
          all = union(all, this.#callAll(member.get, { ...NO_ARGUMENTS, positions: [[value]] }));
        } else all = union(all, [member]);
      }
      if (all.length > 0) continue;
      for (const name of ["__getattr__", "__getattribute__"]) {
        const positions: Values[] = [[value], [constantOf(id)]];
        all = union(all, this.#callAll(this.#member(meta, name), { ...NO_ARGUMENTS, positions }));
      }
    }
    if (all.length > 0) return all;
    if (id === "__init__" || id === "__new__" || id === "__init_subclass__") return [];
    const computed = this.#member(value, COMPUTED);
    if (computed.length > 0) return computed;
    return this.#outerBases(value).map((base) =>
      this.#outer(shortest(`${base.path}.${id}`), false)
    );
  }

  #instanceAttribute(value: Instance, id: string): Values {
    if (id === "__class__") return [value.of];
    if (id === "__dict__") return [this.#space(value)];
    let all: Values = value.attributes.get(id) ?? [];
    let found = all.length > 0;
    for (const member of this.#member(value.of, id)) {
      found = true;
      if (member.kind === "function" || member.kind === "partial") {
        all = union(all, [this.#pair(member, value)]);
      } else if (member.kind === "bound" && member.self.kind === "constant") {
        all = union(all, [
          member.self.value === "classmethod" ? this.#pair(member.target, value.of) : member.target,
        ]);
      } else if (member.kind === "property") {
        all = union(all, this.#callAll(member.get, { ...NO_ARGUMENTS, positions: [[value]] }));
      } else if (member.kind === "instance") {
        all = union(all, [member]);
        all = union(all, this.#special(member, ["__get__"], [[value], [value.of]]));
      } else all = union(all, [member]);
    }
    all = union(all, this.#special(value, ["__getattribute__"], [[constantOf(id)]]));
    if (found) return all;
    all = union(all, value.attributes.get(COMPUTED) ?? []);
    all = union(all, this.#special(value, ["__getattr__"], [[constantOf(id)]]));
    const bases = this.#outerBases(value.of);
    for (const base of bases) {
      all = union(all, [this.#pair(this.#outer(shortest(`${base.path}.${id}`), true), value)]);
    }
    return all.length === 0 && value.attributes.has("<items>") ? [this.#method(value, id)] : all;
  }

  /** Calls methods of an object that operators reach. */
  #special(value: Instance, names: readonly string[], given: readonly Values[] = []): Values {
    let all: Values = [];
    for (const name of names) {
      const methods = this.#member(value.of, name);
      if (methods.length === 0) continue;
      for (const each of methods) {
        const isBound = each.kind === "bound" || each.kind === "outer";
        const positions = isBound ? given : [[value] as Values, ...given];
        all = union(all, this.#call(each, { ...NO_ARGUMENTS, positions }));
      }
    }
    return all;
  }

  #items(values: Values, index: Values, site: object): Values {
    let all: Values = [];
    for (const each of values) all = union(all, this.#item(each, index, site));
    return this.#limited(all);
  }

  #item(value: Value, index: Values, site: object): Values {
    const keys = keysOf(index);
    this.#hashed(index);
    switch (value.kind) {
      case "container": {
        let all = value.rest;
        for (const key of keys) {
          if (key === undefined) return itemsOf(value);
          const own = value.items.get(key);
          if (own !== undefined) all = union(all, own);
          else if (key.startsWith("-") && value.type !== "dict") {
            all = union(all, itemsOf(value));
          }
        }
        return all;
      }
      case "space": {
        let all: Values = [];
        for (const key of keys) all = union(all, this.#nameIn(value, key, site));
        return all;
      }
      case "constant": {
        const at = index[0];
        if (
          typeof value.value === "string" && at?.kind === "constant" && typeof at.value === "number"
        ) {
          const letter = value.value.at(at.value);
          if (letter === undefined) return [];
          return [
            value.bytes
              ? constantOf(letter.charCodeAt(0))
              : constantOf(letter, false, value.hidden),
          ];
        }
        return [UNKNOWN_HIDDEN];
      }
      case "instance": {
        const kept = value.attributes.get("<items>") ?? [];
        return union(kept, this.#special(value, ["__getitem__", "__missing__"], [index]));
      }
      case "class": {
        const own = this.#member(value, "__class_getitem__");
        let all: Values = this.#callAll(own, { ...NO_ARGUMENTS, positions: [[value], index] });
        for (const meta of this.#metaclasses(value)) {
          if (meta.kind !== "class") continue;
          const positions: Values[] = [[value], index];
          all = union(
            all,
            this.#callAll(this.#member(meta, "__getitem__"), { ...NO_ARGUMENTS, positions }),
          );
        }
        return all.length > 0 ? all : [value];
      }
      case "outer":
        return this.#outerItem(value, keys, site);
      default:
        return [];
    }
  }

  #outerItem(value: Outer, keys: readonly (string | undefined)[], site: object): Values {
    const { path, called, carries } = value;
    if (path === "sys.modules") {
      let all: Values = [];
      for (const key of keys) {
        const given = key === undefined ? undefined : this.#given.get(`<module>${key}`);
        if (given !== undefined) all = union(all, given);
        if (key === "<module>" || key === "__main__") all = union(all, [this.#moduleValue()]);
        else all = union(all, [this.#outer(key === undefined ? COMPUTED : shortest(key))]);
      }
      return all;
    }
    if (path === "builtins" || path === "builtins.__dict__") {
      let all: Values = [];
      for (const key of keys) {
        all = union(all, this.#nameIn(this.#space(this.#outer("builtins")), key, site));
      }
      return all;
    }
    if (/__subclasses__$/u.test(path) && !path.startsWith("<own>")) {
      return [this.#outer(`builtins.${COMPUTED}`)];
    }
    if (/(?:__bases__|__mro__|\.mro)$/u.test(path)) return [this.#outer("builtins.object")];
    if (called) {
      // An item of what carries something may be it.
      const kept = carries.filter(({ kind }) => kind !== "constant");
      return union([value], kept);
    }
    return [this.#outer(path, true)];
  }

  /** The module itself, as a mapping whose attributes are its names. */
  #moduleValue(): Value {
    return this.#space(this.#module);
  }

  /** A name of a mapping of names. */
  #nameIn({ of }: Space, key: string | undefined, site: object): Values {
    if (of instanceof Scope) {
      if (key !== undefined) return this.#lookup(key, of);
      let all: Values = this.#given.get("<globals>") ?? [];
      for (const [name, each] of of.names) {
        if (name !== "__builtins__") {
          all = union(
            all,
            each.filter((one) => one.kind !== "constant"),
          );
        }
      }
      return this.#limited(all);
    }
    if (of.kind === "class") {
      if (key !== undefined) return this.#member(of, key);
      return this.#allOf(of.members);
    }
    if (of.kind === "instance") {
      return key === undefined ? this.#allOf(of.attributes) : of.attributes.get(key) ?? [];
    }
    return this.#named(of, key, site);
  }

  #allOf(map: ReadonlyMap<string, Values>): Values {
    let all: Values = [];
    for (const each of map.values()) all = union(all, each);
    return all;
  }

  /** An attribute by a name that may not be known. */
  #named(value: Value, name: string | undefined, site: object): Values {
    if (name !== undefined) {
      const parts = /^[\p{XID_Start}_][\p{XID_Continue}]*$/u.test(name)
        ? name.normalize("NFKC")
        : name;
      if (value.kind === "space" && value.of instanceof Scope) return this.#lookup(parts, value.of);
      return this.#attribute(value, parts, site);
    }
    switch (value.kind) {
      case "outer":
        if (!REACHING.test(value.path) && !/<computed>$/u.test(value.path)) return [];
        return [this.#outer(`${value.path}.${COMPUTED}`, false)];
      case "class":
        return union(this.#allOf(value.members), []);
      case "instance": {
        let all = this.#allOf(value.attributes);
        for (const each of this.#allOf(value.of.members)) {
          all = union(all, [each.kind === "function" ? this.#pair(each, value) : each]);
        }
        return union(all, this.#special(value, ["__getattr__", "__getattribute__"], [[]]));
      }
      case "space":
        return this.#nameIn(value, undefined, site);
      default:
        return [];
    }
  }

  /** What a loop over values goes through. */
  #elements(values: Values, site: object): Values {
    let all: Values = [];
    for (const each of values) {
      this.#step(1);
      if (each.kind === "container") {
        if (each.type === "dict") {
          for (const key of each.items.keys()) {
            if (key !== "<keys>") all = union(all, [constantOf(key)]);
          }
          all = union(all, each.items.get("<keys>") ?? []);
          if (each.rest.length > 0) all = union(all, [UNKNOWN_CONSTANT]);
        } else all = union(all, itemsOf(each));
      } else if (each.kind === "constant") {
        const letters = elementsInOrder(each);
        all = union(
          all,
          letters !== undefined && letters.length <= 16 ? letters : [UNKNOWN_HIDDEN],
        );
      } else if (each.kind === "instance") {
        const given = this.#special(each, ITERATION);
        for (const one of given) {
          if (one.kind === "container") all = union(all, itemsOf(one));
          else if (one.kind === "instance" && one !== each) {
            all = union(all, this.#special(one, ["__next__"]));
          }
        }
        all = union(all, given);
        all = union(all, each.attributes.get("<items>") ?? []);
      } else if (each.kind === "outer") all = union(all, this.#outerItem(each, [undefined], site));
      else if (each.kind === "class") {
        for (const meta of this.#metaclasses(each)) {
          if (meta.kind !== "class") continue;
          const given = this.#callAll(this.#member(meta, "__iter__"), {
            ...NO_ARGUMENTS,
            positions: [[each]],
          });
          for (const one of given) if (one.kind === "container") all = union(all, itemsOf(one));
        }
        // Members of an enumeration.
        all = union(all, [each.instance]);
      } else if (each.kind === "space") all = union(all, this.#spaceKeys(each));
      else if (each.kind === "method" || each.kind === "function" || each.kind === "bound") {
        all = union(all, []);
      }
    }
    return this.#limited(all);
  }

  #spaceKeys({ of }: Space): Values {
    if (!(of instanceof Scope)) return [UNKNOWN_CONSTANT];
    return [UNKNOWN_CONSTANT];
  }

  // Calls ---------------------------------------------------------------------------

  #callAll(values: Values, given: Arguments, site?: CallSite, decorates = false): Values {
    let all: Values = [];
    for (const each of values) {
      all = union(all, this.#call(each, given, site, decorates));
    }
    return this.#limited(all);
  }

  #call(value: Value, given: Arguments, site?: CallSite, decorates = false): Values {
    this.#step(2);
    if (value.kind === "function") return this.#callFunction(value, given);
    // What is called within its own call, by no function of the module, gives nothing new.
    const active = this.#active.get(value) ?? 0;
    if (active >= ACTIVE) return [];
    this.#active.set(value, active + 1);
    try {
      return this.#callOne(value, given, site, decorates);
    } finally {
      this.#active.set(value, active);
    }
  }

  #callOne(value: Value, given: Arguments, site?: CallSite, decorates = false): Values {
    switch (value.kind) {
      case "function":
        return this.#callFunction(value, given);
      case "bound":
        if (value.self.kind === "constant" && value.target.kind !== "outer") {
          return this.#call(value.target, given, site);
        }
        return this.#callBound(value.target, value.self, given, site);
      case "class":
        return this.#make(value, given, site);
      case "instance":
        return this.#callInstance(value, given);
      case "partial": {
        const positions = [...value.first, ...given.positions];
        const named = new Map([...value.named, ...given.named]);
        return this.#callAll(value.target, { positions, named, rest: given.rest }, site);
      }
      case "method":
        return this.#callMethod(value.self, value.name, given, site);
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
    for (const each of this.#member(value.of, "__call__")) {
      const isPlain = each.kind === "function" || each.kind === "partial";
      const positions = isPlain ? [[value] as Values, ...given.positions] : given.positions;
      all = union(all, this.#call(each, { ...given, positions }));
    }
    if (all.length > 0 || this.#member(value.of, "__call__").length > 0) return all;
    // What a class of another module calls of its subclass: `forward`, `main`.
    if (this.#outerBases(value.of).length > 0) this.#callOwn(value, HANDED_ALL);
    return all;
  }

  #callBound(target: Value, self: Value, given: Arguments, site?: CallSite): Values {
    if (target.kind === "outer" && self.kind === "instance") {
      return this.#callInherited(target, self, given, site);
    }
    return this.#call(target, { ...given, positions: [[self], ...given.positions] }, site);
  }

  /** A method that a class of another module gives an object of this one's. */
  #callInherited(target: Outer, self: Instance, given: Arguments, site?: CallSite): Values {
    const result = this.#callOuter(target, given, site);
    const name = target.path.slice(target.path.lastIndexOf(".") + 1);
    if (/^__\w+__$/u.test(name)) return result;
    if (name === "start") {
      if (this.#outerBases(self.of).some(({ path }) => STARTED.test(path))) {
        for (const each of this.#member(self.of, "run")) this.#defer(this.#pairOf(each, self), []);
      }
      return result;
    }
    this.#callOwn(self, HANDED_ALL);
    const kept = self.attributes.get("<items>") ?? [];
    for (const each of [...given.positions, ...given.named.values()]) {
      const carried = each.filter((one) => isCarried(one));
      if (carried.length > 0) this.#addTo(self.attributes, "<items>", carried);
    }
    return union(result, kept);
  }

  #pairOf(each: Value, self: Instance): Value {
    return each.kind === "function" || each.kind === "partial" ? this.#pair(each, self) : each;
  }

  /** Calls an object's own methods, for something that nothing can see into. */
  #callOwn(value: Instance, which: RegExp): void {
    const seen = new Set<Class>([value.of]);
    for (const of of seen) {
      for (const base of of.bases) if (base.kind === "class") seen.add(base);
      for (const [name, members] of of.members) {
        if (!which.test(name)) continue;
        for (const each of members) {
          if (each.kind === "function") this.#call(this.#pair(each, value), NO_ARGUMENTS);
        }
      }
    }
  }

  /** Makes an object of a class of the module. */
  #make(of: Class, given: Arguments, site?: CallSite): Values {
    let all: Values = [];
    for (const meta of this.#metaclasses(of)) {
      if (meta.kind !== "class") continue;
      const positions: Values[] = [[of], ...given.positions];
      all = union(all, this.#callAll(this.#member(meta, "__call__"), { ...given, positions }));
    }
    // A class that makes classes.
    if (this.#outerBases(of).some(({ path }) => METACLASS.test(path))) {
      all = union(all, this.#newClass(given, site?.site ?? of, of));
    }
    const made = this.#member(of, "__new__");
    const positions: Values[] = [[of], ...given.positions];
    for (const each of made) {
      const target = each.kind === "bound" && each.self.kind === "constant" ? each.target : each;
      all = union(all, this.#call(target, { ...given, positions }));
    }
    const self: Values[] = [[of.instance], ...given.positions];
    this.#callAll(this.#member(of, "__init__"), { ...given, positions: self });
    this.#callAll(this.#member(of, "__post_init__"), { ...given, positions: [[of.instance]] });
    for (const each of this.#member(of, "__del__")) {
      this.#defer(this.#pairOf(each, of.instance), []);
    }
    const bases = this.#outerBases(of);
    if (bases.length > 0) {
      for (const base of bases) {
        if (isSensitive(base.path) && !base.called) {
          this.#note(base.path, false, site, given);
        }
      }
      // Fields of tuples, mappings and data classes.
      const carried = this.#carried(given);
      if (carried.length > 0) {
        const items = union(
          carried,
          this.#elements(carried.filter(({ kind }) => kind === "container"), of),
        );
        this.#addTo(of.instance.attributes, "<items>", union(items, this.#valuesOf(items)));
      }
    }
    // Fields of data classes whose values a function makes.
    for (const [name, values] of of.members) {
      for (const each of values) {
        if (each.kind !== "outer" || !each.called || each.carries.length === 0) continue;
        if (!/(?:^|\.)(?:field|Field|attrib|ib|attr)$/u.test(each.path)) continue;
        for (const one of each.carries) {
          if (one.kind === "constant" || one.kind === "instance") continue;
          this.#addTo(of.instance.attributes, name, this.#call(one, NO_ARGUMENTS, site));
        }
      }
    }
    // A data class keeps its arguments under the names of its fields.
    if (this.#member(of, "__init__").length === 0) {
      for (const [name, values] of given.named) this.#addTo(of.instance.attributes, name, values);
      const fields = [...of.members.keys()];
      for (const [at, values] of given.positions.entries()) {
        const carried = values.filter((each) => isCarried(each));
        if (carried.length === 0) continue;
        this.#addTo(of.instance.attributes, fields[at] ?? COMPUTED, carried);
        this.#addTo(of.instance.attributes, COMPUTED, carried);
      }
    }
    return union(all, [of.instance]);
  }

  #carried(given: Arguments): Values {
    let all: Values = [];
    for (const each of [...given.positions, ...given.named.values(), given.rest]) {
      all = union(all, each.filter((one) => isCarried(one)));
    }
    return all;
  }

  #callFunction(code: Code, given: Arguments): Values {
    this.#bindParameters(code, given);
    if (code.running) {
      if (code.version === undefined) this.#pending.add(code);
      return code.returns;
    }
    if (code.version === this.#version) return code.returns;
    if (this.#entered.has(code) || this.#callDepth >= CALL_DEPTH) {
      this.#pending.add(code);
      return code.returns;
    }
    return this.#enter(code);
  }

  /** Reads the body of a function, with what its parameters may be. */
  #enter(code: Code): Values {
    code.running = true;
    this.#entered.add(code);
    this.#callDepth++;
    const [origin, looping] = [this.#origin, this.#looping];
    this.#origin = code.origin;
    this.#looping = 0;
    code.version = this.#version;
    try {
      if (code.node.body !== undefined) {
        this.#return(this.#value(code.node.body, code.scope), code.scope);
      } else this.#block(this.#body(code.node), code.scope);
    } finally {
      code.running = false;
      code.scope.again = true;
      this.#callDepth--;
      this.#origin = origin;
      this.#looping = looping;
    }
    return code.returns;
  }

  /**
   * Runs something at the module's own level: functions are read once on the way, and again at its end
   * until they give nothing new.
   */
  #settled(run: () => Values): Values {
    if (this.#callDepth > 0 || this.#settling) return run();
    this.#settling = true;
    try {
      for (let round = 0;; round++) {
        this.#entered.clear();
        const result = run();
        const returned = this.#returned;
        this.#settle();
        if (this.#returned === returned) return result;
        if (round >= ROUNDS) {
          this.#cut ??= "what its functions give is not understood";
          return result;
        }
      }
    } finally {
      this.#settling = false;
    }
  }

  #settle(): void {
    for (let round = 0; this.#entered.size > 0 || this.#pending.size > 0; round++) {
      const stale = new Set(this.#pending);
      this.#pending.clear();
      for (const code of this.#entered) if (code.version !== this.#version) stale.add(code);
      if (stale.size === 0) return;
      if (round >= ROUNDS) {
        this.#cut ??= "a function of it is not understood";
        return;
      }
      for (const code of stale) if (code.version !== this.#version) this.#enter(code);
    }
  }

  #body(node: FunctionNode): readonly Statement[] {
    const known = this.#bodies.get(node);
    if (known !== undefined) return known;
    const { tokens, base, from, to } = node;
    const grammar = new Grammar(tokens, this.#reading, this.#step1, { from, base });
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
        const made = this.#site<Container>(code.node, `*${name}`, () => containerOf("tuple"));
        for (let index = 0; at < given.positions.length; at++, index++) {
          this.#addItem(made, String(index), given.positions[at] ?? []);
        }
        this.#addRest(made, given.rest);
        values = [made];
      } else if (stars === 2) {
        const made = this.#site<Container>(code.node, `**${name}`, () => containerOf("dict"));
        for (const [key, each] of given.named) if (!used.has(key)) this.#addItem(made, key, each);
        this.#addRest(made, given.rest);
        values = [made];
      } else {
        const named = given.named.get(name);
        used.add(name);
        const own = at < given.positions.length && named === undefined
          ? given.positions[at++]
          : undefined;
        values = union(own ?? named ?? code.defaults.get(name) ?? [], given.rest);
      }
      const old = names.get(name);
      const all = this.#limited(union(old ?? [], known(values)));
      if (all === old) continue;
      names.set(name, all);
      // Its parameters alone concern no other function.
      code.version = undefined;
      this.#changes++;
    }
  }

  #defer(value: Value, given: Values): void {
    const old = this.#deferred.get(value);
    const all = union(old ?? [], given);
    if (all !== old || old === undefined) this.#deferred.set(value, all);
  }

  /** Calls a method of a constant, a container or a mapping of names. */
  #callMethod(self: Value, name: string, given: Arguments, site?: CallSite): Values {
    const at = site?.site ?? self;
    const first = given.positions[0] ?? [];
    if (name === "__getattribute__" || name === "__getattr__") {
      // `object.__getattribute__(x, name)`
      const [, second] = given.positions;
      return second === undefined
        ? this.#getattr([self], first, at)
        : this.#getattr(first, second, at);
    }
    if (name === "__get__") {
      let all: Values = [];
      for (const each of first) all = union(all, [this.#pair(self, each)]);
      return union(all, [self]);
    }
    switch (self.kind) {
      case "constant":
        return this.#textMethod(self, name, given, at);
      case "property":
        if (name === "getter") self.get = union(self.get, first);
        else self.set = union(self.set, first);
        return [self];
      case "space":
        return this.#spaceMethod(self, name, given, site);
      case "container":
        return this.#containerMethod(self, name, given, at);
      case "instance":
        return self.attributes.get("<items>") ?? [];
      default:
        return [];
    }
  }

  #textMethod(self: Constant, name: string, given: Arguments, site: object): Values {
    const sets = [...given.positions, ...given.named.values()];
    for (const set of sets) {
      for (const each of set) {
        if (each.kind === "instance") {
          this.#special(each, ["__str__", "__repr__", "__format__", ...ITERATION]);
        }
      }
    }
    if (name === "join" && typeof self.value === "string") return this.#join(self, given, site);
    const constants: Constant["value"][] = [];
    let known = true;
    for (const each of given.positions) {
      const [only] = each;
      if (each.length === 1 && only?.kind === "constant" && only.value !== undefined) {
        constants.push(only.value);
      } else known = false;
    }
    if (name === "format" && typeof self.value === "string") {
      const folded = known && given.named.size === 0 ? formatted(self.value, constants) : undefined;
      if (folded !== undefined) return [constantOf(folded)];
    }
    if (name === "split" || name === "splitlines" || name === "rsplit" || name === "partition") {
      if (typeof self.value === "string" && self.value.length < 4096 && known) {
        const by = typeof constants[0] === "string" && constants[0] !== "" ? constants[0] : /\s+/u;
        const made = this.#site<Container>(site, `split ${self.value}`, () => containerOf("list"));
        for (const [at, part] of self.value.split(by).slice(0, 512).entries()) {
          this.#addItem(made, String(at), [constantOf(part, self.bytes, self.hidden)]);
        }
        return [made];
      }
      return [this.#listOf(site, "list", [UNKNOWN_CONSTANT])];
    }
    const folded = known ? foldMethod(self, name, constants) : undefined;
    if (folded !== undefined) return [this.#bounded(folded)];
    const carried = this.#carried(given).filter(({ kind }) => kind !== "constant");
    if (carried.length > 0) return [this.#outer("builtins.str", true, site, this.#carried(given))];
    if (/^(?:translate|decode|encode|expandtabs|zfill|swapcase)$/u.test(name)) {
      return [UNKNOWN_HIDDEN];
    }
    return [unknownOf(self, ...given.positions.flat().filter((each) => each.kind === "constant"))];
  }

  #join(self: Constant, given: Arguments, site: object): Values {
    const [values = []] = given.positions;
    const [only] = values;
    const items = only !== undefined && values.length === 1 ? elementsInOrder(only) : undefined;
    if (
      items !== undefined &&
      items.every(({ kind, value }) => kind === "constant" && typeof value === "string")
    ) {
      const text = items.map(({ value }) => value).join(String(self.value));
      return [this.#bounded(constantOf(text, self.bytes, items.some(({ hidden }) => hidden)))];
    }
    const carried: Value[] = [];
    for (const each of values) {
      if (each.kind === "container") {
        for (const item of itemsOf(each)) if (isCarried(item)) carried.push(item);
      } else if (isCarried(each)) carried.push(each);
    }
    if (carried.some(({ kind }) => kind !== "constant")) {
      return [this.#outer("builtins.str", true, site, carried)];
    }
    return [carried.length > 0 ? UNKNOWN_HIDDEN : UNKNOWN_CONSTANT];
  }

  #spaceMethod(self: Space, name: string, given: Arguments, site?: CallSite): Values {
    const at = site ?? { at: 0, end: 0, site: self };
    const [first = [], second = []] = given.positions;
    switch (name) {
      case "get":
      case "pop":
      case "__getitem__":
        return union(this.#item(self, first, at.site), second);
      case "setdefault":
        this.#setItem(self, first, second, at);
        return union(this.#item(self, first, at.site), second);
      case "__setitem__":
        this.#setItem(self, first, second, at);
        return [];
      case "update": {
        for (const [key, values] of given.named) this.#setName(self, key, values, at);
        for (const each of first) {
          if (each.kind !== "container") continue;
          const all = containerOf("dict");
          this.#update(all, [each]);
          for (const [key, values] of all.items) this.#setName(self, key, values, at);
          if (all.rest.length > 0) this.#setName(self, undefined, all.rest, at);
        }
        return [];
      }
      case "copy":
        return [self];
      case "values":
        return [this.#listOf(at.site, "list", this.#nameIn(self, undefined, at.site))];
      case "items": {
        const pair = this.#site<Container>(at.site, "pair", () => containerOf("tuple"));
        this.#addItem(pair, "0", [UNKNOWN_CONSTANT]);
        this.#addItem(pair, "1", this.#nameIn(self, undefined, at.site));
        return [this.#listOf(at.site, "list", [pair])];
      }
      default: {
        // The module itself: its names are attributes.
        const { of } = self;
        if (of instanceof Scope && of.names.has(name)) {
          return this.#callAll(of.names.get(name) ?? [], given, site);
        }
        return [];
      }
    }
  }

  #containerMethod(self: Container, name: string, given: Arguments, site: object): Values {
    const [first = [], second = []] = given.positions;
    switch (name) {
      case "append":
      case "add":
      case "appendleft":
      case "extend":
      case "insert":
        this.#addRest(
          self,
          name === "extend" ? this.#elements(first, site) : name === "insert" ? second : first,
        );
        this.#hashed(first);
        return [];
      case "update":
        if (self.type === "dict") {
          this.#update(self, first);
          for (const [key, values] of given.named) this.#addItem(self, key, values);
        } else for (const each of given.positions) this.#addRest(self, this.#elements(each, site));
        return [];
      case "get":
      case "pop":
      case "setdefault":
      case "__getitem__":
        if (name === "setdefault") {
          for (const key of keysOf(first)) this.#addItem(self, key, second);
        }
        return union(first.length === 0 ? itemsOf(self) : this.#item(self, first, site), second);
      case "__setitem__":
        for (const key of keysOf(first)) this.#addItem(self, key, second);
        return [];
      case "popitem":
      case "items": {
        const pair = this.#site<Container>(site, "pair", () => containerOf("tuple"));
        this.#addItem(pair, "0", union([UNKNOWN_CONSTANT], self.items.get("<keys>") ?? []));
        this.#addItem(pair, "1", itemsOf(self));
        return name === "items" ? [this.#listOf(site, "list", [pair])] : [pair];
      }
      case "values":
      case "__iter__":
      case "copy":
      case "union":
      case "__reversed__":
      case "difference":
      case "intersection":
      case "__add__":
      case "__or__":
      case "__mul__":
      case "__iadd__":
      case "__ior__": {
        const rest = self.type === "dict" && name === "__iter__"
          ? this.#elements([self], site)
          : itemsOf(self);
        const made = this.#listOf(site, name === "copy" ? self.type : "list", rest);
        for (const each of given.positions) this.#addRest(made, this.#elements(each, site));
        return [name === "copy" ? self : made];
      }
      case "keys":
        return [this.#listOf(site, "list", this.#elements([self], site))];
      case "__next__":
      case "send":
      case "popleft":
        return itemsOf(self);
      case "sort":
        for (const [key, values] of given.named) {
          if (key === "key") this.#callAll(values, { ...NO_ARGUMENTS, positions: [itemsOf(self)] });
        }
        for (const each of itemsOf(self)) {
          if (each.kind === "instance") this.#special(each, ["__lt__", "__gt__"]);
        }
        return [];
      case "index":
      case "count":
      case "remove":
      case "discard":
      case "__contains__":
        for (const each of union(itemsOf(self), first)) {
          if (each.kind === "instance") this.#special(each, ["__eq__", "__hash__"], [first]);
        }
        return [];
      default:
        return [];
    }
  }

  #getattr(values: Values, names: Values, site: object): Values {
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
          all = union(all, inner);
        } else all = union(all, this.#named(each, name, site));
      }
    }
    return this.#limited(all);
  }

  /** Calls something of another module. */
  #callOuter(value: Outer, given: Arguments, site?: CallSite, decorates = false): Values {
    const { path, called, carries } = value;
    if (called && carries.length > 0) {
      const inner = this.#callCarried(value, given, site);
      this.#note(path, true, site, given, [value]);
      const all = this.#carried(given);
      const kept = union(carries, all);
      // A method keeps what it is given: the object may use it later.
      return union(inner, [this.#outer(path, true, site?.site ?? value, kept, value.base)]);
    }
    const model = this.#model(path, given, site, value);
    if (model !== undefined) return model;
    this.#note(path, true, site, given, [value]);
    const at = site?.site ?? value;
    const standard = isListedStandardModule(path.split(".")[0] ?? "");
    this.#hand(path, given, standard, site, decorates);
    const kept = this.#carried(given);
    return [this.#outer(path, true, at, kept, called ? value.base : path)];
  }

  /** What is carried by what is called may be called by it. */
  #callCarried(value: Outer, given: Arguments, site?: CallSite): Values {
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
          all = union(all, this.#call(each, inner, site));
          break;
        case "class":
          if (through) all = union(all, this.#call(each, inner, site));
          break;
        case "outer":
          if (/\.[A-Z][A-Z0-9_]*$/u.test(each.path)) break;
          if (
            standard && !each.called && each.path.includes(".") &&
            (through || RISKY.test(each.path))
          ) {
            all = union(all, this.#call(each, inner, site));
          }
      }
    }
    return all;
  }

  /** Runs functions that are handed to something which calls them. */
  #hand(
    path: string,
    given: Arguments,
    standard: boolean,
    site: CallSite | undefined,
    decorates: boolean,
  ): void {
    const runs = runsArguments(path, standard);
    const sets = [...given.positions, ...given.named.values(), given.rest];
    for (const set of sets) {
      for (const each of set) this.#handOne(each, { runs, standard, decorates }, sets, site);
    }
  }

  #handOne(
    each: Value,
    how: { readonly runs: boolean; readonly standard: boolean; readonly decorates: boolean },
    sets: readonly Values[],
    site: CallSite | undefined,
    depth = 0,
  ): void {
    switch (each.kind) {
      case "function":
      case "bound":
      case "partial":
        if (how.runs) this.#defer(each, this.#others(sets, each));
        return;
      case "outer":
        if (each.called || !isSensitive(each.path) || !each.path.includes(".")) return;
        // Constants of a module are not called.
        if (/\.[A-Z][A-Z0-9_]*$/u.test(each.path)) return;
        if (how.runs) this.#call(each, { ...NO_ARGUMENTS, rest: this.#others(sets, each) }, site);
        else this.#note(each.path, false, site, NO_ARGUMENTS);
        return;
      case "instance":
        if (how.standard) this.#callOwn(each, HANDED_METHODS);
        if (how.runs && this.#member(each.of, "__call__").length > 0) this.#defer(each, []);
        return;
      case "class":
        if (how.runs && !how.decorates && this.#hasConstructor(each)) this.#defer(each, []);
        return;
      case "container":
        if (depth > 2 || each.items.size + each.rest.length > 256) return;
        for (const one of itemsOf(each)) this.#handOne(one, how, sets, site, depth + 1);
    }
  }

  #hasConstructor(of: Class): boolean {
    return ["__init__", "__new__", "__post_init__"].some((name) =>
      this.#member(of, name).length > 0
    );
  }

  /** What a function that is handed over may be given: what stands beside it. */
  #others(sets: readonly Values[], self: Value): Values {
    let all: Values = [];
    for (const set of sets) {
      for (const each of set) {
        if (each === self) continue;
        if (each.kind === "container") all = union(all, itemsOf(each));
        all = union(all, [each]);
      }
    }
    return all.length > 64 ? all.slice(0, 64) : all;
  }

  #note(
    path: string,
    called: boolean,
    site: CallSite | undefined,
    given: Arguments,
    self: Values = [],
  ): void {
    if (!path.includes(".") || path.startsWith(".") || path.startsWith("<module>")) return;
    const { at, end } = this.#origin ?? site ?? { at: 0, end: 0 };
    let kept = this.#calls.get(path);
    if (kept === undefined) this.#calls.set(path, kept = []);
    const sensitive = isSensitive(path);
    if (!sensitive && kept.length > 0 && !/load|dump|open|write|post|get|send/iu.test(path)) return;
    for (const one of kept) if (one.at === at && one.called === called && !sensitive) return;
    const sets = [...given.positions, ...given.named.values(), given.rest];
    const all = given.rest.length > 0 || sets.length > 0 || self.length > 0;
    const facts = givenOf(given.rest.length > 0 ? sets : sets.slice(0, -1));
    const traits = all ? traitsOf(path, facts, given.named, self) : [];
    const remarkable = traits.some((each) => each !== "constant");
    const known = kept.find((one) => one.at === at && one.called === called);
    if (known !== undefined) {
      const more = traits.filter((each) => !known.traits.includes(each) && each !== "constant");
      if (more.length === 0) return;
      kept.splice(kept.indexOf(known), 1, { ...known, traits: [...known.traits, ...more] });
      return;
    }
    if (kept.length >= CALLS_OF_ONE && !remarkable) return;
    if (this.#kept >= CALLS || kept.length > 512) {
      this.#cut ??= "it has more calls than are kept";
      return;
    }
    this.#kept++;
    const texts = facts.constants.flatMap(({ value, hidden }) =>
      typeof value === "string" && (hidden || this.#origin !== undefined || value.length < 2048)
        ? [value.slice(0, 2048)]
        : []
    );
    kept.push({ path, at, end, called, traits, texts: texts.slice(0, 8) });
  }

  /** Reads code that is given as text. */
  #exec(
    values: Values,
    span: { readonly at: number; readonly end: number },
    scope: Scope,
    path = "builtins.exec",
  ): Values {
    let all: Values = [];
    let computed = values.length === 0;
    for (const each of values) {
      if (each.kind !== "constant" || typeof each.value !== "string") {
        if (each.kind === "function") all = union(all, this.#call(each, NO_ARGUMENTS));
        else if (each.kind !== "constant" || each.value === undefined) computed = true;
        continue;
      }
      if (each.hidden || this.#codeDepth >= CODE_DEPTH) {
        this.#note(path, true, { ...span, site: each }, { ...NO_ARGUMENTS, positions: [[each]] });
      }
      if (this.#codeDepth >= CODE_DEPTH) {
        this.#cut ??= "code stands in code too deeply";
        continue;
      }
      const [origin, conditional] = [this.#origin, this.#looping];
      this.#origin ??= { at: span.at, end: span.end };
      this.#codeDepth++;
      scope.conditional++;
      try {
        const error = this.#reading.error;
        all = union(
          all,
          this.#inner(each, path === "builtins.eval" ? each.value.trimStart() : each.value, scope),
        );
        // Text that is no Python is refused where it is run.
        this.#reading.error = error;
      } finally {
        scope.conditional--;
        this.#codeDepth--;
        this.#origin = origin;
        this.#looping = conditional;
      }
    }
    if (computed) {
      this.#note(path, true, { ...span, site: values }, { ...NO_ARGUMENTS, positions: [values] });
    }
    return all;
  }

  /** Runs a text of code; one that was read is not split again where a loop runs it again. */
  #inner(at: Value, text: string, scope: Scope): Values {
    this.#step(1 + (text.length >> 4));
    const known = this.#texts.get(text);
    if (known !== undefined) {
      let last: Values = [];
      for (const each of known) last = this.#statement(each, scope);
      return last;
    }
    if (text.length > 65_536 || at.kind !== "constant") return this.#source(text, scope);
    const tokens = new Tokens(text, this.#deadline);
    if (tokens.cut) this.#cut ??= "it has more words, or deeper formatted strings, than are read";
    const grammar = new Grammar(tokens, this.#reading, this.#step1);
    const statements: Statement[] = [];
    while (!grammar.isDone()) for (const each of grammar.next()) statements.push(each);
    if (this.#texts.size < 256) this.#texts.set(text, statements);
    let last: Values = [];
    for (const each of statements) last = this.#statement(each, scope);
    return last;
  }
  readonly #texts = new Map<string, readonly Statement[]>();

  /** Makes a class by a call: `type(name, bases, names)`. */
  #newClass(given: Arguments, site: object, metaclass?: Class): Values {
    const [name = [], bases = [], names = []] = given.positions;
    if (given.positions.length < 3) return [];
    const made = this.#site<Class>(site, "class", () => {
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
    made.bases = union(made.bases, this.#elements(bases, site));
    for (const each of names) {
      if (each.kind === "container") {
        for (const [key, values] of each.items) this.#addTo(made.members, key, values);
        if (each.rest.length > 0) this.#addTo(made.members, COMPUTED, each.rest);
      } else if (each.kind === "space" && !(each.of instanceof Scope) && each.of.kind === "class") {
        for (const [key, values] of each.of.members) this.#addTo(made.members, key, values);
      }
    }
    return this.#defined(made, given.named, site);
  }

  /** What functions do whose results matter; undefined for all others. */
  #model(
    path: string,
    given: Arguments,
    site: CallSite | undefined,
    value: Outer,
  ): Values | undefined {
    const [first = [], second = [], third = []] = given.positions;
    const at = site?.site ?? value;
    const span = site ?? { at: 0, end: 0, site: value };
    const scope = site?.scope ?? this.#module;
    const name = path.startsWith("builtins.") ? path.slice(9) : path;
    switch (name) {
      case "getattr": {
        this.#note(path, true, site, given);
        let all = this.#getattr(
          union(first, given.positions.length === 0 ? given.rest : []),
          given.positions.length < 2 ? given.rest : second,
          at,
        );
        if (given.positions.length > 2) all = union(all, third);
        return all;
      }
      case "setattr":
        for (const owner of first) {
          for (const text of textsOf(second)) {
            if (owner.kind === "space") this.#setName(owner, text, third, span);
            else this.#setAttribute(owner, text ?? COMPUTED, third, span);
          }
        }
        return [];
      case "hasattr":
        for (const each of first) if (each.kind === "instance") this.#getattr([each], second, at);
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
        this.#note(path, true, site, given);
        return this.#imported(
          name,
          given.named.get("name") ?? (given.positions.length > 0 ? first : given.rest),
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
        const inner = this.#namespace(names, scope, at);
        if (name === "execfile") {
          this.#note(path, true, site, given);
          return [];
        }
        const all = this.#exec(code, span, inner, path);
        for (const each of names) if (each.kind === "container") this.#export(inner, each);
        return name === "eval" ? all : [];
      }
      case "compile": {
        const known = first.filter((each) =>
          each.kind === "constant" && typeof each.value === "string"
        );
        if (known.length > 0 && known.length === first.length) return known;
        this.#note(path, true, site, given);
        return [this.#outer(path, true, at, this.#carried(given))];
      }
      case "globals":
        return [this.#space(this.#module)];
      case "locals":
        return [this.#space(scope)];
      case "vars":
      case "dir":
        if (first.length === 0 && given.positions.length === 0) return [this.#space(scope)];
        if (name === "dir") {
          for (const each of first) if (each.kind === "instance") this.#special(each, ["__dir__"]);
          return [this.#listOf(at, "list", [UNKNOWN_CONSTANT])];
        }
        return this.#attributes(first, "__dict__", at);
      case "sys._getframe":
      case "inspect.currentframe":
        return [this.#outer("sys._getframe", true)];
      case "inspect.getmodule":
      case "sys.modules.get":
      case "sys.modules.pop":
      case "sys.modules.__getitem__":
      case "sys.modules.setdefault":
        if (name !== "inspect.getmodule") {
          return union(this.#outerItem(this.#outer("sys.modules"), keysOf(first), at), second);
        }
        return first.map((each) =>
          each.kind === "outer"
            ? this.#outer(
              each.path.includes(".")
                ? shortest(each.path.slice(0, each.path.lastIndexOf(".")))
                : each.path,
            )
            : this.#moduleValue()
        );
      case "inspect.getattr_static":
      case "inspect.unwrap":
        return name.endsWith("unwrap") ? first : this.#getattr(first, second, at);
      case "super": {
        const method = this.#functionOf(scope);
        const owner = second.length > 0
          ? second
          : method.code?.owner === undefined
          ? []
          : [method.code.owner.instance];
        return owner.flatMap((each) =>
          each.kind === "instance" || each.kind === "class" ? [this.#superOf(each, at)] : []
        );
      }
      case "property":
      case "functools.cached_property": {
        const made = this.#site<Property>(
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
        return first.map((each) =>
          this.#pair(each, name === "classmethod" ? CLASSMETHOD : STATICMETHOD)
        );
      case "type":
        if (given.positions.length >= 3) return this.#newClass(given, at);
        return first.flatMap((each) => this.#attribute(each, "__class__", at));
      case "types.new_class": {
        const body = given.positions[3] ?? given.named.get("exec_body") ?? [];
        const names = this.#site<Container>(at, "body", () => containerOf("dict"));
        this.#callAll(body, { ...NO_ARGUMENTS, positions: [[names]] });
        return this.#newClass(
          { positions: [first, second, [names]], named: new Map(), rest: [] },
          at,
        );
      }
      case "types.MethodType":
      case "functools.partial":
      case "functools.partialmethod": {
        const made = this.#site<Partial>(
          at,
          "partial",
          () => ({ kind: "partial", target: [], first: [], named: new Map() }),
        );
        const target = union(
          made.target,
          union(first, given.positions.length === 0 ? given.rest : []),
        );
        const others = given.positions.slice(1);
        if (target !== made.target) this.#changed();
        made.target = target;
        made.first = others.map((each, index) => union(made.first[index] ?? [], each));
        if (given.rest.length > 0) made.first.push(given.rest);
        for (const [key, values] of given.named) this.#addTo(made.named, key, values);
        return [made];
      }
      case "types.FunctionType":
      case "types.LambdaType":
        this.#note(path, true, site, given);
        return union(first.filter(({ kind }) => kind === "function"), [
          this.#outer(path, true, at, this.#carried(given)),
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
          return [this.#outer("functools.<identity>")];
        }
        return functions;
      }
      case "functools.<identity>":
        return first;
      case "operator.attrgetter":
      case "operator.itemgetter":
      case "operator.methodcaller": {
        const texts = given.positions.length > 0 ? first : given.rest;
        const made = this.#outer(`${name}.<made>`, true, at, union(texts, [UNKNOWN_MARK]));
        const parts = this.#site<Partial>(
          at,
          "getter",
          () => ({
            kind: "partial",
            target: [this.#outer(`<${name}>`)],
            first: [],
            named: new Map(),
          }),
        );
        parts.first = given.positions.map((each, index) => union(parts.first[index] ?? [], each));
        if (given.rest.length > 0) parts.first.push(given.rest);
        return made.path === "" ? [] : [parts];
      }
      case "<operator.attrgetter>": {
        const objects = given.positions.at(-1) ?? [];
        const names = given.positions.slice(0, -1).flat();
        return this.#getattr(objects, names, at);
      }
      case "<operator.itemgetter>": {
        const objects = given.positions.at(-1) ?? [];
        const keys = given.positions.slice(0, -1).flat();
        return this.#items(objects, keys, at);
      }
      case "<operator.methodcaller>":
      case "operator.call": {
        if (name === "operator.call") {
          return this.#callAll(first, { ...given, positions: given.positions.slice(1) }, site);
        }
        // Name and arguments come first, the object last.
        const objects = given.positions.at(-1) ?? [];
        const methods = this.#getattr(objects, first, at);
        return this.#callAll(methods, { ...given, positions: given.positions.slice(1, -1) }, site);
      }
      case "operator.getitem":
        return this.#items(first, second, at);
      case "apply": {
        const spread = this.#elements(second, at);
        return this.#callAll(first, { positions: [], named: new Map(), rest: spread }, site);
      }
      case "map":
      case "itertools.starmap":
      case "filter":
      case "itertools.filterfalse":
      case "itertools.takewhile":
      case "itertools.dropwhile": {
        const sets = given.positions.slice(1).map((each) => this.#elements(each, at));
        const spread = name === "itertools.starmap" ? [this.#elements(sets.flat(), at)] : undefined;
        const inner: Arguments = spread === undefined
          ? { positions: sets, named: new Map(), rest: [] }
          : { positions: [], named: new Map(), rest: spread.flat() };
        const all = this.#callAll(first, inner, site);
        const made = this.#fold(first, second, at);
        if (made !== undefined) return [made];
        return [
          this.#listOf(
            at,
            "list",
            name === "map" || name === "itertools.starmap" ? all : sets.flat(),
          ),
        ];
      }
      case "functools.reduce":
      case "reduce": {
        const items = union(this.#elements(second, at), third);
        const all = this.#callAll(first, { ...NO_ARGUMENTS, positions: [items, items] }, site);
        const again = this.#callAll(first, { ...NO_ARGUMENTS, positions: [all, items] }, site);
        return union(union(items, all), again);
      }
      case "sorted":
      case "min":
      case "max":
      case "list":
      case "tuple":
      case "set":
      case "frozenset":
      case "iter":
      case "reversed":
      case "enumerate":
      case "zip":
      case "next":
      case "sum":
      case "any":
      case "all":
      case "itertools.chain":
      case "itertools.cycle":
      case "itertools.repeat":
      case "itertools.islice":
      case "itertools.chain.from_iterable":
      case "collections.deque":
      case "operator.concat":
        return this.#gathered(name, given, at, site);
      case "dict":
      case "collections.OrderedDict":
      case "collections.ChainMap":
      case "types.SimpleNamespace": {
        if (name === "types.SimpleNamespace") {
          const instance = this.#namespaceObject(at);
          for (const [key, values] of given.named) this.#addTo(instance.attributes, key, values);
          return [instance];
        }
        const made = this.#site<Container>(at, "dict", () => containerOf("dict"));
        for (const each of given.positions) this.#update(made, each);
        for (const [key, values] of given.named) this.#addItem(made, key, values);
        this.#addRest(made, given.rest.filter((each) => isCarried(each)));
        const outer = this.#carried(given).filter(({ kind }) => kind === "outer");
        return outer.length > 0 ? [made, this.#outer("builtins.dict", true, at, outer)] : [made];
      }
      case "collections.defaultdict": {
        const made = this.#site<Container>(at, "dict", () => containerOf("dict"));
        for (const each of given.positions.slice(1)) this.#update(made, each);
        for (const [key, values] of given.named) this.#addItem(made, key, values);
        this.#addRest(made, this.#callAll(first, NO_ARGUMENTS, site));
        return [made];
      }
      case "dict.fromkeys": {
        const made = this.#listOf(at, "dict", second);
        return [made];
      }
      case "range":
        return [this.#range(given, at)];
      case "str":
      case "repr":
      case "bytes":
      case "bytearray":
      case "ord":
      case "chr":
      case "int":
      case "format":
      case "ascii":
      case "print":
      case "len":
      case "hash":
      case "bool":
      case "float":
      case "round":
      case "abs":
      case "isinstance":
      case "issubclass":
      case "callable":
      case "id":
      case "object":
      case "bytes.fromhex":
      case "bytearray.fromhex":
        return this.#text(path, given, at);
      case "base64.b64decode":
      case "base64.standard_b64decode":
      case "base64.urlsafe_b64decode":
      case "base64.decodebytes":
      case "base64.b16decode":
      case "binascii.unhexlify":
      case "binascii.a2b_hex":
      case "binascii.a2b_base64":
      case "zlib.decompress":
      case "codecs.decode":
      case "codecs.encode": {
        const folded = this.#folded(path, given);
        if (folded !== undefined) return [folded];
        this.#note(path, true, site, given);
        return [this.#outer(path, true, at, this.#carried(given))];
      }
      case "str.join": {
        let all: Values = [];
        for (const each of first) {
          if (each.kind === "constant") {
            all = union(all, this.#join(each, { ...given, positions: [second] }, at));
          }
        }
        return all;
      }
      case "atexit.register":
        for (const each of first) {
          this.#defer(each, union(second, this.#others([second, third], value)));
        }
        this.#note(path, true, site, given);
        for (const each of first) {
          if (each.kind === "outer" && isSensitive(each.path)) {
            this.#call(each, { ...given, positions: given.positions.slice(1) }, site);
          }
        }
        return first;
      case "builtins.object.__subclasses__":
      case "object.__subclasses__":
      case "type.__subclasses__":
        return [this.#outer("builtins.object.__subclasses__", true)];
      case "object.__getattribute__":
      case "type.__getattribute__":
        return this.#getattr(first, second, at);
      case "object.__setattr__":
      case "type.__setattr__":
        for (const owner of first) {
          for (const text of textsOf(second)) {
            if (owner.kind === "instance") this.#addTo(owner.attributes, text ?? COMPUTED, third);
            else if (owner.kind === "class") this.#addTo(owner.members, text ?? COMPUTED, third);
          }
        }
        return [];
      case "object.__new__":
        return first.flatMap((each) => each.kind === "class" ? [each.instance] : []);
    }
    if (
      /(?:^|[._])(?:cached_?|lazy_?|class_?|abstract)?property$/iu.test(path) &&
      first.some(({ kind }) => kind === "function")
    ) {
      const made = this.#site<Property>(
        at,
        "property",
        () => ({ kind: "property", get: [], set: [] }),
      );
      made.get = union(made.get, first);
      return [made];
    }
    if (path.startsWith("<super>")) return undefined;
    return undefined;
  }

  #namespaceObject(site: object): Instance {
    const made = this.#site<Class>(site, "namespace", () => {
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
  #superOf(self: Instance | Class, site: object): Value {
    const of = self.kind === "instance" ? self.of : self;
    const made = this.#site<Class>(site, `super ${of.name}`, () => {
      const instance: { kind: "instance"; attributes: Map<string, Values>; of?: Class } = {
        ...{ kind: "instance", attributes: of.instance.attributes },
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

  #imported(name: string, values: Values): Values {
    let all: Values = [];
    for (const text of textsOf(values)) {
      if (text === undefined) {
        all = union(all, [this.#outer(COMPUTED)]);
        continue;
      }
      const path = text.replace(/^\.+/u, "").replace(":", ".");
      const root = name === "__import__" ? path.split(".")[0] ?? path : path;
      all = union(all, [text === "<module>" ? this.#moduleValue() : this.#outer(shortest(root))]);
    }
    return all;
  }

  /** The scope that code is run in which is given mappings of names. */
  #namespace(names: Values, scope: Scope, site: object): Scope {
    const [only] = names;
    if (only === undefined) return scope;
    if (only.kind === "space" && only.of instanceof Scope) return only.of;
    const inner = this.#site<Space>(site, "namespace scope", () => ({
      ...{ kind: "space", of: new Scope("module") },
    })).of as Scope;
    for (const each of names) {
      if (each.kind === "container") {
        for (const [key, values] of each.items) this.#set(inner, key, values, false);
      } else if (each.kind === "space" && each.of instanceof Scope) {
        for (const [key, values] of each.of.names) this.#set(inner, key, values, false);
      }
    }
    return inner;
  }

  #export(scope: Scope, container: Container): void {
    for (const [key, values] of scope.names) this.#addItem(container, key, values);
  }

  #folded(path: string, given: Arguments): Constant | undefined {
    const constants: Constant[] = [];
    for (const each of [...given.positions, ...given.named.values()]) {
      const [only] = each;
      if (each.length !== 1 || only?.kind !== "constant" || only.value === undefined) {
        return undefined;
      }
      constants.push(only);
    }
    return foldFunction(path, constants);
  }

  /** `map(chr, numbers)` over constants. */
  #fold(functions: Values, values: Values, site: object): Container | undefined {
    const [only] = functions;
    const [from] = values;
    if (functions.length !== 1 || values.length !== 1 || from === undefined) return undefined;
    if (only?.kind !== "outer" && only?.kind !== "function") return undefined;
    const each = elementsInOrder(from);
    if (each === undefined || each.length > 4096) return undefined;
    const made = this.#site<Container>(site, "folded", () => containerOf("list"));
    for (const [at, one] of each.entries()) {
      const folded = only.kind === "outer" ? foldFunction(only.path, [one]) : undefined;
      if (folded === undefined) return undefined;
      this.#addItem(made, String(at), [folded]);
    }
    return made;
  }

  #text(path: string, given: Arguments, site: object): Values {
    for (const set of [...given.positions, ...given.named.values()]) {
      for (const each of set) {
        if (each.kind === "instance") this.#callOwn(each, HANDED_METHODS);
      }
    }
    const [first = []] = given.positions;
    const [only] = first;
    if (
      (path === "builtins.bytes" || path === "builtins.bytearray") && only?.kind === "container"
    ) {
      const numbers = elementsInOrder(only);
      if (numbers?.every(({ value }) => typeof value === "number")) {
        const text = numbers.map(({ value }) => String.fromCharCode(Number(value) & 0xff)).join("");
        return [constantOf(text, true, text.length > 0)];
      }
    }
    const folded = this.#folded(path, given);
    if (folded !== undefined) return [folded];
    const carried = this.#carried(given);
    if (carried.some(({ kind }) => kind !== "constant")) {
      return [this.#outer("builtins.str", true, site, carried)];
    }
    if (/^builtins\.(?:chr|ord|bytes|bytearray)/u.test(path)) return [UNKNOWN_HIDDEN];
    return first.some(({ kind }) => kind === "constant") ? [UNKNOWN_CONSTANT] : [];
  }

  #range(given: Arguments, site: object): Container {
    const numbers = given.positions.map(([each]) =>
      each?.kind === "constant" && typeof each.value === "number" ? each.value : undefined
    );
    const made = this.#site<Container>(site, "range", () => containerOf("list"));
    const [a, b, step = 1] = numbers;
    const [from, to] = given.positions.length === 1 ? [0, a] : [a, b];
    if (from === undefined || to === undefined || step !== 1 || to - from > 64) {
      this.#addRest(made, [UNKNOWN_CONSTANT]);
      return made;
    }
    for (let at = from; at < to; at++) this.#addItem(made, String(at - from), [constantOf(at)]);
    return made;
  }

  /** What functions that only hand on the items of their arguments give. */
  #gathered(name: string, given: Arguments, at: object, site: CallSite | undefined): Values {
    const { positions, named } = given;
    let items: Values = [];
    for (const each of positions) items = union(items, this.#elements(each, at));
    if (/^(?:itertools\.repeat|min|max)$/u.test(name)) {
      for (const each of positions) items = union(items, each);
    }
    if (name.startsWith("itertools.chain")) items = union(items, this.#elements(items, at));
    items = union(items, this.#elements(given.rest, at));
    const key = named.get("key");
    if (key !== undefined) this.#callAll(key, { ...NO_ARGUMENTS, positions: [items] }, site);
    if (name === "iter" && positions.length === 2) {
      items = union(items, this.#callAll(positions[0] ?? [], NO_ARGUMENTS, site));
    }
    for (const each of items) {
      if (each.kind === "instance" && /sorted|min|max|sum|any|all|set/u.test(name)) {
        this.#special(each, [
          "__lt__",
          "__gt__",
          "__add__",
          "__radd__",
          "__bool__",
          "__hash__",
          "__eq__",
          "__len__",
        ], [items]);
      }
    }
    const [only] = positions[0] ?? [];
    switch (name) {
      case "next":
        for (const each of positions[0] ?? []) {
          if (each.kind === "instance") items = union(items, this.#special(each, ["__next__"]));
        }
        return union(items, positions[1] ?? []);
      case "min":
      case "max":
        return union(items, named.get("default") ?? []);
      case "sum":
        return union(items, positions[1] ?? []);
      case "any":
      case "all":
        return [];
      case "enumerate":
      case "zip": {
        const pair = this.#site<Container>(at, "pair", () => containerOf("tuple"));
        if (name === "enumerate") {
          this.#addItem(pair, "0", [UNKNOWN_CONSTANT]);
          this.#addItem(pair, "1", items);
        } else {for (const [index, each] of positions.entries()) {
            this.#addItem(pair, String(index), this.#elements(each, at));
          }}
        return [this.#listOf(at, "list", [pair])];
      }
      case "list":
      case "tuple":
      case "iter":
        if (
          positions.length === 1 && (positions[0]?.length ?? 0) === 1 &&
          only?.kind === "container" && only.type !== "dict"
        ) {
          return [only];
        }
        if (only?.kind === "constant" && (positions[0]?.length ?? 0) === 1) {
          const letters = elementsInOrder(only);
          if (letters !== undefined && letters.length <= 4096) {
            const made = this.#site<Container>(
              at,
              `letters ${String(only.value)}`,
              () => containerOf("list"),
            );
            for (const [index, each] of letters.entries()) {
              this.#addItem(made, String(index), [each]);
            }
            return [made];
          }
        }
    }
    if (name === "reversed" && only?.kind === "constant") {
      const letters = elementsInOrder(only)?.reverse();
      if (letters !== undefined && letters.length <= 4096) {
        const made = this.#site<Container>(
          at,
          `reversed ${String(only.value)}`,
          () => containerOf("list"),
        );
        for (const [index, each] of letters.entries()) this.#addItem(made, String(index), [each]);
        return [made];
      }
    }
    if (
      name === "reversed" && only?.kind === "container" && only.rest.length === 0 &&
      only.type === "list"
    ) {
      const made = this.#site<Container>(at, "reversed", () => containerOf("list"));
      const size = only.items.size;
      for (let index = 0; index < size; index++) {
        this.#addItem(made, String(index), only.items.get(String(size - 1 - index)) ?? []);
      }
      return [made];
    }
    return [this.#listOf(at, name === "set" || name === "frozenset" ? "set" : "list", items)];
  }
}

/** Names of which every way to a relevant call needs at least one. */
const SINK_NAMES =
  /system|popen|exec|eval|compile|spawn|fork|startfile|subprocess|check_output|check_call|getoutput|urlopen|urlretrieve|requests|httpx|aiohttp|urllib[23]|\bhttp\b|socket|ftplib|smtplib|CDLL|ctypes|cffi|\bpty\b|runpy|marshal|pickle|rmtree|removedirs|__import__|import_module|load_module|load_library|__builtins__|builtins|globals|_getframe|__subclasses__|\bmodules\b|weights_only|unsafe|yaml|dill|joblib|\bcode\b|\bpip\b|webbrowser|bashrc|profile|ssh|\.pth|customize|cron|__loader__/u;
/** What reaches a name that is not written out, and the modules where that matters. */
const REACHES = /getattr|vars\b|__dict__|attrgetter|methodcaller|locate|resolve_name|import \*/u;
const REACHED = /\b_*(?:os|posix|nt|importlib|sys|shutil)\b/u;

/** True for a text that names something which must be followed. */
function mentionsSinks(text: string): boolean {
  const plain = text.normalize("NFKC");
  return SINK_NAMES.test(plain) || (REACHES.test(plain) && REACHED.test(plain));
}

/** Values that stand beside others: what is not known at all is so among them, too. */
function known(values: Values): Values {
  return values.length === 0 ? NOT_KNOWN : values;
}
const NOT_KNOWN: Values = [UNKNOWN_CONSTANT];

/** A constant that is not known, made of others. */
function unknownOf(...of: readonly Constant[]): Constant {
  return of.some(({ hidden }) => hidden) ? UNKNOWN_HIDDEN : UNKNOWN_CONSTANT;
}

/** Where a call stands. */
interface CallSite {
  readonly at: number;
  readonly end: number;
  readonly site: object;
  readonly scope?: Scope;
}

const UNKNOWN_MARK = UNKNOWN_CONSTANT;
const CLASSMETHOD = constantOf("classmethod");
const STATICMETHOD = constantOf("staticmethod");
const HANDED_ALL = /^(?!__init__$|__new__$|__del__$|__init_subclass__$|__set_name__$)/u;
const CALLED_THROUGH =
  /^(?:functools|operator|itertools|contextlib|copy|types|collections|weakref|builtins)\./u;
/** What is taken for called where something of the standard library was given it. */
const RISKY =
  /<computed>|^(?:os\.(?:system|popen|exec|spawn|posix_spawn|fork|startfile)|posix\.|nt\.|subprocess\.|pty\.|builtins\.(?:exec|eval|compile|__import__|open)|socket\.|urllib\.|ctypes\.|runpy\.|shutil\.|pickle\.|marshal\.|importlib\.)/u;
const COMPARISONS: ReadonlySet<string> = new Set(
  ["<", ">", "==", "!=", "<>", "<=", ">=", "in", "not", "is"],
);

const SHARED: ReadonlyMap<Constant["value"], Constant> = new Map<Constant["value"], Constant>([
  [null, constantOf(null)],
  [true, constantOf(true)],
  [false, constantOf(false)],
  ...Array.from({ length: 257 }, (_, at) => [at, constantOf(at)] as const),
]);

/** True for an argument that the callee may call or send away. */
function isCarried(value: Value): boolean {
  switch (value.kind) {
    case "outer":
      return isSensitive(value.path) || value.carries.length > 0;
    case "constant":
      return value.hidden || (typeof value.value === "string" && isNotableText(value.value));
    case "container":
      return value.rest.length > 0 || value.items.size > 0;
    case "method":
      return isCarried(value.self);
    case "property":
      return false;
    case "space":
      return true;
    default:
      return true;
  }
}

function isTextual(value: Constant): boolean {
  return typeof value.value === "string" && isNotableText(value.value);
}

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

function keysOf(index: Values): (string | undefined)[] {
  if (index.length === 0) return [undefined];
  return index.map((each) =>
    each.kind === "constant" && each.value !== undefined ? String(each.value) : undefined
  );
}

/** The items of a constant or of a list whose places are known, in order. */
function elementsInOrder(value: Value): Constant[] | undefined {
  if (value.kind === "constant") {
    if (typeof value.value !== "string" || value.value.length > 4096) return undefined;
    return value.bytes
      ? Array.from(value.value, (each) => constantOf(each.charCodeAt(0)))
      : Array.from(value.value, (each) => constantOf(each));
  }
  if (value.kind !== "container" || value.rest.length > 0 || value.type === "dict") {
    return undefined;
  }
  const items: Constant[] = [];
  for (let at = 0; at < value.items.size; at++) {
    const [only, ...others] = value.items.get(String(at)) ?? [];
    if (only?.kind !== "constant" || others.length > 0 || only.value === undefined) {
      return undefined;
    }
    items.push(only);
  }
  return items;
}

function asText(value: Constant): Constant | undefined {
  if (value.value === undefined) return undefined;
  return typeof value.value === "string" ? value : constantOf(String(value.value));
}

function compared(operator: string, a: Constant, b: Constant): Values {
  if (a.value === undefined || b.value === undefined) return [];
  switch (operator) {
    case "==":
      return [constantOf(a.value === b.value && a.bytes === b.bytes)];
    case "!=":
    case "<>":
      return [constantOf(!(a.value === b.value && a.bytes === b.bytes))];
    default:
      return [];
  }
}

/** `"{}{}".format(…)` of constants. */
function formatted(text: string, values: readonly Constant["value"][]): string | undefined {
  let next = 0;
  let known = true;
  const out = text.replace(/\{\{|\}\}|\{(\d*)\}|\{[^}]*\}/gu, (whole, index?: string) => {
    if (whole === "{{" || whole === "}}") return whole.slice(1);
    if (index === undefined) {
      known = false;
      return whole;
    }
    const value = values[index === "" ? next++ : Number(index)];
    if (value === undefined) known = false;
    return String(value);
  });
  return known ? out : undefined;
}

function endOf(chain: Chain): number {
  return chain.steps.at(-1)?.end ?? chain.at;
}

/** The same path by way of the module that it ends in: `shutil.os.system` is `os.system`. */
function shortest(path: string): string {
  if (!path.includes(".")) return path;
  const parts = path.split(".");
  for (let at = parts.length - 1; at > 0; at--) {
    const bare = withoutUnderscores(parts[at] ?? "");
    // A class or method of that name is no module.
    if (bare === "socket" && at === parts.length - 1 && parts[at] === bare) continue;
    if (HANDED_ON.has(bare) && parts[at - 1] !== "<module>") {
      return [bare, ...parts.slice(at + 1)].join(".");
    }
  }
  return path;
}
