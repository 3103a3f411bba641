/**
 * R values as far as they are code: symbols, calls, constants. Enough to write a call as a person
 * would, and to say which functions code calls.
 *
 * @module
 */

/** A value. Whatever is no code is "other". */
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
  | { readonly kind: "closure"; readonly calls: ReadonlyMap<string, string> }
  | { readonly kind: "builtin"; readonly name: string }
  | { readonly kind: "bytecode"; readonly constants: readonly RValue[] }
  | { readonly kind: "unbound" }
  | { readonly kind: "null" }
  | { readonly kind: "other"; readonly label: string };

export const OTHER: RValue = { kind: "other", label: "…" };
export const NULL: RValue = { kind: "null" };
export const UNBOUND: RValue = { kind: "unbound" };
export const MISSING: RValue = { kind: "other", label: "" };

const EXPRESSION_CHARACTERS = 2048;
const DEPTH = 12;
const ARGUMENTS = 20;

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
  return render(value, 0).slice(0, EXPRESSION_CHARACTERS);
}

function render(value: RValue, depth: number): string {
  if (depth > DEPTH) return "…";
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
      return render(value.constants[0] ?? OTHER, depth + 1);
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
        ? renderCall(value.car, value.cdr, depth)
        : `list(${list(value, depth).join(", ")})`;
  }
}

function renderCall(head: RValue, rest: RValue, depth: number): string {
  const given = list(rest, depth + 1);
  const name = render(head, depth + 1);
  if (name === "{") return `{ ${given.join("; ")} }`;
  if (/^:::?$/u.test(name) && given.length === 2) return given.join(name);
  if (name === "(") return `(${given.join(", ")})`;
  return `${head.kind === "cell" && !/^[\w.]+:::?[\w.]+$/u.test(name) ? `(${name})` : name}(${
    given.join(", ")
  })`;
}

function list(first: RValue, depth: number): string[] {
  const items: string[] = [];
  let cell = first;
  while (cell.kind === "cell" && items.length < ARGUMENTS) {
    const text = render(cell.car, depth + 1);
    items.push(cell.tag === "" ? text : `${cell.tag} = ${text}`);
    cell = cell.cdr;
  }
  if (cell.kind === "cell") items.push("…");
  return items;
}

/**
 * The functions that code calls, by name, each with its first call. In bytecode any symbol among the
 * constants may be called.
 */
export function callsIn(code: RValue): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const waiting: RValue[] = [code];
  // Cells of bytecode may be shared.
  const seen = new Set<RValue>();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    if (next.kind === "bytecode") {
      for (const constant of next.constants) {
        waiting.push(constant);
        if (constant.kind === "symbol") note(found, constant.name, constant);
      }
    } else if (next.kind === "cell") {
      if (next.call) {
        for (const name of calledBy(next.car, next.cdr)) note(found, name, next);
      }
      waiting.push(next.cdr, next.car);
    } else if (next.kind === "closure") {
      for (const [name, text] of next.calls) if (!found.has(name)) found.set(name, text);
    }
  }
  return found;
}

function note(found: Map<string, string>, name: string, call: RValue): void {
  if (!found.has(name)) found.set(name, rendered(call));
}

/** Names of what a call calls: its head, `package::name`, and what is handed to a caller. */
function calledBy(head: RValue, rest: RValue): string[] {
  if (head.kind === "cell" && head.call) {
    const operator = head.car.kind === "symbol" ? head.car.name : "";
    const second = head.cdr.kind === "cell" && head.cdr.cdr.kind === "cell"
      ? head.cdr.cdr.car
      : OTHER;
    return /^:::?$/u.test(operator) ? names(second) : [];
  }
  const own = names(head);
  const first = rest.kind === "cell" ? rest.car : OTHER;
  const second = rest.kind === "cell" && rest.cdr.kind === "cell" ? rest.cdr.car : OTHER;
  return own.some((name) => CALLERS.has(name)) ? [...own, ...names(first), ...names(second)] : own;
}

function names(value: RValue): string[] {
  if (value.kind === "symbol" || value.kind === "builtin") return [value.name];
  if (value.kind === "text") return [value.text];
  if (value.kind !== "constant") return [];
  return value.items.slice(0, 1).map((item) => item.replace(/^"(.*)"$/u, "$1"));
}
