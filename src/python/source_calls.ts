/**
 * Which calls of a module run: those at its top, and those of its own functions and classes as far as
 * these lead to them.
 *
 * @module
 */

import type { PythonModule, SourceCall } from "./source.ts";

/** Methods that run when somebody makes an object of a class. */
const CONSTRUCTORS = ["__init__", "__new__", "__post_init__", "__init_subclass__", "__call__"];

/** What besides the import itself runs. */
export interface Runs {
  /** Classes that the loader makes objects of. */
  readonly classes?: Iterable<string>;
  /** Functions that the loader calls: `f`, `Class.method`. */
  readonly functions?: Iterable<string>;
  /** False to take a function that is handed over as called only where it is handed to a runner. */
  readonly handed?: boolean;
}

/** What calls the functions that it is given: threads, exit handlers, `map` and the like. */
const RUNNERS =
  /(?:^|\.)(?:Thread|Timer|Process|start_new_thread|register|submit|map|filter|reduce|call_soon|call_later|run)$/u;

/**
 * The calls that importing the module runs, and what its loader calls then.
 *
 * @param runs what the loader does besides importing
 */
export function callsAtImport({ calls }: PythonModule, runs: Runs = {}): readonly SourceCall[] {
  const byScope = new Map<string, SourceCall[]>();
  for (const call of calls) {
    const known = byScope.get(call.scope);
    if (known === undefined) byScope.set(call.scope, [call]);
    else known.push(call);
  }
  const running = new Set(
    calls.filter(({ called, path }) => called && RUNNERS.test(path)).map(({ line }) => line),
  );
  const found: SourceCall[] = [];
  const entered = new Set<string>();
  const classes = Array.from(runs.classes ?? []).flatMap(constructorsOf);
  const waiting = ["", ...runs.functions ?? [], ...classes];
  for (let scope = waiting.pop(); scope !== undefined; scope = waiting.pop()) {
    if (entered.has(scope)) continue;
    entered.add(scope);
    for (const call of byScope.get(scope) ?? []) {
      if (!call.called && runs.handed === false && !running.has(call.line)) continue;
      waiting.push(...reachedScopes(call, scope).filter((each) => byScope.has(each)));
      found.push(call);
    }
  }
  return found.sort((a, b) => a.line - b.line);
}

/** The functions of the module that a call may lead to. */
function reachedScopes({ path }: SourceCall, scope: string): string[] {
  // self.method() in a class that is being made.
  const owner = scope.includes(".") ? scope.slice(0, scope.lastIndexOf(".")) : "";
  const method = /^(?:self|cls|super)\.(\w+)$/u.exec(path)?.[1];
  const own = owner !== "" && method !== undefined ? [`${owner}.${method}`] : [];
  return [path, ...constructorsOf(path), ...own];
}

function constructorsOf(name: string): string[] {
  return CONSTRUCTORS.map((method) => `${name}.${method}`);
}
