/**
 * R values as far as they are code: symbols, calls, constants. Enough to write a call as a person
 * would, and to say which functions code calls.
 *
 * @module
 */

/** A value; one that is no code is "other". */
export type RValue =
  | { readonly kind: "symbol"; readonly name: string }
  | { readonly kind: "text"; readonly text: string }
  /** A vector of constants, as R writes them; at most a few. */
  | { readonly kind: "constant"; readonly items: readonly string[]; readonly more: boolean }
  | {
    /** A cell of a list of arguments, or of a call, whose first cell holds the function. */
    readonly kind: "cell";
    readonly call: boolean;
    readonly tag: string;
    readonly car: RValue;
    readonly cdr: RValue;
  }
  | { readonly kind: "closure"; readonly formals: RValue; readonly body: RValue }
  | { readonly kind: "builtin"; readonly name: string }
  | { readonly kind: "bytecode"; readonly constants: readonly RValue[] }
  | { readonly kind: "unbound" }
  | { readonly kind: "null" }
  | { readonly kind: "other"; readonly label: string };

/** A function. */
export type RClosure = Extract<RValue, { kind: "closure" }>;

export const OTHER: RValue = { kind: "other", label: "…" };
export const NULL: RValue = { kind: "null" };
export const UNBOUND: RValue = { kind: "unbound" };
export const MISSING: RValue = { kind: "other", label: "" };

/** Characters kept of an expression. R's own functions are longer: the beginning is evidence. CWE-779. */
const EXPRESSION_CHARACTERS = 2048;
/** Nested calls that are written. The deepest seen has 14, of which the innermost are left out. CWE-674. */
const DEPTH = 12;
/** Arguments that are written. The most seen are 3. CWE-779. */
const ARGUMENTS = 20;
/**
 * Values that are written for one call; cells that are used again and again are written every time. No call
 * seen has as many. CWE-779.
 */
const WRITTEN = 512;

/** Functions that call another one, which they get as their first argument by name or text. */
const CALLERS = new Set([
  "do.call",
  "match.fun",
  "get",
  "get0",
  "getFunction",
  "Recall",
  "lapply",
  "sapply",
  "Reduce",
]);

/** True for what R evaluates by calling something. */
export function isCall(value: RValue): boolean {
  return (value.kind === "cell" && value.call) || value.kind === "bytecode";
}

/** The call as R would write it, at most two thousand characters. */
export function rendered(value: RValue): string {
  return new Writer().value(value, 0).slice(0, EXPRESSION_CHARACTERS);
}

/** Writes one call; beyond `WRITTEN` values and `DEPTH` calls in one another it only hints. */
class Writer {
  #remaining = WRITTEN;

  value(value: RValue, depth: number): string {
    if (depth > DEPTH || this.#remaining-- <= 0) return "…";
    switch (value.kind) {
      case "symbol":
      case "builtin":
        return value.name;
      case "text":
        return JSON.stringify(value.text);
      case "constant": {
        const items = value.items.join(", ") + (value.more ? ", …" : "");
        return value.items.length === 1 && !value.more ? items : `c(${items})`;
      }
      case "bytecode":
        return this.value(value.constants[0] ?? OTHER, depth + 1);
      case "closure":
        return "function(…) …";
      case "null":
        return "NULL";
      case "unbound":
        return "…";
      case "other":
        return value.label;
      case "cell":
        return value.call
          ? this.#call(value.car, value.cdr, depth)
          : `list(${this.#list(value, depth).join(", ")})`;
    }
  }

  #call(head: RValue, rest: RValue, depth: number): string {
    const name = this.value(head, depth + 1);
    const operands = this.#list(rest, depth + 1);
    if (name === "{") return `{ ${operands.join("; ")} }`;
    if (/^:::?$/u.test(name) && operands.length === 2) return operands.join(name);
    if (name === "(") return `(${operands.join(", ")})`;
    const plain = head.kind !== "cell" || /^[\w.]+:::?[\w.]+$/u.test(name);
    return `${plain ? name : `(${name})`}(${operands.join(", ")})`;
  }

  #list(first: RValue, depth: number): string[] {
    const items: string[] = [];
    let cell = first;
    while (cell.kind === "cell" && items.length < ARGUMENTS && this.#remaining > 0) {
      const text = this.value(cell.car, depth + 1);
      items.push(cell.tag === "" ? text : `${cell.tag} = ${text}`);
      cell = cell.cdr;
    }
    if (cell.kind === "cell") items.push("…");
    return items;
  }
}

/**
 * The functions that code calls, by name, each with its first call. In bytecode any symbol among the
 * constants may be called.
 *
 * @param code some values, of which functions are looked into
 */
export function callsIn(...code: readonly RValue[]): ReadonlyMap<string, RValue> {
  return gather(code, new Set(), true);
}

/** The same for several functions, inner ones first. Nodes that functions share or nest are walked once. */
export class FunctionCalls {
  readonly #visited = new WeakSet<RValue>();

  /** What a function calls, but for what functions within it call, and for what is known already. */
  of(closure: RClosure): ReadonlyMap<string, RValue> {
    return gather([closure.formals, closure.body], this.#visited, false);
  }
}

function gather(
  code: readonly RValue[],
  visited: Pick<WeakSet<RValue>, "has" | "add">,
  inFunctions: boolean,
): ReadonlyMap<string, RValue> {
  const found = new Map<string, RValue>();
  const waiting: RValue[] = [...code];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    // Cells of bytecode may be shared.
    if (visited.has(next)) continue;
    visited.add(next);
    if (next.kind === "bytecode") {
      for (const constant of next.constants) {
        waiting.push(constant);
        if (constant.kind === "symbol") recordCall(found, constant.name, constant);
      }
    } else if (next.kind === "cell") {
      if (next.call) {
        for (const name of calledBy(next.car, next.cdr)) recordCall(found, name, next);
      }
      waiting.push(next.cdr, next.car);
    } else if (next.kind === "closure" && inFunctions) {
      waiting.push(next.formals, next.body);
    }
  }
  return found;
}

function recordCall(found: Map<string, RValue>, name: string, call: RValue): void {
  if (!found.has(name)) found.set(name, call);
}

/** Names of what a call calls: its head, `package::name`, and what is handed to a caller. */
function calledBy(head: RValue, rest: RValue): string[] {
  if (head.kind === "cell" && head.call) {
    const operator = head.car.kind === "symbol" ? head.car.name : "";
    const second = head.cdr.kind === "cell" && head.cdr.cdr.kind === "cell"
      ? head.cdr.cdr.car
      : OTHER;
    return /^:::?$/u.test(operator) ? calledNames(second) : [];
  }
  const own = calledNames(head);
  const first = rest.kind === "cell" ? rest.car : OTHER;
  const second = rest.kind === "cell" && rest.cdr.kind === "cell" ? rest.cdr.car : OTHER;
  return own.some((name) => CALLERS.has(name))
    ? [...own, ...calledNames(first), ...calledNames(second)]
    : own;
}

function calledNames(value: RValue): string[] {
  if (value.kind === "symbol" || value.kind === "builtin") return [value.name];
  if (value.kind === "text") return [value.text];
  if (value.kind !== "constant") return [];
  return value.items.slice(0, 1).map((item) => item.replace(/^"(.*)"$/u, "$1"));
}
