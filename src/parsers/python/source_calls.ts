/**
 * Which calls of a module run: those at its top, and those of its own functions and classes as far as
 * these lead to them.
 *
 * @module
 */

import type { PythonModule, SourceCall } from "./source.ts";

/** Methods that run when somebody makes an object of a class, besides those that have no name. */
const CONSTRUCTORS = ["__init__", "__new__", "__post_init__", "__init_subclass__", "__call__"];
/** Methods that Python calls where a class is defined or subscripted. */
const DEFINING = /\.(?:__init_subclass__|__set_name__|__class_getitem__|__prepare__)$/u;
/** Functions of a module that `from module import name` calls. */
const MODULE_HOOKS: ReadonlySet<string> = new Set(["__getattr__", "__dir__"]);
/** What makes a class of what is derived from it. */
const METACLASS = /(?:^|\.)(?:builtins\.)?(?:type|ABCMeta|EnumMeta|EnumType)$/u;
/** Classes that a method which no class of the module itself has is looked for in. */
const ANCESTORS = 64;

/** What besides the import itself runs. */
interface Runs {
  /** Classes that the loader makes objects of. */
  readonly classes?: Iterable<string>;
  /** Functions that the loader calls: `f`, `Class.method`. */
  readonly functions?: Iterable<string>;
  /** False to take a function that is handed over as called only where it is handed to a runner. */
  readonly handed?: boolean;
}

/** What calls the functions that it is given: threads, exit handlers, `map` and the like. */
const RUNNERS = new RegExp(
  "(?:(?:^|\\.)(?:Thread|Timer|Process|start_new_thread|submit|map|imap|imap_unordered|map_async|starmap|" +
    "apply|apply_async|filter|reduce|sorted|max|min|sub|subn|iter|call_soon|call_later|run|run_in_executor|" +
    "enter|enterabs|finalize|settrace|setprofile|addaudithook|register_at_fork)$|" +
    "^atexit\\.register$|^signal\\.signal$|^sys\\.path_hooks\\.|" +
    "\\.<hook>$)",
  "u",
);
/** What runs its method `run` when it is started. */
const STARTED = /(?:^|\.)(?:Thread|Timer|Process)$/u;

/**
 * The calls that importing the module runs, and what its loader calls then.
 *
 * @param runs what the loader does besides importing
 */
export function callsAtImport(module: PythonModule, runs: Runs = {}): readonly SourceCall[] {
  const { calls } = module;
  const scopes = new Scopes(module);
  const running = new Set(
    calls.filter(({ called, path }) => called && RUNNERS.test(path)).map(({ line }) => line),
  );
  const found: SourceCall[] = [];
  const entered = new Set<string>();
  const followed = new Set<string>();
  const classes = Array.from(runs.classes ?? []).flatMap((name) => scopes.made(name));
  const waiting = ["", ...runs.functions ?? [], ...classes, ...scopes.defining()];
  for (let scope = waiting.pop(); scope !== undefined; scope = waiting.pop()) {
    if (entered.has(scope)) continue;
    entered.add(scope);
    for (const call of scopes.calls(scope)) {
      if (!call.called && runs.handed === false && !running.has(call.line)) continue;
      found.push(call);
      const from = /^(?:self|cls|super)\./u.test(call.path) ? `${scope}\n${call.path}` : call.path;
      if (followed.has(from)) continue;
      followed.add(from);
      for (const each of scopes.reached(call, scope)) waiting.push(each);
    }
  }
  return found.sort((a, b) => a.line - b.line);
}

/** The functions of a module, and which of them lead to which. */
class Scopes {
  readonly #module: PythonModule;
  readonly #byScope = new Map<string, SourceCall[]>();
  /** For each class its methods with names such as `__enter__`, which no call names. */
  readonly #special = new Map<string, string[]>();
  /** Classes that an object was made of, or of a class derived from them. */
  readonly #made = new Set<string>();
  readonly #families = new Map<string, ReadonlySet<string>>();

  constructor(module: PythonModule) {
    this.#module = module;
    for (const call of module.calls) {
      const known = this.#byScope.get(call.scope);
      if (known === undefined) this.#byScope.set(call.scope, [call]);
      else known.push(call);
    }
    for (const scope of this.#byScope.keys()) {
      const dot = scope.lastIndexOf(".");
      if (dot < 0 || !scope.startsWith("__", dot + 1)) continue;
      const owner = scope.slice(0, dot);
      const known = this.#special.get(owner);
      if (known === undefined) this.#special.set(owner, [scope]);
      else known.push(scope);
    }
  }

  calls(scope: string): readonly SourceCall[] {
    return this.#byScope.get(scope) ?? [];
  }

  /** What runs where the module's classes are defined, and what imports of its names call. */
  defining(): string[] {
    const hooks = [...this.#byScope.keys()]
      .filter((scope) => DEFINING.test(scope) || MODULE_HOOKS.has(scope));
    return [...hooks, ...this.#metaclasses().flatMap((name) => this.made(name))];
  }

  /** Classes derived from one that makes classes. */
  #metaclasses(): string[] {
    const derived = new Map<string, string[]>();
    const found = new Set<string>();
    for (const [name, bases] of this.#module.bases) {
      if (METACLASS.test(name) || bases.some((base) => METACLASS.test(base))) found.add(name);
      for (const base of bases) {
        const known = derived.get(base);
        if (known === undefined) derived.set(base, [name]);
        else known.push(name);
      }
    }
    for (const name of found) for (const each of derived.get(name) ?? []) found.add(each);
    return [...found];
  }

  /**
   * Methods that run when an object of a class is made and used, its own and those that it inherits,
   * but for those that have been given before.
   */
  made(name: string): string[] {
    const classes = new Set([name]);
    const methods: string[] = [];
    for (const each of classes) {
      if (this.#made.has(each)) continue;
      this.#made.add(each);
      for (const base of this.#module.bases.get(each) ?? []) classes.add(base);
      methods.push(
        ...CONSTRUCTORS.map((method) => `${each}.${method}`),
        ...this.#special.get(each) ?? [],
      );
    }
    return methods.filter((each) => this.#byScope.has(each));
  }

  /** The functions of the module that a call may lead to. */
  reached({ path }: SourceCall, scope: string): string[] {
    const owner = scope.includes(".") ? scope.slice(0, scope.lastIndexOf(".")) : "";
    // self.method() in a class that is being made.
    const method = /^(?:self|cls|super)\.(\w+)$/u.exec(path)?.[1];
    const own = owner !== "" && method !== undefined ? this.#methods(owner, method) : [];
    const dot = path.lastIndexOf(".");
    const inherited = dot < 0 ? [] : this.#methods(path.slice(0, dot), path.slice(dot + 1));
    const started = path.endsWith(".start") ? this.#started(path.slice(0, dot)) : [];
    return [path, ...this.made(path), ...own, ...inherited, ...started]
      .filter((each) => this.#byScope.has(each));
  }

  /** What starting an object of a class runs. */
  #started(owner: string): string[] {
    const family = [...this.#family(owner)];
    return family.some((each) => STARTED.test(each)) ? this.#methods(owner, "run") : [];
  }

  #methods(owner: string, method: string): string[] {
    return Array.from(this.#family(owner), (each) => `${each}.${method}`);
  }

  /** A class and those that it is derived from. */
  #family(name: string): ReadonlySet<string> {
    let family = this.#families.get(name);
    if (family === undefined) {
      family = this.#ancestors(name);
      this.#families.set(name, family);
    }
    return family;
  }

  #ancestors(name: string): Set<string> {
    const family = new Set([name]);
    for (const each of family) {
      for (const base of this.#module.bases.get(each) ?? []) {
        if (family.size > ANCESTORS) return family;
        family.add(base);
      }
    }
    return family;
  }
}
